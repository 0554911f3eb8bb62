"""Conversations that go to somebody outside: the context, brought to the account's URL like any callback."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tyrian.domain.conversation import Conversation, Item, Leg
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.report import Report, encode
from tyrian.engine.waker import CALLBACKS
from tyrian.inbox.base import Base
from tyrian.inbox.work import Work
from tyrian.store import inbox_people as people
from tyrian.store.callbacks import add
from tyrian.store.database import Connection

#: Lines of the thread that go along.
CONTEXT_ITEMS: Final = 50
FACE: Final = "native"
KIND: Final = "handover"


class Handover:
    """Brings conversations to somebody outside."""

    def __init__(self, base: Base) -> None:
        self._base = base

    async def endpoint(self, account_id: int, at: str) -> int:
        """Where the account's conversations go. Raises `Refused` if it has not said."""
        url = await people.handover_url(self._base.db, account_id)
        if url is None:
            message = "cannot be used before the account has a handover_url (PUT /api/v1/inbox/settings)"
            raise Refused([Problem(at, message, "no_handover_url")])
        return await self._base.gateway.endpoints.intern(account_id, FACE, url)

    async def bring(
        self, connection: Connection, work: Work, leg: Leg, items: Sequence[Item], note: str | None, endpoint: int
    ) -> None:
        """Writes the callback, in the transaction that transfers the conversation."""
        it = work.it
        entry = self._base.gateway.channels.by_id(it.channel_id)
        report = Report(
            id=leg.id,
            kind=KIND,
            face=FACE,
            account_id=it.account_id,
            message_id=it.id,
            to=leg.who or "",
            sender=it.address,
            status=KIND,
            channel=entry.channel.name if entry else None,
            channel_kind=entry.channel.kind if entry else None,
            at=work.now,
            content=_context(it, leg, items, note),
        )
        await add(connection, it.id, it.account_id, endpoint, work.now, encode(report))

    def wake(self) -> None:
        """There is something to bring."""
        if "callbacks" in self._base.gateway.roles:
            self._base.gateway.callbacks.wake()
        else:
            self._base.gateway.waker.tell(CALLBACKS)


def _context(it: Conversation, leg: Leg, items: Sequence[Item], note: str | None) -> dict[str, Any]:
    return {
        "destination": leg.who,
        "leg_id": leg.id,
        "note": note,
        "conversation": msgspec.to_builtins(msgspec.structs.replace(it, legs=it.live())),
        "items": [msgspec.to_builtins(item) for item in items],
    }
