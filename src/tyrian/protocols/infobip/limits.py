"""What a channel that sends through Infobip carries, as tables (Infobip OpenAPI 3.210.0, product viber)."""

from typing import Final

from tyrian.domain.limits import Bound, Capabilities, ContentRule

_V1: Final = "POST /viber/2/messages"
_B1: Final = "POST /viber-bot/1/messages"

#: Endings of a business file's name.
FILES: Final = (
    ".doc", ".docx", ".dot", ".dotx", ".xls", ".xlsx", ".ods", ".fods", ".odt", ".fodt", ".rtf", ".odf", ".txt",
    ".info", ".pdf", ".xps", ".pdax", ".eps", ".csv", ".xlsm", ".xltx",
)  # fmt: skip

_CAPTION: Final = Bound(field="text", max_length=1000, source=_V1)
_MEDIA: Final = Bound(field="url", max_length=1000, source=_V1)
_BUTTON: Final = (
    Bound(field="button.text", max_length=30, source=_V1),
    Bound(field="button.url", max_length=1000, source=_V1),
)

BUSINESS: Final = Capabilities(
    contents={
        "text": ContentRule(bounds=(_CAPTION, *_BUTTON)),
        "image": ContentRule(
            bounds=(
                _MEDIA,
                Bound(field="url", extensions=(".jpg", ".jpeg", ".png"), source=_V1),
                Bound(field="thumbnail", forbidden=True, source=_V1),
                _CAPTION,
                *_BUTTON,
            )
        ),
        "video": ContentRule(
            bounds=(
                _MEDIA,
                Bound(field="url", extensions=(".3gp", ".m4v", ".mov", ".mp4"), source=_V1),
                Bound(field="duration", required=True, source=_V1),
                Bound(field="thumbnail", required=True, max_length=1000, source=_V1),
                _CAPTION,
                *_BUTTON,
            )
        ),
        "file": ContentRule(bounds=(_MEDIA, Bound(field="name", extensions=FILES, source=_V1))),
        "list": ContentRule(
            bounds=(
                Bound(field="text", max_length=85, source=_V1),
                Bound(field="options", min_length=2, max_length=5, source=_V1),
                Bound(field="options[]", max_length=50, source=_V1),
            )
        ),
        "carousel": ContentRule(
            bounds=(
                Bound(field="text", required=True, max_length=1000, source=_V1),
                Bound(field="cards", required=True, min_length=2, max_length=5, source=_V1),
                Bound(field="cards[].title", min_length=2, max_length=38, source=_V1),
                Bound(field="cards[].image", max_length=1000, source=_V1),
                Bound(field="cards[].primary.text", max_length=10, source=_V1),
                Bound(field="cards[].primary.url", max_length=1000, source=_V1),
                Bound(field="cards[].secondary.text", max_length=12, source=_V1),
                Bound(field="cards[].secondary.url", max_length=1000, source=_V1),
                Bound(field="buttons", forbidden=True, source=_V1),
            )
        ),
        "template": ContentRule(bounds=(Bound(field="language", required=True, source=_V1),)),
    },
    common=(
        Bound(field="keyboard", forbidden=True, source=_V1),
        Bound(field="sender", forbidden=True, source=_V1),
        Bound(field="tracking_data", min_length=1, max_length=100, source=_V1),
    ),
    receipts=frozenset({"delivered", "seen", "failed", "expired"}),
    inbound=True,
    source=_V1,
)

_BOT_CAPTION: Final = Bound(field="text", max_length=768, source=_B1)
_NO_BUTTON: Final = Bound(field="button", forbidden=True, source=_B1)

BOT: Final = Capabilities(
    contents={
        "text": ContentRule(bounds=(Bound(field="text", max_length=4000, source=_B1), _NO_BUTTON)),
        "image": ContentRule(bounds=(_BOT_CAPTION, _NO_BUTTON)),
        "video": ContentRule(
            bounds=(
                Bound(field="size", required=True, maximum=27_262_976, source=_B1),
                Bound(field="duration", maximum=180, source=_B1),
                _BOT_CAPTION,
                _NO_BUTTON,
            )
        ),
        "file": ContentRule(
            bounds=(
                Bound(field="name", max_length=256, source=_B1),
                Bound(field="size", required=True, maximum=52_428_800, source=_B1),
            )
        ),
        "carousel": ContentRule(
            bounds=(
                Bound(field="text", forbidden=True, source=_B1),
                Bound(field="cards", forbidden=True, source=_B1),
                Bound(field="buttons", required=True, source=_B1),
                Bound(field="alt_text", forbidden=True, source=_B1),
            )
        ),
        "location": ContentRule(bounds=(Bound(field="address", forbidden=True, source=_B1),)),
        "contact": ContentRule(
            bounds=(
                Bound(field="name", max_length=28, source=_B1),
                Bound(field="phone", max_length=18, source=_B1),
                Bound(field="avatar", forbidden=True, source=_B1),
            )
        ),
        "sticker": ContentRule(),
        "url": ContentRule(bounds=(Bound(field="url", max_length=2000, source=_B1),)),
    },
    common=(
        # Bots have no `trackingData` in the request; what people answer carries none of ours.
        Bound(field="tracking_data", forbidden=True, source=_B1),
        Bound(field="min_api_version", forbidden=True, source=_B1),
        Bound(field="keyboard.favourite", forbidden=True, source=_B1),
        # The vendor has no member for it; 100 is what it means without.
        Bound(field="keyboard.height_scale", minimum=100, source=_B1),
    ),
    receipts=frozenset({"delivered", "seen", "failed", "expired"}),
    inbound=True,
    source=_B1,
)
