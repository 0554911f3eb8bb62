"""The gateway: every moving part of one process, wired together.

A node may play some roles only: `api` takes requests and hooks in, `dispatch` sends, `callbacks` brings reports to
customers. Upkeep runs everywhere. Nodes know nothing of each other but what the database tells them.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import chain
from typing import Any

from tyrian.domain.ids import Ids
from tyrian.engine.blocks import Blocks
from tyrian.engine.bulks import Bulks
from tyrian.engine.buttons import CodeMaker, CodeReader
from tyrian.engine.callbacks import Callbacks
from tyrian.engine.channels import Channels
from tyrian.engine.circuits import Circuits
from tyrian.engine.clicks import Clicks
from tyrian.engine.consent import Consent
from tyrian.engine.dispatch import Dispatch
from tyrian.engine.documents import Documents
from tyrian.engine.endpoints import Endpoints
from tyrian.engine.face_ports import Face
from tyrian.engine.feeder import Feeder, Released
from tyrian.engine.fitting import Fitting
from tyrian.engine.guarding import Guards
from tyrian.engine.inbound import InboundDesk
from tyrian.engine.intake import Intake
from tyrian.engine.keyboards import Keyboards, SessionKeyboards
from tyrian.engine.keys import KeyRing
from tyrian.engine.known import Recent
from tyrian.engine.links import Links
from tyrian.engine.media_port import Media
from tyrian.engine.metrics import Metrics
from tyrian.engine.node import Node
from tyrian.engine.opting import Confirming, Opting
from tyrian.engine.people import People
from tyrian.engine.ports import Channel, ChannelKind, Clock, Inbound, Receipt, Tools
from tyrian.engine.pulls import Pulls
from tyrian.engine.receipts import Receipts, Transitions
from tyrian.engine.rehosting import Rehosting
from tyrian.engine.router import Router
from tyrian.engine.sessions import Answered, SessionGuard, Sessions
from tyrian.engine.stale_presses import StalePresses
from tyrian.engine.turns import Turns
from tyrian.engine.upkeep import Upkeep
from tyrian.engine.waker import BULKS, CALLBACKS, Waker, sends
from tyrian.engine.writer import Scribe, reported
from tyrian.settings import Settings
from tyrian.store.crypto import SecretBox
from tyrian.store.database import LOST, Database
from tyrian.store.writing import NEXT, Write

log = logging.getLogger(__name__)

_FEED_IDLE = 1.0


class Gateway:
    """One running node. `async with Gateway.open(...)`, or `open`, `start` and `stop`."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        clock: Clock,
        faces: Sequence[Face],
        box: SecretBox,
        *,
        roles: frozenset[str] = frozenset({"api", "dispatch", "callbacks"}),
        kinds: Mapping[str, ChannelKind] | None = None,
    ) -> None:
        """`kinds` are the channel kinds of the installed protocols unless given."""
        self.db = db
        self.settings = settings
        self.clock = clock
        self.roles = roles
        self.faces = {face.name: face for face in faces}
        self.box = box
        self.ids = Ids()
        self.node = Node(db.url)
        self.waker = Waker(db, self.node)
        self.metrics = Metrics()
        tools = Tools(clock, _Sink(self), settings.public_url, settings.allow_private_callbacks)
        self.channels = Channels(db, clock, box, tools, kinds)
        self.keys = KeyRing(db, clock, box)
        self.endpoints = Endpoints(db, clock)
        self.documents = Documents(db, clock)
        self.pulls = Pulls(db, clock, self.endpoints)
        self.circuits = Circuits(clock)
        router = Router(self.channels, self.circuits)
        self.scribe = Scribe(self.channels, router, self.ids)
        self.links = Links(db, clock, settings.public_url)
        self.clicks = Clicks(self)
        self.guards = Guards(self.channels)
        recent = Recent()
        self.dispatch = Dispatch(db, clock, self.channels, router, self.scribe, self.node, recent, self.wake_callbacks)
        self.intake = Intake(db, clock, self.ids, router, self.endpoints, self.node, self.dispatch, recent)
        self.transitions = Transitions(clock, self.scribe)
        self.receipts = Receipts(db, clock, self.transitions)
        self.callbacks = Callbacks(self)
        self.turns = Turns(self)
        self.inbound = InboundDesk(self)
        self.code_maker = CodeMaker(self)
        self.people = People(self)
        self.sessions = Sessions(self)
        self.keyboards = Keyboards(self)
        self.stale_presses = StalePresses(self)
        self.rehosting = Rehosting(self)
        self.consent = Consent(self)
        self.opting, self.blocks = Opting(self), Blocks(self)
        self.feeder = Feeder(db, clock, self.ids, router, self.scribe)
        self.bulks = Bulks(db, clock, self.ids, self.channels, self.intake, self.scribe)
        self.upkeep = Upkeep(
            db,
            clock,
            self.node,
            self.dispatch,
            self.receipts,
            self.transitions,
            self._written,
            self._forget,
            retention_days=settings.retention_days,
            event_retention_days=settings.event_retention_days,
            idempotency_hours=settings.idempotency_hours,
        )
        #: The files that are hosted; the application puts it in, for it lives above the engine.
        self.media: Media | None = None
        #: The conversations with people, and the flows that answer them; the application puts them in likewise.
        self.inbox: Any = None
        self.flows: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._feed = asyncio.Event()
        self.ready = False
        self.stopping = False
        self._wire()

    def _wire(self) -> None:
        """Who is told when something was written."""
        self.intake.on_due = self._due
        self.intake.on_bulk = self._bulk
        self.bulks.on_change = self._bulk
        self.bulks.on_written = self._written
        self.receipts.on_written = self._written
        self.receipts.on_parked = self.upkeep.receipts_parked
        self.feeder.on_released = self._released
        self.dispatch.dressing.links = self.links
        self.dispatch.holding.fitting = self.fitting = Fitting(self)
        self.fitting.on_due = self._due
        self.dispatch.holding.guards = self.intake.guards = self.guards
        self.dispatch.dressing.dressers += [self.keyboards, self.code_maker]
        self.inbound.stages += [CodeReader(self), SessionKeyboards(self.keyboards), self.rehosting]
        self.turns.reactions.append(self.stale_presses)
        self.dispatch.observe = self.metrics.sent
        self.guards.observe = self.metrics.judged
        self.dispatch.results.on_moved = self.metrics.rerouted
        self.clicks.on_reports = self.wake_callbacks
        self.callbacks.on_outcome = self.metrics.called
        self.node.listen("tyrian_due", self._notified)
        self.node.listen("tyrian_config", lambda payload: self._config_changed())
        self.inbound.stages += [self.people, self.opting]
        of_faces = [face.reactions(self) for face in self.faces.values() if hasattr(face, "reactions")]
        self.turns.reactions[:0] = [*chain.from_iterable(of_faces), Answered(self), Confirming(self)]
        self.guards.all += [self.consent, self.blocks, SessionGuard(self)]
        self.dispatch.on_refused = self.blocks.refused
        self.node.listen("tyrian_people", lambda payload: self._people_changed())
        self.node.listen("tyrian_consent", lambda payload: self.consent.refresh_soon())
        self.node.listen("tyrian_documents", lambda payload: self.documents.refresh_soon())
        self.node.listen("tyrian_flows", lambda payload: self._flows_changed())

    # -- Life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Makes the node ready and starts its loops."""
        await self.db.fetchval("SELECT make_partitions($1::date, 3)", self.clock.now().date())
        await self.node.start()
        await self.channels.start(connect="dispatch" in self.roles)
        await self.keys.start()
        await self.keyboards.start()
        await self.consent.refresh()
        await self.blocks.start()
        self._spawn(self.upkeep.run(), "upkeep")
        self._spawn(self._feed_loop(), "feeder")
        self._spawn(self.waker.run(), "waker")
        if self.inbox is not None:
            await self.inbox.start()
        self._spawn(self.turns.run(), "turns")
        self._spawn(self.keyboards.run(), "keyboards")
        self._spawn(self.rehosting.run(), "rehosting")
        self._spawn(self.consent.run(), "consent")
        if "dispatch" in self.roles:
            self._spawn(self.dispatch.run(), "dispatch")
        if "callbacks" in self.roles:
            self._spawn(self.callbacks.run(), "callbacks")
        self.ready = True

    async def stop(self, seconds: float | None = None) -> None:
        """Drains: takes nothing more up, finishes what is under way, and closes. At most `seconds` of waiting.

        This closes a gateway that was never started too: its parts have connections and loops as soon as it is made.
        """
        self.ready, self.stopping = False, True
        limit = self.settings.drain_seconds if seconds is None else seconds
        await self.intake.drain()
        await asyncio.gather(self.dispatch.drain(limit), self.callbacks.drain(limit))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(
                asyncio.gather(self.receipts.drain(), self.inbound.drain(), self.clicks.drain()), limit
            )
        await asyncio.gather(self.turns.drain(limit), self.rehosting.drain(limit))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.blocks.drain(), limit)
        if self.flows is not None:
            await self.flows.close()
        if self.inbox is not None:
            await self.inbox.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.fitting.close()
        if self.media is not None:
            await self.media.close()
        await self.channels.close()
        await self.node.stop()
        await self.db.close()

    async def __aenter__(self) -> "Gateway":
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    def _spawn(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_complain)
        self._tasks.append(task)

    # -- Bulks ----------------------------------------------------------------------------------------------------

    async def _feed_loop(self) -> None:
        while True:
            self._feed.clear()
            try:
                while await self.feeder.step():
                    pass
                due = await self.feeder.next_due()
            except LOST as error:
                log.warning("the feeder waits for the database: %s", error)
                due = None
            except Exception:
                log.exception("the feeder failed")
                due = None
            wait = _FEED_IDLE if due is None else (due - self.clock.now()).total_seconds()
            await self._wait_feed(min(max(wait, 0.005), _FEED_IDLE))

    async def _wait_feed(self, seconds: float) -> None:
        sleeper = asyncio.ensure_future(self.clock.sleep(seconds))
        waker = asyncio.ensure_future(self._feed.wait())
        try:
            await asyncio.wait((sleeper, waker), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            waker.cancel()

    async def _forget(self) -> None:
        """What upkeep removes besides messages: uncollected reports, and what expired: documents, codes, files."""
        await self.pulls.forget()
        await self.documents.forget()
        if self.inbox is not None:
            await self.inbox.forget()
        await self.consent.forget()
        await self.blocks.forget()
        await self.code_maker.forget()
        await self.sessions.forget(self.clock.now() - timedelta(days=self.settings.retention_days))
        await self.keyboards.forget()
        await self.stale_presses.forget()
        if self.flows is not None:
            await self.flows.forget()
        if self.media is not None:
            await self.media.forget()

    # -- Telling each other ---------------------------------------------------------------------------------------

    def _due(self, channels: set[int]) -> None:
        for channel in channels:
            if "dispatch" in self.roles:
                self.dispatch.wake(channel)
            else:
                self.waker.tell(sends(channel))

    def _bulk(self) -> None:
        self._feed.set()

    def wake_callbacks(self) -> None:
        """Says that callbacks are due."""
        if "callbacks" in self.roles:
            self.callbacks.wake()
        else:
            self.waker.tell(CALLBACKS)

    def _written(self, writes: Sequence[Write]) -> None:
        self.blocks.heard(writes)
        if reported(writes):
            self.wake_callbacks()
        due = {w.send_channel for w in writes if w.send == NEXT and w.send_channel is not None}
        if due:
            self._due(due)

    def _released(self, released: Released) -> None:
        self._written(released.writes)
        self._due(released.channels)

    def _notified(self, payload: str) -> None:
        """Another node says that something is due; an empty payload means that anything may be."""
        if payload in ("", CALLBACKS):
            self.callbacks.wake()
        if payload in ("", BULKS):
            self._feed.set()
        if payload == "":
            self.dispatch.wake()
        elif payload.startswith("sends:"):
            self.dispatch.wake(int(payload.removeprefix("sends:")))

    def _flows_changed(self) -> None:
        if self.flows is not None:
            self.flows.refresh_soon()

    def _config_changed(self) -> None:
        self.channels.refresh_soon()
        self.keys.refresh_soon()

    def _people_changed(self) -> None:
        self.people.refresh_soon()
        self.opting.refresh_soon()


class _Sink:
    """Where connectors with sessions of their own bring what comes back."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def receipts(self, channel: Channel, receipts: Sequence[Receipt]) -> None:
        """Commits receipts."""
        await self._gateway.receipts.submit(channel.id, receipts)

    async def inbound(self, channel: Channel, messages: Sequence[Inbound]) -> None:
        """Commits inbound messages."""
        await self._gateway.inbound.submit(channel, messages)


def _complain(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        log.critical("%s stopped working", task.get_name(), exc_info=task.exception())
