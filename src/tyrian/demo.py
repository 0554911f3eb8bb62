"""The demo: a gateway with a whole world to talk to, on one machine and without any account anywhere.

Everything is real but the networks: the same engine, database, connectors and wire protocols, sending to a simulated
Viber cloud and SMSC in the same process. The last two digits of a phone number choose what its handset does.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from tyrian.app import ASGIApp
from tyrian.domain.conversation import Agent, AgentState, ChannelInbox, Queue
from tyrian.engine.channel_spec import ChannelChange, ChannelSpec
from tyrian.engine.gateway import Gateway
from tyrian.engine.keys import Form
from tyrian.settings import Settings
from tyrian.simulator.settings import WorldSettings
from tyrian.simulator.world import World
from tyrian.store import accounts
from tyrian.store.keys import KeyTaken

ACCOUNT: Final = "demo"
NATIVE_KEY: Final = "tyrian-demo-key"
SERVICE_ID: Final = 1001
BOT_TOKEN: Final = "0000000000000000-0000000000000000-0000000000000000"  # noqa: S105 - of the simulated cloud only
BOT_NAME: Final = "Tyrian Demo"
GENESYS_BOT_TOKEN: Final = "1111111111111111-1111111111111111-1111111111111111"  # noqa: S105 - as above
SMS_SENDER: Final = "TyrianDemo"
SMS_LOGIN: Final = "tyrian"
PREFIX: Final = "/sim"
QUEUE: Final = "demo-queue"
AGENT: Final = "demo-agent"
#: The channels on which what people write goes to the queue, and how many conversations its agent takes at a time.
ANSWERED: Final = ("demo-viber", "demo-bot")
CAPACITY: Final = 100

#: The credentials of the vendors' faces are seeded too; each works once its face is installed.
FACE_KEYS: Final[tuple[dict[str, Any], ...]] = (
    {"face": "native", "name": "demo", "secret": NATIVE_KEY},
    {"face": "infobip", "name": "demo", "secret": "demo-infobip-key"},
    {"face": "infobip", "name": "demo", "form": Form.PAIR, "identity": "demo", "secret": "demo-password"},
    {
        "face": "telesign",
        "name": "demo",
        "form": Form.SIGNED,
        "identity": "FFFFFFFF-EEEE-DDDD-1234-AB1234567890",
        "secret": "ABC12345yusumoN6BYsBVkh+yRJ5czgsnCehZaOYldPJdmFh6NeX8kunZ2zU1YWaUw/0wV6xfw==",
    },
    {"face": "tyntec", "name": "demo", "secret": "demo-tyntec-key"},
    {
        "face": "genesys",
        "name": "demo",
        "form": Form.PAIR,
        "identity": "demo-genesys-client",
        "secret": "demo-genesys-secret",
    },
)


class Demo:
    """Seeds the demo's account and builds its world. `prepare` is handed to `run_node`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._callback_secret = secrets.token_hex(16)
        self._sms_password = secrets.token_hex(4)
        self.world: World | None = None

    async def prepare(self, gateway: Gateway) -> Mapping[str, ASGIApp]:
        """Creates what is missing, opens the world, and points the channels at it."""
        account = await accounts.by_name(gateway.db, ACCOUNT)
        if account is None:
            account = await accounts.create(gateway.db, ACCOUNT, gateway.clock.now())
        await self._keys(gateway, account.id)
        settings = WorldSettings(prefix=PREFIX, sms_system_id=SMS_LOGIN, sms_password=self._sms_password)
        self.world = World(gateway.clock, settings=settings)
        await self.world.start()
        await self._channels(gateway, account.id, self.world)
        if "genesys" in gateway.faces:
            await self._organization(gateway, account.id)
        await _staff(gateway, account.id)
        return {PREFIX: self.world.app}

    async def stop(self) -> None:
        """Closes the world."""
        if self.world is not None:
            await self.world.stop()

    async def _keys(self, gateway: Gateway, account_id: int) -> None:
        for key in FACE_KEYS:
            if key["face"] not in gateway.faces:
                continue
            try:
                await gateway.keys.create(account_id, **{"form": Form.TOKEN, **key})
            except KeyTaken:
                continue

    async def _channels(self, gateway: Gateway, account_id: int, world: World) -> None:
        base = f"{self._settings.public_url}{PREFIX}"
        for spec in self._specs(base, world.smsc_port, _patience(gateway)):
            if gateway.channels.get(account_id, spec.name) is None and not await _exists(
                gateway, account_id, spec.name
            ):
                entry = await gateway.channels.create(account_id, spec)
            else:
                change = ChannelChange(config=spec.config, secrets=dict(spec.secrets))
                changed = await gateway.channels.update(account_id, spec.name, change)
                assert changed is not None
                entry = changed
            hook = f"{self._settings.public_url}/hooks/{entry.channel.id}"
            if spec.kind == "viber_business":
                world.register_service(SERVICE_ID, hook, self._callback_secret)
            elif spec.kind == "viber_bot":
                world.register_bot(BOT_TOKEN, BOT_NAME, "tyriandemo", webhook=hook)

    async def _organization(self, gateway: Gateway, account_id: int) -> None:
        """Viber channels made through Genesys' API are bots of the simulated cloud; one waits there for them."""
        assert self.world is not None
        self.world.register_bot(GENESYS_BOT_TOKEN, "Genesys Demo", "genesysdemo")
        key = (account_id, "genesys", "organization", "me")
        if await gateway.documents.get(*key) is None:
            await gateway.documents.put(*key, {"viberBaseUrl": f"{self._settings.public_url}{PREFIX}/pa"})

    def _specs(self, base: str, smsc_port: int, timeout: float) -> tuple[ChannelSpec, ...]:
        return (
            ChannelSpec(
                name="demo-viber",
                kind="viber_business",
                config={"service_id": SERVICE_ID, "base_url": base, "timeout": timeout},
                secrets={"callback_secret": self._callback_secret},
            ),
            ChannelSpec(
                name="demo-bot",
                kind="viber_bot",
                config={"base_url": base + "/pa", "sender_name": BOT_NAME, "timeout": timeout},
                secrets={"token": BOT_TOKEN},
            ),
            ChannelSpec(
                name="demo-sms",
                kind="smpp",
                config={
                    "host": "127.0.0.1",
                    "port": smsc_port,
                    "system_id": SMS_LOGIN,
                    "sender": SMS_SENDER,
                    "timeout": timeout,
                },
                secrets={"password": self._sms_password},
            ),
        )


async def _staff(gateway: Gateway, account_id: int) -> None:
    """A queue that the Viber channels lead into, and an agent who answers in it."""
    inbox, now = gateway.inbox, gateway.clock.now()
    if inbox is None or await inbox.queue(account_id, QUEUE) is not None:
        return
    queue = Queue(id=gateway.ids.new(now), name=QUEUE, created_at=now, updated_at=now)
    queue = await inbox.put_queue(account_id, queue)
    agent = Agent(
        id=gateway.ids.new(now),
        name=AGENT,
        state=AgentState.AVAILABLE,
        capacity=CAPACITY,
        queues=[queue.id],
        created_at=now,
        updated_at=now,
    )
    await inbox.put_agent(account_id, agent)
    for name in ANSWERED:
        entry = gateway.channels.get(account_id, name)
        if entry is not None:
            await inbox.set_channel_inbox(account_id, entry.channel, ChannelInbox(queue_id=queue.id))


def _patience(gateway: Gateway) -> float:
    """Seconds of the wall that a network has to answer: ten of the demo's clock, and never less than one."""
    return max(10.0 / getattr(gateway.clock, "scale", 1.0), 1.0)


async def _exists(gateway: Gateway, account_id: int, name: str) -> bool:
    return any(entry.channel.name == name for entry in await gateway.channels.list(account_id))
