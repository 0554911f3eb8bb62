"""Tracked links: made before they go out, looked up by their codes, counted when they are followed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tyrian.store.database import Database

#: Clicks on one link that each make a line in the message's history; later ones are only counted.
MOST_EVENTS = 100


@dataclass(slots=True)
class NewLink:
    """A link of an attempt. `place` tells the buttons of one content apart."""

    message_id: UUID
    attempt_id: UUID
    place: int
    account_id: int
    channel_id: int
    step: int
    code: str
    url: str
    button_id: str | None
    at: datetime


#: An attempt that is tried again keeps the codes that it had: the network may have the first try.
_MAKE = """
INSERT INTO links AS l (message_id, attempt_id, place, account_id, channel_id, step, code, url, button_id, created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::int[], $5::int[], $6::smallint[], $7::text[],
    $8::text[], $9::text[], $10::timestamptz[])
ON CONFLICT (message_id, attempt_id, place) DO UPDATE SET place = l.place
RETURNING message_id, attempt_id, place, code
"""

#: `message_id` is bounded by the code's own time, so that one day is searched, and in it one moment.
_FIND = """
SELECT l.message_id, l.attempt_id, l.place, l.account_id, l.channel_id, l.step, l.url, l.button_id
FROM links l WHERE l.message_id BETWEEN $1::uuid AND $2::uuid AND l.code = $3
"""

_MESSAGE = """
SELECT m.id, m.account_id, m.status, m.recipient, m.endpoint_id, m.accepted_at, m.bulk_id, m.variables, m.name,
    b.name AS bulk_name, COALESCE(m.plan, b.plan) AS plan
FROM messages m LEFT JOIN bulks b ON b.id = m.bulk_id
WHERE m.account_id = $1 AND m.id = $2
"""

OF_MESSAGE = """
SELECT l.attempt_id, l.url, l.code, l.button_id, l.clicks, l.first_at, l.last_at, l.created_at, ch.name AS channel
FROM links l LEFT JOIN channels ch ON ch.id = l.channel_id
WHERE l.message_id = $1 ORDER BY l.created_at, l.attempt_id, l.place
"""


@dataclass(slots=True)
class Click:
    """A link followed. The report goes out for the first click alone; `detail` is the line in the history."""

    message_id: UUID
    attempt_id: UUID
    place: int
    account_id: int
    at: datetime
    detail: bytes
    endpoint_id: int | None = None
    report: bytes | None = None


#: Clicks on one link come together in a batch, and its row is written once. A batch that is repeated after a lost
#: connection may count twice; the customer is called back once all the same.
_COUNT = f"""
WITH i AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY message_id, attempt_id, place ORDER BY n) AS turn
    FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::int[], $5::timestamptz[], $6::bytea[], $7::int[],
        $8::bytea[]) WITH ORDINALITY AS i(message_id, attempt_id, place, account_id, at, detail, endpoint_id, report, n)
), links_of AS MATERIALIZED (
    SELECT message_id, attempt_id, place, count(*) AS clicks, min(at) AS first_at, max(at) AS last_at,
        ARRAY[message_id] AS key
    FROM i GROUP BY 1, 2, 3
), counted AS (
    UPDATE links l SET clicks = l.clicks + w.clicks, first_at = LEAST(l.first_at, w.first_at),
        last_at = GREATEST(l.last_at, w.last_at)
    FROM links_of w
    WHERE l.message_id = ANY(w.key) AND l.attempt_id = w.attempt_id AND l.place = w.place
      AND l.message_id BETWEEN $9::uuid AND $10::uuid
    RETURNING l.message_id, l.attempt_id, l.place, l.clicks - w.clicks AS before
), mine AS MATERIALIZED (
    SELECT i.*, c.before + i.turn AS number FROM i JOIN counted c USING (message_id, attempt_id, place)
), told AS (
    INSERT INTO callbacks (message_id, account_id, endpoint_id, due_at, created_at, report)
    SELECT message_id, account_id, endpoint_id, at, at, report FROM mine
    WHERE number = 1 AND report IS NOT NULL AND endpoint_id IS NOT NULL
), happened AS (
    INSERT INTO events (message_id, at, type, attempt_id, detail)
    SELECT message_id, at, 'clicked', attempt_id, detail FROM mine WHERE number <= {MOST_EVENTS} ORDER BY n
)
SELECT n, number FROM mine ORDER BY n
"""


async def make(db: Database, links: Sequence[NewLink]) -> dict[tuple[UUID, UUID, int], str]:
    """Stores links; returns the code of each by message, attempt and place: its own, or the one that it had before."""
    rows = await db.fetch(
        _MAKE,
        [x.message_id for x in links],
        [x.attempt_id for x in links],
        [x.place for x in links],
        [x.account_id for x in links],
        [x.channel_id for x in links],
        [x.step for x in links],
        [x.code for x in links],
        [x.url for x in links],
        [x.button_id for x in links],
        [x.at for x in links],
    )
    return {(row["message_id"], row["attempt_id"], row["place"]): row["code"] for row in rows}


async def find(db: Database, code: str, least: UUID, greatest: UUID) -> Any | None:
    """The link of a code; its message has an id between these two."""
    return await db.fetchrow(_FIND, least, greatest, code)


async def message(db: Database, account_id: int, message_id: UUID) -> Any | None:
    """What a report of a click tells of its message."""
    return await db.fetchrow(_MESSAGE, account_id, message_id)


async def count(db: Database, clicks: Sequence[Click]) -> list[int]:
    """Counts clicks; returns for each which one it was of its link (from 1), 0 where the link is gone."""
    ids = [c.message_id for c in clicks]
    rows = await db.fetch(
        _COUNT,
        ids,
        [c.attempt_id for c in clicks],
        [c.place for c in clicks],
        [c.account_id for c in clicks],
        [c.at for c in clicks],
        [c.detail for c in clicks],
        [c.endpoint_id for c in clicks],
        [c.report for c in clicks],
        min(ids),
        max(ids),
    )
    numbers = {row["n"]: row["number"] for row in rows}
    return [int(numbers.get(n, 0)) for n in range(1, len(clicks) + 1)]
