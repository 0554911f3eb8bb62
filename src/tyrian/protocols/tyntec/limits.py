"""What tyntec takes, as tables.

Sources: "OpenAPI" are tyntec's files of Conversations 3.24 and later, "Help" its help pages. The face refuses what the
service refuses at once, and lets through what the service takes and Viber then refuses.
"""

import re
from collections.abc import Mapping
from typing import Final

from tyrian.domain.limits import Bound, Capabilities, ContentRule
from tyrian.domain.purpose import Purpose

OPENAPI: Final = "tyntec Conversations OpenAPI, viber.yaml"
HELP: Final = "tyntec help, delivered messages"

MAX_TEXT: Final = 3000
#: Characters of a text that Viber itself delivers (Help: error 3 above).
VIBER_TEXT: Final = 1000
MAX_CONTEXT: Final = 125
#: Characters of `context.userContext` in 2.x.
MAX_USER_CONTEXT: Final = 255
MAX_URL: Final = 2000
#: Megabytes of a video or file.
MAX_MEGABYTES: Final = 200
MEGABYTE: Final = 1024 * 1024
LIST_OPTIONS: Final = (2, 5)
CAROUSEL_ITEMS: Final = (2, 5)
BULK_MESSAGES: Final = (2, 20)
#: Parts of a 2.x message.
LEGACY_PARTS: Final = (1, 3)
#: Characters of a button in 2.x; v3 sets no limit.
LEGACY_CAPTION: Final = 30
#: The largest number that any JSON reader holds, for numbers that tyntec sets no bound.
MOST_NUMBER: Final = 2**31 - 1
#: Characters of a file's name that the gateway keeps.
MAX_FILENAME: Final = 256

RATES: Final[Mapping[str, Purpose]] = {
    "promotion": Purpose.PROMOTIONAL,
    "transaction": Purpose.TRANSACTIONAL,
    "session": Purpose.SESSION,
}
RATE_OF: Final[Mapping[Purpose, str]] = {
    Purpose.PROMOTIONAL: "promotion",
    Purpose.TRANSACTIONAL: "transaction",
    Purpose.SESSION: "session",
    Purpose.OTP: "transaction",
}
#: The rates under which a content may also travel, first found first taken. tyntec lets promotion and session carry
#: every content; Viber has no type for some of these pairs, and the channel knows which.
ALSO: Final = (Purpose.PROMOTIONAL, Purpose.TRANSACTIONAL)

FILE_TYPES: Final = (
    "doc", "docx", "rtf", "dot", "dotx", "odt", "odf", "fodt", "txt", "info", "pdf", "xps", "pdax", "eps", "xls",
    "xlsx", "ods", "fods", "csv", "xlsm", "xltx",
)  # fmt: skip
VIDEO_TYPES: Final = ("3gp", "m4v", "mov", "mp4")

#: The combinations of parts that Viber carries, each in the order of its parts' names.
COMBINATIONS: Final = frozenset(
    {
        ("text",), ("image",), ("file",), ("video",), ("list",), ("carousel",),
        ("button", "text"), ("button", "image", "text"), ("text", "video"), ("button", "text", "video"),
    }
)  # fmt: skip

_HTTP: Final = r"^https?:\/\/?[\w.-]+(?:\.[\w\.-]+)+[\w\-\._~:/?#[\]@!\$&'\(\)\*\+,;=.]+$"
#: How violations quote the patterns (OpenAPI).
URL_PATTERN: Final = _HTTP
HTTPS_PATTERN: Final = _HTTP.replace("https?", "https")
#: What the patterns mean, read in linear time: on a long URL their nested repeats would take for ever.
_LINEAR: Final = r"://?(?=[\w.-]*?[\w.-]\.[\w.-][\w\-._~:/?#[\]@!$&'()*+,;=])[\w\-._~:/?#[\]@!$&'()*+,;=]+"
_URL: Final = re.compile("https?" + _LINEAR, re.ASCII)
_HTTPS_URL: Final = re.compile("https" + _LINEAR, re.ASCII)
#: Digits, with a plus or two zeros before them if wanted.
NUMBER_PATTERN: Final = r"^(\+|00)?[1-9]\d{6,14}$"
_NUMBER: Final = re.compile(r"(\+|00)?([1-9][0-9]{6,14})")


def is_url(text: str) -> bool:
    """Whether a URL has the form that media must have."""
    return len(text) <= MAX_URL and _URL.fullmatch(text) is not None


def is_https(text: str) -> bool:
    """Whether a URL has the form that an overriding callback URL must have."""
    return len(text) <= MAX_URL and _HTTPS_URL.fullmatch(text) is not None


def digits(text: str) -> str | None:
    """The digits of a phone number in one of the spellings that are taken; None for what is none."""
    match = _NUMBER.fullmatch(text)
    return match[2] if match else None


# -- The connector's --------------------------------------------------------------------------------------------------

_TEXT: Final = Bound(field="text", max_length=VIBER_TEXT, source=HELP)
_URL_BOUND: Final = Bound(field="url", max_length=MAX_URL, source=OPENAPI)
_BUTTON: Final = (
    Bound(field="button.text", max_length=LEGACY_CAPTION, source="tyntec Conversations OpenAPI 2.x, viber.yaml"),
    Bound(field="button.url", max_length=1000, source="tyntec Conversations OpenAPI 2.x, viber.yaml"),
)
_EVERYTHING: Final = frozenset(
    {
        "text", "image", "file", "video", "video+text", "video+text+button", "text+button", "image+text+button",
        "list", "carousel",
    }
)  # fmt: skip
#: What each rate may say (OpenAPI, rate types).
SHAPES: Final[Mapping[Purpose, frozenset[str]]] = {
    Purpose.TRANSACTIONAL: frozenset({"text", "list", "carousel"}),
    Purpose.OTP: frozenset({"text"}),
    Purpose.PROMOTIONAL: _EVERYTHING,
    Purpose.SESSION: _EVERYTHING,
}

CAPABILITIES: Final = Capabilities(
    contents={
        "text": ContentRule(bounds=(_TEXT, *_BUTTON)),
        "image": ContentRule(
            bounds=(_URL_BOUND, _TEXT, Bound(field="thumbnail", forbidden=True, source=OPENAPI), *_BUTTON)
        ),
        "video": ContentRule(
            bounds=(
                _URL_BOUND,
                Bound(field="size", required=True, maximum=MAX_MEGABYTES * MEGABYTE, source=OPENAPI),
                Bound(field="duration", required=True, source=OPENAPI),
                Bound(field="thumbnail", required=True, source=OPENAPI),
                _TEXT,
                *_BUTTON,
            )
        ),
        "file": ContentRule(
            bounds=(
                _URL_BOUND,
                Bound(field="name", extensions=tuple(f".{kind}" for kind in FILE_TYPES), source=OPENAPI),
                Bound(field="size", maximum=MAX_MEGABYTES * MEGABYTE, source=OPENAPI),
            )
        ),
        "list": ContentRule(
            bounds=(
                _TEXT,
                Bound(field="options", min_length=2, max_length=5, source="tyntec release notes, 3.24"),
            )
        ),
        "carousel": ContentRule(
            bounds=(
                Bound(field="text", required=True, max_length=VIBER_TEXT, source=OPENAPI),
                Bound(field="cards", required=True, min_length=2, max_length=5, source=OPENAPI),
                Bound(field="buttons", forbidden=True, source=OPENAPI),
                Bound(field="background", forbidden=True, source=OPENAPI),
                Bound(field="alt_text", forbidden=True, source=OPENAPI),
            )
        ),
    },
    common=(
        Bound(field="keyboard", forbidden=True, source=OPENAPI),
        Bound(field="sender", forbidden=True, source=OPENAPI),
        Bound(field="min_api_version", forbidden=True, source=OPENAPI),
        Bound(field="tracking_data", forbidden=True, source=OPENAPI),
    ),
    shapes=SHAPES,
    receipts=frozenset({"delivered", "seen", "failed"}),
    inbound=True,
    source="tyntec Conversations API 3.24",
)

#: What an SMS of a `tyntec` channel carries.
SMS: Final = Capabilities(
    contents={
        "text": ContentRule(
            bounds=(
                Bound(field="text", max_length=MAX_TEXT, source="tyntec Conversations OpenAPI"),
                Bound(field="button", forbidden=True, source="tyntec Conversations OpenAPI"),
            )
        )
    },
    common=CAPABILITIES.common,
    receipts=frozenset({"delivered", "failed"}),
    inbound=True,
    source="tyntec Conversations API 3.24",
)
