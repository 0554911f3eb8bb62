"""Who answers and from where: agents, queues, prepared answers, the inboxes of channels, the account's settings."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from tyrian.domain.conversation import (
    Agent,
    AgentState,
    ChannelInbox,
    PreparedAnswer,
    Queue,
)
from tyrian.domain.opening import problems_of_hours
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.egress import judge_url
from tyrian.engine.inbox_port import WAKE, NotNow
from tyrian.engine.ports import Channel
from tyrian.inbox.base import Base, uuid_of
from tyrian.inbox.routing import Routing
from tyrian.store import inbox as store, inbox_people as people
from tyrian.store.database import Connection
from tyrian.store.inbox import NewEvent
from tyrian.store.inbox_channels import Change, look_again
from tyrian.store.inbox_people import Taken

_encode = msgspec.json.Encoder().encode


class Staff:
    """Agents, queues and what they have at hand."""

    base: Base
    routing: Routing

    # -- Queues ---------------------------------------------------------------------------------------------------

    async def queues(self, account_id: int) -> Sequence[Queue]:
        """The account's queues, by name."""
        return await people.queues(self.base.db, account_id)

    async def queue(self, account_id: int, name: str) -> Queue | None:
        """A queue by name or id."""
        identifier = uuid_of(name)
        found = await people.queues(self.base.db, account_id, name=name)
        if not found and identifier is not None:
            found = await people.queues(self.base.db, account_id, identifier=identifier)
        return found[0] if found else None

    async def put_queue(self, account_id: int, queue: Queue) -> Queue:
        """Writes a queue, new or changed. Raises `Refused`, also where the name is another's."""
        problems = problems_of_hours(queue.hours, queue.timezone)
        if problems:
            raise Refused(problems)
        async with self.base.db.transaction() as connection:
            await store.hold(connection, [account_id])
            try:
                await people.put_queue(connection, account_id, queue)
            except Taken:
                raise Refused([_taken("queue", queue.name)]) from None
            await self._tell(connection, account_id, "queue", _encode(queue))
        self.base.tell([account_id])
        await self.routing.fill(account_id, [queue.id])
        return queue

    async def delete_queue(self, account_id: int, queue: Queue) -> None:
        """Removes a queue. Raises `NotNow` while conversations that are not closed belong to it."""
        async with self.base.db.transaction() as connection:
            await store.hold(connection, [account_id])
            if not await people.delete_queue(connection, account_id, queue.id):
                raise NotNow("the queue has conversations that are not closed; transfer or close them first")
            await self._tell(connection, account_id, "queue", _encode({"id": queue.id, "removed": True}))
        await self.refresh_everywhere()
        self.base.tell([account_id])

    # -- Agents ---------------------------------------------------------------------------------------------------

    async def agents(self, account_id: int) -> Sequence[Agent]:
        """The account's agents, by name."""
        return await people.agents(self.base.db, account_id)

    async def agent(self, account_id: int, name: str) -> Agent | None:
        """An agent by name or id."""
        identifier = uuid_of(name)
        found = await people.agents(self.base.db, account_id, name=name)
        if not found and identifier is not None:
            found = await people.agents(self.base.db, account_id, identifier=identifier)
        return found[0] if found else None

    async def put_agent(self, account_id: int, agent: Agent) -> Agent:
        """Writes an agent, new or changed; one who is available gets what waits. Raises `Refused`."""
        async with self.base.db.transaction() as connection:
            await store.hold(connection, [account_id])
            known = {queue.id for queue in await people.queues(connection, account_id)}
            problems = [
                Problem(f"/queues/{n}", "names no queue of this account", "unknown_queue")
                for n, queue_id in enumerate(agent.queues)
                if queue_id not in known
            ]
            if problems:
                raise Refused(problems)
            try:
                await people.put_agent(connection, account_id, agent)
            except Taken:
                raise Refused([_taken("agent", agent.name)]) from None
            await self._tell(connection, account_id, "agent", _encode(agent))
        self.base.tell([account_id])
        if agent.state is AgentState.AVAILABLE:
            await self.routing.fill(account_id, agent.queues)
        return (await people.agents(self.base.db, account_id, identifier=agent.id))[0]

    async def delete_agent(self, account_id: int, agent: Agent) -> None:
        """Removes an agent. Raises `NotNow` while they have conversations."""
        async with self.base.db.transaction() as connection:
            await store.hold(connection, [account_id])
            present = await people.agents(connection, account_id, identifier=agent.id)
            if present and present[0].load:
                raise NotNow("the agent has conversations; put them back into their queues first")
            await people.delete_agent(connection, account_id, agent.id)
            await self._tell(connection, account_id, "agent", _encode({"id": agent.id, "removed": True}))
        self.base.tell([account_id])

    async def _tell(self, connection: Connection, account_id: int, type_: str, data: bytes) -> None:
        await store.add_events(connection, [NewEvent(account_id, self.base.now(), type_, None, data)])

    # -- Prepared answers -----------------------------------------------------------------------------------------

    async def answers(self, account_id: int, queue_id: UUID | None = None) -> Sequence[PreparedAnswer]:
        """Prepared answers by name: all, or those for a queue."""
        return await people.answers(self.base.db, account_id, queue_id=queue_id)

    async def answer(self, account_id: int, identifier: UUID) -> PreparedAnswer | None:
        """A prepared answer."""
        found = await people.answers(self.base.db, account_id, identifier=identifier)
        return found[0] if found else None

    async def put_answer(self, account_id: int, answer: PreparedAnswer) -> PreparedAnswer:
        """Writes a prepared answer. Raises `Refused`."""
        try:
            await people.put_answer(self.base.db, account_id, answer)
        except Taken:
            raise Refused([_taken("answer", answer.name)]) from None
        return answer

    async def delete_answer(self, account_id: int, identifier: UUID) -> bool:
        """Removes a prepared answer; False if there is none."""
        return await people.delete_answer(self.base.db, account_id, identifier)

    # -- Channels and the account ---------------------------------------------------------------------------------

    def channel_inbox(self, channel_id: int) -> ChannelInbox | None:
        """The channel's inbox as this node knows it; None if it has none."""
        return self.base.inbox_of(channel_id)

    async def set_channel_inbox(self, account_id: int, channel: Channel, inbox: ChannelInbox | None) -> None:
        """Gives a channel an inbox, or takes it away."""
        await self.change_channel_inbox(account_id, channel, lambda _: inbox)

    async def change_channel_inbox(self, account_id: int, channel: Channel, to: Change) -> ChannelInbox | None:
        """Gives a channel what `to` makes of its inbox."""
        before, after = await self.base.inboxes.change(account_id, channel.id, to)
        if before != after:
            if _idle_time(before) != _idle_time(after):
                await look_again(self.base.db, channel.id, self.base.now())
            self.base.gateway.waker.tell(WAKE)
        return after

    async def refresh_everywhere(self) -> None:
        """Has every node read anew which channels have an inbox."""
        await self.base.inboxes.refresh()
        self.base.gateway.waker.tell(WAKE)

    async def handover_url(self, account_id: int) -> str | None:
        """Where conversations go that are handed to somebody outside."""
        return await people.handover_url(self.base.db, account_id)

    async def set_handover_url(self, account_id: int, url: str | None) -> None:
        """Says where they go. Raises `Refused`."""
        reason = judge_url(url, self.base.gateway.settings.allow_private_callbacks) if url is not None else None
        if reason:
            raise Refused([Problem("/handover_url", reason)])
        await people.put_handover_url(self.base.db, account_id, url)


def _idle_time(inbox: ChannelInbox | None) -> int | None:
    return inbox.idle_time if inbox is not None else None


def _taken(what: str, name: str) -> Problem:
    return Problem("/name", f'is the name of another {what} already: "{name}"', "taken")
