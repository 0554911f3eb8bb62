"""Handing conversations on: to queues, agents, other channels and people outside; and by flows, to people."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from tyrian.domain.conversation import (
    SYSTEM,
    AgentState,
    Author,
    By,
    Conversation,
    ItemKind,
    LegState,
    Role,
    Target,
)
from tyrian.domain.conversation_moves import Alert, Depart, Enqueue, ToExternal
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.inbox_port import NEUTRAL, NotNow
from tyrian.engine.ports import Channel
from tyrian.engine.reacting import person_of
from tyrian.inbox.base import spelled
from tyrian.inbox.handover import CONTEXT_ITEMS, Handover
from tyrian.inbox.opening import Opener
from tyrian.inbox.placing import MOST_ATTRIBUTES, MOST_NAME, MOST_VALUE, merged, placed
from tyrian.inbox.work import Work
from tyrian.store import inbox as store, inbox_people as people, inbox_reading as reading
from tyrian.store.database import Connection

_WAYS = ("queue", "agent", "channel", "external")


class Handing(Opener):
    """Hands conversations on."""

    async def transfer(
        self,
        account_id: int,
        conversation_id: UUID,
        target: Target,
        *,
        by: Author,
        note: str | None = None,
        attended: bool = False,
        key: str | None = None,
    ) -> Conversation:
        """Hands it on. It is `transferred` until the target accepts it."""
        given = [way for way in _WAYS if getattr(target, way) is not None]
        if len(given) != 1:
            raise Refused([Problem("", f"must have exactly one of {', '.join(_WAYS)}", "required")])
        if target.address is not None and target.channel is None:
            raise Refused([Problem("/address", "is only for a transfer to a channel")])
        outside = Handover(self.base)
        endpoint = await outside.endpoint(account_id, "/external") if target.external is not None else 0
        items = await reading.items(self.base.db, account_id, conversation_id, limit=CONTEXT_ITEMS) if endpoint else []

        async def plan(connection: Connection, work: Work) -> None:
            if note:
                work.add(ItemKind.NOTE, by, text=note[:MOST_VALUE])
            if target.queue is not None:
                queue = await self.base.queue(connection, account_id, target.queue)
                work.move(Enqueue(queue.id, queue.name, transfer=True, attended=attended), by)
            elif target.agent is not None:
                agent = await self.base.agent(connection, account_id, target.agent)
                work.move(Alert(agent.id, agent.name, transfer=True, attended=attended), by)
            elif target.channel is not None:
                await self._depart(connection, work, target, by)
            elif target.external is not None:
                work.move(ToExternal(target.external, attended), by)
                leg = next(x for x in work.it.live(Role.EXTERNAL) if x.state is LegState.ALERTING)
                await outside.bring(connection, work, leg, items, note, endpoint)

        what = ("transfer", target, note, attended, by)
        done = await self.base.change(account_id, conversation_id, plan, key=key, what=what)
        if endpoint:
            outside.wake()
        if target.channel is not None:
            await self.refresh_everywhere()
        return await self.base.conversation(done)

    async def _depart(self, connection: Connection, work: Work, target: Target, by: Author) -> None:
        """It goes on with the same person on another channel."""
        entry = self.base.gateway.channels.get(work.it.account_id, target.channel or "")
        if entry is None or entry.group is not None:
            message = f'names no channel of this account that a conversation can be on: "{target.channel}"'
            raise Refused([Problem("/channel", message, "unknown_channel")])
        at = "/address" if target.address is not None else "/channel"
        wanted = target.address or await self._address_on(work.it, entry.channel) or work.it.address
        address = spelled(entry, wanted, at)
        if entry.channel.id == work.it.channel_id and person_of(address) == work.it.person:
            raise NotNow("the conversation is on this channel already")
        await self.base.inboxes.ensure(connection, work.it.account_id, entry.channel.id)
        work.move(Depart(entry.channel.id, person_of(address), address), by)

    async def _address_on(self, it: Conversation, channel: Channel) -> str | None:
        """What the person is called on another channel, as far as contacts know: there, or by their number."""
        here = self.base.gateway.channels.by_id(it.channel_id)
        contact = await self.base.gateway.people.on(here.channel, it.person) if here is not None else None
        places = [known.place for known in contact.addresses] if contact is not None else []
        there = [place.address for place in places if place.scope == channel.id]
        return next(iter([*there, *(place.address for place in places if place.is_phone)]), None)

    async def requeue(self, account_id: int, agent: str, *, by: Author) -> tuple[int, int]:
        """Puts what an agent has back into the queues that it came from: how many, and how many came from none."""
        found = await self.base.agent(self.base.db, account_id, agent)
        if found.state is AgentState.AVAILABLE:
            raise NotNow("the agent is available and would get them back; set the state to away or offline first")
        back = kept = 0
        for conversation_id in await people.conversations_of(self.base.db, account_id, found.id):
            if await self._back(account_id, conversation_id, found.id, by):
                back += 1
            else:
                kept += 1
        return back, kept

    async def _back(self, account_id: int, conversation_id: UUID, agent_id: UUID, by: Author) -> bool:
        done = []

        async def plan(connection: Connection, work: Work) -> None:
            it = work.it
            queues = await people.queues(connection, account_id, identifier=it.queue_id) if it.queue_id else []
            if it.agent_id == agent_id and queues:
                work.move(Enqueue(queues[0].id, queues[0].name), by)
                done.append(True)

        await self.base.change(account_id, conversation_id, plan)
        return bool(done)

    # -- For flows ------------------------------------------------------------------------------------------------

    async def handover(  # noqa: PLR0913 - all of it is asked of whoever hands over
        self,
        account_id: int,
        channel: Channel,
        person: str,
        *,
        queue: str | None,
        agent: str | None,
        note: str,
        context: Mapping[str, Any],
        key: str,
        by: Author = SYSTEM,
    ) -> Conversation:
        """Hands a person over to a queue or an agent, with a note and what is known of them as attributes."""
        opener = Author(By.FLOW, by.id, by.name) if by is not SYSTEM else SYSTEM
        conversation = await self.open(account_id, channel, person, by=opener, opening=NEUTRAL)
        inbox = self.base.inbox_of(channel.id)

        async def plan(connection: Connection, work: Work) -> None:
            place = queue
            if queue is None and agent is None:
                if inbox is None or inbox.queue_id is None:
                    message = "is required, or agent: the inbox of the channel names no queue"
                    raise Refused([Problem("/queue", message, "required")])
                place = str(inbox.queue_id)
            work.amend(attributes=merged(work.it.attributes, flat(context)))
            if note:
                work.add(ItemKind.NOTE, by, text=note[:MOST_VALUE])
            work.move(await placed(self.base, connection, account_id, place, agent), by)

        what = ("handover", queue, agent, note, flat(context))
        done = await self.base.change(account_id, conversation.id, plan, key=key, what=what)
        return await self.base.conversation(done)

    async def is_with_agent(self, channel_id: int, person: str) -> bool:
        """Whether people have the person's conversation in hand: handed over, and not closed since."""
        if self.base.inbox_of(channel_id) is None:
            return False
        found = await store.find(self.base.db, channel_id, person_of(person))
        return found is not None and found.with_agent


def flat(context: Mapping[str, Any]) -> dict[str, str]:
    """Whatever is known of a person, as attributes: texts stay, other values are written as JSON. At most a hundred."""
    values = {
        str(name)[:MOST_NAME]: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in context.items()
        if value is not None and str(name)
    }
    return {name: value[:MOST_VALUE] for name, value in list(values.items())[:MOST_ATTRIBUTES]}
