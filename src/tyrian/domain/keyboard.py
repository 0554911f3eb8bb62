"""Keyboards and button grids: everything a Viber client can show under or inside a message.

Field names are ours; `protocols/viber/wire.py` spells them as Viber does. The bounds are Viber's (Keyboard design
pages of its Bot API documentation, 7.3.0), kept here as types so that no face can let a wrong one in.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

type_colour = Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}$", description="Six hex digits after a #.")]
Colour = type_colour
Scale = Literal["crop", "fill", "fit"]
Percent = Annotated[int, Meta(ge=0, le=100)]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]


class Frame(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A border drawn around a button (API level 6)."""

    width: Annotated[int, Meta(ge=0, le=10)] = 1
    colour: Colour = "#000000"
    radius: Annotated[int, Meta(ge=0, le=10)] = 0


class MediaPlayer(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The player that opens for a video or audio URL (API level 6)."""

    title: str | None = None
    subtitle: str | None = None
    thumbnail: Url | None = None
    loop: bool = False


class Browser(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The client's internal browser for an open-url button (API level 3)."""

    action_button: Literal["forward", "send", "open-externally", "send-to-bot", "none"] = "forward"
    predefined_url: Annotated[str, Meta(min_length=1)] | None = None
    title_type: Literal["domain", "default"] = "default"
    custom_title: Annotated[str, Meta(max_length=15)] | None = None
    mode: Literal["fullscreen", "fullscreen-portrait", "fullscreen-landscape", "partial-size"] = "fullscreen"
    footer: Literal["default", "hidden"] = "default"
    reply_data: str | None = None


class MapPoint(Struct, kw_only=True, forbid_unknown_fields=True):
    """A place that an open-map button shows (API level 6), in degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Button(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One button of a keyboard or carousel. Only `value` is required; at least one visible part must be given.

    With `data`, the network is given a short code in the place of `value`, and a tap brings back `value` and `data`.
    """

    action: Literal["reply", "open-url", "location-picker", "share-phone", "open-map", "none"] = "reply"
    value: str
    #: Any JSON but null, kept by the gateway: at most `domain.buttons.MAX_DATA` bytes.
    data: Any = None
    columns: Annotated[int, Meta(ge=1, le=6)] = 6
    rows: Annotated[int, Meta(ge=1, le=7)] | None = None
    silent: bool = False
    text: Annotated[str, Meta(max_length=250)] | None = None
    text_size: Literal["small", "regular", "large"] = "regular"
    text_v_align: Literal["top", "middle", "bottom"] = "middle"
    text_h_align: Literal["left", "center", "right"] = "center"
    text_paddings: Annotated[list[Annotated[int, Meta(ge=0, le=12)]], Meta(min_length=4, max_length=4)] | None = None
    text_opacity: Percent = 100
    text_should_fit: bool = False
    text_gradient: Colour | None = None
    image: Url | None = None
    image_scale: Scale = "crop"
    background: Colour | None = None
    background_media: Url | None = None
    background_media_type: Literal["picture", "gif"] = "picture"
    background_scale: Scale = "crop"
    background_loop: bool = True
    open_in: Literal["internal", "external"] = "internal"
    open_media: Literal["not-media", "video", "gif", "picture"] = "not-media"
    browser: Browser | None = None
    map: MapPoint | None = None
    frame: Frame | None = None
    player: MediaPlayer | None = None


class Favourite(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the favourites bot shows for a saved item (API level 6; members unverified by Viber's public pages)."""

    type: str | None = None
    url: Url | None = None
    title: str | None = None
    thumbnail: Url | None = None
    domain: str | None = None
    width: int | None = None
    height: int | None = None
    alternative_url: Url | None = None
    alternative_text: str | None = None


class Keyboard(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The buttons under the input field. The client shows the last keyboard received.

    What may be left out beside what is `domain.buttons`' to say.
    """

    buttons: Annotated[list[Button], Meta(min_length=1)] = []
    #: Standing buttons, shown after `buttons`.
    default_buttons: list[Button] = []
    #: Whether later messages to the person that have no keyboard of their own carry this one, while the session lasts.
    persist: bool = False
    #: Takes away the keyboard that persists, and is none itself.
    withdraw: bool = False
    background: Colour | None = None
    native_height: bool = False
    height: Annotated[int, Meta(ge=40, le=70)] | None = None
    height_scale: Annotated[int, Meta(ge=20, le=100)] = 100
    group_columns: Annotated[int, Meta(ge=1, le=6)] = 6
    group_rows: Annotated[int, Meta(ge=1, le=7)] = 2
    input_field: Literal["regular", "minimized", "hidden"] = "regular"
    favourite: Favourite | None = None
