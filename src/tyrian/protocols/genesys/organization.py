"""What an account has configured for this dialect: its organisation's licence and switches, and its OAuth clients."""

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from tyrian.protocols.genesys import errors, rights
from tyrian.protocols.genesys.errors import ApiError

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

FACE: Final = "genesys"
_ORGANIZATION: Final = "organization"
_CLIENT: Final = "client"
_ME: Final = "me"

#: Seconds that a token may last, and how long it does unless the client says otherwise.
TOKEN_SECONDS: Final = (300, 172_800)
DEFAULT_TOKEN_SECONDS: Final = 86_400
#: Requests a minute for each token.
RATE: Final = 300
MEBIBYTE: Final = 1024 * 1024

#: The regions that the guide names.
REGIONS: Final = ("EMEA", "APAC", "US")

LICENCE: Final = "digital_channels"
CAPABILITY: Final = "messaging"


class Organization(Struct, rename="camel", kw_only=True):
    """The organisation that an account is in this dialect. Times in seconds."""

    name: Annotated[str, Meta(max_length=200)] = "Tyrian"
    #: The Digital Channels licence: without it no Viber channel can be made.
    digital_channels: bool = True
    #: The capability "Messaging": without it neither messages nor webhooks.
    messaging: bool = True
    region: Annotated[str, Meta(max_length=40)] = "EMEA"
    #: Where Viber is offered.
    viber_regions: list[Annotated[str, Meta(max_length=40)]] = msgspec.field(default_factory=lambda: list(REGIONS))
    #: Where Viber's partner team has let this gateway in; elsewhere channels stay pending.
    whitelisted_regions: list[Annotated[str, Meta(max_length=40)]] = msgspec.field(
        default_factory=lambda: list(REGIONS)
    )
    #: Where Viber's Bot API is for the channels that are made here; none: Viber's own address.
    viber_base_url: Annotated[str, Meta(pattern="^https?://", max_length=2000)] | None = None
    #: Networks that may call the webhooks of Viber channels; empty: any.
    allowed_networks: list[Annotated[str, Meta(max_length=64)]] = []
    #: Networks that this gateway calls from, for firewalls to admit; told by `/ipranges`.
    egress_networks: list[Annotated[str, Meta(max_length=64)]] = []
    #: What happens to media that are only in `content.mediaUrls`.
    generic_media: Literal["text", "refuse"] = "text"
    #: What happens to a button whose payload is an object.
    object_payload: Literal["refuse", "drop"] = "refuse"
    max_payload: Annotated[int, Meta(ge=1, le=1000)] = 128
    #: Whether rich messages are refused once the window has passed, where the request does not say.
    enforce_window: bool = False
    window: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 86_400
    max_image_bytes: Annotated[int, Meta(ge=1, le=50 * MEBIBYTE)] = 5 * MEBIBYTE
    #: Whether pictures behind URLs are looked at before a message is accepted.
    check_media: bool = False
    webp: Literal["warn", "accept", "refuse"] = "warn"
    #: Width by height that thumbnails must have, within a twentieth; none: any.
    thumbnail_ratio: Annotated[float, Meta(gt=0, le=100)] | None = None
    requests_per_minute: Annotated[int, Meta(ge=1, le=1_000_000)] = RATE
    #: Rises with each replacement. One that names another version than the present one is refused.
    version: Annotated[int, Meta(ge=1)] | None = None


class Client(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What an OAuth client was narrowed to; what is left out stays as wide as its credential."""

    scope: list[str] | None = None
    permissions: list[str] | None = None
    roles: list[str] | None = None
    access_token_validity_seconds: Annotated[int, Meta(ge=TOKEN_SECONDS[0], le=TOKEN_SECONDS[1])] = (
        DEFAULT_TOKEN_SECONDS
    )

    def allowed(self) -> frozenset[str] | None:
        """The permissions that it is narrowed to, by name and by role; None for all."""
        if self.permissions is None and self.roles is None:
            return None
        named = {found for word in self.permissions or () if (found := rights.permission(word)) is not None}
        return frozenset(named.union(*(rights.ROLES.get(role, frozenset()) for role in self.roles or ())))


class Organizations:
    """The organisations of all accounts of a gateway."""

    def __init__(self, gateway: "Gateway") -> None:
        self._documents = gateway.documents

    async def get(self, account_id: int) -> Organization:
        """An account's organisation."""
        body = await self._documents.get(account_id, FACE, _ORGANIZATION, _ME)
        return msgspec.convert({"version": 1, **(body or {})}, Organization)

    async def set(self, account_id: int, organization: Organization) -> Organization:
        """Replaces it. Raises `ApiError` (409) for a replacement of another version than the present one."""

        def replaced(body: Any | None) -> Any:
            known = (body or {}).get("version") or 1
            if organization.version not in (None, known):
                raise errors.conflict(f"The organization is at version {known}: read it again, then change that.")
            return msgspec.to_builtins(msgspec.structs.replace(organization, version=known + 1))

        body = await self._documents.change(account_id, FACE, _ORGANIZATION, _ME, replaced)
        return msgspec.convert(body, Organization)

    async def client(self, account_id: int, client_id: str) -> Client:
        """What an OAuth client was narrowed to."""
        body = await self._documents.get(account_id, FACE, _CLIENT, client_id)
        return msgspec.convert(body or {}, Client)

    async def set_client(self, account_id: int, client_id: str, client: Client) -> None:
        """Narrows an OAuth client."""
        await self._documents.put(account_id, FACE, _CLIENT, client_id, msgspec.to_builtins(client))


def must_have(organization: Organization, *needs: str) -> None:
    """Refuses what an organisation has no licence or capability for. Raises `ApiError` (403)."""
    if LICENCE in needs and not organization.digital_channels:
        raise errors.not_authorized("The organization has no active Digital Channels license.")
    if CAPABILITY in needs and not organization.messaging:
        raise errors.not_authorized('The capability "Messaging" is not enabled for the organization.')


def must_offer_viber(organization: Organization) -> None:
    """Refuses a provider that the organisation's region has not. Raises `ApiError` (400)."""
    if organization.region not in organization.viber_regions:
        words = f"The provider VIBER is not available in the region {organization.region}."
        raise ApiError(400, "invalid.value", words, details=[errors.Detail("invalid.value", "/channelType")])
