"""The reference of all commands in Markdown, made from the commands themselves.

`python -m tyrian.cli.reference` prints it, for `docs/reference/cli.md`.
"""

import sys
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from tyrian.cli.tree import app


def reference() -> str:
    """A section for each command: what it does, its arguments and its options with their defaults."""
    return "\n\n".join(_sections()) + "\n"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by its full name, groups left out."""
    yield from _walk("tyrian", get_command(app))


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
    else:
        for word, child in inner.items():
            yield from _walk(f"{name} {word}", child)


def _sections() -> Iterator[str]:
    for name, command in commands():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
        usage = " ".join([name, *map(_metavar, arguments), "[OPTIONS]"])
        rows = [*map(_argument_row, arguments), *map(_option_row, options)]
        table = "\n".join(["| argument or option | meaning |", "|---|---|", *rows])
        yield f"### {name}\n\n```text\n{usage}\n```\n\n{_text(command.help)}\n\n{table}"


def _text(words: str | None) -> str:
    return " ".join((words or "").split("\n\n")[0].split()) + "".join(
        "\n\n" + " ".join(paragraph.split()) for paragraph in (words or "").split("\n\n")[1:]
    )


def _metavar(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _argument_row(argument: Any) -> str:
    return f"| `{_metavar(argument)}` | {_cell(argument.help)} |"


def _option_row(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*reversed(option.opts), *option.secondary_opts))
    value = "" if option.is_flag else f" {option.metavar or _kind(option)}"
    words = [_cell(option.help)]
    if option.default not in (None, False):
        words.append(f"Default: `{option.default}`.")
    if option.envvar:
        words.append(f"Environment: `{option.envvar}`.")
    return f"| {names}{value} | {' '.join(words)} |"


def _kind(option: Any) -> str:
    words = {"str": "TEXT", "int": "N", "float": "NUMBER", "path": "FILE"}
    kind = option.display_type(None).strip("<>").removeprefix("list[").removesuffix("]").split(" ")[0]
    return words.get(kind) or str(kind.upper())


def _cell(words: str | None) -> str:
    return (words or "").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
