"""What waits in the database, for health and metrics: bounded questions that a large backlog does not make slow."""

from datetime import datetime
from typing import Any

from tyrian.store.database import Database

#: Counting stops here; a larger backlog is reported as this many.
MOST = 10_000

#: Those that wait behind another to the same person are in an index of their own, which is not in the order of time: of
#: more than are counted, any may be left out of the search for the oldest.
_SENDS = """
SELECT ch.id, ch.name, ch.account_id, LEAST(ready.due + behind.due, $2) AS due,
    LEAST(ready.oldest, behind.oldest) AS oldest
FROM channels ch
CROSS JOIN LATERAL (
    SELECT count(*) AS due, min(d.due_at) AS oldest FROM generate_series(0, 3) p CROSS JOIN LATERAL (
        SELECT s.due_at FROM sends s WHERE s.channel_id = ch.id AND s.priority = p AND s.leased_until IS NULL
          AND NOT s.waits AND s.due_at <= $1 ORDER BY s.due_at LIMIT $2) d) ready
CROSS JOIN LATERAL (
    SELECT count(*) AS due, min(d.due_at) AS oldest FROM (
        SELECT s.due_at FROM sends s WHERE s.channel_id = ch.id AND s.waits LIMIT $2) d) behind
WHERE NOT ch.removed AND ch.kind <> 'group' ORDER BY ch.id
"""
_IN_FLIGHT = """
SELECT channel_id, count(*) AS n FROM sends WHERE leased_until IS NOT NULL GROUP BY channel_id
"""
_WAITING = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM deadlines LIMIT $1) d) AS receipts_missing,
    (SELECT count(*) FROM (SELECT 1 FROM parked_receipts LIMIT $1) p) AS receipts_parked,
    (SELECT count(*) FROM (SELECT 1 FROM callbacks WHERE tries = 0 AND NOT parked AND endpoint_id > 0 LIMIT $1) f)
        AS callbacks_first,
    (SELECT count(*) FROM (SELECT 1 FROM callbacks WHERE tries > 0 AND NOT parked LIMIT $1) r) AS callbacks_retry,
    (SELECT count(*) FROM (SELECT 1 FROM callbacks WHERE parked LIMIT $1) k) AS callbacks_parked
"""


async def waiting(db: Database, now: datetime) -> dict[str, Any]:
    """What is due and not done: per channel, and over all."""
    flying = {row["channel_id"]: row["n"] for row in await db.fetch(_IN_FLIGHT)}
    channels = [
        {
            "name": row["name"],
            "account_id": row["account_id"],
            "due": row["due"],
            "oldest_due_seconds": max((now - row["oldest"]).total_seconds(), 0.0) if row["oldest"] else 0.0,
            "in_flight": flying.get(row["id"], 0),
        }
        for row in await db.fetch(_SENDS, now, MOST)
    ]
    over_all = await db.fetchrow(_WAITING, MOST)
    return {"channels": channels, **dict(over_all or {})}
