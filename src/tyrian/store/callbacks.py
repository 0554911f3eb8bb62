"""Due callbacks: how they are found, claimed, written down and brought again.

There are two lines of them, first tries and repeats, each walked by endpoint. A callback goes only when no earlier one
of its message waits for the same endpoint: the head of each line. One that is parked is out of the line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from tyrian.store.database import Connection, Database

FIRST: Final = "tries = 0"
AGAIN: Final = "tries > 0"

_WAITING = "{line} AND leased_until IS NULL AND NOT parked"

# -- Adding -----------------------------------------------------------------------------------------------------------

_ADD = """
INSERT INTO callbacks (message_id, account_id, endpoint_id, due_at, created_at, report) VALUES ($1, $2, $3, $4, $4, $5)
"""


async def add(
    connection: Connection, message_id: UUID, account_id: int, endpoint_id: int, now: datetime, report: bytes
) -> None:
    """Adds a callback that is due at once, within the transaction that brings it about."""
    await connection.execute(_ADD, message_id, account_id, endpoint_id, now, report)


# -- Finding and claiming ---------------------------------------------------------------------------------------------

#: The endpoints that something waits for, after a given one, each with its earliest due time: one index probe each.
_LOOK = """
WITH RECURSIVE e(endpoint_id, due_at) AS (
    (SELECT endpoint_id, due_at FROM callbacks WHERE {waiting} AND endpoint_id > $1
     ORDER BY endpoint_id, due_at, id LIMIT 1)
    UNION ALL
    SELECT n.endpoint_id, n.due_at FROM e CROSS JOIN LATERAL (
        SELECT endpoint_id, due_at FROM callbacks WHERE {waiting} AND endpoint_id > e.endpoint_id
        ORDER BY endpoint_id, due_at, id LIMIT 1) n
)
SELECT endpoint_id, due_at FROM e LIMIT $2
"""

#: How many due rows of an endpoint a claim looks at beyond those it may take: the followers of what is in flight stand
#: in the way, and a claim must not walk a whole backlog for the heads among them.
_SPARE: Final = 64

#: A claim may be lost with the power (it is not waited for): all that follows is that a callback goes out twice, which
#: it may at any crash. What came of a callback is written with full durability.
_CLAIM = """
WITH quick AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), heads AS MATERIALIZED (
    SELECT h.id FROM quick
    CROSS JOIN unnest($4::int[], $5::int[]) AS w(endpoint_id, room)
    CROSS JOIN LATERAL (
        SELECT c.id FROM (
            SELECT id, due_at FROM callbacks
            WHERE endpoint_id = w.endpoint_id AND {waiting} AND due_at <= $1
            ORDER BY due_at, id LIMIT w.room * 2 + {spare}) k
        JOIN callbacks c ON c.id = k.id
        WHERE c.leased_until IS NULL AND NOT c.parked AND NOT EXISTS (
            SELECT 1 FROM callbacks e WHERE e.message_id = c.message_id AND e.id < c.id AND NOT e.parked
              AND e.endpoint_id = c.endpoint_id)
        ORDER BY k.due_at, k.id LIMIT w.room
        FOR UPDATE OF c SKIP LOCKED) h
    LIMIT $6
)
UPDATE callbacks c SET leased_until = $2, node = $3 FROM heads WHERE c.id = heads.id
RETURNING c.id, c.message_id, c.account_id, c.endpoint_id, c.tries, c.created_at, c.report
"""

#: Moves callbacks out of the way that wait for a repeat of an earlier one of their message: they would stand at the
#: head of their endpoint's line until it is done. When it is, they are brought back (see `_SETTLE`).
_STEP_ASIDE = """
UPDATE callbacks c SET due_at = GREATEST(b.due_at, $3)
FROM (
    SELECT k.id, b.due_at FROM (
        SELECT id, message_id FROM callbacks
        WHERE endpoint_id = $1 AND {waiting} AND due_at <= $2
        ORDER BY due_at, id LIMIT $4 FOR UPDATE SKIP LOCKED) k
    CROSS JOIN LATERAL (
        SELECT e.due_at, e.tries, e.leased_until FROM callbacks e
        WHERE e.message_id = k.message_id AND e.id < k.id AND NOT e.parked AND e.endpoint_id = $1
        ORDER BY e.id LIMIT 1) b
    WHERE b.tries > 0 AND b.leased_until IS NULL) b
WHERE c.id = b.id
"""


def _of(line: str, statement: str) -> str:
    return statement.format(waiting=_WAITING.format(line=line), spare=_SPARE)


LOOK: Final = {line: _of(line, _LOOK) for line in (FIRST, AGAIN)}
CLAIM: Final = {line: _of(line, _CLAIM) for line in (FIRST, AGAIN)}
STEP_ASIDE: Final = {line: _of(line, _STEP_ASIDE) for line in (FIRST, AGAIN)}


async def look(db: Database, line: str, after: int, limit: int) -> list[tuple[int, datetime]]:
    """Up to `limit` endpoints beyond `after` that something waits for, with the time that the first of it is due."""
    return [(row[0], row[1]) for row in await db.fetch(LOOK[line], after, limit)]


async def claim(
    db: Database, line: str, now: datetime, until: datetime, node: int, rooms: Mapping[int, int], limit: int
) -> list[asyncpg.Record]:
    """Takes up to `limit` due callbacks, of each endpoint at most as many as `rooms` says."""
    return await db.fetch(CLAIM[line], now, until, node, list(rooms), list(rooms.values()), limit)


async def step_aside(
    db: Database, line: str, endpoint_id: int, now: datetime, until: datetime, limit: int = 1000
) -> None:
    """Moves an endpoint's callbacks that wait for a repeat out of the way, until then or later."""
    await db.execute(STEP_ASIDE[line], endpoint_id, now, until, limit)


# -- What came of it --------------------------------------------------------------------------------------------------

DONE, RETRY, PARK = 0, 1, 2


@dataclass(slots=True)
class Outcome:
    """What came of one try. `due_at` is when the next one is due. `detail` and `exchange` are JSON for the history."""

    id: int
    verdict: int
    at: datetime
    due_at: datetime
    type: str
    reason: str | None
    attempt_id: UUID | None
    detail: bytes
    exchange: bytes | None


#: One statement for a batch of outcomes, whatever they are. May be repeated: what it wrote already is left alone.
#: A callback that was delivered is gone even if another node has taken it over meanwhile; any other outcome counts
#: only from the node that holds it. Followers wait for a repeat and are brought back when it is over.
_SETTLE = f"""
WITH i AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[],
        $7::uuid[], $8::bytea[], $9::bytea[])
    AS i(id, verdict, at, due_at, type, reason, attempt_id, detail, exchange)
), done AS (
    DELETE FROM callbacks c USING i WHERE i.verdict = {DONE} AND c.id = i.id
    RETURNING c.message_id, c.endpoint_id, c.tries, i.*
), again AS (
    UPDATE callbacks c SET tries = c.tries + 1, due_at = i.due_at, parked = i.verdict = {PARK}, last_reason = i.reason,
        leased_until = NULL, node = NULL
    FROM i WHERE i.verdict <> {DONE} AND c.id = i.id AND c.node = $10 AND c.leased_until IS NOT NULL
    RETURNING c.message_id, c.endpoint_id, c.tries, i.*
), settled AS MATERIALIZED (
    SELECT * FROM done UNION ALL SELECT * FROM again
), followers AS (
    UPDATE callbacks f SET due_at = CASE s.verdict
        WHEN {RETRY} THEN GREATEST(f.due_at, s.due_at) ELSE LEAST(f.due_at, s.at) END
    FROM settled s
    WHERE s.tries > 0 AND f.message_id = s.message_id AND f.endpoint_id = s.endpoint_id AND f.id > s.id
      AND f.tries = 0 AND f.leased_until IS NULL AND NOT f.parked
), happened AS (
    INSERT INTO events (message_id, at, type, reason, attempt_id, detail, exchange)
    SELECT message_id, at, type, reason, attempt_id, detail, exchange FROM settled
)
SELECT id FROM settled
"""


async def settle(db: Database, outcomes: Sequence[Outcome], node: int) -> set[int]:
    """Writes outcomes with their events; returns the callbacks whose outcome was written."""
    rows = await db.fetch(
        _SETTLE,
        [o.id for o in outcomes],
        [o.verdict for o in outcomes],
        [o.at for o in outcomes],
        [o.due_at for o in outcomes],
        [o.type for o in outcomes],
        [o.reason for o in outcomes],
        [o.attempt_id for o in outcomes],
        [o.detail for o in outcomes],
        [o.exchange for o in outcomes],
        node,
    )
    return {row[0] for row in rows}


# -- Claims that nobody finishes --------------------------------------------------------------------------------------

_HELD = "SELECT id, node, leased_until FROM callbacks WHERE leased_until IS NOT NULL"
#: Nodes that hold callbacks and whose lock (see `claims.NODE_LOCK`) is gone.
_DEAD_NODES = """
SELECT DISTINCT c.node FROM callbacks c
WHERE c.leased_until IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.classid = 7302 AND l.objid = c.node::bigint::oid AND l.objsubid = 2
      AND l.granted)
"""
_FREE = """
UPDATE callbacks c SET leased_until = NULL, node = NULL
FROM unnest($1::bigint[], $2::int[], $3::timestamptz[]) AS h(id, node, leased_until)
WHERE c.id = h.id AND c.node = h.node AND c.leased_until = h.leased_until
"""
_GIVE_BACK = "UPDATE callbacks SET leased_until = NULL, node = NULL WHERE id = ANY($1::bigint[]) AND node = $2"


async def held(db: Database) -> list[asyncpg.Record]:
    """Every claim there is: `id`, `node`, `leased_until`. As many as are in flight."""
    return await db.fetch(_HELD)


async def dead_nodes(db: Database) -> set[int]:
    """The nodes whose claims nobody will finish."""
    return {row[0] for row in await db.fetch(_DEAD_NODES)}


async def free(db: Database, claims: Sequence[Any]) -> None:
    """Frees claims, as `held` gave them; one that has changed hands since is left alone."""
    await db.execute(_FREE, [c["id"] for c in claims], [c["node"] for c in claims], [c["leased_until"] for c in claims])


async def give_back(db: Database, ids: Sequence[int], node: int) -> None:
    """Frees this node's own claims: what was begun will be begun again."""
    await db.execute(_GIVE_BACK, list(ids), node)


# -- Bringing again by hand -------------------------------------------------------------------------------------------

#: A callback that is brought again starts the table of waits anew, in the line of the repeats.
_REDELIVER = """
WITH again AS (
    UPDATE callbacks SET parked = false, tries = 1, due_at = $3
    WHERE id = $2 AND account_id = $1 AND tries > 0 AND leased_until IS NULL
    RETURNING message_id
), happened AS (
    INSERT INTO events (message_id, at, type) SELECT message_id, $3, 'callback_redelivered' FROM again
)
SELECT count(*) FROM again
"""
_REDELIVER_SOME = """
WITH chosen AS MATERIALIZED (
    SELECT id FROM callbacks
    WHERE account_id = $1 AND tries > 0 AND id > $2 AND parked AND created_at >= $4
    ORDER BY id LIMIT $5 FOR UPDATE
), again AS (
    UPDATE callbacks c SET parked = false, tries = 1, due_at = $3 FROM chosen WHERE c.id = chosen.id
    RETURNING c.message_id
), happened AS (
    INSERT INTO events (message_id, at, type) SELECT message_id, $3, 'callback_redelivered' FROM again
)
SELECT count(*) AS n, max(id) AS last FROM chosen
"""
_CHUNK: Final = 1000


async def redeliver(db: Database, account_id: int, callback_id: int, now: datetime) -> bool:
    """Makes a callback that failed due now; False if the account has none of this number, or it is on its way."""
    return bool(await db.fetchval(_REDELIVER, account_id, callback_id, now))


async def redeliver_all(db: Database, account_id: int, since: datetime, now: datetime) -> int:
    """Makes all parked callbacks made since then due now, some at a time; returns how many."""
    total, last = 0, 0
    while True:
        row = await db.fetchrow(_REDELIVER_SOME, account_id, last, now, since, _CHUNK)
        if row is None or not row["n"]:
            return total
        total, last = total + row["n"], row["last"]
