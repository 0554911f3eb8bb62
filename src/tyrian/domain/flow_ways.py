"""The ways of a flow: which step leads where, and when. Checks, drawings and walks all look at these."""

from typing import NamedTuple

from tyrian.domain.flow import (
    Ask,
    Branch,
    Case,
    End,
    Flow,
    Goto,
    Handover,
    Hook,
    Pause,
    Say,
    Set,
    Step,
    choice_id,
    waits,
)
from tyrian.domain.problem import escape


class Way(NamedTuple):
    """One way from a step to another.

    `pointer` is where the file says so; `label` is for drawings; `kind` is `next`, `choice`, `case`, `timeout`,
    `otherwise`, `failed` or `chosen` (by a hook). `sets` are the variables that going this way sets for sure.
    """

    to: str
    kind: str
    label: str
    pointer: str
    sets: frozenset[str] = frozenset()


def at_step(identifier: str) -> str:
    """The JSON pointer of a step."""
    return f"/steps/{escape(identifier)}"


def ways_of(flow: Flow, identifier: str) -> list[Way]:
    """Every way out of a step, those that lead to steps that do not exist included."""
    step, at = flow.steps[identifier], at_step(identifier)
    found: list[Way] = []
    match step:
        case Say() if step.choices:
            found = [
                Way(c.to, "choice", c.text, f"{at}/choices/{n}/to", frozenset(c.set))
                for n, c in enumerate(step.choices)
            ]
        case Say():
            found = [Way(step.next, "next", "", f"{at}/next")] if step.next is not None else []
        case Ask():
            found = [Way(step.next, "next", f"{step.save} =", f"{at}/next", frozenset({step.save}))]
        case Pause():
            found = [Way(step.next, "next", "anything", f"{at}/next")]
        case Branch():
            found = [Way(c.to, "case", label_of(c), f"{at}/cases/{n}/to") for n, c in enumerate(step.cases)]
            found.append(Way(step.otherwise, "otherwise", "otherwise", f"{at}/otherwise"))
        case Hook():
            given = frozenset(step.gives)
            found = [Way(step.next, "next", "", f"{at}/next", given)]
            found += [Way(to, "chosen", "chosen", f"{at}/may_go/{n}", given) for n, to in enumerate(step.may_go)]
            found.append(Way(step.failed, "failed", "failed", f"{at}/failed"))
        case Set():
            found = [Way(step.next, "next", "", f"{at}/next", frozenset(step.variables))]
        case Goto():
            found = [Way(step.to, "next", "", f"{at}/to")]
        case Handover() | End():
            pass
    return [*found, *_of_waiting(flow, step, at)]


def _of_waiting(flow: Flow, step: Step, at: str) -> list[Way]:
    """Where a step that waits leads when the time is up, or something else came than it waits for."""
    if not (waits(step) and isinstance(step, Say | Ask | Pause)):
        return []
    found = []
    if step.on_timeout is not None:
        found.append(Way(step.on_timeout, "timeout", "no answer", f"{at}/on_timeout"))
    elif flow.on_timeout is not None:
        found.append(Way(flow.on_timeout, "timeout", "no answer", "/on_timeout"))
    if isinstance(step, Pause):
        return found
    if step.otherwise is not None:
        found.append(Way(step.otherwise, "otherwise", "otherwise", f"{at}/otherwise"))
    elif flow.repeat.then is not None:
        found.append(Way(flow.repeat.then, "otherwise", "not understood", "/repeat/then"))
    return found


def label_of(case: Case) -> str:
    """What a case asks for, in short."""
    if case.button is not None:
        return case.button
    if case.words is not None:
        return " / ".join(case.words)
    if case.pattern is not None:
        return f"~ {case.pattern}"
    if case.kinds is not None:
        return " / ".join(case.kinds)
    if case.equals is not None:
        return f"{case.variable} = {' / '.join(case.equals)}"
    return f"{case.variable} ~ {case.matches}" if case.matches is not None else f"{case.variable} is set"


def known_choice(flow: Flow, name: str) -> bool:
    """Whether any step has a choice with this id or text."""
    return any(
        name in (choice_id(choice), choice.text)
        for step in flow.steps.values()
        if isinstance(step, Say)
        for choice in step.choices
    )
