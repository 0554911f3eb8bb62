"""What customers say about channels, keys, accounts and signing secrets, and what the API answers.

The body that makes a channel is the engine's own (`engine.channel_spec`). No secret is ever answered but in the answer
that makes it.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tyrian.domain.circuit import State
from tyrian.domain.media import MediaPolicy
from tyrian.domain.purpose import Purpose, UncertainPolicy
from tyrian.domain.session import SessionSettings
from tyrian.engine.channel_spec import Name
from tyrian.engine.keys import Form
from tyrian.protocols.native.answers import Time

#: The words of `engine.keys.SCOPES`; a test holds the two together.
Scope = Literal[
    "messages:send",
    "messages:read",
    "bulks:manage",
    "channels:read",
    "channels:manage",
    "keys:manage",
    "callbacks:manage",
    "inbound:read",
    "media:manage",
    "people:read",
    "people:manage",
    "inbox:read",
    "inbox:write",
    "flows:read",
    "flows:manage",
    "accounts:manage",
]
FaceName = Annotated[
    str, Meta(min_length=1, max_length=64, description="The API that the key or secret is for; `native` is this one.")
]
Title = Annotated[str, Meta(min_length=1, max_length=100, description="A name for people to tell it by.")]
Identity = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        pattern=r"^[!-9;-~]+$",
        description="The user name of a `pair`, or the public name of a `signed` key; made up if not given.",
    ),
]
KeyRate = Annotated[float, Meta(gt=0, le=1_000_000, description="Requests per second, on each node.")]
Secret = Annotated[str, Meta(description="The secret. It is shown this once and cannot be had again.")]


# -- Channels ---------------------------------------------------------------------------------------------------------


class HealthAnswer(Struct, kw_only=True):
    """What the network says about a channel, in words for people."""

    ok: bool
    detail: str
    reason: Annotated[str | None, Meta(description="What is wrong, in a word that programs can tell apart.")] = None
    fix: Annotated[str | None, Meta(description="What to do about it.")] = None


class VerificationAnswer(Struct, kw_only=True):
    """What the last attempt to set a channel up at its network came to."""

    state: Literal["pending", "active", "failed_verification"]
    reason: str | None
    detail: str
    fix: Annotated[str | None, Meta(description="What to do about it.")]
    at: Time


class ChannelAnswer(Struct, kw_only=True):
    """A channel. Secrets are shown by name alone; `trouble` says why this node cannot use the channel, if it cannot."""

    name: str
    kind: str
    config: dict[str, Any]
    secrets: Annotated[dict[str, str], Meta(description="`***` for each secret that is set.")]
    rate: Annotated[float | None, Meta(description="Messages per second, over all nodes; `null` for no limit.")]
    concurrency: Annotated[int | None, Meta(description="Sends in flight, over all nodes; `null` for no limit.")]
    uncertain: Annotated[
        dict[Purpose, UncertainPolicy],
        Meta(description="What is done, by purpose, with a send of which nobody knows whether it went out."),
    ]
    active: Annotated[bool, Meta(description="Whether the channel sends; a paused one keeps what is due.")]
    inbound_url: Annotated[str | None, Meta(description="Where messages from people are brought.")]
    senders: Annotated[list[str], Meta(description="Names by which programs for other vendors' APIs know the sender.")]
    verification: Annotated[
        VerificationAnswer | None,
        Meta(description="Whether the network knows this gateway; `null` for kinds that need nothing set up there."),
    ]
    track_links: Annotated[
        bool, Meta(description="Whether link buttons with an `id` are tracked where the message does not say.")
    ]
    media: Annotated[
        MediaPolicy,
        Meta(description="What is done about files before a message is sent, where the message does not say."),
    ]
    sessions: Annotated[SessionSettings, Meta(description="When session content may go out, and what does otherwise.")]
    hook_url: Annotated[str, Meta(description="Where the network must bring receipts and messages.")]
    trouble: str | None
    circuit: Annotated[
        State | None,
        Meta(
            description="Whether the channel is failing, as the node that answers sees it: `closed` while all is well, "
            "`open` while groups pass it over, `half_open` while single sends try it. `null` for a group."
        ),
    ]
    created_at: Time
    updated_at: Time


class ChannelChangedAnswer(ChannelAnswer, kw_only=True):
    """A channel that was made or changed. `setup` says how setting it up at the network went, if that was tried."""

    setup: HealthAnswer | None


class ChannelList(Struct, kw_only=True):
    """The account's channels, by name."""

    channels: list[ChannelAnswer]


class ChannelKindAnswer(Struct, kw_only=True):
    """A kind of channel, with the JSON Schemas of its `config` and `secrets`."""

    kind: str
    title: str
    config: Annotated[Any, Meta(description="A JSON Schema.")]
    secrets: Annotated[Any, Meta(description="A JSON Schema.")]


class ChannelKindList(Struct, kw_only=True):
    """The kinds of channels that this gateway has, by name."""

    kinds: list[ChannelKindAnswer]


# -- Keys -------------------------------------------------------------------------------------------------------------


class KeyRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """A key to make."""

    name: Title
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=50, description="What the key may do.")]
    face: FaceName = "native"
    form: Annotated[
        Form,
        Meta(
            description="`token`: one secret word. `pair`: a user name and a password. `signed`: a public name, and a "
            "secret that requests are signed with. A face may know only some of them."
        ),
    ] = Form.TOKEN
    identity: Identity | None = None
    rate: KeyRate | None = None


class KeyAnswer(Struct, kw_only=True):
    """A key, without its secret: `prefix` is the secret's beginning, or the key's user name."""

    id: UUID
    name: str
    face: str
    prefix: str
    scopes: list[str]
    rate: Annotated[float | None, Meta(description="Requests per second, on each node; `null` for the gateway's own.")]
    created_at: Time


class NewKeyAnswer(KeyAnswer, kw_only=True):
    """A key just made."""

    secret: Secret
    identity: Annotated[str | None, Meta(description="The user name or public name that goes with the secret.")]


class KeyList(Struct, kw_only=True):
    """The account's keys in force, oldest first."""

    keys: list[KeyAnswer]


# -- Signing secrets --------------------------------------------------------------------------------------------------


class SigningSecretRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """A signing secret to make."""

    face: FaceName = "native"


class SigningSecretAnswer(Struct, kw_only=True):
    """A signing secret, without the secret itself."""

    face: str
    created_at: Time
    expires_at: Annotated[Time | None, Meta(description="When it stops signing; `null` for the newest.")]


class NewSigningSecretAnswer(SigningSecretAnswer, kw_only=True):
    """A signing secret just made."""

    secret: Secret


class SigningSecretList(Struct, kw_only=True):
    """The secrets that sign this account's callbacks now, newest first."""

    signing_secrets: list[SigningSecretAnswer]


class SigningParameters(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which signing secrets to list."""

    face: FaceName = "native"


# -- Accounts ---------------------------------------------------------------------------------------------------------


class AccountRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """An account to make."""

    name: Name


class AccountAnswer(Struct, kw_only=True):
    """An account: a tenant of this gateway, with keys, channels and messages of its own."""

    name: str
    created_at: Time


class NewAccountAnswer(AccountAnswer, kw_only=True):
    """An account just made, with its first key and the secret that signs its callbacks."""

    key: NewKeyAnswer
    signing_secret: NewSigningSecretAnswer


class AccountList(Struct, kw_only=True):
    """Accounts, by name."""

    accounts: list[AccountAnswer]
