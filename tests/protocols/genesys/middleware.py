"""A middleware on loopback: an Open Messaging integration of one account, and what its webhook was brought."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.protocols.genesys.conftest import Answer, Api
from tests.simulator.serving import Hit

OPEN = "conversations/messaging/integrations/open"
TOKEN = "a-token-that-signs-webhooks"
AT = "2026-11-21T12:00:00.000Z"


def signature(body: bytes, token: str = TOKEN) -> str:
    return "sha256=" + base64.b64encode(hmac.new(token.encode(), body, hashlib.sha256).digest()).decode()


def sender(person: str = "customer-7", **more: Any) -> dict[str, Any]:
    """The `channel` of what a person does."""
    return {
        "from": {"id": person, "idType": "Opaque", "nickname": "Ana"},
        "time": AT,
        "messageId": str(uuid4()),
        **more,
    }


@dataclass
class Middleware:
    """One integration."""

    api: Api
    body: Any
    got: list[Hit] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def channel(self) -> Any:
        entries = self.api.gateway.channels.all()
        return next(
            e for e in entries if e.channel.account_id == self.api.account_id and e.channel.kind == "open_messaging"
        )

    async def bring(self, what: str, body: Any, **more: Any) -> Answer:
        """Brings something to the integration."""
        return await self.api.post(f"conversations/messages/{self.id}/inbound/open/{what}", body, **more)

    async def says(self, text: str, person: str = "customer-7") -> Any:
        """A person writes; the answer, with the conversation's id."""
        path = "message?prefetchConversationId=true"
        answer = await self.bring(path, {"channel": sender(person), "text": text})
        assert answer.status == 200, answer.raw
        return answer.body

    async def brought(self, kind: str, count: int = 1) -> list[Any]:
        """The webhooks of a type, once there are so many; each is signed."""

        def look() -> list[Hit]:
            while not self.api.webhook.hits.empty():
                self.got.append(self.api.webhook.hits.get_nowait())
            found = [hit for hit in self.got if hit.json["type"] == kind]
            return found if len(found) >= count else []

        requests = await self.api.until(look)
        for request in requests:
            assert request.headers["x-hub-signature-256"] == signature(request.body)
        return [request.json for request in requests]


async def integrated(api: Api, **more: Any) -> Middleware:
    """An integration whose webhook is the account's."""
    answer = await api.post(OPEN, {**request(api), **more})
    assert answer.status == 200, answer.raw
    return Middleware(api, answer.body)


def request(api: Api) -> dict[str, Any]:
    return {
        "name": "Shop",
        "outboundNotificationWebhookUrl": f"{api.webhook.url}/out?of=shop",
        "outboundNotificationWebhookSignatureSecretToken": TOKEN,
    }
