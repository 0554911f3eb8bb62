"""What a request says, in neutral form: the contents of bots and of business messages.

`Unfit` is raised for what the vendor's schema lets through and nothing here can carry; the destination is then rejected
within the answer, as the vendor does with what it finds out after reading a request.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from tyrian.domain import content as neutral
from tyrian.domain.content import Base, Content
from tyrian.domain.purpose import Purpose
from tyrian.protocols.infobip import wire, wire_bot as bot, wire_business as business
from tyrian.protocols.infobip.keyboards import buttons_of, keyboard_of

#: ISO 8601 durations of hours, minutes and seconds (`PT1M5S`).
_DURATION: Final = re.compile(r"PT(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,8})(?:\.\d+)?S)?", re.IGNORECASE)
#: The parameter that makes a template one for one-time passwords (OpenAPI 3.210.0, templates).
_PIN: Final = "pin"


_CONTENT: Final[Any] = Content


class Unfit(Exception):
    """A content that nothing here can carry; the text says why."""


# -- Bots -------------------------------------------------------------------------------------------------------------


def of_bot(content: bot.BotContent) -> Content:
    """A bot's content. Raises `Unfit`."""
    made: Any = _BOT[type(content)](content)
    if type(content) is bot.BotText and content.keyboard is None and content.sender_display_info is None:
        if not content.text:
            raise Unfit("the text is empty")
        return made  # type: ignore[no-any-return]
    if content.keyboard is not None:
        made.keyboard = keyboard_of(content.keyboard)
    if content.sender_display_info is not None:
        shown = content.sender_display_info
        made.sender = neutral.SenderDisplay(name=shown.name, avatar=shown.avatar_url)
    return _sound(made)


def _bot_text(c: bot.BotText) -> Base:
    return neutral.Text(text=c.text)


def _bot_image(c: bot.BotImage) -> Base:
    return neutral.Image(url=c.url, text=c.text or None, thumbnail=c.thumbnail_url)


def _bot_video(c: bot.BotVideo) -> Base:
    return neutral.Video(url=c.url, size=c.size, duration=c.duration, thumbnail=c.thumbnail_url, text=c.text or None)


def _bot_file(c: bot.BotFile) -> Base:
    return neutral.File(url=c.url, name=c.file_name, size=c.size)


def _bot_carousel(c: bot.BotCarousel) -> Base:
    grid = c.button_grid
    return neutral.Carousel(
        buttons=buttons_of(grid.buttons),
        group_columns=grid.buttons_group_columns or 6,
        group_rows=grid.buttons_group_rows or 7,
        background=c.background_color,
        height_scale=100 if c.height_scale is None else c.height_scale,
    )


def _bot_location(c: bot.BotLocation) -> Base:
    return neutral.Location(latitude=c.location.latitude, longitude=c.location.longitude)


def _bot_contact(c: bot.BotContact) -> Base:
    return neutral.Contact(name=c.contact.name, phone=c.contact.phone_number)


def _bot_sticker(c: bot.BotSticker) -> Base:
    return neutral.Sticker(sticker_id=c.sticker_id)


def _bot_url(c: bot.BotUrl) -> Base:
    return neutral.UrlContent(url=c.url)


_BOT: Final[Mapping[type, Callable[[Any], Base]]] = {
    bot.BotText: _bot_text,
    bot.BotImage: _bot_image,
    bot.BotVideo: _bot_video,
    bot.BotFile: _bot_file,
    bot.BotCarousel: _bot_carousel,
    bot.BotLocation: _bot_location,
    bot.BotContact: _bot_contact,
    bot.BotSticker: _bot_sticker,
    bot.BotUrl: _bot_url,
}

# -- Businesses -------------------------------------------------------------------------------------------------------


def of_business(content: business.BusinessContent, options: wire.MessageOptions | None) -> Content:
    """A business message's content, with the tracking data of its options. Raises `Unfit`."""
    made: Any = _BUSINESS[type(content)](content)
    if options is not None and options.tracking_data is not None:
        made.tracking_data = options.tracking_data
    if type(content) is business.BusinessText and content.button is None:
        if not content.text:
            raise Unfit("the text is empty")
        return made  # type: ignore[no-any-return]
    return _sound(made)


def _text(c: business.BusinessText) -> Base:
    return neutral.Text(text=c.text, button=_link(c.button))


def _image(c: business.BusinessImage) -> Base:
    return neutral.Image(url=c.media_url, text=c.text, button=_link(c.button))


def _video(c: business.BusinessVideo) -> Base:
    button = None
    if c.button is not None:
        button = neutral.LinkButton(text=c.button.title, url=c.button.action or c.media_url)
    elif c.button_title is not None:
        button = neutral.LinkButton(text=c.button_title, url=c.media_url)
    return neutral.Video(
        url=c.media_url, duration=seconds_of(c.media_duration), thumbnail=c.thumbnail_url, text=c.text, button=button
    )


def _file(c: business.BusinessFile) -> Base:
    return neutral.File(url=c.media_url, name=c.file_name)


def _list(c: business.BusinessList) -> Base:
    return neutral.Survey(text=c.text, options=c.options)


def _carousel(c: business.BusinessCarousel) -> Base:
    return neutral.Carousel(text=c.text, cards=[_card(card) for card in c.cards])


def _card(c: business.Card) -> neutral.Card:
    links = [neutral.LinkButton(text=b.title, url=b.action) for b in c.buttons or ()]
    if not links:
        raise Unfit("Viber shows no card without a button")
    return neutral.Card(
        title=c.text, image=c.media_url, primary=links[0], secondary=links[1] if len(links) > 1 else None
    )


def _template(c: business.BusinessTemplate) -> Base:
    return neutral.Template(template_id=c.template_id, language=c.language, parameters=c.parameters or {})


def _otp_template(c: business.BusinessOtpTemplate) -> Base:
    language = business.OTP_LANGUAGES.get(c.language or "", c.language)
    return neutral.Template(template_id=c.template_id or c.id or "", language=language, parameters=c.parameters or {})


_BUSINESS: Final[Mapping[type, Callable[[Any], Base]]] = {
    business.BusinessText: _text,
    business.BusinessImage: _image,
    business.BusinessVideo: _video,
    business.BusinessFile: _file,
    business.BusinessList: _list,
    business.BusinessCarousel: _carousel,
    business.BusinessTemplate: _template,
    business.BusinessOtpTemplate: _otp_template,
}


def _link(button: business.Button | None) -> neutral.LinkButton | None:
    return None if button is None else neutral.LinkButton(text=button.title, url=button.action)


def seconds_of(duration: str) -> int | None:
    """The seconds of an ISO 8601 duration; None for what is none."""
    found = _DURATION.fullmatch(duration)
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


#: What has a button, a picture or a film in it is of the promotional rate (Viber Business Messages, message types).
_PROMOTIONAL: Final = (business.BusinessImage, business.BusinessVideo, business.BusinessCarousel)


def purpose_of(content: business.BusinessContent, options: wire.MessageOptions | None) -> Purpose:
    """What a business message is for, as far as its options and its content tell.

    A template with a `pin` is a one-time password, whatever the label says of its rate.
    """
    if type(content) is business.BusinessText and options is None:
        return Purpose.TRANSACTIONAL if content.button is None else Purpose.PROMOTIONAL
    label = options.label if options is not None else None
    if isinstance(content, business.BusinessOtpTemplate):
        return Purpose.OTP
    if isinstance(content, business.BusinessTemplate) and _PIN in (content.parameters or {}):
        return Purpose.OTP
    if options is not None and options.apply_session_rate and not _shadowed(content, options):
        return Purpose.SESSION
    if label is not None:
        return Purpose.PROMOTIONAL if label == "PROMOTIONAL" else Purpose.TRANSACTIONAL
    promotional = isinstance(content, _PROMOTIONAL) or getattr(content, "button", None) is not None
    return Purpose.PROMOTIONAL if promotional else Purpose.TRANSACTIONAL


def _shadowed(content: business.BusinessContent, options: wire.MessageOptions) -> bool:
    """Whether the session rate does not apply: for the content, or for another option that comes first."""
    if isinstance(content, business.BusinessText):
        return content.button is not None or bool(options.to_primary_device_only or options.activation_check)
    if isinstance(content, business.BusinessImage):
        alone = content.text is None and content.button is None
        return not alone or bool(options.to_primary_device_only)
    return not isinstance(content, business.BusinessFile)


# -- Soundness --------------------------------------------------------------------------------------------------------


def _sound(content: Base) -> Content:
    """The content, held against the neutral model: the vendor's schema lets through some things that Viber does not."""
    try:
        sound: Content = msgspec.convert(msgspec.to_builtins(content), _CONTENT)
    except msgspec.ValidationError as error:
        raise Unfit(str(error)) from None
    return sound
