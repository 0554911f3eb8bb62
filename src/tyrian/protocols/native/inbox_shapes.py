"""Conversations, lines, agents and queues as the API shows them."""

from typing import Any

import msgspec

from tyrian.domain.conversation import Agent, Author, Conversation, Item, Leg, PreparedAnswer, Queue
from tyrian.engine.channels import Channels
from tyrian.engine.inbox_port import Happening
from tyrian.protocols.native import inbox_staff_wire as staff, inbox_wire as wire
from tyrian.protocols.native.times import maybe, stamp


def _channel(channels: Channels, channel_id: int | None) -> str | None:
    entry = channels.by_id(channel_id) if channel_id is not None else None
    return entry.channel.name if entry is not None else None


def conversation(channels: Channels, it: Conversation) -> wire.ConversationAnswer:
    """A conversation."""
    return wire.ConversationAnswer(
        id=it.id,
        state=it.state,
        channel=_channel(channels, it.channel_id),
        person=it.address,
        name=it.name,
        subject=it.subject,
        attributes=it.attributes,
        queue_id=it.queue_id,
        agent_id=it.agent_id,
        unread=it.unread,
        opened_at=stamp(it.opened_at),
        updated_at=stamp(it.updated_at),
        closed_at=maybe(it.closed_at),
        last_inbound_at=maybe(it.last_inbound_at),
        last_outbound_at=maybe(it.last_outbound_at),
        legs=[leg(one) for one in it.legs],
    )


def leg(one: Leg) -> wire.LegAnswer:
    """A participant."""
    return wire.LegAnswer(
        id=one.id,
        communication_id=one.communication_id,
        role=one.role,
        state=one.state,
        who=one.who,
        name=one.name,
        started_at=stamp(one.started_at),
        connected_at=maybe(one.connected_at),
        ended_at=maybe(one.ended_at),
        ending=one.ending,
        wrapup=one.wrapup,
        attributes=one.attributes,
    )


def author(one: Author) -> wire.AuthorAnswer:
    """Who did or said something."""
    return wire.AuthorAnswer(kind=one.kind, id=one.id, name=one.name)


def item(channels: Channels, one: Item) -> wire.ItemAnswer:
    """A line."""
    return wire.ItemAnswer(
        id=one.id,
        conversation_id=one.conversation_id,
        kind=one.kind,
        at=stamp(one.at),
        author=author(one.author),
        channel=_channel(channels, one.channel_id),
        content=one.content,
        text=one.text,
        leg_id=one.leg_id,
        inbound_id=one.inbound_id,
        message_id=one.message_id,
        status=one.status,
        reason=one.reason,
        event=one.event,
        data=one.data,
    )


def agent(one: Agent) -> staff.AgentAnswer:
    """An agent."""
    return staff.AgentAnswer(
        id=one.id,
        name=one.name,
        email=one.email,
        state=one.state,
        capacity=one.capacity,
        load=one.load,
        queues=one.queues,
        created_at=stamp(one.created_at),
        updated_at=stamp(one.updated_at),
    )


def queue(one: Queue) -> staff.QueueAnswer:
    """A queue."""
    return staff.QueueAnswer(
        id=one.id,
        name=one.name,
        pick=one.pick,
        alert_time=one.alert_time,
        timezone=one.timezone,
        hours=one.hours,
        waiting=one.waiting,
        created_at=stamp(one.created_at),
        updated_at=stamp(one.updated_at),
    )


def prepared(one: PreparedAnswer) -> staff.PreparedAnswerAnswer:
    """A prepared answer."""
    return staff.PreparedAnswerAnswer(
        id=one.id,
        name=one.name,
        queue_id=one.queue_id,
        content=one.content,
        created_at=stamp(one.created_at),
        updated_at=stamp(one.updated_at),
    )


def happening(channels: Channels, one: Happening) -> Any:
    """What an event tells, as its resource is shown; of one that was removed, its id."""
    if "removed" in one.data or not one.data or one.type == "typing":
        return one.data
    match one.type:
        case "item":
            return item(channels, msgspec.convert(one.data, Item))
        case "conversation":
            return conversation(channels, msgspec.convert(one.data, Conversation))
        case "agent":
            return agent(msgspec.convert(one.data, Agent))
        case _:
            return queue(msgspec.convert(one.data, Queue))
