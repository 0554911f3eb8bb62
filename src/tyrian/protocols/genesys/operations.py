"""Everything that the face does, as one table."""

from typing import Final

from tyrian.protocols.genesys import (
    channels,
    conversation_operations,
    mappings,
    media_check,
    oauth,
    open_inbound,
    open_integrations,
    sending,
    settings_content,
    settings_messaging,
    settings_threading,
    uploads,
    webhooks,
)
from tyrian.protocols.genesys.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *oauth.OPERATIONS,
    *channels.OPERATIONS,
    *webhooks.OPERATIONS,
    *sending.OPERATIONS,
    *mappings.OPERATIONS,
    *media_check.OPERATIONS,
    *conversation_operations.OPERATIONS,
    *uploads.OPERATIONS,
    *open_integrations.OPERATIONS,
    *open_inbound.OPERATIONS,
    *settings_content.OPERATIONS,
    *settings_messaging.OPERATIONS,
    *settings_threading.OPERATIONS,
)
