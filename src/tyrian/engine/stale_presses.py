"""The answer to a button of no use: a sentence in the person's language, once a minute at most."""

import logging
from datetime import timedelta
from typing import Any, Final, Protocol

from tyrian.domain.content import Base as Content, Text
from tyrian.domain.phrases import STALE_BUTTON, in_language
from tyrian.domain.problem import Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan, Recipient, Step, Submission
from tyrian.engine.buttons import BUTTON, shows_keyboards
from tyrian.engine.channels import Channels
from tyrian.engine.intake import Intake
from tyrian.engine.ports import Channel, Clock
from tyrian.engine.reacting import Turn
from tyrian.store import stale_presses as store
from tyrian.store.database import Database

log = logging.getLogger(__name__)

#: The member of a channel's `config` with the sentence; empty for none.
TEXT: Final = "stale_button_text"
AT_MOST_EVERY: Final = timedelta(minutes=1)
#: How long the sentence is worth anything, in seconds.
_VALIDITY: Final = 600


class _Gateway(Protocol):
    """What the answer needs of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def intake(self) -> Intake: ...


class StalePresses:
    """The reaction to codes that are unknown, foreign, expired or malformed. It settles them: nobody said anything."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        #: Answers that this node gave.
        self.answered = 0

    def wants(self, channel: Channel) -> bool:
        """Whether buttons can have been shown there."""
        return shows_keyboards(self._gateway.channels, channel)

    def concerns(self, content: Content, extra: dict[str, Any]) -> bool:
        """Whether this is a press of a button of no use."""
        button = extra.get(BUTTON)
        return isinstance(button, dict) and button.get("known") is False

    async def react(self, turn: Turn) -> bool:
        """Answers, unless the person was answered a moment ago."""
        text = turn.channel.config.get(TEXT)
        if text is None:
            text = in_language(STALE_BUTTON, turn.extra.get("language"))
        now = self._gateway.clock.now()
        since = now - AT_MOST_EVERY
        if text and await store.may_answer(self._gateway.db, turn.channel.id, turn.person, turn.inbound_id, now, since):
            await self._answer(turn, text)
        return True

    async def _answer(self, turn: Turn, text: str) -> None:
        step = Step(channel=turn.channel.name, content=Text(text=text))
        plan = Plan(cascade=[step], purpose=Purpose.SESSION, validity=_VALIDITY)
        key = f"stale-press:{turn.inbound_id}"
        submission = Submission(
            account_id=turn.account_id, plan=plan, recipients=[Recipient(to=turn.sender)], idempotency_key=key
        )
        try:
            await self._gateway.intake.submit(submission)
            self.answered += 1
        except Refused as refused:
            log.info("channel %s: a press of a stale button is not answered: %s", turn.channel.name, refused)

    async def forget(self) -> None:
        """Removes what is of no use any more."""
        await store.forget(self._gateway.db, self._gateway.clock.now() - AT_MOST_EVERY)
