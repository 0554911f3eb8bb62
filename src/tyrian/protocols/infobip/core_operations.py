"""The operations of bots and businesses: sending, reports, logs, bulks, and what is left of version 1."""

from typing import Final

from tyrian.protocols.infobip import bulks, examples, legacy, logs, reports, sending, wire
from tyrian.protocols.infobip.errors import Envelope
from tyrian.protocols.infobip.facts import Product
from tyrian.protocols.infobip.operation import Answer, Operation, Rate
from tyrian.protocols.infobip.wire_bot import BotRequest
from tyrian.protocols.infobip.wire_business import BusinessRequest

BOT_SEND: Final = ("message:send", "viber-bot:message:send", "viber-bot:manage")
BOT_READ: Final = ("viber-bot:logs:read", "viber-bot:manage")
BUSINESS_SEND: Final = ("message:send", "viber-bm:message:send", "viber-bm:manage")
BUSINESS_READ: Final = ("viber-bm:logs:read", "viber-bm:manage")
#: Of the logs of either product, and of each endpoint of version 1.
LOGS_RATE: Final = Rate(120, 60.0)
LEGACY_RATE: Final = Rate(2500, 1.0)

_SENT: Final = Answer(
    status=200,
    description="What became of each destination, in the order of the request.",
    type=wire.SendAnswer,
    example=examples.SENT,
)
_REPORTED: Final = Answer(
    status=200,
    description="The newest reports of the last 48 hours that were not collected before.",
    type=wire.DeliveryReports,
    example=examples.REPORTS,
)
_LOGGED: Final = Answer(status=200, description="Messages, newest first.", type=wire.Logs, example=examples.LOGS)
_INFO: Final = Answer(
    status=200, description="What became of the message.", type=legacy.LegacyInfo, example=examples.INFO
)

_BOT: Final = (
    Operation(
        method="POST",
        path=wire.BOT_MESSAGES,
        name="sendViberBotMessages",
        tag="Viber Bots",
        summary="Send messages of a bot",
        handler=sending.send(Product.BOT),
        answers=(_SENT,),
        scopes=BOT_SEND,
        body=BotRequest,
        examples=examples.BOT,
    ),
    Operation(
        method="GET",
        path=wire.BOT_REPORTS,
        name="getViberBotReports",
        tag="Viber Bots",
        summary="Collect delivery reports",
        handler=reports.pull(Product.BOT),
        answers=(_REPORTED,),
        scopes=BOT_SEND,
        query=reports.ReportsQuery,
    ),
    Operation(
        method="GET",
        path=wire.BOT_LOGS,
        name="getViberBotLogs",
        tag="Viber Bots",
        summary="Search the messages of the last 48 hours",
        handler=logs.search(Product.BOT),
        answers=(_LOGGED,),
        scopes=BOT_READ,
        query=logs.LogsQuery,
        rate=LOGS_RATE,
    ),
)
_BUSINESS: Final = (
    Operation(
        method="POST",
        path=wire.BUSINESS_MESSAGES,
        name="sendViberMessages",
        tag="Viber Business Messages",
        summary="Send business messages",
        handler=sending.send(Product.BUSINESS),
        answers=(_SENT,),
        scopes=BUSINESS_SEND,
        body=BusinessRequest,
        examples=examples.BUSINESS,
    ),
    Operation(
        method="GET",
        path=wire.BUSINESS_REPORTS,
        name="getViberReports",
        tag="Viber Business Messages",
        summary="Collect delivery reports",
        handler=reports.pull(Product.BUSINESS),
        answers=(_REPORTED,),
        scopes=BUSINESS_SEND,
        query=reports.ReportsQuery,
    ),
    Operation(
        method="GET",
        path=wire.BUSINESS_LOGS,
        name="getViberLogs",
        tag="Viber Business Messages",
        summary="Search the messages of the last 48 hours",
        handler=logs.search(Product.BUSINESS),
        answers=(_LOGGED,),
        scopes=BUSINESS_READ,
        query=logs.LogsQuery,
        rate=LOGS_RATE,
    ),
)


def _legacy(kind: str, body: type) -> Operation:
    many = body is legacy.LegacyTexts
    texts = Answer(
        status=200,
        description="What became of each message.",
        type=legacy.LegacyAnswer,
        example={"messages": [examples.INFO]},
    )
    return Operation(
        method="POST",
        path=f"/viber/1/message/{kind}",
        name=f"sendViber{kind.title()}Message",
        tag="Viber Business Messages, version 1",
        summary="Send texts" if many else f"Send one {kind}",
        handler=legacy.send_texts if many else legacy.send_one,
        answers=(texts if many else _INFO,),
        envelope=Envelope.NESTED,
        scopes=BUSINESS_SEND,
        body=body,
        rate=LEGACY_RATE,
        examples=examples.LEGACY[kind],
        deprecated=True,
    )


_VERSION_1: Final = (
    _legacy("text", legacy.LegacyTexts),
    _legacy("image", legacy.LegacyImage),
    _legacy("file", legacy.LegacyFile),
    _legacy("video", legacy.LegacyVideo),
)


def _bulk(root: str, product: str, scopes: tuple[str, ...]) -> tuple[Operation, ...]:
    start = Answer(status=200, description="When it begins.", type=bulks.BulkStartAnswer, example=examples.BULK_START)
    status = Answer(
        status=200, description="Where it stands.", type=bulks.BulkStatusAnswer, example=examples.BULK_STATUS
    )

    def operation(method: str, path: str, name: str, summary: str, **more: object) -> Operation:
        return Operation(
            method=method,
            path=f"{root}/bulks{path}",
            name=f"{name}{product}",
            tag="Bulks",
            summary=summary,
            envelope=Envelope.NESTED,
            scopes=scopes,
            query=bulks.BulkQuery,
            errors=(404,),
            **more,  # type: ignore[arg-type]
        )

    return (
        operation("GET", "", "getScheduled", "When a bulk begins", handler=bulks.read_start, answers=(start,)),
        operation(
            "PUT", "", "reschedule", "Give a bulk another start",
            handler=bulks.change_start, answers=(start,), body=bulks.BulkStart,
            examples={"later": {"sendAt": examples.BULK_START["sendAt"]}},
        ),
        operation("GET", "/status", "getStatusOf", "Where a bulk stands", handler=bulks.read_status, answers=(status,)),
        operation(
            "PUT", "/status", "changeStatusOf", "Pause, resume or cancel a bulk",
            handler=bulks.change_status, answers=(status,), body=bulks.BulkStatusChange,
            examples={"pause": {"status": "PAUSED"}, "cancel": {"status": "CANCELED"}},
        ),
    )  # fmt: skip


_BULKS: Final = (
    *_bulk("/sms/1", "Bulk", ("message:send", "sms:message:send", "sms:manage")),
    *_bulk("/viber/1", "ViberBulk", BUSINESS_SEND),
    *_bulk("/viber-bot/1", "ViberBotBulk", BOT_SEND),
)

CORE: Final[tuple[Operation, ...]] = (*_BOT, *_BUSINESS, *_VERSION_1, *_BULKS)
