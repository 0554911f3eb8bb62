"""A stand-in for Viber: a real HTTP server on loopback that answers as told and keeps what it was asked."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from tyrian.domain.content import Base
from tyrian.domain.purpose import Purpose
from tyrian.engine.ports import Channel, HookRequest, Inbound, Outgoing, Receipt, Tools

NOW = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
ATTEMPT = UUID("01980c2e-0000-7000-8000-00000000002a")
MESSAGE = UUID("01980c2e-0000-7000-8000-000000000001")


@dataclass
class Call:
    """One request as it arrived. Header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Reply:
    """What to answer: a body as JSON with a status, or raw bytes. `hold` keeps the connection open and silent after."""

    json: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    hold: bool = False

    def bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        body = b"" if self.json is None else msgspec.json.encode(self.json)
        lines = [f"HTTP/1.1 {self.status} Reason", f"Content-Length: {len(body)}", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


#: Takes the request, then says nothing.
SILENCE = Reply(raw=b"", hold=True)
#: Takes the request, then closes.
HANG_UP = Reply(raw=b"")
#: Begins an answer and closes in the middle of it.
BROKEN_OFF = Reply(raw=b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status":0,')
#: Begins an answer and never ends it.
DRIPPING = Reply(raw=b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status":0,', hold=True)
#: Speaks no HTTP.
NOISE = Reply(raw=b"\x00\xffnot http at all\r\n\r\n")


class Stub:
    """The server. Answers are taken in turn; the last one repeats."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[Call] = []
        self.replies: deque[Reply] = deque()
        self._open: set[asyncio.StreamWriter] = set()
        self._over = asyncio.Event()

    def answer(self, *replies: Reply | dict[str, Any]) -> None:
        self.replies = deque(r if isinstance(r, Reply) else Reply(r) for r in replies)

    @property
    def last(self) -> Call:
        return self.calls[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while (call := await _read(reader)) is not None:
                self.calls.append(call)
                reply = self.replies.popleft() if len(self.replies) > 1 else self.replies[0]
                writer.write(reply.bytes())
                await writer.drain()
                if reply.hold:
                    await self._over.wait()
                if reply.raw is not None:
                    break
        except ConnectionError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    def end(self) -> None:
        self._over.set()
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def stub_server() -> AsyncIterator[Stub]:
    stub = Stub()
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0)
    stub.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield stub
    finally:
        stub.end()
        server.close()
        await asyncio.sleep(0)


async def _read(reader: asyncio.StreamReader) -> Call | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    request, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = request.split(" ")
    return Call(method, path, headers, body)


class FixedClock:
    """It is always noon."""

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a connector waits for nobody")


class NoSink:
    """HTTP connectors bring nothing by themselves."""

    async def receipts(self, channel: Channel, receipts: Sequence[Receipt]) -> None:
        raise AssertionError("a hook answers with its receipts")

    async def inbound(self, channel: Channel, messages: Sequence[Inbound]) -> None:
        raise AssertionError("a hook answers with its messages")


TOOLS = Tools(clock=FixedClock(), sink=NoSink(), public_url="https://gateway.example")


def outgoing(
    content: Base,
    to: str = "01234567890A=",
    purpose: Purpose = Purpose.TRANSACTIONAL,
    *,
    ttl: int = 3600,
    resent: bool = False,
) -> Outgoing:
    return Outgoing(ATTEMPT, MESSAGE, to, content, purpose, ttl, resent=resent)


def hook_request(body: bytes, *, method: str = "POST", remote: str | None = None, **signed: str) -> HookRequest:
    """A callback. `header` and `sig` are the two places of a signature."""
    headers = {"x-viber-content-signature": signed["header"]} if "header" in signed else {}
    query = {"sig": signed["sig"]} if "sig" in signed else {}
    return HookRequest(method, "/hooks/7", query, headers, body, remote)
