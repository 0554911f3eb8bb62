"""The bounds of both products, each at its edge; what the tables cannot say; and that the tables name their sources."""

import pytest

from tyrian.domain.content import (
    Base,
    Card,
    Carousel,
    Contact,
    File,
    Image,
    KeyboardOnly,
    LinkButton,
    Location,
    SenderDisplay,
    Survey,
    Template,
    Text,
    UrlContent,
    Video,
)
from tyrian.domain.keyboard import Button, Keyboard, MapPoint
from tyrian.domain.limits import Capabilities, check
from tyrian.domain.purpose import Purpose
from tyrian.protocols.viber import limits

BOT = limits.BOT
BUSINESS = limits.business(free_text_transactional=True)
OK: list[str] = []

JPG = "https://c.example/a.jpg"
MP4 = "https://c.example/v.mp4"
LINK = LinkButton(text="Open", url="https://c.example")


def link(text: int = 4, url: int = 20) -> LinkButton:
    return LinkButton(text="x" * text, url="https://c.example/".ljust(url, "x"))


def url(length: int, end: str = "") -> str:
    return "https://c.example/" + "x" * (length - 18 - len(end)) + end


def keyboard(*buttons: Button) -> Text:
    return Text(text="x", keyboard=Keyboard(buttons=list(buttons)))


def card(title: str = "One", primary: LinkButton = LINK, secondary: LinkButton | None = None) -> Card:
    return Card(title=title, image=JPG, primary=primary, secondary=secondary)


def grid(*buttons: Button, columns: int = 6, rows: int = 7) -> Carousel:
    return Carousel(buttons=list(buttons), group_columns=columns, group_rows=rows)


def video(
    size: int | None = 1, duration: int | None = 1, thumbnail: str | None = JPG, text: str | None = None
) -> Video:
    return Video(url=MP4, size=size, duration=duration, thumbnail=thumbnail, text=text)


def file(name: str = "a.pdf", size: int | None = 1) -> File:
    return File(url="https://c.example/a", name=name, size=size)


PLAIN = Button(value="v", text="V")

BOT_EDGES: list[tuple[Base, list[str]]] = [
    (Text(text="x" * 7000), OK),
    (Text(text="x" * 7001), ["/text"]),
    (Text(text="x", button=link(250, 250)), OK),
    (Text(text="x", button=link(251, 251)), ["/button/text", "/button/url"]),
    (Text(text="x", tracking_data="x" * 4000), OK),
    (Text(text="x", tracking_data="x" * 4001), ["/tracking_data"]),
    (Text(text="x" * 7000, tracking_data="ы" * 4000), OK),
    (Text(text="ы" * 7000, tracking_data="😀" * 4000), [""]),  # 30 kB in all
    *[(Image(url=f"https://c.example/a{end}"), OK) for end in (".jpeg", ".jpg", ".png", ".gif", ".PNG", ".png?v=1")],
    *[(Image(url=f"https://c.example/a{end}"), ["/url"]) for end in ("", ".webp", "?x=.png")],
    (Image(url=JPG, text="x" * 768), OK),
    (Image(url=JPG, text="x" * 769), ["/text"]),
    (video(size=27_262_976, duration=180, text="x" * 768), OK),
    (video(size=27_262_977, duration=181, text="x" * 769), ["/size", "/duration", "/text"]),
    (video(size=None, duration=None, thumbnail=None), ["/size"]),
    (file(size=52_428_800, name="x" * 256), OK),
    (file(size=52_428_801), ["/size"]),
    (file(size=None), ["/size"]),
    (Contact(name="x" * 28, phone="1" * 18), OK),
    (Contact(name="x" * 29, phone="1" * 19), ["/name", "/phone"]),
    (Location(latitude=1, longitude=1), OK),
    (Location(latitude=1, longitude=1, address="Kyiv"), ["/address"]),
    (UrlContent(url=url(2000)), OK),
    (Survey(text="x", options=["x" * 250] * 24), OK),
    (Survey(text="x" * 7001, options=["x" * 251]), ["/text", "/options/0"]),
    (Survey(text="x", options=["x"] * 25), ["/options"]),
    (Survey(text="x", options=["x"] * 24, keyboard=Keyboard(buttons=[PLAIN])), ["/keyboard/buttons"]),
    (KeyboardOnly(keyboard=Keyboard(buttons=[PLAIN])), OK),
    (KeyboardOnly(), ["/keyboard"]),
    # Keyboards
    (keyboard(Button(value="v", text="V", rows=2)), OK),
    (keyboard(Button(value="v", text="V", rows=3)), ["/keyboard/buttons/0/rows"]),
    (keyboard(*[PLAIN] * 24), OK),
    (keyboard(*[PLAIN] * 25), ["/keyboard/buttons"]),
    (keyboard(*[Button(value="v", text="V", columns=3)] * 48), OK),
    (keyboard(*[Button(value="v", text="V", columns=3)] * 49), ["/keyboard/buttons"]),
    (Text(text="x", button=LINK, keyboard=Keyboard(buttons=[PLAIN] * 24)), ["/keyboard/buttons"]),
    (keyboard(PLAIN, Button(value="v")), ["/keyboard/buttons/1"]),
    (keyboard(Button(value="v", text="")), ["/keyboard/buttons/0"]),
    *[(keyboard(b), OK) for b in (Button(value="v", image=JPG), Button(value="v", background="#FFFFFF"),
                                  Button(value="v", background_media=JPG))],
    (keyboard(Button(value="v", text="V", text_gradient="#FFFFFF")), ["/keyboard/buttons/0/text_gradient"]),
    (keyboard(Button(value="v", text="V", text_gradient="#FFFFFF", text_v_align="top")), OK),
    (keyboard(Button(value="v", text="V", action="open-map")), ["/keyboard/buttons/0/map"]),
    (keyboard(Button(value="v", text="V", action="open-map", map=MapPoint(latitude=1, longitude=1))), OK),
    (keyboard(Button(value=url(250), text="V", action="open-url")), OK),
    (keyboard(Button(value=url(251), text="V", action="open-url")), ["/keyboard/buttons/0/value"]),
    (keyboard(Button(value="x" * 251, text="V")), OK),
    # Carousels
    (Carousel(cards=[card()] * 6), OK),
    (Carousel(cards=[card()] * 7), ["/cards"]),
    (Carousel(cards=[card("x" * 250, link(250, 250), link(250, 250))]), OK),
    (
        Carousel(cards=[card("x" * 251, link(251, 251), link(251, 251))]),
        ["/cards/0/title", "/cards/0/primary/text", "/cards/0/primary/url", "/cards/0/secondary/text",
         "/cards/0/secondary/url"],
    ),
    (Carousel(cards=[card()], alt_text="x" * 7000), OK),
    (Carousel(cards=[card()], alt_text="x" * 7001), ["/alt_text"]),
    (Carousel(cards=[card()], text="New"), ["/text"]),
    (Carousel(), [""]),
    (Carousel(cards=[card()], buttons=[PLAIN]), [""]),
    (grid(*[Button(value="v", text="V", columns=1, rows=1)] * 6, columns=1, rows=1), OK),
    (grid(*[Button(value="v", text="V", columns=1, rows=1)] * 7, columns=1, rows=1), ["/buttons"]),
    (grid(Button(value="v", text="V", rows=7)), OK),
    (grid(Button(value="v", text="V", columns=3, rows=3), columns=2, rows=2),
     ["/buttons/0/columns", "/buttons/0/rows"]),
    (grid(Button(value="v", text="V", action="share-phone")), ["/buttons/0/action"]),
    (grid(Button(value="v", text="V", action="location-picker")), ["/buttons/0/action"]),
    (grid(Button(value="v")), ["/buttons/0"]),
]  # fmt: skip

PROMO = Purpose.PROMOTIONAL
PAY = Purpose.TRANSACTIONAL
OTP = Purpose.OTP

BUSINESS_EDGES: list[tuple[Purpose, Base, list[str]]] = [
    (PAY, Text(text="x" * 1000), OK),
    (PAY, Text(text="x" * 1001), ["/text"]),
    (PAY, Text(text="x", keyboard=Keyboard(buttons=[PLAIN])), ["/keyboard"]),
    (PAY, Text(text="x", sender=SenderDisplay(name="A")), ["/sender"]),
    (PAY, Text(text="x", min_api_version=3), ["/min_api_version"]),
    (PROMO, Text(text="x", button=link(30, 1000)), OK),
    (PROMO, Text(text="x", button=link(31, 1001)), ["/button/text", "/button/url"]),
    (PROMO, Image(url=url(1000, ".jpg"), text="x" * 1000), OK),
    (PROMO, Image(url=url(1001, ".jpg"), text="x" * 1001), ["/url", "/text"]),
    (PROMO, Image(url=JPG, thumbnail=JPG), ["/thumbnail"]),
    (PROMO, Image(url=JPG, button=LINK), ["/type"]),  # A button needs a text.
    (PROMO, video(size=209_715_200, duration=600, thumbnail=url(1000)), OK),
    (PROMO, video(size=209_715_201, duration=601, thumbnail=url(1001)), ["/size", "/duration", "/thumbnail"]),
    (PROMO, video(size=None, duration=None, thumbnail=None), ["/size", "/duration", "/thumbnail"]),
    (PROMO, Video(url="https://c.example/v.avi", size=1, duration=1, thumbnail=JPG), ["/url"]),
    (PAY, file(name="x" * 21 + ".pdf", size=None), OK),
    (PAY, file(name="x" * 22 + ".pdf"), ["/name"]),
    (PAY, file(name="a.exe"), ["/name"]),
    (PAY, file(size=209_715_201), ["/size"]),
    (PAY, Survey(text="x" * 85, options=["x" * 50] * 10), OK),
    (PAY, Survey(text="x" * 86, options=["x" * 51] * 2), ["/text", "/options/0", "/options/1"]),
    (PAY, Survey(text="x", options=["x"]), ["/options"]),
    (PAY, Survey(text="x", options=["x"] * 11), ["/options"]),
    (PROMO, Carousel(text="x" * 1000, cards=[card("x" * 38, link(10, 1000), link(12, 1000))] * 5), OK),
    (
        PROMO,
        Carousel(text="x", cards=[card(), card("x", link(11, 1001), link(13, 1001))]),
        ["/cards/1/title", "/cards/1/primary/text", "/cards/1/primary/url", "/cards/1/secondary/text",
         "/cards/1/secondary/url"],
    ),
    (PROMO, Carousel(text="x", cards=[card()]), ["/cards"]),
    (PROMO, Carousel(text="x", cards=[card()] * 6), ["/cards"]),
    (PROMO, Carousel(cards=[card()] * 2), ["/text"]),
    (PROMO, Carousel(text="x", buttons=[PLAIN]), ["/cards", "/buttons"]),
    (PAY, Template(template_id="t", language="en", parameters={"a": "x" * 125}), OK),
    (PAY, Template(template_id="t", language="en", parameters={"a/b": "x" * 126}), ["/parameters/a~1b"]),
    (PAY, Template(template_id="t", language="en", parameters={"a": "see https://c.example"}), ["/parameters/a"]),
    (PAY, Template(template_id="t"), ["/language"]),
    (OTP, Template(template_id="t", language="en", parameters={"pin": "1"}), OK),
    (OTP, Template(template_id="t", language="en"), ["/parameters/pin"]),
    (OTP, Template(template_id="t", language="en", parameters={"pin": ""}), ["/parameters/pin"]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "wrong"), BOT_EDGES)
@pytest.mark.parametrize("purpose", [Purpose.TRANSACTIONAL, Purpose.PROMOTIONAL])
def test_bot(content: Base, wrong: list[str], purpose: Purpose) -> None:
    assert [p.pointer for p in check(content, purpose, BOT)] == wrong


@pytest.mark.parametrize(("purpose", "content", "wrong"), BUSINESS_EDGES)
def test_business(purpose: Purpose, content: Base, wrong: list[str]) -> None:
    assert [p.pointer for p in check(content, purpose, BUSINESS)] == wrong


def test_the_pointer_starts_where_the_content_is() -> None:
    [problem] = check(Text(text="x" * 1001), PAY, BUSINESS, "/cascade/0/content")
    assert problem == ("/cascade/0/content/text", "must have at most 1000 characters, has 1001", "invalid")


@pytest.mark.parametrize("can", [BOT, BUSINESS, limits.business(free_text_transactional=False)])
def test_every_bound_names_its_source(can: Capabilities) -> None:
    assert can.source
    assert all(bound.source for rule in can.contents.values() for bound in rule.bounds)
    assert all(bound.source for bound in can.common)
