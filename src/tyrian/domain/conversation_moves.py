"""What may happen to a conversation: one pure function, `advance(conversation, move, now, new) -> Advanced`.

A conversation that is not closed has one live leg of its customer, and is held by those of its other legs that live. It
is open, or transferred: on its way to somebody who has not accepted it yet. Closed, all of its legs have ended.

    open         -> transferred   by `Transfer`
    transferred  -> open          when the target accepts, or when nobody is left who could
    open, transferred -> closed   by `Close`, or when the last who held it leaves
    closed       -> open          by `Reopen`, or by a message of the person within the threading time
"""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from tyrian.domain.conversation import Author, By, Conversation, ConversationState, Ending, Event, Leg, LegState, Role

#: Ended legs that a conversation keeps; the thread tells of those before.
MOST_LEGS: Final = 200
#: Those who hold a conversation.
HOLDERS: Final = (Role.QUEUE, Role.AGENT, Role.API, Role.EXTERNAL)

New = Callable[[], UUID]


class NotNow(Exception):
    """A conversation's present state does not allow something. The words say why."""


# -- Moves ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """It begins: the customer's leg, and one of the API or a flow where that opened it."""

    by: Author


@dataclass(frozen=True, slots=True)
class Arrive:
    """The person wrote. A closed conversation is opened again: whether it may be is `threads_on`."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Wrote:
    """Somebody wrote to the person. An agent who is alerted accepts by that."""

    by: Author


@dataclass(frozen=True, slots=True)
class Enqueue:
    """It waits in a queue. Who held it, does not any more; with `transfer` it is on its way there."""

    queue_id: UUID
    name: str
    transfer: bool = False
    attended: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """An agent is alerted: picked by the queue that it waits in, assigned, or the target of a transfer."""

    agent_id: UUID
    name: str
    transfer: bool = False
    attended: bool = False
    #: Picked by the queue, which keeps it until the agent accepts.
    picked: bool = False
    #: Until when the agent may accept.
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ToExternal:
    """It goes to somebody outside, who is alerted."""

    name: str
    attended: bool = False


@dataclass(frozen=True, slots=True)
class Accept:
    """A leg is accepted: the one of this id, or the agent's; an agent without one takes it from its queue."""

    agent_id: UUID | None = None
    name: str | None = None
    leg_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Decline:
    """An alerted leg is not accepted. `missed`: nobody answered in time."""

    agent_id: UUID | None = None
    leg_id: UUID | None = None
    missed: bool = False
    #: The name of the queue that it goes back to, where it has none now but had one.
    queue_name: str | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """A leg ends. Where nobody holds the conversation any more, it is closed."""

    leg_id: UUID
    wrapup: str | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """It ends."""

    by: Author
    wrapup: str | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    """It goes on, without anybody who holds it but the API where that opened it again."""

    by: Author


@dataclass(frozen=True, slots=True)
class Depart:
    """It goes on, on another channel: nothing of it changes but where."""

    channel_id: int
    person: str
    address: str


Move = Open | Arrive | Wrote | Enqueue | Alert | ToExternal | Accept | Decline | Leave | Close | Reopen | Depart


@dataclass(slots=True)
class Advanced:
    """The conversation afterwards, and what to tell of it: each event with its data, in order."""

    conversation: Conversation
    events: list[tuple[Event, dict[str, Any]]] = field(default_factory=list)


def threads_on(conversation: Conversation, threading_time: int, now: datetime) -> bool:
    """Whether a message of the person goes into this conversation rather than a new one."""
    if conversation.closed_at is None:
        return True
    return now < conversation.closed_at + timedelta(seconds=threading_time)


def advance(conversation: Conversation, move: Move, now: datetime, new: New) -> Advanced:
    """What a move makes of a conversation, which is left as it is. `new` gives ids. Raises `NotNow`."""
    work = replace(
        conversation,
        legs=[copy(leg) for leg in conversation.legs],
        attributes=dict(conversation.attributes),
        updated_at=max(now, conversation.updated_at),
        revision=conversation.revision + 1,
    )
    step = _Step(work, work.updated_at, new)
    _MOVES[type(move)](step, move)
    step.settle()
    return Advanced(work, step.events)


# -- How --------------------------------------------------------------------------------------------------------------


class _Step:
    """One move on its way: the conversation being changed."""

    def __init__(self, conversation: Conversation, now: datetime, new: New) -> None:
        self.it = conversation
        self.now = now
        self._new = new
        self.events: list[tuple[Event, dict[str, Any]]] = []

    def tell(self, event: Event, **data: Any) -> None:
        self.events.append((event, {name: value for name, value in data.items() if value is not None}))

    def must_be_open(self) -> None:
        if self.it.closed:
            raise NotNow("the conversation is closed; reopen it first")

    def add(self, role: Role, who: str | None, name: str | None, *, connected: bool) -> Leg:
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
        for leg in legs:
            leg.state, leg.ending, leg.ended_at = LegState.ENDED, ending, self.now

    def connect(self, leg: Leg) -> None:
        leg.state, leg.connected_at = LegState.CONNECTED, self.now

    def author_leg(self, by: Author) -> None:
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


def _open(step: _Step, move: Open) -> None:
    step.begin(move.by)
    step.tell(Event.OPENED)


def _arrive(step: _Step, move: Arrive) -> None:
    it = step.it
    if it.closed:
        _again(step, Author(By.PERSON))
    it.last_inbound_at, it.unread = step.now, it.unread + 1
    if move.name:
        it.name = move.name


def _again(step: _Step, by: Author) -> None:
    it = step.it
    it.state, it.closed_at = ConversationState.OPEN, None
    step.begin(by)
    step.tell(Event.REOPENED)


def _wrote(step: _Step, move: Wrote) -> None:
    step.must_be_open()
    it = step.it
    it.last_outbound_at = step.now
    if move.by.kind in (By.AGENT, By.API):
        it.unread = 0
    if move.by.kind is By.AGENT:
        for customer in it.live(Role.CUSTOMER):
            customer.answered_at = customer.answered_at or step.now
    if move.by.kind is By.AGENT and move.by.id:
        leg = next((a for a in it.live(Role.AGENT) if a.who == move.by.id and a.state is LegState.ALERTING), None)
        if leg is not None:
            step.take(leg)
            step.tell(Event.ACCEPTED, agent_id=leg.who, agent=leg.name, leg_id=str(leg.id))


def _hand_on(step: _Step, *, transfer: bool, attended: bool) -> None:
    """Those who hold it are done; in an attended transfer whoever is connected stays until the target accepts."""
    stay = [leg for leg in step.it.live(Role.AGENT) if leg.state is LegState.CONNECTED] if attended else []
    keep = () if transfer else (Role.API,)
    legs = [leg for leg in step.it.live(*HOLDERS) if leg not in stay and leg.role not in keep]
    step.end(legs, Ending.TRANSFER)
    if transfer:
        step.it.state = ConversationState.TRANSFERRED


def _enqueue(step: _Step, move: Enqueue) -> None:
    step.must_be_open()
    _hand_on(step, transfer=move.transfer, attended=move.attended)
    step.it.queue_id = move.queue_id
    step.add(Role.QUEUE, str(move.queue_id), move.name, connected=True)
    event = Event.TRANSFERRED if move.transfer else Event.QUEUED
    step.tell(event, queue_id=str(move.queue_id), queue=move.name, attended=move.attended or None)


def _alert(step: _Step, move: Alert) -> None:
    step.must_be_open()
    it = step.it
    if any(leg.who == str(move.agent_id) for leg in it.live(Role.AGENT)):
        raise NotNow(f'the agent "{move.name}" has the conversation already')
    if move.picked:
        if not is_waiting(it):
            raise NotNow("the conversation does not wait for an agent")
    else:
        _hand_on(step, transfer=move.transfer, attended=move.attended)
    leg = step.add(Role.AGENT, str(move.agent_id), move.name, connected=False)
    leg.until = move.until
    event = Event.TRANSFERRED if move.transfer else Event.ASSIGNED
    step.tell(event, agent_id=leg.who, agent=move.name, leg_id=str(leg.id), attended=move.attended or None)


def _to_external(step: _Step, move: ToExternal) -> None:
    step.must_be_open()
    _hand_on(step, transfer=True, attended=move.attended)
    leg = step.add(Role.EXTERNAL, move.name, move.name, connected=False)
    step.tell(Event.TRANSFERRED, external=move.name, leg_id=str(leg.id), attended=move.attended or None)


def _accept(step: _Step, move: Accept) -> None:
    step.must_be_open()
    leg = step.alerted(move.agent_id, move.leg_id)
    if leg is None:
        leg = _taken_from_queue(step, move)
        if leg is None:
            return
    step.take(leg)
    agent_id = leg.who if leg.role is Role.AGENT else None
    step.tell(Event.ACCEPTED, agent_id=agent_id, agent=leg.name, leg_id=str(leg.id))


def _taken_from_queue(step: _Step, move: Accept) -> Leg | None:
    """The new leg of an agent who takes it without having been alerted; None where they have it already."""
    it = step.it
    if move.leg_id is not None or move.agent_id is None:
        raise NotNow("nobody is alerted for the conversation" if move.leg_id is None else "this leg is not alerting")
    for leg in it.live(Role.AGENT, Role.EXTERNAL):
        if leg.who == str(move.agent_id):
            return None
        raise NotNow(f'"{leg.name}" has the conversation; have it transferred')
    return step.add(Role.AGENT, str(move.agent_id), move.name, connected=False)


def _decline(step: _Step, move: Decline) -> None:
    step.must_be_open()
    it = step.it
    leg = step.alerted(move.agent_id, move.leg_id)
    if leg is None:
        raise NotNow("nobody is alerted for the conversation")
    step.end([leg], Ending.TIMEOUT if move.missed else Ending.CLIENT)
    agent_id = leg.who if leg.role is Role.AGENT else None
    step.tell(Event.MISSED if move.missed else Event.DECLINED, agent_id=agent_id, agent=leg.name, leg_id=str(leg.id))
    if not it.live(*HOLDERS) and it.queue_id is not None and move.queue_name is not None:
        step.add(Role.QUEUE, str(it.queue_id), move.queue_name, connected=True)
        step.tell(Event.QUEUED, queue_id=str(it.queue_id), queue=move.queue_name)


def _leave(step: _Step, move: Leave) -> None:
    leg = step.it.leg(move.leg_id)
    if leg is None:
        raise NotNow("the conversation has no such leg")
    if move.wrapup is not None:
        leg.wrapup = move.wrapup
    if not leg.live:
        return
    step.end([leg], Ending.CLIENT)
    step.tell(Event.LEFT, leg_id=str(leg.id), role=leg.role.value, name=leg.name)
    if leg.role is Role.CUSTOMER or not step.it.live(*HOLDERS):
        step.end(step.it.live(), Ending.PEER)
        step.finish()
        step.tell(Event.CLOSED, wrapup=move.wrapup)


def _close(step: _Step, move: Close) -> None:
    it = step.it
    if it.closed:
        return
    agents = it.live(Role.AGENT)
    own = [leg for leg in agents if move.by.kind is By.AGENT and leg.who == move.by.id]
    own += [leg for leg in it.live(Role.API) if move.by.kind is By.API and leg.who == move.by.id]
    for leg in (own or agents)[-1:]:
        leg.wrapup = move.wrapup if move.wrapup is not None else leg.wrapup
    step.end(own, Ending.CLIENT)
    step.end(it.live(), Ending.SYSTEM if move.by.kind is By.SYSTEM else Ending.PEER)
    step.finish()
    step.tell(Event.CLOSED, wrapup=move.wrapup)


def _reopen(step: _Step, move: Reopen) -> None:
    if not step.it.closed:
        raise NotNow("the conversation is not closed")
    _again(step, move.by)


def _depart(step: _Step, move: Depart) -> None:
    step.must_be_open()
    step.tell(
        Event.TRANSFERRED,
        channel_id=move.channel_id,
        from_channel_id=step.it.channel_id,
        person=move.person,
        from_person=step.it.person,
    )
    step.it.channel_id, step.it.person, step.it.address = move.channel_id, move.person, move.address


_MOVES: Final[dict[type, Callable[[_Step, Any], None]]] = {
    Open: _open,
    Arrive: _arrive,
    Wrote: _wrote,
    Enqueue: _enqueue,
    Alert: _alert,
    ToExternal: _to_external,
    Accept: _accept,
    Decline: _decline,
    Leave: _leave,
    Close: _close,
    Reopen: _reopen,
    Depart: _depart,
}


# -- What follows from a conversation ---------------------------------------------------------------------------------


def is_waiting(conversation: Conversation) -> bool:
    """Whether it is in a queue and no agent is alerted for it."""
    alerting = any(leg.state is LegState.ALERTING for leg in conversation.live(Role.AGENT))
    return not conversation.closed and bool(conversation.live(Role.QUEUE)) and not alerting


def alerts_until(conversation: Conversation) -> datetime | None:
    """When the agent who is alerted has missed it; None where nobody is, or has any time."""
    alerting = (leg for leg in conversation.live(Role.AGENT) if leg.state is LegState.ALERTING)
    return min((leg.until for leg in alerting if leg.until is not None), default=None)


def due(conversation: Conversation, idle_time: int | None) -> datetime | None:
    """When it must be looked at: an agent has missed it, or nothing was said for so many seconds."""
    if conversation.closed:
        return None
    idle = last_word(conversation) + timedelta(seconds=idle_time) if idle_time is not None else None
    return min((at for at in (alerts_until(conversation), idle) if at is not None), default=None)


def passed_over(conversation: Conversation) -> list[str]:
    """The agents who have declined or missed it since it was put into its present queue."""
    queued = conversation.live(Role.QUEUE)
    since = queued[-1].started_at if queued else conversation.opened_at
    return [
        leg.who
        for leg in conversation.legs
        if leg.role is Role.AGENT
        and leg.who is not None
        and leg.ending in (Ending.CLIENT, Ending.TIMEOUT)
        and leg.started_at >= since
    ]


def last_agent(conversation: Conversation) -> UUID | None:
    """The agent who had it last."""
    for leg in reversed(conversation.legs):
        if leg.role is Role.AGENT and leg.connected_at is not None and leg.who is not None:
            return UUID(leg.who)
    return None


def last_word(conversation: Conversation) -> datetime:
    """When anything was last said, or when it was opened."""
    said = (conversation.last_inbound_at, conversation.last_outbound_at, _reopened_at(conversation))
    return max([conversation.opened_at, *(at for at in said if at is not None)])


def answered_after(conversation: Conversation) -> float | None:
    """How many seconds after it came to its first queue or agent an agent answered; None if none has.

    It is of this time only: opened again, it waits anew. Without a queue or agent before, it counts from the opening.
    """
    customers = conversation.live(Role.CUSTOMER)
    if not customers or customers[-1].answered_at is None:
        return None
    opened, answered = customers[-1].started_at, customers[-1].answered_at
    came = [
        leg.started_at
        for leg in conversation.legs
        if leg.role in (Role.QUEUE, Role.AGENT) and opened <= leg.started_at <= answered
    ]
    return (answered - min(came, default=opened)).total_seconds()


def _reopened_at(conversation: Conversation) -> datetime | None:
    customers = conversation.live(Role.CUSTOMER)
    return customers[-1].started_at if customers else None
