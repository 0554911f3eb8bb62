"""What a channel through Telesign carries, as tables (template pages; Engage API).

Telesign publishes few limits; where it is silent, its answer decides.
"""

from collections.abc import Iterator
from typing import Any, Final

from tyrian.domain.content import Base
from tyrian.domain.limits import Bound, Capabilities, ContentRule
from tyrian.domain.purpose import Purpose
from tyrian.protocols.telesign.templates import template_of

_SOURCE: Final = "Telesign, Viber template pages"
_RECEIPTS: Final = frozenset({"delivered", "seen", "failed", "expired"})
_COMMON: Final = (
    Bound(field="keyboard", forbidden=True, source=_SOURCE),
    Bound(field="sender", forbidden=True, source=_SOURCE),
    Bound(field="min_api_version", forbidden=True, source=_SOURCE),
)
_VIDEO: Final = (
    Bound(field="url", extensions=(".3gp", ".m4v", ".mov", ".mp4"), source=_SOURCE),
    Bound(field="size", maximum=200 * 1024 * 1024, source=_SOURCE),
)


def _has_template(channel: str) -> Any:
    def check(content: Base, purpose: Purpose) -> Iterator[tuple[str, str]]:
        if template_of(content, channel=channel, session=purpose is Purpose.SESSION) is None:
            yield "/type", f"no template of Telesign's says this for a {purpose.value} message"

    return check


_BY_CHANNEL: Final[dict[str, Capabilities]] = {
    "viber": Capabilities(
        contents={
            "text": ContentRule(),
            "image": ContentRule(),
            "video": ContentRule(bounds=_VIDEO),
            "template": ContentRule(),
        },
        common=_COMMON,
        receipts=_RECEIPTS,
        inbound=True,
        extra=(_has_template("viber"),),
        source=_SOURCE,
    ),
    "sms": Capabilities(
        contents={"text": ContentRule()},
        common=_COMMON,
        receipts=frozenset({"delivered", "failed", "expired"}),
        inbound=True,
        extra=(_has_template("sms"),),
        source="Telesign, Engage API",
    ),
}


def capabilities(config: dict[str, Any]) -> Capabilities:
    """What a channel with this config carries."""
    return _BY_CHANNEL[str(config.get("channel", "viber"))]
