"""What happens in an account's inbox, for those who watch: read from the durable log, on whichever node it happened.

A watcher holds a number and nothing else: it reads on when told that there is more, and every few seconds besides. So
a slow one costs nothing but itself, and one that was cut off goes on where it was.
"""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from tyrian.engine.inbox_port import Happening
from tyrian.store import inbox_reading as store
from tyrian.store.database import Database

#: Seconds after which a watcher looks by itself, and shows that it lives.
HEARTBEAT: Final = 10.0
#: Events that a watcher reads at once, and bytes of them.
_PAGE: Final = 200
_SIZE: Final = 1 << 20
#: Of what is in no log, so much waits for a watcher who is slow.
_PASSING: Final = 100
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


class _Watcher(asyncio.Event):
    """One who watches: set when there is more. What is in no log comes by `passing`, and no log is read for it."""

    def __init__(self) -> None:
        super().__init__()
        self.passing: deque[Happening] = deque(maxlen=_PASSING)
        #: Whether there may be more in the log.
        self.behind = True


class Watching:
    """The watchers of one node."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: dict[int, set[_Watcher]] = defaultdict(set)
        self._ended = False

    @property
    def count(self) -> int:
        """How many watch."""
        return sum(len(events) for events in self._waiting.values())

    def wake(self, account_id: int | None = None) -> None:
        """Something happened in an account's inbox, or anywhere."""
        for number, events in list(self._waiting.items()):
            if account_id is None or account_id == number:
                for event in events:
                    event.behind = True
                    event.set()

    def typing(self, account_id: int, conversation_id: UUID, at: datetime) -> None:
        """A person types. Whoever does not watch now never hears of it."""
        told = Happening(0, at, "typing", conversation_id, {"conversation_id": str(conversation_id)})
        for watcher in list(self._waiting.get(account_id, ())):
            watcher.passing.append(told)
            watcher.set()

    def end(self) -> None:
        """Sends every watcher away: the node stops."""
        self._ended = True
        self.wake()

    async def watch(
        self, account_id: int, *, after: int | None = None, conversation_id: UUID | None = None
    ) -> AsyncIterator[Happening | None]:
        """Events as they happen, and None for a sign of life. See `engine.inbox_port.Inbox.watch`."""
        last = await store.last_event(self._db, account_id)
        number = last if after is None else min(after, last)
        if after is not None:
            kept = await store.first_event(self._db, account_id) or last + 1
            if after > last or after < kept - 1:
                number = kept - 1 if after < kept else last
                yield Happening(number, _EPOCH, "gap", None, {})
        more = _Watcher()
        self._waiting[account_id].add(more)
        try:
            while not self._ended:
                more.clear()
                if more.behind:
                    more.behind = False
                    seen = number if conversation_id is None else await store.last_event(self._db, account_id)
                    page, full = await store.events(self._db, account_id, number, conversation_id, _PAGE, _SIZE)
                    more.behind |= full
                    for row, data in page:
                        number = row["number"]
                        yield Happening(number, row["at"], row["type"], row["conversation_id"], data)
                    # What is of other conversations is not walked again.
                    number = number if full else max(number, seen)
                while more.passing:
                    one = more.passing.popleft()
                    if conversation_id in (None, one.conversation_id):
                        yield replace(one, number=number)
                if not more.behind and not self._ended:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(more.wait(), HEARTBEAT)
                    if not more.is_set():
                        more.behind = True
                        yield None
        finally:
            self._waiting[account_id].discard(more)
            if not self._waiting[account_id]:
                del self._waiting[account_id]
