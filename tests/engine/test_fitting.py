"""Files that are looked at and made to fit before they are sent: once for all, and at nobody else's cost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec
import pytest

from tests.engine.customer import Request, forever
from tests.media import samples
from tests.media.site import Site, moved, whole
from tests.scripted import CAPABILITIES, Stage, staged
from tyrian.domain.content import Card, Carousel, File, Image, LinkButton, Text
from tyrian.domain.ids import Ids
from tyrian.domain.limits import ContentRule
from tyrian.domain.media import JPEG, PNG, Facts, MediaPolicy, MediaRule
from tyrian.domain.problem import Refused
from tyrian.domain.submission import Step
from tyrian.engine import fitting, groups
from tyrian.engine.channel_spec import ChannelChange, ChannelSpec
from tyrian.engine.gateway import Gateway
from tyrian.media.desk import Desk
from tyrian.media.links import Links
from tyrian.media.worker import Done, Order, carry_out
from tyrian.media.workshop import Workshop
from tyrian.store import waiting
from tyrian.store.waiting import Waiting

LOOPBACK = (ip_network("127.0.0.0/8"),)
ANA, IVO = "+385991234501", "+385991234502"
LARGE = samples.picture("PNG", (240, 120))
LARGER = samples.picture("PNG", (300, 300), seed=2)
SMALL = samples.picture("JPEG", (60, 40))
CAN = msgspec.structs.replace(
    CAPABILITIES,
    contents={
        "text": ContentRule(),
        "image": ContentRule(
            media=(
                MediaRule(field="url", types=(JPEG, PNG), max_width=100, max_height=100, https=False),
                MediaRule(field="thumbnail", types=(JPEG,), max_width=20, https=False),
            )
        ),
        "file": ContentRule(media=(MediaRule(field="url", max_bytes=1000, https=False),)),
        "carousel": ContentRule(media=(MediaRule(field="cards[].image", max_width=50, https=False),)),
    },
)


class Counting(Workshop):
    """Counts what it makes, and makes it here: to start a process takes longer than the rest of a test."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0

    async def _exchange(self, head: bytes, data: bytes) -> tuple[Done, bytes]:
        order = msgspec.json.decode(head, type=Order)
        self.made += order.do == "make"
        return await asyncio.to_thread(carry_out, order, data)


def desk_of(gateway: Gateway, workshop: Workshop | None = None, **more: Any) -> Desk:
    """A desk that may fetch from loopback."""
    given = {"public_url": "https://gateway.example", "allow_private_callbacks": LOOPBACK, **more}
    settings = replace(gateway.settings, **given)
    links = Links(gateway.box, settings.public_url)
    return Desk(gateway.db, settings, gateway.clock, Ids(), links, workshop=workshop)


def furnish(gateway: Gateway, **settings: Any) -> Counting:
    """Gives a gateway a desk, and says how often it makes a picture."""
    workshop = Counting()
    gateway.media = desk_of(gateway, workshop, **settings)
    return workshop


@asynccontextmanager
async def running(url: str, *, scale: float = 60, **settings: Any) -> AsyncIterator[Stage]:
    async with staged(
        url, channels={"one": {"media": MediaPolicy.FIT}, "two": {}}, scale=scale, capabilities=CAN
    ) as stage:
        furnish(stage.gateway, **settings)
        yield stage


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    """Channel `one` makes pictures fit, `two` leaves files alone; a clock 60 times as fast."""
    async with running(database_url) as made:
        yield made


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    pages = {"/large.png": whole(LARGE, PNG), "/small.jpg": whole(SMALL, JPEG), "/larger.png": whole(LARGER, PNG)}
    async with Site(pages) as made:
        yield made


def shows(url: str, channel: str = "one", **more: Any) -> list[Step]:
    return [Step(channel=channel, content=Image(url=url, **more))]


async def send(stage: Stage, cascade: list[Step], to: str = ANA, **more: Any) -> UUID:
    identifier: UUID = (await stage.submit(to, cascade=cascade, **more)).messages[0].id
    return identifier


async def sent(stage: Stage, cascade: list[Step], to: str = ANA, **more: Any) -> tuple[UUID, Any]:
    """Sends; gives the message and the content that went out."""
    identifier = await send(stage, cascade, to, **more)
    await stage.status(identifier, "sent")
    return identifier, stage.scripts[cascade[0].channel].sent[-1].content


async def hosted(stage: Stage, url: str) -> Facts:
    """What is behind a link of the gateway."""
    assert url.startswith("https://gateway.example/media/")
    assert stage.gateway.media is not None
    stored = await stage.gateway.media.get(stage.account_id, UUID(urlsplit(url).path.split("/")[2]))
    assert stored is not None
    return stored.facts


async def told(stage: Stage, identifier: UUID, event: str) -> list[Any]:
    sql = "SELECT detail FROM events WHERE message_id = $1 AND type = $2 ORDER BY id"
    rows = await stage.gateway.db.fetch(sql, identifier, event)
    return [msgspec.json.decode(row["detail"]) for row in rows]


class TestWhatGoesOut:
    async def test_a_picture_that_is_too_large_is_made_to_fit_and_the_history_tells(
        self, stage: Stage, site: Site
    ) -> None:
        identifier, content = await sent(stage, shows(site.at("/large.png"), text="Spring"))
        facts = await hosted(stage, content.url)
        assert (facts.width, facts.height, content.text) == (100, 50, "Spring")
        (detail,) = await told(stage, identifier, "fitted")
        (file,) = detail["files"]
        before = {"url": site.at("/large.png"), "content_type": PNG, "size": len(LARGE), "width": 240, "height": 120}
        assert file["at"] == "/url"
        assert file["from"] == {**before, "animated": False}
        assert file["to"] == {
            "url": content.url,
            **{k: v for k, v in msgspec.to_builtins(facts).items() if v is not None},
        }
        events = await stage.events(identifier)
        assert (events[0], events[-2:]) == ("put_off", ["sent", "fitted"])

    async def test_one_that_fits_goes_out_as_it_is(self, stage: Stage, site: Site) -> None:
        identifier, content = await sent(stage, shows(site.at("/small.jpg")))
        assert content.url == site.at("/small.jpg")
        assert await told(stage, identifier, "fitted") == []
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM media") == 0

    @pytest.mark.parametrize(
        ("channel", "asked", "fitted"),
        [
            ("one", None, True),
            ("one", MediaPolicy.AS_IS, False),
            ("two", None, False),
            ("two", MediaPolicy.FIT, True),
            ("two", MediaPolicy.AS_IS, False),
        ],
    )
    async def test_message_and_channel_decide(
        self, stage: Stage, site: Site, channel: str, asked: MediaPolicy | None, fitted: bool
    ) -> None:
        _, content = await sent(stage, shows(site.at("/large.png"), channel), media=asked)
        assert (content.url != site.at("/large.png")) is fitted
        assert len(site.requests) == int(fitted)

    async def test_what_the_gateway_hosts_is_known_without_fetching(self, stage: Stage) -> None:
        assert stage.gateway.media is not None

        async def bytes_of(data: bytes) -> AsyncIterator[bytes]:
            yield data

        fits = await stage.gateway.media.upload(stage.account_id, "a.jpg", bytes_of(SMALL))
        large = await stage.gateway.media.upload(stage.account_id, "b.png", bytes_of(LARGE))
        _, content = await sent(stage, shows(fits.url))
        assert content.url == fits.url
        _, content = await sent(stage, shows(large.url))
        assert (await hosted(stage, content.url)).width == 100

    async def test_every_file_of_a_content(self, stage: Stage, site: Site) -> None:
        url = site.at("/large.png")
        _, picture = await sent(stage, shows(url, thumbnail=url))
        widths = [(await hosted(stage, link)).width for link in (picture.url, picture.thumbnail)]
        assert widths == [100, 20]
        button = LinkButton(text="Open", url="https://shop.example")
        cards = [Card(title=title, image=url, primary=button) for title in "ab"]
        _, carousel = await sent(stage, [Step(channel="one", content=Carousel(text="a", cards=cards))])
        assert [(await hosted(stage, card.image)).width for card in carousel.cards] == [50, 50]

    async def test_a_picture_that_is_only_badly_served_is_hosted(self, stage: Stage, site: Site) -> None:
        site.pages["/small.jpg"] = whole(SMALL, "text/html")
        _, content = await sent(stage, shows(site.at("/small.jpg")))
        assert (await hosted(stage, content.url)).size == len(SMALL)

    async def test_what_is_sent_as_a_file_stays_as_it_is(self, stage: Stage, site: Site) -> None:
        identifier = await send(stage, [Step(channel="one", content=File(url=site.at("/large.png"), name="a.png"))])
        assert (await stage.status(identifier, "failed"))["reason"] == "media_unfit"


class TestOnce:
    async def test_a_bulk_with_one_picture_fetches_and_makes_once(self, stage: Stage, site: Site) -> None:
        workshop = furnish(stage.gateway)
        people = [f"+{n:05d}" for n in range(300)]
        await stage.submit(*people, cascade=shows(site.at("/large.png")), bulk=True)

        async def all_sent() -> bool:
            return len(stage.one.sent) == len(people)

        await stage.until(all_sent)
        contents: list[Any] = [o.content for o in stage.one.sent]
        assert (len(site.requests), workshop.made, len({c.url for c in contents})) == (1, 1, 1)
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM media") == 1

    async def test_the_same_bytes_under_two_addresses_are_made_once(self, stage: Stage, site: Site) -> None:
        workshop = furnish(stage.gateway)
        site.pages["/again.png"] = whole(LARGE, PNG)
        both = [send(stage, shows(site.at(path)), to) for path, to in (("/large.png", ANA), ("/again.png", IVO))]
        for identifier in await asyncio.gather(*both):
            await stage.status(identifier, "sent")
        assert (len(site.requests), workshop.made) == (2, 1)

    async def test_a_finding_holds_for_a_time(self, stage: Stage, site: Site) -> None:
        for to in (ANA, IVO):
            await sent(stage, shows(site.at("/small.jpg")), to)
        assert len(site.requests) == 1
        (case,) = stage.gateway.fitting._cases.values()
        case.holds_until = stage.gateway.clock.now()
        await sent(stage, shows(site.at("/small.jpg")))
        assert len(site.requests) == 2

    async def test_two_nodes_at_once_keep_one_file(self, stage: Stage, site: Site) -> None:
        desks = [desk_of(stage.gateway), desk_of(stage.gateway)]
        rule, url = CAN.contents["image"].media[0], site.at("/large.png")
        try:
            each = [desk.suited(stage.account_id, url, rule, "image", fit=True) for desk in desks]
            found = await asyncio.gather(*each)
        finally:
            for desk in desks:
                await desk.close()
        assert len({urlsplit(one.url).path for one in found}) == 1
        assert found[0].after == found[1].after
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM media") == 1
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM media_variants") == 1


class TestWhatDoesNotGoOut:
    @pytest.mark.parametrize("policy", [MediaPolicy.PROBE, MediaPolicy.FIT])
    async def test_an_unfit_file_is_refused_before_anything_is_spent(
        self, stage: Stage, site: Site, policy: MediaPolicy
    ) -> None:
        site.pages["/large.png"] = whole(b"%PDF-1.4 no picture")
        steps = [*shows(site.at("/large.png")), Step(channel="two", content=Text(text="see the shop"))]
        identifier = await send(stage, steps, media=policy)
        await stage.status(identifier, "sent")
        assert [(a["status"], a["reason"]) for a in await stage.attempts(identifier)] == [
            ("failed", "media_unfit"),
            ("sent", None),
        ]
        assert (stage.one.sent, stage.two.texts()) == ([], ["see the shop"])
        exchange = await stage.gateway.db.fetchval("SELECT exchange FROM events WHERE exchange IS NOT NULL LIMIT 1")
        assert site.at("/large.png").encode() in exchange

    async def test_a_probe_changes_nothing(self, stage: Stage, site: Site) -> None:
        fits = await send(stage, shows(site.at("/small.jpg")), media=MediaPolicy.PROBE)
        large = await send(stage, shows(site.at("/large.png")), IVO, media=MediaPolicy.PROBE)
        await stage.status(fits, "sent")
        assert (await stage.status(large, "failed"))["reason"] == "media_unfit"
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM media") == 0

    async def test_a_dead_host_is_asked_a_few_times_for_all(self, stage: Stage, site: Site) -> None:
        url = site.at("/gone.png")
        accepted = await stage.submit(*(f"+{n}" for n in range(20)), cascade=shows(url), bulk=True)
        for message in accepted.messages:
            assert (await stage.status(message.id, "failed"))["reason"] == "media_unreachable"
        assert len(site.requests) == len(fitting.AGAIN) + 1
        assert stage.one.sent == []

    async def test_one_that_comes_back_in_time_goes_out(self, stage: Stage, site: Site) -> None:
        async def appears(request: Request, writer: asyncio.StreamWriter) -> None:
            await (whole(LARGE, PNG) if len(site.requests) > 2 else moved("/nowhere"))(request, writer)

        site.pages["/late.png"] = appears
        _, content = await sent(stage, shows(site.at("/late.png")))
        assert (await hosted(stage, content.url)).width == 100

    async def test_what_cannot_be_kept_is_refused(self, database_url: str, site: Site) -> None:
        async with running(database_url, media_quota_bytes=100) as stage:
            identifier = await send(stage, shows(site.at("/large.png")))
            assert (await stage.status(identifier, "failed"))["reason"] == "media_unfit"

    async def test_an_inner_address_is_not_fetched(self, stage: Stage, site: Site) -> None:
        furnish(stage.gateway, allow_private_callbacks=())
        identifier = await send(stage, shows(site.at("/large.png")))
        assert (await stage.status(identifier, "failed"))["reason"] == "media_unreachable"
        assert site.requests == []


class TestWaiting:
    async def test_a_slow_host_delays_nobody_but_its_own_and_order_holds(self, stage: Stage, site: Site) -> None:
        ready = asyncio.Event()

        async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
            await ready.wait()
            await whole(LARGE, PNG)(request, writer)

        site.pages["/slow.png"] = slow
        picture = await send(stage, shows(site.at("/slow.png"), text="this one"))
        await stage.until(lambda: happened(stage, picture, "put_off"))
        behind = await send(stage, [Step(channel="one", content=Text(text="as you saw"))])
        others = [await send(stage, [Step(channel="one", content=Text(text="hello"))], f"+{n}") for n in range(30)]
        for identifier in others:
            await stage.status(identifier, "sent")
        assert set(stage.one.texts()) == {"hello"}
        ready.set()
        for identifier in (picture, behind):
            await stage.status(identifier, "sent")
        assert stage.one.texts()[-2:] == ["this one", "as you saw"]

    async def test_a_bulk_that_waits_can_be_taken_back(self, stage: Stage, site: Site) -> None:
        site.pages["/slow.png"] = forever
        accepted = await stage.submit(ANA, IVO, cascade=shows(site.at("/slow.png")), bulk=True)
        for message in accepted.messages:
            await stage.until(lambda identifier=message.id: happened(stage, identifier, "put_off"))  # type: ignore[misc]
        await stage.gateway.bulks.cancel(stage.account_id, accepted.bulk_id)
        for message in accepted.messages:
            await stage.status(message.id, "cancelled")

    async def test_it_goes_out_as_soon_as_the_file_is_ready(self, database_url: str, site: Site) -> None:
        """By the wall's clock: a message that nobody made due would wait for a minute."""
        async with running(database_url, scale=1) as stage:
            await sent(stage, shows(site.at("/large.png")))

    async def test_its_step_ends_with_its_time(self, stage: Stage, site: Site) -> None:
        site.pages["/slow.png"] = forever
        first = Step(channel="one", content=Image(url=site.at("/slow.png")), fallback_time=30)
        identifier = await send(stage, [first, Step(channel="two", content=Text(text="see the shop"))])
        await stage.status(identifier, "sent")
        assert (await stage.attempts(identifier))[0]["reason"] == "fallback_time_passed"
        assert stage.two.texts() == ["see the shop"]

    async def test_what_dies_in_the_middle_is_begun_anew(self, stage: Stage, site: Site) -> None:
        site.pages["/slow.png"] = forever
        identifier = await send(stage, shows(site.at("/slow.png")))
        await stage.until(lambda: happened(stage, identifier, "put_off"))
        await stage.gateway.fitting.close()
        site.pages["/slow.png"] = whole(LARGE, PNG)
        await stage.status(identifier, "sent")
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM media") == 1
        assert "uncertain" not in await stage.events(identifier)

    async def test_too_many_files_at_once_wait(self, stage: Stage, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fitting, "_MOST_OPEN", 1)
        paths = [f"/{n}.jpg" for n in range(5)]
        site.pages |= dict.fromkeys(paths, whole(SMALL, JPEG))
        messages = [await send(stage, shows(site.at(path)), f"+{n}") for n, path in enumerate(paths)]
        for identifier in messages:
            await stage.status(identifier, "sent")

    async def test_only_what_still_waits_as_it_was_put_off_is_made_due(self, stage: Stage, site: Site) -> None:
        site.pages["/slow.png"] = forever
        identifier = await send(stage, shows(site.at("/slow.png")))
        await stage.until(lambda: happened(stage, identifier, "put_off"))
        db, now = stage.gateway.db, stage.gateway.clock.now()
        row = await db.fetchrow("SELECT attempt_id, due_at FROM sends WHERE message_id = $1", identifier)
        assert row is not None
        mine = Waiting(identifier, row["attempt_id"], row["due_at"])
        strangers = [
            replace(mine, due_at=mine.due_at + timedelta(seconds=1)),
            replace(mine, attempt_id=uuid4()),
            replace(mine, message_id=uuid4()),
        ]
        for stranger in strangers:
            assert await waiting.release(db, [stranger], now) == (set(), [])
        await db.execute("UPDATE sends SET leased_until = $2, node = 1 WHERE message_id = $1", identifier, now)
        assert await waiting.release(db, [mine], now) == (set(), [mine])
        await db.execute("UPDATE sends SET leased_until = NULL, node = NULL WHERE message_id = $1", identifier)
        assert await waiting.release(db, [mine], now) == ({stage.entry().channel.id}, [])
        assert await db.fetchval("SELECT due_at FROM sends WHERE message_id = $1", identifier) <= now


class TestOff:
    async def test_where_nobody_asks_for_it_nothing_is_asked(self, stage: Stage, site: Site) -> None:
        """The statements of a picture are those of a text."""
        said: list[str] = []
        db = stage.gateway.db
        for name in ("fetch", "fetchrow", "fetchval", "execute"):
            setattr(db, name, _noting(getattr(db, name), said))
        counts = []
        for content in (Text(text="warm"), Text(text="a"), Image(url=site.at("/large.png"))):
            said.clear()
            await sent(stage, [Step(channel="two", content=content)])
            # Upkeep clears files away whatever is sent.
            mine = [sql for sql in said if "DELETE FROM media" not in sql]
            counts.append([sql for sql in mine if "INSERT INTO messages" in sql or "media" in sql])
        assert counts[1] == counts[2] != []
        assert (site.requests, len(stage.gateway.fitting._cases)) == ([], 0)

    async def test_a_group_leaves_it_to_its_members(self, stage: Stage, site: Site) -> None:
        listed = {"members": [{"channel": "one"}]}
        with pytest.raises(Refused) as refused:
            await stage.gateway.channels.create(
                stage.account_id, ChannelSpec(name="all", kind=groups.NAME, config=listed, media=MediaPolicy.FIT)
            )
        assert [p.pointer for p in refused.value.problems] == ["/media"]
        await stage.gateway.channels.create(stage.account_id, ChannelSpec(name="all", kind=groups.NAME, config=listed))
        identifier = await send(stage, shows(site.at("/large.png"), "all"))
        await stage.status(identifier, "sent")
        content: Any = stage.one.sent[-1].content
        assert (await hosted(stage, content.url)).width == 100

    async def test_a_channel_is_changed(self, stage: Stage, site: Site) -> None:
        await stage.gateway.channels.update(stage.account_id, "one", ChannelChange(media=MediaPolicy.AS_IS))
        _, content = await sent(stage, shows(site.at("/large.png")))
        assert content.url == site.at("/large.png")


def _noting(call: Any, said: list[str]) -> Any:
    async def noted(sql: str, *args: Any) -> Any:
        said.append(sql)
        return await call(sql, *args)

    return noted


async def happened(stage: Stage, identifier: UUID, event: str) -> bool:
    return event in await stage.events(identifier)
