"""The deprecated endpoints: `/viber/1/message/text`, `image`, `file` and `video`."""

from typing import Any

import pytest

from tests.engine.customer import Customer, answer
from tests.protocols.infobip.conftest import Api
from tyrian.domain import content as neutral
from tyrian.engine.known import decode_plan

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENROUTE = {
    "groupId": 1,
    "groupName": "PENDING",
    "id": 7,
    "name": "PENDING_ENROUTE",
    "description": "Message sent to next instance",
}
BASE = {"from": "demo-viber", "to": "385991234501"}


class TestAnswers:
    async def test_one_text(self, api: Api) -> None:
        answered = await api.post("/viber/1/message/text", {"messages": [BASE | {"content": {"text": "Hi"}}]})
        (info,) = answered.body["messages"]
        assert info == {
            "to": "385991234501", "messageCount": 1, "messageId": info["messageId"], "status": ENROUTE,
        }  # fmt: skip
        assert list(answered.body) == ["messages"]
        (outgoing,) = await api.sends(1)
        assert outgoing.content == neutral.Text(text="Hi")

    async def test_many_texts_have_a_bulk(self, api: Api) -> None:
        messages = [BASE | {"content": {"text": str(n)}, "messageId": f"m-{n}"} for n in range(3)]
        answered = await api.post("/viber/1/message/text", {"messages": messages, "bulkId": "B"})
        assert answered.body["bulkId"] == "B"
        assert [m["messageId"] for m in answered.body["messages"]] == ["m-0", "m-1", "m-2"]

    async def test_a_picture(self, api: Api) -> None:
        content = {
            "mediaUrl": "https://e.com/a.png", "text": "Socks", "button": {"title": "Buy", "action": "https://e.com"},
        }  # fmt: skip
        answered = await api.post("/viber/1/message/image", BASE | {"content": content, "label": "PROMOTIONAL"})
        assert list(answered.body) == ["to", "messageCount", "messageId", "status"]
        (outgoing,) = await api.sends(1)
        assert outgoing.content == neutral.Image(
            url="https://e.com/a.png", text="Socks", button=neutral.LinkButton(text="Buy", url="https://e.com")
        )

    async def test_a_file(self, api: Api) -> None:
        content = {"filename": "a.pdf", "mediaUrl": "https://e.com/a.pdf"}
        answered = await api.post("/viber/1/message/file", BASE | {"content": content})
        assert answered.body["status"] == ENROUTE
        (outgoing,) = await api.sends(1)
        assert outgoing.content == neutral.File(url="https://e.com/a.pdf", name="a.pdf")

    async def test_a_video(self, api: Api) -> None:
        async with Customer(answer(200, b"v" * 99)) as shop:
            content = {
                "mediaUrl": shop.url + ".mp4", "thumbnailUrl": "https://e.com/a.png", "mediaDuration": 600,
                "text": "Socks", "buttonTitle": "Watch",
            }  # fmt: skip
            answered = await api.post("/viber/1/message/video", BASE | {"content": content})
        assert answered.body["status"] == ENROUTE
        (outgoing,) = await api.sends(1)
        video = outgoing.content
        assert isinstance(video, neutral.Video)
        assert (video.duration, video.size, video.button and video.button.text) == (600, 99, "Watch")

    async def test_a_destination_that_is_rejected(self, api: Api) -> None:
        answered = await api.post("/viber/1/message/image", {
            "from": "nobody", "to": "385991234501", "content": {"mediaUrl": "https://e.com/a.png"},
        })  # fmt: skip
        assert (answered.status, answered.body["status"]["name"]) == (200, "REJECTED_SOURCE")


class TestOptions:
    async def test_all_of_them(self, api: Api) -> None:
        body = BASE | {
            "content": {"text": "Hi"},
            "callbackData": "cb",
            "trackingData": "t",
            "applySessionRate": True,
            "toPrimaryDeviceOnly": False,
            "label": "PROMOTIONAL",
            "smsFailover": {"from": "Shop", "text": "SMS", "validityPeriod": 30, "validityPeriodTimeUnit": "SECONDS"},
            "notifyUrl": "https://shop.example/hook",
            "urlOptions": {"shortenUrl": True, "trackClicks": True, "removeProtocol": False},
            "entityId": "e",
            "applicationId": "a",
        }
        answered = await api.post("/viber/1/message/text", {"messages": [body]})
        assert answered.body["messages"][0]["status"] == ENROUTE
        row = await api.row("SELECT plan FROM messages WHERE account_id = $1", api.account_id)
        plan: Any = decode_plan(row["plan"])
        viber, sms = plan.cascade
        assert (viber.content.tracking_data, plan.purpose.value) == ("t", "session")
        assert (sms.channel, sms.content, sms.validity) == ("demo-sms", neutral.Text(text="SMS"), 30)
        assert (plan.callback.url, plan.callback.data) == ("https://shop.example/hook", "cb")
        assert {"delivered", "seen"} <= set(plan.callback.events)
        assert (plan.platform.entity_id, plan.platform.application_id) == ("e", "a")

    async def test_one_address_hears_of_delivery_and_of_reading(self, api: Api) -> None:
        async with Customer() as shop:
            body = BASE | {"content": {"text": "Hi"}, "notifyUrl": shop.url}
            answered = await api.post("/viber/1/message/text", {"messages": [body]})
            identifier = answered.body["messages"][0]["messageId"]
            await api.receipt(identifier, "delivered")
            assert (await shop.next()).json["results"][0]["status"]["groupName"] == "DELIVERED"
            await api.receipt(identifier, "seen")
            assert "seenAt" in (await shop.next()).json["results"][0]


class TestViolations:
    @pytest.mark.parametrize(
        ("more", "violations"),
        [
            ({"from": "x"}, {"messages[0].from": "size must be between 2 and 20"}),
            ({"to": "+385991234501"}, {"messages[0].to": 'must match "^[0-9]{1,15}$"'}),
            ({"messageId": "x" * 51}, {"messages[0].messageId": "size must be between 1 and 50"}),
            ({"callbackData": ""}, {"messages[0].callbackData": "size must be between 1 and 4000"}),
            ({"notifyUrl": "nowhere"}, {"messages[0].notifyUrl": "is not a valid url"}),
            ({"smsFailover": {"text": "x"}}, {"messages[0].smsFailover.from": "must not be null"}),
            (
                {"smsFailover": {"from": "x", "text": "x", "validityPeriod": 29, "validityPeriodTimeUnit": "SECONDS"}},
                {"messages[0].smsFailover.validityPeriod": "must be between 30 seconds and 2 days"},
            ),
            (
                {"smsFailover": {"from": "x", "text": "x", "validityPeriodTimeUnit": "HOURS"}},
                {"messages[0].smsFailover.validityPeriod": "must not be null"},
            ),
        ],
    )
    async def test_of_texts(self, api: Api, more: Any, violations: dict[str, str]) -> None:
        answered = await api.post("/viber/1/message/text", {"messages": [BASE | {"content": {"text": "x"}} | more]})
        assert (answered.status, answered.violations) == (400, violations)

    @pytest.mark.parametrize(
        ("kind", "content", "violations"),
        [
            ("image", {"mediaUrl": "picture"}, {"content.mediaUrl": "is not a valid url"}),
            ("file", {"fileName": "a.pdf", "mediaUrl": "https://e.com"}, {"content.filename": "must not be null"}),
            (
                "video",
                {"mediaUrl": "https://e.com/v.mp4", "thumbnailUrl": "https://e.com/a.png", "mediaDuration": 601},
                {"content.mediaDuration": "must be less than or equal to 600"},
            ),
        ],
    )
    async def test_of_the_others(self, api: Api, kind: str, content: Any, violations: dict[str, str]) -> None:
        answered = await api.post(f"/viber/1/message/{kind}", BASE | {"content": content})
        assert (answered.status, answered.violations) == (400, violations)
