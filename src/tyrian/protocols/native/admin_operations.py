"""The rows of the API's table of operations for channels, keys, signing secrets and accounts."""

from typing import Any, Final

from tyrian.engine.channel_spec import ChannelChange, ChannelSpec
from tyrian.protocols.native import admin, admin_wire as wire
from tyrian.protocols.native.operation import Answer, Operation

# -- Examples: the bodies are real, and the tests send each of them ---------------------------------------------------

_AT: Final = "2026-03-01T09:30:00.000Z"
_LATER: Final = "2026-03-02T09:30:00.000Z"

CREATE_CHANNEL: Final[dict[str, Any]] = {
    "a Viber Business sender": {
        "name": "shop-viber",
        "kind": "viber_business",
        "config": {"service_id": 12345},
        "rate": 200,
        "inbound_url": "https://shop.example/inbound",
    },
    "an SMS sender": {
        "name": "shop-sms",
        "kind": "smpp",
        "config": {"host": "smsc.example", "port": 2775, "system_id": "shop", "sender": "Shop"},
        "secrets": {"password": "s3cret"},
        "concurrency": 50,
        "uncertain": {"transactional": "fail"},
    },
    "a group: three quarters of the people by one channel, the others by another": {
        "name": "shop-sms-any",
        "kind": "group",
        "config": {
            "members": [{"channel": "shop-sms", "weight": 3}, {"channel": "shop-sms-2", "weight": 1}],
            "strategy": "weight",
        },
    },
}
CHANGE_CHANNEL: Final[dict[str, Any]] = {
    "another pace": {"rate": 50, "concurrency": None},
    "where answers go": {"inbound_url": "https://shop.example/inbound"},
}
CREATE_KEY: Final[dict[str, Any]] = {
    "a key that sends": {"name": "web shop", "scopes": ["messages:send", "messages:read"]},
    "a slow one": {"name": "newsletter", "scopes": ["messages:send", "bulks:manage"], "rate": 5},
}
CREATE_SIGNING_SECRET: Final[dict[str, Any]] = {"for this API": {}}
CREATE_ACCOUNT: Final[dict[str, Any]] = {"a tenant": {"name": "north-branch"}}

CHANNEL: Final[dict[str, Any]] = {
    "name": "shop-viber",
    "kind": "viber_business",
    "config": {"service_id": 12345},
    "secrets": {},
    "rate": 200.0,
    "concurrency": None,
    "uncertain": {},
    "active": True,
    "inbound_url": "https://shop.example/inbound",
    "senders": ["Shop"],
    "verification": None,
    "track_links": False,
    "media": "as_is",
    "sessions": {
        "enforced": True,
        "duration": 86400,
        "sent_limit": 60,
        "unanswered_limit": 10,
        "opt_in": {"content": {"type": "text", "text": "May we write to you?"}, "purpose": "transactional"},
    },
    "hook_url": "https://gateway.example/hooks/7",
    "trouble": None,
    "circuit": "closed",
    "created_at": _AT,
    "updated_at": _AT,
}
CHANGED: Final = {**CHANNEL, "setup": {"ok": True, "detail": "This kind of channel needs nothing to be set up."}}
HEALTH: Final = {"ok": True, "detail": "The network answers."}
KIND: Final[dict[str, Any]] = {
    "kind": "smpp",
    "title": "SMS over SMPP 3.4",
    "config": {"type": "object"},
    "secrets": {"type": "object"},
}
KEY: Final[dict[str, Any]] = {
    "id": "01980f5e-6c00-7000-8000-3f2a9b1c4d5e",
    "name": "web shop",
    "face": "native",
    "prefix": "tyrian_5kQ0z",
    "scopes": ["messages:read", "messages:send"],
    "rate": None,
    "created_at": _AT,
}
NEW_KEY: Final = {**KEY, "secret": "tyrian_5kQ0z" + "x" * 38, "identity": None}
SIGNING_SECRET: Final[dict[str, Any]] = {"face": "native", "created_at": _AT, "expires_at": None}
OLD_SIGNING_SECRET: Final = {**SIGNING_SECRET, "created_at": "2026-01-01T00:00:00.000Z", "expires_at": _LATER}
NEW_SIGNING_SECRET: Final = {**SIGNING_SECRET, "secret": "whsec_" + "x" * 43 + "="}
ACCOUNT: Final[dict[str, Any]] = {"name": "north-branch", "created_at": _AT}

# -- Channels ---------------------------------------------------------------------------------------------------------

_CHANNEL: Final = Answer(status=200, description="The channel.", type=wire.ChannelAnswer, example=CHANNEL)
_HEALTH: Final = Answer(status=200, description="What the network says.", type=wire.HealthAnswer, example=HEALTH)

CHANNELS: Final = (
    Operation(
        method="GET",
        path="/api/v1/channels",
        name="listChannels",
        tag="Channels",
        summary="List channels",
        description="The account's channels, by name. Secrets are shown as `***`.",
        scope="channels:read",
        handler=admin.list_channels,
        answers=(
            Answer(status=200, description="The channels.", type=wire.ChannelList, example={"channels": [CHANNEL]}),
        ),
    ),
    Operation(
        method="POST",
        path="/api/v1/channels",
        name="createChannel",
        tag="Channels",
        summary="Make a channel",
        description=(
            "Makes a channel and sets it up at its network (a bot's webhook, for example); `setup` says how that "
            "went. The channel stays when it went wrong: set it up again once the reason is gone. What `config` "
            "and `secrets` may hold is the kind's: see the channel kinds."
        ),
        scope="channels:manage",
        handler=admin.create_channel,
        body=ChannelSpec,
        examples=CREATE_CHANNEL,
        errors=("conflict",),
        answers=(Answer(status=201, description="The channel.", type=wire.ChannelChangedAnswer, example=CHANGED),),
    ),
    Operation(
        method="GET",
        path="/api/v1/channels/{id}",
        name="getChannel",
        tag="Channels",
        summary="Read a channel",
        description="One channel, by its name.",
        scope="channels:read",
        handler=admin.get_channel,
        identifies="channel",
        answers=(_CHANNEL,),
    ),
    Operation(
        method="PATCH",
        path="/api/v1/channels/{id}",
        name="changeChannel",
        tag="Channels",
        summary="Change a channel",
        description=(
            "A JSON Merge Patch (RFC 7396): what is left out stays, `null` takes a value away. A secret sent as "
            "`***` stays as it is. Sends under way end as they began; `name` and `kind` never change. Where "
            "`config` or `secrets` are given, the channel is set up at its network again, and `setup` says how "
            "that went."
        ),
        scope="channels:manage",
        handler=admin.change_channel,
        body=ChannelChange,
        examples=CHANGE_CHANNEL,
        errors=("conflict",),
        identifies="channel",
        answers=(Answer(status=200, description="The channel.", type=wire.ChannelChangedAnswer, example=CHANGED),),
    ),
    Operation(
        method="DELETE",
        path="/api/v1/channels/{id}",
        name="removeChannel",
        tag="Channels",
        summary="Remove a channel",
        description=(
            "Removes a channel and its secrets; its name is free again. Messages that wait for it go on with the "
            "next step of their cascade, or fail as `channel_removed`. This cannot be undone; to hold messages, "
            "pause the channel."
        ),
        scope="channels:manage",
        handler=admin.remove_channel,
        identifies="channel",
        answers=(Answer(status=204, description="Removed."),),
    ),
    Operation(
        method="POST",
        path="/api/v1/channels/{id}/pause",
        name="pauseChannel",
        tag="Channels",
        summary="Pause a channel",
        description=(
            "Holds what is due on the channel until it is resumed. Receipts and messages from people still come in."
        ),
        scope="channels:manage",
        handler=admin.pause_channel,
        errors=("conflict",),
        identifies="channel",
        answers=(_CHANNEL,),
    ),
    Operation(
        method="POST",
        path="/api/v1/channels/{id}/resume",
        name="resumeChannel",
        tag="Channels",
        summary="Resume a channel",
        description="Lets a paused channel send again.",
        scope="channels:manage",
        handler=admin.resume_channel,
        errors=("conflict",),
        identifies="channel",
        answers=(_CHANNEL,),
    ),
    Operation(
        method="POST",
        path="/api/v1/channels/{id}/check",
        name="checkChannel",
        tag="Channels",
        summary="Check a channel",
        description="Asks the network, now, whether the channel can work; sends nothing to anybody.",
        scope="channels:manage",
        handler=admin.check_channel,
        identifies="channel",
        answers=(_HEALTH,),
    ),
    Operation(
        method="POST",
        path="/api/v1/channels/{id}/setup",
        name="setUpChannel",
        tag="Channels",
        summary="Set a channel up again",
        description="Sets up once more what the channel needs at its network, such as a bot's webhook.",
        scope="channels:manage",
        handler=admin.set_up_channel,
        identifies="channel",
        answers=(_HEALTH,),
    ),
    Operation(
        method="GET",
        path="/api/v1/channel-kinds",
        name="listChannelKinds",
        tag="Channels",
        summary="List the kinds of channels",
        description="What kinds of channels can be made, and what each takes as `config` and `secrets`.",
        scope="channels:read",
        handler=admin.list_kinds,
        answers=(Answer(status=200, description="The kinds.", type=wire.ChannelKindList, example={"kinds": [KIND]}),),
    ),
)

# -- Keys -------------------------------------------------------------------------------------------------------------

KEYS: Final = (
    Operation(
        method="GET",
        path="/api/v1/keys",
        name="listKeys",
        tag="Keys",
        summary="List keys",
        description="The account's keys that are in force, oldest first, without their secrets.",
        scope="keys:manage",
        handler=admin.list_keys,
        answers=(Answer(status=200, description="The keys.", type=wire.KeyList, example={"keys": [KEY]}),),
    ),
    Operation(
        method="POST",
        path="/api/v1/keys",
        name="createKey",
        tag="Keys",
        summary="Make a key",
        description=(
            "Makes a key. Its secret is in this answer and nowhere else: Tyrian keeps a hash. A key can give only "
            "the scopes that it has itself."
        ),
        scope="keys:manage",
        handler=admin.create_key,
        body=wire.KeyRequest,
        examples=CREATE_KEY,
        errors=("conflict",),
        answers=(Answer(status=201, description="The key, with its secret.", type=wire.NewKeyAnswer, example=NEW_KEY),),
    ),
    Operation(
        method="DELETE",
        path="/api/v1/keys/{id}",
        name="revokeKey",
        tag="Keys",
        summary="Revoke a key",
        description="Ends a key, within seconds on every node. A key cannot revoke itself.",
        scope="keys:manage",
        handler=admin.revoke_key,
        errors=("conflict",),
        identifies="key",
        answers=(Answer(status=204, description="Revoked."),),
    ),
)

# -- Signing secrets --------------------------------------------------------------------------------------------------

SIGNING_SECRETS: Final = (
    Operation(
        method="GET",
        path="/api/v1/signing-secrets",
        name="listSigningSecrets",
        tag="Callbacks",
        summary="List signing secrets",
        description=(
            "Which secrets sign the account's callbacks now, newest first, and until when; not the secrets themselves."
        ),
        scope="callbacks:manage",
        handler=admin.list_signing_secrets,
        query=wire.SigningParameters,
        answers=(
            Answer(
                status=200,
                description="The secrets in force.",
                type=wire.SigningSecretList,
                example={"signing_secrets": [SIGNING_SECRET, OLD_SIGNING_SECRET]},
            ),
        ),
    ),
    Operation(
        method="POST",
        path="/api/v1/signing-secrets",
        name="createSigningSecret",
        tag="Callbacks",
        summary="Make a signing secret",
        description=(
            "Makes a new secret, shown in this answer and nowhere else. Callbacks are signed with it from now on, "
            "and for 24 hours with the one before too, so that no callback is lost while you change over."
        ),
        scope="callbacks:manage",
        handler=admin.create_signing_secret,
        body=wire.SigningSecretRequest,
        examples=CREATE_SIGNING_SECRET,
        answers=(
            Answer(
                status=201,
                description="The secret.",
                type=wire.NewSigningSecretAnswer,
                example=NEW_SIGNING_SECRET,
            ),
        ),
    ),
)

# -- Accounts ---------------------------------------------------------------------------------------------------------

ACCOUNTS: Final = (
    Operation(
        method="GET",
        path="/api/v1/accounts",
        name="listAccounts",
        tag="Accounts",
        summary="List accounts",
        description="The caller's own account; with the scope `accounts:manage`, all accounts of this gateway.",
        scope="",
        handler=admin.list_accounts,
        answers=(
            Answer(status=200, description="The accounts.", type=wire.AccountList, example={"accounts": [ACCOUNT]}),
        ),
    ),
    Operation(
        method="POST",
        path="/api/v1/accounts",
        name="createAccount",
        tag="Accounts",
        summary="Make an account",
        description=(
            "Makes an account with its first key, which may do everything but manage accounts, and the secret "
            "that signs its callbacks. Both secrets are shown in this answer and nowhere else."
        ),
        scope="accounts:manage",
        handler=admin.create_account,
        body=wire.AccountRequest,
        examples=CREATE_ACCOUNT,
        errors=("conflict",),
        answers=(
            Answer(
                status=201,
                description="The account, its key and its signing secret.",
                type=wire.NewAccountAnswer,
                example={**ACCOUNT, "key": NEW_KEY, "signing_secret": NEW_SIGNING_SECRET},
            ),
        ),
    ),
)

OPERATIONS: Final[tuple[Operation, ...]] = (*CHANNELS, *KEYS, *SIGNING_SECRETS, *ACCOUNTS)
