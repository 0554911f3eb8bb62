"""Viber's keyboard design, member by member: what is accepted and how it is spelled, what is refused and where, what is
left to Viber's own default. Members have the names that Viber gives them, and the order of its documentation."""

from typing import Any

import msgspec
import pytest

from tyrian.domain.content import Base, Content
from tyrian.domain.limits import check, media_rule
from tyrian.domain.media import JPEG, PNG
from tyrian.domain.problem import problems_of
from tyrian.domain.purpose import Purpose
from tyrian.protocols.viber import bot_wire as wire, limits
from tyrian.protocols.viber.bot_content import to_wire

PLAIN: dict[str, Any] = {"value": "v", "text": "T"}
SPELLED: dict[str, Any] = {"ActionBody": "v", "Text": "T"}
URL = "https://cdn.example/a.png"
RED = "#FF0000"


def holding(where: str, members: dict[str, Any]) -> dict[str, Any]:
    """A content with these members in its keyboard, in a button of it, or in a button of a carousel."""
    if where == "keyboard":
        return {"type": "text", "text": "t", "keyboard": {"buttons": [PLAIN]} | members}
    button = {k: v for k, v in (PLAIN | members).items() if v is not ...}
    if where == "button":
        return {"type": "text", "text": "t", "keyboard": {"buttons": [button]}}
    if where == "default button":
        return {"type": "text", "text": "t", "keyboard": {"default_buttons": [button]}}
    return {"type": "carousel", "buttons": [button]} if where == "carousel button" else {"type": "carousel", **members}


POINTERS = {
    "keyboard": "/keyboard", "button": "/keyboard/buttons/0", "default button": "/keyboard/default_buttons/0",
    "carousel button": "/buttons/0", "carousel": "",
}  # fmt: skip


def wrong(content: dict[str, Any]) -> list[str]:
    """The pointers of all that is wrong with a content."""
    found = problems_of(content, Content)
    if not found:
        decoded: Base = msgspec.convert(content, Content)
        found = check(decoded, Purpose.TRANSACTIONAL, limits.BOT)
    return [problem.pointer for problem in found]


def spelled(where: str, content: dict[str, Any]) -> dict[str, Any]:
    """What goes out of the keyboard, or of its button."""
    message = msgspec.json.decode(wire.encode(to_wire(msgspec.convert(content, Content), "u==")))
    if where.startswith("carousel"):
        grid: dict[str, Any] = message["rich_media"]
        return dict(grid["Buttons"][0]) if where == "carousel button" else grid
    keyboard: dict[str, Any] = message["keyboard"]
    return keyboard if where == "keyboard" else dict(keyboard["Buttons"][0])


def each(key: str, member: str, values: Any, where: str = "button", **more: Any) -> Any:
    """Rows of one member: its values with their spelling."""
    return [(key, where, {member: value, **more}, said) for value, said in values]


def same(*values: Any) -> list[tuple[Any, Any]]:
    return [(value, value) for value in values]


#: Viber's key, where, our members, what Viber gets under its key.
ACCEPTED = [
    # The keyboard.
    ("Type", "keyboard", {}, "keyboard"),
    ("Buttons", "keyboard", {}, [SPELLED]),
    ("Buttons", "keyboard", {"buttons": [PLAIN] * 24}, [SPELLED] * 24),
    ("Buttons", "keyboard", {"buttons": [PLAIN | {"columns": 1}] * 144}, [SPELLED | {"Columns": 1}] * 144),
    ("Buttons", "keyboard", {"default_buttons": [PLAIN | {"value": "z"}]}, [SPELLED, SPELLED | {"ActionBody": "z"}]),
    *each("BgColor", "background", same("#a0B1c2", "#000000"), "keyboard"),
    *each("DefaultHeight", "native_height", same(True), "keyboard"),
    *each("CustomDefaultHeight", "height", same(40, 70), "keyboard"),
    *each("HeightScale", "height_scale", same(20, 99), "keyboard"),
    *each("ButtonsGroupColumns", "group_columns", same(1, 5), "keyboard"),
    *each("ButtonsGroupRows", "group_rows", same(1, 7), "keyboard"),
    *each("InputFieldState", "input_field", same("minimized", "hidden"), "keyboard"),
    ("FavoritesMetadata", "keyboard", {"favourite": {"type": "gif", "url": URL}}, {"Type": "gif", "Url": URL}),
    # A button.
    *each("Columns", "columns", same(1, 5)),
    *each("Rows", "rows", same(1, 2)),
    *each("Rows", "rows", same(1, 7), "carousel button"),
    *each("BgColor", "background", same(RED)),
    *each("Silent", "silent", same(True)),
    *each("BgMediaType", "background_media_type", same("gif"), background_media=URL),
    *each("BgMedia", "background_media", same(URL)),
    *each("BgMediaScaleType", "background_scale", same("fill", "fit")),
    *each("ImageScaleType", "image_scale", same("fill", "fit")),
    *each("BgLoop", "background_loop", same(False)),
    *each("ActionType", "action", same("location-picker", "share-phone", "none")),
    ("ActionType", "button", {"action": "open-url", "value": "https://shop.example"}, "open-url"),
    ("ActionType", "button", {"action": "open-map", "map": {"latitude": 1, "longitude": 2}}, "open-map"),
    *each("ActionBody", "value", same("", "any text", "x" * 1000)),
    *each("ActionBody", "value", same("u" * 250), action="open-url"),
    *each("Image", "image", same(URL)),
    *each("Text", "text", same("x" * 250, "<b>a</b><br><font color='#112233' size=12>b</font>", "<font size='32'>")),
    *each("TextVAlign", "text_v_align", same("top", "bottom")),
    *each("TextHAlign", "text_h_align", same("left", "right")),
    *each("TextPaddings", "text_paddings", same([0, 12, 0, 12])),
    *each("TextOpacity", "text_opacity", same(0, 99)),
    *each("TextSize", "text_size", same("small", "large")),
    *each("OpenURLType", "open_in", same("external")),
    *each("OpenURLMediaType", "open_media", same("video", "gif", "picture")),
    *each("TextBgGradientColor", "text_gradient", same(RED), text_v_align="top"),
    *each("TextBgGradientColor", "text_gradient", same(RED), text_v_align="bottom"),
    *each("TextShouldFit", "text_should_fit", same(True)),
    ("Map", "button", {"map": {"latitude": -90, "longitude": 180}}, {"Latitude": "-90.0", "Longitude": "180.0"}),
    ("Frame", "button", {"frame": {"width": 10, "colour": RED, "radius": 10}},
     {"BorderWidth": 10, "BorderColor": RED, "CornerRadius": 10}),
    ("Frame", "button", {"frame": {"width": 0}}, {"BorderWidth": 0}),
    ("MediaPlayer", "button", {"player": {"title": "a", "subtitle": "b", "thumbnail": URL, "loop": True}},
     {"Title": "a", "Subtitle": "b", "ThumbnailURL": URL, "Loop": True}),
    # The internal browser.
    *(("InternalBrowser", "button", {"browser": {ours: value}}, {theirs: value}) for ours, theirs, values in (
        ("action_button", "ActionButton", ("send", "open-externally", "send-to-bot", "none")),
        ("predefined_url", "ActionPredefinedURL", (URL,)),
        ("title_type", "TitleType", ("domain",)),
        ("custom_title", "CustomTitle", ("x" * 15,)),
        ("mode", "Mode", ("fullscreen-portrait", "fullscreen-landscape", "partial-size")),
        ("footer", "FooterType", ("hidden",)),
        ("reply_data", "ActionReplyData", ("data",)),
    ) for value in values),
    # A carousel.
    ("Type", "carousel", {"buttons": [PLAIN]}, "rich_media"),
    ("Buttons", "carousel", {"buttons": [PLAIN | {"columns": 1}] * 252}, [SPELLED | {"Columns": 1}] * 252),
    *each("ButtonsGroupColumns", "group_columns", same(1, 5), "carousel", buttons=[PLAIN | {"columns": 1}]),
    *each("ButtonsGroupRows", "group_rows", same(1, 6), "carousel", buttons=[PLAIN]),
    *each("HeightScale", "height_scale", same(20), "carousel", buttons=[PLAIN]),
    *each("BgColor", "background", same(RED), "carousel", buttons=[PLAIN]),
]  # fmt: skip

#: Viber's key, where, our members: what is Viber's own default does not go out.
DEFAULTS = [
    *((key, "keyboard", members) for key, members in (
        ("BgColor", {}), ("DefaultHeight", {"native_height": False}), ("CustomDefaultHeight", {"height": None}),
        ("HeightScale", {"height_scale": 100}), ("ButtonsGroupColumns", {"group_columns": 6}),
        ("ButtonsGroupRows", {"group_rows": 2}), ("InputFieldState", {"input_field": "regular"}),
        ("FavoritesMetadata", {}), ("Revision", {}),
    )),
    *((key, "button", members) for key, members in (
        ("Columns", {"columns": 6}), ("Rows", {}), ("BgColor", {}), ("Silent", {"silent": False}),
        ("BgMediaType", {"background_media_type": "picture"}), ("BgMedia", {}),
        ("BgMediaScaleType", {"background_scale": "crop"}), ("ImageScaleType", {"image_scale": "crop"}),
        ("BgLoop", {"background_loop": True}), ("ActionType", {"action": "reply"}), ("Image", {}),
        ("TextVAlign", {"text_v_align": "middle"}), ("TextHAlign", {"text_h_align": "center"}), ("TextPaddings", {}),
        ("TextOpacity", {"text_opacity": 100}), ("TextSize", {"text_size": "regular"}),
        ("OpenURLType", {"open_in": "internal"}), ("OpenURLMediaType", {"open_media": "not-media"}),
        ("TextBgGradientColor", {}), ("TextShouldFit", {"text_should_fit": False}), ("InternalBrowser", {}),
        ("Map", {}), ("Frame", {}), ("MediaPlayer", {}),
    )),
    ("ButtonsGroupRows", "carousel", {"buttons": [PLAIN], "group_rows": 7}),
    ("ButtonsGroupColumns", "carousel", {"buttons": [PLAIN], "group_columns": 6}),
    ("HeightScale", "carousel", {"buttons": [PLAIN], "height_scale": 100}),
]  # fmt: skip


def not_these(member: str, *values: Any, where: str = "button", at: str | None = None, **more: Any) -> Any:
    """Rows of one member: values that are refused, at its pointer unless `at` says another."""
    return [(where, {member: value, **more}, f"{POINTERS[where]}/{member if at is None else at}") for value in values]


#: Where, our members, the pointer of the refusal.
REFUSED = [
    # The keyboard.
    *not_these("buttons", [], [PLAIN] * 25, [PLAIN | {"columns": 1}] * 145, where="keyboard"),
    *not_these("background", "red", "#12345", "#GGGGGG", "123456", where="keyboard"),
    *not_these("native_height", "yes", 1, where="keyboard"),
    *not_these("height", 39, 71, "50", where="keyboard"),
    *not_these("height_scale", 19, 101, where="keyboard"),
    *not_these("group_columns", 0, 7, where="keyboard"),
    *not_these("group_rows", 0, 8, where="keyboard"),
    *not_these("input_field", "closed", where="keyboard"),
    *not_these("favourite", {"colour": "red"}, where="keyboard", at="favourite/colour"),
    *not_these("unheard_of", 1, where="keyboard"),
    # A button.
    *not_these("columns", 0, 7, "3"),
    *not_these("rows", 0, 3),
    *not_these("rows", 3, where="default button"),
    *not_these("rows", 0, 8, where="carousel button"),
    *not_these("background", "blue"),
    *not_these("silent", "true"),
    *not_these("background_media_type", "video"),
    *not_these("background_media", "", "u" * 2001),
    *not_these("background_scale", "stretch"),
    *not_these("image_scale", "stretch"),
    *not_these("background_loop", 0),
    *not_these("action", "call", "open-site"),
    *not_these("action", "location-picker", "share-phone", where="carousel button"),
    *not_these("value", ..., 7, None),
    *not_these("value", "u" * 251, action="open-url"),
    *not_these("value", "u" * 251, action="open-url", where="default button"),
    *not_these("value", "u" * 251, action="open-url", where="carousel button"),
    *not_these("image", "", "u" * 2001),
    *not_these("text", "x" * 251, "<font size='11'>a</font>", '<b><FONT color="#112233" size=33>a</FONT></b>'),
    *not_these("text_v_align", "center"),
    *not_these("text_h_align", "middle"),
    *not_these("text_paddings", [1, 2, 3], [1, 2, 3, 4, 5]),
    *not_these("text_paddings", [13, 0, 0, 0], at="text_paddings/0"),
    *not_these("text_paddings", [0, 0, 0, -1], at="text_paddings/3"),
    *not_these("text_opacity", -1, 101),
    *not_these("text_size", "medium"),
    *not_these("open_in", "elsewhere"),
    *not_these("open_media", "audio"),
    *not_these("text_gradient", RED),
    *not_these("text_gradient", "red", text_v_align="top"),
    *not_these("text_should_fit", "yes"),
    *not_these("map", {"latitude": 91, "longitude": 0}, at="map/latitude"),
    *not_these("map", {"latitude": 0, "longitude": -181}, at="map/longitude"),
    *not_these("map", None, action="open-map"),
    *not_these("frame", {"width": 11}, {"width": -1}, at="frame/width"),
    *not_these("frame", {"colour": "red"}, at="frame/colour"),
    *not_these("frame", {"radius": 11}, at="frame/radius"),
    *not_these("player", {"thumbnail": ""}, at="player/thumbnail"),
    *not_these("text", ..., at=""),
    *not_these("unheard_of", 1),
    # The internal browser.
    *not_these("browser", {"action_button": "back"}, at="browser/action_button"),
    *not_these("browser", {"predefined_url": ""}, at="browser/predefined_url"),
    *not_these("browser", {"title_type": "page"}, at="browser/title_type"),
    *not_these("browser", {"custom_title": "x" * 16}, at="browser/custom_title"),
    *not_these("browser", {"mode": "tiny"}, at="browser/mode"),
    *not_these("browser", {"footer": "shown"}, at="browser/footer"),
    # A carousel.
    *not_these("buttons", [], [PLAIN] * 253, where="carousel"),
    *not_these("group_columns", 0, 7, where="carousel", buttons=[PLAIN | {"columns": 1}]),
    *not_these("group_rows", 0, 8, where="carousel", buttons=[PLAIN]),
    *not_these("height_scale", 19, 101, where="carousel", buttons=[PLAIN]),
    *not_these("background", "red", where="carousel", buttons=[PLAIN]),
    *not_these("buttons", [PLAIN], where="carousel", group_columns=5, at="buttons/0/columns"),
    *not_these("buttons", [PLAIN | {"rows": 3}], where="carousel", group_rows=2, at="buttons/0/rows"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "where", "members", "said"), ACCEPTED)
def test_what_is_accepted_is_spelled_as_viber_does(key: str, where: str, members: dict[str, Any], said: Any) -> None:
    content = holding(where, members)
    assert wrong(content) == []
    assert spelled(where, content)[key] == said


@pytest.mark.parametrize(("key", "where", "members"), DEFAULTS)
def test_a_default_is_left_to_viber(key: str, where: str, members: dict[str, Any]) -> None:
    content = holding(where, members)
    assert wrong(content) == []
    assert key not in spelled(where, content)


@pytest.mark.parametrize(("where", "members", "pointer"), REFUSED)
def test_what_is_refused_is_told_at_its_place(where: str, members: dict[str, Any], pointer: str) -> None:
    assert pointer.removesuffix("/") in wrong(holding(where, members))


@pytest.mark.parametrize("visible", ["text", "image", "background_media", "background"])
def test_a_button_needs_one_thing_to_be_seen(visible: str) -> None:
    value = {"text": "T", "background": RED}.get(visible, URL)
    assert wrong(holding("button", {"text": ..., visible: value})) == []


def keys(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def test_no_member_of_vibers_is_left_out() -> None:
    """`Revision` has no known meaning; the rest are accepted in some form, and defaulted unless they are required."""
    for place, struct in (("keyboard", wire.Keyboard), ("button", wire.Button), ("carousel", wire.RichMedia)):
        accepted = {key for key, where, *_ in ACCEPTED if where == place}
        assert keys(struct) - {"Revision", "FavoritesMetadata"} <= accepted, place
    defaulted = {key for key, where, _ in DEFAULTS if where == "button"}
    assert keys(wire.Button) - defaulted == {"ActionBody", "Text"}
    assert keys(wire.Keyboard) - {key for key, where, _ in DEFAULTS if where == "keyboard"} == {"Type", "Buttons"}
    browser = {name for key, _, _, said in ACCEPTED if key == "InternalBrowser" for name in said}
    assert keys(wire.InternalBrowser) == browser


@pytest.mark.parametrize("field", ["image", "background_media"])
def test_what_a_picture_on_a_button_may_weigh_is_known(field: str) -> None:
    rule = media_rule(limits.BOT, "keyboard", f"keyboard.buttons[].{field}")
    assert rule is not None
    assert rule.max_bytes == 512_000
    assert {JPEG, PNG} <= set(rule.types)
