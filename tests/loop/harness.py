"""Two gateways on one machine: `near` sends through a vendor's connector, and the vendor is `far`'s face.

`far` is the demo, with its simulated world of handsets; `near` has one account, whose channels lead there. Everything
between them is real HTTP: sends one way, receipts and people's messages the other. What a test checks is always the
same: what near's customer is told equals what far's handset saw.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from itertools import count
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from tests.simulator.serving import Door, serving
from tyrian.app import App
from tyrian.demo import Demo
from tyrian.domain.content import Base
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Callback, Plan, Recipient, Step, Submission
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.channels import ChannelEntry
from tyrian.engine.clock import ScaledClock
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import ChannelKind, Registration
from tyrian.engine.registry import faces_of, kinds_of, load_registrations
from tyrian.inbox.setup import install as install_inbox
from tyrian.settings import Settings
from tyrian.simulator.handsets import Handset
from tyrian.simulator.world import World
from tyrian.store import accounts, embedded, reading
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database
from tyrian.store.embedded import EmbeddedPostgres
from tyrian.store.keys import KeyTaken

#: How much faster than the wall's the clock of both gateways and of the world runs.
SCALE: Final = 10.0
#: Wall-clock seconds after which a wait is hopeless.
LIMIT: Final = 30.0
_LOOPBACK: Final = (ip_network("127.0.0.0/8"),)
_EVERY_STATE: Final = ["sent", "delivered", "seen", "failed", "expired", "cancelled"]
_databases = count(1)
_numbers = count(1)


@dataclass(frozen=True)
class Vendor:
    """What a loop through one vendor's dialect needs."""

    #: The protocol, if it is not installed yet.
    registration: Registration | None = None
    #: Keys of far's account that the connector uses: arguments of `KeyRing.create`.
    keys: Sequence[Mapping[str, Any]] = ()
    #: Near's channels, given far's base URL.
    channels: Callable[[str], Sequence[ChannelSpec]] = field(default=lambda url: ())


class Customer:
    """Near's customer: an endpoint that notes the callbacks it gets, by message, and serves media of 1000 bytes."""

    def __init__(self) -> None:
        self.told: dict[str, list[dict[str, Any]]] = {}
        self.heard: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if "/media/" in scope["path"]:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else b"x" * 1000})
            return
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        callback = msgspec.json.decode(body)
        if callback["type"] == "message.inbound":
            self.heard.append(callback)
        else:
            self.told.setdefault(callback["message"]["id"], []).append(callback)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Loop:
    """Both gateways, the world behind the far one, and near's customer."""

    near: Gateway
    far: Gateway
    near_account: int
    far_account: int
    far_url: str
    customer_url: str
    world: World
    customer: Customer
    channels: Mapping[str, ChannelEntry]
    #: What near meets when it speaks to far.
    far_door: Door

    def hook_url(self, channel: str) -> str:
        """Where far brings receipts and messages for one of near's channels."""
        return f"{self.near.settings.public_url}/hooks/{self.channels[channel].channel.id}"

    def person(self, ends: str = "01") -> str:
        """A phone number that nobody used yet; its last two digits choose what happens."""
        return f"+38599{next(_numbers):05d}{ends}"

    def handset(self, address: str) -> Handset:
        """The handset that far's world has for a number or a bot's user id."""
        return self.world.handset(address)

    # -- Near's customer ----------------------------------------------------------------------------------------------

    async def send(
        self,
        channel: str,
        content: Base,
        to: str,
        *,
        purpose: Purpose = Purpose.TRANSACTIONAL,
        validity: int = 3600,
        then: Sequence[Step] = (),
        fallback_time: int | None = None,
    ) -> UUID:
        """Have near accept a message on one of its channels; `then` are further steps."""
        cascade = [Step(channel=channel, content=content, fallback_time=fallback_time), *then]  # type: ignore[arg-type]
        callback = Callback(url=self.customer_url, data="order-7", events=_EVERY_STATE)
        submission = Submission(
            account_id=self.near_account,
            plan=Plan(cascade=cascade, callback=callback, purpose=purpose, validity=validity),
            recipients=[Recipient(to=to)],
        )
        return (await self.near.intake.submit(submission)).messages[0].id

    async def told(self, message: UUID, *statuses: str) -> list[dict[str, Any]]:
        """Near's customer's callbacks for a message, once the last of these statuses has come; they are all of them."""

        def look() -> list[dict[str, Any]]:
            found = self.customer.told.get(str(message), [])
            return found if [c["message"]["status"] for c in found][-1:] == [statuses[-1]] else []

        found: list[dict[str, Any]] = await self.until(look, lambda: f"told {self._statuses(message)}, not {statuses}")
        assert self._statuses(message) == list(statuses)
        return found

    async def told_last(self, message: UUID, status: str) -> list[dict[str, Any]]:
        """Near's customer's callbacks for a message, once this status has come, whatever came before."""

        def look() -> list[dict[str, Any]]:
            return self.customer.told.get(str(message), []) if status in self._statuses(message) else []

        found: list[dict[str, Any]] = await self.until(look, lambda: f"told {self._statuses(message)}, not {status}")
        return found

    async def heard_from(self, person: str) -> dict[str, Any]:
        """The first thing that near's customer was told that a person wrote."""
        found: dict[str, Any] = await self.until(
            lambda: next((h for h in self.customer.heard if h["message"]["sender"] == person), None),
            lambda: f"{person} is not among {[h['message']['sender'] for h in self.customer.heard]}",
        )
        return found

    async def far_sends(self, channel: str, content: Base, to: str) -> None:
        """Have far send the same by itself, and wait until the handset has it: what near's customers should see."""
        plan = Plan(cascade=[Step(channel=channel, content=content)])  # type: ignore[arg-type]
        submission = Submission(account_id=self.far_account, plan=plan, recipients=[Recipient(to=to)])
        await self.far.intake.submit(submission)
        await self.until(lambda: self.handset(to).messages, lambda: f"{to} got nothing")

    async def heard(self, number: int = 1) -> list[dict[str, Any]]:
        """What people wrote, once near's customer has so many messages."""
        found: list[dict[str, Any]] = await self.until(
            lambda: self.customer.heard if len(self.customer.heard) >= number else [],
            lambda: f"the customer has heard {self.customer.heard}",
        )
        return found

    async def exchanges(self, message: UUID) -> list[dict[str, Any]]:
        """What near exchanged with far over a message."""
        rows = await reading.exchanges(self.near.db, message)
        found = [msgspec.json.decode(row["exchange"]) for row in rows]
        return [exchange for exchange in found if (exchange.get("url") or "").startswith(self.far_url)]

    async def status(self, message: UUID) -> tuple[str, str | None]:
        """The status and reason of near's message."""
        row = await reading.message(self.near.db, self.near_account, message)
        assert row is not None
        return row["status"], row["reason"]

    @contextlib.contextmanager
    def losing_answers(self, path: str, about: str) -> Iterator[list[bytes]]:
        """Far takes the first POST to a path that is about this, and the answer gets lost on the way."""
        app, lost = self.far_door.app, list[bytes]()

        async def losing(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] != path or lost:
                await app(scope, receive, send)
                return
            body, more = b"", True
            while more:
                event = await receive()
                body, more = body + event.get("body", b""), event.get("more_body", False)
            if about.encode() in body:
                lost.append(body)

            async def again() -> Any:
                return {"type": "http.request", "body": body, "more_body": False}

            async def nowhere(event: Any) -> None:
                if event["type"] == "http.response.body":
                    await send({"type": "http.response.start", "status": 504, "headers": []})
                    await send({"type": "http.response.body", "body": b""})

            await app(scope, again, nowhere if body in lost else send)

        self.far_door.app = losing
        try:
            yield lost
        finally:
            self.far_door.app = app

    async def until(self, look: Callable[[], Any], what: Callable[[], str]) -> Any:
        """Wait until a look finds something, and return it."""
        try:
            async with asyncio.timeout(LIMIT):
                while not (found := look()):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(what()) from None
        return found

    def _statuses(self, message: UUID) -> list[str]:
        return [c["message"]["status"] for c in self.customer.told.get(str(message), [])]


@asynccontextmanager
async def loop(postgres: EmbeddedPostgres, vendor: Vendor) -> AsyncIterator[Loop]:
    """Open both gateways."""
    registrations = load_registrations()
    if vendor.registration is not None:
        registrations[vendor.registration.name] = vendor.registration
    clock, kinds, faces = ScaledClock(SCALE), kinds_of(registrations), faces_of(registrations)
    near_door, far_door, customer = Door(), Door(), Customer()
    async with AsyncExitStack() as stack:
        near_url, far_url, customer_url = [
            await stack.enter_async_context(serving(app)) for app in (near_door, far_door, customer)
        ]
        near_db, far_db = [await stack.enter_async_context(_database(postgres)) for _ in range(2)]
        plain = Settings(drain_seconds=2, allow_private_callbacks=_LOOPBACK)

        settings = replace(plain, public_url=far_url)
        db = await Database.open(far_db, work=4, reading=2)
        far = Gateway(db, settings, clock, faces, SecretBox("f" * 40), kinds=kinds)
        install_inbox(far)
        demo = Demo(settings)
        mounts = await demo.prepare(far)
        stack.push_async_callback(demo.stop)
        far_door.app = App(far, mounts)
        account = await accounts.by_name(far.db, "demo")
        assert account is not None
        assert demo.world is not None
        for key in vendor.keys:
            with contextlib.suppress(KeyTaken):
                await far.keys.create(account.id, **{"name": "loop", **key})
        await stack.enter_async_context(far)

        settings = replace(plain, public_url=near_url)
        near = await _near(near_db, settings, clock, kinds, stack, near_door)
        owner = await accounts.create(near.db, "near", clock.now())
        channels = {}
        for spec in vendor.channels(far_url):
            spoken_to = msgspec.structs.replace(spec, inbound_url=spec.inbound_url or customer_url)
            channels[spec.name] = await near.channels.create(owner.id, spoken_to)
        yield Loop(near, far, owner.id, account.id, far_url, customer_url, demo.world, customer, channels, far_door)


async def _near(
    database: str,
    settings: Settings,
    clock: ScaledClock,
    kinds: Mapping[str, ChannelKind],
    stack: AsyncExitStack,
    door: Door,
) -> Gateway:
    faces = [face for face in faces_of(load_registrations()) if face.name == "native"]
    db = await Database.open(database, work=4, reading=2)
    near = Gateway(db, settings, clock, faces, SecretBox("n" * 40), kinds=kinds)
    door.app = App(near)
    return await stack.enter_async_context(near)


@asynccontextmanager
async def _database(server: EmbeddedPostgres) -> AsyncIterator[str]:
    """A migrated database of one gateway's own."""
    name = f"loop_{next(_databases)}"
    admin = await asyncpg.connect(server.url.replace(f"/{embedded.NAME}?", "/postgres?"))
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE tyrian_template")
        yield server.url.replace(f"/{embedded.NAME}?", f"/{name}?")
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
