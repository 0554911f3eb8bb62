"""The operations of the Messages API."""

from typing import Any, Final

from tyrian.protocols.infobip import wire as shared
from tyrian.protocols.infobip.messages_api import read_nothing, read_request, send, validate
from tyrian.protocols.infobip.messages_checks import Invalid, Valid
from tyrian.protocols.infobip.messages_reports import (
    HeardList,
    InboundQuery,
    Reports,
    ReportsQuery,
    pull_inbound,
    pull_reports,
)
from tyrian.protocols.infobip.messages_wire import MessagesApiRequest
from tyrian.protocols.infobip.operation import Answer, Operation, Rate

_SEND: Final = ("message:send", "messages-api:message:send", "messages-api:manage")
_EXAMPLES: Final[dict[str, Any]] = {
    "text": {
        "messages": [
            {
                "channel": "VIBER_BM",
                "sender": "demo-viber",
                "destinations": [{"to": "385991234501"}],
                "content": {"body": {"type": "TEXT", "text": "Your order is on its way"}},
            }
        ]
    },
    "failover": {
        "messages": [
            {
                "channel": "VIBER_BM",
                "sender": "demo-viber",
                "destinations": [{"to": "385991234504", "messageId": "order-7"}],
                "content": {"body": {"type": "TEXT", "text": "Your order is on its way"}},
                "failover": [
                    {
                        "channel": "SMS",
                        "sender": "demo-sms",
                        "content": {"body": {"type": "TEXT", "text": "Your order is on its way"}},
                    }
                ],
                "webhooks": {"delivery": {"url": "https://shop.example/reports"}, "callbackData": "order-7"},
            }
        ],
        "options": {"schedule": {"bulkId": "orders"}},
    },
}
_SENT: Final = {
    "bulkId": "orders",
    "messages": [
        {
            "messageId": "order-7",
            "status": {
                "groupId": 1,
                "groupName": "PENDING",
                "id": 26,
                "name": "MESSAGE_ACCEPTED",
                "description": "Message sent to next instance",
            },
            "destination": "385991234504",
        }
    ],
}

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        method="POST",
        path="/messages-api/1/messages",
        name="sendMessagesApiMessage",
        tag="Messages API",
        summary="Sends messages over Viber, with failover",
        handler=send,
        answers=(Answer(status=200, description="What became of each.", type=shared.SendAnswer, example=_SENT),),
        scopes=_SEND,
        body=MessagesApiRequest,
        read=read_request,
        examples=_EXAMPLES,
    ),
    Operation(
        method="POST",
        path="/messages-api/1/messages/validate",
        name="validateMessagesApiMessage",
        tag="Messages API",
        summary="Says whether a request may be sent, and sends nothing",
        description="The 400 has no `errorCode` and no `resources`.",
        handler=validate,
        answers=(
            Answer(status=200, description="It may be sent.", type=Valid),
            Answer(status=400, description="It may not.", type=Invalid),
        ),
        scopes=_SEND,
        body=MessagesApiRequest,
        read=read_nothing,
        examples=_EXAMPLES,
        rate=Rate(10, 1.0),
    ),
    Operation(
        method="GET",
        path="/messages-api/1/reports",
        name="getMessagesApiReports",
        tag="Messages API",
        summary="Collects delivery reports, each once",
        handler=pull_reports,
        answers=(Answer(status=200, description="Reports.", type=Reports, example={"results": []}),),
        scopes=_SEND,
        query=ReportsQuery,
    ),
    Operation(
        method="GET",
        path="/messages-api/1/inbound",
        name="getMessagesApiInbound",
        tag="Messages API",
        summary="Collects people's messages, each once",
        handler=pull_inbound,
        answers=(
            Answer(
                status=200,
                description="Messages.",
                type=HeardList,
                example={"results": [], "messageCount": 0, "pendingMessageCount": 0},
            ),
        ),
        scopes=("inbound-message:read", "messages-api:manage"),
        query=InboundQuery,
    ),
)
