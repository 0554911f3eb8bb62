"""A stand-in for the gateway around what is under test: a real database, a clock that is told, and one plain face."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from uuid import UUID

import msgspec

from tests.clock import ManualClock
from tyrian.domain.ids import Ids
from tyrian.engine.endpoints import Endpoints
from tyrian.engine.face_ports import CallbackRequest
from tyrian.engine.report import Report, encode
from tyrian.engine.turns import Turns
from tyrian.store.database import Database


@dataclass
class Settings:
    allow_private_callbacks: tuple[IPv4Network | IPv6Network, ...] = (ip_network("127.0.0.0/8"),)
    callback_give_up_hours: int = 24
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()


class PlainFace:
    """Renders a report as JSON; `broken` says that it cannot."""

    name = "native"
    prefixes = ()
    broken = False

    def render(self, report: Report, secrets: Sequence[str], now: datetime) -> CallbackRequest:
        if self.broken:
            raise KeyError("this face is broken")
        body = {"id": str(report.id), "message": str(report.message_id), "status": report.status, "data": report.data}
        headers = {"content-type": "application/json", "x-signature": f"signed with {secrets[0]}"}
        return CallbackRequest(headers, msgspec.json.encode(body))


class _Signing:
    async def signing_keys(self, account_id: int, face: str) -> Sequence[str]:
        return [f"secret-of-{account_id}"]


@dataclass
class _Keys:
    signing: _Signing = field(default_factory=_Signing)


@dataclass
class _Node:
    number: int


class _Waker:
    def __init__(self) -> None:
        self.told: list[str] = []

    def tell(self, payload: str) -> None:
        self.told.append(payload)


class StandIn:
    """As much of a gateway as callbacks, inbound and hooks use."""

    def __init__(self, db: Database, *, number: int = 1) -> None:
        self.db = db
        self.clock = ManualClock()
        self.ids = Ids()
        self.settings = Settings()
        self.face = PlainFace()
        self.faces: Mapping[str, Any] = {"native": self.face}
        self.keys: Any = _Keys()
        self.node: Any = _Node(number)
        self.endpoints = Endpoints(db, self.clock)
        self.waker: Any = _Waker()
        self.roles = frozenset({"api", "callbacks"})
        self.channels: Any = None
        self.callbacks: Any = None
        self.inbound: Any = None
        self.receipts: Any = None
        self.turns = Turns(self)
        self.flows: Any = None
        self.account = 0

    async def open(self) -> "StandIn":
        """Makes the account and today's partitions."""
        now = self.clock.now()
        insert = "INSERT INTO accounts (name, created_at) VALUES ('acme', $1) RETURNING id"
        self.account = await self.db.fetchval(insert, now)
        await self.db.fetchval("SELECT make_partitions($1::date, 3)", now.date())
        return self

    def another(self, number: int, db: Database | None = None) -> "StandIn":
        """A second node on the same database and clock."""
        other = StandIn(db or self.db, number=number)
        other.clock, other.account, other.faces, other.ids = self.clock, self.account, self.faces, self.ids
        return other

    async def report(
        self, url: str, status: str = "delivered", *, message: UUID | None = None, late: float = 0.0, tries: int = 0
    ) -> UUID:
        """A callback that became due `late` seconds ago (after now, if less than 0). Returns its message's id."""
        now = self.clock.now()
        message = message or self.ids.new(now)
        endpoint = await self.endpoints.intern(self.account, "native", url)
        report = Report(
            id=self.ids.new(now), account_id=self.account, message_id=message, to="+385991234501", status=status,
            at=now, attempt_id=message, data=status,
        )  # fmt: skip
        await self.db.execute(
            "INSERT INTO callbacks (message_id, account_id, endpoint_id, due_at, created_at, tries, report)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            message, self.account, endpoint, now - timedelta(seconds=late), now, tries, encode(report),
        )  # fmt: skip
        return message

    async def history(self, message: UUID) -> list[dict[str, Any]]:
        """A message's events, with detail and exchange decoded."""
        rows = await self.db.read("SELECT * FROM events WHERE message_id = $1 ORDER BY at, id", message)
        return [
            {
                **dict(row),
                "detail": msgspec.json.decode(row["detail"]) if row["detail"] else None,
                "exchange": msgspec.json.decode(row["exchange"]) if row["exchange"] else None,
            }
            for row in rows
        ]

    async def waiting(self) -> list[dict[str, Any]]:
        """The rows among the due callbacks."""
        return [dict(row) for row in await self.db.read("SELECT * FROM callbacks ORDER BY id")]
