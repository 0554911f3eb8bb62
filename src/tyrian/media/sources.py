"""Where a file's bytes are read from, a part at a time, without having the whole of it in memory."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol
from uuid import UUID

from tyrian.store import media as store
from tyrian.store.database import Database


class Source(Protocol):
    """A file of a known length in bytes."""

    size: int

    async def read(self, offset: int, length: int) -> bytes:
        """The bytes at a place; fewer than asked for only at the end. May raise `Unacceptable` or `Unfetchable`."""
        ...


class Held:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._data = data

    async def read(self, offset: int, length: int) -> bytes:
        """The bytes at a place."""
        return self._data[offset : offset + length]


class Kept:
    """A file in the store, whole or still arriving. Keeps the piece that it read last."""

    def __init__(self, db: Database, media_id: UUID, size: int) -> None:
        self.size = size
        self._db = db
        self._id = media_id
        self._last: tuple[int, bytes] | None = None

    async def read(self, offset: int, length: int) -> bytes:
        """The bytes at a place. Raises `LookupError` if the file is gone."""
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        number = offset // store.CHUNK
        if number == (end - 1) // store.CHUNK:
            piece = await self._piece(number)
            return piece[offset - number * store.CHUNK : end - number * store.CHUNK]
        return b"".join([data async for data in store.pieces(self._db, self._id, offset, end)])

    async def _piece(self, number: int) -> bytes:
        if self._last is None or self._last[0] != number:
            first = number * store.CHUNK
            end = min(first + store.CHUNK, self.size)
            data = b"".join([data async for data in store.pieces(self._db, self._id, first, end)])
            self._last = (number, data)
        return self._last[1]


async def in_pieces(chunks: AsyncIterator[bytes], size: int, counted: Callable[[bytes], None]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of `size`, the last one shorter. `counted` sees each chunk as it comes."""
    waiting = bytearray()
    async for chunk in chunks:
        counted(chunk)
        waiting += chunk
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)
