"""What is wrong with a flow is found, each at its place; and what passes the check can be walked by anybody."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from tyrian.domain.flow import Flow, waits
from tyrian.domain.flow_check import check
from tyrian.domain.flow_drawing import draw
from tyrian.domain.flow_file import read
from tyrian.domain.flow_match import Heard, Pressed
from tyrian.domain.flow_run import Began, Effect, Happening, HookFailed, Replied, Run, TimedOut, Wait, advance
from tyrian.domain.flow_walk import walk
from tyrian.protocols.viber.limits import BOT, business

TUTORIAL: Final = (Path(__file__).parents[2] / "docs" / "tutorial" / "shop.yaml").read_text("utf-8")
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)

GOOD: Final[dict[str, Any]] = {
    "name": "good",
    "start": "ask",
    "triggers": [{"on": "words", "words": ["hi"]}],
    "steps": {
        "ask": {"do": "say", "text": "Well?", "choices": [{"text": "A", "to": "name"}, {"text": "B", "to": "call"}]},
        "name": {"do": "ask", "text": "Name?", "save": "who", "next": "which"},
        "which": {"do": "branch", "cases": [{"variable": "who", "equals": ["x"], "to": "ask"}], "otherwise": "bye"},
        "call": {"do": "hook", "url": "https://shop.example/hook", "gives": ["who"], "next": "bye", "failed": "sorry"},
        "bye": {"do": "end", "text": "Bye {{who}}."},
        "sorry": {"do": "end"},
    },
}


def flow(steps: dict[str, Any] | None = None, **more: Any) -> Flow:
    """The good flow with other steps; a step that is None is taken away."""
    merged = {name: step for name, step in {**GOOD["steps"], **(steps or {})}.items() if step is not None}
    return msgspec.convert({**GOOD, **more, "steps": merged}, Flow)


def test_a_good_flow_has_no_problems() -> None:
    assert check(flow(), {"bot": BOT}) == []


SAY: Final = GOOD["steps"]["ask"]


@pytest.mark.parametrize(
    ("steps", "more", "pointer", "says"),
    [
        ({"bye": None}, {}, "/steps/which/otherwise", "no such step"),
        ({}, {"start": "nowhere"}, "/start", "no such step"),
        ({}, {"on_timeout": "nowhere"}, "/on_timeout", "no such step"),
        ({}, {"repeat": {"then": "nowhere"}}, "/repeat/then", "no such step"),
        ({"lonely": {"do": "end"}}, {}, "/steps/lonely", "cannot be reached"),
        ({"sorry": {"do": "say", "text": "Oh."}}, {}, "/steps/sorry", "dead end"),
        ({"sorry": {"do": "say", "next": "bye"}}, {}, "/steps/sorry/text", "is required"),
        ({"sorry": {"do": "say", "text": "Oh.", "next": "ask", "timeout": 5}}, {}, "/steps/sorry/timeout", "no effect"),
        ({"sorry": {"do": "goto", "to": "sorry"}}, {}, "/steps/sorry", "without waiting"),
        ({"sorry": {"do": "goto", "to": "call"}}, {}, "/steps/call", "without waiting"),
        ({"ask": {**SAY, "on_timeout": "ask"}}, {}, "/steps/ask", "for ever"),
        ({"sorry": {"do": "end", "text": "Bye {{who}}."}}, {}, "/steps/sorry/text", "not every path"),
        ({"sorry": {"do": "end", "text": "Bye {{."}}, {}, "/steps/sorry/text", "opens no placeholder"),
        ({"which": {**GOOD["steps"]["which"], "cases": [{"to": "ask"}]}}, {}, "/steps/which/cases/0", "exactly one"),
        (
            {"which": {**GOOD["steps"]["which"], "cases": [{"to": "ask", "button": "C"}]}},
            {},
            "/steps/which/cases/0/button",
            "no step has such a choice",
        ),
        (
            {"which": {**GOOD["steps"]["which"], "cases": [{"to": "ask", "pattern": "("}]}},
            {},
            "/steps/which/cases/0/pattern",
            "regular expression",
        ),
        (
            {"ask": {**SAY, "choices": [{"text": "Á", "to": "name"}, {"text": "a", "to": "call"}]}},
            {},
            "/steps/ask/choices/1/id",
            "nobody could tell",
        ),
        ({}, {"triggers": [{"on": "any"}, {"on": "any"}]}, "/triggers/1", "already"),
        ({}, {"triggers": [{"on": "words", "words": ["Hi", "hí"]}]}, "/triggers/0/words/1", "already"),
        ({}, {"triggers": [{"on": "any", "channel": "sms"}]}, "/triggers/0/channel", "not published to"),
        ({"call": {**GOOD["steps"]["call"], "url": "ftp://x"}}, {}, "/steps/call/url", "http"),
        ({"call": {**GOOD["steps"]["call"], "gives": ["input"]}}, {}, "/steps/call/gives", "the gateway sets"),
        ({"ask": {**SAY, "text": "x" * 7001}}, {}, "", ""),
    ],
)
def test_each_mistake_is_found_at_its_place(
    steps: dict[str, Any], more: dict[str, Any], pointer: str, says: str
) -> None:
    try:
        found = check(flow(steps, **more), {"bot": BOT})
    except msgspec.ValidationError:
        assert pointer == ""
        return
    assert [p.pointer for p in found if says in p.message][:1] == [pointer], found


def test_what_a_channel_cannot_carry_is_found() -> None:
    many = [{"text": f"Choice {n}", "to": "name", "rows": 2} for n in range(13)]
    found = check(flow({"ask": {**SAY, "choices": many}, "call": None, "sorry": None}), {"bot": BOT})
    assert [p.pointer for p in found] == ["/steps/ask/choices"]
    picture = {
        "do": "say",
        "content": {"type": "image", "url": "https://shop.example/1.jpg"},
        "choices": SAY["choices"],
    }
    found = check(flow({"ask": picture}), {"shop": business(True)})
    assert {p.code for p in found} >= {"no_keyboard"}


# -- The tutorial's flow ----------------------------------------------------------------------------------------------


def test_every_path_of_the_tutorial_s_flow_comes_to_an_end() -> None:
    made = read(TUTORIAL).flow
    assert made is not None
    assert check(made, {"bot": BOT}) == []
    assert len(made.steps) >= 10
    paths = list(walk(made, answers={"number": ["1234", "lost"]}))
    assert {step for path in paths for step in path.steps} == set(made.steps)
    assert {path.outcome for path in paths} == {"finished", "handed_over", None}


def test_a_drawing_shows_every_step_and_is_well_formed() -> None:
    made = read(TUTORIAL).flow
    assert made is not None
    picture = ElementTree.fromstring(draw(made))  # noqa: S314 - our own
    texts = ["".join(node.itertext()) for node in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert set(made.steps) <= set(texts)
    assert {"Order", "Apples / Pears", "otherwise"} <= set(texts)


# -- Any flow ---------------------------------------------------------------------------------------------------------

IDS: Final = [f"s{n}" for n in range(6)]
_id = st.sampled_from(IDS)
_maybe = st.none() | _id
_text = st.sampled_from(["Hello", "{{who}} {{input}}", "x"])


def _step(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    made = st.fixed_dictionaries({k: v if isinstance(v, st.SearchStrategy) else st.just(v) for k, v in fields.items()})
    return made.map(lambda step: {k: v for k, v in step.items() if v is not None})


_choice = st.builds(lambda to, sets: {"to": to, "set": {"who": "c"} if sets else {}}, _id, st.booleans())
_choices = st.lists(_choice, min_size=1, max_size=3).map(
    lambda choices: [{"text": f"C{n}", **choice} for n, choice in enumerate(choices)]
)
_case = _step(to=_id, words=["yes"]) | _step(to=_id, variable="who", equals=["x"]) | _step(to=_id, kinds=["image"])
_steps = (
    _step(do="say", text=_text, next=_id)
    | _step(do="say", text=_text, choices=_choices, otherwise=_maybe, on_timeout=_maybe, back=st.booleans())
    | _step(do="ask", text=_text, save="who", next=_id, otherwise=_maybe, on_timeout=_maybe)
    | _step(do="wait", next=_id, on_timeout=_maybe)
    | _step(do="branch", cases=st.lists(_case, min_size=1, max_size=2), otherwise=_id)
    | _step(do="hook", url="https://x.example/", gives=["who"], next=_id, failed=_id, may_go=st.lists(_id, max_size=1))
    | _step(do="set", variables={"who": "me"}, next=_id)
    | _step(do="goto", to=_id)
    | _step(do="handover", text=_text)
    | _step(do="end", text=_text)
)
_flows = st.fixed_dictionaries(
    {
        "name": st.just("any"),
        "start": st.just("s0"),
        "triggers": st.just([{"on": "any"}]),
        "steps": st.fixed_dictionaries(dict.fromkeys(IDS, _steps)),
        "on_timeout": _maybe,
        "repeat": _step(most=st.integers(0, 2), then=_maybe),
    }
).map(lambda made: msgspec.convert({k: v for k, v in made.items() if v is not None}, Flow))
_happenings: st.SearchStrategy[Happening] = (
    st.builds(Heard, st.sampled_from(["C0", "2", "yes", "x", "?", ""]), st.sampled_from(["text", "image"]))
    | st.builds(Heard, st.just("C1"), st.just("text"), st.builds(Pressed, st.just("C1"), st.none() | _id | st.just("")))
    | st.just(TimedOut())
    | st.just(HookFailed())
    | st.builds(Replied, st.just({"who": "x", "else": "y"}), st.none() | _id)
)


def _walked(made: Flow, happenings: list[Happening]) -> Run:
    run, effects = advance(made, Run(), Began(Heard("hi")), NOW)
    _sound(made, run, effects, 0)
    for happening in happenings:
        before = run.number
        run, effects = advance(made, run, happening, NOW + timedelta(seconds=1))
        _sound(made, run, effects, before)
    return run


def _sound(made: Flow, run: Run, effects: list[Effect], before: int) -> None:
    """What holds after every step: it rests somewhere, and each effect has a number of its own."""
    numbers = [effect.number for effect in effects if hasattr(effect, "number")]
    assert numbers == list(range(before + 1, before + 1 + len(numbers)))
    if run.state == "waiting":
        assert waits(made.steps[run.step])
        assert run.until is not None
        assert not effects or isinstance(effects[-1], Wait)
    assert (run.outcome is not None) == (run.state == "ended")


@settings(max_examples=150, deadline=None)
@given(_flows, st.lists(_happenings, max_size=12))
def test_no_flow_whatever_raises_or_goes_on_for_ever(made: Flow, happenings: list[Happening]) -> None:
    _walked(made, happenings)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_flow_that_was_checked_never_breaks_and_leaves_no_placeholder(data: st.DataObject) -> None:
    made = data.draw(_flows)
    found = [p for p in check(made, {"bot": BOT}) if p.code != "unreachable_step"]
    assume(not found)
    run = _walked(made, data.draw(st.lists(_happenings, max_size=12)))
    assert run.outcome != "broken"
    for path in walk(made, most=200):
        assert path.outcome != "broken"
        assert "{{" not in str(path.effects)
