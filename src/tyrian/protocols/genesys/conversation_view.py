"""Conversations of the inbox as this API shows them: legs are participants, each with a communication. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from tyrian.domain.conversation import (
    By,
    Conversation,
    Ending,
    Event,
    Item,
    ItemKind,
    Leg,
    LegState,
    Role,
    State,
)
from tyrian.protocols.genesys import conversation_wire as wire, ids
from tyrian.protocols.genesys.message_wire import Entity, MessageDetails, Wrapup
from tyrian.protocols.genesys.operation import V2
from tyrian.protocols.genesys.shapes import Thread, addresses, details, is_message, user

#: A program that opened a conversation stands where an agent does: programs look for that participant to send.
PURPOSES: Final = {
    Role.CUSTOMER: "customer",
    Role.QUEUE: "acd",
    Role.AGENT: "agent",
    Role.FLOW: "workflow",
    Role.API: "agent",
    Role.EXTERNAL: "external",
}
STATES: Final = {
    LegState.ALERTING: "alerting",
    LegState.CONNECTED: "connected",
    LegState.ENDED: "disconnected",
}
ENDINGS: Final = {
    Ending.TRANSFER: "transfer",
    Ending.CLIENT: "client",
    Ending.SYSTEM: "system",
    Ending.PEER: "peer",
    Ending.TIMEOUT: "transfer.noanswer",
}
#: The guide's words for where a conversation stands.
CONVERSATIONS: Final = {State.OPEN: "Open", State.TRANSFERRED: "Transferred", State.CLOSED: "Closed"}
#: Transfers that a conversation shows.
MOST_TRANSFERS: Final = 20


def message_conversation(thread: Thread) -> wire.MessageConversation:
    """As `/conversations/messages/{id}` shows it."""
    conversation, said = thread.conversation, _said_by_leg(thread)
    return wire.MessageConversation(
        id=str(conversation.id),
        name=conversation.subject,
        participants=[_media_participant(thread, leg, said) for leg in conversation.legs],
        recent_transfers=transfers(thread.items),
        last_message_date=_iso(conversation.last_inbound_at),
        state=CONVERSATIONS[conversation.state],
        self_uri=f"{V2}/conversations/messages/{conversation.id}",
    )


def generic(thread: Thread) -> wire.Conversation:
    """As `/conversations/{id}` shows it. It has no `state`: the SDKs know none of the guide's."""
    conversation, said = thread.conversation, _said_by_leg(thread)
    return wire.Conversation(
        id=str(conversation.id),
        name=conversation.subject,
        start_time=ids.iso(conversation.opened_at),
        end_time=_iso(conversation.closed_at),
        last_message_date=_iso(conversation.last_inbound_at),
        address=conversation.address,
        participants=[_participant(thread, leg, said) for leg in conversation.legs],
        recent_transfers=transfers(thread.items),
        self_uri=f"{V2}/conversations/{conversation.id}",
    )


# -- Participants -----------------------------------------------------------------------------------------------------

_Said = dict[str, list[MessageDetails]]


def _said_by_leg(thread: Thread) -> _Said:
    """The messages of each leg. The person's stand with the leg that they had when they wrote."""
    found: _Said = {}
    customers = [leg for leg in thread.conversation.legs if leg.role is Role.CUSTOMER]
    for item in thread.items:
        if not is_message(item):
            continue
        if item.kind is ItemKind.INBOUND:
            then = [leg for leg in customers if leg.started_at <= item.at] or customers[:1]
            owner = then[-1].id if then else None
        else:
            owner = item.leg_id
        if owner is not None:
            found.setdefault(str(owner), []).append(details(thread, item))
    return found


def attributes_of(conversation: Conversation, leg: Leg) -> dict[str, str]:
    """A participant's attributes. The customer's are those of the conversation: they stay, whoever has it."""
    return {**conversation.attributes, **leg.attributes} if leg.role is Role.CUSTOMER else dict(leg.attributes)


def _media_participant(thread: Thread, leg: Leg, said: _Said) -> wire.MediaParticipant:
    conversation, outbound = thread.conversation, thread.outbound
    sender, recipient = addresses(thread, outbound=outbound)
    queue = _queue_of(conversation, leg)
    return wire.MediaParticipant(
        id=str(leg.id),
        name=_name(conversation, leg),
        address=conversation.address if leg.role is Role.CUSTOMER else None,
        purpose=PURPOSES[leg.role],
        state=STATES[leg.state],
        direction="outbound" if outbound else "inbound",
        disconnect_type=ENDINGS[leg.ending] if leg.ending is not None else None,
        start_time=ids.iso(leg.started_at),
        start_alerting_time=_alerted(leg),
        connected_time=_iso(leg.connected_at),
        end_time=_iso(leg.ended_at),
        held=False,
        wrapup_required=False,
        wrapup=wrapup_of(leg),
        user=user(leg.who, leg.name) if leg.role is Role.AGENT and leg.who else None,
        queue=queue,
        attributes=attributes_of(conversation, leg),
        conversation_routing_data=wire.RoutingData(queue=queue) if queue is not None else None,
        to_address=recipient,
        from_address=sender,
        messages=said.get(str(leg.id), []),
        type=thread.messenger,
    )


def _participant(thread: Thread, leg: Leg, said: _Said) -> wire.Participant:
    conversation = thread.conversation
    queue = _queue_of(conversation, leg)
    return wire.Participant(
        id=str(leg.id),
        name=_name(conversation, leg),
        purpose=PURPOSES[leg.role],
        participant_type="External" if leg.role in (Role.CUSTOMER, Role.EXTERNAL) else "Internal",
        address=conversation.address if leg.role is Role.CUSTOMER else None,
        user_id=leg.who if leg.role is Role.AGENT else None,
        queue_id=queue.id if queue is not None else None,
        queue_name=queue.name if queue is not None else None,
        start_time=ids.iso(leg.started_at),
        connected_time=_iso(leg.connected_at),
        end_time=_iso(leg.ended_at),
        wrapup_required=False,
        wrapup=wrapup_of(leg),
        attributes=attributes_of(conversation, leg),
        messages=[_communication(thread, leg, said)],
    )


def _communication(thread: Thread, leg: Leg, said: _Said) -> wire.Communication:
    conversation, outbound = thread.conversation, thread.outbound
    sender, recipient = addresses(thread, outbound=outbound)
    customers = [other for other in conversation.legs if other.role is Role.CUSTOMER]
    peer = customers[-1].communication_id if customers and leg.role is not Role.CUSTOMER else None
    return wire.Communication(
        id=str(leg.communication_id),
        state=STATES[leg.state],
        initial_state="alerting" if _alerted(leg) else "connected",
        direction="outbound" if outbound else "inbound",
        held=False,
        disconnect_type=ENDINGS[leg.ending] if leg.ending is not None else None,
        start_alerting_time=_alerted(leg),
        connected_time=_iso(leg.connected_at),
        disconnected_time=_iso(leg.ended_at),
        type=thread.messenger,
        peer_id=str(peer) if peer is not None else None,
        to_address=recipient,
        from_address=sender,
        messages=said.get(str(leg.id), []),
        wrapup=wrapup_of(leg),
        engagement_source=thread.source,
    )


def wrapup_of(leg: Leg) -> Wrapup | None:
    """A leg's wrap-up: a code in its first line, notes in those below."""
    if leg.wrapup is None:
        return None
    code, _, notes = leg.wrapup.partition("\n")
    return Wrapup(code=code or None, notes=notes or None)


def _name(conversation: Conversation, leg: Leg) -> str | None:
    return conversation.name or leg.name if leg.role is Role.CUSTOMER else leg.name


def _queue_of(conversation: Conversation, leg: Leg) -> Entity | None:
    """The queue that a leg is, or that the agent of a leg was found by."""
    if leg.role is Role.QUEUE:
        return _queue(leg)
    if leg.role is not Role.AGENT:
        return None
    before = [q for q in conversation.legs if q.role is Role.QUEUE and q.started_at <= leg.started_at]
    return _queue(before[-1]) if before else None


def _queue(leg: Leg) -> Entity | None:
    if leg.who is None:
        return None
    return Entity(id=leg.who, name=leg.name, self_uri=f"{V2}/routing/queues/{leg.who}")


def _alerted(leg: Leg) -> str | None:
    """When it began to alert; a leg that was connected from the beginning never did."""
    return None if leg.connected_at == leg.started_at else ids.iso(leg.started_at)


def _iso(at: datetime | None) -> str | None:
    return ids.iso(at) if at is not None else None


# -- Transfers --------------------------------------------------------------------------------------------------------


def transfers(items: Sequence[Item]) -> list[wire.Transfer]:
    """The last transfers, in order, with what came of each."""
    events = [item for item in items if item.kind is ItemKind.EVENT]
    found = [
        _transfer(item, events[number + 1 :])
        for number, item in enumerate(events)
        if item.event is Event.TRANSFERRED and "channel_id" not in item.data
    ]
    return found[-MOST_TRANSFERS:]


def _transfer(item: Item, after: Sequence[Item]) -> wire.Transfer:
    data = item.data
    by = item.author
    agent = by.id if by.kind is By.AGENT else None
    address = data.get("queue_id") or data.get("external")
    return wire.Transfer(
        id=str(item.id),
        state=_came_to(after, queued="queue_id" in data),
        date_issued=ids.iso(item.at),
        initiator=wire.Initiator(user_id=agent) if agent else None,
        modified_by=user(agent, None) if agent else None,
        destination=wire.Destination(user_id=data.get("agent_id"), address=address),
        transfer_type="Attended" if data.get("attended") else "Unattended",
    )


#: What happened next -> what the transfer came to. A queue goes on looking when an agent does not accept.
_OUTCOMES: Final = {
    Event.ACCEPTED: "Complete",
    Event.TRANSFERRED: "Canceled",
    Event.QUEUED: "Canceled",
    Event.CLOSED: "Canceled",
}
_OF_AGENTS: Final = {Event.DECLINED: "Failed", Event.MISSED: "Timeout", **_OUTCOMES}


def _came_to(after: Iterable[Item], *, queued: bool) -> str:
    outcomes = _OUTCOMES if queued else _OF_AGENTS
    return next((outcomes[item.event] for item in after if item.event in outcomes), "Pending")
