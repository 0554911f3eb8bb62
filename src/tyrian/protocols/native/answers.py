"""What the API answers, as structs: the schemas of its documentation and the bytes on the wire are one.

Times are RFC 3339 in UTC with milliseconds; a field without a value is `null`, never left out.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tyrian.domain.limits import Bound
from tyrian.domain.media import MediaRule
from tyrian.domain.purpose import Purpose
from tyrian.domain.schedule import Schedule
from tyrian.domain.submission import Platform

Time = Annotated[str, Meta(description="RFC 3339, UTC, milliseconds.", extra_json_schema={"format": "date-time"})]
Next = Annotated[str | None, Meta(description="The `cursor` of the next page; `null` on the last.")]


class AcceptedAnswer(Struct, kw_only=True):
    """A message that was taken. A single message is a bulk of one, under its own id."""

    id: UUID
    bulk_id: UUID
    to: str
    status: str


class AcceptedEntry(Struct, kw_only=True):
    """One of many messages that were taken."""

    id: UUID
    to: str
    status: str


class AcceptedManyAnswer(Struct, kw_only=True):
    """Messages that were taken, in the order of the request."""

    bulk_id: UUID
    messages: list[AcceptedEntry]


class AttemptAnswer(Struct, kw_only=True):
    """One channel tried. `id` is `null` for a step that was passed over (`skipped`)."""

    id: UUID | None
    step: int
    channel: str | None
    to: str
    status: str
    reason: str | None
    tries: int
    started_at: Time | None
    sent_at: Time | None
    delivered_at: Time | None
    seen_at: Time | None
    provider_ref: str | None


class MessageSummary(Struct, kw_only=True):
    """A message, as lists show it. `channel` is the one tried last."""

    id: UUID
    bulk_id: UUID
    to: str
    status: str
    reason: str | None
    purpose: str
    channel: str | None
    accepted_at: Time
    updated_at: Time


class MessageAnswer(MessageSummary, kw_only=True):
    """A message with its attempts, its cascade as it was accepted, and what the request handed in to hand back."""

    due_at: Time
    valid_until: Time
    attempts: list[AttemptAnswer]
    cascade: Annotated[list[Any], Meta(description="The steps, as the request gave them.")]
    variables: dict[str, str] | None
    data: str | None
    platform: Platform | None


class MessageList(Struct, kw_only=True):
    """A page of messages, newest first. A page may be short although more follow; `next` alone tells."""

    messages: list[MessageSummary]
    next: Next


class EventAnswer(Struct, kw_only=True):
    """One line of a message's history."""

    at: Time
    type: str
    reason: str | None
    attempt_id: UUID | None
    channel: str | None
    detail: Any


class EventList(Struct, kw_only=True):
    """A message's history, oldest first."""

    events: list[EventAnswer]


class ExchangeAnswer(Struct, kw_only=True):
    """What was said to a network or to the customer's endpoint, and what came back. Secrets are replaced by `***`."""

    at: Time
    event: str
    attempt_id: UUID | None
    channel: str | None
    url: str | None
    request: str
    response: str | None
    status: int | None
    milliseconds: float | None
    error: str | None


class ExchangeList(Struct, kw_only=True):
    """A message's exchanges, oldest first."""

    exchanges: list[ExchangeAnswer]


class LinkAnswer(Struct, kw_only=True):
    """A tracked link: where it leads, as what it went out, and how often it was followed."""

    url: str
    short_url: str
    button_id: str | None
    channel: str | None
    attempt_id: UUID
    clicks: int
    first_click_at: Time | None
    last_click_at: Time | None
    created_at: Time


class LinkList(Struct, kw_only=True):
    """A message's tracked links, in the order in which they went out."""

    links: list[LinkAnswer]


class BulkSummary(Struct, kw_only=True):
    """A bulk, as lists show it. `released` counts the messages that were let go on their way."""

    id: UUID
    name: str | None
    state: str
    sealed: bool
    total: int
    released: int
    created_at: Time
    updated_at: Time


class BulkAnswer(Struct, kw_only=True):
    """A bulk as it stands: messages by status, pace, and when it will be done (`null` where that cannot be told)."""

    id: UUID
    name: str | None
    state: str
    sealed: bool
    total: int
    released: int
    counts: dict[str, int]
    per_second: float | None
    done_by: Time | None
    schedule: Schedule | None
    created_at: Time


class BulkList(Struct, kw_only=True):
    """A page of bulks, newest first."""

    bulks: list[BulkSummary]
    next: Next


class AppendedAnswer(Struct, kw_only=True):
    """Recipients that were added. `total` is how many the bulk has now: the `offset` of the next upload."""

    bulk_id: UUID
    total: int


class RetriedAnswer(Struct, kw_only=True):
    """The new bulk with the failed and expired messages of another."""

    bulk_id: UUID
    messages: int


class CallbackAnswer(Struct, kw_only=True):
    """A callback that the customer's endpoint has not taken."""

    id: int
    message_id: UUID
    type: str
    url: str
    state: str
    tries: int
    reason: str | None
    created_at: Time
    next_try_at: Time | None


class CallbackList(Struct, kw_only=True):
    """A page of callbacks, newest first."""

    callbacks: list[CallbackAnswer]
    next: Next


class RedeliveredAnswer(Struct, kw_only=True):
    """How many callbacks will be tried again now."""

    callbacks: int


class InboundMedia(Struct, kw_only=True):
    """The file of a message, where the channel has files kept here."""

    status: Annotated[
        Literal["waiting", "hosted", "failed", "gone"],
        Meta(
            description="`waiting`: it is being fetched; `hosted`: `content.url` is the gateway's own link; `failed`: "
            "it could not be kept, and `problem` says why; `gone`: it was kept, and its time is over or it was deleted."
        ),
    ]
    id: Annotated[UUID | None, Meta(description="The hosted file.")]
    original_url: Annotated[str | None, Meta(description="The network's link.")]
    problem: str | None


class InboundAnswer(Struct, kw_only=True):
    """A message from a person."""

    id: UUID
    channel: str | None
    sender: str
    to: str
    received_at: Time
    content: Any
    extra: Any
    media: InboundMedia | None


class InboundList(Struct, kw_only=True):
    """A page of inbound messages, newest first."""

    messages: list[InboundAnswer]
    next: Next


class ContentRules(Struct, kw_only=True):
    """The bounds of one content type. `media` says what the files behind its URLs must be."""

    bounds: list[Bound]
    media: list[MediaRule] = []


class CapabilitiesAnswer(Struct, kw_only=True):
    """What a channel can carry. Each bound names its source. `common` holds for every content type."""

    channel: str
    kind: str
    title: str
    contents: dict[str, ContentRules]
    common: list[Bound]
    purposes: Annotated[
        dict[Purpose, list[str]],
        Meta(description="The content shapes that a purpose allows; a purpose not named allows any."),
    ]
    max_bytes: int | None
    receipts: list[str]
    inbound: bool
    source: str


class CapabilitiesList(Struct, kw_only=True):
    """What each channel of the account can carry."""

    channels: list[CapabilitiesAnswer]
