"""The other end of both lines, in a process of its own: a provider like Viber Business, and a customer's endpoint.

The provider answers each send at once (or after `delay` seconds) and notes when it came. With a `hook`, it then sends
the `delivered` receipt, and the `seen` receipt after that one was taken, as fast as the gateway takes them. The
customer counts what it is called for. Wire form: Viber Business Messages, native partner interface.
"""

import asyncio
import time
from collections import deque
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from bench import child, wire
from bench.board import Board, Count, Shared
from bench.orders import MARK, NUMBER_WIDTH, TOKEN

SEND_PATH: Final = "/vibersrvc/1/send_message"
CUSTOMER_PATH: Final = "/customer"
_TICK: Final = 0.001
#: How long a receipt that was not taken waits before it is sent again.
_AGAIN: Final = 0.5

_DELIVERED, _SEEN = 0, 1
_TAKEN = wire.answer(b"{}")
_NOT_FOUND = wire.answer(b"{}", "404 Not Found")


class Spec(Struct, kw_only=True):
    """`arrivals` is a file that takes the nanosecond of each message's first arrival by number, of `size` at most.

    The message `model` is answered and not counted: a backlog is made of its copies.

    `delivered_after` and `seen_after` are seconds: from the send's answer, and from the delivered receipt's.
    """

    board: str
    arrivals: str
    size: int
    model: int = -1
    port: int = 0
    delay: float = 0.0
    hook_port: int | None = None
    hook_path: str = "/"
    hook_connections: int = 64
    delivered_after: float = 0.1
    seen_after: float = 0.1


class _Words(Struct):
    text: str = field(name="#txt", default="")


class _Send(Struct):
    dest: str
    seq: int = 0
    service_id: int = 0
    message: _Words = field(default_factory=_Words)


_decode = msgspec.json.Decoder(_Send).decode


class _Later:
    """Things to do after a fixed time each, in order: a line, a timer, no heap."""

    def __init__(self, seconds: float, action: Any) -> None:
        self._seconds = seconds
        self._action = action
        self._line: deque[tuple[float, Any]] = deque()
        self._waking = False

    def add(self, item: Any) -> None:
        if not self._seconds:
            self._action(item)
            return
        self._line.append((time.monotonic() + self._seconds, item))
        if not self._waking:
            self._waking = True
            asyncio.get_running_loop().call_later(self._seconds, self._wake)

    def _wake(self) -> None:
        now = time.monotonic()
        while self._line and self._line[0][0] <= now:
            self._action(self._line.popleft()[1])
        self._waking = bool(self._line)
        if self._line:
            wait = max(self._line[0][0] - now, _TICK)
            asyncio.get_running_loop().call_later(wait, self._wake)


class Upstream:
    """Provider and customer."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._board = Board(Path(spec.board)).values
        self._arrivals = Shared(Path(spec.arrivals), spec.size).values
        #: Per message a bit for each report that has come.
        self._told = bytearray(spec.size)
        self._pool: wire.Pool | None = None
        if spec.hook_port is not None:
            self._pool = wire.Pool("127.0.0.1", spec.hook_port, spec.hook_connections, self._receipt_answered)
        self._delivered = _Later(spec.delivered_after, self._send_receipt)
        self._seen = _Later(spec.seen_after, self._send_receipt)
        self._again = _Later(_AGAIN, self._send_receipt)
        self._answers = _Later(spec.delay, lambda late: late[0].reply(late[1]))

    async def run(self, orders: child.Orders) -> None:
        """Serve until told to stop."""
        server, port = await wire.serve(self._handle, self._spec.port)
        orders.ready({"port": port})
        await orders.stopped.wait()
        server.close()
        if self._pool is not None:
            await self._pool.close()

    def _handle(self, served: wire.Served, head: bytes, body: bytes) -> bytes | None:
        path = head[5 : head.index(b" ", 5)]
        if path == SEND_PATH.encode():
            return self._send(served, body)
        if path == CUSTOMER_PATH.encode():
            return self._called(body)
        return _NOT_FOUND

    # -- The provider ---------------------------------------------------------------------------------------------

    def _send(self, served: wire.Served, body: bytes) -> bytes | None:
        now = time.perf_counter_ns()
        send = _decode(body)
        number = _number_in(body)
        if number == self._spec.model:
            pass
        elif self._arrivals[number]:
            self._board[Count.POSTS_AGAIN] += 1
        else:
            self._arrivals[number] = now
            self._board[Count.POSTS] += 1
        token = TOKEN + number
        reply = wire.answer(b'{"status":0,"seq":%d,"message_token":"%d"}' % (send.seq, token))
        if self._pool is not None:
            self._delivered.add((token, _DELIVERED, send.dest, send.service_id))
        if not self._spec.delay:
            return reply
        self._answers.add((served, reply))
        return None

    def _send_receipt(self, receipt: tuple[int, int, str, int]) -> None:
        if self._pool is None:
            return
        token, status, phone, service = receipt
        body = b'{"message_token":"%d","message_status":%d,"message_time":%d,"phone_number":"%s","service_id":%d}' % (
            token,
            status,
            time.time_ns() // 1_000_000,
            phone.encode(),
            service,
        )
        self._pool.submit(wire.request("POST", self._spec.hook_path, body), receipt)

    def _receipt_answered(self, receipt: Any, status: int, _body: bytes) -> None:
        if status != 200:
            self._board[Count.RECEIPTS_REFUSED] += 1
            self._again.add(receipt)
            return
        self._board[Count.RECEIPTS] += 1
        token, kind, phone, service = receipt
        if kind == _DELIVERED:
            self._seen.add((token, _SEEN, phone, service))

    # -- The customer ---------------------------------------------------------------------------------------------

    def _called(self, body: bytes) -> bytes:
        number = _number_in(body)
        bit = 2 if b'"seen"' in body else 1
        if self._told[number] & bit:
            self._board[Count.CALLBACKS_AGAIN] += 1
        else:
            self._told[number] |= bit
            self._board[Count.CALLBACKS] += 1
            self._board[Count.COMPLETED] += self._told[number] == 3
        return _TAKEN


def _number_in(body: bytes) -> int:
    at = body.index(MARK) + len(MARK)
    return int(body[at : at + NUMBER_WIDTH])


async def _run(spec: Spec, orders: child.Orders) -> None:
    await Upstream(spec).run(orders)


if __name__ == "__main__":
    child.main(Spec, _run)
