"""The Messages API as it goes over the wire, as far as Viber goes (Infobip OpenAPI 3.210.0, product messages-api).

One request for all channels: of these, `VIBER_BM` and `VIBER_BOT` are sent through, and `SMS` besides as a failover.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from tyrian.protocols.infobip import wire
from tyrian.protocols.infobip.wire_bot import SenderDisplayInfo

ViberChannel = Literal["VIBER_BM", "VIBER_BOT"]
AnyChannel = Literal["VIBER_BM", "VIBER_BOT", "SMS"]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Upto1000 = Annotated[str, Meta(max_length=1000)]


# -- Buttons ----------------------------------------------------------------------------------------------------------


class _Button(Struct, kw_only=True, omit_defaults=True, rename="camel", tag_field="type"):
    postback_data: str | None = None


class ReplyButton(_Button, tag="REPLY"):
    """Sends its postback data, or its text, back as the person's words."""

    text: str


class OpenUrlButton(_Button, tag="OPEN_URL"):
    """Opens a page."""

    text: str
    url: Url


class DialPhoneButton(_Button, tag="DIAL_PHONE"):
    """Calls a number."""

    text: str
    phone_number: Annotated[str, Meta(min_length=1, max_length=30)]


class ShowLocationButton(_Button, tag="SHOW_LOCATION"):
    """Shows a place."""

    text: str
    latitude: Latitude
    longitude: Longitude
    name: Upto1000 | None = None


class RequestLocationButton(_Button, tag="REQUEST_LOCATION"):
    """Asks where the person is."""

    text: str | None = None


class AddCalendarEventButton(_Button, tag="ADD_CALENDAR_EVENT"):
    """Adds an event to the person's calendar: Viber has nothing of the kind, and shows no such button."""

    text: str


Button = (
    ReplyButton | OpenUrlButton | DialPhoneButton | ShowLocationButton | RequestLocationButton | AddCalendarEventButton
)


# -- Bodies -----------------------------------------------------------------------------------------------------------


class _Body(Struct, kw_only=True, omit_defaults=True, rename="camel", tag_field="type"):
    pass


class TextBody(_Body, tag="TEXT"):
    """Words."""

    text: str


class ImageBody(_Body, tag="IMAGE"):
    """A picture."""

    url: Url
    text: str | None = None


class VideoBody(_Body, tag="VIDEO"):
    """A video."""

    url: Url
    text: str | None = None
    thumbnail_url: Url | None = None


class DocumentBody(_Body, tag="DOCUMENT"):
    """A file."""

    url: Url
    text: str | None = None
    filename: Annotated[str, Meta(min_length=1, max_length=256)] | None = None


class RichLinkBody(_Body, tag="RICH_LINK"):
    """A picture or video that leads to a page."""

    redirect_url: Url
    text: str
    url: Url
    is_video: bool | None = None
    thumbnail_url: Url | None = None
    button_text: Annotated[str, Meta(min_length=1)] | None = None


class ListItem(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """One choice of a list."""

    text: Annotated[str, Meta(min_length=1)]
    id: str | None = None
    description: str | None = None
    image_url: Url | None = None


class ListSection(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Choices under a heading."""

    section_title: str
    items: Annotated[list[ListItem], Meta(min_length=1)]
    multiple_selection: bool | None = None


class ListBody(_Body, tag="LIST"):
    """A question with choices."""

    text: Annotated[str, Meta(min_length=1)]
    sections: Annotated[list[ListSection], Meta(min_length=1)]
    subtext: str | None = None
    image_url: Url | None = None


class CardBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What stands on a card."""

    title: str | None = None
    text: str | None = None
    url: Url | None = None
    is_video: bool | None = None
    thumbnail_url: Url | None = None


class MessagesApiCard(Struct, kw_only=True, omit_defaults=True):
    """One card of a carousel."""

    body: CardBody
    buttons: list[Button] | None = None


class CarouselBody(_Body, tag="CAROUSEL"):
    """Cards side by side."""

    cards: Annotated[list[MessagesApiCard], Meta(min_length=1)]


class LocationBody(_Body, tag="LOCATION"):
    """A place."""

    latitude: Latitude
    longitude: Longitude
    name: Upto1000 | None = None
    address: Upto1000 | None = None


class ContactBody(_Body, tag="CONTACT"):
    """A person's name and number."""

    name: Annotated[str, Meta(min_length=1)]
    phone_number: Annotated[str, Meta(min_length=1)]


class StickerBody(_Body, tag="STICKER"):
    """A sticker by its number, which is a string here."""

    reference: str


Body = (
    TextBody
    | ImageBody
    | VideoBody
    | DocumentBody
    | RichLinkBody
    | ListBody
    | CarouselBody
    | LocationBody
    | ContactBody
    | StickerBody
)


# -- Messages ---------------------------------------------------------------------------------------------------------


class Words(Struct, kw_only=True, omit_defaults=True):
    """A header (of the type TEXT) or footer."""

    text: str | None = None
    type: str | None = None


class Content(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What a message says."""

    body: Body
    header: Words | None = None
    buttons: list[Button] | None = None
    sender_display_info: SenderDisplayInfo | None = None
    footer: Words | None = None


class Template(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A registered text by its name."""

    template_name: Annotated[str, Meta(min_length=1, max_length=255)]
    language: str | None = None
    reference_id: str | None = None


class TemplateContent(Struct, kw_only=True, omit_defaults=True):
    """A template's parameters: the members of `body` beside its type."""

    body: dict[str, Any] | None = None


class ChannelAddress(Struct, kw_only=True):
    """How a person is reached on one channel."""

    channel: str
    to: str


class MessagesApiDestination(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """One person: `to` for all channels, or an address for each."""

    to: str | None = None
    by_channel: Annotated[list[ChannelAddress], Meta(min_length=1)] | None = None
    message_id: Annotated[str, Meta(max_length=200)] | None = None

    def address(self, channel: str) -> str | None:
        """The person's address on a channel."""
        return next((a.to for a in self.by_channel or () if a.channel == channel), self.to)


class Options(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What holds for one message."""

    platform: wire.Platform | None = None
    validity_period: wire.ValidityPeriod | None = None
    delivery_time_window: wire.DeliveryTimeWindow | None = None
    adaptation_mode: bool | None = None
    regional: dict[str, Any] | None = None
    campaign_reference_id: wire.Upto255 | None = None
    transliteration: str | None = None
    correlation_data: wire.TrackingData | None = None
    traffic_type: wire.Label | None = None
    session_rate: bool | None = None
    primary_device: bool | None = None


class Failover(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What is sent when the channel before has not delivered."""

    channel: AnyChannel
    sender: Annotated[str, Meta(min_length=1)]
    content: Content
    validity_period: wire.ValidityPeriod | None = None


class Message(Struct, kw_only=True, omit_defaults=True):
    """One message for one or more people; with a `template`, `content` holds its parameters."""

    channel: ViberChannel
    sender: Annotated[str, Meta(min_length=1)]
    destinations: Annotated[list[MessagesApiDestination], Meta(min_length=1)]
    content: Content | None = None
    options: Options | None = None
    webhooks: wire.Webhooks | None = None
    failover: Annotated[list[Failover], Meta(max_length=5)] | None = None


class TemplateMessage(Struct, kw_only=True, omit_defaults=True):
    """A registered text for one or more people."""

    channel: Literal["VIBER_BM"]
    sender: Annotated[str, Meta(min_length=1)]
    destinations: Annotated[list[MessagesApiDestination], Meta(min_length=1)]
    template: Template
    content: TemplateContent | None = None
    options: Options | None = None
    webhooks: wire.Webhooks | None = None
    failover: Annotated[list[Failover], Meta(max_length=5)] | None = None


class Ordering(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Whether messages of a request go one after the other. Messages to one person always do."""

    respect_order: bool | None = None
    stop_on_failure: bool | None = None


class MessagesApiRequestOptions(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What holds for all messages of a request."""

    schedule: wire.Schedule | None = None
    tracking: wire.Tracking | None = None
    message_ordering: Ordering | None = None


class Request(Struct, kw_only=True, omit_defaults=True):
    """The body of `POST /messages-api/1/messages`; which of the two a message is, its `template` tells."""

    messages: Annotated[list[dict[str, Any]], Meta(min_length=1)]
    options: MessagesApiRequestOptions | None = None


class MessagesApiRequest(Struct, kw_only=True, omit_defaults=True):
    """The same as it is documented, with the members of a message; with a `template`, `content` holds parameters."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    options: MessagesApiRequestOptions | None = None
