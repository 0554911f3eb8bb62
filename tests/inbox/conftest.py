"""A gateway with an inbox, on a clock that stands still until told to move."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from itertools import count
from typing import Any

import pytest

from tests.clock import ManualClock
from tests.scripted import Script, Stage
from tyrian.domain.content import Text
from tyrian.domain.conversation import (
    Agent,
    AgentState,
    Author,
    By,
    ChannelInbox,
    Conversation,
    Item,
    ItemKind,
    Pick,
    Queue,
)
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import Channel, Inbound
from tyrian.inbox.desk import Desk
from tyrian.inbox.setup import install
from tyrian.protocols.native.app import NativeFace
from tyrian.settings import Settings
from tyrian.store import accounts
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

API = Author(By.API, "1", "a program")
_numbers = count(1)


class House(Stage):
    """A node with an inbox."""

    @property
    def desk(self) -> Desk:
        found = self.gateway.inbox
        assert isinstance(found, Desk)
        return found

    def channel(self, name: str = "one") -> Channel:
        return self.entry(name).channel

    async def say(self, person: str, text: str, channel: str = "one", **extra: Any) -> None:
        """A person writes; returns when the message has been reacted to."""
        message = Inbound(person, "us", Text(text=text), f"p{next(_numbers)}", extra=extra)
        await self.gateway.inbound.submit(self.channel(channel), [message])
        await self.reacted()

    async def reacted(self) -> None:
        async def none() -> bool:
            return not await self.gateway.db.fetchval("SELECT count(*) FROM turns")

        await self.until(none)

    async def talk(self, person: str, channel: str = "one") -> Conversation:
        found = await self.desk.find(self.channel(channel).id, person)
        assert found is not None
        return found

    async def thread(self, conversation: Conversation) -> list[Item]:
        return list(await self.desk.items(self.account_id, conversation.id, limit=500))

    async def lines(self, conversation: Conversation) -> list[str]:
        """The thread in short."""
        return [_line(item) for item in await self.thread(conversation)]

    async def queue(self, name: str = "help", **fields: Any) -> Queue:
        now = self.gateway.clock.now()
        queue = Queue(id=self.gateway.ids.new(now), name=name, created_at=now, updated_at=now, **fields)
        return await self.desk.put_queue(self.account_id, queue)

    async def agent(self, name: str, *queues: Queue, state: str = "available", capacity: int = 5) -> Agent:
        now = self.gateway.clock.now()
        known = await self.desk.agent(self.account_id, name)
        agent = Agent(
            id=known.id if known else self.gateway.ids.new(now),
            name=name,
            state=AgentState(state),
            capacity=capacity,
            queues=[q.id for q in queues],
            created_at=now,
            updated_at=now,
        )
        return await self.desk.put_agent(self.account_id, agent)

    async def inbox(self, channel: str = "one", **fields: Any) -> None:
        await self.desk.set_channel_inbox(self.account_id, self.channel(channel), ChannelInbox(**fields))


def _line(item: Item) -> str:
    if item.kind is ItemKind.EVENT:
        assert item.event is not None
        return item.event.value
    said = item.text if item.kind is ItemKind.NOTE else getattr(item.content, "text", "")
    return f"{item.kind.value}: {said}"


def by(agent: Agent) -> Author:
    return Author(By.AGENT, str(agent.id), agent.name)


@asynccontextmanager
async def node(
    url: str, clock: ManualClock, account_id: int | None = None, *, callbacks: bool = False
) -> AsyncIterator[House]:
    """One node. Several may stand on the same database: give the first one's account to the others.

    With `callbacks` it brings callbacks, to this machine too.
    """
    scripts = {name: Script() for name in ("one", "two")}
    kinds = {f"scripted-{name}": script.kind(f"scripted-{name}") for name, script in scripts.items()}
    db = await Database.open(url, work=6, reading=2)
    roles = frozenset({"api", "dispatch", *(["callbacks"] if callbacks else [])})
    settings = Settings(allow_private_callbacks=(ip_network("127.0.0.0/8"),)) if callbacks else Settings()
    faces = [NativeFace()] if callbacks else []
    gateway = Gateway(db, settings, clock, faces, SecretBox("k" * 40), kinds=kinds, roles=roles)
    install(gateway)
    account = account_id or (await accounts.create(db, "test", clock.now())).id
    await gateway.start()
    for name in scripts if account_id is None else ():
        await gateway.channels.create(account, ChannelSpec(name=name, kind=f"scripted-{name}"))
    try:
        yield House(gateway, account, scripts)
    finally:
        await gateway.stop(5)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def house(database_url: str, clock: ManualClock) -> AsyncIterator[House]:
    async with node(database_url, clock) as made:
        yield made


__all__ = ["API", "House", "Pick", "by", "node"]
