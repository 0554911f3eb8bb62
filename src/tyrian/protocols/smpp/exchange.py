"""PDUs in words for people: what an exchange shows of them. A bind's password never comes here."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tyrian.protocols.smpp import coding, statuses
from tyrian.protocols.smpp.pdu import Pdu, Value

_MESSAGES: Final = frozenset({"short_message", "message_payload"})
#: Fields whose zero or emptiness says nothing.
_ALWAYS: Final = frozenset({"esm_class", "data_coding", "registered_delivery", "source_addr", "destination_addr"})

encode = msgspec.json.Encoder().encode


def shown(name: str, fields: Mapping[str, Value], tlvs: Mapping[str, Value]) -> dict[str, Any]:
    """A request's fields by their names; the message as text and as octets in hex."""
    known = {**fields, **tlvs}
    told: dict[str, Any] = {"command": name}
    for field, value in known.items():
        if field in _MESSAGES and isinstance(value, bytes):
            told[field] = _message(value, known)
        elif isinstance(value, bytes):
            told[field] = value.hex()
        elif value or field in _ALWAYS:
            told[field] = value
    return told


def answered(pdu: Pdu) -> dict[str, Any]:
    """A response: its status by name, and its fields."""
    told: dict[str, Any] = {"command": pdu.name, "command_status": statuses.meaning(pdu.status).name}
    for field, value in {**pdu.fields, **pdu.tlvs}.items():
        told[field] = value.hex() if isinstance(value, bytes) else value
    return told


def line(items: list[dict[str, Any]]) -> str:
    """One PDU as a JSON object, several as an array."""
    return encode(items[0] if len(items) == 1 else items).decode()


def received(pdu: Pdu) -> str:
    """A PDU from the message centre as JSON."""
    return encode(shown(pdu.name, pdu.fields, pdu.tlvs)).decode()


def _message(octets: bytes, known: Mapping[str, Value]) -> dict[str, str | None]:
    _, piece = coding.split_header(octets, int(known.get("esm_class", 0)))
    return {"text": coding.decode(piece, int(known.get("data_coding", 0))), "hex": octets.hex()}
