"""Callbacks: what became of a message, and what people write, as tyntec's webhooks have it, signed as they are.

Signature version 1.0: Base64URL of the HMAC over the time header, a line feed and the raw body. How version and time
are written and that padding is kept is assumed.
"""

import base64
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from tyrian.engine.face_ports import CallbackRequest
from tyrian.engine.report import Report
from tyrian.protocols.tyntec import statuses, wire
from tyrian.protocols.tyntec.accounts import WORDS, Signing
from tyrian.protocols.tyntec.times import millis, seconds

MO: Final = "MoMessage"
_DIGESTS: Final = {"HS256": "sha256", "HS512": "sha512"}
#: A neutral content -> how tyntec calls the kind of media.
_MEDIA: Final = {"image": "image", "video": "video", "audio": "audio", "file": "document"}

_encode: Final = msgspec.json.Encoder().encode
_signing: Final = msgspec.json.Decoder(Signing)


def render(report: Report, secrets: Sequence[str], now: datetime) -> CallbackRequest:
    """The callback for a report. `secrets` holds the account's `Signing` as JSON."""
    body = _encode(_message(report) if report.kind == "inbound" else _status(report))
    headers = {"content-type": "application/json", "user-agent": "Tyrian"}
    for secret in secrets:
        headers.update(signed_headers(body, _signing.decode(secret), now))
    return CallbackRequest(headers, body)


def signed_headers(body: bytes, signing: Signing, now: datetime) -> dict[str, str]:
    """The headers that the account's configuration adds to a callback."""
    headers = dict([signing.header]) if signing.header else {}
    if signing.secret and signing.method:
        at = millis(now)
        headers[wire.SIGNATURE] = signature(body, at, signing.secret, signing.method)
        headers[wire.SIGNATURE_TIME] = at
        headers[wire.SIGNATURE_VERSION] = wire.SIGNATURE_V1
    return headers


def signature(body: bytes, at: str, secret: str, method: str) -> str:
    """The signature of a body at a time, as the header has it."""
    made = hmac.digest(secret.encode(), at.encode() + b"\n" + body, _DIGESTS[method])
    return base64.urlsafe_b64encode(made).decode()


# -- What became of a message -----------------------------------------------------------------------------------------


def _status(report: Report) -> wire.StatusCallback:
    extra = report.extra or {}
    channel = WORDS.get(report.network or "", report.network or "viber")
    event = statuses.event_of(report.status, report.reason)
    # What the network took was accepted before: its own moment is told.
    at = report.accepted_at if report.status == "sent" and report.accepted_at else report.at
    told = wire.StatusCallback(
        event=event,
        message_id=str(report.message_id),
        channel=channel,
        user_context=extra.get("context"),
        timestamp=millis(at),
    )
    if report.status in ("delivered", "seen"):
        told.sender = report.to.removeprefix("+")
        told.to = extra.get("senders", {}).get(channel) or extra.get("from")
    elif event != f"{statuses.PREFIX}accepted":
        told.details = wire.Details(*statuses.code_of(report.reason, channel))
    return told


# -- What people write ------------------------------------------------------------------------------------------------


def _message(report: Report) -> wire.MoMessage:
    at = seconds(report.at)
    return wire.MoMessage(
        message_id=report.provider_id or str(report.message_id),
        channel=WORDS.get(report.network or "", "viber"),
        sender=(report.sender or "").removeprefix("+"),
        to=report.to,
        received_at=at,
        content=_content(report.content or {}),
        event=MO,
        timestamp=at,
    )


def _content(content: dict[str, Any]) -> wire.MoContent:
    kind = content.get("type")
    if kind == "text":
        return wire.MoContent("text", text=content.get("text"))
    if kind in _MEDIA:
        caption = content.get("text") or content.get("name")
        return wire.MoContent("media", media=wire.MoMedia(_MEDIA[kind], content.get("url"), caption=caption))
    if kind == "url":
        return wire.MoContent("text", text=content.get("url"))
    if kind == "location":
        place: dict[str, Any] = {
            name: content[name] for name in ("longitude", "latitude", "address") if name in content
        }
        return wire.MoContent("location", location=place)
    return wire.MoContent("unknown")
