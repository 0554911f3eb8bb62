"""`tyrian demo` as a person meets it: every test number does what the table says, at sixty times the pace."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.media.samples import picture

KEY = {"Authorization": "Bearer tyrian-demo-key"}
#: Number -> the message's status, and each attempt's status and reason, for a Viber step with a 600 s fallback to SMS.
TABLE: dict[str, tuple[str, list[tuple[str, str | None]]]] = {
    "01": ("seen", [("seen", None)]),
    "02": ("delivered", [("delivered", None)]),
    "03": ("failed", [("uncertain", "no_answer"), ("uncertain", "no_answer")]),
    "04": ("delivered", [("failed", "not_a_viber_user"), ("delivered", None)]),
    "05": ("delivered", [("failed", "blocked_by_user"), ("delivered", None)]),
    "06": ("seen", [("seen", None)]),
    "07": ("delivered", [("expired", "fallback_time_passed"), ("delivered", None)]),
    "08": ("seen", [("seen", None)]),
    "09": ("delivered", [("expired", "fallback_time_passed"), ("delivered", None)]),
    "10": ("failed", [("expired", "fallback_time_passed"), ("failed", "network_failed")]),
    "11": ("seen", [("seen", None)]),
    "42": ("seen", [("seen", None)]),
}
ENDED = {"delivered", "seen", "failed", "expired", "cancelled"}


class Demo:
    """A running demo and a client of it."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self.base = base
        self.session = session

    async def get(self, path: str) -> Any:
        async with self.session.get(self.base + path, headers=KEY) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def send(self, ends: str) -> str:
        text = {"type": "text", "text": "Your order is on its way"}
        body = {
            "to": f"+3859912345{ends}",
            "purpose": "transactional",
            "cascade": [
                {"channel": "demo-viber", "content": text, "fallback_time": 600},
                {"channel": "demo-sms", "content": text},
            ],
        }
        async with self.session.post(f"{self.base}/api/v1/messages", json=body, headers=KEY) as answer:
            assert answer.status == 202, await answer.text()
            told = await answer.json()
            assert told["status"] == "accepted"
            return str(told["id"])

    async def settled(self, identifier: str, wanted: str) -> Any:
        """The message once it has the status that is expected, or has ended otherwise for good."""
        async with asyncio.timeout(60):
            while True:
                message = await self.get(f"/api/v1/messages/{identifier}")
                if message["status"] == wanted:
                    return message
                assert message["status"] not in ENDED - {"delivered"}, message
                await asyncio.sleep(0.1)

    async def history(self, identifier: str, wanted: str) -> list[Any]:
        """The message's events, once there is one of the type that is wanted."""
        async with asyncio.timeout(60):
            while True:
                events: list[Any] = (await self.get(f"/api/v1/messages/{identifier}/events"))["events"]
                if any(event["type"] == wanted for event in events):
                    return events
                await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        found: int = server.getsockname()[1]
    return found


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, port: int) -> Any:
    folder: Path = tmp_path_factory.mktemp("demo")
    command = [
        sys.executable,
        "-m",
        "tyrian",
        "demo",
        "--port",
        str(port),
        "--data-dir",
        str(folder),
        "--time-scale",
        "60",
    ]
    log = (folder / "demo.log").open("wb")
    running = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    yield running
    running.terminate()
    try:
        assert running.wait(40) == 0, (folder / "demo.log").read_text()[-2000:]
    finally:
        running.kill()
        log.close()


@pytest.fixture
async def demo(process: "subprocess.Popen[bytes]", port: int) -> AsyncIterator[Demo]:
    base = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session, asyncio.timeout(120):
        while True:
            assert process.poll() is None, "the demo ended"
            with suppress(aiohttp.ClientError, OSError):
                async with session.get(f"{base}/readyz") as answer:
                    if answer.status == 200:
                        break
            await asyncio.sleep(0.1)
        yield Demo(base, session)


async def test_every_test_number_does_as_the_table_says(demo: Demo) -> None:
    sent = dict(zip(TABLE, await asyncio.gather(*(demo.send(ends) for ends in TABLE)), strict=True))
    found = await asyncio.gather(*(demo.settled(sent[ends], TABLE[ends][0]) for ends in TABLE))
    for ends, message in zip(TABLE, found, strict=True):
        attempts = [(a["status"], a.get("reason")) for a in message["attempts"]]
        assert attempts == TABLE[ends][1], f"a number ending in {ends}"


async def test_seen_comes_with_all_its_times(demo: Demo) -> None:
    identifier = await demo.send("01")
    await demo.settled(identifier, "seen")
    # Viber promises no order, and a second between the two is a sixtieth here: `seen` may have come first.
    events = await demo.history(identifier, "delivered")
    assert [e["type"] for e in events[:2]] == ["accepted", "sent"]
    assert sorted(e["type"] for e in events[2:]) == ["delivered", "seen"]
    assert [e["at"] for e in events] == sorted(e["at"] for e in events)
    message = await demo.settled(identifier, "seen")
    (attempt,) = message["attempts"]
    assert message["accepted_at"] <= attempt["sent_at"] <= attempt["delivered_at"] <= attempt["seen_at"]


async def test_a_late_delivery_is_noted_and_changes_nothing(demo: Demo) -> None:
    identifier = await demo.send("07")
    await demo.settled(identifier, "delivered")
    await demo.history(identifier, "late_receipt")
    assert (await demo.get(f"/api/v1/messages/{identifier}"))["status"] == "delivered"


async def test_a_server_error_is_tried_again(demo: Demo) -> None:
    identifier = await demo.send("08")
    await demo.settled(identifier, "seen")
    events = [e["type"] for e in (await demo.get(f"/api/v1/messages/{identifier}/events"))["events"]]
    assert events[:4] == ["accepted", "retry", "retry", "sent"]


async def test_number_eleven_answers(demo: Demo) -> None:
    await demo.settled(await demo.send("11"), "seen")
    async with asyncio.timeout(30):
        while True:
            found = [m for m in (await demo.get("/api/v1/inbound"))["messages"] if m["sender"].endswith("385991234511")]
            if found:
                break
            await asyncio.sleep(0.1)
    assert found[0]["content"]["text"] == "echo: Your order is on its way"


async def test_health_and_metrics_tell_the_truth(demo: Demo) -> None:
    health = await demo.get("/healthz")
    assert {c["name"] for c in health["channels"]} == {"demo-viber", "demo-bot", "demo-sms"}
    async with demo.session.get(f"{demo.base}/metrics") as answer:
        text = await answer.text()
    assert 'tyrian_sends_total{account="1",channel="demo-viber",result="sent"}' in text
    assert 'tyrian_oldest_due_seconds{account="1",channel="demo-sms"}' in text
    assert "# TYPE tyrian_messages_accepted_total counter" in text


async def until(look: Any) -> Any:
    """The first thing that is true of what a look finds."""
    async with asyncio.timeout(60):
        while not (found := await look()):
            await asyncio.sleep(0.05)
        return found


async def test_a_button_brings_its_data_back_and_a_picture_is_kept(demo: Demo) -> None:
    """A handset writes to the bot, presses a button that stays, and sends a picture."""
    number = "+385991234555"

    async def act(name: str, body: dict[str, Any]) -> None:
        url = f"{demo.base}/sim/world/handsets/{number}/{name}"
        async with demo.session.post(url, json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def newest(kind: str, words: str | None = None) -> Any:
        page = await demo.get("/api/v1/inbound?channel=demo-bot&limit=5")
        found = [m for m in page["messages"] if m["content"]["type"] == kind]
        return next((m for m in found if words is None or m["content"]["text"] == words), None)

    async def send(content: dict[str, Any]) -> str:
        body = {"to": person, "purpose": "session", "cascade": [{"channel": "demo-bot", "content": content}]}
        async with demo.session.post(f"{demo.base}/api/v1/messages", json=body, headers=KEY) as answer:
            assert answer.status == 202, await answer.text()
            identifier = str((await answer.json())["id"])
        await demo.settled(identifier, "seen")
        return identifier

    await act("reply", {"text": "hello", "via": "bot", "sender": "tyriandemo"})
    person = (await until(lambda: newest("text", "hello")))["sender"]
    data = {"order": 7, "do": ["send", {"size": "XL"}]}
    button = {"text": "Send it", "value": "send", "data": data}
    await send({"type": "text", "text": "Shall we?", "keyboard": {"buttons": [button], "persist": True}})
    again = await send({"type": "text", "text": "We have not heard from you."})
    await act("press", {"button": "Send it"})
    pressed = (await until(lambda: newest("text", "send")))["extra"]["button"]
    assert (pressed["known"], pressed["data"], pressed["message_id"]) == (True, data, again)

    async with demo.session.post(
        f"{demo.base}/api/v1/media?name=me.jpg", data=picture(), headers=KEY | {"Content-Type": "image/jpeg"}
    ) as answer:
        assert answer.status == 201, await answer.text()
        uploaded = await answer.json()
    await act("reply", {"message": {"type": "picture", "media": uploaded["url"], "text": "me"}})

    async def kept() -> Any:
        message = await newest("image")
        return message if message and message["media"] and message["media"]["status"] != "waiting" else None

    message = await until(kept)
    assert (message["media"]["status"], message["media"]["id"]) == ("hosted", uploaded["id"])
