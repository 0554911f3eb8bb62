"""Example bodies and answers. The bodies are real: tests send each of them to a gateway with the demo's channels."""

from typing import Any, Final

_ID: Final = "01980f5e-6c00-7000-8000-3f2a9b1c4d5e"
_ATTEMPT: Final = "01980f5e-6c05-7001-9a00-7d1c2b3a4f5e"
_BULK: Final = "01980f5e-6c00-7002-8b00-112233445566"
_AT: Final = "2026-03-01T09:30:00.000Z"
_SENT: Final = "2026-03-01T09:30:00.041Z"
_DELIVERED: Final = "2026-03-01T09:30:01.112Z"
_TO: Final = "+385991234501"
_TEXT: Final = "Your order is on its way"


def _step(channel: str, text: str = _TEXT, **more: Any) -> dict[str, Any]:
    return {"channel": channel, "content": {"type": "text", "text": text}, **more}


SEND: Final[dict[str, Any]] = {
    "one": {"to": _TO, "cascade": [_step("demo-viber")]},
    "with a fallback to SMS": {
        "to": "+385991234509",
        "purpose": "transactional",
        "cascade": [_step("demo-viber", fallback_time=600), _step("demo-sms")],
        "callback": {"url": "http://127.0.0.1:9000/hook", "data": "order-7"},
    },
    "a picture with a button": {
        "to": _TO,
        "purpose": "promotional",
        "cascade": [
            {
                "channel": "demo-viber",
                "content": {
                    "type": "image",
                    "url": "https://shop.example/spring.jpg",
                    "text": "Spring is here",
                    "button": {"text": "Shop now", "url": "https://shop.example/spring"},
                },
            }
        ],
        "validity": 86400,
    },
    "in office hours only": {
        "to": _TO,
        "cascade": [_step("demo-sms", "Your invoice is ready")],
        "schedule": {
            "window": {
                "from": "09:00",
                "to": "17:00",
                "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                "time_zone": "Europe/Zagreb",
            }
        },
    },
    "many, each with its own words": {
        "purpose": "transactional",
        "cascade": [_step("demo-viber", "Hello {{name}}, your code is {{code}}")],
        "messages": [
            {"to": "+385991234501", "variables": {"name": "Ana", "code": "4711"}},
            {"to": "+385991234502", "variables": {"name": "Ivo", "code": "0815"}},
            {"to": "+385991234504", "cascade": [_step("demo-sms", "Your code is 1234")]},
        ],
        "schedule": {"speed_limit": {"messages": 100, "per": "minute"}},
        "platform": {"entity_id": "shop-hr", "application_id": "checkout"},
    },
}

ACCEPTED: Final = {"id": _ID, "bulk_id": _ID, "to": _TO, "status": "accepted"}

ATTEMPT: Final[dict[str, Any]] = {
    "id": _ATTEMPT,
    "step": 0,
    "channel": "demo-viber",
    "to": _TO,
    "status": "delivered",
    "reason": None,
    "tries": 1,
    "started_at": _AT,
    "sent_at": _SENT,
    "delivered_at": _DELIVERED,
    "seen_at": None,
    "provider_ref": "5112345678901234567",
}
SUMMARY: Final[dict[str, Any]] = {
    "id": _ID,
    "bulk_id": _ID,
    "to": _TO,
    "status": "delivered",
    "reason": None,
    "purpose": "transactional",
    "channel": "demo-viber",
    "accepted_at": _AT,
    "updated_at": _DELIVERED,
}
MESSAGE: Final[dict[str, Any]] = {
    **SUMMARY,
    "due_at": _AT,
    "valid_until": "2026-03-03T09:30:00.000Z",
    "attempts": [ATTEMPT],
    "cascade": [_step("demo-viber")],
    "variables": None,
    "data": "order-7",
    "platform": None,
}
MESSAGES: Final = {"messages": [SUMMARY], "next": None}
_EVENT: Final[dict[str, Any]] = {"reason": None, "attempt_id": _ATTEMPT, "channel": "demo-viber", "detail": None}
EVENTS: Final = {
    "events": [
        {"at": _AT, "type": "accepted", "reason": None, "attempt_id": None, "channel": None, "detail": None},
        {"at": _SENT, "type": "sent", **_EVENT},
        {"at": _DELIVERED, "type": "delivered", **_EVENT},
    ]
}
EXCHANGES: Final = {
    "exchanges": [
        {
            "at": _SENT,
            "event": "sent",
            "attempt_id": _ATTEMPT,
            "channel": "demo-viber",
            "url": "https://network.example/send",
            "request": '{"to":"385991234501","text":"Your order is on its way"}',
            "response": '{"status":0}',
            "status": 200,
            "milliseconds": 38.2,
            "error": None,
        }
    ]
}

LINKS: Final = {
    "links": [
        {
            "url": "https://shop.example/orders/7",
            "short_url": "https://gateway.example/l/AZgPXmwAq3Zs8mT1yV0cKw4e",
            "button_id": "order",
            "channel": "demo-viber",
            "attempt_id": _ATTEMPT,
            "clicks": 2,
            "first_click_at": _SENT,
            "last_click_at": _SENT,
            "created_at": _SENT,
        }
    ]
}

BULK_REQUEST: Final[dict[str, Any]] = {
    "a bulk at a steady pace": {
        "name": "Spring 2026",
        "purpose": "promotional",
        "cascade": [
            _step("demo-viber", "Hello {{name}}, spring is here", fallback_time=3600),
            _step("demo-sms", "Spring!"),
        ],
        "schedule": {"speed_limit": {"messages": 5000, "per": "hour"}, "window": {"from": "09:00", "to": "20:00"}},
    }
}
APPEND: Final[dict[str, Any]] = {
    "two recipients": {
        "messages": [
            {"to": "+385991234501", "variables": {"name": "Ana"}},
            {"to": "+385991234502", "variables": {"name": "Ivo"}},
        ],
        "offset": 0,
    }
}
RESCHEDULE: Final[dict[str, Any]] = {
    "slower, and only in the evening": {
        "schedule": {
            "speed_limit": {"messages": 1000, "per": "hour"},
            "window": {"from": "18:00", "to": "21:00", "time_zone": "Europe/Zagreb"},
        }
    },
    "no schedule any more": {"schedule": None},
}
BULK: Final[dict[str, Any]] = {
    "id": _BULK,
    "name": "Spring 2026",
    "state": "running",
    "sealed": True,
    "total": 10000,
    "released": 4000,
    "counts": {"accepted": 6000, "delivered": 3800, "sent": 150, "failed": 50},
    "per_second": 1.389,
    "done_by": "2026-03-01T10:42:00.000Z",
    "schedule": {"speed_limit": {"messages": 5000, "per": "hour"}},
    "created_at": _AT,
}
BULK_SUMMARY: Final[dict[str, Any]] = {
    **{key: BULK[key] for key in ("id", "name", "state", "sealed", "total", "released", "created_at")},
    "updated_at": _DELIVERED,
}
BULKS: Final = {"bulks": [BULK_SUMMARY], "next": None}
OUTCOMES: Final = (
    "id,to,status,reason,channel,accepted_at,updated_at,sent_at,delivered_at,seen_at\r\n"
    f"{_ID},{_TO},delivered,,demo-viber,{_AT},{_DELIVERED},{_SENT},{_DELIVERED},\r\n"
)

CALLBACKS: Final = {
    "callbacks": [
        {
            "id": 1207,
            "message_id": _ID,
            "type": "message.delivered",
            "url": "https://shop.example/hook",
            "state": "parked",
            "tries": 21,
            "reason": "endpoint_refused",
            "created_at": _AT,
            "next_try_at": None,
        }
    ],
    "next": None,
}
REDELIVER: Final[dict[str, Any]] = {"all": {}, "since a time": {"since": "2026-03-01T00:00:00Z"}}

HEARD: Final[dict[str, Any]] = {
    "id": _ID,
    "channel": "demo-bot",
    "sender": "01234567890A=",
    "to": "demo-bot",
    "received_at": _AT,
    "content": {"type": "text", "text": "Where is my order?"},
    "extra": {"name": "Ana"},
    "media": None,
}
INBOUND: Final = {"messages": [HEARD], "next": None}
CAPABILITIES: Final[dict[str, Any]] = {
    "channel": "demo-viber",
    "kind": "viber-business",
    "title": "Viber Business Messages",
    "contents": {"text": {"bounds": [{"field": "text", "max_length": 1000, "source": "The network's documentation"}]}},
    "common": [],
    "purposes": {"otp": ["text"]},
    "max_bytes": None,
    "receipts": ["delivered", "seen"],
    "inbound": True,
    "source": "The network's documentation",
}
