"""Files that the gateway hosts, in pieces of `CHUNK` bytes, so that every node serves them and one backup has all.

A file arrives in many statements and appears by one: until `finish` it has no hash, and nobody sees it.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from tyrian.domain.media import Facts
from tyrian.store.database import Connection, Database

#: Bytes of a piece; the last one of a file may be shorter.
CHUNK: Final = 256 * 1024

#: Uploads of one account are judged one after the other, so that two cannot both have the last of the space. The first
#: number only sets these locks apart from others ("medi" in ASCII).
_LOCK = "SELECT pg_advisory_xact_lock(1835361385, $1)"
_USED = "SELECT COALESCE(sum(size), 0)::bigint FROM media WHERE account_id = $1"
_BEGIN = "INSERT INTO media (id, account_id, name, created_at, keep_until, size) VALUES ($1, $2, $3, $4, $5, $6)"
_PUT = """
INSERT INTO media_chunks (media_id, number, bytes)
SELECT id, $2, $3 FROM media WHERE id = $1 AND sha256 IS NULL FOR KEY SHARE
"""
_CHUNK = "SELECT bytes FROM media_chunks WHERE media_id = $1 AND number = $2"
_COLUMNS = "id, account_id, name, sha256, content_type, size, width, height, duration, animated, created_at, keep_until"
_SAME = f"""
UPDATE media SET keep_until = GREATEST(keep_until, $3), name = $4
WHERE account_id = $1 AND sha256 = $2 AND keep_until > $5
RETURNING {_COLUMNS}
"""
_REMOVE_SAME = "DELETE FROM media WHERE account_id = $1 AND sha256 = $2"
_FINISH = f"""
UPDATE media SET sha256 = $2, content_type = $3, size = $4, width = $5, height = $6, duration = $7, animated = $8,
    name = $9
WHERE id = $1 RETURNING {_COLUMNS}
"""
_REMOVE = "DELETE FROM media WHERE id = $1"
_GET = f"SELECT {_COLUMNS} FROM media WHERE id = $1 AND sha256 IS NOT NULL AND keep_until > $2"
_LIST = f"""
SELECT {_COLUMNS} FROM media WHERE account_id = $1 AND id < $2 AND sha256 IS NOT NULL AND keep_until > $3
ORDER BY id DESC LIMIT $4
"""
_DELETE = "DELETE FROM media WHERE account_id = $1 AND id = $2 AND sha256 IS NOT NULL RETURNING id"
_FORGET = """
WITH due AS (SELECT id FROM media WHERE keep_until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
DELETE FROM media m USING due WHERE m.id = due.id RETURNING m.id
"""
_FORGET_UNFINISHED = """
WITH due AS (
    SELECT id FROM media WHERE sha256 IS NULL AND created_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
DELETE FROM media m USING due WHERE m.id = due.id RETURNING m.id
"""
_REMEMBER = """
INSERT INTO media_variants (account_id, sha256, recipe, media_id)
SELECT $1, $2, $3, id FROM media WHERE id = $4 FOR KEY SHARE
ON CONFLICT (account_id, sha256, recipe) DO UPDATE SET media_id = excluded.media_id
"""
_VARIANT = f"""
UPDATE media SET keep_until = GREATEST(keep_until, $4)
WHERE id = (SELECT media_id FROM media_variants WHERE account_id = $1 AND sha256 = $2 AND recipe = $3)
    AND keep_until > $5
RETURNING {_COLUMNS}
"""


class Row(Struct, frozen=True):
    """A whole file, without its bytes."""

    id: UUID
    account_id: int
    name: str
    sha256: bytes
    content_type: str
    size: int
    width: int | None
    height: int | None
    duration: float | None
    animated: bool
    created_at: datetime
    keep_until: datetime

    @property
    def facts(self) -> Facts:
        """What its bytes tell."""
        return Facts(
            content_type=self.content_type,
            size=self.size,
            width=self.width,
            height=self.height,
            duration=self.duration,
            animated=self.animated,
        )


# -- Arriving ---------------------------------------------------------------------------------------------------------


async def begin(
    db: Database, media_id: UUID, account_id: int, name: str, now: datetime, until: datetime, *, size: int, quota: int
) -> int | None:
    """Lets a file of at most `size` bytes in. Gives the account's bytes if there is no room for it, else None."""
    async with db.transaction() as connection:
        used = await _used(connection, account_id)
        if used + size > quota:
            return used
        await connection.execute(_BEGIN, media_id, account_id, name, now, until, size)
        return None


async def _used(connection: Connection, account_id: int) -> int:
    await connection.execute(_LOCK, account_id)
    return int(await connection.fetchval(_USED, account_id))


async def put(db: Database, media_id: UUID, number: int, data: bytes) -> None:
    """Writes one piece. Raises `LookupError` if the file was cleared away meanwhile."""
    if await db.execute(_PUT, media_id, number, data) != "INSERT 0 1":
        raise LookupError(f"the file {media_id} is gone")


async def finish(db: Database, arrived: Row, now: datetime) -> Row:
    """Makes a file visible. If the account has the same bytes already, that file is given, and this one removed."""
    async with db.transaction() as connection:
        await connection.execute(_LOCK, arrived.account_id)
        same = await connection.fetchrow(
            _SAME, arrived.account_id, arrived.sha256, arrived.keep_until, arrived.name, now
        )
        if same is not None:
            await connection.execute(_REMOVE, arrived.id)
            return Row(*same)
        # One that has expired and was not cleared yet.
        await connection.execute(_REMOVE_SAME, arrived.account_id, arrived.sha256)
        facts = arrived.facts
        row = await connection.fetchrow(
            _FINISH,
            arrived.id,
            arrived.sha256,
            facts.content_type,
            facts.size,
            facts.width,
            facts.height,
            facts.duration,
            facts.animated,
            arrived.name,
        )
    if row is None:
        raise LookupError(f"the file {arrived.id} is gone")
    return Row(*row)


async def abandon(db: Database, media_id: UUID) -> None:
    """Removes a file that did not become whole."""
    await db.execute(_REMOVE, media_id)


# -- Whole files ------------------------------------------------------------------------------------------------------


async def get(db: Database, media_id: UUID, now: datetime) -> Row | None:
    """A file by its id, whosever it is."""
    row = await db.fetchrow(_GET, media_id, now)
    return Row(*row) if row else None


async def listed(db: Database, account_id: int, before: UUID, now: datetime, limit: int) -> list[Row]:
    """An account's files with ids below `before`, newest first."""
    return [Row(*row) for row in await db.read(_LIST, account_id, before, now, limit)]


async def delete(db: Database, account_id: int, media_id: UUID) -> bool:
    """Removes a file; False if the account has none of this id."""
    return await db.fetchval(_DELETE, account_id, media_id) is not None


async def used(db: Database, account_id: int) -> int:
    """The bytes that count against the account's quota: its files, and what is arriving."""
    return int(await db.fetchval(_USED, account_id))


async def pieces(db: Database, media_id: UUID, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes from `start` up to `end`, a piece at a time. Raises `LookupError` if a piece is gone."""
    for number in range(start // CHUNK, -(-end // CHUNK)):
        data = await db.fetchval(_CHUNK, media_id, number)
        if data is None:
            raise LookupError(f"piece {number} of the file {media_id} is gone")
        first = number * CHUNK
        yield bytes(memoryview(data)[max(start - first, 0) : end - first])


# -- What was made of what --------------------------------------------------------------------------------------------


async def variant(
    db: Database, account_id: int, sha256: bytes, recipe: str, now: datetime, until: datetime
) -> Row | None:
    """What was made of these bytes by this recipe, if it is still there; it is then kept until `until` at least."""
    row = await db.fetchrow(_VARIANT, account_id, sha256, recipe, until, now)
    return Row(*row) if row else None


async def remember(db: Database, account_id: int, sha256: bytes, recipe: str, media_id: UUID) -> None:
    """Notes what was made of these bytes by this recipe."""
    await db.execute(_REMEMBER, account_id, sha256, recipe, media_id)


# -- Clearing ---------------------------------------------------------------------------------------------------------


async def forget(db: Database, now: datetime, unfinished_before: datetime, limit: int) -> int:
    """Removes files past their time, and what began to arrive before a moment and never became whole.

    At most `limit` of each; gives how many went.
    """
    gone = await db.fetch(_FORGET, now, limit)
    return len(gone) + len(await db.fetch(_FORGET_UNFINISHED, unfinished_before, limit))
