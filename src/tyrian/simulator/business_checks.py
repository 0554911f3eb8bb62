"""What the business interface refuses at once (public implementations of specification v11.3 and older traces)."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tyrian.protocols.viber.business_wire import (
    LABEL_PROMOTION,
    LABEL_TRANSACTION,
    MAX_TTL,
    MIN_TTL,
    SURVEY_BUTTONS,
    SURVEY_RADIO,
    MessageType as T,
)

SUCCESS: Final = 0
BAD_SERVICE_ID: Final = 2
BAD_DATA: Final = 3
BLOCKED_TYPE: Final = 4
BAD_TYPE: Final = 5
BAD_PARAMETERS: Final = 6
TIMEOUT: Final = 7
BAD_LABEL: Final = 18
INVALID_TTL: Final = 20
INVALID_PHONE: Final = 27
FILE_NOT_PERMITTED: Final = 28
BAD_FILE_NAME: Final = 29
BAD_THUMBNAIL: Final = 30
BAD_FILE_SIZE: Final = 31
BAD_DURATION: Final = 32
TEMPLATE_NOT_FOUND: Final = 38
TEMPLATE_INVALID: Final = 39
SURVEY_INVALID: Final = 40
CAROUSEL_INVALID: Final = 41

TEXT_LIMIT: Final = 1000
CAPTION_LIMIT: Final = 30
URL_LIMIT: Final = 1000
FILE_NAME_LIMIT: Final = 25
FILE_BYTES: Final = 200 * 1024 * 1024
VIDEO_SECONDS: Final = 600
LIST_TEXT_LIMIT: Final = 85
OPTIONS: Final = range(2, 11)
OPTION_LIMIT: Final = 50
CARDS: Final = range(2, 6)
CARD_TITLE: Final = range(2, 39)
FIRST_BUTTON_LIMIT: Final = 10
SECOND_BUTTON_LIMIT: Final = 12
PARAMETER_LIMIT: Final = 125
# fmt: off
FILE_TYPES: Final = frozenset((
    "doc", "docx", "rtf", "dot", "dotx", "odt", "odf", "fodt", "txt", "info", "pdf", "xps", "pdax", "eps",
    "xls", "xlsx", "ods", "fods", "csv", "xlsm", "xltx",
))
# fmt: on

Request = dict[str, Any]
Check = Callable[[Request, dict[str, Any]], int]

_TEXT: Final = ("#txt",)
_IMAGE: Final = ("#img",)
_TEXT_BUTTON: Final = ("#txt", "#caption", "#action")
_FULL: Final = ("#txt", "#img", "#caption", "#action")
_FILE: Final = ("#fileName",)


class Rule(NamedTuple):
    """One message type: the members of `message` that it needs, and what else must hold."""

    needs: tuple[str, ...]
    check: Check | None = None


def _file(request: Request, message: dict[str, Any]) -> int:
    if not (message.get("#media") or message.get("#action")):
        return BAD_PARAMETERS
    if not 0 < len(message["#fileName"]) <= FILE_NAME_LIMIT:
        return BAD_FILE_NAME
    if str(request.get("file_type", "")).lower().lstrip(".") not in FILE_TYPES:
        return FILE_NOT_PERMITTED
    return _size(request)


def _size(request: Request) -> int:
    return SUCCESS if 0 < _whole(request.get("file_size")) <= FILE_BYTES else BAD_FILE_SIZE


def _video(request: Request, message: dict[str, Any]) -> int:
    thumbnail = message.get("#thumbnail")
    if thumbnail is not None and not 0 < len(thumbnail) <= URL_LIMIT:
        return BAD_THUMBNAIL
    if not 0 < _whole(request.get("duration")) <= VIDEO_SECONDS:
        return BAD_DURATION
    return _size(request)


def _survey(request: Request, message: dict[str, Any]) -> int:
    survey = request.get("survey")
    if not isinstance(survey, dict) or survey.get("list_message_ui_type") not in (SURVEY_RADIO, SURVEY_BUTTONS):
        return SURVEY_INVALID
    options = survey.get("options")
    if not isinstance(options, list) or len(options) not in OPTIONS:
        return SURVEY_INVALID
    fits = all(isinstance(option, str) and 0 < len(option) <= OPTION_LIMIT for option in options)
    return SUCCESS if fits and len(message["#txt"]) <= LIST_TEXT_LIMIT else SURVEY_INVALID


def _carousel(request: Request, message: dict[str, Any]) -> int:
    carousel = request.get("carousel")
    items = carousel.get("items") if isinstance(carousel, dict) else None
    if not isinstance(items, list) or len(items) not in CARDS:
        return CAROUSEL_INVALID
    return SUCCESS if all(_is_card(item) for item in items) else CAROUSEL_INVALID


def _is_card(item: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("title"), str) or len(item["title"]) not in CARD_TITLE:
        return False
    second = item.get("secondaryButton")
    return (
        _is_url(item.get("imageUrl"))
        and _is_button(item.get("primaryButton"), FIRST_BUTTON_LIMIT)
        and (second is None or _is_button(second, SECOND_BUTTON_LIMIT))
    )


def _is_button(button: Any, most: int) -> bool:
    if not isinstance(button, dict):
        return False
    label = button.get("label")
    return isinstance(label, str) and 0 < len(label) <= most and _is_url(button.get("actionUrl"))


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= URL_LIMIT


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(value: Any) -> int:
    """The number, or 0 for what is no whole number."""
    return int(value) if _is_whole(value) else 0


RULES: Final[dict[int, Rule]] = {
    **dict.fromkeys((T.TEXT, T.TEXT_ALL, T.TEXT_REPLY, T.PROMO_TEXT, T.PATTERN_TEXT, T.SESSION_TEXT), Rule(_TEXT)),
    **dict.fromkeys((T.IMAGE, T.IMAGE_ALL, T.IMAGE_REPLY, T.SESSION_IMAGE), Rule(_IMAGE)),
    **dict.fromkeys((T.TEXT_BUTTON, T.TEXT_BUTTON_ALL, T.TEXT_BUTTON_REPLY), Rule(_TEXT_BUTTON)),
    **dict.fromkeys(
        (T.TEXT_IMAGE_BUTTON, T.TEXT_IMAGE_BUTTON_ALL, T.TEXT_IMAGE_BUTTON_REPLY, T.TEXT_FULL_IMAGE_BUTTON),
        Rule(_FULL),
    ),
    **dict.fromkeys((T.FILE, T.FILE_REPLY, T.FILE_UNTRACKED, T.SESSION_FILE, T.SESSION_FILE_PHONE), Rule(_FILE, _file)),
    T.VIDEO: Rule(("#action",), _video),
    T.VIDEO_TEXT: Rule(("#txt", "#action"), _video),
    T.VIDEO_TEXT_PLAY: Rule(_TEXT_BUTTON, _video),
    T.VIDEO_TEXT_BUTTON: Rule((*_TEXT_BUTTON, "#media"), _video),
    T.LIST: Rule(_TEXT, _survey),
    T.SESSION_LIST: Rule(_TEXT, _survey),
    T.CAROUSEL: Rule(_TEXT, _carousel),
    T.TEMPLATE: Rule(()),
    T.TEMPLATE_ALL: Rule(()),
}

#: `#tracking_data` must be there (it may be empty), must say something, or must not be there.
TRACKING_PRESENT: Final = frozenset({*range(206, 211), 220, 225, 306, 307, *range(230, 234)})
TRACKING_FILLED: Final = frozenset({801, 802, 901})
TRACKING_ABSENT: Final = frozenset({7, 8, 9, 107, 108, 109})
GIF_TYPES: Final = frozenset({7, 107, 207, 8, 108, 208, 307})
TEMPLATE_TYPES: Final = frozenset({1701, 1702})
SESSION_TYPES: Final = frozenset({306, 307, 221, 224, 802})
#: Free-text transactional types: no more taken after 1 July 2026.
LEGACY_TYPES: Final = frozenset({6, 106, 206, 301})
LABELS: Final = frozenset({LABEL_TRANSACTION, LABEL_PROMOTION})
#: Member of `message` -> its greatest length, and the status above it.
_LIMITS: Final = (
    ("#txt", TEXT_LIMIT, BAD_DATA),
    ("#caption", CAPTION_LIMIT, BAD_PARAMETERS),
    ("#action", URL_LIMIT, BAD_PARAMETERS),
    ("#img", URL_LIMIT, BAD_PARAMETERS),
    ("#media", URL_LIMIT, BAD_PARAMETERS),
)


def check(request: Request) -> int:
    """The status with which a request is refused for its own sake, or 0."""
    rule = RULES.get(request["type"]) if _is_whole(request.get("type")) else None
    if rule is None:
        return BAD_TYPE
    if not _is_whole(request.get("seq")):
        return BAD_PARAMETERS
    dest = request.get("dest")
    if not isinstance(dest, str) or not dest.isascii() or not dest.isdigit() or not 7 <= len(dest) <= 15:
        return INVALID_PHONE
    ttl = request.get("ttl")
    if ttl is not None and not (_is_whole(ttl) and MIN_TTL <= ttl <= MAX_TTL):
        return INVALID_TTL
    if request.get("label") not in LABELS:
        return BAD_LABEL
    return SUCCESS if request["type"] in TEMPLATE_TYPES else _content(request, rule)


def _content(request: Request, rule: Rule) -> int:
    message = request.get("message")
    if not isinstance(message, dict) or not all(isinstance(value, str) for value in message.values()):
        return BAD_PARAMETERS
    if any(name not in message for name in rule.needs):
        return BAD_PARAMETERS
    for name, most, status in _LIMITS:
        if len(message.get(name, "")) > most:
            return status
    if "#imageFormat" in message and (message["#imageFormat"] != "gif" or request["type"] not in GIF_TYPES):
        return BAD_PARAMETERS
    return _tracking(request["type"], message.get("#tracking_data")) or (
        rule.check(request, message) if rule.check is not None else SUCCESS
    )


def _tracking(kind: int, tracking: str | None) -> int:
    wrong = (
        (kind in TRACKING_PRESENT and tracking is None)
        or (kind in TRACKING_FILLED and not tracking)
        or (kind in TRACKING_ABSENT and tracking is not None)
    )
    return BAD_PARAMETERS if wrong else SUCCESS
