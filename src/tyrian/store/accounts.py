"""Accounts in the database."""

from datetime import datetime

import asyncpg
from msgspec import Struct

from tyrian.store.database import Database

CREATE = "INSERT INTO accounts (name, created_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING *"
BY_ID = "SELECT * FROM accounts WHERE id = $1"
BY_NAME = "SELECT * FROM accounts WHERE name = $1"
LIST = "SELECT * FROM accounts ORDER BY name"


class NameTaken(Exception):
    """The name belongs to another already."""

    def __init__(self, name: str) -> None:
        super().__init__(f'the name "{name}" is taken')
        self.name = name


class Account(Struct, frozen=True, kw_only=True):
    """A tenant: owns keys, channels and messages."""

    id: int
    name: str
    created_at: datetime


async def create(db: Database, name: str, now: datetime) -> Account:
    """A new account. Raises `NameTaken`."""
    row = await db.fetchrow(CREATE, name, now)
    if row is None:
        raise NameTaken(name)
    return _account(row)


async def by_id(db: Database, account_id: int) -> Account | None:
    """The account of a number."""
    row = await db.fetchrow(BY_ID, account_id)
    return _account(row) if row else None


async def by_name(db: Database, name: str) -> Account | None:
    """The account of a name."""
    row = await db.fetchrow(BY_NAME, name)
    return _account(row) if row else None


async def everyone(db: Database) -> list[Account]:
    """All accounts, by name."""
    return [_account(row) for row in await db.read(LIST)]


def _account(row: asyncpg.Record) -> Account:
    return Account(id=row["id"], name=row["name"], created_at=row["created_at"])
