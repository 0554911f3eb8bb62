"""Infobip as the conformance suite plays it: business messages by default, bots with the other product."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.conformance.http_network import HttpNetwork
from tests.conformance.subject import Feature, Network, Subject, receipts_of
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import Clock
from tyrian.protocols.infobip import wire
from tyrian.protocols.infobip.channel import kind

KEY: Final = "b2f5e1c7a9d04e6f8a1b3c5d7e9f0a2b-key-of-the-test"
TOKEN: Final = "token-of-the-callbacks"
SENDER: Final = "Shop"
_STATUSES: Final = {
    ReceiptKind.DELIVERED: (3, "DELIVERED", 5, "DELIVERED_TO_HANDSET", 0),
    ReceiptKind.FAILED: (2, "UNDELIVERABLE", 9, "UNDELIVERABLE_NOT_DELIVERED", 810),
    ReceiptKind.EXPIRED: (4, "EXPIRED", 15, "EXPIRED_EXPIRED", 4101),
}


def status(group: int, name: str, number: int, word: str) -> dict[str, Any]:
    return {"groupId": group, "groupName": name, "id": number, "name": word, "description": "words"}


class Infobip(HttpNetwork):
    """The service. Its reports come to the address that came with the message, which has the token in it."""

    def __init__(self, product: str, path: str) -> None:
        super().__init__()
        self.product = product
        self.path = path
        self._webhook = ""

    def config(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "sender": SENDER, "product": self.product}

    def secrets(self) -> dict[str, str]:
        return {"api_key": KEY, "callback_token": TOKEN}

    def attached(self, hook_url: str) -> None:
        self.hook_url = f"{hook_url}?token={TOKEN}"

    def accept(self, request: Any) -> tuple[str, Any]:
        (message,) = request["messages"]
        (destination,) = message["destinations"]
        assert message["webhooks"]["delivery"]["url"] == self.hook_url
        taken = destination["messageId"] in self.refs()
        said = (5, "REJECTED", 23, "REJECTED_DUPLICATE_MESSAGE_ID") if taken else (1, "PENDING", 26, "PENDING_ACCEPTED")
        outcome = {
            "messageId": destination["messageId"],
            "status": status(*said),
            "destination": destination["to"],
        }
        return destination["messageId"], {"bulkId": "b-1", "messages": [outcome]}

    def refuse(self, request: Any) -> tuple[int, Any]:
        destination = request["messages"][0]["destinations"][0]
        outcome = {
            "messageId": destination["messageId"],
            "status": status(5, "REJECTED", 11, "REJECTED_SOURCE"),
            "destination": destination["to"],
        }
        return 200, {"bulkId": "b-1", "messages": [outcome]}

    def report(self, ref: str, kind: ReceiptKind) -> Any:
        if kind is ReceiptKind.SEEN:
            return {"results": [{"messageId": ref, "from": "385991234500", "to": SENDER}
                                | {"seenAt": "2026-01-01T12:00:00.000+0000"}]}  # fmt: skip
        group, name, number, word, code = _STATUSES[kind]
        error = {"groupId": 1, "groupName": "HANDSET_ERRORS", "id": code, "name": "EC", "description": "words"}
        result = {"messageId": ref, "status": status(group, name, number, word), "error": error | {"permanent": True}}
        return {"results": [result | {"doneAt": "2026-01-01T12:00:00.000+0000"}]}

    async def forged(self, ref: str, kind: ReceiptKind) -> None:
        right = self.hook_url
        for wrong in (right.partition("?")[0], right + "x", right.replace(TOKEN, "")):
            self.hook_url = wrong
            try:
                await super().receipt(ref, kind)
            except AssertionError:
                continue
            finally:
                self.hook_url = right
            raise AssertionError(f"the gateway takes reports at {wrong}")


class InfobipSubject(Subject):
    """One of the two products."""

    kind = kind
    refusal = "sender_not_found"

    def __init__(self, product: str, path: str, to: str) -> None:
        self.name = f"infobip_{product}"
        self.to = to
        self._product, self._path = product, path
        self.features = receipts_of(kind, {"product": product}) | {
            Feature.SIGNED,
            Feature.RETRY_AFTER,
            Feature.NAMES_REPEATS,
        }

    @asynccontextmanager
    async def network(self, clock: Clock) -> AsyncIterator[Network]:
        async with Infobip(self._product, self._path).served() as network:
            yield network


SUBJECTS: Final = (
    InfobipSubject("viber", wire.BUSINESS_MESSAGES, "+385991234500"),
    InfobipSubject("viber_bot", wire.BOT_MESSAGES, "SirE8dEwjQEda4/VugaE+A=="),
)
