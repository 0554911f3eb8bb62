"""Uploads: kept for a while, listed, and served under a signed URL that Viber can fetch without a key.

An upload is two documents that expire together: what it is, and its bytes.
"""

import base64
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from tyrian.protocols.tyntec import errors, limits, wire_account
from tyrian.protocols.tyntec.accounts import FACE
from tyrian.protocols.tyntec.content import EMPTY, Faults, size_between
from tyrian.protocols.tyntec.guard import READ, SEND
from tyrian.protocols.tyntec.operation import Call, Operation, Reply
from tyrian.protocols.tyntec.sending import refuse
from tyrian.protocols.tyntec.times import millis
from tyrian.protocols.tyntec.wire import V2, V2_EARLIER, V3

TAG: Final = "Media"
#: Bytes of one upload, and of all of an account. tyntec publishes neither.
MAX_BYTES: Final = 1_048_576
QUOTA: Final = 64 * MAX_BYTES
#: Minutes that an upload is kept if it does not say, and at most.
VALIDITY: Final = 1440
MAX_VALIDITY: Final = 30 * 1440

_KIND: Final = "media"
_BYTES: Final = "media-bytes"
_TYPE: Final = re.compile(r"[\w!#$&^.+-]{1,64}/[\w!#$&^.+-]{1,64}(;[ -~]{0,128})?", re.ASCII)
_UNKNOWN: Final = "application/octet-stream"
#: Types that a browser would run in the gateway's own name.
_ACTIVE: Final = ("text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml")


class Stored(msgspec.Struct):
    """What is known of an upload. `until` is a time in seconds since 1970; `key` signs its URL."""

    content_type: str
    file_name: str
    size: int
    until: int
    key: str


async def upload(call: Call) -> Reply:
    """Keeps the body. `validity` in minutes."""
    faults = Faults()
    validity = _minutes(call.query.get("validity"), faults)
    name = call.query.get("filename", "")
    if len(name) > limits.MAX_FILENAME or "\0" in name:
        faults.add("filename", size_between(0, limits.MAX_FILENAME))
    if not call.raw:
        faults.add("body", EMPTY)
    used = sum(entry.size for _, entry in await _all(call))
    if len(call.raw) > MAX_BYTES or used + len(call.raw) > QUOTA:
        raise errors.too_large()
    if faults:
        refuse(faults)
    given = call.headers.get("content-type", "")
    until = int((call.gateway.clock.now() + timedelta(minutes=validity)).timestamp())
    media_type = given if _TYPE.fullmatch(given) else _UNKNOWN
    stored = Stored(media_type, name, len(call.raw), until, secrets.token_hex(16))
    media_id, documents, ttl = str(uuid4()), call.gateway.documents, validity * 60.0
    # The bytes first: what is listed can be fetched.
    await documents.put(call.account_id, FACE, _BYTES, media_id, base64.b64encode(call.raw).decode(), ttl=ttl)
    await documents.put(call.account_id, FACE, _KIND, media_id, msgspec.to_builtins(stored), ttl=ttl)
    url = signed_url(call.gateway.settings.public_url, media_id, stored)
    return Reply(wire_account.UploadAnswer(media_id, url, QUOTA, used + len(call.raw)))


def _minutes(text: str | None, faults: Faults) -> int:
    if text is None:
        return VALIDITY
    minutes = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
    if not 1 <= minutes <= MAX_VALIDITY:
        faults.add("validity", f"must be between 1 and {MAX_VALIDITY}")
        return VALIDITY
    return minutes


async def listed(call: Call) -> Reply:
    """The account's uploads, oldest first."""
    return Reply([_entry(media_id, stored) for media_id, stored in await _all(call)])


def _entry(media_id: str, stored: Stored) -> wire_account.MediaEntry:
    until = millis(datetime.fromtimestamp(stored.until, UTC))
    return wire_account.MediaEntry(media_id, stored.content_type, until, stored.file_name, stored.size)


async def _all(call: Call) -> list[tuple[str, Stored]]:
    found = await call.gateway.documents.list(call.account_id, FACE, _KIND)
    return [(document.name, msgspec.convert(document.body, Stored)) for document in found]


async def download(call: Call) -> Reply:
    """An upload's bytes, for its owner or for whoever has its signed URL."""
    media_id = _id(call)
    documents = call.gateway.documents
    if call.key is not None:
        body = await documents.get(call.account_id, FACE, _KIND, media_id)
        account_id = call.account_id
    else:
        found = await documents.find(FACE, _KIND, media_id)
        account_id, body = found if found is not None else (0, None)
    if body is None:
        raise errors.bare_not_found()
    stored = msgspec.convert(body, Stored)
    if call.key is None and not _is_signed(call, media_id, stored):
        raise errors.no_key()
    data: Any = await documents.get(account_id, FACE, _BYTES, media_id)
    if data is None:
        raise errors.bare_not_found()
    media = _UNKNOWN if stored.content_type.lower().startswith(_ACTIVE) else stored.content_type
    return Reply(base64.b64decode(data), media=media)


async def remove(call: Call) -> Reply:
    """Removes an upload."""
    media_id, documents = _id(call), call.gateway.documents
    known = await documents.delete(call.account_id, FACE, _KIND, media_id)
    await documents.delete(call.account_id, FACE, _BYTES, media_id)
    if not known:
        raise errors.bare_not_found()
    return Reply(status=204)


def _id(call: Call) -> str:
    try:
        return str(UUID(call.path["mediaId"]))
    except ValueError:
        raise errors.bare_not_found() from None


# -- Signed URLs ------------------------------------------------------------------------------------------------------


def signed_url(public_url: str, media_id: str, stored: Stored) -> str:
    """Where anybody may fetch an upload until it ends."""
    return f"{public_url}{V3}/media/{media_id}?expires={stored.until}&signature={_signature(media_id, stored)}"


def _signature(media_id: str, stored: Stored) -> str:
    return hmac.digest(stored.key.encode(), f"{media_id} {stored.until}".encode(), "sha256").hex()


def _is_signed(call: Call, media_id: str, stored: Stored) -> bool:
    expected = f"{stored.until} {_signature(media_id, stored)}"
    given = f"{call.query.get('expires', '')} {call.query.get('signature', '')}"
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


_ID: Final = "0f0cbdd1-6f0a-4f0e-8d5c-0a6ad3c1c2b4"
_PATH: Final = f"{V3}/media/{{mediaId}}"
OPERATIONS: Final = (
    Operation(
        name="uploadMedia",
        method="POST",
        path=f"{V3}/media",
        handler=upload,
        scope=SEND,
        tag=TAG,
        summary="Upload a file",
        body=bytes,
        answer=wire_account.UploadAnswer,
        answered={
            "mediaId": _ID,
            "url": f"https://gateway.example.com{V3}/media/{_ID}?expires=1772442029&signature=5f2d",
            "quota": QUOTA,
            "usage": 20480,
        },
        query={
            "validity": ("integer", "Minutes for which the file is kept."),
            "filename": ("string", "The file's name."),
        },
        errors=(400, 413),
    ),
    Operation(
        name="listMedia",
        method="GET",
        path=f"{V3}/media",
        handler=listed,
        scope=READ,
        tag=TAG,
        summary="All uploads",
        answer=list[wire_account.MediaEntry],
        answered=[
            {
                "mediaId": _ID,
                "contentType": "image/png",
                "validity": "2026-03-02T09:00:29.000Z",
                "fileName": "sale.png",
                "fileSize": 20480,
            }
        ],
    ),
    Operation(
        name="getMedia",
        method="GET",
        path=_PATH,
        also=(f"{V2}/media/{{mediaId}}", f"{V2_EARLIER}/media/{{mediaId}}"),
        handler=download,
        scope=READ,
        tag=TAG,
        summary="An upload's bytes; with a signed URL without a key",
        answer=bytes,
        query={
            "expires": ("integer", "Of a signed URL."),
            "signature": ("string", "Of a signed URL."),
        },
        errors=(404,),
    ),
    Operation(
        name="deleteMedia",
        method="DELETE",
        path=_PATH,
        handler=remove,
        scope=SEND,
        tag=TAG,
        summary="Remove an upload",
        status=204,
        errors=(404,),
    ),
)
