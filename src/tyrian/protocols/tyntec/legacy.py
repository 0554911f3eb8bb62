"""The older 2.x API: messages over several channels in order, and the default application's webhooks."""

from typing import Any, Final

import msgspec

from tyrian.domain import content as neutral
from tyrian.domain.content import Base
from tyrian.domain.submission import Plan, Recipient, Step, Submission
from tyrian.engine.channels import ChannelEntry
from tyrian.protocols.tyntec import content as contents, errors, limits, wire, wire_account
from tyrian.protocols.tyntec.accounts import FACE, NETWORKS
from tyrian.protocols.tyntec.content import EMPTY, NULL, Faults, must_be_one_of, size_between
from tyrian.protocols.tyntec.guard import CONFIGURE, SEE, SEND
from tyrian.protocols.tyntec.messages import bulk_reply, submit
from tyrian.protocols.tyntec.operation import Call, Operation, Reply
from tyrian.protocols.tyntec.sending import FALLBACK_SECONDS, Desk, purpose_of, refuse, several
from tyrian.protocols.tyntec.wire import V2, V2_EARLIER

TAG: Final = "2.x"
_RATES: Final = tuple(limits.RATES)
#: The rate of a message that does not say (the 2.17 Postman requests leave it out).
_DEFAULT_RATE: Final = "promotion"


async def send(call: Call) -> Reply:
    """Takes one message in."""
    submission = await _submission(call.desk, call.body(wire.LegacyRequest), call.account_id)
    accepted = await submit(call, submission)
    return Reply(wire.LegacySendAnswer(str(accepted.messages[0].id)), 202)


async def _submission(desk: Desk, request: wire.LegacyRequest, account_id: int) -> Submission:
    faults = Faults()
    number = desk.to(request.to, faults)
    rate = _rate(request.viber, "viber", faults)
    context = request.context.user_context if request.context else None
    if context is not None and len(context) > limits.MAX_USER_CONTEXT:
        faults.add("context.userContext", size_between(0, limits.MAX_USER_CONTEXT))
    override = desk.override(request.overrides, faults)
    asked = _asked(request, faults)
    if faults:
        refuse(faults)
    entries = [_entry(desk, account_id, channel, sender) for channel, sender, _ in asked]
    senders = {channel: sender for channel, sender, _ in asked if sender}
    extra: dict[str, Any] = {"from": asked[0][1], "to": request.to, "senders": senders, "rate": rate}
    if context:
        extra["context"] = context
    if request.overrides is not None:
        extra["overrides"] = msgspec.to_builtins(request.overrides)
    for entry, (_, _, content) in zip(entries, asked, strict=True):
        await desk.measure(content, entry)
    steps = [
        Step(
            channel=entry.channel.name,
            content=content,  # type: ignore[arg-type]
            fallback_time=FALLBACK_SECONDS if n + 1 < len(asked) else None,
        )
        for n, (entry, (_, _, content)) in enumerate(zip(entries, asked, strict=True))
    ]
    plan = Plan(
        cascade=steps,
        purpose=purpose_of(rate, asked[0][2], entries[0]),
        callback=await desk.callback(entries[0], extra, override),
        face=FACE,
        extra=extra,
    )
    return Submission(account_id=account_id, plan=plan, recipients=[Recipient(to=number)])


def _asked(request: wire.LegacyRequest, faults: Faults) -> list[tuple[str, str, Base]]:
    """Channel, sender and content of each step."""
    channels = request.channels or []
    if not channels:
        faults.add("channels", EMPTY)
    found = []
    for number, channel in enumerate(channels):
        if channel not in NETWORKS or channel in channels[:number]:
            faults.add(f"channels[{number}]", must_be_one_of(tuple(NETWORKS)))
            continue
        part = request.viber if channel == "viber" else request.sms
        if part is None:
            faults.add(channel, NULL)
            continue
        content = _content(part, channel, faults)
        if channel == "viber" and not part.sender:
            faults.add("viber.from", EMPTY)
        if content is not None:
            found.append((channel, part.sender or "", content))
    return found


def _content(part: wire.LegacyViber | wire.LegacySms, at: str, faults: Faults) -> Base | None:
    if isinstance(part, wire.LegacySms):
        if part.content_type not in (None, "text"):
            faults.add(f"{at}.contentType", must_be_one_of(("text",)))
        text = faults.text(part.text, f"{at}.text", limits.MAX_TEXT)
        return neutral.Text(text=text) if text else None
    return contents.read_parts(part.components, f"{at}.components", faults, legacy=True)


def _rate(part: wire.LegacyViber | None, at: str, faults: Faults) -> str:
    if part is None:
        return "transaction"
    for name, word in (("rateType", part.rate_type), ("messagePurpose", part.message_purpose)):
        if word and word not in limits.RATES:
            faults.add(f"{at}.{name}", must_be_one_of(_RATES))
    return part.rate_type or part.message_purpose or _DEFAULT_RATE


def _entry(desk: Desk, account_id: int, channel: str, sender: str) -> ChannelEntry:
    """The channel of a step; an SMS need not name its sender. Raises `ApiError` (403)."""
    network = NETWORKS[channel]
    entry = desk.sender(account_id, network, sender) if sender else desk.default(account_id, network)
    if entry is None:
        raise errors.forbidden()
    return entry


async def send_bulk(call: Call) -> Reply:
    """Takes several Viber messages to one person in."""
    request: wire.LegacyBulkRequest = call.body(wire.LegacyBulkRequest)
    desk, faults = call.desk, Faults()
    number = desk.to(request.to, faults)
    sender = faults.text(request.sender, "from", 128)
    if request.channel != "viber":
        faults.add("channel", must_be_one_of(("viber",)) if request.channel else EMPTY)
    parts = request.viber or []
    if not limits.BULK_MESSAGES[0] <= len(parts) <= limits.BULK_MESSAGES[1]:
        faults.add("viber", size_between(*limits.BULK_MESSAGES))
    rates = [_rate(part, f"viber[{n}]", faults) for n, part in enumerate(parts)]
    read = [
        contents.read_parts(part.components, f"viber[{n}].components", faults, legacy=True)
        for n, part in enumerate(parts)
    ]
    if faults:
        refuse(faults)
    entry = _entry(desk, call.account_id, "viber", sender)
    plans = []
    for rate, content in zip(rates, read, strict=True):
        assert content is not None
        extra = {"from": sender, "to": request.to, "rate": rate}
        plans.append(await desk.plan(entry, content, purpose_of(rate, content, entry), extra, None))
    return bulk_reply(await submit(call, several(call.account_id, number, plans)))


# -- Applications -----------------------------------------------------------------------------------------------------


async def application(call: Call) -> Reply:
    """The account as an application."""
    return Reply(await _application(call))


async def applications(call: Call) -> Reply:
    """The only application."""
    return Reply([await _application(call)])


async def _application(call: Call) -> wire_account.Application:
    callback = await call.desk.accounts.callbacks(call.account_id)
    by_url: dict[str, list[str]] = {}
    for event, url in (("MoMessage", callback.inbound_message_url), ("MessageStatus", callback.message_status_url)):
        if url:
            by_url.setdefault(url, []).append(event)
    webhooks = [wire_account.Webhook(events, url) for url, events in by_url.items()]
    return wire_account.Application("default", "Default Application", webhooks)


async def change_application(call: Call) -> Reply:
    """Moves the kinds of callbacks that a webhook names, or all that it does not, to the webhook's URL."""
    patch: wire_account.ApplicationPatch = call.body(wire_account.ApplicationPatch)
    await call.desk.accounts.change_callbacks(call.account_id, lambda known: _moved(call, patch, known))
    return Reply(status=204)


def _moved(
    call: Call, patch: wire_account.ApplicationPatch, known: wire_account.CallbackConfig
) -> wire_account.CallbackConfig:
    faults = Faults()
    named: set[str] = set()
    for number, webhook in enumerate(patch.webhooks or ()):
        url = webhook.callback_url
        if not url:
            faults.add(f"webhooks[{number}].callbackUrl", EMPTY)
            continue
        call.desk.web_url(url, f"webhooks[{number}].callbackUrl", faults)
        events = webhook.events or []
        named.update(events)
        _move(known, events, url, named)
    if patch.webhooks is None:
        faults.add("webhooks", NULL)
    if faults:
        refuse(faults)
    return known


def _move(config: wire_account.CallbackConfig, events: list[str], url: str, named: set[str]) -> None:
    inbound = any(event.startswith(("MoMessage", "InboundMessage")) for event in events)
    status = any(event.startswith("MessageStatus") for event in events)
    fallback = not events
    if inbound or (fallback and not any(event.startswith("MoMessage") for event in named)):
        config.inbound_message_url = url
    if status or (fallback and not any(event.startswith("MessageStatus") for event in named)):
        config.message_status_url = url


async def connector_inbound(call: Call) -> Reply:
    """Sets where people's messages go, as the Microsoft connector does over 2.x."""
    given: wire_account.ConnectorWebhook = call.body(wire_account.ConnectorWebhook)
    faults = Faults()
    if not given.inbound_message_url:
        faults.add("inboundMessageUrl", EMPTY)
    else:
        call.desk.web_url(given.inbound_message_url, "inboundMessageUrl", faults)
    if faults:
        refuse(faults)
    url = given.inbound_message_url
    await call.desk.accounts.change_callbacks(
        call.account_id, lambda known: msgspec.structs.replace(known, inbound_message_url=url)
    )
    return Reply(status=204)


_EXAMPLE: Final[dict[str, Any]] = {
    "to": "385991234504",
    "channels": ["viber", "sms"],
    "viber": {"from": "1001", "components": [{"type": "text", "text": "Your order is on its way"}]},
    "sms": {"from": "TyrianDemo", "contentType": "text", "text": "Your order is on its way"},
    "context": {"userContext": "order-7"},
}
_ID: Final = "8fb360a1-f58c-4af1-932b-8f6651603cd4"
_WEBHOOKS: Final = {"webhooks": [{"events": ["MoMessage"], "callbackUrl": "https://shop.example.com/inbound"}]}
_DEFAULT: Final = {"id": "default", "name": "Default Application", **_WEBHOOKS}


def _operation(name: str, method: str, path: str, handler: Any, scope: str, summary: str, **more: Any) -> Operation:
    return Operation(
        name=name,
        method=method,
        path=V2 + path,
        also=(V2_EARLIER + path,),
        handler=handler,
        scope=scope,
        tag=TAG,
        summary=summary,
        **more,
    )


OPERATIONS: Final = (
    _operation(
        "sendMessageV2",
        "POST",
        "/messages",
        send,
        SEND,
        "Send one message over one channel or more",
        body=wire.LegacyRequest,
        answer=wire.LegacySendAnswer,
        status=202,
        example=_EXAMPLE,
        answered={"messageId": _ID},
        errors=(400,),
    ),
    _operation(
        "sendBulkV2",
        "POST",
        "/bulks",
        send_bulk,
        SEND,
        "Send 2 to 20 messages to one person, in order",
        body=wire.LegacyBulkRequest,
        answer=wire.BulkAnswer,
        status=202,
        example={
            "to": "385991234501",
            "from": "1001",
            "channel": "viber",
            "viber": [_EXAMPLE["viber"], {"from": "1001", "components": [{"type": "text", "text": "See you soon"}]}],
        },
        answered={"bulkId": "b1b6a5a2-9f7c-4f43-8a7e-5e0c43b4e1a1", "messageIds": [_ID]},
        errors=(400,),
    ),
    _operation(
        "listApplications",
        "GET",
        "/applications",
        applications,
        SEE,
        "The account as its only application",
        answer=list[wire_account.Application],
        answered=[_DEFAULT],
    ),
    _operation(
        "getApplication",
        "GET",
        "/applications/default",
        application,
        SEE,
        "The account as an application",
        answer=wire_account.Application,
        answered=_DEFAULT,
    ),
    _operation(
        "changeApplication",
        "PATCH",
        "/applications/default",
        change_application,
        CONFIGURE,
        "Change where callbacks go",
        body=wire_account.ApplicationPatch,
        status=204,
        example=_WEBHOOKS,
        errors=(400,),
    ),
    _operation(
        "setConnectorInbound",
        "PATCH",
        "/applications/ms-connector/inbound-message-callback",
        connector_inbound,
        CONFIGURE,
        "Set where people's messages go, as the Microsoft connector does",
        body=wire_account.ConnectorWebhook,
        status=204,
        example={"inboundMessageUrl": "https://shop.example.com/inbound"},
        errors=(400,),
    ),
)
