"""Channel groups on a real database: who gets a send, when it moves, and that no two networks have the same one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.clock import ManualClock
from tests.scripted import Script, Stage, staged
from tyrian.domain.circuit import State
from tyrian.domain.content import Base as Content, Text
from tyrian.domain.limits import Bound, Capabilities, ContentRule
from tyrian.domain.problem import Problem, Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.routing import Member, Strategy, ranked
from tyrian.domain.schedule import Schedule
from tyrian.domain.submission import Callback, Plan, Step
from tyrian.engine import groups, ports
from tyrian.engine.channel_spec import ChannelChange, ChannelSpec
from tyrian.engine.clock import ScaledClock
from tyrian.engine.gateway import Gateway
from tyrian.engine.known import Facts, Known
from tyrian.engine.reacting import Asked, Verdict
from tyrian.settings import Settings
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

VIA_GROUP = [Step(channel="all", content=Text(text="hello"))]
DOWN = ports.Retry("provider_unreachable")


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    """Channels `one`, `two` and `last`, and the group `all` of the first two in this order; 60 times as fast."""
    async with staged(database_url, scale=60, channels={"one": {}, "two": {}, "last": {}}) as running:
        await make_group(running)
        yield running


async def make_group(stage: Stage, members: Any = ("one", "two"), **config: Any) -> None:
    listed = [m if isinstance(m, dict) else {"channel": m} for m in members]
    spec = ChannelSpec(name="all", kind="group", config={"members": listed, **config})
    await stage.gateway.channels.create(stage.account_id, spec)


async def send(stage: Stage, to: str = "+1", cascade: list[Step] | None = None, **more: Any) -> UUID:
    accepted = await stage.submit(to, cascade=cascade or VIA_GROUP, **more)
    identifier: UUID = accepted.messages[0].id
    return identifier


async def sent(stage: Stage, to: str = "+1", **more: Any) -> list[tuple[str, str, str | None]]:
    """Sends through the group; the attempts as (channel, status, reason)."""
    identifier = await send(stage, to, **more)
    await stage.status(identifier, "sent")
    return await told(stage, identifier)


async def told(stage: Stage, identifier: UUID) -> list[tuple[str, str, str | None]]:
    names = {entry.channel.id: entry.channel.name for entry in stage.gateway.channels.all()}
    return [(names[a["channel_id"]], a["status"], a["reason"]) for a in await stage.attempts(identifier)]


def state(stage: Stage, name: str) -> State:
    return stage.gateway.circuits.state(stage.entry(name).channel.id)


class TestPicking:
    async def test_the_first_member_is_used(self, stage: Stage) -> None:
        assert await sent(stage) == [("one", "sent", None)]
        assert stage.two.sent == []

    async def test_a_paused_member_is_passed_over(self, stage: Stage) -> None:
        await stage.gateway.channels.update(stage.account_id, "one", ChannelChange(active=False))
        assert await sent(stage) == [("two", "sent", None)]

    async def test_a_removed_member_is_passed_over(self, stage: Stage) -> None:
        await stage.gateway.channels.remove(stage.account_id, "one")
        assert await sent(stage) == [("two", "sent", None)]

    async def test_without_any_member_the_next_step_is_tried(self, stage: Stage) -> None:
        for name in ("one", "two"):
            await stage.gateway.channels.remove(stage.account_id, name)
        steps = [Step(channel="last", content=Text(text="a"), fallback_time=30), *VIA_GROUP]
        identifier = await send(stage, cascade=steps)
        assert (await stage.status(identifier, "failed"))["reason"] == "channel_removed"
        with pytest.raises(Refused):
            await send(stage)

    async def test_a_group_as_a_later_step(self, stage: Stage) -> None:
        stage.scripts["last"].answer = lambda o: ports.Refused("unknown_recipient")
        steps = [Step(channel="last", content=Text(text="a")), *VIA_GROUP]
        identifier = await send(stage, cascade=steps)
        await stage.status(identifier, "sent")
        assert [channel for channel, _, _ in await told(stage, identifier)] == ["last", "one"]

    async def test_people_are_shared_out_by_weight(self, database_url: str) -> None:
        async with staged(database_url, scale=60) as stage:
            listed = [{"channel": "one", "weight": 1.0}, {"channel": "two", "weight": 3.0}]
            await make_group(stage, listed, strategy="weight")
            people = [f"+{n:05d}" for n in range(400)]
            await stage.submit(*people, cascade=VIA_GROUP, bulk=True)

            async def all_sent() -> bool:
                return len(stage.one.sent) + len(stage.two.sent) == 400

            await stage.until(all_sent)
            members = [Member(channel="one", weight=1), Member(channel="two", weight=3)]
            first = {person: ranked(members, Strategy.WEIGHT, person)[0].channel for person in people}
            assert {o.to for o in stage.one.sent} == {p for p, channel in first.items() if channel == "one"}
            assert 60 < len(stage.one.sent) < 140

    async def test_the_cheapest_is_used(self, database_url: str) -> None:
        async with staged(database_url, scale=60) as stage:
            listed = [{"channel": "one", "price": 0.02}, {"channel": "two", "price": 0.01}]
            await make_group(stage, listed, strategy="price")
            assert await sent(stage) == [("two", "sent", None)]

    async def test_a_groups_send_is_leased_at_acceptance_like_any_other(self, stage: Stage) -> None:
        hold = asyncio.Event()

        async def held(outgoing: ports.Outgoing) -> ports.SendResult:
            await hold.wait()
            return ports.Sent("x")

        await sent(stage)
        stage.one.answer = held
        identifier = await send(stage, "+2")
        row = await stage.gateway.db.fetchrow("SELECT * FROM sends WHERE message_id = $1", identifier)
        assert row is not None
        assert (row["tries"], row["node"]) == (1, stage.gateway.node.number)
        hold.set()
        await stage.status(identifier, "sent")

    async def test_one_recipients_messages_leave_in_order(self, stage: Stage) -> None:
        async def slow(outgoing: ports.Outgoing) -> ports.SendResult:
            await asyncio.sleep(0.002 * (hash(outgoing.attempt_id) % 3))
            return ports.Sent(str(outgoing.attempt_id))

        stage.one.answer = slow
        for n in range(30):
            await stage.submit("+1", cascade=[Step(channel="all", content=Text(text=f"{n:02d}"))])

        async def all_sent() -> bool:
            return len(stage.one.sent) == 30

        await stage.until(all_sent)
        assert stage.one.texts() == sorted(stage.one.texts())


class TestMoving:
    @pytest.mark.parametrize(
        "answer",
        [DOWN, ports.Retry("throttled", after=500), ports.Refused("no_credit"), ports.Refused("sender_blocked")],
    )
    async def test_what_was_surely_not_taken_goes_to_another_member(
        self, stage: Stage, answer: ports.SendResult
    ) -> None:
        stage.one.answer = lambda o: answer
        identifier = await send(stage)
        await stage.status(identifier, "sent")
        reason = answer.reason  # type: ignore[union-attr]
        assert await told(stage, identifier) == [("one", "failed", reason), ("two", "sent", None)]
        assert await stage.events(identifier) == ["failed", "rerouted", "sent"]
        first, second = await stage.attempts(identifier)
        assert first["step"] == second["step"] == 0
        assert stage.one.sent[0].attempt_id == first["id"] != second["id"] == stage.two.sent[0].attempt_id

    @pytest.mark.parametrize("reason", ["not_a_viber_user", "content_refused", "blocked_by_user"])
    async def test_what_is_the_recipients_matter_goes_to_the_next_step(self, stage: Stage, reason: str) -> None:
        stage.one.answer = lambda o: ports.Refused(reason)
        steps = [*VIA_GROUP, Step(channel="last", content=Text(text="sms"))]
        identifier = await send(stage, cascade=steps)
        await stage.status(identifier, "sent")
        assert await told(stage, identifier) == [("one", "failed", reason), ("last", "sent", None)]
        assert stage.two.sent == []

    async def test_an_unknown_outcome_never_moves(self, stage: Stage) -> None:
        stage.one.answers["+1"] = [lambda o: ports.Unknown(), lambda o: DOWN]
        identifier = await send(stage)
        await stage.status(identifier, "sent")
        assert await told(stage, identifier) == [("one", "sent", None)]
        assert await stage.events(identifier) == ["uncertain", "retry", "sent"]
        assert stage.two.sent == []

    async def test_an_unknown_outcome_that_is_not_resent_goes_to_the_next_step(self, stage: Stage) -> None:
        stage.one.answer = lambda o: ports.Unknown()
        identifier = await send(stage, purpose=Purpose.PROMOTIONAL)
        await stage.status(identifier, "failed")
        assert await told(stage, identifier) == [("one", "uncertain", "no_answer")]
        assert stage.two.sent == []

    async def test_when_all_are_down_it_is_tried_again_later(self, stage: Stage) -> None:
        stage.one.answers["+1"] = [lambda o: DOWN]
        stage.two.answers["+1"] = [lambda o: DOWN]
        identifier = await send(stage)
        await stage.status(identifier, "sent")
        assert await told(stage, identifier) == [("one", "failed", "provider_unreachable"), ("two", "sent", None)]
        assert await stage.events(identifier) == ["failed", "rerouted", "retry", "sent"]

    async def test_when_all_refuse_it_the_next_step_is_tried(self, stage: Stage) -> None:
        stage.one.answer = stage.two.answer = lambda o: ports.Refused("no_credit")
        steps = [*VIA_GROUP, Step(channel="last", content=Text(text="sms"))]
        identifier = await send(stage, cascade=steps)
        await stage.status(identifier, "sent")
        assert [(c, s) for c, s, _ in await told(stage, identifier)] == [
            ("one", "failed"), ("two", "failed"), ("last", "sent"),
        ]  # fmt: skip
        assert await stage.events(identifier) == ["failed", "rerouted", "failed", "fallback", "sent"]

    async def test_the_fallback_time_counts_from_the_first_member(self, stage: Stage) -> None:
        stage.one.answer = lambda o: DOWN
        steps = [
            Step(channel="all", content=Text(text="a"), fallback_time=300),
            Step(channel="last", content=Text(text="b")),
        ]
        identifier = await send(stage, cascade=steps)
        await stage.status(identifier, "sent")
        first, second = await stage.attempts(identifier)
        due = await stage.gateway.db.fetchval("SELECT due_at FROM deadlines WHERE message_id = $1", identifier)
        assert due == first["started_at"] + timedelta(seconds=300) == second["started_at"] + timedelta(seconds=300)

    async def test_a_refused_network_that_delivers_all_the_same_changes_nothing(self, stage: Stage) -> None:
        stage.one.answer = lambda o: ports.Refused("no_credit")
        hold = asyncio.Event()

        async def held(outgoing: ports.Outgoing) -> ports.SendResult:
            await hold.wait()
            return ports.Sent("second")

        stage.two.answer = held
        identifier = await send(stage)

        async def moved() -> bool:
            return len(stage.two.sent) == 1

        await stage.until(moved)
        sql = "UPDATE attempts SET provider_ref = 'first' WHERE message_id = $1"
        await stage.gateway.db.execute(sql, identifier)
        await stage.receipt("first", "delivered", "one")
        assert (await stage.message(identifier))["status"] == "sending"
        hold.set()
        await stage.status(identifier, "sent")
        await stage.receipt("second", "delivered", "two")
        assert (await stage.message(identifier))["status"] == "delivered"
        assert await stage.events(identifier) == ["failed", "rerouted", "late_receipt", "sent", "delivered"]

    async def test_what_waits_for_a_removed_member_goes_to_another(self, stage: Stage) -> None:
        soon = Schedule(send_at=stage.gateway.clock.now() + timedelta(seconds=300))
        identifier = await send(stage, schedule=soon)
        await stage.gateway.channels.remove(stage.account_id, "one")
        await stage.status(identifier, "sent")
        rows = await stage.attempts(identifier)
        assert [row["status"] for row in rows] == ["failed", "sent"]
        assert (stage.one.sent, len(stage.two.sent)) == ([], 1)

    async def test_a_step_that_goes_on_elsewhere_is_not_reported_as_failed(self, stage: Stage) -> None:
        stage.one.answer = lambda o: ports.Refused("no_credit")
        hook = Callback(url="https://customer.example/hook", events=["step_failed", "failed", "sent"])
        identifier = await send(stage, callback=hook)
        await stage.status(identifier, "sent")
        assert await stage.reports(identifier) == ["sent"]

    async def test_a_step_that_names_a_member_itself_stays_there(self, stage: Stage) -> None:
        stage.one.answers["+1"] = [lambda o: DOWN]
        identifier = await send(stage, cascade=[Step(channel="one", content=Text(text="a"))])
        await stage.status(identifier, "sent")
        assert await told(stage, identifier) == [("one", "sent", None)]

    async def test_death_between_refusal_and_reroute_sends_nothing_twice(self, database_url: str) -> None:
        async with staged(database_url) as stage:
            await make_group(stage)
            dead = asyncio.Event()
            outcomes = stage.gateway.dispatch.outcomes
            write = outcomes._write

            async def never(writes: Any) -> Any:
                await dead.wait()
                return await write(writes)

            outcomes._write = never
            stage.one.answers["+1"] = [lambda o: DOWN]
            identifier = await send(stage)

            async def refused() -> bool:
                return len(stage.one.sent) == 1

            await stage.until(refused)
            for task in stage.gateway._tasks:
                task.cancel()
            await stage.gateway.node.stop()
            async with _second(database_url, stage.scripts) as second:
                survivor = Stage(second, stage.account_id, stage.scripts)
                await survivor.status(identifier, "sent")
                dead.set()
                await outcomes.drain()
                assert await survivor.events(identifier) == ["uncertain", "sent"]
                assert stage.two.sent == []
                assert [o.resent for o in stage.one.sent] == [False, True]


def _second(url: str, scripts: dict[str, Script]) -> Any:
    """Another gateway on the same database and networks."""

    class Opened:
        async def __aenter__(self) -> Gateway:
            kinds = {f"scripted-{name}": script.kind(f"scripted-{name}") for name, script in scripts.items()}
            roles = frozenset({"api", "dispatch"})
            db = await Database.open(url)
            box = SecretBox("k" * 40)
            self.gateway = Gateway(db, Settings(), ScaledClock(1), [], box, kinds=kinds, roles=roles)
            await self.gateway.start()
            return self.gateway

        async def __aexit__(self, *error: object) -> None:
            await self.gateway.stop(5)

    return Opened()


@pytest.fixture
def hand(stage: Stage) -> ManualClock:
    """The clock of circuits alone, moved by hand: they open and heal when a test says so."""
    stage.gateway.circuits._clock = clock = ManualClock()
    return clock


class TestCircuits:
    async def fail_until_open(self, stage: Stage) -> None:
        stage.one.answer = lambda o: DOWN
        for n in range(5):
            assert [c for c, _, _ in await sent(stage, f"+{n}")] == ["one", "two"]
        assert state(stage, "one") is State.OPEN

    async def test_a_failing_member_is_left_out_and_comes_back(self, stage: Stage, hand: ManualClock) -> None:
        await self.fail_until_open(stage)
        tried = len(stage.one.sent)
        assert await sent(stage, "+10") == [("two", "sent", None)]
        assert len(stage.one.sent) == tried
        stage.one.answer = lambda o: ports.Sent(str(o.attempt_id))
        await hand.advance(30)
        for n in (20, 21):
            assert await sent(stage, f"+{n}") == [("one", "sent", None)]
        assert state(stage, "one") is State.CLOSED

    async def test_one_probe_goes_out_and_the_others_go_elsewhere(self, stage: Stage, hand: ManualClock) -> None:
        await self.fail_until_open(stage)
        hold = asyncio.Event()

        async def held(outgoing: ports.Outgoing) -> ports.SendResult:
            await hold.wait()
            return ports.Sent(str(outgoing.attempt_id))

        await hand.advance(30)
        assert state(stage, "one") is State.HALF_OPEN
        stage.one.answer, before = held, len(stage.one.sent)
        probe = await send(stage, "+20")
        for n in range(21, 26):
            assert (await sent(stage, f"+{n}"))[-1][:2] == ("two", "sent")
        assert len(stage.one.sent) == before + 1
        hold.set()
        await stage.status(probe, "sent")

    async def test_what_is_kept_back_takes_no_place_from_the_one_that_goes_out(
        self, stage: Stage, hand: ManualClock
    ) -> None:
        """A probe is what the network is asked, not what a guard bars, or what breaks before it is sent."""
        await self.fail_until_open(stage)
        stage.gateway.guards.all[:] = [_Barring("+20")]
        stage.gateway.dispatch.dressing.dressers.append(_Breaking("+21"))
        stage.one.answer, before = lambda o: ports.Sent(str(o.attempt_id)), len(stage.one.sent)
        await hand.advance(30)
        barred = await send(stage, "+20")
        assert (await stage.status(barred, "failed"))["reason"] == "opted_out"
        broken = await send(stage, "+21", purpose=Purpose.OTP)
        await stage.until(lambda: _free_again(stage, broken))
        assert state(stage, "one") is State.HALF_OPEN
        assert await sent(stage, "+22") == [("one", "sent", None)]
        assert len(stage.one.sent) == before + 1

    async def test_only_one_of_those_that_were_judged_together_is_the_probe(
        self, stage: Stage, hand: ManualClock
    ) -> None:
        await self.fail_until_open(stage)
        guard = _Barring("+nobody", together=3)
        stage.gateway.guards.all[:] = [guard]
        hold = asyncio.Event()

        async def held(outgoing: ports.Outgoing) -> ports.SendResult:
            await hold.wait()
            return ports.Sent(str(outgoing.attempt_id))

        stage.one.answer, before = held, len(stage.one.sent)
        await hand.advance(30)
        people = [f"+{n}" for n in range(20, 23)]
        accepted = await stage.submit(*people, cascade=VIA_GROUP)

        async def two_elsewhere() -> bool:
            return len([o for o in stage.two.sent if o.to in people]) == 2

        await stage.until(two_elsewhere)
        assert len(stage.one.sent) == before + 1
        hold.set()
        for message in accepted.messages:
            await stage.status(message.id, "sent")

    async def test_what_waits_for_a_failing_member_is_not_tried_there(self, stage: Stage, hand: ManualClock) -> None:
        soon = Schedule(send_at=stage.gateway.clock.now() + timedelta(seconds=120))
        waiting = [await send(stage, f"+{n}", schedule=soon) for n in range(100, 140)]
        circuit = stage.gateway.circuits.of(stage.entry("one").channel.id)
        for _ in range(5):
            circuit.record(False, hand.now().timestamp())
        for identifier in waiting:
            await stage.status(identifier, "sent")
        assert (stage.one.sent, len(stage.two.sent)) == ([], 40)
        assert await told(stage, waiting[0]) == [("one", "skipped", "circuit_open"), ("two", "sent", None)]
        assert await stage.events(waiting[0]) == ["rerouted", "sent"]

    async def test_when_all_are_failing_sends_wait_for_one_to_heal(self, stage: Stage, hand: ManualClock) -> None:
        now = hand.now().timestamp()
        for name in ("one", "two"):
            for _ in range(5):
                stage.gateway.circuits.of(stage.entry(name).channel.id).record(False, now)
        identifiers = [await send(stage, f"+{n}") for n in range(10)]

        async def put_off() -> bool:
            sql = "SELECT count(*) FROM sends WHERE tries > 0 AND leased_until IS NULL"
            return bool(await stage.gateway.db.fetchval(sql) == 10)

        await stage.until(put_off)
        assert (stage.one.sent, stage.two.sent) == ([], [])
        await hand.advance(30)
        for identifier in identifiers:
            await stage.status(identifier, "sent")
        assert len(stage.one.sent) + len(stage.two.sent) == 10

    async def test_what_waits_goes_out_soon_after_the_first_probe(self, stage: Stage, hand: ManualClock) -> None:
        """A probe that is out does not hold up the rest for as long as it might take, only until it is answered."""
        for name in ("one", "two"):
            for _ in range(5):
                stage.gateway.circuits.of(stage.entry(name).channel.id).record(False, hand.now().timestamp())
        await hand.advance(30)
        hold = asyncio.Event()

        async def held(outgoing: ports.Outgoing) -> ports.SendResult:
            await hold.wait()
            return ports.Sent(str(outgoing.attempt_id))

        stage.one.answer = stage.two.answer = held
        identifiers = [await send(stage, f"+{n}") for n in range(6)]

        async def put_off() -> bool:
            sql = "SELECT count(*) FROM sends WHERE tries > 0 AND leased_until IS NULL"
            return bool(await stage.gateway.db.fetchval(sql) == 4)

        await stage.until(put_off)
        assert (len(stage.one.sent), len(stage.two.sent)) == (1, 1)
        sql = "SELECT max(due_at) FROM sends WHERE leased_until IS NULL"
        assert await stage.gateway.db.fetchval(sql) < stage.gateway.clock.now() + timedelta(seconds=6)
        hold.set()
        for identifier in identifiers:
            await stage.status(identifier, "sent")

    async def test_a_failing_channel_is_sent_on_where_it_is_named(self, stage: Stage, hand: ManualClock) -> None:
        await self.fail_until_open(stage)
        stage.one.answer = lambda o: ports.Sent(str(o.attempt_id))
        identifier = await send(stage, "+50", cascade=[Step(channel="one", content=Text(text="a"))])
        await stage.status(identifier, "sent")
        assert await told(stage, identifier) == [("one", "sent", None)]

    async def test_refusals_of_recipients_do_not_count(self, stage: Stage) -> None:
        stage.one.answer = lambda o: ports.Refused("not_a_viber_user")
        for n in range(30):
            identifier = await send(stage, f"+{n}")
            await stage.status(identifier, "failed")
        assert state(stage, "one") is State.CLOSED

    async def test_metrics_tell(self, stage: Stage, hand: ManualClock) -> None:
        await self.fail_until_open(stage)
        text = stage.gateway.metrics.render().decode()
        line = 'tyrian_reroutes_total{account="1",channel="one",reason="provider_unreachable"} 5.0'
        assert line in text


class _Barring:
    """A guard that bars one person, and judges sends once `together` of them are there."""

    def __init__(self, person: str, together: int = 1) -> None:
        self._person = person.removeprefix("+")
        self._left = together
        self._all = asyncio.Event()

    def applies(self, account_id: int, channel: ports.Channel, plan: Plan) -> bool:
        return channel.name == "one"

    async def judge(self, asked: Sequence[Asked]) -> list[Verdict | None]:
        self._left -= sum(one.attempt is not None for one in asked)
        if self._left <= 0:
            self._all.set()
        if asked[0].attempt is not None:
            await self._all.wait()
        barred = [one.attempt is not None and one.person == self._person for one in asked]
        return [Verdict("opted_out", "the person opted out") if bar else None for bar in barred]


class _Breaking:
    """A dresser that fails for one person."""

    def __init__(self, person: str) -> None:
        self._person = person

    def wants(self, channel: ports.Channel, plan: Plan, content: Content) -> bool:
        return True

    async def dress(self, channel: ports.Channel, facts: Facts, known: Known, content: Content) -> Content:
        if facts.recipient == self._person:
            raise RuntimeError("nothing to wear")
        return content


async def _free_again(stage: Stage, identifier: UUID) -> bool:
    """Whether a send was begun, and waits to be tried again."""
    sql = "SELECT count(*) FROM sends WHERE message_id = $1 AND tries >= 1 AND leased_until IS NULL"
    return bool(await stage.gateway.db.fetchval(sql, identifier))


class TestGroups:
    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"config": {"members": []}}, "/config/members"),
            ({"config": {"members": [{"channel": "nobody"}]}}, "/config/members/0/channel"),
            ({"config": {"members": [{"channel": "one"}, {"channel": "one"}]}}, "/config/members/1/channel"),
            ({"config": {"members": [{"channel": "all"}]}}, "/config/members/0/channel"),
            ({"config": {"members": [{"channel": "one", "weight": 0}]}}, "/config/members/0/weight"),
            ({"config": {"members": [{"channel": "one"}], "strategy": "luck"}}, "/config/strategy"),
            ({"rate": 3.0}, "/rate"),
            ({"concurrency": 3}, "/concurrency"),
            ({"inbound_url": "https://a.example"}, "/inbound_url"),
            ({"active": False}, "/active"),
            ({"secrets": {"token": "x"}}, "/secrets/token"),
        ],
    )
    async def test_a_wrong_group_is_refused(self, stage: Stage, change: dict[str, Any], pointer: str) -> None:
        given = {"config": {"members": [{"channel": "one"}]}, **change}
        with pytest.raises(Refused) as refused:
            await stage.gateway.channels.create(stage.account_id, ChannelSpec(name="other", kind="group", **given))
        assert [p.pointer for p in refused.value.problems] == [pointer]

    async def test_members_of_another_account_are_unknown(self, stage: Stage) -> None:
        spec = ChannelSpec(name="theirs", kind="group", config={"members": [{"channel": "one"}]})
        with pytest.raises(Refused):
            await stage.gateway.channels.create(stage.account_id + 1, spec)

    async def test_a_change_is_held_to_the_same(self, stage: Stage) -> None:
        with pytest.raises(Refused):
            await stage.gateway.channels.update(stage.account_id, "all", ChannelChange(active=False))
        change = ChannelChange(config={"members": [{"channel": "two"}]})
        await stage.gateway.channels.update(stage.account_id, "all", change)
        assert await sent(stage) == [("two", "sent", None)]

    async def test_a_group_carries_what_every_member_can(self, stage: Stage) -> None:
        entry = stage.entry("all")
        assert entry.capabilities == stage.entry("one").capabilities
        assert entry.kind.address("385", "/to") == Problem("/to", "must begin with +")
        health = await stage.gateway.channels.check(entry)
        assert health == ports.Health(True, "2 of 2 channels can work. one: scripted two: scripted")

    async def test_a_group_without_members_is_in_trouble(self, stage: Stage) -> None:
        for name in ("one", "two"):
            await stage.gateway.channels.remove(stage.account_id, name)
        entry = stage.entry("all")
        assert entry.trouble == "It has no channel any more: one, two."
        assert isinstance(entry.kind.address("+1", "/to"), Problem)
        assert entry.capabilities.contents == {}


def test_shared_capabilities() -> None:
    short, long = (ContentRule(bounds=(Bound(field="text", max_length=n),)) for n in (10, 99))
    one = Capabilities(
        contents={"text": short, "image": ContentRule()},
        shapes={Purpose.OTP: frozenset({"text"}), Purpose.SESSION: frozenset({"text", "image"})},
        max_bytes=500,
        receipts=frozenset({"delivered", "seen"}),
        inbound=True,
        source="A.",
    )
    other = Capabilities(contents={"text": long}, shapes={Purpose.SESSION: frozenset({"text"})}, source="B.")
    both = groups.shared([one, other])
    assert both.contents == {"text": ContentRule(bounds=(*short.bounds, *long.bounds))}
    assert both.shapes == {Purpose.OTP: frozenset({"text"}), Purpose.SESSION: frozenset({"text"})}
    assert (both.max_bytes, both.receipts, both.inbound) == (500, frozenset({"delivered"}), False)
    assert both.source == "A. B."
