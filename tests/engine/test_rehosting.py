"""Files of people are kept by the gateway. Callbacks wait a little for the link that lasts, and nothing else does."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network
from itertools import count
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.media.samples import picture
from tests.media.site import Site, whole
from tests.scripted import Script, Stage, staged
from tyrian.domain.content import Audio, Base, File, Image, Text, Video
from tyrian.engine import ports
from tyrian.engine.channel_spec import ChannelChange
from tyrian.engine.reacting import Turn
from tyrian.engine.rehosting import AGAIN, PATIENCE
from tyrian.media.desk import Desk
from tyrian.media.links import Links
from tyrian.settings import Settings

PICTURE = picture()
#: A file that waits for its next try.
PUT_OFF = "SELECT tries FROM rehosting WHERE leased_until IS NULL AND tries > 0"
_numbers = count()


class Config(msgspec.Struct, forbid_unknown_fields=True):
    """The settings of the tests' channels."""

    rehost_media: bool = True


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site({"/a.jpg": whole(PICTURE, "image/jpeg")}) as running:
        yield running


@pytest.fixture
async def stage(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    plain = Script.kind

    def kind(script: Script, name: str = "scripted") -> ports.ChannelKind:
        made = plain(script, name)
        made.config = Config
        return made

    monkeypatch.setattr(Script, "kind", kind)
    async with staged(database_url, channels={"one": {"inbound_url": "http://127.0.0.1:9/in"}}) as running:
        gateway = running.gateway
        settings = Settings(
            public_url="https://gateway.example", allow_private_callbacks=(ip_network("127.0.0.0/8"),),
            media_fetch_seconds=2, media_max_bytes=1_000_000,
        )  # fmt: skip
        links = Links(gateway.box, settings.public_url)
        gateway.media = Desk(gateway.db, settings, gateway.clock, gateway.ids, links)
        yield running


async def say(stage: Stage, content: Base) -> UUID:
    provider_id = f"p{next(_numbers)}"
    message: Any = ports.Inbound("+385991234501", "one", content, provider_id)
    await stage.gateway.inbound.submit(stage.entry().channel, [message])
    found: UUID = await stage.gateway.db.fetchval("SELECT id FROM inbound WHERE provider_id = $1", provider_id)
    return found


async def settled(stage: Stage, identifier: UUID) -> dict[str, Any]:
    """What became of a message's file, once it is known."""

    async def look() -> dict[str, Any] | None:
        row = await stage.gateway.db.fetchrow("SELECT * FROM inbound WHERE id = $1", identifier)
        assert row is not None
        return dict(row) if row["media_id"] or row["media_problem"] else None

    found: dict[str, Any] = await stage.until(look)
    return found


async def callback(stage: Stage, identifier: UUID) -> dict[str, Any]:
    """When a message's callback is due, and what it tells."""
    row = await stage.gateway.db.fetchrow("SELECT * FROM callbacks WHERE message_id = $1", identifier)
    assert row is not None
    return {"due_at": row["due_at"], "created_at": row["created_at"], **msgspec.json.decode(row["report"])}


async def waiting(stage: Stage) -> int:
    return int(await stage.gateway.db.fetchval("SELECT count(*) FROM rehosting"))


async def test_a_file_is_kept_and_its_callback_names_the_link_that_lasts(stage: Stage, site: Site) -> None:
    url = site.at("/a.jpg")
    identifier = await say(stage, Image(url=url, text="look"))
    row = await settled(stage, identifier)
    assert stage.gateway.media is not None
    stored = await stage.gateway.media.get(stage.account_id, row["media_id"])
    assert stored is not None
    told = await callback(stage, identifier)
    assert told["content"] == {"type": "image", "url": stored.url, "text": "look"}
    assert told["extra"]["media"] == {"id": str(stored.id), "original_url": url, "content_type": "image/jpeg"}
    assert told["due_at"] < told["created_at"] + PATIENCE, "it goes out as soon as the file is there"
    assert await waiting(stage) == 0
    assert msgspec.json.decode(row["content"])["url"] == url, "what came is kept as it came"


@pytest.mark.parametrize("kind", ["image", "video", "file", "audio"])
async def test_every_content_with_a_file(stage: Stage, site: Site, kind: str) -> None:
    url = site.at("/a.jpg")
    contents = {
        "image": Image(url=url), "video": Video(url=url), "file": File(url=url, name="a.jpg"), "audio": Audio(url=url),
    }  # fmt: skip
    assert (await settled(stage, await say(stage, contents[kind])))["media_id"] is not None


async def test_words_wait_for_nothing(stage: Stage) -> None:
    told = await callback(stage, await say(stage, Text(text="hello")))
    assert told["due_at"] == told["created_at"]
    assert await waiting(stage) == 0


async def test_a_channel_that_does_not_ask_keeps_nothing(stage: Stage, site: Site) -> None:
    change = ChannelChange(config={"rehost_media": False})
    await stage.gateway.channels.update(stage.account_id, "one", change)
    told = await callback(stage, await say(stage, Image(url=site.at("/a.jpg"))))
    assert (told["due_at"], await waiting(stage)) == (told["created_at"], 0)


class TestWhatCannotBeKept:
    @pytest.mark.parametrize(
        ("path", "code"),
        [("/html", "unacceptable"), ("/large", "too_large"), ("http://10.0.0.1/a.jpg", "unfetchable"),
         ("/gone", "unfetchable"), ("/endless", "unfetchable"), ("nonsense", "unfetchable")],
    )  # fmt: skip
    async def test_is_told_with_the_reason(
        self, stage: Stage, site: Site, path: str, code: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tyrian.engine.rehosting.AGAIN", ())
        head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"
        site.pages |= {
            "/html": whole(b"<html><script>alert(1)</script></html>", "image/jpeg"),
            "/large": whole(b"\xff\xd8\xff" + b"\0" * 2_000_000, "image/jpeg"),
            "/endless": _slow(head),
        }
        url = site.at(path) if path.startswith("/") else path
        identifier = await say(stage, Image(url=url))
        row = await settled(stage, identifier)
        assert (row["media_id"], row["media_problem"].split(":")[0]) == (None, code)
        told = await callback(stage, identifier)
        assert told["content"]["url"] == url
        assert await waiting(stage) == 0

    async def test_is_tried_again_while_it_may_pass(self, stage: Stage, site: Site) -> None:
        page = site.pages.pop("/a.jpg")
        identifier = await say(stage, Image(url=site.at("/a.jpg")))

        async def put_off() -> Any:
            return await stage.gateway.db.fetchval(
                "SELECT tries FROM rehosting WHERE leased_until IS NULL AND tries > 0"
            )

        assert await stage.until(put_off) == 1
        told = await callback(stage, identifier)
        assert told["due_at"] == told["created_at"] + PATIENCE, "nothing was decided: the callback waits its time"
        site.pages["/a.jpg"] = page
        await stage.gateway.db.execute("UPDATE rehosting SET due_at = due_at - interval '1 hour'")
        assert (await settled(stage, identifier))["media_id"] is not None

    async def test_is_given_up_in_the_end(self, stage: Stage, site: Site) -> None:
        identifier = await say(stage, Image(url=site.at("/gone")))
        for tries in range(1, len(AGAIN) + 1):

            async def put_off(tries: int = tries) -> bool:
                sql = "SELECT tries FROM rehosting WHERE leased_until IS NULL"
                return bool(await stage.gateway.db.fetchval(sql) == tries)

            await stage.until(put_off)
            await stage.gateway.db.execute("UPDATE rehosting SET due_at = due_at - interval '1 hour'")
        assert (await settled(stage, identifier))["media_problem"].startswith("unfetchable")


async def test_a_file_that_nobody_can_look_at_is_left_alone_in_the_end(
    stage: Stage, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    async def fail(account_id: int, url: str, name: str | None = None) -> None:
        tried.append(url)
        raise RuntimeError("the process that looks at files has died")

    assert stage.gateway.media is not None
    monkeypatch.setattr(stage.gateway.media, "fetch", fail)
    monkeypatch.setattr("tyrian.engine.rehosting.AGAIN", (0.0, 0.0, 0.0))
    identifier = await say(stage, Image(url=site.at("/a.jpg")))
    for _ in range(8):
        await stage.gateway.rehosting.take_up()
        await stage.gateway.rehosting.drain(10)
    await stage.gateway.rehosting.take_up()
    assert (await settled(stage, identifier))["media_problem"] == "unfetchable: could not be kept in 8 tries"
    assert len(tried) == 8


async def test_a_slow_server_holds_up_neither_words_nor_reactions_nor_others_files(stage: Stage, site: Site) -> None:
    heard: list[str] = []

    class Listener:
        def wants(self, channel: ports.Channel) -> bool:
            return True

        async def react(self, turn: Turn) -> bool:
            heard.append(str(turn.content.__struct_config__.tag))
            return False

    stage.gateway.turns.reactions.append(Listener())
    released = asyncio.Event()

    async def stuck(request: Any, writer: asyncio.StreamWriter) -> None:
        await released.wait()

    site.pages["/stuck.jpg"] = stuck
    held = await say(stage, Image(url=site.at("/stuck.jpg")))
    quick = await say(stage, Image(url=site.at("/a.jpg")))
    await say(stage, Text(text="hello"))

    async def all_heard() -> bool:
        return len(heard) == 3

    await stage.until(all_heard)
    assert heard == ["image", "image", "text"]
    assert (await settled(stage, quick))["media_id"] is not None
    row = await stage.gateway.db.fetchrow("SELECT * FROM inbound WHERE id = $1", held)
    assert row is not None
    assert row["media_id"] is None
    released.set()


async def test_a_file_of_a_node_that_died_is_fetched_by_another(stage: Stage, site: Site) -> None:
    identifier = await say(stage, Image(url=site.at("/gone")))

    async def tried() -> Any:
        return await stage.gateway.db.fetchval(PUT_OFF)

    await stage.until(tried)
    now = stage.gateway.clock.now()
    site.pages["/gone"] = whole(PICTURE, "image/jpeg")
    # As a node leaves it that dies in the middle of fetching.
    await stage.gateway.db.execute(
        "UPDATE rehosting SET node = -1, due_at = $1::timestamptz, leased_until = $1::timestamptz + interval '1 hour'",
        now,
    )
    assert (await settled(stage, identifier))["media_id"] is not None


async def test_a_repeat_of_the_message_fetches_once(stage: Stage, site: Site) -> None:
    message: Any = ports.Inbound("+385991234501", "one", Image(url=site.at("/a.jpg")), "same")
    for _ in range(3):
        await stage.gateway.inbound.submit(stage.entry().channel, [message])
    identifier = await stage.gateway.db.fetchval("SELECT id FROM inbound")
    await settled(stage, identifier)
    assert len(site.requests) == 1
    assert await stage.gateway.db.fetchval("SELECT count(*) FROM callbacks") == 1


def _slow(head: bytes) -> Any:
    """Sends a little now and then, for ever."""

    async def reply(request: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(b"\xff\xd8\xff")
            await writer.drain()
            await asyncio.sleep(0.2)

    return reply
