"""This process among its peers: a number, and a lock that says it is alive.

Claims carry the number of the node that made them. A node holds an advisory lock on its number for as long as its
connection lives, so when it is killed PostgreSQL itself tells the others, at once and without any heartbeat; they
then take its claims over. The lock of a node that only lost its connection is gone too: it takes it again on the next,
and until then its peers wait `GRACE` seconds before they believe it dead.
"""

import asyncio
import contextlib
import logging
import secrets

import asyncpg

from tyrian.store.claims import NODE_LOCK
from tyrian.store.database import LOST

log = logging.getLogger(__name__)

#: Seconds that a node's lock must be missing before its claims are taken over.
GRACE = 3.0
_PING_SECONDS = 1.0


class Node:
    """Holds this process's lock. `listen` names notification channels and where to bring their payloads."""

    def __init__(self, url: str) -> None:
        self.number = secrets.randbelow(2**31 - 1) + 1
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._listeners: dict[str, list[object]] = {}

    def listen(self, channel: str, callback: object) -> None:
        """Calls `callback(payload)` for each notification; also once after every reconnect, with an empty payload."""
        self._listeners.setdefault(channel, []).append(callback)

    async def start(self) -> None:
        """Takes the lock; keeps it from then on."""
        await self._connect()
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Gives the lock back."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._connection and not self._connection.is_closed():
            with contextlib.suppress(*LOST, TimeoutError):
                await self._connection.close(timeout=2)

    async def _connect(self) -> None:
        connection = await asyncpg.connect(self._url, server_settings={"application_name": "tyrian-node"})
        await connection.execute("SELECT pg_advisory_lock($1, $2)", NODE_LOCK, self.number)
        for channel, callbacks in self._listeners.items():
            await connection.add_listener(channel, self._notified)
            for callback in callbacks:
                callback("")  # type: ignore[operator]
        self._connection = connection

    def _notified(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        for callback in self._listeners.get(channel, ()):
            callback(str(payload))  # type: ignore[operator]

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_PING_SECONDS)
            try:
                if self._connection is None or self._connection.is_closed():
                    await self._connect()
                else:
                    await self._connection.execute("SELECT 1", timeout=10)
            except (*LOST, TimeoutError) as error:
                log.warning("the database is away: %s", error)
                if self._connection is not None:
                    self._connection.terminate()
                    self._connection = None
