"""A file behind a URL, read where it is needed rather than whole."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Final

from tyrian.media.download import Answer, Downloads, Unfetchable


class Remote:
    """A file behind a URL, read where it is needed: in parts, if its server gives parts, or from its beginning.

    At most `most` bytes are fetched in all.
    """

    #: Bytes of a part.
    PART: Final = 131_072
    #: Requests for further parts.
    REQUESTS: Final = 32

    def __init__(self, downloads: Downloads, url: str, *, most: int) -> None:
        self.size = 0
        self.ranges = False
        self.answer: Answer | None = None
        self._downloads = downloads
        self._url = url
        self._left = most
        self._requests = 0
        self._parts: dict[int, bytes] = {}
        self._stack = contextlib.AsyncExitStack()
        self._stream: AsyncIterator[bytes] | None = None
        self._start = bytearray()

    async def __aenter__(self) -> "Remote":
        try:
            await self._begin()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def _begin(self) -> None:
        headers = {"range": f"bytes=0-{self.PART - 1}"}
        self.answer = answer = await self._stack.enter_async_context(self._downloads.get(self._url, headers))
        self._stream = answer.chunks()
        if answer.status == 206 and answer.total is not None:
            self.ranges, self.size = True, answer.total
            self._spend(min(self.PART, answer.total))
            self._parts[0] = await _exactly(answer, min(self.PART, answer.total))
        elif answer.status == 200:
            self.size = answer.total if answer.total is not None else await self._measured()

    def _spend(self, length: int) -> None:
        self._left -= length
        if self._left < 0:
            raise Unfetchable("too much of it would have to be fetched to tell what it is")

    async def _measured(self) -> int:
        """A file whose length nobody says has to be read to its end."""
        await self._reach(self._left + 1)
        return len(self._start)

    async def _reach(self, end: int) -> None:
        assert self._stream is not None
        while len(self._start) < end:
            chunk = await anext(self._stream, None)
            if chunk is None:
                return
            self._spend(len(chunk))
            self._start += chunk

    async def read(self, offset: int, length: int) -> bytes:
        """The bytes at a place. Raises `Unfetchable`."""
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        if not self.ranges:
            await self._reach(end)
            return bytes(self._start[offset:end])
        first, last = offset // self.PART, (end - 1) // self.PART
        for run in _runs(n for n in range(first, last + 1) if n not in self._parts):
            await self._fetch(*run)
        whole = b"".join([self._parts[number] for number in range(first, last + 1)])
        return whole[offset - first * self.PART : end - first * self.PART]

    async def _fetch(self, first: int, last: int) -> None:
        """Parts that lie next to one another, in one request."""
        self._requests += 1
        if self._requests > self.REQUESTS:
            raise Unfetchable("it is in too many pieces to tell what it is")
        start, end = first * self.PART, min((last + 1) * self.PART, self.size)
        self._spend(end - start)
        assert self.answer is not None
        async with self._downloads.get(self.answer.url, {"range": f"bytes={start}-{end - 1}"}) as answer:
            if answer.status != 206:
                raise Unfetchable(f"its server answers {answer.status} where it gave a part before")
            data = await _exactly(answer, end - start)
        for number in range(first, last + 1):
            at = (number - first) * self.PART
            self._parts[number] = data[at : at + self.PART]


async def _exactly(answer: Answer, length: int) -> bytes:
    """A body of which the length is known."""
    data = bytearray()
    async for chunk in answer.chunks():
        data += chunk
        if len(data) > length:
            raise Unfetchable("its server sends more than was asked for")
    if len(data) != length:
        raise Unfetchable("its server sends less than was asked for")
    return bytes(data)


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers as runs, each with its first and its last."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
