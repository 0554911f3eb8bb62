"""Who has blocked a sender, as networks answered to sends, and whether that still counts.

A block is outdated by what is said later: a message of the person, the network's news that they subscribed, a consent
that was recorded. Nobody has to take it back for that, so that neither an inbound message nor the order in which two
nodes learn of things costs anything.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from tyrian.store.database import Connection, Database

#: The notification of a block: the channel's number, a space, the person.
CHANNEL: Final = "tyrian_blocks"
#: A person's address this long is not told to other nodes, for a notification has its bounds.
_LONGEST: Final = 1000

_WRITE = f"""
WITH w AS MATERIALIZED (
    SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[])
    AS w(channel_id, person, reason, message_id, at)
), put AS (
    INSERT INTO blocks AS b (channel_id, person, reason, message_id, at)
    SELECT * FROM w ORDER BY channel_id, person
    ON CONFLICT (channel_id, person) DO UPDATE SET reason = excluded.reason, message_id = excluded.message_id,
        at = excluded.at WHERE b.at < excluded.at
)
SELECT pg_notify('{CHANNEL}', channel_id || ' ' || person) FROM w WHERE length(person) <= {_LONGEST}
"""
_STANDING = """
SELECT w.n::int AS n, b.channel_id, b.person, b.reason, b.message_id, b.at
FROM unnest($1::int[], $2::text[], $3::int[], $4::int[], $5::timestamptz[]) WITH ORDINALITY
    AS w(channel_id, person, account_id, scope, since, n)
JOIN blocks b ON b.channel_id = w.channel_id AND b.person = w.person AND b.at > w.since
WHERE NOT EXISTS (
        SELECT 1 FROM sessions s
        WHERE s.channel_id = w.channel_id AND s.person = w.person AND s.last_inbound_at >= b.at)
    AND NOT EXISTS (
        SELECT 1 FROM subscriptions s
        WHERE s.channel_id = w.channel_id AND s.person = ANY(ARRAY[w.person, '+' || w.person])
            AND s.subscribed AND s.changed_at >= b.at)
    AND NOT EXISTS (
        SELECT 1 FROM contact_addresses a JOIN consents k ON k.contact_id = a.contact_id
        WHERE a.account_id = w.account_id AND a.scope = w.scope AND a.address = w.person
            AND k.granted AND k.channel_id = ANY(ARRAY[0, w.channel_id]) AND k.at >= b.at)
"""
_NEWEST = "SELECT channel_id, person FROM blocks WHERE at > $1 ORDER BY at DESC LIMIT $2"
_FORGET = """
DELETE FROM blocks WHERE (channel_id, person) IN (
    SELECT channel_id, person FROM blocks WHERE at < $1 ORDER BY channel_id, person LIMIT $2)
"""


class Block(Struct, frozen=True):
    """What a network answered to a send: that this person has blocked the sender, or has not subscribed."""

    channel_id: int
    person: str
    reason: str
    message_id: UUID
    #: When the send began: what the person said later is newer.
    at: datetime


class Question(Struct, frozen=True):
    """Somebody about to be written to. `scope` is that of their place; what was said before `since` does not count."""

    channel_id: int
    person: str
    account_id: int
    scope: int
    since: datetime


async def write(db: Database, blocks: Sequence[Block]) -> None:
    """Writes what networks said, and tells the other nodes; of several of one person the latest counts."""
    latest: dict[tuple[int, str], Block] = {}
    for one in blocks:
        known = latest.get((one.channel_id, one.person))
        if known is None or known.at <= one.at:
            latest[one.channel_id, one.person] = one
    rows = [(b.channel_id, b.person, b.reason, b.message_id, b.at) for b in latest.values()]
    await db.fetch(_WRITE, *[list(column) for column in zip(*rows, strict=True)])


async def standing(db: Database | Connection, asked: Sequence[Question]) -> dict[int, Block]:
    """The blocks that count now: position in `asked` -> block."""
    if not asked:
        return {}
    rows = [(q.channel_id, q.person, q.account_id, q.scope, q.since) for q in asked]
    found = await db.fetch(_STANDING, *[list(column) for column in zip(*rows, strict=True)])
    return {
        row["n"] - 1: Block(row["channel_id"], row["person"], row["reason"], row["message_id"], row["at"])
        for row in found
    }


async def newest(db: Database, since: datetime, limit: int) -> list[tuple[int, str]]:
    """Whom networks said to have blocked a channel since a time, the latest first."""
    return [(row["channel_id"], row["person"]) for row in await db.fetch(_NEWEST, since, limit)]


async def forget(db: Database, before: datetime, *, batch: int = 5000) -> None:
    """Removes what was said before a time."""
    while await db.execute(_FORGET, before, batch) == f"DELETE {batch}":
        pass
