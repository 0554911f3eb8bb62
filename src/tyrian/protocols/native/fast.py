"""The short way for one message: `POST /api/v1/messages` without a framework in between.

It does exactly what the long way does for a request that is right, and hands every other request over to it, body
included, so that what is wrong is explained in one place only.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tyrian.domain.problem import Refused
from tyrian.engine.intake import Accepted
from tyrian.protocols.native.plans import Desk
from tyrian.protocols.native.sending import fingerprint_of, idempotency_key, is_plain
from tyrian.protocols.native.serving import Guard, failure
from tyrian.protocols.native.wire import SendRequest

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PATH: Final = "/api/v1/messages"
SCOPE: Final = "messages:send"
#: A longer body is no single message worth hurrying for.
_LONGEST: Final = 65_536
_TYPES: Final = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})
_TYPE: Final = (b"content-type", b"application/json")
_REPLAYED: Final = (b"idempotency-replayed", b"true")

_decode: Final = msgspec.json.Decoder(SendRequest).decode
_encode: Final = msgspec.json.Encoder().encode
_WRONG: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Refused)


class FastSend:
    """An ASGI application that takes in single messages itself and leaves the rest to another."""

    def __init__(self, gateway: "Gateway", guard: Guard, slow: App) -> None:
        self._gateway = gateway
        self._guard = guard
        self._slow = slow
        self._desk = Desk(gateway.channels, gateway.settings.allow_private_callbacks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request to send."""
        authorization = media = key = None
        length = 0
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"content-type":
                media = value
            elif name == b"content-length":
                length = int(value) if len(value) < 9 and value.isdigit() else _LONGEST + 1
            elif name == b"idempotency-key":
                key = value.decode("latin-1")
        caller = self._guard.remembered(authorization) if authorization else None
        if caller is None or media not in _TYPES or not 0 < length <= _LONGEST or scope["query_string"]:
            await self._slow(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:
            return
        try:
            request = _decode(body)
            if b"\\u0000" in body:
                raise Refused([])
            idempotency_key(key)
            now = self._gateway.clock.now()
            submission = self._desk.single(request, caller.account_id, now, plain=is_plain(body))
        except _WRONG:
            await self._slow(scope, _again(body, receive), send)
            return
        try:
            self._guard.admit(caller, SCOPE)
            if key is not None:
                submission.idempotency_key, submission.fingerprint = key, fingerprint_of(body)
            accepted = await self._gateway.intake.submit(submission)
        except Exception as error:  # every error has its own answer
            await failure(error, "send")(scope, receive, send)
            return
        await _answer(send, accepted)


async def _answer(send: Send, accepted: Accepted) -> None:
    message = accepted.messages[0]
    body = b'{"id":"%b","bulk_id":"%b","to":%b,"status":"%b"}' % (
        str(message.id).encode(),
        str(accepted.bulk_id).encode(),
        _encode(message.to),
        message.status.encode(),
    )
    headers = [_TYPE, (b"content-length", b"%d" % len(body))]
    if accepted.repeated:
        headers.append(_REPLAYED)
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _whole(receive: Receive) -> bytes | None:
    """The body, whose length was announced and is short; None if the caller went away."""
    message = await receive()
    if message["type"] != "http.request":
        return None
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already, and then whatever follows."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
