"""`tyrian suppressions import`: a CSV file of any length, read row by row and sent in parts."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from tyrian.cli.client import Api, Refusal, run
from tyrian.cli.failures import Exit, Failure
from tyrian.cli.terminal import print_json, screen

#: Rows of one request.
PART: Final = 20_000
_SEPARATORS: Final = ",;\t"
_ROW: Final = re.compile(r"/suppressions/(\d+)(?:/(.+))?")


class Part(NamedTuple):
    """Some rows, with the heading, as the API reads them; and the line of the file on which each ends."""

    body: bytes
    lines: list[int]


def import_list(url: str, key: str | None, file: Path, *, as_json: bool) -> None:
    """Puts the addresses in a file on the list."""

    async def work() -> int:
        done = 0
        async with Api(url, key) as api:
            for part in parts(file):
                try:
                    answer = await api.call("POST", "/suppressions", raw=part.body, content_type="text/csv")
                except Refusal as refusal:
                    raise _told(file, part, refusal, done) from refusal
                done += answer["count"]
        return done

    count = run(work())
    if as_json:
        print_json({"count": count})
    else:
        screen().print(f"{count:,} {'address is' if count == 1 else 'addresses are'} on the suppression list.")


def parts(file: Path) -> Iterator[Part]:
    """A file in parts of so many rows. Raises `Failure` where it cannot be read."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            first = text.readline()
            text.seek(0)
            rows = csv.reader(text, delimiter=max(_SEPARATORS, key=first.count))
            heading = next(rows, [])
            filled = ((rows.line_num, row) for row in rows if any(cell.strip() for cell in row))
            found = list(islice(filled, PART))
            if not found:
                raise Failure(f"{file} has no rows below its heading.", code=Exit.USAGE)
            while found:
                yield _part(heading, found)
                found = list(islice(filled, PART))
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}.", code=Exit.USAGE) from error
    except UnicodeDecodeError as error:
        raise Failure(f"{file} is not UTF-8 text.", code=Exit.USAGE) from error
    except csv.Error as error:
        raise Failure(f"{file} is no CSV: {error}.", code=Exit.USAGE) from error


def _part(heading: list[str], rows: list[tuple[int, list[str]]]) -> Part:
    out = io.StringIO()
    csv.writer(out).writerows([heading, *(row for _, row in rows)])
    return Part(out.getvalue().encode(), [line for line, _ in rows])


def _told(file: Path, part: Part, refusal: Refusal, done: int) -> Failure:
    """A refusal with the lines of the file in the place of the rows of the request."""
    said = []
    for pointer, message in refusal.problems:
        match = _ROW.fullmatch(pointer)
        where = f"line {part.lines[int(match[1])]}" + (f", {match[2]}" if match[2] else "") if match else str(file)
        said.append(f"  {where}: {message}")
    before = f"{done:,} addresses before line {part.lines[0]} are on the list." if done else "Nothing was imported."
    return Failure(refusal.detail, *said, before, code=Exit(refusal.code))
