"""Answers that are streams: written piece by piece, to readers who keep up."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tyrian.engine.serving import CUT

log = logging.getLogger(__name__)


class Stream(StreamingResponse):
    """A stream whose reader is cut off when it takes nothing for so long, so that nothing is held for it."""

    def __init__(
        self, content: AsyncIterator[bytes], status: int, headers: Mapping[str, str], media_type: str, patience: float
    ) -> None:
        super().__init__(content, status, headers, media_type)
        self._patience = patience
        self._where = ""
        self._cut: Callable[[], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers."""
        self._where, self._cut = scope["path"], scope.get("extensions", {}).get(CUT)
        await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Writes all of it, unless the reader takes nothing for too long."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self.body_iterator) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                try:
                    async with asyncio.timeout(self._patience):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                except TimeoutError:
                    self._give_up()
                    break
        # Of a connection that was cut this returns once that is seen to.
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _give_up(self) -> None:
        log.warning("a reader of %s took nothing for %g seconds and is cut off", self._where, self._patience)
        if self._cut is not None:
            self._cut()
