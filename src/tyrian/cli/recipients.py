"""A CSV file of recipients, read a row at a time and never held whole.

The first line names the columns: `to` is the recipient, the others are variables. Commas, semicolons and tabs are
understood as separators, and a byte order mark is passed over: that is how spreadsheets save.
"""

import csv
import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec

from tyrian.cli.failures import Exit, Failure

TO: Final = "to"
#: The API's own bounds, checked here so that a wrong row is known before anything is uploaded.
LONGEST_ADDRESS: Final = 64
LONGEST_NAME: Final = 64
LONGEST_VALUE: Final = 4000

_SEPARATORS: Final = ",;\t"
_BOM: Final = b"\xef\xbb\xbf"
#: A heading longer than this is none.
_LONGEST_HEADING: Final = 65536

_encode: Final = msgspec.json.Encoder().encode


class Row(NamedTuple):
    """A row: the line on which it starts (from 1), and the recipient as a line of NDJSON, or what is wrong with it."""

    line: int
    entry: bytes
    problem: str | None = None


class Place(NamedTuple):
    """A place between two rows: bytes from the start of the file, and lines before it."""

    byte: int
    line: int


@dataclass(frozen=True, slots=True)
class Heading:
    """What the first line says, and where it ends."""

    columns: tuple[str, ...]
    separator: str
    end: Place


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a file from an edited one, without reading all of it."""

    size: int
    mtime_ns: int
    head: str


def identity(path: Path) -> Identity:
    """The file's identity. Raises `Failure`."""
    try:
        with path.open("rb") as file:
            head = hashlib.sha256(file.read(65536)).hexdigest()
        stat = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return Identity(stat.st_size, stat.st_mtime_ns, head)


def heading(path: Path) -> Heading:
    """The file's columns. Raises `Failure`."""
    try:
        with path.open("rb") as file:
            raw = file.readline(_LONGEST_HEADING)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        text = raw.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        raise _usage(f"{path}, line 1: is not UTF-8 text. Save the file as UTF-8.") from error
    separator = max(_SEPARATORS, key=text.count)
    columns = tuple(name.strip() for name in next(csv.reader([text], delimiter=separator), []))
    wrong = _wrong_columns(columns)
    if wrong:
        raise _usage(f"{path}, line 1: {wrong}")
    return Heading(columns, separator, Place(len(raw), 1))


def _wrong_columns(columns: tuple[str, ...]) -> str | None:
    if TO not in columns:
        seen = f"; it has {', '.join(c for c in columns if c)}" if any(columns) else ""
        return f"the heading must have a column `{TO}` with the recipients{seen}."
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        return f"the heading names the column {twice[0]} twice."
    if any(len(name) > LONGEST_NAME for name in columns):
        return f"a column's name is longer than {LONGEST_NAME} characters."
    return None


def rows(
    path: Path, about: Heading, wanted: Collection[str], start: Place | None = None
) -> Iterator[tuple[Row, Place]]:
    """Each row from a place on, with the place after it. Only the `wanted` columns become variables.

    A row that cannot be read has a `problem`. Empty lines are passed over. Raises `Failure` where the file ends to be
    one that can be read on.
    """
    at = start or about.end
    try:
        with path.open("rb") as file:
            file.seek(at.byte)
            lines = _Lines(file, at)
            reader = csv.reader(lines, delimiter=about.separator, strict=True)
            yield from _rows(reader, lines, about, wanted)
    except OSError as error:
        raise _unreadable(path, error) from error


class _Lines:
    """The file's lines as text, counting what was read, so that a place can be told and found again."""

    def __init__(self, file: BinaryIO, start: Place) -> None:
        self._file = file
        self.byte, self.line = start
        self.broken = False

    def __iter__(self) -> Iterator[str]:
        for raw in self._file:
            self.byte += len(raw)
            self.line += 1
            try:
                yield raw.decode()
            except UnicodeDecodeError:
                self.broken = True
                yield raw.decode("utf-8", "replace")


def _rows(
    reader: Iterator[list[str]], lines: _Lines, about: Heading, wanted: Collection[str]
) -> Iterator[tuple[Row, Place]]:
    index = about.columns.index(TO)
    variables = [(i, name) for i, name in enumerate(about.columns) if name in wanted and i != index]
    while True:
        first, lines.broken = lines.line + 1, False
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(first, b"", _unreadable_row(str(error))), Place(lines.byte, lines.line)
            continue
        if cells:
            problem = _wrong(cells, about, index, broken=lines.broken)
            entry = b"" if problem else _entry(cells, index, variables)
            yield Row(first, entry, problem), Place(lines.byte, lines.line)


def _wrong(cells: list[str], about: Heading, index: int, *, broken: bool) -> str | None:
    """What is wrong with a row, if anything is."""
    if broken:
        return "is not UTF-8 text"
    if len(cells) != len(about.columns):
        return f"has {len(cells)} columns, where the heading has {len(about.columns)}"
    return _wrong_values(cells[index].strip(), cells)


def _wrong_values(to: str, cells: list[str]) -> str | None:
    if not to:
        return "names no recipient"
    if len(to) > LONGEST_ADDRESS:
        return f"has a recipient longer than {LONGEST_ADDRESS} characters"
    for cell in cells:
        if "\0" in cell:
            return "has a NUL character"
        if len(cell) > LONGEST_VALUE:
            return f"has a value longer than {LONGEST_VALUE} characters"
    return None


def _entry(cells: list[str], index: int, variables: list[tuple[int, str]]) -> bytes:
    to = cells[index].strip()
    if not variables:
        return _encode({"to": to})
    return _encode({"to": to, "variables": {name: cells[i] for i, name in variables}})


def _unreadable_row(error: str) -> str:
    if "field larger" in error or "unexpected end of data" in error:
        return 'opens a value with " that nothing closes'
    return f"cannot be read as CSV: {error}"


def _unreadable(path: Path, error: OSError) -> Failure:
    return _usage(f"{path} cannot be read: {error.strerror or error}.")


def _usage(sentence: str) -> Failure:
    return Failure(sentence, code=Exit.USAGE)
