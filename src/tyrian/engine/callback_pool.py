"""A pool of room for callbacks of one line, shared among endpoints so that no one of them can fill it.

Each round looks which endpoints something is due for, gives each a share, and claims for all of them at once. The
share is a part of what stands free, not of the pool: one endpoint may have in flight as many as are free, ten of them a
tenth of what is free each. The last of the room is kept for endpoints that have nothing in flight, one callback each,
so that whoever comes next finds some. Of one claim each gets its part: a single callback waits behind nobody's backlog.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

from tyrian.engine.callback_standing import Standing
from tyrian.engine.ports import Clock
from tyrian.store import callbacks as store
from tyrian.store.database import LOST, Database

log = logging.getLogger(__name__)

#: Seconds of the clock that a claim holds. Only one whose node lives on without finishing is ever freed by this.
LEASE: Final = 60.0
#: Callbacks claimed at once.
BATCH: Final = 256
#: An endpoint is given more when this part of its share is free.
_REFILL: Final = 4
#: This part of the pool is kept for endpoints that have nothing in flight.
_KEPT: Final = 8
#: Endpoints looked at in one round.
_LOOK: Final = 1000
#: Seconds between two looks at a pool that nobody woke, and where others hold what is due.
_IDLE: Final = 1.0
_SOON: Final = 0.1
#: Seconds for which callbacks that wait for a repeat are moved out of the way.
_ASIDE: Final = 30.0


class Pool:
    """Claims callbacks of one line and starts their deliveries."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        node: int,
        line: str,
        size: int,
        standing: Standing,
        deliver: Callable[[Any], Awaitable[Awaitable[None]]],
        *,
        gap: float,
    ) -> None:
        """`size` is how many may be under way, `gap` the least seconds between two rounds, so that claims are full.

        `deliver` tries a callback and returns, when the endpoint is done with it, what to await until the outcome is
        durable.
        """
        self._db = db
        self._clock = clock
        self._node = node
        self._line = line
        self._size = size
        self._standing = standing
        self._deliver = deliver
        self._gap = gap
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flying: Counter[int] = Counter()
        self._after = 0
        self._served = 0
        #: Endpoints whose last claim brought less than they had room for, and when they were last tidied.
        self._short: dict[int, datetime] = {}
        self.ids: set[int] = set()
        self.stopping = False

    @property
    def in_flight(self) -> int:
        """Callbacks that were claimed and are not written down yet."""
        return len(self.ids)

    def wake(self) -> None:
        """Something may be due, or may go now."""
        self._wake.set()

    async def run(self) -> None:
        """Claims and delivers until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._wake.clear()
            wait = await self._guarded_round()
            if wait > 0:
                await self._pause(wait)
            rest = self._gap - (loop.time() - began)
            if rest > 0 and self.in_flight < self._size:
                await asyncio.sleep(rest)

    async def _guarded_round(self) -> float:
        try:
            return await self._round()
        except LOST as error:
            log.warning("callbacks wait for the database: %s", error)
            return 0.5
        except Exception:
            log.exception("a round of callbacks failed")
            return 1.0

    async def _pause(self, seconds: float) -> None:
        """Waits until woken, or so many seconds of the clock."""
        if self._wake.is_set():
            return
        sleeper = asyncio.ensure_future(self._clock.sleep(seconds))
        waker = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((sleeper, waker), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            waker.cancel()

    # -- One round ------------------------------------------------------------------------------------------------

    async def _round(self) -> float:
        """One look and one claim; returns seconds until the next is worth while."""
        free = self._size - self.in_flight
        if self.stopping or not free:
            return _IDLE
        now = self._clock.now()
        waiting = await store.look(self._db, self._line, self._after, _LOOK)
        everyone = self._after == 0 and len(waiting) < _LOOK
        self._after = waiting[-1][0] if len(waiting) == _LOOK else 0
        rooms = self._rooms([endpoint for endpoint, due in waiting if due <= now], free, now)
        took = await self._claim(rooms, min(free, BATCH), now) if rooms else 0
        if took and (took >= min(free, BATCH) or not everyone):
            return 0
        if not everyone:
            return _SOON / 2
        return self._until_next(waiting, rooms, now)

    def _rooms(self, due: list[int], free: int, now: datetime) -> dict[int, int]:
        """How many callbacks each endpoint may be given now; those without room are left out."""
        limits = {endpoint: self._standing.room(endpoint, now) for endpoint in self._in_turn(due)}
        open_to = [endpoint for endpoint, limit in limits.items() if limit != 0]
        share = max(free - self._size // _KEPT, 0) // (len(open_to) + 1)
        part = max(min(free, BATCH) // max(len(open_to), 1), 1)
        rooms = {}
        for endpoint in open_to:
            limit = limits[endpoint]
            most = share if self._flying[endpoint] else max(share, 1)
            most = most if limit is None else min(limit, most)
            room = most - self._flying[endpoint]
            # Room that comes free one by one is not claimed one by one.
            if room > 0 and room >= most // _REFILL:
                rooms[endpoint] = min(part, room)
        return rooms

    def _in_turn(self, due: list[int]) -> list[int]:
        """The endpoints beginning with the one after the last that was served, where a claim cannot serve them all."""
        return [e for e in due if e > self._served] + [e for e in due if e <= self._served]

    async def _claim(self, rooms: dict[int, int], limit: int, now: datetime) -> int:
        until = now + timedelta(seconds=LEASE)
        rows = await store.claim(self._db, self._line, now, until, self._node, rooms, limit)
        for row in rows:
            self._start(row)
        self._served = rows[-1]["endpoint_id"] if len(rows) == limit else 0
        if len(rows) < limit:
            await self._tidy(rooms, Counter(row["endpoint_id"] for row in rows), now)
        return len(rows)

    async def _tidy(self, rooms: dict[int, int], took: Counter[int], now: datetime) -> None:
        """Where claims keep coming back short, something that cannot go yet may stand in front: moves it aside."""
        short = {endpoint for endpoint, room in rooms.items() if took[endpoint] < room}
        for endpoint in short:
            since = self._short.get(endpoint)
            if since is not None and (now - since).total_seconds() >= _SOON:
                await store.step_aside(self._db, self._line, endpoint, now, now + timedelta(seconds=_ASIDE))
                self._short[endpoint] = now
        self._short = {endpoint: self._short.get(endpoint, now) for endpoint in short}

    def _until_next(self, waiting: list[tuple[int, datetime]], rooms: dict[int, int], now: datetime) -> float:
        """Seconds until something falls due, an endpoint may be asked again, or others may have finished."""
        wait = _IDLE
        for endpoint, due in waiting:
            if due > now:
                wait = min(wait, (due - now).total_seconds())
            elif endpoint in rooms:
                wait = min(wait, _SOON)
            else:
                until = self._standing.until(endpoint)
                if until is not None and until > now:
                    wait = min(wait, (until - now).total_seconds())
        return max(wait, 0.001)

    # -- Deliveries -----------------------------------------------------------------------------------------------

    def _start(self, row: Any) -> None:
        self.ids.add(row["id"])
        self._flying[row["endpoint_id"]] += 1
        task = asyncio.get_running_loop().create_task(self._run(row))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, row: Any) -> None:
        try:
            await (await self._tried(row))
        except LOST as error:
            log.warning("callback %d waits for the database: %s", row["id"], error)
        except Exception:
            log.exception("callback %d failed in the gateway itself", row["id"])
        finally:
            self.ids.discard(row["id"])
            self._wake.set()

    async def _tried(self, row: Any) -> Awaitable[None]:
        """One try. Its endpoint has room again as soon as it is done with it, before anything is written down."""
        endpoint = row["endpoint_id"]
        try:
            return await self._deliver(row)
        finally:
            self._flying[endpoint] -= 1
            if not self._flying[endpoint]:
                del self._flying[endpoint]

    async def drain(self, seconds: float) -> list[int]:
        """Starts nothing more and waits for what is under way; cuts the rest off and returns its numbers."""
        self.stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        rest = list(self.ids)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return rest
