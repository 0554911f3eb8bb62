"""Where a gateway's Python spends its time: py-spy samples of its processes while a scenario runs.

The files hold collapsed stacks, which speedscope.app and flamegraph.pl read. They name local folders, so they belong
outside the repository.
"""

import asyncio
import contextlib
import re
import shutil
import sys
from collections import Counter
from pathlib import Path
from types import TracebackType

_RATE = 200
_FRAME = re.compile(r"^(?P<function>.+) \((?P<file>[^()]*?)(?::\d+)?\)$")


class Profiles:
    """Samples the processes for as long as the block runs; does nothing without a folder or a name."""

    def __init__(self, folder: Path | None, name: str | None, roots: list[int]) -> None:
        self._folder = folder
        self._name = name
        self._roots = roots
        self._running: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> "Profiles":
        if self._folder is None or self._name is None:
            return self
        self._folder.mkdir(parents=True, exist_ok=True)
        program = shutil.which("py-spy") or str(Path(sys.executable).with_name("py-spy"))
        for number, pid in enumerate(self._roots):
            file = self._folder / f"{self._name}-{number}.stacks.txt"
            command = ["record", "--format", "raw", "--rate", str(_RATE), "--nonblocking", "--subprocesses"]
            process = await asyncio.create_subprocess_exec(
                program,
                *command,
                "--output",
                str(file),
                "--pid",
                str(pid),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            self._running.append(process)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(2)
        for process in self._running:
            await process.wait()


def busiest(file: Path, count: int = 25) -> list[tuple[str, float, float]]:
    """The functions of a profile with the shares of samples that they were running themselves and were on the stack."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    total = 0
    for line in file.read_text().splitlines():
        stack, _, samples = line.rpartition(" ")
        frames = [_short(frame) for frame in stack.split(";")]
        total += int(samples)
        own[frames[-1]] += int(samples)
        for frame in set(frames):
            whole[frame] += int(samples)
    return [(name, share / total, whole[name] / total) for name, share in own.most_common(count)]


def _short(frame: str) -> str:
    found = _FRAME.match(frame)
    return f"{found['function']} ({Path(found['file']).name})" if found else frame
