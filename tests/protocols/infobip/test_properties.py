"""Whatever JSON comes in, the answer is the vendor's: requests that are nearly right, and values that are nothing."""

import copy
import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.protocols.infobip.conftest import Api
from tyrian.protocols.infobip import examples, legacy
from tyrian.protocols.infobip.content import seconds_of
from tyrian.protocols.infobip.errors import ApiError
from tyrian.protocols.infobip.facts import unpack
from tyrian.protocols.infobip.serving import read
from tyrian.protocols.infobip.violations import violations_of
from tyrian.protocols.infobip.wire_bot import BotRequest
from tyrian.protocols.infobip.wire_business import BusinessRequest
from tyrian.protocols.infobip.xml import document

#: Path, the type of its body, and bodies that are right.
SENDS: list[tuple[str, Any, list[Any]]] = [
    ("/viber-bot/1/messages", BotRequest, list(examples.BOT.values())),
    ("/viber/2/messages", BusinessRequest, list(examples.BUSINESS.values())),
    ("/viber/1/message/text", legacy.LegacyTexts, list(examples.LEGACY["text"].values())),
    ("/viber/1/message/image", legacy.LegacyImage, list(examples.LEGACY["image"].values())),
    ("/viber/1/message/file", legacy.LegacyFile, list(examples.LEGACY["file"].values())),
    ("/viber/1/message/video", legacy.LegacyVideo, list(examples.LEGACY["video"].values())),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
    st.sampled_from(
        ["", " ", "\0", "a\0b", "x" * 5000, "http://", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59+14:00"]
    ),
    st.sampled_from([-1, 0, 1, 2**31, 2**53, 2**63, 10**30, 1e308]),
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*at, key))


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[str, Any, Any]:
    """A right request in which one to three places were replaced, removed or doubled."""
    path, kind, right = draw(st.sampled_from(SENDS))
    body: Any = {"": copy.deepcopy(draw(st.sampled_from(right)))}
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from([p for p in places(body) if p]))
        inside = body
        for key in parents:
            inside = inside[key]
        change = draw(st.sampled_from(["replace", "remove", "double"]))
        if change == "remove" and parents:
            del inside[last]
        elif change == "double" and isinstance(inside, list):
            inside.append(copy.deepcopy(inside[last]))
        else:
            inside[last] = draw(JSON)
    return path, kind, body[""]


@settings(max_examples=400, deadline=None)
@given(spoilt())
def test_a_request_is_read_or_explained(given_: tuple[str, Any, Any]) -> None:
    _, kind, body = given_
    raw = json.dumps(body).encode()
    value = outcome(raw, kind)
    if isinstance(value, ApiError):
        assert value.status == 400
        # Numbers that no decoder takes leave nothing to look at.
        assert value.violations or not readable(raw)
    else:
        assert isinstance(value, kind)
        assert violations_of(body, kind) == []


def outcome(raw: bytes, kind: Any) -> Any:
    try:
        return read(raw, msgspec.json.Decoder(kind), kind)
    except ApiError as error:
        return error


def readable(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(JSON, st.sampled_from(SENDS))
def test_any_json_at_all(value: Any, send: tuple[str, Any, Any]) -> None:
    _, kind, _ = send
    assert all(v.violation for v in violations_of(value, kind))


@given(st.text(max_size=12))
def test_durations(text: str) -> None:
    seconds = seconds_of(text)
    assert seconds is None or seconds >= 0


@given(st.dictionaries(st.text(max_size=8), SCALARS, max_size=4))
def test_facts_of_anything(kept: dict[str, Any]) -> None:
    assert unpack(kept) is not None


@given(st.dictionaries(st.sampled_from(["results", "text", "status"]), JSON, max_size=3))
def test_xml_is_well_formed(value: dict[str, Any]) -> None:
    made = document("Root", {key: item if isinstance(item, str) else str(item) for key, item in value.items()})
    assert ElementTree.fromstring(made).tag == "Root"  # noqa: S314  our own


@pytest.mark.asyncio(loop_scope="module")
async def test_no_answer_is_anything_but_the_vendors(api: Api) -> None:
    asked: list[tuple[str, Any]] = []

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(spoilt())
    def gather(made: tuple[str, Any, Any]) -> None:
        asked.append((made[0], made[2]))

    gather()
    for path, body in asked:
        answered = await api.post(path, json.dumps(body).encode())
        assert answered.status in (200, 400), (path, body, answered.body)
        if answered.status == 400:
            nested = path.startswith("/viber/1/")
            assert ("requestError" in answered.body) == nested
            assert nested or list(answered.body) == ["errorCode", "description", "action", "violations", "resources"]
        elif path.startswith(("/viber-bot", "/viber/2")):
            assert len(answered.body["messages"]) == sum(len(m["destinations"]) for m in body["messages"])
