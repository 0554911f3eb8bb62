"""Messages sent by themselves: nobody holds the conversation afterwards, unless somebody did before.

Like an answer, such a message is written down before it is handed in. Its conversation is opened only once it was
taken, so that nothing is kept of one that is refused; whichever node finds it left behind does the same.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from tyrian.domain.content import Content
from tyrian.domain.conversation import Author, Conversation, Item, ItemKind, Role
from tyrian.domain.conversation_moves import Leave, Wrote
from tyrian.domain.submission import Plan, Step, Submission
from tyrian.engine.inbox_port import NotNow
from tyrian.engine.ports import Channel
from tyrian.inbox.base import Base, handed_in
from tyrian.inbox.work import Work
from tyrian.store import inbox as store
from tyrian.store.database import Connection

#: Of a message that is in no conversation yet; whom it goes to is among its data until then.
NOWHERE: Final = UUID(int=0)
TO: Final = "to"

#: Opens a person's conversation, as `engine.inbox_port.Inbox.open` does.
Open = Callable[..., Awaitable[Conversation]]


class _Closed(NotNow):
    """Another has closed the conversation meanwhile."""


def alone(base: Base, channel: Channel, to: str, content: Content, by: Author) -> tuple[Item, Submission]:
    """The line of a message to be sent by itself, and what is handed in."""
    item = Item(
        id=base.new(),
        conversation_id=NOWHERE,
        kind=ItemKind.OUTBOUND,
        at=base.now(),
        author=by,
        content=content,
        channel_id=channel.id,
        data={TO: to},
    )
    plan = Plan(cascade=[Step(channel=channel.name, content=content)])
    return item, handed_in(channel.account_id, item.id, plan, to)


class Alone:
    """Shows messages that were sent by themselves in the conversations of those they went to."""

    def __init__(self, base: Base, opened: Open) -> None:
        self._base = base
        self._opened = opened

    async def show(self, account_id: int, item: Item, message_id: UUID) -> Item:
        """Puts one into the person's conversation, once. Raises `NotNow` where its channel is gone."""
        entry = self._base.gateway.channels.by_id(item.channel_id or 0)
        known = await store.item(self._base.db, account_id, message_id)
        if known is None and entry is None:
            raise NotNow("the channel of the message has been removed")
        while known is None and entry is not None:
            conversation = await self._opened(account_id, entry.channel, item.data[TO], by=item.author)
            line = replace(item, conversation_id=conversation.id, message_id=message_id, data={})
            try:
                known = await self._add(account_id, line)
            except _Closed:
                continue
        await store.end_send(self._base.db, item.id)
        assert known is not None
        return known

    async def _add(self, account_id: int, line: Item) -> Item:
        shown: list[Item] = []

        async def plan(connection: Connection, work: Work) -> None:
            assert line.message_id is not None
            known = await store.shown(connection, line.message_id)
            if known is None and work.it.closed:
                raise _Closed
            if known is None:
                _write(work, line)
            shown.append(known or line)

        await self._base.change(account_id, line.conversation_id, plan)
        return shown[-1]


def _write(work: Work, line: Item) -> None:
    """Adds the line; whoever opened the conversation for it alone leaves in the same moment."""
    work.move(Wrote(line.author), line.author)
    legs = [leg for leg in work.it.live(Role.API) if leg.who == line.author.id]
    work.append(replace(line, leg_id=legs[-1].id if legs else None))
    for leg in legs:
        # Ids rise with time: a leg that was there before the message was written down is somebody's.
        if leg.id > line.id:
            work.move(Leave(leg.id), line.author)


def is_alone(item: Item) -> bool:
    """Whether a line that was left behind is of a message sent by itself."""
    return item.conversation_id == NOWHERE
