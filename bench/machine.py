"""What the figures were measured on: facts of the machine and of PostgreSQL, without its name or its folders."""

import os
import platform
import re
from pathlib import Path
from typing import Any, Final

import asyncpg

#: The settings that decide how durable and how fast a commit is.
_SHOWN: Final = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_compression",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "data_checksums",
)


def facts() -> dict[str, Any]:
    """Cores, memory, processor, system and Python."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found[1].strip() if found else platform.machine()


def slug() -> str:
    """A file name for this kind of machine, such as `2-cores-amd-epyc`."""
    words = re.sub(r"\((?:r|tm)\)|cpu|processor|@.*", " ", _processor().lower())
    words = re.sub(r"[^a-z0-9]+", "-", words).strip("-")
    return f"{os.cpu_count()}-cores-{words}"


async def postgres(url: str) -> dict[str, str]:
    """PostgreSQL's version, and its settings that matter here."""
    connection = await asyncpg.connect(url)
    try:
        return {name: str(await connection.fetchval(f"SHOW {name}")) for name in _SHOWN}
    finally:
        await connection.close()
