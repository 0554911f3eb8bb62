"""Callbacks reach the customer at least once, in order, whatever the endpoint does and whoever dies."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.engine.customer import OK, Customer, Request, answer, forever
from tests.engine.standins import StandIn
from tyrian.engine import callbacks as module
from tyrian.engine.callbacks import Callbacks
from tyrian.engine.egress import Guard
from tyrian.engine.egress_client import Client
from tyrian.store.callbacks import DONE, PARK, RETRY, Outcome
from tyrian.store.database import Database


class Running:
    """Callbacks at work, with each outcome as it becomes durable."""

    def __init__(self, gateway: StandIn, *, total: float) -> None:
        self.gateway = gateway
        client = Client(Guard(gateway.settings.allow_private_callbacks), total=total)
        self.callbacks = gateway.callbacks = Callbacks(gateway, client=client)
        self.outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        self.callbacks.on_outcome = self.outcomes.put_nowait
        self.task = asyncio.create_task(self.callbacks.run())

    async def next(self, verdict: int | None = None) -> Outcome:
        """The next outcome; it must be of this kind."""
        outcome = await asyncio.wait_for(self.outcomes.get(), 10)
        assert verdict is None or outcome.verdict == verdict, outcome
        return outcome

    async def report(self, url: str, status: str = "delivered", **more: Any) -> Any:
        message = await self.gateway.report(url, status, **more)
        self.callbacks.wake()
        return message

    async def advance(self, seconds: float) -> None:
        """Moves the clock. What waits for the database meanwhile looks at the clock once more."""
        await self.gateway.clock.advance(seconds)
        self.callbacks.wake()

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url)
    yield database
    await database.close()


@pytest.fixture
async def gateway(db: Database) -> StandIn:
    return await StandIn(db).open()


@asynccontextmanager
async def running(gateway: StandIn, *, total: float = 30.0) -> AsyncIterator[Running]:
    one = Running(gateway, total=total)
    try:
        yield one
    finally:
        await one.end()


# -- One callback -----------------------------------------------------------------------------------------------------


async def test_a_callback_is_delivered_and_its_exchange_kept(gateway: StandIn) -> None:
    async with Customer(answer(200, b"thank you", set_cookie="s=1")) as customer, running(gateway) as at_work:
        message = await at_work.report(customer.url)
        got = await customer.next()
        await at_work.next(DONE)
    assert got.line == "POST /hook HTTP/1.1"
    assert got.headers["x-signature"] == f"signed with secret-of-{gateway.account}"
    assert got.json["status"] == "delivered"
    assert await gateway.waiting() == []
    (event,) = await gateway.history(message)
    assert (event["type"], event["reason"], event["attempt_id"]) == ("callback_delivered", None, message)
    assert event["detail"] == {"callback_id": 1, "try": 1, "status": "delivered"}
    exchange = event["exchange"]
    assert exchange["url"] == customer.url
    assert exchange["status"] == 200
    assert "thank you" in exchange["response"]
    assert "set-cookie: ***" in exchange["response"]
    assert "x-signature: ***" in exchange["request"]
    assert '"status":"delivered"' in exchange["request"]
    assert exchange["ms"] >= 0


FAILURES: list[tuple[str, Any, str, str]] = [
    ("500", answer(500, b"oh no"), "endpoint_refused", "oh no"),
    ("404", answer(404), "endpoint_refused", ""),
    ("a redirect", answer(301, location="http://127.0.0.1:1/"), "endpoint_refused", "location"),
    ("garbage", b"not HTTP at all\r\n\r\n", "endpoint_unreachable", "no HTTP"),
    ("silence", forever, "endpoint_timeout", "in time"),
]


@pytest.mark.parametrize(("reply", "reason", "words"), [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES])
async def test_a_failure_is_told_and_tried_again_until_it_succeeds(
    gateway: StandIn, reply: Any, reason: str, words: str
) -> None:
    async with Customer(reply) as customer, running(gateway, total=0.2 if reply is forever else 30.0) as at_work:
        message = await at_work.report(customer.url)
        failed = await at_work.next(RETRY)
        customer.reply = OK
        assert 5 <= (failed.due_at - failed.at).total_seconds() <= 5.5
        await at_work.advance(5.5)
        await at_work.next(DONE)
    first, second = await gateway.history(message)
    assert (first["type"], first["reason"]) == ("callback_failed", reason)
    assert words in (first["exchange"]["response"] or "") + (first["exchange"]["error"] or "")
    assert first["detail"]["next_try_at"].startswith("2026-01-01T12:00:05")
    assert second["type"] == "callback_delivered"
    assert second["detail"]["try"] == 2


async def test_an_endpoint_that_is_not_there(gateway: StandIn, free_port: Callable[[], int]) -> None:
    async with running(gateway) as at_work:
        await at_work.report(f"http://127.0.0.1:{free_port()}/")
        assert (await at_work.next(RETRY)).reason == "endpoint_unreachable"


async def test_a_blocked_endpoint_is_an_outcome_of_its_own(gateway: StandIn) -> None:
    gateway.settings.allow_private_callbacks = ()
    async with Customer() as customer, running(gateway) as at_work:
        message = await at_work.report(customer.url)
        await at_work.next(RETRY)
    (event,) = await gateway.history(message)
    assert event["reason"] == "endpoint_blocked"
    assert "a loopback address" in event["exchange"]["error"]
    assert customer.requests == []


async def test_a_face_that_cannot_render_is_not_the_customers_fault_and_loses_nothing(gateway: StandIn) -> None:
    gateway.face.broken = True
    async with Customer() as customer, running(gateway) as at_work:
        message = await at_work.report(customer.url)
        assert (await at_work.next(RETRY)).reason == "not_rendered"
        gateway.face.broken = False
        await at_work.advance(6)
        await at_work.next(DONE)
    assert [e["reason"] for e in await gateway.history(message)] == ["not_rendered", None]


async def test_a_signing_secret_that_cannot_be_opened_is_told_and_not_tried_in_a_storm(gateway: StandIn) -> None:
    async def cannot_open(account_id: int, face: str) -> list[str]:
        raise ValueError("sealed with another key")

    gateway.keys.signing.signing_keys = cannot_open
    async with running(gateway) as at_work:
        message = await at_work.report("http://127.0.0.1:9/")
        assert (await at_work.next(RETRY)).reason == "not_rendered"
    (event,) = await gateway.history(message)
    assert "sealed with another key" in event["exchange"]["error"]


async def test_410_parks_at_once(gateway: StandIn) -> None:
    async with Customer(answer(410)) as customer, running(gateway) as at_work:
        message = await at_work.report(customer.url)
        await at_work.next(PARK)
        await at_work.advance(100_000)
    assert len(customer.requests) == 1
    (row,) = await gateway.waiting()
    assert (row["parked"], row["tries"], row["last_reason"]) == (True, 1, "endpoint_refused")
    assert [e["type"] for e in await gateway.history(message)] == ["callback_parked"]


async def test_retry_after_is_honoured(gateway: StandIn) -> None:
    async with Customer(answer(503, retry_after="600")) as customer, running(gateway) as at_work:
        await at_work.report(customer.url)
        failed = await at_work.next(RETRY)
        assert (failed.due_at - failed.at).total_seconds() == 600
        customer.reply = OK
        await at_work.advance(599)
        assert len(customer.requests) == 1
        await at_work.advance(2)
        await at_work.next(DONE)


async def test_a_day_of_failures_ends_parked_and_can_be_brought_again(gateway: StandIn) -> None:
    async def a_second_later(request: Request, writer: asyncio.StreamWriter) -> None:
        await gateway.clock.advance(1)
        writer.write(OK)

    async with Customer(answer(500)) as customer, running(gateway) as at_work:
        began = gateway.clock.now()
        message = await at_work.report(customer.url)
        outcome = await at_work.next(RETRY)
        while outcome.verdict == RETRY:
            await at_work.advance((outcome.due_at - gateway.clock.now()).total_seconds() + 0.1)
            outcome = await at_work.next()
        assert outcome.verdict == PARK
        assert 24 <= (gateway.clock.now() - began).total_seconds() / 3600 <= 30
        customer.reply = a_second_later
        await at_work.advance(1)
        other = gateway.account + 1
        assert not await at_work.callbacks.redeliver(other, outcome.id)
        assert not await at_work.callbacks.redeliver(gateway.account, outcome.id + 1)
        assert await at_work.callbacks.redeliver(gateway.account, outcome.id)
        await at_work.next(DONE)
    types = [e["type"] for e in await gateway.history(message)]
    assert types == ["callback_failed"] * (len(types) - 3) + [
        "callback_parked",
        "callback_redelivered",
        "callback_delivered",
    ]
    assert await gateway.waiting() == []


async def test_all_parked_callbacks_since_a_time_can_be_brought_again(gateway: StandIn) -> None:
    async with Customer(answer(410)) as customer, running(gateway) as at_work:
        await at_work.report(customer.url)
        await at_work.next(PARK)
        await at_work.advance(60)
        since = gateway.clock.now()
        for _ in range(3):
            await at_work.report(customer.url)
            await at_work.next(PARK)
        customer.reply = OK
        assert await at_work.callbacks.redeliver_all(gateway.account + 1) == 0
        assert await at_work.callbacks.redeliver_all(gateway.account, since) == 3
        for _ in range(3):
            await at_work.next(DONE)
        assert await at_work.callbacks.redeliver_all(gateway.account) == 1
        await at_work.next(DONE)


# -- Order ------------------------------------------------------------------------------------------------------------


async def test_callbacks_of_a_message_keep_their_order_through_failures(gateway: StandIn) -> None:
    refusals = 2

    async def refuse_twice(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal refusals
        refused = request.json["data"] == "sent" and refusals > 0
        refusals -= refused
        writer.write(answer(500) if refused else OK)

    async with Customer(refuse_twice) as customer, running(gateway) as at_work:
        message = await at_work.report(customer.url, "sent")
        await at_work.report(customer.url, "delivered", message=message)
        failed = await at_work.next(RETRY)
        await at_work.report(customer.url, "seen", message=message)
        await at_work.report(customer.url, "other")
        assert (await at_work.next(DONE)).id == 4, "another message is not held up"
        await at_work.advance((failed.due_at - failed.at).total_seconds())
        await at_work.next(RETRY)
        await at_work.advance(40)
        for _ in range(3):
            await at_work.next(DONE)
    assert [r.json["data"] for r in customer.requests] == ["sent", "other", "sent", "sent", "delivered", "seen"]


async def test_an_endpoint_in_trouble_does_not_hold_up_what_another_is_told_of_the_same_message(
    gateway: StandIn,
) -> None:
    """A person's message may go to several dialects' addresses, and `seen` to one of its own."""
    async with Customer(answer(500)) as ill, Customer() as well, running(gateway) as at_work:
        message = await at_work.report(ill.url, "received")
        await at_work.next(RETRY)
        await at_work.report(well.url, "received", message=message)
        await at_work.report(well.url, "seen", message=message)
        for _ in range(2):
            await at_work.next(DONE)
    assert [r.json["data"] for r in well.requests] == ["received", "seen"]


async def test_a_parked_callback_does_not_hold_up_later_ones_of_its_message(gateway: StandIn) -> None:
    async def gone(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(410) if request.json["data"] == "delivered" else OK)

    async with Customer(gone) as customer, running(gateway) as at_work:
        message = await at_work.report(customer.url, "delivered")
        await at_work.report(customer.url, "seen", message=message)
        await at_work.next(PARK)
        await at_work.next(DONE)
    assert [r.json["data"] for r in customer.requests] == ["delivered", "seen"]


async def test_followers_of_failing_heads_do_not_stand_in_the_way(gateway: StandIn) -> None:
    """A claim looks at a bounded number of rows: more followers than that must not hide one that may go."""
    async with Customer() as customer:
        for _ in range(40):
            message = await gateway.report(customer.url, "head", late=-900, tries=1)
            await gateway.report(customer.url, "follower", message=message, late=5)
        await gateway.db.execute(
            """INSERT INTO callbacks (message_id, account_id, endpoint_id, due_at, created_at, report)
            SELECT c.message_id, c.account_id, c.endpoint_id, c.due_at, c.created_at, c.report
            FROM callbacks c, generate_series(1, 24) WHERE c.tries = 0"""
        )
        async with running(gateway) as at_work:
            await at_work.report(customer.url, "alone")
            for _ in range(20):
                await at_work.advance(0.2)
                if customer.requests:
                    break
                await asyncio.sleep(0.02)
            assert (await customer.next()).json["data"] == "alone"
            await at_work.next(DONE)


# -- Who is delayed by whom -------------------------------------------------------------------------------------------


async def test_an_endpoint_that_hangs_delays_nobody_else(gateway: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_ROOM", 24)
    monkeypatch.setattr(module, "AGAIN_ROOM", 12)
    async with Customer(forever) as dead, Customer() as alive, running(gateway) as at_work:
        for number in range(60):
            await gateway.report(dead.url, tries=number % 2, late=60)
        at_work.callbacks.wake()
        for _ in range(6):
            await dead.next()
        for number in range(30):
            await gateway.report(alive.url, tries=number % 2)
        at_work.callbacks.wake()
        for _ in range(30):
            await at_work.next(DONE)
        assert len(alive.requests) == 30
        assert len(dead.requests) <= 12 + 6, "half of each pool at most"


async def test_many_endpoints_that_hang_leave_room_for_one_that_lives(
    gateway: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_ROOM", 64)
    async with Customer(forever) as dead, Customer() as alive, running(gateway) as at_work:
        for number in range(10):
            for _ in range(30):
                await gateway.report(f"{dead.url}/{number}", late=60)
            at_work.callbacks.wake()
            await dead.next()
        for _ in range(5):
            await at_work.report(alive.url)
            await at_work.next(DONE)


async def test_a_failing_endpoint_is_left_alone_and_then_asked_with_one(gateway: StandIn) -> None:
    async with Customer(answer(503)) as customer, running(gateway) as at_work:
        for _ in range(3):
            await at_work.report(customer.url)
            await at_work.next(RETRY)
        for _ in range(20):
            await at_work.report(customer.url)
        customer.reply = forever
        await at_work.advance(1.1)
        for _ in range(4):
            await customer.next()
        await at_work.advance(0.5)
        assert len(customer.requests) == 4, "one of the twenty asks whether it lives"
        customer.reply = answer(503)
        customer.hang_up()
        await at_work.next(RETRY)
        customer.reply = OK
        await at_work.advance(2.1)
        for _ in range(19):
            await at_work.next(DONE)


# -- Whoever dies -----------------------------------------------------------------------------------------------------


async def hold(gateway: StandIn, customer: Customer) -> Running:
    """A node that has claimed a callback and will never finish it, as if it had been killed."""
    dying = Running(gateway, total=30)
    await dying.report(customer.url)
    await customer.next()
    dying.callbacks.drain = nothing  # type: ignore[method-assign, assignment]
    await dying.end()
    for task in dying.callbacks._first._tasks:
        task.cancel()
    customer.reply = OK
    return dying


async def nothing(seconds: float) -> None:
    """Takes the place of a polite end."""


async def test_claims_of_a_killed_node_are_taken_over_once_its_lock_is_gone(
    gateway: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE", 0.0)
    async with Customer(forever) as customer:
        await hold(gateway, customer)
        async with running(gateway.another(2)) as at_work:
            await at_work.callbacks.sweep()
            await at_work.advance(0)
            await at_work.next(DONE)
    assert len(customer.requests) == 2


async def test_claims_run_out(gateway: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE", 3600.0)
    async with Customer(forever) as customer:
        await hold(gateway, customer)
        async with running(gateway.another(2)) as at_work:
            await at_work.advance(59)
            assert await at_work.callbacks.sweep() == 0
            await at_work.advance(3)
            await at_work.callbacks.sweep()
            await at_work.advance(0)
            await at_work.next(DONE)


async def test_a_claim_whose_answer_was_lost_is_freed_by_its_own_node(gateway: StandIn) -> None:
    async with Customer(forever) as customer:
        await hold(gateway, customer)
        async with running(gateway) as at_work:
            await at_work.callbacks.sweep()
            await at_work.callbacks.sweep()
            await at_work.advance(0)
            await at_work.next(DONE)


async def test_what_was_taken_over_is_not_written_down_by_the_one_who_lost_it(gateway: StandIn) -> None:
    async with Customer(forever) as customer, running(gateway, total=30) as slow:
        await slow.report(customer.url)
        await customer.next()
        await gateway.db.execute("UPDATE callbacks SET node = 2")
        customer.hang_up()
        customer.reply = OK
        await slow.report(customer.url)
        assert (await slow.next(DONE)).id == 2
    (row,) = await gateway.waiting()
    assert (row["id"], row["node"], row["tries"]) == (1, 2, 0)


async def test_a_polite_end_finishes_what_it_can_and_gives_the_rest_back(gateway: StandIn) -> None:
    async with Customer(forever) as slow, Customer() as quick, running(gateway) as at_work:
        await at_work.report(slow.url)
        await slow.next()
        await at_work.callbacks.drain(0.1)
        await at_work.report(quick.url)
        await at_work.advance(5)
        assert quick.requests == [], "nothing more is taken up"
    assert [(row["leased_until"], row["tries"]) for row in await gateway.waiting()] == [(None, 0), (None, 0)]


async def test_work_goes_on_after_the_database_was_away(gateway: StandIn, database_url: str) -> None:
    async with Customer() as customer, running(gateway) as at_work:
        await at_work.report(customer.url)
        await at_work.next(DONE)
        killer = await asyncpg.connect(database_url)
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'tyrian%'"
        )
        await killer.close()
        fresh = await Database.open(database_url)
        await gateway.another(9, fresh).report(customer.url)
        await fresh.close()
        await at_work.advance(3)
        await at_work.next(DONE)


async def test_many_callbacks_all_arrive_once(gateway: StandIn) -> None:
    async with Customer() as customer, running(gateway) as at_work:
        messages = [await gateway.report(customer.url, "delivered") for _ in range(150)]
        for message in messages:
            await gateway.report(customer.url, "seen", message=message)
        at_work.callbacks.wake()
        for _ in range(300):
            await at_work.next(DONE)
        assert at_work.callbacks.delivered == 300
    assert len({r.body for r in customer.requests}) == len(customer.requests) == 300
    order = {m: [r.json["data"] for r in customer.requests if r.json["message"] == str(m)] for m in messages}
    assert all(states == ["delivered", "seen"] for states in order.values())
    assert await gateway.waiting() == []
