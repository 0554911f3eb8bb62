"""HTTP/1.1 with as little between the socket and the benchmark as Python allows.

Bodies have a `Content-Length`; nothing here is for the open internet. A client connection carries one request at a
time, as ordinary clients do.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)

#: Called with the tag that came with the request, the answer's status (0: the connection was lost) and its body.
Answered = Callable[[Any, int, bytes], None]
#: Called with the request's head and body; gives the whole answer, or None to give it later through the connection.
Handler = Callable[["Served", bytes, bytes], bytes | None]


def split(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """The first message in `data` as (head, body, what follows), or None while it is not whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    found = _LENGTH.search(data, 0, end)
    if found is None and _CHUNKED.search(data, 0, end):
        raise ValueError("a chunked body, which the benchmark does not read")
    whole = end + 4 + (int(found[1]) if found else 0)
    if len(data) < whole:
        return None
    return data[:end], data[end + 4 : whole], data[whole:]


def request(method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """The bytes of a request to the machine itself."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in {"Content-Type": "application/json", **(headers or {})}.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def answer(body: bytes, status: str = "200 OK") -> bytes:
    """The bytes of an answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Link(asyncio.Protocol):
    """One client connection of a pool."""

    __slots__ = ("_data", "_pool", "busy", "tag", "transport")

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._data = b""
        self.busy = False
        self.tag: Any = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, data: bytes, tag: Any) -> None:
        self.busy, self.tag = True, tag
        cast(asyncio.Transport, self.transport).write(data)

    def data_received(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data
        parts = split(self._data)
        if parts is None:
            return
        head, body, self._data = parts
        tag, self.busy = self.tag, False
        self._pool.freed(self)
        self._pool.answered(tag, int(head[9:12]), body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.lost(self)
        if self.busy:
            self.busy = False
            self._pool.answered(self.tag, 0, b"")


class Pool:
    """Client connections to one server, opened when first needed and kept. Requests beyond them wait their turn."""

    def __init__(self, host: str, port: int, size: int, answered: Answered) -> None:
        self._address = (host, port)
        self._size = size
        self._links: set[_Link] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._idle: list[_Link] = []
        self._queue: deque[tuple[bytes, Any]] = deque()
        self._closed = False
        self.answered = answered

    @property
    def free(self) -> int:
        """How many more requests could be under way at once."""
        return len(self._idle) + self._size - len(self._links) - len(self._opening) - len(self._queue)

    def submit(self, data: bytes, tag: Any = None) -> None:
        """Send a request as soon as a connection is free; `answered` is called with the tag in the end."""
        if self._idle:
            self._idle.pop().send(data, tag)
            return
        self._queue.append((data, tag))
        if len(self._links) + len(self._opening) < self._size and not self._closed:
            self._open()

    def freed(self, link: _Link) -> None:
        """A connection has its answer."""
        if self._queue:
            link.send(*self._queue.popleft())
        else:
            self._idle.append(link)

    def lost(self, link: _Link) -> None:
        """A connection is gone."""
        self._links.discard(link)
        if link in self._idle:
            self._idle.remove(link)
        if self._queue and not self._closed:
            self._open()

    async def close(self) -> None:
        """Drop all connections, and what waits for them."""
        self._closed = True
        self._queue.clear()
        for task in self._opening:
            task.cancel()
        for link in list(self._links):
            if link.transport is not None:
                link.transport.abort()
        await asyncio.sleep(0)

    def _open(self) -> None:
        task = asyncio.get_running_loop().create_task(self._connect())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self) -> None:
        try:
            _, link = await asyncio.get_running_loop().create_connection(lambda: _Link(self), *self._address)
        except OSError:
            self._opening.discard(cast("asyncio.Task[None]", asyncio.current_task()))
            if self._queue:
                self.answered(self._queue.popleft()[1], 0, b"")
            return
        self._opening.discard(cast("asyncio.Task[None]", asyncio.current_task()))
        self._links.add(link)
        self.freed(link)


class Served(asyncio.Protocol):
    """One connection of a server; the handler answers at once, or later through `reply`."""

    __slots__ = ("_data", "_handler", "transport")

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._data = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data
        while self._data and (parts := split(self._data)) is not None:
            head, body, self._data = parts
            reply = self._handler(self, head, body)
            if reply is not None:
                self.reply(reply)

    def reply(self, data: bytes) -> None:
        """Send an answer, if the client is still there."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)


async def serve(handler: Handler, port: int = 0) -> tuple[asyncio.Server, int]:
    """A server on a port of 127.0.0.1 (0: any that is free); returns it with its port."""
    server = await asyncio.get_running_loop().create_server(lambda: Served(handler), "127.0.0.1", port)
    return server, int(server.sockets[0].getsockname()[1])
