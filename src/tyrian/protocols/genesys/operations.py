"""Everything that the face does, as one table."""

from typing import Final

from tyrian.protocols.genesys import (
    channels,
    conversations,
    handling,
    mappings,
    media_check,
    oauth,
    outbound,
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
    *conversations.OPERATIONS,
    *outbound.OPERATIONS,
    *handling.OPERATIONS,
    *uploads.OPERATIONS,
)
