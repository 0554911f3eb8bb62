"""Conversations as rows: taken up under lock, written back whole, their lines and events beside them.

Whoever changes a conversation locks its row first (several: in the order of their ids), and the account's row last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from tyrian.domain.conversation import Conversation, ConversationState, Item, Leg
from tyrian.store.database import Connection, Database

_encode: Final = msgspec.json.Encoder().encode
_legs: Final = msgspec.json.Decoder(list[Leg]).decode
_attributes: Final = msgspec.json.Decoder(dict[str, str]).decode
_item: Final = msgspec.json.Decoder(Item).decode


class Crossed(Exception):
    """Another has opened a conversation with the same person meanwhile: look again."""


#: The columns that are fields of the same name.
_PLAIN: Final = (
    "id", "account_id", "channel_id", "person", "address", "name", "subject", "opened_at", "updated_at", "closed_at",
    "last_inbound_at", "last_outbound_at", "unread", "queue_id", "agent_id", "revision",
)  # fmt: skip


@dataclass(slots=True)
class Row:
    """A conversation as it is stored, and what follows from it for those who look for work."""

    conversation: Conversation
    items: int = 0
    waiting: bool = False
    waiting_since: datetime | None = None
    due_at: datetime | None = None


@dataclass(slots=True)
class NewEvent:
    """An event to tell: `data` is JSON."""

    account_id: int
    at: datetime
    type: str
    conversation_id: UUID | None
    data: bytes


def conversation_of(row: Any) -> Conversation:
    """The conversation in a row."""
    return Conversation(
        **{name: row[name] for name in _PLAIN},
        state=ConversationState(row["state"]),
        attributes=_attributes(row["attributes"]),
        legs=_legs(row["legs"]),
    )


def item_of(row: Any) -> Item:
    """The line in a row."""
    return _item(row["body"])


def _row(row: Any) -> Row:
    return Row(conversation_of(row), row["items"], row["waiting"], row["waiting_since"], row["due_at"])


# -- Taking up --------------------------------------------------------------------------------------------------------

_LOCK = "SELECT * FROM conversations WHERE id = $1 AND account_id = $2 FOR UPDATE"

#: One that is not closed comes before any later one.
_LATEST = """
SELECT * FROM (
    (SELECT 0 AS rank, c.* FROM conversations c WHERE channel_id = $1 AND person = $2 AND state <> 'closed')
    UNION ALL
    (SELECT 1 AS rank, c.* FROM conversations c WHERE channel_id = $1 AND person = $2 ORDER BY id DESC LIMIT 1)) f
ORDER BY rank LIMIT 1
"""
_IDS_OF_PEOPLE = """
SELECT f.id FROM unnest($1::int[], $2::text[]) AS w(channel_id, person)
CROSS JOIN LATERAL (
    (SELECT 0 AS rank, id FROM conversations
     WHERE channel_id = w.channel_id AND person = w.person AND state <> 'closed')
    UNION ALL
    (SELECT 1, id FROM conversations WHERE channel_id = w.channel_id AND person = w.person ORDER BY id DESC LIMIT 1)
    ORDER BY rank LIMIT 1) f
"""
_LOCK_IDS = "SELECT * FROM conversations WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"


async def lock(connection: Connection, account_id: int, conversation_id: UUID) -> Row | None:
    """Takes a conversation of the account up, to be changed."""
    row = await connection.fetchrow(_LOCK, conversation_id, account_id)
    return _row(row) if row is not None else None


async def lock_people(connection: Connection, people: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Row]:
    """Takes up the conversation with each of these people (channel, person): that which is not closed, or the last."""
    columns = [list(column) for column in zip(*people, strict=True)]
    ids = [row["id"] for row in await connection.fetch(_IDS_OF_PEOPLE, *columns)]
    rows = [_row(row) for row in await connection.fetch(_LOCK_IDS, ids)] if ids else []
    return {(row.conversation.channel_id, row.conversation.person): row for row in rows}


async def find(db: Database, channel_id: int, person: str) -> Conversation | None:
    """The conversation with a person: that which is not closed, or the last."""
    row = await db.fetchrow(_LATEST, channel_id, person)
    return conversation_of(row) if row is not None else None


async def get(db: Database, account_id: int, conversation_id: UUID) -> Conversation | None:
    """One conversation of the account."""
    row = await db.fetchrow(
        "SELECT * FROM conversations WHERE id = $1 AND account_id = $2", conversation_id, account_id
    )
    return conversation_of(row) if row is not None else None


# -- Writing ----------------------------------------------------------------------------------------------------------

_COLUMNS: Final = (
    ("id", "uuid"), ("account_id", "int"), ("channel_id", "int"), ("person", "text"), ("address", "text"),
    ("name", "text"), ("subject", "text"), ("opened_at", "timestamptz"), ("updated_at", "timestamptz"),
    ("closed_at", "timestamptz"), ("last_inbound_at", "timestamptz"), ("last_outbound_at", "timestamptz"),
    ("unread", "int"), ("queue_id", "uuid"), ("agent_id", "uuid"), ("revision", "int"), ("state", "text"),
    ("attributes", "bytea"), ("legs", "bytea"), ("waiting", "boolean"), ("waiting_since", "timestamptz"),
    ("due_at", "timestamptz"), ("items", "int"),
)  # fmt: skip
_NAMES: Final = ", ".join(name for name, _ in _COLUMNS)
_ARRAYS: Final = ", ".join(f"${n}::{kind}[]" for n, (_, kind) in enumerate(_COLUMNS, 1))
_SET: Final = ", ".join(f"{name} = excluded.{name}" for name, _ in _COLUMNS if name not in ("id", "account_id"))

#: New ones and changed ones alike. That a person has one that is not closed already breaks the unique index, which is
#: the caller's sign to look again.
_WRITE = f"""
INSERT INTO conversations ({_NAMES})
SELECT * FROM unnest({_ARRAYS}) AS c({_NAMES}) ORDER BY id
ON CONFLICT (id) DO UPDATE SET {_SET}
"""

_ADD_ITEMS = """
INSERT INTO conversation_items (conversation_id, number, id, account_id, kind, at, words, inbound_id, message_id, body)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::int[], $5::text[], $6::timestamptz[], $7::text[],
    $8::uuid[], $9::uuid[], $10::bytea[])
"""

#: Numbers events in the order of the commits: the rows are held until then.
_NUMBER = """
INSERT INTO inbox_accounts AS a (account_id, events)
SELECT account_id, n FROM unnest($1::int[], $2::bigint[]) AS w(account_id, n) ORDER BY account_id
ON CONFLICT (account_id) DO UPDATE SET events = a.events + excluded.events
RETURNING account_id, events
"""
_ADD_EVENTS = """
INSERT INTO inbox_events (account_id, number, at, type, conversation_id, data)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::timestamptz[], $4::text[], $5::uuid[], $6::bytea[])
"""


async def write(connection: Connection, rows: Sequence[Row]) -> None:
    """Writes conversations that are new, or were taken up and changed. Raises `Crossed`."""
    if rows:
        values = [_values(row) for row in rows]
        try:
            await connection.execute(_WRITE, *[list(column) for column in zip(*values, strict=True)])
        except asyncpg.UniqueViolationError as error:
            raise Crossed from error


def _values(row: Row) -> list[Any]:
    it = row.conversation
    more = (it.state.value, _encode(it.attributes), _encode(it.legs))
    return [*(getattr(it, name) for name in _PLAIN), *more, row.waiting, row.waiting_since, row.due_at, row.items]


async def add_items(connection: Connection, items: Sequence[tuple[int, int, str | None, Item]]) -> None:
    """Adds lines: each with its account, its number and the words by which it can be found."""
    if items:
        values = [
            (
                i.conversation_id,
                number,
                i.id,
                account,
                i.kind.value,
                i.at,
                words,
                i.inbound_id,
                i.message_id,
                _encode(i),
            )
            for account, number, words, i in items
        ]
        await connection.execute(_ADD_ITEMS, *[list(column) for column in zip(*values, strict=True)])


async def hold(connection: Connection, account_ids: Sequence[int]) -> None:
    """Holds the accounts until the commit, so that nobody else changes anything of their inboxes. The last lock."""
    numbers = sorted(set(account_ids))
    await connection.fetch(_NUMBER, numbers, [0] * len(numbers))


async def add_events(connection: Connection, events: Sequence[NewEvent]) -> None:
    """Adds events, numbered in this order. The last thing of a transaction."""
    if not events:
        return
    counts: dict[int, int] = {}
    for event in events:
        counts[event.account_id] = counts.get(event.account_id, 0) + 1
    accounts = sorted(counts)
    rows = await connection.fetch(_NUMBER, accounts, [counts[a] for a in accounts])
    following = {row["account_id"]: row["events"] - counts[row["account_id"]] + 1 for row in rows}
    values = []
    for event in events:
        number = following[event.account_id]
        following[event.account_id] = number + 1
        values.append((event.account_id, number, event.at, event.type, event.conversation_id, event.data))
    await connection.execute(_ADD_EVENTS, *[list(column) for column in zip(*values, strict=True)])


async def recorded(connection: Connection, inbound_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these messages of people stand in a thread already."""
    sql = "SELECT inbound_id FROM conversation_items WHERE inbound_id = ANY($1::uuid[])"
    return {row[0] for row in await connection.fetch(sql, list(inbound_ids))}


async def shown(connection: Connection, message_id: UUID) -> Item | None:
    """The line of a message that was sent, if it stands in a thread."""
    row = await connection.fetchrow("SELECT body FROM conversation_items WHERE message_id = $1", message_id)
    return item_of(row) if row is not None else None


# -- Keys -------------------------------------------------------------------------------------------------------------

_CLAIM_KEY = """
INSERT INTO inbox_keys (account_id, key, fingerprint, answer, made_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING answer
"""


async def claim_key(
    connection: Connection, account_id: int, key: str, fingerprint: bytes, answer: UUID, now: datetime
) -> tuple[bytes, UUID] | None:
    """Claims a key for what is to be done; None, or the fingerprint and answer of what was done under it before."""
    if await connection.fetchval(_CLAIM_KEY, account_id, key, fingerprint, answer, now) is not None:
        return None
    row = await connection.fetchrow("SELECT * FROM inbox_keys WHERE account_id = $1 AND key = $2", account_id, key)
    assert row is not None
    return row["fingerprint"], row["answer"]


async def answer_key(connection: Connection, account_id: int, key: str, answer: UUID) -> None:
    """Writes what came of a key that was claimed in this transaction."""
    sql = "UPDATE inbox_keys SET answer = $3 WHERE account_id = $1 AND key = $2"
    await connection.execute(sql, account_id, key, answer)


# -- Answers on their way out -----------------------------------------------------------------------------------------

_BEGIN_SEND = """
INSERT INTO conversation_sends (item_id, account_id, conversation_id, body, made_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
#: Whoever takes one up has it for as long as everybody has at first: it counts as begun anew.
_LEFT_BEHIND = """
WITH c AS MATERIALIZED (
    SELECT item_id FROM conversation_sends WHERE made_at < $1 ORDER BY made_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE conversation_sends s SET made_at = $2 FROM c WHERE s.item_id = c.item_id
RETURNING s.item_id, s.account_id, s.body, (
    SELECT i.answer FROM idempotency i WHERE i.account_id = s.account_id AND i.key = 'inbox:' || s.item_id) AS answer
"""


@dataclass(slots=True)
class LeftBehind:
    """An answer that was about to be handed in: its line, encoded, and intake's answer if it was taken."""

    item_id: UUID
    account_id: int
    body: bytes
    answer: bytes | None

    @property
    def item(self) -> Item:
        """The line. Raises `msgspec.DecodeError` where it cannot be read."""
        return _item(self.body)


async def begin_send(connection: Connection, account_id: int, item: Item) -> None:
    """Writes down an answer that is about to be handed in."""
    await connection.execute(_BEGIN_SEND, item.id, account_id, item.conversation_id, _encode(item), item.at)


async def pending_send(connection: Connection | Database, item_id: UUID) -> Item | None:
    """An answer that was about to be handed in."""
    row = await connection.fetchrow("SELECT body FROM conversation_sends WHERE item_id = $1", item_id)
    return item_of(row) if row is not None else None


async def end_send(connection: Connection | Database, item_id: UUID) -> None:
    """Removes it: it stands in its thread, or was not taken."""
    await connection.execute("DELETE FROM conversation_sends WHERE item_id = $1", item_id)


async def drop_send(db: Database, account_id: int, item_id: UUID) -> None:
    """Removes an answer that was not taken, with the key that it was asked under."""
    async with db.transaction() as connection:
        await end_send(connection, item_id)
        await connection.execute("DELETE FROM inbox_keys WHERE account_id = $1 AND answer = $2", account_id, item_id)


async def left_behind(db: Database, before: datetime, now: datetime, limit: int) -> list[LeftBehind]:
    """Takes up answers that were begun before a time and whose node did not say what came of them."""
    rows = await db.fetch(_LEFT_BEHIND, before, now, limit)
    return [LeftBehind(row["item_id"], row["account_id"], row["body"], row["answer"]) for row in rows]


async def item(db: Database | Connection, account_id: int, identifier: UUID) -> Item | None:
    """The line with this id, or with this message of a person or to one."""
    sql = """
        SELECT body FROM conversation_items WHERE account_id = $2 AND id = $1
        UNION ALL SELECT body FROM conversation_items WHERE account_id = $2 AND inbound_id = $1
        UNION ALL SELECT body FROM conversation_items WHERE account_id = $2 AND message_id = $1 LIMIT 1
    """
    row = await db.fetchrow(sql, identifier, account_id)
    return item_of(row) if row is not None else None


# -- What is due ------------------------------------------------------------------------------------------------------


async def due(db: Database, now: datetime, limit: int) -> list[tuple[int, UUID]]:
    """Conversations that must be looked at: account and id."""
    sql = "SELECT account_id, id FROM conversations WHERE due_at <= $1 ORDER BY due_at LIMIT $2"
    return [(row["account_id"], row["id"]) for row in await db.fetch(sql, now, limit)]


async def put_off(db: Database, conversation_id: UUID, now: datetime, until: datetime) -> None:
    """Has a conversation that is due be looked at later."""
    sql = "UPDATE conversations SET due_at = $3 WHERE id = $1 AND due_at <= $2"
    await db.execute(sql, conversation_id, now, until)
