"""What Genesys' words mean: receipts and their reasons, statuses of messages, HTTP statuses (models of SDK 269.0.0)."""

from collections.abc import Mapping
from typing import Any, Final

from tyrian.domain.lifecycle import ReceiptKind

#: A receipt's status. `Sent` and `Removed` say nothing of a delivery. `Published` is that of a person's message that
#: entered its conversation.
RECEIPTS: Final[Mapping[str, ReceiptKind]] = {
    "Delivered": ReceiptKind.DELIVERED,
    "Published": ReceiptKind.DELIVERED,
    "Read": ReceiptKind.SEEN,
    "Failed": ReceiptKind.FAILED,
}
#: A failed receipt's reason.
REASONS: Final[Mapping[str, str]] = {
    "DataFiltered": "rejected_by_network",
    "GeneralError": "network_failed",
    "InvalidDestination": "invalid_recipient",
    "InvalidMediaContentLength": "content_refused",
    "InvalidMessageStructure": "content_refused",
    "MediaTypeNotAllowed": "content_refused",
    "MessageExpired": "network_expired",
    "MessageNotAllowed": "not_permitted",
    "RateLimited": "throttled",
    "RecipientOptedOut": "blocked_by_user",
    "ServerError": "provider_error",
    "UnknownMessage": "network_failed",
    "UnsupportedMessage": "content_refused",
}
#: The status of a message, where Genesys is asked for it (MessageData).
STATUSES: Final[Mapping[str, ReceiptKind]] = {
    "delivery-success": ReceiptKind.DELIVERED,
    "published": ReceiptKind.DELIVERED,
    "read": ReceiptKind.SEEN,
    "delivery-failed": ReceiptKind.FAILED,
    "failed": ReceiptKind.FAILED,
}
#: HTTP statuses of refused sends.
REFUSALS: Final[Mapping[int, str]] = {
    400: "content_refused",
    403: "not_permitted",
    404: "sender_not_found",
    415: "content_refused",
}


def reason_of(reasons: Any) -> str:
    """The word for the first of a receipt's reasons that is known."""
    codes = [reason.get("code") for reason in reasons if isinstance(reason, dict)] if isinstance(reasons, list) else []
    known = (REASONS[code] for code in codes if isinstance(code, str) and code in REASONS)
    return next(known, "network_failed")
