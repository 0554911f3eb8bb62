"""What an SMS channel can carry, as data."""

from collections.abc import Iterator
from typing import Final

from tyrian.domain.content import Base
from tyrian.domain.limits import Bound, Capabilities, ContentRule
from tyrian.domain.purpose import Purpose
from tyrian.protocols.smpp import coding
from tyrian.protocols.smpp.config import SmppConfig
from tyrian.protocols.smpp.texts import text_of

SOURCE: Final = "3GPP TS 23.040 9.2.3.24.1 and SMPP 3.4 specification 4.4.1"

#: Content types that can be said in words; media go out as their URL.
CONTENTS: Final[dict[str, ContentRule]] = {
    "text": ContentRule(),
    "image": ContentRule(),
    "video": ContentRule(),
    "file": ContentRule(),
    "url": ContentRule(),
    "location": ContentRule(),
    "list": ContentRule(),
    "template": ContentRule(bounds=(Bound(field="text", required=True, source="SMS knows no templates"),)),
}
COMMON: Final = (Bound(field="keyboard", forbidden=True, source="SMS has no keyboards"),)
RECEIPTS: Final = frozenset({"delivered", "failed", "expired"})

#: Where the words of a content stand, for the pointer of a problem.
_FIELD: Final = {"url": "/url", "location": "", "file": "/name"}


def capabilities(config: SmppConfig) -> Capabilities:
    """What a channel with these settings can carry."""

    def fits(content: Base, purpose: Purpose) -> Iterator[tuple[str, str]]:
        problem = problem_with(content, config)
        if problem:
            yield _FIELD.get(str(content.__struct_config__.tag), "/text"), problem

    return Capabilities(contents=CONTENTS, common=COMMON, receipts=RECEIPTS, inbound=True, extra=(fits,), source=SOURCE)


def problem_with(content: Base, config: SmppConfig) -> str | None:
    """Why a content cannot be written as SMS on this channel, or None if it can."""
    text = text_of(content)
    if text is None:
        return None
    try:
        encoded = coding.encode(text, config.encoding)
    except coding.Uncodable as error:
        return f"cannot be sent on this channel: {error}"
    return too_long(encoded, config)


def too_long(encoded: coding.Encoded, config: SmppConfig) -> str | None:
    """Why a text has too many parts, or None if it has not."""
    needed = coding.count(encoded, config.reference_bits)
    if needed <= config.max_parts:
        return None
    return f"needs {needed} SMS parts; this channel sends at most {config.max_parts}"
