"""Files that people send, fetched and kept here, since a network's own links end soon (a Viber bot's after an hour).

Fetching takes as long as somebody else's server pleases. So it is nobody's turn: flows and agents get the message at
once, with the network's link, and a row of its own brings the file. The customer's callback alone waits for it a short
while, so that it can name the link that lasts; with the network's link it goes out when that while is over.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from tyrian.domain.content import Audio, Base, Content, File, Image, Video
from tyrian.domain.media import Stored
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.channels import Channels
from tyrian.engine.node import Node
from tyrian.engine.ports import Channel, Clock
from tyrian.engine.reacting import News, Said
from tyrian.engine.report import decode as decode_report, encode as encode_report
from tyrian.store import rehosting as store
from tyrian.store.database import LOST, Connection, Database

log = logging.getLogger(__name__)

#: The member of a channel's `config` that says whether files are kept here.
SETTING: Final = "rehost_media"
#: How long a callback waits for its file.
PATIENCE: Final = timedelta(seconds=5)
#: Seconds after which a file is fetched again, by how often it could not be; after the last it is given up.
AGAIN: Final = (5.0, 30.0, 300.0)
#: Times that a file is taken up, whatever becomes of it: one that ends the process that looks at it is left alone then.
_MOST_TRIES: Final = 8
#: Problems that another try may not have.
_PASSING: Final = ("unfetchable", "too_slow")
#: How much longer than fetching may take a file is held. Fetched twice, it is kept once.
_MARGIN: Final = timedelta(minutes=5)
#: Files fetched at once; and of one account, before it must wait for others (a claim may go beyond that).
_AT_ONCE: Final = 24
_EACH: Final = 6
#: Files claimed at once.
_BATCH: Final = 4
#: Seconds between two looks for files that nobody has in hand.
_IDLE: Final = 2.0
#: Characters of what is said of a file that could not be kept.
_MOST_WORDS: Final = 500

_decode_content: Final = msgspec.json.Decoder(Content).decode


class _Media(Protocol):
    async def fetch(self, account_id: int, url: str, name: str | None = None) -> Stored: ...


class _Settings(Protocol):
    @property
    def media_fetch_seconds(self) -> int: ...


class _Gateway(Protocol):
    """What fetching files needs of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def node(self) -> Node: ...
    @property
    def settings(self) -> _Settings: ...
    @property
    def media(self) -> _Media | None: ...

    def wake_callbacks(self) -> None:
        """Says that callbacks are due."""
        ...


class Rehosting:
    """A stage that notes the files people send, and the loop that fetches them."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self._wanted: dict[int, tuple[object, bool]] = {}
        self._due = asyncio.Event()
        #: What is being fetched, and for which account.
        self._tasks: dict[asyncio.Task[None], int] = {}
        gateway.node.listen(store.CHANNEL, lambda payload: self._due.set())

    # -- Noting ---------------------------------------------------------------------------------------------------

    def wants(self, channel: Channel) -> bool:
        """Whether files of this channel are to be kept here."""
        known = self._wanted.get(channel.id)
        if known is None or known[0] is not channel.config:
            known = (channel.config, self._asked(channel))
            self._wanted[channel.id] = known
        return known[1] and self._gateway.media is not None

    def _asked(self, channel: Channel) -> bool:
        entry = self._gateway.channels.by_id(channel.id)
        if entry is None:
            return False
        try:
            return bool(getattr(msgspec.convert(channel.config, entry.kind.config), SETTING, False))
        except msgspec.ValidationError:
            return False

    async def read(self, batch: Sequence[Said]) -> None:
        """Lets the callback of a message with a file wait for it."""
        for one in batch:
            if url_of(one.message.content) is not None:
                one.row.tell_at = one.row.received_at + PATIENCE

    def keeps(self, said: Said) -> bool:
        """Whether a message has a file."""
        return url_of(said.message.content) is not None

    async def store(self, connection: Connection, batch: Sequence[Said]) -> None:
        """Notes the files to fetch."""
        files = sorted((one.row.id, one.row.account_id) for one in batch)
        await store.make(connection, files, self._gateway.node.number, batch[0].row.received_at)

    async def subscribed(self, connection: Connection, news: Sequence[News]) -> None:
        """Nothing follows from that."""

    # -- Fetching -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Fetches what is due, until cancelled."""
        try:
            while True:
                try:
                    await self.take_up()
                except LOST as error:
                    log.warning("files of people wait for the database: %s", error)
                except Exception:
                    log.exception("files of people could not be taken up")
                await self._pause()
        finally:
            left = list(self._tasks)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _pause(self) -> None:
        sleeper = asyncio.ensure_future(self._gateway.clock.sleep(_IDLE))
        waker = asyncio.ensure_future(self._due.wait())
        try:
            await asyncio.wait((sleeper, waker), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            waker.cancel()
        self._due.clear()

    async def take_up(self) -> int:
        """Begins to fetch as many files as there is room for; returns how many."""
        begun = 0
        while (room := min(_AT_ONCE - len(self._tasks), _BATCH)) > 0 and self._gateway.media is not None:
            counts = Counter(self._tasks.values())
            busy = [account for account, count in counts.items() if count >= _EACH]
            now = self._gateway.clock.now()
            until = now + timedelta(seconds=self._gateway.settings.media_fetch_seconds) + _MARGIN
            rows = await store.claim(self._gateway.db, now, self._gateway.node.number, until, room, busy)
            for row in rows:
                work = self._bring(row["inbound_id"], row["account_id"], row["tries"], row["content"])
                task = asyncio.create_task(work)
                self._tasks[task] = row["account_id"]
                task.add_done_callback(self._brought)
            begun += len(rows)
            if len(rows) < room:
                break
        return begun

    def _brought(self, task: "asyncio.Task[None]") -> None:
        del self._tasks[task]
        self._due.set()

    async def drain(self, seconds: float) -> None:
        """Waits for the files that are arriving; what has not come by then is fetched by another node."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def _bring(self, inbound_id: UUID, account_id: int, tries: int, content: bytes) -> None:
        try:
            if tries > _MOST_TRIES:
                words = f"could not be kept in {_MOST_TRIES} tries"
                await self._settle(inbound_id, None, Problem("/url", words, "unfetchable"))
                return
            stored, problem = await self._fetched(account_id, _decode_content(content))
            if problem is not None and problem.code in _PASSING and tries <= len(AGAIN):
                await self._put_off(inbound_id, tries)
                return
            if problem is not None:
                log.info("the file of message %s is not kept: %s", inbound_id, problem.message)
            await self._settle(inbound_id, stored, problem)
        except Exception as error:
            log.warning("the file of message %s waits: %r", inbound_id, error, exc_info=not isinstance(error, LOST))
            with contextlib.suppress(*LOST):
                await self._put_off(inbound_id, min(tries, len(AGAIN)))

    async def _fetched(self, account_id: int, content: Base) -> tuple[Stored | None, Problem | None]:
        url, media = url_of(content), self._gateway.media
        if url is None or media is None:
            return None, Problem("/url", "is no longer there to fetch")
        try:
            return await media.fetch(account_id, url, getattr(content, "name", None)), None
        except Refused as refused:
            return None, refused.problems[0]

    async def _put_off(self, inbound_id: UUID, tries: int) -> None:
        due = self._gateway.clock.now() + timedelta(seconds=AGAIN[tries - 1])
        await store.put_off(self._gateway.db, inbound_id, due)

    async def _settle(self, inbound_id: UUID, stored: Stored | None, problem: Problem | None) -> None:
        words = None if problem is None else f"{problem.code}: {problem.message}"[:_MOST_WORDS].replace("\0", "")
        async with self._gateway.db.transaction() as connection:
            reports = await store.waiting(connection, inbound_id)
            if stored is not None:
                reports = [(number, hosted_report(report, stored)) for number, report in reports]
            media_id = stored.id if stored is not None else None
            await store.settle(connection, inbound_id, media_id, words, reports, self._gateway.clock.now())
        if reports:
            self._gateway.wake_callbacks()


def url_of(content: Base) -> str | None:
    """Where the file of a message is; None for a message without one."""
    return content.url if isinstance(content, Image | Video | File | Audio) else None


def hosted_report(report: bytes, stored: Stored) -> bytes:
    """The report of a message with the link that lasts in the place of the network's."""
    told = decode_report(report)
    content: Any = told.content
    media = {"id": stored.id, "original_url": content["url"], "content_type": stored.facts.content_type}
    told.content = {**content, "url": stored.url}
    told.extra = {**(told.extra or {}), "media": media}
    return encode_report(told)
