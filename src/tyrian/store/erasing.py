"""Erasing a person: the contact, and what the gateway remembers of them where they are reached."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from tyrian.domain.conversation import Conversation, ConversationState
from tyrian.domain.people import Place
from tyrian.store.database import Connection, Database
from tyrian.store.inbox import conversation_of

#: Where people are reached, on every channel that the account has or had.
_PLACES: Final = """
WITH w AS MATERIALIZED (
    SELECT c.id AS channel_id, spelt AS person FROM unnest($2::int[], $3::text[]) AS p(scope, address)
    JOIN channels c ON c.account_id = $1 AND (p.scope = 0 OR c.id = p.scope)
    CROSS JOIN LATERAL unnest(ARRAY[p.address, '+' || p.address]) AS spelt
)
"""
_IS_CLOSED: Final = ConversationState.CLOSED.value
#: What is remembered of a person on a channel. Messages that wait for a person to write (`session_waits`) are work at
#: hand, and end by themselves.
_TRACES: Final = (
    "keyboards", "codes", "stale_presses", "flow_contexts", "subscriptions", "blocks", "sessions",
)  # fmt: skip
#: Runs of flows besides: those that go on and those that ended have an index of people each.
_RUNS: Final = ("ended_at IS NULL", "ended_at IS NOT NULL")
#: Taken up first, as everybody who changes a conversation does.
_CONVERSATIONS = f"""
{_PLACES}
SELECT o.id, o.state FROM w JOIN conversations o ON o.channel_id = w.channel_id AND o.person = w.person
ORDER BY o.id FOR UPDATE OF o
"""
_LINES = "DELETE FROM conversation_items WHERE conversation_id = ANY($1::uuid[])"
_CLOSED = "DELETE FROM conversations WHERE id = ANY($1::uuid[])"
_OPEN = """
UPDATE conversations SET name = NULL, subject = NULL, attributes = '{}', revision = revision + 1
WHERE id = ANY($1::uuid[]) RETURNING *
"""
_EVENTS = "DELETE FROM inbox_events WHERE conversation_id = ANY($1::uuid[])"
_CHANNELS = "SELECT id FROM channels WHERE account_id = $1"
_ADDRESSES = "DELETE FROM contact_addresses WHERE contact_id = $1"
_CONSENTS = "DELETE FROM consents WHERE contact_id = $1"
_SUPPRESSED = "DELETE FROM suppressed_contacts WHERE contact_id = $1"
_CONTACT = "DELETE FROM contacts WHERE id = $1 OR merged_into = $1 RETURNING id"
_ERASED = """
INSERT INTO erasures (contact_id, account_id, erased_at) SELECT id, $2, $3 FROM unnest($1::uuid[]) AS id
ON CONFLICT DO NOTHING
"""
_IS_ERASED = "SELECT EXISTS (SELECT 1 FROM erasures WHERE contact_id = $1 AND account_id = $2)"
_TELL = "SELECT pg_notify('tyrian_people', '')"


async def channels(connection: Connection, account_id: int) -> list[int]:
    """The numbers of all channels that an account has."""
    return [row["id"] for row in await connection.fetch(_CHANNELS, account_id)]


async def traces(connection: Connection, account_id: int, places: Sequence[Place]) -> dict[UUID, Conversation | None]:
    """Removes what is remembered of a person where they are reached, and what was said in conversations with them.

    Returns these conversations. One that is not closed stays, without name, subject and attributes, for somebody may
    be at it: it comes as it is now.
    """
    if not places:
        return {}
    given = account_id, [p.scope for p in places], [p.address for p in places]
    for table in _TRACES:
        await connection.execute(f"{_PLACES} {_delete(table)}", *given)
    for when in _RUNS:
        await connection.execute(f"{_PLACES} {_delete('flow_runs')} AND {when}", *given)
    found = await connection.fetch(_CONVERSATIONS, *given)
    ids = [row["id"] for row in found]
    await connection.execute(_LINES, ids)
    await connection.execute(_EVENTS, ids)
    await connection.execute(_CLOSED, [row["id"] for row in found if row["state"] == _IS_CLOSED])
    stay = await connection.fetch(_OPEN, [row["id"] for row in found if row["state"] != _IS_CLOSED])
    return dict.fromkeys(ids) | {row["id"]: conversation_of(row) for row in stay}


def _delete(table: str) -> str:
    """All these tables have an index of people: `w` leads to what is removed."""
    return f"DELETE FROM {table} t USING w WHERE t.channel_id = w.channel_id AND t.person = w.person"


async def contact(connection: Connection, account_id: int, contact_id: UUID, now: datetime) -> None:
    """Removes a contact that is locked, with all that hangs on it. Its addresses go first: who writes a consent holds
    one, and is waited for."""
    for statement in (_ADDRESSES, _CONSENTS, _SUPPRESSED):
        await connection.execute(statement, contact_id)
    gone = [row["id"] for row in await connection.fetch(_CONTACT, contact_id)]
    await connection.execute(_ERASED, gone, account_id, now)
    await connection.execute(_TELL)


async def was_erased(db: Database | Connection, account_id: int, contact_id: UUID) -> bool:
    """Whether there was such a contact."""
    return bool(await db.fetchval(_IS_ERASED, contact_id, account_id))
