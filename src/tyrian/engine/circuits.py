"""The circuits of all channels, as this node judges them by its own sends.

Nodes do not tell each other: each meets a failing network by itself, at the cost of a few sends, and nothing has to be
agreed on. What a circuit closes off is a channel as a member of groups (`engine.router`); a step that names a channel
outright is sent on it whatever its circuit says.
"""

from collections.abc import Iterator

from tyrian.domain.circuit import SILENT, TROUBLE, Circuit, Rule, State
from tyrian.engine import ports


class Circuits:
    """One circuit for each channel that this node has sent on."""

    def __init__(self, clock: ports.Clock, rule: Rule | None = None) -> None:
        self._clock = clock
        self._rule = rule or Rule()
        self._circuits: dict[int, Circuit] = {}

    @property
    def now(self) -> float:
        """The present, as circuits count it."""
        return self._clock.now().timestamp()

    def of(self, channel_id: int) -> Circuit:
        """A channel's circuit."""
        circuit = self._circuits.get(channel_id)
        if circuit is None:
            circuit = self._circuits[channel_id] = Circuit(self._rule)
        return circuit

    def state(self, channel_id: int) -> State:
        """Where a channel's circuit stands now."""
        circuit = self._circuits.get(channel_id)
        return State.CLOSED if circuit is None else circuit.state(self.now)

    def states(self) -> Iterator[tuple[int, State]]:
        """Every channel that this node has sent on."""
        now = self.now
        return ((channel_id, circuit.state(now)) for channel_id, circuit in self._circuits.items())

    def admits(self, channel_id: int) -> bool:
        """Whether a send may go out on a channel now."""
        circuit = self._circuits.get(channel_id)
        return circuit is None or circuit.admits(self.now)

    def probe(self, channel_id: int) -> None:
        """A send goes out that `admits` let through."""
        self.of(channel_id).probe(self.now)

    def record(self, channel_id: int, result: ports.SendResult) -> None:
        """What a send came to."""
        self.of(channel_id).record(healthy(result), self.now)


def healthy(result: ports.SendResult) -> bool | None:
    """Whether a result speaks for its network or against it; None if it says nothing."""
    if isinstance(result, ports.Sent):
        return True
    if result.reason in SILENT:
        return None
    return not (isinstance(result, ports.Unknown) or result.reason in TROUBLE)
