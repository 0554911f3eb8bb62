"""What a channel carries to Genesys Cloud, as tables.

Sources: "models" are those of the stock SDK `PureCloudPlatformClientV2` 269.0.0; "Open Messaging" are the pages of
that name of Genesys' developer centre.
"""

from typing import Final

from tyrian.domain.limits import Bound, Capabilities, ContentRule
from tyrian.protocols.genesys.connector_wire import MAX_TEXT

_MODELS: Final = "Genesys Cloud SDK 269.0.0, models"
_OPEN: Final = "Genesys Cloud developer centre, Open Messaging"
#: People write words and send files; what only a business says has no form there.
_PLAIN: Final = tuple(
    Bound(field=field, forbidden=True, source=_MODELS)
    for field in ("keyboard", "sender", "min_api_version", "tracking_data")
)
_NO_BUTTON: Final = Bound(field="button", forbidden=True, source=_MODELS)

#: What enters a conversation as a person's message: words, and one attachment (models, Attachment).
OPEN: Final = Capabilities(
    contents={
        "text": ContentRule(bounds=(_NO_BUTTON,)),
        "image": ContentRule(bounds=(_NO_BUTTON,)),
        "video": ContentRule(bounds=(_NO_BUTTON,)),
        "audio": ContentRule(),
        "file": ContentRule(),
    },
    common=_PLAIN,
    receipts=frozenset({"delivered", "failed", "expired"}),
    inbound=True,
    source=_OPEN,
)

#: What goes out without an agent: on Open Messaging text only.
AGENTLESS: Final = Capabilities(
    contents={
        "text": ContentRule(bounds=(Bound(field="text", max_length=MAX_TEXT, source=_MODELS), _NO_BUTTON)),
    },
    common=_PLAIN,
    receipts=frozenset({"delivered", "seen", "failed", "expired"}),
    source=_OPEN,
)
