"""Running nodes: the embedded database, the HTTP server, several workers, and a polite end.

`tyrian serve` is one process that listens; with `--workers N` it only keeps N such processes going on one socket. The
embedded PostgreSQL belongs to the process that the operator started, which restarts it if it dies.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tyrian.app import App, ASGIApp, open_gateway
from tyrian.engine.clock import ScaledClock, WallClock
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import Clock
from tyrian.engine.serving import CUT
from tyrian.settings import Settings
from tyrian.store import embedded
from tyrian.store.migrate import migrate, pending

log = logging.getLogger(__name__)

_BACKLOG = 2048
_SUPERVISE_SECONDS = 0.5
#: Allocations before the collector looks at the youngest objects, and how often it goes on to older ones.
_COLLECT = (10_000, 20, 100)
#: A worker that dies sooner than this after its start is not restarted at once, in seconds.
_RESTART_PAUSE = 1.0

#: Prepares a gateway before it takes requests (the demo's seed); returns further applications by path prefix.
Prepare = Callable[[Gateway], Awaitable[Mapping[str, ASGIApp]]]


async def database_url(settings: Settings) -> str:
    """The database to use, started if it is the embedded one, and migrated."""
    url = settings.database_url or (await asyncio.to_thread(embedded.start, settings.data_dir)).url
    if await pending(url):
        await migrate(url)
    return url


@asynccontextmanager
async def _database(settings: Settings, url: str | None) -> AsyncIterator[str]:
    """The database to use. The embedded one is kept going meanwhile, and stopped at the end, however that comes."""
    if url is not None or settings.database_url:
        yield url or await database_url(settings)
        return
    done = asyncio.Event()
    keeper: asyncio.Task[None] | None = None
    try:
        address = await database_url(settings)
        keeper = asyncio.create_task(_keep_database(settings, done))
        yield address
    finally:
        done.set()
        if keeper is not None:
            # Not cancelled: a start that is under way in its thread would bring the server back after its stop.
            await keeper
        await asyncio.to_thread(embedded.stop, settings.data_dir)


async def _keep_database(settings: Settings, done: asyncio.Event) -> None:
    """Starts the embedded server again whenever it has died."""
    pause = _SUPERVISE_SECONDS
    while not done.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), pause)
            return
        try:
            await asyncio.to_thread(embedded.start, settings.data_dir)
            pause = _SUPERVISE_SECONDS
        except embedded.EmbeddedPostgresError as error:
            log.error("the embedded PostgreSQL cannot be started: %s", error)
            pause = 2.0


def _settle_memory() -> None:
    """Spares the collector what start-up made, and has it look at the rest seldom.

    A full collection walks every object there is and holds up every request meanwhile. Requests leave hardly any
    cycles behind, so that few collections are enough.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)


class _Server(uvicorn.Server):
    """Uvicorn, without signal handlers of its own: ours drain the gateway too."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


class Protocol(HttpToolsProtocol):
    """Uvicorn's, with a way for applications to cut a connection whose other side takes nothing: a polite end would
    wait for what is to be written before, without end."""

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {CUT: self.transport.abort}  # type: ignore[dict-item]


def listen(settings: Settings) -> socket.socket:
    """The listening socket. Raises `OSError` with the address in its text."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((settings.host, settings.port))
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on {settings.host} port {settings.port}: {error.strerror}") from None
    sock.listen(_BACKLOG)
    sock.setblocking(False)
    return sock


async def run_node(
    settings: Settings,
    sock: socket.socket,
    clock: Clock,
    *,
    url: str | None = None,
    prepare: Prepare | None = None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """One node, until SIGTERM or SIGINT. Without `url` it looks after the database itself."""
    stop = _on_signals()
    async with _database(settings, url) as address:
        gateway = await open_gateway(address, settings, clock)
        mounts = await prepare(gateway) if prepare else {}
        await gateway.start()
        _settle_memory()
        server = _Server(_config(App(gateway, mounts), settings))
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - Uvicorn offers no event for it
            await asyncio.sleep(0.005)
        on_ready()
        await asyncio.wait((serving, stop), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        if gateway.inbox is not None:
            gateway.inbox.end_watching()
        await serving
        await gateway.stop()


def _config(app: App, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(settings.drain_seconds, 1),
        backlog=_BACKLOG,
    )


def _on_signals() -> "asyncio.Future[None]":
    """A future that is done at the first SIGTERM or SIGINT; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[None] = loop.create_future()

    def asked(number: int) -> None:
        if stop.done():
            os._exit(128 + number)
        log.info("stopping: finishing what is under way")
        stop.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)
    return stop


def run(main: Awaitable[None]) -> None:
    """Runs a coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)  # type: ignore[arg-type]


# -- Several workers --------------------------------------------------------------------------------------------------


def clock_of(scale: float) -> Clock:
    """The clock of a time scale: the wall's for 1."""
    return WallClock() if scale == 1 else ScaledClock(scale)


def serve(
    settings: Settings, *, sock: socket.socket | None = None, on_ready: Callable[[], None] = lambda: None
) -> None:
    """`tyrian serve`: blocks until the node or all workers have ended. Without `sock` it listens by the settings."""
    sock = sock or listen(settings)
    if settings.workers == 1:
        run(run_node(settings, sock, WallClock(), on_ready=on_ready))
    else:
        run(_supervise(settings, sock, on_ready))


async def _supervise(settings: Settings, sock: socket.socket, on_ready: Callable[[], None]) -> None:
    stop = _on_signals()
    async with _database(settings, None) as url:
        workers = [_Worker(settings, url, sock.fileno()) for _ in range(settings.workers)]
        on_ready()
        while not stop.done():
            for worker in workers:
                worker.keep()
            await asyncio.wait((stop,), timeout=_SUPERVISE_SECONDS)
        for worker in workers:
            worker.ask_to_stop()
        await asyncio.gather(*(asyncio.to_thread(worker.wait, settings.drain_seconds + 10) for worker in workers))


class _Worker:
    """One worker process, started again when it dies."""

    def __init__(self, settings: Settings, url: str, fd: int) -> None:
        self._fd = fd
        self._environment = {
            **os.environ,
            **settings.environment(),
            "TYRIAN_DATABASE_URL": url,
            "TYRIAN_WORKERS": "1",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def keep(self) -> None:
        """Starts the process if it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        if self._process is not None:
            log.warning("worker %d ended with code %s", self._process.pid, self._process.returncode)
            if time.monotonic() - self._started < _RESTART_PAUSE:
                return
        self._started = time.monotonic()
        command = [sys.executable, "-m", "tyrian.server", str(self._fd)]
        self._process = subprocess.Popen(command, env=self._environment, pass_fds=(self._fd,))

    def ask_to_stop(self) -> None:
        """Sends SIGTERM."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Waits for the end, then insists."""
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()


def _worker_main(fd: int) -> None:
    from tyrian.logs import set_up
    from tyrian.settings import load

    settings = load()
    set_up(settings)
    sock = socket.socket(fileno=fd)
    run(run_node(settings, sock, WallClock(), url=settings.database_url))


if __name__ == "__main__":
    _worker_main(int(sys.argv[1]))
