"""What is asked of conversations on the wire (models of the SDKs, release 269). Unknown members are ignored."""

from typing import Annotated, Any

from msgspec import Meta, Struct

Text = Annotated[str, Meta(max_length=20_000)]
Name = Annotated[str, Meta(max_length=100)]
Attribute = Annotated[str, Meta(max_length=4000)]


class Asked(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What all have in common: what is left out, or null, is not asked."""


class CreateConversation(Asked, kw_only=True):
    """A conversation to be opened with a person. The queue says from which channel."""

    queue_id: str | None = None
    to_address: str | None = None
    to_address_messenger_type: str | None = None
    use_existing_conversation: bool | None = None
    external_contact_id: str | None = None
    use_user_from_address: bool | None = None


class Parameter(Asked, kw_only=True):
    """A value for a template."""

    id: Name | None = None
    value: Attribute | None = None


class Template(Asked, kw_only=True):
    """A prepared answer, or a template that is registered with the network, with its values."""

    response_id: Name | None = None
    parameters: list[Parameter] | None = None
    header_parameters: list[Parameter] | None = None
    body_parameters: list[Parameter] | None = None
    button_url_parameters: list[Parameter] | None = None
    carousel_parameters: Any = None

    def values(self) -> dict[str, str]:
        """All values by their ids."""
        lists = (self.parameters, self.header_parameters, self.body_parameters, self.button_url_parameters)
        return {p.id: p.value for given in lists for p in given or () if p.id is not None and p.value is not None}


class SendMessage(Asked, kw_only=True):
    """A message to be sent: exactly one of a text, one medium and a template."""

    text_body: Text | None = None
    media_ids: list[Name] | None = None
    messaging_template: Template | None = None


class SendAgentless(Asked, kw_only=True):
    """A message to be sent without an agent. `from_address` is the channel's id, or its sender's number."""

    from_address: str | None = None
    to_address: str | None = None
    to_address_messenger_type: str | None = None
    text_body: Text | None = None
    messaging_template: Template | None = None
    external_contact_id: str | None = None
    use_existing_active_conversation: bool | None = None


class TypingEvent(Asked, kw_only=True):
    """Somebody writes. `duration` in milliseconds."""

    type: str | None = None
    duration: int | None = None


class Typing(Asked, kw_only=True):
    """A sign that somebody writes."""

    typing: TypingEvent | None = None
    date_sent: str | None = None


class Closing(Asked, kw_only=True):
    """What is to become of a conversation: `disconnected`, and nothing else."""

    state: str | None = None


class WrapupInput(Asked, kw_only=True):
    """What an agent notes at the end."""

    code: Name | None = None
    name: Name | None = None
    notes: Attribute | None = None


class ParticipantChange(Asked, kw_only=True):
    """What is to become of a participant: `connected` answers an alert, `disconnected` ends."""

    state: str | None = None
    wrapup: WrapupInput | None = None
    wrapup_skipped: bool | None = None


class Attributes(Asked, kw_only=True):
    """Attributes of a participant. Others stay; null removes one."""

    attributes: dict[Name, Attribute | None] | None = None


class Replacement(Asked, kw_only=True):
    """Whom a participant is replaced by. `address` is the id of a user, queue or channel, or `external:<name>`."""

    user_id: Name | None = None
    user_name: Name | None = None
    user_display_name: Name | None = None
    queue_id: Name | None = None
    queue_name: Name | None = None
    address: Name | None = None
    transfer_type: str | None = None


class FlowReference(Asked, kw_only=True):
    """What takes a channel's messages."""

    id: Name | None = None


class RecipientChange(Asked, kw_only=True):
    """Where a channel's messages go: the id of a queue in the place of a flow's."""

    flow: FlowReference | None = None
