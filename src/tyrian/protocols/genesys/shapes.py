"""From the inbox's conversations to the real API's: participants, communications, messages, their content. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tyrian.domain.content import Base, type_of
from tyrian.domain.conversation import By, Conversation, Ending, Event, Item, ItemKind, Leg, LegState, Role, State
from tyrian.protocols.genesys import shapes_wire as wire
from tyrian.protocols.genesys.ids import iso, of_channel
from tyrian.protocols.genesys.operation import V2

#: Whoever sends through the API is looked for by clients as an agent.
PURPOSES: Final = {
    Role.CUSTOMER: "customer",
    Role.QUEUE: "acd",
    Role.AGENT: "agent",
    Role.FLOW: "ivr",
    Role.API: "agent",
    Role.EXTERNAL: "external",
}
STATES: Final = {LegState.ALERTING: "alerting", LegState.CONNECTED: "connected", LegState.ENDED: "disconnected"}
ENDINGS: Final = {
    Ending.TRANSFER: "transfer",
    Ending.CLIENT: "client",
    Ending.SYSTEM: "system",
    Ending.PEER: "peer",
    Ending.TIMEOUT: "transfer.noanswer",
}
#: The guide's words for where a conversation stands.
CONVERSATIONS: Final = {State.OPEN: "Open", State.TRANSFERRED: "Transferred", State.CLOSED: "Closed"}
#: A message's status -> the API's.
STATUSES: Final = {
    "accepted": "queued",
    "scheduled": "queued",
    "sending": "queued",
    "sent": "sent",
    "delivered": "delivery-success",
    "seen": "read",
    "failed": "delivery-failed",
    "expired": "delivery-failed",
    "cancelled": "delivery-failed",
}
#: A message's status -> that of a normalized receipt.
RECEIPTS: Final = {"sent": "Sent", "delivered": "Delivered", "seen": "Read", "failed": "Failed", "expired": "Failed"}
#: Why a message failed -> the code of a receipt's reason.
REASONS: Final = {
    "session_closed": "MessageNotAllowed",
    "opted_out": "RecipientOptedOut",
    "blocked_by_user": "RecipientOptedOut",
    "not_a_viber_user": "InvalidDestination",
    "content_refused": "InvalidMessageStructure",
    "throttled": "RateLimited",
    "validity_passed": "MessageExpired",
}
MEDIA: Final = {"image": "Image", "video": "Video", "audio": "Audio", "file": "File"}
_VIBER: Final = ("viber", "viber_bot")
_EXTENSIONS: Final = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
                      "mp4": "video/mp4", "mp3": "audio/mpeg", "pdf": "application/pdf"}  # fmt: skip
#: Content types whose words are in another member than `text`.
_WORDS: Final = {"url": ("url",), "contact": ("name",), "location": ("address",)}
_TRANSFERS: Final = 20
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(slots=True)
class Thread:
    """A conversation with what is needed to show it. `network` is its channel's, `sender` the channel's name."""

    conversation: Conversation
    items: Sequence[Item]
    network: str
    sender: str

    @property
    def messenger(self) -> str:
        """The messenger type; Viber has none in the real API, and comes in through Open Messaging."""
        return "sms" if self.network == "sms" else "open"

    @property
    def outbound(self) -> bool:
        """Whether the business began it."""
        first = next((i for i in self.items if i.kind in (ItemKind.INBOUND, ItemKind.OUTBOUND)), None)
        return first is not None and first.kind is ItemKind.OUTBOUND

    @property
    def integration(self) -> str:
        """The id of its channel."""
        return of_channel(self.conversation.channel_id)


# -- Conversations ----------------------------------------------------------------------------------------------------


def message_conversation(thread: Thread) -> wire.MessageConversation:
    """A conversation as `/conversations/messages` shows it: without communication ids."""
    it = thread.conversation
    return wire.MessageConversation(
        id=str(it.id),
        name=it.name,
        participants=[_participant(thread, leg) for leg in it.legs],
        recent_transfers=_transfers(thread),
        last_message_date=iso(it.last_inbound_at) if it.last_inbound_at is not None else None,
        state=CONVERSATIONS[it.state],
        self_uri=f"{V2}/conversations/messages/{it.id}",
    )


def conversation(thread: Thread) -> wire.GenericConversation:
    """A conversation as `/conversations` shows it, where clients find the communication to send to."""
    it = thread.conversation
    return wire.GenericConversation(
        id=str(it.id),
        start_time=iso(it.opened_at),
        end_time=iso(it.closed_at) if it.closed and it.closed_at is not None else None,
        address=it.address,
        participants=[_generic(thread, leg) for leg in it.legs],
        recent_transfers=_transfers(thread),
        last_message_date=iso(it.last_inbound_at) if it.last_inbound_at is not None else None,
        state=CONVERSATIONS[it.state],
        self_uri=f"{V2}/conversations/{it.id}",
    )


def _times(leg: Leg) -> dict[str, str]:
    found = {"start_time": leg.started_at, "connected_time": leg.connected_at, "end_time": leg.ended_at}
    return {name: iso(at) for name, at in found.items() if at is not None}


def _attributes(thread: Thread, leg: Leg) -> dict[str, str]:
    """A leg's own attributes; the customer's are the conversation's, which stay through every transfer."""
    own = thread.conversation.attributes if leg.role is Role.CUSTOMER else {}
    return {**own, **leg.attributes}


def _participant(thread: Thread, leg: Leg) -> wire.Participant:
    it, to, own = thread.conversation, _person(thread), _business(thread)
    outbound = thread.outbound
    return wire.Participant(
        id=str(leg.id),
        name=leg.name or (it.name if leg.role is Role.CUSTOMER else None),
        address=it.address if leg.role is Role.CUSTOMER else None,
        purpose=PURPOSES[leg.role],
        state=STATES[leg.state],
        direction="outbound" if outbound else "inbound",
        disconnect_type=ENDINGS[leg.ending] if leg.ending is not None else None,
        user=_ref("users", leg) if leg.role is Role.AGENT else None,
        queue=_ref("routing/queues", leg) if leg.role is Role.QUEUE else None,
        attributes=_attributes(thread, leg),
        wrapup={"notes": leg.wrapup} if leg.wrapup else None,
        held=False,
        to_address=to if outbound else own,
        from_address=own if outbound else to,
        messages=_details(thread, leg),
        type=thread.messenger,
        **_times(leg),
    )


def _generic(thread: Thread, leg: Leg) -> wire.GenericParticipant:
    it = thread.conversation
    return wire.GenericParticipant(
        id=str(leg.id),
        purpose=PURPOSES[leg.role],
        participant_type="External" if leg.role is Role.CUSTOMER else "Internal",
        name=leg.name or (it.name if leg.role is Role.CUSTOMER else None),
        user_id=leg.who if leg.role is Role.AGENT else None,
        queue_id=leg.who if leg.role is Role.QUEUE else None,
        queue_name=leg.name if leg.role is Role.QUEUE else None,
        attributes=_attributes(thread, leg),
        wrapup={"notes": leg.wrapup} if leg.wrapup else None,
        messages=[_communication(thread, leg)],
        **_times(leg),
    )


def _communication(thread: Thread, leg: Leg) -> wire.Communication:
    outbound = thread.outbound
    to, own = _person(thread), _business(thread)
    return wire.Communication(
        id=str(leg.communication_id),
        state=STATES[leg.state],
        initial_state="alerting" if leg.role is Role.AGENT else "connected",
        direction="outbound" if outbound else "inbound",
        held=False,
        provider="Tyrian",
        type=thread.messenger,
        to_address=to if outbound else own,
        from_address=own if outbound else to,
        messages=_details(thread, leg),
        disconnect_type=ENDINGS[leg.ending] if leg.ending is not None else None,
        connected_time=iso(leg.connected_at) if leg.connected_at is not None else None,
        disconnected_time=iso(leg.ended_at) if leg.ended_at is not None else None,
        engagement_source="Viber" if thread.network in _VIBER else None,
    )


def _ref(kind: str, leg: Leg) -> wire.Ref:
    return wire.Ref(id=leg.who, name=leg.name, self_uri=f"{V2}/{kind}/{leg.who}")


def _person(thread: Thread) -> wire.Address:
    it = thread.conversation
    return wire.Address(
        name=it.name, address_normalized=it.address, address_raw=it.address, address_displayable=it.address
    )


def _business(thread: Thread) -> wire.Address:
    return wire.Address(name=thread.sender, address_normalized=thread.integration, address_raw=thread.integration)


def _details(thread: Thread, leg: Leg) -> list[wire.MessageDetails]:
    """A leg's messages: those of the person, or those that were written from it."""
    found = []
    for item in thread.items:
        theirs = item.kind is ItemKind.INBOUND and leg.role is Role.CUSTOMER
        if theirs or (item.kind is ItemKind.OUTBOUND and item.leg_id == leg.id):
            identifier = message_id(item)
            found.append(
                wire.MessageDetails(
                    message_id=identifier,
                    message_uri=_uri(thread, identifier),
                    message_status=status_of(item),
                    message_time=iso(item.at),
                )
            )
    return found


def _transfers(thread: Thread) -> list[wire.Transfer]:
    """The last transfers; the last of all is pending until its target has taken the conversation."""
    moved = [item for item in thread.items if item.event is Event.TRANSFERRED][-_TRANSFERS:]
    return [
        wire.Transfer(
            id=str(item.id),
            state="Pending" if thread.conversation.state is State.TRANSFERRED and item is moved[-1] else "Complete",
            date_issued=iso(item.at),
            initiator={"userId": item.author.id} if _is_uuid(item.author.id) else None,
            destination=_destination(item.data),
            transfer_type="Unattended",
        )
        for item in moved
    ]


def _destination(data: Mapping[str, Any]) -> dict[str, Any] | None:
    if data.get("agent_id"):
        return {"userId": data["agent_id"], "address": data["agent_id"]}
    address = data.get("queue_id") or data.get("channel") or data.get("external")
    return {"address": str(address)} if address else None


def _is_uuid(text: str | None) -> bool:
    return text is not None and _UUID.fullmatch(text) is not None


# -- Messages ---------------------------------------------------------------------------------------------------------


def message_id(item: Item) -> str:
    """The id by which a line is known: the message's, or that of the person's message."""
    return str(item.message_id or item.inbound_id or item.id)


def status_of(item: Item) -> str:
    """A line's status as the API tells it."""
    if item.kind is ItemKind.INBOUND:
        return "received"
    return STATUSES.get(item.status or "", "queued")


def _uri(thread: Thread, identifier: str) -> str:
    return f"{V2}/conversations/messages/{thread.conversation.id}/messages/{identifier}"


def message(thread: Thread, item: Item, *, shown: str | None = None, instruction: Any = None) -> wire.MessageData:
    """A message. `shown` is a status that is told in the place of its own."""
    inbound = item.kind is ItemKind.INBOUND
    identifier, business = message_id(item), thread.integration
    person = thread.conversation.address
    content = item.content
    return wire.MessageData(
        id=identifier,
        conversation_id=str(item.conversation_id),
        provider_message_id=item.provider_id,
        timestamp=iso(item.at),
        from_address=person if inbound else business,
        to_address=business if inbound else person,
        direction="inbound" if inbound else "outbound",
        messenger_type=thread.messenger,
        status=shown or status_of(item),
        text_body=text_of(content) if content is not None else "",
        normalized_message=normalized(thread, item),
        normalized_receipts=[] if inbound or shown else _receipts(item),
        created_by=_author(item),
        instruction=instruction,
        self_uri=_uri(thread, identifier),
    )


def _author(item: Item) -> wire.Ref | None:
    if item.author.kind is not By.AGENT or not _is_uuid(item.author.id):
        return None
    return wire.Ref(id=item.author.id, name=item.author.name, self_uri=f"{V2}/users/{item.author.id}")


def _receipts(item: Item) -> list[dict[str, Any]]:
    word = RECEIPTS.get(item.status or "")
    if word is None:
        return []
    made: dict[str, Any] = {"id": message_id(item), "type": "Receipt", "status": word, "direction": "Outbound"}
    if word == "Failed":
        code = REASONS.get(item.reason or "", "GeneralError")
        made["reasons"] = [{"code": code, "message": item.reason or "The message failed."}]
    made["isFinalReceipt"] = word in ("Read", "Failed")
    return [made]


def normalized(thread: Thread, item: Item) -> dict[str, Any]:
    """A message in the form of webhooks and reads."""
    inbound = item.kind is ItemKind.INBOUND
    clicked = pressed(thread.items, item) if inbound else None
    content = item.content
    assert content is not None
    made = body(content, alt=item.data.get("alt_text"), clicked=clicked)
    made["id"] = message_id(item)
    made["direction"] = "Inbound" if inbound else "Outbound"
    made["channel"] = channel(thread, item)
    if not inbound:
        made["originatingEntity"] = "Human" if item.author.kind is By.AGENT else "Bot"
    if item.data.get("metadata"):
        made["metadata"] = item.data["metadata"]
    return made


def channel(thread: Thread, item: Item) -> dict[str, Any]:
    """The envelope of a normalized message."""
    person: dict[str, Any] = {"id": thread.conversation.address, "idType": "Opaque"}
    if thread.conversation.name:
        person["nickname"] = thread.conversation.name
    business = {"id": thread.integration, "idType": "Opaque", "nickname": thread.sender}
    inbound = item.kind is ItemKind.INBOUND
    return {
        "id": thread.integration,
        "platform": "Sms" if thread.network == "sms" else "Open",
        "type": "Private",
        "messageId": item.provider_id or message_id(item),
        "to": business if inbound else person,
        "from": person if inbound else business,
        "time": iso(item.at),
    }


def body(content: Base, *, alt: str | None = None, clicked: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Type, text and content elements of a message; `clicked` is the button whose press it was."""
    if clicked is not None:
        return {"type": "Structured", "text": clicked["text"], "content": [_response(clicked)]}
    made: dict[str, Any] = {"type": "Text"}
    text, elements = text_of(content), _elements(content, alt)
    buttons = _buttons(content)
    if text:
        made["text"] = text
    if buttons:
        made["type"] = "Structured"
    if elements or buttons:
        made["content"] = [*elements, *buttons]
    return made


def _response(clicked: Mapping[str, Any]) -> dict[str, Any]:
    response = {"type": "QuickReply", "text": clicked["text"], "payload": clicked["payload"]}
    if clicked.get("message_id"):
        response["originatingMessageId"] = clicked["message_id"]
    return {"contentType": "ButtonResponse", "buttonResponse": response}


def _elements(content: Base, alt: str | None) -> list[dict[str, Any]]:
    kind, some = type_of(content), msgspec.to_builtins(content)
    if kind in MEDIA:
        mime = _EXTENSIONS.get(some["url"].split("?", 1)[0].rpartition(".")[2].lower())
        told = {"mime": mime, "text": alt, "filename": some.get("name")}
        attachment = {"mediaType": MEDIA[kind], "url": some["url"], **{n: v for n, v in told.items() if v}}
        if some.get("size"):
            attachment["contentSizeBytes"] = some["size"]
        return [{"contentType": "Attachment", "attachment": attachment}]
    if kind == "location":
        place = {name: some[name] for name in ("latitude", "longitude", "address") if name in some}
        return [{"contentType": "Location", "location": place}]
    return []


def _buttons(content: Base) -> list[dict[str, Any]]:
    """Quick replies have no links in Open Messaging: a link is a card's action."""
    keyboard = content.keyboard
    found: list[dict[str, Any]] = []
    for button in [*keyboard.buttons, *keyboard.default_buttons] if keyboard is not None else ():
        title = button.text or button.value
        if button.action == "open-url":
            action = {"type": "Link", "text": title, "url": button.value}
            found.append({"contentType": "Card", "card": {"title": title, "actions": [action]}})
        elif button.action == "reply":
            reply = {"text": title, "payload": button.value, "action": "Message"}
            found.append({"contentType": "QuickReply", "quickReply": reply})
    link = getattr(content, "button", None)
    if link is not None:
        action = {"type": "Link", "text": link.text, "url": link.url}
        found.append({"contentType": "Card", "card": {"title": link.text, "actions": [action]}})
    return found


def text_of(content: Base) -> str:
    """The words of a content."""
    for name in ("text", *_WORDS.get(type_of(content), ())):
        value = getattr(content, name, None)
        if isinstance(value, str) and value:
            return value
    return ""


def pressed(items: Sequence[Item], item: Item) -> dict[str, Any] | None:
    """The button whose press a person's message was, with the message that it belongs to; None for plain words.

    Told by the gateway where the button had a code; else by the last keyboards: Viber brings a press as a text.
    """
    button = item.data.get("button")
    if isinstance(button, dict) and button.get("known"):
        text = button.get("text") or button.get("value") or ""
        payload = button.get("value") or button.get("code") or ""
        return {"text": text, "payload": payload, "message_id": str(button.get("message_id") or "")}
    said = getattr(item.content, "text", None) if item.content is not None else None
    if not said:
        return None
    for earlier in reversed([i for i in items if i.kind is ItemKind.OUTBOUND and i.at <= item.at]):
        keyboard = earlier.content.keyboard if earlier.content is not None else None
        for shown in [*keyboard.buttons, *keyboard.default_buttons] if keyboard is not None else ():
            if shown.action == "reply" and shown.value == said:
                return {"text": shown.text or said, "payload": said, "message_id": message_id(earlier)}
    return None
