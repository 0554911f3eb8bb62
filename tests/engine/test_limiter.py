"""The rate limit of a key: a second's worth at once, then as fast as the rate."""

import pytest
from hypothesis import given, settings, strategies as st

from tyrian.engine.limiter import KeyLimiter


class Timer:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_second_at_once_then_the_rate() -> None:
    timer = Timer()
    limiter = KeyLimiter(timer=timer)
    assert [limiter.allow("a", 5) for _ in range(5)] == [0.0] * 5
    assert limiter.allow("a", 5) == pytest.approx(0.2)
    timer.now += 0.2
    assert limiter.allow("a", 5) == 0.0
    assert limiter.allow("a", 5) == pytest.approx(0.2)


def test_a_refusal_spends_nothing() -> None:
    timer = Timer()
    limiter = KeyLimiter(timer=timer)
    limiter.allow("a", 1)
    waits = [limiter.allow("a", 1) for _ in range(10)]
    assert waits == pytest.approx([1.0] * 10)


def test_keys_do_not_share() -> None:
    limiter = KeyLimiter(timer=Timer())
    assert limiter.allow("a", 1) == 0.0
    assert limiter.allow("b", 1) == 0.0
    assert limiter.allow("a", 1) > 0


@pytest.mark.parametrize("rate", [None, 0, 0.0])
def test_no_rate_is_no_limit(rate: float | None) -> None:
    limiter = KeyLimiter(timer=Timer())
    assert not any(limiter.allow("a", rate) for _ in range(1000))
    assert len(limiter) == 0


def test_a_rate_below_one_still_lets_one_through() -> None:
    timer = Timer()
    limiter = KeyLimiter(timer=timer)
    assert limiter.allow("a", 0.1) == 0.0
    assert limiter.allow("a", 0.1) == pytest.approx(10)


def test_a_cost_above_the_bucket_passes_when_full_and_leaves_a_debt() -> None:
    timer = Timer()
    limiter = KeyLimiter(timer=timer)
    assert limiter.allow("a", 10, cost=100) == 0.0
    assert limiter.allow("a", 10) == pytest.approx(9.1)
    timer.now += 9.1
    assert limiter.allow("a", 10) == 0.0
    assert limiter.allow("a", 10, cost=100) == pytest.approx(1.0)


def test_memory_is_bounded_and_the_least_used_go_first() -> None:
    limiter = KeyLimiter(size=3, timer=Timer())
    for key in ("a", "b", "c"):
        limiter.allow(key, 1)
    limiter.allow("a", 1)
    limiter.allow("d", 1)
    assert len(limiter) == 3
    assert limiter.allow("a", 1) > 0
    assert limiter.allow("b", 1) == 0.0


@settings(max_examples=200)
@given(
    rate=st.floats(0.1, 1000),
    steps=st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 50)), min_size=1, max_size=60),
)
def test_the_rate_holds_over_any_stretch_and_waits_are_true(rate: float, steps: list[tuple[float, float]]) -> None:
    timer = Timer()
    limiter = KeyLimiter(timer=timer)
    start, spent, largest = timer.now, 0.0, 0.0
    for pause, cost in steps:
        timer.now += pause
        wait = limiter.allow("a", rate, cost)
        if wait:
            timer.now += wait + 1e-6
            assert limiter.allow("a", rate, cost) == 0.0
        spent, largest = spent + cost, max(largest, cost)
        burst = max(rate, 1.0)
        assert spent <= burst + rate * (timer.now - start) + largest + 1e-6
