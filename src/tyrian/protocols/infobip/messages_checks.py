"""What can be wrong with a request of the Messages API, and the endpoint that only looks.

The 400 of that endpoint has a form of its own: description, action, and violations, of which those that a send would
pass over (members that nobody knows) are told apart.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct, inspect

from tyrian.protocols.infobip import messages_wire as wire, wire as shared
from tyrian.protocols.infobip.checks import is_web, message_violations, request_violations
from tyrian.protocols.infobip.errors import WORDS, ApiError, Violation
from tyrian.protocols.infobip.operation import Reply
from tyrian.protocols.infobip.serving import read
from tyrian.protocols.infobip.violations import MOST, NO_URL, NULL, violations_of

AnyMessage = wire.Message | wire.TemplateMessage
Found = Iterator[tuple[str, str]]

#: What the vendor says of a member that it does not know.
UNKNOWN: Final = "Unknown property"
_VALID: Final = ("The request is valid.", "Send the request.")
#: Members of bodies that are addresses on the web.
_URLS: Final = (("url", "url"), ("thumbnail_url", "thumbnailUrl"), ("redirect_url", "redirectUrl"))
_request: Final = msgspec.json.Decoder(wire.Request)


class Valid(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What a request that may be sent is answered, when it is only to be looked at."""

    description: str
    action: str
    skippable_violations: list[Violation] | None = None


class Invalid(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The same for one that may not."""

    description: str
    action: str
    violations: list[Violation]
    skippable_violations: list[Violation] | None = None


class _Checked(Struct, kw_only=True):
    """The options of a message in the form that the checks of the Viber endpoints read."""

    sender: str
    content: Any
    options: shared.MessageOptions | None
    webhooks: shared.Webhooks | None


def faults(
    request: wire.Request, now: datetime, most: int, allow_private: Any
) -> tuple[list[AnyMessage], list[tuple[str, str]]]:
    """The messages of a request, and everything that is wrong with it as pairs of property and violation."""
    options = request.options
    common = None
    if options is not None:
        common = shared.RequestOptions(schedule=options.schedule, tracking=options.tracking)
    found = list(request_violations(common, now))
    messages: list[AnyMessage] = []
    for number, raw in enumerate(request.messages):
        at = f"messages[{number}]"
        kind: Any = wire.TemplateMessage if "template" in raw else wire.Message
        try:
            message: AnyMessage = msgspec.convert(raw, kind)
        except (msgspec.ValidationError, OverflowError):
            found += [(v.property, v.violation) for v in violations_of(raw, kind, at)] or [(at, "invalid value")]
        else:
            found += _message(message, at, allow_private)
            messages.append(message)
        if len(found) >= MOST:
            break
    if sum(len(message.destinations) for message in messages) > most:
        found.append(("messages", f"size must be between 1 and {most}"))
    return messages, found


def _message(message: AnyMessage, at: str, allow_private: Any) -> Found:
    window = message.options.delivery_time_window if message.options is not None else None
    options = shared.MessageOptions(delivery_time_window=window)
    yield from message_violations(_Checked(sender=message.sender, content=None, options=options,
                                          webhooks=message.webhooks), at, allow_private)  # fmt: skip
    for number, destination in enumerate(message.destinations):
        if destination.to is None and destination.by_channel is None:
            yield f"{at}.destinations[{number}].to", NULL
    if isinstance(message, wire.Message):
        if message.content is None:
            yield f"{at}.content", NULL
        else:
            yield from _urls(message.content.body, f"{at}.content.body")
    for number, failover in enumerate(message.failover or ()):
        yield from _urls(failover.content.body, f"{at}.failover[{number}].content.body")


def _urls(body: Any, at: str) -> Found:
    for ours, theirs in _URLS:
        url = getattr(body, ours, None)
        if url is not None and not is_web(url):
            yield f"{at}.{theirs}", NO_URL
    if isinstance(body, wire.CarouselBody):
        for number, card in enumerate(body.cards):
            yield from _urls(card.body, f"{at}.cards[{number}].body")


def refuse_nul(raw: bytes, request: wire.Request) -> None:
    """Raises `ApiError` (400) for a NUL anywhere in the messages, which PostgreSQL cannot hold."""
    if b"\\u0000" not in raw:
        return
    found = []
    for number, message in enumerate(request.messages):
        kind = wire.TemplateMessage if "template" in message else wire.Message
        found += violations_of(message, kind, f"messages[{number}]")
        if "\0" in str(message):
            found.append(Violation(property=f"messages[{number}]", violation="invalid value"))
    if found:
        raise ApiError(400, found)


# -- Looking only -----------------------------------------------------------------------------------------------------


def judged(raw: bytes, now: datetime, most: int, allow_private: Any) -> Reply:
    """Whether a request may be sent: a 200, or a 400 in the form of this endpoint."""
    violations: list[Violation] = []
    skippable: list[Violation] = []
    try:
        request = read(raw, _request, wire.Request)
        refuse_nul(raw, request)
        skippable = list(_unknown_members(msgspec.json.decode(raw)))[:MOST]
        _, found = faults(request, now, most, allow_private)
        violations = [Violation(property=p, violation=v) for p, v in found]
    except ApiError as error:
        violations = error.violations or [Violation(property="messages", violation="invalid value")]
    if violations:
        words = WORDS[400]
        body: Any = Invalid(
            description=words.description,
            action=words.action,
            violations=violations,
            skippable_violations=skippable or None,
        )
        return Reply(body, 400)
    return Reply(Valid(description=_VALID[0], action=_VALID[1], skippable_violations=skippable or None))


def _unknown_members(value: Any) -> Iterator[Violation]:
    for name in value:
        if name not in ("messages", "options"):
            yield Violation(property=name[:200], violation=UNKNOWN)
    yield from _unknown(value.get("options"), inspect.type_info(wire.MessagesApiRequestOptions), "options")
    for number, message in enumerate(value["messages"]):
        kind = wire.TemplateMessage if "template" in message else wire.Message
        yield from _unknown(message, inspect.type_info(kind), f"messages[{number}]")


def _unknown(value: Any, info: inspect.Type, at: str) -> Iterator[Violation]:
    """Members that no struct of a type has, at any depth."""
    if isinstance(info, inspect.Metadata):
        yield from _unknown(value, info.type, at)
    elif isinstance(info, inspect.UnionType):
        chosen = _chosen(value, info)
        if chosen is not None:
            yield from _unknown(value, chosen, at)
    elif isinstance(info, inspect.StructType) and isinstance(value, dict):
        fields = {field.encode_name: field for field in info.fields}
        for name, member in value.items():
            if name in fields:
                yield from _unknown(member, fields[name].type, f"{at}.{name}")
            elif name != info.tag_field:
                yield Violation(property=f"{at}.{name[:200]}", violation=UNKNOWN)
    elif isinstance(info, inspect.ListType) and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unknown(item, info.item_type, f"{at}[{number}]")


def _chosen(value: Any, info: inspect.UnionType) -> inspect.Type | None:
    """The struct that a value is of, by its tag; of one struct alone, that; a list's type for a list."""
    options = [option for option in info.types if not isinstance(option, inspect.NoneType)]
    if len(options) == 1:
        return options[0]
    if not isinstance(value, dict):
        return None
    structs = [option for option in options if isinstance(option, inspect.StructType)]
    return next((s for s in structs if s.tag_field and value.get(s.tag_field) == s.tag), None)
