"""From what the lifecycle decided to what the store writes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from tyrian.domain.ids import Ids
from tyrian.domain.lifecycle import Changes, Event, Status
from tyrian.domain.purpose import PRIORITY
from tyrian.engine.channels import Channels
from tyrian.engine.known import STEP_FAILED, Facts, Known
from tyrian.engine.ports import Exchange
from tyrian.engine.report import Report, encode as encode_report
from tyrian.engine.router import Route, Router
from tyrian.store.writing import AGAIN, FINISH, NEXT, NOTHING, OTHER, Write

_encode = msgspec.json.Encoder().encode

#: How an attempt ends without a delivery, which those hear of who ask for it.
_ENDED: Final = frozenset({Status.FAILED, Status.EXPIRED, Status.UNCERTAIN})


class Scribe:
    """Turns changes into writes: finds the next step's channel and address, and words the report."""

    def __init__(self, channels: Channels, router: Router, ids: Ids) -> None:
        self._channels = channels
        self._router = router
        self._ids = ids

    def write(
        self,
        facts: Facts,
        known: Known,
        changes: Changes,
        now: datetime,
        *,
        ref: str | None = None,
        exchange: Exchange | None = None,
        raw: str | None = None,
        route: Route | None = None,
    ) -> Write:
        """One message's changes, flat. `route` is where the step goes on if it was moved to another channel."""
        write = Write(
            facts.message_id,
            facts.account_id,
            facts.attempt_id,
            facts.step,
            facts.channel_id,
            facts.recipient,
            facts.tries,
            now,
            attempt_status=changes.attempt_status,
            attempt_reason=changes.attempt_reason,
            started_at=facts.started_at,
            sent_at=now if changes.attempt_status is Status.SENT else None,
            delivered_at=changes.delivered_at,
            seen_at=changes.seen_at,
            provider_ref=ref,
            bulk_id=known.bulk_id,
            uncertain=facts.uncertain,
            deadline=changes.deadline,
            fenced=facts.fenced,
            exchange=_encode(exchange or Exchange("", response=raw)) if exchange or raw else None,
        )
        self._continue(write, facts, known, changes, route, now)
        write.message_status = changes.message_status
        write.message_reason = changes.message_reason
        write.clear_deadline = changes.settled and not facts.fenced
        write.events = changes.events
        if any(e.detail for e in changes.events):
            write.details = tuple(_encode(e.detail) if e.detail else None for e in changes.events)
        if changes.report and changes.message_status and known.reports(changes.message_status):
            write.endpoint_id = known.endpoint_of(changes.message_status)
            write.report = self._report(facts, known, changes, now)
        if changes.settled and changes.attempt_status in _ENDED and known.reports(STEP_FAILED):
            write.endpoint_id = write.endpoint_id or known.endpoint_id
            write.step_report = self._report(facts, known, changes, now, of_step=True)
        if changes.report and changes.implied is not None and known.reports_apart(changes.implied):
            write.step_endpoint_id = known.endpoint_of(changes.implied)
            write.step_report = self._report(facts, known, changes, now, status=changes.implied)
        return write

    def _continue(
        self, write: Write, facts: Facts, known: Known, changes: Changes, route: Route | None, now: datetime
    ) -> None:
        """What becomes of the row in `sends`."""
        if changes.retry_at is not None:
            write.send = AGAIN
            write.send_attempt, write.send_channel, write.send_step = facts.attempt_id, facts.channel_id, facts.step
            write.send_due, write.send_recipient = changes.retry_at, facts.recipient
            write.send_priority = PRIORITY[known.plan.purpose]
        elif changes.moved and route is not None:
            self._begin(write, OTHER, route, facts.step, known, now)
            write.send_tried = ",".join(map(str, (*facts.tried, facts.channel_id)))
        elif changes.next_step is not None:
            self._next_step(write, facts, known, changes, now)
        if write.send == NOTHING and facts.fenced:
            write.send = FINISH

    def _next_step(self, write: Write, facts: Facts, known: Known, changes: Changes, now: datetime) -> None:
        """The first step from the next one on whose channel still exists; without any, the message ends."""
        first = changes.next_step or 0
        for number in range(first, len(known.plan.cascade)):
            step = known.plan.cascade[number]
            route = self._router.first(facts.account_id, step.channel, step.to or known.recipient)
            if isinstance(route, Route):
                self._begin(write, NEXT, route, number, known, now)
                write.uncertain = 0
                write.send_valid_until = facts.valid_until
                return
        changes.message_status, changes.message_reason = Status.FAILED, "channel_removed"
        changes.report = True
        changes.events = [*changes.events[:2], Event("failed", "channel_removed")]

    def _begin(self, write: Write, send: int, route: Route, number: int, known: Known, now: datetime) -> None:
        """Another attempt, due now."""
        write.send = send
        write.send_attempt, write.send_channel, write.send_step = self._ids.new(now), route.entry.channel.id, number
        write.send_due, write.send_recipient = now, route.address
        write.send_priority = PRIORITY[known.plan.purpose]

    def _report(
        self,
        facts: Facts,
        known: Known,
        changes: Changes,
        now: datetime,
        *,
        of_step: bool = False,
        status: str | None = None,
    ) -> bytes:
        entry = self._channels.by_id(facts.channel_id)
        plan = known.plan
        at = changes.seen_at or changes.delivered_at or now
        return encode_report(
            Report(
                id=self._ids.new(now),
                face=plan.face,
                account_id=facts.account_id,
                message_id=facts.message_id,
                bulk_id=known.bulk_id or facts.message_id,
                name=known.name,
                bulk_name=known.bulk_name,
                to=known.recipient,
                status=STEP_FAILED if of_step else str(status or changes.message_status),
                reason=changes.attempt_reason if of_step else changes.message_reason,
                channel=entry.channel.name if entry else None,
                channel_kind=entry.channel.kind if entry else None,
                network=entry.network if entry else None,
                attempt_id=facts.attempt_id,
                step=facts.step,
                at=at,
                accepted_at=known.accepted_at,
                purpose=plan.purpose.value,
                data=plan.callback.data if plan.callback else None,
                platform=plan.platform,
                extra=plan.extra,
            )
        )


def reported(writes: Sequence[Write]) -> bool:
    """Whether any of these brings a callback."""
    return any(w.report is not None or w.step_report is not None for w in writes)
