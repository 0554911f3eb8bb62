"""Pictures, opened: what they are, whether they are whole, and made anew within bounds. Runs in the worker's process.

A picture may be small as a file and enormous once opened, so its size is judged by its head before a pixel is decoded.
What is made anew has none of the old file's metadata (places, cameras, comments), only its colours' profile.
"""

import io
from collections.abc import Iterator
from typing import Any, Final

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from tyrian.domain.media import GIF, JPEG, PNG, WEBP, Facts, Recipe
from tyrian.media.kinds import ACTIVE, Unacceptable

#: Pixels of a picture, and of all frames of one that moves. The largest phone cameras in use take 50 million.
MAX_PIXELS: Final = 50_000_000
MAX_FRAMES_PIXELS: Final = 500_000_000
MAX_FRAMES: Final = 1000
#: Pixels along one side; JPEG and WebP allow no more, or less.
MAX_SIDE: Final = 16_383

#: Passes over the pixels of a progressive JPEG. Some ten are usual; each costs time, and hardly a byte.
MAX_SCANS: Final = 100

_FORMATS: Final = {JPEG: "JPEG", PNG: "PNG", GIF: "GIF", WEBP: "WEBP"}
_QUALITIES: Final = (85, 75, 65, 55, 45)
#: Each step makes a picture that is still too heavy this much smaller, so often.
_STEP: Final = 0.8
_STEPS: Final = 14
_MAX_PROFILE: Final = 65_536
#: What marks the beginning of another file behind a picture's end.
_OTHERS: Final = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"%PDF-",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"\x7fELF",
    b"MZ\x90\0",
)

ImageFile.LOAD_TRUNCATED_IMAGES = False
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


def look(content_type: str, data: bytes) -> Facts:
    """What a picture is. Raises `Unacceptable` for one that is too large, cut short, damaged, or something else too."""
    if ACTIVE.search(data):
        raise Unacceptable("is also a web page or a script")
    end = _end(content_type, data)
    if any(other in memoryview(data)[end:].tobytes() for other in _OTHERS):
        raise Unacceptable("has another file behind its end")
    with _opened(content_type, data) as image:
        width, height, frames = image.width, image.height, _frames(image)
        _load(image)
    return Facts(content_type=content_type, size=len(data), width=width, height=height, animated=frames > 1)


def make(content_type: str, data: bytes, recipe: Recipe) -> tuple[str, bytes]:
    """A picture anew, by a recipe: its content type and bytes. Raises `Unacceptable`."""
    with _opened(content_type, data) as image:
        bounds = (min(recipe.max_width or MAX_SIDE, MAX_SIDE), min(recipe.max_height or MAX_SIDE, MAX_SIDE))
        if content_type == JPEG:
            # Decodes at a half, a quarter or an eighth where that is enough: less memory, less time.
            image.draft(None, (bounds[0] * 2, bounds[1] * 2))
        _load(image)
        profile = image.info.get("icc_profile")
        turned = ImageOps.exif_transpose(image)
        flat = turned.convert("RGBA" if _has_alpha(turned) else "RGB")
    # What was read beside the pixels (comments, texts, places) would be written again.
    flat.info.clear()
    kind = _suited(recipe.types, alpha=_shines(flat))
    flat.thumbnail(bounds, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if kind == JPEG and flat.mode == "RGBA":
        flat = _on_white(flat)
    more = {"icc_profile": profile} if isinstance(profile, bytes) and len(profile) <= _MAX_PROFILE else {}
    return kind, _within(flat, kind, recipe.max_bytes, more)


def _suited(types: tuple[str, ...], *, alpha: bool) -> str:
    """The first type that can hold the picture; one that cannot hold what shines through, if none can."""
    able = [t for t in types if t in (JPEG, PNG, WEBP)]
    if not able:
        raise Unacceptable(f"cannot be made into {', '.join(types)}")
    return next((t for t in able if not alpha or t != JPEG), able[0])


def _within(image: Image.Image, kind: str, most: int | None, more: dict[str, Any]) -> bytes:
    """The picture's bytes, of less quality and then smaller until there are few enough."""
    for _ in range(_STEPS):
        for quality in _QUALITIES if kind != PNG else _QUALITIES[:1]:
            data = _written(image, kind, quality, more)
            if most is None or len(data) <= most:
                return data
        image = image.resize((max(1, int(image.width * _STEP)), max(1, int(image.height * _STEP))))
    raise Unacceptable(f"cannot be made to have {most} bytes or fewer")


def _written(image: Image.Image, kind: str, quality: int, more: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    options: dict[str, dict[str, Any]] = {
        JPEG: {"quality": quality, "optimize": True, "progressive": True},
        WEBP: {"quality": quality, "method": 4},
        PNG: {"optimize": True},
    }
    image.save(out, _FORMATS[kind], **options[kind], **more)
    return out.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def _shines(image: Image.Image) -> bool:
    """Whether anything of what is behind the picture can be seen."""
    return image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255)


# -- Opening ----------------------------------------------------------------------------------------------------------


def _opened(content_type: str, data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=(_FORMATS[content_type],))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unacceptable(f"has more than {MAX_PIXELS} pixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, TypeError, KeyError) as error:
        raise Unacceptable(f"is damaged, or cut short: {_words(error)}") from None
    if image.width * image.height > MAX_PIXELS:
        raise Unacceptable(f"has {image.width} x {image.height} pixels, more than {MAX_PIXELS} in all")
    if not image.width or not image.height:
        raise Unacceptable("has no pixels")
    return image


def _frames(image: Image.Image) -> int:
    """How many frames there are, as far as they may be many."""
    frames = 0
    try:
        for _ in _each_frame(image):
            frames += 1
            if frames > MAX_FRAMES or frames * image.width * image.height > MAX_FRAMES_PIXELS:
                raise Unacceptable(f"has too many frames: more than {frames - 1} of {image.width} x {image.height}")
        image.seek(0)
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError) as error:
        raise Unacceptable(f"is damaged, or cut short: {_words(error)}") from None
    return frames


def _each_frame(image: Image.Image) -> Iterator[int]:
    yield 0
    known = getattr(image, "n_frames", 1)
    yield from range(1, known)


def _load(image: Image.Image) -> None:
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError) as error:
        raise Unacceptable(f"is damaged, or cut short: {_words(error)}") from None
    except Image.DecompressionBombError:
        raise Unacceptable(f"has more than {MAX_PIXELS} pixels") from None


def _words(error: Exception) -> str:
    """The library's words, without what it tells of objects in memory."""
    text = str(error).partition("<")[0].strip().rstrip(":")
    return text[:120] or type(error).__name__


# -- Where a picture ends ---------------------------------------------------------------------------------------------


def _end(content_type: str, data: bytes) -> int:
    """The byte behind a picture's end. Raises `Unacceptable` if it has none."""
    end = {JPEG: _jpeg_end, PNG: _png_end, GIF: _gif_end, WEBP: _webp_end}[content_type](data)
    if end is None or end > len(data):
        raise Unacceptable("is cut short: its end is missing")
    return end


def _jpeg_end(data: bytes) -> int | None:
    """Behind the first end mark that is not within a segment (a thumbnail in the metadata has one of its own)."""
    at, scans = 2, 0
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        mark = data[at + 1]
        if mark == 0xD9:
            return at + 2
        if mark in (0xFF, 0x01) or 0xD0 <= mark <= 0xD8:
            at += 1 if mark == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:
            return None
        at += 2 + length
        if mark == 0xDA:
            scans += 1
            if scans > MAX_SCANS:
                raise Unacceptable(f"has more than {MAX_SCANS} scans")
            at = _behind_scan(data, at)
    return len(data) if data[at : at + 2] == b"\xff\xd9" else None


def _behind_scan(data: bytes, at: int) -> int:
    """The next mark behind compressed pixels, in which 0xFF is followed by 0 or by a restart mark."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2


def _png_end(data: bytes) -> int | None:
    at = 8
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return at
    return None


def _webp_end(data: bytes) -> int | None:
    length = int.from_bytes(data[4:8], "little")
    return 8 + length + length % 2 if 8 + length <= len(data) else None


def _gif_end(data: bytes) -> int | None:
    """Behind the trailer. Blocks are walked, not searched: compressed pixels hold any byte."""
    if len(data) < 13:
        return None
    at = 13 + _colours(data[10])
    while at < len(data):
        kind = data[at]
        if kind == 0x3B:
            return at + 1
        if kind == 0x21:
            at = _behind_blocks(data, at + 2)
        elif kind == 0x2C and at + 10 <= len(data):
            at = _behind_blocks(data, at + 10 + _colours(data[at + 9]) + 1)
        else:
            return None
    return None


def _colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _behind_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1
