"""The deprecated endpoints of version 1: their bodies, read into requests of version 2, and their answers.

Source: OpenAPI 3.210.0 (`/viber/1/message/*`) and the vendor's Java client 4.0.0 to 5.1.0.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from tyrian.protocols.infobip import statuses, wire, wire_business as business
from tyrian.protocols.infobip.errors import ApiError, Violation, invalid
from tyrian.protocols.infobip.facts import Product
from tyrian.protocols.infobip.operation import Call, Reply
from tyrian.protocols.infobip.sending import desk_of

#: Seconds that an SMS of the failover may wait: from half a minute to two days.
LEAST_VALIDITY: Final = 30

Sender = Annotated[str, Meta(min_length=2, max_length=20)]
Number = Annotated[str, Meta(pattern=r"^[0-9]{1,15}$")]
MessageId = Annotated[str, Meta(min_length=1, max_length=50)]
CallbackData = Annotated[str, Meta(min_length=1, max_length=4000)]
NotifyUrl = Annotated[str, Meta(max_length=wire.MAX_URL)]
Words = Annotated[str, Meta(min_length=1, max_length=1000)]


class TextContent(Struct, kw_only=True, omit_defaults=True):
    """Words, with a button if wanted."""

    text: Words
    button: business.Button | None = None


class ImageContent(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A picture; a button needs a text too."""

    media_url: business.MediaUrl
    text: Words | None = None
    button: business.Button | None = None


class FileContent(Struct, kw_only=True, rename="camel"):
    """A file; `filename` is written in lower case here."""

    filename: Annotated[str, Meta(max_length=25, pattern=business.FILE_NAME)]
    media_url: business.MediaUrl


class VideoContent(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A video of 1 to 600 seconds."""

    media_url: business.MediaUrl
    thumbnail_url: business.MediaUrl
    media_duration: Annotated[int, Meta(ge=1, le=600)]
    text: Words | None = None
    button_title: Annotated[str, Meta(min_length=1, max_length=30)] | None = None


class SmsFailover(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The SMS that goes out when Viber has not delivered."""

    sender: Annotated[str, Meta(min_length=1, max_length=24)] = field(name="from")
    text: Annotated[str, Meta(min_length=1, max_length=4096)]
    validity_period: wire.Positive | None = None
    validity_period_time_unit: Literal["SECONDS", "MINUTES", "HOURS"] | None = None


class LegacyBase(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What every message of version 1 may have."""

    sender: Sender = field(name="from")
    to: Number
    message_id: MessageId | None = None
    callback_data: CallbackData | None = None
    tracking_data: wire.TrackingData | None = None
    sms_failover: SmsFailover | None = None
    notify_url: NotifyUrl | None = None
    url_options: wire.Tracking | None = None
    entity_id: wire.Upto255 | None = None
    application_id: wire.Upto255 | None = None


class LegacyText(LegacyBase):
    """A message of words."""

    content: TextContent
    apply_session_rate: bool | None = None
    to_primary_device_only: bool | None = None
    label: wire.Label | None = None


class LegacyImage(LegacyBase):
    """A message with a picture."""

    content: ImageContent
    apply_session_rate: bool | None = None
    label: wire.Label | None = None


class LegacyFile(LegacyBase):
    """A message with a file."""

    content: FileContent
    apply_session_rate: bool | None = None
    label: wire.Label | None = None


class LegacyVideo(LegacyBase):
    """A message with a video."""

    content: VideoContent


class LegacyTexts(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The body of `POST /viber/1/message/text`."""

    messages: Annotated[list[LegacyText], Meta(min_length=1)]
    bulk_id: wire.BulkId | None = None


class LegacyInfo(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What became of one message."""

    to: str
    message_count: int
    message_id: str
    status: wire.Status


class LegacyAnswer(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The answer to texts; `bulkId` for more than one, or where the request named one."""

    messages: list[LegacyInfo]
    bulk_id: str | None = None


LegacyMessage = LegacyText | LegacyImage | LegacyFile | LegacyVideo


async def send_texts(call: Call) -> Reply:
    """One or many texts."""
    infos, bulk_id = await _send(call, call.body.messages, call.body.bulk_id, "messages[{}]")
    named = len(infos) > 1 or call.body.bulk_id is not None
    return Reply(LegacyAnswer(messages=infos, bulk_id=bulk_id if named else None))


async def send_one(call: Call) -> Reply:
    """One picture, file or video."""
    infos, _ = await _send(call, [call.body], None, "")
    return Reply(infos[0])


async def _send(call: Call, messages: Sequence[Any], bulk_id: str | None, at: str) -> tuple[list[LegacyInfo], str]:
    _check_periods(messages, at)
    # Links are tracked for a whole request here, by what its first message says of them.
    tracking = next((message.url_options for message in messages if message.url_options is not None), None)
    schedule = wire.Schedule(bulk_id=bulk_id) if bulk_id is not None else None
    options = wire.RequestOptions(schedule=schedule, tracking=tracking) if schedule or tracking else None
    request = business.BusinessRequest(messages=[modern(message) for message in messages], options=options)
    try:
        answer = await desk_of(call.gateway).take(call.account_id, Product.BUSINESS, request)
    except ApiError as error:
        raise _as_spelt(error, at) from None
    infos = [
        LegacyInfo(to=sent.destination, message_count=1, message_id=sent.message_id, status=_status(sent.status))
        for sent in answer.messages
    ]
    return infos, answer.bulk_id


def _status(status: wire.Status) -> wire.Status:
    """Version 1 says of what was accepted that it is on its way (the sample of OpenAPI 3.210.0)."""
    return statuses.STATUSES["PENDING_ENROUTE"] if status is statuses.ACCEPTED else status


#: Properties of version 2 -> as version 1 spells them; None: said already by another.
_SPELT: Final = {
    "webhooks.delivery.url": "notifyUrl",
    "webhooks.seen.url": None,
    "content.fileName": "content.filename",
}


def _as_spelt(error: ApiError, at: str) -> ApiError:
    """An error over a request of version 2, in the words of version 1."""
    found = []
    for violation in error.violations:
        place, _, name = violation.property.partition("].")
        spelt = _SPELT.get(name, name)
        if not name:
            found.append(violation)
        elif spelt is not None:
            found.append(Violation(property=f"{place}].{spelt}" if at else spelt, violation=violation.violation))
    return ApiError(error.status, found, headers=error.headers)


def _check_periods(messages: Sequence[LegacyMessage], at: str) -> None:
    found = []
    for number, message in enumerate(messages):
        failover = message.sms_failover
        if failover is None:
            continue
        where = ".".join(part for part in (at.format(number), "smsFailover.validityPeriod") if part)
        if failover.validity_period is None:
            if failover.validity_period_time_unit is not None:
                found.append((where, "must not be null"))
            continue
        unit = wire.PERIOD_SECONDS[failover.validity_period_time_unit or "MINUTES"]
        if not LEAST_VALIDITY <= failover.validity_period * unit <= wire.MAX_VALIDITY:
            found.append((where, "must be between 30 seconds and 2 days"))
    if found:
        raise invalid(*found)


# -- As version 2 says it ---------------------------------------------------------------------------------------------


def modern(message: LegacyMessage) -> business.BusinessMessage:
    """A message of version 1 as one of version 2."""
    url = message.notify_url or None
    platform = None
    if message.entity_id is not None or message.application_id is not None:
        platform = wire.Platform(entity_id=message.entity_id, application_id=message.application_id)
    return business.BusinessMessage(
        sender=message.sender,
        destinations=[wire.Destination(to=message.to, message_id=message.message_id)],
        content=_content(message.content),
        options=wire.MessageOptions(
            platform=platform,
            sms_failover=_failover(message.sms_failover),
            tracking_data=message.tracking_data,
            label=getattr(message, "label", None),
            apply_session_rate=getattr(message, "apply_session_rate", None),
            to_primary_device_only=getattr(message, "to_primary_device_only", None),
        ),
        webhooks=wire.Webhooks(
            delivery=wire.DeliveryWebhook(url=url), seen=wire.SeenWebhook(url=url), callback_data=message.callback_data
        ),
    )


def _content(content: TextContent | ImageContent | FileContent | VideoContent) -> business.BusinessContent:
    if isinstance(content, TextContent):
        return business.BusinessText(text=content.text, button=content.button)
    if isinstance(content, ImageContent):
        return business.BusinessImage(media_url=content.media_url, text=content.text, button=content.button)
    if isinstance(content, FileContent):
        return business.BusinessFile(file_name=content.filename, media_url=content.media_url)
    return business.BusinessVideo(
        media_url=content.media_url,
        media_duration=f"PT{content.media_duration}S",
        thumbnail_url=content.thumbnail_url,
        text=content.text,
        button_title=content.button_title,
    )


def _failover(failover: SmsFailover | None) -> wire.SmsFailover | None:
    if failover is None:
        return None
    period = None
    if failover.validity_period is not None:
        unit = failover.validity_period_time_unit or "MINUTES"
        period = wire.ValidityPeriod(amount=failover.validity_period, time_unit=unit)
    return wire.SmsFailover(text=failover.text, sender=failover.sender, validity_period=period)
