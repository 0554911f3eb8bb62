"""What may be said about a channel, and how a change is merged into it."""

from typing import Any

import msgspec
import pytest

from tests.engine.fake_kind import Network
from tyrian.domain.problem import Refused
from tyrian.domain.purpose import Purpose, UncertainPolicy
from tyrian.engine.channel_spec import ChannelChange, ChannelSpec, changed, check

KINDS = {"fake": Network().kind()}
SPEC = ChannelSpec(name="shop", kind="fake", secrets={"token": "abc"})


def spec(**changes: Any) -> ChannelSpec:
    return msgspec.structs.replace(SPEC, **changes)


@pytest.mark.parametrize(
    "good",
    [
        spec(),
        spec(name="A.b-c_9" * 9),
        spec(config={"options": {"a": r"\u0000", "b": "\\"}}),
        spec(config={"port": 65535, "options": {"deep": [1]}}, rate=0.1, concurrency=1, active=False),
        spec(uncertain={Purpose.OTP: UncertainPolicy.FAIL}, inbound_url="https://example.org:8443/in?x=1"),
    ],
)
def test_what_is_right_has_its_kind(good: ChannelSpec) -> None:
    assert check(good, KINDS) is KINDS["fake"]


@pytest.mark.parametrize(
    ("wrong", "pointers"),
    [
        (spec(name=""), ["/name"]),
        (spec(name="a b"), ["/name"]),
        (spec(name="x" * 65), ["/name"]),
        (spec(kind="pigeon"), ["/kind"]),
        (spec(config={"prot": 1}), ["/config/prot"]),
        (spec(config={"port": 0, "base_url": 5}), ["/config/base_url", "/config/port"]),
        (spec(config={"lucky": 13}), ["/config"]),
        (spec(secrets={}), ["/secrets/token"]),
        (spec(secrets={"token": "a"}), ["/secrets/token"]),
        (spec(secrets={"token": "abc", "pin": "1"}), ["/secrets/pin"]),
        (spec(config={"options": {"a": "x\0"}}), ["/config"]),
        (spec(config={"options": {"a": "\ud800"}}), ["/config"]),
        (spec(config={"options": {"a": 10**5_000}}), ["/config"]),
        (spec(secrets={"token": "abc\0"}), ["/secrets"]),
        (spec(secrets={"token": "x" * 65_537}), ["/secrets"]),
        (spec(rate=0.0), ["/rate"]),
        (spec(rate=float("inf")), ["/rate"]),
        (spec(concurrency=0), ["/concurrency"]),
        (spec(inbound_url="ftp://example.org"), ["/inbound_url"]),
        (spec(inbound_url="https://"), ["/inbound_url"]),
        (spec(inbound_url="https://exa mple.org"), ["/inbound_url"]),
        (spec(inbound_url="https://example.org:port"), ["/inbound_url"]),
        (
            spec(name="?", config={"port": 0}, secrets={}, rate=-1.0, inbound_url="x"),
            ["/name", "/rate", "/config/port", "/secrets/token", "/inbound_url"],
        ),
    ],
)
def test_every_problem_is_named_at_its_place(wrong: ChannelSpec, pointers: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        check(wrong, KINDS)
    assert sorted(p.pointer for p in refused.value.problems) == sorted(pointers)


def test_an_unknown_kind_is_told_what_there_is() -> None:
    with pytest.raises(Refused, match="there are: fake"):
        check(spec(kind="pigeon"), KINDS)


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(Refused) as refused:
        check(spec(secrets={"token": "ab", "pin": "8731"}), KINDS)
    assert "8731" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, {}),
        ({"rate": 5}, {"rate": 5.0}),
        ({"rate": None}, {"rate": None}),
        ({"config": {"port": 8080}}, {"config": {"port": 8080, "options": {"a": 1, "b": 2}}}),
        ({"config": {"port": None}}, {"config": {"options": {"a": 1, "b": 2}}}),
        (
            {"config": {"options": {"a": None, "c": {"d": 1}}}},
            {"config": {"port": 1, "options": {"b": 2, "c": {"d": 1}}}},
        ),
        ({"secrets": {"token": "***"}}, {}),
        ({"secrets": {"token": "new"}}, {"secrets": {"token": "new", "spare": "s"}}),
        ({"secrets": {"spare": None, "token": "***"}}, {"secrets": {"token": "abc"}}),
        ({"uncertain": {}}, {"uncertain": {}}),
        ({"active": False, "inbound_url": None}, {"active": False, "inbound_url": None}),
    ],
)
def test_a_change_is_a_merge_patch(change: dict[str, Any], fields: dict[str, Any]) -> None:
    before = spec(
        config={"port": 1, "options": {"a": 1, "b": 2}},
        secrets={"token": "abc", "spare": "s"},
        rate=1.0,
        uncertain={Purpose.OTP: UncertainPolicy.FAIL},
        inbound_url="https://example.org",
    )
    after = changed(before, msgspec.convert(change, ChannelChange))
    assert after == msgspec.structs.replace(before, **fields)


@pytest.mark.parametrize("change", [{"name": "other"}, {"kind": "other"}, {"id": 5}])
def test_name_and_kind_never_change(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert(change, ChannelChange)
