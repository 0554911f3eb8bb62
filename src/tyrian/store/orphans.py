"""Workers that a killed PostgreSQL left behind. Until they are gone they hold its memory, and no other can start.

One that waits for its client, or for anything else, notices at once that the server is gone. One in the middle of a
long statement goes on with it, for nobody.
"""

import logging
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

#: Seconds after which those that do not go by themselves are ended, and after which nothing more is tried.
END_AFTER: Final = 10.0
GIVE_UP_AFTER: Final = 30.0
_LOOK: Final = 0.1


class Orphans:
    """Those over one folder of data, whose server does not run."""

    def __init__(self, pgdata: Path) -> None:
        self._pgdata = pgdata
        self._began: float | None = None

    def __str__(self) -> str:
        return ", ".join(map(str, find(self._pgdata))) or "unknown"

    def wait(self) -> bool:
        """Gives them a moment to go, and ends them after a while; False once that has taken too long."""
        if self._began is None:
            self._began = time.monotonic()
            log.warning("the PostgreSQL in %s was killed; waiting for its workers to go: %s", self._pgdata, self)
        waited = time.monotonic() - self._began
        if waited >= GIVE_UP_AFTER:
            return False
        if waited >= END_AFTER:
            log.warning("ending the workers of the killed PostgreSQL in %s: %s", self._pgdata, self)
            end(find(self._pgdata))
        time.sleep(_LOOK)
        return True


def find(pgdata: Path) -> list[int]:
    """Their processes: PostgreSQL's stand in the folder of their data. None where the system does not tell."""
    found = []
    for cwd in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if cwd.readlink() == pgdata and (cwd.parent / "exe").readlink().name.startswith("postgres"):
                found.append(int(cwd.parent.name))
    return sorted(found)


def end(pids: list[int]) -> None:
    """Ends them at once, as their server would if one of them had crashed; what was committed stays."""
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, signal.SIGQUIT)
