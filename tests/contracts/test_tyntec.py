"""tyntec's published requests against a running demo: the tutorial's, those of the Postman collections, every content.

The requests are those of the collections "Conversations V3.13" and "Chat API V2.17", with the placeholders that they
hold (rates, URLs) filled in as their descriptions ask.
"""

import base64
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contracts.running import Demo, Receiver
from tyrian.protocols.tyntec.operations import OPERATIONS

V3 = "/conversations/v3"
V2 = "/chat-api/v2"
KEY = "demo-tyntec-key"
SERVICE = "1001"
URL = "https://upload.wikimedia.org/wikipedia/commons/6/6c/Sample_EPC_QR_code.png"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(400)


class Client:
    """The requests of a program that was written for tyntec: one header, and JSON."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and body, which is bytes where it is no JSON."""
        given = {"apikey": KEY, "accept": "application/json", **headers}
        status, got, answer = self.demo.ask(method, path, body, {n: v for n, v in given.items() if v})
        is_json = "json" in got.get("content-type", "")
        return status, json.loads(answer) if is_json else answer

    def send(self, content: Any, to: str = "385991234501", **more: Any) -> str:
        """A message's id."""
        body = {"to": to, "from": SERVICE, "channel": "viber", "rateType": "promotion", "content": content, **more}
        status, answer = self.call("POST", f"{V3}/messages", body)
        assert status == 202, answer
        assert list(answer) == ["messageId", "timestamp"]
        return str(answer["messageId"])

    def until(self, message: str, wanted: str, base: str = V3) -> Any:
        """The status document once it says what is wanted."""

        def look() -> Any:
            status, body = self.call("GET", f"{base}/messages/{message}/status")
            assert status == 200
            return body if body["status"] == wanted else None

        return self.demo.until(look)


@pytest.fixture
def client(demo: Demo) -> Iterator[Client]:
    """A client; the account's callback configuration is empty again afterwards."""
    made = Client(demo)
    yield made
    assert made.call("PUT", f"{V3}/configurations/callbacks", {})[0] == 204


# -- The tutorial -----------------------------------------------------------------------------------------------------


def test_the_tutorial(client: Client, receiver: Receiver) -> None:
    config = {
        "callbackVersion": "2.11",
        "inboundMessageUrl": receiver.url("/in"),
        "messageStatusUrl": receiver.url("/status"),
        "eventFilter": ["InboundMessage"],
    }
    assert client.call("PUT", f"{V3}/configurations/callbacks", config) == (204, b"")

    text = {"type": "text", "text": "Hello world!"}
    body = {"to": "385991234511", "channel": "viber", "from": SERVICE, "rateType": "transaction", "content": text}
    status, answer = client.call("POST", f"{V3}/messages", body)
    assert status == 202
    message = answer["messageId"]
    assert str(uuid.UUID(message)) == message

    client.until(message, "seen")
    status, told = client.call("GET", f"{V3}/{message}/status")
    assert (status, list(told)) == (200, ["messageId", "deliveryChannel", "status", "timestamp"])
    assert (told["messageId"], told["deliveryChannel"]) == (message, "viber")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["timestamp"])

    status, stored = client.call("GET", f"{V3}/messages/{message}")
    assert (status, list(stored), list(stored["viber"])) == (
        200,
        ["to", "id", "channels", "viber"],
        ["from", "components", "messagePurpose", "contentType"],
    )
    assert stored == {
        "to": "385991234511",
        "id": message,
        "channels": ["viber"],
        "viber": {
            "from": SERVICE,
            "components": [{"type": "text", "text": "Hello world!"}],
            "messagePurpose": "transaction",
            "contentType": "text",
        },
    }

    for path in (f"{V3}{message}/events", f"{V3}/messages/{message}/events", f"{V3}/{message}/events"):
        status, events = client.call("GET", path)
        assert (status, events["messageId"]) == (200, message)
        states = [(station.get("deliveryChannel"), station["state"]) for station in events["history"]]
        assert states[:3] == [
            (None, "message-accepted"),
            ("viber", "message-routing-success"),
            ("viber", "message-dispatching-success"),
        ]
        delivered = next(s for s in events["history"] if s["state"] == "message-delivered")
        assert list(delivered) == ["deliveryChannel", "happendAt", "state", "details"]
        assert delivered["details"] == {"from": "385991234511"}

    # A number that ends in 11 answers.
    (posted,) = receiver.wait(lambda p: p.path == "/in")
    said = posted.json
    assert list(said) == ["messageId", "channel", "from", "to", "receivedAt", "content", "event", "timestamp"]
    assert (said["channel"], said["from"], said["to"], said["event"]) == ("viber", "385991234511", SERVICE, "MoMessage")
    assert said["content"] == {"contentType": "text", "text": "echo: Hello world!"}
    assert said["receivedAt"] == said["timestamp"]
    assert re.fullmatch(r"\d{19}", said["messageId"])
    assert receiver.got == [posted]


@pytest.mark.parametrize("purpose", ["transaction", "promotion"])
def test_the_tutorials_picture(client: Client, purpose: str) -> None:
    content = {"contentType": "image", "image": {"url": URL}}
    body = {"from": SERVICE, "to": "385991234501", "channel": "viber", "messagePurpose": purpose, "content": content}
    status, answer = client.call("POST", f"{V3}/messages", body)
    assert status == 202
    client.until(answer["messageId"], "seen")


# -- Contents ---------------------------------------------------------------------------------------------------------

ITEM = {"title": "Shoes", "imageUrl": URL, "primaryButton": {"label": "Buy", "actionUrl": "https://a.example.com/7"}}
CLIP = {"url": "https://a.example.com/a.mp4", "thumbnailUrl": URL, "type": "mp4", "filesize": 12, "duration": 30}
TEXT = {"type": "text", "text": "Sale"}
BUTTON = {"type": "button", "button": {"caption": "Buy", "callback": "https://a.example.com/7"}}
CONTENTS: dict[str, dict[str, Any]] = {
    "text": {"contentType": "text", "text": "Sale"},
    "image": {"contentType": "image", "image": {"url": URL}},
    "video": {"contentType": "video", "video": CLIP},
    "list": {"contentType": "list", "list": {"text": "Which?", "options": ["a", "b"]}},
    "carousel": {"contentType": "carousel", "carousel": {"text": "New", "items": [ITEM, ITEM]}},
    "text, button": {"contentType": "components", "components": {"body": [TEXT, BUTTON]}},
    "text, image, button": {
        "contentType": "components",
        "components": {"body": [TEXT, {"type": "image", "image": {"url": URL}}, BUTTON]},
    },
    "video, text": {"contentType": "components", "components": {"body": [{"type": "video", "video": CLIP}, TEXT]}},
    "video, text, button": {
        "contentType": "components",
        "components": {"body": [{"type": "video", "video": CLIP}, TEXT, BUTTON]},
    },
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_every_content_is_seen(client: Client, content: dict[str, Any]) -> None:
    message = client.send(content)
    client.until(message, "seen")
    stored = client.call("GET", f"{V3}/messages/{message}")[1]
    assert stored["viber"]["contentType"] == content["contentType"]


def test_an_upload_is_sent_as_a_file(client: Client) -> None:
    status, made = client.call("POST", f"{V3}/media?validity=60&filename=a.pdf", PNG, **{"content-type": "image/png"})
    assert (status, list(made)) == (200, ["mediaId", "url", "quota", "usage"])
    file = {"url": made["url"], "filename": "a.pdf", "filetype": "pdf"}
    client.until(client.send({"contentType": "file", "file": file}), "seen")
    listed = client.call("GET", f"{V3}/media")[1]
    assert made["mediaId"] in [entry["mediaId"] for entry in listed]
    path = f"{V3}/media/{made['mediaId']}"
    assert client.call("GET", path) == (200, PNG)
    assert client.call("GET", made["url"].removeprefix(client.demo.base), apikey="") == (200, PNG)
    assert client.call("DELETE", path)[0] == 204
    assert client.call("GET", path) == (404, {"status": 404})


def test_a_bulk(client: Client) -> None:
    messages = [{"contentType": "text", "text": f"{n}"} for n in range(3)]
    body = {"to": "385991234502", "from": SERVICE, "channel": "viber", "rateType": "promotion", "messages": messages}
    status, answer = client.call("POST", f"{V3}/bulks", body)
    assert (status, list(answer), len(answer["messageIds"])) == (202, ["bulkId", "messageIds"], 3)
    for message in answer["messageIds"]:
        client.until(message, "delivered")


# -- Postman ----------------------------------------------------------------------------------------------------------

CALLBACKS = {
    "callbackVersion": "2.12",
    "inboundMessageUrl": "https://shop.example.com/in",
    "messageStatusUrl": "https://shop.example.com/status",
    "eventFilter": ["MessageStatus::accepted"],
}
BASIC = {"type": "basic", "basic": {"username": "shop", "password": "a password"}}
CONFIG = f"{V3}/configurations"
POSTMAN: list[tuple[str, str, Any, int]] = [
    ("GET", f"{CONFIG}/", None, 200),
    ("PUT", f"{CONFIG}/callbacks", CALLBACKS, 204),
    ("PUT", f"{CONFIG}/mediaCredentials", BASIC, 200),
    ("DELETE", f"{CONFIG}/mediaCredentials", None, 200),
    ("GET", f"{CONFIG}/channels/viber", None, 200),
    ("GET", f"{CONFIG}/channels/viber/service-ids/{SERVICE}", None, 200),
    ("PUT", f"{CONFIG}/channels/viber/service-ids/{SERVICE}/callbacks", {}, 200),
    ("GET", f"{V2}/applications", None, 200),
    ("GET", f"{V2}/applications/default", None, 200),
    (
        "PATCH",
        f"{V2}/applications/default",
        {"webhooks": [{"events": ["MoMessage"], "callbackUrl": "https://shop.example.com/in"}]},
        204,
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "expected"), POSTMAN)
def test_a_configuration_request(client: Client, method: str, path: str, body: Any, expected: int) -> None:
    status, answer = client.call(method, path, body)
    assert status == expected, answer


def test_the_complex_message_as_postman_has_it(client: Client) -> None:
    """Its button's target is no URL; what becomes of it is Viber's decision."""
    button = {"type": "button", "button": {"caption": "Click me", "callback": "some callback"}}
    message = client.send({"contentType": "components", "components": {"body": [TEXT, button]}})
    assert client.call("GET", f"{V3}/messages/{message}")[1]["viber"]["components"][1] == button


def test_the_customised_requests(client: Client, receiver: Receiver) -> None:
    body = {
        "to": "385991234501",
        "channel": "sms",
        "from": "TyrianDemo",
        "content": {"contentType": "text", "text": "Hi"},
        "context": "order-7",
        "overrides": {"messageStatusUrl": receiver.url()},
    }
    message = client.call("POST", f"{V3}/messages/", body)[1]["messageId"]
    (told,) = receiver.wait(lambda p: p.json["event"] == "MessageStatus::delivered")
    assert (told.json["messageId"], told.json["channel"], told.json["userContext"]) == (message, "sms", "order-7")


def test_2x_with_a_fallback(client: Client) -> None:
    body = {
        "to": "385991234504",
        "channels": ["viber", "sms"],
        "viber": {"from": SERVICE, "components": [TEXT]},
        "sms": {"from": "TyrianDemo", "contentType": "text", "text": "By SMS"},
        "context": {"userContext": "order-7"},
    }
    status, answer = client.call("POST", f"{V2}/messages", body)
    assert (status, list(answer)) == (202, ["messageId"])
    message = answer["messageId"]
    assert client.until(message, "delivered", V2)["deliveryChannel"] == "sms"
    history = client.call("GET", f"{V2}/messages/{message}/history")[1]
    assert list(history) == ["messageId", "history"]
    assert [s["state"] for s in history["history"]] == [
        "message-accepted",
        "message-routing-success",
        "message-dispatching-failed",
        "message-routing-success",
        "message-dispatching-success",
        "message-delivered",
    ]
    assert client.call("GET", f"{V2}/messages/{message}")[1]["channels"] == ["viber", "sms"]


@pytest.mark.parametrize("kind", ["text", "image", "components"])
def test_the_microsoft_connector(client: Client, kind: str) -> None:
    content = CONTENTS["text, button" if kind == "components" else kind]
    body = {"to": "385991234501", "from": SERVICE, "channel": "viber", "rateType": "promotion", "content": content}
    status, answer = client.call("POST", f"{V3}/power-automate/messages/viber/{kind}", body)
    assert status == 202
    client.until(answer["messageId"], "seen")


# -- Callbacks --------------------------------------------------------------------------------------------------------


def test_callbacks_are_signed_and_tell_a_life(client: Client, receiver: Receiver) -> None:
    config = {
        "messageStatusUrl": receiver.url("/status"),
        "signature": {"secret": "a secret of ours", "method": "HS512"},
        "header": {"key": "x-shop-key", "value": "open sesame"},
    }
    assert client.call("PATCH", f"{V3}/configurations/callbacks", config)[0] == 204
    message = client.send(CONTENTS["text"], "385991234502", context="order-7")
    posted = receiver.wait(lambda p: p.json["messageId"] == message, 2)
    assert [p.json["event"] for p in posted] == ["MessageStatus::accepted", "MessageStatus::delivered"]
    for p in posted:
        signed = p.headers["x-request-timestamp"].encode() + b"\n" + p.body
        digest = hmac.new(b"a secret of ours", signed, hashlib.sha512).digest()
        assert p.headers["x-signature"] == base64.urlsafe_b64encode(digest).decode()
        assert p.headers["x-shop-key"] == "open sesame"
        assert p.json["userContext"] == "order-7"


FAILURES = [
    ("385991234504", "viber::error::9", "SRVC_NOT_VIBER_USER"),
    ("385991234505", "viber::error::8", "SRVC_USER_BLOCKED"),
]


@pytest.mark.parametrize(("to", "code", "words"), FAILURES)
def test_a_failure_is_the_channels_and_then_the_messages(
    client: Client, receiver: Receiver, to: str, code: str, words: str
) -> None:
    overrides = {"notificationCallbackUrl": receiver.url()}
    message = client.send(CONTENTS["text"], to, overrides=overrides)
    client.until(message, "failed")
    posted = receiver.wait(lambda p: p.json["event"] != "MessageStatus::accepted", 2)
    assert [p.json["event"] for p in posted] == ["MessageStatus::channelFailed", "MessageStatus::failed"]
    assert [p.json["details"] for p in posted] == [{"code": code, "message": words}] * 2


# -- Errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), sorted({(o.method, path) for o in OPERATIONS for path in o.paths}))
def test_three_errors_of_every_endpoint(client: Client, method: str, path: str) -> None:
    nobody = str(uuid.uuid4())
    path = path.replace("{messageId}", nobody).replace("{mediaId}", nobody).replace("{serviceId}", "9999")
    body = b"{" if method != "GET" else None
    assert client.call(method, path, body, apikey="") == (401, {"message": "No API key found in request"})
    assert client.call(method, path, body, apikey="x") == (403, {"message": "Invalid authentication credentials"})
    status, problem = client.call("TRACE", path)
    assert (status, problem["title"]) == (405, "Method Not Allowed")
    operation = next(o for o in OPERATIONS if o.name == "uploadMedia")
    if body is not None and method != "DELETE" and path != operation.path:
        status, problem = client.call(method, path, body)
        assert (status, problem["title"]) == (400, "Data given was not parseable")
    if nobody in path or "9999" in path:
        status, problem = client.call(method, path, b"{}" if body else None)
        assert (status, problem["status"]) in ((404, 404), (400, 400))


ERRORS: list[tuple[dict[str, Any], int, Any]] = [
    ({"rateType": "transaction|promotion|session"}, 400, "validate.request.rateType"),
    ({"content": {"text": "Hi"}}, 400, "validate.request.content.contentType"),
    ({"to": ""}, 400, "validate.request.to"),
    ({"from": "9999"}, 403, None),
]


@pytest.mark.parametrize(("change", "expected", "field"), ERRORS)
def test_an_error_of_sending(client: Client, change: dict[str, Any], expected: int, field: Any) -> None:
    body = {"to": "385991234501", "from": SERVICE, "channel": "viber", "rateType": "promotion"}
    status, problem = client.call("POST", f"{V3}/messages", {**body, "content": CONTENTS["text"], **change})
    assert status == expected
    if field:
        assert problem["title"] == "Constraint Violation"
        assert [violation["field"] for violation in problem["violations"]] == [field]
    else:
        assert problem == {"type": "https://httpstatuses.com/403", "title": "Forbidden", "status": 403}


def test_placeholders_that_nobody_filled_in(client: Client) -> None:
    config = {**CALLBACKS, "inboundMessageUrl": "<your server>", "eventFilter": ["Something"], "callbackVersion": "1"}
    status, problem = client.call("PUT", f"{V3}/configurations/callbacks", config)
    assert status == 400
    assert sorted(violation["field"] for violation in problem["violations"]) == [
        "validate.request.callbackVersion",
        "validate.request.eventFilter[0]",
        "validate.request.inboundMessageUrl",
    ]
