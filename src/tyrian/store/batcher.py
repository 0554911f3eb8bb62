"""The group commit: concurrent callers share one transaction, and each is answered once it is durable.

A transaction costs nearly the same for one row as for a dozen. So items are gathered for a moment (`linger`), or until
a batch is full, and while earlier batches are being written; in a crowd the batches grow by themselves to what the
database can take.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from tyrian.store.database import persist

#: After a write, this part of a full batch is enough for the next to begin without lingering.
_ENOUGH = 4

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
        patience: float = 30.0,
    ) -> None:
        """At most `size` items a batch, `writers` batches at once, `linger` seconds to gather.

        `patience` is how long a batch is repeated while the database is away (see `persist`).
        """
        self._write = write
        self._size = size
        self._writers = writers
        self._linger = linger
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
        if len(self._waiting) >= self._size and len(self._running) < self._writers:
            self._start()
        elif self._timer is None and len(self._running) < self._writers:
            self._gather()
        return future

    def _gather(self) -> None:
        """Lets the batch grow for a moment."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._linger, self._start) if self._linger else loop.call_soon(self._start)

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
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._running.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not self._waiting:
            return
        if len(self._waiting) * _ENOUGH >= self._size:
            self._start()
        elif self._timer is None:
            self._gather()

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
