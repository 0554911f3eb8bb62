"""What keeps a send back that was taken up: its time, a channel that fails, its files, or whom it would go to."""

import logging
from datetime import datetime, timedelta
from typing import Final

from tyrian.domain import lifecycle as rules
from tyrian.domain.schedule import is_open, next_open
from tyrian.domain.submission import Plan
from tyrian.engine import ports
from tyrian.engine.claimed import content_of, states
from tyrian.engine.fitting import Cleared, Fitting
from tyrian.engine.guarding import Guards
from tyrian.engine.known import Facts, Known
from tyrian.engine.lane import Lane
from tyrian.engine.reacting import Asked, Verdict, person_of
from tyrian.engine.results import Results
from tyrian.engine.router import Router
from tyrian.engine.writer import Scribe
from tyrian.store.writing import HELD, LATER, Write

log = logging.getLogger(__name__)

#: Seconds that a send waits at least for its channel's circuit.
_SHORTEST: Final = 1.0


class Holding:
    """Asks everybody who may keep a send back; each answer is the write for it, or None where it may go on."""

    def __init__(self, router: Router, scribe: Scribe, results: Results) -> None:
        self._router = router
        self._scribe = scribe
        self._results = results
        #: Says who may not be written to; without it, everybody may.
        self.guards: Guards | None = None
        #: Sees to files before they are sent; without it, they go out as they are.
        self.fitting: Fitting | None = None

    async def cleared(self, lane: Lane, facts: Facts, known: Known, now: datetime) -> Cleared | Write | None:
        """The write for a send that is kept back; or its content with other files, None where it goes as it is."""
        early = self.not_now(facts, known, now) or self.not_here(lane.channel, facts, known, now)
        if early is not None:
            return early
        # Files come before the guards, some of which count what they let through.
        files = self.files(lane, facts, known)
        if isinstance(files, Verdict):
            return self.kept_back(lane.channel, facts, known, files, now)
        if self.guarded(lane.channel, facts, known):
            return await self.barred(lane, facts, known, now) or files
        return files

    def not_now(self, facts: Facts, known: Known, now: datetime) -> Write | None:
        """The write for a send that must not go out at this moment: too late, or outside its window."""
        message, attempt = states(facts, known)
        if now >= rules.attempt_deadline(message, attempt):
            changes = rules.advance(message, attempt, rules.DeadlinePassed(), now)
            return self._scribe.write(facts, known, changes, now)
        schedule = known.plan.schedule if isinstance(known.plan, Plan) else None
        if schedule is not None and schedule.window is not None and not is_open(schedule.window, now):
            wait = rules.Changes(retry_at=next_open(schedule.window, now))
            return self._scribe.write(facts, known, wait, now)
        return None

    def not_here(self, channel: ports.Channel, facts: Facts, known: Known, now: datetime) -> Write | None:
        """The write for a group's send whose channel is failing: by another member, or later if there is none."""
        if not self.by_group(channel, facts, known) or self._router.circuits.admits(channel.id):
            return None
        route = self._router.instead(facts, known)
        if route is None:
            later = now + timedelta(seconds=max(self._router.wait(facts, known), _SHORTEST))
            return self._scribe.write(facts, known, rules.Changes(retry_at=later), now)
        happening = rules.Moved("circuit_open", route.entry.channel.name, made=False)
        self._results.on_moved(channel, happening.reason)
        return self._scribe.write(facts, known, rules.advance(*states(facts, known), happening, now), now, route=route)

    def by_group(self, channel: ports.Channel, facts: Facts, known: Known) -> bool:
        """Whether a group chose the channel. A step that names it itself is sent on it, failing or not."""
        if known.plan.cascade[facts.step].channel == channel.name:
            return False
        return self._router.group_of(facts, known) is not None

    def files(self, lane: Lane, facts: Facts, known: Known) -> Cleared | Verdict | None:
        """The content with files that the channel takes; for nearly every send nobody looks at them."""
        plan = known.plan
        if self.fitting is None or not isinstance(plan, Plan) or plan.refused is not None:
            return None
        if not self.fitting.wants(lane.channel, plan):
            return None
        ends = rules.attempt_deadline(*states(facts, known))
        content = content_of(known, facts.step)
        return self.fitting.see(lane.channel, lane.entry.capabilities, facts, plan, content, ends)

    def guarded(self, channel: ports.Channel, facts: Facts, known: Known) -> bool:
        """Whether anybody must be asked first; for nearly every send nobody is."""
        if self.guards is None or not isinstance(known.plan, Plan):
            return False
        try:
            return self.guards.concern(facts.account_id, channel, known.plan)
        except Exception:
            log.exception("attempt %s: a guard does not say whether it is concerned", facts.attempt_id)
            return True

    async def barred(self, lane: Lane, facts: Facts, known: Known, now: datetime) -> Write | None:
        """The write for a send that a guard bars. Where a guard fails, nothing has gone out: it is asked again."""
        try:
            return await self._not_to(lane, facts, known, now)
        except Exception:
            log.exception("attempt %s: the guards could not be asked", facts.attempt_id)
            return self.again(facts, known, now)

    def again(self, facts: Facts, known: Known, now: datetime) -> Write:
        """The write for a send that a fault of our own broke off before anything went out: it is tried again."""
        later = now + timedelta(seconds=rules.backoff(facts.tries))
        return self._scribe.write(facts, known, rules.Changes(retry_at=later), now)

    async def _not_to(self, lane: Lane, facts: Facts, known: Known, now: datetime) -> Write | None:
        """The write for a send to somebody who may not be written to, or not yet."""
        assert isinstance(known.plan, Plan)
        content = known.plan.cascade[facts.step].content
        person, channel = person_of(facts.recipient), lane.channel
        assert self.guards is not None
        asked = Asked(facts.account_id, channel, lane.entry.network, person, known.plan, content, now, facts)
        (verdict,) = await self.guards.judge([asked])
        return self.kept_back(channel, facts, known, verdict, now) if verdict is not None else None

    def kept_back(self, channel: ports.Channel, facts: Facts, known: Known, verdict: Verdict, now: datetime) -> Write:
        """The write for a send that does not go out, or not yet."""
        if verdict.until is not None:
            # What has a place in its line cannot be taken back any more; a bulk must be, however much of it waits.
            holds = verdict.holds and known.bulk_id is None
            return self._put_off(facts, known, verdict.reason, verdict.until, now, holds=holds)
        return self._results.write(
            channel, facts, known, ports.Refused(verdict.reason, ports.Exchange("", error=verdict.rule))
        )

    def _put_off(
        self, facts: Facts, known: Known, reason: str, until: datetime, now: datetime, *, holds: bool
    ) -> Write:
        """The write for a send that waits. One that was never made holds nobody up behind it, unless it is to."""
        event = rules.Event("put_off", reason, {"until": until})
        write = self._scribe.write(facts, known, rules.Changes(retry_at=until, events=[event]), now)
        if facts.tries <= 1 and not facts.uncertain:
            write.send = HELD if holds else LATER
        return write
