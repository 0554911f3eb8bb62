"""The Bot API's endpoints: what is taken, what is refused, and with which status and words."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.simulator.serving import TOKEN, Rig, Webhook, rig as make_rig, serving
from tyrian.simulator.handsets import Line, Via
from tyrian.simulator.settings import WorldSettings

PERSON = "user01=="
DAY = timedelta(days=1)
BUTTON = {"ActionType": "reply", "ActionBody": "a", "Text": "A"}
KEYBOARD = {"Type": "keyboard", "Buttons": [BUTTON]}
TEXT = {"type": "text", "text": "hello"}
MEDIA = "https://cdn.example/a.jpg"


def message(kind: str, **members: Any) -> dict[str, Any]:
    return {"type": kind, **members}


@pytest.mark.parametrize(
    "body",
    [
        TEXT,
        message("text", text="x" * 7000),
        message("picture", text="", media=MEDIA, thumbnail=None),
        message("picture", text="x" * 768, media="https://cdn.example/A.JPEG?size=1"),
        message("video", media="https://cdn.example/v.mp4", size=1, duration=180, thumbnail=MEDIA, text="x"),
        message("file", media="https://cdn.example/f.pdf", size=1, file_name="f.pdf"),
        message("contact", contact={"name": "Ann", "phone_number": "+385991234501", "avatar": None}),
        message("location", location={"lat": "45.8", "lon": 15.9}),
        message("url", media="https://example.org/"),
        message("sticker", sticker_id=46105),
        message("rich_media", rich_media={**KEYBOARD, "Type": "rich_media"}, min_api_version=7, alt_text=None),
        {"keyboard": KEYBOARD},
        {**TEXT, "keyboard": None, "alt_text": None, "sender": {"name": "x" * 28}},
        {**TEXT, "keyboard": {"Type": "keyboard", "Buttons": [{**BUTTON, "Columns": "3", "OpenUrlType": "?"}]}},
        {**TEXT, "tracking_data": "x" * 4096, "unknown": 1},
    ],
)
async def test_takes(rig: Rig, body: dict[str, Any]) -> None:
    answer = await rig.pa("send_message", receiver=PERSON, **body)
    assert answer["status"] == 0
    assert answer["status_message"] == "ok"
    assert answer["message_token"] > 2**53
    received = rig.world.handset(PERSON).messages[-1]
    assert received.content == body
    assert received.ref == str(answer["message_token"])


MISSING_TYPE = 'keyboard is not valid. [object has missing required properties (["Type"])]'
NO_BUTTONS = "keyboard is not valid. [array is too short: must have at least 1 elements but instance has 0 elements]"
LONG_URL = {"ActionType": "open-url", "ActionBody": "x" * 274, "Text": "A"}


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 4, "missingData"),
        (message("text"), 4, "missingData"),
        (message("poem", text="x"), 3, "type"),
        (message("text", text="x" * 7001), 3, "maximum allowed: 7000"),
        (message("text", text=7), 3, "instance type (integer) does not match any allowed primitive type (allo"),
        (message("picture", media=MEDIA), 4, "missingData"),
        (message("picture", text="x" * 769, media=MEDIA), 3, "maximum allowed: 768"),
        (message("picture", text="", media="https://cdn.example/a.bmp"), 3, "media is not valid"),
        (message("video", media=MEDIA), 4, "missingData"),
        (message("file", media=MEDIA, size=1), 4, "missingData"),
        (message("file", media=MEDIA, size="1", file_name="f"), 3, "size is not valid"),
        (message("file", media=MEDIA, size=1, file_name="x" * 257), 3, "maximum allowed: 256"),
        (message("contact", contact={"name": "Ann"}), 4, "missingData"),
        (message("contact", contact={"name": "x" * 29, "phone_number": "1"}), 3, "maximum allowed: 28"),
        (message("location", location={"lat": 91, "lon": 0}), 3, "lat must be"),
        (message("location", location={"lat": 0}), 4, "missingData"),
        (message("location", location={"lat": "north", "lon": 0}), 3, "lat must be"),
        (message("url", media="x" * 2001), 3, "maximum allowed: 2000"),
        (message("sticker", sticker_id="cat"), 3, "sticker_id"),
        (message("rich_media", rich_media={"Type": "rich_media", "Buttons": []}), 3, "rich_media is not valid. [array"),
        ({**TEXT, "sender": {"name": "x" * 29}}, 3, "maximum allowed: 28"),
        ({**TEXT, "tracking_data": "x" * 4097}, 3, "maximum allowed: 4096"),
        ({**TEXT, "min_api_version": "7"}, 3, "min_api_version"),
        ({**TEXT, "min_api_version": 99}, 13, "apiVersionNotSupported"),
        ({**TEXT, "keyboard": {"Buttons": [BUTTON]}}, 3, MISSING_TYPE),
        ({**TEXT, "keyboard": {"Type": "keyboard", "Buttons": []}}, 3, NO_BUTTONS),
        ({**TEXT, "keyboard": {"Type": "keyboard"}}, 3, "[object has missing required properties"),
        ({**TEXT, "keyboard": {"Type": "keyboard", "Buttons": [1]}}, 3, "keyboard is not valid"),
        ({**TEXT, "keyboard": {"Type": "?", "Buttons": [BUTTON]}}, 3, "keyboard is not valid"),
        (
            {**TEXT, "keyboard": {"Type": "keyboard", "Buttons": [LONG_URL]}},
            3,
            "is too long (length: 274, maximum allowed: 250)]",
        ),
    ],
)
async def test_refuses(rig: Rig, body: dict[str, Any], status: int, text: str) -> None:
    answer = await rig.pa("send_message", receiver=PERSON, **body)
    assert answer["status"] == status
    assert text in answer["status_message"]
    assert "message_token" not in answer
    assert not rig.world.handset(PERSON).messages


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 3),
        (b"[]", 3),
        (b"\xff", 3),
        (b'{"receiver": "a", "type": "text", "text": "%s"}' % (b"x" * 30_000), 3),
        (b"x" * 1_000_001, 3),
        (b"", 4),
        (b'{"type": "text", "text": "x"}', 4),
        (b'{"receiver": 7, "type": "text", "text": "x"}', 3),
    ],
)
async def test_bodies_that_are_none(rig: Rig, body: bytes, status: int) -> None:
    answer = await rig.post("/pa/send_message", body, {"X-Viber-Auth-Token": TOKEN})
    assert answer["status"] == status


@pytest.mark.parametrize(
    ("headers", "body", "status", "text"),
    [
        ({"X-Viber-Auth-Token": TOKEN}, {}, 0, "ok"),
        ({}, {"auth_token": TOKEN}, 0, "ok"),
        ({"X-Viber-Auth-Token": "wrong"}, {}, 2, "invalidAuthToken"),
        ({}, {"auth_token": "wrong"}, 2, "invalidAuthToken"),
        ({}, {}, 2, "missing_auth_token"),
    ],
)
async def test_token(rig: Rig, headers: dict[str, str], body: dict[str, Any], status: int, text: str) -> None:
    answer = await rig.post("/pa/get_account_info", body, headers)
    assert (answer["status"], answer["status_message"]) == (status, text)


async def test_unknown_paths_are_the_only_404(rig: Rig) -> None:
    for path in ("/pa/send", "/pa/", "/vibersrvc/1/other", "/"):
        async with rig.http.post(rig.url + path) as response:
            assert response.status == 404


async def test_served_under_the_prefix_of_the_demo(rig: Rig) -> None:
    answer = await rig.post("/sim/pa/get_account_info", {"auth_token": TOKEN})
    assert answer["uri"] == "demobot"


@pytest.mark.parametrize(("refused", "text"), [(7, "publicAccountBlocked"), (9, "publicAccountSuspended")])
async def test_accounts_that_viber_stopped(rig: Rig, refused: int, text: str) -> None:
    rig.world.cloud.bots.bots[TOKEN].refused = refused
    answer = await rig.send_text(PERSON)
    assert (answer["status"], answer["status_message"]) == (refused, text)


async def test_nothing_is_sent_without_a_webhook(rig: Rig) -> None:
    answer = await rig.pa("set_webhook", url="")
    assert answer["status"] == 0
    assert answer["event_types"] == []
    answer = await rig.send_text(PERSON)
    assert (answer["status"], answer["status_message"]) == (10, "webhookNotSet")


# -- set_webhook ------------------------------------------------------------------------------------------------------


async def test_set_webhook_calls_the_url_before_it_answers(rig: Rig) -> None:
    answer = await rig.pa("set_webhook", url=f"{rig.webhook.url}?a=1")
    assert answer["event_types"] == [
        *("subscribed", "unsubscribed", "webhook", "conversation_started", "client_status", "action"),
        *("delivered", "failed", "message", "seen"),
    ]
    assert rig.webhook.hits.qsize() == 1
    hit = await rig.webhook.next()
    assert hit.event == "webhook"
    assert hit.query["a"] == "1"
    assert hit.query["sig"] == hit.headers["x-viber-content-signature"]
    assert set(hit.json) == {"event", "timestamp", "chat_hostname", "message_token"}


async def test_events_are_named_in_vibers_order_and_the_others_do_not_come(rig: Rig) -> None:
    answer = await rig.pa("set_webhook", url=rig.webhook.url, event_types=["seen", "failed", "subscribed"])
    assert answer["event_types"] == ["subscribed", "failed", "seen"]
    await rig.webhook.next()
    await rig.send_text(PERSON)
    await rig.clock.advance(10)
    assert await rig.events(1) == ["seen"]
    rig.world.handset(PERSON).reply("hi")
    assert await rig.events(1) == ["message"]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (500, "HttpResponse[HTTP/1.1 500 Internal Server Error]@"),
        (419, "HttpResponse[HTTP/1.1 419 unknown status]@"),
        (404, "HttpResponse[HTTP/1.1 404 Not Found]@"),
        (204, "HttpResponse[HTTP/1.1 204 No Content]@"),
    ],
)
async def test_a_webhook_that_does_not_answer_200_is_not_set(rig: Rig, status: int, text: str) -> None:
    async with serving(Webhook(answer=lambda hit: (status, b""))) as url:
        answer = await rig.pa("set_webhook", url=f"{url}/path")
    assert answer["status"] == 1
    assert answer["status_message"].startswith("Result[HttpRequest[POST /path HTTP/1.1]@")
    assert text in answer["status_message"]
    assert answer["status_message"].endswith(" null")
    assert (await rig.pa("get_account_info"))["webhook"] == rig.webhook.url


async def test_a_webhook_where_nobody_listens(rig: Rig) -> None:
    answer = await rig.pa("set_webhook", url="http://127.0.0.1:1/")
    assert answer["status"] == 1
    assert "HttpResponse[null 0 null]@" in answer["status_message"]
    assert answer["status_message"].endswith("java.net.ConnectException: Connection refused")


async def test_a_webhook_with_a_certificate_of_its_own_making(rig: Rig, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    answer = await rig.pa("set_webhook", url=f"https://localhost:{port}/")
    server.close()
    assert answer["status"] == 1
    assert answer["status_message"].endswith("javax.net.ssl.SSLHandshakeException: General SSLEngine problem")


def self_signed(folder: Path) -> Path:
    """A key and a certificate for localhost that no authority has signed, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + DAY)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "webhook.pem"
    path.write_bytes(key.private_bytes(*form) + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 4),
        ({"url": 7}, 3),
        ({"url": "ftp://a/"}, 1),
        ({"url": "http://a:port/"}, 1),
        ({"url": "https://"}, 1),
        ({"url": "http://127.0.0.1/", "event_types": ["poems"]}, 3),
        ({"url": "http://127.0.0.1/", "event_types": "seen"}, 3),
    ],
)
async def test_webhooks_that_are_none(rig: Rig, body: dict[str, Any], status: int) -> None:
    assert (await rig.pa("set_webhook", **body))["status"] == status


async def test_strict_tls_refuses_without_a_word(rig: Rig) -> None:
    rig.quirks.strict_tls = True
    for url in (rig.webhook.url, "https://127.0.0.1/"):
        answer = await rig.pa("set_webhook", url=url)
        assert answer == {"status": 1, "chat_hostname": "SN-CHAT-05_"}


# -- Reading ----------------------------------------------------------------------------------------------------------


async def test_account_info(rig: Rig) -> None:
    await rig.send_text(PERSON)
    answer = await rig.pa("get_account_info")
    assert answer["id"].startswith("pa:")
    assert answer["name"] == "Demo bot"
    assert answer["webhook"] == rig.webhook.url
    assert answer["subscribers_count"] == 1


async def test_user_details_twice_in_twelve_hours(rig: Rig) -> None:
    answer = await rig.pa("get_user_details", id=PERSON)
    assert answer["user"]["id"] == PERSON
    assert answer["user"]["country"] == "HR"
    assert (await rig.pa("get_user_details", id=PERSON))["status"] == 0
    assert (await rig.pa("get_user_details", id=PERSON))["status"] == 12
    assert (await rig.pa("get_user_details", id="other"))["status"] == 0
    await rig.clock.advance(12 * 3600)
    assert (await rig.pa("get_user_details", id=PERSON))["status"] == 0
    assert (await rig.pa("get_user_details"))["status"] == 4
    assert (await rig.pa("get_user_details", id="+385991234504"))["status"] == 5
    assert (await rig.pa("get_user_details", id="+385991234505"))["status"] == 6


async def test_online(rig: Rig) -> None:
    answer = await rig.pa("get_online", ids=["a==", "+385991234509", "+385991234504"])
    assert [user["online_status_message"] for user in answer["users"]] == ["online", "offline", "unavailable"]
    assert answer["users"][1]["last_online"] == int(rig.clock.now().timestamp() * 1000) - 3_600_000
    assert (await rig.pa("get_online", ids=["a"] * 101))["status"] == 3
    assert (await rig.pa("get_online", ids=[]))["status"] == 4


async def test_post_needs_a_public_chat(rig: Rig) -> None:
    answer = await rig.pa("post", **{"from": "admin", **TEXT})
    assert (answer["status"], answer["status_message"]) == (18, "noPublicChat")
    rig.world.cloud.bots.bots[TOKEN].public_chat = True
    assert (await rig.pa("post", **{"from": "admin", **TEXT}))["message_token"] > 0


# -- Broadcast --------------------------------------------------------------------------------------------------------


async def test_broadcast_fills_placeholders_and_names_who_failed(rig: Rig) -> None:
    people = ["u1==", "+385991234504", "+385991234505"]
    text = "replace_me_with_user_name replace_me_with_receiver_id replace_me_with_url_encoded_receiver_id"
    body = {"type": "text", "text": text, "tracking_data": "replace_me_with_receiver_id"}
    answer = await rig.pa("broadcast_message", broadcast_list=people, **body)
    assert answer["status"] == 0
    assert answer["failed_list"] == [
        {"receiver": "+385991234504", "status": 5, "status_message": "Not found"},
        {"receiver": "+385991234505", "status": 6, "status_message": "notSubscribed"},
    ]
    got = rig.world.handset("u1==").messages[-1]
    assert got.content["text"].endswith(" u1== u1%3D%3D")
    assert got.content["tracking_data"] == "u1=="
    await rig.clock.advance(0.3)
    hit = await rig.webhook.next()
    assert (hit.event, hit.json["user_id"]) == ("delivered", "u1==")
    assert hit.json["message_token"] == answer["message_token"]


async def test_broadcast_limits(rig: Rig) -> None:
    assert (await rig.pa("broadcast_message", **TEXT))["status"] == 4
    assert (await rig.pa("broadcast_message", broadcast_list=["a"] * 301, **TEXT))["status"] == 3
    for n in range(500):
        assert not rig.world.cloud.bots.bots[TOKEN].broadcasts.full(rig.clock.now().timestamp()), n
    assert (await rig.pa("broadcast_message", broadcast_list=["a"], **TEXT))["status"] == 12
    await rig.clock.advance(10)
    assert (await rig.pa("broadcast_message", broadcast_list=["a"], **TEXT))["status"] == 0


# -- Rates and allowances ---------------------------------------------------------------------------------------------


async def test_hundred_messages_an_hour_without_a_reply(rig: Rig) -> None:
    for _ in range(100):
        assert (await rig.send_text(PERSON))["status"] == 0
    assert (await rig.send_text(PERSON))["status"] == 12
    assert (await rig.send_text("other"))["status"] == 0
    rig.world.handset(PERSON).reply("stop", Line(Via.BOT, "demobot"))
    assert (await rig.send_text(PERSON))["status"] == 0


async def test_the_hour_is_the_clocks(rig: Rig) -> None:
    for _ in range(100):
        await rig.send_text(PERSON)
    await rig.clock.advance(59 * 60)
    assert (await rig.send_text(PERSON))["status"] == 12
    await rig.clock.advance(60)
    assert (await rig.send_text(PERSON))["status"] == 0


async def test_monthly_allowance_and_sessions() -> None:
    async with make_rig(WorldSettings(monthly_allowance=2)) as rig:
        assert (await rig.send_text(PERSON))["billing_status"] == 3
        assert (await rig.send_text(PERSON))["billing_status"] == 3
        answer = await rig.send_text(PERSON)
        assert (answer["status"], answer["status_message"]) == (23, "freeMessagesExceeded")
        rig.world.handset(PERSON).reply("hi", Line(Via.BOT, "demobot"))
        assert (await rig.send_text(PERSON))["billing_status"] == 1
        await rig.clock.advance(24 * 3600)
        assert (await rig.send_text(PERSON))["status"] == 23
        until_february = datetime(2026, 2, 1, tzinfo=UTC) - rig.clock.now()
        await rig.clock.advance(until_february.total_seconds())
        assert (await rig.send_text(PERSON))["billing_status"] == 3


# -- What the phone finds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (message("video", media=MEDIA, size=27_262_977), "too large"),
        (message("video", media=MEDIA, size=1, duration=181), "too long"),
        (message("file", media=MEDIA, size=52_428_801, file_name="f.pdf"), "too large"),
        ({**TEXT, "keyboard": {"Type": "keyboard", "Buttons": [{"Text": "A"}]}}, "ActionBody"),
        ({**TEXT, "keyboard": {"Type": "keyboard", "Buttons": [{"ActionBody": "a"}]}}, "nothing to show"),
        ({**TEXT, "keyboard": {"Type": "keyboard", "Buttons": [{**BUTTON, "Rows": 3}]}}, "Rows must be"),
        ({**TEXT, "keyboard": {"Type": "keyboard", "Buttons": [{**BUTTON, "Columns": "x"}]}}, "Columns must be"),
        ({**TEXT, "keyboard": {"Type": "keyboard", "Buttons": [BUTTON] * 25}}, "more than 24 rows"),
        (
            message(
                "rich_media",
                rich_media={
                    "Type": "rich_media",
                    "ButtonsGroupColumns": 1,
                    "ButtonsGroupRows": 1,
                    "Buttons": [BUTTON] * 7,
                },
            ),
            "more than 6 buttons",
        ),
    ],
)
async def test_faults_found_on_the_phone_come_back_as_failed(rig: Rig, body: dict[str, Any], why: str) -> None:
    answer = await rig.pa("send_message", receiver=PERSON, **body)
    assert answer["status"] == 0
    await rig.clock.advance(5)
    hit = await rig.webhook.next()
    assert hit.event == "failed"
    assert why in hit.json["desc"]
    assert hit.json["message_token"] == answer["message_token"]
    assert rig.world.handset(PERSON).messages[-1].ended == "failed"
