"""Clocks: the wall's, and one that runs faster (the demo's)."""

import asyncio
from datetime import UTC, datetime, timedelta


class WallClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The present, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Waits so many seconds."""
        await asyncio.sleep(seconds)


class ScaledClock:
    """A time that starts at the machine's and runs `scale` times as fast: a 600 s fallback passes in 10 s at 60."""

    def __init__(self, scale: float) -> None:
        if scale <= 0:
            raise ValueError(f"a clock's scale must be greater than 0, is {scale:g}")
        self.scale = scale
        self._start = datetime.now(UTC)

    def now(self) -> datetime:
        """The present of this clock."""
        real = datetime.now(UTC) - self._start
        return self._start + timedelta(seconds=real.total_seconds() * self.scale)

    async def sleep(self, seconds: float) -> None:
        """Waits so many seconds of this clock."""
        await asyncio.sleep(seconds / self.scale)
