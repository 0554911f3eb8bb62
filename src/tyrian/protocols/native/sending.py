"""Taking messages in: one, or many in one request."""

import hashlib
import re
from typing import Any, Final

import msgspec

from tyrian.domain.problem import Problem, Refused
from tyrian.engine.intake import Accepted, IdempotencyConflict, answer_of
from tyrian.protocols.native.answers import AcceptedAnswer, AcceptedEntry, AcceptedManyAnswer
from tyrian.protocols.native.body import explain, parse, refuse_nul
from tyrian.protocols.native.operation import Call, Reply
from tyrian.protocols.native.plans import Desk
from tyrian.protocols.native.wire import SendManyRequest, SendRequest
from tyrian.store import reading

_KEY: Final = re.compile(r"[!-~]{1,255}")
#: The two ways to write an opening brace in JSON text.
_BRACE: Final = re.compile(rb"\{\{|u007[bB]")
_one: Final = msgspec.json.Decoder(SendRequest)
_many: Final = msgspec.json.Decoder(SendManyRequest)
_FAILED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


async def send(call: Call) -> Reply:
    """Takes in one message or many."""
    desk, now = desk_of(call), call.gateway.clock.now()
    key = idempotency_key(call.headers.get("idempotency-key"))
    fingerprint = fingerprint_of(call.raw) if key else None
    request = call.body
    try:
        if isinstance(request, SendRequest):
            submission = desk.single(request, call.account_id, now, plain=is_plain(call.raw))
        else:
            refuse_too_many(len(request.messages), call)
            submission = await desk.many(request, call.account_id, now)
    except Refused:
        stored = await _answered_before(call, key, fingerprint)
        if stored is None:
            raise
        return _reply(request, stored)
    submission.idempotency_key, submission.fingerprint = key, fingerprint
    return _reply(request, await call.gateway.intake.submit(submission))


async def _answered_before(call: Call, key: str | None, fingerprint: bytes | None) -> Accepted | None:
    """The answer that a request got the first time: what was right then may be refused now (a start gone by)."""
    row = await reading.stored_answer(call.gateway.db, call.account_id, key) if key else None
    if row is None:
        return None
    if row["fingerprint"] != fingerprint:
        raise IdempotencyConflict
    answer = answer_of(row["answer"])
    answer.repeated = True
    return answer


def _reply(request: Any, accepted: Accepted) -> Reply:
    headers = {"idempotency-replayed": "true"} if accepted.repeated else {}
    if isinstance(request, SendRequest):
        message = accepted.messages[0]
        body: Any = AcceptedAnswer(id=message.id, bulk_id=accepted.bulk_id, to=message.to, status=message.status)
    else:
        entries = [AcceptedEntry(id=m.id, to=m.to, status=m.status) for m in accepted.messages]
        body = AcceptedManyAnswer(bulk_id=accepted.bulk_id, messages=entries)
    return Reply(body, 202, headers)


def read_send(raw: bytes, _media: str) -> SendRequest | SendManyRequest:
    """The body of a request to send: many, if it has `messages`."""
    try:
        request: SendRequest | SendManyRequest = _one.decode(raw)
    except _FAILED:
        try:
            request = _many.decode(raw)
        except _FAILED:
            value = parse(raw)
            several = isinstance(value, dict) and "messages" in value
            raise explain(raw, SendManyRequest if several else SendRequest) from None
    if b"\\u0000" in raw:
        refuse_nul(parse(raw))
    return request


def desk_of(call: Call) -> Desk:
    """The checks of this call's gateway."""
    return Desk(call.gateway.channels, call.gateway.settings.allow_private_callbacks)


def is_plain(raw: bytes) -> bool:
    """Whether a body surely has no placeholder in it."""
    return _BRACE.search(raw) is None


def idempotency_key(header: str | None) -> str | None:
    """The Idempotency-Key header. Raises `Refused` for one that cannot be kept."""
    if header is None or _KEY.fullmatch(header):
        return header
    message = f"must be 1 to 255 visible ASCII characters, has {len(header)}"
    raise Refused([Problem("Idempotency-Key", message)])


def fingerprint_of(raw: bytes) -> bytes:
    """What two bodies have in common only if they are the same."""
    return hashlib.blake2b(raw, digest_size=16).digest()


def refuse_too_many(count: int, call: Call) -> None:
    """Raises `Refused` for more messages than one request may carry."""
    most = call.gateway.settings.max_messages_per_request
    if count > most:
        message = f"must have at most {most} items, has {count}; send the rest in another request"
        raise Refused([Problem("/messages", message, "too_long")])
