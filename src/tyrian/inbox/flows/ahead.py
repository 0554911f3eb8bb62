"""Looking for people's runs while their messages are being stored, so that nothing is left to wait for afterwards."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from tyrian.engine.ports import Channel
from tyrian.engine.reacting import News, Said, person_of
from tyrian.inbox.flows.book import Book
from tyrian.inbox.flows.records import Record, Records
from tyrian.store.database import LOST, Connection
from tyrian.store.flow_runs import Found

#: Runs that are held for messages on their way, at most; those of repeated messages are never asked for.
_HELD: Final = 4096


class Ahead:
    """A stage that stores nothing. What it finds may be out of date: only a step fenced by its tick may use it."""

    def __init__(self, records: Records, book: Book) -> None:
        self._records = records
        self._book = book
        self._found: OrderedDict[UUID, asyncio.Future[Found]] = OrderedDict()

    def wants(self, channel: Channel) -> bool:
        """Whether there are flows on the channel."""
        return self._book.wants(channel)

    async def read(self, batch: Sequence[Said]) -> None:
        """Begins to look, and does not wait."""
        for one in batch:
            looking = self._records.look(one.channel, person_of(one.row.sender))
            looking.add_done_callback(_seen)
            self._found[one.row.id] = looking
        while len(self._found) > _HELD:
            self._found.popitem(last=False)

    def keeps(self, said: Said) -> bool:
        """Nothing."""
        return False

    async def store(self, connection: Connection, batch: Sequence[Said]) -> None:
        """Nothing is stored."""

    async def subscribed(self, connection: Connection, news: Sequence[News]) -> None:
        """Nothing follows from that."""

    async def of(self, inbound_id: UUID) -> Record | None:
        """The run of a message's sender as the message came; None where nobody looked, or none was open."""
        looking = self._found.pop(inbound_id, None)
        if looking is None:
            return None
        try:
            found = await looking
        except LOST:
            return None
        return Record(found.run) if found.run is not None else None


def _seen(looking: "asyncio.Future[Found]") -> None:
    """A look that failed and that nobody asks for is nothing to report."""
    if not looking.cancelled():
        looking.exception()
