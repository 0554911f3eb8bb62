"""One HTTP/1.1 connection to a customer's endpoint: a request at a time, and an answer within bounds.

The parser is llhttp (by `httptools`, as in the server). What it reads is the other side's to choose, so everything is
bounded: the head, the body, the time. Once the head of an answer is there its status counts, whatever becomes of the
body: an endpoint that says 200 and then dawdles, or talks without end, has taken the callback.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final

import httptools

#: Bytes of an answer that are read at most; with more, the connection is cut.
MAX_BODY: Final = 65_536
MAX_HEAD: Final = 32_768


class Garbage(Exception):
    """What came back is no HTTP answer."""


class Cut(ConnectionError):
    """The connection ended before an answer. `unheard`: nothing at all had come back on it for this request."""

    def __init__(self, message: str, *, unheard: bool) -> None:
        super().__init__(message)
        self.unheard = unheard


@dataclass(slots=True)
class Answer:
    """An endpoint's answer. `body` holds at most as much as was asked for; `whole` says whether all of it was read."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    whole: bool

    def header(self, name: str) -> str | None:
        """The first header of a name (in lower case)."""
        return next((value for key, value in self.headers if key == name), None)


class Connection(asyncio.Protocol):
    """Sends requests one after the other. Not for use by two at once; `reusable` tells whether it may serve again."""

    def __init__(self) -> None:
        self.reusable = True
        self.used = 0
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._begin()

    def _begin(self) -> None:
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()
        self._received = 0
        self._headed = False
        #: An answer to HEAD has no body, whatever length its head states (RFC 9112, section 6.3).
        self._bodiless = False

    # -- Asking ---------------------------------------------------------------------------------------------------

    async def exchange(self, request: bytes, seconds: float) -> Answer:
        """Sends a request and gives its answer. Raises `Cut`, `Garbage` or TimeoutError."""
        if self._transport is None or not self.reusable:
            raise Cut("the connection was closed", unheard=True)
        loop = asyncio.get_running_loop()
        self._begin()
        self._bodiless = request.startswith(b"HEAD ")
        self._parser = httptools.HttpResponseParser(self)
        answer = self._answer = loop.create_future()
        timer = loop.call_later(seconds, self._late)
        self._transport.write(request)
        self.used += 1
        try:
            found: Answer = await answer
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            timer.cancel()
            self._answer = None
            self.idle_since = loop.time()
        return found

    def close(self) -> None:
        """Cuts the connection."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def _late(self) -> None:
        if self._headed:
            self._settle(whole=False)
        else:
            self._fail(TimeoutError("no answer in time"))

    def _settle(self, *, whole: bool) -> None:
        if not whole:
            self.close()
        if self._answer is not None and not self._answer.done():
            headers = [(k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in self._headers]
            self._answer.set_result(Answer(self._status, headers, bytes(self._body[:MAX_BODY]), whole))

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    # -- What the transport says ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer; bytes that nobody asked for end the connection."""
        if self._answer is None or self._answer.done() or self._parser is None:
            self.close()
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._settle(whole=False)
        except httptools.HttpParserError as error:
            self._misread(error)
        else:
            self._bound()

    def _misread(self, error: Exception) -> None:
        if self._headed:
            self._settle(whole=False)
        else:
            self._fail(Garbage(f"the answer is no HTTP: {error}"))

    def _bound(self) -> None:
        if self._answer is None or self._answer.done():
            return
        if self._headed and (len(self._body) >= MAX_BODY or self._received > MAX_HEAD + MAX_BODY):
            self._settle(whole=False)
        elif not self._headed and self._received > MAX_HEAD:
            self._fail(Garbage(f"the head of the answer is longer than {MAX_HEAD} bytes"))

    def connection_lost(self, error: Exception | None) -> None:
        """The other side is gone. An answer without a stated length ends this way, by RFC 9112, section 6.3."""
        self.reusable = False
        if self._answer is None or self._answer.done():
            return
        if self._headed:
            self._settle(whole=not self._has_length())
        else:
            text = str(error) if error else "the endpoint closed the connection without an answer"
            self._fail(Cut(text, unheard=self._received == 0))

    def _has_length(self) -> bool:
        return any(key.lower() in (b"content-length", b"transfer-encoding") for key, _ in self._headers)

    # -- What the parser says -------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer begins; a second one to the same request ends the connection."""
        if self._answer is not None and self._answer.done():
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there; an interim answer (1xx) is not it."""
        if self._parser is not None:
            self._status = self._parser.get_status_code()
            self._headed = self._status >= 200
            if self._headed and self._bodiless:
                self._settle(whole=True)

    def on_body(self, data: bytes) -> None:
        """A piece of the body. More than the bound is not kept, even where it comes in one piece."""
        if len(self._body) < MAX_BODY:
            self._body += data[: MAX_BODY - len(self._body)]

    def on_message_complete(self) -> None:
        """The answer has ended, unless it was an interim one."""
        if not self._headed:
            self._headers = []
            return
        if self._parser is None or not self._parser.should_keep_alive():
            self.close()
        self._settle(whole=True)


async def connect(
    address: str, port: int, seconds: float, *, tls: object | None = None, server_name: str | None = None
) -> Connection:
    """A connection to an address (never a name). Raises OSError, ssl.SSLError or TimeoutError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(seconds):
        _, connection = await loop.create_connection(
            Connection,
            address,
            port,
            ssl=tls,  # type: ignore[arg-type]
            server_hostname=server_name if tls is not None else None,
        )
    return connection


def peer(connection: Connection) -> str | None:
    """The address at the other end."""
    with contextlib.suppress(AttributeError, TypeError, IndexError):
        return str(connection._transport.get_extra_info("peername")[0])  # type: ignore[union-attr]
    return None
