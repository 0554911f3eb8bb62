"""What people do in a chat with a bot: the states of a subscription, welcome messages, taps."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from tests.simulator.serving import TOKEN, Hit, Rig, rig as make_rig
from tyrian.simulator.bots import Bot, State
from tyrian.simulator.handsets import Line, NoLine, Via
from tyrian.simulator.settings import WorldSettings
from tyrian.simulator.taps import NoButton

PERSON = "01234567890A="
LINE = Line(Via.BOT, "demobot")


@pytest.fixture
async def strangers() -> AsyncIterator[Rig]:
    """A world where nobody is subscribed from the start."""
    async with make_rig(WorldSettings(subscribed_from_start=False)) as made:
        yield made


def bot_of(rig: Rig) -> Bot:
    return rig.world.cloud.bots.bots[TOKEN]


def welcome(rig: Rig, answer: bytes) -> None:
    rig.webhook.answer = lambda hit: (200, answer if hit.event == "conversation_started" else b"")


async def welcomed(rig: Rig) -> Hit:
    hit = await rig.webhook.next()
    await rig.world.ground.callbacks.settled()
    return hit


async def test_a_stranger_is_not_subscribed(strangers: Rig) -> None:
    answer = await strangers.send_text(PERSON)
    assert (answer["status"], answer["status_message"]) == (6, "notSubscribed")
    assert (await strangers.pa("get_user_details", id=PERSON))["status"] == 5


async def test_a_first_message_subscribes_without_a_word(strangers: Rig) -> None:
    strangers.world.handset(PERSON).reply("hi", LINE)
    hit = await strangers.webhook.next()
    assert hit.event == "message"
    assert hit.json["sender"]["id"] == PERSON
    assert hit.json["message"] == {"type": "text", "text": "hi"}
    assert hit.json["silent"] is False
    answer = await strangers.send_text(PERSON)
    assert answer["status"] == 0
    assert answer["billing_status"] == 1


async def test_opening_the_chat_gives_one_welcome_and_no_subscription(strangers: Rig) -> None:
    welcome(strangers, b'{"type": "text", "text": "Welcome!", "auth_token": "x", "sender": {"name": "Shop"}}')
    handset = strangers.world.handset(PERSON)
    handset.open(LINE, context="shop-7")
    hit = (await welcomed(strangers)).json
    assert (hit["event"], hit["type"], hit["context"], hit["subscribed"]) == (
        *("conversation_started", "open", "shop-7"),
        False,
    )
    assert hit["user"]["id"] == PERSON
    assert handset.messages[-1].content == {"type": "text", "text": "Welcome!", "sender": {"name": "Shop"}}
    assert bot_of(strangers).people[PERSON].state is State.VISITOR
    assert (await strangers.send_text(PERSON))["status"] == 6
    await strangers.clock.advance(5)
    assert sorted(await strangers.events(2)) == ["delivered", "seen"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", None),
        (b"ok {}", "not JSON alone"),
        (b"[]", "no JSON object"),
        (b'{"type": "text"}', "status 4"),
        (b'{"type": "poem"}', "status 3"),
    ],
)
async def test_answers_that_are_no_welcome(strangers: Rig, answer: bytes, why: str | None) -> None:
    welcome(strangers, answer)
    strangers.world.handset(PERSON).open(LINE)
    hit = await welcomed(strangers)
    assert "context" not in hit.json
    assert not strangers.world.handset(PERSON).messages
    if why is None:
        assert bot_of(strangers).welcome_error is None
    else:
        assert why in (bot_of(strangers).welcome_error or "")


async def test_leaving_and_coming_back(rig: Rig) -> None:
    await rig.send_text(PERSON, tracking_data="t-1")
    await rig.clock.advance(5)
    await rig.webhook.take(2)
    handset = rig.world.handset(PERSON)
    handset.unsubscribe()
    hit = await rig.webhook.next()
    assert (hit.event, hit.json["user_id"]) == ("unsubscribed", PERSON)
    assert (await rig.send_text(PERSON))["status"] == 6
    assert (await rig.pa("get_user_details", id=PERSON))["status"] == 6
    handset.subscribe()
    hit = await rig.webhook.next()
    assert (hit.event, hit.json["user"]["id"]) == ("subscribed", PERSON)
    handset.reply("hi")
    assert "tracking_data" not in (await rig.webhook.next()).json["message"]
    assert (await rig.send_text(PERSON))["status"] == 0


async def test_writing_after_leaving_subscribes_again(rig: Rig) -> None:
    handset = rig.world.handset(PERSON)
    handset.block(LINE)
    handset.reply("hi", LINE)
    assert await rig.events(2) == ["unsubscribed", "message"]
    assert (await rig.send_text(PERSON))["status"] == 0


async def test_a_blocked_number_that_comes_back(rig: Rig) -> None:
    number = "+385991234505"
    assert (await rig.send_text(number))["status"] == 6
    rig.world.handset(number).subscribe(LINE)
    assert (await rig.send_text(number))["status"] == 0


async def test_names_and_photos_come_only_when_asked_for(rig: Rig) -> None:
    handset = rig.world.handset(PERSON)
    handset.reply("hi", LINE)
    sender = (await rig.webhook.next()).json["sender"]
    assert "avatar" not in sender
    await rig.pa("set_webhook", url=rig.webhook.url, send_name=True, send_photo=True)
    await rig.webhook.next()
    handset.reply("hi", LINE)
    named = (await rig.webhook.next()).json["sender"]
    assert named["name"] != sender["name"]
    assert named["avatar"].startswith("https://")


async def test_history_silences_conversation_started(rig: Rig) -> None:
    handset = rig.world.handset(PERSON)
    handset.reply("hi", LINE)
    handset.open(LINE)
    assert sorted(await rig.events(2)) == ["conversation_started", "message"]
    rig.quirks.no_start_with_history = True
    handset.open(LINE)
    handset.reply("still here", LINE)
    assert await rig.events(1) == ["message"]


async def test_the_last_tracking_data_comes_back(rig: Rig) -> None:
    await rig.send_text(PERSON, tracking_data="t-1")
    await rig.send_text(PERSON, tracking_data="t-2")
    await rig.clock.advance(5)
    await rig.webhook.take(4)
    rig.world.handset(PERSON).reply("hi")
    assert (await rig.webhook.next()).json["message"]["tracking_data"] == "t-2"


@pytest.mark.parametrize(
    ("button", "said"),
    [
        ({"ActionType": "reply", "ActionBody": "buy"}, {"type": "text", "text": "buy"}),
        ({"ActionBody": "buy", "Silent": True}, {"type": "text", "text": "buy", "silent": True}),
        ({"ActionType": "open-url", "ActionBody": "https://a.example"}, {"type": "text", "text": "https://a.example"}),
        (
            {"ActionType": "location-picker", "ActionBody": "x"},
            {"type": "location", "location": {"lat": 45.8131, "lon": 15.9775}},
        ),
        (
            {"ActionType": "share-phone", "ActionBody": "mine"},
            {"type": "contact", "contact": {"name": "Ann", "phone_number": "385991234502"}, "text": "mine"},
        ),
        ({"ActionType": "none", "ActionBody": "x"}, None),
        ({"ActionType": "open-map", "ActionBody": "x"}, None),
    ],
)
async def test_taps(rig: Rig, button: dict[str, Any], said: dict[str, Any] | None) -> None:
    number = "+385991234502"
    keyboard = {"Type": "keyboard", "Buttons": [{"Text": "A", **button}]}
    await rig.send_text(number, keyboard=keyboard, tracking_data="t-1")
    await rig.clock.advance(1)
    await rig.webhook.next()
    assert rig.world.handset(number).press(0) == said
    if said is not None:
        hit = (await rig.webhook.next()).json
        silent = said.pop("silent", False)
        assert hit["silent"] is silent
        assert hit["message"] == said | {"tracking_data": "t-1"}


async def test_buttons_by_their_words_and_those_that_are_not_there(rig: Rig) -> None:
    number = "+385991234502"
    buttons = [{"ActionBody": "a", "Text": "First"}, {"ActionBody": "b", "Text": "Second"}]
    await rig.pa(
        "send_message", receiver=number, type="rich_media", rich_media={"Type": "rich_media", "Buttons": buttons}
    )
    handset = rig.world.handset(number)
    with pytest.raises(NoLine):
        handset.press(0)
    await rig.clock.advance(1)
    assert handset.press("Second") == {"type": "text", "text": "b"}
    assert handset.press("a") == {"type": "text", "text": "a"}
    for wrong in (2, -1, "c"):
        with pytest.raises(NoButton):
            handset.press(wrong)
    with pytest.raises(NoButton):
        handset.press(0, Line(Via.BOT, "other"))


async def test_acts_towards_unknown_senders(rig: Rig) -> None:
    handset = rig.world.handset(PERSON)
    for line in (Line(Via.BOT, "other"), Line(Via.BUSINESS, "7"), Line(Via.BUSINESS, "x")):
        with pytest.raises(NoLine):
            handset.reply("hi", line)
    with pytest.raises(NoLine):
        handset.reply("hi")


async def test_a_phone_number_with_and_without_the_plus_is_one_handset(rig: Rig) -> None:
    await rig.send_text("385991234502")
    await rig.business("385991234502")
    handset = rig.world.handset("+385991234502")
    assert [message.line.via for message in handset.messages] == [Via.BOT, Via.BUSINESS]
    await rig.clock.advance(1)
    hits = [msgspec.json.decode(hit.body) for hit in await rig.webhook.take(2)]
    assert {hit.get("user_id") or hit.get("phone_number") for hit in hits} == {"385991234502"}


async def test_who_writes_to_a_bot_from_a_number_has_a_user_id_that_leads_back(rig: Rig) -> None:
    rig.world.handset("+385991234502").reply("hi", LINE)
    user = (await rig.webhook.next()).json["sender"]
    assert user["id"] == "u385991234502=="
    assert user["country"] == "HR"
    await rig.send_text(user["id"])
    assert rig.world.handset("+385991234502").messages
    assert (await rig.send_text("u385991234504=="))["status"] == 5
