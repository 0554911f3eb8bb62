"""What goes to a middleware: messages, typing and receipts in the normalized form, and their signature. Pure."""

import base64
import hmac
import mimetypes
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from tyrian.domain.content import Base, type_of
from tyrian.domain.limits import Bound, Capabilities, ContentRule
from tyrian.domain.purpose import Purpose
from tyrian.engine.ports import Outgoing
from tyrian.protocols.genesys.conversation_content import STRUCTURED, normalized
from tyrian.protocols.genesys.ids import iso
from tyrian.protocols.genesys.open_config import Facts, OpenConfig, allowed

SIGNATURE: Final = "X-Hub-Signature-256"
#: Milliseconds for which a typing indicator shows (captures of webhooks).
TYPING_MS: Final = 5000
_SOURCE: Final = "Genesys Cloud SDK 269.0.0, models; developer centre, Open Messaging"
#: A content's type -> the MIME type of a file whose URL does not tell.
_OTHERWISE: Final = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/mpeg",
    "file": "application/octet-stream",
}
#: Cards of a carousel (Resource Center).
_MAX_CARDS: Final = 10
_ACTIONS: Final = ("reply", "open-url", "none")


def sign(body: bytes, token: str) -> str:
    """The signature of a webhook: over its very bytes, in base64."""
    return "sha256=" + base64.b64encode(hmac.digest(token.encode(), body, "sha256")).decode()


# -- Messages ---------------------------------------------------------------------------------------------------------


def message(facts: Facts, outgoing: Outgoing, now: datetime) -> dict[str, Any]:
    """A message for a person. It is known by the message's id, of which a receipt speaks."""
    made = said(outgoing.content)
    rich = made["type"] == STRUCTURED
    told = {
        "id": str(outgoing.message_id),
        "channel": _channel(facts, outgoing.to, now, str(outgoing.attempt_id)),
        **made,
        "originatingEntity": "Bot" if rich else "Human",
        "direction": "Outbound",
    }
    return within(outgoing.conversation_id, told)


def within(conversation_id: UUID | None, told: dict[str, Any]) -> dict[str, Any]:
    """A webhook with the conversation that it is of (captures of 2025 have it), where it is of one."""
    return told if conversation_id is None else {**told, "conversationId": str(conversation_id)}


def said(content: Base) -> dict[str, Any]:
    """Type, text and elements of a content."""
    kind, text, elements = normalized(content)
    made: dict[str, Any] = {"type": kind}
    if text:
        made["text"] = text
    if elements:
        made["content"] = msgspec.to_builtins(elements)
    return made


def typing(facts: Facts, person: str, identifier: str, now: datetime) -> dict[str, Any]:
    """An agent types."""
    shown = {"eventType": "Typing", "typing": {"type": "On", "duration": TYPING_MS}}
    return {
        "id": identifier,
        "channel": _channel(facts, person, now, identifier),
        "type": "Event",
        "events": [shown],
        "originatingEntity": "Human",
        "direction": "Outbound",
    }


def published(integration: str, name: str, person: str, identifier: str, at: datetime) -> dict[str, Any]:
    """The receipt for a message that the middleware has brought: it entered its conversation."""
    business = {"id": integration, "idType": "Opaque", "nickname": name}
    return {
        "id": identifier,
        "channel": {
            "id": integration,
            "platform": "Open",
            "type": "Private",
            "messageId": identifier,
            "to": {"id": person, "idType": "Opaque"},
            "from": business,
            "time": iso(at),
        },
        "type": "Receipt",
        "status": "Published",
        "isFinalReceipt": True,
        "direction": "Inbound",
    }


def _channel(facts: Facts, person: str, now: datetime, name: str) -> dict[str, Any]:
    return {
        "id": facts.id,
        "platform": "Open",
        "type": "Private",
        "messageId": name,
        "to": {"id": person, "idType": "Opaque"},
        "from": {"nickname": facts.name, "id": facts.id, "idType": "Opaque"},
        "time": iso(now),
    }


# -- What a channel carries -------------------------------------------------------------------------------------------


def capabilities(config: dict[str, Any]) -> Capabilities:
    """What a channel with these settings carries."""
    types = msgspec.convert(config, OpenConfig).outbound_media

    def media(content: Base, purpose: Purpose) -> Iterator[tuple[str, str]]:
        return barred(content, types)

    return Capabilities(
        contents=_CONTENTS,
        common=tuple(
            Bound(field=field, forbidden=True, source=_SOURCE)
            for field in ("sender", "min_api_version", "tracking_data")
        ),
        extra=(media, _buttons),
        receipts=frozenset({"delivered", "failed", "expired"}),
        inbound=True,
        source=_SOURCE,
    )


_CONTENTS: Final = {
    **{name: ContentRule() for name in ("text", "image", "video", "audio", "file", "location", "list", "url")},
    "carousel": ContentRule(
        bounds=(
            Bound(field="cards", required=True, min_length=1, max_length=_MAX_CARDS, source=_SOURCE),
            Bound(field="buttons", forbidden=True, source=_SOURCE),
        )
    ),
}


def barred(content: Base, types: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The files of a content that may not go out: where each is, and what is wrong with it."""
    for pointer, mime in _files(content):
        if not allowed(mime, types):
            yield pointer, f"is {mime}, which the integration's supported content does not let out"


def _files(content: Base) -> Iterator[tuple[str, str]]:
    """Where files are in a content, with the MIME type that each seems to be of."""
    kind, some = type_of(content), msgspec.to_builtins(content)
    if kind in _OTHERWISE:
        yield "/url", mime_of(some["url"], _OTHERWISE[kind])
    for number, card in enumerate(some.get("cards") or ()):
        yield f"/cards/{number}/image", mime_of(card["image"], _OTHERWISE["image"])


def mime_of(url: str, otherwise: str) -> str:
    """The MIME type that a URL speaks of."""
    try:
        return mimetypes.guess_type(urlsplit(url).path)[0] or otherwise
    except ValueError:
        return otherwise


def _buttons(content: Base, purpose: Purpose) -> Iterator[tuple[str, str]]:
    keyboard = content.keyboard
    if keyboard is None or keyboard.withdraw:
        return
    for name, buttons in (("buttons", keyboard.buttons), ("default_buttons", keyboard.default_buttons)):
        for number, button in enumerate(buttons):
            if button.action not in _ACTIONS:
                yield f"/keyboard/{name}/{number}/action", "must be reply or open-url on this channel"
