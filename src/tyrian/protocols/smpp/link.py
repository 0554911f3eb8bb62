"""One SMPP connection, either end: requests matched with their responses, timeouts, enquire_link, a polite end.

`Link` is an asyncio protocol whose work is plain functions over PDUs (`data_received` in, `transport.write` out), so a
test can drive it without a socket. Bytes that are no SMPP drop the connection; nothing a peer sends raises out of it.

Timeouts of the network are counted on the event loop, since a peer's patience runs on the wall's clock whatever the
gateway's does; only how often a quiet link is asked whether it lives goes by the `Clock`.
"""

import asyncio
import logging
from typing import Final, NamedTuple, Protocol, cast

from tyrian.engine.ports import Clock
from tyrian.protocols.smpp import pdu as wire, statuses
from tyrian.protocols.smpp.pdu import Command, Pdu, Value

log = logging.getLogger(__name__)

#: Requests that a peer may make; what it may not be asked is answered with a generic_nack.
_KNOWN: Final = frozenset(wire.LAYOUTS)


class LinkDown(Exception):
    """A request has no answer and will get none. `written` tells whether the peer may have seen it."""

    def __init__(self, words: str, *, written: bool) -> None:
        super().__init__(words)
        self.words = words
        self.written = written


class NoAnswer(LinkDown):
    """The peer did not answer in time; the link itself stands."""


class Owner(Protocol):
    """Whoever holds a link."""

    def requested(self, link: "Link", pdu: Pdu) -> None:
        """The peer made a request other than enquire_link and unbind. Must answer it with `link.respond`, or later."""
        ...

    def lost(self, link: "Link", words: str) -> None:
        """The connection has ended; why, in words."""
        ...


class _Pending(NamedTuple):
    answer: asyncio.Future[Pdu]
    command: int
    deadline: float


class Link(asyncio.Protocol):
    """A connection to a peer. `timeout` is seconds that a request waits for its response."""

    def __init__(self, owner: Owner, *, timeout: float, max_pdu: int = wire.MAX_PDU) -> None:
        self._owner = owner
        self._timeout = timeout
        self._framer = wire.Framer(max_pdu)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._pending: dict[int, _Pending] = {}
        self._sequence = 0
        self._out: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._words = "the peer closed the connection"
        self._heard = False
        #: No more requests may be made: the link is ending or has ended.
        self.closing = False
        self.closed = asyncio.Event()
        #: When it ended, by the event loop's time.
        self.ended_at: float | None = None
        #: What the owner wants to remember of this link.
        self.peer: str = ""
        #: Whether enquire_link is answered. A simulator may turn it off.
        self.answers_enquiries = True

    @property
    def words(self) -> str:
        """Why the link ended, once it has."""
        return self._words

    @property
    def outstanding(self) -> int:
        """Requests that wait for their response."""
        return len(self._pending)

    # -- Talking ------------------------------------------------------------------------------------------------------

    async def request(
        self, command: Command, fields: dict[str, Value] | None = None, tlvs: dict[str, Value] | None = None
    ) -> Pdu:
        """Send a request and wait for its response, whatever its status.

        Raises LinkDown or NoAnswer, and ValueError for a field that SMPP cannot carry.
        """
        if self.closing:
            raise LinkDown(self._words, written=False)
        sequence = self._next_sequence()
        data = Pdu(command, 0, sequence, fields or {}, tlvs or {}).encode()
        answer: asyncio.Future[Pdu] = self._loop.create_future()
        self._pending[sequence] = _Pending(answer, command, self._loop.time() + self._timeout)
        self._write(data)
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._expire)
        try:
            return await answer
        finally:
            self._pending.pop(sequence, None)

    def respond(self, request: Pdu, status: int = 0, **fields: Value) -> None:
        """Answer a request; on a link that has ended, nobody is left to hear it."""
        self.send(wire.answer(request, status, **fields))

    def send(self, pdu: Pdu) -> None:
        """Send a PDU that no response is awaited for."""
        if self._transport is not None and not self._transport.is_closing():
            self._write(pdu.encode())

    def watch(self, clock: Clock, interval: float) -> None:
        """From now on ask the peer whether it lives whenever nothing was heard for `interval` seconds."""
        self._watcher = asyncio.create_task(self._watch(clock, interval))

    async def unbind(self) -> None:
        """End politely: unbind, wait for the answer, close. Requests under way are waited for first."""
        if not self.closing:
            waiting = [pending.answer for pending in self._pending.values()]
            if waiting:
                await asyncio.wait(waiting, timeout=self._timeout)
        if not self.closing:
            try:
                await self.request(Command.UNBIND)
            except LinkDown:
                log.debug("the peer %s did not answer unbind", self.peer)
        self.drop("the link was closed from this side")
        await self.closed.wait()

    def drop(self, words: str) -> None:
        """Close the connection at once, once what was written is out."""
        if self.closing:
            return
        self.closing = True
        self._words = words
        if self._transport is None:
            return
        self._flush()
        self._transport.close()
        # A peer that does not read would keep the transport open for ever.
        self._loop.call_later(self._timeout, self._transport.abort)

    def abort(self) -> None:
        """Break the connection off, whatever is still to be written."""
        self.drop("the connection was broken off from this side")
        if self._transport is not None:
            self._transport.abort()

    # -- The transport's side -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        if self.closing:
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Bytes came, in whatever pieces."""
        self._heard = True
        try:
            for frame in self._framer.feed(data):
                self._take(frame)
        except wire.Garbage as error:
            log.warning("the peer %s sent bytes that are no SMPP: %s", self.peer, error)
            self.send(wire.nack(0, statuses.RINVCMDLEN))
            self.drop(f"the peer sent bytes that are no SMPP: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended."""
        if error is not None and not self.closing:
            self._words = f"the connection broke: {error}"
        self.closing = True
        self.ended_at = self._loop.time()
        for pending in list(self._pending.values()):
            if not pending.answer.done():
                pending.answer.set_exception(LinkDown(self._words, written=True))
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        self.closed.set()
        self._owner.lost(self, self._words)

    # -- Inside -------------------------------------------------------------------------------------------------------

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % wire.MAX_SEQUENCE + 1
        return self._sequence

    def _write(self, data: bytes) -> None:
        """Gathers what is written in one turn of the loop into one system call."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        if self._out and self._transport is not None:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _take(self, frame: bytes) -> None:
        if self.closing:
            return
        try:
            pdu = wire.decode(frame)
        except wire.BadPdu as error:
            self._refuse(error)
            return
        if pdu.is_response:
            self._answered(pdu)
        elif pdu.command == Command.ENQUIRE_LINK:
            if self.answers_enquiries:
                self.respond(pdu)
        elif pdu.command == Command.UNBIND:
            self.respond(pdu)
            self.drop("the peer unbound")
        elif pdu.command in _KNOWN:
            self._owner.requested(self, pdu)
        else:
            self.send(wire.nack(pdu.sequence, statuses.RINVCMDID))

    def _refuse(self, error: wire.BadPdu) -> None:
        """A body that cannot be read: a request is answered so, a response leaves its request without one."""
        log.warning("the peer %s sent a PDU that cannot be read: %s", self.peer, error)
        pending = self._pending.get(error.sequence) if error.command & wire.RESPONSE else None
        if pending is not None:
            self.drop(f"the answer cannot be read: {error}")
        elif not error.command & wire.RESPONSE:
            self.send(wire.nack(error.sequence, statuses.RINVCMDLEN))

    def _answered(self, pdu: Pdu) -> None:
        pending = self._pending.get(pdu.sequence)
        if pending is None or pending.answer.done():
            log.info("the peer %s sent %s for number %d, which nobody waits for", self.peer, pdu.name, pdu.sequence)
        elif pdu.command not in (pending.command | wire.RESPONSE, Command.GENERIC_NACK):
            self.drop(f"the peer answered {wire.command_name(pending.command)} with {pdu.name}")
        else:
            pending.answer.set_result(pdu)

    def _expire(self) -> None:
        """All requests wait equally long, so the first of them is the first to be over."""
        self._timer = None
        now = self._loop.time()
        for pending in self._pending.values():
            if pending.deadline > now:
                self._timer = self._loop.call_at(pending.deadline, self._expire)
                break
            if not pending.answer.done():
                words = f"no answer to {wire.command_name(pending.command)} within {self._timeout:g} s"
                pending.answer.set_exception(NoAnswer(words, written=True))

    async def _watch(self, clock: Clock, interval: float) -> None:
        while not self.closing:
            self._heard = False
            await clock.sleep(interval)
            if self._heard:
                continue
            try:
                await self.request(Command.ENQUIRE_LINK)
            except NoAnswer as error:
                self.drop(f"the peer is gone: {error.words}")
            except LinkDown:
                return
