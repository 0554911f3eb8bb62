"""From the guide's rich message to a neutral content: what is shown, what its buttons do, and all that is wrong. Pure.

The media type must be declared in `viberChannelSpecifics`; what is in the generic block alone is left out or refused.
Content and action are apart: a button's title changes nothing of what its payload triggers.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from tyrian.domain.content import Base, Image, KeyboardOnly, Text, Video
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.domain.problem import Problem
from tyrian.protocols.genesys import rich_wire as wire
from tyrian.protocols.genesys.organization import Organization

REPLY: Final = "reply"
OPEN_URL: Final = "open-url"
_VIBER: Final = "/content/viberChannelSpecifics"
_PARTS: Final = ("image", "video", "keyboard")
_METADATA: Final = 50

#: What a payload may be made of: short codes, and anything else percent-encoded.
_PAYLOAD: Final = re.compile(r"(?:[A-Za-z0-9_-]|%[0-9A-Fa-f]{2})+")
#: Control characters, and those that turn the direction of what is around them.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")

#: A place in the neutral content -> the same in this dialect.
_PLACES: Final = (
    ("/keyboard/default_buttons", f"{_VIBER}/keyboard/defaultButtons"),
    ("/keyboard", f"{_VIBER}/keyboard"),
    ("/text", "/content/text"),
)


@dataclass(slots=True)
class Rich:
    """What a message comes to."""

    content: Base | None = None
    problems: list[Problem] = field(default_factory=list)
    #: A button has an object for its payload, and the organisation has such messages dropped in silence.
    dropped: bool = False
    #: Members of the answer's warnings, for people.
    warnings: list[str] = field(default_factory=list)

    def wrong(self, pointer: str, message: str) -> None:
        """Notes something that is wrong."""
        self.problems.append(Problem(pointer, message))


def read(message: wire.RichMessage, organization: Organization, hosted: dict[str, str], *, persist: bool) -> Rich:
    """What a message comes to. `hosted` has the URLs of uploads by their ids; `persist` is the channel's default."""
    made = Rich()
    content = message.content or wire.RichContent()
    specifics = content.viber_channel_specifics or wire.ViberSpecifics()
    _check_frame(message, content, specifics, made)
    if specifics.image is not None and specifics.video is not None:
        made.wrong(f"{_VIBER}/video", "cannot go with an image: a message has one of the two")
    if content.media_urls and specifics.image is None and specifics.video is None:
        words = f"must be declared in {_VIBER[1:]}.image or .video, not in mediaUrls alone"
        if organization.generic_media == "refuse":
            made.wrong("/content/mediaUrls", words)
        else:
            made.warnings.append(f"mediaUrls {words}; the message goes out as text")
    keyboard = _keyboard(specifics.keyboard, organization, made, persist=persist)
    made.content = _content(content, specifics, keyboard, hosted, made)
    return made


def _check_frame(
    message: wire.RichMessage, content: wire.RichContent, specifics: wire.ViberSpecifics, made: Rich
) -> None:
    for name, value in (("/channelId", message.channel_id), ("/conversationId", message.conversation_id)):
        if not value:
            made.wrong(name, "is required")
    if (message.type or "MESSAGE").upper() != "MESSAGE":
        made.wrong("/type", 'must be "MESSAGE"')
    if content.type is not None:
        if content.type not in _PARTS:
            made.wrong("/content/type", f"must be one of {', '.join(_PARTS)}")
        elif getattr(specifics, content.type) is None:
            made.wrong("/content/type", f"names {content.type}, which {_VIBER[1:]} has not")
    if len(message.metadata or {}) > _METADATA:
        made.wrong("/metadata", f"must have at most {_METADATA} members")


# -- What is shown ----------------------------------------------------------------------------------------------------


def _content(
    content: wire.RichContent,
    specifics: wire.ViberSpecifics,
    keyboard: Keyboard | None,
    hosted: dict[str, str],
    made: Rich,
) -> Base | None:
    text = content.text or None
    if specifics.image is not None:
        url = _media(specifics.image, f"{_VIBER}/image", hosted, made)
        thumbnail = _link(specifics.image.thumbnail_url, f"{_VIBER}/image/thumbnailUrl", made)
        return Image(url=url, text=text, thumbnail=thumbnail, keyboard=keyboard) if url else None
    if specifics.video is not None:
        film = specifics.video
        url = _media(film, f"{_VIBER}/video", hosted, made)
        thumbnail = _link(film.thumbnail_url, f"{_VIBER}/video/thumbnailUrl", made)
        if not url:
            return None
        return Video(url=url, size=film.size, duration=film.duration, thumbnail=thumbnail, text=text, keyboard=keyboard)
    if text is not None:
        return Text(text=text, keyboard=keyboard)
    if keyboard is not None:
        return KeyboardOnly(keyboard=keyboard)
    if specifics.keyboard is None:
        made.wrong("/content/text", "is required where there is nothing else to show")
    return None


def _media(media: wire.Picture | wire.Film, at: str, hosted: dict[str, str], made: Rich) -> str | None:
    if media.media_id:
        url = hosted.get(media.media_id)
        if url is None:
            made.wrong(f"{at}/mediaId", "is no upload of this organization")
        return url
    if not media.url:
        made.wrong(f"{at}/url", "is required, or mediaId in its place")
        return None
    return _link(media.url, f"{at}/url", made)


def _link(url: str | None, at: str, made: Rich) -> str | None:
    """A URL of a hosted file: https, and nothing that carries its bytes itself."""
    if not url:
        return None
    if not url.lower().startswith("https://"):
        inline = url.lower().startswith("data:")
        made.wrong(at, "must be the https:// URL of a hosted file" + (", not the file itself" if inline else ""))
        return None
    return url


# -- Buttons ----------------------------------------------------------------------------------------------------------


def _keyboard(keys: wire.Keys | None, organization: Organization, made: Rich, *, persist: bool) -> Keyboard | None:
    if keys is None:
        return None
    lists = [("buttons", keys.buttons or []), ("defaultButtons", keys.default_buttons or [])]
    own, standing = (
        [
            button
            for n, key in enumerate(found)
            if (button := _button(key, f"{_VIBER}/keyboard/{name}/{n}", organization, made))
        ]
        for name, found in lists
    )
    if not any(found for _, found in lists):
        made.wrong(f"{_VIBER}/keyboard/buttons", "is required")
        return None
    persists = persist if keys.persist is None else keys.persist
    return Keyboard(buttons=own, default_buttons=standing, persist=persists) if own or standing else None


def _button(key: wire.Key, at: str, organization: Organization, made: Rich) -> Button | None:
    title = clean(key.title or "")
    if not title:
        made.wrong(f"{at}/title", "is required")
    if key.action_type == OPEN_URL:
        url = key.url or ""
        if not url.lower().startswith(("https://", "http://", "viber://", "tel:", "mailto:")):
            made.wrong(f"{at}/url", "is required: the address that the button opens")
        return Button(action="open-url", value=url or "-", text=title or "-")
    if key.action_type != REPLY:
        made.wrong(f"{at}/actionType", f'must be "{REPLY}" or "{OPEN_URL}"')
        return None
    value = _payload(key.payload, f"{at}/payload", organization, made)
    return Button(action="reply", value=value or "-", text=title or "-")


def _payload(payload: Any, at: str, organization: Organization, made: Rich) -> str | None:
    """A payload that comes back as it is. One that is no string is refused, or has the whole message dropped."""
    if payload is None or payload == "":
        made.wrong(at, "is required: what a tap brings back")
    elif not isinstance(payload, str):
        if organization.object_payload == "drop":
            made.dropped = True
        else:
            made.wrong(at, "must be a string; keep an instruction under a short code in the mapping table")
    elif len(payload) > organization.max_payload:
        made.wrong(at, f"must have at most {organization.max_payload} characters, has {len(payload)}")
    elif not _PAYLOAD.fullmatch(payload):
        made.wrong(at, "must be letters, digits, _ and -; percent-encode anything else")
    else:
        return payload
    return None


def clean(text: str) -> str:
    """What people see, without what they should not: control characters and those that turn text around."""
    return " ".join(_UNSAFE.sub(" ", text).split())


def place(pointer: str, content: Base) -> str:
    """Where a problem of the neutral content is in this dialect."""
    pointer = pointer.removeprefix("/content")
    for inner, outer in _PLACES:
        if pointer.startswith(inner):
            return outer + pointer[len(inner) :].replace("/value", "/payload").replace("/text", "/title")
    kind = {Image: "image", Video: "video"}.get(type(content))
    if kind is None:
        return f"/content{pointer}"
    return f"{_VIBER}/{kind}{pointer.replace('/thumbnail', '/thumbnailUrl')}"
