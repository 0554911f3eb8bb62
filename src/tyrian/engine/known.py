"""What the engine knows of a message beyond its row among the due: its plan, recipient and where reports go.

A message is often sent within milliseconds of its acceptance, by the node that accepted it. `Recent` keeps what intake
had in hand, bounded, so that dispatch need not read it back and decode it again.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from tyrian.domain.lifecycle import StepPlan
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Callback, Plan, Platform

decode_plan = msgspec.json.Decoder(Plan).decode
encode_plan = msgspec.json.Encoder().encode
_decode_variables = msgspec.json.Decoder(dict[str, str]).decode

#: Report states that go to the customer where the request does not choose.
REPORTED = frozenset({"delivered", "seen", "failed", "expired", "cancelled", "clicked"})
#: The state of a report on a step that ended without a delivery, whether or not another follows. Told before the
#: message's own end, and only to those who ask for it.
STEP_FAILED = "step_failed"


class _Step(msgspec.Struct):
    channel: str
    fallback_time: int | None = None
    validity: int | None = None
    to: str | None = None


class Outline(msgspec.Struct):
    """A plan without its contents: all that receipts and deadlines need, at a fraction of the decoding."""

    cascade: list[_Step]
    purpose: Purpose = Purpose.TRANSACTIONAL
    callback: Callback | None = None
    platform: Platform | None = None
    face: str = "native"
    extra: dict[str, Any] | None = None
    seen_endpoint: int | None = None
    click_endpoint: int | None = None


decode_outline = msgspec.json.Decoder(Outline).decode


@dataclass(slots=True)
class Known:
    """One message, as the engine handles it."""

    plan: Plan | Outline
    steps: tuple[StepPlan, ...]
    recipient: str
    accepted_at: datetime
    variables: dict[str, str] | None = None
    endpoint_id: int | None = None
    bulk_id: UUID | None = None
    name: str | None = None
    bulk_name: str | None = None

    def reports(self, status: str) -> bool:
        """Whether the customer wants to hear of this status."""
        callback = self.plan.callback
        if self.endpoint_id is None or callback is None:
            return False
        return status in (callback.events or REPORTED)

    def reports_apart(self, implied: str) -> bool:
        """Whether a state that only `seen` implies is told by itself: to who hears nothing of `seen`, or elsewhere."""
        elsewhere = self.plan.seen_endpoint not in (None, self.endpoint_id)
        return self.reports(implied) and (elsewhere or not self.reports("seen"))

    def endpoint_of(self, status: str) -> int | None:
        """Where reports of this status go."""
        own = {"seen": self.plan.seen_endpoint, "clicked": self.plan.click_endpoint}.get(status)
        return self.endpoint_id if own is None else own


def steps_of(plan: Plan | Outline) -> tuple[StepPlan, ...]:
    """The times of a plan's steps."""
    return tuple(StepPlan(s.fallback_time, s.validity) for s in plan.cascade)


def from_row(row: Any, *, outline: bool = False) -> Known:
    """A message as the database has it. `outline` leaves its contents undecoded."""
    plan: Plan | Outline = decode_outline(row["plan"]) if outline else decode_plan(row["plan"])
    variables = row["variables"] if not outline else None
    return Known(
        plan=plan,
        steps=steps_of(plan),
        recipient=row["recipient"],
        accepted_at=row["accepted_at"],
        variables=_decode_variables(variables) if variables else None,
        endpoint_id=row["endpoint_id"],
        bulk_id=row["bulk_id"],
        name=row["name"],
        bulk_name=row["bulk_name"],
    )


@dataclass(slots=True)
class Facts:
    """The attempt that something happened to."""

    message_id: UUID
    account_id: int
    attempt_id: UUID
    step: int
    channel_id: int
    recipient: str
    tries: int = 0
    uncertain: int = 0
    started_at: datetime | None = None
    valid_until: datetime | None = None
    fenced: bool = True
    #: The members of a group that were tried for this step since its last pause.
    tried: tuple[int, ...] = ()


class Recent:
    """The messages accepted here last, by id; the oldest are forgotten first."""

    def __init__(self, size: int = 20_000) -> None:
        self._size = size
        self._known: OrderedDict[UUID, Known] = OrderedDict()

    def remember(self, items: Iterable[tuple[UUID, Known]]) -> None:
        """Keeps these for their first send."""
        self._known.update(items)
        while len(self._known) > self._size:
            self._known.popitem(last=False)

    def take(self, message_id: UUID) -> Known | None:
        """What is known of a message, and forgets it."""
        return self._known.pop(message_id, None)
