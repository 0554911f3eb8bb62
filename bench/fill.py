"""A past and a backlog for a gateway: real messages, sent once through its API, and then copied in SQL a million times.

A copy has everything that its model has (its plan, attempts, history, exchanges, deadlines), under an id, a number and
a provider's reference of its own. So the tables look as they would after that many messages, whatever their columns.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from bench import subjects, wire
from bench.bare import MESSAGES_PATH
from bench.orders import TOKEN
from bench.subjects import Subject
from bench.world import MODEL

_CHUNK: Final = 500_000
_SECONDS: Final = 30.0
_SPREAD_HOURS: Final = 20

#: Copy `i` of a model: ids made of hashes under a time of the last day, a number, and a reference.
_SERIES: Final = """(
    SELECT i, at, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS time_hex,
        md5('message' || i) AS hash, md5('attempt' || i) AS other, lpad((i % 10000000)::text, 7, '0') AS digits
    FROM (SELECT i, $2::timestamptz - $3::interval * ((i % 100000) / 100000.0) AS at
        FROM generate_series($4::bigint, $5::bigint) i) n
)"""
_ID: Final = "(g.time_hex || '7' || substr(g.hash, 1, 3) || '8' || substr(g.hash, 4, 15))::uuid"
_ATTEMPT: Final = "(g.time_hex || '7' || substr(g.other, 1, 3) || '8' || substr(g.other, 4, 15))::uuid"
_OWN: Final[Mapping[str, str]] = {
    "message_id": _ID,
    "attempt_id": f"CASE WHEN s.attempt_id IS NOT NULL THEN {_ATTEMPT} END",
    "recipient": "left(s.recipient, -7) || g.digits",
    "provider_ref": f"({TOKEN} + g.i)::text",
    "accepted_at": "g.at",
    "updated_at": "g.at",
}
#: Each table with the column that names the message, and how a copy's own id is made (None: by the table).
_TABLES: Final[tuple[tuple[str, str, str | None], ...]] = (
    ("messages", "id", _ID),
    ("attempts", "message_id", _ATTEMPT),
    ("events", "message_id", None),
    ("deadlines", "message_id", None),
    ("sends", "message_id", None),
)
_GENERATED: Final = {"id"}


async def copies(url: str, model: UUID, first: int, count: int, *, due_now: bool = False) -> None:
    """Copy a model `count` times, numbered from `first`. `due_now`: what waits to be sent is due already."""
    # One time for all tables: the ids are made from it.
    now, spread = datetime.now(UTC), timedelta(hours=_SPREAD_HOURS)
    connection = await asyncpg.connect(url, server_settings={"jit": "off", "synchronous_commit": "off"})
    try:
        await connection.execute("SELECT make_partitions($1, 1)", now.date())
        for table, key, own_id in _TABLES:
            sql = await _statement(connection, table, key, own_id, due_now)
            for begin in range(first, first + count, _CHUNK):
                end = min(begin + _CHUNK, first + count) - 1
                await connection.execute(sql, model, now, spread, begin, end, timeout=3600)
    finally:
        await connection.close()


async def _statement(
    connection: "asyncpg.Connection[Any]", table: str, key: str, own_id: str | None, due_now: bool
) -> str:
    rows = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1", table
    )
    columns = [row[0] for row in rows if own_id is not None or row[0] not in _GENERATED]
    makers = {**_OWN, **({"id": own_id} if own_id else {}), **({"due_at": "now()"} if due_now else {})}
    values = ", ".join(makers.get(column, f's."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} s, {_SERIES} g WHERE s.{key} = $1"


async def settled(url: str) -> None:
    """Bring statistics and maps up to date, as they would be after a day's work, and write everything out."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM ANALYZE", timeout=3600)
        await connection.execute("CHECKPOINT", timeout=3600)
    finally:
        await connection.close()


# -- Models -----------------------------------------------------------------------------------------------------------


async def sent(subject: Subject) -> UUID:
    """A message that the provider took and has not reported on."""
    return await _model(subject, _body(subjects.CHANNEL), "sent")


async def seen(subject: Subject) -> UUID:
    """A message with its whole life behind it."""
    model = await sent(subject)
    for status in (0, 1):
        body = {"message_token": str(TOKEN + MODEL), "message_status": status, "message_time": 1_700_000_000_000}
        receipt = msgspec.json.encode({**body, "phone_number": "385990000000", "service_id": subjects.SERVICE_ID})
        answered, said = await subjects.call(subject, "POST", subject.hook_path, receipt)
        assert answered == 200, said
    await _reached(subject.database, model, "seen")
    return model


async def scheduled(subject: Subject, channel: str) -> UUID:
    """A message that waits for tomorrow."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {**_body(channel), "schedule": {"send_at": tomorrow}}
    return await _model(subject, body, "scheduled")


def _body(channel: str) -> dict[str, Any]:
    text = f"bench {MODEL:010d} {0:019d} Your order has left our warehouse and arrives tomorrow between 9 and 12."
    cascade = [{"channel": channel, "content": {"type": "text", "text": text}}]
    return {"to": "+385990000000", "purpose": "transactional", "cascade": cascade}


async def _model(subject: Subject, body: dict[str, Any], status: str) -> UUID:
    answered, said = await subjects.call(subject, "POST", MESSAGES_PATH, msgspec.json.encode(body))
    assert answered == 202, f"{answered} {said.decode()}"
    model = UUID(msgspec.json.decode(said)["id"])
    await _reached(subject.database, model, status)
    return model


async def _reached(url: str, model: UUID, status: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(_SECONDS):
            # The gateway tells nobody outside when it has written; the table must be asked.
            while await connection.fetchval("SELECT status FROM messages WHERE id = $1", model) != status:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        await connection.close()


# -- The limit's own --------------------------------------------------------------------------------------------------

_BARE: Final = """
WITH g AS (
    SELECT i, (md5('message' || i))::uuid AS id FROM generate_series(0, $1::bigint - 1) i
), m AS (
    INSERT INTO messages SELECT id, 'sent', now(), now(), '+38599' || lpad(i::text, 7, '0'), $2 FROM g
)
INSERT INTO attempts SELECT id, ($3::bigint + i)::text, 'sent', now() FROM g
"""


async def bare_sent(url: str, count: int) -> None:
    """Messages of the limit that wait for their receipts."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_BARE, count, wire.answer(bytes(300)), TOKEN, timeout=3600)
    finally:
        await connection.close()
    await settled(url)
