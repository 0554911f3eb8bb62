"""Nothing acknowledged is lost, nothing is sent twice in secret, and every callback comes in order, whatever is killed.

A gateway with its embedded, fully durable PostgreSQL takes messages under load while it, or its database, is killed
with SIGKILL at random moments. What the provider and the customer saw is then held against what the gateway says.
"""

import asyncio
import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import pytest

from tests.reliability.node import KEY, SECRET, Node, furnish, kill_postmaster
from tests.reliability.outside import Customer, Provider
from tyrian.domain.lifecycle import MAX_UNCERTAIN
from tyrian.settings import Settings
from tyrian.store import embedded
from tyrian.store.migrate import migrate

#: Messages that clients keep under way at once.
CLIENTS = 24
ORDER = {"delivered": 0, "seen": 1, "failed": 2}
UNSETTLED = "SELECT count(*) FROM messages WHERE status NOT IN ('delivered', 'seen', 'failed', 'expired', 'cancelled')"


@dataclass
class Run:
    """What one run did and found."""

    kills: Counter[str] = field(default_factory=Counter)
    accepted: dict[str, str] = field(default_factory=dict)
    resends: int = 0
    uncertain: int = 0
    repeated_callbacks: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


class Scene:
    """A gateway, its outside, its clients, and whoever kills it."""

    def __init__(self, data_dir: Path, port: int, seed: int) -> None:
        self.data_dir = data_dir
        self.node = Node(data_dir, port)
        self.provider = Provider(SECRET, answer_after=0.02)
        self.customer = Customer()
        self.chance = random.Random(seed)
        self.run = Run()
        self._stopping = False
        self._number = 0

    async def open(self) -> None:
        await self.provider.start()
        await self.customer.start()
        server = await asyncio.to_thread(embedded.start, self.data_dir)
        await migrate(server.url)
        channel = await furnish(server.url, Settings(data_dir=self.data_dir), self.provider.url)
        self.provider.hook = f"{self.node.base}/hooks/{channel}"
        self.node.start()
        await self.node.ready()

    async def close(self) -> None:
        with suppress(Exception):
            await self.node.stop()
        await self.provider.stop()
        await self.customer.stop()
        await asyncio.to_thread(embedded.stop, self.data_dir, mode="immediate")

    async def load(self) -> None:
        """Sends until told to stop, each message again until it is acknowledged."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            await asyncio.gather(*(self._client(session) for _ in range(CLIENTS)))

    async def _client(self, session: aiohttp.ClientSession) -> None:
        while not self._stopping:
            self._number += 1
            text = f"message {self._number}"
            identifier = await self._send(session, text)
            self.run.accepted[identifier] = text

    async def _send(self, session: aiohttp.ClientSession, text: str) -> str:
        body = {
            "to": f"+3859910{self._number % 500:05d}",
            "cascade": [{"channel": "viber", "content": {"type": "text", "text": text}}],
            "callback": {"url": f"{self.customer.url}/hook"},
        }
        headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": text.replace(" ", "-")}
        while True:
            try:
                async with session.post(f"{self.node.base}/api/v1/messages", json=body, headers=headers) as answer:
                    told = await answer.json()
                    if answer.status == 202:
                        return str(told["id"])
                    assert answer.status in (429, 503), told
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            await asyncio.sleep(0.05)

    async def kill(self, times: int) -> None:
        """Kills the gateway, its database, or both, at random moments."""
        for _ in range(times):
            await asyncio.sleep(self.chance.uniform(0.1, 1.5))
            victim = self.chance.choice(("gateway", "gateway", "database", "database", "both"))
            self.run.kills[victim] += 1
            if victim != "gateway":
                kill_postmaster(self.data_dir)
            if victim != "database":
                self.node.kill()
                self.node.start()
            await self.node.ready()
        self._stopping = True

    async def settle(self, seconds: float) -> None:
        """Waits until every message has its outcome and every callback is delivered."""
        connection = await asyncpg.connect(embedded.start(self.data_dir).url)
        try:
            async with asyncio.timeout(seconds):
                while await connection.fetchval(UNSETTLED) or await connection.fetchval(
                    "SELECT count(*) FROM callbacks"
                ):
                    await asyncio.sleep(0.2)
                while self._unseen():
                    await asyncio.sleep(0.2)
        except TimeoutError:
            rows = await connection.fetch("SELECT status, count(*) FROM messages GROUP BY 1")
            left = await connection.fetch("SELECT tries, last_reason, parked, due_at FROM callbacks LIMIT 5")
            sends = await connection.fetch("SELECT * FROM sends LIMIT 3")
            pytest.fail(f"not settled: {rows}; callbacks {left}; sends {sends}; unseen {len(self._unseen())}")
        finally:
            await connection.close()

    def _unseen(self) -> list[str]:
        return [i for i in self.run.accepted if self.customer.heard.get(i, [""])[-1] not in ("seen", "failed")]

    async def judge(self) -> None:
        """Holds what the outside saw against the gateway's own account."""
        connection = await asyncpg.connect(embedded.start(self.data_dir).url)
        try:
            rows = await connection.fetch("SELECT id::text, status FROM messages")
            doubts = await connection.fetch(
                "SELECT message_id::text, count(*) AS n FROM events WHERE type = 'uncertain' GROUP BY 1"
            )
            last = {row["id"]: row["status"] for row in rows}
            odd = [i for i in self.run.accepted if last.get(i) not in ("seen", "failed")]
            sql = "SELECT at, id, type, reason, attempt_id FROM events WHERE message_id = $1 ORDER BY id"
            told = {i: [tuple(event) for event in await connection.fetch(sql, UUID(i))] for i in odd[:3]}
        finally:
            await connection.close()
        assert not odd, f"{len(odd)} messages ended otherwise than they were told of: {told}"
        statuses = {row["id"]: row["status"] for row in rows}
        uncertain = {row["message_id"]: row["n"] for row in doubts}
        for identifier, text in self.run.accepted.items():
            self._judge_one(identifier, text, statuses, uncertain)
        strays = statuses.keys() - self.run.accepted.keys()
        assert len(strays) <= CLIENTS, "messages that nobody was told of"
        self.run.uncertain = sum(uncertain.values())
        self.run.statuses.update(statuses.values())

    def _judge_one(self, identifier: str, text: str, statuses: dict[str, str], uncertain: dict[str, int]) -> None:
        doubts = uncertain.get(identifier, 0)
        # A send that was interrupted again and again is given up, and says so: that is an outcome too.
        expected = "failed" if doubts >= MAX_UNCERTAIN else "seen"
        assert statuses.get(identifier) == expected, f"{text} was acknowledged and ended {statuses.get(identifier)}"
        arrivals = len(self.provider.arrivals[text])
        once = expected == "seen"
        assert once <= arrivals <= once + doubts, (
            f"{text} reached the provider {arrivals} times with {doubts} uncertain events"
        )
        heard = self.customer.heard[identifier]
        assert heard[-1:] == [expected]
        assert heard == sorted(heard, key=ORDER.__getitem__), f"{text}: callbacks came as {heard}"
        self.run.resends += max(arrivals - 1, 0)
        self.run.repeated_callbacks += len(heard) - len(set(heard))


async def play(times: int, port: int, seed: int) -> Run:
    with tempfile.TemporaryDirectory(prefix="tyrian-kill-", ignore_cleanup_errors=True) as folder:
        scene = Scene(Path(folder), port, seed)
        started = time.monotonic()
        try:
            await scene.open()
            await asyncio.gather(scene.load(), scene.kill(times))
            await scene.settle(120)
            await scene.judge()
        finally:
            await scene.close()
            if log := os.environ.get("KILL_LOG"):
                Path(log).write_bytes((scene.data_dir / f"node-{port}.log").read_bytes())
        scene.run.seconds = time.monotonic() - started
        return scene.run


def report(run: Run) -> dict[str, Any]:
    return {
        "kills": dict(run.kills),
        "accepted": len(run.accepted),
        "outcomes": dict(run.statuses),
        "uncertain events": run.uncertain,
        "sent more than once (each with its uncertain event)": run.resends,
        "callbacks repeated": run.repeated_callbacks,
        "seconds": round(run.seconds),
    }


async def test_a_few_kills(free_port: Callable[[], int]) -> None:
    run = await play(4, free_port(), seed=11)
    assert run.kills.total() == 4
    assert len(run.accepted) > 50


@pytest.mark.slow
async def test_fifty_kills(free_port: Callable[[], int], record_property: Any) -> None:
    run = await play(50, free_port(), seed=int(os.environ.get("KILL_SEED", "7")))
    assert run.kills.total() == 50
    assert len(run.accepted) > 1000
    record_property("kills", json.dumps(report(run)))
    if path := os.environ.get("KILL_REPORT"):
        await asyncio.to_thread(Path(path).write_text, json.dumps(report(run), indent=1))
