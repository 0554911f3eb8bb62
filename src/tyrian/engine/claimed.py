"""A claimed attempt as each part of a send sees it: its row, the lifecycle, its content, and what its result means."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tyrian.domain import lifecycle as rules
from tyrian.domain.content import Base as Content
from tyrian.domain.purpose import DEFAULT_UNCERTAIN, Purpose, UncertainPolicy
from tyrian.domain.render import render
from tyrian.domain.submission import Plan
from tyrian.engine import ports
from tyrian.engine.known import Facts, Known


def facts_of(row: Any) -> Facts:
    """The attempt of a claimed row."""
    return Facts(
        message_id=row["message_id"],
        account_id=row["account_id"],
        attempt_id=row["attempt_id"],
        step=row["step"],
        channel_id=row["channel_id"],
        recipient=row["recipient"],
        tries=row["tries"],
        uncertain=row["uncertain"],
        started_at=row["started_at"],
        valid_until=row["valid_until"],
        tried=tuple(map(int, row["tried"].split(","))) if row["tried"] else (),
    )


def states(facts: Facts, known: Known) -> tuple[rules.Message, rules.Attempt]:
    """The lifecycle's view of a claimed attempt: the lease makes it the one that counts."""
    assert facts.valid_until is not None
    assert facts.started_at is not None
    message = rules.Message(rules.Status.SENDING, facts.step, known.steps, facts.valid_until)
    attempt = rules.Attempt(facts.step, rules.Status.SENDING, facts.started_at, facts.tries, facts.uncertain)
    return message, attempt


def content_of(known: Known, step: int) -> Content:
    """What a step says, with the recipient's own values filled in."""
    assert isinstance(known.plan, Plan)
    content = known.plan.cascade[step].content
    return render(content, known.variables) if known.variables else content


def happening_of(result: ports.SendResult, channel: ports.Channel, purpose: Purpose) -> rules.Happening:
    """A send's result in the lifecycle's words."""
    match result:
        case ports.Sent():
            return rules.Sent()
        case ports.Refused(reason=reason):
            return rules.Refused(reason)
        case ports.Retry(reason=reason, after=after):
            return rules.Retry(reason, after)
        case ports.Unknown(reason=reason):
            return rules.Unknown(reason, policy_of(channel, purpose))


def policy_of(channel: ports.Channel, purpose: Purpose) -> UncertainPolicy:
    """What the channel does with an attempt whose outcome is unknown."""
    return channel.uncertain.get(purpose, DEFAULT_UNCERTAIN[purpose])


def leased_facts(
    message_id: UUID, account_id: int, attempt_id: UUID, channel_id: int, address: str, now: datetime, ends: datetime
) -> Facts:
    """The attempt of a message that was accepted together with its lease."""
    return Facts(message_id, account_id, attempt_id, 0, channel_id, address, 1, 0, now, ends)
