"""The table of the API's operations: what each does, for whom, and every word that its documentation prints."""

from typing import Final

from tyrian.protocols.native.admin_operations import OPERATIONS as ADMIN
from tyrian.protocols.native.bulk_operations import BULKS
from tyrian.protocols.native.consent_operations import CONSENT
from tyrian.protocols.native.flow_operations import FLOWS
from tyrian.protocols.native.inbox_operations import CONVERSATIONS
from tyrian.protocols.native.inbox_staff_operations import STAFF
from tyrian.protocols.native.media_operations import MEDIA
from tyrian.protocols.native.message_operations import MESSAGES
from tyrian.protocols.native.operation import Operation
from tyrian.protocols.native.other_operations import OTHERS
from tyrian.protocols.native.people_operations import PEOPLE
from tyrian.protocols.native.sessions import SESSIONS

OPERATIONS: Final[tuple[Operation, ...]] = (
    *MESSAGES, *BULKS, *OTHERS, *MEDIA, *FLOWS, *PEOPLE, *CONSENT, *CONVERSATIONS,
    *STAFF, *SESSIONS, *ADMIN,
)  # fmt: skip
