"""When people were last told that a button is of no use."""

from datetime import datetime
from uuid import UUID

from tyrian.store.database import Database

#: The message that was answered may come again, after a node died.
_MAY_ANSWER = """
INSERT INTO stale_presses AS s (channel_id, person, inbound_id, answered_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (channel_id, person) DO UPDATE SET inbound_id = excluded.inbound_id, answered_at = excluded.answered_at
WHERE s.answered_at <= $5 OR s.inbound_id = excluded.inbound_id
RETURNING true
"""

_FORGET = "DELETE FROM stale_presses WHERE answered_at < $1"


async def may_answer(
    db: Database, channel_id: int, person: str, inbound_id: UUID, now: datetime, since: datetime
) -> bool:
    """Whether a press is to be answered: nothing was since a moment. Once said, it is taken as answered."""
    return bool(await db.fetchval(_MAY_ANSWER, channel_id, person, inbound_id, now, since))


async def forget(db: Database, before: datetime) -> None:
    """Removes what is of no use any more."""
    await db.execute(_FORGET, before)
