"""Taking submissions in: idempotency keys, bulks and messages in one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from tyrian.store.database import Connection, Database
from tyrian.store.writing import NewMessage, accept, accept_along

_encode = msgspec.json.Encoder().encode

_CLAIM_KEYS = """
INSERT INTO idempotency (account_id, key, fingerprint, answer, created_at)
SELECT * FROM unnest($1::int[], $2::text[], $3::bytea[], $4::bytea[], $5::timestamptz[])
ON CONFLICT DO NOTHING
RETURNING account_id, key
"""
_STORED_ANSWERS = """
SELECT i.account_id, i.key, i.fingerprint, i.answer FROM unnest($1::int[], $2::text[]) AS w(account_id, key)
JOIN idempotency i ON i.account_id = w.account_id AND i.key = w.key
"""
FORGET_KEYS = "DELETE FROM idempotency WHERE created_at < $1"

_NEW_BULK = """
INSERT INTO bulks (id, account_id, name, plan, state, sealed, total, next_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
ON CONFLICT DO NOTHING
"""

_INTERN = """
INSERT INTO endpoints (account_id, face, url, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, face, url) DO UPDATE SET url = endpoints.url
RETURNING id
"""

#: A queue that the customer collects from has a number below zero: whoever looks for callbacks to deliver begins above.
_INTERN_QUEUE = """
INSERT INTO endpoints (id, account_id, face, url, created_at) OVERRIDING SYSTEM VALUE
VALUES (-nextval(pg_get_serial_sequence('endpoints', 'id')), $1, $2, $3, $4)
ON CONFLICT (account_id, face, url) DO UPDATE SET url = endpoints.url
RETURNING id
"""
QUEUE_PREFIX = "pull:"


@dataclass(slots=True)
class NewBulk:
    """A bulk to create. `next_at`: when its feeder first looks at it."""

    id: UUID
    account_id: int
    plan: bytes
    state: str
    sealed: bool
    total: int
    next_at: datetime | None
    at: datetime
    name: str | None = None


@dataclass(frozen=True)
class Companion:
    """A kind of thing that is stored together with submissions.

    `write` stores such things in a transaction, and says of each whether it is stored. `ctes` and `columns` do the same
    within one statement (see `writing.accept_along`), where `key` is the id of a thing. A repeat after a lost
    connection must find its own things stored, and say so.
    """

    write: Callable[[Connection, Sequence[Any]], Awaitable[Sequence[bool]]]
    key: Callable[[Any], UUID]
    ctes: Callable[[int], str] | None = None
    columns: Callable[[Sequence[Any]], list[list[Any]]] | None = None


@dataclass(slots=True, frozen=True)
class Along:
    """Something that is stored in one transaction with a submission, or neither of them is."""

    companion: Companion
    item: Any

    @property
    def key(self) -> UUID:
        """The id of the thing."""
        return self.companion.key(self.item)


#: The result of a submission whose `along` could not be stored.
OVERTAKEN: Final = object()


@dataclass(slots=True)
class Keyed:
    """One submission. `answer` is what its caller is told, kept for repeats where it has a key."""

    account_id: int
    key: str | None
    fingerprint: bytes
    answer: Any
    messages: list[NewMessage]
    bulk: NewBulk | None
    along: Along | None = None


@dataclass(slots=True)
class Taken:
    """One result per submission, and the leases taken.

    A result is the submission's own answer, an earlier one, None for a conflict, or `OVERTAKEN`.
    """

    results: list[Any]
    leased: set[UUID]


async def take(db: Database, entries: Sequence[Keyed], node: int, leased_until: datetime) -> Taken:
    """Stores submissions. Those whose idempotency key is taken are not stored again."""
    if not any(e.key or e.bulk or e.along for e in entries):
        leased = await accept(db, [m for e in entries for m in e.messages], node, leased_until)
        return Taken([e.answer for e in entries], leased)
    if (companion := _only_companion(entries)) is not None:
        return await _take_along(db, entries, companion, node, leased_until)
    async with db.transaction() as connection:
        stored = await _stored_along(connection, entries)
        results = _joined(stored, await _by_key(connection, [e for e, ok in zip(entries, stored, strict=True) if ok]))
        fresh = [e for e, result in zip(entries, results, strict=True) if result is e.answer]
        for entry in fresh:
            if entry.bulk:
                await new_bulk(connection, entry.bulk)
        messages = [m for e in fresh for m in e.messages]
        leased = await accept(connection, messages, node, leased_until) if messages else set()
    return Taken(results, leased)


def _only_companion(entries: Sequence[Keyed]) -> Companion | None:
    """What all of these can be stored with in one statement, if they can."""
    if any(e.key or e.bulk for e in entries):
        return None
    kinds = {e.along.companion for e in entries if e.along is not None}
    only = kinds.pop() if len(kinds) == 1 else None
    return only if only is not None and only.ctes is not None else None


async def _take_along(
    db: Database, entries: Sequence[Keyed], companion: Companion, node: int, leased_until: datetime
) -> Taken:
    """Stores submissions without keys, and what belongs to them, in one statement."""
    assert companion.ctes is not None
    assert companion.columns is not None
    first: dict[UUID, Keyed] = {}
    for entry in entries:
        if entry.along is not None:
            first.setdefault(entry.along.key, entry)
    kept = [e for e in entries if e.along is None or first[e.along.key] is e]
    messages = [m for e in kept for m in e.messages]
    keys = [e.along.key if e.along is not None else None for e in kept for _ in e.messages]
    items = [e.along.item for e in first.values() if e.along is not None]
    stored = await accept_along(db, messages, node, leased_until, companion.ctes, keys, companion.columns(items))
    results = [e.answer if all(m.id in stored for m in e.messages) else OVERTAKEN for e in entries]
    return Taken(results, {identifier for identifier, leased in stored.items() if leased})


async def _stored_along(connection: Connection, entries: Sequence[Keyed]) -> list[bool]:
    """Of each submission, whether what goes along with it is stored, if anything does."""
    found = [True] * len(entries)
    groups: dict[Companion, list[int]] = {}
    for number, entry in enumerate(entries):
        if entry.along is not None:
            groups.setdefault(entry.along.companion, []).append(number)
    for companion, numbers in groups.items():
        items = [along.item for n in numbers if (along := entries[n].along) is not None]
        for number, ok in zip(numbers, await companion.write(connection, items), strict=True):
            found[number] = ok
    return found


def _joined(stored: Sequence[bool], results: Sequence[Any]) -> list[Any]:
    """The results of those submissions that may be stored, in their places among the others."""
    theirs = iter(results)
    return [next(theirs) if ok else OVERTAKEN for ok in stored]


async def new_bulk(connection: Connection | Database, bulk: NewBulk) -> None:
    """Creates a bulk."""
    await connection.execute(
        _NEW_BULK,
        bulk.id,
        bulk.account_id,
        bulk.name,
        bulk.plan,
        bulk.state,
        bulk.sealed,
        bulk.total,
        bulk.next_at,
        bulk.at,
    )


async def _by_key(connection: Connection, entries: Sequence[Keyed]) -> list[Any]:
    """What each submission comes to under its idempotency key."""
    first: dict[tuple[int, str], Keyed] = {}
    for entry in entries:
        if entry.key:
            first.setdefault((entry.account_id, entry.key), entry)
    if not first:
        return [e.answer for e in entries]
    stored = await _claim(connection, first)
    return [_result(entry, first, stored) for entry in entries]


async def _claim(
    connection: Connection, first: dict[tuple[int, str], Keyed]
) -> dict[tuple[int, str], tuple[bytes, Any]]:
    """Takes the keys that are free; returns fingerprint and answer of those that are not."""
    owners = sorted(first.items(), key=lambda item: item[0])
    rows = await connection.fetch(
        _CLAIM_KEYS,
        [account for (account, _), _ in owners],
        [key for (_, key), _ in owners],
        [e.fingerprint for _, e in owners],
        [_encode(e.answer) for _, e in owners],
        [e.messages[0].accepted_at if e.messages else e.bulk.at if e.bulk else leased_never() for _, e in owners],
    )
    won = {(row["account_id"], row["key"]) for row in rows}
    lost = [owner for owner, _ in owners if owner not in won]
    if not lost:
        return {}
    found = await connection.fetch(_STORED_ANSWERS, [a for a, _ in lost], [k for _, k in lost])
    return {(r["account_id"], r["key"]): (r["fingerprint"], r["answer"]) for r in found}


def leased_never() -> datetime:
    """A time for an entry without one; no entry is without messages and bulk, so this is never stored."""
    raise ValueError("a submission needs messages or a bulk")


def _result(
    entry: Keyed,
    first: dict[tuple[int, str], Keyed],
    stored: dict[tuple[int, str], tuple[bytes, Any]],
) -> Any:
    if not entry.key:
        return entry.answer
    owner = (entry.account_id, entry.key)
    if owner not in stored:
        winner = first[owner]
        return winner.answer if winner.fingerprint == entry.fingerprint else None
    fingerprint, answer = stored[owner]
    if fingerprint != entry.fingerprint:
        return None
    repeated = msgspec.json.decode(answer, type=type(entry.answer))
    if [m.id for m in repeated.messages] == [
        m.id for m in entry.answer.messages
    ] and repeated.bulk_id == entry.answer.bulk_id:
        return entry.answer
    repeated.repeated = True
    return repeated


async def intern_endpoint(db: Database, account_id: int, face: str, url: str, now: datetime) -> int:
    """The number of an endpoint, new or not; of a queue (`pull:<name>`) it is below zero."""
    statement = _INTERN_QUEUE if url.startswith(QUEUE_PREFIX) else _INTERN
    value: int = await db.fetchval(statement, account_id, face, url, now)
    return value
