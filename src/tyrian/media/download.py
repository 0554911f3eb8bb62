"""Fetching a URL that somebody else chose: only where the egress guard lets it, in bounded steps, a piece at a time.

Every address that redirects lead to is judged like the first, and each connection goes to an address that was judged.
The time allowed is for the whole of it: redirects, a slow head, and a body that drips.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urljoin

import httptools

from tyrian.engine.egress import Blocked, Guard, Target, judge_address, parse_url
from tyrian.engine.egress_client import request_bytes

REDIRECTS: Final = 5
#: Seconds that a connection may take to stand, and that may pass without a byte.
CONNECT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 10.0
_ADDRESSES: Final = 3
_MAX_HEAD: Final = 32_768
_READ: Final = 65_536
_MOVED: Final = (301, 302, 303, 307, 308)
_HEADERS: Final = {"user-agent": "Tyrian", "accept": "*/*", "accept-encoding": "identity"}


class Unfetchable(Exception):
    """A URL cannot be fetched. The text says why, in words for the customer."""


class Answer:
    """An answer, whose body is read by `chunks`. Header names are in lower case; `url` is where redirects led."""

    def __init__(self, url: str, reader: asyncio.StreamReader, ends: float, idle: float) -> None:
        self.url = url
        self.status = 0
        self.headers: dict[str, str] = {}
        self._reader = reader
        self._ends = ends
        self._idle = idle
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._head = 0
        self._headed = self._complete = False

    @property
    def length(self) -> int | None:
        """The announced bytes of the body."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    @property
    def total(self) -> int | None:
        """The bytes of the whole file, of which this may be a part."""
        if self.status != 206:
            return self.length
        text = self.headers.get("content-range", "").rpartition("/")[2]
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    async def begin(self) -> None:
        """Reads the head."""
        while not self._headed:
            await self._feed()
        coding = self.headers.get("content-encoding", "identity").lower()
        if coding not in ("identity", ""):
            raise Unfetchable(f"its server sends it compressed ({coding[:20]}), which was not asked for")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, as it comes. Raises `Unfetchable` if it breaks off, or takes too long."""
        while True:
            waiting, self._body = self._body, []
            for piece in waiting:
                yield piece
            if self._complete:
                return
            await self._feed()

    async def _feed(self) -> None:
        left = self._ends - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(max(min(left, self._idle), 0)):
                data = await self._reader.read(_READ)
        except TimeoutError:
            raise Unfetchable("its server is too slow") from None
        except (OSError, ssl.SSLError) as error:
            raise Unfetchable(f"the connection to its server broke: {error}") from error
        if not data:
            self._ended()
            return
        self._bound(len(data))
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self._complete:
                raise Unfetchable("what its server answers is no HTTP") from None

    def _bound(self, length: int) -> None:
        if not self._headed:
            self._head += length
            if self._head > _MAX_HEAD + _READ:
                raise Unfetchable("the head of its server's answer is too long")

    def _ended(self) -> None:
        """The connection is over: the end of a body without a stated length (RFC 9112, section 6.3), or too early."""
        if not self._headed:
            raise Unfetchable("its server closed the connection without an answer")
        if "content-length" in self.headers or "transfer-encoding" in self.headers:
            raise Unfetchable("its server broke off in the middle of it")
        self._complete = True

    # -- What the parser says -------------------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; of several with a name, the first."""
        self.headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1").strip())

    def on_headers_complete(self) -> None:
        """The head is there, unless it is an interim one."""
        self.status = self._parser.get_status_code()
        self._headed = self.status >= 200

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        self._body.append(data)

    def on_message_complete(self) -> None:
        """The answer has ended, unless it was an interim one."""
        if self._headed:
            self._complete = True
        else:
            self.headers = {}


class Downloads:
    """Fetches URLs. Use within one event loop; `close` at the end."""

    def __init__(self, guard: Guard, *, seconds: float, idle: float = IDLE_SECONDS, ca_file: str | None = None) -> None:
        """`seconds` is what one file may take in all; `ca_file` names certificates to trust instead of the system's."""
        self._guard = guard
        self._seconds = seconds
        self._idle = idle
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> AsyncIterator[Answer]:
        """The answer to a GET, redirects followed; to a HEAD its head alone. Raises `Unfetchable`."""
        ends = asyncio.get_running_loop().time() + self._seconds
        for _ in range(REDIRECTS + 1):
            async with self._one(method, url, {**_HEADERS, **(headers or {})}, ends) as answer:
                if answer.status not in _MOVED or "location" not in answer.headers:
                    yield answer
                    return
                url = _onward(url, answer.headers["location"])
        raise Unfetchable(f"it is redirected more than {REDIRECTS} times")

    def close(self) -> None:
        """Ends the guard's threads."""
        self._guard.close()

    @asynccontextmanager
    async def _one(self, method: str, url: str, headers: Mapping[str, str], ends: float) -> AsyncIterator[Answer]:
        try:
            target = parse_url(url)
            request = request_bytes(method, target, headers, b"")
            reader, writer = await self._connected(target, ends)
        except Blocked as blocked:
            raise Unfetchable(str(blocked)) from blocked
        except ValueError as error:
            raise Unfetchable(str(error)) from error
        try:
            writer.write(request)
            answer = Answer(url, reader, ends, self._idle)
            await answer.begin()
            yield answer
        finally:
            writer.transport.abort()

    async def _connected(self, target: Target, ends: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        until = min(ends, loop.time() + CONNECT_SECONDS)
        failure = "no address"
        try:
            async with asyncio.timeout_at(until):
                addresses = (await self._guard.addresses(target.host, target.port))[:_ADDRESSES]
        except TimeoutError:
            raise Unfetchable(f"the name {target.host} could not be resolved in time") from None
        except OSError as error:
            raise Unfetchable(f"the name {target.host} could not be resolved: {error.strerror or error}") from error
        for number, address in enumerate(addresses):
            share = max((until - loop.time()) / (len(addresses) - number), 0.0)
            try:
                async with asyncio.timeout(share):
                    return self._judged(*await self._open(target, address))
            except TimeoutError:
                failure = "no connection in time"
            except ssl.SSLCertVerificationError as error:
                failure = f"its certificate is not valid: {error.verify_message}"
            except (OSError, ssl.SSLError) as error:
                failure = error.strerror or str(error)
        raise Unfetchable(f"{target.host} could not be reached ({failure})")

    async def _open(self, target: Target, address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if target.scheme == "http":
            return await asyncio.open_connection(address, target.port, limit=_READ)
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._ca_file)
        return await asyncio.open_connection(
            address, target.port, limit=_READ, ssl=self._tls, server_hostname=target.host
        )

    def _judged(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Judges the address once more as the connection has it."""
        peer = writer.get_extra_info("peername")
        words = judge_address(str(peer[0]) if peer else "", self._guard.allow)
        if words is not None:
            writer.transport.abort()
            raise Blocked(f"the connection went to {words}: the gateway may not call it")
        return reader, writer


def _onward(url: str, location: str) -> str:
    with contextlib.suppress(ValueError):
        onward = urljoin(url, location)
        if not (url.startswith("https:") and onward.startswith("http:")):
            return onward
        raise Unfetchable("it is redirected from https to plain http")
    raise Unfetchable("it is redirected to what is no URL")
