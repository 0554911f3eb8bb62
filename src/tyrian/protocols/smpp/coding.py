"""Text to short messages and back: choice of alphabet, cutting, joining headers.

Sizes are those of 3GPP TS 23.040: 140 octets of user data, that is 160 septets or 70 UTF-16 units, less the header of
a part. SMPP carries septets as whole octets, so a part of 153 septets is 153 octets of `short_message`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from tyrian.protocols.smpp import gsm

Alphabet = Literal["gsm", "ucs2"]
Encoding = Literal["auto", "gsm", "ucs2"]

#: `data_coding` (SMPP 3.4, 5.2.19).
DATA_CODING: Final[dict[Alphabet, int]] = {"gsm": 0x00, "ucs2": 0x08}
#: Octets of `short_message` in a message of one part.
SINGLE: Final[dict[Alphabet, int]] = {"gsm": 160, "ucs2": 140}
#: The same in each part of several, by the bits of the reference: the header takes 6 octets (7 septets) or 7.
PART: Final[dict[tuple[Alphabet, int], int]] = {("gsm", 8): 153, ("gsm", 16): 152, ("ucs2", 8): 134, ("ucs2", 16): 132}
#: A part's number is one octet (TS 23.040, 9.2.3.24.1).
MAX_PARTS: Final = 255
#: `esm_class`: the user data begins with a header (SMPP 3.4, 5.2.12).
UDHI: Final = 0x40
#: Information elements for a part of a message, with a reference of one octet or two (TS 23.040, 9.2.3.24).
_CONCATENATED_8: Final = 0x00
_CONCATENATED_16: Final = 0x08


class Uncodable(ValueError):
    """The text cannot be written in the alphabet that the channel is bound to, or at all."""


@dataclass(slots=True, frozen=True)
class Encoded:
    """A text in the octets of one alphabet, not yet cut."""

    alphabet: Alphabet
    octets: bytes

    @property
    def single(self) -> bool:
        """Whether it fits one message."""
        return len(self.octets) <= SINGLE[self.alphabet]


class Segment(NamedTuple):
    """What a part says of itself: the reference that all parts share, how many they are, which this is (from 1)."""

    reference: int
    total: int
    number: int


def encode(text: str, encoding: Encoding = "auto") -> Encoded:
    """The text in the alphabet asked for; `auto` takes UCS-2 only for what the GSM alphabet does not have."""
    septets = None if encoding == "ucs2" else gsm.encode(text)
    if septets is not None:
        return Encoded("gsm", septets)
    if encoding == "gsm":
        strange = next(c for c in text if c not in gsm.SEPTETS)
        raise Uncodable(f"the GSM alphabet has no {strange!r}")
    try:
        return Encoded("ucs2", text.encode("utf-16-be"))
    except UnicodeEncodeError as error:
        raise Uncodable("the text has half of a surrogate pair") from error


def cut(encoded: Encoded, size: int) -> list[bytes]:
    """The octets in pieces of at most `size`, with no escape pair and no surrogate pair in two pieces."""
    octets, pieces, at = encoded.octets, [], 0
    while len(octets) - at > size:
        end = at + size - _backward(encoded.alphabet, octets, at + size)
        pieces.append(octets[at:end])
        at = end
    pieces.append(octets[at:])
    return pieces


def _backward(alphabet: Alphabet, octets: bytes, end: int) -> int:
    """How many octets before `end` belong to a pair that would be cut there."""
    if alphabet == "gsm":
        return 1 if octets[end - 1] == gsm.ESCAPE else 0
    return 2 if 0xD8 <= octets[end - 2] <= 0xDB else 0


def parts(encoded: Encoded, reference: int, bits: Literal[8, 16] = 8) -> list[bytes]:
    """The `short_message` of each part: one without a header, or several with one. Raises Uncodable past 255 parts."""
    if encoded.single:
        return [encoded.octets]
    pieces = cut(encoded, PART[encoded.alphabet, bits])
    if len(pieces) > MAX_PARTS:
        raise Uncodable(f"the text needs {len(pieces)} parts, where {MAX_PARTS} are possible")
    total = len(pieces)
    return [_header(Segment(reference, total, n), bits) + piece for n, piece in enumerate(pieces, 1)]


def count(encoded: Encoded, bits: Literal[8, 16] = 8) -> int:
    """How many parts the text makes."""
    return 1 if encoded.single else len(cut(encoded, PART[encoded.alphabet, bits]))


def _header(segment: Segment, bits: int) -> bytes:
    if bits == 16:
        return bytes((6, _CONCATENATED_16, 4)) + segment.reference.to_bytes(2, "big") + bytes(segment[1:])
    return bytes((5, _CONCATENATED_8, 3, segment.reference & 0xFF, segment.total, segment.number))


# -- Reading ----------------------------------------------------------------------------------------------------------


def split_header(octets: bytes, esm_class: int) -> tuple[Segment | None, bytes]:
    """A part's place among its fellows, and its user data without the header. A header that makes no sense is text."""
    if not esm_class & UDHI or not octets or octets[0] >= len(octets):
        return None, octets
    end = octets[0] + 1
    return _segment(octets[1:end]), octets[end:]


def _segment(elements: bytes) -> Segment | None:
    at = 0
    while at + 2 <= len(elements):
        kind, length = elements[at], elements[at + 1]
        value = elements[at + 2 : at + 2 + length]
        if (kind, length) in ((_CONCATENATED_8, 3), (_CONCATENATED_16, 4)) and len(value) == length:
            return _sensible(Segment(int.from_bytes(value[:-2], "big"), value[-2], value[-1]))
        at += 2 + length
    return None


def _sensible(segment: Segment) -> Segment | None:
    """TS 23.040: a part numbered 0 or beyond the total is to be taken as if the element were not there."""
    return segment if 1 <= segment.number <= segment.total else None


#: `data_coding` -> Python's name of the character set (SMPP 3.4, 5.2.19). None: octets that are no text.
_CHARACTER_SETS: Final[dict[int, str | None]] = {
    0x00: "gsm", 0x01: "ascii", 0x02: None, 0x03: "latin-1", 0x04: None, 0x05: "shift_jis",
    0x06: "iso8859-5", 0x07: "iso8859-8", 0x08: "utf-16-be", 0x09: None, 0x0A: "iso2022_jp",
    0x0D: "euc_jp", 0x0E: "euc_kr",
}  # fmt: skip
#: Bits 3 and 2 of the groups of the GSM data coding scheme that have them (TS 23.038, 4).
_GSM_GROUPS: Final[Sequence[str | None]] = ("gsm", None, "utf-16-be", None)


def character_set(data_coding: int) -> str | None:
    """The character set of a `data_coding`, GSM message classes included; None for octets that are no text."""
    if data_coding in _CHARACTER_SETS:
        return _CHARACTER_SETS[data_coding]
    if 0x10 <= data_coding <= 0x3F:
        return _GSM_GROUPS[data_coding >> 2 & 3]
    if 0xE0 <= data_coding <= 0xEF:
        return "utf-16-be"
    if 0xF0 <= data_coding <= 0xFF:
        return None if data_coding & 4 else "gsm"
    return "gsm" if 0xC0 <= data_coding <= 0xDF else None


def decode(octets: bytes, data_coding: int) -> str | None:
    """The text of user data, or None if it is no text. What its character set does not have becomes U+FFFD."""
    name = character_set(data_coding)
    if name is None:
        return None
    return gsm.decode(octets) if name == "gsm" else octets.decode(name, "replace")
