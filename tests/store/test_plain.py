"""The short statements for what nearly every message goes through write exactly what the long one writes."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tyrian.domain.ids import Ids
from tyrian.domain.lifecycle import Event, Status
from tyrian.store import plain, writing
from tyrian.store.database import Database
from tyrian.store.writing import FINISH, NewMessage, Write, accept

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)
IDS = Ids()
NODE = 7


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url, work=2, reading=1)
    await database.fetchval("SELECT make_partitions($1::date, 1)", NOW.date())
    yield database
    await database.close()


async def leased(db: Database) -> NewMessage:
    """A message that this node is sending."""
    identifier = IDS.new(NOW)
    message = NewMessage(
        identifier, 1, "accepted", NOW, NOW, NOW + timedelta(days=1), f"+{identifier}", "transactional", b"{}",
        attempt_id=IDS.new(NOW), channel_id=1, address=f"+{identifier}", lease=True, endpoint_id=3,
    )  # fmt: skip
    assert await accept(db, [message], NODE, NOW + timedelta(minutes=5)) == {message.id}
    return message


def base(message: NewMessage, **more: Any) -> Write:
    assert message.attempt_id is not None
    assert message.address is not None
    return Write(message.id, 1, message.attempt_id, 0, 1, message.address, 1, LATER, **more)


def sent(message: NewMessage, **more: Any) -> Write:
    values = {
        "attempt_status": Status.SENT, "message_status": Status.SENT, "started_at": NOW, "sent_at": LATER,
        "provider_ref": "ref-1", "deadline": NOW + timedelta(days=1), "send": FINISH, "exchange": b'{"status": 200}',
        "events": [Event("sent")],
    }  # fmt: skip
    return base(message, **{**values, **more})


def heard(message: NewMessage, kind: Status, before: tuple[str, str, bool, bool], **more: Any) -> Write:
    status, attempt, delivered, seen = before
    values = {
        "attempt_status": kind, "message_status": kind, f"{kind}_at": NOW + timedelta(seconds=3), "fenced": False,
        "clear_deadline": True, "endpoint_id": 3, "report": b'{"r": 1}', "events": [Event(kind.value)],
        "exchange": b'{"response": "{}"}', "expect_status": status, "expect_step": 0, "expect_attempt": attempt,
        "expect_delivered": delivered, "expect_seen": seen,
    }  # fmt: skip
    return base(message, **{**values, **more})


FIRST = ("sent", "sent", False, False)
SECOND = ("delivered", "delivered", True, False)
AFTER_SEEN = ("seen", "seen", False, True)


def course(name: str, message: NewMessage) -> list[Write]:
    """What happens to a message, one after the other."""
    delivered, seen = heard(message, Status.DELIVERED, FIRST), heard(message, Status.SEEN, FIRST)
    quiet = {"attempt_status": None, "message_status": None, "report": None, "endpoint_id": None}
    courses = {
        "sent": [],
        "delivered": [delivered],
        "seen": [delivered, heard(message, Status.SEEN, SECOND)],
        "seen first": [seen, heard(message, Status.DELIVERED, AFTER_SEEN, **quiet)],
        "without a report": [replace(delivered, report=None, endpoint_id=None)],
    }
    return [sent(message), *courses[name]]


async def state(db: Database, message: UUID) -> dict[str, list[dict[str, Any]]]:
    """All that is stored of a message, without numbers that differ between any two."""
    tables = dict.fromkeys(("attempts", "sends", "deadlines", "callbacks", "events"), "message_id") | {"messages": "id"}
    own = {"id", "message_id", "attempt_id", "recipient"}
    found = {}
    for table, column in tables.items():
        rows = [dict(row) for row in await db.read(f"SELECT * FROM {table} WHERE {column} = $1", message)]
        rows.sort(key=lambda row: row.get("id", 0))
        found[table] = [{key: value for key, value in row.items() if key not in own} for row in rows]
    return found


@pytest.mark.parametrize("name", ["sent", "delivered", "seen", "seen first", "without a report"])
async def test_short_and_long_write_the_same(db: Database, name: str) -> None:
    short, long = await leased(db), await leased(db)
    for write in course(name, short):
        assert plain.is_sent(write) or plain.is_heard(write)
        assert await plain.apply(db, [write], NODE) == {short.id}
    for write in course(name, long):
        assert await writing.apply(db, [write], NODE) == {long.id}
    assert await state(db, short.id) == await state(db, long.id)


async def test_a_repeat_of_a_send_brings_its_attempt_up_to_date(db: Database) -> None:
    short, long = await leased(db), await leased(db)
    for message, apply in ((short, plain.apply), (long, writing.apply)):
        again = sent(
            message, attempt_status=Status.SENDING, attempt_reason="provider_error", message_status=None, sent_at=None,
            deadline=None, provider_ref=None, events=[Event("retry", "provider_error")], send=writing.AGAIN,
            send_attempt=message.attempt_id, send_channel=1, send_priority=2, send_step=0, send_due=NOW,
            send_recipient=message.address,
        )  # fmt: skip
        assert not plain.is_sent(again)
        await plain.apply(db, [again], NODE)
        await db.execute("UPDATE sends SET node = $2, leased_until = $3, tries = 2 WHERE message_id = $1", message.id,
                         NODE, LATER)  # fmt: skip
        assert await apply(db, [replace(sent(message), tries=2)], NODE) == {message.id}
    assert await state(db, short.id) == await state(db, long.id)


@pytest.mark.parametrize(
    "difference",
    [
        {"report": b"{}"},
        {"step_report": b"{}"},
        {"deadline": None},
        {"message_status": None},
        {"details": (b"{}",)},
        {"events": [Event("sent"), Event("failed", "x")]},
        {"events": [Event("sent", "why")]},
        {"fenced": False},
        {"send": writing.AGAIN},
    ],
)
async def test_a_send_that_says_more_goes_the_long_way(db: Database, difference: dict[str, Any]) -> None:
    assert not plain.is_sent(sent(await leased(db), **difference))


@pytest.mark.parametrize(
    "difference",
    [
        {"step_report": b"{}"},
        {"expect_status": None},
        {"expect_step": 1},
        {"clear_deadline": False},
        {"fenced": True},
        {"seen_at": NOW},
        {"message_status": None},
        {"attempt_status": Status.SEEN, "message_status": Status.SEEN},
        {"events": [Event("late_receipt", None, {"receipt": "delivered"})]},
        {"deadline": NOW},
    ],
)
async def test_a_receipt_that_says_more_goes_the_long_way(db: Database, difference: dict[str, Any]) -> None:
    assert not plain.is_heard(heard(await leased(db), Status.DELIVERED, FIRST, **difference))


async def test_what_another_node_has_taken_over_is_left_to_it(db: Database) -> None:
    message = await leased(db)
    before = await state(db, message.id)
    assert await plain.apply(db, [sent(message)], NODE + 1) == set()
    assert await state(db, message.id) == before


@pytest.mark.parametrize("before", [SECOND, ("failed", "sent", False, False), ("sent", "sent", False, True)])
async def test_what_has_moved_on_is_left_alone(db: Database, before: tuple[str, str, bool, bool]) -> None:
    message = await leased(db)
    await plain.apply(db, [sent(message)], NODE)
    stored = await state(db, message.id)
    assert await plain.apply(db, [heard(message, Status.DELIVERED, before)], NODE) == set()
    assert await state(db, message.id) == stored


async def test_a_mixed_batch_is_written_whole(db: Database) -> None:
    one, two, three = [await leased(db) for _ in range(3)]
    await plain.apply(db, [sent(one)], NODE)
    batch = [heard(one, Status.DELIVERED, FIRST), sent(two), sent(three, report=b'{"r": 2}', endpoint_id=3)]
    assert await plain.apply(db, batch, NODE) == {one.id, two.id, three.id}
    assert [(await state(db, m.id))["messages"][0]["status"] for m in (one, two, three)] == [
        "delivered",
        "sent",
        "sent",
    ]
