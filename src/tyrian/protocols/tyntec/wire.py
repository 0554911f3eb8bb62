"""What goes over the wire in tyntec's Conversations API, v3 and 2.x, for Viber Business and SMS.

The names are tyntec's own (its OpenAPI files of `conversations/v3` and `conversations/v2`). Every member of a request
may be left out here: what is missing is found by `content` and `sending`, which say so in tyntec's words. Where the
published page and the OpenAPI files spell a member differently, both spellings stand side by side.
"""

from typing import Any, Final

from msgspec import Struct, field

BASE_URL: Final = "https://api.tyntec.com"
V3: Final = "/conversations/v3"
V2: Final = "/chat-api/v2"
#: The base of 2.x before release 2.4.
V2_EARLIER: Final = "/messaging/v2/chat"
MESSAGES: Final = f"{V3}/messages"
API_KEY: Final = "apikey"

SIGNATURE: Final = "x-signature"
SIGNATURE_TIME: Final = "x-request-timestamp"
SIGNATURE_VERSION: Final = "x-signature-version"
#: How a signature's version is written. Not documented; assumed.
SIGNATURE_V1: Final = "V1.0"

# -- Contents ---------------------------------------------------------------------------------------------------------


class Media(Struct, omit_defaults=True):
    """A picture."""

    url: str | None = None


class FileBody(Struct, omit_defaults=True):
    """A file. Its type is `type` in the OpenAPI file, `filetype` in the Postman collection."""

    url: str | None = None
    filename: str | None = None
    type: str | None = None
    filetype: str | None = None


class VideoBody(Struct, rename="camel", omit_defaults=True):
    """A video. `filesize` in megabytes, `duration` in seconds."""

    url: str | None = None
    thumbnail_url: str | None = None
    type: str | None = None
    filesize: int | None = None
    duration: int | None = None


class ListBody(Struct, omit_defaults=True):
    """A question with options to pick from."""

    text: str | None = None
    options: list[str] | None = None


class CardButton(Struct, rename="camel", omit_defaults=True):
    """A button of a carousel's item."""

    label: str | None = None
    action_url: str | None = None


class CardBody(Struct, rename="camel", omit_defaults=True):
    """An item of a carousel."""

    title: str | None = None
    image_url: str | None = None
    primary_button: CardButton | None = None
    secondary_button: CardButton | None = None


class CarouselBody(Struct, omit_defaults=True):
    """Items side by side."""

    text: str | None = None
    items: list[CardBody] | None = None


class ButtonBody(Struct, omit_defaults=True):
    """A button. Where it leads is `url` in the OpenAPI file, `callback` in the Postman collection and in 2.x."""

    caption: str | None = None
    url: str | None = None
    callback: str | None = None


class Part(Struct, rename="camel", omit_defaults=True):
    """A part of a message. What it is stands in `contentType` or, as on the published page and in 2.x, in `type`."""

    content_type: str | None = None
    type: str | None = None
    text: str | None = None
    image: Media | None = None
    file: FileBody | None = None
    video: VideoBody | None = None
    list: ListBody | None = None
    carousel: CarouselBody | None = None
    button: ButtonBody | None = None


class Components(Struct, omit_defaults=True):
    """A message of several parts."""

    body: list[Part] | None = None


class Content(Part, rename="camel", omit_defaults=True):
    """What a message says."""

    components: Components | None = None


# -- Sending ----------------------------------------------------------------------------------------------------------


class Overrides(Struct, rename="camel", omit_defaults=True):
    """Where one message's status callbacks go: `notificationCallbackUrl`, or `messageStatusUrl` as Postman has it."""

    notification_callback_url: str | None = None
    message_status_url: str | None = None


class SendRequest(Struct, rename="camel", omit_defaults=True):
    """POST /conversations/v3/messages."""

    to: str | None = None
    sender: str | None = field(default=None, name="from")
    channel: str | None = None
    rate_type: str | None = None
    message_purpose: str | None = None
    content: Content | None = None
    context: str | None = None
    overrides: Overrides | None = None


class BulkRequest(Struct, rename="camel", omit_defaults=True):
    """POST /conversations/v3/bulks: messages to one person, in order."""

    to: str | None = None
    sender: str | None = field(default=None, name="from")
    channel: str | None = None
    rate_type: str | None = None
    message_purpose: str | None = None
    messages: list[Content] | None = None


class LegacyViber(Struct, rename="camel", omit_defaults=True):
    """The Viber part of a 2.x message."""

    sender: str | None = field(default=None, name="from")
    components: list[Part] | None = None
    message_purpose: str | None = None
    rate_type: str | None = None


class LegacySms(Struct, rename="camel", omit_defaults=True):
    """The SMS part of a 2.x message."""

    sender: str | None = field(default=None, name="from")
    content_type: str | None = None
    text: str | None = None


class LegacyContext(Struct, rename="camel", omit_defaults=True):
    """What a 2.x message's callbacks hand back."""

    user_context: str | None = None


class LegacyRequest(Struct, rename="camel", omit_defaults=True):
    """POST /chat-api/v2/messages: one message over `channels` in order, each with its part."""

    to: str | None = None
    channels: list[str] | None = None
    viber: LegacyViber | None = None
    sms: LegacySms | None = None
    context: LegacyContext | None = None
    overrides: Overrides | None = None


class LegacyBulkRequest(Struct, rename="camel", omit_defaults=True):
    """POST /chat-api/v2/bulks."""

    to: str | None = None
    sender: str | None = field(default=None, name="from")
    channel: str | None = None
    viber: list[LegacyViber] | None = None


class SendAnswer(Struct, rename="camel"):
    """The answer to a v3 send. The timestamp is in UTC with microseconds."""

    message_id: str
    timestamp: str


class LegacySendAnswer(Struct, rename="camel"):
    """The answer to a 2.x send."""

    message_id: str


class BulkAnswer(Struct, rename="camel"):
    """The answer to a bulk: the messages' ids in the order of the request."""

    bulk_id: str
    message_ids: list[str]


# -- Reading ----------------------------------------------------------------------------------------------------------


class Details(Struct):
    """Why something failed."""

    code: str
    message: str


class StatusAnswer(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A message's status. `deliveryChannel` is missing until a channel was chosen."""

    message_id: str
    delivery_channel: str | None = None
    status: str
    timestamp: str


class HistoryEntry(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A station of a message. `happendAt` is how the service spells it."""

    delivery_channel: str | None = None
    happened_at: str = field(name="happendAt")
    state: str
    details: dict[str, str] | None = None


class EventEntry(Struct, omit_defaults=True):
    """An event of a message."""

    timestamp: str
    event: str
    channel: str | None = None
    details: Details | None = None


class HistoryAnswer(Struct, rename="camel"):
    """What 2.x answers with."""

    message_id: str
    history: list[HistoryEntry]


class EventsAnswer(HistoryAnswer, rename="camel"):
    """What v3 answers with: the published page's array and the OpenAPI file's."""

    events: list[EventEntry]


class StoredViber(Struct, rename="camel", omit_defaults=True):
    """The Viber part of a stored message."""

    sender: str = field(name="from")
    components: list[dict[str, Any]]
    message_purpose: str
    content_type: str


class StoredSms(Struct, rename="camel"):
    """The SMS part of a stored message."""

    sender: str = field(name="from")
    content_type: str
    text: str


class StoredMessage(Struct, rename="camel", omit_defaults=True):
    """A message as it was accepted."""

    to: str
    id: str
    message_id: str | None = None
    channels: list[str] = field(default_factory=list)
    viber: StoredViber | None = None
    sms: StoredSms | None = None
    context: LegacyContext | None = None
    overrides: Overrides | None = None


# -- Callbacks --------------------------------------------------------------------------------------------------------


class MoMedia(Struct, rename="camel", omit_defaults=True):
    """What a person sent besides words."""

    type: str
    url: str | None = None
    media_id: str | None = None
    caption: str | None = None


class MoContent(Struct, rename="camel", omit_defaults=True):
    """What a person wrote."""

    content_type: str
    text: str | None = None
    media: MoMedia | None = None
    location: dict[str, Any] | None = None


class MoMessage(Struct, rename="camel"):
    """A person's message. Times have whole seconds."""

    message_id: str
    channel: str
    sender: str = field(name="from")
    to: str
    received_at: str
    content: MoContent
    event: str
    timestamp: str


class StatusCallback(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """What became of a message."""

    event: str
    message_id: str
    channel: str
    user_context: str | None = None
    timestamp: str
    details: Details | None = None
    sender: str | None = field(default=None, name="from")
    to: str | None = None


class AnyCallback(Struct, rename="camel"):
    """A callback as the connector reads it, whatever it is about."""

    event: str = ""
    message_id: str = ""
    channel: str | None = None
    sender: str | None = field(default=None, name="from")
    to: str | None = None
    content: Any = None
    received_at: str | None = None
    timestamp: str | None = None
    details: Any = None


# -- Errors -----------------------------------------------------------------------------------------------------------


class Violation(Struct):
    """One thing wrong with a request: `validate.request.` and the dotted path, and what should be."""

    field: str
    message: str


class Problem(Struct, omit_defaults=True):
    """An error (RFC 7807). All members are optional."""

    type: str | None = None
    title: str | None = None
    status: int | None = None
    detail: str | None = None
    violations: list[Violation] | None = None


class GatewayError(Struct):
    """An error of the API gateway before the service."""

    message: str
