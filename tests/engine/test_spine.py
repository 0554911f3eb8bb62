"""The spine, on a real database with a scripted network: order, limits, retries, fallback, uncertainty, bulks."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.scripted import Stage, staged
from tyrian.domain.content import Text
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.purpose import Purpose, UncertainPolicy
from tyrian.domain.schedule import Schedule, SpeedLimit, Window
from tyrian.domain.submission import Callback, Step
from tyrian.engine import ports
from tyrian.engine.bulks import Conflict, NotFound
from tyrian.engine.channel_spec import ChannelChange
from tyrian.engine.intake import IdempotencyConflict
from tyrian.store.claims import claim_sends

HOOK = Callback(url="https://customer.example/hook")
TWO_STEPS = [
    Step(channel="one", content=Text(text="first"), fallback_time=600),
    Step(channel="two", content=Text(text="second")),
]


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    """A clock sixty times as fast: seconds of retries and minutes of fallback pass in moments."""
    async with staged(database_url, scale=60) as running:
        yield running


class TestSending:
    async def test_accepted_sent_delivered_seen(self, stage: Stage) -> None:
        accepted = await stage.submit("+1", callback=HOOK)
        identifier = accepted.messages[0].id
        assert accepted.messages[0].status == "accepted"
        await stage.status(identifier, "sent")
        (attempt,) = await stage.attempts(identifier)
        for kind in ("delivered", "seen"):
            await stage.receipt(attempt["provider_ref"], kind)
        assert (await stage.message(identifier))["status"] == "seen"
        assert await stage.events(identifier) == ["sent", "delivered", "seen"]
        (attempt,) = await stage.attempts(identifier)
        assert attempt["sent_at"] <= attempt["delivered_at"] <= attempt["seen_at"]
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM deadlines") == 0

    async def test_the_exchange_is_kept(self, stage: Stage) -> None:
        stage.one.answer = lambda o: ports.Sent("r", ports.Exchange("the request", "the answer", 200))
        identifier = (await stage.submit("+1")).messages[0].id
        await stage.status(identifier, "sent")
        kept = await stage.gateway.db.fetchval("SELECT exchange FROM events WHERE message_id = $1", identifier)
        assert b"the request" in kept
        assert b"the answer" in kept

    async def test_one_recipients_messages_leave_in_order(self, stage: Stage) -> None:
        async def slow(outgoing: ports.Outgoing) -> ports.SendResult:
            await asyncio.sleep(0.002 * (hash(outgoing.attempt_id) % 3))
            return ports.Sent(str(outgoing.attempt_id))

        stage.one.answer = slow
        for n in range(40):
            await stage.submit("+1", text=f"{n:02d}")
            await stage.submit("+2", text=f"{n:02d}")
        await stage.until(lambda: self._sent(stage, 80))
        for person in ("+1", "+2"):
            texts = [o.content.text for o in stage.one.sent if o.to == person]  # type: ignore[attr-defined]
            assert texts == sorted(texts)

    async def test_a_retry_holds_up_those_behind_it(self, stage: Stage) -> None:
        stage.one.answers["+1"] = [lambda o: ports.Retry("provider_error")]
        await stage.submit("+1", text="a")
        await stage.until(lambda: self._sent(stage, 1))
        await stage.submit("+1", text="b")
        await stage.until(lambda: self._sent(stage, 3))
        assert stage.one.texts() == ["a", "a", "b"]

    async def test_an_otp_overtakes_a_backlog(self, stage: Stage) -> None:
        entry = stage.entry()
        entry.channel.active = False
        for n in range(30):
            await stage.submit(f"+{n}", text="campaign", purpose=Purpose.PROMOTIONAL)
        await stage.submit("+99", text="code", purpose=Purpose.OTP)
        now = stage.gateway.clock.now()
        rows = await claim_sends(stage.gateway.db, entry.channel.id, now, 5, 1, now + timedelta(seconds=60))
        assert rows[0]["recipient"] == "+99" or "+99" in [row["recipient"] for row in rows]

    async def _sent(self, stage: Stage, count: int) -> bool:
        return len(stage.one.sent) >= count


class TestTrouble:
    async def test_two_errors_then_success(self, stage: Stage) -> None:
        stage.one.answers["+1"] = [lambda o: ports.Retry("provider_error")] * 2
        identifier = (await stage.submit("+1")).messages[0].id
        await stage.status(identifier, "sent")
        assert await stage.events(identifier) == ["retry", "retry", "sent"]
        (attempt,) = await stage.attempts(identifier)
        assert attempt["tries"] == 3

    async def test_a_refusal_goes_to_the_next_channel(self, stage: Stage) -> None:
        stage.one.answer = lambda o: ports.Refused("not_a_viber_user")
        identifier = (await stage.submit("+1", cascade=TWO_STEPS)).messages[0].id
        await stage.status(identifier, "sent")
        first, second = await stage.attempts(identifier)
        assert (first["status"], first["reason"]) == ("failed", "not_a_viber_user")
        assert second["status"] == "sent"
        assert stage.two.texts() == ["second"]

    async def test_the_fallback_time_passes(self, stage: Stage) -> None:
        steps = [Step(channel="one", content=Text(text="a"), fallback_time=30), TWO_STEPS[1]]
        identifier = (await stage.submit("+1", cascade=steps, callback=HOOK)).messages[0].id
        await stage.until(lambda: self._tried(stage, identifier, 2))
        first, second = await stage.attempts(identifier)
        assert (first["status"], first["reason"]) == ("expired", "fallback_time_passed")
        await stage.receipt(second["provider_ref"], "delivered", "two")
        await stage.receipt(first["provider_ref"], "delivered")
        message = await stage.message(identifier)
        assert message["status"] == "delivered"
        assert (await stage.events(identifier))[-1] == "late_receipt"
        assert await stage.reports(identifier) == ["delivered"]

    async def test_the_validity_passes(self, stage: Stage) -> None:
        identifier = (await stage.submit("+1", validity=30, callback=HOOK)).messages[0].id
        message = await stage.status(identifier, "expired")
        assert message["reason"] == "validity_passed"
        assert await stage.reports(identifier) == ["expired"]

    async def test_an_unknown_outcome_is_said_and_resent(self, stage: Stage) -> None:
        stage.one.answers["+1"] = [lambda o: ports.Unknown()]
        identifier = (await stage.submit("+1")).messages[0].id
        await stage.status(identifier, "sent")
        assert await stage.events(identifier) == ["uncertain", "sent"]
        assert [o.resent for o in stage.one.sent] == [False, True]
        assert stage.one.sent[0].attempt_id == stage.one.sent[1].attempt_id

    async def test_an_unknown_outcome_of_an_advertisement_fails(self, stage: Stage) -> None:
        stage.one.answer = lambda o: ports.Unknown()
        identifier = (await stage.submit("+1", purpose=Purpose.PROMOTIONAL)).messages[0].id
        message = await stage.status(identifier, "failed")
        assert message["reason"] == "no_answer"
        (attempt,) = await stage.attempts(identifier)
        assert attempt["status"] == "uncertain"
        assert len(stage.one.sent) == 1

    async def test_a_channels_own_policy_wins(self, stage: Stage) -> None:
        change = ChannelChange(uncertain={Purpose.TRANSACTIONAL: UncertainPolicy.FAIL})
        await stage.gateway.channels.update(stage.account_id, "one", change)
        stage.one.answer = lambda o: ports.Unknown()
        identifier = (await stage.submit("+1")).messages[0].id
        await stage.status(identifier, "failed")

    async def test_a_connector_that_raises_is_an_unknown_outcome(self, stage: Stage) -> None:
        def broken(outgoing: ports.Outgoing) -> ports.SendResult:
            raise RuntimeError("a bug")

        stage.one.answers["+1"] = [broken]
        identifier = (await stage.submit("+1")).messages[0].id
        await stage.status(identifier, "sent")
        assert await stage.events(identifier) == ["uncertain", "sent"]

    async def test_a_dead_nodes_sends_are_taken_over_as_uncertain(self, stage: Stage) -> None:
        entry, db = stage.entry(), stage.gateway.db
        entry.channel.active = False
        identifier = (await stage.submit("+1")).messages[0].id
        await db.execute(
            "UPDATE sends SET node = 1, leased_until = now() + interval '1 day', tries = 1, started_at = due_at"
        )
        entry.channel.active = True
        await stage.status(identifier, "sent")
        events = await stage.events(identifier)
        assert events == ["uncertain", "sent"]

    async def test_a_removed_channel_is_passed_over(self, stage: Stage) -> None:
        stage.entry("two").channel.active = False
        stage.one.answer = lambda o: ports.Refused("blocked_by_user")
        await stage.gateway.channels.remove(stage.account_id, "two")
        identifier = (await stage.submit("+1", cascade=TWO_STEPS)).messages[0].id
        message = await stage.status(identifier, "failed")
        assert message["reason"] == "channel_removed"

    async def test_what_waits_for_a_removed_channel_ends(self, stage: Stage) -> None:
        stage.entry().channel.active = False
        identifier = (await stage.submit("+1")).messages[0].id
        await stage.gateway.channels.remove(stage.account_id, "one")
        message = await stage.status(identifier, "failed")
        assert message["reason"] == "channel_removed"

    async def _tried(self, stage: Stage, identifier: UUID, count: int) -> bool:
        attempts = await stage.attempts(identifier)
        return len(attempts) >= count and attempts[-1]["provider_ref"] is not None


class TestReceipts:
    async def test_a_receipt_before_the_sends_own_answer(self, stage: Stage) -> None:
        answered = asyncio.Event()

        async def late(outgoing: ports.Outgoing) -> ports.SendResult:
            await answered.wait()
            return ports.Sent("early-bird")

        stage.one.answer = late
        identifier = (await stage.submit("+1")).messages[0].id
        await stage.receipt("early-bird", "delivered")
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM parked_receipts") == 1
        answered.set()
        await stage.status(identifier, "delivered")
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM parked_receipts") == 0

    async def test_many_receipts_of_one_message_in_one_batch(self, stage: Stage) -> None:
        stage.one.answer = lambda o: ports.Sent("r")
        identifier = (await stage.submit("+1", callback=HOOK)).messages[0].id
        await stage.status(identifier, "sent")
        await asyncio.gather(
            *(stage.receipt("r", kind) for kind in ("delivered", "delivered", "seen", "seen", "failed"))
        )
        assert (await stage.message(identifier))["status"] == "seen"
        assert await stage.reports(identifier) == ["delivered", "seen"]

    async def nameless(self, stage: Stage, *people: str) -> list[UUID]:
        """Messages that the network took without telling its ids."""
        stage.one.answer = lambda o: ports.Sent(None)
        ids = [(await stage.submit(person)).messages[0].id for person in people]
        for identifier in ids:
            await stage.status(identifier, "sent")
        return ids

    async def hear(self, stage: Stage, *receipts: ports.Receipt) -> None:
        """Receipts under unknown ids, until each was matched, or looked at when all patience was over."""
        await stage.gateway.receipts.submit(stage.entry().channel.id, receipts)
        db = stage.gateway.db

        async def looked_at() -> bool:
            await db.execute("UPDATE parked_receipts SET tries = 4, due_at = 'epoch' WHERE tries < 4")
            await db.execute("UPDATE parked_receipts SET due_at = 'epoch' WHERE tries < 6")
            return not await db.fetchval("SELECT count(*) FROM parked_receipts WHERE tries < 6")

        await stage.until(looked_at)

    async def test_a_receipt_finds_the_one_attempt_whose_id_nobody_told(self, stage: Stage) -> None:
        identifier, other = await self.nameless(stage, "+1", "+2")
        delivered = ports.Receipt("its-id", ReceiptKind.DELIVERED, person="+1")
        await self.hear(stage, delivered, ports.Receipt("its-id", ReceiptKind.SEEN, person="+1"))
        assert (await stage.message(identifier))["status"] == "seen"
        assert (await stage.message(other))["status"] == "sent"
        (attempt,) = await stage.attempts(identifier)
        assert attempt["provider_ref"] == "its-id"

    async def test_of_two_such_attempts_a_receipt_chooses_neither(self, stage: Stage) -> None:
        ids = await self.nameless(stage, "+1", "+1")
        await self.hear(stage, ports.Receipt("its-id", ReceiptKind.DELIVERED, person="+1"))
        assert [(await stage.message(i))["status"] for i in ids] == ["sent", "sent"]
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM parked_receipts") == 1

    async def test_two_ids_for_one_such_attempt_cannot_both_be_its_own(self, stage: Stage) -> None:
        (identifier,) = await self.nameless(stage, "+1")
        receipts = [ports.Receipt(ref, ReceiptKind.DELIVERED, person="+1") for ref in ("a", "b")]
        await self.hear(stage, *receipts)
        (attempt,) = await stage.attempts(identifier)
        assert attempt["provider_ref"] in ("a", "b")
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM parked_receipts") == 1

    async def test_an_attempt_that_has_an_id_answers_to_no_other(self, stage: Stage) -> None:
        identifier = (await stage.submit("+1")).messages[0].id
        await stage.status(identifier, "sent")
        await self.hear(stage, ports.Receipt("other", ReceiptKind.DELIVERED, person="+1"))
        assert (await stage.message(identifier))["status"] == "sent"

    async def test_a_receipt_of_an_unknown_id_is_parked_and_given_up(self, stage: Stage) -> None:
        await stage.receipt("never-sent", "delivered")
        db = stage.gateway.db
        assert await db.fetchval("SELECT count(*) FROM parked_receipts") == 1

        async def given_up() -> bool:
            await db.execute("UPDATE parked_receipts SET tries = 11, due_at = 'epoch'")
            return stage.gateway.receipts.orphaned == 1

        await stage.until(given_up)
        assert await db.fetchval("SELECT count(*) FROM parked_receipts") == 0


class TestIdempotency:
    async def test_a_repeat_gets_the_first_answer(self, stage: Stage) -> None:
        first = await stage.submit("+1", idempotency_key="k", fingerprint=b"f")
        again = await stage.submit("+1", idempotency_key="k", fingerprint=b"f")
        assert again.messages[0].id == first.messages[0].id
        assert again.repeated
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM messages") == 1

    async def test_repeats_at_the_same_moment(self, stage: Stage) -> None:
        answers = await asyncio.gather(*(stage.submit("+1", idempotency_key="k", fingerprint=b"f") for _ in range(10)))
        assert len({a.messages[0].id for a in answers}) == 1
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM messages") == 1

    async def test_another_request_under_the_same_key_is_refused(self, stage: Stage) -> None:
        await stage.submit("+1", idempotency_key="k", fingerprint=b"f")
        with pytest.raises(IdempotencyConflict):
            await stage.submit("+2", idempotency_key="k", fingerprint=b"g")


class TestSchedules:
    async def test_a_message_waits_for_its_time(self, stage: Stage) -> None:
        at = stage.gateway.clock.now() + timedelta(seconds=60)
        accepted = await stage.submit("+1", schedule=Schedule(send_at=at))
        assert accepted.messages[0].status == "scheduled"
        assert stage.one.sent == []
        await stage.status(accepted.messages[0].id, "sent")
        (attempt,) = await stage.attempts(accepted.messages[0].id)
        assert attempt["sent_at"] >= at

    async def test_a_scheduled_message_holds_up_nobody(self, stage: Stage) -> None:
        later = Schedule(send_at=stage.gateway.clock.now() + timedelta(days=1))
        await stage.submit("+1", text="tomorrow", schedule=later)
        identifier = (await stage.submit("+1", text="today")).messages[0].id
        await stage.status(identifier, "sent")
        assert stage.one.texts() == ["today"]

    async def test_a_scheduled_message_can_be_cancelled(self, stage: Stage) -> None:
        later = Schedule(send_at=stage.gateway.clock.now() + timedelta(days=1))
        identifier = (await stage.submit("+1", schedule=later, callback=HOOK)).messages[0].id
        await stage.gateway.bulks.cancel_message(stage.account_id, identifier)
        message = await stage.message(identifier)
        assert (message["status"], message["reason"]) == ("cancelled", "cancelled_by_customer")
        assert await stage.reports(identifier) == ["cancelled"]
        with pytest.raises(Conflict):
            await stage.gateway.bulks.cancel_message(stage.account_id, identifier)

    async def test_a_sent_message_cannot_be_cancelled(self, stage: Stage) -> None:
        identifier = (await stage.submit("+1")).messages[0].id
        await stage.status(identifier, "sent")
        with pytest.raises(Conflict):
            await stage.gateway.bulks.cancel_message(stage.account_id, identifier)
        with pytest.raises(NotFound):
            await stage.gateway.bulks.cancel_message(stage.account_id, UUID(int=7))

    async def test_a_closed_window_holds_a_message(self, stage: Stage) -> None:
        now = stage.gateway.clock.now()
        opens, closes = now + timedelta(hours=2), now + timedelta(hours=4)
        window = Window(start=f"{opens:%H:%M}", end=f"{closes:%H:%M}")
        accepted = await stage.submit("+1", schedule=Schedule(window=window))
        assert accepted.messages[0].status == "scheduled"
        await asyncio.sleep(0.2)
        assert stage.one.sent == []


class TestBulks:
    async def bulk(self, stage: Stage, count: int, **more: Any) -> UUID:
        people = [f"+{n:04d}" for n in range(count)]
        accepted = await stage.submit(*people, bulk=True, **more)
        identifier: UUID = accepted.bulk_id
        return identifier

    async def counts(self, stage: Stage, bulk: UUID) -> dict[str, int]:
        rows = await stage.gateway.db.fetch(
            "SELECT status, count(*) AS n FROM messages WHERE bulk_id = $1 GROUP BY 1", bulk
        )
        return {row["status"]: row["n"] for row in rows}

    async def until_counts(self, stage: Stage, bulk: UUID, **wanted: int) -> None:
        async def look() -> bool:
            return await self.counts(stage, bulk) == wanted

        await stage.until(look)

    async def test_everyone_is_reached_once(self, stage: Stage) -> None:
        bulk = await self.bulk(stage, 300)
        await self.until_counts(stage, bulk, sent=300)
        assert sorted(o.to for o in stage.one.sent) == [f"+{n:04d}" for n in range(300)]
        progress = await stage.gateway.bulks.progress(stage.account_id, bulk)
        assert (progress.state, progress.total, progress.released) == ("finished", 300, 300)

    async def test_a_pace_is_kept_and_forecast(self, stage: Stage) -> None:
        start = stage.gateway.clock.now()
        speed = Schedule(speed_limit=SpeedLimit(messages=60, per="minute"))
        bulk = await self.bulk(stage, 31, schedule=speed)
        progress = await stage.gateway.bulks.progress(stage.account_id, bulk)
        assert progress.done_by is not None
        assert progress.done_by - start <= timedelta(seconds=60)
        await self.until_counts(stage, bulk, sent=31)
        assert stage.gateway.clock.now() - start >= timedelta(seconds=28)

    async def test_pause_and_resume(self, stage: Stage) -> None:
        speed = Schedule(speed_limit=SpeedLimit(messages=120, per="minute"))
        bulk = await self.bulk(stage, 60, schedule=speed)
        await stage.until(lambda: self.some_sent(stage))
        await stage.gateway.bulks.pause(stage.account_id, bulk)
        await asyncio.sleep(0.1)
        before = len(stage.one.sent)
        await asyncio.sleep(0.3)
        assert len(stage.one.sent) == before < 60
        assert (await stage.gateway.bulks.progress(stage.account_id, bulk)).state == "paused"
        await stage.gateway.bulks.resume(stage.account_id, bulk)
        await self.until_counts(stage, bulk, sent=60)
        assert len(stage.one.sent) == 60

    async def some_sent(self, stage: Stage) -> bool:
        return len(stage.one.sent) >= 3

    async def test_cancel_takes_back_what_has_not_begun(self, stage: Stage) -> None:
        speed = Schedule(speed_limit=SpeedLimit(messages=60, per="minute"))
        bulk = await self.bulk(stage, 200, schedule=speed, callback=HOOK)
        await stage.until(lambda: self.some_sent(stage))
        await stage.gateway.bulks.cancel(stage.account_id, bulk)

        async def done() -> bool:
            return set(await self.counts(stage, bulk)) <= {"sent", "cancelled"}

        await stage.until(done)
        counts = await self.counts(stage, bulk)
        assert counts["sent"] == len(stage.one.sent)
        assert counts["cancelled"] == 200 - counts["sent"]
        with pytest.raises(Conflict):
            await stage.gateway.bulks.resume(stage.account_id, bulk)

    async def test_reschedule(self, stage: Stage) -> None:
        tomorrow = Schedule(send_at=stage.gateway.clock.now() + timedelta(days=1))
        bulk = await self.bulk(stage, 20, schedule=tomorrow)
        assert await self.counts(stage, bulk) == {"scheduled": 20}
        await stage.gateway.bulks.reschedule(stage.account_id, bulk, None)
        await self.until_counts(stage, bulk, sent=20)

    async def test_recipients_in_parts_with_an_offset(self, stage: Stage) -> None:
        from tyrian.domain.submission import Plan, Recipient

        bulks, account = stage.gateway.bulks, stage.account_id
        plan = Plan(cascade=[Step(channel="one", content=Text(text="Hi {{name}}"))])
        bulk = await bulks.create(account, plan)
        people = [Recipient(to=f"+{n:04d}", variables={"name": str(n)}) for n in range(30)]
        assert await bulks.add(account, bulk, people[:20], 0) == 20
        assert await bulks.add(account, bulk, people[10:], 10) == 30
        with pytest.raises(Conflict):
            await bulks.add(account, bulk, people, 40)
        await bulks.seal(account, bulk)
        with pytest.raises(Conflict):
            await bulks.add(account, bulk, people, 30)
        await self.until_counts(stage, bulk, sent=30)
        assert sorted(stage.one.texts()) == sorted(f"Hi {n}" for n in range(30))

    async def test_only_the_failed_are_sent_again(self, stage: Stage) -> None:
        stage.one.answers["+0003"] = [lambda o: ports.Refused("unreachable_recipient")]
        bulk = await self.bulk(stage, 10)
        await self.until_counts(stage, bulk, sent=9, failed=1)
        again, total = await stage.gateway.bulks.retry_failed(stage.account_id, bulk)
        assert total == 1
        await self.until_counts(stage, again, sent=1)
        assert stage.one.sent[-1].to == "+0003"
        with pytest.raises(Conflict, match="nothing to send again"):
            await stage.gateway.bulks.retry_failed(stage.account_id, again)
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM bulks") == 2, "no empty bulk is left behind"

    async def test_a_bulk_of_another_account_is_not_found(self, stage: Stage) -> None:
        bulk = await self.bulk(stage, 1)
        with pytest.raises(NotFound):
            await stage.gateway.bulks.progress(stage.account_id + 1, bulk)

    async def test_one_message_of_a_waiting_bulk_is_cancelled(self, stage: Stage) -> None:
        tomorrow = Schedule(send_at=stage.gateway.clock.now() + timedelta(days=1))
        accepted = await stage.submit("+1", "+2", bulk=True, schedule=tomorrow)
        await stage.gateway.bulks.cancel_message(stage.account_id, accepted.messages[0].id)
        await stage.gateway.bulks.reschedule(stage.account_id, accepted.bulk_id, None)
        await self.until_counts(stage, accepted.bulk_id, sent=1, cancelled=1)
        assert [o.to for o in stage.one.sent] == ["+2"]


class TestLimits:
    async def test_a_rate_is_held(self, database_url: str) -> None:
        async with staged(database_url, channels={"one": {"rate": 50.0}}) as stage:
            start = stage.gateway.clock.now()
            for n in range(30):
                await stage.submit(f"+{n}")

            async def all_sent() -> bool:
                return len(stage.one.sent) == 30

            await stage.until(all_sent)
            assert stage.gateway.clock.now() - start >= timedelta(seconds=(30 - 4) / 50)

    async def test_no_more_in_flight_than_allowed(self, database_url: str) -> None:
        async with staged(database_url, channels={"one": {"concurrency": 3}}) as stage:
            flying = most = 0

            async def slow(outgoing: ports.Outgoing) -> ports.SendResult:
                nonlocal flying, most
                flying += 1
                most = max(most, flying)
                await asyncio.sleep(0.01)
                flying -= 1
                return ports.Sent(str(outgoing.attempt_id))

            stage.one.answer = slow
            for n in range(20):
                await stage.submit(f"+{n}")

            async def all_sent() -> bool:
                return len(stage.one.sent) == 20

            await stage.until(all_sent)
            assert most <= 3

    async def test_a_slow_channel_delays_no_other(self, database_url: str) -> None:
        async with staged(database_url) as stage:
            never = asyncio.Event()

            async def stuck(outgoing: ports.Outgoing) -> ports.SendResult:
                await never.wait()
                return ports.Sent("x")

            stage.one.answer = stuck
            for n in range(20):
                await stage.submit(f"+{n}")
            steps = [Step(channel="two", content=Text(text="quick"))]
            identifier = (await stage.submit("+1", cascade=steps)).messages[0].id
            await stage.status(identifier, "sent")
            never.set()
