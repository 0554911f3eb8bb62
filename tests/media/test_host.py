"""Files are served to whoever has a signed URL, whole or in part, and to nobody else."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.media import samples
from tests.media.conftest import BOX, House
from tyrian.domain.media import Stored
from tyrian.media.host import Host
from tyrian.media.links import Links
from tyrian.store import media as store
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

DATA = samples.film(weight=2 * store.CHUNK)


@dataclass
class Got:
    status: int
    headers: dict[str, str]
    body: bytes
    ended: bool


class Browser:
    """Asks the application itself, as the server would."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.host = Host(house.db, house.clock, house.links)

    async def ask(self, url: str, method: str = "GET", **headers: str) -> Got:
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "method": method,
            "path": parts.path,
            "query_string": parts.query.encode(),
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
        }
        said: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        async def receive() -> dict[str, Any]:
            raise AssertionError("nothing of a request's body is read")

        await self.host(scope, receive, send)
        start, rest = said[0], said[1:]
        body = b"".join(message["body"] for message in rest)
        told = {k.decode(): v.decode() for k, v in start["headers"]}
        return Got(start["status"], told, body, bool(rest) and not rest[-1].get("more_body", False))


@pytest.fixture
def browser(house: House) -> Browser:
    return Browser(house)


@pytest.fixture
async def film(house: House) -> Stored:
    return await house.keep(DATA, "Proljeće 2026.mp4")


async def test_a_file_is_served_with_all_that_is_to_be_said_of_it(browser: Browser, film: Stored) -> None:
    got = await browser.ask(film.url)
    assert (got.status, got.body == DATA, got.ended) == (200, True, True)
    assert got.headers["content-type"] == "video/mp4"
    assert got.headers["content-length"] == str(len(DATA))
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"] == "inline; filename*=UTF-8''Prolje%C4%87e%202026.mp4"
    assert got.headers["accept-ranges"] == "bytes"
    assert got.headers["last-modified"] == "Sun, 01 Mar 2026 09:30:00 GMT"
    assert got.headers["cache-control"] == "public, max-age=86400, immutable"
    assert "sandbox" in got.headers["content-security-policy"]
    assert "set-cookie" not in got.headers
    assert re.fullmatch(r'"[0-9a-f]{32}"', got.headers["etag"])


async def test_head_says_the_same_without_the_body(browser: Browser, film: Stored) -> None:
    got, head = await browser.ask(film.url), await browser.ask(film.url, "HEAD")
    assert (head.status, head.headers, head.body) == (200, got.headers, b"")


@pytest.mark.parametrize(
    ("data", "name", "how", "content_type"),
    [
        (samples.picture(), "a.jpg", "inline", "image/jpeg"),
        (b"ID3" + bytes(500), "a.mp3", "inline", "audio/mpeg"),
        (samples.PDF, "a.pdf", "attachment", "application/pdf"),
        (samples.document(), "a.docx", "attachment", "application/vnd.openxmlformats"),
        (b"a,b\n1,2\n", "a.csv", "attachment", "text/csv; charset=utf-8"),
    ],
)
async def test_what_is_no_picture_film_or_sound_is_to_be_saved(
    house: House, browser: Browser, data: bytes, name: str, how: str, content_type: str
) -> None:
    got = await browser.ask((await house.keep(data, name)).url)
    assert got.headers["content-disposition"].startswith(how + ";")
    assert got.headers["content-type"].startswith(content_type)


# -- Ranges -----------------------------------------------------------------------------------------------------------

SIZE = len(DATA)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, SIZE),
        ("bytes=-100", SIZE - 100, SIZE),
        (f"bytes={store.CHUNK - 1}-{store.CHUNK}", store.CHUNK - 1, store.CHUNK + 1),
        (f"bytes={store.CHUNK}-{2 * store.CHUNK - 1}", store.CHUNK, 2 * store.CHUNK),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        (f"bytes=5-{SIZE * 2}", 5, SIZE),
        (f"bytes=-{SIZE * 2}", 0, SIZE),
        ("Bytes=1-2", 1, 3),
    ],
)
async def test_one_range(browser: Browser, film: Stored, asked: str, start: int, end: int) -> None:
    got = await browser.ask(film.url, range=asked)
    assert (got.status, got.body == DATA[start:end]) == (206, True)
    assert got.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert got.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0", "bytes=999999999999-"])
async def test_a_range_outside_the_file(browser: Browser, film: Stored, asked: str) -> None:
    got = await browser.ask(film.url, range=asked)
    assert (got.status, got.headers["content-range"]) == (416, f"bytes */{SIZE}")


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,5-6", "bytes=-", "bytes=5-2", "lines=0-5", "bytes", "bytes=a-b", "bytes=1-99999999999999999999", ""],
)
async def test_what_is_no_single_range_gets_the_whole(browser: Browser, film: Stored, asked: str) -> None:
    got = await browser.ask(film.url, range=asked)
    assert (got.status, len(got.body)) == (200, SIZE)


async def test_a_range_of_another_version_gets_the_whole(browser: Browser, film: Stored) -> None:
    etag = (await browser.ask(film.url, "HEAD")).headers["etag"]
    assert (await browser.ask(film.url, range="bytes=0-9", if_range=etag)).status == 206
    assert (await browser.ask(film.url, range="bytes=0-9", if_range='"other"')).status == 200


async def test_who_has_the_file_does_not_get_it_again(browser: Browser, film: Stored) -> None:
    etag = (await browser.ask(film.url, "HEAD")).headers["etag"]
    for known in (etag, f'"x", W/{etag}', "*"):
        got = await browser.ask(film.url, if_none_match=known)
        assert (got.status, got.body, got.headers["etag"]) == (304, b"", etag)
    assert (await browser.ask(film.url, if_none_match='"x"')).status == 200
    assert (await browser.ask(film.url, if_modified_since="Sun, 01 Mar 2026 09:30:00 GMT")).status == 304
    assert (await browser.ask(film.url, if_modified_since="Sun, 01 Mar 2026 09:29:59 GMT")).status == 200
    assert (await browser.ask(film.url, if_modified_since="yesterday")).status == 200


# -- Links ------------------------------------------------------------------------------------------------------------


async def test_a_link_ends(house: House, browser: Browser, film: Stored) -> None:
    short = await house.desk.get(house.account_id, film.id, seconds=60)
    assert short is not None
    assert short.url_expires_at == house.clock.now() + timedelta(seconds=60)
    assert (await browser.ask(short.url)).headers["cache-control"] == "public, max-age=60, immutable"
    await house.clock.advance(60)
    assert (await browser.ask(short.url)).status == 410
    assert (await browser.ask(film.url)).status == 200
    await house.clock.advance(31 * 86_400)
    assert (await browser.ask(film.url)).status == 410


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"&s=(.)", r"&s=_\1"),
        (r"&s=.*", ""),
        (r"&s=.*", "&s="),
        (r"&s=.*", "&s=%00%ff"),
        (r"e=\d+", "e=9999999999"),
        (r"e=\d+", "e="),
        (r"e=", "e=0"),
        (r"e=\d+", "e=-1"),
        (r"/[^/]+\?", "/other.mp4?"),
        (r"/[^/]+\?", "/../x?"),
        (r"/media/.", "/media/f"),
        (r"/media/[^/]+", "/media/not-an-id"),
    ],
)
async def test_a_link_that_was_changed_is_refused_unseen(
    house: House, browser: Browser, film: Stored, old: str, new: str
) -> None:
    changed = re.sub(old, new, film.url)
    assert changed != film.url
    away = await Database.open(house.db.url, work=2, reading=1)
    await away.close()
    browser.host = Host(away, house.clock, house.links)
    assert (await browser.ask(film.url)).status == 503
    assert (await browser.ask(changed)).status == 403, "the database was not asked"


async def test_a_link_is_good_for_its_own_file_only(house: House, browser: Browser, film: Stored) -> None:
    theirs = await house.keep(samples.PDF, "a.pdf")
    swapped = film.url.replace(str(film.id), str(theirs.id))
    assert (await browser.ask(swapped)).status == 403


async def test_links_outlive_a_change_of_the_key(house: House, film: Stored) -> None:
    path, _, query = film.url.removeprefix("https://gateway.example").partition("?")
    assert Links(SecretBox("n" * 40, ["k" * 40]), "https://gateway.example").read(path, query) is not None
    assert Links(SecretBox("n" * 40), "https://gateway.example").read(path, query) is None
    assert BOX.derive("a") != BOX.derive("b")


async def test_a_link_to_a_file_that_was_removed(house: House, browser: Browser, film: Stored) -> None:
    await house.desk.delete(house.account_id, film.id)
    assert (await browser.ask(film.url)).status == 404


async def test_a_file_that_goes_while_it_is_served_is_cut(house: House, browser: Browser, film: Stored) -> None:
    await house.db.execute("DELETE FROM media_chunks WHERE number = 1")
    got = await browser.ask(film.url)
    assert (got.status, len(got.body), got.ended) == (200, store.CHUNK, False)


async def test_other_methods(browser: Browser, film: Stored) -> None:
    got = await browser.ask(film.url, "POST")
    assert (got.status, got.headers["allow"]) == (405, "GET, HEAD")
