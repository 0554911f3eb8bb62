"""Callbacks: what became of a message, and what people wrote (Transaction Callback Service; Messaging callbacks)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from tyrian.domain import content as neutral
from tyrian.domain.address import region
from tyrian.domain.content import Base, Content
from tyrian.engine.face_ports import CallbackRequest
from tyrian.engine.report import AttemptLine, Report
from tyrian.protocols.telesign import codes, signing, views
from tyrian.protocols.telesign.codes import Code
from tyrian.protocols.telesign.ids import reference, stamp
from tyrian.protocols.telesign.wire import encode

#: Between a customer id and its API key, as `render` is given them. Neither has one.
SEPARATOR: Final = "\n"
#: Words that stop, start or ask for help, as carriers know them (CTIA short code handbook).
_ACTIONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "cancel", "end", "quit"), "stop"),
    **dict.fromkeys(("start", "unstop"), "start"),
    **dict.fromkeys(("help", "info"), "help"),
}

#: How what is neither text nor media is put into words.
_TEXTS: Final[Mapping[type[Base], Callable[[Any], str]]] = {
    neutral.Text: lambda content: content.text,
    neutral.UrlContent: lambda content: content.url,
    neutral.Location: lambda content: f"{content.latitude},{content.longitude}",
    neutral.Contact: lambda content: f"{content.name} {content.phone}",
}

_content: Final = msgspec.json.Decoder(Content).decode
_to_json: Final = msgspec.json.Encoder().encode


class NoKey(Exception):
    """The account has no API key any more that a callback could be signed with."""


def render(report: Report, secrets: Sequence[str], _now: datetime) -> CallbackRequest:
    """The callback, signed with the API key of the request's customer id, or else with the newest."""
    body = encode(_inbound(report) if report.kind == "inbound" else _status(report))
    customer_id, api_key = _signer(report, secrets)
    return CallbackRequest(signing.callback_headers(body, customer_id, api_key), body)


def _signer(report: Report, secrets: Sequence[str]) -> tuple[str, str]:
    pairs = dict(reversed([_pair(secret) for secret in secrets]))
    if not pairs:
        raise NoKey("the account has no Telesign API key")
    customer = str((report.extra or {}).get("customer"))
    return (customer, pairs[customer]) if customer in pairs else _pair(secrets[0])


def _pair(secret: str) -> tuple[str, str]:
    customer_id, _, api_key = secret.partition(SEPARATOR)
    return customer_id, api_key


# -- What became of a message -----------------------------------------------------------------------------------------


def _status(report: Report) -> dict[str, Any]:
    message = views.Message(
        report.message_id,
        report.name,
        report.to,
        report.status,
        report.accepted_at or report.at,
        report.at,
        report.extra,
    )
    return views.transaction(message, [_tried(line, report) for line in report.attempts or ()])


def _tried(line: AttemptLine, report: Report) -> views.Tried:
    """An attempt; the one that the report is about stands as it did then, whatever came since."""
    status, reason, at = line.status, line.reason, line.at
    if line.attempt_id == report.attempt_id and report.status in codes.OF_ATTEMPT:
        status, reason, at = report.status, report.reason, report.at
    return views.Tried(
        line.step, status, reason, line.attempt_id, at, line.network or "", line.channel or line.network or "viber"
    )


# -- What people wrote ------------------------------------------------------------------------------------------------


def _inbound(report: Report) -> dict[str, Any]:
    content = _content(_to_json(report.content))
    said: dict[str, Any] = {
        "reference_id": reference(report.message_id),
        "status": {
            "updated_on": stamp(report.at),
            "description": codes.describe(Code.INBOUND),
            "code": int(Code.INBOUND),
        },
    }
    sender = (report.sender or "").removeprefix("+")
    if report.network == "sms":
        return said | _sms(report, content, sender)
    return said | {"phone_number": sender, "content": _viber(report, content)}


def _viber(report: Report, content: Base) -> dict[str, Any]:
    """The members that apply; the schema requires all five, which no message can have."""
    paired, told = report.paired, _words(content)
    if paired is not None:
        told = {"original_reference_id": reference(paired.message_id), **told}
    tracking = (paired.extra or {}).get("reply_id") if paired is not None else None
    tracking = tracking or content.tracking_data
    if tracking:
        told["tracking_data"] = tracking
    return told


def _words(content: Base) -> dict[str, Any]:
    """What a message says, as `text`, or as `media` with its `file_name`."""
    media = getattr(content, "url", None)
    if media is not None and not isinstance(content, neutral.UrlContent):
        words = {"text": text} if (text := getattr(content, "text", None)) else {}
        return {**words, "media": media, "file_name": getattr(content, "name", None) or _name(media)}
    spell = _TEXTS.get(type(content))
    return {"text": spell(content) if spell is not None else f"({content.__struct_config__.tag})"}


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _sms(report: Report, content: Base, sender: str) -> dict[str, Any]:
    text = str(_words(content).get("text", ""))
    keyword = text.strip().partition(" ")[0].lower()
    country = region(f"+{sender}") if sender.isascii() and sender.isdigit() else None
    response = {
        "sender_id": report.to,
        "iso_country_code": country,
        "action": _ACTIONS.get(keyword, "generic"),
        "keyword": keyword.upper() if keyword in _ACTIONS else None,
        "phone_number": sender,
        "mo_message": text,
        "price": None,
    }
    return {
        "sub_resource": "mo_sms",
        "submit_timestamp": stamp(report.at),
        "errors": [],
        "user_response": response,
    }
