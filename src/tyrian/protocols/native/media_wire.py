"""What is asked of and answered about hosted files."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tyrian.domain.keyboard import Url
from tyrian.protocols.native.errors import ProblemItem

Content = Literal["image", "video", "file", "carousel", "contact", "audio", "keyboard"]
FileField = Literal[
    "url",
    "thumbnail",
    "cards[].image",
    "avatar",
    "keyboard.buttons[].image",
    "keyboard.buttons[].background_media",
]
Channel = Annotated[str, Meta(min_length=1, max_length=64, description="A channel's name.")]
Name = Annotated[str, Meta(min_length=1, max_length=256, description="The file's name.")]
Pixels = Annotated[int, Meta(ge=1, le=16_383)]
Bytes = Annotated[int, Meta(ge=256, le=2**40)]


class Fit(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a file is to go: a field of a type of content, on a channel."""

    channel: Channel
    content: Content = "image"
    field: FileField = "url"


class MediaFetchRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A file to fetch and host. With `fit`, a picture that a channel would not take is made to fit it."""

    url: Url
    name: Name | None = None
    fit: Fit | None = None


class MediaProbeRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A URL to look at; with `fit`, against what a channel takes."""

    url: Url
    fit: Fit | None = None


class OptimiseRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a picture is to be: as a channel takes it (`fit`), or within bounds of your own; both at once is refused.

    The aspect ratio stays. Of `types`, the first that suits the picture is used: JPEG cannot hold what shines through.
    """

    fit: Fit | None = None
    max_width: Pixels | None = None
    max_height: Pixels | None = None
    max_bytes: Bytes | None = None
    types: (
        Annotated[list[Literal["image/jpeg", "image/png", "image/webp"]], Meta(min_length=1, max_length=3)] | None
    ) = None


class MediaAnswer(Struct, kw_only=True):
    """A hosted file. Its `url` serves whoever has it, until `url_expires_at`; pixels, bytes, seconds."""

    id: UUID
    name: str
    content_type: str
    size: int
    sha256: str
    width: int | None
    height: int | None
    ratio: float | None
    duration: float | None
    animated: bool
    created_at: str
    keep_until: str
    url: str
    url_expires_at: str


class MediaList(Struct, kw_only=True):
    """A page of hosted files, and how much of its space the account uses."""

    media: list[MediaAnswer]
    next: str | None
    used_bytes: int
    quota_bytes: int


class ProbeAnswer(Struct, kw_only=True):
    """What is behind a URL. `fits`: nothing is wrong with it. `ranges`: its server gives parts of it."""

    fits: bool
    url: str
    final_url: str
    status: int | None
    declared_type: str | None
    content_type: str | None
    size: int | None
    width: int | None
    height: int | None
    ratio: float | None
    duration: float | None
    animated: bool | None
    ranges: bool
    problems: list[ProblemItem]


# -- Parameters -------------------------------------------------------------------------------------------------------


class UploadParameters(Struct, kw_only=True):
    """What a URL says of an upload."""

    name: Name = "file"
    channel: Annotated[str, Meta(max_length=64, description="Makes a picture fit this channel.")] | None = None
    content: Annotated[Content, Meta(description="With `channel`: the type of content it is for.")] = "image"
    field: Annotated[FileField, Meta(description="With `channel`: the field of the content.")] = "url"


class MediaListParameters(Struct, kw_only=True):
    """Which page."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Entries of a page.")] = 100
    cursor: Annotated[str, Meta(description="The `next` of the page before.")] | None = None


class MediaParameters(Struct, kw_only=True):
    """How long the link in the answer is to serve."""

    link_seconds: (
        Annotated[int, Meta(ge=60, le=31_536_000, description="Seconds for which the link serves the file.")] | None
    ) = None
