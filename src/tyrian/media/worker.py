"""The process in which pictures are opened. `python -m tyrian.media.worker` reads orders and writes answers.

Both are a head of JSON and a body of bytes, each with its length before it. The process holds no secrets, may use only
so much memory, writes no files, and is killed by `workshop` when it takes too long.
"""

import contextlib
import struct
import sys
from typing import BinaryIO, Final, Literal

import msgspec

from tyrian.domain.media import Facts, Recipe

LENGTHS: Final = struct.Struct(">II")
#: Bytes of address space: a picture of 50 million pixels opened, turned and written, with room for the libraries.
MEMORY: Final = 1_610_612_736


class Order(msgspec.Struct, kw_only=True):
    """What to do with a picture: look at it, or make it anew by a recipe."""

    do: Literal["look", "make"]
    content_type: str
    recipe: Recipe | None = None


class Done(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of an order. `refused` says what is wrong with the picture."""

    facts: Facts | None = None
    refused: str | None = None


def carry_out(order: Order, data: bytes) -> tuple[Done, bytes]:
    """One order."""
    from tyrian.media import pictures
    from tyrian.media.kinds import Unacceptable

    try:
        if order.do == "look":
            return Done(facts=pictures.look(order.content_type, data)), b""
        kind, made = pictures.make(order.content_type, data, order.recipe or Recipe())
        return Done(facts=pictures.look(kind, made)), made
    except Unacceptable as error:
        return Done(refused=str(error)), b""
    except MemoryError:
        return Done(refused="takes more memory to open than it may"), b""
    except Exception as error:  # whatever a library says to hostile bytes is no reason to stop
        return Done(refused=f"could not be opened ({type(error).__name__})"), b""


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Carries out orders until there are no more."""
    decode = msgspec.json.Decoder(Order).decode
    while len(lengths := source.read(LENGTHS.size)) == LENGTHS.size:
        head, body = LENGTHS.unpack(lengths)
        order = decode(source.read(head))
        done, made = carry_out(order, source.read(body))
        told = msgspec.json.encode(done)
        sink.write(LENGTHS.pack(len(told), len(made)) + told)
        sink.write(made)
        sink.flush()


def confine() -> None:
    """Takes away what opening pictures does not need, as far as the system can."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    confine()
    serve(sys.stdin.buffer, sys.stdout.buffer)
