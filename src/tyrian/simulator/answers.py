"""How the simulated cloud answers a request, faults included, over raw ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, NamedTuple

import msgspec

from tyrian.engine.ports import Clock
from tyrian.simulator.behaviour import Answer
from tyrian.simulator.quirks import Quirks

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

_JSON: Final = b"application/json"
_TEXT: Final = b"text/plain"
_GARBAGE: Final = b"<html><body>Service temporar\xff"
_encode: Final = msgspec.json.Encoder().encode


class Outcome(NamedTuple):
    """What to answer, and how: `how` other than ACCEPT is a fault of the way, not of the request."""

    body: dict[str, Any]
    how: Answer = Answer.ACCEPT
    delay: float = 0.0


class Faults:
    """Counts sends and says which of them meet a fault of the "every nth" switches."""

    def __init__(self, quirks: Quirks) -> None:
        self.quirks = quirks
        self._count = 0

    def next(self) -> Answer | None:
        """The fault of this send, if any."""
        self._count += 1
        quirks = self.quirks
        if not (quirks.throttle_every or quirks.error_every or quirks.garbage_every or quirks.silence_every):
            return None
        for every, answer in (
            (quirks.throttle_every, Answer.THROTTLE),
            (quirks.error_every, Answer.ERROR),
            (quirks.silence_every, Answer.SILENCE),
            (quirks.garbage_every, Answer.GARBAGE),
        ):
            if every and self._count % every == 0:
                return answer
        return None


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole body of a request, or None if it is larger than the limit (it is read to its end, and not kept)."""
    event = await receive()
    body: bytes = event.get("body", b"")
    length = len(body)
    while event.get("more_body"):
        event = await receive()
        part: bytes = event.get("body", b"")
        length += len(part)
        if length <= limit:
            body += part
    return body if length <= limit else None


async def respond(send: Send, status: int, body: bytes, content_type: bytes = _JSON) -> None:
    """A whole answer."""
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Answers:
    """Sends outcomes, with the switches that bend the way of an answer."""

    def __init__(self, clock: Clock, quirks: Quirks) -> None:
        self._clock = clock
        self.quirks = quirks
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let go of the requests that are held without an answer."""
        self._stopping.set()

    async def give(self, outcome: Outcome, receive: Receive, send: Send) -> None:
        """Answer a request as the outcome says."""
        delay = outcome.delay + self.quirks.answer_delay
        if delay:
            await self._clock.sleep(delay)
        match outcome.how:
            case Answer.ERROR:
                await respond(send, 500, b"Internal Server Error", _TEXT)
            case Answer.THROTTLE:
                await respond(send, 429, b"Too Many Requests", _TEXT)
            case Answer.GARBAGE:
                await respond(send, 200, _GARBAGE)
            case Answer.SILENCE:
                await self._hold(receive, send)
            case Answer.CUT:
                await _cut(send)
            case _:
                kind = _TEXT if self.quirks.plain_content_type else _JSON
                await respond(send, 200, _encode(outcome.body), kind)

    async def _hold(self, receive: Receive, send: Send) -> None:
        """Say nothing until the caller hangs up or the world stops."""
        gone = asyncio.create_task(_gone(receive))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((gone, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            stopping.cancel()
            await asyncio.gather(gone, stopping, return_exceptions=True)
        if self._stopping.is_set():
            await respond(send, 503, b"The simulated world has stopped", _TEXT)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cut(send: Send) -> None:
    """Begin an answer and return: the server closes the connection."""
    headers = [(b"content-type", _JSON), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"status":', "more_body": True})
