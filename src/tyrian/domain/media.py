"""What is known of a file, what a channel wants of one, and what it takes to make the one fit the other. Pure."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
GIF: Final = "image/gif"
WEBP: Final = "image/webp"
MP4: Final = "video/mp4"
M4V: Final = "video/x-m4v"
QUICKTIME: Final = "video/quicktime"
THREE_GP: Final = "video/3gpp"


class MediaPolicy(StrEnum):
    """What is done about the files that a message names, before it is sent."""

    #: Nothing: the network finds out.
    AS_IS = "as_is"
    #: They are looked at; a message with one that its channel does not take is not sent on it.
    PROBE = "probe"
    #: The same, and pictures that its channel does not take are made to fit.
    FIT = "fit"


class MediaRule(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the file behind one URL of a content must be. `field` is the URL's path in the content, as in `Bound`."""

    field: str
    #: Content types, as the bytes tell them; empty: any that is known here.
    types: tuple[str, ...] = ()
    max_bytes: int | None = None
    #: Pixels.
    max_width: int | None = None
    max_height: int | None = None
    #: Width divided by height.
    min_ratio: float | None = None
    max_ratio: float | None = None
    #: Seconds.
    max_duration: float | None = None
    #: False: only pictures that stand still.
    animated: bool = True
    #: Endings that the URL's path must have, in lower case, where that is no bound of the content (`files.fitting`).
    endings: tuple[str, ...] = ()
    #: False: the URL may be plain http.
    https: bool = True
    #: True: the file's server must answer HEAD with the length.
    head: bool = False
    #: Pixels that the network advises; what is made to fit is made no larger.
    advised_width: int | None = None
    advised_height: int | None = None
    source: str = ""


class Facts(Struct, frozen=True, kw_only=True):
    """What the bytes of a file tell. `size` in bytes, `width` and `height` in pixels, `duration` in seconds."""

    content_type: str
    size: int
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    animated: bool = False

    @property
    def ratio(self) -> float | None:
        """Width divided by height."""
        return self.width / self.height if self.width and self.height else None


class Stored(Struct, frozen=True, kw_only=True):
    """A file that the gateway keeps. `url` is signed and serves whoever has it until `url_expires_at`."""

    id: UUID
    account_id: int
    name: str
    sha256: bytes
    facts: Facts
    created_at: datetime
    keep_until: datetime
    url: str
    url_expires_at: datetime
    #: False: these bytes were here already.
    fresh: bool = False


class Probed(Struct, frozen=True, kw_only=True):
    """What was found behind a URL. `final_url` is where redirects led; facts are None where nothing could be read."""

    url: str
    final_url: str
    status: int | None
    #: What the server called it.
    declared_type: str | None
    facts: Facts | None
    #: Whether the server answers requests for a part of the file.
    ranges: bool = False


class Suited(Struct, frozen=True, kw_only=True):
    """What a file is to a channel: `url` is where it takes it from, which is another than was asked about for `after`.

    With a `reason`, a word of `domain.reasons`, the channel does not take it, and `problem` says why in a sentence.
    """

    url: str
    before: Facts | None = None
    #: The picture that was made of it, or hosted in its place.
    after: Facts | None = None
    reason: str | None = None
    problem: str = ""


class Recipe(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to make a picture anew: within these bounds, by the first of `types` that suits it."""

    max_width: int | None = None
    max_height: int | None = None
    max_bytes: int | None = None
    types: tuple[str, ...] = (JPEG, PNG, WEBP)


class TooLarge(Exception):
    """A file is longer than it may be; `most` is in bytes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"is larger than {most} bytes")
        self.most = most


def broken(facts: Facts, rule: MediaRule) -> Iterator[str]:
    """Every way in which a file breaks a rule, in words that follow "the file"."""
    if rule.types and facts.content_type not in rule.types:
        yield f"is {facts.content_type}; this channel takes {', '.join(rule.types)}"
    if rule.max_bytes is not None and facts.size > rule.max_bytes:
        yield f"has {facts.size} bytes; this channel takes at most {rule.max_bytes}"
    if facts.animated and not rule.animated:
        yield "is animated; this channel takes pictures that stand still"
    yield from _dimensions(facts, rule)
    if rule.max_duration is not None and facts.duration is not None and facts.duration > rule.max_duration:
        yield f"lasts {facts.duration:.1f} s; this channel takes at most {rule.max_duration:g} s"


def _dimensions(facts: Facts, rule: MediaRule) -> Iterator[str]:
    for what, given, most in (
        ("wide", facts.width, rule.max_width),
        ("high", facts.height, rule.max_height),
    ):
        if most is not None and given is not None and given > most:
            yield f"is {given} pixels {what}; this channel takes at most {most}"
    ratio = facts.ratio
    if ratio is None:
        return
    if rule.min_ratio is not None and ratio < rule.min_ratio:
        yield f"has the aspect ratio {ratio:.2f}; this channel takes {rule.min_ratio:.2f} or more"
    if rule.max_ratio is not None and ratio > rule.max_ratio:
        yield f"has the aspect ratio {ratio:.2f}; this channel takes {rule.max_ratio:.2f} or less"


def recipe_for(rule: MediaRule) -> Recipe:
    """The recipe that makes a picture fit a rule."""
    pictures = tuple(t for t in (JPEG, PNG, WEBP) if not rule.types or t in rule.types)
    return Recipe(
        max_width=_smaller(rule.max_width, rule.advised_width),
        max_height=_smaller(rule.max_height, rule.advised_height),
        max_bytes=rule.max_bytes,
        types=pictures or (JPEG,),
    )


def _smaller(a: int | None, b: int | None) -> int | None:
    given = [n for n in (a, b) if n is not None]
    return min(given) if given else None
