"""What the operations on agents, queues, prepared answers and channels' inboxes do."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from tyrian.domain.conversation import Agent, ChannelInbox, PreparedAnswer, Queue
from tyrian.domain.problem import Problem, Refused
from tyrian.domain.render import render
from tyrian.protocols.native import inbox_shapes as shapes, inbox_staff_wire as wire
from tyrian.protocols.native.errors import not_found
from tyrian.protocols.native.inbox import author
from tyrian.protocols.native.operation import Call, Reply


def _changes(body: Any, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(body, name)) is not UNSET}


# -- Agents -----------------------------------------------------------------------------------------------------------


async def _agent(call: Call) -> Agent:
    found = await call.gateway.inbox.agent(call.account_id, call.path["id"])
    if found is None:
        raise not_found(f'There is no agent "{call.path["id"][:100]}".')
    agent: Agent = found
    return agent


async def _queues(call: Call, names: list[str]) -> list[UUID]:
    """The queues of these names or ids. Raises `Refused`."""
    ids, found = [], []
    for number, name in enumerate(names):
        queue = await call.gateway.inbox.queue(call.account_id, name)
        if queue is None:
            found.append(Problem(f"/queues/{number}", f'names no queue of this account: "{name}"', "unknown_queue"))
        else:
            ids.append(queue.id)
    if found:
        raise Refused(found)
    return list(dict.fromkeys(ids))


async def list_agents(call: Call) -> Reply:
    """All agents."""
    found = await call.gateway.inbox.agents(call.account_id)
    return Reply(wire.AgentList(agents=[shapes.agent(one) for one in found]))


async def create_agent(call: Call) -> Reply:
    """A new agent."""
    body: wire.AgentRequest = call.body
    now = call.gateway.clock.now()
    agent = Agent(
        id=call.gateway.ids.new(now),
        name=body.name,
        email=body.email,
        state=body.state,
        capacity=body.capacity,
        queues=await _queues(call, body.queues),
        created_at=now,
        updated_at=now,
    )
    return Reply(shapes.agent(await call.gateway.inbox.put_agent(call.account_id, agent)), status=201)


async def get_agent(call: Call) -> Reply:
    """One agent."""
    return Reply(shapes.agent(await _agent(call)))


async def change_agent(call: Call) -> Reply:
    """An agent, changed."""
    body: wire.AgentChange = call.body
    agent = await _agent(call)
    changes = _changes(body, "name", "email", "state", "capacity")
    if body.queues is not UNSET:
        changes["queues"] = await _queues(call, body.queues)
    changed = msgspec.structs.replace(agent, updated_at=call.gateway.clock.now(), **changes)
    return Reply(shapes.agent(await call.gateway.inbox.put_agent(call.account_id, changed)))


async def delete_agent(call: Call) -> Reply:
    """An agent is removed."""
    await call.gateway.inbox.delete_agent(call.account_id, await _agent(call))
    return Reply(status=204)


async def requeue(call: Call) -> Reply:
    """What an agent has goes back into its queues."""
    agent = await _agent(call)
    by = await author(call, None)
    back, kept = await call.gateway.inbox.requeue(call.account_id, str(agent.id), by=by)
    return Reply(wire.RequeuedAnswer(requeued=back, kept=kept))


# -- Queues -----------------------------------------------------------------------------------------------------------


async def _queue(call: Call) -> Queue:
    found = await call.gateway.inbox.queue(call.account_id, call.path["id"])
    if found is None:
        raise not_found(f'There is no queue "{call.path["id"][:100]}".')
    queue: Queue = found
    return queue


async def _queue_id(call: Call, name: str | None, at: str) -> UUID | None:
    if name is None:
        return None
    found = await call.gateway.inbox.queue(call.account_id, name)
    if found is None:
        raise Refused([Problem(at, f'names no queue of this account: "{name}"', "unknown_queue")])
    identifier: UUID = found.id
    return identifier


async def list_queues(call: Call) -> Reply:
    """All queues."""
    found = await call.gateway.inbox.queues(call.account_id)
    return Reply(wire.QueueList(queues=[shapes.queue(one) for one in found]))


async def create_queue(call: Call) -> Reply:
    """A new queue."""
    body: wire.QueueRequest = call.body
    now = call.gateway.clock.now()
    fields = {name: getattr(body, name) for name in ("name", "pick", "alert_time", "timezone", "hours")}
    queue = Queue(id=call.gateway.ids.new(now), created_at=now, updated_at=now, **fields)
    return Reply(shapes.queue(await call.gateway.inbox.put_queue(call.account_id, queue)), status=201)


async def get_queue(call: Call) -> Reply:
    """One queue."""
    return Reply(shapes.queue(await _queue(call)))


async def change_queue(call: Call) -> Reply:
    """A queue, changed."""
    queue = await _queue(call)
    changes = _changes(call.body, "name", "pick", "alert_time", "timezone", "hours")
    changed = msgspec.structs.replace(queue, updated_at=call.gateway.clock.now(), **changes)
    return Reply(shapes.queue(await call.gateway.inbox.put_queue(call.account_id, changed)))


async def delete_queue(call: Call) -> Reply:
    """A queue is removed."""
    await call.gateway.inbox.delete_queue(call.account_id, await _queue(call))
    return Reply(status=204)


# -- Prepared answers -------------------------------------------------------------------------------------------------


async def list_answers(call: Call) -> Reply:
    """Prepared answers, filled in if a conversation is named."""
    query: wire.PreparedFilter = call.query
    queue_id = await _queue_id(call, query.queue, "?queue")
    values: dict[str, str] | None = None
    if query.conversation is not None:
        it = await call.gateway.inbox.get(call.account_id, query.conversation)
        if it is None:
            raise Refused([Problem("?conversation", "names no conversation of this account", "unknown_conversation")])
        queue_id = queue_id or it.queue_id
        values = {"name": it.name or "", "person": it.person, "subject": it.subject or "", **it.attributes}
    found = await call.gateway.inbox.answers(call.account_id, queue_id)
    if values is not None:
        found = [msgspec.structs.replace(one, content=render(one.content, values)) for one in found]
    return Reply(wire.PreparedList(answers=[shapes.prepared(one) for one in found]))


async def create_answer(call: Call) -> Reply:
    """A new prepared answer."""
    body: wire.PreparedRequest = call.body
    now = call.gateway.clock.now()
    queue_id = await _queue_id(call, body.queue, "/queue")
    one = PreparedAnswer(
        id=call.gateway.ids.new(now),
        name=body.name,
        queue_id=queue_id,
        content=body.content,
        created_at=now,
        updated_at=now,
    )
    return Reply(shapes.prepared(await call.gateway.inbox.put_answer(call.account_id, one)), status=201)


async def change_answer(call: Call) -> Reply:
    """A prepared answer, written anew."""
    body: wire.PreparedRequest = call.body
    identifier = call.id("prepared answer")
    present = await call.gateway.inbox.answer(call.account_id, identifier)
    if present is None:
        raise not_found(f'There is no prepared answer with the id "{identifier}".')
    changed = msgspec.structs.replace(
        present,
        name=body.name,
        content=body.content,
        queue_id=await _queue_id(call, body.queue, "/queue"),
        updated_at=call.gateway.clock.now(),
    )
    return Reply(shapes.prepared(await call.gateway.inbox.put_answer(call.account_id, changed)))


async def delete_answer(call: Call) -> Reply:
    """A prepared answer is removed."""
    identifier = call.id("prepared answer")
    if not await call.gateway.inbox.delete_answer(call.account_id, identifier):
        raise not_found(f'There is no prepared answer with the id "{identifier}".')
    return Reply(status=204)


# -- Channels and settings --------------------------------------------------------------------------------------------


def _entry(call: Call) -> Any:
    entry = call.gateway.channels.get(call.account_id, call.path["id"])
    if entry is None:
        raise not_found(f'There is no channel named "{call.path["id"][:64]}".')
    return entry


def _channel_inbox(call: Call, entry: Any) -> Reply:
    inbox = call.gateway.inbox.channel_inbox(entry.channel.id)
    if inbox is None:
        raise not_found(f'The channel "{entry.channel.name}" has no inbox.')
    return Reply(
        wire.ChannelInboxAnswer(
            channel=entry.channel.name,
            queue_id=inbox.queue_id,
            threading_time=inbox.threading_time,
            idle_time=inbox.idle_time,
        )
    )


async def get_channel_inbox(call: Call) -> Reply:
    """A channel's inbox."""
    return _channel_inbox(call, _entry(call))


async def put_channel_inbox(call: Call) -> Reply:
    """A channel gets an inbox."""
    body: wire.ChannelInboxRequest = call.body
    entry = _entry(call)
    if entry.group is not None:
        raise Refused([Problem("", "cannot be set for a group: people write to its members")])
    inbox = ChannelInbox(await _queue_id(call, body.queue, "/queue"), body.threading_time, body.idle_time)
    await call.gateway.inbox.set_channel_inbox(call.account_id, entry.channel, inbox)
    return _channel_inbox(call, entry)


async def delete_channel_inbox(call: Call) -> Reply:
    """A channel's inbox is taken away."""
    await call.gateway.inbox.set_channel_inbox(call.account_id, _entry(call).channel, None)
    return Reply(status=204)


async def get_settings(call: Call) -> Reply:
    """What holds for the whole inbox."""
    return Reply(wire.InboxSettingsAnswer(handover_url=await call.gateway.inbox.handover_url(call.account_id)))


async def put_settings(call: Call) -> Reply:
    """Sets what holds for the whole inbox."""
    await call.gateway.inbox.set_handover_url(call.account_id, call.body.handover_url)
    return await get_settings(call)
