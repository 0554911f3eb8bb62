"""What a bot's callbacks say, as receipts, subscriptions and messages from people (Bot API documentation, callbacks).

The signature has been verified before anything here reads a byte.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from tyrian.domain.content import Contact
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import HookAnswer, Inbound, Opened, Receipt, Subscription
from tyrian.protocols.viber import bot_wire as wire
from tyrian.protocols.viber.bot_content import from_wire
from tyrian.protocols.viber.hooks import digest, moment, refused, storable
from tyrian.protocols.viber.statuses import failed_reason

_RECEIPTS: Final[Mapping[str, ReceiptKind]] = {
    "delivered": ReceiptKind.DELIVERED,
    "seen": ReceiptKind.SEEN,
    "failed": ReceiptKind.FAILED,
}
#: Facts of a person that travel with a message.
_PERSON: Final = ("name", "country", "language", "avatar", "api_version")

_callback: Final = msgspec.json.Decoder(wire.Callback)


def broadcast_ref(token: str, user: str) -> str:
    """How the receipts of one receiver of a broadcast are named: all receivers share one token."""
    return f"{token}:{user}"


def read(body: bytes, *, to: str, welcome: bytes = b"", per_receiver: bool = False) -> HookAnswer:
    """The answer to a callback. `welcome` is the body for a person who opens the chat.

    With `per_receiver`, each receipt comes a second time under its broadcast ref.
    """
    try:
        callback = _callback.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return refused(400)
    if callback.event in _RECEIPTS:
        return _receipt(callback, body, per_receiver)
    if callback.event == "conversation_started":
        return HookAnswer(body=welcome, opened=_opened(callback))
    reader = _READERS.get(callback.event)
    # `webhook` (the handshake), `client_status`, `action`, and whatever Viber adds: taken, and nothing to commit.
    return reader(callback, body, to) if reader else HookAnswer()


def _receipt(callback: wire.Callback, body: bytes, per_receiver: bool) -> HookAnswer:
    if callback.message_token is None:
        return refused(400)
    ref = storable(str(callback.message_token))
    kind = _RECEIPTS[callback.event]
    reason = failed_reason(callback.desc) if kind is ReceiptKind.FAILED else None
    refs = [ref]
    if per_receiver and callback.user_id:
        refs.append(broadcast_ref(ref, storable(callback.user_id)))
    at, raw = moment(callback.timestamp), body.decode("utf-8", "replace")
    return HookAnswer(receipts=[Receipt(r, kind, reason, at, raw) for r in refs])


def _opened(callback: wire.Callback) -> list[Opened]:
    """By which deep link the person came. Viber says so in this callback alone."""
    if callback.user is None or not callback.user.id or not callback.context:
        return []
    return [Opened(storable(callback.user.id), storable(callback.context))]


def _subscribed(callback: wire.Callback, body: bytes, to: str) -> HookAnswer:
    person = callback.user.id if callback.user else callback.user_id
    return _subscription(callback, body, person, subscribed=True)


def _unsubscribed(callback: wire.Callback, body: bytes, to: str) -> HookAnswer:
    person = callback.user_id or (callback.user.id if callback.user else None)
    return _subscription(callback, body, person, subscribed=False)


def _subscription(callback: wire.Callback, body: bytes, person: str | None, *, subscribed: bool) -> HookAnswer:
    if not person:
        return refused(400)
    raw = body.decode("utf-8", "replace")
    return HookAnswer(subscriptions=[Subscription(storable(person), subscribed, moment(callback.timestamp), raw)])


def _message(callback: wire.Callback, body: bytes, to: str) -> HookAnswer:
    sender, message = callback.sender, callback.message
    if sender is None or message is None or not storable(sender.id):
        return refused(400)
    token, content = callback.message_token, from_wire(message)
    inbound = Inbound(
        sender=storable(sender.id),
        to=to,
        content=content,
        provider_id=digest(body) if token is None else storable(str(token)),
        at=moment(callback.timestamp),
        raw=body.decode("utf-8", "replace"),
        extra=_extra(callback, sender),
    )
    if isinstance(content, Contact) and message.text:
        # The value of the share-phone button by which the person sent a number of their own.
        inbound.extra["text"] = storable(message.text)
    return HookAnswer(inbound=[inbound])


def _extra(callback: wire.Callback, sender: wire.User) -> dict[str, Any]:
    facts = {name: getattr(sender, name) for name in _PERSON} | {"silent": callback.silent or None}
    return {k: storable(v) if isinstance(v, str) else v for k, v in facts.items() if v is not None}


_READERS: Final[Mapping[str, Callable[[wire.Callback, bytes, str], HookAnswer]]] = {
    "subscribed": _subscribed,
    "unsubscribed": _unsubscribed,
    "message": _message,
}
