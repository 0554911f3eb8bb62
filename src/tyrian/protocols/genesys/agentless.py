"""Messages sent without an agent: nobody holds the conversation afterwards, unless somebody did before."""

from typing import Final

from tyrian.domain.content import Content
from tyrian.domain.conversation import Conversation, Item, Role
from tyrian.domain.problem import Problem, Refused
from tyrian.domain.submission import Plan, Step
from tyrian.engine.channel_entry import ChannelEntry
from tyrian.engine.checking import check_plan, check_recipient
from tyrian.protocols.genesys import errors, ids
from tyrian.protocols.genesys.conversation_content_of import content_of
from tyrian.protocols.genesys.conversation_desk import channel_of_sender, inbox_of, messenger, program, thread
from tyrian.protocols.genesys.conversation_requests import SendAgentless
from tyrian.protocols.genesys.conversations import placed
from tyrian.protocols.genesys.message_wire import Entity, MessageData, Wire
from tyrian.protocols.genesys.operation import V2, Call, Reply
from tyrian.protocols.genesys.shapes import message

#: Where steps of a plan are told of -> the members of the request.
_PLACES: Final = {"/cascade/0": "", "/to": "/toAddress"}


class Sent(Wire, kw_only=True):
    """A message that was taken. `text_body` is what releases before 258 of the SDKs read."""

    id: str
    conversation_id: str
    from_address: str
    to_address: str
    messenger_type: str
    use_existing_active_conversation: bool
    text_body: str | None = None
    message: MessageData
    timestamp: str
    user: Entity | None = None
    self_uri: str


async def send(call: Call) -> Reply:
    """Sends a message, and shows it in the person's conversation, which is closed unless it was open before."""
    asked: SendAgentless = call.body(SendAgentless)
    kind, sender, to = _checked(asked)
    entry = channel_of_sender(call, kind, sender)
    content = await content_of(call, kind, asked.text_body, None, asked.messaging_template)
    await _must_be_free(call, entry, asked, to)
    item = await _sent(call, entry, content, to)
    conversation = await inbox_of(call).get(call.account_id, item.conversation_id)
    assert conversation is not None
    return Reply(_answer(call, asked, conversation, item))


def _checked(asked: SendAgentless) -> tuple[str, str, str]:
    """Messenger type, from- and to-address. Raises `ApiError` (400)."""
    needed = {
        "fromAddress": asked.from_address,
        "toAddress": asked.to_address,
        "toAddressMessengerType": asked.to_address_messenger_type,
    }
    found = [Problem(f"/{name}", "is required", "required") for name, value in needed.items() if not value]
    if found:
        raise errors.wrong(found)
    return messenger(asked.to_address_messenger_type), asked.from_address or "", asked.to_address or ""


async def _must_be_free(call: Call, entry: ChannelEntry, asked: SendAgentless, to: str) -> None:
    """Refuses to write into what an agent has, unless that is asked for. Raises `ApiError` (400)."""
    known = await inbox_of(call).find(entry.channel.id, to)
    if known is not None and known.live(Role.AGENT) and asked.use_existing_active_conversation is not True:
        words = "An agent has a conversation with this address; useExistingActiveConversation writes into it."
        raise errors.bad(words, field="/useExistingActiveConversation")


async def _sent(call: Call, entry: ChannelEntry, content: Content, to: str) -> Item:
    """Sends it; nothing is kept of one that is refused. Raises `ApiError` (400)."""
    gateway, account_id = call.desk.gateway, call.account_id
    plan = Plan(cascade=[Step(channel=entry.channel.name, content=content)])
    found = check_plan(gateway.channels, account_id, plan, now=gateway.clock.now())
    found += check_recipient(gateway.channels, account_id, plan, to, "/to")
    try:
        if found:
            raise Refused(found)
        return await inbox_of(call).send_alone(account_id, entry.channel, to, content, by=program(call))
    except Refused as refused:
        raise errors.wrong([_moved(problem, content) for problem in refused.problems]) from refused


def _moved(problem: Problem, content: Content) -> Problem:
    for place, ours in _PLACES.items():
        if problem.pointer.startswith(place):
            problem = problem._replace(pointer=ours + problem.pointer.removeprefix(place))
    return placed(problem, content)


def _answer(call: Call, asked: SendAgentless, conversation: Conversation, item: Item) -> Sent:
    ours = thread(call, conversation, [item])
    legacy = call.flag("useNormalizedMessage") is not True
    return Sent(
        id=str(item.message_id),
        conversation_id=str(conversation.id),
        from_address=asked.from_address or "",
        to_address=asked.to_address or "",
        messenger_type=ours.messenger,
        use_existing_active_conversation=asked.use_existing_active_conversation is True,
        text_body=asked.text_body if legacy else None,
        message=message(ours, item, legacy=legacy),
        timestamp=ids.iso(item.at),
        self_uri=f"{V2}/conversations/messages/agentless/{item.message_id}",
    )
