"""A message centre: an SMPP 3.4 server with one account, whose handsets are somebody else's (`SmsHandler`).

It checks what a real one checks (credentials, bind states, addresses, its throttle), answers each submit_sm as the
handler says, puts long messages together, and sends receipts and people's messages to whichever receiver is bound,
again and again until they are acknowledged.
"""

import asyncio
import logging
import ssl
from collections import OrderedDict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from itertools import count
from secrets import randbits
from typing import Any, Final, Literal

from tyrian.engine.ports import Clock
from tyrian.protocols.smpp import coding, statuses
from tyrian.protocols.smpp.link import Link, Owner
from tyrian.protocols.smpp.pdu import Command, Pdu, Value, nack
from tyrian.protocols.smpp.reassembly import Reassembler, joined
from tyrian.simulator.smsc_messages import (
    NUMBERS,
    RECEIPT,
    SmsHandler,
    SubmitAnswer,
    SubmittedSms,
    WholeSms,
    addressed,
    read,
    text_of,
    words_of,
)
from tyrian.simulator.smsc_outbox import Outbox, Receiver

__all__ = ["SmsHandler", "Smsc", "SubmitAnswer", "SubmittedSms", "WholeSms"]

log = logging.getLogger(__name__)

#: Wall-clock seconds that an ESME has to answer.
ANSWER_TIMEOUT: Final = 10.0
#: Wall-clock seconds that ESMEs have to answer the last unbind.
GOODBYE: Final = 1.0
#: Messages whose receipts can still be asked for.
KEEP_MESSAGES: Final = 200_000
#: Long messages with parts missing that are kept.
KEEP_UNFINISHED: Final = 10_000

_BINDS: Final = frozenset({Command.BIND_TRANSMITTER, Command.BIND_RECEIVER, Command.BIND_TRANSCEIVER})
_MAY_SUBMIT: Final = frozenset({Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER})
_MAY_RECEIVE: Final = frozenset({Command.BIND_RECEIVER, Command.BIND_TRANSCEIVER})


@dataclass(slots=True, eq=False)
class _Peer(Receiver):
    """A bound ESME."""

    command: int = Command.BIND_TRANSCEIVER
    system_id: str = ""
    #: submit_sm that wait for their answer.
    submitting: int = 0


class _Accepted(Link):
    """A connection from an ESME, among `links` from the moment that it stands (TLS included)."""

    def __init__(self, owner: Owner, links: set[Link], *, timeout: float) -> None:
        super().__init__(owner, timeout=timeout)
        self._links = links

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        super().connection_made(transport)
        self._links.add(self)


@dataclass(slots=True)
class Counts:
    """What happened so far, for tests and pages."""

    submitted: int = 0
    throttled: int = 0
    binds: int = 0
    refused_binds: int = 0
    #: The most submit_sm of one connection that waited for their answer at once.
    highest_window: int = 0


class Smsc:
    """The server. Times are of the clock, but for how long an ESME has to answer.

    `message_ids` is how ids are written in answers to submit_sm, `receipt_ids` how they are in receipts.
    """

    def __init__(
        self,
        handler: SmsHandler,
        clock: Clock,
        *,
        system_id: str,
        password: str,
        tls: ssl.SSLContext | None = None,
        message_ids: Literal["dec", "hex"] = "dec",
        receipt_ids: Literal["same", "dec", "hex"] = "same",
    ) -> None:
        self._handler = handler
        self._clock = clock
        self._system_id = system_id
        self._password = password
        self._tls = tls
        self._message_ids = message_ids
        self._receipt_ids = receipt_ids
        # Far from those of an earlier run, whose receipts a gateway may still wait for.
        self._ids = count(randbits(46))
        self._references = count(randbits(8))
        self._server: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._peers: dict[Link, _Peer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._known: OrderedDict[str, SubmittedSms] = OrderedDict()
        self._unfinished: Reassembler[SubmittedSms] = Reassembler(KEEP_UNFINISHED)
        self._this_second = (0, 0)
        self.outbox = Outbox(clock, self._receivers, self._spawn)
        self.counts = Counts()
        #: submit_sm per second of the clock; beyond, they get ESME_RTHROTTLED. None for no limit.
        self.max_per_second: float | None = None
        #: submit_sm of one connection without an answer; beyond, they get ESME_RTHROTTLED. None for no limit.
        self.max_window: int | None = None
        #: Whether the enquire_link of connections made from now on is answered.
        self.answers_enquiries = True

    # -- Running ------------------------------------------------------------------------------------------------------

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port, which is a free one for 0."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, port, ssl=self._tls)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Take no more connections and end those that are; what was not acknowledged is forgotten."""
        if self._server is None:
            return
        self._server.close()
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(_goodbye(link) for link in [*self._links]))
        self.outbox.clear()
        await self._server.wait_closed()
        self._server = None

    def cut(self) -> None:
        """Break all connections, as a network does."""
        for link in [*self._links]:
            link.drop("cut")

    @property
    def bound(self) -> int:
        """How many connections are bound."""
        return len(self._peers)

    # -- Towards the gateway ------------------------------------------------------------------------------------------

    async def receipt(
        self, message_id: str, state: str, err: str = "000", *, tlv: bool = True, text: bool = True
    ) -> None:
        """Report on a message (`DELIVRD`, `EXPIRED`, ...); returns once a gateway has acknowledged it.

        Raises KeyError for a message that is not known (any more).
        """
        await self.post_receipt(message_id, state, err, tlv=tlv, text=text)

    def post_receipt(
        self, message_id: str, state: str, err: str = "000", *, tlv: bool = True, text: bool = True
    ) -> asyncio.Future[None]:
        """The same without waiting; the future is done when a gateway has acknowledged it."""
        sms = self._known[message_id]
        ref = self._receipt_id(message_id)
        words = words_of(sms, ref, state, err, self._clock.now()) if text else ""
        fields = addressed(sms.destination, sms.source, esm_class=RECEIPT, short_message=words.encode("ascii"))
        tlvs: dict[str, Value] = {"receipted_message_id": ref, "message_state": NUMBERS[state]} if tlv else {}
        return self.outbox.post(fields, tlvs)

    async def mo(self, source: str, destination: str, text: str) -> None:
        """Send what a person wrote, in parts if it is long; returns once a gateway has acknowledged all of it."""
        await asyncio.gather(*self.post_mo(source, destination, text))

    def post_mo(self, source: str, destination: str, text: str) -> Sequence[asyncio.Future[None]]:
        """The same without waiting: a future for each part."""
        encoded = coding.encode(text)
        pieces = coding.parts(encoded, next(self._references) & 0xFF)
        fields = addressed(
            source,
            destination,
            esm_class=coding.UDHI if len(pieces) > 1 else 0,
            data_coding=coding.DATA_CODING[encoded.alphabet],
        )
        return [self.outbox.post({**fields, "short_message": piece}, {}) for piece in pieces]

    def _receivers(self) -> list[_Peer]:
        return [peer for peer in self._peers.values() if peer.command in _MAY_RECEIVE and not peer.link.closing]

    def _receipt_id(self, message_id: str) -> str:
        if self._receipt_ids == "same":
            return message_id
        number = int(message_id, 16 if self._message_ids == "hex" else 10)
        return f"{number:X}" if self._receipt_ids == "hex" else str(number)

    # -- From the gateway ---------------------------------------------------------------------------------------------

    def requested(self, link: Link, pdu: Pdu) -> None:
        """An ESME asks."""
        if pdu.command in _BINDS:
            self._bind(link, pdu)
        elif pdu.command == Command.SUBMIT_SM:
            self._submit(link, pdu)
        else:
            link.send(nack(pdu.sequence, statuses.RINVCMDID))

    def lost(self, link: Link, words: str) -> None:
        """A connection has ended."""
        self._links.discard(link)
        self._peers.pop(link, None)

    def _accept(self) -> Link:
        link = _Accepted(self, self._links, timeout=ANSWER_TIMEOUT)
        link.answers_enquiries = self.answers_enquiries
        return link

    def _bind(self, link: Link, pdu: Pdu) -> None:
        status = self._judge(link, pdu)
        if status != statuses.OK:
            self.counts.refused_binds += 1
            link.respond(pdu, status)
            return
        self.counts.binds += 1
        link.respond(pdu, system_id="tyrian-smsc")
        self._peers[link] = _Peer(link, command=pdu.command, system_id=pdu.text("system_id"))
        self.outbox.pump()

    def _judge(self, link: Link, pdu: Pdu) -> int:
        if link in self._peers:
            return statuses.RALYBND
        if pdu.text("system_id") != self._system_id:
            return statuses.RINVSYSID
        if not compare_digest(pdu.text("password").encode(), self._password.encode()):
            return statuses.RINVPASWD
        return statuses.OK

    def _submit(self, link: Link, pdu: Pdu) -> None:
        peer = self._peers.get(link)
        if peer is None or peer.command not in _MAY_SUBMIT:
            link.respond(pdu, statuses.RINVBNDSTS)
            return
        status = self._refusal(peer, pdu)
        if status != statuses.OK:
            link.respond(pdu, status)
            return
        peer.submitting += 1
        self.counts.submitted += 1
        self.counts.highest_window = max(self.counts.highest_window, peer.submitting)
        self._spawn(self._answer(peer, pdu))

    def _refusal(self, peer: _Peer, pdu: Pdu) -> int:
        if self._too_fast() or (self.max_window is not None and peer.submitting >= self.max_window):
            self.counts.throttled += 1
            return statuses.RTHROTTLED
        if not pdu.text("destination_addr").isdigit():
            return statuses.RINVDSTADR
        return statuses.OK if pdu.text("source_addr") else statuses.RINVSRCADR

    def _too_fast(self) -> bool:
        if self.max_per_second is None:
            return False
        second = int(self._clock.now().timestamp())
        taken = self._this_second[1] if self._this_second[0] == second else 0
        if taken < self.max_per_second:
            self._this_second = (second, taken + 1)
            return False
        return True

    async def _answer(self, peer: _Peer, pdu: Pdu) -> None:
        """Ask the handler, answer as it says, and hand it the message once all its parts are there."""
        message_id = f"{next(self._ids):{'X' if self._message_ids == 'hex' else 'd'}}"
        sms, piece = read(pdu, message_id, peer.system_id, self._clock.now())
        try:
            verdict = await self._handler.submitted(sms)
            if verdict.delay:
                await self._clock.sleep(verdict.delay)
        except Exception:
            log.exception("the handler failed over a submit_sm")
            verdict = SubmitAnswer(statuses.RSYSERR)
        finally:
            peer.submitting -= 1
        if verdict.status == statuses.OK:
            self._keep(sms)
        _say(peer.link, pdu, sms, verdict)
        if verdict.status == statuses.OK:
            await self._complete(sms, piece)

    def _keep(self, sms: SubmittedSms) -> None:
        self._known[sms.message_id] = sms
        if len(self._known) > KEEP_MESSAGES:
            self._known.popitem(last=False)

    async def _complete(self, sms: SubmittedSms, piece: bytes) -> None:
        whole = WholeSms(sms.source, sms.destination, sms.text, sms.validity, (sms,))
        if sms.reference is not None and sms.parts > 1:
            segment = coding.Segment(sms.reference, sms.parts, sms.part)
            found = self._unfinished.add(sms.source, sms.destination, segment, piece, sms, self._clock.now())
            if found is None:
                return
            parts = [found.kept[number] for number in sorted(found.kept)]
            text = text_of(joined(found), sms.data_coding)
            whole = WholeSms(sms.source, sms.destination, text, sms.validity, parts)
        await self._handler.completed(whole)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("the message centre failed", exc_info=task.exception())


def _say(link: Link, pdu: Pdu, sms: SubmittedSms, verdict: SubmitAnswer) -> None:
    if verdict.drop_connection:
        link.drop("cut")
    elif verdict.no_answer:
        log.debug("submit_sm %d gets no answer", pdu.sequence)
    elif verdict.status == statuses.OK:
        link.respond(pdu, message_id=sms.message_id)
    else:
        link.respond(pdu, verdict.status)


async def _goodbye(link: Link) -> None:
    try:
        async with asyncio.timeout(GOODBYE):
            await link.unbind()
    except TimeoutError:
        link.abort()
