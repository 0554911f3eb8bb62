"""Channels: known without asking, changed in place while they send, and never with their secrets in the open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.clock import ManualClock
from tests.engine.fake_kind import FakeConnector, Network
from tyrian.domain.content import Text
from tyrian.domain.problem import Problem, Refused
from tyrian.domain.purpose import Purpose, UncertainPolicy
from tyrian.engine.channel_spec import ChannelChange, ChannelSpec
from tyrian.engine.channels import Channels
from tyrian.engine.connectors import Running
from tyrian.engine.ports import Channel, Connector, Health, HookRequest, Outgoing, Retry, Tools
from tyrian.engine.verification import State
from tyrian.store import accounts
from tyrian.store.accounts import NameTaken
from tyrian.store.crypto import CannotOpen, SecretBox
from tyrian.store.database import Database

Make = Callable[..., Channels]


class NoSink:
    """Nothing comes back from these networks."""

    async def receipts(self, channel: Channel, receipts: Any) -> None:
        raise AssertionError(receipts)

    async def inbound(self, channel: Channel, messages: Any) -> None:
        raise AssertionError(messages)


CLOCK = ManualClock()
TOOLS = Tools(CLOCK, NoSink(), "https://gateway.example")
BOX = SecretBox("a key for tests")
SPEC = ChannelSpec(name="shop", kind="fake", config={"port": 1}, secrets={"token": "first"})
OUTGOING = Outgoing(UUID(int=1), UUID(int=2), "+385991234501", Text(text="hello"), Purpose.TRANSACTIONAL, 60)
HOOK = HookRequest("POST", "/hooks/1", {}, {}, b"")


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
async def node(db: Database, network: Network) -> AsyncIterator[Make]:
    """Makes further nodes on the same database; all are closed at the end."""
    made: list[Channels] = []

    def make(box: SecretBox = BOX, kinds: Any = None, on: Network = network) -> Channels:
        made.append(Channels(db, CLOCK, box, TOOLS, {"fake": on.kind()} if kinds is None else kinds))
        return made[-1]

    yield make
    network.open.set()
    for channels in made:
        await channels.close()


@pytest.fixture
async def channels(node: Make) -> Channels:
    """A node that sends."""
    started = node()
    await started.start()
    return started


def spec(**changes: Any) -> ChannelSpec:
    return msgspec.structs.replace(SPEC, **changes)


def connector_of(channels: Channels, account_id: int) -> Connector:
    entry = channels.get(account_id, "shop")
    assert entry is not None
    assert entry.connector is not None
    return entry.connector


async def until(holds: Callable[[], Any]) -> None:
    """Waits for what other tasks bring about."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


# -- Making and finding -----------------------------------------------------------------------------------------------


async def test_a_new_channel_is_known_at_once(channels: Channels, account_id: int) -> None:
    entry = await channels.create(
        account_id,
        spec(rate=2.5, concurrency=3, uncertain={Purpose.OTP: UncertainPolicy.FAIL}, inbound_url="https://a.b"),
    )
    assert channels.get(account_id, "shop") is entry
    assert channels.by_id(entry.channel.id) is entry
    assert list(channels.all()) == [entry]
    assert await channels.list(account_id) == [entry]
    channel = entry.channel
    assert (channel.config, channel.secrets, channel.active) == ({"port": 1}, {"token": "first"}, True)
    assert (channel.rate, channel.concurrency, entry.inbound_url) == (2.5, 3, "https://a.b")
    assert channel.uncertain == {Purpose.OTP: UncertainPolicy.FAIL}
    assert entry.capabilities.contents.keys() == {"text"}


async def test_what_is_wrong_is_refused_and_nothing_stored(channels: Channels, db: Database, account_id: int) -> None:
    with pytest.raises(Refused) as refused:
        await channels.create(account_id, spec(config={"port": 0}, secrets={}))
    assert [p.pointer for p in refused.value.problems] == ["/config/port", "/secrets/token"]
    assert await db.read("SELECT 1 FROM channels") == []


async def test_names_are_unique_within_an_account(channels: Channels, db: Database, account_id: int) -> None:
    other = await accounts.create(db, "other", datetime(2026, 1, 1, tzinfo=UTC))
    mine = await channels.create(account_id, SPEC)
    theirs = await channels.create(other.id, SPEC)
    with pytest.raises(NameTaken):
        await channels.create(account_id, SPEC)
    assert (channels.get(account_id, "shop"), channels.get(other.id, "shop")) == (mine, theirs)
    assert await channels.list(account_id) == [mine]


async def test_secrets_are_sealed_in_the_database(channels: Channels, db: Database, account_id: int) -> None:
    await channels.create(account_id, spec(secrets={"token": "MY-SECRET-TOKEN"}))
    assert "MY-SECRET-TOKEN" not in str([dict(row) for row in await db.read("SELECT * FROM channels")])


async def test_channels_are_loaded_at_the_start(channels: Channels, node: Make, account_id: int) -> None:
    made = await channels.create(account_id, SPEC)
    other = node()
    await other.start(connect=False)
    loaded = other.get(account_id, "shop")
    assert loaded is not None
    assert loaded.channel == made.channel


async def test_what_was_made_before_the_start_is_started_too(node: Make, network: Network, account_id: int) -> None:
    channels = node()
    await channels.create(account_id, SPEC)
    assert network.log == []
    await channels.start()
    assert network.log == ["start first"]


# -- Changing ---------------------------------------------------------------------------------------------------------


async def test_settings_change_in_place_and_keep_the_connector(
    channels: Channels, network: Network, account_id: int
) -> None:
    entry = await channels.create(account_id, SPEC)
    channel, connector = entry.channel, entry.connector
    change = ChannelChange(rate=9.0, concurrency=2, active=False, inbound_url="https://x.y", uncertain={})
    assert await channels.update(account_id, "shop", change) is entry
    assert entry.channel is channel
    assert entry.connector is connector
    assert (channel.rate, channel.concurrency, channel.active, entry.inbound_url) == (9.0, 2, False, "https://x.y")
    assert network.log == ["start first"]


async def test_new_secrets_make_a_new_connector(channels: Channels, network: Network, account_id: int) -> None:
    entry = await channels.create(account_id, SPEC)
    assert await channels.update(account_id, "shop", ChannelChange(secrets={"token": "second"})) is entry
    assert connector_of(channels, account_id).hook(HOOK).body == b"second"
    await until(lambda: "close first" in network.log)
    assert network.log == ["start first", "start second", "close first"]


async def test_the_old_connector_ends_after_its_sends(channels: Channels, network: Network, account_id: int) -> None:
    entry = await channels.create(account_id, SPEC)
    sends = [asyncio.create_task(connector_of(channels, account_id).send(OUTGOING)) for _ in range(3)]
    await network.begun.wait()
    assert entry.running is not None
    assert entry.running.in_flight == 3
    await channels.update(account_id, "shop", ChannelChange(config={"port": 2}, secrets={"token": "second"}))
    assert network.log == ["start first", "start second"]
    network.open.set()
    await asyncio.gather(*sends)
    await until(lambda: "close first" in network.log)
    assert network.log[2:] == ["sent first"] * 3 + ["close first"]


async def test_a_refused_change_changes_nothing(channels: Channels, account_id: int) -> None:
    entry = await channels.create(account_id, SPEC)
    with pytest.raises(Refused, match="/config/port"):
        await channels.update(account_id, "shop", ChannelChange(config={"port": -1}))
    await channels.refresh()
    assert entry.channel.config == {"port": 1}


async def test_changes_at_once_are_all_kept(channels: Channels, node: Make, account_id: int) -> None:
    await channels.create(account_id, SPEC)
    other = node()
    await asyncio.gather(
        channels.update(account_id, "shop", ChannelChange(config={"base_url": "http://a"})),
        other.update(account_id, "shop", ChannelChange(config={"options": {"x": 1}})),
        channels.update(account_id, "shop", ChannelChange(rate=3.0)),
    )
    await channels.refresh()
    entry = channels.get(account_id, "shop")
    assert entry is not None
    assert entry.channel.config == {"port": 1, "base_url": "http://a", "options": {"x": 1}}
    assert entry.channel.rate == 3.0


async def test_what_is_not_there_cannot_be_changed(channels: Channels, account_id: int) -> None:
    assert await channels.update(account_id, "nobody", ChannelChange(rate=1.0)) is None
    assert not await channels.remove(account_id, "nobody")


# -- Removing ---------------------------------------------------------------------------------------------------------


async def test_a_removed_channel_is_gone_and_its_name_free(
    channels: Channels, db: Database, network: Network, account_id: int
) -> None:
    entry = await channels.create(account_id, SPEC)
    assert await channels.remove(account_id, "shop")
    assert channels.get(account_id, "shop") is None
    assert channels.by_id(entry.channel.id) is None
    assert (entry.connector, entry.channel.active) == (None, False)
    await until(lambda: "close first" in network.log)
    assert await db.fetchval("SELECT secrets FROM channels") is None
    again = await channels.create(account_id, SPEC)
    assert again.channel.id != entry.channel.id
    assert channels.get(account_id, "shop") is again


# -- Several nodes ----------------------------------------------------------------------------------------------------


async def test_another_nodes_changes_come_with_the_announcement(
    channels: Channels, node: Make, network: Network, account_id: int
) -> None:
    other = node()
    entry = await other.create(account_id, SPEC)
    assert channels.get(account_id, "shop") is None
    channels.refresh_soon()
    await until(lambda: channels.get(account_id, "shop"))
    await other.update(account_id, "shop", ChannelChange(rate=7.0))
    channels.refresh_soon()
    mine = channels.get(account_id, "shop")
    assert mine is not None
    await until(lambda: mine.channel.rate == 7.0)
    await other.remove(account_id, "shop")
    channels.refresh_soon()
    await until(lambda: channels.by_id(entry.channel.id) is None)
    assert mine.removed


async def test_changes_are_seen_without_an_announcement(
    node: Make, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tyrian.engine.channels.POLL", 0.01)
    here, there = node(), node()
    await here.start()
    await there.create(account_id, SPEC)
    await until(lambda: here.get(account_id, "shop"))


async def test_changes_are_announced(channels: Channels, db: Database, account_id: int) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with db.work.acquire() as connection:
        await connection.add_listener("tyrian_config", lambda *args: heard.put_nowait(args[3]))
        await channels.create(account_id, SPEC)
        await channels.update(account_id, "shop", ChannelChange(rate=1.0))
        await channels.remove(account_id, "shop")
        assert [await heard.get() for _ in range(3)] == ["channels"] * 3
        await connection.reset()


async def test_a_node_that_does_not_send_starts_nothing(node: Make, network: Network, account_id: int) -> None:
    api = node()
    await api.start(connect=False)
    entry = await api.create(account_id, SPEC)
    assert entry.connector is not None
    assert entry.connector.hook(HOOK).body == b"first"
    assert network.log == []
    assert (await api.check(entry)).detail == "first works."
    assert network.log == ["start first", "close first"]


# -- Trouble ----------------------------------------------------------------------------------------------------------


async def test_a_node_with_the_wrong_key_puts_sends_off(channels: Channels, node: Make, account_id: int) -> None:
    await channels.create(account_id, SPEC)
    stranger = node(SecretBox("another key"))
    await stranger.start()
    entry = stranger.get(account_id, "shop")
    assert entry is not None
    assert entry.trouble is not None
    assert BOX.key_id in entry.trouble
    result = await connector_of(stranger, account_id).send(OUTGOING)
    assert isinstance(result, Retry)
    assert connector_of(stranger, account_id).hook(HOOK).status == 503
    assert not (await stranger.check(entry)).ok
    with pytest.raises(CannotOpen):
        await stranger.update(account_id, "shop", ChannelChange(rate=1.0))
    await stranger.update(account_id, "shop", ChannelChange(secrets={"token": "third"}))
    assert [e.trouble for e in stranger.all()] == [None]
    assert connector_of(stranger, account_id).hook(HOOK).body == b"third"


async def test_a_kind_that_is_not_installed_puts_sends_off(channels: Channels, node: Make, account_id: int) -> None:
    await channels.create(account_id, SPEC)
    bare = node(kinds={})
    await bare.start()
    entry = bare.get(account_id, "shop")
    assert entry is not None
    assert entry.capabilities.contents == {}
    assert isinstance(entry.kind.address("+1", "/to"), Problem)
    assert isinstance(await connector_of(bare, account_id).send(OUTGOING), Retry)
    health = await bare.check(entry)
    assert (health.ok, '"fake"' in health.detail) == (False, True)


@pytest.mark.parametrize(("flag", "words"), [("fail_make", "no factory"), ("fail_start", "no starter")])
async def test_a_connector_that_cannot_be_made_says_why(
    channels: Channels, network: Network, account_id: int, flag: str, words: str
) -> None:
    setattr(network, flag, True)
    entry = await channels.create(account_id, SPEC)
    assert isinstance(await connector_of(channels, account_id).send(OUTGOING), Retry)
    health = await channels.check(entry)
    assert (health.ok, words in health.detail) == (False, True)
    setattr(network, flag, False)
    await channels.update(account_id, "shop", ChannelChange(config={"port": 2}))
    assert (await channels.check(entry)).ok


async def test_a_check_that_fails_says_so(channels: Channels, network: Network, account_id: int) -> None:
    network.fail_check = True
    health = await channels.check(await channels.create(account_id, SPEC))
    assert (health.ok, "no checker" in health.detail) == (False, True)


# -- Asking the network -----------------------------------------------------------------------------------------------


async def test_provision_gets_the_protocols_own_connector(
    channels: Channels, network: Network, account_id: int
) -> None:
    entry = await channels.create(account_id, SPEC)
    assert (await channels.provision(entry)).detail == "The webhook of first is set."
    assert isinstance(entry.running, Running)
    assert isinstance(entry.running.inner, FakeConnector)
    entry.kind.provision = None
    assert (await channels.provision(entry)).ok


async def test_a_provision_that_fails_says_so(channels: Channels, network: Network, account_id: int) -> None:
    async def explode(connector: Connector) -> Any:
        raise RuntimeError("no network")

    entry = await channels.create(account_id, SPEC)
    entry.kind.provision = explode
    health = await channels.provision(entry)
    assert (health.ok, "no network" in health.detail) == (False, True)
    network.fail_make = True
    await channels.update(account_id, "shop", ChannelChange(config={"port": 2}))
    assert "no factory" in (await channels.provision(entry)).detail


async def test_how_setting_up_went_is_told_by_every_node(
    node: Make, channels: Channels, network: Network, account_id: int
) -> None:
    other = node()
    entry = await channels.create(account_id, SPEC)
    assert await channels.verifications(account_id) == {}
    await channels.provision(entry)
    found = (await other.verifications(account_id))[entry.channel.id]
    assert (found.state, found.detail, found.reason) == (State.ACTIVE, "The webhook of first is set.", None)

    async def refuse(connector: Connector) -> Health:
        held = (await other.verifications(account_id))[entry.channel.id]
        assert held.state is State.PENDING, "a node that dies now leaves it so"
        return Health(False, "No.", "bad_tls", "Mend it.")

    entry.kind.provision = refuse
    await channels.provision(entry)
    found = (await other.verifications(account_id))[entry.channel.id]
    assert (found.state, found.reason, found.fix) == (State.FAILED, "bad_tls", "Mend it.")
    assert await other.verifications(account_id + 1) == {}


async def test_a_replaced_secret_is_believed_until_its_time_is_over(
    node: Make, channels: Channels, account_id: int, db: Database
) -> None:
    entry = await channels.create(account_id, SPEC)
    now = CLOCK.now()
    assert entry.channel.believed("token", now) == ["first"]
    await channels.update(account_id, "shop", ChannelChange(secrets={"token": "second"}))
    other = node()
    await other.refresh()
    for known in (entry.channel, other.by_id(entry.channel.id).channel):  # type: ignore[union-attr]
        assert known.believed("token", now) == ["second", "first"]
        assert known.believed("token", now + timedelta(days=366 * 100)) == ["second"]
    await channels.update(account_id, "shop", ChannelChange(secrets={"token": "third"}))
    assert entry.channel.believed("token", now) == ["third", "second"]
    for row in await db.read("SELECT body FROM documents"):
        assert not any(word in row["body"] for word in (b"first", b"second", b"third"))
    assert "second" not in repr(entry.channel)
    assert "third" not in repr(entry.channel)


async def test_closing_waits_for_the_sends_in_flight(node: Make, network: Network, account_id: int) -> None:
    channels = node()
    await channels.start()
    await channels.create(account_id, SPEC)
    sending = asyncio.create_task(connector_of(channels, account_id).send(OUTGOING))
    await network.begun.wait()
    closing = asyncio.create_task(channels.close())
    await asyncio.sleep(0)
    assert not closing.done()
    network.open.set()
    await closing
    assert sending.done()
    assert network.log == ["start first", "sent first", "close first"]
