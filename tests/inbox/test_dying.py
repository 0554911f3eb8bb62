"""Nodes die between any two steps, and what was said still stands in its thread, once."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.clock import ManualClock
from tests.inbox.conftest import API, House, node
from tyrian.domain.content import Text
from tyrian.domain.conversation import Item
from tyrian.domain.problem import Refused
from tyrian.domain.submission import Plan, Step
from tyrian.engine.ports import Inbound
from tyrian.inbox import sending
from tyrian.store.database import Database

ANA = "+385991234501"


class Died(Exception):
    """The node is gone."""


async def dies(*args: Any, **more: Any) -> Any:
    raise Died


class TestBetweenCommitAndRoute:
    async def test_a_message_that_was_stored_and_no_more_is_taken_up_by_another(
        self, database_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with node(database_url, clock) as one:
            queue = await one.queue()
            await one.inbox(queue_id=queue.id)
            monkeypatch.setattr(one.gateway.turns, "begin", lambda said: None)
            await one.gateway.inbound.submit(one.channel(), [Inbound(ANA, "us", Text(text="hello"), "p1")])
            assert await one.desk.find(one.channel().id, ANA) is None
            account = one.account_id
        async with node(database_url, clock, account) as two:
            await clock.advance(3)
            await two.gateway.turns.take_up()
            await two.reacted()
            assert await two.lines(await two.talk(ANA)) == ["opened", "inbound: hello", "queued"]

    async def test_recorded_and_not_routed(
        self, database_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with node(database_url, clock) as one:
            queue = await one.queue()
            await one.inbox(queue_id=queue.id)
            monkeypatch.setattr(one.desk.router, "react", dies)
            await one.gateway.inbound.submit(one.channel(), [Inbound(ANA, "us", Text(text="hello"), "p1")])

            async def recorded() -> object:
                return await one.desk.find(one.channel().id, ANA)

            await one.until(recorded)
            account = one.account_id
        async with node(database_url, clock, account) as two:
            await clock.advance(10)
            await two.gateway.turns.take_up()
            await two.reacted()
            assert await two.lines(await two.talk(ANA)) == ["opened", "inbound: hello", "queued"]

    async def test_queued_and_not_assigned(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        queue = await house.queue()
        mia = await house.agent("mia", queue)
        await house.inbox(queue_id=queue.id)
        with monkeypatch.context() as patched:
            patched.setattr(house.desk.base, "on_changed", None)
            await house.say(ANA, "hello")
        assert (await house.talk(ANA)).agent_id is None
        await house.desk.routing.look()
        assert (await house.talk(ANA)).agent_id == mia.id


class TestBetweenSendAndThread:
    async def test_an_answer_that_was_taken_comes_into_its_thread(
        self, house: House, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        with monkeypatch.context() as patched:
            patched.setattr(house.desk.sending, "_show", dies)
            with pytest.raises(Died):
                await house.desk.send(house.account_id, it.id, Text(text="hi"), by=API, key="k")
        assert await house.lines(it) == ["opened", "inbound: hello"]
        assert await house.desk.sending.mend() == 0, "it may still be under way"
        # The node's own look does it by then, if it is not done here.
        await clock.jump(61)
        await house.desk.sending.mend()

        async def shown() -> bool:
            return await house.lines(it) == ["opened", "inbound: hello", "outbound: hi"]

        await house.until(shown)
        again = await house.desk.send(house.account_id, it.id, Text(text="hi"), by=API, key="k")
        assert again.message_id is not None
        assert await house.gateway.db.fetchval("SELECT count(*) FROM messages") == 1
        assert await house.lines(it) == ["opened", "inbound: hello", "outbound: hi"]

    async def test_a_repeat_comes_before_the_mending(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        with monkeypatch.context() as patched:
            patched.setattr(house.desk.sending, "_show", dies)
            with pytest.raises(Died):
                await house.desk.send(house.account_id, it.id, Text(text="hi"), by=API, key="k")
        await house.desk.send(house.account_id, it.id, Text(text="hi"), by=API, key="k")
        assert await house.gateway.db.fetchval("SELECT count(*) FROM messages") == 1
        assert await house.lines(it) == ["opened", "inbound: hello", "outbound: hi"]

    async def test_an_answer_that_was_never_taken_is_forgotten_with_its_key(
        self, house: House, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        with monkeypatch.context() as patched:
            patched.setattr(house.gateway.intake, "submit", dies)
            with pytest.raises(Died):
                await house.desk.send(house.account_id, it.id, Text(text="hi"), by=API, key="k")
        db = house.gateway.db
        assert await db.fetchval("SELECT count(*) FROM conversation_sends") == 1
        # The node's own look does it by then, if it is not done here.
        await clock.jump(61)
        await house.desk.sending.mend()

        async def forgotten() -> bool:
            return not await db.fetchval("SELECT count(*) FROM conversation_sends")

        await house.until(forgotten)
        assert await house.lines(it) == ["opened", "inbound: hello"]
        sent = await house.desk.send(house.account_id, it.id, Text(text="hi"), by=API, key="k")
        assert sent.message_id is not None
        assert await house.lines(it) == ["opened", "inbound: hello", "outbound: hi"]

    @pytest.mark.parametrize("batch", [1, 100])
    async def test_one_that_cannot_be_looked_up_holds_up_none_behind_it(
        self, house: House, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, batch: int
    ) -> None:
        monkeypatch.setattr(sending, "_BATCH", batch)
        await house.inbox()
        await house.say(ANA, "hello")
        it, db = await house.talk(ANA), house.gateway.db
        with monkeypatch.context() as patched:
            patched.setattr(house.desk.sending, "_show", dies)
            for text in ("spoilt", "fails", "whole"):
                with pytest.raises(Died):
                    await house.desk.send(house.account_id, it.id, Text(text=text), by=API)
        body = await db.fetchval("SELECT body FROM conversation_sends ORDER BY made_at, item_id LIMIT 1")
        await db.execute("UPDATE conversation_sends SET body = 'no line' WHERE body = $1", body)
        show = house.desk.sending._show

        async def fails(account_id: int, item: Item, message_id: UUID) -> Item:
            if getattr(item.content, "text", "") == "fails":
                raise RuntimeError("something unexpected")
            return await show(account_id, item, message_id)

        async def left() -> int:
            return int(await db.fetchval("SELECT count(*) FROM conversation_sends"))

        with monkeypatch.context() as patched:
            patched.setattr(house.desk.sending, "_show", fails)
            await clock.jump(61)
            await house.desk.sending.mend()
            await house.until(lambda: _is(left(), 2))
            assert (await house.lines(it))[2:] == ["outbound: whole"]
            assert await house.desk.sending.mend() == 0, "not at once again"
        await db.execute("UPDATE conversation_sends SET body = $1 WHERE body = 'no line'", body)
        await clock.jump(61)
        await house.desk.sending.mend()
        await house.until(lambda: _is(left(), 0))
        assert set((await house.lines(it))[2:]) == {"outbound: whole", "outbound: spoilt", "outbound: fails"}

    async def test_one_by_a_plan_of_its_own_comes_into_its_thread_too(
        self, house: House, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        plan = Plan(cascade=[Step(channel="one", content=Text(text="hi"))], refused="content_refused")
        with monkeypatch.context() as patched:
            patched.setattr(house.desk.sending, "_show", dies)
            with pytest.raises(Died):
                await house.desk.send_planned(house.account_id, it.id, plan, by=API)
        await clock.jump(61)
        await house.desk.sending.mend()

        async def shown() -> bool:
            return await house.lines(it) == ["opened", "inbound: hello", "outbound: hi"]

        await house.until(shown)
        assert await house.gateway.db.fetchval("SELECT count(*) FROM messages") == 1


async def _is(coming: Awaitable[int], number: int) -> bool:
    return await coming == number


class TestAlone:
    """Messages sent without an agent, whose conversation is opened for them alone."""

    async def send(self, house: House, text: str = "it is here") -> None:
        await house.desk.send_alone(house.account_id, house.channel(), ANA, Text(text=text), by=API)

    async def test_one_that_was_taken_comes_into_a_conversation_once(
        self, house: House, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(house.desk.sending._alone, "show", dies)
            with pytest.raises(Died):
                await self.send(house)
        assert await house.desk.find(house.channel().id, ANA) is None
        await clock.advance(61)
        await house.desk.sending.mend()
        await house.desk.sending.mend()

        async def shown() -> object:
            return await house.desk.find(house.channel().id, ANA)

        await house.until(shown)
        it = await house.talk(ANA)
        assert await house.lines(it) == ["opened", "outbound: it is here", "left", "closed"]
        assert await house.gateway.db.fetchval("SELECT count(*) FROM messages") == 1
        assert await house.gateway.db.fetchval("SELECT count(*) FROM conversation_sends") == 0

    @pytest.mark.parametrize("step", ["_opened", "_add"])
    async def test_another_does_what_a_dead_node_began(
        self, database_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        """The conversation was opened, or has the line already, and no more was done."""
        async with node(database_url, clock) as one:
            alone, account = one.desk.sending._alone, one.account_id
            done = getattr(alone, step)

            async def does_it_and_dies(*args: Any, **more: Any) -> Any:
                await done(*args, **more)
                raise Died

            monkeypatch.setattr(alone, step, does_it_and_dies)
            with pytest.raises(Died):
                await self.send(one)
        async with node(database_url, clock, account) as two:
            await clock.advance(61)
            await two.desk.sending.mend()

            async def ended() -> bool:
                return (await two.talk(ANA)).closed

            await two.until(ended)
            assert await two.lines(await two.talk(ANA)) == ["opened", "outbound: it is here", "left", "closed"]
            assert await two.gateway.db.fetchval("SELECT count(*) FROM conversation_sends") == 0

    async def test_nothing_is_kept_of_one_that_is_refused(self, house: House) -> None:
        with pytest.raises(Refused):
            await house.desk.send_alone(house.account_id, house.channel(), "nobody", Text(text="x"), by=API)
        assert await house.gateway.db.fetchval("SELECT count(*) FROM conversation_sends") == 0
        assert await house.gateway.db.fetchval("SELECT count(*) FROM conversations") == 0

    async def test_who_had_the_conversation_before_keeps_it(self, house: House) -> None:
        it = await house.desk.open(house.account_id, house.channel(), ANA, by=API)
        await self.send(house)
        assert await house.lines(it) == ["opened", "outbound: it is here"]
        assert (await house.talk(ANA)).state == "open"

    async def test_what_cannot_be_shown_any_more_holds_nothing_up(
        self, house: House, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(house.desk.sending._alone, "show", dies)
            for channel in ("two", "one"):
                with pytest.raises(Died):
                    await house.desk.send_alone(
                        house.account_id, house.channel(channel), ANA, Text(text=channel), by=API
                    )
        await house.gateway.channels.remove(house.account_id, "two")
        await clock.advance(61)
        await house.desk.sending.mend()

        async def mended() -> bool:
            return not await house.gateway.db.fetchval("SELECT count(*) FROM conversation_sends")

        await house.until(mended)
        assert "outbound: one" in await house.lines(await house.talk(ANA))


class TestWatching:
    async def test_what_happens_on_one_node_is_heard_on_another(self, database_url: str, clock: ManualClock) -> None:
        async with node(database_url, clock) as one, node(database_url, clock, one.account_id) as two:
            await one.inbox()
            after = await one.desk.last_event(one.account_id)
            stream = two.desk.watch(one.account_id, after=after)
            pending = asyncio.ensure_future(anext(stream))
            await one.say(ANA, "hello")
            event = await asyncio.wait_for(pending, 5)
            assert event is not None
            assert (event.number, event.type, event.data["event"]) == (after + 1, "item", "opened")
            two.desk.end_watching()
            async with asyncio.timeout(10):
                left = [event async for event in stream]
            assert [e.number for e in left if e is not None] == list(range(after + 2, after + 2 + len(left)))

    async def test_events_are_numbered_without_gaps_by_any_number_of_writers(
        self, database_url: str, clock: ManualClock
    ) -> None:
        async with node(database_url, clock) as one, node(database_url, clock, one.account_id) as two:
            talks = [await one.desk.open(one.account_id, one.channel(), f"+1{n}", by=API) for n in range(6)]
            await asyncio.gather(
                *(
                    house.desk.note(one.account_id, talk.id, f"{n}", by=API)
                    for n in range(5) for talk in talks for house in (one, two)
                )
            )  # fmt: skip
            rows = await one.gateway.db.fetch("SELECT number FROM inbox_events ORDER BY number")
            assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))

    async def test_what_is_past_its_time_is_forgotten(self, house: House) -> None:
        await house.desk.open(house.account_id, house.channel(), ANA, by=API, key="k")
        await _age(house.gateway.db, days=6)
        await house.desk.forget()
        assert await _count(house.gateway.db, "inbox_events") > 0
        assert await _count(house.gateway.db, "inbox_keys") == 0
        await _age(house.gateway.db, days=2)
        await house.desk.forget()
        assert await _count(house.gateway.db, "inbox_events") == 0


async def _age(db: Database, days: int) -> None:
    """Makes what there is older: a clock that went on for days would wake everybody at every second of them."""
    await db.execute("UPDATE inbox_events SET at = at - $1::interval", timedelta(days=days))
    await db.execute("UPDATE inbox_keys SET made_at = made_at - $1::interval", timedelta(days=days))


async def _count(db: Database, table: str) -> int:
    return int(await db.fetchval(f"SELECT count(*) FROM {table}"))
