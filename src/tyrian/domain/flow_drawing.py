"""A picture of a flow: its steps in layers from the start downwards, and the ways between them. SVG, and nothing else.

A step's layer is the length of the longest way to it that does not turn back; within a layer, steps are moved towards
what they hang together with, over a few passes. A way to the next layer is a curve. One that goes back, or over several
layers, goes round: through the gap below its layer, up or down in a lane of its own at the side, and through the gap
above the layer that it leads to. So no line ever runs behind a box.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, NamedTuple

from tyrian.domain import flow as parts
from tyrian.domain.flow import Flow
from tyrian.domain.flow_ways import Way, ways_of

_WIDTH: Final = 208
_LINE: Final = 16
_PAD: Final = 10
_GAP_X: Final = 44
_GAP_Y: Final = 92
_MARGIN: Final = 28
_LANE: Final = 12
#: Between lines that share a gap.
_TRACK: Final = 7
_LETTERS: Final = 27
_MOST_LINES: Final = 3
_PASSES: Final = 6

#: What a kind of step looks like: its word, the box's fill and its edge.
_LOOKS: Final[dict[type, tuple[str, str, str]]] = {
    parts.Say: ("say", "#eef4fb", "#4a7fb5"),
    parts.Ask: ("ask", "#eef9f1", "#3f9a5e"),
    parts.Pause: ("wait", "#eef9f1", "#3f9a5e"),
    parts.Branch: ("branch", "#fdf6e5", "#b98a1d"),
    parts.Hook: ("hook", "#f5effb", "#7f56b3"),
    parts.Set: ("set", "#f4f4f4", "#777777"),
    parts.Handover: ("hand over", "#fdeeee", "#bf4b4b"),
    parts.Goto: ("go to", "#f4f4f4", "#777777"),
    parts.End: ("end", "#f0f0f0", "#444444"),
}
_STROKES: Final = {
    "timeout": 'stroke-dasharray="2 4"',
    "otherwise": 'stroke-dasharray="7 4"',
    "failed": 'stroke-dasharray="7 4"',
}


class _Line(NamedTuple):
    """Ways between the same two steps, drawn as one; `labels` say when each is gone."""

    start: str
    to: str
    labels: list[str]
    kind: str


@dataclass(slots=True)
class _Box:
    """One step as it is drawn."""

    name: str
    lines: list[str]
    look: tuple[str, str, str]
    layer: int = 0
    x: float = 0.0
    y: float = 0.0
    height: float = 0.0
    #: Where the boxes of its layer end.
    floor: float = 0.0

    @property
    def middle(self) -> float:
        return self.x + _WIDTH / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


def draw(flow: Flow) -> str:
    """The picture. A flow that was not checked is drawn as far as its steps exist."""
    boxes = {name: _box(name, step) for name, step in flow.steps.items()}
    lines = _lines(flow, boxes)
    layers = _layers(flow, boxes, lines)
    _order(layers, lines, boxes)
    _place(layers)
    shapes: list[str] = []
    texts: list[str] = []
    right = max(box.x + _WIDTH for box in boxes.values())
    lanes = _draw_lines(lines, boxes, right, shapes, texts)
    for box in boxes.values():
        shapes += _draw_box(box, first=box.name == flow.start)
    width = right + _MARGIN + lanes * _LANE
    height = max(box.floor for box in boxes.values()) + _MARGIN + (_GAP_Y / 2 if lanes else 0)
    title = escape(flow.title or flow.name)
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
                f'height="{height:.0f}" font-family="Helvetica, Arial, sans-serif" font-size="12" role="img">'
            ),
            f"<title>{title}</title>",
            (
                '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
                'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>'
            ),
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
            f'<text x="{_MARGIN}" y="{_MARGIN - 6}" font-size="14" font-weight="bold" fill="#222">{title}</text>',
            *shapes,
            *texts,
            "</svg>\n",
        ]
    )


# -- What is drawn ----------------------------------------------------------------------------------------------------


def _box(name: str, step: parts.Step) -> _Box:
    said = step.title or getattr(step, "text", None) or _gist(step)
    lines = _wrapped(said)
    return _Box(name, lines, _LOOKS[type(step)], height=_PAD * 2 + _LINE * (1 + len(lines)))


def _gist(step: parts.Step) -> str:
    match step:
        case parts.Hook():
            return step.url.split("?")[0]
        case parts.Set():
            return ", ".join(f"{name} = {value}" for name, value in step.variables.items())
        case parts.Handover():
            return f"to {step.agent or step.queue or 'the inbox'}"
        case _:
            content = getattr(step, "content", None)
            return f"[{content.__struct_config__.tag}]" if content is not None else ""


def _wrapped(text: str) -> list[str]:
    """A text in a few lines, cut where it is longer."""
    lines, line = [], ""
    for word in text.split():
        cut = word if len(word) <= _LETTERS else word[: _LETTERS - 1] + "…"
        if line and len(line) + 1 + len(cut) > _LETTERS:
            lines.append(line)
            line = cut
        else:
            line = f"{line} {cut}".strip()
    lines += [line] if line else []
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1][: _LETTERS - 1] + "…"]
    return lines


def _lines(flow: Flow, boxes: dict[str, _Box]) -> list[_Line]:
    """One line for all ways between two steps. Waits that end where the whole flow's do are left out."""
    found: dict[tuple[str, str, bool], _Line] = {}
    for name in flow.steps:
        for way in ways_of(flow, name):
            if way.to not in boxes or way.pointer in ("/on_timeout", "/repeat/then"):
                continue
            quiet = way.kind in _STROKES
            line = found.get((name, way.to, quiet))
            if line is None:
                line = found[name, way.to, quiet] = _Line(name, way.to, [], way.kind)
            if way.label:
                line.labels.append(_label(way))
    return list(found.values())


def _label(way: Way) -> str:
    return way.label if len(way.label) <= 24 else way.label[:23] + "…"


# -- Where it is drawn ------------------------------------------------------------------------------------------------


def _layers(flow: Flow, boxes: dict[str, _Box], lines: Sequence[_Line]) -> list[list[_Box]]:
    """Steps by how far they are from the start; those that only the flow's own defaults lead to stand in the last."""
    order, forward = _forward(flow.start if flow.start in boxes else next(iter(boxes)), lines)
    known = dict.fromkeys(order, 0)
    for name in order:
        for to in forward.get(name, ()):
            known[to] = max(known[to], known[name] + 1)
    last = max(known.values())
    layers: list[list[_Box]] = [[] for _ in range(last + 1)]
    for name in [*order, *(name for name in boxes if name not in known)]:
        boxes[name].layer = known.get(name, last)
        layers[boxes[name].layer].append(boxes[name])
    return layers


def _forward(start: str, lines: Sequence[_Line]) -> tuple[list[str], dict[str, list[str]]]:
    """The steps in an order in which no way that counts turns back, and those ways; found without recursion."""
    out: dict[str, list[str]] = {}
    for line in lines:
        out.setdefault(line.start, []).append(line.to)
    forward: dict[str, list[str]] = {}
    done: list[str] = []
    open_steps: set[str] = set()
    seen: set[str] = {start}
    waiting = [(start, iter(out.get(start, ())))]
    open_steps.add(start)
    while waiting:
        name, following = waiting[-1]
        to = next(following, None)
        if to is None:
            waiting.pop()
            open_steps.discard(name)
            done.append(name)
        elif to not in open_steps:
            forward.setdefault(name, []).append(to)
            if to not in seen:
                seen.add(to)
                open_steps.add(to)
                waiting.append((to, iter(out.get(to, ()))))
    return done[::-1], forward


def _order(layers: list[list[_Box]], lines: Sequence[_Line], boxes: dict[str, _Box]) -> None:
    """Moves steps of a layer next to what they hang together with."""
    near: dict[str, list[str]] = {name: [] for name in boxes}
    for line in lines:
        if abs(boxes[line.start].layer - boxes[line.to].layer) == 1:
            near[line.start].append(line.to)
            near[line.to].append(line.start)
    places = {box.name: float(n) for layer in layers for n, box in enumerate(layer)}
    for turn in range(_PASSES):
        for layer in layers if turn % 2 == 0 else reversed(layers):
            means = {}
            for box in layer:
                above = [places[name] for name in near[box.name] if boxes[name].layer < box.layer]
                around = above or [places[box.name]]
                means[box.name] = sum(around) / len(around)
            layer.sort(key=lambda box: means[box.name])
            for n, box in enumerate(layer):
                places[box.name] = float(n) + (max(len(one) for one in layers) - len(layer)) / 2


def _place(layers: list[list[_Box]]) -> None:
    widest = max(len(layer) for layer in layers)
    top: float = _MARGIN + 14
    for layer in layers:
        free = (widest - len(layer)) * (_WIDTH + _GAP_X)
        for n, box in enumerate(layer):
            box.x, box.y = _MARGIN + free / 2 + n * (_WIDTH + _GAP_X), top
        tallest = max(box.height for box in layer)
        for box in layer:
            box.floor = top + tallest
        top += tallest + _GAP_Y


# -- Drawing ----------------------------------------------------------------------------------------------------------


def _draw_lines(
    lines: Sequence[_Line], boxes: dict[str, _Box], right: float, shapes: list[str], texts: list[str]
) -> int:
    """Draws all lines; returns how many lanes at the side it took."""
    leaving, coming = _ports(lines, boxes, start=True), _ports(lines, boxes, start=False)
    below: dict[int, int] = {}
    above: dict[int, int] = {}
    lanes = 0
    for line in lines:
        start, to, key = boxes[line.start], boxes[line.to], (line.start, line.to, line.kind)
        x1, x2 = leaving[key], coming[key]
        if to.layer == start.layer + 1:
            bend = (start.bottom + to.y) / 2
            path = f"M{x1:.0f} {start.bottom:.0f}C{x1:.0f} {bend:.0f} {x2:.0f} {bend:.0f} {x2:.0f} {to.y - 2:.0f}"
            # Labels stand at different heights to the left and right, so that they stay apart.
            share = 0.5 if x1 <= start.middle else 0.68
            texts += _draw_labels(line.labels, x1 + (x2 - x1) * share, start.bottom + (to.y - start.bottom) * share)
        else:
            lanes += 1
            first = below[start.layer] = below.get(start.layer, -1) + 1
            second = above[to.layer] = above.get(to.layer, -1) + 1
            y1 = start.floor + 12 + _TRACK * first
            y2 = to.y - 14 - _TRACK * second
            path = _round((x1, start.bottom), y1, right + lanes * _LANE, y2, (x2, to.y - 2))
            texts += _draw_labels(line.labels, x1 + 8 + 3.15 * len(" / ".join(line.labels)), y1)
        stroke = _STROKES.get(line.kind, "")
        shapes.append(f'<path d="{path}" fill="none" stroke="#555" {stroke} marker-end="url(#tip)"/>')
    return lanes


def _round(start: tuple[float, float], y1: float, side: float, y2: float, end: tuple[float, float]) -> str:
    """A path with round corners: down from a box, along, up or down at the side, along, and down into a box."""
    points = [start, (start[0], y1), (side, y1), (side, y2), (end[0], y2), end]
    made = [f"M{start[0]:.0f} {start[1]:.0f}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        enter, leave = _towards(corner, before), _towards(corner, after)
        made.append(f"L{enter[0]:.0f} {enter[1]:.0f}Q{corner[0]:.0f} {corner[1]:.0f} {leave[0]:.0f} {leave[1]:.0f}")
    made.append(f"L{end[0]:.0f} {end[1]:.0f}")
    return "".join(made)


def _towards(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """A point a little way from a corner."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = max(abs(dx) + abs(dy), 1.0)
    step = min(6.0, length / 2)
    return corner[0] + dx / length * step, corner[1] + dy / length * step


def _ports(lines: Sequence[_Line], boxes: dict[str, _Box], *, start: bool) -> dict[tuple[str, str, str], float]:
    """Where lines leave their boxes, or come to them: side by side, by their other ends, long ways to the right."""
    by_box: dict[str, list[_Line]] = {}
    for line in lines:
        by_box.setdefault(line.start if start else line.to, []).append(line)
    found: dict[tuple[str, str, str], float] = {}
    for name, here in by_box.items():
        here.sort(key=lambda line: _end(line, boxes, start=start))
        for n, line in enumerate(here, 1):
            found[line.start, line.to, line.kind] = boxes[name].x + _WIDTH * n / (len(here) + 1)
    return found


def _end(line: _Line, boxes: dict[str, _Box], *, start: bool) -> tuple[bool, float]:
    long = boxes[line.to].layer != boxes[line.start].layer + 1
    return long, boxes[line.to if start else line.start].middle


def _draw_labels(labels: Sequence[str], x: float, y: float) -> list[str]:
    """Labels on white, so that they can be read where lines cross."""
    text = " / ".join(labels[:3]) + (" …" if len(labels) > 3 else "")
    if not text:
        return []
    width = 6.3 * len(text) + 8
    return [
        (
            f'<rect x="{x - width / 2:.0f}" y="{y - 9:.0f}" width="{width:.0f}" height="16" rx="3" fill="#fff" '
            f'fill-opacity="0.9"/>'
        ),
        f'<text x="{x:.0f}" y="{y + 3:.0f}" text-anchor="middle" font-size="11" fill="#333">{escape(text)}</text>',
    ]


def _draw_box(box: _Box, *, first: bool) -> list[str]:
    word, fill, edge = box.look
    made = [
        (
            f'<rect x="{box.x:.0f}" y="{box.y:.0f}" width="{_WIDTH}" height="{box.height:.0f}" rx="8" fill="{fill}" '
            f'stroke="{edge}" stroke-width="{2.5 if first else 1.2}"/>'
        ),
        (
            f'<text x="{box.x + _PAD:.0f}" y="{box.y + _PAD + 11:.0f}" font-weight="bold" fill="#222">'
            f"{escape(box.name[:22])}</text>"
        ),
        (
            f'<text x="{box.x + _WIDTH - _PAD:.0f}" y="{box.y + _PAD + 11:.0f}" text-anchor="end" font-size="10" '
            f'fill="{edge}">{word}</text>'
        ),
    ]
    for n, line in enumerate(box.lines, 1):
        y = box.y + _PAD + 11 + _LINE * n
        made.append(f'<text x="{box.x + _PAD:.0f}" y="{y:.0f}" fill="#333">{escape(line)}</text>')
    return made
