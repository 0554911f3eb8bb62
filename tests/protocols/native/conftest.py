"""A gateway with the native API on a free port, and a client that speaks to it."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest_asyncio
import uvicorn

from tests.protocols.native.network import Network, Networks
from tyrian.app import App
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.clock import WallClock
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import Receipt
from tyrian.inbox.setup import install
from tyrian.protocols.native.app import NativeFace
from tyrian.server import Protocol
from tyrian.settings import Settings
from tyrian.store import accounts
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database


@dataclass
class Answer:
    """One HTTP answer, read."""

    status: int
    headers: Any
    body: Any
    text: str

    @property
    def pointers(self) -> list[str]:
        """Where the problems are."""
        return [p["pointer"] for p in self.body["problems"]]


@dataclass
class Api:
    """The API of one gateway, as its customer sees it, and the gateway behind it."""

    gateway: Gateway
    networks: Networks
    account_id: int
    url: str
    http: aiohttp.ClientSession
    key: str = ""

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """One request. A body that is bytes goes out as it is, anything else as JSON."""
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        if isinstance(body, bytes):
            more["data"] = io.BytesIO(body)
            headers.setdefault("Content-Type", "application/json")
        elif body is not None:
            more["data"] = io.BytesIO(json.dumps(body).encode())
            headers.setdefault("Content-Type", "application/json")
        sent = {name: value for name, value in headers.items() if value}
        async with self.http.request(method, self.url + path, headers=sent, **more) as response:
            text = await response.text()
            is_json = "json" in response.headers.get("content-type", "")
            return Answer(
                response.status, response.headers, await response.json(content_type=None) if is_json else text, text
            )

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.call("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.call("POST", path, body, **more)

    async def send(self, body: Any, **more: Any) -> Answer:
        return await self.post("/api/v1/messages", body, **more)

    async def stored(self) -> int:
        """How many messages and bulks the account has."""
        counts = [f"(SELECT count(*) FROM {table} WHERE account_id = $1)" for table in ("messages", "bulks")]
        return int(await self.gateway.db.fetchval(f"SELECT {' + '.join(counts)}", self.account_id))

    @property
    def network(self) -> Network:
        """Where the account's channels lead."""
        return self.networks.of[self.account_id]

    async def until(self, message_id: str, status: str) -> dict[str, Any]:
        """The message, once it has this status."""
        async with asyncio.timeout(15):
            while True:
                answer = await self.get(f"/api/v1/messages/{message_id}")
                if answer.body["status"] == status:
                    found: dict[str, Any] = answer.body
                    return found
                await asyncio.sleep(0.005)

    async def receipt(self, message_id: str, kind: str) -> None:
        """The network's word on the message's latest attempt."""
        attempts = (await self.get(f"/api/v1/messages/{message_id}")).body["attempts"]
        entry = self.gateway.channels.get(self.account_id, attempts[-1]["channel"])
        assert entry is not None
        receipt = Receipt(attempts[-1]["provider_ref"], ReceiptKind(kind))
        await self.gateway.receipts.submit(entry.channel.id, [receipt])

    async def account(self, *channels: str) -> "Api":
        """The same gateway, as a new account with these channels sees it."""
        account = await accounts.create(self.gateway.db, f"account-{uuid4()}", self.gateway.clock.now())
        for name in channels:
            kind = "plain" if name == "demo-sms" else "rich"
            await self.gateway.channels.create(account.id, ChannelSpec(name=name, kind=kind))
        made = await self.gateway.keys.create(account.id, name="first key")
        return replace(self, account_id=account.id, key=made.secret)

    async def with_key(self, **more: Any) -> "Api":
        """The same account through another key."""
        made = await self.gateway.keys.create(self.account_id, name="other", **more)
        return replace(self, key=made.secret)


@asynccontextmanager
async def serving(url: str, settings: Settings | None = None, **more: Any) -> AsyncIterator[Api]:
    """A gateway on a migrated database, served over HTTP. Nobody has an account yet."""
    networks = Networks()
    db = await Database.open(url, work=4, reading=3)
    gateway = Gateway(
        db, settings or Settings(), WallClock(), [NativeFace()], SecretBox("k" * 40), kinds=networks.kinds, **more
    )
    install(gateway)
    await gateway.start()
    # As long as `tyrian.server` keeps connections: a client that is held up for longer meets one that just closes.
    config = uvicorn.Config(
        App(gateway), port=0, access_log=False, http=Protocol, lifespan="off", ws="none", log_config=None,
        timeout_keep_alive=75,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serve = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession() as http:
            yield Api(gateway, networks, 0, f"http://127.0.0.1:{port}", http)
    finally:
        server.should_exit = True
        await serve
        await gateway.stop(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(module_database_url: str) -> AsyncIterator[Api]:
    """A gateway for all tests of a module."""
    async with serving(module_database_url) as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def api(served: Api) -> Api:
    """An account of the test's own with three channels and a key that may do everything."""
    return await served.account("demo-viber", "demo-sms", "demo-bot")


def is_uuid(text: str) -> bool:
    return str(UUID(text)) == text
