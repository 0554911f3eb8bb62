"""Scopes, permissions and roles: what a token and an OAuth client may do, as tables.

A credential has scopes of Tyrian's own (`engine.keys.SCOPES`); what these are worth in this dialect is `GRANTS`. A
client can be given less than that (`organization.Client`), never more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tyrian.engine.keys import KeyEntry

# -- Scopes -----------------------------------------------------------------------------------------------------------

MESSAGING_WRITE: Final = "messaging:write"
MESSAGING_READ: Final = "messaging:read"
CONVERSATION_READ: Final = "conversation:read"
CONVERSATIONS: Final = "conversations"

#: What is asked -> the scopes that give it. The guide's names and the real API's.
ALIASES: Final[dict[str, frozenset[str]]] = {
    MESSAGING_WRITE: frozenset({MESSAGING_WRITE, "messaging"}),
    MESSAGING_READ: frozenset({MESSAGING_READ, MESSAGING_WRITE, "messaging", "messaging:readonly"}),
    CONVERSATION_READ: frozenset({CONVERSATION_READ, "conversations", "conversations:readonly"}),
    CONVERSATIONS: frozenset({"conversations"}),
    "conversations:readonly": frozenset({"conversations", "conversations:readonly", CONVERSATION_READ}),
    "routing": frozenset({"routing"}),
    "routing:readonly": frozenset({"routing", "routing:readonly"}),
    "oauth": frozenset({"oauth"}),
    "oauth:readonly": frozenset({"oauth", "oauth:readonly"}),
    "organization": frozenset({"organization"}),
    "organization:readonly": frozenset({"organization", "organization:readonly"}),
}
SCOPES: Final = frozenset(name for names in ALIASES.values() for name in names)

# -- Permissions ------------------------------------------------------------------------------------------------------

CHANNEL_CREATE: Final = "digitalchannels:channel:create"
CHANNEL_EDIT: Final = "digitalchannels:channel:edit"
CONVERSATION_VIEW: Final = "digitalchannels:conversation:view"
WEBHOOKS_MANAGE: Final = "integrations:webhooks:manage"

#: The guide's words for permissions -> their names.
WORDS: Final[dict[str, str]] = {
    "Digital Channels > Channel > Create": CHANNEL_CREATE,
    "Digital Channels > Channel > Edit": CHANNEL_EDIT,
    "Digital Channels > Conversation > View": CONVERSATION_VIEW,
    "Integrations > Webhooks > Manage": WEBHOOKS_MANAGE,
}

_SEND: Final = (
    "conversation:message:create",
    "conversation:message:receive",
    "conversation:webmessaging:create",
    "conversation:socialmedia:create",
)
_HANDLE: Final = (
    "conversation:communication:disconnect",
    "conversation:message:park",
    "conversation:participant:wrapup",
    "conversation:communication:blindTransfer",
    "conversation:communication:blindTransferQueue",
    "conversation:communication:blindTransferAgent",
)
_READ: Final = (
    CONVERSATION_VIEW,
    "conversation:message:view",
    "conversation:webmessaging:view",
    "conversation:messageMedia:view",
    "conversation:communication:view",
)
_SEE: Final = (
    "messaging:integration:view",
    "messaging:supportedContent:view",
    "messaging:setting:view",
    "conversation:threadingTimeline:view",
    "routing:queue:view",
)
_CONFIGURE: Final = (
    CHANNEL_CREATE,
    CHANNEL_EDIT,
    "messaging:integration:add",
    "messaging:integration:edit",
    "messaging:integration:delete",
    "messaging:supportedContent:add",
    "messaging:supportedContent:edit",
    "messaging:supportedContent:delete",
    "messaging:setting:add",
    "messaging:setting:edit",
    "messaging:setting:delete",
    "conversation:threadingTimeline:edit",
    "routing:message:manage",
)
#: A scope of Tyrian's -> the scopes and permissions of this dialect that come with it.
GRANTS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "messages:send": (("messaging", MESSAGING_WRITE, "conversations"), (*_SEND, *_HANDLE)),
    "messages:read": (
        (MESSAGING_READ, "messaging:readonly", CONVERSATION_READ, "conversations:readonly"),
        _READ,
    ),
    "inbound:read": ((MESSAGING_READ, "messaging:readonly"), ("conversation:message:view",)),
    "inbox:read": ((CONVERSATION_READ, "conversations:readonly", "routing:readonly"), _READ),
    "inbox:write": (("conversations",), _HANDLE),
    "channels:read": (("messaging:readonly", "routing:readonly", "organization:readonly"), _SEE),
    "channels:manage": (("messaging", "routing"), _CONFIGURE),
    "callbacks:manage": (("messaging",), (WEBHOOKS_MANAGE,)),
    "keys:manage": (("oauth", "oauth:readonly"), ("oauth:client:view", "oauth:client:edit")),
    "accounts:manage": (("organization",), ("directory:organization:admin",)),
}
PERMISSIONS: Final = frozenset(name for _, names in GRANTS.values() for name in names)

#: Sets of permissions that a client can be given by name.
ROLES: Final[dict[str, frozenset[str]]] = {
    "Digital Channels Admin": frozenset({CHANNEL_CREATE, CHANNEL_EDIT, CONVERSATION_VIEW, WEBHOOKS_MANAGE}),
    "Messaging Admin": frozenset({*_SEE, *_CONFIGURE, WEBHOOKS_MANAGE}),
    "Messaging Agent": frozenset({*_SEND, *_READ, *_HANDLE, "routing:queue:view"}),
    "Open Messaging Middleware": frozenset({"conversation:message:receive"}),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a credential, and what its client may do."""

    key: KeyEntry
    client_id: str
    scopes: frozenset[str]
    permissions: frozenset[str]
    #: What its rate is counted by: the token's hash.
    token: str = ""

    def has_scope(self, wanted: str) -> bool:
        """Whether one of its scopes gives what is wanted."""
        return bool(self.scopes & ALIASES[wanted])


def granted(scopes: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The scopes and permissions of this dialect that a credential's own scopes are worth."""
    found = [GRANTS[scope] for scope in scopes if scope in GRANTS]
    return (
        frozenset(name for names, _ in found for name in names),
        frozenset(name for _, names in found for name in names),
    )


def permission(word: str) -> str | None:
    """A permission by its name or in the guide's words; None for one that is not known."""
    name = WORDS.get(word, word)
    return name if name in PERMISSIONS else None
