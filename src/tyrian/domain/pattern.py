"""Patterns over what people write: regular expressions that take time in proportion to the text, whatever they say.

They are RE2's (https://github.com/google/re2/wiki/Syntax): the usual language without what needs backtracking, so
without look-around and back references. A pattern matches anywhere in a text unless it is anchored. Case and diacritics
do not count, on either side (`fold`).
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

import re2

#: Characters of a text that are looked at, and of a pattern that are taken.
MOST_TEXT: Final = 7000
MOST_PATTERN: Final = 500
#: Bytes that one pattern may come to when it is compiled.
_MOST_MEMORY: Final = 1 << 20
#: What case-folding and decomposition leave of some letters, and what people type for them.
_PLAIN: Final = str.maketrans({"đ": "d", "ł": "l", "ø": "o", "ı": "i"})
#: An escape such as `\\D` or `\\p{Greek}`, whose case has a meaning; or any one character.
_PIECE: Final = re.compile(r"\\[pP]\{\^?\w+\}|\\x\{\w+\}|\\.|\[\[:\^?\w+:\]|\(\?P?<\w+>|.", re.DOTALL)


class BadPattern(ValueError):
    """A pattern that cannot be used; the text says why, for people."""


def fold(text: str) -> str:
    """A text by which people's words are compared: no case, no diacritics, single spaces, none around."""
    return " ".join(_plain(text).split())


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c)).translate(_PLAIN)


class Pattern:
    """A pattern, ready to be held against texts. Raises `BadPattern`."""

    __slots__ = ("_expression",)

    def __init__(self, text: str) -> None:
        if len(text) > MOST_PATTERN:
            raise BadPattern(f"is longer than {MOST_PATTERN} characters")
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MOST_MEMORY
        try:
            self._expression = re2.compile(_folded(text), options)  # type: ignore[no-untyped-call]
        except re2.error as error:
            reason = error.args[0] if error.args else ""
            reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
            raise BadPattern(f"is no regular expression that can be used here: {reason}") from None

    def matches(self, text: str) -> bool:
        """Whether the pattern is found in a text."""
        return self._expression.search(fold(text[:MOST_TEXT])) is not None


@lru_cache(maxsize=1024)
def compiled(text: str) -> Pattern:
    """A pattern, remembered. Raises `BadPattern`."""
    return Pattern(text)


def _folded(pattern: str) -> str:
    """A pattern whose own letters are folded as texts are; what it means by its escapes stays."""
    return "".join(p if len(p) > 1 else _letter(p) for p in _PIECE.findall(pattern))


def _letter(char: str) -> str:
    """A character as texts have it. One beyond ASCII is never syntax, nor is what it comes to ("⑴" to "(1)")."""
    return char.lower() if char.isascii() else re.escape(_plain(char))
