"""The embedded PostgreSQL: it starts, is found again, survives what may befall it, and says why when it cannot."""

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from tests.conftest import StartPostgres
from tyrian.store import embedded, orphans, postmaster
from tyrian.store.embedded import EmbeddedPostgresError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with a server that was made once for this module; each test starts it as it needs it."""
    data_dir = tmp_path_factory.mktemp("made")
    embedded.start(data_dir, settings={"shared_buffers": "16MB"})
    embedded.stop(data_dir)
    yield data_dir
    embedded.stop(data_dir, mode="immediate")


@pytest.fixture
def data_dir(made: Path) -> Iterator[Path]:
    """The module's data folder, its server stopped before and after the test."""
    yield made
    embedded.stop(made, mode="immediate")


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def kill(pid: int) -> None:
    """Kill a process, and wait until it is gone or, where nobody asks for it any more, a zombie."""
    process = psutil.Process(pid)
    process.kill()
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        os.sched_yield()


def wait_for_log(data_dir: Path, words: str) -> None:
    while words not in embedded.log_file(data_dir).read_text():
        os.sched_yield()


async def test_the_server_answers_and_keeps_what_it_was_given(data_dir: Path) -> None:
    await ask(embedded.start(data_dir).url, "CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS value")
    embedded.stop(data_dir)
    assert await ask(embedded.start(data_dir).url, "SELECT value FROM kept") == 7


async def test_by_default_the_server_is_durable_and_private(data_dir: Path) -> None:
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "server_encoding": "UTF8",
        "max_connections": "200",
        "TimeZone": "UTC",
    }
    url = embedded.start(data_dir).url
    assert {name: await ask(url, f"SHOW {name}") for name in wanted} == wanted


async def test_settings_override_the_defaults(data_dir: Path) -> None:
    server = embedded.start(data_dir, settings={"work_mem": "5MB", "cluster_name": "it's \\ mine"})
    assert await ask(server.url, "SHOW work_mem") == "5MB"
    assert await ask(server.url, "SHOW cluster_name") == "it's \\ mine"


async def test_text_sorts_by_code_point_on_every_machine(data_dir: Path) -> None:
    query = "SELECT string_agg(x, '' ORDER BY x) || upper('é') FROM unnest('{b,a,B,é}'::text[]) x"
    assert await ask(embedded.start(data_dir).url, query) == "BabéÉ"


def test_only_the_servers_own_user_can_reach_the_socket(data_dir: Path) -> None:
    embedded.start(data_dir)
    folder = (data_dir / "postgres").stat()
    assert stat.S_IMODE(folder.st_mode) == 0o700
    assert stat.S_ISSOCK((data_dir / "postgres" / ".s.PGSQL.5432").stat().st_mode)
    assert folder.st_uid != 0


def test_a_running_server_is_used_again(data_dir: Path) -> None:
    assert embedded.start(data_dir) == embedded.start(data_dir)


def test_starting_from_many_sides_at_once_makes_one_server(data_dir: Path) -> None:
    with ThreadPoolExecutor(max_workers=4) as threads:
        servers = set(threads.map(embedded.start, [data_dir] * 4))
    assert len(servers) == 1


def test_the_server_outlives_a_killed_starter(data_dir: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from tyrian.store import embedded\n"
        "print(embedded.start(Path(sys.argv[1])).pid, flush=True)\n"
        "os.killpg(0, signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(data_dir)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert embedded.start(data_dir).pid == int(done.stdout)


async def test_a_killed_server_starts_again_with_all_that_was_committed(data_dir: Path) -> None:
    for turn in range(3):
        server = embedded.start(data_dir)
        await ask(server.url, f"CREATE TABLE turn_{turn} ()")
        kill(server.pid)
        assert postmaster.running(data_dir / "postgres") is None
    query = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'turn\\__'"
    assert await ask(embedded.start(data_dir).url, query) == 3


async def busy_worker(server: embedded.EmbeddedPostgres) -> tuple[int, "asyncio.Task[str]"]:
    """A worker of the server in the middle of a statement that takes minutes: its process, and who waits for it."""
    connection = await asyncpg.connect(server.url)
    worker: int = await connection.fetchval("SELECT pg_backend_pid()")
    busy = asyncio.create_task(connection.execute("SELECT count(*) FROM generate_series(1, 1000000000)"))
    await asyncio.sleep(0)
    while await asyncio.to_thread(lambda: psutil.Process(worker).cpu_percent(0.02)) < 20:
        pass
    return worker, busy


async def test_a_busy_worker_of_a_killed_server_is_waited_for(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = embedded.start(data_dir)
    worker, busy = await busy_worker(server)
    kill(server.pid)
    again = asyncio.create_task(asyncio.to_thread(embedded.start, data_dir))
    await asyncio.to_thread(wait_for_log, data_dir, "pre-existing shared memory")
    os.kill(worker, signal.SIGKILL)
    assert await ask((await again).url, "SELECT 1") == 1
    assert "was killed; waiting for its workers to go" in caplog.text
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await busy


async def test_a_worker_of_a_killed_server_that_does_not_go_is_ended(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "END_AFTER", 0.0)
    server = embedded.start(data_dir)
    worker, busy = await busy_worker(server)
    kill(server.pid)
    assert orphans.find(data_dir / "postgres") == [worker]
    assert await ask((await asyncio.to_thread(embedded.start, data_dir)).url, "SELECT 1") == 1
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await busy


async def test_a_worker_that_nothing_ends_is_named(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "GIVE_UP_AFTER", 0.0)
    server = embedded.start(data_dir)
    worker, busy = await busy_worker(server)
    kill(server.pid)
    with pytest.raises(EmbeddedPostgresError, match=rf"still hold its memory: processes {worker}"):
        await asyncio.to_thread(embedded.start, data_dir)
    orphans.end([worker])
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await busy
    assert await ask(embedded.start(data_dir).url, "SELECT 1") == 1


async def test_workers_that_say_much_while_they_go_are_waited_for(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What keeps the server from starting does not stand at the end of its log then."""
    run, tries = embedded._run, []

    def first_fails(program: str, *given: Any, **more: Any) -> "subprocess.CompletedProcess[str]":
        tries.append(program)
        if len(tries) > 1:
            return run(program, *given, **more)
        with embedded.log_file(data_dir).open("a") as log:
            log.write("FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use\n")
            log.write("FATAL:  terminating connection due to unexpected postmaster exit\n" * 200)
        return subprocess.CompletedProcess([program], 1, stderr="could not start server")

    monkeypatch.setattr(embedded, "_run", first_fails)
    assert await ask(embedded.start(data_dir).url, "SELECT 1") == 1
    assert tries == ["pg_ctl", "pg_ctl"]


def test_a_start_whose_starter_was_killed_is_waited_for(data_dir: Path) -> None:
    """The server that it brings is used: nothing of it is taken for what a dead one left."""
    pgdata = data_dir / "postgres"
    program = "import sys, pathlib; from tyrian.store import embedded; embedded.start(pathlib.Path(sys.argv[1]))"
    for _ in range(3):
        kill(embedded.start(data_dir).pid)
        with subprocess.Popen([sys.executable, "-c", program, str(data_dir)]) as starter:
            while not any(postmaster._is_pg_ctl(words, pgdata) for words in postmaster._commands()):
                os.sched_yield()
            starter.kill()
        told = embedded.log_file(data_dir).read_text().count("pre-existing shared memory")
        assert asyncio.run(ask(embedded.start(data_dir).url, "SELECT 1")) == 1
        assert embedded.log_file(data_dir).read_text().count("pre-existing shared memory") == told


async def test_a_start_that_another_had_under_way_will_do(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever began it was killed; what it began comes first, between the look for a server and the start of one."""
    run = embedded._run

    def overtaken(program: str, *given: Any, **more: Any) -> "subprocess.CompletedProcess[str]":
        assert run(program, *given, **more).returncode == 0
        return run(program, *given, **more)

    monkeypatch.setattr(embedded, "_run", overtaken)
    assert await ask(embedded.start(data_dir).url, "SELECT 1") == 1


@pytest.mark.parametrize(
    "left",
    [
        pytest.param("", id="an empty pid file"),
        pytest.param("garbage\n", id="a pid file of garbage"),
        pytest.param(f"{os.getpid()}\n", id="a number that another process has now"),
        pytest.param("1\n", id="the number of the first process"),
    ],
)
async def test_what_a_crash_left_is_no_hindrance(data_dir: Path, left: str) -> None:
    pgdata = data_dir / "postgres"
    kill(embedded.start(data_dir).pid)
    rest = (pgdata / "postmaster.pid").read_text().split("\n", 1)[1]
    (pgdata / "postmaster.pid").write_text(left + rest if left.strip().isdigit() else left)
    (pgdata / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n{rest}")
    assert await ask(embedded.start(data_dir).url, "SELECT 1") == 1


def test_stopping_what_does_not_run_does_nothing(data_dir: Path, tmp_path: Path) -> None:
    embedded.stop(data_dir)
    embedded.stop(tmp_path / "nothing" / "here")
    assert not (tmp_path / "nothing").exists()


def test_a_half_made_server_is_made_anew(tmp_path: Path, start_postgres: StartPostgres) -> None:
    (tmp_path / "postgres.new" / "base").mkdir(parents=True)
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = start_postgres(tmp_path, settings={"fsync": "off", "shared_buffers": "16MB"})
    assert asyncio.run(ask(server.url, "SELECT current_database()")) == "tyrian"


async def test_two_folders_are_two_servers_and_a_long_path_gets_a_short_socket(
    data_dir: Path, tmp_path: Path, start_postgres: StartPostgres
) -> None:
    far = tmp_path / ("long" * 20) / "and 'odd', \\ %41 names"
    one = embedded.start(data_dir)
    other = start_postgres(far, settings={"fsync": "off", "shared_buffers": "16MB"})
    assert one.pid != other.pid
    assert await ask(other.url, "SHOW data_directory") == str(far / "postgres")
    found = postmaster.running(far / "postgres")
    assert found is not None
    assert stat.S_IMODE(Path(found.socket_dir).stat().st_mode) == 0o700
    embedded.stop(far)
    assert not Path(found.socket_dir).exists()


def damage_settings(data_dir: Path) -> None:
    with (data_dir / "postgres" / "postgresql.conf").open("a") as conf:
        conf.write("no_such_setting = 1\n")


def mend_settings(data_dir: Path) -> None:
    conf = data_dir / "postgres" / "postgresql.conf"
    conf.write_text(conf.read_text().replace("no_such_setting = 1\n", ""))


def test_an_error_carries_the_servers_last_words(data_dir: Path) -> None:
    damage_settings(data_dir)
    try:
        with pytest.raises(EmbeddedPostgresError, match=r"did not start(.|\n)*no_such_setting"):
            embedded.start(data_dir)
    finally:
        mend_settings(data_dir)


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda folder: (folder / "PG_VERSION").write_text("17\n"), "written by PostgreSQL 17"),
        (lambda folder: None, "holds no PostgreSQL data"),
    ],
    ids=["an older release's data", "no data"],
)
def test_data_it_cannot_use_is_left_alone(tmp_path: Path, prepare: Callable[[Path], object], said: str) -> None:
    folder = tmp_path / "postgres"
    folder.mkdir()
    prepare(folder)
    before = sorted(folder.iterdir())
    with pytest.raises(EmbeddedPostgresError, match=re.escape(said)):
        embedded.start(tmp_path)
    assert sorted(folder.iterdir()) == before


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match=r"The data folder .*file cannot be made"):
        embedded.start(tmp_path / "file")


def test_a_log_that_grew_long_is_put_aside(data_dir: Path) -> None:
    log = embedded.log_file(data_dir)
    with log.open("ab") as file:
        file.truncate(17 * 1024 * 1024)
    embedded.start(data_dir)
    assert log.stat().st_size < 10_000
    assert log.with_name("postgres.log.1").stat().st_size == 17 * 1024 * 1024
