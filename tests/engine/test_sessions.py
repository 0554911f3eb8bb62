"""Sessions on a running gateway: what goes out inside, outside, and once the person answers."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from tests.scripted import Script, Stage, staged
from tyrian.domain.content import Image, Text
from tyrian.domain.problem import Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.schedule import Schedule
from tyrian.domain.session import OptIn, SessionSettings, SessionState
from tyrian.domain.submission import Plan, Step
from tyrian.engine import ports
from tyrian.engine.channel_spec import ChannelChange
from tyrian.engine.known import Facts
from tyrian.engine.reacting import Asked, Verdict
from tyrian.engine.sessions import SessionGuard
from tyrian.store import sessions as store

PERSON, OTHER = "+385991234501", "+385991234502"
STRICT = SessionSettings(enforced=True, sent_limit=3, unanswered_limit=2)
ASKING = SessionSettings(enforced=True, opt_in=OptIn(content=Text(text="may we write?")))
_numbers = count()


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    channels: dict[str, dict[str, Any]] = {"one": {"sessions": STRICT}, "two": {}, "asking": {"sessions": ASKING}}
    async with staged(database_url, channels=channels, scale=60) as running:
        yield running


async def says(stage: Stage, person: str = PERSON, channel: str = "one") -> None:
    message = ports.Inbound(person, channel, Text(text="hello"), f"p{next(_numbers)}")
    await stage.gateway.inbound.submit(stage.entry(channel).channel, [message])


async def send(stage: Stage, to: str = PERSON, channel: str = "one", text: str = "hello", **plan: Any) -> UUID:
    """A session message that is asked about right before the send, as those of other dialects are."""
    steps = [Step(channel=channel, content=Text(text=text))]
    plan = {"purpose": Purpose.SESSION, "face": "tyntec", "cascade": steps} | plan
    identifier: UUID = (await stage.submit(to, **plan)).messages[0].id
    return identifier


async def state(stage: Stage, person: str = PERSON, channel: str = "one") -> SessionState:
    return await stage.gateway.sessions.state(stage.account_id, stage.entry(channel).channel.id, person)


async def test_a_session_opens_with_what_a_person_writes(stage: Stage) -> None:
    before = await state(stage)
    assert (before.open, before.last_inbound_at, before.expires_at, before.opted_in) == (False, None, None, False)
    await says(stage)
    found = await state(stage)
    assert found.open
    assert found.opted_in
    assert found.last_inbound_at is not None
    assert found.expires_at == found.last_inbound_at + timedelta(hours=24)
    assert (found.sent, found.sent_limit, found.unanswered, found.unanswered_limit) == (0, 3, 0, 2)
    assert not (await state(stage, OTHER)).open
    assert not (await state(stage, channel="two")).open


async def test_inside_it_goes_out_and_counts(stage: Stage) -> None:
    await says(stage)
    await stage.status(await send(stage), "sent")
    found = await state(stage)
    assert (found.sent, found.unanswered) == (1, 1)


async def test_outside_it_is_refused_before_the_send(stage: Stage) -> None:
    row = await stage.status(await send(stage), "failed")
    assert row["reason"] == "session_closed"
    assert stage.one.sent == []


async def test_the_native_api_is_told_at_once(stage: Stage) -> None:
    with pytest.raises(Refused) as refused:
        await send(stage, face="native")
    (problem,) = refused.value.problems
    assert (problem.pointer, problem.code) == ("/to", "session_closed")
    assert "24 hours" in problem.message


class TestLimits:
    async def test_a_further_try_is_not_counted_again(self, stage: Stage) -> None:
        await says(stage)
        stage.one.answers[PERSON] = [lambda outgoing: ports.Retry("throttled", after=0.01)] * 2
        await stage.status(await send(stage), "sent")
        assert len(stage.one.sent) == 3
        assert (await state(stage)).sent == 1

    async def test_what_was_counted_before_a_crash_is_not_counted_again(self, stage: Stage) -> None:
        await says(stage)
        (guard,) = (g for g in stage.gateway.guards.all if isinstance(g, SessionGuard))
        asked = await about_to_go(stage)
        assert await guard.judge([asked]) == [None]
        assert await guard.judge([asked]) == [None], "another node takes the attempt up"
        assert (await state(stage)).sent == 1

    async def test_several_of_one_person_at_once_are_counted_one_by_one(self, stage: Stage) -> None:
        await says(stage)
        (guard,) = (g for g in stage.gateway.guards.all if isinstance(g, SessionGuard))
        asked = [await about_to_go(stage) for _ in range(4)]
        reasons = [verdict and verdict.reason for verdict in await guard.judge(asked)]
        assert sorted(map(str, reasons)) == ["None", "None", "unanswered_limit", "unanswered_limit"]
        assert (await state(stage)).unanswered == 2

    async def test_unanswered_in_a_row(self, stage: Stage) -> None:
        await says(stage)
        for _ in range(2):
            await stage.status(await send(stage), "sent")
        row = await stage.status(await send(stage), "failed")
        assert row["reason"] == "unanswered_limit"
        await says(stage)
        await stage.status(await send(stage), "sent")
        assert (await state(stage)).sent == 3

    async def test_a_session_that_is_used_up(self, stage: Stage) -> None:
        await says(stage)
        for _ in range(3):
            await stage.status(await send(stage), "sent")
            if (await state(stage)).sent < 3:
                await says(stage)
        row = await stage.status(await send(stage), "failed")
        assert row["reason"] == "session_full"
        await says(stage)
        assert (await state(stage)).sent == 0
        await stage.status(await send(stage), "sent")

    async def test_a_session_that_is_over(self, stage: Stage) -> None:
        await says(stage)
        await stage.status(await send(stage), "sent")
        await age(stage, 25)
        found = await state(stage)
        assert (found.open, found.sent, found.opted_in) == (False, 0, True)
        assert (await stage.status(await send(stage), "failed"))["reason"] == "session_closed"

    async def test_a_channel_says_otherwise(self, stage: Stage) -> None:
        await stage.status(await send(stage, channel="two"), "sent")
        change = ChannelChange(sessions=SessionSettings(enforced=True))
        await stage.gateway.channels.update(stage.account_id, "two", change)
        assert (await stage.status(await send(stage, channel="two"), "failed"))["reason"] == "session_closed"
        await stage.gateway.channels.update(stage.account_id, "two", ChannelChange(sessions=None))
        await stage.status(await send(stage, channel="two"), "sent")


class TestWhoIsAsked:
    async def test_other_messages_cost_nothing(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        async def never(*args: Any) -> Any:
            raise AssertionError("asked the database")

        for name in ("count", "find", "wait"):
            monkeypatch.setattr(store, name, never)
        for purpose in (Purpose.TRANSACTIONAL, Purpose.OTP, Purpose.PROMOTIONAL):
            for face in ("native", "tyntec"):
                await stage.status(await send(stage, purpose=purpose, face=face), "sent")
        await stage.status(await send(stage, channel="two", face="native"), "sent")

    async def test_a_cascade_goes_on(self, stage: Stage) -> None:
        steps = [Step(channel="one", content=Text(text="a")), Step(channel="two", content=Text(text="b"))]
        for face in ("native", "tyntec"):
            identifier = await send(stage, cascade=steps, face=face)
            await stage.status(identifier, "sent")
            first, second = await stage.attempts(identifier)
            assert (first["reason"], first["status"], second["status"]) == ("session_closed", "failed", "sent")
        assert stage.two.texts() == ["b", "b"]

    async def test_a_bulk_is_asked_about_before_each_send(self, stage: Stage) -> None:
        await says(stage, OTHER)
        accepted = await stage.submit(PERSON, OTHER, purpose=Purpose.SESSION, bulk=True)
        barred, sent = (m.id for m in accepted.messages)
        assert (await stage.status(barred, "failed"))["reason"] == "session_closed"
        await stage.status(sent, "sent")

    async def test_what_is_scheduled_is_not_refused_beforehand(self, stage: Stage) -> None:
        at = stage.gateway.clock.now() + timedelta(seconds=60)
        identifier = await send(stage, face="native", schedule=Schedule(send_at=at))
        await says(stage)
        await stage.status(identifier, "sent")

    async def test_the_native_api_is_told_of_each_rule(self, stage: Stage) -> None:
        await says(stage)
        for _ in range(2):
            await stage.status(await send(stage), "sent")
        with pytest.raises(Refused) as refused:
            await send(stage, face="native")
        (problem,) = refused.value.problems
        assert (problem.code, problem.message) == (
            "unanswered_limit", "2 messages in a row went unanswered; the person must write first",
        )  # fmt: skip

    async def test_an_address_is_the_same_with_and_without_its_plus(self, stage: Stage) -> None:
        await says(stage, PERSON.removeprefix("+"))
        assert (await state(stage, PERSON)).open
        await stage.status(await send(stage, PERSON), "sent")

    async def test_nothing_is_told_of_another_accounts_channel(self, stage: Stage) -> None:
        await says(stage)
        number = stage.entry().channel.id
        found = await stage.gateway.sessions.state(stage.account_id + 1, number, PERSON)
        assert (found.open, found.last_inbound_at, found.opted_in) == (False, None, False)
        assert await stage.gateway.sessions.opened(stage.account_id + 1, (0, ""), None, 10) == []


class TestInstead:
    """The opt-in message, and what waits behind it."""

    @pytest.fixture(params=["native", "tyntec"])
    def face(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    async def test_it_goes_out_and_the_answer_lets_everything_go(self, stage: Stage, face: str) -> None:
        first = await send(stage, channel="asking", text="first", face=face)
        await put_off(stage, first)
        second = await send(stage, channel="asking", text="second", face=face)
        await put_off(stage, second)
        assert asking(stage).texts() == ["may we write?"]
        assert asking(stage).sent[0].purpose is Purpose.TRANSACTIONAL
        assert (await state(stage, channel="asking")).sent == 0
        await says(stage, channel="asking")
        for identifier in (first, second):
            await stage.status(identifier, "sent")
        assert asking(stage).texts() == ["may we write?", "first", "second"]
        assert (await state(stage, channel="asking")).sent == 2
        assert await stage.events(first) == ["put_off", "sent"]
        assert await rows(stage, "session_waits") == 0

    async def test_other_people_and_other_messages_are_not_held_up(self, stage: Stage) -> None:
        await put_off(stage, await send(stage, channel="asking"))
        await stage.status(await send(stage, channel="asking", purpose=Purpose.TRANSACTIONAL), "sent")
        await says(stage, OTHER, channel="asking")
        await stage.status(await send(stage, OTHER, channel="asking"), "sent")

    async def test_what_is_not_answered_expires(self, stage: Stage) -> None:
        identifier = await send(stage, channel="asking", validity=60)
        row = await stage.status(identifier, "expired")
        assert row["reason"] == "validity_passed"
        assert asking(stage).texts() == ["may we write?"]
        await stage.gateway.sessions.forget(stage.gateway.clock.now() - timedelta(days=1))
        assert await rows(stage, "session_waits") == 0

    async def test_the_fallback_time_counts_from_the_first_look(self, stage: Stage) -> None:
        steps = [
            Step(channel="asking", content=Text(text="a"), fallback_time=60),
            Step(channel="two", content=Text(text="b")),
        ]
        waiting = await send(stage, channel="asking", text="long")
        identifier = await send(stage, cascade=steps)
        await stage.status(identifier, "sent")
        assert stage.two.texts() == ["b"]
        assert (await stage.attempts(identifier))[0]["reason"] == "fallback_time_passed"
        assert (await stage.message(waiting))["status"] == "accepted", "it does not hold up those behind it"

    async def test_it_is_sent_once_for_each_time_without_a_session(self, stage: Stage) -> None:
        await put_off(stage, await send(stage, channel="asking"))
        await stage.gateway.db.execute("DELETE FROM idempotency")
        await put_off(stage, await send(stage, channel="asking"))
        assert asking(stage).texts() == ["may we write?"]
        await says(stage, channel="asking")
        await stage.until(lambda: sends(stage, 3))
        await age(stage, 25)
        await put_off(stage, await send(stage, channel="asking"))
        await stage.until(lambda: sends(stage, 4))
        assert asking(stage).texts()[-1] == "may we write?"

    async def test_a_person_who_writes_while_the_message_is_put_off(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wait, writing = store.wait, []

        async def meanwhile(*args: Any) -> Any:
            found = await wait(*args)
            await says(stage, channel="asking")
            writing.append(found.waits)
            return found

        monkeypatch.setattr(store, "wait", meanwhile)
        await stage.status(await send(stage, channel="asking"), "sent")
        assert writing == [True]

    async def test_a_person_who_writes_just_before_is_not_asked(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wait = store.wait

        async def late(*args: Any) -> Any:
            await says(stage, channel="asking")
            return await wait(*args)

        monkeypatch.setattr(store, "wait", late)
        await stage.status(await send(stage, channel="asking"), "sent")
        assert asking(stage).texts() == ["hello"]

    async def test_where_it_may_not_go_out_nothing_waits(self, stage: Stage) -> None:
        class Strict:
            def applies(self, account_id: int, channel: ports.Channel, plan: Plan) -> bool:
                return plan.purpose is Purpose.TRANSACTIONAL

            async def judge(self, asked: Sequence[Asked]) -> list[Verdict | None]:
                return [Verdict("opted_out", "the person opted out") for _ in asked]

        stage.gateway.guards.all.append(Strict())
        row = await stage.status(await send(stage, channel="asking"), "failed")
        assert row["reason"] == "session_closed"
        assert asking(stage).sent == []

    async def test_a_message_that_waits_can_be_cancelled(self, stage: Stage) -> None:
        accepted = await stage.submit(PERSON, cascade=[Step(channel="asking", content=Text(text="a"))],
                                      purpose=Purpose.SESSION, bulk=True)  # fmt: skip
        identifier = accepted.messages[0].id
        await put_off(stage, identifier)
        await stage.gateway.bulks.cancel(stage.account_id, accepted.bulk_id)
        await stage.status(identifier, "cancelled")
        await says(stage, channel="asking")
        await stage.until(lambda: none(stage, "turns"))
        assert asking(stage).texts() == ["may we write?"]


async def test_an_opt_in_message_must_fit_its_channel(stage: Stage) -> None:
    image = Image(url="https://shop.example/a.png")
    change = ChannelChange(sessions=SessionSettings(opt_in=OptIn(content=image)))
    with pytest.raises(Refused) as refused:
        await stage.gateway.channels.update(stage.account_id, "one", change)
    assert [p.pointer for p in refused.value.problems] == ["/sessions/opt_in/content/type"]


async def test_open_sessions_are_listed_by_channel_and_person(stage: Stage) -> None:
    for channel in ("two", "one"):
        for person in (OTHER, PERSON):
            await says(stage, person, channel)
    one, two = (stage.entry(name).channel.id for name in ("one", "two"))
    people = [PERSON.removeprefix("+"), OTHER.removeprefix("+")]
    found = await stage.gateway.sessions.opened(stage.account_id, (0, ""), None, 10)
    assert [key for key, _ in found] == [(one, people[0]), (one, people[1]), (two, people[0]), (two, people[1])]
    rest = await stage.gateway.sessions.opened(stage.account_id, found[1][0], None, 1)
    assert [key for key, _ in rest] == [(two, people[0])]
    assert len(await stage.gateway.sessions.opened(stage.account_id, (0, ""), one, 10)) == 2
    await age(stage, 25)
    assert await stage.gateway.sessions.opened(stage.account_id, (0, ""), None, 10) == []


async def test_what_the_network_and_the_contact_say_of_consent(stage: Stage) -> None:
    await says(stage)
    channel, now = stage.entry().channel, stage.gateway.clock.now()
    gone = ports.Subscription(PERSON, subscribed=False, at=now + timedelta(seconds=1))
    await stage.gateway.inbound.subscriptions(channel, [gone])
    assert not (await state(stage)).opted_in


async def test_sessions_that_ended_long_ago_are_forgotten(stage: Stage) -> None:
    await says(stage)
    now = stage.gateway.clock.now()
    await stage.gateway.sessions.forget(now)
    assert (await state(stage)).open
    await stage.gateway.sessions.forget(now + timedelta(days=2))
    assert await rows(stage, "sessions") == 0


# -- Helpers ----------------------------------------------------------------------------------------------------------


async def age(stage: Stage, hours: int) -> None:
    """Lets the time pass since people wrote."""
    ago = timedelta(hours=hours)
    await stage.gateway.db.execute(
        "UPDATE sessions SET opened_at = opened_at - $1::interval, last_inbound_at = last_inbound_at - $1::interval,"
        " expires_at = expires_at - $1::interval", ago,
    )  # fmt: skip


async def about_to_go(stage: Stage) -> Asked:
    """What a guard is asked right before a send."""
    now, channel = stage.gateway.clock.now(), stage.entry().channel
    plan = Plan(cascade=[Step(channel="one", content=Text(text="hello"))], purpose=Purpose.SESSION)
    ids = stage.gateway.ids
    ends = now + timedelta(days=2)
    facts = Facts(ids.new(now), stage.account_id, ids.new(now), 0, channel.id, PERSON, 1, 0, now, ends)
    person = PERSON.removeprefix("+")
    return Asked(stage.account_id, channel, "", person, plan, plan.cascade[0].content, now, facts)


async def put_off(stage: Stage, identifier: UUID) -> None:
    """Waits until a message is put off."""

    async def look() -> bool:
        return await stage.events(identifier) == ["put_off"]

    await stage.until(look)


def asking(stage: Stage) -> Script:
    return stage.scripts["asking"]


async def sends(stage: Stage, number: int) -> bool:
    return len(asking(stage).sent) == number


async def rows(stage: Stage, table: str) -> int:
    return int(await stage.gateway.db.fetchval(f"SELECT count(*) FROM {table}"))


async def none(stage: Stage, table: str) -> bool:
    return await rows(stage, table) == 0
