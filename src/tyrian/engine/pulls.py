"""Pull queues: reports that a customer collects, each handed out once.

A callback URL of the form `pull:<queue>` keeps reports instead of delivering them. Only faces name such URLs; a
customer's own are checked to be http or https.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import msgspec

from tyrian.engine.endpoints import Endpoints
from tyrian.engine.ports import Clock
from tyrian.engine.report import Report, decode
from tyrian.store import pulls as store
from tyrian.store.database import Database
from tyrian.store.intake import QUEUE_PREFIX

#: How long a report waits to be collected.
KEPT: Final = timedelta(hours=48)


def queue_url(queue: str) -> str:
    """The callback URL that keeps reports in a queue."""
    return f"{QUEUE_PREFIX}{queue}"


class Pulls:
    """The queues of all accounts."""

    def __init__(self, db: Database, clock: Clock, endpoints: Endpoints) -> None:
        self._db = db
        self._clock = clock
        self._endpoints = endpoints

    async def take(
        self,
        account_id: int,
        face: str,
        queue: str,
        limit: int,
        wanted: Callable[[Report], bool] | None = None,
    ) -> list[Report]:
        """The newest of a queue's reports of the last 48 hours, removed from it; those not `wanted` stay."""
        url = queue_url(queue)
        number = self._endpoints.known(account_id, face, url)
        if number is None:
            number = await self._endpoints.intern(account_id, face, url)

        def read(raw: bytes) -> Report | None:
            try:
                report = decode(raw)
            except msgspec.MsgspecError:
                return None
            return report if wanted is None or wanted(report) else None

        return await store.take(self._db, number, self._clock.now() - KEPT, limit, read)

    async def forget(self) -> int:
        """Removes what was not collected in time."""
        return await store.forget(self._db, self._clock.now() - KEPT)
