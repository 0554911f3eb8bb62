"""Networks that take whatever they are sent, unless the person's number says otherwise."""

from collections.abc import Callable
from itertools import count
from typing import Any

from msgspec import Struct

from tyrian.domain.address import e164
from tyrian.domain.content import Base
from tyrian.domain.limits import Bound, Capabilities, ContentRule
from tyrian.domain.problem import Problem
from tyrian.domain.purpose import Purpose
from tyrian.engine.ports import (
    Channel,
    ChannelKind,
    Health,
    HookAnswer,
    HookRequest,
    Outgoing,
    Refused,
    SendResult,
    Sent,
    Tools,
    Unknown,
)

#: The last two digits of a number -> why the Viber-like network refuses it.
REFUSALS = {"04": "not_a_viber_user", "05": "blocked_by_user"}
#: A number whose sends get no answer, and are not repeated where the purpose is promotional.
SILENT = "03"

CAPABILITIES = Capabilities(
    contents={
        **{kind: ContentRule() for kind in ("text", "image", "list", "carousel")},
        **{kind: ContentRule(bounds=(Bound(field="size", maximum=1e9),)) for kind in ("video", "file")},
    },
    shapes={
        Purpose.TRANSACTIONAL: frozenset({"text", "file", "list"}),
        Purpose.PROMOTIONAL: frozenset({"text", "text+button", "image", "image+text+button", "carousel"}),
        Purpose.SESSION: frozenset({"text", "image", "file", "list"}),
    },
    receipts=frozenset({"delivered", "seen", "failed", "expired"}),
    inbound=True,
)


class Config(Struct, kw_only=True):
    """A channel's settings: the sender's id."""

    id: str


class Nothing(Struct):
    """No secrets."""


class Network:
    """What was sent, by message."""

    def __init__(self) -> None:
        self.by_message: dict[str, Base] = {}
        self.sent: list[Outgoing] = []
        self.numbers = count(1)


class _Connector:
    capabilities = CAPABILITIES

    def __init__(self, network: Network, *, refuses: bool) -> None:
        self._network = network
        self._refuses = refuses

    async def start(self) -> None:
        return

    async def send(self, outgoing: Outgoing) -> SendResult:
        ends = outgoing.to[-2:]
        if self._refuses and ends in REFUSALS:
            return Refused(REFUSALS[ends])
        if self._refuses and ends == SILENT:
            return Unknown()
        self._network.sent.append(outgoing)
        self._network.by_message[str(outgoing.message_id)] = outgoing.content
        return Sent(f"n-{next(self._network.numbers)}")

    def hook(self, request: HookRequest) -> HookAnswer:
        return HookAnswer(404)

    async def check(self) -> Health:
        return Health(True, "It is here.")

    async def close(self) -> None:
        return


def _address(text: str, pointer: str) -> str | Problem:
    return e164(text) or Problem(pointer, "must be a phone number")


def _kind(name: str, network: Network, reaches: str) -> ChannelKind:
    make: Callable[[Channel, Tools], Any] = lambda channel, tools: _Connector(network, refuses=reaches == "viber")  # noqa: E731
    return ChannelKind(
        name=name,
        title=name,
        config=Config,
        secrets=Nothing,
        make=make,
        capabilities=lambda config: CAPABILITIES,
        address=_address,
        network=reaches,
        sender=lambda config: str(config["id"]),
    )


def make_kinds(network: Network) -> dict[str, ChannelKind]:
    """Both kinds of channel."""
    kinds = (_kind("viber_like", network, "viber"), _kind("sms_like", network, "sms"))
    return {kind.name: kind for kind in kinds}
