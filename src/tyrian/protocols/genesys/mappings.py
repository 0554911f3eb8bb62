"""The mapping table: short codes that buttons carry, and the instructions that they stand for."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import unquote

from msgspec import Meta, Struct

from tyrian.domain.problem import Problem
from tyrian.engine.documents import Document
from tyrian.protocols.genesys import errors, ids, rights
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply
from tyrian.protocols.genesys.organization import FACE
from tyrian.protocols.genesys.paging import QUERY, Page, listing

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

KIND: Final = "mapping"
TAG: Final = "Mapping table"
PATH: Final = f"{V2}/conversations/messaging/mappings"
#: Codes that an account can have.
MOST: Final = 10_000
_MAX_DAYS: Final = 366

Code = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,128}$")]


class MappingRequest(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A code and what it stands for: any JSON value."""

    code: Code
    instruction: Any
    channel_id: Annotated[str, Meta(max_length=64)] | None = None
    conversation_id: Annotated[str, Meta(max_length=64)] | None = None
    expires_at: datetime | None = None


class Mapping(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A line of the table."""

    code: str
    instruction: Any
    channel_id: str | None = None
    conversation_id: str | None = None
    created_at: str
    expires_at: str | None = None
    self_uri: str


class MappingListing(Page, kw_only=True):
    """One page of the table."""

    entities: list[Mapping]


async def look_up(
    gateway: "Gateway",
    account_id: int,
    payload: str,
    *,
    channel_id: str | None = None,
    conversation_id: str | None = None,
) -> Any | None:
    """What a payload that came back stands for; None for one that is in no table, or another conversation's."""
    code = decoded(payload)
    if not 1 <= len(code) <= 128:
        return None
    body = await gateway.documents.get(account_id, FACE, KIND, code)
    if body is None:
        return None
    for name, here in (("channelId", channel_id), ("conversationId", conversation_id)):
        if body.get(name) is not None and here is not None and body[name] != here:
            return None
    return body["instruction"]


def decoded(payload: str) -> str:
    """A payload as its sender meant it: percent-encoding is taken off once. Garbage stays what it is."""
    return unquote(payload, errors="replace").replace("\0", "\ufffd")


async def put(call: Call) -> Reply:
    """Keeps what a code stands for, whether or not it is new."""
    given: MappingRequest = call.body(MappingRequest)
    now, ttl = call.desk.gateway.clock.now(), None
    if given.expires_at is not None:
        if given.expires_at.tzinfo is None:
            raise errors.wrong([Problem("/expiresAt", "must name its time zone, as with Z")], "invalid.date")
        ttl = (given.expires_at - now).total_seconds()
        if not 0 < ttl <= timedelta(days=_MAX_DAYS).total_seconds():
            raise errors.wrong([Problem("/expiresAt", f"must be within the next {_MAX_DAYS} days")], "invalid.date")
    documents = call.desk.gateway.documents
    if len(await documents.list(call.account_id, FACE, KIND)) >= MOST:
        raise errors.bad(f"The mapping table is full: it holds {MOST} codes.")
    body = {
        "instruction": given.instruction,
        "channelId": given.channel_id,
        "conversationId": given.conversation_id,
        "expiresAt": ids.iso(given.expires_at) if given.expires_at is not None else None,
    }
    await documents.put(call.account_id, FACE, KIND, given.code, body, ttl=ttl)
    return Reply(_shown(Document(given.code, body, now, now)))


async def read_all(call: Call) -> Reply:
    """The whole table, oldest first."""
    found = await call.desk.gateway.documents.list(call.account_id, FACE, KIND)
    return Reply(listing(call, PATH, [_shown(document) for document in found]))


async def read(call: Call) -> Reply:
    """What one code stands for."""
    code = call.path["code"]
    for document in await call.desk.gateway.documents.list(call.account_id, FACE, KIND):
        if document.name == code:
            return Reply(_shown(document))
    raise errors.not_found(f"The code {code[:128]}")


async def remove(call: Call) -> Reply:
    """Forgets a code."""
    if not await call.desk.gateway.documents.delete(call.account_id, FACE, KIND, call.path["code"]):
        raise errors.not_found(f"The code {call.path['code'][:128]}")
    return Reply(status=204)


def _shown(document: Document) -> Mapping:
    body = document.body
    return Mapping(
        code=document.name,
        instruction=body["instruction"],
        channel_id=body["channelId"],
        conversation_id=body["conversationId"],
        created_at=ids.iso(document.created_at),
        expires_at=body["expiresAt"],
        self_uri=f"{PATH}/{document.name}",
    )


EXAMPLE: Final = {"code": "ACTION_ID_102", "instruction": {"action": "show", "args": ["prices", 7]}}

OPERATIONS: Final = (
    Operation(
        name="postMapping",
        method="POST",
        path=PATH,
        handler=put,
        tag=TAG,
        summary="Keep what a short code stands for",
        scope=rights.MESSAGING_WRITE,
        every=("conversation:message:create",),
        body=MappingRequest,
        answer=Mapping,
        example=EXAMPLE,
        errors=(400,),
    ),
    Operation(
        name="getMappings",
        method="GET",
        path=PATH,
        handler=read_all,
        tag=TAG,
        summary="List short codes",
        scope=rights.MESSAGING_READ,
        answer=MappingListing,
        query=QUERY,
        errors=(400,),
    ),
    Operation(
        name="getMapping",
        method="GET",
        path=f"{PATH}/{{code}}",
        handler=read,
        tag=TAG,
        summary="What a short code stands for",
        scope=rights.MESSAGING_READ,
        answer=Mapping,
        errors=(404,),
    ),
    Operation(
        name="deleteMapping",
        method="DELETE",
        path=f"{PATH}/{{code}}",
        handler=remove,
        tag=TAG,
        summary="Forget a short code",
        scope=rights.MESSAGING_WRITE,
        every=("conversation:message:create",),
        status=204,
        errors=(404,),
    ),
)
