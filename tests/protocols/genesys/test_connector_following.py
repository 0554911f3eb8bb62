"""What became of messages without an agent: asked for at the right times, told once, and never at the cost of sends."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.protocols.genesys.test_connector import INTEGRATION, TO, Asked, Organisation, organisation, outgoing, said
from tyrian.domain import content as neutral
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.outbound import Outbound
from tyrian.engine.ports import Channel, Receipt, Tools
from tyrian.protocols.genesys import connector_following as following
from tyrian.protocols.genesys.connector import GenesysConnector

DETAILS = "/api/v2/conversations/messages/g-1/details"


class Sink:
    """Notes receipts, or fails to commit them."""

    def __init__(self) -> None:
        self.told: list[Receipt] = []
        self.failures = 0

    async def receipts(self, channel: Channel, receipts: Sequence[Receipt]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is away")
        self.told += receipts

    async def inbound(self, channel: Channel, messages: Sequence[Any]) -> None:
        raise AssertionError("nobody writes here")


def connector(there: Organisation, sink: Sink, **config: Any) -> GenesysConnector:
    settings = {
        "integration_id": INTEGRATION,
        "client_id": "client",
        "base_url": there.url,
        "mode": "agentless",
        **config,
    }
    tools = Tools(there.clock, sink, "https://gateway.example.com")
    return GenesysConnector(Channel(7, 1, "c", "genesys", settings | config, {"client_secret": "x"}), tools)


def answering(*statuses: Any) -> Callable[[Asked], Any]:
    """Each status once, in order; the last from then on. A whole answer stands for itself."""
    left = list(statuses)

    def answer(asked: Asked) -> Any:
        if not asked.path.endswith("/details"):
            return said(200, {"id": "g-1"})
        status = left.pop(0) if len(left) > 1 else left[0]
        return status if isinstance(status, tuple) else said(200, {"id": "g-1", "status": status})

    return answer


def questions(there: Organisation) -> int:
    return there.paths().count(DETAILS)


async def settled(there: Organisation, look: Callable[[], bool]) -> None:
    """Real time passes, and none of the clock's, until something is so."""
    for _ in range(1000):
        if look():
            return
        await asyncio.sleep(0.002)
    raise AssertionError(there.paths())


async def passes(there: Organisation, seconds: float, number: int) -> None:
    """So many seconds pass, after which so many questions were asked in all."""
    for _ in range(int(seconds / 5)):
        await there.clock.advance(5)
    await settled(there, lambda: questions(there) >= number)
    await asyncio.sleep(0.02)
    assert questions(there) == number


async def test_a_delivery_and_a_look_are_told_once_each() -> None:
    sink = Sink()
    async with organisation(answer=answering("queued", "delivery-success", "delivery-success", "read")) as there:
        one = connector(there, sink)
        await one.send(outgoing(neutral.Text(text="Hi")))
        for number, wait in enumerate(following.WAITS[:4]):
            await passes(there, wait, number + 1)
        await passes(there, 40_000, 4)
        await one.close()
    assert [(r.ref, r.kind, r.reason, r.person) for r in sink.told] == [
        ("g-1", ReceiptKind.DELIVERED, None, TO),
        ("g-1", ReceiptKind.SEEN, None, TO),
    ]


FAILURE = {
    "status": "delivery-failed",
    "normalizedReceipts": [
        {"status": "Sent"},
        {"status": "Failed", "reasons": [{"code": "InvalidDestination", "message": "x"}]},
    ],
}
FAILED: list[tuple[Any, str]] = [(said(200, FAILURE), "invalid_recipient"), ("failed", "network_failed")]


@pytest.mark.parametrize(("answer", "reason"), FAILED)
async def test_a_failure_with_its_reason(answer: Any, reason: str) -> None:
    sink = Sink()
    async with organisation(answer=answering(answer)) as there:
        one = connector(there, sink)
        await one.send(outgoing(neutral.Text(text="Hi")))
        await passes(there, 5, 1)
        await passes(there, 40_000, 1)
        await one.close()
    assert [(r.kind, r.reason) for r in sink.told] == [(ReceiptKind.FAILED, reason)]


async def test_a_message_that_nothing_is_known_of_is_given_up() -> None:
    sink = Sink()
    odd = [said(404), said(500), said(200, b"<html>"), said(200, {"status": 7}), "queued", "queued"]
    async with organisation(answer=answering(*odd)) as there:
        one = connector(there, sink)
        await one.send(outgoing(neutral.Text(text="Hi")))
        for number, wait in enumerate(following.WAITS):
            await passes(there, wait, number + 1)
        await passes(there, 40_000, len(following.WAITS))
        await one.close()
    assert sink.told == []


async def test_genesys_may_ask_for_patience() -> None:
    sink = Sink()
    async with organisation(answer=answering(said(429, retry_after="30"), "read")) as there:
        one = connector(there, sink)
        await one.send(outgoing(neutral.Text(text="Hi")))
        await passes(there, 5, 1)
        await passes(there, 25, 1)
        await passes(there, 10, 2)
        await settled(there, lambda: bool(sink.told))
        await one.close()
    assert [r.kind for r in sink.told] == [ReceiptKind.SEEN]


async def test_a_receipt_that_cannot_be_stored_is_asked_for_again() -> None:
    sink = Sink()
    sink.failures = 1
    async with organisation(answer=answering("delivery-success")) as there:
        one = connector(there, sink)
        await one.send(outgoing(neutral.Text(text="Hi")))
        await passes(there, 5, 1)
        await passes(there, 25, 2)
        await settled(there, lambda: bool(sink.told))
        await one.close()
    assert [r.kind for r in sink.told] == [ReceiptKind.DELIVERED]


async def test_nobody_is_asked_where_that_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with organisation(answer=answering("read")) as there:
        for config in ({"ask_status": False}, {"mode": "open"}):
            one = connector(there, Sink(), **config)
            await one.send(outgoing(neutral.Text(text="Hi")))
            await passes(there, 60, 0)
            await one.close()
        monkeypatch.setattr(following, "MOST", 0)
        one = connector(there, Sink())
        await one.send(outgoing(neutral.Text(text="Hi")))
        await passes(there, 60, 0)
        await one.close()


async def test_questions_about_ever_new_messages_take_no_more_memory() -> None:
    async with organisation() as there:
        client = Outbound(there.url, headers={}, timeout=5, connect_timeout=5)
        for number in range(600):
            await client.request("GET", f"/{number}")
        assert len(client._targets) <= 256
        assert len(client._heads) <= 256
        client.close()
