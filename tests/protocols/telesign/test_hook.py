"""What Telesign's callbacks bring, as a table, and that nothing else gets in."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from tests.clock import ManualClock
from tests.protocols.telesign.conftest import CALM
from tyrian.domain import content as neutral
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import Channel, HookRequest, Receipt, Tools
from tyrian.protocols.telesign import hook, signing
from tyrian.protocols.telesign.connector import TelesignConnector

KEY = "QUJDREVGRw=="
REF = "0123456789ABCDEF0123456789ABCDEF"
AT = datetime(2023, 10, 31, 14, 47, 10, 490130, UTC)


class _Sink:
    async def receipts(self, channel: Channel, receipts: Any) -> None:
        raise AssertionError("a hook commits nothing itself")

    async def inbound(self, channel: Channel, messages: Any) -> None:
        raise AssertionError("a hook commits nothing itself")


def connector() -> TelesignConnector:
    channel = Channel(7, 1, "shop", "telesign", {"customer_id": "C-1"}, {"api_key": KEY})
    return TelesignConnector(channel, Tools(ManualClock(), _Sink(), "https://gateway.example"))


def callback(code: int, own: int | None = None, **more: Any) -> bytes:
    whole: dict[str, Any] = {"reference_id": REF, "status": {"code": code, "updated_on": "2023-10-31T14:47:10.490130Z"}}
    if own is not None:
        whole["channel_status"] = [{"viber": {"code": own}}]
    return msgspec.json.encode({**whole, **more})


def receipts(body: bytes) -> list[Receipt]:
    return list(hook.read(body, "viber", "shop").receipts)


@pytest.mark.parametrize(
    ("code", "own", "kind", "reason"),
    [
        (3000, 3000, ReceiptKind.DELIVERED, None),
        (3000, None, ReceiptKind.DELIVERED, None),
        (3005, 3005, ReceiptKind.SEEN, None),
        (3003, 3055, ReceiptKind.FAILED, "not_a_viber_user"),
        (3003, 3046, ReceiptKind.FAILED, "blocked_by_user"),
        (3003, 3056, ReceiptKind.EXPIRED, "network_expired"),
        (3003, 3033, ReceiptKind.EXPIRED, "network_expired"),
        (3003, None, ReceiptKind.FAILED, "network_failed"),
        (3003, 3002, ReceiptKind.FAILED, "network_failed"),
        (3006, 3200, ReceiptKind.FAILED, "not_permitted"),
    ],
)
def test_a_final_status(code: int, own: int | None, kind: ReceiptKind, reason: str | None) -> None:
    (receipt,) = receipts(callback(code, own))
    assert (receipt.ref, receipt.kind, receipt.reason, receipt.at) == (REF, kind, reason, AT)


@pytest.mark.parametrize("code", [3001, 3002, 3004, 3040, 9999, -1])
def test_what_is_not_the_last_word(code: int) -> None:
    assert receipts(callback(code)) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"text": "Hello"}, neutral.Text(text="Hello")),
        ({"text": "Hello", "tracking_data": "t"}, neutral.Text(text="Hello", tracking_data="t")),
        (
            {"media": "https://a.example/1", "file_name": "1.jpg"},
            neutral.Image(url="https://a.example/1"),
        ),
        ({"media": "https://a.example/1.mp4"}, neutral.Video(url="https://a.example/1.mp4")),
        (
            {"media": "https://a.example/1", "file_name": "a.pdf"},
            neutral.File(url="https://a.example/1", name="a.pdf"),
        ),
        ({"media": "https://a.example/"}, neutral.File(url="https://a.example/", name="file")),
        ({}, neutral.Text(text="(empty)")),
    ],
)
def test_what_people_write(content: Any, expected: neutral.Base) -> None:
    body = callback(1500, phone_number="11234567890", content=content)
    (message,) = hook.read(body, "viber", "shop").inbound
    assert (message.sender, message.to, message.provider_id, message.at) == ("+11234567890", "shop", REF, AT)
    assert message.content == expected


def test_what_people_text() -> None:
    body = callback(1500, user_response={"phone_number": "11234567890", "mo_message": "yes"})
    (message,) = hook.read(body, "sms", "shop").inbound
    assert (message.sender, message.content) == ("+11234567890", neutral.Text(text="yes"))


@pytest.mark.parametrize("number", [None, 7, "", "abc", "+", "٣٤٥"])
def test_a_person_without_a_number(number: Any) -> None:
    with pytest.raises(hook.Unreadable):
        hook.read(callback(1500, phone_number=number, content={"text": "x"}), "viber", "shop")


def asked(body: bytes, method: str = "POST", **headers: str) -> int:
    return connector().hook(HookRequest(method, "/hooks/7", {}, headers, body)).status


def test_only_what_is_signed_gets_in() -> None:
    body = callback(3000)
    right = signing.sign(body, KEY)
    assert asked(body, **{"x-ts-authorization": right}) == 200
    assert asked(body, authorization=f"TSA C-1:{right}") == 200
    assert asked(body, "GET", authorization=f"TSA C-1:{right}") == 200
    assert asked(body, "PUT", authorization=f"TSA C-1:{right}") == 405
    assert asked(body) == 403
    assert asked(body + b" ", **{"x-ts-authorization": right}) == 403
    assert asked(b"{", **{"x-ts-authorization": signing.sign(b"{", KEY)}) == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5000, 5000) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@CALM
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "reference_id": JSON | st.text(),
            "status": JSON | st.fixed_dictionaries({"code": st.sampled_from([1500, 3000, 3003, 3005])}),
            "channel_status": JSON,
            "phone_number": JSON | st.just("385991234501"),
            "content": JSON | st.dictionaries(st.sampled_from(["text", "media", "file_name"]), st.text(max_size=30)),
            "user_response": JSON,
        },
    )
)
def test_whatever_is_signed_is_read_or_refused(callback: Any) -> None:
    body = msgspec.json.encode(callback)
    answer = connector().hook(
        HookRequest("POST", "/hooks/7", {}, {"x-ts-authorization": signing.sign(body, KEY)}, body)
    )
    assert answer.status in (200, 400)
    for message in answer.inbound:
        assert message.sender[1:].isdigit()
        msgspec.json.encode(message.content)


@CALM
@given(st.binary(max_size=200))
def test_garbage_is_refused(body: bytes) -> None:
    assert asked(body, **{"x-ts-authorization": signing.sign(body, KEY)}) in (200, 400)
