"""The group commit: concurrent callers share one transaction, and each is answered once it is durable.

A transaction costs nearly the same for one row as for a dozen. So items are gathered until there are enough, at most
for a moment: a short one (`linger`) while little comes, a longer one (`busy`) while more does. In a crowd the batches
grow by themselves, for the next is gathered while earlier ones are being written.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from tyrian.store.database import persist

#: Items that are enough to begin a batch without lingering.
_ENOUGH = 32
#: After a batch of so many, more are worth waiting for.
_SOME = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Gathers items, writes them with `write(items) -> results` and answers each caller with its own result.

    `write` must be idempotent (it is repeated when the connection is lost) and return one result per item, in order.
    A batch that fails for another reason is cut in halves, so that one bad item fails alone.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        size: int = 256,
        writers: int = 2,
        linger: float = 0.0,
        busy: float | None = None,
        patience: float = 30.0,
    ) -> None:
        """At most `size` items a batch, `writers` batches at once, `linger` (or `busy`) seconds to gather.

        `patience` is how long a batch is repeated while the database is away (see `persist`).
        """
        self._write = write
        self._size = size
        self._writers = writers
        self._linger = linger
        self._busy = linger if busy is None else busy
        self._last = 0
        self._patience = patience
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self.written = 0
        self.batches = 0

    @property
    def depth(self) -> int:
        """Items that wait to be written."""
        return len(self._waiting)

    def submit(self, item: Item) -> "asyncio.Future[Result]":
        """Hands in an item; the future is done once it is committed."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._running) < self._writers:
            self._consider()
        return future

    def _consider(self) -> None:
        """Begins a batch if there is enough for one, or lets it grow for a moment."""
        if len(self._waiting) >= min(_ENOUGH, self._size):
            self._start()
        elif self._timer is None:
            self._gather()

    def _gather(self) -> None:
        loop = asyncio.get_running_loop()
        seconds = self._busy if self._last >= _SOME else self._linger
        self._timer = loop.call_later(seconds, self._start) if seconds else loop.call_soon(self._start)

    async def drain(self) -> None:
        """Waits until everything that was handed in is written."""
        while self._waiting or self._running:
            if not self._running:
                self._start()
            await asyncio.wait(self._running)

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and len(self._running) < self._writers:
            batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
            self._last = len(batch)
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._running.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if self._waiting:
            self._consider()

    async def _run(self, batch: list[tuple[Item, "asyncio.Future[Result]"]]) -> None:
        try:
            results = await persist(lambda: self._write([item for item, _ in batch]), patience=self._patience)
        except Exception as error:
            await self._isolate(batch, error)
            return
        self.batches += 1
        self.written += len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)

    async def _isolate(self, batch: list[tuple[Item, "asyncio.Future[Result]"]], error: Exception) -> None:
        if len(batch) == 1:
            future = batch[0][1]
            if not future.done():
                future.set_exception(error)
            return
        middle = len(batch) // 2
        await self._run(batch[:middle])
        await self._run(batch[middle:])
