"""Files for tests: pictures, films and documents, made on the spot."""

import io
import random
import struct
import zipfile
import zlib

from PIL import Image


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 48), *, seed: int = 1, **more: object) -> bytes:
    """A picture of noise, which weighs what its pixels weigh."""
    width, height = size
    pixels = random.Random(seed).randbytes(width * height * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", size, pixels).save(out, kind, **more)
    return out.getvalue()


def moving(frames: int = 3, size: tuple[int, int] = (16, 16)) -> bytes:
    """A GIF that moves."""
    made = [Image.new("P", size, number % 256) for number in range(frames)]
    for number, frame in enumerate(made):
        frame.putpalette([number * 7 % 256, 5, 9] * 256)
    out = io.BytesIO()
    made[0].save(out, "GIF", save_all=True, append_images=made[1:], duration=40)
    return out.getvalue()


def flicker(frames: int) -> bytes:
    """A GIF of very many frames of one pixel each."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return head + frame * frames + b"\x3b"


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def film(
    *,
    brand: bytes = b"isom",
    seconds: float = 12.5,
    size: tuple[int, int] | None = (640, 360),
    weight: int = 5000,
    index_last: bool = True,
) -> bytes:
    """A film's boxes with nothing to see in them."""
    head = struct.pack(">IIIII", 0, 0, 0, 1000, int(seconds * 1000)) + bytes(80)
    width, height = size or (0, 0)
    track = bytes(76) + struct.pack(">II", width << 16, height << 16)
    index = box(b"moov", box(b"mvhd", head) + box(b"trak", box(b"tkhd", track)))
    pixels = box(b"mdat", random.Random(weight).randbytes(weight))
    return box(b"ftyp", brand + bytes(4) + brand) + (pixels + index if index_last else index + pixels)


def archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        for name in names:
            written.writestr(zipfile.ZipInfo(name), "x" * 40)
    return out.getvalue()


def document() -> bytes:
    return archive("[Content_Types].xml", "word/document.xml")


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(width: int, height: int) -> bytes:
    """A PNG that is small as a file, and as large as it says once opened."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min((width // 8 + 1) * height, 4_000_000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
