"""A gateway with the native API on a free port, and a client that speaks to it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import aiohttp
import pytest
import uvicorn

from tests.protocols.native.network import KINDS, Network
from tyrian.app import App
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.clock import WallClock
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import Receipt
from tyrian.protocols.native import registration
from tyrian.settings import Settings
from tyrian.store import accounts
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

KEY = "tyrian-test-key"


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
    network: Network
    account_id: int
    url: str
    http: aiohttp.ClientSession
    key: str = KEY
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """One request. A body that is bytes goes out as it is, anything else as JSON."""
        headers = {"Authorization": f"Bearer {self.key}", **self.headers, **more.pop("headers", {})}
        if isinstance(body, bytes):
            more["data"] = body
            headers.setdefault("Content-Type", "application/json")
        elif body is not None:
            more["json"] = body
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
        """How many messages and bulks there are."""
        sql = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM bulks)"
        return int(await self.gateway.db.fetchval(sql))

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

    async def account(self, name: str) -> "Api":
        """The same gateway, as another account sees it."""
        account = await accounts.create(self.gateway.db, name, self.gateway.clock.now())
        made = await self.gateway.keys.create(account.id, name=name)
        return Api(self.gateway, self.network, account.id, self.url, self.http, made.secret)

    async def with_key(self, **more: Any) -> "Api":
        """The same account through another key."""
        made = await self.gateway.keys.create(self.account_id, name="other", **more)
        return Api(self.gateway, self.network, self.account_id, self.url, self.http, made.secret)


@pytest.fixture
async def settings() -> Settings:
    """The gateway's settings; a test file that needs others overrides this."""
    return Settings()


@pytest.fixture
async def api(database_url: str, settings: Settings) -> AsyncIterator[Api]:
    """A running gateway with the account `test`, its key and three channels, served over HTTP."""
    network = Network()
    db = await Database.open(database_url, work=4, reading=3)
    gateway = Gateway(
        db,
        settings,
        WallClock(),
        [registration.face],
        SecretBox("k" * 40),
        kinds=KINDS(network),  # type: ignore[list-item]
    )
    account = await accounts.create(db, "test", gateway.clock.now())
    await gateway.start()
    await gateway.keys.create(account.id, name="test", secret=KEY)
    for name, kind in (("demo-viber", "rich"), ("demo-sms", "plain"), ("demo-bot", "rich")):
        await gateway.channels.create(account.id, ChannelSpec(name=name, kind=kind))
    server = uvicorn.Server(
        uvicorn.Config(App(gateway), port=0, lifespan="off", ws="none", log_config=None, access_log=False)
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  Uvicorn offers no event for it
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as http:
        yield Api(gateway, network, account.id, f"http://127.0.0.1:{port}", http)
    server.should_exit = True
    await serving
    await gateway.stop(1)


def is_uuid(text: str) -> bool:
    return str(UUID(text)) == text
