"""Reading a flow's file: YAML, with bounds on what it may ask of whoever reads it, and the line of everything in it.

The YAML is that of version 1.2's core schema: `on`, `yes` and `no` are words, not truth values. Aliases, tags and
several documents are refused: nothing in a flow needs them, and a few lines of aliases can stand for gigabytes.
"""

import re
from typing import Any, Final

import msgspec
import yaml
from msgspec import Struct

from tyrian.domain.flow import Flow
from tyrian.domain.problem import Problem, escape, problems_of

#: Bytes of a file, levels of nesting, and values in all.
MOST_BYTES: Final = 256 * 1024
MOST_DEPTH: Final = 24
MOST_VALUES: Final = 50_000

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT: Final = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT: Final = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?")
_WORDS: Final = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "Null": None,
    "~": None,
    "": None,
}


class Finding(Struct, frozen=True, omit_defaults=True):
    """A problem of a flow: what, at which JSON pointer, and at which line of the file, where there is one."""

    pointer: str
    message: str
    code: str = "invalid"
    line: int | None = None


class FlowFile(Struct):
    """A file as it was read: the flow, unless it is none; what is wrong with it; and the line of each pointer."""

    flow: Flow | None
    problems: list[Problem]
    lines: dict[str, int]

    def located(self, problems: list[Problem]) -> list[Finding]:
        """Problems with their lines, in the order of the lines."""
        found = [Finding(p.pointer, p.message, p.code, self._line(p.pointer)) for p in problems]
        return sorted(found, key=lambda one: one.line or 0)

    def _line(self, pointer: str) -> int | None:
        """The line of a pointer, or of the nearest thing around it."""
        while pointer not in self.lines and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer)


class _Bad(Exception):
    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


def read(source: str) -> FlowFile:
    """A flow from the text of its file."""
    if len(source.encode("utf-8", "replace")) > MOST_BYTES:
        return FlowFile(None, [Problem("", f"is larger than {MOST_BYTES // 1024} KiB", "too_large")], {})
    builder = _Builder()
    try:
        value = builder.build(source)
    except _Bad as bad:
        return FlowFile(None, [Problem("", str(bad), "not_yaml")], {} if bad.line is None else {"": bad.line})
    made = of_value(value)
    made.lines = builder.lines
    return made


def of_value(value: Any) -> FlowFile:
    """A flow from plain values, such as those of a JSON body."""
    problems = problems_of(value, Flow)
    if problems:
        return FlowFile(None, problems, {})
    try:
        return FlowFile(msgspec.convert(value, Flow), [], {})
    except msgspec.ValidationError as error:
        said = str(error)
        return FlowFile(None, [Problem("", said[:1].lower() + said[1:])], {})


class _Builder:
    """Puts values together from the parser's events, without recursion, and counts as it goes."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self._values = 0

    def build(self, source: str) -> Any:
        if "\0" in source:
            raise _Bad("has a NUL character, which cannot be stored", source.count("\n", 0, source.index("\0")) + 1)
        try:
            return self._build(source)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise _Bad(f"is not YAML: {error.problem or error.context}", mark.line + 1 if mark else None) from error
        except (yaml.YAMLError, UnicodeEncodeError) as error:
            raise _Bad(f"is not YAML: {str(error).splitlines()[0]}", None) from error

    def _build(self, source: str) -> Any:
        #: For each open collection: its value, its pointer, and (for an object) the key that waits for its value.
        stack: list[list[Any]] = []
        root: list[Any] = []
        for event in yaml.parse(source, Loader=_Loader):
            mark = event.start_mark
            line = mark.line + 1 if mark is not None else 1
            if isinstance(event, yaml.AliasEvent):
                raise _Bad("has an alias (`*name`); write out what is meant", line)
            if isinstance(event, yaml.DocumentStartEvent) and root:
                raise _Bad("has a second document; a file holds one flow", line)
            if isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
            elif isinstance(event, yaml.ScalarEvent | yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._value(event, stack, root, line)
        if not root:
            raise _Bad("is empty; a flow is expected", 1)
        return root[0]

    def _value(self, event: Any, stack: list[list[Any]], root: list[Any], line: int) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            raise _Bad(f"has more than {MOST_VALUES} values", line)
        if event.tag is not None and event.tag != "!":
            raise _Bad(f"has a tag ({event.tag}), which nothing here needs", line)
        is_scalar = isinstance(event, yaml.ScalarEvent)
        if stack and isinstance(stack[-1][0], dict) and stack[-1][2] is None:
            if not is_scalar:
                raise _Bad("has a key that is no text", line)
            self._key(event.value, stack[-1], line)
            return
        value: Any = _scalar(event) if is_scalar else {} if isinstance(event, yaml.MappingStartEvent) else []
        pointer = self._place(value, stack, root)
        self.lines.setdefault(pointer, line)
        if not is_scalar:
            if len(stack) >= MOST_DEPTH:
                raise _Bad(f"is nested deeper than {MOST_DEPTH} levels", line)
            stack.append([value, pointer, None])

    def _key(self, key: str, top: list[Any], line: int) -> None:
        if key in top[0]:
            raise _Bad(f'has "{key[:64]}" twice in the same place', line)
        top[0][key] = None
        top[2] = key
        self.lines[f"{top[1]}/{escape(key)}"] = line

    def _place(self, value: Any, stack: list[list[Any]], root: list[Any]) -> str:
        if not stack:
            root.append(value)
            return ""
        holder, pointer, key = stack[-1]
        if isinstance(holder, list):
            holder.append(value)
            return f"{pointer}/{len(holder) - 1}"
        holder[key] = value
        stack[-1][2] = None
        return f"{pointer}/{escape(key)}"


def _scalar(event: Any) -> Any:
    """A scalar by YAML 1.2's core schema; what stands in quotes is text."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
