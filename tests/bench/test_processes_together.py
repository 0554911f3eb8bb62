"""Generator and upstream against each other, as the processes that they are: nothing lost, everything counted once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench import child, generator, upstream, wire
from bench.board import Board, Count, Shared
from bench.histogram import Histogram
from bench.orders import TOKEN, Sends

SIZE = 10_000


class Place:
    """A board and the times of arrivals."""

    def __init__(self, folder: Path) -> None:
        self.board = Board(folder / "board", make=True)
        self.arrivals = Shared(folder / "arrivals", SIZE, make=True)
        self.times = Shared(folder / "times", 2 * SIZE, make=True)

    def count(self, count: Count) -> int:
        return self.board.values[count]

    @asynccontextmanager
    async def upstream(self, **more: Any) -> AsyncIterator[child.Child]:
        spec = upstream.Spec(board=str(self.board.path), arrivals=str(self.arrivals.path), size=SIZE, **more)
        async with child.started("bench.upstream", spec) as running:
            yield running

    async def generate(self, port: int, **more: Any) -> generator.Result:
        maker, board = Sends(upstream.SEND_PATH), str(self.board.path)
        spec = generator.Spec(port=port, board=board, maker=maker, connections=8, expect=200, **more)
        async with child.started("bench.generator", spec) as running:
            return msgspec.convert(await running.done(), generator.Result)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("more", [{}, {"rate": 20_000.0}, {"window": 20}], ids=["closed", "open", "window"])
async def test_every_request_arrives_once_and_is_answered(place: Place, more: dict[str, Any]) -> None:
    async with place.upstream() as provider:
        result = await place.generate(provider.facts["port"], count=2000, first=100, **more)
    assert (result.issued, result.answered, result.refused, result.lost) == (2000, 2000, 0, 0)
    assert (place.count(Count.ISSUED), place.count(Count.ANSWERED), place.count(Count.POSTS)) == (2000, 2000, 2000)
    assert place.count(Count.POSTS_AGAIN) == 0
    assert all(place.arrivals.values[n] for n in range(100, 2100))
    assert not any(place.arrivals.values[:100])
    assert Histogram.load(result.latency).count == 2000


async def test_times_tell_when_each_was_due_and_answered(place: Place) -> None:
    times = {"times": str(place.times.path), "times_size": len(place.times.values)}
    async with place.upstream(delay=0.02) as provider:
        await place.generate(provider.facts["port"], count=50, rate=5000.0, **times)
    due, answered = place.times.values[0:100:2].tolist(), place.times.values[1:100:2].tolist()
    arrived = place.arrivals.values[:50].tolist()
    assert all(a <= b <= c for a, b, c in zip(due, arrived, answered, strict=True))
    assert {b - a for a, b in pairwise(due)} == {200_000}
    assert min(c - b for b, c in zip(arrived, answered, strict=True)) >= 15_000_000


async def test_a_message_that_comes_twice_is_counted_as_such(place: Place) -> None:
    async with place.upstream() as provider:
        for _ in range(2):
            await place.generate(provider.facts["port"], count=30)
    assert (place.count(Count.POSTS), place.count(Count.POSTS_AGAIN)) == (30, 30)


async def test_the_model_of_a_backlog_is_answered_and_not_counted(place: Place) -> None:
    async with place.upstream(model=3) as provider:
        result = await place.generate(provider.facts["port"], count=5)
    assert (result.answered, place.count(Count.POSTS), place.count(Count.POSTS_AGAIN)) == (5, 4, 0)


async def test_answers_that_were_not_expected_are_reported(place: Place) -> None:
    server, port = await wire.serve(lambda *_: wire.answer(b'{"title":"no"}', "422 Unprocessable Content"))
    result = await place.generate(port, count=10)
    server.close()
    assert (result.answered, result.refused, result.example) == (0, 10, '422 {"title":"no"}')


async def test_each_message_gets_its_receipts_in_order_and_again_if_they_were_refused(place: Place) -> None:
    receipts: list[dict[str, Any]] = []
    everything = asyncio.Event()

    def hook(served: wire.Served, head: bytes, body: bytes) -> bytes:
        receipts.append(msgspec.json.decode(body))
        if len(receipts) == 41:
            everything.set()
        return wire.answer(b"", "503 Service Unavailable" if len(receipts) == 1 else "200 OK")

    server, port = await wire.serve(hook)
    more = {"hook_port": port, "hook_path": "/hooks/1", "delivered_after": 0.0, "seen_after": 0.01}
    async with place.upstream(**more) as provider:
        await place.generate(provider.facts["port"], count=20)
        await everything.wait()
        await provider.stop()
    server.close()
    told = [(int(r["message_token"]) - TOKEN, r["message_status"]) for r in receipts[1:]]
    assert sorted(told) == [(n, status) for n in range(20) for status in (0, 1)]
    assert all(told.index((n, 0)) < told.index((n, 1)) for n in range(20))
    assert (place.count(Count.RECEIPTS), place.count(Count.RECEIPTS_REFUSED)) == (40, 1)
    assert receipts[0]["phone_number"].startswith("38599")


async def test_the_customer_counts_each_report_once_and_each_message_when_both_have_come(place: Place) -> None:
    async with place.upstream() as provider:
        answers: asyncio.Queue[Any] = asyncio.Queue()
        pool = wire.Pool("127.0.0.1", provider.facts["port"], 1, lambda *answer: answers.put_nowait(answer))
        for status, n in (("delivered", 4), ("seen", 4), ("seen", 4), ("delivered", 5)):
            body = f'{{"message":{{"status":"{status}"}},"data":"bench {n:010d}"}}'.encode()
            pool.submit(wire.request("POST", upstream.CUSTOMER_PATH, body))
            assert (await answers.get())[1] == 200
        await pool.close()
    assert (place.count(Count.CALLBACKS), place.count(Count.CALLBACKS_AGAIN), place.count(Count.COMPLETED)) == (3, 1, 1)


async def test_a_child_that_cannot_start_is_reported(tmp_path: Path) -> None:
    spec = upstream.Spec(board=str(tmp_path / "missing"), arrivals=str(tmp_path / "missing"), size=1)
    with pytest.raises(RuntimeError, match="ended before it was ready"):
        async with child.started("bench.upstream", spec):
            pass
