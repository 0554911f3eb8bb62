"""The rule of the session window: for so long after a person's last message they may be written to. Pure."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

EXPIRED: Final = "EXPIRED"
ACTIVE: Final = "ACTIVE"
REQUIRE_OPT_IN: Final = "REQUIRE_OPT_IN"
SEND_RICH_MEDIA: Final = "SEND_RICH_MEDIA"


class Window(Struct, frozen=True):
    """How a window stands, and what may be done. Without an interaction there is no end."""

    status: str
    action: str
    last_interaction: datetime | None = None
    expires_at: datetime | None = None

    @property
    def expired(self) -> bool:
        """Whether nothing may be sent without another opt-in."""
        return self.status == EXPIRED


def window(last: datetime | None, now: datetime, seconds: int) -> Window:
    """The window at a moment. It is over once *more* than its length has passed; nobody who never wrote has one."""
    if last is None:
        return Window(EXPIRED, REQUIRE_OPT_IN)
    ends = last + timedelta(seconds=seconds)
    if now > ends:
        return Window(EXPIRED, REQUIRE_OPT_IN, last, ends)
    return Window(ACTIVE, SEND_RICH_MEDIA, last, ends)
