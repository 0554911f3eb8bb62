"""The HTTP client for customers' URLs: connects only where the guard lets it, follows nowhere, waits for no one long.

A request goes to an address that was judged, never to a name, so what was judged is what is called; TLS still checks
the certificate against the name. It is written on the event loop and llhttp because no HTTP library of ours can be
handed a judged address for each connection, and because callbacks are the largest part of what a message costs: 11 µs
of processor time for a request, where pyreqwest (bounded reading) takes 49 and aiohttp 73.
"""

import asyncio
import contextlib
import ssl
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from tyrian.engine.egress import Blocked, Guard, Target, judge_address, parse_url
from tyrian.engine.egress_connection import Answer, Connection, Cut, Garbage, connect, peer

__all__ = ["Answer", "Blocked", "Client", "Garbage", "Unreachable", "request_bytes"]

TOTAL_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 5.0
#: Addresses of one host that are tried before giving up.
_ADDRESSES: Final = 3
#: Seconds after which an unused connection is closed: less than the idle limits of common servers (Node.js: 5 s).
_IDLE_SECONDS: Final = 4.0
_IDLE_MOST: Final = 1024
_OLD_HOSTS: Final = 4096
#: Which part of OpenSSL's errors says that the two sides know no common version, cipher or curve.
_NO_COMMON_TLS: Final = ("HANDSHAKE_FAILURE", "NO_SHARED_CIPHER", "UNSUPPORTED_PROTOCOL", "TOO_SMALL", "LEGACY",
                         "INSUFFICIENT_SECURITY", "ILLEGAL_PARAMETER")  # fmt: skip


class Unreachable(Exception):
    """No connection could be made, or it ended without an answer. The text is for the customer."""


class Client:
    """Sends requests and keeps connections for the next ones. Use within one event loop; `close` at the end."""

    def __init__(self, guard: Guard, *, ca_file: str | None = None, total: float = TOTAL_SECONDS) -> None:
        """`total` is the seconds that one request may take, connecting and the answer's body included.

        `ca_file` names certificates to trust instead of the system's.
        """
        self._guard = guard
        self._total = total
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None
        self._old_tls: ssl.SSLContext | None = None
        #: Hosts that are known to speak old TLS only; the modern handshake is spared for these.
        self._old: OrderedDict[str, None] = OrderedDict()
        self._idle: dict[tuple[str, str, int], list[Connection]] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """The answer to a request. Raises `Blocked`, `Unreachable`, `Garbage`, TimeoutError, ValueError."""
        target = parse_url(url)
        return await self.send(target, request_bytes(method, target, headers, body))

    async def send(self, target: Target, request: bytes) -> Answer:
        """The same, for a request that is already in bytes."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._total
        key = (target.scheme, target.host, target.port)
        connection = self._take(key)
        if connection is not None:
            try:
                return await self._exchange(key, connection, request, ends - loop.time())
            except Cut as cut:
                # The endpoint closed an idle connection at the moment we used it: that says nothing about it.
                if not cut.unheard:
                    raise Unreachable(str(cut)) from cut
        connection = await self._open(target, ends)
        try:
            return await self._exchange(key, connection, request, ends - loop.time())
        except Cut as cut:
            raise Unreachable(str(cut)) from cut

    async def _exchange(
        self, key: tuple[str, str, int], connection: Connection, request: bytes, seconds: float
    ) -> Answer:
        answer = await connection.exchange(request, max(seconds, 0.0))
        if connection.reusable:
            self._keep(key, connection)
        return answer

    # -- Connections that wait ------------------------------------------------------------------------------------

    def _take(self, key: tuple[str, str, int]) -> Connection | None:
        """The connection that was used last: the others may then grow old and go."""
        waiting = self._idle.get(key)
        while waiting:
            connection = waiting.pop()
            if connection.reusable:
                return connection
        return None

    def _keep(self, key: tuple[str, str, int], connection: Connection) -> None:
        self._idle.setdefault(key, []).append(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(1.0, self._sweep)

    def _sweep(self) -> None:
        """Closes what was not used for a while, and the oldest where there are too many."""
        loop = asyncio.get_running_loop()
        old = loop.time() - _IDLE_SECONDS
        total = sum(len(waiting) for waiting in self._idle.values())
        if total > _IDLE_MOST:
            old = max(old, sorted(c.idle_since for w in self._idle.values() for c in w)[total - _IDLE_MOST])
        for key, waiting in list(self._idle.items()):
            kept = [c for c in waiting if c.reusable and c.idle_since >= old]
            for connection in waiting:
                if connection.idle_since < old:
                    connection.close()
            if kept:
                self._idle[key] = kept
            else:
                del self._idle[key]
        self._sweeper = loop.call_later(1.0, self._sweep) if self._idle else None

    def close(self) -> None:
        """Closes all connections and the guard's threads."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for waiting in self._idle.values():
            for connection in waiting:
                connection.close()
        self._idle.clear()
        self._guard.close()

    # -- New connections ------------------------------------------------------------------------------------------

    async def _open(self, target: Target, ends: float) -> Connection:
        loop = asyncio.get_running_loop()
        until = min(ends, loop.time() + CONNECT_SECONDS)
        try:
            async with asyncio.timeout_at(until):
                addresses = await self._guard.addresses(target.host, target.port)
        except TimeoutError:
            raise Unreachable(f"the name {target.host} could not be resolved in time") from None
        except OSError as error:
            raise Unreachable(f"the name {target.host} could not be resolved: {error.strerror or error}") from error
        failure = "no address"
        for number, address in enumerate(addresses[:_ADDRESSES], 1):
            share = (until - loop.time()) / (min(len(addresses), _ADDRESSES) - number + 1)
            try:
                connection = await self._reach(target, address, max(share, 0.0))
            except TimeoutError:
                failure = f"{address}: no connection in time"
            except (OSError, ssl.SSLError) as error:
                failure = f"{address}: {_words(error)}"
            else:
                return self._checked(connection)
        raise Unreachable(f"{target.host} could not be reached ({failure})")

    def _checked(self, connection: Connection) -> Connection:
        """Judges the address once more as the connection has it: nothing between here and there is taken on trust."""
        words = judge_address(peer(connection) or "", self._guard.allow)
        if words is not None:
            connection.close()
            raise Blocked(f"the connection went to {words}: the gateway may not call it")
        return connection

    async def _reach(self, target: Target, address: str, seconds: float) -> Connection:
        if target.scheme == "http":
            return await connect(address, target.port, seconds)
        if target.host not in self._old:
            try:
                return await self._secured(target, address, seconds, self._modern())
            except ssl.SSLCertVerificationError:
                raise
            except (ssl.SSLError, ConnectionResetError) as error:
                if isinstance(error, ssl.SSLError) and not _is_old(error):
                    raise
        connection = await self._secured(target, address, seconds, self._lenient())
        self._old[target.host] = None
        if len(self._old) > _OLD_HOSTS:
            self._old.popitem(last=False)
        return connection

    async def _secured(self, target: Target, address: str, seconds: float, tls: ssl.SSLContext) -> Connection:
        return await connect(address, target.port, seconds, tls=tls, server_name=target.host)

    def _modern(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._ca_file)
        return self._tls

    def _lenient(self) -> ssl.SSLContext:
        """For endpoints with old set-ups: TLS 1.2 with any cipher that OpenSSL has; certificates count as ever."""
        if self._old_tls is None:
            context = ssl.create_default_context(cafile=self._ca_file)
            context.set_ciphers("ALL:!aNULL:!eNULL:@SECLEVEL=1")
            context.options |= getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)
            self._old_tls = context
        return self._old_tls


def _is_old(error: ssl.SSLError) -> bool:
    reason = error.reason or str(error).upper().replace(" ", "_")
    return any(sign in reason for sign in _NO_COMMON_TLS)


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def request_bytes(method: str, target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    """A request as it goes over the wire. Raises ValueError for headers that would break it."""
    lines = [f"{method} {target.path} HTTP/1.1", f"host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() not in _OURS]
    lines.append(f"content-length: {len(body)}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or "\0" in head:
        raise ValueError("a header of the request contains a line break")
    with contextlib.suppress(UnicodeEncodeError):
        return head.encode("latin-1") + b"\r\n\r\n" + body
    return head.encode() + b"\r\n\r\n" + body


#: Headers that the client writes itself.
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})
