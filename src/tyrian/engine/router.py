"""The router: on which channel a step goes out.

A step that names a channel goes out there and nowhere else. One that names a group goes out on the member that its
strategy puts first among those that can be used: it exists, it is not paused, it takes the address, and its circuit
lets the send through. A send that a member surely refused may go to another member; one whose outcome is unknown never
does.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from tyrian.domain import limits
from tyrian.domain.circuit import State
from tyrian.domain.problem import Problem
from tyrian.domain.routing import ELSEWHERE, ranked
from tyrian.domain.submission import Plan
from tyrian.engine import ports
from tyrian.engine.channels import ChannelEntry, Channels
from tyrian.engine.circuits import Circuits
from tyrian.engine.known import Facts, Known

#: Seconds after which a probe has most likely been answered.
_PROBED: Final = 5.0


@dataclass(slots=True)
class Route:
    """A channel, and the recipient's address as it wants it."""

    entry: ChannelEntry
    address: str


class Router:
    """Picks channels. Synchronous, and nothing here asks the database."""

    def __init__(self, channels: Channels, circuits: Circuits) -> None:
        self._channels = channels
        self.circuits = circuits

    def first(self, account_id: int, name: str, to: str, at: str = "") -> Route | Problem | None:
        """Where a step begins; what is wrong with the address; None if there is no such channel (any more)."""
        entry = self._channels.get(account_id, name)
        if entry is None:
            return None
        if entry.group is not None:
            return self._best(entry, to)
        address = entry.kind.address(to, at)
        return address if isinstance(address, Problem) else Route(entry, address)

    def group_of(self, facts: Facts, known: Known) -> ChannelEntry | None:
        """The group that an attempt's step names, if it still is one."""
        entry = self._channels.get(facts.account_id, known.plan.cascade[facts.step].channel)
        return entry if entry is not None and entry.group is not None else None

    def after(self, facts: Facts, known: Known, result: ports.SendResult) -> Route | None:
        """Where an attempt's step goes on after this result, if it may and there is another member."""
        if not isinstance(result, ports.Refused | ports.Retry) or result.reason not in ELSEWHERE:
            return None
        if isinstance(known.plan, Plan) and known.plan.refused is not None:
            return None
        return self.instead(facts, known)

    def instead(self, facts: Facts, known: Known) -> Route | None:
        """Another member that would take an attempt which surely no network has."""
        if facts.uncertain:
            return None
        group = self.group_of(facts, known)
        if group is None:
            return None
        usable = self._usable(group, self._to(facts, known), {facts.channel_id, *facts.tried})
        now = self.circuits.now
        return next((r for r in usable if self._admits(r, now) and self._carries(r, group, facts, known)), None)

    def wait(self, facts: Facts, known: Known) -> float:
        """Seconds from now until a channel may be tried again that would take the attempt."""
        channels = [facts.channel_id]
        group = self.group_of(facts, known)
        if group is not None and not facts.uncertain:
            channels += [route.entry.channel.id for route in self._usable(group, self._to(facts, known), channels)]
        return min(self._closed_for(channel) for channel in channels)

    def _closed_for(self, channel_id: int) -> float:
        """Seconds until a channel may be given a send; of one that is being probed, until it is worth another look."""
        now, circuit = self.circuits.now, self.circuits.of(channel_id)
        seconds = circuit.admits_from(now) - now
        return min(seconds, _PROBED) if circuit.state(now) is State.HALF_OPEN else seconds

    # -- Members ------------------------------------------------------------------------------------------------------

    def _best(self, group: ChannelEntry, to: str) -> Route | None:
        """The first member that may be given a send; where none may, the one that may soonest."""
        now, usable = self.circuits.now, []
        for route in self._usable(group, to, ()):
            if self._admits(route, now):
                return route
            usable.append(route)
        if usable:
            return min(usable, key=lambda route: self.circuits.of(route.entry.channel.id).admits_from(now))
        return next(self._routes(group, to), None)

    def _usable(self, group: ChannelEntry, to: str, without: Collection[int]) -> Iterator[Route]:
        for route in self._routes(group, to):
            entry = route.entry
            if entry.channel.active and entry.trouble is None and entry.channel.id not in without:
                yield route

    def _routes(self, group: ChannelEntry, to: str) -> Iterator[Route]:
        """The members that there are, best first."""
        assert group.group is not None
        for member in ranked(group.group.members, group.group.strategy, to):
            entry = self._channels.get(group.channel.account_id, member.channel)
            if entry is None or entry.group is not None:
                continue
            address = entry.kind.address(to, "")
            if not isinstance(address, Problem):
                yield Route(entry, address)

    def _admits(self, route: Route, now: float) -> bool:
        return self.circuits.of(route.entry.channel.id).admits(now)

    def _carries(self, route: Route, group: ChannelEntry, facts: Facts, known: Known) -> bool:
        """Whether a member carries the content; asked only where the group is not what it was at acceptance."""
        changed = max(route.entry.updated_at, group.updated_at)
        if changed <= known.accepted_at or not isinstance(known.plan, Plan):
            return True
        content = known.plan.cascade[facts.step].content
        return not limits.check(content, known.plan.purpose, route.entry.capabilities)

    def _to(self, facts: Facts, known: Known) -> str:
        """The recipient as the request wrote it, so that everybody keeps their place among the members."""
        return known.plan.cascade[facts.step].to or known.recipient
