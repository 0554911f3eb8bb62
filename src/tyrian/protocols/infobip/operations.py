"""Every operation of the face, as one table."""

from typing import Final

from tyrian.protocols.infobip.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = ()
