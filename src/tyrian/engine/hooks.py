"""What networks tell us over HTTP: `/hooks/<channel>`, a raw ASGI application.

The channel's connector reads and verifies the request; what it found is committed; only then is the network answered.
Bad input gets a 4xx and changes nothing. When something cannot be committed the answer is 503, so that the network
comes again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import asyncpg

from tyrian.engine.channels import ChannelEntry, Channels
from tyrian.engine.inbound import InboundDesk
from tyrian.engine.ports import Connector, HookAnswer, HookRequest
from tyrian.engine.reacting import person_of
from tyrian.engine.receipts import Receipts
from tyrian.engine.remote import remote_address
from tyrian.store.database import LOST

log = logging.getLogger(__name__)

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

PREFIX: Final = "/hooks/"
MAX_BODY: Final = 1_048_576
#: Seconds that a request's body may take to come, and that its commit may take.
_READ_SECONDS: Final = 15.0
_COMMIT_SECONDS: Final = 15.0
#: Seconds that noting a deep link may hold up a welcome.
_OPENED_SECONDS: Final = 2.0
_METHODS: Final = frozenset({"POST", "GET", "PUT", "HEAD"})
_MAX_ID: Final = 2**31 - 1
_MAX_FIELDS: Final = 200

_NOT_FOUND: Final = HookAnswer(404, b'{"error":"no channel has this number"}')
_NOT_ALLOWED: Final = HookAnswer(405, b'{"error":"only GET and POST are taken here"}')
_TOO_LARGE: Final = HookAnswer(413, b'{"error":"the body is larger than 1 MiB"}')
_TOO_SLOW: Final = HookAnswer(408, b'{"error":"the body did not come in time"}')
_UNREADABLE: Final = HookAnswer(400, b'{"error":"the request could not be understood"}')
_LATER: Final = HookAnswer(503, b'{"error":"this cannot be stored now; come again"}')


class _Settings(Protocol):
    @property
    def trusted_proxies(self) -> Sequence[IPv4Network | IPv6Network]: ...


class _Gateway(Protocol):
    """What hooks need of the gateway."""

    @property
    def settings(self) -> _Settings: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def receipts(self) -> Receipts: ...
    @property
    def inbound(self) -> InboundDesk: ...
    @property
    def flows(self) -> Any: ...
    @property
    def inbox(self) -> Any: ...


class _Gone(Exception):
    """The caller went away before its request was complete."""


class _TooLarge(Exception):
    pass


class Hooks:
    """The ASGI application for everything below `/hooks/`."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self._trusted = tuple(gateway.settings.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        try:
            answer = await self._answer(scope, receive)
        except _Gone:
            return
        headers = [
            (b"content-type", answer.content_type.encode("latin-1")),
            (b"content-length", b"%d" % len(answer.body)),
        ]
        if answer.status in (408, 413):
            headers.append((b"connection", b"close"))
        elif answer.status == 503:
            headers.append((b"retry-after", b"5"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> HookAnswer:
        entry = self._entry(scope["path"])
        connector = entry.connector if entry is not None else None
        if entry is None or connector is None:
            return _NOT_FOUND
        if scope["method"] not in _METHODS:
            return _NOT_ALLOWED
        try:
            request = await self._read(scope, receive)
        except _TooLarge:
            return _TOO_LARGE
        except TimeoutError:
            return _TOO_SLOW
        return await self._heard(entry, connector, request)

    async def hear(self, entry: ChannelEntry, request: HookRequest) -> HookAnswer:
        """The same for a request that came in by another address and was let through there."""
        connector = entry.connector
        return _NOT_FOUND if connector is None else await self._heard(entry, connector, request)

    async def _heard(self, entry: ChannelEntry, connector: Connector, request: HookRequest) -> HookAnswer:
        """What the connector makes of a request, with all that it brings committed."""
        try:
            answer = connector.hook(request)
        except Exception:
            log.exception("channel %s could not read a request from its network", entry.channel.name)
            return _UNREADABLE
        if answer.receipts or answer.inbound or answer.subscriptions:
            answer = await self._committed(entry, answer)
        if answer.opened:
            await self._opened(entry, answer)
        if answer.typing:
            await self._typing(entry, answer.typing)
        if answer.then is not None:
            try:
                answer.then()
            except Exception:
                log.exception("channel %s could not follow up on a request", entry.channel.name)
        return answer

    # -- Reading --------------------------------------------------------------------------------------------------

    def _entry(self, path: str) -> ChannelEntry | None:
        number = path[len(PREFIX) :].partition("/")[0]
        if not number.isascii() or not number.isdigit() or len(number) > 10 or int(number) > _MAX_ID:
            return None
        return self._gateway.channels.by_id(int(number))

    async def _read(self, scope: Scope, receive: Receive) -> HookRequest:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        length = headers.get("content-length", "")
        if length.isdigit() and int(length[:12]) > MAX_BODY:
            raise _TooLarge
        async with asyncio.timeout(_READ_SECONDS):
            body = await _body(receive)
        query = scope["query_string"]
        return HookRequest(
            method=scope["method"],
            path=scope["path"],
            query=_query(query) if query else {},
            headers=headers,
            body=body,
            remote=remote_address(scope, self._trusted),
        )

    # -- Committing -----------------------------------------------------------------------------------------------

    async def _committed(self, entry: ChannelEntry, answer: HookAnswer) -> HookAnswer:
        """The connector's answer once all it found is durable."""
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                await self._commit(entry, answer)
        except (asyncpg.DataError, ValueError):
            log.exception("news for channel %s cannot be stored at all", entry.channel.name)
            return _UNREADABLE
        except (*LOST, TimeoutError) as error:
            log.warning("news for channel %s cannot be stored now: %r", entry.channel.name, error)
            return _LATER
        except Exception:
            log.exception("news for channel %s could not be stored", entry.channel.name)
            return _LATER
        return answer

    async def _opened(self, entry: ChannelEntry, answer: HookAnswer) -> None:
        """Tells the flows by which links people came. Whatever comes of that, they get their welcome."""
        flows = self._gateway.flows
        if flows is None or not flows.wants(entry.channel):
            return
        try:
            async with asyncio.timeout(_OPENED_SECONDS):
                for one in answer.opened:
                    await flows.opened(entry.channel.id, person_of(one.person), one.context)
        except Exception as error:
            log.warning("channel %s: by which link somebody came is not noted: %r", entry.channel.name, error)

    async def _typing(self, entry: ChannelEntry, people: Sequence[str]) -> None:
        """Tells those who watch the inbox who types. Whatever comes of that, the network is answered."""
        if self._gateway.inbox is None:
            return
        try:
            for person in people:
                await self._gateway.inbox.typing(entry.channel, person)
        except Exception as error:
            log.warning("channel %s: that somebody types is not told: %r", entry.channel.name, error)

    async def _commit(self, entry: ChannelEntry, answer: HookAnswer) -> None:
        gateway, channel = self._gateway, entry.channel
        if answer.receipts and not answer.inbound and not answer.subscriptions:
            await gateway.receipts.submit(channel.id, answer.receipts)
            return
        outcomes = await asyncio.gather(
            gateway.receipts.submit(channel.id, answer.receipts),
            gateway.inbound.submit(channel, answer.inbound),
            gateway.inbound.subscriptions(channel, answer.subscriptions),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome


async def _body(receive: Receive) -> bytes:
    """The request's body, mostly in one piece. Raises `_TooLarge` or `_Gone`."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body") and len(body) <= MAX_BODY:
        return body
    pieces, size = [body], len(body)
    while message["type"] == "http.request" and message.get("more_body") and size <= MAX_BODY:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
    if message["type"] != "http.request":
        raise _Gone
    if size > MAX_BODY:
        raise _TooLarge
    return b"".join(pieces)


def _query(query: bytes) -> dict[str, str]:
    """The query's fields; of a field that comes twice the last. Garbage is no field."""
    try:
        return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}
