"""Contents on their way to Genesys and back: what a person says to it, and what it says to a person."""

import mimetypes
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from tyrian.domain import content as neutral
from tyrian.domain.content import Base, Content
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.protocols.genesys.connector_wire import Attachment, Element, Webhook

#: A content's type -> Genesys' media type, and the MIME type of a file whose URL does not tell.
_MEDIA: Final = {
    "image": ("Image", "image/jpeg"),
    "video": ("Video", "video/mp4"),
    "audio": ("Audio", "audio/mpeg"),
    "file": ("File", "application/octet-stream"),
}
_MAX_URL: Final = 2000
_MAX_LABEL: Final = 250
_MAX_NAME: Final = 256


# -- To Genesys -------------------------------------------------------------------------------------------------------


def write(content: Base) -> tuple[str | None, list[Element] | None]:
    """The text and the attachments of a person's message. ValueError for a content that has no form there."""
    kind = str(content.__struct_config__.tag)
    if isinstance(content, neutral.Text):
        return content.text, None
    if kind not in _MEDIA:
        raise ValueError(f"Genesys Cloud takes no {kind} from people")
    said: Any = content
    media_type, otherwise = _MEDIA[kind]
    mime = mimetypes.guess_type(urlsplit(said.url).path)[0] or otherwise
    attachment = Attachment(media_type, said.url, mime, getattr(said, "name", None))
    return getattr(said, "text", None), [Element(attachment)]


# -- From Genesys -----------------------------------------------------------------------------------------------------


def read(webhook: Webhook) -> list[Base]:
    """What a webhook says to a person. Words that a file cannot carry come before it, as a content of their own."""
    elements = [e for e in webhook.content if isinstance(e, dict)] if isinstance(webhook.content, list) else []
    words = "\n".join(line for line in [_text(webhook.text), *(_said(e) for e in elements)] if line)
    buttons = [button for element in elements for button in _buttons(element)]
    media = [content for element in elements if (content := _media(element)) is not None]
    found = _together(words, media)
    if buttons:
        found[-1].keyboard = Keyboard(buttons=buttons)
    return [_sound(content, words) for content in found]


def _together(words: str, media: list[Base]) -> list[Base]:
    if not media:
        return [neutral.Text(text=words or "(empty message)")]
    first = media[0]
    if words and isinstance(first, neutral.Image | neutral.Video):
        first.text = words
        return media
    return [neutral.Text(text=words), *media] if words else media


def _sound(content: Base, words: str) -> Base:
    """The content if it is one that can be stored and read again; else its words alone."""
    try:
        return msgspec.convert(msgspec.to_builtins(content), Content)  # type: ignore[no-any-return]
    except msgspec.ValidationError:
        return neutral.Text(text=words or "(a message that could not be read)")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _of(element: dict[str, Any], member: str) -> dict[str, Any]:
    value = element.get(member)
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _said(element: dict[str, Any]) -> str:
    """The words of an element that is more than a file or a button."""
    lines = [_text(_of(element, "text").get("body")), _text(_of(_of(element, "template"), "body").get("text"))]
    lines += [_text(_of(element, "quickReplyV2").get("title"))]
    for card in _cards(element):
        lines += [_text(card.get("title")), _text(card.get("description"))]
    place = _of(element, "location")
    lines += [_text(place.get("text")), _text(place.get("address")), _text(place.get("url"))]
    return "\n".join(line for line in lines if line)


def _cards(element: dict[str, Any]) -> list[dict[str, Any]]:
    card = _of(element, "card")
    return [*([card] if card else []), *_list(_of(element, "carousel").get("cards"))]


def _buttons(element: dict[str, Any]) -> list[Button]:
    actions = [_of(element, "quickReply"), *_list(_of(element, "quickReplyV2").get("actions"))]
    actions += [action for card in _cards(element) for action in _list(card.get("actions"))]
    actions += _list(_of(element, "template").get("buttons"))
    return [button for action in actions if (button := _button(action)) is not None]


def _button(action: dict[str, Any]) -> Button | None:
    label, payload, url = _text(action.get("text")), _text(action.get("payload")), _text(action.get("url"))
    if not label:
        return None
    if url:
        return Button(action="open-url", value=url, text=label[:_MAX_LABEL])
    return Button(action="reply", value=payload or label, text=label[:_MAX_LABEL])


def _media(element: dict[str, Any]) -> Base | None:
    about = _of(element, "attachment")
    url = _text(about.get("url"))
    if not 0 < len(url) <= _MAX_URL:
        return None
    size = about.get("contentSizeBytes")
    size = size if isinstance(size, int) and 0 <= size <= 2**53 else None
    name = _text(about.get("filename")) or _text(about.get("text"))
    match about.get("mediaType"):
        case "Image":
            return neutral.Image(url=url)
        case "Video":
            return neutral.Video(url=url, size=size)
        case "Audio":
            return neutral.Audio(url=url, name=name or None, size=size)
        case "Link":
            return neutral.UrlContent(url=url)
    return neutral.File(url=url, name=(name or "file")[:_MAX_NAME], size=size)
