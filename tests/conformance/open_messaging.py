"""A middleware as the conformance suite plays it: it takes webhooks, and brings receipts to the channel's hook."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
from starlette.requests import Request

from tests.conformance.front import Receive, Scope, Send
from tests.conformance.http_network import HttpNetwork
from tests.conformance.subject import Answer, Feature, Network, Subject, receipts_of
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import Clock
from tyrian.protocols.genesys.open_channel import kind

TOKEN: Final = "token-that-signs-webhooks"
HEADERS: Final = {"X-Api-Key": "key-of-the-middleware"}
_STATUSES: Final = {
    ReceiptKind.DELIVERED: ("Delivered", None),
    ReceiptKind.FAILED: ("Failed", "GeneralError"),
    ReceiptKind.EXPIRED: ("Failed", "MessageExpired"),
}


def signed(body: bytes) -> dict[str, str]:
    """The headers that prove a body, whoever brings it."""
    digest = hmac.new(TOKEN.encode(), body, hashlib.sha256).digest()
    return {"X-Hub-Signature-256": f"sha256={base64.b64encode(digest).decode()}"}


class Middleware(HttpNetwork):
    """The middleware. It gives no ids of its own: a receipt speaks of the webhook's."""

    path = "/out"

    def config(self) -> dict[str, Any]:
        return {"webhook_url": self.base_url + self.path}

    def secrets(self) -> dict[str, str]:
        return {"signature_token": TOKEN, "webhook_headers": msgspec.json.encode(HEADERS).decode()}

    def accept(self, request: Any) -> tuple[str, Any]:
        assert (request["type"], request["direction"]) == ("Text", "Outbound")
        return request["id"], {"id": request["id"]}

    def refuse(self, request: Any) -> tuple[int, Any]:
        return 400, {"message": "no such person"}

    def report(self, ref: str, kind: ReceiptKind) -> Any:
        status, code = _STATUSES[kind]
        to = {"id": OpenMessagingSubject.to}
        told: dict[str, Any] = {"id": ref, "status": status, "channel": {"to": to, "time": "2026-01-01T12:00:00.551Z"}}
        if code is not None:
            told["reasons"] = [{"code": code, "message": "it failed"}]
        return told

    def sign(self, body: bytes) -> Mapping[str, str]:
        return signed(body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if scope["method"] != "POST":
            await super().__call__(scope, receive, send)
            return
        body, headers = await request.body(), request.headers
        assert headers["x-hub-signature-256"] == signed(body)["X-Hub-Signature-256"]
        assert headers["x-api-key"] == HEADERS["X-Api-Key"]

        async def again() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        await super().__call__(scope, again, send)

    async def _answer(self, asked: Any, scope: Scope, receive: Receive, send: Send) -> None:
        # The body of an answer means nothing here, so that only an answer that breaks off is garbled.
        if self._answers and self._answers[0] is Answer.GARBAGE:
            self._answers[0] = Answer.CUT
        await super()._answer(asked, scope, receive, send)


class OpenMessagingSubject(Subject):
    """An integration's channel."""

    name = "open_messaging"
    kind = kind
    to = "customer-7"
    refusal = "content_refused"
    garbled = "no_answer"
    features = receipts_of(kind, {"webhook_url": "http://127.0.0.1"}) | {
        Feature.SIGNED,
        Feature.RETRY_AFTER,
        Feature.NAMES_REPEATS,
    }

    @asynccontextmanager
    async def network(self, clock: Clock) -> AsyncIterator[Network]:
        async with Middleware().served() as network:
            yield network
