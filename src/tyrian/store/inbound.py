"""What people send: messages, each stored once with what follows from it, and who allows a sender to write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tyrian.store.database import Connection, Database
from tyrian.store.sessions import TOUCH, Heard, columns


@dataclass(slots=True)
class NewInbound:
    """A message from a person. Each of its `reports` (endpoint, report) is a callback, due at once or at `tell_at`."""

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
    reports: list[tuple[int, bytes]]
    tell_at: datetime | None = None


@dataclass(slots=True)
class Stored:
    """The ids of the messages that had not come before, and how many sessions they opened."""

    new: set[UUID]
    sessions_opened: int


@dataclass(slots=True)
class NewTurns:
    """Turns (message, account, channel, notes) to write, in the hands of a node until a time."""

    rows: Sequence[tuple[UUID, int, int, bytes]]
    node: int
    now: datetime
    until: datetime


#: A repeat, told by the network's own id, stores nothing, calls nobody back, prolongs no session and makes no turn.
_STORE = f"""
WITH i AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
        $8::bytea[], $9::bytea[], $10::text[], $14::timestamptz[])
    AS i(id, account_id, channel_id, sender, recipient, provider_id, received_at, content, extra, raw, tell_at)
), new AS (
    INSERT INTO inbound (id, account_id, channel_id, sender, recipient, provider_id, received_at, content, extra, raw)
    SELECT id, account_id, channel_id, sender, recipient, provider_id, received_at, content, extra, raw
    FROM i ORDER BY channel_id, provider_id
    ON CONFLICT DO NOTHING
    RETURNING id
), told AS (
    INSERT INTO callbacks (message_id, account_id, endpoint_id, due_at, created_at, report)
    SELECT i.id, i.account_id, r.endpoint_id, COALESCE(i.tell_at, i.received_at), i.received_at, r.report
    FROM new JOIN i ON i.id = new.id
    JOIN unnest($11::uuid[], $12::int[], $13::bytea[]) AS r(id, endpoint_id, report) ON r.id = new.id
    ORDER BY i.id, r.endpoint_id
), touched AS ({
    TOUCH.format(
        source='''(
    SELECT h.* FROM unnest($15::uuid[], $16::int[], $17::text[], $18::int[], $19::timestamptz[], $20::timestamptz[],
        $21::int[]) AS h(id, channel_id, person, account_id, at, expires_at, sent_limit)
    JOIN new ON new.id = h.id) h'''
    )
}
), turned AS (
    INSERT INTO turns (inbound_id, account_id, channel_id, notes, node, due_at, leased_until)
    SELECT t.id, t.account_id, t.channel_id, t.notes, $26::int, $27::timestamptz, $28::timestamptz
    FROM unnest($22::uuid[], $23::int[], $24::int[], $25::bytea[]) AS t(id, account_id, channel_id, notes)
    JOIN new ON new.id = t.id
    ON CONFLICT DO NOTHING
)
SELECT id, (SELECT count(*) FROM touched WHERE fresh) AS opened FROM new
"""

#: The network's last word: older news, whenever it comes, does not overwrite newer.
_SUBSCRIBE = """
INSERT INTO subscriptions AS s (channel_id, person, subscribed, changed_at)
SELECT * FROM unnest($1::int[], $2::text[], $3::boolean[], $4::timestamptz[])
ON CONFLICT (channel_id, person) DO UPDATE SET subscribed = excluded.subscribed, changed_at = excluded.changed_at
WHERE s.changed_at <= excluded.changed_at
"""


async def store(
    db: Database | Connection,
    messages: Sequence[NewInbound],
    heard: Sequence[tuple[UUID, Heard]] = (),
    turns: NewTurns | None = None,
) -> Stored:
    """Stores messages with their callbacks, and along with each the session that it prolongs and its turn."""
    made = list(zip(*turns.rows, strict=True)) if turns is not None and turns.rows else [(), (), (), ()]
    told = [(m.id, endpoint, report) for m in messages for endpoint, report in m.reports]
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
        [identifier for identifier, _, _ in told],
        [endpoint for _, endpoint, _ in told],
        [report for _, _, report in told],
        [m.tell_at for m in messages],
        [identifier for identifier, _ in heard],
        *columns([one for _, one in heard]),
        *(list(column) for column in made),
        turns.node if turns is not None else 0,
        turns.now if turns is not None else None,
        turns.until if turns is not None else None,
    )
    return Stored({row[0] for row in rows}, rows[0][1] if rows else 0)


_IDS = """
SELECT i.provider_id, i.id FROM unnest($2::text[]) AS w(provider_id)
JOIN inbound i ON i.channel_id = $1 AND i.provider_id = w.provider_id
"""


async def ids(db: Database, channel_id: int, provider_ids: Sequence[str]) -> dict[str, UUID]:
    """The ids under which a channel's messages are stored, by the network's own ids."""
    return {row["provider_id"]: row["id"] for row in await db.fetch(_IDS, channel_id, list(provider_ids))}


#: Each account's latest message to a person that went out on a channel, among the last few to this person. Customers
#: spell a number with or without a plus.
_PAIRED = """
SELECT w.n::int AS n, m.id, m.name, m.bulk_id, b.name AS bulk_name, m.accepted_at, COALESCE(m.plan, b.plan) AS plan,
    m.attempt_id
FROM unnest($1::int[], $2::int[], $3::text[]) WITH ORDINALITY AS w(account_id, channel_id, person, n)
CROSS JOIN LATERAL (
    SELECT c.*, a.id AS attempt_id
    FROM (SELECT * FROM messages
          WHERE account_id = w.account_id AND recipient = ANY(ARRAY[w.person, '+' || w.person]) AND id >= $4
          ORDER BY id DESC LIMIT 10) c
    JOIN LATERAL (
        SELECT id FROM attempts WHERE message_id = c.id AND channel_id = w.channel_id ORDER BY step DESC LIMIT 1) a
        ON true
    ORDER BY c.id DESC LIMIT 1) m
LEFT JOIN bulks b ON b.id = m.bulk_id
"""


async def paired(db: Database, people: Sequence[tuple[int, int, str]], floor: UUID) -> dict[int, Any]:
    """The messages that people's messages answer, if any went out since `floor`: position in `people` -> row.

    `people` are (account, channel, address without a plus).
    """
    asked = [list(column) for column in zip(*people, strict=True)]
    return {row["n"] - 1: row for row in await db.fetch(_PAIRED, *asked, floor)}


async def subscribe(db: Database | Connection, news: Sequence[tuple[int, str, bool, datetime]]) -> None:
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
