"""The face over a running demo: real HTTP, the simulated networks behind it, and a customer that listens."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from ipaddress import ip_network
from itertools import count
from typing import Any
from uuid import uuid4

import aiohttp
import pytest_asyncio
from hypothesis import HealthCheck, settings

from tests.protocols import faces
from tests.simulator.serving import Door, serving
from tyrian.app import App
from tyrian.demo import Demo
from tyrian.engine.clock import ScaledClock
from tyrian.engine.gateway import Gateway
from tyrian.engine.keys import Form
from tyrian.engine.registry import faces_of, kinds_of, load_registrations
from tyrian.protocols.telesign import registration, signing
from tyrian.protocols.telesign.app import TelesignFace
from tyrian.settings import Settings
from tyrian.simulator.world import World
from tyrian.store import accounts
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

#: For made-up input: how busy the machine is decides nothing.
CALM = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
CUSTOMER = "FFFFFFFF-EEEE-DDDD-1234-AB1234567890"
KEY = "ABC12345yusumoN6BYsBVkh+yRJ5czgsnCehZaOYldPJdmFh6NeX8kunZ2zU1YWaUw/0wV6xfw=="
#: How much faster than the wall's the clock runs.
SCALE = 200.0
LIMIT = 30.0
SEND = "/v1/omnichannel"
TEXT = {"template": "text", "parameters": {"text": "Your order is on its way"}}
_numbers = count(1)


@dataclass
class Hit:
    """One callback, as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Customer:
    """An endpoint that notes what it gets."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        if scope["method"] == "POST":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.hits.append(Hit(headers, body))
        length = b"4324" if scope["method"] == "HEAD" else b"0"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": b""})


class Answer(faces.Answer):
    """One HTTP answer of the face."""

    @property
    def code(self) -> int:
        return int(self.body["status"]["code"])


@dataclass
class Api:
    """The face as one of its customers sees it."""

    gateway: Gateway
    world: World
    customer: Customer
    account_id: int
    url: str
    http: aiohttp.ClientSession
    customer_id: str = CUSTOMER
    key: str = KEY

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        headers = {"Authorization": signing.basic(self.customer_id, self.key), **more.pop("headers", {})}
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        return await faces.ask(self.http, Answer, method, self.url + path, body, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.call("GET", path, **more)

    async def send(self, body: Any, **more: Any) -> Answer:
        return await self.call("POST", SEND, body, **more)

    async def status(self, reference: str, **more: Any) -> Any:
        return (await self.get(f"{SEND}/{reference}", **more)).body

    async def until(self, reference: str, *codes: int) -> Any:
        """The transaction once it has one of these codes."""
        found: Any = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIMIT):
                while True:
                    found = await self.status(reference)
                    if found["status"]["code"] in codes:
                        return found
                    await asyncio.sleep(0.02)
        raise AssertionError(f"waited for {codes}, got {found}")

    async def reports(self, wanted: Callable[[Any], bool], number: int = 1) -> list[Hit]:
        """So many callbacks that are wanted."""
        found: list[Hit] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIMIT):
                while True:
                    found = [hit for hit in self.customer.hits if wanted(hit.json)]
                    if len(found) >= number:
                        return found
                    await asyncio.sleep(0.02)
        raise AssertionError(f"{len(found)} of {number} came; there were {[hit.json for hit in self.customer.hits]}")

    async def about(self, reference: str, number: int = 1) -> list[Hit]:
        """So many callbacks about a message."""
        return await self.reports(lambda body: body.get("reference_id") == reference, number)

    def person(self, ends: str = "01") -> str:
        """The digits of a number that nobody used yet."""
        return f"38598{next(_numbers):05d}{ends}"

    def message(self, **members: Any) -> dict[str, Any]:
        """A right request, but for these members; one that is None is left out."""
        whole: dict[str, Any] = {
            "channels": [{"channel": "viber", "fallback_time": 600}, {"channel": "sms"}],
            "recipient": {"phone_number": self.person()},
            "message": {"viber": TEXT, "sms": TEXT},
            "message_type": "MKT",
            "callback_url": self.customer.url,
            **members,
        }
        return {name: value for name, value in whole.items() if value is not None}

    async def stored(self) -> int:
        return int(await self.gateway.db.fetchval("SELECT count(*) FROM messages"))

    async def with_key(self, **more: Any) -> "Api":
        """The same account through another key."""
        made = await self.gateway.keys.create(
            self.account_id,
            name="other",
            face="telesign",
            form=Form.SIGNED,
            identity=str(uuid4()).upper(),
            **more,
        )
        return replace(self, customer_id=made.identity or "", key=made.secret)

    async def stranger(self) -> "Api":
        """An account of its own, without any channel."""
        account = await accounts.create(self.gateway.db, f"account-{uuid4()}", self.gateway.clock.now())
        return await replace(self, account_id=account.id).with_key()


@contextlib.asynccontextmanager
async def opened(database_url: str, scale: float = SCALE) -> AsyncIterator[Api]:
    """A demo with the face on a free port."""
    registrations = {**load_registrations(), "telesign": registration}
    faces = [TelesignFace() if face.name == "telesign" else face for face in faces_of(registrations)]
    customer, door = Customer(), Door()
    async with serving(customer) as there, serving(door) as url:
        customer.url = f"{there}/hook"
        given = Settings(drain_seconds=1, allow_private_callbacks=(ip_network("127.0.0.0/8"),), public_url=url)
        db = await Database.open(database_url, work=4, reading=3)
        gateway = Gateway(db, given, ScaledClock(scale), faces, SecretBox("k" * 40), kinds=kinds_of(registrations))
        demo = Demo(given)
        door.app = App(gateway, await demo.prepare(gateway))
        account = await accounts.by_name(db, "demo")
        assert account is not None
        assert demo.world is not None
        try:
            async with gateway, aiohttp.ClientSession() as http:
                yield Api(gateway, demo.world, customer, account.id, url, http)
        finally:
            await demo.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    """One for all tests of a module."""
    async with opened(module_database_url) as made:
        yield made
