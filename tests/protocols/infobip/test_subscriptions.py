"""Subscriptions, profiles, credentials, sessions and templates: what is kept for an account, and what it does."""

import asyncio
import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from tests.engine.customer import Customer
from tests.protocols.infobip.conftest import Api, business, serving
from tyrian.engine.keys import KeyEntry
from tyrian.protocols.infobip import sessions
from tyrian.protocols.infobip.sessions import ACCESS, LIFETIME, SESSION, Tokens
from tyrian.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/subscriptions/1/subscription/VIBER"
PROFILES = "/subscriptions/1/profiles"
SECURITY = "/subscriptions/1/security"
TEMPLATES = "/viber/1/senders/demo-viber/templates"


def subscription(url: str, name: str = "s-1", **more: Any) -> dict[str, Any]:
    profile = {"profileId": name, "webhook": {"notifyUrl": url}, **more.pop("profile", {})}
    return {"subscriptionId": name, "events": ["DELIVERY", "SEEN"], "profile": profile, **more}


# -- Where events go --------------------------------------------------------------------------------------------------


async def test_reports_without_an_address_go_to_the_subscription(api: Api) -> None:
    async with Customer() as customer, Customer() as own:
        await api.post(PATH, subscription(customer.url))
        sent = await api.business(business("hello"))
        await api.receipt(sent.body["messages"][0]["messageId"], "delivered")
        assert (await customer.next()).json["results"][0]["status"]["name"] == "DELIVERED_TO_HANDSET"
        sent = await api.business(business("hello", webhooks={"delivery": {"url": own.url}}))
        await api.receipt(sent.body["messages"][0]["messageId"], "delivered")
        await own.next()


MATCHING: list[tuple[str, dict[str, Any], bool]] = [
    ("any", {}, True),
    ("its application", {"criteria": [{"applicationId": "a"}]}, True),
    ("another application", {"criteria": [{"applicationId": "b"}]}, False),
    ("one of two", {"criteria": [{"applicationId": "b"}, {"entityId": "e"}]}, True),
    ("its sender", {"resources": ["demo-viber"]}, True),
    ("another sender", {"resources": ["other"]}, False),
    ("other events", {"events": ["CLICK"]}, False),
]


@pytest.mark.parametrize(("more", "goes"), [pytest.param(*c[1:], id=c[0]) for c in MATCHING])
async def test_which_subscription_wants_what(api: Api, more: dict[str, Any], goes: bool) -> None:
    await api.post(PATH, subscription("https://shop.example/hook", **more))
    options = {"platform": {"applicationId": "a", "entityId": "e"}}
    sent = await api.business(business("hello", options=options))
    row = await api.message(sent.body["messages"][0]["messageId"])
    assert (b"https://shop.example/hook" in row["plan"]) is goes


CREDENTIALS: list[tuple[str, dict[str, Any], str]] = [
    ("BASIC", {"username": "u", "password": "p"}, "authorization"),
    ("HMAC", {"secretKey": "k", "algorithm": "HMAC_SHA_256"}, "x-infobip-signature"),
]


@pytest.mark.parametrize(("kind", "credentials", "header"), CREDENTIALS)
async def test_callbacks_prove_themselves(api: Api, kind: str, credentials: dict[str, Any], header: str) -> None:
    async with Customer() as customer:
        security = {"authId": "x", "type": kind, "credentials": credentials}
        profile = {"security": security, "headers": {"X-Shop": "7"}}
        made = await api.post(PATH, subscription(customer.url, profile=profile))
        assert made.body["profile"]["security"] == {"authId": "x"}
        sent = await api.business(business("hello"))
        await api.receipt(sent.body["messages"][0]["messageId"], "delivered")
        told = await customer.next()
    expected = {
        "authorization": "Basic dTpw",
        "x-infobip-signature": hmac.new(b"k", told.body, hashlib.sha256).hexdigest(),
    }
    assert told.headers[header] == expected[header]
    assert told.headers["x-shop"] == "7"


async def test_credentials_are_never_shown_or_stored_in_the_clear(api: Api) -> None:
    credentials = {"username": "u", "password": "hunter2-hunter2"}
    await api.post(SECURITY, {"authId": "x", "type": "BASIC", "credentials": credentials})
    assert (await api.get(f"{SECURITY}/x")).body == {"authId": "x", "type": "BASIC"}
    assert "hunter2" not in str((await api.get(SECURITY)).body)
    rows = await api.gateway.db.fetch("SELECT body FROM documents WHERE account_id = $1", api.account_id)
    assert rows
    assert all(b"hunter2" not in row["body"] for row in rows)


# -- Making and changing ----------------------------------------------------------------------------------------------


async def test_a_subscription_from_its_beginning_to_its_end(api: Api) -> None:
    await api.post(PROFILES, {"profileId": "p", "webhook": {"notifyUrl": "https://shop.example/p"}})
    made = await api.post(PATH, {"subscriptionId": "s", "events": ["SEEN"], "profile": {"profileId": "p"}})
    assert (made.status, made.body) == (201, {"subscriptionId": "s", "profile": {"profileId": "p"}})
    assert (await api.get(f"{PATH}/s")).body == {
        "subscriptionId": "s",
        "profile": {"profileId": "p"},
        "events": ["SEEN"],
    }
    change = {"events": ["DELIVERY"], "name": "orders", "profile": {"profileId": "p"}}
    assert (await api.put(f"{PATH}/s", change)).body == made.body
    listed = (await api.get(PATH, size=1)).body
    assert [s["name"] for s in listed["results"]] == ["orders"]
    assert listed["paging"] == {"page": 0, "size": 1, "totalPages": 1, "totalResults": 1}
    assert (await api.get(PATH, resource="none")).body["results"] == []
    assert (await api.call("DELETE", f"{PROFILES}/p")).status == 409
    assert (await api.call("DELETE", f"{PATH}/s")).body == made.body
    assert (await api.call("DELETE", f"{PROFILES}/p")).status == 200
    assert (await api.get(f"{PATH}/s")).status == 404


async def test_of_two_that_are_made_at_once_under_one_id_the_later_is_refused(api: Api) -> None:
    urls = ["https://shop.example/a", "https://shop.example/b"]
    profiles = [{"profileId": "p", "webhook": {"notifyUrl": url}} for url in urls]
    answers = await asyncio.gather(*(api.post(PROFILES, profile) for profile in profiles))
    assert sorted(answer.status for answer in answers) == [201, 400]
    kept = urls[[answer.status for answer in answers].index(201)]
    assert (await api.get(f"{PROFILES}/p")).body["webhook"]["notifyUrl"] == kept


async def test_accounts_do_not_see_each_other(api: Api, served: Api) -> None:
    other = await served.account()
    await api.post(PATH, subscription("https://shop.example"))
    assert (await other.get(PATH)).body["results"] == []
    assert (await other.get(f"{PATH}/s-1")).status == 404


WRONG: list[tuple[str, dict[str, Any], str]] = [
    (PATH, {"events": ["SEEN"], "profile": {"profileId": "p"}}, "subscriptionId"),
    (PATH, subscription("shop"), "profile.webhook.notifyUrl"),
    (PATH, subscription("https://a", events=["POEM"]), "events[0]"),
    (PATH, subscription("https://a", profile={"headers": {"Host": "x"}}), "profile.headers.Host"),
    (PATH, subscription("https://a", profile={"headers": {"X": "a\r\nb"}}), "profile.headers.X"),
    (PATH, subscription("https://a", profile={"maxBucketSize": 0}), "profile.maxBucketSize"),
    (PROFILES, {"profileId": "p", "security": {"authId": "x", "credentials": {}}}, "security.type"),
    (SECURITY, {"authId": "x"}, "type"),
    (SECURITY, {"authId": "x", "type": "BASIC"}, "credentials"),
    (SECURITY, {"authId": "x", "type": "BASIC", "credentials": {"username": "u"}}, "credentials.password"),
    (SECURITY, {"authId": "a\0b", "type": "CUSTOM", "credentials": {}}, "authId"),
]


@pytest.mark.parametrize(("path", "request_", "place"), WRONG)
async def test_what_is_wrong_is_said(api: Api, path: str, request_: dict[str, Any], place: str) -> None:
    found = await api.post(path, request_)
    assert found.status == 400, found.body
    assert place in found.violations


@pytest.mark.parametrize("path", [PATH, PROFILES, SECURITY])
async def test_what_is_not_there(api: Api, path: str) -> None:
    for name in ("none", "a%00b", "%F0%9F%98%80"):
        for method in ("GET", "DELETE"):
            assert (await api.call(method, f"{path}/{name}")).status == 404
    assert (await api.get(path, page=-1)).status == 400
    assert (await api.get(path, size=101)).status == 400
    reader = await api.with_key(scopes=["messages:read"])
    assert (await reader.get(path)).status == 403


async def test_another_channel_has_none(api: Api) -> None:
    assert (await api.get("/subscriptions/1/subscription/SMS")).status == 400


# -- Clicks -----------------------------------------------------------------------------------------------------------


async def test_a_click_is_reported(api: Api) -> None:
    button = {"type": "TEXT", "text": "Look", "button": {"title": "Go", "action": "https://shop.example/7"}}
    async with Customer() as customer:
        tracking = {"trackClicks": True, "trackingUrl": customer.url}
        more: dict[str, Any] = {"webhooks": {"callbackData": "cb"}, "options": {"platform": {"entityId": "e"}}}
        sent = await api.business(business(button, **more), tracking=tracking)
        identifier = sent.body["messages"][0]["messageId"]
        (outgoing,) = await api.sends(1)
        link = outgoing.content.button.url  # type: ignore[attr-defined]
        assert link != "https://shop.example/7"
        path = link.partition("/l/")[2]
        headers = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"}
        async with api.http.get(f"{api.url}/l/{path}", headers=headers, allow_redirects=False) as answer:
            assert answer.headers["location"] == "https://shop.example/7"
        told = (await customer.next()).json
    assert isinstance(told.pop("sendDateTime"), int)
    assert told == {
        "notificationType": "CLICKED",
        "recipient": "385991234501",
        "url": "https://shop.example/7",
        "messageId": identifier,
        "bulkId": sent.body["bulkId"],
        "callbackData": "cb",
        "recipientInfo": {"deviceType": "Phone", "os": "iOS", "deviceName": "iPhone"},
        "entityId": "e",
    }


@pytest.mark.parametrize("tracking", [None, {"shortenUrl": False}, {"trackClicks": False}])
async def test_links_go_out_as_they_are_unless_asked(api: Api, tracking: dict[str, Any] | None) -> None:
    button = {"type": "TEXT", "text": "Look", "button": {"title": "Go", "action": "https://shop.example/7"}}
    await api.business(business(button), **({"tracking": tracking} if tracking else {}))
    (outgoing,) = await api.sends(1)
    assert outgoing.content.button.url == "https://shop.example/7"  # type: ignore[attr-defined]


# -- Tokens -----------------------------------------------------------------------------------------------------------


async def test_a_session_is_of_its_address_and_ends_with_its_key(api: Api) -> None:
    user = f"user-{api.account_id}"
    await api.pair(user, "password")
    tokens = Tokens(api.gateway, timer=iter(range(0, 10_000, 100)).__next__)
    token = await tokens.give(SESSION, user, "password", "192.0.2.1")
    assert token is not None
    assert await tokens.give(SESSION, user, "wrong") is None
    assert (await tokens.who(SESSION, token, "192.0.2.1")) is not None
    assert (await tokens.who(SESSION, token, "192.0.2.2")) is None
    assert (await tokens.who(ACCESS, token, "192.0.2.1")) is None
    stored = await api.gateway.db.fetch("SELECT name, body FROM documents WHERE account_id = $1", api.account_id)
    assert all(token not in f"{row['name']} {row['body']}" for row in stored)
    for key in await api.gateway.keys.list(api.account_id):
        if key.prefix == user:
            await api.gateway.keys.revoke(api.account_id, key.id)
    assert (await tokens.who(SESSION, token, "192.0.2.1")) is None


async def test_a_session_that_has_ended_is_no_more(api: Api) -> None:
    user = f"user-{api.account_id}"
    await api.pair(user, "password")
    tokens = Tokens(api.gateway)
    token = await tokens.give(SESSION, user, "password")
    assert token is not None
    assert await tokens.end(SESSION, token) is True
    assert await tokens.who(SESSION, token) is None
    assert await tokens.end(SESSION, token) is False
    assert LIFETIME == 3600


async def test_a_session_that_ends_while_it_is_used_stays_ended(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    user = f"user-{api.account_id}"
    await api.pair(user, "password")
    tokens, elsewhere = Tokens(api.gateway), Tokens(api.gateway)
    token = await tokens.give(SESSION, user, "password")
    assert token is not None
    look_up = tokens._key

    async def ended_meanwhile(account_id: int, key_id: str) -> KeyEntry | None:
        assert await elsewhere.end(SESSION, token)
        return await look_up(account_id, key_id)

    monkeypatch.setattr(tokens, "_key", ended_meanwhile)
    monkeypatch.setattr(sessions, "_NOTED_EVERY", timedelta(0))
    assert await tokens.who(SESSION, token) is None
    assert await elsewhere.who(SESSION, token) is None


async def test_a_session_is_of_the_caller_behind_the_proxy(module_database_url: str) -> None:
    loopback = (ip_network("127.0.0.0/8"),)
    async with serving(module_database_url, Settings(trusted_proxies=loopback)) as gateway:
        api = await gateway.account()
        user = f"user-{api.account_id}"
        await api.pair(user, "password")
        ann, ben = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
        opened = await api.post("/auth/1/session", {"username": user, "password": "password"}, headers=ann)
        theirs = replace(api, authorization=f"IBSSO {opened.body['token']}")
        assert (await theirs.call("GET", "/viber/2/reports", headers=ben)).status == 401
        assert (await theirs.call("GET", "/viber/2/reports", headers=ann)).status == 200


# -- Templates --------------------------------------------------------------------------------------------------------

TEMPLATE: dict[str, Any] = {
    "category": "OTP",
    "body": [{"language": "en", "template": "{{pin}} is your code"}],
    "params": [{"type": "TEXT", "name": "pin", "example": "1234"}],
}
BAD_TEMPLATES: list[tuple[dict[str, Any], str]] = [
    ({"category": "POEM"}, "category"),
    ({"body": [{"language": "xx", "template": "{{pin}} is it"}]}, "body[0].language"),
    ({"body": [{"language": "en", "template": "Your code is {{pin}}"}]}, "body[0].template"),
    ({"body": [{"language": "en", "template": "{{other}} is it"}]}, "body[0].template"),
    ({"params": []}, "params"),
    ({"params": [TEMPLATE["params"][0]] * 2}, "params"),
]


async def test_templates_in_their_order(api: Api) -> None:
    made = [(await api.post(TEMPLATES, TEMPLATE)).body["templateId"] for _ in range(3)]
    listed = (await api.get(TEMPLATES, size=2, page=1)).body
    assert [t["templateId"] for t in listed["templates"]] == made[2:]
    assert listed["paging"]["totalPages"] == 2
    latest = (await api.get(TEMPLATES, orderBy="createdAt,DESC")).body["templates"]
    assert [t["templateId"] for t in latest] == made[::-1]
    assert (await api.get(TEMPLATES, orderBy="name,ASC")).status == 400


@pytest.mark.parametrize(("change", "place"), BAD_TEMPLATES)
async def test_a_template_that_is_none(api: Api, change: dict[str, Any], place: str) -> None:
    found = await api.post(TEMPLATES, TEMPLATE | change)
    assert found.status == 400
    assert place in found.violations
