"""What keyboards and buttons are wherever they are shown: which there are, what goes out of them, what is wrong."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import json
from msgspec.structs import replace

from tyrian.domain.content import Base, Carousel, KeyboardOnly
from tyrian.domain.keyboard import Button, Keyboard

#: Bytes of a button's `data` as JSON.
MAX_DATA: Final = 262_144
#: Actions whose tap brings the button's value back, so that a code can stand for it.
ANSWERING: Final = ("reply", "share-phone")

_WITHDRAWN: Final = Keyboard(withdraw=True)


def all_buttons(content: Base) -> Iterator[tuple[str, Button]]:
    """Every button of a content with its JSON pointer: those of its carousel, then its keyboard's as they are shown."""
    if isinstance(content, Carousel):
        yield from ((f"/buttons/{i}", b) for i, b in enumerate(content.buttons or ()))
    if content.keyboard is not None:
        yield from ((f"/keyboard/buttons/{i}", b) for i, b in enumerate(content.keyboard.buttons))
        yield from ((f"/keyboard/default_buttons/{i}", b) for i, b in enumerate(content.keyboard.default_buttons))


def shown(keyboard: Keyboard | None, standing: Sequence[Button] = ()) -> Keyboard | None:
    """The keyboard as it goes out: its own buttons, its default buttons, then `standing`. None without any."""
    if keyboard is None:
        return Keyboard(buttons=list(standing)) if standing else None
    plain = not (standing or keyboard.default_buttons or keyboard.persist or keyboard.withdraw)
    if plain and keyboard.buttons:
        return keyboard
    buttons = [*keyboard.buttons, *keyboard.default_buttons, *standing]
    return replace(keyboard, buttons=buttons, default_buttons=[], persist=False, withdraw=False) if buttons else None


def faults(content: Base) -> Iterator[tuple[str, str]]:
    """What is wrong with a content's keyboard and its buttons' data on any channel: JSON pointers, and what."""
    if content.keyboard is not None:
        yield from _keyboard_faults(content, content.keyboard)
    for pointer, button in all_buttons(content):
        if button.data is not None:
            yield from _data_faults(pointer, button)


def _keyboard_faults(content: Base, keyboard: Keyboard) -> Iterator[tuple[str, str]]:
    if not keyboard.withdraw:
        if not (keyboard.buttons or keyboard.default_buttons):
            yield "/keyboard/buttons", "is required"
        return
    if keyboard != _WITHDRAWN:
        yield "/keyboard/withdraw", "takes the keyboard away, so nothing else can be said of it"
    if isinstance(content, KeyboardOnly):
        yield "/keyboard/withdraw", "needs a message to go with, such as a text"


def _data_faults(pointer: str, button: Button) -> Iterator[tuple[str, str]]:
    if button.action not in ANSWERING:
        yield f"{pointer}/data", f"comes back from {' and '.join(ANSWERING)} buttons alone, this is {button.action}"
    size = len(json.encode(button.data))
    if size > MAX_DATA:
        yield f"{pointer}/data", f"must have at most {MAX_DATA} bytes as JSON, has {size}"


def without_data(content: Base) -> Base:
    """The content as large as it goes out: no data, for a code stands for it."""
    if all(button.data is None for _, button in all_buttons(content)):
        return content
    changed: dict[str, Any] = {}
    if isinstance(content, Carousel) and content.buttons:
        changed["buttons"] = [replace(b, data=None) for b in content.buttons]
    if content.keyboard is not None:
        keyboard = content.keyboard
        own = [replace(b, data=None) for b in keyboard.buttons]
        changed["keyboard"] = replace(
            keyboard, buttons=own, default_buttons=[replace(b, data=None) for b in keyboard.default_buttons]
        )
    return replace(content, **changed)
