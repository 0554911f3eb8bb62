"""One channel's way out on a node: how much it takes up at a time, and when it looks for more.

A lane claims as many sends as it has room for and claims again when a good part of them is done. What is accepted while
nothing older is known to be due may skip the claim: intake reserves a place and stores the send with its lease.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from tyrian.engine import ports
from tyrian.engine.channels import ChannelEntry
from tyrian.store import claims
from tyrian.store.database import LOST, Database

log = logging.getLogger(__name__)

#: Sends that one lane has in flight at most.
ROOM = 512
#: A lane claims again when this share of its room is free: fewer and fuller claims.
_REFILL = 4
#: Seconds between two looks at a lane that nobody woke.
_IDLE = 1.0
#: Seconds from a round that found nothing to the next, at least: each send that ends wakes the lane, for the next of
#: its line may go, and most have none.
_GAP = 0.005
#: Seconds from one look for sends that stand behind another to the next: the first after one that found some, doubled
#: with each that found none, and at most the last.
_PARK_AGAIN, _PARK_RARELY = 0.05, 1.6
#: A look that put so many away is repeated at once.
_PARK_MANY = claims.PARKED // 2


class Claimer(Protocol):
    """What a lane needs of dispatch."""

    db: Database
    clock: ports.Clock

    async def claim(
        self, lane: "Lane", now: datetime, room: int, rate: float | None, concurrency: int | None
    ) -> Sequence[Any]:
        """Takes due sends up and starts them."""
        ...


class Lane:
    """One channel's way out on this node."""

    def __init__(self, entry: ChannelEntry, owner: Claimer) -> None:
        self.entry = entry
        self.in_flight = 0
        #: No older send is known to be due, so what is accepted now may go at once.
        self.caught_up = False
        #: Recipients whose send was accepted with a lease and is not written down yet.
        self.reserved: set[tuple[str, int]] = set()
        self._owner = owner
        self._paced = False
        self._park_at, self._park_wait = 0.0, _PARK_AGAIN
        self._wake = asyncio.Event()

    @property
    def channel(self) -> ports.Channel:
        """The channel as it is configured now."""
        return self.entry.channel

    @property
    def unlimited(self) -> bool:
        """Whether no limit has to be asked of the database before a send."""
        return self.channel.active and self.channel.rate is None and self.channel.concurrency is None

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    def reserve(self, address: str, priority: int) -> bool:
        """Whether a message accepted now may be leased here at once."""
        key = (address, priority)
        if not self.caught_up or not self.unlimited or self.in_flight >= ROOM or key in self.reserved:
            return False
        self.reserved.add(key)
        self.in_flight += 1
        return True

    def release(self, address: str, priority: int) -> None:
        """Gives a reservation back."""
        self.reserved.discard((address, priority))
        self.finished()

    def finished(self) -> None:
        """One send less in flight."""
        self.in_flight -= 1
        if self.in_flight <= ROOM - ROOM // _REFILL:
            self._wake.set()

    async def run(self) -> None:
        """Claims and sends until cancelled."""
        clock, loop = self._owner.clock, asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._wake.clear()
            wait = _IDLE
            if self.channel.active:
                try:
                    wait = await self._round(clock.now())
                except LOST as error:
                    log.warning("channel %s waits for the database: %s", self.channel.name, error)
                    wait = 0.5
            if wait > 0:
                await self._pause(wait)
                if (rest := _GAP - (loop.time() - began)) > 0:
                    await asyncio.sleep(rest)

    async def _round(self, now: datetime) -> float:
        """One claim; returns seconds until the next is worth while."""
        room = ROOM - self.in_flight
        if room < ROOM // _REFILL and self.in_flight:
            return _IDLE
        rate, concurrency = self.channel.rate, self.channel.concurrency
        await self._open_pace(rate, now)
        rows = await self._owner.claim(self, now, room, rate, concurrency)
        self.caught_up = len(rows) < room
        if not self.caught_up or await self._park(now):
            return 0
        if rate is not None and rows:
            return max(0.005, min(claims.BURST_SECONDS / 2, 0.5 / rate))
        if rate is not None and await claims.any_ready(self._owner.db, self.channel.id, now):
            return claims.BURST_SECONDS / 2
        if rows:
            return 0.0 if concurrency is None else 0.02
        due = await claims.next_send(self._owner.db, self.channel.id, now)
        return _IDLE if due is None else min(_IDLE, max((due - self._owner.clock.now()).total_seconds(), 0.001))

    async def _open_pace(self, rate: float | None, now: datetime) -> None:
        if rate is not None and not self._paced:
            await claims.open_pace(self._owner.db, self.channel.id, rate, now)
            self._paced = True

    async def _park(self, now: datetime) -> bool:
        """Puts sends that stand behind another out of the way of the next claim; True if there may be more of them."""
        at = asyncio.get_running_loop().time()
        if at < self._park_at:
            return False
        parked = await claims.park(self._owner.db, self.channel.id, now)
        self._park_wait = _PARK_AGAIN if parked else min(self._park_wait * 2, _PARK_RARELY)
        self._park_at = at if parked >= _PARK_MANY else at + self._park_wait
        return parked >= _PARK_MANY

    async def _pause(self, seconds: float) -> None:
        """Waits until woken, or so many seconds of the clock."""
        if self._wake.is_set():
            return
        sleeper = asyncio.ensure_future(self._owner.clock.sleep(seconds))
        waker = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((sleeper, waker), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            waker.cancel()
