"""Telesign's status codes and what they mean here, both ways, as tables.

Texts are Telesign's own, letter for letter (all-status-and-error-codes; Engage API). A placeholder in a text stands for
the offending value.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from tyrian.domain.lifecycle import ReceiptKind


class Code(IntEnum):
    """The codes that this gateway speaks of by name."""

    DELIVERED = 3000
    IN_PROGRESS = 3001
    AT_GATEWAY = 3002
    DELIVERY_ERROR = 3003
    READ = 3005
    NO_CHANNEL = 3006
    PERMANENT_PHONE_ERROR = 3031
    CANNOT_ROUTE = 3032
    EXPIRED = 3033
    BLOCKED_IN_COUNTRY = 3037
    UNKNOWN_OUTCOME = 3039
    SYSTEM_UNAVAILABLE = 3041
    TEMPORARY_GATEWAY_ERROR = 3043
    PERMANENT_GATEWAY_ERROR = 3044
    PARAMETERS_PROBLEM = 3045
    BLOCKED_BY_SUBSCRIBER = 3046
    SUBSCRIBER_ABSENT = 3050
    BLOCKED_BY_REQUEST = 3052
    BLOCKED_BY_TELESIGN = 3053
    NOT_SUPPORTED_BY_DEVICE = 3055
    FALLBACK_TIME = 3056
    INVALID_SOURCE = 3057
    NO_FUNDS = 3073
    UNKNOWN_CHANNEL = 3100
    BAD_PHONE_NUMBER = 3101
    BAD_MESSAGE_TYPE = 3102
    BAD_EXTERNAL_ID = 3103
    BAD_LIFECYCLE_EVENT = 3104
    BAD_ORIGINATING_IP = 3105
    BAD_CALLBACK_URL = 3106
    INVALID_REQUEST = 3110
    UNKNOWN_TEMPLATE = 3112
    BAD_CHANNEL = 3113
    OUTSIDE_WINDOW = 3114
    TOO_LARGE = 3116
    CHANNEL_NOT_ENABLED = 3200
    RATE_LIMIT = 3204
    CHANNEL_RATE_LIMIT = 3205
    NOT_ENABLED = 3206
    CAPABILITY_NOT_ENABLED = 3210
    NO_CHANNELS = 3300
    NO_CHANNEL_NAME = 3301
    NO_PHONE_NUMBER = 3302
    NO_MESSAGE = 3303
    NO_MESSAGE_TYPE = 3304
    NO_PARAMETERS = 3305
    NO_CHANNEL_MESSAGE = 3306
    BAD_REFERENCE_ID = 3311
    NOT_AUTHORIZED = 3400
    NO_AUTHORIZATION = 3405
    BAD_AUTHORIZATION = 3412
    UNAVAILABLE = 3500
    TEMPLATE_DONE = 3801
    TEMPLATE_NO_NAME = 3802
    TEMPLATE_NO_TYPE = 3803
    TEMPLATE_NO_CONTENT = 3815
    TEMPLATE_BAD_CATEGORY = 3816
    TEMPLATE_BAD_LANGUAGE = 3817
    TEMPLATE_BAD_NAME = 3856
    INBOUND = 1500


#: The only negative code: a reference id older than `KEPT` hours.
REFERENCE_EXPIRED: Final = (-10004, "ReferenceID expired.")

DESCRIPTIONS: Final[Mapping[int, str]] = {
    1500: "Delivered to customer",
    3000: "Delivered",
    3001: "Message in progress",
    3002: "Delivered to Gateway",
    3003: "Delivery error",
    3004: (
        "Message successfully sent out for delivery, however final confirmation of delivery to handset was not received"
    ),
    3005: "Message is read",
    3006: "None of the channels is enabled for the customer",
    3011: "Provider Account registration error",
    3012: "Provider Account migration error",
    3030: "Temporary phone error",
    3031: "Permanent phone error",
    3032: "Gateway/network cannot route message",
    3033: "Message expired before delivery",
    3034: "SMS not supported",
    3035: "Invalid/unsupported",
    3036: "Price threshold exceeded",
    3037: "Message blocked in requested country",
    3038: "Destination blocked by prefix",
    3039: "Final status unknown",
    3040: "Queued by gateway",
    3041: "Carrier rejected - temporary problem",
    3042: "Carrier rejected - permanent error",
    3043: "Error on gateway - temporary error",
    3044: "Error on gateway - permanent error",
    3045: "Parameters problem",
    3046: "Message blocked by subscriber action or request",
    3047: "Subscriber low on credit",
    3048: "Roaming error",
    3049: "Mobile number portability error",
    3050: "Subscriber absent",
    3051: "Suspected spam",
    3052: "Message blocked by your request",
    3053: "Message blocked by Telesign",
    3054: "Message cannot be sent to RBM provider - parsing error",
    3055: "Delivery channel not supported by the end user's device",
    3056: "Message failed to deliver in specified fallback time",
    3057: "Invalid source address",
    3058: "The requested API host is not allowed for this CustomerID",
    3059: "Exceeded number of elements for rich card",
    3060: "Delivery channel supported by the end user's device",
    3061: "Media size exceeds the limit",
    3062: "MMS not supported",
    3071: "Unverified phone_number requested for trial account.",
    3072: "Message blocked due to high risk score.",
    3073: "Insufficient funds in prepaid wallet",
    3100: "Unknown channel specified: {}",
    3101: "Invalid value for parameter phone_number: {}",
    3102: "Invalid value for parameter message_type: {}",
    3103: "Unsupported value for parameter external_id: {}",
    3104: "Invalid value for parameter account_lifecycle_event: {}",
    3105: "Invalid value for parameter originating_ip: {}",
    3106: "Invalid value for parameter callback_url: {}",
    3107: "Invalid value for parameter country_code",
    3108: "Invalid value for parameter message",
    3109: "Invalid value for parameter sender_id: {}",
    3110: "Invalid request",
    3112: "Specified template does not exist for selected channel",
    3113: "Invalid value for parameter channel: {}",
    3114: "Specified message type not allowed outside of conversation window",
    3115: "Destination phone number not in coverage",
    3116: "Payload limit size exceeded",
    3200: "{} channel is not enabled for customer",
    3202: "Fallback is not enabled for Customer ID",
    3203: "Callback URL parameter not enabled for Customer ID",
    3204: "Rate limit exceeded",
    3205: "Rate Limit Exceeded",
    3206: "Omnichannel Product not enabled for Customer ID",
    3207: "Product exceeded transaction hard cap. Request denied.",
    3208: "Provider Account ID not found",
    3209: "End-user not registered for testing",
    3210: "Capability Check not enabled for Customer ID",
    3300: "Missing parameter channels",
    3301: "Missing parameter channel",
    3302: "Missing parameter phone_number",
    3303: "Missing parameter message",
    3304: "Missing parameter message_type",
    3305: "Missing template specific parameters",
    3306: "Missing message parameters for specified channel",
    3311: "Invalid value for parameter reference_id",
    3400: "Not authorized",
    3405: "Missing required 'Authorization' header",
    3406: "CustomerID Account Suspended.",
    3408: "CustomerID Account Not Found",
    3409: "Invalid source IP address.",
    3410: "Invalid Customer ID.",
    3411: "Invalid API Key.",
    3412: "Required 'Authorization' header is not in the correct format",
    3413: "Not Allowed Host",
    3500: "System Unavailable",
    3601: "Missing providers tracking data",
    # The template API's texts are known in short only; these follow the others' manner.
    3801: "Request successful",
    3802: "Missing name",
    3803: "Missing type",
    3815: "Missing content",
    3816: "Invalid value for parameter category",
    3817: "Invalid value for parameter language",
    3856: "Invalid value for parameter name",
}

#: HTTP status of each code that a request is refused with (Engage API, POST and GET /v1/omnichannel).
HTTP: Final[Mapping[int, int]] = {
    **dict.fromkeys((3102, 3103, 3104, 3105, 3106, 3110, 3113, 3300, 3301, 3302, 3303, 3304, 3311), 400),
    **dict.fromkeys((3802, 3803, 3815, 3816, 3817, 3856), 400),
    **dict.fromkeys((3210, 3400, 3405, 3412), 401),
    3116: 413,
    **dict.fromkeys((3203, 3204, 3206), 429),
    3500: 503,
}

#: Results that say that a channel is none of this customer's.
NOT_ENABLED: Final = frozenset({Code.UNKNOWN_CHANNEL, Code.CHANNEL_NOT_ENABLED})


def describe(code: int, value: str = "") -> str:
    """A code's text, with the offending value in its place."""
    return DESCRIPTIONS[code].replace("{}", value)


# -- Outwards: what became of an attempt ------------------------------------------------------------------------------

#: A reason word of ours -> the code of a channel that failed for it. A reason that is not here is `DELIVERY_ERROR`.
OF_REASON: Final[Mapping[str, int]] = {
    "fallback_time_passed": Code.FALLBACK_TIME,
    "validity_passed": Code.EXPIRED,
    "network_expired": Code.EXPIRED,
    "cancelled_by_customer": Code.BLOCKED_BY_REQUEST,
    "not_a_viber_user": Code.NOT_SUPPORTED_BY_DEVICE,
    "no_suitable_device": Code.NOT_SUPPORTED_BY_DEVICE,
    "not_subscribed": Code.BLOCKED_BY_SUBSCRIBER,
    "blocked_by_user": Code.BLOCKED_BY_SUBSCRIBER,
    "invalid_recipient": Code.PERMANENT_PHONE_ERROR,
    "unknown_recipient": Code.PERMANENT_PHONE_ERROR,
    "unreachable_recipient": Code.SUBSCRIBER_ABSENT,
    "content_refused": Code.PARAMETERS_PROBLEM,
    "media_unreachable": Code.PARAMETERS_PROBLEM,
    "media_unfit": Code.PARAMETERS_PROBLEM,
    "template_refused": Code.UNKNOWN_TEMPLATE,
    "session_closed": Code.OUTSIDE_WINDOW,
    "session_full": Code.OUTSIDE_WINDOW,
    "unanswered_limit": Code.OUTSIDE_WINDOW,
    "awaiting_reply": Code.OUTSIDE_WINDOW,
    "suppressed": Code.BLOCKED_BY_SUBSCRIBER,
    "opted_out": Code.BLOCKED_BY_SUBSCRIBER,
    "country_not_supported": Code.BLOCKED_IN_COUNTRY,
    "sender_blocked": Code.INVALID_SOURCE,
    "sender_not_found": Code.INVALID_SOURCE,
    "not_permitted": Code.PERMANENT_GATEWAY_ERROR,
    "bad_credentials": Code.PERMANENT_GATEWAY_ERROR,
    "no_credit": Code.NO_FUNDS,
    "throttled": Code.CHANNEL_RATE_LIMIT,
    "provider_error": Code.TEMPORARY_GATEWAY_ERROR,
    "provider_unreachable": Code.TEMPORARY_GATEWAY_ERROR,
    "provider_garbage": Code.PERMANENT_GATEWAY_ERROR,
    "no_answer": Code.UNKNOWN_OUTCOME,
    "interrupted": Code.UNKNOWN_OUTCOME,
    "channel_removed": Code.CANNOT_ROUTE,
}

#: An attempt's status -> its channel's code, where the status says it all.
OF_ATTEMPT: Final[Mapping[str, int]] = {
    "accepted": Code.IN_PROGRESS,
    "scheduled": Code.IN_PROGRESS,
    "sending": Code.IN_PROGRESS,
    "sent": Code.AT_GATEWAY,
    "delivered": Code.DELIVERED,
    "seen": Code.READ,
    "uncertain": Code.UNKNOWN_OUTCOME,
}

#: A message's status -> the transaction's code.
OF_MESSAGE: Final[Mapping[str, int]] = {
    "accepted": Code.IN_PROGRESS,
    "scheduled": Code.IN_PROGRESS,
    "sending": Code.IN_PROGRESS,
    "sent": Code.AT_GATEWAY,
    "delivered": Code.DELIVERED,
    "seen": Code.READ,
    "failed": Code.DELIVERY_ERROR,
    "expired": Code.DELIVERY_ERROR,
    "cancelled": Code.DELIVERY_ERROR,
}


def of_attempt(status: str, reason: str | None) -> int:
    """The code of a channel whose attempt stands so."""
    code = OF_ATTEMPT.get(status)
    return code if code is not None else OF_REASON.get(reason or "", Code.DELIVERY_ERROR)


# -- Inwards: what Telesign says of what was sent through it -----------------------------------------------------------


class Word(NamedTuple):
    """What a code says of an attempt: a receipt if `kind` is given, and why."""

    kind: ReceiptKind | None
    reason: str | None = None


_FAILED: Final = ReceiptKind.FAILED
_EXPIRED: Final = ReceiptKind.EXPIRED

#: Every code of a channel or transaction -> what it says. One without a kind is not the last word.
MEANING: Final[Mapping[int, Word]] = {
    3000: Word(ReceiptKind.DELIVERED),
    3001: Word(None),
    3002: Word(None),
    3003: Word(_FAILED, "network_failed"),
    3004: Word(None),
    3005: Word(ReceiptKind.SEEN),
    3006: Word(_FAILED, "not_permitted"),
    3011: Word(_FAILED, "sender_not_found"),
    3012: Word(_FAILED, "sender_not_found"),
    3030: Word(_FAILED, "unreachable_recipient"),
    3031: Word(_FAILED, "unknown_recipient"),
    3032: Word(_FAILED, "rejected_by_network"),
    3033: Word(_EXPIRED, "network_expired"),
    3034: Word(_FAILED, "no_suitable_device"),
    3035: Word(_FAILED, "content_refused"),
    3036: Word(_FAILED, "rejected_by_network"),
    3037: Word(_FAILED, "country_not_supported"),
    3038: Word(_FAILED, "country_not_supported"),
    3039: Word(_FAILED, "network_failed"),
    3040: Word(None),
    3041: Word(_FAILED, "rejected_by_network"),
    3042: Word(_FAILED, "rejected_by_network"),
    3043: Word(_FAILED, "provider_error"),
    3044: Word(_FAILED, "provider_error"),
    3045: Word(_FAILED, "content_refused"),
    3046: Word(_FAILED, "blocked_by_user"),
    3047: Word(_FAILED, "unreachable_recipient"),
    3048: Word(_FAILED, "unreachable_recipient"),
    3049: Word(_FAILED, "unknown_recipient"),
    3050: Word(_FAILED, "unreachable_recipient"),
    3051: Word(_FAILED, "rejected_by_network"),
    3052: Word(_FAILED, "rejected_by_network"),
    3053: Word(_FAILED, "rejected_by_network"),
    3054: Word(_FAILED, "content_refused"),
    3055: Word(_FAILED, "not_a_viber_user"),
    3056: Word(_EXPIRED, "network_expired"),
    3057: Word(_FAILED, "sender_not_found"),
    3058: Word(_FAILED, "bad_credentials"),
    3059: Word(_FAILED, "content_refused"),
    3061: Word(_FAILED, "content_refused"),
    3062: Word(_FAILED, "no_suitable_device"),
    3071: Word(_FAILED, "not_permitted"),
    3072: Word(_FAILED, "rejected_by_network"),
    3073: Word(_FAILED, "no_credit"),
    3100: Word(_FAILED, "not_permitted"),
    3101: Word(_FAILED, "invalid_recipient"),
    3102: Word(_FAILED, "content_refused"),
    3103: Word(_FAILED, "provider_error"),
    3104: Word(_FAILED, "provider_error"),
    3105: Word(_FAILED, "provider_error"),
    3106: Word(_FAILED, "provider_error"),
    3107: Word(_FAILED, "invalid_recipient"),
    3108: Word(_FAILED, "content_refused"),
    3109: Word(_FAILED, "sender_not_found"),
    3110: Word(_FAILED, "content_refused"),
    3112: Word(_FAILED, "template_refused"),
    3113: Word(_FAILED, "provider_error"),
    3114: Word(_FAILED, "session_closed"),
    3115: Word(_FAILED, "country_not_supported"),
    3116: Word(_FAILED, "content_refused"),
    3200: Word(_FAILED, "not_permitted"),
    3202: Word(_FAILED, "not_permitted"),
    3203: Word(_FAILED, "not_permitted"),
    3204: Word(_FAILED, "throttled"),
    3205: Word(_FAILED, "throttled"),
    3206: Word(_FAILED, "not_permitted"),
    3207: Word(_FAILED, "no_credit"),
    3208: Word(_FAILED, "sender_not_found"),
    3209: Word(_FAILED, "not_permitted"),
    3300: Word(_FAILED, "provider_error"),
    3301: Word(_FAILED, "provider_error"),
    3302: Word(_FAILED, "invalid_recipient"),
    3303: Word(_FAILED, "content_refused"),
    3304: Word(_FAILED, "content_refused"),
    3305: Word(_FAILED, "content_refused"),
    3306: Word(_FAILED, "content_refused"),
    3400: Word(_FAILED, "bad_credentials"),
    3405: Word(_FAILED, "bad_credentials"),
    3406: Word(_FAILED, "sender_blocked"),
    3408: Word(_FAILED, "bad_credentials"),
    3409: Word(_FAILED, "bad_credentials"),
    3410: Word(_FAILED, "bad_credentials"),
    3411: Word(_FAILED, "bad_credentials"),
    3412: Word(_FAILED, "bad_credentials"),
    3413: Word(_FAILED, "bad_credentials"),
    3500: Word(_FAILED, "provider_error"),
    3601: Word(_FAILED, "content_refused"),
}
