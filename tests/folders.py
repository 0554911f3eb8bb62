"""Where the tests' files are: in memory where there is room for them, and gone when their run is, however it ended."""

import fcntl
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

#: Where Linux keeps files in memory. A thousand databases are made and thrown away, which a disk takes minutes for.
MEMORY: Final = Path("/dev/shm")
#: What the files of one of a run's processes may come to, in bytes, with room to spare; those of slow tests are larger.
ROOM: Final = 2 << 30
ROOM_FOR_SLOW: Final = 6 << 30
#: Where a container is told how much memory it may have, and how much it has.
_LIMITED: Final = Path("/sys/fs/cgroup/memory.max")
_USED: Final = Path("/sys/fs/cgroup/memory.current")
_PREFIX: Final = "tyrian-run-"
#: A folder is locked within this many seconds of being made.
_YOUNG: Final = 60.0


def opened(room: int) -> tuple[Path, int]:
    """A new folder of this process alone, in memory if `room` bytes are free there, and the lock that says it lives.

    The lock, a file descriptor, goes with the process. Folders whose process was killed are removed first.
    """
    for place in {MEMORY, Path(tempfile.gettempdir())}:
        _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=MEMORY if free() >= room else None))
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


def free() -> int:
    """How many bytes of files memory has room for: files there take memory, so both must have it."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK)):
        return 0
    return min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available, _left_to_container())


def _left_to_container() -> int:
    try:
        return int(_LIMITED.read_text()) - int(_USED.read_text())
    except (OSError, ValueError):  # No container, or one without a limit.
        return sys.maxsize


def _sweep(place: Path) -> None:
    """Removes what killed runs left here. A server that still runs in such a folder ends once it is gone."""
    with suppress(OSError):
        for folder in place.glob(f"{_PREFIX}*"):
            if time.time() - folder.lstat().st_mtime > _YOUNG and _is_dead(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_dead(folder: Path) -> bool:
    """Whether nobody holds the folder's lock. One of another user's is left alone."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(lock)
