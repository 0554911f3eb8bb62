"""What the face keeps with a message, to spell its reports the way its customer asked for."""

from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct


class Product(StrEnum):
    """The vendor's product that a message was sent through. The value names the queue of its reports, too."""

    BOT = "viber-bot"
    BUSINESS = "viber"

    @property
    def network(self) -> str:
        """The network that reaches people."""
        return "viber_bot" if self is Product.BOT else "viber"


class Facts(Struct, kw_only=True, omit_defaults=True):
    """The facts of one message. Kept as `Plan.extra` and handed back in `Report.extra`."""

    product: str = Product.BUSINESS.value
    #: The sender as the customer spelt it.
    sender: str = ""
    campaign: str | None = None
    #: The sender and the recipient of the SMS, if one goes out.
    sms_sender: str | None = None
    sms_to: str | None = None
    #: Reports go out as XML.
    xml: bool = False
    #: When the message was to be sent at the earliest, where that was later than now (RFC 3339).
    start: str | None = None
    #: The address of a subscription, where delivery or seen reports go there and not where the message says.
    subscribed: str | None = None
    subscribed_seen: str | None = None
    #: `messages` for a message of the Messages API, whose reports have another form.
    api: str | None = None
    #: The content as it was sent, where it cannot be made again from ours.
    content: Any = None


def pack(facts: Facts) -> dict[str, Any]:
    """Facts as they are kept."""
    kept: dict[str, Any] = msgspec.to_builtins(facts)
    return kept


def unpack(kept: dict[str, Any] | None) -> Facts:
    """Facts as they were kept; those of no message in particular for a message of another face."""
    try:
        return msgspec.convert(kept or {}, Facts)
    except msgspec.ValidationError:
        return Facts()
