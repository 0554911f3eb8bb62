"""The stock Python client's Messages API, and the endpoints that no client has, against a running demo."""

# The client builds its models from names that its types do not show.
# mypy: ignore-errors

import base64
import json
import urllib.parse
from itertools import count
from typing import Any

import infobip_api_client.models as m
import pytest
from infobip_api_client.api.messages_api import MessagesApi
from infobip_api_client.api_client import ApiClient
from infobip_api_client.configuration import Configuration
from infobip_api_client.exceptions import ApiException, BadRequestException, ForbiddenException, UnauthorizedException

from tests.contracts.running import Demo, Receiver

# The client's own models warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

KEY = "demo-infobip-key"
MEDIA = "https://cdn.example/a.jpg"
APP = {"authorization": f"App {KEY}"}
_numbers = count(1)
BUSINESS, BOT = m.MessagesApiOutboundMessageChannel.VIBER_BM, m.MessagesApiOutboundMessageChannel.VIBER_BOT


def person(ends: str = "01") -> str:
    return f"38597{next(_numbers):05d}{ends}"


def api_of(demo: Demo, key: str = KEY) -> MessagesApi:
    return MessagesApi(ApiClient(Configuration(host=demo.base, api_key=key)))


def message(
    body: Any, channel: Any = BUSINESS, to: str | None = None, **more: Any
) -> m.MessagesApiRequestMessagesInner:
    bot = channel is BOT
    address = to or (f"u{person()}==" if bot else person())
    destination = m.MessagesApiMessageDestination(m.MessagesApiToDestination(to=address))
    said = m.MessagesApiMessage(
        channel=channel,
        sender="demo-bot" if bot else "demo-viber",
        destinations=[destination],
        content=m.MessagesApiMessageContent(body=body, buttons=more.pop("buttons", None)),
        **more,
    )
    return m.MessagesApiRequestMessagesInner(said)


def text(words: str = "Your order is on its way") -> m.MessagesApiMessageTextBody:
    return m.MessagesApiMessageTextBody(text=words)


LIST = m.MessagesApiMessageListBody(
    text="Size?",
    sections=[
        m.MessagesApiMessageListSection(
            section_title="Sizes",
            items=[m.MessagesApiMessageListItem(text="S"), m.MessagesApiMessageListItem(text="M")],
        )
    ],
)
CARD = m.MessagesApiMessageCarouselCard(
    body=m.MessagesApiMessageCarouselCardBody(title="Shoes", url=MEDIA),
    buttons=[m.MessagesApiMessageOpenUrlButton(text="Buy", url="https://shop.example")],
)
BODIES: list[tuple[str, Any, Any]] = [
    ("business text", BUSINESS, text()),
    ("business image", BUSINESS, m.MessagesApiMessageImageBody(url=MEDIA)),
    ("business rich link", BUSINESS, m.MessagesApiMessageRichLinkBody(redirect_url=MEDIA, text="Look", url=MEDIA)),
    ("business carousel", BUSINESS, m.MessagesApiMessageCarouselBody(cards=[CARD, CARD])),
    ("business place", BUSINESS, m.MessagesApiMessageLocationBody(latitude=44.9, longitude=13.8)),
    ("bot text", BOT, text()),
    ("bot image", BOT, m.MessagesApiMessageImageBody(url=MEDIA, text="Look")),
    ("bot rich link", BOT, m.MessagesApiMessageRichLinkBody(redirect_url=MEDIA, text="Look", url=MEDIA)),
    ("bot list", BOT, LIST),
    ("bot carousel", BOT, m.MessagesApiMessageCarouselBody(cards=[CARD, CARD])),
    ("bot place", BOT, m.MessagesApiMessageLocationBody(latitude=44.9, longitude=13.8)),
    ("bot contact", BOT, m.MessagesApiMessageContactBody(name="Ann", phone_number="385911234567")),
    ("bot sticker", BOT, m.MessagesApiMessageStickerBody(reference="40133")),
]


def test_every_body_is_delivered_and_told(demo: Demo, receiver: Receiver) -> None:
    delivery = m.MessagesApiMessageDeliveryReporting(url=receiver.url())
    # Where both go to one address, a reading that overtakes its delivery is told alone.
    hooks = m.MessagesApiWebhooks(delivery=delivery, seen=m.MessagesApiSeenStatusReporting(url=receiver.url("/seen")))
    messages = [message(body, channel, webhooks=hooks) for _, channel, body in BODIES]
    answer = api_of(demo).send_messages_api_message(m.MessagesApiRequest(messages=messages))
    assert [one.status.name for one in answer.messages] == ["MESSAGE_ACCEPTED"] * len(BODIES)
    for one, (name, channel, _) in zip(answer.messages, BODIES, strict=True):

        def about(event: str, identifier: str = one.message_id) -> Any:
            return lambda p: any(r["event"] == event and r["messageId"] == identifier for r in p.json["results"])

        (delivered,) = receiver.wait(about("DELIVERY"))
        parsed = m.MessagesApiDeliveryReport.from_json(delivered.body.decode())
        assert parsed is not None
        (report,) = parsed.results
        assert (report.channel.value, report.status.name) == (channel.value, "DELIVERED_TO_HANDSET"), name
        receiver.wait(about("SEEN"))


def test_reports_and_peoples_messages_are_collected_once(demo: Demo) -> None:
    api = api_of(demo)
    number = person("11")
    answer = api.send_messages_api_message(m.MessagesApiRequest(messages=[message(text("hello"), to=number)]))
    identifier = answer.messages[0].message_id
    (report,) = demo.until(lambda: api.get_messages_api_delivery_reports(message_id=identifier).results)
    assert (report.destination, report.error.name) == (number, "NO_ERROR")
    assert api.get_messages_api_delivery_reports(message_id=identifier).results == []


def test_a_look_at_a_request(demo: Demo) -> None:
    api = api_of(demo)
    good = api.validate_messages_api_message(m.MessagesApiRequest(messages=[message(text())]))
    assert good.description
    bad = m.MessagesApiRequest(messages=[message(m.MessagesApiMessageImageBody(url="picture"))])
    with pytest.raises(BadRequestException) as refused:
        api.validate_messages_api_message(bad)
    assert json.loads(refused.value.body)["violations"] == [
        {"property": "messages[0].content.body.url", "violation": "is not a valid url"}
    ]
    with pytest.raises(UnauthorizedException):
        api_of(demo, "wrong").validate_messages_api_message(bad)
    with pytest.raises(ForbiddenException):
        api_of(demo, key_of(demo, "inbound:read")).validate_messages_api_message(bad)


def test_errors(demo: Demo) -> None:
    bad = m.MessagesApiRequest(messages=[message(m.MessagesApiMessageImageBody(url="picture"))])
    with pytest.raises(BadRequestException) as refused:
        api_of(demo).send_messages_api_message(bad)
    assert refused.value.data.error_code == "E400"
    wrong, reader = api_of(demo, "wrong"), api_of(demo, key_of(demo, "channels:read"))
    for api, kind in ((wrong, UnauthorizedException), (reader, ForbiddenException)):
        with pytest.raises(kind):
            api.send_messages_api_message(bad)
        with pytest.raises(kind):
            api.get_messages_api_delivery_reports()
        with pytest.raises(kind):
            api.get_messages_api_inbound_messages(channel=m.MessagesApiInboundMoGetEndpointChannel.VIBER_BM)
    with pytest.raises(BadRequestException):
        api_of(demo).get_messages_api_delivery_reports(limit=0)
    with pytest.raises(BadRequestException):
        api_of(demo).get_messages_api_inbound_messages(channel=m.MessagesApiInboundMoGetEndpointChannel.SMS)


def key_of(demo: Demo, scope: str) -> str:
    body = {"name": f"messages {next(_numbers)}", "face": "infobip", "scopes": [scope]}
    return str(demo.native("POST", "/api/v1/keys", body)["secret"])


# -- What no client has -----------------------------------------------------------------------------------------------


def asked(demo: Demo, method: str, path: str, body: Any = None, headers: Any = None) -> tuple[int, Any]:
    status, _, answer = demo.ask(method, path, body, APP if headers is None else headers)
    return status, json.loads(answer) if answer else None


def test_all_four_ways_to_say_who_one_is(demo: Demo) -> None:
    pair = {"username": "demo", "password": "demo-password"}
    status, session = asked(demo, "POST", "/auth/1/session", pair, {"accept": "application/json"})
    assert status == 200
    form = {"client_id": "demo", "client_secret": "demo-password", "grant_type": "client_credentials"}
    typed = {"content-type": "application/x-www-form-urlencoded"}
    status, token = asked(demo, "POST", "/auth/1/oauth2/token", urllib.parse.urlencode(form).encode(), typed)
    assert (status, token["expires_in"]) == (200, 3600)
    basic = base64.b64encode(b"demo:demo-password").decode()
    for scheme, credential in (
        ("App", KEY),
        ("Basic", basic),
        ("IBSSO", session["token"]),
        ("Bearer", token["access_token"]),
    ):
        headers = {"authorization": f"{scheme} {credential}"}
        assert asked(demo, "GET", "/viber/2/logs?limit=1", None, headers)[0] == 200, scheme
    own = {"authorization": f"IBSSO {session['token']}"}
    assert asked(demo, "DELETE", "/auth/1/session", None, own)[0] == 200
    assert asked(demo, "DELETE", "/auth/1/session", None, own)[0] == 401


def test_errors_of_the_tokens(demo: Demo) -> None:
    plain = {"accept": "application/json"}
    wrong = {"username": "demo", "password": "wrong"}
    status, answer = asked(demo, "POST", "/auth/1/session", wrong, plain)
    exception = answer["requestError"]["serviceException"]
    assert (status, exception) == (401, {"messageId": "UNAUTHORIZED", "text": "Unauthorized"})
    status, answer = asked(demo, "POST", "/auth/1/session", {"username": "demo"}, plain)
    assert (status, answer["requestError"]["serviceException"]["validationErrors"]) == (
        400,
        {"password": ["must not be null"]},
    )
    typed = {"content-type": "application/x-www-form-urlencoded"}
    assert asked(demo, "POST", "/auth/1/oauth2/token", b"client_id=demo", typed)[0] == 400
    grant = b"client_id=demo&client_secret=wrong&grant_type=client_credentials"
    assert asked(demo, "POST", "/auth/1/oauth2/token", grant, typed)[0] == 401
    assert asked(demo, "POST", "/auth/1/oauth2/token", {}, plain)[0] == 415


def test_a_subscription_brings_signed_reports(demo: Demo, receiver: Receiver) -> None:
    path, name = "/subscriptions/1/subscription/VIBER", f"s-{next(_numbers)}"
    subscription = {
        "subscriptionId": name,
        "events": ["DELIVERY", "SEEN"],
        "criteria": [{"applicationId": name}],
        "profile": {
            "profileId": name,
            "webhook": {"notifyUrl": receiver.url("/subscribed")},
            "security": {"authId": name, "type": "BASIC", "credentials": {"username": "u", "password": "p"}},
        },
    }
    status, made = asked(demo, "POST", path, subscription)
    assert (status, made) == (
        201,
        {"subscriptionId": name, "profile": {"profileId": name, "security": {"authId": name}}},
    )
    options = m.MessagesApiMessageOptions(platform=m.Platform(application_id=name))
    api_of(demo).send_messages_api_message(m.MessagesApiRequest(messages=[message(text(), options=options)]))
    (seen,) = receiver.wait(lambda p: p.path == "/subscribed" and p.json["results"][0]["event"] == "SEEN")
    assert seen.headers["authorization"] == "Basic " + base64.b64encode(b"u:p").decode()
    assert asked(demo, "GET", f"{path}/{name}")[1]["events"] == ["DELIVERY", "SEEN"]
    assert asked(demo, "GET", f"{path}?size=1&page=0")[1]["paging"]["size"] == 1
    assert asked(demo, "POST", path, subscription)[0] == 400
    assert asked(demo, "PUT", f"{path}/{name}", {"events": ["POEM"], "profile": {"profileId": name}})[0] == 400
    assert asked(demo, "GET", "/subscriptions/1/subscription/SMS")[0] == 400
    assert asked(demo, "DELETE", f"{path}/{name}")[0] == 200
    assert asked(demo, "DELETE", f"{path}/{name}")[0] == 404
    assert asked(demo, "GET", path, None, {"authorization": "App wrong"})[0] == 401


def test_templates(demo: Demo) -> None:
    path = "/viber/1/senders/demo-viber/templates"
    template = {
        "category": "OTP",
        "body": [{"language": "en", "template": "{{pin}} is your code"}],
        "params": [{"type": "TEXT", "name": "pin", "example": "1234"}],
    }
    status, made = asked(demo, "POST", path, template)
    assert (status, made["sender"], made["status"]) == (201, "demo-viber", "APPROVED")
    one = f"{path}/{made['templateId']}"
    assert asked(demo, "GET", one)[1] == made
    listed = asked(demo, "GET", path)[1]["templates"]
    assert [t["templateId"] for t in listed] == [made["templateId"]]
    assert "createdAt" not in listed[0]
    status, answer = asked(demo, "POST", path, template | {"params": []})
    assert (status, answer["errorCode"], len(answer["violations"])) == (400, "E400", 2)
    assert asked(demo, "GET", "/viber/1/senders/nobody/templates")[0] == 404
    assert asked(demo, "GET", path, None, {})[0] == 401
    assert asked(demo, "DELETE", one)[0] == 204
    assert asked(demo, "DELETE", one)[0] == 404


def test_bulks_can_be_moved_paused_and_cancelled(demo: Demo) -> None:
    name = f"bulk-{next(_numbers)}-{person()}"
    schedule = m.MessagesApiRequestSchedulingSettings(bulk_id=name)
    request = m.MessagesApiRequest(
        messages=[message(text()), message(text())],
        options=m.MessagesApiDefaultMessageRequestOptions(schedule=schedule),
    ).to_dict()
    request["options"]["schedule"]["sendAt"] = "2027-01-01T10:00:00.000+0000"
    assert asked(demo, "POST", "/messages-api/1/messages", request)[0] == 200
    query = f"?bulkId={name}"
    assert asked(demo, "GET", f"/viber/1/bulks{query}") == (
        200,
        {"bulkId": name, "sendAt": "2027-01-01T10:00:00.000+0000"},
    )
    moved = {"sendAt": "2027-02-01T10:00:00.000+0000"}
    assert asked(demo, "PUT", f"/viber/1/bulks{query}", moved) == (200, {"bulkId": name, **moved})
    for status in ("PAUSED", "PENDING", "CANCELED"):
        assert asked(demo, "PUT", f"/viber/1/bulks/status{query}", {"status": status}) == (
            200,
            {"bulkId": name, "status": status},
        )
    status, answer = asked(demo, "GET", "/sms/1/bulks?bulkId=none")
    assert (status, answer["requestError"]["serviceException"]) == (
        404,
        {"messageId": "NOT_FOUND", "text": "Bulk not found"},
    )


LEGACY: dict[str, Any] = {
    "text": {"text": "Your order is on its way"},
    "image": {"mediaUrl": MEDIA, "text": "Look"},
}


def legacy(kind: str, **more: Any) -> dict[str, Any]:
    """A message of version 1, for which no client of today has a method."""
    return {"from": "demo-viber", "to": person(), "content": LEGACY[kind], **more}


def test_version_1_still_works(demo: Demo, receiver: Receiver) -> None:
    told = {"notifyUrl": receiver.url("/legacy"), "callbackData": "cb"}
    status, answer = asked(demo, "POST", "/viber/1/message/text", {"messages": [legacy("text", **told)]})
    assert (status, answer["messages"][0]["status"]["name"]) == (200, "PENDING_ENROUTE")
    status, image = asked(demo, "POST", "/viber/1/message/image", legacy("image", **told))
    assert (status, image["messageCount"]) == (200, 1)
    for identifier in (answer["messages"][0]["messageId"], image["messageId"]):
        receiver.wait(lambda p, i=identifier: any(r["messageId"] == i for r in p.json["results"]))


INBOUND = "/resource-management/1/inbound-message-configurations"
NOBODY = {"authorization": "App wrong"}
#: Requests and the errors that they meet; each endpoint that no client has stands here at least three times.
ERRORS: list[tuple[str, str, Any, int]] = [
    *(("POST", f"/viber/1/message/{kind}", {}, 400) for kind in ("text", "image", "file", "video")),
    *(
        ("POST", f"/viber/1/message/{kind}", {"messages": 1, "to": "x"}, 400)
        for kind in ("text", "image", "file", "video")
    ),
    *(("GET", f"/{family}/1/bulks", None, 400) for family in ("sms", "viber", "viber-bot")),
    *(("GET", f"/{family}/1/bulks?bulkId=none", None, 404) for family in ("sms", "viber", "viber-bot")),
    *(("PUT", f"/{family}/1/bulks?bulkId=none", {"sendAt": "soon"}, 400) for family in ("sms", "viber", "viber-bot")),
    *(
        ("PUT", f"/{family}/1/bulks/status?bulkId=none", {"status": "X"}, 400)
        for family in ("sms", "viber", "viber-bot")
    ),
    *(("GET", f"/{family}/1/bulks/status?bulkId=none", None, 404) for family in ("sms", "viber", "viber-bot")),
    ("GET", INBOUND, None, 400),
    ("GET", f"{INBOUND}?channel=SMS", None, 400),
    ("POST", INBOUND, {"channel": "SMS"}, 400),
    (
        "POST",
        INBOUND,
        {"channel": "VIBER_BM", "resource": "x", "forwarding": {"type": "HTTP_FORWARD", "url": "x"}},
        400,
    ),
    ("DELETE", f"{INBOUND}/none", None, 404),
    ("GET", "/subscriptions/1/profiles?size=0", None, 400),
    ("POST", "/subscriptions/1/profiles", {}, 400),
    ("GET", "/subscriptions/1/profiles/none", None, 404),
    ("PUT", "/subscriptions/1/profiles/none", {"profileId": "none"}, 404),
    ("DELETE", "/subscriptions/1/profiles/none", None, 404),
    ("GET", "/subscriptions/1/security?page=x", None, 400),
    ("POST", "/subscriptions/1/security", {"authId": "x", "type": "BASIC", "credentials": {}}, 400),
    ("GET", "/subscriptions/1/security/none", None, 404),
    ("PUT", "/subscriptions/1/security/none", {"authId": "none"}, 404),
    ("DELETE", "/subscriptions/1/security/none", None, 404),
]


def test_every_endpoint_meets_its_errors(demo: Demo) -> None:
    reader = {"authorization": f"App {key_of(demo, 'inbound:read')}"}
    for method, path, body, expected in ERRORS:
        for headers, wanted in ((APP, expected), (NOBODY, 401), (reader, 403)):
            status, answer = asked(demo, method, path, body, headers)
            assert status == wanted, (method, path, answer)
            assert set(answer) == {"requestError"}, (method, path, answer)


def test_nothing_is_served_elsewhere(demo: Demo) -> None:
    for path in ("/messages-api/1/none", "/subscriptions/1/none", "/resource-management/1/none", "/auth/1/none"):
        status, answer = asked(demo, "GET", path)
        assert status == 404
        assert ("errorCode" in answer) == path.startswith("/messages-api")
    with pytest.raises(ApiException):
        api_of(demo).send_messages_api_events(m.MessagesApiEventRequest(events=[]))
