"""A kind of channel whose network is this process: it does as it is told and remembers what happened."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from tyrian.domain.limits import Capabilities, ContentRule
from tyrian.domain.problem import Problem
from tyrian.engine.ports import (
    Channel,
    ChannelKind,
    Connector,
    Health,
    HookAnswer,
    HookRequest,
    Outgoing,
    Sent,
    Tools,
)


class FakeConfig(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a fake channel is set up with."""

    base_url: str = "http://network.example"
    port: Annotated[int, Meta(ge=1, le=65535)] = 80
    options: dict[str, Any] = {}
    #: A rule that no type can say.
    lucky: int = 7

    def __post_init__(self) -> None:
        if self.lucky == 13:
            raise ValueError("lucky must not be 13")


class FakeSecrets(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a fake channel proves itself by."""

    token: Annotated[str, Meta(min_length=3)]
    spare: str | None = None


@dataclass
class Network:
    """What has happened to the connectors of one test, as words in order."""

    log: list[str] = field(default_factory=list)
    #: Sends wait for this.
    open: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    fail_make: bool = False
    fail_start: bool = False
    fail_check: bool = False

    def kind(self, name: str = "fake") -> ChannelKind:
        """The kind of channel that leads to this network."""
        return ChannelKind(name, "Fake", FakeConfig, FakeSecrets, self._make, _capabilities, _address, self._provision)

    def _make(self, channel: Channel, tools: Tools) -> "FakeConnector":
        if self.fail_make:
            raise RuntimeError("no factory")
        return FakeConnector(channel, self)

    async def _provision(self, connector: Connector) -> Health:
        assert isinstance(connector, FakeConnector)
        self.log.append(f"provision {connector.token}")
        return Health(True, f"The webhook of {connector.token} is set.")


class FakeConnector:
    """Does what its network says."""

    capabilities = Capabilities(contents={"text": ContentRule()})

    def __init__(self, channel: Channel, network: Network) -> None:
        self.channel = channel
        self.token = channel.secrets["token"]
        self._network = network

    async def start(self) -> None:
        if self._network.fail_start:
            raise RuntimeError("no starter")
        self._network.log.append(f"start {self.token}")

    async def send(self, outgoing: Outgoing) -> Sent:
        self._network.begun.set()
        await self._network.open.wait()
        self._network.log.append(f"sent {self.token}")
        return Sent(self.token)

    def hook(self, request: HookRequest) -> HookAnswer:
        return HookAnswer(body=self.token.encode())

    async def check(self) -> Health:
        if self._network.fail_check:
            raise RuntimeError("no checker")
        return Health(True, f"{self.token} works.")

    async def close(self) -> None:
        self._network.log.append(f"close {self.token}")


def _capabilities(config: dict[str, Any]) -> Capabilities:
    msgspec.convert(config, FakeConfig)
    return FakeConnector.capabilities


def _address(address: str, pointer: str) -> str | Problem:
    return address if address else Problem(pointer, "is empty")
