"""The log of webhooks: who called, and what they were answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from tyrian.store.database import Database

#: Lines that are kept for each channel.
KEPT: Final = 1000

ADD: Final = """
INSERT INTO webhook_log (channel_id, at, status, reason, remote, bytes)
SELECT * FROM unnest($1::int[], $2::timestamptz[], $3::smallint[], $4::text[], $5::text[], $6::int[])
"""
#: The newest first.
NEWEST: Final = """
SELECT at, status, reason, remote, bytes FROM webhook_log WHERE channel_id = $1 ORDER BY id DESC LIMIT $2
"""
#: Everything beyond the newest of a channel.
PRUNE: Final = """
DELETE FROM webhook_log WHERE channel_id = $1
AND id <= (SELECT id FROM webhook_log WHERE channel_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)
"""


class Line(Struct, frozen=True):
    """One call. `bytes` is the length of its body."""

    channel_id: int
    at: datetime
    status: int
    reason: str
    remote: str | None
    bytes: int


async def add(db: Database, lines: Sequence[Line]) -> None:
    """Adds lines. Repeated after a lost connection, it may add them twice: a log can bear that."""
    columns = zip(*((n.channel_id, n.at, n.status, n.reason, n.remote, n.bytes) for n in lines), strict=True)
    await db.execute(ADD, *(list(column) for column in columns))


async def newest(db: Database, channel_id: int, limit: int = KEPT) -> list[Line]:
    """A channel's lines, the newest first."""
    return [Line(channel_id, *row.values()) for row in await db.fetch(NEWEST, channel_id, limit)]


async def prune(db: Database, channel_id: int) -> None:
    """Removes all but a channel's newest lines."""
    await db.execute(PRUNE, channel_id, KEPT)
