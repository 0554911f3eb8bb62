"""Files are kept, once for each account, for a time, within a quota; what dies on the way leaves nothing."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.media import samples
from tests.media.conftest import House, in_chunks
from tyrian.domain.media import TooLarge
from tyrian.domain.problem import Refused
from tyrian.store import accounts, media as store

DAY = 86_400
_PATH = os.pathsep.join(path for path in sys.path if path)
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


async def bytes_of(house: House, media_id: UUID) -> bytes:
    row = await store.get(house.db, media_id, house.clock.now())
    assert row is not None
    return b"".join([piece async for piece in store.pieces(house.db, media_id, 0, row.size)])


@pytest.mark.parametrize(
    ("data", "name", "content_type", "kept_as"),
    [
        (samples.picture(), "a.jpg", "image/jpeg", "a.jpg"),
        (samples.picture("PNG"), "a", "image/png", "a.png"),
        (samples.picture("WEBP"), "wrong.jpg", "image/webp", "wrong.webp"),
        (samples.moving(), "../../etc/a.gif", "image/gif", "a.gif"),
        (samples.film(), "film.mp4", "video/mp4", "film.mp4"),
        (samples.film(brand=b"qt  "), "film.mov", "video/quicktime", "film.mov"),
        (samples.film(brand=b"M4A ", size=None), "song.m4a", "audio/mp4", "song.m4a"),
        (samples.document(), "Über uns.docx", WORD, "Über uns.docx"),
        (samples.PDF, "terms.pdf", "application/pdf", "terms.pdf"),
        (b"Zdravo, svijete\n", "hello.txt", "text/plain", "hello.txt"),
    ],
)  # fmt: skip
async def test_a_file_is_kept_as_what_its_bytes_are(
    house: House, data: bytes, name: str, content_type: str, kept_as: str
) -> None:
    stored = await house.keep(data, name)
    assert (stored.facts.content_type, stored.facts.size, stored.name) == (content_type, len(data), kept_as)
    assert stored.fresh
    assert await bytes_of(house, stored.id) == data


async def test_a_file_of_many_pieces_comes_back_whole(house: House) -> None:
    data = samples.film(weight=3 * store.CHUNK + 17)
    stored = await house.keep(data, "long.mp4")
    assert await house.chunks() == 4
    assert await bytes_of(house, stored.id) == data
    some = b"".join([p async for p in store.pieces(house.db, stored.id, store.CHUNK - 3, 2 * store.CHUNK + 5)])
    assert some == data[store.CHUNK - 3 : 2 * store.CHUNK + 5]


async def test_what_is_known_of_a_film(house: House) -> None:
    facts = (await house.keep(samples.film(seconds=61.25, size=(1280, 720)), "a.mp4")).facts
    assert (facts.duration, facts.width, facts.height, facts.animated) == (61.25, 1280, 720, False)


async def test_the_same_bytes_are_kept_once_for_each_account(house: House) -> None:
    first = await house.keep(samples.PDF, "old.pdf")
    again = await house.keep(samples.PDF, "new.pdf")
    assert (again.id, again.name, again.fresh) == (first.id, "new.pdf", False)
    assert await house.rows() == 1
    other = (await accounts.create(house.db, "another", house.clock.now())).id
    theirs = await house.desk.upload(other, "a.pdf", in_chunks(samples.PDF))
    assert theirs.id != first.id
    assert await house.desk.get(other, first.id) is None
    assert not await house.desk.delete(other, first.id)


async def test_two_uploads_of_the_same_bytes_at_once(house: House) -> None:
    data = samples.film(weight=900_000)
    both = await asyncio.gather(*(house.keep(data, f"{n}.mp4") for n in range(4)))
    assert len({stored.id for stored in both}) == 1
    assert [stored.fresh for stored in both].count(True) == 1
    assert (await house.rows(), await house.chunks()) == (1, 4)


async def test_a_second_upload_keeps_the_file_longer(house: House) -> None:
    first = await house.keep(samples.PDF, "a.pdf")
    await house.clock.advance(10 * DAY)
    again = await house.keep(samples.PDF, "a.pdf")
    assert again.keep_until == first.keep_until + timedelta(days=10)


async def test_files_go_when_their_time_is_over(house: House) -> None:
    first = await house.keep(samples.PDF, "a.pdf")
    await house.clock.advance(30 * DAY + 1)
    assert await house.desk.get(house.account_id, first.id) is None
    assert await house.desk.list(house.account_id, None, 10) == []
    # The same bytes come again before the old file was cleared.
    assert (await house.keep(samples.PDF, "a.pdf")).id != first.id
    await house.desk.forget()
    assert (await house.rows(), await house.chunks()) == (1, 1)


async def test_files_are_listed_newest_first_a_page_at_a_time(house: House) -> None:
    kept = [(await house.keep(f"{n}".encode(), f"{n}.txt")).id for n in range(5)]
    first = await house.desk.list(house.account_id, None, 3)
    rest = await house.desk.list(house.account_id, first[-1].id, 3)
    assert [stored.id for stored in (*first, *rest)] == kept[::-1]


async def test_a_removed_file_is_gone_with_its_bytes(house: House) -> None:
    stored = await house.keep(samples.picture(), "a.jpg")
    assert await house.desk.delete(house.account_id, stored.id)
    assert not await house.desk.delete(house.account_id, stored.id)
    assert (await house.rows(), await house.chunks()) == (0, 0)


# -- Bounds -----------------------------------------------------------------------------------------------------------


async def test_a_file_that_says_it_is_too_large_is_not_read(other: Callable[..., House]) -> None:
    house = other(media_max_bytes=1024)
    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b"x"

    with pytest.raises(TooLarge):
        await house.desk.upload(house.account_id, "a.txt", chunks(), announced=1025)
    assert (read, await house.rows()) == (0, 0)


async def test_a_file_that_proves_too_large_is_read_no_further(other: Callable[..., House]) -> None:
    house = other(media_max_bytes=1_000_000)
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 65_536
            yield b"a" * 65_536

    with pytest.raises(TooLarge):
        await house.desk.upload(house.account_id, "a.txt", endless())
    assert read < 1_000_000 + 2 * 65_536
    assert (await house.rows(), await house.chunks()) == (0, 0)


async def test_an_account_has_only_so_much_space(other: Callable[..., House]) -> None:
    house = other(media_quota_bytes=2500, media_max_bytes=2000)
    await house.keep(b"a" * 1500, "a.txt")
    with pytest.raises(Refused, match="the account has 1500 of 2500 bytes") as refused:
        await house.keep(b"b" * 1500, "b.txt", announced=1500)
    assert refused.value.problems[0].code == "quota"
    # One that does not say how long it is needs room for the longest.
    with pytest.raises(Refused, match="may take 2000"):
        await house.keep(b"c", "c.txt")
    assert (await house.keep(b"c" * 1000, "c.txt", announced=1000)).facts.size == 1000
    assert await house.desk.used(house.account_id) == 2500


async def test_what_is_arriving_counts_against_the_quota(other: Callable[..., House]) -> None:
    house = other(media_quota_bytes=1000, media_max_bytes=1000)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        begun.set()
        await go_on.wait()
        yield b"a" * 600

    first = asyncio.create_task(house.desk.upload(house.account_id, "a.txt", slowly(), announced=600))
    await begun.wait()
    with pytest.raises(Refused, match="does not fit"):
        await house.keep(b"b" * 600, "b.txt", announced=600)
    go_on.set()
    assert (await first).facts.size == 600


# -- Dying on the way -------------------------------------------------------------------------------------------------


async def test_a_caller_that_leaves_leaves_nothing(house: House) -> None:
    begun = asyncio.Event()

    async def never() -> AsyncIterator[bytes]:
        yield b"a" * 2 * store.CHUNK
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(house.desk.upload(house.account_id, "a.txt", never()))
    await begun.wait()
    assert await house.rows() == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await house.rows(), await house.chunks()) == (0, 0)


async def test_a_process_that_dies_leaves_nothing_visible_and_upkeep_clears_it(house: House) -> None:
    # What a process that is killed leaves behind: the row and some of the pieces.
    now, dead = house.clock.now(), uuid4()
    until = now + timedelta(days=30)
    assert await store.begin(house.db, dead, house.account_id, "a.txt", now, until, size=900_000, quota=10**9) is None
    await store.put(house.db, dead, 0, b"a" * store.CHUNK)
    assert await house.desk.list(house.account_id, None, 10) == []
    assert await house.desk.get(house.account_id, dead) is None
    assert not await house.desk.delete(house.account_id, dead)
    await house.desk.forget()
    assert await house.rows() == 1, "it may still be arriving"
    await house.clock.advance(2 * 3600 + 1)
    await house.desk.forget()
    assert (await house.rows(), await house.chunks(), await house.desk.used(house.account_id)) == (0, 0, 0)


_DIES = """
import asyncio, sys
from datetime import UTC, datetime
from tests.clock import ManualClock
from tyrian.domain.ids import Ids
from tyrian.media.desk import Desk
from tyrian.media.links import Links
from tyrian.settings import Settings
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

async def chunks():
    yield b"a" * 700_000
    print("half", flush=True)
    await asyncio.Event().wait()

async def main():
    db = await Database.open(sys.argv[1], work=2, reading=1)
    clock = ManualClock(datetime.fromisoformat(sys.argv[2]))
    desk = Desk(db, Settings(), clock, Ids(), Links(SecretBox("k" * 40), "https://gateway.example"))
    await desk.upload(int(sys.argv[3]), "a.txt", chunks())

asyncio.run(main())
"""


async def test_a_process_that_is_killed_in_the_middle_of_an_upload(house: House) -> None:
    arguments = (house.db.url, house.clock.now().isoformat(), str(house.account_id))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _DIES, *arguments, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": _PATH}
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"half\n"
    process.kill()
    await process.wait()
    assert (await house.rows(), await house.chunks()) == (1, 2)
    assert await house.desk.list(house.account_id, None, 10) == []
    # The same file, sent again, does not meet the remains of the first.
    again = await house.keep(b"a" * 700_000, "a.txt")
    assert again.fresh
    await house.clock.advance(2 * 3600 + 1)
    await house.desk.forget()
    assert (await house.rows(), await house.chunks()) == (1, 3)
    assert await bytes_of(house, again.id) == b"a" * 700_000


async def test_an_upload_that_was_cleared_away_under_way_is_refused(house: House) -> None:
    async def cleared() -> AsyncIterator[bytes]:
        yield b"a" * store.CHUNK
        await house.db.execute("DELETE FROM media")
        yield b"b" * store.CHUNK

    with pytest.raises(Refused, match="cleared away"):
        await house.desk.upload(house.account_id, "a.txt", cleared())
    assert await house.rows() == 0


async def test_a_file_that_is_refused_leaves_nothing(house: House) -> None:
    with pytest.raises(Refused, match="is a program for Linux"):
        await house.keep(b"\x7fELF" + bytes(500_000), "a.jpg")
    assert (await house.rows(), await house.chunks()) == (0, 0)


async def test_what_is_called_something_else_is_refused(house: House) -> None:
    with pytest.raises(Refused, match="is image/png, and was declared as image/jpeg"):
        await house.keep(samples.picture("PNG"), "a.png", declared="image/jpeg")
    assert (await house.keep(samples.picture("PNG"), "a.png", declared="IMAGE/PNG; x=y")).fresh
