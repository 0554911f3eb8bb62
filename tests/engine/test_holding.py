"""What keeps a send back, one thing after another: its files, then whom it would go to."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.engine.customer import Request
from tests.engine.test_fitting import ANA, LARGE, happened, running, send, shows
from tests.engine.test_guarding import Rule, guarded
from tests.media.site import Site, whole
from tests.scripted import Stage
from tyrian.domain.content import Image, Text
from tyrian.domain.media import PNG
from tyrian.domain.submission import Step
from tyrian.engine.reacting import Asked, Verdict
from tyrian.store import reading

HELLO = [Step(channel="one", content=Text(text="hello"))]


class Slow:
    """A picture that is served when it may `go`, and told of when it is `asked` for."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.asked.set()
        await self.go.wait()
        await whole(LARGE, PNG)(request, writer)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    async with running(database_url) as made:
        yield made


@pytest.fixture
async def slow() -> Slow:
    return Slow()


@pytest.fixture
async def site(slow: Slow) -> AsyncIterator[Site]:
    async with Site({"/slow.png": slow}) as made:
        yield made


async def test_one_whose_file_was_waited_for_holds_nobody_up_for_a_rule(stage: Stage, site: Site, slow: Slow) -> None:
    """Its file held the line, for a moment. The person's night does not: what may go out at night does."""

    def night(asked: Asked) -> Verdict | None:
        if isinstance(asked.content, Image):
            return Verdict("quiet_hours", "it is night", asked.at + timedelta(hours=8))
        return None

    picture = await send(stage, shows(site.at("/slow.png")))
    await stage.until(lambda: happened(stage, picture, "put_off"))
    behind = await send(stage, HELLO)
    guarded(stage, Rule(night))
    slow.go.set()
    await stage.status(behind, "sent")
    assert await stage.events(picture) == ["put_off", "put_off"]
    assert stage.one.texts() == ["hello"]


async def test_to_wait_for_a_file_is_no_try(stage: Stage, site: Site, slow: Slow) -> None:
    picture = await send(stage, shows(site.at("/slow.png")))
    await stage.until(lambda: happened(stage, picture, "put_off"))
    shown = await reading.message(stage.gateway.db, stage.account_id, picture)
    assert shown is not None
    assert shown["send_tries"] == 0
    slow.go.set()
    await stage.status(picture, "sent")
    assert [(o.to, o.tries) for o in stage.one.sent] == [(ANA, 1)]
    assert [a["tries"] for a in await stage.attempts(picture)] == [1]
