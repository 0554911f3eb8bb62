"""The table of test numbers, row by row, on each network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from tests.protocols.smpp.world import Sink, until
from tests.simulator.serving import TOKEN, Rig
from tyrian.domain.content import Text
from tyrian.domain.purpose import Purpose
from tyrian.engine.ports import Channel, Outgoing, Refused, Retry, Sent, Tools
from tyrian.protocols.smpp.connector import SmppConnector
from tyrian.simulator.behaviour import TABLE, Answer, Behaviour, Kind, Network, Step, row_of

PREFIX = "3859912345"
STATUSES = {0: "delivered", 1: "seen", 2: "expired"}


def test_the_table_has_the_eleven_rows_of_the_documentation() -> None:
    assert list(TABLE) == [f"{n:02}" for n in range(1, 12)]


@pytest.mark.parametrize(
    ("address", "row"),
    [
        ("+385991234504", "04"),
        ("+385991234512", "01"),
        ("+385991234500", "01"),
        ("user04==", "04"),
        ("01234567890A=", "01"),
        ("04", "04"),
        ("", "01"),
        ("==", "01"),
    ],
)
def test_the_last_two_digits_choose(address: str, row: str) -> None:
    assert row_of(address) == TABLE[row]


@pytest.mark.parametrize(
    ("digits", "receipts"),
    [
        ("01", [(0.2, "delivered"), (1.2, "seen")]),
        ("77", [(0.2, "delivered"), (1.2, "seen")]),
        ("02", [(0.2, "delivered")]),
        ("06", [(1.2, "seen")]),
        ("07", [(630, "delivered")]),
        ("09", [(605, "expired")]),
        ("10", [(605, "expired")]),
    ],
)
async def test_business_receipts(rig: Rig, digits: str, receipts: list[tuple[float, str]]) -> None:
    start = rig.clock.now().timestamp()
    answer = await rig.business(PREFIX + digits)
    assert answer["status"] == 0
    await rig.clock.advance(3 * 86_400)
    came = []
    for hit in await rig.webhook.take(len(receipts)):
        assert hit.json["message_token"] == answer["message_token"]
        assert hit.json["phone_number"] == PREFIX + digits
        assert hit.json["service_id"] == 1001
        at = round(hit.json["message_time"] / 1000 - start, 1)
        came.append((at, STATUSES[hit.json["message_status"]]))
    assert sorted(came) == receipts
    assert rig.webhook.hits.empty()


@pytest.mark.parametrize(("ttl", "after"), [(120, 150), (600, 630), (1200, 630), (None, 630)])
async def test_number_07_is_late_for_whatever_patience_the_sender_has(rig: Rig, ttl: int | None, after: float) -> None:
    await rig.business(f"{PREFIX}07", ttl=ttl)
    await rig.clock.advance(after - 0.1)
    assert rig.world.handset(f"{PREFIX}07").messages[-1].delivered_at is None
    await rig.clock.advance(0.2)
    assert rig.world.handset(f"{PREFIX}07").messages[-1].delivered_at is not None
    assert (await rig.webhook.next()).json["message_status"] == 0


@pytest.mark.parametrize(("digits", "status"), [("04", 9), ("05", 8)])
async def test_business_refusals(rig: Rig, digits: str, status: int) -> None:
    assert await rig.business(PREFIX + digits, seq=7) == {"status": status, "seq": 7}
    assert not rig.world.handset(PREFIX + digits).messages


@pytest.mark.parametrize(
    ("digits", "status", "receipts"),
    [
        ("01", 0, ["delivered", "seen"]),
        ("02", 0, ["delivered"]),
        ("04", 5, []),
        ("05", 6, []),
        ("06", 0, ["seen"]),
        ("07", 0, ["delivered"]),
        ("09", 0, []),
        ("10", 0, []),
    ],
)
async def test_bot(rig: Rig, digits: str, status: int, receipts: list[str]) -> None:
    person = f"+{PREFIX}{digits}"
    answer = await rig.send_text(person)
    assert answer["status"] == status
    await rig.clock.advance(700)
    hits = await rig.webhook.take(len(receipts))
    assert sorted(hit.event for hit in hits) == receipts
    assert all(hit.json["user_id"] == person for hit in hits)
    assert all(hit.json["message_token"] == answer["message_token"] for hit in hits)
    assert rig.webhook.hits.empty()


SENDS: dict[str, Any] = {
    "/pa/send_message": {"type": "text", "text": "hello"},
    "/vibersrvc/1/send_message": {
        "service_id": 1001,
        "seq": 1,
        "type": 206,
        "label": "transaction",
        "message": {"#txt": "hello", "#tracking_data": ""},
    },
}


def send_body(path: str, digits: str) -> dict[str, Any]:
    return {**SENDS[path], "receiver": PREFIX + digits, "dest": PREFIX + digits, "auth_token": TOKEN}


@pytest.mark.parametrize("path", SENDS)
async def test_number_08_answers_500_twice_and_then_accepts(rig: Rig, path: str) -> None:
    statuses = []
    for _ in range(3):
        async with rig.http.post(rig.url + path, json=send_body(path, "08")) as response:
            statuses.append(response.status)
    assert statuses == [500, 500, 200]
    assert len(rig.world.handset(f"{PREFIX}08").messages) == 1
    await rig.clock.advance(10)
    await rig.webhook.take(2)


@pytest.mark.parametrize("path", SENDS)
async def test_number_03_takes_the_send_and_never_answers(rig: Rig, path: str) -> None:
    sending = asyncio.create_task(_post(rig, path, send_body(path, "03")))
    await until(lambda: rig.world.handset(f"{PREFIX}03").messages)
    await rig.clock.advance(86_400)
    assert not sending.done()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert len(rig.world.handset(f"{PREFIX}03").messages) == 1
    assert rig.webhook.hits.empty()


async def test_a_held_send_is_let_go_when_the_world_stops(rig: Rig) -> None:
    path = "/pa/send_message"
    sending = asyncio.create_task(_post(rig, path, send_body(path, "03")))
    await until(lambda: rig.world.handset(f"{PREFIX}03").messages)
    await rig.world.stop()
    assert await sending == 503


async def _post(rig: Rig, path: str, body: dict[str, Any]) -> int:
    async with rig.http.post(rig.url + path, json=body, timeout=aiohttp.ClientTimeout()) as response:
        return response.status


@pytest.mark.parametrize(("via", "event"), [("business", "delivered"), ("bot", "delivered")])
async def test_number_11_answers_every_message_with_an_echo(rig: Rig, via: str, event: str) -> None:
    for text in ("one", "two"):
        if via == "bot":
            await rig.send_text(f"+{PREFIX}11", text, tracking_data="t-1")
        else:
            message = {"#txt": text, "#tracking_data": "t-1"}
            await rig.business(f"{PREFIX}11", seq=len(text) + ord(text[0]), message=message)
        await rig.clock.advance(2)
        hits = await rig.webhook.take(3)
        said = next(hit.json["message"] for hit in hits if "message" in hit.json)
        assert said["text"] == f"echo: {text}"
        assert said["tracking_data"] == "t-1"


async def test_a_script_beats_the_digits_until_it_is_taken_away(rig: Rig) -> None:
    number = f"{PREFIX}01"
    rig.world.script(number, Network.VIBER, Behaviour(answer=Answer.REFUSE, status=10))
    assert (await rig.business(number, 1))["status"] == 10
    rig.world.script(number, Network.VIBER, Behaviour(receipts=(Step(Kind.EXPIRED, 3),)))
    assert (await rig.business(number, 2))["status"] == 0
    await rig.clock.advance(5)
    assert (await rig.webhook.next()).json["message_status"] == 2
    rig.world.script(number, Network.VIBER, None)
    await rig.business(number, 3)
    await rig.clock.advance(5)
    assert {hit.json["message_status"] for hit in await rig.webhook.take(2)} == {0, 1}


# -- SMS --------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def bound(rig: Rig) -> AsyncIterator[tuple[SmppConnector, Sink]]:
    """The gateway's own SMPP connector, bound to the world's message centre."""
    config = {"host": "127.0.0.1", "port": rig.world.smsc_port, "system_id": "tyrian", "sender": "TyrianDemo"}
    sink = Sink()
    channel = Channel(1, 1, "sms", "smpp", config, {"password": "tyrian"})
    connector = SmppConnector(channel, Tools(rig.clock, sink, "http://127.0.0.1"))
    await connector.start()
    try:
        await until(lambda: rig.world.sms.smsc.bound)
        yield connector, sink
    finally:
        rig.world.sms.smsc.cut()
        await connector.close()


def sms(digits: str, text: str = "hello") -> Outgoing:
    return Outgoing(uuid4(), uuid4(), f"+{PREFIX}{digits}", Text(text=text), Purpose.TRANSACTIONAL, 3600)


@pytest.mark.parametrize("digits", ["01", "02", "04", "05", "06", "07", "09", "99"])
async def test_sms_delivered(rig: Rig, digits: str) -> None:
    async with bound(rig) as (connector, sink):
        result = await connector.send(sms(digits))
        assert isinstance(result, Sent)
        await until(lambda: rig.world.handset(PREFIX + digits).messages)
        await rig.clock.advance(0.3)
        await until(lambda: sink.receipts_seen)
        assert [(r.ref, r.kind.value) for r in sink.receipts_seen] == [(result.ref, "delivered")]
        assert rig.world.handset(PREFIX + digits).messages[-1].content["text"] == "hello"


async def test_number_10_gets_no_sms_either(rig: Rig) -> None:
    async with bound(rig) as (connector, sink):
        assert isinstance(await connector.send(sms("10")), Sent)
        await until(lambda: rig.world.handset(f"{PREFIX}10").messages)
        await rig.clock.advance(0.3)
        await until(lambda: sink.receipts_seen)
        assert sink.receipts_seen[0].kind.value == "failed"
        assert "stat:UNDELIV" in (sink.receipts_seen[0].raw or "")


async def test_number_08_is_refused_twice_by_the_message_centre(rig: Rig) -> None:
    async with bound(rig) as (connector, _):
        results = [await connector.send(sms("08")) for _ in range(3)]
        assert [type(result) for result in results[2:]] == [Sent]
        assert all(isinstance(result, Retry | Refused) for result in results[:2])


async def test_number_03_takes_an_sms_and_never_answers(rig: Rig) -> None:
    async with bound(rig) as (connector, sink):
        sending = asyncio.create_task(connector.send(sms("03")))
        await until(lambda: rig.world.handset(f"{PREFIX}03").messages)
        assert not sending.done()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert not sink.receipts_seen


async def test_number_11_texts_back_once_for_a_message_of_many_parts(rig: Rig) -> None:
    text = "long " * 80
    async with bound(rig) as (connector, sink):
        assert isinstance(await connector.send(sms("11", text)), Sent)
        await until(lambda: rig.world.handset(f"{PREFIX}11").messages)
        await rig.clock.advance(2)
        await until(lambda: sink.inbound_seen)
        assert [i.content.text for i in sink.inbound_seen if isinstance(i.content, Text)] == [f"echo: {text}"]
        assert sink.inbound_seen[0].sender == f"+{PREFIX}11"
        received = rig.world.handset(f"{PREFIX}11").messages[-1]
        assert received.content["parts"] == 3
