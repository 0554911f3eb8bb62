"""Uploading a CSV of recipients into a bulk: in chunks, with one on its way while the next is read.

The gateway counts what it has taken, and an upload names the count from which its rows go on: a chunk that arrives
twice is taken once. Unless bad rows are to be skipped, the bulk is held until all rows have been taken, so that a file
with a mistake in its last line sends nothing.
"""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from tyrian.cli.client import Api, Refusal, segment
from tyrian.cli.recipients import Place, Row
from tyrian.cli.upload_state import State, save

#: Bytes after which a chunk is full, whatever its rows: half of what a gateway takes unless set otherwise.
_FULL: Final = 4 * 1024 * 1024
#: Bad rows after which an upload that must not have any is not looked at further.
MOST_BAD: Final = 1000
#: Rows read between two turns of the event loop, in which Ctrl-C is noticed.
_TURN: Final = 500
#: An offset beyond any bulk: the gateway checks all rows, and then takes none of them, for they would leave a gap.
_NOWHERE: Final = 2**31 - 1

_POINTER: Final = re.compile(r"/messages/([0-9]+)")
_NDJSON: Final = "application/x-ndjson"


class BadRow(NamedTuple):
    """A row that will not be sent, and why."""

    line: int
    problem: str


class Progress(Protocol):
    """Who is told how far an upload is."""

    def advance(self, byte: int, taken: int, bad: int) -> None:
        """The upload stands at this byte of the file, with so many rows taken and so many bad ones."""


class Chunk(NamedTuple):
    """Rows to upload at once, and the place in the file after them."""

    rows: list[Row]
    end: Place


class Upload:
    """One file's way into one bulk. `run` to its end; `state` says where it is, `bad` what was left out."""

    def __init__(self, api: Api, csv: Path, state: State, progress: Progress, *, skip_bad: bool) -> None:
        self.state = state
        self.bad: list[BadRow] = []
        #: Whether the state could be kept beside the file.
        self.kept = True
        self._api = api
        self._csv = csv
        self._progress = progress
        self._skip = skip_bad
        self._path = f"/bulks/{segment(state.bulk_id)}/messages"

    async def run(self, rows: Iterator[tuple[Row, Place]], size: int) -> None:
        """Uploads all rows in chunks of `size`. Raises `Failure`."""
        chunk = await _chunk(rows, size)
        while chunk is not None and (self._skip or len(self.bad) < MOST_BAD):
            sending = asyncio.create_task(self._take(chunk))
            try:
                # Once round the loop, so that the request leaves before the next rows are read.
                await asyncio.sleep(0)
                following = await _chunk(rows, size)
                await sending
            finally:
                sending.cancel()
            self._done(chunk)
            chunk = following

    def _done(self, chunk: Chunk) -> None:
        self.state.byte, self.state.line = chunk.end
        self.state.skipped = len(self.bad)
        # What must not be sent is not remembered: the file has to be mended, and then it is another one.
        if self._skip or not self.bad:
            self.kept = save(self._csv, self.state) and self.kept
        self._progress.advance(chunk.end.byte, self.state.offset, len(self.bad))

    async def _take(self, chunk: Chunk) -> None:
        """Uploads a chunk, without its bad rows."""
        self.bad += [BadRow(row.line, row.problem) for row in chunk.rows if row.problem]
        good = [row for row in chunk.rows if not row.problem]
        while good:
            only_check = bool(self.bad) and not self._skip
            refused = await self._post(good, only_check=only_check)
            if not refused:
                self.state.offset += 0 if only_check else len(good)
                return
            self.bad += [BadRow(good[number].line, problem) for number, problem in refused.items()]
            good = [row for number, row in enumerate(good) if number not in refused]

    async def _post(self, rows: list[Row], *, only_check: bool) -> dict[int, str]:
        """What the gateway finds wrong with the rows, by their number; nothing, if it took them."""
        body = b"\n".join(row.entry for row in rows)
        query = {"offset": _NOWHERE if only_check else self.state.offset}
        try:
            await self._api.call("POST", self._path, query=query, raw=body, content_type=_NDJSON)
        except Refusal as refusal:
            found = _by_row(refusal)
            if not found and not (only_check and refusal.kind == "conflict"):
                raise
            return found
        return {}


def _by_row(refusal: Refusal) -> dict[int, str]:
    found: dict[int, str] = {}
    for pointer, message in refusal.problems if refusal.kind == "invalid-request" else ():
        match = _POINTER.match(pointer)
        if match:
            field = pointer[match.end() :].removeprefix("/")
            found.setdefault(int(match[1]), f"{field} {message}".strip())
    return found


async def _chunk(rows: Iterator[tuple[Row, Place]], size: int) -> Chunk | None:
    """The next rows; None at the end of the file."""
    taken: list[Row] = []
    weight, end = 0, None
    for row, place in rows:
        taken.append(row)
        weight, end = weight + len(row.entry) + 1, place
        if len(taken) >= size or weight >= _FULL:
            break
        if len(taken) % _TURN == 0:
            await asyncio.sleep(0)
    return Chunk(taken, end) if end is not None else None
