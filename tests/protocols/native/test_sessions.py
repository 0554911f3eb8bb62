"""Sessions over the API."""

import asyncio
from typing import Any

import pytest

from tests.protocols.native.conftest import Api
from tests.speaking import says
from tyrian.protocols.native.sessions import SESSIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/api/v1/sessions"
CHANNEL = "/api/v1/channels/demo-viber"
PERSON = "+385991234501"
ONE = {"channel": "demo-viber", "person": PERSON}


async def strict(api: Api, **settings: Any) -> Any:
    answer = await api.call("PATCH", CHANNEL, {"sessions": {"enforced": True, **settings}})
    assert answer.status == 200, answer.text
    return answer.body["sessions"]


def message(**more: Any) -> dict[str, Any]:
    step = {"channel": "demo-viber", "content": {"type": "text", "text": "hello"}}
    return {"to": PERSON, "purpose": "session", "cascade": [step], **more}


async def test_a_persons_session_before_and_after_they_write(api: Api) -> None:
    (before,) = (await api.get(PATH, params=ONE)).body["sessions"]
    assert before == {
        "channel": "demo-viber", "person": PERSON[1:], "open": False, "last_inbound_at": None, "expires_at": None,
        "sent": 0, "sent_limit": 60, "unanswered": 0, "unanswered_limit": 10, "opted_in": False,
    }  # fmt: skip
    await says(api.gateway, api.account_id, "demo-viber", PERSON)
    (after,) = (await api.get(PATH, params=ONE)).body["sessions"]
    assert (after["open"], after["opted_in"]) == (True, True)
    assert after["last_inbound_at"] < after["expires_at"]
    assert set(after) == set(SESSIONS[0].answers[0].example["sessions"][0])


async def test_session_content_is_counted_and_refused_with_its_rule(api: Api) -> None:
    await strict(api, unanswered_limit=1)
    refused = await api.send(message())
    assert (refused.status, refused.body["problems"][0]["code"], refused.pointers) == (422, "session_closed", ["/to"])
    await says(api.gateway, api.account_id, "demo-viber", PERSON)
    sent = await api.send(message())
    assert sent.status == 202
    await api.until(sent.body["id"], "sent")
    (shown,) = (await api.get(PATH, params=ONE)).body["sessions"]
    assert (shown["sent"], shown["unanswered"], shown["unanswered_limit"]) == (1, 1, 1)
    refused = await api.send(message())
    assert (refused.status, refused.body["problems"][0]["code"]) == (422, "unanswered_limit")
    assert (await api.send(message(purpose="transactional"))).status == 202


async def test_an_opt_in_message_goes_out_instead(api: Api) -> None:
    asking = {"content": {"type": "text", "text": "may we?"}}
    shown = await strict(api, opt_in=asking)
    assert shown["opt_in"]["purpose"] == "transactional"
    sent = await api.send(message())
    assert sent.status == 202
    history = f"/api/v1/messages/{sent.body['id']}/events"
    async with asyncio.timeout(15):
        while "put_off" not in [event["type"] for event in (await api.get(history)).body["events"]]:
            await asyncio.sleep(0.005)
    (event,) = (e for e in (await api.get(history)).body["events"] if e["type"] == "put_off")
    assert event["reason"] == "session_closed"
    assert event["detail"]["until"] > event["at"]
    assert len((await api.get("/api/v1/messages")).body["messages"]) == 2
    await says(api.gateway, api.account_id, "demo-viber", PERSON)
    await api.until(sent.body["id"], "sent")


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"duration": 59}, "/sessions/duration"),
        ({"sent_limit": 0}, "/sessions/sent_limit"),
        ({"unanswered_limit": 10_001}, "/sessions/unanswered_limit"),
        ({"enforced": "yes"}, "/sessions/enforced"),
        ({"opt_in": {}}, "/sessions/opt_in/content"),
        ({"opt_in": {"content": {"type": "text", "text": ""}}}, "/sessions/opt_in/content/text"),
        (
            {"opt_in": {"content": {"type": "text", "text": "a"}, "purpose": "session"}},
            "/sessions/opt_in/purpose",
        ),
        ({"opt_in": {"content": {"type": "text", "text": "a\0b"}}}, "/sessions/opt_in/content/text"),
        ({"windows": 1}, "/sessions/windows"),
    ],
)
async def test_settings_that_are_refused(api: Api, settings: dict[str, Any], pointer: str) -> None:
    answer = await api.call("PATCH", CHANNEL, {"sessions": settings})
    assert (answer.status, answer.pointers) == (422, [pointer]), answer.text


async def test_null_brings_back_what_is_usual(api: Api) -> None:
    await strict(api, sent_limit=5)
    answer = await api.call("PATCH", CHANNEL, {"sessions": None})
    assert (answer.body["sessions"]["sent_limit"], answer.body["sessions"]["enforced"]) == (60, False)


async def test_open_sessions_come_in_pages(api: Api) -> None:
    people = [f"38599123450{n}" for n in range(5)]
    for person in reversed(people):
        await says(api.gateway, api.account_id, "demo-viber", f"+{person}")
    found, cursor = [], None
    while True:
        asked = {"limit": "2", "channel": "demo-viber"} | ({"cursor": cursor} if cursor else {})
        page = (await api.get(PATH, params=asked)).body
        assert len(page["sessions"]) <= 2
        found += [one["person"] for one in page["sessions"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == people
    assert len((await api.get(PATH)).body["sessions"]) == 5


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"person": PERSON}, "?channel"),
        ({"channel": "none"}, "?channel"),
        ({"channel": "demo-viber", "person": "\0"}, "?person"),
        ({"cursor": "AAAA"}, "?cursor"),
        ({"cursor": "!"}, "?cursor"),
        ({"cursor": "AAAAAf8"}, "?cursor"),
        ({"limit": "0"}, "?limit"),
        ({"what": "1"}, "?what"),
    ],
)
async def test_questions_that_are_refused(api: Api, query: dict[str, str], pointer: str) -> None:
    answer = await api.get(PATH, params=query)
    assert (answer.status, answer.pointers) == (422, [pointer]), answer.text


async def test_sessions_are_each_accounts_own(api: Api) -> None:
    await says(api.gateway, api.account_id, "demo-viber", PERSON)
    other = await api.account("demo-viber")
    assert (await other.get(PATH)).body["sessions"] == []
    assert (await other.get(PATH, params=ONE)).body["sessions"][0]["open"] is False
    blind = await api.with_key(scopes=["messages:send"])
    assert (await blind.get(PATH)).status == 403
