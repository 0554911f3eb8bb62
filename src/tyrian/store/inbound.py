"""What people send: messages, each stored once, and whether they allow a sender to write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tyrian.store.database import Database


@dataclass(slots=True)
class NewInbound:
    """A message from a person. With an `endpoint_id`, its report is a callback due at once."""

    id: UUID
    account_id: int
    channel_id: int
    sender: str
    recipient: str
    provider_id: str
    received_at: datetime
    content: bytes
    extra: bytes | None
    raw: str | None
    endpoint_id: int | None
    report: bytes | None


#: A repeat, told by the network's own id, stores nothing and calls nobody back.
_STORE = """
WITH i AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
        $8::bytea[], $9::bytea[], $10::text[], $11::int[], $12::bytea[])
    AS i(id, account_id, channel_id, sender, recipient, provider_id, received_at, content, extra, raw, endpoint_id,
        report)
), new AS (
    INSERT INTO inbound (id, account_id, channel_id, sender, recipient, provider_id, received_at, content, extra, raw)
    SELECT id, account_id, channel_id, sender, recipient, provider_id, received_at, content, extra, raw
    FROM i ORDER BY channel_id, provider_id
    ON CONFLICT DO NOTHING
    RETURNING id
), told AS (
    INSERT INTO callbacks (message_id, account_id, endpoint_id, due_at, created_at, report)
    SELECT i.id, i.account_id, i.endpoint_id, i.received_at, i.received_at, i.report
    FROM new JOIN i ON i.id = new.id WHERE i.endpoint_id IS NOT NULL ORDER BY i.id
)
SELECT id FROM new
"""

#: The network's last word: older news, whenever it comes, does not overwrite newer.
_SUBSCRIBE = """
INSERT INTO subscriptions AS s (channel_id, person, subscribed, changed_at)
SELECT * FROM unnest($1::int[], $2::text[], $3::boolean[], $4::timestamptz[])
ON CONFLICT (channel_id, person) DO UPDATE SET subscribed = excluded.subscribed, changed_at = excluded.changed_at
WHERE s.changed_at <= excluded.changed_at
"""


async def store(db: Database, messages: Sequence[NewInbound]) -> set[UUID]:
    """Stores messages with their callbacks; returns the ids of those that had not come before."""
    rows = await db.fetch(
        _STORE,
        [m.id for m in messages],
        [m.account_id for m in messages],
        [m.channel_id for m in messages],
        [m.sender for m in messages],
        [m.recipient for m in messages],
        [m.provider_id for m in messages],
        [m.received_at for m in messages],
        [m.content for m in messages],
        [m.extra for m in messages],
        [m.raw for m in messages],
        [m.endpoint_id for m in messages],
        [m.report for m in messages],
    )
    return {row[0] for row in rows}


async def subscribe(db: Database, news: Sequence[tuple[int, str, bool, datetime]]) -> None:
    """Writes (channel, person, subscribed, when); of several about one person the newest counts, of equals the last."""
    latest: dict[tuple[int, str], tuple[bool, datetime]] = {}
    for channel_id, person, subscribed, at in news:
        known = latest.get((channel_id, person))
        if known is None or known[1] <= at:
            latest[channel_id, person] = (subscribed, at)
    keys = sorted(latest)
    await db.execute(
        _SUBSCRIBE,
        [channel for channel, _ in keys],
        [person for _, person in keys],
        [latest[key][0] for key in keys],
        [latest[key][1] for key in keys],
    )
