"""What a page of documentation has its reader do, read from its Markdown, and whether what happens is what it says.

The convention keeps every block ready to be copied:

* A ```` ```bash ```` block is run, in one shell for the whole page. `make run` starts the demo, `python3 hook.py` the
  page's receiver; both keep running, as in a terminal of their own.
* A ```` ```json ```` or ```` ```text ```` block after it is what it prints. `...` stands for anything within a line,
  and on a line of its own for any lines. Ids, times and durations stand for whatever they are in the reader's case; an
  id that was printed once means the same everywhere, in later commands too.
* A ```` ```python ```` block that begins with `# name.py` is a file to make.
* A comment before a block says that it is another thing: `<!-- shown by: python3 hook.py -->` output of what keeps
  running, `<!-- picture -->` nothing to do, `<!-- not run: why -->` a command that cannot be run here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_FENCE: Final = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*?) -->\n+)?(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S
)
_OUTPUT: Final = ("json", "text")
_FILE: Final = re.compile(r"# (\w+\.py)\n")
_SHOWN_BY: Final = "shown by: "

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DURATION: Final = r"\+?(?:\d+ h ?)?(?:\d+ min ?)?(?:\d+(?:\.\d+)? m?s)"
#: What stands for something else in the reader's case, in the order in which it is looked for.
_PLACEHOLDER: Final = re.compile(
    rf"(?P<uuid>{_UUID})"
    r"|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC)"
    r"|(?P<clock>\b\d\d:\d\d:\d\d\b)"
    rf"|(?P<duration>{_DURATION}|\+\d+ min)\b"
    r"|(?P<gap>\.\.\.)"
    r"|(?P<space>[ \t]+)"
)
_PATTERNS: Final = {
    "time": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| UTC)",
    "clock": r"\d\d:\d\d:\d\d",
    "duration": r"\+?(?:\d+ h)?(?: ?\d+ min)?(?: ?\d+(?:\.\d+)? m?s)?",
    "gap": r"[^\n]*?",
    "space": r"[ \t]+",
}


class Unclear(Exception):
    """A block whose part on the page is not said."""


@dataclass(frozen=True)
class Run:
    """Commands, and what they print; None where the page does not show it."""

    line: int
    commands: str
    prints: str | None = None


@dataclass(frozen=True)
class File:
    """A file that the page has its reader make."""

    line: int
    name: str
    text: str


@dataclass(frozen=True)
class Shown:
    """What a program that keeps running has printed by now."""

    line: int
    command: str
    prints: str


Step = Run | File | Shown


@dataclass(frozen=True)
class _Block:
    line: int
    language: str
    text: str
    mark: str


def _blocks(markdown: str) -> Iterator[_Block]:
    for found in _FENCE.finditer(markdown):
        indent = found["indent"]
        text = "".join(line.removeprefix(indent) for line in found["text"].splitlines(keepends=True))
        line = markdown.count("\n", 0, found.start("language")) + 1
        yield _Block(line, found["language"], text, found["mark"] or "")


def steps(markdown: str) -> list[Step]:
    """What a page has its reader do, in order. Raises `Unclear` for a block that is none of it."""
    found: list[Step] = []
    for block in _blocks(markdown):
        last = found[-1] if found else None
        if block.mark == "picture" or block.mark.startswith("not run: "):
            continue
        if block.mark.startswith(_SHOWN_BY):
            found.append(Shown(block.line, block.mark.removeprefix(_SHOWN_BY), block.text))
        elif block.language == "bash":
            found.append(Run(block.line, block.text))
        elif block.language in _OUTPUT and isinstance(last, Run) and last.prints is None:
            found[-1] = Run(last.line, last.commands, block.text)
        elif block.language == "python" and (name := _FILE.match(block.text)):
            found.append(File(block.line, name[1], block.text))
        else:
            raise Unclear(f"line {block.line}: what is this {block.language or 'nameless'} block for?")
    return found


def left_out(markdown: str) -> list[str]:
    """Why blocks of a page are not run, for each that is not."""
    marks = (block.mark for block in _blocks(markdown))
    return [mark.removeprefix("not run: ") for mark in marks if mark.startswith("not run: ")]


class Reader:
    """Holds pages against what happens, and remembers which id of the page is which in truth."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}

    def own(self, text: str) -> str:
        """A text of the page with the reader's own ids."""
        return re.sub(_UUID, lambda found: self.ids.get(found[0], found[0]), text)

    def agrees(self, page: str, truth: str) -> bool:
        """Whether the page's output is what was printed. The ids of an output that agrees are remembered."""
        names: dict[str, str] = {}
        pattern = "".join(self._line(line, names) for line in page.splitlines())
        found = re.fullmatch(pattern, "".join(line.rstrip() + "\n" for line in truth.splitlines()))
        if found is not None:
            self.ids.update({said: found[name] for said, name in names.items()})
        return found is not None

    def _line(self, line: str, names: dict[str, str]) -> str:
        if line.strip() == "...":
            return r"(?:[^\n]*\n)*?"
        parts, at = [], 0
        text = line.rstrip()
        for found in _PLACEHOLDER.finditer(text):
            parts.append(re.escape(text[at : found.start()]))
            parts.append(self._placeholder(found, names))
            at = found.end()
        return "".join(parts) + re.escape(text[at:]) + r"\n"

    def _placeholder(self, found: re.Match[str], names: dict[str, str]) -> str:
        kind, text = found.lastgroup, found[0]
        assert kind is not None
        if kind != "uuid":
            return _PATTERNS[kind]
        if text in self.ids:
            return re.escape(self.ids[text])
        if text in names:
            return f"(?P={names[text]})"
        names[text] = f"id{len(names)}"
        return f"(?P<{names[text]}>{_UUID})"
