"""A neutral content in the normalized form: a text and elements. Pure.

Answering buttons are quick replies; a button that opens a URL is a card with a link, for quick replies have none.
"""

import mimetypes
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from tyrian.domain import content as neutral
from tyrian.domain.content import Base, LinkButton
from tyrian.domain.keyboard import Button
from tyrian.protocols.genesys.message_wire import (
    Attachment,
    ButtonResponse,
    Card,
    CardAction,
    Carousel,
    Element,
    Parameter,
    Place,
    QuickReply,
    Template,
    TemplateBody,
)

TEXT: Final = "Text"
STRUCTURED: Final = "Structured"
#: A content's type -> the media type of its attachment, and the MIME type where the URL does not tell.
_MEDIA: Final = {
    "image": ("Image", "image/jpeg"),
    "video": ("Video", "video/mp4"),
    "audio": ("Audio", "audio/mpeg"),
    "file": ("File", "application/octet-stream"),
}
_BUTTONS: Final = frozenset({"reply", "none"})


def normalized(
    content: Base | None, *, alt: str | None = None, pressed: ButtonResponse | None = None
) -> tuple[str, str | None, list[Element]]:
    """Type, text and elements of a message. `alt` describes its picture; `pressed` is the button whose press it was."""
    if content is None:
        return TEXT, None, []
    text, elements = _PARTS.get(type(content), _nothing)(content)
    if pressed is not None:
        return STRUCTURED, pressed.text, [Element(content_type="ButtonResponse", button_response=pressed)]
    for element in elements:
        if alt and element.attachment is not None:
            element.attachment.text = alt
    keyboard = content.keyboard
    if keyboard is not None:
        elements += _of_buttons([*keyboard.buttons, *keyboard.default_buttons])
    plain = all(element.attachment is not None for element in elements)
    return (TEXT if plain else STRUCTURED), text, elements


def words_of(content: Base | None) -> str:
    """What can be read of a content: its text, or its link."""
    if content is None:
        return ""
    text, elements = _PARTS.get(type(content), _nothing)(content)
    if text:
        return text
    return next((e.attachment.url or "" for e in elements if e.attachment is not None), "")


# -- Contents ---------------------------------------------------------------------------------------------------------

_Parts = tuple[str | None, list[Element]]


def _nothing(content: Any) -> _Parts:
    return None, []


def _text(content: neutral.Text) -> _Parts:
    return content.text, _of_link(content.button, content.text)


def _media(content: Any) -> _Parts:
    media_type, otherwise = _MEDIA[neutral.type_of(content)]
    attachment = Attachment(
        media_type=media_type,
        url=content.url,
        mime=mimetypes.guess_type(urlsplit(content.url).path)[0] or otherwise,
        filename=getattr(content, "name", None),
        content_size_bytes=getattr(content, "size", None),
    )
    text = getattr(content, "text", None)
    found = [Element(content_type="Attachment", attachment=attachment)]
    return text, found + _of_link(getattr(content, "button", None), text)


def _location(content: neutral.Location) -> _Parts:
    place = Place(latitude=content.latitude, longitude=content.longitude, address=content.address)
    return content.address, [Element(content_type="Location", location=place)]


def _contact(content: neutral.Contact) -> _Parts:
    return f"{content.name} {content.phone}", []


def _sticker(content: neutral.Sticker) -> _Parts:
    return f"[sticker {content.sticker_id}]", []


def _url(content: neutral.UrlContent) -> _Parts:
    attachment = Attachment(media_type="Link", url=content.url)
    return content.url, [Element(content_type="Attachment", attachment=attachment)]


def _carousel(content: neutral.Carousel) -> _Parts:
    if not content.cards:
        return content.text or content.alt_text, _of_buttons(content.buttons or ())
    cards = [
        Card(
            title=card.title,
            image=card.image,
            actions=[_link(button) for button in (card.primary, card.secondary) if button is not None],
        )
        for card in content.cards
    ]
    return content.text, [Element(content_type="Carousel", carousel=Carousel(cards=cards))]


def _survey(content: neutral.Survey) -> _Parts:
    return content.text, [_reply(option, option) for option in content.options]


def _template(content: neutral.Template) -> _Parts:
    values = [Parameter(name=name, text=value) for name, value in content.parameters.items()]
    body = TemplateBody(text=content.text, parameters=values)
    template = Template(id=content.template_id, language=content.language, body=body)
    return content.text, [Element(content_type="Notification", template=template)]


_PARTS: Final[dict[type, Callable[[Any], _Parts]]] = {
    neutral.Text: _text,
    neutral.Image: _media,
    neutral.Video: _media,
    neutral.Audio: _media,
    neutral.File: _media,
    neutral.Location: _location,
    neutral.Contact: _contact,
    neutral.Sticker: _sticker,
    neutral.UrlContent: _url,
    neutral.Carousel: _carousel,
    neutral.Survey: _survey,
    neutral.Template: _template,
}


# -- Buttons ----------------------------------------------------------------------------------------------------------


def _of_buttons(buttons: Iterable[Button]) -> list[Element]:
    found = []
    for button in buttons:
        label = button.text or button.value
        if button.action == "open-url":
            link = CardAction(type="Link", text=label, url=button.value)
            found.append(Element(content_type="Card", card=Card(title=label, actions=[link])))
        elif button.action in _BUTTONS:
            found.append(_reply(label, button.value))
    return found


def _of_link(button: LinkButton | None, title: str | None) -> list[Element]:
    if button is None:
        return []
    return [Element(content_type="Card", card=Card(title=title or button.text, actions=[_link(button)]))]


def _link(button: LinkButton) -> CardAction:
    return CardAction(type="Link", text=button.text, url=button.url)


def _reply(text: str, payload: str) -> Element:
    return Element(content_type="QuickReply", quick_reply=QuickReply(text=text, payload=payload))
