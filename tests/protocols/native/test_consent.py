"""Consent, suppressions and policies over the API: what is recorded, what is refused, and by which rule."""

import asyncio
import io
from typing import Any

import pytest

from tests.protocols.native.conftest import Answer, Api
from tyrian.engine.ports import Refused, Subscription

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONSENT, POLICY, LIST = "/api/v1/consent", "/api/v1/consent/policy", "/api/v1/suppressions"
ANA = {"address": "+385991234501"}


async def recorded(api: Api, *records: dict[str, Any]) -> list[str]:
    answer = await api.post(CONSENT, {"records": [{"to": ANA, **one} for one in records]})
    assert answer.status == 201, answer.text
    found: list[str] = answer.body["contacts"]
    return found


async def allowed(api: Api, **asked: Any) -> Any:
    body = {"to": ANA["address"], "channel": "demo-sms", "purpose": "promotional", **asked}
    answer = await api.post(f"{CONSENT}/check", body)
    assert answer.status == 200, answer.text
    return answer.body["reason"] or answer.body["allowed"]


async def sent(api: Api, **more: Any) -> Answer:
    step = {"channel": "demo-sms", "content": {"type": "text", "text": "hello"}}
    return await api.send({"to": ANA["address"], "cascade": [step], **more})


async def as_csv(api: Api, text: str | bytes) -> Answer:
    data = io.BytesIO(text.encode() if isinstance(text, str) else text)
    return await api.call("POST", LIST, None, headers={"Content-Type": "text/csv; charset=utf-8"}, data=data)


async def test_a_refusal_names_the_rule(api: Api) -> None:
    await recorded(api, {"granted": False, "purpose": "promotional"})
    answer = await sent(api, purpose="promotional")
    assert (answer.status, answer.pointers) == (422, ["/to"])
    (problem,) = answer.body["problems"]
    assert problem["code"] == "opted_out"
    assert problem["message"].startswith(
        "belongs to somebody who opted out of promotional messages of this account on "
    )
    assert (await sent(api)).status == 202
    assert await api.stored() == 1


async def test_what_a_person_agreed_to_is_told_with_where_that_leaves_them(api: Api) -> None:
    await recorded(api, {"granted": True, "evidence": "form 7", "at": "2026-01-01T00:00:00Z", "source": "import"})
    (contact,) = await recorded(api, {"granted": False, "channel": "demo-sms", "purpose": "promotional"})
    entry = api.gateway.channels.get(api.account_id, "demo-viber")
    assert entry is not None
    await api.gateway.inbound.subscriptions(entry.channel, [Subscription("385991234501", True)])
    body = (await api.get(f"/api/v1/contacts/{contact}/consent")).body
    assert [(r["granted"], r["channel"], r["purpose"], r["source"]) for r in body["records"]] == [
        (True, "demo-viber", None, "subscribed"),
        (False, "demo-sms", "promotional", "api"),
        (True, None, None, "import"),
    ]
    assert body["records"][2] | {"evidence": "form 7", "at": "2026-01-01T00:00:00.000Z"} == body["records"][2]
    by_channel = {s["channel"]: s for s in body["standing"]}
    assert by_channel["demo-sms"]["purposes"]["promotional"] == "opted_out"
    assert by_channel["demo-sms"]["purposes"]["otp"] == "opted_in"
    assert by_channel["demo-viber"]["network"] == "subscribed"
    assert (await api.get("/api/v1/contacts/nobody/consent")).status == 404


@pytest.mark.parametrize(
    ("record", "pointer"),
    [
        ({}, ""),
        ({"to": ANA, "contact_id": "01980f5e-6c00-7000-8000-000000000000"}, ""),
        ({"contact_id": "01980f5e-6c00-7000-8000-000000000000"}, "/contact_id"),
        ({"to": {"address": "abc"}}, "/to/address"),
        ({"to": ANA, "channel": "nowhere"}, "/channel"),
        ({"to": ANA, "at": "2099-01-01T00:00:00Z"}, "/at"),
        ({"to": ANA, "source": "keyword"}, "/source"),
    ],
)
async def test_records_that_are_refused_leave_nothing(api: Api, record: dict[str, Any], pointer: str) -> None:
    answer = await api.post(CONSENT, {"records": [{"to": ANA, "granted": True}, {"granted": True, **record}]})
    assert (answer.status, answer.pointers) == (422, [f"/records/1{pointer}"]), answer.text
    held = (await api.get("/api/v1/contacts?address=%2B385991234501")).body["contacts"]
    for contact in held:
        assert (await api.get(f"/api/v1/contacts/{contact['id']}/consent")).body["records"] == []


# -- Policies ---------------------------------------------------------------------------------------------------------


async def test_a_policy_is_set_read_and_obeyed(api: Api) -> None:
    assert (await api.get(POLICY)).body == {"policy": {}, "updated_at": None}
    assert await allowed(api) is True
    rules = {"opt_in": "promotional", "frequency_caps": [{"messages": 1, "per": "day"}]}
    answer = await api.call("PUT", POLICY, rules)
    assert (answer.status, answer.body["policy"]) == (200, rules)
    assert (await api.get(POLICY)).body == answer.body
    assert await allowed(api) == "no_opt_in"
    assert await allowed(api, purpose="otp") is True
    await recorded(api, {"granted": True})
    assert await allowed(api) is True
    message = (await sent(api, purpose="promotional")).body["id"]
    await api.until(message, "sent")
    assert await allowed(api) == "frequency_cap"
    assert await allowed(api, at="2099-01-01T00:00:00Z") is True, "it cannot be counted before its time"
    await api.call("PUT", POLICY, {})
    assert await allowed(api) is True


async def test_a_check_says_how_long_a_message_would_wait(api: Api) -> None:
    await api.call("PUT", POLICY, {"quiet_hours": [{"from": "21:00", "to": "08:00", "time_zone": "Europe/Zagreb"}]})
    body = {"to": ANA["address"], "channel": "demo-sms", "purpose": "promotional", "at": "2026-03-02T22:30:00+01:00"}
    found = (await api.post(f"{CONSENT}/check", body)).body
    assert found == {
        "allowed": False,
        "reason": "quiet_hours",
        "rule": "is in quiet hours until 2026-03-03 07:00 UTC",
        "until": "2026-03-03T07:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("policy", "pointer"),
    [
        (
            {"quiet_hours": [{"from": "21:00", "to": "08:00", "time_zone": "Europe/Nowhere"}]},
            "/quiet_hours/0/time_zone",
        ),
        (
            {"quiet_hours": [{"from": "21:00", "to": "08:00", "time_zone": "../../etc/passwd"}]},
            "/quiet_hours/0/time_zone",
        ),
        ({"quiet_hours": [{"from": "25:00", "to": "08:00"}]}, "/quiet_hours/0/from"),
        ({"quiet_hours": [{"from": "21:00", "to": "08:00", "countries": ["hr"]}]}, "/quiet_hours/0/countries/0"),
        ({"frequency_caps": [{"messages": 0, "per": "day"}]}, "/frequency_caps/0/messages"),
        ({"frequency_caps": [{"messages": 1, "per": "hour"}]}, "/frequency_caps/0/per"),
        ({"words": {"opt_out": ["ok", "!?"]}}, "/words/opt_out/1"),
        ({"opt_in": "sometimes"}, "/opt_in"),
        ({"optin": "all"}, "/optin"),
    ],
)
async def test_a_policy_that_cannot_be_is_refused(api: Api, policy: dict[str, Any], pointer: str) -> None:
    answer = await api.call("PUT", POLICY, policy)
    assert (answer.status, answer.pointers) == (422, [pointer]), answer.text
    assert (await api.get(POLICY)).body["updated_at"] is None


async def test_a_question_about_nothing_is_refused(api: Api) -> None:
    for body, pointer in (
        ({"to": "abc", "channel": "demo-sms"}, "/to"),
        ({"to": "+385991", "channel": "x"}, "/channel"),
    ):
        answer = await api.post(f"{CONSENT}/check", body)
        assert (answer.status, answer.pointers) == (422, [pointer])


# -- Suppressions -----------------------------------------------------------------------------------------------------


async def test_the_list_is_kept_found_and_obeyed(api: Api) -> None:
    entries = [
        {**ANA, "reason": "complained", "purpose": "promotional"},
        {"address": "user-1", "channel": "demo-bot", "until": "2099-01-01T00:00:00+01:00"},
    ]
    answer = await api.post(LIST, {"suppressions": entries})
    assert (answer.status, answer.body) == (201, {"count": 2})
    assert await allowed(api) == "suppressed"
    assert await allowed(api, purpose="otp") is True
    assert await allowed(api, to="user-1", channel="demo-bot", purpose="otp") == "suppressed"
    assert await allowed(api, to="user-1", channel="demo-viber", purpose="otp") is True
    (found,) = (await api.get(f"{LIST}?address=385991234501")).body["suppressions"]
    assert (found["address"], found["channel"], found["purpose"]) == ("+385991234501", None, "promotional")
    await api.post(LIST, {"suppressions": [{**ANA, "reason": "asked again", "purpose": "promotional"}]})
    listed = (await api.get(LIST)).body["suppressions"]
    assert sorted((e["reason"], e["until"]) for e in listed) == [
        ("", "2098-12-31T23:00:00.000Z"), ("asked again", None),
    ]  # fmt: skip
    assert (await api.call("DELETE", f"{LIST}/{found['id']}")).status == 204
    assert (await api.call("DELETE", f"{LIST}/{found['id']}")).status == 404
    assert await allowed(api) is True


async def test_a_file_of_a_hundred_thousand_is_imported(api: Api) -> None:
    rows = "".join(f"+38598{n:07},lapsed\r\n" for n in range(100_000))
    answer = await as_csv(api, "\ufeffAddress,Reason\r\n" + rows)
    assert (answer.status, answer.body) == (201, {"count": 100_000}), answer.text
    assert await allowed(api, to="+385980099999", purpose="otp") == "suppressed"
    assert await allowed(api, to="+385991234501") is True
    page = (await api.get(f"{LIST}?limit=2")).body
    more = (await api.get(f"{LIST}?limit=2&cursor={page['next']}")).body
    assert len({e["id"] for e in page["suppressions"] + more["suppressions"]}) == 4


@pytest.mark.parametrize(
    ("text", "pointer", "words"),
    [
        ("", "", "names the columns"),
        ("number\n1", "", "names the columns"),
        ("address,colour\n+385991234501,red", "", '"colour"'),
        ("address,address\na,b", "", "comes twice"),
        ("address\n\n", "/suppressions", "at least 1"),
        ("address,purpose\n+385991234501,otp\n+385991234502,spam", "/suppressions/1/purpose", "invalid enum value"),
        ("address,channel\n+385991234501,nowhere", "/suppressions/0/channel", "no channel"),
        ("address,until\n+385991234501,tomorrow", "/suppressions/0/until", ""),
        ("address\n+385991234501,surplus", "/suppressions/0", "more cells"),
        ("address,reason\n,no address", "/suppressions/0", "address"),
        (b"address\n\xff\xfe", "", "UTF-8"),
    ],
)
async def test_a_file_with_mistakes_is_refused_whole(api: Api, text: str | bytes, pointer: str, words: str) -> None:
    answer = await as_csv(api, text)
    assert (answer.status, answer.pointers[:1]) == (422, [pointer]), answer.text
    assert words in answer.body["problems"][0]["message"]
    assert (await api.get(LIST)).body["suppressions"] == []


async def test_a_file_that_is_too_long_is_refused(api: Api) -> None:
    answer = await as_csv(api, "address\n" + "x\n" * 100_001)
    assert (answer.status, answer.pointers) == (422, ["/suppressions"])


async def test_rules_of_others_are_their_own(served: Api, api: Api) -> None:
    await api.post(LIST, {"suppressions": [ANA]})
    await api.call("PUT", POLICY, {"opt_in": "all"})
    stranger = await served.account("demo-sms")
    assert await allowed(stranger) is True
    assert (await stranger.get(LIST)).body["suppressions"] == []
    (entry,) = (await api.get(LIST)).body["suppressions"]
    assert (await stranger.call("DELETE", f"{LIST}/{entry['id']}")).status == 404
    reader = await api.with_key(scopes=["people:read"])
    answers = [await reader.get(POLICY), await reader.call("PUT", POLICY, {}), await reader.post(LIST, {})]
    assert [answer.status for answer in answers] == [200, 403, 403]


async def test_a_person_is_suppressed_by_whatever_address(api: Api) -> None:
    places = [{"address": "+385991234577"}, {"address": "user-7", "channel": "demo-bot"}]
    one = (await api.post("/api/v1/contacts", {"name": "Ivo", "addresses": places})).body
    asked = {"contact_id": one["id"], "purpose": "promotional", "reason": "complained"}
    assert (await api.post(LIST, {"suppressions": [asked, asked]})).body == {"count": 1}
    assert await allowed(api, to="+385991234577") == "suppressed"
    assert await allowed(api, to="user-7", channel="demo-bot") == "suppressed"
    await api.post(f"/api/v1/contacts/{one['id']}/addresses", {"address": "+385991234578"})
    assert await allowed(api, to="+385991234578") == "suppressed"
    for query in ("?limit=1", "?address=user-7", f"?contact_id={one['id']}"):
        (shown,) = (await api.get(f"{LIST}{query}")).body["suppressions"]
        assert (shown["contact_id"], shown["name"], shown["address"]) == (one["id"], "Ivo", None)
    (entry,) = (await api.get(LIST)).body["suppressions"]
    assert (await api.call("DELETE", f"{LIST}/{entry['id']}")).status == 204
    assert (await api.get(f"{LIST}?contact_id={one['id']}")).body["suppressions"] == []
    assert await allowed(api, to="+385991234578") is True


@pytest.mark.parametrize(
    ("entry", "pointer"),
    [
        ({"contact_id": "01980f5e-6c00-7000-8000-00000000abcd"}, "/suppressions/1/contact_id"),
        ({}, "/suppressions/1"),
        ({"contact_id": "01980f5e-6c00-7000-8000-00000000abcd", "address": "+385991234501"}, "/suppressions/1"),
    ],
)
async def test_whom_an_entry_is_of_must_be_clear(api: Api, entry: dict[str, str], pointer: str) -> None:
    answer = await api.post(LIST, {"suppressions": [ANA, entry]})
    assert (answer.status, answer.pointers) == (422, [pointer])
    assert (await api.get(LIST)).body["suppressions"] == []


async def test_a_block_is_shown_and_asked_for(api: Api) -> None:
    number = "+385991234588"
    one = (await api.post("/api/v1/contacts", {"addresses": [{"address": number}]})).body
    api.network.answers[number[1:]] = Refused("blocked_by_user")
    step = {"channel": "demo-viber", "content": {"type": "text", "text": "hello"}}
    message = (await api.send({"to": number, "cascade": [step]})).body
    await api.until(message["id"], "failed")
    async with asyncio.timeout(15):
        while await allowed(api, to=number, channel="demo-viber") != "blocked_by_user":
            await asyncio.sleep(0.005)
    answer = (await api.post(f"{CONSENT}/check", {"to": number, "channel": "demo-viber"})).body
    assert "has blocked the sender, as the network said on" in answer["rule"]
    history = (await api.get(f"/api/v1/contacts/{one['id']}/consent")).body
    shown = {s["channel"]: s["blocked"] for s in history["standing"]}
    assert (shown["demo-viber"]["message_id"], shown["demo-viber"]["address"]) == (message["id"], number)
    assert shown["demo-sms"] is None
