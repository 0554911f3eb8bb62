"""How endpoints stand with this node: one that keeps failing is left alone for a while, then asked with one callback.

Kept in memory and by each node for itself: it only spares work, so forgetting it costs nothing but a few tries.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: Failures in a row before an endpoint is left alone.
TOLERATED: Final = 3
#: Seconds for which it is left alone at first (doubled each time) and at most.
_FIRST: Final = 1.0
_MOST: Final = 60.0
_REMEMBERED: Final = 100_000


@dataclass(slots=True)
class _Trouble:
    failures: int
    until: datetime


class Standing:
    """Which endpoints may be called, and how often at once."""

    def __init__(self) -> None:
        self._troubled: dict[int, _Trouble] = {}

    def room(self, endpoint_id: int, now: datetime) -> int | None:
        """How many callbacks the endpoint may have in flight: None for no limit of this kind, 0 for none now."""
        trouble = self._troubled.get(endpoint_id)
        if trouble is None or (trouble.failures < TOLERATED and trouble.until <= now):
            return None
        return 0 if trouble.until > now else 1

    def until(self, endpoint_id: int) -> datetime | None:
        """When an endpoint that is left alone may be asked again."""
        trouble = self._troubled.get(endpoint_id)
        return trouble.until if trouble else None

    def answered(self, endpoint_id: int) -> None:
        """The endpoint lives."""
        self._troubled.pop(endpoint_id, None)

    def forgive(self) -> None:
        """Forgets all trouble: someone says that it is over."""
        self._troubled.clear()

    def failed(self, endpoint_id: int, now: datetime, asked: float | None = None) -> None:
        """The endpoint failed; `asked` are the seconds for which it asked to be left alone.

        What was already on its way when it was last left alone counts no further.
        """
        trouble = self._troubled.get(endpoint_id)
        if trouble is None:
            if len(self._troubled) >= _REMEMBERED:
                self._troubled.clear()
            trouble = self._troubled[endpoint_id] = _Trouble(0, now)
        if trouble.until <= now:
            trouble.failures += 1
            over = trouble.failures - TOLERATED
            trouble.until = now + timedelta(seconds=min(_FIRST * 2.0 ** min(over, 10), _MOST) if over >= 0 else 0)
        if asked:
            trouble.until = max(trouble.until, now + timedelta(seconds=min(asked, _MOST)))
