"""Every operation of the face, as one table."""

from typing import Final

from tyrian.protocols.infobip import (
    inbound,
    messages_operations,
    profile_operations,
    session_operations,
    subscription_operations,
    templates,
)
from tyrian.protocols.infobip.core_operations import CORE
from tyrian.protocols.infobip.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *CORE,
    *messages_operations.OPERATIONS,
    *templates.OPERATIONS,
    *inbound.OPERATIONS,
    *subscription_operations.OPERATIONS,
    *profile_operations.OPERATIONS,
    *session_operations.OPERATIONS,
)
