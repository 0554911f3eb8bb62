"""The short way for sending: no framework between the socket and the desk.

It does exactly what the long way does for a request that is right, and hands every other request over to it, body
included, so that what is wrong is explained in one place only.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from tyrian.engine.serving import ASGIApp, Receive, Send, answer, read_body
from tyrian.protocols.infobip.access import Guard
from tyrian.protocols.infobip.errors import Envelope
from tyrian.protocols.infobip.facts import Product
from tyrian.protocols.infobip.operation import Operation
from tyrian.protocols.infobip.sending import desk_of
from tyrian.protocols.infobip.serving import encode, failure, refuse

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

#: A longer body is no single message worth hurrying for.
_LONGEST: Final = 65_536
_TYPES: Final = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})
_HEADERS: Final = [(b"content-type", b"application/json")]
_WRONG: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Way(NamedTuple):
    """What is sent at a path, and the operation that does so."""

    product: Product
    operation: Operation
    decoder: "msgspec.json.Decoder[Any]"


class FastSend:
    """An ASGI application that takes in ordinary requests to send, and leaves the rest to another."""

    def __init__(self, gateway: "Gateway", guard: Guard, slow: ASGIApp, ways: Mapping[str, Way]) -> None:
        self._guard = guard
        self._slow = slow
        self._ways = ways
        self._desk = desk_of(gateway)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serves one request."""
        way = self._ways.get(scope["path"])
        if way is None or scope["method"] != "POST":
            await self._slow(scope, receive, send)
            return
        authorization = media = b""
        length = 0
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"content-type":
                media = value
            elif name == b"content-length":
                length = int(value) if len(value) < 9 and value.isdigit() else _LONGEST + 1
        caller = self._guard.remembered(authorization)
        if caller is None or media not in _TYPES or not 0 < length <= _LONGEST:
            await self._slow(scope, receive, send)
            return
        try:
            self._guard.admit(caller, way.operation)
            body = await read_body(scope, receive, _LONGEST)
            try:
                request = way.decoder.decode(body)
            except _WRONG:
                request = None
            if request is None or b"\\u0000" in body:
                await self._slow(scope, _again(body, receive), send)
                return
            made = await self._desk.take(caller.account_id, way.product, request)
        except Exception as error:  # every error has its own answer
            await refuse(scope, send, failure(error, way.operation.name), Envelope.FLAT)
            return
        await answer(send, 200, encode(made), _HEADERS)


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already, and then whatever follows."""
    given = False

    async def replay() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
