"""Telesign's stock clients, unmodified but for host and credentials, against a running demo: by Digest and by Basic."""

# The clients have no types.
# mypy: disable-error-code="no-untyped-call,import-untyped,no-any-return"

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from typing import Any

import pytest
from telesign.rest import RestClient
from telesign.util import verify_telesign_callback_signature
from telesignenterprise.messaging import MessagingClient

from tests.contracts.running import Demo, Posted, Receiver, Server

CUSTOMER = "FFFFFFFF-EEEE-DDDD-1234-AB1234567890"
KEY = "ABC12345yusumoN6BYsBVkh+yRJ5czgsnCehZaOYldPJdmFh6NeX8kunZ2zU1YWaUw/0wV6xfw=="
SEND = "/v1/omnichannel"
SHIPPED = "Order shipped, see https://shop.example/orders?id=1"
SMS = {"template": "text", "parameters": {"text": SHIPPED}}
#: The two pages' contents for Viber.
LINK = {
    "template": "url_action",
    "parameters": {"url_text": "Track", "text": SHIPPED, "url_id": "urlid1", "url": "https://shop.example/orders?id=1"},
}
IMAGE = {"template": "image", "parameters": {"url": "https://shop.example/coupon_52359.jpg"}}
PAGES = {"link button": LINK, "image": IMAGE}
_numbers = count(1)

METHODS: dict[str, str | None] = {"digest": None, "basic": "Basic"}
EITHER = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


class Stock:
    """Both clients."""

    def __init__(self, demo: Demo, method: str | None, customer: str = CUSTOMER, key: str = KEY) -> None:
        self.demo = demo
        self.enterprise = MessagingClient(customer, key, rest_endpoint=demo.base, auth_method=method)
        self.base = RestClient(customer, key, rest_endpoint=demo.base, auth_method=method)

    def send(self, params: dict[str, Any]) -> str:
        """A message's reference id."""
        answer = self.enterprise.omniMessage(params)
        assert answer.status_code == 200, answer.body
        assert answer.json["status"] == {"code": 3001, "description": "Message in progress"}
        assert list(answer.json) == ["status", "reference_id", "external_id"]
        return answer.json["reference_id"]

    def until(self, reference: str, *codes: int) -> Any:
        """The transaction once it has one of these codes, read by either client."""
        clients = [self.enterprise, self.base]

        def look() -> Any:
            clients.reverse()
            found = clients[0].get(f"{SEND}/{reference}")
            assert found.status_code == 200, found.body
            return found.json if found.json["status"]["code"] in codes else None

        return self.demo.until(look)


def person(ends: str = "01") -> str:
    return f"38597{next(_numbers):05d}{ends}"


def codes_of(transaction: Any) -> list[tuple[str, int]]:
    return [(name, entry[name]["code"]) for entry in transaction["channel_status"] for name in entry]


def request(to: str, message: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "channels": [{"channel": "viber", "fallback_time": 600}, {"channel": "sms"}],
        "recipient": {"phone_number": to},
        "message": message,
        "message_type": "MKT",
        **more,
    }


@dataclass
class Pages:
    """What came of the two pages' requests, by page and method, and who is told."""

    receiver: Receiver
    answers: dict[tuple[str, str], Any]


@pytest.fixture(scope="module", autouse=True)
def pages(demo: Demo) -> Iterator[Pages]:
    """The pages' requests, sent before all else: Viber has ten minutes of the demo's until the SMS goes out."""
    with Server() as receiver:
        answers = {
            (page, method): Stock(demo, METHODS[method]).enterprise.omniMessage(
                {
                    "channels": [{"channel": "viber", "fallback_time": 600}, {"channel": "sms"}],
                    "phone_number": "15558675309",
                    "message": {"viber": viber, "sms": SMS},
                    "message_type": "MKT",
                    "callback_url": receiver.url("/callback_endpoint"),
                }
            )
            for page, viber in PAGES.items()
            for method in METHODS
        }
        yield Pages(receiver, answers)


@pytest.fixture(scope="module")
def video_url() -> Iterator[str]:
    """Where a video lies; its size can be asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "4324")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v.mp4"
    server.shutdown()
    server.server_close()
    thread.join(10)


# -- Every template ---------------------------------------------------------------------------------------------------

TEMPLATES: list[tuple[str, dict[str, str], str]] = [
    ("text", {"text": "hi"}, "ARN"),
    ("text", {"text": "Grüße 👋"}, "MKT"),
    ("text_2way", {"text": "hi", "reply_id": "r-1"}, "MKT"),
    ("image", {"url": "https://shop.example/a.jpg"}, "MKT"),
    ("url_action", LINK["parameters"], "MKT"),  # type: ignore[list-item]
    ("video", {"url": "VIDEO"}, "MKT"),
    ("text_video", {"text": "Look", "url": "VIDEO", "url_thumbnail": "https://shop.example/t.jpg"}, "MKT"),
    (
        "url_action_video",
        {"text": "Look", "url": "VIDEO", "button_text": "Buy", "open_url": "https://shop.example/"},
        "MKT",
    ),
    ("otp_verify", {"otp_code": "57244", "language": "en"}, "OTP"),
    ("telesign_otp", {}, "OTP"),
]


@EITHER
@pytest.mark.parametrize(("template", "parameters", "message_type"), TEMPLATES)
def test_every_template(
    demo: Demo,
    receiver: Receiver,
    video_url: str,
    method: str | None,
    template: str,
    parameters: dict[str, str],
    message_type: str,
) -> None:
    stock = Stock(demo, method)
    filled = {name: video_url if value == "VIDEO" else value for name, value in parameters.items()}
    message = {"viber": {"template": template, "parameters": filled}}
    body = request(person(), message, message_type=message_type, external_id=f"x-{template}")
    reference = stock.send({**body, "channels": [{"channel": "viber"}], "callback_url": receiver.url()})
    found = stock.until(reference, 3005)
    assert codes_of(found) == [("viber", 3005)]
    assert found["external_id"] == f"x-{template}"
    (read,) = receiver.wait(lambda p: (p.json["reference_id"], p.json["status"]["code"]) == (reference, 3005))
    assert read.json["external_id"] == f"x-{template}"
    assert codes_of(read.json) == [("viber", 3005)]


@EITHER
def test_sms_alone_and_the_default(demo: Demo, method: str | None) -> None:
    stock = Stock(demo, method)
    body = request(person(), {"default": SMS}, channels=[{"channel": "sms"}])
    assert codes_of(stock.until(stock.send(body), 3000)) == [("sms", 3000)]


# -- Two ways ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def listening(demo: Demo, receiver: Receiver) -> Iterator[Receiver]:
    """The account's callbacks go to the receiver."""
    client = Stock(demo, "Basic").base
    assert client.put(f"{SEND}/settings", json_fields={"callback_url": receiver.url("/mo")}).status_code == 200
    yield receiver
    assert client.put(f"{SEND}/settings", json_fields={"otp_digits": 7}).status_code == 200


@EITHER
def test_a_session(demo: Demo, listening: Receiver, method: str | None) -> None:
    stock, to = Stock(demo, method), person("11")

    def replies() -> Any:
        return lambda posted: posted.json.get("phone_number") == to

    text = {"viber": {"template": "text", "parameters": {"text": "hello", "reply_id": "r-7"}}}
    first = stock.send(request(to, text, channels=[{"channel": "viber"}]))
    (reply,) = listening.wait(replies())
    assert verify_telesign_callback_signature(KEY, reply.headers["x-ts-authorization"], reply.body.decode())
    assert reply.json["status"]["code"] == 1500
    assert reply.json["content"] == {
        "original_reference_id": first,
        "text": "echo: hello",
        "tracking_data": "r-7",
    }
    for number, (template, parameters) in enumerate(
        (("text_session", {"text": "more"}), ("image_session", {"url": "https://shop.example/a.jpg"}))
    ):
        message = {"viber": {"template": template, "parameters": parameters}}
        later = stock.send(request(to, message, channels=[{"channel": "viber"}]))
        assert codes_of(stock.until(later, 3005)) == [("viber", 3005)]
        listening.wait(replies(), number + 2)


@EITHER
def test_a_code_is_verified(demo: Demo, method: str | None) -> None:
    stock, to = Stock(demo, method), person()
    body = request(to, {"default": {"template": "telesign_otp"}}, message_type="OTP")
    reference = stock.send(body)
    assert stock.until(reference, 3005)["verify"] == {"code_state": "UNKNOWN", "code_entered": None}
    wrong = stock.base.get(f"{SEND}/{reference}", verify_code="1")
    assert wrong.json["verify"] == {"code_state": "INVALID", "code_entered": "1"}
    shown = demo.native("GET", f"/api/v1/messages/{reference.lower()}")
    code = next(word for word in json.dumps(shown).split('"') if "verification code" in word).split()[0]
    right = stock.enterprise.get(f"{SEND}/{reference}", verify_code=code)
    assert right.json["verify"] == {"code_state": "VALID", "code_entered": code}


# -- Templates --------------------------------------------------------------------------------------------------------


@EITHER
def test_templates(demo: Demo, method: str | None) -> None:
    stock = Stock(demo, method)
    name = f"sent_{next(_numbers)}"
    template = {"channel": "sms", "name": name, "content": "Order {{number}} is on its way"}
    assert stock.base.post(f"{SEND}/templates", json_fields=template).json["status"]["code"] == 3801
    assert name in {entry["name"] for entry in stock.base.get(f"{SEND}/templates").json}
    assert stock.base.get(f"{SEND}/templates/sms/{name}").json["content"] == template["content"]
    message = {"sms": {"template": name, "parameters": {"number": "7"}}}
    assert codes_of(stock.until(stock.send(request(person(), message, channels=[{"channel": "sms"}])), 3000))
    assert stock.base.delete(f"{SEND}/templates/sms/{name}").status_code == 200


# -- Errors -----------------------------------------------------------------------------------------------------------

WRONG_SENDS: list[tuple[dict[str, Any], int, int]] = [
    ({"channels": []}, 400, 3300),
    ({"channels": [{"channel": "sms"}, {"channel": "sms"}]}, 400, 3113),
    ({"message_type": "XYZ"}, 400, 3102),
    ({"recipient": {}}, 400, 3302),
    ({"external_id": "x" * 101}, 400, 3103),
    ({"callback_url": "nowhere"}, 400, 3106),
    ({"message": {"viber": {"template": "text", "parameters": {"text": "x" * 11_000}}}}, 413, 3116),
]


@EITHER
@pytest.mark.parametrize(("change", "status", "code"), WRONG_SENDS)
def test_a_wrong_request(demo: Demo, method: str | None, change: dict[str, Any], status: int, code: int) -> None:
    answer = Stock(demo, method).enterprise.omniMessage({**request(person(), {"default": SMS}), **change})
    assert (answer.status_code, answer.json["status"]["code"]) == (status, code)
    assert {"status", "external_id", "reference_id"} == answer.json.keys()


@EITHER
def test_wrong_credentials(demo: Demo, method: str | None) -> None:
    for customer, key in ((CUSTOMER, KEY[:-4] + "AA=="), ("00000000-EEEE-DDDD-1234-AB1234567890", KEY)):
        stock = Stock(demo, method, customer, key)
        sent = stock.enterprise.omniMessage(request(person(), {"default": SMS}))
        assert (sent.status_code, sent.json) == (
            401,
            {"status": {"code": 3400, "description": "Not authorized"}, "external_id": None},
        )
        read = stock.base.get(f"{SEND}/35C8B5D509BC10689196FED2AD551B8A")
        assert (read.status_code, read.json) == (401, {"status": {"code": 3400, "description": "Not authorized"}})


@EITHER
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{SEND}/35C8B5D509BC10689196FED2AD551B8A", 400, 3311),
        (f"{SEND}/nothing", 400, 3311),
        (f"{SEND}/templates/sms/nothing", 404, 3112),
        ("/capability/rcs/15558675309", 401, 3210),
        ("/capability/rcs/15558675309/agent", 401, 3210),
        (SEND, 405, 3110),
    ],
)
def test_what_cannot_be_read(demo: Demo, method: str | None, path: str, status: int, code: int) -> None:
    answer = Stock(demo, method).base.get(path)
    assert (answer.status_code, answer.json["status"]["code"]) == (status, code)


@EITHER
@pytest.mark.parametrize(
    ("template", "code"),
    [({"channel": "sms"}, 3802), ({"channel": "sms", "name": "a"}, 3815), ({"channel": "viber", "name": "a"}, 3113)],
)
def test_a_wrong_template(demo: Demo, method: str | None, template: Any, code: int) -> None:
    answer = Stock(demo, method).base.post(f"{SEND}/templates", json_fields=template)
    assert (answer.status_code, answer.json["status"]["code"]) == (400, code)


def test_a_refused_callback_comes_again(demo: Demo, receiver: Receiver) -> None:
    receiver.answer = 500
    stock = Stock(demo, None)
    reference = stock.send(request(person("02"), {"default": SMS}, callback_url=receiver.url()))

    def mine(posted: Posted) -> bool:
        return posted.json["reference_id"] == reference

    receiver.wait(mine)
    receiver.answer = 200
    first, second = receiver.wait(mine, 2)
    assert first.body == second.body


# -- The two pages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_s_request(demo: Demo, pages: Pages, page: str, method: str) -> None:
    receiver, answer = pages.receiver, pages.answers[page, method]
    assert answer.headers["Content-Length"] == "137"
    assert (answer.status_code, answer.json["external_id"]) == (200, None)
    reference = answer.json["reference_id"]
    (told,) = receiver.wait(lambda posted: posted.json["reference_id"] == reference)
    assert (told.method, told.path) == ("POST", "/callback_endpoint")
    assert verify_telesign_callback_signature(KEY, told.headers["x-ts-authorization"], told.body.decode())
    assert told.headers["authorization"] == f"TSA {CUSTOMER}:{told.headers['x-ts-authorization']}"
    report = told.json
    viber_state, sms_state = report["channel_status"]
    updated = report["status"].pop("updated_on")
    assert report["status"] == {"code": 3000, "description": "Delivered", "last_channel": "sms"}
    assert viber_state["viber"].keys() == {"code", "description", "reference_id", "updated_on"}
    assert viber_state["viber"]["code"] == 3056
    assert viber_state["viber"]["description"] == "Message failed to deliver in specified fallback time"
    assert (sms_state["sms"]["code"], sms_state["sms"]["description"]) == (3000, "Delivered")
    assert viber_state["viber"]["updated_on"] < sms_state["sms"]["updated_on"] == updated
    assert codes_of(Stock(demo, METHODS[method]).until(reference, 3000)) == [("viber", 3056), ("sms", 3000)]
