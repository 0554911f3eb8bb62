"""What the message centre has for ESMEs: queued until a receiver is bound, repeated until it is acknowledged."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final

from tyrian.engine.ports import Clock
from tyrian.protocols.smpp import statuses
from tyrian.protocols.smpp.link import Link, LinkDown
from tyrian.protocols.smpp.pdu import Command, Value

log = logging.getLogger(__name__)

#: Seconds of the clock before something that was not acknowledged is sent again to the same ESME.
REPEAT_AFTER: Final = 5.0
#: deliver_sm on their way to one ESME at once.
DELIVER_WINDOW: Final = 100


@dataclass(slots=True, eq=False)
class Receiver:
    """An ESME that is bound to receive."""

    link: Link
    delivering: int = 0


@dataclass(slots=True, eq=False)
class Item:
    """A deliver_sm until it is acknowledged."""

    fields: dict[str, Value]
    tlvs: dict[str, Value]
    done: asyncio.Future[None]
    #: How often it was sent.
    tries: int = 0


class Outbox:
    """Hands items to receivers, each to the one with the least to do."""

    def __init__(
        self, clock: Clock, receivers: Callable[[], Iterable[Receiver]],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:  # fmt: skip
        self._clock = clock
        self._receivers = receivers
        self._spawn = spawn
        self._queue: deque[Item] = deque()
        #: Items acknowledged, and tries that were not.
        self.acknowledged = 0
        self.repeated = 0

    def __len__(self) -> int:
        return len(self._queue)

    def post(self, fields: dict[str, Value], tlvs: dict[str, Value]) -> asyncio.Future[None]:
        """Queue a deliver_sm; the future is done when an ESME has acknowledged it."""
        item = Item(fields, tlvs, asyncio.get_running_loop().create_future())
        self._queue.append(item)
        self.pump()
        return item.done

    def pump(self) -> None:
        """Send what waits, as far as the receivers have room."""
        while self._queue:
            free = [receiver for receiver in self._receivers() if receiver.delivering < DELIVER_WINDOW]
            if not free:
                return
            receiver = min(free, key=lambda r: r.delivering)
            receiver.delivering += 1
            self._spawn(self._deliver(receiver, self._queue.popleft()))

    def clear(self) -> None:
        """Forget everything; who waits for it is cancelled."""
        while self._queue:
            self._queue.popleft().done.cancel()

    async def _deliver(self, receiver: Receiver, item: Item) -> None:
        item.tries += 1
        acknowledged = False
        try:
            answer = await receiver.link.request(Command.DELIVER_SM, item.fields, item.tlvs)
            acknowledged = answer.status == statuses.OK
        except LinkDown as error:
            log.debug("a deliver_sm was not acknowledged: %s", error)
        except asyncio.CancelledError:
            item.done.cancel()
            raise
        finally:
            receiver.delivering -= 1
        if acknowledged:
            self.acknowledged += 1
            if not item.done.done():
                item.done.set_result(None)
        else:
            await self._again(receiver, item)
        self.pump()

    async def _again(self, receiver: Receiver, item: Item) -> None:
        """Queue it once more: first in line for another connection, after a while for the same one."""
        self.repeated += 1
        if receiver.link.closing:
            self._queue.appendleft(item)
            return
        self.pump()
        try:
            await self._clock.sleep(REPEAT_AFTER)
        except asyncio.CancelledError:
            item.done.cancel()
            raise
        self._queue.append(item)
