"""What Viber's status numbers mean for an attempt: one table per product.

HTTP is 200 whatever happened; the number in the body is the truth. A word with `Retry` may succeed later, one with
`Refused` will not. A number that is in no table is "a general error" by Viber's own words: the network answered and
did not take the message, and nothing says that a repeat would help, so it is a refusal (`provider_error`) and the
cascade moves on at once.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from tyrian.engine.ports import Exchange, Refused, Retry, SendResult, Unknown

OK: Final = 0
INVALID_URL: Final = 1


class Verdict(NamedTuple):
    """How a send ends, and the reason word for it."""

    result: type[Refused] | type[Retry] | type[Unknown]
    reason: str


GENERAL_ERROR: Final = Verdict(Refused, "provider_error")

#: Viber Bot API documentation 7.3.0, error codes. Their texts vary from server to server and are not relied on.
BOT: Final[Mapping[int, Verdict]] = {
    1: Verdict(Refused, "provider_error"),  # 1 invalidUrl: the webhook's, which a send has nothing to do with
    2: Verdict(Refused, "bad_credentials"),  # 2 invalidAuthToken
    3: Verdict(Refused, "content_refused"),  # 3 badData
    4: Verdict(Refused, "content_refused"),  # 4 missingData
    5: Verdict(Refused, "not_a_viber_user"),  # 5 receiverNotRegistered
    6: Verdict(Refused, "not_subscribed"),  # 6 receiverNotSubscribed
    7: Verdict(Refused, "sender_blocked"),  # 7 publicAccountBlocked
    8: Verdict(Refused, "sender_not_found"),  # 8 publicAccountNotFound
    9: Verdict(Refused, "sender_blocked"),  # 9 publicAccountSuspended
    10: Verdict(Refused, "webhook_not_set"),  # 10 webhookNotSet
    11: Verdict(Refused, "no_suitable_device"),  # 11 receiverNoSuitableDevice
    12: Verdict(Retry, "throttled"),  # 12 tooManyRequests
    13: Verdict(Refused, "no_suitable_device"),  # 13 apiVersionNotSupported: a device below min_api_version
    14: Verdict(Refused, "content_refused"),  # 14 incompatibleWithVersion: members above min_api_version
    15: Verdict(Refused, "not_permitted"),  # 15 publicAccountNotAuthorized
    16: Verdict(Refused, "not_permitted"),  # 16 inchatReplyMessageNotAllowed
    17: Verdict(Refused, "not_permitted"),  # 17 publicAccountIsNotInline
    18: Verdict(Refused, "not_permitted"),  # 18 noPublicChat
    19: Verdict(Refused, "not_permitted"),  # 19 cannotSendBroadcast
    20: Verdict(Refused, "not_permitted"),  # 20 broadcastNotAllowed
    21: Verdict(Refused, "country_not_supported"),  # 21 unsupportedCountry
    22: Verdict(Refused, "not_permitted"),  # 22 paymentUnsupported
    23: Verdict(Refused, "no_credit"),  # 23 freeMessagesExceeded
    24: Verdict(Refused, "no_credit"),  # 24 noBalance
}

#: Viber Business Messages, statuses of the send answer (public implementations of specification v11.3 and older).
BUSINESS: Final[Mapping[int, Verdict]] = {
    1: Verdict(Retry, "provider_error"),  # 1 SRVC_INTERNAL_FAILURE
    2: Verdict(Refused, "sender_not_found"),  # 2 SRVC_BAD_SERVICE_ID
    3: Verdict(Refused, "content_refused"),  # 3 SRVC_BAD_DATA: bad JSON, or a text over 1000 characters
    4: Verdict(Refused, "not_permitted"),  # 4 SRVC_BLOCKED_MESSAGE_TYPE
    5: Verdict(Refused, "content_refused"),  # 5 SRVC_BAD_MESSAGE_TYPE
    6: Verdict(Refused, "content_refused"),  # 6 SRVC_BAD_PARAMETERS: tracking data missing, or not allowed
    7: Verdict(Unknown, "no_answer"),  # 7 SRVC_TIMEOUT inside Viber: it may have been taken; a resend will tell (12)
    8: Verdict(Refused, "blocked_by_user"),  # 8 SRVC_USER_BLOCKED
    9: Verdict(Refused, "not_a_viber_user"),  # 9 SRVC_NOT_VIBER_USER
    10: Verdict(Refused, "no_suitable_device"),  # 10 SRVC_NO_SUITABLE_DEVICE
    11: Verdict(Refused, "bad_credentials"),  # 11 SRVC_UNAUTHORIZED_IP (older specifications)
    12: Verdict(Refused, "already_sent"),  # 12 SRVC_ALREADY_SENT (see `business.py` for a resent attempt)
    13: Verdict(Refused, "not_permitted"),  # 13 SRVC_NOT_PERMITTED: the account's billing does not allow it
    14: Verdict(Refused, "no_credit"),  # 14 SRVC_BILLING_FAILURE
    17: Verdict(Refused, "session_closed"),  # 17 SRVC_NO_MORE_MESSAGES: the session is used up
    18: Verdict(Refused, "content_refused"),  # 18 SRVC_BAD_LABEL
    20: Verdict(Refused, "content_refused"),  # 20 SRVC_INVALID_TTL
    21: Verdict(Refused, "awaiting_reply"),  # 21 SRVC_WAIT_FOR_USER_RESPONSE
    27: Verdict(Refused, "invalid_recipient"),  # 27 SRVC_INVALID_PHONE_NUMBER
    28: Verdict(Refused, "content_refused"),  # 28 SRVC_FILE_NOT_PERMITTED
    29: Verdict(Refused, "content_refused"),  # 29 SRVC_BAD_FILE_NAME_LENGTH
    30: Verdict(Refused, "content_refused"),  # 30 SRVC_BAD_THUMBNAIL
    31: Verdict(Refused, "content_refused"),  # 31 SRVC_BAD_FILE_SIZE
    32: Verdict(Refused, "content_refused"),  # 32 SRVC_BAD_DURATION
    38: Verdict(Refused, "template_refused"),  # 38 TEMPLATE_NOT_FOUND
    39: Verdict(Refused, "template_refused"),  # 39 TEMPLATE_VALIDATION_ERROR
    40: Verdict(Refused, "content_refused"),  # 40 SRVC_SURVEY_VALIDATION_ERROR
    41: Verdict(Refused, "content_refused"),  # 41 SRVC_CAROUSEL_VALIDATION_ERROR
    43: Verdict(Refused, "sender_blocked"),  # 43 SRVC_SERVICE_BLOCKED
    401: Verdict(Refused, "bad_credentials"),  # 401 SRVC_UNAUTHORIZED_IP (v11.3)
}
ALREADY_SENT: Final = 12

#: What the free text (`desc`) of a bot's `failed` callback may hold, in lower case, and what it comes to. Viber
#: documents no list; these are the words of its own status names. The first match counts.
FAILED_WORDS: Final[tuple[tuple[str, str], ...]] = (
    ("notsubscribed", "not_subscribed"),
    ("not subscribed", "not_subscribed"),
    ("notregistered", "not_a_viber_user"),
    ("not registered", "not_a_viber_user"),
    ("not found", "not_a_viber_user"),
    ("suitable device", "no_suitable_device"),
    ("suitabledevice", "no_suitable_device"),
    ("not supported", "no_suitable_device"),
    ("notsupported", "no_suitable_device"),
    ("blocked", "blocked_by_user"),
    ("keyboard", "content_refused"),
    ("rich media", "content_refused"),
    ("richmedia", "content_refused"),
    ("rich_media", "content_refused"),
    ("not valid", "content_refused"),
    ("invalid", "content_refused"),
    ("too large", "content_refused"),
    ("expired", "network_expired"),
)


def verdict(status: int, table: Mapping[int, Verdict], exchange: Exchange | None) -> SendResult:
    """The result of a send whose answer carried a status other than 0."""
    result, reason = table.get(status, GENERAL_ERROR)
    return result(reason=reason, exchange=exchange)


def failed_reason(desc: str | None) -> str:
    """The reason word for the text of a `failed` callback."""
    words = (desc or "").lower()
    return next((reason for part, reason in FAILED_WORDS if part in words), "network_failed")
