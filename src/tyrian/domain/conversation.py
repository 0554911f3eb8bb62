"""The two-way thread with one person: the conversation, those who take part in it, and what was said.

Times are aware datetimes, durations whole seconds. How a conversation changes is in `domain/conversation_advance.py`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from tyrian.domain.content import Content

#: Seconds for which a closed conversation goes on when its person writes again (72 hours); also the most there may be.
THREADING_TIME = 72 * 3600
MAX_IDLE_TIME = 366 * 24 * 3600

Name = Annotated[str, Meta(min_length=1, max_length=100)]
AttributeName = Annotated[str, Meta(min_length=1, max_length=100)]
AttributeValue = Annotated[str, Meta(max_length=4000)]


class ConversationState(StrEnum):
    """Where a conversation stands."""

    OPEN = "open"
    #: On its way to another queue, agent or channel, which has not taken it yet.
    TRANSFERRED = "transferred"
    CLOSED = "closed"


#: Its name where only conversations are spoken of; the API needs the long one, for circuits have states too.
State = ConversationState


class Role(StrEnum):
    """What a leg of a conversation is."""

    CUSTOMER = "customer"
    QUEUE = "queue"
    AGENT = "agent"
    FLOW = "flow"
    API = "api"
    #: Somebody outside of Tyrian, whom the conversation was handed to with its context: a voice agent, another system.
    EXTERNAL = "external"


class LegState(StrEnum):
    """Where a leg stands."""

    ALERTING = "alerting"
    CONNECTED = "connected"
    ENDED = "ended"


class Ending(StrEnum):
    """How a leg ended."""

    #: The conversation went on to somebody else.
    TRANSFER = "transfer"
    #: Whoever it is left, declined or closed.
    CLIENT = "client"
    #: The gateway ended it: the conversation was closed by another, or was idle too long.
    SYSTEM = "system"
    #: The other side ended it: the agent closed it, for the customer's leg.
    PEER = "peer"
    #: It alerted too long without being accepted.
    TIMEOUT = "timeout"


class By(StrEnum):
    """What kind of author did something."""

    PERSON = "person"
    AGENT = "agent"
    FLOW = "flow"
    API = "api"
    SYSTEM = "system"


class Author(Struct, frozen=True, omit_defaults=True):
    """Who did something. `id` is an agent's id, a flow's name, a key's number; None for the gateway itself."""

    kind: By
    id: str | None = None
    name: str | None = None


#: The gateway itself.
SYSTEM = Author(By.SYSTEM)


class Leg(Struct, kw_only=True, omit_defaults=True):
    """One who takes part, or took part, in a conversation.

    `who` is the id of the queue or agent, or the name of the flow. The wrap-up is what an agent noted at the end.
    """

    id: UUID
    communication_id: UUID
    role: Role
    state: LegState
    started_at: datetime
    who: str | None = None
    name: str | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    ending: Ending | None = None
    wrapup: str | None = None
    attributes: dict[str, str] = {}
    #: Until when it alerts.
    until: datetime | None = None
    #: Of a customer: when an agent first answered.
    answered_at: datetime | None = None

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.state is not LegState.ENDED


class Conversation(Struct, kw_only=True, omit_defaults=True):
    """A two-way thread with one person on one channel.

    `person` is their address as people are known by on the channel (`engine.reacting.person_of`), `address` as it is
    written to. `queue_id` is the queue it belongs to, `agent_id` the agent who has it, alerting or connected.
    `revision` rises with every change.
    """

    id: UUID
    account_id: int
    channel_id: int
    person: str
    address: str
    opened_at: datetime
    updated_at: datetime
    name: str | None = None
    state: ConversationState = ConversationState.OPEN
    subject: str | None = None
    attributes: dict[str, str] = {}
    legs: list[Leg] = []
    closed_at: datetime | None = None
    last_inbound_at: datetime | None = None
    last_outbound_at: datetime | None = None
    #: Messages of the person since an agent last read the conversation or wrote in it.
    unread: int = 0
    queue_id: UUID | None = None
    agent_id: UUID | None = None
    revision: int = 0

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self.state is ConversationState.CLOSED

    def live(self, *roles: Role) -> list[Leg]:
        """The legs that have not ended, of these roles or of any."""
        return [leg for leg in self.legs if leg.live and (not roles or leg.role in roles)]

    def leg(self, identifier: UUID) -> Leg | None:
        """The leg of this id, or with this communication id."""
        return next((leg for leg in self.legs if identifier in (leg.id, leg.communication_id)), None)

    @property
    def with_agent(self) -> bool:
        """Whether people have it in hand: it is open, and a queue, an agent or somebody outside holds it."""
        return not self.closed and bool(self.live(Role.QUEUE, Role.AGENT, Role.EXTERNAL))


class ItemKind(StrEnum):
    """What a line of the thread is."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    NOTE = "note"
    EVENT = "event"


class Event(StrEnum):
    """What happened to a conversation, as its thread and the events of the inbox tell it."""

    OPENED = "opened"
    QUEUED = "queued"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    MISSED = "missed"
    TRANSFERRED = "transferred"
    LEFT = "left"
    CLOSED = "closed"
    REOPENED = "reopened"


class Item(Struct, kw_only=True, omit_defaults=True):
    """One line of a conversation's thread.

    An inbound one carries the id and content of the person's message, an outbound one those of the message sent, with
    its present `status` and `reason`. A note's words are in `text`. An event has its word and `data`.
    """

    id: UUID
    conversation_id: UUID
    kind: ItemKind
    at: datetime
    author: Author
    content: Content | None = None
    text: str | None = None
    channel_id: int | None = None
    leg_id: UUID | None = None
    inbound_id: UUID | None = None
    message_id: UUID | None = None
    provider_id: str | None = None
    status: str | None = None
    reason: str | None = None
    event: Event | None = None
    data: dict[str, Any] = {}


class Opening(Struct, kw_only=True, omit_defaults=True):
    """What a conversation is opened with. Queue and agent by id or name; `name` is the person's.

    `reopen`: the last one that was closed is opened again if that is not longer ago than the channel's threading time.
    `fresh`: what is there already is not enough: `NotNow` where the person has one that is not closed, or, without
    `reopen`, one that would be opened again.
    """

    name: str | None = None
    subject: str | None = None
    attributes: dict[str, str] = {}
    queue: str | None = None
    agent: str | None = None
    reopen: bool = True
    fresh: bool = False


class Target(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a conversation is transferred to: exactly one of these.

    Queues and agents by id or name. `channel` is the name of a channel on which it goes on with the same person, at
    `address` where that is not the address they have here. `external` names a destination outside of Tyrian (a voice
    queue, another system), which gets the whole context by the account's handover callback.
    """

    queue: Name | None = None
    agent: Name | None = None
    channel: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    address: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    external: Name | None = None


class AgentState(StrEnum):
    """Whether an agent takes conversations."""

    AVAILABLE = "available"
    AWAY = "away"
    OFFLINE = "offline"


class Agent(Struct, kw_only=True, omit_defaults=True):
    """A person who answers. `capacity` is how many conversations they take at a time; `load` how many they have."""

    id: UUID
    name: str
    email: str | None = None
    state: AgentState = AgentState.OFFLINE
    capacity: int = 5
    queues: list[UUID] = []
    load: int = 0
    created_at: datetime
    updated_at: datetime


class Pick(StrEnum):
    """How a queue picks an agent."""

    LONGEST_IDLE = "longest_idle"
    ROUND_ROBIN = "round_robin"
    #: Nobody is picked: agents take conversations themselves.
    MANUAL = "manual"


class Hours(Struct, kw_only=True, forbid_unknown_fields=True):
    """When a queue is open on one day of the week: from and until, as HH:MM in the queue's time zone."""

    day: Annotated[int, Meta(ge=1, le=7, description="ISO 8601: Monday is 1, Sunday 7.")]
    opens: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    closes: Annotated[str, Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]


class Queue(Struct, kw_only=True, omit_defaults=True):
    """Conversations that wait for an agent. `alert_time` is how long an agent may take to accept; None: any time."""

    id: UUID
    name: str
    pick: Pick = Pick.LONGEST_IDLE
    alert_time: int | None = None
    timezone: str = "UTC"
    #: When agents are picked; empty: always.
    hours: list[Hours] = []
    waiting: int = 0
    created_at: datetime
    updated_at: datetime


class PreparedAnswer(Struct, kw_only=True):
    """An answer that agents have at hand. `{{name}}` and the conversation's attributes are filled in."""

    id: UUID
    name: str
    queue_id: UUID | None
    content: Content
    created_at: datetime
    updated_at: datetime


class ChannelInbox(Struct, omit_defaults=True):
    """How a channel's messages become conversations. Times in seconds.

    `threading_time`: how long after its end a conversation goes on when its person writes again; 0: never.
    `idle_time`: how long nothing may be said before it closes by itself; None: it does not.
    """

    queue_id: UUID | None = None
    threading_time: int = THREADING_TIME
    idle_time: int | None = None


class Search(Struct, kw_only=True):
    """Which conversations are wanted. Queues and agents by id; `text` is looked for in what was said and noted."""

    state: ConversationState | None = None
    #: Whether it waits in a queue, and nobody is alerted.
    waiting: bool | None = None
    channel_id: int | None = None
    person: str | None = None
    queue_id: UUID | None = None
    agent_id: UUID | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    #: Only those that were updated before this one: the last of the page before.
    before: tuple[datetime, UUID] | None = None
    #: Only those that are not closed.
    open: bool = False
    #: How many of the first are passed over.
    offset: int = 0
    limit: int = 50
