"""What is asked of a channel's network besides sends: whether it works, and to set up there what the channel needs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tyrian.engine import groups, verification
from tyrian.engine.channel_entry import ChannelEntry, started
from tyrian.engine.connectors import Broken, Running
from tyrian.engine.ports import Clock, Health
from tyrian.store.database import Database

log = logging.getLogger(__name__)


class Networks:
    """Asks the networks of channels, and keeps what setting them up came to."""

    def __init__(self, db: Database, clock: Clock, finder: Callable[[int], groups.Find]) -> None:
        """`finder` gives, for an account, what finds its channels by name."""
        self._db = db
        self._clock = clock
        self._finder = finder
        #: Whether this node sends, so that the entries' own connectors are at work.
        self.connect = False

    async def check(self, entry: ChannelEntry) -> Health:
        """Asks the network whether the channel can work; of a group, whether any of its members can."""
        if entry.group is not None:
            find = self._finder(entry.channel.account_id)
            members = [m for member in entry.group.members if (m := find(member.channel)) is not None]
            found = await asyncio.gather(*(self.check(member) for member in members))
            return groups.health(members, found)
        async with self._at_work(entry) as connector:
            return await connector.check()

    async def provision(self, entry: ChannelEntry) -> Health:
        """Sets up at the network what the channel needs there (webhooks), keeps how that went, and says so."""
        if entry.kind.provision is None:
            return Health(True, "This kind of channel needs nothing to be set up at the network.")
        channel = entry.channel
        await verification.keep(self._db, channel.account_id, channel.id, verification.pending(self._clock.now()))
        health = await self._provision(entry)
        outcome = verification.outcome(health, self._clock.now())
        await verification.keep(self._db, channel.account_id, channel.id, outcome)
        return health

    async def _provision(self, entry: ChannelEntry) -> Health:
        assert entry.kind.provision is not None
        async with self._at_work(entry) as connector:
            if isinstance(connector.inner, Broken):
                return await connector.check()
            try:
                return await entry.kind.provision(connector.inner)
            except Exception as error:
                log.exception("channel %s could not be set up", entry.channel.name)
                return Health(False, f"Setting the channel up failed: {type(error).__name__}: {error}.")

    @asynccontextmanager
    async def _at_work(self, entry: ChannelEntry) -> AsyncIterator[Running]:
        """The entry's started connector; on a node that does not send, one made for the question alone."""
        if self.connect and entry.connector is not None and entry.running is not None:
            await started(entry)
            yield entry.running
            return
        alone = Running(entry.make())
        try:
            await alone.start()
            yield alone
        finally:
            await alone.close()
