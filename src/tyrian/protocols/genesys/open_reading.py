"""What a middleware brings: people's messages, presses of buttons, receipts and events, read and checked. Pure.

Sources: models of the stock SDK `PureCloudPlatformClientV2` 269.0.0 (OpenInboundNormalizedMessage and its siblings).
Unknown members are ignored: clients send those of older versions of the API, too.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from tyrian.domain.content import Base, Text
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.links import is_web_url
from tyrian.domain.problem import Problem
from tyrian.engine.ports import Inbound, Receipt
from tyrian.protocols.genesys import connector_content as contents, connector_statuses as statuses, errors
from tyrian.protocols.genesys.connector_wire import Webhook, read as read_time
from tyrian.protocols.genesys.ids import iso
from tyrian.protocols.genesys.open_config import Facts, allowed

_ID_TYPES: Final = ("Email", "Phone", "Opaque")
_MEDIA: Final = ("Image", "Video", "Audio", "File", "Link")
_PRESSES: Final = ("Button", "QuickReply", "DatePicker", "ListPicker", "Form")
#: There is none for what people have read.
_STATUSES: Final = ("Sent", "Delivered", "Failed", "Published", "Removed")
#: What a second message that one was cut into is marked with.
PART: Final = "part_of"

Name = Annotated[str, Meta(max_length=256)]
Identifier = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^\S(.*\S)?$")]
Word = Annotated[str, Meta(max_length=64)]


class Person(Struct, rename="camel", kw_only=True):
    """A person, as the middleware knows them."""

    id: Identifier
    id_type: Word = "Opaque"
    nickname: Name | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    image: Annotated[str, Meta(max_length=2000)] | None = None
    email: Name | None = None


class Sender(Person, rename="camel", kw_only=True):
    """Who says something. The type of the id is required."""

    id_type: Word


class FromChannel(Struct, rename={"from_": "from", "message_id": "messageId"}, kw_only=True):
    """Who said something, and when."""

    from_: Sender
    time: Word
    message_id: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    metadata: dict[str, Any] | None = None


class Attachment(Struct, rename="camel", kw_only=True):
    """A file by URL."""

    media_type: Word
    url: Annotated[str, Meta(min_length=1, max_length=2000)]
    mime: Annotated[str, Meta(min_length=1, max_length=200)]
    id: Name | None = None
    text: str | None = None
    sha256: Name | None = None
    filename: Name | None = None
    thumbnail: Annotated[str, Meta(max_length=2000)] | None = None


class Element(Struct, rename="camel", kw_only=True):
    """An element of a message: an attachment."""

    attachment: Attachment
    content_type: Word = "Attachment"


class InboundMessage(Struct, rename="camel", kw_only=True):
    """A person's message. It has a text, an attachment or both."""

    channel: FromChannel
    text: str | None = None
    content: Annotated[list[Element], Meta(max_length=20)] | None = None
    metadata: dict[str, str] | None = None


class Press(Struct, rename="camel", kw_only=True):
    """The button that was pressed."""

    type: Word
    text: Annotated[str, Meta(min_length=1, max_length=2000)]
    payload: Annotated[str, Meta(min_length=1, max_length=4000)]


class InboundResponse(Struct, rename="camel", kw_only=True):
    """A person pressed a button of an earlier message."""

    channel: FromChannel
    button_response: Press
    originating_message_id: Annotated[str, Meta(min_length=1, max_length=256)]


class ToChannel(Struct, rename={"message_id": "messageId"}, kw_only=True):
    """Whom a receipt is about, and since when it holds."""

    to: Person
    time: Word
    message_id: Name | None = None


class Reason(Struct, kw_only=True):
    """Why a message was not delivered."""

    code: Word
    message: Annotated[str, Meta(max_length=2000)]


class InboundReceipt(Struct, rename="camel", kw_only=True):
    """The middleware's word on a message that it was given."""

    id: Identifier
    channel: ToChannel
    status: Word
    reasons: Annotated[list[Reason], Meta(max_length=20)] | None = None
    is_final_receipt: bool | None = None


class OpenEvent(Struct, rename="camel", kw_only=True):
    """One event: a person types."""

    event_type: Word


class InboundEvent(Struct, rename="camel", kw_only=True):
    """Events of a person."""

    channel: FromChannel
    events: Annotated[list[OpenEvent], Meta(min_length=1, max_length=20)]


@dataclass(slots=True)
class Taken:
    """What comes of it: what is committed, and the answer, which lacks the id of what is stored.

    `first` is the name under which the message is stored; without one nothing was left of it.
    """

    answer: dict[str, Any]
    messages: list[Inbound] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    person: str = ""
    first: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    #: Who types, where the integration tells of that.
    typing: str | None = None


# -- Messages ---------------------------------------------------------------------------------------------------------


def message(given: InboundMessage, facts: Facts, raw: bytes) -> Taken:
    """A person's message. Attachments that the supported content does not let in are left out. Raises `ApiError`."""
    _known(given.channel.from_.id_type, _ID_TYPES, "/channel/from/idType")
    at = _time(given.channel.time)
    elements = _elements(given)
    if not given.text and not elements:
        raise errors.bad("The message must have a text or content.", field="/text")
    kept = [e for e in elements if allowed(e["attachment"]["mime"], facts.config.inbound_media)]
    answer = _answer(given.channel, facts, at, "Text")
    answer |= {name: value for name, value in (("text", given.text), ("content", kept)) if value}
    if given.metadata:
        answer["metadata"] = given.metadata
    if not given.text and not kept:
        reason = {"code": "MediaTypeNotAllowed", "message": "The integration's supported content does not let it in."}
        return Taken(answer | {"type": "Receipt", "status": "Failed", "reasons": [reason], "isFinalReceipt": True})
    found = contents.read(Webhook(type="Text", text=given.text, content=kept))
    extra = {"metadata": given.metadata} if given.metadata else {}
    return _taken(answer, given.channel, facts, at, raw, found, extra)


def _elements(given: InboundMessage) -> list[dict[str, Any]]:
    """The attachments of a message, as their JSON. Raises `ApiError` (400)."""
    found = given.content or []
    if len(found) > 1:
        raise errors.wrong([Problem("/content", f"must have one attachment at most, has {len(found)}")])
    for number, element in enumerate(found):
        at = f"/content/{number}"
        _known(element.content_type, ("Attachment",), f"{at}/contentType")
        _known(element.attachment.media_type, _MEDIA, f"{at}/attachment/mediaType")
        if not is_web_url(element.attachment.url):
            raise errors.wrong([Problem(f"{at}/attachment/url", "must be an http:// or https:// URL with a host")])
    return [_plain(element) for element in found]


def response(given: InboundResponse, facts: Facts, raw: bytes) -> Taken:
    """A press of a button. Raises `ApiError`."""
    _known(given.channel.from_.id_type, _ID_TYPES, "/channel/from/idType")
    press, at = given.button_response, _time(given.channel.time)
    _known(press.type, _PRESSES, "/buttonResponse/type")
    pressed = {"type": press.type, "text": press.text, "payload": press.payload}
    pressed["originatingMessageId"] = given.originating_message_id
    answer = _answer(given.channel, facts, at, "Structured")
    answer |= {"text": press.text, "content": [{"contentType": "ButtonResponse", "buttonResponse": pressed}]}
    button = {"known": True, "action": "reply", "value": press.payload, "text": press.text}
    button["message_id"] = given.originating_message_id
    return _taken(answer, given.channel, facts, at, raw, [Text(text=press.payload)], {"button": button})


def _taken(
    answer: dict[str, Any],
    channel: FromChannel,
    facts: Facts,
    at: datetime,
    raw: bytes,
    found: Sequence[Base],
    extra: dict[str, Any],
) -> Taken:
    name = channel.message_id or hashlib.sha256(raw).hexdigest()[:32]
    person, words = channel.from_, raw.decode("utf-8", "replace")
    extra = {**_who(person), **extra}
    messages = [
        Inbound(
            sender=person.id,
            to=facts.id,
            content=content,
            provider_id=name if number == 0 else f"{name}/{number}",
            at=at,
            raw=words,
            extra=dict(extra) if number == 0 else {**extra, PART: name},
        )
        for number, content in enumerate(found)
    ]
    return Taken(answer, messages, person=person.id, first=name, attributes=_attributes(channel))


def _who(person: Person) -> dict[str, Any]:
    """What the middleware says of a person."""
    full = " ".join(part for part in (person.first_name, person.last_name) if part)
    told = {"name": person.nickname or full, "email": person.email, "image": person.image}
    return {name: value for name, value in told.items() if value}


def _attributes(channel: FromChannel) -> dict[str, str]:
    """What a middleware wants shown as attributes of the participant (`metadata.customAttributes`)."""
    given = (channel.metadata or {}).get("customAttributes")
    if not isinstance(given, dict):
        return {}
    return {str(name)[:100]: _word(value)[:4000] for name, value in list(given.items())[:100] if name}


def _word(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def event(given: InboundEvent, facts: Facts) -> Taken:
    """Somebody types. Raises `ApiError`."""
    _known(given.channel.from_.id_type, _ID_TYPES, "/channel/from/idType")
    for number, one in enumerate(given.events):
        _known(one.event_type, ("Typing",), f"/events/{number}/eventType")
    answer = _answer(given.channel, facts, _time(given.channel.time), "Event")
    answer["events"] = [{"eventType": one.event_type} for one in given.events]
    return Taken(answer, typing=given.channel.from_.id if facts.config.typing_in else None)


def _answer(channel: FromChannel, facts: Facts, at: datetime, kind: str) -> dict[str, Any]:
    sender = {name: value for name, value in _plain(channel.from_).items() if value is not None}
    about: dict[str, Any] = {
        "id": facts.id,
        "platform": "Open",
        "type": "Private",
        "to": {"id": facts.id, "idType": "Opaque", "nickname": facts.name},
        "from": sender,
        "time": iso(at),
    }
    if channel.message_id is not None:
        about["messageId"] = channel.message_id
    return {"channel": about, "type": kind, "direction": "Inbound"}


# -- Receipts ---------------------------------------------------------------------------------------------------------


def receipt(given: InboundReceipt, facts: Facts, raw: bytes) -> Taken:
    """A receipt. Raises `ApiError`."""
    _known(given.status, _STATUSES, "/status")
    for number, reason in enumerate(given.reasons or ()):
        _known(reason.code, tuple(statuses.REASONS), f"/reasons/{number}/code")
    at = _time(given.channel.time)
    to = {"id": given.channel.to.id, "idType": given.channel.to.id_type}
    business = {"id": facts.id, "idType": "Opaque", "nickname": facts.name}
    about = {"id": facts.id, "platform": "Open", "type": "Private", "to": to, "from": business, "time": iso(at)}
    answer: dict[str, Any] = {"id": given.id, "channel": about, "type": "Receipt", "direction": "Outbound"}
    answer["status"] = given.status
    if given.reasons:
        answer["reasons"] = _plain(given.reasons)
    if given.is_final_receipt is not None:
        answer["isFinalReceipt"] = given.is_final_receipt
    kind, reason_word = statuses.RECEIPTS.get(given.status), None
    if kind is ReceiptKind.FAILED:
        reason_word = statuses.reason_of(_plain(given.reasons))
        kind = ReceiptKind.EXPIRED if reason_word == "network_expired" else kind
        kind = None if given.is_final_receipt is False else kind
    if kind is None:
        return Taken(answer)
    told = Receipt(given.id, kind, reason_word, at, raw.decode("utf-8", "replace"), given.channel.to.id)
    return Taken(answer, receipts=[told])


# -- Checks -----------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """A struct as JSON values, without what was not given: the SDKs trip over nulls."""
    found = msgspec.to_builtins(value)
    return _without_nulls(found)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _known(word: str, words: Sequence[str], field: str) -> None:
    """Refuses a word that is none of these; case does not count, as in the SDKs."""
    if word.lower() not in (known.lower() for known in words):
        raise errors.bad(f"{field} is {word[:64]!r}, and must be one of {', '.join(words)}", "invalid.value", field)


def _time(text: str) -> datetime:
    at = read_time(text)
    if at is None:
        raise errors.bad("/channel/time must be a date and time of ISO 8601", "invalid.date", "/channel/time")
    return at
