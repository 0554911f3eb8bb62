"""When callbacks are tried again, and how long endpoints are left alone."""

from datetime import UTC, datetime, timedelta

import pytest

from tyrian.engine import callback_schedule as schedule
from tyrian.engine.callback_schedule import MAX_RETRY_AFTER, WAITS, retry_after, waits_for
from tyrian.engine.callback_standing import TOLERATED, Standing

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("hours", [1, 24, 48, 720])
def test_the_waits_last_as_long_as_the_settings_say(hours: int) -> None:
    waits = waits_for(hours)
    assert waits[: len(WAITS)] == WAITS
    assert hours * 3600 <= sum(waits) < max(hours * 3600, sum(WAITS)) + 7200
    assert list(waits) == sorted(waits)


def test_waits_are_spread_but_the_same_whoever_asks() -> None:
    waits = waits_for(24)
    first = [schedule.wait(waits, number, 1) or 0.0 for number in range(1000)]
    assert first == [schedule.wait(waits, number, 1) for number in range(1000)]
    assert min(first) >= 5
    assert max(first) <= 5.5
    assert max(first) - min(first) > 0.4


def test_after_the_last_try_there_is_no_next() -> None:
    waits = waits_for(1)
    assert schedule.wait(waits, 1, len(waits)) is not None
    assert schedule.wait(waits, 1, len(waits) + 1) is None


def test_an_endpoint_may_ask_for_more_time_and_not_for_less() -> None:
    waits = waits_for(24)
    assert schedule.wait(waits, 1, 1, retry_after=600) == 600
    assert (schedule.wait(waits, 1, 6, retry_after=1) or 0) >= 3600
    assert schedule.wait(waits, 1, 1, retry_after=1e9) == MAX_RETRY_AFTER


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("9" * 400, 999_999_999),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("١٢", None),
        ("Thu, 01 Jan 2026 12:01:00 GMT", 60),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("Thu, 01 Jan 2026 12:01:00", 60),
        ("Thu, 99 Foo 2026 12:01:00 GMT", None),
        ("Thu, 01 Jan 99999 12:01:00 GMT", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_an_endpoint_is_left_alone_after_failures_in_a_row() -> None:
    standing = Standing()
    for _ in range(TOLERATED - 1):
        standing.failed(1, NOW)
        assert standing.room(1, NOW) is None
    standing.failed(1, NOW)
    assert standing.room(1, NOW) == 0
    assert standing.until(1) == later(1)
    assert standing.room(1, later(1)) == 1
    assert standing.room(2, NOW) is None


def test_it_is_left_alone_for_longer_each_time_up_to_a_minute() -> None:
    standing, at, pauses = Standing(), NOW, []
    for _ in range(TOLERATED + 9):
        standing.failed(1, at)
        until = standing.until(1) or at
        pauses.append((until - at).total_seconds())
        at = until
    assert pauses == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_what_was_under_way_when_it_was_left_alone_counts_no_further() -> None:
    standing = Standing()
    for _ in range(500):
        standing.failed(1, NOW)
    assert standing.until(1) == later(1)


def test_one_answer_makes_up_for_everything() -> None:
    standing = Standing()
    for _ in range(TOLERATED):
        standing.failed(1, NOW)
    standing.answered(1)
    assert standing.room(1, NOW) is None


def test_an_endpoint_that_asks_for_time_gets_it_within_bounds() -> None:
    standing = Standing()
    standing.failed(1, NOW, 30)
    assert standing.room(1, later(29)) == 0
    assert standing.room(1, later(30)) is None
    standing.failed(2, NOW, 86_400)
    assert standing.until(2) == later(60)


def test_someone_may_say_that_the_trouble_is_over() -> None:
    standing = Standing()
    for _ in range(TOLERATED):
        standing.failed(1, NOW)
    standing.forgive()
    assert standing.room(1, NOW) is None
