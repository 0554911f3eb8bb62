"""What goes over the wire between a channel and Genesys Cloud.

Sources: "models" are those of the stock SDK `PureCloudPlatformClientV2` 269.0.0; "Open Messaging" are the pages of
that name of Genesys' developer centre. What is read is read leniently: members that nobody relies upon may be anything.
"""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

BASE_URL: Final = "https://api.mypurecloud.com"
TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - where tokens are asked for
AGENTLESS: Final = "/api/v2/conversations/messages/agentless"
#: The signature of webhooks (Open Messaging, "validate"): `sha256=` and the body's HMAC-SHA256 in base64.
SIGNATURE: Final = "x-hub-signature-256"
SCHEME: Final = "sha256="
#: Characters of a text that is sent without an agent (models, SendAgentlessOutboundMessageRequest).
MAX_TEXT: Final = 2000


def inbound(integration: str, what: str) -> str:
    """Where a middleware brings a `message` or a `receipt` of an Open Messaging integration."""
    return f"/api/v2/conversations/messages/{integration}/inbound/open/{what}"


def integration(identifier: str) -> str:
    """An Open Messaging integration."""
    return f"/api/v2/conversations/messaging/integrations/open/{identifier}"


def details(message: str) -> str:
    """A message as Genesys has it, its status included."""
    return f"/api/v2/conversations/messages/{quote(message, safe='')}/details"


def written(at: datetime) -> str:
    """A time as Genesys writes it: ISO 8601 in UTC with milliseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def read(text: object) -> datetime | None:
    """A time that Genesys wrote; None for what is none."""
    try:
        at = datetime.fromisoformat(text if isinstance(text, str) else "")
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


# -- Said to Genesys --------------------------------------------------------------------------------------------------


class Party(Struct, rename="camel", omit_defaults=True):
    """One side of a conversation."""

    id: str
    id_type: str | None = None


class Attachment(Struct, rename="camel", omit_defaults=True):
    """A file by URL."""

    media_type: str
    url: str
    mime: str
    filename: str | None = None


class Element(Struct, rename="camel"):
    """One element of a message's content."""

    attachment: Attachment
    content_type: str = "Attachment"


class InboundChannel(Struct, rename={"from_": "from", "message_id": "messageId"}):
    """Who says something, and when."""

    from_: Party
    message_id: str
    time: str


class OpenMessage(Struct, omit_defaults=True):
    """A person's message that a middleware brings (models, OpenInboundNormalizedMessage)."""

    channel: InboundChannel
    text: str | None = None
    content: list[Element] | None = None


class ReceiptChannel(Struct):
    """Whom a receipt is about, and since when it holds."""

    to: Party
    time: str


class OpenReceipt(Struct, rename="camel"):
    """A middleware's word on a message that it was given (models, OpenInboundNormalizedReceipt)."""

    id: str
    channel: ReceiptChannel
    status: str
    is_final_receipt: bool = True


class AgentlessMessage(Struct, rename="camel"):
    """A text that goes out without an agent (models, SendAgentlessOutboundMessageRequest)."""

    from_address: str
    to_address: str
    text_body: str
    to_address_messenger_type: str = "open"
    use_existing_active_conversation: bool = True


class IntegrationChange(Struct, rename="camel"):
    """A change of an integration: where it brings what is meant for people (models, OpenIntegrationUpdateRequest)."""

    name: str
    outbound_notification_webhook_url: str
    outbound_notification_webhook_signature_secret_token: str


# -- Said by Genesys --------------------------------------------------------------------------------------------------


class Granted(Struct):
    """An access token. `expires_in` is in seconds."""

    access_token: str
    expires_in: float = 86_400


class Taken(Struct):
    """The answer to a message. It may itself be a receipt that tells of a failure."""

    id: str | None = None
    status: Any = None
    reasons: Any = None


class Integration(Struct, rename="camel"):
    """An Open Messaging integration, as far as it is relied upon."""

    id: str = ""
    name: str = ""
    outbound_notification_webhook_url: str | None = None


class Error(Struct):
    """The envelope of errors; those of the token endpoint have a `description` instead."""

    message: Any = None
    description: Any = None


class Webhook(Struct, rename="camel"):
    """What an integration brings to its middleware: a message for a person, an event, or a receipt."""

    type: str
    id: str = ""
    channel: dict[str, Any] = {}
    text: Any = None
    content: Any = None
    direction: Any = None
    status: Any = None
    reasons: Any = None
    is_final_receipt: Any = None
    originating_entity: Any = None
    conversation_id: Any = None


decode_webhook: Final = msgspec.json.Decoder(Webhook).decode
decode_taken: Final = msgspec.json.Decoder(Taken).decode
decode_error: Final = msgspec.json.Decoder(Error).decode
encode: Final = msgspec.json.Encoder().encode
