"""Two kinds of channels over a network that is this process: `rich` carries most contents, `plain` only short text."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

import msgspec

from tyrian.domain.address import e164
from tyrian.domain.limits import Bound, Capabilities, ContentRule
from tyrian.domain.problem import Problem
from tyrian.domain.purpose import Purpose
from tyrian.engine import ports

RICH = Capabilities(
    contents={
        "text": ContentRule(bounds=(Bound(field="text", max_length=1000, source="the tests"),)),
        "image": ContentRule(
            bounds=(
                Bound(field="url", extensions=(".jpg", ".png"), source="the tests"),
                Bound(field="text", max_length=1000),
            )
        ),
        "template": ContentRule(),
    },
    shapes={Purpose.OTP: frozenset({"text"})},
    receipts=frozenset({"delivered", "seen"}),
    inbound=True,
    source="the tests",
)
PLAIN = Capabilities(contents={"text": ContentRule(bounds=(Bound(field="text", max_length=160, source="the tests"),))})


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No settings."""


@dataclass
class Network:
    """What one account sent, and what to answer to sends to some people. `gate` holds sends up while it is not set."""

    sent: list[ports.Outgoing] = field(default_factory=list)
    answers: dict[str, ports.SendResult] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def texts(self) -> list[str]:
        """The words that were sent, in order."""
        return [str(getattr(o.content, "text", "")) for o in self.sent]


class Networks:
    """The network of each account, and the kinds of channels that lead there."""

    def __init__(self) -> None:
        self.of: defaultdict[int, Network] = defaultdict(Network)
        self.kinds = {name: self._kind(name, can) for name, can in (("rich", RICH), ("plain", PLAIN))}

    def _kind(self, name: str, can: Capabilities) -> ports.ChannelKind:
        def make(channel: ports.Channel, _tools: ports.Tools) -> _Connector:
            return _Connector(self.of[channel.account_id], can)

        return ports.ChannelKind(name, f"Test {name}", Nothing, Nothing, make, lambda config: can, _address)


def _address(text: str, at: str) -> str | Problem:
    number = e164(text)
    if number is not None:
        return number.removeprefix("+")
    return text if text.startswith("user-") else Problem(at, f'"{text}" is no phone number')


class _Connector:
    def __init__(self, network: Network, can: Capabilities) -> None:
        self.capabilities = can
        self._network = network

    async def start(self) -> None:
        pass

    async def send(self, outgoing: ports.Outgoing) -> ports.SendResult:
        await self._network.gate.wait()
        self._network.sent.append(outgoing)
        said = ports.Exchange("POST /send", response="ok", status=200, url="https://network.example/send", ms=1.5)
        return self._network.answers.get(outgoing.to) or ports.Sent(str(outgoing.attempt_id), said)

    def hook(self, request: ports.HookRequest) -> ports.HookAnswer:
        return ports.HookAnswer(status=404)

    async def check(self) -> ports.Health:
        return ports.Health(True, "always")

    async def close(self) -> None:
        pass
