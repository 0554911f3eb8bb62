"""What every operation of the face works with: one for each gateway."""

from typing import TYPE_CHECKING

from tyrian.protocols.genesys.access import Guard
from tyrian.protocols.genesys.integrations import Integrations
from tyrian.protocols.genesys.organization import Organizations
from tyrian.protocols.genesys.threads import Threads
from tyrian.protocols.genesys.uploads import Uploads
from tyrian.protocols.genesys.webhooks import Journal

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway


class Desk:
    """The gateway, and what the face keeps of it."""

    def __init__(self, gateway: "Gateway") -> None:
        self.gateway = gateway
        self.organizations = Organizations(gateway)
        self.guard = Guard(gateway, self.organizations)
        self.integrations = Integrations(gateway)
        self.journal = Journal(gateway)
        self.threads = Threads(gateway)
        self.uploads = Uploads(gateway)
