"""From starting `tyrian serve` on a data folder that was used before until `/readyz` says 200."""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from bench import child, subjects
from bench.figures import Figure
from bench.world import World, free_port
from tyrian.store import embedded

#: Seconds.
_AIM: Final = 2.0

Start = Callable[[Path, int], Awaitable[asyncio.subprocess.Process]]


async def run(world: World) -> list[Figure]:
    """The gateway, and a process that only starts the same server, connects and answers."""
    data = world.folder / "startup"
    await _once(_gateway, data)
    times = range(2 if world.options.quick else max(world.options.rounds, 5))
    ours = [await _once(_gateway, data) for _ in times]
    theirs = [await _once(_idle, data) for _ in times]
    return [
        Figure(
            scenario="startup",
            name="start to ready, warm data folder",
            unit="s",
            sense="less",
            aim=_AIM,
            value=statistics.median(ours),
            limit=statistics.median(theirs),
            rounds=ours,
            limit_rounds=theirs,
            notes=["with the start of the embedded PostgreSQL"],
        )
    ]


async def _once(start: Start, data: Path) -> float:
    port = free_port()
    began = time.monotonic()
    process = await start(data, port)
    try:
        await subjects.until_ready(port, process)
        return time.monotonic() - began
    finally:
        await subjects.stop(process)
        await asyncio.to_thread(embedded.stop, data)


async def _gateway(data: Path, port: int) -> asyncio.subprocess.Process:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TYRIAN_")}
    return await subjects.serve(["--port", str(port), "--data-dir", str(data)], {**ours, "TYRIAN_LOG_LEVEL": "warning"})


async def _idle(data: Path, port: int) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "bench.idle", str(data), str(port)]
    return await asyncio.create_subprocess_exec(*command, cwd=child.ROOT, start_new_session=True)
