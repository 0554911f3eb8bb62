"""The way to the process that opens pictures: one order at a time, each within a time; a process that hangs or dies is
replaced, and its order refused."""

import asyncio
import contextlib
import logging
import os
import sys
from typing import Final

import msgspec

from tyrian.domain.media import Facts, Recipe
from tyrian.media.kinds import Unacceptable
from tyrian.media.worker import LENGTHS, Done, Order

log = logging.getLogger(__name__)

#: Seconds that one picture may take.
SECONDS: Final = 20.0
#: Orders after which the process is replaced, so that what its libraries leak does not grow.
_ORDERS: Final = 500
_decode: Final = msgspec.json.Decoder(Done).decode


class Workshop:
    """Opens pictures elsewhere. Use within one event loop; `close` at the end."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        """`seconds` is what one picture may take."""
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._orders = 0
        #: How often the process was started.
        self.starts = 0

    async def look(self, content_type: str, data: bytes) -> Facts:
        """What a picture is. Raises `Unacceptable`."""
        facts, _ = await self._order(Order(do="look", content_type=content_type), data)
        return facts

    async def make(self, content_type: str, data: bytes, recipe: Recipe) -> tuple[Facts, bytes]:
        """A picture made anew. Raises `Unacceptable`."""
        return await self._order(Order(do="make", content_type=content_type, recipe=recipe), data)

    async def close(self) -> None:
        """Ends the process."""
        async with self._turn:
            await self._end()

    async def _order(self, order: Order, data: bytes) -> tuple[Facts, bytes]:
        async with self._turn:
            try:
                async with asyncio.timeout(self._seconds):
                    done, made = await self._exchange(msgspec.json.encode(order), data)
            except TimeoutError:
                await self._end()
                raise Unacceptable(f"takes more than {self._seconds:g} s to open") from None
            except (asyncio.IncompleteReadError, OSError):
                await self._end()
                raise Unacceptable("could not be opened: what opens pictures broke over it") from None
            except BaseException:
                await self._end()
                raise
        if done.refused is not None or done.facts is None:
            raise Unacceptable(done.refused or "could not be opened")
        return done.facts, made

    async def _exchange(self, head: bytes, data: bytes) -> tuple[Done, bytes]:
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(LENGTHS.pack(len(head), len(data)) + head)
        process.stdin.write(data)
        await process.stdin.drain()
        told, made = LENGTHS.unpack(await process.stdout.readexactly(LENGTHS.size))
        return _decode(await process.stdout.readexactly(told)), await process.stdout.readexactly(made)

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None or self._orders >= _ORDERS:
            await self._end()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tyrian.media.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_environment(),
            )
            self._orders = 0
            self.starts += 1
        self._orders += 1
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


def _environment() -> dict[str, str]:
    """What the process is told: where Python finds itself, and none of the gateway's settings or secrets."""
    kept = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ}
