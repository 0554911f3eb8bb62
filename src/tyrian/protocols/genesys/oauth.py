"""Tokens, and what is known of whoever holds one: `/oauth/token`, `/tokens/me`, the OAuth clients, the organisation."""

from ipaddress import ip_network
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import NAMESPACE_URL, uuid5

from msgspec import Struct

from tyrian.domain.problem import Problem
from tyrian.protocols.genesys import access, errors, organization as organizations, rights
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply
from tyrian.protocols.genesys.organization import Client, Organization

TAG: Final = "Access"
GRANT: Final = "client_credentials"
_MAX_FIELDS: Final = 20


class Form(Struct):
    """A request for a token, as a form. Client and secret may also come in a `Basic` header."""

    grant_type: str
    client_id: str | None = None
    client_secret: str | None = None


class Token(Struct):
    """A token. `expires_in` in seconds."""

    access_token: str
    token_type: str
    expires_in: int


class Named(Struct, rename="camel", omit_defaults=True):
    """Something by its id."""

    id: str
    name: str | None = None
    self_uri: str | None = None


class TokenInfo(Struct, omit_defaults=True):
    """Whose a token is."""

    organization: Named
    homeOrganization: Named  # noqa: N815 - as it goes over the wire
    authorizedScope: list[str]  # noqa: N815
    OAuthClient: dict[str, Any]
    dateTokenIdles: str | None = None  # noqa: N815


class OAuthClient(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """An OAuth client: a credential, and what it was narrowed to."""

    id: str | None = None
    name: str | None = None
    authorized_grant_type: str | None = None
    access_token_validity_seconds: int | None = None
    scope: list[str] | None = None
    permissions: list[str] | None = None
    roles: list[str] | None = None
    state: str | None = None
    self_uri: str | None = None


class IpRange(Struct):
    """A network that the gateway calls from."""

    cidr: str
    service: str
    region: str
    direction: str


class IpRanges(Struct):
    """All of them."""

    entities: list[IpRange]


def organization_id(account_id: int) -> str:
    """The id of the organisation that an account is."""
    return str(uuid5(NAMESPACE_URL, f"urn:tyrian:account:{account_id}"))


async def give_token(call: Call) -> Reply:
    """Gives a token for client credentials."""
    try:
        pairs = parse_qsl(call.raw.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise errors.oauth(400, "invalid_request", "the body is no form") from None
    form = dict(pairs)
    grant = form.get("grant_type", "")
    if not grant:
        raise errors.oauth(400, "invalid_request", "grant_type is missing")
    if grant != GRANT:
        raise errors.oauth(400, "unsupported_grant_type", f"grant_type must be {GRANT}")
    named = access.basic(call.headers.get("authorization", "")) or (
        form.get("client_id", ""),
        form.get("client_secret", ""),
    )
    if not named[0]:
        raise errors.oauth(400, "invalid_client", "client not found")
    token, seconds = await call.desk.guard.give(*named)
    return Reply(Token(token, "bearer", seconds))


async def token_info(call: Call) -> Reply:
    """Tells whose the token is."""
    who = call.who
    assert who is not None
    organization = await call.desk.organizations.get(call.account_id)
    home = Named(organization_id(call.account_id), organization.name)
    client = {"id": who.client_id, "name": who.key.name}
    return Reply(TokenInfo(home, home, sorted(who.scopes), client))


async def ip_ranges(call: Call) -> Reply:
    """The networks that webhooks leave from, as the organisation has them written down."""
    organization = await call.desk.organizations.get(call.account_id)
    found = [
        IpRange(network, "open-messaging", organization.region, "both") for network in organization.egress_networks
    ]
    return Reply(IpRanges(found))


# -- Clients ----------------------------------------------------------------------------------------------------------


async def read_client(call: Call) -> Reply:
    """An OAuth client of the account."""
    name = call.path["clientId"]
    return Reply(_shown(name, await _key_name(call, name), await call.desk.organizations.client(call.account_id, name)))


async def change_client(call: Call) -> Reply:
    """Narrows an OAuth client: its scopes, permissions, roles, and how long its tokens last."""
    name, given = call.path["clientId"], call.body(OAuthClient)
    key_name = await _key_name(call, name)
    least, most = organizations.TOKEN_SECONDS
    seconds = given.access_token_validity_seconds
    found = [
        Problem(f"/scope/{n}", f"is not one of {', '.join(sorted(rights.SCOPES))}")
        for n, scope in enumerate(given.scope or ())
        if scope not in rights.SCOPES
    ]
    found += [
        Problem(f"/permissions/{n}", "is no permission that this gateway knows")
        for n, word in enumerate(given.permissions or ())
        if rights.permission(word) is None
    ]
    found += [
        Problem(f"/roles/{n}", f"is not one of {', '.join(sorted(rights.ROLES))}")
        for n, role in enumerate(given.roles or ())
        if role not in rights.ROLES
    ]
    if seconds is not None and not least <= seconds <= most:
        found.append(Problem("/accessTokenValiditySeconds", f"must be from {least} to {most}"))
    if found:
        raise errors.wrong(found, "invalid.value")
    client = Client(
        scope=given.scope,
        permissions=given.permissions,
        roles=given.roles,
        access_token_validity_seconds=seconds or organizations.DEFAULT_TOKEN_SECONDS,
    )
    await call.desk.organizations.set_client(call.account_id, name, client)
    call.desk.guard.forget()
    return Reply(_shown(name, key_name, client))


async def _key_name(call: Call, client_id: str) -> str:
    for key in await call.desk.gateway.keys.list(call.account_id):
        if key.face == organizations.FACE and key.prefix == client_id:
            return key.name
    raise errors.not_found(f"The OAuth client {client_id}")


def _shown(client_id: str, name: str, client: Client) -> OAuthClient:
    return OAuthClient(
        id=client_id,
        name=name,
        authorized_grant_type="CLIENT-CREDENTIALS",
        access_token_validity_seconds=client.access_token_validity_seconds,
        scope=client.scope,
        permissions=client.permissions,
        roles=client.roles,
        state="active",
        self_uri=f"{V2}/oauth/clients/{client_id}",
    )


# -- The organisation -------------------------------------------------------------------------------------------------


async def read_organization(call: Call) -> Reply:
    """The organisation with its licence and switches."""
    return Reply(await call.desk.organizations.get(call.account_id))


async def change_organization(call: Call) -> Reply:
    """Replaces the organisation's licence and switches."""
    given = call.body(Organization)
    found = [
        Problem(f"/{name}/{n}", "must be a network such as 203.0.113.0/24")
        for name, networks in (("allowedNetworks", given.allowed_networks), ("egressNetworks", given.egress_networks))
        for n, network in enumerate(networks)
        if not _is_network(network)
    ]
    if found:
        raise errors.wrong(found, "invalid.value")
    return Reply(await call.desk.organizations.set(call.account_id, given))


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


_CLIENT_EXAMPLE: Final = {
    "scope": ["messaging", "conversations"],
    "roles": ["Messaging Agent"],
    "accessTokenValiditySeconds": 3600,
}
_CLIENT: Final = f"{V2}/oauth/clients/{{clientId}}"
_ORGANIZATION_EXAMPLE: Final = {"name": "Shop", "region": "EMEA", "enforceWindow": True}

OPERATIONS: Final = (
    Operation(
        name="postOauthToken",
        method="POST",
        path="/oauth/token",
        handler=give_token,
        tag=TAG,
        summary="Get a token for client credentials",
        open=True,
        body=Form,
        answer=Token,
        example={"grant_type": GRANT},
        answered={"access_token": "q3Zr", "token_type": "bearer", "expires_in": 86400},
        errors=(400,),
    ),
    Operation(
        name="getTokensMe",
        method="GET",
        path=f"{V2}/tokens/me",
        handler=token_info,
        tag=TAG,
        summary="Whose the token is",
        answer=TokenInfo,
    ),
    Operation(
        name="getIpranges",
        method="GET",
        path=f"{V2}/ipranges",
        handler=ip_ranges,
        tag=TAG,
        summary="The networks that webhooks leave from",
        answer=IpRanges,
    ),
    Operation(
        name="getOauthClient",
        method="GET",
        path=_CLIENT,
        handler=read_client,
        tag=TAG,
        summary="Read what an OAuth client may do",
        scope="oauth:readonly",
        some=("oauth:client:view",),
        answer=OAuthClient,
        errors=(404,),
    ),
    Operation(
        name="putOauthClient",
        method="PUT",
        path=_CLIENT,
        handler=change_client,
        tag=TAG,
        summary="Narrow what an OAuth client may do",
        scope="oauth",
        every=("oauth:client:edit",),
        body=OAuthClient,
        answer=OAuthClient,
        example=_CLIENT_EXAMPLE,
        errors=(400, 404),
    ),
    Operation(
        name="getOrganizationsMe",
        method="GET",
        path=f"{V2}/organizations/me",
        handler=read_organization,
        tag=TAG,
        summary="Read the organisation's licence and switches",
        scope="organization:readonly",
        answer=Organization,
    ),
    Operation(
        name="putOrganizationsMe",
        method="PUT",
        path=f"{V2}/organizations/me",
        handler=change_organization,
        tag=TAG,
        summary="Set the organisation's licence and switches",
        scope="organization",
        every=("directory:organization:admin",),
        body=Organization,
        answer=Organization,
        example=_ORGANIZATION_EXAMPLE,
        errors=(400, 409),
    ),
)
