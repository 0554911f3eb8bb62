"""What is asked of and answered about agents, queues, prepared answers and channels' inboxes."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from tyrian.domain.content import Content
from tyrian.domain.conversation import MAX_IDLE_TIME, THREADING_TIME, AgentState, Hours, Pick
from tyrian.protocols.native.answers import Time
from tyrian.protocols.native.inbox_wire import Name, Reference

Capacity = Annotated[int, Meta(ge=0, le=1000, description="How many conversations the agent takes at a time.")]
AlertTime = Annotated[
    int, Meta(ge=5, le=86400, description="Seconds to accept in; then the agent is away, and another is asked.")
]
Email = Annotated[str, Meta(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
Zone = Annotated[str, Meta(min_length=1, max_length=64, description="The IANA name of the time zone of the hours.")]
OpenHours = Annotated[list[Hours], Meta(max_length=50, description="When agents are picked; empty: always.")]


# -- Agents and queues ------------------------------------------------------------------------------------------------


class AgentRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An agent. Queues by name or id."""

    name: Name
    email: Email | None = None
    state: AgentState = AgentState.OFFLINE
    capacity: Capacity = 5
    queues: Annotated[list[Reference], Meta(max_length=200)] = []


class AgentChange(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to change of an agent; what is left out stays."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType | None = UNSET
    state: AgentState | UnsetType = UNSET
    capacity: Capacity | UnsetType = UNSET
    queues: Annotated[list[Reference], Meta(max_length=200)] | UnsetType = UNSET


class AgentAnswer(Struct, kw_only=True):
    """An agent; `load` is how many conversations they have."""

    id: UUID
    name: str
    email: str | None
    state: AgentState
    capacity: int
    load: int
    queues: list[UUID]
    created_at: Time
    updated_at: Time


class AgentList(Struct, kw_only=True):
    """All agents."""

    agents: list[AgentAnswer]


class RequeuedAnswer(Struct, kw_only=True):
    """How many conversations went back, and how many came from no queue and stayed."""

    requeued: int
    kept: int


class QueueRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A queue."""

    name: Name
    pick: Pick = Pick.LONGEST_IDLE
    alert_time: AlertTime | None = None
    timezone: Zone = "UTC"
    hours: OpenHours = []


class QueueChange(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to change of a queue; what is left out stays."""

    name: Name | UnsetType = UNSET
    pick: Pick | UnsetType = UNSET
    alert_time: AlertTime | UnsetType | None = UNSET
    timezone: Zone | UnsetType = UNSET
    hours: OpenHours | UnsetType = UNSET


class QueueAnswer(Struct, kw_only=True):
    """A queue; `waiting` is how many conversations wait in it."""

    id: UUID
    name: str
    pick: Pick
    alert_time: int | None
    timezone: str
    hours: list[Hours]
    waiting: int
    created_at: Time
    updated_at: Time


class QueueList(Struct, kw_only=True):
    """All queues."""

    queues: list[QueueAnswer]


# -- Prepared answers, channels, settings -----------------------------------------------------------------------------


class PreparedRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A prepared answer. `{{name}}`, `{{person}}` and the conversation's attributes are filled in."""

    name: Name
    content: Content
    queue: Annotated[str, Meta(min_length=1, max_length=100, description="Only for this queue.")] | None = None


class PreparedFilter(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which prepared answers to list."""

    queue: Annotated[str, Meta(max_length=100, description="Those for this queue, and those for all.")] | None = None
    conversation: (
        Annotated[UUID, Meta(description="Those for this conversation's queue, with its values filled in.")] | None
    ) = None


class PreparedAnswerAnswer(Struct, kw_only=True):
    """A prepared answer."""

    id: UUID
    name: str
    queue_id: UUID | None
    content: Content
    created_at: Time
    updated_at: Time


class PreparedList(Struct, kw_only=True):
    """Prepared answers, by name."""

    answers: list[PreparedAnswerAnswer]


class ChannelInboxRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the messages of a channel become conversations."""

    queue: Annotated[str, Meta(min_length=1, max_length=100, description="Where new ones wait.")] | None = None
    threading_time: Annotated[
        int, Meta(ge=0, le=THREADING_TIME, description="Seconds in which a closed one goes on with a new message.")
    ] = THREADING_TIME
    idle_time: (
        Annotated[int, Meta(ge=60, le=MAX_IDLE_TIME, description="Seconds of silence that close one.")] | None
    ) = None


class ChannelInboxAnswer(Struct, kw_only=True):
    """A channel's inbox."""

    channel: str
    queue_id: UUID | None
    threading_time: int
    idle_time: int | None


class InboxSettings(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What holds for the whole inbox."""

    handover_url: (
        Annotated[str, Meta(min_length=1, max_length=2000, description="Where transfers to `external` are brought.")]
        | None
    ) = None


class InboxSettingsAnswer(Struct, kw_only=True):
    """What holds for the whole inbox."""

    handover_url: str | None
