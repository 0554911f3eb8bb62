"""What is wrong with a flow, in plain words and each at its JSON pointer, before anybody is led through it.

A flow without problems never raises when it is walked (`flow_run`), never goes round without waiting for the person,
never writes to somebody for ever who does not answer, and every one of its paths comes to a wait or an end.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tyrian.domain import flow as parts, limits
from tyrian.domain.content import Base, Text
from tyrian.domain.flow import Flow, choice_id
from tyrian.domain.flow_circles import circles
from tyrian.domain.flow_content import offered
from tyrian.domain.flow_run import Option
from tyrian.domain.flow_variables import unset
from tyrian.domain.flow_ways import at_step, known_choice, ways_of
from tyrian.domain.limits import Capabilities, takes_keyboards
from tyrian.domain.pattern import BadPattern, compiled, fold
from tyrian.domain.problem import Problem
from tyrian.domain.purpose import Purpose

#: What a case of a branch looks at: exactly one of these.
_LOOKS: Final = ("button", "words", "pattern", "kinds", "variable")


def check(flow: Flow, channels: Mapping[str, Capabilities] | None = None) -> list[Problem]:
    """Every problem of a flow, and of what it says on the channels that it is for."""
    found = [*_references(flow), *_triggers(flow, channels)]
    for identifier, step in flow.steps.items():
        found += _step(flow, step, at_step(identifier))
    if not found:
        found += [*_unreachable(flow), *circles(flow), *unset(flow)]
    for name, can in (channels or {}).items():
        found += _said_on(flow, name, can)
    return found


# -- References and triggers ------------------------------------------------------------------------------------------


def _references(flow: Flow) -> Iterator[Problem]:
    named = [(flow.start, "/start"), (flow.on_timeout, "/on_timeout"), (flow.repeat.then, "/repeat/then")]
    for identifier in flow.steps:
        named += [(way.to, way.pointer) for way in ways_of(flow, identifier)]
        step = flow.steps[identifier]
        if not parts.waits(step):
            named += [(getattr(step, "on_timeout", None), f"{at_step(identifier)}/on_timeout")]
    for to, pointer in dict.fromkeys(named):
        if to is not None and to not in flow.steps:
            yield Problem(pointer, f'leads to "{to}", and there is no such step', "unknown_step")


def _triggers(flow: Flow, channels: Mapping[str, Capabilities] | None) -> Iterator[Problem]:
    seen: dict[tuple[str | None, str], str] = {}
    for n, trigger in enumerate(flow.triggers):
        at = f"/triggers/{n}"
        if trigger.channel is not None and channels is not None and trigger.channel not in channels:
            yield Problem(f"{at}/channel", f'names "{trigger.channel}", which the flow is not published to')
        match trigger:
            case parts.OnWords():
                keys = [(f"words {fold(w)}", f"{at}/words/{i}") for i, w in enumerate(trigger.words)]
            case parts.OnPattern():
                keys = [(f"pattern {trigger.pattern}", f"{at}/pattern")]
                yield from _pattern(trigger.pattern, f"{at}/pattern")
            case parts.OnContext():
                keys = [(f"context {trigger.context}", f"{at}/context")]
            case _:
                keys = [(str(trigger.__struct_config__.tag), at)]
        for key, pointer in keys:
            earlier = seen.setdefault((trigger.channel, key), pointer)
            if earlier != pointer:
                yield Problem(pointer, f"starts the flow by what {earlier} starts it by already", "duplicate_trigger")


def _pattern(text: str | None, at: str) -> Iterator[Problem]:
    if text is None:
        return
    try:
        compiled(text)
    except BadPattern as bad:
        yield Problem(at, str(bad), "bad_pattern")


# -- Steps by themselves ----------------------------------------------------------------------------------------------


def _step(flow: Flow, step: parts.Step, at: str) -> Iterator[Problem]:
    match step:
        case parts.Say():
            yield from _say(step, at)
        case parts.Ask():
            yield from _one_of(step, at, needed=False)
            yield from _pattern(step.pattern, f"{at}/pattern")
        case parts.Pause() if step.otherwise is not None:
            yield Problem(f"{at}/otherwise", "has no effect: whatever comes is what this step waits for")
        case parts.Branch():
            for n, case in enumerate(step.cases):
                yield from _case(flow, case, f"{at}/cases/{n}")
        case parts.Hook():
            yield from _hook(step, at)
        case parts.Handover() if step.queue is not None and step.agent is not None:
            yield Problem(f"{at}/agent", "cannot be given beside queue: name one of the two")
        case parts.End():
            yield from _one_of(step, at, needed=False)
        case _:
            pass


def _one_of(step: parts.Say | parts.Ask | parts.End, at: str, *, needed: bool) -> Iterator[Problem]:
    if step.text is not None and step.content is not None:
        yield Problem(f"{at}/content", "cannot be given beside text: say it in one of the two")
    elif needed and step.text is None and step.content is None:
        yield Problem(f"{at}/text", "is required: text, or content", "required")


def _say(step: parts.Say, at: str) -> Iterator[Problem]:
    yield from _one_of(step, at, needed=True)
    if not step.choices:
        if step.next is None:
            yield Problem(at, "is a dead end: it needs choices, or next; use `do: end` where a flow ends", "dead_end")
        idle = [name for name in ("timeout", "on_timeout", "otherwise") if getattr(step, name) is not None]
        for name in [*idle, *(["back"] if step.back else [])]:
            yield Problem(f"{at}/{name}", "has no effect: a step without choices does not wait")
        return
    if step.next is not None:
        yield Problem(f"{at}/next", "has no effect beside choices: each choice says where it leads")
    if step.content is not None and step.content.keyboard is not None:
        yield Problem(f"{at}/content/keyboard", "cannot be given beside choices: they are the keyboard")
    seen: dict[str, int] = {}
    for n, choice in enumerate(step.choices):
        for name, word in (("id", choice_id(choice)), ("text", choice.text)):
            if seen.setdefault(fold(word), n) != n:
                message = f'is "{word}", as for choice {seen[fold(word)] + 1}: nobody could tell them apart'
                yield Problem(f"{at}/choices/{n}/{name}", message, "duplicate_choice")
                break


def _case(flow: Flow, case: parts.Case, at: str) -> Iterator[Problem]:
    given = [name for name in _LOOKS if getattr(case, name) is not None]
    if len(given) != 1:
        said = f"has {' and '.join(given)}" if given else "has none"
        yield Problem(at, f"must have exactly one of {', '.join(_LOOKS)}; it {said}")
    for name in ("equals", "matches"):
        if getattr(case, name) is not None and case.variable is None:
            yield Problem(f"{at}/{name}", "needs a variable that it is held against")
    if case.equals is not None and case.matches is not None:
        yield Problem(f"{at}/matches", "cannot be given beside equals")
    if case.button is not None and not known_choice(flow, case.button):
        yield Problem(f"{at}/button", f'is "{case.button}", and no step has such a choice', "unknown_choice")
    yield from _pattern(case.pattern, f"{at}/pattern")
    yield from _pattern(case.matches, f"{at}/matches")


def _hook(step: parts.Hook, at: str) -> Iterator[Problem]:
    if not step.url.startswith(("https://", "http://")) or "{{" in step.url or " " in step.url:
        yield Problem(f"{at}/url", "must be an http:// or https:// URL, without placeholders")
    fixed = sorted(set(step.gives) & set(parts.GIVEN))
    if fixed:
        yield Problem(f"{at}/gives", f"has {', '.join(fixed)}, which the gateway sets itself")


# -- The flow as a whole ----------------------------------------------------------------------------------------------


def _unreachable(flow: Flow) -> Iterator[Problem]:
    reached, waiting = {flow.start}, [flow.start]
    while waiting:
        for way in ways_of(flow, waiting.pop()):
            if way.to not in reached:
                reached.add(way.to)
                waiting.append(way.to)
    for identifier in flow.steps:
        if identifier not in reached:
            yield Problem(at_step(identifier), "cannot be reached from the start", "unreachable_step")


# -- What it says -----------------------------------------------------------------------------------------------------


def contents(flow: Flow) -> Iterator[tuple[str, Base, Sequence[Option]]]:
    """Everything that a flow can say: where it stands, the content, and its options."""
    yield "/repeat", Text(text=flow.repeat.text), ()
    for identifier, step in flow.steps.items():
        at = at_step(identifier)
        text, content = getattr(step, "text", None), getattr(step, "content", None)
        options = [
            Option(choice_id(c), c.text, c.columns, c.rows, c.image, c.background)
            for c in (step.choices if isinstance(step, parts.Say) else ())
        ]
        if text is not None:
            yield at, Text(text=text), options
        elif content is not None:
            yield f"{at}/content", content, options


def _said_on(flow: Flow, channel: str, can: Capabilities) -> Iterator[Problem]:
    """What a channel cannot carry of what the flow says."""
    for at, content, options in contents(flow):
        if options and not isinstance(content, Text) and not takes_keyboards(can):
            message = f"cannot be said on {channel}: it has no buttons there, so choices need a text to stand in"
            yield Problem(at, message, "no_keyboard")
            continue
        shown = offered(content, options, can)
        for problem in limits.check(shown, Purpose.SESSION, can, ""):
            pointer = problem.pointer.replace("/keyboard/buttons", "/choices") if options else problem.pointer
            place = at.removesuffix("/content") if pointer.startswith("/choices") else at
            yield Problem(f"{place}{pointer}", f"{problem.message} ({channel})", problem.code)
