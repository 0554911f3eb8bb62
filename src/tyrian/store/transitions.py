"""Reading messages for a change that is not a send's own outcome: receipts, deadlines, cancellations.

Each runs inside a transaction that first locks the messages, in the order of their ids so that two batches never wait
for each other, and only then reads the attempts, so that it sees what an earlier holder of the lock has written.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tyrian.store.database import Connection, Database

_FIND = """
SELECT r.n::int AS n, a.message_id, a.account_id, a.id AS attempt_id
FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS r(channel_id, ref, n)
CROSS JOIN LATERAL (
    SELECT a.message_id, a.account_id, a.id FROM attempts a
    WHERE a.channel_id = r.channel_id AND a.provider_ref = r.ref AND a.message_id >= $3::uuid
    ORDER BY a.message_id DESC LIMIT 1) a
"""

#: The same attempts with all that the lifecycle needs of them and of their messages, read without locking anything.
_LOOK = """
SELECT r.n::int AS n, m.id, m.account_id, m.status, m.reason, m.step, m.valid_until, m.recipient, m.endpoint_id,
    m.accepted_at, m.bulk_id, m.variables, m.name, b.name AS bulk_name, COALESCE(m.plan, b.plan) AS plan,
    a.id AS attempt_id, a.step AS attempt_step,
    a.channel_id, a.status AS attempt_status, a.tries, a.started_at, a.delivered_at, a.seen_at,
    a.recipient AS attempt_recipient
FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS r(channel_id, ref, n)
CROSS JOIN LATERAL (
    SELECT a.* FROM attempts a
    WHERE a.channel_id = r.channel_id AND a.provider_ref = r.ref AND a.message_id >= $3::uuid
    ORDER BY a.message_id DESC LIMIT 1) a
JOIN messages m ON m.account_id = a.account_id AND m.id = a.message_id AND m.id >= $3::uuid
LEFT JOIN bulks b ON b.id = m.bulk_id
"""

#: The one attempt to a person on a channel that the network took without telling its id; of several it could be any.
_FIND_NAMELESS = """
SELECT r.n::int AS n, a.message_id, a.account_id, a.attempt_id
FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS r(channel_id, person, n)
JOIN channels c ON c.id = r.channel_id
CROSS JOIN LATERAL (
    SELECT min(a.message_id::text)::uuid AS message_id, min(a.account_id) AS account_id,
        min(a.id::text)::uuid AS attempt_id
    FROM messages m
    JOIN attempts a ON a.message_id = m.id AND a.channel_id = r.channel_id AND a.recipient = r.person
      AND a.provider_ref IS NULL AND a.sent_at IS NOT NULL AND a.delivered_at IS NULL
    WHERE m.account_id = c.account_id AND m.recipient = ANY(ARRAY[r.person, ltrim(r.person, '+')]) AND m.id >= $3::uuid
    HAVING count(*) = 1) a
"""
_NAME_ATTEMPTS = """
WITH w AS MATERIALIZED (
    SELECT *, ARRAY[message_id] AS key FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS w(message_id, id, ref)
)
UPDATE attempts a SET provider_ref = w.ref FROM w
WHERE a.message_id = ANY(w.key) AND a.id = w.id AND a.provider_ref IS NULL
  AND a.message_id BETWEEN $4::uuid AND $5::uuid
"""

_LOCK = """
SELECT m.id, m.account_id, m.status, m.reason, m.step, m.valid_until, m.recipient, m.endpoint_id, m.accepted_at,
    m.bulk_id, m.variables, m.name, b.name AS bulk_name, COALESCE(m.plan, b.plan) AS plan
FROM messages m
LEFT JOIN bulks b ON b.id = m.bulk_id
WHERE m.account_id = ANY($1::int[]) AND m.id = ANY($2::uuid[]) AND m.id BETWEEN $3::uuid AND $4::uuid
ORDER BY m.id
FOR UPDATE OF m
"""

_ATTEMPTS = """
SELECT a.message_id, a.id, a.account_id, a.step, a.channel_id, a.status, a.tries, a.started_at, a.delivered_at,
    a.seen_at, a.recipient
FROM unnest($1::uuid[], $2::uuid[]) AS w(message_id, id)
JOIN attempts a ON a.message_id = w.message_id AND a.id = w.id AND a.message_id BETWEEN $3::uuid AND $4::uuid
"""

_WAITING = """
SELECT message_id, attempt_id FROM deadlines WHERE message_id = ANY($1::uuid[]) AND due_at <= $2
"""

_PARK = """
INSERT INTO parked_receipts (channel_id, ref, body, due_at, created_at)
SELECT * FROM unnest($1::int[], $2::text[], $3::bytea[], $4::timestamptz[], $5::timestamptz[])
"""

_PARKED = """
DELETE FROM parked_receipts WHERE id IN (
    SELECT id FROM parked_receipts WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING channel_id, ref, body, tries, created_at
"""

_PARKED_OF = """
DELETE FROM parked_receipts p USING unnest($1::int[], $2::text[]) AS w(channel_id, ref)
WHERE p.channel_id = w.channel_id AND p.ref = w.ref
RETURNING p.id, p.channel_id, p.ref, p.body
"""

_REPARK = """
INSERT INTO parked_receipts (channel_id, ref, body, tries, due_at, created_at)
SELECT * FROM unnest($1::int[], $2::text[], $3::bytea[], $4::smallint[], $5::timestamptz[], $6::timestamptz[])
"""

NEXT_PARKED = "SELECT min(due_at) FROM parked_receipts"


async def find(
    connection: Connection | Database, channel_ids: list[int], refs: list[str], floor: UUID
) -> dict[int, Any]:
    """Attempts by the network's ids: position in the request (from 0) -> row. `floor` bounds the days searched."""
    rows = await connection.fetch(_FIND, channel_ids, refs, floor)
    return {row["n"] - 1: row for row in rows}


async def find_nameless(
    connection: Connection, channel_ids: list[int], people: list[str], floor: UUID
) -> dict[int, Any]:
    """Attempts without the network's id by whom they went to: position in the request (from 0) -> row."""
    rows = await connection.fetch(_FIND_NAMELESS, channel_ids, people, floor)
    return {row["n"] - 1: row for row in rows}


async def name_attempts(connection: Connection, named: Sequence[tuple[UUID, UUID, str]]) -> None:
    """Gives attempts the network's id: (message, attempt, id)."""
    messages, attempts, refs = ([one[n] for one in named] for n in range(3))
    await connection.execute(_NAME_ATTEMPTS, messages, attempts, refs, min(messages), max(messages))


async def look(db: Database, channel_ids: list[int], refs: list[str], floor: UUID) -> dict[int, Any]:
    """Attempts by the network's ids with their messages: position in the request (from 0) -> row."""
    return {row["n"] - 1: row for row in await db.fetch(_LOOK, channel_ids, refs, floor)}


async def lock(connection: Connection, keys: Sequence[tuple[int, UUID]]) -> dict[UUID, Any]:
    """Locks messages and reads them."""
    ids = [identifier for _, identifier in keys]
    rows = await connection.fetch(_LOCK, [account for account, _ in keys], ids, min(ids), max(ids))
    return {row["id"]: row for row in rows}


async def attempts(connection: Connection, keys: Sequence[tuple[UUID, UUID]]) -> dict[UUID, Any]:
    """Attempts by (message id, attempt id): attempt id -> row."""
    messages = [message for message, _ in keys]
    rows = await connection.fetch(_ATTEMPTS, messages, [a for _, a in keys], min(messages), max(messages))
    return {row["id"]: row for row in rows}


async def still_due(connection: Connection, ids: list[UUID], now: datetime) -> set[tuple[UUID, UUID]]:
    """Which of these messages' deadlines have come, read under the messages' lock."""
    rows = await connection.fetch(_WAITING, ids, now)
    return {(row["message_id"], row["attempt_id"]) for row in rows}


async def park(
    connection: Connection | Database,
    items: Sequence[tuple[int, str, bytes]],
    due_at: datetime,
    now: datetime,
) -> None:
    """Keeps receipts whose attempt is not known yet."""
    await connection.execute(
        _PARK,
        [c for c, _, _ in items],
        [r for _, r, _ in items],
        [b for _, _, b in items],
        [due_at] * len(items),
        [now] * len(items),
    )


async def unpark(connection: Connection, now: datetime, limit: int) -> list[Any]:
    """Takes parked receipts that are due for another look."""
    return list(await connection.fetch(_PARKED, now, limit))


async def unpark_of(connection: Connection, refs: Sequence[tuple[int, str]]) -> list[Any]:
    """Takes the parked receipts of these (channel, ref) pairs, oldest first."""
    rows = await connection.fetch(_PARKED_OF, [c for c, _ in refs], [r for _, r in refs])
    return sorted(rows, key=lambda row: row["id"])


async def repark(connection: Connection, items: Sequence[tuple[int, str, bytes, int, datetime, datetime]]) -> None:
    """Puts receipts back: (channel, ref, body, tries, due, created)."""
    await connection.execute(_REPARK, *[list(column) for column in zip(*items, strict=True)])
