"""A desk over a database of the test's own, and an endpoint to fetch from."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from itertools import count
from typing import Any

import pytest

from tests.clock import ManualClock
from tyrian.domain.ids import Ids
from tyrian.domain.media import Stored
from tyrian.media.desk import Desk
from tyrian.media.links import Links
from tyrian.settings import Settings
from tyrian.store import accounts
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

LOOPBACK = (ip_network("127.0.0.0/8"),)
START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
_numbers = count(1)
BOX = SecretBox("k" * 40)


async def in_chunks(data: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    """The bytes as a request brings them."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


@dataclass
class House:
    """A desk, and what stands around it."""

    db: Database
    clock: ManualClock
    account_id: int
    settings: Settings
    links: Links
    desk: Desk

    async def keep(self, data: bytes, name: str = "file", **more: Any) -> Stored:
        return await self.desk.upload(self.account_id, name, in_chunks(data), **more)

    async def rows(self) -> int:
        """Files in the store, whole or not."""
        return int(await self.db.fetchval("SELECT count(*) FROM media"))

    async def chunks(self) -> int:
        return int(await self.db.fetchval("SELECT count(*) FROM media_chunks"))


@pytest.fixture
async def db(module_database_url: str) -> AsyncIterator[Database]:
    """A module's database, with no file in it."""
    opened = await Database.open(module_database_url, work=4, reading=2)
    await opened.execute("TRUNCATE media, media_chunks, media_variants")
    yield opened
    await opened.close()


Make = Callable[..., Desk]


@pytest.fixture
async def house(db: Database) -> AsyncIterator[House]:
    """A desk that may call loopback."""
    account_id = (await accounts.create(db, f"acme-{next(_numbers)}", START)).id
    clock = ManualClock(START)
    settings = Settings(public_url="https://gateway.example", allow_private_callbacks=LOOPBACK)
    links = Links(BOX, settings.public_url)
    made = House(db, clock, account_id, settings, links, Desk(db, settings, clock, Ids(), links))
    yield made
    await made.desk.close()


@pytest.fixture
async def other(house: House) -> AsyncIterator[Callable[..., House]]:
    """The same house with other settings, or other parts of the desk."""
    made: list[House] = []

    def make(parts: dict[str, Any] | None = None, **settings: Any) -> House:
        given = replace(house.settings, **settings)
        desk = Desk(house.db, given, house.clock, Ids(), house.links, **(parts or {}))
        made.append(replace(house, settings=given, desk=desk))
        return made[-1]

    yield make
    for one in made:
        await one.desk.close()
