"""What Viber carries, as tables: each bound with its source. `rules.py` holds what no table can say.

Sources: "Bot API" is Viber's Bot API documentation 7.3.0 and its creators site; "observed" is an answer of the real
service; "specification" is Viber Business Messages v11.3 as public implementations follow it; "partners" is what
several partners of Viber document alike.
"""

from typing import Final

import msgspec

from tyrian.domain.limits import Bound, Capabilities, ContentRule
from tyrian.domain.media import GIF, JPEG, M4V, MP4, PNG, QUICKTIME, THREE_GP, MediaRule
from tyrian.domain.purpose import Purpose
from tyrian.protocols.viber import rules
from tyrian.protocols.viber.bot_wire import MAX_BODY

_MIB: Final = 1024 * 1024

BOT_API: Final = "Bot API"
OBSERVED: Final = "observed: longer ones are refused with status 3"
SPEC: Final = "specification"
PARTNERS: Final = "partners"

# -- The Bot API ------------------------------------------------------------------------------------------------------

BOT_TEXT: Final = 7000
BOT_CAPTION: Final = 768
BUTTON_TEXT: Final = 250
#: Documented as 250 on Android and 100 on iOS; the server refuses above 250.
OPEN_URL: Final = 250

_BOT_LINK: Final = (
    Bound(field="button.text", max_length=BUTTON_TEXT, source=BOT_API),
    Bound(field="button.url", max_length=OPEN_URL, source=OBSERVED),
)
#: Thumbnails weigh 100 kB at most and are best at 400 x 400.
_BOT_THUMBNAIL: Final = MediaRule(
    field="thumbnail", types=(JPEG, PNG, GIF), max_bytes=102_400, advised_width=400, advised_height=400, source=BOT_API
)
#: A picture on a button: 500 kB.
_ON_BUTTON: Final = 500 * 1024
_BOT_CAPTION: Final = Bound(field="text", max_length=BOT_CAPTION, source=BOT_API)

BOT: Final = Capabilities(
    contents={
        "text": ContentRule(bounds=(Bound(field="text", max_length=BOT_TEXT, source=BOT_API), *_BOT_LINK)),
        "image": ContentRule(
            bounds=(
                Bound(field="url", extensions=(".jpeg", ".jpg", ".png", ".gif"), source=BOT_API),
                _BOT_CAPTION,
                *_BOT_LINK,
            ),
            # 1 MB on iOS and 3 MB on Android: a picture must suit both.
            media=(MediaRule(field="url", types=(JPEG, PNG, GIF), max_bytes=_MIB, source=BOT_API), _BOT_THUMBNAIL),
        ),
        "video": ContentRule(
            bounds=(
                Bound(field="size", required=True, maximum=26 * _MIB, source=BOT_API),
                Bound(field="duration", maximum=180, source=BOT_API),
                _BOT_CAPTION,
                *_BOT_LINK,
            ),
            media=(
                MediaRule(field="url", types=(MP4,), max_bytes=26 * _MIB, max_duration=180, source=BOT_API),
                msgspec.structs.replace(_BOT_THUMBNAIL, types=(JPEG,)),
            ),
        ),
        "file": ContentRule(
            bounds=(
                Bound(field="size", required=True, maximum=50 * _MIB, source=BOT_API),
                Bound(field="name", max_length=256, source=BOT_API),
            ),
            media=(MediaRule(field="url", max_bytes=50 * _MIB, source=BOT_API),),
        ),
        "location": ContentRule(bounds=(Bound(field="address", forbidden=True, source=BOT_API),)),
        "contact": ContentRule(
            bounds=(
                Bound(field="name", max_length=28, source=BOT_API),
                Bound(field="phone", max_length=18, source=BOT_API),
            )
        ),
        "sticker": ContentRule(),
        "url": ContentRule(bounds=(Bound(field="url", max_length=2000, source=BOT_API),)),
        "carousel": ContentRule(
            bounds=(
                Bound(field="text", forbidden=True, source=BOT_API),
                Bound(field="alt_text", max_length=7000, source=BOT_API),
                # A carousel has at most 6 blocks, and a card is one.
                Bound(field="cards", min_length=1, max_length=rules.MAX_BLOCKS, source=BOT_API),
                Bound(field="cards[].title", max_length=BUTTON_TEXT, source=BOT_API),
                Bound(field="cards[].primary.text", max_length=BUTTON_TEXT, source=BOT_API),
                Bound(field="cards[].primary.url", max_length=OPEN_URL, source=OBSERVED),
                Bound(field="cards[].secondary.text", max_length=BUTTON_TEXT, source=BOT_API),
                Bound(field="cards[].secondary.url", max_length=OPEN_URL, source=OBSERVED),
            )
        ),
        "list": ContentRule(
            bounds=(
                Bound(field="text", max_length=BOT_TEXT, source=BOT_API),
                # Each option is a row of the keyboard.
                Bound(field="options", max_length=rules.MAX_KEYBOARD_ROWS, source=BOT_API),
                Bound(field="options[]", max_length=BUTTON_TEXT, source=BOT_API),
            )
        ),
        "keyboard": ContentRule(
            bounds=(Bound(field="keyboard", required=True, source=BOT_API),),
            media=(
                MediaRule(field="keyboard.buttons[].image", types=(JPEG, PNG), max_bytes=_ON_BUTTON, source=BOT_API),
                MediaRule(
                    field="keyboard.buttons[].background_media",
                    types=(JPEG, PNG, GIF),
                    max_bytes=_ON_BUTTON,
                    source=BOT_API,
                ),
            ),
        ),
    },
    common=(
        # Documented as 4000 and as 4096; the lower one is safe.
        Bound(field="tracking_data", max_length=4000, source=BOT_API),
        Bound(field="keyboard.buttons[].rows", maximum=2, source=BOT_API),
        Bound(field="keyboard.default_buttons[].rows", maximum=2, source=BOT_API),
    ),
    max_bytes=MAX_BODY,
    receipts=frozenset({"delivered", "seen", "failed"}),
    inbound=True,
    extra=(rules.buttons, rules.keyboard_rows, rules.carousel_grid),
    source="Viber Bot API documentation 7.3.0",
)

# -- Viber Business Messages ------------------------------------------------------------------------------------------

_FILES: Final = (
    ".doc", ".docx", ".rtf", ".dot", ".dotx", ".odt", ".odf", ".fodt", ".txt", ".info",
    ".pdf", ".xps", ".pdax", ".eps",
    ".xls", ".xlsx", ".ods", ".fods", ".csv", ".xlsm", ".xltx",
)  # fmt: skip
#: 24 MB is said of GIFs; partners publish no bound for pictures that stand still.
_PICTURE: Final = MediaRule(
    field="url",
    types=(JPEG, PNG, GIF),
    max_bytes=24 * _MIB,
    advised_width=800,
    advised_height=800,
    source=PARTNERS,
)
_TEXT: Final = Bound(field="text", max_length=1000, source=SPEC)
_URL: Final = Bound(field="url", max_length=1000, source=SPEC)
_LINK: Final = (
    Bound(field="button.text", max_length=30, source=SPEC),
    Bound(field="button.url", max_length=1000, source=SPEC),
)

_BUSINESS: Final = Capabilities(
    contents={
        "text": ContentRule(bounds=(_TEXT, *_LINK)),
        "image": ContentRule(
            bounds=(_URL, _TEXT, Bound(field="thumbnail", forbidden=True, source=SPEC), *_LINK), media=(_PICTURE,)
        ),
        "video": ContentRule(
            bounds=(
                _URL,
                Bound(field="url", extensions=(".3gp", ".m4v", ".mov", ".mp4"), source=PARTNERS),
                Bound(field="size", required=True, maximum=200 * _MIB, source=SPEC),
                Bound(field="duration", required=True, maximum=600, source=SPEC),
                Bound(field="thumbnail", required=True, max_length=1000, source=SPEC),
                _TEXT,
                *_LINK,
            ),
            media=(
                MediaRule(
                    field="url",
                    types=(MP4, M4V, QUICKTIME, THREE_GP),
                    max_bytes=200 * _MIB,
                    max_duration=600,
                    head=True,
                    source=PARTNERS,
                ),
                MediaRule(field="thumbnail", types=(JPEG, PNG), source=PARTNERS),
            ),
        ),
        "file": ContentRule(
            bounds=(
                _URL,
                Bound(field="name", max_length=25, source=SPEC),
                Bound(field="name", extensions=_FILES, source=PARTNERS),
                Bound(field="size", maximum=200 * _MIB, source=PARTNERS),
            ),
            media=(MediaRule(field="url", max_bytes=200 * _MIB, source=PARTNERS),),
        ),
        "list": ContentRule(
            bounds=(
                Bound(field="text", max_length=85, source=SPEC),
                # Older specifications and some partners stop at 5 options.
                Bound(field="options", min_length=2, max_length=10, source=SPEC),
                Bound(field="options[]", max_length=50, source=SPEC),
            )
        ),
        "carousel": ContentRule(
            bounds=(
                Bound(field="text", required=True, max_length=1000, source=SPEC),
                Bound(field="cards", required=True, min_length=2, max_length=5, source=SPEC),
                Bound(field="cards[].title", min_length=2, max_length=38, source=SPEC),
                Bound(field="cards[].image", max_length=1000, source=PARTNERS),
                Bound(field="cards[].primary.text", max_length=10, source=SPEC),
                Bound(field="cards[].primary.url", max_length=1000, source=PARTNERS),
                Bound(field="cards[].secondary.text", max_length=12, source=SPEC),
                Bound(field="cards[].secondary.url", max_length=1000, source=PARTNERS),
                Bound(field="buttons", forbidden=True, source=SPEC),
                Bound(field="background", forbidden=True, source=SPEC),
                Bound(field="alt_text", forbidden=True, source=SPEC),
            ),
            media=(
                MediaRule(
                    field="cards[].image", types=(JPEG, PNG), advised_width=215, advised_height=185, source=PARTNERS
                ),
            ),
        ),
        "template": ContentRule(bounds=(Bound(field="language", required=True, source=SPEC),)),
    },
    common=(
        Bound(field="keyboard", forbidden=True, source=SPEC),
        Bound(field="sender", forbidden=True, source=SPEC),
        Bound(field="min_api_version", forbidden=True, source=SPEC),
    ),
    receipts=frozenset({"delivered", "seen", "expired"}),
    inbound=True,
    extra=(rules.template_parameters,),
    source="Viber Business Messages, specification v11.3",
)

#: What each purpose may say (specification, message types): what is not here has no type of that rate.
SHAPES: Final[dict[Purpose, frozenset[str]]] = {
    Purpose.TRANSACTIONAL: frozenset({"text", "template", "file", "list"}),
    Purpose.OTP: frozenset({"text", "template"}),
    Purpose.PROMOTIONAL: frozenset(
        {
            "text",
            "text+button",
            "image",
            "image+text",
            "image+text+button",
            "video",
            "video+text",
            "video+text+button",
            "carousel",
        }
    ),
    Purpose.SESSION: frozenset({"text", "image", "file", "list"}),
}
#: Purposes whose free text is a legacy type: since 1 July 2026 Viber wants an approved template for them.
TEMPLATE_ONLY: Final = (Purpose.TRANSACTIONAL, Purpose.OTP)

_WITH_FREE_TEXT: Final = msgspec.structs.replace(_BUSINESS, shapes=SHAPES)
_TEMPLATES_ONLY: Final = msgspec.structs.replace(
    _BUSINESS, shapes={p: s - {"text"} if p in TEMPLATE_ONLY else s for p, s in SHAPES.items()}
)


def business(free_text_transactional: bool) -> Capabilities:
    """What a service id carries, with or without free text for transactional and OTP messages."""
    return _WITH_FREE_TEXT if free_text_transactional else _TEMPLATES_ONLY
