"""Receipts: what networks say about attempts, matched, passed through the lifecycle and committed.

A receipt may come twice, out of order, after the end, or before the answer of its own send is stored. The last is
parked and looked at again; the rest is the lifecycle's business.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from tyrian.domain import lifecycle as rules
from tyrian.domain.ids import floor_of
from tyrian.engine.known import Facts, Known, from_row
from tyrian.engine.ports import Clock, Receipt
from tyrian.engine.writer import Scribe, reported
from tyrian.store import transitions as store
from tyrian.store.batcher import Batcher
from tyrian.store.database import Database
from tyrian.store.plain import apply as apply_each
from tyrian.store.writing import Write, apply

log = logging.getLogger(__name__)

#: Most receipts come within this many days of the message; only these days' partitions are searched at first.
_NEAR = timedelta(days=3)
_EPOCH = floor_of(datetime.fromtimestamp(0, UTC))

#: Seconds until a parked receipt is looked at again, by how often it was; after the last it is given up.
PARKED_AGAIN = (0.25, 0.5, 1, 2, 5, 15, 60, 300, 900, 3600, 3600, 3600)

#: Looks after which a receipt is matched by its person: by then the answer of its own send would long be stored.
_PATIENT = 4

#: Times that receipts are tried without locks before their messages are locked.
_LOOKS = 2

#: (channel, ref) pairs remembered as parked; forgetting costs only the order of two receipts.
_MOST_EARLY = 100_000

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Receipt).decode


@dataclass(slots=True)
class Change:
    """Something that happened to an attempt that is not being sent."""

    account_id: int
    message_id: UUID
    attempt_id: UUID
    happening: rules.Happening
    raw: str | None = None


class Transitions:
    """Applies happenings to messages under their locks. Shared by receipts, deadlines and cancellations."""

    def __init__(self, clock: Clock, scribe: Scribe) -> None:
        self._clock = clock
        self._scribe = scribe

    async def run(self, connection: Any, changes: Sequence[Change]) -> list[Write]:
        """Locks, decides and writes, within the caller's transaction."""
        keys = sorted({(c.account_id, c.message_id) for c in changes}, key=lambda key: key[1])
        messages = await store.lock(connection, keys)
        tried = await store.attempts(connection, list({(c.message_id, c.attempt_id) for c in changes}))
        views = _Views(messages, tried)
        written: list[Write] = []
        for turn in _turns(changes):
            writes = [w for c in turn if (w := self._one(views, c)) is not None]
            if writes:
                await apply(connection, writes, 0)
                written += writes
        return written

    async def run_unlocked(
        self, db: Database, looked: Sequence[tuple[Any, Change]]
    ) -> tuple[list[Write], list[Change]]:
        """Decides on rows that were only read, and writes what still holds: one round trip, no lock held over any.

        Returns what was written, and the changes whose message or attempt had moved on meanwhile: look again for them.
        """
        views = _Views({row["id"]: row for row, _ in looked}, {row["attempt_id"]: _tried(row) for row, _ in looked})
        written: list[Write] = []
        moved: list[Change] = []
        for turn in _turns([change for _, change in looked]):
            decided = [(w, c) for c in turn if (w := self._one(views, c, guarded=True)) is not None]
            if decided:
                decided.sort(key=lambda pair: pair[0].message_id)
                done = await apply_each(db, [w for w, _ in decided], 0)
                written += [w for w, _ in decided if w.message_id in done]
                moved += [c for w, c in decided if w.message_id not in done]
        return written, moved

    def _one(self, views: "_Views", change: Change, *, guarded: bool = False) -> Write | None:
        view = views.of(change)
        if view is None:
            return None
        now = self._clock.now()
        message, attempt, known, facts = view
        before = (message.status.value, message.step, attempt.status.value, attempt.delivered, attempt.seen)
        changes = rules.advance(message, attempt, change.happening, now)
        _follow(message, attempt, changes)
        if not changes.events and not changes.settled:
            return None
        write = self._scribe.write(facts, known, changes, now, raw=change.raw)
        if guarded:
            (
                write.expect_status,
                write.expect_step,
                write.expect_attempt,
                write.expect_delivered,
                write.expect_seen,
            ) = before
        return write


class _Views:
    """The lifecycle's view of each locked message and attempt, kept while several changes of one batch touch it."""

    def __init__(self, messages: dict[UUID, Any], attempts: dict[UUID, Any]) -> None:
        self._rows = messages
        self._attempts = attempts
        self._messages: dict[UUID, tuple[rules.Message, Known]] = {}
        self._seen: dict[UUID, tuple[rules.Attempt, Facts]] = {}

    def of(self, change: Change) -> tuple[rules.Message, rules.Attempt, Known, Facts] | None:
        row, tried = self._rows.get(change.message_id), self._attempts.get(change.attempt_id)
        if row is None or tried is None:
            return None
        if change.message_id not in self._messages:
            known = from_row(row, outline=True)
            status = rules.Status(row["status"])
            message = rules.Message(status, row["step"], known.steps, row["valid_until"], row["reason"])
            self._messages[change.message_id] = (message, known)
        if change.attempt_id not in self._seen:
            self._seen[change.attempt_id] = _attempt(tried, row)
        message, known = self._messages[change.message_id]
        attempt, facts = self._seen[change.attempt_id]
        return message, attempt, known, facts


def _tried(row: Any) -> dict[str, Any]:
    """The attempt's part of a row that has both."""
    return {
        "message_id": row["id"],
        "id": row["attempt_id"],
        "account_id": row["account_id"],
        "step": row["attempt_step"],
        "channel_id": row["channel_id"],
        "status": row["attempt_status"],
        "tries": row["tries"],
        "started_at": row["started_at"],
        "delivered_at": row["delivered_at"],
        "seen_at": row["seen_at"],
        "recipient": row["attempt_recipient"],
    }


def _attempt(tried: Any, row: Any) -> tuple[rules.Attempt, Facts]:
    attempt = rules.Attempt(
        step=tried["step"],
        status=rules.Status(tried["status"]),
        started_at=tried["started_at"] or row["accepted_at"],
        tries=tried["tries"],
        delivered=tried["delivered_at"] is not None,
        seen=tried["seen_at"] is not None,
    )
    facts = Facts(
        message_id=tried["message_id"],
        account_id=tried["account_id"],
        attempt_id=tried["id"],
        step=tried["step"],
        channel_id=tried["channel_id"],
        recipient=tried["recipient"],
        tries=tried["tries"],
        started_at=tried["started_at"],
        valid_until=row["valid_until"],
        fenced=False,
    )
    return attempt, facts


def _follow(message: rules.Message, attempt: rules.Attempt, changes: rules.Changes) -> None:
    """Brings the views up to what was decided, for the next change of the same batch."""
    if changes.message_status is not None:
        message.status = changes.message_status
    if changes.next_step is not None:
        message.step = changes.next_step
    if changes.attempt_status is not None:
        attempt.status = changes.attempt_status
    attempt.delivered = attempt.delivered or changes.delivered_at is not None
    attempt.seen = attempt.seen or changes.seen_at is not None


def _turns(changes: Sequence[Change]) -> list[list[Change]]:
    """Cuts changes into turns in which no message comes twice, keeping each message's order."""
    turns: list[list[Change]] = []
    count: dict[UUID, int] = {}
    for change in changes:
        turn = count.get(change.message_id, 0)
        count[change.message_id] = turn + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(change)
    return turns


@dataclass(slots=True)
class _Item:
    channel_id: int
    receipt: Receipt


class Receipts:
    """Takes receipts in; `submit` returns once they are committed."""

    def __init__(self, db: Database, clock: Clock, transitions: Transitions) -> None:
        self._db = db
        self._clock = clock
        self._transitions = transitions
        self._batcher: Batcher[_Item, None] = Batcher(
            self._write, size=256, writers=2, linger=0.002, busy=0.02, patience=10.0
        )
        #: Called after each commit with what was written, to wake whoever has work by it.
        self.on_written: Callable[[Sequence[Write]], None] = lambda writes: None
        self.on_parked: Callable[[], None] = lambda: None
        #: What was parked here and may still be: a receipt that overtakes an earlier one lets that one go first.
        self._early: set[tuple[int, str]] = set()
        self.received = 0
        self.orphaned = 0

    @property
    def depth(self) -> int:
        """Receipts waiting for the group commit."""
        return self._batcher.depth

    async def submit(self, channel_id: int, receipts: Sequence[Receipt]) -> None:
        """Commits receipts of a channel."""
        self.received += len(receipts)
        if len(receipts) == 1:
            await self._batcher.submit(_Item(channel_id, receipts[0]))
        elif receipts:
            await asyncio.gather(*(self._batcher.submit(_Item(channel_id, r)) for r in receipts))

    async def drain(self) -> None:
        """Waits until everything handed in is durable."""
        await self._batcher.drain()

    async def _write(self, items: Sequence[_Item]) -> Sequence[None]:
        """The quick way where nothing was overtaken and everything is known; the rest under locks."""
        left, unknown = list(items), []
        if not any((i.channel_id, i.receipt.ref) in self._early for i in items):
            for _ in range(_LOOKS):
                left, strange = await self._look(left)
                unknown += strange
                if not left:
                    break
        if left or unknown:
            await self._write_locked([*left, *unknown])
        return [None] * len(items)

    async def _look(self, items: list[_Item]) -> tuple[list[_Item], list[_Item]]:
        """Reads, decides and writes without locks; returns what had changed meanwhile, and what is unknown here."""
        floor = floor_of(self._clock.now() - _NEAR)
        rows = await store.look(self._db, [i.channel_id for i in items], [i.receipt.ref for i in items], floor)
        pairs = [(rows[n], self._change(rows[n], items[n].receipt, rows[n]["id"])) for n in sorted(rows)]
        place = {id(change): n for (_, change), n in zip(pairs, sorted(rows), strict=True)}
        written, moved = await self._transitions.run_unlocked(self._db, pairs)
        self.on_written(written)
        again = sorted(place[id(change)] for change in moved)
        return [items[n] for n in again], [item for n, item in enumerate(items) if n not in rows]

    async def _write_locked(self, items: Sequence[_Item]) -> None:
        now = self._clock.now()
        async with self._db.transaction() as connection:
            found = await self._find(connection, items, now)
            changes = await self._overtaken(connection, items, found)
            changes += [self._change(found[n], item.receipt) for n, item in enumerate(items) if n in found]
            writes = await self._transitions.run(connection, changes) if changes else []
            early = [i for n, i in enumerate(items) if n not in found]
            if early:
                due = now + timedelta(seconds=PARKED_AGAIN[0])
                await store.park(
                    connection, [(i.channel_id, i.receipt.ref, _encode(i.receipt)) for i in early], due, now
                )
        if early:
            self._remember_early(early)
            self.on_parked()
        self.on_written(writes)

    def _remember_early(self, items: Sequence[_Item]) -> None:
        if len(self._early) > _MOST_EARLY:
            self._early.clear()
        self._early.update((i.channel_id, i.receipt.ref) for i in items)

    async def _overtaken(self, connection: Any, items: Sequence[_Item], found: dict[int, Any]) -> list[Change]:
        """Receipts parked here earlier for attempts that are known now: they come before those that arrive now."""
        rows = {(items[n].channel_id, items[n].receipt.ref): row for n, row in found.items()}
        refs = [key for key in rows if key in self._early]
        if not refs:
            return []
        self._early.difference_update(refs)
        parked = await store.unpark_of(connection, refs)
        return [self._change(rows[row["channel_id"], row["ref"]], _decode(row["body"])) for row in parked]

    async def _find(self, connection: Any, items: Sequence[_Item], now: datetime) -> dict[int, Any]:
        channels, refs = [i.channel_id for i in items], [i.receipt.ref for i in items]
        found = await store.find(connection, channels, refs, floor_of(now - _NEAR))
        rest = [n for n in range(len(items)) if n not in found]
        if rest:
            older = await store.find(connection, [channels[n] for n in rest], [refs[n] for n in rest], _EPOCH)
            found |= {rest[n]: row for n, row in older.items()}
        return found

    def _change(self, row: Any, receipt: Receipt, message_id: UUID | None = None) -> Change:
        happening = rules.Receipt(receipt.kind, receipt.reason, receipt.at)
        return Change(row["account_id"], message_id or row["message_id"], row["attempt_id"], happening, receipt.raw)

    # -- Receipts that came too early -----------------------------------------------------------------------------

    async def look_again(self, limit: int = 500) -> int:
        """Matches parked receipts that are due; returns how many were looked at."""
        now = self._clock.now()
        writes: list[Write] = []
        async with self._db.transaction() as connection:
            rows = await store.unpark(connection, now, limit)
            if not rows:
                return 0
            items = [_Item(row["channel_id"], _decode(row["body"])) for row in rows]
            found = await self._find(connection, items, now)
            patient = [n for n, row in enumerate(rows) if n not in found and row["tries"] >= _PATIENT]
            found |= await self._find_nameless(connection, items, patient, now)
            changes = [self._change(found[n], item.receipt) for n, item in enumerate(items) if n in found]
            if changes:
                writes = await self._transitions.run(connection, changes)
            await self._repark(connection, [row for n, row in enumerate(rows) if n not in found], now)
        self.on_written(writes)
        return len(rows)

    async def _find_nameless(
        self, connection: Any, items: Sequence[_Item], left: list[int], now: datetime
    ) -> dict[int, Any]:
        """Attempts by whom they went to, for receipts whose send was taken without its id being told."""
        people = [(n, items[n].receipt.person) for n in left]
        told = [(n, person) for n, person in people if person is not None]
        if not told:
            return {}
        channels = [items[n].channel_id for n, _ in told]
        rows = await store.find_nameless(connection, channels, [p for _, p in told], floor_of(now - _NEAR))
        found = {told[place][0]: row for place, row in rows.items()}
        # Two ids for one attempt: the first counts, the other stays unknown.
        first: dict[UUID, str] = {}
        for n, row in sorted(found.items()):
            first.setdefault(row["attempt_id"], items[n].receipt.ref)
        found = {n: row for n, row in found.items() if first[row["attempt_id"]] == items[n].receipt.ref}
        if found:
            named = {(row["message_id"], row["attempt_id"], items[n].receipt.ref) for n, row in found.items()}
            await store.name_attempts(connection, sorted(named))
        return found

    async def _repark(self, connection: Any, rows: Sequence[Any], now: datetime) -> None:
        again = [row for row in rows if row["tries"] + 1 < len(PARKED_AGAIN)]
        self.orphaned += len(rows) - len(again)
        for row in rows:
            if row["tries"] + 1 >= len(PARKED_AGAIN):
                log.warning("a receipt for the unknown id %r on channel %d is given up", row["ref"], row["channel_id"])
        if again:
            await store.repark(
                connection,
                [
                    (
                        row["channel_id"],
                        row["ref"],
                        row["body"],
                        row["tries"] + 1,
                        now + timedelta(seconds=PARKED_AGAIN[row["tries"] + 1]),
                        row["created_at"],
                    )
                    for row in again
                ],
            )


__all__ = ["Change", "Receipts", "Transitions", "reported"]
