"""Media that agents attach: announced here, uploaded to an address of their own, then sent by their id."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID, uuid4

from msgspec import Meta, Struct

from tyrian.domain.media import Stored
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.documents import Document
from tyrian.protocols.genesys import errors, rights
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply
from tyrian.protocols.genesys.organization import FACE, MEBIBYTE
from tyrian.protocols.genesys.paging import QUERY, Page, listing

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

TAG: Final = "Media"
_KIND: Final = "upload"
#: Bytes that an attachment may have (Resource Center, content profiles).
MAX_BYTES: Final = 25 * MEBIBYTE
#: Seconds that an upload may be used after it was announced.
_KEPT: Final = 3 * 86_400
STATUSES: Final = ("uploading", "valid", "invalid")
_PATH: Final = f"{V2}/conversations/messages/{{conversationId}}/communications/{{communicationId}}/messages/media"
_UPLOAD: Final = f"{V2}/uploads/media/{{mediaId}}"
_SOME: Final = (
    "conversation:message:create",
    "conversation:webmessaging:create",
    "conversation:socialmedia:create",
)


class UploadRequest(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A file that will be uploaded."""

    file_name: Annotated[str, Meta(min_length=1, max_length=250, pattern=r"^[^.\s/\\][^\s/\\]*$")]
    content_length_bytes: Annotated[int, Meta(ge=1, le=MAX_BYTES)]
    content_md5: Annotated[str, Meta(max_length=64)] | None = None


class UploadAnswer(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """Where to put the file, and with which headers."""

    id: str
    name: str | None = None
    upload_url: str
    upload_headers: dict[str, str] = {}
    status: str = "uploading"
    self_uri: str


class MediaData(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """An upload as it stands: `uploading`, `valid` or `invalid`."""

    id: str
    name: str | None = None
    url: str | None = None
    media_type: str | None = None
    content_length_bytes: int | None = None
    upload_url: str | None = None
    status: str
    conversation_id: str | None = None
    communication_id: str | None = None
    self_uri: str


class MediaListing(Page, kw_only=True):
    """One page of uploads."""

    entities: list[MediaData]


class Uploads:
    """The uploads of all accounts of a gateway."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway

    async def announce(self, account_id: int, body: dict[str, Any]) -> UUID:
        """Makes room for a file, and gives its id."""
        identifier = uuid4()
        index = f"{_KIND}:{body['communication']}"
        await self._gateway.documents.put(account_id, FACE, index, str(identifier), True, ttl=_KEPT)
        await self._gateway.documents.put(account_id, FACE, _KIND, str(identifier), body, ttl=_KEPT)
        return identifier

    async def get(self, account_id: int, identifier: UUID) -> Any | None:
        """What is known of an upload."""
        return await self._gateway.documents.get(account_id, FACE, _KIND, str(identifier))

    async def of(self, account_id: int, communication: str) -> list[Document]:
        """The uploads of a communication, oldest first."""
        documents = self._gateway.documents
        index = await documents.list(account_id, FACE, f"{_KIND}:{communication}")
        return await documents.list(account_id, FACE, _KIND, [document.name for document in index])

    async def stored(self, account_id: int, identifier: UUID) -> Stored | None:
        """The file of an upload, once it is there; or a file that was uploaded to the gateway otherwise."""
        body = await self.get(account_id, identifier)
        kept = body.get("media") if body is not None else str(identifier)
        assert self._gateway.media is not None
        return await self._gateway.media.get(account_id, UUID(kept)) if kept else None

    async def take(self, identifier: UUID, data: bytes, declared: str | None) -> bool:
        """Keeps a file that was announced; False for one that was not. Raises `Refused`."""
        found = await self._gateway.documents.find(FACE, _KIND, str(identifier))
        if found is None:
            return False
        account_id, body = found
        assert self._gateway.media is not None
        status: dict[str, Any] = {"status": "invalid"}
        try:
            if body.get("bytes") is not None and body["bytes"] != len(data):
                raise Refused([Problem("", f"has {len(data)} bytes, and {body['bytes']} were announced")])
            media = await self._gateway.media.upload(
                account_id, body.get("name") or "file", _once(data), announced=len(data), declared=declared
            )
            status = {"status": "valid", "media": str(media.id)}
        finally:
            await self._gateway.documents.put(account_id, FACE, _KIND, str(identifier), body | status, ttl=_KEPT)
        return True


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def announce(call: Call) -> Reply:
    """Makes room for a file that an agent will attach."""
    given: UploadRequest = call.body(UploadRequest)
    body = {**await _where(call), "name": given.file_name, "bytes": given.content_length_bytes}
    identifier = await call.desk.uploads.announce(call.account_id, {**body, "status": "uploading"})
    return Reply(_answer(call, str(identifier), given.file_name))


async def announce_old(call: Call) -> Reply:
    """The same without a word on the file."""
    identifier = await call.desk.uploads.announce(call.account_id, {**await _where(call), "status": "uploading"})
    return Reply(_answer(call, str(identifier), None), 202)


def _answer(call: Call, identifier: str, name: str | None) -> UploadAnswer:
    base = call.desk.gateway.settings.public_url
    return UploadAnswer(
        id=identifier,
        name=name,
        upload_url=base + _UPLOAD.replace("{mediaId}", identifier),
        upload_headers={"Content-Type": "application/octet-stream"},
        self_uri=_self(call, identifier),
    )


def _self(call: Call, identifier: str = "") -> str:
    """The address of an upload; without one, of all."""
    path = _PATH
    for name in ("conversationId", "communicationId"):
        path = path.replace(f"{{{name}}}", call.path[name])
    return f"{path}/{identifier}" if identifier else path


async def _where(call: Call) -> dict[str, str]:
    """The conversation and communication of a path. Raises `ApiError` (404)."""
    conversation = await call.desk.threads.get(call.account_id, call.uuid("conversationId", "The conversation"))
    leg = conversation.leg(call.uuid("communicationId", "The communication"))
    if leg is None:
        raise errors.not_found("The communication")
    return {"conversation": str(conversation.id), "communication": str(leg.communication_id)}


async def put(call: Call) -> Reply:
    """Takes the bytes of a file. Its address is all that is needed: nobody else knows it."""
    identifier = call.uuid("mediaId", "The upload")
    declared = call.headers.get("content-type")
    try:
        known = await call.desk.uploads.take(
            identifier, call.raw, None if declared == "application/octet-stream" else declared
        )
    except Refused as refused:
        raise errors.wrong(refused.problems, "MediaTypeNotAllowed") from None
    if not known:
        raise errors.not_found("The upload")
    return Reply()


async def read(call: Call) -> Reply:
    """An upload as it stands."""
    where = await _where(call)
    identifier = call.uuid("mediaId", "The upload")
    body = await call.desk.uploads.get(call.account_id, identifier)
    if body is None or body["communication"] != where["communication"]:
        raise errors.not_found("The upload")
    return Reply(await _shown(call, identifier, body))


async def read_all(call: Call) -> Reply:
    """The uploads of a communication: all of them, or those of a status."""
    where, status = await _where(call), call.query.get("status", "").lower()
    if status not in ("", *STATUSES):
        raise errors.bad(f"status must be one of {', '.join(STATUSES)}", "invalid.value", "status")
    found = await call.desk.uploads.of(call.account_id, where["communication"])
    page = listing(call, _self(call), [one for one in found if status in ("", one.body["status"])])
    page["entities"] = [await _shown(call, UUID(one.name), one.body) for one in page["entities"]]
    return Reply(page)


async def _shown(call: Call, identifier: UUID, body: Any) -> MediaData:
    stored = await call.desk.uploads.stored(call.account_id, identifier)
    return MediaData(
        id=str(identifier),
        name=body.get("name"),
        url=stored.url if stored is not None else None,
        media_type=stored.facts.content_type if stored is not None else None,
        content_length_bytes=stored.facts.size if stored is not None else body.get("bytes"),
        status=body["status"],
        conversation_id=body["conversation"],
        communication_id=body["communication"],
        self_uri=_self(call, str(identifier)),
    )


def _row(name: str, method: str, path: str, handler: Any, summary: str, **more: Any) -> Operation:
    common: dict[str, Any] = {"tag": TAG, "errors": (400, 404), "scope": rights.MESSAGING_WRITE, "some": _SOME}
    return Operation(name=name, method=method, path=path, handler=handler, summary=summary, **(common | more))


OPERATIONS: Final = (
    _row(
        "postMediaUploads",
        "POST",
        f"{_PATH}/uploads",
        announce,
        "Announce a file, and get an address to put it to",
        body=UploadRequest,
        answer=UploadAnswer,
        example={"fileName": "offer.jpg", "contentLengthBytes": 20480},
    ),
    _row(
        "postMedia",
        "POST",
        _PATH,
        announce_old,
        "The same, without its name and length",
        answer=UploadAnswer,
        status=202,
    ),
    _row(
        "getMedia",
        "GET",
        f"{_PATH}/{{mediaId}}",
        read,
        "An upload as it stands",
        scope=rights.MESSAGING_READ,
        some=("conversation:message:view", "conversation:messageMedia:view"),
        answer=MediaData,
    ),
    _row(
        "getMediaOfCommunication",
        "GET",
        _PATH,
        read_all,
        "List uploads of the last three days, by their status",
        scope=rights.MESSAGING_READ,
        some=("conversation:messageMedia:view",),
        query={**QUERY, "status": ("string", f"Only those that are {', '.join(STATUSES)}.")},
        answer=MediaListing,
    ),
    Operation(
        name="putUpload",
        method="PUT",
        path=_UPLOAD,
        handler=put,
        tag=TAG,
        summary="Upload a file that was announced",
        open=True,
        body=bytes,
        most=MAX_BYTES,
        errors=(400, 404),
    ),
)
