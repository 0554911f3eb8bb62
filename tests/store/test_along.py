"""A step of a flow and its message are stored together or not at all, in one statement or in a transaction."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from tyrian.domain.ids import Ids
from tyrian.inbox.flows.records import _BEGINS, _STEPS
from tyrian.store import flow_runs
from tyrian.store.codes import NewCodes
from tyrian.store.database import Database
from tyrian.store.flow_runs import StoredRun, Written
from tyrian.store.intake import OVERTAKEN, Along, Keyed, Taken, take
from tyrian.store.writing import NewMessage

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE = NOW + timedelta(minutes=5)
IDS = Ids()
NODE = 7


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url, work=4, reading=1)
    await database.fetchval("SELECT make_partitions($1::date, 1)", NOW.date())
    yield database
    await database.close()


def new_run(person: str) -> StoredRun:
    return StoredRun(
        IDS.new(NOW), 1, UUID(int=1), 1, 1, person, person, 1, "waiting", "one", None, None, b"{}", None, NOW, NOW
    )


async def begun(db: Database, count: int) -> list[StoredRun]:
    runs = [new_run(f"p{n}") for n in range(count)]
    assert len(await flow_runs.begin(db, runs)) == count
    return runs


def step(run: StoredRun, name: str = "two", before: int = 1) -> Along:
    return Along(_STEPS, Written(replace(run, tick=before + 1, step=name, data=name.encode()), before))


def entry(along: Along | None, key: str | None = None) -> Keyed:
    identifier = IDS.new(NOW)
    message = NewMessage(
        identifier, 1, "accepted", NOW, NOW, NOW + timedelta(days=1), f"+{identifier}", "session", b"{}",
        attempt_id=IDS.new(NOW), channel_id=1, address=f"+{identifier}", lease=True,
    )  # fmt: skip
    message.codes = NewCodes(f"c{identifier}", 1, 1, "p", identifier, NOW, b"{}")
    return Keyed(1, key, b"", SimpleNamespace(id=identifier), [message], None, along)


async def taken(db: Database, entries: list[Keyed], *, apart: bool) -> Taken:
    """The result of these; `apart`: beside another that can only be stored in a transaction."""
    if not apart:
        return await take(db, entries, NODE, LEASE)
    other = new_run(f"other {IDS.new(NOW)}")
    found = await take(db, [*entries, entry(Along(_BEGINS, other))], NODE, LEASE)
    assert found.results.pop() is not OVERTAKEN
    return found


async def stored(db: Database) -> dict[str, Any]:
    return {r["person"]: (r["tick"], r["step"]) for r in await db.fetch("SELECT * FROM flow_runs")}


async def messages(db: Database) -> set[UUID]:
    return {r["id"] for r in await db.fetch("SELECT id FROM messages")}


both = pytest.mark.parametrize("apart", [False, True])


@both
async def test_a_step_that_comes_too_late_keeps_its_message_out(db: Database, apart: bool) -> None:
    early, late = await begun(db, 2)
    assert await flow_runs.step(db, [Written(replace(late, tick=2, step="elsewhere", data=b"x"), 1)]) == {late.id}
    entries = [entry(step(early)), entry(step(late)), entry(None)]
    found = await taken(db, entries, apart=apart)
    assert [r is OVERTAKEN for r in found.results] == [False, True, False]
    ids = [e.messages[0].id for e in entries]
    assert {ids[0], ids[2]} <= found.leased
    assert ids[1] not in await messages(db) | found.leased
    assert {r["message_id"] for r in await db.fetch("SELECT message_id FROM codes")} >= {ids[0], ids[2]}
    after = await stored(db)
    assert (after["p0"], after["p1"]) == ((2, "two"), (2, "elsewhere"))


@both
async def test_of_two_steps_from_one_place_the_first_counts(db: Database, apart: bool) -> None:
    (run,) = await begun(db, 1)
    entries = [entry(step(run, "two")), entry(step(run, "three"))]
    found = await taken(db, entries, apart=apart)
    assert [r is OVERTAKEN for r in found.results] == [False, True]
    assert entries[1].messages[0].id not in await messages(db)
    assert (await stored(db))["p0"] == (2, "two")


async def test_a_repeat_whose_answer_was_lost_finds_everything_stored(db: Database) -> None:
    (run,) = await begun(db, 1)
    entries = [entry(step(run)), entry(None)]
    first = await take(db, entries, NODE, LEASE)
    again = await take(db, entries, NODE, LEASE)
    assert first.results == again.results == [e.answer for e in entries]
    assert first.leased == again.leased
    assert len(await messages(db)) == 2
    assert await db.fetchval("SELECT count(*) FROM codes") == 2


async def test_of_steps_at_the_same_moment_one_is_taken(db: Database) -> None:
    runs = await begun(db, 20)
    batches = [[entry(step(run, f"by {n}")) for run in runs[:: 1 if n % 2 else -1]] for n in range(4)]
    found = await asyncio.gather(*(take(db, batch, NODE, LEASE) for batch in batches))
    won = sum(result is not OVERTAKEN for taken in found for result in taken.results)
    assert won == len(await messages(db)) == 20
    assert all(tick == 2 for tick, _ in (await stored(db)).values())
