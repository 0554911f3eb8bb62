"""How a process of the command line ends: codes that shells see, Ctrl-C, and a reader that has seen enough."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, started
from tyrian.cli import failures


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("bulks", "list"), 0),
        (("send", "+385991234505", "Hi", "-c", "demo-viber", "--wait"), 1),
        (("send", "+385991234505"), 2),
        (("bulks", "list", "--url", "http://127.0.0.1:1"), 3),
        (("message", "nothing"), 4),
    ],
)
def test_the_shell_sees_the_exit_code(demo: str, words: tuple[str, ...], code: int) -> None:
    with started(*words, TYRIAN_URL=demo) as command:
        told = command.end()
    assert told.code == code
    assert "Traceback" not in told.err
    assert bool(told.err) == (code > 1)


def test_ctrl_c_ends_a_command_without_a_traceback(demo: str) -> None:
    options = ("-c", "demo-viber", "--wait")
    with started("send", "+385991234509", "Hi", *options, TYRIAN_URL=demo) as command:
        command.read_until(re.compile(r"accepted"))
        command.signal()
        told = command.end()
    assert (told.code, told.err.strip()) == (130, "Interrupted.")


def test_a_reader_that_has_seen_enough(cli: Cli, demo: str, tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    file.write_text("to\n" + "".join(f"+3859912{number:05}\n" for number in range(3000)))
    later = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    bulk_id = cli("bulk", file, "-c", "demo-sms", "-t", "Hi", "--send-at", later, "--json").json["bulk_id"]
    with started("bulks", "outcomes", bulk_id, TYRIAN_URL=demo) as command:
        assert command.stdout.readline().startswith("id,to,status")
        command.stdout.close()
        command.process.wait(30)
        assert command.process.stderr is not None
        assert (command.process.returncode, command.process.stderr.read()) == (0, "")
    cli("bulks", "cancel", bulk_id, "--yes")


def test_python_m_tyrian_is_the_same_command() -> None:
    told = subprocess.run([sys.executable, "-m", "tyrian", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("Tyrian ")


def test_every_failure_has_a_code_of_its_own() -> None:
    assert len({code.value for code in failures.Exit}) == len(failures.Exit)
