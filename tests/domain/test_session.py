"""The rules of sessions, by examples and against a plain account of what happened."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tyrian.domain import session as rules
from tyrian.domain.session import CLOSED, DEFAULT, FULL, NOTHING, UNANSWERED, Session, SessionSettings, Standing

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SHORT = SessionSettings(enforced=True, duration=3600, sent_limit=4, unanswered_limit=2)


def test_the_numbers_of_the_networks() -> None:
    assert (DEFAULT.duration, DEFAULT.sent_limit, DEFAULT.unanswered_limit) == (86_400, 60, 10)


@pytest.mark.parametrize(
    ("network", "enforced", "holds"),
    [("viber", None, True), ("viber_bot", None, False), ("sms", None, False), ("", None, False),
     ("viber", False, False), ("sms", True, True)],
)  # fmt: skip
def test_where_the_rule_holds(network: str, enforced: bool | None, holds: bool) -> None:
    settings = SessionSettings(enforced=enforced)
    assert settings.holds_on(network) is holds
    assert settings.effective(network).enforced is holds


def test_it_lasts_a_day_and_not_a_moment_longer() -> None:
    session = rules.heard(NOTHING, DEFAULT, NOON)
    assert rules.refusal(session, DEFAULT, NOON + DAY) is None
    assert rules.refusal(session, DEFAULT, NOON + DAY + timedelta(microseconds=1)) == CLOSED


def test_it_lasts_a_day_from_the_last_message_not_the_first() -> None:
    session = rules.heard(rules.heard(NOTHING, DEFAULT, NOON), DEFAULT, NOON + DAY)
    assert session.opened_at == NOON
    assert rules.is_open(session, NOON + 2 * DAY)


def test_who_never_wrote_has_no_session() -> None:
    assert rules.refusal(NOTHING, DEFAULT, NOON) == CLOSED
    state = rules.state(NOTHING, SHORT, NOON, agreed=False)
    assert (state.open, state.sent_limit, state.unanswered_limit, state.expires_at) == (False, 4, 2, None)


def test_a_message_that_comes_late_takes_nothing_back() -> None:
    session = rules.heard(rules.heard(NOTHING, DEFAULT, NOON), DEFAULT, NOON - timedelta(hours=1))
    assert (session.last_inbound_at, session.expires_at) == (NOON, NOON + DAY)


def test_a_further_try_goes_out_even_when_the_session_is_used_up() -> None:
    session = rules.heard(NOTHING, SessionSettings(sent_limit=1), NOON)
    attempt = uuid4()
    session = rules.counted(session, attempt)
    assert rules.refusal(session, DEFAULT, NOON) == FULL
    assert rules.refusal(session, DEFAULT, NOON, attempt) is None
    assert rules.refusal(session, DEFAULT, NOON + 2 * DAY, attempt) == CLOSED, "but not after it is over"


def test_every_refusal_has_its_sentence() -> None:
    for reason, words in ((CLOSED, "1 hours"), (FULL, "holds no more"), (UNANSWERED, "2 messages")):
        assert words in rules.sentence(reason, SHORT)


LATER, SOON = NOON + DAY, NOON + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("wrote", "network", "recorded", "agreed"),
    [
        (None, None, None, False),
        (NOON, None, None, True),
        (None, Standing(True, NOON), None, True),
        (NOON, Standing(False, SOON), None, False),
        (LATER, Standing(False, SOON), None, True),
        (None, Standing(False, SOON), None, False),
        (LATER, None, Standing(False, NOON), False),
        (LATER, Standing(False, SOON), Standing(False, NOON), False),
        (LATER, Standing(False, SOON), Standing(True, NOON), True),
        (None, Standing(False, NOON), Standing(True, SOON), True),
        (None, Standing(True, SOON), Standing(False, NOON), True),
    ],
)
def test_who_agreed(wrote: datetime | None, network: Standing | None, recorded: Standing | None, agreed: bool) -> None:
    assert rules.opted_in(wrote, network, recorded) is agreed


class Sessions(RuleBasedStateMachine):
    """A person and a business write to each other; what went out is held against a list of what happened."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.session: Session = NOTHING
        #: What is known without counting: when the person wrote, and what went out since the session began.
        self.wrote: datetime | None = None
        self.sent: list[UUID] = []
        self.unanswered: list[UUID] = []

    def _lasts(self) -> bool:
        return self.wrote is not None and (self.now - self.wrote).total_seconds() <= SHORT.duration

    @rule(seconds=st.integers(1, 5000))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def person_writes(self) -> None:
        if not self._lasts() or len(self.sent) >= SHORT.sent_limit:
            self.sent = []
        self.wrote, self.unanswered = self.now, []
        self.session = rules.heard(self.session, SHORT, self.now)

    @rule()
    def business_writes(self) -> None:
        attempt = uuid4()
        reason = rules.refusal(self.session, SHORT, self.now, attempt)
        if not self._lasts():
            assert reason == CLOSED
        elif len(self.sent) >= SHORT.sent_limit:
            assert reason == FULL
        elif len(self.unanswered) >= SHORT.unanswered_limit:
            assert reason == UNANSWERED
        else:
            assert reason is None
            self.sent.append(attempt)
            self.unanswered.append(attempt)
            self.session = rules.counted(self.session, attempt)

    @precondition(lambda self: self.sent)
    @rule()
    def the_last_is_tried_again(self) -> None:
        before = self.session
        reason = rules.refusal(before, SHORT, self.now, self.sent[-1])
        assert reason == (None if self._lasts() else CLOSED)
        assert rules.counted(before, self.sent[-1]) == before

    @invariant()
    def the_state_is_what_happened(self) -> None:
        state = rules.state(self.session, SHORT, self.now, agreed=False)
        assert state.open is self._lasts()
        assert state.last_inbound_at == self.wrote
        if state.open:
            assert (state.sent, state.unanswered) == (len(self.sent), len(self.unanswered))
            assert state.unanswered <= SHORT.unanswered_limit
            assert state.sent <= SHORT.sent_limit


TestSessions = Sessions.TestCase
