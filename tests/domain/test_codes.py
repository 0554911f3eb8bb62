"""Codes of buttons: what they look like, what they hide, and that nothing but data is changed by them."""

import re
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, strategies as st

from tyrian.domain import codes
from tyrian.domain.buttons import MAX_DATA, faults, shown, without_data
from tyrian.domain.content import Base, Carousel, Content, KeyboardOnly, Text
from tyrian.domain.keyboard import Button, Keyboard

KEY = b"k" * 32
ATTEMPT = UUID("01980c2e-0000-7000-8000-00000000002a")

json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
buttons = st.builds(Button, value=st.text(max_size=10), data=json, text=st.just("Press"))
keyboards = st.builds(
    Keyboard, buttons=st.lists(buttons, min_size=1, max_size=5), default_buttons=st.lists(buttons, max_size=3)
)
contents = st.one_of(
    st.builds(Text, text=st.just("hi"), keyboard=st.none() | keyboards),
    st.builds(Carousel, buttons=st.lists(buttons, min_size=1, max_size=4), keyboard=st.none() | keyboards),
)


def pressed(content: Base) -> list[Button]:
    """The buttons in the order of their places."""
    found = list(getattr(content, "buttons", None) or ())
    keyboard = content.keyboard
    return found + ([*keyboard.buttons, *keyboard.default_buttons] if keyboard else [])


@given(contents)
def test_a_code_stands_where_data_was_and_nowhere_else(content: Base) -> None:
    wanted = codes.coded(content)
    name = codes.name_of(KEY, ATTEMPT, 7, b"meanings")
    dressed = codes.with_codes(content, {place: codes.code_of(name, place) for place in wanted})
    assert codes.has_data(content) is bool(wanted)
    for place, (before, after) in enumerate(zip(pressed(content), pressed(dressed), strict=True)):
        assert after.data is None
        if before.data is None:
            assert after == before
        else:
            assert codes.parse(after.value) == (name, place)
            assert (after.text, after.silent) == (before.text, True)
    assert not codes.has_data(dressed)
    assert msgspec.json.decode(msgspec.json.encode(dressed), type=Content) == dressed


@given(contents)
def test_a_content_weighs_what_goes_out(content: Base) -> None:
    assert not codes.has_data(without_data(content))
    assert [b.text for b in pressed(without_data(content))] == [b.text for b in pressed(content)]


@given(st.binary(max_size=40), st.integers(0, codes.MOST - 1), st.uuids())
def test_every_code_is_read_again(meanings: bytes, place: int, attempt: UUID) -> None:
    name = codes.name_of(KEY, attempt, 7, meanings)
    code = codes.code_of(name, place)
    assert re.fullmatch("T7[0-9A-HJKMNP-TV-Z]{15}", code)
    assert codes.candidate(f" {code}\n") == code
    assert codes.parse(code) == (name, place)


@given(st.text(max_size=60))
def test_any_words_can_be_looked_at(words: str) -> None:
    found = codes.candidate(words)
    assert found is None or found.startswith("T7")
    assert codes.parse(words) is None or codes.candidate(words) is not None


def test_codes_follow_from_key_attempt_channel_and_meanings() -> None:
    name = codes.name_of(KEY, ATTEMPT, 7, b"a")
    assert codes.name_of(KEY, ATTEMPT, 7, b"a") == name
    others = [codes.name_of(b"x" * 32, ATTEMPT, 7, b"a"), codes.name_of(KEY, UUID(int=7), 7, b"a"),
              codes.name_of(KEY, ATTEMPT, 7, b"b"), codes.name_of(KEY, ATTEMPT, 8, b"a")]  # fmt: skip
    assert len({name, *others}) == 5


def test_thirteen_characters_are_65_bits() -> None:
    names = [codes.name_of(KEY, UUID(int=n), 7, b"") for n in range(2000)]
    assert len(set(names)) == 2000
    assert all({name[place] for name in names} == set(codes.ALPHABET) for place in range(13))


@pytest.mark.parametrize(
    ("words", "looks", "is_code"),
    [
        ("T7" + "A" * 15, True, True),
        ("T7" + "A" * 14, True, False),
        ("T7" + "A" * 16, True, False),
        ("T7" + "O" * 15, True, False),
        ("t7" + "a" * 15, False, False),
        ("T7", False, False),
        ("T7 is my flat", False, False),
        ("yes", False, False),
        ("", False, False),
    ],
)
def test_what_looks_like_a_code(words: str, looks: bool, is_code: bool) -> None:
    assert (codes.candidate(words) is not None, codes.parse(words) is not None) == (looks, is_code)


def of_action(action: str) -> Button:
    return msgspec.convert({"value": "v", "action": action, "data": 1}, Button)


DATA = Button(value="v", text="T", data={"a": 1})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (Text(text="t", keyboard=Keyboard(buttons=[DATA])), []),
        (Text(text="t", keyboard=Keyboard(default_buttons=[DATA])), []),
        (Text(text="t", keyboard=Keyboard(withdraw=True)), []),
        (Text(text="t", keyboard=Keyboard()), ["/keyboard/buttons"]),
        (Text(text="t", keyboard=Keyboard(withdraw=True, buttons=[DATA])), ["/keyboard/withdraw"]),
        (Text(text="t", keyboard=Keyboard(withdraw=True, persist=True)), ["/keyboard/withdraw"]),
        (KeyboardOnly(keyboard=Keyboard(withdraw=True)), ["/keyboard/withdraw"]),
        *(
            (
                Text(
                    text="t",
                    keyboard=Keyboard(buttons=[of_action(action)]),
                ),
                pointers,
            )
            for action, pointers in {
                "reply": [],
                "share-phone": [],
                "open-url": ["/keyboard/buttons/0/data"],
                "location-picker": ["/keyboard/buttons/0/data"],
                "open-map": ["/keyboard/buttons/0/data"],
                "none": ["/keyboard/buttons/0/data"],
            }.items()
        ),
        (Carousel(buttons=[Button(value="v", data="x" * (MAX_DATA - 2))]), []),
        (Carousel(buttons=[Button(value="v", data="x" * (MAX_DATA - 1))]), ["/buttons/0/data"]),
    ],
)
def test_what_is_wrong_on_any_channel(content: Any, expected: list[str]) -> None:
    assert [pointer for pointer, _ in faults(content)] == expected


def test_default_buttons_are_shown_last() -> None:
    a, b, c = (Button(value=v) for v in "abc")
    assert shown(None) is None
    assert shown(Keyboard(withdraw=True)) is None
    assert shown(Keyboard(withdraw=True), [c]) == Keyboard(buttons=[c])
    plain = Keyboard(buttons=[a])
    assert shown(plain) is plain
    assert shown(Keyboard(buttons=[a], default_buttons=[b], persist=True, height=50), [c]) == Keyboard(
        buttons=[a, b, c], height=50
    )
