"""Bulks: the feeder's claim, and what customers do to a bulk as a whole."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tyrian.store.database import Connection, Database

CLAIM_BULK = """
SELECT id, account_id, plan, state, sealed, total, released, cursor, next_at FROM bulks
WHERE next_at <= $1 ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
NEXT_BULK = "SELECT min(next_at) FROM bulks WHERE next_at IS NOT NULL"

#: How many of a bulk's sends are waiting; counting stops at the most that the feeder wants to know.
DEPTH = "SELECT count(*) FROM (SELECT 1 FROM sends WHERE bulk_id = $1 LIMIT $2) waiting"

#: The next messages of a bulk in the order of their acceptance; those cancelled meanwhile are passed over.
WAITING = """
SELECT id, account_id, recipient, status, plan, due_at, valid_until, purpose FROM messages
WHERE bulk_id = $1 AND id > $2 ORDER BY id LIMIT $3
"""

_RELEASE = """
WITH t AS MATERIALIZED (
    SELECT *, ARRAY[message_id] AS key
    FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::smallint[], $6::timestamptz[], $7::timestamptz[],
        $8::uuid[], $9::text[])
    AS t(message_id, attempt_id, account_id, channel_id, priority, due_at, valid_until, bulk_id, recipient)
), moved AS (
    UPDATE messages m SET valid_until = t.valid_until, due_at = t.due_at FROM t
    WHERE m.account_id = t.account_id AND m.id = ANY(t.key) AND m.valid_until < t.valid_until
      AND m.id BETWEEN $10::uuid AND $11::uuid
)
INSERT INTO sends (message_id, attempt_id, account_id, channel_id, priority, step, due_at, valid_until, bulk_id,
    recipient)
SELECT message_id, attempt_id, account_id, channel_id, priority, 0, due_at, valid_until, bulk_id, recipient FROM t
ON CONFLICT DO NOTHING
"""

ADVANCE = """
UPDATE bulks SET cursor = COALESCE($2, cursor), released = released + $3, next_at = $4, updated_at = $5,
    state = COALESCE($6, state)
WHERE id = $1
"""

LOCK_BULK = """
SELECT id, account_id, name, plan, state, sealed, total, released, cursor, next_at, created_at FROM bulks
WHERE account_id = $1 AND id = $2 FOR UPDATE
"""
READ_BULK = LOCK_BULK.removesuffix("FOR UPDATE\n")

GROW = "UPDATE bulks SET total = total + $2, next_at = COALESCE(next_at, $3), updated_at = $4 WHERE id = $1"
SEAL = "UPDATE bulks SET sealed = true, state = CASE WHEN state = 'open' THEN 'running' ELSE state END, \
next_at = COALESCE(next_at, $2), updated_at = $3 WHERE id = $1"
SET_STATE = "UPDATE bulks SET state = $2, next_at = $3, updated_at = $4 WHERE id = $1"
SET_PLAN = "UPDATE bulks SET plan = $2, next_at = $3, updated_at = $4 WHERE id = $1"

#: Sends not yet begun wait out a pause at the end of time; they hold up nobody behind them.
HOLD = "UPDATE sends SET due_at = 'infinity', waits = false WHERE bulk_id = $1 AND leased_until IS NULL AND tries = 0"
LET_GO = "UPDATE sends SET due_at = $2 WHERE bulk_id = $1 AND leased_until IS NULL AND due_at = 'infinity'"

#: Takes back sends of a cancelled bulk or message that were not begun.
TAKE_BACK = """
DELETE FROM sends WHERE message_id IN (
    SELECT message_id FROM sends WHERE bulk_id = $1 AND leased_until IS NULL AND tries = 0
    ORDER BY message_id LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING message_id, account_id, attempt_id, channel_id, step, recipient
"""
TAKE_BACK_ONE = """
DELETE FROM sends WHERE message_id = $1 AND account_id = $2 AND leased_until IS NULL AND tries = 0 AND step = 0
RETURNING message_id, account_id, attempt_id, channel_id, step, recipient
"""

COUNTS = "SELECT status, count(*) AS n FROM messages WHERE bulk_id = $1 GROUP BY status"
FAILED = """
SELECT id, recipient, plan, variables FROM messages
WHERE bulk_id = $1 AND status = ANY($2::text[]) AND id > $3 ORDER BY id LIMIT $4
"""


async def release(connection: Connection, bulk_id: UUID, sends: Sequence[dict[str, Any]]) -> None:
    """Makes waiting messages due."""
    ids = [s["message_id"] for s in sends]
    await connection.execute(
        _RELEASE,
        ids,
        [s["attempt_id"] for s in sends],
        [s["account_id"] for s in sends],
        [s["channel_id"] for s in sends],
        [s["priority"] for s in sends],
        [s["due_at"] for s in sends],
        [s["valid_until"] for s in sends],
        [bulk_id] * len(sends),
        [s["recipient"] for s in sends],
        min(ids),
        max(ids),
    )


async def counts(db: Database, bulk_id: UUID) -> dict[str, int]:
    """A bulk's messages by status."""
    return {row["status"]: row["n"] for row in await db.read(COUNTS, bulk_id)}


#: How far in the past a bulk's clock may lag behind its pace before it stops trying to catch up.
MOST_LAG = timedelta(seconds=2)


def paced_start(next_at: datetime, now: datetime) -> datetime:
    """Where a paced bulk counts from: its own schedule, unless the gateway was away for long."""
    return max(next_at, now - MOST_LAG)
