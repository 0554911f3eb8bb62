"""Neutral keyboards and carousels as Viber spells them, and the API level that they need.

Only members that differ from Viber's defaults are sent: a shorter request, and no field that an older client would
have to understand. Defaults and levels: Viber Bot API documentation 7.3.0, keyboard design and general send parameters.
"""

import re
from collections.abc import Iterable
from typing import Any, Final, TypeVar

from tyrian.domain import keyboard as neutral
from tyrian.domain.content import Card, Carousel, LinkButton
from tyrian.protocols.viber import bot_wire as wire

#: The grid of a carousel of cards: each card is one block of 6 columns and 7 rows.
CARD_ROWS: Final = 7

#: The level that each button member needs when it is used at all (`min_api_version`).
BUTTON_LEVELS: Final[dict[str, int]] = {
    "browser": 3,
    "text_paddings": 4,
    "image_scale": 6,
    "background_scale": 6,
    "text_should_fit": 6,
    "map": 6,
    "frame": 6,
    "player": 6,
}
#: The level that each action needs.
ACTION_LEVELS: Final[dict[str, int]] = {"location-picker": 3, "share-phone": 3, "open-map": 6}
#: The level that each keyboard member needs when it is used at all.
KEYBOARD_LEVELS: Final[dict[str, int]] = {
    "height": 3,
    "height_scale": 3,
    "group_columns": 4,
    "group_rows": 4,
    "input_field": 4,
    "favourite": 6,
}
#: What the stock libraries declare for rich media; the documentation's own sample says 7, but only shows level 2.
RICH_MEDIA_LEVEL: Final = 2
#: Members of the internal browser that came later than the browser itself.
SEND_TO_BOT_LEVEL: Final = 6
FONT_SIZE_LEVEL: Final = 4
_FONT_SIZE = re.compile(r"<font[^>]*\ssize\s*=", re.IGNORECASE)

T = TypeVar("T")

_BUTTON_DEFAULTS: Final = neutral.Button(value="")
_KEYBOARD_DEFAULTS: Final = neutral.Keyboard(buttons=[])


def to_keyboard(keyboard: neutral.Keyboard) -> wire.Keyboard:
    """A neutral keyboard as Viber spells it."""
    return wire.Keyboard(
        type=wire.KEYBOARD_TYPE,
        buttons=[to_button(b) for b in keyboard.buttons],
        bg_color=keyboard.background,
        default_height=keyboard.native_height or None,
        custom_default_height=keyboard.height,
        height_scale=_unless(keyboard.height_scale, 100),
        buttons_group_columns=_unless(keyboard.group_columns, 6),
        buttons_group_rows=_unless(keyboard.group_rows, 2),
        input_field_state=_unless(keyboard.input_field, "regular"),
        favorites_metadata=_favourite(keyboard.favourite),
    )


def to_button(b: neutral.Button) -> wire.Button:
    """A neutral button as Viber spells it. `ActionBody` always goes out: Viber requires it."""
    return wire.Button(
        columns=_unless(b.columns, 6),
        rows=b.rows,
        bg_color=b.background,
        silent=b.silent or None,
        bg_media_type=_unless(b.background_media_type, "picture"),
        bg_media=b.background_media,
        bg_media_scale_type=_unless(b.background_scale, "crop"),
        image_scale_type=_unless(b.image_scale, "crop"),
        bg_loop=_unless(b.background_loop, True),
        action_type=_unless(b.action, "reply"),
        action_body=b.value,
        image=b.image,
        text=b.text,
        text_v_align=_unless(b.text_v_align, "middle"),
        text_h_align=_unless(b.text_h_align, "center"),
        text_paddings=b.text_paddings,
        text_opacity=_unless(b.text_opacity, 100),
        text_size=_unless(b.text_size, "regular"),
        open_url_type=_unless(b.open_in, "internal"),
        open_url_media_type=_unless(b.open_media, "not-media"),
        text_bg_gradient_color=b.text_gradient,
        text_should_fit=b.text_should_fit or None,
        internal_browser=_browser(b.browser),
        map=_map(b.map),
        frame=_frame(b.frame),
        media_player=_player(b.player),
    )


def link(button: LinkButton) -> neutral.Button:
    """A message's URL button. Silent, so that a tap does not also write the URL into the chat as the person's words."""
    return neutral.Button(action="open-url", value=button.url, text=button.text, silent=True)


def replies(options: Iterable[str]) -> list[neutral.Button]:
    """One row per option; a tap sends the option back as text."""
    return [neutral.Button(value=option, text=option) for option in options]


def to_rich_media(carousel: Carousel) -> wire.RichMedia:
    """A carousel as a grid of buttons; cards become one block each."""
    buttons = [b for card in carousel.cards for b in _card(card)] if carousel.cards else carousel.buttons or []
    return wire.RichMedia(
        type=wire.RICH_MEDIA_TYPE,
        buttons=[to_button(b) for b in buttons],
        bg_color=carousel.background,
        buttons_group_columns=None if carousel.cards else _unless(carousel.group_columns, 6),
        buttons_group_rows=None if carousel.cards else _unless(carousel.group_rows, CARD_ROWS),
        height_scale=_unless(carousel.height_scale, 100),
    )


def _card(card: Card) -> list[neutral.Button]:
    """Picture, title and one or two buttons, together as high as a block; a tap on the picture does as the first."""
    links = [link(card.primary)] + ([link(card.secondary)] if card.secondary else [])
    opens = {"action": "open-url", "value": card.primary.url, "silent": True}
    picture = neutral.Button(**opens, image=card.image, rows=CARD_ROWS - 1 - len(links))  # type: ignore[arg-type]
    title = neutral.Button(**opens, text=card.title, rows=1)  # type: ignore[arg-type]
    for button in links:
        button.rows = 1
    return [picture, title, *links]


# -- Levels -----------------------------------------------------------------------------------------------------------


def keyboard_level(keyboard: neutral.Keyboard) -> int:
    """The lowest `min_api_version` that knows everything in this keyboard."""
    own = _level(keyboard, _KEYBOARD_DEFAULTS, KEYBOARD_LEVELS)
    return max(own, buttons_level(keyboard.buttons))


def buttons_level(buttons: Iterable[neutral.Button]) -> int:
    """The lowest `min_api_version` that knows everything in these buttons."""
    return max((_button_level(b) for b in buttons), default=1)


def _button_level(b: neutral.Button) -> int:
    level = max(_level(b, _BUTTON_DEFAULTS, BUTTON_LEVELS), ACTION_LEVELS.get(b.action, 1))
    if b.browser is not None and (b.browser.action_button == "send-to-bot" or b.browser.reply_data is not None):
        level = max(level, SEND_TO_BOT_LEVEL)
    if b.text is not None and "<" in b.text and _FONT_SIZE.search(b.text):
        level = max(level, FONT_SIZE_LEVEL)
    return level


def _level(value: Any, defaults: Any, levels: dict[str, int]) -> int:
    return max((n for name, n in levels.items() if getattr(value, name) != getattr(defaults, name)), default=1)


# -- Parts of a button ------------------------------------------------------------------------------------------------


def _unless(value: T, default: T) -> T | None:
    return None if value == default else value


def _frame(frame: neutral.Frame | None) -> wire.Frame | None:
    if frame is None:
        return None
    return wire.Frame(
        border_width=_unless(frame.width, 1),
        border_color=_unless(frame.colour, "#000000"),
        corner_radius=_unless(frame.radius, 0),
    )


def _player(player: neutral.MediaPlayer | None) -> wire.MediaPlayer | None:
    if player is None:
        return None
    return wire.MediaPlayer(
        title=player.title, subtitle=player.subtitle, thumbnail_url=player.thumbnail, loop=player.loop or None
    )


def _map(point: neutral.MapPoint | None) -> wire.Map | None:
    if point is None:
        return None
    return wire.Map(latitude=repr(point.latitude), longitude=repr(point.longitude))


def _browser(browser: neutral.Browser | None) -> wire.InternalBrowser | None:
    if browser is None:
        return None
    return wire.InternalBrowser(
        action_button=_unless(browser.action_button, "forward"),
        action_predefined_url=browser.predefined_url,
        title_type=_unless(browser.title_type, "default"),
        custom_title=browser.custom_title,
        mode=_unless(browser.mode, "fullscreen"),
        footer_type=_unless(browser.footer, "default"),
        action_reply_data=browser.reply_data,
    )


def _favourite(saved: neutral.Favourite | None) -> wire.FavoritesMetadata | None:
    if saved is None:
        return None
    return wire.FavoritesMetadata(
        type=saved.type,
        url=saved.url,
        title=saved.title,
        thumbnail=saved.thumbnail,
        domain=saved.domain,
        width=saved.width,
        height=saved.height,
        alternative_url=saved.alternative_url,
        alternative_text=saved.alternative_text,
    )
