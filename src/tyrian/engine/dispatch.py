"""Dispatch: brings what is due to its network and writes down what came of it.

Each channel has a lane of its own, so a slow network fills only its own lane. A lane claims as many sends as it has
room for, starts them all, and claims again when a good part of them is done. An answer is handed to the group commit
as it comes; the room is free again once it is durable.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from tyrian.domain import lifecycle as rules
from tyrian.domain.submission import Plan
from tyrian.engine import ports
from tyrian.engine.channels import ChannelEntry, Channels
from tyrian.engine.claimed import content_of, facts_of, states
from tyrian.engine.dressing import Dressing
from tyrian.engine.gate import Gate
from tyrian.engine.holding import Holding
from tyrian.engine.known import Facts, Known, Recent, from_row
from tyrian.engine.lane import Lane
from tyrian.engine.node import Node
from tyrian.engine.results import Results
from tyrian.engine.router import Router
from tyrian.engine.writer import Scribe, reported
from tyrian.store import claims
from tyrian.store.batcher import Batcher
from tyrian.store.codes import NewCodes
from tyrian.store.database import LOST, Database
from tyrian.store.plain import apply
from tyrian.store.writing import AGAIN, HELD, LATER, NEXT, OTHER, Write

log = logging.getLogger(__name__)

#: Seconds that a claim is held. Only a claim whose node lives on without finishing is ever taken over by this.
LEASE = 300.0
#: Seconds between two looks for channels that came or went.
_TEND = 1.0


class _Ready(NamedTuple):
    """An attempt that may be handed on: to whom, since when, and what is told besides if it goes out."""

    connector: ports.Connector
    outgoing: ports.Outgoing
    began: datetime
    about: rules.Event | None


class Dispatch:
    """All lanes of this node, and the outcomes they write."""

    def __init__(
        self,
        db: Database,
        clock: ports.Clock,
        channels: Channels,
        router: Router,
        scribe: Scribe,
        node: Node,
        recent: Recent,
        on_reports: Callable[[], None],
    ) -> None:
        self.db = db
        self.clock = clock
        self._channels = channels
        self._router = router
        self._scribe = scribe
        #: What sends come to.
        self.results = Results(clock, router, scribe)
        #: What keeps sends back.
        self.holding = Holding(router, scribe, self.results)
        #: Makes attempts ready for their connectors.
        self.dressing = Dressing()
        self._node = node
        self._recent = recent
        self._on_reports = on_reports
        self._lanes: dict[int, Lane] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._sending: set[asyncio.Task[None]] = set()
        #: The messages that this node is sending: what it holds the lease of and is not among these was never begun.
        self.active: set[UUID] = set()
        self._stopping = False
        #: Claims and leased acceptances pass it from before their statement until their sends are among `active`.
        self.gate = Gate()
        #: A connection was lost during a claim: this node may hold leases that it does not know of.
        self.doubtful = False
        self.started = False
        self.sent = 0
        #: Called with (channel, result name, seconds) after each send, for metrics.
        self.observe: Callable[[ports.Channel, str, float], None] = lambda channel, result, seconds: None
        #: Called with (channel, facts, reason, when the send began) when a network refused a send.
        self.on_refused: Callable[[ports.Channel, Facts, str, datetime], None] = lambda *refusal: None
        self.outcomes: Batcher[Write, bool] = Batcher(
            self._write, size=256, writers=2, linger=0.002, busy=0.02, patience=float("inf")
        )

    # -- Running --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keeps a lane for each channel until cancelled."""
        self.started = True
        try:
            while True:
                self._tend()
                await asyncio.sleep(_TEND)
        finally:
            for task in self._tasks.values():
                task.cancel()

    def _tend(self) -> None:
        entries = [entry for entry in self._channels.all() if entry.group is None]
        for gone in self._lanes.keys() - {entry.channel.id for entry in entries}:
            del self._lanes[gone]
            self._tasks.pop(gone).cancel()
        for entry in entries:
            lane = self._lanes.get(entry.channel.id)
            if lane is not None:
                lane.entry = entry
            if lane is None or self._tasks[entry.channel.id].done():
                self._open(entry)

    def _open(self, entry: ChannelEntry) -> Lane:
        lane = self._lanes.setdefault(entry.channel.id, Lane(entry, self))
        self._tasks[entry.channel.id] = asyncio.create_task(lane.run(), name=f"lane {entry.channel.name}")
        return lane

    def lane(self, channel_id: int) -> Lane | None:
        """The lane of a channel, if this node dispatches and is not stopping."""
        if not self.started or self._stopping:
            return None
        return self._lanes.get(channel_id)

    def wake(self, channel_id: int | None = None) -> None:
        """Something may be due on a channel, or on any."""
        if channel_id is None:
            for lane in self._lanes.values():
                lane.wake()
        elif channel_id in self._lanes:
            self._lanes[channel_id].wake()
        elif self.started:
            self._tend()

    async def drain(self, seconds: float) -> None:
        """Claims nothing more, and waits for what is under way; what is not done by then is left to the leases."""
        self._stopping = True
        for task in self._tasks.values():
            task.cancel()
        if self._sending:
            await asyncio.wait(self._sending, timeout=seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.outcomes.drain(), seconds)

    # -- Claiming -------------------------------------------------------------------------------------------------

    async def claim(
        self, lane: Lane, now: datetime, room: int, rate: float | None, concurrency: int | None
    ) -> Sequence[Any]:
        """Takes due sends up and starts them."""
        until, number = self._lease(now), self._node.number
        try:
            async with self.gate.shared():
                rows = await claims.claim_sends(self.db, lane.channel.id, now, room, number, until, rate, concurrency)
                if rows:
                    await self._start(lane, rows)
        except LOST:
            self.doubtful = True
            raise
        return rows

    def _lease(self, now: datetime) -> datetime:
        return now + timedelta(seconds=LEASE)

    async def _start(self, lane: Lane, rows: Sequence[Any]) -> None:
        known = {row["message_id"]: found for row in rows if (found := self._recent.take(row["message_id"]))}
        missing = [(row["account_id"], row["message_id"]) for row in rows if row["message_id"] not in known]
        if missing:
            stored = await claims.plans(self.db, missing)
            known |= {identifier: from_row(row) for identifier, row in stored.items()}
        for row in rows:
            facts = facts_of(row)
            if row["message_id"] not in known:
                log.error("message %s is due but not stored; its send is left alone", row["message_id"])
                continue
            lane.in_flight += 1
            self.begin(lane, facts, known[row["message_id"]], lane.finished)

    def begin(self, lane: Lane, facts: Facts, known: Known, done: Callable[[], None]) -> None:
        """Starts one send whose lease this node holds; `done` is called when its outcome is durable."""
        self.active.add(facts.message_id)
        task = asyncio.create_task(self._send(lane, facts, known, done))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def foresee(self, lane: Lane, facts: Facts, known: Known) -> NewCodes | None:
        """What is to be stored with a message for its send. Where that fails, the send itself will tell."""
        try:
            return self.dressing.foresee(lane.channel, facts, known)
        except Exception:
            log.exception("attempt %s: what it needs could not be foreseen", facts.attempt_id)
            return None

    def take_leased(self, lane: Lane, facts: Facts, known: Known, priority: int) -> None:
        """Starts a send that was accepted together with its lease."""
        self.begin(lane, facts, known, lambda: lane.release(facts.recipient, priority))

    # -- Sending --------------------------------------------------------------------------------------------------

    async def _send(self, lane: Lane, facts: Facts, known: Known, done: Callable[[], None]) -> None:
        try:
            now = self.clock.now()
            ready = await self._ready(lane, facts, known, now)
            await self.outcomes.submit(
                ready if isinstance(ready, Write) else await self._made(lane, facts, known, ready)
            )
        except Exception:
            log.exception("attempt %s could not be made; it counts as uncertain", facts.attempt_id)
            await self._doubt(lane.channel, facts, known)
        finally:
            self.active.discard(facts.message_id)
            done()

    async def _doubt(self, channel: ports.Channel, facts: Facts, known: Known) -> None:
        """Writes down an attempt that a fault of our own broke off: nobody knows how far it came."""
        try:
            await self.outcomes.submit(self.results.write(channel, facts, known, ports.Unknown("interrupted")))
        except Exception:
            log.exception("attempt %s could not be written down", facts.attempt_id)

    async def _ready(self, lane: Lane, facts: Facts, known: Known, now: datetime) -> _Ready | Write:
        """The attempt, ready to be handed on, or the write for one that is not to be now.

        Whatever fails here, nothing has gone out: it is made ready again later.
        """
        try:
            return await self._kept_or_ready(lane, facts, known, now)
        except Exception:
            log.exception("attempt %s could not be made ready; it is tried again", facts.attempt_id)
            return self.holding.again(facts, known, now)

    async def _kept_or_ready(self, lane: Lane, facts: Facts, known: Known, now: datetime) -> _Ready | Write:
        channel = lane.channel
        cleared = await self.holding.cleared(lane, facts, known, now)
        if isinstance(cleared, Write):
            return cleared
        connector = lane.entry.connector
        if connector is None:
            return self.results.write(channel, facts, known, ports.Refused("channel_removed"))
        if isinstance(known.plan, Plan) and known.plan.refused is not None:
            return self.results.write(channel, facts, known, ports.Refused(known.plan.refused))
        content = cleared.content if cleared is not None else content_of(known, facts.step)
        outgoing = await self.dressing.outgoing(channel, facts, known, content, now)
        # Others went out meanwhile, and a channel that is tried again takes one alone. What was kept back before this
        # point has taken no place from it.
        elsewhere = self.holding.not_here(channel, facts, known, now)
        if elsewhere is not None:
            return elsewhere
        return _Ready(connector, outgoing, now, cleared.event if cleared is not None else None)

    async def _made(self, lane: Lane, facts: Facts, known: Known, ready: _Ready) -> Write:
        """Makes the attempt, and gives the write for what came of it."""
        if self.holding.by_group(lane.channel, facts, known):
            self._router.circuits.probe(lane.channel.id)
        started = asyncio.get_running_loop().time()
        result = await self._handed_on(lane.channel, ready.connector, ready.outgoing)
        self._observed(lane.channel, facts, result, ready.began, asyncio.get_running_loop().time() - started)
        return self.results.write(lane.channel, facts, known, result, ready.about)

    async def _handed_on(
        self, channel: ports.Channel, connector: ports.Connector, outgoing: ports.Outgoing
    ) -> ports.SendResult:
        """What the network says to an attempt; its channel's circuit hears of it."""
        try:
            result = await connector.send(outgoing)
        except Exception as error:
            log.exception("the connector of channel %s failed", channel.name)
            result = ports.Unknown("no_answer", ports.Exchange("", error=repr(error)))
        self._router.circuits.record(channel.id, result)
        return result

    def _observed(
        self, channel: ports.Channel, facts: Facts, result: ports.SendResult, began: datetime, seconds: float
    ) -> None:
        """Tells of a send. Whatever is wrong with the telling, the send's outcome must be written down."""
        self.sent += 1
        try:
            self.observe(channel, type(result).__name__, seconds)
            if isinstance(result, ports.Refused):
                self.on_refused(channel, facts, result.reason, began)
        except Exception:
            log.exception("a send could not be told of")

    async def _write(self, writes: Sequence[Write]) -> Sequence[bool]:
        written = await apply(self.db, writes, self._node.number)
        if reported(writes):
            self._on_reports()
        for write in writes:
            if write.message_id not in written:
                log.warning("attempt %s was taken over by another node; its outcome is theirs", write.attempt_id)
            elif write.send in (AGAIN, NEXT, OTHER, LATER, HELD) and write.send_channel is not None:
                self.wake(write.send_channel)
        return [write.message_id in written for write in writes]

    # -- Taking over ----------------------------------------------------------------------------------------------

    async def take_over(self, rows: Iterable[Any]) -> None:
        """Writes down what is known of sends whose node died: nothing. Each is uncertain, and its policy decides."""
        rows = list(rows)
        if not rows:
            return
        stored = await claims.plans(self.db, [(row["account_id"], row["message_id"]) for row in rows])
        waits = []
        for row in rows:
            facts, found = facts_of(row), stored.get(row["message_id"])
            entry = self._channels.by_id(row["channel_id"])
            if found is None:
                continue
            known = from_row(found)
            channel = entry.channel if entry else None
            waits.append(
                self.outcomes.submit(self._outcome_without_lane(channel, facts, known, ports.Unknown("interrupted")))
            )
        await asyncio.gather(*waits)

    async def end_stranded(self, rows: Iterable[Any]) -> None:
        """Ends sends that no lane will ever take: their validity is over, or their channel is gone."""
        rows = list(rows)
        stored = await claims.plans(self.db, [(row["account_id"], row["message_id"]) for row in rows])
        waits = []
        for row in rows:
            if row["message_id"] not in stored:
                continue
            facts, known = facts_of(row), from_row(stored[row["message_id"]])
            now = self.clock.now()
            if now >= row["valid_until"]:
                changes = rules.advance(*states(facts, known), rules.DeadlinePassed(), now)
                write = self._scribe.write(facts, known, changes, now)
            else:
                write = self._outcome_without_lane(None, facts, known, ports.Refused("channel_removed"))
            waits.append(self.outcomes.submit(write))
        await asyncio.gather(*waits)

    def _outcome_without_lane(
        self, channel: ports.Channel | None, facts: Facts, known: Known, result: ports.SendResult
    ) -> Write:
        blank = channel or ports.Channel(facts.channel_id, facts.account_id, "", "", {})
        return self.results.write(blank, facts, known, result)
