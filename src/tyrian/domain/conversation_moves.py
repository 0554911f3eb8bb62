"""What may be done with a conversation: each move with what it needs, as data. What it does is in
`domain/conversation_advance.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tyrian.domain.conversation import Author


class NotNow(Exception):
    """A conversation's present state does not allow something. The words say why."""


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
