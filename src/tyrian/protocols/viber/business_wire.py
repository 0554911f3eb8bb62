"""Viber Business Messages as its native partner interface spells them: the send, its answer, and the callbacks.

Viber publishes no page on this interface; the spelling follows public implementations of its specification (v11.3 and
older traces). Structs and numbers only, no logic, so that whoever speaks the protocol from the other side can read and
write the same bytes. Members with a default are left out when they hold it; unknown members are ignored on input.
"""

from enum import IntEnum
from typing import Final

import msgspec
from msgspec import Struct, field

BASE_URL: Final = "https://services.viber.com"
SEND_PATH: Final = "/vibersrvc/1/send_message"
#: Where a signature of callbacks is looked for, when one was agreed. The native interface defines none that is public.
SIGNATURE_HEADER: Final = "X-Viber-Content-Signature"

#: Seconds that Viber may be told to keep trying.
MIN_TTL: Final = 30
MAX_TTL: Final = 1_209_600

LABEL_TRANSACTION: Final = "transaction"
LABEL_PROMOTION: Final = "promotion"

#: How a survey shows its options.
SURVEY_RADIO: Final = 1
SURVEY_BUTTONS: Final = 2


class MessageType(IntEnum):
    """The numbers that choose content, rate and devices. ALL: every device; REPLY: the person may answer."""

    TEXT = 6
    IMAGE = 7
    TEXT_IMAGE_BUTTON = 8
    TEXT_BUTTON = 9
    TEXT_ALL = 106
    IMAGE_ALL = 107
    TEXT_IMAGE_BUTTON_ALL = 108
    TEXT_BUTTON_ALL = 109
    TEXT_REPLY = 206
    IMAGE_REPLY = 207
    TEXT_IMAGE_BUTTON_REPLY = 208
    TEXT_BUTTON_REPLY = 209
    TEXT_FULL_IMAGE_BUTTON = 210
    FILE_REPLY = 220
    SESSION_FILE = 221
    FILE_UNTRACKED = 222
    FILE = 223
    SESSION_FILE_PHONE = 224
    PROMO_TEXT = 225
    VIDEO = 230
    VIDEO_TEXT = 231
    VIDEO_TEXT_PLAY = 232
    VIDEO_TEXT_BUTTON = 233
    PATTERN_TEXT = 301
    SESSION_TEXT = 306
    SESSION_IMAGE = 307
    LIST = 801
    SESSION_LIST = 802
    CAROUSEL = 901
    TEMPLATE = 1701
    TEMPLATE_ALL = 1702


class Message(Struct, kw_only=True, omit_defaults=True):
    """The words, picture and button of a message. An empty `#tracking_data` is not the same as none."""

    text: str | None = field(default=None, name="#txt")
    image: str | None = field(default=None, name="#img")
    caption: str | None = field(default=None, name="#caption")
    action: str | None = field(default=None, name="#action")
    tracking_data: str | None = field(default=None, name="#tracking_data")
    image_format: str | None = field(default=None, name="#imageFormat")
    file_name: str | None = field(default=None, name="#fileName")
    thumbnail: str | None = field(default=None, name="#thumbnail")
    media: str | None = field(default=None, name="#media")


class Survey(Struct, kw_only=True, omit_defaults=True):
    """Options to pick from."""

    list_message_ui_type: int
    options: list[str]


class CardButton(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A button of a carousel's card."""

    label: str
    action_url: str


class Card(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """One card of a carousel."""

    title: str
    image_url: str
    primary_button: CardButton
    secondary_button: CardButton | None = None


class Carousel(Struct, kw_only=True, omit_defaults=True):
    """Two to five cards."""

    items: list[Card]


class SendMessage(Struct, kw_only=True, omit_defaults=True):
    """One message to one number. `dest` is digits only; `ttl` in seconds; `file_size` in bytes; `duration` in seconds.

    Templates come in the three `template` members at the top, without `message`.
    """

    service_id: int
    dest: str
    seq: int
    type: int
    label: str | None = None
    tag: str | None = None
    ttl: int | None = None
    expiry_txt: str | None = None
    message: Message | None = None
    file_type: str | None = None
    file_size: int | None = None
    duration: int | None = None
    survey: Survey | None = None
    carousel: Carousel | None = None
    template_id: str | None = field(default=None, name="templateId")
    template_lang: str | None = field(default=None, name="templateLang")
    template_params: dict[str, str] | None = field(default=None, name="templateParams")


class SendAnswer(Struct, kw_only=True, omit_defaults=True):
    """HTTP 200 whatever happened; `status` 0 means taken. `message_token` is a string of digits."""

    status: int
    seq: int | None = None
    message_token: str | int | None = None
    session_id: str | int | None = None
    matching_template_id: str | int | None = None


class MessageStatus(IntEnum):
    """What a status callback can say. The meaning of 3 is not public."""

    DELIVERED = 0
    SEEN = 1
    EXPIRED = 2
    SUBSCRIBED = 4
    UNSUBSCRIBED = 5


class InboundMessage(Struct, kw_only=True, omit_defaults=True):
    """What a person sent: words, or a file by its URL."""

    text: str | None = None
    media: str | None = None
    file_name: str | None = None
    tracking_data: str | None = None


class Callback(Struct, kw_only=True, omit_defaults=True):
    """A status (`message_status`, `message_time` in milliseconds) or a message from a person (`message`, `time`)."""

    message_token: str | int | None = None
    message_status: int | None = None
    message_time: int | None = None
    time: int | None = None
    phone_number: str | None = None
    service_id: int | str | None = None
    message: InboundMessage | None = None


def encode(value: Struct) -> bytes:
    """The JSON of a wire struct, in UTF-8."""
    return msgspec.json.encode(value)
