"""The simulated world: handsets, a Viber cloud and an SMSC, wired together on one clock and all in memory.

Make a `World`, register the accounts it shall know, `start()` it, serve its `app` under `/sim`, and `stop()` it at
the end. Its SMSC listens on `smsc_port` in between.
"""

from collections import deque
from typing import Any, Final
from zlib import crc32

import msgspec
from starlette.applications import Starlette

from tyrian.engine.ports import Clock
from tyrian.simulator.answers import Receive, Scope, Send
from tyrian.simulator.behaviour import Behaviour, Network
from tyrian.simulator.bots import Bot
from tyrian.simulator.callbacks import Callback
from tyrian.simulator.ground import Ground
from tyrian.simulator.handsets import Handset, Handsets
from tyrian.simulator.quirks import Quirks
from tyrian.simulator.services import Service, Template
from tyrian.simulator.settings import WorldSettings
from tyrian.simulator.sms_network import SmsNetwork
from tyrian.simulator.viber_cloud import ViberCloud
from tyrian.simulator.world_app import world_app

WORLD_PREFIX: Final = "/world"


class World:
    """Everything outside the gateway that it sends to."""

    def __init__(self, clock: Clock, *, settings: WorldSettings | None = None, quirks: Quirks | None = None) -> None:
        self.settings = settings or WorldSettings()
        self.quirks = quirks or Quirks()
        self.ground = Ground.lay(clock, self.settings, self.quirks)
        self.cloud = ViberCloud(self.ground)
        self.sms_account(self.settings.sms_system_id, self.settings.sms_password)
        self._smsc_port = 0
        self.api: Starlette = world_app(self)

    # -- Setting up ---------------------------------------------------------------------------------------------------

    def register_bot(self, token: str, name: str, uri: str, *, webhook: str = "", **profile: Any) -> Bot:
        """A bot that the cloud knows; `profile` holds further members of `get_account_info`.

        With a `webhook` it is set without a handshake, for every event.
        """
        account_id = f"pa:{5_000_000_000_000_000_000 + crc32(token.encode())}"
        bot = Bot(token=token, id=account_id, name=name, uri=uri, webhook=webhook, profile=profile)
        self.cloud.bots.bots[token] = bot
        return bot

    def register_service(self, service_id: int, callback_url: str = "", secret: str | None = None) -> Service:
        """A business account; receipts and people's messages go to the URL, signed with the secret if there is one."""
        service = Service(id=service_id, callback_url=callback_url, secret=secret)
        self.cloud.business.services[service_id] = service
        return service

    def register_template(self, service_id: int, template: Template) -> None:
        """An approved template of a business account. Once it has one, other ids are refused. KeyError: no account."""
        self.cloud.business.services[service_id].templates[template.id] = template

    def sms_account(self, system_id: str, password: str) -> None:
        """The one account of the SMSC, instead of that in the settings; before `start`."""
        self.sms = SmsNetwork(self.ground, system_id, password)

    async def start(self) -> None:
        """Begin to keep time, and open the SMSC and the way out for callbacks."""
        self.ground.agenda.start()
        await self.ground.callbacks.start()
        self._smsc_port = await self.sms.smsc.start(self.settings.sms_host, self.settings.sms_port)

    async def stop(self) -> None:
        """Close everything; requests that are held without an answer are let go."""
        self.ground.answers.stop()
        await self.ground.agenda.stop()
        await self.sms.smsc.stop()
        await self.ground.callbacks.stop()

    @property
    def smsc_port(self) -> int:
        """Where the SMSC listens, once started."""
        return self._smsc_port

    # -- Looking and acting -------------------------------------------------------------------------------------------

    @property
    def handsets(self) -> Handsets:
        """All handsets."""
        return self.ground.handsets

    @property
    def callbacks(self) -> deque[Callback]:
        """The latest callbacks, oldest first, with how they went."""
        return self.ground.callbacks.journal

    def handset(self, address: str) -> Handset:
        """One handset, by its number or Viber user id."""
        return self.ground.handsets.of(address)

    def script(self, address: str, network: Network, behaviour: Behaviour | None) -> None:
        """Give a number a behaviour of its own on one network; None gives it that of its last two digits again."""
        self.handset(address).script(network, behaviour)

    def turn(self, quirks: Quirks) -> None:
        """Set all switches as in `quirks`."""
        for name, value in msgspec.structs.asdict(quirks).items():
            setattr(self.quirks, name, value)

    def reset(self) -> None:
        """As it was when new: handsets, people, receipts under way and switches; accounts and webhooks stay."""
        self.ground.agenda.clear()
        self.ground.callbacks.forget()
        self.ground.handsets.reset()
        self.cloud.business.reset()
        for bot in self.cloud.bots.bots.values():
            bot.people.clear()
            bot.ids.clear()
        self.turn(Quirks())

    def about(self) -> dict[str, Any]:
        """What there is in this world, secrets left out."""
        bots = [{"uri": b.uri, "name": b.name, "id": b.id, "webhook": b.webhook} for b in self.cloud.bots.bots.values()]
        services = [{"id": s.id, "callback_url": s.callback_url} for s in self.cloud.business.services.values()]
        sms = {"host": self.settings.sms_host, "port": self.smsc_port, "bound": self.sms.smsc.bound}
        now = self.ground.now()
        return {"now": now, "handsets": len(self.handsets), "bots": bots, "services": services, "smsc": sms}

    # -- Serving ------------------------------------------------------------------------------------------------------

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The whole world over HTTP, as one ASGI application; give it the paths under `WorldSettings.prefix`."""
        if scope["type"] != "http":
            return
        path = self._path(scope)
        scope = {**scope, "path": path, "root_path": ""}
        if path == WORLD_PREFIX or path.startswith(WORLD_PREFIX + "/"):
            await self.api(scope, receive, send)
        else:
            await self.cloud(scope, receive, send)

    def _path(self, scope: Scope) -> str:
        path: str = scope["path"]
        for prefix in (scope.get("root_path", ""), self.settings.prefix):
            if prefix and path.startswith(prefix + "/"):
                path = path[len(prefix) :]
                break
        return path
