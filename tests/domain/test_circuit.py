"""The circuit breaker: when it opens, how it heals, and what no sequence of sends may ever do."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tyrian.domain.circuit import SILENT, TROUBLE, Circuit, Rule, State
from tyrian.domain.reasons import REASONS
from tyrian.domain.routing import ELSEWHERE

RULE = Rule(consecutive=3, share=0.5, volume=10, window=60, pause=30, longest=100, heals=2, patience=20)


@pytest.fixture
def circuit() -> Circuit:
    return Circuit(RULE)


def fail(circuit: Circuit, times: int, at: float = 0) -> None:
    for _ in range(times):
        circuit.record(False, at)


def opened(at: float = 0) -> Circuit:
    circuit = Circuit(RULE)
    fail(circuit, 3, at)
    return circuit


def test_the_words_are_reasons() -> None:
    assert REASONS.keys() >= (TROUBLE | SILENT | ELSEWHERE)
    assert not TROUBLE & SILENT


class TestOpening:
    def test_failures_one_after_another_open_it(self, circuit: Circuit) -> None:
        fail(circuit, 2)
        assert circuit.state(0) is State.CLOSED
        fail(circuit, 1)
        assert circuit.state(0) is State.OPEN
        assert not circuit.admits(29.9)

    def test_a_success_begins_the_count_anew(self, circuit: Circuit) -> None:
        for _ in range(4):
            fail(circuit, 2)
            for _ in range(4):
                circuit.record(True, 0)
        assert circuit.state(0) is State.CLOSED

    def test_a_share_of_failures_opens_it(self, circuit: Circuit) -> None:
        for _ in range(5):
            circuit.record(True, 0)
            circuit.record(False, 0)
        assert circuit.state(0) is State.OPEN

    def test_few_sends_have_no_share(self, circuit: Circuit) -> None:
        for _ in range(4):
            circuit.record(True, 0)
            circuit.record(False, 0)
        assert circuit.state(0) is State.CLOSED

    def test_failures_older_than_the_window_are_forgotten(self, circuit: Circuit) -> None:
        for _ in range(4):
            circuit.record(False, 0)
            circuit.record(True, 0)
        circuit.record(False, 61)
        circuit.record(True, 61)
        circuit.record(False, 61)
        assert circuit.state(61) is State.CLOSED


class TestHealing:
    def test_it_is_half_open_after_its_pause(self) -> None:
        circuit = opened()
        assert circuit.admits_from(0) == 30
        assert (circuit.state(30), circuit.admits(30)) == (State.HALF_OPEN, True)

    def test_one_probe_at_a_time(self) -> None:
        circuit = opened()
        circuit.probe(30)
        assert not circuit.admits(30)
        assert circuit.admits_from(31) == 50
        circuit.record(True, 32)
        assert circuit.admits(32)

    def test_enough_probes_close_it(self) -> None:
        circuit = opened()
        for at in (30, 31):
            circuit.probe(at)
            circuit.record(True, at)
        assert circuit.state(31) is State.CLOSED
        fail(circuit, 2, 31)
        assert circuit.state(31) is State.CLOSED

    def test_a_failed_probe_opens_it_for_twice_as_long(self) -> None:
        circuit = opened()
        at, pauses = 30.0, []
        for _ in range(4):
            circuit.probe(at)
            circuit.record(False, at)
            pauses.append(circuit.admits_from(at) - at)
            at += pauses[-1]
        assert pauses == [60, 100, 100, 100]

    def test_a_probe_that_says_nothing_is_followed_by_another(self) -> None:
        circuit = opened()
        circuit.probe(30)
        circuit.record(None, 31)
        assert (circuit.state(31), circuit.admits(31)) == (State.HALF_OPEN, True)

    def test_a_lost_probe_is_followed_by_another(self) -> None:
        circuit = opened()
        circuit.probe(30)
        assert not circuit.admits(49.9)
        assert circuit.admits(50)

    def test_what_was_begun_before_it_opened_changes_nothing(self) -> None:
        circuit = opened()
        for _ in range(10):
            circuit.record(True, 1)
            circuit.record(False, 1)
        assert circuit.admits_from(1) == 30

    def test_a_clock_that_goes_backwards_stands_still(self) -> None:
        circuit = opened(100)
        assert circuit.state(0) is State.OPEN
        circuit.record(False, 0)
        assert circuit.admits_from(0) == 130


class Anything(RuleBasedStateMachine):
    """Sends that are let through or not, answered in any order or never, while time goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit = Circuit(RULE)
        self.now = 1000.0
        self.failures_in_a_row = 0

    @rule(seconds=st.integers(0, 200))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def a_send_asks(self) -> None:
        before = self.circuit.state(self.now)
        if not self.circuit.admits(self.now):
            assert before is not State.CLOSED
            assert self.circuit.admits_from(self.now) > self.now
            return
        assert before is not State.OPEN
        self.circuit.probe(self.now)
        if before is State.HALF_OPEN:
            assert not self.circuit.admits(self.now)
            assert not self.circuit.admits(self.now + RULE.patience - 1)
            self.now += RULE.patience - 1

    @rule(success=st.sampled_from([True, False, None]))
    def a_send_is_answered(self, success: bool | None) -> None:
        before = self.circuit.state(self.now)
        self.circuit.record(success, self.now)
        after = self.circuit.state(self.now)
        if success is None:
            assert after is before
        elif before is State.CLOSED:
            self.failures_in_a_row = 0 if success else self.failures_in_a_row + 1
            assert after is not State.HALF_OPEN
            if success:
                assert after is State.CLOSED
            if self.failures_in_a_row >= RULE.consecutive:
                assert after is State.OPEN
        elif before is State.OPEN or not success:
            assert after is State.OPEN
        if after is not State.CLOSED:
            self.failures_in_a_row = 0

    @invariant()
    def it_opens_again_some_time(self) -> None:
        assert self.circuit.admits_from(self.now) - self.now <= max(RULE.longest, RULE.patience)

    @invariant()
    def closed_admits_and_open_does_not(self) -> None:
        state, admits = self.circuit.state(self.now), self.circuit.admits(self.now)
        assert admits or state is not State.CLOSED
        assert not admits or state is not State.OPEN


TestAnything = Anything.TestCase
