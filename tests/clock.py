"""A clock that moves only when told to."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

#: Turns of the event loop that sleepers get to act before time goes on.
_TURNS: Final = 20


class ManualClock:
    """Implements `ports.Clock`. `advance` wakes sleepers in the order of their times, each at its own time."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)) -> None:
        self._now = now
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        until = self._now + timedelta(seconds=seconds)
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                self._now = max(self._now, due)
                woken.set_result(None)
                await _settle()
        self._now = until
        await _settle()

    async def jump(self, seconds: float) -> None:
        """Goes on as after a machine's sleep: whoever was to wake in between wakes once, and late.

        For long times: in an hour of `advance`, each loop of a gateway that looks every second looks 3600 times.
        """
        self._now += timedelta(seconds=seconds)
        await self.advance(0)


async def _settle() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
