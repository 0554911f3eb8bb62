"""A real demo for the session, and the command line run in this process or in one of its own."""

import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Protocol

import msgspec
import pytest
from typer.testing import CliRunner

from tyrian.cli.tree import app
from tyrian.store import embedded

_READY: Final = re.compile(r"ready at (http://\S+)")
_SECONDS: Final = 60


class Outcome:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    def __repr__(self) -> str:
        return f"code {self.code}\n{self.out}\n{self.err}"

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return msgspec.json.decode(self.out)

    @property
    def json_lines(self) -> list[Any]:
        """Standard output as JSON, one value a line."""
        return [msgspec.json.decode(line) for line in self.out.splitlines()]


class Cli(Protocol):
    """Runs `tyrian` with these arguments, against the demo unless `url` says otherwise; typed words are its input."""

    def __call__(self, *arguments: object, url: str | None = None, typed: str | None = None) -> Outcome: ...


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings from outside, no data folder of the user's, and the log as it was."""
    for name in [name for name in os.environ if name.startswith("TYRIAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def _environment(**extra: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TYRIAN_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **extra}


class Running:
    """A command in a process of its own. Its output is read line by line."""

    def __init__(self, *arguments: object, **environment: str) -> None:
        command = [sys.executable, "-m", "tyrian", *map(str, arguments)]
        pipe, env = subprocess.PIPE, _environment(**environment)
        # A shell that starts the tests in the background has its children ignore Ctrl-C, and they theirs.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env)
        finally:
            signal.signal(signal.SIGINT, before)

    @property
    def stdout(self) -> IO[str]:
        """What it prints."""
        assert self.process.stdout is not None
        return self.process.stdout

    def read_until(self, pattern: "re.Pattern[str]") -> "re.Match[str]":
        """Reads lines until one has the pattern."""
        for line in self.stdout:
            match = pattern.search(line)
            if match:
                return match
        raise AssertionError(f"it ended without {pattern.pattern}: {self.end().err}")

    def signal(self, number: int = signal.SIGINT) -> None:
        """Sends a signal; Ctrl-C unless said."""
        self.process.send_signal(number)

    def end(self, seconds: float = _SECONDS) -> Outcome:
        """Waits for its end."""
        out, err = self.process.communicate(timeout=seconds)
        return Outcome(self.process.returncode, out, err)


@contextmanager
def started(*arguments: object, **environment: str) -> Iterator[Running]:
    """A command in a process of its own, killed at the end if it has not ended by itself."""
    running = Running(*arguments, **environment)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.communicate()
        for stream in (running.process.stdout, running.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture(scope="package")
def data_dir(run_folder: Path) -> Iterator[Path]:
    """The demo's data folder, with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="cli-", dir=run_folder) as folder:
        yield Path(folder)


@pytest.fixture(scope="package")
def demo(data_dir: Path) -> Iterator[str]:
    """The URL of a demo whose clock runs ten times as fast."""
    log = (data_dir / "demo.log").open("w")
    command = [sys.executable, "-m", "tyrian", "demo", "--port", "0", "--time-scale", "10", "--data-dir", str(data_dir)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=_environment())
    assert process.stdout is not None
    try:
        found = next((m for line in process.stdout if (m := _READY.search(line))), None)
        assert found, (data_dir / "demo.log").read_text()
        yield found[1]
    finally:
        process.terminate()
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        log.close()
        embedded.stop(data_dir, mode="immediate")


@pytest.fixture
def bare() -> Cli:
    """The command line in this process, with no gateway in mind."""

    def run(*arguments: object, url: str | None = None, typed: str | None = None) -> Outcome:
        environment = {"TYRIAN_URL": url, "TYRIAN_API_KEY": None}
        result = CliRunner().invoke(app, [str(a) for a in arguments], input=typed, env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def cli(demo: str, bare: Cli) -> Cli:
    """The command line in this process, against the demo."""

    def run(*arguments: object, url: str | None = None, typed: str | None = None) -> Outcome:
        return bare(*arguments, url=url or demo, typed=typed)

    return run


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a CSV file."""

    def write(text: str, name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return path

    return write
