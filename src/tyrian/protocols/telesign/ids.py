"""How Telesign writes ids and times."""

from datetime import UTC, datetime
from uuid import UUID


def reference(identifier: UUID) -> str:
    """A reference id: 32 hex digits in upper case."""
    return identifier.hex.upper()


def from_reference(text: str) -> UUID | None:
    """The id that a reference id stands for; None for what is none. Lower case is understood, too."""
    if len(text) != 32 or not text.isascii() or not text.isalnum():
        return None
    try:
        return UUID(hex=text)
    except ValueError:
        return None


def stamp(at: datetime) -> str:
    """A time as `YYYY-MM-DDTHH:MM:SS.ffffffZ` (the Engage API's examples)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str | None) -> datetime | None:
    """The moment that a time of theirs stands for, in the spellings that their pages show; None for what is none.

    Besides the one above: a space for the T, no zone, and a colon before the milliseconds.
    """
    if not text:
        return None
    date, _, clock = text.strip().replace("T", " ").partition(" ")
    parts = clock.removesuffix("Z").split(":")
    if len(parts) == 4:
        parts = [*parts[:2], f"{parts[2]}.{parts[3]}"]
    try:
        at = datetime.fromisoformat(f"{date}T{':'.join(parts)}")
    except ValueError:
        return None
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        return None


def wall() -> datetime:
    """The time of day: callers and Telesign sign it, however fast the gateway's own clock runs."""
    return datetime.now(UTC)
