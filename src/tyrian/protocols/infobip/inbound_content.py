"""What people send, between the neutral form and the vendor's: written by the face, read by the connector."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from tyrian.domain import content as neutral
from tyrian.domain.content import Base, Content, type_of
from tyrian.protocols.infobip import inbound_wire as wire

#: What a file is called that has no name: the vendor's FILE may lack one, ours may not.
_NAMELESS: Final = "file"
_IMAGES: Final = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")
_VIDEOS: Final = (".3gp", ".m4v", ".mov", ".mp4")
_SOUNDS: Final = (".mp3", ".m4a", ".ogg", ".wav", ".aac", ".amr")


# -- Neutral to vendor ------------------------------------------------------------------------------------------------


def to_business(content: Base) -> wire.HeardText | wire.HeardFile:
    """What a business hears: pictures, sounds and videos come as FILE (assumed), whatever has no URL as TEXT."""
    given: Any = content
    tracking = content.tracking_data
    if isinstance(content, neutral.Image | neutral.Video | neutral.Audio | neutral.File):
        return wire.HeardFile(
            url=given.url,
            file_name=getattr(given, "name", None) or _last_of(given.url),
            text=getattr(given, "text", None),
            tracking_data=tracking,
        )
    return wire.HeardText(text=in_words(content), tracking_data=tracking)


def to_bot(content: Base) -> wire.SaidContent:
    """What a bot hears of a person's message."""
    made = _BOT.get(type_of(content), _bot_text)(content)
    made.tracking_data = content.tracking_data
    return made


def in_words(content: Base) -> str:
    """A content that a dialect has no member for, in as few words as say it."""
    given: Any = content
    if isinstance(content, neutral.Location):
        return f"{content.latitude},{content.longitude}"
    if isinstance(content, neutral.Contact):
        return f"{content.name} {content.phone}".strip()
    if isinstance(content, neutral.Sticker):
        return f"sticker {content.sticker_id}"
    return str(getattr(given, "text", None) or getattr(given, "url", None) or "")


def _bot_text(content: Any) -> wire.SaidContent:
    return wire.SaidText(text=in_words(content))


def _bot_image(content: neutral.Image) -> wire.SaidContent:
    return wire.SaidImage(url=content.url, thumbnail_url=content.thumbnail, text=content.text)


def _bot_video(content: neutral.Video) -> wire.SaidContent:
    return wire.SaidVideo(
        url=content.url,
        thumbnail_url=content.thumbnail,
        size=content.size,
        duration=content.duration,
        description=content.text,
    )


def _bot_file(content: neutral.File) -> wire.SaidContent:
    return wire.SaidFile(url=content.url, file_name=content.name, size=content.size)


def _bot_audio(content: neutral.Audio) -> wire.SaidContent:
    return wire.SaidFile(url=content.url, file_name=content.name or _last_of(content.url), size=content.size)


def _bot_location(content: neutral.Location) -> wire.SaidContent:
    place = wire.SaidPlace(latitude=content.latitude, longitude=content.longitude, address=content.address)
    return wire.SaidLocation(location=place)


def _bot_contact(content: neutral.Contact) -> wire.SaidContent:
    return wire.SaidContact(
        contact=wire.SaidContactCard(phone_number=content.phone, name=content.name, avatar=content.avatar)
    )


def _bot_sticker(content: neutral.Sticker) -> wire.SaidContent:
    return wire.SaidSticker(id=str(content.sticker_id))


_BOT: Final[Mapping[str, Callable[[Any], wire.SaidContent]]] = {
    "text": _bot_text,
    "image": _bot_image,
    "video": _bot_video,
    "file": _bot_file,
    "audio": _bot_audio,
    "location": _bot_location,
    "contact": _bot_contact,
    "sticker": _bot_sticker,
}


# -- Vendor to neutral ------------------------------------------------------------------------------------------------


def from_business(said: wire.HeardText | wire.HeardFile) -> Base:
    """What a person sent to a business; a file is what the ending of its name says."""
    if isinstance(said, wire.HeardText):
        return _stored(neutral.Text(text=said.text or " "), said.tracking_data)
    url, caption = said.url or "", said.text or None
    name = (said.file_name or _last_of(url)).lower()
    made: Base = neutral.File(url=url, name=said.file_name or _last_of(url))
    if name.endswith(_IMAGES):
        made = neutral.Image(url=url, text=caption)
    elif name.endswith(_VIDEOS):
        made = neutral.Video(url=url, text=caption)
    elif name.endswith(_SOUNDS):
        made = neutral.Audio(url=url, name=said.file_name)
    return _stored(made, said.tracking_data)


def from_bot(said: wire.SaidContent) -> Base:
    """What a person sent to a bot."""
    return _stored(_NEUTRAL[type(said)](said), said.tracking_data)


def _stored(content: Base, tracking: str | None) -> Base:
    """The content with its tracking data, if it can be read again once stored; else what it says as a text."""
    content.tracking_data = tracking
    try:
        return msgspec.json.decode(msgspec.json.encode(content), type=Content)  # type: ignore[no-any-return]
    except (msgspec.MsgspecError, ValueError):
        return neutral.Text(text=in_words(content) or " ", tracking_data=tracking)


def _from_file(said: wire.SaidFile) -> Base:
    url = said.url or ""
    name = said.file_name or _last_of(url)
    if name.lower().endswith(_SOUNDS):
        return neutral.Audio(url=url, name=name, size=said.size)
    return neutral.File(url=url, name=name, size=said.size)


def _from_contact(said: wire.SaidContact) -> Base:
    card = said.contact or wire.SaidContactCard()
    number = card.phone_number or ""
    return neutral.Contact(name=card.name or number, phone=number, avatar=card.avatar)


def _from_location(said: wire.SaidLocation) -> Base:
    place = said.location
    if place is None:
        return neutral.Text(text=" ")
    return neutral.Location(latitude=place.latitude, longitude=place.longitude, address=place.address)


def _from_sticker(said: wire.SaidSticker) -> Base:
    if said.id is None or not (said.id.isascii() and said.id.isdigit() and len(said.id) < 19):
        return neutral.Text(text=said.url or " ")
    return neutral.Sticker(sticker_id=int(said.id))


_NEUTRAL: Final[Mapping[type, Callable[[Any], Base]]] = {
    wire.SaidText: lambda said: neutral.Text(text=said.text or " "),
    wire.SaidImage: lambda said: neutral.Image(url=said.url or "", text=said.text, thumbnail=said.thumbnail_url),
    wire.SaidVideo: lambda said: neutral.Video(
        url=said.url or "",
        size=said.size,
        duration=said.duration,
        thumbnail=said.thumbnail_url,
        text=said.description,
    ),
    wire.SaidFile: _from_file,
    wire.SaidAudio: lambda said: neutral.Audio(
        url=said.url or "", name=said.file_name, size=said.size, duration=said.duration
    ),
    wire.SaidContact: _from_contact,
    wire.SaidLocation: _from_location,
    wire.SaidSticker: _from_sticker,
}


def _last_of(url: str) -> str:
    """The last part of a URL's path: what a file is called that has no other name."""
    return (url.partition("?")[0].rpartition("/")[2] or _NAMELESS)[-256:]
