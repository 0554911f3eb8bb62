"""The SMPP connector, against the simulated message centre."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.conformance.subject import Answer, Feature, Network, Subject, receipts_of
from tests.conformance.wire import Wire, wire_to
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import Clock
from tyrian.protocols.smpp import kind, statuses
from tyrian.simulator.smsc import Smsc, SubmitAnswer, SubmittedSms, WholeSms
from tyrian.simulator.smsc_messages import NUMBERS, RECEIPT, addressed, words_of

SYSTEM_ID: Final = "tyrian"
PASSWORD: Final = "s3cr3t"
NUMBER: Final = "+385991234500"
#: A length that no PDU has, and a command that no message centre knows.
NOISE: Final = b"\xff\xff\xff\xffno SMPP at all"

_ANSWERS: Final = {
    Answer.ACCEPT: SubmitAnswer(),
    Answer.REFUSE: SubmitAnswer(statuses.RINVDSTADR),
    Answer.THROTTLE: SubmitAnswer(statuses.RTHROTTLED),
    Answer.ERROR: SubmitAnswer(statuses.RSYSERR),
    Answer.SILENCE: SubmitAnswer(no_answer=True),
    Answer.CUT: SubmitAnswer(drop_connection=True),
    Answer.GARBAGE: SubmitAnswer(),
}
_STATES: Final = {
    ReceiptKind.DELIVERED: "DELIVRD",
    ReceiptKind.EXPIRED: "EXPIRED",
    ReceiptKind.FAILED: "UNDELIV",
}


class _Phones:
    """The handsets behind the message centre."""

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.taken: dict[str, SubmittedSms] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.wire: Wire | None = None

    async def submitted(self, sms: SubmittedSms) -> SubmitAnswer:
        answer = self.answers.popleft() if self.answers else Answer.ACCEPT
        if _ANSWERS[answer].status == statuses.OK:
            self.taken[sms.message_id] = sms
        if answer is Answer.GARBAGE and self.wire is not None:
            self.wire.garble(NOISE)
        await self.gate.wait()
        return _ANSWERS[answer]

    async def completed(self, sms: WholeSms) -> None:
        pass


class _Sms(Network):
    def __init__(self, smsc: Smsc, phones: _Phones, wire: Wire, clock: Clock) -> None:
        self._smsc = smsc
        self._phones = phones
        self._wire = wire
        self._clock = clock

    def config(self) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self._wire.port, "system_id": SYSTEM_ID, "sender": "Shop"}

    def secrets(self) -> dict[str, str]:
        return {"password": PASSWORD}

    def answers(self, *answers: Answer) -> None:
        self._phones.answers = deque(answers)

    def hold(self) -> None:
        self._phones.gate.clear()

    def release(self) -> None:
        self._phones.gate.set()

    def refs(self) -> Sequence[str]:
        return list(self._phones.taken)

    async def receipt(self, ref: str, kind: ReceiptKind) -> None:
        sms, state = self._phones.taken[ref], _STATES[kind]
        words = words_of(sms, ref, state, "000", self._clock.now())
        fields = addressed(sms.destination, sms.source, esm_class=RECEIPT, short_message=words.encode("ascii"))
        await self._smsc.outbox.post(fields, {"receipted_message_id": ref, "message_state": NUMBERS[state]})

    async def garbage(self) -> None:
        """A receipt without an id or a state; then bytes that are no SMPP, which cost the connection."""
        fields = addressed(NUMBER, "Shop", esm_class=RECEIPT, short_message=b"id: stat:\xff\x00 err:?")
        await self._smsc.outbox.post(fields, {})
        self._wire.say(NOISE)

    async def shut(self) -> None:
        await self._wire.shut()

    async def open(self) -> None:
        await self._wire.open()


class SmsSubject(Subject):
    name = "smpp"
    kind = kind
    to = NUMBER
    refusal = "invalid_recipient"
    #: Bytes that are no SMPP cost the connection, and with it the answer.
    garbled = "no_answer"
    features = frozenset({Feature.NAMES_REPEATS}) | receipts_of(kind, {"host": "h", "system_id": "s", "sender": "s"})

    @asynccontextmanager
    async def network(self, clock: Clock) -> AsyncIterator[Network]:
        phones = _Phones()
        smsc = Smsc(phones, clock, system_id=SYSTEM_ID, password=PASSWORD)
        try:
            async with wire_to(await smsc.start()) as wire:
                phones.wire = wire
                yield _Sms(smsc, phones, wire, clock)
                phones.gate.set()
        finally:
            await smsc.stop()
