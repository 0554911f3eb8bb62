"""Lines of a thread as messages of this API. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tyrian.domain.conversation import By, Conversation, Item, ItemKind, Role
from tyrian.domain.reasons import REASONS
from tyrian.protocols.genesys import ids
from tyrian.protocols.genesys.conversation_content import normalized as content_parts, words_of
from tyrian.protocols.genesys.message_wire import (
    Address,
    ButtonResponse,
    Element,
    Entity,
    MessageChannel,
    MessageData,
    MessageDetails,
    MessageMetadata,
    MetadataContent,
    NormalizedMessage,
    Person,
    Reason,
)
from tyrian.protocols.genesys.operation import V2

SMS: Final = "sms"
OPEN: Final = "open"
_SOURCES: Final = {"viber": "Viber", "viber_bot": "Viber", SMS: "SMS"}
_PLATFORMS: Final = {SMS: "Sms", OPEN: "Open"}
_PHONE: Final = re.compile(r"\+?\d{6,15}")

#: A message's status -> the API's. What has no other word is still on its way.
STATUSES: Final = {
    "accepted": "queued",
    "scheduled": "queued",
    "sending": "queued",
    "sent": "sent",
    "delivered": "delivery-success",
    "seen": "read",
    "failed": "delivery-failed",
    "expired": "delivery-failed",
    "cancelled": "failed",
}
#: The API's status -> a receipt's, and whether no other follows.
_RECEIPTS: Final = {
    "sent": ("Sent", False),
    "delivery-success": ("Delivered", False),
    "read": ("Read", True),
    "delivery-failed": ("Failed", True),
    "failed": ("Failed", True),
}
#: Reason words -> the codes of receipts; any other is a `GeneralError`.
REASON_CODES: Final = {
    "validity_passed": "MessageExpired",
    "network_expired": "MessageExpired",
    "session_closed": "MessageNotAllowed",
    "awaiting_reply": "MessageNotAllowed",
    "not_permitted": "MessageNotAllowed",
    "quiet_hours": "MessageNotAllowed",
    "frequency_cap": "MessageNotAllowed",
    "throttled": "RateLimited",
    "opted_out": "RecipientOptedOut",
    "no_opt_in": "RecipientOptedOut",
    "suppressed": "RecipientOptedOut",
    "blocked_by_user": "RecipientOptedOut",
    "not_subscribed": "RecipientOptedOut",
    "not_a_viber_user": "InvalidDestination",
    "invalid_recipient": "InvalidDestination",
    "unknown_recipient": "InvalidDestination",
    "unreachable_recipient": "InvalidDestination",
    "content_refused": "InvalidMessageStructure",
    "media_unreachable": "InvalidMessageStructure",
    "media_unfit": "MediaTypeNotAllowed",
    "template_refused": "InvalidMessageStructure",
    "no_suitable_device": "UnsupportedMessage",
    "provider_error": "ServerError",
    "provider_unreachable": "ServerError",
    "provider_garbage": "ServerError",
}


@dataclass(slots=True)
class Thread:
    """A conversation with the lines that it is shown with. `network` is its channel's.

    `sender` is the channel's name, `number` the number that it sends from, where its addresses are numbers.
    """

    conversation: Conversation
    items: Sequence[Item]
    network: str
    sender: str
    number: str | None = None

    @property
    def integration(self) -> str:
        """The id of its channel."""
        return ids.of_channel(self.conversation.channel_id)

    @property
    def messenger(self) -> str:
        """The messenger type; Viber has none in the real API, where it comes through Open Messaging."""
        return messenger_of(self.network)

    @property
    def address(self) -> str:
        """Our address: a number for SMS, else the channel's id."""
        return self.number or self.sender if self.messenger == SMS else self.integration

    @property
    def source(self) -> str:
        """What the API calls the network."""
        return _SOURCES.get(self.network, "OpenMessaging")

    @property
    def outbound(self) -> bool:
        """Whether we began it rather than the person."""
        it = self.conversation
        return any(leg.role is Role.API and leg.started_at == it.opened_at for leg in it.legs)


def messenger_of(network: str) -> str:
    """The messenger type of a network: SMS is its own, all others are open messaging."""
    return SMS if network == SMS else OPEN


def addresses(thread: Thread, *, outbound: bool) -> tuple[Address, Address]:
    """From and to."""
    it = thread.conversation
    ours = Address(name=thread.sender, address_normalized=thread.address, address_raw=thread.address)
    theirs = Address(name=it.name, address_normalized=it.address, address_raw=it.address)
    return (ours, theirs) if outbound else (theirs, ours)


# -- One message ------------------------------------------------------------------------------------------------------


def is_message(item: Item) -> bool:
    """Whether a line is a message, of the person or to them."""
    return item.kind in (ItemKind.INBOUND, ItemKind.OUTBOUND)


def id_of(item: Item) -> str:
    """The id of a line's message: the gateway's own, by which every other API knows it too."""
    return str(item.message_id or item.inbound_id or item.id)


def status_of(item: Item) -> str:
    """The status of a line's message."""
    if item.kind is ItemKind.INBOUND:
        return "received"
    return STATUSES.get(item.status or "", "queued")


def pressed(items: Sequence[Item], item: Item) -> ButtonResponse | None:
    """The button whose press a person's message was, with the message that it belongs to; None for plain words.

    Told by the gateway where the button had a code; else by the last keyboards: Viber brings a press as a text.
    """
    if item.kind is not ItemKind.INBOUND:
        return None
    button = item.data.get("button")
    if isinstance(button, dict) and button.get("known"):
        value, origin = str(button.get("value") or button.get("code") or ""), button.get("message_id")
        return _response(str(button.get("text") or value), value, str(origin) if origin else None)
    said = getattr(item.content, "text", None)
    return _on_keyboards(items, item, said) if said else None


def _on_keyboards(items: Sequence[Item], item: Item, said: str) -> ButtonResponse | None:
    for earlier in reversed([i for i in items if i.kind is ItemKind.OUTBOUND and i.at <= item.at]):
        keyboard = earlier.content.keyboard if earlier.content is not None else None
        for shown in [*keyboard.buttons, *keyboard.default_buttons] if keyboard is not None else ():
            if shown.action == "reply" and shown.value == said:
                return _response(shown.text or said, said, id_of(earlier))
    return None


def _response(text: str, payload: str, origin: str | None) -> ButtonResponse:
    return ButtonResponse(type="QuickReply", text=text, payload=payload, originating_message_id=origin)


def uri_of(thread: Thread, item: Item) -> str:
    """The address of a message."""
    return f"{V2}/conversations/messages/{thread.conversation.id}/messages/{id_of(item)}"


def details(thread: Thread, item: Item) -> MessageDetails:
    """A message as it stands beside who wrote it."""
    kind, _, elements = _parts(thread, item)
    content = [
        MetadataContent(
            content_type=element.content_type,
            sub_type=element.attachment.media_type if element.attachment is not None else None,
        )
        for element in elements
    ]
    return MessageDetails(
        message_id=id_of(item),
        message_uri=uri_of(thread, item),
        message_status=status_of(item),
        message_time=ids.iso(item.at),
        message_metadata=MessageMetadata(type=kind, content=content),
    )


def message(
    thread: Thread, item: Item, *, shown: str | None = None, instruction: Any = None, legacy: bool = True
) -> MessageData:
    """A message whole. `shown` is a status that is told in the place of its own.

    `legacy`: with `textBody`, which releases before 258 of the SDKs must have.
    """
    outbound = item.kind is ItemKind.OUTBOUND
    ours, theirs = thread.address, thread.conversation.address
    author = item.author
    human = outbound and author.kind is By.AGENT and author.id is not None
    return MessageData(
        id=id_of(item),
        conversation_id=str(item.conversation_id),
        provider_message_id=item.provider_id,
        timestamp=ids.iso(item.at),
        from_address=ours if outbound else theirs,
        to_address=theirs if outbound else ours,
        direction="outbound" if outbound else "inbound",
        messenger_type=thread.messenger,
        status=shown or status_of(item),
        text_body=words_of(item.content) if legacy else None,
        normalized_message=_normalized(thread, item),
        normalized_receipts=_receipts(thread, item) if shown is None else [],
        created_by=user(str(author.id), author.name) if human else None,
        instruction=instruction,
        self_uri=uri_of(thread, item),
    )


def user(identifier: str, name: str | None) -> Entity:
    """A user by their id."""
    return Entity(id=identifier, name=name, self_uri=f"{V2}/users/{identifier}")


def normalized(thread: Thread, item: Item) -> dict[str, Any]:
    """A message in the form of webhooks and reads, as plain data."""
    made: dict[str, Any] = msgspec.to_builtins(_normalized(thread, item))
    return made


def _parts(thread: Thread, item: Item) -> tuple[str, str | None, list[Element]]:
    return content_parts(item.content, alt=item.data.get("alt_text"), pressed=pressed(thread.items, item))


def _normalized(thread: Thread, item: Item) -> NormalizedMessage:
    kind, text, elements = _parts(thread, item)
    outbound = item.kind is ItemKind.OUTBOUND
    entity = ("Human" if item.author.kind is By.AGENT else "Bot") if outbound else None
    return NormalizedMessage(
        id=id_of(item),
        channel=_channel(thread, item),
        type=kind,
        text=text,
        content=elements,
        originating_entity=entity,
        direction="Outbound" if outbound else "Inbound",
        metadata=item.data.get("metadata") or {},
    )


def _receipts(thread: Thread, item: Item) -> list[NormalizedMessage]:
    status, final = _RECEIPTS.get(status_of(item), (None, False))
    if status is None or item.kind is not ItemKind.OUTBOUND:
        return []
    return [
        NormalizedMessage(
            id=id_of(item),
            channel=_channel(thread, item),
            type="Receipt",
            status=status,
            reasons=_reasons(item.reason) if status == "Failed" else [],
            is_final_receipt=final,
            direction="Outbound",
        )
    ]


def _reasons(word: str | None) -> list[Reason]:
    code = REASON_CODES.get(word or "", "GeneralError")
    return [Reason(code=code, message=REASONS.get(word or "", "The message was not delivered."))]


def _channel(thread: Thread, item: Item) -> MessageChannel:
    it = thread.conversation
    phone = _PHONE.fullmatch(it.address) is not None
    theirs = Person(id=it.address, id_type="Phone" if phone else "Opaque", nickname=it.name)
    ours = Person(id=thread.address, id_type="Phone" if thread.messenger == SMS else "Opaque", nickname=thread.sender)
    outbound = item.kind is ItemKind.OUTBOUND
    return MessageChannel(
        id=thread.integration,
        platform=_PLATFORMS[thread.messenger],
        type="Private",
        message_id=item.provider_id or id_of(item),
        to=theirs if outbound else ours,
        from_=ours if outbound else theirs,
        time=ids.iso(item.at),
    )
