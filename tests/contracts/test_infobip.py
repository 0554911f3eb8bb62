"""The stock Python client `infobip-api-python-client`, unmodified but for host and key, against a running demo."""

# The client builds its models from names that its types do not show.
# mypy: ignore-errors

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import infobip_api_client.models as m
import pytest
from infobip_api_client.api.viber_api import ViberApi
from infobip_api_client.api_client import ApiClient
from infobip_api_client.configuration import Configuration
from infobip_api_client.exceptions import (
    ApiException,
    BadRequestException,
    ForbiddenException,
    UnauthorizedException,
)

from tests.contracts.running import Demo, Posted, Receiver

# The client's own models warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

KEY = "demo-infobip-key"
MEDIA = "https://cdn.example/a.jpg"
LINK = "https://shop.example/7"
_numbers = count(1)


def person(ends: str = "01") -> str:
    """A phone number that nobody used yet; its last two digits choose what happens."""
    return f"38598{next(_numbers):05d}{ends}"


def user(ends: str = "01") -> str:
    """The id by which bots know the holder of such a number."""
    return f"u{person(ends)}=="


def client_of(demo: Demo, key: str = KEY) -> ApiClient:
    return ApiClient(Configuration(host=demo.base, api_key=key))


@pytest.fixture
def viber(demo: Demo) -> ViberApi:
    return ViberApi(client_of(demo))


@pytest.fixture(scope="module")
def media() -> Iterator[str]:
    """Where files are: Viber must be told their size, for which the gateway asks here."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "1000")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def message(content: Any, to: str | None = None, message_id: str | None = None, **more: Any) -> m.ViberMessage:
    destination = m.ViberToDestination(to=to or person(), message_id=message_id)
    return m.ViberMessage(sender="demo-viber", destinations=[destination], content=content, **more)


def text(words: str = "Your order is on its way") -> m.ViberOutboundTextContent:
    return m.ViberOutboundTextContent(text=words)


def results_in(posted: Posted, identifier: str) -> list[Any]:
    return [r for r in posted.json.get("results", []) if r.get("messageId") == identifier]


# -- Sending ----------------------------------------------------------------------------------------------------------

BUTTON = m.ViberButton(title="Track", action=LINK)
CARD = m.ViberCarouselCard(text="Shoes", media_url=MEDIA, buttons=[m.ViberCarouselButton(title="Buy", action=LINK)])


def contents(media: str) -> dict[str, Any]:
    return {
        "text": text(),
        "text and button": m.ViberOutboundTextContent(text="Hello", button=BUTTON),
        "image": m.ViberOutboundImageContent(media_url=MEDIA),
        "image, text and button": m.ViberOutboundImageContent(media_url=MEDIA, text="Look", button=BUTTON),
        "video": m.ViberOutboundVideoContent(
            media_url=f"{media}/v.mp4", media_duration="PT5S", thumbnail_url=MEDIA, text="Look"
        ),
        "file": m.ViberOutboundFileContent(file_name="a.pdf", media_url=f"{media}/a.pdf"),
        "list": m.ViberOutboundListContent(text="Size?", options=["S", "M"]),
        "carousel": m.ViberOutboundCarouselContent(text="New", cards=[CARD, CARD]),
        "one-time password": m.ViberOutboundOtpTemplateContent(
            id="otp-1", parameters={"pin": "1234"}, language=m.ViberOtpTemplateLanguage.ENGLISH
        ),
    }


def test_every_business_content_is_delivered(demo: Demo, viber: ViberApi, receiver: Receiver, media: str) -> None:
    hooks = m.ViberWebhooks(delivery=m.ViberMessageDeliveryReporting(url=receiver.url()), callback_data="order-7")
    sent: dict[str, str] = {}
    for name, content in contents(media).items():
        answer = viber.send_viber_messages(m.ViberRequest(messages=[message(content, webhooks=hooks)]))
        (one,) = answer.messages
        assert (one.status.group_name, one.status.name) == ("PENDING", "PENDING_ACCEPTED"), name
        assert answer.bulk_id
        sent[one.message_id] = name
    for identifier, name in sent.items():
        (posted,) = receiver.wait(lambda p, i=identifier: results_in(p, i))  # type: ignore[misc]
        reports = m.ViberWebhookReportsResponse.from_json(posted.body.decode())
        assert reports is not None
        (report,) = reports.results
        assert report.status.name == "DELIVERED_TO_HANDSET", (name, report)
        assert (report.error.group_name, report.sender, report.callback_data) == ("OK", "demo-viber", "order-7")


def test_many_at_once_with_every_option(viber: ViberApi, receiver: Receiver) -> None:
    options = m.ViberMessageOptions(
        platform=m.Platform(entity_id="shop", application_id="orders"),
        validity_period=m.ValidityPeriod(amount=30, time_unit=m.ValidityPeriodTimeUnit.MINUTES),
        campaign_reference_id="spring",
        sms_failover=m.ViberDefaultSmsFailover(text="By SMS", sender="Shop"),
        label=m.ViberLabel.TRANSACTIONAL,
        tracking_data="t-7",
    )
    hooks = m.ViberWebhooks(
        delivery=m.ViberMessageDeliveryReporting(url=receiver.url(), intermediate_report=True, notify=True),
        seen=m.ViberSeenStatusReporting(url=receiver.url("/seen")),
        callback_data="cb",
    )
    first, second = f"m-{next(_numbers)}-{person()}", f"m-{next(_numbers)}-{person()}"
    messages = [
        message(text(), message_id=first, options=options, webhooks=hooks),
        message(text("hello"), to=person("04"), message_id=second, options=options, webhooks=hooks),
    ]
    schedule = m.ViberRequestSchedulingSettings(bulk_id=f"bulk-{first}")
    answer = viber.send_viber_messages(
        m.ViberRequest(messages=messages, options=m.ViberDefaultMessageRequestOptions(schedule=schedule))
    )
    assert answer.bulk_id == f"bulk-{first}"
    assert [one.message_id for one in answer.messages] == [first, second]

    def final(posted: Posted, identifier: str) -> bool:
        return any(r["status"]["groupName"] == "DELIVERED" for r in results_in(posted, identifier) if "status" in r)

    (delivered,) = receiver.wait(lambda p: p.path == "/hook" and final(p, first))
    report = results_in(delivered, first)[0]
    assert (report["bulkId"], report["campaignReferenceId"]) == (f"bulk-{first}", "spring")
    assert report["platform"] == {"entityId": "shop", "applicationId": "orders"}
    (seen,) = receiver.wait(lambda p: p.path == "/seen" and results_in(p, first))
    parsed = m.ViberSeenReports.from_json(seen.body.decode())
    assert parsed is not None
    assert (parsed.results[0].to, parsed.results[0].application_id) == ("demo-viber", "orders")
    # Not a Viber user: the SMS goes out.
    (by_sms,) = receiver.wait(lambda p: p.path == "/hook" and final(p, second))
    assert results_in(by_sms, second)[0]["sender"] == "Shop"


def test_reports_are_collected_once_and_logs_stay(demo: Demo, viber: ViberApi) -> None:
    answer = viber.send_viber_messages(m.ViberRequest(messages=[message(text()), message(text())]))
    ids = {one.message_id for one in answer.messages}
    found: set[str] = set()

    def all_came() -> bool:
        page = viber.get_outbound_viber_message_delivery_reports(bulk_id=answer.bulk_id, limit=10)
        found.update(r.message_id for r in page.results)
        return found == ids

    demo.until(all_came)
    again = viber.get_outbound_viber_message_delivery_reports(bulk_id=answer.bulk_id)
    assert again.results == []
    logs = viber.get_outbound_viber_message_logs(message_id=sorted(ids), sender="demo-viber", limit=10)
    assert {entry.message_id for entry in logs.results} == ids
    assert {entry.status.group_name for entry in logs.results} == {"DELIVERED"}
    assert all(entry.content.text == "Your order is on its way" for entry in logs.results)
    page = viber.get_outbound_viber_message_logs(bulk_id=[answer.bulk_id], limit=1, use_cursor=True)
    assert page.cursor is not None
    rest = viber.get_outbound_viber_message_logs(
        bulk_id=[answer.bulk_id], limit=1, use_cursor=True, cursor=page.cursor.next_cursor
    )
    assert {e.message_id for e in (*page.results, *rest.results)} == ids


# -- Bots, by the client's low-level call -----------------------------------------------------------------------------


def call(client: ApiClient, method: str, path: str, body: Any = None, query: Any = None, kind: str = "object") -> Any:
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    packed = client.param_serialize(
        method=method,
        resource_path=path,
        body=body,
        query_params=query,
        header_params=headers,
        auth_settings=["APIKeyHeader"],
    )
    response = client.call_api(*packed)
    response.read()
    errors = dict.fromkeys(("400", "401", "403", "500"), "ApiError")
    return client.response_deserialize(response, {"200": kind, **errors}).data


KEYBOARD = {
    "buttonGrid": {
        "buttons": [
            {"columns": 3, "rows": 1, "action": {"actionType": "REPLY", "actionBody": "yes"}, "text": {"text": "Yes"}}
        ]
    }
}
GRID = {
    "buttonsGroupColumns": 6,
    "buttonsGroupRows": 7,
    "buttons": [
        {
            "columns": 6,
            "rows": 7,
            "action": {"actionType": "OPEN_URL", "actionBody": LINK},
            "text": {"text": "Shop"},
        }
    ],
}
BOT_CONTENTS: list[dict[str, Any]] = [
    {"type": "TEXT", "text": "Pick", "senderDisplayInfo": {"name": "Shop", "avatarUrl": MEDIA}, "keyboard": KEYBOARD},
    {"type": "IMAGE", "url": MEDIA, "text": "Look", "thumbnailUrl": MEDIA},
    {"type": "VIDEO", "url": "https://cdn.example/v.mp4", "size": 10000, "duration": 5},
    {"type": "FILE", "fileName": "a.pdf", "url": "https://cdn.example/a.pdf", "size": 1000},
    {"type": "CAROUSEL", "buttonGrid": GRID},
    {"type": "LOCATION", "location": {"latitude": 44.9, "longitude": 13.8}},
    {"type": "CONTACT", "contact": {"name": "Ann", "phoneNumber": "385911234567"}},
    {"type": "STICKER", "stickerId": 40133},
    {"type": "URL", "url": "https://shop.example"},
]


def test_every_bot_content_is_delivered(demo: Demo, receiver: Receiver) -> None:
    client = client_of(demo)
    messages = [
        {
            "sender": "demo-bot",
            "destinations": [{"to": user()}],
            "content": content,
            "webhooks": {"delivery": {"url": receiver.url()}, "seen": {"url": receiver.url("/seen")}},
        }
        for content in BOT_CONTENTS
    ]
    answer = call(client, "POST", "/viber-bot/1/messages", {"messages": messages}, kind="MessageResponse")
    assert [one.status.name for one in answer.messages] == ["PENDING_ACCEPTED"] * len(BOT_CONTENTS)
    for one in answer.messages:
        (posted,) = receiver.wait(lambda p, i=one.message_id: p.path == "/hook" and results_in(p, i))  # type: ignore[misc]
        assert results_in(posted, one.message_id)[0]["status"]["name"] == "DELIVERED_TO_HANDSET"
        receiver.wait(lambda p, i=one.message_id: p.path == "/seen" and results_in(p, i))  # type: ignore[misc]
    logs = call(client, "GET", "/viber-bot/1/logs", query=[("bulkId", answer.bulk_id), ("limit", 20)])
    assert sorted(e["content"]["type"] for e in logs["results"]) == sorted(c["type"] for c in BOT_CONTENTS)


def test_bot_reports_are_collected_once(demo: Demo) -> None:
    client = client_of(demo)
    body = {"messages": [{"sender": "demo-bot", "destinations": [{"to": user()}], "content": BOT_CONTENTS[0]}]}
    answer = call(client, "POST", "/viber-bot/1/messages", body, kind="MessageResponse")
    query = [("messageId", answer.messages[0].message_id)]

    def came() -> Any:
        kind = "ViberWebhookReportsResponse"
        return call(client, "GET", "/viber-bot/1/reports", query=query, kind=kind).results

    (report,) = demo.until(came)
    assert (report.status.group_name, report.error.name) == ("DELIVERED", "NO_ERROR")
    assert came() == []


# -- Inbound ----------------------------------------------------------------------------------------------------------


def test_what_people_write_is_forwarded(demo: Demo, viber: ViberApi, receiver: Receiver) -> None:
    headers = {"authorization": f"App {KEY}"}
    for channel, resource in (("VIBER_BM", "demo-viber"), ("VIBER_BOT", "demo-bot")):
        forwarding = {"type": "HTTP_FORWARD", "url": receiver.url("/inbound")}
        status, _, body = demo.ask(
            "POST",
            "/resource-management/1/inbound-message-configurations",
            {"channel": channel, "resource": resource, "forwarding": forwarding},
            headers,
        )
        assert status == 200, body
    number, someone = person("11"), user("11")
    viber.send_viber_messages(m.ViberRequest(messages=[message(text("hello"), to=number)]))
    bot = {"sender": "demo-bot", "destinations": [{"to": someone}], "content": {"type": "TEXT", "text": "hello"}}
    call(client_of(demo), "POST", "/viber-bot/1/messages", {"messages": [bot]})
    (business,) = receiver.wait(lambda p: any(r["sender"] == number for r in p.json["results"]))
    parsed = m.ViberWebhookInboundReportResponse.from_json(business.body.decode())
    assert parsed is not None
    assert parsed.results[0].message.text == "echo: hello"
    (heard,) = receiver.wait(lambda p: any(r["sender"] == someone for r in p.json["results"]))
    event = heard.json["results"][0]
    assert event["integrationType"] == "VIBER_BOT"
    said = event["message"]["message"]
    assert (said["type"], said["text"]) == ("TEXT", "echo: hello")


# -- Errors -----------------------------------------------------------------------------------------------------------


def test_rejections_within_the_answer(viber: ViberApi) -> None:
    known = f"m-{next(_numbers)}-{person()}"
    viber.send_viber_messages(m.ViberRequest(messages=[message(text(), message_id=known)]))
    stranger = message(text())
    stranger.sender = "nobody"
    answer = viber.send_viber_messages(
        m.ViberRequest(
            messages=[message(text(), message_id=known), stranger, message(text(), to="12"), message(text())]
        )
    )
    assert [one.status.name for one in answer.messages] == [
        "REJECTED_DUPLICATE_MESSAGE_ID",
        "REJECTED_SOURCE",
        "REJECTED_DESTINATION",
        "PENDING_ACCEPTED",
    ]
    assert {one.status.group_id for one in answer.messages[:3]} == {5}


@pytest.mark.parametrize("path", ["/viber/2/messages", "/viber-bot/1/messages"])
def test_errors_of_sending(demo: Demo, path: str) -> None:
    with pytest.raises(BadRequestException) as bad:
        call(client_of(demo), "POST", path, {"messages": [{"sender": "demo-viber", "content": {"type": "POEM"}}]})
    assert (bad.value.data.error_code, bad.value.data.description) == ("E400", "Request cannot be processed.")
    assert [(v.var_property, v.violation) for v in bad.value.data.violations] == [
        ("messages[0].destinations", "must not be null"),
        ("messages[0].content.type", "invalid value"),
    ]
    with pytest.raises(UnauthorizedException) as unknown:
        call(client_of(demo, "wrong"), "POST", path, {"messages": []})
    assert unknown.value.data.error_code == "E401"
    with pytest.raises(ForbiddenException) as forbidden:
        call(client_of(demo, _reader(demo)), "POST", path, {"messages": []})
    assert forbidden.value.data.error_code == "E403"
    with pytest.raises(ApiException) as missing:
        call(client_of(demo), "POST", path + "/none", {})
    assert (missing.value.status, json.loads(missing.value.body)["errorCode"]) == (404, "E404")


@pytest.mark.parametrize("path", ["/viber/2/reports", "/viber/2/logs", "/viber-bot/1/reports", "/viber-bot/1/logs"])
def test_errors_of_reading(demo: Demo, path: str) -> None:
    for limit in (0, 1001):
        with pytest.raises(BadRequestException) as bad:
            call(client_of(demo), "GET", path, query=[("limit", limit)])
        assert bad.value.data.violations[0].var_property == "limit"
    with pytest.raises(UnauthorizedException):
        call(client_of(demo, "wrong"), "GET", path)
    with pytest.raises(ForbiddenException):
        call(client_of(demo, _reader(demo, "channels:read")), "GET", path)


def _reader(demo: Demo, scope: str = "messages:read") -> str:
    """A key of the demo's account that may not send."""
    body = {"name": f"contract {next(_numbers)}", "face": "infobip", "scopes": [scope]}
    return str(demo.native("POST", "/api/v1/keys", body)["secret"])
