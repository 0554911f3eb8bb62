"""What a malformed request gets, who may call, and how often."""

import base64
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest

from tests.protocols.infobip.conftest import Api, business, message
from tyrian.engine.bulks import Conflict, NotFound
from tyrian.engine.serving import BodyTooLarge, Disconnected
from tyrian.protocols.infobip.errors import Envelope
from tyrian.protocols.infobip.operations import OPERATIONS
from tyrian.protocols.infobip.serving import failure
from tyrian.store.reading import TooSlow

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIXED = [o for o in OPERATIONS if "{" not in o.path and not o.public]


def bot(**more: Any) -> Any:
    return {"messages": [message("Hi") | more]}


def content(**more: Any) -> Any:
    return bot(content=more)


def options(**more: Any) -> Any:
    return bot(options=more)


class TestViolations:
    """Each at its property, in the words of the vendor's sibling endpoints."""

    @pytest.mark.parametrize(
        ("body", "violations"),
        [
            ({}, {"messages": "must not be null"}),
            ({"messages": None}, {"messages": "must not be null"}),
            ({"messages": {}}, {"messages": "invalid value"}),
            ({"messages": []}, {"messages": "must not be empty"}),
            (
                {"messages": [{}]},
                {
                    "messages[0].sender": "must not be null",
                    "messages[0].destinations": "must not be null",
                    "messages[0].content": "must not be null",
                },
            ),
            (bot(sender=" "), {"messages[0].sender": "must not be blank"}),
            (bot(destinations=[{}]), {"messages[0].destinations[0].to": "must not be null"}),
            (
                bot(destinations=[{"to": "a", "messageId": "x" * 201}]),
                {"messages[0].destinations[0].messageId": "size must be between 0 and 200"},
            ),
            (content(text="Hi"), {"messages[0].content.type": "must not be null"}),
            (content(type="AUDIO"), {"messages[0].content.type": "invalid value"}),
            (content(type="TEXT"), {"messages[0].content.text": "must not be null"}),
            (content(type="TEXT", text=1), {"messages[0].content.text": "invalid value"}),
            (content(type="TEXT", text="a\0b"), {"messages[0].content.text": "invalid value"}),
            (
                content(type="TEXT", text="x" * 4001),
                {"messages[0].content.text": "size must be between 0 and 4000"},
            ),
            (content(type="IMAGE", url="picture"), {"messages[0].content.url": "is not a valid url"}),
            (
                content(type="VIDEO", url="https://e.com/v.mp4", size=27262977, duration=181),
                {
                    "messages[0].content.size": "must be less than or equal to 27262976",
                    "messages[0].content.duration": "must be less than or equal to 180",
                },
            ),
            (
                content(type="CAROUSEL", buttonGrid={"buttons": []}),
                {"messages[0].content.buttonGrid.buttons": "must not be empty"},
            ),
            (
                content(type="CAROUSEL", buttonGrid={"buttons": [{}]}, backgroundColor="red"),
                {
                    "messages[0].content.buttonGrid.buttons[0].action": "must not be null",
                    "messages[0].content.backgroundColor": 'must match "^[#]([A-Fa-f0-9]{6})$"',
                },
            ),
            (
                content(type="LOCATION", location={"latitude": 91, "longitude": "x"}),
                {
                    "messages[0].content.location.latitude": "must be less than or equal to 90",
                    "messages[0].content.location.longitude": "invalid value",
                },
            ),
            (content(type="STICKER", stickerId=1.5), {"messages[0].content.stickerId": "invalid value"}),
            (
                options(validityPeriod={"timeUnit": "DAYS"}),
                {
                    "messages[0].options.validityPeriod.amount": "must not be null",
                    "messages[0].options.validityPeriod.timeUnit": "invalid value",
                },
            ),
            (
                options(validityPeriod={"amount": 0}),
                {"messages[0].options.validityPeriod.amount": "must be greater than or equal to 1"},
            ),
            (
                options(deliveryTimeWindow={"days": []}),
                {"messages[0].options.deliveryTimeWindow.days": "must not be empty"},
            ),
            (
                options(deliveryTimeWindow={"days": ["MONDAY"], "from": {"hour": 24, "minute": 0}}),
                {"messages[0].options.deliveryTimeWindow.from.hour": "must be less than or equal to 23"},
            ),
            (
                options(deliveryTimeWindow={"days": ["MONDAY"], "from": {"hour": 6, "minute": 0}}),
                {"messages[0].options.deliveryTimeWindow.to": "must not be null"},
            ),
            (
                options(
                    deliveryTimeWindow={
                        "days": ["MONDAY"],
                        "from": {"hour": 22, "minute": 0},
                        "to": {"hour": 22, "minute": 59},
                    }
                ),
                {"messages[0].options.deliveryTimeWindow.to": "must be at least 1 hour after from"},
            ),
            (options(smsFailover={}), {"messages[0].options.smsFailover.text": "must not be null"}),
            (options(smsFailover={"text": ""}), {"messages[0].options.smsFailover.text": "must not be blank"}),
            (
                bot(webhooks={"callbackData": "x" * 4001, "contentType": "text/plain"}),
                {
                    "messages[0].webhooks.callbackData": "size must be between 0 and 4000",
                    "messages[0].webhooks.contentType": "invalid value",
                },
            ),
            (
                bot(webhooks={"delivery": {"url": "http://10.0.0.1/hook"}}),
                {"messages[0].webhooks.delivery.url": "is not a valid url"},
            ),
            (
                bot() | {"options": {"schedule": {"sendAt": "tomorrow", "sendingSpeedLimit": {"amount": 1.5}}}},
                {
                    "options.schedule.sendAt": "invalid value",
                    "options.schedule.sendingSpeedLimit.amount": "invalid value",
                },
            ),
            (
                bot() | {"options": {"schedule": {"sendAt": "2199-01-01T00:00:00.000+0000", "bulkId": "x" * 100}}},
                {"options.schedule.sendAt": "must be at most 180 days in the future"},
            ),
        ],
    )
    async def test_of_bots(self, api: Api, body: Any, violations: dict[str, str]) -> None:
        answered = await api.post("/viber-bot/1/messages", body)
        assert answered.status == 400
        assert answered.violations == violations
        assert await api.stored() == 0

    @pytest.mark.parametrize(
        ("content", "violations"),
        [
            (
                {"type": "IMAGE", "mediaUrl": "https://e.com/a.png", "button": {"title": "x", "action": "y"}},
                {"content.text": "must not be null"},
            ),
            (
                {"type": "VIDEO", "mediaUrl": "https://e.com/a.mp4", "mediaDuration": "5", "thumbnailUrl": "x"},
                {"content.thumbnailUrl": "is not a valid url", "content.mediaDuration": "invalid value"},
            ),
            (
                {"type": "FILE", "fileName": "a.exe", "mediaUrl": "ftp://e.com"},
                {
                    "content.fileName": 'must match ".*\\.(docx?|dotx?|xlsx?|f?ods|f?odt|rtf|odf|txt|info|pdf|xps|pdax'
                    '|eps|csv|xlsm|xltx)$"',
                    "content.mediaUrl": 'must match "^(https?)://.*$"',
                },
            ),
            (
                {"type": "LIST", "text": "x" * 86, "options": ["a"]},
                {
                    "content.text": "size must be between 0 and 85",
                    "content.options": "size must be between 2 and 5",
                },
            ),
            (
                {
                    "type": "CAROUSEL",
                    "text": "x",
                    "cards": [
                        {
                            "text": "ab",
                            "mediaUrl": "https://e.com/a.png",
                            "buttons": [{"title": "x" * 11, "action": "y"}, {"title": "x" * 13, "action": "y"}],
                        },
                        {"text": "a", "mediaUrl": "https://e.com/a.png"},
                    ],
                },
                {"content.cards[1].text": "size must be between 2 and 38"},
            ),
            (
                {
                    "type": "CAROUSEL",
                    "text": "x",
                    "cards": [
                        {
                            "text": "ab",
                            "mediaUrl": "https://e.com/a.png",
                            "buttons": [{"title": "x" * 11, "action": "y"}, {"title": "x" * 13, "action": "y"}],
                        }
                    ]
                    * 2,
                },
                {
                    f"content.cards[{card}].buttons[{place}].title": f"size must be between 1 and {most}"
                    for card in (0, 1)
                    for place, most in ((0, 10), (1, 12))
                },
            ),
            ({"type": "TEMPLATE"}, {"content.templateId": "must not be null"}),
            (
                {"type": "OTP_TEMPLATE", "language": "KLINGON"},
                {"content.id": "must not be null", "content.language": "invalid value"},
            ),
        ],
    )
    async def test_of_businesses(self, api: Api, content: Any, violations: dict[str, str]) -> None:
        answered = await api.business(business(content))
        assert answered.status == 400
        assert answered.violations == {f"messages[0].{where}": what for where, what in violations.items()}

    async def test_all_messages_are_looked_at(self, api: Api) -> None:
        answered = await api.business(business("Hi"), business({"type": "TEXT"}))
        assert answered.violations == {"messages[1].content.text": "must not be null"}

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"messages": "\\ud800"}', b"null", b"1e999"]
    )
    async def test_no_json(self, api: Api, body: bytes) -> None:
        for path in ("/viber-bot/1/messages", "/viber/2/messages"):
            answered = await api.post(path, body)
            assert answered.status == 400
            assert answered.body["errorCode"] == "E400"

    async def test_members_that_nobody_knows_are_ignored(self, api: Api) -> None:
        answered = await api.bot(message("Hi", colour="red") | {"options": {"unknown": 1}})
        assert answered.status == 200


class TestEnvelopes:
    async def test_flat(self, api: Api) -> None:
        answered = await api.post("/viber/2/messages", {})
        assert answered.body == {
            "errorCode": "E400",
            "description": "Request cannot be processed.",
            "action": "Check the syntax, violations and adjust the request.",
            "violations": [{"property": "messages", "violation": "must not be null"}],
            "resources": [],
        }
        assert list(answered.body) == ["errorCode", "description", "action", "violations", "resources"]

    async def test_nested(self, api: Api) -> None:
        answered = await api.post("/viber/1/message/text", {"messages": [{"from": "ab", "to": "x", "content": {}}]})
        assert answered.body == {
            "requestError": {
                "serviceException": {
                    "messageId": "BAD_REQUEST",
                    "text": "Bad request",
                    "validationErrors": {
                        "messages[0].to": ['must match "^[0-9]{1,15}$"'],
                        "messages[0].content.text": ["must not be null"],
                    },
                }
            }
        }

    async def test_unauthorized(self, api: Api) -> None:
        for path, flat in (("/viber/2/messages", True), ("/viber/1/message/text", False)):
            answered = await api.post(path, {}, headers={"Authorization": "App nonsense"})
            assert answered.status == 401
            if flat:
                assert answered.body == {
                    "errorCode": "E401",
                    "description": ("The request lacks valid authentication credentials for the requested resource."),
                    "action": "Check the resources and adjust authentication credentials.",
                    "violations": [],
                    "resources": [
                        {
                            "name": "API Authentication",
                            "url": "https://www.infobip.com/docs/essentials/api-authentication",
                        }
                    ],
                }
            else:
                assert answered.body == {
                    "requestError": {"serviceException": {"messageId": "UNAUTHORIZED", "text": "Unauthorized"}}
                }

    @pytest.mark.parametrize("path", ["/viber-bot/1/nothing", "/viber/3/messages", "/sms/1/bulks/nothing"])
    async def test_nothing_is_there(self, api: Api, path: str) -> None:
        answered = await api.get(path)
        assert answered.status == 404
        assert ("requestError" in answered.body) == path.startswith("/sms")

    async def test_another_method(self, api: Api) -> None:
        answered = await api.call("DELETE", "/viber/2/messages")
        assert (answered.status, answered.headers["allow"]) == (405, "POST")

    async def test_another_media_type(self, api: Api) -> None:
        answered = await api.post("/viber/2/messages", b"<a/>", headers={"Content-Type": "application/xml"})
        assert (answered.status, answered.body["errorCode"]) == (415, "E415")

    @pytest.mark.parametrize(
        ("path", "root", "text"),
        [
            ("/viber/2/logs", "ApiError", "errorCode"),
            ("/sms/1/bulks", "requestError", "serviceException/messageId"),
        ],
    )
    async def test_as_xml_for_those_who_accept_nothing_else(self, api: Api, path: str, root: str, text: str) -> None:
        headers = {"Authorization": "App nonsense", "Accept": "application/xml"}
        async with api.http.get(api.url + path, headers=headers) as answered:
            assert (answered.status, answered.headers["content-type"]) == (401, "application/xml")
            body = ElementTree.fromstring(await answered.text())  # noqa: S314  our own
        assert (body.tag, body.findtext(text)) == (root, {"ApiError": "E401"}.get(root, "UNAUTHORIZED"))


class TestAccess:
    @pytest.mark.parametrize("operation", FIXED, ids=lambda o: f"{o.method} {o.path}")
    @pytest.mark.parametrize("authorization", ["", "App", "App x", "Basic !", "Basic eDp5", "IBSSO x", "Bearer x", "x"])
    async def test_nobody_comes_in_unknown(self, api: Api, operation: Any, authorization: str) -> None:
        answered = await api.call(operation.method, operation.path, b"{}", headers={"Authorization": authorization})
        assert answered.status == 401

    @pytest.mark.parametrize("operation", [o for o in FIXED if o.scopes], ids=lambda o: f"{o.method} {o.path}")
    async def test_a_key_without_the_scope(self, api: Api, operation: Any) -> None:
        other = await api.with_key(scopes={"keys:manage"})
        answered = await other.call(operation.method, operation.path, b"{}")
        assert answered.status == 403
        text = answered.body.get("description") or answered.body["requestError"]["serviceException"]["text"]
        assert text in ("Insufficient permissions to access the requested resource.", "Forbidden")

    async def test_basic(self, api: Api) -> None:
        user = f"user-{api.account_id}"
        await api.pair(user, "pass:word")
        credential = base64.b64encode(f"{user}:pass:word".encode()).decode()
        answered = await api.post(
            "/viber-bot/1/messages", {"messages": [message("Hi")]}, headers={"Authorization": f"Basic {credential}"}
        )
        assert answered.status == 200

    async def test_the_rate_of_logs(self, api: Api) -> None:
        answered, passed = await api.get("/viber/2/logs"), 0
        while answered.status == 200 and passed < 1000:
            answered, passed = await api.get("/viber/2/logs"), passed + 1
        assert passed >= 120
        assert answered.status == 429
        assert answered.body["errorCode"] == "E429"
        assert int(answered.headers["retry-after"]) >= 1
        assert (await api.get("/viber-bot/1/logs")).status == 200

    async def test_the_rate_of_a_key(self, api: Api) -> None:
        slow = await api.with_key(rate=1.0)
        answers = [await slow.post("/viber/2/messages", {"messages": [business("Hi")]}) for _ in range(3)]
        assert 429 in {a.status for a in answers}

    async def test_a_body_that_is_too_large(self, api: Api) -> None:
        most = api.gateway.settings.max_body_bytes
        try:
            answered = await api.post("/viber/2/messages", b" " * (most + 1))
        except aiohttp.ClientError:
            return  # the connection was cut while the rest of the body was still coming
        assert answered.status == 413


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConnectionRefusedError(), 503),
        (TimeoutError(), 503),
        (TooSlow(), 503),
        (Disconnected(), 400),
        (BodyTooLarge(), 413),
        (NotFound(), 404),
        (Conflict("the bulk is over"), 409),
        (RuntimeError("nobody foresaw this"), 500),
    ],
)
async def test_what_goes_wrong_inside_has_an_answer_too(error: Exception, status: int) -> None:
    made = failure(error, "a test")
    assert made.status == status
    for envelope in Envelope:
        assert b"nobody foresaw this" not in made.body(envelope)
