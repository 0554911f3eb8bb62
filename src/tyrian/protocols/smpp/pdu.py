"""SMPP 3.4 protocol data units: bytes to fields and back, as tables. No I/O.

The layouts are those of chapter 4 of the SMPP 3.4 specification (issue 1.2), the optional parameters those of 5.3.2.
Reading is lenient where real message centres are careless and nothing can be misunderstood (a string parameter without
its closing NUL, an integer parameter of another width, unknown parameters, a response without a body) and strict where
it could: a PDU whose fields run past its end is refused whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct
from typing import Final

Value = int | str | bytes

_HEADER: Final = Struct(">IIII")
_TLV: Final = Struct(">HH")
HEADER_SIZE: Final = _HEADER.size
#: Octets of the largest PDU taken: a `message_payload` of 64 KiB, and all the other fields.
MAX_PDU: Final = 70_000
#: The highest sequence number (5.1.4).
MAX_SEQUENCE: Final = 0x7FFFFFFF
RESPONSE: Final = 0x80000000


class Command(IntEnum):
    """Command ids (5.1.2.1)."""

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x00000001
    BIND_RECEIVER_RESP = 0x80000001
    BIND_TRANSMITTER = 0x00000002
    BIND_TRANSMITTER_RESP = 0x80000002
    SUBMIT_SM = 0x00000004
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x00000005
    DELIVER_SM_RESP = 0x80000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    BIND_TRANSCEIVER = 0x00000009
    BIND_TRANSCEIVER_RESP = 0x80000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    ENQUIRE_LINK_RESP = 0x80000015
    ALERT_NOTIFICATION = 0x00000102
    DATA_SM = 0x00000103
    DATA_SM_RESP = 0x80000103


# -- Layouts: (field, size); a positive size is a C-octet string of so many octets with its NUL, -1 an integer of one
# -- octet, and 0 the octets counted by the field before ---------------------------------------------------------------

Layout = tuple[tuple[str, int], ...]

_BYTE: Final = -1
_COUNTED: Final = 0
_SOURCE: Final[Layout] = (("source_addr_ton", _BYTE), ("source_addr_npi", _BYTE), ("source_addr", 21))
_DESTINATION: Final[Layout] = (("dest_addr_ton", _BYTE), ("dest_addr_npi", _BYTE), ("destination_addr", 21))
_BIND: Final[Layout] = (
    ("system_id", 16), ("password", 9), ("system_type", 13), ("interface_version", _BYTE),
    ("addr_ton", _BYTE), ("addr_npi", _BYTE), ("address_range", 41),
)  # fmt: skip
_SHORT_MESSAGE: Final[Layout] = (
    ("service_type", 6), *_SOURCE, *_DESTINATION, ("esm_class", _BYTE), ("protocol_id", _BYTE),
    ("priority_flag", _BYTE), ("schedule_delivery_time", 17), ("validity_period", 17),
    ("registered_delivery", _BYTE), ("replace_if_present_flag", _BYTE), ("data_coding", _BYTE),
    ("sm_default_msg_id", _BYTE), ("sm_length", _BYTE), ("short_message", _COUNTED),
)  # fmt: skip
_DATA: Final[Layout] = (
    ("service_type", 6), *_SOURCE, *_DESTINATION,
    ("esm_class", _BYTE), ("registered_delivery", _BYTE), ("data_coding", _BYTE),
)  # fmt: skip

LAYOUTS: Final[Mapping[int, Layout]] = {
    Command.GENERIC_NACK: (),
    Command.BIND_RECEIVER: _BIND,
    Command.BIND_RECEIVER_RESP: (("system_id", 16),),
    Command.BIND_TRANSMITTER: _BIND,
    Command.BIND_TRANSMITTER_RESP: (("system_id", 16),),
    Command.BIND_TRANSCEIVER: _BIND,
    Command.BIND_TRANSCEIVER_RESP: (("system_id", 16),),
    Command.OUTBIND: (("system_id", 16), ("password", 9)),
    Command.UNBIND: (),
    Command.UNBIND_RESP: (),
    Command.ENQUIRE_LINK: (),
    Command.ENQUIRE_LINK_RESP: (),
    Command.SUBMIT_SM: _SHORT_MESSAGE,
    Command.SUBMIT_SM_RESP: (("message_id", 65),),
    Command.DELIVER_SM: _SHORT_MESSAGE,
    Command.DELIVER_SM_RESP: (("message_id", 65),),
    Command.DATA_SM: _DATA,
    Command.DATA_SM_RESP: (("message_id", 65),),
    Command.ALERT_NOTIFICATION: (
        *_SOURCE, ("esme_addr_ton", _BYTE), ("esme_addr_npi", _BYTE), ("esme_addr", 65),
    ),
}  # fmt: skip

#: Optional parameters (5.3.2): name -> (tag, width). A width is 1, 2 or 4 for integers, 0 for octets, -1 for C-octet
#: strings.
TLVS: Final[Mapping[str, tuple[int, int]]] = {
    "dest_addr_subunit": (0x0005, 1),
    "dest_network_type": (0x0006, 1),
    "dest_bearer_type": (0x0007, 1),
    "dest_telematics_id": (0x0008, 2),
    "source_addr_subunit": (0x000D, 1),
    "source_network_type": (0x000E, 1),
    "source_bearer_type": (0x000F, 1),
    "source_telematics_id": (0x0010, 1),
    "qos_time_to_live": (0x0017, 4),
    "payload_type": (0x0019, 1),
    "additional_status_info_text": (0x001D, -1),
    "receipted_message_id": (0x001E, -1),
    "ms_msg_wait_facilities": (0x0030, 1),
    "privacy_indicator": (0x0201, 1),
    "source_subaddress": (0x0202, 0),
    "dest_subaddress": (0x0203, 0),
    "user_message_reference": (0x0204, 2),
    "user_response_code": (0x0205, 1),
    "source_port": (0x020A, 2),
    "destination_port": (0x020B, 2),
    "sar_msg_ref_num": (0x020C, 2),
    "language_indicator": (0x020D, 1),
    "sar_total_segments": (0x020E, 1),
    "sar_segment_seqnum": (0x020F, 1),
    "sc_interface_version": (0x0210, 1),
    "callback_num_pres_ind": (0x0302, 1),
    "callback_num_atag": (0x0303, 0),
    "number_of_messages": (0x0304, 1),
    "callback_num": (0x0381, 0),
    "dpf_result": (0x0420, 1),
    "set_dpf": (0x0421, 1),
    "ms_availability_status": (0x0422, 1),
    "network_error_code": (0x0423, 0),
    "message_payload": (0x0424, 0),
    "delivery_failure_reason": (0x0425, 1),
    "more_messages_to_send": (0x0426, 1),
    "message_state": (0x0427, 1),
    "ussd_service_op": (0x0501, 0),
    "display_time": (0x1201, 1),
    "sms_signal": (0x1203, 2),
    "ms_validity": (0x1204, 1),
    "alert_on_message_delivery": (0x130C, 0),
    "its_reply_type": (0x1380, 1),
    "its_session_info": (0x1383, 0),
}
_TAGS: Final = {tag: (name, width) for name, (tag, width) in TLVS.items()}


class Garbage(ValueError):
    """Bytes that are no SMPP: where the next PDU would begin cannot be known, so the connection is of no more use."""


class BadPdu(ValueError):
    """A PDU whose body cannot be read. Its header could be, so it can be answered."""

    def __init__(self, message: str, command: int, sequence: int) -> None:
        super().__init__(message)
        self.command = command
        self.sequence = sequence


@dataclass(slots=True)
class Pdu:
    """One protocol data unit. Fields that are left out are zero or empty; an unknown parameter is named by its tag."""

    command: int
    status: int = 0
    sequence: int = 0
    fields: dict[str, Value] = field(default_factory=dict)
    tlvs: dict[str, Value] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The command's name, in the spelling of the specification."""
        return command_name(self.command)

    @property
    def is_response(self) -> bool:
        """Whether it answers a request."""
        return bool(self.command & RESPONSE)

    def number(self, name: str) -> int:
        """An integer field or parameter; 0 if it is missing."""
        value = self.fields.get(name, self.tlvs.get(name, 0))
        return value if isinstance(value, int) else 0

    def text(self, name: str) -> str:
        """A string field or parameter; empty if it is missing."""
        value = self.fields.get(name, self.tlvs.get(name, ""))
        return value if isinstance(value, str) else ""

    def octets(self, name: str) -> bytes:
        """An octet field or parameter; empty if it is missing."""
        value = self.fields.get(name, self.tlvs.get(name, b""))
        return value if isinstance(value, bytes) else b""

    def encode(self) -> bytes:
        """The PDU as it goes over the wire. Raises ValueError for a value that its field cannot hold."""
        body = b"".join((*_fields(self), *_parameters(self.tlvs)))
        return _HEADER.pack(HEADER_SIZE + len(body), self.command, self.status, self.sequence) + body


def command_name(command: int) -> str:
    """The name of a command id, or the id in hex."""
    try:
        return Command(command).name.lower()
    except ValueError:
        return f"0x{command:08x}"


def answer(request: Pdu, status: int = 0, **fields: Value) -> Pdu:
    """The response to a request."""
    return Pdu(request.command | RESPONSE, status, request.sequence, fields)


def nack(sequence: int, status: int) -> Pdu:
    """A generic_nack (4.3.1): the answer to what cannot be answered otherwise."""
    return Pdu(Command.GENERIC_NACK, status, sequence)


# -- Writing ----------------------------------------------------------------------------------------------------------


def _fields(pdu: Pdu) -> Iterator[bytes]:
    values = pdu.fields
    for name, size in LAYOUTS[pdu.command]:
        value = values.get(name)
        if size == _BYTE:
            number = len(pdu.octets("short_message")) if name == "sm_length" else int(value or 0)
            yield number.to_bytes(1, "big") if 0 <= number <= 255 else _too_large(name, number)
        elif size == _COUNTED:
            yield pdu.octets(name)
        else:
            yield _c_octets(name, str(value or ""), size)


def _too_large(name: str, number: int) -> bytes:
    raise ValueError(f"{name} must be between 0 and 255, is {number}")


def _c_octets(name: str, text: str, size: int) -> bytes:
    if not text:
        return b"\0"
    octets = text.encode("latin-1")
    if len(octets) >= size:
        raise ValueError(f"{name} must have at most {size - 1} octets, has {len(octets)}")
    if b"\0" in octets:
        raise ValueError(f"{name} must not contain NUL")
    return octets + b"\0"


def _parameters(tlvs: Mapping[str, Value]) -> Iterator[bytes]:
    for name, value in tlvs.items():
        tag, width = TLVS[name]
        if isinstance(value, int):
            octets = value.to_bytes(max(width, 1), "big")
        elif isinstance(value, str):
            octets = value.encode("latin-1") + b"\0"
        else:
            octets = value
        yield _TLV.pack(tag, len(octets)) + octets


# -- Reading ----------------------------------------------------------------------------------------------------------


def decode(data: bytes) -> Pdu:
    """One whole PDU. Raises BadPdu when its body cannot be read."""
    _, command, status, sequence = _HEADER.unpack_from(data)
    pdu = Pdu(command, status, sequence)
    layout = LAYOUTS.get(command)
    if layout is None:
        return pdu
    at = HEADER_SIZE
    for name, size in layout:
        if at >= len(data) and pdu.is_response:
            return pdu
        at = _read_field(pdu, name, size, data, at)
    _read_parameters(pdu, data, at)
    return pdu


def _read_field(pdu: Pdu, name: str, size: int, data: bytes, at: int) -> int:
    if size == _BYTE:
        if at >= len(data):
            raise _cut(pdu, name)
        pdu.fields[name] = data[at]
        return at + 1
    if size == _COUNTED:
        end = at + pdu.number("sm_length")
        if end > len(data):
            raise _cut(pdu, name)
        pdu.fields[name] = data[at:end]
        return end
    end = data.find(b"\0", at)
    if end < 0:
        if not pdu.is_response:
            raise _cut(pdu, name)
        end = len(data)
    pdu.fields[name] = data[at:end].decode("latin-1")
    return end + 1


def _cut(pdu: Pdu, name: str) -> BadPdu:
    return BadPdu(f"{pdu.name} ends within {name}", pdu.command, pdu.sequence)


def _read_parameters(pdu: Pdu, data: bytes, at: int) -> None:
    while at < len(data):
        start = at + _TLV.size
        if start > len(data):
            raise _cut(pdu, "its optional parameters")
        tag, length = _TLV.unpack_from(data, at)
        at = start + length
        if at > len(data):
            raise _cut(pdu, f"optional parameter 0x{tag:04x}")
        name, width = _TAGS.get(tag, (f"0x{tag:04x}", 0))
        pdu.tlvs[name] = _parameter(data[start:at], width)


def _parameter(octets: bytes, width: int) -> Value:
    if width > 0:
        return int.from_bytes(octets, "big")
    if width < 0:
        return octets.partition(b"\0")[0].decode("latin-1")
    return octets


class Framer:
    """Cuts a stream of bytes, in whatever pieces it comes, into PDUs."""

    def __init__(self, limit: int = MAX_PDU) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The PDUs that are now whole. Raises Garbage when the bytes are no SMPP."""
        buffer = self._buffer
        buffer += data
        at = 0
        try:
            while len(buffer) - at >= HEADER_SIZE:
                length = int.from_bytes(buffer[at : at + 4], "big")
                if not HEADER_SIZE <= length <= self._limit:
                    raise Garbage(f"a PDU of {length} octets, where {HEADER_SIZE} to {self._limit} are possible")
                if len(buffer) - at < length:
                    return
                yield bytes(buffer[at : at + length])
                at += length
        finally:
            del buffer[:at]
