"""What the SMPP tests stand on: a message centre on loopback, phones that do as told, a sink that remembers."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from tyrian.domain.content import Base, Text
from tyrian.domain.purpose import Purpose
from tyrian.engine.clock import ScaledClock
from tyrian.engine.ports import Channel, Inbound, Outgoing, Receipt, Tools
from tyrian.protocols.smpp.connector import SmppConnector
from tyrian.simulator.smsc import Smsc, SubmitAnswer, SubmittedSms, WholeSms

SYSTEM_ID, PASSWORD = "tyrian", "secret"
NUMBER = "+385991234501"
#: Pauses of seconds pass in milliseconds; nothing is decided by how long they are.
SCALE = 200


async def until(condition: Callable[[], object], seconds: float = 8) -> None:
    """Wait for what no event tells."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)


class Phones:
    """Takes every message, unless `answers` holds something else for the next ones."""

    def __init__(self) -> None:
        self.answers: deque[SubmitAnswer] = deque()
        self.parts: list[SubmittedSms] = []
        self.whole: list[WholeSms] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.got: asyncio.Queue[WholeSms] = asyncio.Queue()

    async def submitted(self, sms: SubmittedSms) -> SubmitAnswer:
        self.parts.append(sms)
        answer = self.answers.popleft() if self.answers else SubmitAnswer()
        await self.gate.wait()
        return answer

    async def completed(self, sms: WholeSms) -> None:
        self.whole.append(sms)
        self.got.put_nowait(sms)


class Sink:
    """Remembers what it was given. `failures` is how many of the next commits fail; `gate` holds them up."""

    def __init__(self) -> None:
        self.receipts_seen: list[Receipt] = []
        self.inbound_seen: list[Inbound] = []
        self.failures = 0
        self.waiting = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def receipts(self, channel: Channel, receipts: Sequence[Receipt]) -> None:
        await self._commit()
        self.receipts_seen += receipts

    async def inbound(self, channel: Channel, messages: Sequence[Inbound]) -> None:
        await self._commit()
        self.inbound_seen += messages

    async def _commit(self) -> None:
        self.waiting += 1
        try:
            await self.gate.wait()
        finally:
            self.waiting -= 1
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is away")


@dataclass
class World:
    """A message centre and the connectors made to it."""

    smsc: Smsc
    phones: Phones
    port: int
    sink: Sink
    clock: ScaledClock
    connectors: list[SmppConnector] = field(default_factory=list)

    def connector(self, password: str = PASSWORD, **config: Any) -> SmppConnector:
        """A connector that is not started yet."""
        known = {"host": "127.0.0.1", "port": self.port, "system_id": SYSTEM_ID, "sender": "TyrianDemo"}
        channel = Channel(1, 1, "sms", "smpp", known | config, {"password": password})
        made = SmppConnector(channel, Tools(self.clock, self.sink, "http://127.0.0.1"))
        self.connectors.append(made)
        return made

    async def started(self, **config: Any) -> SmppConnector:
        """A connector that is bound."""
        made = self.connector(**config)
        before = self.smsc.bound
        await made.start()
        wanted = 2 if config.get("bind") == "transmitter_receiver" else 1
        await until(lambda: self.smsc.bound == before + wanted)
        return made


def outgoing(content: Base | str = "Hello", to: str = NUMBER, ttl: int = 3600, attempt: UUID | None = None) -> Outgoing:
    """An attempt to send a content, or a text."""
    said = Text(text=content) if isinstance(content, str) else content
    return Outgoing(attempt or uuid4(), uuid4(), to, said, Purpose.TRANSACTIONAL, ttl)
