"""From a message of a request to the plan that intake takes: cascade, times, reports.

One `Planner` for each gateway. It answers with a plan for each destination, or with the status by which the destination
is rejected within the answer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tyrian.domain import limits, schedule as neutral
from tyrian.domain.address import e164
from tyrian.domain.content import Base, Content, File, Text, Video
from tyrian.domain.problem import Problem
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import MIN_VALIDITY, Callback, Plan, Platform, Step
from tyrian.engine.channels import ChannelEntry
from tyrian.engine.pulls import queue_url
from tyrian.engine.sizes import Sizes
from tyrian.protocols.infobip import statuses, wire, wire_bot as bot, wire_business as business
from tyrian.protocols.infobip.checks import aware
from tyrian.protocols.infobip.content import Unfit, of_bot, of_business, purpose_of
from tyrian.protocols.infobip.facts import Facts, Product, pack
from tyrian.protocols.infobip.operation import FACE
from tyrian.protocols.infobip.subscriptions import subscriptions_of

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

#: States of a message that a delivery report tells of; `sent` only where intermediate reports were asked for.
_FINAL: Final = ("delivered", "failed", "expired", "cancelled")
#: The same where each step of the failover is reported: the end of the last step is that of the message.
_EACH: Final = ("delivered", "step_failed", "cancelled")

#: Where reports go that nobody wants to have elsewhere. Shared by all messages: never changed.
_PULLED: Final = {product: Callback(url=queue_url(product.value), events=list(_FINAL)) for product in Product}


@dataclass(slots=True)
class Rejected:
    """Why a destination is not sent to; `why` is for people."""

    status: wire.Status
    why: str | None = None


@dataclass(slots=True)
class Outline:
    """A message of a request, as far as all its destinations share it."""

    product: Product
    entry: ChannelEntry
    plan: Plan
    facts: Facts
    failover: wire.SmsFailover | None = None
    sms: ChannelEntry | None = None


class Planner:
    """Makes plans of messages."""

    def __init__(self, gateway: "Gateway") -> None:
        self._channels = gateway.channels
        self._sizes = Sizes(gateway.settings.allow_private_callbacks)
        self._subscriptions = subscriptions_of(gateway)

    async def outline(
        self, account_id: int, product: Product, message: Any, schedule: wire.Schedule | None, now: datetime
    ) -> Outline | Rejected:
        """What a message comes to for whomever it is sent to."""
        entry = self._channels.by_sender(account_id, product.network, message.sender)
        if entry is None:
            return Rejected(statuses.UNKNOWN_SENDER, "no channel of the account is known by this sender")
        options = message.options or _NO_OPTIONS
        try:
            content, purpose = self._content(product, message)
        except Unfit as unfit:
            return Rejected(statuses.REFUSED, str(unfit))
        if isinstance(content, Video | File):
            # The vendor asks the file's server, too (Python client 6.0.0, VIDEO).
            await self._sizes.fill(content, entry.capabilities)
        rejected = _check(content, purpose, entry)
        if rejected is not None:
            return rejected
        facts = Facts(product=product.value, sender=message.sender, campaign=options.campaign_reference_id)
        if isinstance(message.content, _KEPT) or getattr(message.content, "keyboard", None) is not None:
            facts.content = msgspec.to_builtins(message.content)
        outline = Outline(product, entry, self._plan(entry, content, purpose, options, schedule, facts, now), facts)
        if options.sms_failover is not None:
            rejected = self._add_failover(account_id, outline, options.sms_failover)
            if rejected is not None:
                return rejected
        outline.plan.callback = await self._callback(account_id, message.sender, message.webhooks, outline)
        outline.plan.extra = pack(facts)
        return outline

    def _content(self, product: Product, message: Any) -> tuple[Content, Purpose]:
        if product is Product.BOT:
            return of_bot(message.content), Purpose.TRANSACTIONAL
        return of_business(message.content, message.options), purpose_of(message.content, message.options)

    def _plan(
        self,
        entry: ChannelEntry,
        content: Content,
        purpose: Purpose,
        options: wire.MessageOptions,
        schedule: wire.Schedule | None,
        facts: Facts,
        now: datetime,
    ) -> Plan:
        seconds = options.validity_period.seconds if options.validity_period is not None else wire.MAX_VALIDITY
        facts.start, times = schedule_of(schedule, options.delivery_time_window, now)
        platform = options.platform
        return Plan(
            cascade=[Step(channel=entry.channel.name, content=content, validity=_network_validity(seconds))],
            purpose=purpose,
            schedule=times,
            validity=seconds,
            platform=Platform(entity_id=platform.entity_id, application_id=platform.application_id)
            if platform is not None
            else None,
            face=FACE,
        )

    # -- SMS ------------------------------------------------------------------------------------------------------

    def _add_failover(self, account_id: int, outline: Outline, failover: wire.SmsFailover) -> Rejected | None:
        """The SMS that follows when the validity of the Viber message has passed, or it was refused."""
        sms = self._channels.by_sender(account_id, "sms", failover.sender) or self._channels.by_sender(
            account_id, "sms"
        )
        if sms is None:
            return Rejected(statuses.NO_ROUTE, "the account has no SMS channel to fail over to")
        outline.failover, outline.sms = failover, sms
        text = Text(text=failover.text)
        found = limits.check(text, outline.plan.purpose, sms.capabilities)
        if found:
            return Rejected(statuses.STATUSES["REJECTED_MESSAGE_TOO_LONG"], _words(found))
        outline.facts.sms_sender = failover.sender or sms.sender or sms.channel.name
        if outline.product is Product.BUSINESS:
            _fall_back(outline.plan, sms, text, failover, None)
        return None

    # -- Reports --------------------------------------------------------------------------------------------------

    async def _callback(
        self, account_id: int, sender: str, webhooks: wire.Webhooks | None, outline: Outline
    ) -> Callback | None:
        """Where reports go: where the message says, where a subscription says, or into the product's queue."""
        if webhooks is None and not await self._subscriptions.routes(account_id):
            return _PULLED[outline.product]
        hooks = webhooks or _NO_HOOKS
        delivery = hooks.delivery or _NO_DELIVERY
        outline.facts.xml = hooks.content_type == "application/xml"
        facts, platform = outline.facts, outline.plan.platform
        url, events = None, []
        if delivery.notify is not False:
            url = delivery.url
            if url is None:
                url = facts.subscribed = await self._subscriptions.url(account_id, "DELIVERY", sender, platform)
            url = url or queue_url(outline.product.value)
            events = [
                *(["sent"] if delivery.intermediate_report else ()),
                *(_EACH if delivery.receive_triggered_failover_reports else _FINAL),
            ]
        seen = hooks.seen.url if hooks.seen is not None else None
        if seen is None:
            seen = facts.subscribed_seen = await self._subscriptions.url(account_id, "SEEN", sender, platform)
        if seen is not None:
            events.append("seen")
        if url is None and seen is None:
            return None
        return Callback(
            url=url or seen or "", data=hooks.callback_data, events=events, seen_url=seen if seen != url else None
        )


#: Contents that have more to them than ours say, so that logs could not show them as they were sent.
_KEPT: Final = (bot.BotCarousel, business.BusinessImage, business.BusinessVideo, business.BusinessOtpTemplate)
_NO_OPTIONS: Final = wire.MessageOptions()
_NO_HOOKS: Final = wire.Webhooks()
_NO_DELIVERY: Final = wire.DeliveryWebhook()


def for_destination(outline: Outline, to: str) -> tuple[str, Plan] | Rejected:
    """The recipient as it is stored, and the plan to reach that person by."""
    if not to.strip():
        return Rejected(statuses.NO_DESTINATION)
    if outline.product is Product.BOT:
        address = outline.entry.kind.address(to, "")
        if isinstance(address, Problem):
            return Rejected(statuses.BAD_DESTINATION, address.message)
        return _for_user(outline, to)
    # With its plus, as it is stored: what is worked out for this spelling serves intake and dispatch, too.
    spelt = to if to[0] == "+" else f"+{to}"
    address = outline.entry.kind.address(spelt, "")
    if isinstance(address, Problem):
        return Rejected(statuses.BAD_DESTINATION, address.message)
    number = e164(spelt) or to
    if outline.sms is not None and isinstance(outline.sms.kind.address(number, ""), Problem):
        return Rejected(statuses.BAD_DESTINATION, "the number cannot be reached by SMS")
    return number, outline.plan


def _for_user(outline: Outline, to: str) -> tuple[str, Plan] | Rejected:
    """A Viber user has no number; the SMS goes to the one that the request matches to the user, if any."""
    if outline.failover is None or outline.sms is None:
        return to, outline.plan
    matching = outline.failover.destination_matching or ()
    phone = next((match.failover for match in matching if match.initial == to), None)
    if phone is None:
        return to, outline.plan
    number = e164(phone)
    if number is None or isinstance(outline.sms.kind.address(number, ""), Problem):
        return Rejected(statuses.BAD_DESTINATION, "the number to fail over to is no phone number")
    facts = msgspec.structs.replace(outline.facts, sms_to=number.lstrip("+"))
    plan = msgspec.structs.replace(outline.plan, cascade=list(outline.plan.cascade), extra=pack(facts))
    _fall_back(plan, outline.sms, Text(text=outline.failover.text), outline.failover, number)
    return to, plan


def _fall_back(plan: Plan, sms: ChannelEntry, text: Text, failover: wire.SmsFailover, to: str | None) -> None:
    """Adds the SMS to a plan. The message as a whole lives as long as both of its steps may take."""
    first = plan.cascade[0]
    period = failover.validity_period.seconds if failover.validity_period is not None else wire.MAX_VALIDITY
    waits = min(plan.validity, wire.MAX_VALIDITY)
    # The message lives longer than either, so both are told their own time.
    step = Step(channel=sms.channel.name, content=text, validity=max(period, MIN_VALIDITY), to=to)
    own = first.validity or max(waits, MIN_VALIDITY)
    plan.cascade = [msgspec.structs.replace(first, fallback_time=waits, validity=own), step]
    plan.validity = waits + period


def schedule_of(
    schedule: wire.Schedule | None, window: wire.DeliveryTimeWindow | None, now: datetime
) -> tuple[str | None, neutral.Schedule | None]:
    """When a message may go: the start that was asked for, where it lies ahead, and all of it in neutral form."""
    start = aware(schedule.start) if schedule is not None and schedule.start is not None else None
    if start is not None and start <= now:
        start = None
    speed = schedule.sending_speed_limit if schedule is not None else None
    if start is None and speed is None and window is None:
        return None, None
    made = neutral.Schedule(
        send_at=start,
        speed_limit=neutral.SpeedLimit(
            messages=min(speed.amount, _MOST_SPEED),
            per=(speed.time_unit or "MINUTE").lower(),  # type: ignore[arg-type]
        )
        if speed is not None
        else None,
        window=_window(window) if window is not None else None,
    )
    return start.isoformat() if start is not None else None, made


#: No pace of ours is faster; what is asked for beyond it is no limit any more.
_MOST_SPEED: Final = 100_000_000


def _window(window: wire.DeliveryTimeWindow) -> neutral.Window:
    """Days without hours are whole days, which equal times stand for."""
    days = [day.lower() for day in window.days]
    return neutral.Window(start=_clock(window.start), end=_clock(window.end), days=days, time_zone="UTC")  # type: ignore[arg-type]


def _clock(time: wire.TimeOfDay | None) -> str:
    return "00:00" if time is None else f"{time.hour:02d}:{time.minute:02d}"


def _network_validity(seconds: int) -> int | None:
    """What a network is told, where it is less than what messages have anyway; none takes less than half a minute."""
    return max(seconds, MIN_VALIDITY) if seconds < wire.MAX_VALIDITY else None


def _check(content: Base, purpose: Purpose, entry: ChannelEntry) -> Rejected | None:
    found = limits.check(content, purpose, entry.capabilities)
    return Rejected(statuses.REFUSED, _words(found)) if found else None


def _words(found: list[Problem]) -> str:
    return "; ".join(f"{p.pointer.lstrip('/') or 'content'} {p.message}" for p in found)
