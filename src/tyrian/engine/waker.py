"""Tells other nodes that something is due, without flooding the database: each thing at most some times a second.

PostgreSQL hands notifications out under one lock at commit, so they are sent on their own and never from the
transactions of the hot path. A lost notification costs at most the second until the next look.
"""

import asyncio
import logging

from tyrian.engine.node import Node
from tyrian.store.database import LOST, Database

log = logging.getLogger(__name__)

CALLBACKS = "callbacks"
BULKS = "bulks"
_EVERY = 0.02


def sends(channel_id: int) -> str:
    """The payload that says that sends of a channel are due."""
    return f"sends:{channel_id}"


class Waker:
    """Gathers what is to be told and tells it once per turn."""

    def __init__(self, db: Database, node: Node) -> None:
        self._db = db
        self._node = node
        self._pending: set[str] = set()
        self._some = asyncio.Event()

    def tell(self, payload: str) -> None:
        """Tells all nodes, soon."""
        self._pending.add(payload)
        self._some.set()

    async def run(self) -> None:
        """Sends what is pending, until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            payloads, self._pending = list(self._pending), set()
            try:
                await self._db.execute("SELECT pg_notify('tyrian_due', p) FROM unnest($1::text[]) p", payloads)
            except LOST as error:
                log.debug("a notification was lost: %s", error)
            await asyncio.sleep(_EVERY)
