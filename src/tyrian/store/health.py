"""What waits in the database, for health and metrics: bounded questions that a large backlog does not make slow."""

from collections import Counter
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

#: Each walks an index that holds nothing but what is counted.
_QUEUES = """
SELECT q.id, q.account_id, q.name, line.waiting, line.oldest
FROM inbox_queues q CROSS JOIN LATERAL (
    SELECT count(*) AS waiting, min(c.waiting_since) AS oldest FROM (
        SELECT c.waiting_since FROM conversations c WHERE c.queue_id = q.id AND c.waiting
        ORDER BY c.waiting_since LIMIT $1) c) line
ORDER BY q.account_id, q.name
"""
_HELD = "SELECT queue_id FROM conversations WHERE agent_id IS NOT NULL AND queue_id IS NOT NULL LIMIT $1"
_AGENTS = "SELECT account_id, state, count(*) AS n FROM inbox_agents GROUP BY account_id, state ORDER BY 1, 2"
_FLOWS = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM flow_runs WHERE ended_at IS NULL LIMIT $1) r) AS open,
    (SELECT due_at FROM flow_runs WHERE due_at <= $2 ORDER BY due_at LIMIT 1) AS oldest
"""


async def conversing(db: Database, now: datetime) -> dict[str, Any]:
    """Who waits for an agent and who is there, by queue and account; who is under way in flows."""
    held = Counter(row["queue_id"] for row in await db.fetch(_HELD, MOST))
    queues = [
        {
            "name": row["name"],
            "account_id": row["account_id"],
            "waiting": row["waiting"],
            "oldest_waiting_seconds": _age(row["oldest"], now),
            "held": held[row["id"]],
        }
        for row in await db.fetch(_QUEUES, MOST)
    ]
    agents = [dict(row) for row in await db.fetch(_AGENTS)]
    flows = await db.fetchrow(_FLOWS, MOST, now)
    assert flows is not None
    return {
        "queues": queues,
        "agents": [{"account_id": a["account_id"], "state": a["state"], "agents": a["n"]} for a in agents],
        "flow_runs_open": flows["open"],
        "flow_overdue_seconds": _age(flows["oldest"], now),
    }


def _age(at: datetime | None, now: datetime) -> float:
    return max((now - at).total_seconds(), 0.0) if at is not None else 0.0


async def waiting(db: Database, now: datetime) -> dict[str, Any]:
    """What is due and not done: per channel, and over all."""
    flying = {row["channel_id"]: row["n"] for row in await db.fetch(_IN_FLIGHT)}
    channels = [
        {
            "name": row["name"],
            "account_id": row["account_id"],
            "due": row["due"],
            "oldest_due_seconds": _age(row["oldest"], now),
            "in_flight": flying.get(row["id"], 0),
        }
        for row in await db.fetch(_SENDS, now, MOST)
    ]
    over_all = await db.fetchrow(_WAITING, MOST)
    return {"channels": channels, **dict(over_all or {}), **await conversing(db, now)}
