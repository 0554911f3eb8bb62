"""Everything that the face does, as one table."""

from typing import Final

from tyrian.protocols.tyntec import channels, configurations, following, legacy, media, messages
from tyrian.protocols.tyntec.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *messages.OPERATIONS,
    *following.OPERATIONS,
    *configurations.OPERATIONS,
    *channels.OPERATIONS,
    *media.OPERATIONS,
    *legacy.OPERATIONS,
)
