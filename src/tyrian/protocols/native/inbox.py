"""What the operations on conversations do."""

import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from tyrian.domain.conversation import Author, By, Conversation, Item, Opening, Search, Target
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.channels import ChannelEntry
from tyrian.engine.inbox_port import Inbox, NotNow, NotThere
from tyrian.engine.reacting import person_of
from tyrian.protocols.native import inbox_shapes as shapes, inbox_wire as wire
from tyrian.protocols.native.errors import ApiError, not_found
from tyrian.protocols.native.operation import Call, Handler, Reply
from tyrian.protocols.native.pages import raw_cursor, text_cursor
from tyrian.protocols.native.sending import idempotency_key
from tyrian.store.database import LOST

WHAT: Final = "conversation"
#: Seconds that one watch may last; whoever is cut off goes on where it was.
LONGEST: Final = 900.0

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_encode: Final = msgspec.json.Encoder().encode


def desk(call: Call) -> Inbox:
    """The inbox of this call's gateway."""
    found: Inbox = call.gateway.inbox
    return found


def handled(work: Callable[[Call], Awaitable[Reply]]) -> Handler:
    """A handler whose refusals become the API's."""

    async def handler(call: Call) -> Reply:
        try:
            return await work(call)
        except NotThere as error:
            raise not_found(str(error)) from None
        except NotNow as error:
            text = str(error)
            raise ApiError("conflict", f"{text[:1].upper()}{text[1:]}.") from None

    return handler


async def author(call: Call, by: str | None) -> Author:
    """Who acts: the agent that is named, or the caller's key. Raises `Refused`."""
    if by is None:
        return Author(By.API, str(call.key.id), call.key.name)
    agent = await desk(call).agent(call.account_id, by)
    if agent is None:
        raise Refused([Problem("/by", f'names no agent of this account: "{by}"', "unknown_agent")])
    return Author(By.AGENT, str(agent.id), agent.name)


def key(call: Call) -> str | None:
    """The request's idempotency key."""
    return idempotency_key(call.headers.get("idempotency-key"))


def channel(call: Call, name: str, at: str) -> ChannelEntry:
    """A channel by name. Raises `Refused`."""
    entry = call.gateway.channels.get(call.account_id, name)
    if entry is None or entry.group is not None:
        raise Refused([Problem(at, f'names no channel that people can write to: "{name}"', "unknown_channel")])
    return entry


def shown(call: Call, it: Conversation, status: int = 200) -> Reply:
    """The answer that is a conversation."""
    return Reply(shapes.conversation(call.gateway.channels, it), status=status)


def line(call: Call, item: Item) -> Reply:
    """The answer that is a new line."""
    return Reply(shapes.item(call.gateway.channels, item), status=201)


# -- Reading ----------------------------------------------------------------------------------------------------------


async def list_conversations(call: Call) -> Reply:
    """A page of conversations."""
    query: wire.ConversationFilter = call.query
    search = Search(
        state=query.state,
        waiting=query.waiting,
        person=person_of(query.person) if query.person is not None else None,
        text=query.text,
        since=query.since,
        until=query.until,
        before=_before(query.cursor),
        limit=query.limit,
    )
    if query.channel is not None:
        search.channel_id = channel(call, query.channel, "?channel").channel.id
    if query.queue is not None:
        search.queue_id = (await _named(desk(call).queue(call.account_id, query.queue), "?queue", "queue")).id
    if query.agent is not None:
        search.agent_id = (await _named(desk(call).agent(call.account_id, query.agent), "?agent", "agent")).id
    page = await desk(call).list(call.account_id, search)
    after = _cursor(page[-1]) if len(page) == query.limit else None
    shown_ = [shapes.conversation(call.gateway.channels, it) for it in page]
    return Reply(wire.ConversationList(conversations=shown_, next=after))


async def _named(look: Awaitable[Any], at: str, what: str) -> Any:
    found = await look
    if found is None:
        raise Refused([Problem(at, f"names no {what} of this account", f"unknown_{what}")])
    return found


def _cursor(it: Conversation) -> str:
    micros = (it.updated_at - _EPOCH) // timedelta(microseconds=1)
    return text_cursor(struct.pack(">q", micros) + it.id.bytes)


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    raw = raw_cursor(cursor, 24)
    try:
        return _EPOCH + timedelta(microseconds=struct.unpack(">q", raw[:8])[0]), UUID(bytes=raw[8:])
    except OverflowError:
        raise Refused([Problem("?cursor", "is no cursor of this list; use the next of the page before")]) from None


async def get(call: Call) -> Reply:
    """One conversation."""
    identifier = call.id(WHAT)
    found = await desk(call).get(call.account_id, identifier)
    if found is None:
        raise not_found(f'There is no conversation with the id "{identifier}".')
    return shown(call, found)


async def items(call: Call) -> Reply:
    """Lines of a thread."""
    identifier = call.id(WHAT)
    query: wire.ItemFilter = call.query
    if query.before is not None and query.after is not None:
        raise Refused([Problem("?after", "cannot be given together with before", "conflict")])
    if await desk(call).get(call.account_id, identifier) is None:
        raise not_found(f'There is no conversation with the id "{identifier}".')
    found = await desk(call).items(
        call.account_id, identifier, before=query.before, after=query.after, limit=query.limit
    )
    return Reply(wire.ItemList(items=[shapes.item(call.gateway.channels, item) for item in found]))


# -- Doing ------------------------------------------------------------------------------------------------------------


async def open_conversation(call: Call) -> Reply:
    """The conversation with a person."""
    body: wire.OpenConversation = call.body
    entry = channel(call, body.channel, "/channel")
    opening = Opening(
        name=body.name,
        subject=body.subject,
        attributes=body.attributes,
        queue=body.queue,
        agent=body.agent,
        reopen=body.reopen,
    )
    by = await author(call, None)
    found = await desk(call).open(call.account_id, entry.channel, body.person, by=by, opening=opening, key=key(call))
    return shown(call, found)


async def amend(call: Call) -> Reply:
    """A conversation, changed."""
    body: wire.AmendConversation = call.body
    more = {"leg_id": body.leg_id, "subject": body.subject, "name": body.name}
    return shown(
        call,
        await desk(call).set_attributes(call.account_id, call.id(WHAT), body.attributes, **more),  # type: ignore[arg-type]
    )


async def send(call: Call) -> Reply:
    """Says something to the person."""
    body: wire.SendInConversation = call.body
    by = await author(call, body.by)
    return line(
        call,
        await desk(call).send(call.account_id, call.id(WHAT), body.content, by=by, purpose=body.purpose, key=key(call)),
    )


async def note(call: Call) -> Reply:
    """Adds a note."""
    by = await author(call, call.body.by)
    return line(call, await desk(call).note(call.account_id, call.id(WHAT), call.body.text, by=by, key=key(call)))


async def assign(call: Call) -> Reply:
    """Gives it to a queue or an agent."""
    body: wire.AssignRequest = call.body
    by = await author(call, body.by)
    return shown(
        call,
        await desk(call).assign(
            call.account_id, call.id(WHAT), by=by, queue=body.queue, agent=body.agent, key=key(call)
        ),
    )


async def accept(call: Call) -> Reply:
    """An agent takes it."""
    return await _answered(call, desk(call).accept)


async def decline(call: Call) -> Reply:
    """An agent does not take it."""
    return await _answered(call, desk(call).decline)


async def _answered(call: Call, answer: Any) -> Reply:
    body: wire.AcceptRequest = call.body
    by = await author(call, None)
    return shown(
        call, await answer(call.account_id, call.id(WHAT), by=by, agent=body.agent, leg_id=body.leg_id, key=key(call))
    )


async def transfer(call: Call) -> Reply:
    """Hands it on."""
    body: wire.TransferRequest = call.body
    target = Target(
        queue=body.queue, agent=body.agent, channel=body.channel, address=body.address, external=body.external
    )
    by = await author(call, body.by)
    done = await desk(call).transfer(
        call.account_id, call.id(WHAT), target, by=by, note=body.note, attended=body.attended, key=key(call)
    )
    return shown(call, done)


async def close(call: Call) -> Reply:
    """Closes it."""
    by = await author(call, call.body.by)
    return shown(
        call, await desk(call).close(call.account_id, call.id(WHAT), by=by, wrapup=call.body.wrapup, key=key(call))
    )


async def reopen(call: Call) -> Reply:
    """Opens it again."""
    by = await author(call, call.body.by)
    return shown(call, await desk(call).reopen(call.account_id, call.id(WHAT), by=by, key=key(call)))


async def mark_read(call: Call) -> Reply:
    """The person's messages were read."""
    return shown(call, await desk(call).mark_read(call.account_id, call.id(WHAT)))


# -- Watching ---------------------------------------------------------------------------------------------------------


async def watch(call: Call) -> Reply:
    """What happens, as server-sent events."""
    query: wire.WatchParameters = call.query
    after = _last(call.headers.get("last-event-id"), query.after)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Reply(stream=_events(call, after, query.conversation), headers=headers, content_type="text/event-stream")


def _last(header: str | None, after: int | None) -> int | None:
    if header is None or header == "":
        return after
    if header.isascii() and header.isdigit() and len(header) < 19:
        return int(header)
    raise Refused([Problem("Last-Event-ID", "must be the number of an event")])


async def _events(call: Call, after: int | None, conversation: UUID | None) -> AsyncIterator[bytes]:
    """The stream. It ends now and then, so that keys are asked again."""
    began = time.monotonic()
    try:
        # A reader that is cut off before the first event knows from this where to go on.
        after = await desk(call).last_event(call.account_id) if after is None else after
        yield b"id: %d\nretry: 1000\n\n" % after
        async for one in desk(call).watch(call.account_id, after=after, conversation_id=conversation):
            if one is None:
                yield b": still here\n\n"
            else:
                data = _encode(shapes.happening(call.gateway.channels, one))
                yield b"id: %d\nevent: %b\ndata: %b\n\n" % (one.number, one.type.encode(), data)
            if time.monotonic() - began > LONGEST:
                return
    except LOST:
        return
