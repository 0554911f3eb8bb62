"""The gateway under which all connectors are tested, and one case: a channel, its network, and messages through it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from itertools import count
from typing import Any
from uuid import UUID

import msgspec

from tests.conformance.clock import JumpingClock
from tests.conformance.subject import Network, Subject
from tests.scripted import Script
from tests.simulator.serving import Door, serving
from tyrian.app import App
from tyrian.domain.content import Text
from tyrian.domain.events import EVENTS
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.purpose import Purpose, UncertainPolicy
from tyrian.domain.reasons import REASONS
from tyrian.domain.submission import Callback, Plan, Recipient, Step, Submission
from tyrian.engine.channel_spec import ChannelChange, ChannelSpec
from tyrian.engine.channels import ChannelEntry
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import ChannelKind, Receipt
from tyrian.settings import Settings
from tyrian.store import accounts, reading
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

#: Wall-clock seconds after which a wait is hopeless.
LIMIT = 20.0
#: Seconds that pass on the gateway's clock with each look of somebody who waits.
_STEP = 0.01
#: Where the person can be reached otherwise: the channel that a cascade falls back to.
ASIDE = "aside"
ELSEWHERE = "+385991112233"
_EVERY_STATE = ["sent", "delivered", "seen", "failed", "expired", "cancelled"]


@dataclass
class House:
    """A running gateway for the whole session, on a clock that moves by hand, behind real HTTP."""

    gateway: Gateway
    clock: JumpingClock
    account_id: int
    url: str
    names: "count[int]" = field(default_factory=count)

    async def until(self, look: Callable[[], Awaitable[Any]], what: Callable[[], str] = lambda: "") -> Any:
        """Wait until a look finds something true, and return it. Meanwhile the clock creeps on."""
        try:
            async with asyncio.timeout(LIMIT):
                while not (found := await look()):
                    self.clock.jump(_STEP)
                    await asyncio.sleep(0.002)
        except TimeoutError:
            raise AssertionError(what() or "what was waited for did not come") from None
        return found


@asynccontextmanager
async def house(database_url: str, kinds: Mapping[str, ChannelKind]) -> AsyncIterator[House]:
    """Open the gateway. It delivers no callbacks, so that the reports for customers stay in the database."""
    door, clock = Door(), JumpingClock()
    async with serving(door) as url:
        db = await Database.open(database_url, work=6, reading=3)
        every = {**kinds, ASIDE: Script().kind(ASIDE)}
        settings = Settings(public_url=url, drain_seconds=2, allow_private_callbacks=(ip_network("127.0.0.0/8"),))
        roles = frozenset({"api", "dispatch"})
        gateway = Gateway(db, settings, clock, [], SecretBox("k" * 40), roles=roles, kinds=every)
        door.app = App(gateway)
        account = await accounts.create(db, "conformance", clock.now())
        async with gateway:
            await gateway.channels.create(account.id, ChannelSpec(name=ASIDE, kind=ASIDE))
            yield House(gateway, clock, account.id, url)


@dataclass
class Story:
    """What the database has of a message, in the form that cases state it: `word` or `word:reason`."""

    status: str
    attempts: list[str]
    events: list[str]
    reports: list[str]


@dataclass
class Case:
    """One connector, its network, and what is sent through it."""

    house: House
    subject: Subject
    network: Network
    entry: ChannelEntry | None = None

    # -- Setting up ---------------------------------------------------------------------------------------------------

    async def connect(self, *, patience: float | None = None, uncertain: UncertainPolicy | None = None) -> ChannelEntry:
        """Make the channel. `patience` is the wall-clock seconds that an answer may take."""
        spec = ChannelSpec(
            name=f"{self.subject.name}-{next(self.house.names)}",
            kind=self.subject.kind.name,
            config=self.network.config() | ({} if patience is None else self._patience(patience)),
            secrets=self.network.secrets(),
            uncertain={} if uncertain is None else dict.fromkeys(Purpose, uncertain),
        )
        self.entry = await self.house.gateway.channels.create(self.house.account_id, spec)
        self.network.attached(f"{self.house.url}/hooks/{self.entry.channel.id}")
        return self.entry

    async def be_patient(self, seconds: float) -> None:
        """Give the network other wall-clock seconds to answer in, on the channel as it runs."""
        assert self.entry is not None
        change = ChannelChange(config=self._patience(seconds))
        await self.house.gateway.channels.update(self.house.account_id, self.entry.channel.name, change)

    async def disconnect(self) -> None:
        """Remove the channel."""
        if self.entry is not None:
            await self.house.gateway.channels.remove(self.house.account_id, self.entry.channel.name)

    async def healthy(self) -> None:
        """Wait until the channel says that it can work."""
        await self.house.until(self._check, lambda: f"{self.subject.name} is not healthy")

    async def _check(self) -> bool:
        assert self.entry is not None
        return (await self.house.gateway.channels.check(self.entry)).ok

    def _patience(self, seconds: float) -> dict[str, Any]:
        return {self.subject.timeout_setting: seconds}

    # -- Sending ------------------------------------------------------------------------------------------------------

    async def send(self, *, fallback_time: int | None = None, aside: bool = False, validity: int = 3600) -> UUID:
        """Have a message accepted; with `fallback_time` or `aside`, another channel is the second step."""
        entry = self.entry or await self.connect()
        text = Text(text="Your order is on its way")
        cascade = [Step(channel=entry.channel.name, content=text, fallback_time=fallback_time)]
        if aside or fallback_time is not None:
            cascade.append(Step(channel=ASIDE, content=text, to=ELSEWHERE))
        callback = Callback(url="http://customer.example/hook", data="order-7", events=_EVERY_STATE)
        submission = Submission(
            account_id=self.house.account_id,
            plan=Plan(cascade=cascade, callback=callback, validity=validity),
            recipients=[Recipient(to=self.subject.to)],
        )
        accepted = await self.house.gateway.intake.submit(submission)
        return accepted.messages[0].id

    async def taken(self, number: int = 1) -> str:
        """Wait until the network has taken so many sends; returns its id of the last of them."""

        async def look() -> Sequence[str]:
            refs = self.network.refs()
            return refs if len(refs) >= number else ()

        refs: Sequence[str] = await self.house.until(look, lambda: f"the network has taken {self.network.refs()}")
        return refs[number - 1]

    async def sent(self, **options: Any) -> tuple[UUID, str]:
        """Send a message that the network takes; returns its id, and the network's own."""
        message = await self.send(**options)
        await self.status(message, "sent")
        return message, await self.taken()

    async def told(self, ref: str, *kinds: ReceiptKind) -> None:
        """The network reports, one after the other, each once the one before is acknowledged."""
        for kind in kinds:
            await self._happens(self.network.receipt(ref, kind))

    async def told_nonsense(self) -> None:
        """The network brings bytes that mean nothing."""
        await self._happens(self.network.garbage())

    async def told_lies(self, ref: str, kind: ReceiptKind) -> None:
        """Somebody else brings a receipt in the network's name."""
        await self._happens(self.network.forged(ref, kind))

    async def _happens(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        try:
            await self.house.until(_done(task), lambda: "the gateway has not answered")
        finally:
            task.cancel()
        await task

    async def receipt_aside(self, message: UUID, kind: ReceiptKind) -> None:
        """The other channel's network reports on its attempt."""
        aside = self.house.gateway.channels.get(self.house.account_id, ASIDE)
        assert aside is not None
        rows = await reading.attempts(self.house.gateway.db, message)
        await self.house.gateway.receipts.submit(aside.channel.id, [Receipt(rows[-1]["provider_ref"], kind)])

    # -- Time ---------------------------------------------------------------------------------------------------------

    def time_passes(self, seconds: float) -> None:
        """So many seconds pass at once."""
        self.house.clock.jump(seconds)

    async def next_try(self, message: UUID) -> float:
        """Time passes until the message's send is due again. Returns the seconds from one to the other."""
        sql = "SELECT due_at FROM sends WHERE message_id = $1 AND leased_until IS NULL AND tries > 0"

        async def look() -> Any:
            return await self.house.gateway.db.fetchval(sql, message)

        due = await self.house.until(look, lambda: "no further try is due")
        events = await reading.events(self.house.gateway.db, message)
        self.time_passes((due - self.house.clock.now()).total_seconds())
        wait: float = (due - events[-1]["at"]).total_seconds()
        return wait

    # -- What came of it ----------------------------------------------------------------------------------------------

    async def comes_to(
        self, message: UUID, status: str, *, attempts: list[str], events: list[str], reports: list[str]
    ) -> None:
        """The message has this history, and no other."""
        expected = Story(status, attempts, events, reports)

        async def look() -> bool:
            story = await self.story(message)
            return story.status == status and len(story.events) >= len(events)

        try:
            await self.house.until(look)
        finally:
            assert await self.story(message) == expected

    async def status(self, message: UUID, status: str) -> None:
        """Wait until the message has this status."""

        async def look() -> bool:
            return (await self.story(message)).status == status

        await self.house.until(look, lambda: f"the message has not become {status}")

    async def happened(self, message: UUID, *events: str) -> None:
        """Wait until the message's history begins so."""

        async def look() -> bool:
            return len((await self.story(message)).events) >= len(events)

        await self.house.until(look, lambda: f"{events} did not happen")
        assert (await self.story(message)).events[: len(events)] == list(events)

    async def story(self, message: UUID) -> Story:
        """What the database has of a message."""
        db = self.house.gateway.db
        row = await reading.message(db, self.house.account_id, message)
        assert row is not None
        attempts = [_worded(a["status"], a["reason"]) for a in await reading.attempts(db, message)]
        events = await reading.events(db, message)
        assert {e["type"] for e in events} <= set(EVENTS)
        assert {e["reason"] for e in events} <= {None, *REASONS}
        sql = "SELECT report FROM callbacks WHERE message_id = $1 ORDER BY id"
        reports = [msgspec.json.decode(r["report"]) for r in await db.fetch(sql, message)]
        assert all(report["data"] == "order-7" for report in reports)
        return Story(
            _worded(row["status"], row["reason"]),
            attempts,
            [_worded(e["type"], e["reason"]) for e in events],
            [report["status"] for report in reports],
        )

    async def parked(self) -> int:
        """How many of the channel's receipts wait for their attempt."""
        assert self.entry is not None
        sql = "SELECT count(*) FROM parked_receipts WHERE channel_id = $1"
        return int(await self.house.gateway.db.fetchval(sql, self.entry.channel.id))

    async def exchanges(self, message: UUID) -> list[dict[str, Any]]:
        """What was exchanged with the outside over a message."""
        rows = await reading.exchanges(self.house.gateway.db, message)
        return [msgspec.json.decode(row["exchange"]) for row in rows]


def _done(task: asyncio.Future[None]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return task.done()

    return look


def _worded(word: str, reason: str | None) -> str:
    return word if reason is None else f"{word}:{reason}"
