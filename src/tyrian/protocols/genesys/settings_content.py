"""Supported content: profiles of the MIME types that an Open Messaging integration lets in and out."""

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from tyrian.protocols.genesys.open_config import MediaType
from tyrian.protocols.genesys.operation import V2
from tyrian.protocols.genesys.paging import Page
from tyrian.protocols.genesys.register import Register

PATH: Final = f"{V2}/conversations/messaging/supportedcontent"
#: The profile that is there without anybody having made it (Resource Center, supported content profiles).
BUILT_IN: Final = "74797269-616e-8001-8000-000000000001"
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class Type(Struct, frozen=True):
    """A MIME type; `image/*` and `*/*` are for many."""

    type: MediaType


class Allow(Struct, frozen=True):
    """What may come in and go out. An empty list: nothing."""

    inbound: Annotated[list[Type], Meta(max_length=100)] = []
    outbound: Annotated[list[Type], Meta(max_length=100)] = []


class MediaTypes(Struct, frozen=True):
    """The types of a profile."""

    allow: Allow = Allow()


class ProfileRequest(Struct, rename="camel", kw_only=True):
    """A profile to make."""

    name: Name
    media_types: MediaTypes = MediaTypes()


class ProfileChange(Struct, rename="camel", kw_only=True):
    """A change of a profile. Given a `version`, it must be the present one."""

    name: Name | UnsetType = UNSET
    media_types: MediaTypes | UnsetType = UNSET
    version: int | UnsetType = UNSET


class Profile(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A profile."""

    id: str
    name: str
    media_types: MediaTypes
    date_created: str | None = None
    date_modified: str | None = None
    version: int
    self_uri: str


class ProfileListing(Page, kw_only=True):
    """One page of profiles."""

    entities: list[Profile]


class Reference(Struct):
    """A profile, by its id."""

    id: Annotated[str, Meta(max_length=64)]


def _worth(profile: Profile) -> dict[str, Any]:
    allow = profile.media_types.allow
    return {
        "inbound_media": [one.type for one in allow.inbound],
        "outbound_media": [one.type for one in allow.outbound],
    }


PROFILES: Final = Register(
    kind="supportedcontent",
    path=PATH,
    tag="Supported content",
    noun="profile of supported content",
    word="SupportedContent",
    permission="messaging:supportedContent",
    parameter="supportedContentId",
    entry=Profile,
    listed=ProfileListing,
    request=ProfileRequest,
    change=ProfileChange,
    choice=Reference,
    examples={
        "create": {
            "name": "Pictures",
            "mediaTypes": {"allow": {"inbound": [{"type": "image/*"}], "outbound": [{"type": "image/png"}]}},
        },
        "change": {"mediaTypes": {"allow": {"outbound": [{"type": "image/png"}, {"type": "image/jpeg"}]}}},
        "choose": {"id": BUILT_IN},
    },
    built_in=Profile(
        id=BUILT_IN,
        name="Default",
        version=1,
        media_types=MediaTypes(Allow([Type("*/*")], [Type("image/jpeg"), Type("image/png"), Type("image/gif")])),
        self_uri=f"{PATH}/{BUILT_IN}",
    ),
    member="supported_content",
    worth=_worth,
)
OPERATIONS: Final = PROFILES.operations()
