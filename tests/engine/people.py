"""A running gateway with a channel that knows people by their numbers, and bots that know them by ids of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any

from tests.clock import ManualClock
from tests.scripted import Script
from tyrian.domain.content import Content, Text
from tyrian.domain.people import Contact
from tyrian.domain.problem import Problem
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan, Recipient, Step, Submission
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import Channel, ChannelKind, Inbound, Subscription
from tyrian.settings import Settings
from tyrian.store import accounts
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

ANA, IVO = "+385991234501", "+385991234502"


def _user_id(text: str, at: str) -> str | Problem:
    return Problem(at, "is a phone number") if text.startswith("+") else text


@dataclass
class House:
    """The gateway, its clock, and an account with the channels `sms`, `bot` and `other-bot`."""

    gateway: Gateway
    clock: ManualClock
    script: Script
    account_id: int
    _numbers: Any = field(default_factory=lambda: count(1))

    def channel(self, name: str) -> Channel:
        entry = self.gateway.channels.get(self.account_id, name)
        assert entry is not None
        return entry.channel

    async def says(self, channel: str, sender: str, content: Content | str, **extra: Any) -> None:
        """A person writes."""
        said = Text(text=content) if isinstance(content, str) else content
        message = Inbound(sender, channel, said, f"p{next(self._numbers)}", extra=extra)
        await self.gateway.inbound.submit(self.channel(channel), [message])

    async def news(self, channel: str, person: str, *, subscribed: bool, **more: Any) -> None:
        """The network says that a person allowed or forbade the sender."""
        await self.gateway.inbound.subscriptions(self.channel(channel), [Subscription(person, subscribed, **more)])

    async def who(self, channel: str, person: str) -> Contact:
        """The contact that a channel knows by an address."""
        found = await self.gateway.people.on(self.channel(channel), person)
        assert found is not None
        return found

    async def send(
        self, to: str, *, channel: str = "sms", face: str = "native", text: str = "hello", **plan: Any
    ) -> Any:
        """A message, accepted."""
        made = Plan(cascade=[Step(channel=channel, content=Text(text=text))], face=face, **plan)
        submission = Submission(account_id=self.account_id, plan=made, recipients=[Recipient(to=to)])
        return (await self.gateway.intake.submit(submission)).messages[0]

    async def later(self, seconds: float) -> None:
        """Time passes at once, without every second of it: whoever slept wakes up once."""
        self.clock._now += timedelta(seconds=seconds)
        await self.clock.advance(0.001)
        self.gateway.dispatch.wake()

    async def promote(self, to: str, **more: Any) -> Any:
        """A promotional message, accepted."""
        return await self.send(to, purpose=Purpose.PROMOTIONAL, **more)

    async def count(self, table: str) -> int:
        return int(await self.gateway.db.fetchval(f"SELECT count(*) FROM {table}"))


@asynccontextmanager
async def housed(url: str, **more: Any) -> AsyncIterator[House]:
    """A running gateway on a migrated database."""
    script, clock = Script(), ManualClock()
    phones = script.kind("phones")
    kinds: dict[str, ChannelKind] = {"phones": phones, "users": replace(phones, name="users", address=_user_id)}
    db = await Database.open(url, work=4, reading=2)
    gateway = Gateway(db, Settings(), clock, [], SecretBox("k" * 40), kinds=kinds, **more)
    account = await accounts.create(db, "test", clock.now())
    await gateway.start()
    for name, kind in (("sms", "phones"), ("bot", "users"), ("other-bot", "users")):
        await gateway.channels.create(account.id, ChannelSpec(name=name, kind=kind))
    try:
        yield House(gateway, clock, script, account.id)
    finally:
        await gateway.stop(1)


@asynccontextmanager
async def another(house: House) -> AsyncIterator[Gateway]:
    """A second node on the same database and clock."""
    kinds = {name: kind for name, kind in house.gateway.channels.kinds.items() if name in ("phones", "users")}
    db = await Database.open(house.gateway.db.url, work=3, reading=1)
    async with Gateway(db, Settings(), house.clock, [], SecretBox("k" * 40), kinds=kinds) as gateway:
        yield gateway
