"""Who has a conversation: queues, agents, and those outside, by turns."""

from tyrian.domain.conversation import ConversationState, Ending, Event, Leg, LegState, Role
from tyrian.domain.conversation_facts import is_waiting
from tyrian.domain.conversation_moves import Accept, Alert, Decline, Enqueue, NotNow, ToExternal
from tyrian.domain.conversation_step import HOLDERS, Step


def _hand_on(step: Step, *, transfer: bool, attended: bool) -> None:
    """Those who hold it are done; in an attended transfer whoever is connected stays until the target accepts."""
    stay = [leg for leg in step.it.live(Role.AGENT) if leg.state is LegState.CONNECTED] if attended else []
    keep = () if transfer else (Role.API,)
    legs = [leg for leg in step.it.live(*HOLDERS) if leg not in stay and leg.role not in keep]
    step.end(legs, Ending.TRANSFER)
    if transfer:
        step.it.state = ConversationState.TRANSFERRED


def enqueue(step: Step, move: Enqueue) -> None:
    """It waits in a queue."""
    step.must_be_open()
    _hand_on(step, transfer=move.transfer, attended=move.attended)
    step.it.queue_id = move.queue_id
    step.add(Role.QUEUE, str(move.queue_id), move.name, connected=True)
    event = Event.TRANSFERRED if move.transfer else Event.QUEUED
    step.tell(event, queue_id=str(move.queue_id), queue=move.name, attended=move.attended or None)


def alert(step: Step, move: Alert) -> None:
    """An agent is alerted."""
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


def to_external(step: Step, move: ToExternal) -> None:
    """Somebody outside is alerted."""
    step.must_be_open()
    _hand_on(step, transfer=True, attended=move.attended)
    leg = step.add(Role.EXTERNAL, move.name, move.name, connected=False)
    step.tell(Event.TRANSFERRED, external=move.name, leg_id=str(leg.id), attended=move.attended or None)


def accept(step: Step, move: Accept) -> None:
    """Whoever is alerted takes it, or an agent takes it from its queue."""
    step.must_be_open()
    leg = step.alerted(move.agent_id, move.leg_id)
    if leg is None:
        leg = _taken_from_queue(step, move)
        if leg is None:
            return
    step.take(leg)
    agent_id = leg.who if leg.role is Role.AGENT else None
    step.tell(Event.ACCEPTED, agent_id=agent_id, agent=leg.name, leg_id=str(leg.id))


def _taken_from_queue(step: Step, move: Accept) -> Leg | None:
    """The new leg of an agent who takes it without having been alerted; None where they have it already."""
    it = step.it
    if move.leg_id is not None or move.agent_id is None:
        raise NotNow("nobody is alerted for the conversation" if move.leg_id is None else "this leg is not alerting")
    for leg in it.live(Role.AGENT, Role.EXTERNAL):
        if leg.who == str(move.agent_id):
            return None
        raise NotNow(f'"{leg.name}" has the conversation; have it transferred')
    return step.add(Role.AGENT, str(move.agent_id), move.name, connected=False)


def decline(step: Step, move: Decline) -> None:
    """Whoever is alerted does not take it: it goes back to its queue."""
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
