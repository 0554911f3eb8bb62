"""The files of messages, looked at and made to fit before the messages are sent, where channel or message asks for it.

A file is seen to once for all messages that name it, and behind everybody's back: nobody's lane waits for somebody
else's server. A message whose file is not ready is put off, and keeps its place in the line to its person; it falls due
when the file is ready, and by itself after a while, whatever dies meanwhile. What was found is remembered for a time,
so that a bulk asks once. What is made is kept under its hash (`media`), so that nodes need not agree on who makes it.
"""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from tyrian.domain.content import Base as Content
from tyrian.domain.files import NamedFile, files_of, with_files
from tyrian.domain.lifecycle import Event
from tyrian.domain.limits import Capabilities
from tyrian.domain.media import Facts as FileFacts, MediaPolicy, MediaRule, Suited
from tyrian.domain.submission import Plan
from tyrian.engine.known import Facts
from tyrian.engine.ports import Channel, Clock
from tyrian.engine.reacting import Verdict
from tyrian.store import waiting as store
from tyrian.store.database import LOST, Database
from tyrian.store.waiting import Waiting

log = logging.getLogger(__name__)

#: How long a message waits, at most, before it asks again.
PATIENCE: Final = timedelta(seconds=60)
#: Seconds after which a file that could not be fetched is fetched again; after the last it is given up.
AGAIN: Final = (3.0, 10.0)
#: How long a finding holds: of a file that may go out, and of one that may not.
GOOD_FOR: Final = timedelta(minutes=10)
BAD_FOR: Final = timedelta(minutes=1)
#: Findings that are remembered; beyond that the oldest are forgotten.
_MOST: Final = 10_000
#: Files that are seen to, or wait for it, at once: in all, and of an account, so that nobody's slow ones keep others
#: from asking. Messages with further ones wait a little before they ask.
_MOST_OPEN: Final = 2_000
_MOST_OF_ONE: Final = 400
#: Messages that are remembered to wait for files; further ones ask again after `PATIENCE`, by themselves.
_MOST_WAITING: Final = 100_000
_CROWDED: Final = timedelta(seconds=5)
#: Looks for messages that were about to be put off, and seconds between two.
_LOOKS: Final = 40
_LOOK_AGAIN: Final = 0.05

_Key = tuple[int, str, MediaRule, str, bool]


class _Media(Protocol):
    async def suited(self, account_id: int, url: str, rule: MediaRule, kind: str, *, fit: bool) -> Suited: ...


class _Gateway(Protocol):
    """What seeing to files needs of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def media(self) -> _Media | None: ...


@dataclass(slots=True)
class Cleared:
    """A content whose files the channel takes, and what the history tells of those that were replaced."""

    content: Content
    event: Event | None = None


@dataclass(slots=True)
class _Case:
    """One file, for one rule."""

    finding: Suited | None = None
    holds_until: datetime | None = None
    #: By message.
    waiting: dict[UUID, Waiting] = field(default_factory=dict)


class Fitting:
    """Sees to files. `see` is synchronous and answers from memory."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self._cases: OrderedDict[_Key, _Case] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        #: How many files of each account are being seen to, and how many messages wait for any.
        self._open: Counter[int] = Counter()
        self._waiting = 0
        #: Called with the channels whose sends have become due.
        self.on_due: Callable[[set[int]], None] = lambda channels: None

    def wants(self, channel: Channel, plan: Plan) -> bool:
        """Whether the files of a message are to be seen to."""
        return (plan.media or channel.media) is not MediaPolicy.AS_IS and self._gateway.media is not None

    def see(
        self, channel: Channel, can: Capabilities, facts: Facts, plan: Plan, content: Content, ends: datetime
    ) -> Cleared | Verdict:
        """The content as it may go out, or why it does not, or not yet; `ends` is when it would be too late."""
        fit = (plan.media or channel.media) is MediaPolicy.FIT
        now = self._gateway.clock.now()
        found = [(file, self._case((facts.account_id, file.url, file.rule, file.kind, fit), now))
                 for file in files_of(content, can)]  # fmt: skip
        for _, case in found:
            if case is not None and case.finding is not None and case.finding.reason is not None:
                return Verdict(case.finding.reason, case.finding.problem)
        if all(case is not None and case.finding is not None for _, case in found):
            return _cleared(content, [(file, case.finding) for file, case in found if case and case.finding])
        open_cases = [case for _, case in found if case is not None and case.finding is None]
        until = min(now + (PATIENCE if open_cases else _CROWDED), max(ends, now))
        for case in open_cases:
            self._await(case, Waiting(facts.message_id, facts.attempt_id, until))
        return Verdict("media_not_ready", "its files are being looked at", until, holds=True)

    def _await(self, case: _Case, one: Waiting) -> None:
        """Notes who is to be made due; of a message that asks again, only the last time counts."""
        if one.message_id not in case.waiting:
            if self._waiting >= _MOST_WAITING:
                return
            self._waiting += 1
        case.waiting[one.message_id] = one

    def _case(self, key: _Key, now: datetime) -> _Case | None:
        """What is known of a file, which is begun to be seen to if nothing is; None where too many are."""
        case = self._cases.get(key)
        if case is not None and (case.holds_until is None or case.holds_until > now):
            return case
        if len(self._tasks) >= _MOST_OPEN or self._open[key[0]] >= _MOST_OF_ONE:
            return None
        case = self._cases[key] = _Case()
        self._cases.move_to_end(key)
        self._open[key[0]] += 1
        task = asyncio.create_task(self._see_to(key, case), name="a message's file")
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._seen_to(task, key[0], case))
        self._forget()
        return case

    def _seen_to(self, task: asyncio.Task[None], account_id: int, case: _Case) -> None:
        self._tasks.discard(task)
        self._waiting -= len(case.waiting)
        case.waiting.clear()
        self._open[account_id] -= 1
        if not self._open[account_id]:
            del self._open[account_id]

    def _forget(self) -> None:
        """Drops the oldest findings. Files that are being seen to are fewer, and stay."""
        while len(self._cases) > _MOST:
            key, case = self._cases.popitem(last=False)
            if case.finding is None:
                self._cases[key] = case

    # -- Behind everybody's back ----------------------------------------------------------------------------------

    async def _see_to(self, key: _Key, case: _Case) -> None:
        try:
            case.finding = await self._found(*key)
            good = case.finding.reason is None
            case.holds_until = self._gateway.clock.now() + (GOOD_FOR if good else BAD_FOR)
            await self._release(case)
        except LOST as error:
            log.warning("a message's file waits for the database: %s", error)
        except Exception:
            # Without its URL, which may be signed.
            log.exception("a file of account %d could not be seen to", key[0])
        finally:
            if case.finding is None and self._cases.get(key) is case:
                # Whoever waits for it falls due by itself, and asks anew.
                del self._cases[key]

    async def _found(self, account_id: int, url: str, rule: MediaRule, kind: str, fit: bool) -> Suited:
        media = self._gateway.media
        assert media is not None
        for wait in AGAIN:
            finding = await media.suited(account_id, url, rule, kind, fit=fit)
            if finding.reason != "media_unreachable":
                return finding
            await self._gateway.clock.sleep(wait)
        return await media.suited(account_id, url, rule, kind, fit=fit)

    async def _release(self, case: _Case) -> None:
        """Makes due what waits. What is about to be put off is looked for again."""
        left = list(case.waiting.values())
        for _ in range(_LOOKS):
            if not left:
                return
            channels, left = await store.release(self._gateway.db, left, self._gateway.clock.now())
            if channels:
                self.on_due(channels)
            if left:
                await asyncio.sleep(_LOOK_AGAIN)

    async def close(self) -> None:
        """Leaves what is under way: whoever waits for it falls due by itself."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _cleared(content: Content, found: list[tuple[NamedFile, Suited]]) -> Cleared:
    replaced = [(file, suited) for file, suited in found if suited.url != file.url]
    if not replaced:
        return Cleared(content)
    files = [
        {"at": file.at, "from": _told(file.url, suited.before), "to": _told(suited.url, suited.after)}
        for file, suited in replaced
    ]
    return Cleared(
        with_files(content, {file.at: suited.url for file, suited in replaced}), Event("fitted", None, {"files": files})
    )


def _told(url: str, facts: FileFacts | None) -> dict[str, Any]:
    """A file as the history tells of it."""
    known = {} if facts is None else msgspec.to_builtins(facts)
    return {"url": url, **{name: value for name, value in known.items() if value is not None}}
