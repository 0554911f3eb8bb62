"""What may happen to a conversation: one pure function, `advance(conversation, move, now, new) -> Advanced`.

A conversation that is not closed has one live leg of its customer, and is held by those of its other legs that live. It
is open, or transferred: on its way to somebody who has not accepted it yet. Closed, all of its legs have ended.

    open         -> transferred   by `Transfer`
    transferred  -> open          when the target accepts, or when nobody is left who could
    open, transferred -> closed   by `Close`, or when the last who held it leaves
    closed       -> open          by `Reopen`, or by a message of the person within the threading time

What moves do is told in `conversation_life` (it begins, goes on and ends) and `conversation_hands` (who has it).
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from tyrian.domain import conversation_hands as hands, conversation_life as life, conversation_moves as moves
from tyrian.domain.conversation import Conversation, Event
from tyrian.domain.conversation_moves import Move
from tyrian.domain.conversation_step import New, Step


@dataclass(slots=True)
class Advanced:
    """The conversation afterwards, and what to tell of it: each event with its data, in order."""

    conversation: Conversation
    events: list[tuple[Event, dict[str, Any]]] = field(default_factory=list)


def advance(conversation: Conversation, move: Move, now: datetime, new: New) -> Advanced:
    """What a move makes of a conversation, which is left as it is. `new` gives ids. Raises `NotNow`."""
    work = replace(
        conversation,
        legs=[copy(leg) for leg in conversation.legs],
        attributes=dict(conversation.attributes),
        updated_at=max(now, conversation.updated_at),
        revision=conversation.revision + 1,
    )
    step = Step(work, work.updated_at, new)
    _MOVES[type(move)](step, move)
    step.settle()
    return Advanced(work, step.events)


_MOVES: Final[dict[type, Callable[[Step, Any], None]]] = {
    moves.Open: life.begin,
    moves.Arrive: life.arrive,
    moves.Wrote: life.wrote,
    moves.Enqueue: hands.enqueue,
    moves.Alert: hands.alert,
    moves.ToExternal: hands.to_external,
    moves.Accept: hands.accept,
    moves.Decline: hands.decline,
    moves.Leave: life.leave,
    moves.Close: life.close,
    moves.Reopen: life.reopen,
    moves.Depart: life.depart,
}
