"""Runs as they are stored: read and written many at a time, with the effects of their last step beside them.

A step is committed together with what it has to say. Where that is one message, the message itself is in the same
transaction. Anything else is said afterwards: whoever finds a run whose last step may not have been carried out (its
node died) carries it out again, and the effects' numbers make sure that nothing is said twice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from tyrian.domain.flow_run import CallHook, Effect, HandOver, Run, Tell
from tyrian.engine.ports import Channel
from tyrian.store import flow_runs as store
from tyrian.store.batcher import Batcher
from tyrian.store.database import Connection, Database
from tyrian.store.flow_runs import Found, StoredRun, Written
from tyrian.store.intake import Along, Companion

#: Seconds after which a step that was committed is looked at by somebody else, if its own node did not see it through.
LEASE: Final = timedelta(seconds=60)
#: A person's last messages that are remembered as answered, with the run.
_REMEMBERED: Final = 8

_encode: Final = msgspec.json.Encoder().encode


class Envelope(Struct, omit_defaults=True):
    """What a run's row holds: the run, the effects of its last step, and the messages that were answered last."""

    run: Run
    pending: list[Tell | HandOver] = []
    answered: list[UUID] = []


_decode: Final = msgspec.json.Decoder(Envelope).decode


class Record:
    """A run with its row."""

    __slots__ = ("envelope", "row")

    def __init__(self, row: StoredRun, envelope: Envelope | None = None) -> None:
        self.row = row
        self.envelope = envelope or _decode(row.data)

    @property
    def run(self) -> Run:
        """Where the person stands."""
        return self.envelope.run

    def answered(self, inbound_id: UUID) -> bool:
        """Whether a message was answered by an earlier step."""
        return inbound_id == self.row.last_inbound or inbound_id in self.envelope.answered

    def after(
        self, run: Run, effects: Sequence[Effect], now: datetime, inbound_id: UUID | None, *, guarded: bool
    ) -> "Record":
        """The record after a step. `guarded`: something else (a turn) makes sure that the effects are carried out."""
        pending = [effect for effect in effects if isinstance(effect, Tell | HandOver)]
        answered = [*self.envelope.answered, *([inbound_id] if inbound_id else [])][-_REMEMBERED:]
        envelope = Envelope(run, pending, answered)
        open_end = run.state in ("ended", "calling") or not guarded
        made = replace(
            self.row,
            tick=self.row.tick + 1,
            state=run.state,
            step=run.step,
            outcome=run.outcome,
            last_inbound=inbound_id or self.row.last_inbound,
            data=_encode(envelope),
            due_at=now + LEASE if open_end else run.until,
            updated_at=now,
        )
        return Record(made, envelope)


def calls(effects: Sequence[Effect]) -> CallHook | None:
    """The hook that a step ends in, if it does."""
    return next((effect for effect in effects if isinstance(effect, CallHook)), None)


class Records:
    """The runs of all people, in batches."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._finds: Batcher[tuple[int, str], Found] = Batcher(self._find, size=256, writers=2)
        self._steps: Batcher[Written, bool] = Batcher(self._step, size=256, writers=2, linger=0.001, busy=0.004)
        self._begins: Batcher[StoredRun, bool] = Batcher(self._begin, size=256, writers=1, linger=0.001, busy=0.004)
        self._settled: Batcher[tuple[UUID, int, datetime | None], None] = Batcher(
            self._settle, size=256, writers=1, linger=0.002, busy=0.01
        )

    def look(self, channel: Channel, person: str) -> "asyncio.Future[Found]":
        """Begins to look for the person's open run on a channel."""
        return self._finds.submit((channel.id, person))

    async def find(self, channel: Channel, person: str) -> tuple[Record | None, str | None]:
        """The person's open run on a channel, and the context of the deep link they came by."""
        found = await self.look(channel, person)
        return (Record(found.run) if found.run is not None else None), found.context

    async def write(self, before: Record, after: Record) -> bool:
        """Commits a step, or the begin of a run; False if another was taken meanwhile, or the person is in another."""
        if before.row.tick == 0:
            return await self._begins.submit(after.row)
        return await self._steps.submit(Written(after.row, before.row.tick))

    def along(self, before: Record, after: Record) -> Along:
        """A step, or the begin of a run, that is to be committed together with a message. The same rules hold."""
        if before.row.tick == 0:
            return Along(_BEGINS, after.row)
        return Along(_STEPS, Written(after.row, before.row.tick))

    async def settle(self, record: Record) -> None:
        """Says that a step was carried out: a run that is over is closed, another is due when its wait is over."""
        due = None if record.run.state == "ended" else record.run.until
        await self._settled.submit((record.row.id, record.row.tick, due))

    async def claim(self, now: datetime, limit: int) -> list[Record]:
        """Takes up runs that are due."""
        return [Record(row) for row in await store.claim(self._db, now, now + LEASE, limit)]

    async def ended_by(self, channel: Channel, person: str, inbound_id: UUID, since: datetime) -> bool:
        """Whether a message ended a run of the person lately."""
        return await store.ended_by(self._db, channel.id, person, inbound_id, since)

    async def drain(self) -> None:
        """Waits until everything handed in is durable."""
        for batcher in (self._finds, self._steps, self._begins, self._settled):
            await batcher.drain()

    # -- Batches --------------------------------------------------------------------------------------------------

    async def _find(self, people: Sequence[tuple[int, str]]) -> list[Found]:
        return await store.find(self._db, people)

    async def _step(self, steps: Sequence[Written]) -> list[bool]:
        return await _step(self._db, steps)

    async def _begin(self, rows: Sequence[StoredRun]) -> list[bool]:
        return await _begin(self._db, rows)

    async def _settle(self, settled: Sequence[tuple[UUID, int, datetime | None]]) -> list[None]:
        await store.settle(self._db, settled)
        return [None] * len(settled)


async def _step(db: Database | Connection, steps: Sequence[Written]) -> list[bool]:
    """Of two steps from the same tick the first counts."""
    first: dict[UUID, Written] = {}
    for step in steps:
        first.setdefault(step.row.id, step)
    done = await store.step(db, list(first.values()))
    return [step.row.id in done and first[step.row.id] is step for step in steps]


async def _begin(db: Database | Connection, rows: Sequence[StoredRun]) -> list[bool]:
    done = await store.begin(db, rows)
    return [row.id in done for row in rows]


_STEPS: Final = Companion(_step, lambda step: step.row.id, store.step_ctes, store.step_columns)
_BEGINS: Final = Companion(_begin, lambda row: row.id)
