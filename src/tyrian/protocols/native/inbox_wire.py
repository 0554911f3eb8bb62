"""What is asked of and answered about conversations, agents and queues. Times are RFC 3339, durations whole seconds."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from tyrian.domain.content import Content
from tyrian.domain.conversation import (
    By,
    ConversationState,
    Ending,
    Event,
    ItemKind,
    LegState,
    Role,
    Target,
)
from tyrian.domain.purpose import Purpose
from tyrian.protocols.native.answers import Next, Time
from tyrian.protocols.native.wire import Page, Since, Until

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Reference = Annotated[str, Meta(min_length=1, max_length=100, description="The name or the id.")]
Acting = Annotated[
    str, Meta(min_length=1, max_length=100, description="The agent who does it, by name or id; left out: your program.")
]
Subject = Annotated[str, Meta(max_length=500, description="What it is about.")]
AttributeName = Annotated[str, Meta(min_length=1, max_length=100)]
AttributeValue = Annotated[str, Meta(max_length=4000)]
Attributes = Annotated[
    dict[AttributeName, AttributeValue], Meta(max_length=100, description="Whatever is to be known of it: texts, flat.")
]
AttributeChanges = Annotated[
    dict[AttributeName, AttributeValue | None],
    Meta(max_length=100, description="Attributes to set; `null` removes one. Those not named stay."),
]
Wrapup = Annotated[str, Meta(max_length=4000, description="What the agent notes at the end.")]
Moment = Annotated[datetime, Meta(tz=True)]


class Body(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every request of the inbox is."""


# -- Conversations ----------------------------------------------------------------------------------------------------


class ConversationFilter(Page, kw_only=True, forbid_unknown_fields=True):
    """Which conversations to list, the last updated first."""

    state: Annotated[ConversationState, Meta(description="Only conversations in this state.")] | None = None
    waiting: (
        Annotated[bool, Meta(description="Only those that wait in a queue for an agent, or only the others.")] | None
    ) = None
    channel: Annotated[str, Meta(max_length=64, description="Only those on this channel.")] | None = None
    person: Annotated[str, Meta(max_length=64, description="Only those with this person.")] | None = None
    queue: Annotated[str, Meta(max_length=100, description="Only those of this queue, by name or id.")] | None = None
    agent: Annotated[str, Meta(max_length=100, description="Only those of this agent, by name or id.")] | None = None
    text: (
        Annotated[
            str,
            Meta(
                max_length=200,
                description='Only those in which these words were said or noted; "..." for a phrase, - before a word.',
            ),
        ]
        | None
    ) = None
    since: Since | None = None
    until: Until | None = None


class ItemFilter(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which lines of a thread to read."""

    limit: Annotated[int, Meta(ge=1, le=500, description="The most lines of the answer.")] = 50
    before: Annotated[UUID, Meta(description="Only lines before this one.")] | None = None
    after: Annotated[UUID, Meta(description="Only lines after this one.")] | None = None


class OpenConversation(Body):
    """A conversation to open, with a person on a channel."""

    channel: Annotated[str, Meta(min_length=1, max_length=64)]
    person: Annotated[str, Meta(min_length=1, max_length=64, description="Their address on the channel.")]
    name: Name | None = None
    subject: Subject | None = None
    attributes: Attributes = {}
    queue: Reference | None = None
    agent: Reference | None = None
    reopen: Annotated[
        bool, Meta(description="Whether one that was closed within the channel's threading time is opened again.")
    ] = True


class AmendConversation(Body):
    """What to change of a conversation; what is left out stays."""

    name: Name | None = None
    subject: Subject | None = None
    attributes: AttributeChanges = {}
    leg_id: Annotated[UUID, Meta(description="The participant whose attributes are meant.")] | None = None


class SendInConversation(Body):
    """What to say to the person."""

    content: Content
    by: Acting | None = None
    purpose: Annotated[
        Purpose, Meta(description="`session`, unless it may go outside of the session and by which rules.")
    ] = Purpose.SESSION


class NoteRequest(Body):
    """A note."""

    text: Annotated[str, Meta(min_length=1, max_length=4000)]
    by: Acting | None = None


class AssignRequest(Body):
    """Whom it is given to: a queue, or an agent."""

    queue: Reference | None = None
    agent: Reference | None = None
    by: Acting | None = None


class AcceptRequest(Body):
    """Who takes it, or does not: an agent, or the participant that is alerted."""

    agent: Reference | None = None
    leg_id: UUID | None = None


class TransferRequest(Target, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where it goes: exactly one of `queue`, `agent`, `channel` and `external`."""

    note: Annotated[str, Meta(max_length=4000, description="A note for whoever gets it.")] | None = None
    attended: Annotated[bool, Meta(description="The present agent stays until the target accepts.")] = False
    by: Acting | None = None


class CloseRequest(Body):
    """How it ends."""

    wrapup: Wrapup | None = None
    by: Acting | None = None


class ByRequest(Body):
    """Who does it."""

    by: Acting | None = None


class AuthorAnswer(Struct, kw_only=True):
    """Who did or said something."""

    kind: By
    id: str | None
    name: str | None


class LegAnswer(Struct, kw_only=True):
    """One who takes part, or took part. `who` is the id of the agent or queue."""

    id: UUID
    communication_id: UUID
    role: Role
    state: LegState
    who: str | None
    name: str | None
    started_at: Time
    connected_at: Time | None
    ended_at: Time | None
    ending: Ending | None
    wrapup: str | None
    attributes: dict[str, str]


class ItemAnswer(Struct, kw_only=True):
    """One line of a thread."""

    id: UUID
    conversation_id: UUID
    kind: ItemKind
    at: Time
    author: AuthorAnswer
    channel: str | None
    content: Content | None
    text: str | None
    leg_id: UUID | None
    inbound_id: UUID | None
    message_id: UUID | None
    status: str | None
    reason: str | None
    event: Event | None
    data: dict[str, Any]


class ConversationAnswer(Struct, kw_only=True):
    """A conversation."""

    id: UUID
    state: ConversationState
    channel: str | None
    person: str
    name: str | None
    subject: str | None
    attributes: dict[str, str]
    queue_id: UUID | None
    agent_id: UUID | None
    unread: int
    opened_at: Time
    updated_at: Time
    closed_at: Time | None
    last_inbound_at: Time | None
    last_outbound_at: Time | None
    legs: list[LegAnswer]


class ConversationList(Struct, kw_only=True):
    """A page of conversations."""

    conversations: list[ConversationAnswer]
    next: Next


class ItemList(Struct, kw_only=True):
    """Lines of a thread, in their order."""

    items: list[ItemAnswer]


class WatchParameters(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to watch."""

    conversation: Annotated[UUID, Meta(description="Only what happens in this conversation.")] | None = None
    after: Annotated[int, Meta(ge=0, le=2**63 - 1, description="Only events after this number.")] | None = None
