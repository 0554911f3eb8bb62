"""Text to short messages and back."""

from typing import Literal

import pytest
from hypothesis import given, strategies as st

from tyrian.protocols.smpp import coding, gsm
from tyrian.protocols.smpp.coding import Encoded, Segment
from tyrian.protocols.smpp.reassembly import Reassembler, Unfinished, joined

GSM_TEXT = st.text(st.sampled_from(sorted(gsm.SEPTETS)), max_size=900)
ANY_TEXT = st.text(max_size=500)
BITS = st.sampled_from((8, 16))


def whole(parts: list[bytes], data_coding: int) -> str | None:
    """What a phone makes of the parts."""
    if len(parts) == 1:
        return coding.decode(parts[0], data_coding)
    gathered = Unfinished[None](since=None, total=len(parts))  # type: ignore[arg-type]
    for part in parts:
        segment, piece = coding.split_header(part, coding.UDHI)
        assert segment is not None
        assert segment.total == len(parts)
        gathered.pieces[segment.number] = piece
    return coding.decode(joined(gathered), data_coding)


class TestAlphabet:
    def test_has_128_septets_less_the_escape_and_ten_extensions(self) -> None:
        assert len(gsm.SEPTETS) == 127 + 10

    @pytest.mark.parametrize(
        ("text", "septets"),
        [
            ("@", b"\x00"),
            ("Hello", b"Hello"),
            ("à_§", b"\x7f\x11\x5f"),
            ("€", b"\x1b\x65"),
            ("[~]", b"\x1b\x3c\x1b\x3d\x1b\x3e"),
            ("{^|\\}", b"\x1b\x28\x1b\x14\x1b\x40\x1b\x2f\x1b\x29"),
            ("\f", b"\x1b\x0a"),
        ],
    )
    def test_both_ways(self, text: str, septets: bytes) -> None:
        assert gsm.encode(text) == septets
        assert gsm.decode(septets) == text

    @pytest.mark.parametrize("text", ["ž", "`", "\x1b", "ç", "Ж", "😀"])
    def test_lacks(self, text: str) -> None:
        assert gsm.encode(text) is None

    @pytest.mark.parametrize(
        ("septets", "text"),
        [
            (b"a\x1bb", "ab"),  # Not in the extension table: as in the default table.
            (b"a\x1b", "a "),
            (b"\x1b\x1ba", " a"),
            (b"caf\xe9", "café"),  # Never GSM; Latin 1 is what was meant.
        ],
    )
    def test_reads_what_no_phone_should_send(self, septets: bytes, text: str) -> None:
        assert gsm.decode(septets) == text

    @given(GSM_TEXT)
    def test_round_trip(self, text: str) -> None:
        septets = gsm.encode(text)
        assert septets is not None
        assert gsm.decode(septets) == text

    @given(st.binary())
    def test_reads_any_octets(self, octets: bytes) -> None:
        gsm.decode(octets)


class TestChoice:
    @pytest.mark.parametrize(
        ("text", "encoding", "alphabet"),
        [
            ("Hello €", "auto", "gsm"),
            ("Šešir", "auto", "ucs2"),
            ("Hello", "ucs2", "ucs2"),
            ("Hello", "gsm", "gsm"),
        ],
    )
    def test_alphabet(self, text: str, encoding: coding.Encoding, alphabet: str) -> None:
        assert coding.encode(text, encoding).alphabet == alphabet

    def test_gsm_alone_names_the_character_it_lacks(self) -> None:
        with pytest.raises(coding.Uncodable, match="the GSM alphabet has no 'š'"):
            coding.encode("Naš", "gsm")

    def test_half_a_surrogate_pair_cannot_be_sent(self) -> None:
        with pytest.raises(coding.Uncodable, match="surrogate"):
            coding.encode("\ud83d")


class TestParts:
    @pytest.mark.parametrize(
        ("text", "bits", "sizes"),
        [
            ("a" * 160, 8, [160]),
            ("a" * 161, 8, [153, 8]),
            ("a" * 306, 8, [153, 153]),
            ("a" * 307, 8, [153, 153, 1]),
            ("a" * 305, 16, [152, 152, 1]),
            ("€" * 80, 8, [160]),
            ("€" * 81, 8, [152, 10]),  # 153 is odd: the last escape pair goes whole into the next part.
            ("ж" * 70, 8, [140]),
            ("ж" * 71, 8, [134, 8]),
            ("ж" * 67, 16, [134]),
            ("ж" * 71, 16, [132, 10]),
            ("😀" * 35, 8, [140]),
            ("😀" * 36, 8, [132, 12]),  # 67 units are odd: the last pair goes whole into the next part.
        ],
    )
    def test_sizes(self, text: str, bits: Literal[8, 16], sizes: list[int]) -> None:
        encoded = coding.encode(text)
        made = coding.parts(encoded, 7, bits)
        header = 0 if len(made) == 1 else 6 if bits == 8 else 7
        assert [len(part) - header for part in made] == sizes
        assert coding.count(encoded, bits) == len(sizes)

    def test_headers(self) -> None:
        encoded = coding.encode("a" * 161)
        assert [p[:6].hex() for p in coding.parts(encoded, 0x1AB)] == ["050003ab0201", "050003ab0202"]
        assert [p[:7].hex() for p in coding.parts(encoded, 0x1AB, 16)] == ["06080401ab0201", "06080401ab0202"]

    def test_more_than_255_are_refused(self) -> None:
        with pytest.raises(coding.Uncodable, match="needs 256 parts"):
            coding.parts(coding.encode("a" * (153 * 255 + 1)), 1)

    @given(GSM_TEXT, BITS, st.integers(0, 65535))
    def test_gsm_round_trip(self, text: str, bits: Literal[8, 16], reference: int) -> None:
        parts = coding.parts(coding.encode(text), reference, bits)
        assert whole(parts, 0) == text
        assert all(len(p) <= 160 for p in parts)
        assert all(p[-1:] != b"\x1b" for p in parts)

    @given(ANY_TEXT, BITS)
    def test_ucs2_round_trip(self, text: str, bits: Literal[8, 16]) -> None:
        parts = coding.parts(coding.encode(text, "ucs2"), 1, bits)
        assert whole(parts, 8) == text
        assert all(len(p) <= 140 for p in parts)
        for part in parts:
            _, piece = coding.split_header(part, coding.UDHI if len(parts) > 1 else 0)
            piece.decode("utf-16-be")  # No half of a surrogate pair.

    @given(ANY_TEXT)
    def test_round_trip_in_the_alphabet_chosen(self, text: str) -> None:
        encoded = coding.encode(text)
        assert whole(coding.parts(encoded, 1), coding.DATA_CODING[encoded.alphabet]) == text


class TestReading:
    @pytest.mark.parametrize(
        ("octets", "esm_class", "segment", "rest"),
        [
            (b"\x05\x00\x03\x07\x02\x01abc", 0x40, Segment(7, 2, 1), b"abc"),
            (b"\x06\x08\x04\x01\x07\x02\x02abc", 0x40, Segment(0x107, 2, 2), b"abc"),
            (b"\x05\x00\x03\x07\x02\x01abc", 0x00, None, b"\x05\x00\x03\x07\x02\x01abc"),
            # A port number before the reference.
            (b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x07\x02\x01abc", 0x40, Segment(7, 2, 1), b"abc"),
            (b"\x06\x05\x04\x0b\x84\x23\xf0abc", 0x40, None, b"abc"),
            (b"\x05\x00\x03\x07\x02\x03abc", 0x40, None, b"abc"),  # Part 3 of 2.
            (b"\x05\x00\x03\x07\x00\x00abc", 0x40, None, b"abc"),
            (b"\x05\x00\x09\x07\x02\x01abc", 0x40, None, b"abc"),  # An element longer than the header.
            (b"\xffabc", 0x40, None, b"\xffabc"),  # A header longer than the message.
            (b"", 0x40, None, b""),
        ],
    )
    def test_header(self, octets: bytes, esm_class: int, segment: Segment | None, rest: bytes) -> None:
        assert coding.split_header(octets, esm_class) == (segment, rest)

    @given(st.binary(max_size=200), st.integers(0, 255), st.integers(0, 255))
    def test_any_octets(self, octets: bytes, esm_class: int, data_coding: int) -> None:
        _, rest = coding.split_header(octets, esm_class)
        coding.decode(rest, data_coding)

    @pytest.mark.parametrize(
        ("data_coding", "octets", "text"),
        [
            (0x00, b"\x00\x1b\x65", "@€"),
            (0x01, b"abc\xff", "abc�"),
            (0x03, b"caf\xe9", "café"),
            (0x06, "Жук".encode("iso8859-5"), "Жук"),
            (0x07, "שלום".encode("iso8859-8"), "שלום"),
            (0x08, "Жук 😀".encode("utf-16-be"), "Жук 😀"),
            (0x08, b"\x04\x16\x04", "Ж�"),  # Half a unit too much.
            (0x10, b"\x00", "@"),  # GSM, class 0.
            (0x18, "Ж".encode("utf-16-be"), "Ж"),  # UCS-2, class 0.
            (0x14, b"\x01\x02", None),
            (0xF0, b"\x00", "@"),
            (0xF4, b"\x01\x02", None),
            (0xC8, b"\x00", "@"),
            (0xE8, "Ж".encode("utf-16-be"), "Ж"),
            (0x02, b"\x01\x02", None),
            (0x04, b"\x01\x02", None),
            (0x99, b"\x01\x02", None),
        ],
    )
    def test_data_coding(self, data_coding: int, octets: bytes, text: str | None) -> None:
        assert coding.decode(octets, data_coding) == text


def test_an_encoded_text_knows_whether_it_fits_one_message() -> None:
    assert Encoded("gsm", b"a" * 160).single
    assert not Encoded("ucs2", b"a" * 142).single
    assert len(Reassembler[None]()) == 0
