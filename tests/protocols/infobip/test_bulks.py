"""Scheduled bulks in the shape that the vendor gives those of SMS, under each of the three roots."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.protocols.infobip.conftest import USER, Api, business, message

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOTS = ("/sms/1/bulks", "/viber/1/bulks", "/viber-bot/1/bulks")
NOT_FOUND = {"requestError": {"serviceException": {"messageId": "NOT_FOUND", "text": "Bulk not found"}}}


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.000+0000"


def soon(**more: Any) -> datetime:
    return (datetime.now(UTC) + timedelta(**more)).replace(microsecond=0)


@pytest.mark.parametrize("root", ROOTS)
class TestUnderEachRoot:
    async def test_read_move_pause_resume_cancel(self, api: Api, root: str) -> None:
        start = soon(days=1)
        answered = await api.business(business("Hi", "385991234501", "385991234502"), schedule={
            "bulkId": "B", "sendAt": stamp(start),
        })  # fmt: skip
        assert answered.body["bulkId"] == "B"
        assert (await api.get(root, bulkId="B")).body == {"bulkId": "B", "sendAt": stamp(start)}
        assert (await api.get(f"{root}/status", bulkId="B")).body == {"bulkId": "B", "status": "PENDING"}
        later = soon(days=2)
        moved = await api.put(root, {"sendAt": stamp(later)}, bulkId="B")
        assert moved.body == {"bulkId": "B", "sendAt": stamp(later)}
        assert (await api.get(root, bulkId="B")).body == {"bulkId": "B", "sendAt": stamp(later)}
        for wanted, found in (("PAUSED", "PAUSED"), ("PENDING", "PENDING"), ("CANCELED", "CANCELED")):
            changed = await api.put(f"{root}/status", {"status": wanted}, bulkId="B")
            assert changed.body == {"bulkId": "B", "status": found}
        again = await api.put(f"{root}/status", {"status": "PENDING"}, bulkId="B")
        assert again.status == 400
        assert api.network.sent == []

    async def test_an_unknown_bulk(self, api: Api, root: str) -> None:
        for method, path, body in (
            ("GET", root, None),
            ("PUT", root, {"sendAt": stamp(soon(days=1))}),
            ("GET", f"{root}/status", None),
            ("PUT", f"{root}/status", {"status": "PAUSED"}),
        ):
            for name in ("nothing", "01a1fd41-70e9-7000-9104-9f85e34f2ed4"):
                answered = await api.call(method, path, body, params={"bulkId": name})
                assert (answered.status, answered.body) == (404, NOT_FOUND)

    async def test_no_bulk_is_named(self, api: Api, root: str) -> None:
        answered = await api.get(root)
        assert (answered.status, answered.violations) == (400, {"bulkId": "must not be null"})

    @pytest.mark.parametrize(
        ("path", "body", "violations"),
        [
            ("", {}, {"sendAt": "must not be null"}),
            ("", {"sendAt": "soon"}, {"sendAt": "invalid value"}),
            ("", {"sendAt": "2199-01-01T00:00:00.000+0000"}, {"sendAt": "must be at most 180 days in the future"}),
            ("/status", {}, {"status": "must not be null"}),
            ("/status", {"status": "GONE"}, {"status": "invalid value"}),
            ("/status", {"status": "FINISHED"}, {"status": "invalid value"}),
        ],
    )
    async def test_what_is_wrong(self, api: Api, root: str, path: str, body: Any, violations: dict[str, str]) -> None:
        await api.bot(message("Hi"), schedule={"bulkId": "B", "sendAt": stamp(soon(days=1))})
        answered = await api.put(root + path, body, bulkId="B")
        assert (answered.status, answered.violations) == (400, violations)


class TestABulk:
    async def test_moved_into_the_past_it_goes_at_once(self, api: Api) -> None:
        answered = await api.bot(message("Hi"), schedule={"sendAt": stamp(soon(days=1))})
        moved = await api.put("/viber-bot/1/bulks", {"sendAt": "2015-07-07T17:00:00.000+0000"},
                              bulkId=answered.body["bulkId"])  # fmt: skip
        assert moved.status == 200
        (outgoing,) = await api.sends(1)
        assert outgoing.to == USER

    @pytest.mark.parametrize("start", ["2015-07-07T17:00:00.000+0000", None])
    async def test_messages_that_differ_are_moved_together(self, api: Api, start: str | None) -> None:
        messages = [business(f"Hi {n}", f"38599123450{n}") for n in range(3)]
        answered = await api.business(*messages, schedule={"bulkId": "B", "sendAt": stamp(soon(days=1))})
        moved = await api.put("/viber/1/bulks", {"sendAt": start or stamp(soon(seconds=1))}, bulkId="B")
        assert moved.status == 200
        sent = await api.sends(3)
        assert sorted(getattr(o.content, "text", "") for o in sent) == ["Hi 0", "Hi 1", "Hi 2"]
        for sent_one in answered.body["messages"]:
            await api.receipt(sent_one["messageId"], "delivered")
        reports: list[Any] = []
        while len(reports) < 3:
            reports += await api.pulled("/viber/2/reports")
        assert all(r["sentAt"] <= r["doneAt"] and r["bulkId"] == "B" for r in reports)

    async def test_finished(self, api: Api) -> None:
        answered = await api.bot(message("Hi"), schedule={"bulkId": "B"})
        row = await api.row("SELECT id FROM messages WHERE account_id = $1", api.account_id)
        await api.receipt(row["id"], "delivered")
        assert answered.body["bulkId"] == "B"
        await api.until(row["id"], "delivered")
        status = (await api.get("/sms/1/bulks/status", bulkId="B")).body["status"]
        while status == "PROCESSING":
            status = (await api.get("/sms/1/bulks/status", bulkId="B")).body["status"]
        assert status == "FINISHED"
        refused = await api.put("/sms/1/bulks", {"sendAt": stamp(soon(days=1))}, bulkId="B")
        assert refused.status == 400
        assert refused.body["requestError"]["serviceException"]["text"] == "Bulk is already finished"

    async def test_failed_as_a_whole(self, api: Api) -> None:
        api.network.refuse("+385991234504", "not_a_viber_user")
        await api.business(business("Hi", "385991234504"), schedule={"bulkId": "B"})
        row = await api.row("SELECT id FROM messages WHERE account_id = $1", api.account_id)
        await api.until(row["id"], "failed")
        status = ""
        while status in ("", "PROCESSING"):
            status = (await api.get("/viber/1/bulks/status", bulkId="B")).body["status"]
        assert status == "FAILED"

    async def test_another_accounts_bulk_is_not_there(self, api: Api, served: Api) -> None:
        answered = await api.bot(message("Hi"), schedule={"bulkId": "B", "sendAt": stamp(soon(days=1))})
        assert answered.status == 200
        row = await api.row("SELECT id FROM bulks WHERE account_id = $1", api.account_id)
        other = await served.account()
        for name in ("B", str(row["id"])):
            refused = await other.put("/sms/1/bulks/status", {"status": "CANCELED"}, bulkId=name)
            assert refused.status == 404
        assert UUID(str(row["id"])).version == 7
        assert (await api.get("/sms/1/bulks/status", bulkId="B")).body["status"] == "PENDING"
