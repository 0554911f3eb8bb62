"""Things to do later, on the world's clock: one heap and one task, so that a hundred thousand receipts cost little."""

import asyncio
import heapq
import logging
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from tyrian.engine.ports import Clock

logger = logging.getLogger(__name__)

#: Seconds; what is due closer together than this is done in one go.
TICK: Final = 0.002
#: Seconds; the longest sleep when nothing is due.
IDLE: Final = 3600.0


class Agenda:
    """Calls plain functions when their time has come. Times are seconds of the clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self._runner: asyncio.Task[None] | None = None
        self._sleep: asyncio.Task[None] | None = None
        self._until = 0.0

    def __len__(self) -> int:
        return len(self._heap)

    def now(self) -> float:
        """Seconds since the epoch on the world's clock."""
        return self.clock.now().timestamp()

    def after(self, seconds: float, action: Callable[..., None], *args: Any) -> None:
        """Call `action(*args)` when so many seconds have passed. Not before the agenda has been started."""
        due = self.now() + seconds
        heapq.heappush(self._heap, (due, next(self._order), action, args))
        if self._sleep is not None and due < self._until:
            self._sleep.cancel()

    def start(self) -> None:
        """Begin to keep time."""
        self._runner = asyncio.create_task(self._run(), name="simulator agenda")

    async def stop(self) -> None:
        """Stop; what was not yet due is forgotten."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        self.clear()

    def clear(self) -> None:
        """Forget everything that is not done yet."""
        self._heap.clear()

    async def _run(self) -> None:
        while True:
            await self._pause(self._do_due())

    def _do_due(self) -> float:
        """Do all that is due; seconds until the next."""
        now = self.now()
        while self._heap and self._heap[0][0] <= now:
            _, _, action, args = heapq.heappop(self._heap)
            try:
                action(*args)
            except Exception:
                logger.exception("The simulator failed in %s", action)
        return self._heap[0][0] - now if self._heap else IDLE

    async def _pause(self, seconds: float) -> None:
        seconds = max(seconds, TICK)
        self._until = self.now() + seconds
        self._sleep = asyncio.create_task(_slept(self.clock, seconds))
        try:
            await asyncio.wait((self._sleep,))
        finally:
            self._sleep.cancel()
            self._sleep = None


async def _slept(clock: Clock, seconds: float) -> None:
    await clock.sleep(seconds)
