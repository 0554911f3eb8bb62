"""What the engine's tests share: an open database with an account in it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from tyrian.store import accounts
from tyrian.store.database import Database


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """A migrated database of the test's own."""
    opened = await Database.open(database_url, work=4, reading=2)
    yield opened
    await opened.close()


@pytest.fixture
async def account_id(db: Database) -> int:
    """An account."""
    return (await accounts.create(db, "acme", datetime(2026, 1, 1, tzinfo=UTC))).id
