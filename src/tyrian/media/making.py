"""Pictures made anew, each once for each recipe; and whether a channel takes a file, with what is sent in its place."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

import msgspec
from msgspec import Struct

from tyrian.domain.media import Facts, MediaRule, Recipe, Stored, Suited, TooLarge, recipe_for
from tyrian.domain.problem import Refused
from tyrian.engine.ports import Clock
from tyrian.media.kinds import IMAGE, KINDS, Unacceptable
from tyrian.media.probing import UNFETCHABLE, Prober, faults
from tyrian.media.sources import Held, Kept, Source
from tyrian.media.turns import Turns
from tyrian.media.workshop import Workshop
from tyrian.store import media as store
from tyrian.store.database import Database

#: Reasons of `domain.reasons`.
UNREACHABLE: Final = "media_unreachable"
UNFIT: Final = "media_unfit"

Take = Callable[[int, str, AsyncIterator[bytes], int | None, str | None], Awaitable[Stored]]


class Picture(Struct, frozen=True):
    """A picture that may have to be made anew, and for whom."""

    account_id: int
    name: str
    facts: Facts
    sha256: bytes
    source: Source

    @classmethod
    def kept(cls, db: Database, row: store.Row, account_id: int | None = None) -> "Picture":
        """One that is hosted; made anew for its own account, or for another that has its link."""
        account = row.account_id if account_id is None else account_id
        return cls(account, row.name, row.facts, row.sha256, Kept(db, row.id, row.size))


class Making:
    """Makes pictures anew, and keeps them."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        workshop: Workshop,
        turns: Turns,
        lasts: timedelta,
        take: Take,
        stored: Callable[[store.Row], Stored],
    ) -> None:
        """`turns` are of those who have files in memory; `take` keeps a file, for as long as `lasts`."""
        self._db = db
        self._clock = clock
        self._workshop = workshop
        self._turns = turns
        self._lasts = lasts
        self._take = take
        self._stored = stored
        # Kept by those who hold or wait for them.
        self._locks: WeakValueDictionary[tuple[int, bytes, str], asyncio.Lock] = WeakValueDictionary()

    async def made(self, picture: Picture, recipe: Recipe) -> Stored:
        """The picture by a recipe. Raises `Unacceptable`, `Refused`, `TooLarge`, or `LookupError` if it went away."""
        spelt = msgspec.json.encode(recipe).decode()
        key = (picture.account_id, picture.sha256, spelt)
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        async with lock:
            now = self._clock.now()
            known = await store.variant(self._db, *key, now, self._until(now))
            if known is not None:
                return self._stored(known)
            async with self._turns.of(picture.account_id):
                data = await picture.source.read(0, picture.source.size)
                _, made = await self._workshop.make(picture.facts.content_type, data, recipe)
            stored = await self._take(picture.account_id, picture.name, _once(made), len(made), None)
            await store.remember(self._db, *key, stored.id)
            return stored

    def _until(self, now: datetime) -> datetime:
        return now + self._lasts

    # -- For a channel --------------------------------------------------------------------------------------------

    async def suited_own(
        self, account_id: int, url: str, row: store.Row, rule: MediaRule, kind: str, *, fit: bool
    ) -> Suited:
        """What a hosted file is to a channel. Where the gateway itself is reached is no fault of the file."""
        wrong = faults(row.facts, rule, kind)
        if not wrong:
            return Suited(url=url, before=row.facts)
        if not fit or not _may_be_made(row.facts, rule, kind):
            return _unfit(url, row.facts, wrong)
        return await self._fitted(url, Picture.kept(self._db, row, account_id), rule, kind)

    async def suited(
        self, account_id: int, url: str, rule: MediaRule, kind: str, prober: Prober, *, fit: bool
    ) -> Suited:
        """What a file elsewhere is to a channel. A picture that is only badly served is hosted as it is."""
        found, problems = await prober.judge(url, rule, kind, keep=fit)
        facts, words = found.facts, [problem.message for problem in problems]
        if any(problem.code == UNFETCHABLE for problem in problems):
            return Suited(url=url, before=facts, reason=UNREACHABLE, problem=_said(url, words))
        if not problems:
            return Suited(url=url, before=facts)
        if facts is None or found.data is None or not _may_be_made(facts, rule, kind):
            return _unfit(url, facts, words)
        digest = hashlib.sha256(found.data).digest()
        picture = Picture(account_id, found.name, facts, digest, Held(found.data))
        return await self._fitted(url, picture, rule, kind)

    async def _fitted(self, url: str, picture: Picture, rule: MediaRule, kind: str) -> Suited:
        try:
            if faults(picture.facts, rule, kind):
                made = await self.made(picture, recipe_for(rule))
            else:
                data = await picture.source.read(0, picture.source.size)
                made = await self._take(picture.account_id, picture.name, _once(data), len(data), None)
        except (Unacceptable, TooLarge) as error:
            return _unfit(url, picture.facts, [str(error)])
        except Refused as refused:
            return _unfit(url, picture.facts, [problem.message for problem in refused.problems])
        except LookupError:
            return Suited(url=url, reason=UNREACHABLE, problem=_said(url, ["was removed meanwhile"]))
        left = faults(made.facts, rule, kind)
        if left:
            return _unfit(url, picture.facts, [f"made anew, it {fault}" for fault in left])
        return Suited(url=made.url, before=picture.facts, after=made.facts)


def fits(facts: Facts, recipe: Recipe) -> bool:
    """Whether a picture is within a recipe's bounds as it is."""
    pairs = (
        (facts.width, recipe.max_width),
        (facts.height, recipe.max_height),
        (facts.size, recipe.max_bytes),
    )
    within = all(most is None or given is None or given <= most for given, most in pairs)
    return within and facts.content_type in recipe.types


def _may_be_made(facts: Facts, rule: MediaRule, kind: str) -> bool:
    """Whether it is a picture that stands where the network shows one: what is sent as a file stays as it is."""
    return KINDS[facts.content_type].family == IMAGE and (kind == "image" or rule.field != "url")


def _unfit(url: str, facts: Facts | None, words: Sequence[str]) -> Suited:
    return Suited(url=url, before=facts, reason=UNFIT, problem=_said(url, words))


def _said(url: str, words: Sequence[str]) -> str:
    return f"{url} {'; '.join(words)}"


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
