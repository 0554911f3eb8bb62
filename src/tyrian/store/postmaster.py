"""What the embedded server leaves on disk: its `postmaster.pid`, its socket, and what a crash leaves stale."""

import hashlib
import os
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tyrian.store.unprivileged import RunAs, open_way

#: Above every process id that Linux and macOS give out.
_NO_PROCESS: Final = 2**31 - 1
#: The longest path of a Unix socket is 103 bytes on macOS and 107 on Linux.
_LONGEST_SOCKET: Final = 103

#: Seconds between two looks at what is under way.
_LOOK: Final = 0.02

# The lines of postmaster.pid that matter here (PostgreSQL's src/include/utils/pidfile.h).
_PID, _SOCKET_DIR, _STATUS = 0, 4, 7


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A live server's first process. `socket_dir` is empty until it listens."""

    pid: int
    socket_dir: str
    ready: bool


def running(pgdata: Path) -> Postmaster | None:
    """The live server over this data, if there is one. A file left by a dead one does not count."""
    lines = _pid_file_lines(pgdata)
    pid = _number(lines)
    if pid is None or not _serves(pid, pgdata):
        return None
    socket_dir = lines[_SOCKET_DIR].strip() if len(lines) > _SOCKET_DIR else ""
    ready = len(lines) > _STATUS and lines[_STATUS].strip() == "ready" and socket_dir != ""
    return Postmaster(pid, socket_dir, ready)


def let_finish(pgdata: Path) -> None:
    """Wait until nobody starts or stops a server over this data any more.

    Whoever began that may have been killed, and the lock of the folder with it, while `pg_ctl` goes on. What a server
    that is about to start writes must not be taken for what a dead one left.
    """
    while any(_is_pg_ctl(words, pgdata) for words in _commands()):
        time.sleep(_LOOK)


def clear_stale(pgdata: Path, socket: Path) -> None:
    """Make what a dead server left no hindrance to the next. Call only when `running` says there is none.

    PostgreSQL takes a pid file for stale when no process has its number. But numbers come again (in a restarted
    container at once), and a dead process keeps its own until its parent asks for it. So the number is replaced by one
    that nobody has. The rest of the file stays: PostgreSQL finds in it the shared memory that surviving workers may
    still hold, and refuses to start until they are gone.
    """
    file = pgdata / "postmaster.pid"
    lines = _pid_file_lines(pgdata)
    if _number(lines) is None:
        file.unlink(missing_ok=True)
    else:
        file.write_text("\n".join([str(_NO_PROCESS), *lines[1:]]) + "\n")
    socket.unlink(missing_ok=True)
    socket.with_name(f"{socket.name}.lock").unlink(missing_ok=True)


def socket_folder(pgdata: Path, socket_name: str, who: RunAs) -> Path | None:
    """A folder for the socket that only `who` (and root) can enter; None if there is no way to have one.

    That is the data folder itself, which PostgreSQL keeps shut, unless its path is too long for a socket: then it is a
    folder of its own with a short path, in the folder for temporary files.
    """
    if len(os.fsencode(pgdata / socket_name)) <= _LONGEST_SOCKET:
        return pgdata
    name = f"tyrian-{hashlib.sha256(os.fsencode(pgdata)).hexdigest()[:16]}"
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - its owner and mode are checked below
        folder = parent / name
        if len(os.fsencode(folder / socket_name)) <= _LONGEST_SOCKET and _private(folder, who):
            open_way(folder, who)
            return folder
    return None


def _private(folder: Path, who: RunAs) -> bool:
    """Make the folder, shut to others; if it is there already, check that nobody else put it there."""
    try:
        folder.mkdir(mode=0o700)
        who.give(folder)
    except FileExistsError:
        pass
    except OSError:
        return False
    found = folder.lstat()
    owner = os.geteuid() if who.uid is None else who.uid
    return stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700 and found.st_uid == owner


def _pid_file_lines(pgdata: Path) -> list[str]:
    try:
        return (pgdata / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _number(lines: list[str]) -> int | None:
    return int(lines[_PID]) if lines and lines[_PID].strip().isdigit() else None


def _serves(pid: int, pgdata: Path) -> bool:
    """Whether this process is alive and a server over this data, and not another that was given its number since."""
    proc = Path("/proc")
    if not (proc / "self" / "cmdline").exists():
        told = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return str(pgdata) in told.stdout
    try:
        return os.fsencode(pgdata) in (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _commands() -> Iterator[list[bytes]]:
    """The commands of all processes, in words."""
    proc = Path("/proc")
    if not (proc / "self" / "cmdline").exists():
        told = subprocess.run(["ps", "-axo", "command="], capture_output=True, check=False)
        yield from (line.split() for line in told.stdout.splitlines())
        return
    for file in proc.glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield file.read_bytes().split(b"\0")


def _is_pg_ctl(words: list[bytes], pgdata: Path) -> bool:
    return words[:1] != [] and words[0].endswith(b"/pg_ctl") and os.fsencode(pgdata) in words
