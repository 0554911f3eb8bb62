"""Native callbacks: the JSON a customer gets for a report or an inbound message, signed.

Signatures follow Standard Webhooks (standardwebhooks.com, specification 1.0.0): `webhook-id` is the same for every
try of one callback, `webhook-timestamp` is the time of this try, and `webhook-signature` carries one signature for
each secret in force, so that a secret can be exchanged without a gap.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from tyrian.domain.submission import Platform
from tyrian.engine.face_ports import CallbackRequest
from tyrian.engine.report import ClickedLink, Report
from tyrian.engine.webhook_signature import signed_headers
from tyrian.protocols.native.times import stamp

#: The kind of a report that brings a conversation to somebody outside.
HANDOVER: Final = "handover"
#: Reports that are not named after the message's status.
_KINDS: Final = {"inbound": "inbound", "click": "clicked"}


class ReportedMessage(Struct, kw_only=True, omit_defaults=True):
    """The message that a callback is about."""

    id: UUID
    bulk_id: UUID | None = None
    to: str
    sender: str | None = None
    status: str
    reason: str | None = None
    channel: str | None = None
    channel_kind: str | None = None
    attempt_id: UUID | None = None
    purpose: str | None = None
    accepted_at: str | None = None
    content: Any = None
    extra: dict[str, Any] | None = None
    click: ClickedLink | None = None


class CallbackBody(Struct, kw_only=True, omit_defaults=True):
    """The body of a callback: `id` names it over all its tries, `type` says what it is about (`message.delivered`)."""

    id: UUID
    type: str
    at: str
    message: ReportedMessage
    data: str | None = None
    platform: Platform | None = None


_encode: Final = msgspec.json.Encoder().encode


def render(report: Report, secrets: Sequence[str], now: datetime) -> CallbackRequest:
    """The callback for a report, signed with each of the secrets."""
    body = _encode(_handover(report) if report.kind == HANDOVER else _body(report))
    headers = {"content-type": "application/json", "user-agent": "Tyrian"}
    if secrets:
        headers.update(signed_headers(str(report.id), int(now.timestamp()), body, secrets))
    return CallbackRequest(headers, body)


def _handover(report: Report) -> dict[str, Any]:
    """The body of a conversation that goes to somebody outside: everything that is known of it."""
    return {"id": report.id, "type": "conversation.handover", "at": stamp(report.at), **(report.content or {})}


def _body(report: Report) -> CallbackBody:
    inbound = report.kind == "inbound"
    return CallbackBody(
        id=report.id,
        type=type_of(report),
        at=stamp(report.at),
        message=ReportedMessage(
            id=report.message_id,
            bulk_id=report.bulk_id,
            to=report.to,
            sender=report.sender,
            status=report.status,
            reason=report.reason,
            channel=report.channel,
            channel_kind=report.channel_kind,
            attempt_id=report.attempt_id,
            purpose=report.purpose,
            accepted_at=stamp(report.accepted_at) if report.accepted_at else None,
            content=report.content,
            extra=report.extra if inbound else None,
            click=report.click,
        ),
        data=report.data,
        platform=report.platform,
    )


def type_of(report: Report) -> str:
    """What a callback calls itself."""
    return f"message.{_KINDS.get(report.kind, report.status)}"
