"""The log of the embedded PostgreSQL: kept from growing without end, and read for what a server said as it ended."""

from pathlib import Path
from typing import Final

from tyrian.store.unprivileged import RunAs

_LONGEST: Final = 16 * 1024 * 1024
_LAST_LINES: Final = 20


def prepare(log: Path, who: RunAs) -> None:
    """Makes the log for a server about to start; one that grew long is put aside."""
    if log.exists() and log.stat().st_size > _LONGEST:
        log.rename(log.with_name(f"{log.name}.1"))
    log.touch(mode=0o600)
    who.give(log)


def since(log: Path, begin: int) -> str:
    """What was written since byte `begin`."""
    with log.open("rb") as file:
        file.seek(begin)
        return file.read().decode(errors="replace")


def last_words(log: Path, begin: int = 0) -> str:
    """The end of the log (of what was written since byte `begin`), to go below an error message."""
    if not log.exists():
        return ""
    said = since(log, max(begin, log.stat().st_size - 65536)).splitlines()[-_LAST_LINES:]
    return "\n".join(["", f"Its log ({log}) ends:", *said]) if said else ""
