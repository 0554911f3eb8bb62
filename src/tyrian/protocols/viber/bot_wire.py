"""The REST Bot API as Viber spells it: requests, answers and callbacks (Viber Bot API documentation 7.3.0).

Structs only, no logic, so that whoever speaks the protocol from the other side (a simulator, a test) can read and
write the same bytes. Members with a default are left out when they hold it; unknown members are ignored on input.
Input is taken as loosely as the real service and its stock clients need: optional members may be missing or null,
tokens are 64-bit integers beyond 2^53, and sticker ids come as numbers or as strings.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

BASE_URL: Final = "https://chatapi.viber.com/pa"
AUTH_HEADER: Final = "X-Viber-Auth-Token"
SIGNATURE_HEADER: Final = "X-Viber-Content-Signature"
#: The query parameter that repeats the signature in the callback URL.
SIGNATURE_QUERY: Final = "sig"

SET_WEBHOOK: Final = "/set_webhook"
SEND_MESSAGE: Final = "/send_message"
BROADCAST_MESSAGE: Final = "/broadcast_message"
GET_ACCOUNT_INFO: Final = "/get_account_info"
GET_USER_DETAILS: Final = "/get_user_details"
GET_ONLINE: Final = "/get_online"

#: Most receivers of one broadcast, and most ids of one question for online states.
MAX_BROADCAST: Final = 300
MAX_ONLINE: Final = 100
#: Bytes of a whole send or broadcast request.
MAX_BODY: Final = 30_000
#: Viber replaces these per receiver, anywhere in a broadcast.
PLACEHOLDERS: Final = (
    "replace_me_with_receiver_id",
    "replace_me_with_url_encoded_receiver_id",
    "replace_me_with_user_name",
)

#: What a webhook can be set to receive; the others (`message`, `subscribed`, `unsubscribed`) always come.
EVENT_TYPES: Final = ("delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started", "message")

#: A token as it comes: an integer on the wire, a string from senders that lost faith in JSON numbers.
Token = int | str


def _spell(name: str) -> str:
    """`open_url_type` -> `OpenURLType`: Viber writes keyboard members in Pascal case, and URL in capitals."""
    return "".join("URL" if part == "url" else part.capitalize() for part in name.split("_"))


# -- Keyboards and rich media -----------------------------------------------------------------------------------------


class Frame(Struct, kw_only=True, omit_defaults=True, rename=_spell):
    """A border around a button (API level 6)."""

    border_width: int | None = None
    border_color: str | None = None
    corner_radius: int | None = None


class MediaPlayer(Struct, kw_only=True, omit_defaults=True, rename=_spell):
    """The player for a video or audio URL (API level 6)."""

    title: str | None = None
    subtitle: str | None = None
    thumbnail_url: str | None = None
    loop: bool | None = None


class InternalBrowser(Struct, kw_only=True, omit_defaults=True, rename=_spell):
    """The client's own browser (API level 3; `send-to-bot` and `ActionReplyData` level 6)."""

    action_button: str | None = None
    action_predefined_url: str | None = None
    title_type: str | None = None
    custom_title: str | None = None
    mode: str | None = None
    footer_type: str | None = None
    action_reply_data: str | None = None


class Map(Struct, kw_only=True, omit_defaults=True, rename=_spell):
    """A place for an open-map button (API level 6). Viber writes the degrees as strings; numbers are taken too."""

    latitude: str | float
    longitude: str | float


class Button(Struct, kw_only=True, omit_defaults=True, rename=_spell):
    """One button of a keyboard or of rich media. Viber requires `ActionBody`."""

    columns: int | None = None
    rows: int | None = None
    bg_color: str | None = None
    silent: bool | None = None
    bg_media_type: str | None = None
    bg_media: str | None = None
    bg_media_scale_type: str | None = None
    image_scale_type: str | None = None
    bg_loop: bool | None = None
    action_type: str | None = None
    action_body: str | None = None
    image: str | None = None
    text: str | None = None
    text_v_align: str | None = None
    text_h_align: str | None = None
    text_paddings: list[int] | None = None
    text_opacity: int | None = None
    text_size: str | None = None
    open_url_type: str | None = None
    open_url_media_type: str | None = None
    text_bg_gradient_color: str | None = None
    text_should_fit: bool | None = None
    internal_browser: InternalBrowser | None = None
    map: Map | None = None
    frame: Frame | None = None
    media_player: MediaPlayer | None = None


class FavoritesMetadata(Struct, kw_only=True, omit_defaults=True, rename="pascal"):
    """What the favourites bot keeps of an item (API level 6). Its members are not in Viber's public pages."""

    type: str | None = None
    url: str | None = None
    title: str | None = None
    thumbnail: str | None = None
    domain: str | None = None
    width: int | None = None
    height: int | None = None
    alternative_url: str | None = None
    alternative_text: str | None = None


class Keyboard(Struct, kw_only=True, omit_defaults=True, rename=_spell):
    """The buttons under the input field. Viber refuses one without `Type` or without buttons."""

    type: str
    buttons: list[Button]
    bg_color: str | None = None
    default_height: bool | None = None
    custom_default_height: int | None = None
    height_scale: int | None = None
    buttons_group_columns: int | None = None
    buttons_group_rows: int | None = None
    input_field_state: str | None = None
    favorites_metadata: FavoritesMetadata | None = None
    revision: int | None = None


class RichMedia(Struct, kw_only=True, omit_defaults=True, rename=_spell):
    """A carousel: buttons that fill blocks of `ButtonsGroupColumns` x `ButtonsGroupRows` in order."""

    type: str
    buttons: list[Button]
    bg_color: str | None = None
    buttons_group_columns: int | None = None
    buttons_group_rows: int | None = None
    height_scale: int | None = None
    favorites_metadata: FavoritesMetadata | None = None
    revision: int | None = None


KEYBOARD_TYPE: Final = "keyboard"
RICH_MEDIA_TYPE: Final = "rich_media"


# -- Requests ---------------------------------------------------------------------------------------------------------


class Sender(Struct, kw_only=True, omit_defaults=True):
    """The name and picture over a message."""

    name: str | None = None
    avatar: str | None = None


class Contact(Struct, kw_only=True, omit_defaults=True):
    """A person's card."""

    name: str | None = None
    phone_number: str | None = None
    avatar: str | None = None


class Location(Struct, kw_only=True, omit_defaults=True):
    """A place in degrees; a documentation sample quotes them as strings, libraries send numbers."""

    lat: float | str
    lon: float | str
    address: str | None = None


class SendMessage(Struct, kw_only=True, omit_defaults=True):
    """The body of `send_message` (`receiver`), of `broadcast_message` (`broadcast_list`), and of a welcome (neither).

    A message that is only a keyboard has no `type`. `auth_token` is the older place for the token.
    """

    receiver: str | None = None
    broadcast_list: list[str] | None = None
    min_api_version: int | None = None
    sender: Sender | None = None
    tracking_data: str | None = None
    type: str | None = None
    text: str | None = None
    media: str | None = None
    thumbnail: str | None = None
    size: int | None = None
    duration: int | None = None
    file_name: str | None = None
    contact: Contact | None = None
    location: Location | None = None
    sticker_id: int | str | None = None
    rich_media: RichMedia | None = None
    alt_text: str | None = None
    keyboard: Keyboard | None = None
    auth_token: str | None = None
    chat_id: str | None = None


class SetWebhook(Struct, kw_only=True, omit_defaults=True):
    """The body of `set_webhook`. An empty `url` removes the webhook; without `event_types` every event comes."""

    url: str
    event_types: list[str] | None = None
    send_name: bool | None = None
    send_photo: bool | None = None
    is_inline: bool | None = None
    auth_token: str | None = None


class GetUserDetails(Struct, kw_only=True, omit_defaults=True):
    """The body of `get_user_details`: at most two questions about one user in 12 hours."""

    id: str
    auth_token: str | None = None


class GetOnline(Struct, kw_only=True, omit_defaults=True):
    """The body of `get_online`: at most `MAX_ONLINE` ids."""

    ids: list[str]
    auth_token: str | None = None


# -- Answers: HTTP 200 whatever happened; `status` 0 means that it worked ----------------------------------------------


class Answer(Struct, kw_only=True, omit_defaults=True):
    """What every answer has. `status_message` is sometimes missing, and its wording is not stable."""

    status: int
    status_message: str | None = None
    chat_hostname: str | None = None


class FailedReceiver(Struct, kw_only=True, omit_defaults=True):
    """One receiver whom a broadcast could not take."""

    receiver: str
    status: int
    status_message: str | None = None


class SendAnswer(Answer, kw_only=True, omit_defaults=True):
    """The answer to `send_message` and `broadcast_message`."""

    message_token: Token | None = None
    billing_status: int | None = None
    failed_list: list[FailedReceiver] | None = None


class WebhookAnswer(Answer, kw_only=True, omit_defaults=True):
    """The answer to `set_webhook`, with the events that are now sent."""

    event_types: list[str] | None = None


class Member(Struct, kw_only=True, omit_defaults=True):
    """A person who runs the bot's account."""

    id: str | None = None
    name: str | None = None
    avatar: str | None = None
    role: str | None = None


class AccountInfo(Answer, kw_only=True, omit_defaults=True):
    """The answer to `get_account_info`; members that were never set are missing."""

    id: str | None = None
    name: str | None = None
    uri: str | None = None
    icon: str | None = None
    background: str | None = None
    category: str | None = None
    subcategory: str | None = None
    location: Location | None = None
    country: str | None = None
    webhook: str | None = None
    event_types: list[str] | None = None
    members: list[Member] | None = None
    subscribers_count: int | None = None
    chat_flags: list[Any] | None = None


class User(Struct, kw_only=True, omit_defaults=True):
    """A person, in callbacks and in `get_user_details`. `id` belongs to this person with this bot alone."""

    id: str
    name: str | None = None
    avatar: str | None = None
    country: str | None = None
    language: str | None = None
    #: The highest level that all of the person's devices support.
    api_version: int | float | str | None = None
    primary_device_os: str | None = None
    viber_version: str | None = None
    mcc: int | str | None = None
    mnc: int | str | None = None
    device_type: str | None = None


class UserDetailsAnswer(Answer, kw_only=True, omit_defaults=True):
    """The answer to `get_user_details`."""

    message_token: Token | None = None
    user: User | None = None


class OnlineUser(Struct, kw_only=True, omit_defaults=True):
    """One person's state: 0 online, 1 offline, 2 undisclosed, 3 try later, 4 unavailable."""

    id: str
    online_status: int
    online_status_message: str | None = None
    #: Milliseconds since 1970; filled for those offline.
    last_online: int | None = None


class OnlineAnswer(Answer, kw_only=True, omit_defaults=True):
    """The answer to `get_online`."""

    users: list[OnlineUser] | None = None


# -- Callbacks --------------------------------------------------------------------------------------------------------


class InboundMessage(Struct, kw_only=True, omit_defaults=True):
    """What a person sent. `type` says which of the members are filled; media links live for an hour."""

    type: str | None = None
    text: str | None = None
    media: str | None = None
    thumbnail: str | None = None
    file_name: str | None = None
    size: int | None = None
    duration: int | None = None
    contact: Contact | None = None
    location: Location | None = None
    sticker_id: int | str | None = None
    tracking_data: str | None = None


class Callback(Struct, kw_only=True, omit_defaults=True):
    """Any event. Which members come depends on `event`; `timestamp` is in milliseconds since 1970.

    `failed` says why in `desc`; `conversation_started` has `type`, `context`, `user` and `subscribed`; `message` has
    `sender`, `message` and `silent`; `client_status` has `status`.
    """

    event: str
    timestamp: int | None = None
    chat_hostname: str | None = None
    message_token: Token | None = None
    type: str | None = None
    context: str | None = None
    user: User | None = None
    user_id: str | None = None
    subscribed: bool | None = None
    desc: str | None = None
    sender: User | None = None
    message: InboundMessage | None = None
    silent: bool | None = None
    status: dict[str, Any] | None = None


def encode(value: Struct) -> bytes:
    """The JSON of a wire struct, in UTF-8."""
    return msgspec.json.encode(value)
