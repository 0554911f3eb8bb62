"""PDUs: our reading and writing against smpplib's, and against bytes that no one should send."""

import struct
from typing import Any

import pytest
import smpplib.consts
import smpplib.smpp
from hypothesis import given, strategies as st

from tyrian.protocols.smpp import pdu as wire, statuses
from tyrian.protocols.smpp.pdu import BadPdu, Command, Framer, Garbage, Pdu, Value, decode

#: smpplib has no types.
MAKE_PDU: Any = smpplib.smpp.make_pdu

OCTET = st.integers(0, 255)
PRINTABLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)

SUBMIT = st.fixed_dictionaries(
    {
        "service_type": st.text(PRINTABLE, max_size=5),
        "source_addr_ton": OCTET,
        "source_addr_npi": OCTET,
        "source_addr": st.text(PRINTABLE, max_size=20),
        "dest_addr_ton": OCTET,
        "dest_addr_npi": OCTET,
        "destination_addr": st.text(PRINTABLE, max_size=20),
        "esm_class": OCTET,
        "protocol_id": OCTET,
        "priority_flag": OCTET,
        "schedule_delivery_time": st.text(PRINTABLE, max_size=16),
        "validity_period": st.text(PRINTABLE, max_size=16),
        "registered_delivery": OCTET,
        "replace_if_present_flag": OCTET,
        "data_coding": OCTET,
        "sm_default_msg_id": OCTET,
        "short_message": st.binary(max_size=254),
    }
)


class Counter:
    """What smpplib asks of a client."""

    sequence = 0

    def next_sequence(self) -> int:
        return 1


def theirs(name: str, sequence: Any = 1, **fields: Any) -> bytes:
    """The PDU as smpplib writes it."""
    pdu = MAKE_PDU(name, client=Counter(), **fields)
    pdu.sequence = sequence
    return bytes(pdu.generate())


class TestAgainstSmpplib:
    @given(SUBMIT, st.integers(1, wire.MAX_SEQUENCE))
    def test_submit_sm_both_ways(self, fields: dict[str, Value], sequence: int) -> None:
        data = Pdu(Command.SUBMIT_SM, 0, sequence, fields).encode()
        assert data == theirs("submit_sm", sequence, **fields)
        read = decode(data)
        assert (read.command, read.sequence) == (Command.SUBMIT_SM, sequence)
        assert {name: read.fields[name] for name in fields} == fields

    @pytest.mark.parametrize("name", ["bind_transceiver", "bind_transmitter", "bind_receiver"])
    def test_bind(self, name: str) -> None:
        fields: dict[str, Value] = {
            "system_id": "tyrian", "password": "secret", "system_type": "cp", "interface_version": 0x34,
        }  # fmt: skip
        assert Pdu(Command[name.upper()], 0, 3, fields).encode() == theirs(name, 3, **fields)

    @pytest.mark.parametrize("name", ["unbind", "unbind_resp", "enquire_link", "enquire_link_resp", "generic_nack"])
    def test_bare(self, name: str) -> None:
        assert Pdu(Command[name.upper()], 0, 9).encode() == theirs(name, 9)

    @pytest.mark.parametrize("name", ["submit_sm_resp", "deliver_sm_resp", "data_sm_resp"])
    def test_answers(self, name: str) -> None:
        assert Pdu(Command[name.upper()], 0, 9, {"message_id": "abc1"}).encode() == theirs(name, 9, message_id="abc1")

    def test_parameters(self) -> None:
        tlvs: dict[str, Value] = {
            "sar_msg_ref_num": 513, "sar_total_segments": 2, "sar_segment_seqnum": 1, "message_payload": b"abc",
        }  # fmt: skip
        assert Pdu(Command.SUBMIT_SM, 0, 1, {}, tlvs).encode() == theirs("submit_sm", **tlvs)

    def test_receipt_parameters(self) -> None:
        data = theirs(
            "deliver_sm", esm_class=4, receipted_message_id="77AB", message_state=2, network_error_code=b"\3\0\1"
        )
        assert decode(data).tlvs == {
            "receipted_message_id": "77AB",
            "message_state": 2,
            "network_error_code": b"\3\0\1",
        }

    def test_every_status_of_the_specification_has_a_meaning_of_the_same_name(self) -> None:
        names = {value: name for name, value in vars(smpplib.consts).items() if name.startswith("SMPP_ESME_")}
        assert {code: f"SMPP_{meaning.name}" for code, meaning in statuses.STATUSES.items()} == names

    def test_every_parameter_has_the_tag_that_smpplib_knows(self) -> None:
        assert {name: tag for name, (tag, _) in wire.TLVS.items()} == smpplib.consts.OPTIONAL_PARAMS


def deliver(rest: bytes = b"", short: bytes = b"\x00") -> bytes:
    """A deliver_sm with this after its last plain field."""
    body = b"\0\1\x01385991\0\1\x01123\0\4\0\0\0\0\0\0\0\0" + short + rest
    return struct.pack(">IIII", 16 + len(body), Command.DELIVER_SM, 0, 9) + body


def resp(body: bytes, status: int = 0) -> bytes:
    return struct.pack(">IIII", 16 + len(body), Command.SUBMIT_SM_RESP, status, 9) + body


def sequence_of(data: bytes) -> int:
    """The sequence number of a PDU, read or refused."""
    try:
        return decode(data).sequence
    except BadPdu as error:
        return error.sequence


class TestLeniency:
    @pytest.mark.parametrize(
        ("data", "name", "value"),
        [
            (deliver(b"\x00\x1e\x00\x04ABCD"), "receipted_message_id", "ABCD"),  # No NUL at its end.
            (deliver(b"\x00\x1e\x00\x05ABCD\0"), "receipted_message_id", "ABCD"),
            (deliver(b"\x00\x1e\x00\x08ABCD\0\0\0\0"), "receipted_message_id", "ABCD"),
            (deliver(b"\x04\x27\x00\x02\x00\x02"), "message_state", 2),  # Two octets for one.
            (deliver(b"\x00\x07\x00\x01\x05"), "dest_bearer_type", 5),  # Not of deliver_sm, but harmless.
            (deliver(b"\x14\x01\x00\x02ab"), "0x1401", b"ab"),  # A vendor's own.
            (resp(b"id7\0\x04\x27\x00\x01\x02"), "message_id", "id7"),
            (resp(b"id7"), "message_id", "id7"),
        ],
    )
    def test_reads(self, data: bytes, name: str, value: Value) -> None:
        read = decode(data)
        assert {**read.fields, **read.tlvs}[name] == value

    def test_a_refusal_may_lack_its_body(self) -> None:
        assert decode(resp(b"", statuses.RTHROTTLED)).text("message_id") == ""

    def test_missing_fields_are_zero_or_empty(self) -> None:
        pdu = Pdu(Command.UNBIND)
        assert (pdu.number("esm_class"), pdu.text("source_addr"), pdu.octets("short_message")) == (0, "", b"")

    def test_an_unknown_command_is_read_as_far_as_its_header(self) -> None:
        read = decode(struct.pack(">IIII", 18, 0x0777, 0, 5) + b"ab")
        assert (read.name, read.sequence, read.fields) == ("0x00000777", 5, {})


class TestStrictness:
    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (deliver(short=b"\x10abc"), "ends within short_message"),
            (deliver(b"\x00\x1e\x00"), "ends within its optional parameters"),
            (deliver(b"\x00\x1e\x00\x09ABCD"), "ends within optional parameter 0x001e"),
            (struct.pack(">IIII", 23, Command.DELIVER_SM, 0, 9) + b"\0\1\x0138599", "ends within source_addr"),
            (struct.pack(">IIII", 16, Command.DELIVER_SM, 0, 9), "ends within service_type"),
            (struct.pack(">IIII", 17, Command.DELIVER_SM, 0, 9) + b"\0", "ends within source_addr_ton"),
        ],
    )
    def test_refuses_what_runs_past_its_end(self, data: bytes, words: str) -> None:
        with pytest.raises(BadPdu, match=words) as caught:
            decode(data)
        assert (caught.value.command, caught.value.sequence) == (Command.DELIVER_SM, 9)

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("source_addr", "x" * 21, "source_addr must have at most 20 octets, has 21"),
            ("source_addr", "a\0b", "source_addr must not contain NUL"),
            ("source_addr", "Жук", "latin-1"),
            ("data_coding", 256, "data_coding must be between 0 and 255, is 256"),
            ("short_message", b"x" * 256, "sm_length must be between 0 and 255, is 256"),
        ],
    )
    def test_writes_nothing_that_does_not_fit(self, field: str, value: Value, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            Pdu(Command.SUBMIT_SM, fields={field: value}).encode()

    @given(st.binary(max_size=300), st.sampled_from([*wire.LAYOUTS, 0x777]))
    def test_any_body_is_read_or_refused(self, body: bytes, command: int) -> None:
        data = struct.pack(">IIII", 16 + len(body), command, 0, 1) + body
        assert sequence_of(data) == 1


class TestFraming:
    @given(st.lists(st.binary(max_size=60), max_size=6), st.lists(st.integers(1, 40), min_size=1))
    def test_pieces_of_any_size(self, bodies: list[bytes], sizes: list[int]) -> None:
        frames = [struct.pack(">IIII", 16 + len(b), 5, 0, 1) + b for b in bodies]
        stream, framer, found, n = b"".join(frames), Framer(), [], 0
        while stream:
            size = sizes[n % len(sizes)]
            found += list(framer.feed(stream[:size]))
            stream, n = stream[size:], n + 1
        assert found == frames

    @pytest.mark.parametrize("length", [0, 15, wire.MAX_PDU + 1, 0x48545450])
    def test_impossible_lengths_are_garbage(self, length: int) -> None:
        with pytest.raises(Garbage, match=f"a PDU of {length} octets"):
            list(Framer().feed(struct.pack(">IIII", length, 0, 0, 0)))

    def test_what_came_before_garbage_is_still_read(self) -> None:
        good = Pdu(Command.ENQUIRE_LINK, sequence=1).encode()
        feed = Framer().feed(good + b"GET / HTTP/1.1\r\n")
        assert next(feed) == good
        with pytest.raises(Garbage):
            next(feed)
