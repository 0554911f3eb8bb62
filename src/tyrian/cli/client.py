"""The way to a gateway's native API: one HTTP client, and every refusal as sentences."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from datetime import timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.http import Url

from tyrian.cli.failures import Exit, Failure

#: The key that every demo has (`tyrian.demo.NATIVE_KEY`, which is not imported for the time that takes).
DEMO_KEY: Final = "tyrian-demo-key"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

_TIMEOUT: Final = timedelta(seconds=120)
_LONG_TIMEOUT: Final = timedelta(hours=6)
_CONNECT_TIMEOUT: Final = timedelta(seconds=10)
#: How often a request is repeated that was told to wait, and the longest wait that is obeyed, in seconds.
_PATIENCE: Final = 8
_LONGEST_WAIT: Final = 60.0

T = TypeVar("T")


class Refusal(Failure):
    """The gateway refused, or failed itself.

    `kind` is its word for it; `problems` are the pairs of JSON pointer and message that it listed.
    """

    def __init__(self, status: int, kind: str, detail: str, problems: list[tuple[str, str]]) -> None:
        said = [f"  {pointer or 'the body'}: {message}" for pointer, message in problems]
        fault = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        super().__init__(detail, *said, code=Exit.FAILED if fault else Exit.REFUSED)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.problems = problems


class Api:
    """The native API of one gateway, for one key. Use it with `async with`."""

    def __init__(self, url: str, key: str | None) -> None:
        """Raises `Failure` for a URL that is none, and where no key is given for a gateway elsewhere."""
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Failure(f'--url must be an http:// or https:// URL, not "{url}".', code=Exit.USAGE)
        self._guessed = not key
        if not key and parts.hostname not in _LOOPBACK:
            raise Failure("Give your API key with --key, or in the variable TYRIAN_API_KEY.", code=Exit.USAGE)
        self._headers = {"Authorization": f"Bearer {key or DEMO_KEY}", "User-Agent": "tyrian-cli"}
        self._client: Client | None = None

    async def __aenter__(self) -> Self:
        builder = ClientBuilder().follow_redirects(False).timeout(_TIMEOUT).connect_timeout(_CONNECT_TIMEOUT)
        self._client = builder.build()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def get(self, path: str, **query: Any) -> Any:
        """What a GET answers; parameters that are None are left out."""
        return await self.call("GET", path, query=query)

    async def post(self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Any:
        """What a POST of a JSON body answers."""
        return await self.call("POST", path, body=body, headers=headers)

    async def patch(self, path: str, body: Any) -> Any:
        """What a PATCH with a JSON body answers."""
        return await self.call("PATCH", path, body=body)

    async def delete(self, path: str) -> None:
        """Deletes what is at a path."""
        await self.call("DELETE", path)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        raw: bytes | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The decoded answer, None for an empty one. Waits where the gateway says so. Raises `Refusal` or `Failure`."""
        data = raw if raw is not None else None if body is None else msgspec.json.encode(body)
        given = {**self._headers, **(headers or {}), **({"Content-Type": content_type} if data is not None else {})}
        address, patience = self._address(path, query), _PATIENCE
        status, answer, wait = await self._exchange(method, address, given, data)
        while wait is not None and patience:
            patience -= 1
            await asyncio.sleep(wait)
            status, answer, wait = await self._exchange(method, address, given, data)
        return self._read(status, answer)

    async def download(self, path: str) -> AsyncIterator[bytes]:
        """An answer's body piece by piece, however long it is. Raises as `call` does."""
        assert self._client is not None
        request = self._client.get(self._address(path, None)).headers(self._headers).timeout(_LONG_TIMEOUT)
        try:
            async with request.build_streamed() as response:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    self._read(response.status, bytes(await response.bytes()))
                while (piece := await response.body_reader.read_chunk()) is not None:
                    yield bytes(piece)
        except (PyreqwestError, OSError) as error:
            raise self._unreachable(error) from error

    async def stream(self, path: str, query: Mapping[str, Any], silence: float) -> AsyncGenerator[bytes, None]:
        """An answer that goes on, piece by piece, until `silence` seconds pass without one. Raises as `call` does."""
        assert self._client is not None
        request = self._client.get(self._address(path, query)).headers(self._headers).timeout(_LONG_TIMEOUT)
        # Without this, the client gathers 64 KiB before it hands any of them on.
        request = request.streamed_read_buffer_limit(1)
        try:
            async with request.build_streamed() as response:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    self._read(response.status, bytes(await response.bytes()))
                while True:
                    async with asyncio.timeout(silence):
                        piece = await response.body_reader.read_chunk()
                    if piece is None:
                        return
                    yield bytes(piece)
        except TimeoutError:
            return
        except (PyreqwestError, OSError) as error:
            raise self._unreachable(error) from error

    def _address(self, path: str, query: Mapping[str, Any] | None) -> Url:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            return Url(f"{self.url}/api/v1{path}{'?' + urlencode(given) if given else ''}")
        except ValueError as error:
            raise Failure(f'--url must be a URL, not "{self.url}": {error}.', code=Exit.USAGE) from error

    async def _exchange(
        self, method: str, url: Url, headers: Mapping[str, str], data: bytes | None
    ) -> tuple[int, bytes, float | None]:
        """Status, body, and the seconds to wait before a repeat, if the gateway wants one."""
        assert self._client is not None
        request = self._client.request(method, url).headers(dict(headers))
        try:
            response = await (request if data is None else request.body_bytes(data)).build().send()
            answer = bytes(await response.bytes())
        except (PyreqwestError, OSError) as error:
            raise self._unreachable(error) from error
        return response.status, answer, _wait(response.status, response.get_header("retry-after"))

    def _unreachable(self, error: Exception) -> Failure:
        return Failure(
            f"No gateway answers at {self.url}: {innermost(error)}.",
            "Start one with `tyrian serve` or `tyrian demo`, or say with --url where it is.",
            code=Exit.UNREACHABLE,
        )

    def _read(self, status: int, answer: bytes) -> Any:
        if status == HTTPStatus.UNAUTHORIZED and self._guessed:
            said = f"The gateway at {self.url} is not the demo: give your API key with --key or TYRIAN_API_KEY."
            raise Refusal(status, "unauthorized", said, [])
        try:
            value = msgspec.json.decode(answer) if answer.strip() else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            value = answer
        if status < HTTPStatus.BAD_REQUEST and not isinstance(value, bytes):
            return value
        if isinstance(value, dict) and "title" in value:
            raise _refusal(status, value)
        said = f"What answers at {self.url} is no Tyrian gateway: it said {status} in a form that is not Tyrian's."
        raise Failure(said, code=Exit.UNREACHABLE)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's work to its end; Ctrl-C cancels it and comes out as `KeyboardInterrupt`."""
    return asyncio.run(work)


def segment(word: object) -> str:
    """A word of the user's as one segment of a path."""
    return quote(str(word), safe="")


def _wait(status: int, retry_after: str | None) -> float | None:
    """Seconds until a repeat makes sense: 429 and 503 say that nothing was done (RFC 9110 section 10.2.3)."""
    if status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE) or not retry_after:
        return None
    return min(float(retry_after), _LONGEST_WAIT) if retry_after.isascii() and retry_after.isdigit() else 1.0


def _refusal(status: int, problem: Mapping[str, Any]) -> Refusal:
    """A problem document (RFC 9457) as a failure. What is listed one by one is not said twice."""
    problems = [(str(p.get("pointer", "")), str(p.get("message", ""))) for p in problem.get("problems") or ()]
    detail = problem["title"] + ":" if problems else problem.get("detail") or problem["title"]
    return Refusal(status, str(problem.get("type", "")).rpartition("#")[2], detail, problems)


def innermost(error: Exception) -> str:
    """The last word in a chain of causes, which is the one that tells people something."""
    details = getattr(error, "details", None)
    chain = details.get("causes") if isinstance(details, dict) else None
    if not chain:
        return str(error) or type(error).__name__
    last = chain[-1]
    return str(last.get("message", last) if isinstance(last, dict) else last)
