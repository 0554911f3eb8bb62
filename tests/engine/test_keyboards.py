"""Keyboards that stay, on a real gateway: shown again until replaced, withdrawn, or the session ends."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from typing import Any

import msgspec
import pytest

from tests.scripted import CAPABILITIES, Script, Stage, staged
from tyrian.domain import codes
from tyrian.domain.content import Text
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.domain.limits import Bound
from tyrian.domain.session import SessionSettings
from tyrian.domain.submission import Step
from tyrian.engine import ports
from tyrian.engine.channel_spec import ChannelChange, ChannelSpec

PERSON = "+385991234501"
OTHER = "+385991234502"
_numbers = count()


class Standing(msgspec.Struct, forbid_unknown_fields=True):
    """The settings of the tests' channels."""

    default_buttons: list[Button] = []


@pytest.fixture
async def stage(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    plain = Script.kind

    def kind(script: Script, name: str = "scripted") -> ports.ChannelKind:
        made = plain(script, name)
        made.config = Standing
        rows = Bound(field="keyboard.buttons", max_length=4, source="the tests")
        can = msgspec.structs.replace(CAPABILITIES, common=(rows,))
        made.capabilities = lambda config: can
        return made

    monkeypatch.setattr(Script, "kind", kind)
    async with staged(database_url) as running:
        yield running


def board(*values: str, **more: Any) -> Keyboard:
    return Keyboard(buttons=[Button(value=v, text=v) for v in values], **more)


async def show(stage: Stage, keyboard: Keyboard | None = None, to: str = PERSON, channel: str = "one") -> list[str]:
    """Sends a text; returns the buttons that it went out with."""
    step = Step(channel=channel, content=Text(text="hello", keyboard=keyboard))
    identifier = (await stage.submit(to, cascade=[step])).messages[0].id
    await stage.status(identifier, "sent", "failed")
    found = stage.scripts[channel].sent[-1].content.keyboard
    return [button.value for button in found.buttons] if found else []


async def say(stage: Stage, words: str = "hi", sender: str = PERSON) -> None:
    message = ports.Inbound(sender, "one", Text(text=words), f"p{next(_numbers)}")
    await stage.gateway.inbound.submit(stage.entry().channel, [message])


async def until(stage: Stage) -> Any:
    return await stage.gateway.db.fetchval("SELECT until FROM keyboards WHERE person = $1", PERSON.lstrip("+"))


async def test_a_keyboard_that_persists_is_shown_again(stage: Stage) -> None:
    assert await show(stage, board("a", "b", persist=True, height=50)) == ["a", "b"]
    assert [await show(stage), await show(stage)] == [["a", "b"]] * 2
    again = stage.one.sent[-1].content.keyboard
    assert again is not None
    assert (again.height, again.persist) == (50, False), "what is ours does not go out"


async def test_it_is_shown_to_that_person_on_that_channel_alone(stage: Stage) -> None:
    await show(stage, board("a", persist=True))
    assert await show(stage, to=OTHER) == []
    assert await show(stage, channel="two") == []


async def test_an_ordinary_one_is_shown_once(stage: Stage) -> None:
    assert await show(stage, board("a")) == ["a"]
    assert await show(stage) == []


async def test_an_ordinary_one_takes_its_place_for_one_message(stage: Stage) -> None:
    await show(stage, board("a", persist=True))
    assert await show(stage, board("x")) == ["x"]
    assert await show(stage) == ["a"]


async def test_the_next_that_persists_replaces_it(stage: Stage) -> None:
    await show(stage, board("a", persist=True))
    await show(stage, board("b", persist=True))
    assert await show(stage) == ["b"]


async def test_it_is_withdrawn(stage: Stage) -> None:
    await show(stage, board("a", persist=True))
    assert await show(stage, Keyboard(withdraw=True)) == []
    assert await show(stage) == []
    assert await show(stage, Keyboard(withdraw=True)) == [], "and once more, where there is none"


class TestTheSession:
    async def test_ends(self, stage: Stage) -> None:
        await show(stage, board("a", persist=True))
        await stage.gateway.db.execute("UPDATE keyboards SET until = $1", stage.gateway.clock.now())
        assert await show(stage) == []
        await stage.gateway.keyboards.forget()
        assert await until(stage) is None

    async def test_goes_on_with_what_the_person_says(self, stage: Stage) -> None:
        await show(stage, board("a", persist=True))
        await stage.gateway.db.execute("UPDATE keyboards SET until = $1", stage.gateway.clock.now())
        await say(stage, sender=OTHER)
        assert await show(stage) == []
        before = stage.gateway.clock.now()
        await say(stage)
        assert await until(stage) >= before + timedelta(hours=24)
        assert await show(stage) == ["a"]

    async def test_lasts_as_long_as_the_channels_sessions(self, stage: Stage) -> None:
        change = ChannelChange(sessions=SessionSettings(duration=3600))
        await stage.gateway.channels.update(stage.account_id, "one", change)
        for act in (show(stage, board("a", persist=True)), say(stage)):
            before = stage.gateway.clock.now()
            await act
            lasts = timedelta(hours=1)
            assert before + lasts <= await until(stage) <= stage.gateway.clock.now() + lasts

    async def test_is_never_shortened(self, stage: Stage) -> None:
        await show(stage, board("a", persist=True))
        far = stage.gateway.clock.now() + timedelta(days=2)
        await stage.gateway.db.execute("UPDATE keyboards SET until = $1", far)
        await say(stage)
        assert await until(stage) == far


async def test_one_that_was_never_shown_is_not_shown_again(stage: Stage) -> None:
    stage.one.answers[PERSON].append(lambda outgoing: ports.Refused("content_refused"))
    await show(stage, board("a", persist=True))
    assert await show(stage) == []


async def test_one_that_moved_to_another_channel_is_shown_there_alone(stage: Stage) -> None:
    group = {"members": [{"channel": "one"}, {"channel": "two"}]}
    await stage.gateway.channels.create(stage.account_id, ChannelSpec(name="both", kind="group", config=group))
    stage.one.answers[PERSON].append(lambda outgoing: ports.Retry("provider_unreachable"))
    keyboard = Keyboard(buttons=[Button(value="v", text="V", data=1)], persist=True)
    step = Step(channel="both", content=Text(text="hello", keyboard=keyboard))
    identifier = (await stage.submit(PERSON, cascade=[step])).messages[0].id
    await stage.status(identifier, "sent")
    first, second = stage.one.sent[-1].content.keyboard, stage.two.sent[-1].content.keyboard
    assert first is not None
    assert second is not None
    assert first.buttons[0].value != second.buttons[0].value, "a code is good for one channel"
    assert await show(stage) == []
    assert len(await show(stage, channel="two")) == 1


async def test_its_buttons_get_new_codes_each_time(stage: Stage) -> None:
    keyboard = Keyboard(buttons=[Button(value="v", text="V", data={"n": 1})], persist=True)
    found = {(await show(stage, keyboard))[0], (await show(stage))[0], (await show(stage))[0]}
    assert len(found) == 3
    for code in found:
        assert codes.parse(code) is not None
        await say(stage, code)
    stored = await stage.gateway.db.fetch("SELECT extra FROM inbound")
    assert [msgspec.json.decode(row["extra"])["button"]["data"] for row in stored] == [{"n": 1}] * 3


async def test_another_node_learns_of_it(stage: Stage, database_url: str) -> None:
    from tyrian.engine.keyboards import Keyboards

    other = Keyboards(stage.gateway)
    await other.start()
    wanted = stage.entry().channel
    plan: Any = None
    assert not other.wants(wanted, plan, Text(text="x"))
    await show(stage, board("a", persist=True))
    other._told(str(wanted.id))
    assert other.wants(wanted, plan, Text(text="x"))
    third = Keyboards(stage.gateway)
    await third.start()
    assert third.wants(wanted, plan, Text(text="x")), "one that starts later finds it in the database"
    assert not third.wants(stage.entry("two").channel, plan, Text(text="x"))


async def test_it_costs_nothing_where_none_persists(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*args: Any) -> Any:
        raise AssertionError("asked the database for keyboards")

    monkeypatch.setattr("tyrian.store.keyboards.recall", never)
    monkeypatch.setattr("tyrian.store.keyboards.extend", never)
    assert await show(stage) == []
    assert await show(stage, board("a")) == ["a"]
    await say(stage)
    assert await stage.gateway.db.fetchval("SELECT count(*) FROM inbound") == 1


class TestDefaultButtons:
    async def test_of_a_keyboard_come_last(self, stage: Stage) -> None:
        keyboard = Keyboard(buttons=[Button(value="a")], default_buttons=[Button(value="z")], persist=True)
        assert await show(stage, keyboard) == ["a", "z"]
        assert await show(stage) == ["a", "z"]
        assert await show(stage, Keyboard(default_buttons=[Button(value="z")])) == ["z"]

    async def change(self, stage: Stage, *values: str) -> None:
        config = {"default_buttons": [{"value": v, "text": v} for v in values]}
        await stage.gateway.channels.update(stage.account_id, "one", ChannelChange(config=config))

    async def test_of_a_channel_are_under_every_message(self, stage: Stage) -> None:
        await self.change(stage, "menu", "help")
        assert await show(stage) == ["menu", "help"]
        assert await show(stage, board("a")) == ["a", "menu", "help"]
        assert await show(stage, board("b", persist=True)) == ["b", "menu", "help"]
        assert await show(stage) == ["b", "menu", "help"]
        assert await show(stage, Keyboard(withdraw=True)) == ["menu", "help"]
        await self.change(stage)
        assert await show(stage) == []

    async def test_never_make_a_message_fail(self, stage: Stage) -> None:
        await self.change(stage, "menu", "help")
        assert await show(stage, board("a", "b", "c")) == ["a", "b", "c"]
        assert await show(stage, board("a", "b", "c", persist=True)) == ["a", "b", "c"]
        assert await show(stage) == ["a", "b", "c"]
