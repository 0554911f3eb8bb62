"""What people send: stored before it is acknowledged, once however often it comes, and brought to the customer.

A message to a channel with an inbound URL becomes a callback in the same transaction, so that it is brought there even
if the node dies the moment after. Every face is asked, too: one that knows where the account wants messages in its
dialect gets a callback of its own.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from tyrian.domain.ids import Ids, floor_of
from tyrian.engine import sessions
from tyrian.engine.callbacks import Callbacks
from tyrian.engine.channels import Channels
from tyrian.engine.endpoints import Endpoints
from tyrian.engine.face_ports import Face, Heard
from tyrian.engine.known import decode_outline
from tyrian.engine.ports import Channel, Clock, Inbound, Subscription
from tyrian.engine.reacting import News, Said, Stage
from tyrian.engine.report import Paired, Report, encode as encode_report
from tyrian.engine.turns import Turns
from tyrian.engine.waker import CALLBACKS, Waker
from tyrian.store import inbound as store
from tyrian.store.batcher import Batcher
from tyrian.store.database import LOST, Connection, Database
from tyrian.store.sessions import Heard as Prolonged, touch

log = logging.getLogger(__name__)

#: The dialect of callbacks to a channel's own inbound URL.
FACE: Final = "native"
#: How far back the message lies, at most, that a person answers.
PAIRED_WITHIN: Final = timedelta(days=3)
STATUS: Final = "received"
#: Seconds that a network's request waits while the database is away, before it is told to come again.
PATIENCE: Final = 10.0

_encode: Final = msgspec.json.Encoder().encode
#: A face's answer to where a message goes, by the face's name.
_Ask = Callable[[Any, Heard], Awaitable[str | None]]
#: The sessions that messages prolong, and stages with the messages with which they store something.
_Heard = Sequence[tuple[UUID, Prolonged]]
_Keeping = Sequence[tuple[Stage, list[Said]]]


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
    def faces(self) -> Mapping[str, Face]: ...
    @property
    def turns(self) -> Turns: ...
    @property
    def waker(self) -> Waker: ...
    @property
    def roles(self) -> frozenset[str]: ...


class InboundDesk:
    """Takes in what people send. Everything it takes is committed when it returns."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self._messages: Batcher[Said, bool] = Batcher(self._store, size=256, writers=1, patience=PATIENCE)
        self._subscriptions: Batcher[News, None] = Batcher(self._subscribe, size=256, writers=1, patience=PATIENCE)
        #: Who reads messages before they are stored, and stores what follows from them along with them.
        self.stages: list[Stage] = []
        self.received = 0
        self.repeated = 0
        #: Sessions that messages brought to this node have opened.
        self.sessions_opened = 0

    @property
    def depth(self) -> int:
        """Messages and subscriptions that wait for the group commit."""
        return self._messages.depth + self._subscriptions.depth

    async def submit(self, channel: Channel, messages: Sequence[Inbound]) -> None:
        """Commits messages that came for a channel; those that came before are left out."""
        if not messages:
            return
        said = [Said(channel, message, self._row(channel, message)) for message in messages]
        new = await asyncio.gather(*(self._messages.submit(one) for one in said))
        self.received += sum(new)
        self.repeated += len(new) - sum(new)

    async def ids(self, channel: Channel, provider_ids: Sequence[str]) -> dict[str, UUID]:
        """The ids of messages that were committed, by the network's own: those of repeats are the first ones'."""
        return await store.ids(self._gateway.db, channel.id, [storable(name) for name in provider_ids])

    async def subscriptions(self, channel: Channel, news: Sequence[Subscription]) -> None:
        """Commits who allowed or blocked the channel's sender. Without a time of its own, news is of now."""
        now = self._gateway.clock.now()
        items = [News(channel, storable(n.person), n.subscribed, n.at or now) for n in news]
        await asyncio.gather(*(self._subscriptions.submit(item) for item in items))

    async def drain(self) -> None:
        """Waits until everything handed in is durable."""
        await asyncio.gather(self._messages.drain(), self._subscriptions.drain())

    # -- Whom to tell ---------------------------------------------------------------------------------------------

    async def _tell_all(self, said: Sequence[Said]) -> None:
        """Adds a report for everyone who wants to hear of each of these messages."""
        asked = [(name, ask) for name, face in self._gateway.faces.items() if (ask := _asked(face)) is not None]
        pairs = _Pairs(self._paired, said)
        for number, one in enumerate(said):
            one.row.reports.clear()
            entry = self._gateway.channels.by_id(one.channel.id)
            if entry is not None and entry.inbound_url is not None:
                await self._tell(one.row, FACE, entry.inbound_url, _report(one))
            if not asked:
                continue
            network = entry.network if entry is not None else ""
            heard = Heard(one.channel.account_id, one.channel, network, one.message, partial(pairs.of, number))
            for name, ask in asked:
                url = await self._ask(name, ask, heard)
                if url is not None:
                    report = _report(one)
                    report.face, report.network, report.paired = name, network, await pairs.of(number)
                    await self._tell(one.row, name, url, report)

    async def _ask(self, name: str, ask: _Ask, heard: Heard) -> str | None:
        """A face's answer. One that fails must not keep what a person wrote from being stored."""
        try:
            return await ask(self._gateway, heard)
        except LOST:
            raise
        except Exception:
            log.exception("face %s could not say where an inbound message goes", name)
            return None

    async def _tell(self, row: store.NewInbound, face: str, url: str, report: Report) -> None:
        endpoints = self._gateway.endpoints
        number = endpoints.known(row.account_id, face, url)
        if number is None:
            number = await endpoints.intern(row.account_id, face, url)
        row.reports.append((number, encode_report(report)))

    async def _paired(self, said: Sequence[Said]) -> dict[int, Paired]:
        """What each of these messages answers: the last that went to this person on this channel."""
        people = [(one.channel.account_id, one.channel.id, one.row.sender.removeprefix("+")) for one in said]
        floor = floor_of(self._gateway.clock.now() - PAIRED_WITHIN)
        rows = await store.paired(self._gateway.db, people, floor)
        return {number: _pair(row) for number, row in rows.items()}

    # -- Storing --------------------------------------------------------------------------------------------------

    def _row(self, channel: Channel, message: Inbound) -> store.NewInbound:
        now = self._gateway.clock.now()
        return store.NewInbound(
            id=self._gateway.ids.new(now),
            account_id=channel.account_id,
            channel_id=channel.id,
            sender=storable(message.sender),
            recipient=storable(message.to),
            provider_id=storable(message.provider_id),
            received_at=now,
            content=_encode(message.content),
            extra=self._extra(message),
            raw=storable(message.raw) if message.raw is not None else None,
            reports=[],
        )

    def _extra(self, message: Inbound) -> bytes | None:
        extra: dict[str, Any] = dict(message.extra)
        if message.at is not None:
            extra.setdefault("sent_at", message.at)
        return _encode(extra) if extra else None

    async def _store(self, said: Sequence[Said]) -> Sequence[bool]:
        theirs = [one for one in said if one.message.own]
        stages = [(stage, batch) for stage in self.stages if (batch := [s for s in theirs if stage.wants(s.channel)])]
        for stage, batch in stages:
            await self._read(stage, batch)
        for one in theirs if stages else ():
            one.row.content, one.row.extra = _encode(one.message.content), self._extra(one.message)
        await self._tell_all(said)
        wants = self._gateway.turns.wants
        turns = [one for one in theirs if wants(one.channel, one.message.content, one.message.extra)]
        keeping = [(stage, kept) for stage, batch in stages if (kept := [s for s in batch if _keeps(stage, s)])]
        heard = [(one.row.id, sessions.heard(one)) for one in theirs]
        rows = [one.row for one in said]
        if keeping:
            stored = await self._store_along(rows, heard, keeping, turns)
        else:
            stored = await store.store(self._gateway.db, rows, heard, self._gateway.turns.new(turns))
        new = stored.new
        self.sessions_opened += stored.sessions_opened
        self._gateway.turns.begin([one for one in turns if one.row.id in new])
        if any(row.reports and row.id in new for row in rows):
            if "callbacks" in self._gateway.roles:
                self._gateway.callbacks.wake()
            else:
                self._gateway.waker.tell(CALLBACKS)
        return [row.id in new for row in rows]

    async def _read(self, stage: Stage, batch: list[Said]) -> None:
        """Has a stage read messages. One that fails must not keep what a person wrote from being stored."""
        try:
            await stage.read(batch)
        except LOST:
            raise
        except Exception:
            log.exception("%s could not read what people sent", type(stage).__name__)

    async def _store_along(
        self, rows: list[store.NewInbound], heard: _Heard, stages: _Keeping, turns: list[Said]
    ) -> store.Stored:
        """Stores messages together with what stages make of them, and with their turns.

        Stages go without savepoints at first, whose round trips would come to more than all else. Where one of them
        fails, everything is done again with the failing one left out.
        """
        try:
            return await self._store_once(rows, heard, stages, turns, apart=False)
        except LOST:
            raise
        except Exception as error:
            log.warning("messages are stored again, each stage by itself: %r", error)
            return await self._store_once(rows, heard, stages, turns, apart=True)

    async def _store_once(
        self, rows: list[store.NewInbound], heard: _Heard, stages: _Keeping, turns: list[Said], *, apart: bool
    ) -> store.Stored:
        async with self._gateway.db.transaction() as connection:
            stored = await store.store(connection, rows)
            new = stored.new
            for stage, batch in stages:
                fresh = [one for one in batch if one.row.id in new]
                if fresh and apart:
                    await _along(connection, stage.store(connection, fresh), stage)
                elif fresh:
                    await stage.store(connection, fresh)
            # Contacts are locked before sessions, here as where somebody is erased.
            stored.sessions_opened = await touch(connection, [one for identifier, one in heard if identifier in new])
            fresh = [one for one in turns if one.row.id in new]
            if fresh:
                await self._gateway.turns.make(connection, fresh)
        return stored

    async def _subscribe(self, news: Sequence[News]) -> Sequence[None]:
        rows = [(n.channel.id, n.person, n.subscribed, n.at) for n in news]
        stages = [(stage, batch) for stage in self.stages if (batch := [n for n in news if stage.wants(n.channel)])]
        if not stages:
            await store.subscribe(self._gateway.db, rows)
            return [None] * len(news)
        async with self._gateway.db.transaction() as connection:
            await store.subscribe(connection, rows)
            for stage, batch in stages:
                await _along(connection, stage.subscribed(connection, batch), stage)
        return [None] * len(news)


class _Pairs:
    """What the messages of a batch answer, looked up for all of them at the first question."""

    def __init__(self, look_up: Callable[[Sequence[Said]], Awaitable[dict[int, Paired]]], said: Sequence[Said]) -> None:
        self._look_up = look_up
        self._said = said
        self._found: dict[int, Paired] | None = None

    async def of(self, number: int) -> Paired | None:
        """What one of the messages answers."""
        if self._found is None:
            self._found = await self._look_up(self._said)
        return self._found.get(number)


def _keeps(stage: Stage, said: Said) -> bool:
    keeps = getattr(stage, "keeps", None)
    return keeps is None or bool(keeps(said))


async def _along(connection: Connection, work: Awaitable[None], stage: Stage) -> None:
    """A stage's part of a transaction. If it fails, it alone is undone."""
    try:
        async with connection.transaction():
            await work
    except LOST:
        raise
    except Exception:
        log.exception("%s could not store what follows from messages", type(stage).__name__)


def _asked(face: Face) -> _Ask | None:
    return getattr(face, "inbound_url", None)


def _pair(row: Any) -> Paired:
    plan = decode_outline(row["plan"])
    return Paired(
        message_id=row["id"],
        attempt_id=row["attempt_id"],
        name=row["name"],
        bulk_id=row["bulk_id"],
        bulk_name=row["bulk_name"],
        face=plan.face,
        data=plan.callback.data if plan.callback else None,
        platform=plan.platform,
        extra=plan.extra,
        accepted_at=row["accepted_at"],
    )


def _report(said: Said) -> Report:
    row, channel, message = said.row, said.channel, said.message
    return Report(
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
        at=message.at or row.received_at,
        content=msgspec.Raw(row.content),
        extra=message.extra or None,
        provider_id=row.provider_id,
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
