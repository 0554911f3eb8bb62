"""Delivery receipts: from a deliver_sm to the neutral `Receipt`.

A receipt is told by `esm_class` (SMPP 3.4, 5.2.12). What it says stands in its parameters `receipted_message_id` and
`message_state` (5.3.2.12 and 5.3.2.35), or in its text in the form of Appendix B, which is only a custom and differs
from one message centre to the next. The parameters win where both are there.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import Receipt
from tyrian.protocols.smpp import coding
from tyrian.protocols.smpp.pdu import Pdu

IdFormat = Literal["same", "hex_to_dec", "dec_to_hex"]

#: Bits 5 to 2 of `esm_class` (5.2.12).
_TYPE_MASK: Final = 0x3C
_RECEIPT: Final = 0x04
#: Acknowledgements by the handset or its person, and news of a message that is still on its way.
_OTHER_NEWS: Final = frozenset({0x08, 0x10, 0x18, 0x20})

#: Message states (table 5-6 and Appendix B): number -> word.
STATES: Final[dict[int, str]] = {
    1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD", 7: "UNKNOWN", 8: "REJECTD",
}  # fmt: skip

#: Word -> what it means for an attempt. None: not the last word, so nothing changes.
MEANINGS: Final[dict[str, tuple[ReceiptKind, str | None] | None]] = {
    "ENROUTE": None,
    "ACCEPTD": None,
    "DELIVRD": (ReceiptKind.DELIVERED, None),
    "EXPIRED": (ReceiptKind.EXPIRED, "network_expired"),
    "DELETED": (ReceiptKind.FAILED, "deleted_by_network"),
    "UNDELIV": (ReceiptKind.FAILED, "network_failed"),
    "UNKNOWN": (ReceiptKind.FAILED, "network_failed"),
    "REJECTD": (ReceiptKind.FAILED, "rejected_by_network"),
}
#: Spellings of the words that message centres use instead.
_SPELLINGS: Final[dict[str, str]] = {
    "DELIVERED": "DELIVRD", "UNDELIVERABLE": "UNDELIV", "UNDELIVRD": "UNDELIV", "ACCEPTED": "ACCEPTD",
    "REJECTED": "REJECTD", "EXPIRD": "EXPIRED", "EN_ROUTE": "ENROUTE",
}  # fmt: skip

_NAMES: Final = r"id|sub|dlvrd|submit date|done date|stat|err|text"
#: `name:value`; only the dates' names have a space, a value may be missing, and that of `text` is all the rest.
_FIELD: Final = re.compile(rf"\b({_NAMES})\s*:\s*((?!(?:{_NAMES})\s*:)\S*)", re.IGNORECASE)
_DATES: Final = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S", 14: "%Y%m%d%H%M%S"}


def kind_of(pdu: Pdu) -> Literal["receipt", "other", "message"]:
    """What a deliver_sm or data_sm brings. The text alone never makes a receipt: people could write one."""
    sort = pdu.number("esm_class") & _TYPE_MASK
    if sort == _RECEIPT or (sort == 0 and pdu.text("receipted_message_id") and "message_state" in pdu.tlvs):
        return "receipt"
    return "other" if sort in _OTHER_NEWS else "message"


def read(pdu: Pdu, id_format: IdFormat = "same", zone: ZoneInfo | None = None) -> Receipt | None:
    """The receipt in the engine's words, or None if it has no id or is not the message centre's last word."""
    text = coding.decode(pdu.octets("short_message") or pdu.octets("message_payload"), pdu.number("data_coding")) or ""
    said = fields(text)
    state = STATES.get(pdu.number("message_state")) or _word(said.get("stat", ""))
    meaning = MEANINGS.get(state)
    ref = _ref(pdu.text("receipted_message_id"), said.get("id", ""), id_format)
    if meaning is None or not ref:
        return None
    kind, reason = meaning
    return Receipt(ref, kind, reason, _date(said.get("done date", ""), zone), _raw(pdu, text))


def fields(text: str) -> Mapping[str, str]:
    """The fields of a receipt's text by their names in lower case; of a name that comes twice, the first."""
    found: dict[str, str] = {}
    for match in _FIELD.finditer(text):
        name = match[1].lower()
        if name == "text":
            break
        found.setdefault(name, match[2])
    return found


def _word(stat: str) -> str:
    word = stat.upper()
    return _SPELLINGS.get(word, word)


def _ref(parameter: str, in_text: str, id_format: IdFormat) -> str:
    """The id in the form of the answer to the send. A parameter that already has that form, while the text has the
    other, is taken as it is.
    """
    convert = CONVERSIONS[id_format]
    if parameter and in_text and convert(in_text) == normal(parameter, id_format):
        return normal(parameter, id_format)
    return convert(parameter or in_text)


def normal(ref: str, id_format: IdFormat) -> str:
    """An id as the answer to the send gives it, in the one spelling that receipts are converted to."""
    if id_format == "same":
        return ref
    return ref.lower().lstrip("0") or ref


def _same(ref: str) -> str:
    return ref


def _hex_to_dec(ref: str) -> str:
    try:
        return str(int(ref, 16))
    except ValueError:
        return ref


def _dec_to_hex(ref: str) -> str:
    return f"{int(ref):x}" if ref.isascii() and ref.isdigit() else ref


#: `message_id_format` -> from the id in a receipt to the one in the answer to the send.
CONVERSIONS: Final[dict[IdFormat, Callable[[str], str]]] = {
    "same": _same,
    "hex_to_dec": _hex_to_dec,
    "dec_to_hex": _dec_to_hex,
}


def _date(text: str, zone: ZoneInfo | None) -> datetime | None:
    layout = _DATES.get(len(text))
    if zone is None or layout is None or not text.isdigit():
        return None
    try:
        return datetime.strptime(text, layout).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _raw(pdu: Pdu, text: str) -> str:
    """The receipt word for word: its text and its parameters."""
    parameters = {name: v.hex() if isinstance(v, bytes) else v for name, v in pdu.tlvs.items()}
    return msgspec.json.encode({"text": text, **parameters}).decode()
