"""Where a list goes on: opaque cursors over ids."""

import base64
import binascii
from uuid import UUID

from tyrian.domain.problem import Problem, Refused


def cursor_of(identifier: UUID | int | None) -> str | None:
    """The cursor for a list that goes on after this id."""
    if identifier is None:
        return None
    raw = identifier.bytes if isinstance(identifier, UUID) else identifier.to_bytes(8, "big")
    return text_cursor(raw)


def text_cursor(raw: bytes) -> str:
    """Bytes as a cursor."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def uuid_before(cursor: str | None) -> UUID | None:
    """The id in a cursor of a list of UUIDs. Raises `Refused`."""
    return None if cursor is None else UUID(bytes=raw_cursor(cursor, 16))


def number_before(cursor: str | None) -> int | None:
    """The id in a cursor of a list of numbers. Raises `Refused`."""
    return None if cursor is None else min(int.from_bytes(raw_cursor(cursor, 8), "big"), 2**63 - 1)


def raw_cursor(cursor: str, size: int) -> bytes:
    """The bytes of a cursor. Raises `Refused`."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != size:
        raise Refused([Problem("?cursor", "is no cursor of this list; use the next of the page before")])
    return raw
