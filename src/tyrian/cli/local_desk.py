"""Accounts, keys and channels on the database itself: for whoever can reach it, and before there is any key."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import msgspec

from tyrian.cli.desk import Desk, Json
from tyrian.cli.failures import Exit, Failure
from tyrian.cli.local_database import database_url
from tyrian.cli.places import Where
from tyrian.cli.serving import plainly, settings_of
from tyrian.domain.problem import Problem, Refused, problems_of
from tyrian.engine.channel_spec import HIDDEN, ChannelChange, ChannelSpec, Name
from tyrian.engine.channels import ChannelEntry, Channels
from tyrian.engine.clock import WallClock
from tyrian.engine.keys import ALL_SCOPES, Form, KeyEntry, KeyRing, NewKey
from tyrian.engine.ports import Channel, Health, Inbound, Receipt, Tools
from tyrian.engine.verification import Verification
from tyrian.store import accounts
from tyrian.store.accounts import Account, NameTaken
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database
from tyrian.store.keys import KeyTaken
from tyrian.store.migrate import migrate

OPERATOR = "accounts:manage"


@asynccontextmanager
async def local_desk(where: Where) -> AsyncIterator[Desk]:
    """A desk over the database that the settings name, migrated."""
    given = {"data_dir": where.data_dir, "database_url": where.database_url}
    settings = settings_of(where.config, {**given, "log_level": "error"})
    with plainly():
        async with database_url(settings) as url:
            await migrate(url)
            db = await Database.open(url, work=2, reading=2)
            try:
                box = SecretBox.from_settings(settings)
                yield LocalDesk(db, box, settings.public_url, where.account)
            finally:
                await db.close()


class LocalDesk:
    """The operations, on the database. Running gateways are told of every change."""

    def __init__(self, db: Database, box: SecretBox, public_url: str, account: str | None) -> None:
        self._db = db
        self._clock = WallClock()
        self._public_url = public_url
        self._account_name = account
        self._keys = KeyRing(db, self._clock, box)
        self._channels = Channels(db, self._clock, box, Tools(self._clock, NoSink(), public_url))

    async def _account(self) -> int:
        """The account that is meant: the one that is named, or the only one."""
        everyone = await accounts.everyone(self._db)
        names = ", ".join(account.name for account in everyone)
        if not everyone:
            raise _wrong("There is no account yet: make one with `tyrian accounts create NAME --local`.")
        if self._account_name is None:
            if len(everyone) > 1:
                raise _wrong(f"Say with --account which account is meant; there are {names}.")
            return everyone[0].id
        for account in everyone:
            if account.name == self._account_name:
                return account.id
        raise _wrong(f'There is no account "{self._account_name}"; there are {names}.')

    # -- Accounts and keys ----------------------------------------------------------------------------------------

    async def accounts(self) -> list[Json]:
        """All accounts."""
        return [_account_json(account) for account in await accounts.everyone(self._db)]

    async def create_account(self, name: str, *, operator: bool) -> Json:
        """A new account with its first key, and the secret that signs its callbacks."""
        _refuse_name(name)
        try:
            account = await accounts.create(self._db, name, self._clock.now())
        except NameTaken as taken:
            raise Failure(f'There is an account named "{taken.name}" already.', code=Exit.REFUSED) from taken
        scopes = ALL_SCOPES if operator else ALL_SCOPES - {OPERATOR}
        key = await self._keys.create(account.id, name="first key", scopes=scopes)
        secret = await self._keys.signing.rotate(account.id)
        signing = {"face": "native", "created_at": _stamp(secret.created_at), "secret": secret.secret}
        return {**_account_json(account), "key": _new_key_json(key), "signing_secret": signing}

    async def keys(self) -> list[Json]:
        """The account's keys."""
        return [_key_json(key) for key in await self._keys.list(await self._account())]

    async def create_key(self, request: Json) -> Json:
        """A new key, with its secret."""
        given = {name: value for name, value in request.items() if value is not None}
        try:
            made = await self._keys.create(await self._account(), **{**given, "form": Form(given.get("form", "token"))})
        except ValueError as error:
            raise _wrong(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
        except KeyTaken as taken:
            raise Failure("A key with this identity exists already.", code=Exit.REFUSED) from taken
        return _new_key_json(made)

    async def revoke_key(self, key_id: str) -> None:
        """Ends a key."""
        try:
            number = UUID(key_id)
        except ValueError:
            raise _wrong(f'"{key_id}" is no id of a key.') from None
        if not await self._keys.revoke(await self._account(), number):
            raise Failure(f"There is no key with the id {key_id} in this account.", code=Exit.REFUSED)

    # -- Channels -------------------------------------------------------------------------------------------------

    async def channels(self) -> list[Json]:
        """The account's channels."""
        account = await self._account()
        known = await self._channels.verifications(account)
        return [self._channel_json(entry, known) for entry in await self._channels.list(account)]

    async def channel(self, name: str) -> Json:
        """One channel."""
        entry = await self._entry(name)
        return self._channel_json(entry, await self._channels.verifications(entry.channel.account_id))

    async def add_channel(self, spec: Json) -> Json:
        """A new channel, set up at its network."""
        account = await self._account()
        try:
            _refuse(problems_of(spec, ChannelSpec))
            entry = await self._channels.create(account, msgspec.convert(spec, ChannelSpec))
        except Refused as refused:
            said = [f"  {problem.pointer or 'the channel'}: {problem.message}" for problem in refused.problems]
            raise Failure("The channel has mistakes:", *said, code=Exit.REFUSED) from refused
        except NameTaken as taken:
            raise Failure(f'There is a channel named "{taken.name}" already.', code=Exit.REFUSED) from taken
        setup = await self._channels.provision(entry)
        known = await self._channels.verifications(account)
        return {**self._channel_json(entry, known), "setup": _health_json(setup)}

    async def set_active(self, name: str, *, active: bool) -> Json:
        """Pauses a channel or lets it go on."""
        entry = await self._entry(name)
        changed = await self._channels.update(entry.channel.account_id, name, ChannelChange(active=active))
        known = await self._channels.verifications(entry.channel.account_id)
        return self._channel_json(changed or entry, known)

    async def remove_channel(self, name: str) -> None:
        """Removes a channel."""
        entry = await self._entry(name)
        await self._channels.remove(entry.channel.account_id, name)

    async def check_channel(self, name: str) -> Json:
        """What the network says about a channel, asked from here."""
        return _health_json(await ask(await self._entry(name)))

    async def kinds(self) -> list[Json]:
        """The kinds of channels that are installed here."""
        schema = msgspec.json.schema
        return [
            {"kind": kind.name, "title": kind.title, "config": schema(kind.config), "secrets": schema(kind.secrets)}
            for kind in sorted(self._channels.kinds.values(), key=lambda kind: kind.name)
        ]

    async def _entry(self, name: str) -> ChannelEntry:
        entries = await self._channels.list(await self._account())
        for entry in entries:
            if entry.channel.name == name:
                return entry
        there = ", ".join(entry.channel.name for entry in entries) or "none"
        raise Failure(f'No channel is named "{name}"; there are {there}.', code=Exit.REFUSED)

    def _channel_json(self, entry: ChannelEntry, known: Mapping[int, Verification]) -> Json:
        channel = entry.channel
        found = known.get(channel.id)
        return {
            "name": channel.name,
            "kind": channel.kind,
            "config": channel.config,
            "secrets": dict.fromkeys(sorted(channel.secrets), HIDDEN),
            "rate": channel.rate,
            "concurrency": channel.concurrency,
            "uncertain": {purpose.value: policy.value for purpose, policy in channel.uncertain.items()},
            "active": channel.active,
            "inbound_url": entry.inbound_url,
            "senders": list(entry.senders),
            "verification": msgspec.to_builtins(found) if found is not None else None,
            "track_links": channel.track_links,
            "media": channel.media.value,
            "sessions": msgspec.to_builtins(channel.sessions.effective(entry.network)),
            "hook_url": f"{self._public_url}/hooks/{channel.id}",
            "trouble": entry.trouble,
            "circuit": None,
            "created_at": _stamp(entry.created_at),
            "updated_at": _stamp(entry.updated_at),
        }


def _health_json(health: Health) -> Json:
    return {"ok": health.ok, "detail": health.detail, "reason": health.reason, "fix": health.fix}


class NoSink:
    """Nothing comes in here: channels are only asked how they are. What a network brings, it must bring again."""

    async def receipts(self, channel: Channel, receipts: Sequence[Receipt]) -> None:
        """Refuses receipts."""
        raise ConnectionError(f"no gateway runs here to take receipts for {channel.name}")

    async def inbound(self, channel: Channel, messages: Sequence[Inbound]) -> None:
        """Refuses messages from people."""
        raise ConnectionError(f"no gateway runs here to take messages for {channel.name}")


async def ask(entry: ChannelEntry) -> Health:
    """What the network says about a channel, over a way opened for the question alone, which takes nothing in."""
    connector = entry.connector
    if connector is None or entry.running is None:
        return Health(False, "The channel was removed.")
    try:
        return await connector.check()
    finally:
        await entry.running.inner.close()


# -- In the API's shapes ----------------------------------------------------------------------------------------------


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _account_json(account: Account) -> Json:
    return {"name": account.name, "created_at": _stamp(account.created_at)}


def _key_json(key: KeyEntry) -> Json:
    return {
        "id": str(key.id),
        "name": key.name,
        "face": key.face,
        "prefix": key.prefix,
        "scopes": sorted(key.scopes),
        "rate": key.rate,
        "created_at": _stamp(key.created_at),
    }


def _new_key_json(made: NewKey) -> Json:
    return {**_key_json(made.entry), "secret": made.secret, "identity": made.identity}


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise Refused(problems)


def _refuse_name(name: str) -> None:
    try:
        msgspec.convert(name, Name)
    except msgspec.ValidationError as error:
        rule = "1 to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit"
        raise _wrong(f'"{name}" can be no account\'s name: it takes {rule}.') from error


def _wrong(sentence: str) -> Failure:
    return Failure(sentence, code=Exit.USAGE)
