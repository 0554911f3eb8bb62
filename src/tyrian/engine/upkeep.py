"""What must happen without anybody asking: deadlines, parked receipts, dead nodes' claims, partitions, retention.

Every node runs all of these; each step claims its rows, so running them on many nodes is safe and only shares the work.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from tyrian.domain import lifecycle as rules
from tyrian.engine.dispatch import LEASE, Dispatch
from tyrian.engine.node import GRACE, Node
from tyrian.engine.ports import Clock
from tyrian.engine.receipts import Change, Receipts, Transitions
from tyrian.store import claims, transitions as store
from tyrian.store.database import LOST, Database
from tyrian.store.intake import FORGET_KEYS
from tyrian.store.writing import Write

log = logging.getLogger(__name__)

#: Deadlines and take-overs handled in one transaction.
_BATCH = 500
#: Seconds between two looks where nothing is known to be due.
_IDLE = 1.0
_PARTITION_DAYS_AHEAD = 3

_MAKE_PARTITIONS = "SELECT make_partitions($1::date, $2)"
_DROP_PARTITIONS = "SELECT drop_partitions($1::date, $2::date)"
_HELD_BY_ME = "SELECT message_id FROM sends WHERE node = $1 AND leased_until IS NOT NULL"
_FORGET_INBOUND = "DELETE FROM inbound WHERE id < uuid_at($1)"

#: Sends whose channel was removed, or is paused beyond their validity: nobody claims them, so they are ended here.
_STRANDED = """
WITH c AS MATERIALIZED (
    SELECT h.message_id FROM channels ch
    CROSS JOIN generate_series(0, 3) AS p(priority)
    CROSS JOIN LATERAL (
        SELECT s.message_id FROM sends s
        WHERE s.channel_id = ch.id AND s.priority = p.priority AND s.leased_until IS NULL
          AND (ch.removed OR s.valid_until <= $1)
        LIMIT $2 FOR UPDATE OF s SKIP LOCKED) h
    WHERE ch.removed OR NOT ch.active
    LIMIT $2
)
UPDATE sends s SET node = $3, leased_until = $4, tries = s.tries + 1, started_at = COALESCE(s.started_at, $1),
    waits = false
FROM c WHERE s.message_id = c.message_id
RETURNING s.message_id, s.attempt_id, s.account_id, s.channel_id, s.step, s.tries, s.uncertain, s.due_at,
    s.valid_until, s.started_at, s.bulk_id, s.recipient, s.priority, s.tried
"""


class Upkeep:
    """Runs the standing work of a node."""

    def __init__(  # noqa: PLR0913 - the parts that upkeep tends
        self,
        db: Database,
        clock: Clock,
        node: Node,
        dispatch: Dispatch,
        receipts: Receipts,
        transitions: Transitions,
        on_written: Callable[[list[Write]], None],
        forget: Callable[[], Awaitable[None]],
        *,
        retention_days: int,
        event_retention_days: int,
        idempotency_hours: int,
    ) -> None:
        self._db = db
        self._clock = clock
        self._node = node
        self._dispatch = dispatch
        self._receipts = receipts
        self._transitions = transitions
        self._on_written = on_written
        self._forget = forget
        self._retention = timedelta(days=retention_days)
        self._events = timedelta(days=event_retention_days)
        self._idempotency = timedelta(hours=idempotency_hours)
        self._suspects: dict[int, float] = {}
        self._parked = asyncio.Event()

    async def run(self) -> None:
        """All loops, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._loop(self.deadlines, _IDLE))
            group.create_task(self._loop(self.parked, _IDLE, self._parked))
            group.create_task(self._loop(self.take_over, _IDLE))
            group.create_task(self._loop(self.strays, 2.0))
            group.create_task(self._loop(self.stranded, 5.0))
            group.create_task(self._loop(self.lines, 60.0))
            group.create_task(self._loop(self.housekeeping, 300.0))

    def receipts_parked(self) -> None:
        """Wakes the search for parked receipts' attempts."""
        self._parked.set()

    async def _loop(
        self, step: Callable[[], Awaitable[float | None]], idle: float, wake: asyncio.Event | None = None
    ) -> None:
        """Repeats a step; it returns the seconds (of the clock) until its next turn, or None for `idle`."""
        while True:
            try:
                pause = await step()
            except LOST as error:
                log.warning("upkeep waits for the database: %s", error)
                pause = 1.0
            except Exception:
                log.exception("upkeep step failed")
                pause = 5.0
            await self._pause(idle if pause is None else pause, wake)

    async def _pause(self, seconds: float, wake: asyncio.Event | None) -> None:
        if wake is None:
            await self._clock.sleep(seconds)
            return
        sleeper = asyncio.ensure_future(self._clock.sleep(seconds))
        waker = asyncio.ensure_future(wake.wait())
        try:
            await asyncio.wait((sleeper, waker), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            waker.cancel()
        wake.clear()

    # -- Deadlines ------------------------------------------------------------------------------------------------

    async def deadlines(self) -> float | None:
        """Moves on the attempts whose time is up."""
        now = self._clock.now()
        due = await self._db.fetch(claims.DUE_DEADLINES, now, _BATCH)
        if due:
            async with self._db.transaction() as connection:
                writes = await self._pass_deadlines(connection, due, now)
            self._on_written(writes)
            return 0.0 if len(due) == _BATCH else 0.01
        return self._until(await self._db.fetchval(claims.NEXT_DEADLINE))

    async def _pass_deadlines(self, connection: Any, due: list[Any], now: datetime) -> list[Write]:
        await store.lock(connection, [(row["account_id"], row["message_id"]) for row in due])
        waiting = await store.still_due(connection, [row["message_id"] for row in due], now)
        changes = [
            Change(row["account_id"], row["message_id"], row["attempt_id"], rules.DeadlinePassed())
            for row in due
            if (row["message_id"], row["attempt_id"]) in waiting
        ]
        return await self._transitions.run(connection, changes) if changes else []

    def _until(self, due: datetime | None) -> float | None:
        if due is None:
            return None
        return min(max((due - self._clock.now()).total_seconds(), 0.002), _IDLE)

    # -- Receipts -------------------------------------------------------------------------------------------------

    async def parked(self) -> float | None:
        """Looks again for the attempts of parked receipts."""
        if await self._receipts.look_again():
            return 0.05
        return self._until(await self._db.fetchval(store.NEXT_PARKED))

    # -- Claims that nobody finishes ------------------------------------------------------------------------------

    async def take_over(self) -> float | None:
        """Takes over the sends of nodes that died, and writes them down as uncertain."""
        now = self._clock.now()
        dead = self._confirmed({row["node"] for row in await self._db.fetch(claims.DEAD_NODES)})
        until = now + timedelta(seconds=LEASE)
        rows = await self._db.fetch(claims.TAKE_OVER, now, dead, _BATCH, self._node.number, until)
        if rows:
            log.warning("taking over %d sends whose node is gone", len(rows))
            self._dispatch.active.update(row["message_id"] for row in rows)
            try:
                await self._dispatch.take_over(rows)
            finally:
                self._dispatch.active.difference_update(row["message_id"] for row in rows)
        return 0.0 if len(rows) == _BATCH else None

    def _confirmed(self, missing: set[int]) -> list[int]:
        """The nodes whose lock has been missing long enough to believe them dead."""
        now = asyncio.get_running_loop().time()
        missing.discard(self._node.number)
        self._suspects = {n: self._suspects.get(n, now) for n in missing}
        return [n for n, since in self._suspects.items() if now - since >= GRACE]

    async def strays(self) -> float | None:
        """Frees sends that this node claimed without knowing: the connection was lost before the claim's answer.

        They were surely not begun: the gate is closed meanwhile, so that no claim is between its statement and the
        start of its sends.
        """
        if not self._dispatch.doubtful:
            return None
        async with self._dispatch.gate.exclusive():
            rows = await self._db.fetch(_HELD_BY_ME, self._node.number)
            strays = [row["message_id"] for row in rows if row["message_id"] not in self._dispatch.active]
            if strays:
                await claims.give_back(self._db, strays, self._node.number)
            self._dispatch.doubtful = False
        if strays:
            log.warning("freed %d sends that were claimed as the connection was lost", len(strays))
            self._dispatch.wake()
        return None

    async def stranded(self) -> float | None:
        """Ends sends that no lane will take: of removed channels, and of paused ones when their validity is over."""
        now = self._clock.now()
        until = now + timedelta(seconds=LEASE)
        rows = await self._db.fetch(_STRANDED, now, _BATCH, self._node.number, until)
        if rows:
            self._dispatch.active.update(row["message_id"] for row in rows)
            try:
                await self._dispatch.end_stranded(rows)
            finally:
                self._dispatch.active.difference_update(row["message_id"] for row in rows)
        return 0.0 if len(rows) == _BATCH else None

    async def lines(self) -> float | None:
        """Frees sends that wait for nobody: a guard, for what leaves a line frees the next in its own transaction."""
        freed = await claims.free_waiting(self._db, self._clock.now())
        if freed:
            log.error("freed %d sends that waited for nobody", freed)
            self._dispatch.wake()
        return None

    # -- Days -----------------------------------------------------------------------------------------------------

    async def housekeeping(self) -> float | None:
        """Makes the coming days' partitions, drops those past retention, forgets old idempotency keys."""
        now = self._clock.now()
        await self._db.fetchval(_MAKE_PARTITIONS, now.date(), _PARTITION_DAYS_AHEAD)
        dropped = await self._db.fetchval(_DROP_PARTITIONS, (now - self._retention).date(), (now - self._events).date())
        if dropped:
            log.info("retention dropped %d partitions", dropped)
        await self._db.execute(FORGET_KEYS, now - self._idempotency)
        await self._db.execute(_FORGET_INBOUND, now - self._retention)
        await self._forget()
        return None
