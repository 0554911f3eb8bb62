"""Where the time goes: the CPU seconds and the memory of groups of processes, as Linux counts them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")

# Places in /proc/<pid>/stat after the command's closing parenthesis (proc(5), whose numbers are 3 higher).
_PARENT, _USER, _SYSTEM, _REAPED_USER, _REAPED_SYSTEM, _RESIDENT = 1, 11, 12, 13, 14, 21


def _stat(pid: int) -> list[bytes] | None:
    try:
        return (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def family(root: int) -> set[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[_PARENT]), []).append(int(entry.name))
    found, ahead = {root}, [root]
    while ahead:
        for pid in children.get(ahead.pop(), ()):
            found.add(pid)
            ahead.append(pid)
    return found


def cpu_seconds(root: int) -> float:
    """The CPU time that a process, its descendants and those of them that have ended have used."""
    ticks = 0
    for pid in family(root):
        if stat := _stat(pid):
            ticks += sum(int(stat[place]) for place in (_USER, _SYSTEM, _REAPED_USER, _REAPED_SYSTEM))
    return ticks / _TICKS


def resident_bytes(root: int) -> int:
    """The memory that a process and its descendants hold now (shared pages count for each)."""
    return sum(int(stat[_RESIDENT]) * _PAGE for pid in family(root) if (stat := _stat(pid)))


def peak_bytes(root: int) -> int:
    """The most memory that the largest single process of a family has ever held."""
    peaks = [0]
    for pid in family(root):
        try:
            lines = (_PROC / str(pid) / "status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        peaks += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return max(peaks)


def machine_seconds() -> tuple[float, float]:
    """The CPU time that the whole machine has spent at work, and the time its host took away (stolen)."""
    words = (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, soft, stolen = (int(word) / _TICKS for word in words[:8])
    return user + nice + system + irq + soft, stolen


class Meter:
    """CPU seconds by group since it was made: the named groups, `other` (all else on the machine) and `stolen`."""

    def __init__(self, groups: Mapping[str, Sequence[int]]) -> None:
        self._groups = {name: tuple(roots) for name, roots in groups.items()}
        self._before = self._read()

    def read(self) -> dict[str, float]:
        """The seconds by group until now."""
        now = self._read()
        spent = {name: max(now[name] - self._before[name], 0.0) for name in now}
        busy = spent.pop("busy")
        stolen = spent.pop("stolen")
        return {**spent, "other": max(busy - sum(spent.values()), 0.0), "stolen": stolen}

    def _read(self) -> dict[str, float]:
        busy, stolen = machine_seconds()
        used = {name: sum(map(cpu_seconds, roots)) for name, roots in self._groups.items()}
        return {**used, "busy": busy, "stolen": stolen}
