"""Conversations that the business begins, and messages without an agent."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from tyrian.domain.content import Base, Template, Text
from tyrian.domain.conversation import THREADING_TIME, ChannelInbox, Conversation, Opening, Role
from tyrian.domain.problem import Problem
from tyrian.engine.channel_entry import ChannelEntry
from tyrian.engine.reacting import person_of
from tyrian.protocols.genesys import errors, ids, rich_wire, rights, shapes, shapes_wire
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply
from tyrian.protocols.genesys.organization import CAPABILITY
from tyrian.protocols.genesys.threads import author

TAG: Final = "Conversations"
PATH: Final = f"{V2}/conversations/messages"
QUEUE_NOT_FOUND: Final = "conversations.error.queue.not.found"
MAX_TEXT: Final = 2000
MAX_SMS: Final = 765
#: A messenger type of the API -> the networks that are meant by it, the likeliest first.
MESSENGERS: Final = {"open": ("open", "viber_bot", "viber", ""), "sms": ("sms",)}


class Parameter(Struct):
    """A template's parameter."""

    id: str
    value: str = ""


class MessagingTemplate(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A template that the network knows, by its id there."""

    response_id: Annotated[str, Meta(min_length=1, max_length=200)]
    body_parameters: list[Parameter] = []
    parameters: list[Parameter] = []


class AgentlessRequest(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A message without an agent. `fromAddress` is an integration's id, or an SMS sender."""

    from_address: Annotated[str, Meta(min_length=1, max_length=200)]
    to_address: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    to_address_messenger_type: Annotated[str, Meta(min_length=1, max_length=40)]
    text_body: Annotated[str, Meta(max_length=10_000)] | None = None
    messaging_template: MessagingTemplate | None = None
    use_existing_active_conversation: bool | None = None


class AgentlessAnswer(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A message that was taken, with its conversation."""

    id: str
    conversation_id: str
    from_address: str
    to_address: str
    messenger_type: str
    text_body: str | None = None
    use_existing_active_conversation: bool
    message: shapes_wire.MessageData
    timestamp: str
    self_uri: str


def messenger(text: str | None) -> str:
    """A messenger type that is served. Raises `ApiError` (400)."""
    word = (text or "").lower()
    if word not in MESSENGERS:
        listed = ", ".join(MESSENGERS)
        words = f"The value {(text or '')[:40]} is not allowed for toAddressMessengerType; there are: {listed}"
        raise errors.bad(words, "invalid.value", "/toAddressMessengerType")
    return word


def text_of(body: str | None, template: MessagingTemplate | None, word: str) -> Base:
    """The one content of a request. Raises `ApiError` (400)."""
    if (body is None or body == "") == (template is None):
        raise errors.bad("Exactly one of textBody and messagingTemplate must be given.", field="/textBody")
    if template is not None:
        given = [*template.body_parameters, *template.parameters]
        return Template(template_id=template.response_id, parameters={p.id: p.value for p in given})
    most = MAX_SMS if word == "sms" else MAX_TEXT
    assert body is not None
    if len(body) > most:
        raise errors.wrong([Problem("/textBody", f"must have at most {most} characters, has {len(body)}")])
    return Text(text=body)


def address(entry: ChannelEntry, to: str) -> str:
    """An address as a channel's network wants it. Raises `ApiError` (400)."""
    found = entry.kind.address(to, "/toAddress")
    if isinstance(found, Problem):
        raise errors.wrong([found])
    return found


# -- A conversation ---------------------------------------------------------------------------------------------------


async def create(call: Call, given: rich_wire.EitherMessage) -> Reply:
    """Opens a conversation with a person, for whoever calls to write in."""
    assert call.who is not None
    word = messenger(given.to_address_messenger_type)
    queue = await call.desk.threads.inbox.queue(call.account_id, given.queue_id or "")
    if queue is None:
        raise errors.bad(f"The queue {(given.queue_id or '')[:64]} was not found.", QUEUE_NOT_FOUND, "/queueId")
    entry = _channel(call, word, given.to_address or "", str(queue.id))
    to = address(entry, given.to_address or "")
    known = await call.desk.threads.inbox.find(entry.channel.id, person_of(to))
    reopen = bool(given.use_existing_conversation)
    if known is not None and not known.closed:
        raise errors.bad("There is a connected conversation with this address already.", "conversation.already.active")
    if known is not None and not reopen and _inside(call, known):
        words = "There is a conversation with this address within its threading time; useExistingConversation joins it."
        raise errors.bad(words, "conversation.within.window", "/useExistingConversation")
    by = author(call.who.client_id, call.who.key.name)
    opening = Opening(attributes={"queueId": str(queue.id), "queueName": queue.name}, reopen=reopen)
    made = await call.desk.threads.inbox.open(call.account_id, entry.channel, to, by=by, opening=opening)
    return Reply(rich_wire.RichAnswer(id=str(made.id), self_uri=f"{PATH}/{made.id}"))


def _channel(call: Call, word: str, to: str, queue: str) -> ChannelEntry:
    """The channel that a queue sends on: the one whose inbox it is, else the first that can take the address."""
    mine = sorted(
        (e for e in call.desk.gateway.channels.all() if e.channel.account_id == call.account_id and e.channel.active),
        key=lambda e: e.channel.id,
    )
    networks = MESSENGERS[word]
    fitting = [e for n in networks for e in mine if e.network == n and not isinstance(e.kind.address(to, ""), Problem)]
    inboxes = {e.channel.id: call.desk.threads.inbox.channel_inbox(e.channel.id) for e in fitting}
    for entry in fitting:
        inbox = inboxes[entry.channel.id]
        if inbox is not None and str(inbox.queue_id) == queue:
            return entry
    if not fitting:
        raise errors.bad(f"The queue has no {word} channel that can reach this address.", field="/toAddress")
    return fitting[0]


def _inside(call: Call, known: Conversation) -> bool:
    """Whether a closed conversation would go on if its person wrote now."""
    inbox = call.desk.threads.inbox.channel_inbox(known.channel_id) or ChannelInbox()
    if known.closed_at is None:
        return False
    return (call.desk.gateway.clock.now() - known.closed_at).total_seconds() <= min(
        inbox.threading_time, THREADING_TIME
    )


# -- Without an agent -------------------------------------------------------------------------------------------------


async def agentless(call: Call) -> Reply:
    """Sends a message without an agent. A conversation that is begun by it ends with it, until the person answers."""
    assert call.who is not None
    given: AgentlessRequest = call.body(AgentlessRequest)
    word = messenger(given.to_address_messenger_type)
    if not given.to_address:
        raise errors.bad("toAddress is required.", field="/toAddress")
    content = text_of(given.text_body, given.messaging_template, word)
    entry = _sender(call, given.from_address, word)
    to = address(entry, given.to_address)
    inbox = call.desk.threads.inbox
    known = await inbox.find(entry.channel.id, person_of(to))
    joins = bool(given.use_existing_active_conversation)
    busy = known is not None and not known.closed and bool(known.live(Role.AGENT))
    if busy and not joins:
        words = "An agent has a conversation with this address; useExistingActiveConversation joins it."
        raise errors.bad(words, "conversation.already.active", "/useExistingActiveConversation")
    by = author(call.who.client_id, call.who.key.name)
    conversation = await inbox.open(call.account_id, entry.channel, to, by=by)
    try:
        item = await call.desk.threads.send(conversation, content, by, {})
    finally:
        if known is None or known.closed:
            await inbox.close(call.account_id, conversation.id, by=by)
    thread = shapes.Thread(conversation, [item], entry.network, entry.channel.name)
    identifier = shapes.message_id(item)
    return Reply(
        AgentlessAnswer(
            id=identifier,
            conversation_id=str(conversation.id),
            from_address=given.from_address,
            to_address=given.to_address,
            messenger_type=word,
            text_body=given.text_body,
            use_existing_active_conversation=joins,
            message=shapes.message(thread, item),
            timestamp=ids.iso(item.at),
            self_uri=f"{PATH}/agentless/{identifier}",
        )
    )


def _sender(call: Call, text: str, word: str) -> ChannelEntry:
    """The channel that a message leaves from. Raises `ApiError` (400)."""
    number = ids.channel_of(text)
    entry = call.desk.gateway.channels.by_id(number) if number is not None else None
    if entry is None:
        for network in MESSENGERS[word]:
            entry = entry or call.desk.gateway.channels.by_sender(call.account_id, network, text)
    if entry is None or entry.channel.account_id != call.account_id or (entry.network == "sms") != (word == "sms"):
        raise errors.bad("fromAddress is no integration or sender of this messenger type.", field="/fromAddress")
    return entry


EXAMPLE: Final[dict[str, Any]] = {
    "fromAddress": ids.of_channel(7),
    "toAddress": "+385991234501",
    "toAddressMessengerType": "open",
    "textBody": "Your order is on its way",
}

OPERATIONS: Final = (
    Operation(
        name="postConversationsMessagesAgentless",
        method="POST",
        path=f"{PATH}/agentless",
        handler=agentless,
        tag=TAG,
        summary="Send a message without an agent",
        scope=rights.MESSAGING_WRITE,
        every=("conversation:message:create",),
        needs=(CAPABILITY,),
        body=AgentlessRequest,
        answer=AgentlessAnswer,
        example=EXAMPLE,
        errors=(400,),
    ),
)
