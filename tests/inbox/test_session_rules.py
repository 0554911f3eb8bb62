"""Answers are held to the rules of the session, and whoever answers is told what can be done instead."""

import pytest

from tests.inbox.conftest import API, House, by
from tests.inbox.test_metrics import metrics
from tyrian.domain.content import Text
from tyrian.domain.conversation import Agent, Conversation
from tyrian.domain.problem import Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.session import OptIn, SessionSettings
from tyrian.engine.channel_spec import ChannelChange

ANA = "+385991234501"
ASKED = "Please write to us, so that we can answer."


async def spoken(house: House, sessions: SessionSettings) -> tuple[Agent, Conversation]:
    """An agent who has a conversation with somebody who wrote more than a day ago."""
    await house.gateway.channels.update(house.account_id, "one", ChannelChange(sessions=sessions))
    queue = await house.queue()
    mia = await house.agent("mia", queue)
    await house.inbox(queue_id=queue.id)
    await house.say(ANA, "hello")
    await house.gateway.db.execute("UPDATE sessions SET expires_at = opened_at - interval '1 second'")
    return mia, await house.talk(ANA)


async def test_outside_of_the_session_an_answer_is_refused_and_the_rule_named(house: House) -> None:
    mia, it = await spoken(house, SessionSettings(enforced=True))
    with pytest.raises(Refused) as refused:
        await house.desk.send(house.account_id, it.id, Text(text="hi"), by=by(mia), key="k")
    (problem,) = refused.value.problems
    assert (problem.pointer, problem.code) == ("", "session_closed")
    assert "has not written on this channel within the last 24 hours" in problem.message
    assert "another purpose than session" in problem.message
    assert "opt-in message" in problem.message
    assert await house.lines(it) == ["opened", "inbound: hello", "queued", "assigned"]
    assert await house.gateway.db.fetchval("SELECT count(*) FROM conversation_sends") == 0
    assert (await metrics(house))["tyrian_guard_verdicts_total", "refused", "session_closed"] == 1
    await house.say(ANA, "are you there?")
    sent = await house.desk.send(house.account_id, it.id, Text(text="hi"), by=by(mia), key="k")
    assert sent.message_id is not None, "what was refused has not used the key up"


async def test_what_is_not_for_a_session_goes_out(house: House) -> None:
    mia, it = await spoken(house, SessionSettings(enforced=True))
    await house.desk.send(
        house.account_id, it.id, Text(text="it is on its way"), by=by(mia), purpose=Purpose.TRANSACTIONAL
    )
    await house.until(lambda: _is(house.one.texts() == ["it is on its way"]))


async def test_with_an_opt_in_message_the_answer_waits_until_the_person_writes(house: House) -> None:
    asking = OptIn(content=Text(text=ASKED))
    mia, it = await spoken(house, SessionSettings(enforced=True, opt_in=asking))
    item = await house.desk.send(house.account_id, it.id, Text(text="hi"), by=by(mia))
    await house.until(lambda: _is(house.one.texts() == [ASKED]))
    await house.say(ANA, "I am here")
    await house.until(lambda: _is(house.one.texts() == [ASKED, "hi"]))
    assert [line for line in await house.lines(it) if "bound" in line] == [
        "inbound: hello", "outbound: hi", "inbound: I am here",
    ]  # fmt: skip
    found = await house.desk.find_item(house.account_id, item.id)
    assert found is not None
    assert found.status in ("sending", "sent")


async def test_a_program_is_told_as_well(house: House) -> None:
    _, it = await spoken(house, SessionSettings(enforced=True))
    with pytest.raises(Refused):
        await house.desk.send(house.account_id, it.id, Text(text="hi"), by=API)
    assert house.one.sent == []


async def _is(value: bool) -> bool:
    return value
