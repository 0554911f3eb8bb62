"""How long a film lasts is read from its boxes, a few bytes at a time; damaged and endless ones are refused."""

import struct

import pytest
from hypothesis import given, strategies as st

from tests.media.samples import box, film
from tyrian.media.boxes import MAX_BOXES, Film, read_film
from tyrian.media.kinds import Unacceptable
from tyrian.media.sources import Held


class Counted(Held):
    """Counts what is read."""

    reads = 0
    length = 0

    async def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        self.length += length
        return await super().read(offset, length)


def header(version: int, timescale: int, length: int) -> bytes:
    """A movie header."""
    if version:
        return box(b"mvhd", b"\x01" + bytes(19) + struct.pack(">IQ", timescale, length) + bytes(80))
    return box(b"mvhd", bytes(12) + struct.pack(">II", timescale, length) + bytes(80))


def indexed(*boxes: bytes) -> bytes:
    return box(b"ftyp", b"isom") + box(b"moov", b"".join(boxes))


@pytest.mark.parametrize("index_last", [True, False])
async def test_a_film_wherever_its_index_is(index_last: bool) -> None:
    source = Counted(film(seconds=59.5, size=(854, 480), weight=3_000_000, index_last=index_last))
    assert await read_film(source) == Film(59.5, 854, 480)
    assert source.reads < 12
    assert source.length < 600, "the pixels are not read"


@pytest.mark.parametrize(
    ("boxes", "duration"),
    [
        ([header(0, 600, 6000)], 10.0),
        ([header(1, 90_000, 90_000 * 7200)], 7200.0),
        ([header(0, 0, 6000)], None),
        ([header(0, 600, 0)], None),
        ([header(0, 600, 0xFFFFFFFF)], None),
        ([header(0, 600, 0), box(b"mvex", box(b"mehd", bytes(4) + struct.pack(">I", 1800)))], 3.0),
        ([header(0, 600, 0), box(b"mvex", box(b"mehd", b"\1\0\0\0" + struct.pack(">Q", 600)))], 1.0),
        ([], None),
    ],
)
async def test_the_ways_of_saying_how_long(boxes: list[bytes], duration: float | None) -> None:
    assert (await read_film(Held(indexed(*boxes)))).duration == duration


async def test_a_box_of_more_than_four_gigabytes_says_so_in_eight_bytes() -> None:
    large = struct.pack(">I4sQ", 1, b"mdat", 16 + 50) + bytes(50)
    assert (await read_film(Held(box(b"ftyp", b"isom") + large + film()[20:]))).duration == 12.5


async def test_the_last_box_may_reach_to_the_end() -> None:
    data = film(index_last=False)
    at = data.index(b"mdat") - 4
    assert (await read_film(Held(data[:at] + bytes(4) + data[at + 4 :]))).duration == 12.5


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (film()[:-1], "is cut short: its part 'moov' reaches"),
        (film(index_last=False)[:-1], "is cut short: its part 'mdat' reaches"),
        (film()[:2000], "is cut short: its part 'mdat'"),
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(50)), "has no index"),
        (box(b"ftyp", b"isom") + struct.pack(">I4s", 4, b"mdat") + bytes(20), "shorter than its own head"),
        (box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"mdat", 3) + bytes(20), "shorter than its own head"),
        (indexed(struct.pack(">I4s", 5000, b"trak")), "longer than what holds it"),
        (indexed(box(b"mvhd", bytes(5))), "its header"),
        (indexed(box(b"trak", box(b"tkhd", bytes(50)))), "the header of a track"),
        (indexed(box(b"free", b"") * (MAX_BOXES + 5)), f"more than {MAX_BOXES} parts"),
        (box(b"ftyp", b"isom") * (MAX_BOXES + 5), f"more than {MAX_BOXES} parts"),
    ],
)
async def test_damaged_films(data: bytes, words: str) -> None:
    source = Counted(data)
    with pytest.raises(Unacceptable, match=words):
        await read_film(source)
    assert source.reads <= MAX_BOXES + 1


@given(st.data())
async def test_any_damage_is_refused_or_read(data: st.DataObject) -> None:
    made = bytearray(film(weight=50))
    for _ in range(data.draw(st.integers(1, 6))):
        made[data.draw(st.integers(0, len(made) - 1))] = data.draw(st.integers(0, 255))
    source = Counted(bytes(made[: data.draw(st.integers(8, len(made)))]))
    try:
        found = await read_film(source)
    except Unacceptable:
        return
    assert found.duration is None or found.duration >= 0
