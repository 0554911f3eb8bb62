"""The last mile, the same for all networks: when a message reaches its handset, and what the network then reports."""

from collections.abc import Callable, Sequence
from typing import Final

from tyrian.simulator.agenda import Agenda
from tyrian.simulator.behaviour import Behaviour, Kind, Network, Step
from tyrian.simulator.handsets import NETWORK_OF, Handset, Handsets, Message, echo_of
from tyrian.simulator.quirks import Quirks
from tyrian.simulator.settings import WorldSettings

Report = Callable[[Handset, Message, Kind], None]

#: Seconds after the end of its time to live that number 07 gets a message.
LATE_BY: Final = 30.0
_ARRIVALS: Final = frozenset({Kind.DELIVERED, Kind.SEEN})


class Delivery:
    """Brings messages to handsets on the world's clock."""

    def __init__(self, agenda: Agenda, handsets: Handsets, settings: WorldSettings, quirks: Quirks) -> None:
        self._agenda = agenda
        self._handsets = handsets
        self._settings = settings
        self.quirks = quirks

    def carry(
        self, handset: Handset, message: Message, behaviour: Behaviour, report: Report, ttl: float | None = None
    ) -> None:
        """Let happen to the message what the behaviour says; `report` hears of each receipt.

        `ttl` is the seconds that the network may try, where the send said so.
        """
        steps = self._plan(behaviour, NETWORK_OF[message.line.via], ttl)
        if self.quirks.early_receipts and NETWORK_OF[message.line.via] is Network.VIBER:
            for step in steps:
                self._happen(handset, message, behaviour, report, step.kind)
            return
        for step in steps:
            self._agenda.after(step.after, self._happen, handset, message, behaviour, report, step.kind)

    def _plan(self, behaviour: Behaviour, network: Network, ttl: float | None) -> Sequence[Step]:
        steps: Sequence[Step] = behaviour.receipts
        if behaviour.expires and ttl is not None:
            steps = (*steps, Step(Kind.EXPIRED, ttl + self._settings.expiry_lag))
        if any(step.late for step in steps):
            steps = [Step(s.kind, self._late(ttl) + s.after) if s.late else s for s in steps]
        return self._bent(steps) if network is Network.VIBER else steps

    def _late(self, ttl: float | None) -> float:
        limit = self._settings.late_after
        return limit if ttl is None else min(ttl + LATE_BY, limit)

    def _bent(self, steps: Sequence[Step]) -> Sequence[Step]:
        """The same with the switches that reorder or add receipts."""
        quirks = self.quirks
        if quirks.reversed_receipts:
            kinds = [step.kind for step in reversed(steps)]
            steps = [Step(kind, step.after) for kind, step in zip(kinds, steps, strict=True)]
        arrival = next((step for step in steps if step.kind in _ARRIVALS), None)
        if arrival is not None and quirks.expired_then_delivered:
            steps = [Step(Kind.EXPIRED, arrival.after / 2), *steps]
        if arrival is not None and quirks.delivered_then_expired:
            steps = [*steps, Step(Kind.EXPIRED, arrival.after + 1)]
        return steps

    def _happen(self, handset: Handset, message: Message, behaviour: Behaviour, report: Report, kind: Kind) -> None:
        if kind in _ARRIVALS:
            self._arrive(handset, message, behaviour)
        now = self._handsets.now()
        if kind is Kind.SEEN:
            if message.seen_at is not None:
                return
            message.seen_at = now
        elif kind is not Kind.DELIVERED:
            message.ended = kind.value
        report(handset, message, kind)

    def _arrive(self, handset: Handset, message: Message, behaviour: Behaviour) -> None:
        if message.delivered_at is not None:
            return
        message.delivered_at = self._handsets.now()
        message.ended = None
        if behaviour.echoes:
            text = echo_of(message.content)
            self._agenda.after(self._settings.echo_after, handset.reply, text, message.line)
