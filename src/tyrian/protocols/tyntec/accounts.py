"""What an account has configured, kept as documents: its callbacks, those of its service ids, its media credentials.

What is secret in them is sealed. Reading is cached by the engine, since every send asks.
"""

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from tyrian.engine.channels import ChannelEntry
from tyrian.protocols.tyntec import statuses, wire_account
from tyrian.protocols.tyntec.wire_account import CallbackConfig

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

FACE: Final = "tyntec"
_CALLBACKS: Final = "callbacks"
_CREDENTIALS: Final = "media-credentials"
_ACCOUNT: Final = "account"
#: What is shown in the place of a secret; sent back, it leaves the secret as it is.
HIDDEN: Final = "***"
DEFAULT_VERSION: Final = "2.12"

#: The channel words of tyntec -> the engine's networks.
NETWORKS: Final = {"viber": "viber", "sms": "sms"}
WORDS: Final = {network: word for word, network in NETWORKS.items()}


class Effective(Struct):
    """Where the callbacks of one sender go: the account's configuration under the sender's own."""

    message_status_url: str | None
    inbound_message_url: str | None
    #: States of reports that are wanted.
    states: list[str]


class Signing(Struct):
    """What every callback of an account carries: a signature, a header, both or neither."""

    secret: str | None = None
    method: str | None = None
    header: tuple[str, str] | None = None


class Accounts:
    """The configurations of all accounts of a gateway."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._documents = gateway.documents

    # -- Callbacks ----------------------------------------------------------------------------------------------------

    async def callbacks(self, account_id: int) -> CallbackConfig:
        """The account's callback configuration, with its secrets in the clear."""
        return self._config(await self._documents.get(account_id, FACE, _CALLBACKS, _ACCOUNT))

    def _config(self, body: Any) -> CallbackConfig:
        config = msgspec.convert(body or {}, CallbackConfig)
        if config.signature is not None:
            config.signature = wire_account.Signature(self._open(config.signature.secret), config.signature.method)
        if config.header is not None:
            config.header = wire_account.Header(config.header.key, self._open(config.header.value))
        return config

    async def change_callbacks(self, account_id: int, to: Callable[[CallbackConfig], CallbackConfig]) -> None:
        """Changes the account's callback configuration; `to` may be called several times, and may refuse."""
        await self._documents.change(
            account_id, FACE, _CALLBACKS, _ACCOUNT, lambda body: self._sealed(to(self._config(body)))
        )

    def _sealed(self, config: CallbackConfig) -> Any:
        sealed = msgspec.structs.replace(config)
        if config.signature is not None:
            sealed.signature = wire_account.Signature(self._seal(config.signature.secret), config.signature.method)
        if config.header is not None:
            sealed.header = wire_account.Header(config.header.key, self._seal(config.header.value))
        return msgspec.to_builtins(sealed)

    async def service_callbacks(self, account_id: int, entry: ChannelEntry) -> wire_account.ServiceCallbackConfig:
        """A sender's own callback configuration."""
        body = await self._documents.get(account_id, FACE, _CALLBACKS, _named(entry))
        return msgspec.convert(body or {}, wire_account.ServiceCallbackConfig)

    async def set_service_callbacks(
        self, account_id: int, entry: ChannelEntry, config: wire_account.ServiceCallbackConfig
    ) -> None:
        """Replaces a sender's own callback configuration."""
        await self._documents.put(account_id, FACE, _CALLBACKS, _named(entry), msgspec.to_builtins(config))

    async def set_service_inbound(self, account_id: int, entry: ChannelEntry, url: str) -> None:
        """Says where people's messages to a sender go; the rest of its configuration stays."""
        await self._documents.change(
            account_id, FACE, _CALLBACKS, _named(entry), lambda body: {**(body or {}), "inboundMessageUrl": url}
        )

    async def effective(self, account_id: int, entry: ChannelEntry | None) -> Effective:
        """Where callbacks of a sender go, and which."""
        account: dict[str, Any] = await self._documents.get(account_id, FACE, _CALLBACKS, _ACCOUNT) or {}
        own: dict[str, Any] = {}
        if entry is not None:
            own = await self._documents.get(account_id, FACE, _CALLBACKS, _named(entry)) or {}
        merged = account | own if own else account
        return Effective(
            merged.get("messageStatusUrl"),
            merged.get("inboundMessageUrl"),
            statuses.states_of(merged.get("eventFilter") or []),
        )

    async def signing(self, account_id: int) -> Signing:
        """What the account's callbacks are signed with."""
        config = await self.callbacks(account_id)
        made = Signing()
        if config.signature is not None:
            made.secret, made.method = config.signature.secret, config.signature.method
        if config.header is not None and config.header.key and config.header.value:
            made.header = (config.header.key, config.header.value)
        return made

    # -- Media credentials --------------------------------------------------------------------------------------------

    async def credentials(self, account_id: int) -> wire_account.MediaCredentials | None:
        """What the account's media are downloaded with."""
        body = await self._documents.get(account_id, FACE, _CREDENTIALS, _ACCOUNT)
        if body is None:
            return None
        return msgspec.json.decode(self._opened(body), type=wire_account.MediaCredentials)

    async def set_credentials(self, account_id: int, credentials: wire_account.MediaCredentials) -> None:
        """Replaces the media credentials."""
        body = self._seal(msgspec.json.encode(credentials).decode())
        await self._documents.put(account_id, FACE, _CREDENTIALS, _ACCOUNT, body)

    async def remove_credentials(self, account_id: int) -> None:
        """Removes the media credentials, if there are any."""
        await self._documents.delete(account_id, FACE, _CREDENTIALS, _ACCOUNT)

    # -- Secrets ------------------------------------------------------------------------------------------------------

    def _seal(self, plain: str | None) -> str | None:
        return None if plain is None else base64.b64encode(self._gateway.box.seal(plain.encode())).decode()

    def _open(self, sealed: str | None) -> str | None:
        return None if sealed is None else self._opened(sealed)

    def _opened(self, sealed: str) -> str:
        return self._gateway.box.open(base64.b64decode(sealed)).decode()


def _named(entry: ChannelEntry) -> str:
    """The name of a sender's document: the channel's, which is its own for as long as it exists."""
    return f"channel {entry.channel.id}"


def sender_of(entry: ChannelEntry) -> str:
    """The id under which tyntec's dialect knows a channel: its own on the network, or else its name."""
    return entry.sender or (entry.senders[0] if entry.senders else entry.channel.name)
