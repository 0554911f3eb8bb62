"""Conversations with a real database: what comes, what is done, what the thread shows."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import pytest

from tests.clock import ManualClock
from tests.inbox.conftest import API, House, by, node
from tyrian.domain.content import Image, Text
from tyrian.domain.conversation import (
    ChannelInbox,
    Conversation,
    ConversationState,
    Ending,
    LegState,
    Opening,
    Pick,
    Role,
    Search,
    Target,
)
from tyrian.domain.people import EVERYWHERE, Place
from tyrian.domain.problem import Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan
from tyrian.engine.inbox_port import NotNow, NotThere
from tyrian.engine.intake import IdempotencyConflict
from tyrian.engine.ports import Channel, Inbound
from tyrian.engine.reacting import Asked, Verdict

ANA = "+385991234501"


class Closed:
    """A guard that lets nothing of a session through."""

    def applies(self, account_id: int, channel: Channel, plan: Plan) -> bool:
        return plan.purpose is Purpose.SESSION

    async def judge(self, asked: Sequence[Asked]) -> Sequence[Verdict | None]:
        return [Verdict("session_closed", "the session is over") for _ in asked]


class TestInbound:
    async def test_a_message_opens_a_conversation(self, house: House) -> None:
        await house.inbox()
        await house.say(ANA, "hello", name="Ana")
        it = await house.talk(ANA)
        assert (it.person, it.address, it.name, it.state, it.unread) == (
            "385991234501",
            ANA,
            "Ana",
            ConversationState.OPEN,
            1,
        )
        assert [(leg.role, leg.state) for leg in it.legs] == [(Role.CUSTOMER, LegState.CONNECTED)]
        assert await house.lines(it) == ["opened", "inbound: hello"]
        await house.say(ANA, "are you there?")
        it = await house.talk(ANA)
        assert it.unread == 2
        assert await house.lines(it) == ["opened", "inbound: hello", "inbound: are you there?"]

    async def test_a_channel_without_an_inbox_costs_nothing(self, house: House) -> None:
        await house.say(ANA, "hello")
        assert await house.desk.find(house.channel().id, ANA) is None
        assert not house.desk.recorder.wants(house.channel())

    async def test_a_repeat_of_the_network_is_one_line(self, house: House) -> None:
        await house.inbox()
        message = Inbound(ANA, "us", Text(text="once"), "same")
        await asyncio.gather(*(house.gateway.inbound.submit(house.channel(), [message]) for _ in range(5)))
        await house.reacted()
        assert await house.lines(await house.talk(ANA)) == ["opened", "inbound: once"]

    async def test_a_turn_taken_twice_is_one_line(self, house: House) -> None:
        await house.inbox()
        await house.say(ANA, "once")
        row = await house.gateway.db.fetchrow("SELECT id FROM inbound")
        assert row is not None
        await house.gateway.db.execute(
            "INSERT INTO turns (inbound_id, account_id, channel_id, notes, node, due_at)"
            " VALUES ($1, $2, $3, '{}', 1, $4)",
            row["id"], house.account_id, house.channel().id, house.gateway.clock.now(),
        )  # fmt: skip
        assert await house.gateway.turns.take_up() == 1
        await house.reacted()
        assert await house.lines(await house.talk(ANA)) == ["opened", "inbound: once"]

    async def test_it_goes_into_the_channels_queue(self, house: House) -> None:
        queue = await house.queue()
        await house.inbox(queue_id=queue.id)
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        assert (it.queue_id, it.agent_id) == (queue.id, None)
        assert it.with_agent
        assert await house.lines(it) == ["opened", "inbound: hello", "queued"]
        waiting = await house.desk.queue(house.account_id, "help")
        assert waiting is not None
        assert waiting.waiting == 1

    async def test_a_new_message_inside_the_threading_time_reopens(self, house: House, clock: ManualClock) -> None:
        await house.inbox(threading_time=3600)
        await house.say(ANA, "one")
        it = await house.talk(ANA)
        await house.desk.close(house.account_id, it.id, by=API)
        await clock.jump(3599)
        await house.say(ANA, "two")
        again = await house.talk(ANA)
        assert (again.id, again.state) == (it.id, ConversationState.OPEN)
        assert await house.lines(again) == ["opened", "inbound: one", "closed", "reopened", "inbound: two"]
        await house.desk.close(house.account_id, it.id, by=API)
        await clock.jump(3600)
        await house.say(ANA, "three")
        other = await house.talk(ANA)
        assert other.id != it.id
        assert await house.lines(other) == ["opened", "inbound: three"]

    async def test_idle_conversations_close_by_themselves(self, house: House, clock: ManualClock) -> None:
        await house.inbox(idle_time=600)
        await house.say(ANA, "hello")
        await clock.jump(300)
        await house.say(ANA, "still here")
        await clock.jump(599)
        await house.desk.routing.look()
        assert (await house.talk(ANA)).state is ConversationState.OPEN
        await clock.advance(1)
        await house.desk.routing.look()
        it = await house.talk(ANA)
        assert it.state is ConversationState.CLOSED
        assert {leg.ending for leg in it.legs} == {Ending.SYSTEM}

    async def test_an_idle_time_set_later_counts_too(self, house: House, clock: ManualClock) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        await house.inbox(idle_time=600)
        await clock.jump(600)
        await house.desk.routing.look()
        assert (await house.talk(ANA)).closed


class TestAnswering:
    async def test_an_answer_goes_out_and_stands_in_the_thread(self, house: House) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        item = await house.desk.send(house.account_id, it.id, Text(text="hi Ana"), by=API)
        assert item.message_id is not None
        await house.status(item.message_id, "sent")
        assert [(o.to, getattr(o.content, "text", "")) for o in house.one.sent] == [(ANA, "hi Ana")]
        it = await house.talk(ANA)
        assert (it.unread, it.last_outbound_at) == (0, house.gateway.clock.now())
        (line,) = [i for i in await house.thread(it) if i.message_id]
        assert (line.id, line.status, line.author) == (item.id, "sent", API)
        assert await house.gateway.db.fetchval("SELECT count(*) FROM conversation_sends") == 0

    async def test_the_same_key_sends_once(self, house: House) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it = await house.talk(ANA)

        async def answer() -> object:
            return await house.desk.send(house.account_id, it.id, Text(text="hi"), by=API, key="k")

        items = await asyncio.gather(*(answer() for _ in range(5)))
        assert len({getattr(item, "id", None) for item in items}) == 1
        assert len({getattr(item, "message_id", None) for item in items}) == 1
        assert await house.gateway.db.fetchval("SELECT count(*) FROM messages") == 1
        assert await house.lines(it) == ["opened", "inbound: hello", "outbound: hi"]
        with pytest.raises(IdempotencyConflict):
            await house.desk.send(house.account_id, it.id, Text(text="other"), by=API, key="k")

    async def test_what_the_channel_cannot_carry_is_refused_with_a_pointer(self, house: House) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        with pytest.raises(Refused) as refused:
            await house.desk.send(house.account_id, it.id, Text(text="x" * 1001), by=API, key="k")
        assert [p.pointer for p in refused.value.problems] == ["/content/text"]
        with pytest.raises(Refused):
            await house.desk.send(house.account_id, it.id, Image(url="https://x.example/a.png"), by=API)
        assert await house.gateway.db.fetchval("SELECT count(*) FROM conversation_sends") == 0
        assert await house.lines(it) == ["opened", "inbound: hello"]

    async def test_the_rules_of_the_session_stand_against_it_in_words(self, house: House) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        house.gateway.guards.all.append(Closed())
        with pytest.raises(Refused) as refused:
            await house.desk.send(house.account_id, it.id, Text(text="hi"), by=API, key="k")
        (problem,) = refused.value.problems
        assert (problem.pointer, problem.code) == ("", "session_closed")
        assert problem.message.startswith("the session is over; until they write, ")
        assert await house.lines(it) == ["opened", "inbound: hello"]
        house.gateway.guards.all.pop()
        sent = await house.desk.send(house.account_id, it.id, Text(text="hi"), by=API, key="k")
        assert sent.message_id is not None

    async def test_a_closed_conversation_takes_no_answer(self, house: House) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        await house.desk.close(house.account_id, it.id, by=API)
        with pytest.raises(NotNow):
            await house.desk.send(house.account_id, it.id, Text(text="hi"), by=API)
        with pytest.raises(NotThere):
            await house.desk.send(house.account_id, uuid4(), Text(text="hi"), by=API)

    async def test_an_alerted_agent_accepts_by_answering(self, house: House) -> None:
        queue = await house.queue()
        mia = await house.agent("mia", queue)
        await house.inbox(queue_id=queue.id)
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        assert [leg.state for leg in it.live(Role.AGENT)] == [LegState.ALERTING]
        item = await house.desk.send(house.account_id, it.id, Text(text="hi"), by=by(mia))
        it = await house.talk(ANA)
        (leg,) = it.live(Role.AGENT)
        assert (leg.state, leg.who, item.leg_id) == (LegState.CONNECTED, str(mia.id), leg.id)
        assert it.live(Role.QUEUE) == []
        lines = await house.lines(it)
        assert lines == ["opened", "inbound: hello", "queued", "assigned", "accepted", "outbound: hi"]

    async def test_notes_and_what_others_sent(self, house: House) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        await house.desk.note(house.account_id, it.id, "she is a friend", by=API, key="n")
        await house.desk.note(house.account_id, it.id, "she is a friend", by=API, key="n")
        message = (await house.submit(ANA, text="from a flow")).messages[0].id
        for _ in range(2):
            await house.desk.record(
                house.account_id, house.channel(), ANA, message_id=message, content=Text(text="from a flow"), by=API
            )
        lines = await house.lines(it)
        assert lines == ["opened", "inbound: hello", "note: she is a friend", "outbound: from a flow"]

    async def test_search_by_words_person_state_and_time(self, house: House, clock: ManualClock) -> None:
        await house.inbox()
        await house.say(ANA, "my parcel is late")
        await clock.jump(60)
        await house.say("+385991234502", "nothing to say")
        first, second = await house.talk(ANA), await house.talk("+385991234502")

        async def found(**fields: object) -> list[object]:
            search = Search(**fields)  # type: ignore[arg-type]
            return [c.id for c in await house.desk.list(house.account_id, search)]

        assert await found() == [second.id, first.id]
        assert await found(text="PARCEL late") == [first.id]
        assert await found(text="parcel nothing") == []
        assert await found(person=first.person) == [first.id]
        assert await found(since=clock.now()) == [second.id]
        assert await found(until=clock.now()) == [first.id]
        assert await found(before=(second.updated_at, second.id)) == [first.id]
        assert (await found(offset=1), await found(offset=2)) == ([first.id], [])
        await house.desk.close(house.account_id, first.id, by=API)
        assert await found(state=ConversationState.CLOSED) == [first.id]
        assert await found(open=True) == [second.id]
        assert await house.desk.count(house.account_id, Search(limit=1, offset=5)) == 2
        assert await house.desk.count(house.account_id, Search(open=True)) == 1
        assert list(await house.desk.list(house.account_id + 1, Search())) == []

    async def test_who_types_is_told_once_a_second_and_kept_nowhere(self, house: House, clock: ManualClock) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it, channel = await house.talk(ANA), house.channel("one")
        last = await house.desk.last_event(house.account_id)

        async def types(person: str = ANA) -> None:
            await house.desk.typing(channel, person)

        async def one(stream: Any) -> tuple[str, int]:
            told = await asyncio.wait_for(anext(stream), 20)
            return told.type, told.number

        async with (
            aclosing(house.desk.watch(house.account_id, after=last)) as stream,  # type: ignore[type-var]
            aclosing(house.desk.watch(house.account_id, after=last, conversation_id=uuid4())) as other,  # type: ignore[type-var]
        ):
            waiting, elsewhere = asyncio.ensure_future(one(stream)), asyncio.ensure_future(anext(other))

            async def watched() -> bool:
                return house.desk.watching.count == 2

            await house.until(watched)
            await types()
            assert await waiting == ("typing", last)
            await types()
            await types("+385991234502")
            await house.desk.note(house.account_id, it.id, "seen", by=API)
            assert [await one(stream), await one(stream)] == [("item", last + 1), ("conversation", last + 2)]
            await clock.advance(1)
            await types()
            assert await one(stream) == ("typing", last + 2)
            assert not elsewhere.done() or elsewhere.result() is None
            elsewhere.cancel()
            await asyncio.gather(elsewhere, return_exceptions=True)

    async def test_a_thread_is_read_in_pages(self, house: House) -> None:
        await house.inbox()
        for n in range(6):
            await house.say(ANA, str(n))
        it = await house.talk(ANA)
        last = await house.desk.items(house.account_id, it.id, limit=3)
        assert [getattr(i.content, "text", None) for i in last] == ["3", "4", "5"]
        before = await house.desk.items(house.account_id, it.id, before=last[0].id, limit=3)
        assert [getattr(i.content, "text", None) for i in before] == ["0", "1", "2"]
        after = await house.desk.items(house.account_id, it.id, after=before[-1].id, limit=2)
        assert [i.id for i in after] == [last[0].id, last[1].id]


class TestMoving:
    async def test_transfer_to_a_queue_and_an_agent_who_accepts(self, house: House) -> None:
        queue = await house.queue("first")
        other = await house.queue("second", pick=Pick.MANUAL)
        mia, leo = await house.agent("mia", queue), await house.agent("leo", other)
        await house.inbox(queue_id=queue.id)
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        await house.desk.accept(house.account_id, it.id, by=by(mia))
        it = await house.desk.transfer(
            house.account_id, it.id, Target(queue="second"), by=by(mia), note="please", key="t"
        )
        again = await house.desk.transfer(
            house.account_id, it.id, Target(queue="second"), by=by(mia), note="please", key="t"
        )
        assert again.revision == it.revision
        assert (it.state, it.agent_id, it.queue_id) == (ConversationState.TRANSFERRED, None, other.id)
        assert [leg.ending for leg in it.legs if leg.role is Role.AGENT] == [Ending.TRANSFER]
        with pytest.raises(NotNow):
            await house.desk.decline(house.account_id, it.id, by=by(leo))
        it = await house.desk.accept(house.account_id, it.id, by=API, agent="leo")
        assert (it.state, it.agent_id) == (ConversationState.OPEN, leo.id)
        it = await house.desk.transfer(house.account_id, it.id, Target(agent="mia"), by=by(leo), attended=True)
        assert it.state is ConversationState.TRANSFERRED
        assert [leg.name for leg in it.live(Role.AGENT)] == ["leo", "mia"]
        it = await house.desk.decline(house.account_id, it.id, by=by(mia))
        assert (it.state, it.agent_id) == (ConversationState.OPEN, leo.id)
        it = await house.desk.close(house.account_id, it.id, by=by(leo), wrapup="solved")
        assert it.state is ConversationState.CLOSED
        assert [(leg.name, leg.ending, leg.wrapup) for leg in it.legs][-2:] == [
            ("leo", Ending.CLIENT, "solved"), ("mia", Ending.CLIENT, None),
        ]  # fmt: skip

    async def test_a_transfer_names_one_target_that_there_is(self, house: House) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        for target, pointer in (
            (Target(), ""),
            (Target(queue="a", agent="b"), ""),
            (Target(queue="none"), "/queue"),
            (Target(agent="none"), "/agent"),
            (Target(channel="none"), "/channel"),
            (Target(external="voice"), "/external"),
        ):
            with pytest.raises(Refused) as refused:
                await house.desk.transfer(house.account_id, it.id, target, by=API)
            assert refused.value.problems[0].pointer == pointer

    async def test_transfer_to_another_channel_keeps_the_context(self, house: House) -> None:
        await house.inbox()
        await house.say(ANA, "hello")
        it = await house.talk(ANA)
        await house.desk.set_attributes(house.account_id, it.id, {"order": "7"})
        moved = await house.desk.transfer(house.account_id, it.id, Target(channel="two"), by=API)
        assert (moved.id, moved.channel_id, moved.attributes) == (it.id, house.channel("two").id, {"order": "7"})
        await house.say(ANA, "here now", channel="two")
        await house.desk.send(house.account_id, it.id, Text(text="good"), by=API)
        await house.until(lambda: _some(house.two.sent))
        assert house.two.texts() == ["good"]
        lines = await house.lines(moved)
        assert lines == ["opened", "inbound: hello", "transferred", "inbound: here now", "outbound: good"]
        await house.say(ANA, "and here", channel="one")
        assert (await house.talk(ANA)).id != it.id

    async def test_the_address_on_the_other_channel_is_that_of_the_contact(self, house: House) -> None:
        await house.inbox()
        await house.say("+aabb", "hello")
        it = await house.talk("+aabb")
        people = house.gateway.people
        contact = await people.on(house.channel(), it.person)
        assert contact is not None
        await people.add(house.account_id, contact.id, Place(EVERYWHERE, ANA.removeprefix("+")))
        moved = await house.desk.transfer(house.account_id, it.id, Target(channel="two"), by=API)
        assert (moved.person, moved.address) == (ANA.removeprefix("+"), ANA)

    async def test_leaving_closes_when_nobody_holds_it(self, house: House) -> None:
        it = await house.desk.open(house.account_id, house.channel(), ANA, by=API)
        (leg,) = it.live(Role.API)
        it = await house.desk.leave(house.account_id, it.id, leg.communication_id, by=API, wrapup="done")
        assert it.state is ConversationState.CLOSED
        assert [(x.role, x.ending, x.wrapup) for x in it.legs] == [
            (Role.CUSTOMER, Ending.PEER, None), (Role.API, Ending.CLIENT, "done"),
        ]  # fmt: skip
        with pytest.raises(NotThere):
            await house.desk.leave(house.account_id, it.id, uuid4(), by=API)

    async def test_reopening(self, house: House) -> None:
        await house.inbox(threading_time=0)
        await house.say(ANA, "one")
        it = await house.talk(ANA)
        with pytest.raises(NotNow):
            await house.desk.reopen(house.account_id, it.id, by=API)
        await house.desk.close(house.account_id, it.id, by=API)
        assert (await house.desk.reopen(house.account_id, it.id, by=API)).state is ConversationState.OPEN
        await house.desk.close(house.account_id, it.id, by=API)
        await house.say(ANA, "two")
        with pytest.raises(NotNow, match="another conversation"):
            await house.desk.reopen(house.account_id, it.id, by=API)

    async def test_of_changes_of_a_channels_inbox_at_once_none_is_lost(
        self, database_url: str, house: House, clock: ManualClock
    ) -> None:
        def longer(own: ChannelInbox | None) -> ChannelInbox:
            return ChannelInbox(threading_time=own.threading_time + 1) if own is not None else ChannelInbox(None, 1)

        async with node(database_url, clock, house.account_id) as other:
            channel = house.channel()
            changes = [h.desk.change_channel_inbox(house.account_id, channel, longer) for h in (house, other) * 5]
            left = await asyncio.gather(*changes)
            assert sorted(own.threading_time for own in left if own is not None) == list(range(1, 11))
            await other.desk.change_channel_inbox(house.account_id, channel, lambda own: None)
            assert await house.desk.change_channel_inbox(house.account_id, channel, lambda own: own) is None
            assert house.desk.channel_inbox(channel.id) is None

    async def test_who_is_silent_is_looked_at_again_when_the_idle_time_changes(self, house: House) -> None:
        async def due() -> Any:
            return await house.gateway.db.fetchval("SELECT due_at FROM conversations")

        await house.inbox()
        await house.say(ANA, "one")
        assert await due() is None
        await house.inbox(threading_time=7)
        assert await due() is None, "nothing about it has changed"
        await house.inbox(threading_time=7, idle_time=60)
        assert await due() is not None

    async def test_opening_finds_reopens_or_begins(self, house: House) -> None:
        opening = Opening(name="Ana", subject="order 7", attributes={"vip": "yes"})
        it = await house.desk.open(house.account_id, house.channel(), "385991234501", by=API, opening=opening, key="o")
        assert (it.address, it.name, it.subject, it.attributes) == (ANA, "Ana", "order 7", {"vip": "yes"})
        assert house.desk.channel_inbox(house.channel().id) is not None, "it has an inbox from now on"
        again = await house.desk.open(
            house.account_id, house.channel(), "385991234501", by=API, opening=opening, key="o"
        )
        other = await house.desk.open(house.account_id, house.channel(), ANA, by=API)
        assert it.id == again.id == other.id
        await house.desk.close(house.account_id, it.id, by=API)
        assert (await house.desk.open(house.account_id, house.channel(), ANA, by=API)).id == it.id
        await house.desk.close(house.account_id, it.id, by=API)
        new = await house.desk.open(house.account_id, house.channel(), ANA, by=API, opening=Opening(reopen=False))
        assert new.id != it.id
        with pytest.raises(Refused) as refused:
            await house.desk.open(house.account_id, house.channel(), "", by=API)
        assert refused.value.problems[0].pointer == "/person"

    async def test_attributes_are_a_flat_map_with_bounds(self, house: House) -> None:
        it = await house.desk.open(house.account_id, house.channel(), ANA, by=API)
        it = await house.desk.set_attributes(house.account_id, it.id, {"a": "1", "b": "2"}, subject="s")
        it = await house.desk.set_attributes(house.account_id, it.id, {"a": None, "c": "3"})
        assert (it.attributes, it.subject) == ({"b": "2", "c": "3"}, "s")
        leg = it.legs[0]
        it = await house.desk.set_attributes(house.account_id, it.id, {"x": "y"}, leg_id=leg.id)
        assert it.legs[0].attributes == {"x": "y"}
        assert it.attributes == {"b": "2", "c": "3"}
        with pytest.raises(Refused) as refused:
            await house.desk.set_attributes(house.account_id, it.id, {"long/name": "x" * 4001})
        assert refused.value.problems[0].pointer == "/attributes/long~1name"


class TestHandover:
    async def test_a_flow_hands_over_once(self, house: House) -> None:
        queue = await house.queue()
        await house.inbox()
        await house.say(ANA, "agent please")

        async def hand() -> Conversation:
            return await house.desk.handover(
                house.account_id, house.channel(), ANA, queue="help", agent=None, note="wants help",
                context={"order": 7, "name": "Ana"}, key="run-1",
            )  # fmt: skip

        first, it = await hand(), await hand()
        assert first.revision == it.revision
        assert (it.queue_id, it.attributes) == (queue.id, {"order": "7", "name": "Ana"})
        assert await house.lines(it) == ["opened", "inbound: agent please", "note: wants help", "queued"]
        assert await house.desk.is_with_agent(house.channel().id, ANA)
        await house.desk.close(house.account_id, it.id, by=API)
        assert not await house.desk.is_with_agent(house.channel().id, ANA)

    async def test_without_a_queue_it_is_the_channels_or_refused(self, house: House) -> None:
        async def hand() -> object:
            return await house.desk.handover(
                house.account_id, house.channel(), ANA, queue=None, agent=None, note="", context={}, key="x"
            )

        with pytest.raises(Refused) as refused:
            await hand()
        assert refused.value.problems[0].pointer == "/queue"
        queue = await house.queue()
        await house.inbox(queue_id=queue.id)
        await hand()
        assert (await house.talk(ANA)).queue_id == queue.id


async def _some(found: Sequence[object]) -> bool:
    return bool(found)
