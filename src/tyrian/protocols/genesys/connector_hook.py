"""What an Open Messaging integration brings to a channel's hook: messages for people, and receipts."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import msgspec

from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import Inbound, Receipt
from tyrian.protocols.genesys import connector_content as contents, connector_statuses as statuses
from tyrian.protocols.genesys.connector_wire import SCHEME, Webhook, decode_webhook, read

#: Types of webhooks that say something to a person.
_SAID = frozenset({"Text", "Structured", "Message"})


class Unreadable(Exception):
    """The bytes are no webhook of an integration."""


def is_signed(body: bytes, given: str, secrets: Sequence[str]) -> bool:
    """Whether a header holds the body's signature by one of the secrets, in base64 or in hex.

    Takes the same time whatever it holds.
    """
    told = _digest(given.removeprefix(SCHEME)) if given.startswith(SCHEME) else b""
    matches = [hmac.compare_digest(hmac.digest(secret.encode(), body, "sha256"), told) for secret in secrets]
    return any(matches)


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


def parse(body: bytes) -> Webhook:
    """A webhook. Raises `Unreadable`."""
    try:
        return decode_webhook(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable from error


def receipt(webhook: Webhook, raw: str) -> Receipt | None:
    """The receipt that a webhook is; None where it is none, or not the last word."""
    kind = statuses.RECEIPTS.get(webhook.status) if isinstance(webhook.status, str) else None
    if webhook.type != "Receipt" or not webhook.id or kind is None:
        return None
    at, person = read(webhook.channel.get("time")), _party(webhook, "to")
    if kind is not ReceiptKind.FAILED:
        return Receipt(webhook.id, kind, None, at, raw, person)
    if webhook.is_final_receipt is False:
        return None
    reason = statuses.reason_of(webhook.reasons)
    kind = ReceiptKind.EXPIRED if reason == "network_expired" else kind
    return Receipt(webhook.id, kind, reason, at, raw, person)


def messages(webhook: Webhook, body: bytes, integration: str) -> list[Inbound]:
    """What a webhook says to the person in whose conversation it was said; that person is the sender."""
    person = _party(webhook, "to")
    if webhook.type not in _SAID or webhook.direction == "Inbound" or person is None:
        return []
    name = webhook.id or hashlib.sha256(body).hexdigest()[:32]
    raw = body.decode("utf-8", "replace")
    return [
        Inbound(
            sender=person,
            to=integration,
            content=content,
            provider_id=name if number == 0 else f"{name}/{number}",
            at=read(webhook.channel.get("time")),
            raw=raw,
            extra=_facts(webhook),
            own=False,
        )
        for number, content in enumerate(contents.read(webhook))
    ]


def _facts(webhook: Webhook) -> dict[str, Any]:
    facts = {"conversation_id": webhook.conversation_id, "author": webhook.originating_entity}
    return {name: value for name, value in facts.items() if isinstance(value, str)}


def _party(webhook: Webhook, side: str) -> str | None:
    party = webhook.channel.get(side)
    identifier = party.get("id") if isinstance(party, dict) else None
    return identifier if isinstance(identifier, str) and identifier else None
