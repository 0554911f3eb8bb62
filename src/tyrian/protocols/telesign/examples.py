"""Requests and answers as the documentation shows them."""

from typing import Any, Final

_REFERENCE: Final = "01999F2C6A7E7C41B1D2A3C4E5F60718"
_SMS: Final = {"template": "text", "parameters": {"text": "Your order is on its way: https://shop.example/o/45390"}}
_CHANNELS: Final = [{"channel": "viber", "fallback_time": 600}, {"channel": "sms"}]

REQUESTS: Final[dict[str, Any]] = {
    "link": {
        "channels": _CHANNELS,
        "recipient": {"phone_number": "385991234501"},
        "message": {
            "viber": {
                "template": "url_action",
                "parameters": {
                    "text": "Your order is on its way",
                    "url": "https://shop.example/o/45390",
                    "url_id": "order-45390",
                    "url_text": "Where is it?",
                },
            },
            "sms": _SMS,
        },
        "message_type": "MKT",
        "external_id": "order-45390",
    },
    "image": {
        "channels": _CHANNELS,
        "phone_number": "385991234501",
        "message": {
            "viber": {"template": "image", "parameters": {"url": "https://shop.example/sale.jpg"}},
            "sms": _SMS,
        },
        "message_type": "MKT",
    },
    "code": {
        "channels": _CHANNELS,
        "recipient": {"phone_number": "385991234501"},
        "message": {"default": {"template": "telesign_otp"}},
        "message_type": "OTP",
    },
}

ACCEPTED: Final = {
    "status": {"code": 3001, "description": "Message in progress"},
    "reference_id": _REFERENCE,
    "external_id": "order-45390",
}

_STATUS: Final = {
    "code": 3000,
    "description": "Delivered",
    "last_channel": "sms",
    "updated_on": "2026-10-14T21:36:01.226000Z",
}
_CHANNEL_STATUS: Final = [
    {
        "viber": {
            "code": 3056,
            "description": "Message failed to deliver in specified fallback time",
            "reference_id": "01999F2C6A7E7C41B1D2A3C4E5F60719",
            "updated_on": "2026-10-14T21:35:54.325000Z",
        }
    },
    {
        "sms": {
            "code": 3000,
            "description": "Delivered",
            "reference_id": "01999F359C2E7F0CA1B2C3D4E5F6071A",
            "updated_on": "2026-10-14T21:36:01.226000Z",
        }
    },
]
TRANSACTION: Final = {
    "reference_id": _REFERENCE,
    "external_id": "order-45390",
    "status": _STATUS,
    "additional_info": {},
    "channel_status": _CHANNEL_STATUS,
}
REPORT: Final = {
    "reference_id": _REFERENCE,
    "external_id": "order-45390",
    "status": _STATUS,
    "channel_status": _CHANNEL_STATUS,
}
TEMPLATE: Final = {"channel": "sms", "name": "order_sent", "content": "Your order {{number}} is on its way"}
STORED_TEMPLATE: Final = {**TEMPLATE, "status": "approved", "updated_on": "2026-10-14T21:25:54.000000Z"}
DONE: Final = {"status": {"code": 3801, "description": "Request successful"}}
SETTINGS: Final = {
    "callback_url": "https://shop.example/telesign/reports",
    "mo_callback_url": "https://shop.example/telesign/replies",
    "otp_digits": 6,
}
