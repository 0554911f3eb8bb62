"""A gateway with tyntec's face on a free port, its networks scripted, and a client and a webhook of its customer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest_asyncio

from tests.protocols import faces
from tests.protocols.tyntec.network import Network, make_kinds
from tests.simulator.serving import Door, Hit, Webhook, serving as served_at
from tyrian.app import App
from tyrian.domain.content import Base
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.clock import WallClock
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import Inbound, Receipt
from tyrian.protocols.native.app import NativeFace
from tyrian.protocols.tyntec.app import TyntecFace
from tyrian.settings import Settings
from tyrian.store import accounts, reading
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

V3 = "/conversations/v3"
V2 = "/chat-api/v2"
TO = "385991234501"


class Answer(faces.Answer):
    """One HTTP answer of the face."""

    @property
    def fields(self) -> dict[str, str]:
        """What a 400 says is wrong, by field."""
        assert self.status == 400, self.raw
        assert self.headers["content-type"] == "application/problem+json"
        return {v["field"].removeprefix("validate.request."): v["message"] for v in self.body["violations"]}


class Webhooks:
    """Endpoints of several customers on one port, each below a path of its own."""

    def __init__(self) -> None:
        self.url = ""
        self._by_name: dict[str, Webhook] = {}

    def make(self) -> Webhook:
        name = f"customer-{len(self._by_name)}"
        self._by_name[name] = Webhook(url=f"{self.url}/{name}")
        return self._by_name[name]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _, name, *rest = scope["path"].split("/")
        await self._by_name[name]({**scope, "path": "/" + "/".join(rest)}, receive, send)


@dataclass
class Api:
    """The API as one account sees it, and the gateway behind it."""

    gateway: Gateway
    network: Network
    account_id: int
    url: str
    http: aiohttp.ClientSession
    webhooks: Webhooks
    webhook: Webhook = field(default_factory=Webhook)
    key: str = ""
    heard: list[Hit] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """One request. Bytes go out as they are, anything else as JSON."""
        headers = {"apikey": self.key, **more.pop("headers", {})}
        sent = {name: value or None for name, value in headers.items()}
        return await faces.ask(self.http, Answer, method, self.url + path, body, headers=sent, **more)

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.call("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.call("POST", path, body, **more)

    async def put(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.call("PUT", path, body, **more)

    async def send(self, content: Any = None, **more: Any) -> Answer:
        """A v3 send; `content` is words or a content."""
        if content is None or isinstance(content, str):
            content = {"contentType": "text", "text": content or "hello"}
        body = {"to": TO, "from": "1001", "channel": "viber", "rateType": "promotion", "content": content, **more}
        return await self.post(f"{V3}/messages", {k: v for k, v in body.items() if v is not None})

    async def taken(self, content: Any = None, **more: Any) -> str:
        """The id of a message that was taken and reached the network."""
        answer = await self.send(content, **more)
        assert answer.status == 202, answer.raw
        return str(answer.body["messageId"])

    async def on_network(self, message_id: str, status: str = "sent") -> Base:
        """The content that the network got for a message, once the message has this status."""
        await self.until(message_id, status)
        return self.network.by_message[message_id]

    async def until(self, message_id: str, status: str) -> None:
        """Waits for a status, in the engine's words."""
        async with asyncio.timeout(15):
            while True:
                row = await reading.message(self.gateway.db, self.account_id, UUID(message_id))
                assert row is not None
                if row["status"] == status:
                    return
                await asyncio.sleep(0.005)

    async def receipt(self, message_id: str, kind: str, reason: str | None = None) -> None:
        """The network's word on the message's latest attempt."""
        attempt = (await reading.attempts(self.gateway.db, UUID(message_id)))[-1]
        receipt = Receipt(attempt["provider_ref"], ReceiptKind(kind), reason)
        await self.gateway.receipts.submit(attempt["channel_id"], [receipt])

    async def person_writes(self, content: Base, channel: str = "shop", **more: Any) -> None:
        """A person's message, as the network brings it."""
        entry = self.gateway.channels.get(self.account_id, channel)
        assert entry is not None
        said = Inbound(f"+{TO}", "1001", content, **{"provider_id": str(uuid4()), **more})
        await self.gateway.inbound.submit(entry.channel, [said])

    async def told(self, number: int) -> list[dict[str, Any]]:
        """The next callbacks that the customer's endpoint got."""
        hits = await self.webhook.take(number)
        self.heard += hits
        return [hit.json for hit in hits]

    async def configure(self, **callbacks: Any) -> None:
        """Sets the account's callbacks."""
        answer = await self.put(f"{V3}/configurations/callbacks", callbacks)
        assert answer.status == 204, answer.raw

    async def account(self) -> "Api":
        """The same gateway, as a new account with its channels sees it."""
        account = await accounts.create(self.gateway.db, f"account-{uuid4()}", self.gateway.clock.now())
        for name, kind, config in (
            ("shop", "viber_like", {"id": "1001"}),
            ("news", "viber_like", {"id": "2002"}),
            ("text", "sms_like", {"id": "Tyrian"}),
        ):
            await self.gateway.channels.create(account.id, ChannelSpec(name=name, kind=kind, config=config))
        made = await self.gateway.keys.create(account.id, name="key", face="tyntec")
        return replace(self, account_id=account.id, key=made.secret, webhook=self.webhooks.make(), heard=[])

    async def with_key(self, **more: Any) -> "Api":
        """The same account through another key."""
        made = await self.gateway.keys.create(self.account_id, name="other", face="tyntec", **more)
        return replace(self, key=made.secret)


@asynccontextmanager
async def serving(url: str, **settings: Any) -> AsyncIterator[Api]:
    """A gateway on a migrated database. Nobody has an account yet."""
    network, webhooks = Network(), Webhooks()
    db = await Database.open(url, work=4, reading=3)
    door = Door()
    async with served_at(door) as base, served_at(webhooks) as webhooks.url, aiohttp.ClientSession() as http:
        plain = {"allow_private_callbacks": (ip_network("127.0.0.0/8"),), "drain_seconds": 1, "public_url": base}
        gateway = Gateway(
            db,
            Settings(**{**plain, **settings}),
            WallClock(),
            [NativeFace(), TyntecFace()],
            SecretBox("k" * 40),
            kinds=make_kinds(network),
        )
        door.app = App(gateway)
        async with gateway:
            yield Api(gateway, network, 0, base, http, webhooks)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def api(served: Api) -> AsyncIterator[Api]:
    """An account of the test's own."""
    yield await served.account()
