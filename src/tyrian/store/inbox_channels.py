"""Which channels have an inbox, and how their messages become conversations."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tyrian.domain.conversation import ChannelInbox
from tyrian.store.database import Connection, Database

#: What a change makes of a channel's inbox; None is none.
Change = Callable[[ChannelInbox | None], ChannelInbox | None]

_LOCK: Final = "SELECT * FROM inbox_channels WHERE channel_id = $1 FOR UPDATE"
_ADD = """
INSERT INTO inbox_channels (channel_id, account_id, queue_id, threading_time, idle_time) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING channel_id
"""
_SET = "UPDATE inbox_channels SET queue_id = $2, threading_time = $3, idle_time = $4 WHERE channel_id = $1"
_REMOVE = "DELETE FROM inbox_channels WHERE channel_id = $1"
_LOOK_AGAIN = """
WITH c AS MATERIALIZED (
    SELECT id FROM conversations WHERE channel_id = $1 AND state <> 'closed' ORDER BY id FOR UPDATE
)
UPDATE conversations o SET due_at = $2 FROM c WHERE o.id = c.id
"""


@dataclass(slots=True)
class StoredChannel:
    """A channel's inbox, and whose it is."""

    account_id: int
    inbox: ChannelInbox


async def channels(db: Database) -> dict[int, StoredChannel]:
    """The inboxes of all channels, by their numbers."""
    rows = await db.fetch("SELECT * FROM inbox_channels")
    return {row["channel_id"]: StoredChannel(row["account_id"], _inbox(row)) for row in rows}


async def change(
    db: Database, account_id: int, channel_id: int, to: Change
) -> tuple[ChannelInbox | None, ChannelInbox | None]:
    """Writes what `to` makes of a channel's inbox: before and after. Where another gives it one meanwhile, `to` is
    asked again."""
    while True:
        async with db.transaction() as connection:
            row = await connection.fetchrow(_LOCK, channel_id)
            before = _inbox(row) if row is not None else None
            after = to(before)
            if before == after or await _write(connection, account_id, channel_id, before, after):
                return before, after


async def _write(
    connection: Connection, account_id: int, channel_id: int, before: ChannelInbox | None, after: ChannelInbox | None
) -> bool:
    """Writes a channel's inbox whose row is held; False where there was none and another has made it."""
    if after is None:
        await connection.execute(_REMOVE, channel_id)
        return True
    values = (after.queue_id, after.threading_time, after.idle_time)
    if before is None:
        return await connection.fetchval(_ADD, channel_id, account_id, *values) is not None
    await connection.execute(_SET, channel_id, *values)
    return True


async def add(connection: Connection, account_id: int, channel_id: int, inbox: ChannelInbox) -> None:
    """Gives a channel an inbox if it has none."""
    values = (inbox.queue_id, inbox.threading_time, inbox.idle_time)
    await connection.fetchval(_ADD, channel_id, account_id, *values)


async def look_again(db: Database, channel_id: int, now: datetime) -> None:
    """Makes a channel's conversations due, because the time after which they close has changed."""
    await db.execute(_LOOK_AGAIN, channel_id, now)


def _inbox(row: Any) -> ChannelInbox:
    return ChannelInbox(row["queue_id"], row["threading_time"], row["idle_time"])
