"""What the connector writes, the face reads as the same: contents both ways, and what people send."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from tyrian.domain import content as neutral, keyboard as board
from tyrian.domain.content import Base
from tyrian.protocols.infobip import inbound_wire, outgoing, wire_bot, wire_business
from tyrian.protocols.infobip.content import of_bot, of_business
from tyrian.protocols.infobip.inbound_content import from_bot, from_business, to_bot, to_business

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
URL = st.sampled_from(["https://shop.example/7", "https://cdn.example/a.jpg"])
COLOUR = st.from_regex(r"#[0-9A-F]{6}", fullmatch=True)
SCALE = st.sampled_from(["crop", "fill", "fit"])


def maybe(strategy: Any) -> Any:
    return st.none() | strategy


FRAME = st.builds(board.Frame, width=st.integers(0, 10), colour=COLOUR, radius=st.integers(0, 10))
PLAYER = st.builds(
    board.MediaPlayer, title=maybe(WORDS), subtitle=maybe(WORDS), thumbnail=maybe(URL), loop=st.booleans()
)
BROWSER = st.builds(
    board.Browser,
    action_button=st.sampled_from(["forward", "send", "open-externally", "send-to-bot", "none"]),
    predefined_url=maybe(URL),
    title_type=st.sampled_from(["domain", "default"]),
    custom_title=maybe(st.just("Shop")),
    mode=st.sampled_from(["fullscreen", "fullscreen-portrait", "fullscreen-landscape", "partial-size"]),
    footer=st.sampled_from(["default", "hidden"]),
    reply_data=maybe(WORDS),
)
POINT = st.builds(board.MapPoint, latitude=st.just(1.5), longitude=st.just(-2.5))
BUTTON = st.builds(
    board.Button,
    action=st.sampled_from(["reply", "open-url", "location-picker", "share-phone", "open-map", "none"]),
    value=WORDS,
    columns=st.integers(1, 6),
    rows=maybe(st.integers(1, 2)),
    silent=st.booleans(),
    text=maybe(WORDS),
    text_size=st.sampled_from(["small", "regular", "large"]),
    text_v_align=st.sampled_from(["top", "middle", "bottom"]),
    text_h_align=st.sampled_from(["left", "center", "right"]),
    text_paddings=maybe(st.lists(st.integers(0, 12), min_size=4, max_size=4)),
    text_opacity=st.integers(0, 100),
    text_should_fit=st.booleans(),
    text_gradient=maybe(COLOUR),
    image=maybe(URL),
    background=maybe(COLOUR),
    background_media=maybe(URL),
    background_media_type=st.sampled_from(["picture", "gif"]),
    background_scale=SCALE,
    background_loop=st.booleans(),
    open_in=st.sampled_from(["internal", "external"]),
    open_media=st.sampled_from(["not-media", "video", "gif", "picture"]),
    browser=maybe(BROWSER.filter(lambda b: b != board.Browser())),
    map=maybe(POINT),
    frame=maybe(FRAME),
    player=maybe(PLAYER.filter(lambda p: p != board.MediaPlayer())),
)
KEYBOARD = st.builds(
    board.Keyboard,
    buttons=st.lists(BUTTON, min_size=1, max_size=3),
    background=maybe(COLOUR),
    native_height=st.booleans(),
    height=maybe(st.integers(40, 70)),
    group_columns=st.integers(1, 6),
    group_rows=st.integers(1, 6),
    input_field=st.sampled_from(["regular", "minimized", "hidden"]),
)
SHOWN = st.builds(neutral.SenderDisplay, name=st.just("Shop"), avatar=maybe(URL))
AROUND: dict[str, Any] = {"keyboard": maybe(KEYBOARD), "sender": maybe(SHOWN)}
BOT = st.one_of(
    st.builds(neutral.Text, text=WORDS, **AROUND),
    st.builds(neutral.Image, url=URL, text=maybe(WORDS), thumbnail=maybe(URL), **AROUND),
    st.builds(neutral.Video, url=URL, size=st.integers(0, 1000), duration=maybe(st.integers(0, 180)), **AROUND),
    st.builds(neutral.File, url=URL, name=WORDS, size=st.integers(0, 1000), **AROUND),
    st.builds(neutral.Location, latitude=st.just(1.5), longitude=st.just(-2.5), **AROUND),
    st.builds(neutral.Contact, name=WORDS, phone=st.just("385991234567"), **AROUND),
    st.builds(neutral.Sticker, sticker_id=st.integers(0, 2**63 - 1), **AROUND),
    st.builds(neutral.UrlContent, url=URL, **AROUND),
    st.builds(
        neutral.Carousel,
        buttons=st.lists(BUTTON, min_size=1, max_size=3),
        group_columns=st.integers(1, 6),
        group_rows=st.integers(1, 7),
        background=maybe(COLOUR),
        height_scale=st.integers(20, 100),
        **AROUND,
    ),
)


@given(content=BOT)
def test_a_bots_content_comes_back_as_it_was(content: Base) -> None:
    written = outgoing.to_bot(content)
    read: Any = msgspec.json.decode(msgspec.json.encode(written), type=wire_bot.BotContent)
    assert of_bot(read) == content


LINK = st.builds(neutral.LinkButton, text=st.just("Go"), url=URL)
CARD = st.builds(neutral.Card, title=st.just("Shoe"), image=URL, primary=LINK, secondary=maybe(LINK))
BUSINESS = st.one_of(
    st.builds(neutral.Text, text=WORDS, button=maybe(LINK)),
    st.builds(neutral.Image, url=URL, text=WORDS, button=maybe(LINK)),
    st.builds(
        neutral.Video, url=URL, duration=st.integers(1, 600), thumbnail=URL, text=maybe(WORDS), button=maybe(LINK)
    ),
    st.builds(neutral.File, url=URL, name=st.just("a.pdf")),
    st.builds(neutral.Survey, text=WORDS, options=st.lists(WORDS, min_size=2, max_size=5)),
    st.builds(neutral.Carousel, text=WORDS, cards=st.lists(CARD, min_size=2, max_size=5)),
    st.builds(
        neutral.Template,
        template_id=WORDS,
        language=st.just("en"),
        parameters=st.dictionaries(WORDS, WORDS, max_size=3),
    ),
)


@given(content=BUSINESS)
def test_a_business_content_comes_back_as_it_was(content: Base) -> None:
    written = outgoing.to_business(content)
    read: Any = msgspec.json.decode(msgspec.json.encode(written), type=wire_business.BusinessContent)
    assert of_business(read, None) == content


TRACKED: dict[str, Any] = {"tracking_data": maybe(WORDS)}
TO_A_BOT = st.one_of(
    st.builds(neutral.Text, text=WORDS, **TRACKED),
    st.builds(neutral.Image, url=URL, text=maybe(WORDS), thumbnail=maybe(URL), **TRACKED),
    st.builds(neutral.Video, url=URL, size=maybe(st.integers(0, 9)), duration=maybe(st.integers(0, 9)), **TRACKED),
    st.builds(neutral.File, url=URL, name=st.just("a.pdf"), size=maybe(st.integers(0, 9)), **TRACKED),
    st.builds(neutral.Location, latitude=st.just(1.5), longitude=st.just(2.5), address=maybe(WORDS), **TRACKED),
    st.builds(neutral.Contact, name=WORDS, phone=WORDS, avatar=maybe(URL), **TRACKED),
    st.builds(neutral.Sticker, sticker_id=st.integers(0, 10**18), **TRACKED),
)


@given(content=TO_A_BOT)
def test_what_people_send_a_bot_comes_back_as_it_was(content: Base) -> None:
    read: Any = msgspec.json.decode(msgspec.json.encode(to_bot(content)), type=inbound_wire.SaidContent)
    assert from_bot(read) == content


@pytest.mark.parametrize(
    "content",
    [
        neutral.Text(text="hi", tracking_data="t"),
        neutral.Image(url="https://cdn.example/a.jpg", text="look"),
        neutral.Video(url="https://cdn.example/v.mp4"),
        neutral.Audio(url="https://cdn.example/a.mp3", name="a.mp3"),
        neutral.File(url="https://cdn.example/a.pdf", name="a.pdf"),
    ],
    ids=lambda content: type(content).__name__,
)
def test_what_people_send_a_business_comes_back_as_it_was(content: Base) -> None:
    assert from_business(to_business(content)) == content
