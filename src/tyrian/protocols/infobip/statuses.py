"""Statuses and error codes of Infobip, and what they have to do with ours.

Ids and names: the vendor's page "Response status and error codes" and OpenAPI 3.210.0. Descriptions of statuses are
those seen in its documents; where none was ever seen (marked) the text is ours. The long explanations on the vendor's
page are not what goes over the wire.
"""

from collections.abc import Mapping
from typing import Final

from tyrian.domain.lifecycle import ReceiptKind
from tyrian.protocols.infobip.wire import Error, Status

GROUPS: Final = {0: "OK", 1: "PENDING", 2: "UNDELIVERABLE", 3: "DELIVERED", 4: "EXPIRED", 5: "REJECTED"}
ERROR_GROUPS: Final = {0: "OK", 1: "HANDSET_ERRORS", 2: "USER_ERRORS", 3: "OPERATOR_ERRORS"}

# -- Statuses ---------------------------------------------------------------------------------------------------------

#: group, id, name, description. Those from group 5 on have no published description but one.
_STATUSES: Final = (
    (1, 3, "PENDING_WAITING_DELIVERY", "Message sent, waiting for delivery report"),
    (1, 7, "PENDING_ENROUTE", "Message sent to next instance"),
    (1, 26, "PENDING_ACCEPTED", "Message sent to next instance"),
    (2, 4, "UNDELIVERABLE_REJECTED_OPERATOR", "Message rejected by operator"),
    (2, 9, "UNDELIVERABLE_NOT_DELIVERED", "Message sent not delivered"),
    (2, 31, "UNDELIVERABLE_NOT_SENT", "Message not sent"),
    (3, 2, "DELIVERED_TO_OPERATOR", "Message delivered to operator"),
    (3, 5, "DELIVERED_TO_HANDSET", "Message delivered to handset"),
    (4, 15, "EXPIRED_EXPIRED", "Message expired"),
    (4, 29, "EXPIRED_DLR_UNKNOWN", "Message expired without a delivery report"),
    (5, 6, "REJECTED_NETWORK", "Network is not supported"),
    (5, 8, "REJECTED_PREFIX_MISSING", "Number prefix missing"),
    (5, 10, "REJECTED_DND", "Destination does not want to be disturbed"),
    (5, 11, "REJECTED_SOURCE", "Invalid source address"),
    (5, 12, "REJECTED_NOT_ENOUGH_CREDITS", "Not enough credits"),
    (5, 13, "REJECTED_SENDER", "Sender is blocked"),
    (5, 14, "REJECTED_DESTINATION_BLOCKLISTED", "Destination is blocked"),
    (5, 17, "REJECTED_PREPAID_PACKAGE_EXPIRED", "Prepaid package expired"),
    (5, 18, "REJECTED_DESTINATION_NOT_REGISTERED", "Destination is not registered"),
    (5, 19, "REJECTED_ROUTE_NOT_AVAILABLE", "Route not available"),
    (5, 20, "REJECTED_FLOODING_FILTER", "Rejected by the flooding filter"),
    (5, 21, "REJECTED_SYSTEM_ERROR", "System error"),
    (5, 23, "REJECTED_DUPLICATE_MESSAGE_ID", "Duplicate message id"),
    (5, 24, "REJECTED_INVALID_UDH", "Invalid user data header"),
    (5, 25, "REJECTED_MESSAGE_TOO_LONG", "Message too long"),
    (5, 51, "MISSING_TO", "Destination is missing"),
    (5, 52, "REJECTED_DESTINATION", "Invalid destination address"),
    (5, 87, "SIGNALS_BLOCKED", "Blocked by fraud protection"),
    (5, 100, "UNDELIVERABLE_REJECTED_PLATFORM", "Rejected by the platform"),
)
STATUSES: Final[Mapping[str, Status]] = {
    name: Status(group_id=group, group_name=GROUPS[group], id=number, name=name, description=description)
    for group, number, name, description in _STATUSES
}
BY_ID: Final[Mapping[int, Status]] = {status.id: status for status in STATUSES.values()}

ACCEPTED: Final = STATUSES["PENDING_ACCEPTED"]
WAITING: Final = STATUSES["PENDING_WAITING_DELIVERY"]
DELIVERED: Final = STATUSES["DELIVERED_TO_HANDSET"]
NOT_DELIVERED: Final = STATUSES["UNDELIVERABLE_NOT_DELIVERED"]
NOT_SENT: Final = STATUSES["UNDELIVERABLE_NOT_SENT"]
EXPIRED: Final = STATUSES["EXPIRED_EXPIRED"]
UNKNOWN_SENDER: Final = STATUSES["REJECTED_SOURCE"]
BAD_DESTINATION: Final = STATUSES["REJECTED_DESTINATION"]
NO_DESTINATION: Final = STATUSES["MISSING_TO"]
DUPLICATE: Final = STATUSES["REJECTED_DUPLICATE_MESSAGE_ID"]
NO_ROUTE: Final = STATUSES["REJECTED_ROUTE_NOT_AVAILABLE"]
REFUSED: Final = STATUSES["UNDELIVERABLE_REJECTED_PLATFORM"]

# -- Errors -----------------------------------------------------------------------------------------------------------

#: Those that Viber and an SMS fallback come to: group, id, name, permanent, description. Two of the descriptions were
#: seen (0 and 7002); the others are ours.
_ERRORS: Final = (
    (0, 0, "NO_ERROR", False, "No Error"),
    (1, 6, "EC_ABSENT_SUBSCRIBER_SM", False, "Absent subscriber"),
    (1, 27, "EC_ABSENT_SUBSCRIBER", False, "Absent subscriber"),
    (1, 1, "EC_UNKNOWN_SUBSCRIBER", True, "Unknown subscriber"),
    (1, 32, "EC_SM_DELIVERY_FAILURE", False, "Delivery failure"),
    (1, 255, "EC_UNKNOWN_ERROR", False, "Unknown error"),
    (1, 500, "EC_PROVIDER_GENERAL_ERROR", False, "Provider error"),
    (1, 502, "EC_NO_RESPONSE", False, "No response"),
    (1, 7001, "EC_UNKNOWN_APPLICATION", True, "Unknown application"),
    (1, 7002, "EC_UNKNOWN_USER", True, "No matching user found (on platform or on provider)"),
    (1, 7003, "EC_BLOCKED_USER", True, "Blocked by the user"),
    (1, 7004, "EC_UNAUTHORIZED_ACCESS", True, "Unauthorized access"),
    (1, 7005, "EC_FORBIDDEN_ACCESS", True, "Forbidden access"),
    (1, 7006, "EC_BAD_REQUEST", True, "Bad request"),
    (1, 7007, "EC_ILLEGAL_TRAFFIC_TYPE", True, "Illegal traffic type"),
    (1, 7008, "EC_INVALID_TEMPLATE_ARGS", True, "Invalid template arguments"),
    (1, 7009, "EC_INVALID_TEMPLATE", True, "Invalid template"),
    (1, 7010, "EC_NO_SESSION", True, "No session"),
    (1, 7011, "EC_ACCOUNT_ISSUE", True, "Account issue"),
    (1, 7012, "EC_DEPLOYMENT_CONFIGURATION_ERROR", False, "Deployment configuration error"),
    (1, 7013, "EC_MEDIA_HOSTING_ERROR", False, "Media hosting error"),
    (1, 7014, "EC_MEDIA_UPLOAD_ERROR", False, "Media upload error"),
    (1, 7015, "EC_MEDIA_METADATA_ERROR", True, "Media metadata error"),
    (1, 7016, "EC_SPAM_RATE", True, "Spam rate"),
    (1, 7017, "EC_TOO_MANY_REQUESTS", False, "Too many requests"),
    (1, 7022, "EC_MEDIA_UNSUPPORTED", True, "Media unsupported"),
    (1, 7024, "EC_NOT_ALLOWED_SENDING_TIME", False, "Not allowed sending time"),
    (1, 7027, "EC_BLOCKED_CONTENT", True, "Blocked content"),
    (1, 7032, "EC_FREQUENCY_CAPPING", True, "Frequency capping"),
    (1, 7034, "EC_SENDER_NOT_REGISTERED", True, "Sender not registered"),
    (1, 7201, "EC_UNSUPPORTED_DEVICE", True, "Unsupported device"),
    (2, 7050, "EC_PROVIDER_INTERNAL_ERROR", False, "Provider internal error"),
    (2, 7051, "EC_PROVIDER_TIMEOUT", False, "Provider timeout"),
    (2, 7052, "EC_PROVIDER_DR_ERROR", True, "Provider delivery report error"),
    (2, 351, "EC_INVALID_DESTINATION_ADDRESS", False, "Invalid destination address"),
    (2, 368, "EC_INVALID_SOURCE_ADDRESS", True, "Invalid source address"),
    (2, 355, "EC_MSG_TEXT_TOO_LONG", True, "Message text too long"),
    (2, 542, "EC_QUOTA_REACHED", False, "Quota reached"),
    (2, 4100, "EC_MESSAGE_CANCELED", True, "Message canceled"),
    (2, 4101, "EC_VALIDITY_EXPIRED", True, "Validity expired"),
    (3, 20, "EC_SS_INCOMPATIBILITY", False, "Incompatibility"),
    (3, 633, "EC_UNKNOWN_MOBILE_OPERATOR", True, "Unknown mobile operator"),
    (3, 810, "EC_FAILED_MESSAGE_DELIVERY", True, "Failed message delivery"),
    (3, 811, "EC_MESSAGE_EXPIRED", True, "Message expired"),
    (3, 7080, "EC_INTERNAL_ERROR", True, "Internal error"),
    (3, 7081, "EC_CONFIGURATION_ERROR", True, "Configuration error"),
    (3, 7082, "EC_TEMPORARY_GATEWAY_ERROR", True, "Temporary gateway error"),
    (3, 7083, "EC_SERVICE_NOT_ACTIVATED", True, "Service not activated"),
    (3, 7280, "EC_DUPLICATE_REQUEST", True, "Duplicate request"),
    (3, 7281, "EC_BAD_ORIGIN", True, "Bad origin"),
)
ERRORS: Final[Mapping[str, Error]] = {
    name: Error(
        group_id=group,
        group_name=ERROR_GROUPS[group],
        id=number,
        name=name,
        description=description,
        permanent=permanent,
    )
    for group, number, name, permanent, description in _ERRORS
}
NO_ERROR: Final = ERRORS["NO_ERROR"]

# -- Ours to theirs ---------------------------------------------------------------------------------------------------

#: Our status -> theirs, where the reason says no more.
_BY_STATUS: Final[Mapping[str, Status]] = {
    "accepted": ACCEPTED,
    "scheduled": ACCEPTED,
    "sending": STATUSES["PENDING_ENROUTE"],
    "sent": WAITING,
    "delivered": DELIVERED,
    "seen": DELIVERED,
    "failed": NOT_DELIVERED,
    "expired": EXPIRED,
    "cancelled": NOT_SENT,
}

#: Our reason -> their status (where it is another than the status says) and error. Checked to name every reason.
REASONS: Final[Mapping[str, tuple[str | None, str]]] = {
    "fallback_time_passed": ("EXPIRED_EXPIRED", "EC_VALIDITY_EXPIRED"),
    "validity_passed": ("EXPIRED_EXPIRED", "EC_VALIDITY_EXPIRED"),
    "cancelled_by_customer": (None, "EC_MESSAGE_CANCELED"),
    "delivered_elsewhere": (None, "EC_MESSAGE_CANCELED"),
    "not_a_viber_user": (None, "EC_UNKNOWN_USER"),
    "not_subscribed": (None, "EC_UNKNOWN_USER"),
    "blocked_by_user": (None, "EC_BLOCKED_USER"),
    "no_suitable_device": (None, "EC_UNSUPPORTED_DEVICE"),
    "invalid_recipient": ("REJECTED_DESTINATION", "EC_INVALID_DESTINATION_ADDRESS"),
    "unreachable_recipient": (None, "EC_ABSENT_SUBSCRIBER"),
    "unknown_recipient": (None, "EC_UNKNOWN_SUBSCRIBER"),
    "content_refused": ("UNDELIVERABLE_REJECTED_PLATFORM", "EC_BAD_REQUEST"),
    "media_not_ready": (None, "EC_MEDIA_HOSTING_ERROR"),
    "media_unreachable": ("UNDELIVERABLE_REJECTED_PLATFORM", "EC_MEDIA_HOSTING_ERROR"),
    "media_unfit": ("UNDELIVERABLE_REJECTED_PLATFORM", "EC_MEDIA_UNSUPPORTED"),
    "template_refused": ("UNDELIVERABLE_REJECTED_PLATFORM", "EC_INVALID_TEMPLATE"),
    "session_closed": (None, "EC_NO_SESSION"),
    "session_full": (None, "EC_NO_SESSION"),
    "unanswered_limit": (None, "EC_NO_SESSION"),
    "awaiting_reply": (None, "EC_NO_SESSION"),
    "suppressed": (None, "EC_BLOCKED_USER"),
    "opted_out": (None, "EC_BLOCKED_USER"),
    "no_opt_in": (None, "EC_FORBIDDEN_ACCESS"),
    "quiet_hours": (None, "EC_FORBIDDEN_ACCESS"),
    "frequency_cap": (None, "EC_FORBIDDEN_ACCESS"),
    "first_contact_promotional": (None, "EC_FORBIDDEN_ACCESS"),
    "already_sent": (None, "EC_DUPLICATE_REQUEST"),
    "country_not_supported": ("REJECTED_NETWORK", "EC_FORBIDDEN_ACCESS"),
    "bad_credentials": (None, "EC_UNAUTHORIZED_ACCESS"),
    "sender_blocked": (None, "EC_ACCOUNT_ISSUE"),
    "sender_not_found": ("REJECTED_SOURCE", "EC_SENDER_NOT_REGISTERED"),
    "not_permitted": (None, "EC_FORBIDDEN_ACCESS"),
    "no_credit": ("REJECTED_NOT_ENOUGH_CREDITS", "EC_QUOTA_REACHED"),
    "webhook_not_set": (None, "EC_CONFIGURATION_ERROR"),
    "throttled": (None, "EC_TOO_MANY_REQUESTS"),
    "provider_error": (None, "EC_PROVIDER_INTERNAL_ERROR"),
    "provider_unreachable": (None, "EC_PROVIDER_INTERNAL_ERROR"),
    "provider_garbage": (None, "EC_PROVIDER_INTERNAL_ERROR"),
    "no_answer": (None, "EC_PROVIDER_TIMEOUT"),
    "interrupted": (None, "EC_PROVIDER_TIMEOUT"),
    "network_failed": (None, "EC_FAILED_MESSAGE_DELIVERY"),
    "network_expired": ("EXPIRED_EXPIRED", "EC_MESSAGE_EXPIRED"),
    "deleted_by_network": (None, "EC_FAILED_MESSAGE_DELIVERY"),
    "rejected_by_network": ("UNDELIVERABLE_REJECTED_OPERATOR", "EC_PROVIDER_DR_ERROR"),
    "channel_removed": (None, "EC_SERVICE_NOT_ACTIVATED"),
    "circuit_open": (None, "EC_PROVIDER_INTERNAL_ERROR"),
}
#: What an end without a reason that is in the table comes to.
_UNEXPLAINED: Final = "EC_UNKNOWN_ERROR"
_ENDED_BADLY: Final = frozenset({"failed", "expired", "cancelled"})


def status_of(status: str, reason: str | None) -> Status:
    """Infobip's status for a message of ours."""
    if status == "failed" and reason is not None:
        name = REASONS.get(reason, (None, ""))[0]
        if name is not None:
            return STATUSES[name]
    return _BY_STATUS.get(status, WAITING)


def error_of(status: str, reason: str | None) -> Error:
    """Infobip's error for a message of ours; NO_ERROR unless it ended badly."""
    if status not in _ENDED_BADLY:
        return NO_ERROR
    if reason is None and status == "expired":
        reason = "validity_passed"
    return ERRORS[REASONS.get(reason or "", (None, _UNEXPLAINED))[1]]


# -- Theirs to ours ---------------------------------------------------------------------------------------------------

#: The error code of a report -> our reason.
REASON_OF_ERROR: Final[Mapping[int, str]] = {
    1: "unknown_recipient",
    5: "unknown_recipient",
    6: "unreachable_recipient",
    27: "unreachable_recipient",
    31: "unreachable_recipient",
    33: "unreachable_recipient",
    255: "network_failed",
    351: "invalid_recipient",
    352: "invalid_recipient",
    355: "content_refused",
    368: "sender_not_found",
    375: "sender_blocked",
    433: "bad_credentials",
    502: "no_answer",
    541: "throttled",
    542: "no_credit",
    603: "content_refused",
    811: "network_expired",
    2048: "network_expired",
    4098: "network_expired",
    4100: "cancelled_by_customer",
    4101: "network_expired",
    5492: "already_sent",
    7001: "sender_not_found",
    7002: "not_a_viber_user",
    7003: "blocked_by_user",
    7004: "bad_credentials",
    7005: "not_permitted",
    7006: "content_refused",
    7007: "content_refused",
    7008: "template_refused",
    7009: "template_refused",
    7010: "session_closed",
    7011: "sender_blocked",
    7013: "content_refused",
    7014: "content_refused",
    7015: "content_refused",
    7016: "sender_blocked",
    7017: "throttled",
    7019: "no_credit",
    7020: "no_suitable_device",
    7021: "no_suitable_device",
    7022: "content_refused",
    7025: "no_suitable_device",
    7027: "content_refused",
    7033: "blocked_by_user",
    7034: "sender_not_found",
    7050: "provider_error",
    7051: "provider_error",
    7201: "no_suitable_device",
    7280: "already_sent",
}
#: The status of a rejection or report -> our reason, where the error says nothing.
REASON_OF_STATUS: Final[Mapping[int, str]] = {
    4: "rejected_by_network",
    6: "country_not_supported",
    8: "invalid_recipient",
    9: "network_failed",
    10: "blocked_by_user",
    11: "sender_not_found",
    12: "no_credit",
    13: "sender_blocked",
    14: "blocked_by_user",
    15: "network_expired",
    17: "no_credit",
    18: "not_permitted",
    19: "country_not_supported",
    20: "throttled",
    21: "provider_error",
    23: "already_sent",
    25: "content_refused",
    29: "network_expired",
    31: "network_failed",
    51: "invalid_recipient",
    52: "invalid_recipient",
    87: "rejected_by_network",
    100: "content_refused",
}
#: The group of a report's status -> what it says of the attempt. Group 1 is not the last word.
RECEIPTS: Final[Mapping[int, ReceiptKind]] = {
    2: ReceiptKind.FAILED,
    3: ReceiptKind.DELIVERED,
    4: ReceiptKind.EXPIRED,
    5: ReceiptKind.FAILED,
}
#: In group 3, but only the operator has it.
NOT_THE_LAST_WORD: Final = frozenset({2})


def reason_of(status_id: int | None, error_id: int | None) -> str:
    """Our reason for a message that Infobip reports as not delivered."""
    if error_id and error_id in REASON_OF_ERROR:
        return REASON_OF_ERROR[error_id]
    return REASON_OF_STATUS.get(status_id or 0, "network_failed")
