"""What goes over the wire to and from Telesign (Engage API; Transaction Callback Service), as types.

Requests are read leniently: members that are not known are ignored, and each value is judged by `checks`, which has the
code for whatever is wrong with it.
"""

import json
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

BASE_URL: Final = "https://rest-ww.telesign.com"
SEND_PATH: Final = "/v1/omnichannel"
#: Bytes of a request's body at most (code 3116).
MAX_BODY: Final = 10_240
#: Seconds that a channel has if its request does not say, and the bounds of what it may say.
FALLBACK_TIME: Final = 300
MIN_FALLBACK: Final = 30
MAX_FALLBACK: Final = 3600
MESSAGE_TYPES: Final = ("ARN", "MKT", "OTP")
LIFECYCLE_EVENTS: Final = ("create", "sign-in", "transact", "update", "delete")
MAX_EXTERNAL_ID: Final = 100

PhoneNumber = Annotated[str, Meta(description="Digits, the country code first.", examples=["15558675309"])]
ReferenceId = Annotated[str, Meta(pattern="^[0-9A-F]{32}$", examples=["35C8B5D509BC10689196FED2AD551B8A"])]
Moment = Annotated[str, Meta(description="A time in UTC.", examples=["2026-10-14T21:25:54.551105Z"])]


class Raw(Struct):
    """A request to send as it came; what is wrong with any member is for `checks` to say."""

    channels: Any = None
    phone_number: Any = None
    recipient: Any = None
    message: Any = None
    message_type: Any = None
    external_id: Any = None
    callback_url: Any = None
    account_lifecycle_event: Any = None
    originating_ip: Any = None
    sender_id: Any = None


# -- Requests, as the documentation shows them ------------------------------------------------------------------------


class Channel(Struct, omit_defaults=True):
    """One channel to try."""

    channel: Annotated[str, Meta(description="rcs, whatsapp, sms, mms, viber or email.")]
    #: Seconds to wait for a delivery before the next channel is tried.
    fallback_time: Annotated[int, Meta(ge=MIN_FALLBACK, le=MAX_FALLBACK)] | UnsetType = UNSET


class Recipient(Struct, omit_defaults=True):
    """Whom the message is for."""

    phone_number: PhoneNumber | UnsetType = UNSET
    email: str | UnsetType = UNSET


class Content(Struct, omit_defaults=True):
    """What a channel says: a template and its parameters."""

    template: str
    parameters: dict[str, str] = {}


class SendRequest(Struct, omit_defaults=True):
    """A message to one person over one or several channels, in the order in which they are to be tried."""

    channels: Annotated[list[Channel], Meta(min_length=1)]
    message: Annotated[dict[str, Content], Meta(description="By channel, with `default` for all others.")]
    message_type: Literal["ARN", "MKT", "OTP"]
    recipient: Recipient | UnsetType = UNSET
    phone_number: PhoneNumber | UnsetType = UNSET
    external_id: Annotated[str, Meta(max_length=MAX_EXTERNAL_ID)] | None = None
    callback_url: str | UnsetType = UNSET
    account_lifecycle_event: Literal["create", "sign-in", "transact", "update", "delete"] | UnsetType = UNSET
    originating_ip: str | UnsetType = UNSET
    sender_id: str | UnsetType = UNSET


# -- Answers ----------------------------------------------------------------------------------------------------------


class Status(Struct):
    """A code and its text."""

    code: int
    description: str


class SendAnswer(Struct):
    """The answer to a request to send, right or wrong; only some refusals have a reference id."""

    status: Status
    external_id: str | None
    reference_id: ReferenceId | UnsetType = UNSET


class Failure(Struct):
    """The answer to any other request that is refused."""

    status: Status


class ChannelState(Struct):
    """What became of one channel. `reference_id` is that of the send, once it was made."""

    code: int
    description: str
    updated_on: Moment
    reference_id: ReferenceId | UnsetType = UNSET


class TransactionState(Struct):
    """What became of the message."""

    code: int
    description: str
    updated_on: Moment
    last_channel: str | UnsetType = UNSET


class Verification(Struct):
    """Whether the code of an auto-generated OTP was entered rightly."""

    code_state: Literal["VALID", "INVALID", "UNKNOWN"]
    code_entered: str | None


class Transaction(Struct):
    """A message and its channels, in the order in which they were tried."""

    reference_id: ReferenceId
    external_id: str | None
    status: TransactionState
    additional_info: dict[str, str]
    channel_status: list[dict[str, ChannelState]]
    verify: Verification | UnsetType = UNSET


class Report(Struct):
    """A callback about a message."""

    reference_id: ReferenceId
    external_id: str | None
    status: TransactionState
    channel_status: list[dict[str, ChannelState]]


decode_request: Final = msgspec.json.Decoder(Raw).decode


def encode(value: Any) -> bytes:
    """JSON as Telesign writes it: on one line, with a space after each comma and colon."""
    return json.dumps(value).encode()
