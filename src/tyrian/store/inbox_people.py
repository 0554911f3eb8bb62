"""Agents, queues, prepared answers, and the channels and accounts that have an inbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from tyrian.domain.content import Content
from tyrian.domain.conversation import Agent, AgentState, Hours, Pick, PreparedAnswer, Queue
from tyrian.store.database import Connection, Database

_encode: Final = msgspec.json.Encoder().encode
_hours: Final = msgspec.json.Decoder(list[Hours]).decode
_content: Final = msgspec.json.Decoder(Content).decode


class Taken(Exception):
    """The name is another's already."""


# -- Queues -----------------------------------------------------------------------------------------------------------

_QUEUES = """
SELECT q.*, (SELECT count(*) FROM conversations c WHERE c.queue_id = q.id AND c.waiting)::int AS in_line
FROM inbox_queues q WHERE q.account_id = $1 AND ($2::uuid IS NULL OR q.id = $2) AND ($3::text IS NULL OR q.name = $3)
ORDER BY q.name
"""
_PUT_QUEUE = """
INSERT INTO inbox_queues (id, account_id, name, pick, alert_time, timezone, hours, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, pick = excluded.pick, alert_time = excluded.alert_time,
    timezone = excluded.timezone, hours = excluded.hours, updated_at = excluded.updated_at
"""


def _queue(row: Any) -> Queue:
    return Queue(
        id=row["id"],
        name=row["name"],
        pick=Pick(row["pick"]),
        alert_time=row["alert_time"],
        timezone=row["timezone"],
        hours=_hours(row["hours"]),
        waiting=row["in_line"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def queues(
    db: Database | Connection, account_id: int, *, identifier: UUID | None = None, name: str | None = None
) -> list[Queue]:
    """The account's queues by name: all, or the one with this id or name."""
    return [_queue(row) for row in await db.fetch(_QUEUES, account_id, identifier, name)]


async def put_queue(connection: Connection, account_id: int, queue: Queue) -> None:
    """Writes a queue, new or changed. Raises `Taken`."""
    q = queue
    try:
        await connection.execute(
            _PUT_QUEUE, q.id, account_id, q.name, q.pick.value, q.alert_time, q.timezone, _encode(q.hours),
            q.created_at, q.updated_at,
        )  # fmt: skip
    except asyncpg.UniqueViolationError as error:
        raise Taken from error


async def delete_queue(connection: Connection, account_id: int, queue_id: UUID) -> bool:
    """Removes a queue that no open conversation is in, from its agents and channels too; False if one is."""
    used = "SELECT 1 FROM conversations WHERE queue_id = $1 AND state <> 'closed' LIMIT 1"
    if await connection.fetchval(used, queue_id):
        return False
    await connection.execute("DELETE FROM inbox_queues WHERE id = $1 AND account_id = $2", queue_id, account_id)
    await connection.execute("DELETE FROM inbox_answers WHERE queue_id = $1 AND account_id = $2", queue_id, account_id)
    sql = "UPDATE inbox_agents SET queues = array_remove(queues, $1) WHERE account_id = $2 AND $1 = ANY(queues)"
    await connection.execute(sql, queue_id, account_id)
    sql = "UPDATE inbox_channels SET queue_id = NULL WHERE account_id = $2 AND queue_id = $1"
    await connection.execute(sql, queue_id, account_id)
    return True


# -- Agents -----------------------------------------------------------------------------------------------------------

_AGENTS = """
SELECT a.*, (SELECT count(*) FROM conversations c WHERE c.agent_id = a.id)::int AS has
FROM inbox_agents a WHERE a.account_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND ($3::text IS NULL OR a.name = $3)
ORDER BY a.name
"""
_PUT_AGENT = """
INSERT INTO inbox_agents (id, account_id, name, email, state, capacity, queues, idle_since, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $9, $8, $9)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, state = excluded.state,
    capacity = excluded.capacity, queues = excluded.queues, updated_at = excluded.updated_at,
    idle_since = CASE WHEN inbox_agents.state <> 'available' THEN excluded.idle_since ELSE inbox_agents.idle_since END
"""

#: The agent of a queue whose turn it is: available, with room, and not among those who declined. The one who had the
#: conversation before comes first. Exact while the account is held.
_PICK = """
SELECT a.id, a.name FROM inbox_agents a
WHERE a.account_id = $1 AND $2 = ANY(a.queues) AND a.state = 'available' AND a.id <> ALL($3::uuid[])
  AND a.capacity > (SELECT count(*) FROM conversations c WHERE c.agent_id = a.id)
ORDER BY a.id IS NOT DISTINCT FROM $4 DESC,
    CASE WHEN $5 THEN a.assigned_at ELSE a.idle_since END NULLS FIRST, a.id
LIMIT 1
"""


def _agent(row: Any) -> Agent:
    return Agent(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        state=AgentState(row["state"]),
        capacity=row["capacity"],
        queues=list(row["queues"]),
        load=row["has"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def agents(
    db: Database | Connection, account_id: int, *, identifier: UUID | None = None, name: str | None = None
) -> list[Agent]:
    """The account's agents by name: all, or the one with this id or name."""
    return [_agent(row) for row in await db.fetch(_AGENTS, account_id, identifier, name)]


async def put_agent(connection: Connection, account_id: int, agent: Agent) -> None:
    """Writes an agent, new or changed. Raises `Taken`."""
    a = agent
    try:
        await connection.execute(
            _PUT_AGENT, a.id, account_id, a.name, a.email, a.state.value, a.capacity, a.queues, a.created_at,
            a.updated_at,
        )  # fmt: skip
    except asyncpg.UniqueViolationError as error:
        raise Taken from error


async def delete_agent(connection: Connection, account_id: int, agent_id: UUID) -> None:
    """Removes an agent."""
    await connection.execute("DELETE FROM inbox_agents WHERE id = $1 AND account_id = $2", agent_id, account_id)


async def pick_agent(
    connection: Connection, account_id: int, queue: Queue, passed: Sequence[UUID], before: UUID | None
) -> tuple[UUID, str] | None:
    """The agent who is next in a queue, if there is one with room. Call it with the account held (`inbox.hold`)."""
    rotates = queue.pick is Pick.ROUND_ROBIN
    row = await connection.fetchrow(_PICK, account_id, queue.id, list(passed), before, rotates)
    return (row["id"], row["name"]) if row is not None else None


async def assigned(connection: Connection, agent_id: UUID, now: datetime) -> None:
    """An agent got a conversation: others come first in the round."""
    await connection.execute("UPDATE inbox_agents SET assigned_at = $2 WHERE id = $1", agent_id, now)


async def released(connection: Connection, agent_ids: Sequence[UUID], now: datetime) -> None:
    """Agents are done with a conversation: they are idle since now."""
    ids = sorted(agent_ids)
    await connection.execute("UPDATE inbox_agents SET idle_since = $2 WHERE id = ANY($1::uuid[])", ids, now)


async def went_away(connection: Connection, agent_id: UUID, now: datetime) -> None:
    """An agent did not answer: they are taken for away."""
    sql = "UPDATE inbox_agents SET state = 'away', updated_at = $2 WHERE id = $1 AND state = 'available'"
    await connection.execute(sql, agent_id, now)


async def conversations_of(db: Database, account_id: int, agent_id: UUID) -> list[UUID]:
    """The conversations that an agent has."""
    sql = "SELECT id FROM conversations WHERE agent_id = $2 AND account_id = $1 ORDER BY id"
    return [row[0] for row in await db.fetch(sql, account_id, agent_id)]


_WAITING = """
SELECT w.id FROM unnest($1::uuid[]) AS q(queue_id)
CROSS JOIN LATERAL (SELECT id, waiting_since FROM conversations
    WHERE queue_id = q.queue_id AND waiting ORDER BY waiting_since, id LIMIT $2) w
ORDER BY w.waiting_since, w.id
"""
#: The queues in which somebody waits, by steps through the index.
_IN_USE = """
WITH RECURSIVE q(queue_id) AS (
    (SELECT queue_id FROM conversations WHERE waiting ORDER BY queue_id LIMIT 1)
    UNION ALL
    SELECT (SELECT c.queue_id FROM conversations c WHERE c.waiting AND c.queue_id > q.queue_id
            ORDER BY c.queue_id LIMIT 1) FROM q WHERE q.queue_id IS NOT NULL
)
SELECT q.queue_id, u.account_id FROM q JOIN inbox_queues u ON u.id = q.queue_id
"""


async def waiting(db: Database, queue_ids: Sequence[UUID], limit: int) -> list[UUID]:
    """Conversations that wait in these queues, the longest waiting first; at most `limit` of each."""
    return [row[0] for row in await db.fetch(_WAITING, list(queue_ids), limit)]


async def queues_in_use(db: Database) -> list[tuple[int, UUID]]:
    """The queues in which conversations wait, with their accounts."""
    return [(row["account_id"], row["queue_id"]) for row in await db.fetch(_IN_USE)]


# -- Prepared answers -------------------------------------------------------------------------------------------------

_ANSWERS = """
SELECT * FROM inbox_answers WHERE account_id = $1 AND ($2::uuid IS NULL OR id = $2)
    AND ($3::uuid IS NULL OR queue_id IS NULL OR queue_id = $3)
ORDER BY name, id
"""
_PUT_ANSWER = """
INSERT INTO inbox_answers (id, account_id, queue_id, name, content, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO UPDATE SET queue_id = excluded.queue_id, name = excluded.name, content = excluded.content,
    updated_at = excluded.updated_at
"""


async def answers(
    db: Database | Connection, account_id: int, *, identifier: UUID | None = None, queue_id: UUID | None = None
) -> list[PreparedAnswer]:
    """Prepared answers by name: all, one, or those for a queue."""
    rows = await db.fetch(_ANSWERS, account_id, identifier, queue_id)
    return [
        PreparedAnswer(
            id=row["id"],
            name=row["name"],
            queue_id=row["queue_id"],
            content=_content(row["content"]),
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )
        for row in rows
    ]


async def put_answer(db: Database, account_id: int, answer: PreparedAnswer) -> None:
    """Writes a prepared answer, new or changed. Raises `Taken`."""
    a = answer
    values = (a.id, account_id, a.queue_id, a.name, _encode(a.content), a.created_at, a.updated_at)
    try:
        await db.execute(_PUT_ANSWER, *values)
    except asyncpg.UniqueViolationError as error:
        raise Taken from error


async def delete_answer(db: Database, account_id: int, identifier: UUID) -> bool:
    """Removes a prepared answer; False if there is none."""
    tag = await db.execute("DELETE FROM inbox_answers WHERE account_id = $1 AND id = $2", account_id, identifier)
    return tag != "DELETE 0"


# -- Accounts --------------------------------------------------------------------------------------------

_PUT_HANDOVER = """
INSERT INTO inbox_accounts (account_id, handover_url) VALUES ($1, $2)
ON CONFLICT (account_id) DO UPDATE SET handover_url = excluded.handover_url
"""


async def handover_url(db: Database | Connection, account_id: int) -> str | None:
    """Where conversations go that are handed to somebody outside."""
    found = await db.fetchval("SELECT handover_url FROM inbox_accounts WHERE account_id = $1", account_id)
    return str(found) if found is not None else None


async def put_handover_url(db: Database, account_id: int, url: str | None) -> None:
    """Writes where conversations go that are handed to somebody outside."""
    await db.execute(_PUT_HANDOVER, account_id, url)
