"""Who types: told to those who watch, on every node, and kept nowhere."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tyrian.engine.ports import Channel
from tyrian.engine.reacting import person_of
from tyrian.inbox.base import Base
from tyrian.store import inbox as store

#: How a payload begins that says who types, before the account and the conversation.
TYPES: Final = "typing:"
#: Within this time a person is told of once.
EVERY: Final = timedelta(seconds=1)
_REMEMBERED: Final = 10_000


class Typing:
    """What this node hears of people who type."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._told: OrderedDict[tuple[int, str], datetime] = OrderedDict()

    async def hear(self, channel: Channel, person: str) -> None:
        """See `engine.inbox_port.Inbox.typing`."""
        key, now = (channel.id, person_of(person)), self._base.now()
        told = self._told.get(key)
        if told is not None and told <= now < told + EVERY:
            return
        self._told[key] = now
        self._told.move_to_end(key)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        found = await store.find(self._base.db, *key)
        if found is not None and not found.closed:
            self._base.gateway.waker.tell(f"{TYPES}{found.account_id}:{found.id}")


def read(payload: str) -> tuple[int, UUID]:
    """Account and conversation of a payload."""
    account, _, conversation = payload.removeprefix(TYPES).partition(":")
    return int(account), UUID(conversation)
