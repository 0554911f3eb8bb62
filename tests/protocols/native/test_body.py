"""Reading bodies: what is wrong is said, all of it and where; nothing else ever happens."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from tyrian.domain.problem import Refused
from tyrian.protocols.native.body import MAX_DEPTH
from tyrian.protocols.native.bulks import NDJSON, read_append
from tyrian.protocols.native.errors import ApiError, BadJson
from tyrian.protocols.native.sending import read_send
from tyrian.protocols.native.wire import SendManyRequest, SendRequest

STEP = {"channel": "v", "content": {"type": "text", "text": "Hi"}}
GOOD = {"to": "+385991234501", "cascade": [STEP]}


def send(value: Any) -> SendRequest | SendManyRequest:
    return read_send(value if isinstance(value, bytes) else json.dumps(value).encode(), "application/json")


def problems(value: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        send(value)
    return [(p.pointer, p.code) for p in refused.value.problems]


@pytest.mark.parametrize(
    ("body", "line", "column", "words"),
    [
        (b"", 1, 1, "is empty"),
        (b"  \n ", 1, 1, "is empty"),
        (b"{", 1, 2, "ends before"),
        (b'{"to": "x"', 1, 11, "ends before"),
        (b'{"to": "x",}', 1, 12, "trailing comma"),
        (b'{\n  "to": nope\n}', 2, 13, "invalid character"),
        (b'{"to": "x"} {}', 1, 14, "trailing characters"),
        ('{"ž": nope}'.encode(), 1, 11, "invalid character"),
        (b'{"to": "\xff"}', 1, 9, "UTF-8"),
        (b'{"a": "x",\n "to": "\xed\xa0\x80"}', 2, 9, "UTF-8"),
        (b'{"to": "\\ud83d"}', 1, 9, "surrogate"),
        (b'{"to": "\\\\ok \\ude00"}', 1, 14, "surrogate"),
        (b'{"to": "\\ud83d\\ude00", "x": "\\udc00 and more"}', 1, 30, "surrogate"),
        (b'{"to": "a\x00b"}', 1, 10, "invalid character"),
        (b'{"to": NaN}', 1, 8, "invalid character"),
        (b"\xef\xbb\xbf{}", 1, 1, "invalid character"),
        (b'"' + b"\\u", 1, 4, "ends before"),
    ],
)
def test_a_body_that_is_no_json_is_refused_with_line_and_column(
    body: bytes, line: int, column: int, words: str
) -> None:
    with pytest.raises(BadJson) as refused:
        send(body)
    assert words in refused.value.detail
    assert (refused.value.line, refused.value.column) == (line, column)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([], [("", "type")]),
        ("text", [("", "type")]),
        (None, [("", "type")]),
        ({}, [("/to", "required"), ("/cascade", "required")]),
        ({**GOOD, "colour": 1}, [("/colour", "unknown_field")]),
        ({**GOOD, "to": 385}, [("/to", "invalid")]),
        ({**GOOD, "to": ""}, [("/to", "invalid")]),
        ({**GOOD, "cascade": []}, [("/cascade", "too_short")]),
        ({**GOOD, "cascade": [STEP] * 11}, [("/cascade", "too_long")]),
        ({**GOOD, "cascade": [{"channel": "v"}]}, [("/cascade/0/content", "required")]),
        ({**GOOD, "cascade": [{**STEP, "content": {"type": "smoke"}}]}, [("/cascade/0/content/type", "invalid")]),
        ({**GOOD, "cascade": [{**STEP, "content": {"text": "x"}}]}, [("/cascade/0/content/type", "required")]),
        ({**GOOD, "purpose": "spam"}, [("/purpose", "invalid")]),
        ({**GOOD, "validity": 5}, [("/validity", "invalid")]),
        ({**GOOD, "validity": 1.5}, [("/validity", "invalid")]),
        ({**GOOD, "schedule": {"send_at": "tomorrow"}}, [("/schedule/send_at", "invalid")]),
        ({**GOOD, "schedule": {"send_at": "2026-01-01T00:00:00"}}, [("/schedule/send_at", "invalid")]),
        ({**GOOD, "schedule": {"window": {"from": "9", "to": "17:00"}}}, [("/schedule/window/from", "invalid")]),
        ({**GOOD, "schedule": {"window": {"from": "09:00"}}}, [("/schedule/window/to", "required")]),
        (
            {**GOOD, "schedule": {"window": {"from": "09:00", "to": "17:00", "days": []}}},
            [("/schedule/window/days", "too_short")],
        ),
        ({**GOOD, "callback": {"url": "x", "events": ["eaten"]}}, [("/callback/events/0", "invalid")]),
        ({**GOOD, "variables": {"a": 1}}, [("/variables/a", "invalid")]),
        ({"messages": []}, [("/messages", "too_short")]),
        ({"messages": [{}], "to": "x"}, [("/to", "unknown_field"), ("/messages/0/to", "required")]),
        ({"messages": [{"to": "x", "schedule": {}}]}, [("/messages/0/schedule", "unknown_field")]),
        ({**GOOD, "a/b~c": 1}, [("/a~1b~0c", "unknown_field")]),
    ],
)
def test_every_mistake_has_its_pointer(body: Any, expected: list[tuple[str, str]]) -> None:
    assert problems(body) == expected


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**GOOD, "to": "a\0b"}, "/to"),
        ({**GOOD, "variables": {"a": "\0"}}, "/variables/a"),
        ({**GOOD, "variables": {"a\0": "x"}}, "/variables"),
        ({**GOOD, "callback": {"url": "http://x", "data": "\0"}}, "/callback/data"),
        ({**GOOD, "cascade": [{**STEP, "content": {"type": "text", "text": "\0"}}]}, "/cascade/0/content/text"),
        ({"messages": [{"to": "\0"}]}, "/messages/0/to"),
    ],
)
def test_nul_characters_are_refused_wherever_they_stand(body: Any, pointer: str) -> None:
    assert (pointer, "nul") in problems(body)


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    request = send({**GOOD, "callback": {"url": "http://x", "data": "\\u0000"}})
    assert request.callback is not None
    assert request.callback.data == "\\u0000"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"to": "x", "n": 1e999}', "/n"),
        (b'{"to": "x", "n": [1, -1e999]}', "/n/1"),
        (b'{"n": ' + b"9" * 5000 + b"}", "/n"),
    ],
)
def test_numbers_that_nothing_can_hold_are_pointed_at(body: bytes, pointer: str) -> None:
    assert problems(body) == [(pointer, "too_large")]


@pytest.mark.parametrize("depth", [MAX_DEPTH + 2, 900, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    body = b'{"variables":' + b"[" * depth + b"]" * depth + b"}"
    assert [code for _, code in problems(body)] == ["too_deep"]


def test_a_right_body_is_read() -> None:
    assert isinstance(send(GOOD), SendRequest)
    assert isinstance(send({"messages": [GOOD]}), SendManyRequest)


def test_ndjson_is_read_line_by_line() -> None:
    request = read_append(b'{"to":"1"}\n\r\n{"to":"2","variables":{"a":"b"}}', NDJSON)
    assert [(e.to, e.variables) for e in request.messages] == [("1", None), ("2", {"a": "b"})]


def test_ndjson_names_the_entry_and_the_line() -> None:
    with pytest.raises(Refused) as refused:
        read_append(b'{"to":"1"}\n{"to":2}\n{"tow":"3"}', NDJSON)
    assert [p.pointer for p in refused.value.problems] == ["/messages/1/to", "/messages/2/tow", "/messages/2/to"]
    with pytest.raises(ApiError, match="malformed-json") as malformed:
        read_append(b'{"to":"1"}\n{"to"', NDJSON)
    assert "line 2" in malformed.value.detail
    with pytest.raises(Refused):
        read_append(b"\n\n", NDJSON)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
fields = st.sampled_from(
    [*SendRequest.__struct_fields__, *SendManyRequest.__struct_fields__, "type", "text", "channel"]
)
near_requests = st.dictionaries(fields, json_values, max_size=6)


@given(st.one_of(near_requests, json_values))
@example({**GOOD, "schedule": {"send_at": "0001-01-01T00:00:00+23:59"}})
@example({**GOOD, "schedule": {"send_at": "9999-12-31T23:59:59-23:59"}})
def test_arbitrary_json_is_read_or_refused(value: Any) -> None:
    outcome = outcome_of(send, json.dumps(value).encode())
    assert outcome in ("read", "refused", "no json")


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(body: bytes) -> None:
    assert outcome_of(send, body) in ("refused", "no json")
    assert outcome_of(lambda lines: read_append(lines, NDJSON), body) in ("refused", "no json")


def outcome_of(reader: Callable[[bytes], Any], body: bytes) -> str:
    """What became of a body. Any other exception than those two fails the test."""
    try:
        reader(body)
    except Refused as refused:
        return "refused" if all(p.message for p in refused.problems) and refused.problems else "refused without a word"
    except ApiError as error:
        return "no json" if error.status == 400 and "(line " in error.detail else f"{error.status} {error.detail}"
    return "read"
