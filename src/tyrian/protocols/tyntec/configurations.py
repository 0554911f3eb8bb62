"""What an account can see and set: callbacks, media credentials, and the channels with callbacks of their own."""

from typing import Any, Final

import msgspec

from tyrian.engine.channels import ChannelEntry
from tyrian.protocols.tyntec import errors, statuses, wire
from tyrian.protocols.tyntec.accounts import DEFAULT_VERSION, HIDDEN, WORDS, sender_of
from tyrian.protocols.tyntec.content import EMPTY, Faults, must_be_one_of, must_match
from tyrian.protocols.tyntec.guard import CONFIGURE, SEE
from tyrian.protocols.tyntec.operation import Call, Operation, Reply
from tyrian.protocols.tyntec.sending import Desk, refuse
from tyrian.protocols.tyntec.wire import V3

TAG: Final = "Configuration"
VERSIONS: Final = ("2.11", "2.12", "2.13")
METHODS: Final = ("HS256", "HS512")
#: Characters of a signature's secret, of a header's name, and of its value.
SECRET: Final = (8, 125)
HEADER_KEY: Final = (4, 125)
HEADER_VALUE: Final = (8, 1024)
#: Characters of a service id.
SERVICE_ID: Final = (4, 15)

ACCOUNT_SCOPES: Final = (
    "channels:read", "callbacks:read", "callbacks:write", "credentials:read", "credentials:write", "media:read",
    "media:write",
)  # fmt: skip
CHANNEL_SCOPES: Final = ("messages:read", "messages:write", "callbacks:write", "callbacks:read")
#: People can answer, whether or not a session is open.
SERVICE_TYPE: Final = "two-way"
#: tyntec's channels that this gateway has none of; their lists are empty.
OTHERS: Final = ("mms", "rcs", "whatsapp")
#: Headers that every callback has already, or that the connection itself is made of.
_RESERVED: Final = frozenset(
    {"host", "content-type", "content-length", "connection", "transfer-encoding", "expect", "user-agent"}
)
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

# -- Account ----------------------------------------------------------------------------------------------------------


async def account(call: Call) -> Reply:
    """The account's configuration; what is secret in it is hidden."""
    accounts = call.desk.accounts
    callback = await accounts.callbacks(call.account_id)
    callback.callback_version = callback.callback_version or DEFAULT_VERSION
    if callback.event_filter is None:
        callback.event_filter = []
    if callback.signature is not None:
        callback.signature = wire.Signature(HIDDEN, callback.signature.method)
    if callback.header is not None:
        callback.header = wire.Header(callback.header.key, HIDDEN)
    credentials = await accounts.credentials(call.account_id)
    options = wire.AccountOptions(_hidden(credentials) if credentials else None)
    return Reply(wire.AccountConfig(list(ACCOUNT_SCOPES), callback, options))


async def replace_callbacks(call: Call) -> Reply:
    """Replaces the account's callback configuration."""
    known = await call.desk.accounts.callbacks(call.account_id)
    await _set_callbacks(call, _with_hidden(_config(_members(call)), known))
    return Reply(status=204)


async def change_callbacks(call: Call) -> Reply:
    """Changes some members of the account's callback configuration."""
    known = await call.desk.accounts.callbacks(call.account_id)
    merged = msgspec.to_builtins(known) | _members(call)
    await _set_callbacks(call, _with_hidden(_config(merged), known))
    return Reply(status=204)


def _members(call: Call) -> dict[str, Any]:
    """The members of a callback configuration; a signature or header that is empty is one to remove."""
    given: dict[str, Any] = call.body(dict[str, Any])
    return {name: (value or None) if name in ("signature", "header") else value for name, value in given.items()}


def _config(members: dict[str, Any]) -> wire.CallbackConfig:
    """The configuration. Raises `ApiError` (400) where its members are of other types."""
    try:
        return msgspec.convert(members, wire.CallbackConfig)
    except msgspec.ValidationError as error:
        raise errors.unparseable(str(error)) from None


async def _set_callbacks(call: Call, config: wire.CallbackConfig) -> None:
    config = _without_empty(config)
    faults = Faults()
    _check_callbacks(config, call.desk, faults)
    _check_secrets(config, faults)
    if faults:
        refuse(faults)
    await call.desk.accounts.set_callbacks(call.account_id, config)


def _without_empty(config: wire.CallbackConfig) -> wire.CallbackConfig:
    """The configuration without the members that an empty value removes."""
    signature, header = config.signature, config.header
    return msgspec.structs.replace(
        config,
        inbound_message_url=config.inbound_message_url or None,
        message_status_url=config.message_status_url or None,
        business_notification_url=config.business_notification_url or None,
        calling_notification_url=config.calling_notification_url or None,
        signature=signature if signature and (signature.secret or signature.method) else None,
        header=header if header and (header.key or header.value) else None,
    )


def _with_hidden(config: wire.CallbackConfig, known: wire.CallbackConfig) -> wire.CallbackConfig:
    """The configuration with the secrets that it only showed as hidden."""
    if config.signature and config.signature.secret == HIDDEN and known.signature:
        config.signature = wire.Signature(known.signature.secret, config.signature.method)
    if config.header and config.header.value == HIDDEN and known.header:
        config.header = wire.Header(config.header.key, known.header.value)
    return config


def _check_callbacks(config: wire.CallbackConfig | wire.ServiceCallbackConfig, desk: Desk, faults: Faults) -> None:
    version = config.callback_version
    if version is not None and version not in VERSIONS:
        faults.add("callbackVersion", must_be_one_of(VERSIONS))
    for field in msgspec.structs.fields(config):
        url = getattr(config, field.name)
        if field.encode_name.endswith("Url") and url:
            desk.web_url(url, field.encode_name, faults)
    for number, name in enumerate(config.event_filter or ()):
        if name not in statuses.FILTERS:
            faults.add(f"eventFilter[{number}]", must_be_one_of(sorted(statuses.FILTERS)))


def _check_secrets(config: wire.CallbackConfig, faults: Faults) -> None:
    if config.signature is not None:
        faults.text(config.signature.secret, "signature.secret", SECRET[1], SECRET[0])
        if config.signature.method not in METHODS:
            faults.add("signature.method", must_be_one_of(METHODS))
    if config.header is not None:
        key = faults.text(config.header.key, "header.key", HEADER_KEY[1], HEADER_KEY[0])
        value = faults.text(config.header.value, "header.value", HEADER_VALUE[1], HEADER_VALUE[0])
        if key and (key.lower() in _RESERVED or not _TOKEN.issuperset(key)):
            faults.add("header.key", "must be the name of a header that callbacks do not have already")
        if not (value.isascii() and value.isprintable()):
            faults.add("header.value", must_match("^[ -~]*$"))


# -- Media credentials ------------------------------------------------------------------------------------------------


async def set_credentials(call: Call) -> Reply:
    """Sets what the account's media are downloaded with."""
    given = call.body(wire.MediaCredentials)
    faults = Faults()
    if given.type == "basic":
        basic = given.basic or wire.BasicCredentials()
        faults.text(basic.username, "basic.username", 1024)
        faults.text(basic.password, "basic.password", 1024)
        given = wire.MediaCredentials("basic", basic=basic)
    elif given.type == "oauth2":
        oauth2 = given.oauth2 or wire.OauthCredentials()
        faults.text(oauth2.client_id, "oauth2.clientId", 1024)
        faults.text(oauth2.client_secret, "oauth2.clientSecret", 1024)
        url = faults.text(oauth2.url, "oauth2.url", 2000)
        if url:
            call.desk.web_url(url, "oauth2.url", faults)
        given = wire.MediaCredentials("oauth2", oauth2=oauth2)
    else:
        faults.add("type", must_be_one_of(("basic", "oauth2")))
    if faults:
        refuse(faults)
    await call.desk.accounts.set_credentials(call.account_id, given)
    return await account(call)


async def remove_credentials(call: Call) -> Reply:
    """Removes the media credentials."""
    await call.desk.accounts.remove_credentials(call.account_id)
    return await account(call)


def _hidden(credentials: wire.MediaCredentials) -> wire.MediaCredentials:
    if credentials.basic is not None:
        credentials.basic.password = HIDDEN
    if credentials.oauth2 is not None:
        credentials.oauth2.client_secret = HIDDEN
    return credentials


# -- Channels ---------------------------------------------------------------------------------------------------------


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
    given = call.body(wire.ServiceCallbackConfig)
    entry = _service(call)
    faults = Faults()
    _check_callbacks(given, call.desk, faults)
    if faults:
        refuse(faults)
    given.inbound_message_url = given.inbound_message_url or None
    given.message_status_url = given.message_status_url or None
    await call.desk.accounts.set_service_callbacks(call.account_id, entry, given)
    return Reply(await _channel(call, entry))


async def register_webhook(call: Call) -> Reply:
    """Sets where people's messages to a service id go, as the Microsoft connector does."""
    given = call.body(wire.ConnectorWebhook)
    entry = _service(call)
    faults = Faults()
    if not given.inbound_message_url:
        faults.add("inboundMessageUrl", EMPTY)
    else:
        call.desk.web_url(given.inbound_message_url, "inboundMessageUrl", faults)
    if faults:
        refuse(faults)
    accounts = call.desk.accounts
    known = await accounts.service_callbacks(call.account_id, entry)
    known.inbound_message_url = given.inbound_message_url
    await accounts.set_service_callbacks(call.account_id, entry, known)
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


async def _channel(call: Call, entry: ChannelEntry) -> wire.ChannelAnswer:
    viber, sender = entry.network == "viber", sender_of(entry)
    return wire.ChannelAnswer(
        channel=WORDS[entry.network],
        scopes=list(CHANNEL_SCOPES),
        id=wire.SenderId(service_id=sender) if viber else wire.SenderId(phone_number=sender),
        name=entry.channel.name,
        callback=await call.desk.accounts.service_callbacks(call.account_id, entry),
        config=wire.SenderOptions(SERVICE_TYPE if viber else None),
    )


# -- The table --------------------------------------------------------------------------------------------------------

CALLBACKS_EXAMPLE: Final = {
    "callbackVersion": "2.11",
    "inboundMessageUrl": "https://shop.example.com/inbound",
    "messageStatusUrl": "https://shop.example.com/status",
    "eventFilter": ["MessageStatus::delivered", "MessageStatus::seen", "MessageStatus::failed"],
}
_ACCOUNT_EXAMPLE: Final = {"scopes": list(ACCOUNT_SCOPES), "callback": CALLBACKS_EXAMPLE, "config": {}}
_CHANNEL_EXAMPLE: Final = {
    "channel": "viber",
    "scopes": list(CHANNEL_SCOPES),
    "id": {"serviceId": "1001"},
    "name": "demo-viber",
    "callback": CALLBACKS_EXAMPLE,
    "config": {"serviceType": SERVICE_TYPE},
}
_CALLBACKS: Final = f"{V3}/configurations/callbacks"
_CREDENTIALS: Final = f"{V3}/configurations/mediaCredentials"
_CHANNELS: Final = f"{V3}/configurations/channels"
_SERVICE: Final = f"{_CHANNELS}/viber/service-ids/{{serviceId}}"


def _seen(name: str, path: str, handler: Any, summary: str, answer: Any, answered: Any, *also: str) -> Operation:
    return Operation(
        name=name,
        method="GET",
        path=path,
        also=also,
        handler=handler,
        scope=SEE,
        tag=TAG,
        summary=summary,
        answer=answer,
        answered=answered,
        errors=(404,) if "{" in path else (),
    )


def _set(name: str, method: str, path: str, handler: Any, summary: str, **more: Any) -> Operation:
    return Operation(
        name=name, method=method, path=path, handler=handler, scope=CONFIGURE, tag=TAG, summary=summary, **more
    )


_ACCOUNT: Final[dict[str, Any]] = {"answer": wire.AccountConfig, "answered": _ACCOUNT_EXAMPLE}
_CHANNEL: Final[dict[str, Any]] = {"answer": wire.ChannelAnswer, "answered": _CHANNEL_EXAMPLE, "errors": (400, 404)}
_NEW_CALLBACKS: Final[dict[str, Any]] = {
    "body": wire.CallbackConfig, "example": CALLBACKS_EXAMPLE, "status": 204, "errors": (400,)
}  # fmt: skip

OPERATIONS: Final = (
    _seen("getConfiguration", f"{V3}/configurations", account, "The account's configuration", *_ACCOUNT.values()),
    _set("replaceCallbacks", "PUT", _CALLBACKS, replace_callbacks, "Replace the account's callbacks", **_NEW_CALLBACKS),
    _set("changeCallbacks", "PATCH", _CALLBACKS, change_callbacks, "Change the account's callbacks", **_NEW_CALLBACKS),
    _set(
        "setMediaCredentials",
        "PUT",
        _CREDENTIALS,
        set_credentials,
        "Set what media are downloaded with",
        body=wire.MediaCredentials,
        example={"type": "basic", "basic": {"username": "shop", "password": "a long password"}},
        errors=(400,),
        **_ACCOUNT,
    ),
    _set("removeMediaCredentials", "DELETE", _CREDENTIALS, remove_credentials, "Remove them", **_ACCOUNT),
    _seen("listChannels", _CHANNELS, channels, "All channels", list[wire.ChannelAnswer], [_CHANNEL_EXAMPLE]),
    _seen(
        "listViberChannels",
        f"{_CHANNELS}/viber",
        viber_channels,
        "All Viber service ids",
        list[wire.ChannelAnswer],
        [_CHANNEL_EXAMPLE],
    ),
    _seen("listSmsChannels", f"{_CHANNELS}/sms", sms_channels, "All SMS senders", list[wire.ChannelAnswer], []),
    _seen(
        "listOtherChannels",
        f"{_CHANNELS}/{OTHERS[0]}",
        no_channels,
        "Channels of networks that the gateway has none of",
        list[wire.ChannelAnswer],
        [],
        *(f"{_CHANNELS}/{other}" for other in OTHERS[1:]),
    ),
    _seen("getServiceId", _SERVICE, viber_channel, "One Viber service id", wire.ChannelAnswer, _CHANNEL_EXAMPLE),
    _set(
        "setServiceIdCallbacks",
        "PUT",
        f"{_SERVICE}/callbacks",
        set_service_callbacks,
        "Replace a service id's callbacks",
        body=wire.ServiceCallbackConfig,
        example=CALLBACKS_EXAMPLE,
        **_CHANNEL,
    ),
    _set(
        "registerWebhook",
        "POST",
        f"{V3}/power-automate/webhooks/channels/viber/phone-numbers/{{serviceId}}",
        register_webhook,
        "Set where people's messages go, as the Microsoft connector does",
        body=wire.ConnectorWebhook,
        example={"inboundMessageUrl": "https://shop.example.com/inbound"},
        **_CHANNEL,
    ),
)
