"""What a file is, by its bytes: a table of what is taken, and of what is refused by name.

Nothing is believed of a file's name or of what its sender calls it, except where the bytes leave a choice (the many
formats inside a ZIP or an OLE container, and plain text).
"""

import re
from dataclasses import dataclass
from typing import Final

from tyrian.domain.media import GIF, JPEG, M4V, MP4, PNG, QUICKTIME, THREE_GP, WEBP

#: Bytes that recognising needs from a file's beginning, and from its end (a ZIP directory's end record and comment).
HEAD: Final = 65_536
TAIL: Final = 65_557
#: Browsers that guess at types look at this much (WHATWG MIME Sniffing looks at 1445 bytes, a PDF reader at 1024).
_GUESSED: Final = 1536
MAX_NAME: Final = 256

IMAGE: Final = "image"
VIDEO: Final = "video"
AUDIO: Final = "audio"
FILE: Final = "file"


class Unacceptable(Exception):
    """A file that is not taken. The text says why, in words that follow "the file"."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file. `suffixes` with the usual one first; `also` are other names for its content type."""

    content_type: str
    family: str
    suffixes: tuple[str, ...]
    also: tuple[str, ...] = ()

    @property
    def inline(self) -> bool:
        """Whether a browser shows it rather than saving it."""
        return self.family != FILE


_ISO: Final = (MP4, M4V, QUICKTIME, THREE_GP, "application/mp4", "video/quicktime", "video/3gpp2")
_PICTURES: Final = (
    Kind(JPEG, IMAGE, (".jpg", ".jpeg", ".jfif"), ("image/jpg", "image/pjpeg")),
    Kind(PNG, IMAGE, (".png",), ("image/x-png",)),
    Kind(GIF, IMAGE, (".gif",)),
    Kind(WEBP, IMAGE, (".webp",)),
)
_FILMS: Final = (
    Kind(MP4, VIDEO, (".mp4",), _ISO),
    Kind(M4V, VIDEO, (".m4v", ".mp4"), _ISO),
    Kind(QUICKTIME, VIDEO, (".mov", ".qt"), _ISO),
    Kind(THREE_GP, VIDEO, (".3gp", ".3g2"), _ISO),
)
_SOUNDS: Final = (
    Kind("audio/mp4", AUDIO, (".m4a", ".mp4"), ("audio/x-m4a", "audio/m4a", "audio/aac", MP4)),
    Kind("audio/mpeg", AUDIO, (".mp3",), ("audio/mp3",)),
    Kind("audio/ogg", AUDIO, (".ogg", ".oga", ".opus"), ("application/ogg", "audio/opus")),
    Kind("audio/wav", AUDIO, (".wav",), ("audio/x-wav", "audio/wave", "audio/vnd.wave")),
    Kind("audio/aac", AUDIO, (".aac",), ("audio/aacp",)),
    Kind("audio/amr", AUDIO, (".amr",)),
)
_OOXML: Final = "application/vnd.openxmlformats-officedocument."
_ODF: Final = "application/vnd.oasis.opendocument."
_ZIP: Final = (
    Kind(_OOXML + "wordprocessingml.document", FILE, (".docx",)),
    Kind(_OOXML + "wordprocessingml.template", FILE, (".dotx",)),
    Kind(_OOXML + "spreadsheetml.sheet", FILE, (".xlsx",)),
    Kind(_OOXML + "spreadsheetml.template", FILE, (".xltx",)),
    Kind(_OOXML + "presentationml.presentation", FILE, (".pptx",)),
    Kind("application/vnd.ms-excel.sheet.macroenabled.12", FILE, (".xlsm",)),
    Kind("application/vnd.ms-xpsdocument", FILE, (".xps",), ("application/oxps",)),
    Kind(_ODF + "text", FILE, (".odt",)),
    Kind(_ODF + "spreadsheet", FILE, (".ods",)),
    Kind(_ODF + "formula", FILE, (".odf",)),
)
_OLE: Final = (
    Kind("application/msword", FILE, (".doc", ".dot")),
    Kind("application/vnd.ms-excel", FILE, (".xls",)),
    Kind("application/vnd.ms-powerpoint", FILE, (".ppt",)),
)
_TEXTS: Final = (
    Kind("text/plain", FILE, (".txt", ".info")),
    Kind("text/csv", FILE, (".csv",), ("text/plain", "application/csv", "application/vnd.ms-excel")),
)
_FLAT_ODF: Final = (
    Kind(_ODF + "text-flat-xml", FILE, (".fodt",), ("text/xml", "application/xml")),
    Kind(_ODF + "spreadsheet-flat-xml", FILE, (".fods",), ("text/xml", "application/xml")),
)
_PDF: Final = Kind("application/pdf", FILE, (".pdf",))
_RTF: Final = Kind("application/rtf", FILE, (".rtf",), ("text/rtf",))
_EPS: Final = Kind("application/postscript", FILE, (".eps",))

KINDS: Final[dict[str, Kind]] = {
    kind.content_type: kind
    for kind in (*_PICTURES, *_FILMS, *_SOUNDS, *_ZIP, *_OLE, *_TEXTS, *_FLAT_ODF, _PDF, _RTF, _EPS)
}

#: Beginnings that say all.
_BEGINNINGS: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"\xff\xd8\xff", KINDS[JPEG]),
    (b"\x89PNG\r\n\x1a\n", KINDS[PNG]),
    (b"GIF87a", KINDS[GIF]),
    (b"GIF89a", KINDS[GIF]),
    (b"%PDF-", _PDF),
    (b"{\\rtf", _RTF),
    (b"%!PS-Adobe", _EPS),
    (b"ID3", KINDS["audio/mpeg"]),
    (b"\xff\xfb", KINDS["audio/mpeg"]),
    (b"\xff\xf3", KINDS["audio/mpeg"]),
    (b"\xff\xf2", KINDS["audio/mpeg"]),
    (b"\xff\xf1", KINDS["audio/aac"]),
    (b"\xff\xf9", KINDS["audio/aac"]),
    (b"OggS", KINDS["audio/ogg"]),
    (b"#!AMR", KINDS["audio/amr"]),
)
#: What is refused, with the words for it.
_REFUSED: Final[tuple[tuple[bytes, str], ...]] = (
    (b"MZ", "is a program for Windows"),
    (b"\x7fELF", "is a program for Linux"),
    (b"\xca\xfe\xba\xbe", "is a program"),
    (b"\xcf\xfa\xed\xfe", "is a program for macOS"),
    (b"\xce\xfa\xed\xfe", "is a program for macOS"),
    (b"#!", "is a script"),
    (b"Rar!\x1a\x07", "is a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive"),
    (b"\x1f\x8b", "is compressed with gzip"),
    (b"BZh", "is compressed with bzip2"),
    (b"\xfd7zXZ\0", "is compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "is compressed with Zstandard"),
    (b"FWS", "is a Flash film"),
    (b"CWS", "is a Flash film"),
    (b"II*\0", "is a TIFF picture; send JPEG, PNG, GIF or WebP"),
    (b"MM\0*", "is a TIFF picture; send JPEG, PNG, GIF or WebP"),
    (b"BM", "is a BMP picture; send JPEG, PNG, GIF or WebP"),
    (b"\0\0\1\0", "is an icon; send JPEG, PNG, GIF or WebP"),
    (b"\x1a\x45\xdf\xa3", "is a WebM or Matroska film; send MP4"),
)
_BRANDS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"qt", QUICKTIME),
    (b"M4V", M4V),
    (b"M4A", "audio/mp4"),
    (b"M4B", "audio/mp4"),
    (b"3g", THREE_GP),
)
_STILL_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1", b"avif", b"avis")
#: QuickTime files older than the `ftyp` box begin with one of these.
_OLD_BOXES: Final = (b"moov", b"wide", b"mdat", b"free", b"skip")

#: Markup that a browser, or a server's own language, would run. The first is told apart for its own words.
_SVG: Final = re.compile(rb"<svg[\s>]|<!doctype\s+svg", re.IGNORECASE)
ACTIVE: Final = re.compile(
    rb"<script[\s>/]|<html[\s>]|<svg[\s>]|<iframe[\s>]|<\?php\s|<!doctype\s+(?:html|svg)", re.IGNORECASE
)
#: Bytes that text has no use for.
_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_ODF_OR_OOXML: Final = re.compile(
    rb"\[Content_Types\]\.xml|_rels/|mimetypeapplication/vnd\.oasis\.opendocument\.|word/|xl/|ppt/"
)
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


# -- Recognising ------------------------------------------------------------------------------------------------------


def recognise(head: bytes, name: str) -> Kind:
    """The kind of a file by its first `HEAD` bytes. Raises `Unacceptable`."""
    if not head:
        raise Unacceptable("is empty")
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    container = _container(head, name.lower())
    if container is not None:
        return container
    for beginning, words in _REFUSED:
        if head.startswith(beginning):
            raise Unacceptable(words)
    return _text(head, name.lower())


def _container(head: bytes, name: str) -> Kind | None:
    """What lies inside a container that many formats share."""
    if head[:4] == b"RIFF":
        return {b"WEBP": KINDS[WEBP], b"WAVE": KINDS["audio/wav"]}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _iso(head[8:12])
    if head[4:8] in _OLD_BOXES:
        return KINDS[QUICKTIME]
    if head.startswith(b"PK\x03\x04"):
        if not _ODF_OR_OOXML.search(head):
            raise Unacceptable("is a ZIP archive")
        return _named(name, _ZIP, "is a document in a ZIP container")
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _named(name, _OLE, "is a document in an OLE container")
    return None


def _iso(brand: bytes) -> Kind:
    if brand in _STILL_BRANDS:
        raise Unacceptable("is a HEIF picture; send JPEG, PNG, GIF or WebP")
    return KINDS[next((kind for beginning, kind in _BRANDS if brand.startswith(beginning)), MP4)]


def _named(name: str, kinds: tuple[Kind, ...], what: str) -> Kind:
    """The one of several kinds that a file's name says."""
    for kind in kinds:
        if name.endswith(kind.suffixes):
            return kind
    suffixes = ", ".join(suffix for kind in kinds for suffix in kind.suffixes)
    raise Unacceptable(f"{what}, and its name does not end in one of {suffixes}")


def _text(head: bytes, name: str) -> Kind:
    if _BINARY.search(head):
        raise Unacceptable("is of a type that is not known here")
    try:
        # The last character may be cut in two.
        head.decode("utf-8", "strict" if len(head) < HEAD else "ignore")
    except UnicodeDecodeError:
        raise Unacceptable("is of a type that is not known here") from None
    if _SVG.search(head):
        raise Unacceptable("is an SVG picture, which can carry scripts; send JPEG, PNG, GIF or WebP")
    if ACTIVE.search(head):
        raise Unacceptable("is a web page or a script")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        if b"office:document" in head:
            return _named(name, _FLAT_ODF, "is a flat OpenDocument file")
        raise Unacceptable("is XML or HTML")
    return _named(name, _TEXTS, "is plain text")


def refuse_cut(kind: Kind, tail: bytes) -> None:
    """Refuses a document whose format says how it ends, and that ends otherwise. Raises `Unacceptable`."""
    if kind in _ZIP and not _has_directory(tail, whole=True):
        raise Unacceptable("is cut short: its directory, which comes last, is missing")
    # Readers look for the mark in the last kilobyte (ISO 32000-1, appendix H).
    if kind is _PDF and b"%%EOF" not in tail[-2048:]:
        raise Unacceptable("is cut short: its end mark (%%EOF) is missing")
    if kind is _RTF and not tail.rstrip(b"\0\r\n\t ").endswith(b"}"):
        raise Unacceptable("is cut short: its last bracket is missing")


def refuse_doubles(kind: Kind, head: bytes, tail: bytes) -> None:
    """Refuses a file that is something else as well. `head` and `tail` may overlap. Raises `Unacceptable`."""
    start = head[:_GUESSED]
    if kind.family != FILE and ACTIVE.search(start):
        raise Unacceptable("is also a web page or a script")
    if kind is not _PDF and b"%PDF-" in start:
        raise Unacceptable("is also a PDF")
    if kind not in _ZIP and _has_directory(tail):
        raise Unacceptable("is also a ZIP archive")
    if kind is KINDS[GIF] and head[6:8] in (b"/*", b"=1", b"=0", b"='"):
        raise Unacceptable("is also a script")


def _has_directory(tail: bytes, *, whole: bool = False) -> bool:
    """Whether a ZIP directory ends here: the end record, on the first disk of one; `whole` with all of its bytes."""
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or tail[at + 4 : at + 8] != b"\0\0\0\0":
        return False
    return not whole or len(tail) >= at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little")


# -- Names ------------------------------------------------------------------------------------------------------------


def agrees(declared: str | None, kind: Kind) -> bool:
    """Whether a Content-Type header fits what the bytes say; one that says nothing fits all."""
    said = (declared or "").partition(";")[0].strip().lower()
    unsaid = ("", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded")
    return said in unsaid or said == kind.content_type or said in kind.also


def named(name: str, kind: Kind) -> str:
    """A name for a file, ending as its kind does: without folders, without what cannot stand in a header."""
    bare = re.split(r"[/\\]", name)[-1]
    bare = "".join(c for c in bare if c.isprintable() and c not in '"<>|:*?').strip(" .")[-MAX_NAME:]
    if bare.lower().endswith(kind.suffixes):
        return bare
    # What another suffix promises would mislead: the right one takes its place.
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", bare)[: MAX_NAME - 8] or kind.family
    return stem + kind.suffixes[0]


def in_url(name: str) -> str:
    """The same name as it stands in a URL: ASCII, at most 80 characters, the suffix kept."""
    plain = _UNSAFE.sub("-", name)
    stem, dot, suffix = plain.rpartition(".")
    return f"{stem[:70].strip('-') or 'file'}{dot}{suffix[:8]}" if dot else plain[:80] or "file"
