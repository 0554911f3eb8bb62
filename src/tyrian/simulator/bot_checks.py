"""What the Bot API refuses at once, and what fails later on the phone (Viber Bot API documentation 7.3.0).

The real service checks requests against a JSON schema, and its texts are those of a Java validator: `SCHEMA` texts
here follow that manner. Faults of keyboards beyond the few that the service is known to find are found on the phone.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from tyrian.protocols.viber.bot_wire import KEYBOARD_TYPE, RICH_MEDIA_TYPE

BAD_DATA: Final = 3
MISSING_DATA: Final = 4
INCOMPATIBLE: Final = 14

TEXT_LIMIT: Final = 7000
CAPTION_LIMIT: Final = 768
URL_LIMIT: Final = 2000
TRACKING_LIMIT: Final = 4096
SENDER_LIMIT: Final = 28
ACTION_URL_LIMIT: Final = 250
PICTURE_ENDINGS: Final = (".jpeg", ".jpg", ".png", ".gif")
VIDEO_BYTES: Final = 27_262_976
VIDEO_SECONDS: Final = 180
FILE_BYTES: Final = 52_428_800
KEYBOARD_ROWS: Final = 24
#: A carousel has at most so many cards of columns x rows.
CARDS: Final = 6


class Fault(NamedTuple):
    """Why a request is refused: the status, and its text if it is not the documented name."""

    status: int
    text: str | None = None


class Field(NamedTuple):
    """One member of a message."""

    name: str
    kind: type | tuple[type, ...]
    required: bool = True
    most: int | None = None


_MEDIA: Final = Field("media", str, most=URL_LIMIT)
_CAPTION: Final = Field("text", str, required=False, most=CAPTION_LIMIT)
_THUMBNAIL: Final = Field("thumbnail", str, required=False)

#: Message type -> its members.
TYPES: Final[dict[str, tuple[Field, ...]]] = {
    "text": (Field("text", str, most=TEXT_LIMIT),),
    "picture": (Field("text", str, most=CAPTION_LIMIT), _MEDIA, _THUMBNAIL),
    "video": (_MEDIA, Field("size", int), Field("duration", int, required=False), _THUMBNAIL, _CAPTION),
    "file": (_MEDIA, Field("size", int), Field("file_name", str, most=256)),
    "contact": (Field("contact", dict),),
    "location": (Field("location", dict),),
    "url": (_MEDIA,),
    "sticker": (Field("sticker_id", (int, str)),),
    "rich_media": (Field("rich_media", dict),),
}
#: Members that any message may have; null counts as absent, as some stock clients send it.
COMMON: Final = (
    Field("sender", dict, required=False),
    Field("tracking_data", str, required=False, most=TRACKING_LIMIT),
    Field("min_api_version", int, required=False),
    Field("alt_text", str, required=False, most=TEXT_LIMIT),
    Field("keyboard", dict, required=False),
)
_CONTACT: Final = (Field("name", str, most=28), Field("phone_number", str, most=18))
_NAMES: Final[dict[type, str]] = {str: "string", int: "integer", dict: "object", list: "array", bool: "boolean"}


def check(message: dict[str, Any], *, sender_name: bool = False, levels: bool = False) -> Fault | None:
    """The first reason to refuse a message, or None. The receiver is not looked at."""
    kind = message.get("type")
    if kind is None and message.get("keyboard") is None:
        return Fault(MISSING_DATA)
    if kind is not None and (not isinstance(kind, str) or kind not in TYPES):
        return Fault(BAD_DATA, f"type is not valid. [instance value ({kind!r}) not found in enum]")
    fields = TYPES[kind] if kind is not None else ()
    if any(f.required and message.get(f.name) is None for f in fields):
        return Fault(MISSING_DATA)
    if sender_name and not _sender_name(message):
        return Fault(MISSING_DATA)
    return next(_faults(message, fields, levels), None)


def _faults(message: dict[str, Any], fields: tuple[Field, ...], levels: bool) -> Iterator[Fault]:
    for field in (*fields, *COMMON):
        yield from _field(message, field)
    name = _sender_name(message)
    if len(name) > SENDER_LIMIT:
        yield _schema("sender", _too_long(name, SENDER_LIMIT))
    inner = _INNER.get(message.get("type", ""))
    if inner is not None:
        yield from inner(message)
    yield from _buttons(message, "keyboard")
    if levels:
        yield from _levels(message)


def _sender_name(message: dict[str, Any]) -> str:
    sender = message.get("sender")
    name = sender.get("name") if isinstance(sender, dict) else None
    return name if isinstance(name, str) else ""


def _field(holder: dict[str, Any], field: Field, within: str = "") -> Iterator[Fault]:
    value: Any = holder.get(field.name)
    name = within or field.name
    if value is None:
        return
    if not isinstance(value, field.kind) or isinstance(value, bool):
        allowed = field.kind if isinstance(field.kind, tuple) else (field.kind,)
        listed = ",".join(f'"{_NAMES[kind]}"' for kind in allowed)
        found = _NAMES.get(type(value), "number")
        text = f"instance type ({found}) does not match any allowed primitive type (allowed: [{listed}])"
        yield _schema(name, text)
    elif field.most is not None and isinstance(value, str) and len(value) > field.most:
        yield _schema(name, _too_long(value, field.most))


def _schema(name: str, text: str) -> Fault:
    return Fault(BAD_DATA, f"{name} is not valid. [{text}]")


def _too_long(value: str, most: int) -> str:
    return f'string "{value}" is too long (length: {len(value)}, maximum allowed: {most})'


# -- One type's own checks --------------------------------------------------------------------------------------------


def _picture(message: dict[str, Any]) -> Iterator[Fault]:
    path = message["media"].split("?", 1)[0].split("#", 1)[0].lower()
    if not path.endswith(PICTURE_ENDINGS):
        yield _schema("media", f"string does not end in one of {', '.join(PICTURE_ENDINGS)}")


def _contact(message: dict[str, Any]) -> Iterator[Fault]:
    contact = message["contact"]
    if any(contact.get(f.name) is None for f in _CONTACT):
        yield Fault(MISSING_DATA)
    for field in _CONTACT:
        yield from _field(contact, field, "contact")


def _location(message: dict[str, Any]) -> Iterator[Fault]:
    for name, limit in (("lat", 90), ("lon", 180)):
        value = message["location"].get(name)
        if value is None:
            yield Fault(MISSING_DATA)
        elif not _within(value, -limit, limit):
            yield _schema("location", f"{name} must be a number from -{limit} to {limit}")


def _sticker(message: dict[str, Any]) -> Iterator[Fault]:
    if isinstance(message["sticker_id"], str) and not message["sticker_id"].isdecimal():
        yield _schema("sticker_id", "string is not a number")


def _rich_media(message: dict[str, Any]) -> Iterator[Fault]:
    yield from _buttons(message, "rich_media")


_INNER: Final[dict[str, Callable[[dict[str, Any]], Iterator[Fault]]]] = {
    "picture": _picture,
    "contact": _contact,
    "location": _location,
    "sticker": _sticker,
    "rich_media": _rich_media,
}


def _buttons(message: dict[str, Any], name: str) -> Iterator[Fault]:
    """What the service itself is known to find in a keyboard or carousel."""
    board = message.get(name)
    if not isinstance(board, dict):
        return
    if "Type" not in board:
        yield _schema(name, 'object has missing required properties (["Type"])')
    elif board["Type"] not in (KEYBOARD_TYPE, RICH_MEDIA_TYPE):
        yield _schema(name, f"instance value ({board['Type']!r}) not found in enum")
    buttons = board.get("Buttons")
    if not isinstance(buttons, list):
        yield _schema(name, 'object has missing required properties (["Buttons"])')
    elif not buttons:
        yield _schema(name, "array is too short: must have at least 1 elements but instance has 0 elements")
    else:
        yield from (fault for button in buttons for fault in _button(button, name))


def _button(button: Any, name: str) -> Iterator[Fault]:
    if not isinstance(button, dict):
        yield _schema(name, 'instance does not match any allowed primitive type (allowed: ["object"])')
        return
    body = button.get("ActionBody")
    if button.get("ActionType") == "open-url" and isinstance(body, str) and len(body) > ACTION_URL_LIMIT:
        yield _schema(name, _too_long(body, ACTION_URL_LIMIT))


# -- API levels -------------------------------------------------------------------------------------------------------

_BOARD_LEVELS: Final = {
    "CustomDefaultHeight": 3,
    "HeightScale": 3,
    "ButtonsGroupColumns": 4,
    "ButtonsGroupRows": 4,
    "InputFieldState": 4,
    "FavoritesMetadata": 6,
}
_BUTTON_LEVELS: Final = {
    "InternalBrowser": 3,
    "TextPaddings": 4,
    "BgMediaScaleType": 6,
    "ImageScaleType": 6,
    "TextShouldFit": 6,
    "Map": 6,
    "Frame": 6,
    "MediaPlayer": 6,
}
_ACTION_LEVELS: Final = {"location-picker": 3, "share-phone": 3, "open-map": 6}


def level_of(message: dict[str, Any]) -> int:
    """The API level that this message's members need."""
    level = 2 if message.get("type") == "rich_media" else 1
    for board in (message.get("keyboard"), message.get("rich_media")):
        if isinstance(board, dict):
            level = max(level, *_board_levels(board))
    return level


def _board_levels(board: dict[str, Any]) -> Iterator[int]:
    yield 1
    yield from (level for name, level in _BOARD_LEVELS.items() if name in board)
    for button in board.get("Buttons") or ():
        yield _ACTION_LEVELS.get(button.get("ActionType"), 1)
        yield from (level for name, level in _BUTTON_LEVELS.items() if name in button)


def _levels(message: dict[str, Any]) -> Iterator[Fault]:
    if level_of(message) > (message.get("min_api_version") or 1):
        yield Fault(INCOMPATIBLE)


# -- On the phone -----------------------------------------------------------------------------------------------------


def phone_fault(message: dict[str, Any]) -> str | None:
    """Why a phone cannot show a message that the service took; comes back in a `failed` callback."""
    return next(_phone_faults(message), None)


def _phone_faults(message: dict[str, Any]) -> Iterator[str]:
    kind = message.get("type")
    size = message.get("size") or 0
    if kind == "video" and (size > VIDEO_BYTES or (message.get("duration") or 0) > VIDEO_SECONDS):
        yield "Failed to send video: it is too large or too long"
    if kind == "file" and size > FILE_BYTES:
        yield "Failed to send file: it is too large"
    yield from _board_faults(message.get("keyboard"), most_rows=2)
    yield from _board_faults(message.get("rich_media"), most_rows=7)


def _board_faults(board: Any, most_rows: int) -> Iterator[str]:
    if not isinstance(board, dict):
        return
    buttons = board["Buttons"]
    if most_rows == 2 and sum(_area(button) for button in buttons) > KEYBOARD_ROWS * 6:
        yield f"Keyboard has more than {KEYBOARD_ROWS} rows"
    if most_rows > 2:
        block = _whole(board.get("ButtonsGroupColumns"), 6) * _whole(board.get("ButtonsGroupRows"), 7)
        if len(buttons) > CARDS * block:
            yield f"Rich media has more than {CARDS * block} buttons"
    for button in buttons:
        yield from _button_faults(button, most_rows)


def _button_faults(button: dict[str, Any], most_rows: int) -> Iterator[str]:
    if not isinstance(button.get("ActionBody"), str):
        yield "Button has no ActionBody"
    if not any(button.get(name) for name in ("Text", "BgMedia", "Image", "BgColor")):
        yield "Button has nothing to show: one of Text, BgMedia, Image, BgColor is needed"
    for name, most in (("Columns", 6), ("Rows", most_rows)):
        if button.get(name) is not None and not _within(button[name], 1, most):
            yield f"Button {name} must be from 1 to {most}"


def _area(button: dict[str, Any]) -> int:
    return _whole(button.get("Columns"), 6) * _whole(button.get("Rows"), 1)


def _whole(value: Any, default: int) -> int:
    """A number that may come as text, as one stock client sends it."""
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else default


def _within(value: Any, least: float, most: float) -> bool:
    try:
        return least <= float(value) <= most
    except (TypeError, ValueError):
        return False
