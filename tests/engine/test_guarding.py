"""Guards on a running gateway: who is told at once, what is stopped right before the send, and what only waits."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.scripted import Stage, staged
from tyrian.domain.content import Base as Content, Text
from tyrian.domain.problem import Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan, Step
from tyrian.engine import groups, ports
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.known import Facts, Known
from tyrian.engine.reacting import Asked, Verdict

ANA, IVO = "+385991234501", "+385991234502"
BOTH = [Step(channel="one", content=Text(text="first")), Step(channel="two", content=Text(text="second"))]


def opted_out(asked: Asked) -> Verdict | None:
    return Verdict("opted_out", f"the person opted out of {asked.channel.name}")


@dataclass
class Rule:
    """A guard that says what a test wants of the messages on some channels, and keeps what it was asked."""

    says: Callable[[Asked], Verdict | None] = opted_out
    channels: tuple[str, ...] = ("one", "two")
    asked: list[Asked] = field(default_factory=list)

    def applies(self, account_id: int, channel: ports.Channel, plan: Plan) -> bool:
        return channel.name in self.channels

    async def judge(self, asked: Sequence[Asked]) -> list[Verdict | None]:
        self.asked += asked
        return [self.says(one) for one in asked]


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    async with staged(database_url, scale=60) as running:
        yield running


def guarded(stage: Stage, *rules: Rule) -> None:
    stage.gateway.guards.all[:] = rules


async def send(stage: Stage, to: str = ANA, **more: Any) -> UUID:
    identifier: UUID = (await stage.submit(to, **more)).messages[0].id
    return identifier


class TestAtAcceptance:
    async def test_a_single_native_message_is_refused_with_each_rule(self, stage: Stage) -> None:
        guarded(stage, Rule())
        with pytest.raises(Refused) as refused:
            await send(stage, cascade=BOTH)
        assert [(p.pointer, p.message, p.code) for p in refused.value.problems] == [
            ("/to", "the person opted out of one", "opted_out"),
            ("/to", "the person opted out of two", "opted_out"),
        ]
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM messages") == 0

    async def test_a_rule_of_every_step_is_named_once(self, stage: Stage) -> None:
        guarded(stage, Rule(lambda asked: Verdict("suppressed", "nobody writes to this address")))
        with pytest.raises(Refused) as refused:
            await send(stage, cascade=BOTH)
        assert len(refused.value.problems) == 1

    async def test_one_step_that_may_go_is_enough(self, stage: Stage) -> None:
        guarded(stage, Rule(channels=("one",)))
        await stage.status(await send(stage, cascade=BOTH), "sent")
        assert (stage.one.texts(), stage.two.texts()) == ([], ["second"])

    async def test_what_is_only_put_off_is_accepted(self, stage: Stage) -> None:
        guarded(stage, Rule(lambda asked: Verdict("quiet_hours", "it is night", asked.at + timedelta(days=1))))
        await put_off(stage, await send(stage))

    async def test_what_it_is_asked(self, stage: Stage) -> None:
        rule = Rule(lambda asked: None)
        guarded(stage, rule)
        identifier = await send(stage, purpose=Purpose.PROMOTIONAL)
        await stage.status(identifier, "sent")
        accepted, going = rule.asked
        assert (accepted.account_id, accepted.person, accepted.channel.name) == (stage.account_id, ANA[1:], "one")
        assert (accepted.plan.purpose, accepted.content) == (Purpose.PROMOTIONAL, Text(text="hello"))
        assert accepted.attempt is None
        assert going.attempt is not None
        assert (going.attempt.message_id, going.person) == (identifier, ANA[1:])

    async def test_a_groups_members_are_asked_about_before_the_send(self, stage: Stage) -> None:
        members = {"members": [{"channel": "one"}]}
        spec = ChannelSpec(name="group", kind=groups.NAME, config=members)
        await stage.gateway.channels.create(stage.account_id, spec)
        guarded(stage, Rule())
        identifier = await send(stage, cascade=[Step(channel="group", content=Text(text="a"))])
        assert (await stage.status(identifier, "failed"))["reason"] == "opted_out"


class TestBeforeTheSend:
    async def test_other_dialects_are_told_by_the_outcome(self, stage: Stage) -> None:
        guarded(stage, Rule())
        identifier = await send(stage, cascade=BOTH, face="infobip")
        row = await stage.status(identifier, "failed")
        assert row["reason"] == "opted_out"
        assert [a["reason"] for a in await stage.attempts(identifier)] == ["opted_out"] * 2
        exchange = await stage.gateway.db.fetchval("SELECT exchange FROM events WHERE exchange IS NOT NULL LIMIT 1")
        assert b"the person opted out of one" in exchange
        assert stage.one.sent == stage.two.sent == []

    async def test_a_bulk_goes_to_those_who_may_be_written_to(self, stage: Stage) -> None:
        guarded(stage, Rule(lambda asked: opted_out(asked) if asked.person == ANA[1:] else None))
        accepted = await stage.submit(ANA, IVO, bulk=True)
        barred, sent = (m.id for m in accepted.messages)
        assert (await stage.status(barred, "failed"))["reason"] == "opted_out"
        await stage.status(sent, "sent")
        assert [o.to for o in stage.one.sent] == [IVO]

    async def test_a_rule_that_came_after_the_acceptance(self, stage: Stage) -> None:
        guarded(stage, Rule(lambda asked: opted_out(asked) if asked.attempt is not None else None))
        assert (await stage.status(await send(stage), "failed"))["reason"] == "opted_out"

    async def test_the_first_verdict_counts_and_ends_the_asking(self, stage: Stage) -> None:
        second = Rule(lambda asked: Verdict("suppressed", "never asked"))
        guarded(stage, Rule(lambda asked: None), Rule(), second)
        assert (await stage.status(await send(stage, face="tyntec"), "failed"))["reason"] == "opted_out"
        assert second.asked == []

    async def test_a_guard_is_asked_of_its_own_messages_alone(self, stage: Stage) -> None:
        rule = Rule(channels=("two",))
        guarded(stage, rule)
        await stage.status(await send(stage), "sent")
        assert rule.asked == []

    async def test_a_guard_that_fails_lets_nothing_out_and_is_asked_again(self, stage: Stage) -> None:
        def failing(asked: Asked) -> Verdict | None:
            if asked.attempt is not None and asked.attempt.tries < 3:
                assert stage.one.sent == []
                raise RuntimeError("the rules are not to be had")
            return None

        guarded(stage, Rule(failing))
        identifier = await send(stage)
        await stage.status(identifier, "sent")
        assert await stage.events(identifier) == ["sent"], "what did not go out is not uncertain"
        assert len(stage.one.sent) == 1

    @pytest.mark.parametrize("purpose", [Purpose.OTP, Purpose.PROMOTIONAL])
    async def test_what_breaks_before_a_send_is_made_again_whatever_is_done_with_uncertain_ones(
        self, stage: Stage, purpose: Purpose
    ) -> None:
        stage.gateway.dispatch.dressing.dressers.append(Breaking(2))
        identifier = await send(stage, purpose=purpose)
        await stage.status(identifier, "sent")
        assert await stage.events(identifier) == ["sent"], "what did not go out is not uncertain"
        (going,) = stage.one.sent
        assert (going.tries, going.resent) == (3, False)

    async def test_what_always_breaks_ends_with_its_time(self, stage: Stage) -> None:
        stage.gateway.dispatch.dressing.dressers.append(Breaking(99))
        steps = [Step(channel="one", content=Text(text="a"), fallback_time=60), BOTH[1]]
        identifier = await send(stage, cascade=steps)
        await stage.status(identifier, "sent")
        assert [a["reason"] for a in await stage.attempts(identifier)] == ["fallback_time_passed", None]


class Breaking:
    """A dresser that fails on the first tries."""

    def __init__(self, tries: int, channel: str = "one") -> None:
        self._tries, self._channel = tries, channel

    def wants(self, channel: ports.Channel, plan: Plan, content: Content) -> bool:
        return channel.name == self._channel

    async def dress(self, channel: ports.Channel, facts: Facts, known: Known, content: Content) -> Content:
        if facts.tries <= self._tries:
            raise RuntimeError("nothing to wear")
        return content


class TestPutOff:
    def until(self, seconds: float) -> Rule:
        """Puts every message off for so many seconds of its first look, once."""
        first: dict[Any, Any] = {}

        def says(asked: Asked) -> Verdict | None:
            if asked.attempt is None:
                return None
            ends = first.setdefault(asked.attempt.message_id, asked.at + timedelta(seconds=seconds))
            return Verdict("quiet_hours", "it is night", ends) if asked.at < ends else None

        return Rule(says)

    async def test_it_goes_out_when_it_is_due_and_not_before(self, stage: Stage) -> None:
        rule = self.until(60)
        guarded(stage, rule)
        identifier = await send(stage)
        row = await stage.status(identifier, "sent")
        assert await stage.events(identifier) == ["put_off", "sent"]
        before, after = (asked.at for asked in rule.asked if asked.attempt is not None)
        assert after - before >= timedelta(seconds=60)
        assert row["reason"] is None
        (attempt,) = await stage.attempts(identifier)
        assert attempt["tries"] == 1

    async def test_it_holds_up_nobody_and_goes_out_in_order(self, stage: Stage) -> None:
        night = self.until(90)
        day = night.says
        night.says = lambda asked: day(asked) if asked.content != Text(text="free") else None
        guarded(stage, night)
        first, second = await send(stage, text="a"), await send(stage, text="b")
        await stage.status(await send(stage, text="free"), "sent")
        for identifier in (first, second):
            await stage.status(identifier, "sent")
        assert stage.one.texts() == ["free", "a", "b"]

    async def test_it_ends_with_its_time(self, stage: Stage) -> None:
        steps = [Step(channel="one", content=Text(text="a"), fallback_time=60), BOTH[1]]
        guarded(stage, Rule(self._at_its_end, channels=("one",)))
        identifier = await send(stage, cascade=steps)
        await stage.status(identifier, "sent")
        assert stage.two.texts() == ["second"]
        assert (await stage.attempts(identifier))[0]["reason"] == "fallback_time_passed"

    def _at_its_end(self, asked: Asked) -> Verdict | None:
        return Verdict("quiet_hours", "it is night", asked.at + timedelta(seconds=61))

    async def test_what_was_tried_before_goes_on_holding_up_its_line(self, stage: Stage) -> None:
        """It may have gone out: nothing may overtake it, and it cannot be taken back."""

        def says(asked: Asked) -> Verdict | None:
            if asked.attempt is not None and asked.attempt.tries == 2 and asked.content == Text(text="a"):
                return Verdict("quiet_hours", "it is night", asked.at + timedelta(seconds=120))
            return None

        guarded(stage, Rule(says))
        stage.one.answers[ANA] = [lambda outgoing: ports.Unknown()]
        first = await send(stage, text="a")
        await stage.until(lambda: happened(stage, first, "put_off"))
        second = await send(stage, text="b")
        for identifier in (first, second):
            await stage.status(identifier, "sent")
        assert stage.one.texts() == ["a", "a", "b"]


async def put_off(stage: Stage, identifier: UUID) -> None:
    await stage.until(lambda: happened(stage, identifier, "put_off"))


async def happened(stage: Stage, identifier: UUID, event: str) -> bool:
    return event in await stage.events(identifier)
