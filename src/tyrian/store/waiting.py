"""Sends that were put off until something is ready: made due as soon as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from tyrian.store.database import Database

#: Only what still waits as it was put off: a send that was rescheduled, or went on, keeps its own time.
_RELEASE: Final = """
WITH w AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS w(message_id, attempt_id, due_at)
), l AS MATERIALIZED (
    SELECT s.message_id, s.channel_id, s.leased_until IS NOT NULL AS held
    FROM w JOIN sends s ON s.message_id = w.message_id
    WHERE s.attempt_id = w.attempt_id AND (s.leased_until IS NOT NULL OR s.due_at = w.due_at)
    ORDER BY s.message_id FOR UPDATE OF s
), due AS (
    UPDATE sends s SET due_at = LEAST(s.due_at, $4) FROM l WHERE s.message_id = l.message_id AND NOT l.held
)
SELECT message_id, channel_id, held FROM l
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An attempt that is, or is about to be, put off until `due_at`."""

    message_id: UUID
    attempt_id: UUID
    due_at: datetime


async def release(db: Database, waiting: Sequence[Waiting], now: datetime) -> tuple[set[int], list[Waiting]]:
    """Makes sends due; gives their channels, and those that are in somebody's hands still, about to be put off."""
    ids, attempts, times = ([getattr(w, f) for w in waiting] for f in ("message_id", "attempt_id", "due_at"))
    rows = await db.fetch(_RELEASE, ids, attempts, times, now)
    held = {row["message_id"] for row in rows if row["held"]}
    return {row["channel_id"] for row in rows if not row["held"]}, [w for w in waiting if w.message_id in held]
