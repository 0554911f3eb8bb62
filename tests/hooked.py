"""A gateway served over HTTP with a Viber bot and a Viber business, to be called as Viber calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
import uvicorn
from yarl import URL

from tyrian.app import App
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.channels import ChannelEntry
from tyrian.engine.clock import WallClock
from tyrian.engine.gateway import Gateway
from tyrian.protocols.native.app import NativeFace
from tyrian.protocols.viber import bot_kind, business_kind
from tyrian.protocols.viber.hooks import sign
from tyrian.settings import Settings
from tyrian.store import accounts
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

SECRETS = {"bot": "0000000000000000-0000000000000000-0000000000000000", "business": "secret of the business"}
KINDS = {"bot": ("viber_bot", "token"), "business": ("viber_business", "callback_secret")}
HEADER = "X-Viber-Content-Signature"
#: Nobody listens there, and nobody needs to.
NOWHERE = "http://127.0.0.1:9"


@dataclass
class Hooked:
    """The gateway, its channels `bot` and `business` by name, and a way to call their hooks."""

    gateway: Gateway
    entries: dict[str, ChannelEntry]
    base: str
    http: aiohttp.ClientSession

    async def call(self, name: str, body: bytes, *, header: str | None = None, sig: str | None = None) -> int:
        """A callback with these signatures; gives the status of the answer."""
        url = URL(f"{self.base}/hooks/{self.entries[name].channel.id}")
        if sig is not None:
            url = url.with_query({"sig": sig})
        headers = {HEADER: header} if header is not None else {}
        async with self.http.post(url, data=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def signed(self, name: str, event: dict[str, Any] | bytes) -> int:
        """A callback as Viber makes it."""
        body = event if isinstance(event, bytes) else msgspec.json.encode(event)
        return await self.call(name, body, header=sign(body, SECRETS[name]))


@asynccontextmanager
async def hooked(url: str, **config: Any) -> AsyncIterator[Hooked]:
    """`config` is added to the settings of both channels."""
    db = await Database.open(url, work=6, reading=2)
    kinds = {kind.name: kind for kind in (bot_kind, business_kind)}
    roles = frozenset({"api", "dispatch"})
    gateway = Gateway(db, Settings(), WallClock(), [NativeFace()], SecretBox("k" * 40), kinds=kinds, roles=roles)
    app = App(gateway)
    await gateway.start()
    account = await accounts.create(db, "test", gateway.clock.now())
    entries = {}
    for name, (kind, secret) in KINDS.items():
        own = {"service_id": 1001} if name == "business" else {}
        spec = ChannelSpec(
            name=name, kind=kind, config={"base_url": NOWHERE, **own, **config}, secrets={secret: SECRETS[name]},
            inbound_url="http://127.0.0.1:9/in",
        )  # fmt: skip
        entries[name] = await gateway.channels.create(account.id, spec)
    # As long as `tyrian.server` keeps connections: a client that is held up for longer meets one that just closes.
    serving = uvicorn.Config(
        app, port=0, lifespan="off", ws="none", log_config=None, access_log=False, timeout_keep_alive=75
    )
    server = uvicorn.Server(serving)
    serve = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession() as http:
            yield Hooked(gateway, entries, f"http://127.0.0.1:{port}", http)
    finally:
        server.should_exit = True
        await serve
        await gateway.stop(2)
