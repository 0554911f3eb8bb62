"""The lifecycle: what each happening changes, and what no sequence of happenings may ever do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tyrian.domain import lifecycle as rules
from tyrian.domain.lifecycle import Attempt, Changes, Message, Receipt, ReceiptKind, Status, StepPlan, advance
from tyrian.domain.purpose import UncertainPolicy
from tyrian.domain.reasons import REASONS

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
VIBER_THEN_SMS = (StepPlan(fallback_time=600), StepPlan())


def message(status: Status = Status.SENDING, step: int = 0, steps: tuple[StepPlan, ...] = VIBER_THEN_SMS) -> Message:
    return Message(status, step, steps, NOW + HOUR)


def attempt(status: Status = Status.SENDING, step: int = 0, **more: object) -> Attempt:
    return Attempt(step, status, NOW, **{"tries": 1, **more})  # type: ignore[arg-type]


def happen(what: rules.Happening, m: Message | None = None, a: Attempt | None = None, at: datetime = NOW) -> Changes:
    return advance(m or message(), a or attempt(), what, at)


def types(changes: Changes) -> list[str]:
    return [event.type for event in changes.events]


class TestSending:
    def test_sent_waits_until_the_fallback_time(self) -> None:
        changes = happen(rules.Sent())
        assert (changes.message_status, changes.attempt_status) == (Status.SENT, Status.SENT)
        assert changes.deadline == NOW + timedelta(seconds=600)
        assert types(changes) == ["sent"]

    def test_the_last_step_ignores_a_fallback_time(self) -> None:
        only = message(steps=(StepPlan(fallback_time=10),))
        assert happen(rules.Sent(), only).deadline == NOW + HOUR

    def test_a_steps_validity_ends_it_before_the_messages(self) -> None:
        only = message(steps=(StepPlan(validity=60),))
        assert happen(rules.Sent(), only).deadline == NOW + timedelta(seconds=60)

    def test_a_refusal_goes_straight_to_the_next_step(self) -> None:
        changes = happen(rules.Refused("not_a_viber_user"))
        assert changes.next_step == 1
        assert changes.attempt_status is Status.FAILED
        assert changes.message_status is Status.SENDING
        assert not changes.report
        assert types(changes) == ["failed", "fallback"]

    def test_a_refusal_of_the_last_step_is_the_end(self) -> None:
        changes = happen(rules.Refused("blocked_by_user"), message(step=1), attempt(step=1))
        assert (changes.message_status, changes.message_reason) == (Status.FAILED, "blocked_by_user")
        assert changes.next_step is None
        assert changes.report

    @pytest.mark.parametrize(("tries", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (99, 300)])
    def test_retries_back_off(self, tries: int, seconds: float) -> None:
        changes = happen(rules.Retry("provider_error"), message(steps=(StepPlan(),)), attempt(tries=tries))
        assert changes.retry_at == NOW + timedelta(seconds=seconds)

    def test_a_retry_honours_what_the_network_asked_for(self) -> None:
        assert happen(rules.Retry("throttled", after=7.5)).retry_at == NOW + timedelta(seconds=7.5)

    def test_a_retry_that_would_come_too_late_moves_on_at_once(self) -> None:
        changes = happen(rules.Retry("provider_error", after=601))
        assert changes.retry_at is None
        assert changes.next_step == 1
        assert types(changes) == ["retry", "failed", "fallback"]


class TestMoving:
    def test_the_step_goes_on_by_another_attempt(self) -> None:
        changes = happen(rules.Moved("no_credit", "second"))
        assert changes.moved
        assert (changes.attempt_status, changes.attempt_reason) == (Status.FAILED, "no_credit")
        assert (changes.message_status, changes.next_step, changes.retry_at) == (Status.SENDING, None, None)
        assert types(changes) == ["failed", "rerouted"]
        assert changes.events[-1].detail == {"channel": "second"}
        assert (changes.report, changes.settled) == (False, False)

    def test_what_was_not_even_tried_is_skipped(self) -> None:
        changes = happen(rules.Moved("circuit_open", "second", made=False))
        assert changes.attempt_status is Status.SKIPPED
        assert types(changes) == ["rerouted"]

    def test_what_was_tried_before_has_failed(self) -> None:
        changes = happen(rules.Moved("circuit_open", "second", made=False), None, attempt(tries=3))
        assert changes.attempt_status is Status.FAILED

    def test_after_the_steps_time_the_cascade_goes_on_instead(self) -> None:
        changes = happen(rules.Moved("no_credit", "second"), at=NOW + timedelta(seconds=600))
        assert (changes.moved, changes.next_step) == (False, 1)
        assert types(changes) == ["failed", "fallback"]

    @pytest.mark.parametrize("kind", [ReceiptKind.DELIVERED, ReceiptKind.SEEN, ReceiptKind.EXPIRED])
    def test_a_receipt_for_the_attempt_left_behind_is_late(self, kind: ReceiptKind) -> None:
        changes = happen(Receipt(kind), message(), attempt(Status.FAILED))
        assert types(changes) == ["late_receipt"]
        assert (changes.message_status, changes.attempt_status, changes.report) == (None, None, False)

    def test_nothing_moves_after_the_end(self) -> None:
        assert happen(rules.Moved("no_credit", "second"), message(Status.DELIVERED)) == Changes(settled=True)


class TestUncertainty:
    def test_resend_tries_again_and_says_so(self) -> None:
        changes = happen(rules.Unknown("no_answer", UncertainPolicy.RESEND))
        assert changes.retry_at is not None
        assert types(changes) == ["uncertain"]

    def test_fail_moves_on_and_says_so(self) -> None:
        changes = happen(rules.Unknown("interrupted", UncertainPolicy.FAIL))
        assert changes.attempt_status is Status.UNCERTAIN
        assert changes.next_step == 1
        assert types(changes) == ["uncertain", "fallback"]

    def test_a_resend_that_would_come_too_late_leaves_the_attempt_uncertain(self) -> None:
        at = NOW + timedelta(seconds=600)
        changes = happen(rules.Unknown("no_answer", UncertainPolicy.RESEND), at=at)
        assert changes.attempt_status is Status.UNCERTAIN
        assert types(changes) == ["uncertain", "fallback"]

    def test_resending_has_an_end(self) -> None:
        last = attempt(uncertain=rules.MAX_UNCERTAIN - 1)
        changes = happen(rules.Unknown("no_answer", UncertainPolicy.RESEND), None, last)
        assert changes.retry_at is None
        assert changes.attempt_status is Status.UNCERTAIN

    def test_without_another_step_the_message_fails(self) -> None:
        only = message(steps=(StepPlan(),))
        changes = happen(rules.Unknown("no_answer", UncertainPolicy.FAIL), only)
        assert (changes.message_status, changes.message_reason) == (Status.FAILED, "no_answer")


class TestDeadlines:
    def test_the_fallback_time_starts_the_next_step(self) -> None:
        at = NOW + timedelta(seconds=600)
        changes = happen(rules.DeadlinePassed(), message(Status.SENT), attempt(Status.SENT), at)
        assert changes.attempt_status is Status.EXPIRED
        assert changes.attempt_reason == "fallback_time_passed"
        assert changes.next_step == 1

    def test_the_validity_ends_the_message(self) -> None:
        changes = happen(rules.DeadlinePassed(), message(Status.SENT, 1), attempt(Status.SENT, 1), NOW + HOUR)
        assert (changes.message_status, changes.message_reason) == (Status.EXPIRED, "validity_passed")
        assert changes.report

    def test_no_step_starts_after_the_messages_validity(self) -> None:
        changes = happen(rules.DeadlinePassed(), message(Status.SENT), attempt(Status.SENT), NOW + HOUR)
        assert changes.next_step is None
        assert changes.message_status is Status.EXPIRED


class TestReceipts:
    def receive(self, kind: str, m: Message, a: Attempt) -> Changes:
        return advance(m, a, Receipt(ReceiptKind(kind)), NOW)

    def test_delivered(self) -> None:
        changes = self.receive("delivered", message(Status.SENT), attempt(Status.SENT))
        assert changes.message_status is Status.DELIVERED
        assert changes.settled
        assert changes.report
        assert changes.delivered_at == NOW

    def test_seen_after_delivered(self) -> None:
        changes = self.receive("seen", message(Status.DELIVERED), attempt(Status.DELIVERED, delivered=True))
        assert changes.message_status is Status.SEEN
        assert changes.report

    def test_seen_without_delivered(self) -> None:
        assert self.receive("seen", message(Status.SENT), attempt(Status.SENT)).message_status is Status.SEEN

    def test_delivered_after_seen_is_noted_and_changes_no_status(self) -> None:
        changes = self.receive("delivered", message(Status.SEEN), attempt(Status.SEEN, seen=True))
        assert changes.message_status is None
        assert changes.delivered_at == NOW
        assert not changes.report

    @pytest.mark.parametrize("kind", ["delivered", "seen"])
    def test_a_repeat_changes_nothing(self, kind: str) -> None:
        status = Status(kind)
        changes = self.receive(kind, message(status), attempt(status, **{kind: True}))
        assert changes == Changes()

    @pytest.mark.parametrize("kind", ["expired", "failed"])
    def test_bad_news_after_good_is_late(self, kind: str) -> None:
        changes = self.receive(kind, message(Status.DELIVERED), attempt(Status.DELIVERED, delivered=True))
        assert types(changes) == ["late_receipt"]
        assert changes.message_status is None
        assert changes.next_step is None

    def test_delivered_after_expired_is_late(self) -> None:
        ended = message(Status.EXPIRED, steps=(StepPlan(),))
        changes = self.receive("delivered", ended, attempt(Status.EXPIRED))
        assert types(changes) == ["late_receipt"]
        assert changes.message_status is None
        assert changes.delivered_at == NOW

    def test_delivered_for_a_step_that_is_over_is_late(self) -> None:
        changes = self.receive("delivered", message(Status.SENT, step=1), attempt(Status.EXPIRED))
        assert types(changes) == ["late_receipt"]
        assert changes.attempt_status is None

    def test_a_failed_receipt_moves_on(self) -> None:
        changes = self.receive("failed", message(Status.SENT), attempt(Status.SENT))
        assert changes.next_step == 1
        assert changes.attempt_reason == "network_failed"

    def test_nothing_but_receipts_touches_an_ended_message(self) -> None:
        for what in (rules.Sent(), rules.Refused("x"), rules.Retry("x"), rules.DeadlinePassed(), rules.Cancelled()):
            changes = happen(what, message(Status.CANCELLED))
            assert changes == Changes(settled=True)


def test_cancelling_ends_and_reports() -> None:
    changes = happen(rules.Cancelled(), message(Status.SCHEDULED))
    assert (changes.message_status, changes.message_reason) == (Status.CANCELLED, "cancelled_by_customer")
    assert changes.report


class AnyLife(RuleBasedStateMachine):
    """Plays happenings in any order against any cascade, applying changes as the engine does."""

    @initialize(
        fallbacks=st.lists(st.one_of(st.none(), st.integers(1, 3600)), min_size=1, max_size=4),
        validity=st.integers(30, 7200),
    )
    def begin(self, fallbacks: list[int | None], validity: int) -> None:
        self.now = NOW
        steps = tuple(StepPlan(fallback_time=f) for f in fallbacks)
        self.message = Message(Status.ACCEPTED, 0, steps, NOW + timedelta(seconds=validity))
        self.attempts = [Attempt(0, Status.ACCEPTED, NOW)]
        self.queued = True
        self.waiting = False
        self.outcomes: list[Status] = []
        self.reports: list[Status] = []

    def apply(self, index: int, what: rules.Happening) -> None:
        tried = self.attempts[index]
        before = self.message.status
        changes = advance(self.message, tried, what, self.now)
        for event in changes.events:
            assert event.reason is None or event.reason in REASONS
        assert len(changes.events) <= 3
        if changes.message_status is not None:
            self.message.status = changes.message_status
            if changes.message_status in rules.OUTCOMES:
                self.outcomes.append(changes.message_status)
        if changes.report:
            assert changes.message_status is not None
            self.reports.append(changes.message_status)
        if changes.attempt_status is not None:
            tried.status = changes.attempt_status
        tried.delivered |= changes.delivered_at is not None
        tried.seen |= changes.seen_at is not None
        if before in rules.OUTCOMES and before not in rules.REACHED:
            assert self.message.status is before
        self.follow(changes)

    def follow(self, changes: Changes) -> None:
        if changes.deadline is not None:
            self.queued, self.waiting = False, True
            assert changes.deadline <= self.message.valid_until
        if changes.settled:
            self.waiting = False
        if changes.retry_at is not None:
            assert changes.retry_at < self.message.valid_until
            self.queued = True
        elif changes.moved:
            left = self.attempts[-1]
            assert left.status in (Status.FAILED, Status.SKIPPED)
            self.attempts.append(Attempt(left.step, Status.SENDING, left.started_at, left.tries))
            self.queued = True
        elif changes.next_step is not None:
            assert changes.next_step == self.message.step + 1
            self.message.step = changes.next_step
            self.attempts.append(Attempt(changes.next_step, Status.SENDING, self.now))
            self.queued, self.waiting = True, False
        elif changes.settled:
            self.queued = False

    @rule(seconds=st.integers(0, 1000))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.queued)
    @rule(
        what=st.one_of(
            st.just(rules.Sent()),
            st.just(rules.Refused("not_a_viber_user")),
            st.builds(rules.Retry, st.just("provider_error"), st.one_of(st.none(), st.floats(0, 900))),
            st.builds(rules.Unknown, st.just("no_answer"), st.sampled_from(UncertainPolicy)),
            st.builds(rules.Moved, st.just("no_credit"), st.just("another"), st.booleans()),
        )
    )
    def an_answer(self, what: rules.Happening) -> None:
        tried = self.attempts[-1]
        tried.tries += 1
        uncertain = isinstance(what, rules.Unknown)
        self.queued = False
        self.apply(len(self.attempts) - 1, what)
        tried.uncertain += uncertain

    @precondition(lambda self: self.waiting)
    @rule()
    def the_deadline(self) -> None:
        self.now = max(self.now, rules.attempt_deadline(self.message, self.attempts[-1]))
        self.apply(len(self.attempts) - 1, rules.DeadlinePassed())

    @rule(data=st.data(), kind=st.sampled_from(ReceiptKind))
    def a_receipt(self, data: st.DataObject, kind: ReceiptKind) -> None:
        sent = [n for n, a in enumerate(self.attempts) if a.status not in (Status.ACCEPTED, Status.SENDING)]
        if sent:
            self.apply(data.draw(st.sampled_from(sent)), Receipt(kind))

    @invariant()
    def one_outcome_only(self) -> None:
        """`seen` may follow `delivered`; apart from that there is one outcome, reported once."""
        if not hasattr(self, "outcomes"):
            return
        assert self.outcomes in ([], [Status.DELIVERED, Status.SEEN]) or len(self.outcomes) == 1
        ends = [s for s in self.reports if s in rules.OUTCOMES]
        assert ends == self.outcomes

    @invariant()
    def a_message_without_outcome_has_something_due(self) -> None:
        """Nothing is ever forgotten: until the end there is a send to make or a deadline to wait for."""
        if hasattr(self, "message") and self.message.status not in rules.OUTCOMES:
            assert self.queued or self.waiting


TestAnyLife = AnyLife.TestCase
TestAnyLife.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
