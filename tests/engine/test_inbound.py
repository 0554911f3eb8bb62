"""What people send is stored once, called back once, and subscriptions keep the network's last word."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from tests.engine.customer import Customer
from tests.engine.standins import StandIn
from tyrian.domain.content import Text
from tyrian.engine.callbacks import Callbacks
from tyrian.engine.inbound import InboundDesk
from tyrian.engine.ports import Channel, Inbound, Subscription
from tyrian.engine.reacting import News, Said
from tyrian.engine.report import decode
from tyrian.store.database import Connection, Database


@pytest.fixture
async def gateway(database_url: str) -> AsyncIterator[StandIn]:
    db = await Database.open(database_url)
    made = await StandIn(db).open()
    made.channels = Known({7: SimpleNamespace(inbound_url=None)})
    made.callbacks = SimpleNamespace(wake=lambda: None)
    made.inbound = InboundDesk(made)
    yield made
    await db.close()


class Known:
    """The channels that the stand-in knows."""

    def __init__(self, entries: dict[int, Any]) -> None:
        self.entries = entries

    def by_id(self, channel_id: int) -> Any:
        return self.entries.get(channel_id)


def channel(gateway: StandIn, number: int = 7) -> Channel:
    return Channel(number, gateway.account, "bot", "viber_bot", {})


def said(text: str, provider_id: str, **more: Any) -> Inbound:
    return Inbound("+385991234501", "bot", Text(text=text), provider_id, **more)


async def stored(gateway: StandIn) -> list[dict[str, Any]]:
    return [dict(row) for row in await gateway.db.read("SELECT * FROM inbound ORDER BY id")]


async def test_a_message_is_stored_with_all_that_the_network_said(gateway: StandIn) -> None:
    at = gateway.clock.now() - timedelta(seconds=3)
    await gateway.inbound.submit(channel(gateway), [said("hello", "p1", at=at, raw='{"x":1}', extra={"name": "Ana"})])
    (row,) = await stored(gateway)
    assert (row["account_id"], row["channel_id"], row["sender"], row["recipient"], row["provider_id"], row["raw"]) == (
        gateway.account, 7, "+385991234501", "bot", "p1", '{"x":1}',
    )  # fmt: skip
    assert row["received_at"] == gateway.clock.now()
    assert msgspec.json.decode(row["content"]) == {"type": "text", "text": "hello"}
    assert msgspec.json.decode(row["extra"]) == {"name": "Ana", "sent_at": "2026-01-01T11:59:57Z"}
    assert await gateway.waiting() == [], "nobody asked to be called"


async def test_a_repeat_is_stored_and_called_back_once(gateway: StandIn) -> None:
    gateway.channels.entries[7].inbound_url = "http://127.0.0.1:9/in"
    desk = gateway.inbound
    await desk.submit(channel(gateway), [said("hi", "p1"), said("hi", "p1"), said("ho", "p2")])
    await asyncio.gather(*(desk.submit(channel(gateway), [said("hi", "p1")]) for _ in range(20)))
    await desk.submit(channel(gateway, 8), [said("hi", "p1")])
    assert [(row["channel_id"], row["provider_id"]) for row in await stored(gateway)] == [
        (7, "p1"), (7, "p2"), (8, "p1"),
    ]  # fmt: skip
    assert len(await gateway.waiting()) == 2
    assert (desk.received, desk.repeated) == (3, 21)


async def test_it_is_brought_to_the_channels_inbound_url(gateway: StandIn) -> None:
    async with Customer() as customer:
        gateway.channels.entries[7].inbound_url = customer.url
        gateway.callbacks = Callbacks(gateway)
        delivered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        gateway.callbacks.on_outcome = lambda outcome: delivered.set_result(None)
        task = asyncio.create_task(gateway.callbacks.run())
        await gateway.inbound.submit(channel(gateway), [said("hello", "p1", extra={"name": "Ana"})])
        request = await customer.next()
        await asyncio.wait_for(delivered, 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    (row,) = await stored(gateway)
    assert request.json["message"] == str(row["id"])
    (event,) = await gateway.history(row["id"])
    assert event["type"] == "callback_delivered"
    assert event["detail"]["status"] == "received"


async def test_the_report_says_all_that_a_customer_wants_to_know(gateway: StandIn) -> None:
    gateway.channels.entries[7].inbound_url = "http://127.0.0.1:9/in"
    at = gateway.clock.now() - timedelta(seconds=3)
    await gateway.inbound.submit(channel(gateway), [said("hello", "p1", at=at, extra={"name": "Ana"})])
    report = decode((await gateway.waiting())[0]["report"])
    assert (report.kind, report.face, report.status, report.sender, report.to) == (
        "inbound", "native", "received", "+385991234501", "bot",
    )  # fmt: skip
    assert (report.channel, report.channel_kind, report.at) == ("bot", "viber_bot", at)
    assert report.content == {"type": "text", "text": "hello"}
    assert report.extra == {"name": "Ana"}
    assert report.id == report.message_id == (await stored(gateway))[0]["id"]


async def test_a_node_that_delivers_no_callbacks_tells_those_that_do(gateway: StandIn) -> None:
    gateway.channels.entries[7].inbound_url = "http://127.0.0.1:9/in"
    gateway.roles = frozenset({"api"})
    await gateway.inbound.submit(channel(gateway), [said("hello", "p1")])
    assert gateway.waker.told == ["callbacks"]
    await gateway.inbound.submit(channel(gateway), [said("hello", "p1")])
    assert gateway.waker.told == ["callbacks"], "a repeat is no news"


async def test_text_that_no_database_holds_is_mended_and_not_lost(gateway: StandIn) -> None:
    bad = Inbound("+1\x00", "b\ud800ot", Text(text="a\x00b"), "p\x00\ud800", raw="\x00{\udfff}")
    await gateway.inbound.submit(channel(gateway), [bad])
    (row,) = await stored(gateway)
    assert row["sender"] == "+1\ufffd"
    assert row["recipient"] == "b?ot"
    assert row["provider_id"] == "p\ufffd?"
    assert row["raw"] == "\ufffd{?}"
    assert msgspec.json.decode(row["content"])["text"] == "a\x00b"


async def test_nothing_is_written_for_nothing(gateway: StandIn) -> None:
    await gateway.inbound.submit(channel(gateway), [])
    await gateway.inbound.subscriptions(channel(gateway), [])
    assert await stored(gateway) == []


# -- Subscriptions ----------------------------------------------------------------------------------------------------

Word = tuple[bool, float | None]

SUBSCRIPTIONS: list[tuple[str, list[list[Word]], bool]] = [
    ("one word", [[(True, 0)]], True),
    ("a later word", [[(True, 0)], [(False, 5)]], False),
    ("an older word that comes late", [[(False, 5)], [(True, 0)]], False),
    ("a word without a time is of now", [[(False, -60)], [(True, None)]], True),
    ("two in one request, in order", [[(True, 0), (False, 5)]], False),
    ("two in one request, out of order", [[(False, 5), (True, 0)]], False),
    ("two of the same time: the last said", [[(True, 5), (False, 5)]], False),
    ("two of the same time in two requests: the last said", [[(False, 5)], [(True, 5)]], True),
]


@pytest.mark.parametrize(("requests", "subscribed"), [s[1:] for s in SUBSCRIPTIONS], ids=[s[0] for s in SUBSCRIPTIONS])
async def test_the_last_word_of_the_network_counts(
    gateway: StandIn, requests: list[list[Word]], subscribed: bool
) -> None:
    now = gateway.clock.now()
    for words in requests:
        news = [
            Subscription("person", word, None if seconds is None else now + timedelta(seconds=seconds))
            for word, seconds in words
        ]
        await gateway.inbound.subscriptions(channel(gateway), news)
    rows = await gateway.db.read("SELECT channel_id, person, subscribed FROM subscriptions")
    assert [tuple(row) for row in rows] == [(7, "person", subscribed)]


async def test_many_words_at_once_are_sorted_out(gateway: StandIn) -> None:
    now = gateway.clock.now()
    news = [Subscription(f"p{n % 10}", n >= 90, now + timedelta(seconds=n)) for n in range(100)]
    await asyncio.gather(*(gateway.inbound.subscriptions(channel(gateway), [one]) for one in reversed(news)))
    rows = await gateway.db.read("SELECT subscribed FROM subscriptions")
    assert [row[0] for row in rows] == [True] * 10


class Noting:
    """A stage and a reaction that note what they see."""

    def __init__(self) -> None:
        self.read_: list[str] = []
        self.stored: list[str] = []
        self.turns: list[str] = []

    def wants(self, *_: Any) -> bool:
        return True

    async def read(self, batch: Sequence[Said]) -> None:
        self.read_ += [said.row.provider_id for said in batch]

    async def store(self, connection: Connection, batch: Sequence[Said]) -> None:
        self.stored += [said.row.provider_id for said in batch]

    async def subscribed(self, connection: Connection, news: Sequence[News]) -> None:
        raise AssertionError("nobody subscribed")

    async def make(self, connection: Connection, batch: Sequence[Said]) -> None:
        self.turns += [said.row.provider_id for said in batch]

    def begin(self, batch: Sequence[Said]) -> None:
        return


async def test_nothing_follows_from_what_somebody_else_said_under_a_persons_name(gateway: StandIn) -> None:
    noting = Noting()
    gateway.inbound.stages.append(noting)
    gateway.turns = cast(Any, noting)
    words = [said("stop", "theirs"), said("stop", "an agent's", own=False)]
    await gateway.inbound.submit(channel(gateway), words)
    assert [row["provider_id"] for row in await stored(gateway)] == ["theirs", "an agent's"]
    assert (noting.read_, noting.stored, noting.turns) == (["theirs"], ["theirs"], ["theirs"])


class Stages:
    """A stage that keeps only what it is told to."""

    def __init__(self) -> None:
        self.read_: list[str] = []
        self.kept: list[str] = []

    def wants(self, channel: Channel) -> bool:
        return True

    async def read(self, batch: Any) -> None:
        self.read_ += [one.message.content.text for one in batch]

    def keeps(self, said: Any) -> bool:
        return bool(said.message.content.text == "keep")

    async def store(self, connection: Any, batch: Any) -> None:
        self.kept += [one.message.content.text for one in batch]

    async def subscribed(self, connection: Any, news: Any) -> None:
        raise AssertionError("there is no news")


async def test_a_stage_that_keeps_nothing_of_a_message_is_not_asked_to(gateway: StandIn) -> None:
    stage = Stages()
    gateway.inbound.stages.append(stage)
    await gateway.inbound.submit(channel(gateway), [said("keep", "p1"), said("pass", "p2")])
    assert (sorted(stage.read_), stage.kept) == (["keep", "pass"], ["keep"])
    assert len(await stored(gateway)) == 2
