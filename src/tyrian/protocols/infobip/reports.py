"""Delivery and seen reports: the same objects whether they are pulled or pushed, as JSON or XML."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from tyrian.engine.face_ports import CallbackRequest
from tyrian.engine.report import Report
from tyrian.protocols.infobip import statuses, wire
from tyrian.protocols.infobip.facts import Facts, Product, unpack
from tyrian.protocols.infobip.operation import FACE, Call, Handler, Reply
from tyrian.protocols.infobip.subscriptions import proofs
from tyrian.protocols.infobip.times import stamp, stamp_or_none
from tyrian.protocols.infobip.xml import document

JSON: Final = "application/json"
XML: Final = "application/xml"
_encode: Final = msgspec.json.Encoder().encode
#: Tyrian knows no prices; clients expect the member all the same.
FREE: Final = wire.Price()
SMS: Final = "sms"
#: The state of a report on one step of the cascade that failed.
STEP_FAILED: Final = "step_failed"


class ReportsQuery(Struct, rename="camel"):
    """Which delivery reports to collect."""

    bulk_id: str | None = None
    message_id: str | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    entity_id: str | None = None
    application_id: str | None = None
    campaign_reference_id: str | None = None


# -- Pulling ----------------------------------------------------------------------------------------------------------


def pull(product: Product) -> Handler:
    """The operation that collects a product's delivery reports, each once."""

    async def collect(call: Call) -> Reply:
        query: ReportsQuery = call.query

        def wanted(report: Report) -> bool:
            return _matches(report, query)

        found = await call.gateway.pulls.take(call.account_id, FACE, product.value, query.limit, wanted)
        return Reply(wire.DeliveryReports(results=[delivery(report) for report in found]))

    return collect


def _matches(report: Report, query: ReportsQuery) -> bool:
    facts, platform = unpack(report.extra), report.platform
    asked = (
        (query.bulk_id, bulk_id_of(report)),
        (query.message_id, message_id_of(report)),
        (query.campaign_reference_id, facts.campaign),
        (query.entity_id, platform.entity_id if platform is not None else None),
        (query.application_id, platform.application_id if platform is not None else None),
    )
    return facts.api is None and all(wish is None or wish == fact for wish, fact in asked)


# -- Pushing ----------------------------------------------------------------------------------------------------------


def render(report: Report, secrets: Sequence[str], now: datetime) -> CallbackRequest:
    """The callback for a change of a message: a delivery report, or a seen report.

    One that goes where a subscription says carries what the subscription's profile wants of it.
    """
    facts = unpack(report.extra)
    seen_now = report.status == "seen"
    root, body = _body(report, facts)
    data = document(root, msgspec.to_builtins(body)) if facts.xml else _encode(body)
    headers = {"content-type": XML if facts.xml else JSON, "user-agent": "Tyrian"}
    headers |= proofs(facts.subscribed_seen if seen_now else facts.subscribed, secrets, data)
    return CallbackRequest(headers, data)


def _body(report: Report, facts: Facts) -> tuple[str, Any]:
    if report.status == "seen":
        return "SeenReports", wire.SeenReports(results=[seen(report, facts)])
    return "DeliveryReports", wire.DeliveryReports(results=[delivery(report)])


# -- The objects ------------------------------------------------------------------------------------------------------


def delivery(report: Report) -> wire.DeliveryReport:
    """The delivery report of a message, or of a step of its failover."""
    facts, platform = unpack(report.extra), report.platform
    by_sms = report.network == SMS
    status = "failed" if report.status == STEP_FAILED else report.status
    return wire.DeliveryReport(
        bulk_id=bulk_id_of(report),
        price=FREE,
        status=statuses.status_of(status, report.reason),
        error=statuses.error_of(status, report.reason),
        message_id=message_id_of(report),
        to=(facts.sms_to if by_sms and facts.sms_to else report.to).removeprefix("+"),
        sender=(facts.sms_sender if by_sms else facts.sender) or report.channel,
        sent_at=sent_at_of(report, facts),
        done_at=stamp(report.at),
        message_count=1,
        callback_data=report.data,
        platform=wire.Platform(entity_id=platform.entity_id, application_id=platform.application_id)
        if platform is not None
        else None,
        campaign_reference_id=facts.campaign,
    )


def seen(report: Report, facts: Facts) -> wire.SeenReport:
    """The seen report of a message: from the person, to the sender."""
    platform = report.platform
    return wire.SeenReport(
        message_id=message_id_of(report),
        sender=report.to.removeprefix("+"),
        to=facts.sender or report.channel,
        sent_at=sent_at_of(report, facts),
        seen_at=stamp(report.at),
        application_id=platform.application_id if platform is not None else None,
        entity_id=platform.entity_id if platform is not None else None,
        campaign_reference_id=facts.campaign,
    )


def message_id_of(report: Report) -> str:
    """The customer's id of the message, or ours."""
    return report.name or str(report.message_id)


def bulk_id_of(report: Report) -> str:
    """The customer's id of the bulk, or ours."""
    return report.bulk_name or str(report.bulk_id or report.message_id)


def sent_at_of(report: Report, facts: Facts) -> str | None:
    """When the message went out: when it was taken, or at the start that it was scheduled for."""
    if facts.start is not None:
        # A bulk may have been moved forward since.
        return stamp(min(datetime.fromisoformat(facts.start), report.at))
    return stamp_or_none(report.accepted_at)
