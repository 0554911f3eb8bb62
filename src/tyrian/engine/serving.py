"""What every face does alike with a request: reads its body up to a limit, and its media type."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
ASGIApp = Callable[[Any, Receive, Send], Awaitable[None]]

#: The extension of a request's scope that cuts its connection, where the server has one.
CUT: Final = "tyrian.cut"


class BodyTooLarge(Exception):
    """A body is longer than it may be. The rest of it was not read, so the connection must end."""


class Disconnected(Exception):
    """The caller went away before its body was complete."""


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes:
    """The whole body. Raises `BodyTooLarge` as soon as it is known to be too long, `Disconnected` if it breaks off."""
    announced = header(scope, b"content-length")
    if announced.isdigit() and (len(announced) > 18 or int(announced) > most):
        raise BodyTooLarge
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        if len(body) > most:
            raise BodyTooLarge
        return body
    return await _rest(message, receive, most)


async def _rest(message: Any, receive: Receive, most: int) -> bytes:
    chunks, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()


def header(scope: Scope, name: bytes) -> bytes:
    """The first value of a header (its name in lower case), or nothing."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


def media_type(value: str | None) -> str:
    """The type of a Content-Type header, without its parameters."""
    return (value or "").partition(";")[0].strip().lower()


async def answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Sends a whole answer; its length is added to the headers."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, (b"content-length", b"%d" % len(body))],
        }
    )
    await send({"type": "http.response.body", "body": body})
