"""Small documents that a face keeps for an account: callback configuration, subscriptions, templates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from tyrian.store.database import Connection, Database

_GET = """
SELECT name, body, created_at, updated_at, expires_at FROM documents
WHERE account_id = $1 AND face = $2 AND kind = $3 AND name = $4 AND (expires_at IS NULL OR expires_at > $5)
"""
_FIND = """
SELECT account_id, body FROM documents
WHERE face = $1 AND kind = $2 AND name = $3 AND (expires_at IS NULL OR expires_at > $4)
ORDER BY created_at LIMIT 1
"""
_LIST = """
SELECT name, body, created_at, updated_at, expires_at FROM documents
WHERE account_id = $1 AND face = $2 AND kind = $3 AND (expires_at IS NULL OR expires_at > $4)
ORDER BY created_at, name
"""
_SOME = """
SELECT name, body, created_at, updated_at, expires_at FROM documents
WHERE account_id = $1 AND face = $2 AND kind = $3 AND name = ANY($5) AND (expires_at IS NULL OR expires_at > $4)
ORDER BY created_at, name
"""
_PUT = """
WITH put AS (
    INSERT INTO documents (account_id, face, kind, name, body, created_at, updated_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
    ON CONFLICT (account_id, face, kind, name) DO UPDATE
    SET body = excluded.body, updated_at = excluded.updated_at, expires_at = excluded.expires_at
    RETURNING 1
)
SELECT pg_notify('tyrian_documents', '') FROM put
"""
_ADD = """
WITH added AS (
    INSERT INTO documents (account_id, face, kind, name, body, created_at, updated_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
    ON CONFLICT (account_id, face, kind, name) DO UPDATE
    SET body = excluded.body, created_at = $6, updated_at = $6, expires_at = excluded.expires_at
    WHERE documents.expires_at <= $6
    RETURNING 1
)
SELECT pg_notify('tyrian_documents', '') FROM added
"""
_SWAP = """
WITH swapped AS (
    UPDATE documents SET body = $5, updated_at = $6, expires_at = $7
    WHERE account_id = $1 AND face = $2 AND kind = $3 AND name = $4 AND body = $8
      AND (expires_at IS NULL OR expires_at > $6)
    RETURNING 1
)
SELECT pg_notify('tyrian_documents', '') FROM swapped
"""
_TOUCH = """
WITH touched AS (
    UPDATE documents SET body = $5, updated_at = $6, expires_at = $7
    WHERE account_id = $1 AND face = $2 AND kind = $3 AND name = $4 AND (expires_at IS NULL OR expires_at > $6)
    RETURNING 1
)
SELECT pg_notify('tyrian_documents', '') FROM touched
"""
_DELETE = """
WITH gone AS (
    DELETE FROM documents WHERE account_id = $1 AND face = $2 AND kind = $3 AND name = $4 RETURNING 1
)
SELECT pg_notify('tyrian_documents', '') FROM gone
"""
_FORGET = "DELETE FROM documents WHERE expires_at <= $1"


class Stored(Struct, frozen=True):
    """A document's row; `body` is JSON."""

    name: str
    body: bytes
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None


async def get(
    db: Database | Connection, account_id: int, face: str, kind: str, name: str, now: datetime
) -> Stored | None:
    """One document, if it is there and has not expired."""
    row = await db.fetchrow(_GET, account_id, face, kind, name, now)
    return Stored(*row) if row else None


async def find(db: Database, face: str, kind: str, name: str, now: datetime) -> tuple[int, bytes] | None:
    """The account and body of a document that is known by its name alone (a token)."""
    row = await db.fetchrow(_FIND, face, kind, name, now)
    return (row[0], row[1]) if row else None


async def listed(db: Database | Connection, account_id: int, face: str, kind: str, now: datetime) -> list[Stored]:
    """An account's documents of a kind, oldest first."""
    return [Stored(*row) for row in await db.fetch(_LIST, account_id, face, kind, now)]


async def some(
    db: Database | Connection, account_id: int, face: str, kind: str, names: Sequence[str], now: datetime
) -> list[Stored]:
    """Those of an account's documents of a kind that are named, oldest first."""
    return [Stored(*row) for row in await db.fetch(_SOME, account_id, face, kind, now, names)]


async def put(
    db: Database | Connection, key: tuple[int, str, str, str], body: bytes, now: datetime, until: datetime | None
) -> None:
    """Writes a document, new or not, under (account, face, kind, name)."""
    await db.fetch(_PUT, *key, body, now, until)


async def touch(
    db: Database | Connection, key: tuple[int, str, str, str], body: bytes, now: datetime, until: datetime | None
) -> bool:
    """Writes a document that is there; False, and nothing written, if it is not or has expired."""
    return bool(await db.fetch(_TOUCH, *key, body, now, until))


async def swap(
    db: Database | Connection,
    key: tuple[int, str, str, str],
    old: bytes | None,
    body: bytes,
    now: datetime,
    until: datetime | None,
) -> bool:
    """Writes a document whose body is still `old`, or, with None, one that is not there; False if it is otherwise."""
    if old is None:
        return bool(await db.fetch(_ADD, *key, body, now, until))
    return bool(await db.fetch(_SWAP, *key, body, now, until, old))


async def delete(db: Database, key: tuple[int, str, str, str]) -> bool:
    """Removes a document; False if there is none."""
    return bool(await db.fetch(_DELETE, *key))


async def forget(db: Database, now: datetime) -> Any:
    """Removes documents that have expired."""
    return await db.execute(_FORGET, now)
