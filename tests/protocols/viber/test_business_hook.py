"""A business's callbacks: who may call, what each status and message comes to, and what garbage does (nothing)."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from tests.protocols.viber.stub import TOOLS, hook_request
from tyrian.domain.content import Audio, Base, Content, File, Image, Text, Video
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import Channel, HookAnswer
from tyrian.protocols.viber.business import BusinessConnector
from tyrian.protocols.viber.hooks import sign

SECRET = "hush"
STATUS: dict[str, Any] = {
    "message_token": "5379697806260881548",
    "message_status": 0,
    "message_time": 1499163009878,
    "phone_number": "380501234567",
    "service_id": 123,
}
AT = datetime(2017, 7, 4, 10, 10, 9, 878000, UTC)


def connector(secrets: dict[str, str] | None = None, **config: Any) -> BusinessConnector:
    config = {"service_id": 1001} | config
    return BusinessConnector(Channel(8, 1, "my-business", "viber_business", config, secrets or {}), TOOLS)


BUSINESS = connector()


def call(event: Any, business: BusinessConnector = BUSINESS) -> HookAnswer:
    return business.hook(hook_request(msgspec.json.encode(event)))


def is_empty(answer: HookAnswer) -> bool:
    return not answer.receipts and not answer.inbound and not answer.subscriptions


@pytest.mark.parametrize(
    ("number", "kind", "reason"),
    [
        (0, ReceiptKind.DELIVERED, None),
        (1, ReceiptKind.SEEN, None),
        (2, ReceiptKind.EXPIRED, "network_expired"),
    ],
)
@pytest.mark.parametrize("token", ["5379697806260881548", 5379697806260881548])
def test_receipts(number: int, kind: ReceiptKind, reason: str | None, token: str | int) -> None:
    answer = call(STATUS | {"message_status": number, "message_token": token})
    [receipt] = answer.receipts
    assert (answer.status, receipt.ref, receipt.kind, receipt.reason, receipt.at) == (
        200, "5379697806260881548", kind, reason, AT
    )  # fmt: skip
    assert receipt.raw is not None
    assert "380501234567" in receipt.raw


@pytest.mark.parametrize(("number", "subscribed"), [(4, True), (5, False)])
def test_subscriptions(number: int, subscribed: bool) -> None:
    [change] = call(STATUS | {"message_status": number}).subscriptions
    assert (change.person, change.subscribed, change.at) == ("+380501234567", subscribed, AT)


@pytest.mark.parametrize(
    "event",
    [
        {},
        STATUS | {"message_status": 3},
        STATUS | {"message_status": 99},
        STATUS | {"message_status": 4, "phone_number": None},
        {"phone_number": "380501234567", "time": 1},
        {"message": {"text": "from nobody"}},
        {"message": {"text": "from nowhere"}, "phone_number": "Ann"},
    ],
)
def test_what_means_nothing_is_taken_and_left(event: dict[str, Any]) -> None:
    answer = call(event)
    assert answer.status == 200
    assert is_empty(answer)


MESSAGES: list[tuple[dict[str, Any], Base]] = [
    ({"text": "yes", "tracking_data": "c-1"}, Text(text="yes", tracking_data="c-1")),
    ({"text": "yes"}, Text(text="yes")),
    (
        {"media": "https://v.example/x", "file_name": "a.JPG", "tracking_data": "c-1"},
        Image(url="https://v.example/x", tracking_data="c-1"),
    ),
    ({"media": "https://v.example/a.png?x=1"}, Image(url="https://v.example/a.png?x=1")),
    ({"media": "https://v.example/a.jpg", "text": "see"}, Image(url="https://v.example/a.jpg", text="see")),
    ({"media": "https://v.example/x", "file_name": "a.mp4"}, Video(url="https://v.example/x")),
    ({"media": "https://v.example/x", "file_name": "a.ogg"}, Audio(url="https://v.example/x", name="a.ogg")),
    ({"media": "https://v.example/x", "file_name": "a.pdf"}, File(url="https://v.example/x", name="a.pdf")),
    ({"media": "https://v.example/x"}, File(url="https://v.example/x", name="file")),
    ({"media": "https://v.example/x", "file_name": "n" * 300}, File(url="https://v.example/x", name="n" * 256)),
    ({"media": "https://v.example/" + "x" * 2000}, Text(text="https://v.example/" + "x" * 2000)),
    ({}, Text(text="(empty message)")),
    ({"text": ""}, Text(text="(empty message)")),
]


@pytest.mark.parametrize(("message", "content"), MESSAGES)
def test_messages(message: dict[str, Any], content: Base) -> None:
    event = {"message_token": 77, "phone_number": "380501234567", "time": 1622014595, "message": message}
    [inbound] = call(event).inbound
    assert inbound.content == content
    assert (inbound.sender, inbound.to, inbound.provider_id) == ("+380501234567", "1001", "77")
    assert inbound.at == datetime(2021, 5, 26, 7, 36, 35, tzinfo=UTC)
    assert msgspec.json.decode(msgspec.json.encode(inbound.content), type=Content) == content


def test_a_message_without_a_token_is_still_recognisable() -> None:
    event = {"phone_number": "+380501234567", "time": 1622014595, "message": {"text": "yes"}}
    [one] = call(event).inbound
    [again] = call(event).inbound
    [later] = call(event | {"time": 1622014596}).inbound
    assert one.provider_id == again.provider_id != later.provider_id
    assert one.sender == "+380501234567"


# -- Who may call ------------------------------------------------------------------------------------------------------

BODY = msgspec.json.encode(STATUS)


@pytest.mark.parametrize(
    ("given_signature", "status"),
    [
        ({"header": sign(BODY, SECRET)}, 200),
        ({"sig": sign(BODY, SECRET)}, 200),
        ({}, 403),
        ({"header": sign(BODY, "other")}, 403),
        ({"header": sign(BODY + b" ", SECRET)}, 403),
    ],
)
def test_a_secret_asks_for_signatures(given_signature: dict[str, str], status: int) -> None:
    business = connector({"callback_secret": SECRET})
    answer = business.hook(hook_request(BODY, **given_signature))
    assert answer.status == status
    assert len(answer.receipts) == (status == 200)


@pytest.mark.parametrize(
    ("remote", "status"),
    [
        ("203.0.113.7", 200),
        ("::ffff:203.0.113.7", 200),
        ("2001:db8::1", 200),
        ("203.0.114.7", 403),
        ("2001:db9::1", 403),
        ("", 403),
        ("unknown", 403),
        (None, 403),
    ],
)
def test_networks_are_allow_listed(remote: str | None, status: int) -> None:
    business = connector(callback_networks=["203.0.113.0/24", "2001:db8::/32"])
    answer = business.hook(hook_request(BODY, remote=remote))
    assert answer.status == status
    assert len(answer.receipts) == (status == 200)


@pytest.mark.parametrize("network", ["203.0.113.0/33", "viber.com", "203.0.113.7/24"])
def test_a_network_that_is_none_is_refused_as_a_setting(network: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        connector(callback_networks=[network])


def test_only_posts_are_callbacks() -> None:
    assert BUSINESS.hook(hook_request(BODY, method="GET")).status == 405


# -- Garbage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff",
        b'{"message_status":"delivered"}',
        b'{"message_status":0}',
        b'{"message":"hi","phone_number":"380501234567"}',
        b'{"message":{"text":"\\udc00"},"phone_number":"380501234567"}',
    ],
)
def test_garbage_is_refused_and_says_nothing(body: bytes) -> None:
    answer = BUSINESS.hook(hook_request(body))
    assert answer.status == 400
    assert is_empty(answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "message_token": st.text(max_size=8) | st.integers() | JSON,
        "message_status": st.integers(-1, 6) | JSON,
        "message_time": st.integers() | JSON,
        "time": st.integers() | JSON,
        "phone_number": st.text("0123456789+", max_size=8) | JSON,
        "message": st.dictionaries(st.sampled_from(["text", "media", "file_name"]), st.text(max_size=8)) | JSON,
    },
)


@given(SHAPED | JSON)
@settings(max_examples=200, deadline=None)
def test_any_json_gets_an_answer_and_what_it_says_can_be_stored(event: Any) -> None:
    try:
        body = msgspec.json.encode(event)
    except UnicodeEncodeError:
        body = b"\xed\xa0\x80"
    answer = BUSINESS.hook(hook_request(body))
    assert answer.status in (200, 400)
    for inbound in answer.inbound:
        assert inbound.sender.startswith("+")
        msgspec.json.decode(msgspec.json.encode(inbound.content), type=Content)


@given(st.binary(max_size=100))
@settings(max_examples=100, deadline=None)
def test_any_bytes_get_an_answer(body: bytes) -> None:
    assert BUSINESS.hook(hook_request(body)).status in (200, 400)
