"""What the processes of a benchmark tell one another while it runs: counters and times in memory that they share.

A counter has one writer. Reading one costs some fifty nanoseconds and disturbs nobody, so the load generator may ask
before each request how far the messages have come.
"""

import mmap
from enum import IntEnum
from pathlib import Path
from typing import Final


class Count(IntEnum):
    """The counters."""

    #: Requests that the generator sent, that were answered as they should be, otherwise, or not at all.
    ISSUED = 0
    ANSWERED = 1
    REFUSED = 2
    LOST = 3
    #: Sends that reached the upstream; messages that reached it once more.
    POSTS = 8
    POSTS_AGAIN = 9
    #: Receipts that the upstream sent and that were taken, or not.
    RECEIPTS = 10
    RECEIPTS_REFUSED = 11
    #: Callbacks that reached the customer; those that it had already; messages whose last one has come.
    CALLBACKS = 12
    CALLBACKS_AGAIN = 13
    COMPLETED = 14


_SIZE: Final = 64


class Shared:
    """So many 64-bit integers in a file that several processes map."""

    __slots__ = ("_map", "path", "values")

    def __init__(self, path: Path, size: int, *, make: bool = False) -> None:
        if make:
            with path.open("wb") as file:
                file.truncate(size * 8)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size * 8)
        self.path = path
        self.values = memoryview(self._map).cast("q")

    def close(self) -> None:
        """Unmap; the file stays."""
        self.values.release()
        self._map.close()


class Board(Shared):
    """The counters."""

    __slots__ = ()

    def __init__(self, path: Path, *, make: bool = False) -> None:
        super().__init__(path, _SIZE, make=make)

    def snapshot(self) -> dict[Count, int]:
        """All counters at once."""
        return {count: self.values[count] for count in Count}
