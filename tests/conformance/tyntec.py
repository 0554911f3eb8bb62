"""tyntec's Conversations API as the conformance suite plays it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from tests.conformance.http_network import HttpNetwork
from tests.conformance.subject import Feature, Network, Subject, receipts_of
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import Clock
from tyrian.protocols.tyntec import kind, wire
from tyrian.protocols.tyntec.accounts import Signing
from tyrian.protocols.tyntec.reports import signed_headers

KEY: Final = "key-of-the-test"
SECRET: Final = "secret-of-the-callbacks"


class Tyntec(HttpNetwork):
    """The service."""

    path = wire.MESSAGES

    def config(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "sender": "1001"}

    def secrets(self) -> dict[str, str]:
        return {"api_key": KEY, "signature_secret": SECRET}

    def accept(self, request: Any) -> tuple[str, Any]:
        assert request["channel"] == "viber"
        ref = str(uuid4())
        return ref, {"messageId": ref, "timestamp": "2026-03-01T09:00:29.853817Z"}

    def refuse(self, request: Any) -> tuple[int, Any]:
        violation = {"field": "validate.request.to", "message": "must not be empty"}
        return 400, {"status": 400, "violations": [violation], "title": "Constraint Violation"}

    def report(self, ref: str, kind: ReceiptKind) -> Any:
        told: dict[str, Any] = {
            "event": f"MessageStatus::{kind.value}",
            "messageId": ref,
            "channel": "viber",
            "timestamp": datetime.now(UTC).isoformat(),
        }
        if kind is ReceiptKind.FAILED:
            told["details"] = {"code": "viber::error::1", "message": "SRVC_INTERNAL_FAILURE"}
        return told

    def sign(self, body: bytes) -> Mapping[str, str]:
        return signed_headers(body, Signing(SECRET, "HS256"), datetime.now(UTC))


class TyntecSubject(Subject):
    """The kind of channel, and what its network can do. A repeat of a send is a second message there."""

    name = "tyntec"
    kind = kind
    to = "+385991234500"
    refusal = "invalid_recipient"
    features = receipts_of(kind, {"sender": "1001"}) | {Feature.SIGNED, Feature.RETRY_AFTER}

    @asynccontextmanager
    async def network(self, clock: Clock) -> AsyncIterator[Network]:
        async with Tyntec().served() as network:
            yield network


SUBJECT: Final = TyntecSubject()
