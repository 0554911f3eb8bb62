"""An account's messages of a span of time with what they said and how they fared, for the logs of dialects.

Dialects filter by what is inside a plan, which no index serves; so pages come whole, newest first, and whoever asks
looks through them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tyrian.domain.ids import floor_of
from tyrian.store.database import Database
from tyrian.store.reading import Row

_PAGE: Final = """
SELECT m.id, m.bulk_id, m.name, b.name AS bulk_name, m.recipient, m.purpose, m.reason, m.step, m.accepted_at,
    m.updated_at, m.due_at, COALESCE(m.plan, b.plan) AS plan,
    CASE WHEN m.status IN ('accepted', 'scheduled') AND s.leased_until IS NOT NULL THEN 'sending' ELSE m.status END
        AS status,
    a.channel_id, a.sent_at, a.delivered_at, a.seen_at
FROM (SELECT * FROM messages WHERE {conditions} ORDER BY id DESC LIMIT {limit}) m
LEFT JOIN bulks b ON b.id = m.bulk_id
LEFT JOIN sends s ON s.message_id = m.id
LEFT JOIN LATERAL (
    SELECT t.channel_id, t.sent_at, t.delivered_at, t.seen_at FROM attempts t
    WHERE t.message_id = m.id ORDER BY t.step DESC LIMIT 1) a ON true
ORDER BY m.id DESC
"""


@dataclass(slots=True, kw_only=True)
class Span:
    """Which messages: of a span of time, of some people, of some ids or bulks. None: of all."""

    since: datetime
    until: datetime | None = None
    recipients: Sequence[str] | None = None
    ids: Sequence[UUID] | None = None
    bulk_ids: Sequence[UUID] | None = None


async def page(db: Database, account_id: int, span: Span, before: UUID | None, limit: int) -> list[Row]:
    """A page of messages, newest first, from before an id on."""
    args: list[Any] = [account_id, floor_of(span.since)]
    conditions = ["account_id = $1", "id >= $2"]

    def condition(text: str, value: Any) -> None:
        args.append(value)
        conditions.append(text.format(f"${len(args)}"))

    if before is not None:
        condition("id < {}", before)
    if span.until is not None:
        condition("id < {}", floor_of(span.until))
    if span.recipients is not None:
        condition("recipient = ANY({}::text[])", list(span.recipients))
    if span.ids is not None:
        condition("id = ANY({}::uuid[])", list(span.ids))
    if span.bulk_ids is not None:
        condition("(bulk_id = ANY({0}::uuid[]) OR (bulk_id IS NULL AND id = ANY({0}::uuid[])))", list(span.bulk_ids))
    return await db.read(_PAGE.format(conditions=" AND ".join(conditions), limit=limit), *args)
