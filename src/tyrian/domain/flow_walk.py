"""Every path of a flow, as people could walk it: for tests of a flow, without a gateway or a person.

`walk` leads a made-up person through `flow_run.advance`, trying at each wait everything that can make a difference:
each choice, an answer, one that does not fit, silence, and whatever a hook may say. A path is given up where it comes
to a step that it has waited at before.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from tyrian.domain import flow as parts
from tyrian.domain.flow import Flow, choice_id
from tyrian.domain.flow_match import Heard, Pressed, fits
from tyrian.domain.flow_run import Began, Effect, Happening, HookFailed, Replied, Run, TimedOut, advance

_AT: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
#: What nobody's step expects.
_NONSENSE: Final = "qwertz 0815"


class Trodden(Struct):
    """One path: what happened, and what came of it. `outcome` is None where it came back to an earlier wait."""

    happened: list[Happening]
    steps: list[str]
    effects: list[Effect]
    outcome: str | None


def walk(
    flow: Flow,
    answers: Mapping[str, Sequence[str]] | None = None,
    replies: Mapping[str, Sequence[Replied]] | None = None,
    *,
    most: int = 10_000,
) -> Iterator[Trodden]:
    """Every path, at most `most` of them.

    `answers` are further things to say at a step that waits, `replies` those of a hook, by the step's id.
    """
    first = Began(Heard("hello"))
    waiting: list[tuple[Run, list[Happening], list[Effect], list[str]]] = []
    run, effects = advance(flow, Run(), first, _AT)
    waiting.append((run, [first], effects, []))
    given = 0
    while waiting and given < most:
        run, happened, effects, rested = waiting.pop()
        if run.state in ("ended", "handed_over"):
            given += 1
            yield Trodden(happened, _steps(run), effects, run.outcome or "handed_over")
        elif run.step in rested:
            given += 1
            yield Trodden(happened, _steps(run), effects, None)
        else:
            tried = _tries(flow, run, answers or {}, replies or {})
            for happening in reversed(tried):
                after, more = advance(flow, run, happening, _AT)
                # An answer that does not fit leaves the person where they are: that is no step, and is tried on.
                here = rested if after.step == run.step and after.repeats > run.repeats else [*rested, run.step]
                waiting.append((after, [*happened, happening], [*effects, *more], here))


def _steps(run: Run) -> list[str]:
    return [passed.step for passed in run.path]


def _tries(
    flow: Flow, run: Run, answers: Mapping[str, Sequence[str]], replies: Mapping[str, Sequence[Replied]]
) -> list[Happening]:
    step = flow.steps[run.step]
    if isinstance(step, parts.Hook):
        values = {name: next(iter(_wanted(flow, name)), "something") for name in step.gives}
        made: list[Happening] = [Replied({**values, name: v}) for name in step.gives for v in _wanted(flow, name)]
        made += [Replied(values, to) for to in (None, *step.may_go)]
        return [*made, *replies.get(run.step, ()), HookFailed()]
    tried: list[Happening] = [Heard(text) for text in answers.get(run.step, ())]
    if isinstance(step, parts.Say):
        tried += [Heard(choice_id(c), pressed=Pressed(choice_id(c), run.step)) for c in step.choices]
    elif isinstance(step, parts.Ask):
        texts = [*_wanted(flow, step.save), "something", "7", "12345", "a@b.example"]
        tried += [Heard(t, kind) for t in texts for kind in step.kinds or ("text",) if fits(step, Heard(t, kind))]
    else:
        tried += _looked_for(flow, step)
    return [*tried, Heard(_NONSENSE), TimedOut()]


def _wanted(flow: Flow, variable: str) -> list[str]:
    """The values that branches hold a variable against."""
    cases = [c for step in flow.steps.values() if isinstance(step, parts.Branch) for c in step.cases]
    return [word for case in cases if case.variable == variable for word in (case.equals or ())[:1]]


def _looked_for(flow: Flow, step: parts.Step) -> list[Happening]:
    """What the branch after a pause looks for."""
    after = flow.steps.get(getattr(step, "next", ""))
    found: list[Happening] = []
    for case in after.cases if isinstance(after, parts.Branch) else ():
        found += [Heard(word) for word in (case.words or ())[:1]]
        found += [Heard("https://media.example/1", kind) for kind in (case.kinds or ())[:1]]
        found += [Heard(case.button, pressed=Pressed(case.button))] if case.button is not None else []
    return found
