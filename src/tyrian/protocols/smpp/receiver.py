"""What the message centre brings: receipts and people's messages, answered only once they are committed.

Each deliver_sm (or data_sm) becomes a task, so that those which come together reach the sink together. The answer to
a part of a long message waits for the other parts: a part that was acknowledged and then lost with this process would
never come again. A message centre that sends one at a time waits `PART_HOLD` seconds for the answer "not now", goes
on with the next part, and repeats the first later, which is then known.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from tyrian.domain.address import e164
from tyrian.domain.content import Text
from tyrian.engine.ports import Channel, Inbound, Receipt, Tools
from tyrian.protocols.smpp import coding, exchange, receipts, statuses
from tyrian.protocols.smpp.coding import Segment
from tyrian.protocols.smpp.config import INTERNATIONAL, UNKNOWN_TON, SmppConfig
from tyrian.protocols.smpp.link import Link
from tyrian.protocols.smpp.pdu import Command, Pdu, nack
from tyrian.protocols.smpp.reassembly import EXPIRY, Reassembler, Unfinished, joined
from tyrian.protocols.smpp.sightings import Sighting, Sightings

log = logging.getLogger(__name__)

#: Seconds that the answer to a part waits for the rest; message centres wait 10 or more for an answer.
PART_HOLD: Final = 3.0
#: Deliveries being committed at once; further ones are told to come again.
MAX_UNDER_WAY: Final = 2000
#: Parts of whole messages that are remembered, to know their repeats.
_REMEMBERED: Final = 10_000
#: Requests that have no response (4.1.7, 4.12.1).
_UNANSWERED: Final = frozenset({Command.OUTBIND, Command.ALERT_NOTIFICATION})
_DELIVERIES: Final = frozenset({Command.DELIVER_SM, Command.DATA_SM})


@dataclass(slots=True, eq=False)
class Delivery:
    """A PDU that waits for its answer."""

    link: Link
    pdu: Pdu
    answered: bool = False
    #: Gives a part up that the rest does not come for.
    hold: asyncio.Task[None] | None = None

    def answer(self, status: int = statuses.OK) -> None:
        """Answer it, if that has not been done."""
        if self.hold is not None:
            self.hold.cancel()
        if not self.answered:
            self.answered = True
            self.link.respond(self.pdu, status)


class Receiver:
    """Brings what comes over a channel's links to the engine's sink."""

    def __init__(self, channel: Channel, config: SmppConfig, tools: Tools) -> None:
        self._channel = channel
        self._config = config
        self._sink = tools.sink
        self._clock = tools.clock
        self._zone = None if config.receipt_time_zone is None else ZoneInfo(config.receipt_time_zone)
        self._tasks: set[asyncio.Task[None]] = set()
        self._holds: set[asyncio.Task[None]] = set()
        self._parts: Reassembler[Delivery] = Reassembler()
        self._done: OrderedDict[bytes, datetime] = OrderedDict()
        self._sightings = Sightings(config.timeout)
        self._ending = False

    def requested(self, link: Link, pdu: Pdu) -> None:
        """Take a request of the message centre."""
        if pdu.command in _DELIVERIES:
            self._deliver(Delivery(link, pdu))
        elif pdu.command not in _UNANSWERED:
            link.send(nack(pdu.sequence, statuses.RINVCMDID))

    async def drain(self, seconds: float) -> None:
        """Take nothing more, and wait at most so many seconds for what is being committed; the rest goes unanswered."""
        self._ending = True
        for hold in self._holds:
            hold.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()

    @staticmethod
    def decline(link: Link, pdu: Pdu) -> None:
        """Tell the message centre to come again later, on a connection that is only a question whether it works."""
        if pdu.command in _DELIVERIES:
            link.respond(pdu, statuses.RX_T_APPN)

    # -- One delivery -------------------------------------------------------------------------------------------------

    def _deliver(self, delivery: Delivery) -> None:
        if self._ending or len(self._tasks) >= MAX_UNDER_WAY:
            delivery.answer(statuses.RX_T_APPN)
            return
        kind = receipts.kind_of(delivery.pdu)
        if kind == "message":
            self._message(delivery)
            return
        receipt = self._receipt(delivery.pdu) if kind == "receipt" else None
        if receipt is None:
            delivery.answer()
        else:
            self._start(self._bring_receipt(delivery, receipt))

    def _receipt(self, pdu: Pdu) -> Receipt | None:
        receipt = receipts.read(pdu, self._config.message_id_format, self._zone)
        if receipt is None:
            log.info("channel %s: a receipt that changes nothing: %s", self._channel.name, exchange.received(pdu))
        return receipt

    async def _bring_receipt(self, delivery: Delivery, receipt: Receipt) -> None:
        try:
            await self._sink.receipts(self._channel, (receipt,))
        except Exception:
            log.exception("channel %s: a receipt could not be stored; it will be repeated", self._channel.name)
            delivery.answer(statuses.RX_T_APPN)
        else:
            delivery.answer()

    # -- Messages -----------------------------------------------------------------------------------------------------

    def _message(self, delivery: Delivery) -> None:
        pdu = delivery.pdu
        octets = pdu.octets("short_message") or pdu.octets("message_payload")
        segment, piece = coding.split_header(octets, pdu.number("esm_class"))
        segment = segment or _sar(pdu)
        if segment is None or segment.total == 1:
            self._whole((delivery,), piece)
        else:
            self._part(delivery, segment, piece)

    def _part(self, delivery: Delivery, segment: Segment, piece: bytes) -> None:
        pdu, now = delivery.pdu, self._clock.now()
        source, destination = pdu.text("source_addr"), pdu.text("destination_addr")
        if self._is_done(_mark(source, destination, segment, piece), now):
            delivery.answer()
            return
        message = self._parts.add(source, destination, segment, piece, delivery, now)
        if message is None:
            self._hold(delivery)
        else:
            self._whole(tuple(message.kept.values()), joined(message), message, segment)

    def _hold(self, delivery: Delivery) -> None:
        delivery.hold = task = asyncio.create_task(self._give_up(delivery))
        self._holds.add(task)
        task.add_done_callback(self._holds.discard)

    async def _give_up(self, delivery: Delivery) -> None:
        await self._clock.sleep(PART_HOLD)
        delivery.hold = None
        delivery.answer(statuses.RX_T_APPN)

    def _whole(
        self,
        deliveries: Sequence[Delivery],
        octets: bytes,
        parts: Unfinished[Delivery] | None = None,
        segment: Segment | None = None,
    ) -> None:
        pdu, link = deliveries[-1].pdu, deliveries[-1].link
        sighting = self._sightings.of(_digest(pdu, octets), link, self._clock.now())
        inbound = self._inbound(pdu, octets, sighting)
        self._start(self._bring_message(deliveries, inbound, sighting, _marks(pdu, parts, segment)))

    async def _bring_message(
        self, deliveries: Sequence[Delivery], inbound: Inbound, sighting: Sighting, marks: Sequence[bytes]
    ) -> None:
        status = statuses.OK
        try:
            await self._sink.inbound(self._channel, (inbound,))
        except Exception:
            log.exception("channel %s: a message could not be stored; it will be repeated", self._channel.name)
            status = statuses.RX_T_APPN
        else:
            sighting.acknowledge(deliveries[-1].link)
            self._remember(marks)
        for delivery in deliveries:
            delivery.answer(status)

    def _inbound(self, pdu: Pdu, octets: bytes, sighting: Sighting) -> Inbound:
        text = coding.decode(octets, pdu.number("data_coding"))
        extra = {} if text is not None else {"binary": octets.hex(), "data_coding": pdu.number("data_coding")}
        words = octets.hex() if text is None else text.replace("\0", "")
        return Inbound(
            sender=_address(pdu, "source_addr") or "unknown",
            to=_address(pdu, "destination_addr") or self._config.sender,
            # A message may be empty, a text content may not.
            content=Text(text=words or " "),
            provider_id=sighting.provider_id,
            raw=exchange.received(pdu),
            extra=extra,
        )

    # -- Repeats of parts ---------------------------------------------------------------------------------------------

    def _is_done(self, mark: bytes, now: datetime) -> bool:
        at = self._done.get(mark)
        return at is not None and now - at < EXPIRY

    def _remember(self, marks: Sequence[bytes]) -> None:
        now = self._clock.now()
        for mark in marks:
            self._done[mark] = now
        while len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)

    # -- Tasks --------------------------------------------------------------------------------------------------------

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _sar(pdu: Pdu) -> Segment | None:
    """A part by its parameters (5.3.2.22 to 5.3.2.24)."""
    if "sar_total_segments" not in pdu.tlvs:
        return None
    segment = Segment(pdu.number("sar_msg_ref_num"), pdu.number("sar_total_segments"), pdu.number("sar_segment_seqnum"))
    return segment if 1 <= segment.number <= segment.total <= coding.MAX_PARTS else None


def _address(pdu: Pdu, field: str) -> str:
    """An address, as E.164 if it is an international number; a short code or name as it is."""
    text = pdu.text(field)
    ton = pdu.number(f"{field.replace('destination', 'dest')}_ton")
    international = text.isdigit() and ton in (UNKNOWN_TON, INTERNATIONAL[0])
    return (e164(text) or text) if international else text


def _mark(source: str, destination: str, segment: Segment, piece: bytes) -> bytes:
    return hashlib.blake2b(repr((source, destination, segment, piece)).encode(), digest_size=16).digest()


def _marks(pdu: Pdu, parts: Unfinished[Delivery] | None, segment: Segment | None) -> Sequence[bytes]:
    if parts is None or segment is None:
        return ()
    source, destination = pdu.text("source_addr"), pdu.text("destination_addr")
    return [
        _mark(source, destination, segment._replace(number=number), piece) for number, piece in parts.pieces.items()
    ]


def _digest(pdu: Pdu, octets: bytes) -> str:
    """What tells a message from others: all that a repeat of it has in common with it."""
    names = ("source_addr", "destination_addr", "esm_class", "data_coding", "user_message_reference")
    known = {**pdu.fields, **pdu.tlvs}
    told = repr(([known.get(name) for name in names], octets))
    return hashlib.blake2b(told.encode(), digest_size=12).hexdigest()
