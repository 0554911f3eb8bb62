from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.protocols.viber.stub import TOOLS, Stub, stub_server
from tyrian.engine.ports import Channel
from tyrian.protocols.viber.bot import BotConnector
from tyrian.protocols.viber.business import BusinessConnector

TOKEN = "0000000000000000-0000000000000000-0000000000000000"

MakeBot = Callable[..., Awaitable[BotConnector]]
MakeBusiness = Callable[..., Awaitable[BusinessConnector]]


@pytest.fixture
async def viber() -> AsyncIterator[Stub]:
    async with stub_server() as stub:
        yield stub


@pytest.fixture
async def make_bot(viber: Stub) -> AsyncIterator[MakeBot]:
    made: list[BotConnector] = []

    async def make(**config: Any) -> BotConnector:
        config = {"base_url": f"{viber.url}/pa", "sender_name": "Shop"} | config
        bot = BotConnector(Channel(7, 1, "my-bot", "viber_bot", config, {"token": TOKEN}), TOOLS)
        made.append(bot)
        await bot.start()
        return bot

    yield make
    for bot in made:
        await bot.close()


@pytest.fixture
async def bot(make_bot: MakeBot) -> BotConnector:
    return await make_bot()


@pytest.fixture
async def make_business(viber: Stub) -> AsyncIterator[MakeBusiness]:
    made: list[BusinessConnector] = []

    async def make(secrets: dict[str, str] | None = None, **config: Any) -> BusinessConnector:
        config = {"base_url": viber.url, "service_id": 1001} | config
        channel = Channel(8, 1, "my-business", "viber_business", config, secrets or {})
        business = BusinessConnector(channel, TOOLS)
        made.append(business)
        await business.start()
        return business

    yield make
    for business in made:
        await business.close()


@pytest.fixture
async def business(make_business: MakeBusiness) -> BusinessConnector:
    return await make_business()
