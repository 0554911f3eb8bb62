"""The ports of the engine: what a protocol or a clock must be for the rest to use it.

A protocol lives in one folder under `tyrian.protocols` (or in a package of its own) and registers a `Protocol` under
the entry-point group `tyrian.protocols`. Its connectors turn an `Outgoing` into bytes for a network, and what the
network says back into one of the send results, `Receipt`s and `Inbound`s. They keep no state that matters: everything
they report is committed by the engine before the network is answered.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Protocol as Port
from uuid import UUID

from tyrian.domain.content import Base as Content
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.limits import Capabilities
from tyrian.domain.media import MediaPolicy
from tyrian.domain.problem import Problem
from tyrian.domain.purpose import Purpose, UncertainPolicy
from tyrian.domain.session import DEFAULT as DEFAULT_SESSIONS, SessionSettings


class Clock(Port):
    """The time of day and a way to wait for it. The demo's clock may run faster than the wall's."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock."""
        ...


@dataclass(slots=True)
class Channel:
    """A configured sender on a network, as the engine and its connector see it. Secrets are in the clear here only."""

    id: int
    account_id: int
    name: str
    kind: str
    config: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    #: Messages per second, or None for no limit; holds across all nodes.
    rate: float | None = None
    #: Sends in flight at once over all nodes, or None for no limit.
    concurrency: int | None = None
    uncertain: dict[Purpose, UncertainPolicy] = field(default_factory=dict)
    active: bool = True
    #: Whether link buttons with an id go out as tracked links where the message does not say.
    track_links: bool = False
    #: What is done about the files of messages where the message does not say.
    media: MediaPolicy = MediaPolicy.AS_IS
    #: How session content is treated.
    sessions: SessionSettings = DEFAULT_SESSIONS
    #: Secrets that were replaced a short while ago, and until when what is signed with them is still believed.
    retired: dict[str, tuple[str, datetime]] = field(default_factory=dict, repr=False)

    def believed(self, name: str, now: datetime) -> list[str]:
        """The values of a secret that a network may sign with at this moment: the present one first."""
        values = [self.secrets[name]] if name in self.secrets else []
        old = self.retired.get(name)
        return [*values, old[0]] if old is not None and old[1] > now else values


@dataclass(slots=True)
class Exchange:
    """What was said to a network or customer and what came back. Secrets must be left out or replaced by `***`."""

    request: str
    response: str | None = None
    status: int | None = None
    url: str | None = None
    ms: float | None = None
    error: str | None = None


@dataclass(slots=True)
class Outgoing:
    """One attempt, ready to send. `ttl` is whole seconds that the network may still try."""

    attempt_id: UUID
    message_id: UUID
    to: str
    content: Content
    purpose: Purpose
    ttl: int
    tries: int = 1
    #: True when an earlier try of this attempt ended uncertain, so that the network may have it already.
    resent: bool = False
    #: The conversation that it is said in, if any.
    conversation_id: UUID | None = None


# -- What a send may come to: exactly one of these four ---------------------------------------------------------------


@dataclass(slots=True)
class Sent:
    """The network took it. `ref` is the network's own id, by which receipts will name it.

    `parts` holds further ids, where a network cuts one message into several.
    """

    ref: str | None
    exchange: Exchange | None = None
    parts: tuple[str, ...] = ()


@dataclass(slots=True)
class Refused:
    """The network surely did not take it and a repeat will not help; `reason` is a word of `domain.reasons`."""

    reason: str
    exchange: Exchange | None = None


@dataclass(slots=True)
class Retry:
    """The network surely did not take it, but may later. `after` in seconds, if the network said how long."""

    reason: str
    after: float | None = None
    exchange: Exchange | None = None


@dataclass(slots=True)
class Unknown:
    """The request went out and no answer came: it may or may not have been taken."""

    reason: str = "no_answer"
    exchange: Exchange | None = None


SendResult = Sent | Refused | Retry | Unknown


# -- What comes back --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Receipt:
    """The network's word on an attempt, named by `ref` (or by `attempt_id`, where the network takes our id)."""

    ref: str
    kind: ReceiptKind
    reason: str | None = None
    at: datetime | None = None
    #: What the network said, word for word, for the exchange log.
    raw: str | None = None
    #: Whom it was about, as the connector was given the address. Finds the attempt where the network took a send
    #: without ever telling its id (the answer was lost, and the repeat only said that it had been taken).
    person: str | None = None


@dataclass(slots=True)
class Inbound:
    """A message from a person. `provider_id` makes a repeat recognisable."""

    sender: str
    to: str
    content: Content
    provider_id: str
    at: datetime | None = None
    raw: str | None = None
    #: Further facts of the network (the person's name, country, ...).
    extra: dict[str, Any] = field(default_factory=dict)
    #: Whether the person said it. What somebody else says under their name (an agent of another system, in answer) is
    #: stored and told to customers, but nothing follows from it: no consent, no session, no flow, no conversation.
    own: bool = True


@dataclass(slots=True)
class Subscription:
    """A person allowed (`subscribed`) or blocked (`unsubscribed`) the sender."""

    person: str
    subscribed: bool
    at: datetime | None = None
    raw: str | None = None


@dataclass(slots=True)
class Opened:
    """A person opened the chat by a deep link. `context` is what the link carries."""

    person: str
    context: str


@dataclass(slots=True)
class HookRequest:
    """An HTTP request from a network, raw, as a signature needs it. Header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    remote: str | None = None


@dataclass(slots=True)
class HookAnswer:
    """What to commit, and then what to answer. A refused request (bad signature, garbage) carries no happenings."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    receipts: Sequence[Receipt] = ()
    inbound: Sequence[Inbound] = ()
    subscriptions: Sequence[Subscription] = ()
    opened: Sequence[Opened] = ()
    #: People who type. Those who watch the inbox are told; nothing is kept.
    typing: Sequence[str] = ()
    #: Called once all of this is committed, right before the answer; what takes longer it must begin on its own.
    then: Callable[[], None] | None = None


class Sink(Port):
    """Where a connector with a session of its own (SMPP) brings what comes back. Returns once it is committed."""

    async def receipts(self, channel: Channel, receipts: Sequence[Receipt]) -> None:
        """Commit receipts."""
        ...

    async def inbound(self, channel: Channel, messages: Sequence[Inbound]) -> None:
        """Commit inbound messages."""
        ...


@dataclass(slots=True)
class Health:
    """A channel's own view of its network, in words for people.

    Where something is wrong, `reason` may name it in a word that programs can tell apart, and `fix` say what to do.
    """

    ok: bool
    detail: str
    reason: str | None = None
    fix: str | None = None


class Connector(Port):
    """One channel's way to its network."""

    capabilities: Capabilities

    async def start(self) -> None:
        """Open what must be open before the first send. Must not wait for the network."""
        ...

    async def send(self, outgoing: Outgoing) -> SendResult:
        """Send one attempt. Network trouble is a result, never an exception."""
        ...

    def hook(self, request: HookRequest) -> HookAnswer:
        """Verify and read a request from the network. Pure: the engine commits, then answers."""
        ...

    async def check(self) -> Health:
        """Ask the network whether this channel can work (for `doctor` and channel pages)."""
        ...

    async def close(self) -> None:
        """Finish politely; called once, after the last send has ended."""
        ...


@dataclass(slots=True)
class Tools:
    """What the engine lends to connectors: the clock, a place to bring things, and the addresses hooks arrive at."""

    clock: Clock
    sink: Sink
    #: The public base URL of this gateway, without a trailing slash; hooks live under `/hooks/<channel id>`.
    public_url: str
    #: Inner networks that customers' URLs may lead to, for connectors that call such URLs.
    allow_private: Sequence[IPv4Network | IPv6Network] = ()


@dataclass(slots=True)
class ChannelKind:
    """One kind of channel that a protocol offers.

    `config` and `secrets` are msgspec Structs that say which settings the kind takes; a face checks a new channel
    against them. `make` builds the connector; `capabilities` says what a channel with this config can carry.
    """

    name: str
    title: str
    config: type
    secrets: type
    make: Callable[[Channel, Tools], Connector]
    capabilities: Callable[[dict[str, Any]], Capabilities]
    #: Puts an address into the form that the network wants, or says what is wrong with it.
    address: Callable[[str, str], str | Problem]
    #: Called after a channel was created or changed (sets webhooks, for example); returns what to tell the operator.
    provision: Callable[[Connector], Awaitable[Health]] | None = None
    #: The network that a channel with this config reaches people on: `viber` (business), `viber_bot` or `sms`.
    network: str | Callable[[dict[str, Any]], str] = ""
    #: The sender's own id on its network: a service id, a bot's id, an SMS sender.
    sender: Callable[[dict[str, Any]], str] | None = None


@dataclass(slots=True)
class Registration:
    """What an entry point of `tyrian.protocols` names: a protocol with its channel kinds and, if any, its face."""

    name: str
    kinds: Sequence[ChannelKind] = ()
    face: Any | None = None
