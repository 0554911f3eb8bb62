"""Looking at messages, and taking them back."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.protocols.native.conftest import Api
from tyrian.engine.ports import Exchange, Refused
from tyrian.protocols.native.times import stamp
from tyrian.store import reading

pytestmark = pytest.mark.asyncio(loop_scope="module")

TO = "+385991234501"


def step(text: str = "Hello", channel: str = "demo-viber", **more: Any) -> dict[str, Any]:
    return {"channel": channel, "content": {"type": "text", "text": text}, **more}


async def send(api: Api, to: str = TO, **more: Any) -> str:
    answer = await api.send({"to": to, "cascade": [step()], **more})
    assert answer.status == 202, answer.body
    identifier: str = answer.body["id"]
    return identifier


async def listed(api: Api, **query: Any) -> list[str]:
    answer = await api.get("/api/v1/messages", params=query)
    assert answer.status == 200, answer.body
    return [m["id"] for m in answer.body["messages"]]


async def test_a_message_tells_its_life_with_times(api: Api) -> None:
    message_id = await send(api, callback={"url": "https://shop.example/", "data": "order-7", "events": ["sent"]})
    await api.until(message_id, "sent")
    await api.receipt(message_id, "delivered")
    await api.receipt(message_id, "seen")
    message = (await api.get(f"/api/v1/messages/{message_id}")).body
    (attempt,) = message["attempts"]
    assert (message["status"], message["channel"], message["data"]) == ("seen", "demo-viber", "order-7")
    assert (attempt["status"], attempt["channel"], attempt["step"], attempt["tries"]) == ("seen", "demo-viber", 0, 1)
    times = [message["accepted_at"], *(attempt[t] for t in ("sent_at", "delivered_at", "seen_at"))]
    assert times == sorted(times)
    assert all(len(t) == 24 and t.endswith("Z") for t in times)
    events = (await api.get(f"/api/v1/messages/{message_id}/events")).body["events"]
    told = [e for e in events if not e["type"].startswith("callback_")]
    assert [e["type"] for e in told] == ["accepted", "sent", "delivered", "seen"]
    assert [e["attempt_id"] for e in told] == [None, *[attempt["id"]] * 3]
    assert told[0]["at"] == message["accepted_at"]


async def test_a_message_out_for_sending_is_sending(api: Api) -> None:
    api.network.gate.clear()
    message_id = await send(api)
    message = await api.until(message_id, "sending")
    (attempt,) = message["attempts"]
    assert (attempt["status"], attempt["tries"], attempt["sent_at"]) == ("sending", 1, None)
    assert attempt["started_at"]
    assert await listed(api, status="sending") == [message_id]
    assert await listed(api, status="accepted") == []
    assert (await api.post(f"/api/v1/messages/{message_id}/cancel")).status == 409
    api.network.gate.set()
    message = await api.until(message_id, "sent")
    assert message["attempts"][0]["id"] == attempt["id"]


async def test_a_cascade_shows_each_attempt(api: Api) -> None:
    api.network.answers["385991234504"] = Refused("not_a_viber_user", Exchange("POST /send", response="6", status=200))
    cascade = [step(fallback_time=60), step("Hi", "demo-sms", to="+385997654321")]
    message_id = await send(api, "+385991234504", cascade=cascade)
    message = await api.until(message_id, "sent")
    seen = [(a["channel"], a["status"], a["reason"], a["to"]) for a in message["attempts"]]
    assert seen == [
        ("demo-viber", "failed", "not_a_viber_user", "385991234504"),
        ("demo-sms", "sent", None, "385997654321"),
    ]
    events = (await api.get(f"/api/v1/messages/{message_id}/events")).body["events"]
    assert [(e["type"], e["channel"]) for e in events] == [
        ("accepted", None),
        ("failed", "demo-viber"),
        ("fallback", "demo-viber"),
        ("sent", "demo-sms"),
    ]
    assert await listed(api, channel="demo-viber") == await listed(api, channel="demo-sms") == [message_id]
    assert await listed(api, channel="demo-bot") == []


async def test_a_step_whose_channel_is_gone_is_shown_as_skipped(api: Api) -> None:
    api.network.gate.clear()
    api.network.answers["385991234504"] = Refused("not_a_viber_user")
    cascade = [step(), step("Hi", "demo-sms"), step("Ho", "demo-bot", to="user-9")]
    message_id = await send(api, "+385991234504", cascade=cascade)
    await api.until(message_id, "sending")
    await api.gateway.channels.remove(api.account_id, "demo-sms")
    api.network.gate.set()
    message = await api.until(message_id, "sent")
    seen = [(a["channel"], a["status"], a["reason"], a["id"] is None) for a in message["attempts"]]
    assert seen == [
        ("demo-viber", "failed", "not_a_viber_user", False),
        ("demo-sms", "skipped", "channel_removed", True),
        ("demo-bot", "sent", None, False),
    ]


async def test_exchanges_show_what_was_said(api: Api) -> None:
    message_id = await send(api)
    await api.until(message_id, "sent")
    (exchange,) = (await api.get(f"/api/v1/messages/{message_id}/exchanges")).body["exchanges"]
    assert exchange["at"]
    assert {k: exchange[k] for k in ("event", "channel", "url", "request", "response", "status", "milliseconds")} == {
        "event": "sent",
        "channel": "demo-viber",
        "url": "https://network.example/send",
        "request": "POST /send",
        "response": "ok",
        "status": 200,
        "milliseconds": 1.5,
    }


async def test_a_scheduled_message_says_so_and_can_be_taken_back(api: Api) -> None:
    start = stamp(api.gateway.clock.now() + timedelta(hours=3))
    message_id = await send(api, schedule={"send_at": start})
    message = (await api.get(f"/api/v1/messages/{message_id}")).body
    assert (message["status"], message["due_at"], message["attempts"]) == ("scheduled", start, [])
    events = (await api.get(f"/api/v1/messages/{message_id}/events")).body["events"]
    assert [(e["type"], e["detail"]) for e in events] == [("accepted", None), ("scheduled", {"due_at": start})]
    cancelled = await api.post(f"/api/v1/messages/{message_id}/cancel")
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")
    assert cancelled.body["reason"] == "cancelled_by_customer"
    again = await api.post(f"/api/v1/messages/{message_id}/cancel")
    assert again.status == 409
    assert "cancelled" in again.body["detail"]
    assert api.network.sent == []


async def test_a_message_that_was_sent_cannot_be_taken_back(api: Api) -> None:
    message_id = await send(api)
    await api.until(message_id, "sent")
    assert (await api.post(f"/api/v1/messages/{message_id}/cancel")).status == 409
    assert (await api.get(f"/api/v1/messages/{message_id}")).body["status"] == "sent"


# -- Lists ------------------------------------------------------------------------------------------------------------


async def test_a_list_goes_on_from_page_to_page_newest_first(api: Api) -> None:
    sent = [await send(api, f"+38599123{n:04}") for n in range(7)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    for size in (3, 3, 1):
        page = (await api.get("/api/v1/messages", params={"limit": "3", **cursor})).body
        assert len(page["messages"]) == size
        found += [m["id"] for m in page["messages"]]
        cursor = {"cursor": page["next"]}
    assert found == sent[::-1]
    assert cursor == {"cursor": None}


async def test_a_list_is_filtered(api: Api) -> None:
    first = await send(api, "+385991234511", purpose="otp")
    await api.until(first, "sent")
    between = api.gateway.clock.now() + timedelta(milliseconds=5)
    await asyncio.sleep(0.01)
    api.network.answers["385991234512"] = Refused("blocked_by_user")
    second = await send(api, "+385991234512")
    await api.until(second, "failed")
    third = (await api.send({"cascade": [step()], "messages": [{"to": "+385991234513"}]})).body
    await api.until(third["messages"][0]["id"], "sent")
    third_id = third["messages"][0]["id"]
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({}, [third_id, second, first]),
        ({"status": "failed"}, [second]),
        ({"status": "sent"}, [third_id, first]),
        ({"reason": "blocked_by_user"}, [second]),
        ({"reason": "session_closed"}, []),
        ({"purpose": "otp"}, [first]),
        ({"to": "+385991234512"}, [second]),
        ({"to": "385991234512"}, [second]),
        ({"to": "+385991234512", "status": "sent"}, []),
        ({"bulk_id": third["bulk_id"]}, [third_id]),
        ({"bulk_id": first}, [first]),
        ({"channel": "demo-viber", "purpose": "transactional"}, [third_id, second]),
        ({"channel": "no-such"}, []),
        ({"since": between.isoformat()}, [third_id, second]),
        ({"until": between.isoformat()}, [first]),
        ({"since": between.isoformat(), "until": between.isoformat()}, []),
    ]
    for query, expected in cases:
        assert await listed(api, **query) == expected, query


async def test_a_filtered_page_looks_at_so_many_rows_and_says_where_to_go_on(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "WINDOW", 3)
    needle = await send(api, purpose="otp")
    for _ in range(7):
        await send(api)
    found, cursor, pages = [], None, 0
    while True:
        query = {"purpose": "otp", **({"cursor": cursor} if cursor else {})}
        page = (await api.get("/api/v1/messages", params=query)).body
        found += [m["id"] for m in page["messages"]]
        cursor, pages = page["next"], pages + 1
        if cursor is None:
            break
    assert found == [needle]
    assert pages == 3
