"""Taking messages in, and saying what became of them: `/v1/omnichannel`."""

from datetime import timedelta
from typing import Any, Final

import msgspec

from tyrian.domain.ids import time_of
from tyrian.engine.known import decode_outline
from tyrian.protocols.telesign import codes, otp, views, wire
from tyrian.protocols.telesign.access import FACE
from tyrian.protocols.telesign.checks import check
from tyrian.protocols.telesign.codes import Code
from tyrian.protocols.telesign.errors import ApiError
from tyrian.protocols.telesign.ids import from_reference, reference
from tyrian.protocols.telesign.operation import Call, Reply
from tyrian.protocols.telesign.wire import Raw
from tyrian.store import reading

#: How long a message can be asked about after it ended.
KEPT: Final = timedelta(seconds=otp.LIFETIME)
#: Characters of an entered code that are looked at.
_LONGEST_CODE: Final = 64

#: An answer as `wire.encode` writes it, made by hand because it is made for every message.
_ACCEPTED: Final = (
    b'{"status": {"code": 3001, "description": "Message in progress"}, "reference_id": "%b", "external_id": %b}'
)
_WRONG: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def read_send(body: bytes) -> Raw:
    """The request to send. Raises `ApiError`."""
    try:
        raw = wire.decode_request(body)
    except _WRONG:
        raise ApiError(Code.INVALID_REQUEST) from None
    # Only a body with escapes can hold what cannot be stored: NULs (halves of characters do not decode).
    if b"\\u" in body and b"\\u0000" in msgspec.json.encode(msgspec.json.decode(body)):
        raise ApiError(Code.INVALID_REQUEST)
    return raw


async def send(call: Call) -> Reply:
    """Takes a message in."""
    request = check(call.body, call.gateway.settings.allow_private_callbacks)
    submission = await call.desk.submission(request, call.caller)
    accepted = await call.gateway.intake.submit(submission)
    external = b"null" if request.external_id is None else wire.encode(request.external_id)
    return Reply(_ACCEPTED % (reference(accepted.messages[0].id).encode(), external))


async def status(call: Call) -> Reply:
    """What became of a message, and whether a code that was entered is its own."""
    message_id = from_reference(call.path["reference_id"])
    row = await reading.message(call.gateway.db, call.account_id, message_id) if message_id is not None else None
    if message_id is None or row is None:
        raise ApiError(Code.BAD_REFERENCE_ID)
    if call.gateway.clock.now() - max(row["updated_at"], time_of(message_id)) > KEPT and _is_over(row["status"]):
        raise ApiError(codes.REFERENCE_EXPIRED[0], text=codes.REFERENCE_EXPIRED[1], status=404)
    outline = decode_outline(row["plan"])
    extra = outline.extra if outline.face == FACE else None
    tried = await _tried(call, row)
    message = views.Message(
        message_id, row["name"], row["recipient"], row["status"], row["accepted_at"], row["updated_at"], extra
    )
    said = views.transaction(message, tried)
    answer: dict[str, Any] = {name: said[name] for name in ("reference_id", "external_id", "status")}
    answer["additional_info"] = {}
    if extra and "otp" in extra:
        entered = call.query.get("verify_code")
        entered = entered[:_LONGEST_CODE] if entered is not None else None
        answer["verify"] = await call.verifier.check(call.account_id, message_id, extra["otp"], entered)
    answer["channel_status"] = said["channel_status"]
    return Reply(wire.encode(answer))


def _is_over(status: str) -> bool:
    return codes.OF_MESSAGE.get(status) not in (Code.IN_PROGRESS, Code.AT_GATEWAY)


async def _tried(call: Call, row: reading.Row) -> list[views.Tried]:
    """The attempts, and the one that is being made or waited for."""
    found = []
    for attempt in await reading.attempts(call.gateway.db, row["id"]):
        entry = call.gateway.channels.by_id(attempt["channel_id"])
        found.append(
            views.Tried(
                attempt["step"],
                attempt["status"],
                attempt["reason"],
                attempt["id"],
                attempt["updated_at"],
                entry.network if entry else "",
                attempt["channel"] or "viber",
            )
        )
    if row["send_attempt"] is not None and all(line.attempt_id != row["send_attempt"] for line in found):
        entry = call.gateway.channels.get(call.account_id, row["send_channel"] or "")
        found.append(
            views.Tried(
                row["send_step"],
                "sending",
                None,
                row["send_attempt"],
                row["updated_at"],
                entry.network if entry else "",
                row["send_channel"] or "viber",
            )
        )
    return found
