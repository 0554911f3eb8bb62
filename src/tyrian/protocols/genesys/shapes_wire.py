"""Conversations and messages as the real API shows them: only members that the SDKs know, and none that is null."""

from typing import Any

from msgspec import Struct


class Shape(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What is left out where there is nothing to say."""


class Ref(Shape, kw_only=True):
    """Something by its id."""

    id: str | None = None
    name: str | None = None
    self_uri: str | None = None


class Address(Shape, kw_only=True):
    """An address."""

    name: str | None = None
    address_normalized: str | None = None
    address_raw: str | None = None
    address_displayable: str | None = None


class MessageDetails(Shape, kw_only=True):
    """A message of a participant."""

    message_id: str
    message_uri: str | None = None
    message_status: str | None = None
    message_time: str | None = None


class Participant(Shape, kw_only=True):
    """One who takes part in a message conversation."""

    id: str
    name: str | None = None
    address: str | None = None
    purpose: str | None = None
    state: str | None = None
    direction: str | None = None
    disconnect_type: str | None = None
    start_time: str | None = None
    start_alerting_time: str | None = None
    connected_time: str | None = None
    end_time: str | None = None
    user: Ref | None = None
    queue: Ref | None = None
    attributes: dict[str, str] = {}
    wrapup: dict[str, Any] | None = None
    held: bool | None = None
    to_address: Address | None = None
    from_address: Address | None = None
    messages: list[MessageDetails] = []
    type: str | None = None


class Transfer(Shape, kw_only=True):
    """A transfer that was asked for."""

    id: str
    state: str
    date_issued: str
    initiator: dict[str, Any] | None = None
    destination: dict[str, Any] | None = None
    transfer_type: str | None = None


class MessageConversation(Shape, kw_only=True):
    """A conversation as a thread of messages. `last_message_date` is when the person last wrote."""

    id: str
    name: str | None = None
    participants: list[Participant] = []
    recent_transfers: list[Transfer] = []
    last_message_date: str | None = None
    state: str | None = None
    self_uri: str


class Communication(Shape, kw_only=True):
    """A participant's part in a conversation; messages are sent to its id."""

    id: str
    state: str
    initial_state: str | None = None
    direction: str | None = None
    held: bool | None = None
    provider: str | None = None
    type: str | None = None
    to_address: Address | None = None
    from_address: Address | None = None
    messages: list[MessageDetails] = []
    disconnect_type: str | None = None
    start_alerting_time: str | None = None
    connected_time: str | None = None
    disconnected_time: str | None = None
    engagement_source: str | None = None


class GenericParticipant(Shape, kw_only=True):
    """One who takes part in a conversation, with a list for each medium."""

    id: str
    purpose: str | None = None
    participant_type: str | None = None
    name: str | None = None
    user_id: str | None = None
    queue_id: str | None = None
    queue_name: str | None = None
    attributes: dict[str, str] = {}
    start_time: str | None = None
    connected_time: str | None = None
    end_time: str | None = None
    wrapup: dict[str, Any] | None = None
    messages: list[Communication] = []


class GenericConversation(Shape, kw_only=True):
    """A conversation over any medium. `last_message_date` is when the person last wrote."""

    id: str
    start_time: str
    end_time: str | None = None
    address: str | None = None
    participants: list[GenericParticipant] = []
    recent_transfers: list[Transfer] = []
    last_message_date: str | None = None
    state: str | None = None
    self_uri: str


class MessageData(Shape, kw_only=True):
    """A message."""

    id: str
    conversation_id: str | None = None
    provider_message_id: str | None = None
    timestamp: str
    from_address: str | None = None
    to_address: str | None = None
    direction: str
    messenger_type: str
    status: str
    text_body: str | None = None
    normalized_message: dict[str, Any] | None = None
    normalized_receipts: list[dict[str, Any]] = []
    created_by: Ref | None = None
    #: What the code of the button that was pressed stands for in the mapping table.
    instruction: Any = None
    self_uri: str


class ConversationListing(Shape, kw_only=True):
    """Conversations."""

    entities: list[MessageConversation] = []


class GenericListing(Shape, kw_only=True):
    """Conversations."""

    entities: list[GenericConversation] = []


class MessageListing(Shape, kw_only=True):
    """Messages."""

    entities: list[MessageData] = []


class Attributes(Shape, kw_only=True):
    """A participant's attributes."""

    attributes: dict[str, str] = {}
