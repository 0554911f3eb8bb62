"""What an account can configure, over v3 and 2.x, and what of it is refused."""

import asyncio
from typing import Any

import pytest

from tests.protocols.tyntec.conftest import V2, V3, Api
from tyrian.domain.content import Text
from tyrian.protocols.tyntec import statuses
from tyrian.protocols.tyntec.channels import CHANNEL_SCOPES
from tyrian.protocols.tyntec.configurations import ACCOUNT_SCOPES

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIG = f"{V3}/configurations"
CALLBACKS = f"{CONFIG}/callbacks"
CREDENTIALS = f"{CONFIG}/mediaCredentials"
CHANNELS = f"{CONFIG}/channels"
URL = "https://shop.example.com/hook"
SIGNATURE = {"secret": "a secret of ours", "method": "HS256"}
HEADER = {"key": "x-shop-key", "value": "open sesame"}


async def callbacks(api: Api) -> Any:
    return (await api.get(CONFIG)).body["callback"]


async def test_a_new_account(api: Api) -> None:
    answer = await api.get(CONFIG)
    assert answer.status == 200
    assert answer.body == {
        "scopes": list(ACCOUNT_SCOPES),
        "callback": {"callbackVersion": "2.12", "eventFilter": []},
        "config": {},
    }


async def test_put_replaces_and_patch_merges(api: Api) -> None:
    await api.configure(callbackVersion="2.11", inboundMessageUrl=URL, signature=SIGNATURE)
    assert (await api.call("PATCH", CALLBACKS, {"messageStatusUrl": URL})).status == 204
    assert await callbacks(api) == {
        "callbackVersion": "2.11",
        "inboundMessageUrl": URL,
        "messageStatusUrl": URL,
        "eventFilter": [],
        "signature": {"secret": "***", "method": "HS256"},
    }
    await api.configure(messageStatusUrl=URL)
    assert await callbacks(api) == {"callbackVersion": "2.12", "messageStatusUrl": URL, "eventFilter": []}


async def test_of_changes_at_once_none_is_lost(api: Api) -> None:
    members = ("inboundMessageUrl", "messageStatusUrl", "businessNotificationUrl", "callingNotificationUrl")
    patches = [api.call("PATCH", CALLBACKS, {name: URL}) for name in members]
    assert [answer.status for answer in await asyncio.gather(*patches)] == [204] * 4
    assert {name: value for name, value in (await callbacks(api)).items() if name in members} == dict.fromkeys(
        members, URL
    )


async def test_secrets_are_not_shown_and_survive_being_sent_back(api: Api) -> None:
    await api.configure(messageStatusUrl=api.webhook.url, signature=SIGNATURE, header=HEADER)
    shown = await callbacks(api)
    assert shown["header"] == {"key": "x-shop-key", "value": "***"}
    await api.configure(**shown)
    await api.taken()
    await api.told(1)
    assert api.heard[0].headers["x-shop-key"] == "open sesame"
    rows = await api.gateway.db.fetch("SELECT body FROM documents WHERE account_id = $1", api.account_id)
    assert not any(b"sesame" in bytes(row["body"]) or b"secret of" in bytes(row["body"]) for row in rows)


@pytest.mark.parametrize("empty", ["", None, {}])
async def test_an_empty_signature_removes_it(api: Api, empty: Any) -> None:
    await api.configure(messageStatusUrl=URL, signature=SIGNATURE, header=HEADER)
    assert (await api.call("PATCH", CALLBACKS, {"signature": empty, "header": empty})).status == 204
    assert await callbacks(api) == {"callbackVersion": "2.12", "messageStatusUrl": URL, "eventFilter": []}


WRONG: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"callbackVersion": "3.0"}, {"callbackVersion": "must be one of 2.11, 2.12, 2.13"}),
    ({"messageStatusUrl": "ftp://a.example.com"}, {"messageStatusUrl": 'must match "^https://.*"'}),
    ({"inboundMessageUrl": "https://" + "a" * 2000}, {"inboundMessageUrl": "size must be between 0 and 2000"}),
    (
        {"inboundMessageUrl": "https://10.0.0.1/"},
        {"inboundMessageUrl": "its host 10.0.0.1 is a private address, which the gateway may not call"},
    ),
    (
        {"eventFilter": ["MessageStatus::read"]},
        {"eventFilter[0]": f"must be one of {', '.join(sorted(statuses.FILTERS))}"},
    ),
    (
        {"signature": {"secret": "short", "method": "none"}},
        {"signature.secret": "size must be between 8 and 125", "signature.method": "must be one of HS256, HS512"},
    ),
    (
        {"header": {"key": "abc", "value": ""}},
        {"header.key": "size must be between 4 and 125", "header.value": "must not be empty"},
    ),
    (
        {"header": {"key": "content-length", "value": "12345678"}},
        {"header.key": "must be the name of a header that callbacks do not have already"},
    ),
    (
        {"header": {"key": "x-a\r\nx-b", "value": "1234567\r\n"}},
        {
            "header.key": "must be the name of a header that callbacks do not have already",
            "header.value": 'must match "^[ -~]*$"',
        },
    ),
]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(("given", "expected"), WRONG)
async def test_callbacks_that_are_refused(api: Api, method: str, given: Any, expected: dict[str, str]) -> None:
    assert (await api.call(method, CALLBACKS, given)).fields == expected
    assert await callbacks(api) == {"callbackVersion": "2.12", "eventFilter": []}


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"eventFilter":1}', b'{"signature":"x"}'])
async def test_what_is_no_configuration(api: Api, raw: bytes) -> None:
    answer = await api.put(CALLBACKS, raw)
    assert (answer.status, answer.body["title"]) == (400, "Data given was not parseable")


# -- Media credentials ------------------------------------------------------------------------------------------------


async def test_media_credentials(api: Api) -> None:
    basic = {"type": "basic", "basic": {"username": "shop", "password": "a password"}}
    answer = await api.put(CREDENTIALS, basic)
    assert answer.status == 200
    shown = {"type": "basic", "basic": {"username": "shop", "password": "***"}}
    assert answer.body["config"] == {"mediaCredentials": shown}
    oauth2 = {"clientId": "c", "clientSecret": "a secret", "url": "https://login.example.com/token"}
    answer = await api.put(CREDENTIALS, {"type": "oauth2", "oauth2": oauth2})
    assert answer.body["config"]["mediaCredentials"]["oauth2"] == {**oauth2, "clientSecret": "***"}
    answer = await api.call("DELETE", CREDENTIALS)
    assert (answer.status, answer.body["config"]) == (200, {})
    assert (await api.call("DELETE", CREDENTIALS)).status == 200


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"type": "must be one of basic, oauth2"}),
        ({"type": "basic"}, dict.fromkeys(("basic.username", "basic.password"), "must not be empty")),
        (
            {"type": "oauth2", "oauth2": {"clientId": "c", "clientSecret": "s", "url": "x"}},
            {"oauth2.url": 'must match "^https://.*"'},
        ),
    ],
)
async def test_media_credentials_that_are_refused(api: Api, given: Any, expected: dict[str, str]) -> None:
    assert (await api.put(CREDENTIALS, given)).fields == expected


# -- Channels ---------------------------------------------------------------------------------------------------------


def channel(service: str, name: str, **callback: Any) -> dict[str, Any]:
    return {
        "channel": "viber",
        "scopes": list(CHANNEL_SCOPES),
        "id": {"serviceId": service},
        "name": name,
        "callback": callback,
        "config": {"serviceType": "two-way"},
    }


async def test_the_lists_of_channels(api: Api) -> None:
    viber = [channel("1001", "shop"), channel("2002", "news")]
    assert (await api.get(f"{CHANNELS}/viber")).body == viber
    assert (await api.get(f"{CHANNELS}/viber/service-ids/2002")).body == viber[1]
    (sms,) = (await api.get(f"{CHANNELS}/sms")).body
    assert (sms["channel"], sms["id"]) == ("sms", {"phoneNumber": "Tyrian"})
    assert [c["name"] for c in (await api.get(CHANNELS)).body] == ["shop", "news", "text"]
    for other in ("mms", "rcs", "whatsapp"):
        assert (await api.get(f"{CHANNELS}/{other}")).raw == b"[]"


async def test_an_unknown_service_id(api: Api) -> None:
    for method, path in (("GET", ""), ("PUT", "/callbacks")):
        answer = await api.call(method, f"{CHANNELS}/viber/service-ids/9999{path}", {})
        assert answer.status == 404
        assert answer.body == {"type": "https://httpstatuses.com/404", "title": "Not Found", "status": 404}


async def test_a_service_ids_callbacks_that_are_refused(api: Api) -> None:
    path = f"{CHANNELS}/viber/service-ids/1001/callbacks"
    answer = await api.put(path, {"messageStatusUrl": "nowhere", "eventFilter": ["x"]})
    assert set(answer.fields) == {"messageStatusUrl", "eventFilter[0]"}
    assert (await api.put(path, b"{")).status == 400


async def test_the_microsoft_connectors_webhook(api: Api) -> None:
    path = f"{V3}/power-automate/webhooks/channels/viber/phone-numbers/1001"
    answer = await api.post(path, {"inboundMessageUrl": api.webhook.url})
    assert (answer.status, answer.body["callback"]) == (200, {"inboundMessageUrl": api.webhook.url})
    await api.person_writes(Text(text="Hi"))
    assert (await api.told(1))[0]["event"] == "MoMessage"
    assert (await api.post(path, {})).fields == {"inboundMessageUrl": "must not be empty"}
    assert (await api.post(path.replace("1001", "9999"), {"inboundMessageUrl": URL})).status == 404


# -- 2.x --------------------------------------------------------------------------------------------------------------

DEFAULT = f"{V2}/applications/default"


async def webhooks(api: Api) -> Any:
    body = (await api.get(DEFAULT)).body
    assert (await api.get(f"{V2}/applications")).body == [body]
    assert (body["id"], body["name"]) == ("default", "Default Application")
    return body["webhooks"]


async def test_the_default_application(api: Api) -> None:
    assert await webhooks(api) == []
    fallback = {"webhooks": [{"events": [], "callbackUrl": URL}]}
    answer = await api.call("PATCH", DEFAULT, fallback)
    assert (answer.status, answer.raw) == (204, b"")
    assert await webhooks(api) == [{"events": ["MoMessage", "MessageStatus"], "callbackUrl": URL}]
    moved = {"webhooks": [{"events": ["MoMessage"], "callbackUrl": f"{URL}/in"}]}
    assert (await api.call("PATCH", DEFAULT, moved)).status == 204
    assert await webhooks(api) == [
        {"events": ["MoMessage"], "callbackUrl": f"{URL}/in"},
        {"events": ["MessageStatus"], "callbackUrl": URL},
    ]
    assert (await callbacks(api))["inboundMessageUrl"] == f"{URL}/in"


async def test_an_application_that_is_refused(api: Api) -> None:
    assert (await api.call("PATCH", DEFAULT, {})).fields == {"webhooks": "must not be null"}
    wrong = {"webhooks": [{"events": ["MoMessage"]}, {"callbackUrl": "nowhere"}]}
    assert (await api.call("PATCH", DEFAULT, wrong)).fields == {
        "webhooks[0].callbackUrl": "must not be empty",
        "webhooks[1].callbackUrl": 'must match "^https://.*"',
    }
    assert await webhooks(api) == []


async def test_the_microsoft_connectors_inbound_url(api: Api) -> None:
    path = f"{V2}/applications/ms-connector/inbound-message-callback"
    assert (await api.call("PATCH", path, {"inboundMessageUrl": URL})).status == 204
    assert (await callbacks(api))["inboundMessageUrl"] == URL
    assert (await api.call("PATCH", path, {})).fields == {"inboundMessageUrl": "must not be empty"}
