"""What follows from a conversation: whether it waits, when it must be looked at, who had it."""

from datetime import datetime, timedelta
from uuid import UUID

from tyrian.domain.conversation import Conversation, Ending, LegState, Role


def threads_on(conversation: Conversation, threading_time: int, now: datetime) -> bool:
    """Whether a message of the person goes into this conversation rather than a new one."""
    if conversation.closed_at is None:
        return True
    return now < conversation.closed_at + timedelta(seconds=threading_time)


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
