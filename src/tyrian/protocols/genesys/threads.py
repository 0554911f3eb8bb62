"""The conversations of the inbox as this dialect drives them: found, written into, and held till their window opens.

What the guide says of an expired window is a choice here: `hold` keeps a message until the person writes, `refuse` says
so at once, `accept` does as the platform of the guide: the message counts as delivered, and reaches nobody.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import msgspec

from tyrian.domain import limits
from tyrian.domain.content import Base, Content
from tyrian.domain.conversation import Author, By, Conversation, Item
from tyrian.domain.problem import Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan, Step
from tyrian.engine.channel_entry import ChannelEntry
from tyrian.engine.inbox_port import Inbox, NotNow
from tyrian.engine.ports import Channel
from tyrian.engine.reacting import Turn
from tyrian.protocols.genesys import errors
from tyrian.protocols.genesys.organization import FACE, Organization
from tyrian.protocols.genesys.window import Window, window

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

log = logging.getLogger(__name__)

_HELD: Final = "held"
_HOLDING: Final = "holding"
_OPT_IN: Final = "optin"
#: Seconds that a message waits for the person's word.
HOLD: Final = 48 * 3600
NOT_FOUND: Final = "conversation.error.conversation.not.found"
#: Under this name a plan says as what a message that reaches nobody is shown.
SHOWN: Final = "genesys_shown"

_decode: Final = msgspec.json.Decoder(Content)


class Threads:
    """The conversations of all accounts of a gateway. Also a `reacting.Reaction`: it releases what was held."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway

    @property
    def inbox(self) -> Inbox:
        """The gateway's inbox."""
        inbox: Inbox = self._gateway.inbox
        return inbox

    async def get(self, account_id: int, identifier: UUID, code: str = "not.found") -> Conversation:
        """A conversation. Raises `ApiError` (404)."""
        found = await self.inbox.get(account_id, identifier)
        if found is None:
            raise errors.not_found(f"The conversation {identifier}", code)
        return found

    # -- The window ---------------------------------------------------------------------------------------------------

    async def window(self, conversation: Conversation, organization: Organization) -> Window:
        """The session window of a conversation."""
        last = await self.last_interaction(conversation)
        return window(last, self._gateway.clock.now(), organization.window)

    async def last_interaction(self, conversation: Conversation) -> datetime | None:
        """When the person last wrote, or opted in otherwise."""
        name = str(conversation.id)
        body = await self._gateway.documents.get(conversation.account_id, FACE, _OPT_IN, name)
        times = [conversation.last_inbound_at, datetime.fromisoformat(body["at"]) if body else None]
        return max((at for at in times if at is not None), default=None)

    async def opt_in(self, conversation: Conversation) -> None:
        """Opens the window by the person's word, however that was given, and sends what was held."""
        body = {"at": self._gateway.clock.now().isoformat()}
        await self._gateway.documents.put(conversation.account_id, FACE, _OPT_IN, str(conversation.id), body)
        await self.release(conversation)

    # -- Writing ------------------------------------------------------------------------------------------------------

    async def send(
        self, conversation: Conversation, content: Base, by: Author, data: Mapping[str, Any], *, leg: UUID | None = None
    ) -> Item:
        """Writes to the person."""
        return await self.inbox.send(
            conversation.account_id,
            conversation.id,
            content,  # type: ignore[arg-type]  # every content that there is is one of the union
            by=by,
            purpose=Purpose.SESSION,
            leg_id=leg,
            data=data,
        )

    async def pretend(
        self, conversation: Conversation, entry: ChannelEntry, content: Base, by: Author, shown: str, reason: str
    ) -> UUID:
        """Takes a message that goes nowhere, and is shown with a status of the guide's."""
        found = limits.check(content, Purpose.SESSION, entry.capabilities, "/content")
        if found:
            raise Refused(found)
        step = Step(channel=entry.channel.name, content=content)  # type: ignore[arg-type]  # as above
        plan = Plan(cascade=[step], purpose=Purpose.SESSION, refused=reason, extra={SHOWN: shown}, face=FACE)
        item = await self.inbox.send_planned(conversation.account_id, conversation.id, plan, by=by)
        assert item.message_id is not None
        return item.message_id

    # -- Holding ------------------------------------------------------------------------------------------------------

    async def hold(self, conversation: Conversation, content: Base, by: Author, data: Mapping[str, Any]) -> UUID:
        """Keeps a message until the person opts in. It is known by this id until then."""
        identifier, documents = uuid4(), self._gateway.documents
        account_id, channel = conversation.account_id, str(conversation.channel_id)
        body = {"content": msgspec.json.encode(content).decode(), "by": msgspec.to_builtins(by), "data": dict(data)}
        await documents.put(account_id, FACE, _HOLDING, channel, True, ttl=None)
        await documents.put(account_id, FACE, f"{_HELD}:{conversation.id}", str(identifier), body, ttl=HOLD)
        return identifier

    async def release(self, conversation: Conversation) -> int:
        """Sends what was held for a conversation, each once however often this is begun; how many there were."""
        kind, documents = f"{_HELD}:{conversation.id}", self._gateway.documents
        held = await documents.list(conversation.account_id, FACE, kind)
        for document in held:
            try:
                await self.inbox.send(
                    conversation.account_id,
                    conversation.id,
                    _decode.decode(document.body["content"]),
                    by=msgspec.convert(document.body["by"], Author),
                    data=document.body["data"],
                    key=f"genesys:held:{document.name}",
                )
            except (NotNow, Refused) as error:
                log.warning("a message held for conversation %s cannot be sent: %s", conversation.id, error)
            await documents.delete(conversation.account_id, FACE, kind, document.name)
        return len(held)

    def wants(self, channel: Channel) -> bool:
        """Whether anything may be held for people on a channel."""
        return self._gateway.inbox is not None and self.inbox.channel_inbox(channel.id) is not None

    async def react(self, turn: Turn) -> bool:
        """A person wrote: what was held for them goes out. Never settles the message."""
        name = str(turn.channel.id)
        if await self._gateway.documents.get(turn.account_id, FACE, _HOLDING, name):
            conversation = await self.inbox.find(turn.channel.id, turn.person)
            if conversation is not None and not conversation.closed:
                await self.release(conversation)
        return False


def author(client_id: str, name: str) -> Author:
    """An OAuth client as the author of what it does."""
    return Author(By.API, client_id, name)
