"""Intake: takes submissions in, and answers once they are durable.

Every face comes through here. What arrives has been checked; intake gives ids, works out when the first send is due,
and hands everything to the group commit. A message that may go at once is stored together with this node's lease on it
and is on its way as soon as it is durable.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from tyrian.domain.ids import Ids
from tyrian.domain.problem import Problem, Refused
from tyrian.domain.purpose import PRIORITY
from tyrian.domain.schedule import first_time
from tyrian.domain.submission import Plan, Recipient, Submission
from tyrian.engine.claimed import leased_facts
from tyrian.engine.dispatch import Dispatch
from tyrian.engine.endpoints import Endpoints
from tyrian.engine.guarding import Guards
from tyrian.engine.known import Facts, Known, Recent, encode_plan, steps_of
from tyrian.engine.lane import Lane
from tyrian.engine.node import Node
from tyrian.engine.ports import Clock
from tyrian.engine.router import Router
from tyrian.store import intake as store
from tyrian.store.batcher import Batcher
from tyrian.store.database import LOST, Database
from tyrian.store.writing import NewMessage

_encode = msgspec.json.Encoder().encode

#: A due time this close is now, in seconds.
_NOW = 0.001
#: Seconds that a caller waits while the database is away, before it is told so.
PATIENCE = 10.0
_LEASE = timedelta(seconds=300)
#: The face whose callers are told at once that a person may not be written to.
NATIVE = "native"


class IdempotencyConflict(Exception):
    """The same idempotency key came with another request."""


class Overtaken(Exception):
    """What was to be stored along with a submission could not be, so the submission was not taken in."""


@dataclass(slots=True)
class AcceptedMessage:
    """One message that was taken."""

    id: UUID
    to: str
    status: str


@dataclass(slots=True)
class Accepted:
    """What was taken. A single message is a bulk of one, under its own id. `repeated`: it had been taken before."""

    bulk_id: UUID
    messages: list[AcceptedMessage]
    repeated: bool = False


@dataclass(slots=True)
class _Entry:
    """A submission on its way into the database."""

    messages: list[NewMessage]
    answer: Accepted
    bulk: store.NewBulk | None = None
    key: str | None = None
    fingerprint: bytes = b""
    account_id: int = 0
    along: store.Along | None = None
    lanes: list[tuple[Lane, NewMessage, Facts, Known]] = field(default_factory=list)
    known: list[tuple[UUID, Known]] = field(default_factory=list)
    settled: bool = False


class Intake:
    """Takes submissions in. `submit` returns once they are committed."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        ids: Ids,
        router: Router,
        endpoints: Endpoints,
        node: Node,
        dispatch: Dispatch,
        recent: Recent,
    ) -> None:
        self._db = db
        self._clock = clock
        self._ids = ids
        self._router = router
        self._endpoints = endpoints
        self._node = node
        self._dispatch = dispatch
        self._recent = recent
        self._batcher: Batcher[_Entry, Any] = Batcher(self._write, size=192, writers=2, linger=0.001, patience=PATIENCE)
        #: Says who may not be written to; without it, everybody may.
        self.guards: Guards | None = None
        #: Called after a commit with the channels on which something is due now that this node did not lease.
        self.on_due: Callable[[set[int]], None] = lambda channels: None
        self.on_bulk: Callable[[], None] = lambda: None
        self.accepted = 0

    @property
    def depth(self) -> int:
        """Submissions waiting for the group commit."""
        return self._batcher.depth

    async def submit(self, submission: Submission, along: store.Along | None = None) -> Accepted:
        """Takes a checked submission in, in one transaction with what goes `along`: both are stored, or neither is.

        Raises `Overtaken` where that could not be stored, `IdempotencyConflict`, and `Refused` where a channel vanished
        since the check or a guard bars a single native message. What other dialects send, and what bulks do, is asked
        about right before the send.
        """
        now = self._clock.now()
        entry = await self._prepare(submission, now)
        entry.along = along
        try:
            answer = await self._batcher.submit(entry)
        except BaseException:
            self._release(entry, set())
            raise
        if answer is None:
            raise IdempotencyConflict
        if not isinstance(answer, Accepted):
            raise Overtaken
        self.accepted += len(answer.messages)
        return answer

    async def drain(self) -> None:
        """Waits until everything handed in is durable."""
        await self._batcher.drain()

    # -- Preparing ------------------------------------------------------------------------------------------------

    async def _prepare(self, submission: Submission, now: datetime) -> _Entry:
        if submission.bulk or len(submission.recipients) != 1:
            return await self._prepare_bulk(submission, now)
        return await self._prepare_single(submission, now)

    async def _prepare_single(self, submission: Submission, now: datetime) -> _Entry:
        recipient = submission.recipients[0]
        plan = recipient.plan or submission.plan
        if self.guards is not None and plan.face == NATIVE:
            await self.guards.admit(submission.account_id, plan, recipient, first_time(plan.schedule, now))
        plan = await self._routed(submission.account_id, plan)
        message = await self._message(submission.account_id, recipient, plan, now, encode_plan(plan))
        self._make_due(message, plan, recipient)
        entry = _Entry(
            [message],
            Accepted(message.id, [AcceptedMessage(message.id, recipient.to, message.status)]),
            key=submission.idempotency_key,
            fingerprint=submission.fingerprint or b"",
            account_id=submission.account_id,
        )
        known = self._known(message, plan, recipient)
        entry.known.append((message.id, known))
        if message.status == "accepted":
            self._reserve(entry, message, known)
        return entry

    async def _prepare_bulk(self, submission: Submission, now: datetime) -> _Entry:
        bulk_id = self._ids.new(now)
        plan = await self._routed(submission.account_id, submission.plan)
        messages = await self.bulk_messages(submission.account_id, bulk_id, submission.recipients, plan, now)
        bulk = store.NewBulk(
            id=bulk_id,
            account_id=submission.account_id,
            plan=encode_plan(plan),
            state="running",
            sealed=True,
            total=len(messages),
            next_at=first_time(plan.schedule, now),
            at=now,
            name=submission.name,
        )
        answers = [AcceptedMessage(m.id, r.to, m.status) for m, r in zip(messages, submission.recipients, strict=True)]
        return _Entry(
            messages,
            Accepted(bulk_id, answers),
            bulk=bulk,
            key=submission.idempotency_key,
            fingerprint=submission.fingerprint or b"",
            account_id=submission.account_id,
        )

    async def bulk_messages(
        self, account_id: int, bulk_id: UUID, recipients: Sequence[Recipient], plan: Plan, now: datetime
    ) -> list[NewMessage]:
        """A bulk's messages, waiting for its feeder."""
        messages = []
        for recipient in recipients:
            own = await self._routed(account_id, recipient.plan) if recipient.plan is not None else None
            message = await self._message(
                account_id, recipient, own or plan, now, encode_plan(own) if own is not None else None
            )
            message.bulk_id = bulk_id
            messages.append(message)
        return messages

    async def _message(
        self, account_id: int, recipient: Recipient, plan: Plan, now: datetime, stored: bytes | None
    ) -> NewMessage:
        due = first_time(plan.schedule, now)
        later = (due - now).total_seconds() > _NOW
        endpoint = None
        if plan.callback is not None:
            endpoint = await self._endpoint(account_id, plan.face, plan.callback.url)
        return NewMessage(
            id=self._ids.new(now),
            account_id=account_id,
            status="scheduled" if later else "accepted",
            accepted_at=now,
            due_at=due,
            valid_until=due + timedelta(seconds=plan.validity),
            recipient=recipient.to,
            purpose=plan.purpose.value,
            plan=stored,
            variables=_encode(recipient.variables) if recipient.variables else None,
            endpoint_id=endpoint,
            priority=PRIORITY[plan.purpose],
            name=recipient.name,
        )

    async def _routed(self, account_id: int, plan: Plan) -> Plan:
        """The plan with the numbers of the endpoints that `seen` and clicks go to, where those are others."""
        callback = plan.callback
        if callback is None or (callback.seen_url is None and callback.click_url is None):
            return plan
        seen, click = [
            await self._endpoint(account_id, plan.face, url) if url is not None else None
            for url in (callback.seen_url, callback.click_url)
        ]
        return msgspec.structs.replace(plan, seen_endpoint=seen, click_endpoint=click)

    async def _endpoint(self, account_id: int, face: str, url: str) -> int:
        known = self._endpoints.known(account_id, face, url)
        return known if known is not None else await self._endpoints.intern(account_id, face, url)

    def _make_due(self, message: NewMessage, plan: Plan, recipient: Recipient) -> None:
        """The message's first send: on which channel and to which address."""
        step = plan.cascade[0]
        route = self._router.first(message.account_id, step.channel, step.to or recipient.to, "/to")
        if route is None:
            raise Refused([Problem("/cascade/0/channel", f'no channel is named "{step.channel}"', "unknown_channel")])
        if isinstance(route, Problem):
            raise Refused([route])
        message.attempt_id = self._ids.new(message.accepted_at)
        message.channel_id, message.address = route.entry.channel.id, route.address

    def _known(self, message: NewMessage, plan: Plan, recipient: Recipient) -> Known:
        return Known(
            plan,
            steps_of(plan),
            recipient.to,
            message.accepted_at,
            recipient.variables,
            message.endpoint_id,
            name=recipient.name,
        )

    def _reserve(self, entry: _Entry, message: NewMessage, known: Known) -> None:
        assert message.channel_id is not None
        assert message.address is not None
        assert message.attempt_id is not None
        lane = self._dispatch.lane(message.channel_id)
        if lane is None or not lane.reserve(message.address, message.priority):
            return
        message.lease = True
        facts = leased_facts(
            message.id,
            message.account_id,
            message.attempt_id,
            message.channel_id,
            message.address,
            message.due_at,
            message.valid_until,
        )
        entry.lanes.append((lane, message, facts, known))
        message.codes = self._dispatch.foresee(lane, facts, known)

    # -- Writing --------------------------------------------------------------------------------------------------

    async def _write(self, entries: Sequence[_Entry]) -> Sequence[Any]:
        until = self._clock.now() + _LEASE
        keyed = [
            store.Keyed(e.account_id, e.key, e.fingerprint, e.answer, e.messages, e.bulk, e.along) for e in entries
        ]
        due: set[int] = set()
        try:
            async with self._dispatch.gate.shared():
                outcome = await store.take(self._db, keyed, self._node.number, until)
                for entry, result in zip(entries, outcome.results, strict=True):
                    if result is entry.answer:
                        self._started(entry, outcome.leased, due)
                    else:
                        self._release(entry, set())
        except LOST:
            self._dispatch.doubtful = True
            raise
        if due:
            self.on_due(due)
        if any(e.bulk for e in entries):
            self.on_bulk()
        return outcome.results

    def _started(self, entry: _Entry, leased: set[UUID], due: set[int]) -> None:
        self._release(entry, leased)
        for lane, message, facts, known in entry.lanes:
            if message.id in leased:
                self._dispatch.take_leased(lane, facts, known, message.priority)
        waiting = [(i, k) for i, k in entry.known if i not in leased]
        if waiting:
            self._recent.remember(waiting)
            due.update(m.channel_id for m in entry.messages if m.channel_id is not None and m.id not in leased)

    def _release(self, entry: _Entry, leased: set[UUID]) -> None:
        """Gives back the reservations that came to nothing; once."""
        if entry.settled:
            return
        entry.settled = True
        for lane, message, _, _ in entry.lanes:
            if message.id not in leased and message.address is not None:
                lane.release(message.address, message.priority)


def answer_of(raw: Any) -> Accepted:
    """An answer as it was stored under an idempotency key."""
    return msgspec.json.decode(raw, type=Accepted)
