"""Reading conversations and their messages, and writing in them: rows of the inbox in the real API's shapes."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from tyrian.domain.content import Base, File, Image, Video
from tyrian.domain.conversation import Author, By, Conversation, Item, ItemKind, Leg, Role, Search
from tyrian.domain.media import Stored
from tyrian.domain.problem import Refused
from tyrian.protocols.genesys import errors, mappings, rights, shapes, shapes_wire as wire
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply
from tyrian.protocols.genesys.organization import CAPABILITY
from tyrian.protocols.genesys.outbound import MessagingTemplate, text_of
from tyrian.protocols.genesys.threads import NOT_FOUND, SHOWN, author
from tyrian.store import reading

TAG: Final = "Conversations"
GENERIC: Final = f"{V2}/conversations"
PATH: Final = f"{V2}/conversations/messages"
_ONE: Final = f"{PATH}/{{conversationId}}"
_SEND: Final = f"{_ONE}/communications/{{communicationId}}/messages"
_LAST: Final = 100
_MANY: Final = 100
_MIB: Final = 1024 * 1024


class AdditionalMessage(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A message in a conversation: exactly one of text, one upload, a template."""

    text_body: Annotated[str, Meta(max_length=10_000)] | None = None
    media_ids: list[Annotated[str, Meta(max_length=64)]] | None = None
    messaging_template: MessagingTemplate | None = None


# -- Reading ----------------------------------------------------------------------------------------------------------


async def thread_of(call: Call, conversation: Conversation) -> shapes.Thread:
    """A conversation with its last lines."""
    items = await call.desk.threads.inbox.items(call.account_id, conversation.id, limit=_LAST)
    entry = call.desk.gateway.channels.by_id(conversation.channel_id)
    network, name = (entry.network, entry.channel.name) if entry is not None else ("", "")
    return shapes.Thread(conversation, items, network, name)


async def read(call: Call) -> Reply:
    """A conversation as a thread of messages."""
    conversation = await call.desk.threads.get(call.account_id, call.uuid("conversationId", "The conversation"))
    return Reply(shapes.message_conversation(await thread_of(call, conversation)))


async def read_generic(call: Call) -> Reply:
    """A conversation with its communications."""
    identifier = call.uuid("conversationId", "The conversation", NOT_FOUND)
    conversation = await call.desk.threads.get(call.account_id, identifier, NOT_FOUND)
    return Reply(shapes.conversation(await thread_of(call, conversation)))


async def read_all(call: Call) -> Reply:
    """The conversations that are not closed, as threads."""
    return Reply(wire.ConversationListing(entities=[shapes.message_conversation(t) for t in await _open(call)]))


async def read_all_generic(call: Call) -> Reply:
    """The conversations that are not closed, with their communications."""
    return Reply(wire.GenericListing(entities=[shapes.conversation(t) for t in await _open(call)]))


async def _open(call: Call) -> list[shapes.Thread]:
    found = await call.desk.threads.inbox.list(call.account_id, Search(limit=_MANY))
    inbox = call.desk.threads.inbox
    whole = [await inbox.get(call.account_id, one.id) for one in found if not one.closed]
    return [await thread_of(call, one) for one in whole if one is not None]


async def read_message(call: Call) -> Reply:
    """A message of a conversation."""
    conversation = await call.desk.threads.get(call.account_id, call.uuid("conversationId", "The conversation"))
    item = await _item(call, call.uuid("messageId", "The message"))
    if item.conversation_id != conversation.id:
        raise errors.not_found("The message")
    return Reply(await told(call, await thread_of(call, conversation), item))


async def read_details(call: Call) -> Reply:
    """A message by its id alone."""
    item = await _item(call, call.uuid("messageId", "The message"))
    conversation = await call.desk.threads.get(call.account_id, item.conversation_id)
    return Reply(await told(call, await thread_of(call, conversation), item))


async def read_bulk(call: Call) -> Reply:
    """Several messages of a conversation; those that are not there are left out."""
    wanted: list[str] = call.body(list[Annotated[str, Meta(max_length=64)]]) if call.raw.strip() else []
    conversation = await call.desk.threads.get(call.account_id, call.uuid("conversationId", "The conversation"))
    if len(wanted) > _MANY:
        raise errors.bad(f"At most {_MANY} messages can be read at once.")
    thread = await thread_of(call, conversation)
    known = {shapes.message_id(i): i for i in thread.items if i.kind in (ItemKind.INBOUND, ItemKind.OUTBOUND)}
    found = [await told(call, thread, known[i]) for i in dict.fromkeys(wanted) if i in known]
    return Reply(wire.MessageListing(entities=found))


async def _item(call: Call, identifier: UUID) -> Item:
    item = await call.desk.threads.inbox.find_item(call.account_id, identifier)
    if item is None or item.content is None:
        raise errors.not_found("The message")
    return item


async def told(call: Call, thread: shapes.Thread, item: Item) -> wire.MessageData:
    """A message as it is shown, with the instruction that a pressed button stands for."""
    shown, instruction = None, None
    if item.status == "failed" and item.message_id is not None:
        shown = await _pretended(call, item.message_id)
    if item.kind is ItemKind.INBOUND and (clicked := shapes.pressed(thread.items, item)) is not None:
        conversation = thread.conversation
        instruction = await mappings.look_up(
            call.desk.gateway,
            call.account_id,
            clicked["payload"],
            channel_id=thread.integration,
            conversation_id=str(conversation.id),
        )
    made = shapes.message(thread, item, shown=shown, instruction=instruction)
    if call.flag("useNormalizedMessage"):
        made.text_body = None
    return made


async def _pretended(call: Call, message_id: UUID) -> str | None:
    """The status that a message is shown with which was taken and brought to nobody."""
    row = await reading.message(call.desk.gateway.db, call.account_id, message_id)
    plan = msgspec.json.decode(row["plan"]) if row is not None and row["plan"] else {}
    shown = (plan.get("extra") or {}).get(SHOWN)
    return str(shown) if shown else None


# -- Writing ----------------------------------------------------------------------------------------------------------


async def send(call: Call) -> Reply:
    """Writes in a conversation, from one communication of it."""
    given: AdditionalMessage = call.body(AdditionalMessage)
    conversation = await call.desk.threads.get(call.account_id, call.uuid("conversationId", "The conversation"))
    leg = leg_of(call, conversation, "communicationId")
    thread = await thread_of(call, conversation)
    content = await _content(call, given, thread)
    if leg.role is Role.CUSTOMER or not leg.live:
        words = (
            "The communication is disconnected."
            if leg.role is not Role.CUSTOMER
            else "The communication is the person's."
        )
        raise errors.bad(words, "conversation.communication.not.connected")
    by = writer(call, leg)
    try:
        item = await call.desk.threads.send(conversation, content, by, {}, leg=leg.id)
    except Refused as refused:
        raise errors.wrong([p._replace(pointer="/textBody") for p in refused.problems]) from None
    thread.items = [*thread.items, item]
    return Reply(await told(call, thread, item))


async def _content(call: Call, given: AdditionalMessage, thread: shapes.Thread) -> Base:
    """The one content of a message. Raises `ApiError` (400)."""
    if not given.media_ids:
        return text_of(given.text_body, given.messaging_template, thread.messenger)
    if given.text_body or given.messaging_template is not None or len(given.media_ids) > 1:
        raise errors.bad("Exactly one of textBody, one mediaId and messagingTemplate must be given.", field="/mediaIds")
    try:
        stored = await call.desk.uploads.stored(call.account_id, UUID(given.media_ids[0]))
    except ValueError:
        stored = None
    if stored is None:
        raise errors.bad("The upload was not found, or is not there yet.", field="/mediaIds/0")
    return _of_file(stored)


def _of_file(stored: Stored) -> Base:
    kind = stored.facts.content_type.partition("/")[0]
    if kind == "image":
        return Image(url=stored.url)
    if kind == "video":
        length = stored.facts.duration
        return Video(url=stored.url, size=stored.facts.size, duration=round(length) if length is not None else None)
    return File(url=stored.url, name=stored.name, size=stored.facts.size)


def leg_of(call: Call, conversation: Conversation, name: str) -> Leg:
    """A participant or communication of a path. Raises `ApiError` (404)."""
    leg = conversation.leg(call.uuid(name, f"The {name.removesuffix('Id')}"))
    if leg is None:
        raise errors.not_found(f"The {name.removesuffix('Id')} {call.path[name]}")
    return leg


def writer(call: Call, leg: Leg) -> Author:
    """Who writes from a leg: its agent, or the OAuth client."""
    if leg.role is Role.AGENT:
        return Author(By.AGENT, leg.who, leg.name)
    assert call.who is not None
    return author(call.who.client_id, call.who.key.name)


async def typing(call: Call) -> Reply:
    """Shows that an agent is typing, where the channel can."""
    conversation = await call.desk.threads.get(call.account_id, call.uuid("conversationId", "The conversation"))
    leg_of(call, conversation, "communicationId")
    entry = call.desk.gateway.channels.by_id(conversation.channel_id)
    connector = getattr(entry.connector, "inner", None) if entry is not None else None
    if connector is not None and hasattr(connector, "typing"):
        await connector.typing(conversation.address)
    return Reply(status=204)


_CREATE: Final = ("conversation:message:create", "conversation:webmessaging:create")
_VIEW: Final = ("conversation:message:view", "conversation:webmessaging:view")
_NORMALIZED: Final = {"useNormalizedMessage": ("boolean", "Whether to leave out `textBody`.")}


def _row(name: str, method: str, path: str, handler: Any, summary: str, **more: Any) -> Operation:
    common: dict[str, Any] = {"tag": TAG, "errors": (404,), "scope": rights.CONVERSATION_READ}
    return Operation(name=name, method=method, path=path, handler=handler, summary=summary, **(common | more))


_MESSAGE: Final[dict[str, Any]] = {
    "scope": rights.MESSAGING_READ,
    "some": _VIEW,
    "answer": wire.MessageData,
    "query": _NORMALIZED,
    "errors": (400, 404),
}

OPERATIONS: Final = (
    _row(
        "getConversationsMessages",
        "GET",
        PATH,
        read_all,
        "List open conversations",
        answer=wire.ConversationListing,
        errors=(),
    ),
    _row("getConversationsMessage", "GET", _ONE, read, "Read a conversation", answer=wire.MessageConversation),
    _row(
        "getConversations",
        "GET",
        GENERIC,
        read_all_generic,
        "List open conversations with their communications",
        answer=wire.GenericListing,
        errors=(),
        query={"communicationType": ("string", "Taken, and left aside: all conversations are messages.")},
    ),
    _row(
        "getConversation",
        "GET",
        f"{GENERIC}/{{conversationId}}",
        read_generic,
        "Read a conversation with its communications",
        some=("conversation:communication:view",),
        answer=wire.GenericConversation,
    ),
    _row(
        "postConversationsMessageCommunicationMessages",
        "POST",
        _SEND,
        send,
        "Write in a conversation",
        scope=rights.MESSAGING_WRITE,
        some=_CREATE,
        needs=(CAPABILITY,),
        body=AdditionalMessage,
        answer=wire.MessageData,
        example={"textBody": "How can we help?"},
        query=_NORMALIZED,
        errors=(400, 404),
    ),
    _row(
        "getConversationsMessageMessage",
        "GET",
        f"{_ONE}/messages/{{messageId}}",
        read_message,
        "Read a message",
        **_MESSAGE,
    ),
    _row(
        "getConversationsMessageDetails",
        "GET",
        f"{PATH}/{{messageId}}/details",
        read_details,
        "Read a message by its id alone",
        **_MESSAGE,
    ),
    _row(
        "postConversationsMessageMessagesBulk",
        "POST",
        f"{_ONE}/messages/bulk",
        read_bulk,
        "Read several messages",
        **{**_MESSAGE, "answer": wire.MessageListing},
        body=list[str],
        example=[],
    ),
    _row(
        "postConversationsMessageCommunicationTyping",
        "POST",
        f"{_ONE}/communications/{{communicationId}}/typing",
        typing,
        "Show that an agent is typing",
        scope=rights.MESSAGING_WRITE,
        some=_CREATE,
        status=204,
    ),
)
