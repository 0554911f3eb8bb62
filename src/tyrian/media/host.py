"""Serves files to whoever has a signed URL: networks, phones, browsers. No session, no cookie, no key.

`GET` and `HEAD /media/<id>/<name>?e=<expiry>&s=<signature>`, whole or one range of it (RFC 9110, sections 13 and 14).
The signature is judged before the database is asked.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

from tyrian.engine.ports import Clock
from tyrian.engine.serving import answer, header
from tyrian.media.kinds import KINDS
from tyrian.media.links import Link, Links
from tyrian.store import media as store
from tyrian.store.database import LOST, Database

log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_RANGE: Final = re.compile(rb"bytes=([0-9]{0,18})-([0-9]{0,18})")
#: Seconds for which a copy may be kept by others, at most; a link's end comes first.
_CACHED: Final = 86_400
_SAFE: Final[Headers] = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"referrer-policy", b"no-referrer"),
]
_PLAIN: Final = (b"content-type", b"text/plain; charset=utf-8")

#: A range that nothing of the file lies in.
_OUTSIDE: Final = (0, 0)


class Host:
    """The ASGI application under `/media/`."""

    def __init__(self, db: Database, clock: Clock, links: Links) -> None:
        self._db = db
        self._clock = clock
        self._links = links

    async def __call__(self, scope: Mapping[str, Any], _receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["method"] not in ("GET", "HEAD"):
            await _say(send, 405, "This address takes GET and HEAD.", [(b"allow", b"GET, HEAD")])
            return
        link = self._links.read(scope["path"], scope["query_string"].decode("latin-1"))
        if link is None:
            await _say(send, 403, "This address was not signed by this gateway, or was changed since.")
        elif link.expires_at <= self._clock.now():
            await _say(send, 410, "This address has ended.")
        else:
            await self._found(scope, send, link)

    async def _found(self, scope: Mapping[str, Any], send: Send, link: Link) -> None:
        try:
            row = await store.get(self._db, link.media_id, self._clock.now())
        except (*LOST, TimeoutError):
            await _say(send, 503, "The gateway cannot read its files now.", [(b"retry-after", b"1")])
            return
        if row is None:
            await _say(send, 404, "The file is not kept here any more.")
        else:
            await self._serve(scope, send, row, link)

    async def _serve(self, scope: Mapping[str, Any], send: Send, row: store.Row, link: Link) -> None:
        headers = self._about(row, link)
        if _unchanged(scope, row):
            await _start(send, 304, headers)
            await send({"type": "http.response.body", "body": b""})
            return
        status, (start, end) = 200, (0, row.size)
        wanted = _range(scope, row)
        if wanted == _OUTSIDE:
            extra = [*_SAFE, (b"content-range", b"bytes */%d" % row.size)]
            await _say(send, 416, f"The file has {row.size} bytes.", extra)
            return
        if wanted is not None:
            status, (start, end) = 206, wanted
            headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, row.size)))
        headers += [(b"content-type", _content_type(row)), (b"content-length", b"%d" % (end - start))]
        await _start(send, status, headers)
        await self._body(scope, send, row, start, end)

    async def _body(self, scope: Mapping[str, Any], send: Send, row: store.Row, start: int, end: int) -> None:
        if scope["method"] == "GET":
            try:
                async for piece in store.pieces(self._db, row.id, start, end):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            except (LookupError, *LOST, TimeoutError) as error:
                # The head has promised more than can come: without the end, the server cuts the connection.
                log.warning("the file %s could not be served to its end: %r", row.id, error)
                return
        await send({"type": "http.response.body", "body": b""})

    def _about(self, row: store.Row, link: Link) -> Headers:
        left = int((min(link.expires_at, row.keep_until) - self._clock.now()).total_seconds())
        return [
            *_SAFE,
            (b"accept-ranges", b"bytes"),
            (b"etag", _etag(row)),
            (b"last-modified", format_datetime(row.created_at, usegmt=True).encode()),
            (b"cache-control", b"public, max-age=%d, immutable" % max(min(left, _CACHED), 0)),
            (b"content-disposition", _disposition(row)),
        ]


def _etag(row: store.Row) -> bytes:
    return b'"%b"' % row.sha256.hex()[:32].encode()


def _content_type(row: store.Row) -> bytes:
    text = f"{row.content_type}; charset=utf-8" if row.content_type.startswith("text/") else row.content_type
    return text.encode()


def _disposition(row: store.Row) -> bytes:
    """Pictures, films and sounds are shown; everything else is saved (RFC 6266)."""
    kind = KINDS.get(row.content_type)
    how = "inline" if kind is not None and kind.inline else "attachment"
    return f"{how}; filename*=UTF-8''{quote(row.name, safe='')}".encode()


def _unchanged(scope: Mapping[str, Any], row: store.Row) -> bool:
    """Whether the caller has the file as it is (RFC 9110, section 13.2.2)."""
    known = header(scope, b"if-none-match")
    if known:
        return known.strip() == b"*" or _etag(row) in [tag.strip().removeprefix(b"W/") for tag in known.split(b",")]
    since = header(scope, b"if-modified-since")
    return bool(since) and not _newer(since, row)


def _newer(date: bytes, row: store.Row) -> bool:
    try:
        return row.created_at.replace(microsecond=0) > parsedate_to_datetime(date.decode("latin-1"))
    except (ValueError, TypeError):
        return True


def _range(scope: Mapping[str, Any], row: store.Row) -> tuple[int, int] | None:
    """The bytes that are asked for, from and up to; None for all of them, as for what is no range of bytes.

    Several ranges at once get the whole file, which the standard leaves to the server.
    """
    given = header(scope, b"range")
    found = _RANGE.fullmatch(given.strip().lower()) if given else None
    if found is None or found.groups() == (b"", b"") or not _still_same(scope, row):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(row.size - int(last), 0), row.size
    else:
        start, end = int(first), min(int(last) + 1, row.size) if last else row.size
        if last and int(last) < int(first):
            return None
    return (start, end) if start < end else _OUTSIDE


def _still_same(scope: Mapping[str, Any], row: store.Row) -> bool:
    """Whether a part may be given to one who has another part already (RFC 9110, section 13.1.5)."""
    condition = header(scope, b"if-range")
    return not condition or condition == _etag(row)


async def _start(send: Send, status: int, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _say(send: Send, status: int, words: str, extra: Headers | None = None) -> None:
    await answer(send, status, words.encode() + b"\n", [_PLAIN, (b"cache-control", b"no-store"), *(extra or [])])
