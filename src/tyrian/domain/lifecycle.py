"""What may happen to a message: `advance(message, attempt, happening, now) -> Changes`.

Every outcome of a send, every receipt, deadline and cancellation passes through here, and nowhere else is it decided
what they mean. Pure: no I/O, no clock, no vendor's name. The engine only applies the changes.

The rules, in short:

* A message walks its cascade one step at a time; one attempt per step, or one after another by the channels of a group.
* `delivered` or `seen` on the current step ends the walk; `seen` may follow `delivered`, nothing else may.
* A refusal, an expiry, a failed receipt or the fallback time moves to the next step; after the last, the message ends.
* What arrives for a step that is over, or for a message that has ended, is recorded as `late_receipt`: nothing changes.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tyrian.domain.purpose import UncertainPolicy


class Status(StrEnum):
    """Where a message or an attempt stands. `UNCERTAIN` and `SKIPPED` are of attempts only."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    SEEN = "seen"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"


#: The end of a message; `seen` may still follow `delivered`.
OUTCOMES = frozenset({Status.DELIVERED, Status.SEEN, Status.FAILED, Status.EXPIRED, Status.CANCELLED})
REACHED = frozenset({Status.DELIVERED, Status.SEEN})
#: The end of an attempt without a delivery; the message may go on by another.
OVER = frozenset({Status.FAILED, Status.EXPIRED, Status.CANCELLED, Status.UNCERTAIN, Status.SKIPPED})

#: Seconds to wait before the second, third, ... try of a send that surely did not go out.
BACKOFF = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0)
#: How many times an attempt may end uncertain before its policy stops resending.
MAX_UNCERTAIN = 3


@dataclass(slots=True, frozen=True)
class StepPlan:
    """The times of one step, in seconds."""

    fallback_time: int | None = None
    validity: int | None = None


@dataclass(slots=True)
class Message:
    """What the lifecycle needs to know of a message."""

    status: Status
    step: int
    steps: tuple[StepPlan, ...]
    valid_until: datetime
    reason: str | None = None


@dataclass(slots=True)
class Attempt:
    """What the lifecycle needs to know of an attempt. `started_at` is when it was first taken up for sending."""

    step: int
    status: Status
    started_at: datetime
    tries: int = 0
    uncertain: int = 0
    delivered: bool = False
    seen: bool = False


# -- What can happen ---------------------------------------------------------------------------------------------------


@dataclass(slots=True, frozen=True)
class Sent:
    """The network took the send."""


@dataclass(slots=True, frozen=True)
class Refused:
    """The network surely did not take it, and never will."""

    reason: str


@dataclass(slots=True, frozen=True)
class Retry:
    """The network surely did not take it; a later try may succeed. `after` in seconds, if the network said."""

    reason: str
    after: float | None = None


@dataclass(slots=True, frozen=True)
class Unknown:
    """It may or may not have gone out."""

    reason: str
    policy: UncertainPolicy


class ReceiptKind(StrEnum):
    """What a network can say about an attempt."""

    DELIVERED = "delivered"
    SEEN = "seen"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(slots=True, frozen=True)
class Receipt:
    """The network's word on an attempt. `at` is the network's own time, if it gave one."""

    kind: ReceiptKind
    reason: str | None = None
    at: datetime | None = None


@dataclass(slots=True, frozen=True)
class Moved:
    """No network has the attempt, and the step goes on with another attempt on another channel of its group.

    `made`: the channel was tried and surely did not take it; otherwise it was not even tried.
    """

    reason: str
    channel: str
    made: bool = True


@dataclass(slots=True, frozen=True)
class DeadlinePassed:
    """The attempt's deadline (fallback time, step validity or message validity) has come."""


@dataclass(slots=True, frozen=True)
class Cancelled:
    """The customer took the message back before it was sent."""


Happening = Sent | Refused | Retry | Unknown | Moved | Receipt | DeadlinePassed | Cancelled


# -- What changes ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Event:
    """A line of history. `scope` tells whether it is about the attempt or the message."""

    type: str
    reason: str | None = None
    detail: dict[str, Any] | None = None


@dataclass(slots=True)
class Changes:
    """What the engine must write. `None` means: leave as it is."""

    message_status: Status | None = None
    message_reason: str | None = None
    attempt_status: Status | None = None
    attempt_reason: str | None = None
    delivered_at: datetime | None = None
    seen_at: datetime | None = None
    #: A state that the message was in without anybody having said so: what is seen was delivered.
    implied: Status | None = None
    events: list[Event] = field(default_factory=list)
    #: Try the same step again at this time.
    retry_at: datetime | None = None
    #: Start this step now.
    next_step: int | None = None
    #: Go on with the same step now, by another attempt on another channel.
    moved: bool = False
    #: The attempt now waits for receipts, until this time at the latest.
    deadline: datetime | None = None
    #: The attempt waits no longer.
    settled: bool = False
    #: Report the message's new status to the customer.
    report: bool = False


def attempt_deadline(message: Message, attempt: Attempt) -> datetime:
    """When the attempt's time is up: its fallback time (unless it is the last step), its validity, or the message's."""
    plan = message.steps[attempt.step]
    ends = [message.valid_until]
    if plan.fallback_time is not None and attempt.step + 1 < len(message.steps):
        ends.append(attempt.started_at + timedelta(seconds=plan.fallback_time))
    if plan.validity is not None:
        ends.append(attempt.started_at + timedelta(seconds=plan.validity))
    return min(ends)


def advance(message: Message, attempt: Attempt, happening: Happening, now: datetime) -> Changes:
    """What a happening changes. Never raises; what must not change anything comes back as (almost) empty changes."""
    if isinstance(happening, Receipt):
        return _receipt(message, attempt, happening, now)
    if message.status in OUTCOMES:
        return Changes(settled=True)
    return _unless_ended(message, attempt, happening, now)


def _unless_ended(  # noqa: PLR0911 - one return per happening is the table
    message: Message,
    attempt: Attempt,
    happening: Sent | Refused | Retry | Unknown | Moved | DeadlinePassed | Cancelled,
    now: datetime,
) -> Changes:
    match happening:
        case Sent():
            return _sent(message, attempt)
        case Refused():
            return _over(message, attempt, Status.FAILED, happening.reason, now)
        case Retry():
            return _retry(message, attempt, happening, now)
        case Unknown():
            return _unknown(message, attempt, happening, now)
        case Moved():
            return _moved(message, attempt, happening, now)
        case DeadlinePassed():
            return _deadline(message, attempt, now)
        case Cancelled():
            return _cancel()


def backoff(tries: int) -> float:
    """Seconds to wait after the `tries`-th try (from 1)."""
    return BACKOFF[min(max(tries, 1), len(BACKOFF)) - 1]


def _sent(message: Message, attempt: Attempt) -> Changes:
    return Changes(
        message_status=Status.SENT,
        attempt_status=Status.SENT,
        events=[Event("sent")],
        deadline=attempt_deadline(message, attempt),
        report=True,
    )


def _retry(message: Message, attempt: Attempt, happening: Retry, now: datetime) -> Changes:
    wait = backoff(attempt.tries) if happening.after is None else max(happening.after, 0.0)
    return _again(message, attempt, now + timedelta(seconds=wait), Event("retry", happening.reason), now)


def _again(
    message: Message, attempt: Attempt, at: datetime, event: Event, now: datetime, otherwise: Status = Status.FAILED
) -> Changes:
    """Try the step once more at `at`, or end it as `otherwise` if its time would be over by then."""
    ends = attempt_deadline(message, attempt)
    if at < ends:
        return Changes(attempt_status=Status.SENDING, attempt_reason=event.reason, events=[event], retry_at=at)
    changes = _over(message, attempt, otherwise, event.reason or "provider_error", now)
    if otherwise is Status.UNCERTAIN:
        changes.events[0] = event
    else:
        changes.events.insert(0, event)
    return changes


def _unknown(message: Message, attempt: Attempt, happening: Unknown, now: datetime) -> Changes:
    event = Event("uncertain", happening.reason, {"policy": happening.policy.value})
    if happening.policy is UncertainPolicy.RESEND and attempt.uncertain + 1 < MAX_UNCERTAIN:
        at = now + timedelta(seconds=backoff(attempt.tries))
        return _again(message, attempt, at, event, now, Status.UNCERTAIN)
    changes = _over(message, attempt, Status.UNCERTAIN, happening.reason, now)
    changes.events[0] = event
    return changes


def _moved(message: Message, attempt: Attempt, happening: Moved, now: datetime) -> Changes:
    """The same step by another channel, unless the step's time is up."""
    if now >= attempt_deadline(message, attempt):
        return _over(message, attempt, Status.FAILED, happening.reason, now)
    untried = not happening.made and attempt.tries <= 1
    changes = Changes(
        message_status=Status.SENDING,
        message_reason=happening.reason,
        attempt_status=Status.SKIPPED if untried else Status.FAILED,
        attempt_reason=happening.reason,
        moved=True,
    )
    if happening.made:
        changes.events.append(Event("failed", happening.reason))
    changes.events.append(Event("rerouted", happening.reason, {"channel": happening.channel}))
    return changes


def _over(message: Message, attempt: Attempt, status: Status, reason: str, now: datetime) -> Changes:
    """The current step is over without a delivery: the next step, or the end."""
    changes = Changes(attempt_status=status, attempt_reason=reason, settled=True, events=[Event(status.value, reason)])
    _move_on(changes, message, attempt, status, reason, now)
    return changes


def _move_on(changes: Changes, message: Message, attempt: Attempt, status: Status, reason: str, now: datetime) -> None:
    last = attempt.step + 1 >= len(message.steps)
    if not last and now < message.valid_until:
        changes.next_step = attempt.step + 1
        changes.message_status = Status.SENDING
        changes.message_reason = reason
        changes.events.append(Event("fallback", reason, {"step": attempt.step + 1}))
        return
    changes.message_status = Status.EXPIRED if status is Status.EXPIRED else Status.FAILED
    changes.message_reason = reason
    changes.report = True


def _deadline(message: Message, attempt: Attempt, now: datetime) -> Changes:
    plan = message.steps[attempt.step]
    by_fallback = (
        plan.fallback_time is not None
        and attempt.step + 1 < len(message.steps)
        and attempt_deadline(message, attempt) == attempt.started_at + timedelta(seconds=plan.fallback_time)
        and now < message.valid_until
    )
    return _over(message, attempt, Status.EXPIRED, "fallback_time_passed" if by_fallback else "validity_passed", now)


def _cancel() -> Changes:
    reason = "cancelled_by_customer"
    return Changes(
        message_status=Status.CANCELLED,
        message_reason=reason,
        attempt_status=Status.CANCELLED,
        attempt_reason=reason,
        events=[Event("cancelled", reason)],
        settled=True,
        report=True,
    )


# -- Receipts ----------------------------------------------------------------------------------------------------------


def _receipt(message: Message, attempt: Attempt, receipt: Receipt, now: datetime) -> Changes:
    if _is_repeat(attempt, receipt.kind):
        return Changes()
    reached = attempt.status in REACHED
    current = (
        attempt.step == message.step and attempt.status not in OVER and (message.status not in OUTCOMES or reached)
    )
    if not current or (reached and receipt.kind not in (ReceiptKind.DELIVERED, ReceiptKind.SEEN)):
        return _late(receipt, now)
    if receipt.kind is ReceiptKind.DELIVERED:
        return _delivered(message, attempt, receipt, now)
    if receipt.kind is ReceiptKind.SEEN:
        return _seen(attempt, receipt, now)
    if receipt.kind is ReceiptKind.EXPIRED:
        return _over(message, attempt, Status.EXPIRED, receipt.reason or "network_expired", now)
    return _over(message, attempt, Status.FAILED, receipt.reason or "network_failed", now)


def _is_repeat(attempt: Attempt, kind: ReceiptKind) -> bool:
    if kind is ReceiptKind.DELIVERED:
        return attempt.delivered
    if kind is ReceiptKind.SEEN:
        return attempt.seen
    return attempt.status.value == kind.value


def _late(receipt: Receipt, now: datetime) -> Changes:
    """Recorded, so that a repeat of it is known as one, but changing no status."""
    changes = Changes(events=[Event("late_receipt", receipt.reason, {"receipt": receipt.kind.value})])
    if receipt.kind is ReceiptKind.DELIVERED:
        changes.delivered_at = receipt.at or now
    elif receipt.kind is ReceiptKind.SEEN:
        changes.seen_at = receipt.at or now
    return changes


def _delivered(message: Message, attempt: Attempt, receipt: Receipt, now: datetime) -> Changes:
    changes = Changes(delivered_at=receipt.at or now, events=[Event("delivered")], settled=True)
    if attempt.status is Status.SEEN:
        return changes
    changes.attempt_status = changes.message_status = Status.DELIVERED
    changes.report = True
    return changes


def _seen(attempt: Attempt, receipt: Receipt, now: datetime) -> Changes:
    return Changes(
        implied=None if attempt.delivered else Status.DELIVERED,
        message_status=Status.SEEN,
        attempt_status=Status.SEEN,
        seen_at=receipt.at or now,
        events=[Event("seen")],
        settled=True,
        report=True,
    )
