"""Tracked links followed: `/l/<code>`, a raw ASGI application.

The answer is a redirect to the URL that was stored when the message went out, and to nothing else: no part of a request
ever becomes part of the answer. Asking with HEAD, or ahead of a person as browsers and previews do, leads to the same
place and does not count.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, Protocol
from urllib.parse import quote

import msgspec

from tyrian.domain.ids import Ids
from tyrian.domain.links import is_web_url, messages_of
from tyrian.engine.channels import Channels
from tyrian.engine.face_ports import Face
from tyrian.engine.known import from_row
from tyrian.engine.links import PREFIX
from tyrian.engine.ports import Clock
from tyrian.engine.remote import remote_address
from tyrian.engine.report import ClickedLink, Report, encode as encode_report
from tyrian.engine.serving import Receive, Scope, Send, answer, header
from tyrian.store import links as store
from tyrian.store.batcher import Batcher
from tyrian.store.database import LOST, Database
from tyrian.store.links import Click

log = logging.getLogger(__name__)

#: Seconds that a person is kept waiting for the click to be counted, at most.
_PATIENCE: Final = 2.0
#: Characters of a browser's name that are kept.
_MOST_AGENT: Final = 256
#: What may stand in a URL as it is; everything else is written as `%` and two digits.
_PLAIN: Final = "%:/?#[]@!$&'()*+,;=~"
_TEXT: Final = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
_UNKNOWN: Final = b"This link does not exist, or is no longer kept.\n"
_LATER: Final = b"This link cannot be looked up at the moment. Please try again.\n"

_encode = msgspec.json.Encoder().encode


class _Settings(Protocol):
    @property
    def trusted_proxies(self) -> Sequence[IPv4Network | IPv6Network]: ...
    @property
    def record_click_addresses(self) -> str: ...


class _Gateway(Protocol):
    """What following links needs of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def ids(self) -> Ids: ...
    @property
    def settings(self) -> _Settings: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def faces(self) -> Mapping[str, Face]: ...


class Clicks:
    """The ASGI application for everything below `/l/`."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self._db = gateway.db
        self._batcher: Batcher[Click, int] = Batcher(self._write, size=256, writers=1, linger=0.002, patience=5.0)
        #: Called when a click has brought a report.
        self.on_reports: Callable[[], None] = lambda: None
        self.counted = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["method"] not in ("GET", "HEAD"):
            await answer(send, 405, b"", [(b"allow", b"GET, HEAD"), *_TEXT])
            return
        try:
            link = await self._find(scope["path"][len(PREFIX) :])
        except (*LOST, TimeoutError) as error:
            log.warning("a link cannot be looked up now: %r", error)
            await self._say(scope, send, 503, _LATER)
            return
        if link is None or not is_web_url(link["url"]):
            await self._say(scope, send, 404, _UNKNOWN)
            return
        if scope["method"] == "GET" and not _ahead(scope):
            await self._count(link, scope)
        headers = [
            (b"location", _location(link["url"])),
            (b"cache-control", b"no-store"),
            (b"x-robots-tag", b"noindex"),
        ]
        await answer(send, 302, b"", headers)

    async def drain(self) -> None:
        """Waits until every click is written."""
        await self._batcher.drain()

    async def _say(self, scope: Scope, send: Send, status: int, words: bytes) -> None:
        await answer(send, status, b"" if scope["method"] == "HEAD" else words, list(_TEXT))

    async def _find(self, code: str) -> Any | None:
        bounds = messages_of(code)
        return None if bounds is None else await store.find(self._db, code, *bounds)

    # -- Counting -------------------------------------------------------------------------------------------------

    async def _count(self, link: Any, scope: Scope) -> None:
        """Writes a click down. Whatever hinders it, the person gets where the link leads."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await asyncio.shield(self._batcher.submit(await self._click(link, scope)))
        except (*LOST, TimeoutError) as error:
            log.warning("a click on a link of message %s may not be counted: %r", link["message_id"], error)
        except Exception:
            log.exception("a click on a link of message %s could not be counted", link["message_id"])

    async def _click(self, link: Any, scope: Scope) -> Click:
        settings, now = self._gateway.settings, self._gateway.clock.now()
        keeps = settings.record_click_addresses == "yes"
        clicked = ClickedLink(
            url=link["url"],
            button_id=link["button_id"],
            user_agent=header(scope, b"user-agent").decode("latin-1")[:_MOST_AGENT] or None,
            address=remote_address(scope, settings.trusted_proxies) if keeps else None,
        )
        click = Click(link["message_id"], link["attempt_id"], link["place"], link["account_id"], now, _encode(clicked))
        row = await store.message(self._db, link["account_id"], link["message_id"])
        known = from_row(row, outline=True) if row is not None else None
        if row is not None and known is not None and known.reports("clicked") and self._tells(known.plan.face):
            click.endpoint_id = known.endpoint_of("clicked")
            click.report = encode_report(self._report(link, row, known, clicked, now))
        return click

    def _tells(self, name: str) -> bool:
        """Whether the dialect that took the message has words for a click; without, the history alone tells of it."""
        face = self._gateway.faces.get(name)
        return face is None or getattr(face, "tells_clicks", False)

    def _report(self, link: Any, row: Any, known: Any, clicked: ClickedLink, now: Any) -> Report:
        entry, plan = self._gateway.channels.by_id(link["channel_id"]), known.plan
        return Report(
            id=self._gateway.ids.new(now),
            kind="click",
            face=plan.face,
            account_id=link["account_id"],
            message_id=link["message_id"],
            bulk_id=known.bulk_id or link["message_id"],
            name=known.name,
            bulk_name=known.bulk_name,
            to=known.recipient,
            status=row["status"],
            channel=entry.channel.name if entry else None,
            channel_kind=entry.channel.kind if entry else None,
            network=entry.network if entry else None,
            attempt_id=link["attempt_id"],
            step=link["step"],
            at=now,
            accepted_at=known.accepted_at,
            purpose=plan.purpose.value,
            data=plan.callback.data if plan.callback else None,
            platform=plan.platform,
            extra=plan.extra,
            click=clicked,
        )

    async def _write(self, clicks: Sequence[Click]) -> list[int]:
        numbers = await store.count(self._db, clicks)
        self.counted += len(clicks)
        if any(number == 1 and c.report is not None for c, number in zip(clicks, numbers, strict=True)):
            self.on_reports()
        return numbers


def _ahead(scope: Scope) -> bool:
    """Whether a program asks before any person did: a prefetch, or a preview (`Sec-Purpose`, and older names)."""
    return any(
        name in (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")
        and any(word in value.lower() for word in (b"prefetch", b"prerender", b"preview"))
        for name, value in scope["headers"]
    )


def _location(url: str) -> bytes:
    """The URL as a header may carry it: ASCII, without anything that would end the line."""
    return quote(url, safe=_PLAIN).encode("ascii")
