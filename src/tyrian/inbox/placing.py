"""What is checked in one place: where a conversation goes, its attributes, its legs."""

from collections.abc import Mapping
from copy import copy
from typing import Any, Final
from uuid import UUID

from tyrian.domain.conversation import Conversation, Leg
from tyrian.domain.conversation_moves import Alert, Enqueue, Move
from tyrian.domain.problem import Problem, Refused, escape
from tyrian.engine.inbox_port import NotThere
from tyrian.inbox.base import Base
from tyrian.store.database import Connection

MOST_ATTRIBUTES: Final = 100
MOST_NAME: Final = 100
MOST_VALUE: Final = 4000


async def placed(base: Base, connection: Connection, account_id: int, queue: str | None, agent: str | None) -> Move:
    """The move that puts a conversation into a queue, or before an agent."""
    if queue is not None and agent is not None:
        raise Refused([Problem("/agent", "cannot be given together with queue", "conflict")])
    if agent is not None:
        found = await base.agent(connection, account_id, agent)
        return Alert(found.id, found.name)
    if queue is None:
        raise Refused([Problem("/queue", "is required, or agent", "required")])
    target = await base.queue(connection, account_id, queue)
    return Enqueue(target.id, target.name)


def checked_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    """Attributes that may be kept. Raises `Refused`."""
    found = []
    if len(attributes) > MOST_ATTRIBUTES:
        found.append(Problem("/attributes", f"would have more than {MOST_ATTRIBUTES} entries", "too_long"))
    for name, value in attributes.items():
        at = f"/attributes/{escape(name)}"
        if not name or len(name) > MOST_NAME:
            found.append(Problem(at, f"has a name that is not from 1 to {MOST_NAME} characters long"))
        if len(value) > MOST_VALUE:
            found.append(Problem(at, f"is longer than {MOST_VALUE} characters", "too_long"))
    if found:
        raise Refused(found)
    return dict(attributes)


def merged(present: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Attributes after a change; None removes one. Raises `Refused`."""
    both = {**present, **changes}
    return checked_attributes({name: value for name, value in both.items() if value is not None})


def leg_of(conversation: Conversation, leg_id: UUID) -> Leg:
    """A leg of a conversation. Raises `NotThere`."""
    leg = conversation.leg(leg_id)
    if leg is None:
        raise NotThere(f'The conversation has no leg with the id "{leg_id}".')
    return leg


def with_leg(conversation: Conversation, leg_id: UUID, **fields: Any) -> list[Leg]:
    """The legs, one of them changed. Raises `NotThere`."""
    changed = copy(leg_of(conversation, leg_id))
    for name, value in fields.items():
        setattr(changed, name, value)
    return [changed if leg.id == changed.id else leg for leg in conversation.legs]
