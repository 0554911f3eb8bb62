"""Requests and answers as the documentation shows them. The tests send every request as it stands."""

from typing import Any, Final

USER: Final = "SirE8dEwjQEda4/VugaE+A=="
_STATUS: Final = {
    "groupId": 1,
    "groupName": "PENDING",
    "id": 26,
    "name": "PENDING_ACCEPTED",
    "description": "Message sent to next instance",
}
_ID: Final = "01998a4e-3c5f-7d21-9c11-2f0b6f5d7a10"
_BULK: Final = "01998a4e-3c5f-7d21-9c11-2f0b6f5d7a0f"
_DELIVERED: Final = {
    "groupId": 3,
    "groupName": "DELIVERED",
    "id": 5,
    "name": "DELIVERED_TO_HANDSET",
    "description": "Message delivered to handset",
}
_NO_ERROR: Final = {
    "groupId": 0,
    "groupName": "OK",
    "id": 0,
    "name": "NO_ERROR",
    "description": "No Error",
    "permanent": False,
}

SENT: Final = {
    "bulkId": _BULK,
    "messages": [{"messageId": _ID, "status": _STATUS, "destination": "385991234501"}],
}
REPORT: Final = {
    "bulkId": _BULK,
    "price": {"pricePerMessage": 0, "currency": "EUR"},
    "status": _DELIVERED,
    "error": _NO_ERROR,
    "messageId": _ID,
    "to": "385991234501",
    "sender": "demo-viber",
    "sentAt": "2026-12-01T10:00:00.120+0000",
    "doneAt": "2026-12-01T10:00:01.480+0000",
    "messageCount": 1,
    "callbackData": "order-7",
    "campaignReferenceId": "autumn",
}
REPORTS: Final = {"results": [REPORT]}
SEEN: Final = {
    "results": [
        {
            "messageId": _ID,
            "from": "385991234501",
            "to": "demo-viber",
            "sentAt": "2026-12-01T10:00:00.120+0000",
            "seenAt": "2026-12-01T10:00:02.480+0000",
        }
    ]
}
LOGS: Final = {
    "results": [
        {
            "sender": "demo-viber",
            "destination": "385991234501",
            "bulkId": _BULK,
            "messageId": _ID,
            "sentAt": "2026-12-01T10:00:00.120+0000",
            "doneAt": "2026-12-01T10:00:01.480+0000",
            "messageCount": 1,
            "price": {"pricePerMessage": 0, "currency": "EUR"},
            "status": _DELIVERED,
            "error": _NO_ERROR,
            "content": {"type": "TEXT", "text": "Your order is on its way"},
        }
    ]
}
INFO: Final = {"to": "385991234501", "messageCount": 1, "messageId": _ID, "status": {
    "groupId": 1, "groupName": "PENDING", "id": 7, "name": "PENDING_ENROUTE",
    "description": "Message sent to next instance",
}}  # fmt: skip
BULK_START: Final = {"bulkId": "autumn-1", "sendAt": "2026-12-01T10:00:00.000+0000"}
BULK_STATUS: Final = {"bulkId": "autumn-1", "status": "PAUSED"}

_OPTIONS: Final = {
    "platform": {"entityId": "priority", "applicationId": "shop"},
    "validityPeriod": {"amount": 30, "timeUnit": "MINUTES"},
    "deliveryTimeWindow": {
        "days": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"],
        "from": {"hour": 6, "minute": 0},
        "to": {"hour": 15, "minute": 30},
    },
    "campaignReferenceId": "autumn",
}
_WEBHOOKS: Final = {
    "delivery": {"url": "https://shop.example/delivery", "intermediateReport": False, "notify": True},
    "contentType": "application/json",
    "callbackData": "order-7",
    "seen": {"url": "https://shop.example/seen"},
}


def _bot(content: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"sender": "demo-bot", "destinations": [{"to": USER}], "content": content}]}


def _business(content: dict[str, Any], **options: Any) -> dict[str, Any]:
    message: dict[str, Any] = {"sender": "demo-viber", "destinations": [{"to": "385991234501"}], "content": content}
    return {"messages": [message | ({"options": options} if options else {})]}


_GRID: Final = {
    "buttonGrid": {
        "buttons": [
            {"columns": 3, "rows": 1, "action": {"actionType": "REPLY", "actionBody": "yes"}, "text": {"text": "Yes"}},
            {"columns": 3, "rows": 1, "action": {"actionType": "REPLY", "actionBody": "no"}, "text": {"text": "No"}},
        ]
    }
}

#: One for each content type of bots, and one with every option.
BOT: Final[dict[str, Any]] = {
    "text": _bot({"type": "TEXT", "text": "Your order is on its way"}),
    "image": _bot({"type": "IMAGE", "url": "https://shop.example/parcel.png", "text": "On its way"}),
    "video": _bot({"type": "VIDEO", "url": "https://shop.example/parcel.mp4", "size": 10000, "duration": 5}),
    "file": _bot({"type": "FILE", "fileName": "bill.pdf", "url": "https://shop.example/bill.pdf", "size": 1000}),
    "carousel": _bot({
        "type": "CAROUSEL",
        "buttonGrid": {
            "buttonsGroupColumns": 6,
            "buttonsGroupRows": 7,
            "buttons": [{
                "columns": 6,
                "rows": 7,
                "action": {"actionType": "OPEN_URL", "actionBody": "https://shop.example"},
                "media": {"imageUrl": "https://shop.example/offer.png"},
            }],
        },
    }),
    "location": _bot({"type": "LOCATION", "location": {"latitude": 44.9, "longitude": 13.8}}),
    "contact": _bot({"type": "CONTACT", "contact": {"name": "Ann", "phoneNumber": "385911234567"}}),
    "sticker": _bot({"type": "STICKER", "stickerId": 40133}),
    "url": _bot({"type": "URL", "url": "https://shop.example"}),
    "keyboard": _bot({
        "type": "TEXT",
        "text": "Shall we bring it today?",
        "senderDisplayInfo": {"name": "Shop", "avatarUrl": "https://shop.example/a.png"},
        "keyboard": _GRID,
    }),
    "every option": {
        "messages": [{
            "sender": "demo-bot",
            "destinations": [{"to": USER, "messageId": "order-7"}],
            "content": {"type": "TEXT", "text": "Your order is on its way"},
            "options": {
                **_OPTIONS,
                "smsFailover": {
                    "sender": "41793026726",
                    "text": "Your order is on its way",
                    "validityPeriod": {"amount": 2, "timeUnit": "HOURS"},
                    "destinationMatching": [{"initial": USER, "failover": "385991234509"}],
                },
            },
            "webhooks": _WEBHOOKS,
        }],
        "options": {
            "schedule": {
                "bulkId": "autumn-1",
                "sendAt": "2026-12-01T10:00:00.000+0000",
                "sendingSpeedLimit": {"amount": 30, "timeUnit": "HOUR"},
            }
        },
    },
}  # fmt: skip

_CARD: Final = {
    "text": "Warm socks",
    "mediaUrl": "https://shop.example/socks.png",
    "buttons": [{"title": "Buy", "action": "https://shop.example/buy"}],
}
#: One for each content type of businesses, and one with every option.
BUSINESS: Final[dict[str, Any]] = {
    "text": _business({"type": "TEXT", "text": "Your order is on its way"}),
    "text and button": _business({
        "type": "TEXT",
        "text": "All socks at half price",
        "button": {"title": "To the shop", "action": "https://shop.example"},
    }, label="PROMOTIONAL"),
    "image": _business({"type": "IMAGE", "mediaUrl": "https://shop.example/socks.png"}, label="PROMOTIONAL"),
    "file": _business({"type": "FILE", "fileName": "bill.pdf", "mediaUrl": "https://shop.example/bill.pdf"}),
    "list": _business({"type": "LIST", "text": "When shall we come?", "options": ["Today", "Tomorrow"]}),
    "carousel": _business({"type": "CAROUSEL", "text": "New in the shop", "cards": [_CARD, _CARD]}),
    "template": _business({
        "type": "TEMPLATE",
        "templateId": "7f3c1a52-4c1e-4b8e-9a66-0f4f8f0f2f11",
        "language": "en",
        "parameters": {"name": "Ann"},
    }),
    "one-time password": _business({
        "type": "OTP_TEMPLATE",
        "id": "7f3c1a52-4c1e-4b8e-9a66-0f4f8f0f2f12",
        "parameters": {"pin": "1234"},
        "language": "ENGLISH",
    }),
    "every option": {
        "messages": [{
            "sender": "demo-viber",
            "destinations": [{"to": "385991234501", "messageId": "order-8"}, {"to": "385991234502"}],
            "content": {"type": "TEXT", "text": "Your order is on its way"},
            "options": {
                **_OPTIONS,
                "smsFailover": {"text": "Your order is on its way", "sender": "41793026726"},
                "trackingData": "order-8",
                "label": "TRANSACTIONAL",
                "applySessionRate": False,
                "toPrimaryDeviceOnly": False,
            },
            "webhooks": _WEBHOOKS,
        }],
        "options": {"schedule": {"sendingSpeedLimit": {"amount": 100, "timeUnit": "MINUTE"}}},
    },
}  # fmt: skip

_V1: Final = {"from": "demo-viber", "to": "385991234501", "callbackData": "order-7"}
LEGACY: Final[dict[str, dict[str, Any]]] = {
    "text": {"text": {"messages": [_V1 | {"content": {"text": "Your order is on its way"}}]}},
    "image": {"image": _V1 | {"content": {"mediaUrl": "https://shop.example/socks.png"}, "label": "PROMOTIONAL"}},
    "file": {"file": _V1 | {"content": {"filename": "bill.pdf", "mediaUrl": "https://shop.example/bill.pdf"}}},
    "video": {"video": _V1 | {"content": {
        "mediaUrl": "https://shop.example/socks.mp4",
        "thumbnailUrl": "https://shop.example/socks.png",
        "mediaDuration": 5,
    }}},
}  # fmt: skip

INBOUND: Final[dict[str, Any]] = {
    "results": [
        {
            "sender": "385991234501",
            "to": "demo-viber",
            "integrationType": "VIBER",
            "receivedAt": "2026-12-01T10:00:00.000+0000",
            "messageId": "01a1fd59-9e08-7000-99f5-bad095530fca",
            "pairedMessageId": "order-7",
            "callbackData": "order-7",
            "message": {"type": "TEXT", "text": "Thank you"},
            "price": {"pricePerMessage": 0, "currency": "EUR"},
        }
    ],
    "messageCount": 1,
    "pendingMessageCount": 0,
}
CLICK: Final[dict[str, Any]] = {
    "notificationType": "CLICKED",
    "recipient": "385991234501",
    "url": "https://shop.example/7",
    "sendDateTime": 1796119200000,
    "messageId": "order-7",
    "bulkId": "orders",
    "recipientInfo": {"deviceType": "Phone", "os": "iOS", "deviceName": "iPhone"},
}
MESSAGES_REPORT: Final[dict[str, Any]] = {
    "results": [
        {
            "event": "SEEN",
            "channel": "VIBER_BM",
            "sender": "demo-viber",
            "destination": "385991234501",
            "sentAt": "2026-12-01T10:00:00.000+0000",
            "seenAt": "2026-12-01T10:00:10.000+0000",
            "bulkId": "orders",
            "messageId": "order-7",
        }
    ]
}
