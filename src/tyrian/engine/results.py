"""From what a send came to, to what is written down of it."""

from collections.abc import Callable

from tyrian.domain import lifecycle as rules
from tyrian.engine import ports
from tyrian.engine.claimed import happening_of, states
from tyrian.engine.known import Facts, Known
from tyrian.engine.router import Router
from tyrian.engine.writer import Scribe
from tyrian.store.writing import NEXT, Write


class Results:
    """Turns the results of sends into writes; a group's send may go on by another channel."""

    def __init__(self, clock: ports.Clock, router: Router, scribe: Scribe) -> None:
        self._clock = clock
        self._router = router
        self._scribe = scribe
        #: Called with the channel that an attempt was moved away from, and the reason.
        self.on_moved: Callable[[ports.Channel, str], None] = lambda channel, reason: None

    def write(
        self,
        channel: ports.Channel,
        facts: Facts,
        known: Known,
        result: ports.SendResult,
        about: rules.Event | None = None,
    ) -> Write:
        """The write for what a send came to; `about` is told besides of one that went out."""
        now = self._clock.now()
        message, attempt = states(facts, known)
        happening = happening_of(result, channel, known.plan.purpose)
        route = self._router.after(facts, known, result)
        if route is not None and isinstance(result, ports.Refused | ports.Retry):
            happening = rules.Moved(result.reason, route.entry.channel.name)
            self.on_moved(channel, result.reason)
        changes = rules.advance(message, attempt, happening, now)
        if about is not None and isinstance(result, ports.Sent):
            changes.events.append(about)
        ref = result.ref if isinstance(result, ports.Sent) else None
        write = self._scribe.write(facts, known, changes, now, ref=ref, exchange=result.exchange, route=route)
        write.uncertain = facts.uncertain + isinstance(result, ports.Unknown) if write.send != NEXT else 0
        return write
