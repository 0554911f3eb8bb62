"""What the documentation names is there: commands, options, settings, paths of the API, metrics, modules, files."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer.main

from tyrian.cli.tree import app
from tyrian.engine.metrics import METRICS
from tyrian.protocols.native.operations import OPERATIONS
from tyrian.settings import CONFIG_VARIABLE, SETTINGS

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"))
    if "_build" not in path.parts
)
#: Variables of the commands that talk to a gateway, beside the settings.
CLIENT_VARIABLES: Final = {"TYRIAN_URL", "TYRIAN_API_KEY"}
#: Names that a page makes up for its own example.
MADE_UP: Final = {"TYRIAN_CONFORMANCE", "tyrian_pigeon"}
#: Beginnings and names that look like metrics: keys, notifications, databases.
NOT_METRICS: Final = re.compile(r"tyrian_(?:$|due$|config$|demo|tests|template)")
#: Statements and pieces that end a command on one line of a shell.
_SHELL_ENDS: Final = re.compile(r"\s(?:\|\||&&|\||>|<<).*")


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def fences(page: str, *languages: str) -> Iterator[str]:
    for found in re.finditer(r"^ *```(\w+)\n(.*?)^ *```$", read(page), re.M | re.S):
        if found[1] in languages:
            yield found[2]


def words(page: str) -> set[str]:
    """What stands between backticks, outside of blocks."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```$", "", read(page), flags=re.M | re.S)))


def commands(page: str) -> Iterator[str]:
    """Every `tyrian ...` of the page's shell blocks and of its text."""
    for block in fences(page, "bash", "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            found = re.search(r"(?:^\s*|bin/|\benv \S+ |\n)(tyrian .*)", line)
            if found:
                yield _SHELL_ENDS.sub("", found[1])
    for word in words(page):
        if word.startswith("tyrian "):
            yield word


def unknown_in(command: str) -> list[str]:
    """The parts of a command that the command line does not have."""
    at: Any = typer.main.get_command(app)
    unknown = []
    for token in shlex.split(command)[1:]:
        name = token.partition("=")[0]
        if name.startswith("-"):
            known = {option for parameter in at.params for option in (*parameter.opts, *parameter.secondary_opts)}
            if name not in known | {"--help", "-h"}:
                unknown.append(f"{at.name} {name}")
        elif hasattr(at, "commands") and re.fullmatch(r"[a-z]+", token):
            if token not in at.commands:
                return [*unknown, f"{at.name} {token}"]
            at = at.commands[token]
    return unknown


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_their_options(page: str) -> None:
    assert [wrong for command in commands(page) for wrong in unknown_in(command)] == []


def test_unknown_commands_and_options_are_found() -> None:
    assert unknown_in("tyrian bulks pause ID --yes") == ["pause --yes"]
    assert unknown_in("tyrian channels paint NAME") == ["channels paint"]
    assert unknown_in("tyrian send +385991234501 'Hello' --channel demo-viber --wait") == []


@pytest.mark.parametrize("page", PAGES)
def test_settings(page: str) -> None:
    known = {s.name for s in SETTINGS}
    given = {name for block in fences(page, "toml") for name in tomllib.loads(block)}
    assert given - known == set()
    variables = set(re.findall(r"\bTYRIAN_[A-Z_]+\b", read(page)))
    assert variables - {s.variable for s in SETTINGS} - CLIENT_VARIABLES - {CONFIG_VARIABLE} - MADE_UP == set()


@pytest.mark.parametrize("page", PAGES)
def test_paths_of_the_api(page: str) -> None:
    served = [re.compile(re.sub(r"\{\w+\}", "[^/]+", operation.path)) for operation in OPERATIONS]
    named = {path.rstrip("./") for path in re.findall(r"/api/v1/[^\s`'\"?,;)|]+", read(page))}
    assert {path for path in named if not any(pattern.fullmatch(path) for pattern in served)} == set()


@pytest.mark.parametrize("page", PAGES)
def test_metrics(page: str) -> None:
    named = {name.removesuffix("_bucket") for name in re.findall(r"\btyrian_[a-z_]*", read(page))}
    assert {name for name in named if not NOT_METRICS.match(name)} - set(METRICS) - MADE_UP == set()


# -- The architecture -------------------------------------------------------------------------------------------------

ARCHITECTURE: Final = "docs/architecture.md"
FLOORS: Final = ("domain", "store", "engine")


def described(floor: str) -> set[str]:
    """The modules in the table of a floor."""
    section = read(ARCHITECTURE).partition(f"\n### {floor}\n")[2].partition("\n##")[0]
    rows = re.findall(r"(?m)^\| ((?:`[a-z_/]+`(?:, )?)+) \|", section)
    return {name for row in rows for name in re.findall(r"`([a-z_]+)/?`", row)}


@pytest.mark.parametrize("floor", FLOORS)
def test_modules_that_are_described(floor: str) -> None:
    folder = ROOT / "src" / "tyrian" / floor
    there = {path.stem for path in folder.iterdir() if path.stem[:1] != "_" and not path.name.startswith(".")}
    assert len(described(floor)) > 8
    assert described(floor) - there == set()


def test_the_schema_s_tables_are_described() -> None:
    schema = (ROOT / "src/tyrian/store/migrations/0001_spine.sql").read_text("utf-8")
    tables = set(re.findall(r"(?m)^CREATE TABLE (\w+) \(", schema))
    assert tables - words(ARCHITECTURE) == set()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", ARCHITECTURE])
def test_files_that_are_named_or_linked_are_there(page: str) -> None:
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", read(page)) if ":" not in link}
    beside = (ROOT / page).parent
    missing = {link for link in links if link and not (beside / link).exists()}
    named = {word for word in words(page) if re.fullmatch(r"(?:[\w.-]+/)+[\w.-]*\.\w+", word)}
    places = (ROOT, ROOT / "src" / "tyrian")
    missing |= {name for name in named if not any((place / name).exists() for place in places)}
    assert missing - {"migrations/versions/NNNN_name.py", "src/tyrian/store/migrations/NNNN_name.sql"} == set()
