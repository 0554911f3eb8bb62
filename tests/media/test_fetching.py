"""What is behind a URL is fetched where the guard lets it, in bounded steps, and looked at in parts."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.engine.certificates import Authority
from tests.engine.customer import Request, answer
from tests.media import samples
from tests.media.conftest import LOOPBACK, House
from tests.media.site import Site, endless, in_parts, moved, raw, whole
from tyrian.domain.limits import Bound, Capabilities, ContentRule
from tyrian.domain.media import JPEG, MP4, PNG, MediaRule
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.egress import Guard
from tyrian.media import probing
from tyrian.media.download import REDIRECTS, Downloads, Unfetchable
from tyrian.media.remote import Remote
from tyrian.protocols.viber import limits as viber

OK = b"HTTP/1.1 200 OK\r\n"
PICTURE = samples.picture(size=(200, 100))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as listening:
        yield listening


async def fetched(downloads: Downloads, url: str) -> bytes:
    async with downloads.get(url) as found:
        assert found.status == 200
        return b"".join([piece async for piece in found.chunks()])


@pytest.fixture
async def downloads() -> AsyncIterator[Downloads]:
    made = Downloads(Guard(LOOPBACK), seconds=20)
    yield made
    made.close()


# -- Downloads --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pieces",
    [
        [OK + b"content-length: 5\r\n\r\nhello"],
        [OK + b"content-length: 5\r\n\r\nhe", b"llo"],
        [OK + b"\r\nhello"],
        [OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"],
        [b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\n", OK + b"content-length: 5\r\n\r\nhello"],
    ],
)
async def test_the_ways_of_sending_a_body(site: Site, downloads: Downloads, pieces: list[bytes]) -> None:
    site.pages["/a"] = raw(*pieces)
    assert await fetched(downloads, site.at("/a")) == b"hello"


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([], "closed the connection without an answer"),
        ([OK + b"content-length: 50\r\n\r\nhello"], "broke off in the middle"),
        ([OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhe"], "broke off in the middle"),
        ([b"SSH-2.0-OpenSSH_9.6\r\n"], "is no HTTP"),
        ([OK + b"content-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello"], "compressed"),
        ([OK + b"content-length: -5\r\n\r\nhello"], "is no HTTP"),
    ],
)
async def test_broken_answers(site: Site, downloads: Downloads, pieces: list[bytes], words: str) -> None:
    site.pages["/a"] = raw(*pieces)
    with pytest.raises(Unfetchable, match=words):
        await fetched(downloads, site.at("/a"))


async def test_a_head_without_end_is_cut(site: Site, downloads: Downloads) -> None:
    sent: list[int] = []
    site.pages["/a"] = endless(OK, b"x-more: " + b"y" * 4000 + b"\r\n", sent)
    with pytest.raises(Unfetchable, match=r"head of its server's answer is too long|is no HTTP"):
        await fetched(downloads, site.at("/a"))


async def test_redirects_are_followed_a_few_times(site: Site, downloads: Downloads) -> None:
    for number in range(REDIRECTS + 1):
        site.pages[f"/{number}"] = moved(f"/{number + 1}", 301 + number % 2)
    site.pages[f"/{REDIRECTS + 1}"] = whole(b"there")
    assert await fetched(downloads, site.at("/1")) == b"there"
    with pytest.raises(Unfetchable, match="more than 5 times"):
        await fetched(downloads, site.at("/0"))
    assert len(site.requests) == 2 * (REDIRECTS + 1)


async def test_a_redirect_in_a_circle_ends(site: Site, downloads: Downloads) -> None:
    site.pages["/a"] = moved("/a")
    with pytest.raises(Unfetchable, match="more than 5 times"):
        await fetched(downloads, site.at("/a"))
    assert len(site.requests) == REDIRECTS + 1


@pytest.mark.parametrize(
    "where",
    [
        "http://127.0.0.1:{port}/b",
        "//127.0.0.1:{port}/b",
        "http://[::1]:{port}/b",
        "http://10.0.0.1/b",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:{port}/b",
        "http://2130706433/",
        "file:///etc/passwd",
        "gopher://shop.example/",
        "http://user:password@shop.example/",
        "http://shop.example/ b",
    ],
)
async def test_a_redirect_is_judged_like_the_first_address(site: Site, where: str) -> None:
    # The public name leads to the server; what it redirects to is not allowed, for only 127.0.0.2 is opened.
    names = {"shop.example": ["127.0.0.1"], "localhost": ["127.0.0.1"]}
    calls = 0

    def resolve(host: str, _port: int) -> Sequence[str]:
        nonlocal calls
        calls += 1
        return names[host]

    class Once(Guard):
        """Lets the first connection through, as if its address were public."""

        async def addresses(self, host: str, port: int) -> list[str]:
            self.allow = LOOPBACK if not site.requests else ()
            return await super().addresses(host, port)

    guarded = Downloads(Once(resolve=resolve), seconds=20)
    site.pages["/a"] = moved(where.replace("{port}", str(site.port)))
    site.pages["/b"] = whole(b"inside")
    with pytest.raises(Unfetchable):
        await fetched(guarded, site.at("/a", "shop.example"))
    assert [request.line for request in site.requests] == ["GET /a HTTP/1.1"]
    guarded.close()


async def test_a_name_that_changes_its_mind_is_asked_once_and_called_where_it_was_judged(site: Site) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"]])
    asked = []

    def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    guarded = Downloads(Guard(LOOPBACK, resolve=resolve), seconds=20)
    site.pages["/a"] = whole(b"hello")
    assert await fetched(guarded, site.at("/a", "rebind.example")) == b"hello"
    assert asked == ["rebind.example"], "the connection went to the judged address, not to the name"
    guarded.close()


async def test_https_is_checked_against_the_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    guard = Guard(LOOPBACK, resolve=lambda host, port: ["127.0.0.1"])
    site = Site({"/a": whole(b"hello")})
    site._tls = authority.server("shop.example")
    async with site:
        trusting = Downloads(guard, seconds=20, ca_file=authority.ca_file)
        url = f"https://shop.example:{site.port}/a"
        assert await fetched(trusting, url) == b"hello"
        with pytest.raises(Unfetchable, match="certificate is not valid"):
            await fetched(trusting, url.replace("shop", "other"))
        with pytest.raises(Unfetchable, match="certificate is not valid"):
            await fetched(Downloads(guard, seconds=20), url)
        site.pages["/a"] = moved("http://shop.example/")
        with pytest.raises(Unfetchable, match="from https to plain http"):
            await fetched(trusting, url)
    guard.close()
    assert ssl.HAS_SNI


@pytest.mark.parametrize(
    ("pieces", "body"),
    [([], False), ([OK], False), ([OK + b"content-length: 99\r\n\r\n", b"x"], True)],
)
async def test_a_server_that_stops_talking_is_left(site: Site, pieces: list[bytes], body: bool) -> None:
    impatient = Downloads(Guard(LOOPBACK), seconds=60, idle=0.05)
    site.pages["/a"] = raw(*pieces, then_close=False)
    with pytest.raises(Unfetchable, match="too slow"):
        await fetched(impatient, site.at("/a"))
    impatient.close()


async def test_a_body_that_drips_is_left_when_the_time_for_all_is_over(site: Site) -> None:
    async def dripping(request: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"content-length: 1000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.005)

    impatient = Downloads(Guard(LOOPBACK), seconds=0.3, idle=10)
    site.pages["/a"] = dripping
    with pytest.raises(Unfetchable, match="too slow"):
        await fetched(impatient, site.at("/a"))
    impatient.close()


# -- Keeping what was fetched -----------------------------------------------------------------------------------------


async def test_a_file_is_fetched_and_kept(house: House, site: Site) -> None:
    site.pages["/folder/spring%20sale.jpeg?x=1"] = whole(PICTURE, "image/jpeg")
    stored = await house.desk.fetch(house.account_id, site.at("/folder/spring%20sale.jpeg?x=1"))
    assert (stored.name, stored.facts.width, stored.facts.size) == ("spring sale.jpeg", 200, len(PICTURE))
    again = await house.desk.fetch(house.account_id, site.at("/folder/spring%20sale.jpeg?x=1"), "other.jpg")
    assert (again.id, again.name) == (stored.id, "other.jpg")


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (raw(answer(404)), "its server answers 404"),
        (raw(answer(500)), "its server answers 500"),
        (whole(PICTURE, "text/html"), "is image/jpeg, and was declared as text/html"),
        (whole(PICTURE[:-300], "image/jpeg"), "is cut short"),
        (whole(samples.SVG, "image/svg+xml"), "is an SVG picture"),
        (whole(b"", "image/jpeg"), "is empty"),
        (raw(OK + b"content-length: 999999999999\r\n\r\nx"), "is larger than 209715200 bytes"),
    ],
)
async def test_what_is_not_kept_and_why(house: House, site: Site, behaviour: Any, words: str) -> None:
    site.pages["/a.jpg"] = behaviour
    with pytest.raises(Refused, match=words) as refused:
        await house.desk.fetch(house.account_id, site.at("/a.jpg"))
    assert refused.value.problems[0].pointer == "/url"
    assert await house.rows() == 0


async def test_a_body_without_end_is_cut_at_the_bound(other: Callable[..., House], site: Site) -> None:
    house, sent = other(media_max_bytes=1_000_000), list[int]()
    site.pages["/a"] = endless(OK + b"\r\n", b"a" * 65_536, sent)
    with pytest.raises(Refused, match="is larger than 1000000 bytes"):
        await house.desk.fetch(house.account_id, site.at("/a"), "a.txt")
    assert await house.rows() == 0


# -- Remote files in parts --------------------------------------------------------------------------------------------


async def test_a_long_film_is_not_fetched_whole(site: Site, downloads: Downloads, house: House) -> None:
    data = samples.film(seconds=100, weight=5_000_000)
    site.pages["/a.mp4"] = in_parts(data, "video/mp4")
    probed, problems = await house.desk.probe(house.account_id, site.at("/a.mp4"))
    assert problems == []
    assert probed.facts is not None
    assert (probed.facts.duration, probed.facts.size, probed.ranges) == (100.0, len(data), True)
    assert len(site.requests) <= 3


async def test_a_film_from_a_server_without_parts_is_read_from_its_beginning(house: House, site: Site) -> None:
    site.pages["/a.mp4"] = whole(samples.film(weight=500_000), "video/mp4")
    probed, problems = await house.desk.probe(house.account_id, site.at("/a.mp4"))
    assert (problems, len(site.requests), probed.ranges) == ([], 1, False)


async def test_no_more_than_so_much_is_fetched_to_look_at_a_file(
    house: House, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "MOST", 300_000)
    site.pages["/a.mp4"] = whole(samples.film(weight=2_000_000), "video/mp4")
    _, problems = await house.desk.probe(house.account_id, site.at("/a.mp4"))
    assert [p.message for p in problems] == ["too much of it would have to be fetched to tell what it is"]


async def test_a_file_in_very_many_pieces_is_given_up(site: Site, downloads: Downloads) -> None:
    site.pages["/a"] = in_parts(bytes(100 * Remote.PART))
    async with Remote(downloads, site.at("/a"), most=10**9) as remote:
        for number in range(1, 2 * Remote.REQUESTS, 2):
            await remote.read(number * Remote.PART, 10)
        with pytest.raises(Unfetchable, match="too many pieces"):
            await remote.read(99 * Remote.PART, 10)
    assert len(site.requests) == Remote.REQUESTS + 1


async def test_parts_next_to_one_another_are_one_request(site: Site, downloads: Downloads) -> None:
    data = samples.film(weight=6 * Remote.PART)
    site.pages["/a"] = in_parts(data)
    async with Remote(downloads, site.at("/a"), most=10**9) as remote:
        assert await remote.read(5, 5 * Remote.PART) == data[5 : 5 + 5 * Remote.PART]
        assert await remote.read(0, len(data)) == data
    assert len(site.requests) == 3


@pytest.mark.parametrize(("extra", "words"), [(b"more", "more than was asked for"), (None, "less than was asked for")])
async def test_a_server_that_gives_other_parts_than_asked(
    site: Site, downloads: Downloads, extra: bytes | None, words: str
) -> None:
    async def lying(request: Any, writer: asyncio.StreamWriter) -> None:
        body = b"x" * Remote.PART + extra if extra else b"x" * 10
        writer.write(answer(206, body, content_range=f"bytes 0-{Remote.PART - 1}/{3 * Remote.PART}"))

    site.pages["/a"] = lying
    with pytest.raises(Unfetchable, match=words):
        async with Remote(downloads, site.at("/a"), most=10**9):
            pass


# -- Probing ----------------------------------------------------------------------------------------------------------

RULE = MediaRule(field="url", types=(JPEG,), max_bytes=5000, max_width=100, max_height=60, animated=False)
CAN = Capabilities(contents={"image": ContentRule(media=(RULE,), bounds=(Bound(field="url", extensions=(".jpg",)),))})


def said(problems: Sequence[Problem]) -> list[str]:
    assert {p.pointer for p in problems} <= {"/url"}
    return [p.message for p in problems]


async def test_everything_that_keeps_a_channel_from_taking_a_picture(house: House, site: Site) -> None:
    site.pages["/a.png"] = whole(samples.picture("PNG", (200, 100)), "image/jpeg")
    probed, problems = await house.desk.probe(house.account_id, site.at("/a.png"), CAN)
    assert probed.facts is not None
    size = probed.facts.size
    assert said(problems) == [
        "must end in one of .jpg",
        "must begin with https://",
        "leads to image/png, and its server calls it image/jpeg",
        "leads to a file that is image/png; this channel takes image/jpeg",
        f"leads to a file that has {size} bytes; this channel takes at most 5000",
        "leads to a file that is 200 pixels wide; this channel takes at most 100",
        "leads to a file that is 100 pixels high; this channel takes at most 60",
    ]


async def test_viber_s_own_limits_of_a_film(house: House, site: Site) -> None:
    site.pages["/a.mov"] = in_parts(samples.film(brand=b"qt  ", seconds=200), "video/quicktime")
    _, problems = await house.desk.probe(house.account_id, site.at("/a.mov"), viber.BOT, "video")
    assert said(problems) == [
        "must begin with https://",
        f"leads to a file that is video/quicktime; this channel takes {MP4}",
        "leads to a file that lasts 200.0 s; this channel takes at most 180 s",
    ]
    _, problems = await house.desk.probe(house.account_id, site.at("/a.mov"), viber.business(True), "video")
    assert said(problems) == ["must begin with https://"]


async def test_a_network_that_asks_for_the_length_first(house: House, site: Site) -> None:
    good = in_parts(samples.film(), "video/mp4")
    heads = [b"HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n", OK + b"\r\n", OK + b"content-length: 7\r\n\r\n"]
    said_to_head = iter(heads)

    async def deaf(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.line.startswith("HEAD"):
            writer.write(next(said_to_head))
        else:
            await good(request, writer)

    site.pages["/a.mp4"] = deaf
    for _ in heads:
        _, problems = await house.desk.probe(house.account_id, site.at("/a.mp4"), viber.business(True), "video")
        assert [p.code for p in problems] == ["not_https", "no_head"]
    _, problems = await house.desk.probe(house.account_id, site.at("/a.mp4"), viber.BOT, "video")
    assert [p.code for p in problems] == ["not_https"]


async def test_bounds_of_a_content_are_rules_where_a_channel_has_no_other(house: House, site: Site) -> None:
    bounds = (Bound(field="size", maximum=100), Bound(field="duration", maximum=5))
    can = Capabilities(contents={"video": ContentRule(bounds=bounds)})
    site.pages["/a.mp4"] = whole(samples.film(seconds=9), "video/mp4")
    _, problems = await house.desk.probe(house.account_id, site.at("/a.mp4"), can, "video")
    assert [p.message.partition(";")[2] for p in problems[1:]] == [
        " this channel takes at most 100",
        " this channel takes at most 5 s",
    ]
    site.pages["/a.jpg"] = whole(samples.picture(size=(2, 2)), "image/jpeg")
    _, problems = await house.desk.probe(house.account_id, site.at("/a.jpg"), can, "video")
    assert "leads to a file that is image/jpeg, and no video" in said(problems)


async def test_a_content_that_a_channel_does_not_take(house: House, site: Site) -> None:
    _, problems = await house.desk.probe(house.account_id, site.at("/a.jpg"), CAN, "video")
    assert problems[0] == Problem("/content", '"video" cannot be sent on this channel')


async def test_a_server_that_does_not_say_how_long_a_file_is(house: House, site: Site) -> None:
    site.pages["/a.jpg"] = raw(OK + b"content-type: image/jpeg\r\n\r\n" + PICTURE)
    probed, problems = await house.desk.probe(house.account_id, site.at("/a.jpg"))
    assert said(problems) == ["its server does not say how long it is (Content-Length)"]
    assert probed.facts is not None
    assert probed.facts.size == len(PICTURE)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/a.jpg", "could not be reached"),
        ("http://10.0.0.1/a.jpg", "a private address"),
        ("http://[::1]/a.jpg", "a loopback address"),
        ("ftp://shop.example/a.jpg", "must begin with http"),
        ("http://no.such.name.invalid/a.jpg", "could not be resolved"),
    ],
)
async def test_a_url_that_leads_nowhere(house: House, url: str, words: str) -> None:
    probed, problems = await house.desk.probe(house.account_id, url)
    assert words in problems[0].message
    assert (probed.status, probed.facts) == (None, None)


async def test_a_file_of_our_own_is_judged_without_fetching_it(house: House) -> None:
    stored = await house.keep(samples.picture("PNG", (200, 100)), "a.png")
    probed, problems = await house.desk.probe(house.account_id, stored.url, CAN)
    assert probed.facts == stored.facts
    assert said(problems)[1] == "leads to a file that is image/png; this channel takes image/jpeg"
    assert PNG not in RULE.types
