"""Latencies are counted in buckets fine enough to be believed."""

import random

import pytest

from bench.histogram import Histogram


def of(values: list[int]) -> Histogram:
    made = Histogram()
    for value in values:
        made.record(value)
    return made


@pytest.mark.parametrize("q", [0.01, 0.5, 0.9, 0.99, 0.999, 1.0])
def test_a_quantile_is_within_two_percent(q: float) -> None:
    rng = random.Random(7)
    values = sorted(int(rng.lognormvariate(7, 2)) for _ in range(20_000))
    exact = values[max(round(q * len(values)) - 1, 0)]
    assert of(values).quantile(q) == pytest.approx(exact, rel=0.02, abs=1)


def test_small_values_are_exact() -> None:
    histogram = of(list(range(128)))
    assert [histogram.quantile((n + 1) / 128) for n in range(128)] == list(range(128))


def test_nothing_counted_has_quantile_zero() -> None:
    assert Histogram().quantile(0.99) == 0


def test_no_quantile_is_above_the_largest() -> None:
    assert of([1000, 1_000_003]).quantile(1) == 1_000_003


def test_values_out_of_range_count_at_the_ends() -> None:
    histogram = of([-5, 1 << 60])
    assert histogram.count == 2
    assert histogram.quantile(0.5) == 0
    assert histogram.quantile(1) == pytest.approx(1 << 40, rel=0.02)


def test_two_together_count_as_one() -> None:
    one, other = of([5, 10]), of([20, 4000])
    one.add(other)
    assert (one.count, one.largest, one.quantile(0.5)) == (4, 4000, 10)


def test_a_dump_brings_the_counts_back() -> None:
    original = of([0, 1, 77, 500, 500, 123_456])
    again = Histogram.load(original.dump())
    assert again.count == original.count
    assert [again.quantile(q / 10) for q in range(1, 10)] == [original.quantile(q / 10) for q in range(1, 10)]
