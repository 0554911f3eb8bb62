"""Placeholders: `{{name}}` in any text of a content stands for the recipient's variable of that name.

A name is anything but braces, up to 64 characters; spaces around it do not count. `{{{{` is a literal `{{`; a lone
brace, and `}}` without an opening, are what they are. Values are put in as they stand and are not looked into again.

`problems` says beforehand what could not be rendered; `render` itself never fails (a placeholder it has no value for
stays as written), because what was accepted must be sent.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from tyrian.domain.content import Base
from tyrian.domain.problem import Problem, escape

OPENING: Final = "{{"
_TOKEN: Final = re.compile(r"\{\{\{\{|\{\{\s*([^{}]{1,64}?)\s*\}\}|\{\{")

C = TypeVar("C", bound=Base)


def render(content: C, variables: Mapping[str, str]) -> C:
    """The content with each placeholder replaced. The very same object where it has none."""

    def value_of(found: re.Match[str]) -> str:
        name = found.group(1)
        if name is None:
            return OPENING
        return variables.get(name, found.group())

    rendered: C = _mapped(content, lambda text: _TOKEN.sub(value_of, text))
    return rendered


def templated(content: Base) -> bool:
    """Whether anything in the content would be changed by rendering: a placeholder, or a literal `{{{{`."""
    return any(True for _ in _texts(content, ""))


def names(content: Base) -> set[str]:
    """The placeholders' names."""
    return {m.group(1) for _, text in _texts(content, "") for m in _TOKEN.finditer(text) if m.group(1)}


def problems(content: Base, variables: Collection[str], at: str = "") -> list[Problem]:
    """Each placeholder without a variable, and each `{{` that opens none, at its JSON pointer."""
    found = []
    for pointer, text in _texts(content, at):
        for name in dict.fromkeys(_unknown(text, variables)):
            if name is None:
                message = 'has a "{{" that opens no placeholder; write "{{{{" for a literal "{{"'
                found.append(Problem(pointer, message, "bad_placeholder"))
            else:
                message = f'has the placeholder "{{{{{name}}}}}", and no variable of that name is given'
                found.append(Problem(pointer, message, "unknown_placeholder"))
    return found


def _unknown(text: str, variables: Collection[str]) -> Iterator[str | None]:
    for token in _TOKEN.finditer(text):
        name = token.group(1)
        if name is None and token.group() == OPENING:
            yield None
        elif name is not None and name not in variables:
            yield name


def _texts(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """Every string that has an opening in it, with its JSON pointer."""
    if isinstance(value, str):
        if OPENING in value:
            yield at, value
    elif isinstance(value, Struct):
        for name, encoded in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            yield from _texts(getattr(value, name), f"{at}/{encoded}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _texts(item, f"{at}/{i}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, f"{at}/{escape(str(key))}")


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """The value with each string that has an opening in it changed; itself where none has."""
    if isinstance(value, str):
        return change(value) if OPENING in value else value
    if isinstance(value, Struct):
        return _mapped_struct(value, change)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return value


def _mapped_struct(value: Struct, change: Callable[[str], str]) -> Struct:
    changed = {}
    for name in value.__struct_fields__:
        old = getattr(value, name)
        if old is None:
            continue
        new = _mapped(old, change)
        if new is not old and new != old:
            changed[name] = new
    return replace(value, **changed) if changed else value
