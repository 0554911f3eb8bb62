"""What the Messages API tells: delivery and seen reports, pulled and pushed, and people's messages, pulled."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from tyrian.domain import content as neutral
from tyrian.engine.face_ports import CallbackRequest
from tyrian.engine.report import Report as Neutral
from tyrian.protocols.infobip import statuses, wire
from tyrian.protocols.infobip.errors import invalid
from tyrian.protocols.infobip.facts import Facts, Product, unpack
from tyrian.protocols.infobip.inbound import content_of, person_of, sender_of
from tyrian.protocols.infobip.inbound_content import in_words
from tyrian.protocols.infobip.inbound_routes import QUEUE as INBOUND_QUEUE
from tyrian.protocols.infobip.operation import FACE, Call, Reply
from tyrian.protocols.infobip.reports import JSON, STEP_FAILED, XML, bulk_id_of, message_id_of, sent_at_of
from tyrian.protocols.infobip.subscriptions import proofs
from tyrian.protocols.infobip.times import stamp
from tyrian.protocols.infobip.violations import NULL
from tyrian.protocols.infobip.xml import document

#: What `Facts.api` holds for a message of this API, and the queue of its reports.
API: Final = "messages"
QUEUE: Final = "messages-api"
SMS: Final = "sms"

_encode: Final = msgspec.json.Encoder().encode


class Report(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A delivery report (`event` DELIVERY) or a seen report (SEEN)."""

    event: Literal["DELIVERY", "SEEN"]
    channel: str
    sender: str
    destination: str
    sent_at: str | None = None
    done_at: str | None = None
    seen_at: str | None = None
    bulk_id: str
    message_id: str
    callback_data: str | None = None
    message_count: int | None = None
    status: wire.Status | None = None
    error: wire.Error | None = None
    platform: wire.Platform | None = None
    campaign_reference_id: str | None = None


class Reports(Struct, kw_only=True):
    """Reports as they are pulled and pushed."""

    results: list[Report]


class Heard(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A person's message."""

    event: Literal["MO"]
    channel: str
    sender: str
    destination: str
    content: list[dict[str, Any]]
    received_at: str
    message_id: str
    paired_message_id: str | None = None
    callback_data: str | None = None
    message_count: int
    platform: wire.Platform | None = None


class HeardList(Struct, kw_only=True, rename="camel"):
    """People's messages as they are pulled."""

    results: list[Heard]
    message_count: int
    pending_message_count: int


class ReportsQuery(Struct, kw_only=True, rename="camel"):
    """Which reports to collect."""

    bulk_id: str | None = None
    message_id: str | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    entity_id: str | None = None
    application_id: str | None = None
    campaign_reference_id: str | None = None


class InboundQuery(Struct, kw_only=True, rename="camel"):
    """Which of people's messages to collect. The vendor's list of channels has no bots."""

    channel: Literal["VIBER_BM"] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    entity_id: str | None = None
    application_id: str | None = None
    campaign_reference_id: str | None = None


# -- Reports ----------------------------------------------------------------------------------------------------------


async def pull_reports(call: Call) -> Reply:
    """Delivery reports that nobody collected yet, each once."""
    query: ReportsQuery = call.query

    def wanted(report: Neutral) -> bool:
        return report.status != "seen" and _fits(report, query)

    found = await call.gateway.pulls.take(call.account_id, FACE, QUEUE, query.limit, wanted)
    return Reply(Reports(results=[result(report) for report in found]))


def render(report: Neutral, secrets: Sequence[str]) -> CallbackRequest:
    """The callback for a change of a message, with what a subscription's profile wants of it."""
    facts, body = unpack(report.extra), Reports(results=[result(report)])
    seen = report.status == "seen"
    root = "SeenReports" if seen else "DeliveryReports"
    data = document(root, msgspec.to_builtins(body)) if facts.xml else _encode(body)
    headers = {"content-type": XML if facts.xml else JSON, "user-agent": "Tyrian"}
    headers |= proofs(facts.subscribed_seen if seen else facts.subscribed, secrets, data)
    return CallbackRequest(headers, data)


def result(report: Neutral) -> Report:
    """One report."""
    facts, platform = unpack(report.extra), report.platform
    by_sms, seen = report.network == SMS, report.status == "seen"
    status = "failed" if report.status == STEP_FAILED else report.status
    return Report(
        event="SEEN" if seen else "DELIVERY",
        channel=_channel(report, facts),
        sender=((facts.sms_sender if by_sms else facts.sender) or report.channel or ""),
        destination=((facts.sms_to if by_sms else None) or report.to).removeprefix("+"),
        sent_at=sent_at_of(report, facts),
        done_at=None if seen else stamp(report.at),
        seen_at=stamp(report.at) if seen else None,
        bulk_id=bulk_id_of(report),
        message_id=message_id_of(report),
        callback_data=report.data,
        message_count=None if seen else 1,
        status=None if seen else statuses.status_of(status, report.reason),
        error=None if seen else statuses.error_of(status, report.reason),
        platform=_platform(platform),
        campaign_reference_id=facts.campaign,
    )


def _channel(report: Neutral, facts: Facts) -> str:
    if report.network == SMS:
        return "SMS"
    bot = report.network == "viber_bot" if report.network else facts.product == Product.BOT.value
    return "VIBER_BOT" if bot else "VIBER_BM"


def _fits(report: Neutral, query: ReportsQuery) -> bool:
    facts, platform = unpack(report.extra), report.platform
    asked = (
        (query.bulk_id, bulk_id_of(report)),
        (query.message_id, message_id_of(report)),
        (query.campaign_reference_id, facts.campaign),
        (query.entity_id, platform.entity_id if platform is not None else None),
        (query.application_id, platform.application_id if platform is not None else None),
    )
    return all(wish is None or wish == fact for wish, fact in asked)


def _platform(platform: Any) -> wire.Platform | None:
    if platform is None:
        return None
    return wire.Platform(entity_id=platform.entity_id, application_id=platform.application_id)


# -- People's messages ------------------------------------------------------------------------------------------------


async def pull_inbound(call: Call) -> Reply:
    """People's messages that went nowhere else, each once."""
    query: InboundQuery = call.query
    if query.channel is None:
        raise invalid(("channel", NULL))

    def wanted(report: Neutral) -> bool:
        paired = report.paired
        platform = paired.platform if paired is not None else None
        campaign = unpack(paired.extra).campaign if paired is not None and paired.face == FACE else None
        asked = (
            (query.entity_id, platform.entity_id if platform is not None else None),
            (query.application_id, platform.application_id if platform is not None else None),
            (query.campaign_reference_id, campaign),
        )
        return all(wish is None or wish == fact for wish, fact in asked)

    found = await call.gateway.pulls.take(call.account_id, FACE, INBOUND_QUEUE, query.limit, wanted)
    results = [heard(report) for report in found]
    return Reply(HeardList(results=results, message_count=len(results), pending_message_count=0))


def heard(report: Neutral) -> Heard:
    """One message of a person's."""
    paired = report.paired
    return Heard(
        event="MO",
        channel="VIBER_BOT" if report.network == "viber_bot" else "VIBER_BM",
        sender=person_of(report),
        destination=sender_of(report),
        content=[_said(content_of(report))],
        received_at=stamp(report.at),
        message_id=str(report.message_id),
        paired_message_id=(paired.name or str(paired.message_id)) if paired is not None else None,
        callback_data=paired.data if paired is not None else None,
        message_count=1,
        platform=_platform(paired.platform) if paired is not None else None,
    )


#: The neutral type of what a person sent -> the API's type, and the members that it has, by the names of ours.
_SAID: Final[Mapping[type, tuple[str, Mapping[str, str]]]] = {
    neutral.Image: ("IMAGE", {"url": "url", "text": "caption"}),
    neutral.Video: ("VIDEO", {"url": "url", "text": "caption"}),
    neutral.Audio: ("AUDIO", {"url": "url"}),
    neutral.File: ("FILE", {"url": "url", "name": "name"}),
    neutral.Location: ("LOCATION", {"latitude": "latitude", "longitude": "longitude", "address": "address"}),
    neutral.UrlContent: ("URL", {"url": "url"}),
}


def _said(content: Any) -> dict[str, Any]:
    kind = _SAID.get(type(content))
    if kind is None:
        words = in_words(content)
        return {"type": "TEXT", "text": words, "cleanText": words}
    name, members = kind
    given = {theirs: getattr(content, ours) for ours, theirs in members.items()}
    return {"type": name, **{member: value for member, value in given.items() if value is not None}}
