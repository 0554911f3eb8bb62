"""`POST /v1/omnichannel`, what becomes of what it takes, and what the customer is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.protocols.telesign.conftest import CUSTOMER, KEY, SEND, TEXT, Api
from tyrian.protocols.telesign import signing

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMS = {"sms": {"template": "text", "parameters": {"text": "Order shipped"}}}
BAD_SMS = "Invalid value for parameter channel: sms"
LINK = {"text": "Order shipped", "url": "https://shop.example/o?id=1", "url_id": "urlid1", "url_text": "Track"}


def state(transaction: Any) -> list[tuple[str, int]]:
    """Each channel with its code."""
    return [(name, entry[name]["code"]) for entry in transaction["channel_status"] for name in entry]


async def test_the_answer_is_the_pages_to_the_byte(api: Api) -> None:
    answer = await api.send(api.message())
    assert answer.status == 200
    reference = answer.body["reference_id"]
    assert answer.text == (
        '{"status": {"code": 3001, "description": "Message in progress"}, '
        f'"reference_id": "{reference}", "external_id": null}}'
    )
    assert answer.headers["Content-Length"] == "137"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Allow"] == "GET,POST,HEAD"


@pytest.mark.parametrize(
    ("template", "parameters"),
    [
        ("url_action", LINK),
        ("image", {"url": "https://shop.example/coupon.jpg"}),
    ],
)
async def test_a_page_s_request_falls_back_to_sms(api: Api, template: str, parameters: dict[str, str]) -> None:
    """The two pages: 600 seconds of fallback to a handset that Viber never reaches."""
    body = {
        "channels": [{"channel": "viber", "fallback_time": 600}, {"channel": "sms"}],
        "phone_number": "15558675309",
        "message": {"viber": {"template": template, "parameters": parameters}, **SMS},
        "message_type": "MKT",
        "callback_url": api.customer.url,
    }
    answer = await api.send(body)
    assert (answer.status, answer.code) == (200, 3001)
    reference = answer.body["reference_id"]
    (hit,) = await api.about(reference)
    report = hit.json
    viber, sms = report["channel_status"]
    assert report["external_id"] is None
    assert (report["status"]["code"], report["status"]["description"]) == (3000, "Delivered")
    assert report["status"]["last_channel"] == "sms"
    assert viber["viber"]["code"] == 3056
    assert viber["viber"]["description"] == "Message failed to deliver in specified fallback time"
    assert (sms["sms"]["code"], sms["sms"]["description"]) == (3000, "Delivered")
    assert len({reference, viber["viber"]["reference_id"], sms["sms"]["reference_id"]}) == 3
    assert list(report) == ["reference_id", "external_id", "status", "channel_status"]
    read = await api.status(reference)
    assert read["channel_status"] == report["channel_status"]
    assert read["additional_info"] == {}
    assert "verify" not in read


TEMPLATES: list[tuple[str, dict[str, str], str, Callable[[Any], Any], Any]] = [
    ("text", {"text": "hi"}, "MKT", lambda m: m["message"]["#txt"], "hi"),
    ("text", {"text": "hi"}, "ARN", lambda m: m["label"], "transaction"),
    ("text_2way", {"text": "hi"}, "MKT", lambda m: m["message"]["#txt"], "hi"),
    ("image", {"url": "https://a.example/i.png"}, "MKT", lambda m: m["message"]["#img"], "https://a.example/i.png"),
    ("image", {"url": "https://a.example/i.png"}, "ARN", lambda m: m["label"], "promotion"),
    ("url_action", LINK, "MKT", lambda m: m["message"]["#caption"], "Track"),
    ("otp_verify", {"otp_code": "4711"}, "OTP", lambda m: m["message"]["#txt"], "4711 is your verification code"),
]


@pytest.mark.parametrize(("template", "parameters", "purpose", "look", "seen"), TEMPLATES)
async def test_a_template_reaches_the_handset(
    api: Api, template: str, parameters: dict[str, str], purpose: str, look: Callable[[Any], Any], seen: Any
) -> None:
    to = api.person()
    message = {"viber": {"template": template, "parameters": parameters}}
    body = api.message(channels=[{"channel": "viber"}], phone_number=to, recipient=None, message=message)
    answer = await api.send({**body, "message_type": purpose})
    assert answer.code == 3001
    found = await api.until(answer.body["reference_id"], 3005)
    assert state(found) == [("viber", 3005)]
    (shown,) = api.world.handset(f"+{to}").messages
    assert look(shown.content) == seen


@pytest.mark.parametrize(
    ("template", "parameters"),
    [
        ("video", {}),
        ("text_video", {"text": "Look", "url_thumbnail": "https://a.example/t.jpg"}),
        ("url_action_video", {"text": "Look", "button_text": "Buy", "open_url": "https://a.example/"}),
        ("url_action_video", {"text": "Look"}),
    ],
)
async def test_a_video_is_measured_where_it_lies(api: Api, template: str, parameters: dict[str, str]) -> None:
    to = api.person()
    url = api.customer.url + "/v.mp4"
    message = {"viber": {"template": template, "parameters": {"url": url, **parameters}}}
    answer = await api.send(
        api.message(channels=[{"channel": "viber"}], recipient={"phone_number": to}, message=message)
    )
    assert state(await api.until(answer.body["reference_id"], 3005)) == [("viber", 3005)]
    (shown,) = api.world.handset(f"+{to}").messages
    assert shown.content["file_size"] == 4324


async def test_a_video_that_is_nowhere_is_the_channels_failure(api: Api) -> None:
    message = {"viber": {"template": "video", "parameters": {"url": "http://127.0.0.1:9/v.mp4"}}, **SMS}
    answer = await api.send(api.message(message=message))
    found = await api.until(answer.body["reference_id"], 3000)
    assert state(found) == [("viber", 3045), ("sms", 3000)]


@pytest.mark.parametrize(
    ("title", "change", "expected", "code"),
    [
        (
            "an unknown channel",
            {"channels": [{"channel": "fax"}, {"channel": "sms"}]},
            [("fax", 3100), ("sms", 3000)],
            0,
        ),
        (
            "a channel not enabled",
            {"channels": [{"channel": "rcs"}, {"channel": "sms"}]},
            [("rcs", 3200), ("sms", 3000)],
            0,
        ),
        (
            "an unknown template",
            {"message": {"viber": {"template": "file"}, **SMS}},
            [("viber", 3112), ("sms", 3000)],
            0,
        ),
        ("no template", {"message": {"viber": {}, **SMS}}, [("viber", 3112), ("sms", 3000)], 0),
        ("no parameters", {"message": {"viber": {"template": "text"}, **SMS}}, [("viber", 3305), ("sms", 3000)], 0),
        ("nothing to say", {"message": SMS}, [("viber", 3306), ("sms", 3000)], 0),
        (
            "a text that is too long",
            {"message": {"viber": {"template": "text", "parameters": {"text": "x" * 1001}}, **SMS}},
            [("viber", 3045), ("sms", 3000)],
            0,
        ),
        (
            "only unknown channels",
            {"channels": [{"channel": "fax"}, {"channel": "rcs"}]},
            [("fax", 3100), ("rcs", 3200)],
            3006,
        ),
        ("nothing for anyone", {"message": {}}, [("viber", 3306), ("sms", 3306)], 3003),
        ("no number", {"recipient": {"phone_number": "12ab"}}, [("viber", 3101), ("sms", 3101)], 3003),
        ("an e-mail address alone", {"recipient": {"email": "a@b.example"}}, [("viber", 3101), ("sms", 3101)], 3003),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_wrong_with_a_channel_is_its_result(
    api: Api, title: str, change: dict[str, Any], expected: list[tuple[str, int]], code: int
) -> None:
    answer = await api.send(api.message(**change))
    assert (answer.status, answer.code) == (200, 3001)
    found = await api.until(answer.body["reference_id"], code or 3000)
    assert state(found) == expected
    assert found["status"]["last_channel"] == expected[-1][0]
    (hit,) = await api.about(answer.body["reference_id"])
    assert hit.json["channel_status"] == found["channel_status"]


async def test_the_offending_value_is_named(api: Api) -> None:
    answer = await api.send(api.message(channels=[{"channel": "fax"}]))
    found = await api.until(answer.body["reference_id"], 3006)
    assert found["channel_status"][0]["fax"]["description"] == "Unknown channel specified: fax"
    assert "reference_id" not in found["channel_status"][0]["fax"]


async def test_a_person_without_viber_gets_an_sms_at_once(api: Api) -> None:
    answer = await api.send(api.message(recipient={"phone_number": api.person("04")}))
    found = await api.until(answer.body["reference_id"], 3000)
    assert state(found) == [("viber", 3055), ("sms", 3000)]


async def test_nobody_is_reached(api: Api) -> None:
    body = api.message(recipient={"phone_number": api.person("10")}, channels=[
        {"channel": "viber", "fallback_time": 30},
        {"channel": "sms", "fallback_time": 30},
    ])  # fmt: skip
    answer = await api.send(body)
    (hit,) = await api.about(answer.body["reference_id"])
    assert hit.json["status"]["code"] == 3003
    assert [name for name, _ in state(hit.json)] == ["viber", "sms"]
    assert state(hit.json)[0] == ("viber", 3056)


async def test_the_default_is_said_where_a_channel_has_nothing_of_its_own(api: Api) -> None:
    to = api.person()
    answer = await api.send(api.message(message={"default": TEXT}, recipient={"phone_number": to}))
    await api.until(answer.body["reference_id"], 3005)
    (shown,) = api.world.handset(f"+{to}").messages
    assert shown.content["message"]["#txt"] == "Your order is on its way"


async def test_a_delivered_message_is_reported(api: Api) -> None:
    answer = await api.send(api.message(external_id="order-7", recipient={"phone_number": api.person("02")}))
    (delivered,) = await api.about(answer.body["reference_id"])
    assert delivered.json["status"]["code"] == 3000
    assert state(delivered.json) == [("viber", 3000)]
    assert {delivered.json["external_id"], answer.body["external_id"]} == {"order-7"}


async def test_a_read_message_is_reported(api: Api) -> None:
    answer = await api.send(api.message(recipient={"phone_number": api.person("06")}))
    (read,) = await api.about(answer.body["reference_id"])
    assert read.json["status"]["code"] == 3005
    assert read.json["status"]["description"] == "Message is read"
    assert state(read.json) == [("viber", 3005)]


async def test_callbacks_are_signed_with_the_api_key(api: Api) -> None:
    answer = await api.send(api.message())
    hit = (await api.about(answer.body["reference_id"]))[0]
    signature = signing.sign(hit.body, KEY)
    assert hit.headers["x-ts-authorization"] == signature
    assert hit.headers["authorization"] == f"TSA {CUSTOMER}:{signature}"
    assert hit.headers["content-type"] == "application/json"


async def test_a_callback_is_signed_with_the_key_of_its_request(api: Api) -> None:
    other = await api.with_key()
    answers = [await caller.send(caller.message()) for caller in (api, other)]
    for caller, answer in zip((api, other), answers, strict=True):
        hit = (await api.about(answer.body["reference_id"]))[0]
        assert signing.is_callback(hit.body, caller.key, hit.headers["authorization"], None)
        assert f"TSA {caller.customer_id}:" in hit.headers["authorization"]


async def test_another_sender_is_silently_not_used(api: Api) -> None:
    answer = await api.send(api.message(sender_id="nobody"))
    assert state(await api.until(answer.body["reference_id"], 3005)) == [("viber", 3005)]


class TestRefusals:
    """Every code that a request is refused with, in the order in which they are told."""

    @pytest.mark.parametrize(
        ("change", "status", "code", "text"),
        [
            ({"channels": None}, 400, 3300, "Missing parameter channels"),
            ({"channels": []}, 400, 3300, "Missing parameter channels"),
            ({"channels": "viber"}, 400, 3110, "Invalid request"),
            ({"channels": [{}]}, 400, 3301, "Missing parameter channel"),
            ({"channels": [{"channel": 7}]}, 400, 3110, "Invalid request"),
            ({"channels": [{"channel": "sms"}] * 2}, 400, 3113, BAD_SMS),
            ({"channels": [{"channel": "sms", "fallback_time": 29}]}, 400, 3113, BAD_SMS),
            ({"channels": [{"channel": "sms", "fallback_time": 3601}]}, 400, 3113, BAD_SMS),
            ({"channels": [{"channel": "sms", "fallback_time": "60"}]}, 400, 3113, BAD_SMS),
            ({"recipient": None}, 400, 3302, "Missing parameter phone_number"),
            ({"recipient": {}}, 400, 3302, "Missing parameter phone_number"),
            ({"recipient": "15558675309"}, 400, 3110, "Invalid request"),
            ({"message": None}, 400, 3303, "Missing parameter message"),
            ({"message": "hi"}, 400, 3110, "Invalid request"),
            ({"message_type": None}, 400, 3304, "Missing parameter message_type"),
            ({"message_type": "XYZ"}, 400, 3102, "Invalid value for parameter message_type: XYZ"),
            ({"external_id": "x" * 101}, 400, 3103, f"Unsupported value for parameter external_id: {'x' * 101}"),
            ({"external_id": "č"}, 400, 3103, "Unsupported value for parameter external_id: č"),
            ({"external_id": 7}, 400, 3103, "Unsupported value for parameter external_id: 7"),
            ({"account_lifecycle_event": "buy"}, 400, 3104, "Invalid value for parameter account_lifecycle_event: buy"),
            ({"originating_ip": "1.2.3"}, 400, 3105, "Invalid value for parameter originating_ip: 1.2.3"),
            ({"callback_url": ""}, 400, 3106, "Invalid value for parameter callback_url: "),
            ({"callback_url": "http://10.0.0.1/"}, 400, 3106, "Invalid value for parameter callback_url: http://10.0.0.1/"),
            ({"message": {"viber": {"template": "telesign_otp"}, "x": "\0"}}, 400, 3110, "Invalid request"),
        ],
    )  # fmt: skip
    async def test_a_wrong_request(self, api: Api, change: dict[str, Any], status: int, code: int, text: str) -> None:
        before = await api.stored()
        answer = await api.send(api.message(**change))
        assert (answer.status, answer.code) == (status, code)
        assert answer.body["status"]["description"] == text
        assert len(answer.body["reference_id"]) == 32
        assert "external_id" in answer.body
        assert await api.stored() == before

    async def test_the_first_that_is_wrong_is_told(self, api: Api) -> None:
        assert (await api.send({})).code == 3300
        assert (await api.send({"channels": [{"channel": "sms"}]})).code == 3302
        assert (await api.send({"channels": [{"channel": "sms"}], "phone_number": "1"})).code == 3303

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'"x"', b"[" * 9000])
    async def test_no_json(self, api: Api, body: bytes) -> None:
        answer = await api.send(body)
        assert (answer.status, answer.code) == (400, 3110)

    async def test_a_long_body(self, api: Api) -> None:
        answer = await api.send(b" " * 10_241)
        assert (answer.status, answer.code) == (413, 3116)
        assert answer.body["status"]["description"] == "Payload limit size exceeded"
        fits = json.dumps(api.message()).encode()
        assert (await api.send(fits + b" " * (10_240 - len(fits)))).code == 3001

    async def test_the_external_id_is_handed_back(self, api: Api) -> None:
        answer = await api.send(api.message(message_type="XYZ", external_id="order-7"))
        assert answer.body["external_id"] == "order-7"

    async def test_an_account_without_channels(self, api: Api) -> None:
        answer = await (await api.stranger()).send(api.message())
        assert (answer.status, answer.code) == (429, 3206)
        assert "reference_id" not in answer.body

    async def test_above_the_rate(self, api: Api) -> None:
        slow = await api.with_key(rate=1)
        codes = {(await slow.send(api.message())).code for _ in range(3)}
        assert codes == {3001, 3204}
        answer = await slow.send(api.message())
        assert (answer.status, answer.code) == (429, 3204)

    @pytest.mark.parametrize(("method", "path"), [("DELETE", SEND), ("PUT", SEND + "/templates"), ("GET", SEND)])
    async def test_another_method(self, api: Api, method: str, path: str) -> None:
        answer = await api.call(method, path)
        assert (answer.status, answer.code) == (405, 3110)
        assert answer.headers["Allow"]

    async def test_another_path(self, api: Api) -> None:
        assert (await api.get(SEND + "/a/b/c/d")).status == 404
