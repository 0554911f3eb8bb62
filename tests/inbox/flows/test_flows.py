"""People are led through flows: by buttons, words, time and hooks; and nobody else is."""

import msgspec
import pytest

from tests.clock import ManualClock
from tests.inbox.flows.conftest import ANA, House, housed, passing, until
from tyrian.domain.content import Image
from tyrian.domain.problem import Refused

SHOP = """
name: shop
start: welcome
triggers:
  - {on: words, words: [menu], interrupts: true}
  - {on: default}
repeat: {text: "Please choose.", most: 1, then: lost}
steps:
  welcome:
    do: say
    text: "Hello {{name}}!"
    back: true
    choices:
      - {text: "Order", to: fruit}
      - {text: "Leave", to: bye}
  fruit:
    do: ask
    text: "Which fruit?"
    save: fruit
    next: sure
  sure:
    do: say
    text: "{{fruit}}, sure?"
    choices:
      - {text: "Yes", to: done}
  done:
    do: say
    text: "{{fruit}} it is."
    next: bye
  lost: {do: end, text: "Let us leave it at that."}
  bye: {do: end, text: "Bye."}
"""
SMALL = """
name: {name}
start: only
triggers: [{trigger}]
steps:
  only: {{do: say, text: "{name} here.", choices: [{{text: "End", to: over}}]}}
  over: {{do: end, text: "{name} over."}}
"""


def small(name: str, trigger: str) -> str:
    return SMALL.format(name=name, trigger=trigger)


async def test_a_person_is_led_by_buttons_and_words(house: House) -> None:
    await house.publish(SHOP)
    await house.hear("hi", extra={"name": "Ana"})
    assert await house.said(1) == ["Hello Ana!"]
    await house.press("Order")
    await house.said(2)
    await house.hear("Quinces")
    await house.said(3)
    await house.press("Yes")
    assert (await house.said(5))[1:] == ["Which fruit?", "Quinces, sure?", "Quinces it is.", "Bye."]
    run = await house.run("ended", outcome="finished")
    assert [passed.step for passed in run.path] == ["welcome", "fruit", "sure", "done", "bye"]
    assert run.variables["fruit"] == "Quinces"


async def test_what_is_typed_back_without_a_code_counts_as_the_button(house: House) -> None:
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    await house.hear("Order")
    assert (await house.said(2))[1] == "Which fruit?"


async def test_a_choice_may_be_written_or_numbered_on_any_network(house: House) -> None:
    await house.publish(SHOP, "bot", "sms")
    await house.hear("hi", channel="sms")
    assert await house.said(1, script=house.sms) == ["Hello !\n1. Order\n2. Leave"]
    await house.hear(" 2 ", channel="sms")
    assert (await house.said(2, script=house.sms))[1:] == ["Bye."]
    await house.hear("hi")
    await house.said(1)
    await house.hear("LÉAVE")
    assert (await house.said(2))[1:] == ["Bye."]


async def test_what_does_not_fit_is_asked_again_and_then_led_on(house: House) -> None:
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    await house.hear("what?")
    assert (await house.said(3))[1:] == ["Please choose.", "Hello !"]
    await house.hear(Image(url="https://people.example/1.jpg"))
    assert (await house.said(4))[3] == "Let us leave it at that."
    await house.run("ended", outcome="finished")


async def test_a_word_that_interrupts_begins_anew(house: House) -> None:
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    await house.press("Order")
    await house.said(2)
    await house.hear("MENU")
    assert (await house.said(3))[2] == "Hello !"
    await house.run("waiting", step="welcome")
    assert [run.outcome for run in await house.runs()] == [None, "interrupted"]


async def test_an_old_button_is_taken_where_its_step_allows_it(house: House) -> None:
    """`welcome` says `back`, `sure` does not."""
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    await house.press("Order")
    await house.said(2)
    await house.hear("Figs")
    await house.said(3)
    await house.press("Order", of=0)
    assert (await house.said(4))[3] == "Which fruit?"
    await house.press("Yes", of=1)
    assert (await house.said(5))[4] == "Which fruit?"
    await house.hear("Dates")
    assert (await house.said(6))[5] == "Dates, sure?"


async def test_a_button_of_an_earlier_run_is_answered_with_the_present_step(house: House) -> None:
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    await house.hear("menu")
    await house.said(2)
    await house.press("Order", of=0)
    assert (await house.said(3))[2] == "Hello !"
    await house.run("waiting", step="welcome")


async def test_the_most_exact_trigger_counts(house: House) -> None:
    await house.publish(small("any", "{on: default}"))
    await house.publish(small("word", "{on: words, words: [help]}"))
    await house.publish(small("pattern", '{on: pattern, pattern: "help"}'))
    await house.publish(small("link", "{on: context, context: spring}"))
    for number, (text, said) in enumerate({"Hélp": "word", "help me": "pattern", "hello": "any"}.items()):
        await house.hear(text, f"+38599123450{number}")
        assert await house.said(1, f"+38599123450{number}") == [f"{said} here."]
    entry = house.gateway.channels.get(house.account_id, "bot")
    assert entry is not None
    await house.flows.opened(entry.channel.id, "385991234509", "spring")
    await house.hear("help", "+385991234509")
    assert await house.said(1, "+385991234509") == ["link here."]


async def test_a_message_that_begins_nothing_is_left_to_others(house: House) -> None:
    seen: list[str] = []

    class After:
        def wants(self, channel: object) -> bool:
            return True

        async def react(self, turn: object) -> bool:
            seen.append(getattr(getattr(turn, "content", None), "text", ""))
            return True

    house.gateway.turns.reactions.append(After())
    await house.publish(small("word", "{on: words, words: [help]}"))
    await house.hear("hello")
    await house.hear("help")
    await house.said(1)
    await house.still()
    assert seen == ["hello"]


async def test_a_wait_ends_by_its_time(database_url: str) -> None:
    flow = """
name: patient
start: ask
triggers: [{on: any}]
steps:
  ask: {do: ask, text: "Your name?", save: who, next: end, timeout: 600, on_timeout: again}
  again: {do: ask, text: "Still there?", save: who, next: end, timeout: 60}
  end: {do: end, text: "Thanks {{who}}."}
"""
    clock = ManualClock()
    async with housed(database_url, clock=clock) as house:
        await house.publish(flow)
        await house.hear("hi")
        await house.said(1)
        await clock.jump(599)
        assert await house.flows._engine.take_up() == 0

        async def asked_again() -> bool:
            return len(house.bot.sent) == 2

        await passing(clock, asked_again)
        assert (await house.said(2))[1] == "Still there?"

        async def over() -> bool:
            return [run.outcome for run in await house.runs()] == ["timed_out"]

        await passing(clock, over)
        assert len(await house.said(2)) == 2


async def test_versions_keep_the_people_who_are_on_them(house: House) -> None:
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    second = await house.publish(SHOP.replace("Which fruit?", "What fruit?"))
    assert second.version == 2
    await house.hear("hi", "+385991234502")
    await house.said(1, "+385991234502")
    await house.press("Order")
    await house.press("Order", "+385991234502")
    assert (await house.said(2))[1] == "Which fruit?"
    assert (await house.said(2, "+385991234502"))[1] == "What fruit?"
    assert [(v.version, v.people) for v in await house.flows.versions(house.account_id, "shop")] == [(2, 1), (1, 1)]


async def test_a_paused_flow_takes_nobody_in_and_keeps_those_inside(house: House) -> None:
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    assert await house.flows.set_active(house.account_id, "shop", False)
    await house.hear("hi", "+385991234502")
    await house.press("Order")
    await house.said(2)
    await house.still()
    assert {o.to for o in house.bot.sent} == {ANA}


async def test_a_flow_that_is_removed_or_withdrawn_lets_everybody_go(house: House) -> None:
    await house.publish(SHOP, "bot", "sms")
    await house.hear("hi")
    await house.hear("hi", channel="sms")
    await house.said(1)
    await house.said(1, script=house.sms)
    await house.publish(SHOP, "sms")
    assert [(r.channel, r.outcome) for r in await house.runs()] == [("sms", None), ("bot", "flow_removed")]
    await house.hear("Order")
    assert await house.flows.delete(house.account_id, "shop")
    await house.hear("2", channel="sms")
    await house.still()
    assert {r.outcome for r in await house.runs()} == {"flow_removed"}
    assert (len(house.bot.sent), len(house.sms.sent)) == (1, 1)


async def test_a_run_can_be_ended_from_outside(house: House) -> None:
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    (run,) = await house.runs()
    ended = await house.flows.end_run(house.account_id, run.id)
    assert ended is not None
    assert (ended.state, ended.outcome) == ("ended", "stopped")
    await house.hear("Order")
    assert (await house.said(2))[1] == "Hello !"


async def test_what_cannot_be_published_is_refused_with_each_reason(house: House) -> None:
    with pytest.raises(Refused) as refused:
        await house.publish(SHOP.replace("to: fruit", "to: frut"), "bot", "nowhere")
    pointers = {p.pointer: p.message for p in refused.value.problems}
    assert set(pointers) == {"/channels/1", "/steps/welcome/choices/0/to"}
    assert pointers["/steps/welcome/choices/0/to"].endswith("(line 14)")
    with pytest.raises(Refused) as refused:
        await house.publish(SHOP.replace("Which fruit?", "x" * 201))
    assert [p.pointer for p in refused.value.problems] == ["/steps/fruit/text"]
    assert await house.flows.list(house.account_id) == []


async def test_what_ended_long_ago_is_forgotten(database_url: str) -> None:
    clock = ManualClock()
    async with housed(database_url, clock=clock, retention_days=2) as house:
        await house.publish(small("short", "{on: words, words: [go]}"))
        await house.hear("go")
        await house.said(1)
        await house.hear("End")
        await house.run("ended")

        async def closed() -> bool:
            return (await house.runs())[0].ended_at is not None

        await until(closed)
        await house.flows.forget()
        assert len(await house.runs()) == 1
        await house.gateway.db.execute("UPDATE flow_runs SET ended_at = ended_at - interval '3 days'")
        await house.flows.forget()
        assert await house.runs() == []


async def test_a_button_carries_its_run_its_step_and_its_choice(house: House) -> None:
    await house.publish(SHOP)
    await house.hear("hi")
    await house.said(1)
    (run,) = await house.runs()
    row = await house.gateway.db.fetchrow("SELECT meanings FROM codes")
    assert row is not None
    meanings = msgspec.json.decode(row["meanings"])
    assert [m["data"] for m in meanings.values()] == [
        {"run": str(run.id), "step": "welcome", "choice": "Order"},
        {"run": str(run.id), "step": "welcome", "choice": "Leave"},
    ]
