"""What middlewares bring to an Open Messaging integration: `/conversations/messages/{integrationId}/inbound/open`."""

import asyncio
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from tyrian.engine.channel_entry import ChannelEntry
from tyrian.engine.reacting import person_of
from tyrian.protocols.genesys import errors, open_reading as reading, rights
from tyrian.protocols.genesys.open_config import KIND, facts_of
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply

TAG: Final = "Open Messaging: inbound"
PATH: Final = f"{V2}/conversations/messages/{{integrationId}}/inbound/open"
OLD: Final = f"{V2}/conversations/messages/inbound/open"
#: Looks for the conversation that a message went into, and seconds between them.
_LOOKS: Final = 200
_BETWEEN: Final = 0.01


class NormalizedMessage(Struct, rename={"is_final_receipt": "isFinalReceipt", "conversation_id": "conversationId"}):
    """A message, receipt or event in the normalized form, as it is answered."""

    channel: dict[str, Any]
    type: str
    direction: str
    id: str | None = None
    text: str | None = None
    content: list[dict[str, Any]] | None = None
    events: list[dict[str, Any]] | None = None
    metadata: dict[str, str] | None = None
    status: str | None = None
    reasons: list[dict[str, str]] | None = None
    is_final_receipt: bool | None = None
    conversation_id: str | None = None


class OldMessage(Struct, rename="camel"):
    """What the deprecated operation takes: any of the others' bodies, with its `type` and its integration."""

    channel: dict[str, Any]
    type: str


async def message(call: Call) -> Reply:
    """Takes a person's message in. A repeat of its `messageId` is answered like the first and changes nothing."""
    return await _message(call, _entry(call))


async def _message(call: Call, entry: ChannelEntry) -> Reply:
    prefetch = call.flag("prefetchConversationId")
    given = call.body(reading.InboundMessage)
    return await _take(call, entry, reading.message(given, facts_of(entry.channel), call.raw), prefetch=bool(prefetch))


async def response(call: Call) -> Reply:
    """Takes a press of a button in. The person must have a conversation."""
    return await _response(call, _entry(call))


async def _response(call: Call, entry: ChannelEntry) -> Reply:
    given: reading.InboundResponse = call.body(reading.InboundResponse)
    taken = reading.response(given, facts_of(entry.channel), call.raw)
    inbox = call.desk.gateway.inbox
    if inbox is not None and await inbox.find(entry.channel.id, person_of(taken.person)) is None:
        words = "A structured response must belong to a conversation, and this person has none here."
        raise errors.bad(words, field="/channel/from/id")
    return await _take(call, entry, taken)


async def receipt(call: Call) -> Reply:
    """Takes a receipt in. One about a message that nobody knows is kept for a while, and then forgotten."""
    return await _receipt(call, _entry(call))


async def _receipt(call: Call, entry: ChannelEntry) -> Reply:
    given: reading.InboundReceipt = call.body(reading.InboundReceipt)
    return await _take(call, entry, reading.receipt(given, facts_of(entry.channel), call.raw))


async def event(call: Call) -> Reply:
    """Takes events: that a person types. Who watches the inbox is told, where the setting says so; nothing is kept."""
    return await _event(call, _entry(call))


async def _event(call: Call, entry: ChannelEntry) -> Reply:
    return await _take(call, entry, reading.event(call.body(reading.InboundEvent), facts_of(entry.channel)))


async def old(call: Call) -> Reply:
    """Takes any of these, as clients of the deprecated operation send them."""
    given: OldMessage = call.body(OldMessage)
    handler = _OLD.get(given.type.lower())
    if handler is None:
        words = f"/type is {given.type[:64]!r}, and must be one of Text, Structured, Receipt, Event"
        raise errors.bad(words, "invalid.value", "/type")
    return await handler(call, _named(call, given.channel))


_OLD: Final = {"text": _message, "structured": _response, "receipt": _receipt, "event": _event}


def _named(call: Call, channel: dict[str, Any]) -> ChannelEntry:
    """The integration that a body names: its own id, or that of either side. Raises `ApiError` (404)."""
    sides = [channel.get("to"), channel.get("from")]
    named = [channel.get("id"), *(side.get("id") for side in sides if isinstance(side, dict))]
    for identifier in named:
        found = _find(call, identifier) if isinstance(identifier, str) else None
        if found is not None:
            return found
    raise errors.not_found("The integration")


def _find(call: Call, identifier: str) -> ChannelEntry | None:
    try:
        return integration(call, identifier)
    except errors.ApiError:
        return None


def _entry(call: Call) -> ChannelEntry:
    return integration(call, call.path["integrationId"])


def integration(call: Call, identifier: str) -> ChannelEntry:
    """The account's Open Messaging integration of an id. Raises `ApiError` (404)."""
    entry = call.desk.integrations.entry(call.account_id, identifier)
    if entry.channel.kind != KIND:
        raise errors.not_found(f"The integration {identifier}")
    return entry


# -- Committing -------------------------------------------------------------------------------------------------------


async def _take(call: Call, entry: ChannelEntry, taken: reading.Taken, *, prefetch: bool = False) -> Reply:
    """Commits what was brought, and answers."""
    gateway, answer = call.desk.gateway, taken.answer
    if taken.receipts:
        await gateway.receipts.submit(entry.channel.id, taken.receipts)
    if taken.typing is not None and gateway.inbox is not None:
        await gateway.inbox.typing(entry.channel, taken.typing)
    if taken.first is None:
        return Reply(answer)
    await gateway.inbound.submit(entry.channel, taken.messages)
    stored = await gateway.inbound.ids(entry.channel, [taken.first])
    identifier = stored[taken.first]
    answer["id"] = str(identifier)
    if prefetch or taken.attributes:
        conversation = await _conversation(call, identifier)
        if conversation is not None:
            answer["conversationId"] = str(conversation)
            if taken.attributes:
                await gateway.inbox.set_attributes(call.account_id, conversation, taken.attributes)
    return Reply(answer)


async def _conversation(call: Call, identifier: UUID) -> UUID | None:
    """The conversation that a message went into; None if the channel has no inbox, or it takes too long."""
    inbox = call.desk.gateway.inbox
    for _ in range(_LOOKS if inbox is not None else 0):
        item = await inbox.find_item(call.account_id, identifier)
        if item is not None:
            found: UUID = item.conversation_id
            return found
        await asyncio.sleep(_BETWEEN)
    return None


_ROW: Final[dict[str, Any]] = {
    "method": "POST",
    "tag": TAG,
    "scope": rights.MESSAGING_WRITE,
    "every": ("conversation:message:receive",),
    "answer": NormalizedMessage,
    "errors": (400, 404),
}
_CHANNEL: Final = {
    "messageId": "m-1",
    "time": "2026-11-21T12:00:00.000Z",
    "from": {"id": "customer-7", "idType": "Opaque", "nickname": "Ana"},
}

OPERATIONS: Final = (
    Operation(
        name="postInboundOpenMessage",
        path=f"{PATH}/message",
        handler=message,
        summary="Bring a person's message",
        body=reading.InboundMessage,
        example={"channel": _CHANNEL, "text": "Where is my order?"},
        query={"prefetchConversationId": ("boolean", "Whether to tell the conversation's id.")},
        **_ROW,
    ),
    Operation(
        name="postInboundOpenReceipt",
        path=f"{PATH}/receipt",
        handler=receipt,
        summary="Tell what became of a message",
        body=reading.InboundReceipt,
        example={
            "id": "018f2b6e-7a11-7c10-8f00-000000000001",
            "channel": {"to": {"id": "customer-7"}, "time": "2026-11-21T12:00:05.000Z"},
            "status": "Delivered",
            "isFinalReceipt": True,
        },
        **_ROW,
    ),
    Operation(
        name="postInboundOpenEvent",
        path=f"{PATH}/event",
        handler=event,
        summary="Tell that a person types",
        body=reading.InboundEvent,
        example={"channel": _CHANNEL, "events": [{"eventType": "Typing"}]},
        **_ROW,
    ),
    Operation(
        name="postInboundOpenStructuredResponse",
        path=f"{PATH}/structured/response",
        handler=response,
        summary="Bring a press of a button",
        body=reading.InboundResponse,
        example={
            "channel": _CHANNEL,
            "buttonResponse": {"type": "QuickReply", "text": "Prices", "payload": "VIEW_PRICES"},
            "originatingMessageId": "018f2b6e-7a11-7c10-8f00-000000000001",
        },
        **_ROW,
    ),
    Operation(
        name="postInboundOpen",
        path=OLD,
        handler=old,
        summary="Any of these, as one operation (deprecated)",
        body=OldMessage,
        example={"type": "Text", "channel": {**_CHANNEL, "to": {"id": "an integration's id"}}, "text": "Hello"},
        **_ROW,
    ),
)
