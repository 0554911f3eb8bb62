"""Reading endpoints back by their numbers. They are interned when a message is taken in, and never change."""

from collections.abc import Sequence

from msgspec import Struct

from tyrian.store.database import Database

_BY_IDS = "SELECT id, account_id, face, url FROM endpoints WHERE id = ANY($1::int[])"


class Endpoint(Struct, frozen=True):
    """Where callbacks of an account go, and the dialect they go in."""

    id: int
    account_id: int
    face: str
    url: str


async def by_ids(db: Database, ids: Sequence[int]) -> list[Endpoint]:
    """The endpoints of these numbers."""
    return [Endpoint(*row) for row in await db.fetch(_BY_IDS, list(ids))]
