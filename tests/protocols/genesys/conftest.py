"""A gateway with Genesys' face on a free port, a simulated Viber cloud, and an SDK-like client of one account."""

import asyncio
import base64
import hmac
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
import msgspec
import pytest_asyncio

from tests.simulator.serving import Webhook, serving as served_at
from tyrian.app import App
from tyrian.engine.clock import WallClock
from tyrian.engine.face_ports import Face
from tyrian.engine.gateway import Gateway
from tyrian.engine.keys import Form
from tyrian.protocols.genesys.app import GenesysFace
from tyrian.protocols.native.app import NativeFace
from tyrian.settings import Settings
from tyrian.simulator.settings import WorldSettings
from tyrian.simulator.world import World
from tyrian.store import accounts
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

SECRET = "a-secret-of-the-client"
V2 = "/api/v2"
VIBER = "conversations/messaging/integrations/viber"
#: The guide's channel object, but for its token.
CHANNEL = {
    "channelType": "VIBER",
    "name": "Customer Support Viber Bot",
    "webhookUrl": "https://api.genesyscloud.com/api/v2/external/webhooks/uuid-1234",
    "providerConfig": {"publicPageId": "xxxxxxxxxx"},
    "status": "ACTIVE",
}


class MovedClock(WallClock):
    """The wall's clock, moved on by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@dataclass
class Answer:
    """One HTTP answer, read."""

    status: int
    headers: Any
    raw: bytes

    @property
    def body(self) -> Any:
        return msgspec.json.decode(self.raw) if self.raw else None

    @property
    def code(self) -> str:
        """The code of an error, whose envelope is whole."""
        body = self.body
        assert {"message", "code", "status", "contextId", "details", "errors"} <= set(body), body
        assert body["status"] == self.status
        assert body["contextId"] == self.headers["ININ-Correlation-Id"] == self.headers["Genesys-Correlation-Id"]
        return str(body["code"])

    @property
    def places(self) -> set[str]:
        """The JSON pointers of an error."""
        return {detail.get("fieldName", "") for detail in self.body["details"]}


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
    """The API as one account's OAuth client sees it, and the gateway behind it."""

    gateway: Gateway
    clock: MovedClock
    world: World
    url: str
    http: aiohttp.ClientSession
    webhooks: Webhooks
    webhook: Webhook = field(default_factory=Webhook)
    account_id: int = 0
    client_id: str = ""
    token: str = ""
    native_key: str = ""

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """One request. Bytes go out as they are, anything else as JSON."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        sent = {name: value for name, value in headers.items() if value}
        encoded = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        data = io.BytesIO(encoded) if encoded is not None else None
        target = self.url + (path if path.startswith("/") else f"{V2}/{path}")
        async with self.http.request(method, target, data=data, headers=sent, **more) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.call("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.call("POST", path, body, **more)

    async def put(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.call("PUT", path, body, **more)

    async def patch(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.call("PATCH", path, body, **more)

    async def delete(self, path: str, **more: Any) -> Answer:
        return await self.call("DELETE", path, **more)

    # -- Clients and tokens -------------------------------------------------------------------------------------------

    async def ask_token(self, client_id: str, secret: str, **form: str) -> Answer:
        """A request for a token, with the client in a Basic header."""
        basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        return await self.ask(urlencode({"grant_type": "client_credentials", **form}), f"Basic {basic}")

    async def ask(self, form: str, authorization: str = "") -> Answer:
        """A request for a token, as it is."""
        headers = {"Authorization": authorization, "Content-Type": "application/x-www-form-urlencoded"}
        return await self.call("POST", "/oauth/token", form.encode(), headers=headers)

    async def signed_in(self) -> "Api":
        """The same client with a new token."""
        answer = await self.ask_token(self.client_id, SECRET)
        assert answer.status == 200, answer.raw
        return replace(self, token=answer.body["access_token"])

    async def with_client(self, **more: Any) -> "Api":
        """The same account through another OAuth client. `scopes` are Tyrian's own."""
        client_id = f"client-{uuid4()}"
        await self.gateway.keys.create(
            self.account_id, name="client", face="genesys", form=Form.PAIR, identity=client_id, secret=SECRET, **more
        )
        return await replace(self, client_id=client_id).signed_in()

    async def narrowed(self, **client: Any) -> "Api":
        """The same account through a client with less rights, in this dialect's words."""
        other = await self.with_client()
        answer = await self.put(f"oauth/clients/{other.client_id}", client)
        assert answer.status == 200, answer.raw
        return other

    async def organization(self, **members: Any) -> None:
        """Sets the organisation's licence and switches."""
        answer = await self.put("organizations/me", {"viberBaseUrl": f"{self.url}/sim/pa", **members})
        assert answer.status == 200, answer.raw

    async def account(self) -> "Api":
        """The same gateway, as a new account sees it."""
        account = await accounts.create(self.gateway.db, f"account-{uuid4()}", self.gateway.clock.now())
        made = await replace(self, account_id=account.id, webhook=self.webhooks.make()).with_client()
        await made.organization()
        return made

    async def native(self, method: str, path: str, body: Any = None) -> Any:
        """A call of Tyrian's own API for the same account."""
        if not self.native_key:
            self.native_key = (await self.gateway.keys.create(self.account_id, name="native")).secret
        headers = {"Authorization": f"Bearer {self.native_key}", "Content-Type": "application/json"}
        answer = await self.call(method, path, body, headers=headers)
        assert answer.status < 300, answer.raw
        return answer.body

    # -- Viber --------------------------------------------------------------------------------------------------------

    def bot(self) -> str:
        """The token of a new bot that the simulated cloud knows."""
        token = f"{uuid4().hex[:16]}-{uuid4().hex[:16]}-{uuid4().hex[:16]}"
        self.world.register_bot(token, "Shop", f"shop{token[:6]}")
        return token

    async def channel(self, token: str | None = None, **config: Any) -> Any:
        """A Viber channel that was just made."""
        body = {**CHANNEL, "providerConfig": {"botToken": token or self.bot(), **config}}
        answer = await self.post(VIBER, body)
        assert answer.status == 200, answer.raw
        return answer.body

    async def settled(self, channel: Any) -> Any:
        """A channel once it is pending no more."""

        async def look() -> Any:
            found = (await self.get(f"{VIBER}/{channel['id']}")).body
            return found if found["status"] != "PENDING" else None

        return await self.until(look)

    async def active(self, **config: Any) -> Any:
        """A Viber channel that works."""
        found = await self.settled(await self.channel(**config))
        assert found["status"] == "ACTIVE", found
        return found

    async def viber_calls(self, channel: Any, body: Any, secret: str, **headers: str) -> Answer:
        """A callback of Viber's, signed."""
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        signed = {"X-Viber-Content-Signature": viber_signature(raw, secret), "Authorization": "", **headers}
        return await self.call("POST", f"/api/v2/external/webhooks/{channel['id']}", raw, headers=signed)

    async def log(self, channel: Any) -> list[tuple[int, str]]:
        """The channel's webhook log, oldest first."""
        lines = (await self.get(f"{VIBER}/{channel['id']}/webhooklog")).body["entities"]
        return [(line["status"], line["reason"]) for line in reversed(lines)]

    async def inbound(self) -> list[Any]:
        """What people sent to the account's channels, oldest first."""
        rows = await self.gateway.db.fetch(
            "SELECT sender, content FROM inbound WHERE account_id = $1 ORDER BY id", self.account_id
        )
        return [(row["sender"], msgspec.json.decode(row["content"])) for row in rows]

    # -- Waiting ------------------------------------------------------------------------------------------------------

    async def until(self, look: Callable[[], Any]) -> Any:
        """Asks again until something true comes back."""
        async with asyncio.timeout(5):
            while True:
                found = look()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.01)


def said(text: str, person: str = "01234567890A=", **message: Any) -> dict[str, Any]:
    """A person's message, as Viber brings it."""
    return {
        "event": "message",
        "timestamp": 1_790_000_000_000,
        "message_token": int(uuid4()) % 10**18,
        "sender": {"id": person, "name": "Ana"},
        "message": {"type": "text", "text": text, **message},
    }


def viber_signature(body: bytes, secret: str) -> str:
    """How Viber signs a callback."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


@asynccontextmanager
async def serving(url: str, **settings: Any) -> AsyncIterator[Api]:
    """A gateway on a migrated database, with a simulated world below `/sim`. Nobody has an account yet."""
    webhooks, clock = Webhooks(), MovedClock()
    world = World(clock, settings=WorldSettings(prefix="/sim"))
    await world.start()
    db = await Database.open(url, work=4, reading=3)

    async def door(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    async with served_at(door) as base, served_at(webhooks) as webhooks.url, aiohttp.ClientSession() as http:
        loopback = (ip_network("127.0.0.0/8"),)
        plain = {"allow_private_callbacks": loopback, "drain_seconds": 1, "public_url": base}
        faces: list[Face] = [NativeFace(), GenesysFace()]
        gateway = Gateway(db, Settings(**{**plain, **settings}), clock, faces, SecretBox("k" * 40))
        app = App(gateway, {"/sim": world.app})
        async with gateway:
            yield Api(gateway, clock, world, base, http, webhooks)
    await world.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def api(served: Api) -> AsyncIterator[Api]:
    """An account of the test's own."""
    served.clock.ahead = timedelta()
    yield await served.account()
    served.clock.ahead = timedelta()
