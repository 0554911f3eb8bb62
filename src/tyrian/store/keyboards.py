"""Keyboards that persist: what each person has in front of them, and until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tyrian.store.database import Connection, Database

#: The notification of a channel that has a keyboard to remember now.
CHANNEL = "tyrian_keyboards"


@dataclass(slots=True)
class Remembered:
    """A keyboard that was put before a person; without `keyboard`, one that was taken away."""

    channel_id: int
    person: str
    message_id: UUID
    attempt_id: UUID
    keyboard: bytes | None
    until: datetime


_REMEMBER = """
INSERT INTO keyboards (channel_id, person, message_id, attempt_id, keyboard, until)
SELECT * FROM unnest($1::int[], $2::text[], $3::uuid[], $4::uuid[], $5::bytea[], $6::timestamptz[])
    AS k(channel_id, person, message_id, attempt_id, keyboard, until)
ORDER BY channel_id, person
ON CONFLICT (channel_id, person) DO UPDATE SET message_id = excluded.message_id, attempt_id = excluded.attempt_id,
    keyboard = excluded.keyboard, until = excluded.until
"""

_LOCKED = """
SELECT k.channel_id, k.person, i.until
FROM unnest($1::int[], $2::text[], $3::timestamptz[]) AS i(channel_id, person, until)
JOIN keyboards k ON k.channel_id = i.channel_id AND k.person = i.person
ORDER BY k.channel_id, k.person FOR UPDATE OF k
"""
_WITHDRAW = f"""
WITH l AS MATERIALIZED ({_LOCKED})
DELETE FROM keyboards k USING l WHERE k.channel_id = l.channel_id AND k.person = l.person
"""
_EXTEND = f"""
WITH l AS MATERIALIZED ({_LOCKED})
UPDATE keyboards k SET until = l.until FROM l
WHERE k.channel_id = l.channel_id AND k.person = l.person AND k.until < l.until
"""

#: A keyboard whose send failed, or went to another channel of its group, never came before anybody.
_RECALL = """
SELECT w.n::int AS n, k.keyboard
FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS w(channel_id, person, n)
JOIN keyboards k ON k.channel_id = w.channel_id AND k.person = w.person
LEFT JOIN LATERAL (
    SELECT status, channel_id FROM attempts WHERE message_id = k.message_id AND id = k.attempt_id) a ON true
WHERE k.until > $3 AND a.status IS DISTINCT FROM 'failed' AND COALESCE(a.channel_id, k.channel_id) = k.channel_id
"""

#: From each channel to the next, whatever number of people they have.
_CHANNELS = """
WITH RECURSIVE c AS (
    (SELECT channel_id FROM keyboards ORDER BY channel_id LIMIT 1)
    UNION ALL
    SELECT (SELECT k.channel_id FROM keyboards k WHERE k.channel_id > c.channel_id ORDER BY k.channel_id LIMIT 1)
    FROM c WHERE c.channel_id IS NOT NULL
) SELECT channel_id FROM c WHERE channel_id IS NOT NULL
"""

_FORGET = "DELETE FROM keyboards WHERE until < $1"


async def write(db: Database, changes: Sequence[Remembered]) -> None:
    """Writes what was put before people and taken from them; of several for one person the last counts."""
    latest = {(c.channel_id, c.person): c for c in changes}
    put = [c for c in latest.values() if c.keyboard is not None]
    taken = [c for c in latest.values() if c.keyboard is None]
    async with db.transaction() as connection:
        if put:
            await connection.execute(
                _REMEMBER,
                [c.channel_id for c in put],
                [c.person for c in put],
                [c.message_id for c in put],
                [c.attempt_id for c in put],
                [c.keyboard for c in put],
                [c.until for c in put],
            )
        if taken:
            await connection.execute(_WITHDRAW, *_columns([(c.channel_id, c.person, c.until) for c in taken]))


async def extend(connection: Connection, people: Sequence[tuple[int, str, datetime]]) -> None:
    """Moves the end of what (channel, person) has until a later moment; each pair once."""
    await connection.execute(_EXTEND, *_columns(people))


async def recall(db: Database, people: Sequence[tuple[int, str]], now: datetime) -> dict[int, bytes]:
    """The keyboards before these (channel, person): position in `people` -> keyboard."""
    channels, persons = [channel for channel, _ in people], [person for _, person in people]
    return {row["n"] - 1: row["keyboard"] for row in await db.fetch(_RECALL, channels, persons, now)}


async def channels(db: Database) -> set[int]:
    """The channels that have any."""
    return {row["channel_id"] for row in await db.fetch(_CHANNELS)}


async def announce(db: Database, channel_id: int) -> None:
    """Tells every node that a channel has keyboards to remember."""
    await db.execute("SELECT pg_notify($1, $2)", CHANNEL, str(channel_id))


async def forget(db: Database, before: datetime) -> None:
    """Removes keyboards whose session ended before a moment."""
    await db.execute(_FORGET, before)


def _columns(people: Sequence[tuple[int, str, datetime]]) -> list[list[object]]:
    return [list(column) for column in zip(*people, strict=True)]
