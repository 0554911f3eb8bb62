"""Files that people sent, on their way into the gateway's own keeping."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tyrian.store.claims import NODE_LOCK
from tyrian.store.database import Connection, Database

#: The notification of files to fetch; it goes out with the commit.
CHANNEL = "tyrian_rehosting"

_MAKE = """
INSERT INTO rehosting (inbound_id, account_id, node, due_at)
SELECT *, $3::int, $4::timestamptz FROM unnest($1::uuid[], $2::int[])
ON CONFLICT DO NOTHING
"""
_TELL = "SELECT pg_notify($1, '')"

#: Files that are due and that nobody is fetching, or whose node died over it.
_CLAIM = f"""
WITH alive AS MATERIALIZED (
    SELECT objid::bigint::int AS node FROM pg_locks
    WHERE locktype = 'advisory' AND classid = {NODE_LOCK} AND objsubid = 2 AND granted
), c AS MATERIALIZED (
    SELECT r.inbound_id FROM rehosting r
    WHERE r.due_at <= $1 AND r.account_id <> ALL($5::int[]) AND (r.leased_until IS NULL OR r.leased_until < $1
        OR (r.node <> $2 AND r.node NOT IN (SELECT node FROM alive)))
    ORDER BY r.due_at, r.inbound_id LIMIT $4 FOR UPDATE SKIP LOCKED
), r AS (
    UPDATE rehosting SET node = $2, leased_until = $3, tries = tries + 1
    FROM c WHERE rehosting.inbound_id = c.inbound_id RETURNING rehosting.*
)
SELECT r.inbound_id, r.account_id, r.tries, i.content FROM r JOIN inbound i ON i.id = r.inbound_id
"""

_PUT_OFF = "UPDATE rehosting SET leased_until = NULL, due_at = $2 WHERE inbound_id = $1"
_DONE = "DELETE FROM rehosting WHERE inbound_id = $1"
_RESULT = "UPDATE inbound SET media_id = $2, media_problem = $3 WHERE id = $1"

#: Callbacks that wait for the file: none has been tried yet.
_WAITING = """
SELECT id, report FROM callbacks
WHERE message_id = $1 AND tries = 0 AND leased_until IS NULL AND NOT parked ORDER BY id FOR UPDATE
"""
_CALL_NOW = """
UPDATE callbacks c SET report = n.report, due_at = LEAST(c.due_at, $3)
FROM unnest($1::bigint[], $2::bytea[]) AS n(id, report) WHERE c.id = n.id
"""


async def make(connection: Connection, files: Sequence[tuple[UUID, int]], node: int, now: datetime) -> None:
    """Writes down files to fetch, of messages (inbound, account), within the transaction that stores those."""
    await connection.execute(_MAKE, [i for i, _ in files], [a for _, a in files], node, now)
    await connection.execute(_TELL, CHANNEL)


async def claim(db: Database, now: datetime, node: int, until: datetime, limit: int, busy: Sequence[int]) -> list[Any]:
    """Takes up files that nobody is fetching, but for accounts that are `busy`. `tries` counts this one."""
    return list(await db.fetch(_CLAIM, now, node, until, limit, busy))


async def put_off(db: Database, inbound_id: UUID, due_at: datetime) -> None:
    """Gives a file back, to be fetched later."""
    await db.execute(_PUT_OFF, inbound_id, due_at)


async def waiting(connection: Connection, inbound_id: UUID) -> list[tuple[int, bytes]]:
    """The callbacks (id, report) about a message that were not tried yet, locked."""
    return [(row["id"], row["report"]) for row in await connection.fetch(_WAITING, inbound_id)]


async def settle(
    connection: Connection,
    inbound_id: UUID,
    media_id: UUID | None,
    problem: str | None,
    reports: Sequence[tuple[int, bytes]],
    now: datetime,
) -> None:
    """Writes what became of a file, and the reports of the callbacks that waited for it, which are due now."""
    await connection.execute(_RESULT, inbound_id, media_id, problem)
    await connection.execute(_DONE, inbound_id)
    if reports:
        await connection.execute(_CALL_NOW, [i for i, _ in reports], [r for _, r in reports], now)
