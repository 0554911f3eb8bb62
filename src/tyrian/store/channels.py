"""Channels in the database. Secrets are sealed before they come here; every change is announced on `tyrian_config`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from msgspec import Struct

from tyrian.store.accounts import NameTaken
from tyrian.store.database import Connection, Database

CREATE = """
WITH made AS (
    INSERT INTO channels (account_id, name, kind, config, secrets, rate, concurrency, uncertain, active, inbound_url,
        senders, track_links, sessions, media, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12, $13, $14, $15, $11, $11)
    ON CONFLICT (account_id, name) WHERE NOT removed DO NOTHING
    RETURNING id
)
SELECT id, pg_notify('tyrian_config', 'channels') FROM made
"""
#: What changed is seen by the transaction that last wrote each row: it needs no clock, which nodes may not share.
REVISIONS = "SELECT id, xmin::text AS revision FROM channels WHERE NOT removed"
BY_IDS = "SELECT *, xmin::text AS revision FROM channels WHERE id = ANY($1::int[]) AND NOT removed"
LOCK = "SELECT *, xmin::text AS revision FROM channels WHERE account_id = $1 AND name = $2 AND NOT removed FOR UPDATE"
UPDATE = """
WITH changed AS (
    UPDATE channels SET config = $2, secrets = $3, rate = $4, concurrency = $5, uncertain = $6, active = $7,
        inbound_url = $8, updated_at = $9, senders = $10, track_links = $11,
        sessions = $12, media = $13
    WHERE id = $1 RETURNING id
)
SELECT id, pg_notify('tyrian_config', 'channels') FROM changed
"""
#: The row stays for the messages that name it; its secrets go.
REMOVE = """
WITH gone AS (
    UPDATE channels SET removed = true, active = false, secrets = NULL, updated_at = $3
    WHERE account_id = $1 AND name = $2 AND NOT removed RETURNING id
)
SELECT id, pg_notify('tyrian_config', 'channels') FROM gone
"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class StoredChannel(Struct, kw_only=True):
    """A channel's row. `secrets` is sealed; `revision` differs after every change."""

    account_id: int
    name: str
    kind: str
    config: dict[str, Any]
    secrets: bytes | None = None
    rate: float | None = None
    concurrency: int | None = None
    uncertain: dict[str, str] = {}
    active: bool = True
    inbound_url: str | None = None
    senders: list[str] = []
    track_links: bool = False
    media: str = "as_is"
    #: The session settings as JSON, where the channel has its own.
    sessions: str | None = None
    created_at: datetime
    updated_at: datetime
    id: int = 0
    revision: str = ""


async def create(db: Database, channel: StoredChannel) -> int:
    """Stores a channel and returns its number. Raises `NameTaken`."""
    row = await db.fetchrow(
        CREATE, channel.account_id, channel.name, channel.kind, _text(channel.config), channel.secrets, channel.rate,
        channel.concurrency, _text(channel.uncertain), channel.active, channel.inbound_url, channel.created_at,
        channel.senders, channel.track_links, channel.sessions, channel.media,
    )  # fmt: skip
    if row is None:
        raise NameTaken(channel.name)
    return int(row["id"])


async def revisions(db: Database) -> dict[int, str]:
    """Every channel's number with its revision."""
    return {row["id"]: row["revision"] for row in await db.read(REVISIONS)}


async def by_ids(db: Database, ids: Sequence[int]) -> list[StoredChannel]:
    """The channels of these numbers that still exist."""
    return [_channel(row) for row in await db.read(BY_IDS, list(ids))]


async def lock(connection: Connection, account_id: int, name: str) -> StoredChannel | None:
    """A channel, which nobody else changes until the transaction ends."""
    row = await connection.fetchrow(LOCK, account_id, name)
    return _channel(row) if row else None


async def update(connection: Connection, channel: StoredChannel) -> None:
    """Writes a channel's settings back. Name and kind never change."""
    await connection.fetchrow(
        UPDATE, channel.id, _text(channel.config), channel.secrets, channel.rate, channel.concurrency,
        _text(channel.uncertain), channel.active, channel.inbound_url, channel.updated_at, channel.senders,
        channel.track_links, channel.sessions, channel.media,
    )  # fmt: skip


async def remove(db: Database, account_id: int, name: str, now: datetime) -> bool:
    """Removes a channel, so that its name is free again; False if there is none."""
    return await db.fetchrow(REMOVE, account_id, name, now) is not None


def _text(value: Any) -> str:
    return _encode(value).decode()


def _channel(row: asyncpg.Record) -> StoredChannel:
    return StoredChannel(
        id=row["id"],
        account_id=row["account_id"],
        name=row["name"],
        kind=row["kind"],
        config=_decode(row["config"]),
        secrets=row["secrets"],
        rate=row["rate"],
        concurrency=row["concurrency"],
        uncertain=_decode(row["uncertain"]),
        active=row["active"],
        inbound_url=row["inbound_url"],
        senders=list(row["senders"]),
        track_links=row["track_links"],
        media=row["media"],
        sessions=row["sessions"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        revision=row["revision"],
    )
