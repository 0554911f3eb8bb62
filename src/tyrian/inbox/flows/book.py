"""The published flows as this node knows them: which begin on a channel, and any version that somebody is on."""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from tyrian.domain.flow import Flow, OnPattern, OnWords, Trigger
from tyrian.domain.flow_match import Heard, begins, rank
from tyrian.engine.ports import Channel, Clock
from tyrian.store import flows as store
from tyrian.store.database import LOST, Database

log = logging.getLogger(__name__)

#: Seconds after which flows are read again though nothing was announced, and after a failure.
_AGE: Final = 30.0
_AGAIN: Final = 1.0
#: Versions that are kept decoded besides the newest ones.
_KEPT: Final = 128

_decode: Final = msgspec.json.Decoder(Flow).decode


class Published(NamedTuple):
    """A flow in its newest version, as it stands on a channel."""

    flow_id: UUID
    version: int
    active: bool
    flow: Flow


class Book:
    """Reads flows, and reads them again when some node has changed one."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._on: dict[int, list[Published]] = {}
        self._newest: dict[tuple[UUID, int], Flow] = {}
        self._older: OrderedDict[tuple[UUID, int], Flow] = OrderedDict()
        self._asked = asyncio.Event()
        self._loaded = asyncio.Event()

    def wants(self, channel: Channel) -> bool:
        """Whether a channel has flows; from memory. Until the first reading nobody knows."""
        return not self._loaded.is_set() or channel.id in self._on

    def refresh_soon(self) -> None:
        """Reads again, because something changed."""
        self._asked.set()

    async def loaded(self) -> None:
        """Waits for the first reading."""
        await self._loaded.wait()

    async def refresh(self) -> None:
        """Reads all flows now."""
        on: dict[int, list[Published]] = {}
        newest: dict[tuple[UUID, int], Flow] = {}
        for stored in await store.all_flows(self._db):
            key = (stored.id, stored.version)
            flow = self._newest.get(key) or _decode(stored.flow)
            newest[key] = flow
            for channel_id in stored.channels:
                on.setdefault(channel_id, []).append(Published(stored.id, stored.version, stored.active, flow))
        self._on, self._newest = on, newest
        self._loaded.set()

    async def run(self) -> None:
        """Keeps the book up to date, until cancelled."""
        while True:
            self._asked.clear()
            wait = _AGE
            try:
                await self.refresh()
            except LOST as error:
                log.warning("flows cannot be read now: %s", error)
                wait = _AGAIN
            except Exception:
                log.exception("flows could not be read")
                wait = _AGAIN
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), wait)

    async def version(self, flow_id: UUID, number: int) -> Flow | None:
        """A version of a flow; None where the flow is gone."""
        key = (flow_id, number)
        known = self._newest.get(key) or self._older.get(key)
        if known is not None:
            return known
        stored = await store.flow_of(self._db, flow_id, number)
        if stored is None:
            return None
        flow = self._older[key] = _decode(stored)
        if len(self._older) > _KEPT:
            self._older.popitem(last=False)
        return flow

    def beginning(self, channel: Channel, heard: Heard, *, interrupting: bool = False) -> Published | None:
        """The flow that a message begins: of several the one whose trigger is most exact, then the oldest flow.

        With `interrupting`, only triggers count that do so in the middle of a flow.
        """
        best: tuple[int, Published] | None = None
        for published in self._on.get(channel.id, ()):
            if not published.active:
                continue
            for trigger in published.flow.triggers:
                if interrupting and not _interrupts(trigger):
                    continue
                if (best is None or rank(trigger) < best[0]) and begins(trigger, heard, channel.name):
                    best = (rank(trigger), published)
        return best[1] if best is not None else None


def _interrupts(trigger: Trigger) -> bool:
    return isinstance(trigger, OnWords | OnPattern) and trigger.interrupts
