"""What a message of the Messages API says, in neutral form.

That API speaks of all channels at once, and adapts what one of them lacks (`adaptationMode`, on unless turned off): a
button that bots have not is left out, a place for a business comes as words. `Unfit` is raised for what cannot be said.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from tyrian.domain import content as neutral, keyboard as board
from tyrian.domain.content import Base
from tyrian.domain.purpose import Purpose
from tyrian.protocols.infobip import messages_wire as wire
from tyrian.protocols.infobip.content import Unfit

_CONTENT: Final[Any] = neutral.Content
#: The parameter that makes a template one for one-time passwords.
_PIN: Final = "pin"
#: Rows of one card in the grid of a bot's carousel.
_CARD_ROWS: Final = 7
#: The words on the button of a rich link that names none, and on one that asks where the person is.
_OPEN: Final = "Open"
_WHERE: Final = "Share location"
_FILE: Final = "file"
_PROMOTIONAL: Final = (neutral.Image, neutral.Video, neutral.Carousel)


def of_message(channel: str, content: wire.Content, *, adapt: bool, tracking: str | None = None) -> Base:
    """A content for a channel. Raises `Unfit`."""
    made = _BUILDERS[channel](content, adapt)
    if channel == "VIBER_BM":
        made.tracking_data = tracking
    return sound(made)


def of_template(template: wire.Template, content: wire.TemplateContent | None, tracking: str | None) -> Base:
    """A template; its parameters are the members of the body beside its type. Raises `Unfit`."""
    members = (content.body if content is not None else None) or {}
    parameters = {name: value for name, value in members.items() if name != "type"}
    wrong = [name for name, value in parameters.items() if not isinstance(value, str)]
    if wrong:
        raise Unfit(f"the parameter {wrong[0][:64]} is no text")
    return sound(
        neutral.Template(
            template_id=template.template_name,
            language=template.language,
            parameters=parameters,
            tracking_data=tracking,
        )
    )


def purpose_of(channel: str, content: Base, options: wire.Options) -> Purpose:
    """What a message is for, as far as its options and its content tell."""
    if channel != "VIBER_BM":
        return Purpose.TRANSACTIONAL
    if isinstance(content, neutral.Template):
        return Purpose.OTP if _PIN in content.parameters else Purpose.TRANSACTIONAL
    button = getattr(content, "button", None) is not None
    if options.session_rate and not button and isinstance(content, neutral.Text | neutral.Image | neutral.File):
        return Purpose.SESSION
    if options.traffic_type is not None:
        return Purpose.PROMOTIONAL if options.traffic_type == "PROMOTIONAL" else Purpose.TRANSACTIONAL
    return Purpose.PROMOTIONAL if button or isinstance(content, _PROMOTIONAL) else Purpose.TRANSACTIONAL


def sound(content: Base) -> Base:
    """The content, held against the neutral model. Raises `Unfit`."""
    try:
        return msgspec.convert(msgspec.to_builtins(content), _CONTENT)  # type: ignore[no-any-return]
    except msgspec.ValidationError as error:
        raise Unfit(str(error)) from None


# -- Bots -------------------------------------------------------------------------------------------------------------


def _for_bot(content: wire.Content, adapt: bool) -> Base:
    made = _bot_body(content.body, adapt)
    _add_words(made, content, adapt)
    rows = [row for button in content.buttons or () if (row := _key(button, adapt)) is not None]
    if rows:
        made.keyboard = board.Keyboard(buttons=rows)
    shown = content.sender_display_info
    if shown is not None:
        made.sender = neutral.SenderDisplay(name=shown.name, avatar=shown.avatar_url)
    return made


def _bot_body(body: wire.Body, adapt: bool) -> Base:
    if isinstance(body, wire.StickerBody):
        if not (body.reference.isascii() and body.reference.isdigit() and len(body.reference) < 19):
            raise Unfit("a sticker is named by its number")
        return neutral.Sticker(sticker_id=int(body.reference))
    if isinstance(body, wire.CarouselBody):
        return neutral.Carousel(buttons=[b for card in body.cards for b in _block(card, adapt)])
    if isinstance(body, wire.LocationBody):
        return neutral.Location(latitude=body.latitude, longitude=body.longitude)
    if isinstance(body, wire.ContactBody):
        return neutral.Contact(name=body.name, phone=body.phone_number)
    return _common(body)


def _common(body: Any) -> Base:
    """The bodies that both products have."""
    build = _COMMON.get(type(body))
    if build is None:
        raise Unfit("the channel has nothing for this body")
    return build(body)


def _rich_link(body: wire.RichLinkBody) -> Base:
    button = neutral.LinkButton(text=body.button_text or _OPEN, url=body.redirect_url)
    if body.is_video:
        return neutral.Video(url=body.url, text=body.text, thumbnail=body.thumbnail_url, button=button)
    return neutral.Image(url=body.url, text=body.text, button=button)


def _list(body: wire.ListBody) -> Base:
    words = "\n".join(filter(None, (body.text, body.subtext)))
    return neutral.Survey(text=words, options=[item.text for s in body.sections for item in s.items])


def _document(body: wire.DocumentBody) -> Base:
    return neutral.File(url=body.url, name=body.filename or body.url.rpartition("/")[2][-256:] or _FILE)


_COMMON: Final[Mapping[type, Callable[[Any], Base]]] = {
    wire.TextBody: lambda body: neutral.Text(text=body.text),
    wire.ImageBody: lambda body: neutral.Image(url=body.url, text=body.text or None),
    wire.VideoBody: lambda body: neutral.Video(url=body.url, text=body.text or None, thumbnail=body.thumbnail_url),
    wire.DocumentBody: _document,
    wire.RichLinkBody: _rich_link,
    wire.ListBody: _list,
}


def _key(button: Any, adapt: bool) -> board.Button | None:
    """A button as a row of a keyboard or of a card; None for what Viber has no button for."""
    build = _KEYS.get(type(button))
    if build is not None:
        return build(button)
    if not adapt:
        raise Unfit("Viber has no button that adds to a calendar")
    return None


def _show(button: wire.ShowLocationButton) -> board.Button:
    point = board.MapPoint(latitude=button.latitude, longitude=button.longitude)
    return board.Button(action="open-map", value=button.postback_data or "", text=button.text, map=point)


def _opens(url: str, text: str) -> board.Button:
    """Silent, so that a tap does not also write the URL into the chat as the person's words."""
    return board.Button(action="open-url", value=url, text=text, silent=True)


_KEYS: Final[Mapping[type, Callable[[Any], board.Button]]] = {
    wire.ReplyButton: lambda b: board.Button(value=b.postback_data or b.text, text=b.text),
    wire.OpenUrlButton: lambda b: _opens(b.url, b.text),
    wire.DialPhoneButton: lambda b: _opens("tel:" + b.phone_number.replace(" ", ""), b.text),
    wire.ShowLocationButton: _show,
    wire.RequestLocationButton: lambda b: board.Button(
        action="location-picker", value=b.postback_data or "", text=b.text or _WHERE
    ),
}


def _block(card: wire.MessagesApiCard, adapt: bool) -> list[board.Button]:
    """A card as a block of a bot's grid: picture, title, and a row for each button."""
    keys = [key for button in card.buttons or () if (key := _key(button, adapt)) is not None][:3]
    for key in keys:
        key.rows = 1
    words = "\n".join(filter(None, (card.body.title, card.body.text)))
    tap = keys[0] if keys else board.Button(action="none", value="", text=" ")
    blank: dict[str, Any] = {"action": tap.action, "value": tap.value, "silent": tap.silent, "map": tap.map}
    rows = _CARD_ROWS - len(keys)
    if card.body.url is None:
        return [board.Button(**blank, text=words or " ", rows=rows), *keys]
    if not words:
        return [board.Button(**blank, image=card.body.url, rows=rows), *keys]
    picture = board.Button(**blank, image=card.body.url, rows=rows - 1)
    return [picture, board.Button(**blank, text=words, rows=1), *keys]


# -- Businesses -------------------------------------------------------------------------------------------------------


def _for_business(content: wire.Content, adapt: bool) -> Base:
    made = _business_body(content.body, adapt)
    _add_words(made, content, adapt)
    return _with_buttons(made, content.buttons or (), adapt)


def _business_body(body: Any, adapt: bool) -> Base:
    if isinstance(body, wire.CarouselBody):
        return neutral.Carousel(text=" ", cards=[_card(card) for card in body.cards])
    if isinstance(body, wire.LocationBody) and adapt:
        place = f"{body.latitude},{body.longitude}"
        return neutral.Text(text="\n".join(filter(None, (body.name, body.address, place))))
    if isinstance(body, wire.ContactBody) and adapt:
        return neutral.Text(text=f"{body.name}\n{body.phone_number}")
    # A business video needs its length, for which this API has no member.
    if isinstance(body, wire.VideoBody) and adapt:
        return neutral.Text(text="\n".join(filter(None, (body.text, body.url))))
    if isinstance(body, wire.RichLinkBody) and body.is_video and adapt:
        link = neutral.LinkButton(text=body.button_text or _OPEN, url=body.redirect_url)
        return neutral.Text(text=f"{body.text}\n{body.url}", button=link)
    return _common(body)


def _with_buttons(made: Base, buttons: Sequence[Any], adapt: bool) -> Base:
    """One URL button under a message, or replies as a list: a business has no others."""
    links = [b for b in buttons if isinstance(b, wire.OpenUrlButton)]
    replies = [b for b in buttons if isinstance(b, wire.ReplyButton)]
    spare = len(buttons) - len(links) - len(replies) + max(len(links) - 1, 0)
    if links and hasattr(made, "button"):
        made.button = neutral.LinkButton(text=links[0].text, url=links[0].url)
        spare += len(replies)
    elif replies and isinstance(made, neutral.Text):
        made = neutral.Survey(text=made.text, options=[reply.text for reply in replies])
    else:
        spare = len(buttons)
    if spare and not adapt:
        raise Unfit("a business message has one button that opens a page, or replies alone")
    return made


def _card(card: wire.MessagesApiCard) -> neutral.Card:
    links = [
        neutral.LinkButton(text=b.text, url=b.url) for b in card.buttons or () if isinstance(b, wire.OpenUrlButton)
    ]
    words = card.body.title or card.body.text
    if not links or not words or card.body.url is None:
        raise Unfit("a card needs words, a picture and a button that opens a page")
    return neutral.Card(
        title=words, image=card.body.url, primary=links[0], secondary=links[1] if len(links) > 1 else None
    )


# -- SMS --------------------------------------------------------------------------------------------------------------


def _for_sms(content: wire.Content, adapt: bool) -> Base:
    if not isinstance(content.body, wire.TextBody):
        raise Unfit("an SMS has a text")
    made = neutral.Text(text=content.body.text)
    _add_words(made, content, adapt)
    return made


_BUILDERS: Final[Mapping[str, Callable[[wire.Content, bool], Base]]] = {
    "VIBER_BOT": _for_bot,
    "VIBER_BM": _for_business,
    "SMS": _for_sms,
}


def _add_words(made: Any, content: wire.Content, adapt: bool) -> None:
    """Header and footer, which Viber has not, as the first and last lines of the text."""
    header = content.header.text if content.header is not None else None
    footer = content.footer.text if content.footer is not None else None
    if not header and not footer:
        return
    if not adapt or not hasattr(made, "text"):
        raise Unfit("Viber has no header and no footer")
    made.text = "\n".join(filter(None, (header, made.text, footer)))
