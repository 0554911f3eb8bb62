"""What people send: stored before it is acknowledged, once however often it comes, and brought to the customer.

A message to a channel with an inbound URL becomes a callback in the same transaction, so that it is brought there even
if the node dies the moment after.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from tyrian.domain.ids import Ids
from tyrian.engine.callbacks import Callbacks
from tyrian.engine.channels import Channels
from tyrian.engine.endpoints import Endpoints
from tyrian.engine.ports import Channel, Clock, Inbound, Subscription
from tyrian.engine.report import Report, encode as encode_report
from tyrian.engine.waker import CALLBACKS, Waker
from tyrian.store import inbound as store
from tyrian.store.batcher import Batcher
from tyrian.store.database import Database

log = logging.getLogger(__name__)

#: The dialect of callbacks for inbound messages: a channel belongs to no vendor's face.
FACE: Final = "native"
STATUS: Final = "received"
#: Seconds that a network's request waits while the database is away, before it is told to come again.
PATIENCE: Final = 10.0

_encode: Final = msgspec.json.Encoder().encode
_News = tuple[int, str, bool, datetime]


class _Gateway(Protocol):
    """What the desk needs of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def ids(self) -> Ids: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def endpoints(self) -> Endpoints: ...
    @property
    def callbacks(self) -> Callbacks: ...
    @property
    def waker(self) -> Waker: ...
    @property
    def roles(self) -> frozenset[str]: ...


class InboundDesk:
    """Takes in what people send. Everything it takes is committed when it returns."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self._messages: Batcher[store.NewInbound, bool] = Batcher(self._store, size=256, writers=1, patience=PATIENCE)
        self._subscriptions: Batcher[_News, None] = Batcher(self._subscribe, size=256, writers=1, patience=PATIENCE)
        self.received = 0
        self.repeated = 0

    @property
    def depth(self) -> int:
        """Messages and subscriptions that wait for the group commit."""
        return self._messages.depth + self._subscriptions.depth

    async def submit(self, channel: Channel, messages: Sequence[Inbound]) -> None:
        """Commits messages that came for a channel; those that came before are left out."""
        if not messages:
            return
        url, endpoint = self._inbound_url(channel), None
        if url is not None:
            endpoints = self._gateway.endpoints
            endpoint = endpoints.known(channel.account_id, FACE, url)
            if endpoint is None:
                endpoint = await endpoints.intern(channel.account_id, FACE, url)
        rows = [self._row(channel, message, endpoint) for message in messages]
        new = await asyncio.gather(*(self._messages.submit(row) for row in rows))
        self.received += sum(new)
        self.repeated += len(new) - sum(new)

    async def subscriptions(self, channel: Channel, news: Sequence[Subscription]) -> None:
        """Commits who allowed or blocked the channel's sender. Without a time of its own, news is of now."""
        now = self._gateway.clock.now()
        items = [(channel.id, storable(n.person), n.subscribed, n.at or now) for n in news]
        await asyncio.gather(*(self._subscriptions.submit(item) for item in items))

    async def drain(self) -> None:
        """Waits until everything handed in is durable."""
        await asyncio.gather(self._messages.drain(), self._subscriptions.drain())

    def _inbound_url(self, channel: Channel) -> str | None:
        entry = self._gateway.channels.by_id(channel.id)
        return entry.inbound_url if entry is not None else None

    def _row(self, channel: Channel, message: Inbound, endpoint: int | None) -> store.NewInbound:
        now = self._gateway.clock.now()
        extra: dict[str, Any] = dict(message.extra)
        if message.at is not None:
            extra.setdefault("sent_at", message.at)
        row = store.NewInbound(
            id=self._gateway.ids.new(now),
            account_id=channel.account_id,
            channel_id=channel.id,
            sender=storable(message.sender),
            recipient=storable(message.to),
            provider_id=storable(message.provider_id),
            received_at=now,
            content=_encode(message.content),
            extra=_encode(extra) if extra else None,
            raw=storable(message.raw) if message.raw is not None else None,
            endpoint_id=endpoint,
            report=None,
        )
        if endpoint is not None:
            row.report = _report(row, channel, message, now)
        return row

    async def _store(self, rows: Sequence[store.NewInbound]) -> Sequence[bool]:
        new = await store.store(self._gateway.db, rows)
        if any(row.endpoint_id is not None and row.id in new for row in rows):
            if "callbacks" in self._gateway.roles:
                self._gateway.callbacks.wake()
            else:
                self._gateway.waker.tell(CALLBACKS)
        return [row.id in new for row in rows]

    async def _subscribe(self, news: Sequence[_News]) -> Sequence[None]:
        await store.subscribe(self._gateway.db, news)
        return [None] * len(news)


def _report(row: store.NewInbound, channel: Channel, message: Inbound, now: datetime) -> bytes:
    return encode_report(
        Report(
            id=row.id,
            kind="inbound",
            face=FACE,
            account_id=row.account_id,
            message_id=row.id,
            to=row.recipient,
            sender=row.sender,
            status=STATUS,
            channel=channel.name,
            channel_kind=channel.kind,
            at=message.at or now,
            content=msgspec.Raw(row.content),
            extra=message.extra or None,
        )
    )


def storable(text: str) -> str:
    """Text that PostgreSQL can hold: without NULs and lone surrogates, which some networks let through."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
