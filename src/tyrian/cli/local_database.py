"""The gateway's database without a gateway: found running, or started for as long as it is needed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from tyrian.settings import Settings
from tyrian.store import embedded, postmaster

_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


def pgdata(data_dir: Path) -> Path:
    """Where the embedded database of a data folder keeps its files."""
    return data_dir.absolute().resolve() / "postgres"


def exists(settings: Settings) -> bool:
    """Whether there is a database to look at. One of the operator's own is taken to be there."""
    return settings.database_url is not None or pgdata(settings.data_dir).exists()


@asynccontextmanager
async def database_url(settings: Settings) -> AsyncIterator[str]:
    """The database's URL. An embedded server that did not run is stopped at the end, unless others use it by then."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    ran = postmaster.running(pgdata(settings.data_dir)) is not None
    server = await asyncio.to_thread(embedded.start, settings.data_dir)
    try:
        yield server.url
    finally:
        if not ran and await _unused(server.url):
            await asyncio.to_thread(embedded.stop, settings.data_dir)


async def _unused(url: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval(_OTHERS) == 0)
    finally:
        await connection.close()
