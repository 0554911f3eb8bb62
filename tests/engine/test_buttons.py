"""Buttons with data on a real gateway: the network sees codes, people press them, and customers are told the data."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.scripted import Stage, staged
from tyrian.domain import codes
from tyrian.domain.content import Contact, Text
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.domain.submission import Step
from tyrian.engine import ports
from tyrian.engine.reacting import Turn
from tyrian.store import codes as store

PERSON = "+385991234501"
#: Nothing of this may reach the network.
DATA = {"order": 7, "note": 'quotes " and braces } and \u0001', "deep": [[["x" * 5000]]]}
_numbers = count()


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    urls = {"inbound_url": "http://127.0.0.1:9/in"}
    async with staged(database_url, channels={"one": urls, "two": urls}) as running:
        yield running


def board(**more: Any) -> Keyboard:
    fields: dict[str, Any] = {"value": "buy", "text": "Buy", "data": DATA} | more
    return Keyboard(buttons=[Button(value="plain", text="Plain"), Button(**fields)])


async def sent(stage: Stage, keyboard: Keyboard | None, to: str = PERSON, channel: str = "one") -> tuple[UUID, Any]:
    """Sends a keyboard; returns the message's id and the content as the network got it."""
    steps = [Step(channel=channel, content=Text(text="choose", keyboard=keyboard))]
    identifier: UUID = (await stage.submit(to, cascade=steps)).messages[0].id
    await stage.status(identifier, "sent")
    outgoing = [o for o in stage.scripts[channel].sent if o.message_id == identifier][-1]
    return identifier, outgoing.content


async def code(stage: Stage, **more: Any) -> str:
    _, content = await sent(stage, board(), **more)
    return str(content.keyboard.buttons[1].value)


async def say(
    stage: Stage, content: Any, sender: str = PERSON, channel: str = "one", extra: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A person says something; returns what is stored, and what the customer's callback tells."""
    if isinstance(content, str):
        content = Text(text=content)
    provider_id = f"p{next(_numbers)}"
    message = ports.Inbound(sender, channel, content, provider_id, extra=dict(extra or {}))
    await stage.gateway.inbound.submit(stage.entry(channel).channel, [message])
    row = await stage.gateway.db.fetchrow("SELECT * FROM inbound WHERE provider_id = $1", provider_id)
    assert row is not None
    report = await stage.gateway.db.fetchval("SELECT report FROM callbacks WHERE message_id = $1", row["id"])
    told = msgspec.json.decode(report)
    extra = msgspec.json.decode(row["extra"]) if row["extra"] else {}
    assert told.get("extra", {}) == extra, "a customer is told what is stored"
    assert told["content"] == msgspec.json.decode(row["content"])
    return {"content": told["content"], "extra": extra}


def button(said: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = said["extra"]["button"]
    return found


def metric(stage: Stage, what: str) -> float:
    value = stage.gateway.metrics.registry.get_sample_value("tyrian_button_presses_total", {"code": what})
    return value or 0.0


async def test_the_network_sees_a_code_and_the_customer_what_it_stands_for(stage: Stage) -> None:
    identifier, content = await sent(stage, board())
    plain, coded = content.keyboard.buttons
    assert (plain.value, plain.data, plain.silent) == ("plain", None, False), "a button without data stays as it is"
    assert codes.parse(coded.value) is not None
    assert (coded.data, coded.text, coded.silent) == (None, "Buy", True)
    told = await say(stage, coded.value)
    assert told["content"] == {"type": "text", "text": "buy"}
    assert button(told) == {
        "known": True, "code": coded.value, "action": "reply", "value": "buy", "data": DATA, "text": "Buy",
        "message_id": str(identifier),
    }  # fmt: skip
    assert metric(stage, "known") == 1


async def test_whoever_reacts_gets_it_alike_at_once_and_after_a_node_died(stage: Stage) -> None:
    """A turn that is taken up again has been read back from JSON."""
    turns: list[Turn] = []

    class Noting:
        def wants(self, channel: ports.Channel) -> bool:
            return True

        async def react(self, turn: Turn) -> bool:
            turns.append(turn)
            return False

    stage.gateway.turns.reactions.append(Noting())
    told = await say(stage, await code(stage))
    async with asyncio.timeout(15):
        while not turns:
            await asyncio.sleep(0.005)
    assert turns[0].extra == told["extra"]
    assert isinstance(turns[0].extra["button"]["message_id"], str)


async def test_a_plain_button_and_plain_words_are_left_alone(stage: Stage) -> None:
    for words in ("plain", "buy", "T7 please"):
        assert await say(stage, words) == {"content": {"type": "text", "text": words}, "extra": {}}


@pytest.mark.parametrize("data", [0, False, "", [], {}, "text", 1.5, [None]])
async def test_any_json_but_null_is_data(stage: Stage, data: Any) -> None:
    _, content = await sent(stage, board(data=data))
    assert button(await say(stage, content.keyboard.buttons[1].value))["data"] == data


async def test_an_empty_value_leaves_the_buttons_words(stage: Stage) -> None:
    _, content = await sent(stage, board(value=""))
    assert (await say(stage, content.keyboard.buttons[1].value))["content"]["text"] == "Buy"


async def test_the_phone_shared_by_a_button_says_which(stage: Stage) -> None:
    _, content = await sent(stage, board(action="share-phone"))
    shared = content.keyboard.buttons[1]
    assert shared.silent is False
    told = await say(stage, Contact(name="Ana", phone="385991234501"), extra={"text": shared.value})
    assert (button(told)["action"], button(told)["data"], told["extra"]["text"]) == ("share-phone", DATA, "buy")


class TestCodesOfNoUse:
    async def test_of_another_person(self, stage: Stage) -> None:
        told = await say(stage, await code(stage), sender="+385991234502")
        assert (button(told)["known"], button(told)["problem"]) == (False, "foreign")
        assert set(button(told)) == {"known", "problem", "code"}, "nothing of the other person is told"

    async def test_of_another_channel(self, stage: Stage) -> None:
        assert button(await say(stage, await code(stage), channel="two"))["problem"] == "foreign"

    async def test_expired(self, stage: Stage) -> None:
        shown = await code(stage)
        await stage.gateway.db.execute("UPDATE codes SET expires_at = $1", stage.gateway.clock.now())
        told = await say(stage, shown)
        assert (button(told)["problem"], told["content"]["text"]) == ("expired", shown)
        await stage.gateway.code_maker.forget()
        assert button(await say(stage, shown))["problem"] == "expired", "that it was one is remembered for a while"

    async def test_that_never_was_or_is_forgotten(self, stage: Stage) -> None:
        assert button(await say(stage, "T7" + "A" * 15))["problem"] == "unknown"
        shown = await code(stage)
        await stage.gateway.db.execute("UPDATE codes SET expires_at = expires_at - interval '30 days'")
        await stage.gateway.code_maker.forget()
        assert button(await say(stage, shown))["problem"] == "unknown"

    async def test_of_a_place_without_data(self, stage: Stage) -> None:
        shown = await code(stage)
        assert button(await say(stage, shown[:-1] + "0"))["problem"] == "unknown"

    @pytest.mark.parametrize("cut", [slice(0, -1), slice(0, 12)])
    async def test_cut(self, stage: Stage, cut: slice) -> None:
        assert button(await say(stage, (await code(stage))[cut]))["problem"] == "malformed"

    async def test_each_is_counted(self, stage: Stage) -> None:
        shown = await code(stage)
        await say(stage, shown[:-1])
        await say(stage, shown, sender="+385991234502")
        await say(stage, "T7" + "A" * 15)
        assert [metric(stage, what) for what in ("malformed", "foreign", "unknown", "known")] == [1, 1, 1, 0]


async def test_codes_are_durable_before_they_go_out(stage: Stage) -> None:
    seen: list[int] = []

    async def look(outgoing: ports.Outgoing) -> ports.SendResult:
        seen.append(await stage.gateway.db.fetchval("SELECT count(*) FROM codes"))
        return ports.Sent("x")

    stage.one.answer = look
    await sent(stage, board())
    assert seen == [1]


async def test_a_repeated_try_has_the_same_codes(stage: Stage) -> None:
    stage.one.answers[PERSON].append(lambda outgoing: ports.Retry("throttled", after=0.01))
    await sent(stage, board())
    first, second = (o.content.keyboard for o in stage.one.sent)
    assert first == second
    assert await stage.gateway.db.fetchval("SELECT count(*) FROM codes") == 1


async def test_two_people_never_have_the_same_code(stage: Stage) -> None:
    steps = [Step(channel="one", content=Text(text="choose", keyboard=board()))]
    people = [f"+38599{n:07}" for n in range(40)]
    accepted = await stage.submit(*people, cascade=steps, bulk=True)
    await asyncio.gather(*(stage.status(m.id, "sent") for m in accepted.messages))
    shown: list[Any] = [o.content.keyboard for o in stage.one.sent]
    assert len({keyboard.buttons[1].value for keyboard in shown}) == 40


async def test_many_presses_at_once_are_one_look_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = await code(stage)
    asked: list[int] = []
    find = store.find

    async def counting(db: Any, names: Any) -> Any:
        asked.append(len(names))
        return await find(db, names)

    monkeypatch.setattr(store, "find", counting)
    messages = [ports.Inbound(PERSON, "one", Text(text=shown), f"m{n}") for n in range(50)]
    await stage.gateway.inbound.submit(stage.entry().channel, messages)
    assert sum(asked) < 10
    assert metric(stage, "known") == 50


async def test_words_cost_no_look_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(db: Any, names: Any) -> Any:
        raise AssertionError("asked the database about plain words")

    monkeypatch.setattr(store, "find", never)
    assert (await say(stage, "hello"))["extra"] == {}


async def test_a_message_is_taken_although_its_codes_could_not_be_foreseen(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are made when it goes out, and the place that it was given in its lane is free again."""

    asked: list[int] = []

    def breaks(*given: Any) -> None:
        asked.append(1)
        raise RuntimeError("no codes yet")

    monkeypatch.setattr(stage.gateway.code_maker, "foresee", breaks)
    async with asyncio.timeout(10):
        while (lane := stage.gateway.dispatch.lane(stage.entry().channel.id)) is None or not lane.caught_up:
            await asyncio.sleep(0.01)
    shown = await code(stage)
    assert asked
    assert button(await say(stage, shown))["known"] is True
    async with asyncio.timeout(10):
        while lane.in_flight or lane.reserved:
            await asyncio.sleep(0.01)
