"""What the codes of buttons stand for: written before they go out, looked up when they come back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tyrian.store.database import Database


@dataclass(slots=True)
class NewCodes:
    """The codes of one keyboard, bound to whom it is shown. `meanings` is JSON: place -> meaning."""

    name: str
    account_id: int
    channel_id: int
    person: str
    message_id: UUID
    expires_at: datetime
    meanings: bytes


_TYPES = ("text", "int", "int", "text", "uuid", "timestamptz", "bytea")


def make_statement(first: int) -> str:
    """Writes codes, with parameters from `$first` on.

    A repeated try has the same name for the same meanings, and finds its row made. The disk is waited for. If a code
    were lost with the database, the send that brought it would be made again and write it anew; but a person is quick
    enough to press the button before that, and would be told that it is of no use.
    """
    given = ", ".join(f"${number}::{name}[]" for number, name in enumerate(_TYPES, first))
    return f"""
INSERT INTO codes (name, account_id, channel_id, person, message_id, expires_at, meanings)
SELECT c.* FROM unnest({given})
    AS c(name, account_id, channel_id, person, message_id, expires_at, meanings)
ORDER BY name COLLATE "C"
ON CONFLICT DO NOTHING
"""


_MAKE = make_statement(1)

_FIND = "SELECT * FROM codes WHERE name = ANY($1::text[])"

_FORGET = "DELETE FROM codes WHERE expires_at < $1"


async def make(db: Database, codes: Sequence[NewCodes]) -> None:
    """Writes codes. Returns once they are durable, and everybody sees them."""
    await db.execute(_MAKE, *columns(codes))


def columns(codes: Sequence[NewCodes]) -> list[list[Any]]:
    """The parameters of `make_statement`."""
    return [
        [c.name for c in codes],
        [c.account_id for c in codes],
        [c.channel_id for c in codes],
        [c.person for c in codes],
        [c.message_id for c in codes],
        [c.expires_at for c in codes],
        [c.meanings for c in codes],
    ]


async def find(db: Database, names: Collection[str]) -> dict[str, Any]:
    """The rows of these names."""
    return {row["name"]: row for row in await db.fetch(_FIND, list(names))}


async def forget(db: Database, before: datetime) -> None:
    """Removes codes that expired before a moment."""
    await db.execute(_FORGET, before)
