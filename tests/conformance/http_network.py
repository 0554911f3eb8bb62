"""A scripted HTTP service: the network of a protocol that sends JSON over HTTP and hears of outcomes by webhook.

A subclass says how its vendor spells things; how the service behaves, well or badly, is here.
"""

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.conformance.front import Receive, Scope, Send
from tests.conformance.subject import LATER, Answer, Network
from tests.conformance.wire import Wire, wire_to
from tests.simulator.serving import serving
from tyrian.domain.lifecycle import ReceiptKind

N = TypeVar("N", bound="HttpNetwork")

_GARBAGE: Final = b"<html><body>Service temporar\xff"
_TAKEN: Final = frozenset({Answer.ACCEPT, Answer.SILENCE, Answer.CUT, Answer.GARBAGE})


class HttpNetwork(Network):
    """The service. What is abstract is what one vendor's differs by from another's."""

    #: The path of sends. Anything else gets an empty 200, for connectors that ask whether somebody is there.
    path: str

    def __init__(self) -> None:
        self.wire: Wire
        self.hook_url = ""
        self._answers: deque[Answer] = deque()
        self._refs: list[str] = []
        self._gate = asyncio.Event()
        self._gate.set()
        self._over = asyncio.Event()

    # -- What the vendor's are ----------------------------------------------------------------------------------------

    @abstractmethod
    def accept(self, request: Any) -> tuple[str, Any]:
        """The network's own id of a send that is taken, and the answer. `request` is the send's JSON."""

    @abstractmethod
    def refuse(self, request: Any) -> tuple[int, Any]:
        """The HTTP status and the answer of a refusal, for the reason that the subject names."""

    @abstractmethod
    def report(self, ref: str, kind: ReceiptKind) -> Any:
        """A receipt, as the JSON of a webhook."""

    def sign(self, body: bytes) -> Mapping[str, str]:
        """The headers that prove a webhook's body."""
        return {}

    def failure(self, answer: Answer) -> tuple[int, Mapping[str, str], Any]:
        """The HTTP status, headers and answer for trouble of the network's own."""
        if answer is Answer.ERROR:
            return 503, {}, {}
        return 429, {"Retry-After": str(LATER)} if answer is Answer.LATER else {}, {}

    # -- Network ------------------------------------------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        """Where the service is."""
        return f"http://127.0.0.1:{self.wire.port}"

    def attached(self, hook_url: str) -> None:
        self.hook_url = hook_url

    def answers(self, *answers: Answer) -> None:
        self._answers = deque(answers)

    def hold(self) -> None:
        self._gate.clear()

    def release(self) -> None:
        self._gate.set()

    def refs(self) -> Sequence[str]:
        return self._refs

    async def receipt(self, ref: str, kind: ReceiptKind) -> None:
        body = msgspec.json.encode(self.report(ref, kind))
        assert await self._post(body, self.sign(body)) == 200

    async def garbage(self) -> None:
        body = b'{"status": "\xff'
        assert await self._post(body, self.sign(body)) == 400

    async def forged(self, ref: str, kind: ReceiptKind) -> None:
        body = msgspec.json.encode(self.report(ref, kind))
        assert await self._post(body, self.sign(body + b" ")) in (401, 403)
        assert await self._post(body, {}) in (401, 403)

    async def shut(self) -> None:
        await self.wire.shut()

    async def open(self) -> None:
        await self.wire.open()

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> int:
        async with aiohttp.ClientSession() as http, http.post(self.hook_url, data=body, headers=headers) as answered:
            return answered.status

    # -- The service --------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == self.path:
            asked = msgspec.json.decode(await Request(scope, receive).body())
            await self._answer(asked, scope, receive, send)
        else:
            await Response()(scope, receive, send)

    async def _answer(self, asked: Any, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answers.popleft() if self._answers else Answer.ACCEPT
        response = self._take(asked, answer) if answer in _TAKEN else self._turn_down(asked, answer)
        await self._gate.wait()
        if answer is Answer.SILENCE:
            await self._over.wait()
        if answer is Answer.CUT:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
            await send({"type": "http.response.body", "body": b'{"', "more_body": True})
        else:
            await response(scope, receive, send)

    def _take(self, asked: Any, answer: Answer) -> Response:
        ref, body = self.accept(asked)
        if ref not in self._refs:
            self._refs.append(ref)
        return Response(_GARBAGE) if answer is Answer.GARBAGE else JSONResponse(body)

    def _turn_down(self, asked: Any, answer: Answer) -> Response:
        if answer is Answer.REFUSE:
            status, body = self.refuse(asked)
            return JSONResponse(body, status)
        status, headers, body = self.failure(answer)
        return JSONResponse(body, status, headers)

    # -- Its life -----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def served(self: N) -> AsyncIterator[N]:
        """The service on a port of its own."""
        async with serving(self) as url, wire_to(urlsplit(url).port or 0) as self.wire:
            try:
                yield self
            finally:
                self._gate.set()
                self._over.set()
                await self.wire.shut()
