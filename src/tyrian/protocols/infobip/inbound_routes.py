"""Where people's messages go in this dialect: inbound-message configurations first, then subscriptions, then a queue.

A configuration is known by what it is for (channel, resource, keyword), so that the same one posted twice is one.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from weakref import WeakKeyDictionary

import msgspec
from msgspec import Meta, Struct

from tyrian.engine.face_ports import Heard
from tyrian.engine.pulls import queue_url
from tyrian.engine.report import Paired
from tyrian.protocols.infobip.facts import unpack
from tyrian.protocols.infobip.operation import FACE
from tyrian.protocols.infobip.subscriptions import subscriptions_of
from tyrian.protocols.infobip.wire import Platform, WebUrl

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

KIND: Final = "inbound"
#: The network of a channel -> what the vendor calls it.
CHANNELS: Final = {"viber": "VIBER_BM", "viber_bot": "VIBER_BOT"}
#: The queue of business messages that nothing else takes: the Messages API reads it.
QUEUE: Final = "inbound-viber-bm"
#: Seconds for which a node trusts what it read of an account.
_TTL: Final = 2.0
_KEYS_TTL: Final = 30.0

ChannelName = Literal["VIBER_BM", "VIBER_BOT"]
Unset = Literal[
    "USERNAME", "PLATFORM", "FORWARDING", "CONVERSATIONS", "ANSWERS", "AUTORESPONSE", "BLOCKLISTCONFIGURATION"
]


class Forwarding(Struct, kw_only=True, omit_defaults=True):
    """Where messages are forwarded to."""

    type: Literal["HTTP_FORWARD"]
    url: WebUrl
    format: Literal["MO_OTT_MSISDN"] | None = None


class Conversations(Struct, kw_only=True):
    """Whether messages go into the vendor's own inbox. Kept, and not acted upon."""

    enabled: bool


class ConfigurationRequest(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A configuration to make or change. What `unset` names is removed first, and then the rest is applied."""

    channel: ChannelName
    resource: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    resource_key: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    keyword: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    username: str | None = None
    platform: Platform | None = None
    forwarding: Forwarding | None = None
    conversations: Conversations | None = None
    answers: dict[str, Any] | None = None
    auto_response: dict[str, Any] | None = None
    block_list_configuration: dict[str, Any] | None = None
    unset: list[Unset] | None = None


class Configuration(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A configuration as it stands. Of all that it may hold, `forwarding` is acted upon; the rest is kept."""

    configuration_key: str
    channel: str
    resource: str | None = None
    resource_key: str | None = None
    keyword: str | None = None
    username: str | None = None
    platform: Platform | None = None
    forwarding: Forwarding | None = None
    conversations: Conversations | None = None
    answers: dict[str, Any] | None = None
    auto_response: dict[str, Any] | None = None
    block_list_configuration: dict[str, Any] | None = None

    def rank(self, channel: str, senders: frozenset[str], word: str) -> int | None:
        """How well this fits a message, the higher the better; None: not at all."""
        resource = self.resource or self.resource_key
        if self.channel != channel or self.forwarding is None or (resource and resource not in senders):
            return None
        if self.keyword is not None and self.keyword.casefold() != word.casefold():
            return None
        return 2 * (self.keyword is not None) + (resource is not None)


def key_of(request: ConfigurationRequest) -> str:
    """The key of the configuration that a request is about."""
    named = (request.channel, request.resource or request.resource_key or "", (request.keyword or "").casefold())
    return hashlib.blake2b("\n".join(named).encode(), digest_size=16).hexdigest().upper()


def applied(request: ConfigurationRequest, old: Configuration | None) -> Configuration:
    """A configuration after a request."""
    made = old or Configuration(configuration_key=key_of(request), channel=request.channel)
    gone: dict[str, Any] = {_MEMBERS[word]: None for word in request.unset or ()}
    given = {
        name: value
        for name in request.__struct_fields__
        if name not in ("unset", "channel") and (value := getattr(request, name)) is not None
    }
    return msgspec.structs.replace(made, **(gone | given))


_MEMBERS: Final = {
    "USERNAME": "username",
    "PLATFORM": "platform",
    "FORWARDING": "forwarding",
    "CONVERSATIONS": "conversations",
    "ANSWERS": "answers",
    "AUTORESPONSE": "auto_response",
    "BLOCKLISTCONFIGURATION": "block_list_configuration",
}


class InboundRoutes:
    """The inbound configurations of one gateway's accounts."""

    def __init__(self, gateway: "Gateway", *, timer: Callable[[], float] = time.monotonic) -> None:
        """`timer` gives the seconds by which what was read ages."""
        self._gateway = gateway
        self._timer = timer
        self._known: dict[int, tuple[float, tuple[Configuration, ...]]] = {}
        self._users: dict[int, tuple[float, bool]] = {}

    async def url(self, heard: Heard) -> str | None:
        """Where a person's message goes: a URL, the queue of the Messages API, or None for nowhere."""
        channel = CHANNELS.get(heard.network)
        if channel is None:
            return None
        configurations = await self._configurations(heard.account_id)
        if configurations or await subscriptions_of(self._gateway).routes(heard.account_id):
            url = await self._configured(heard, channel, configurations)
            if url is not None:
                return url
        if channel != "VIBER_BM":
            return None
        return queue_url(QUEUE) if await self._speaks(heard.account_id) else None

    async def _configured(self, heard: Heard, channel: str, configurations: Sequence[Configuration]) -> str | None:
        """Where a configuration or a subscription leads; which of them fits can depend on what is answered."""
        paired = await heard.paired()
        paired = paired if isinstance(paired, Paired) else None
        senders = self._senders(heard, paired)
        word = (getattr(heard.inbound.content, "text", None) or "").strip().partition(" ")[0]
        ranked = [(c.rank(channel, senders, word), c) for c in configurations]
        fitting = [(rank, c) for rank, c in ranked if rank is not None]
        if fitting:
            best = max(fitting, key=lambda pair: pair[0])[1]
            assert best.forwarding is not None
            return best.forwarding.url
        platform = paired.platform if paired is not None else None
        return await subscriptions_of(self._gateway).url_of(heard.account_id, "INBOUND_MESSAGE", senders, platform)

    def _senders(self, heard: Heard, paired: Paired | None) -> frozenset[str]:
        """All names by which the account may know the sender that was written to."""
        entry = self._gateway.channels.by_id(heard.channel.id)
        names = {heard.channel.name, heard.inbound.to}
        if entry is not None:
            names |= {*entry.senders, entry.sender or entry.channel.name}
        if paired is not None and paired.face == FACE:
            names.add(unpack(paired.extra).sender)
        return frozenset(names)

    async def _speaks(self, account_id: int) -> bool:
        """Whether the account has a key of this face, and so may collect what is kept for it."""
        known = self._users.get(account_id)
        if known is None or known[0] <= self._timer():
            keys = await self._gateway.keys.list(account_id)
            known = self._users[account_id] = (self._timer() + _KEYS_TTL, any(key.face == FACE for key in keys))
        return known[1]

    # -- Documents ------------------------------------------------------------------------------------------------

    async def all(self, account_id: int) -> list[Configuration]:
        """An account's configurations, oldest first."""
        found = await self._gateway.documents.list(account_id, FACE, KIND)
        return [msgspec.convert(document.body, Configuration) for document in found]

    async def apply(self, account_id: int, request: ConfigurationRequest) -> Configuration:
        """Makes or changes a configuration."""
        key = key_of(request)
        body = await self._gateway.documents.change(
            account_id,
            FACE,
            KIND,
            key,
            lambda old: msgspec.to_builtins(
                applied(request, msgspec.convert(old, Configuration) if old is not None else None)
            ),
        )
        self._known.pop(account_id, None)
        return msgspec.convert(body, Configuration)

    async def delete(self, account_id: int, key: str) -> bool:
        """Removes a configuration; False if there is none."""
        gone = "\0" not in key and await self._gateway.documents.delete(account_id, FACE, KIND, key)
        self._known.pop(account_id, None)
        return gone

    async def _configurations(self, account_id: int) -> tuple[Configuration, ...]:
        known = self._known.get(account_id)
        if known is None or known[0] <= self._timer():
            known = self._known[account_id] = (self._timer() + _TTL, tuple(await self.all(account_id)))
        return known[1]


_OF_GATEWAYS: "WeakKeyDictionary[Gateway, InboundRoutes]" = WeakKeyDictionary()


def inbound_routes_of(gateway: "Gateway") -> InboundRoutes:
    """The configurations of a gateway; always the same object for the same gateway."""
    found = _OF_GATEWAYS.get(gateway)
    if found is None:
        found = _OF_GATEWAYS[gateway] = InboundRoutes(gateway)
    return found


def web_urls(request: ConfigurationRequest) -> Iterator[tuple[str, str]]:
    """The members of a request that must be web addresses, with their properties."""
    if request.forwarding is not None:
        yield "forwarding.url", request.forwarding.url
