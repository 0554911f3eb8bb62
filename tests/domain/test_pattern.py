"""Patterns over what people write."""

import pytest
from hypothesis import given, strategies as st

from tyrian.domain.pattern import MOST_PATTERN, BadPattern, Pattern, compiled, fold


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("hello", "well, HELLO there"),
        ("Šibenik", "sibenik"),
        ("sibenik", "  ŠIBENIK "),
        ("ĐURĐICA", "đurđica"),
        (r"^order\s+(\d+)$", "Order   1234"),
        (r"\D{3}", "abc"),
        (r"^\S+$", "one"),
        (r"^[A-Z]{2}\d{6}$", "hr123456"),
        (r"^[^0-9]+$", "words"),
        (r"\bYES\b", "oh yes!"),
        (r"\p{Greek}", "καλημέρα"),
        (r"(?P<Number>\d+)", "12"),
        ("a|b", "b"),
        ("[[:alpha:]]+", "abc"),
        (r"\x{41}?x", "x"),
        (r"1\.5", "1.5"),
    ],
)
def test_a_pattern_is_found(pattern: str, text: str) -> None:
    assert compiled(pattern).matches(text)


@pytest.mark.parametrize(
    ("pattern", "text"), [("^hello$", "hello there"), (r"\d", "none"), (r"\bYES\b", "yesterday"), (r"1\.5", "1x5")]
)
def test_a_pattern_is_not_found(pattern: str, text: str) -> None:
    assert not compiled(pattern).matches(text)


@pytest.mark.parametrize(
    "pattern", ["(", "[a", "a**", r"(a)\1", "(?=a)", "a{1,100000}", "\\", "x" * (MOST_PATTERN + 1)]
)
def test_what_is_no_pattern_is_told_of(pattern: str) -> None:
    with pytest.raises(BadPattern, match="is "):
        Pattern(pattern)


def test_a_pattern_that_would_take_for_ever_elsewhere_takes_no_longer() -> None:
    assert not Pattern("(a+)+$").matches("a" * 5000 + "!")


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_given_is_taken_or_refused(pattern: str, text: str) -> None:
    try:
        made = Pattern(pattern)
    except BadPattern:
        return
    assert made.matches(text) in (True, False)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=30))
def test_a_word_finds_itself_however_it_is_spelt(word: str) -> None:
    assert Pattern(word).matches(word)
    assert Pattern(word).matches(word.upper()) == (fold(word) in fold(word.upper()))
