"""Keyboards that stay: one that persists is shown again under later messages, and a channel's own under every message.

The client shows the keyboard of the last message, and none if that has none. So a keyboard that is to stay goes out
again with each message that brings no other, until it is replaced or withdrawn, or the session ends: as long after the
person's last message as the channel's sessions last, or after the keyboard was shown if they have not written since.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from tyrian.domain.buttons import shown
from tyrian.domain.content import Base as Content
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.domain.limits import check, takes_keyboards
from tyrian.domain.submission import Plan
from tyrian.engine.channels import Channels
from tyrian.engine.known import Facts, Known
from tyrian.engine.node import Node
from tyrian.engine.ports import Channel, Clock
from tyrian.engine.reacting import News, Said, person_of
from tyrian.store import keyboards as store
from tyrian.store.batcher import Batcher
from tyrian.store.database import LOST, Connection, Database, persist
from tyrian.store.keyboards import Remembered

log = logging.getLogger(__name__)

#: The member of a channel's `config` with the buttons that its every message has.
DEFAULT_BUTTONS: Final = "default_buttons"
#: Seconds between two looks at which channels have keyboards to remember, where no change is announced.
_POLL: Final = 60.0

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Keyboard).decode


class _Gateway(Protocol):
    """What keyboards need of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def node(self) -> Node: ...


class Keyboards:
    """A dresser and a stage. Channels without standing buttons, where no keyboard persists, cost nothing."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        #: Channels on which some keyboard persists.
        self.remembering: set[int] = set()
        self._added = 0
        self._standing: dict[int, tuple[object, list[Button]]] = {}
        self._look = asyncio.Event()
        self._writes: Batcher[Remembered, None] = Batcher(
            self._write, size=256, writers=1, linger=0.002, busy=0.02, patience=float("inf")
        )
        self._reads: Batcher[tuple[int, str], bytes | None] = Batcher(
            self._read, size=256, writers=2, linger=0.001, busy=0.01, patience=float("inf")
        )
        gateway.node.listen(store.CHANNEL, self._told)

    # -- Which channels -------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Learns on which channels keyboards persist."""
        await persist(self.refresh)

    async def run(self) -> None:
        """Learns of others' as they come, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), _POLL)
            self._look.clear()
            try:
                await self.refresh()
            except LOST as error:
                log.warning("the keyboards that persist cannot be looked for: %s", error)
                await asyncio.sleep(1)

    async def refresh(self) -> None:
        """Looks which channels have keyboards to remember."""
        added = self._added
        found = await store.channels(self._gateway.db)
        # What was added meanwhile may not have been seen by this look.
        self.remembering = found if added == self._added else self.remembering | found

    def _told(self, payload: str) -> None:
        if payload:
            self._add(int(payload))
        else:
            self._look.set()

    def _add(self, channel_id: int) -> None:
        self._added += 1
        self.remembering.add(channel_id)

    def _standing_of(self, channel: Channel) -> list[Button]:
        """The buttons that every message of a channel has."""
        known = self._standing.get(channel.id)
        if known is not None and known[0] is channel.config:
            return known[1]
        try:
            found = msgspec.convert(channel.config.get(DEFAULT_BUTTONS) or [], list[Button])
        except msgspec.ValidationError:
            found = []
        self._standing[channel.id] = (channel.config, found)
        return found

    # -- Going out ------------------------------------------------------------------------------------------------

    def wants(self, channel: Channel, plan: Plan, content: Content) -> bool:
        """Whether the content's keyboard is more than its own buttons, or may have to be."""
        own = content.keyboard
        if own is not None and (own.persist or own.withdraw or own.default_buttons):
            return True
        if (own is None and channel.id in self.remembering) or self._standing_of(channel):
            entry = self._gateway.channels.by_id(channel.id)
            return entry is not None and takes_keyboards(entry.capabilities)
        return False

    async def dress(self, channel: Channel, facts: Facts, known: Known, content: Content) -> Content:
        """The content with the keyboard that belongs under it. What it leaves with the person is committed."""
        own, person = content.keyboard, person_of(facts.recipient)
        if own is not None and (own.persist or own.withdraw):
            await self._remember(channel, facts, person, own)
        remembered = None
        if own is None and channel.id in self.remembering:
            stored = await self._reads.submit((channel.id, person))
            remembered = _decode(stored) if stored is not None else None
        standing = self._standing_of(channel)
        for keyboard, more in ((own or remembered, standing), (own or remembered, []), (own, standing)):
            dressed = replace(content, keyboard=shown(keyboard, more))
            if (not more and keyboard is own) or self._fits(channel, known, dressed):
                return dressed
        return replace(content, keyboard=shown(own))

    def _fits(self, channel: Channel, known: Known, content: Content) -> bool:
        """Whether the channel can carry what was put under a message: nothing that was accepted fails by it."""
        entry = self._gateway.channels.by_id(channel.id)
        wrong = check(content, known.plan.purpose, entry.capabilities) if entry is not None else []
        if wrong:
            log.info("channel %s: a message goes out without a standing keyboard: %s", channel.name, wrong[0].message)
        return not wrong

    async def _remember(self, channel: Channel, facts: Facts, person: str, keyboard: Keyboard) -> None:
        until = self._gateway.clock.now() + _session(channel)
        kept = None if keyboard.withdraw else _encode(keyboard)
        new = kept is not None and channel.id not in self.remembering
        if new:
            self._add(channel.id)
        await self._writes.submit(Remembered(channel.id, person, facts.message_id, facts.attempt_id, kept, until))
        if new:
            await persist(lambda: store.announce(self._gateway.db, channel.id))

    async def _write(self, batch: Sequence[Remembered]) -> list[None]:
        await store.write(self._gateway.db, batch)
        return [None] * len(batch)

    async def _read(self, batch: Sequence[tuple[int, str]]) -> list[bytes | None]:
        found = await store.recall(self._gateway.db, batch, self._gateway.clock.now())
        return [found.get(number) for number in range(len(batch))]

    async def forget(self) -> None:
        """Removes the keyboards of sessions that have ended."""
        await store.forget(self._gateway.db, self._gateway.clock.now())


def _session(channel: Channel) -> timedelta:
    """How long a session lasts after the person's last message."""
    return timedelta(seconds=channel.sessions.duration)


class SessionKeyboards:
    """The stage that lets keyboards stay for as long as people write."""

    def __init__(self, keyboards: Keyboards) -> None:
        self._keyboards = keyboards

    def wants(self, channel: Channel) -> bool:
        """Whether any keyboard of the channel persists."""
        return channel.id in self._keyboards.remembering

    async def read(self, batch: Sequence[Said]) -> None:
        """Nothing is read."""

    async def store(self, connection: Connection, batch: Sequence[Said]) -> None:
        """Moves the end of the sessions."""
        latest = {
            (one.channel.id, person_of(one.row.sender)): one.row.received_at + _session(one.channel) for one in batch
        }
        await store.extend(connection, [(*key, until) for key, until in sorted(latest.items())])

    async def subscribed(self, connection: Connection, news: Sequence[News]) -> None:
        """Nothing follows from that."""
