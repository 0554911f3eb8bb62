"""What a message is for. The purpose decides content rules, priority and how uncertainty is handled."""

from enum import StrEnum
from typing import Final


class Purpose(StrEnum):
    """The customer's declaration of what a message is for."""

    TRANSACTIONAL = "transactional"
    PROMOTIONAL = "promotional"
    SESSION = "session"
    OTP = "otp"


#: Smaller goes first: a code that someone waits for never queues behind a campaign.
PRIORITY: Final[dict[Purpose, int]] = {
    Purpose.OTP: 0,
    Purpose.SESSION: 1,
    Purpose.TRANSACTIONAL: 2,
    Purpose.PROMOTIONAL: 3,
}


class UncertainPolicy(StrEnum):
    """What to do with an attempt that may or may not have gone out."""

    RESEND = "resend"
    FAIL = "fail"


#: A code twice is better than none; an advertisement twice is worse than none.
DEFAULT_UNCERTAIN: Final[dict[Purpose, UncertainPolicy]] = {
    Purpose.OTP: UncertainPolicy.RESEND,
    Purpose.SESSION: UncertainPolicy.RESEND,
    Purpose.TRANSACTIONAL: UncertainPolicy.RESEND,
    Purpose.PROMOTIONAL: UncertainPolicy.FAIL,
}
