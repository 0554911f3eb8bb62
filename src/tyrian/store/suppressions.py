"""Suppression lists: addresses that an account does not write to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from tyrian.store import consent
from tyrian.store.database import Database

#: Rows of one statement of an import.
_CHUNK: Final = 5000
_LAST: Final = UUID(int=2**128 - 1)

_PUT = """
INSERT INTO suppressions AS s (id, account_id, address, channel_id, purpose, reason, until, created_at)
SELECT w.id, $1, w.address, w.channel_id, w.purpose, w.reason, w.until, $8
FROM unnest($2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[], $7::timestamptz[])
    AS w(id, address, channel_id, purpose, reason, until)
ORDER BY w.address, w.channel_id, w.purpose
ON CONFLICT (account_id, address, channel_id, purpose) DO UPDATE SET reason = excluded.reason, until = excluded.until
RETURNING id, address, channel_id, purpose, reason, until, created_at
"""
_LIST = """
SELECT id, address, channel_id, purpose, reason, until, created_at FROM suppressions
WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
"""
_BY_ADDRESS = """
SELECT id, address, channel_id, purpose, reason, until, created_at FROM suppressions
WHERE account_id = $1 AND address = ANY($2) ORDER BY id DESC
"""
_DELETE = "DELETE FROM suppressions WHERE account_id = $1 AND id = $2 RETURNING 1"


class Entry(Struct, frozen=True):
    """One address on the list, for one channel or all (0), one purpose or all (empty)."""

    id: UUID
    address: str
    channel_id: int
    purpose: str
    reason: str
    until: datetime | None
    created_at: datetime


async def put(db: Database, account_id: int, entries: Sequence[Entry], now: datetime) -> list[Entry]:
    """Writes entries, all or none; one that is there gets the new reason and end. Each key must come once."""
    made: dict[tuple[str, int, str], Entry] = {}
    ordered = sorted(entries, key=lambda e: (e.address, e.channel_id, e.purpose))
    async with db.transaction() as connection:
        await consent.suppressing(connection, account_id, now)
        for start in range(0, len(ordered), _CHUNK):
            part = ordered[start : start + _CHUNK]
            rows = [(e.id, e.address, e.channel_id, e.purpose, e.reason, e.until) for e in part]
            columns = [list(column) for column in zip(*rows, strict=True)]
            for row in await connection.fetch(_PUT, account_id, *columns, now):
                made[row["address"], row["channel_id"], row["purpose"]] = Entry(*row)
    return [made[e.address, e.channel_id, e.purpose] for e in entries]


async def listed(db: Database, account_id: int, before: UUID | None, limit: int) -> tuple[list[Entry], UUID | None]:
    """A page of the list, newest first, and where it goes on."""
    rows = [Entry(*row) for row in await db.read(_LIST, account_id, before or _LAST, limit + 1)]
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


async def by_address(db: Database, account_id: int, spellings: Sequence[str]) -> list[Entry]:
    """The entries of an address."""
    return [Entry(*row) for row in await db.read(_BY_ADDRESS, account_id, list(spellings))]


async def delete(db: Database, account_id: int, identifier: UUID) -> bool:
    """Takes an entry off the list; False if there is none."""
    return bool(await db.fetch(_DELETE, account_id, identifier))
