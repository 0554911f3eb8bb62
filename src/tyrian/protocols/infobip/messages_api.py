"""The Messages API: one request for all channels, sent over Viber, with failover to SMS or to the other product."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import msgspec

from tyrian.domain import limits
from tyrian.domain.address import e164
from tyrian.domain.content import Base
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import MIN_VALIDITY, Plan, Step
from tyrian.engine.pulls import queue_url
from tyrian.protocols.infobip import messages_wire as wire, statuses, wire as shared
from tyrian.protocols.infobip.clicks import track
from tyrian.protocols.infobip.content import Unfit
from tyrian.protocols.infobip.errors import invalid
from tyrian.protocols.infobip.facts import Product, pack
from tyrian.protocols.infobip.messages_checks import AnyMessage, faults, judged, refuse_nul
from tyrian.protocols.infobip.messages_content import of_message, of_template, purpose_of
from tyrian.protocols.infobip.messages_reports import (
    API,
    QUEUE,
)
from tyrian.protocols.infobip.operation import Call, Reply
from tyrian.protocols.infobip.plans import Outline, Planner, Rejected, for_destination
from tyrian.protocols.infobip.sending import Draft, desk_of
from tyrian.protocols.infobip.serving import read

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

_request: Final = msgspec.json.Decoder(wire.Request)
#: The normal answer, as this API's samples name it.
ACCEPTED: Final = msgspec.structs.replace(statuses.ACCEPTED, name="MESSAGE_ACCEPTED")
#: Destinations looked at between two turns of the event loop.
_TURN: Final = 200
_PRODUCTS: Final = {"VIBER_BM": Product.BUSINESS, "VIBER_BOT": Product.BOT}
_NETWORKS: Final = {"VIBER_BM": "viber", "VIBER_BOT": "viber_bot", "SMS": "sms"}


@dataclass(slots=True)
class _Asked:
    """A message in the form that the planner of the Viber endpoints reads."""

    sender: str
    options: shared.MessageOptions
    webhooks: shared.Webhooks | None
    content: AnyMessage


class _Planner(Planner):
    """The planner of the Viber endpoints, for contents of this API."""

    def _content(self, product: Product, message: Any) -> tuple[Any, Purpose]:
        said: AnyMessage = message.content
        options = said.options or wire.Options()
        content = _content_of(said, options)
        return content, purpose_of(said.channel, content, options)


_OF_GATEWAYS: "WeakKeyDictionary[Gateway, _Planner]" = WeakKeyDictionary()


def _planner_of(gateway: "Gateway") -> _Planner:
    """The planner of a gateway; always the same object for the same gateway."""
    found = _OF_GATEWAYS.get(gateway)
    if found is None:
        found = _OF_GATEWAYS[gateway] = _Planner(gateway)
    return found


@dataclass(slots=True, frozen=True)
class _Fallback:
    """A step of the failover: what it says, through which channel, and for how long."""

    channel: str
    step: Step
    seconds: int


async def send(call: Call) -> Reply:
    """Takes messages in."""
    now = call.gateway.clock.now()
    messages = _read(call, now)
    schedule = call.body.options.schedule if call.body.options is not None else None
    planner = _planner_of(call.gateway)
    drafts: list[Draft] = []
    for message in messages:
        outline = await _outline(planner, call, message, schedule, now)
        fallbacks = _fallbacks(call.gateway, call.account_id, message, outline)
        for destination in message.destinations:
            drafts.append(_draft(outline, fallbacks, message, destination))
            if len(drafts) % _TURN == 0:
                await asyncio.sleep(0)
    answer = await desk_of(call.gateway).submit(call.account_id, drafts, schedule, now)
    sent = [
        msgspec.structs.replace(m, status=ACCEPTED) if m.status == statuses.ACCEPTED else m for m in answer.messages
    ]
    return Reply(msgspec.structs.replace(answer, messages=sent))


def _read(call: Call, now: datetime) -> list[AnyMessage]:
    """The messages of a request. Raises `ApiError` (400) with everything that is wrong with it."""
    settings = call.gateway.settings
    refuse_nul(call.raw, call.body)
    messages, found = faults(call.body, now, settings.max_messages_per_request, settings.allow_private_callbacks)
    if found:
        raise invalid(*found)
    return messages


async def _outline(
    planner: _Planner, call: Call, message: AnyMessage, schedule: shared.Schedule | None, now: datetime
) -> Outline | Rejected:
    """What a message comes to for whomever it is sent to. Its reports have this API's form."""
    asked = _Asked(message.sender, _options_of(message.options), message.webhooks, message)
    product = _PRODUCTS[message.channel]
    outline = await planner.outline(call.account_id, product, asked, schedule, now)
    if isinstance(outline, Rejected):
        return outline
    outline.facts.api = API
    outline.plan.extra = pack(outline.facts)
    callback = outline.plan.callback
    if callback is not None and callback.url == queue_url(product.value):
        outline.plan.callback = msgspec.structs.replace(callback, url=queue_url(QUEUE))
    tracking = call.body.options.tracking if call.body.options is not None else None
    await track(call.gateway, call.account_id, message.sender, outline.plan, tracking)
    return outline


def _content_of(message: AnyMessage, options: wire.Options) -> Base:
    adapt, tracking = options.adaptation_mode is not False, options.correlation_data
    if isinstance(message, wire.TemplateMessage):
        return of_template(message.template, message.content, tracking)
    if message.content is None:
        raise Unfit("there is no content")
    return of_message(message.channel, message.content, adapt=adapt, tracking=tracking)


def _options_of(options: wire.Options | None) -> shared.MessageOptions:
    if options is None:
        return shared.MessageOptions()
    return shared.MessageOptions(
        platform=options.platform,
        validity_period=options.validity_period,
        delivery_time_window=options.delivery_time_window,
        campaign_reference_id=options.campaign_reference_id,
        tracking_data=options.correlation_data,
        label=options.traffic_type,
        apply_session_rate=options.session_rate,
        to_primary_device_only=options.primary_device,
    )


# -- Failover ---------------------------------------------------------------------------------------------------------


def _fallbacks(
    gateway: "Gateway", account_id: int, message: AnyMessage, outline: Outline | Rejected
) -> list[_Fallback] | Rejected:
    """The steps after the first, or why one of them cannot be taken."""
    if isinstance(outline, Rejected):
        return outline
    found = []
    for number, failover in enumerate(message.failover or ()):
        entry = gateway.channels.by_sender(account_id, _NETWORKS[failover.channel], failover.sender)
        if entry is None and failover.channel == "SMS":
            entry = gateway.channels.by_sender(account_id, "sms")
        if entry is None:
            return Rejected(statuses.UNKNOWN_SENDER, f"failover {number}: no channel is known by this sender")
        options = message.options or wire.Options()
        try:
            content = of_message(failover.channel, failover.content, adapt=options.adaptation_mode is not False)
        except Unfit as unfit:
            return Rejected(statuses.REFUSED, f"failover {number}: {unfit}")
        wrong = limits.check(content, outline.plan.purpose, entry.capabilities)
        if wrong:
            return Rejected(statuses.REFUSED, f"failover {number}: {wrong[0].message}")
        period = failover.validity_period
        seconds = period.seconds if period is not None else shared.MAX_VALIDITY
        step = Step(channel=entry.channel.name, content=content, validity=max(seconds, MIN_VALIDITY))  # type: ignore[arg-type]
        found.append(_Fallback(failover.channel, step, seconds))
        if failover.channel == "SMS":
            outline.facts.sms_sender = failover.sender
    return found


def _draft(
    outline: Outline | Rejected,
    fallbacks: Sequence[_Fallback] | Rejected,
    message: AnyMessage,
    destination: wire.MessagesApiDestination,
) -> Draft:
    to = destination.address(message.channel) or ""
    named = shared.Destination(to=to, message_id=destination.message_id)
    for wrong in (outline, fallbacks):
        if isinstance(wrong, Rejected):
            return Draft(named, wrong)
    assert isinstance(outline, Outline)
    assert not isinstance(fallbacks, Rejected)
    made = for_destination(outline, to)
    if isinstance(made, Rejected):
        return Draft(named, made)
    address, plan = made
    extended = _extended(plan, outline, fallbacks, destination, address) if fallbacks else plan
    return Draft(named, extended) if isinstance(extended, Rejected) else Draft(named, None, address, extended)


def _extended(
    plan: Plan, outline: Outline, fallbacks: Sequence[_Fallback], destination: wire.MessagesApiDestination, address: str
) -> Plan | Rejected:
    """A plan with the steps of the failover: each waits as long as the one before may take."""
    steps, waits, facts = list(plan.cascade), plan.validity, outline.facts
    whole = waits
    for fallback in fallbacks:
        to = destination.address(fallback.channel)
        number = to if fallback.channel == "VIBER_BOT" else e164(to or "")
        if number is None:
            return Rejected(statuses.BAD_DESTINATION, f"there is no address for {fallback.channel}")
        # The message lives longer than any of its steps, so each is told its own time.
        own = steps[-1].validity or max(min(waits, shared.MAX_VALIDITY), MIN_VALIDITY)
        steps[-1] = msgspec.structs.replace(steps[-1], fallback_time=min(waits, shared.MAX_VALIDITY), validity=own)
        steps.append(msgspec.structs.replace(fallback.step, to=number if number != address else None))
        waits = fallback.seconds
        whole += waits
        if fallback.channel == "SMS":
            facts = msgspec.structs.replace(facts, sms_to=number.removeprefix("+"))
    return msgspec.structs.replace(plan, cascade=steps, validity=whole, extra=pack(facts))


# -- Looking only -----------------------------------------------------------------------------------------------------


async def validate(call: Call) -> Reply:
    """Says whether a request may be sent, and sends nothing."""
    settings, now = call.gateway.settings, call.gateway.clock.now()
    return judged(call.raw, now, settings.max_messages_per_request, settings.allow_private_callbacks)


def read_request(raw: bytes, _media: str) -> wire.Request:
    """The body of `send`; its messages are read one by one, since a member tells which of two kinds each is."""
    request: wire.Request = read(raw, _request, wire.Request)
    return request


def read_nothing(raw: bytes, _media: str) -> None:
    """The body of `validate`, which is looked at by its handler: its 400 has a form of its own."""
