"""What people send becomes lines of their conversations, and new conversations find their queue.

Two reactions. `Recorder` comes before all others and never settles a message, so that a thread shows what a flow
answered too. It is a reaction rather than a stage of the inbound transaction: a conversation that an agent holds at
this moment must not hold up what others send, and a failure is tried again instead of being passed over. `Router` comes
after the flows: what these settled needs no agent.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from tyrian.domain.conversation import SYSTEM, Author, By, Conversation, ItemKind
from tyrian.domain.conversation_facts import threads_on
from tyrian.domain.conversation_moves import Arrive, Enqueue, Open
from tyrian.engine.inbox_port import NotNow
from tyrian.engine.ports import Channel
from tyrian.engine.reacting import Turn
from tyrian.inbox.base import Base
from tyrian.inbox.work import Work
from tyrian.store import inbox as store, inbox_people as people
from tyrian.store.batcher import Batcher
from tyrian.store.database import Connection
from tyrian.store.inbox import Crossed, Row

_TRIES: Final = 10
#: Where networks put the name that a person goes by.
_NAMES: Final = ("name", "sender_name", "profile_name")


class Recorder:
    """Shows each message of a person in their conversation, once. Implements `reacting.Reaction`."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._lines: Batcher[Turn, None] = Batcher(self._record, size=128, writers=1, linger=0.001)

    def wants(self, channel: Channel) -> bool:
        """Whether the channel has an inbox."""
        return self._base.inbox_of(channel.id) is not None

    async def react(self, turn: Turn) -> bool:
        """Records the message."""
        await self._lines.submit(turn)
        return False

    async def drain(self) -> None:
        """Waits for what is being recorded."""
        await self._lines.drain()

    async def _record(self, turns: Sequence[Turn]) -> Sequence[None]:
        for tried in range(_TRIES):
            try:
                await self._write(turns)
                break
            except Crossed:
                if tried == _TRIES - 1:
                    raise
        return [None] * len(turns)

    async def _write(self, turns: Sequence[Turn]) -> None:
        base = self._base
        async with base.db.transaction() as connection:
            known = await store.recorded(connection, [turn.inbound_id for turn in turns])
            fresh = {turn.inbound_id: turn for turn in turns if turn.inbound_id not in known}
            if not fresh:
                return
            rows = await store.lock_people(connection, sorted({(t.channel.id, t.person) for t in fresh.values()}))
            works: dict[tuple[int, str], Work] = {}
            for identifier in sorted(fresh):
                turn = fresh[identifier]
                key = (turn.channel.id, turn.person)
                if key not in works:
                    works[key] = self._work(turn, rows.get(key))
                _arrive(works[key], turn)
            await base.write(connection, list(works.values()))
        base.tell({work.it.account_id for work in works.values()})

    def _work(self, turn: Turn, row: Row | None) -> Work:
        """The conversation that a message goes into."""
        inbox = self._base.inbox_of(turn.channel.id)
        if row is not None and threads_on(row.conversation, inbox.threading_time if inbox else 0, self._base.now()):
            return self._base.work(row)
        work = begin(self._base, turn.channel, turn.person, turn.sender, _name(turn))
        work.move(Open(Author(By.PERSON)), Author(By.PERSON))
        return work


def begin(base: Base, channel: Channel, person: str, address: str, name: str | None) -> Work:
    """A new conversation, not opened yet."""
    now = base.now()
    conversation = Conversation(
        id=base.new(),
        account_id=channel.account_id,
        channel_id=channel.id,
        person=person,
        address=address,
        name=name,
        opened_at=now,
        updated_at=now,
    )
    return base.work(Row(conversation))


def _arrive(work: Work, turn: Turn) -> None:
    author = Author(By.PERSON, turn.person, _name(turn) or work.it.name)
    work.move(Arrive(_name(turn)), author)
    work.add(ItemKind.INBOUND, author, content=turn.content, inbound_id=turn.inbound_id, data=_data(turn))
    work.items[-1][3].at = turn.received_at


def _data(turn: Turn) -> dict[str, object]:
    """What the network or the gateway said besides: the button that was pressed, above all."""
    button = turn.extra.get("button")
    return {"button": button} if button is not None else {}


def _name(turn: Turn) -> str | None:
    for field in _NAMES:
        name = turn.extra.get(field)
        if isinstance(name, str) and name.strip():
            return name.strip()[:100]
    return None


class Router:
    """Puts into a queue whoever has nobody to talk to. Implements `reacting.Reaction`."""

    def __init__(self, base: Base) -> None:
        self._base = base

    def wants(self, channel: Channel) -> bool:
        """Whether the channel has an inbox."""
        return self._base.inbox_of(channel.id) is not None

    async def react(self, turn: Turn) -> bool:
        """Queues the person's conversation, unless somebody has it."""
        conversation = await store.find(self._base.db, turn.channel.id, turn.person)
        if conversation is not None and not conversation.closed and not conversation.with_agent:
            await self._queue(conversation)
        return False

    async def _queue(self, conversation: Conversation) -> None:
        inbox = self._base.inbox_of(conversation.channel_id)
        wanted = [q for q in (inbox.queue_id if inbox else None, conversation.queue_id) if q is not None]

        async def plan(connection: Connection, work: Work) -> None:
            if work.it.closed or work.it.with_agent:
                return
            queue = await self._first(connection, work.it.account_id, wanted)
            if queue is not None:
                work.move(Enqueue(queue[0], queue[1]), SYSTEM)

        try:
            await self._base.change(conversation.account_id, conversation.id, plan)
        except NotNow:
            return

    async def _first(self, connection: Connection, account_id: int, wanted: list[UUID]) -> tuple[UUID, str] | None:
        for identifier in wanted:
            found = await people.queues(connection, account_id, identifier=identifier)
            if found:
                return found[0].id, found[0].name
        return None
