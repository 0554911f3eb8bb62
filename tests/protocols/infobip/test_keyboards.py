"""Keyboards and grids: every member, both ways."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from tyrian.domain import content as neutral, keyboard as board
from tyrian.protocols.infobip import wire_bot as bot
from tyrian.protocols.infobip.content import Unfit, of_bot
from tyrian.protocols.infobip.outgoing import to_bot

COMPLETE: dict[str, Any] = {
    "type": "TEXT",
    "text": "Pick one",
    "senderDisplayInfo": {"name": "Shop", "avatarUrl": "https://e.com/a.png"},
    "keyboard": {
        "backgroundColor": "#00ff00",
        "keyboardDisplay": {"nativeKeyboardHeight": True, "percentageOfKeyboardOccupancy": 55},
        "actionBarState": "MINIMIZED",
        "buttonGrid": {
            "buttonsGroupColumns": 3,
            "buttonsGroupRows": 1,
            "buttons": [
                {
                    "columns": 3,
                    "rows": 1,
                    "action": {
                        "actionType": "OPEN_URL",
                        "actionBody": "https://e.com",
                        "silent": True,
                        "openUrlSettings": {
                            "openUrlType": "EXTERNAL",
                            "openUrlMediaType": "VIDEO",
                            "browserDisplayMode": "FULLSCREEN_PORTRAIT",
                            "titleType": "DOMAIN",
                            "customTitle": "Shop",
                            "footerType": "HIDDEN",
                            "actionButton": "SEND_TO_BOT",
                            "actionPredefinedUrl": "https://e.com/p",
                            "actionReplyData": "data",
                            "mediaPlayer": {
                                "title": "t", "subtitle": "s", "thumbnailUrl": "https://e.com/t.png", "loop": True,
                            },
                        },
                    },
                    "text": {
                        "text": "Watch",
                        "size": "LARGE",
                        "verticalAlign": "TOP",
                        "horizontalAlign": "LEFT",
                        "opacity": 50,
                        "backgroundGradientColor": "#112233",
                        "paddings": [1, 2, 3, 4],
                        "shouldFit": True,
                    },
                    "background": {
                        "color": "#445566",
                        "mediaUrl": "https://e.com/b.gif",
                        "mediaType": "GIF",
                        "mediaScaleType": "FIT",
                        "gifLoop": False,
                        "frame": {"borderWidth": 2, "borderColor": "#778899", "cornerRadius": 4},
                    },
                    "media": {"imageUrl": "https://e.com/i.png", "imageScaleType": "FILL"},
                },
                {
                    "action": {
                        "actionType": "OPEN_MAP",
                        "actionBody": "map",
                        "openMapLocation": {"latitude": 1.5, "longitude": 2.5},
                    },
                    "text": {"text": "Map"},
                },
            ],
        },
    },
}  # fmt: skip


def read(content: Any) -> Any:
    return msgspec.convert(content, bot.BotContent)


def test_every_member_of_a_keyboard() -> None:
    made = of_bot(read(COMPLETE))
    assert made.sender == neutral.SenderDisplay(name="Shop", avatar="https://e.com/a.png")
    assert made.keyboard == board.Keyboard(
        background="#00ff00",
        native_height=True,
        height=55,
        input_field="minimized",
        group_columns=3,
        group_rows=1,
        buttons=[
            board.Button(
                action="open-url",
                value="https://e.com",
                columns=3,
                rows=1,
                silent=True,
                text="Watch",
                text_size="large",
                text_v_align="top",
                text_h_align="left",
                text_opacity=50,
                text_gradient="#112233",
                text_paddings=[1, 2, 3, 4],
                text_should_fit=True,
                image="https://e.com/i.png",
                image_scale="fill",
                background="#445566",
                background_media="https://e.com/b.gif",
                background_media_type="gif",
                background_scale="fit",
                background_loop=False,
                open_in="external",
                open_media="video",
                browser=board.Browser(
                    action_button="send-to-bot",
                    predefined_url="https://e.com/p",
                    title_type="domain",
                    custom_title="Shop",
                    mode="fullscreen-portrait",
                    footer="hidden",
                    reply_data="data",
                ),
                frame=board.Frame(width=2, colour="#778899", radius=4),
                player=board.MediaPlayer(title="t", subtitle="s", thumbnail="https://e.com/t.png", loop=True),
            ),
            board.Button(action="open-map", value="map", text="Map", map=board.MapPoint(latitude=1.5, longitude=2.5)),
        ],
    )


def test_and_back() -> None:
    assert msgspec.to_builtins(to_bot(of_bot(read(COMPLETE)))) == COMPLETE


@pytest.mark.parametrize(
    ("action", "ours"),
    [
        ("REPLY", "reply"),
        ("OPEN_URL", "open-url"),
        ("OPEN_MAP", "open-map"),
        ("LOCATION_PICKER", "location-picker"),
        ("SHARE_PHONE", "share-phone"),
        ("NONE", "none"),
        (None, "reply"),
    ],
)
def test_every_action(action: str | None, ours: str) -> None:
    button = {"action": {"actionType": action, "actionBody": "x"}}
    made = of_bot(read({"type": "CAROUSEL", "buttonGrid": {"buttons": [button]}}))
    assert isinstance(made, neutral.Carousel)
    assert made.buttons is not None
    assert made.buttons[0].action == ours


@pytest.mark.parametrize(
    "grid",
    [
        {"buttonsGroupRows": 8, "buttons": [{"action": {}}]},
        {"buttons": [{"action": {}, "rows": 8}]},
        {"buttons": [{"action": {}, "text": {"text": "x" * 251}}]},
        {"buttons": [{"action": {}, "text": {"paddings": [1, 2]}}]},
        {"buttons": [{"action": {}, "text": {"paddings": [1, 2, 3, 13]}}]},
    ],
)
def test_what_the_schema_lets_through_and_viber_does_not(grid: Any) -> None:
    with pytest.raises(Unfit):
        of_bot(read({"type": "CAROUSEL", "buttonGrid": grid}))


@settings(deadline=None, max_examples=200)
@given(st.from_type(bot.ButtonText), st.from_type(bot.Frame), st.sampled_from(["IMAGE", "GIF", None]))
def test_whatever_is_let_through_can_be_stored(text: bot.ButtonText, frame: bot.Frame, media: Any) -> None:
    background = bot.Background(media_type=media, frame=frame)
    button = bot.Button(action=bot.Action(), text=text, background=background)
    try:
        made = of_bot(bot.BotCarousel(button_grid=bot.ButtonGrid(buttons=[button])))
    except Unfit:
        return
    again = msgspec.json.decode(msgspec.json.encode(made), type=neutral.Content)
    assert again == made
