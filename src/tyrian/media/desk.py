"""All that can be done with files, behind one port: keep, fetch, read, remove, probe, make to fit.

A file is written while it arrives and appears once it was looked at: whatever dies in between leaves nothing that
anybody sees, and upkeep clears it. Bytes that an account has already are kept once.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

from tyrian.domain.ids import Ids
from tyrian.domain.limits import Capabilities, media_rule
from tyrian.domain.media import MediaRule, Probed, Recipe, Stored, Suited, TooLarge, broken, recipe_for
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.egress import Guard
from tyrian.engine.ports import Clock
from tyrian.media import kinds
from tyrian.media.download import Downloads, Unfetchable
from tyrian.media.examining import examine
from tyrian.media.kinds import IMAGE, KINDS, Unacceptable
from tyrian.media.links import Links
from tyrian.media.making import Making, Picture, fits
from tyrian.media.probing import Prober
from tyrian.media.sources import Kept, in_pieces
from tyrian.media.turns import Turns
from tyrian.media.workshop import Workshop
from tyrian.settings import Settings
from tyrian.store import media as store
from tyrian.store.database import Database

#: Seconds that an upload may take in all; one that began twice as long ago and is not whole never will be.
UPLOAD_SECONDS: Final = 3600.0
#: Seconds that may pass without a byte of an upload.
IDLE_SECONDS: Final = 30.0
#: Files looked at, or made, at once: of an account, and in all. Each may be in memory whole.
_EXAMINED: Final = (1, 2)
#: URLs probed at once: of an account, and in all. Each may take as long as its server pleases, within the bound.
_PROBED: Final = (2, 12)
#: Files of messages looked at at once, before those are sent: of an account, and in all.
_SUITED: Final = (3, 12)
#: Files removed in one statement: each takes its pieces along, hundreds of them.
_CLEARED: Final = 50
_LAST: Final = UUID(int=2**128 - 1)


class Desk:
    """Implements `media_port.Media`."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        clock: Clock,
        ids: Ids,
        links: Links,
        *,
        downloads: Downloads | None = None,
        workshop: Workshop | None = None,
    ) -> None:
        self._db = db
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._links = links
        self._downloads = downloads
        self._workshop = workshop or Workshop()
        self._examining = Turns(*_EXAMINED)
        self._probing = Turns(*_PROBED)
        self._suiting = Turns(*_SUITED)
        lasts = timedelta(days=settings.media_retention_days)
        self._making = Making(db, clock, self._workshop, self._examining, lasts, self._take, self._stored)

    # -- Taking in ------------------------------------------------------------------------------------------------

    async def upload(
        self,
        account_id: int,
        name: str,
        chunks: AsyncIterator[bytes],
        *,
        announced: int | None = None,
        declared: str | None = None,
    ) -> Stored:
        """Keeps a file. Raises `Refused` or `TooLarge`."""
        try:
            return await self._take(account_id, name, _patient(chunks), announced, declared)
        except Unacceptable as error:
            raise Refused([Problem("", str(error), "unacceptable")]) from None

    async def fetch(self, account_id: int, url: str, name: str | None = None) -> Stored:
        """Keeps what is behind a URL. Raises `Refused`."""
        try:
            async with self._fetching().get(url) as answer:
                if answer.status != 200:
                    raise Unfetchable(f"its server answers {answer.status}")
                called = name or unquote(urlsplit(answer.url).path.rpartition("/")[2])
                return await self._take(
                    account_id, called, answer.chunks(), answer.length, answer.headers.get("content-type")
                )
        except (Unfetchable, Unacceptable) as error:
            raise Refused([Problem("/url", str(error), _code(error))]) from None
        except TooLarge as error:
            raise Refused([Problem("/url", str(error), "too_large")]) from None

    async def _take(
        self, account_id: int, name: str, chunks: AsyncIterator[bytes], announced: int | None, declared: str | None
    ) -> Stored:
        most = self._settings.media_max_bytes
        if announced is not None and announced > most:
            raise TooLarge(most)
        media_id, until = await self._let_in(account_id, name, most if announced is None else announced)
        limit = asyncio.timeout(UPLOAD_SECONDS)
        try:
            async with limit:
                row = await self._arrive(account_id, media_id, name, chunks, until, declared)
        except TimeoutError:
            await self._abandon(media_id)
            if not limit.expired():
                raise
            raise Refused([Problem("", "did not arrive in time", "too_slow")]) from None
        except LookupError:
            raise Refused([Problem("", "was cleared away before it had arrived", "too_slow")]) from None
        except BaseException:
            await self._abandon(media_id)
            raise
        return self._stored(row, fresh=row.id == media_id)

    async def _let_in(self, account_id: int, name: str, size: int) -> tuple[UUID, datetime]:
        now, quota = self._clock.now(), self._settings.media_quota_bytes
        media_id, until = self._ids.new(now), now + timedelta(days=self._settings.media_retention_days)
        used = await store.begin(
            self._db, media_id, account_id, name[: kinds.MAX_NAME], now, until, size=size, quota=quota
        )
        if used is not None:
            words = f"does not fit: the account has {used} of {quota} bytes, and this may take {size}"
            raise Refused([Problem("", words, "quota")])
        return media_id, until

    async def _arrive(
        self,
        account_id: int,
        media_id: UUID,
        name: str,
        chunks: AsyncIterator[bytes],
        until: datetime,
        declared: str | None,
    ) -> store.Row:
        size, sha256 = await self._written(media_id, chunks)
        async with self._examining.of(account_id):
            kind, facts = await examine(Kept(self._db, media_id, size), name, self._workshop)
        if not kinds.agrees(declared, kind):
            raise Unacceptable(f"is {kind.content_type}, and was declared as {(declared or '')[:80]}")
        now = self._clock.now()
        given = {f: getattr(facts, f) for f in ("content_type", "size", "width", "height", "duration", "animated")}
        arrived = store.Row(
            id=media_id, account_id=account_id, name=kinds.named(name, kind), sha256=sha256,
            created_at=now, keep_until=until, **given,
        )  # fmt: skip
        return await store.finish(self._db, arrived, now)

    async def _written(self, media_id: UUID, chunks: AsyncIterator[bytes]) -> tuple[int, bytes]:
        """Writes the pieces of a file; gives its length and hash."""
        digest, size, number, most = hashlib.sha256(), 0, 0, self._settings.media_max_bytes

        def count(chunk: bytes) -> None:
            nonlocal size
            size += len(chunk)
            if size > most:
                raise TooLarge(most)
            digest.update(chunk)

        async for piece in in_pieces(chunks, store.CHUNK, count):
            await store.put(self._db, media_id, number, piece)
            number += 1
        return size, digest.digest()

    async def _abandon(self, media_id: UUID) -> None:
        """Removes what did not become whole, even while this is being cancelled. What is left, upkeep clears."""
        with contextlib.suppress(Exception):
            await asyncio.shield(store.abandon(self._db, media_id))

    # -- What is kept ---------------------------------------------------------------------------------------------

    async def get(self, account_id: int, media_id: UUID, *, seconds: int | None = None) -> Stored | None:
        """A file of the account, with a link that lasts `seconds`, or as long as the file."""
        row = await self._own(account_id, media_id)
        return self._stored(row, seconds=seconds) if row is not None else None

    async def _own(self, account_id: int, media_id: UUID) -> store.Row | None:
        row = await store.get(self._db, media_id, self._clock.now())
        return row if row is not None and row.account_id == account_id else None

    async def list(self, account_id: int, before: UUID | None, limit: int) -> Sequence[Stored]:
        """The account's files, newest first, from below an id."""
        rows = await store.listed(self._db, account_id, before or _LAST, self._clock.now(), limit)
        return [self._stored(row) for row in rows]

    async def used(self, account_id: int) -> int:
        """The bytes that count against the account's quota."""
        return await store.used(self._db, account_id)

    async def delete(self, account_id: int, media_id: UUID) -> bool:
        """Removes a file; its links answer 404 from then on. False if there is none."""
        return await store.delete(self._db, account_id, media_id)

    def _stored(self, row: store.Row, *, fresh: bool = False, seconds: int | None = None) -> Stored:
        ends = row.keep_until
        if seconds is not None:
            ends = min(ends, self._clock.now() + timedelta(seconds=seconds))
        return Stored(
            id=row.id,
            account_id=row.account_id,
            name=row.name,
            sha256=row.sha256,
            facts=row.facts,
            created_at=row.created_at,
            keep_until=row.keep_until,
            url=self._links.url(row.id, row.name, ends),
            url_expires_at=ends.replace(microsecond=0),
            fresh=fresh,
        )

    # -- Probing --------------------------------------------------------------------------------------------------

    async def probe(
        self, account_id: int, url: str, can: Capabilities | None = None, kind: str = "image", field: str = "url"
    ) -> tuple[Probed, Sequence[Problem]]:
        """What is behind a URL, and what keeps a channel from taking it."""
        row = await self._behind(url)
        if row is not None:
            return self._prober().judge_own(url, row.facts, can, kind, field)
        async with self._probing.of(account_id):
            return await self._prober().probe(url, can, kind, field)

    def _prober(self) -> Prober:
        return Prober(self._fetching(), self._workshop)

    async def _behind(self, url: str) -> store.Row | None:
        """The file of this gateway that a URL serves now."""
        link = self._links.own(url)
        if link is None or link.expires_at <= self._clock.now():
            return None
        return await store.get(self._db, link.media_id, self._clock.now())

    # -- Making to fit --------------------------------------------------------------------------------------------

    async def optimise(self, account_id: int, media_id: UUID, recipe: Recipe) -> Stored | None:
        """The picture made to fit, once for each recipe; itself, if it fits as it is. Raises `Refused`."""
        row = await self._own(account_id, media_id)
        if row is None:
            return None
        if KINDS[row.content_type].family != IMAGE:
            raise Refused([Problem("", f"is {row.content_type}; only pictures can be made anew", "unacceptable")])
        if fits(row.facts, recipe):
            return self._stored(row)
        try:
            return await self._making.made(Picture.kept(self._db, row), recipe)
        except Unacceptable as error:
            raise Refused([Problem("", str(error), "unacceptable")]) from None

    async def fitted(self, stored: Stored, can: Capabilities, kind: str, field: str) -> Stored:
        """The file itself or, where it breaks the channel's rule, the picture made to fit it. Raises `Refused`."""
        rule = media_rule(can, kind, field)
        if rule is None:
            raise Refused([Problem("", f'"{kind}" cannot be sent on this channel', "unacceptable")])
        faults = list(broken(stored.facts, rule))
        if not faults:
            return stored
        if KINDS[stored.facts.content_type].family != IMAGE:
            raise Refused([Problem("", fault, "unacceptable") for fault in faults])
        made = await self.optimise(stored.account_id, stored.id, recipe_for(rule))
        assert made is not None
        left = list(broken(made.facts, rule))
        if left:
            raise Refused([Problem("", fault, "unacceptable") for fault in left])
        return made

    async def suited(self, account_id: int, url: str, rule: MediaRule, kind: str, *, fit: bool) -> Suited:
        """What the file behind a URL is to a channel; with `fit`, a picture that it does not take is made to fit."""
        async with self._suiting.of(account_id):
            row = await self._behind(url)
            if row is not None:
                return await self._making.suited_own(account_id, url, row, rule, kind, fit=fit)
            return await self._making.suited(account_id, url, rule, kind, self._prober(), fit=fit)

    # -- Life -----------------------------------------------------------------------------------------------------

    async def forget(self) -> None:
        """Clears what is past its time, and what never became whole."""
        now = self._clock.now()
        began = now - timedelta(seconds=2 * UPLOAD_SECONDS)
        while await store.forget(self._db, now, began, _CLEARED) >= _CLEARED:
            pass

    async def close(self) -> None:
        """Ends the process that opens pictures, and the threads that resolve names."""
        await self._workshop.close()
        if self._downloads is not None:
            self._downloads.close()

    def _fetching(self) -> Downloads:
        if self._downloads is None:
            guard = Guard(self._settings.allow_private_callbacks)
            self._downloads = Downloads(guard, seconds=self._settings.media_fetch_seconds)
        return self._downloads


def _code(error: Exception) -> str:
    return "unacceptable" if isinstance(error, Unacceptable) else "unfetchable"


async def _patient(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks, none of them waited for too long."""
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise Refused([Problem("", "stopped arriving", "too_slow")]) from None
        if chunk is None:
            return
        yield chunk
