"""Rules of Viber's that no table of bounds can say. Each yields pairs of a JSON pointer and what is wrong there."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from tyrian.domain.buttons import all_buttons
from tyrian.domain.content import Base, Carousel, Survey, Template
from tyrian.domain.keyboard import Button
from tyrian.domain.purpose import Purpose

Faults = Iterator[tuple[str, str]]

#: Rows of a keyboard (Bot API documentation, keyboard design; its FAQ speaks of 12 that are visible at once).
MAX_KEYBOARD_ROWS: Final = 24
KEYBOARD_COLUMNS: Final = 6
#: Blocks of a carousel (Bot API documentation: at most 6 x columns x rows buttons).
MAX_BLOCKS: Final = 6
#: `ActionBody` of an open-url button: the server refuses longer ones with status 3.
MAX_OPEN_URL: Final = 250
#: Characters of a template's parameter (Viber Business Messages, specification v11.3).
MAX_PARAMETER: Final = 125
#: The parameter that a template for one-time passwords must have.
PIN: Final = "pin"

#: Sizes in a `font` tag of a button's text (Bot API documentation, keyboard design).
FONT_SIZES: Final = range(12, 33)

_FONT_SIZE = re.compile(r"""<font\b[^>]*?\ssize\s*=\s*["']?(\d{1,9})""", re.IGNORECASE)
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)


def buttons(content: Base, purpose: Purpose) -> Faults:
    """Each button by itself, in a keyboard or in a carousel."""
    for pointer, button in all_buttons(content):
        if not (button.text or button.image or button.background_media or button.background):
            yield pointer, "needs at least one of text, image, background_media and background, to be seen"
        if button.text and "<" in button.text:
            sizes = (int(size) for size in _FONT_SIZE.findall(button.text))
            if any(size not in FONT_SIZES for size in sizes):
                yield f"{pointer}/text", f"must have font sizes from {FONT_SIZES[0]} to {FONT_SIZES[-1]}"
        if button.text_gradient is not None and button.text_v_align == "middle":
            yield f"{pointer}/text_gradient", "needs text_v_align top or bottom"
        if button.action == "open-map" and button.map is None:
            yield f"{pointer}/map", "is required for the action open-map"
        if button.action == "open-url" and len(button.value) > MAX_OPEN_URL:
            yield f"{pointer}/value", f"must have at most {MAX_OPEN_URL} characters, has {len(button.value)}"


def keyboard_rows(content: Base, purpose: Purpose) -> Faults:
    """A keyboard's height in all."""
    if content.keyboard is None:
        return
    added = len(content.options) if isinstance(content, Survey) else int(getattr(content, "button", None) is not None)
    rows = added + _rows([*content.keyboard.buttons, *content.keyboard.default_buttons])
    if rows > MAX_KEYBOARD_ROWS:
        yield "/keyboard/buttons", f"must fill at most {MAX_KEYBOARD_ROWS} rows with what the content adds, fill {rows}"


def carousel_grid(content: Base, purpose: Purpose) -> Faults:
    """The blocks of a carousel."""
    if not isinstance(content, Carousel):
        return
    if (content.cards is None) == (content.buttons is None):
        yield "", "needs either cards or buttons"
    grid = content.buttons or ()
    most = MAX_BLOCKS * content.group_columns * content.group_rows
    if len(grid) > most:
        yield "/buttons", f"must have at most {most} items, has {len(grid)}"
    for i, button in enumerate(grid):
        yield from _in_block(f"/buttons/{i}", button, content)


def _in_block(pointer: str, button: Button, carousel: Carousel) -> Faults:
    if button.columns > carousel.group_columns:
        yield f"{pointer}/columns", f"must be at most group_columns, {carousel.group_columns}, is {button.columns}"
    if button.rows is not None and button.rows > carousel.group_rows:
        yield f"{pointer}/rows", f"must be at most group_rows, {carousel.group_rows}, is {button.rows}"
    if button.action in ("location-picker", "share-phone"):
        yield f"{pointer}/action", f"{button.action} does not work inside a carousel"


def template_parameters(content: Base, purpose: Purpose) -> Faults:
    """The parameters of a registered template: words, and the code of a one-time password."""
    if not isinstance(content, Template):
        return
    for name, value in content.parameters.items():
        pointer = f"/parameters/{name.replace('~', '~0').replace('/', '~1')}"
        if len(value) > MAX_PARAMETER:
            yield pointer, f"must have at most {MAX_PARAMETER} characters, has {len(value)}"
        if _URL.search(value):
            yield pointer, "must not hold a URL"
    if purpose is Purpose.OTP and not content.parameters.get(PIN):
        yield f"/parameters/{PIN}", "is required for an OTP template"


def _rows(row_of: Iterable[Button]) -> int:
    """Rows that buttons fill, left to right: the cells that they cover, in rows of six, rounded up."""
    cells = sum(b.columns * (b.rows or 1) for b in row_of)
    return -(-cells // KEYBOARD_COLUMNS)
