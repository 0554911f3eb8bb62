"""Schedules: starts, paces and windows, over midnight and through daylight-saving changes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tyrian.domain.schedule import (
    DAYS,
    Schedule,
    SpeedLimit,
    Window,
    first_time,
    forecast,
    is_open,
    next_open,
    openings,
    spacing,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


OFFICE = Window(start="09:00", end="17:00", days=["monday", "tuesday", "wednesday", "thursday", "friday"])
NIGHT = Window(start="22:00", end="06:00")
ZAGREB = Window(start="09:00", end="17:00", time_zone="Europe/Zagreb")


@pytest.mark.parametrize(
    ("label", "window", "now", "opens"),
    [
        ("open: at once", OFFICE, "2026-03-02T10:00+00:00", "2026-03-02T10:00+00:00"),
        ("before opening: that morning", OFFICE, "2026-03-02T08:59+00:00", "2026-03-02T09:00+00:00"),
        ("at closing time: the next day", OFFICE, "2026-03-02T17:00+00:00", "2026-03-03T09:00+00:00"),
        ("Friday evening: Monday", OFFICE, "2026-03-06T18:00+00:00", "2026-03-09T09:00+00:00"),
        ("over midnight, evening", NIGHT, "2026-03-02T23:30+00:00", "2026-03-02T23:30+00:00"),
        ("over midnight, early morning", NIGHT, "2026-03-03T05:59+00:00", "2026-03-03T05:59+00:00"),
        ("over midnight, by day", NIGHT, "2026-03-03T06:00+00:00", "2026-03-03T22:00+00:00"),
        ("a time zone", ZAGREB, "2026-03-02T07:59+00:00", "2026-03-02T08:00+00:00"),
        ("summer time has begun", ZAGREB, "2026-03-30T06:00+00:00", "2026-03-30T07:00+00:00"),
        ("winter time has begun", ZAGREB, "2026-10-26T06:00+00:00", "2026-10-26T08:00+00:00"),
        (
            "the skipped hour counts as the moment the clocks jump to",
            Window(start="02:30", end="05:00", time_zone="Europe/Zagreb"),
            "2026-03-29T00:00+00:00",
            "2026-03-29T01:30+00:00",
        ),
        (
            "the hour that comes twice counts the first time",
            Window(start="02:30", end="05:00", time_zone="Europe/Zagreb"),
            "2026-10-25T00:00+00:00",
            "2026-10-25T00:30+00:00",
        ),
        (
            "days name the opening: Saturday's early hours belong to Friday",
            Window(start="22:00", end="06:00", days=["friday"]),
            "2026-03-07T05:00+00:00",
            "2026-03-07T05:00+00:00",
        ),
        (
            "and Friday's early hours to Thursday, which is not named",
            Window(start="22:00", end="06:00", days=["friday"]),
            "2026-03-06T05:00+00:00",
            "2026-03-06T22:00+00:00",
        ),
        ("equal times: always", Window(start="08:00", end="08:00"), "2026-03-02T03:00+00:00", "2026-03-02T03:00+00:00"),
    ],
)
def test_windows(label: str, window: Window, now: str, opens: str) -> None:
    assert next_open(window, at(now)) == at(opens), label


def test_no_window_is_always_open() -> None:
    assert is_open(None, at("2026-03-02T03:00+00:00"))


def test_the_start_waits_for_send_at_and_then_for_the_window() -> None:
    schedule = Schedule(send_at=at("2026-03-06T18:00+01:00"), window=OFFICE)
    assert first_time(schedule, at("2026-03-02T10:00+00:00")) == at("2026-03-09T09:00+00:00")


def test_a_start_in_the_past_is_now() -> None:
    now = at("2026-03-02T10:00+00:00")
    assert first_time(Schedule(send_at=now - timedelta(seconds=30)), now) == now


@pytest.mark.parametrize(
    ("limit", "per", "gap"), [(60, "minute", 1.0), (3600, "hour", 1.0), (86400, "day", 1.0), (120, "minute", 0.5)]
)
def test_spacing(limit: int, per: str, gap: float) -> None:
    assert spacing(SpeedLimit(messages=limit, per=per)).total_seconds() == pytest.approx(gap)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("label", "schedule", "remaining", "rate", "start", "done"),
    [
        ("nothing left", None, 0, None, "2026-03-02T10:00+00:00", "2026-03-02T10:00+00:00"),
        ("by rate", None, 101, 10.0, "2026-03-02T10:00+00:00", "2026-03-02T10:00:10+00:00"),
        (
            "the slower of speed and rate",
            Schedule(speed_limit=SpeedLimit(messages=60, per="minute")),
            61,
            10.0,
            "2026-03-02T10:00+00:00",
            "2026-03-02T10:01+00:00",
        ),
        (
            "over the window's edge into the next day",
            Schedule(speed_limit=SpeedLimit(messages=1, per="hour"), window=Window(start="09:00", end="17:00")),
            11,
            None,
            "2026-03-02T12:00+00:00",
            "2026-03-03T14:00+00:00",
        ),
        (
            "weeks at a time",
            Schedule(speed_limit=SpeedLimit(messages=1, per="hour"), window=OFFICE),
            40 * 10 + 1,
            None,
            "2026-03-02T09:00+00:00",
            "2026-05-11T09:00+00:00",
        ),
    ],
)
def test_forecast(
    label: str, schedule: Schedule | None, remaining: int, rate: float | None, start: str, done: str
) -> None:
    ends = forecast(schedule, remaining, at(start), rate)
    assert abs(ends - at(done)) < timedelta(seconds=1), label


clock = st.builds(lambda h, m: f"{h:02d}:{m:02d}", st.integers(0, 23), st.integers(0, 59))
windows = st.builds(
    lambda start, end, days, zone: Window(start=start, end=end, days=days or None, time_zone=zone),
    clock,
    clock,
    st.lists(st.sampled_from(DAYS), unique=True),
    st.sampled_from(["UTC", "Europe/Zagreb", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
moments = st.integers(0, 2 * 365 * 86400).map(lambda s: datetime(2025, 6, 1, tzinfo=UTC) + timedelta(seconds=s))


@given(windows, moments)
@settings(deadline=None)
def test_a_window_always_opens_and_what_opens_is_open(window: Window, now: datetime) -> None:
    opens = next_open(window, now)
    assert now <= opens <= now + timedelta(days=8, hours=2)
    assert is_open(window, opens)


@given(windows, moments)
@settings(deadline=None)
def test_openings_come_in_order(window: Window, now: datetime) -> None:
    spans = openings(window, now)
    assert spans == sorted(spans)
    assert all(start < end and end > now for start, end in spans)


@given(windows, moments, st.integers(1, 5000), st.integers(1, 500))
@settings(deadline=None)
def test_a_forecast_ends_inside_the_window_and_grows_with_the_work(
    window: Window, now: datetime, remaining: int, per_minute: int
) -> None:
    schedule = Schedule(speed_limit=SpeedLimit(messages=per_minute, per="minute"), window=window)
    ends = forecast(schedule, remaining, now)
    assert ends >= first_time(schedule, now)
    assert forecast(schedule, remaining + 1, now) >= ends


class PacedBulk(RuleBasedStateMachine):
    """Releases messages at a schedule's pace, at moments of any distance: never too many, never outside the window."""

    @initialize(window=st.one_of(st.none(), windows), per_minute=st.integers(1, 600), start=moments)
    def begin(self, window: Window | None, per_minute: int, start: datetime) -> None:
        self.schedule = Schedule(speed_limit=SpeedLimit(messages=per_minute, per="minute"), window=window)
        self.gap = spacing(self.schedule.speed_limit)
        self.now = start
        self.next = first_time(self.schedule, start)
        self.released: list[datetime] = []

    @rule(seconds=st.floats(0.01, 4000))
    def look(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        if self.now < self.next:
            return
        opens = next_open(self.schedule.window, self.now)
        if opens > self.now:
            self.next = opens
            return
        self.released.append(self.now)
        self.next = self.now + self.gap

    @invariant()
    def inside_the_window_and_not_too_fast(self) -> None:
        for moment in getattr(self, "released", [])[-2:]:
            assert is_open(self.schedule.window, moment)
        if len(getattr(self, "released", [])) > 1:
            assert self.released[-1] - self.released[-2] >= self.gap


TestPacedBulk = PacedBulk.TestCase
TestPacedBulk.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
