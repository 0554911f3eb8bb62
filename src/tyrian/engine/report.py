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


class Report(Struct, kw_only=True, omit_defaults=True):
    """One report (`kind` "message") or inbound message (`kind` "inbound").

    `id` names this callback over all its tries. `status` and `reason` are the message's, `channel` and `attempt_id`
    those of the attempt that brought the change. `content` is the inbound message's, as JSON values.
    """

    id: UUID
    kind: str = "message"
    face: str = "native"
    account_id: int
    message_id: UUID
    bulk_id: UUID | None = None
    to: str
    sender: str | None = None
    status: str
    reason: str | None = None
    channel: str | None = None
    channel_kind: str | None = None
    attempt_id: UUID | None = None
    step: int = 0
    at: datetime
    accepted_at: datetime | None = None
    purpose: str | None = None
    data: str | None = None
    platform: Platform | None = None
    content: Any = None
    extra: dict[str, Any] | None = None


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Report).decode
