"""What the network gets of an attempt: its content with tracked links, and as the dressers leave it."""

from datetime import datetime, timedelta

from tyrian.domain.content import Base as Content
from tyrian.domain.submission import Plan
from tyrian.engine import ports
from tyrian.engine.claimed import content_of, states
from tyrian.engine.known import Facts, Known
from tyrian.engine.links import Links
from tyrian.engine.reacting import Dresser
from tyrian.store.codes import NewCodes


class Dressing:
    """Makes attempts ready for their connector. Nothing goes out here, so what fails here can be done again."""

    def __init__(self) -> None:
        #: Those who change contents on their way out.
        self.dressers: list[Dresser] = []
        #: Makes links that are tracked; without it, none are.
        self.links: Links | None = None

    def foresee(self, channel: ports.Channel, facts: Facts, known: Known) -> NewCodes | None:
        """The codes that a send will need whose message is being stored, so that they are stored with it."""
        for dresser in self.dressers:
            ready = getattr(dresser, "foresee", None)
            if ready is None or not isinstance(known.plan, Plan):
                continue
            if dresser.wants(channel, known.plan, known.plan.cascade[facts.step].content):
                made: NewCodes = ready(channel, facts, known, content_of(known, facts.step))
                return made
        return None

    async def outgoing(
        self, channel: ports.Channel, facts: Facts, known: Known, content: Content, now: datetime
    ) -> ports.Outgoing:
        """The attempt as the network gets it. Raises whatever a dresser does."""
        assert isinstance(known.plan, Plan)
        message, attempt = states(facts, known)
        ends = message.valid_until
        plan = message.steps[facts.step]
        if plan.validity is not None:
            ends = min(ends, attempt.started_at + timedelta(seconds=plan.validity))
        if self.links is not None:
            content = await self.links.shortened(channel, facts, known, content)
        for dresser in self.dressers:
            if dresser.wants(channel, known.plan, content):
                content = await dresser.dress(channel, facts, known, content)
        return ports.Outgoing(
            attempt_id=facts.attempt_id,
            message_id=facts.message_id,
            to=facts.recipient,
            content=content,
            purpose=known.plan.purpose,
            ttl=max(int((ends - now).total_seconds()), 1),
            tries=facts.tries,
            resent=facts.uncertain > 0,
            conversation_id=known.plan.conversation_id,
        )
