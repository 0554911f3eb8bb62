"""How long a film lasts and how large it is: the boxes of MP4, M4V, QuickTime and 3GP files (ISO/IEC 14496-12).

Only headers are read, and a bounded number of them, wherever in the file they are.
"""

import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from tyrian.media.kinds import Unacceptable
from tyrian.media.sources import Source

#: Boxes that are looked at before a file is given up; films have some tens.
MAX_BOXES: Final = 1000
_MAX_TRACKS: Final = 64
#: A duration that says "not known".
_UNKNOWN: Final = (0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)


@dataclass(slots=True)
class Film:
    """What the boxes tell. `duration` in seconds, `width` and `height` in pixels; None where they say nothing."""

    duration: float | None = None
    width: int | None = None
    height: int | None = None


@dataclass(slots=True)
class _Box:
    kind: bytes
    #: Where its content begins and where it ends, in bytes of the file.
    start: int
    end: int


@dataclass(slots=True)
class _Walk:
    source: Source
    looked: int = 0
    film: Film = field(default_factory=Film)
    timescale: int = 0


async def read_film(source: Source) -> Film:
    """What a film's boxes tell. Raises `Unacceptable` for a file that is cut short, or is no film."""
    walk = _Walk(source)
    index = None
    async for box in _boxes(walk, 0, source.size):
        if box.end > source.size:
            name = box.kind.decode("latin-1")
            raise Unacceptable(f"is cut short: its part {name!a} reaches to byte {box.end} of {source.size}")
        if box.kind == b"moov" and index is None:
            index = box
    if index is None:
        raise Unacceptable("has no index (moov): it is cut short, or no film")
    await _index(walk, index)
    return walk.film


async def _index(walk: _Walk, index: _Box) -> None:
    tracks = 0
    async for box in _boxes(walk, index.start, index.end):
        if box.kind == b"mvhd":
            await _movie_header(walk, box)
        elif box.kind == b"trak" and tracks < _MAX_TRACKS:
            tracks += 1
            await _track(walk, box)
        elif box.kind == b"mvex" and walk.film.duration is None:
            await _fragments(walk, box)


async def _boxes(walk: _Walk, start: int, end: int) -> AsyncIterator[_Box]:
    """The boxes between two places. A box may claim to reach beyond `end` only at the file's own level."""
    at = start
    while at + 8 <= end:
        walk.looked += 1
        if walk.looked > MAX_BOXES:
            raise Unacceptable(f"has more than {MAX_BOXES} parts")
        head = await walk.source.read(at, 16)
        size, kind = struct.unpack(">I4s", head[:8]) if len(head) >= 8 else (0, b"")
        begin = 8
        if size == 1 and len(head) == 16:
            size, begin = struct.unpack(">Q", head[8:])[0], 16
        elif size == 0:
            size = end - at
        if size < begin or not kind:
            # Old QuickTime films end lists of boxes with four zero bytes; anything else is damage.
            raise Unacceptable("is damaged: a part of it is shorter than its own head")
        box = _Box(kind, at + begin, at + size)
        if box.end > end and start > 0:
            raise Unacceptable("is damaged: a part of it is longer than what holds it")
        yield box
        at = box.end


async def _movie_header(walk: _Walk, box: _Box) -> None:
    data = await walk.source.read(box.start, 32)
    form, at = (">IQ", 20) if data[:1] == b"\x01" else (">II", 12)
    if len(data) < at + struct.calcsize(form):
        raise Unacceptable("is damaged: its header (mvhd) is too short")
    walk.timescale, length = struct.unpack_from(form, data, at)
    if walk.timescale and length not in _UNKNOWN:
        walk.film.duration = length / walk.timescale


async def _fragments(walk: _Walk, within: _Box) -> None:
    """A film in fragments says its length in a box of its own (mehd)."""
    async for box in _boxes(walk, within.start, within.end):
        if box.kind != b"mehd":
            continue
        data = await walk.source.read(box.start, 12)
        form = ">Q" if data[:1] == b"\x01" else ">I"
        if len(data) >= 4 + struct.calcsize(form) and walk.timescale:
            (length,) = struct.unpack_from(form, data, 4)
            walk.film.duration = length / walk.timescale if length not in _UNKNOWN else None


async def _track(walk: _Walk, within: _Box) -> None:
    """The size of a picture track; sound tracks have none. The largest counts."""
    async for box in _boxes(walk, within.start, within.end):
        if box.kind != b"tkhd":
            continue
        data = await walk.source.read(box.start, 96)
        at = 88 if data[:1] == b"\x01" else 76
        if len(data) < at + 8:
            raise Unacceptable("is damaged: the header of a track (tkhd) is too short")
        # 16.16 fixed point.
        width, height = (n >> 16 for n in struct.unpack_from(">II", data, at))
        film = walk.film
        if width and height and width * height > (film.width or 0) * (film.height or 0):
            film.width, film.height = width, height
        return
