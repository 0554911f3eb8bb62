"""Reports that customers collect instead of being called: a queue is an endpoint whose number is below zero."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from tyrian.store.database import Database

#: Rows that one collection looks at, at most.
WINDOW: Final = 5000

_LOOK: Final = """
SELECT id, report FROM callbacks
WHERE endpoint_id = $1 AND tries = 0 AND leased_until IS NULL AND NOT parked AND created_at > $2
ORDER BY due_at DESC, id DESC LIMIT $3 FOR UPDATE SKIP LOCKED
"""
_REMOVE: Final = "DELETE FROM callbacks WHERE id = ANY($1::bigint[])"
_FORGET: Final = """
DELETE FROM callbacks WHERE id IN (
    SELECT id FROM callbacks WHERE endpoint_id < 0 AND created_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


async def take(
    db: Database, endpoint_id: int, since: datetime, limit: int, wanted: Callable[[Any], Any | None]
) -> list[Any]:
    """Removes up to `limit` of a queue's newest reports and returns them, as `wanted` read them (None: not this one).

    What was handed out is gone when this returns; two collections never get the same report.
    """
    async with db.transaction() as connection:
        rows = await connection.fetch(_LOOK, endpoint_id, since, WINDOW)
        taken: list[tuple[int, Any]] = []
        for row in rows:
            if len(taken) == limit:
                break
            read = wanted(row["report"])
            if read is not None:
                taken.append((row["id"], read))
        if taken:
            await connection.execute(_REMOVE, [number for number, _ in taken])
    return [read for _, read in taken]


async def forget(db: Database, before: datetime, limit: int = 10_000) -> int:
    """Removes what nobody collected in time; returns how many went."""
    status: str = await db.execute(_FORGET, before, limit)
    return int(status.rpartition(" ")[2])
