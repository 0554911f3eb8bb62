"""What conversations look like on the wire (models of the SDKs, release 269): answers. Nothing is ever null."""

from msgspec import Struct, field

from tyrian.protocols.genesys.message_wire import Address, Entity, MessageDetails, Wrapup
from tyrian.protocols.genesys.paging import Page


def _none() -> list[Entity]:
    """A list that is shown though it is empty."""
    return []


class Shape(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What all have in common."""


class RoutingData(Shape, kw_only=True):
    """The queue that an agent was found by."""

    queue: Entity


class MediaParticipant(Shape, kw_only=True):
    """One who takes part, as message conversations show it: without the id of the communication."""

    id: str
    name: str | None = None
    address: str | None = None
    purpose: str
    state: str
    direction: str
    disconnect_type: str | None = None
    start_time: str
    start_alerting_time: str | None = None
    connected_time: str | None = None
    end_time: str | None = None
    held: bool | None = None
    wrapup_required: bool | None = None
    wrapup: Wrapup | None = None
    user: Entity | None = None
    queue: Entity | None = None
    attributes: dict[str, str] = {}
    conversation_routing_data: RoutingData | None = None
    to_address: Address
    from_address: Address
    messages: list[MessageDetails] = []
    type: str


class Initiator(Shape, kw_only=True):
    """Who transferred."""

    user_id: str


class Destination(Shape, kw_only=True):
    """Whereto. `address` is a queue's id, or a place outside."""

    user_id: str | None = None
    address: str | None = None


class Transfer(Shape, kw_only=True):
    """One transfer, and what came of it."""

    id: str
    state: str
    date_issued: str
    initiator: Initiator | None = None
    modified_by: Entity | None = None
    destination: Destination
    transfer_type: str


class MessageConversation(Shape, kw_only=True):
    """A conversation as `/conversations/messages/{id}` shows it."""

    id: str
    name: str | None = None
    participants: list[MediaParticipant]
    recent_transfers: list[Transfer] = []
    #: When the person last wrote, and where the conversation stands: the vendor's guide for Viber reads them.
    last_message_date: str | None = None
    state: str | None = None
    self_uri: str


class Communication(Shape, kw_only=True):
    """One participant's connection to a conversation. Its id is what messages are sent by."""

    id: str
    state: str
    initial_state: str
    direction: str
    held: bool | None = None
    disconnect_type: str | None = None
    start_alerting_time: str | None = None
    connected_time: str | None = None
    disconnected_time: str | None = None
    type: str
    peer_id: str | None = None
    to_address: Address
    from_address: Address
    messages: list[MessageDetails] = []
    wrapup: Wrapup | None = None
    engagement_source: str


class Participant(Shape, kw_only=True):
    """One who takes part, as generic conversations show it."""

    id: str
    name: str | None = None
    purpose: str
    participant_type: str | None = None
    address: str | None = None
    user_id: str | None = None
    queue_id: str | None = None
    queue_name: str | None = None
    start_time: str
    connected_time: str | None = None
    end_time: str | None = None
    wrapup_required: bool | None = None
    wrapup: Wrapup | None = None
    attributes: dict[str, str] = {}
    calls: list[Entity] = field(default_factory=_none)
    callbacks: list[Entity] = field(default_factory=_none)
    chats: list[Entity] = field(default_factory=_none)
    emails: list[Entity] = field(default_factory=_none)
    messages: list[Communication]


class Conversation(Shape, kw_only=True):
    """A conversation as `/conversations/{id}` shows it."""

    id: str
    name: str | None = None
    start_time: str
    end_time: str | None = None
    #: When the person last wrote (the vendor's guide for Viber reads it; the real API has no such field).
    last_message_date: str | None = None
    address: str
    participants: list[Participant]
    recent_transfers: list[Transfer] = []
    self_uri: str


class MessageConversations(Page, kw_only=True):
    """One page of conversations that are not closed."""

    entities: list[MessageConversation]


class Conversations(Page, kw_only=True):
    """One page of conversations that are not closed."""

    entities: list[Conversation]
