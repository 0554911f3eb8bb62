"""The page of the command line says what the command line is."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from tests.cli.conftest import Cli
from tyrian.cli.failures import Exit
from tyrian.cli.reference import commands, reference
from tyrian.cli.tree import app

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_the_page_holds_every_command_as_it_is() -> None:
    assert reference() in PAGE.read_text("utf-8"), "python -m tyrian.cli.reference prints what belongs into the page"


@pytest.mark.parametrize(("name", "command"), [pytest.param(n, c, id=n) for n, c in commands()])
def test_every_command_and_option_is_in_its_section(name: str, command: object) -> None:
    section = PAGE.read_text("utf-8").split(f"### {name}\n")[1].split("\n### ")[0]
    for parameter in command.params:  # type: ignore[attr-defined]
        names = parameter.opts if parameter.param_type_name == "option" else []
        assert all(f"`{n}`" in section for n in names if parameter.name != "help"), parameter.name
        assert parameter.name == "help" or parameter.help, f"{name}: {parameter.name} has no help"
    assert command.help  # type: ignore[attr-defined]


def test_every_exit_code_is_in_the_page() -> None:
    page = PAGE.read_text("utf-8")
    assert all(f"| {code.value} | " in page for code in Exit)


def test_help_names_every_command(bare: Cli) -> None:
    told = bare("--help")
    assert told.code == 0
    assert all(name in told.out for name in get_command(app).commands)  # type: ignore[attr-defined]


def test_the_version(bare: Cli) -> None:
    assert bare("--version").out.startswith("Tyrian 0.")


def test_the_commands_are_known_without_loading_what_is_heavy() -> None:
    heavy = ("asyncio", "asyncpg", "msgspec", "phonenumbers", "pyreqwest", "rich", "tyrian.engine", "uvicorn")
    code = f"import sys, tyrian.cli.tree; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
