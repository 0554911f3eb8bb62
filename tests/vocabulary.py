"""The words that the source says: reasons, event types and metrics, found by reading the code and not by running it."""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parents[1] / "src" / "tyrian"

#: Where a reason stands in a call: the name of what is called -> the place of the argument.
_REASON_AT: Final = {
    "Refused": 0, "Retry": 0, "Unknown": 0, "Unreachable": 0, "_Try": 0, "_failed": 0,
    "Verdict": 1, "_refused": 1, "Event": 1, "Meaning": 2, "Receipt": 2, "_over": 3,
}  # fmt: skip
#: Some of these take a sentence in other modules; it is told by its spaces.
_WORD: Final = re.compile(r"[a-z]+(_[a-z]+)*")
_REASONS_NAME: Final = re.compile(r"reason|REFUSALS|FAILED_WORDS", re.IGNORECASE)
_VERDICTS: Final = frozenset({"DONE", "RETRY", "PARK"})
#: What a statement of SQL puts into events.
_TOLD: Final = re.compile(r"INSERT INTO events\b.*?\bSELECT\b(.*?)\bFROM\b", re.DOTALL)
_METRIC_CALLS: Final = frozenset({"gauge", "count", "clear", "_named"})

Words = Mapping[str, set[str]]


def reasons(source: Path = SOURCE) -> Words:
    """Every reason word, with the places where it is said."""
    return _collected(source, reasons_in)


def events(source: Path = SOURCE) -> Words:
    """Every event type, with the places where it is said."""
    return _collected(source, events_in)


def metrics(source: Path = SOURCE) -> Words:
    """Every metric, with the places where it is made or set."""
    return _collected(source, metrics_in)


def _collected(source: Path, find: Callable[[ast.AST], Iterable[str]]) -> Words:
    found: dict[str, set[str]] = defaultdict(set)
    for place, tree in _trees(source):
        for word in find(tree):
            found[word].add(place)
    return found


@cache
def _trees(source: Path) -> list[tuple[str, ast.Module]]:
    """Every module, parsed, by its place."""
    paths = sorted(source.rglob("*.py"))
    return [(str(path.relative_to(source)), ast.parse(path.read_text("utf-8"))) for path in paths]


# -- Reasons ----------------------------------------------------------------------------------------------------------


def reasons_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        for said in _reasons_of(node):
            yield from (word for word in _strings(said) if _WORD.fullmatch(word))


def _reasons_of(node: ast.AST) -> Iterator[ast.AST]:
    """The expressions in a node whose value is a reason."""
    match node:
        case ast.Call():
            place = _REASON_AT.get(_name(node.func))
            if place is not None and len(node.args) > place:
                yield node.args[place]
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "reason")
        case ast.Tuple(elts=[ast.Attribute(value=ast.Name(id="ReceiptKind")), said]):
            yield said
        case ast.BoolOp(op=ast.Or(), values=[ast.Attribute(attr="reason"), said]):
            yield said
        case ast.Assign(targets=[target], value=value):
            yield from _assigned(target, value)
        case ast.AnnAssign(target=target, value=value) if value is not None:
            yield from _assigned(target, value)
        case ast.FunctionDef() if _REASONS_NAME.search(node.name):
            yield from (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value)


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[ast.AST]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, given in zip(target.elts, value.elts, strict=False):
            yield from _assigned(one, given)
    elif _REASONS_NAME.search(_name(target)) and "at" not in _name(target).lower().split("_"):
        yield from _values(value)


def _values(value: ast.expr) -> Iterator[ast.AST]:
    """The last of each pair in a table, or the value itself."""
    match value:
        case ast.Dict():
            yield from value.values
        case ast.Tuple(elts=[ast.Tuple(), *_]):
            yield from (row.elts[-1] for row in value.elts if isinstance(row, ast.Tuple))
        case ast.Constant() | ast.IfExp() | ast.BoolOp():
            yield value


# -- Event types ------------------------------------------------------------------------------------------------------


def events_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=func, args=[first, *_]) if _name(func) == "Event":
                yield from _strings(first)
            case ast.Call(func=func, keywords=keywords) if _name(func) == "EventAnswer":
                yield from (word for k in keywords if k.arg == "type" for word in _strings(k.value))
            case ast.Tuple(elts=elts) if any(_name(e) in _VERDICTS for e in elts):
                yield from (word for e in elts for word in _strings(e))
            case ast.Call(func=ast.Name(id="_over"), args=[_, _, ast.Attribute(attr=status), *_]):
                yield status.lower()
            case ast.Constant(value=str(sql)):
                yield from (word for told in _TOLD.findall(sql) for word in re.findall(r"'(\w+)'", told))


# -- Metrics ----------------------------------------------------------------------------------------------------------


def metrics_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=func, args=[first, *_]) if _name(func) in _METRIC_CALLS:
                # Strings and lists have a `count` of their own; a metric is known by its prefix there.
                yield from (w for w in _strings(first) if _name(func) != "count" or w.startswith("tyrian_"))
            case ast.For(target=ast.Name(id="name"), iter=ast.Tuple(elts=elts)):
                yield from (word for e in elts for word in _strings(e) if word.startswith("tyrian_"))


def _name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _strings(node: ast.AST) -> Iterator[str]:
    """The texts that an expression may come to."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _strings(one)
            yield from _strings(other)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _strings(value)
        case ast.Call(func=ast.Name(id="next"), args=[_, default]):
            yield from _strings(default)
