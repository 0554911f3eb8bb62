"""What an account can see and set: where its callbacks go, which and how signed, and its media credentials."""

from typing import Any, Final

import msgspec

from tyrian.protocols.tyntec import errors, statuses, wire_account
from tyrian.protocols.tyntec.accounts import DEFAULT_VERSION, HIDDEN
from tyrian.protocols.tyntec.content import Faults, must_be_one_of, must_match
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

ACCOUNT_SCOPES: Final = (
    "channels:read", "callbacks:read", "callbacks:write", "credentials:read", "credentials:write", "media:read",
    "media:write",
)  # fmt: skip
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
        callback.signature = wire_account.Signature(HIDDEN, callback.signature.method)
    if callback.header is not None:
        callback.header = wire_account.Header(callback.header.key, HIDDEN)
    credentials = await accounts.credentials(call.account_id)
    options = wire_account.AccountOptions(_hidden(credentials) if credentials else None)
    return Reply(wire_account.AccountConfig(list(ACCOUNT_SCOPES), callback, options))


async def replace_callbacks(call: Call) -> Reply:
    """Replaces the account's callback configuration."""
    members = _members(call)
    await call.desk.accounts.change_callbacks(call.account_id, lambda known: _checked(call, members, known))
    return Reply(status=204)


async def change_callbacks(call: Call) -> Reply:
    """Changes some members of the account's callback configuration."""
    members = _members(call)
    await call.desk.accounts.change_callbacks(
        call.account_id, lambda known: _checked(call, msgspec.to_builtins(known) | members, known)
    )
    return Reply(status=204)


def _members(call: Call) -> dict[str, Any]:
    """The members of a callback configuration; a signature or header that is empty is one to remove."""
    given: dict[str, Any] = call.body(dict[str, Any])
    return {name: (value or None) if name in ("signature", "header") else value for name, value in given.items()}


def _config(members: dict[str, Any]) -> wire_account.CallbackConfig:
    """The configuration. Raises `ApiError` (400) where its members are of other types."""
    try:
        return msgspec.convert(members, wire_account.CallbackConfig)
    except msgspec.ValidationError as error:
        raise errors.unparseable(str(error)) from None


def _checked(call: Call, members: dict[str, Any], known: wire_account.CallbackConfig) -> wire_account.CallbackConfig:
    """The configuration that takes the known one's place. Raises `ApiError` (400)."""
    config = _without_empty(_with_hidden(_config(members), known))
    faults = Faults()
    check_callbacks(config, call.desk, faults)
    _check_secrets(config, faults)
    if faults:
        refuse(faults)
    return config


def _without_empty(config: wire_account.CallbackConfig) -> wire_account.CallbackConfig:
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


def _with_hidden(
    config: wire_account.CallbackConfig, known: wire_account.CallbackConfig
) -> wire_account.CallbackConfig:
    """The configuration with the secrets that it only showed as hidden."""
    if config.signature and config.signature.secret == HIDDEN and known.signature:
        config.signature = wire_account.Signature(known.signature.secret, config.signature.method)
    if config.header and config.header.value == HIDDEN and known.header:
        config.header = wire_account.Header(config.header.key, known.header.value)
    return config


def check_callbacks(
    config: wire_account.CallbackConfig | wire_account.ServiceCallbackConfig, desk: Desk, faults: Faults
) -> None:
    """Notes what is wrong with where callbacks go, and which are wanted."""
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


def _check_secrets(config: wire_account.CallbackConfig, faults: Faults) -> None:
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
    given = call.body(wire_account.MediaCredentials)
    faults = Faults()
    if given.type == "basic":
        basic = given.basic or wire_account.BasicCredentials()
        faults.text(basic.username, "basic.username", 1024)
        faults.text(basic.password, "basic.password", 1024)
        given = wire_account.MediaCredentials("basic", basic=basic)
    elif given.type == "oauth2":
        oauth2 = given.oauth2 or wire_account.OauthCredentials()
        faults.text(oauth2.client_id, "oauth2.clientId", 1024)
        faults.text(oauth2.client_secret, "oauth2.clientSecret", 1024)
        url = faults.text(oauth2.url, "oauth2.url", 2000)
        if url:
            call.desk.web_url(url, "oauth2.url", faults)
        given = wire_account.MediaCredentials("oauth2", oauth2=oauth2)
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


def _hidden(credentials: wire_account.MediaCredentials) -> wire_account.MediaCredentials:
    if credentials.basic is not None:
        credentials.basic.password = HIDDEN
    if credentials.oauth2 is not None:
        credentials.oauth2.client_secret = HIDDEN
    return credentials


# -- The table --------------------------------------------------------------------------------------------------------

CALLBACKS_EXAMPLE: Final = {
    "callbackVersion": "2.11",
    "inboundMessageUrl": "https://shop.example.com/inbound",
    "messageStatusUrl": "https://shop.example.com/status",
    "eventFilter": ["MessageStatus::delivered", "MessageStatus::seen", "MessageStatus::failed"],
}
_ACCOUNT_EXAMPLE: Final = {"scopes": list(ACCOUNT_SCOPES), "callback": CALLBACKS_EXAMPLE, "config": {}}
_CALLBACKS: Final = f"{V3}/configurations/callbacks"
_CREDENTIALS: Final = f"{V3}/configurations/mediaCredentials"


def seen(name: str, path: str, handler: Any, summary: str, answer: Any, answered: Any, *also: str) -> Operation:
    """An operation that shows something."""
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


def changed(name: str, method: str, path: str, handler: Any, summary: str, **more: Any) -> Operation:
    """An operation that changes something."""
    return Operation(
        name=name, method=method, path=path, handler=handler, scope=CONFIGURE, tag=TAG, summary=summary, **more
    )


_ACCOUNT: Final[dict[str, Any]] = {"answer": wire_account.AccountConfig, "answered": _ACCOUNT_EXAMPLE}
_NEW_CALLBACKS: Final[dict[str, Any]] = {
    "body": wire_account.CallbackConfig, "example": CALLBACKS_EXAMPLE, "status": 204, "errors": (400,)
}  # fmt: skip

OPERATIONS: Final = (
    seen("getConfiguration", f"{V3}/configurations", account, "The account's configuration", *_ACCOUNT.values()),
    changed(
        "replaceCallbacks", "PUT", _CALLBACKS, replace_callbacks, "Replace the account's callbacks", **_NEW_CALLBACKS
    ),
    changed(
        "changeCallbacks", "PATCH", _CALLBACKS, change_callbacks, "Change the account's callbacks", **_NEW_CALLBACKS
    ),
    changed(
        "setMediaCredentials",
        "PUT",
        _CREDENTIALS,
        set_credentials,
        "Set what media are downloaded with",
        body=wire_account.MediaCredentials,
        example={"type": "basic", "basic": {"username": "shop", "password": "a long password"}},
        errors=(400,),
        **_ACCOUNT,
    ),
    changed("removeMediaCredentials", "DELETE", _CREDENTIALS, remove_credentials, "Remove them", **_ACCOUNT),
)
