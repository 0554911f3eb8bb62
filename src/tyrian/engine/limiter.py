"""The rate limit of each key, per node: a token bucket that holds one second's worth of requests.

Kept as the moment at which the bucket will be full again (the generic cell rate algorithm, ITU-T I.371): one number
for each key, and none for keys whose bucket is full.
"""

import time
from collections.abc import Callable, Hashable
from typing import Final

#: The fewest requests that a full bucket holds, so that a slow key may still make its one request at once.
_LEAST_BURST: Final = 1.0
#: Rounding in the sums of times must not make a caller wait.
_EPSILON: Final = 1e-9


class KeyLimiter:
    """Counts what each key spends. `allow` is O(1); at most `size` keys are remembered, the least used forgotten."""

    def __init__(self, size: int = 100_000, timer: Callable[[], float] = time.monotonic) -> None:
        """`timer` gives seconds that never run backwards; what counts is the caller's time, not the demo's."""
        self._size = size
        self._timer = timer
        self._full_at: dict[Hashable, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def allow(self, key_id: Hashable, rate: float | None, cost: float = 1) -> float:
        """Spends `cost` and returns 0, or spends nothing and returns the seconds to wait.

        `rate` is per second; None or 0 sets no limit. A cost above a whole bucket is let through when the bucket is
        full and leaves a debt, so that the average holds and no request is impossible.
        """
        if not rate:
            return 0.0
        now = self._timer()
        burst = max(rate, _LEAST_BURST)
        full_at = max(self._full_at.pop(key_id, now), now)
        wait = full_at - now - (burst - min(cost, burst)) / rate
        if wait > _EPSILON:
            self._remember(key_id, full_at)
            return wait
        self._remember(key_id, full_at + cost / rate)
        return 0.0

    def _remember(self, key_id: Hashable, full_at: float) -> None:
        """Puts the key last in line, so that the first in line is always the one used longest ago."""
        if len(self._full_at) >= self._size:
            del self._full_at[next(iter(self._full_at))]
        self._full_at[key_id] = full_at
