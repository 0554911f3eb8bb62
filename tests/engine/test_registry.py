"""Protocols come from entry points, and a broken one says so."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from tests.engine.fake_kind import Network
from tyrian.engine.ports import Registration
from tyrian.engine.registry import GROUP, BrokenProtocol, faces_of, kinds_of, load_registrations

FACE = object()


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("a_protocol")
    made.good = Registration("good", kinds=(Network().kind("one"), Network().kind("two")))  # type: ignore[attr-defined]
    made.faced = Registration("faced", kinds=(Network().kind("two"),), face=FACE)  # type: ignore[attr-defined]
    made.other = "a text"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_protocol", made)
    return made


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, f"a_protocol:{value}", GROUP)


def test_registrations_are_loaded_by_name() -> None:
    found = load_registrations([entry("z", "good"), entry("a", "faced")])
    assert list(found) == ["faced", "good"]
    assert faces_of(found) == [FACE]


def test_kinds_are_found_by_name() -> None:
    assert list(kinds_of(load_registrations([entry("good", "good")]))) == ["one", "two"]


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([entry("x", "missing")], 'protocol "x" cannot be loaded: AttributeError'),
        ([EntryPoint("x", "no_such_module:r", GROUP)], 'protocol "x" cannot be loaded: ModuleNotFoundError'),
        ([entry("x", "other")], "names a_protocol:other, which is a str and not a Registration"),
        ([entry("x", "good"), entry("y", "good")], 'protocol "y" calls itself "good"'),
    ],
    ids=["no such name", "no such module", "another thing", "twice the same"],
)
def test_a_broken_entry_point_says_what_is_wrong(entries: list[EntryPoint], words: str) -> None:
    with pytest.raises(BrokenProtocol, match=words):
        load_registrations(entries)


def test_two_protocols_cannot_offer_the_same_kind() -> None:
    with pytest.raises(BrokenProtocol, match='the channel kind "two"'):
        kinds_of(load_registrations([entry("a", "good"), entry("b", "faced")]))


def test_the_installed_protocols_load() -> None:
    assert {"viber_bot", "viber_business"} <= set(kinds_of(load_registrations()))
