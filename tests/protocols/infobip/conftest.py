"""A gateway with Infobip's face on a free port, and a client that speaks to it."""

import asyncio
import ipaddress
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import msgspec
import pytest_asyncio
import uvicorn

from tests.protocols import faces
from tyrian.app import App
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.limits import Capabilities
from tyrian.domain.problem import Problem
from tyrian.engine import ports
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.clock import WallClock
from tyrian.engine.gateway import Gateway
from tyrian.engine.keys import Form
from tyrian.protocols.infobip.app import InfobipFace
from tyrian.protocols.native.app import NativeFace
from tyrian.protocols.smpp import limits as sms_limits
from tyrian.protocols.smpp.config import SmppConfig
from tyrian.protocols.smpp.connector import address as sms_address
from tyrian.protocols.viber import limits
from tyrian.protocols.viber.addresses import bot_address, business_address
from tyrian.settings import Settings
from tyrian.store import accounts, reading
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

USER = "SirE8dEwjQEda4/VugaE+A=="
SMS = sms_limits.capabilities(SmppConfig(host="sms.example", port=2775, system_id="s", sender="TyrianDemo"))


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No settings."""


@dataclass
class Network:
    """What one account sent, and what to answer to sends to some people."""

    sent: list[ports.Outgoing] = field(default_factory=list)
    answers: dict[tuple[str, str], ports.SendResult] = field(default_factory=dict)

    def refuse(self, to: str, reason: str, kind: str = "viber") -> None:
        """Has a kind of channel refuse all sends to an address."""
        self.answers[kind, to] = ports.Refused(reason)


class _Connector:
    def __init__(self, network: Network, kind: str, can: Capabilities) -> None:
        self.capabilities = can
        self._network = network
        self._kind = kind

    async def start(self) -> None:
        pass

    async def send(self, outgoing: ports.Outgoing) -> ports.SendResult:
        self._network.sent.append(outgoing)
        return self._network.answers.get((self._kind, outgoing.to), ports.Sent(str(outgoing.attempt_id)))

    def hook(self, request: ports.HookRequest) -> ports.HookAnswer:
        return ports.HookAnswer()

    async def check(self) -> ports.Health:
        return ports.Health(True, "Here.")

    async def close(self) -> None:
        pass


class Networks:
    """The network of each account, and the kinds of channels that lead there: Viber's and SMS's own limits hold."""

    def __init__(self) -> None:
        self.of: defaultdict[int, Network] = defaultdict(Network)
        self.kinds = {
            "viber": self._kind("viber", limits.business(True), business_address, "1001"),
            "viber_bot": self._kind("viber_bot", limits.BOT, bot_address, "pa:5964217479313231708"),
            "sms": self._kind("sms", SMS, sms_address, "TyrianDemo"),
        }

    def _kind(
        self, name: str, can: Capabilities, address: Callable[[str, str], str | Problem], sender: str
    ) -> ports.ChannelKind:
        def make(channel: ports.Channel, _tools: ports.Tools) -> _Connector:
            return _Connector(self.of[channel.account_id], name, can)

        return ports.ChannelKind(
            name,
            name,
            Nothing,
            Nothing,
            make,
            lambda config: can,
            address,
            network=name,
            sender=lambda config: sender,
        )


class Answer(faces.Answer):
    """One HTTP answer of the face."""

    @property
    def violations(self) -> dict[str, str]:
        """What is wrong, by property, in either envelope."""
        if "requestError" in self.body:
            wrong = self.body["requestError"]["serviceException"].get("validationErrors", {})
            return {name: texts[0] for name, texts in wrong.items()}
        return {v["property"]: v["violation"] for v in self.body["violations"]}


@dataclass
class Api:
    """The face of one gateway, as its customer sees it, and the gateway behind it."""

    gateway: Gateway
    networks: Networks
    account_id: int
    url: str
    http: aiohttp.ClientSession
    authorization: str = ""

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """One request. A body that is bytes goes out as it is, anything else as JSON."""
        headers = {"Authorization": self.authorization, **more.pop("headers", {})}
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        sent = {name: value or None for name, value in headers.items()}
        return await faces.ask(self.http, Answer, method, self.url + path, body, headers=sent, **more)

    async def get(self, path: str, **params: Any) -> Answer:
        return await self.call("GET", path, params=params)

    async def post(self, path: str, body: Any, **more: Any) -> Answer:
        return await self.call("POST", path, body, **more)

    async def put(self, path: str, body: Any, **params: Any) -> Answer:
        return await self.call("PUT", path, body, params=params)

    async def bot(self, *messages: Any, **options: Any) -> Answer:
        """A request of bot messages."""
        return await self.post("/viber-bot/1/messages", _request(messages, options))

    async def business(self, *messages: Any, **options: Any) -> Answer:
        """A request of business messages."""
        return await self.post("/viber/2/messages", _request(messages, options))

    @property
    def network(self) -> Network:
        return self.networks.of[self.account_id]

    async def sends(self, count: int) -> list[ports.Outgoing]:
        """What went out, once there are so many sends."""
        async with asyncio.timeout(15):
            while len(self.network.sent) < count:
                await asyncio.sleep(0.005)
        return self.network.sent

    async def message(self, identifier: UUID) -> reading.Row:
        row = await reading.message(self.gateway.db, self.account_id, identifier)
        assert row is not None
        return row

    async def until(self, identifier: UUID | str, *statuses: str) -> reading.Row:
        """The message, once it has one of these statuses."""
        async with asyncio.timeout(15):
            while True:
                row = await self.message(UUID(str(identifier)))
                if row["status"] in statuses:
                    return row
                await asyncio.sleep(0.005)

    async def receipt(self, identifier: UUID | str, kind: str, reason: str | None = None) -> None:
        """The network's word on the message's latest attempt, once that went out."""
        await self.until(identifier, "sent", "delivered", "seen")
        attempt = (await reading.attempts(self.gateway.db, UUID(str(identifier))))[-1]
        receipt = ports.Receipt(attempt["provider_ref"], ReceiptKind(kind), reason)
        await self.gateway.receipts.submit(attempt["channel_id"], [receipt])

    async def pulled(self, path: str, **params: Any) -> list[Any]:
        """The reports that are there, once there are any."""
        async with asyncio.timeout(15):
            while True:
                answer = await self.get(path, **params)
                assert answer.status == 200, answer.body
                if answer.body["results"]:
                    found: list[Any] = answer.body["results"]
                    return found
                await asyncio.sleep(0.01)

    async def row(self, sql: str, *args: Any) -> reading.Row:
        """The one row that a question finds."""
        found = await self.gateway.db.fetchrow(sql, *args)
        assert found is not None
        return found

    async def stored(self) -> int:
        """How many messages the account has."""
        return int(
            await self.gateway.db.fetchval("SELECT count(*) FROM messages WHERE account_id = $1", self.account_id)
        )

    async def account(self, *channels: ChannelSpec) -> "Api":
        """The same gateway, as a new account with these channels sees it."""
        account = await accounts.create(self.gateway.db, f"account-{uuid4()}", self.gateway.clock.now())
        for spec in channels:
            await self.gateway.channels.create(account.id, spec)
        made = await self.gateway.keys.create(account.id, name="first key", face="infobip")
        return replace(self, account_id=account.id, authorization=f"App {made.secret}")

    async def with_key(self, **more: Any) -> "Api":
        """The same account through another key."""
        made = await self.gateway.keys.create(self.account_id, name="other", face="infobip", **more)
        return replace(self, authorization=f"App {made.secret}")

    async def pair(self, user: str, password: str) -> None:
        """A user name and password of the account."""
        await self.gateway.keys.create(
            self.account_id, name=user, face="infobip", form=Form.PAIR, identity=user, secret=password
        )


def _request(messages: Any, options: Any) -> dict[str, Any]:
    return {"messages": list(messages), **({"options": options} if options else {})}


def message(content: Any, *to: Any, sender: str = "demo-bot", **more: Any) -> dict[str, Any]:
    """A message of a bot: to `USER`, or to whom is said (an address, or an address and a message id)."""
    destinations = [{"to": t} if isinstance(t, str) else {"to": t[0], "messageId": t[1]} for t in to or (USER,)]
    said = {"type": "TEXT", "text": content} if isinstance(content, str) else content
    return {"sender": sender, "destinations": destinations, "content": said, **more}


def business(content: Any, *to: Any, sender: str = "demo-viber", **more: Any) -> dict[str, Any]:
    """A business message: to 385991234501, or to whom is said."""
    return message(content, *(to or ("385991234501",)), sender=sender, **more)


@asynccontextmanager
async def serving(url: str, settings: Settings | None = None) -> AsyncIterator[Api]:
    """A gateway on a migrated database, served over HTTP. Nobody has an account yet."""
    networks = Networks()
    loopback = (ipaddress.ip_network("127.0.0.0/8"),)
    db = await Database.open(url, work=4, reading=3)
    gateway = Gateway(
        db,
        settings or Settings(allow_private_callbacks=loopback),
        WallClock(),
        [InfobipFace(), NativeFace()],
        SecretBox("k" * 40),
        kinds=networks.kinds,
    )
    await gateway.start()
    # As long as `tyrian.server` keeps connections: a client that is held up for longer meets one that just closes.
    config = uvicorn.Config(
        App(gateway), port=0, lifespan="off", ws="none", log_config=None, access_log=False, timeout_keep_alive=75
    )
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
    return await served.account(
        ChannelSpec(name="demo-viber", kind="viber"),
        ChannelSpec(name="demo-bot", kind="viber_bot", senders=["OFFICIAL-ACCOUNT-ID-123"]),
        ChannelSpec(name="demo-sms", kind="sms"),
    )
