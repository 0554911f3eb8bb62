"""Genesys Cloud as the conformance suite plays it: an Open Messaging integration, from both sides."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.conformance.front import Receive, Scope, Send
from tests.conformance.http_network import HttpNetwork
from tests.conformance.subject import Answer, Feature, Network, Subject, receipts_of
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import Clock
from tyrian.protocols.genesys.connector import kind

INTEGRATION: Final = "5e1dc7c4-0d3c-4c22-8a31-d1c16a0b6a3a"
CLIENT: Final = "client-of-the-test"
CLIENT_SECRET: Final = "secret-of-the-client"
WEBHOOK_SECRET: Final = "secret-of-the-webhooks"
PATHS: Final = {
    "open": f"/api/v2/conversations/messages/{INTEGRATION}/inbound/open/message",
    "agentless": "/api/v2/conversations/messages/agentless",
}
ABOUT: Final = f"/api/v2/conversations/messaging/integrations/open/{INTEGRATION}"
_BASIC: Final = "Basic " + base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
_STATUSES: Final = {
    ReceiptKind.DELIVERED: "Delivered",
    ReceiptKind.SEEN: "Read",
    ReceiptKind.FAILED: "Failed",
    ReceiptKind.EXPIRED: "Failed",
}


def signed(body: bytes) -> dict[str, str]:
    """The headers of a webhook of the integration."""
    digest = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).digest()
    return {"X-Hub-Signature-256": f"sha256={base64.b64encode(digest).decode()}"}


def envelope(status: int, code: str, message: str) -> dict[str, Any]:
    """The body of an error."""
    return {"message": message, "code": code, "status": status, "contextId": "c", "details": [], "errors": []}


class Genesys(HttpNetwork):
    """The organisation. A repeat of a `messageId` is the same message to it."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.path = PATHS[mode]
        self._mode = mode
        self._tokens: list[str] = []
        self._by_name: dict[str, str] = {}
        self.webhook = ""

    def config(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "integration_id": INTEGRATION, "client_id": CLIENT, "mode": self._mode}

    def secrets(self) -> dict[str, str]:
        return {"client_secret": CLIENT_SECRET, "webhook_secret": WEBHOOK_SECRET}

    def attached(self, hook_url: str) -> None:
        super().attached(hook_url)
        self.webhook = hook_url if self._mode == "open" else "https://middleware.example.com/out"

    # -- What it says -------------------------------------------------------------------------------------------------

    def accept(self, request: Any) -> tuple[str, Any]:
        if self._mode == "agentless":
            assert (request["fromAddress"], request["toAddressMessengerType"]) == (INTEGRATION, "open")
            ref = str(uuid4())
            return ref, {"id": ref, "conversationId": str(uuid4()), "toAddress": request["toAddress"]}
        channel = request["channel"]
        ref = self._by_name.setdefault(channel["messageId"], str(uuid4()))
        return ref, {"id": ref, "channel": {**channel, "platform": "Open"}, "type": "Text", "direction": "Inbound"}

    def refuse(self, request: Any) -> tuple[int, Any]:
        return 404, envelope(404, "not.found", "The requested resource was not found.")

    def report(self, ref: str, kind: ReceiptKind) -> Any:
        about = {"platform": "Open", "id": INTEGRATION, "time": "2026-01-01T12:00:00.551Z"}
        told: dict[str, Any] = {"id": ref, "type": "Receipt", "status": _STATUSES[kind], "channel": about}
        if kind is ReceiptKind.EXPIRED:
            told["reasons"] = [{"code": "MessageExpired", "message": "too late"}]
        return told

    def sign(self, body: bytes) -> Mapping[str, str]:
        return signed(body)

    # -- The service --------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Request(scope).headers
        if scope["path"] == "/oauth/token":
            await self._grant(headers.get("authorization", ""))(scope, receive, send)
        elif headers.get("authorization", "").removeprefix("Bearer ") not in self._tokens:
            await JSONResponse(envelope(401, "bad.credentials", "No token"), 401)(scope, receive, send)
        elif scope["path"] == ABOUT:
            told = {"id": INTEGRATION, "name": "Shop", "outboundNotificationWebhookUrl": self.webhook}
            await JSONResponse(told)(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _grant(self, given: str) -> Response:
        if given != _BASIC:
            return JSONResponse({"error": "invalid_client", "description": "authentication failed"}, 401)
        self._tokens.append(str(uuid4()))
        return JSONResponse({"access_token": self._tokens[-1], "token_type": "bearer", "expires_in": 86_399})

    def failure(self, answer: Answer) -> tuple[int, Mapping[str, str], Any]:
        status, headers, _ = super().failure(answer)
        return status, headers, envelope(status, "too.many.requests.retry.after", "Rate limit exceeded")


class GenesysSubject(Subject):
    """One of the two modes. Without an agent, a repeat is a second message."""

    kind = kind
    to = "+385991234500"
    refusal = "sender_not_found"

    def __init__(self, mode: str) -> None:
        self.name = f"genesys_{mode}"
        self._mode = mode
        self.features = receipts_of(kind, {"mode": mode}) | {Feature.SIGNED, Feature.RETRY_AFTER}
        if mode == "open":
            self.features |= {Feature.NAMES_REPEATS}

    @asynccontextmanager
    async def network(self, clock: Clock) -> AsyncIterator[Network]:
        async with Genesys(self._mode).served() as network:
            yield network


SUBJECTS: Final = (GenesysSubject("open"), GenesysSubject("agentless"))
