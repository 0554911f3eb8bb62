"""What is past its time in the inbox, and is removed: keys, events, and conversations that were closed long ago."""

from datetime import datetime
from typing import Final

from tyrian.store.database import Database

#: Conversations removed in one transaction at most, and the lines that they may have: one with more goes alone.
_CONVERSATIONS: Final = 200
_LINES: Final = 5000

#: Held as by everybody who changes a conversation. One that somebody is at stays for the next time.
_OLD: Final = """
WITH old AS MATERIALIZED (
    SELECT id, items, closed_at FROM conversations WHERE state = 'closed' AND closed_at < $1
    ORDER BY closed_at LIMIT $2
), few AS MATERIALIZED (
    SELECT id FROM (SELECT id, sum(items) OVER (ORDER BY closed_at, id) - items AS ahead FROM old) o WHERE ahead < $3
)
SELECT c.id FROM few JOIN conversations c ON c.id = few.id
WHERE c.state = 'closed' AND c.closed_at < $1
ORDER BY c.id FOR UPDATE OF c SKIP LOCKED
"""
#: What hangs on conversations, and then these themselves. Only now that they are held does no line come any more.
_GO: Final = tuple(
    f"DELETE FROM {table} WHERE {key} = ANY($1::uuid[])"
    for table, key in (
        ("conversation_items", "conversation_id"),
        ("conversation_sends", "conversation_id"),
        ("inbox_events", "conversation_id"),
        ("conversations", "id"),
    )
)


async def forget(db: Database, keys_before: datetime, events_before: datetime) -> None:
    """Removes keys and events that are past their time."""
    await db.execute("DELETE FROM inbox_keys WHERE made_at < $1", keys_before)
    await db.execute("DELETE FROM inbox_events WHERE at < $1", events_before)


async def forget_conversations(db: Database, before: datetime) -> int:
    """Removes some of the conversations that were closed before a moment, with all that hangs on them; how many."""
    async with db.transaction() as connection:
        rows = await connection.fetch(_OLD, before, _CONVERSATIONS, _LINES)
        gone = [row["id"] for row in rows]
        for statement in _GO if gone else ():
            await connection.execute(statement, gone)
    return len(gone)
