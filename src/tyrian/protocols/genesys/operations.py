"""Everything that the face does, as one table."""

from typing import Final

from tyrian.protocols.genesys import (
    channels,
    conversation_operations,
    mappings,
    media_check,
    oauth,
    sending,
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
)
