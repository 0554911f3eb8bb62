"""What is remembered of files before they are sent, and of who waits for them, has bounds that nobody uses up alone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.engine.test_fitting import ANA, running
from tests.scripted import Stage
from tyrian.domain.content import Image
from tyrian.domain.limits import Capabilities, ContentRule
from tyrian.domain.media import MediaRule, Suited
from tyrian.domain.submission import Plan, Step
from tyrian.engine import fitting
from tyrian.engine.known import Facts

PICTURES = Capabilities(contents={"image": ContentRule(media=(MediaRule(field="url"),))})


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    async with running(database_url) as made:
        yield made


class Stuck:
    """A keeper of files that says nothing of some, or of any, until it may `go`."""

    def __init__(self, *slow: str) -> None:
        self.go = asyncio.Event()
        self.slow = slow
        self.urls: list[tuple[int, str]] = []

    async def suited(self, account_id: int, url: str, rule: MediaRule, kind: str, *, fit: bool) -> Suited:
        self.urls.append((account_id, url))
        if not self.slow or url in self.slow:
            await self.go.wait()
        return Suited(url=url)

    async def asked(self, times: int) -> None:
        """Waits until it was asked so often, and whatever could be has been answered."""
        async with asyncio.timeout(10):
            while len(self.urls) < times:
                await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def forget(self) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing is under way."""


class Broken(Stuck):
    """A keeper of files that fails."""

    async def suited(self, *args: Any, **more: Any) -> Suited:
        raise RuntimeError("a fault of our own")


def see(stage: Stage, url: str, *, account_id: int | None = None, message_id: UUID | None = None) -> None:
    """A message with a picture is about to be sent."""
    channel, now = stage.entry().channel, stage.gateway.clock.now()
    account = stage.account_id if account_id is None else account_id
    facts = Facts(message_id or uuid4(), account, uuid4(), 0, channel.id, ANA)
    content = Image(url=url)
    plan = Plan(cascade=[Step(channel="one", content=content)])
    stage.gateway.fitting.see(channel, PICTURES, facts, plan, content, now + timedelta(days=1))


async def idle(stage: Stage) -> bool:
    return not stage.gateway.fitting._tasks and not stage.gateway.fitting._open


async def test_an_account_s_slow_files_leave_others_their_places(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "_MOST_OF_ONE", 2)
    desk = Stuck()
    stage.gateway.media = desk  # type: ignore[assignment]
    for n in range(5):
        see(stage, f"https://slow.example/{n}.png")
    see(stage, "https://other.example/1.png", account_id=7)
    await desk.asked(3)
    assert [account for account, _ in desk.urls] == [stage.account_id, stage.account_id, 7]
    desk.go.set()
    await stage.until(lambda: idle(stage))
    see(stage, "https://slow.example/4.png")
    await desk.asked(4)


async def test_a_message_that_asks_again_waits_once_and_no_more_wait_than_may(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "_MOST_WAITING", 3)
    desk, one = Stuck(), uuid4()
    stage.gateway.media = desk  # type: ignore[assignment]
    for message_id in (one, one, *(uuid4() for _ in range(5))):
        see(stage, "https://slow.example/1.png", message_id=message_id)
    (case,) = stage.gateway.fitting._cases.values()
    assert (len(case.waiting), stage.gateway.fitting._waiting) == (3, 3)
    desk.go.set()
    await stage.until(lambda: idle(stage))
    assert stage.gateway.fitting._waiting == 0


async def test_one_that_takes_long_keeps_no_findings_from_being_forgotten(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "_MOST", 3)
    desk = Stuck("https://slow.example/1.png")
    stage.gateway.media = desk  # type: ignore[assignment]
    see(stage, "https://slow.example/1.png")
    for n in range(8):
        see(stage, f"https://quick.example/{n}.png")
        await desk.asked(n + 2)
    assert len(stage.gateway.fitting._cases) == 3
    assert any(url == "https://slow.example/1.png" for _, url, *_ in stage.gateway.fitting._cases)


async def test_what_may_be_secret_in_an_address_is_not_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.gateway.media = Broken()  # type: ignore[assignment]
    see(stage, "https://files.example/1.png?signature=s3cret")
    await stage.until(lambda: idle(stage))
    assert "could not be seen to" in caplog.text
    assert "s3cret" not in caplog.text
