"""Three processes on one database share a backlog: nothing twice, order per recipient, one rate limit over all."""

import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.reliability.node import SECRET, Node, furnish
from tests.reliability.outside import Provider
from tyrian.app import open_gateway
from tyrian.domain.content import Text
from tyrian.domain.submission import Plan, Recipient, Step, Submission
from tyrian.engine.clock import WallClock
from tyrian.settings import Settings

UNSENT = "SELECT EXISTS (SELECT 1 FROM messages WHERE status NOT IN ('sent', 'delivered', 'seen'))"
ACCOUNT = "SELECT id FROM accounts"
#: Messages per second that the three may send together may exceed the limit by this share, over any `SPAN` seconds.
TOLERANCE = 0.05
SPAN = 2.0


async def fill(url: str, settings: Settings, total: int, people: int) -> None:
    """Accepts a backlog in which each person has many numbered messages."""
    gateway = await open_gateway(url, replace(settings, database_url=url), WallClock(), role="api")
    await gateway.channels.start(connect=False)
    account = await gateway.db.fetchval(ACCOUNT)
    plan = Plan(cascade=[Step(channel="viber", content=Text(text="{{n}}"))])
    recipients = [Recipient(to=f"+385991{n % people:06d}", variables={"n": f"{n:06d}"}) for n in range(total)]
    for start in range(0, total, 5000):
        part = recipients[start : start + 5000]
        await gateway.intake.submit(Submission(account_id=account, plan=plan, recipients=part, bulk=True))
    await gateway.stop()


async def share(
    url: str, ports: list[int], total: int, people: int, rate: float, seconds: float
) -> tuple[Provider, list[float]]:
    """Lets three nodes empty the backlog; returns what the provider saw, and when the sends were taken up."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tyrian-three-", ignore_cleanup_errors=True))
        provider = Provider(SECRET, receipts=False)
        await provider.start()
        stack.push_async_callback(provider.stop)
        settings = Settings(data_dir=Path(folder), secret_key="k" * 40)
        await furnish(url, settings, provider.url, rate=rate)
        await fill(url, settings, total, people)
        nodes = [Node(Path(folder), port, url=url) for port in ports]
        for node in nodes:
            node.start()
            stack.push_async_callback(node.stop)
        await asyncio.gather(*(node.ready() for node in nodes))
        await empty(url, seconds)
        return provider, await taken_up(url)


async def empty(url: str, seconds: float) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(seconds):
            while await connection.fetchval(UNSENT):
                await asyncio.sleep(0.5)
    finally:
        await connection.close()


async def taken_up(url: str) -> list[float]:
    """When each send was claimed, in order. Arrivals at the provider would tell of this machine's load as well."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT started_at FROM attempts ORDER BY started_at")
    finally:
        await connection.close()
    return [row["started_at"].timestamp() for row in rows]


def judge(provider: Provider, times: list[float], total: int, rate: float) -> dict[str, Any]:
    """No message twice, each person's in order, and the rate held over every span."""
    assert len(provider.arrivals) == total
    assert provider.taken == total, "a message was sent twice"
    for person, texts in provider.order.items():
        assert texts == sorted(texts), f"{person} got messages out of order"
    most = busiest(times)
    assert most <= rate * SPAN * (1 + TOLERANCE) + 1, f"{most} messages went out within {SPAN} s at a limit of {rate}/s"
    mean = round(total / (times[-1] - times[0]), 1)
    return {"messages": total, "limit/s": rate, "busiest/s": most / SPAN, "mean/s": mean}


def busiest(times: list[float]) -> int:
    """The most arrivals within any `SPAN` seconds."""
    most = start = 0
    for end, at in enumerate(times):
        while times[start] <= at - SPAN:
            start += 1
        most = max(most, end - start + 1)
    return most


async def test_three_nodes_share_a_backlog(database_url: str, free_port: Callable[[], int], monkeypatch: Any) -> None:
    monkeypatch.setenv("TYRIAN_SECRET_KEY", "k" * 40)
    provider, times = await share(database_url, [free_port() for _ in range(3)], 1500, 60, 400.0, 60)
    judge(provider, times, 1500, 400.0)


@pytest.mark.slow
async def test_three_nodes_share_a_hundred_thousand(
    database_url: str, free_port: Callable[[], int], monkeypatch: Any
) -> None:
    monkeypatch.setenv("TYRIAN_SECRET_KEY", "k" * 40)
    provider, times = await share(database_url, [free_port() for _ in range(3)], 100_000, 5000, 1200.0, 900)
    found = judge(provider, times, 100_000, 1200.0)
    if path := os.environ.get("SHARE_REPORT"):
        await asyncio.to_thread(Path(path).write_text, json.dumps(found, indent=1))
