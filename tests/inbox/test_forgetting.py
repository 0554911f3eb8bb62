"""Closed conversations are kept for a time, and then go with all that hangs on them."""

import asyncio
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from tests.clock import ManualClock
from tests.inbox.conftest import API, House, node
from tyrian.domain.content import Text
from tyrian.domain.conversation import Search
from tyrian.engine.inbox_port import NotThere
from tyrian.store import inbox_forgetting as store
from tyrian.store.database import Connection

ANA, IVO, EVA = "+385991234501", "+385991234502", "+385991234503"
DAY: Final = 86_400
TABLES: Final = ("conversation_items", "conversation_sends", "inbox_events", "conversations")


async def closed(house: House, person: str, text: str = "hello") -> UUID:
    """A conversation with a person that is over."""
    await house.say(person, text)
    it = await house.talk(person)
    await house.desk.note(house.account_id, it.id, "a note", by=API)
    await house.desk.send(house.account_id, it.id, Text(text="hi"), by=API)
    await house.desk.close(house.account_id, it.id, by=API)
    return it.id


async def left(house: House, table: str) -> set[UUID]:
    """The conversations of which something is left in a table."""
    name = "id" if table == "conversations" else "conversation_id"
    rows = await house.gateway.db.fetch(f"SELECT DISTINCT {name} FROM {table} WHERE {name} IS NOT NULL")
    return {row[0] for row in rows}


def later(clock: ManualClock, seconds: int) -> None:
    """Time passes, and upkeep sleeps on: nothing is removed but by the test."""
    clock._now += timedelta(seconds=seconds)


def keep(house: House, **settings: int) -> None:
    for name, value in settings.items():
        object.__setattr__(house.gateway.settings, name, value)


async def test_those_closed_long_ago_go_with_everything_and_others_stay(house: House, clock: ManualClock) -> None:
    await house.inbox(threading_time=0)
    old = await closed(house, ANA)
    await house.say(IVO, "still here")
    still = (await house.talk(IVO)).id
    later(clock, 2 * DAY)
    young = await closed(house, EVA)
    later(clock, 88 * DAY)
    await house.desk.forget()
    assert await left(house, "conversations") == {old, still, young}, "90 days are not over"
    later(clock, 1)
    await house.gateway._forget()  # What upkeep does every five minutes.
    for table in ("conversations", "conversation_items"):
        assert await left(house, table) == {still, young}, table
    assert [it.id for it in await house.desk.list(house.account_id, Search())] == [young, still]
    assert await house.desk.list(house.account_id, Search(text="hello", until=clock.now())) != []
    assert await house.desk.get(house.account_id, old) is None
    with pytest.raises(NotThere):
        await house.desk.reopen(house.account_id, old, by=API)
    await house.say(ANA, "me again")
    assert (await house.talk(ANA)).id not in (old, still, young)


async def test_the_time_is_a_setting_and_that_of_messages_without_one(house: House, clock: ManualClock) -> None:
    await house.inbox()
    keep(house, retention_days=30, conversation_retention_days=3)
    gone = await closed(house, ANA)
    later(clock, 3 * DAY - 1)
    await house.desk.forget()
    assert await left(house, "conversations") == {gone}
    later(clock, 2)
    await house.desk.forget()
    for table in TABLES:
        assert await left(house, table) == set(), f"{table}: what was told goes, too, though others' stays for 7 days"
    keep(house, conversation_retention_days=None)  # type: ignore[arg-type]
    await closed(house, ANA)
    later(clock, 29 * DAY)
    await house.desk.forget()
    assert len(await left(house, "conversations")) == 1
    later(clock, DAY + 1)
    await house.desk.forget()
    assert await left(house, "conversations") == set()


async def test_one_that_is_opened_again_counts_anew(house: House, clock: ManualClock) -> None:
    await house.inbox()
    it = await closed(house, ANA)
    later(clock, 89 * DAY)
    await house.desk.reopen(house.account_id, it, by=API)
    later(clock, 89 * DAY)
    await house.desk.forget()
    await house.desk.close(house.account_id, it, by=API)
    later(clock, 89 * DAY)
    await house.desk.forget()
    assert await left(house, "conversations") == {it}
    assert (await house.lines(await house.desk.base.must(house.account_id, it)))[0] == "opened"


async def test_many_go_in_small_transactions(house: House, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.inbox(threading_time=0)
    monkeypatch.setattr(store, "_LINES", 9)
    for n in range(5):
        await closed(house, ANA, f"hello {n}")
    later(clock, 91 * DAY)
    counts: list[int] = []
    while not counts or counts[-1]:
        counts.append(await store.forget_conversations(house.gateway.db, clock.now()))
    assert counts == [2, 2, 1, 0], "each has five lines; a transaction goes over its bound by less than one has"
    for table in TABLES:
        assert await left(house, table) == set(), table


async def test_one_that_somebody_is_at_stays_and_is_not_waited_for(house: House, clock: ManualClock) -> None:
    await house.inbox()
    busy, idle = await closed(house, ANA), await closed(house, IVO)
    later(clock, 91 * DAY)
    going_on, opened = asyncio.Event(), asyncio.Event()

    async def plan(connection: Connection, work: Any) -> None:
        opened.set()
        await going_on.wait()
        work.amend(subject="found")

    change = asyncio.create_task(house.desk.base.change(house.account_id, busy, plan))
    await opened.wait()
    await house.desk.forget()
    assert await left(house, "conversations") == {busy}
    going_on.set()
    await change
    assert idle not in await left(house, "conversation_items")
    await house.desk.forget()
    assert await left(house, "conversations") == set()


async def test_a_line_that_comes_as_it_goes_comes_before_it_or_not_at_all(house: House, clock: ManualClock) -> None:
    await house.inbox()
    for turn in range(4):
        it = await closed(house, ANA)
        later(clock, 91 * DAY)
        notes = [house.desk.note(house.account_id, it, "late", by=API) for _ in range(turn + 1)]
        await asyncio.gather(*notes, house.desk.forget(), return_exceptions=True)
        await house.desk.forget()
        for table in TABLES:
            assert await left(house, table) == set(), table


async def test_nodes_share_the_work(database_url: str, house: House, clock: ManualClock) -> None:
    await house.inbox()
    for person in (ANA, IVO, EVA):
        await closed(house, person)
    later(clock, 91 * DAY)
    async with node(database_url, clock, house.account_id) as other:
        await asyncio.gather(house.desk.forget(), other.desk.forget())
    assert await left(house, "conversations") == await left(house, "conversation_items") == set()
