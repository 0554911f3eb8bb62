"""Times as Infobip writes them: `2023-02-01T23:15:03.379+0000`."""

from datetime import UTC, datetime


def stamp(at: datetime) -> str:
    """A time in UTC with three digits of milliseconds and an offset without a colon."""
    moment = at.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def stamp_or_none(at: datetime | None) -> str | None:
    """The same for a time that may be missing."""
    return None if at is None else stamp(at)
