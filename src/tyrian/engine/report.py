"""What Tyrian tells a customer about a message, or brings from a person: the neutral form of every callback.

Written whole when the change is committed, so that bringing it needs no look at the message; the face that took the
message spells it in its dialect when the callback goes out.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from tyrian.domain.submission import Platform


class AttemptLine(Struct, kw_only=True, omit_defaults=True):
    """One attempt as it stands. `ref` is the network's own id, `at` the time of the last change."""

    channel: str | None
    kind: str | None
    network: str | None
    attempt_id: UUID
    step: int
    status: str
    reason: str | None = None
    ref: str | None = None
    at: datetime


class Paired(Struct, kw_only=True, omit_defaults=True):
    """The message that an inbound one answers, as far as dialects tell of it."""

    message_id: UUID
    attempt_id: UUID | None = None
    name: str | None = None
    bulk_id: UUID | None = None
    bulk_name: str | None = None
    face: str
    data: str | None = None
    platform: Platform | None = None
    extra: dict[str, Any] | None = None
    accepted_at: datetime


class ClickedLink(Struct, kw_only=True, omit_defaults=True):
    """A tracked link that was followed. `address` is the caller's, where the gateway keeps it."""

    url: str
    button_id: str | None = None
    user_agent: str | None = None
    address: str | None = None


class Report(Struct, kw_only=True, omit_defaults=True):
    """One report (`kind` "message"), inbound message ("inbound") or click on a tracked link ("click").

    `id` names this callback over all its tries. `status` and `reason` are the message's, `channel` and `attempt_id`
    those of the attempt that brought the change. `content` is the inbound message's, as JSON values.
    """

    id: UUID
    kind: str = "message"
    face: str = "native"
    account_id: int
    message_id: UUID
    bulk_id: UUID | None = None
    #: The customer's own ids of message and bulk.
    name: str | None = None
    bulk_name: str | None = None
    to: str
    sender: str | None = None
    status: str
    reason: str | None = None
    channel: str | None = None
    channel_kind: str | None = None
    network: str | None = None
    attempt_id: UUID | None = None
    step: int = 0
    at: datetime
    accepted_at: datetime | None = None
    purpose: str | None = None
    data: str | None = None
    platform: Platform | None = None
    content: Any = None
    extra: dict[str, Any] | None = None
    #: The network's own id of an inbound message.
    provider_id: str | None = None
    #: What an inbound message answers: the last message to this person on this channel.
    paired: Paired | None = None
    #: Where this callback goes, for faces whose signatures depend on it. Filled in for `render`, never stored.
    endpoint_url: str | None = None
    #: Of a click: what was followed. `at` says when.
    click: ClickedLink | None = None
    #: The message's attempts in the order of the cascade, for faces that ask for them (`Face.needs_attempts`).
    attempts: list[AttemptLine] | None = None


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Report).decode
