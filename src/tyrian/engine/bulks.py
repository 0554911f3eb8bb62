"""What customers do to bulks, and to messages that were not sent yet."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from tyrian.domain import lifecycle as rules
from tyrian.domain.ids import Ids
from tyrian.domain.schedule import Schedule, first_time, forecast
from tyrian.domain.submission import Plan, Recipient
from tyrian.engine.channels import Channels
from tyrian.engine.feeder import end_unsent
from tyrian.engine.intake import Intake
from tyrian.engine.known import decode_plan, encode_plan
from tyrian.engine.ports import Clock
from tyrian.engine.writer import Scribe
from tyrian.store import bulks as store
from tyrian.store.database import Database
from tyrian.store.intake import NewBulk, new_bulk
from tyrian.store.writing import Write, accept

_WAITING = ("accepted", "scheduled")
_UNSUCCESSFUL = ("failed", "expired")
_RETRY_CHUNK = 5000
#: Seconds that a bulk's counts are kept: counting a million rows is not done for every look at a progress bar.
_COUNTS_AGE = 1.0


class NotFound(Exception):
    """No such bulk or message in this account."""


class Conflict(Exception):
    """What was asked does not go with the state of the bulk or message; the text says why."""


@dataclass(slots=True)
class Progress:
    """A bulk as it stands. `counts` are messages by status; `done_by` is the forecast, None if it cannot be told."""

    id: UUID
    name: str | None
    state: str
    sealed: bool
    total: int
    released: int
    created_at: datetime
    counts: dict[str, int] = field(default_factory=dict)
    per_second: float | None = None
    done_by: datetime | None = None
    schedule: Schedule | None = None


class Bulks:
    """The operations on bulks. Each is one transaction on the bulk's row."""

    def __init__(
        self, db: Database, clock: Clock, ids: Ids, channels: Channels, intake: Intake, scribe: Scribe
    ) -> None:
        self._db = db
        self._clock = clock
        self._ids = ids
        self._channels = channels
        self._intake = intake
        self._scribe = scribe
        self._counts: dict[UUID, tuple[float, dict[str, int]]] = {}
        self.on_change: Callable[[], None] = lambda: None
        self.on_written: Callable[[Sequence[Write]], None] = lambda writes: None

    # -- Making ---------------------------------------------------------------------------------------------------

    async def create(self, account_id: int, plan: Plan, name: str | None = None) -> UUID:
        """Opens a bulk that takes recipients until it is sealed; what is added goes out at once, at its pace."""
        now = self._clock.now()
        bulk = NewBulk(self._ids.new(now), account_id, encode_plan(plan), "running", False, 0, None, now, name)
        await new_bulk(self._db, bulk)
        return bulk.id

    async def add(
        self, account_id: int, bulk_id: UUID, recipients: Sequence[Recipient], offset: int | None = None
    ) -> int:
        """Adds recipients; returns how many the bulk has now.

        `offset` is how many the caller believes that it had before: what was added already is passed over, so that an
        interrupted upload may simply be repeated. A gap is a `Conflict`.
        """
        now = self._clock.now()
        async with self._db.transaction() as connection:
            bulk = await self._lock(connection, account_id, bulk_id)
            if bulk["sealed"]:
                raise Conflict("the bulk is sealed and takes no more recipients")
            known = bulk["total"] - (bulk["total"] if offset is None else offset)
            if known < 0:
                raise Conflict(f"the bulk has {bulk['total']} recipients; offset {offset} would leave a gap")
            fresh = recipients[known:]
            if fresh:
                plan = decode_plan(bulk["plan"])
                messages = await self._intake.bulk_messages(account_id, bulk_id, fresh, plan, now)
                await accept(connection, messages, 0, now)
                waiting = bulk["state"] == "paused"
                start = None if waiting else first_time(plan.schedule, now)
                await connection.execute(store.GROW, bulk_id, len(fresh), start, now)
        self.on_change()
        return int(bulk["total"]) + len(fresh)

    async def seal(self, account_id: int, bulk_id: UUID) -> None:
        """Closes the list of recipients."""
        now = self._clock.now()
        async with self._db.transaction() as connection:
            bulk = await self._lock(connection, account_id, bulk_id)
            if not bulk["sealed"]:
                start = bulk["next_at"] or (None if bulk["state"] == "paused" else now)
                await connection.execute(store.SEAL, bulk_id, start, now)
        self.on_change()

    # -- Steering -------------------------------------------------------------------------------------------------

    async def pause(self, account_id: int, bulk_id: UUID) -> None:
        """Holds everything that has not begun."""
        async with self._db.transaction() as connection:
            bulk = await self._lock(connection, account_id, bulk_id)
            self._refuse_ended(bulk, "paused")
            await connection.execute(store.HOLD, bulk_id)
            await connection.execute(store.SET_STATE, bulk_id, "paused", None, self._clock.now())

    async def resume(self, account_id: int, bulk_id: UUID) -> None:
        """Goes on after a pause."""
        now = self._clock.now()
        async with self._db.transaction() as connection:
            bulk = await self._lock(connection, account_id, bulk_id)
            self._refuse_ended(bulk, "resumed")
            await connection.execute(store.LET_GO, bulk_id, now)
            start = first_time(decode_plan(bulk["plan"]).schedule, now)
            await connection.execute(store.SET_STATE, bulk_id, "running", start, now)
        self.on_change()

    async def cancel(self, account_id: int, bulk_id: UUID) -> None:
        """Takes back everything that has not begun; what is with a network already goes its way."""
        now = self._clock.now()
        async with self._db.transaction() as connection:
            bulk = await self._lock(connection, account_id, bulk_id)
            if bulk["state"] != "cancelled":
                await connection.execute(store.SET_STATE, bulk_id, "cancelled", now, now)
        self.on_change()

    async def reschedule(self, account_id: int, bulk_id: UUID, schedule: Schedule | None) -> None:
        """Gives what has not begun another schedule."""
        now = self._clock.now()
        async with self._db.transaction() as connection:
            bulk = await self._lock(connection, account_id, bulk_id)
            self._refuse_ended(bulk, "rescheduled")
            plan = msgspec.structs.replace(decode_plan(bulk["plan"]), schedule=schedule)
            start = first_time(schedule, now)
            await connection.execute(store.HOLD, bulk_id)
            if bulk["state"] != "paused":
                await connection.execute(store.LET_GO, bulk_id, start)
            next_at = None if bulk["state"] == "paused" else start
            await connection.execute(store.SET_PLAN, bulk_id, encode_plan(plan), next_at, now)
        self.on_change()

    async def retry_failed(self, account_id: int, bulk_id: UUID) -> tuple[UUID, int]:
        """Sends a bulk's failed and expired messages once more, as a new bulk; returns its id and size.

        Raises `Conflict` where there are none.
        """
        bulk = await self._read(account_id, bulk_id)
        if not await self._db.read(store.FAILED, bulk_id, list(_UNSUCCESSFUL), UUID(int=0), 1):
            raise Conflict("none of the bulk's messages failed or expired, so there is nothing to send again")
        plan = msgspec.structs.replace(decode_plan(bulk["plan"]), schedule=None)
        fresh = await self.create(account_id, plan, bulk["name"])
        after, total = UUID(int=0), 0
        while True:
            rows = await self._db.read(store.FAILED, bulk_id, list(_UNSUCCESSFUL), after, _RETRY_CHUNK)
            if not rows:
                break
            total = await self.add(account_id, fresh, [_recipient(row) for row in rows])
            after = rows[-1]["id"]
        await self.seal(account_id, fresh)
        return fresh, total

    async def cancel_message(self, account_id: int, message_id: UUID) -> None:
        """Takes back one message, if it was not begun."""
        now = self._clock.now()
        async with self._db.transaction() as connection:
            row = await connection.fetchrow(_MESSAGE, account_id, message_id)
            if row is None:
                raise NotFound
            if row["bulk_id"]:
                await self._lock(connection, account_id, row["bulk_id"])
            if row["status"] not in _WAITING:
                raise Conflict(f"the message is {row['status']} already")
            taken = await connection.fetchrow(store.TAKE_BACK_ONE, message_id, account_id)
            due = taken is None and await connection.fetchval(_IS_DUE, message_id)
            if due:
                raise Conflict("the message is being sent already")
            key = [(account_id, message_id)]
            writes = await end_unsent(connection, key, rules.Cancelled(), now, self._scribe, self._ids)
            if not writes:
                raise Conflict("the message has been sent already")
        self.on_written(writes)

    # -- Looking --------------------------------------------------------------------------------------------------

    async def progress(self, account_id: int, bulk_id: UUID) -> Progress:
        """How far a bulk is, and when it will be done."""
        bulk = await self._read(account_id, bulk_id)
        plan = decode_plan(bulk["plan"])
        now = self._clock.now()
        counts = await self._count(bulk_id)
        waiting = bulk["total"] - sum(n for status, n in counts.items() if status not in _WAITING)
        finished = bulk["sealed"] and waiting <= 0 and bulk["state"] == "running"
        progress = Progress(
            id=bulk_id,
            name=bulk["name"],
            state="finished" if finished else bulk["state"],
            sealed=bulk["sealed"],
            total=bulk["total"],
            released=bulk["released"],
            created_at=bulk["created_at"],
            counts=counts,
            schedule=plan.schedule,
        )
        self._forecast(progress, account_id, plan, now)
        return progress

    def _forecast(self, progress: Progress, account_id: int, plan: Plan, now: datetime) -> None:
        waiting = sum(progress.counts.get(status, 0) for status in _WAITING)
        begun = progress.total - waiting
        elapsed = (now - first_time(plan.schedule, progress.created_at)).total_seconds()
        if begun > 0 and elapsed > 0:
            progress.per_second = round(begun / elapsed, 3)
        if progress.state in ("paused", "cancelled"):
            return
        entry = self._channels.get(account_id, plan.cascade[0].channel)
        limit = entry.channel.rate if entry else None
        paced = limit is not None or (plan.schedule is not None and plan.schedule.speed_limit is not None)
        rate = limit if paced else progress.per_second
        if waiting and (rate or paced):
            progress.done_by = forecast(plan.schedule, waiting, first_time(plan.schedule, now), rate)

    async def _count(self, bulk_id: UUID) -> dict[str, int]:
        at, kept = self._counts.get(bulk_id, (0.0, {}))
        if time.monotonic() - at < _COUNTS_AGE:
            return kept
        counts = await store.counts(self._db, bulk_id)
        if len(self._counts) > 1000:
            self._counts.clear()
        self._counts[bulk_id] = (time.monotonic(), counts)
        return counts

    # -- Rows -----------------------------------------------------------------------------------------------------

    async def _read(self, account_id: int, bulk_id: UUID) -> Any:
        row = await self._db.read_row(store.READ_BULK, account_id, bulk_id)
        if row is None:
            raise NotFound
        return row

    async def _lock(self, connection: Any, account_id: int, bulk_id: UUID) -> Any:
        row = await connection.fetchrow(store.LOCK_BULK, account_id, bulk_id)
        if row is None:
            raise NotFound
        return row

    def _refuse_ended(self, bulk: Any, wanted: str) -> None:
        if bulk["state"] == "cancelled":
            raise Conflict(f"the bulk is {bulk['state']} and cannot be {wanted}")


_MESSAGE = "SELECT status, bulk_id FROM messages WHERE account_id = $1 AND id = $2"
_IS_DUE = "SELECT EXISTS (SELECT 1 FROM sends WHERE message_id = $1)"


def _recipient(row: Any) -> Recipient:
    variables = msgspec.json.decode(row["variables"], type=dict[str, str]) if row["variables"] else None
    return Recipient(to=row["recipient"], variables=variables, plan=decode_plan(row["plan"]) if row["plan"] else None)
