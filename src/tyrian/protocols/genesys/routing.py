"""Queues, and the channels whose messages lead into them (the API's recipients)."""

import re
from collections.abc import Sequence
from uuid import UUID

import msgspec

from tyrian.domain.conversation import ChannelInbox, Queue
from tyrian.engine.channel_entry import ChannelEntry
from tyrian.protocols.genesys import errors, ids
from tyrian.protocols.genesys.conversation_desk import channels_of, inbox_of
from tyrian.protocols.genesys.conversation_requests import RecipientChange
from tyrian.protocols.genesys.message_wire import Entity, Wire
from tyrian.protocols.genesys.operation import V2, Call, Reply
from tyrian.protocols.genesys.paging import Page, listing
from tyrian.protocols.genesys.shapes import SMS, messenger_of

QUEUES = f"{V2}/routing/queues"
RECIPIENTS = f"{V2}/routing/message/recipients"


class OutboundAddresses(Wire, kw_only=True):
    """The channels that a queue sends from: the first of each messenger type."""

    sms_address: Entity | None = None
    open_messaging_recipient: Entity | None = None


class RoutingQueue(Wire, kw_only=True):
    """A queue. `member_count`: the agents who answer in it."""

    id: str
    name: str
    date_created: str
    date_modified: str
    member_count: int
    user_member_count: int
    joined_member_count: int
    outbound_messaging_addresses: OutboundAddresses | None = None
    self_uri: str


class Queues(Page, kw_only=True):
    """A page of queues."""

    entities: list[RoutingQueue]


class Flow(Wire, kw_only=True):
    """What takes a channel's messages: the way into a queue, whose id it has."""

    id: str
    name: str
    type: str
    active: bool


class Recipient(Wire, kw_only=True):
    """A channel, and where its messages go."""

    id: str
    name: str
    messenger_type: str
    flow: Flow | None = None
    date_created: str
    date_modified: str
    self_uri: str


class Recipients(Page, kw_only=True):
    """A page of recipients."""

    entities: list[Recipient]


# -- Queues -----------------------------------------------------------------------------------------------------------


async def list_queues(call: Call) -> Reply:
    """Queues by name; `name` may begin and end with an asterisk."""
    found = [queue for queue in await inbox_of(call).queues(call.account_id) if _named(queue.name, call)]
    members = await _members(call)
    return Reply(listing(call, QUEUES, [_queue(call, queue, members) for queue in found]))


async def read_queue(call: Call) -> Reply:
    """One queue."""
    identifier = call.uuid("queueId", "The queue")
    queue = await inbox_of(call).queue(call.account_id, str(identifier))
    if queue is None:
        raise errors.not_found(f"The queue {identifier}")
    return Reply(_queue(call, queue, await _members(call)))


def _named(name: str, call: Call) -> bool:
    wanted = call.query.get("name", "")
    if not wanted:
        return True
    pattern = ".*".join(re.escape(part) for part in wanted.split("*"))
    return re.fullmatch(pattern, name, re.IGNORECASE) is not None


async def _members(call: Call) -> Sequence[str]:
    agents = await inbox_of(call).agents(call.account_id)
    return [str(queue) for agent in agents for queue in agent.queues]


def _queue(call: Call, queue: Queue, members: Sequence[str]) -> RoutingQueue:
    count = members.count(str(queue.id))
    return RoutingQueue(
        id=str(queue.id),
        name=queue.name,
        date_created=ids.iso(queue.created_at),
        date_modified=ids.iso(queue.updated_at),
        member_count=count,
        user_member_count=count,
        joined_member_count=count,
        outbound_messaging_addresses=_outbound(call, queue),
        self_uri=f"{QUEUES}/{queue.id}",
    )


def _outbound(call: Call, queue: Queue) -> OutboundAddresses | None:
    inbox = inbox_of(call)
    found = OutboundAddresses()
    for entry in reversed(channels_of(call)):
        into = inbox.channel_inbox(entry.channel.id)
        if into is None or into.queue_id != queue.id:
            continue
        own = ids.of_channel(entry.channel.id)
        sms = messenger_of(entry.network) == SMS
        name = entry.channel.name
        named = Entity(id=entry.sender or name if sms else own, name=name, self_uri=f"{RECIPIENTS}/{own}")
        if sms:
            found.sms_address = named
        else:
            found.open_messaging_recipient = named
    return found if found != OutboundAddresses() else None


# -- Recipients -------------------------------------------------------------------------------------------------------


async def list_recipients(call: Call) -> Reply:
    """The account's channels, with where their messages go."""
    wanted = call.query.get("messengerType", "").lower()
    found = [
        entry
        for entry in channels_of(call)
        if wanted in ("", messenger_of(entry.network)) and _named(entry.channel.name, call)
    ]
    queues = {queue.id: queue for queue in await inbox_of(call).queues(call.account_id)}
    return Reply(listing(call, RECIPIENTS, [_recipient(call, entry, queues) for entry in found]))


async def read_recipient(call: Call) -> Reply:
    """One channel, with where its messages go."""
    entry = _entry(call)
    queues = {queue.id: queue for queue in await inbox_of(call).queues(call.account_id)}
    return Reply(_recipient(call, entry, queues))


async def change_recipient(call: Call) -> Reply:
    """Leads a channel's messages into a queue, whose id is given as a flow's; without one, into none."""
    entry = _entry(call)
    asked: RecipientChange = call.body(RecipientChange)
    inbox = inbox_of(call)
    queue = await _asked_queue(call, asked)
    into = queue.id if queue is not None else None
    await inbox.change_channel_inbox(
        call.account_id, entry.channel, lambda own: msgspec.structs.replace(own or ChannelInbox(), queue_id=into)
    )
    return Reply(_recipient(call, entry, {queue.id: queue} if queue is not None else {}))


async def _asked_queue(call: Call, asked: RecipientChange) -> Queue | None:
    given = asked.flow.id if asked.flow is not None else None
    if not given:
        return None
    identifier = ids.uuid_of(given)
    queue = await inbox_of(call).queue(call.account_id, str(identifier)) if identifier is not None else None
    if queue is None:
        raise errors.bad("flow.id must be the id of a queue.", "invalid.value", "/flow/id")
    return queue


def _entry(call: Call) -> ChannelEntry:
    number = ids.channel_of(call.path["recipientId"])
    found = next((entry for entry in channels_of(call) if entry.channel.id == number), None)
    if found is None:
        raise errors.not_found(f"The recipient {call.path['recipientId']}")
    return found


def _recipient(call: Call, entry: ChannelEntry, queues: dict[UUID, Queue]) -> Recipient:
    own = ids.of_channel(entry.channel.id)
    into = inbox_of(call).channel_inbox(entry.channel.id)
    queue = queues.get(into.queue_id) if into is not None and into.queue_id is not None else None
    flow = Flow(id=str(queue.id), name=queue.name, type="INBOUNDSHORTMESSAGE", active=True) if queue else None
    return Recipient(
        id=own,
        name=entry.channel.name,
        messenger_type=messenger_of(entry.network),
        flow=flow,
        date_created=ids.iso(entry.created_at),
        date_modified=ids.iso(entry.updated_at),
        self_uri=f"{RECIPIENTS}/{own}",
    )
