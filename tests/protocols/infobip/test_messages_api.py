"""The Messages API: what goes out over Viber, what fails over, what is told, and what is refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.engine.customer import Customer
from tests.protocols.infobip.conftest import USER, Api
from tyrian.domain import content as neutral
from tyrian.domain.content import type_of
from tyrian.domain.purpose import Purpose
from tyrian.engine.ports import Inbound
from tyrian.protocols.infobip.messages_checks import judged

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/messages-api/1/messages"
MEDIA = "https://cdn.example/a.jpg"


def said(body: Any, channel: str = "VIBER_BM", **more: Any) -> dict[str, Any]:
    """A message: to a number for a business, to a user for a bot."""
    to = USER if channel == "VIBER_BOT" else "385991234501"
    body = {"type": "TEXT", "text": body} if isinstance(body, str) else body
    buttons = {"buttons": more.pop("buttons")} if "buttons" in more else {}
    parts = {name: more.pop(name) for name in ("header", "footer", "senderDisplayInfo") if name in more}
    return {
        "channel": channel,
        "sender": "demo-bot" if channel == "VIBER_BOT" else "demo-viber",
        "destinations": more.pop("destinations", [{"to": to}]),
        "content": {"body": body, **buttons, **parts},
        **more,
    }


async def send(api: Api, *messages: Any, **options: Any) -> Any:
    return await api.post(PATH, {"messages": list(messages), **({"options": options} if options else {})})


def accepted(answer: Any) -> list[Any]:
    assert answer.status == 200, answer.body
    return [m["status"]["name"] for m in answer.body["messages"]]


CARD = {
    "body": {"title": "Shoes", "url": MEDIA},
    "buttons": [{"type": "OPEN_URL", "text": "Buy", "url": "https://s.example"}],
}
LIST = {"type": "LIST", "text": "Size?", "sections": [{"sectionTitle": "S", "items": [{"text": "S"}, {"text": "M"}]}]}
LINK = {"type": "RICH_LINK", "redirectUrl": "https://s.example", "text": "Look", "url": MEDIA}

CONTENTS: list[tuple[str, str, Any, dict[str, Any], str]] = [
    ("bot text", "VIBER_BOT", "hello", {}, "text"),
    ("bot image", "VIBER_BOT", {"type": "IMAGE", "url": MEDIA, "text": "cap"}, {}, "image"),
    ("bot rich link", "VIBER_BOT", LINK, {}, "image"),
    ("bot list", "VIBER_BOT", LIST, {}, "list"),
    ("bot carousel", "VIBER_BOT", {"type": "CAROUSEL", "cards": [CARD, CARD]}, {}, "carousel"),
    ("bot location", "VIBER_BOT", {"type": "LOCATION", "latitude": 44.9, "longitude": 13.8}, {}, "location"),
    ("bot contact", "VIBER_BOT", {"type": "CONTACT", "name": "Ann", "phoneNumber": "385991234567"}, {}, "contact"),
    ("bot sticker", "VIBER_BOT", {"type": "STICKER", "reference": "40133"}, {}, "sticker"),
    ("business text", "VIBER_BM", "hello", {}, "text"),
    ("business image", "VIBER_BM", {"type": "IMAGE", "url": MEDIA}, {}, "image"),
    ("business document", "VIBER_BM", {"type": "DOCUMENT", "url": MEDIA, "filename": "a.pdf"}, {}, "file"),
    ("business rich link", "VIBER_BM", LINK, {}, "image"),
    ("business list", "VIBER_BM", LIST, {}, "list"),
    ("business carousel", "VIBER_BM", {"type": "CAROUSEL", "cards": [CARD, CARD]}, {}, "carousel"),
    (
        "business place, adapted",
        "VIBER_BM",
        {"type": "LOCATION", "latitude": 1, "longitude": 2, "name": "X"},
        {},
        "text",
    ),
    ("business contact, adapted", "VIBER_BM", {"type": "CONTACT", "name": "A", "phoneNumber": "1"}, {}, "text"),
    ("business video, adapted", "VIBER_BM", {"type": "VIDEO", "url": "https://cdn.example/v.mp4"}, {}, "text"),
    ("business replies", "VIBER_BM", "Size?", {"buttons": [{"type": "REPLY", "text": t} for t in ("S", "M")]}, "list"),
]


@pytest.mark.parametrize(("channel", "body", "more", "kind"), [pytest.param(*c[1:], id=c[0]) for c in CONTENTS])
async def test_every_body(api: Api, channel: str, body: Any, more: dict[str, Any], kind: str) -> None:
    assert accepted(await send(api, said(body, channel, **more))) == ["MESSAGE_ACCEPTED"]
    (sent,) = await api.sends(1)
    assert type_of(sent.content) == kind


async def test_buttons_become_a_bots_keyboard(api: Api) -> None:
    buttons = [
        {"type": "REPLY", "text": "Yes", "postbackData": "y"},
        {"type": "OPEN_URL", "text": "Page", "url": "https://s.example"},
        {"type": "DIAL_PHONE", "text": "Call", "phoneNumber": "+385 1 234"},
        {"type": "SHOW_LOCATION", "text": "Where", "latitude": 1.5, "longitude": 2.5},
        {"type": "REQUEST_LOCATION"},
        {"type": "ADD_CALENDAR_EVENT", "text": "Remember", "startTime": "x"},
    ]
    shown = {"name": "Shop", "avatarUrl": MEDIA}
    answer = await send(
        api, said("Pick", "VIBER_BOT", buttons=buttons, header={"type": "TEXT", "text": "Hi"}, senderDisplayInfo=shown)
    )
    assert accepted(answer) == ["MESSAGE_ACCEPTED"]
    (sent,) = await api.sends(1)
    assert isinstance(sent.content, neutral.Text)
    assert sent.content.text == "Hi\nPick"
    assert sent.content.keyboard is not None
    assert [(b.action, b.value) for b in sent.content.keyboard.buttons] == [
        ("reply", "y"),
        ("open-url", "https://s.example"),
        ("open-url", "tel:+3851234"),
        ("open-map", ""),
        ("location-picker", ""),
    ]
    assert sent.content.sender == neutral.SenderDisplay(name="Shop", avatar=MEDIA)


async def test_without_adaptation_what_does_not_fit_is_rejected(api: Api) -> None:
    strict: dict[str, Any] = {"options": {"adaptationMode": False}}
    answer = await send(
        api,
        said({"type": "LOCATION", "latitude": 1, "longitude": 2}, **strict),
        said("x", "VIBER_BOT", buttons=[{"type": "ADD_CALENDAR_EVENT", "text": "R"}], **strict),
        said("x", footer={"text": "bye"}, **strict),
        said("fine", **strict),
    )
    assert accepted(answer) == ["UNDELIVERABLE_REJECTED_PLATFORM"] * 3 + ["MESSAGE_ACCEPTED"]


async def test_a_template_goes_by_its_name(api: Api) -> None:
    message = {
        "channel": "VIBER_BM",
        "sender": "demo-viber",
        "destinations": [{"to": "385991234501"}],
        "template": {"templateName": "t-1", "language": "en"},
        "content": {"body": {"type": "TEXT", "pin": "1234"}},
    }
    assert accepted(await send(api, message)) == ["MESSAGE_ACCEPTED"]
    (sent,) = await api.sends(1)
    assert sent.content == neutral.Template(template_id="t-1", language="en", parameters={"pin": "1234"})
    assert sent.purpose is Purpose.OTP


async def test_options_of_a_business_message(api: Api) -> None:
    options = {
        "validityPeriod": {"amount": 2, "timeUnit": "HOURS"},
        "correlationData": "t-7",
        "trafficType": "PROMOTIONAL",
        "campaignReferenceId": "c-1",
        "platform": {"entityId": "e", "applicationId": "a"},
    }
    assert accepted(await send(api, said("hello", options=options))) == ["MESSAGE_ACCEPTED"]
    (sent,) = await api.sends(1)
    assert (sent.content.tracking_data, sent.purpose) == ("t-7", Purpose.PROMOTIONAL)
    assert 7000 < sent.ttl <= 7200


async def test_a_refused_message_fails_over_to_sms(api: Api) -> None:
    api.network.refuse("+385991234501", "not_a_viber_user")
    failover = [{"channel": "SMS", "sender": "Shop", "content": {"body": {"type": "TEXT", "text": "by SMS"}}}]
    destination = {
        "byChannel": [{"channel": "VIBER_BM", "to": "385991234501"}, {"channel": "SMS", "to": "385997654321"}],
        "messageId": "m-1",
    }
    answer = await send(api, said("hello", destinations=[destination], failover=failover))
    assert accepted(answer) == ["MESSAGE_ACCEPTED"]
    assert answer.body["messages"][0]["messageId"] == "m-1"
    viber, sms = await api.sends(2)
    assert (viber.to, sms.to) == ("+385991234501", "+385997654321")
    assert isinstance(sms.content, neutral.Text)
    assert sms.content.text == "by SMS"


async def test_reports_are_collected_once(api: Api) -> None:
    answer = await send(api, said("hello", webhooks={"callbackData": "cb"}), schedule={"bulkId": "b-1"})
    identifier = answer.body["messages"][0]["messageId"]
    assert answer.body["bulkId"] == "b-1"
    await api.receipt(identifier, "delivered")
    (report,) = await api.pulled("/messages-api/1/reports", bulkId="b-1")
    assert (report["event"], report["channel"], report["sender"]) == ("DELIVERY", "VIBER_BM", "demo-viber")
    assert (report["destination"], report["bulkId"], report["messageId"]) == ("385991234501", "b-1", identifier)
    assert (report["status"]["name"], report["error"]["name"]) == ("DELIVERED_TO_HANDSET", "NO_ERROR")
    assert report["callbackData"] == "cb"
    assert (await api.get("/messages-api/1/reports")).body == {"results": []}
    assert (await api.get("/viber/2/reports")).body == {"results": []}


async def test_reports_are_pushed_in_this_apis_form(api: Api) -> None:
    async with Customer() as customer:
        hooks = {"delivery": {"url": customer.url}, "seen": {"url": customer.url}}
        answer = await send(api, said("hello", "VIBER_BOT", webhooks=hooks))
        identifier = answer.body["messages"][0]["messageId"]
        await api.receipt(identifier, "delivered")
        (delivered,) = (await customer.next()).json["results"]
        await api.receipt(identifier, "seen")
        (seen,) = (await customer.next()).json["results"]
    assert (delivered["event"], delivered["channel"], delivered["sender"]) == ("DELIVERY", "VIBER_BOT", "demo-bot")
    assert (seen["event"], seen["destination"], "seenAt" in seen, "status" in seen) == ("SEEN", USER, True, False)


async def test_what_people_write_is_collected_once(api: Api) -> None:
    await send(api, said("hello", webhooks={"callbackData": "cb"}, options={"platform": {"entityId": "e"}}))
    (sent,) = await api.sends(1)
    channel = api.gateway.channels.get(api.account_id, "demo-viber")
    assert channel is not None
    await api.until(sent.message_id, "sent")
    contents = [neutral.Text(text="yes please"), neutral.Image(url=MEDIA, text="look"), neutral.Sticker(sticker_id=7)]
    for number, content in enumerate(contents):
        inbound = Inbound("+385991234501", "1001", content, f"{api.account_id}-{number}")
        await api.gateway.inbound.submit(channel.channel, [inbound])
    answer = await api.get("/messages-api/1/inbound", channel="VIBER_BM")
    assert answer.status == 200, answer.body
    found = sorted(answer.body["results"], key=lambda m: str(m["content"][0]))
    assert [m["content"][0] for m in found] == [
        {"type": "IMAGE", "url": MEDIA, "caption": "look"},
        {"type": "TEXT", "text": "sticker 7", "cleanText": "sticker 7"},
        {"type": "TEXT", "text": "yes please", "cleanText": "yes please"},
    ]
    first = found[0]
    assert (first["event"], first["channel"], first["sender"], first["destination"]) == (
        "MO",
        "VIBER_BM",
        "385991234501",
        "demo-viber",
    )
    assert (first["pairedMessageId"], first["callbackData"]) == (str(sent.message_id), "cb")
    assert first["platform"] == {"entityId": "e"}
    assert (await api.get("/messages-api/1/inbound", channel="VIBER_BM")).body["results"] == []


WRONG: list[tuple[str, Any, dict[str, str]]] = [
    ("no messages", {}, {"messages": "must not be null"}),
    ("none at all", {"messages": []}, {"messages": "must not be empty"}),
    ("another channel", {"messages": [said("x") | {"channel": "SMS"}]}, {"messages[0].channel": "invalid value"}),
    ("no sender", {"messages": [said("x") | {"sender": None}]}, {"messages[0].sender": "must not be null"}),
    ("nobody", {"messages": [said("x", destinations=[{}])]}, {"messages[0].destinations[0].to": "must not be null"}),
    ("no body", {"messages": [said("x") | {"content": {}}]}, {"messages[0].content.body": "must not be null"}),
    ("unknown body", {"messages": [said({"type": "POEM"})]}, {"messages[0].content.body.type": "invalid value"}),
    (
        "no address",
        {"messages": [said({"type": "IMAGE", "url": "a.jpg"})]},
        {"messages[0].content.body.url": "is not a valid url"},
    ),
    ("NUL", {"messages": [said("a\0b")]}, {"messages[0].content.body.text": "invalid value"}),
    (
        "far ahead",
        {"messages": [said("x")], "options": {"schedule": {"sendAt": "2999-01-01T00:00:00.000+0000"}}},
        {"options.schedule.sendAt": "must be at most 180 days in the future"},
    ),
]


@pytest.mark.parametrize(("request_", "violations"), [pytest.param(*c[1:], id=c[0]) for c in WRONG])
async def test_what_is_wrong_is_said(api: Api, request_: Any, violations: dict[str, str]) -> None:
    answer = await api.post(PATH, request_)
    assert (answer.status, answer.body["errorCode"]) == (400, "E400")
    assert violations.items() <= answer.violations.items()
    judged = await api.post(f"{PATH}/validate", request_)
    assert (judged.status, set(judged.body)) == (400, {"description", "action", "violations"})
    assert violations.items() <= judged.violations.items()
    assert await api.stored() == 0


async def test_a_look_tells_of_unknown_members_and_sends_nothing(api: Api) -> None:
    request = {"messages": [said("x") | {"colour": "red"}], "shape": 1}
    answer = await api.post(f"{PATH}/validate", request)
    assert answer.status == 200
    assert answer.body["skippableViolations"] == [
        {"property": "shape", "violation": "Unknown property"},
        {"property": "messages[0].colour", "violation": "Unknown property"},
    ]
    assert "skippableViolations" not in (await api.post(f"{PATH}/validate", {"messages": [said("x")]})).body
    assert await api.stored() == 0


async def test_unknown_senders_and_addresses_are_rejected_within_the_answer(api: Api) -> None:
    sms = {"channel": "SMS", "sender": "S", "content": {"body": {"type": "IMAGE", "url": MEDIA}}}
    answer = await send(
        api,
        said("x") | {"sender": "nobody"},
        said("x", destinations=[{"to": "none"}]),
        said("x", failover=[sms]),
        said("x", failover=[{**sms, "channel": "VIBER_BOT", "sender": "nobody"}]),
        said("x"),
    )
    assert accepted(answer) == [
        "REJECTED_SOURCE",
        "REJECTED_DESTINATION",
        "UNDELIVERABLE_REJECTED_PLATFORM",
        "REJECTED_SOURCE",
        "MESSAGE_ACCEPTED",
    ]


async def test_who_may_not(api: Api) -> None:
    reader = await api.with_key(scopes=["messages:read"])
    assert (await send(reader, said("x"))).status == 403
    assert (await reader.get("/messages-api/1/inbound", channel="VIBER_BM")).status == 403
    assert (await api.get("/messages-api/1/inbound", channel="VIBER_BOT")).status == 400
    assert (await api.get("/messages-api/1/inbound")).status == 400
    assert (await api.get("/messages-api/1/reports", limit=1001)).status == 400


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


_MEMBERS = ["content", "options", "webhooks", "failover", "template", "destinations", "channel"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_JSON, options=_JSON, more=st.dictionaries(st.sampled_from(_MEMBERS), _JSON, max_size=3))
async def test_whatever_is_sent_gets_an_answer(api: Api, body: Any, options: Any, more: dict[str, Any]) -> None:
    changed = {"messages": [said("x") | more], "options": options}
    for request in (body, {"messages": body}, {"messages": [said(body)]}, changed):
        raw = msgspec.json.encode(request)
        answer = await api.post(PATH, raw)
        assert answer.status in (200, 400), (request, answer.body)
        judgement = judged(raw, api.gateway.clock.now(), 100, ())
        assert judgement.status in (200, 400)
        assert answer.status == judgement.status
