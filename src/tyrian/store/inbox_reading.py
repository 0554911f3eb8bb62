"""What people look at: lists of conversations, their threads, what happened."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from tyrian.domain.conversation import Conversation, Item, Search
from tyrian.store.database import Database
from tyrian.store.inbox import conversation_of, item_of

#: Each condition with the field of a search that it is made of; `{}` is the argument's number.
_CONDITIONS: Final = {
    "state": "c.state = {}",
    "waiting": "c.waiting = {}",
    "channel_id": "c.channel_id = {}",
    "person": "c.person = {}",
    "queue_id": "c.queue_id = {}",
    "agent_id": "c.agent_id = {}",
    "since": "c.updated_at >= {}",
    "until": "c.updated_at < {}",
    "text": (
        "c.id IN (SELECT i.conversation_id FROM conversation_items i WHERE i.account_id = $1 AND i.words IS NOT NULL"
        " AND to_tsvector('simple', i.words) @@ websearch_to_tsquery('simple', {}))"
    ),
}


async def conversations(db: Database, account_id: int, search: Search) -> list[Conversation]:
    """Conversations, the last updated first."""
    where, values = _where(account_id, search)
    values += (search.limit, search.offset)
    sql = f"""SELECT c.* FROM conversations c WHERE {where}
        ORDER BY c.updated_at DESC, c.id DESC LIMIT ${len(values) - 1} OFFSET ${len(values)}"""
    return [conversation_of(row) for row in await db.read(sql, *values)]


async def count(db: Database, account_id: int, search: Search) -> int:
    """How many conversations a search finds in all, whatever its limit and offset."""
    where, values = _where(account_id, search)
    (row,) = await db.read(f"SELECT count(*) AS found FROM conversations c WHERE {where}", *values)
    return int(row["found"])


def _where(account_id: int, search: Search) -> tuple[str, list[Any]]:
    """The condition of a search, and its arguments."""
    values: list[Any] = [account_id]
    where = ["c.account_id = $1"]
    if search.open:
        where.append("c.state <> 'closed'")
    for name, condition in _CONDITIONS.items():
        value = getattr(search, name)
        if value is not None:
            values.append(value)
            where.append(condition.format(f"${len(values)}"))
    if search.before is not None:
        values += search.before
        where.append(f"(c.updated_at, c.id) < (${len(values) - 1}, ${len(values)})")
    return " AND ".join(where), values


_BEFORE = """
SELECT body FROM conversation_items WHERE conversation_id = $1 AND account_id = $2
    AND ($3::uuid IS NULL OR number < (SELECT number FROM conversation_items WHERE id = $3 AND conversation_id = $1))
ORDER BY number DESC LIMIT $4
"""
_AFTER = """
SELECT body FROM conversation_items WHERE conversation_id = $1 AND account_id = $2
    AND number > (SELECT number FROM conversation_items WHERE id = $3 AND conversation_id = $1)
ORDER BY number LIMIT $4
"""
_STATUSES = """
SELECT m.id, m.status, m.reason FROM unnest($1::uuid[]) AS w(id) JOIN messages m ON m.id = w.id
"""


async def items(
    db: Database,
    account_id: int,
    conversation_id: UUID,
    *,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Item]:
    """Lines of a thread in their order: the last, those before, or those after one."""
    if after is not None:
        rows = await db.read(_AFTER, conversation_id, account_id, after, limit)
    else:
        rows = (await db.read(_BEFORE, conversation_id, account_id, before, limit))[::-1]
    return await with_status(db, [item_of(row) for row in rows])


async def with_status(db: Database, items: Sequence[Item]) -> list[Item]:
    """The lines, those of messages that were sent with how these stand now."""
    wanted = [item.message_id for item in items if item.message_id is not None]
    known = {row["id"]: row for row in await db.read(_STATUSES, wanted)} if wanted else {}
    for item in items:
        row = known.get(item.message_id)
        if row is not None:
            item.status, item.reason = row["status"], row["reason"]
    return list(items)


# -- What happened ----------------------------------------------------------------------------------------------------

#: At least one, and then as many as fit: an event may be as large as all of a conversation's attributes.
_EVENTS = """
SELECT number, at, type, conversation_id, data FROM (
    SELECT *, sum(octet_length(data)) OVER (ORDER BY number) - octet_length(data) AS ahead FROM (
        SELECT * FROM inbox_events
        WHERE account_id = $1 AND number > $2 AND ($3::uuid IS NULL OR conversation_id = $3)
        ORDER BY number LIMIT $4) p) q
WHERE ahead < $5 ORDER BY number
"""


async def events(
    db: Database, account_id: int, after: int, conversation_id: UUID | None, limit: int, size: int
) -> tuple[list[tuple[Any, dict[str, Any]]], bool]:
    """The account's events after a number, in order: rows, and what each tells; and whether there may be more.

    At most `limit` of them, and not many more than `size` bytes.
    """
    rows = await db.fetch(_EVENTS, account_id, after, conversation_id, limit, size)
    found = [(row, msgspec.json.decode(row["data"])) for row in rows]
    return found, len(rows) == limit or sum(len(row["data"]) for row in rows) >= size


async def last_event(db: Database, account_id: int) -> int:
    """The number of the account's last event."""
    return await db.fetchval("SELECT events FROM inbox_accounts WHERE account_id = $1", account_id) or 0


async def first_event(db: Database, account_id: int) -> int | None:
    """The number of the first event that is still kept."""
    found = await db.fetchval("SELECT min(number) FROM inbox_events WHERE account_id = $1", account_id)
    return int(found) if found is not None else None
