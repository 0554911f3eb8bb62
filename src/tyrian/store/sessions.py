"""Sessions in the database: prolonged by what people write, counted up by what goes to them.

What a session allows is decided in `domain.session`; the statements here hold the same rules where a count must be
taken at the moment of the decision. Rows are locked in the order of their keys: channel, then person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from tyrian.domain.session import Session, SessionSettings, Standing
from tyrian.store.database import Connection, Database

#: A person on a channel: the channel's number, and the address as people are known by on it.
Key = tuple[int, str]

# -- Coming in --------------------------------------------------------------------------------------------------------

_OVER: Final = "(s.expires_at IS NULL OR s.expires_at < excluded.last_inbound_at OR s.sent >= s.sent_limit)"

#: What `domain.session.heard` does, for the rows of a source with these columns. Of several messages of one person the
#: last counts.
TOUCH: Final = f"""
INSERT INTO sessions AS s (channel_id, person, account_id, opened_at, last_inbound_at, expires_at, sent_limit)
SELECT DISTINCT ON (channel_id, person COLLATE "C")
    channel_id, person, account_id, at, at, expires_at, sent_limit
FROM {{source}} ORDER BY channel_id, person COLLATE "C", at DESC
ON CONFLICT (channel_id, person) DO UPDATE SET
    opened_at = CASE WHEN {_OVER} THEN excluded.opened_at ELSE s.opened_at END,
    sent = CASE WHEN {_OVER} THEN 0 ELSE s.sent END,
    last_inbound_at = GREATEST(s.last_inbound_at, excluded.last_inbound_at),
    expires_at = GREATEST(s.expires_at, excluded.expires_at),
    sent_limit = excluded.sent_limit, unanswered = 0, asked_at = NULL
RETURNING opened_at = last_inbound_at AS fresh
"""
_ROWS: Final = """unnest($1::int[], $2::text[], $3::int[], $4::timestamptz[], $5::timestamptz[], $6::int[])
    AS i(channel_id, person, account_id, at, expires_at, sent_limit)"""
_TOUCH: Final = f"WITH t AS ({TOUCH.format(source=_ROWS)}) SELECT count(*) FROM t WHERE fresh"


@dataclass(slots=True)
class Heard:
    """A person wrote on a channel."""

    channel_id: int
    person: str
    account_id: int
    at: datetime
    settings: SessionSettings


async def touch(connection: Connection | Database, heard: Sequence[Heard]) -> int:
    """Opens or prolongs sessions; how many were opened. `store.inbound` does the same with people's messages."""
    return int(await connection.fetchval(_TOUCH, *columns(heard)))


def columns(heard: Sequence[Heard]) -> list[list[Any]]:
    """The columns of what `TOUCH` reads."""
    return [
        [h.channel_id for h in heard],
        [h.person for h in heard],
        [h.account_id for h in heard],
        [h.at for h in heard],
        [h.at + timedelta(seconds=h.settings.duration) for h in heard],
        [h.settings.sent_limit for h in heard],
    ]


# -- Going out --------------------------------------------------------------------------------------------------------

#: Counts what `domain.session.refusal` has nothing against, and returns the sessions as they were before.
_COUNT: Final = """
WITH i AS MATERIALIZED (
    SELECT * FROM unnest($1::int[], $2::text[], $3::uuid[], $4::int[], $5::timestamptz[])
        AS i(channel_id, person, attempt_id, unanswered_limit, at)
), l AS MATERIALIZED (
    SELECT s.* FROM i JOIN sessions s ON s.channel_id = i.channel_id AND s.person = i.person
    ORDER BY s.channel_id, s.person FOR UPDATE OF s
), counted AS (
    UPDATE sessions s SET sent = s.sent + 1, unanswered = s.unanswered + 1, counted = i.attempt_id
    FROM l JOIN i ON i.channel_id = l.channel_id AND i.person = l.person
    WHERE s.channel_id = l.channel_id AND s.person = l.person AND s.counted IS DISTINCT FROM i.attempt_id
      AND s.expires_at >= i.at AND s.sent < s.sent_limit AND s.unanswered < i.unanswered_limit
)
SELECT * FROM l
"""

_FIND: Final = """
SELECT s.* FROM unnest($1::int[], $2::text[]) AS i(channel_id, person)
JOIN sessions s ON s.channel_id = i.channel_id AND s.person = i.person
"""

#: The lock on the session decides: what the person writes afterwards finds the message among those that wait.
_WAIT: Final = """
WITH k AS MATERIALIZED (
    INSERT INTO sessions (channel_id, person, account_id, sent_limit) VALUES ($1, $2, $3, $4)
    ON CONFLICT (channel_id, person) DO UPDATE SET person = excluded.person
    RETURNING *
), w AS (
    INSERT INTO session_waits (message_id, channel_id, person)
    SELECT $5, channel_id, person FROM k WHERE expires_at IS NULL OR expires_at < $6
    ON CONFLICT (message_id) DO UPDATE SET channel_id = excluded.channel_id, person = excluded.person
)
SELECT *, (expires_at IS NULL OR expires_at < $6) AS waits FROM k
"""

_ASKED: Final = """
UPDATE sessions SET asked_at = $4 WHERE channel_id = $1 AND person = $2 AND last_inbound_at IS NOT DISTINCT FROM $3
"""

#: A message that is in somebody's hands goes on waiting: whoever asked about it has not put it off yet.
_RELEASE: Final = """
WITH w AS MATERIALIZED (
    SELECT message_id FROM session_waits WHERE channel_id = $1 AND person = $2 ORDER BY message_id FOR UPDATE
), l AS MATERIALIZED (
    SELECT s.message_id, s.leased_until IS NOT NULL AS held FROM w JOIN sends s ON s.message_id = w.message_id
    WHERE s.channel_id = $1 ORDER BY s.message_id FOR UPDATE OF s
), due AS (
    UPDATE sends s SET due_at = LEAST(s.due_at, $3) FROM l
    WHERE s.message_id = l.message_id AND NOT l.held AND s.due_at < 'infinity'
), gone AS (
    DELETE FROM session_waits s USING w WHERE s.message_id = w.message_id
      AND NOT EXISTS (SELECT 1 FROM l WHERE l.message_id = w.message_id AND l.held)
)
SELECT count(*) FILTER (WHERE NOT held) AS due, count(*) FILTER (WHERE held) AS held FROM l
"""


@dataclass(slots=True)
class Going:
    """A business message about to go to a person."""

    channel_id: int
    person: str
    attempt_id: UUID
    unanswered_limit: int
    at: datetime


async def count(db: Database, going: Sequence[Going]) -> Mapping[Key, Session]:
    """Counts messages where their sessions allow it, at most one of a person; returns the sessions as they were."""
    rows = await db.fetch(
        _COUNT,
        [g.channel_id for g in going],
        [g.person for g in going],
        [g.attempt_id for g in going],
        [g.unanswered_limit for g in going],
        [g.at for g in going],
    )
    return {(row["channel_id"], row["person"]): _session(row) for row in rows}


async def find(db: Database, keys: Sequence[Key]) -> Mapping[Key, Session]:
    """The sessions of these people, as far as there are any."""
    rows = await db.fetch(_FIND, [channel for channel, _ in keys], [person for _, person in keys])
    return {(row["channel_id"], row["person"]): _session(row) for row in rows}


@dataclass(slots=True)
class Waiting:
    """Whether a message waits for its person now, what is known of the session, and whether they were asked."""

    waits: bool
    session: Session
    asked: bool


async def wait(
    db: Database, key: Key, account_id: int, message_id: UUID, settings: SessionSettings, now: datetime
) -> Waiting:
    """Has a message wait for a person to write, unless their session is open by now."""
    row = await db.fetchrow(_WAIT, *key, account_id, settings.sent_limit, message_id, now)
    assert row is not None
    return Waiting(row["waits"], _session(row), row["asked_at"] is not None)


async def asked(db: Database, key: Key, since: datetime | None, now: datetime) -> None:
    """Writes down that a person was asked to write, unless they did meanwhile. `since` is when they wrote last."""
    await db.execute(_ASKED, *key, since, now)


async def release(db: Database, key: Key, now: datetime) -> tuple[int, int]:
    """Makes the messages due that wait for a person; how many, and how many cannot be yet."""
    row = await db.fetchrow(_RELEASE, *key, now)
    assert row is not None
    return row["due"], row["held"]


# -- Looking ----------------------------------------------------------------------------------------------------------

#: The latest word of the network, and the latest of what was recorded, on whether a person `{p}` may be written to.
_WORDS: Final = """
LEFT JOIN LATERAL (
    SELECT subscribed, changed_at FROM subscriptions
    WHERE channel_id = {p}.channel_id AND person = ANY(ARRAY[{p}.person, '+' || {p}.person])
    ORDER BY changed_at DESC LIMIT 1) n ON true
LEFT JOIN LATERAL (
    SELECT c.granted, c.at FROM consents c
    WHERE c.contact_id IN (
        SELECT contact_id FROM contact_addresses a
        WHERE a.account_id = {p}.account_id AND a.scope IN (0, {p}.channel_id) AND a.address = {p}.person)
      AND c.channel_id IN (0, {p}.channel_id) AND c.purpose IN ('', 'session')
    ORDER BY c.at DESC, c.id DESC LIMIT 1) c ON true
"""
_SHOWN: Final = "n.subscribed, n.changed_at, c.granted, c.at AS consented_at"

_ONE: Final = f"""
SELECT s.*, {_SHOWN}
FROM (SELECT $1::int AS channel_id, $2::text AS person, $3::int AS account_id) p
LEFT JOIN sessions s ON s.channel_id = p.channel_id AND s.person = p.person
{_WORDS.format(p="p")}
"""

_OPEN: Final = f"""
SELECT s.*, {_SHOWN}
FROM (
    SELECT * FROM sessions
    WHERE account_id = $1 AND expires_at >= $2 AND (channel_id, person) > ($3::int, $4::text)
      AND ($5::int IS NULL OR channel_id = $5)
    ORDER BY channel_id, person LIMIT $6) s
{_WORDS.format(p="s")}
ORDER BY s.channel_id, s.person
"""


@dataclass(slots=True)
class Stored:
    """A session with what is known of the person's consent."""

    key: Key
    session: Session
    network: Standing | None
    recorded: Standing | None


async def one(db: Database, key: Key, account_id: int) -> Stored:
    """What is known of a person on a channel, be it nothing."""
    row = await db.fetchrow(_ONE, *key, account_id)
    assert row is not None
    return _stored(key, row)


async def opened(
    db: Database, account_id: int, now: datetime, after: Key, channel_id: int | None, limit: int
) -> list[Stored]:
    """The account's sessions that are open, those after a key, in the order of their keys."""
    rows = await db.read(_OPEN, account_id, now, *after, channel_id, limit)
    return [_stored((row["channel_id"], row["person"]), row) for row in rows]


def _session(row: Any) -> Session:
    return Session(
        opened_at=row["opened_at"],
        last_inbound_at=row["last_inbound_at"],
        expires_at=row["expires_at"],
        sent=row["sent"],
        sent_limit=row["sent_limit"],
        unanswered=row["unanswered"],
        counted=row["counted"],
    )


def _stored(key: Key, row: Any) -> Stored:
    session = _session(row) if row["sent"] is not None else Session()
    network = Standing(row["subscribed"], row["changed_at"]) if row["subscribed"] is not None else None
    recorded = Standing(row["granted"], row["consented_at"]) if row["granted"] is not None else None
    return Stored(key, session, network, recorded)


# -- Forgetting -------------------------------------------------------------------------------------------------------

_FORGET: Final = "DELETE FROM sessions WHERE COALESCE(GREATEST(expires_at, asked_at), '-infinity') < $1"
_FORGET_WAITS: Final = """
DELETE FROM session_waits w WHERE NOT EXISTS (SELECT 1 FROM sends s WHERE s.message_id = w.message_id)
"""


async def forget(db: Database, before: datetime) -> None:
    """Removes sessions that ended before a moment, and what no message waits for any more."""
    await db.execute(_FORGET, before)
    await db.execute(_FORGET_WAITS)
