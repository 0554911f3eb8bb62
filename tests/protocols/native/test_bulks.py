"""Bulks over HTTP: filling, steering, watching, and taking the outcomes home."""

import asyncio
import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from tests.protocols.native.conftest import Api
from tyrian.engine.ports import Refused
from tyrian.protocols.native.bulks import OUTCOME_COLUMNS
from tyrian.protocols.native.times import stamp

pytestmark = pytest.mark.asyncio(loop_scope="module")


def step(text: str = "Hello {{name}}", channel: str = "demo-viber", **more: Any) -> dict[str, Any]:
    return {"channel": channel, "content": {"type": "text", "text": text}, **more}


def people(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"to": f"+38599{n:07}", "variables": {"name": f"N{n}"}} for n in range(first, first + count)]


async def opened(api: Api, **more: Any) -> str:
    answer = await api.post("/api/v1/bulks", {"cascade": [step()], **more})
    assert answer.status == 201, answer.body
    identifier: str = answer.body["id"]
    assert answer.headers["location"] == f"/api/v1/bulks/{identifier}"
    return f"/api/v1/bulks/{identifier}"


async def until(api: Api, path: str, **wanted: Any) -> dict[str, Any]:
    """The bulk, once it is as wanted."""
    async with asyncio.timeout(15):
        while True:
            bulk: dict[str, Any] = (await api.get(path)).body
            if all(bulk[name] == value for name, value in wanted.items()):
                return bulk
            await asyncio.sleep(0.02)


async def test_a_bulk_is_opened_filled_sealed_and_finishes(api: Api) -> None:
    path = await opened(api, name="Spring")
    first = await api.get(path)
    assert {k: first.body[k] for k in ("name", "state", "sealed", "total", "counts")} == {
        "name": "Spring",
        "state": "running",
        "sealed": False,
        "total": 0,
        "counts": {},
    }
    for n in range(3):
        added = await api.post(f"{path}/messages", {"messages": people(5, n * 5), "offset": n * 5})
        assert (added.status, added.body["total"]) == (200, (n + 1) * 5)
    assert (await api.post(f"{path}/seal")).body["sealed"] is True
    await until(api, path, counts={"sent": 15}, state="finished")
    assert sorted(api.network.texts()) == sorted(f"Hello N{n}" for n in range(15))
    refused = await api.post(f"{path}/messages", {"messages": people(1)})
    assert (refused.status, "sealed" in refused.body["detail"]) == (409, True)


async def test_an_interrupted_upload_is_repeated_without_doubling_anybody(api: Api) -> None:
    path = await opened(api)
    for offset, count, total in ((0, 4, 4), (0, 4, 4), (2, 4, 6), (6, 1, 7)):
        body = {"messages": people(count, offset), "offset": offset}
        assert (await api.post(f"{path}/messages", body)).body["total"] == total
    gap = await api.post(f"{path}/messages", {"messages": people(1), "offset": 9})
    assert gap.status == 409
    assert "7" in gap.body["detail"]
    await api.post(f"{path}/seal")
    await until(api, path, counts={"sent": 7})
    assert sorted(o.to for o in api.network.sent) == sorted(p["to"][1:] for p in people(7))


async def test_recipients_come_as_ndjson_too(api: Api) -> None:
    path = await opened(api)
    lines = b"\n".join(json.dumps(p).encode() for p in people(3)) + b"\n"
    headers = {"Content-Type": "application/x-ndjson"}
    for offset in (0, 0):
        added = await api.post(f"{path}/messages?offset={offset}", lines, headers=headers)
        assert (added.status, added.body["total"]) == (200, 3)
    refused = await api.post(f"{path}/messages", lines + b'{"to":"nobody"}', headers=headers)
    assert (refused.status, refused.pointers) == (422, ["/messages/3/variables", "/messages/3/to"][::-1])
    broken = await api.post(f"{path}/messages", lines + b'{"to"', headers=headers)
    assert (broken.status, "line 4" in broken.body["detail"]) == (400, True)
    twice = await api.post(f"{path}/messages?offset=3", {"messages": people(1), "offset": 3})
    assert (twice.status, twice.pointers) == (422, ["?offset"])


async def test_a_wrong_recipient_keeps_all_of_the_request_out(api: Api) -> None:
    path = await opened(api)
    entries = [
        *people(2),
        {"to": "x", "variables": {"name": "a"}},
        {"to": "+385991234501"},
        {**people(1)[0], "purpose": "otp"},
    ]
    refused = await api.post(f"{path}/messages", {"messages": entries[:4]})
    assert (refused.status, refused.pointers) == (422, ["/messages/2/to", "/messages/3/variables"])
    assert (await api.post(f"{path}/messages", {"messages": entries})).pointers == ["/messages/4/purpose"]
    assert (await api.get(path)).body["total"] == 0


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/cascade"]),
        ({"cascade": [step(channel="demo-fax")]}, ["/cascade/0/channel"]),
        ({"cascade": [step("Hello {{name")]}, ["/cascade/0/content/text"]),
        ({"cascade": [step()], "to": "+385991234501"}, ["/to"]),
        ({"cascade": [step()], "name": "x\0"}, ["/name"]),
        ({"cascade": [step()], "schedule": {"send_at": "2020-01-01T00:00:00Z"}}, ["/schedule/send_at"]),
    ],
)
async def test_a_bulk_that_could_never_go_is_refused(api: Api, body: Any, pointers: list[str]) -> None:
    answer = await api.post("/api/v1/bulks", body)
    assert (answer.status, answer.pointers) == (422, pointers)
    assert await api.stored() == 0


async def test_a_bulk_is_paused_resumed_and_cancelled(api: Api) -> None:
    start = stamp(api.gateway.clock.now() + timedelta(hours=1))
    sent = await api.send({"cascade": [step()], "messages": people(4), "schedule": {"send_at": start}})
    path = f"/api/v1/bulks/{sent.body['bulk_id']}"
    assert (await api.post(f"{path}/pause")).body["state"] == "paused"
    assert (await api.call("PATCH", path, {"schedule": None})).body["state"] == "paused"
    assert api.network.sent == []
    assert (await api.post(f"{path}/resume")).body["state"] in ("running", "finished")
    await until(api, path, counts={"sent": 4})

    other = await api.send({"cascade": [step()], "messages": people(4), "schedule": {"send_at": start}})
    path = f"/api/v1/bulks/{other.body['bulk_id']}"
    assert (await api.post(f"{path}/cancel")).body["state"] == "cancelled"
    await until(api, path, counts={"cancelled": 4})
    for word in ("pause", "resume"):
        assert (await api.post(f"{path}/{word}")).status == 409
    assert (await api.call("PATCH", path, {"schedule": None})).status == 409


async def test_a_bulk_is_rescheduled_and_says_when_it_will_be_done(api: Api) -> None:
    start = api.gateway.clock.now() + timedelta(hours=1)
    schedule = {"send_at": stamp(start), "speed_limit": {"messages": 60, "per": "hour"}}
    sent = await api.send({"cascade": [step()], "messages": people(3), "schedule": schedule})
    path = f"/api/v1/bulks/{sent.body['bulk_id']}"
    bulk = (await api.get(path)).body
    assert bulk["done_by"] == stamp(start + timedelta(minutes=2))
    faster = {"send_at": stamp(start), "speed_limit": {"messages": 60, "per": "minute"}}
    answer = await api.call("PATCH", path, {"schedule": faster})
    assert (answer.status, answer.body["done_by"]) == (200, stamp(start + timedelta(seconds=2)))
    for wrong, pointer in (({}, "/schedule"), ({"schedule": {"send_at": "2020-01-01T00:00:00Z"}}, "/schedule/send_at")):
        refused = await api.call("PATCH", path, wrong)
        assert (refused.status, refused.pointers) == (422, [pointer])


async def test_only_what_failed_is_sent_again(api: Api) -> None:
    for n in (1, 3):
        api.network.answers[people(1, n)[0]["to"][1:]] = Refused("unreachable_recipient")
    sent = await api.send({"cascade": [step()], "messages": people(4)})
    path = f"/api/v1/bulks/{sent.body['bulk_id']}"
    await until(api, path, counts={"sent": 2, "failed": 2})
    api.network.answers.clear()
    api.network.sent.clear()
    again = await api.post(f"{path}/retry")
    assert (again.status, again.body["messages"]) == (202, 2)
    await until(api, again.headers["location"], counts={"sent": 2})
    assert sorted(api.network.texts()) == ["Hello N1", "Hello N3"]


async def test_outcomes_are_one_line_for_each_message(api: Api) -> None:
    api.network.answers[people(1, 1)[0]["to"][1:]] = Refused("blocked_by_user")
    sent = await api.send({"cascade": [step()], "messages": people(3)})
    path = f"/api/v1/bulks/{sent.body['bulk_id']}"
    await until(api, path, counts={"sent": 2, "failed": 1})
    answer = await api.get(f"{path}/outcomes.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    heading, *rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert tuple(heading) == OUTCOME_COLUMNS
    told = [dict(zip(heading, row, strict=True)) for row in rows]
    assert [t["id"] for t in told] == [m["id"] for m in sent.body["messages"]]
    assert [(t["status"], t["reason"], t["channel"]) for t in told] == [
        ("sent", "", "demo-viber"),
        ("failed", "blocked_by_user", "demo-viber"),
        ("sent", "", "demo-viber"),
    ]
    assert told[0]["sent_at"]
    assert not told[1]["sent_at"]


async def test_bulks_are_listed_newest_first(api: Api) -> None:
    paths = [await opened(api, name=f"bulk {n}") for n in range(3)]
    await api.post(f"{paths[1]}/pause")
    page = (await api.get("/api/v1/bulks", params={"limit": 2})).body
    assert [b["name"] for b in page["bulks"]] == ["bulk 2", "bulk 1"]
    rest = (await api.get("/api/v1/bulks", params={"limit": 2, "cursor": page["next"]})).body
    assert ([b["name"] for b in rest["bulks"]], rest["next"]) == (["bulk 0"], None)
    paused = (await api.get("/api/v1/bulks", params={"state": "paused"})).body
    assert [(b["name"], b["state"]) for b in paused["bulks"]] == [("bulk 1", "paused")]
