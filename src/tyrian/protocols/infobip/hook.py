"""What Infobip brings to a channel's hook: delivery, seen, inbound and click reports, in JSON or (delivery) XML.

One body may hold many reports, and what is in it is told by its members: a seen report has `seenAt`, an inbound one
`message`, a delivery report `status`. Whoever sent it has been verified before anything here reads a byte.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from xml.etree import ElementTree

import msgspec
from msgspec import Struct

from tyrian.domain.address import e164
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import HookAnswer, Inbound, Receipt, Subscription
from tyrian.protocols.infobip import inbound_wire as heard, statuses
from tyrian.protocols.infobip.inbound_content import from_bot, from_business

#: Characters of one report that are kept with what it brought.
_KEPT: Final = 16_384
#: Elements of an XML body that hold several of something; all others hold one.
_LISTS: Final = {"results": "result"}

_json: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


class Unreadable(Exception):
    """Bytes that are no report of Infobip's."""


class Ids(Struct, rename="camel"):
    """A report's status or error, as far as its meaning goes."""

    id: int | None = None
    group_id: int | None = None


class _Delivery(Struct, kw_only=True, rename="camel"):
    """A delivery report as it is read: the vendor may leave out whatever it likes of `wire.DeliveryReport`."""

    message_id: str
    status: Ids
    error: Ids | None = None
    done_at: str | None = None


class _Seen(Struct, kw_only=True, rename="camel"):
    """A seen report as it is read, of `wire.SeenReport`."""

    message_id: str
    seen_at: str | None = None


def read(body: bytes, content_type: str, sender: str) -> HookAnswer:
    """What a body brings. `sender` is the channel's own. Raises `Unreadable`.

    Of many reports, one that cannot be read must not keep the others from being taken: Infobip would bring all of them
    again, and that one with them.
    """
    answer = HookAnswer(receipts=[], inbound=[], subscriptions=[])
    results = _results(body, content_type)
    unread = [result for result in results if not _read(result, sender, answer)]
    if unread and len(unread) == len(results):
        raise Unreadable
    return answer


def _read(result: Any, sender: str, answer: HookAnswer) -> bool:
    """Adds what a report says to an answer; False for what is no report."""
    if not isinstance(result, dict):
        return False
    try:
        _reader_of(result)(result, sender, answer)
    except Unreadable:
        return False
    return True


def moment(text: str | None) -> datetime | None:
    """A time of the vendor's as a moment in UTC; None if it is none."""
    try:
        found = datetime.fromisoformat(text or "")
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# -- Bodies -----------------------------------------------------------------------------------------------------------


def _results(body: bytes, content_type: str) -> Sequence[Any]:
    """The reports in a body; one alone (a click) is a body of its own."""
    value = _xml(body) if "xml" in content_type.lower() or body.lstrip()[:1] == b"<" else _parsed(body)
    if not isinstance(value, dict):
        raise Unreadable
    results = value.get("results")
    if results is None and "notificationType" in value:
        return [value]
    if not isinstance(results, list):
        raise Unreadable
    return results


def _parsed(body: bytes) -> Any:
    try:
        return _json(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Unreadable from None


def _xml(body: bytes) -> Any:
    # A document type could name entities and files; no report has one.
    if b"<!" in body:
        raise Unreadable
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - refused above is what makes it dangerous
    except (ElementTree.ParseError, LookupError, ValueError):
        raise Unreadable from None
    return _value(root)


def _value(element: ElementTree.Element) -> Any:
    children = list(element)
    if element.tag in _LISTS:
        return [_value(child) for child in children if child.tag == _LISTS[element.tag]]
    return {child.tag: _value(child) for child in children} if children else (element.text or "")


# -- Reports ----------------------------------------------------------------------------------------------------------

_Reader = Callable[[dict[str, Any], str, HookAnswer], None]


def _reader_of(result: dict[str, Any]) -> _Reader:
    for member, reader in _READERS:
        if member in result:
            return reader
    return _nothing


def _nothing(result: dict[str, Any], sender: str, answer: HookAnswer) -> None:
    """Taken, and nothing to commit."""


def _seen(result: dict[str, Any], sender: str, answer: HookAnswer) -> None:
    report = _convert(result, _Seen)
    receipt = Receipt(_storable(report.message_id), ReceiptKind.SEEN, None, moment(report.seen_at), _raw(result))
    answer.receipts = [*answer.receipts, receipt]


def _delivery(result: dict[str, Any], sender: str, answer: HookAnswer) -> None:
    report = _convert(result, _Delivery)
    kind = statuses.RECEIPTS.get(report.status.group_id or 0)
    if kind is None or report.status.id in statuses.NOT_THE_LAST_WORD:
        return
    error = report.error.id if report.error else None
    reason = None if kind is ReceiptKind.DELIVERED else statuses.reason_of(report.status.id, error)
    receipt = Receipt(_storable(report.message_id), kind, reason, moment(report.done_at), _raw(result))
    answer.receipts = [*answer.receipts, receipt]


def _inbound(result: dict[str, Any], sender: str, answer: HookAnswer) -> None:
    envelope = _convert(result, heard.HeardResult)
    try:
        said = heard.said.decode(envelope.message)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return  # A type that did not exist when this was written.
    at = moment(envelope.received_at)
    if isinstance(said, heard.BotSubscribed):
        _subscription(said.user.id or envelope.sender, True, result, answer, at)
    elif isinstance(said, heard.BotUnsubscribed):
        _subscription(said.user_id, False, result, answer, at)
    elif isinstance(said, heard.SaidMessage) and said.message is not None:
        _heard(envelope, from_bot(said.message), _person(said), result, sender, answer)
    elif isinstance(said, heard.HeardText | heard.HeardFile):
        _heard(envelope, from_business(said), {}, result, sender, answer)


def _heard(
    envelope: heard.HeardResult,
    content: Any,
    extra: dict[str, Any],
    result: dict[str, Any],
    sender: str,
    answer: HookAnswer,
) -> None:
    person = _storable(e164(envelope.sender) or envelope.sender)
    if not person:
        raise Unreadable
    raw = _raw(result)
    inbound = Inbound(
        sender=person,
        to=sender,
        content=content,
        provider_id=_storable(envelope.message_id or "") or hashlib.sha256(raw.encode()).hexdigest()[:32],
        at=moment(envelope.received_at),
        raw=raw,
        extra=extra,
    )
    answer.inbound = [*answer.inbound, inbound]


def _subscription(
    person: str, subscribed: bool, result: dict[str, Any], answer: HookAnswer, at: datetime | None
) -> None:
    if person:
        news = Subscription(_storable(person), subscribed, at, _raw(result))
        answer.subscriptions = [*answer.subscriptions, news]


def _person(said: heard.SaidMessage) -> dict[str, Any]:
    """Facts of a person that travel with a message, under the names that bots' own connector gives them."""
    user = said.sender or heard.BotUser()
    facts: dict[str, Any] = {
        name: getattr(user, name) for name in ("name", "country", "language", "avatar", "api_version")
    }
    facts["silent"] = said.silent or None
    return {k: _storable(v) if isinstance(v, str) else v for k, v in facts.items() if v is not None}


#: The member that tells a report's kind -> its reader; the first that is there counts.
_READERS: Final[tuple[tuple[str, _Reader], ...]] = (
    ("notificationType", _nothing),  # A click: the short link was the vendor's, and the click is no receipt.
    ("seenAt", _seen),
    ("message", _inbound),
    ("status", _delivery),
)


def _convert(result: dict[str, Any], kind: type[Any]) -> Any:
    try:
        if kind is heard.HeardResult:
            return msgspec.json.decode(_encode(result), type=kind)
        return msgspec.convert(result, kind, strict=False)
    except (msgspec.MsgspecError, ValueError):
        raise Unreadable from None


def _raw(result: dict[str, Any]) -> str:
    return _encode(result).decode()[:_KEPT]


def _storable(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()
