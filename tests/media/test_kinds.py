"""What a file is, and why it is not taken."""

import pytest
from hypothesis import given, strategies as st

from tests.media import samples
from tyrian.domain.media import GIF, JPEG, MP4, PNG
from tyrian.media.kinds import HEAD, KINDS, Unacceptable, agrees, in_url, named, recognise, refuse_cut, refuse_doubles


@pytest.mark.parametrize(
    ("head", "name", "words"),
    [
        (b"", "a.jpg", "is empty"),
        (b"MZ\x90\0", "a.jpg", "a program for Windows"),
        (b"\x7fELF\x02", "a.mp4", "a program for Linux"),
        (b"\xca\xfe\xba\xbe", "a.png", "a program"),
        (b"#!/bin/sh\nrm -rf /\n", "a.txt", "a script"),
        (b"Rar!\x1a\x07\x01", "a.pdf", "RAR"),
        (b"\x1f\x8b\x08", "a.txt", "gzip"),
        (samples.archive("evil.sh"), "a.docx", "a ZIP archive"),
        (samples.document(), "a.jpg", "its name does not end in one of"),
        (samples.document(), "a.zip", "its name does not end in one of"),
        (samples.SVG, "a.svg", "SVG"),
        (samples.SVG, "a.png", "SVG"),
        (b"\xef\xbb\xbf  <svg onload=alert(1)>", "a.txt", "SVG"),
        (b"<!DOCTYPE html><p>", "a.txt", "a web page"),
        (b"hello <script>alert(1)</script>", "a.txt", "a web page or a script"),
        (b"<?php system('id'); ?>", "a.txt", "a web page or a script"),
        (b"<?xml version='1.0'?><a/>", "a.txt", "XML"),
        (b"plain words", "a.html", "is plain text, and its name"),
        (b"plain words", "a.js", "is plain text, and its name"),
        (b"words\0words", "a.txt", "not known here"),
        (b"\xfe\xff\0h", "a.txt", "not known here"),
        (b"II*\0", "a.tif", "TIFF"),
        (b"BM\0\0", "a.bmp", "BMP"),
        (b"\x1a\x45\xdf\xa3", "a.webm", "WebM"),
        (b"\0\0\0\x18ftypheic", "a.jpg", "HEIF"),
        (b"RIFF\0\0\0\0AVI ", "a.avi", "not known here"),
    ],
)
def test_what_is_not_taken(head: bytes, name: str, words: str) -> None:
    with pytest.raises(Unacceptable, match=words):
        recognise(head, name)


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (samples.picture() + samples.archive("a"), JPEG, "also a ZIP"),
        (samples.picture("PNG") + samples.archive("a"), PNG, "also a ZIP"),
        (samples.film() + samples.archive("a"), MP4, "also a ZIP"),
        (samples.PDF + samples.archive("a"), "application/pdf", "also a ZIP"),
        (b"\xff\xd8\xff\xe0<html><script>", JPEG, "also a web page"),
        (b"GIF89a<SVG onload=x>", GIF, "also a web page"),
        (samples.box(b"ftyp", b"isom<!doctype html>"), MP4, "also a web page"),
        (b"\xff\xd8\xff\xe0 %PDF-1.4", JPEG, "also a PDF"),
        (b"GIF89a/*\x01\0", GIF, "also a script"),
        (b"GIF89a=1;", GIF, "also a script"),
    ],
)
def test_what_is_two_things_at_once(data: bytes, kind: str, words: str) -> None:
    with pytest.raises(Unacceptable, match=words):
        refuse_doubles(KINDS[kind], data, data)


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (samples.document()[:-10], "a.docx", "directory"),
        (samples.document()[:100], "a.docx", "directory"),
        (samples.PDF[:-8], "a.pdf", "end mark"),
        (b"{\\rtf1 {words}", "a.rtf", "bracket"),
    ],
)
def test_documents_that_are_cut_short(data: bytes, name: str, words: str) -> None:
    kind = recognise(data, name)
    if kind.content_type == "application/rtf":
        refuse_cut(kind, data + b"}\r\n\0")
        data = data[:-1]
    with pytest.raises(Unacceptable, match=f"cut short: .*{words}"):
        refuse_cut(kind, data)


@given(st.binary(max_size=200), st.text(max_size=30))
def test_any_bytes_are_of_a_kind_or_refused(data: bytes, name: str) -> None:
    try:
        kind = recognise(data, name)
    except Unacceptable:
        return
    assert kind in KINDS.values()
    assert named(name, kind).lower().endswith(kind.suffixes)


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=400))
def test_any_name_can_stand_in_a_header_and_in_a_url(content_type: str, name: str) -> None:
    made = named(name, KINDS[content_type])
    assert made.isprintable()
    assert not set('/\\"<>') & set(made)
    assert len(made) <= 264
    spelt = in_url(made)
    assert spelt.isascii()
    assert 1 <= len(spelt) <= 90
    assert spelt.replace(".", "").replace("-", "").replace("_", "").isalnum()


def test_text_that_is_cut_in_the_middle_of_a_character() -> None:
    text = ("č" * HEAD).encode()[1:]
    with pytest.raises(Unacceptable):
        recognise(text[:10], "a.txt")
    assert recognise(("x" + "č" * HEAD).encode()[:HEAD], "a.txt").content_type == "text/plain"


@pytest.mark.parametrize(
    ("declared", "kind", "agree"),
    [
        (None, JPEG, True),
        ("", JPEG, True),
        ("application/octet-stream", JPEG, True),
        ("image/jpg", JPEG, True),
        ("Image/JPEG; q=1", JPEG, True),
        ("image/png", JPEG, False),
        ("text/html", JPEG, False),
        ("video/mp4", "video/quicktime", True),
        ("audio/mpeg", MP4, False),
    ],
)
def test_what_a_server_calls_it(declared: str | None, kind: str, agree: bool) -> None:
    assert agrees(declared, KINDS[kind]) is agree
