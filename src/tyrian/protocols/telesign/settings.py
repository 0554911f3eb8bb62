"""What an account keeps for this face: where callbacks go, how long made-up codes are, templates of its own.

Telesign's customers set these in its portal; here they are set through `/v1/omnichannel/settings`, which is Tyrian's
own.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta, Struct

from tyrian.protocols.telesign import otp
from tyrian.protocols.telesign.access import FACE

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

KIND: Final = "settings"
#: The one document of that kind.
DOCUMENT: Final = "account"
TEMPLATE: Final = "template"
#: What a template of the customer's own may be called (assumed).
NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: A placeholder in a template of the customer's own (assumed).
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,64})\s*\}\}")

Url = Annotated[str, Meta(min_length=1, max_length=2000)]


class Settings(Struct, kw_only=True):
    """An account's settings. What is left out or null is as if it had never been set."""

    #: Where reports go whose request names no `callback_url`.
    callback_url: Url | None = None
    #: Where people's messages go; left out: to `callback_url`.
    mo_callback_url: Url | None = None
    #: Digits of the codes of `telesign_otp`.
    otp_digits: Annotated[int, Meta(ge=otp.MIN_DIGITS, le=otp.MAX_DIGITS)] = otp.DIGITS


_NONE: Final = Settings()


async def get(gateway: "Gateway", account_id: int) -> Settings:
    """An account's settings."""
    body = await gateway.documents.get(account_id, FACE, KIND, DOCUMENT)
    return msgspec.convert(body, Settings) if body is not None else _NONE


async def put(gateway: "Gateway", account_id: int, settings: Settings) -> None:
    """Keeps an account's settings."""
    await gateway.documents.put(account_id, FACE, KIND, DOCUMENT, msgspec.to_builtins(settings))


def placeholders(text: str) -> set[str]:
    """The parameters that a template's words want."""
    return set(_PLACEHOLDER.findall(text))


def filled(text: str, parameters: Mapping[str, str]) -> str:
    """A template's words with its parameters."""
    return _PLACEHOLDER.sub(lambda found: parameters[found.group(1)], text)
