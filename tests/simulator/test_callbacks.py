"""How callbacks are signed, repeated and bent by the switches."""

import asyncio
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.clock import ManualClock
from tests.protocols.smpp.world import until
from tests.simulator.serving import TOKEN, Hit, Rig, Webhook, business_text, rig as make_rig, serving
from tyrian.simulator.agenda import Agenda
from tyrian.simulator.behaviour import Answer, Behaviour, Network
from tyrian.simulator.callbacks import RETRIES, signature
from tyrian.simulator.handsets import Line, Via
from tyrian.simulator.quirks import Quirks
from tyrian.simulator.settings import WorldSettings
from tyrian.simulator.tokens import Tokens

#: Gets messages and never reads them, so that only `delivered` comes.
PERSON = "user02=="
NUMBER = "385991234501"
LINE = Line(Via.BOT, "demobot")
VECTOR_TOKEN = "0000000000000000-0000000000000000-0000000000000000"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            '{"event":"webhook","timestamp":1457764197627,"message_token":241256543215}',
            "affdc2d61c0beffae360a83fa66459cb69b3067ee60aa711572f6982d9152267",
        ),
        ('{"t":"Привет 😀"}', "09c6f64afc5b3c39028906e85b2154d2fc1fdaba11959ec48d582e949e80960b"),
    ],
)
def test_signatures_as_stock_clients_compute_them(body: str, expected: str) -> None:
    assert signature(VECTOR_TOKEN, body.encode()) == expected


async def deliver(rig: Rig) -> dict[str, Any]:
    """Send one bot message and bring it to the phone; returns the answer."""
    answer: dict[str, Any] = await rig.send_text(PERSON)
    await rig.clock.advance(0.5)
    return answer


async def test_the_signature_comes_in_the_header_and_in_the_query(rig: Rig) -> None:
    await deliver(rig)
    hit = await rig.webhook.next()
    assert hit.query == {"sig": signature(TOKEN, hit.body)}
    assert hit.headers["x-viber-content-signature"] == hit.query["sig"]


async def test_each_place_of_the_signature_can_be_left_out(rig: Rig) -> None:
    rig.quirks.header_signature = False
    await deliver(rig)
    hit = await rig.webhook.next()
    assert "x-viber-content-signature" not in hit.headers
    assert "sig" in hit.query
    rig.quirks.header_signature, rig.quirks.query_signature = True, False
    await deliver(rig)
    hit = await rig.webhook.next()
    assert "x-viber-content-signature" in hit.headers
    assert hit.query == {}


async def test_bad_signatures_and_garbage(rig: Rig) -> None:
    rig.quirks.bad_signature = True
    await deliver(rig)
    hit = await rig.webhook.next()
    assert hit.query["sig"] != signature(TOKEN, hit.body)
    rig.turn_off()
    rig.quirks.garbage_callbacks = True
    await deliver(rig)
    hit = await rig.webhook.next()
    assert hit.query["sig"] == signature(TOKEN, hit.body)
    with pytest.raises(msgspec.DecodeError):
        _ = hit.json


# -- Repeats ----------------------------------------------------------------------------------------------------------


async def test_repeats_for_up_to_an_hour_with_the_same_bytes(rig: Rig) -> None:
    rig.webhook.answer = lambda hit: (503, b"")
    await rig.send_text(PERSON)
    await rig.clock.advance(0.5)
    hits = [await rig.webhook.next()]
    for seconds in RETRIES:
        await rig.world.ground.callbacks.settled()
        await rig.clock.advance(seconds - 1)
        assert rig.webhook.hits.empty()
        await rig.clock.advance(1)
        hits.append(await rig.webhook.next())
    await rig.world.ground.callbacks.settled()
    await rig.clock.advance(7 * 86_400)
    assert rig.webhook.hits.empty()
    assert sum(RETRIES) < 3600
    assert len({(hit.body, hit.query["sig"]) for hit in hits}) == 1
    assert rig.world.callbacks[-1].tries == len(RETRIES) + 1
    assert rig.world.callbacks[-1].status == 503


async def test_a_200_ends_the_repeats(rig: Rig) -> None:
    answers = iter([(500, b""), (204, b""), (200, b"")])
    rig.webhook.answer = lambda hit: next(answers)
    await deliver(rig)
    for seconds in (10, 60):
        await rig.webhook.next()
        await rig.world.ground.callbacks.settled()
        await rig.clock.advance(seconds)
    await rig.webhook.next()
    await rig.world.ground.callbacks.settled()
    assert rig.world.callbacks[0].tries == 3


async def test_without_repeats_one_try_is_all(rig: Rig) -> None:
    rig.quirks.repeat_callbacks = False
    rig.webhook.answer = lambda hit: (500, b"")
    await deliver(rig)
    await rig.webhook.next()
    await rig.world.ground.callbacks.settled()
    await rig.clock.advance(3600)
    assert [callback.tries for callback in rig.world.callbacks if callback.event == "delivered"] == [1]


async def test_a_reset_ends_what_is_under_way(rig: Rig) -> None:
    rig.webhook.answer = lambda hit: (500, b"")
    await deliver(rig)
    await rig.webhook.next()
    await rig.world.ground.callbacks.settled()
    rig.world.reset()
    await rig.clock.advance(3600)
    assert rig.webhook.hits.empty()
    assert not rig.world.callbacks
    assert len(rig.world.handsets) == 0


# -- Switches of receipts ---------------------------------------------------------------------------------------------


async def statuses(rig: Rig, number: int) -> list[int]:
    """The business statuses in the order of the clock."""
    await rig.business(NUMBER)
    await rig.clock.advance(5)
    hits = [hit.json for hit in await rig.webhook.take(number)]
    return [hit["message_status"] for hit in sorted(hits, key=lambda hit: int(hit["message_time"]))]


@pytest.mark.parametrize(
    ("quirk", "value", "expected"),
    [
        ("devices", 3, [0, 0, 0, 1]),
        ("duplicate_callbacks", True, [0, 0, 1, 1]),
        ("reversed_receipts", True, [1, 0]),
        ("expired_then_delivered", True, [2, 0, 1]),
        ("delivered_then_expired", True, [0, 1, 2]),
    ],
)
async def test_receipts(rig: Rig, quirk: str, value: Any, expected: list[int]) -> None:
    setattr(rig.quirks, quirk, value)
    found = await statuses(rig, len(expected))
    assert found == expected if quirk != "delivered_then_expired" else sorted(found) == expected
    assert rig.webhook.hits.empty()


async def test_early_receipts_come_before_the_answer(rig: Rig) -> None:
    rig.quirks.early_receipts = True
    sending = asyncio.create_task(rig.business(NUMBER))
    hits = await rig.webhook.take(2)
    answer = await sending
    assert {hit.json["message_token"] for hit in hits} == {answer["message_token"]}


async def test_a_bot_hears_of_delivery_on_each_device_and_of_its_own_inbound(rig: Rig) -> None:
    rig.quirks.devices = 2
    answer = await deliver(rig)
    hits = await rig.webhook.take(2)
    assert [(hit.event, hit.json["message_token"]) for hit in hits] == [("delivered", answer["message_token"])] * 2
    rig.quirks.delivered_for_inbound = True
    rig.world.handset(PERSON).reply("hi")
    hits = await rig.webhook.take(2)
    assert {hit.event for hit in hits} == {"message", "delivered"}
    assert len({hit.json["message_token"] for hit in hits}) == 1


async def test_one_seen_for_a_reading_of_many_messages(rig: Rig) -> None:
    tokens = [(await rig.send_text(PERSON))["message_token"] for _ in range(3)]
    await rig.clock.advance(5)
    await rig.webhook.take(3)
    rig.quirks.one_seen_per_reading = True
    assert len(rig.world.handset(PERSON).seen()) == 3
    hit = await rig.webhook.next()
    assert (hit.event, hit.json["message_token"]) == ("seen", tokens[-1])
    await rig.world.ground.callbacks.settled()
    assert rig.webhook.hits.empty()


async def test_stickers_as_numbers_and_as_text(rig: Rig) -> None:
    handset = rig.world.handset(PERSON)
    handset.say({"type": "sticker", "sticker_id": 46105}, LINE)
    assert (await rig.webhook.next()).json["message"]["sticker_id"] == 46105
    rig.quirks.sticker_id_as_string = True
    handset.say({"type": "sticker", "sticker_id": 46105}, LINE)
    assert (await rig.webhook.next()).json["message"]["sticker_id"] == "46105"


# -- Switches of answers ----------------------------------------------------------------------------------------------


async def test_answers_without_words(rig: Rig) -> None:
    rig.quirks.drop_status_message = True
    assert "status_message" not in await rig.send_text(PERSON)
    assert await rig.send_text("+385991234504") == {"status": 5, "chat_hostname": "SN-CHAT-05_"}


async def test_answers_as_plain_text(rig: Rig) -> None:
    rig.quirks.plain_content_type = True
    async with rig.http.post(f"{rig.url}/pa/get_account_info", json={"auth_token": TOKEN}) as response:
        assert response.content_type == "text/plain"


async def test_small_tokens(rig: Rig) -> None:
    rig.quirks.small_tokens = True
    tokens = [(await rig.send_text(PERSON))["message_token"] for _ in range(3)]
    assert all(token < 2**53 for token in tokens)
    assert len(set(tokens)) == 3


async def test_tokens_are_unique_and_grow() -> None:
    tokens = Tokens(Agenda(ManualClock()), Quirks())
    dealt = [tokens.next() for _ in range(10_000)]
    assert dealt == sorted(set(dealt))
    assert dealt[0] > 2**53
    assert dealt[-1] < 2**63


async def test_every_nth_send_meets_a_fault(rig: Rig) -> None:
    rig.quirks.throttle_every = 2
    assert [(await rig.send_text(PERSON))["status"] for _ in range(4)] == [0, 12, 0, 12]
    rig.turn_off()
    rig.quirks.error_every = 1
    path = f"{rig.url}/pa/send_message"
    body = {"receiver": PERSON, "type": "text", "text": "x", "auth_token": TOKEN}
    async with rig.http.post(path, json=body) as response:
        assert response.status == 500
    rig.turn_off()
    rig.quirks.garbage_every = 1
    async with rig.http.post(path, json=body) as response:
        assert response.status == 200
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(await response.read())
    assert len(rig.world.handset(PERSON).messages) == 3


async def test_throttling_on_the_business_interface_is_a_429(rig: Rig) -> None:
    rig.quirks.throttle_every = 1
    async with rig.http.post(f"{rig.url}/vibersrvc/1/send_message", json=business_text(NUMBER)) as response:
        assert response.status == 429


async def test_slow_answers_pass_on_the_worlds_clock(rig: Rig) -> None:
    rig.quirks.answer_delay = 30
    sending = asyncio.create_task(rig.business(NUMBER))
    await until(lambda: rig.world.handset(NUMBER).messages)
    await rig.clock.advance(29)
    assert not sending.done()
    await rig.clock.advance(1)
    assert (await sending)["status"] == 0


async def test_an_answer_that_breaks_off(rig: Rig) -> None:
    rig.world.script(NUMBER, Network.VIBER, Behaviour(answer=Answer.CUT))
    with pytest.raises(aiohttp.ClientPayloadError):
        await rig.business(NUMBER)
    assert rig.world.handset(NUMBER).messages


async def test_header_only_and_sender_name_switches(rig: Rig) -> None:
    rig.quirks.require_sender_name = True
    assert (await rig.send_text(PERSON))["status"] == 4
    assert (await rig.send_text(PERSON, sender={"name": "Shop"}))["status"] == 0
    rig.quirks.require_header_token = True
    assert (await rig.post("/pa/get_account_info", {"auth_token": TOKEN}))["status"] == 2


@pytest.mark.parametrize(
    ("more", "level"),
    [
        ({"ActionType": "share-phone"}, 3),
        ({"TextPaddings": [0, 0, 0, 0]}, 4),
        ({"Frame": {"BorderWidth": 1}}, 6),
    ],
)
async def test_levels_are_checked_when_asked(rig: Rig, more: dict[str, Any], level: int) -> None:
    keyboard = {"Type": "keyboard", "Buttons": [{"ActionBody": "a", "Text": "A", **more}]}
    assert (await rig.send_text(PERSON, keyboard=keyboard))["status"] == 0
    rig.quirks.check_levels = True
    assert (await rig.send_text(PERSON, keyboard=keyboard))["status"] == 14
    assert (await rig.send_text(PERSON, keyboard=keyboard, min_api_version=level - 1))["status"] == 14
    assert (await rig.send_text(PERSON, keyboard=keyboard, min_api_version=level))["status"] == 0


# -- A webhook that is away -------------------------------------------------------------------------------------------


async def test_a_webhook_that_does_not_listen_is_repeated_too(rig: Rig) -> None:
    rig.world.cloud.bots.bots[TOKEN].webhook = "http://127.0.0.1:1/"
    await deliver(rig)
    await rig.world.ground.callbacks.settled()
    callback = rig.world.callbacks[-1]
    assert callback.status is None
    assert callback.error == "java.net.ConnectException: Connection refused"
    await rig.clock.advance(10)
    await until(lambda: callback.tries == 2)


async def test_slow_webhooks_get_it_twice() -> None:
    """As when a handler needs longer than Viber's patience."""
    async with make_rig(WorldSettings(callback_timeout=0.05)) as rig:
        slow = _Slow()
        async with serving(slow) as url:
            rig.world.cloud.bots.bots[TOKEN].webhook = url
            await deliver(rig)
            await slow.hits.get()
            await until(lambda: rig.world.callbacks[0].tries == 1)
            assert rig.world.callbacks[0].error == "java.util.concurrent.TimeoutException: Request timed out"
            await rig.clock.advance(6)
            await slow.hits.get()
            slow.gate.set()


class _Slow(Webhook):
    """Answers once its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.hits.put_nowait(Hit(scope["path"], {}, {}, b""))
        await self.gate.wait()
        await super().__call__(scope, receive, send)
