"""How far an upload is: a bar on a terminal, a line now and then elsewhere. Always on standard error."""

import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from tyrian.cli.terminal import rate, screen

#: Seconds between two lines where there is no terminal.
_LINE_EVERY: Final = 5.0
#: Seconds over which the rate is taken.
_RECENT: Final = 5.0


class UploadProgress:
    """The progress through one file. Use it with `with`; `quiet` shows nothing."""

    def __init__(self, file: Path, verb: str, *, quiet: bool = False, start: int = 0, taken: int = 0) -> None:
        self._verb = verb
        self._size = file.stat().st_size
        self._console = screen(stderr=True)
        self._live = self._console.is_terminal and not quiet
        self._quiet = quiet
        self._spoke = time.monotonic()
        self._recent: deque[tuple[float, int]] = deque([(self._spoke, taken)])
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self._console,
            disable=not self._live,
            transient=verb == "Reading",
        )
        self._task = self._bar.add_task(verb, total=self._size, completed=start, rows="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, byte: int, taken: int, bad: int) -> None:
        """The work stands at this byte of the file, with so many rows taken and so many bad ones."""
        now = time.monotonic()
        self._recent.append((now, taken))
        while now - self._recent[0][0] > _RECENT and len(self._recent) > 2:
            self._recent.popleft()
        self._bar.update(self._task, completed=byte, rows=self._words(taken, bad))
        if not self._live and not self._quiet and now - self._spoke >= _LINE_EVERY:
            self._spoke = now
            share = 100 * byte / self._size if self._size else 100
            self._console.print(f"{self._verb}: {share:.0f} %, {self._words(taken, bad)}")

    def _words(self, taken: int, bad: int) -> str:
        (then, before), (now, _) = self._recent[0], self._recent[-1]
        pace = f", {rate((taken - before) / (now - then))}" if now > then else ""
        return f"{taken:,} rows{pace}" + (f", {bad:,} bad" if bad else "")
