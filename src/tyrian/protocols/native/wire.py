"""What customers may send: the bodies of requests and the parameters of their URLs.

Unknown fields are refused everywhere: a misspelt name must never be silently without effect.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from msgspec import Meta, Struct

from tyrian.domain import submission
from tyrian.domain.media import MediaPolicy
from tyrian.domain.purpose import Purpose
from tyrian.domain.schedule import Schedule
from tyrian.domain.submission import Platform, Step, Validity
from tyrian.engine.checking import MAX_STEPS

T = TypeVar("T")

To = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        description=(
            "The recipient: a phone number in international form, or the id that a channel's network gives a person."
        ),
        examples=["+385991234501"],
    ),
]
Cascade = Annotated[
    list[Step],
    Meta(
        min_length=1,
        max_length=MAX_STEPS,
        description="The channels to try, in order, each with its content and its fallback time.",
    ),
]
Variables = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=64)], Annotated[str, Meta(max_length=4000)]],
    Meta(max_length=100, description="The values for the `{{placeholders}}` of the content, by name."),
]
About = Annotated[Purpose, Meta(description="What the message is for; decides content rules and priority.")]
ValidFor = Annotated[
    Validity, Meta(description="Whole seconds after which a message not delivered is given up; 48 hours by default.")
]
TrackLinks = Annotated[
    bool | None,
    Meta(
        description="Whether link buttons go out as links of the gateway's own, so that clicks are counted and "
        "reported. Left out, it is so for buttons with an `id` on channels that are set so."
    ),
]
Files = Annotated[
    MediaPolicy | None,
    Meta(
        description="What is done about the message's files before it is sent: `as_is` nothing; `probe` looks at them, "
        "and does not send what the channel does not take; `fit` makes pictures fit besides. Left out, the channel's."
    ),
]
ReportState = Literal["sent", "delivered", "seen", "failed", "expired", "cancelled", "clicked"]


class Callback(submission.Callback, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where reports go, what to hand back with each, and which are wanted (all outcomes, if not said)."""

    events: Annotated[list[ReportState], Meta(min_length=1)] | None = None  # type: ignore[assignment]


class _Plan(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every request to send may say."""

    purpose: About = Purpose.TRANSACTIONAL
    schedule: Schedule | None = None
    validity: ValidFor | None = None
    callback: Callback | None = None
    platform: Platform | None = None
    track_links: TrackLinks = None
    media: Files = None


class SendRequest(_Plan, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One message."""

    to: To
    cascade: Cascade
    variables: Variables | None = None


class Entry(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One message of many. What it does not say, it takes from the request."""

    to: To
    variables: Variables | None = None
    cascade: Cascade | None = None
    purpose: About | None = None
    validity: ValidFor | None = None
    callback: Callback | None = None
    platform: Platform | None = None


Name = Annotated[str, Meta(min_length=1, max_length=200, description="A name for people to find the bulk by.")]


class SendManyRequest(_Plan, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Many messages as one bulk. The fields beside `messages` are shared by all that do not say otherwise."""

    messages: Annotated[list[Entry], Meta(min_length=1)]
    cascade: Cascade | None = None


class BulkRequest(_Plan, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A bulk to which recipients are added afterwards."""

    cascade: Cascade
    name: Name | None = None


class BulkEntry(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One recipient of a bulk."""

    to: To
    variables: Variables | None = None


Offset = Annotated[
    int,
    Meta(
        ge=0,
        le=2**31 - 1,
        description="How many recipients the bulk had before these. Those it has already are passed over, so that an "
        "interrupted upload can be repeated; a gap is a conflict.",
    ),
]


class AppendRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Recipients for an open bulk."""

    messages: Annotated[list[BulkEntry], Meta(min_length=1)]
    offset: Offset | None = None


class RescheduleRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """Another schedule for what has not begun; `null` for none."""

    schedule: Schedule | None


class RedeliverRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which parked callbacks to bring again: those made at or after `since`; all, if not said."""

    since: Annotated[datetime, Meta(tz=True)] | None = None


# -- Parameters of URLs -----------------------------------------------------------------------------------------------

Limit = Annotated[int, Meta(ge=1, le=1000, description="The most entries of the answer.")]
Cursor = Annotated[str, Meta(max_length=64, description="The `next` of the answer before, to go on from there.")]
Since = Annotated[datetime, Meta(tz=True, description="Only what was taken at this time or later (RFC 3339).")]
Until = Annotated[datetime, Meta(tz=True, description="Only what was taken before this time (RFC 3339).")]
MessageState = Literal[
    "accepted", "scheduled", "sending", "sent", "delivered", "seen", "failed", "expired", "cancelled"
]


class Page(Struct, kw_only=True, forbid_unknown_fields=True):
    """What every list takes."""

    limit: Limit = 100
    cursor: Cursor | None = None


class MessageFilter(Page, kw_only=True, forbid_unknown_fields=True):
    """Which messages to list, newest first."""

    status: Annotated[MessageState, Meta(description="Only messages in this state.")] | None = None
    reason: Annotated[str, Meta(max_length=64, description="Only messages with this reason word.")] | None = None
    to: Annotated[str, Meta(max_length=64, description="Only messages to this recipient.")] | None = None
    channel: (
        Annotated[str, Meta(max_length=64, description="Only messages that were tried on this channel.")] | None
    ) = None
    purpose: Annotated[Purpose, Meta(description="Only messages of this purpose.")] | None = None
    bulk_id: Annotated[UUID, Meta(description="Only messages of this bulk.")] | None = None
    since: Since | None = None
    until: Until | None = None


class BulkFilter(Page, kw_only=True, forbid_unknown_fields=True):
    """Which bulks to list, newest first."""

    state: (
        Annotated[Literal["running", "paused", "cancelled", "finished"], Meta(description="Only bulks in this state.")]
        | None
    ) = None


class CallbackFilter(Page, kw_only=True, forbid_unknown_fields=True):
    """Which callbacks to list, newest first."""

    state: (
        Annotated[
            Literal["failing", "parked"],
            Meta(description="`failing`: refused at least once and tried again; `parked`: given up until redelivered."),
        ]
        | None
    ) = None
    message_id: Annotated[UUID, Meta(description="Only callbacks about this message.")] | None = None


class InboundFilter(Page, kw_only=True, forbid_unknown_fields=True):
    """Which inbound messages to list, newest first."""

    channel: Annotated[str, Meta(max_length=64, description="Only messages to this channel.")] | None = None
    sender: Annotated[str, Meta(max_length=64, description="Only messages from this person.")] | None = None
    since: Since | None = None
    until: Until | None = None


class AppendParameters(Struct, kw_only=True, forbid_unknown_fields=True):
    """What adding recipients as NDJSON takes in its URL."""

    offset: Offset | None = None


class NoParameters(Struct, kw_only=True, forbid_unknown_fields=True):
    """A URL without parameters."""
