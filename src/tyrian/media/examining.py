"""From a file's bytes to what is known of it, or to why it is not taken."""

from typing import Final

from tyrian.domain.media import Facts
from tyrian.media import kinds
from tyrian.media.boxes import read_film
from tyrian.media.kinds import HEAD, IMAGE, TAIL, VIDEO, Kind, Unacceptable
from tyrian.media.sources import Source
from tyrian.media.workshop import Workshop

#: Bytes of a picture; Viber's own largest bound is 24 MB, for GIFs.
MAX_IMAGE: Final = 32 * 1024 * 1024


async def examine(source: Source, name: str, workshop: Workshop) -> tuple[Kind, Facts]:
    """The kind of a file and what its bytes tell. Raises `Unacceptable`, saying why it is not taken."""
    head = await source.read(0, HEAD)
    kind = kinds.recognise(head, name)
    if kind.family == IMAGE:
        return kind, await _picture(source, kind, workshop)
    tail = await source.read(max(0, source.size - TAIL), TAIL)
    kinds.refuse_cut(kind, tail)
    kinds.refuse_doubles(kind, head, tail)
    if kind.family == VIDEO or kind.content_type == "audio/mp4":
        return await _film(source, kind)
    return kind, Facts(content_type=kind.content_type, size=source.size)


async def _picture(source: Source, kind: Kind, workshop: Workshop) -> Facts:
    if source.size > MAX_IMAGE:
        raise Unacceptable(f"is a picture of {source.size} bytes, more than {MAX_IMAGE}")
    data = await source.read(0, source.size)
    kinds.refuse_doubles(kind, data[:HEAD], data[-TAIL:])
    return await workshop.look(kind.content_type, data)


async def _film(source: Source, kind: Kind) -> tuple[Kind, Facts]:
    film = await read_film(source)
    if kind.family == VIDEO and not film.width:
        kind = kinds.KINDS["audio/mp4"]
    return kind, Facts(
        content_type=kind.content_type,
        size=source.size,
        width=film.width,
        height=film.height,
        duration=film.duration,
    )
