"""Requests made up, right ones and wrong ones: always an answer in Telesign's shape, never a 5xx."""

import asyncio
import copy
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import msgspec
import pytest
import schemathesis
from hypothesis import given, settings, strategies as st

from tests.protocols.faces import in_a_thread, operations
from tests.protocols.telesign.conftest import CALM, CUSTOMER, KEY, SEND, Api, opened
from tyrian.protocols.telesign import codes, openapi, signing
from tyrian.protocols.telesign.checks import Checked, check
from tyrian.protocols.telesign.errors import ApiError, Envelope
from tyrian.protocols.telesign.messages import read_send

AUTHORIZATION = {"Authorization": signing.basic(CUSTOMER, KEY)}


@pytest.fixture(scope="module")
def live(module_database_url: str) -> Iterator[Api]:
    """A gateway in a thread of its own: these tests wait for its answers without a loop."""
    with in_a_thread(lambda: opened(module_database_url)) as api:
        yield api


schema = schemathesis.openapi.from_dict(copy.deepcopy(openapi.document()))


@pytest.mark.parametrize("operation", operations(schema))
def test_the_document_keeps_its_word(operation: str, live: Api, ask_all: Callable[..., None]) -> None:
    ask_all(schema, operation, live.url, AUTHORIZATION, examples=8)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
CHANNEL = st.fixed_dictionaries(
    {"channel": st.sampled_from(["viber", "sms", "rcs", "fax", ""]) | JSON},
    optional={"fallback_time": st.sampled_from([30, 300, 3600, 3601]) | JSON},
)
PARAMETER = st.sampled_from(["text", "url", "url_id", "url_text", "reply_id"])
CONTENT = JSON | st.fixed_dictionaries(
    {"template": st.sampled_from(["text", "image", "url_action", "video", "telesign_otp", "text_session"]) | JSON},
    optional={
        "parameters": JSON
        | st.dictionaries(
            st.sampled_from(["text", "url", "url_id", "url_text", "reply_id"]), st.text(max_size=30) | JSON
        )
    },
)
REQUEST = JSON | st.fixed_dictionaries(
    {},
    optional={
        "channels": JSON | st.lists(CHANNEL, max_size=3),
        "phone_number": JSON | st.sampled_from(["385991234501", "12ab", "+1 555", "٣٨٥"]),
        "recipient": JSON | st.fixed_dictionaries({}, optional={"phone_number": JSON | st.just("385991234501")}),
        "message": JSON | st.dictionaries(st.sampled_from(["viber", "sms", "default"]), CONTENT),
        "message_type": JSON | st.sampled_from(["ARN", "MKT", "OTP"]),
        "external_id": JSON,
        "callback_url": JSON | st.just("http://127.0.0.1:9/"),
        "account_lifecycle_event": JSON,
        "originating_ip": JSON,
        "sender_id": JSON,
    },
)


def verdict(body: bytes) -> Checked | ApiError:
    """A request that is right as a whole, or what is wrong with it."""
    try:
        return check(read_send(body), ())
    except ApiError as error:
        return error


@CALM
@given(REQUEST)
def test_a_request_is_right_or_has_a_code(request: Any) -> None:
    found = verdict(msgspec.json.encode(request))
    if isinstance(found, ApiError):
        assert found.status == 400
        assert msgspec.json.decode(found.body(Envelope.SEND))["status"]["code"] in codes.DESCRIPTIONS


@CALM
@given(st.binary(max_size=300))
def test_any_bytes_are_right_or_have_a_code(body: bytes) -> None:
    found = verdict(body)
    assert isinstance(found, ApiError)
    assert found.code in (3110, 3300)


RIGHT = {
    "channels": [{"channel": "viber"}, {"channel": "sms"}],
    "phone_number": "385991234501",
    "message": {"default": {"template": "text", "parameters": {"text": "hi"}}},
    "message_type": "MKT",
}


@settings(CALM, max_examples=120)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "channels": st.lists(CHANNEL, min_size=1, max_size=3),
            "message": st.dictionaries(st.sampled_from(["viber", "sms", "default"]), CONTENT, min_size=1),
            "external_id": st.text(max_size=20),
            "sender_id": JSON,
            "recipient": st.fixed_dictionaries({"phone_number": JSON | st.text(max_size=20)}),
            "message_type": st.sampled_from(["ARN", "MKT", "OTP"]),
        },
    )
)
def test_any_request_gets_an_answer_of_telesigns(live: Api, change: Any) -> None:
    async def ask() -> tuple[int, bytes]:
        body = msgspec.json.encode({**RIGHT, **change})
        async with (
            aiohttp.ClientSession() as http,
            http.post(live.url + SEND, data=body, headers=AUTHORIZATION) as answer,
        ):
            return answer.status, await answer.read()

    status, body = asyncio.run(ask())
    said = msgspec.json.decode(body)
    assert status in (200, 400, 413), body
    assert said["status"]["code"] in codes.DESCRIPTIONS
    assert (status == 200) == (said["status"]["code"] == 3001)
    assert said.keys() == {"status", "reference_id", "external_id"}
