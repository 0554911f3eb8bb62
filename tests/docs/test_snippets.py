"""Every command of the README, the tutorial and the guides that say so is run, and prints what the page says."""

import os
import re
import shlex
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.docs.snippets import File, Reader, Run, Shown, Step, Unclear, left_out, steps
from tests.docs.terminals import Program, Shell
from tyrian.store import embedded

ROOT: Final = Path(__file__).parents[2]
#: In this order, so that a demo that is started alike on two pages is started once.
PAGES: Final = (
    "docs/tutorial/first-messages.md",
    "README.md",
    "docs/tutorial/many-people.md",
    "docs/tutorial/a-flow-of-ten-steps.md",
    "docs/how-to/pace-and-schedule-bulks.md",
    "docs/how-to/monitor.md",
    "docs/how-to/rotate-keys-and-secrets.md",
    "docs/how-to/move-from-infobip.md",
    "docs/how-to/move-from-telesign.md",
    "docs/how-to/move-from-tyntec.md",
    "docs/how-to/move-from-genesys.md",
)
#: Blocks that cannot be run in a test, by page.
LEFT_OUT: Final = {
    "docs/how-to/move-from-infobip.md": ["it needs Infobip's client"],
    "README.md": ["the tests would start themselves"],
    "docs/how-to/monitor.md": ["for Prometheus", "for Prometheus"],
    "docs/how-to/rotate-keys-and-secrets.md": ["for a channel of your own", "settings"],
}

#: The ports that the pages name: the demo's, and the receiver's.
DEMO_PORT, HOOK_PORT = "8080", "9000"
_DEMO: Final = re.compile(r'make run(?: ARGS="(?P<arguments>[^"]*)")?\n')
_RECEIVER: Final = "python3 hook.py"
#: Commands that change something are run once; those that only look are run again until what they show has come.
_CHANGES: Final = re.compile(
    r"(?:^|\s)(?:-d|-X|-T|--data\S*|--request|<<|>)(?:\s|$)|tyrian (?!message|watch|bulks show|bulks outcomes)"
)
_PATIENCE: Final = 30.0
_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 1.0


class Reading:
    """Somebody who reads pages and does what they say, on a machine whose ports are others than the pages'."""

    def __init__(self, folder: Path, free_port: Callable[[], int]) -> None:
        self.folder = folder
        self._ports = {DEMO_PORT: str(free_port()), HOOK_PORT: str(free_port())}
        self._programs: dict[str, Program] = {}
        self._demo = ""
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / "docs").symlink_to(ROOT / "docs")
        (folder / "bin").mkdir()
        (folder / "bin" / "python3").symlink_to(sys.executable)
        path = f"{os.environ['PATH']}{os.pathsep}{folder / 'bin'}"
        mine = {name: value for name, value in os.environ.items() if not name.startswith("TYRIAN_")}
        self._environment = {**mine, "PATH": path, "TYRIAN_URL": f"http://127.0.0.1:{self._ports[DEMO_PORT]}"}

    def here(self, text: str) -> str:
        """A text of the page with the ports of this machine."""
        return re.sub(rf":({DEMO_PORT}|{HOOK_PORT})\b|\b({HOOK_PORT})\b", self._port, text)

    def _port(self, found: re.Match[str]) -> str:
        return found[0].replace(found[1] or found[2], self._ports[found[1] or found[2]])

    def as_on_the_page(self, text: str) -> str:
        """What was printed here, with the page's ports."""
        for page, mine in self._ports.items():
            text = text.replace(f":{mine}", f":{page}")
        return text

    def read(self, page: list[Step]) -> None:
        """Does what a page says, in the demo that runs, or a new one for a page that takes one for granted."""
        if "demo" not in self._programs:
            self._start_demo("")
        reader, shell = Reader(), Shell(self.folder, self._environment)
        try:
            for step in page:
                self._do(step, reader, shell)
        finally:
            shell.close()
            self._stop(_RECEIVER)

    def _do(self, step: Step, reader: Reader, shell: Shell) -> None:
        match step:
            case File():
                (self.folder / step.name).write_text(self.here(step.text), "utf-8")
            case Shown():
                self._shown(self._programs[step.command], step, reader)
            case Run() if demo := _DEMO.fullmatch(step.commands):
                self._shown(self._start_demo(demo["arguments"] or ""), step, reader)
            case Run() if step.commands.strip() == _RECEIVER:
                self._start_receiver()
            case Run():
                self._run(step, reader, shell)

    # -- What keeps running ---------------------------------------------------------------------------------------

    def _start_demo(self, arguments: str) -> Program:
        if self._programs.get("demo") is None or self._demo != arguments:
            self._stop("demo")
            port, data = self._ports[DEMO_PORT], str(self.folder / "data")
            command = [
                sys.executable,
                "-m",
                "tyrian",
                "demo",
                *shlex.split(arguments),
                "--port",
                port,
                "--data-dir",
                data,
            ]
            self._programs["demo"] = Program(command, self.folder, self._environment)
            self._demo = arguments
        demo = self._programs["demo"]
        assert demo.wait_for(lambda printed: "--wait" in printed), f"the demo does not start:\n{demo.printed}"
        return demo

    def _start_receiver(self) -> None:
        self._stop(_RECEIVER)
        self._programs[_RECEIVER] = Program([sys.executable, "hook.py"], self.folder, self._environment)
        address, ends = ("127.0.0.1", int(self._ports[HOOK_PORT])), time.monotonic() + _PATIENCE
        while time.monotonic() < ends:
            with socket.socket() as probe:
                if probe.connect_ex(address) == 0:
                    return
            time.sleep(_PAUSE)
        raise AssertionError(f"the receiver does not listen:\n{self._programs[_RECEIVER].printed}")

    def _shown(self, program: Program, step: Run | Shown, reader: Reader) -> None:
        page = step.prints
        if page is None:
            return
        fits = program.wait_for(lambda printed: reader.agrees(page, self.as_on_the_page(printed)), _PATIENCE)
        assert fits, _differs(step.line, reader.own(page), self.as_on_the_page(program.printed))

    def _stop(self, name: str) -> None:
        program = self._programs.pop(name, None)
        if program is not None and program.stop() != 0:
            assert name == _RECEIVER, f"the demo did not end in order:\n{program.printed}"

    def stop(self) -> None:
        """Stops everything that was started."""
        try:
            for name in list(self._programs):
                self._stop(name)
        finally:
            embedded.stop(self.folder / "data", mode="immediate")

    # -- What is run ----------------------------------------------------------------------------------------------

    def _run(self, step: Run, reader: Reader, shell: Shell) -> None:
        commands, ends = self.here(reader.own(step.commands)), time.monotonic() + _PATIENCE
        pause = _PAUSE
        while True:
            code, printed = shell.run(commands)
            printed = self.as_on_the_page(printed)
            fits = code == 0 and (step.prints is None or reader.agrees(step.prints, printed))
            if fits or _CHANGES.search(step.commands) or time.monotonic() > ends:
                break
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        assert fits, _differs(step.line, reader.own(step.prints or "(success)"), f"{printed}\n(exit code {code})")


def _differs(line: int, page: str, truth: str) -> str:
    return f"line {line}: the page says\n{page}\nand this is printed:\n{truth}"


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    def free_port() -> int:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port: int = server.getsockname()[1]
            return port

    somebody = Reading(tmp_path_factory.mktemp("reading"), free_port)
    yield somebody
    somebody.stop()


@pytest.mark.parametrize("page", PAGES)
def test_every_command_prints_what_the_page_says(page: str, reading: Reading) -> None:
    found = steps((ROOT / page).read_text("utf-8"))
    assert sum(isinstance(step, Run) for step in found) >= 2
    reading.read(found)


@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_run_is_known(page: str) -> None:
    assert left_out((ROOT / page).read_text("utf-8")) == LEFT_OUT.get(page, [])


# -- The reading itself -----------------------------------------------------------------------------------------------

_ID: Final = "01a1fa9d-5437-7000-948c-b59e89e2058f"
_OTHER: Final = "01a1fabe-c5a4-7000-9bd9-bb1d330778c2"
_MINE: Final = "01a1ffff-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("page", "truth"),
    [
        ("a\n...\nd\n", "a\nb\nc\nd\n"),
        ("a\n...\n", "a\n"),
        ('{"id": "...", "n": 1}\n', '{"id": "7", "n": 1}\n'),
        ("at 2026-11-20T20:19:37.143Z\n", "at 2027-01-01T00:00:00.000Z\n"),
        ("  +0.512 s   sent\n", "     +10 min 3 s  sent   \n"),
        ("20:57:24  done\n", "09:00:00  done\n"),
        ("taken in 28 ms\n", "taken in 1.2 s\n"),
        (f"{_ID} is {_ID}\n", f"{_MINE} is {_MINE}\n"),
        ("a  b\n", "a b\n"),
    ],
)
def test_placeholders_stand_for_what_is_there(page: str, truth: str) -> None:
    assert Reader().agrees(page, truth)


@pytest.mark.parametrize(
    ("page", "truth"),
    [
        ("a\n", "b\n"),
        ("a\n", "a\nb\n"),
        ("a\n...\nd\n", "a\nb\n"),
        ("a...c\n", "a\nc\n"),
        ('"status": "seen"\n', '"status": "delivered"\n'),
        ("at 2026-11-20T20:19:37.143Z\n", "at null\n"),
        (f"{_ID} is {_ID}\n", f"{_MINE} is {_OTHER}\n"),
    ],
)
def test_all_else_must_be_what_the_page_says(page: str, truth: str) -> None:
    assert not Reader().agrees(page, truth)


def test_an_id_means_the_same_on_the_whole_page() -> None:
    reader = Reader()
    assert reader.agrees(f"id {_ID}\n", f"id {_MINE}\n")
    assert reader.own(f"ID={_ID}") == f"ID={_MINE}"
    assert reader.agrees(f"again {_ID}\n", f"again {_MINE}\n")
    assert not reader.agrees(f"again {_ID}\n", f"again {_OTHER}\n")


def test_a_page_is_read_as_steps() -> None:
    page = (
        "Do\n\n```bash\necho 1\n```\n\nIt says\n\n```text\n1\n```\n\n```python\n# hook.py\npass\n```\n\n"
        "<!-- shown by: python3 hook.py -->\n```text\n2\n```\n\n<!-- picture -->\n```text\n>\n```\n\n"
        "<!-- not run: no need -->\n```bash\nrm x\n```\n\n* a list\n\n  ```bash\n  ls\n  ```\n"
    )
    assert steps(page) == [
        Run(3, "echo 1\n", "1\n"),
        File(13, "hook.py", "# hook.py\npass\n"),
        Shown(19, "python3 hook.py", "2\n"),
        Run(35, "ls\n"),
    ]
    assert left_out(page) == ["no need"]


@pytest.mark.parametrize("block", ["```json\n{}\n```\n", "```bash\nls\n```\n\n```toml\na = 1\n```\n", "```\nls\n```\n"])
def test_a_block_without_a_part_to_play_is_refused(block: str) -> None:
    with pytest.raises(Unclear):
        steps(block)


def test_a_shell_keeps_its_variables_and_tells_the_code(tmp_path: Path) -> None:
    shell = Shell(tmp_path, os.environ)
    try:
        assert shell.run("A=1\ncat > f <<'END'\n$A\nEND") == (0, "")
        assert shell.run("echo $A; cat f; false") == (1, "1\n$A\n")
    finally:
        shell.close()
