"""Which variables are set for sure when a step is come to, and what uses one that is not."""

from collections.abc import Iterator

from tyrian.domain import flow as parts
from tyrian.domain.content import Text
from tyrian.domain.flow import Flow
from tyrian.domain.flow_ways import at_step, ways_of
from tyrian.domain.problem import Problem, escape
from tyrian.domain.render import problems as in_content


def unset(flow: Flow) -> Iterator[Problem]:
    """Each use of a variable that some path to it has not set."""
    first = frozenset((*parts.GIVEN, *flow.variables))
    known = known_at(flow, first)
    yield from _text(flow.repeat.text, first, "/repeat/text")
    for identifier, step in flow.steps.items():
        for problem in _uses(step, known.get(identifier, first), at_step(identifier)):
            yield Problem(problem.pointer, problem.message, "unset_variable")


def known_at(flow: Flow, first: frozenset[str]) -> dict[str, frozenset[str]]:
    """The variables that every path from the start to a step has set."""
    known = {flow.start: first}
    waiting = [flow.start]
    while waiting:
        step = waiting.pop()
        for way in ways_of(flow, step):
            here = known[step] | way.sets
            before = known.get(way.to)
            if before is None or not before <= here:
                known[way.to] = here if before is None else before & here
                waiting.append(way.to)
    return known


def _uses(step: parts.Step, known: frozenset[str], at: str) -> Iterator[Problem]:
    for name in ("text", "note"):
        yield from _text(getattr(step, name, None), known, f"{at}/{name}")
    content = getattr(step, "content", None)
    if content is not None:
        yield from _worded(in_content(content, known, f"{at}/content"))
    match step:
        case parts.Say():
            for n, choice in enumerate(step.choices):
                yield from _text(choice.text, known, f"{at}/choices/{n}/text")
                for name, value in choice.set.items():
                    yield from _text(value, known, f"{at}/choices/{n}/set/{escape(name)}")
        case parts.Set():
            for name, value in step.variables.items():
                yield from _text(value, known, f"{at}/variables/{escape(name)}")
        case parts.Branch():
            named = [(c.variable, f"{at}/cases/{n}/variable") for n, c in enumerate(step.cases)]
            yield from _names([pair for pair in named if pair[0] is not None], known)
        case parts.Hook():
            yield from _names([(v, f"{at}/send/{n}") for n, v in enumerate(step.send or ())], known)
        case parts.Handover():
            yield from _names([(v, f"{at}/context/{n}") for n, v in enumerate(step.context or ())], known)
        case _:
            pass


def _text(text: str | None, known: frozenset[str], at: str) -> Iterator[Problem]:
    if text:
        yield from _worded(in_content(Text(text=text), known, at.removesuffix("/text")), at)


def _worded(problems: list[Problem], at: str | None = None) -> Iterator[Problem]:
    for problem in problems:
        message = problem.message.replace(
            "and no variable of that name is given", "and not every path to this step has set that variable"
        )
        yield Problem(at or problem.pointer, message, problem.code)


def _names(pairs: list[tuple[str | None, str]], known: frozenset[str]) -> Iterator[Problem]:
    for name, pointer in pairs:
        if name not in known:
            yield Problem(pointer, f'is "{name}", and not every path to this step has set that variable')
