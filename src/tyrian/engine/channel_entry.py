"""One channel as this node knows it, and its connector."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tyrian.domain.files import fitting
from tyrian.domain.limits import Capabilities
from tyrian.domain.media import MediaPolicy
from tyrian.engine import groups
from tyrian.engine.connectors import NOTHING, Broken, Running
from tyrian.engine.ports import Channel, ChannelKind, Connector, Tools

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ChannelEntry:
    """A channel, what it can carry, and its way to the network. Changes in place when the channel is changed."""

    channel: Channel
    kind: ChannelKind
    capabilities: Capabilities
    inbound_url: str | None
    created_at: datetime
    updated_at: datetime
    revision: str
    tools: Tools
    #: Why this node cannot use the channel, in words for people; None if it can.
    trouble: str | None = None
    removed: bool = False
    running: Running | None = None
    senders: tuple[str, ...] = ()
    #: What the channel is made of, if it is a group.
    group: groups.GroupConfig | None = None

    @property
    def network(self) -> str:
        """The network that the channel reaches people on; empty if its kind does not say."""
        network = self.kind.network
        return network if isinstance(network, str) else network(self.channel.config)

    @property
    def sender(self) -> str | None:
        """The sender's own id on its network."""
        return self.kind.sender(self.channel.config) if self.kind.sender is not None else None

    @property
    def connector(self) -> Connector | None:
        """The way to the network, made when first asked for; None once the channel was removed."""
        if self.running is None and not self.removed:
            self.running = Running(self.make())
        return self.running

    def make(self) -> Connector:
        """A connector of the channel as it is now; where none can be made, one that stands in and says why."""
        if self.trouble is not None:
            return Broken(self.trouble)
        try:
            return self.kind.make(self.channel, self.tools)
        except Exception as error:
            log.exception("no connector could be made for channel %s", self.channel.name)
            return Broken(f"The connector could not be made: {type(error).__name__}: {error}.")


def made_from(entry: ChannelEntry) -> tuple[Any, ...]:
    """What the entry's connector was made from."""
    return entry.channel.kind, entry.channel.config, entry.channel.secrets, entry.trouble


def capabilities_of(kind: ChannelKind, channel: Channel) -> Capabilities:
    """What a channel of the kind carries; nothing, where the kind cannot say."""
    try:
        can = kind.capabilities(channel.config)
        return fitting(can) if channel.media is MediaPolicy.FIT else can
    except Exception:
        log.exception("channel %s: its kind cannot say what it carries", channel.name)
        return NOTHING


async def started(entry: ChannelEntry) -> None:
    """Makes and starts the entry's connector; one that cannot be started is put aside, and the reason kept."""
    connector = entry.connector
    if connector is None:
        return
    try:
        await connector.start()
    except Exception as error:
        log.exception("the connector of channel %s could not be started", entry.channel.name)
        entry.running = Running(Broken(f"The connector could not be started: {type(error).__name__}: {error}."))


async def closed(running: Running, name: str) -> None:
    """Closes a connector that is not used any more."""
    try:
        await running.close()
    except Exception:
        log.exception("the old connector of channel %s could not be closed", name)
