"""One move on its way: a conversation being changed, and what everything that changes one is made of."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tyrian.domain.conversation import Author, By, Conversation, ConversationState, Ending, Event, Leg, LegState, Role
from tyrian.domain.conversation_moves import NotNow

#: Ended legs that a conversation keeps; the thread tells of those before.
MOST_LEGS: Final = 200
#: Those who hold a conversation.
HOLDERS: Final = (Role.QUEUE, Role.AGENT, Role.API, Role.EXTERNAL)

#: Gives ids.
New = Callable[[], UUID]


class Step:
    """One move on its way: the conversation being changed."""

    def __init__(self, conversation: Conversation, now: datetime, new: New) -> None:
        self.it = conversation
        self.now = now
        self._new = new
        self.events: list[tuple[Event, dict[str, Any]]] = []

    def tell(self, event: Event, **data: Any) -> None:
        """What happened, for the thread and those who watch."""
        self.events.append((event, {name: value for name, value in data.items() if value is not None}))

    def must_be_open(self) -> None:
        """Raises `NotNow` for one that is closed."""
        if self.it.closed:
            raise NotNow("the conversation is closed; reopen it first")

    def add(self, role: Role, who: str | None, name: str | None, *, connected: bool) -> Leg:
        """A new leg, connected or alerting."""
        leg = Leg(
            id=self._new(),
            communication_id=self._new(),
            role=role,
            state=LegState.CONNECTED if connected else LegState.ALERTING,
            started_at=self.now,
            connected_at=self.now if connected else None,
            who=who,
            name=name,
        )
        self.it.legs.append(leg)
        return leg

    def end(self, legs: Iterable[Leg], ending: Ending) -> None:
        """Ends legs."""
        for leg in legs:
            leg.state, leg.ending, leg.ended_at = LegState.ENDED, ending, self.now

    def connect(self, leg: Leg) -> None:
        """A leg is connected."""
        leg.state, leg.connected_at = LegState.CONNECTED, self.now

    def author_leg(self, by: Author) -> None:
        """The leg of a program that opens it."""
        if by.kind is By.API:
            self.add(Role.API, by.id, by.name, connected=True)

    def begin(self, by: Author) -> None:
        """The legs of a conversation that begins, or begins again."""
        self.add(Role.CUSTOMER, None, self.it.name, connected=True)
        self.author_leg(by)

    def finish(self) -> None:
        """It is closed: nobody holds it and nobody is there."""
        self.it.state, self.it.closed_at = ConversationState.CLOSED, self.now

    def alerted(self, agent_id: UUID | None, leg_id: UUID | None) -> Leg | None:
        """The alerting leg that is meant."""
        for leg in self.it.live(Role.AGENT, Role.EXTERNAL):
            if leg.state is not LegState.ALERTING:
                continue
            if leg_id is not None:
                if leg_id in (leg.id, leg.communication_id):
                    return leg
            elif agent_id is None or leg.who == str(agent_id):
                return leg
        return None

    def take(self, leg: Leg) -> None:
        """An alerted leg is accepted: the others who held it are done."""
        self.connect(leg)
        self.end([other for other in self.it.live(*HOLDERS) if other is not leg], Ending.TRANSFER)
        self.it.state = ConversationState.OPEN

    def settle(self) -> None:
        """Who has it follows from the legs; what is transferred to nobody is open."""
        it = self.it
        agents = it.live(Role.AGENT)
        it.agent_id = UUID(agents[-1].who) if agents and agents[-1].who else None
        if it.state is ConversationState.TRANSFERRED and not it.live(Role.QUEUE):
            alerting = [leg for leg in it.live(Role.AGENT, Role.EXTERNAL) if leg.state is LegState.ALERTING]
            if not alerting:
                it.state = ConversationState.OPEN
        ended = [leg for leg in it.legs if not leg.live]
        if len(ended) > MOST_LEGS:
            gone = {leg.id for leg in ended[: len(ended) - MOST_LEGS]}
            it.legs = [leg for leg in it.legs if leg.id not in gone]
