"""A request to reach people, as every face hands it to intake: the neutral form of a message.

Durations are whole seconds; times are aware datetimes.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from tyrian.domain.content import Content
from tyrian.domain.media import MediaPolicy
from tyrian.domain.purpose import Purpose
from tyrian.domain.schedule import Schedule

#: The default and the most that a message may wait for its delivery, in seconds (48 hours).
MAX_VALIDITY = 48 * 3600
MIN_VALIDITY = 30

Seconds = Annotated[int, Meta(ge=1, le=MAX_VALIDITY)]
Validity = Annotated[int, Meta(ge=MIN_VALIDITY, le=MAX_VALIDITY)]


class Step(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One channel of a cascade, with what it says and how long it may take."""

    channel: Annotated[str, Meta(min_length=1, max_length=64)]
    content: Content
    #: Seconds after which the next step is tried if this one has not delivered.
    fallback_time: Seconds | None = None
    #: Seconds that this step's network may keep trying; no longer than the message's own validity.
    validity: Validity | None = None
    #: The recipient on this channel, where it is another address than the message's.
    to: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class Callback(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where reports go, and what to hand back with each."""

    url: Annotated[str, Meta(min_length=1, max_length=2000)]
    data: Annotated[str, Meta(max_length=4000)] | None = None
    #: Report states wanted; left out: `delivered`, `seen`, `failed`, `expired`, `cancelled`, `clicked`. There are also
    #: `sent`, and for faces `step_failed`: a step ended without a delivery.
    events: Annotated[list[str], Meta(min_length=1)] | None = None
    #: Where `seen` goes, if it goes elsewhere.
    seen_url: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None
    #: Where clicks on tracked links go, if they go elsewhere.
    click_url: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None


class Platform(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The customer's own entity and application, handed back in reports."""

    entity_id: Annotated[str, Meta(max_length=255)] | None = None
    application_id: Annotated[str, Meta(max_length=255)] | None = None


class Plan(Struct, kw_only=True, omit_defaults=True):
    """How a message is to be sent: all but its recipient. Shared by every message of a bulk."""

    cascade: list[Step]
    purpose: Purpose = Purpose.TRANSACTIONAL
    schedule: Schedule | None = None
    validity: int = MAX_VALIDITY
    callback: Callback | None = None
    platform: Platform | None = None
    #: The face that took the message: reports go out in its dialect.
    face: str = "native"
    #: What the face wants back when it renders reports (its own ids and options).
    extra: dict[str, Any] | None = None
    #: A reason for which nothing of it is sent: some dialects accept what can reach nobody, and report it as failed.
    refused: str | None = None
    #: The number of the callback's `seen_url`, filled in when the message is taken.
    seen_endpoint: int | None = None
    #: The same for its `click_url`.
    click_endpoint: int | None = None
    #: Whether link buttons go out as tracked links; None leaves it to the channel.
    track_links: bool | None = None
    #: What is done about its files before it is sent; None leaves it to the channel.
    media: MediaPolicy | None = None
    #: The conversation that it is said in; None where it is in none yet.
    conversation_id: UUID | None = None


class Recipient(Struct, kw_only=True, omit_defaults=True):
    """One person of a submission: the address, and the values for the plan's `{{placeholders}}`."""

    to: str
    variables: dict[str, str] | None = None
    #: A plan of its own, where it differs from the submission's.
    plan: Plan | None = None
    #: The customer's own id of the message, by which it can be found again besides its id.
    name: str | None = None


class Submission(Struct, kw_only=True, omit_defaults=True):
    """What intake takes: recipients under one plan."""

    account_id: int
    plan: Plan
    recipients: list[Recipient]
    #: A bulk can be paused, paced, rescheduled and cancelled as a whole.
    bulk: bool = False
    #: The customer's own id of the bulk. Only for a bulk.
    name: str | None = None
    idempotency_key: str | None = None
    #: Fingerprint of the request, so that the same key with another body is refused.
    fingerprint: bytes | None = None
    accepted_at: datetime | None = None
