"""When a queue is open: hours of the days of the week, in a time zone."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from tyrian.domain.conversation import Hours
from tyrian.domain.problem import Problem


def is_open(hours: Sequence[Hours], timezone: str, at: datetime) -> bool:
    """Whether it is open at a moment. Without hours it always is."""
    if not hours:
        return True
    local = at.astimezone(ZoneInfo(timezone))
    clock = f"{local:%H:%M}"
    return any(h.day == local.isoweekday() and h.opens <= clock < h.closes for h in hours)


def problems_of_hours(hours: Sequence[Hours], timezone: str, at: str = "") -> list[Problem]:
    """What is wrong with hours and their time zone."""
    found = [
        Problem(f"{at}/hours/{n}/closes", f"must be later than {h.opens}; hours past midnight are two entries")
        for n, h in enumerate(hours)
        if h.closes <= h.opens
    ]
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        message = f'"{timezone[:64]}" is no time zone; use an IANA name such as Europe/Zagreb'
        found.append(Problem(f"{at}/timezone", message))
    return found
