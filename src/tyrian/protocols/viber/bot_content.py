"""Neutral content as messages of the Bot API, and messages from people as neutral content.

Where the API has no member for something neutral, it is said with what there is: a URL button becomes a keyboard of one
row that opens the URL, a list becomes a text over a keyboard of replies, cards become blocks of rich media.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from tyrian.domain import content as neutral
from tyrian.domain.buttons import shown
from tyrian.domain.content import Base, Content, type_of
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.protocols.viber import bot_wire as wire, keyboards

Sender = wire.Sender | None


def to_wire(content: Base, receiver: str | None = None, sender: Sender = None) -> wire.SendMessage:
    """The request for a content that the bot's capabilities allow. Raises KeyError for a type that they do not.

    A welcome message and a broadcast have no receiver.
    """
    message = _BUILDERS[type_of(content)](content)
    keyboard = _keyboard(content)
    message.receiver = receiver
    message.sender = _sender(content.sender, sender)
    message.tracking_data = content.tracking_data
    message.keyboard = keyboards.to_keyboard(keyboard) if keyboard else None
    level = content.min_api_version or _level(content, keyboard)
    message.min_api_version = level if level > 1 else None
    return message


def _sender(own: neutral.SenderDisplay | None, default: Sender) -> Sender:
    if own is None:
        return default
    name = own.name if own.name is not None or default is None else default.name
    avatar = own.avatar if own.avatar is not None or default is None else default.avatar
    return wire.Sender(name=name, avatar=avatar)


def _keyboard(content: Any) -> Keyboard | None:
    """The content's own keyboard, under the rows that stand for its URL button or its options."""
    rows: list[Button] = []
    if getattr(content, "button", None) is not None:
        rows = [keyboards.link(content.button)]
    elif isinstance(content, neutral.Survey):
        rows = keyboards.replies(content.options)
    own = shown(content.keyboard)
    if not rows:
        return own
    if own is None:
        return Keyboard(buttons=rows)
    return msgspec.structs.replace(own, buttons=[*rows, *own.buttons])


def _level(content: Base, keyboard: Keyboard | None) -> int:
    level = 1 if keyboard is None else keyboards.keyboard_level(keyboard)
    if isinstance(content, neutral.Carousel):
        level = max(level, keyboards.RICH_MEDIA_LEVEL, keyboards.buttons_level(content.buttons or ()))
    return level


def _text(c: neutral.Text) -> wire.SendMessage:
    return wire.SendMessage(type="text", text=c.text)


def _image(c: neutral.Image) -> wire.SendMessage:
    # `text` is required with a picture, and may be empty.
    return wire.SendMessage(type="picture", text=c.text or "", media=c.url, thumbnail=c.thumbnail)


def _video(c: neutral.Video) -> wire.SendMessage:
    return wire.SendMessage(
        type="video", media=c.url, size=c.size, duration=c.duration, thumbnail=c.thumbnail, text=c.text
    )


def _file(c: neutral.File) -> wire.SendMessage:
    return wire.SendMessage(type="file", media=c.url, size=c.size, file_name=c.name)


def _location(c: neutral.Location) -> wire.SendMessage:
    return wire.SendMessage(type="location", location=wire.Location(lat=c.latitude, lon=c.longitude))


def _contact(c: neutral.Contact) -> wire.SendMessage:
    card = wire.Contact(name=c.name, phone_number=c.phone, avatar=c.avatar)
    return wire.SendMessage(type="contact", contact=card)


def _sticker(c: neutral.Sticker) -> wire.SendMessage:
    return wire.SendMessage(type="sticker", sticker_id=c.sticker_id)


def _url(c: neutral.UrlContent) -> wire.SendMessage:
    return wire.SendMessage(type="url", media=c.url)


def _carousel(c: neutral.Carousel) -> wire.SendMessage:
    return wire.SendMessage(type="rich_media", rich_media=keyboards.to_rich_media(c), alt_text=c.alt_text)


def _survey(c: neutral.Survey) -> wire.SendMessage:
    return wire.SendMessage(type="text", text=c.text)


def _keyboard_only(c: neutral.KeyboardOnly) -> wire.SendMessage:
    return wire.SendMessage()  # Has no `type`: the keyboard alone is the message.


_BUILDERS: Final[Mapping[str, Callable[[Any], wire.SendMessage]]] = {
    "text": _text,
    "image": _image,
    "video": _video,
    "file": _file,
    "location": _location,
    "contact": _contact,
    "sticker": _sticker,
    "url": _url,
    "carousel": _carousel,
    "list": _survey,
    "keyboard": _keyboard_only,
}


# -- From a person ----------------------------------------------------------------------------------------------------


def from_wire(message: wire.InboundMessage) -> Base:
    """A person's message in the neutral form; what cannot be said so comes as text, so that nothing is lost."""
    read = _READERS.get(message.type or "", _as_text)
    try:
        content = read(message)
        content.tracking_data = message.tracking_data
        # A struct checks its bounds only when decoded; what is stored must be readable again.
        return msgspec.json.decode(msgspec.json.encode(content), type=Content)  # type: ignore[no-any-return]
    except (msgspec.MsgspecError, ValueError, TypeError, AttributeError):
        return _as_text(message)


def _as_text(m: wire.InboundMessage) -> Base:
    words = m.text or m.media or msgspec.json.encode(m).decode()
    return neutral.Text(text=words, tracking_data=m.tracking_data)


def _read_text(m: wire.InboundMessage) -> Base:
    return neutral.Text(text=m.text or "")


def _read_picture(m: wire.InboundMessage) -> Base:
    return neutral.Image(url=m.media or "", text=m.text or None, thumbnail=m.thumbnail or None)


def _read_video(m: wire.InboundMessage) -> Base:
    return neutral.Video(
        url=m.media or "", size=m.size, duration=m.duration, thumbnail=m.thumbnail or None, text=m.text or None
    )


def _read_file(m: wire.InboundMessage) -> Base:
    return neutral.File(url=m.media or "", name=m.file_name or "file", size=m.size)


def _read_contact(m: wire.InboundMessage) -> Base:
    card = m.contact or wire.Contact()
    number = card.phone_number or ""
    return neutral.Contact(name=card.name or number, phone=number, avatar=card.avatar or None)


def _read_location(m: wire.InboundMessage) -> Base:
    place = m.location
    if place is None:
        raise ValueError("no location")
    return neutral.Location(latitude=float(place.lat), longitude=float(place.lon), address=place.address)


def _read_sticker(m: wire.InboundMessage) -> Base:
    return neutral.Sticker(sticker_id=int(m.sticker_id or ""))


def _read_url(m: wire.InboundMessage) -> Base:
    return neutral.UrlContent(url=m.media or m.text or "")


_READERS: Final[Mapping[str, Callable[[wire.InboundMessage], Base]]] = {
    "text": _read_text,
    "picture": _read_picture,
    "video": _read_video,
    "file": _read_file,
    "contact": _read_contact,
    "location": _read_location,
    "sticker": _read_sticker,
    "url": _read_url,
}
