"""Credentials and signing secrets in the database.

What a key is found by is only ever stored as a hash; what a dialect needs back is sealed before it comes here. Every
change is announced on `tyrian_config`, so that no node goes on trusting what it remembers.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from tyrian.store.database import Database

CREATE = """
WITH made AS (
    INSERT INTO keys (id, account_id, face, name, prefix, hash, secret, scopes, rate, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (hash) DO NOTHING RETURNING *
)
SELECT *, pg_notify('tyrian_config', 'keys') FROM made
"""
BY_HASH = "SELECT * FROM keys WHERE hash = $1 AND revoked_at IS NULL"
BY_ACCOUNT = "SELECT * FROM keys WHERE account_id = $1 AND revoked_at IS NULL ORDER BY id"
KNOWN = "SELECT EXISTS (SELECT 1 FROM keys WHERE face = $1 AND prefix = $2 AND revoked_at IS NULL)"
REVOKE = """
WITH gone AS (
    UPDATE keys SET revoked_at = $3 WHERE account_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING id
)
SELECT id, pg_notify('tyrian_config', 'keys') FROM gone
"""

ADD_SIGNING = """
WITH made AS (
    INSERT INTO signing_secrets (account_id, face, secret, created_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING RETURNING created_at
)
SELECT created_at, pg_notify('tyrian_config', 'signing') FROM made
"""
SIGNING = """
SELECT secret, created_at FROM signing_secrets WHERE account_id = $1 AND face = $2 ORDER BY created_at DESC
"""
#: A secret's time ends a while after its successor's began; by then it can go.
FORGET_SIGNING = """
DELETE FROM signing_secrets s WHERE account_id = $1 AND face = $2 AND EXISTS (
    SELECT 1 FROM signing_secrets n
    WHERE n.account_id = s.account_id AND n.face = s.face AND n.created_at > s.created_at AND n.created_at <= $3)
"""


class StoredKey(Struct, frozen=True, kw_only=True):
    """A credential's row, without its hash. `secret` is sealed."""

    id: UUID
    account_id: int
    face: str
    name: str
    prefix: str
    secret: bytes | None
    scopes: tuple[str, ...]
    rate: float | None
    created_at: datetime
    revoked_at: datetime | None = None


class StoredSecret(Struct, frozen=True, kw_only=True):
    """A signing secret, sealed, and when its time began."""

    secret: bytes
    created_at: datetime


class KeyTaken(Exception):
    """The same credential exists already (or existed, and was revoked)."""


async def create(db: Database, key: StoredKey, digest: bytes) -> StoredKey:
    """Stores a credential. Raises `KeyTaken` if its hash is known already."""
    row = await db.fetchrow(
        CREATE, key.id, key.account_id, key.face, key.name, key.prefix, digest, key.secret, list(key.scopes), key.rate,
        key.created_at,
    )  # fmt: skip
    if row is None:
        raise KeyTaken("this credential exists already; choose another, or let one be made")
    return _key(row)


async def by_hash(db: Database, digest: bytes) -> StoredKey | None:
    """The credential with this hash, unless revoked."""
    row = await db.fetchrow(BY_HASH, digest)
    return _key(row) if row else None


async def known(db: Database, face: str, identity: str) -> bool:
    """Whether a face has a credential in force that is known by this name."""
    return bool(await db.fetchval(KNOWN, face, identity))


async def by_account(db: Database, account_id: int) -> list[StoredKey]:
    """An account's credentials that are in force, oldest first."""
    return [_key(row) for row in await db.read(BY_ACCOUNT, account_id)]


async def revoke(db: Database, account_id: int, key_id: UUID, now: datetime) -> bool:
    """Ends a credential; False if the account has none of this id in force."""
    return await db.fetchrow(REVOKE, account_id, key_id, now) is not None


async def add_signing(db: Database, account_id: int, face: str, sealed: bytes, now: datetime) -> bool:
    """Adds a signing secret, in force from now on; False if one was added at this very moment."""
    return await db.fetchrow(ADD_SIGNING, account_id, face, sealed, now) is not None


async def signing(db: Database, account_id: int, face: str) -> Sequence[StoredSecret]:
    """An account's signing secrets, newest first."""
    rows = await db.fetch(SIGNING, account_id, face)
    return [StoredSecret(secret=row["secret"], created_at=row["created_at"]) for row in rows]


async def forget_signing(db: Database, account_id: int, face: str, before: datetime) -> None:
    """Deletes signing secrets that had a successor before this moment."""
    await db.execute(FORGET_SIGNING, account_id, face, before)


def _key(row: asyncpg.Record) -> StoredKey:
    return StoredKey(
        id=row["id"],
        account_id=row["account_id"],
        face=row["face"],
        name=row["name"],
        prefix=row["prefix"],
        secret=row["secret"],
        scopes=tuple(row["scopes"]),
        rate=row["rate"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )
