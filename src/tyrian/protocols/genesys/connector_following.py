"""What became of messages that went out without an agent: Genesys tells it to nobody outside, and has to be asked.

Each message is asked about a few times, after longer and longer waits, one after another, so that sends keep most of
the organisation's rate. What there is to ask is kept in memory: after a restart nobody asks about earlier messages.
"""

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

import msgspec
from msgspec import Struct

from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.outbound import Answer
from tyrian.engine.ports import Clock, Receipt
from tyrian.protocols.genesys import connector_statuses as statuses, connector_wire as wire
from tyrian.protocols.genesys.connector_client import Client, Unheard

log = logging.getLogger(__name__)

#: Seconds from a send to the first question, from there to the second, and so on.
WAITS: Final = (5.0, 25.0, 90.0, 480.0, 3000.0, 18_000.0)
#: Messages that are followed at the same time; more are not asked about.
MOST: Final = 10_000
#: Seconds without questions after a 429 that names none.
_PAUSE: Final = 60.0
_SLEEP: Final = 5.0
_LAST: Final = frozenset({ReceiptKind.SEEN, ReceiptKind.FAILED})


class _Details(Struct, rename="camel"):
    """A message as Genesys has it (models, MessageData)."""

    status: str
    normalized_receipts: Any = None


_details: Final = msgspec.json.Decoder(_Details).decode


@dataclass(order=True, slots=True)
class _Followed:
    due: datetime
    number: int
    ref: str = field(compare=False)
    person: str = field(compare=False)
    asked: int = field(compare=False, default=0)
    told: ReceiptKind | None = field(compare=False, default=None)


class Following:
    """The messages of one channel that are asked about. `bring` commits receipts."""

    def __init__(self, client: Client, clock: Clock, bring: Callable[[Sequence[Receipt]], Awaitable[None]]) -> None:
        self._client = client
        self._clock = clock
        self._bring = bring
        self._due: list[_Followed] = []
        self._numbers = count()
        self._task: asyncio.Task[None] | None = None

    def follow(self, ref: str, person: str) -> None:
        """From now on asks about a message that was sent."""
        if len(self._due) >= MOST:
            log.warning("Genesys is not asked about message %s: %d others come first", ref, MOST)
            return
        self._again(_Followed(self._clock.now(), next(self._numbers), ref, person))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="genesys following")

    async def close(self) -> None:
        """Stops asking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _again(self, one: _Followed) -> None:
        if one.asked < len(WAITS):
            one.due = self._clock.now() + timedelta(seconds=WAITS[one.asked])
            heapq.heappush(self._due, one)

    async def _run(self) -> None:
        while self._due:
            # Whatever is followed meanwhile is not due any sooner.
            wait = (self._due[0].due - self._clock.now()).total_seconds()
            if wait > 0:
                await self._clock.sleep(min(wait, _SLEEP))
                continue
            one = heapq.heappop(self._due)
            try:
                await self._ask(one)
            except Exception:
                log.exception("what became of message %s could not be found out", one.ref)
                one.asked += 1
                self._again(one)

    async def _ask(self, one: _Followed) -> None:
        try:
            answer = await self._client.ask("GET", wire.details(one.ref))
        except Unheard:
            answer = None
        if answer is not None and answer.status == 429:
            heapq.heappush(self._due, one)
            await self._clock.sleep(_asked_to_wait(answer))
            return
        receipt = _receipt(one, answer.body) if answer is not None and 200 <= answer.status < 300 else None
        if receipt is not None and receipt.kind is not one.told:
            await self._bring([receipt])
            one.told = receipt.kind
        if one.told not in _LAST:
            one.asked += 1
            self._again(one)


def _asked_to_wait(answer: Answer) -> float:
    value = answer.header("retry-after") or ""
    return float(value) if value.isascii() and value.isdigit() and len(value) < 6 else _PAUSE


def _receipt(one: _Followed, body: bytes) -> Receipt | None:
    try:
        told = _details(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    kind = statuses.STATUSES.get(told.status)
    if kind is None:
        return None
    receipts = told.normalized_receipts if isinstance(told.normalized_receipts, list) else []
    why = [r.get("reasons") for r in receipts if isinstance(r, dict) and r.get("status") == "Failed"]
    reason = statuses.reason_of(why[-1] if why else None) if kind is ReceiptKind.FAILED else None
    return Receipt(one.ref, kind, reason, None, body.decode("utf-8", "replace"), one.person)
