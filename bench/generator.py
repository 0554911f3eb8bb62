"""The load generator: a process of its own that sends requests over kept connections and notes how long each took.

Closed loop: each of `connections` sends its next request when it has its answer. Open loop (`rate`): requests are due
at fixed times whatever the server does, and each one's time counts from when it was due, not from when a connection
was free for it; so a server that stalls is charged for all that it kept waiting.
"""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

from msgspec import Struct

from bench import child
from bench.board import Board, Count, Shared
from bench.histogram import Histogram
from bench.orders import Maker
from bench.wire import Pool

_HOST = "127.0.0.1"
#: Seconds between looks at the clock or the window.
_TICK = 0.001
#: Seconds that answers may still take when no more requests are sent.
_PATIENCE = 30.0


class Spec(Struct, kw_only=True):
    """What to send, and how fast.

    `count` requests at most, numbered from `first`. With `window`, no request is sent while so many of the messages
    sent before have not yet reached `until`. `times` is a file that takes, by number, the nanosecond that each request
    was due at and the one that it was answered at.
    """

    port: int
    board: str
    maker: Maker
    connections: int
    expect: int = 202
    first: int = 0
    count: int | None = None
    rate: float | None = None
    window: int | None = None
    until: Count = Count.POSTS
    times: str | None = None
    times_size: int = 0


class Result(Struct, kw_only=True):
    """What came of it: requests sent, answered as expected, answered otherwise (with an example) and lost."""

    issued: int
    answered: int
    refused: int
    lost: int
    seconds: float
    latency: dict[str, int]
    example: str | None = None


class Generator:
    """Sends until told to stop, or until `count` requests are sent."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._board = Board(Path(spec.board))
        self._values = self._board.values
        self._times = Shared(Path(spec.times), spec.times_size) if spec.times else None
        self._pool = Pool(_HOST, spec.port, spec.connections, self._answered)
        self._make = spec.maker.make
        self._window = spec.window
        self._latency = Histogram()
        self._next = spec.first
        self._end = spec.first + spec.count if spec.count is not None else 1 << 62
        self._under_way = 0
        self._answers = 0
        self._refused = 0
        self._lost = 0
        self._base = 0
        self._running = True
        self._example: str | None = None
        self._settled = asyncio.Event()

    async def run(self, orders: child.Orders) -> Result:
        """Send; returns when all is answered."""
        self._base = self._values[self._spec.until]
        started = time.perf_counter_ns()
        orders.ready()
        stopping = asyncio.create_task(self._stop_when_told(orders))
        await (self._open_loop() if self._spec.rate else self._closed_loop())
        self._running = False
        await self._settle()
        stopping.cancel()
        seconds = (time.perf_counter_ns() - started) / 1e9
        await self._pool.close()
        return Result(
            issued=self._next - self._spec.first,
            answered=self._answers,
            refused=self._refused,
            lost=self._lost,
            seconds=seconds,
            latency=self._latency.dump(),
            example=self._example,
        )

    async def _stop_when_told(self, orders: child.Orders) -> None:
        await orders.stopped.wait()
        self._running = False

    async def _settle(self) -> None:
        if not self._under_way:
            return
        self._settled.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), _PATIENCE)

    # -- Sending --------------------------------------------------------------------------------------------------

    async def _closed_loop(self) -> None:
        while self._running and self._next < self._end:
            for _ in range(max(self._pool.free, 0)):
                self._send_one()
            await asyncio.sleep(_TICK)

    async def _open_loop(self) -> None:
        assert self._spec.rate is not None
        step = 1e9 / self._spec.rate
        began = time.perf_counter_ns()
        while self._running and self._next < self._end:
            due = int((time.perf_counter_ns() - began) / step) + 1
            for n in range(self._next - self._spec.first, min(due, self._end - self._spec.first)):
                self._send(began + int(n * step))
            await asyncio.sleep(_TICK)

    def _send_one(self) -> None:
        if not self._running or self._next >= self._end:
            return
        if self._window is not None:
            reached = self._values[self._spec.until] - self._base
            if self._next - self._spec.first - reached >= self._window:
                return
        self._send(time.perf_counter_ns())

    def _send(self, due: int) -> None:
        n = self._next
        self._next = n + 1
        self._under_way += 1
        self._values[Count.ISSUED] += 1
        self._pool.submit(self._make(n, due), (n, due))

    def _answered(self, tag: Any, status: int, body: bytes) -> None:
        now = time.perf_counter_ns()
        n, due = tag
        self._under_way -= 1
        if status == self._spec.expect:
            self._latency.record((now - due) // 1000)
            self._answers += 1
            self._values[Count.ANSWERED] += 1
            if self._times is not None and 2 * n + 1 < self._spec.times_size:
                self._times.values[2 * n], self._times.values[2 * n + 1] = due, now
        else:
            self._failed(status, body)
        if not self._spec.rate and status:
            self._send_one()
        if not self._under_way:
            self._settled.set()

    def _failed(self, status: int, body: bytes) -> None:
        if status:
            self._refused += 1
            self._values[Count.REFUSED] += 1
            self._example = self._example or f"{status} {body[:500].decode(errors='replace')}"
        else:
            self._lost += 1
            self._values[Count.LOST] += 1


async def _run(spec: Spec, orders: child.Orders) -> Result:
    return await Generator(spec).run(orders)


if __name__ == "__main__":
    child.main(Spec, _run)
