"""The senders of an account, as tyntec's API shows them, and the callbacks that each may have of its own."""

from typing import Any, Final

from tyrian.engine.channels import ChannelEntry
from tyrian.protocols.tyntec import errors, wire_account
from tyrian.protocols.tyntec.accounts import WORDS, sender_of
from tyrian.protocols.tyntec.configurations import CALLBACKS_EXAMPLE, changed, check_callbacks, seen
from tyrian.protocols.tyntec.content import EMPTY, Faults
from tyrian.protocols.tyntec.operation import Call, Reply
from tyrian.protocols.tyntec.sending import refuse
from tyrian.protocols.tyntec.wire import V3

CHANNEL_SCOPES: Final = ("messages:read", "messages:write", "callbacks:write", "callbacks:read")
#: People can answer, whether or not a session is open.
SERVICE_TYPE: Final = "two-way"
#: tyntec's channels that this gateway has none of; their lists are empty.
OTHERS: Final = ("mms", "rcs", "whatsapp")


async def channels(call: Call) -> Reply:
    """Every channel that the dialect knows."""
    return Reply([await _channel(call, entry) for entry in _mine(call)])


async def viber_channels(call: Call) -> Reply:
    """Every Viber service id."""
    return Reply([await _channel(call, entry) for entry in _mine(call, "viber")])


async def sms_channels(call: Call) -> Reply:
    """Every SMS sender."""
    return Reply([await _channel(call, entry) for entry in _mine(call, "sms")])


async def no_channels(call: Call) -> Reply:
    """A network that the gateway does not serve."""
    return Reply([])


async def viber_channel(call: Call) -> Reply:
    """One Viber service id."""
    return Reply(await _channel(call, _service(call)))


async def set_service_callbacks(call: Call) -> Reply:
    """Replaces a service id's own callback configuration."""
    given = call.body(wire_account.ServiceCallbackConfig)
    entry = _service(call)
    faults = Faults()
    check_callbacks(given, call.desk, faults)
    if faults:
        refuse(faults)
    given.inbound_message_url = given.inbound_message_url or None
    given.message_status_url = given.message_status_url or None
    await call.desk.accounts.set_service_callbacks(call.account_id, entry, given)
    return Reply(await _channel(call, entry))


async def register_webhook(call: Call) -> Reply:
    """Sets where people's messages to a service id go, as the Microsoft connector does."""
    given = call.body(wire_account.ConnectorWebhook)
    entry = _service(call)
    faults = Faults()
    if not given.inbound_message_url:
        faults.add("inboundMessageUrl", EMPTY)
    else:
        call.desk.web_url(given.inbound_message_url, "inboundMessageUrl", faults)
    if faults:
        refuse(faults)
    assert given.inbound_message_url is not None
    await call.desk.accounts.set_service_inbound(call.account_id, entry, given.inbound_message_url)
    return Reply(await _channel(call, entry))


def _service(call: Call) -> ChannelEntry:
    """The channel of the path's service id. Raises `ApiError` (404)."""
    entry = call.desk.sender(call.account_id, "viber", call.path["serviceId"])
    if entry is None:
        raise errors.not_found()
    return entry


def _mine(call: Call, network: str | None = None) -> list[ChannelEntry]:
    wanted = WORDS if network is None else (network,)
    found = [
        entry
        for entry in call.gateway.channels.all()
        if entry.channel.account_id == call.account_id and entry.network in wanted
    ]
    return sorted(found, key=lambda entry: entry.channel.id)


async def _channel(call: Call, entry: ChannelEntry) -> wire_account.ChannelAnswer:
    viber, sender = entry.network == "viber", sender_of(entry)
    return wire_account.ChannelAnswer(
        channel=WORDS[entry.network],
        scopes=list(CHANNEL_SCOPES),
        id=wire_account.SenderId(service_id=sender) if viber else wire_account.SenderId(phone_number=sender),
        name=entry.channel.name,
        callback=await call.desk.accounts.service_callbacks(call.account_id, entry),
        config=wire_account.SenderOptions(SERVICE_TYPE if viber else None),
    )


_CHANNEL_EXAMPLE: Final = {
    "channel": "viber",
    "scopes": list(CHANNEL_SCOPES),
    "id": {"serviceId": "1001"},
    "name": "demo-viber",
    "callback": CALLBACKS_EXAMPLE,
    "config": {"serviceType": SERVICE_TYPE},
}
_CHANNELS: Final = f"{V3}/configurations/channels"
_SERVICE: Final = f"{_CHANNELS}/viber/service-ids/{{serviceId}}"
_CHANNEL: Final[dict[str, Any]] = {
    "answer": wire_account.ChannelAnswer,
    "answered": _CHANNEL_EXAMPLE,
    "errors": (400, 404),
}

OPERATIONS: Final = (
    seen("listChannels", _CHANNELS, channels, "All channels", list[wire_account.ChannelAnswer], [_CHANNEL_EXAMPLE]),
    seen(
        "listViberChannels",
        f"{_CHANNELS}/viber",
        viber_channels,
        "All Viber service ids",
        list[wire_account.ChannelAnswer],
        [_CHANNEL_EXAMPLE],
    ),
    seen("listSmsChannels", f"{_CHANNELS}/sms", sms_channels, "All SMS senders", list[wire_account.ChannelAnswer], []),
    seen(
        "listOtherChannels",
        f"{_CHANNELS}/{OTHERS[0]}",
        no_channels,
        "Channels of networks that the gateway has none of",
        list[wire_account.ChannelAnswer],
        [],
        *(f"{_CHANNELS}/{other}" for other in OTHERS[1:]),
    ),
    seen("getServiceId", _SERVICE, viber_channel, "One Viber service id", wire_account.ChannelAnswer, _CHANNEL_EXAMPLE),
    changed(
        "setServiceIdCallbacks",
        "PUT",
        f"{_SERVICE}/callbacks",
        set_service_callbacks,
        "Replace a service id's callbacks",
        body=wire_account.ServiceCallbackConfig,
        example=CALLBACKS_EXAMPLE,
        **_CHANNEL,
    ),
    changed(
        "registerWebhook",
        "POST",
        f"{V3}/power-automate/webhooks/channels/viber/phone-numbers/{{serviceId}}",
        register_webhook,
        "Set where people's messages go, as the Microsoft connector does",
        body=wire_account.ConnectorWebhook,
        example={"inboundMessageUrl": "https://shop.example.com/inbound"},
        **_CHANNEL,
    ),
)
