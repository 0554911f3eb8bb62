"""Keyboards on the wire: each member by itself, the level that it needs, and all of them together."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from tyrian.domain.keyboard import Browser, Button, Favourite, Frame, Keyboard, MapPoint, MediaPlayer
from tyrian.protocols.viber import bot_wire as wire
from tyrian.protocols.viber.keyboards import keyboard_level, to_keyboard

PLAIN = {"ActionBody": "v"}


def spelled(keyboard: Keyboard) -> Any:
    return msgspec.json.decode(wire.encode(to_keyboard(keyboard)))


BUTTONS: list[tuple[Button, dict[str, Any], int]] = [
    (Button(value="v"), {}, 1),
    (Button(value="v", columns=3), {"Columns": 3}, 1),
    (Button(value="v", rows=1), {"Rows": 1}, 1),
    (Button(value="v", rows=2), {"Rows": 2}, 1),
    (Button(value="v", silent=True), {"Silent": True}, 1),
    (Button(value="v", action="open-url"), {"ActionType": "open-url"}, 1),
    (Button(value="v", action="none"), {"ActionType": "none"}, 1),
    (Button(value="v", action="location-picker"), {"ActionType": "location-picker"}, 3),
    (Button(value="v", action="share-phone"), {"ActionType": "share-phone"}, 3),
    (
        Button(value="v", action="open-map", map=MapPoint(latitude=50.45, longitude=-30.5)),
        {"ActionType": "open-map", "Map": {"Latitude": "50.45", "Longitude": "-30.5"}},
        6,
    ),
    (Button(value="v", text="T"), {"Text": "T"}, 1),
    (Button(value="v", text='<font color="#323232"><b>T</b></font>'),
     {"Text": '<font color="#323232"><b>T</b></font>'}, 1),
    (Button(value="v", text='<font size="12">T</font>'), {"Text": '<font size="12">T</font>'}, 4),
    (Button(value="v", text='<FONT color="#000000" size=32>T</FONT>'),
     {"Text": '<FONT color="#000000" size=32>T</FONT>'}, 4),
    (Button(value="v", text_size="large"), {"TextSize": "large"}, 1),
    (Button(value="v", text_v_align="top"), {"TextVAlign": "top"}, 1),
    (Button(value="v", text_h_align="left"), {"TextHAlign": "left"}, 1),
    (Button(value="v", text_paddings=[0, 1, 2, 12]), {"TextPaddings": [0, 1, 2, 12]}, 4),
    (Button(value="v", text_opacity=0), {"TextOpacity": 0}, 1),
    (Button(value="v", text_should_fit=True), {"TextShouldFit": True}, 6),
    (Button(value="v", text_gradient="#ABCDEF"), {"TextBgGradientColor": "#ABCDEF"}, 1),
    (Button(value="v", image="https://c.example/i"), {"Image": "https://c.example/i"}, 1),
    (Button(value="v", image_scale="fit"), {"ImageScaleType": "fit"}, 6),
    (Button(value="v", background="#FFFFFF"), {"BgColor": "#FFFFFF"}, 1),
    (Button(value="v", background_media="https://c.example/b"), {"BgMedia": "https://c.example/b"}, 1),
    (Button(value="v", background_media_type="gif"), {"BgMediaType": "gif"}, 1),
    (Button(value="v", background_scale="fill"), {"BgMediaScaleType": "fill"}, 6),
    (Button(value="v", background_loop=False), {"BgLoop": False}, 1),
    (Button(value="v", open_in="external"), {"OpenURLType": "external"}, 1),
    (Button(value="v", open_media="video"), {"OpenURLMediaType": "video"}, 1),
    (Button(value="v", browser=Browser()), {"InternalBrowser": {}}, 3),
    (Button(value="v", browser=Browser(action_button="send")), {"InternalBrowser": {"ActionButton": "send"}}, 3),
    (Button(value="v", browser=Browser(action_button="send-to-bot", reply_data="r")),
     {"InternalBrowser": {"ActionButton": "send-to-bot", "ActionReplyData": "r"}}, 6),
    (Button(value="v", browser=Browser(predefined_url="u", title_type="domain", custom_title="C",
                                       mode="partial-size", footer="hidden")),
     {"InternalBrowser": {"ActionPredefinedURL": "u", "TitleType": "domain", "CustomTitle": "C",
                          "Mode": "partial-size", "FooterType": "hidden"}}, 3),
    (Button(value="v", frame=Frame()), {"Frame": {}}, 6),
    (Button(value="v", frame=Frame(width=0, colour="#ff0000", radius=10)),
     {"Frame": {"BorderWidth": 0, "BorderColor": "#ff0000", "CornerRadius": 10}}, 6),
    (Button(value="v", player=MediaPlayer(title="T", subtitle="S", thumbnail="https://c.example/t", loop=True)),
     {"MediaPlayer": {"Title": "T", "Subtitle": "S", "ThumbnailURL": "https://c.example/t", "Loop": True}}, 6),
]  # fmt: skip

KEYBOARDS: list[tuple[dict[str, Any], dict[str, Any], int]] = [
    ({}, {}, 1),
    ({"background": "#FFFFFF"}, {"BgColor": "#FFFFFF"}, 1),
    ({"native_height": True}, {"DefaultHeight": True}, 1),
    ({"height": 40}, {"CustomDefaultHeight": 40}, 3),
    ({"height_scale": 20}, {"HeightScale": 20}, 3),
    ({"group_columns": 1}, {"ButtonsGroupColumns": 1}, 4),
    ({"group_rows": 7}, {"ButtonsGroupRows": 7}, 4),
    ({"input_field": "hidden"}, {"InputFieldState": "hidden"}, 4),
    (
        {"favourite": Favourite(type="gif", url="https://c.example/g", title="T", thumbnail="https://c.example/t",
                                domain="c.example", width=1, height=2, alternative_url="https://c.example/a",
                                alternative_text="A")},
        {"FavoritesMetadata": {"Type": "gif", "Url": "https://c.example/g", "Title": "T", "Width": 1, "Height": 2,
                               "Thumbnail": "https://c.example/t", "Domain": "c.example",
                               "AlternativeUrl": "https://c.example/a", "AlternativeText": "A"}},
        6,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("button", "members", "level"), BUTTONS)
def test_each_button_member(button: Button, members: dict[str, Any], level: int) -> None:
    keyboard = Keyboard(buttons=[button])
    assert spelled(keyboard) == {"Type": "keyboard", "Buttons": [PLAIN | members]}
    assert keyboard_level(keyboard) == level


@pytest.mark.parametrize(("members", "spelling", "level"), KEYBOARDS)
def test_each_keyboard_member(members: dict[str, Any], spelling: dict[str, Any], level: int) -> None:
    keyboard = Keyboard(buttons=[Button(value="v")], **members)
    assert spelled(keyboard) == {"Type": "keyboard", "Buttons": [PLAIN]} | spelling
    assert keyboard_level(keyboard) == level


def test_every_member_is_in_these_tables() -> None:
    touched = {name for b, *_ in BUTTONS for name in b.__struct_fields__ if getattr(b, name) != _default(b, name)}
    assert touched | {"value", "data"} == set(Button.__struct_fields__), "data never goes out"
    ours = {"buttons", "default_buttons", "persist", "withdraw"}
    assert {name for members, *_ in KEYBOARDS for name in members} | ours == set(Keyboard.__struct_fields__)


def _default(button: Button, name: str) -> Any:
    return getattr(Button(value=""), name)


def test_the_level_is_that_of_the_most_demanding_button() -> None:
    buttons = [Button(value="a"), Button(value="b", action="share-phone"), Button(value="c", frame=Frame())]
    assert keyboard_level(Keyboard(buttons=buttons)) == 6


# -- Any keyboard: what Viber's client would make of the wire is what was meant ----------------------------------------

#: What a client assumes of a member that is left out (Bot API documentation, keyboard design).
CLIENT_BUTTON: dict[str, tuple[str, Any]] = {
    "Columns": ("columns", 6),
    "Rows": ("rows", None),
    "BgColor": ("background", None),
    "Silent": ("silent", False),
    "BgMediaType": ("background_media_type", "picture"),
    "BgMedia": ("background_media", None),
    "BgMediaScaleType": ("background_scale", "crop"),
    "ImageScaleType": ("image_scale", "crop"),
    "BgLoop": ("background_loop", True),
    "ActionType": ("action", "reply"),
    "ActionBody": ("value", None),
    "Image": ("image", None),
    "Text": ("text", None),
    "TextVAlign": ("text_v_align", "middle"),
    "TextHAlign": ("text_h_align", "center"),
    "TextPaddings": ("text_paddings", None),
    "TextOpacity": ("text_opacity", 100),
    "TextSize": ("text_size", "regular"),
    "OpenURLType": ("open_in", "internal"),
    "OpenURLMediaType": ("open_media", "not-media"),
    "TextBgGradientColor": ("text_gradient", None),
    "TextShouldFit": ("text_should_fit", False),
}
CLIENT_KEYBOARD: dict[str, tuple[str, Any]] = {
    "BgColor": ("background", None),
    "DefaultHeight": ("native_height", False),
    "CustomDefaultHeight": ("height", None),
    "HeightScale": ("height_scale", 100),
    "ButtonsGroupColumns": ("group_columns", 6),
    "ButtonsGroupRows": ("group_rows", 2),
    "InputFieldState": ("input_field", "regular"),
}
CLIENT_BROWSER: dict[str, tuple[str, Any]] = {
    "ActionButton": ("action_button", "forward"),
    "ActionPredefinedURL": ("predefined_url", None),
    "TitleType": ("title_type", "default"),
    "CustomTitle": ("custom_title", None),
    "Mode": ("mode", "fullscreen"),
    "FooterType": ("footer", "default"),
    "ActionReplyData": ("reply_data", None),
}
CLIENT_FRAME: dict[str, tuple[str, Any]] = {
    "BorderWidth": ("width", 1),
    "BorderColor": ("colour", "#000000"),
    "CornerRadius": ("radius", 0),
}
CLIENT_PLAYER: dict[str, tuple[str, Any]] = {
    "Title": ("title", None),
    "Subtitle": ("subtitle", None),
    "ThumbnailURL": ("thumbnail", None),
    "Loop": ("loop", False),
}
CLIENT_FAVOURITE: dict[str, tuple[str, Any]] = {
    "Type": ("type", None),
    "Url": ("url", None),
    "Title": ("title", None),
    "Thumbnail": ("thumbnail", None),
    "Domain": ("domain", None),
    "Width": ("width", None),
    "Height": ("height", None),
    "AlternativeUrl": ("alternative_url", None),
    "AlternativeText": ("alternative_text", None),
}
PARTS: dict[str, tuple[str, type, dict[str, tuple[str, Any]]]] = {
    "InternalBrowser": ("browser", Browser, CLIENT_BROWSER),
    "Frame": ("frame", Frame, CLIENT_FRAME),
    "MediaPlayer": ("player", MediaPlayer, CLIENT_PLAYER),
}


def understood(members: dict[str, Any], table: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    return {name: members.pop(key, default) for key, (name, default) in table.items()}


def understood_button(members: dict[str, Any]) -> Button:
    known = understood(members, CLIENT_BUTTON)
    for key, (name, kind, table) in PARTS.items():
        if key in members:
            known[name] = kind(**understood(members.pop(key), table))
    if "Map" in members:
        point = members.pop("Map")
        known["map"] = MapPoint(latitude=float(point["Latitude"]), longitude=float(point["Longitude"]))
    assert members == {}
    return Button(**known)


def understood_keyboard(members: dict[str, Any]) -> Keyboard:
    assert members.pop("Type") == "keyboard"
    known = understood(members, CLIENT_KEYBOARD)
    known["buttons"] = [understood_button(b) for b in members.pop("Buttons")]
    if "FavoritesMetadata" in members:
        known["favourite"] = Favourite(**understood(members.pop("FavoritesMetadata"), CLIENT_FAVOURITE))
    assert members == {}
    return Keyboard(**known)


K = TypeVar("K")


def build(kind: Callable[..., K], fields: dict[str, Any]) -> K:
    return kind(**fields)


def parts(kind: type, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=fields).map(lambda f: kind(**f))


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
URLS = st.just("https://c.example/x")
COLOURS = st.from_regex(r"\A#[0-9a-fA-F]{6}\Z")
SCALES = st.sampled_from(["crop", "fill", "fit"])
BUTTON = st.fixed_dictionaries(
    {"value": WORDS},
    optional={
        "action": st.sampled_from(["reply", "open-url", "location-picker", "share-phone", "open-map", "none"]),
        "columns": st.integers(1, 6),
        "rows": st.integers(1, 7),
        "silent": st.booleans(),
        "text": WORDS,
        "text_size": st.sampled_from(["small", "regular", "large"]),
        "text_v_align": st.sampled_from(["top", "middle", "bottom"]),
        "text_h_align": st.sampled_from(["left", "center", "right"]),
        "text_paddings": st.lists(st.integers(0, 12), min_size=4, max_size=4),
        "text_opacity": st.integers(0, 100),
        "text_should_fit": st.booleans(),
        "text_gradient": COLOURS,
        "image": URLS,
        "image_scale": SCALES,
        "background": COLOURS,
        "background_media": URLS,
        "background_media_type": st.sampled_from(["picture", "gif"]),
        "background_scale": SCALES,
        "background_loop": st.booleans(),
        "open_in": st.sampled_from(["internal", "external"]),
        "open_media": st.sampled_from(["not-media", "video", "gif", "picture"]),
        "browser": parts(
            Browser,
            action_button=st.sampled_from(["forward", "send", "open-externally", "send-to-bot", "none"]),
            predefined_url=URLS,
            title_type=st.sampled_from(["domain", "default"]),
            custom_title=WORDS,
            mode=st.sampled_from(["fullscreen", "fullscreen-portrait", "fullscreen-landscape", "partial-size"]),
            footer=st.sampled_from(["default", "hidden"]),
            reply_data=WORDS,
        ),
        "map": st.builds(MapPoint, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180)),
        "frame": parts(Frame, width=st.integers(0, 10), colour=COLOURS, radius=st.integers(0, 10)),
        "player": parts(MediaPlayer, title=WORDS, subtitle=WORDS, thumbnail=URLS, loop=st.booleans()),
    },
).map(lambda f: build(Button, f))
ANY_KEYBOARD = st.fixed_dictionaries(
    {"buttons": st.lists(BUTTON, min_size=1, max_size=4)},
    optional={
        "background": COLOURS,
        "native_height": st.booleans(),
        "height": st.integers(40, 70),
        "height_scale": st.integers(20, 100),
        "group_columns": st.integers(1, 6),
        "group_rows": st.integers(1, 7),
        "input_field": st.sampled_from(["regular", "minimized", "hidden"]),
        "favourite": parts(Favourite, type=WORDS, url=URLS, title=WORDS, width=st.integers(0, 999), domain=WORDS),
    },
).map(lambda f: build(Keyboard, f))


@given(ANY_KEYBOARD)
@settings(max_examples=150, deadline=None)
def test_any_keyboard_means_on_the_phone_what_was_meant(keyboard: Keyboard) -> None:
    assert understood_keyboard(spelled(keyboard)) == keyboard


@given(ANY_KEYBOARD)
@settings(max_examples=50, deadline=None)
def test_any_keyboard_reads_back_as_wire(keyboard: Keyboard) -> None:
    sent = to_keyboard(keyboard)
    assert msgspec.json.decode(wire.encode(sent), type=wire.Keyboard) == sent
    assert 1 <= keyboard_level(keyboard) <= 6
