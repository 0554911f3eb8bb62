"""What a step says, as a channel can show it: with buttons, or with numbered choices where it has none."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from tyrian.domain.content import Base, Text
from tyrian.domain.flow_run import Option
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.domain.limits import Capabilities, takes_keyboards


def offered(content: Base, options: Sequence[Option], can: Capabilities, mark: dict[str, Any] | None = None) -> Base:
    """A content with its options. `mark` is what each button carries besides its choice."""
    if not options:
        return content
    if takes_keyboards(can):
        return replace(content, keyboard=Keyboard(buttons=[_button(option, mark or {}) for option in options]))
    if not isinstance(content, Text):
        return content
    lines = [f"{number}. {option.text}" for number, option in enumerate(options, 1)]
    return replace(content, text="\n".join([content.text, *lines]))


def _button(option: Option, mark: dict[str, Any]) -> Button:
    return Button(
        value=option.id,
        data={**mark, "choice": option.id} if mark else None,
        text=option.text,
        columns=option.columns,
        rows=option.rows,
        image=option.image,
        background=option.background,
    )
