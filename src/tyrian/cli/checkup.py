"""The check-up behind `tyrian doctor`: each check looks at one thing and says in plain words how it is.

A finding is `ok`, a `note` (true, and worth knowing), or `wrong`, with what to do about it.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from secrets import token_hex
from typing import Final, Literal
from urllib.parse import urlsplit

import asyncpg
from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from tyrian.cli.client import innermost
from tyrian.cli.local_database import database_url, exists
from tyrian.cli.local_desk import NoSink, ask
from tyrian.cli.terminal import span
from tyrian.engine.channels import ChannelEntry, Channels
from tyrian.engine.clock import WallClock
from tyrian.engine.ports import HookRequest, Tools
from tyrian.settings import Settings
from tyrian.store import checkup as asked
from tyrian.store.crypto import KEY_FILE, CannotOpen, SecretBox
from tyrian.store.database import Database
from tyrian.store.embedded import EmbeddedPostgresError
from tyrian.store.health import waiting
from tyrian.store.migrate import UnknownRevisionError, pending

State = Literal["ok", "note", "wrong"]

#: Seconds by which clocks may differ before schedules and rates go visibly wrong.
_SKEW: Final = 1.0
#: Seconds that something may be due before that is a finding.
_OVERDUE: Final = 60.0
#: Seconds that a network, or our own webhook, may take to answer.
_PATIENCE: Final = 20.0
_CLOCK: Final = WallClock()


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do if it is not well."""

    subject: str
    state: State
    detail: str
    advice: str | None = None


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Every finding, as it is made. What rests on something broken is not looked at."""
    if not exists(settings):
        said = f"There is no database in {settings.data_dir} yet."
        yield Finding("database", "note", said, "Start a gateway with `tyrian serve`: it makes one.")
        return
    async with _connected(settings) as found:
        if isinstance(found, Finding):
            yield found
            return
        url, connection = found
        async for finding in _examine(settings, url, connection):
            yield finding


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Finding | tuple[str, asyncpg.Connection]]:
    try:
        async with database_url(settings) as url:
            connection = await asyncpg.connect(url, timeout=10)
            try:
                yield url, connection
            finally:
                await connection.close()
    except EmbeddedPostgresError as error:
        yield Finding("database", "wrong", str(error))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        said = f"The database cannot be reached: {why}."
        yield Finding("database", "wrong", said, "See that it runs, that this machine may reach it, and database_url.")


async def _examine(settings: Settings, url: str, connection: asyncpg.Connection) -> AsyncIterator[Finding]:
    for finding in await _database(settings, connection):
        yield finding
    migrations = await _migrations(url)
    yield migrations
    if migrations.state != "ok":
        return
    yield await _partitions(connection)
    running = await asked.nodes(connection)
    yield _gateways(running)
    box, finding = await _secrets(settings, connection)
    yield finding
    db = await Database.open(url, work=2, reading=2)
    try:
        if box is not None:
            async for finding in _channels(settings, db, box, running):
                yield finding
        for finding in await _backlog(db, running):
            yield finding
    finally:
        await db.close()


# -- The database -----------------------------------------------------------------------------------------------------


async def _database(settings: Settings, connection: asyncpg.Connection) -> list[Finding]:
    about = await asked.about(connection)
    skew = await asked.skew(connection, _CLOCK.now())
    where = "your own" if settings.database_url else f"embedded, in {settings.data_dir}"
    return [
        _version(about, f"PostgreSQL {about.version} ({where}) answers in {span(skew.took)}."),
        _durability(about),
        _connections(settings, about),
        _clock(skew),
    ]


def _version(about: asked.About, words: str) -> Finding:
    if about.standby:
        return Finding("database", "wrong", f"{words} It is a standby, which takes no writes.", "Name the primary.")
    if about.number < asked.OLDEST_VERSION:
        return Finding("database", "wrong", f"{words} That is too old.", "Tyrian needs PostgreSQL 16 or newer.")
    return Finding("database", "ok", words)


def _durability(about: asked.About) -> Finding:
    off = [name for name in ("fsync", "synchronous_commit", "full_page_writes") if getattr(about, name) == "off"]
    if not off:
        return Finding("durability", "ok", "What is committed survives a crash and a power cut.")
    said = f"{' and '.join(off)} {'is' if len(off) == 1 else 'are'} off: accepted messages can be lost in a crash."
    return Finding("durability", "wrong", said, "Turn that on in postgresql.conf and reload the server.")


def _connections(settings: Settings, about: asked.About) -> Finding:
    each = settings.database_connections + settings.database_reading_connections + 1
    needed = each * settings.workers
    said = f"This node opens up to {needed} connections, and the server takes {about.connections}."
    if needed <= about.connections:
        return Finding("connections", "ok", said)
    advice = "Raise max_connections of the server, or lower workers or database_connections."
    return Finding("connections", "wrong", said, advice)


def _clock(skew: asked.Skew) -> Finding:
    off = abs(skew.seconds)
    words = f"The database's clock is {span(off)} {'ahead of' if skew.seconds > 0 else 'behind'} this machine's."
    if off <= _SKEW:
        return Finding("clock", "ok", "The clocks of this machine and the database agree.")
    return Finding("clock", "wrong", words, "Keep both by NTP: schedules and rates follow these clocks.")


async def _migrations(url: str) -> Finding:
    try:
        missing = await pending(url)
    except UnknownRevisionError as error:
        return Finding("migrations", "wrong", str(error))
    if missing:
        advice = "Run `tyrian migrate`, or start a gateway: it does so by itself."
        return Finding("migrations", "wrong", f"The schema lacks {', '.join(missing)}.", advice)
    return Finding("migrations", "ok", "The schema is that of this release.")


async def _partitions(connection: asyncpg.Connection) -> Finding:
    missing = await asked.missing_partitions(connection, _CLOCK.now().date())
    if not missing:
        return Finding("partitions", "ok", "Those of today and tomorrow are there.")
    said = f"Some are missing: {', '.join(missing)}."
    return Finding("partitions", "note", said, "A gateway that runs makes them; without them, retention is slower.")


def _gateways(running: int) -> Finding:
    if running:
        return Finding(
            "gateways", "ok", f"{running} {'process works' if running == 1 else 'processes work'} on it now."
        )
    return Finding("gateways", "note", "No gateway works on this database now.", "Start one with `tyrian serve`.")


# -- Secrets ----------------------------------------------------------------------------------------------------------


async def _secrets(settings: Settings, connection: asyncpg.Connection) -> tuple[SecretBox | None, Finding]:
    sealed = await asked.sealed(connection)
    file = settings.data_dir / KEY_FILE
    if settings.secret_key is None and not file.exists():
        if not sealed:
            # Nothing is stored that it would have to open: any key will do to look at the rest.
            return SecretBox(token_hex()), Finding("secret key", "note", f"None yet; a gateway makes it in {file}.")
        said = f"{file} is missing, and {len(sealed)} stored secrets are sealed with the key that was in it."
        return None, Finding("secret key", "wrong", said, "Bring the file back, or set secret_key.")
    try:
        box = SecretBox.from_settings(settings)
    except OSError as error:
        return None, Finding("secret key", "wrong", f"{file} cannot be read: {error.strerror}.")
    return box, _key(settings, box, sealed)


def _key(settings: Settings, box: SecretBox, sealed: list[tuple[str, bytes]]) -> Finding:
    closed = [f"{owner}: {why}" for owner, why in _closed(box, sealed)]
    if closed:
        more = f" (and {len(closed) - 3} more)" if len(closed) > 3 else ""
        advice = "Set secret_key, or add to old_secret_keys, the key that was in use when they were stored."
        return Finding("secret key", "wrong", f"It does not open {'; '.join(closed[:3])}{more}", advice)
    file = settings.data_dir / KEY_FILE
    if settings.secret_key is None and stat.S_IMODE(os.stat(file).st_mode) & 0o077:  # noqa: PTH116  its mode alone
        return Finding("secret key", "wrong", f"Others on this machine can read {file}.", f"chmod 600 {file}")
    said = f"It opens all {len(sealed)} stored secrets." if sealed else "It is there; no secret is stored yet."
    return Finding("secret key", "ok", said)


def _closed(box: SecretBox, sealed: list[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    for owner, value in sealed:
        try:
            box.open(value)
        except CannotOpen as error:
            yield owner, str(error)


# -- Channels ---------------------------------------------------------------------------------------------------------


async def _channels(settings: Settings, db: Database, box: SecretBox, running: int) -> AsyncIterator[Finding]:
    channels = Channels(db, _CLOCK, box, Tools(_CLOCK, NoSink(), settings.public_url))
    await channels.refresh()
    entries = sorted(channels.all(), key=lambda entry: (entry.channel.account_id, entry.channel.name))
    if not entries:
        advice = "Add one with `tyrian channels add`; `tyrian channels kinds` says what there is."
        yield Finding("channels", "note", "There is none yet.", advice)
    for work in [asyncio.create_task(_channel(settings, entry, running)) for entry in entries]:
        for finding in await work:
            yield finding


async def _channel(settings: Settings, entry: ChannelEntry, running: int) -> list[Finding]:
    subject = f"channel {entry.channel.name}"
    if entry.trouble is not None:
        return [Finding(subject, "wrong", entry.trouble)]
    has_hook = _has_hook(entry)
    found = [await _network(entry, subject)]
    if not entry.channel.active:
        advice = f"Let it go on with `tyrian channels resume {entry.channel.name}`."
        found.append(Finding(subject, "note", "It is paused: what is due on it waits.", advice))
    if has_hook:
        found.append(await _webhook(settings, entry, running))
    return found


async def _network(entry: ChannelEntry, subject: str) -> Finding:
    try:
        health = await asyncio.wait_for(ask(entry), _PATIENCE)
    except TimeoutError:
        return Finding(subject, "wrong", f"The network did not answer within {_PATIENCE:.0f} s.")
    if health.ok:
        return Finding(subject, "ok", health.detail)
    advice = f"See its settings with `tyrian channels show {entry.channel.name}`."
    return Finding(subject, "wrong", health.detail, advice)


def _has_hook(entry: ChannelEntry) -> bool:
    """Whether the channel's network calls back over HTTP: a connector whose network does not finds nothing there."""
    path = f"/hooks/{entry.channel.id}"
    connector = entry.connector
    return connector is not None and connector.hook(HookRequest("GET", path, {}, {}, b"")).status != 404


async def _webhook(settings: Settings, entry: ChannelEntry, running: int) -> Finding:
    subject = f"webhook {entry.channel.name}"
    url = f"{settings.public_url}/hooks/{entry.channel.id}"
    advice = "Set public_url to where networks reach this gateway, and see that the way there is open."
    if not running:
        return Finding(subject, "note", f"{url} was not tried: no gateway runs.")
    status = await _status(url)
    if isinstance(status, str):
        return Finding(subject, "wrong", f"{url} cannot be reached even from here: {status}.", advice)
    if status == 404 or status >= 500:
        return Finding(subject, "wrong", f"{url} leads elsewhere: it answers {status}.", advice)
    if _is_private(settings.public_url) and not _is_local(entry):
        return Finding(subject, "wrong", f"{url} can be reached from this machine alone; the network cannot.", advice)
    return Finding(subject, "ok", f"{url} leads to a gateway, as seen from here.")


async def _status(url: str) -> int | str:
    """The HTTP status at a URL, or why there is none."""
    builder = ClientBuilder().follow_redirects(False).timeout(timedelta(seconds=_PATIENCE))
    async with builder.build() as client:
        try:
            return (await client.get(url).build().send()).status
        except (PyreqwestError, OSError, ValueError) as error:
            return innermost(error)


def _is_private(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host


def _is_local(entry: ChannelEntry) -> bool:
    """Whether the channel's network is on this machine, as the demo's is."""
    config = entry.channel.config
    base = config.get("base_url")
    return isinstance(base, str) and _is_private(base)


# -- What waits -------------------------------------------------------------------------------------------------------


async def _backlog(db: Database, running: int) -> list[Finding]:
    found = await waiting(db, _CLOCK.now())
    late = [c for c in found["channels"] if c["oldest_due_seconds"] > _OVERDUE]
    findings = [
        Finding(
            "backlog",
            "wrong",
            f"{_messages(c['due'])} due on {c['name']}, the oldest for {span(c['oldest_due_seconds'])}.",
            "See the channel above and its rate." if running else "Start a gateway with `tyrian serve`.",
        )
        for c in late
    ]
    if not late:
        findings.append(Finding("backlog", "ok", "Nothing is overdue."))
    return [*findings, _callbacks(found)]


def _messages(count: int) -> str:
    return "1 message is" if count == 1 else f"{count:,} messages are"


def _callbacks(found: dict[str, int]) -> Finding:
    parked, failing = found["callbacks_parked"], found["callbacks_retry"]
    if parked:
        advice = "See why with `tyrian callbacks list`, then `tyrian callbacks redeliver --all`."
        return Finding("callbacks", "wrong", f"{parked:,} were given up and are parked.", advice)
    if failing:
        said = f"{failing:,} were refused at least once and are tried again."
        return Finding("callbacks", "note", said, "See why with `tyrian callbacks list`.")
    return Finding("callbacks", "ok", "None has failed.")
