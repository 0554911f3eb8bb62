"""A gateway with flows, over a network that is this process, and the person at its other end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final

import pytest

from tests.clock import ManualClock
from tests.scripted import Script
from tyrian.domain.content import Base, Text
from tyrian.domain.flow_file import read
from tyrian.domain.limits import Bound, Capabilities, ContentRule
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.clock import ScaledClock
from tyrian.engine.flow_port import FlowShown, RunSearch, RunShown
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import Clock, Inbound, Outgoing
from tyrian.inbox.flows.desk import Flows
from tyrian.inbox.setup import install
from tyrian.settings import Settings
from tyrian.store import accounts
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

#: A bot that has buttons, and a network that has none.
BOT: Final = Capabilities(
    contents={"text": ContentRule(bounds=(Bound(field="text", max_length=200),)), "image": ContentRule()}, inbound=True
)
PLAIN: Final = Capabilities(
    contents={"text": ContentRule()}, common=(Bound(field="keyboard", forbidden=True),), inbound=True
)
ANA: Final = "+385991234501"
_numbers = count(1)


@dataclass
class House:
    """A running gateway with an account, channels `bot` and `sms`, and flows."""

    gateway: Gateway
    account_id: int
    bot: Script
    sms: Script

    @property
    def flows(self) -> Flows:
        flows: Flows = self.gateway.flows
        return flows

    async def publish(self, source: str, *channels: str) -> FlowShown:
        return await self.flows.publish(self.account_id, read(source), source, list(channels or ("bot",)))

    async def hear(
        self, what: str | Base, person: str = ANA, *, channel: str = "bot", extra: dict[str, Any] | None = None
    ) -> None:
        """The person sends something; returns once it is stored."""
        entry = self.gateway.channels.get(self.account_id, channel)
        assert entry is not None
        content = Text(text=what) if isinstance(what, str) else what
        message = Inbound(person, channel, content, f"m{next(_numbers)}", extra=extra or {})
        await self.gateway.inbound.submit(entry.channel, [message])

    async def press(self, text: str, person: str = ANA, *, of: int = -1) -> None:
        """The person presses a button of a message that was sent: the last one, or the one at `of`."""
        mine = [o for o in self.bot.sent if o.to == person and o.content.keyboard is not None]
        keyboard = mine[of].content.keyboard
        assert keyboard is not None
        (button,) = [b for b in keyboard.buttons if b.text == text]
        await self.hear(button.value, person)

    async def said(self, number: int, person: str = ANA, script: Script | None = None) -> list[str]:
        """What was said to the person, once it is so many messages."""
        script = script or self.bot

        def texts() -> list[str]:
            return [str(getattr(o.content, "text", "")) for o in script.sent if o.to == person]

        await until(lambda: _true(len(texts()) >= number), texts)
        return texts()

    def last(self, person: str = ANA) -> Outgoing:
        return [o for o in self.bot.sent if o.to == person][-1]

    async def runs(self, **search: Any) -> list[RunShown]:
        return list(await self.flows.runs(self.account_id, RunSearch(**search)))

    async def run(self, state: str, **more: Any) -> RunShown:
        """The newest run, once it is in a state."""

        async def look() -> RunShown | None:
            found = [run for run in await self.runs() if run.state == state]
            fits = found and all(getattr(found[0], name) == value for name, value in more.items())
            return found[0] if fits else None

        shown: RunShown = await until(look)
        return shown

    async def still(self) -> None:
        """Waits until no turn is under way."""

        async def none() -> object:
            return await self.gateway.db.fetchval("SELECT count(*) FROM turns") == 0

        await until(none)


async def passing(clock: ManualClock, check: Callable[[], Awaitable[Any]]) -> Any:
    """Waits until a check gives something true, while a clock goes on."""

    async def look() -> Any:
        await clock.advance(1)
        return await check()

    return await until(look)


async def _true(value: object) -> object:
    return value


async def until(check: Callable[[], Awaitable[Any]], about: Callable[[], object] = lambda: "") -> Any:
    """Waits until a check gives something true; the limit only ends a hopeless wait."""
    try:
        async with asyncio.timeout(20):
            while not (found := await check()):
                await asyncio.sleep(0.01)
            return found
    except TimeoutError:
        raise AssertionError(f"it never came to that: {about()}") from None


@asynccontextmanager
async def housed(
    url: str,
    *,
    clock: Clock | None = None,
    scale: float = 1.0,
    account: str | None = "shop",
    inbox: bool = False,
    **settings: Any,
) -> AsyncIterator[House]:
    """A running house on a migrated database. Without `account` it is the second node of the account there."""
    scripts = {"bot": Script(), "sms": Script()}
    kinds = {
        name: replace(script.kind(name), capabilities=_always(BOT if name == "bot" else PLAIN))
        for name, script in scripts.items()
    }
    db = await Database.open(url, work=4, reading=2)
    given = replace(Settings(), **settings)
    gateway = Gateway(db, given, clock or ScaledClock(scale), [], SecretBox("k" * 40), kinds=kinds, roles=_ROLES)
    if account is not None:
        account_id = (await accounts.create(db, account, gateway.clock.now())).id
    else:
        account_id = int(await db.fetchval("SELECT min(id) FROM accounts"))
    if inbox:
        install(gateway)
        await gateway.start()
    else:
        await gateway.start()
        gateway.flows = Flows(gateway)
        gateway.turns.reactions.append(gateway.flows)
    for name in scripts if account is not None else ():
        await gateway.channels.create(account_id, ChannelSpec(name=name, kind=name))
    try:
        yield House(gateway, account_id, scripts["bot"], scripts["sms"])
    finally:
        await gateway.stop(5)


_ROLES: Final = frozenset({"api", "dispatch"})


def _always(can: Capabilities) -> Callable[[dict[str, Any]], Capabilities]:
    return lambda config: can


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """A house on the wall's clock."""
    async with housed(database_url) as made:
        yield made
