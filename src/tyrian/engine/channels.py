"""The channels of all accounts, as this node knows them, and their connectors.

Look-ups are synchronous and never touch the database: a cache is loaded at the start, and brought up to date when a
change is announced and every few seconds besides. A channel keeps its `ChannelEntry` for as long as it exists, so that
whoever holds one sees the present configuration and connector.
"""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from tyrian.domain.media import MediaPolicy
from tyrian.domain.purpose import Purpose, UncertainPolicy
from tyrian.domain.session import DEFAULT as DEFAULT_SESSIONS, SessionSettings
from tyrian.engine import groups, verification
from tyrian.engine.channel_entry import ChannelEntry, capabilities_of, closed, made_from, started
from tyrian.engine.channel_networks import Networks
from tyrian.engine.channel_spec import ChannelChange, ChannelSpec, changed, check
from tyrian.engine.connectors import missing_kind
from tyrian.engine.ports import Channel, ChannelKind, Clock, Health, Tools
from tyrian.engine.registry import kinds_of, load_registrations
from tyrian.store import channels as store
from tyrian.store.channels import StoredChannel
from tyrian.store.crypto import CannotOpen, SecretBox
from tyrian.store.database import LOST, Connection, Database, persist

__all__ = ["POLL", "ChannelEntry", "Channels"]

log = logging.getLogger(__name__)

#: Seconds between two looks at the database where no change is announced.
POLL: Final = 5.0
#: What of a channel its connector is not made from.
_AS_IT_STANDS: Final = ("rate", "concurrency", "uncertain", "active", "retired", "track_links", "media", "sessions")
#: Accounts' channels by network that are remembered; beyond that all are forgotten and found again.
_REMEMBERED: Final = 10_000

_encode = msgspec.json.Encoder().encode
_decode_secrets = msgspec.json.Decoder(dict[str, str]).decode
_decode_sessions = msgspec.json.Decoder(SessionSettings).decode


class Channels:
    """All channels. `start` before use, `close` at the end."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        box: SecretBox,
        tools: Tools,
        kinds: Mapping[str, ChannelKind] | None = None,
    ) -> None:
        """`kinds` are those of the installed protocols unless given."""
        installed = kinds_of(load_registrations()) if kinds is None else kinds
        self.kinds: Mapping[str, ChannelKind] = {**installed, groups.NAME: groups.GROUP}
        self._db = db
        self._clock = clock
        self._box = box
        self._tools = tools
        self._by_id: dict[int, ChannelEntry] = {}
        self._by_name: dict[tuple[int, str], ChannelEntry] = {}
        self._by_network: dict[tuple[int, str], list[ChannelEntry]] = {}
        self._networks = Networks(db, clock, self._finder)
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    # -- Look-ups -------------------------------------------------------------------------------------------------

    def get(self, account_id: int, name: str) -> ChannelEntry | None:
        """The account's channel of this name."""
        return self._by_name.get((account_id, name))

    def by_id(self, channel_id: int) -> ChannelEntry | None:
        """The channel of this number, unless it was removed."""
        return self._by_id.get(channel_id)

    def all(self) -> Collection[ChannelEntry]:
        """Every channel of every account."""
        return self._by_id.values()

    def by_sender(self, account_id: int, network: str, sender: str | None = None) -> ChannelEntry | None:
        """The account's channel on a network that a dialect means by a sender.

        Looked for by the channel's name, by the sender's own id on the network, and by the names that the channel was
        given for it (`senders`). Without a sender, the account's first active channel of the network.
        """
        if sender is not None:
            named = self.get(account_id, sender)
            if named is not None and named.network == network:
                return named
        mine = self._reaching(account_id, network)
        if sender is None:
            return mine[0] if mine else None
        return next((e for e in mine if e.sender == sender), None) or next(
            (e for e in mine if sender in e.senders), None
        )

    def _reaching(self, account_id: int, network: str) -> list[ChannelEntry]:
        """The account's channels on a network, active ones first. Faces ask for each message, so it is remembered."""
        found = self._by_network.get((account_id, network))
        if found is None:
            mine = (e for e in self._by_id.values() if e.channel.account_id == account_id and e.network == network)
            found = sorted(mine, key=lambda e: (not e.channel.active, e.channel.id))
            if len(self._by_network) >= _REMEMBERED:
                self._by_network.clear()
            self._by_network[account_id, network] = found
        return found

    def _finder(self, account_id: int) -> groups.Find:
        """Finds channels of an account by name."""
        return lambda name: self.get(account_id, name)

    # -- Life -----------------------------------------------------------------------------------------------------

    async def start(self, *, connect: bool = True) -> None:
        """Loads all channels and watches for changes. `connect` starts every connector, on a node that sends."""
        await persist(self.refresh)
        async with self._turn:
            self._networks.connect = connect
            for entry in self._by_id.values() if connect else ():
                await started(entry)
        self._watch = asyncio.create_task(self._keep(), name="channels")

    async def close(self) -> None:
        """Stops watching and closes every connector, each after its sends in flight."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        for entry in self._by_id.values():
            self._retire(entry)
        while self._closing:
            await asyncio.wait(self._closing)

    def refresh_soon(self) -> None:
        """A change was announced: have a look without delay."""
        self._wake.set()

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL)
            self._wake.clear()
            try:
                await self.refresh()
            except LOST as error:
                log.warning("the channels cannot be read now: %s", error)
                await asyncio.sleep(0.2)
            except Exception:
                log.exception("the channels could not be brought up to date")

    # -- Keeping up -----------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Brings the cache up to what is committed."""
        async with self._turn:
            revisions = await store.revisions(self._db)
            for gone in self._by_id.keys() - revisions.keys():
                self._forget(self._by_id[gone])
            stale = [i for i, revision in revisions.items() if self._is_stale(i, revision)]
            for stored in await store.by_ids(self._db, stale) if stale else ():
                await self._take(stored)
            for entry in self._by_id.values():
                if entry.channel.kind == groups.NAME:
                    groups.bring_up(entry, self._finder(entry.channel.account_id))

    def _is_stale(self, channel_id: int, revision: str) -> bool:
        entry = self._by_id.get(channel_id)
        return entry is None or entry.revision != revision

    async def _take(self, stored: StoredChannel) -> None:
        fresh = self._entry(stored)
        fresh.channel.retired = await verification.retired(
            self._db, self._box, stored.account_id, stored.id, self._clock.now()
        )
        entry = self._by_id.get(stored.id)
        if entry is None:
            if self._networks.connect:
                await started(fresh)
            self._by_id[stored.id] = self._by_name[stored.account_id, stored.name] = fresh
        else:
            await self._change(entry, fresh)
        self._by_network.clear()

    async def _change(self, entry: ChannelEntry, fresh: ChannelEntry) -> None:
        """Makes the entry what it is now. Only what the connector was made from makes a new connector."""
        if made_from(entry) == made_from(fresh):
            channel = entry.channel
            for name in _AS_IT_STANDS:
                setattr(channel, name, getattr(fresh.channel, name))
        else:
            if self._networks.connect:
                await started(fresh)
            self._retire(entry)
            entry.channel, entry.running = fresh.channel, fresh.running
        entry.capabilities, entry.trouble, entry.kind = fresh.capabilities, fresh.trouble, fresh.kind
        entry.inbound_url, entry.updated_at, entry.revision = fresh.inbound_url, fresh.updated_at, fresh.revision
        entry.senders = fresh.senders

    def _forget(self, entry: ChannelEntry) -> None:
        """Lets a removed channel go. Lanes that still hold it find it inactive and without a connector."""
        del self._by_id[entry.channel.id]
        self._by_network.clear()
        key = (entry.channel.account_id, entry.channel.name)
        if self._by_name.get(key) is entry:
            del self._by_name[key]
        entry.channel.active, entry.removed = False, True
        self._retire(entry)

    def _retire(self, entry: ChannelEntry) -> None:
        """Takes the entry's connector away and closes it when its sends have ended."""
        running, entry.running = entry.running, None
        if running is not None:
            task = asyncio.create_task(closed(running, entry.channel.name), name=f"close {entry.channel.name}")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _entry(self, stored: StoredChannel) -> ChannelEntry:
        trouble = None
        secrets: dict[str, str] = {}
        kind = self.kinds.get(stored.kind) or missing_kind(stored.kind)
        try:
            secrets = _decode_secrets(self._box.open(stored.secrets)) if stored.secrets is not None else {}
        except CannotOpen as error:
            trouble = str(error)
            log.error("channel %s cannot be used: %s", stored.name, error)
        channel = Channel(
            id=stored.id,
            account_id=stored.account_id,
            name=stored.name,
            kind=stored.kind,
            config=stored.config,
            secrets=secrets,
            rate=stored.rate,
            concurrency=stored.concurrency,
            uncertain={Purpose(p): UncertainPolicy(policy) for p, policy in stored.uncertain.items()},
            active=stored.active,
            track_links=stored.track_links,
            media=MediaPolicy(stored.media),
            sessions=_sessions(stored) or DEFAULT_SESSIONS,
        )
        return ChannelEntry(
            channel, kind, capabilities_of(kind, channel), stored.inbound_url, stored.created_at, stored.updated_at,
            stored.revision, self._tools, trouble, senders=tuple(stored.senders),
        )  # fmt: skip

    # -- Changing -------------------------------------------------------------------------------------------------

    async def create(self, account_id: int, spec: ChannelSpec) -> ChannelEntry:
        """A new channel, known here at once. Raises `Refused` with every problem, or `NameTaken`."""
        check(spec, self.kinds)
        if spec.kind == groups.NAME:
            await self.refresh()
            groups.refuse_wrong(spec, self._finder(account_id))
        now = self._clock.now()
        stored = StoredChannel(
            account_id=account_id, name=spec.name, kind=spec.kind, config={}, created_at=now, updated_at=now
        )
        self._fill(stored, spec)
        channel_id = await store.create(self._db, stored)
        await self.refresh()
        return self._by_id[channel_id]

    async def update(self, account_id: int, name: str, change: ChannelChange) -> ChannelEntry | None:
        """The channel after a change; None if the account has no such channel. Raises `Refused`."""
        async with self._db.transaction() as connection:
            stored = await store.lock(connection, account_id, name)
            if stored is None:
                return None
            spec = changed(self._spec(stored, change), change)
            check(spec, self.kinds)
            if spec.kind == groups.NAME:
                groups.refuse_wrong(spec, self._finder(account_id))
            await self._retire_secrets(connection, stored, spec)
            self._fill(stored, spec)
            stored.updated_at = self._clock.now()
            await store.update(connection, stored)
        await self.refresh()
        return self.get(account_id, name)

    async def remove(self, account_id: int, name: str) -> bool:
        """Removes a channel; what waits for it moves on to the next step of its cascade. False if there is none."""
        gone = await store.remove(self._db, account_id, name, self._clock.now())
        await self.refresh()
        return gone

    async def _retire_secrets(self, connection: Connection, stored: StoredChannel, spec: ChannelSpec) -> None:
        """Keeps the secrets that a change replaces: the network may go on using them for a while."""
        try:
            old = _decode_secrets(self._box.open(stored.secrets)) if stored.secrets is not None else {}
        except CannotOpen:
            return
        replaced = {n: value for n, value in old.items() if spec.secrets.get(n) not in (None, value)}
        if replaced:
            now = self._clock.now()
            await verification.retire(connection, self._box, stored.account_id, stored.id, replaced, now)

    def _spec(self, stored: StoredChannel, change: ChannelChange) -> ChannelSpec:
        """The stored channel in a customer's words. Secrets that cannot be opened can only be set anew, all of them."""
        try:
            secrets = _decode_secrets(self._box.open(stored.secrets)) if stored.secrets is not None else {}
        except CannotOpen:
            if change.secrets is msgspec.UNSET:
                raise
            secrets = {}
        return ChannelSpec(
            name=stored.name,
            kind=stored.kind,
            config=stored.config,
            secrets=secrets,
            rate=stored.rate,
            concurrency=stored.concurrency,
            uncertain={Purpose(p): UncertainPolicy(policy) for p, policy in stored.uncertain.items()},
            active=stored.active,
            inbound_url=stored.inbound_url,
            senders=list(stored.senders),
            track_links=stored.track_links,
            media=MediaPolicy(stored.media),
            sessions=_sessions(stored),
        )

    def _fill(self, stored: StoredChannel, spec: ChannelSpec) -> None:
        stored.config = spec.config
        stored.secrets = self._box.seal(_encode(spec.secrets)) if spec.secrets else None
        stored.rate, stored.concurrency, stored.active = spec.rate, spec.concurrency, spec.active
        stored.uncertain = {purpose.value: policy.value for purpose, policy in spec.uncertain.items()}
        stored.inbound_url = spec.inbound_url
        stored.senders = list(spec.senders)
        stored.track_links, stored.media = spec.track_links, spec.media.value
        stored.sessions = _encode(spec.sessions).decode() if spec.sessions is not None else None

    # -- Asking the network ---------------------------------------------------------------------------------------

    async def check(self, entry: ChannelEntry) -> Health:
        """Asks the network whether the channel can work; of a group, whether any of its members can."""
        return await self._networks.check(entry)

    async def provision(self, entry: ChannelEntry) -> Health:
        """Sets up at the network what the channel needs there (webhooks), keeps how that went, and says so."""
        return await self._networks.provision(entry)

    async def verifications(self, account_id: int) -> dict[int, verification.Verification]:
        """What setting up the account's channels came to, by the channel's number."""
        return await verification.of_account(self._db, account_id, self._clock.now())

    async def list(self, account_id: int) -> Sequence[ChannelEntry]:
        """The account's channels by name, as they are committed now."""
        await self.refresh()
        return sorted(
            (e for e in self._by_id.values() if e.channel.account_id == account_id), key=lambda e: e.channel.name
        )


def _sessions(stored: StoredChannel) -> SessionSettings | None:
    return _decode_sessions(stored.sessions) if stored.sessions is not None else None
