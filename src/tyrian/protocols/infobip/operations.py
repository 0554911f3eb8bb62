"""Every operation of the face, as one table."""

from typing import Final

from tyrian.protocols.infobip.core_operations import CORE
from tyrian.protocols.infobip.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (*CORE,)
