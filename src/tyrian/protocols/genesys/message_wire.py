"""What messages look like on the wire (models of the SDKs, release 269): answers. Nothing is ever null.

An SDK of the vendor's own refuses a null, and loses any value that its release does not know, where a field is an
enumeration. So what is not known is left out, and `domain` words are translated into known ones alone.
"""

from typing import Any

from msgspec import Struct, field


def _message() -> str:
    """The one action of a quick reply: a value that is shown though it is the usual one."""
    return "Message"


class Wire(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What all have in common."""


class Entity(Wire, kw_only=True):
    """Something by its id."""

    id: str
    name: str | None = None
    self_uri: str | None = None


class Address(Wire, kw_only=True):
    """One side of a conversation."""

    name: str | None = None
    name_raw: str | None = None
    address_normalized: str
    address_raw: str
    address_displayable: str | None = None


class Wrapup(Wire, kw_only=True):
    """What an agent noted at the end."""

    code: str | None = None
    notes: str | None = None


# -- Messages ---------------------------------------------------------------------------------------------------------


class Attachment(Wire, kw_only=True):
    """A file by its URL."""

    media_type: str
    url: str | None = None
    mime: str | None = None
    text: str | None = None
    filename: str | None = None
    content_size_bytes: int | None = None


class QuickReply(Wire, kw_only=True):
    """A button that answers."""

    text: str
    payload: str
    action: str = field(default_factory=_message)


class ButtonResponse(Wire, kw_only=True):
    """A button that was pressed."""

    type: str
    text: str
    payload: str
    originating_message_id: str | None = None


class CardAction(Wire, kw_only=True):
    """What a card's button does: `Link` or `Postback`."""

    type: str
    text: str
    payload: str | None = None
    url: str | None = None


class Card(Wire, kw_only=True):
    """A title with buttons."""

    title: str
    actions: list[CardAction]
    image: str | None = None


class Carousel(Wire, kw_only=True):
    """Cards side by side."""

    cards: list[Card]


class Place(Wire, kw_only=True):
    """A place, in degrees."""

    latitude: float
    longitude: float
    address: str | None = None


class Parameter(Wire, kw_only=True):
    """A value in a template."""

    name: str
    text: str


class TemplateBody(Wire, kw_only=True):
    """The words of a template."""

    text: str | None = None
    parameters: list[Parameter] = []


class Template(Wire, kw_only=True):
    """A text registered beforehand."""

    id: str
    language: str | None = None
    body: TemplateBody


class Element(Wire, kw_only=True):
    """One part of a message. The member is named for `content_type`, but for `Notification` (`template`)."""

    content_type: str
    attachment: Attachment | None = None
    quick_reply: QuickReply | None = None
    button_response: ButtonResponse | None = None
    card: Card | None = None
    carousel: Carousel | None = None
    location: Place | None = None
    template: Template | None = None


class Person(Wire, kw_only=True):
    """A sender or a recipient within a normalized message."""

    id: str
    id_type: str
    nickname: str | None = None


class MessageChannel(Wire, kw_only=True):
    """Where a normalized message went, and when."""

    id: str
    platform: str
    type: str
    message_id: str | None = None
    to: Person
    from_: Person = field(name="from")
    time: str


class Reason(Wire, kw_only=True):
    """Why a message was not delivered."""

    code: str
    message: str


class NormalizedMessage(Wire, kw_only=True):
    """A message, or a receipt of one, in the form that is the same for every platform."""

    id: str
    channel: MessageChannel
    type: str
    text: str | None = None
    content: list[Element] = []
    status: str | None = None
    reasons: list[Reason] = []
    originating_entity: str | None = None
    is_final_receipt: bool | None = None
    direction: str
    metadata: dict[str, str] = {}


class MessageData(Wire, kw_only=True):
    """One message of a conversation. `text_body` is what releases before 258 read."""

    id: str
    conversation_id: str
    provider_message_id: str | None = None
    timestamp: str
    from_address: str
    to_address: str
    direction: str
    messenger_type: str
    status: str
    text_body: str | None = None
    normalized_message: NormalizedMessage
    normalized_receipts: list[NormalizedMessage] = []
    created_by: Entity | None = None
    #: What the code of the button that was pressed stands for in the mapping table.
    instruction: Any = None
    self_uri: str


class Messages(Wire, kw_only=True):
    """Several messages."""

    entities: list[MessageData]


class MetadataContent(Wire, kw_only=True):
    """What a message has in it."""

    content_type: str
    sub_type: str | None = None


class MessageMetadata(Wire, kw_only=True):
    """What kind of message it is."""

    type: str
    content: list[MetadataContent] = []


class MessageDetails(Wire, kw_only=True):
    """A message as it stands beside who wrote it."""

    message_id: str
    message_uri: str = field(name="messageURI")
    message_status: str
    message_time: str
    message_segment_count: int | None = None
    message_metadata: MessageMetadata
