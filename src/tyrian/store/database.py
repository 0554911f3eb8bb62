"""The way to PostgreSQL: two pools of connections with different habits.

`work` serves the engine's hot statements. They are written to walk indexes, run against tables that grow from nothing
to millions of rows between two looks of the statistics collector, and keep their plans; so on these connections the
planner is told never to scan or hash a whole table. `reading` serves lists and reports, where it may choose freely.

A statement that changes or locks rows must not join a partitioned table (`messages`, `attempts`, `events`, `links`) on
its partition key with `=`, but with `= ANY` of an array column: `m.id = ANY(i.key)`, where `i` is a materialized CTE
with `ARRAY[message_id] AS key`. With `=` PostgreSQL chooses the partition anew for each row; and in version 18, once
any row of the statement turned out to be changed by somebody else meanwhile and was looked at again, it chooses none
from then on, so that all further rows are passed over without a word. `tests/store/test_conflicts.py` holds that.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

#: Seconds after which a statement is given up.
_PATIENCE = 60.0

T = TypeVar("T")

_WORK_SETTINGS = {
    "application_name": "tyrian",
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "plan_cache_mode": "force_generic_plan",
    "timezone": "UTC",
}
_READING_SETTINGS = {"application_name": "tyrian-reading", "jit": "off", "timezone": "UTC", "statement_timeout": "30s"}

#: What a lost or refused connection looks like; such a statement may be repeated if it is idempotent.
LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What the driver says when a connection ended in the middle of an operation and is used again.
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)


#: A pooled connection with or without its pool's wrapping.
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


class Database:
    """The two pools. Open with `await Database.open(url)`, close with `await close()`."""

    def __init__(self, url: str, work: asyncpg.Pool, reading: asyncpg.Pool) -> None:
        self.url = url
        self.work = work
        self.reading = reading

    @classmethod
    async def open(cls, url: str, *, work: int = 12, reading: int = 6) -> "Database":
        """Connects. `work` and `reading` are the most connections of each pool."""
        work_pool = asyncpg.create_pool(
            url, min_size=2, max_size=work, command_timeout=_PATIENCE, server_settings=_WORK_SETTINGS, reset=_as_it_is
        )
        reading_pool = asyncpg.create_pool(
            url, min_size=0, max_size=reading, command_timeout=_PATIENCE, server_settings=_READING_SETTINGS
        )
        await asyncio.gather(work_pool, reading_pool)
        return cls(url, work_pool, reading_pool)

    async def close(self) -> None:
        """Closes both pools, waiting a little for running statements."""
        for pool in (self.work, self.reading):
            try:
                await asyncio.wait_for(pool.close(), 5)
            except TimeoutError:
                pool.terminate()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A work connection with a transaction around."""
        async with self._mending(), self.work.acquire() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def _mending(self) -> AsyncIterator[None]:
        """Has the pool replace its connections when one of them is beyond use."""
        try:
            yield
        except asyncpg.InternalClientError:
            await self.work.expire_connections()
            raise

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Rows of a work statement."""
        async with self._mending():
            return list(await self.work.fetch(sql, *args))

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        """The first row of a work statement."""
        async with self._mending():
            return await self.work.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first value of a work statement."""
        async with self._mending():
            return await self.work.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """Runs a work statement; returns PostgreSQL's command tag."""
        async with self._mending():
            return str(await self.work.execute(sql, *args))

    async def read(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Rows for a list or report."""
        return list(await self.reading.fetch(sql, *args))

    async def read_row(self, sql: str, *args: Any) -> asyncpg.Record | None:
        """One row for a report."""
        return await self.reading.fetchrow(sql, *args)


async def _as_it_is(connection: object) -> None:
    """Work statements leave nothing behind on their connection, so giving it back needs no statement to clean it."""


async def persist(step: Callable[[], Awaitable[T]], *, patience: float = 30.0) -> T:
    """Repeats an idempotent database step while the database is away, for at most `patience` seconds."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + patience
    wait = 0.05
    while True:
        try:
            return await step()
        except LOST as error:
            # The driver counts values that it cannot encode among these; no repeat will make them right.
            if isinstance(error, ValueError) or loop.time() + wait > ends:
                raise
            await asyncio.sleep(wait)
            wait = min(wait * 2, 1.0)
