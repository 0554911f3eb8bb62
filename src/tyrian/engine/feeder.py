"""The feeder: moves the messages of bulks into the sends, at each bulk's pace and inside its window.

One row holds a bulk's whole progress. A feeder locks it, moves some messages on, and moves the row's cursor, in one
transaction: whichever node does it, the pace holds, and nothing is released twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tyrian.domain import lifecycle as rules
from tyrian.domain.ids import Ids
from tyrian.domain.problem import Problem
from tyrian.domain.purpose import PRIORITY
from tyrian.domain.schedule import next_open, spacing
from tyrian.domain.submission import Plan
from tyrian.engine.known import Facts, Outline, decode_outline, decode_plan, from_row
from tyrian.engine.ports import Clock
from tyrian.engine.router import Router
from tyrian.engine.writer import Scribe
from tyrian.store import bulks as store
from tyrian.store.database import Database
from tyrian.store.transitions import lock
from tyrian.store.writing import Write, apply

#: A bulk's sends that wait in line at most: enough to keep every node busy, few enough that a pause bites at once.
DEPTH = 4000
#: Messages moved in one transaction.
BATCH = 1000
#: Seconds until a bulk whose line is full is looked at again.
_FULL = 0.05

_WAITING = ("accepted", "scheduled")


@dataclass(slots=True)
class Released:
    """What one turn of the feeder did: the channels with new work, and the writes with their callbacks."""

    channels: set[int]
    writes: list[Write]


class Feeder:
    """Feeds due bulks. `step` does one turn."""

    def __init__(self, db: Database, clock: Clock, ids: Ids, router: Router, scribe: Scribe) -> None:
        self._db = db
        self._clock = clock
        self._ids = ids
        self._router = router
        self._scribe = scribe
        self.on_released: Callable[[Released], None] = lambda released: None

    async def step(self) -> bool:
        """Feeds the bulk that has been due longest; False if none is."""
        released = Released(set(), [])
        async with self._db.transaction() as connection:
            bulk = await connection.fetchrow(store.CLAIM_BULK, self._clock.now())
            if bulk is None:
                return False
            if bulk["state"] == "cancelled":
                await self._cancel(connection, bulk, released)
            else:
                await self._feed(connection, bulk, released)
        if released.channels or released.writes:
            self.on_released(released)
        return True

    async def next_due(self) -> datetime | None:
        """When the next bulk is due."""
        value: datetime | None = await self._db.fetchval(store.NEXT_BULK)
        return value

    # -- Feeding --------------------------------------------------------------------------------------------------

    async def _feed(self, connection: Any, bulk: Any, released: Released) -> None:
        now = self._clock.now()
        plan = decode_plan(bulk["plan"])
        window = plan.schedule.window if plan.schedule else None
        opens = next_open(window, now)
        if opens > now:
            await connection.execute(store.ADVANCE, bulk["id"], None, 0, opens, now, None)
            return
        room = DEPTH - await connection.fetchval(store.DEPTH, bulk["id"], DEPTH)
        allowed, following = self._allowance(plan, bulk["next_at"], now, min(room, BATCH))
        rows = await self._waiting(connection, bulk, allowed)
        if rows:
            await self._release(connection, bulk, plan, rows, now, released)
        done = bulk["released"] + len(rows) >= bulk["total"]
        next_at = None if done else following
        cursor = rows[-1]["id"] if rows else None
        await connection.execute(store.ADVANCE, bulk["id"], cursor, len(rows), next_at, now, None)

    def _allowance(self, plan: Plan, next_at: datetime, now: datetime, room: int) -> tuple[int, datetime]:
        """How many messages may be released now, and when to look again."""
        if room <= 0:
            return 0, now + timedelta(seconds=_FULL)
        gap = spacing(plan.schedule.speed_limit if plan.schedule else None)
        if not gap:
            return room, now if room == BATCH else now + timedelta(seconds=_FULL)
        start = store.paced_start(next_at, now)
        allowed = min(int((now - start) / gap) + 1, room)
        return allowed, start + gap * allowed

    async def _waiting(self, connection: Any, bulk: Any, limit: int) -> list[Any]:
        if limit <= 0:
            return []
        return list(await connection.fetch(store.WAITING, bulk["id"], bulk["cursor"] or bulk["id"], limit))

    async def _release(
        self, connection: Any, bulk: Any, plan: Plan, rows: Sequence[Any], now: datetime, released: Released
    ) -> None:
        sends: list[dict[str, Any]] = []
        lost: list[Any] = []
        for row in rows:
            if row["status"] not in _WAITING:
                continue
            send = self._send(row, decode_outline(row["plan"]) if row["plan"] else plan, plan, now)
            if send is None:
                lost.append(row)
            else:
                sends.append(send)
        if sends:
            await store.release(connection, bulk["id"], sends)
            released.channels |= {s["channel_id"] for s in sends}
        if lost:
            released.writes += await self._end(
                connection, [(r["account_id"], r["id"]) for r in lost], rules.Refused("channel_removed"), now
            )

    def _send(self, row: Any, plan: Plan | Outline, shared: Plan, now: datetime) -> dict[str, Any] | None:
        """The due row of one message, or None if its first channel is gone."""
        step = plan.cascade[0]
        route = self._router.first(row["account_id"], step.channel, step.to or row["recipient"])
        if route is None or isinstance(route, Problem):
            return None
        due = row["due_at"] if row["plan"] and row["due_at"] > now else now
        validity = row["valid_until"] - row["due_at"]
        return {
            "message_id": row["id"],
            "attempt_id": self._ids.new(now),
            "account_id": row["account_id"],
            "channel_id": route.entry.channel.id,
            "priority": PRIORITY[plan.purpose],
            "due_at": due,
            "valid_until": due + validity,
            "recipient": route.address,
        }

    # -- Cancelling -----------------------------------------------------------------------------------------------

    async def _cancel(self, connection: Any, bulk: Any, released: Released) -> None:
        now = self._clock.now()
        back = await connection.fetch(store.TAKE_BACK, bulk["id"], BATCH)
        rows = await self._waiting(connection, bulk, BATCH - len(back))
        keys = [(r["account_id"], r["message_id"]) for r in back]
        keys += [(r["account_id"], r["id"]) for r in rows if r["status"] in _WAITING]
        if keys:
            released.writes += await self._end(connection, keys, rules.Cancelled(), now)
        cursor = rows[-1]["id"] if rows else None
        more = len(back) + len(rows) >= BATCH
        await connection.execute(store.ADVANCE, bulk["id"], cursor, len(rows), now if more else None, now, None)

    async def _end(
        self, connection: Any, keys: Sequence[tuple[int, UUID]], happening: rules.Happening, now: datetime
    ) -> list[Write]:
        return await end_unsent(connection, keys, happening, now, self._scribe, self._ids)


async def end_unsent(
    connection: Any,
    keys: Sequence[tuple[int, UUID]],
    happening: rules.Happening,
    now: datetime,
    scribe: Scribe,
    ids: Ids,
) -> list[Write]:
    """Ends messages that were never sent (cancelled, or their channel is gone), under their locks."""
    rows = await lock(connection, sorted(keys, key=lambda key: key[1]))
    writes = []
    for row in rows.values():
        if row["status"] not in _WAITING:
            continue
        known = from_row(row, outline=True)
        facts = Facts(
            row["id"],
            row["account_id"],
            ids.new(now),
            0,
            0,
            row["recipient"],
            valid_until=row["valid_until"],
            fenced=False,
        )
        message = rules.Message(rules.Status(row["status"]), 0, known.steps, row["valid_until"])
        attempt = rules.Attempt(0, rules.Status.ACCEPTED, now)
        writes.append(scribe.write(facts, known, rules.advance(message, attempt, happening, now), now))
    if writes:
        await apply(connection, writes, 0)
    return writes
