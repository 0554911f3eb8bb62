"""What a check-up asks a database: whether it keeps what it is given, and whether it fits this release."""

import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import asyncpg
from msgspec import Struct

from tyrian.store.claims import NODE_LOCK

#: The oldest PostgreSQL that the statements are written for, as `server_version_num` counts.
OLDEST_VERSION = 160_000

_ABOUT = """
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
    current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('full_page_writes') AS full_page_writes, pg_is_in_recovery() AS standby,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS connections
"""
_NOW = "SELECT clock_timestamp()"
_PARTITIONS = """
SELECT p.relname || '_' || to_char(d.day, 'YYYYMMDD') AS name
FROM (VALUES ('messages'), ('attempts'), ('events'), ('links')) AS p(relname)
CROSS JOIN unnest($1::date[]) AS d(day)
WHERE to_regclass(p.relname || '_' || to_char(d.day, 'YYYYMMDD')) IS NULL
ORDER BY 1
"""
_NODES = """
SELECT count(DISTINCT objid) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_SEALED = """
SELECT 'key "' || name || '"' AS owner, secret FROM keys WHERE secret IS NOT NULL AND revoked_at IS NULL
UNION ALL SELECT 'a signing secret', secret FROM signing_secrets
UNION ALL SELECT 'channel "' || name || '"', secrets FROM channels WHERE secrets IS NOT NULL AND NOT removed
"""


class About(Struct, frozen=True, kw_only=True):
    """A server: its version, the settings that decide whether it forgets, and how many may connect."""

    version: str
    number: int
    fsync: str
    synchronous_commit: str
    full_page_writes: str
    standby: bool
    connections: int


@dataclass(frozen=True, slots=True)
class Skew:
    """How far the database's clock is ahead of this machine's, in seconds, and how long asking took."""

    seconds: float
    took: float


async def about(connection: asyncpg.Connection) -> About:
    """What the server says of itself."""
    row = await connection.fetchrow(_ABOUT)
    assert row is not None
    return About(**dict(row))


async def skew(connection: asyncpg.Connection, now: datetime) -> Skew:
    """The clock's difference; `now` is this machine's time. Half of the time that asking took is allowed for."""
    started = time.perf_counter()
    theirs = await connection.fetchval(_NOW)
    took = time.perf_counter() - started
    return Skew((theirs - now).total_seconds() - took / 2, took)


async def missing_partitions(connection: asyncpg.Connection, today: date) -> list[str]:
    """The partitions for today and tomorrow that are not there; messages of such days fall into the default ones."""
    rows = await connection.fetch(_PARTITIONS, [today, today + timedelta(days=1)])
    return [row["name"] for row in rows]


async def nodes(connection: asyncpg.Connection) -> int:
    """How many gateway processes work on this database now."""
    return int(await connection.fetchval(_NODES, NODE_LOCK))


async def sealed(connection: asyncpg.Connection) -> list[tuple[str, bytes]]:
    """Everything that is stored encrypted: whose it is, and the sealed value."""
    return [(row["owner"], row["secret"]) for row in await connection.fetch(_SEALED)]
