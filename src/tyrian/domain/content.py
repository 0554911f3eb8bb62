"""The neutral content of a message: one struct per kind, told apart by `type`.

Whatever a vendor's dialect can say fits in here; what a channel can carry of it is data (`domain/limits.py`).
Types hold only what is true everywhere; a channel's own limits are checked against its capabilities.
"""

from typing import Annotated, Any, get_args

from msgspec import Meta, Struct

from tyrian.domain.keyboard import Button, Colour, Keyboard, Url

Count = Annotated[int, Meta(ge=0, le=2**53)]


class SenderDisplay(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The name and picture shown for a bot's message instead of its own."""

    name: Annotated[str, Meta(max_length=28)] | None = None
    avatar: Url | None = None


class LinkButton(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One button under a message that opens a URL. With an `id`, its clicks are counted."""

    text: Annotated[str, Meta(min_length=1)]
    url: Url
    id: str | None = None


class Base(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type"):
    """What every content may also carry."""

    keyboard: Keyboard | None = None
    tracking_data: str | None = None
    sender: SenderDisplay | None = None
    min_api_version: Annotated[int, Meta(ge=1, le=100)] | None = None


class Text(Base, tag="text"):
    """Words, with one URL button if wanted."""

    text: Annotated[str, Meta(min_length=1)]
    button: LinkButton | None = None


class Image(Base, tag="image"):
    """A picture by URL, with a caption and one URL button if wanted."""

    url: Url
    text: str | None = None
    thumbnail: Url | None = None
    button: LinkButton | None = None


class Video(Base, tag="video"):
    """A video by URL. `size` in bytes, `duration` in seconds."""

    url: Url
    size: Count | None = None
    duration: Count | None = None
    thumbnail: Url | None = None
    text: str | None = None
    button: LinkButton | None = None


class File(Base, tag="file"):
    """A file by URL. `size` in bytes; `name` with its extension."""

    url: Url
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    size: Count | None = None


class Audio(Base, tag="audio"):
    """A sound, as people send it to us. `size` in bytes, `duration` in seconds."""

    url: Url
    name: str | None = None
    size: Count | None = None
    duration: Count | None = None


class Location(Base, tag="location"):
    """A place, in degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    address: str | None = None


class Contact(Base, tag="contact"):
    """A person's name and number."""

    name: Annotated[str, Meta(min_length=1)]
    phone: Annotated[str, Meta(min_length=1)]
    avatar: Url | None = None


class Sticker(Base, tag="sticker"):
    """A sticker of the network's own, by its number."""

    sticker_id: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class UrlContent(Base, tag="url"):
    """A bare URL, shown with a preview."""

    url: Url


class Card(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One card of a carousel of cards."""

    title: Annotated[str, Meta(min_length=1)]
    image: Url
    primary: LinkButton
    secondary: LinkButton | None = None


class Carousel(Base, tag="carousel"):
    """Cards side by side (`cards`), or a free grid of buttons (`buttons`); exactly one of the two.

    A grid is cut into blocks of `group_columns` x `group_rows`; each block is one page of the carousel.
    """

    text: str | None = None
    cards: list[Card] | None = None
    buttons: Annotated[list[Button], Meta(min_length=1)] | None = None
    group_columns: Annotated[int, Meta(ge=1, le=6)] = 6
    group_rows: Annotated[int, Meta(ge=1, le=7)] = 7
    background: Colour | None = None
    height_scale: Annotated[int, Meta(ge=20, le=100)] = 100
    alt_text: str | None = None


class Survey(Base, tag="list"):
    """A question with options to pick from."""

    text: Annotated[str, Meta(min_length=1)]
    options: Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1)]


class Template(Base, tag="template"):
    """A text registered with the network beforehand, by its id, with its parameters."""

    template_id: Annotated[str, Meta(min_length=1)]
    language: str | None = None
    parameters: dict[str, str] = {}
    #: The text to show where a channel knows no templates (an SMS fallback, for example).
    text: str | None = None


class KeyboardOnly(Base, tag="keyboard"):
    """No message: only put a keyboard in front of the person (`keyboard` is required)."""


Content = (
    Text
    | Image
    | Video
    | File
    | Audio
    | Location
    | Contact
    | Sticker
    | UrlContent
    | Carousel
    | Survey
    | Template
    | KeyboardOnly
)

CONTENT_TYPES: dict[str, type[Base]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Content)}


def type_of(content: Base) -> str:
    """The content's `type` word."""
    return str(content.__struct_config__.tag)


def shape_of(content: Base) -> str:
    """What a content is made of, as rate rules see it: `text`, `text+button`, `image+text+button`, `list`, ..."""
    parts = [type_of(content)]
    extra: Any = content
    if type_of(content) in ("image", "video") and extra.text:
        parts.append("text")
    if getattr(content, "button", None) is not None:
        parts.append("button")
    return "+".join(parts)
