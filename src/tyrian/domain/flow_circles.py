"""Circles in a flow that nobody's answer would ever break."""

from collections.abc import Callable, Iterator

from tyrian.domain.flow import Flow, waits
from tyrian.domain.flow_ways import Way, at_step, ways_of
from tyrian.domain.problem import Problem

_Follow = Callable[[str, Way], bool]


def circles(flow: Flow) -> Iterator[Problem]:
    """Circles without a wait, and circles in which all waits end by their time alone."""
    restless = _circle(flow, lambda step, way: not waits(flow.steps[step]))
    if restless:
        said = f"goes round without waiting for the person: {' → '.join([*restless, restless[0]])}"
        yield Problem(at_step(restless[0]), said, "endless")
        return
    unanswered = _circle(flow, lambda step, way: way.kind == "timeout" or not waits(flow.steps[step]))
    if unanswered:
        path = " → ".join([*unanswered, unanswered[0]])
        said = f"would write for ever to somebody who does not answer: {path}. Lead one of the timeouts to an end"
        yield Problem(at_step(unanswered[0]), said, "endless")


def _circle(flow: Flow, follow: _Follow) -> list[str] | None:
    """The steps of one circle of the ways that are followed; found without recursion, for flows may be long."""
    done: set[str] = set()
    for start in flow.steps:
        path: list[str] = []
        waiting: list[tuple[str, bool]] = [(start, True)]
        while waiting:
            step, entering = waiting.pop()
            if not entering:
                path.pop()
                done.add(step)
            elif step in path:
                return path[path.index(step) :]
            elif step not in done:
                path.append(step)
                waiting.append((step, False))
                waiting += [(way.to, True) for way in ways_of(flow, step) if follow(step, way)]
    return None
