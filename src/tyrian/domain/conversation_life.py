"""How conversations begin, go on and end."""

from tyrian.domain.conversation import Author, By, ConversationState, Ending, Event, LegState, Role
from tyrian.domain.conversation_moves import Arrive, Close, Depart, Leave, NotNow, Open, Reopen, Wrote
from tyrian.domain.conversation_step import HOLDERS, Step


def begin(step: Step, move: Open) -> None:
    """It begins."""
    step.begin(move.by)
    step.tell(Event.OPENED)


def arrive(step: Step, move: Arrive) -> None:
    """The person wrote."""
    it = step.it
    if it.closed:
        _again(step, Author(By.PERSON))
    it.last_inbound_at, it.unread = step.now, it.unread + 1
    if move.name:
        it.name = move.name


def _again(step: Step, by: Author) -> None:
    it = step.it
    it.state, it.closed_at = ConversationState.OPEN, None
    step.begin(by)
    step.tell(Event.REOPENED)


def wrote(step: Step, move: Wrote) -> None:
    """Somebody wrote to the person."""
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


def leave(step: Step, move: Leave) -> None:
    """A leg ends, and with the last that holds it the conversation."""
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


def close(step: Step, move: Close) -> None:
    """It ends for everybody."""
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


def reopen(step: Step, move: Reopen) -> None:
    """It goes on after its end."""
    if not step.it.closed:
        raise NotNow("the conversation is not closed")
    _again(step, move.by)


def depart(step: Step, move: Depart) -> None:
    """It goes on elsewhere."""
    step.must_be_open()
    step.tell(
        Event.TRANSFERRED,
        channel_id=move.channel_id,
        from_channel_id=step.it.channel_id,
        person=move.person,
        from_person=step.it.person,
    )
    step.it.channel_id, step.it.person, step.it.address = move.channel_id, move.person, move.address
