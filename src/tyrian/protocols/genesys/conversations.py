"""Conversations begun, and messages sent in them."""

from dataclasses import dataclass
from typing import Final

from tyrian.domain.content import Content
from tyrian.domain.conversation import Conversation, Leg, Opening, Role
from tyrian.domain.problem import Problem, Refused
from tyrian.domain.purpose import Purpose
from tyrian.protocols.genesys import errors, ids
from tyrian.protocols.genesys.conversation_content_of import content_of
from tyrian.protocols.genesys.conversation_desk import (
    author_of,
    channel_of_queue,
    communication_of,
    conversation_of,
    inbox_of,
    messenger,
    program,
)
from tyrian.protocols.genesys.conversation_reading import thread_of, told
from tyrian.protocols.genesys.conversation_requests import CreateConversation, SendMessage, Typing
from tyrian.protocols.genesys.message_wire import Entity
from tyrian.protocols.genesys.operation import V2, Call, Reply

#: Names of the request, by which a channel's problems with a content are told.
_FIELDS: Final = {"text": "textBody", "image": "mediaIds/0", "video": "mediaIds/0", "file": "mediaIds/0"}


# -- Beginning --------------------------------------------------------------------------------------------------------


async def create_real(call: Call) -> Reply:
    """Opens a conversation with a person in the real API's way: a queue, an address and its messenger type."""
    asked: CreateConversation = call.body(CreateConversation)
    kind, to = _checked(asked)
    identifier = ids.uuid_of(asked.queue_id or "")
    queue = await inbox_of(call).queue(call.account_id, str(identifier)) if identifier is not None else None
    if queue is None:
        raise errors.bad("The queue was not found.", "conversations.error.queue.not.found", "/queueId")
    entry = channel_of_queue(call, queue.id, kind, to)
    opening = Opening(reopen=asked.use_existing_conversation is True, fresh=True)
    made = await inbox_of(call).open(call.account_id, entry.channel, to, by=program(call), opening=opening)
    return Reply(Entity(id=str(made.id), self_uri=f"{V2}/conversations/messages/{made.id}"))


def _checked(asked: CreateConversation) -> tuple[str, str]:
    """Messenger type and address. Raises `ApiError` (400)."""
    needed = {"queueId": asked.queue_id, "toAddress": asked.to_address}
    needed["toAddressMessengerType"] = asked.to_address_messenger_type
    found = [Problem(f"/{name}", "is required", "required") for name, value in needed.items() if not value]
    if found:
        raise errors.wrong(found)
    return messenger(asked.to_address_messenger_type), asked.to_address or ""


# -- Sending ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _From:
    """Where something is said."""

    conversation: Conversation
    leg: Leg


async def _from(call: Call) -> _From:
    """The conversation and the communication of the path. Raises `ApiError`: 404, and 400 for one that has ended."""
    conversation = await conversation_of(call)
    leg = communication_of(call, conversation.legs)
    if leg.role is Role.CUSTOMER:
        raise errors.bad("The communication is the customer's; messages are sent by an agent's.")
    if not leg.live:
        raise errors.bad("The communication is disconnected.")
    return _From(conversation, leg)


async def send(call: Call) -> Reply:
    """Sends a message in a conversation."""
    where = await _from(call)
    asked: SendMessage = call.body(SendMessage)
    whole = await thread_of(call, where.conversation)
    content = await content_of(call, whole.messenger, asked.text_body, asked.media_ids, asked.messaging_template)
    try:
        item = await inbox_of(call).send(
            call.account_id,
            where.conversation.id,
            content,
            by=author_of(call, where.leg),
            purpose=await _purpose(call, where.conversation),
            leg_id=where.leg.id,
        )
    except Refused as refused:
        raise errors.wrong([placed(problem, content) for problem in refused.problems]) from refused
    return Reply(await told(call, whole, item))


def placed(problem: Problem, content: Content) -> Problem:
    """A problem with a content at the member of the request that the content came from."""
    if not problem.pointer.startswith("/content"):
        return problem
    kind = str(content.__struct_config__.tag)
    return problem._replace(pointer=f"/{_FIELDS.get(kind, 'messagingTemplate')}")


async def _purpose(call: Call, conversation: Conversation) -> Purpose:
    """An answer, as long as the person's session lasts; what comes later must go without one."""
    sessions = call.desk.gateway.sessions
    state = await sessions.state(call.account_id, conversation.channel_id, conversation.person)
    return Purpose.SESSION if state.open else Purpose.TRANSACTIONAL


async def typing(call: Call) -> Reply:
    """Takes a sign that somebody writes, and shows it where the channel can."""
    where = await _from(call)
    call.body(Typing)
    entry = call.desk.gateway.channels.by_id(where.conversation.channel_id)
    connector = getattr(entry.connector, "inner", None) if entry is not None else None
    if connector is not None and hasattr(connector, "typing"):
        await connector.typing(where.conversation.address, where.conversation.id)
    return Reply(status=202)
