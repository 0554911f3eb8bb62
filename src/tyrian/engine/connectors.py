"""Connectors as the engine keeps them: one that counts what is in flight, and one that stands in where none can be.

A channel's connector is replaced when its configuration changes, while sends are under way. The old one is closed when
the last of them has ended.
"""

import asyncio
import logging
from typing import Any

from tyrian.domain.limits import Capabilities
from tyrian.domain.problem import Problem
from tyrian.engine.ports import (
    ChannelKind,
    Connector,
    Exchange,
    Health,
    HookAnswer,
    HookRequest,
    Outgoing,
    Retry,
    SendResult,
)

log = logging.getLogger(__name__)

#: A channel that this node cannot use carries nothing new.
NOTHING = Capabilities(contents={})


class Running:
    """A connector with a count of the sends in flight, started at most once and closed after the last of them."""

    __slots__ = ("_idle", "_in_flight", "_starting", "capabilities", "inner")

    def __init__(self, inner: Connector) -> None:
        #: The protocol's own connector.
        self.inner = inner
        self.capabilities = inner.capabilities
        self._in_flight = 0
        self._idle: asyncio.Event | None = None
        self._starting: asyncio.Future[None] | None = None

    @property
    def in_flight(self) -> int:
        """Sends that have begun and not ended."""
        return self._in_flight

    async def start(self) -> None:
        """Starts the connector, the first time that this is called; later calls wait for the first."""
        if self._starting is None:
            self._starting = asyncio.ensure_future(self.inner.start())
        await asyncio.shield(self._starting)

    async def send(self, outgoing: Outgoing) -> SendResult:
        """Sends one attempt."""
        self._in_flight += 1
        try:
            return await self.inner.send(outgoing)
        finally:
            self._in_flight -= 1
            if self._idle is not None and not self._in_flight:
                self._idle.set()

    def hook(self, request: HookRequest) -> HookAnswer:
        """Reads a request from the network."""
        return self.inner.hook(request)

    async def check(self) -> Health:
        """Asks the network; a connector that fails to ask says so."""
        try:
            return await self.inner.check()
        except Exception as error:
            log.exception("a connector could not be checked")
            return Health(False, f"The check itself failed: {type(error).__name__}: {error}.")

    async def close(self) -> None:
        """Waits for the sends in flight, then closes."""
        if self._in_flight:
            self._idle = asyncio.Event()
            await self._idle.wait()
        if self._starting is not None:
            await self.inner.close()


class Broken:
    """Stands in for a connector that could not be made: nothing is lost, everything is put off."""

    capabilities = NOTHING

    def __init__(self, trouble: str) -> None:
        self.trouble = trouble

    async def start(self) -> None:
        """There is nothing to start."""

    async def send(self, outgoing: Outgoing) -> SendResult:
        """Puts the attempt off, for another node or a corrected configuration."""
        return Retry("provider_unreachable", exchange=Exchange("", error=self.trouble))

    def hook(self, request: HookRequest) -> HookAnswer:
        """Asks the network to repeat its request later."""
        return HookAnswer(status=503)

    async def check(self) -> Health:
        """Says what is wrong."""
        return Health(False, self.trouble)

    async def close(self) -> None:
        """There is nothing to close."""


def missing_kind(name: str) -> ChannelKind:
    """Stands in for a kind of channel whose protocol is not installed on this node."""
    trouble = f'No protocol on this node offers the channel kind "{name}"; install the package that does.'

    def refuse(address: str, pointer: str) -> str | Problem:
        return Problem(pointer, f'cannot be checked: the channel kind "{name}" is not installed')

    def nothing(config: dict[str, Any]) -> Capabilities:
        return NOTHING

    return ChannelKind(name, f"{name} (not installed)", dict, dict, lambda *_: Broken(trouble), nothing, refuse)
