"""Viber channels: the operations under `/conversations/messaging/integrations/viber`.

The guide sets channels up in a console and names no path; these are named as the real API names their siblings.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import UNSET

from tyrian.domain.links import is_web_url
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.channel_spec import HIDDEN, ChannelChange
from tyrian.engine.egress import judge_url
from tyrian.protocols.genesys import channel_wire as wire, errors, ids, rights
from tyrian.protocols.genesys.integrations import STATES, Integration, Standing, is_hosted
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply
from tyrian.protocols.genesys.organization import CAPABILITY, LICENCE, must_offer_viber
from tyrian.protocols.genesys.paging import QUERY, listing
from tyrian.store import webhook_log

TAG: Final = "Viber channels"
VIBER: Final = "VIBER"
PATH: Final = f"{V2}/conversations/messaging/integrations/viber"
_ONE: Final = f"{PATH}/{{integrationId}}"
_BUSINESS: Final = "viber_business"


async def create(call: Call) -> Reply:
    """Makes a channel; it is pending until Viber has called back."""
    organization = await call.desk.organizations.get(call.account_id)
    must_offer_viber(organization)
    given: wire.ChannelRequest = call.body(wire.ChannelRequest)
    integration, secrets = _checked(call, given)
    try:
        made = await call.desk.integrations.create(call.account_id, integration, secrets, organization)
    except Refused as refused:
        raise errors.wrong(_placed(refused.problems)) from None
    return Reply(shown(call, made))


def _checked(call: Call, given: wire.ChannelRequest) -> tuple[Integration, dict[str, str]]:
    """What is asked for. Raises `ApiError` (400) with everything that is wrong."""
    config, found = given.provider_config, []
    if (given.channel_type or "").upper() != VIBER:
        found.append(Problem("/channelType", f'must be "{VIBER}"'))
    if not (given.name or "").strip():
        found.append(Problem("/name", "is required"))
    found += _url_problems(call, given.webhook_url)
    if not config.bot_token or config.bot_token == HIDDEN:
        found.append(Problem("/providerConfig/botToken", "is required"))
    if found:
        raise errors.wrong(found)
    assert given.name is not None
    assert given.webhook_url is not None
    secrets = {"token": config.bot_token or ""}
    if config.bot_secret:
        secrets["signing_secret"] = config.bot_secret
    url = None if is_hosted(given.webhook_url) else given.webhook_url
    integration = Integration(
        name=given.name.strip(),
        webhook_url=url,
        public_page_id=config.public_page_id,
        keyboard_persist=config.keyboard_persist,
    )
    return integration, secrets


def _url_problems(call: Call, url: str | None) -> list[Problem]:
    """What is wrong with a webhook URL. Viber calls it, but only what is public can be meant."""
    at = "/webhookUrl"
    if not url:
        return [Problem(at, "is required")]
    if not is_web_url(url) or not urlsplit(url).hostname:
        return [Problem(at, "must be an https:// URL with a host")]
    allowed = call.desk.gateway.settings.allow_private_callbacks
    if not url.startswith("https://") and not allowed:
        return [Problem(at, "must be an https:// URL")]
    reason = None if is_hosted(url) else judge_url(url, allowed)
    return [Problem(at, reason)] if reason else []


def _placed(problems: list[Problem]) -> list[Problem]:
    """Problems of the channel, at the places of this dialect."""
    places = {"/secrets/token": "/providerConfig/botToken", "/secrets/signing_secret": "/providerConfig/botSecret"}
    return [problem._replace(pointer=places.get(problem.pointer, "/name")) for problem in problems]


async def read_all(call: Call) -> Reply:
    """The account's Viber channels."""
    found = await call.desk.integrations.standings(call.account_id)
    return Reply(listing(call, PATH, [shown(call, standing) for standing in found]))


async def read(call: Call) -> Reply:
    """One Viber channel."""
    entry = call.desk.integrations.viber(call.account_id, call.path["integrationId"])
    return Reply(shown(call, await call.desk.integrations.standing(entry)))


async def change(call: Call) -> Reply:
    """Changes a channel. What Viber must hear of has it verified again."""
    integrations = call.desk.integrations
    entry = integrations.viber(call.account_id, call.path["integrationId"])
    given: wire.ChannelPatch = call.body(wire.ChannelPatch)
    config, secrets = given.provider_config, dict[str, str | None]()
    again = given.webhook_url is not UNSET
    if again and (found := _url_problems(call, given.webhook_url)):  # type: ignore[arg-type]  # it was given
        raise errors.wrong(found)
    if config.bot_token is not UNSET and config.bot_token != HIDDEN:
        secrets["token"] = config.bot_token
    if config.bot_secret is not UNSET and config.bot_secret != HIDDEN:
        secrets["signing_secret"] = config.bot_secret or None
    if secrets and entry.channel.kind == "viber_bot":
        await _change_secrets(call, entry.channel.name, secrets)
    await integrations.change(entry, lambda known: _changed(known, given))
    organization = await call.desk.organizations.get(call.account_id)
    if (again or secrets) and entry.channel.kind == "viber_bot":
        return Reply(shown(call, await integrations.point(entry, organization)))
    return Reply(shown(call, await integrations.standing(entry)))


def _changed(integration: Integration, given: wire.ChannelPatch) -> Integration:
    """What a channel is in this API, after a change."""
    config = given.provider_config
    if given.name is not UNSET and given.name.strip():
        integration.name = given.name.strip()
    if given.webhook_url is not UNSET:
        integration.webhook_url = None if is_hosted(given.webhook_url) else given.webhook_url
    if config.public_page_id is not UNSET:
        integration.public_page_id = config.public_page_id
    if config.keyboard_persist is not UNSET:
        integration.keyboard_persist = config.keyboard_persist
    return integration


async def _change_secrets(call: Call, name: str, secrets: dict[str, str | None]) -> None:
    try:
        await call.desk.gateway.channels.update(call.account_id, name, ChannelChange(secrets=secrets))
    except Refused as refused:
        raise errors.wrong(_placed(refused.problems)) from None


async def remove(call: Call) -> Reply:
    """Removes a channel."""
    await call.desk.integrations.remove(call.desk.integrations.viber(call.account_id, call.path["integrationId"]))
    return Reply(status=204)


async def verify(call: Call) -> Reply:
    """Begins the handshake with Viber anew."""
    integrations = call.desk.integrations
    entry = integrations.viber(call.account_id, call.path["integrationId"])
    return Reply(shown(call, await integrations.verify(entry, await call.desk.organizations.get(call.account_id))), 202)


async def read_log(call: Call) -> Reply:
    """Who called a channel's webhook, and what they were answered."""
    entry = call.desk.integrations.viber(call.account_id, call.path["integrationId"])
    lines = [
        wire.LogLine(
            timestamp=ids.iso(line.at),
            status=line.status,
            reason=line.reason,
            remote_address=line.remote,
            content_length=line.bytes,
        )
        for line in await webhook_log.newest(call.desk.gateway.db, entry.channel.id)
    ]
    return Reply(listing(call, f"{PATH}/{ids.of_channel(entry.channel.id)}/webhooklog", lines))


def shown(call: Call, standing: Standing) -> wire.ChannelAnswer:
    """A channel as this API shows it."""
    entry, integration, known = standing.entry, standing.integration, standing.verification
    status, text, real = STATES[standing.state]
    secrets = entry.channel.secrets
    identifier = ids.of_channel(entry.channel.id)
    return wire.ChannelAnswer(
        id=identifier,
        channel_type=VIBER,
        name=integration.name,
        webhook_url=integration.webhook_url or call.desk.integrations.hook(entry),
        provider_config=wire.ProviderConfig(
            bot_token=HIDDEN if "token" in secrets else None,
            bot_secret=HIDDEN if secrets.get("signing_secret") else None,
            public_page_id=integration.public_page_id,
            keyboard_persist=integration.keyboard_persist,
        ),
        status=status,
        status_text=text,
        integration_status=real,
        status_reason=known.detail if known is not None else None,
        status_fix=known.fix if known is not None else None,
        date_created=ids.iso(entry.created_at),
        date_modified=ids.iso(entry.updated_at),
        self_uri=f"{PATH}/{identifier}",
    )


EXAMPLE: Final = {
    "channelType": "VIBER",
    "name": "Shop on Viber",
    "webhookUrl": "https://gateway.example.com/api/v2/external/webhooks/shop",
    "providerConfig": {"botToken": "4a1b-9c2d-7e3f", "publicPageId": "shop"},
}
_MANAGE: Final[dict[str, Any]] = {"tag": TAG, "scope": rights.MESSAGING_WRITE}
_LOOK: Final[dict[str, Any]] = {"tag": TAG, "scope": rights.MESSAGING_READ}

OPERATIONS: Final = (
    Operation(
        name="postViberIntegration",
        method="POST",
        path=PATH,
        handler=create,
        summary="Make a Viber channel; it is pending until Viber has called back",
        every=(rights.CHANNEL_CREATE,),
        needs=(LICENCE, CAPABILITY),
        body=wire.ChannelRequest,
        answer=wire.ChannelAnswer,
        example=EXAMPLE,
        errors=(400,),
        **_MANAGE,
    ),
    Operation(
        name="getViberIntegrations",
        method="GET",
        path=PATH,
        handler=read_all,
        summary="List Viber channels",
        some=("messaging:integration:view", rights.CHANNEL_EDIT, rights.CHANNEL_CREATE),
        answer=wire.ChannelListing,
        query=QUERY,
        errors=(400,),
        **_LOOK,
    ),
    Operation(
        name="getViberIntegration",
        method="GET",
        path=_ONE,
        handler=read,
        summary="Read a Viber channel and how it stands",
        some=("messaging:integration:view", rights.CHANNEL_EDIT, rights.CHANNEL_CREATE),
        answer=wire.ChannelAnswer,
        errors=(404,),
        **_LOOK,
    ),
    Operation(
        name="patchViberIntegration",
        method="PATCH",
        path=_ONE,
        handler=change,
        summary="Change a Viber channel, its URL or its secrets; it is verified again",
        every=(rights.CHANNEL_EDIT,),
        needs=(LICENCE, CAPABILITY),
        body=wire.ChannelPatch,
        answer=wire.ChannelAnswer,
        example={"name": "Shop", "providerConfig": {"botSecret": "another-secret"}},
        errors=(400, 404),
        **_MANAGE,
    ),
    Operation(
        name="deleteViberIntegration",
        method="DELETE",
        path=_ONE,
        handler=remove,
        summary="Remove a Viber channel",
        every=(rights.CHANNEL_EDIT,),
        status=204,
        errors=(404,),
        **_MANAGE,
    ),
    Operation(
        name="verifyViberIntegration",
        method="POST",
        path=f"{_ONE}/verify",
        handler=verify,
        summary="Begin a Viber channel's verification anew",
        every=(rights.WEBHOOKS_MANAGE,),
        needs=(LICENCE, CAPABILITY),
        answer=wire.ChannelAnswer,
        status=202,
        errors=(404,),
        **_MANAGE,
    ),
    Operation(
        name="getViberWebhookLog",
        method="GET",
        path=f"{_ONE}/webhooklog",
        handler=read_log,
        summary="Who called a Viber channel's webhook, and what they were answered",
        every=(rights.WEBHOOKS_MANAGE,),
        answer=wire.LogListing,
        query=QUERY,
        errors=(400, 404),
        **_LOOK,
    ),
)
