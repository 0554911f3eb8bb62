"""Turns on running gateways: what people send is reacted to once, in order, whatever fails and whoever dies."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.scripted import Stage, staged
from tyrian.domain.content import Text
from tyrian.engine import ports, turns
from tyrian.engine.clock import ScaledClock
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import Channel
from tyrian.engine.reacting import News, Said, Turn
from tyrian.engine.turns import AGAIN
from tyrian.settings import Settings
from tyrian.store import turns as store
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Connection, Database

ANA, IVO = "+385991234501", "+385991234502"
#: What a stage stores, to be found again.
KEEP = "INSERT INTO endpoints (account_id, face, url, created_at) VALUES (1, 'x', 'y', now())"


@dataclass
class Listener:
    """A reaction that keeps what it was asked about, and does what a test wants then."""

    only: str | None = None
    settles: bool = False
    heard: list[Turn] = field(default_factory=list)
    work: Callable[[Turn], Awaitable[None]] | None = None

    def wants(self, channel: Channel) -> bool:
        return self.only in (None, channel.name)

    async def react(self, turn: Turn) -> bool:
        self.heard.append(turn)
        if self.work is not None:
            await self.work(turn)
        return self.settles

    @property
    def words(self) -> list[str]:
        return [words_of(turn) for turn in self.heard]


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    async with staged(database_url, scale=60) as running:
        running.gateway.turns.reactions.clear()
        yield running


def words_of(turn: Turn) -> str:
    assert isinstance(turn.content, Text)
    return turn.content.text


def listening(stage: Stage, **more: Any) -> Listener:
    listener = Listener(**more)
    stage.gateway.turns.reactions.append(listener)
    return listener


async def says(stage: Stage, *words: str, sender: str = ANA, channel: str = "one", **more: Any) -> None:
    for word in words:
        message = ports.Inbound(sender, channel, Text(text=word), f"{sender} {word}", **more)
        await stage.gateway.inbound.submit(stage.entry(channel).channel, [message])


async def settled(stage: Stage) -> None:
    """Waits until no turn is left."""

    async def look() -> bool:
        return not await stage.gateway.db.fetchval("SELECT count(*) FROM turns")

    await stage.until(look)


async def test_a_message_is_reacted_to_once_and_the_turn_is_gone(stage: Stage) -> None:
    listener = listening(stage)
    await says(stage, "hello", extra={"name": "Ana"})
    await settled(stage)
    (turn,) = listener.heard
    assert (words_of(turn), turn.sender, turn.person, turn.tries) == ("hello", ANA, ANA.removeprefix("+"), 0)
    assert (turn.channel.name, turn.account_id, turn.extra) == ("one", stage.account_id, {"name": "Ana"})
    await stage.gateway.turns.take_up()
    assert len(listener.heard) == 1


async def test_a_message_that_comes_twice_is_reacted_to_once(stage: Stage) -> None:
    listener = listening(stage)
    await asyncio.gather(*(says(stage, "hello") for _ in range(5)))
    await settled(stage)
    assert listener.words == ["hello"]


async def test_where_nobody_listens_there_is_no_turn(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*args: Any) -> None:
        raise AssertionError("wrote a turn")

    listener = listening(stage, only="two")
    monkeypatch.setattr(store, "make", never)
    await says(stage, "hello")
    assert listener.heard == []
    assert await stage.gateway.db.fetchval("SELECT count(*) FROM inbound") == 1


async def test_reactions_are_asked_in_order_until_one_settles(stage: Stage) -> None:
    first, second, third = listening(stage), listening(stage, settles=True), listening(stage)
    await says(stage, "hello")
    await settled(stage)
    assert [len(listener.heard) for listener in (first, second, third)] == [1, 1, 0]


async def test_each_person_is_answered_in_order_and_nobody_waits_for_another(stage: Stage) -> None:
    gates: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
    done: list[str] = []

    async def slowly(turn: Turn) -> None:
        if turn.sender == ANA:
            await gates[words_of(turn)].wait()
        done.append(words_of(turn))

    listener = listening(stage, work=slowly)
    await says(stage, "a1", "a2", "a3")
    await says(stage, "i1", "i2", sender=IVO)
    await stage.until(lambda: among(done, "i1", "i2"))
    assert listener.words.count("a2") == 0, "one message of a person at a time"
    for word in ("a3", "a2", "a1"):
        gates[word].set()
    await settled(stage)
    assert [word for word in done if word.startswith("a")] == ["a1", "a2", "a3"]


async def test_the_same_person_on_another_channel_is_somebody_else(stage: Stage) -> None:
    blocked = asyncio.Event()

    async def slowly(turn: Turn) -> None:
        if turn.channel.name == "one":
            await blocked.wait()

    listener = listening(stage, work=slowly)
    await says(stage, "here")
    await says(stage, "there", channel="two")
    await stage.until(lambda: among(listener.words, "there"))
    blocked.set()
    await settled(stage)


class TestFailures:
    async def test_it_is_tried_again_and_what_came_after_waits_for_it(self, stage: Stage) -> None:
        done: list[str] = []

        async def at_first_not(turn: Turn) -> None:
            if words_of(turn) == "a1" and turn.tries < 2:
                raise RuntimeError("not now")
            done.append(words_of(turn))

        listener = listening(stage, work=at_first_not)
        await says(stage, "a1", "a2")
        await says(stage, "i1", sender=IVO)
        await stage.until(lambda: among(done, "i1"))
        await says(stage, "a3")
        await settled(stage)
        assert [word for word in done if word.startswith("a")] == ["a1", "a2", "a3"]
        assert [turn.tries for turn in listener.heard if words_of(turn) == "a1"] == [0, 1, 2]
        assert [turn.tries for turn in listener.heard if words_of(turn) in ("a2", "a3")] == [0, 0]
        assert stage.gateway.turns.failed == 2

    async def test_it_is_given_up_in_the_end_and_others_go_on(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(turns, "AGAIN", (1.0,) * len(AGAIN))

        async def never(turn: Turn) -> None:
            if words_of(turn) == "bad":
                raise RuntimeError("never")

        listener = listening(stage, work=never)
        await says(stage, "bad", "good")
        await settled(stage)
        assert listener.words.count("bad") == len(AGAIN) + 1
        assert listener.words[-1] == "good"

    async def test_a_database_that_is_away_for_a_moment_delays_nothing_for_long(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put, lost = store.put_off, [True, True]

        async def away(*args: Any) -> None:
            if lost:
                lost.pop()
                raise asyncpg.PostgresConnectionError
            await put(*args)

        async def once(turn: Turn) -> None:
            if turn.tries == 0:
                raise asyncpg.PostgresConnectionError

        monkeypatch.setattr(store, "put_off", away)
        listener = listening(stage, work=once)
        await says(stage, "hello")
        await settled(stage)
        assert [turn.tries for turn in listener.heard] == [0, 1]

    async def test_the_turn_of_a_removed_channel_goes(self, stage: Stage) -> None:
        async def fails(turn: Turn) -> None:
            raise RuntimeError("no")

        listening(stage, work=fails)
        await says(stage, "hello")
        await stage.until(lambda: put_off(stage))
        await stage.gateway.channels.remove(stage.account_id, "one")
        await settled(stage)


class TestNodes:
    @pytest.fixture
    async def others(self, stage: Stage, database_url: str) -> AsyncIterator[Callable[[], Awaitable[Gateway]]]:
        """Starts further nodes on the same database."""
        async with AsyncExitStack() as stack:

            async def start() -> Gateway:
                db = await Database.open(database_url, work=3, reading=1)
                kinds = {f"scripted-{name}": script.kind(f"scripted-{name}") for name, script in stage.scripts.items()}
                node = Gateway(db, Settings(), ScaledClock(60), [], SecretBox("k" * 40), kinds=kinds, roles=frozenset())
                return await stack.enter_async_context(node)

            yield start

    async def test_what_a_dead_node_had_in_hand_is_taken_up_by_another(
        self, stage: Stage, others: Callable[[], Awaitable[Gateway]]
    ) -> None:
        over = asyncio.Event()

        async def held(turn: Turn) -> None:
            await over.wait()

        dying = listening(stage, work=held)
        await says(stage, "first", "second", extra={"name": "Ana"})
        await stage.until(lambda: among(dying.words, "first"))
        other, listener = await others(), Listener()
        other.turns.reactions.append(listener)
        assert await other.turns.take_up() == 0, "its holder lives"
        # The end of its connection is how a node's death is told.
        await stage.gateway.node.stop()
        await stage.until(lambda: among(listener.words, "first", "second"))
        assert listener.words == ["first", "second"]
        assert [turn.tries for turn in listener.heard] == [1, 1]
        assert listener.heard[0].extra == {"name": "Ana"}
        await settled(stage)
        over.set()

    async def test_two_nodes_take_each_turn_once(self, stage: Stage, others: Callable[[], Awaitable[Gateway]]) -> None:
        async def once(turn: Turn) -> None:
            if turn.tries == 0:
                raise RuntimeError("again")

        both = [Listener(work=once), Listener(work=once)]
        nodes = [stage.gateway, await others()]
        for node, listener in zip(nodes, both, strict=True):
            node.turns.reactions[:] = [listener]
        await asyncio.gather(*(says(stage, f"w{n}", sender=f"+3859912345{n:02}") for n in range(20)))
        await asyncio.gather(*(node.turns.take_up() for node in nodes for _ in range(5)))
        await settled(stage)
        again = [words_of(turn) for listener in both for turn in listener.heard if turn.tries]
        assert sorted(again) == sorted(f"w{n}" for n in range(20))


@dataclass
class Reader:
    """A stage that does what a test wants."""

    reads: Callable[[Sequence[Said]], None] | None = None
    stores: str | None = None
    batches: int = 0

    def wants(self, channel: Channel) -> bool:
        return channel.name == "one"

    async def read(self, batch: Sequence[Said]) -> None:
        self.batches += 1
        if self.reads is not None:
            self.reads(batch)

    async def store(self, connection: Connection, batch: Sequence[Said]) -> None:
        if self.stores is not None:
            await connection.execute(self.stores)

    async def subscribed(self, connection: Connection, news: Sequence[News]) -> None:
        await self.store(connection, ())


class TestStages:
    """Whatever a stage does, what a person wrote is stored."""

    def reading(self, stage: Stage, **more: Any) -> Reader:
        reader = Reader(**more)
        stage.gateway.inbound.stages.append(reader)
        return reader

    async def test_what_a_stage_notes_reaches_the_reactions_at_once_and_later(self, stage: Stage) -> None:
        def note(batch: Sequence[Said]) -> None:
            for one in batch:
                one.notes["seen"] = 7
                one.message.content = Text(text="other words")

        async def once(turn: Turn) -> None:
            if turn.tries == 0:
                raise RuntimeError("again")

        self.reading(stage, reads=note)
        listener = listening(stage, work=once)
        await says(stage, "hello")
        await settled(stage)
        assert [(words_of(turn), turn.notes) for turn in listener.heard] == [("other words", {"seen": 7})] * 2

    async def test_one_that_cannot_read_keeps_nothing_from_being_stored(self, stage: Stage) -> None:
        def fail(batch: Sequence[Said]) -> None:
            raise RuntimeError("cannot read")

        self.reading(stage, reads=fail)
        listener = listening(stage)
        await says(stage, "hello")
        await settled(stage)
        assert listener.words == ["hello"]

    @pytest.mark.parametrize("sql", ["SELECT 1 / 0", "INSERT INTO nowhere VALUES (1)", "ROLLBACK TO nothing"])
    async def test_one_that_cannot_store_is_undone_alone(self, stage: Stage, sql: str) -> None:
        self.reading(stage, stores=sql)
        after = self.reading(stage, stores=KEEP)
        listener = listening(stage)
        await says(stage, "hello")
        await settled(stage)
        assert listener.words == ["hello"]
        assert after.batches == 1
        kept = "SELECT (SELECT count(*) FROM inbound), (SELECT count(*) FROM endpoints WHERE face = 'x')"
        assert tuple(await stage.gateway.db.fetchrow(kept) or ()) == (1, 1)
        state = await stage.gateway.sessions.state(stage.account_id, stage.entry().channel.id, ANA)
        assert state.open, "what the stages before it stored stays"

    async def test_news_is_stored_whatever_a_stage_makes_of_it(self, stage: Stage) -> None:
        self.reading(stage, stores="SELECT 1 / 0")
        now = stage.gateway.clock.now() - timedelta(seconds=1)
        await stage.gateway.inbound.subscriptions(stage.entry().channel, [ports.Subscription(ANA, True, now)])
        assert await stage.gateway.db.fetchval("SELECT subscribed FROM subscriptions") is True

    async def test_a_repeat_is_read_and_not_stored_again(self, stage: Stage) -> None:
        reader = self.reading(stage, stores=KEEP)
        await says(stage, "hello")
        await says(stage, "hello")
        assert reader.batches == 2
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM endpoints WHERE face = 'x'") == 1


async def among(found: list[str], *wanted: str) -> bool:
    return set(wanted) <= set(found)


async def put_off(stage: Stage) -> bool:
    """Whether a turn waits to be tried again, in nobody's hands."""
    return bool(await stage.gateway.db.fetchval("SELECT count(*) FROM turns WHERE leased_until IS NULL"))
