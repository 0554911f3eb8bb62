"""What customers look at: one message, its attempts and history, and lists of messages, bulks, callbacks and inbound.

Lists go by id, newest first: an id holds its time, so a page is a walk along an index from a known place and costs the
same wherever it is. A filter that no index serves looks at `WINDOW` rows for one page and no more; the page then says
where to go on, so that no list ever reads a whole table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from tyrian.domain.ids import floor_of, time_of
from tyrian.store.database import Database
from tyrian.store.links import OF_MESSAGE

#: Rows that one page of a filtered list looks at, at most.
WINDOW: Final = 20_000

#: A row of any of these statements, its values by name.
Row = asyncpg.Record

#: What a statement that takes too long ends in (see the reading pool's `statement_timeout`).
TooSlow = asyncpg.QueryCanceledError

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_LAST: Final = UUID(int=2**128 - 1)
_SKEW: Final = timedelta(days=1)

#: A message that is out for sending is known by the lease on its row in `sends`: its own row is not touched for that.
_STATUS = (
    "CASE WHEN m.status IN ('accepted', 'scheduled') AND s.leased_until IS NOT NULL THEN 'sending' ELSE m.status END"
)

# -- One message ------------------------------------------------------------------------------------------------------

_MESSAGE = f"""
SELECT m.id, COALESCE(m.bulk_id, m.id) AS bulk_id, m.recipient, {_STATUS} AS status, m.reason, m.purpose, m.step,
    m.accepted_at, m.updated_at, m.due_at, m.valid_until, m.variables, COALESCE(m.plan, b.plan) AS plan,
    m.name, b.name AS bulk_name,
    s.attempt_id AS send_attempt, s.step AS send_step, s.recipient AS send_recipient,
    GREATEST(s.tries, 0) AS send_tries, s.started_at AS send_started, s.leased_until, ch.name AS send_channel
FROM messages m
LEFT JOIN bulks b ON b.id = m.bulk_id
LEFT JOIN sends s ON s.message_id = m.id
LEFT JOIN channels ch ON ch.id = s.channel_id
WHERE m.account_id = $1 AND m.id = $2
"""
_EXISTS = "SELECT true FROM messages WHERE account_id = $1 AND id = $2"
_ATTEMPTS = """
SELECT a.id, a.step, a.status, a.reason, a.tries, a.started_at, a.sent_at, a.delivered_at, a.seen_at, a.recipient,
    a.provider_ref, a.channel_id, a.updated_at, ch.name AS channel
FROM attempts a LEFT JOIN channels ch ON ch.id = a.channel_id
WHERE a.message_id = $1 ORDER BY a.step, a.id
"""
_EVENTS = """
SELECT e.at, e.type, e.reason, e.attempt_id, e.detail, ch.name AS channel
FROM events e
LEFT JOIN attempts a ON a.message_id = e.message_id AND a.id = e.attempt_id
LEFT JOIN channels ch ON ch.id = a.channel_id
WHERE e.message_id = $1 ORDER BY e.at, e.id
"""
_EXCHANGES = """
SELECT e.at, e.type, e.attempt_id, e.exchange, ch.name AS channel
FROM events e
LEFT JOIN attempts a ON a.message_id = e.message_id AND a.id = e.attempt_id
LEFT JOIN channels ch ON ch.id = a.channel_id
WHERE e.message_id = $1 AND e.exchange IS NOT NULL ORDER BY e.at, e.id
"""


async def message(db: Database, account_id: int, message_id: UUID) -> Row | None:
    """A message with its plan and, if it waits or is out for sending, its row in `sends`."""
    return await db.read_row(_MESSAGE, account_id, message_id)


_BY_NAME = """
SELECT DISTINCT ON (name) name, id FROM messages
WHERE account_id = $1 AND name = ANY($2::text[]) ORDER BY name, id DESC
"""
_BULK_BY_NAME = "SELECT id FROM bulks WHERE account_id = $1 AND name = $2 ORDER BY id DESC LIMIT 1"


async def ids_by_name(db: Database, account_id: int, names: Sequence[str]) -> dict[str, UUID]:
    """Messages by the customer's own ids; of several with the same the latest."""
    return {row["name"]: row["id"] for row in await db.read(_BY_NAME, account_id, list(names))}


async def bulk_by_name(db: Database, account_id: int, name: str) -> UUID | None:
    """A bulk by the customer's own id; of several with the same the latest."""
    row = await db.read_row(_BULK_BY_NAME, account_id, name)
    return row["id"] if row else None


async def exists(db: Database, account_id: int, message_id: UUID) -> bool:
    """Whether the account has this message."""
    return await db.read_row(_EXISTS, account_id, message_id) is not None


async def attempts(db: Database, message_id: UUID) -> list[Row]:
    """A message's attempts in the order of the cascade."""
    return await db.read(_ATTEMPTS, message_id)


async def events(db: Database, message_id: UUID) -> list[Row]:
    """A message's history, oldest first."""
    return await db.read(_EVENTS, message_id)


async def links(db: Database, message_id: UUID) -> list[Row]:
    """A message's tracked links with their clicks, in the order in which they went out."""
    return await db.read(OF_MESSAGE, message_id)


async def exchanges(db: Database, message_id: UUID) -> list[Row]:
    """What was said about a message to the outside, oldest first."""
    return await db.read(_EXCHANGES, message_id)


_STORED_ANSWER = "SELECT fingerprint, answer FROM idempotency WHERE account_id = $1 AND key = $2"


async def stored_answer(db: Database, account_id: int, key: str) -> Row | None:
    """What was answered under an idempotency key, with the request's fingerprint."""
    return await db.read_row(_STORED_ANSWER, account_id, key)


# -- Lists ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Page:
    """Rows of a list, and the id to go on before, if there may be more."""

    rows: list[Row]
    next: Any = None


@dataclass(slots=True)
class _Query:
    """A statement put together from conditions, each with its argument."""

    args: list[Any]
    indexed: list[str] = field(default_factory=list)
    scanned: list[str] = field(default_factory=list)

    def arg(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"


@dataclass(slots=True, kw_only=True)
class MessageQuery:
    """Which messages to list."""

    status: str | None = None
    reason: str | None = None
    recipients: Sequence[str] | None = None
    channel: str | None = None
    purpose: str | None = None
    bulk_id: UUID | None = None
    #: The bulk is a single message, which is a bulk of one under its own id.
    alone: bool = False
    since: datetime | None = None
    until: datetime | None = None


_LIST_MESSAGES = """
SELECT m.id, COALESCE(m.bulk_id, m.id) AS bulk_id, m.recipient, {status} AS status, m.reason, m.purpose, m.accepted_at,
    m.updated_at, COALESCE(ch.name, tried.name) AS channel
FROM (SELECT * FROM messages WHERE {indexed} ORDER BY id DESC LIMIT {window}) m
LEFT JOIN sends s ON s.message_id = m.id
LEFT JOIN channels ch ON ch.id = s.channel_id
LEFT JOIN LATERAL (
    SELECT c.name FROM attempts a JOIN channels c ON c.id = a.channel_id
    WHERE a.message_id = m.id ORDER BY a.step DESC, a.id DESC LIMIT 1) tried ON true
WHERE {scanned}
ORDER BY m.id DESC LIMIT {limit}
"""
_END_OF_WINDOW = "SELECT id FROM messages WHERE {indexed} ORDER BY id DESC OFFSET {window} LIMIT 1"


async def messages(db: Database, account_id: int, want: MessageQuery, before: UUID | None, limit: int) -> Page:
    """A page of messages, newest first."""
    query = _message_query(account_id, want, before)
    indexed, shared = " AND ".join(query.indexed), len(query.args)
    scanned = _scanned_conditions(query, want)
    window = WINDOW if scanned else limit + 1
    sql = _LIST_MESSAGES.format(
        status=_STATUS, indexed=indexed, window=window, scanned=" AND ".join(scanned) or "true", limit=limit + 1
    )
    rows = await db.read(sql, *query.args)
    if len(rows) > limit:
        return Page(rows[:limit], rows[limit - 1]["id"])
    if not scanned:
        return Page(rows)
    end = _END_OF_WINDOW.format(indexed=indexed, window=window - 1)
    last = await db.read_row(end, *query.args[:shared])
    return Page(rows, last["id"] if last else None)


def _message_query(account_id: int, want: MessageQuery, before: UUID | None) -> _Query:
    """The conditions that an index serves."""
    query = _Query([account_id])
    query.indexed.append("account_id = $1")
    upper = min(before or _LAST, _floor(want.until) if want.until else _LAST)
    query.indexed.append(f"id < {query.arg(upper)}")
    if want.since is not None:
        query.indexed.append(f"id >= {query.arg(_floor(want.since))}")
    if want.recipients is not None:
        one = len(want.recipients) == 1
        person = query.arg(want.recipients[0] if one else list(want.recipients))
        query.indexed.append(f"recipient = {person}" if one else f"recipient = ANY({person}::text[])")
    if want.bulk_id is not None:
        bulk = query.arg(want.bulk_id)
        query.indexed.append(f"id = {bulk} AND bulk_id IS NULL" if want.alone else f"bulk_id = {bulk}")
    return query


def _scanned_conditions(query: _Query, want: MessageQuery) -> list[str]:
    """The conditions that each row is asked one by one."""
    conditions = []
    for column, value in ((_STATUS, want.status), ("m.reason", want.reason), ("m.purpose", want.purpose)):
        if value is not None:
            conditions.append(f"{column} = {query.arg(value)}")
    if want.channel is not None:
        ids = f"(SELECT id FROM channels WHERE account_id = $1 AND name = {query.arg(want.channel)})"
        conditions.append(
            f"(s.channel_id IN {ids} OR EXISTS (SELECT 1 FROM attempts a WHERE a.message_id = m.id"
            f" AND a.channel_id IN {ids}))"
        )
    return conditions


def _floor(at: datetime) -> UUID:
    """The smallest id of a moment; of the beginning of time as computers count it for all moments before."""
    return floor_of(max(at, _EPOCH))


# -- Bulks ------------------------------------------------------------------------------------------------------------

_BULK_STATE = """
CASE WHEN b.state = 'running' AND b.sealed AND b.released >= b.total
      AND NOT EXISTS (SELECT 1 FROM sends s WHERE s.bulk_id = b.id AND s.step = 0)
     THEN 'finished' ELSE b.state END
"""
_BULKS = f"""
SELECT * FROM (
    SELECT b.id, b.name, {_BULK_STATE} AS state, b.sealed, b.total, b.released, b.created_at, b.updated_at
    FROM bulks b WHERE b.account_id = $1 AND b.id < $2
    ORDER BY b.id DESC) b
WHERE $3::text IS NULL OR b.state = $3
ORDER BY b.id DESC LIMIT $4
"""
_BULK_PLAN = "SELECT plan, sealed, total FROM bulks WHERE account_id = $1 AND id = $2"
_OUTCOMES = f"""
SELECT m.id, m.recipient, {_STATUS} AS status, m.reason, m.accepted_at, m.updated_at, a.name AS channel, a.sent_at,
    a.delivered_at, a.seen_at
FROM (SELECT * FROM messages WHERE account_id = $1 AND bulk_id = $2 AND id > $3 ORDER BY id LIMIT $4) m
LEFT JOIN sends s ON s.message_id = m.id
LEFT JOIN LATERAL (
    SELECT c.name, t.sent_at, t.delivered_at, t.seen_at FROM attempts t JOIN channels c ON c.id = t.channel_id
    WHERE t.message_id = m.id ORDER BY t.step DESC, t.id DESC LIMIT 1) a ON true
ORDER BY m.id
"""


async def bulks(db: Database, account_id: int, state: str | None, before: UUID | None, limit: int) -> Page:
    """A page of bulks, newest first."""
    rows = await db.read(_BULKS, account_id, before or _LAST, state, limit + 1)
    return _page(rows, limit)


async def bulk_plan(db: Database, account_id: int, bulk_id: UUID) -> Row | None:
    """A bulk's plan, and whether it still takes recipients."""
    return await db.read_row(_BULK_PLAN, account_id, bulk_id)


async def outcomes(db: Database, account_id: int, bulk_id: UUID, after: UUID | None, limit: int) -> list[Row]:
    """A bulk's messages with what became of them, oldest first, from after an id on."""
    start = after or _floor(time_of(bulk_id) - _SKEW)
    return await db.read(_OUTCOMES, account_id, bulk_id, start, limit)


# -- Callbacks and inbound --------------------------------------------------------------------------------------------

_CALLBACKS = """
SELECT c.id, c.message_id, c.tries, c.parked, c.due_at, c.created_at, c.last_reason, c.report, e.url
FROM callbacks c JOIN endpoints e ON e.id = c.endpoint_id
WHERE c.account_id = $1 AND c.id < $2 AND c.tries > 0
  AND ($3::boolean IS NULL OR c.parked = $3) AND ($4::uuid IS NULL OR c.message_id = $4)
ORDER BY c.id DESC LIMIT $5
"""
_HEARD = """
SELECT i.id, i.sender, i.recipient, i.received_at, i.content, i.extra, i.media_id, i.media_problem,
    ch.name AS channel, EXISTS (SELECT 1 FROM rehosting r WHERE r.inbound_id = i.id) AS media_waits
FROM inbound i LEFT JOIN channels ch ON ch.id = i.channel_id
"""
_INBOUND_ONE = f"{_HEARD} WHERE i.account_id = $1 AND i.id = $2"
_INBOUND = f"""{_HEARD}
WHERE i.account_id = $1 AND i.id < $2 AND i.id >= $3
  AND ($4::text IS NULL OR ch.name = $4) AND ($5::text[] IS NULL OR i.sender = ANY($5))
ORDER BY i.id DESC LIMIT $6
"""


async def callbacks(
    db: Database, account_id: int, parked: bool | None, message_id: UUID | None, before: int | None, limit: int
) -> Page:
    """A page of callbacks that were refused at least once, newest first."""
    upper = 2**63 - 1 if before is None else before
    return _page(await db.read(_CALLBACKS, account_id, upper, parked, message_id, limit + 1), limit)


async def inbound(
    db: Database,
    account_id: int,
    channel: str | None,
    senders: Sequence[str] | None,
    span: tuple[datetime | None, datetime | None],
    before: UUID | None,
    limit: int,
) -> Page:
    """A page of inbound messages taken in a span of time, newest first."""
    since, until = span
    upper = min(before or _LAST, _floor(until) if until else _LAST)
    lower = _floor(since) if since else UUID(int=0)
    people = None if senders is None else list(senders)
    return _page(await db.read(_INBOUND, account_id, upper, lower, channel, people, limit + 1), limit)


async def inbound_one(db: Database, account_id: int, inbound_id: UUID) -> Row | None:
    """One inbound message; None if the account has none of this id."""
    rows = await db.read(_INBOUND_ONE, account_id, inbound_id)
    return rows[0] if rows else None


def _page(rows: list[Row], limit: int) -> Page:
    return Page(rows[:limit], rows[limit - 1]["id"]) if len(rows) > limit else Page(rows)
