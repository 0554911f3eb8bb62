"""Neutral content as the vendor spells it: what the connector sends, and what a log shows of other dialects' messages.

Members at their defaults are left out, so that the vendor's own defaults hold.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from tyrian.domain import content as neutral, keyboard as board
from tyrian.domain.buttons import shown
from tyrian.domain.content import Base, type_of
from tyrian.protocols.infobip import wire_bot as bot, wire_business as business

T = TypeVar("T")

#: Words of the neutral form -> words of the vendor's, where upper case is not all.
_PICTURES: Final = {"picture": "IMAGE", "gif": "GIF", "video": "VIDEO", "not-media": "BROWSER_MEDIA"}
_BUTTON: Final = board.Button(value="")
_KEYBOARD: Final = board.Keyboard(buttons=[])
_BROWSER: Final = board.Browser()


def to_bot(content: Base) -> bot.BotContent | None:
    """A content for a bot's user; None for a type that bots do not have."""
    build = _BOT.get(type_of(content))
    if build is None:
        return None
    made = build(content)
    made.keyboard = _keyboard(content.keyboard)
    if content.sender is not None:
        made.sender_display_info = bot.SenderDisplayInfo(name=content.sender.name, avatar_url=content.sender.avatar)
    return made


def to_business(content: Base, *, full_screen: bool = False) -> business.BusinessContent | None:
    """A content for a business message; None for a type that businesses do not have."""
    build = _BUSINESS.get(type_of(content))
    made = build(content) if build else None
    if isinstance(made, business.BusinessImage) and full_screen:
        made.show_image_in_full_screen = True
    return made


# -- Bots -------------------------------------------------------------------------------------------------------------


def _bot_text(c: neutral.Text) -> bot.BotContent:
    return bot.BotText(text=c.text)


def _bot_image(c: neutral.Image) -> bot.BotContent:
    return bot.BotImage(url=c.url, text=c.text, thumbnail_url=c.thumbnail)


def _bot_video(c: neutral.Video) -> bot.BotContent:
    return bot.BotVideo(url=c.url, size=c.size or 0, text=c.text, thumbnail_url=c.thumbnail, duration=c.duration)


def _bot_file(c: neutral.File) -> bot.BotContent:
    return bot.BotFile(file_name=c.name, url=c.url, size=c.size or 0)


def _bot_carousel(c: neutral.Carousel) -> bot.BotContent:
    grid = bot.ButtonGrid(
        buttons=[_bot_button(b) for b in c.buttons or ()],
        buttons_group_columns=c.group_columns,
        buttons_group_rows=c.group_rows,
    )
    return bot.BotCarousel(button_grid=grid, height_scale=_unless(c.height_scale, 100), background_color=c.background)


def _bot_location(c: neutral.Location) -> bot.BotContent:
    return bot.BotLocation(location=bot.Point(latitude=c.latitude, longitude=c.longitude))


def _bot_contact(c: neutral.Contact) -> bot.BotContent:
    return bot.BotContact(contact=bot.ContactCard(name=c.name, phone_number=c.phone))


def _bot_sticker(c: neutral.Sticker) -> bot.BotContent:
    return bot.BotSticker(sticker_id=c.sticker_id)


def _bot_url(c: neutral.UrlContent) -> bot.BotContent:
    return bot.BotUrl(url=c.url)


_BOT: Final[Mapping[str, Callable[[Any], bot.BotContent]]] = {
    "text": _bot_text,
    "image": _bot_image,
    "video": _bot_video,
    "file": _bot_file,
    "carousel": _bot_carousel,
    "location": _bot_location,
    "contact": _bot_contact,
    "sticker": _bot_sticker,
    "url": _bot_url,
}


def _keyboard(keyboard: board.Keyboard | None) -> bot.Keyboard | None:
    keyboard = shown(keyboard)
    if keyboard is None:
        return None
    grid = bot.ButtonGrid(
        buttons=[_bot_button(b) for b in keyboard.buttons],
        buttons_group_columns=_unless(keyboard.group_columns, _KEYBOARD.group_columns),
        buttons_group_rows=_unless(keyboard.group_rows, _KEYBOARD.group_rows),
    )
    display = None
    if keyboard.native_height or keyboard.height is not None:
        display = bot.KeyboardDisplay(
            native_keyboard_height=keyboard.native_height or None, percentage_of_keyboard_occupancy=keyboard.height
        )
    return bot.Keyboard(
        button_grid=grid,
        background_color=keyboard.background,
        keyboard_display=display,
        action_bar_state=_word(keyboard.input_field, _KEYBOARD.input_field),  # type: ignore[arg-type]
    )


def _bot_button(b: board.Button) -> bot.Button:
    media = None
    if b.image is not None:
        media = bot.ButtonMedia(image_url=b.image, image_scale_type=_word(b.image_scale, _BUTTON.image_scale))  # type: ignore[arg-type]
    return bot.Button(
        action=_action(b),
        columns=_unless(b.columns, _BUTTON.columns),
        rows=b.rows,
        text=_button_text(b),
        background=_background(b),
        media=media,
    )


def _action(b: board.Button) -> bot.Action:
    point = None if b.map is None else bot.Point(latitude=b.map.latitude, longitude=b.map.longitude)
    return bot.Action(
        action_type=b.action.upper().replace("-", "_"),  # type: ignore[arg-type]
        action_body=b.value,
        silent=b.silent or None,
        open_url_settings=_opening(b),
        open_map_location=point,
    )


def _opening(b: board.Button) -> bot.OpenUrlSettings | None:
    if b.browser is None and b.player is None and b.open_in == "internal" and b.open_media == "not-media":
        return None
    browser = b.browser or _BROWSER
    return bot.OpenUrlSettings(
        open_url_type=_word(b.open_in, _BUTTON.open_in),  # type: ignore[arg-type]
        open_url_media_type=None if b.open_media == "not-media" else _PICTURES[b.open_media],  # type: ignore[arg-type]
        browser_display_mode=_word(browser.mode, _BROWSER.mode),  # type: ignore[arg-type]
        title_type=_word(browser.title_type, _BROWSER.title_type),  # type: ignore[arg-type]
        custom_title=browser.custom_title,
        footer_type=_word(browser.footer, _BROWSER.footer),  # type: ignore[arg-type]
        action_button=_word(browser.action_button, _BROWSER.action_button),  # type: ignore[arg-type]
        action_predefined_url=browser.predefined_url,
        action_reply_data=browser.reply_data,
        media_player=_player(b.player),
    )


def _player(player: board.MediaPlayer | None) -> bot.MediaPlayer | None:
    if player is None:
        return None
    return bot.MediaPlayer(
        title=player.title, subtitle=player.subtitle, thumbnail_url=player.thumbnail, loop=player.loop or None
    )


def _button_text(b: board.Button) -> bot.ButtonText | None:
    made = bot.ButtonText(
        text=b.text,
        size=_word(b.text_size, _BUTTON.text_size),  # type: ignore[arg-type]
        vertical_align=_word(b.text_v_align, _BUTTON.text_v_align),  # type: ignore[arg-type]
        horizontal_align=_word(b.text_h_align, _BUTTON.text_h_align),  # type: ignore[arg-type]
        opacity=_unless(b.text_opacity, _BUTTON.text_opacity),
        background_gradient_color=b.text_gradient,
        paddings=b.text_paddings,
        should_fit=b.text_should_fit or None,
    )
    return None if made == bot.ButtonText() else made


def _background(b: board.Button) -> bot.Background | None:
    made = bot.Background(
        color=b.background,
        media_url=b.background_media,
        media_type=None if b.background_media_type == "picture" else "GIF",
        media_scale_type=_word(b.background_scale, _BUTTON.background_scale),  # type: ignore[arg-type]
        gif_loop=_unless(b.background_loop, _BUTTON.background_loop),
        frame=_frame(b.frame),
    )
    return None if made == bot.Background() else made


def _frame(frame: board.Frame | None) -> bot.Frame | None:
    if frame is None:
        return None
    return bot.Frame(border_width=frame.width, border_color=frame.colour, corner_radius=frame.radius)


# -- Businesses -------------------------------------------------------------------------------------------------------


def _text(c: neutral.Text) -> business.BusinessContent:
    return business.BusinessText(text=c.text, button=_link(c.button))


def _image(c: neutral.Image) -> business.BusinessContent:
    return business.BusinessImage(media_url=c.url, text=c.text, button=_link(c.button))


def _video(c: neutral.Video) -> business.BusinessContent:
    button = None
    if c.button is not None:
        plays = c.button.url == c.url
        button = business.VideoButton(title=c.button.text, action=None if plays else c.button.url)
    return business.BusinessVideo(
        media_url=c.url,
        media_duration=f"PT{c.duration or 0}S",
        thumbnail_url=c.thumbnail or "",
        text=c.text,
        button=button,
    )


def _file(c: neutral.File) -> business.BusinessContent:
    return business.BusinessFile(file_name=c.name, media_url=c.url)


def _list(c: neutral.Survey) -> business.BusinessContent:
    return business.BusinessList(text=c.text, options=c.options)


def _carousel(c: neutral.Carousel) -> business.BusinessContent:
    return business.BusinessCarousel(text=c.text or "", cards=[_card(card) for card in c.cards or ()])


def _card(card: neutral.Card) -> business.Card:
    links = [card.primary] + ([card.secondary] if card.secondary else [])
    buttons = [business.CardButton(title=link.text, action=link.url) for link in links]
    return business.Card(text=card.title, media_url=card.image, buttons=buttons)


def _template(c: neutral.Template) -> business.BusinessContent:
    return business.BusinessTemplate(template_id=c.template_id, language=c.language, parameters=c.parameters or None)


def _link(button: neutral.LinkButton | None) -> business.Button | None:
    return None if button is None else business.Button(title=button.text, action=button.url)


_BUSINESS: Final[Mapping[str, Callable[[Any], business.BusinessContent]]] = {
    "text": _text,
    "image": _image,
    "video": _video,
    "file": _file,
    "list": _list,
    "carousel": _carousel,
    "template": _template,
}


# -- Words ------------------------------------------------------------------------------------------------------------


def _unless(value: T, default: T) -> T | None:
    return None if value == default else value


def _word(value: str, default: str) -> str | None:
    """A word in the vendor's capitals; None for the default, which both sides share."""
    return None if value == default else value.upper().replace("-", "_")
