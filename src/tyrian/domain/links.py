"""Tracked links: which buttons of a content lead out through the gateway, and the codes by which it knows them.

A code holds the time of its message, which finds the day that its row is kept under, and 96 random bits, which nobody
guesses. It holds no address: where a link leads is looked up, never read from the request.
"""

import base64
import binascii
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from msgspec.structs import replace

from tyrian.domain.content import Base, Carousel, LinkButton

#: Characters of a code: 48 bits of time and 96 random ones.
CODE_LENGTH: Final = 24
_TIME_BYTES: Final = 6
_RANDOM_BYTES: Final = 12


def link_buttons(content: Base) -> Iterator[tuple[int, str, LinkButton]]:
    """Every link button of a content: its place (from 0), its JSON pointer, and the button."""
    button = getattr(content, "button", None)
    if isinstance(button, LinkButton):
        yield 0, "/button", button
    if isinstance(content, Carousel):
        for number, card in enumerate(content.cards or ()):
            yield 2 * number, f"/cards/{number}/primary", card.primary
            if card.secondary is not None:
                yield 2 * number + 1, f"/cards/{number}/secondary", card.secondary


def tracked(content: Base, asked: bool | None, usual: bool) -> Iterator[tuple[int, str, LinkButton]]:
    """The link buttons to track. `asked` is what the message says, `usual` what its channel does without being asked.

    A message that asks has all its link buttons tracked; a channel does it for those with an id.
    """
    if asked if asked is not None else usual:
        yield from (found for found in link_buttons(content) if asked or found[2].id is not None)


def with_urls(content: Any, urls: Mapping[int, str]) -> Any:
    """The content with the URLs of the link buttons at these places replaced."""
    if isinstance(content, Carousel):
        cards = [
            replace(
                card,
                primary=_with_url(card.primary, urls.get(2 * number)),
                secondary=_with_url(card.secondary, urls.get(2 * number + 1)) if card.secondary else None,
            )
            for number, card in enumerate(content.cards or ())
        ]
        return replace(content, cards=cards)
    return replace(content, button=_with_url(content.button, urls.get(0)))


def _with_url(button: LinkButton, url: str | None) -> LinkButton:
    return button if url is None else replace(button, url=url)


def is_web_url(url: str) -> bool:
    """Whether this is an http or https URL with a host, and nothing in it that has no place in a URL."""
    if not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


# -- Codes ------------------------------------------------------------------------------------------------------------


def new_code(message_id: UUID) -> str:
    """A code for a link of this message; another each time."""
    return base64.urlsafe_b64encode(message_id.bytes[:_TIME_BYTES] + secrets.token_bytes(_RANDOM_BYTES)).decode()


def messages_of(code: str) -> tuple[UUID, UUID] | None:
    """The least and the greatest id that the message of a code may have; None for what is no code."""
    if len(code) != CODE_LENGTH or not code.isascii():
        return None
    try:
        time = base64.b64decode(code, altchars=b"-_", validate=True)[:_TIME_BYTES]
    except (binascii.Error, ValueError):
        return None
    return UUID(bytes=time + b"\0" * 10), UUID(bytes=time + b"\xff" * 10)
