"""Agents: who gets what, that nobody gets more than they take, and that two nodes cannot both fill one place."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.clock import ManualClock
from tests.inbox.conftest import API, House, by, node
from tyrian.domain.conversation import AgentState, ConversationState, Ending, Hours, LegState, Pick, Role
from tyrian.domain.problem import Refused
from tyrian.engine.inbox_port import NotNow

ANA = "+385991234501"


def person(n: int) -> str:
    return f"+3859912345{n:02d}"


class TestPicking:
    async def test_a_new_conversation_alerts_an_available_agent_with_room(self, house: House) -> None:
        queue = await house.queue()
        await house.agent("away", queue, state="away")
        await house.agent("elsewhere")
        mia = await house.agent("mia", queue, capacity=1)
        await house.inbox(queue_id=queue.id)
        await house.say(person(1), "one")
        await house.say(person(2), "two")
        first, second = await house.talk(person(1)), await house.talk(person(2))
        assert (first.agent_id, second.agent_id) == (mia.id, None)
        await house.desk.close(house.account_id, first.id, by=by(mia))
        assert (await house.talk(person(2))).agent_id == mia.id, "who is done gets the next"

    async def test_who_becomes_available_gets_what_waits(self, house: House) -> None:
        queue = await house.queue()
        await house.inbox(queue_id=queue.id)
        for n in range(4):
            await house.say(person(n), "hello")
        mia = await house.agent("mia", queue, capacity=3)
        agents = [(await house.talk(person(n))).agent_id for n in range(4)]
        assert agents == [mia.id] * 3 + [None], "the longest waiting first"
        assert mia.load == 3

    async def test_the_longest_idle_comes_first(self, house: House, clock: ManualClock) -> None:
        queue = await house.queue()
        await house.inbox(queue_id=queue.id)
        mia = await house.agent("mia", queue)
        await clock.advance(1)
        leo = await house.agent("leo", queue)
        await house.say(person(1), "hello")
        it = await house.talk(person(1))
        assert it.agent_id == mia.id
        await clock.advance(1)
        await house.desk.close(house.account_id, it.id, by=by(mia))
        await house.say(person(2), "hello")
        assert (await house.talk(person(2))).agent_id == leo.id, "mia has just been busy"

    async def test_round_robin_goes_round(self, house: House, clock: ManualClock) -> None:
        queue = await house.queue(pick=Pick.ROUND_ROBIN)
        await house.inbox(queue_id=queue.id)
        for name in ("a", "b", "c"):
            await house.agent(name, queue)
        got = []
        for n in range(6):
            await clock.advance(1)
            await house.say(person(n), "hello")
            got.append((await house.talk(person(n))).agent_id)
        assert got[:3] == got[3:]
        assert len(set(got)) == 3

    async def test_a_manual_queue_picks_nobody(self, house: House) -> None:
        queue = await house.queue(pick=Pick.MANUAL)
        mia = await house.agent("mia", queue)
        await house.inbox(queue_id=queue.id)
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        assert it.agent_id is None
        it = await house.desk.accept(house.account_id, it.id, by=by(mia))
        assert (it.agent_id, it.live(Role.QUEUE)) == (mia.id, [])
        again = await house.desk.accept(house.account_id, it.id, by=by(mia))
        assert again.agent_id == mia.id
        leo = await house.agent("leo", queue)
        with pytest.raises(NotNow, match="mia"):
            await house.desk.accept(house.account_id, it.id, by=by(leo))

    async def test_outside_its_hours_a_queue_picks_nobody(self, house: House, clock: ManualClock) -> None:
        # The clock begins on a Thursday, at noon in UTC and one o'clock in Zagreb.
        assert clock.now() == datetime(2026, 1, 1, 12, tzinfo=UTC)
        hours = [Hours(day=4, opens="14:00", closes="15:00")]
        queue = await house.queue(hours=hours, timezone="Europe/Zagreb")
        mia = await house.agent("mia", queue)
        await house.inbox(queue_id=queue.id)
        await house.say(ANA, "hello")
        assert (await house.talk(ANA)).agent_id is None
        await clock.jump(3600)
        await house.desk.routing.look()
        assert (await house.talk(ANA)).agent_id == mia.id

    async def test_hours_and_names_are_checked(self, house: House) -> None:
        with pytest.raises(Refused) as refused:
            await house.queue(hours=[Hours(day=1, opens="20:00", closes="08:00")], timezone="Nowhere")
        assert [p.pointer for p in refused.value.problems] == ["/hours/0/closes", "/timezone"]
        await house.queue("help")
        with pytest.raises(Refused) as refused:
            await house.queue("help")
        assert [(p.pointer, p.code) for p in refused.value.problems] == [("/name", "taken")]

    async def test_the_last_agent_is_asked_again(self, house: House, clock: ManualClock) -> None:
        queue = await house.queue()
        await house.inbox(queue_id=queue.id)
        mia = await house.agent("mia", queue)
        await house.say(ANA, "hello")
        it = await house.desk.accept(house.account_id, (await house.talk(ANA)).id, by=by(mia))
        await clock.advance(1)
        await house.agent("leo", queue)
        await clock.advance(1)
        await house.desk.close(house.account_id, it.id, by=by(mia))
        await house.say(ANA, "one more thing")
        assert (await house.talk(ANA)).agent_id == mia.id


class TestNotAnswering:
    async def test_who_declines_is_passed_over(self, house: House) -> None:
        queue = await house.queue()
        mia, leo = await house.agent("mia", queue), await house.agent("leo", queue)
        await house.inbox(queue_id=queue.id)
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        first = mia if it.agent_id == mia.id else leo
        other = leo if first is mia else mia
        it = await house.desk.decline(house.account_id, it.id, by=by(first))
        assert it.agent_id == other.id
        it = await house.desk.decline(house.account_id, it.id, by=by(other))
        assert it.agent_id is None
        await house.desk.routing.look()
        assert (await house.talk(ANA)).agent_id is None, "both have declined"
        zoe = await house.agent("zoe", queue)
        assert (await house.talk(ANA)).agent_id == zoe.id

    async def test_who_misses_it_is_away(self, house: House, clock: ManualClock) -> None:
        queue = await house.queue(alert_time=30)
        mia = await house.agent("mia", queue)
        await house.inbox(queue_id=queue.id)
        await house.say(ANA, "hello")
        await clock.jump(29)
        await house.desk.routing.look()
        assert (await house.talk(ANA)).agent_id == mia.id
        await clock.advance(1)
        await house.desk.routing.look()
        it = await house.talk(ANA)
        assert it.agent_id is None
        assert [leg.ending for leg in it.legs if leg.role is Role.AGENT] == [Ending.TIMEOUT]
        known = await house.desk.agent(house.account_id, "mia")
        assert known is not None
        assert known.state is AgentState.AWAY
        await house.desk.routing.look()
        assert "missed" in await house.lines(it)

    async def test_an_accepted_one_is_not_missed(self, house: House, clock: ManualClock) -> None:
        queue = await house.queue(alert_time=30)
        mia = await house.agent("mia", queue)
        await house.inbox(queue_id=queue.id)
        await house.say(ANA, "hello")
        it = await house.desk.accept(house.account_id, (await house.talk(ANA)).id, by=by(mia))
        await clock.jump(60)
        await house.desk.routing.look()
        assert [leg.state for leg in (await house.talk(ANA)).live(Role.AGENT)] == [LegState.CONNECTED]
        assert it.state is ConversationState.OPEN

    async def test_who_leaves_gives_back_on_request(self, house: House) -> None:
        queue = await house.queue()
        await house.inbox(queue_id=queue.id)
        mia = await house.agent("mia", queue)
        await house.say(person(1), "hello")
        await house.say(person(2), "hello")
        await house.desk.accept(house.account_id, (await house.talk(person(1))).id, by=by(mia))
        with pytest.raises(NotNow):
            await house.desk.requeue(house.account_id, "mia", by=API)
        with pytest.raises(NotNow):
            await house.desk.delete_agent(house.account_id, mia)
        mia = await house.agent("mia", queue, state="offline")
        assert await house.desk.requeue(house.account_id, "mia", by=API) == (2, 0)
        talks = [await house.talk(person(n)) for n in (1, 2)]
        assert [(t.agent_id, t.with_agent) for t in talks] == [(None, True)] * 2
        await house.desk.delete_agent(house.account_id, mia)
        leo = await house.agent("leo", queue)
        assert {(await house.talk(person(n))).agent_id for n in (1, 2)} == {leo.id}


class TestOneIsSpoilt:
    """A conversation that cannot be read holds up none of those behind it."""

    async def spoil(self, house: House, who: str) -> bytes:
        it = await house.talk(who)
        db = house.gateway.db
        legs: bytes = await db.fetchval("SELECT legs FROM conversations WHERE id = $1", it.id)
        await db.execute("UPDATE conversations SET legs = 'no legs' WHERE id = $1", it.id)
        return legs

    async def mend(self, house: House, legs: bytes) -> None:
        await house.gateway.db.execute("UPDATE conversations SET legs = $1 WHERE legs = 'no legs'", legs)

    async def test_what_is_due(self, house: House, clock: ManualClock) -> None:
        await house.inbox(idle_time=60)
        for n in (1, 2):
            await house.say(person(n), "hello")
            await clock.jump(1)
        legs = await self.spoil(house, person(1))
        await clock.jump(60)
        await house.desk.routing.look()
        assert (await house.talk(person(2))).closed
        due = await house.gateway.db.fetchval("SELECT due_at FROM conversations WHERE legs = 'no legs'")
        assert due > clock.now(), "it is looked at again, and not at once"
        await self.mend(house, legs)
        await clock.jump(60)
        await house.desk.routing.look()
        assert (await house.talk(person(1))).closed

    async def test_who_waits_for_an_agent(self, house: House) -> None:
        queue = await house.queue()
        await house.inbox(queue_id=queue.id)
        for n in (1, 2):
            await house.say(person(n), "hello")
        legs = await self.spoil(house, person(1))
        mia = await house.agent("mia", queue)
        assert (await house.talk(person(2))).agent_id == mia.id
        await self.mend(house, legs)
        await house.desk.routing.look()
        assert (await house.talk(person(1))).agent_id == mia.id


class TestTwoNodes:
    async def test_no_place_is_filled_twice(self, database_url: str, clock: ManualClock) -> None:
        async with node(database_url, clock) as one, node(database_url, clock, one.account_id) as two:
            queue = await one.queue()
            await one.inbox(queue_id=queue.id)
            agents = [await one.agent(f"agent-{n}", queue, state="offline", capacity=3) for n in range(4)]
            for n in range(30):
                await one.say(person(n), "hello")
            await one.gateway.db.execute("UPDATE inbox_agents SET state = 'available'")
            await asyncio.gather(*(house.desk.routing.look() for house in (one, two) for _ in range(3)))
            rows = await one.gateway.db.fetch(
                "SELECT agent_id, count(*) AS n FROM conversations WHERE agent_id IS NOT NULL GROUP BY agent_id"
            )
            assert {row["agent_id"]: row["n"] for row in rows} == {agent.id: 3 for agent in agents}
            for n in range(30):
                it = await one.talk(person(n))
                assert len(it.live(Role.AGENT)) == (1 if it.agent_id else 0)

    async def test_one_conversation_however_many_nodes_hear_of_it(self, database_url: str, clock: ManualClock) -> None:
        async with node(database_url, clock) as one, node(database_url, clock, one.account_id) as two:
            queue = await one.queue()
            await one.inbox(queue_id=queue.id)
            await two.gateway.channels.refresh()
            await two.desk.base.inboxes.refresh()
            await asyncio.gather(*(house.say(ANA, f"{n}") for n in range(10) for house in (one, two)))
            assert await one.gateway.db.fetchval("SELECT count(*) FROM conversations") == 1
            lines = await one.lines(await one.talk(ANA))
            assert sorted(lines) == sorted(["opened", "queued", *[f"inbound: {n}" for n in range(10)] * 2])

    async def test_two_agents_take_the_same_at_once(self, database_url: str, clock: ManualClock) -> None:
        async with node(database_url, clock) as one, node(database_url, clock, one.account_id) as two:
            queue = await one.queue(pick=Pick.MANUAL)
            await one.inbox(queue_id=queue.id)
            mia, leo = await one.agent("mia", queue), await one.agent("leo", queue)
            await one.say(ANA, "hello")
            it = await one.talk(ANA)
            outcomes = await asyncio.gather(
                one.desk.accept(one.account_id, it.id, by=by(mia)),
                two.desk.accept(one.account_id, it.id, by=by(leo)),
                return_exceptions=True,
            )
            assert sum(isinstance(outcome, NotNow) for outcome in outcomes) == 1
            assert len((await one.talk(ANA)).live(Role.AGENT)) == 1
