"""Conversations over the API: found, answered, handed on, watched."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partialmethod
from itertools import count
from typing import Any

import aiohttp
import pytest

from tests.protocols.native.conftest import Api
from tests.protocols.native.document import answer_schema, fits
from tyrian.domain.content import Text
from tyrian.engine.ports import Inbound
from tyrian.engine.report import decode
from tyrian.protocols.native import reports
from tyrian.protocols.native.inbox_operations import CONVERSATIONS
from tyrian.protocols.native.inbox_staff_operations import STAFF
from tyrian.protocols.native.operation import Operation, Reply
from tyrian.store import inbox_reading
from tyrian.store.inbox_forgetting import forget_conversations

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANA = "+385991234501"
BASE = "/api/v1/inbox"
_numbers = count(1)


async def say(api: Api, text: str, person: str = ANA, channel: str = "demo-viber") -> None:
    entry = api.gateway.channels.get(api.account_id, channel)
    assert entry is not None
    message = Inbound(person, channel, Text(text=text), f"{api.account_id}-{next(_numbers)}", extra={"name": "Ana"})
    await api.gateway.inbound.submit(entry.channel, [message])
    async with asyncio.timeout(15):
        while await api.gateway.db.fetchval("SELECT count(*) FROM turns WHERE account_id = $1", api.account_id):
            await asyncio.sleep(0.005)


async def ready(api: Api) -> dict[str, Any]:
    """A queue, two agents (Mia available), an inbox, and a conversation that alerts Mia."""
    queue = await api.post(f"{BASE}/queues", {"name": "support"})
    assert queue.status == 201, queue.text
    for name, state in (("Mia", "available"), ("Zoe", "away")):
        agent = await api.post(f"{BASE}/agents", {"name": name, "state": state, "queues": ["support"]})
        assert agent.status == 201, agent.text
    put = await api.call("PUT", "/api/v1/channels/demo-viber/inbox", {"queue": "support"})
    assert put.status == 200, put.text
    await say(api, "hello there")
    found: dict[str, Any] = (await api.get(f"{BASE}/conversations")).body["conversations"][0]
    return found


# -- The life of a conversation ---------------------------------------------------------------------------------------


async def test_a_conversation_from_hello_to_wrap_up(api: Api) -> None:
    it = await ready(api)
    assert (it["state"], it["person"], it["name"], it["channel"], it["unread"]) == (
        "open", ANA, "Ana", "demo-viber", 1,
    )  # fmt: skip
    assert [(leg["role"], leg["state"]) for leg in it["legs"]] == [
        ("customer", "connected"), ("queue", "connected"), ("agent", "alerting"),
    ]  # fmt: skip
    path = f"{BASE}/conversations/{it['id']}"
    answer = {"content": {"type": "text", "text": "Good morning"}, "by": "Mia"}
    sent = await api.post(f"{path}/messages", answer, headers={"Idempotency-Key": "a"})
    again = await api.post(f"{path}/messages", answer, headers={"Idempotency-Key": "a"})
    assert sent.status == again.status == 201, sent.text
    assert sent.body["id"] == again.body["id"]
    assert sent.body["author"]["name"] == "Mia"
    await api.until(sent.body["message_id"], "sent")
    other = await api.post(f"{path}/messages", answer | {"by": "Zoe"}, headers={"Idempotency-Key": "a"})
    assert other.status == 409
    noted = await api.post(f"{path}/notes", {"text": "a friend of the house", "by": "Mia"})
    assert (noted.status, noted.body["kind"]) == (201, "note")
    moved = await api.post(f"{path}/transfer", {"agent": "Zoe", "note": "yours", "by": "Mia"})
    assert (moved.status, moved.body["state"]) == (200, "transferred")
    taken = await api.post(f"{path}/accept", {"agent": "Zoe"})
    assert (taken.body["state"], taken.body["unread"]) == ("open", 0)
    patched = await api.call("PATCH", path, {"subject": "Order 7", "attributes": {"order": "7"}})
    assert (patched.body["subject"], patched.body["attributes"]) == ("Order 7", {"order": "7"})
    closed = await api.post(f"{path}/close", {"wrapup": "Solved.", "by": "Zoe"})
    assert closed.body["state"] == "closed"
    assert closed.body["legs"][-1]["wrapup"] == "Solved."
    late = await api.post(f"{path}/messages", answer)
    assert (late.status, late.body["title"]) == (409, "The request does not fit the present state")
    thread = (await api.get(f"{path}/items?limit=100")).body["items"]
    told = [item["event"] or item["text"] or item["content"]["text"] for item in thread]
    assert told == [
        "opened", "hello there", "queued", "assigned", "accepted", "Good morning", "a friend of the house", "yours",
        "transferred", "accepted", "closed",
    ]  # fmt: skip
    assert [item["status"] for item in thread if item["kind"] == "outbound"] == ["sent"]
    assert (await api.post(f"{path}/reopen", {})).body["state"] == "open"


async def test_what_is_wrong_is_said_at_its_place(api: Api) -> None:
    it = await ready(api)
    path = f"{BASE}/conversations/{it['id']}"
    for method, where, body, pointers in (
        ("POST", f"{path}/messages", {"content": {"type": "text", "text": ""}}, ["/content/text"]),
        ("POST", f"{path}/messages", {"content": {"type": "text", "text": "x" * 1001}}, ["/content/text"]),
        ("POST", f"{path}/messages", {"content": {"type": "text", "text": "x"}, "by": "Nobody"}, ["/by"]),
        ("POST", f"{path}/transfer", {}, [""]),
        ("POST", f"{path}/transfer", {"external": "voice"}, ["/external"]),
        ("POST", f"{path}/assign", {"queue": "none"}, ["/queue"]),
        ("POST", f"{BASE}/conversations", {"channel": "none", "person": ANA}, ["/channel"]),
        ("POST", f"{BASE}/conversations", {"channel": "demo-viber", "person": "x"}, ["/person"]),
        ("POST", f"{BASE}/agents", {"name": "Mia"}, ["/name"]),
        ("POST", f"{BASE}/agents", {"name": "Leo", "queues": ["support", "none"]}, ["/queues/1"]),
        ("POST", f"{BASE}/queues", {"name": "q", "timezone": "Nowhere"}, ["/timezone"]),
        ("PUT", f"{BASE}/settings", {"handover_url": "http://127.0.0.1/x"}, ["/handover_url"]),
        ("PUT", "/api/v1/channels/demo-viber/inbox", {"queue": "none"}, ["/queue"]),
        ("GET", f"{BASE}/conversations?queue=none&cursor=x", None, ["?cursor"]),
        ("GET", f"{BASE}/conversations?agent=none", None, ["?agent"]),
    ):
        answer = await api.call(method, where, body)
        assert (answer.status, answer.pointers if answer.status == 422 else answer.text) == (422, pointers), where
    for where in (f"{BASE}/conversations/{it['legs'][0]['id']}", f"{BASE}/agents/none", f"{BASE}/queues/none"):
        assert (await api.get(where)).status == 404
    assert (await api.get("/api/v1/channels/demo-sms/inbox")).status == 404


async def test_a_conversation_that_is_past_its_time_is_not_there_any_more(api: Api) -> None:
    path = f"{BASE}/conversations/{(await ready(api))['id']}"
    assert (await api.post(f"{path}/close", {})).status == 200
    now = api.gateway.clock.now()
    assert await forget_conversations(api.gateway.db, now + timedelta(seconds=1)) >= 1
    for where in (path, f"{path}/items"):
        answer = await api.get(where)
        assert (answer.status, answer.body["type"]) == (404, "/api/docs#not-found"), answer.text
    assert (await api.post(f"{path}/reopen", {})).status == 404
    assert (await api.post(f"{path}/messages", {"content": {"type": "text", "text": "hi"}})).status == 404


async def test_search_and_pages(api: Api) -> None:
    await ready(api)
    for n in range(3):
        await say(api, f"about parcel {n}", person=f"+38599123451{n}")
    page = (await api.get(f"{BASE}/conversations?limit=2")).body
    found = [c["person"] for c in page["conversations"]]
    while page["next"] is not None:
        page = (await api.get(f"{BASE}/conversations?limit=2&cursor={page['next']}")).body
        found += [c["person"] for c in page["conversations"]]
    assert found == ["+385991234512", "+385991234511", "+385991234510", ANA]
    words = (await api.get(f"{BASE}/conversations?text=parcel%201")).body["conversations"]
    assert [c["person"] for c in words] == ["+385991234511"]
    mine = (await api.get(f"{BASE}/conversations?agent=Mia&queue=support&state=open&channel=demo-viber")).body
    assert len(mine["conversations"]) == 4


async def test_the_keys_scopes_count(api: Api) -> None:
    reader = await api.with_key(scopes=["inbox:read"])
    assert (await reader.get(f"{BASE}/conversations")).status == 200
    assert (await reader.post(f"{BASE}/queues", {"name": "x"})).status == 403
    other = await api.account("demo-viber")
    it = await ready(api)
    assert (await other.get(f"{BASE}/conversations/{it['id']}")).status == 404
    assert (await other.get(f"{BASE}/conversations")).body["conversations"] == []


async def test_prepared_answers_are_filled_in(api: Api) -> None:
    it = await ready(api)
    made = await api.post(
        f"{BASE}/answers", {"name": "hi", "content": {"type": "text", "text": "Hi {{name}}, order {{order}}"}}
    )
    assert made.status == 201
    await api.post(f"{BASE}/answers", {"name": "hi", "content": {"type": "text", "text": "x"}, "queue": "support"})
    await api.call("PATCH", f"{BASE}/conversations/{it['id']}", {"attributes": {"order": "7"}})
    filled = (await api.get(f"{BASE}/answers?conversation={it['id']}")).body["answers"]
    assert sorted(a["content"]["text"] for a in filled) == ["Hi Ana, order 7", "x"]
    assert len((await api.get(f"{BASE}/answers")).body["answers"]) == 2
    assert (await api.call("DELETE", f"{BASE}/answers/{made.body['id']}")).status == 204
    assert (await api.call("DELETE", f"{BASE}/answers/{made.body['id']}")).status == 404


async def test_somebody_outside_gets_the_whole_context(api: Api) -> None:
    it = await ready(api)
    path = f"{BASE}/conversations/{it['id']}"
    put = await api.call("PUT", f"{BASE}/settings", {"handover_url": "https://voice.example/take"})
    assert put.body == {"handover_url": "https://voice.example/take"}
    body = {"external": "voice-support", "note": "call her", "by": "Mia"}
    moved = await api.post(f"{path}/transfer", body, headers={"Idempotency-Key": "v"})
    again = await api.post(f"{path}/transfer", body, headers={"Idempotency-Key": "v"})
    assert (moved.status, again.status, moved.body["state"]) == (200, 200, "transferred")
    rows = await api.gateway.db.fetch("SELECT * FROM callbacks WHERE message_id = $1", it["id"])
    assert len(rows) == 1, "once, however often it is asked"
    request = reports.render(decode(rows[0]["report"]), ["whsec_c2VjcmV0"], api.gateway.clock.now())
    told = json.loads(request.body)
    assert (told["type"], told["destination"], told["note"]) == ("conversation.handover", "voice-support", "call her")
    assert told["conversation"]["person"] == ANA.removeprefix("+")
    assert [i["content"]["text"] for i in told["items"] if i["kind"] == "inbound"] == ["hello there"]
    assert "webhook-signature" in request.headers
    (leg,) = [leg for leg in moved.body["legs"] if leg["role"] == "external"]
    taken = await api.post(f"{path}/accept", {"leg_id": leg["id"]})
    assert (taken.body["state"], taken.body["legs"][-1]["state"]) == ("open", "connected")


# -- The examples -----------------------------------------------------------------------------------------------------


async def identifier(api: Api, operation: Operation, it: dict[str, Any]) -> str:
    if operation.identifies == "prepared answer":
        made = await api.post(f"{BASE}/answers", {"name": "x", "content": {"type": "text", "text": "x"}})
        return str(made.body["id"])
    own = {"queue": "support", "agent": "Mia", "channel": "demo-viber"}
    return str(own.get(operation.identifies, it["id"]))


@pytest.mark.parametrize("operation", [*CONVERSATIONS, *STAFF], ids=lambda operation: operation.name)
async def test_every_operation_runs_as_it_is_described(api: Api, operation: Operation) -> None:
    if operation.name == "watchInbox":
        assert operation.answers[0].media == "text/event-stream"
        return
    it = await ready(api)
    conversation = f"{BASE}/conversations/{it['id']}"
    match operation.name:
        case "reopenConversation":
            await api.post(f"{conversation}/close", {})
        case "deleteAgent" | "requeueAgent":
            if operation.name == "deleteAgent":
                await api.post(f"{conversation}/close", {})
            await api.call("PATCH", f"{BASE}/agents/Mia", {"state": "offline"})
        case "deleteQueue":
            await api.post(f"{conversation}/close", {})
    path = operation.path.replace("{id}", await identifier(api, operation, it))
    for body in operation.examples.values() or [None]:
        answer = await api.call(operation.method, path, body)
        assert answer.status == operation.answers[0].status, answer.text
        if answer.text:
            assert fits(answer.body, answer_schema(operation, answer.status)) == []


# -- Watching ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def watching(
    api: Api, path: str = f"{BASE}/events", **headers: str
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    sent = {"Authorization": f"Bearer {api.key}", **headers}
    async with aiohttp.ClientSession(read_bufsize=1 << 20) as http, http.get(api.url + path, headers=sent) as response:
        assert response.status == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        greeting = [await response.content.readline() for _ in range(3)]
        assert greeting[0].startswith(b"id: "), "so that whoever is cut off before the first event can go on"
        assert greeting[1:] == [b"retry: 1000\n", b"\n"]
        yield events(response)


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    fields: dict[str, Any] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if not line and "id" in fields:
            yield {"id": int(fields["id"]), "event": fields["event"], "data": json.loads(fields["data"])}
            fields = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


async def some(stream: AsyncIterator[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(20):
        return [await anext(stream) for _ in range(number)]


async def test_events_come_as_they_happen_and_resume(api: Api) -> None:
    it = await ready(api)
    async with watching(api) as stream:
        pending = asyncio.ensure_future(some(stream, 2))
        await api.post(f"{BASE}/conversations/{it['id']}/notes", {"text": "one"})
        item, conversation = await pending
    assert (item["event"], item["data"]["text"], conversation["event"]) == ("item", "one", "conversation")
    assert conversation["id"] == item["id"] + 1
    for text in ("two", "three"):
        await api.post(f"{BASE}/conversations/{it['id']}/notes", {"text": text})
    async with watching(api, **{"Last-Event-ID": str(conversation["id"])}) as stream:
        missed = await some(stream, 4)
    assert [e["data"].get("text") for e in missed if e["event"] == "item"] == ["two", "three"]
    assert [e["id"] for e in missed] == list(range(conversation["id"] + 1, conversation["id"] + 5))
    async with watching(api, f"{BASE}/events?after=0&conversation={it['id']}") as stream:
        seen = await some(stream, 3)
    assert {e["data"].get("conversation_id", it["id"]) for e in seen} == {it["id"]}
    bad = await api.get(f"{BASE}/events", headers={"Last-Event-ID": "x"})
    assert bad.pointers == ["Last-Event-ID"]


async def test_what_is_gone_is_said(api: Api) -> None:
    it = await ready(api)
    await api.gateway.db.execute("DELETE FROM inbox_events WHERE account_id = $1", api.account_id)
    await api.post(f"{BASE}/conversations/{it['id']}/notes", {"text": "new"})
    async with watching(api, f"{BASE}/events?after=1") as stream:
        gap, item = await some(stream, 2)
    assert (gap["event"], item["event"], item["id"]) == ("gap", "item", gap["id"] + 1)
    async with watching(api, f"{BASE}/events?after=1000000") as stream:
        (gap,) = await some(stream, 1)
    assert gap["event"] == "gap"


async def test_a_watcher_hears_nothing_of_other_accounts(api: Api) -> None:
    other = await api.account("demo-viber")
    async with watching(other) as stream:
        pending = asyncio.ensure_future(some(stream, 1))
        await ready(api)
        await other.post(f"{BASE}/queues", {"name": "mine"})
        (event,) = await pending
    assert (event["event"], event["data"]["name"]) == ("queue", "mine")


async def test_a_reader_who_takes_nothing_is_cut_off_and_disturbs_nobody(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Reply, "__init__", partialmethod(Reply.__init__, patience=0.5))
    it = await ready(api)
    patched = {"attributes": {f"a{n}": "x" * 4000 for n in range(50)}}
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    asking = f"GET {BASE}/events?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\n\r\n"
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, ("127.0.0.1", int(api.url.rpartition(":")[2])))
    watchers = api.gateway.inbox.watchers
    async with watching(api) as stream:
        await loop.sock_sendall(deaf, asking.encode())
        # Each of these is an event of 200 kB: far more than the sockets hold between them.
        for number in range(40):
            await api.call("PATCH", f"{BASE}/conversations/{it['id']}", {**patched, "subject": f"{number}"})
        heard = await some(stream, 40)
        assert [e["data"]["subject"] for e in heard] == [str(number) for number in range(40)]
        async with asyncio.timeout(20):
            while api.gateway.inbox.watchers > watchers + 1:
                await asyncio.sleep(0.01)
    assert "took nothing for 0.5 seconds and is cut off" in caplog.text
    # The connection is gone: after what the kernel still has, it ends.
    async with asyncio.timeout(10):
        with suppress(ConnectionResetError):
            while await loop.sock_recv(deaf, 1 << 20):
                pass
    deaf.close()


async def test_a_reader_gets_events_of_any_size_in_pages_of_a_megabyte(api: Api) -> None:
    it = await ready(api)
    patched = {"attributes": {f"a{n}": "x" * 4000 for n in range(50)}}
    for number in range(12):
        await api.call("PATCH", f"{BASE}/conversations/{it['id']}", {**patched, "subject": f"{number}"})
    page, full = await inbox_reading.events(api.gateway.db, api.account_id, 0, None, 200, 1 << 20)
    assert full
    assert sum(len(row["data"]) for row, _ in page) < (1 << 20) + 250_000
    async with watching(api, f"{BASE}/events?after=0") as stream:
        last = await api.gateway.inbox.last_event(api.account_id)
        seen = await some(stream, last)
    assert [event["id"] for event in seen] == list(range(1, last + 1))
