"""A clock that jumps: whoever sleeps until a time that was jumped over wakes at once."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

_TICK: Final = timedelta(microseconds=1)


class JumpingClock:
    """Implements `ports.Clock`. Unlike `tests.clock.ManualClock` it lets nobody act between here and there: a gateway
    that looks around each second would do so a hundred times in a jump of a hundred seconds.
    """

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, 12, tzinfo=UTC)
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        """Never the same twice, as with a real clock: history is told in the order of its times."""
        self._now += _TICK
        return self._now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), woken))
        await woken

    def jump(self, seconds: float) -> None:
        """So many seconds later."""
        self._now += timedelta(seconds=max(seconds, 0))
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
