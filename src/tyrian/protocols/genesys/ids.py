"""Ids and times as the API spells them: channels are known by UUIDs, moments have milliseconds and a `Z`."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

#: A UUID of version 8 (RFC 9562) whose last six bytes are the channel's number.
_CHANNELS: Final = 0x74797269_616E_8000_8000_000000000000
_NUMBERS: Final = (1 << 48) - 1
_MAX_NUMBER: Final = 2**31 - 1


def of_channel(number: int) -> str:
    """The id under which a channel is an integration of this API."""
    return str(UUID(int=_CHANNELS | number))


def channel_of(text: str) -> int | None:
    """The channel's number, or None for an id of something else."""
    found = uuid_of(text)
    if found is None or found.int & ~_NUMBERS != _CHANNELS or found.int & _NUMBERS > _MAX_NUMBER:
        return None
    return found.int & _NUMBERS


def uuid_of(text: str) -> UUID | None:
    """The UUID that a text spells, or None."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def iso(at: datetime) -> str:
    """A moment as the API writes it."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
