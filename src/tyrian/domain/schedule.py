"""When a message may go out: a start, a pace and a daily window.

All of it pure: `Pace` and `Window` answer with times, the engine stores them. Windows are local to a time zone and
may cross midnight; a wall-clock time that a daylight-saving change skips counts as the moment the clocks jump to, and
one that happens twice counts as the first (PEP 495, fold=0).
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="HH:MM, 24 hours.")]

UNIT_SECONDS: Final = {"minute": 60, "hour": 3600, "day": 86400}

#: A window always opens within a week and a day; looking further would only meet the same days again.
_LOOK_AHEAD_DAYS = 9


class SpeedLimit(Struct, kw_only=True, forbid_unknown_fields=True):
    """At most `messages` per minute, hour or day, spread evenly."""

    messages: Annotated[int, Meta(ge=1, le=100_000_000)]
    per: Literal["minute", "hour", "day"]

    @property
    def per_second(self) -> float:
        """The same pace in messages per second."""
        return self.messages / UNIT_SECONDS[self.per]


class Window(
    Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename={"start": "from", "end": "to"}
):
    """The hours of a day, on some days of the week, in which messages may leave.

    `to` before `from` means that the window runs over midnight into the next day; equal times mean the whole day.
    `days` name the day on which the window opens; left out, every day.
    """

    start: ClockTime
    end: ClockTime
    days: Annotated[list[Day], Meta(min_length=1)] | None = None
    time_zone: str = "UTC"


class Schedule(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When a request's messages may go out."""

    send_at: Annotated[datetime, Meta(tz=True)] | None = None
    speed_limit: SpeedLimit | None = None
    window: Window | None = None


def _clock(text: str) -> time:
    return time(int(text[:2]), int(text[3:]))


def _at(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def openings(window: Window, now: datetime) -> list[tuple[datetime, datetime]]:
    """The window's spans (start, end) that end after `now`, nearest first, over the next week."""
    zone = ZoneInfo(window.time_zone)
    start, end = _clock(window.start), _clock(window.end)
    days = {DAYS.index(d) for d in window.days} if window.days else set(range(7))
    today = now.astimezone(zone).date()
    found = []
    for offset in range(-1, _LOOK_AHEAD_DAYS):
        day = today + timedelta(days=offset)
        if day.weekday() not in days:
            continue
        closes = day if end > start else day + timedelta(days=1)
        span = (_at(day, start, zone), _at(closes, end, zone))
        if span[1] > now and span[1] > span[0]:
            found.append(span)
    return found


def next_open(window: Window | None, at: datetime) -> datetime:
    """The first moment from `at` on in which the window is open; `at` itself if it is open then."""
    if window is None:
        return at
    spans = openings(window, at)
    return max(at, spans[0][0]) if spans else at


def is_open(window: Window | None, at: datetime) -> bool:
    """Whether messages may leave at this moment."""
    return next_open(window, at) == at


def first_time(schedule: Schedule | None, now: datetime) -> datetime:
    """When the first message of a schedule may leave."""
    if schedule is None:
        return now
    start = max(now, schedule.send_at) if schedule.send_at else now
    return next_open(schedule.window, start)


def spacing(speed: SpeedLimit | None) -> timedelta:
    """The time from one message of a paced bulk to the next."""
    return timedelta(seconds=1 / speed.per_second) if speed else timedelta(0)


def forecast(schedule: Schedule | None, remaining: int, start: datetime, rate: float | None = None) -> datetime:
    """When the last of `remaining` messages will have left, under window, speed and the channel's `rate` per second."""
    if remaining <= 0:
        return start
    speeds = [s for s in (schedule.speed_limit.per_second if schedule and schedule.speed_limit else None, rate) if s]
    needed = timedelta(seconds=(remaining - 1) / min(speeds)) if speeds else timedelta(0)
    window = schedule.window if schedule else None
    at = next_open(window, start)
    if window is None:
        return at + needed
    return _spend(window, at, needed)


def _spend(window: Window, at: datetime, needed: timedelta) -> datetime:
    """The moment at which `needed` time inside the window has passed, counting whole weeks at once."""
    week = sum((min(e, at + timedelta(days=7)) - max(s, at) for s, e in openings(window, at)
                if s < at + timedelta(days=7)), timedelta(0))  # fmt: skip
    if week and needed > week:
        weeks = int(needed / week)
        at, needed = at + timedelta(days=7 * weeks), needed - week * weeks
    while True:
        for start, end in openings(window, at):
            begin = max(start, at)
            if end - begin >= needed:
                return begin + needed
            needed -= end - begin
            at = end
