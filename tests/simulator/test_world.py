"""The simulated world's own API, and the agenda that everything in it hangs on."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.clock import ManualClock
from tests.simulator.serving import SERVICE, Rig
from tyrian.simulator.agenda import Agenda
from tyrian.simulator.handsets import Handsets, Line, Via
from tyrian.simulator.quirks import Quirks

NUMBER = "+385991234502"
CHAT = {"via": "business", "sender": str(SERVICE)}


async def call(rig: Rig, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    raw = None if body is None else msgspec.json.encode(body)
    async with rig.http.request(method, f"{rig.url}/sim/world{path}", data=raw) as response:
        return response.status, msgspec.json.decode(await response.read() or b"null")


async def received(rig: Rig, number: str = NUMBER) -> None:
    await rig.business(number.removeprefix("+"))
    await rig.clock.advance(1)
    await rig.webhook.next()


async def test_the_world_in_short(rig: Rig) -> None:
    status, about = await call(rig, "GET", "")
    assert status == 200
    assert about["services"] == [{"id": SERVICE, "callback_url": rig.webhook.url}]
    assert about["bots"][0]["uri"] == "demobot"
    assert about["smsc"]["port"] == rig.world.smsc_port > 0
    assert "token" not in str(about)


async def test_handsets_are_listed_newest_first_and_can_be_searched(rig: Rig) -> None:
    for seq, digits in enumerate(("02", "12", "22")):
        await rig.business(f"3859912345{digits}", seq)
    _, listed = await call(rig, "GET", "/handsets?limit=2")
    assert [handset["address"] for handset in listed["handsets"]] == ["+385991234522", "+385991234512"]
    assert listed["total"] == 3
    _, found = await call(rig, "GET", "/handsets?q=12345%2B")
    assert found["total"] == 0
    _, found = await call(rig, "GET", "/handsets?q=%2B38599123450")
    assert [handset["last_text"] for handset in found["handsets"]] == ["hello"]


async def test_one_handset_with_its_messages(rig: Rig) -> None:
    await received(rig)
    status, handset = await call(rig, "GET", f"/handsets/{NUMBER[1:]}")
    assert status == 200
    (message,) = handset["messages"]
    assert message["line"] == CHAT
    assert message["text"] == "hello"
    assert message["content"]["message"]["#txt"] == "hello"
    assert message["delivered_at"] == "2026-01-01T12:00:00.200000Z"
    assert message["seen_at"] is None
    assert handset["behaviour"]["viber"]["receipts"] == [{"kind": "delivered", "after": 0.2}]


async def test_acting_as_a_person(rig: Rig) -> None:
    await received(rig)
    path = f"/handsets/{NUMBER}"
    assert (await call(rig, "POST", f"{path}/reply", {"text": "yes"}))[0] == 200
    assert (await rig.webhook.next()).json["message"]["text"] == "yes"
    picture = {"type": "picture", "media": "https://cdn.example/a.jpg"}
    assert (await call(rig, "POST", f"{path}/reply", {"message": picture, **CHAT}))[0] == 200
    assert (await rig.webhook.next()).json["message"]["media"] == picture["media"]
    assert await call(rig, "POST", f"{path}/seen") == (200, {"seen": 1})
    assert (await rig.webhook.next()).json["message_status"] == 1
    for act, status in (("block", 5), ("unblock", 4), ("unsubscribe", 5), ("subscribe", 4)):
        assert await call(rig, "POST", f"{path}/{act}", CHAT) == (200, {})
        assert (await rig.webhook.next()).json["message_status"] == status


async def test_pressing_and_opening(rig: Rig) -> None:
    keyboard = {"Type": "keyboard", "Buttons": [{"ActionBody": "a", "Text": "A"}]}
    await rig.send_text(NUMBER, keyboard=keyboard)
    await rig.clock.advance(1)
    await rig.webhook.next()
    path = f"/handsets/{NUMBER}"
    assert await call(rig, "POST", f"{path}/press", {"button": 0}) == (200, {"sent": {"type": "text", "text": "a"}})
    assert await rig.events(1) == ["message"]
    bot = {"via": "bot", "sender": "demobot"}
    assert await call(rig, "POST", f"{path}/open", {**bot, "context": "c"}) == (200, {})
    assert await rig.events(1) == ["conversation_started"]


async def test_scripting_a_number(rig: Rig) -> None:
    path = f"/handsets/{NUMBER}/script"
    script = {"network": "viber", "behaviour": {"answer": "refuse", "status": 10}}
    status, handset = await call(rig, "PUT", path, script)
    assert (status, handset["behaviour"]["viber"]["status"]) == (200, 10)
    assert (await rig.business(NUMBER[1:]))["status"] == 10
    await call(rig, "PUT", path, {"network": "viber", "behaviour": None})
    assert (await rig.business(NUMBER[1:]))["status"] == 0


async def test_switches(rig: Rig) -> None:
    assert await call(rig, "GET", "/switches") == (200, msgspec.to_builtins(Quirks()))
    status, now = await call(rig, "PATCH", "/switches", {"devices": 2, "strict_tls": True})
    assert (status, now["devices"], now["strict_tls"], now["already_sent"]) == (200, 2, True, True)
    assert rig.quirks.devices == 2
    assert (await call(rig, "PATCH", "/switches", {"devices": 1}))[1]["strict_tls"] is True
    assert await call(rig, "POST", "/reset") == (200, {})
    assert rig.quirks == Quirks()


async def test_callbacks_can_be_read(rig: Rig) -> None:
    await received(rig)
    await rig.world.ground.callbacks.settled()
    _, listed = await call(rig, "GET", "/callbacks?limit=1")
    (callback,) = listed["callbacks"]
    assert (callback["event"], callback["status"], callback["tries"]) == ("delivered", 200, 1)
    assert msgspec.json.decode(callback["body"])["message_status"] == 0


async def test_the_table_can_be_read(rig: Rig) -> None:
    _, listed = await call(rig, "GET", "/behaviours")
    assert len(listed["behaviours"]) == 11
    assert listed["behaviours"]["04"]["viber"]["answer"] == "not_a_user"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/handsets/+385990000000", None, 404, "not been used yet"),
        ("GET", "/handsets?limit=0", None, 400, "`limit`"),
        ("GET", "/handsets?limit=x", None, 400, "`limit`"),
        ("PATCH", "/switches", {"device": 1}, 400, "device"),
        ("PATCH", "/switches", {"devices": 0}, 400, "$.devices"),
        ("PATCH", "/switches", [1], 400, "Expected `object`"),
        ("POST", f"/handsets/{NUMBER}/reply", {}, 400, "`text` or `message`"),
        ("POST", f"/handsets/{NUMBER}/reply", {"text": ""}, 400, "$.text"),
        ("POST", f"/handsets/{NUMBER}/reply", {"text": "x"}, 404, "has received nothing yet"),
        ("POST", f"/handsets/{NUMBER}/reply", {"text": "x", "via": "sms"}, 400, "both"),
        ("POST", f"/handsets/{NUMBER}/reply", {"text": "x", "via": "fax", "sender": "a"}, 400, "$.via"),
        ("POST", f"/handsets/{NUMBER}/reply", {"text": "x", "via": "bot", "sender": "a"}, 404, "no bot"),
        ("POST", f"/handsets/{NUMBER}/press", {"button": 0, **CHAT}, 404, "no message"),
        ("POST", f"/handsets/{NUMBER}/open", {}, 400, "whose chat"),
        ("PUT", f"/handsets/{NUMBER}/script", {"network": "fax"}, 400, "$.network"),
    ],
)
async def test_refusals(rig: Rig, method: str, path: str, body: Any, status: int, words: str) -> None:
    found, answer = await call(rig, method, path, body)
    assert found == status
    assert words in answer["error"]


# -- Handsets and the agenda ------------------------------------------------------------------------------------------


def test_the_oldest_handsets_and_messages_go_first() -> None:
    handsets = Handsets(ManualClock().now, keep_messages=2, keep_handsets=2)
    first = handsets.of("+385991234501")
    handsets.of("+385991234502")
    assert handsets.of("385991234501") is first
    handsets.of("+385991234503")
    assert handsets.find("+385991234501") is None
    assert len(handsets) == 2
    for ref in "abc":
        first.accept(Line(Via.SMS, "Shop"), ref, {}, ManualClock().now())
    assert [message.ref for message in first.messages] == ["b", "c"]


async def test_the_agenda_keeps_the_order_of_time() -> None:
    clock = ManualClock()
    done: list[float] = []
    agenda = Agenda(clock)
    agenda.start()
    for seconds in (5, 1, 3):
        agenda.after(seconds, done.append, seconds)
    await clock.advance(2)
    assert done == [1]
    agenda.after(0.5, done.append, 0.5)
    await clock.advance(1)
    assert done == [1, 0.5, 3]
    agenda.clear()
    await clock.advance(10)
    assert done == [1, 0.5, 3]
    await agenda.stop()


async def test_a_failing_action_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    clock, done = ManualClock(), asyncio.Event()
    agenda = Agenda(clock)
    agenda.start()
    agenda.after(1, _fail)
    agenda.after(1, done.set)
    await clock.advance(2)
    assert done.is_set()
    assert "failed" in caplog.text
    await agenda.stop()


def _fail() -> None:
    raise ValueError
