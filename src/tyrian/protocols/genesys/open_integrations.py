"""Open Messaging integrations: channels of the kind `open_messaging`, made, read, changed and removed; and all others.

An integration works as soon as it is made; clients are told `Initiated` at first, since they expect to ask again.
"""

import re
from typing import Any, Final

import msgspec
from msgspec import UNSET

from tyrian.domain.problem import Problem, Refused
from tyrian.engine.channel_entry import ChannelEntry
from tyrian.engine.channel_spec import HIDDEN, ChannelChange, ChannelSpec
from tyrian.engine.egress import judge_url
from tyrian.protocols.genesys import (
    errors,
    ids,
    open_inbound,
    open_wire as wire,
    rights,
    settings_threading as threading,
)
from tyrian.protocols.genesys.open_config import KIND, OpenSecrets, facts_of, header_fault, read_headers
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply
from tyrian.protocols.genesys.organization import CAPABILITY
from tyrian.protocols.genesys.paging import QUERY, listing
from tyrian.protocols.genesys.register import Register
from tyrian.protocols.genesys.settings_content import PROFILES
from tyrian.protocols.genesys.settings_messaging import SETTINGS
from tyrian.store.accounts import NameTaken

TAG: Final = "Open Messaging: integrations"
ALL: Final = f"{V2}/conversations/messaging/integrations"
PATH: Final = f"{ALL}/open"
_ONE: Final = f"{PATH}/{{integrationId}}"
_NAMES: Final = 100
_SECURE: Final = "https://"
_encode: Final = msgspec.json.Encoder().encode

# -- Changing ---------------------------------------------------------------------------------------------------------


async def create(call: Call) -> Reply:
    """Makes an integration, and with it a channel that has an inbox."""
    given: wire.OpenIntegrationRequest = call.body(wire.OpenIntegrationRequest)
    _refuse(_problems(call, given.outbound_notification_webhook_url, given.webhook_headers))
    config = {"name": given.name, "webhook_url": given.outbound_notification_webhook_url}
    config |= await _profiles(call, given.supported_content, given.messaging_setting, default=True)
    secrets = {"signature_token": given.outbound_notification_webhook_signature_secret_token}
    if given.webhook_headers:
        secrets["webhook_headers"] = _encode(given.webhook_headers).decode()
    entry = await _named(call, given.name, config, secrets)
    inbox = call.desk.gateway.inbox
    if inbox is not None:
        own = await threading.inbox_of(call.desk.gateway, entry)
        await inbox.set_channel_inbox(call.account_id, entry.channel, own)
    return Reply(await _shown(call, await _settled(call, entry), status="Initiated"))


async def _named(call: Call, name: str, config: dict[str, Any], secrets: dict[str, str]) -> ChannelEntry:
    """A channel under a name that is still free. Raises `ApiError` (400)."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:60] or "open"
    for number in range(1, _NAMES):
        free = plain if number == 1 else f"{plain}-{number}"
        try:
            spec = ChannelSpec(name=free, kind=KIND, config=config, secrets=secrets)
            return await call.desk.gateway.channels.create(call.account_id, spec)
        except NameTaken:
            continue
        except Refused as refused:
            raise errors.wrong(_placed(refused.problems)) from None
    raise errors.bad("There are too many channels of this name.", field="/name")


async def change(call: Call) -> Reply:
    """Changes an integration. What was signed with a token that is replaced here is believed for a day."""
    entry = open_inbound.integration(call, call.path["integrationId"])
    given: wire.OpenIntegrationChange = call.body(wire.OpenIntegrationChange)
    headers = given.webhook_headers
    _refuse(_problems(call, given.outbound_notification_webhook_url, headers if headers is not UNSET else None))
    config: dict[str, Any] = {"name": given.name}
    if given.outbound_notification_webhook_url is not None:
        config["webhook_url"] = given.outbound_notification_webhook_url
    config |= await _profiles(call, given.supported_content, given.messaging_setting, default=False)
    secrets: dict[str, str | None] = {}
    token = given.outbound_notification_webhook_signature_secret_token
    if token is not None:
        secrets["signature_token"] = token
    if headers is not UNSET:
        secrets["webhook_headers"] = _encode(headers).decode() if headers else None
    change = ChannelChange(config=config, secrets=secrets)
    try:
        changed = await call.desk.gateway.channels.update(call.account_id, entry.channel.name, change)
    except Refused as refused:
        raise errors.wrong(_placed(refused.problems)) from None
    if changed is None:
        raise errors.not_found("The integration")
    return Reply(await _shown(call, await _settled(call, changed)))


async def remove(call: Call) -> Reply:
    """Removes an integration."""
    entry = open_inbound.integration(call, call.path["integrationId"])
    await call.desk.gateway.channels.remove(call.account_id, entry.channel.name)
    return Reply(status=204)


async def _profiles(
    call: Call, supported: wire.Reference | None, setting: wire.Reference | None, *, default: bool
) -> dict[str, Any]:
    """The settings that the named profiles are worth; with `default`, of those that are not named too."""
    config: dict[str, Any] = {}
    for register, named in ((PROFILES, supported), (SETTINGS, setting)):
        if named or default:
            config |= register.given(await register.get(call, named.id) if named else await register.default(call))
    return config


async def _settled(call: Call, entry: ChannelEntry) -> ChannelEntry:
    """An integration with what its profiles are worth now: they may have changed while it did."""
    for register in (PROFILES, SETTINGS):
        await register.settle(call, entry)
    return call.desk.gateway.channels.by_id(entry.channel.id) or entry


def _problems(call: Call, url: str | None, headers: dict[str, str] | None) -> list[Problem]:
    """What is wrong with where webhooks go. Only a gateway that may call inner networks takes plain http."""
    allowed, at, found = call.desk.gateway.settings.allow_private_callbacks, "/outboundNotificationWebhookUrl", []
    if url is not None:
        words = judge_url(url, allowed)
        if words:
            found.append(Problem(at, words))
        elif not url.lower().startswith(_SECURE) and not allowed:
            found.append(Problem(at, "must be an https:// URL"))
    fault = header_fault(headers) if headers else None
    return [*found, Problem("/webhookHeaders", fault)] if fault else found


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise errors.wrong(problems)


_PLACES: Final = {
    "/config/name": "/name",
    "/config/webhook_url": "/outboundNotificationWebhookUrl",
    "/secrets/signature_token": "/outboundNotificationWebhookSignatureSecretToken",
    "/secrets/webhook_headers": "/webhookHeaders",
    "/secrets": "/webhookHeaders",
}


def _placed(problems: list[Problem]) -> list[Problem]:
    """Problems of the channel, at the places of this dialect."""
    return [problem._replace(pointer=_PLACES.get(problem.pointer, "/name")) for problem in problems]


# -- Looking ----------------------------------------------------------------------------------------------------------


async def read_all(call: Call) -> Reply:
    """The account's Open Messaging integrations, oldest first."""
    found = [entry for entry in _entries(call) if entry.channel.kind == KIND and _chosen(call, entry)]
    page = listing(call, PATH, found)
    page["entities"] = [await _shown(call, entry) for entry in page["entities"]]
    return Reply(page)


async def read(call: Call) -> Reply:
    """One integration."""
    return Reply(await _shown(call, open_inbound.integration(call, call.path["integrationId"])))


async def read_every(call: Call) -> Reply:
    """The account's channels of all kinds, as integrations."""
    wanted = call.query.get("messengerType", "").lower()
    found = [
        entry
        for entry in _entries(call)
        if (not wanted or threading.messenger(entry) == wanted) and _chosen(call, entry)
    ]
    return Reply(listing(call, ALL, [_brief(entry) for entry in found]))


def _entries(call: Call) -> list[ChannelEntry]:
    found = [e for e in call.desk.gateway.channels.all() if e.channel.account_id == call.account_id]
    return sorted((e for e in found if e.group is None), key=lambda e: e.channel.id)


def _chosen(call: Call, entry: ChannelEntry) -> bool:
    """Whether a channel has the profiles that a listing is narrowed to."""
    wanted = {"supported_content": "supportedContent.id", "messaging_setting": "messagingSetting.id"}
    asked = {own: call.query[name] for own, name in wanted.items() if call.query.get(name)}
    return not asked or all(entry.channel.config.get(own) == value for own, value in asked.items())


def _brief(entry: ChannelEntry) -> wire.AnyIntegration:
    identifier = ids.of_channel(entry.channel.id)
    own = {KIND: PATH, "viber_bot": f"{ALL}/viber", "viber_business": f"{ALL}/viber"}.get(entry.channel.kind)
    return wire.AnyIntegration(
        id=identifier,
        name=str(entry.channel.config.get("name") or entry.channel.name),
        status="Active" if entry.channel.active else "Inactive",
        messenger_type=threading.messenger(entry),
        date_created=ids.iso(entry.created_at),
        date_modified=ids.iso(entry.updated_at),
        self_uri=f"{own}/{identifier}" if own else None,
    )


async def _shown(call: Call, entry: ChannelEntry, *, status: str = "Completed") -> wire.OpenIntegration:
    facts, channel = facts_of(entry.channel), entry.channel
    secrets = msgspec.convert(channel.secrets, OpenSecrets) if channel.secrets else None
    headers = secrets.webhook_headers if secrets is not None else None
    expand = {word.strip().lower() for word in call.query.get("expand", "").split(",")}
    own = f"{PATH}/{facts.id}"
    return wire.OpenIntegration(
        id=facts.id,
        name=facts.name,
        outbound_notification_webhook_url=facts.config.webhook_url,
        outbound_notification_webhook_signature_secret_token=secrets.signature_token if secrets else HIDDEN,
        supported_content=await _part(call, facts.config.supported_content, PROFILES, "supportedcontent" in expand),
        messaging_setting=await _part(call, facts.config.messaging_setting, SETTINGS, "messagingsetting" in expand),
        webhook_headers=read_headers(headers) if headers else None,
        status="Active" if channel.active else "Inactive",
        recipient=wire.Reference(id=facts.id, self_uri=f"{V2}/routing/message/recipients/{facts.id}"),
        create_status=status,
        date_created=ids.iso(entry.created_at),
        date_modified=ids.iso(entry.updated_at),
        self_uri=own,
    )


async def _part(call: Call, identifier: str | None, of: Register, whole: bool) -> Any:
    """A profile by its id, or as a whole."""
    if identifier is None:
        return None
    if not whole:
        return wire.Reference(id=identifier, self_uri=f"{of.path}/{identifier}")
    try:
        return await of.get(call, identifier)
    except errors.ApiError:
        return wire.Reference(id=identifier)


_EXAMPLE: Final = {
    "name": "Shop",
    "outboundNotificationWebhookUrl": "https://middleware.example.com/out",
    "outboundNotificationWebhookSignatureSecretToken": "a-token-of-at-least-16",
}
_EXPAND: Final = {
    "expand": ("string", "`supportedContent`, `messagingSetting`, with a comma between: show them whole.")
}
_FILTERS: Final = {
    "supportedContent.id": ("string", "Only those with this profile of supported content."),
    "messagingSetting.id": ("string", "Only those with this messaging setting."),
}
_MESSENGER: Final = {"messengerType": ("string", "Only those of this messenger: `open` or `sms`.")}
_MANAGE: Final[dict[str, Any]] = {"tag": TAG, "scope": rights.MESSAGING_WRITE}
_LOOK: Final[dict[str, Any]] = {
    "tag": TAG,
    "scope": rights.MESSAGING_READ,
    "every": ("messaging:integration:view",),
    "method": "GET",
}

OPERATIONS: Final = (
    Operation(
        name="postOpenIntegration",
        method="POST",
        path=PATH,
        handler=create,
        summary="Make an Open Messaging integration",
        every=("messaging:integration:add",),
        needs=(CAPABILITY,),
        body=wire.OpenIntegrationRequest,
        answer=wire.OpenIntegration,
        example=_EXAMPLE,
        errors=(400, 404),
        **_MANAGE,
    ),
    Operation(
        name="getOpenIntegrations",
        path=PATH,
        handler=read_all,
        summary="List Open Messaging integrations",
        answer=wire.OpenListing,
        query={**QUERY, **_EXPAND, **_FILTERS},
        errors=(400,),
        **_LOOK,
    ),
    Operation(
        name="getOpenIntegration",
        path=_ONE,
        handler=read,
        summary="Read an Open Messaging integration",
        answer=wire.OpenIntegration,
        query=_EXPAND,
        errors=(404,),
        **_LOOK,
    ),
    Operation(
        name="patchOpenIntegration",
        method="PATCH",
        path=_ONE,
        handler=change,
        summary="Change an Open Messaging integration",
        every=("messaging:integration:edit",),
        body=wire.OpenIntegrationChange,
        answer=wire.OpenIntegration,
        example={"name": "Shop", "outboundNotificationWebhookUrl": "https://middleware.example.com/new"},
        errors=(400, 404),
        **_MANAGE,
    ),
    Operation(
        name="deleteOpenIntegration",
        method="DELETE",
        path=_ONE,
        handler=remove,
        summary="Remove an Open Messaging integration",
        every=("messaging:integration:delete",),
        status=204,
        errors=(404,),
        **_MANAGE,
    ),
    Operation(
        name="getIntegrations",
        path=ALL,
        handler=read_every,
        summary="List integrations of all kinds",
        answer=wire.AnyListing,
        query={**QUERY, **_MESSENGER, **_FILTERS},
        errors=(400,),
        **_LOOK,
    ),
)
