"""Turns: messages of people that somebody here reacts to. Written with the message, removed when it was reacted to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tyrian.store.claims import NODE_LOCK
from tyrian.store.database import Connection, Database
from tyrian.store.inbound import NewTurns

_MAKE = """
INSERT INTO turns (inbound_id, account_id, channel_id, notes, node, due_at, leased_until)
SELECT *, $5::int, $6::timestamptz, $7::timestamptz FROM unnest($1::uuid[], $2::int[], $3::int[], $4::bytea[])
ON CONFLICT DO NOTHING
"""
#: Not waited for on the disk: a turn that is lost with the power and comes back is found to have been taken.
_DONE = """
WITH quick AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true) AS done
)
DELETE FROM turns USING quick WHERE inbound_id = ANY($1::uuid[]) AND quick.done IS NOT NULL
"""
_WAIT_BEHIND = "UPDATE turns SET leased_until = NULL, due_at = $2 WHERE inbound_id = ANY($1::uuid[])"
_PUT_OFF = "UPDATE turns SET leased_until = NULL, due_at = $2, tries = tries + 1 WHERE inbound_id = $1"

#: Turns that are due and that nobody has in hand: put off, or of a node that died.
_CLAIM = f"""
WITH alive AS MATERIALIZED (
    SELECT objid::bigint::int AS node FROM pg_locks
    WHERE locktype = 'advisory' AND classid = {NODE_LOCK} AND objsubid = 2 AND granted
), c AS MATERIALIZED (
    SELECT t.inbound_id FROM turns t
    WHERE t.due_at <= $1 AND (t.leased_until IS NULL OR t.leased_until < $1
        OR (t.node <> $2 AND t.node NOT IN (SELECT node FROM alive)))
    ORDER BY t.due_at, t.inbound_id LIMIT $4 FOR UPDATE SKIP LOCKED
), t AS (
    UPDATE turns SET node = $2, leased_until = $3,
        tries = tries + CASE WHEN leased_until IS NULL THEN 0 ELSE 1 END
    FROM c WHERE turns.inbound_id = c.inbound_id RETURNING turns.*
)
SELECT t.*, i.sender, i.content, i.extra, i.received_at FROM t JOIN inbound i ON i.id = t.inbound_id
ORDER BY t.inbound_id
"""


async def make(connection: Connection, turns: NewTurns) -> None:
    """Writes turns by themselves; `store.inbound` does it with their messages."""
    columns = [list(column) for column in zip(*turns.rows, strict=True)]
    await connection.execute(_MAKE, *columns, turns.node, turns.now, turns.until)


async def done(db: Database, ids: Sequence[UUID]) -> None:
    """Removes turns that were reacted to."""
    await db.execute(_DONE, list(ids))


async def put_off(db: Database, inbound_id: UUID, due_at: datetime) -> None:
    """Gives a turn back, to be tried again later."""
    await db.execute(_PUT_OFF, inbound_id, due_at)


async def wait_behind(db: Database, ids: Sequence[UUID], due_at: datetime) -> None:
    """Gives turns back that wait for one before them; they were not tried."""
    await db.execute(_WAIT_BEHIND, list(ids), due_at)


async def claim(db: Database, now: datetime, node: int, until: datetime, limit: int) -> list[Any]:
    """Takes up turns that nobody has in hand, in the order in which their messages came."""
    return list(await db.fetch(_CLAIM, now, node, until, limit))
