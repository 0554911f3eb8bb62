"""Delivery and seen reports: pulled once, or pushed as JSON or XML."""

import asyncio
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.engine.customer import Customer
from tests.protocols.infobip.conftest import USER, Api, business, message

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELIVERED = {
    "groupId": 3,
    "groupName": "DELIVERED",
    "id": 5,
    "name": "DELIVERED_TO_HANDSET",
    "description": "Message delivered to handset",
}
NO_ERROR = {
    "groupId": 0,
    "groupName": "OK",
    "id": 0,
    "name": "NO_ERROR",
    "description": "No Error",
    "permanent": False,
}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")


def first(answered: Any) -> str:
    identifier: str = answered.body["messages"][0]["messageId"]
    return identifier


class TestPulling:
    async def test_a_report_field_for_field(self, api: Api) -> None:
        answered = await api.business(
            business(
                "Hi",
                options={
                    "platform": {"entityId": "e", "applicationId": "a"},
                    "campaignReferenceId": "c1",
                },
                webhooks={"callbackData": "cb"},
            )
        )
        await api.receipt(first(answered), "delivered")
        (report,) = await api.pulled("/viber/2/reports")
        for name in ("sentAt", "doneAt"):
            assert STAMP.fullmatch(report.pop(name))
        assert report == {
            "bulkId": answered.body["bulkId"],
            "price": {"pricePerMessage": 0.0, "currency": "EUR"},
            "status": DELIVERED,
            "error": NO_ERROR,
            "messageId": first(answered),
            "to": "385991234501",
            "sender": "demo-viber",
            "messageCount": 1,
            "callbackData": "cb",
            "platform": {"entityId": "e", "applicationId": "a"},
            "campaignReferenceId": "c1",
        }

    async def test_each_is_handed_out_once(self, api: Api) -> None:
        answered = await api.bot(message("Hi"))
        await api.receipt(first(answered), "delivered")
        (report,) = await api.pulled("/viber-bot/1/reports")
        assert report["to"] == USER
        assert (await api.get("/viber-bot/1/reports")).body == {"results": []}

    async def test_of_many_collections_at_once_each_report_is_in_one(self, api: Api) -> None:
        people = [f"38599123450{n}" for n in range(8)]
        answered = await api.business(business("Hi", *people))
        for sent in answered.body["messages"]:
            await api.receipt(sent["messageId"], "delivered")
        answers = await asyncio.gather(*(api.get("/viber/2/reports", limit=3) for _ in range(8)))
        found = [report["to"] for answer in answers for report in answer.body["results"]]
        found += [r["to"] for r in (await api.get("/viber/2/reports")).body["results"]]
        assert sorted(found) == people

    async def test_products_have_queues_of_their_own(self, api: Api) -> None:
        answered = await api.bot(message("Hi"))
        await api.receipt(first(answered), "delivered")
        assert (await api.get("/viber/2/reports")).body == {"results": []}
        assert len(await api.pulled("/viber-bot/1/reports")) == 1

    async def test_the_latest_of_a_number(self, api: Api) -> None:
        for name in ("m-1", "m-2", "m-3"):
            await api.bot(message("Hi", (USER, name)))
            row = await api.row("SELECT id FROM messages WHERE account_id = $1 AND name = $2", api.account_id, name)
            await api.receipt(row["id"], "delivered")
        reports = (await api.get("/viber-bot/1/reports", limit=2)).body["results"]
        assert sorted(r["messageId"] for r in reports) == ["m-2", "m-3"]
        assert [r["messageId"] for r in await api.pulled("/viber-bot/1/reports")] == ["m-1"]

    @pytest.mark.parametrize(
        ("name", "value", "other"),
        [
            ("messageId", "mine", "yours"),
            ("bulkId", "bulk-1", "bulk-2"),
            ("campaignReferenceId", "c1", "c2"),
            ("entityId", "e", "f"),
            ("applicationId", "a", "b"),
        ],
    )
    async def test_filters(self, api: Api, name: str, value: str, other: str) -> None:
        await api.bot(
            message(
                "Hi",
                (USER, "mine"),
                options={"platform": {"entityId": "e", "applicationId": "a"}, "campaignReferenceId": "c1"},
            ),
            schedule={"bulkId": "bulk-1"},
        )
        row = await api.row("SELECT id FROM messages WHERE account_id = $1", api.account_id)
        await api.receipt(row["id"], "delivered")
        assert (await api.get("/viber-bot/1/reports", **{name: other})).body == {"results": []}
        assert len(await api.pulled("/viber-bot/1/reports", **{name: value})) == 1

    @pytest.mark.parametrize("limit", ["0", "-1", "1001", "many", ""])
    async def test_a_limit_out_of_bounds(self, api: Api, limit: str) -> None:
        answered = await api.get("/viber/2/reports", limit=limit)
        assert answered.status == 400
        assert list(answered.violations) == ["limit"]

    async def test_not_delivered(self, api: Api) -> None:
        api.network.refuse("+385991234504", "not_a_viber_user")
        await api.business(business("Hi", "385991234504"))
        (report,) = await api.pulled("/viber/2/reports")
        assert (report["status"]["id"], report["status"]["name"]) == (9, "UNDELIVERABLE_NOT_DELIVERED")
        assert report["error"] == {
            "groupId": 1,
            "groupName": "HANDSET_ERRORS",
            "id": 7002,
            "name": "EC_UNKNOWN_USER",
            "description": "No matching user found (on platform or on provider)",
            "permanent": True,
        }

    async def test_by_sms(self, api: Api) -> None:
        api.network.refuse("+385991234504", "not_a_viber_user")
        answered = await api.business(
            business("Hi", ("385991234504", "m"), options={"smsFailover": {"text": "Hi", "sender": "Shop"}})
        )
        assert answered.body["messages"][0]["messageId"] == "m"
        row = await api.row("SELECT id FROM messages WHERE account_id = $1", api.account_id)
        await api.sends(2)
        await api.receipt(row["id"], "delivered")
        (report,) = await api.pulled("/viber/2/reports")
        assert (report["sender"], report["to"], report["messageId"]) == ("Shop", "385991234504", "m")
        assert report["status"] == DELIVERED

    async def test_by_sms_for_a_bots_user(self, api: Api) -> None:
        api.network.refuse(USER, "not_subscribed", "viber_bot")
        failover = {"text": "Hi", "destinationMatching": [{"initial": USER, "failover": "385991234509"}]}
        answered = await api.bot(message("Hi", options={"smsFailover": failover}))
        await api.sends(2)
        await api.receipt(first(answered), "delivered")
        (report,) = await api.pulled("/viber-bot/1/reports")
        assert (report["sender"], report["to"]) == ("TyrianDemo", "385991234509")

    async def test_each_step_where_it_is_asked_for(self, api: Api) -> None:
        api.network.refuse("+385991234504", "blocked_by_user")
        hooks = {"delivery": {"receiveTriggeredFailoverReports": True}}
        answered = await api.business(
            business("Hi", "385991234504", options={"smsFailover": {"text": "Hi"}}, webhooks=hooks)
        )
        await api.sends(2)
        await api.receipt(first(answered), "delivered")
        reports: list[Any] = []
        while len(reports) < 2:
            reports += await api.pulled("/viber/2/reports")
        assert sorted((r["sender"], r["status"]["groupName"]) for r in reports) == [
            ("TyrianDemo", "DELIVERED"),
            ("demo-viber", "UNDELIVERABLE"),
        ]


class TestPushing:
    async def test_delivered_and_seen_each_to_its_own_address(self, api: Api) -> None:
        async with Customer() as delivery, Customer() as seen:
            hooks = {"delivery": {"url": delivery.url}, "seen": {"url": seen.url}, "callbackData": "cb"}
            answered = await api.business(
                business("Hi", webhooks=hooks, options={"platform": {"entityId": "e"}, "campaignReferenceId": "c"})
            )
            await api.receipt(first(answered), "delivered")
            (report,) = (await delivery.next()).json["results"]
            assert (report["status"], report["callbackData"]) == (DELIVERED, "cb")
            await api.receipt(first(answered), "seen")
            (opened,) = (await seen.next()).json["results"]
            for name in ("sentAt", "seenAt"):
                assert STAMP.fullmatch(opened.pop(name))
            assert opened == {
                "messageId": first(answered),
                "from": "385991234501",
                "to": "demo-viber",
                "entityId": "e",
                "campaignReferenceId": "c",
            }
        assert (await api.get("/viber/2/reports")).body == {"results": []}

    async def test_nothing_of_seen_where_nobody_asked(self, api: Api) -> None:
        async with Customer() as shop:
            answered = await api.bot(message("Hi", webhooks={"delivery": {"url": shop.url}}))
            await api.receipt(first(answered), "delivered")
            await shop.next()
            await api.receipt(first(answered), "seen")
            other = await api.bot(message("Hi", webhooks={"delivery": {"url": shop.url}}))
            await api.receipt(first(other), "delivered")
            assert (await shop.next()).json["results"][0]["messageId"] == first(other)
            assert len(shop.requests) == 2

    async def test_as_xml(self, api: Api) -> None:
        async with Customer() as shop:
            hooks = {"delivery": {"url": shop.url}, "contentType": "application/xml", "callbackData": "<a&b>"}
            answered = await api.business(business("Hi", webhooks=hooks))
            await api.receipt(first(answered), "delivered")
            request = await shop.next()
        assert request.headers["content-type"] == "application/xml"
        assert request.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?><DeliveryReports><results><result>')
        root = ElementTree.fromstring(request.body)  # noqa: S314  our own
        assert root.findtext("results/result/status/groupName") == "DELIVERED"
        assert root.findtext("results/result/error/permanent") == "false"
        assert root.findtext("results/result/callbackData") == "<a&b>"

    async def test_no_report_at_all(self, api: Api) -> None:
        async with Customer() as shop:
            hooks = {"delivery": {"url": shop.url, "notify": False}}
            answered = await api.business(business("Hi", webhooks=hooks))
            await api.receipt(first(answered), "delivered")
            other = await api.business(business("Hi", webhooks={"delivery": {"url": shop.url}}))
            await api.receipt(first(other), "delivered")
            assert (await shop.next()).json["results"][0]["messageId"] == first(other)
        assert (await api.get("/viber/2/reports")).body == {"results": []}

    async def test_intermediate_reports(self, api: Api) -> None:
        async with Customer() as shop:
            hooks = {"delivery": {"url": shop.url, "intermediateReport": True}}
            answered = await api.business(business("Hi", webhooks=hooks))
            before = (await shop.next()).json["results"][0]
            await api.receipt(first(answered), "delivered")
            after = (await shop.next()).json["results"][0]
        assert (before["status"]["groupName"], before["status"]["id"]) == ("PENDING", 3)
        assert after["status"] == DELIVERED

    async def test_a_message_seen_without_a_receipt_of_its_delivery_is_delivered(self, api: Api) -> None:
        async with Customer() as shop:
            answered = await api.business(business("Hi", webhooks={"delivery": {"url": shop.url}}))
            await api.receipt(first(answered), "seen")
            assert (await shop.next()).json["results"][0]["status"] == DELIVERED

    async def test_and_both_are_told_where_both_are_wanted(self, api: Api) -> None:
        async with Customer() as delivery, Customer() as seen:
            hooks = {"delivery": {"url": delivery.url}, "seen": {"url": seen.url}}
            answered = await api.business(business("Hi", webhooks=hooks))
            await api.receipt(first(answered), "seen")
            told, opened = await asyncio.gather(delivery.next(), seen.next())
        assert told.json["results"][0]["status"] == DELIVERED
        assert opened.json["results"][0]["messageId"] == first(answered)
