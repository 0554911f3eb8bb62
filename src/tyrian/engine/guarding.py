"""Asks the guards whether a message may go to a person: when it is accepted, and again right before it is sent."""

from collections.abc import Callable, Sequence
from datetime import datetime

from tyrian.domain.problem import Problem, Refused
from tyrian.domain.submission import Plan, Recipient, Step
from tyrian.engine.channels import Channels
from tyrian.engine.ports import Channel
from tyrian.engine.reacting import Asked, Guard, Verdict, person_of


class Guards:
    """All guards, asked in the order of their registration; the first verdict on a message counts."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        #: Called with (reason, "refused" or "put_off") for each verdict, for metrics.
        self.observe: Callable[[str, str], None] = lambda reason, outcome: None
        self.all: list[Guard] = []

    def _asked_now(self, accepting: bool) -> list[Guard]:
        return [g for g in self.all if not getattr(g, "before_sending_only", False)] if accepting else self.all

    def concern(self, account_id: int, channel: Channel, plan: Plan, *, accepting: bool = False) -> bool:
        """Whether any guard has something to ask of a message; from memory alone."""
        return any(guard.applies(account_id, channel, plan) for guard in self._asked_now(accepting))

    async def judge(self, asked: Sequence[Asked], *, accepting: bool = False) -> list[Verdict | None]:
        """A verdict on each, or None where nothing stands against it."""
        verdicts: list[Verdict | None] = [None] * len(asked)
        for guard in self._asked_now(accepting):
            left = [
                n for n, a in enumerate(asked) if verdicts[n] is None and guard.applies(a.account_id, a.channel, a.plan)
            ]
            if left:
                found = await guard.judge([asked[n] for n in left])
                for n, verdict in zip(left, found, strict=True):
                    verdicts[n] = verdict
                    if verdict is not None:
                        self.observe(verdict.reason, "refused" if verdict.until is None else "put_off")
        return verdicts

    async def admit(self, account_id: int, plan: Plan, recipient: Recipient, at: datetime) -> None:
        """Raises `Refused` if no step of a plan may go to a person, with each step's rule."""
        if not any(self._concern_step(account_id, plan, step) for step in plan.cascade):
            return
        asked = [self._asked(account_id, plan, number, recipient, at) for number in range(len(plan.cascade))]
        judged = await self.judge([a for a in asked if a is not None], accepting=True)
        barred = [v for v in judged if v is not None and v.until is None]
        if barred and len(barred) == len(asked):
            rules = list({v.rule: v for v in barred}.values())
            raise Refused([Problem("/to", verdict.rule, verdict.reason) for verdict in rules])

    def _concern_step(self, account_id: int, plan: Plan, step: Step) -> bool:
        entry = self._channels.get(account_id, step.channel)
        return entry is not None and self.concern(account_id, entry.channel, plan, accepting=True)

    def _asked(self, account_id: int, plan: Plan, number: int, recipient: Recipient, at: datetime) -> Asked | None:
        """The question about one step; None where only the send itself shows the channel (a group's member)."""
        step = plan.cascade[number]
        entry = self._channels.get(account_id, step.channel)
        if entry is None or entry.group is not None:
            return None
        address = entry.kind.address(step.to or recipient.to, "/to")
        if isinstance(address, Problem):
            return None
        return Asked(account_id, entry.channel, entry.network, person_of(address), plan, step.content, at)
