"""No step is taken twice and nothing is said twice, whoever dies when; hooks; and the way to the inbox."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from tests.inbox.flows.conftest import ANA, House, housed, until
from tests.inbox.flows.test_flows import SHOP
from tyrian.domain.content import Text
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.reacting import Turn
from tyrian.inbox.flows import carrying

LOOPBACK = (ip_network("127.0.0.0/8"),)


def turn_of(house: House, row: Any, text: str, tries: int = 0) -> Turn:
    entry = house.gateway.channels.get(house.account_id, "bot")
    assert entry is not None
    now = house.gateway.clock.now()
    return Turn(row["id"], house.account_id, entry.channel, ANA, Text(text=text), now, {}, {}, tries)


async def inbound(house: House) -> list[Any]:
    return list(await house.gateway.db.fetch("SELECT id FROM inbound ORDER BY id"))


# -- Repeats and deaths -----------------------------------------------------------------------------------------------


async def test_a_turn_that_comes_again_takes_no_second_step(house: House) -> None:
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    await house.press("Order")
    await house.said(2)
    first, second = await inbound(house)
    for row, text in ((second, "Order"), (first, "hi"), (second, "Order")):
        assert await house.flows.react(turn_of(house, row, text, tries=1))
    assert await house.said(2) == ["Hello !", "Which fruit?"]
    (run,) = await house.runs()
    assert run.step == "fruit"


async def test_a_turn_that_ended_its_run_begins_no_new_one(house: House) -> None:
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    await house.press("Leave")
    await house.run("ended", outcome="finished")
    await house.still()
    assert await house.flows.react(turn_of(house, (await inbound(house))[1], "Leave", tries=1))
    assert len(await house.runs()) == 1
    assert await house.said(2) == ["Hello !", "Bye."]


class Died(BaseException):
    """The process died here."""


@pytest.mark.parametrize("said", [0, 1])
async def test_a_node_that_dies_after_its_commit_is_followed_by_another(
    database_url: str, monkeypatch: pytest.MonkeyPatch, said: int
) -> None:
    """The step is committed, and `said` of its two messages were taken in; another node says the rest, once each."""
    async with housed(database_url) as first:
        await first.publish(SHOP.replace("most: 1", "most: 9"))
        await first.hear("hi")
        await first.said(1)
        tell = carrying.Carrier._tell
        told: list[int] = []

        async def dying(self: carrying.Carrier, *given: Any) -> str | None:
            if len(told) == said:
                await asyncio.Event().wait()
            told.append(1)
            return await tell(self, *given)

        with monkeypatch.context() as patched:
            patched.setattr(carrying.Carrier, "_tell", dying)
            await first.hear("what?")

            async def committed() -> bool:
                run = await first.gateway.db.fetchrow("SELECT tick FROM flow_runs")
                return run is not None and run["tick"] == 2 and len(told) == said

            await until(committed)
            for task in first.gateway.turns._tasks:
                task.cancel()
        await first.gateway.node.stop()
        async with housed(database_url, account=None) as second:
            await second.gateway.db.execute("UPDATE turns SET leased_until = NULL")

            async def all_said() -> object:
                return await second.gateway.db.fetchval("SELECT count(*) FROM messages") == 3

            await until(all_said)
            await second.still()
            (run,) = await second.runs()
            assert run.step == "welcome"
            assert await second.gateway.db.fetchval("SELECT count(*) FROM messages") == 3
            assert await second.gateway.db.fetchval("SELECT tick FROM flow_runs") == 2


async def test_a_step_and_its_message_are_stored_together(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node dies when the step is durable and nothing has gone out: the message is there, no step is repeated."""
    async with housed(database_url) as first:
        await first.publish(SHOP)
        await first.hear("hi")
        await first.said(1)
        monkeypatch.setattr(first.gateway.dispatch, "take_leased", lambda *given: None)
        await first.press("Order")

        async def committed() -> object:
            return await first.gateway.db.fetchval("SELECT tick FROM flow_runs") == 2

        await until(committed)
        assert await first.gateway.db.fetchval("SELECT count(*) FROM messages") == 2
        assert await first.gateway.db.fetchval("SELECT count(*) FROM idempotency") == 0
        assert await first.said(1) == ["Hello !"]
        pressed = (await inbound(first))[1]
        assert await first.flows.react(turn_of(first, pressed, "Order", tries=1))
        assert await first.gateway.db.fetchval("SELECT count(*) FROM messages") == 2
        await first.gateway.node.stop()
        async with housed(database_url, account=None) as second:
            # What is left of the first node in this process may be the one that takes it up.
            async def said() -> list[str]:
                return [str(getattr(o.content, "text", "")) for o in [*first.bot.sent[1:], *second.bot.sent]]

            assert await until(said) == ["Which fruit?"]


async def test_a_person_who_is_quicker_than_the_flow_is_followed(house: House) -> None:
    """The second message was read while the first one's step was not taken yet."""
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    await asyncio.gather(house.hear("Order"), house.hear("Apples"), house.hear("no"))
    await house.still()
    (run,) = await house.runs()
    assert run.variables.get("fruit") == "Apples"


async def test_two_nodes_that_take_steps_at_once_take_them_one_after_the_other(database_url: str) -> None:
    async with housed(database_url) as first, housed(database_url, account=None) as second:
        await first.publish(SHOP.replace('do: ask\n    text: "Which fruit?"', 'do: ask\n    text: "Which?"'))
        await second.flows._book.refresh()
        await first.hear("hi")
        await first.said(1)
        await asyncio.gather(first.hear("Order"), second.hear("Order"))
        await first.still()
        (run,) = await first.runs()
        assert run.step == "sure"
        assert run.variables["fruit"] == "Order"


async def test_a_run_that_nobody_saw_through_is_seen_through_by_the_loop(house: House) -> None:
    """Its turn is gone for good, as after the last try; the run itself is due and is looked after."""
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    await house.press("Leave")
    await house.run("ended")
    await house.still()
    await house.gateway.db.execute("UPDATE flow_runs SET ended_at = NULL, due_at = now() - interval '1 h'")

    async def closed() -> bool:
        return (await house.runs())[0].ended_at is not None

    await until(closed)
    assert len(await house.said(2)) == 2


async def test_a_message_that_is_refused_ends_the_run(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)

    async def refuse(submission: object, along: object = None) -> None:
        raise Refused([Problem("/to", "has opted out", "opted_out")])

    monkeypatch.setattr(house.gateway.intake, "submit", refuse)
    await house.press("Order")
    await house.run("ended", outcome="refused")
    assert (await house.gateway.db.fetchval("SELECT count(*) FROM turns")) in (0, 1)


# -- Hooks ------------------------------------------------------------------------------------------------------------

STOCK = """
name: stock
start: ask
triggers: [{{on: default}}]
steps:
  ask: {{do: ask, text: "What?", save: fruit, next: stock}}
  stock:
    do: hook
    url: {url}
    send: [fruit]
    gives: [left]
    next: there
    may_go: [none]
    failed: sorry
    timeout: 1
    tries: {tries}
  there: {{do: end, text: "{{{{left}}}} {{{{fruit}}}} left."}}
  none: {{do: end, text: "No {{{{fruit}}}}."}}
  sorry: {{do: end, text: "Cannot say."}}
"""
Answers = Callable[[int], web.Response | None]


@asynccontextmanager
async def program(answers: Answers) -> AsyncIterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A customer's program: `answers` is given the number of the request; None is no answer at all."""
    heard: list[tuple[dict[str, str], bytes]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        heard.append((dict(request.headers), await request.read()))
        answer = answers(len(heard))
        if answer is None:
            await asyncio.sleep(3)
            answer = web.Response()
        return answer

    app = web.Application()
    app.router.add_post("/hook", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/hook", heard
    finally:
        await runner.cleanup()


async def asked(house: House, url: str, tries: int = 2) -> str:
    await house.publish(STOCK.format(url=url, tries=tries))
    await house.hear("hi")
    await house.said(1)
    await house.hear("pears")
    return (await house.said(2))[1]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"variables": {"left": 12, "else": "x"}}, "12 pears left."),
        ({"variables": {}, "next": "none"}, "No pears."),
        ({"next": "ask"}, "Cannot say."),
        ({"variables": 7}, "Cannot say."),
        ({}, " pears left."),
    ],
)
async def test_a_hook_sets_variables_and_chooses_among_what_it_may(
    database_url: str, answer: dict[str, Any], says: str
) -> None:
    async with (
        housed(database_url, allow_private_callbacks=LOOPBACK) as house,
        program(lambda n: web.json_response(answer)) as (url, heard),
    ):
        assert await asked(house, url) == says
        ((headers, body),) = heard
        (secret,) = await house.gateway.keys.signing.signing_keys(house.account_id)
        Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
        told = msgspec.json.decode(body)
        assert (told["flow"], told["step"], told["variables"]) == ("stock", "stock", {"fruit": "pears"})


async def test_a_hook_is_tried_again_under_the_same_id(database_url: str) -> None:
    async with (
        housed(database_url, allow_private_callbacks=LOOPBACK, scale=20.0) as house,
        program(lambda n: web.Response(status=503) if n == 1 else web.json_response({"variables": {"left": "1"}})) as (
            url,
            heard,
        ),
    ):
        assert await asked(house, url) == "1 pears left."
        assert len({headers["webhook-id"] for headers, _ in heard}) == 1
        assert len(heard) == 2


@pytest.mark.parametrize(
    "answer", [lambda n: web.Response(status=404), lambda n: None, lambda n: web.Response(body=b"[")]
)
async def test_a_hook_that_fails_leads_on(database_url: str, answer: Answers) -> None:
    async with (
        housed(database_url, allow_private_callbacks=LOOPBACK) as house,
        program(answer) as (url, _heard),
    ):
        assert await asked(house, url, tries=1) == "Cannot say."
        assert house.flows.hooks == (1, 1, 0)


async def test_a_hook_may_not_lead_inside(house: House) -> None:
    with pytest.raises(Refused) as refused:
        await house.publish(STOCK.format(url="http://127.0.0.1:1/hook", tries=1))
    assert [p.pointer for p in refused.value.problems] == ["/steps/stock/url"]


async def test_a_hook_whose_caller_died_is_called_by_another(database_url: str) -> None:
    gate: list[bool] = []
    async with program(lambda n: web.json_response({"variables": {"left": "9"}}) if gate else None) as (url, heard):
        async with housed(database_url, allow_private_callbacks=LOOPBACK) as first:
            await first.publish(STOCK.format(url=url, tries=3))
            await first.hear("hi")
            await first.said(1)
            await first.hear("pears")
            await until(lambda: _heard(heard))
        gate.append(True)
        async with housed(database_url, account=None, allow_private_callbacks=LOOPBACK) as second:
            await second.gateway.db.execute("UPDATE flow_runs SET due_at = now() - interval '1 h'")
            assert await second.said(1) == ["9 pears left."]


async def _heard(heard: list[Any]) -> bool:
    return bool(heard)


# -- To people --------------------------------------------------------------------------------------------------------

HANDS = """
name: hands
start: wait
triggers: [{on: default}]
steps:
  wait: {do: say, text: "Well?", choices: [{text: "Person", to: person, set: {topic: shoes}}]}
  person: {do: handover, queue: desk, text: "One moment.", note: "About {{topic}}.", context: [topic]}
"""


class Inbox:
    """As much of an inbox as flows see."""

    def __init__(self, there: bool = True) -> None:
        self.there = there
        self.given: dict[str, dict[str, Any]] = {}
        self.talking = False

    def channel_inbox(self, channel_id: int) -> None:
        """No channel shows its threads here."""

    async def queue(self, account_id: int, name: str) -> object:
        return SimpleNamespace(name=name)

    async def handover(self, account_id: int, channel: Any, person: str, *, key: str, **more: Any) -> None:
        if not self.there:
            raise Refused([Problem("/queue", "names no queue")])
        self.given[key] = {"person": person, **more}
        self.talking = True

    async def is_with_agent(self, channel_id: int, person: str) -> bool:
        return self.talking

    async def stop(self, *given: object) -> None:
        """Nothing is under way."""


async def test_after_a_handover_the_flow_is_silent_until_the_conversation_is_closed(house: House) -> None:
    inbox = house.gateway.inbox = Inbox()
    await house.publish(HANDS)
    await house.hear("hi")
    await house.said(1)
    await house.press("Person")
    assert (await house.said(2))[1] == "One moment."
    await house.run("handed_over")
    await house.still()
    ((key, given),) = inbox.given.items()
    assert key.startswith("flow:")
    assert (given["queue"], given["note"], given["context"]) == ("desk", "About shoes.", {"topic": "shoes"})
    await house.hear("are you there?")
    await house.still()
    assert len(await house.said(2)) == 2
    inbox.talking = False
    await house.hear("hi again")
    assert (await house.said(3))[2] == "Well?"
    assert [run.outcome for run in await house.runs()] == [None, "handed_over"]


async def test_nobody_who_talks_to_an_agent_is_led_into_a_flow(house: House) -> None:
    inbox = house.gateway.inbox = Inbox()
    inbox.talking = True
    await house.publish(HANDS)
    await house.hear("hi")
    await house.still()
    assert house.bot.sent == []


async def test_a_handover_that_nobody_takes_ends_the_run(house: House) -> None:
    house.gateway.inbox = Inbox(there=False)
    await house.publish(HANDS)
    await house.hear("hi")
    await house.said(1)
    await house.press("Person")
    await house.run("ended", outcome="no_inbox")
