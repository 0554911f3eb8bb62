"""The HTTP client for networks: kept connections to one base URL, and the truth about what surely never left.

A send must not be repeated by the client behind the sender's back, and whoever sends must know whether the network can
have the request. So nothing is ever repeated here, and only a request for which no connection stood counts as not sent.
It shares its connections' code with the client for customers' URLs: 15 µs of processor time for a request, where
pyreqwest takes 60 on the event loop and as much again on threads of its own.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Mapping

from tyrian.engine.egress import Blocked, Guard, Target, parse_url
from tyrian.engine.egress_client import request_bytes
from tyrian.engine.egress_connection import Answer, Connection, Cut, Garbage, connect

__all__ = ["Answer", "Blocked", "Cut", "Garbage", "NotSent", "Outbound"]

#: Paths whose heads are remembered; beyond that all are forgotten and made again.
_REMEMBERED = 256
#: Common servers drop a connection after 5 s of idleness; a request that meets the drop would end unknown.
_IDLE_SECONDS = 4.0


class NotSent(Exception):
    """No connection could be made, so the network surely has nothing. The text says why."""


class Outbound:
    """Requests to one base URL. Times are in seconds; redirects are not followed. Use within one event loop."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        timeout: float,
        connect_timeout: float,
        guard: Guard | None = None,
    ) -> None:
        """`guard` judges where connections may go, for a base URL that a customer chose."""
        self._base = base_url
        self._guard = guard
        self._headers = dict(headers)
        self._timeout = timeout
        self._connect_timeout = min(connect_timeout, timeout)
        self._idle: list[Connection] = []
        self._targets: dict[str, Target] = {}
        self._heads: dict[tuple[str, str], bytes] = {}
        self._tls: ssl.SSLContext | None = None
        self._closed = False

    async def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to one request, sent once; `headers` are of this request alone (signatures, for example).

        Raises `NotSent` if it surely did not leave, `Blocked` if the guard forbade it; `TimeoutError`, `Cut` or
        `Garbage` if it may have left.
        """
        target = self._target(path)
        data = self._head(method, path, target, len(body), headers) + body
        ends = asyncio.get_running_loop().time() + self._timeout
        connection = self._take() or await self._open(target)
        answer = await connection.exchange(data, max(ends - asyncio.get_running_loop().time(), 0.0))
        if connection.reusable and not self._closed:
            self._idle.append(connection)
        return answer

    def close(self) -> None:
        """Closes the connections that wait."""
        self._closed = True
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _target(self, path: str) -> Target:
        known = self._targets.get(path)
        if known is None:
            if len(self._targets) >= _REMEMBERED:
                self._targets.clear()
                self._heads.clear()
            try:
                known = self._targets[path] = parse_url(self._base + path)
            except Blocked as error:
                raise NotSent(f"{self._base} is no URL: {error}") from error
        return known

    def _head(
        self, method: str, path: str, target: Target, length: int, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The head of a request; all but its length and its own headers is the same every time."""
        key = (method, path)
        known = self._heads.get(key)
        if known is None:
            whole = request_bytes(method, target, self._headers, b"")
            known = self._heads[key] = whole.removesuffix(b"content-length: 0\r\n\r\n")
        own = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1") if headers else b""
        return b"%b%bcontent-length: %d\r\n\r\n" % (known, own, length)

    def _take(self) -> Connection | None:
        """The connection that was used last; those that waited too long are closed."""
        oldest = asyncio.get_running_loop().time() - _IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and connection.idle_since >= oldest:
                return connection
            connection.close()
        return None

    async def _open(self, target: Target) -> Connection:
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._connect_timeout
        failure = "it has no address"
        try:
            async with asyncio.timeout_at(ends):
                addresses = await self._addresses(target)
        except TimeoutError:
            raise NotSent(f"the name {target.host} could not be resolved in time") from None
        except OSError as error:
            raise NotSent(f"the name {target.host} could not be resolved: {error.strerror or error}") from error
        for number, address in enumerate(addresses):
            share = (ends - loop.time()) / (len(addresses) - number)
            try:
                return await self._connect(target, address, max(share, 0.001))
            except TimeoutError:
                failure = f"{address}: no connection in time"
            except (OSError, ssl.SSLError) as error:
                failure = f"{address}: {_words(error)}"
        raise NotSent(f"{target.host} port {target.port} could not be reached ({failure})")

    async def _addresses(self, target: Target) -> list[str]:
        if self._guard is not None:
            return await self._guard.addresses(target.host, target.port)
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(info[4][0]) for info in found))

    async def _connect(self, target: Target, address: str, seconds: float) -> Connection:
        if target.scheme == "http":
            return await connect(address, target.port, seconds)
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return await connect(address, target.port, seconds, tls=self._tls, server_name=target.host)


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
