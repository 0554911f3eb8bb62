"""Parts of long messages on their way in, kept until the message is whole. Pure; times are the caller's."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from tyrian.protocols.smpp.coding import Segment

T = TypeVar("T")

#: How long the first part waits for the last. People's long messages arrive within seconds; their networks repeat for
#: minutes.
EXPIRY: Final = timedelta(minutes=10)
#: Messages with parts missing that are kept; the oldest go first.
KEEP: Final = 1000


@dataclass(slots=True)
class Unfinished(Generic[T]):
    """A message of which some parts are there, by number: their octets, and what the caller keeps with each."""

    since: datetime
    total: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    kept: dict[int, T] = field(default_factory=dict)


class Reassembler(Generic[T]):
    """Gathers parts by who sent them to whom and their common reference."""

    def __init__(self, keep: int = KEEP, expiry: timedelta = EXPIRY) -> None:
        self._keep = keep
        self._expiry = expiry
        self._waiting: OrderedDict[tuple[str, str, int, int], Unfinished[T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(
        self, source: str, destination: str, segment: Segment, piece: bytes, kept: T, now: datetime
    ) -> Unfinished[T] | None:
        """Take a part; the whole message if it was the last one missing. A part that came before is replaced."""
        self._forget(now)
        key = (source, destination, segment.reference, segment.total)
        message = self._waiting.get(key)
        if message is None:
            message = self._waiting[key] = Unfinished(now, segment.total)
        message.pieces[segment.number] = piece
        message.kept[segment.number] = kept
        if len(message.pieces) < message.total:
            return None
        return self._waiting.pop(key)

    def _forget(self, now: datetime) -> None:
        while self._waiting:
            oldest = next(iter(self._waiting))
            if len(self._waiting) <= self._keep and now - self._waiting[oldest].since < self._expiry:
                return
            del self._waiting[oldest]


def joined(message: Unfinished[T]) -> bytes:
    """The octets of all parts in order."""
    return b"".join(message.pieces[number] for number in sorted(message.pieces))
