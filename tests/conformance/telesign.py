"""Telesign as the conformance suite plays it: Viber, and SMS by the other channel."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.conformance.http_network import HttpNetwork
from tests.conformance.subject import Feature, Network, Subject, receipts_of
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import Clock
from tyrian.protocols.telesign import codes, signing, wire
from tyrian.protocols.telesign.connector import kind

CUSTOMER: Final = "FFFFFFFF-EEEE-DDDD-1234-AB1234567890"
KEY: Final = "ABC12345yusumoN6BYsBVkh+yRJ5czgsnCehZaOYldPJdmFh6NeX8kunZ2zU1YWaUw/0wV6xfw=="
#: The transaction's code, and its channel's.
_CODES: Final = {
    ReceiptKind.DELIVERED: (3000, 3000),
    ReceiptKind.SEEN: (3005, 3005),
    ReceiptKind.FAILED: (3003, 3003),
    ReceiptKind.EXPIRED: (3003, 3033),
}


def status(code: int, **more: Any) -> dict[str, Any]:
    return {"code": code, "description": codes.describe(code), **more}


class Telesign(HttpNetwork):
    """The service."""

    path = wire.SEND_PATH

    def __init__(self, channel: str) -> None:
        super().__init__()
        self._channel = channel
        self._number = 0

    def config(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "customer_id": CUSTOMER, "channel": self._channel}

    def secrets(self) -> dict[str, str]:
        return {"api_key": KEY}

    def accept(self, request: Any) -> tuple[str, Any]:
        assert request["callback_url"] == self.hook_url
        self._number += 1
        ref = f"{self._number:032X}"
        return ref, {"status": status(3001), "reference_id": ref, "external_id": request["external_id"]}

    def refuse(self, request: Any) -> tuple[int, Any]:
        return 401, {"status": status(3406), "external_id": request["external_id"]}

    def report(self, ref: str, kind: ReceiptKind) -> Any:
        whole, own = _CODES[kind]
        at = {"updated_on": "2026-01-01T12:00:00.551105Z"}
        return {
            "reference_id": ref,
            "external_id": None,
            "status": status(whole, last_channel=self._channel, **at),
            "channel_status": [{self._channel: status(own, reference_id="0" * 32, **at)}],
        }

    def sign(self, body: bytes) -> Mapping[str, str]:
        return signing.callback_headers(body, CUSTOMER, KEY)


class TelesignSubject(Subject):
    """One of the two channels."""

    kind = kind
    to = "+385991234500"
    refusal = "sender_blocked"

    def __init__(self, channel: str) -> None:
        self.name = f"telesign_{channel}"
        self._channel = channel
        # A repeat is a second message to Telesign: it knows no idempotency ids.
        self.features = receipts_of(kind, {"channel": channel}) | {Feature.SIGNED, Feature.RETRY_AFTER}

    @asynccontextmanager
    async def network(self, clock: Clock) -> AsyncIterator[Network]:
        async with Telesign(self._channel).served() as network:
            yield network


SUBJECTS: Final = (TelesignSubject("viber"), TelesignSubject("sms"))
