"""What frequency caps count, and whether somebody was in contact before: the look-ups of the rules for promotion."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tyrian.domain.consent import Counted
from tyrian.store.consent import Question
from tyrian.store.database import Connection, Database

#: All addresses of the people who are asked about: $4 the contact, if there is one.
_PLACES = """
WITH w AS MATERIALIZED (
    SELECT * FROM unnest($1::int[], $2::int[], $3::text[], $4::uuid[]) WITH ORDINALITY
    AS w(account_id, scope, address, contact_id, n)
), p AS MATERIALIZED (
    SELECT n, account_id, scope, address FROM w
    UNION SELECT w.n, w.account_id, a.scope, a.address FROM w JOIN contact_addresses a ON a.contact_id = w.contact_id
)
"""
_COUNTED = f"""
{_PLACES}
SELECT p.n::int AS n, s.channel_id, s.at, s.message_id FROM p
JOIN capped_sends s ON s.account_id = p.account_id AND s.scope = p.scope AND s.address = p.address AND s.at > $5
"""
_COUNT = """
INSERT INTO capped_sends (account_id, scope, address, at, message_id, channel_id)
SELECT * FROM unnest($1::int[], $2::int[], $3::text[], $4::timestamptz[], $5::uuid[], $6::int[])
ON CONFLICT DO NOTHING
"""
#: Whoever writes or was written to with any success has been in contact.
_MET = f"""
{_PLACES}
SELECT DISTINCT p.n::int AS n FROM p
JOIN unnest($5::uuid[]) WITH ORDINALITY AS own(id, n) ON own.n = p.n
WHERE EXISTS (
    SELECT 1 FROM messages m WHERE m.account_id = p.account_id AND m.recipient = ANY(ARRAY[p.address, '+' || p.address])
        AND m.id <> own.id AND m.status = ANY(ARRAY['sent', 'delivered', 'seen']))
UNION SELECT w.n::int FROM w WHERE EXISTS (
    SELECT 1 FROM consents k WHERE k.contact_id = w.contact_id AND k.source = 'inbound')
"""
_ALONE = "SELECT pg_advisory_xact_lock(key) FROM (SELECT key FROM unnest($1::bigint[]) AS key ORDER BY key) k"
_FORGET = """
DELETE FROM capped_sends WHERE (account_id, scope, address, message_id, channel_id) IN (
    SELECT account_id, scope, address, message_id, channel_id FROM capped_sends WHERE at < $1 LIMIT $2)
"""

_NOBODY: Final = UUID(int=0)

Asked = Sequence[tuple[Question, UUID | None]]


def _places(asked: Asked) -> list[list[object]]:
    rows = [(q.account_id, q.place.scope, q.place.address, contact_id) for q, contact_id in asked]
    return [list(column) for column in zip(*rows, strict=True)]


async def met(db: Database, asked: Asked) -> set[int]:
    """Which of these people (with their contacts) somebody here has been in contact with: positions in `asked`."""
    own = [q.message_id or _NOBODY for q, _ in asked]
    return {row["n"] - 1 for row in await db.fetch(_MET, *_places(asked), own)}


async def counted(connection: Database | Connection, asked: Asked, since: datetime) -> list[list[Counted]]:
    """The promotional messages that these people had since a time."""
    found: list[list[Counted]] = [[] for _ in asked]
    for row in await connection.fetch(_COUNTED, *_places(asked), since):
        found[row["n"] - 1].append(Counted(row["channel_id"], row["at"], row["message_id"]))
    return found


async def alone(connection: Connection, asked: Asked) -> None:
    """Waits until nobody else counts messages to these people, and keeps others waiting until the transaction ends."""
    keys = {
        str(contact_id) if contact_id else f"{q.account_id} {q.place.scope} {q.place.address}"
        for q, contact_id in asked
    }
    numbers = [
        int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big", signed=True) for key in keys
    ]
    await connection.execute(_ALONE, numbers)


async def count(connection: Connection, questions: Sequence[Question]) -> None:
    """Counts messages as sent."""
    rows = [(q.account_id, q.place.scope, q.place.address, q.at, q.message_id, q.channel_id) for q in questions]
    await connection.execute(_COUNT, *[list(column) for column in zip(*rows, strict=True)])


async def forget(db: Database, before: datetime, *, batch: int = 5000) -> None:
    """Removes what no cap counts any more."""
    while await db.execute(_FORGET, before - timedelta(days=1), batch) == f"DELETE {batch}":
        pass
