"""What the message centre takes and says: the types of `smsc`, and the reading and writing of its PDUs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Protocol

from tyrian.protocols.smpp import coding
from tyrian.protocols.smpp.config import kind_of
from tyrian.protocols.smpp.pdu import Pdu, Value
from tyrian.protocols.smpp.receipts import STATES

#: `esm_class` of a receipt (SMPP 3.4, 5.2.12).
RECEIPT: Final = 0x04
#: Message states by their words (table 5-6).
NUMBERS: Final = {word: number for number, word in STATES.items()}
#: Characters of the message that a receipt repeats (Appendix B).
_QUOTED: Final = 20


@dataclass(slots=True, frozen=True)
class SubmittedSms:
    """One submit_sm: a message, or a part of one. Addresses are as sent, numbers without +; `validity` in seconds."""

    message_id: str
    source: str
    destination: str
    text: str
    data_coding: int
    esm_class: int
    registered_delivery: int
    validity: float | None
    system_id: str
    #: Which part of how many, and the reference that the parts share.
    part: int = 1
    parts: int = 1
    reference: int | None = None

    @property
    def wants_receipt(self) -> bool:
        """Whether a delivery that succeeds is to be reported (5.2.17)."""
        return self.registered_delivery & 3 == 1


@dataclass(slots=True, frozen=True)
class WholeSms:
    """A message with all its parts taken, as a handset shows it."""

    source: str
    destination: str
    text: str
    validity: float | None
    parts: Sequence[SubmittedSms]

    @property
    def message_id(self) -> str:
        """The id of its last part."""
        return self.parts[-1].message_id

    @property
    def receipt_ids(self) -> Sequence[str]:
        """The ids of the parts that asked for a receipt."""
        return [part.message_id for part in self.parts if part.wants_receipt]


@dataclass(slots=True, frozen=True)
class SubmitAnswer:
    """How a submit_sm is answered: with a `command_status`, after `delay` seconds of the clock.

    With `no_answer` or `drop_connection` the message is taken (where `status` is 0), and the answer never comes.
    """

    status: int = 0
    delay: float = 0.0
    drop_connection: bool = False
    no_answer: bool = False


class SmsHandler(Protocol):
    """The handsets behind the message centre."""

    async def submitted(self, sms: SubmittedSms) -> SubmitAnswer:
        """Decide on a submit_sm; called for every part. The answer goes out after this returns."""
        ...

    async def completed(self, sms: WholeSms) -> None:
        """A message is whole: called once for each, after its last part was answered."""
        ...


def read(pdu: Pdu, message_id: str, system_id: str, now: datetime) -> tuple[SubmittedSms, bytes]:
    """A submit_sm as a message or part, and its user data without a header."""
    octets = pdu.octets("short_message") or pdu.octets("message_payload")
    segment, piece = coding.split_header(octets, pdu.number("esm_class"))
    sms = SubmittedSms(
        message_id=message_id,
        source=pdu.text("source_addr"),
        destination=pdu.text("destination_addr"),
        text=text_of(piece, pdu.number("data_coding")),
        data_coding=pdu.number("data_coding"),
        esm_class=pdu.number("esm_class"),
        registered_delivery=pdu.number("registered_delivery"),
        validity=seconds_of(pdu.text("validity_period"), now),
        system_id=system_id,
        part=segment.number if segment else 1,
        parts=segment.total if segment else 1,
        reference=segment.reference if segment else None,
    )
    return sms, piece


def text_of(octets: bytes, data_coding: int) -> str:
    """User data as text; octets that are none, in hex."""
    text = coding.decode(octets, data_coding)
    return octets.hex() if text is None else text


def seconds_of(validity: str, now: datetime) -> float | None:
    """A validity period in seconds from now (7.1.1); None for none, or for one that cannot be read."""
    if len(validity) != 16 or not validity[:15].isdigit() or validity[15] not in "R+-":
        return None
    pairs = [int(validity[at : at + 2]) for at in range(0, 12, 2)]
    if validity[15] == "R":
        years, months, days, hours, minutes, seconds = pairs
        whole = timedelta(days=365 * years + 30 * months + days, hours=hours, minutes=minutes, seconds=seconds)
        return whole.total_seconds()
    east = timedelta(minutes=15 * int(validity[13:15])) * (1 if validity[15] == "+" else -1)
    try:
        at = datetime.strptime(validity[:12], "%y%m%d%H%M%S").replace(tzinfo=timezone(east))
    except ValueError:
        return None
    return (at - now).total_seconds()


def addressed(source: str, destination: str, **further: Value) -> dict[str, Value]:
    """The fields of a deliver_sm between these two, with the types of number that their looks say."""
    fields: dict[str, Value] = {}
    for field, address in (("source", source), ("dest", destination)):
        bare = address.removeprefix("+")
        ton, npi = kind_of(bare)
        fields[f"{field}_addr_ton"], fields[f"{field}_addr_npi"] = ton, npi
        fields["source_addr" if field == "source" else "destination_addr"] = bare
    return fields | further


def words_of(sms: SubmittedSms, ref: str, state: str, err: str, now: datetime) -> str:
    """The text of a receipt, in the form of Appendix B."""
    date = f"{now.astimezone(UTC):%y%m%d%H%M}"
    arrived = "001" if state == "DELIVRD" else "000"
    start = sms.text[:_QUOTED].encode("ascii", "replace").decode()
    return f"id:{ref} sub:001 dlvrd:{arrived} submit date:{date} done date:{date} stat:{state} err:{err} text:{start}"
