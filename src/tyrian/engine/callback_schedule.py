"""When a callback that failed is tried again.

The waits grow from seconds to two hours and go on for as long as the settings say (`callback_give_up_hours`); then the
callback is parked. An endpoint may ask for more time with `Retry-After` (RFC 9110, section 10.2.3), never for less.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from zlib import crc32

#: Seconds from the first try to the second, from that to the third, and so on; then `_THEN` over and over.
WAITS: Final = (5, 30, 120, 600, 1800, 3600)
_THEN: Final = 7200
#: The most that an endpoint may ask for, in seconds.
MAX_RETRY_AFTER: Final = 3600.0
#: Waits are lengthened by up to this part, each callback's by its own, so that what failed together returns spread out.
_SPREAD: Final = 0.1


def waits_for(hours: float) -> tuple[int, ...]:
    """The waits of a callback that is given up after so many hours at the earliest."""
    waits = list(WAITS)
    while sum(waits) < hours * 3600:
        waits.append(_THEN)
    return tuple(waits)


def wait(waits: tuple[int, ...], callback_id: int, tries: int, retry_after: float | None = None) -> float | None:
    """Seconds until the next try after `tries` of them have failed; None when the callback is to be parked.

    The same for the same callback and try, whoever asks.
    """
    if tries > len(waits):
        return None
    spread = crc32(b"%d.%d" % (callback_id, tries)) / 2**32 * _SPREAD
    own = waits[tries - 1] * (1 + spread)
    return max(own, min(retry_after or 0.0, MAX_RETRY_AFTER))


def retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` header asks for: a number or a date. None for none or nonsense."""
    if not value:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - now).total_seconds(), 0.0)
