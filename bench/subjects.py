"""What is measured: a gateway, or the same calls with no gateway between. Scenarios drive both in the same way."""

import asyncio
import contextlib
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from msgspec import Struct

from bench import bare, child, wire
from bench.orders import Singles
from bench.world import World, free_port

#: The bench's account, channel and key in the gateway.
CHANNEL = "bench-viber"
THROTTLED = "bench-throttled"
KEY = "tyrian-bench-key"
#: A customer id and its API key, for the dialect that signs.
CUSTOMER = "BE4C0000-0000-0000-0000-000000000001"
SIGNING_KEY = "dHlyaWFuLWJlbmNoLWtleQ=="
SERVICE_ID = 1001
BOT_TOKEN = "bench-bot-token"  # noqa: S105 - of nobody's bot
_READY_SECONDS = 60.0
_STOP_SECONDS = 40.0

#: The gateway, and the limit beside it.
GATEWAY, LIMIT = "gateway", "limit"


class Subject(Struct, kw_only=True):
    """Something that takes messages at `port`; `roots` are its processes."""

    kind: str
    port: int
    database: str
    roots: list[int]
    hook_path: str
    headers: dict[str, str]
    #: Where a bot's people are heard.
    bot_path: str = ""

    def singles(self, callback: str | None = None) -> Singles:
        """Requests for one message each."""
        return Singles(bare.MESSAGES_PATH, self.headers, CHANNEL, callback=callback)


@asynccontextmanager
async def limit(world: World, port: int, send_port: int | None, *, call: bool) -> AsyncIterator[Subject]:
    """The calls with no gateway between."""
    async with world.database() as url:
        connection = await asyncpg.connect(url)
        await connection.execute(Path(bare.__file__).with_suffix(".sql").read_text())
        await connection.close()
        await world.settle()
        spec = bare.Spec(database=url, port=port, send_port=send_port, connections=world.options.connections, call=call)
        async with child.started("bench.bare", spec) as running:
            yield Subject(
                kind=LIMIT, port=port, database=url, roots=[running.pid], hook_path=bare.HOOK_PATH, headers={}
            )


@asynccontextmanager
async def gateway(world: World, port: int, send_port: int, nodes: str) -> AsyncIterator[Subject]:
    """Real `tyrian serve` processes on a new database, with one account, key and channel."""
    async with world.database() as url, contextlib.AsyncExitStack() as stack:
        environment = _environment(world, url)
        hook, bot = await _seed(world, url, f"http://127.0.0.1:{send_port}")
        await world.settle()
        roots = []
        for number, (role, workers) in enumerate(parse_nodes(nodes)):
            at = port if number == 0 else free_port()
            roots.append(await stack.enter_async_context(_served(role, workers, at, environment)))
        headers = {"Authorization": f"Bearer {KEY}"}
        yield Subject(kind=GATEWAY, port=port, database=url, roots=roots, hook_path=hook, headers=headers, bot_path=bot)


def parse_nodes(nodes: str) -> list[tuple[str, int]]:
    """`api*2,dispatch` -> `[("api", 2), ("dispatch", 1)]`. The first one takes the requests."""
    found = []
    for part in nodes.split(","):
        role, _, workers = part.strip().partition("*")
        found.append((role, int(workers or 1)))
    return found


def _environment(world: World, url: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TYRIAN_")}
    return ours | {
        "TYRIAN_DATABASE_URL": url,
        "TYRIAN_DATA_DIR": str(world.data_dir()),
        "TYRIAN_ALLOW_PRIVATE_CALLBACKS": "true",
        "TYRIAN_LOG_LEVEL": "warning",
    }


async def _seed(world: World, url: str, base_url: str) -> tuple[str, str]:
    """Make the account, its key and its channels; the paths of the business's hook and the bot's."""
    from tyrian.app import open_gateway
    from tyrian.engine.channel_spec import ChannelSpec
    from tyrian.engine.clock import WallClock
    from tyrian.engine.keys import Form
    from tyrian.settings import load
    from tyrian.store import accounts
    from tyrian.store.migrate import migrate

    await migrate(url)
    settings = load(overrides={"data_dir": str(world.data_dir()), "database_url": url}, environ={})
    gateway = await open_gateway(url, settings, WallClock())
    account = await accounts.create(gateway.db, "bench", gateway.clock.now())
    await gateway.keys.create(account.id, name="bench", secret=KEY)
    await gateway.keys.create(account.id, name="bench", face="infobip", secret=KEY)
    await gateway.keys.create(account.id, name="bench", face="tyntec", secret=KEY)
    await gateway.keys.create(
        account.id, name="bench", face="telesign", form=Form.SIGNED, identity=CUSTOMER, secret=SIGNING_KEY
    )
    config = {"service_id": SERVICE_ID, "base_url": base_url}
    entry = await gateway.channels.create(account.id, ChannelSpec(name=CHANNEL, kind="viber_business", config=config))
    slow = ChannelSpec(name=THROTTLED, kind="viber_business", config=config, rate=1.0)
    await gateway.channels.create(account.id, slow)
    secrets = {"token": BOT_TOKEN}
    bot = ChannelSpec(name="bench-bot", kind="viber_bot", config={"base_url": f"{base_url}/pa"}, secrets=secrets)
    hooks = f"/hooks/{entry.channel.id}", f"/hooks/{(await gateway.channels.create(account.id, bot)).channel.id}"
    await gateway.stop()
    return hooks


@asynccontextmanager
async def _served(role: str, workers: int, port: int, environment: dict[str, str]) -> AsyncIterator[int]:
    process = await serve(["--role", role, "--workers", str(workers), "--port", str(port)], environment)
    try:
        await until_ready(port, process)
        yield process.pid
    finally:
        await stop(process)


async def serve(arguments: list[str], environment: dict[str, str]) -> asyncio.subprocess.Process:
    """A `tyrian serve` process."""
    program = Path(sys.executable).with_name("tyrian")
    return await asyncio.create_subprocess_exec(
        program, "serve", *arguments, env=environment, stdout=asyncio.subprocess.DEVNULL, start_new_session=True
    )


async def stop(process: asyncio.subprocess.Process) -> None:
    """Ask a process to end, wait, and then insist; its workers go with it."""
    if process.returncode is None:
        process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def until_ready(port: int, process: asyncio.subprocess.Process) -> None:
    """Wait until `/readyz` answers 200. Raises `RuntimeError` if the process ends first, or after a minute."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + _READY_SECONDS
    while loop.time() < ends:
        if process.returncode is not None:
            raise RuntimeError(f"`tyrian serve` ended with code {process.returncode} before it was ready")
        if await asyncio.to_thread(_ready, port):
            return
        await asyncio.sleep(0.01)
    raise RuntimeError("`tyrian serve` was not ready after a minute")


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


async def call(subject: Subject, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    """One request on a connection of its own: its status and body."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[tuple[int, bytes]] = loop.create_future()
    pool = wire.Pool("127.0.0.1", subject.port, 1, lambda tag, status, said: answered.set_result((status, said)))
    pool.submit(wire.request(method, path, body, subject.headers))
    result = await asyncio.wait_for(answered, _READY_SECONDS)
    await pool.close()
    return result
