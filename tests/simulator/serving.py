"""A simulated world behind real HTTP, a webhook that listens, and a client: what the tests of this folder share."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import msgspec
import uvicorn

from tests.clock import ManualClock
from tyrian.simulator.answers import Receive, Scope, Send, read_body, respond
from tyrian.simulator.quirks import Quirks
from tyrian.simulator.settings import WorldSettings
from tyrian.simulator.world import World

TOKEN = "445da6az1s345z78-dazcczb2542zv51a-e0vc5fva17480im9"
SECRET = "business-secret"
SERVICE = 1001


class Door:
    """Stands where an application will be once it knows its own address; a test may put another there."""

    app: Any

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI application on a free port of the loopback interface; gives its base URL."""
    # Named as TCP, or asyncio leaves Nagle's algorithm on and each answer waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    # As long as `tyrian.server` keeps connections: a client that is held up for longer meets one that just closes.
    config = uvicorn.Config(
        app, interface="asgi3", lifespan="off", log_level="error", timeout_graceful_shutdown=1, timeout_keep_alive=75
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        await _stop(server, listener)


async def _stop(server: uvicorn.Server, listener: socket.socket) -> None:
    """Stop at once if all clients have hung up: uvicorn's own way takes 100 ms of patience in any case."""
    for _ in range(100):
        if not server.server_state.connections:
            for listening in server.servers:
                listening.close()
            listener.close()
            return
        await asyncio.sleep(0.001)
    await server.shutdown(sockets=[listener])


@dataclass
class Hit:
    """One request that a webhook got."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded

    @property
    def event(self) -> str:
        return str(self.json["event"])


@dataclass
class Webhook:
    """An endpoint that notes what it gets. `answer` decides what to say: a status and a body."""

    answer: Callable[[Hit], tuple[int, bytes]] = lambda hit: (200, b"")
    hits: "asyncio.Queue[Hit]" = field(default_factory=asyncio.Queue)
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, 10_000_000)
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        hit = Hit(scope["path"], query, headers, body or b"")
        status, answer = self.answer(hit)
        await respond(send, status, answer)
        self.hits.put_nowait(hit)

    async def next(self) -> Hit:
        """The next request, waiting for it."""
        return await asyncio.wait_for(self.hits.get(), 5)

    async def take(self, number: int) -> list[Hit]:
        """So many requests."""
        return [await self.next() for _ in range(number)]


@dataclass
class Rig:
    """All of it together, on a clock that moves by hand."""

    world: World
    clock: ManualClock
    webhook: Webhook
    url: str
    http: aiohttp.ClientSession

    @property
    def quirks(self) -> Quirks:
        return self.world.quirks

    def turn_off(self) -> None:
        """All switches as they are from the start."""
        self.world.turn(Quirks())

    async def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        """The JSON answer to a POST, which must be a 200."""
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        async with self.http.post(self.url + path, data=raw, headers=headers) as response:
            assert response.status == 200, await response.text()
            return msgspec.json.decode(await response.read())

    async def pa(self, endpoint: str, **body: Any) -> Any:
        """The Bot API's answer."""
        return await self.post(f"/pa/{endpoint}", body, {"X-Viber-Auth-Token": TOKEN})

    async def send_text(self, receiver: str, text: str = "hello", **more: Any) -> Any:
        return await self.pa("send_message", receiver=receiver, type="text", text=text, **more)

    async def business(self, dest: str, seq: int = 1, **more: Any) -> Any:
        """The answer to a business text."""
        return await self.post("/vibersrvc/1/send_message", business_text(dest, seq) | more)

    async def events(self, number: int) -> list[str]:
        """The next events at the webhook."""
        return [hit.event for hit in await self.webhook.take(number)]


def business_text(dest: str, seq: int = 1) -> dict[str, Any]:
    return {
        "service_id": SERVICE,
        "dest": dest,
        "seq": seq,
        "type": 206,
        "label": "transaction",
        "ttl": 600,
        "message": {"#txt": "hello", "#tracking_data": "t-1"},
    }


@contextlib.asynccontextmanager
async def rig(settings: WorldSettings | None = None) -> AsyncIterator[Rig]:
    """A started world with one bot (its webhook set) and one business service."""
    clock, webhook = ManualClock(), Webhook()
    world = World(clock, settings=settings)
    async with serving(webhook) as webhook_url, serving(world.app) as url, aiohttp.ClientSession() as http:
        webhook.url = f"{webhook_url}/hook"
        world.register_bot(TOKEN, "Demo bot", "demobot", webhook=webhook.url)
        world.register_service(SERVICE, webhook.url, SECRET)
        await world.start()
        try:
            yield Rig(world, clock, webhook, url, http)
        finally:
            await world.stop()
