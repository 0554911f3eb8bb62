"""People who press a button of no use are told so, politely and not too often."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import msgspec
import pytest

from tests.scripted import Script, Stage, staged
from tyrian.domain.content import Text
from tyrian.domain.phrases import STALE_BUTTON, in_language
from tyrian.engine import ports
from tyrian.engine.channel_spec import ChannelChange
from tyrian.engine.reacting import Turn

PERSON = "+385991234501"
STALE = "T7" + "A" * 15
_numbers = count()


class Config(msgspec.Struct, forbid_unknown_fields=True):
    """The settings of the tests' channels."""

    stale_button_text: str | None = None


class Listener:
    """A reaction that writes down what it is asked about."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def wants(self, channel: ports.Channel) -> bool:
        return True

    async def react(self, turn: Turn) -> bool:
        content: Any = turn.content
        self.heard.append(content.text)
        return False


@pytest.fixture
async def stage(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    plain = Script.kind

    def kind(script: Script, name: str = "scripted") -> ports.ChannelKind:
        made = plain(script, name)
        made.config = Config
        return made

    monkeypatch.setattr(Script, "kind", kind)
    async with staged(database_url) as running:
        yield running


async def press(stage: Stage, words: str = STALE, sender: str = PERSON, **extra: Any) -> None:
    message = ports.Inbound(sender, "one", Text(text=words), f"p{next(_numbers)}", extra=extra)
    await stage.gateway.inbound.submit(stage.entry().channel, [message])
    await settled(stage)


async def settled(stage: Stage) -> None:
    """Waits until everything was reacted to, and what that sent has gone out."""

    async def look() -> bool:
        waiting = "SELECT (SELECT count(*) FROM turns) + (SELECT count(*) FROM sends)"
        return bool(await stage.gateway.db.fetchval(waiting) == 0)

    await stage.until(look)


async def test_a_sentence_answers(stage: Stage) -> None:
    await press(stage)
    (answer,) = stage.one.sent
    assert (answer.to, answer.purpose) == (PERSON, "session")
    assert stage.one.texts() == [STALE_BUTTON["en"]]


async def test_in_the_persons_language(stage: Stage) -> None:
    await press(stage, language="hr")
    assert stage.one.texts() == [STALE_BUTTON["hr"]]


async def test_once_a_minute_to_each_person(stage: Stage) -> None:
    for _ in range(3):
        await press(stage)
    await press(stage, sender="+385991234502")
    assert [o.to for o in stage.one.sent] == [PERSON, "+385991234502"]
    await stage.gateway.db.execute("UPDATE stale_presses SET answered_at = answered_at - interval '1 minute'")
    await press(stage)
    assert len(stage.one.sent) == 3


async def test_with_the_channels_own_sentence_or_none(stage: Stage) -> None:
    for text in ("Please write to us.", ""):
        change = ChannelChange(config={"stale_button_text": text})
        await stage.gateway.channels.update(stage.account_id, "one", change)
        await press(stage, sender=f"+38599{len(text)}")
    assert stage.one.texts() == ["Please write to us."]


async def test_nobody_else_is_asked_about_it(stage: Stage) -> None:
    listener = Listener()
    stage.gateway.turns.reactions.append(listener)
    await press(stage)
    await press(stage, "hello")
    assert listener.heard == ["hello"]


async def test_other_words_make_no_turn(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    async def make(*args: Any) -> None:
        made.append(args)

    monkeypatch.setattr(stage.gateway.turns, "make", make)
    await press(stage, "hello")
    assert made == []


async def test_a_turn_that_comes_again_answers_once(stage: Stage) -> None:
    await press(stage)
    row = await stage.gateway.db.fetchrow("SELECT * FROM inbound")
    assert row is not None
    turn = Turn(
        row["id"], row["account_id"], stage.entry().channel, row["sender"], Text(text=STALE), row["received_at"],
        msgspec.json.decode(row["extra"]), {}, 1,
    )  # fmt: skip
    assert await stage.gateway.stale_presses.react(turn) is True
    await settled(stage)
    assert len(stage.one.sent) == 1


async def test_what_was_answered_long_ago_is_forgotten(stage: Stage) -> None:
    await press(stage)
    await stage.gateway.stale_presses.forget()
    assert await stage.gateway.db.fetchval("SELECT count(*) FROM stale_presses") == 1
    await stage.gateway.db.execute("UPDATE stale_presses SET answered_at = answered_at - interval '1 hour'")
    await stage.gateway.stale_presses.forget()
    assert await stage.gateway.db.fetchval("SELECT count(*) FROM stale_presses") == 0


@pytest.mark.parametrize(
    ("language", "known"), [("uk", "uk"), ("pt-BR", "pt"), ("EN_us", "en"), ("xx", "en"), (None, "en"), (7, "en")]
)
def test_languages(language: object, known: str) -> None:
    assert in_language(STALE_BUTTON, language) == STALE_BUTTON[known]
