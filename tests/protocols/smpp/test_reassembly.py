"""Parts on their way in."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from tyrian.protocols.smpp.coding import Segment
from tyrian.protocols.smpp.reassembly import EXPIRY, Reassembler, joined

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def add(
    parts: Reassembler[str], number: int, at: datetime = NOW, source: str = "1", reference: int = 1
) -> bytes | None:
    piece = f"<{number}>".encode()
    found = parts.add(source, "2", Segment(reference, 3, number), piece, str(number), at)
    return None if found is None else joined(found)


@given(st.permutations([1, 2, 3]))
def test_any_order(order: list[int]) -> None:
    parts = Reassembler[str]()
    answers = [add(parts, number) for number in order]
    assert answers == [None, None, b"<1><2><3>"]
    assert len(parts) == 0


def test_a_part_that_comes_twice_counts_once() -> None:
    parts = Reassembler[str]()
    assert [add(parts, n) for n in (1, 1, 2, 2)] == [None] * 4
    assert add(parts, 3) == b"<1><2><3>"


def test_people_and_references_are_kept_apart() -> None:
    parts = Reassembler[str]()
    add(parts, 1)
    add(parts, 2)
    assert add(parts, 3, source="9") is None
    assert add(parts, 3, reference=9) is None
    assert add(parts, 3) == b"<1><2><3>"


def test_what_is_never_finished_is_forgotten() -> None:
    parts = Reassembler[str]()
    add(parts, 1)
    add(parts, 2)
    assert add(parts, 3, at=NOW + EXPIRY) is None
    assert len(parts) == 1


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    parts = Reassembler[str](keep=10)
    for n in range(50):
        add(parts, 1, at=NOW + timedelta(seconds=n), source=str(n))
    assert len(parts) <= 11
    add(parts, 2, at=NOW + timedelta(seconds=50), source="49")
    assert add(parts, 3, at=NOW + timedelta(seconds=50), source="49") == b"<1><2><3>"
