"""Messaging settings: whether an Open Messaging integration tells, and is told, that somebody types."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid4

from msgspec import Meta, Struct, convert, to_builtins

from tyrian.protocols.genesys import errors, rights
from tyrian.protocols.genesys.ids import iso, uuid_of
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply
from tyrian.protocols.genesys.organization import FACE
from tyrian.protocols.genesys.paging import QUERY, listing

TAG: Final = "Messaging settings"
PATH: Final = f"{V2}/conversations/messaging/settings"
_KIND: Final = "messagingsetting"
#: Settings that an account can have.
MOST: Final = 200
BUILT_IN: Final = UUID("74797269-616e-8002-8000-000000000001")
ENABLED: Final = "Enabled"
Switch = Literal["Enabled", "Disabled"]


class Direction(Struct, frozen=True):
    """Whether something is on, each way."""

    inbound: Switch = "Disabled"
    outbound: Switch = "Disabled"


class Typing(Struct, frozen=True):
    """Whether typing is told of."""

    on: Direction = Direction()


class Events(Struct, frozen=True):
    """What is told of besides messages."""

    typing: Typing = Typing()


class SettingRequest(Struct, kw_only=True):
    """A setting to make."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    event: Events = Events()


class Setting(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A messaging setting."""

    id: str
    name: str
    event: Events
    date_created: str | None = None
    date_modified: str | None = None
    version: str | None = None
    self_uri: str

    @property
    def typing(self) -> tuple[bool, bool]:
        """Whether typing is told of, inbound and outbound."""
        return self.event.typing.on.inbound == ENABLED, self.event.typing.on.outbound == ENABLED


class SettingListing(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """One page of settings."""

    entities: list[Setting]
    page_size: int
    page_number: int
    total: int
    page_count: int
    first_uri: str
    last_uri: str
    self_uri: str
    next_uri: str | None = None
    previous_uri: str | None = None


DEFAULT: Final = Setting(
    id=str(BUILT_IN),
    name="Default",
    event=Events(Typing(Direction("Disabled", "Disabled"))),
    version="1",
    self_uri=f"{PATH}/{BUILT_IN}",
)


async def setting(call: Call, identifier: str) -> Setting:
    """A setting of the account. Raises `ApiError` (404)."""
    found = uuid_of(identifier)
    if found == BUILT_IN:
        return DEFAULT
    body = await call.desk.gateway.documents.get(call.account_id, FACE, _KIND, str(found)) if found else None
    if body is None:
        raise errors.not_found(f"The messaging setting {identifier}")
    return convert(body, Setting)


async def create(call: Call) -> Reply:
    """Makes a setting."""
    given: SettingRequest = call.body(SettingRequest)
    gateway = call.desk.gateway
    if len(await gateway.documents.list(call.account_id, FACE, _KIND)) >= MOST:
        raise errors.bad(f"There are {MOST} messaging settings already.")
    identifier, now = uuid4(), iso(gateway.clock.now())
    made = Setting(
        id=str(identifier),
        name=given.name,
        event=given.event,
        date_created=now,
        date_modified=now,
        version="1",
        self_uri=f"{PATH}/{identifier}",
    )
    await gateway.documents.put(call.account_id, FACE, _KIND, made.id, to_builtins(made))
    return Reply(made)


async def read_all(call: Call) -> Reply:
    """All settings, the built-in one first."""
    found = await call.desk.gateway.documents.list(call.account_id, FACE, _KIND)
    return Reply(listing(call, PATH, [DEFAULT, *(convert(document.body, Setting) for document in found)]))


async def read(call: Call) -> Reply:
    """One setting."""
    return Reply(await setting(call, call.path["messageSettingId"]))


async def read_default(call: Call) -> Reply:
    """The setting of integrations that name none."""
    return Reply(DEFAULT)


_LOOK: Final[dict[str, Any]] = {"tag": TAG, "scope": rights.MESSAGING_READ, "every": ("messaging:setting:view",)}

OPERATIONS: Final = (
    Operation(
        name="postMessagingSetting",
        method="POST",
        path=PATH,
        handler=create,
        tag=TAG,
        scope=rights.MESSAGING_WRITE,
        every=("messaging:setting:add",),
        summary="Make a messaging setting",
        body=SettingRequest,
        answer=Setting,
        example={"name": "Typing", "event": {"typing": {"on": {"inbound": "Disabled", "outbound": "Enabled"}}}},
        errors=(400,),
    ),
    Operation(
        name="getMessagingSettings",
        method="GET",
        path=PATH,
        handler=read_all,
        summary="List messaging settings",
        answer=SettingListing,
        query=QUERY,
        errors=(400,),
        **_LOOK,
    ),
    Operation(
        name="getDefaultMessagingSetting",
        method="GET",
        path=f"{PATH}/default",
        handler=read_default,
        summary="The setting of integrations that name none",
        answer=Setting,
        **_LOOK,
    ),
    Operation(
        name="getMessagingSetting",
        method="GET",
        path=f"{PATH}/{{messageSettingId}}",
        handler=read,
        summary="Read a messaging setting",
        answer=Setting,
        errors=(404,),
        **_LOOK,
    ),
)
