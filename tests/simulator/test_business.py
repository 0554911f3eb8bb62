"""The business interface: what is taken, what is refused and with which number, sessions, and what people do."""

from typing import Any

import pytest

from tests.simulator.serving import SECRET, SERVICE, Rig, business_text, rig as make_rig
from tyrian.simulator.callbacks import signature
from tyrian.simulator.handsets import Line, Via
from tyrian.simulator.services import OTP_TEMPLATES, Template
from tyrian.simulator.settings import WorldSettings

NUMBER = "385991234502"
LINE = Line(Via.BUSINESS, str(SERVICE))
URL = "https://cdn.example/a.jpg"
BUTTON = {"#txt": "Sale", "#caption": "Open", "#action": "https://shop.example"}
FILE = {"#fileName": "a.pdf", "#media": "https://cdn.example/a.pdf"}
FILE_FACTS = {"file_type": "pdf", "file_size": 1000}
VIDEO_FACTS = {"file_size": 1000, "duration": 10}
CARD = {"title": "Shoes", "imageUrl": URL, "primaryButton": {"label": "Buy", "actionUrl": URL}}
OPTIONS = {"list_message_ui_type": 2, "options": ["yes", "no"]}
TRACKED = {"#tracking_data": "t"}
OTP = next(iter(OTP_TEMPLATES))


def typed(kind: int, message: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    body = {"type": kind, **more}
    return body if message is None else {**body, "message": message}


@pytest.mark.parametrize(
    "change",
    [
        typed(6, {"#txt": "x" * 1000}),
        typed(106, {"#txt": "x"}),
        typed(206, {"#txt": "x", "#tracking_data": ""}),
        typed(225, {"#txt": "x", **TRACKED}, label="promotion"),
        typed(7, {"#img": URL}),
        typed(207, {"#img": URL, "#imageFormat": "gif", **TRACKED}),
        typed(9, BUTTON),
        typed(209, BUTTON | TRACKED),
        typed(208, {**BUTTON, "#img": URL, **TRACKED}),
        typed(108, {"#txt": "x", "#img": URL, "#caption": "", "#action": ""}),
        typed(220, FILE | TRACKED, **FILE_FACTS),
        typed(223, FILE, **FILE_FACTS),
        typed(230, {"#action": URL, "#thumbnail": URL, **TRACKED}, **VIDEO_FACTS),
        typed(233, {**BUTTON, "#media": URL, **TRACKED}, **VIDEO_FACTS),
        typed(801, {"#txt": "Shall we?", **TRACKED}, survey=OPTIONS),
        typed(901, {"#txt": "New", **TRACKED}, carousel={"items": [CARD, CARD]}),
        typed(1702, templateId=OTP, templateLang="hr", templateParams={"pin": "1234"}),
        typed(1701, templateId="any", templateParams={"name": "Ann"}),
        {"ttl": None},
        {"ttl": 30},
        {"ttl": 1_209_600, "tag": "spring"},
    ],
)
async def test_takes(rig: Rig, change: dict[str, Any]) -> None:
    answer = await rig.business(NUMBER, 5, **change)
    assert answer["status"] == 0
    assert answer["seq"] == 5
    assert int(answer["message_token"]) > 2**53
    await rig.clock.advance(1)
    assert (await rig.webhook.next()).json["message_token"] == answer["message_token"]
    assert rig.world.handset(NUMBER).messages[-1].content == business_text(NUMBER, 5) | change


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"service_id": 7}, 2),
        ({"service_id": "1001"}, 2),
        ({"type": 5}, 5),
        ({"type": "206"}, 5),
        ({"seq": "1"}, 6),
        ({"dest": "+385991234501"}, 27),
        ({"dest": "12"}, 27),
        ({"dest": 385991234501}, 27),
        ({"ttl": 29}, 20),
        ({"ttl": 1_209_601}, 20),
        ({"label": "news"}, 18),
        ({"label": None}, 18),
        ({"message": None}, 6),
        ({"message": {"#txt": 1}}, 6),
        (typed(206, {"#txt": "x" * 1001, **TRACKED}), 3),
        (typed(206, {"#txt": "x"}), 6),
        (typed(9, BUTTON | TRACKED), 6),
        (typed(209, {"#txt": "x", **TRACKED}), 6),
        (typed(209, {**BUTTON, "#caption": "x" * 31, **TRACKED}), 6),
        (typed(7, {"#img": "x" * 1001}), 6),
        (typed(206, {"#txt": "x", "#imageFormat": "gif", **TRACKED}), 6),
        (typed(223, {"#fileName": "a.pdf"}, **FILE_FACTS), 6),
        (typed(223, FILE | {"#fileName": "x" * 26}, **FILE_FACTS), 29),
        (typed(223, FILE, file_type="exe", file_size=1), 28),
        (typed(223, FILE, file_type="pdf", file_size=209_715_201), 31),
        (typed(230, {"#action": URL, **TRACKED}, file_size=1), 32),
        (typed(230, {"#action": URL, **TRACKED}, duration=601, file_size=1), 32),
        (typed(230, {"#action": URL, **TRACKED}, duration=600), 31),
        (typed(230, {"#action": URL, "#thumbnail": "x" * 1001, **TRACKED}, **VIDEO_FACTS), 30),
        (typed(801, {"#txt": "x", "#tracking_data": ""}, survey=OPTIONS), 6),
        (typed(801, {"#txt": "x", **TRACKED}), 40),
        (typed(801, {"#txt": "x" * 86, **TRACKED}, survey=OPTIONS), 40),
        (typed(801, {"#txt": "x", **TRACKED}, survey={**OPTIONS, "options": ["one"]}), 40),
        (typed(801, {"#txt": "x", **TRACKED}, survey={**OPTIONS, "options": ["x" * 51, "y"]}), 40),
        (typed(901, {"#txt": "x", **TRACKED}, carousel={"items": [CARD]}), 41),
        (typed(901, {"#txt": "x", **TRACKED}, carousel={"items": [CARD, {**CARD, "title": "x"}]}), 41),
        (typed(901, {"#txt": "x", **TRACKED}, carousel={"items": [CARD, {**CARD, "imageUrl": ""}]}), 41),
        (typed(1702, templateId=""), 38),
        (typed(1702, templateId=OTP, templateParams={}), 7),
        (typed(1702, templateId="any", templateParams={"a": "x" * 126}), 39),
        (typed(1702, templateId="any", templateParams={"a": "https://example.org"}), 39),
        (typed(306, {"#txt": "x", **TRACKED}), 17),
    ],
)
async def test_refuses(rig: Rig, change: dict[str, Any], status: int) -> None:
    answer = await rig.post("/vibersrvc/1/send_message", business_text(NUMBER) | change)
    assert answer["status"] == status
    assert not rig.world.handset(NUMBER).messages


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"x" * 1_000_001])
async def test_bodies_that_are_none(rig: Rig, body: bytes) -> None:
    assert await rig.post("/vibersrvc/1/send_message", body) == {"status": 3}


async def test_a_service_with_templates_takes_only_those(rig: Rig) -> None:
    template = Template(id="order", parameters=frozenset({"name"}), languages=frozenset({"hr"}))
    rig.world.register_template(SERVICE, template)
    good = typed(1702, templateId="order", templateLang="hr", templateParams={"name": "Ann"})
    assert (await rig.business(NUMBER, 1, **good))["status"] == 0
    assert (await rig.business(NUMBER, 2, **good | {"templateId": "other"}))["status"] == 38
    assert (await rig.business(NUMBER, 3, **good | {"templateLang": "de"}))["status"] == 39
    assert (await rig.business(NUMBER, 4, **good | {"templateParams": {}}))["status"] == 39


async def test_the_same_seq_is_already_sent(rig: Rig) -> None:
    assert (await rig.business(NUMBER, 1))["status"] == 0
    assert await rig.business("385991234501", 1) == {"status": 12, "seq": 1}
    rig.quirks.already_sent = False
    assert (await rig.business(NUMBER, 1))["status"] == 0
    assert len(rig.world.handset(NUMBER).messages) == 2


async def test_a_blocked_service(rig: Rig) -> None:
    rig.world.cloud.business.services[SERVICE].refused = 43
    assert (await rig.business(NUMBER))["status"] == 43


@pytest.mark.parametrize(("quirk", "status"), [("unauthorized_ip", 11), ("refuse_legacy_text", 4)])
async def test_switches_that_refuse(rig: Rig, quirk: str, status: int) -> None:
    setattr(rig.quirks, quirk, True)
    assert (await rig.business(NUMBER))["status"] == status


async def test_receipts_are_signed_with_the_services_secret(rig: Rig) -> None:
    await rig.business(NUMBER)
    await rig.clock.advance(1)
    hit = await rig.webhook.next()
    assert hit.headers["x-viber-content-signature"] == signature(SECRET, hit.body)
    assert hit.headers["content-type"] == "application/json"


async def test_without_a_secret_receipts_are_not_signed(rig: Rig) -> None:
    rig.world.register_service(SERVICE, rig.webhook.url)
    await rig.business(NUMBER)
    await rig.clock.advance(1)
    hit = await rig.webhook.next()
    assert "x-viber-content-signature" not in hit.headers
    assert "sig" not in hit.query


# -- Sessions ---------------------------------------------------------------------------------------------------------


def session_text(seq: int) -> dict[str, Any]:
    return typed(306, {"#txt": "x", **TRACKED}, seq=seq)


async def test_a_session_lasts_24_hours_from_the_persons_message(rig: Rig) -> None:
    handset = rig.world.handset(NUMBER)
    handset.reply("hi", LINE)
    answer = await rig.business(NUMBER, **session_text(1))
    assert answer["status"] == 0
    assert answer["session_id"]
    await rig.clock.advance(24 * 3600 - 1)
    assert (await rig.business(NUMBER, **session_text(2)))["status"] == 0
    await rig.clock.advance(1)
    assert (await rig.business(NUMBER, **session_text(3)))["status"] == 17


async def test_ten_unanswered_and_sixty_in_all() -> None:
    async with make_rig(WorldSettings(unanswered_limit=10)) as rig:
        handset = rig.world.handset(NUMBER)
        statuses = []
        for start in range(0, 70, 10):
            handset.reply("more", LINE)
            statuses += [(await rig.business(NUMBER, **session_text(start + n)))["status"] for n in range(10)]
            if start == 0:
                assert (await rig.business(NUMBER, **session_text(999)))["status"] == 21
        assert statuses == [0] * 70  # The message after the sixtieth opened a new session.


async def test_after_sixty_messages_the_session_is_used_up() -> None:
    async with make_rig(WorldSettings(unanswered_limit=100)) as rig:
        rig.world.handset(NUMBER).reply("hi", LINE)
        statuses = [(await rig.business(NUMBER, **session_text(n)))["status"] for n in range(61)]
        assert statuses == [0] * 60 + [17]


# -- People -----------------------------------------------------------------------------------------------------------


async def test_what_a_person_writes(rig: Rig) -> None:
    await rig.business(NUMBER)
    await rig.clock.advance(1)
    await rig.webhook.next()
    rig.world.handset(NUMBER).reply("yes")
    said = (await rig.webhook.next()).json
    assert said["message"] == {"text": "yes", "tracking_data": "t-1"}
    assert said["phone_number"] == NUMBER
    assert said["service_id"] == SERVICE
    assert said["time"] == int(rig.clock.now().timestamp())
    rig.world.handset(NUMBER).say({"type": "picture", "media": URL})
    assert (await rig.webhook.next()).json["message"] == {
        "media": URL,
        "file_name": "a.jpg",
        "tracking_data": "t-1",
    }


async def test_blocking_and_unblocking(rig: Rig) -> None:
    await rig.business(NUMBER, 1)
    await rig.clock.advance(1)
    await rig.webhook.next()
    handset = rig.world.handset(NUMBER)
    handset.block()
    assert (await rig.webhook.next()).json["message_status"] == 5
    assert (await rig.business(NUMBER, 2))["status"] == 8
    handset.unblock()
    assert (await rig.webhook.next()).json["message_status"] == 4
    assert (await rig.business(NUMBER, 3))["status"] == 0


async def test_a_person_who_blocked_the_sender_and_writes_to_it_is_reached_again(rig: Rig) -> None:
    blocked = "385991234505"
    assert (await rig.business(blocked, 1))["status"] == 8
    rig.world.handset(blocked).reply("hello?", LINE)
    assert (await rig.business(blocked, 2))["status"] == 0


async def test_reading_reports_each_message_once(rig: Rig) -> None:
    tokens = [(await rig.business(NUMBER, seq))["message_token"] for seq in (1, 2)]
    await rig.clock.advance(1)
    await rig.webhook.take(2)
    handset = rig.world.handset(NUMBER)
    assert len(handset.seen()) == 2
    seen = [hit.json for hit in await rig.webhook.take(2)]
    assert sorted(hit["message_token"] for hit in seen) == sorted(tokens)
    assert {hit["message_status"] for hit in seen} == {1}
    assert handset.seen() == []


async def test_a_list_is_answered_by_a_tap(rig: Rig) -> None:
    await rig.business(NUMBER, **typed(801, {"#txt": "Shall we?", **TRACKED}, survey=OPTIONS))
    await rig.clock.advance(1)
    await rig.webhook.next()
    assert rig.world.handset(NUMBER).press("no") == {"type": "text", "text": "no"}
    assert (await rig.webhook.next()).json["message"]["text"] == "no"
