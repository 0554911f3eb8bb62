"""The harness itself, with the simulated Viber cloud's own protocol between the two."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.loop.harness import Loop, Vendor, loop
from tyrian.domain.content import Text
from tyrian.domain.submission import Step
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.store.embedded import EmbeddedPostgres

SERVICES = {"through": 2002, "aside": 2003}

pytestmark = pytest.mark.asyncio(loop_scope="module")


def channels(far_url: str) -> list[ChannelSpec]:
    return [
        ChannelSpec(name=name, kind="viber_business", config={"service_id": number, "base_url": f"{far_url}/sim"})
        for name, number in SERVICES.items()
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through(postgres: EmbeddedPostgres) -> AsyncIterator[Loop]:
    async with loop(postgres, Vendor(channels=channels)) as opened:
        for name, number in SERVICES.items():
            opened.world.register_service(number, opened.hook_url(name))
        yield opened


async def test_the_customer_is_told_what_the_handset_saw(through: Loop) -> None:
    to = through.person()
    message = await through.send("through", Text(text="Your order is on its way"), to)
    told = await through.told(message, "sent", "delivered", "seen")
    (seen,) = through.handset(to).messages
    assert seen.content["message"]["#txt"] == "Your order is on its way"
    assert {callback["data"] for callback in told} == {"order-7"}
    assert seen.delivered_at is not None
    assert seen.seen_at is not None
    assert await through.status(message) == ("seen", None)


async def test_a_refusal_goes_to_the_next_step(through: Loop) -> None:
    to, other = through.person("04"), through.person()
    text = Text(text="Your order is on its way")
    message = await through.send("through", text, to, then=[Step(channel="aside", content=text, to=other)])
    await through.told(message, "sent", "delivered", "seen")
    assert through.handset(to).messages == []
    assert len(through.handset(other).messages) == 1
    assert [exchange["status"] for exchange in await through.exchanges(message)] == [200, 200]


async def test_what_people_write_comes_back(through: Loop) -> None:
    to = through.person("11")
    message = await through.send("through", Text(text="hello"), to)
    await through.told(message, "sent", "delivered", "seen")
    (said,) = await through.heard()
    assert (said["message"]["sender"], said["message"]["content"]["text"]) == (to, "echo: hello")
