"""Patterns over what people write: regular expressions that take time in proportion to the text, whatever they say.

The language is the usual one without what would need backtracking: literals, `.`, `[a-z]`, `[^a-z]`, `\\d \\w \\s` and
their opposites, `( )`, `(?: )`, `|`, `* + ?`, `{2}`, `{2,}`, `{2,5}`, `^`, `$` and `\\b`. A pattern matches anywhere in
a text unless it is anchored. Case and diacritics do not count, on either side (`fold`).

A pattern becomes a list of at most `MOST_STATES` instructions (Thompson's construction), and all ways through it are
followed at once, character by character. So the cost is bounded by instructions times characters, and only the first
`MOST_TEXT` characters of a text are looked at.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

MOST_STATES: Final = 200
MOST_TEXT: Final = 500
_MOST_DEPTH: Final = 10
_MOST_REPEATS: Final = 50

Test = Callable[[str], bool]


class BadPattern(ValueError):
    """A pattern that cannot be used; the text says why, for people."""


def fold(text: str) -> str:
    """A text by which people's words are compared: no case, no diacritics, single spaces, none around."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(kept.replace("đ", "d").replace("ł", "l").replace("ø", "o").replace("ı", "i").split())


@dataclass(slots=True)
class _Node:
    """One instruction: a test of a character (`char`), a place (`at`), or ways on alone."""

    char: Test | None = None
    at: str = ""
    ways: list[int] = field(default_factory=list)


_NEVER: Final = -1


class Pattern:
    """A pattern, ready to be held against texts. Raises `BadPattern`."""

    __slots__ = ("_end", "_nodes", "_start")

    def __init__(self, text: str) -> None:
        parser = _Parser(text)
        self._nodes = parser.nodes
        self._start, self._end = parser.whole()

    def matches(self, text: str) -> bool:
        """Whether the pattern is found in a text."""
        text = fold(text[:MOST_TEXT])[:MOST_TEXT]
        present: set[int] = set()
        for place in range(len(text) + 1):
            present.add(self._start)
            present = self._spread(present, text, place)
            if self._end in present:
                return True
            if place < len(text):
                present = self._step(present, text[place])
        return False

    def _step(self, present: set[int], char: str) -> set[int]:
        found = set()
        for number in present:
            node = self._nodes[number]
            if node.char is not None and node.char(char):
                found.update(node.ways)
        return found

    def _spread(self, present: set[int], text: str, place: int) -> set[int]:
        """All instructions that can be reached without taking a character."""
        found, waiting = set(present), list(present)
        while waiting:
            node = self._nodes[waiting.pop()]
            if node.char is not None or (node.at and not _holds(node.at, text, place)):
                continue
            for way in node.ways:
                if way not in found:
                    found.add(way)
                    waiting.append(way)
        return found


@lru_cache(maxsize=1024)
def compiled(text: str) -> Pattern:
    """A pattern, remembered. Raises `BadPattern`."""
    return Pattern(text)


def _holds(at: str, text: str, place: int) -> bool:
    if at == "^":
        return place == 0
    if at == "$":
        return place == len(text)
    before = place > 0 and _is_word(text[place - 1])
    after = place < len(text) and _is_word(text[place])
    return before != after


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


_CLASSES: Final[dict[str, Test]] = {
    "d": str.isdigit,
    "w": _is_word,
    "s": str.isspace,
    "D": lambda c: not c.isdigit(),
    "W": lambda c: not _is_word(c),
    "S": lambda c: not c.isspace(),
}


class _Parser:
    """Reads a pattern by recursive descent. A part is a pair of instructions: its first, and the open one after it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self.nodes: list[_Node] = []

    def whole(self) -> tuple[int, int]:
        part = self._choice()
        if self._at < len(self._text):
            raise BadPattern(f"has a {self._text[self._at]!r} at character {self._at + 1} that closes nothing")
        return part

    def _new(self, node: _Node) -> int:
        if len(self.nodes) >= MOST_STATES:
            raise BadPattern(f"is too large: it comes to more than {MOST_STATES} states")
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _choice(self) -> tuple[int, int]:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise BadPattern(f"is nested deeper than {_MOST_DEPTH} levels")
        parts = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            parts.append(self._sequence())
        self._depth -= 1
        if len(parts) == 1:
            return parts[0]
        start, end = self._new(_Node(ways=[first for first, _ in parts])), self._new(_Node())
        for _, last in parts:
            self.nodes[last].ways.append(end)
        return start, end

    def _sequence(self) -> tuple[int, int]:
        start = end = self._new(_Node())
        while self._peek() not in ("", "|", ")"):
            first, last = self._repeated()
            self.nodes[end].ways.append(first)
            end = last
        return start, end

    def _repeated(self) -> tuple[int, int]:
        began = self._at
        part = self._atom()
        after = self._at
        low, high = self._quantity()
        if (low, high) == (1, 1):
            return part
        if self._peek() in ("?", "+", "*"):
            raise BadPattern(f"has a quantifier after a quantifier at character {self._at + 1}")
        ended = self._at
        made = self._several(part, began, after, low, high)
        self._at = ended
        return made

    def _several(self, part: tuple[int, int], began: int, after: int, low: int, high: int | None) -> tuple[int, int]:
        """A part so many times over: it is read once more for each further copy."""
        start = self._new(_Node())
        end, done, copies = start, self._new(_Node()), max(low, high or low, 1)
        for number in range(copies):
            if number:
                self._at = began
                part = self._atom()
                assert self._at == after
            if number >= low:
                self.nodes[end].ways.append(done)
            self.nodes[end].ways.append(part[0])
            end = part[1]
        if high is None:
            if low == 0:
                self.nodes[start].ways.append(done)
            self.nodes[end].ways.append(part[0])
        self.nodes[end].ways.append(done)
        if high == 0:
            self.nodes[start].ways = [done]
        return start, done

    def _quantity(self) -> tuple[int, int | None]:
        sign = self._peek()
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if sign in simple:
            self._at += 1
            return simple[sign]
        if sign != "{":
            return 1, 1
        closing = self._text.find("}", self._at)
        words = self._text[self._at + 1 : closing].split(",") if closing > 0 else []
        good = len(words) in (1, 2) and all(w.isascii() and w.isdigit() and len(w) < 4 for w in words if w)
        if not good or not words[0]:
            raise BadPattern(f"has a '{{' at character {self._at + 1} that is no count such as {{2}} or {{2,5}}")
        low = int(words[0])
        high = low if len(words) == 1 else int(words[1]) if words[1] else None
        if low > _MOST_REPEATS or (high or 0) > _MOST_REPEATS or (high is not None and high < low):
            raise BadPattern(f"has a count at character {self._at + 1} that is not from 0 to {_MOST_REPEATS}, rising")
        self._at = closing + 1
        return low, high

    def _atom(self) -> tuple[int, int]:
        char = self._peek()
        if char in ("*", "+", "?", "{"):
            raise BadPattern(f"has a {char!r} at character {self._at + 1} with nothing before it to repeat")
        self._at += 1
        if char == "(":
            return self._group()
        if char in ("^", "$"):
            return self._single(_Node(at=char))
        if char == ".":
            return self._single(_Node(char=lambda _c: True))
        if char == "[":
            return self._single(_Node(char=self._set()))
        if char == "\\":
            return self._escaped()
        return self._literal(char)

    def _group(self) -> tuple[int, int]:
        if self._text.startswith("?", self._at):
            if not self._text.startswith("?:", self._at):
                raise BadPattern(f"has a group at character {self._at} of a kind that is not known: only (?: ) is")
            self._at += 2
        part = self._choice()
        if self._peek() != ")":
            raise BadPattern("has a '(' without its ')'")
        self._at += 1
        return part

    def _escaped(self) -> tuple[int, int]:
        char = self._peek()
        if not char:
            raise BadPattern("ends in a lone backslash")
        self._at += 1
        if char in _CLASSES:
            return self._single(_Node(char=_CLASSES[char]))
        if char == "b":
            return self._single(_Node(at="b"))
        if char.isalnum():
            raise BadPattern(f"has \\{char}, which is not known here")
        return self._literal(char)

    def _literal(self, char: str) -> tuple[int, int]:
        """A character as it is once folded: some become two, and what folds to nothing is a space of the text."""
        start = end = -1
        for one in fold(char) or " ":
            first, last = self._single(_Node(char=one.__eq__))
            if start < 0:
                start = first
            else:
                self.nodes[end].ways.append(first)
            end = last
        return start, end

    def _single(self, node: _Node) -> tuple[int, int]:
        end = self._new(_Node())
        node.ways.append(end)
        return self._new(node), end

    def _set(self) -> Test:
        negated = self._peek() == "^"
        self._at += negated
        singles: set[str] = set()
        ranges: list[tuple[str, str]] = []
        tests: list[Test] = []
        first = True
        while first or self._peek() != "]":
            low = self._member(tests)
            first = False
            if low is None:
                continue
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                high = self._member(tests)
                if high is None or high < low:
                    raise BadPattern(f"has a range at character {self._at} that does not rise")
                ranges += [(low, high), (low.casefold()[:1], high.casefold()[:1])]
            else:
                singles.update(fold(low) or low)
        self._at += 1

        def test(char: str) -> bool:
            found = char in singles or any(a <= char <= b for a, b in ranges) or any(t(char) for t in tests)
            return found != negated

        return test

    def _member(self, tests: list[Test]) -> str | None:
        """One character of a set; None for a class, which is added to `tests`."""
        char = self._peek()
        if not char:
            raise BadPattern("has a '[' without its ']'")
        self._at += 1
        if char != "\\":
            return char
        escaped = self._peek()
        self._at += 1
        if escaped in _CLASSES:
            tests.append(_CLASSES[escaped])
            return None
        if not escaped or escaped.isalnum():
            raise BadPattern(f"has \\{escaped} in a set, which is not known here")
        return escaped
