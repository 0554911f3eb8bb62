"""Everything that the face does, as one table."""

from typing import Final

from tyrian.protocols.genesys import channels, oauth, webhooks
from tyrian.protocols.genesys.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *oauth.OPERATIONS,
    *channels.OPERATIONS,
    *webhooks.OPERATIONS,
)
