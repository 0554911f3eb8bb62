"""What all tests share: a PostgreSQL for the session, a fresh database for whoever asks, and free ports."""

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg
import pytest

from tests import folders
from tests.clock import ManualClock
from tyrian.store import embedded
from tyrian.store.embedded import EmbeddedPostgres
from tyrian.store.migrate import migrate

#: The tests' server forgets everything anyway. A test about durability starts its own with `start_postgres`.
_CARELESS: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "128MB",
    "min_wal_size": "80MB",
    "max_wal_size": "240MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # In the data folder, and gone with it; the usual ones in /dev/shm outlive a server that is killed.
    "dynamic_shared_memory_type": "mmap",
}
_TEMPLATE: Final = "tyrian_template"
_FOLDER: Final = pytest.StashKey[Path]()
_numbers = count(1)


class StartPostgres(Protocol):
    """Starts one more server, fully durable unless `settings` say otherwise, and stops it when the test ends."""

    def __call__(self, data_dir: Path, *, settings: Mapping[str, str] | None = None) -> EmbeddedPostgres: ...


# -- Slow tests -------------------------------------------------------------------------------------------------------

#: What begins first, the longest first: a process that begins the longest file last keeps the others waiting for its
#: end. Files of a folder stay together, since those of some share a demo.
_FIRST: Final = (
    "tests/contracts/",
    "tests/docs/test_snippets.py",
    "tests/protocols/genesys/test_schema.py",
    "tests/protocols/native/test_schema.py",
    "tests/protocols/infobip/test_schema.py",
    "tests/cli/",
    "tests/reliability/",
    "tests/test_demo.py",
    "tests/test_repository.py",
    "tests/conformance/",
    "tests/engine/",
    "tests/inbox/",
)


def pytest_configure(config: pytest.Config) -> None:
    """Gives the run a folder of its own.

    pytest closes the usual one to other users again whenever another run begins, and the embedded server, which as
    root runs as a user of its own, would lose its way into it in the middle of a test.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    room = folders.ROOM_FOR_SLOW if config.getoption("--slow") else folders.ROOM
    folder, lock = folders.opened(room * processes)
    config.stash[_FOLDER] = folder
    config.add_cleanup(lambda: os.close(lock))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(folder)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=_place)
    if config.getoption("--slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


def _place(item: pytest.Item) -> int:
    """Where in the order of `_FIRST` a test stands; the rest comes after, as it was collected."""
    return next((at for at, name in enumerate(_FIRST) if item.nodeid.startswith(name)), len(_FIRST))


@pytest.fixture(scope="session")
def run_folder(pytestconfig: pytest.Config) -> Path:
    """The folder of this process: in memory if there is room, and short enough for the path of a socket."""
    return pytestconfig.stash[_FOLDER]


# -- PostgreSQL -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server for the whole session, with a migrated database that `database_url` copies.

    It has the partitions that a gateway makes when it starts on the tests' first day, or today.
    """
    data_dir = run_folder / "server"
    try:
        server = embedded.start(data_dir, settings=_CARELESS)
        _wait_for(_execute(server, f"CREATE DATABASE {_TEMPLATE}"))
        _wait_for(migrate(_url(server, _TEMPLATE)))
        for day in (ManualClock().now(), datetime.now(UTC)):
            _wait_for(_execute(server, f"SELECT make_partitions('{day:%Y-%m-%d}', 3)", _TEMPLATE))
        yield server
    finally:
        embedded.stop(data_dir, mode="immediate")


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a database of the test's own, with nothing in it."""
    with _database(postgres, "template1") as url:
        yield url


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a database of the test's own, migrated."""
    with _database(postgres, _TEMPLATE) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a migrated database that a module's tests share; each makes an account of its own in it."""
    with _database(postgres, _TEMPLATE) as url:
        yield url


@pytest.fixture
def start_postgres(tmp_path: Path) -> Iterator[StartPostgres]:
    """Servers of the test's own, for tests that stop, kill or starve one. They end before `tmp_path` goes."""
    started: list[Path] = []

    def start(data_dir: Path, *, settings: Mapping[str, str] | None = None) -> EmbeddedPostgres:
        started.append(data_dir)
        return embedded.start(data_dir, settings=settings)

    yield start
    for data_dir in started:
        embedded.stop(data_dir, mode="immediate")


@contextlib.contextmanager
def _database(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    _wait_for(_execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    try:
        yield _url(server, name)
    finally:
        _wait_for(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


def _url(server: EmbeddedPostgres, database: str) -> str:
    return server.url.replace(f"/{embedded.NAME}?", f"/{database}?")


async def _execute(server: EmbeddedPostgres, statement: str, database: str = "postgres") -> None:
    connection = await asyncpg.connect(_url(server, database))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _wait_for(work: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine in a loop and a thread of its own, so that the test's loop, if there is one, is left alone."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, work).result()


# -- Ports ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Gives another free port of the loopback interface at each call."""
    given: set[int] = set()

    def find() -> int:
        while True:
            with socket.create_server(("127.0.0.1", 0)) as server:
                port: int = server.getsockname()[1]
            if port not in given:
                given.add(port)
                return port

    return find
