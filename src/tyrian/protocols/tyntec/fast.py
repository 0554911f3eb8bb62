"""The short way for one v3 message: no framework, and no more than one look at each thing.

It does exactly what the long way does for a request that is right, and hands every other over to it, body included, so
that what is wrong is explained in one place only.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from tyrian.domain.problem import Refused
from tyrian.engine.serving import ASGIApp, Disconnected, Receive, Scope, Send, answer, read_body
from tyrian.protocols.tyntec.errors import ApiError, answer_to, violated
from tyrian.protocols.tyntec.guard import SEND, Guard
from tyrian.protocols.tyntec.messages import unreachable
from tyrian.protocols.tyntec.sending import Desk
from tyrian.protocols.tyntec.times import micros
from tyrian.protocols.tyntec.wire import MESSAGES, SendRequest

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

PATHS: Final = frozenset({MESSAGES, f"{MESSAGES}/"})
#: A longer body is no message worth hurrying for.
_LONGEST: Final = 65_536
_TYPE: Final = (b"content-type", b"application/json")

_decode: Final = msgspec.json.Decoder(SendRequest).decode
_WRONG: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ApiError, Refused)


class FastSend:
    """An ASGI application that takes in single messages itself and leaves the rest to another."""

    def __init__(self, gateway: "Gateway", guard: Guard, desk: Desk, slow: ASGIApp) -> None:
        self._gateway = gateway
        self._guard = guard
        self._desk = desk
        self._slow = slow

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request to send."""
        key, length = b"", 0
        for name, value in scope["headers"]:
            if name == b"apikey":
                key = value
            elif name == b"content-length":
                length = int(value) if len(value) < 9 and value.isdigit() else _LONGEST + 1
        caller = self._guard.remembered(key) if key else None
        if caller is None or not 0 < length <= _LONGEST:
            await self._slow(scope, receive, send)
            return
        try:
            body = await read_body(scope, receive, _LONGEST)
        except Disconnected:
            return
        try:
            request = _decode(body)
            if SEND not in caller.scopes or b"\\u0000" in body:
                raise Refused([])
            submission = await self._desk.single(request, caller.account_id)
        except _WRONG:
            await self._slow(scope, again(body, receive), send)
            return
        except Exception as error:  # every error has its own answer
            await _failed(send, error)
            return
        try:
            self._guard.admit(caller, SEND)
            now = self._gateway.clock.now()
            accepted = await self._gateway.intake.submit(submission)
        except Refused:
            await _failed(send, violated([unreachable()]))
            return
        except Exception as error:
            await _failed(send, error)
            return
        taken = b'{"messageId":"%b","timestamp":"%b"}' % (
            str(accepted.messages[0].id).encode(),
            micros(now).encode(),
        )
        headers = [_TYPE, (b"content-length", b"%d" % len(taken))]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": taken})


async def _failed(send: Send, error: Exception) -> None:
    status, body, headers = answer_to(error)
    await answer(send, status, body, [(name.encode(), value.encode()) for name, value in headers.items()])


def again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already, and then whatever follows."""
    given = False

    async def replay() -> dict[str, object]:
        nonlocal given
        if given:
            found: dict[str, object] = await receive()
            return found
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
