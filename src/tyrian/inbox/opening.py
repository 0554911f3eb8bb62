"""How conversations begin: opened by somebody here, or opened again."""

from typing import Final
from uuid import UUID

from tyrian.domain.conversation import Author, ChannelInbox, Conversation, Opening
from tyrian.domain.conversation_facts import threads_on
from tyrian.domain.conversation_moves import Open, Reopen
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.inbox_port import NEUTRAL, NotNow
from tyrian.engine.ports import Channel
from tyrian.engine.reacting import person_of
from tyrian.inbox.base import fingerprint, spelled
from tyrian.inbox.placing import checked_attributes, placed
from tyrian.inbox.recording import begin
from tyrian.inbox.staff import Staff
from tyrian.inbox.work import Work
from tyrian.store import inbox as store
from tyrian.store.database import Connection
from tyrian.store.inbox import Crossed

_TRIES: Final = 10


class Opener(Staff):
    """Opens conversations."""

    async def open(
        self,
        account_id: int,
        channel: Channel,
        person: str,
        *,
        by: Author,
        opening: Opening = NEUTRAL,
        key: str | None = None,
    ) -> Conversation:
        """The conversation with a person: the one that is not closed, or the last one opened again, or a new one."""
        entry = self.base.gateway.channels.by_id(channel.id)
        if entry is None or channel.account_id != account_id:
            raise Refused([Problem("/channel", "names no channel of this account", "unknown_channel")])
        address = spelled(entry, person, "/person")
        attributes = checked_attributes(opening.attributes)
        print_ = fingerprint("open", channel.id, person, opening, by)
        for tried in range(_TRIES):
            try:
                return await self._open(account_id, channel, address, by, opening, attributes, (key, print_))
            except Crossed:
                if tried == _TRIES - 1:
                    raise
        raise AssertionError("the loop ends by itself")

    async def _open(
        self,
        account_id: int,
        channel: Channel,
        address: str,
        by: Author,
        opening: Opening,
        attributes: dict[str, str],
        keyed: tuple[str | None, bytes],
    ) -> Conversation:
        async with self.base.db.transaction() as connection:
            key, print_ = keyed
            if key is not None:
                earlier = await self.base.repeated(connection, account_id, key, print_, UUID(int=0))
                if earlier is not None:
                    return await self.base.must(account_id, earlier)
            made = await self.base.inboxes.ensure(connection, account_id, channel.id)
            work, fresh = await self._taken(connection, channel, address, by, opening)
            if fresh:
                await self._begin(connection, work, by, opening, attributes)
                await self.base.write(connection, [work])
            if key is not None:
                await store.answer_key(connection, account_id, key, work.it.id)
        if made:
            await self.refresh_everywhere()
        if fresh:
            await self.base.changed([work])
        return await self.base.must(account_id, work.it.id)

    async def _taken(
        self, connection: Connection, channel: Channel, address: str, by: Author, opening: Opening
    ) -> tuple[Work, bool]:
        """The person's conversation, and whether it begins, or begins again."""
        person = person_of(address)
        row = (await store.lock_people(connection, [(channel.id, person)])).get((channel.id, person))
        if row is not None and not row.conversation.closed:
            if opening.fresh:
                raise NotNow("the person has a conversation on this channel that is not closed")
            return self.base.work(row), False
        inbox = self.base.inbox_of(channel.id) or ChannelInbox()
        goes_on = row is not None and threads_on(row.conversation, inbox.threading_time, self.base.now())
        if goes_on and opening.fresh and not opening.reopen:
            raise NotNow("the person has a conversation on this channel whose threading time has not passed")
        if row is not None and goes_on and opening.reopen:
            work = self.base.work(row)
            work.move(Reopen(by), by)
        else:
            work = begin(self.base, channel, person, address, opening.name)
            work.move(Open(by), by)
        return work, True

    async def _begin(
        self, connection: Connection, work: Work, by: Author, opening: Opening, attributes: dict[str, str]
    ) -> None:
        it = work.it
        work.amend(
            attributes=checked_attributes({**it.attributes, **attributes}),
            subject=opening.subject if opening.subject is not None else it.subject,
            name=opening.name if opening.name is not None else it.name,
        )
        if opening.queue is not None or opening.agent is not None:
            work.move(await placed(self.base, connection, it.account_id, opening.queue, opening.agent), by)
