"""The logs: every filter, paging, and what a message looks like in them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.protocols.infobip.conftest import USER, Api, business, message
from tyrian.domain.content import Text
from tyrian.domain.submission import Plan, Recipient, Step, Submission
from tyrian.protocols.infobip import examples

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def names(api: Api, **query: Any) -> list[str]:
    answered = await api.get("/viber/2/logs", **query)
    assert answered.status == 200, answered.body
    return [log["messageId"] for log in answered.body["results"]]


class TestAnEntry:
    async def test_field_for_field(self, api: Api) -> None:
        said = {"platform": {"entityId": "e"}, "campaignReferenceId": "c1"}
        answered = await api.business(business("Hi", ("385991234501", "m"), options=said), schedule={"bulkId": "b"})
        assert answered.status == 200
        await api.sends(1)
        row = await api.row("SELECT id FROM messages WHERE account_id = $1", api.account_id)
        await api.receipt(row["id"], "delivered")
        (log,) = (await api.get("/viber/2/logs")).body["results"]
        for name in ("sentAt", "doneAt"):
            assert log.pop(name).endswith("+0000")
        assert log.pop("status")["name"] == "DELIVERED_TO_HANDSET"
        assert log.pop("error")["name"] == "NO_ERROR"
        assert log == {
            "sender": "demo-viber",
            "destination": "385991234501",
            "bulkId": "b",
            "messageId": "m",
            "messageCount": 1,
            "price": {"pricePerMessage": 0.0, "currency": "EUR"},
            "platform": {"entityId": "e"},
            "content": {"type": "TEXT", "text": "Hi"},
            "campaignReferenceId": "c1",
        }

    @pytest.mark.parametrize("name", [n for n in examples.BUSINESS if n != "every option"])
    async def test_contents_are_as_they_were_sent(self, api: Api, name: str) -> None:
        await api.post("/viber/2/messages", examples.BUSINESS[name])
        (log,) = (await api.get("/viber/2/logs")).body["results"]
        assert log["content"] == examples.BUSINESS[name]["messages"][0]["content"]

    @pytest.mark.parametrize("name", [n for n in examples.BOT if n != "every option"])
    async def test_contents_of_bots_too(self, api: Api, name: str) -> None:
        await api.post("/viber-bot/1/messages", examples.BOT[name])
        (log,) = (await api.get("/viber-bot/1/logs")).body["results"]
        assert log["content"] == examples.BOT[name]["messages"][0]["content"]

    async def test_messages_of_other_faces(self, api: Api) -> None:
        plan = Plan(cascade=[Step(channel="demo-viber", content=Text(text="From elsewhere"))])
        taken = await api.gateway.intake.submit(
            Submission(account_id=api.account_id, plan=plan, recipients=[Recipient(to="+385991234501")])
        )
        (log,) = (await api.get("/viber/2/logs")).body["results"]
        assert (log["messageId"], log["sender"]) == (str(taken.messages[0].id), "1001")
        assert log["content"] == {"type": "TEXT", "text": "From elsewhere"}
        assert (await api.get("/viber-bot/1/logs")).body["results"] == []

    async def test_another_account_sees_nothing(self, api: Api, served: Api) -> None:
        await api.business(business("Hi"))
        other = await served.account()
        assert (await other.get("/viber/2/logs")).body == {"results": []}


class TestFilters:
    @pytest_asyncio.fixture(autouse=True, loop_scope="module")
    async def messages(self, api: Api) -> None:
        api.network.refuse("+385991234504", "not_a_viber_user")
        one = {"campaignReferenceId": "c1", "platform": {"entityId": "e", "applicationId": "a"}}
        await api.business(business("Hi", ("385991234501", "one"), options=one), schedule={"bulkId": "b-1"})
        await api.business(business("Hi", ("385991234502", "two"), sender="1001"), schedule={"bulkId": "b-2"})
        await api.business(business("Hi", ("385991234504", "three")))
        await api.sends(3)
        for name in ("one", "three"):
            row = await api.row("SELECT id FROM messages WHERE account_id = $1 AND name = $2", api.account_id, name)
            if name == "one":
                await api.receipt(row["id"], "delivered")
            else:
                await api.until(row["id"], "failed")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, {"one", "two", "three"}),
            ({"sender": "1001"}, {"two"}),
            ({"sender": "nobody"}, set()),
            ({"destination": "385991234501"}, {"one"}),
            ({"destination": "+385991234501"}, {"one"}),
            ({"destination": "nobody"}, set()),
            ({"bulkId": "b-1"}, {"one"}),
            ({"bulkId": ["b-1", "b-2"]}, {"one", "two"}),
            ({"bulkId": "b-1,b-2"}, {"one", "two"}),
            ({"bulkId": "b-9"}, set()),
            ({"messageId": ["one", "three", "nine"]}, {"one", "three"}),
            ({"messageId": "01a1fd41-70e9-7000-9104-9f85e34f2ed4"}, set()),
            ({"campaignReferenceId": ["c1", "c2"]}, {"one"}),
            ({"campaignReferenceId": "c2"}, set()),
            ({"entityId": "e"}, {"one"}),
            ({"applicationId": "a"}, {"one"}),
            ({"entityId": "f"}, set()),
            ({"generalStatus": "DELIVERED"}, {"one"}),
            ({"generalStatus": "UNDELIVERABLE"}, {"three"}),
            ({"generalStatus": "PENDING"}, {"two"}),
            ({"generalStatus": "EXPIRED"}, set()),
            ({"sender": "demo-viber", "generalStatus": "DELIVERED"}, {"one"}),
        ],
    )
    async def test_each(self, api: Api, query: Any, found: set[str]) -> None:
        items = [(k, v) for k, vs in query.items() for v in (vs if isinstance(vs, list) else [vs])]
        answered = await api.call("GET", "/viber/2/logs", params=items)
        assert {log["messageId"] for log in answered.body["results"]} == found

    async def test_times(self, api: Api) -> None:
        now = datetime.now(UTC)
        before, after = now - timedelta(hours=1), now + timedelta(hours=1)
        everyone = {"one", "two", "three"}
        assert set(await names(api, sentSince=before.isoformat(), sentUntil=after.isoformat())) == everyone
        assert set(await names(api, sentSince=f"{before:%Y-%m-%dT%H:%M:%S}.000000+0000")) == everyone
        assert await names(api, sentSince=after.isoformat()) == []
        assert await names(api, sentUntil=before.isoformat()) == []
        assert await names(api, sentUntil="0001-01-01T00:00:00+14:00") == []
        assert await names(api, sentSince="9999-12-31T23:59:59Z") == []
        assert set(await names(api, sentUntil="9999-12-31T23:59:59Z")) == everyone

    async def test_pages(self, api: Api) -> None:
        found: list[str] = []
        cursor = ""
        for _ in range(4):
            more = {"cursor": cursor} if cursor else {}
            answered = await api.get("/viber/2/logs", limit=1, useCursor="true", **more)
            found += [log["messageId"] for log in answered.body["results"]]
            assert answered.body["cursor"]["limit"] == 1
            cursor = answered.body["cursor"].get("nextCursor", "")
            if not cursor:
                break
        assert found == ["three", "two", "one"]
        assert cursor == ""

    async def test_no_cursor_unless_asked_for(self, api: Api) -> None:
        answered = await api.get("/viber/2/logs", limit=2)
        assert list(answered.body) == ["results"]
        assert [log["messageId"] for log in answered.body["results"]] == ["three", "two"]


class TestBadQuestions:
    @pytest.mark.parametrize(
        ("query", "where"),
        [
            ({"limit": "0"}, "limit"),
            ({"limit": "1001"}, "limit"),
            ({"limit": "x"}, "limit"),
            ({"generalStatus": "GONE"}, "generalStatus"),
            ({"sentSince": "yesterday"}, "sentSince"),
            ({"useCursor": "perhaps"}, "useCursor"),
            ({"useCursor": "true", "cursor": "!"}, "cursor"),
            ({"useCursor": "true", "cursor": "AAAA"}, "cursor"),
            ({"messageId": "x" * 2049}, "messageId"),
            ({"sender": "a\0b"}, "sender"),
        ],
    )
    async def test_each(self, api: Api, query: dict[str, str], where: str) -> None:
        answered = await api.get("/viber-bot/1/logs", **query)
        assert answered.status == 400
        assert list(answered.violations) == [where]

    async def test_a_user_of_a_bot(self, api: Api) -> None:
        await api.bot(message("Hi"))
        answered = await api.get("/viber-bot/1/logs", destination=USER)
        assert [log["destination"] for log in answered.body["results"]] == [USER]
