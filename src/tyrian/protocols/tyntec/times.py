"""How tyntec writes times: RFC 3339 in UTC, with microseconds in answers to sends, and less elsewhere."""

from datetime import UTC, datetime


def micros(at: datetime) -> str:
    """With microseconds, as answers to sends have it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def millis(at: datetime) -> str:
    """With milliseconds, as statuses and histories have it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def seconds(at: datetime) -> str:
    """With whole seconds, as people's messages have it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str | None) -> datetime | None:
    """A time that tyntec wrote; None for what is none."""
    try:
        at = datetime.fromisoformat(text or "")
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
