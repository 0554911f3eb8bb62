"""Tracked links: which buttons, where they may lead, and what their codes give away."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from tyrian.domain.content import Base, Card, Carousel, Image, LinkButton, Location, Text, Video
from tyrian.domain.ids import Ids
from tyrian.domain.links import CODE_LENGTH, is_web_url, link_buttons, messages_of, new_code, tracked, with_urls

PLAIN = LinkButton(text="Open", url="https://shop.example/a")
NAMED = LinkButton(text="Open", url="https://shop.example/b", id="b")
CARDS = Carousel(
    cards=[
        Card(title="One", image="https://shop.example/1.jpg", primary=PLAIN, secondary=NAMED),
        Card(title="Two", image="https://shop.example/2.jpg", primary=NAMED),
    ]
)


@pytest.mark.parametrize(
    ("content", "pointers"),
    [
        (Text(text="a", button=PLAIN), ["/button"]),
        (Image(url="https://a.example/a.jpg", button=PLAIN), ["/button"]),
        (Video(url="https://a.example/a.mp4", button=NAMED), ["/button"]),
        (CARDS, ["/cards/0/primary", "/cards/0/secondary", "/cards/1/primary"]),
        (Text(text="a"), []),
        (Location(latitude=1, longitude=1), []),
    ],
)
def test_every_link_button_is_found(content: Base, pointers: list[str]) -> None:
    assert [pointer for _, pointer, _ in link_buttons(content)] == pointers


@pytest.mark.parametrize(
    ("asked", "usual", "count"), [(True, False, 3), (False, True, 0), (None, True, 2), (None, False, 0)]
)
def test_who_asks_decides(asked: bool | None, usual: bool, count: int) -> None:
    assert len(list(tracked(CARDS, asked, usual))) == count


def test_urls_are_replaced_at_their_places_and_nothing_else() -> None:
    changed = with_urls(CARDS, {1: "https://g.example/l/x", 2: "https://g.example/l/y"})
    urls = [button.url for _, _, button in link_buttons(changed)]
    assert urls == [PLAIN.url, "https://g.example/l/x", "https://g.example/l/y"]
    assert [button.url for _, _, button in link_buttons(CARDS)] == [PLAIN.url, NAMED.url, NAMED.url]
    assert with_urls(Text(text="a", button=NAMED), {0: "u"}) == Text(
        text="a", button=LinkButton(text="Open", url="u", id="b")
    )


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://shop.example/a?b=c#d", True),
        ("http://127.0.0.1:8000", True),
        ("https://шоп.example/ё", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("viber://pa?chatURI=x", False),
        ("tel:+385991234501", False),
        ("//evil.example", False),
        ("https:///path", False),
        ("https://a.example/\r\nset-cookie: x", False),
        ("https://a.example/a b", False),
        ("https://a.example\\@evil.example", False),
        ("https://a.example:port", False),
        ("", False),
    ],
)
def test_only_the_web_is_led_to(url: str, right: bool) -> None:
    assert is_web_url(url) is right


def test_codes_are_long_and_never_the_same() -> None:
    message = Ids().new(datetime(2026, 3, 1, tzinfo=UTC))
    codes = {new_code(message) for _ in range(1000)}
    assert len(codes) == 1000
    assert {len(code) for code in codes} == {CODE_LENGTH}
    least, greatest = messages_of(codes.pop()) or (message, message)
    assert least < message < greatest


@given(st.uuids())
def test_a_code_finds_its_message(message: UUID) -> None:
    bounds = messages_of(new_code(message))
    assert bounds is not None
    assert bounds[0] <= message <= bounds[1]


@given(st.one_of(st.text(), st.text(alphabet="abcXYZ019-_=/+ é\0", min_size=24, max_size=24)))
def test_garbage_is_no_code_or_finds_a_moment(code: str) -> None:
    bounds = messages_of(code)
    assert bounds is None or (len(code) == CODE_LENGTH and bounds[0] < bounds[1])
