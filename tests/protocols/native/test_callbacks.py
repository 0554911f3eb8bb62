"""Callbacks that failed, inbound messages and capabilities, as lists."""

import asyncio
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest

from tests.protocols.native.conftest import Api, serving
from tests.protocols.native.test_media import upload
from tyrian.domain.content import Image, Text
from tyrian.engine.ports import Inbound
from tyrian.protocols.native.times import stamp
from tyrian.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def failing(api: Api, count: int) -> list[str]:
    """Messages whose callbacks nobody takes; the newest first."""
    sent = []
    for n in range(count):
        answer = await api.send(
            {
                "to": f"+38599123450{n}",
                "cascade": [{"channel": "demo-viber", "content": {"type": "text", "text": "Hi"}}],
                "callback": {"url": "https://nobody.invalid/hook", "events": ["sent"]},
            }
        )
        sent.append(answer.body["id"])
        await api.until(answer.body["id"], "sent")
    async with asyncio.timeout(15):
        while len((await api.get("/api/v1/callbacks")).body["callbacks"]) < count:
            await asyncio.sleep(0.02)
    return sent[::-1]


async def park(api: Api) -> None:
    """Gives the account's callbacks up, as a day of refusals would."""
    sql = "UPDATE callbacks SET parked = true, leased_until = NULL, node = NULL, tries = 20 WHERE account_id = $1"
    await api.gateway.db.execute(sql, api.account_id)


async def test_callbacks_that_failed_are_listed_and_brought_again(module_database_url: str) -> None:
    async with serving(module_database_url) as served:
        api = await served.account("demo-viber")
        sent = await failing(api, 3)
        listed = (await api.get("/api/v1/callbacks", params={"limit": 2})).body
        assert [c["message_id"] for c in listed["callbacks"]] == sent[:2]
        first = listed["callbacks"][0]
        assert (first["type"], first["url"]) == ("message.sent", "https://nobody.invalid/hook")
        assert (first["state"], first["reason"]) == ("failing", "endpoint_unreachable")
        assert first["next_try_at"] > first["created_at"]
        rest = (await api.get("/api/v1/callbacks", params={"cursor": listed["next"]})).body
        assert [c["message_id"] for c in rest["callbacks"]] == sent[2:]
        only = (await api.get("/api/v1/callbacks", params={"message_id": sent[1]})).body["callbacks"]
        assert [c["message_id"] for c in only] == [sent[1]]

        await park(api)
        parked = (await api.get("/api/v1/callbacks", params={"state": "parked"})).body["callbacks"]
        assert [(c["state"], c["next_try_at"]) for c in parked] == [("parked", None)] * 3
        assert (await api.get("/api/v1/callbacks", params={"state": "failing"})).body["callbacks"] == []

        one = await api.post(f"/api/v1/callbacks/{parked[0]['id']}/redeliver")
        assert (one.status, one.body) == (202, {"callbacks": 1})
        future = stamp(api.gateway.clock.now() + timedelta(hours=1))
        none = await api.post("/api/v1/callbacks/redeliver", {"since": future})
        assert (none.status, none.body) == (202, {"callbacks": 0})
        rest_again = await api.post("/api/v1/callbacks/redeliver", {})
        assert rest_again.body == {"callbacks": 2}
        events = (await api.get(f"/api/v1/messages/{sent[0]}/events")).body["events"]
        assert "callback_redelivered" in [e["type"] for e in events]
        assert (await api.post("/api/v1/callbacks/999999999/redeliver")).status == 404


async def test_a_callback_s_exchange_is_shown_without_its_signature(module_database_url: str) -> None:
    async with serving(module_database_url) as served:
        api = await served.account("demo-viber")
        (message_id,) = await failing(api, 1)
        exchanges = (await api.get(f"/api/v1/messages/{message_id}/exchanges")).body["exchanges"]
        told = next(e for e in exchanges if e["event"] == "callback_failed")
        assert told["url"] == "https://nobody.invalid/hook"
        assert message_id in told["request"]
        assert "webhook-signature: ***" in told["request"]
        assert told["error"]


async def test_private_urls_are_taken_where_the_settings_allow_them(module_database_url: str) -> None:
    body = {
        "to": "+385991234501",
        "cascade": [{"channel": "demo-viber", "content": {"type": "text", "text": "Hi"}}],
        "callback": {"url": "http://127.0.0.1:9000/hook"},
    }
    settings = Settings(allow_private_callbacks=(ip_network("127.0.0.0/8"),))
    async with serving(module_database_url, settings, roles=frozenset({"api"})) as served:
        api = await served.account("demo-viber")
        assert (await api.send(body)).status == 202
        assert (await api.send(body | {"callback": {"url": "http://10.0.0.1/hook"}})).pointers == ["/callback/url"]


# -- Inbound ----------------------------------------------------------------------------------------------------------


async def test_inbound_messages_are_listed(api: Api) -> None:
    for number, (channel, sender) in enumerate(
        (("demo-bot", "u1"), ("demo-bot", "u2"), ("demo-viber", "+385991234501"))
    ):
        entry = api.gateway.channels.get(api.account_id, channel)
        assert entry is not None
        words = Text(text=f"words {number}")
        said = Inbound(sender, channel, words, f"{api.account_id}-{number}", extra={"name": "Ana"})
        await api.gateway.inbound.submit(entry.channel, [said])

    async def texts(**query: Any) -> list[str]:
        answer = await api.get("/api/v1/inbound", params=query)
        assert answer.status == 200, answer.body
        return [m["content"]["text"] for m in answer.body["messages"]]

    assert await texts() == ["words 2", "words 1", "words 0"]
    assert await texts(channel="demo-bot") == ["words 1", "words 0"]
    assert await texts(sender="385991234501") == ["words 2"]
    assert await texts(until="2020-01-01T00:00:00Z") == []
    page = (await api.get("/api/v1/inbound", params={"limit": 1})).body
    (message,) = page["messages"]
    assert (message["channel"], message["sender"], message["extra"]) == ("demo-viber", "+385991234501", {"name": "Ana"})
    assert await texts(cursor=page["next"]) == ["words 1", "words 0"]


async def test_an_inbound_message_is_read_with_what_became_of_its_file(api: Api) -> None:
    entry = api.gateway.channels.get(api.account_id, "demo-bot")
    assert entry is not None
    url = "https://network.example/a.jpg"
    await api.gateway.inbound.submit(entry.channel, [Inbound("u7", "demo-bot", Image(url=url), f"{api.account_id}-m")])
    (message,) = (await api.get("/api/v1/inbound", params={"sender": "u7"})).body["messages"]
    path = f"/api/v1/inbound/{message['id']}"

    async def read(**changed: Any) -> dict[str, Any]:
        for name, value in changed.items():
            sql = f"UPDATE inbound SET {name} = $2 WHERE id = $1"
            await api.gateway.db.execute(sql, UUID(message["id"]), value)
        answer = await api.get(path)
        assert answer.status == 200
        (listed,) = (await api.get("/api/v1/inbound", params={"sender": "u7"})).body["messages"]
        assert listed == answer.body
        assert answer.body["content"]["type"] == "image"
        return {"url": answer.body["content"]["url"], **(answer.body["media"] or {})}

    assert await read() == {"url": url}
    await api.gateway.db.execute(
        "INSERT INTO rehosting (inbound_id, account_id, node, due_at) VALUES ($1, $2, 1, $3)",
        UUID(message["id"]), api.account_id, api.gateway.clock.now() + timedelta(days=9),
    )  # fmt: skip
    none = {"id": None, "problem": None, "original_url": url}
    assert await read() == {"url": url, "status": "waiting", **none}
    assert await read(media_problem="too_large: is larger") == {
        "url": url, "status": "failed", **none, "problem": "too_large: is larger",
    }  # fmt: skip
    uploaded = (await upload(api)).body
    hosted = await read(media_problem=None, media_id=UUID(uploaded["id"]))
    assert (hosted["status"], hosted["id"], hosted["original_url"]) == ("hosted", uploaded["id"], url)
    assert hosted["url"].split("?")[0] == uploaded["url"].split("?")[0]
    assert await read(media_id=UUID(int=7)) == {"url": url, "status": "gone", **none, "id": str(UUID(int=7))}
    assert (await api.get(f"/api/v1/inbound/{UUID(int=1)}")).status == 404
    assert (await api.get("/api/v1/inbound/nothing")).status == 404


# -- Capabilities -----------------------------------------------------------------------------------------------------


async def test_capabilities_are_the_tables_that_requests_are_checked_against(api: Api) -> None:
    every = (await api.get("/api/v1/capabilities")).body["channels"]
    assert [c["channel"] for c in every] == ["demo-bot", "demo-sms", "demo-viber"]
    one = (await api.get("/api/v1/capabilities/demo-viber")).body
    assert one == every[2]
    assert one["contents"]["text"]["bounds"] == [{"field": "text", "max_length": 1000, "source": "the tests"}]
    assert set(one["contents"]) == {"text", "image", "template"}
    assert one["purposes"] == {"otp": ["text"]}
    assert (one["receipts"], one["inbound"], one["source"]) == (["delivered", "seen"], True, "the tests")
    assert (await api.get("/api/v1/capabilities/demo-fax")).status == 404
