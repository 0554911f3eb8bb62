"""Flows and their versions. Every change is announced as `tyrian_flows`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from tyrian.store.database import Connection, Database

_TOLD = "SELECT pg_notify('tyrian_flows', '')"

#: Publishes the next version, or the first of a new flow. The flow's row is locked by it, so versions never collide.
_PUBLISH = """
INSERT INTO flows AS f (id, account_id, name, active, version, channels, created_at, updated_at)
VALUES ($1, $2, $3, true, 1, $4, $5, $5)
ON CONFLICT (account_id, name) DO UPDATE
SET version = f.version + 1, channels = excluded.channels, updated_at = excluded.updated_at
RETURNING id, version
"""
_VERSION = "INSERT INTO flow_versions (flow_id, version, flow, source, published_at) VALUES ($1, $2, $3, $4, $5)"
_ALL = """
SELECT f.*, v.flow, v.published_at FROM flows f JOIN flow_versions v ON v.flow_id = f.id AND v.version = f.version
ORDER BY f.created_at, f.id
"""
_ONE = """
SELECT f.id, f.account_id, f.name, f.active, v.version, f.version AS newest, f.channels, f.created_at, f.updated_at,
    v.flow, v.source, v.published_at
FROM flows f JOIN flow_versions v ON v.flow_id = f.id AND v.version = COALESCE($3::int, f.version)
WHERE f.account_id = $1 AND f.name = $2
"""
_LIST = """
SELECT f.*, v.flow, v.published_at FROM flows f JOIN flow_versions v ON v.flow_id = f.id AND v.version = f.version
WHERE f.account_id = $1 ORDER BY f.name
"""
_VERSIONS = """
SELECT v.version, v.published_at, v.source IS NOT NULL AS has_source,
    (SELECT count(*) FROM flow_runs r WHERE r.flow_id = f.id AND r.version = v.version AND r.ended_at IS NULL) AS people
FROM flows f JOIN flow_versions v ON v.flow_id = f.id
WHERE f.account_id = $1 AND f.name = $2 ORDER BY v.version DESC
"""
_ACTIVE = "UPDATE flows SET active = $3, updated_at = $4 WHERE account_id = $1 AND name = $2 RETURNING id"
_DELETE = "DELETE FROM flows WHERE account_id = $1 AND name = $2 RETURNING id"
_FLOW = "SELECT flow FROM flow_versions WHERE flow_id = $1 AND version = $2"

#: Versions that nobody is on and that are not among the newest few.
_FORGET = """
DELETE FROM flow_versions v USING flows f
WHERE f.id = v.flow_id AND v.version <= f.version - $1 AND NOT EXISTS (
    SELECT 1 FROM flow_runs r WHERE r.flow_id = v.flow_id AND r.version = v.version AND r.ended_at IS NULL)
"""


class StoredFlow(Struct, frozen=True):
    """A flow's row with one of its versions; `flow` is JSON."""

    id: UUID
    account_id: int
    name: str
    active: bool
    version: int
    newest: int
    channels: list[int]
    created_at: datetime
    updated_at: datetime
    published_at: datetime
    flow: bytes
    source: str | None = None


async def publish(
    connection: Connection, flow_id: UUID, account_id: int, name: str, channels: Sequence[int], now: datetime
) -> tuple[UUID, int]:
    """Makes a flow or its next version; its id and the version's number. `put` its content in the same transaction."""
    row = await connection.fetchrow(_PUBLISH, flow_id, account_id, name, list(channels), now)
    assert row is not None
    return row["id"], row["version"]


async def put(
    connection: Connection, flow_id: UUID, version: int, flow: bytes, source: str | None, now: datetime
) -> None:
    """Writes a version's content, and tells every node."""
    await connection.execute(_VERSION, flow_id, version, flow, source, now)
    await connection.execute(_TOLD)


async def all_flows(db: Database) -> list[StoredFlow]:
    """Every flow of every account in its newest version, oldest first."""
    return [_stored(row, row["version"]) for row in await db.read(_ALL)]


async def listed(db: Database, account_id: int) -> list[StoredFlow]:
    """An account's flows in their newest versions, by name."""
    return [_stored(row, row["version"]) for row in await db.read(_LIST, account_id)]


async def one(db: Database, account_id: int, name: str, version: int | None) -> StoredFlow | None:
    """A flow in its newest version or another, if there are both."""
    row = await db.fetchrow(_ONE, account_id, name, version)
    return _stored(row, row["newest"], row["source"]) if row else None


async def versions(db: Database, account_id: int, name: str) -> list[Any]:
    """A flow's versions, newest first, each with the number of people who are on it."""
    return list(await db.read(_VERSIONS, account_id, name))


async def flow_of(db: Database, flow_id: UUID, version: int) -> bytes | None:
    """The content of a version."""
    value: bytes | None = await db.fetchval(_FLOW, flow_id, version)
    return value


async def set_active(db: Database, account_id: int, name: str, active: bool, now: datetime) -> bool:
    """Pauses or resumes a flow; False if there is none."""
    async with db.transaction() as connection:
        found = await connection.fetchval(_ACTIVE, account_id, name, active, now)
        await connection.execute(_TOLD)
    return found is not None


async def delete(connection: Connection, account_id: int, name: str) -> UUID | None:
    """Removes a flow with its versions; its id. End its runs in the same transaction."""
    found: UUID | None = await connection.fetchval(_DELETE, account_id, name)
    await connection.execute(_TOLD)
    return found


async def forget(db: Database, keep: int) -> None:
    """Removes versions that nobody is on, but for the newest `keep`."""
    await db.execute(_FORGET, keep)


def _stored(row: Any, newest: int, source: str | None = None) -> StoredFlow:
    return StoredFlow(
        row["id"], row["account_id"], row["name"], row["active"], row["version"], newest, list(row["channels"]),
        row["created_at"], row["updated_at"], row["published_at"], row["flow"], source,
    )  # fmt: skip
