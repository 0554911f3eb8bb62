"""Ids that sort by time: UUID version 7 (RFC 9562, section 5.7), strictly rising within a process.

The 48-bit millisecond time picks the partition of a message's rows; the 12 bits behind it count within a millisecond
(method 1 of section 6.2), so that ids made by one process sort as they were made.
"""

import os
from datetime import UTC, datetime
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_COUNTER_BITS = 12


class Ids:
    """Makes UUIDv7s from the times it is given. Each is greater than the one before."""

    __slots__ = ("_counter", "_ms", "_pool", "_used")

    def __init__(self) -> None:
        self._ms = 0
        self._counter = 0
        self._pool = b""
        self._used = 0

    def new(self, now: datetime) -> UUID:
        """An id of this moment, or of a moment after it where that many were asked for at once."""
        ms = int(now.timestamp() * 1000)
        if ms > self._ms:
            self._ms, self._counter = ms, 0
        else:
            self._counter += 1
            if self._counter >> _COUNTER_BITS:
                self._ms, self._counter = self._ms + 1, 0
        return UUID(int=self._ms << 80 | _VERSION | self._counter << 64 | _VARIANT | self._random())

    def _random(self) -> int:
        """62 random bits, drawn from the system in blocks: a call for each would cost more than the rest."""
        if self._used >= len(self._pool):
            self._pool, self._used = os.urandom(4096), 0
        bits = int.from_bytes(self._pool[self._used : self._used + 8], "big")
        self._used += 8
        return bits & ((1 << 62) - 1)


def time_of(identifier: UUID) -> datetime:
    """The moment that a UUIDv7 was made at, to the millisecond."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


def floor_of(at: datetime) -> UUID:
    """The smallest id of a moment: every UUIDv7 made then or later is greater."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
