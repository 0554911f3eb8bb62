"""The short codes that stand for buttons with data: what they look like, and which buttons get one.

A code is `T7`, thirteen characters that name the keyboard it was made for, and two for the button's place in it. Its
letters and digits have no look-alikes: no I, L, O and U. The thirteen are 65 bits that follow from a secret key, the
attempt, its channel and the buttons, so a repeated try has the same codes and nobody else can tell any.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tyrian.domain.buttons import all_buttons
from tyrian.domain.content import Base, Carousel
from tyrian.domain.keyboard import Button

PREFIX: Final = "T7"
#: What the key that makes codes is derived for.
PURPOSE: Final = "tyrian: codes of buttons, version 1"
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NAME: Final = 13
_PLACE: Final = 2
#: Buttons that one content can have codes for.
MOST: Final = len(ALPHABET) ** _PLACE

_CODE: Final = re.compile(f"{PREFIX}([{ALPHABET}]{{{_NAME}}})([{ALPHABET}]{{{_PLACE}}})")
#: What was a code before somebody cut, stretched or misspelt it.
_LIKE: Final = re.compile(PREFIX + "[0-9A-Z]{8,32}")


class Meaning(Struct, omit_defaults=True):
    """What a code stands for."""

    action: str
    value: str
    data: Any
    text: str | None = None


def has_data(content: Base) -> bool:
    """Whether any button wants a code. Nearly no content has one, and every send is asked about."""
    if content.keyboard is None and not isinstance(content, Carousel):
        return False
    return any(button.data is not None for _, button in all_buttons(content))


def coded(content: Base) -> dict[int, Button]:
    """The buttons that want a code, by their place among all buttons."""
    found = {place: button for place, (_, button) in enumerate(all_buttons(content)) if button.data is not None}
    return {place: button for place, button in found.items() if place < MOST}


def meaning(button: Button) -> Meaning:
    """What the code of a button stands for."""
    return Meaning(button.action, button.value, button.data, button.text)


def name_of(key: bytes, attempt_id: UUID, channel_id: int, meanings: bytes) -> str:
    """The thirteen characters for an attempt on one channel (a group may move it); the same for the same buttons."""
    what = attempt_id.bytes + channel_id.to_bytes(8) + hashlib.sha256(meanings).digest()
    digest = hmac.digest(key, what, "sha256")
    return _spelt(int.from_bytes(digest[:9]), _NAME)


def code_of(name: str, place: int) -> str:
    """The code of a button."""
    return PREFIX + name + _spelt(place, _PLACE)


def parse(code: str) -> tuple[str, int] | None:
    """The name and the place in a code; None for what is none."""
    found = _CODE.fullmatch(code)
    if found is None:
        return None
    return found[1], ALPHABET.index(found[2][0]) * len(ALPHABET) + ALPHABET.index(found[2][1])


def candidate(text: str) -> str | None:
    """The text, if it is a code or looks as if it had been one."""
    text = text.strip()
    return text if _LIKE.fullmatch(text) else None


def with_codes(content: Base, codes: Mapping[int, str]) -> Base:
    """The content as it goes out: codes in the place of values, and no data. What it showed, it shows.

    A tap on such a button does not show in the chat, where it would show the code.
    """

    def one(place: int, button: Button) -> Button:
        code = codes.get(place)
        if code is None:
            return button if button.data is None else replace(button, data=None)
        return replace(button, value=code, data=None, silent=button.silent or button.action == "reply")

    changed: dict[str, Any] = {}
    place = 0
    if isinstance(content, Carousel) and content.buttons:
        changed["buttons"] = [one(n, b) for n, b in enumerate(content.buttons)]
        place = len(content.buttons)
    if content.keyboard is not None:
        keyboard = content.keyboard
        middle = place + len(keyboard.buttons)
        changed["keyboard"] = replace(
            keyboard,
            buttons=[one(n, b) for n, b in enumerate(keyboard.buttons, place)],
            default_buttons=[one(n, b) for n, b in enumerate(keyboard.default_buttons, middle)],
        )
    return replace(content, **changed)


def _spelt(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[digit])
    return "".join(reversed(letters))
