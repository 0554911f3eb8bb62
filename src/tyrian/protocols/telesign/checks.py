"""What is wrong with a request to send, in the order in which it is told (Engage API; the order is assumed).

What is wrong with a single channel is no error of the request: it is accepted, and the channel's result tells.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from tyrian.domain.address import e164
from tyrian.engine.egress import judge_url
from tyrian.protocols.telesign import wire
from tyrian.protocols.telesign.codes import Code
from tyrian.protocols.telesign.errors import ApiError
from tyrian.protocols.telesign.wire import Raw

#: Before the digits of a number; left out as a rule, and taken if it is there.
_PLUS: Final = "+"


@dataclass(slots=True)
class Checked:
    """A request that is right as a whole. Channels are in the order of the request."""

    #: Each channel's name, and its fallback time if one was given.
    channels: list[tuple[str, int | None]]
    #: As it was given.
    phone_number: str
    #: With its plus; None if it can be no phone number.
    number: str | None
    message: dict[str, Any]
    message_type: str
    external_id: str | None
    callback_url: str | None
    sender_id: str | None


def check(raw: Raw, allow_private: Any) -> Checked:
    """The request, if it is right as a whole. Raises `ApiError` with the first thing that is wrong."""
    channels = _channels(raw.channels)
    phone_number = _phone_number(raw)
    if raw.message is None:
        raise ApiError(Code.NO_MESSAGE)
    if not isinstance(raw.message, dict):
        raise ApiError(Code.INVALID_REQUEST)
    if raw.message_type is None:
        raise ApiError(Code.NO_MESSAGE_TYPE)
    if raw.message_type not in wire.MESSAGE_TYPES:
        raise ApiError(Code.BAD_MESSAGE_TYPE, _shown(raw.message_type))
    _check_external_id(raw.external_id)
    if raw.account_lifecycle_event is not None and raw.account_lifecycle_event not in wire.LIFECYCLE_EVENTS:
        raise ApiError(Code.BAD_LIFECYCLE_EVENT, _shown(raw.account_lifecycle_event))
    _check_ip(raw.originating_ip)
    _check_callback_url(raw.callback_url, allow_private)
    digits = phone_number.removeprefix(_PLUS)
    # Spelt as the channel will ask for it again, which is remembered.
    number = e164(_PLUS + digits) if digits.isdigit() else None
    sender_id = raw.sender_id if isinstance(raw.sender_id, str) and raw.sender_id else None
    return Checked(
        channels,
        phone_number,
        number,
        raw.message,
        raw.message_type,
        raw.external_id,
        raw.callback_url,
        sender_id,
    )


def _channels(given: Any) -> list[tuple[str, int | None]]:
    if given is None or given == []:
        raise ApiError(Code.NO_CHANNELS)
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise ApiError(Code.INVALID_REQUEST)
    found: list[tuple[str, int | None]] = []
    names: set[str] = set()
    for item in given:
        name = item.get("channel")
        if name is None or name == "":
            raise ApiError(Code.NO_CHANNEL_NAME)
        if not isinstance(name, str):
            raise ApiError(Code.INVALID_REQUEST)
        if name in names or not _is_fallback_time(item.get("fallback_time")):
            raise ApiError(Code.BAD_CHANNEL, name)
        names.add(name)
        found.append((name, item.get("fallback_time")))
    return found


def _is_fallback_time(value: Any) -> bool:
    """Whether a fallback time may be so. What the vendor does beyond its bounds is not documented."""
    if value is None:
        return True
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and wire.MIN_FALLBACK <= value <= wire.MAX_FALLBACK


def _phone_number(raw: Raw) -> str:
    """The recipient's number; `recipient` counts before the older `phone_number` (assumed)."""
    recipient = raw.recipient
    if recipient is not None and not isinstance(recipient, dict):
        raise ApiError(Code.INVALID_REQUEST)
    value = (recipient or {}).get("phone_number")
    if value is None:
        value = raw.phone_number
    if value is None or value == "":
        if recipient and recipient.get("email"):
            return ""
        raise ApiError(Code.NO_PHONE_NUMBER)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if 0 <= value < 10**18 else ""
    if not isinstance(value, str):
        raise ApiError(Code.INVALID_REQUEST)
    return value


def _check_external_id(value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, str) or len(value) > wire.MAX_EXTERNAL_ID or not value.isascii():
        raise ApiError(Code.BAD_EXTERNAL_ID, _shown(value))


def _check_ip(value: Any) -> None:
    if value is None:
        return
    try:
        if not isinstance(value, str):
            raise ValueError
        ip_address(value)
    except ValueError:
        raise ApiError(Code.BAD_ORIGINATING_IP, _shown(value)) from None


def _check_callback_url(value: Any, allow_private: Any) -> None:
    if value is None:
        return
    if not isinstance(value, str) or len(value) > 2000 or judge_url(value, allow_private):
        raise ApiError(Code.BAD_CALLBACK_URL, _shown(value))


def _shown(value: Any) -> str:
    """A value as the text of a refusal names it."""
    return value[:200] if isinstance(value, str) else wire.encode(value).decode()[:200]
