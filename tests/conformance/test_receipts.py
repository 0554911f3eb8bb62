"""What networks report, in every order in which they do it, and what each comes to."""

import pytest

from tests.conformance.house import Case
from tests.conformance.subject import Feature, Row, each, needs
from tyrian.domain.lifecycle import ReceiptKind

pytestmark = pytest.mark.asyncio(loop_scope="session")

D, S, F, E = ReceiptKind.DELIVERED, ReceiptKind.SEEN, ReceiptKind.FAILED, ReceiptKind.EXPIRED
EXPIRED, FAILED = "expired:network_expired", "failed:network_failed"
LATE_F, LATE_E = "late_receipt:network_failed", "late_receipt:network_expired"

ROWS = (
    #   title                        receipts   status       events after `sent`     reports after `sent`
    Row("delivered",                 (D,),      "delivered", "delivered",            "delivered"),
    Row("delivered and seen",        (D, S),    "seen",      "delivered seen",       "delivered seen"),
    Row("seen without delivered",    (S,),      "seen",      "seen",                 "seen"),
    Row("seen before delivered",     (S, D),    "seen",      "seen delivered",       "seen"),
    Row("failed",                    (F,),      FAILED,      FAILED,                 "failed"),
    Row("expired",                   (E,),      EXPIRED,     EXPIRED,                "expired"),
    # Twice
    Row("delivered twice",           (D, D),    "delivered", "delivered",            "delivered"),
    Row("seen twice",                (D, S, S), "seen",      "delivered seen",       "delivered seen"),
    Row("delivered again when seen", (S, D, D), "seen",      "seen delivered",       "seen"),
    Row("failed twice",              (F, F),    FAILED,      FAILED,                 "failed"),
    Row("expired twice",             (E, E),    EXPIRED,     EXPIRED,                "expired"),
    # After the end
    Row("failed after delivered",    (D, F),    "delivered", f"delivered {LATE_F}",  "delivered"),
    Row("expired after delivered",   (D, E),    "delivered", f"delivered {LATE_E}",  "delivered"),
    Row("failed after seen",         (S, F),    "seen",      f"seen {LATE_F}",       "seen"),
    Row("expired after seen",        (S, E),    "seen",      f"seen {LATE_E}",       "seen"),
    Row("delivered after failed",    (F, D),    FAILED,      f"{FAILED} late_receipt",  "failed"),
    Row("delivered after expired",   (E, D),    EXPIRED,     f"{EXPIRED} late_receipt", "expired"),
    Row("seen after failed",         (F, S),    FAILED,      f"{FAILED} late_receipt",  "failed"),
    Row("seen after expired",        (E, S),    EXPIRED,     f"{EXPIRED} late_receipt", "expired"),
    Row("late ones twice",           (E, D, D), EXPIRED,     f"{EXPIRED} late_receipt", "expired"),
    Row("expired after failed",      (F, E),    FAILED,      f"{FAILED} {LATE_E}",   "failed"),
)  # fmt: skip


@each(ROWS)
async def test_receipts_one_after_the_other(case: Case, row: Row) -> None:
    message, ref = await case.sent()
    await case.told(ref, *row.receipts)
    await case.comes_to(
        message,
        row.status,
        attempts=[row.status],
        events=["sent", *row.events.split()],
        reports=["sent", *row.reports.split()],
    )


@needs(Feature.DELIVERED)
async def test_a_receipt_that_comes_before_the_answer_to_its_send(case: Case) -> None:
    case.network.hold()
    message = await case.send()
    ref = await case.taken()
    await case.told(ref, D)
    assert (await case.story(message)).events == []
    assert await case.parked() == 1
    case.network.release()
    await case.comes_to(
        message, "delivered", attempts=["delivered"], events=["sent", "delivered"], reports=["sent", "delivered"]
    )
    assert await case.parked() == 0


@needs(Feature.DELIVERED)
async def test_a_receipt_after_the_fallback_went_out(case: Case) -> None:
    message, ref = await case.sent(fallback_time=60)
    case.time_passes(60)
    late = "fallback_time_passed"
    begun = ["sent", f"expired:{late}", f"fallback:{late}", "sent"]
    await case.comes_to(message, "sent", attempts=[f"expired:{late}", "sent"], events=begun, reports=["sent", "sent"])
    await case.told(ref, D, D)
    begun.append("late_receipt")
    await case.comes_to(message, "sent", attempts=[f"expired:{late}", "sent"], events=begun, reports=["sent", "sent"])
    await case.receipt_aside(message, D)
    await case.comes_to(
        message,
        "delivered",
        attempts=[f"expired:{late}", "delivered"],
        events=[*begun, "delivered"],
        reports=["sent", "sent", "delivered"],
    )


@needs(Feature.DELIVERED)
async def test_a_receipt_after_the_fallback_was_delivered(case: Case) -> None:
    message, ref = await case.sent(fallback_time=60)
    case.time_passes(60)
    late = "fallback_time_passed"
    await case.happened(message, "sent", f"expired:{late}", f"fallback:{late}", "sent")
    await case.receipt_aside(message, D)
    await case.told(ref, D)
    await case.comes_to(
        message,
        "delivered",
        attempts=[f"expired:{late}", "delivered"],
        events=["sent", f"expired:{late}", f"fallback:{late}", "sent", "delivered", "late_receipt"],
        reports=["sent", "sent", "delivered"],
    )


@needs(Feature.DELIVERED)
async def test_a_delivery_in_time_needs_no_fallback(case: Case) -> None:
    message, ref = await case.sent(fallback_time=60)
    await case.told(ref, D)
    case.time_passes(120)
    await case.comes_to(
        message, "delivered", attempts=["delivered"], events=["sent", "delivered"], reports=["sent", "delivered"]
    )


@needs(Feature.FAILED)
async def test_a_failure_goes_to_the_next_step(case: Case) -> None:
    await _next_step(case, F, FAILED)


@needs(Feature.EXPIRED)
async def test_an_expiry_goes_to_the_next_step(case: Case) -> None:
    await _next_step(case, E, EXPIRED)


async def _next_step(case: Case, kind: ReceiptKind, ended: str) -> None:
    message, ref = await case.sent(aside=True)
    await case.told(ref, kind)
    await case.comes_to(
        message,
        "sent",
        attempts=[ended, "sent"],
        events=["sent", ended, f"fallback:{ended.partition(':')[2]}", "sent"],
        reports=["sent", "sent"],
    )


async def test_no_receipt_ever(case: Case) -> None:
    message, _ = await case.sent(validity=60)
    case.time_passes(60)
    late = "expired:validity_passed"
    await case.comes_to(message, late, attempts=[late], events=["sent", late], reports=["sent", "expired"])


@needs(Feature.DELIVERED)
async def test_nonsense_where_receipts_are_awaited(case: Case) -> None:
    message, ref = await case.sent()
    before = await case.story(message)
    await case.told_nonsense()
    assert await case.story(message) == before
    assert await case.parked() == 0
    await case.told(ref, D)
    await case.comes_to(
        message, "delivered", attempts=["delivered"], events=["sent", "delivered"], reports=["sent", "delivered"]
    )


@needs(Feature.DELIVERED, Feature.SIGNED)
async def test_a_receipt_with_a_wrong_signature(case: Case) -> None:
    message, ref = await case.sent()
    before = await case.story(message)
    await case.told_lies(ref, D)
    assert await case.story(message) == before
    assert await case.parked() == 0
    await case.told(ref, D)
    await case.comes_to(
        message, "delivered", attempts=["delivered"], events=["sent", "delivered"], reports=["sent", "delivered"]
    )
