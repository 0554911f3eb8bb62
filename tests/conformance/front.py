"""What stands in front of a network's HTTP service, to do what the service itself would not on demand."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tests.conformance.subject import LATER

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Front:
    """Passes requests on. Answers to sends wait for `gate`, and the first ones may be 429 with a time to wait."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], ending: str) -> None:
        """Sends are the requests whose path ends so."""
        self._app = app
        self._ending = ending
        self._later = 0
        self.gate = asyncio.Event()
        self.gate.set()

    def later(self, number: int) -> None:
        """Answer so many of the next sends with 429 and `Retry-After`, and pass them on to nobody."""
        self._later = number

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith(self._ending):
            await self._app(scope, receive, send)
        elif self._later:
            self._later -= 1
            await _too_many(receive, send)
        else:
            await self._app(scope, receive, self._gated(send))

    def _gated(self, send: Send) -> Send:
        async def gated(message: Message) -> None:
            await self.gate.wait()
            await send(message)

        return gated


async def _too_many(receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    headers = [(b"retry-after", b"%d" % LATER), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
