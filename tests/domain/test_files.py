"""The files that contents name, with the rule for each, and other URLs in their place."""

import pytest
from msgspec import convert
from msgspec.structs import replace

from tyrian.domain.content import Base, Content
from tyrian.domain.files import files_of, fitting, with_files
from tyrian.domain.limits import Bound, Capabilities, ContentRule, check
from tyrian.domain.media import JPEG, MediaRule
from tyrian.domain.purpose import Purpose

WIDE = MediaRule(field="url", max_width=100)
SMALL = MediaRule(field="thumbnail", types=(JPEG,))
CARD = MediaRule(field="cards[].image", max_height=50)
KEY = MediaRule(field="keyboard.buttons[].image", max_bytes=10)
CAN = Capabilities(
    contents={
        "text": ContentRule(),
        "url": ContentRule(),
        "image": ContentRule(media=(WIDE, SMALL)),
        "file": ContentRule(bounds=(Bound(field="size", maximum=2000),)),
        "carousel": ContentRule(media=(CARD,)),
        "keyboard": ContentRule(media=(KEY,)),
    }
)
A, B = "https://a.example/1.png", "https://b.example/2.png"


def content(**given: object) -> Base:
    made: Base = convert(given, Content)
    return made


def card(title: str, image: str) -> dict[str, object]:
    return {"title": title, "image": image, "primary": {"text": "Open", "url": "https://shop.example"}}


KEYS = {"buttons": [{"action": "reply", "value": "a", "image": A}, {"action": "reply", "value": "b"}]}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"type": "text", "text": A}, []),
        ({"type": "url", "url": A}, []),
        ({"type": "image", "url": A}, [("/url", WIDE, A)]),
        ({"type": "image", "url": A, "thumbnail": B}, [("/url", WIDE, A), ("/thumbnail", SMALL, B)]),
        ({"type": "file", "url": A, "name": "a.png"}, [("/url", MediaRule(field="url", max_bytes=2000), A)]),
        (
            {"type": "carousel", "text": "a", "cards": [card("a", A), card("b", B)]},
            [("/cards/0/image", CARD, A), ("/cards/1/image", CARD, B)],
        ),
        ({"type": "keyboard", "keyboard": KEYS}, [("/keyboard/buttons/0/image", KEY, A)]),
        ({"type": "keyboard"}, []),
        ({"type": "video", "url": A}, []),
    ],
    ids=["text", "bare url", "image", "thumbnail", "by bounds", "cards", "buttons", "no keyboard", "not carried"],
)
def test_which_files_there_are(given: dict[str, object], found: list[object]) -> None:
    assert [(file.at, file.rule, file.url) for file in files_of(content(**given), CAN)] == found


def test_endings_are_a_matter_of_the_file_where_pictures_are_made_to_fit() -> None:
    ends = Bound(field="url", extensions=(".png",), max_length=100)
    can = replace(CAN, contents={**CAN.contents, "image": ContentRule(bounds=(ends,), media=(WIDE,))})
    picture, lenient = content(type="image", url="https://a.example/1.webp"), fitting(can)
    assert [p.pointer for p in check(picture, Purpose.SESSION, can)] == ["/url"]
    assert check(picture, Purpose.SESSION, lenient) == []
    (file,) = files_of(picture, lenient)
    assert file.rule == replace(WIDE, endings=(".png",))
    too_long = content(type="image", url=f"https://a.example/{'a' * 100}.png")
    assert len(check(too_long, Purpose.SESSION, lenient)) == 1
    assert fitting(CAN) is CAN


@pytest.mark.parametrize(
    "given",
    [
        {"type": "image", "url": A, "thumbnail": A, "text": "a"},
        {"type": "carousel", "text": "a", "cards": [card("a", A), card("b", A)]},
        {"type": "keyboard", "keyboard": KEYS},
    ],
    ids=["image", "cards", "buttons"],
)
def test_each_is_replaced_where_it_stands_and_nothing_else(given: dict[str, object]) -> None:
    before = content(**given)
    pointers = [file.at for file in files_of(before, CAN)]
    last = pointers[-1]
    after = with_files(before, {last: B})
    assert [file.url for file in files_of(after, CAN)] == [A] * (len(pointers) - 1) + [B]
    assert with_files(after, {last: A}) == before
    assert with_files(before, {}) == before
