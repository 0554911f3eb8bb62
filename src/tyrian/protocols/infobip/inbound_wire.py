"""What people send, as it goes over the wire: the inbound callbacks of both products (OpenAPI 3.210.0, product viber).

A business hears TEXT and FILE. A bot hears events, and what the person wrote stands one level deeper. The face writes
these structs, the connector reads them; unknown members and unknown types are ignored on reading.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct, field

#: `integrationType` of the two products. That of bots is assumed: no sample of the vendor's shows it.
INTEGRATION_BUSINESS: Final = "VIBER"
INTEGRATION_BOT: Final = "VIBER_BOT"

#: People's messages cost nothing here; the vendor's envelope must have a price.
FREE: Final[dict[str, Any]] = {"pricePerMessage": 0, "currency": "EUR"}


class InboundResult(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """One inbound message. `sender` is the person, `to` our sender; times are of the vendor's form."""

    entity_id: str | None = None
    application_id: str | None = None
    sender: str
    to: str
    integration_type: str = ""
    received_at: str = ""
    keyword: str | None = None
    message_id: str
    paired_message_id: str | None = None
    callback_data: str | None = None
    #: One of the structs below.
    message: Any
    price: Any = None


class InboundMessages(Struct, kw_only=True, rename="camel"):
    """The body of an inbound callback."""

    results: list[InboundResult]
    message_count: int = 1
    pending_message_count: int = 0


# -- What a business hears --------------------------------------------------------------------------------------------


class HeardText(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="TEXT", tag_field="type"):
    """Words."""

    text: str | None = None
    tracking_data: str | None = None


class HeardFile(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="FILE", tag_field="type"):
    """A picture, video or document by its URL; `text` is its caption."""

    url: str | None = None
    file_name: str | None = None
    tracking_data: str | None = None
    text: str | None = None


# -- What people write to bots ----------------------------------------------------------------------------------------


class SaidText(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="TEXT", tag_field="type"):
    """Words."""

    text: str | None = None
    tracking_data: str | None = None


class SaidImage(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="IMAGE", tag_field="type"):
    """A picture. `size` in bytes."""

    url: str | None = None
    thumbnail_url: str | None = None
    file_name: str | None = None
    size: int | None = None
    text: str | None = None
    tracking_data: str | None = None


class SaidVideo(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="VIDEO", tag_field="type"):
    """A video. `size` in bytes, `duration` in seconds; `description` is its caption."""

    url: str | None = None
    thumbnail_url: str | None = None
    file_name: str | None = None
    size: int | None = None
    duration: int | None = None
    description: str | None = None
    tracking_data: str | None = None


class SaidSticker(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="STICKER", tag_field="type"):
    """A sticker by its number."""

    id: str | None = None
    url: str | None = None
    tracking_data: str | None = None


class SaidFile(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="FILE", tag_field="type"):
    """A file, and (assumed) a sound. `size` in bytes."""

    url: str | None = None
    file_name: str | None = None
    size: int | None = None
    text: str | None = None
    tracking_data: str | None = None


class SaidContactCard(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Whom a contact is about."""

    phone_number: str | None = None
    name: str | None = None
    avatar: str | None = None


class SaidContact(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="CONTACT", tag_field="type"):
    """A contact."""

    contact: SaidContactCard | None = None
    text: str | None = None
    tracking_data: str | None = None


class SaidPlace(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A place in degrees."""

    latitude: float
    longitude: float
    address: str | None = None


class SaidLocation(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="LOCATION", tag_field="type"):
    """A place."""

    location: SaidPlace | None = None
    tracking_data: str | None = None


class SaidAudio(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="AUDIO", tag_field="type"):
    """A sound. The guide's page lists it and the schema does not: read where it comes, never written."""

    url: str | None = None
    file_name: str | None = None
    size: int | None = None
    duration: int | None = None
    tracking_data: str | None = None


SaidContent = SaidText | SaidImage | SaidVideo | SaidSticker | SaidFile | SaidContact | SaidLocation | SaidAudio


class BotUser(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A person as a bot knows them."""

    id: str | None = None
    name: str | None = None
    avatar: str | None = None
    language: str | None = None
    country: str | None = None
    api_version: str | None = None


class SaidMessage(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="MESSAGE", tag_field="type"):
    """What a person wrote to a bot. `timestamp` in milliseconds."""

    timestamp: int
    message_token: str
    message: SaidContent | None = None
    sender: BotUser | None = None
    chat_hostname: str | None = None
    #: Always written: the vendor's samples show it.
    silent: bool | None = None


class BotDelivered(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="DELIVERED", tag_field="type"):
    """A device has a message of the bot's."""

    timestamp: int
    message_token: str
    user_id: str


class BotSubscribed(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="SUBSCRIBED", tag_field="type"):
    """A person lets the bot write."""

    timestamp: int
    message_token: str = ""
    user: BotUser = field(default_factory=BotUser)
    chat_hostname: str | None = None


class BotUnsubscribed(Struct, kw_only=True, omit_defaults=True, rename="camel", tag="UNSUBSCRIBED", tag_field="type"):
    """A person wants to hear no more from the bot."""

    timestamp: int
    message_token: str = ""
    user_id: str


class BotConversationStarted(
    Struct, kw_only=True, omit_defaults=True, rename="camel", tag="CONVERSATION_STARTED", tag_field="type"
):
    """A person opened the chat with the bot."""

    timestamp: int
    message_token: str = ""
    user: BotUser | None = None
    conversation_type: str | None = None
    context: str | None = None
    subscribed: bool | None = None


Said = HeardText | HeardFile | SaidMessage | BotDelivered | BotSubscribed | BotUnsubscribed | BotConversationStarted


class HeardResult(Struct, kw_only=True, rename="camel"):
    """One inbound message as it is read: its `message` is looked into afterwards, since its type may be a new one."""

    sender: str = ""
    to: str = ""
    integration_type: str = ""
    received_at: str | None = None
    message_id: str | None = None
    message: msgspec.Raw = msgspec.Raw(b"null")


said: Final = msgspec.json.Decoder(Said)
