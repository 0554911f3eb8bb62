"""The settings of a `genesys` channel."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from tyrian.protocols.genesys import connector_wire as wire


class GenesysConfig(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings of a `genesys` channel. Times in seconds."""

    #: The Open Messaging integration.
    integration_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    #: The OAuth client (client credentials) that the channel acts as.
    client_id: Annotated[str, Meta(pattern=r"^[\x21-\x39\x3b-\x7e]{1,200}$")]
    mode: Literal["open", "agentless"] = "open"
    base_url: Annotated[str, Meta(pattern="^https?://")] = wire.BASE_URL
    #: Where tokens come from; left out, the `login.` host beside an `api.` one, else `base_url` itself.
    login_url: Annotated[str, Meta(pattern="^https?://")] | None = None
    #: What people's addresses are to Genesys.
    id_type: Literal["Opaque", "Phone", "Email"] = "Opaque"
    #: Whether Genesys is told that a message from it was taken in.
    send_receipts: bool = True
    #: Whether Genesys is asked what became of a message that went out without an agent.
    ask_status: bool = True
    timeout: Annotated[float, Meta(gt=0, le=120)] = 10.0
    connect_timeout: Annotated[float, Meta(gt=0, le=60)] = 3.0


class GenesysSecrets(Struct, kw_only=True, forbid_unknown_fields=True):
    """The secrets of a `genesys` channel."""

    client_secret: Annotated[str, Meta(min_length=1, max_length=200)]
    #: Signs the integration's webhooks. Without it none is taken.
    webhook_secret: Annotated[str, Meta(min_length=16, max_length=200)] | None = None
