"""The processes of a benchmark: each takes its orders as a line of JSON, says when it is ready, and ends when told.

parent -> child    the specification        child -> parent    {"ready": ...}
parent -> child    an empty line: stop      child -> parent    {"done": ...}
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import uvloop

Spec = TypeVar("Spec")

#: The benchmark's own folder's parent, from which `python -m bench...` works.
ROOT = Path(__file__).resolve().parent.parent
_LINE_LIMIT = 1 << 26


class Orders:
    """The child's side: `ready` answers the specification; `stopped` is set when it is told to end."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()

    def ready(self, facts: Any = None) -> None:
        """Tell the parent that work can begin."""
        _say({"ready": facts})


def main(spec: type[Spec], run: Callable[[Spec, Orders], Awaitable[Any]]) -> None:
    """Be a child: read the specification, run until done or told to stop, and print what `run` returned."""
    line = sys.stdin.readline()
    if line:
        uvloop.run(_run(msgspec.json.decode(line, type=spec), run))


async def _run(spec: Spec, run: Callable[[Spec, Orders], Awaitable[Any]]) -> None:
    orders = Orders()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    watching = asyncio.create_task(_watch(reader, orders))
    result = await run(spec, orders)
    watching.cancel()
    _say({"done": result})


async def _watch(reader: asyncio.StreamReader, orders: Orders) -> None:
    """An empty line stops the child; so does the end of its parent."""
    await reader.readline()
    orders.stopped.set()


def _say(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


class Child:
    """The parent's side of a running child."""

    def __init__(self, process: asyncio.subprocess.Process, facts: Any) -> None:
        self._process = process
        self.facts = facts

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def done(self) -> Any:
        """Wait until it has ended by itself; what it has to say."""
        said = await _hear(self._process, "done")
        await self._process.wait()
        return said

    async def stop(self) -> Any:
        """Tell it to end; what it has to say."""
        if self._process.stdin is not None:
            with contextlib.suppress(ConnectionError):
                self._process.stdin.write(b"\n")
                await self._process.stdin.drain()
        return await self.done()

    async def kill(self) -> None:
        """End it, if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@contextlib.asynccontextmanager
async def started(module: str, spec: msgspec.Struct) -> AsyncIterator[Child]:
    """A child that runs `python -m module`; ended with the block, whatever happens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        limit=_LINE_LIMIT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(spec) + b"\n")
    child = Child(process, await _hear(process, "ready"))
    try:
        yield child
    finally:
        await child.kill()


async def _hear(process: asyncio.subprocess.Process, word: str) -> Any:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError(f"a process of the benchmark ended before it was {word} (exit code {await process.wait()})")
    return msgspec.json.decode(line)[word]
