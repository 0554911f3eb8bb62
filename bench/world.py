"""What a benchmark needs around it: a folder, the embedded PostgreSQL, databases, and free ports."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from msgspec import Struct

from bench.board import Board, Shared
from tyrian.store import embedded

#: The most messages of one measurement; their times take 8 bytes each of a sparse file.
CAPACITY = 4_000_000
#: The number of model messages, of which `fill` makes copies: one that no load comes to.
MODEL = CAPACITY - 1


class Options(Struct, kw_only=True):
    """How to measure. `nodes` are the processes of the gateway: roles, with numbers of workers, as `api,dispatch*2`."""

    quick: bool = False
    rounds: int = 5
    seconds: float = 4.0
    connections: int = 64
    nodes: str = "all"
    profile: Path | None = None


#: Files of the log, of 16 MiB each, that are enough for what a scenario writes.
_FEW_FILES, _MANY_FILES = 8, 80


class World:
    """One run's folder and server. Everything in it is gone when it closes."""

    def __init__(self, folder: Path, server: embedded.EmbeddedPostgres, options: Options) -> None:
        self.folder = folder
        self.server = server
        self.options = options
        self._names = count(1)
        #: The medians that scenarios found, for those that build on them.
        self.found: dict[str, float] = {}

    def data_dir(self) -> Path:
        """The folder that gateways keep their secret key in; the embedded server's."""
        folder = self.folder / "data"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def board(self) -> Board:
        """A new board."""
        return Board(self.folder / f"board-{next(self._names)}", make=True)

    def times(self, name: str) -> Shared:
        """A new file of times by message number."""
        return Shared(self.folder / f"{name}-{next(self._names)}", CAPACITY, make=True)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """A new, empty database; dropped with the block."""
        name = f"bench_{next(self._names)}"
        await self._execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(self.server.url)._replace(path=f"/{name}").geturl()
        finally:
            await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def settle(self) -> None:
        """Write all changed pages out, so that no measurement pays for the one before."""
        await self._execute("CHECKPOINT")

    async def ripen(self) -> None:
        """Have the server write enough log to use its files anew, as one does that has been running for a while.

        A new file of the log is filled with zeros first, which holds up every commit for tens of milliseconds.
        """
        for _ in range(_FEW_FILES if self.options.quick else _MANY_FILES):
            await self._execute("SELECT pg_logical_emit_message(true, 'bench', repeat('x', 16000000))")
        for _ in range(2):
            await self._execute("SELECT pg_switch_wal()")
            await self._execute("CHECKPOINT")

    async def _execute(self, sql: str) -> None:
        connection = await asyncpg.connect(self.server.url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@asynccontextmanager
async def opened(options: Options) -> AsyncIterator[World]:
    """A world: its server runs at full durability, with the settings that Tyrian gives its own."""
    folder = Path(tempfile.mkdtemp(prefix="tyrian-bench-"))
    data = folder / "data"
    try:
        server = await asyncio.to_thread(embedded.start, data)
        yield World(folder, server, options)
    finally:
        await asyncio.to_thread(embedded.stop, data, mode="immediate")
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of 127.0.0.1 that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
