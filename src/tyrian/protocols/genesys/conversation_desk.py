"""What the operations of conversations share: looking them up, who acts, which channel is meant."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from tyrian.domain.conversation import Author, By, Conversation, Item, Leg, Role
from tyrian.domain.problem import Problem
from tyrian.engine.channel_entry import ChannelEntry
from tyrian.engine.inbox_port import Inbox
from tyrian.protocols.genesys import errors, ids
from tyrian.protocols.genesys.operation import Call
from tyrian.protocols.genesys.shapes import OPEN, SMS, Thread, messenger_of
from tyrian.protocols.genesys.threads import author

#: Lines of a thread that a conversation is shown with: messages and transfers before them are read one by one.
MOST_ITEMS: Final = 500
#: The messenger types of this API that a channel can be.
MESSENGERS: Final = (OPEN, SMS)
#: Those that the API knows besides; none of them is a channel here.
OTHERS: Final = ("whatsapp", "webmessaging", "apple")


def inbox_of(call: Call) -> Inbox:
    """The inbox of the gateway."""
    inbox: Inbox = call.desk.gateway.inbox
    return inbox


# -- Looking up -------------------------------------------------------------------------------------------------------


async def conversation_of(call: Call, code: str = "not.found") -> Conversation:
    """The conversation of the path. Raises `ApiError` (404)."""
    found = await inbox_of(call).get(call.account_id, call.uuid("conversationId", "The conversation", code))
    if found is None:
        raise errors.not_found(f"The conversation {call.path['conversationId']}", code)
    return found


def participant_of(call: Call, conversation: Conversation) -> Leg:
    """The participant of the path. Raises `ApiError` (404)."""
    identifier = call.uuid("participantId", "The participant")
    found = next((leg for leg in conversation.legs if leg.id == identifier), None)
    if found is None:
        raise errors.not_found(f"The participant {identifier}")
    return found


def communication_of(call: Call, legs: Iterable[Leg]) -> Leg:
    """The leg whose communication the path names. Raises `ApiError` (404)."""
    identifier = call.uuid("communicationId", "The communication")
    found = next((leg for leg in legs if leg.communication_id == identifier), None)
    if found is None:
        raise errors.not_found(f"The communication {identifier}")
    return found


async def item_of(call: Call, identifier: UUID) -> Item | None:
    """The line of a message."""
    found = await inbox_of(call).find_item(call.account_id, identifier)
    return found if found is not None and (found.message_id or found.inbound_id) else None


def thread(call: Call, conversation: Conversation, items: Sequence[Item] = ()) -> Thread:
    """A conversation with lines of it."""
    entry = call.desk.gateway.channels.by_id(conversation.channel_id)
    if entry is None:
        return Thread(conversation, items, "", "")
    return Thread(conversation, items, entry.network, entry.channel.name, entry.sender)


# -- Who --------------------------------------------------------------------------------------------------------------


def program(call: Call) -> Author:
    """The client itself."""
    assert call.who is not None
    return author(call.who.client_id, call.who.key.name)


def author_of(call: Call, leg: Leg) -> Author:
    """Who acts by a leg: its agent, whom the client stands for, or the client itself."""
    if leg.role is Role.AGENT and leg.who is not None:
        return Author(By.AGENT, leg.who, leg.name)
    return program(call)


# -- Where ------------------------------------------------------------------------------------------------------------


def messenger(given: str | None, at: str = "/toAddressMessengerType") -> str:
    """A messenger type that channels here can be. Raises `ApiError` (400)."""
    if not given:
        raise errors.wrong([Problem(at, "is required", "required")])
    name = given.lower()
    if name in MESSENGERS:
        return name
    listed = ", ".join(MESSENGERS)
    if name in OTHERS:
        raise errors.bad(f'{at} "{name}" is not served here; there is {listed}', field=at)
    raise errors.bad(f'{at} "{given[:40]}" is none of the allowed values: {listed}', "invalid.value", at)


def channels_of(call: Call, kind: str | None = None) -> list[ChannelEntry]:
    """The account's channels that conversations can be on, oldest first, of one messenger type or of all."""
    mine = (e for e in call.desk.gateway.channels.all() if e.channel.account_id == call.account_id)
    fit = (e for e in mine if e.group is None and kind in (None, messenger_of(e.network)))
    return sorted(fit, key=lambda e: e.channel.id)


def channel_of_queue(call: Call, queue_id: UUID, kind: str, to: str) -> ChannelEntry:
    """The channel that a queue sends from: of those whose inbox leads into it, the first that can reach the address.

    A queue that no channel of the type leads into sends from the account's only one. Raises `ApiError` (400).
    """
    inbox = inbox_of(call)
    every = channels_of(call, kind)
    mine = [e for e in every if (found := inbox.channel_inbox(e.channel.id)) is not None and found.queue_id == queue_id]
    candidates = mine or (every if len(every) == 1 else [])
    if not candidates:
        raise errors.bad(f'The queue has no outbound address of the type "{kind}".', field="/queueId")
    refusals = []
    for entry in candidates:
        spelled = entry.kind.address(to, "/toAddress")
        if not isinstance(spelled, Problem):
            return entry
        refusals.append(spelled)
    raise errors.wrong(refusals[:1])


def channel_of_sender(call: Call, kind: str, sender: str) -> ChannelEntry:
    """The channel that a from-address means: its id, its name, or its sender. Raises `ApiError` (400)."""
    number, plain = ids.channel_of(sender), sender.removeprefix("+")
    for entry in channels_of(call, kind):
        known = {name.removeprefix("+") for name in (entry.sender, *entry.senders) if name}
        if entry.channel.id == number or entry.channel.name == sender or plain in known:
            return entry
    raise errors.bad(f'fromAddress names no channel of the type "{kind}"', field="/fromAddress")
