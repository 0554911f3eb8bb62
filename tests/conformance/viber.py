"""Both Viber connectors, against the simulated Viber cloud."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from tests.conformance.front import Front
from tests.conformance.subject import Answer, Feature, Network, Subject, receipts_of
from tests.conformance.wire import Wire, wire_to
from tests.simulator.serving import serving
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import Clock
from tyrian.protocols.viber import bot_kind, business_kind
from tyrian.protocols.viber.business_wire import MessageStatus
from tyrian.simulator import behaviour as simulated
from tyrian.simulator.behaviour import Behaviour
from tyrian.simulator.settings import WorldSettings
from tyrian.simulator.world import World

TOKEN: Final = "445da6az1s345z78-dazcczb2542zv51a-e0vc5fva17480im9"
SECRET: Final = "secret-of-the-callbacks"
SERVICE: Final = 1001
NUMBER: Final = "+385991234500"
USER: Final = "01234567890A="

_ANSWERS: Final = {
    Answer.ACCEPT: simulated.Answer.ACCEPT,
    Answer.REFUSE: simulated.Answer.NOT_A_USER,
    Answer.THROTTLE: simulated.Answer.THROTTLE,
    Answer.ERROR: simulated.Answer.ERROR,
    Answer.SILENCE: simulated.Answer.SILENCE,
    Answer.CUT: simulated.Answer.CUT,
    Answer.GARBAGE: simulated.Answer.GARBAGE,
}
_STATUSES: Final = {
    ReceiptKind.DELIVERED: MessageStatus.DELIVERED,
    ReceiptKind.SEEN: MessageStatus.SEEN,
    ReceiptKind.EXPIRED: MessageStatus.EXPIRED,
}


class _Viber(Network):
    """What the two have in common. Receipts are posted as the cloud posts them, but when a case says so."""

    def __init__(self, world: World, front: Front, wire: Wire, to: str) -> None:
        self.world = world
        self._front = front
        self._wire = wire
        self.to = to
        self.hook_url = ""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._wire.port}"

    def answers(self, *answers: Answer) -> None:
        waits = [answer for answer in answers if answer is Answer.LATER]
        self._front.later(len(waits))
        first = tuple(_ANSWERS[answer] for answer in answers if answer is not Answer.LATER)
        self.world.script(self.to, simulated.Network.VIBER, Behaviour(first=first))

    def hold(self) -> None:
        self._front.gate.clear()

    def release(self) -> None:
        self._front.gate.set()

    def refs(self) -> Sequence[str]:
        return [message.ref for message in self.world.handset(self.to).messages]

    async def receipt(self, ref: str, kind: ReceiptKind) -> None:
        assert await self._post(self._receipt(ref, kind)) == 200

    async def garbage(self) -> None:
        assert await self._post(b'{"event": "\xff') == 400

    async def forged(self, ref: str, kind: ReceiptKind) -> None:
        self.world.quirks.bad_signature = True
        assert await self._post(self._receipt(ref, kind)) == 403
        self.world.quirks.bad_signature = False

    async def shut(self) -> None:
        await self._wire.shut()

    async def open(self) -> None:
        await self._wire.open()

    async def _post(self, body: bytes) -> int | None:
        return (await self.world.ground.callbacks.ask(self.hook_url, body, self.key)).status

    key: str

    @abstractmethod
    def _receipt(self, ref: str, kind: ReceiptKind) -> bytes:
        """A receipt as the cloud would post it."""


class _Bot(_Viber):
    key = TOKEN

    def config(self) -> dict[str, Any]:
        return {"base_url": f"{self.base}/pa", "sender_name": "Shop"}

    def secrets(self) -> dict[str, str]:
        return {"token": TOKEN}

    def attached(self, hook_url: str) -> None:
        self.hook_url = hook_url
        self.world.register_bot(TOKEN, "Shop", "shop", webhook=hook_url)

    def _receipt(self, ref: str, kind: ReceiptKind) -> bytes:
        event = {"event": kind.value, "timestamp": self.world.ground.milliseconds(), "user_id": self.to}
        if kind is ReceiptKind.FAILED:
            event["desc"] = "failure description"
        return msgspec.json.encode(event | {"message_token": int(ref)})


class _Business(_Viber):
    key = SECRET

    def config(self) -> dict[str, Any]:
        return {"base_url": self.base, "service_id": SERVICE}

    def secrets(self) -> dict[str, str]:
        return {"callback_secret": SECRET}

    def attached(self, hook_url: str) -> None:
        self.hook_url = hook_url
        self.world.register_service(SERVICE, hook_url, SECRET)

    def _receipt(self, ref: str, kind: ReceiptKind) -> bytes:
        status = {
            "message_token": ref,
            "message_status": int(_STATUSES[kind]),
            "message_time": self.world.ground.milliseconds(),
            "phone_number": self.to[1:],
            "service_id": SERVICE,
        }
        return msgspec.json.encode(status)


class _ViberSubject(Subject):
    refusal = "not_a_viber_user"
    make: Callable[[World, Front, Wire, str], _Viber]

    @asynccontextmanager
    async def network(self, clock: Clock) -> AsyncIterator[Network]:
        world = World(clock, settings=WorldSettings(callback_concurrency=1))
        front = Front(world.app, "/send_message")
        await world.start()
        try:
            async with serving(front) as url, wire_to(urlsplit(url).port or 0) as wire:
                made = type(self).make(world, front, wire, self.to)
                made.answers()
                yield made
                front.gate.set()
                await asyncio.gather(world.stop(), wire.shut())
        finally:
            await world.stop()


class BotSubject(_ViberSubject):
    name = "viber_bot"
    kind = bot_kind
    to = USER
    features = frozenset({Feature.SIGNED, Feature.RETRY_AFTER, Feature.NAMES_REPEATS}) | receipts_of(bot_kind, {})
    make = _Bot


class BusinessSubject(_ViberSubject):
    name = "viber_business"
    kind = business_kind
    to = NUMBER
    features = frozenset({Feature.SIGNED, Feature.RETRY_AFTER}) | receipts_of(business_kind, {"service_id": SERVICE})
    make = _Business
