"""People's messages for customers: the inbound callbacks of both products, and the endpoints that say where they go."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from tyrian.domain.content import Content
from tyrian.engine.face_ports import CallbackRequest
from tyrian.engine.report import Report
from tyrian.protocols.infobip import inbound_wire as wire
from tyrian.protocols.infobip.checks import is_web
from tyrian.protocols.infobip.errors import Envelope, invalid, not_found
from tyrian.protocols.infobip.facts import unpack
from tyrian.protocols.infobip.inbound_content import to_bot, to_business
from tyrian.protocols.infobip.inbound_routes import (
    ChannelName,
    Configuration,
    ConfigurationRequest,
    inbound_routes_of,
    web_urls,
)
from tyrian.protocols.infobip.operation import FACE, Answer, Call, Operation, Rate, Reply
from tyrian.protocols.infobip.subscriptions import proofs
from tyrian.protocols.infobip.times import stamp
from tyrian.protocols.infobip.violations import NO_URL, NULL

_encode: Final = msgspec.json.Encoder().encode
_CONTENT: Final[Any] = Content
_HEADERS: Final = {"content-type": "application/json", "user-agent": "Tyrian"}
#: Digits of a message token of Viber's.
_TOKEN_DIGITS: Final = 19


# -- Callbacks --------------------------------------------------------------------------------------------------------


def render(report: Report, secrets: Sequence[str]) -> CallbackRequest:
    """The callback for a person's message, with what a subscription's profile wants of it."""
    body = _encode(wire.InboundMessages(results=[result(report)]))
    return CallbackRequest({**_HEADERS, **proofs(report.endpoint_url, secrets, body)}, body)


def result(report: Report) -> wire.InboundResult:
    """A person's message as both products tell of it."""
    content, paired = content_of(report), report.paired
    bot = report.network == "viber_bot"
    platform = paired.platform if paired is not None else None
    return wire.InboundResult(
        entity_id=platform.entity_id if platform is not None else None,
        application_id=platform.application_id if platform is not None else None,
        sender=person_of(report),
        to=sender_of(report),
        integration_type=wire.INTEGRATION_BOT if bot else wire.INTEGRATION_BUSINESS,
        received_at=stamp(report.at),
        message_id=str(report.message_id),
        paired_message_id=(paired.name or str(paired.message_id)) if paired is not None else None,
        callback_data=paired.data if paired is not None else None,
        message=_event(report, content) if bot else to_business(content),
        price=wire.FREE,
    )


def content_of(report: Report) -> Any:
    """The content of a person's message."""
    return msgspec.convert(report.content, _CONTENT)


def person_of(report: Report) -> str:
    """Who wrote: a phone number's digits, or a Viber user id."""
    return (report.sender or "").removeprefix("+")


def sender_of(report: Report) -> str:
    """Whom the person wrote to, as the customer spelt the sender when it sent last."""
    paired = report.paired
    known = unpack(paired.extra).sender if paired is not None and paired.face == FACE else ""
    return known or report.to


def _event(report: Report, content: Any) -> wire.SaidMessage:
    facts = report.extra or {}
    user = wire.BotUser(
        id=report.sender,
        name=facts.get("name"),
        avatar=facts.get("avatar"),
        language=facts.get("language"),
        country=facts.get("country"),
        api_version=str(facts["api_version"]) if facts.get("api_version") is not None else None,
    )
    return wire.SaidMessage(
        timestamp=int(report.at.timestamp() * 1000),
        message_token=str(report.message_id.int % 10**_TOKEN_DIGITS).zfill(_TOKEN_DIGITS),
        message=to_bot(content),
        sender=user,
        silent=bool(facts.get("silent")),
    )


# -- Configurations ---------------------------------------------------------------------------------------------------


class ConfigurationQuery(Struct, kw_only=True, rename="camel"):
    """Which configurations."""

    channel: ChannelName | None = None
    resource: str | None = None
    resource_key: str | None = None
    configuration_key: str | None = None
    keyword: str | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000


async def list_configurations(call: Call) -> Reply:
    """The configurations of a channel."""
    query: ConfigurationQuery = call.query
    if query.channel is None:
        raise invalid(("channel", NULL))
    found = [c for c in await inbound_routes_of(call.gateway).all(call.account_id) if _matches(c, query)]
    return Reply(found[: query.limit])


async def configure(call: Call) -> Reply:
    """Makes or changes a configuration."""
    request: ConfigurationRequest = call.body
    found = [(at, NO_URL) for at, url in web_urls(request) if not is_web(url)]
    if request.resource is None and request.resource_key is None:
        found.append(("resource", NULL))
    if found:
        raise invalid(*found)
    return Reply(await inbound_routes_of(call.gateway).apply(call.account_id, request))


async def remove_configuration(call: Call) -> Reply:
    """Removes a configuration."""
    if not await inbound_routes_of(call.gateway).delete(call.account_id, call.path["configurationKey"]):
        raise not_found("Configuration not found")
    return Reply(status=204)


def _matches(configuration: Configuration, query: ConfigurationQuery) -> bool:
    return all(
        wanted is None or getattr(configuration, name) == wanted
        for name in ("channel", "resource", "resource_key", "configuration_key", "keyword")
        for wanted in (getattr(query, name),)
    )


_PATH: Final = "/resource-management/1/inbound-message-configurations"
_EXAMPLE: Final = {
    "channel": "VIBER_BOT",
    "resource": "demo-bot",
    "forwarding": {"type": "HTTP_FORWARD", "url": "https://shop.example/inbound", "format": "MO_OTT_MSISDN"},
}
_ANSWERED: Final = {"configurationKey": "0B1E4C5D6F7A8B9C0D1E2F3A4B5C6D7E", **_EXAMPLE}


def _operation(
    method: str, path: str, name: str, summary: str, handler: Any, answers: Sequence[Answer], **more: Any
) -> Operation:
    return Operation(
        method=method,
        path=path,
        name=name,
        tag="Inbound",
        summary=summary,
        handler=handler,
        answers=tuple(answers),
        envelope=Envelope.NESTED,
        scopes=("numbers:manage",),
        **more,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    _operation(
        "GET",
        _PATH,
        "listInboundConfigurations",
        "Lists where people's messages go",
        list_configurations,
        [Answer(status=200, description="The configurations.", type=list[Configuration], example=[_ANSWERED])],
        query=ConfigurationQuery,
        rate=Rate(2, 1.0),
    ),
    _operation(
        "POST",
        _PATH,
        "configureInbound",
        "Says where people's messages go",
        configure,
        [Answer(status=200, description="The configuration.", type=Configuration, example=_ANSWERED)],
        body=ConfigurationRequest,
        examples={"forwarding": _EXAMPLE},
        # Two requests a second, of which ten may come at once.
        rate=Rate(10, 5.0),
    ),
    _operation(
        "DELETE",
        _PATH + "/{configurationKey}",
        "removeInboundConfiguration",
        "Removes a configuration",
        remove_configuration,
        [Answer(status=204, description="It is gone.")],
        rate=Rate(1, 1.0),
        errors=(404,),
    ),
)
