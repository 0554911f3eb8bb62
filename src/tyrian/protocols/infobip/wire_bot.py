"""The content of bot messages, and the request that carries it (Infobip OpenAPI Specification 3.210.0)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from tyrian.protocols.infobip.wire import Destination, MessageOptions, RequestOptions, Webhooks

Colour = Annotated[str, Meta(pattern="^[#]([A-Fa-f0-9]{6})$")]
MediaUrl = Annotated[str, Meta(min_length=1, max_length=2000)]
Scale = Literal["CROP", "FILL", "FIT"]
Columns = Annotated[int, Meta(ge=1, le=6)]
Rows = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Caption = Annotated[str, Meta(max_length=768)]


class Point(Struct, kw_only=True):
    """A place, in degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


# -- Keyboards and grids ----------------------------------------------------------------------------------------------


class MediaPlayer(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The player of a button that opens a video or sound."""

    title: str | None = None
    subtitle: str | None = None
    thumbnail_url: MediaUrl | None = None
    loop: bool | None = None


class OpenUrlSettings(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """How a button opens its URL."""

    open_url_type: Literal["INTERNAL", "EXTERNAL"] | None = None
    open_url_media_type: Literal["BROWSER_MEDIA", "VIDEO", "GIF", "IMAGE"] | None = None
    browser_display_mode: (
        Literal["FULLSCREEN", "FULLSCREEN_PORTRAIT", "FULLSCREEN_LANDSCAPE", "PARTIAL_SIZE"] | None
    ) = None
    title_type: Literal["DOMAIN", "DEFAULT"] | None = None
    custom_title: Annotated[str, Meta(max_length=15)] | None = None
    footer_type: Literal["DEFAULT", "HIDDEN"] | None = None
    action_button: Literal["FORWARD", "SEND", "OPEN_EXTERNALLY", "SEND_TO_BOT", "NONE"] | None = None
    action_predefined_url: Annotated[str, Meta(min_length=1)] | None = None
    action_reply_data: str | None = None
    media_player: MediaPlayer | None = None


class Action(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What a tap on a button does."""

    action_type: Literal["REPLY", "OPEN_URL", "OPEN_MAP", "LOCATION_PICKER", "SHARE_PHONE", "NONE"] | None = None
    action_body: str | None = None
    silent: bool | None = None
    open_url_settings: OpenUrlSettings | None = None
    open_map_location: Point | None = None


class ButtonText(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The words on a button."""

    text: str | None = None
    size: Literal["SMALL", "REGULAR", "LARGE"] | None = None
    vertical_align: Literal["TOP", "MIDDLE", "BOTTOM"] | None = None
    horizontal_align: Literal["LEFT", "CENTER", "RIGHT"] | None = None
    opacity: Annotated[int, Meta(ge=0, le=100)] | None = None
    background_gradient_color: Colour | None = None
    paddings: list[int] | None = None
    should_fit: bool | None = None


class Frame(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A border around a button."""

    border_width: Annotated[int, Meta(ge=0, le=10)] | None = None
    border_color: Colour | None = None
    corner_radius: Annotated[int, Meta(ge=0, le=10)] | None = None


class Background(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What is behind a button's words."""

    color: Colour | None = None
    media_url: MediaUrl | None = None
    media_type: Literal["IMAGE", "GIF"] | None = None
    media_scale_type: Scale | None = None
    gif_loop: bool | None = None
    frame: Frame | None = None


class ButtonMedia(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The picture on a button."""

    image_url: MediaUrl | None = None
    image_scale_type: Scale | None = None


class Button(Struct, kw_only=True, omit_defaults=True):
    """One button of a grid."""

    action: Action
    columns: Columns | None = None
    rows: Rows | None = None
    text: ButtonText | None = None
    background: Background | None = None
    media: ButtonMedia | None = None


class ButtonGrid(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Buttons, and the size of the blocks that they fill."""

    buttons: Annotated[list[Button], Meta(min_length=1)]
    buttons_group_columns: Columns | None = None
    buttons_group_rows: Rows | None = None


class KeyboardDisplay(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """How much of the screen a keyboard takes."""

    native_keyboard_height: bool | None = None
    percentage_of_keyboard_occupancy: Annotated[int, Meta(ge=40, le=70)] | None = None


class Keyboard(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The buttons under the input field."""

    button_grid: ButtonGrid
    background_color: Colour | None = None
    keyboard_display: KeyboardDisplay | None = None
    action_bar_state: Literal["REGULAR", "MINIMIZED", "HIDDEN"] | None = None


# -- Contents ---------------------------------------------------------------------------------------------------------


class SenderDisplayInfo(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The name and picture shown instead of the bot's own."""

    name: Annotated[str, Meta(max_length=28)] | None = None
    avatar_url: MediaUrl | None = None


class BotBase(Struct, kw_only=True, omit_defaults=True, rename="camel", tag_field="type"):
    """What every content of a bot may also carry."""

    sender_display_info: SenderDisplayInfo | None = None
    keyboard: Keyboard | None = None


class BotText(BotBase, tag="TEXT"):
    """Words."""

    text: Annotated[str, Meta(max_length=4000)]


class BotImage(BotBase, tag="IMAGE"):
    """A picture by URL."""

    url: MediaUrl
    text: Caption | None = None
    thumbnail_url: MediaUrl | None = None


class BotVideo(BotBase, tag="VIDEO"):
    """A video by URL. `size` in bytes, `duration` in seconds."""

    url: MediaUrl
    size: Annotated[int, Meta(ge=0, le=27262976)]
    text: Caption | None = None
    thumbnail_url: MediaUrl | None = None
    duration: Annotated[int, Meta(ge=0, le=180)] | None = None


class BotFile(BotBase, tag="FILE"):
    """A file by URL. `size` in bytes."""

    file_name: Annotated[str, Meta(max_length=256)]
    url: MediaUrl
    size: Annotated[int, Meta(ge=0, le=52428800)]


class BotCarousel(BotBase, tag="CAROUSEL"):
    """A grid of buttons in pages side by side."""

    button_grid: ButtonGrid
    height_scale: Annotated[int, Meta(ge=20, le=100)] | None = None
    background_color: Colour | None = None


class BotLocation(BotBase, tag="LOCATION"):
    """A place."""

    location: Point


class ContactCard(Struct, kw_only=True, rename="camel"):
    """A person's name and number."""

    name: Annotated[str, Meta(max_length=28)]
    phone_number: Annotated[str, Meta(max_length=18)]


class BotContact(BotBase, tag="CONTACT"):
    """A person to get in touch with."""

    contact: ContactCard


class BotSticker(BotBase, tag="STICKER"):
    """A sticker of Viber's."""

    sticker_id: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class BotUrl(BotBase, tag="URL"):
    """A bare URL."""

    url: Annotated[str, Meta(max_length=2000)]


BotContent = BotText | BotImage | BotVideo | BotFile | BotCarousel | BotLocation | BotContact | BotSticker | BotUrl


class BotMessage(Struct, kw_only=True, omit_defaults=True):
    """One content for one or more people."""

    sender: str
    destinations: Annotated[list[Destination], Meta(min_length=1)]
    content: BotContent
    options: MessageOptions | None = None
    webhooks: Webhooks | None = None


class BotRequest(Struct, kw_only=True, omit_defaults=True):
    """The body of `POST /viber-bot/1/messages`."""

    messages: Annotated[list[BotMessage], Meta(min_length=1)]
    options: RequestOptions | None = None
