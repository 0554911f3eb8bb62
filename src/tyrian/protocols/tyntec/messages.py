"""Taking messages in, over v3 and its aliases."""

from typing import Any, Final

from tyrian.domain.problem import Refused
from tyrian.domain.submission import Submission
from tyrian.engine.intake import Accepted
from tyrian.protocols.tyntec import errors, limits, wire
from tyrian.protocols.tyntec.content import must_match
from tyrian.protocols.tyntec.guard import SEND
from tyrian.protocols.tyntec.operation import Call, Operation, Reply
from tyrian.protocols.tyntec.times import micros
from tyrian.protocols.tyntec.wire import V3, Violation

TAG: Final = "Messages"
_ID: Final = "8fb360a1-f58c-4af1-932b-8f6651603cd4"
EXAMPLE: Final[dict[str, Any]] = {
    "to": "385991234501",
    "from": "1001",
    "channel": "viber",
    "rateType": "transaction",
    "content": {"contentType": "text", "text": "Your order is on its way"},
    "context": "order-7",
}
_BULK_EXAMPLE: Final[dict[str, Any]] = {
    "to": "385991234501",
    "from": "1001",
    "channel": "viber",
    "rateType": "promotion",
    "messages": [
        {"contentType": "text", "text": "Three days of summer sale"},
        {"contentType": "image", "image": {"url": "https://cdn.example.com/sale.png"}},
    ],
}
#: The content types for which the Microsoft connector has paths of their own.
ALIASES: Final = ("text", "image", "file", "components")


async def submit(call: Call, submission: Submission) -> Accepted:
    """Hands a submission to intake. Raises `ApiError` where a channel cannot reach the number."""
    try:
        return await call.gateway.intake.submit(submission)
    except Refused:
        raise errors.violated([unreachable()]) from None


def unreachable() -> Violation:
    """What is said of a number that the sender's channel cannot reach."""
    return Violation("validate.request.to", must_match(limits.NUMBER_PATTERN))


async def send(call: Call) -> Reply:
    """Takes one message in."""
    submission = await call.desk.single(call.body(wire.SendRequest), call.account_id)
    now = call.gateway.clock.now()
    accepted = await submit(call, submission)
    return Reply(wire.SendAnswer(str(accepted.messages[0].id), micros(now)), 202)


async def send_bulk(call: Call) -> Reply:
    """Takes several messages to one person in."""
    submission = await call.desk.bulk(call.body(wire.BulkRequest), call.account_id)
    return bulk_reply(await submit(call, submission))


def bulk_reply(accepted: Accepted) -> Reply:
    """The answer to a bulk."""
    return Reply(wire.BulkAnswer(str(accepted.bulk_id), [str(message.id) for message in accepted.messages]), 202)


OPERATIONS: Final = (
    Operation(
        name="sendMessage",
        method="POST",
        path=f"{V3}/messages",
        also=tuple(f"{V3}/power-automate/messages/viber/{kind}" for kind in ALIASES),
        handler=send,
        scope=SEND,
        tag=TAG,
        summary="Send one message",
        body=wire.SendRequest,
        answer=wire.SendAnswer,
        status=202,
        example=EXAMPLE,
        answered={"messageId": _ID, "timestamp": "2026-03-01T09:00:29.853817Z"},
        errors=(400,),
    ),
    Operation(
        name="sendBulk",
        method="POST",
        path=f"{V3}/bulks",
        handler=send_bulk,
        scope=SEND,
        tag=TAG,
        summary="Send 2 to 20 messages to one person, in order",
        body=wire.BulkRequest,
        answer=wire.BulkAnswer,
        status=202,
        example=_BULK_EXAMPLE,
        answered={"bulkId": "b1b6a5a2-9f7c-4f43-8a7e-5e0c43b4e1a1", "messageIds": [_ID]},
        errors=(400,),
    ),
)
