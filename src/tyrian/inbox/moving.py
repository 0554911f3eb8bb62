"""What is done with a conversation that there is: assigned, accepted, left, closed; noted and amended."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tyrian.domain.conversation import Author, By, Conversation, Item, ItemKind
from tyrian.domain.conversation_moves import Accept, Close, Decline, Leave, Reopen
from tyrian.domain.problem import Problem, Refused
from tyrian.inbox.base import Base, fingerprint, unknown
from tyrian.inbox.placing import MOST_VALUE, leg_of, merged, placed, with_leg
from tyrian.inbox.routing import queue_name
from tyrian.inbox.work import Work
from tyrian.store import inbox as store
from tyrian.store.database import Connection


class Mover:
    """Moves and amends conversations."""

    base: Base

    async def assign(
        self,
        account_id: int,
        conversation_id: UUID,
        *,
        by: Author,
        queue: str | None = None,
        agent: str | None = None,
        key: str | None = None,
    ) -> Conversation:
        """Puts it into a queue, or before an agent, who is alerted."""

        async def plan(connection: Connection, work: Work) -> None:
            work.move(await placed(self.base, connection, account_id, queue, agent), by)

        done = await self.base.change(account_id, conversation_id, plan, key=key, what=("assign", queue, agent, by))
        return await self.base.conversation(done)

    async def accept(
        self,
        account_id: int,
        conversation_id: UUID,
        *,
        by: Author,
        agent: str | None = None,
        leg_id: UUID | None = None,
        key: str | None = None,
    ) -> Conversation:
        """An agent takes it."""

        async def plan(connection: Connection, work: Work) -> None:
            named = agent if agent is not None else (by.id if by.kind is By.AGENT and leg_id is None else None)
            found = await self.base.agent(connection, account_id, named) if named is not None else None
            work.move(Accept(found.id if found else None, found.name if found else None, leg_id), by)

        done = await self.base.change(account_id, conversation_id, plan, key=key, what=("accept", agent, leg_id, by))
        conversation = await self.base.conversation(done)
        await self.base.taken_over(conversation)
        return conversation

    async def decline(
        self,
        account_id: int,
        conversation_id: UUID,
        *,
        by: Author,
        agent: str | None = None,
        leg_id: UUID | None = None,
        key: str | None = None,
    ) -> Conversation:
        """An agent who was alerted does not take it: it goes back to its queue."""

        async def plan(connection: Connection, work: Work) -> None:
            named = agent if agent is not None else (by.id if by.kind is By.AGENT and leg_id is None else None)
            found = await self.base.agent(connection, account_id, named) if named is not None else None
            name = await queue_name(connection, work)
            work.move(Decline(found.id if found else None, leg_id, queue_name=name), by)

        done = await self.base.change(account_id, conversation_id, plan, key=key, what=("decline", agent, leg_id, by))
        return await self.base.conversation(done)

    async def leave(
        self,
        account_id: int,
        conversation_id: UUID,
        leg_id: UUID,
        *,
        by: Author,
        wrapup: str | None = None,
        key: str | None = None,
    ) -> Conversation:
        """Ends one leg. Where no queue, agent or API holds the conversation any more, it is closed."""
        leg_of(await self.base.must(account_id, conversation_id), leg_id)
        moves = [Leave(leg_id, wrapup)]
        what = ("leave", leg_id, wrapup)
        return await self.base.moved(account_id, conversation_id, moves, by, key=key, what=what)

    async def close(
        self,
        account_id: int,
        conversation_id: UUID,
        *,
        by: Author,
        wrapup: str | None = None,
        key: str | None = None,
    ) -> Conversation:
        """Closes it. Closing a closed one changes nothing."""
        conversation = await self.base.must(account_id, conversation_id)
        if conversation.closed and key is None:
            return conversation
        what = ("close", wrapup)
        return await self.base.moved(account_id, conversation_id, [Close(by, wrapup)], by, key=key, what=what)

    async def reopen(
        self, account_id: int, conversation_id: UUID, *, by: Author, key: str | None = None
    ) -> Conversation:
        """Opens it again."""
        return await self.base.moved(account_id, conversation_id, [Reopen(by)], by, key=key, what=("reopen",))

    # -- Amending -------------------------------------------------------------------------------------------------

    async def set_attributes(
        self,
        account_id: int,
        conversation_id: UUID,
        attributes: Mapping[str, str | None],
        *,
        leg_id: UUID | None = None,
        subject: str | None = None,
        name: str | None = None,
    ) -> Conversation:
        """Changes attributes of it or of one of its legs; None removes one. Others stay."""

        async def plan(_connection: Connection, work: Work) -> None:
            it = work.it
            own = {"subject": subject, "name": name}
            more: dict[str, Any] = {field: value for field, value in own.items() if value is not None}
            if leg_id is None:
                more["attributes"] = merged(it.attributes, attributes)
            else:
                more["legs"] = with_leg(it, leg_id, attributes=merged(leg_of(it, leg_id).attributes, attributes))
            work.amend(**more)

        return await self.base.conversation(await self.base.change(account_id, conversation_id, plan))

    async def set_wrapup(self, account_id: int, conversation_id: UUID, leg_id: UUID, wrapup: str) -> Conversation:
        """Writes a leg's wrap-up, ended or not."""

        async def plan(_connection: Connection, work: Work) -> None:
            work.amend(legs=with_leg(work.it, leg_id, wrapup=wrapup))

        return await self.base.conversation(await self.base.change(account_id, conversation_id, plan))

    async def mark_read(self, account_id: int, conversation_id: UUID) -> Conversation:
        """The person's messages so far were read."""

        async def plan(_connection: Connection, work: Work) -> None:
            work.amend(unread=0)

        return await self.base.conversation(await self.base.change(account_id, conversation_id, plan))

    async def note(
        self, account_id: int, conversation_id: UUID, text: str, *, by: Author, key: str | None = None
    ) -> Item:
        """Adds a note, which the person does not see."""
        if not text.strip() or len(text) > MOST_VALUE:
            raise Refused([Problem("/text", f"must have from 1 to {MOST_VALUE} characters")])
        identifier = self.base.new()
        print_ = fingerprint(conversation_id, "note", text, by)
        async with self.base.db.transaction() as connection:
            earlier = None
            if key is not None:
                earlier = await self.base.repeated(connection, account_id, key, print_, identifier)
            found = await store.item(connection, account_id, earlier) if earlier is not None else None
            if found is not None:
                return found
            row = await store.lock(connection, account_id, conversation_id)
            if row is None:
                raise unknown(conversation_id)
            work = self.base.work(row)
            work.amend()
            item = work.add(ItemKind.NOTE, by, identifier=identifier, text=text)
            await self.base.write(connection, [work])
        await self.base.changed([work])
        return item
