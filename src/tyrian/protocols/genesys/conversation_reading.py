"""Conversations and their messages, read."""

from collections.abc import Callable
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from tyrian.domain.conversation import Conversation, Item, Search
from tyrian.protocols.genesys import conversation_wire as wire, errors, ids, mappings
from tyrian.protocols.genesys.conversation_desk import MOST_ITEMS, conversation_of, inbox_of, item_of, thread
from tyrian.protocols.genesys.conversation_view import generic, message_conversation
from tyrian.protocols.genesys.message_wire import MessageData, Messages
from tyrian.protocols.genesys.operation import V2, Call, Reply, decode
from tyrian.protocols.genesys.paging import around, page_of
from tyrian.protocols.genesys.shapes import Thread, message, pressed
from tyrian.protocols.genesys.threads import NOT_FOUND, SHOWN
from tyrian.store import reading as store

#: Conversations on a page, and messages in a bulk.
MOST_LISTED: Final = 500
MOST_IN_BULK: Final = 1000

MessageIds = list[Annotated[str, Meta(max_length=64)]]


async def thread_of(call: Call, conversation: Conversation) -> Thread:
    """A conversation with the last lines of it."""
    items = await inbox_of(call).items(call.account_id, conversation.id, limit=MOST_ITEMS)
    return thread(call, conversation, items)


async def read_message_conversation(call: Call) -> Reply:
    """A conversation, its participants and their messages."""
    conversation = await conversation_of(call)
    return Reply(message_conversation(await thread_of(call, conversation)))


async def read_conversation(call: Call) -> Reply:
    """A conversation with the communications that messages are sent by."""
    conversation = await conversation_of(call, NOT_FOUND)
    return Reply(await shown(call, conversation))


async def shown(call: Call, conversation: Conversation) -> wire.Conversation:
    """A conversation in its generic form."""
    return generic(await thread_of(call, conversation))


# -- Lists ------------------------------------------------------------------------------------------------------------


async def _not_closed(call: Call, path: str, shape: Callable[[Thread], Any], *, any_at_all: bool = True) -> Reply:
    """A page of the conversations that are not closed, the last changed first, without their messages.

    The clients of the real API cannot ask for a page here, and expect all: a page is as large as it may be.
    """
    size, number = page_of(call, MOST_LISTED, MOST_LISTED)
    inbox, found, total = inbox_of(call), list[Conversation](), 0
    if any_at_all:
        search = Search(open=True, limit=size, offset=(number - 1) * size)
        found = list(await inbox.list(call.account_id, search))
        total = await inbox.count(call.account_id, search)
    entities = [shape(thread(call, conversation)) for conversation in found]
    return Reply({"entities": entities, **around(call, path, (size, number), total)})


async def list_message_conversations(call: Call) -> Reply:
    """Conversations that are not closed."""
    return await _not_closed(call, f"{V2}/conversations/messages", message_conversation)


async def list_conversations(call: Call) -> Reply:
    """Conversations that are not closed, in their generic form; of another type than messages there are none."""
    fits = call.query.get("communicationType", "").lower() in ("", "message")
    return await _not_closed(call, f"{V2}/conversations", generic, any_at_all=fits)


# -- Messages ---------------------------------------------------------------------------------------------------------


async def read_message(call: Call) -> Reply:
    """One message of a conversation."""
    conversation = await conversation_of(call)
    identifier = call.uuid("messageId", "The message")
    item = await item_of(call, identifier)
    if item is None or item.conversation_id != conversation.id:
        raise errors.not_found(f"The message {identifier}")
    return Reply(await told(call, await thread_of(call, conversation), item))


async def read_details(call: Call) -> Reply:
    """One message, whatever its conversation."""
    identifier = call.uuid("messageId", "The message")
    item = await item_of(call, identifier)
    found = await inbox_of(call).get(call.account_id, item.conversation_id) if item is not None else None
    if item is None or found is None:
        raise errors.not_found(f"The message {identifier}")
    return Reply(await told(call, await thread_of(call, found), item))


async def read_bulk(call: Call) -> Reply:
    """Several messages of a conversation; those that it has not are left out."""
    conversation = await conversation_of(call)
    given: list[str] = decode(call.raw if call.raw.strip() not in (b"", b"null") else b"[]", MessageIds)
    if len(given) > MOST_IN_BULK:
        raise errors.bad(f"At most {MOST_IN_BULK} messages can be read at a time.", "constraint.validation")
    wanted = [found for text in dict.fromkeys(given) if (found := ids.uuid_of(text)) is not None]
    whole = await thread_of(call, conversation)
    items = await _found(call, whole, wanted)
    return Reply(Messages(entities=[await told(call, whole, item) for item in items]))


async def _found(call: Call, whole: Thread, wanted: list[UUID]) -> list[Item]:
    """Those of the messages that a conversation has: looked for in the last of its thread, then one by one."""
    known: dict[UUID, Item] = {}
    for item in whole.items:
        known |= {identifier: item for identifier in (item.id, item.message_id, item.inbound_id) if identifier}
    found = []
    for identifier in wanted:
        line = known.get(identifier) or await item_of(call, identifier)
        if line is not None and line.conversation_id == whole.conversation.id and (line.message_id or line.inbound_id):
            found.append(line)
    return found


async def told(call: Call, whole: Thread, item: Item) -> MessageData:
    """A message, with the instruction that the button stands for whose press it was."""
    conversation, shown, instruction = whole.conversation, None, None
    if item.status == "failed" and item.message_id is not None:
        shown = await _pretended(call, item.message_id)
    if (clicked := pressed(whole.items, item)) is not None:
        instruction = await mappings.look_up(
            call.desk.gateway,
            call.account_id,
            clicked.payload,
            channel_id=whole.integration,
            conversation_id=str(conversation.id),
        )
    if item.channel_id not in (None, conversation.channel_id):
        then = msgspec.structs.replace(conversation, channel_id=item.channel_id)
        whole = thread(call, then, whole.items)
    legacy = call.flag("useNormalizedMessage") is not True
    return message(whole, item, shown=shown, instruction=instruction, legacy=legacy)


async def _pretended(call: Call, message_id: UUID) -> str | None:
    """The status that a message is shown with which was taken and brought to nobody."""
    row = await store.message(call.desk.gateway.db, call.account_id, message_id)
    plan = msgspec.json.decode(row["plan"]) if row is not None and row["plan"] else {}
    shown = (plan.get("extra") or {}).get(SHOWN)
    return str(shown) if shown else None
