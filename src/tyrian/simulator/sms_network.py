"""The handsets behind the SMSC: what becomes of each SMS, and what people text back."""

from functools import partial
from typing import Final

from tyrian.protocols.smpp import statuses
from tyrian.simulator.behaviour import Answer, Behaviour, Kind, Network
from tyrian.simulator.ground import Ground
from tyrian.simulator.handsets import Handset, Line, Message, Via
from tyrian.simulator.smsc import Smsc, SubmitAnswer, SubmittedSms, WholeSms
from tyrian.simulator.taps import Said, text_of

#: What a receipt says, and its error code; what is missing here is not reported by SMS.
STATES: Final = {
    Kind.DELIVERED: ("DELIVRD", "000"),
    Kind.FAILED: ("UNDELIV", "001"),
    Kind.EXPIRED: ("EXPIRED", "002"),
    Kind.REJECTED: ("REJECTD", "003"),
    Kind.DELETED: ("DELETED", "004"),
}
#: `registered_delivery` that asks for a receipt only when delivery fails (SMPP 3.4, 5.2.17).
_ON_FAILURE: Final = 2


class SmsNetwork:
    """The SMSC's handler, and the carrier of what people text to `sender`."""

    def __init__(self, ground: Ground, system_id: str, password: str) -> None:
        self._ground = ground
        self.smsc = Smsc(self, ground.clock, system_id=system_id, password=password)
        ground.handsets.connect(Via.SMS, self)

    async def submitted(self, sms: SubmittedSms) -> SubmitAnswer:
        """Decide on one submit_sm. Of a long message, the first part decides how often it fails."""
        handset = self._ground.handsets.of(sms.destination)
        behaviour = handset.behaviour(Network.SMS)
        answer = handset.next_answer(Network.SMS, behaviour) if sms.part == 1 else behaviour.answer
        return SubmitAnswer(
            status=_status(answer, behaviour),
            delay=behaviour.delay,
            drop_connection=answer is Answer.CUT,
            no_answer=answer is Answer.SILENCE,
        )

    async def completed(self, sms: WholeSms) -> None:
        """A message is whole: it is on its way to the handset."""
        handset = self._ground.handsets.of(sms.destination)
        content = {"type": "sms", "text": sms.text, "parts": len(sms.parts)}
        message = handset.accept(Line(Via.SMS, sms.source), sms.message_id, content, self._ground.now())
        behaviour = handset.behaviour(Network.SMS)
        self._ground.delivery.carry(handset, message, behaviour, partial(self._report, sms), sms.validity)

    def _report(self, sms: WholeSms, handset: Handset, message: Message, kind: Kind) -> None:
        if kind not in STATES:
            return
        state, error = STATES[kind]
        for part in sms.parts:
            on_failure = part.registered_delivery & 3 == _ON_FAILURE and kind is not Kind.DELIVERED
            if part.wants_receipt or on_failure:
                self.smsc.post_receipt(part.message_id, state, error)

    # -- What people do -----------------------------------------------------------------------------------------------

    def wrote(self, handset: Handset, sender: str, said: Said) -> None:
        """A text goes to the gateway; whatever has no text goes as its type in brackets."""
        self.smsc.post_mo(handset.address, sender, text_of(said))

    def read(self, handset: Handset, messages: list[Message]) -> None:
        """The network does not hear of it."""

    def allowed(self, handset: Handset, sender: str, allowed: bool) -> None:
        """The network does not hear of it: phones hide texts by themselves."""

    def opened(self, handset: Handset, sender: str, context: str | None) -> None:
        """The network does not hear of it."""


def _status(answer: Answer, behaviour: Behaviour) -> int:
    if answer is Answer.REFUSE:
        return behaviour.status or statuses.RSYSERR
    return _STATUSES.get(answer, statuses.OK)


_STATUSES: Final = {
    Answer.ERROR: statuses.RSYSERR,
    Answer.THROTTLE: statuses.RTHROTTLED,
    Answer.NOT_A_USER: statuses.RINVDSTADR,
    Answer.BLOCKED: statuses.RINVDSTADR,
    #: No answer over SMPP can be garbled in one PDU alone, so it is refused with a status that means nothing.
    Answer.GARBAGE: 0x7FFFFFFF,
}
