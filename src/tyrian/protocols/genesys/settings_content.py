"""Supported content: profiles of the MIME types that an Open Messaging integration lets in and out."""

from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from msgspec import Meta, Struct, convert, to_builtins

from tyrian.protocols.genesys import errors, rights
from tyrian.protocols.genesys.ids import iso, uuid_of
from tyrian.protocols.genesys.open_config import MediaType
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply
from tyrian.protocols.genesys.organization import FACE
from tyrian.protocols.genesys.paging import QUERY, listing

TAG: Final = "Supported content"
PATH: Final = f"{V2}/conversations/messaging/supportedcontent"
_KIND: Final = "supportedcontent"
_CHOICE: Final = "supportedcontent.default"
_ME: Final = "me"
#: Profiles that an account can have.
MOST: Final = 200
#: The profile that is there without anybody having made it (Resource Center, content profiles).
BUILT_IN: Final = UUID("74797269-616e-8001-8000-000000000001")


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

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    media_types: MediaTypes = MediaTypes()


class Profile(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A profile."""

    id: str
    name: str
    media_types: MediaTypes
    date_created: str | None = None
    date_modified: str | None = None
    version: int = 1
    self_uri: str


class ProfileListing(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """One page of profiles."""

    entities: list[Profile]
    page_size: int
    page_number: int
    total: int
    page_count: int
    first_uri: str
    last_uri: str
    self_uri: str
    next_uri: str | None = None
    previous_uri: str | None = None


class Reference(Struct):
    """A profile, by its id."""

    id: Annotated[str, Meta(max_length=64)]


def _made(identifier: UUID | str, given: ProfileRequest, **more: Any) -> Profile:
    own = f"{PATH}/{identifier}"
    return Profile(id=str(identifier), name=given.name, media_types=given.media_types, self_uri=own, **more)


DEFAULT: Final = _made(
    BUILT_IN,
    ProfileRequest(
        name="Default",
        media_types=MediaTypes(
            Allow([Type("*/*")], [Type("image/jpeg"), Type("image/png"), Type("image/gif")]),
        ),
    ),
)


async def profile(call: Call, identifier: str) -> Profile:
    """A profile of the account. Raises `ApiError` (404)."""
    found = uuid_of(identifier)
    if found == BUILT_IN:
        return DEFAULT
    body = await call.desk.gateway.documents.get(call.account_id, FACE, _KIND, str(found)) if found else None
    if body is None:
        raise errors.not_found(f"The supported content {identifier}")
    return convert(body, Profile)


async def default(call: Call) -> Profile:
    """The profile of integrations that name none."""
    body = await call.desk.gateway.documents.get(call.account_id, FACE, _CHOICE, _ME)
    try:
        return await profile(call, body["id"]) if body is not None else DEFAULT
    except errors.ApiError:
        return DEFAULT


async def create(call: Call) -> Reply:
    """Makes a profile."""
    given: ProfileRequest = call.body(ProfileRequest)
    gateway = call.desk.gateway
    if len(await gateway.documents.list(call.account_id, FACE, _KIND)) >= MOST:
        raise errors.bad(f"There are {MOST} profiles of supported content already.")
    now = iso(gateway.clock.now())
    made = _made(uuid4(), given, date_created=now, date_modified=now)
    await gateway.documents.put(call.account_id, FACE, _KIND, made.id, to_builtins(made))
    return Reply(made)


async def read_all(call: Call) -> Reply:
    """All profiles, the built-in one first."""
    found = await call.desk.gateway.documents.list(call.account_id, FACE, _KIND)
    return Reply(listing(call, PATH, [DEFAULT, *(convert(document.body, Profile) for document in found)]))


async def read(call: Call) -> Reply:
    """One profile."""
    return Reply(await profile(call, call.path["supportedContentId"]))


async def read_default(call: Call) -> Reply:
    """The profile of integrations that name none."""
    return Reply(await default(call))


async def choose(call: Call) -> Reply:
    """Makes a profile the one that integrations get which name none. Those that are there keep theirs."""
    chosen = await profile(call, call.body(Reference).id)
    await call.desk.gateway.documents.put(call.account_id, FACE, _CHOICE, _ME, {"id": chosen.id})
    return Reply(chosen)


_LOOK: Final[dict[str, Any]] = {
    "tag": TAG,
    "scope": rights.MESSAGING_READ,
    "every": ("messaging:supportedContent:view",),
}
_CHANGE: Final[dict[str, Any]] = {"tag": TAG, "scope": rights.MESSAGING_WRITE, "errors": (400, 404)}

OPERATIONS: Final = (
    Operation(
        name="postSupportedContent",
        method="POST",
        path=PATH,
        handler=create,
        summary="Make a profile of supported content",
        every=("messaging:supportedContent:add",),
        body=ProfileRequest,
        answer=Profile,
        example={
            "name": "Pictures",
            "mediaTypes": {"allow": {"inbound": [{"type": "image/*"}], "outbound": [{"type": "image/png"}]}},
        },
        **_CHANGE,
    ),
    Operation(
        name="getSupportedContents",
        method="GET",
        path=PATH,
        handler=read_all,
        summary="List profiles of supported content",
        answer=ProfileListing,
        query=QUERY,
        errors=(400,),
        **_LOOK,
    ),
    Operation(
        name="getDefaultSupportedContent",
        method="GET",
        path=f"{PATH}/default",
        handler=read_default,
        summary="The profile of integrations that name none",
        answer=Profile,
        **_LOOK,
    ),
    Operation(
        name="putDefaultSupportedContent",
        method="PUT",
        path=f"{PATH}/default",
        handler=choose,
        summary="Choose the profile of integrations that name none",
        every=("messaging:supportedContent:edit",),
        body=Reference,
        answer=Profile,
        example={"id": str(BUILT_IN)},
        **_CHANGE,
    ),
    Operation(
        name="getSupportedContent",
        method="GET",
        path=f"{PATH}/{{supportedContentId}}",
        handler=read,
        summary="Read a profile of supported content",
        answer=Profile,
        errors=(404,),
        **_LOOK,
    ),
)
