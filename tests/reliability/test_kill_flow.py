"""A flow answers every press that was acknowledged, once, whatever is killed between the press and the answer.

A few hundred people walk through a flow by its buttons, while the gateway is killed with SIGKILL in the middle of
answering them. A press comes again until it is acknowledged, as Viber brings it, and some come twice for no reason.
"""

import asyncio
import hashlib
import hmac
import json
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg
import pytest
from aiohttp import web

from tests.reliability.node import KEY, Node, furnish, kill_postmaster
from tests.reliability.outside import Served
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.settings import Settings
from tyrian.store import embedded
from tyrian.store.migrate import migrate

TOKEN: Final = "0000000000000000-0000000000000000-0000000000000000"
STEPS: Final = 4
#: People who are under way at once.
CROWD: Final = 40
#: Who is killed, as often as it stands here.
VICTIMS: Final = ("gateway", "gateway", "gateway", "database", "both")
#: The part of the presses that come twice.
TWICE: Final = 0.2
FLOW: Final[dict[str, Any]] = {
    "name": "walk",
    "start": "s1",
    "triggers": [{"on": "default"}],
    "steps": {
        **{
            f"s{n}": {"do": "say", "text": f"{{{{person}}}} {n}", "choices": [{"text": "Next", "to": f"s{n + 1}"}]}
            for n in range(1, STEPS)
        },
        f"s{STEPS}": {"do": "say", "text": f"{{{{person}}}} {STEPS}", "next": "end"},
        "end": {"do": "end"},
    },
}
IN_HAND: Final = "SELECT (SELECT count(*) FROM turns) + (SELECT count(*) FROM sends)"
SAID: Final = """
SELECT m.recipient, count(e.message_id) FILTER (WHERE e.type = 'uncertain') AS doubts
FROM messages m LEFT JOIN events e ON e.message_id = m.id GROUP BY m.id, m.recipient ORDER BY m.id
"""


class Bots(Served):
    """Speaks Viber's Bot API: `shown` holds, by receiver and text, how often it came, and `codes` the button's code."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[tuple[str, str], int] = defaultdict(int)
        self.codes: dict[tuple[str, str], str] = {}
        self._changed = asyncio.Condition()
        self._tokens = 5_000_000_000_000_000_000
        self.app.router.add_post("/pa/send_message", self._send)

    async def _send(self, request: web.Request) -> web.Response:
        body = await request.json()
        place = body["receiver"], body["text"]
        self.shown[place] += 1
        if "keyboard" in body:
            self.codes.setdefault(place, body["keyboard"]["Buttons"][0]["ActionBody"])
        async with self._changed:
            self._changed.notify_all()
        self._tokens += 1
        # Long enough for a kill to fall between the send and its answer.
        await asyncio.sleep(0.01)
        return web.json_response({"status": 0, "status_message": "ok", "message_token": self._tokens})

    async def until(self, person: str, number: int) -> str:
        """The code of a step's button, once the step was shown to a person; empty for the last."""
        place = person, f"{person} {number}"
        async with self._changed:
            await self._changed.wait_for(lambda: place in self.shown)
        return self.codes.get(place, "")


class Walk:
    """A gateway, the people in its flow, and whoever kills it."""

    def __init__(self, data_dir: Path, port: int, people: int, seed: int) -> None:
        self.data_dir = data_dir
        self.node = Node(data_dir, port)
        self.bots = Bots()
        self.people = [f"p{number:04d}==" for number in range(people)]
        self.chance = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.acknowledged = self._written = 0
        self._hook = ""

    async def open(self) -> None:
        await self.bots.start()
        server = await asyncio.to_thread(embedded.start, self.data_dir)
        await migrate(server.url)
        spec = ChannelSpec(
            name="bot", kind="viber_bot", config={"base_url": f"{self.bots.url}/pa"}, secrets={"token": TOKEN}
        )
        channel = await furnish(server.url, Settings(data_dir=self.data_dir), self.bots.url, spec)
        self._hook = f"{self.node.base}/hooks/{channel}"
        self.node.start()
        await self.node.ready()
        headers = {"Authorization": f"Bearer {KEY}"}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.post(f"{self.node.base}/api/v1/flows", json={"flow": FLOW, "channels": ["bot"]}) as answer,
        ):
            assert answer.status == 201, await answer.text()

    async def close(self) -> None:
        with suppress(Exception):
            await self.node.stop()
        await self.bots.stop()
        await asyncio.to_thread(embedded.stop, self.data_dir, mode="immediate")

    async def walk(self) -> None:
        """Everybody goes through the flow."""
        room = asyncio.Semaphore(CROWD)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
            await asyncio.gather(*(self._through(http, room, person) for person in self.people))

    async def _through(self, http: aiohttp.ClientSession, room: asyncio.Semaphore, person: str) -> None:
        async with room:
            await self._write(http, person, "hello")
            for number in range(1, STEPS):
                await self._write(http, person, await self.bots.until(person, number))
            await self.bots.until(person, STEPS)

    async def _write(self, http: aiohttp.ClientSession, person: str, text: str) -> None:
        self._written += 1
        event = {
            "event": "message",
            "timestamp": 1_760_000_000_000 + self._written,
            "message_token": 6_000_000_000_000_000_000 + self._written,
            "sender": {"id": person, "name": "Ana"},
            "message": {"type": "text", "text": text},
        }
        body = json.dumps(event).encode()
        await self._bring(http, body)
        self.acknowledged += 1
        if self.chance.random() < TWICE:
            await self._bring(http, body)

    async def _bring(self, http: aiohttp.ClientSession, body: bytes) -> None:
        """Calls the hook until it is acknowledged."""
        signature = hmac.new(TOKEN.encode(), body, hashlib.sha256).hexdigest()
        while True:
            try:
                async with http.post(self._hook, data=body, headers={"X-Viber-Content-Signature": signature}) as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            await asyncio.sleep(0.05)

    async def kill(self, times: int) -> None:
        """Kills the gateway, its database, or both, each time while answers are on their way."""
        all_of_them = len(self.people) * STEPS
        for number in range(1, times + 1):
            while self.acknowledged < all_of_them * number / (times + 1):
                await asyncio.sleep(0)
            await asyncio.sleep(self.chance.uniform(0, 0.03))
            victim = self.chance.choice(VICTIMS)
            self.kills[victim] += 1
            if victim != "gateway":
                kill_postmaster(self.data_dir)
            if victim != "database":
                self.node.kill()
                self.node.start()
            await self.node.ready()

    async def judge(self) -> int:
        """Holds what people were shown against what the gateway says; how many sends it was in doubt about."""
        connection = await asyncpg.connect(embedded.start(self.data_dir).url)
        try:
            async with asyncio.timeout(60):
                while await connection.fetchval(IN_HAND):
                    await asyncio.sleep(0.1)
            rows = await connection.fetch(SAID)
            ticks = await connection.fetch("SELECT person, count(*), max(tick) FROM flow_runs GROUP BY person")
        finally:
            await connection.close()
        doubts: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            doubts[row["recipient"]].append(row["doubts"])
        assert {row[0]: (row[1], row[2]) for row in ticks} == dict.fromkeys(self.people, (1, STEPS)), "steps taken"
        for person in self.people:
            assert len(doubts[person]) == STEPS, f"{person} was told {len(doubts[person])} things"
            for number, doubt in enumerate(doubts[person], 1):
                shown = self.bots.shown[person, f"{person} {number}"]
                assert 1 <= shown <= 1 + doubt, f"{person} saw step {number} {shown} times with {doubt} uncertain"
        return sum(map(sum, doubts.values()))


async def play(people: int, kills: int, port: int, seed: int) -> Walk:
    with tempfile.TemporaryDirectory(prefix="tyrian-flow-", ignore_cleanup_errors=True) as folder:
        walk = Walk(Path(folder), port, people, seed)
        try:
            await walk.open()
            async with asyncio.timeout(280):
                await asyncio.gather(walk.walk(), walk.kill(kills))
            await walk.judge()
        finally:
            await walk.close()
        return walk


async def test_a_few_kills(free_port: Callable[[], int]) -> None:
    walk = await play(120, 2, free_port(), seed=3)
    assert (walk.kills.total(), walk.acknowledged) == (2, 120 * STEPS)


@pytest.mark.slow
async def test_thirty_kills(free_port: Callable[[], int]) -> None:
    walk = await play(600, 30, free_port(), seed=5)
    assert (walk.kills.total(), walk.acknowledged) == (30, 600 * STEPS)
