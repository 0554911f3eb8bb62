"""Times as the API writes them: RFC 3339, UTC, milliseconds."""

from datetime import UTC, datetime


def stamp(at: datetime) -> str:
    """A time as text: `2026-03-01T12:00:00.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def maybe(at: datetime | None) -> str | None:
    """A time as text, if there is one."""
    return None if at is None else stamp(at)
