"""Claims: what is due is taken up with one statement each, the same on every node.

A claim picks due rows with `FOR UPDATE SKIP LOCKED`, marks them with this node's number and a lease, and commits
before anything is done about them. `now` is always an argument: the clock is the engine's, not the database's.
"""

from datetime import datetime
from typing import Any

import asyncpg

from tyrian.store.database import Connection, Database

#: Another row of the same line (`{e}`) that goes before `{s}`: it is due, or was tried, or is held, or is being sent.
_BEFORE = """{e}.channel_id = {s}.channel_id AND {e}.recipient = {s}.recipient AND {e}.priority = {s}.priority
          AND {e}.message_id < {s}.message_id
          AND ({e}.due_at <= $2 OR {e}.tries <> 0 OR {e}.leased_until IS NOT NULL)"""
_READY = "channel_id = $1 AND leased_until IS NULL AND NOT waits AND due_at <= $2"

#: Rows behind another that a claim passes by, at most, to find those that may go. `PARK` puts them out of the way.
_PASSED = 500

#: What the inner query of a claim asked, asked again of the row that is locked. `IS TRUE` hides it from the planner:
#: a plan is made when the table may be empty and kept, and must find the row by its key, not walk what is ready for it.
_STILL = "(s.leased_until IS NULL AND NOT s.waits AND s.due_at <= $2) IS TRUE"

#: The first rows of a priority that may go. The inner query bounds how many are looked at.
_HEADS = f"""
    SELECT s.message_id, s.priority, s.due_at
    FROM (
        SELECT message_id, due_at FROM sends WHERE {_READY} AND priority = p.priority
        ORDER BY due_at, message_id LIMIT {{limit}} + {_PASSED}
    ) r JOIN sends s ON s.message_id = r.message_id
    WHERE {_STILL}
      AND NOT EXISTS (SELECT 1 FROM sends e WHERE {_BEFORE.format(e="e", s="s")})
    ORDER BY r.due_at, r.message_id
    LIMIT {{limit}}
    FOR UPDATE OF s SKIP LOCKED
"""

_TAKE = """
UPDATE sends s SET node = $4, leased_until = $5, tries = GREATEST(s.tries, 0) + 1,
    started_at = COALESCE(s.started_at, $2)
FROM c WHERE s.message_id = c.message_id
RETURNING s.message_id, s.attempt_id, s.account_id, s.channel_id, s.step, s.tries, s.uncertain, s.due_at,
    s.valid_until, s.started_at, s.bulk_id, s.recipient, s.priority, s.tried
"""

CLAIM_SENDS = f"""
WITH c AS MATERIALIZED (
    SELECT h.* FROM generate_series(0, 3) AS p(priority) CROSS JOIN LATERAL ({_HEADS.format(limit="$3::bigint")}) h
    LIMIT $3::bigint
)
{_TAKE}
"""

#: The same under a rate limit: the bucket's row is locked, refilled, and emptied by what was taken, all at once. While
#: another claim holds it nothing is taken: waiting for it would mean to search with a picture of the table from before,
#: and so to walk over, and lock, what that claim has taken meanwhile. What is put off after it was taken gives nothing
#: back: that would be one more write to the row that all claims of the channel wait for.
CLAIM_SENDS_PACED = f"""
WITH pace AS MATERIALIZED (
    SELECT channel_id, LEAST($7, tokens + $6 * GREATEST(extract(epoch FROM $2 - refilled_at)::double precision, 0))
        AS tokens
    FROM paces WHERE channel_id = $1 FOR UPDATE SKIP LOCKED
), c AS MATERIALIZED (
    SELECT h.* FROM generate_series(0, 3) AS p(priority) CROSS JOIN LATERAL (
        {_HEADS.format(limit="(SELECT LEAST($3, floor(tokens))::bigint FROM pace)")}) h
    WHERE EXISTS (SELECT 1 FROM pace WHERE tokens >= 1)
    LIMIT (SELECT LEAST($3, floor(tokens))::bigint FROM pace)
), spent AS (
    UPDATE paces SET tokens = pace.tokens - (SELECT count(*) FROM c), refilled_at = GREATEST(paces.refilled_at, $2)
    FROM pace WHERE paces.channel_id = pace.channel_id AND EXISTS (SELECT 1 FROM c)
)
{_TAKE}
"""

_MAKE_PACE = """
INSERT INTO paces (channel_id, tokens, refilled_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""

#: Puts ready rows that stand behind another out of the way of claims, until that one leaves the line (0004_lines.sql).
PARK = f"""
WITH b AS MATERIALIZED (
    SELECT s.message_id FROM generate_series(0, 3) AS p(priority) CROSS JOIN LATERAL (
        SELECT message_id FROM sends WHERE {_READY} AND priority = p.priority ORDER BY due_at, message_id LIMIT $3
    ) r JOIN sends s ON s.message_id = r.message_id
    CROSS JOIN LATERAL (
        SELECT e.message_id FROM sends e WHERE {_BEFORE.format(e="e", s="s")} AND NOT e.waits
        ORDER BY e.message_id LIMIT 1 FOR SHARE SKIP LOCKED) e
    WHERE {_STILL}
    FOR UPDATE OF s SKIP LOCKED
)
UPDATE sends s SET waits = true FROM b WHERE s.message_id = b.message_id
"""
#: Rows that one `PARK` looks at in each priority: few, for the outcomes of those they wait for wait until it is done.
PARKED = 250

#: Rows that wait for nobody. There should be none: whoever leaves a line frees the next.
_FREE = f"""
UPDATE sends SET waits = false WHERE message_id IN (
    SELECT s.message_id FROM sends s
    WHERE s.waits AND NOT EXISTS (SELECT 1 FROM sends e WHERE {_BEFORE.format(e="e", s="s").replace("$2", "$1")})
    FOR UPDATE OF s SKIP LOCKED)
"""

_IN_FLIGHT = "SELECT count(*) FROM sends WHERE channel_id = $1 AND leased_until IS NOT NULL"
_LOCK_CHANNEL = "SELECT pg_advisory_xact_lock(7301, $1)"

_NEXT_DUE = """
SELECT min(due_at) FROM (
    SELECT (SELECT due_at FROM sends WHERE channel_id = $1 AND priority = p AND leased_until IS NULL
              AND NOT waits AND due_at > $2 ORDER BY due_at LIMIT 1) AS due_at
    FROM generate_series(0, 3) p) d
"""
_ANY_READY = """
SELECT EXISTS (SELECT 1 FROM generate_series(0, 3) AS p(priority) CROSS JOIN LATERAL (
    SELECT 1 FROM sends WHERE channel_id = $1 AND leased_until IS NULL AND NOT waits AND due_at <= $2
      AND priority = p.priority LIMIT 1) s)
"""


#: Seconds of a rate limit that may go out at once after a quiet time: small, so that a second never holds
#: noticeably more than the rate.
BURST_SECONDS = 0.05


async def claim_sends(
    db: Database,
    channel_id: int,
    now: datetime,
    limit: int,
    node: int,
    leased_until: datetime,
    rate: float | None = None,
    concurrency: int | None = None,
) -> list[asyncpg.Record]:
    """Takes up to `limit` due sends of a channel, within its rate (per second) and concurrency over all nodes."""
    if concurrency is None:
        return await _claim(db, channel_id, now, limit, node, leased_until, rate)
    async with db.transaction() as connection:
        await connection.execute(_LOCK_CHANNEL, channel_id)
        limit = min(limit, concurrency - await connection.fetchval(_IN_FLIGHT, channel_id))
        if limit <= 0:
            return []
        return await _claim(connection, channel_id, now, limit, node, leased_until, rate)


async def _claim(
    db: Database | Connection,
    channel_id: int,
    now: datetime,
    limit: int,
    node: int,
    leased_until: datetime,
    rate: float | None,
) -> list[asyncpg.Record]:
    args = (channel_id, now, limit, node, leased_until)
    if rate is None:
        return list(await db.fetch(CLAIM_SENDS, *args))
    return list(await db.fetch(CLAIM_SENDS_PACED, *args, rate, burst(rate)))


def burst(rate: float) -> float:
    """Sends that a rate lets go at once after a quiet time."""
    return max(1.0, rate * BURST_SECONDS)


async def open_pace(db: Database, channel_id: int, rate: float, now: datetime) -> None:
    """Makes the bucket that a channel's rate is taken from, if there is none: without it nothing is claimed."""
    await db.execute(_MAKE_PACE, channel_id, burst(rate), now)


async def park(db: Database, channel_id: int, now: datetime) -> int:
    """Puts due sends that stand behind another out of the way of claims; returns how many."""
    return int((await db.execute(PARK, channel_id, now, PARKED)).rpartition(" ")[2])


async def free_waiting(db: Database, now: datetime) -> int:
    """Frees sends that wait for nobody; returns how many there were, which should be none."""
    return int((await db.execute(_FREE, now)).rpartition(" ")[2])


async def any_ready(db: Database, channel_id: int, now: datetime) -> bool:
    """Whether a channel has due sends that nobody has in hand."""
    return bool(await db.fetchval(_ANY_READY, channel_id, now))


async def next_send(db: Database, channel_id: int, now: datetime) -> datetime | None:
    """When the next send of a channel falls due, after now."""
    value: datetime | None = await db.fetchval(_NEXT_DUE, channel_id, now)
    return value


# -- Deadlines --------------------------------------------------------------------------------------------------------

DUE_DEADLINES = """
SELECT message_id, account_id, attempt_id FROM deadlines WHERE due_at <= $1 ORDER BY due_at LIMIT $2
"""
NEXT_DEADLINE = "SELECT min(due_at) FROM deadlines"

# -- Leases that nobody holds any more --------------------------------------------------------------------------------

#: Each node holds the advisory lock (7302, node) for as long as its connection lives.
NODE_LOCK = 7302
DEAD_NODES = """
SELECT DISTINCT s.node FROM sends s
WHERE s.leased_until IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.classid = 7302 AND l.objid = s.node::bigint::oid AND l.objsubid = 2
      AND l.granted)
"""

#: Takes over the sends of dead nodes, and those whose lease ran out. This node becomes their holder.
TAKE_OVER = """
WITH c AS MATERIALIZED (
    SELECT message_id FROM sends
    WHERE leased_until IS NOT NULL AND node <> $4 AND (leased_until < $1 OR node = ANY($2::int[]))
    ORDER BY message_id LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE sends s SET node = $4, leased_until = $5 FROM c WHERE s.message_id = c.message_id
RETURNING s.message_id, s.attempt_id, s.account_id, s.channel_id, s.step, s.tries, s.uncertain, s.due_at,
    s.valid_until, s.started_at, s.bulk_id, s.recipient, s.priority, s.tried
"""

#: Gives back sends that were claimed and not yet begun (draining); as if they had not been claimed.
GIVE_BACK = """
UPDATE sends SET node = NULL, leased_until = NULL, tries = tries - 1,
    started_at = CASE WHEN tries > 1 THEN started_at END
WHERE message_id = ANY($1::uuid[]) AND node = $2
"""


async def give_back(db: Database, ids: list[Any], node: int) -> None:
    """Frees claims that were not begun."""
    await db.execute(GIVE_BACK, ids, node)


# -- Plans ------------------------------------------------------------------------------------------------------------

PLANS = """
SELECT m.id, COALESCE(m.plan, b.plan) AS plan, m.variables, m.recipient, m.endpoint_id, m.accepted_at, m.purpose,
    m.status, m.bulk_id, m.name, b.name AS bulk_name
FROM unnest($1::int[], $2::uuid[]) AS w(account_id, id)
JOIN messages m ON m.account_id = w.account_id AND m.id = w.id AND m.id BETWEEN $3::uuid AND $4::uuid
LEFT JOIN bulks b ON b.id = m.bulk_id
"""


async def plans(db: Database, keys: list[tuple[int, Any]]) -> dict[Any, asyncpg.Record]:
    """What dispatch must know of messages beyond their row in `sends`, by message id."""
    ids = [identifier for _, identifier in keys]
    rows = await db.fetch(PLANS, [account for account, _ in keys], ids, min(ids), max(ids))
    return {row["id"]: row for row in rows}
