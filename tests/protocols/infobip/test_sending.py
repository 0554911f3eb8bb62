"""Sending over `/viber-bot/1/messages` and `/viber/2/messages`: what is answered, and what goes out."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.engine.customer import Customer, answer
from tests.media import samples
from tests.media.site import Site, whole
from tests.protocols.infobip.conftest import USER, Api, business, message
from tests.speaking import says
from tyrian.domain import content as neutral
from tyrian.domain.media import MediaPolicy
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.known import decode_plan
from tyrian.protocols.infobip import examples

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPTED = {
    "groupId": 1,
    "groupName": "PENDING",
    "id": 26,
    "name": "PENDING_ACCEPTED",
    "description": "Message sent to next instance",
}


async def plan_of(api: Api, answered: Any, number: int = 0) -> Any:
    row = await api.message(UUID(answered.body["messages"][number]["messageId"]))
    return decode_plan(row["plan"])


class TestTheAnswer:
    async def test_one_destination(self, api: Api) -> None:
        answered = await api.bot(message("Hello"))
        assert answered.status == 200
        (sent,) = answered.body["messages"]
        assert sent == {"messageId": sent["messageId"], "status": ACCEPTED, "destination": USER}
        assert list(answered.body) == ["bulkId", "messages"]
        assert list(sent["status"]) == ["groupId", "groupName", "id", "name", "description"]
        (outgoing,) = await api.sends(1)
        assert (outgoing.to, outgoing.content) == (USER, neutral.Text(text="Hello"))

    async def test_the_customers_own_ids_come_back(self, api: Api) -> None:
        answered = await api.business(business("Hi", ("385991234501", "m-1")), schedule={"bulkId": "b-1"})
        assert answered.body["bulkId"] == "b-1"
        assert answered.body["messages"][0]["messageId"] == "m-1"

    async def test_one_entry_for_each_destination_in_the_order_of_the_request(self, api: Api) -> None:
        people = [[f"3859912345{a}{b}" for b in range(3)] for a in range(4)]
        answered = await api.business(*(business(f"Hi {n}", *some) for n, some in enumerate(people)))
        assert [m["destination"] for m in answered.body["messages"]] == [to for some in people for to in some]
        sent = await api.sends(12)
        assert {(o.to, getattr(o.content, "text", "")) for o in sent} == {
            (f"+{to}", f"Hi {n}") for n, some in enumerate(people) for to in some
        }

    @pytest.mark.parametrize(
        ("sender", "to"),
        [("demo-bot", USER), ("pa:5964217479313231708", USER), ("OFFICIAL-ACCOUNT-ID-123", USER)],
    )
    async def test_a_sender_by_channel_network_id_or_other_name(self, api: Api, sender: str, to: str) -> None:
        answered = await api.bot(message("Hi", to, sender=sender))
        assert answered.body["messages"][0]["status"] == ACCEPTED

    async def test_braces_are_words_here(self, api: Api) -> None:
        await api.business(business("{{name}} {{{{", "385991234501", "385991234502"))
        sent = await api.sends(2)
        assert [getattr(o.content, "text", "") for o in sent] == ["{{name}} {{{{"] * 2

    async def test_the_message_is_one_for_all_faces(self, api: Api) -> None:
        answered = await api.bot(message("Hi"))
        identifier = answered.body["messages"][0]["messageId"]
        made = await api.gateway.keys.create(api.account_id, name="native")
        native = await api.call(
            "GET", f"/api/v1/messages/{identifier}", headers={"Authorization": f"Bearer {made.secret}"}
        )
        assert native.status == 200
        assert native.body["to"] == USER


class TestRejectedDestinations:
    """What is wrong with one destination is its status; the others go out."""

    @pytest.mark.parametrize(
        ("sender", "to", "number", "name"),
        [
            ("nobody", USER, 11, "REJECTED_SOURCE"),
            ("demo-viber", USER, 11, "REJECTED_SOURCE"),
            ("demo-bot", "+385991234501", 52, "REJECTED_DESTINATION"),
            ("demo-bot", "no user!", 52, "REJECTED_DESTINATION"),
            ("demo-bot", "", 51, "MISSING_TO"),
            ("demo-bot", " ", 51, "MISSING_TO"),
        ],
    )
    async def test_of_bots(self, api: Api, sender: str, to: str, number: int, name: str) -> None:
        answered = await api.bot(message("Hi", to, sender=sender), message("Hi"))
        assert answered.status == 200
        refused, taken = answered.body["messages"]
        assert refused["status"]["groupId"] == 5
        assert refused["status"]["groupName"] == "REJECTED"
        assert (refused["status"]["id"], refused["status"]["name"]) == (number, name)
        assert refused["destination"] == to
        assert taken["status"] == ACCEPTED
        assert await api.stored() == 1

    @pytest.mark.parametrize("to", ["12", "Ann", "0000000000", "1" * 40])
    async def test_of_businesses(self, api: Api, to: str) -> None:
        answered = await api.business(business("Hi", to))
        assert answered.body["messages"][0]["status"]["name"] == "REJECTED_DESTINATION"
        assert await api.stored() == 0

    async def test_a_message_id_counts_once(self, api: Api) -> None:
        first = await api.bot(message("Hi", (USER, "one")))
        again = await api.bot(message("Hi", (USER, "one"), (USER, "two"), (USER, "two")))
        assert first.body["messages"][0]["status"] == ACCEPTED
        names = [(m["messageId"], m["status"]["name"]) for m in again.body["messages"]]
        assert names == [
            ("one", "REJECTED_DUPLICATE_MESSAGE_ID"),
            ("two", "PENDING_ACCEPTED"),
            ("two", "REJECTED_DUPLICATE_MESSAGE_ID"),
        ]

    async def test_of_many_requests_at_once_with_one_id_one_is_taken(self, api: Api) -> None:
        answers = await asyncio.gather(*(api.bot(message("Hi", (USER, "only"))) for _ in range(12)))
        statuses = sorted(a.body["messages"][0]["status"]["id"] for a in answers)
        assert statuses == [23] * 11 + [26]
        assert await api.stored() == 1

    @pytest.mark.parametrize(
        "content",
        [
            {"type": "CAROUSEL", "text": "x", "cards": [{"text": "ab", "mediaUrl": "https://e.com/a.png"}] * 2},
            {"type": "TEMPLATE", "templateId": "t"},
            {"type": "FILE", "fileName": "a" * 30 + ".pdf", "mediaUrl": "https://e.com/a.pdf"},
            {"type": "TEXT", "text": ""},
        ],
    )
    async def test_a_content_that_the_channel_cannot_carry(self, api: Api, content: Any) -> None:
        answered = await api.business(business(content))
        (sent,) = answered.body["messages"]
        assert sent["status"]["name"] == "UNDELIVERABLE_REJECTED_PLATFORM"
        assert sent["details"]["reason"]

    async def test_a_failover_without_an_sms_channel(self, served: Api) -> None:
        from tyrian.engine.channel_spec import ChannelSpec

        alone = await served.account(ChannelSpec(name="demo-viber", kind="viber"))
        answered = await alone.business(business("Hi", options={"smsFailover": {"text": "Hi"}}))
        assert answered.body["messages"][0]["status"]["name"] == "REJECTED_ROUTE_NOT_AVAILABLE"


class TestContents:
    @pytest.mark.parametrize("name", [name for name in examples.BOT if name != "every option"])
    async def test_of_bots(self, api: Api, name: str) -> None:
        answered = await api.post("/viber-bot/1/messages", examples.BOT[name])
        assert answered.body["messages"][0]["status"] == ACCEPTED
        (outgoing,) = await api.sends(1)
        wanted = {"keyboard": "text"}.get(name, name)
        assert outgoing.content.__struct_config__.tag == wanted

    @pytest.mark.parametrize("name", [name for name in examples.BUSINESS if name != "every option"])
    async def test_of_businesses(self, api: Api, name: str) -> None:
        answered = await api.post("/viber/2/messages", examples.BUSINESS[name])
        assert answered.body["messages"][0]["status"] == ACCEPTED, answered.body
        (outgoing,) = await api.sends(1)
        wanted = {"text and button": "text", "one-time password": "template"}.get(name, name)
        assert outgoing.content.__struct_config__.tag == wanted

    async def test_a_video_is_measured(self, api: Api) -> None:
        async with Customer(answer(200, b"v" * 1234)) as shop:
            content = {
                "type": "VIDEO",
                "mediaUrl": shop.url + ".mp4",
                "mediaDuration": "PT1M5S",
                "thumbnailUrl": "https://shop.example/a.png",
                "text": "Warm socks",
                "button": {"title": "Watch"},
            }
            answered = await api.business(business(content))
            assert answered.body["messages"][0]["status"] == ACCEPTED, answered.body
            assert shop.requests[0].line.startswith("HEAD ")
        (outgoing,) = await api.sends(1)
        video = outgoing.content
        assert isinstance(video, neutral.Video)
        assert (video.size, video.duration) == (1234, 65)
        assert video.button == neutral.LinkButton(text="Watch", url=shop.url + ".mp4")

    async def test_a_video_that_cannot_be_measured_is_rejected(self, api: Api) -> None:
        async with Customer(answer(404)) as shop:
            content = {
                "type": "VIDEO",
                "mediaUrl": shop.url + ".mp4",
                "mediaDuration": "PT5S",
                "thumbnailUrl": "https://shop.example/a.png",
            }
            answered = await api.business(business(content))
        assert answered.body["messages"][0]["status"]["id"] == 100

    @pytest.mark.parametrize(
        ("content", "options", "purpose"),
        [
            ({"type": "TEXT", "text": "a"}, {}, "transactional"),
            ({"type": "TEXT", "text": "a"}, {"label": "PROMOTIONAL"}, "promotional"),
            ({"type": "TEXT", "text": "a"}, {"applySessionRate": True}, "session"),
            ({"type": "TEXT", "text": "a"}, {"applySessionRate": True, "activationCheck": True}, "transactional"),
            ({"type": "IMAGE", "mediaUrl": "https://e.com/a.png"}, {}, "promotional"),
            (examples.BUSINESS["one-time password"]["messages"][0]["content"], {}, "otp"),
        ],
    )
    async def test_what_a_message_is_for(self, api: Api, content: Any, options: Any, purpose: str) -> None:
        await says(api.gateway, api.account_id, "demo-viber", "385991234501")
        answered = await api.business(business(content, options=options))
        assert answered.body["messages"][0]["status"] == ACCEPTED, answered.body
        (outgoing,) = await api.sends(1)
        assert outgoing.purpose.value == purpose


class TestOptions:
    async def test_every_option_of_bots(self, api: Api) -> None:
        answered = await api.post("/viber-bot/1/messages", examples.BOT["every option"])
        assert answered.body["bulkId"] == "autumn-1"
        assert answered.body["messages"][0]["messageId"] == "order-7"
        assert answered.body["messages"][0]["status"] == ACCEPTED
        (identifier,) = await api.row("SELECT id FROM messages WHERE account_id = $1", api.account_id)
        plan: Any = decode_plan((await api.message(identifier))["plan"])
        viber, sms = plan.cascade
        assert (viber.fallback_time, viber.validity, sms.validity, sms.to) == (1800, 1800, 7200, "+385991234509")
        assert (viber.channel, sms.channel) == ("demo-bot", "demo-sms")
        assert plan.validity == 9000
        assert plan.schedule.send_at == datetime(2026, 12, 1, 10, tzinfo=UTC)
        assert (plan.schedule.speed_limit.messages, plan.schedule.speed_limit.per) == (30, "hour")
        window = plan.schedule.window
        assert (window.start, window.end, window.time_zone, len(window.days)) == ("06:00", "15:30", "UTC", 5)
        assert (plan.platform.entity_id, plan.platform.application_id) == ("priority", "shop")
        assert (plan.callback.url, plan.callback.seen_url, plan.callback.data) == (
            "https://shop.example/delivery", "https://shop.example/seen", "order-7",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("period", "seconds"),
        [
            ({"amount": 45, "timeUnit": "SECONDS"}, 45),
            ({"amount": 2, "timeUnit": "MINUTES"}, 120),
            ({"amount": 2}, 120),
            ({"amount": 3, "timeUnit": "HOURS"}, 10_800),
            ({"amount": 49, "timeUnit": "HOURS"}, 172_800),
            ({"amount": 2**31 - 1, "timeUnit": "HOURS"}, 172_800),
        ],
    )
    async def test_the_validity_period(self, api: Api, period: Any, seconds: int) -> None:
        answered = await api.bot(message("Hi", options={"validityPeriod": period}))
        assert (await plan_of(api, answered)).validity == seconds

    @pytest.mark.parametrize("name", ["sendAt", "SendAt"])
    @pytest.mark.parametrize(
        "spelling", ["%Y-%m-%dT%H:%M:%S.000+0000", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%SZ"]
    )
    async def test_a_start_ahead(self, api: Api, name: str, spelling: str) -> None:
        start = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
        answered = await api.bot(message("Hi"), schedule={name: start.strftime(spelling)})
        row = await api.message(UUID(answered.body["messages"][0]["messageId"]))
        assert (row["status"], row["due_at"]) == ("scheduled", start)

    async def test_a_start_in_the_past_is_now(self, api: Api) -> None:
        await api.bot(message("Hi"), schedule={"SendAt": "2015-07-07T17:00:00.000+01:00"})
        await api.sends(1)

    async def test_a_window_holds_for_its_own_message(self, api: Api) -> None:
        day = (datetime.now(UTC) + timedelta(days=3)).strftime("%A").upper()
        answered = await api.bot(
            message("Later", options={"deliveryTimeWindow": {"days": [day]}}), message("Now"), message("Now too")
        )
        assert [m["status"] for m in answered.body["messages"]] == [ACCEPTED] * 3
        sent = await api.sends(2)
        later = await api.message(UUID(answered.body["messages"][0]["messageId"]))
        assert later["status"] == "scheduled"
        assert [getattr(o.content, "text", "") for o in sent] == ["Now", "Now too"]

    @pytest.mark.parametrize("unit", ["MINUTE", "HOUR", "DAY"])
    async def test_the_sending_speed(self, api: Api, unit: str) -> None:
        limit = {"amount": 30, "timeUnit": unit}
        answered = await api.bot(message("Hi"), schedule={"sendingSpeedLimit": limit})
        speed = (await plan_of(api, answered)).schedule.speed_limit
        assert (speed.messages, speed.per) == (30, unit.lower())


SMS = {"sender": "41793026726", "text": "By SMS", "validityPeriod": {"amount": 2, "timeUnit": "HOURS"}}


class TestFailover:
    async def test_a_refused_business_message_goes_by_sms(self, api: Api) -> None:
        api.network.refuse("+385991234504", "not_a_viber_user")
        await api.business(business("By Viber", "385991234504", options={"smsFailover": SMS}))
        viber, sms = await api.sends(2)
        assert getattr(viber.content, "text", "") == "By Viber"
        assert (sms.to.lstrip("+"), getattr(sms.content, "text", "")) == ("385991234504", "By SMS")

    async def test_a_bots_user_is_matched_to_a_number(self, api: Api) -> None:
        api.network.refuse(USER, "not_subscribed", "viber_bot")
        other = "AAAAAAAAAAAAAAAAAAAAAA=="
        api.network.refuse(other, "not_subscribed", "viber_bot")
        failover = SMS | {"destinationMatching": [{"initial": USER, "failover": "385991234509"}]}
        answered = await api.bot(message("By Viber", USER, other, options={"smsFailover": failover}))
        await api.until(answered.body["messages"][1]["messageId"], "failed")
        sent = await api.sends(3)
        assert [o.to.lstrip("+") for o in sent if getattr(o.content, "text", "") == "By SMS"] == ["385991234509"]

    async def test_each_step_has_its_own_time(self, api: Api) -> None:
        answered = await api.business(business("Hi", options={"smsFailover": {"text": "Hi"}}))
        plan = await plan_of(api, answered)
        viber, sms = plan.cascade
        assert (viber.fallback_time, viber.validity, sms.validity) == (172_800, 172_800, 172_800)
        assert plan.validity == 2 * 172_800

    async def test_a_match_that_is_no_number(self, api: Api) -> None:
        failover = SMS | {"destinationMatching": [{"initial": USER, "failover": "nobody"}]}
        answered = await api.bot(message("Hi", options={"smsFailover": failover}))
        assert answered.body["messages"][0]["status"]["name"] == "REJECTED_DESTINATION"


class TestFiles:
    async def test_a_picture_that_is_too_large_goes_out_fitted_where_the_channel_says_so(self, served: Api) -> None:
        """A program written for Infobip has it without knowing of it."""
        picture = samples.picture("PNG", (640, 640))
        assert len(picture) > 2**20
        spec = ChannelSpec(name="demo-bot", kind="viber_bot", media=MediaPolicy.FIT)
        api = await served.account(spec)
        async with Site({"/spring": whole(picture, "image/png")}) as site:
            # Viber's bots take URLs that end as pictures do.
            url = site.at("/spring")
            answered = await api.bot(message({"type": "IMAGE", "url": url, "text": "Spring"}))
            assert answered.status == 200, answered.body
            (outgoing,) = await api.sends(1)
        content: Any = outgoing.content
        assert content == neutral.Image(url=content.url, text="Spring")
        async with api.http.get(content.url.replace(api.gateway.settings.public_url, api.url)) as fetched:
            data = await fetched.read()
        assert fetched.content_type == "image/jpeg"
        assert len(data) <= 2**20
