"""Tracked links: what `options.tracking` asks for, and the report of a click (documented under SMS; for Viber assumed).

A click report is a single object, without `results`. It goes to `trackingUrl`, or to a subscription for CLICK.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from tyrian.domain.submission import Callback, Plan
from tyrian.engine.face_ports import CallbackRequest
from tyrian.engine.report import Report
from tyrian.protocols.infobip import wire
from tyrian.protocols.infobip.reports import bulk_id_of, message_id_of
from tyrian.protocols.infobip.subscriptions import proofs, subscriptions_of

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

_HEADERS: Final = {"content-type": "application/json", "user-agent": "Tyrian"}
#: Words in a browser's name for itself -> the kind of device, and its system. The first that is there counts.
_SYSTEMS: Final = (
    ("iPad", "Tablet", "iOS"),
    ("iPhone", "Phone", "iOS"),
    ("Android", "Phone", "Android"),
    ("Windows", "Desktop", "Windows"),
    ("Macintosh", "Desktop", "macOS"),
    ("Linux", "Desktop", "Linux"),
)
_encode: Final = msgspec.json.Encoder().encode


class Device(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What the link was opened with, as far as the browser says."""

    device_type: str | None = None
    os: str | None = None
    device_name: str | None = None


class ClickReport(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A link that was followed. `send_date_time` is the time of the click, in milliseconds since 1970."""

    notification_type: str
    recipient: str
    url: str
    send_date_time: int
    message_id: str
    bulk_id: str
    callback_data: str | None = None
    recipient_info: Device | None = None
    application_id: str | None = None
    entity_id: str | None = None


async def track(gateway: "Gateway", account_id: int, sender: str, plan: Plan, tracking: wire.Tracking | None) -> None:
    """Puts into a plan what a request wants of its links. Without a word about them, they go out as they are."""
    if tracking is None:
        return
    plan.track_links = tracking.shorten_url is not False and tracking.track_clicks is not False
    if not plan.track_links:
        return
    url = tracking.tracking_url
    if url is None:
        url = await subscriptions_of(gateway).url(account_id, "CLICK", sender, plan.platform)
    if url is None:
        return
    # Callbacks may be shared between plans, and are never changed.
    old = plan.callback or Callback(url=url, events=[])
    plan.callback = msgspec.structs.replace(
        old, events=[*(old.events or ()), "clicked"], click_url=url if url != old.url else None
    )


def render(report: Report, secrets: Sequence[str]) -> CallbackRequest:
    """The callback for a click, with what a subscription's profile wants of it."""
    body = _encode(click(report))
    return CallbackRequest({**_HEADERS, **proofs(report.endpoint_url, secrets, body)}, body)


def click(report: Report) -> ClickReport:
    """The report of a click."""
    clicked, platform = report.click, report.platform
    return ClickReport(
        notification_type="CLICKED",
        recipient=report.to.removeprefix("+"),
        url=clicked.url if clicked is not None else "",
        send_date_time=int(report.at.timestamp() * 1000),
        message_id=message_id_of(report),
        bulk_id=bulk_id_of(report),
        callback_data=report.data,
        recipient_info=_device(clicked.user_agent if clicked is not None else None),
        application_id=platform.application_id if platform is not None else None,
        entity_id=platform.entity_id if platform is not None else None,
    )


def _device(user_agent: str | None) -> Device | None:
    for word, kind, system in _SYSTEMS:
        if word in (user_agent or ""):
            return Device(device_type=kind, os=system, device_name=word if kind != "Desktop" else None)
    return None
