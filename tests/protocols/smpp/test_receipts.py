"""Receipts, in text and in parameters."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.reasons import REASONS
from tyrian.protocols.smpp import receipts
from tyrian.protocols.smpp.pdu import Command, Pdu, Value

TEXT = "id:0123456789 sub:001 dlvrd:001 submit date:2601021504 done date:2601021505 stat:DELIVRD err:000 text:Hi"


def receipt(text: str = "", esm_class: Any = 4, **tlvs: Any) -> Pdu:
    fields: dict[str, Value] = {"esm_class": esm_class, "short_message": text.encode("latin-1")}
    return Pdu(Command.DELIVER_SM, 0, 1, fields, dict(tlvs))


STATES = [
    ("DELIVRD", 2, (ReceiptKind.DELIVERED, None)),
    ("EXPIRED", 3, (ReceiptKind.EXPIRED, "network_expired")),
    ("DELETED", 4, (ReceiptKind.FAILED, "deleted_by_network")),
    ("UNDELIV", 5, (ReceiptKind.FAILED, "network_failed")),
    ("UNKNOWN", 7, (ReceiptKind.FAILED, "network_failed")),
    ("REJECTD", 8, (ReceiptKind.FAILED, "rejected_by_network")),
    ("ENROUTE", 1, None),
    ("ACCEPTD", 6, None),
    ("NONSENS", 99, None),
    ("", 0, None),
]


@pytest.mark.parametrize(("word", "number", "meaning"), STATES)
class TestStates:
    def test_in_text(self, word: str, number: int, meaning: Any) -> None:
        read = receipts.read(receipt(f"id:77 stat:{word} err:000"))
        assert (None if read is None else (read.kind, read.reason)) == meaning

    def test_in_parameters(self, word: str, number: int, meaning: Any) -> None:
        read = receipts.read(receipt(receipted_message_id="77", message_state=number))
        assert (None if read is None else (read.kind, read.reason)) == meaning


def test_every_reason_is_a_known_word() -> None:
    assert {m[1] for m in receipts.MEANINGS.values() if m and m[1]} <= set(REASONS)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.lower(),
        TEXT.upper(),
        "id:0123456789 stat:DELIVRD",
        "stat:DELIVRD id:0123456789",
        "id: 0123456789 stat: DELIVRD text: anything",
        "id:0123456789 sub: dlvrd: submit date: done date: stat:DELIVRD err: text:",
        "id:0123456789\nstat:DELIVRD\n",
        "id:0123456789 stat:Delivered text:id:999 stat:UNDELIV",
        "  id:0123456789   sub:000  stat:DELIVRD  ",
    ],
)
def test_forms_of_the_text(text: str) -> None:
    read = receipts.read(receipt(text))
    assert read is not None
    assert (read.ref.lower(), read.kind) == ("0123456789", ReceiptKind.DELIVERED)


@pytest.mark.parametrize("text", ["", "Hello", "stat:DELIVRD", "id: stat:DELIVRD", "id:77", "id:77 err:001"])
def test_texts_that_say_nothing(text: str) -> None:
    assert receipts.read(receipt(text)) is None


def test_parameters_win_over_the_text() -> None:
    read = receipts.read(receipt("id:1 stat:UNDELIV", receipted_message_id="2", message_state=2))
    assert read is not None
    assert (read.ref, read.kind) == ("2", ReceiptKind.DELIVERED)


def test_each_fills_what_the_other_lacks() -> None:
    read = receipts.read(receipt("id:1 stat:UNDELIV", message_state=2))
    assert read is not None
    assert (read.ref, read.kind) == ("1", ReceiptKind.DELIVERED)


def test_the_text_may_come_as_payload() -> None:
    pdu = Pdu(Command.DELIVER_SM, 0, 1, {"esm_class": 4}, {"message_payload": TEXT.encode()})
    read = receipts.read(pdu)
    assert read is not None
    assert read.ref == "0123456789"


@pytest.mark.parametrize(
    ("id_format", "answered", "in_text", "parameter"),
    [
        ("same", "00AbC1", "00AbC1", ""),
        ("same", "00AbC1", "", "00AbC1"),
        ("hex_to_dec", "3735928559", "DEADBEEF", ""),
        ("hex_to_dec", "3735928559", "deadbeef", ""),
        ("hex_to_dec", "3735928559", "00DEADBEEF", ""),
        ("hex_to_dec", "3735928559", "", "DEADBEEF"),
        ("hex_to_dec", "3735928559", "DEADBEEF", "3735928559"),  # The parameter already has the answer's form.
        ("hex_to_dec", "not-hex", "not-hex", ""),
        ("dec_to_hex", "DEADBEEF", "3735928559", ""),
        ("dec_to_hex", "00deadbeef", "3735928559", ""),
        ("dec_to_hex", "DEADBEEF", "", "3735928559"),
        ("dec_to_hex", "DEADBEEF", "3735928559", "DEADBEEF"),
        ("dec_to_hex", "x-1", "x-1", ""),
    ],
)
def test_ids_that_are_written_differently(
    id_format: receipts.IdFormat, answered: str, in_text: str, parameter: str
) -> None:
    text = f"id:{in_text} stat:DELIVRD" if in_text else ""
    tlvs: dict[str, Value] = {"message_state": 2}
    if parameter:
        tlvs["receipted_message_id"] = parameter
    read = receipts.read(receipt(text, **tlvs), id_format)
    assert read is not None
    assert read.ref == receipts.normal(answered, id_format)


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("2607021505", datetime(2026, 7, 2, 13, 5, tzinfo=UTC)),
        ("260702150533", datetime(2026, 7, 2, 13, 5, 33, tzinfo=UTC)),
        ("20260702150533", datetime(2026, 7, 2, 13, 5, 33, tzinfo=UTC)),
        ("2613991505", None),
        ("never", None),
        ("", None),
    ],
)
def test_dates_count_where_their_zone_is_known(date: str, at: datetime | None) -> None:
    pdu = receipt(f"id:77 done date:{date} stat:DELIVRD")
    in_zagreb, nowhere = receipts.read(pdu, zone=ZoneInfo("Europe/Zagreb")), receipts.read(pdu)
    assert in_zagreb is not None
    assert nowhere is not None
    assert in_zagreb.at == at
    assert nowhere.at is None


@pytest.mark.parametrize(
    ("pdu", "kind"),
    [
        (receipt(TEXT), "receipt"),
        (receipt(esm_class=0x44), "receipt"),
        (receipt(esm_class=0, receipted_message_id="1", message_state=2), "receipt"),
        (receipt(TEXT, esm_class=0), "message"),  # Anyone could write that.
        (receipt("Hi", esm_class=0), "message"),
        (receipt("Hi", esm_class=0x40), "message"),
        (receipt("Hi", esm_class=0x08), "other"),
        (receipt("Hi", esm_class=0x10), "other"),
        (receipt(TEXT, esm_class=0x20), "other"),
    ],
)
def test_what_makes_a_receipt(pdu: Pdu, kind: str) -> None:
    assert receipts.kind_of(pdu) == kind


def test_the_receipt_keeps_what_was_said() -> None:
    read = receipts.read(receipt(TEXT, receipted_message_id="77", message_state=2, network_error_code=b"\3\0\x21"))
    assert read is not None
    assert read.raw is not None
    assert TEXT in read.raw
    assert '"network_error_code":"030021"' in read.raw


@given(st.text(max_size=200), st.integers(0, 255))
def test_any_text(text: str, state: int) -> None:
    receipts.read(receipt(text.encode("latin-1", "replace").decode("latin-1"), message_state=state))
