"""A network that does what a test tells it to, and a running gateway that sends through it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tyrian.domain.content import Text
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.limits import Bound, Capabilities, ContentRule
from tyrian.domain.problem import Problem
from tyrian.domain.submission import Plan, Recipient, Step, Submission
from tyrian.engine import ports
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.channels import ChannelEntry
from tyrian.engine.clock import ScaledClock
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import Clock
from tyrian.settings import Settings
from tyrian.store import accounts
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

Answer = Callable[[ports.Outgoing], ports.SendResult | Awaitable[ports.SendResult]]

CAPABILITIES = Capabilities(
    contents={"text": ContentRule(bounds=(Bound(field="text", max_length=1000, source="the tests"),))},
    receipts=frozenset({"delivered", "seen"}),
)


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No settings."""


@dataclass
class Script:
    """What the network answers, and what it was sent. `answers` by recipient come before `answer`."""

    answer: Answer = field(default=lambda outgoing: ports.Sent(str(outgoing.attempt_id)))
    answers: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    sent: list[ports.Outgoing] = field(default_factory=list)
    capabilities: Capabilities = CAPABILITIES

    def kind(self, name: str = "scripted") -> ports.ChannelKind:
        return ports.ChannelKind(
            name,
            "Scripted",
            Nothing,
            Nothing,
            lambda channel, tools: _Connector(self),
            lambda config: self.capabilities,
            _address,
        )

    def texts(self) -> list[str]:
        """What was sent, in order."""
        return [str(getattr(o.content, "text", "")) for o in self.sent]


class _Connector:
    def __init__(self, script: Script) -> None:
        self._script = script
        self.capabilities = script.capabilities

    async def start(self) -> None:
        pass

    async def send(self, outgoing: ports.Outgoing) -> ports.SendResult:
        self._script.sent.append(outgoing)
        waiting = self._script.answers[outgoing.to]
        answer = waiting.pop(0) if waiting else self._script.answer
        result = answer(outgoing)
        return await result if isinstance(result, Awaitable) else result

    def hook(self, request: ports.HookRequest) -> ports.HookAnswer:
        return ports.HookAnswer(status=404)

    async def check(self) -> ports.Health:
        return ports.Health(True, "scripted")

    async def close(self) -> None:
        pass


def _address(text: str, at: str) -> str | Problem:
    return text if text.startswith("+") else Problem(at, "must begin with +")


class Stage:
    """A running gateway with one account and channels `one` and `two`, each with a script."""

    def __init__(self, gateway: Gateway, account_id: int, scripts: dict[str, Script]) -> None:
        self.gateway = gateway
        self.account_id = account_id
        self.scripts = scripts

    @property
    def one(self) -> Script:
        return self.scripts["one"]

    @property
    def two(self) -> Script:
        return self.scripts["two"]

    def entry(self, name: str = "one") -> ChannelEntry:
        found = self.gateway.channels.get(self.account_id, name)
        assert found is not None
        return found

    async def submit(self, *to: str, text: str = "hello", cascade: list[Step] | None = None, **more: Any) -> Any:
        """Takes messages in; `more` goes to the plan, or to the submission where it is one of its fields."""
        own = {k: more.pop(k) for k in ("bulk", "idempotency_key", "fingerprint") if k in more}
        variables = more.pop("variables", None)
        steps = cascade or [Step(channel="one", content=Text(text=text))]
        recipients = [Recipient(to=t, variables=variables) for t in to]
        plan = Plan(cascade=steps, **more)
        return await self.gateway.intake.submit(
            Submission(account_id=self.account_id, plan=plan, recipients=recipients, **own)
        )

    async def receipt(self, ref: str, kind: str, channel: str = "one") -> None:
        receipt = ports.Receipt(ref, ReceiptKind(kind))
        await self.gateway.receipts.submit(self.entry(channel).channel.id, [receipt])

    async def message(self, identifier: Any) -> dict[str, Any]:
        row = await self.gateway.db.fetchrow("SELECT * FROM messages WHERE id = $1", identifier)
        assert row is not None
        return dict(row)

    async def attempts(self, identifier: Any) -> list[dict[str, Any]]:
        sql = "SELECT * FROM attempts WHERE message_id = $1 ORDER BY step, id"
        return [dict(row) for row in await self.gateway.db.fetch(sql, identifier)]

    async def events(self, identifier: Any) -> list[str]:
        sql = "SELECT type FROM events WHERE message_id = $1 ORDER BY at, id"
        return [row["type"] for row in await self.gateway.db.fetch(sql, identifier)]

    async def reports(self, identifier: Any) -> list[str]:
        sql = "SELECT report FROM callbacks WHERE message_id = $1 ORDER BY id"
        rows = await self.gateway.db.fetch(sql, identifier)
        return [msgspec.json.decode(row["report"])["status"] for row in rows]

    async def until(self, check: Callable[[], Awaitable[Any]], seconds: float = 20.0) -> Any:
        """Waits until a check gives something true; the limit is generous and only ends a hopeless wait."""
        async with asyncio.timeout(seconds):
            while not (found := await check()):
                await asyncio.sleep(0.01)
            return found

    async def status(self, identifier: Any, *wanted: str) -> dict[str, Any]:
        """Waits for a message to have one of these statuses."""

        async def look() -> dict[str, Any] | None:
            row = await self.message(identifier)
            return row if row["status"] in wanted else None

        try:
            found: dict[str, Any] = await self.until(look)
        except TimeoutError:
            row = await self.message(identifier)
            raise AssertionError(
                f"{identifier} is {row['status']}, not {wanted}; {await self.events(identifier)}"
            ) from None
        return found


@asynccontextmanager
async def staged(
    url: str,
    clock: Clock | None = None,
    *,
    channels: dict[str, dict[str, Any]] | None = None,
    scale: float = 1.0,
    capabilities: Capabilities = CAPABILITIES,
) -> AsyncIterator[Stage]:
    """A running gateway on a migrated database; `channels` are further settings of its channels by name."""
    scripts = {name: Script(capabilities=capabilities) for name in (channels or {"one": {}, "two": {}})}
    kinds = {f"scripted-{name}": script.kind(f"scripted-{name}") for name, script in scripts.items()}
    db = await Database.open(url, work=6, reading=2)
    box = SecretBox("k" * 40)
    # No callbacks: a test looks at those that wait.
    roles = frozenset({"api", "dispatch"})
    gateway = Gateway(db, Settings(), clock or ScaledClock(scale), [], box, kinds=kinds, roles=roles)
    account = await accounts.create(db, "test", gateway.clock.now())
    await gateway.start()
    for name in scripts:
        spec = ChannelSpec(name=name, kind=f"scripted-{name}", **(channels or {}).get(name, {}))
        await gateway.channels.create(account.id, spec)
    try:
        yield Stage(gateway, account.id, scripts)
    finally:
        await gateway.stop(5)
