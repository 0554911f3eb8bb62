"""Keyboards and button grids of Infobip's bots in neutral form, and Infobip's words for ours."""

from collections.abc import Sequence
from typing import Any, Final

from tyrian.domain import keyboard as neutral
from tyrian.protocols.infobip import wire_bot as bot

#: Words that are spelt otherwise than in lower case with hyphens.
_OPENS: Final = {"BROWSER_MEDIA": "not-media", "VIDEO": "video", "GIF": "gif", "IMAGE": "picture"}
_MEDIA: Final = {"IMAGE": "picture", "GIF": "gif"}


def keyboard_of(keyboard: bot.Keyboard) -> neutral.Keyboard:
    """A keyboard. What is left out is as Viber has it by default."""
    grid, display = keyboard.button_grid, keyboard.keyboard_display or bot.KeyboardDisplay()
    more = _given(
        background=keyboard.background_color,
        native_height=display.native_keyboard_height,
        height=display.percentage_of_keyboard_occupancy,
        group_columns=grid.buttons_group_columns,
        group_rows=grid.buttons_group_rows,
        input_field=_word(keyboard.action_bar_state),
    )
    return neutral.Keyboard(buttons=buttons_of(grid.buttons), **more)


def buttons_of(buttons: Sequence[bot.Button]) -> list[neutral.Button]:
    """The buttons of a grid."""
    return [_button(button) for button in buttons]


def _button(b: bot.Button) -> neutral.Button:
    more = {**_action(b.action), **_text(b.text), **_background(b.background)}
    if b.media is not None:
        more |= _given(image=b.media.image_url, image_scale=_word(b.media.image_scale_type))
    return neutral.Button(value=b.action.action_body or "", **_given(columns=b.columns, rows=b.rows), **more)


def _action(action: bot.Action) -> dict[str, Any]:
    point = action.open_map_location
    more = _given(action=_word(action.action_type), silent=action.silent)
    if point is not None:
        more["map"] = neutral.MapPoint(latitude=point.latitude, longitude=point.longitude)
    return more | (_opening(action.open_url_settings) if action.open_url_settings is not None else {})


def _opening(settings: bot.OpenUrlSettings) -> dict[str, Any]:
    browser = _given(
        mode=_word(settings.browser_display_mode),
        title_type=_word(settings.title_type),
        custom_title=settings.custom_title,
        footer=_word(settings.footer_type),
        action_button=_word(settings.action_button),
        predefined_url=settings.action_predefined_url,
        reply_data=settings.action_reply_data,
    )
    return _given(
        open_in=_word(settings.open_url_type),
        open_media=_OPENS[settings.open_url_media_type] if settings.open_url_media_type else None,
        browser=neutral.Browser(**browser) if browser else None,
        player=_player(settings.media_player),
    )


def _player(player: bot.MediaPlayer | None) -> neutral.MediaPlayer | None:
    if player is None:
        return None
    more = _given(title=player.title, subtitle=player.subtitle, thumbnail=player.thumbnail_url, loop=player.loop)
    return neutral.MediaPlayer(**more)


def _text(text: bot.ButtonText | None) -> dict[str, Any]:
    if text is None:
        return {}
    return _given(
        text=text.text,
        text_size=_word(text.size),
        text_v_align=_word(text.vertical_align),
        text_h_align=_word(text.horizontal_align),
        text_opacity=text.opacity,
        text_gradient=text.background_gradient_color,
        text_paddings=text.paddings,
        text_should_fit=text.should_fit,
    )


def _background(background: bot.Background | None) -> dict[str, Any]:
    if background is None:
        return {}
    return _given(
        background=background.color,
        background_media=background.media_url,
        background_media_type=_MEDIA[background.media_type] if background.media_type else None,
        background_scale=_word(background.media_scale_type),
        background_loop=background.gif_loop,
        frame=_frame(background.frame),
    )


def _frame(frame: bot.Frame | None) -> neutral.Frame | None:
    if frame is None:
        return None
    return neutral.Frame(
        **_given(width=frame.border_width, colour=frame.border_color, radius=frame.corner_radius),
    )


def _word(word: str | None) -> str | None:
    """One of the vendor's words as we spell it."""
    return None if word is None else word.lower().replace("_", "-")


def _given(**members: Any) -> dict[str, Any]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None}
