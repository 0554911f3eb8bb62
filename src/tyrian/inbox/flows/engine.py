"""Leading people through flows: what a message, a hook's answer or the passing of time does to a person's run.

Each step is committed over the one before it (a compare and swap on the run's tick). A step that says one thing, as
nearly all do, is committed together with its message; whatever else a step does is carried out after its commit. So two
nodes, or one that does a thing twice, never take the same step twice; and a step that was committed by a node that died
is carried out by whoever meets the run next: the turn that is taken up again, or the loop that looks at what is due.
"""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from tyrian.domain.flow import Hook
from tyrian.domain.flow_match import Heard, Pressed, heard_of
from tyrian.domain.flow_run import (
    Began,
    Effect,
    HandOver,
    Happening,
    HookFailed,
    Run,
    Stopped,
    Tell,
    TimedOut,
    advance,
    stop,
)
from tyrian.domain.problem import Refused
from tyrian.engine.ports import Channel
from tyrian.engine.reacting import Turn
from tyrian.inbox.flows.ahead import Ahead
from tyrian.inbox.flows.book import Book
from tyrian.inbox.flows.carrying import Carrier, marked
from tyrian.inbox.flows.hooks import HookCaller
from tyrian.inbox.flows.records import Envelope, Record, Records
from tyrian.store.database import LOST
from tyrian.store.flow_runs import StoredRun

log = logging.getLogger(__name__)

#: How often a step is begun again because another was taken meanwhile.
_TRIES: Final = 5
#: Seconds between two looks for what is due, and how much is taken up at once.
_IDLE: Final = 1.0
_BATCH: Final = 200
#: How far back a run is looked for that a repeated turn may have ended.
_LATELY: Final = timedelta(hours=24)
#: Facts of a person that the network may tell with a message.
_FACTS: Final = ("name", "language", "country")


class Engine:
    """One node's part in all flows."""

    def __init__(self, gateway: Any, book: Book) -> None:
        self._gateway = gateway
        self._book = book
        self._records = Records(gateway.db)
        self.ahead = Ahead(self._records, book)
        self._carrier = Carrier(gateway)
        self._hooks = HookCaller(gateway)
        self._tasks: set[asyncio.Task[None]] = set()
        #: Steps taken by this node.
        self.steps = 0

    @property
    def hooks(self) -> tuple[int, int, int]:
        """Hooks called by this node, those of them that failed, and those under way."""
        return self._hooks.called, self._hooks.failed, self._hooks.open

    async def close(self) -> None:
        """Ends calls under way, which other nodes take up, and writes what was handed in."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._records.drain()
        self._hooks.close()

    # -- What people send -----------------------------------------------------------------------------------------

    async def react(self, turn: Turn) -> bool:
        """Takes the step that a message leads to; False where it is no flow's business."""
        await self._book.loaded()
        if await self._at_once(turn):
            return True
        for _ in range(_TRIES):
            settled = await self._once(turn)
            if settled is not None:
                return settled
        raise RuntimeError(f"the flow of {turn.inbound_id} went on elsewhere each time")

    async def _at_once(self, turn: Turn) -> bool:
        """Takes the step from the run as it was seen while the message was being stored, where that is all there is."""
        record = await self.ahead.of(turn.inbound_id)
        if record is None or record.run.state != "waiting" or record.answered(turn.inbound_id) or _useless(turn):
            return False
        if await self._over(record, turn):
            return False
        return bool(await self._step(record, self._heard(turn, record), turn.inbound_id))

    async def _once(self, turn: Turn) -> bool | None:
        """One try; None where it must be begun again."""
        record, context = await self._records.find(turn.channel, turn.person)
        if record is None:
            return await self._begin(turn, context)
        if record.answered(turn.inbound_id):
            await self._see_through(record)
            return True
        if await self._over(record, turn):
            return None
        if record.run.state == "handed_over":
            return False
        if _useless(turn) or record.run.state == "calling":
            return True
        return await self._step(record, self._heard(turn, record), turn.inbound_id)

    async def _over(self, record: Record, turn: Turn) -> bool:
        """Sees to it that the run's last step was carried out; True if the run is over by that, or by this message."""
        trouble = await self._carrier.carry(record)
        if trouble is None and record.run.state == "ended":
            await self._records.settle(record)
            return True
        if trouble is None and record.run.state == "handed_over":
            if await self._with_agent(turn.channel, turn.person):
                return False
            trouble = "handed_over"
        if trouble is None and self._book.beginning(turn.channel, self._heard(turn), interrupting=True) is not None:
            trouble = "interrupted"
        if trouble is None:
            return False
        await self._stop(record, trouble)
        return True

    async def _step(self, record: Record, happening: Happening, inbound_id: UUID | None) -> bool | None:
        """Takes one step and carries it out; None if another was taken meanwhile."""
        now = self._gateway.clock.now()
        flow = await self._book.version(record.row.flow_id, record.row.version)
        run, effects = stop(record.run, "flow_removed") if flow is None else advance(flow, record.run, happening, now)
        after = await self._commit(record, run, effects, inbound_id)
        if after is None:
            return None
        await self._see_through(after, settle=inbound_id is None)
        return True

    async def _commit(
        self, before: Record, run: Run, effects: Sequence[Effect], inbound_id: UUID | None
    ) -> Record | None:
        """Commits a step, and its message with it where that is all it has to say; None if another came before."""
        now, guarded = self._gateway.clock.now(), inbound_id is not None
        after, tell = before.after(run, effects, now, inbound_id, guarded=guarded), _one_message(effects)
        if tell is None:
            written = await self._records.write(before, after)
        else:
            shown = self._carrier.shows(before)
            said = after if shown else before.after(run, [], now, inbound_id, guarded=guarded)
            try:
                written, after = await self._carrier.commit(said, tell, self._records.along(before, said)), said
            except Refused:
                # The step is taken all the same. What becomes of a run whose message is refused is decided after it.
                written = await self._records.write(before, after)
        self.steps += written
        return after if written else None

    async def _begin(self, turn: Turn, context: str | None) -> bool | None:
        """Begins the flow that a message starts, if it does."""
        if _useless(turn):
            return False
        heard = self._heard(turn, context=context)
        published = self._book.beginning(turn.channel, heard)
        if published is None or await self._with_agent(turn.channel, turn.person):
            return False
        now = self._gateway.clock.now()
        if turn.tries and await self._records.ended_by(turn.channel, turn.person, turn.inbound_id, now - _LATELY):
            return True
        run, effects = advance(published.flow, Run(variables=_facts(turn)), Began(heard), now)
        # The message's id is the run's, so that a repeat of all this finds what it began before.
        row = StoredRun(
            turn.inbound_id, turn.account_id, published.flow_id, published.version, turn.channel.id, turn.person,
            turn.sender, 0, run.state, run.step, None, None, b"", None, now, now,
        )  # fmt: skip
        record = await self._commit(Record(row, Envelope(run)), run, effects, turn.inbound_id)
        if record is None:
            return None
        await self._see_through(record)
        return True

    def _heard(self, turn: Turn, record: Record | None = None, context: str | None = None) -> Heard:
        """A message as flows look at it. A button of another run is one of no step that there is."""
        button = turn.extra.get("button")
        pressed: Pressed | None = None
        if isinstance(button, dict) and button.get("known"):
            ours = marked(button.get("data"))
            if ours is not None:
                mine = record is not None and ours["run"] == str(record.row.id)
                pressed = Pressed(ours["choice"], ours["step"] if mine else "" if record is not None else None)
        return heard_of(turn.content, pressed, context or turn.extra.get("context"))

    async def _with_agent(self, channel: Channel, person: str) -> bool:
        inbox = self._gateway.inbox
        return inbox is not None and bool(await inbox.is_with_agent(channel.id, person))

    # -- Carrying out ---------------------------------------------------------------------------------------------

    async def _see_through(self, record: Record, *, settle: bool = False) -> None:
        """Carries out a step that is committed, and says when the run is to be looked at next."""
        trouble = await self._carrier.carry(record)
        if trouble is not None:
            await self._stop(record, trouble)
        elif record.run.state == "calling":
            self._spawn(self._call(record))
        elif settle or record.run.state == "ended":
            await self._records.settle(record)

    async def _stop(self, record: Record, why: str) -> bool:
        """Ends a run; False if it went on meanwhile."""
        return await self._step(record, Stopped(why), None) is not None

    async def taken_over(self, channel: Channel, person: str) -> None:
        """Ends the run of a person with whom an agent speaks; one that was handed over waits for the agent to close."""
        if not self._book.wants(channel):
            return
        for _ in range(_TRIES):
            record, _ = await self._records.find(channel, person)
            if record is None or record.run.state in ("handed_over", "ended") or await self._stop(record, "taken_over"):
                return

    async def end(self, row: StoredRun, why: str) -> bool:
        """Ends a run from outside."""
        return await self._stop(Record(row), why)

    async def _call(self, record: Record) -> None:
        """Calls the hook at which a run stands, and goes on with its answer."""
        flow = await self._book.version(record.row.flow_id, record.row.version)
        step = flow.steps.get(record.run.step) if flow is not None else None
        if flow is not None and isinstance(step, Hook):
            happening = await self._hooks.call(record, flow, step)
        else:
            happening = HookFailed()
        await self._step(record, happening, None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("a step of a flow will be tried again: %r", task.exception())

    # -- What is due ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Looks after what is due, until cancelled."""
        while True:
            try:
                while await self.take_up() == _BATCH:
                    pass
            except LOST as error:
                log.warning("flows wait for the database: %s", error)
            except Exception:
                log.exception("flows that are due could not be taken up")
            await self._gateway.clock.sleep(_IDLE)

    async def take_up(self) -> int:
        """Looks after runs whose wait is over, or whose last step nobody saw through; returns how many."""
        records = await self._records.claim(self._gateway.clock.now(), _BATCH)
        done = await asyncio.gather(*(self._due(record) for record in records), return_exceptions=True)
        for record, outcome in zip(records, done, strict=True):
            if isinstance(outcome, BaseException):
                log.warning("flow run %s will be looked at again: %r", record.row.id, outcome)
        return len(records)

    async def _due(self, record: Record) -> None:
        trouble = await self._carrier.carry(record)
        until = record.run.until
        if trouble is not None:
            await self._stop(record, trouble)
        elif record.run.state == "waiting" and until is not None and until <= self._gateway.clock.now():
            await self._step(record, TimedOut(), None)
        else:
            await self._see_through(record, settle=True)


def _one_message(effects: Sequence[Effect]) -> Tell | None:
    """The message that a step comes to, if one message is all it has to do before it is over."""
    found = [effect for effect in effects if isinstance(effect, Tell | HandOver)]
    return found[0] if len(found) == 1 and isinstance(found[0], Tell) else None


def _useless(turn: Turn) -> bool:
    """Whether a message is the press of a button of which nothing is known any more, and which is answered so."""
    button = turn.extra.get("button")
    return isinstance(button, dict) and button.get("known") is False


def _facts(turn: Turn) -> dict[str, str]:
    """What is known of a person when a run begins."""
    said = {name: str(turn.extra[name]) for name in _FACTS if turn.extra.get(name)}
    return {"person": turn.person, "channel": turn.channel.name, **said}
