"""Where callbacks go, by number: a due callback names its endpoint with four bytes."""

from tyrian.engine.ports import Clock
from tyrian.store.database import Database
from tyrian.store.intake import intern_endpoint

#: Endpoints kept in memory; customers with more than this still work, a little slower.
_MOST = 50_000


class Endpoints:
    """The endpoints' numbers, remembered once seen: they never change."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._numbers: dict[tuple[int, str, str], int] = {}

    def known(self, account_id: int, face: str, url: str) -> int | None:
        """The endpoint's number, if it was seen before."""
        return self._numbers.get((account_id, face, url))

    async def intern(self, account_id: int, face: str, url: str) -> int:
        """The endpoint's number, made if new."""
        number = await intern_endpoint(self._db, account_id, face, url, self._clock.now())
        if len(self._numbers) >= _MOST:
            self._numbers.clear()
        self._numbers[account_id, face, url] = number
        return number
