"""The small file beside a CSV that remembers how far its upload came, so that it can go on after anything."""

import hashlib
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from tyrian.cli.failures import Exit, Failure
from tyrian.cli.recipients import Identity, Place

SUFFIX: Final = ".tyrian-upload"


class State(Struct, kw_only=True):
    """An upload under way. `offset` recipients were taken; the next row begins at `byte`, after `line` lines."""

    bulk_id: str
    url: str
    file: Identity
    #: A hash of what is sent and when: an upload goes on only with the same options.
    plan: str
    byte: int
    line: int
    skip_bad: bool = False
    offset: int = 0
    skipped: int = 0

    @property
    def place(self) -> Place:
        """Where to go on reading."""
        return Place(self.byte, self.line)


def path_of(csv: Path) -> Path:
    """Where the state of a file's upload is kept."""
    return csv.with_name(csv.name + SUFFIX)


def hash_of(plan: dict[str, Any]) -> str:
    """A hash of the plan, by which another one is recognised."""
    return hashlib.sha256(msgspec.json.encode(plan, order="sorted")).hexdigest()


def load(csv: Path) -> State | None:
    """The state of an upload that was not finished, if there is one. Raises `Failure`."""
    path = path_of(csv)
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        said = f"{path}, which remembers how far the upload came, cannot be read: {error}."
        raise Failure(said, "Delete it to start anew, or go on with --resume BULK_ID.", code=Exit.USAGE) from error


def save(csv: Path, state: State) -> bool:
    """Keeps the state; False where the folder cannot be written."""
    path = path_of(csv)
    draft = path.with_name(path.name + ".new")
    try:
        draft.write_bytes(msgspec.json.encode(state))
        draft.replace(path)
    except OSError:
        return False
    return True


def forget(csv: Path) -> None:
    """The upload is done."""
    path_of(csv).unlink(missing_ok=True)
