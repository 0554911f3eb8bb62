"""What all networks of the simulated world stand on: its clock, handsets, callbacks and switches."""

from dataclasses import dataclass
from datetime import datetime

from tyrian.engine.ports import Clock
from tyrian.simulator.agenda import Agenda
from tyrian.simulator.answers import Answers, Faults
from tyrian.simulator.callbacks import Callbacks
from tyrian.simulator.delivery import Delivery
from tyrian.simulator.handsets import Handsets
from tyrian.simulator.quirks import Quirks
from tyrian.simulator.settings import WorldSettings
from tyrian.simulator.tokens import Tokens


@dataclass(slots=True, frozen=True)
class Ground:
    """The parts that the networks share."""

    clock: Clock
    settings: WorldSettings
    quirks: Quirks
    agenda: Agenda
    handsets: Handsets
    delivery: Delivery
    callbacks: Callbacks
    answers: Answers
    faults: Faults
    tokens: Tokens

    @classmethod
    def lay(cls, clock: Clock, settings: WorldSettings, quirks: Quirks) -> "Ground":
        """Make the parts, wired to one another."""
        agenda = Agenda(clock)
        handsets = Handsets(clock.now, settings.keep_messages, settings.keep_handsets)
        return cls(
            clock=clock,
            settings=settings,
            quirks=quirks,
            agenda=agenda,
            handsets=handsets,
            delivery=Delivery(agenda, handsets, settings, quirks),
            callbacks=Callbacks(agenda, settings, quirks),
            answers=Answers(clock, quirks),
            faults=Faults(quirks),
            tokens=Tokens(agenda, quirks),
        )

    def now(self) -> datetime:
        """The present of the world."""
        return self.clock.now()

    def seconds(self) -> float:
        """The present in seconds since the epoch."""
        return self.agenda.now()

    def milliseconds(self) -> int:
        """The present in milliseconds since the epoch, as Viber writes times."""
        return int(self.agenda.now() * 1000)
