"""What tyntec's words mean, and which of them say what Tyrian knows.

Sources: states and statuses are those of the published page and of recorded traffic; the codes of failures are the
server statuses that tyntec's help lists for Viber. How a code is written for Viber is assumed after WhatsApp's.
"""

from collections.abc import Mapping
from typing import Final

from tyrian.domain.lifecycle import ReceiptKind, Status

PREFIX: Final = "MessageStatus::"

#: Reasons that leave it open whether the message arrived.
OPEN: Final = frozenset({"no_answer", "interrupted"})
#: A message's status -> tyntec's. What is not here is `accepted`.
STATUSES: Final[Mapping[str, str]] = {
    Status.DELIVERED: "delivered",
    Status.SEEN: "seen",
    Status.FAILED: "failed",
    Status.EXPIRED: "failed",
    Status.CANCELLED: "failed",
}

#: A state of a report -> the event that tells of it. A network's word that it took the message comes as `accepted`.
EVENTS: Final[Mapping[str, str]] = {
    "sent": "accepted",
    "delivered": "delivered",
    "seen": "seen",
    "failed": "failed",
    "expired": "failed",
    "cancelled": "failed",
    "step_failed": "channelFailed",
}
#: An event that a filter may name -> the states of reports that bring it.
STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "accepted": ("sent",),
    "dispatched": ("sent",),
    "delivered": ("delivered",),
    "seen": ("seen",),
    "channelFailed": ("step_failed",),
    "failed": ("failed", "expired", "cancelled"),
    # Told in the place of `failed`, where nobody knows whether the message arrived.
    "unknown": ("failed", "expired"),
    "deleted": (),
}
ALL_STATES: Final = tuple(EVENTS)
#: What an `eventFilter` may hold.
FILTERS: Final = frozenset(
    {
        *(PREFIX + event for event in STATES),
        "InboundMessage",
        "InboundMessage::Postback",
        "MoMessage",
        "MoMessage::Postback",
    }
)

# -- Failures ---------------------------------------------------------------------------------------------------------

#: The number of a failure -> its name.
ERRORS: Final[Mapping[int, str]] = {
    0: "SRVC_SUCESS",
    1: "SRVC_INTERNAL_FAILURE",
    2: "SRVC_BAD_SERVICE_ID",
    3: "SRVC_BAD_DATA",
    5: "SRVC_BAD_MESSAGE_TYPE",
    6: "SRVC_BAD_PARAMETERS",
    7: "SRVC_TIMEOUT",
    8: "SRVC_USER_BLOCKED",
    9: "SRVC_NOT_VIBER_USER",
    10: "SRVC_NO_SUITABLE_DEVICE",
    11: "SRVC_UNAUTHORIZED_IP",
    13: "SRVC_NOT_PERMITTED",
    18: "SRVC_BAD_LABEL",
    20: "SRVC_INVALID_TTL",
    21: "SRVC_WAIT_FOR_USER_RESPONSE",
    28: "SRVC_FILE_NOT_PERMITTED",
}
#: Why something ended -> the number that says so. A reason that is not here is 1.
CODES: Final[Mapping[str, int]] = {
    "sender_not_found": 2,
    "content_refused": 3,
    "media_unreachable": 3,
    "media_unfit": 3,
    "template_refused": 3,
    "fallback_time_passed": 7,
    "validity_passed": 7,
    "network_expired": 7,
    "unreachable_recipient": 7,
    "blocked_by_user": 8,
    "not_subscribed": 8,
    "not_a_viber_user": 9,
    "unknown_recipient": 9,
    "invalid_recipient": 9,
    "no_suitable_device": 10,
    "bad_credentials": 11,
    "not_permitted": 13,
    "no_credit": 13,
    "sender_blocked": 13,
    "session_closed": 21,
    "session_full": 21,
    "unanswered_limit": 21,
    "awaiting_reply": 21,
}
#: The number of a failure -> why, as the connector tells it.
REASONS: Final[Mapping[int, str]] = {
    1: "network_failed",
    2: "sender_not_found",
    3: "content_refused",
    5: "content_refused",
    6: "content_refused",
    7: "network_expired",
    8: "blocked_by_user",
    9: "not_a_viber_user",
    10: "no_suitable_device",
    11: "bad_credentials",
    13: "not_permitted",
    18: "content_refused",
    20: "content_refused",
    21: "awaiting_reply",
    28: "content_refused",
}
NO_FURTHER_CHANNEL: Final = "tyntec::error:noFurtherChannelAvailable"

#: The event of a callback -> what it says of the attempt. `channelFailed` is not the end: `failed` follows it.
RECEIPTS: Final[Mapping[str, ReceiptKind]] = {
    "MessageStatus::delivered": ReceiptKind.DELIVERED,
    "MessageStatus::seen": ReceiptKind.SEEN,
    "MessageStatus::failed": ReceiptKind.FAILED,
    "MessageStatus::unknown": ReceiptKind.FAILED,
}


def status_of(status: str, reason: str | None) -> str:
    """tyntec's status of a message."""
    if status == Status.FAILED and reason in OPEN:
        return "unknown"
    return STATUSES.get(status, "accepted")


def event_of(state: str, reason: str | None) -> str:
    """The event that tells of a report's state."""
    if state == Status.FAILED and reason in OPEN:
        return PREFIX + "unknown"
    return PREFIX + EVENTS.get(state, "unknown")


def states_of(event_filter: list[str]) -> list[str]:
    """The states of reports that a filter asks for; all for an empty one, none for one that names no status."""
    if not event_filter:
        return list(ALL_STATES)
    found = [state for name in event_filter for state in STATES.get(name.removeprefix(PREFIX), ())]
    return list(dict.fromkeys(found))


def code_of(reason: str | None, channel: str) -> tuple[str, str]:
    """The code and the message of a failure on a channel."""
    number = CODES.get(reason or "", 1)
    return f"{channel}::error::{number}", ERRORS[number]


def reason_of(code: object) -> str:
    """The reason word of a failure's code."""
    _, _, number = str(code).rpartition("::")
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        return "network_failed"
    return REASONS.get(int(number), "network_failed")
