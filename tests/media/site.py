"""A web server that is asked for files: an honest one, and ways of being another."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from tests.engine.customer import Customer, Request, answer

Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def whole(data: bytes, content_type: str = "application/octet-stream") -> Behaviour:
    """Gives the whole file to every question; to HEAD its head."""

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        said = answer(200, data, content_type=content_type)
        writer.write(said[: len(said) - len(data)] if request.line.startswith("HEAD") else said)
        await writer.drain()

    return reply


def in_parts(data: bytes, content_type: str = "application/octet-stream") -> Behaviour:
    """Gives the part that is asked for."""

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.line.startswith("HEAD"):
            await whole(data, content_type)(request, writer)
            return
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
        if found is None:
            writer.write(answer(200, data, content_type=content_type))
            return
        start, end = int(found[1]), min(int(found[2]) + 1, len(data))
        about = f"bytes {start}-{end - 1}/{len(data)}"
        writer.write(answer(206, data[start:end], content_type=content_type, content_range=about))
        await writer.drain()

    return reply


def moved(where: str, status: int = 302) -> Behaviour:
    """Sends elsewhere."""

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(status, location=where))

    return reply


def raw(*pieces: bytes, then_close: bool = True) -> Behaviour:
    """Says just this."""

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if then_close:
            writer.close()
        else:
            await asyncio.Event().wait()

    return reply


def endless(head: bytes, piece: bytes = b"\0" * 65_536, sent: list[int] | None = None) -> Behaviour:
    """Talks for as long as anybody listens; `sent` counts the bytes."""

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            if sent is not None:
                sent.append(len(piece))

    return reply


class Site(Customer):
    """`async with Site({"/a.jpg": whole(data)}) as site`; `site.at("/a.jpg")` is the URL."""

    def __init__(self, pages: dict[str, Behaviour] | None = None) -> None:
        super().__init__(self._answered)
        self.pages = pages or {}

    async def __aenter__(self) -> "Site":
        await super().__aenter__()
        return self

    def at(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def _answered(self, request: Request, writer: asyncio.StreamWriter) -> None:
        page = self.pages.get(request.line.split(" ")[1])
        if page is None:
            writer.write(answer(404))
        else:
            await page(request, writer)
