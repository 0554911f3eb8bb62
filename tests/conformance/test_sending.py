"""How networks answer sends, or do not, and what each answer comes to."""

from uuid import UUID

import pytest

from tests.conformance.house import Case
from tests.conformance.subject import LATER, Answer, Feature, needs
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.purpose import UncertainPolicy

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Wall-clock seconds that silence takes to be understood.
BRIEF = 0.5


async def test_refused(case: Case) -> None:
    case.network.answers(Answer.REFUSE)
    message = await case.send()
    refused = f"failed:{case.subject.refusal}"
    await case.comes_to(message, refused, attempts=[refused], events=[refused], reports=["failed"])
    assert case.network.refs() == []


async def test_refused_goes_to_the_next_step_at_once(case: Case) -> None:
    case.network.answers(Answer.REFUSE)
    message = await case.send(aside=True)
    why = case.subject.refusal
    await case.comes_to(
        message,
        "sent",
        attempts=[f"failed:{why}", "sent"],
        events=[f"failed:{why}", f"fallback:{why}", "sent"],
        reports=["sent"],
    )


async def test_throttled_then_taken(case: Case) -> None:
    case.network.answers(Answer.THROTTLE)
    message = await case.send()
    assert await case.next_try(message) >= 1
    await case.comes_to(message, "sent", attempts=["sent"], events=["retry:throttled", "sent"], reports=["sent"])
    assert len(case.network.refs()) == 1


@needs(Feature.RETRY_AFTER)
async def test_throttled_with_a_time_to_wait(case: Case) -> None:
    case.network.answers(Answer.LATER)
    message = await case.send()
    assert await case.next_try(message) == LATER
    await case.comes_to(message, "sent", attempts=["sent"], events=["retry:throttled", "sent"], reports=["sent"])


async def test_trouble_at_the_network_twice_then_taken(case: Case) -> None:
    case.network.answers(Answer.ERROR, Answer.ERROR)
    message = await case.send()
    trouble = "retry:provider_error"
    await case.happened(message, trouble)
    first = await case.next_try(message)
    await case.happened(message, trouble, trouble)
    assert await case.next_try(message) >= first
    await case.comes_to(message, "sent", attempts=["sent"], events=[trouble, trouble, "sent"], reports=["sent"])
    assert len(case.network.refs()) == 1


async def test_no_answer_and_the_channel_gives_up(case: Case) -> None:
    case.network.answers(Answer.SILENCE)
    await _uncertain(case, "no_answer", patience=BRIEF)


async def test_an_answer_cut_off_and_the_channel_gives_up(case: Case) -> None:
    case.network.answers(Answer.CUT)
    await _uncertain(case, "no_answer")


async def test_a_garbled_answer_and_the_channel_gives_up(case: Case) -> None:
    case.network.answers(Answer.GARBAGE)
    await _uncertain(case, case.subject.garbled)


async def _uncertain(case: Case, reason: str, patience: float | None = None) -> None:
    await case.connect(patience=patience, uncertain=UncertainPolicy.FAIL)
    await case.healthy()
    message = await case.send(aside=True)
    await case.comes_to(
        message,
        "sent",
        attempts=[f"uncertain:{reason}", "sent"],
        events=[f"uncertain:{reason}", f"fallback:{reason}", "sent"],
        reports=["sent"],
    )
    assert len(case.network.refs()) == 1


async def test_no_answer_and_the_channel_sends_again(case: Case) -> None:
    message = await _sent_again(case)
    await case.comes_to(message, "sent", attempts=["sent"], events=["uncertain:no_answer", "sent"], reports=["sent"])


@needs(Feature.NAMES_REPEATS, Feature.DELIVERED)
async def test_what_was_sent_again_is_delivered(case: Case) -> None:
    message = await _sent_again(case)
    await case.status(message, "sent")
    await case.told(case.network.refs()[-1], ReceiptKind.DELIVERED)
    await case.comes_to(
        message,
        "delivered",
        attempts=["delivered"],
        events=["uncertain:no_answer", "sent", "delivered"],
        reports=["sent", "delivered"],
    )


async def _sent_again(case: Case) -> UUID:
    case.network.answers(Answer.SILENCE)
    await case.connect(patience=BRIEF, uncertain=UncertainPolicy.RESEND)
    await case.healthy()
    message = await case.send()
    await case.happened(message, "uncertain:no_answer")
    await case.be_patient(10)
    await case.next_try(message)
    return message


async def test_nobody_there_then_taken(case: Case) -> None:
    await case.network.shut()
    message = await case.send()
    await case.happened(message, "retry:provider_unreachable")
    await case.network.open()
    await case.next_try(message)
    await case.comes_to(
        message, "sent", attempts=["sent"], events=["retry:provider_unreachable", "sent"], reports=["sent"]
    )


async def test_nobody_there_until_the_time_is_over(case: Case) -> None:
    await case.network.shut()
    message = await case.send(fallback_time=60)
    await case.happened(message, "retry:provider_unreachable")
    case.time_passes(60)
    await case.status(message, "sent")
    story = await case.story(message)
    assert story.events[-2:] == [f"fallback:{story.attempts[0].partition(':')[2]}", "sent"]
    assert story.attempts[0] in ("failed:provider_unreachable", "expired:fallback_time_passed")
    assert story.reports == ["sent"]
    assert case.network.refs() == []


async def test_a_channel_goes_on_after_its_connections_broke(case: Case) -> None:
    await case.sent()
    await case.network.shut()
    await case.network.open()
    await case.healthy()
    message = await case.send()
    await case.comes_to(message, "sent", attempts=["sent"], events=["sent"], reports=["sent"])


async def test_the_channel_tells_whether_it_can_work(case: Case) -> None:
    entry = await case.connect()
    await case.healthy()
    await case.network.shut()
    health = await case.house.gateway.channels.check(entry)
    assert not health.ok
    assert health.detail.endswith(".")
    await case.network.open()
    await case.healthy()


@needs(Feature.DELIVERED)
async def test_every_exchange_can_be_shown_without_secrets(case: Case) -> None:
    case.network.answers(Answer.ERROR)
    message = await case.send()
    await case.next_try(message)
    await case.status(message, "sent")
    await case.told(await case.taken(), ReceiptKind.DELIVERED)
    failed, taken, receipt = await case.exchanges(message)
    for exchange in (failed, taken):
        assert "Your order is on its way" in exchange["request"]
        assert case.subject.to.removeprefix("+") in exchange["request"]
        assert exchange["ms"] >= 0
    assert case.network.refs()[0] in taken["response"]
    assert receipt["response"]
    shown = str([failed, taken, receipt])
    assert [secret for secret in case.network.secrets().values() if secret in shown] == []
