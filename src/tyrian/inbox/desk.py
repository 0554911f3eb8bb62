"""The desk: everything that is done with conversations. It is `engine.inbox_port.Inbox`, whose words hold here."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from tyrian.domain.content import Base as Neutral, Content
from tyrian.domain.conversation import Author, Conversation, Item, Search
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan
from tyrian.engine.inbox_port import WAKE, Happening
from tyrian.engine.ports import Channel
from tyrian.engine.reacting import person_of
from tyrian.inbox.base import Base, Gateway
from tyrian.inbox.handing import Handing
from tyrian.inbox.moving import Mover
from tyrian.inbox.recording import Recorder, Router
from tyrian.inbox.routing import Routing
from tyrian.inbox.sending import Sending
from tyrian.inbox.typing import TYPES, Typing, read as read_typing
from tyrian.inbox.watching import Watching
from tyrian.store import inbox as store, inbox_forgetting as forgetting, inbox_reading as reading
from tyrian.store.database import LOST

log = logging.getLogger(__name__)

#: How long events are kept for those who come back.
EVENTS_KEPT: Final = timedelta(days=7)


class Desk(Mover, Handing):
    """The inbox of one node. `start` before use, `stop` at the end."""

    def __init__(self, gateway: Gateway) -> None:
        self.base = Base(gateway)
        self.routing = Routing(self.base)
        self.sending = Sending(self.base, self.open)
        self.recorder = Recorder(self.base)
        self.router = Router(self.base)
        self.watching = Watching(gateway.db)
        self.types = Typing(self.base)
        self._tasks: set[asyncio.Task[None]] = set()

    # -- Life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Reads which channels have an inbox, and looks after what is due from then on."""
        await self.base.inboxes.refresh()
        self._spawn(self.routing.run())
        self._spawn(self._mend())

    def start_soon(self) -> None:
        """Starts on a node that runs already."""
        self._spawn(self.start())

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work, name="inbox")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end_watching(self) -> None:
        """Sends those who watch away, so that the node can stop."""
        self.watching.end()

    async def stop(self) -> None:
        """Stops; what is under way is done."""
        self.end_watching()
        await self.recorder.drain()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _mend(self) -> None:
        while True:
            await self.base.gateway.clock.sleep(30.0)
            try:
                await self.base.inboxes.refresh()
                await self.sending.mend()
            except LOST as error:
                log.warning("the inbox waits for the database: %s", error)
            except Exception:
                log.exception("what answers came to could not be looked up")

    def notified(self, payload: str) -> None:
        """Another node, or this one, says that something happened; an empty payload: anything may have."""
        if payload == "":
            self.watching.wake()
            self._spawn(self._refresh())
        elif payload == WAKE:
            self._spawn(self._refresh())
        elif payload.startswith(WAKE):
            self.watching.wake(int(payload.removeprefix(WAKE)))
        elif payload.startswith(TYPES):
            self.watching.typing(*read_typing(payload), self.base.now())

    async def _refresh(self) -> None:
        try:
            await self.base.inboxes.refresh()
        except LOST as error:
            log.warning("the channels' inboxes cannot be read now: %s", error)

    async def forget(self) -> None:
        """Removes what is past its time: keys, events, and conversations that were closed long ago."""
        now, settings = self.base.now(), self.base.gateway.settings
        await forgetting.forget(self.base.db, now - timedelta(hours=settings.idempotency_hours), now - EVENTS_KEPT)
        kept = timedelta(days=settings.conversation_retention_days or settings.retention_days)
        while await forgetting.forget_conversations(self.base.db, now - kept):
            pass

    # -- Reading --------------------------------------------------------------------------------------------------

    async def get(self, account_id: int, conversation_id: UUID) -> Conversation | None:
        """One conversation with all its legs."""
        return await store.get(self.base.db, account_id, conversation_id)

    async def find(self, channel_id: int, person: str) -> Conversation | None:
        """The conversation with a person on a channel: that which is not closed, or the last."""
        return await store.find(self.base.db, channel_id, person_of(person))

    async def list(self, account_id: int, search: Search) -> Sequence[Conversation]:
        """Conversations, the last updated first."""
        return await reading.conversations(self.base.db, account_id, search)

    async def count(self, account_id: int, search: Search) -> int:
        """How many conversations a search finds in all."""
        return await reading.count(self.base.db, account_id, search)

    async def items(
        self,
        account_id: int,
        conversation_id: UUID,
        *,
        before: UUID | None = None,
        after: UUID | None = None,
        limit: int = 50,
    ) -> Sequence[Item]:
        """Lines of a thread in their order."""
        return await reading.items(self.base.db, account_id, conversation_id, before=before, after=after, limit=limit)

    async def find_item(self, account_id: int, identifier: UUID) -> Item | None:
        """The line with this id, or with this inbound or outbound message."""
        found = await store.item(self.base.db, account_id, identifier)
        return (await reading.with_status(self.base.db, [found]))[0] if found is not None else None

    # -- Watching -------------------------------------------------------------------------------------------------

    @property
    def watchers(self) -> int:
        """How many watch on this node."""
        return self.watching.count

    async def last_event(self, account_id: int) -> int:
        """The number of the account's last event; 0 if there was none."""
        return await reading.last_event(self.base.db, account_id)

    def watch(
        self, account_id: int, *, after: int | None = None, conversation_id: UUID | None = None
    ) -> AsyncIterator[Happening | None]:
        """Events from now on, or after that number, as they happen; None every few seconds as a sign of life."""
        return self.watching.watch(account_id, after=after, conversation_id=conversation_id)

    async def typing(self, channel: Channel, person: str) -> None:
        """Tells those who watch that a person types."""
        await self.types.hear(channel, person)

    # -- Saying ---------------------------------------------------------------------------------------------------

    async def send(
        self,
        account_id: int,
        conversation_id: UUID,
        content: Content,
        *,
        by: Author,
        purpose: Purpose = Purpose.SESSION,
        leg_id: UUID | None = None,
        data: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Item:
        """Sends to the person on the conversation's channel."""
        return await self.sending.send(
            account_id, conversation_id, content, by=by, purpose=purpose, leg_id=leg_id, data=data, key=key
        )

    async def send_alone(self, account_id: int, channel: Channel, person: str, content: Content, *, by: Author) -> Item:
        """Sends to a person outside of any conversation, and shows it in theirs."""
        return await self.sending.send_alone(account_id, channel, person, content, by)

    async def send_planned(self, account_id: int, conversation_id: UUID, plan: Plan, *, by: Author) -> Item:
        """Hands a message in by a plan of the caller's own, and shows it in a conversation."""
        return await self.sending.send_planned(account_id, conversation_id, plan, by)

    async def record(
        self, account_id: int, channel: Channel, person: str, *, message_id: UUID, content: Neutral, by: Author
    ) -> Item | None:
        """Shows in the person's open conversation a message that was sent otherwise."""
        return await self.sending.record(account_id, channel, person, message_id=message_id, content=content, by=by)
