"""Callbacks: brings reports and inbound messages to customers, at least once and in order per message.

A callback is a row that is due. Two pools take rows up, one for first tries and one for repeats, so that repeats to
endpoints that are down never take room from first tries to those that live. What comes of a try goes through a group
commit: delivered, the row is gone and the exchange stands in the message's history; failed, it falls due again later;
after a day and more of that it is parked, which keeps it until a customer asks for it again.

Whatever is killed, a row that was claimed and not written down is freed (by its node's lock being gone, or its lease
running out) and goes out again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import UUID

from tyrian.engine.callback_delivery import Deliverer
from tyrian.engine.callback_pool import Pool
from tyrian.engine.callback_schedule import waits_for
from tyrian.engine.callback_standing import Standing
from tyrian.engine.channels import Channels
from tyrian.engine.egress import Guard
from tyrian.engine.egress_client import Client
from tyrian.engine.face_ports import Face
from tyrian.engine.keys import KeyRing
from tyrian.engine.node import GRACE, Node
from tyrian.engine.ports import Clock
from tyrian.engine.report import AttemptLine
from tyrian.store import callbacks as store, endpoints, reading
from tyrian.store.batcher import Batcher
from tyrian.store.database import LOST, Database

log = logging.getLogger(__name__)

#: Callbacks in flight at most on one node, of each pool.
FIRST_ROOM: Final = 512
AGAIN_ROOM: Final = 256
#: Seconds between two rounds of each pool at least.
_FIRST_GAP: Final = 0.004
_AGAIN_GAP: Final = 0.05
_SWEEP_SECONDS: Final = 1.0
_REMEMBERED: Final = 50_000
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Settings(Protocol):
    @property
    def allow_private_callbacks(self) -> Sequence[Any]: ...
    @property
    def callback_give_up_hours(self) -> int: ...


class _Gateway(Protocol):
    """What callbacks need of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def settings(self) -> _Settings: ...
    @property
    def faces(self) -> Mapping[str, Face]: ...
    @property
    def keys(self) -> KeyRing: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def node(self) -> Node: ...


class Callbacks:
    """The callbacks of one node. `run` delivers; `wake` says that something is due; `drain` ends politely."""

    def __init__(self, gateway: _Gateway, *, client: Client | None = None) -> None:
        """`client` is made over the settings' guard unless given."""
        self._db = gateway.db
        self._clock = gateway.clock
        self._node = gateway.node.number
        self._gateway = gateway
        self._endpoints: dict[int, endpoints.Endpoint] = {}
        self._standing = Standing()
        self._client = client or Client(Guard(tuple(gateway.settings.allow_private_callbacks)))
        self._deliverer = Deliverer(
            self._clock,
            gateway.faces,
            self._secrets,
            self._client,
            self._standing,
            waits_for(gateway.settings.callback_give_up_hours),
            self._attempts,
        )
        self._first = self._pool(store.FIRST, FIRST_ROOM, _FIRST_GAP)
        self._again = self._pool(store.AGAIN, AGAIN_ROOM, _AGAIN_GAP)
        self._outcomes: Batcher[store.Outcome, bool] = Batcher(
            self._settle, size=256, writers=2, linger=0.002, busy=0.02, patience=float("inf")
        )
        self._suspects: dict[int, float] = {}
        self._unknown: set[int] = set()
        #: Called with every outcome once it is durable.
        self.on_outcome: Callable[[store.Outcome], None] = lambda outcome: None
        self.delivered = 0
        self.failed = 0
        self.parked = 0

    def _pool(self, line: str, size: int, gap: float) -> Pool:
        return Pool(self._db, self._clock, self._node, line, size, self._standing, self._deliver, gap=gap)

    @property
    def in_flight(self) -> int:
        """Callbacks that this node is delivering."""
        return self._first.in_flight + self._again.in_flight

    @property
    def depth(self) -> int:
        """Outcomes that wait for the group commit."""
        return self._outcomes.depth

    # -- Running --------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something may be due."""
        self._first.wake()
        self._again.wake()

    async def run(self) -> None:
        """Delivers until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._first.run(), name="callbacks, first tries")
                group.create_task(self._again.run(), name="callbacks, repeats")
                group.create_task(self._sweep_loop(), name="callbacks, claims of the dead")
        finally:
            await self.drain(0)
            self._client.close()

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109  a limit for the work, not for the caller
        """Takes nothing more up and finishes what is under way; after `timeout` seconds the rest is given back."""
        rest = await asyncio.gather(self._first.drain(timeout), self._again.drain(timeout))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._outcomes.drain(), max(timeout, 1.0))
        unfinished = [number for numbers in rest for number in numbers]
        if unfinished:
            with contextlib.suppress(*LOST, TimeoutError):
                await store.give_back(self._db, unfinished, self._node)

    # -- One callback ---------------------------------------------------------------------------------------------

    async def _deliver(self, row: Any) -> Awaitable[None]:
        endpoint = self._endpoints.get(row["endpoint_id"]) or await self._load(row["endpoint_id"])
        outcome = await self._deliverer.deliver(row, endpoint)
        return self._written(row, outcome, self._outcomes.submit(outcome))

    async def _secrets(self, account_id: int, face: str) -> Sequence[str]:
        """What callbacks of a face are signed with: what the face says, or the account's own secrets for it."""
        own = getattr(self._gateway.faces.get(face), "secrets", None)
        if own is not None:
            found: Sequence[str] = await own(self._gateway, account_id)
            return found
        return await self._gateway.keys.signing.signing_keys(account_id, face)

    async def _attempts(self, message_id: UUID) -> list[AttemptLine]:
        """A message's attempts as they stand now."""
        lines = []
        for row in await reading.attempts(self._db, message_id):
            entry = self._gateway.channels.by_id(row["channel_id"])
            lines.append(
                AttemptLine(
                    channel=row["channel"],
                    kind=entry.channel.kind if entry else None,
                    network=entry.network if entry else None,
                    attempt_id=row["id"],
                    step=row["step"],
                    status=row["status"],
                    reason=row["reason"],
                    ref=row["provider_ref"],
                    at=row["updated_at"],
                )
            )
        return lines

    async def _written(self, row: Any, outcome: store.Outcome, written: Awaitable[bool]) -> None:
        if await written:
            self._count(outcome)
            self.on_outcome(outcome)
        if row["tries"]:
            # A follower may go now; it stands in the other line.
            self._first.wake()

    async def _load(self, endpoint_id: int) -> endpoints.Endpoint | None:
        if len(self._endpoints) >= _REMEMBERED:
            self._endpoints.clear()
        for endpoint in await endpoints.by_ids(self._db, [endpoint_id]):
            self._endpoints[endpoint.id] = endpoint
        return self._endpoints.get(endpoint_id)

    async def _settle(self, outcomes: Sequence[store.Outcome]) -> Sequence[bool]:
        written = await store.settle(self._db, outcomes, self._node)
        return [outcome.id in written for outcome in outcomes]

    def _count(self, outcome: store.Outcome) -> None:
        if outcome.verdict == store.DONE:
            self.delivered += 1
            return
        self.failed += 1
        if outcome.verdict == store.PARK:
            self.parked += 1
            log.warning("callback %d is parked: %s", outcome.id, outcome.reason)

    # -- Claims that nobody finishes ------------------------------------------------------------------------------

    async def _sweep_loop(self) -> None:
        while True:
            try:
                if await self.sweep():
                    self.wake()
            except (*LOST, TimeoutError) as error:
                log.debug("the sweep of callbacks waits for the database: %s", error)
            except Exception:
                log.exception("the sweep of callbacks failed")
            await self._clock.sleep(_SWEEP_SECONDS)

    async def sweep(self) -> int:
        """Frees claims of dead nodes, claims that ran out, and this node's own that it does not know of.

        The last come from a connection lost before the claim's answer: such a claim must be unknown twice in a row, so
        that one whose answer is just being read is not mistaken for it. Returns how many were freed.
        """
        held = await store.held(self._db)
        if not held:
            self._unknown = set()
            return 0
        now, dead = self._clock.now(), self._confirmed(await store.dead_nodes(self._db))
        active = self._first.ids | self._again.ids
        unknown = {c["id"] for c in held if c["node"] == self._node} - active
        strays, self._unknown = unknown & self._unknown, unknown
        lost = [
            c for c in held
            if c["id"] not in active and (c["id"] in strays or c["node"] in dead or c["leased_until"] < now)
        ]  # fmt: skip
        if lost:
            log.warning("freeing %d callbacks that nobody delivers any more", len(lost))
            await store.free(self._db, lost)
        return len(lost)

    def _confirmed(self, missing: set[int]) -> set[int]:
        """The nodes whose lock has been missing long enough to believe them dead."""
        now = asyncio.get_running_loop().time()
        missing.discard(self._node)
        self._suspects = {node: self._suspects.get(node, now) for node in missing}
        return {node for node, since in self._suspects.items() if now - since >= GRACE}

    # -- What customers ask for -----------------------------------------------------------------------------------

    async def redeliver(self, account_id: int, callback_id: int) -> bool:
        """Tries a callback that failed again, now; False if the account has none of this number or it is under way."""
        done = await store.redeliver(self._db, account_id, callback_id, self._clock.now())
        self._standing.forgive()
        self.wake()
        return done

    async def redeliver_all(self, account_id: int, since: datetime | None = None) -> int:
        """Tries all parked callbacks made since then again (all there are, if not said); returns how many."""
        count = await store.redeliver_all(self._db, account_id, since or _LONG_AGO, self._clock.now())
        self._standing.forgive()
        self.wake()
        return count
