"""What goes over the wire to and from Infobip: the parts that bot and business messages share.

Source of every rule: Infobip OpenAPI Specification 3.210.0 (product *viber*) and the vendor's Python client 6.0.0, as
`docs/how-to/move-from-infobip.md` lists them. Members that are not known are ignored, as the vendor does. The content
types are in `wire_bot` and `wire_business`; face and connector use the same structs.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

BOT_MESSAGES: Final = "/viber-bot/1/messages"
BOT_REPORTS: Final = "/viber-bot/1/reports"
BOT_LOGS: Final = "/viber-bot/1/logs"
BUSINESS_MESSAGES: Final = "/viber/2/messages"
BUSINESS_REPORTS: Final = "/viber/2/reports"
BUSINESS_LOGS: Final = "/viber/2/logs"

#: Seconds in the units of `validityPeriod`, and the most that a period may come to; more is cut to it.
PERIOD_SECONDS: Final = {"SECONDS": 1, "MINUTES": 60, "HOURS": 3600}
MAX_VALIDITY: Final = 48 * 3600
#: The furthest that `sendAt` may lie ahead.
MAX_DAYS_AHEAD: Final = 180
#: The vendor publishes no length for these URLs but 2048 for the oldest of them; Tyrian keeps up to this.
MAX_URL: Final = 2000

Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Upto255 = Annotated[str, Meta(max_length=255)]
WebUrl = Annotated[str, Meta(min_length=1, max_length=MAX_URL)]
BulkId = Annotated[str, Meta(max_length=100)]
CallbackData = Annotated[str, Meta(max_length=4000)]
TrackingData = Annotated[str, Meta(min_length=1, max_length=100)]
Label = Literal["PROMOTIONAL", "TRANSACTIONAL"]
DayName = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]


class Destination(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """One person: a phone number (business) or a Viber user id (bot), with the customer's own id of the message."""

    to: str
    message_id: Annotated[str, Meta(max_length=200)] | None = None


class Platform(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The customer's own entity and application, handed back in reports."""

    entity_id: Upto255 | None = None
    application_id: Upto255 | None = None


class ValidityPeriod(Struct, kw_only=True, rename="camel"):
    """How long delivery is tried; more than 48 hours are cut to 48."""

    amount: Positive
    time_unit: Literal["SECONDS", "MINUTES", "HOURS"] | None = "MINUTES"

    @property
    def seconds(self) -> int:
        """The period in seconds, at most 48 hours."""
        return min(self.amount * PERIOD_SECONDS[self.time_unit or "MINUTES"], MAX_VALIDITY)


class TimeOfDay(Struct, kw_only=True):
    """A time of day in UTC."""

    hour: Annotated[int, Meta(ge=0, le=23)]
    minute: Annotated[int, Meta(ge=0, le=59)]


class DeliveryTimeWindow(Struct, kw_only=True, omit_defaults=True):
    """The days and hours, in UTC, outside of which a message waits. `from` and `to` come together or not at all."""

    days: Annotated[list[DayName], Meta(min_length=1)]
    start: TimeOfDay | None = field(default=None, name="from")
    end: TimeOfDay | None = field(default=None, name="to")


class IndiaDlt(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Registration data for SMS to India."""

    principal_entity_id: str
    content_template_id: str | None = None
    telemarketer_id: str | None = None


class TurkeyIys(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Registration data for SMS to Turkey."""

    recipient_type: Literal["BIREYSEL", "TACIR"]
    brand_code: Int32 | None = None


class SouthKorea(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Registration data for SMS to South Korea."""

    title: Annotated[str, Meta(max_length=66)] | None = None
    reseller_code: Int32 | None = None


class Regional(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What some countries want to know of an SMS. Read, and not used: the SMS channel has its own registrations."""

    india_dlt: IndiaDlt | None = None
    turkey_iys: TurkeyIys | None = None
    south_korea: SouthKorea | None = None


class DestinationMatch(Struct, kw_only=True):
    """The phone number (`failover`) of the Viber user (`initial`) whom an SMS shall reach instead."""

    initial: str
    failover: str


class SmsFailover(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The SMS that goes out when Viber has not delivered. `destination_matching` is for bots only."""

    text: str
    sender: str | None = None
    validity_period: ValidityPeriod | None = None
    regional: Regional | None = None
    destination_matching: list[DestinationMatch] | None = None


class DeliveryWebhook(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Where delivery reports go, and which. `notify` false: none at all."""

    url: WebUrl | None = None
    intermediate_report: bool | None = None
    notify: bool | None = None
    receive_triggered_failover_reports: bool | None = None


class SeenWebhook(Struct, kw_only=True, omit_defaults=True):
    """Where seen reports go."""

    url: WebUrl | None = None


class Webhooks(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Where reports of a message go, in which format, and what comes back with them."""

    delivery: DeliveryWebhook | None = None
    content_type: Literal["application/json", "application/xml"] | None = None
    callback_data: CallbackData | None = None
    seen: SeenWebhook | None = None


class SendingSpeedLimit(Struct, kw_only=True, rename="camel"):
    """At most `amount` messages of the bulk leave in each unit of time."""

    amount: Positive
    time_unit: Literal["MINUTE", "HOUR", "DAY"] | None = "MINUTE"


class Schedule(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """When the messages of a request leave. The vendor's guide also spells `sendAt` with a capital S."""

    bulk_id: BulkId | None = None
    send_at: datetime | None = None
    send_at_of_the_guide: datetime | None = field(default=None, name="SendAt")
    sending_speed_limit: SendingSpeedLimit | None = None

    @property
    def start(self) -> datetime | None:
        """When to begin, whichever way it is spelt."""
        return self.send_at or self.send_at_of_the_guide


class Tracking(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Short links and the report of their clicks (business only)."""

    shorten_url: bool | None = None
    track_clicks: bool | None = None
    tracking_url: WebUrl | None = None
    remove_protocol: bool | None = None
    custom_domain: str | None = None


class RequestOptions(Struct, kw_only=True, omit_defaults=True):
    """What holds for all messages of a request. `tracking` is for business messages."""

    schedule: Schedule | None = None
    tracking: Tracking | None = None


class MessageOptions(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What holds for one message. The last five are for business messages."""

    platform: Platform | None = None
    validity_period: ValidityPeriod | None = None
    delivery_time_window: DeliveryTimeWindow | None = None
    campaign_reference_id: Upto255 | None = None
    sms_failover: SmsFailover | None = None
    tracking_data: TrackingData | None = None
    label: Label | None = None
    apply_session_rate: bool | None = None
    to_primary_device_only: bool | None = None
    activation_check: bool | None = None


# -- Answers, reports and logs ----------------------------------------------------------------------------------------


class Status(Struct, kw_only=True, omit_defaults=True, rename="camel", frozen=True):
    """Where a message stands. Groups: 1 PENDING, 2 UNDELIVERABLE, 3 DELIVERED, 4 EXPIRED, 5 REJECTED."""

    group_id: int
    group_name: str
    id: int
    name: str
    description: str
    action: str | None = None


class Error(Struct, kw_only=True, rename="camel", frozen=True):
    """Why a message stands there. Groups: 0 OK, 1 HANDSET_ERRORS, 2 USER_ERRORS, 3 OPERATOR_ERRORS."""

    group_id: int
    group_name: str
    id: int
    name: str
    description: str
    permanent: bool


class Price(Struct, kw_only=True, rename="camel"):
    """What a message cost. Tyrian has no prices; reports carry a zero."""

    price_per_message: float = 0
    currency: str = "EUR"


class SentMessage(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What became of one destination of a request."""

    message_id: str
    status: Status
    destination: str
    details: dict[str, Any] | None = None


class SendAnswer(Struct, kw_only=True, rename="camel"):
    """The answer to a request: one entry for each destination, in the order of the request."""

    bulk_id: str
    messages: list[SentMessage]


class DeliveryReport(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A delivery report, pulled or pushed."""

    bulk_id: str | None = None
    price: Price | None = None
    status: Status | None = None
    error: Error | None = None
    message_id: str | None = None
    to: str | None = None
    sender: str | None = None
    sent_at: str | None = None
    done_at: str | None = None
    message_count: int | None = None
    mcc_mnc: str | None = None
    callback_data: str | None = None
    platform: Platform | None = None
    campaign_reference_id: str | None = None


class DeliveryReports(Struct, kw_only=True):
    """Delivery reports as they are pulled and pushed."""

    results: list[DeliveryReport]


class SeenReport(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A seen report: `from` is the person who read, `to` the sender; entity and application stand here flat."""

    message_id: str | None = None
    sender: str | None = field(default=None, name="from")
    to: str | None = None
    sent_at: str | None = None
    seen_at: str | None = None
    application_id: str | None = None
    entity_id: str | None = None
    campaign_reference_id: str | None = None


class SeenReports(Struct, kw_only=True):
    """Seen reports as they are pushed."""

    results: list[SeenReport]


class Cursor(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Where a list goes on."""

    limit: int
    next_cursor: str | None = None


class Log(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """One outbound message. `content` is as it was sent."""

    sender: str | None = None
    destination: str | None = None
    bulk_id: str | None = None
    message_id: str | None = None
    sent_at: str | None = None
    done_at: str | None = None
    message_count: int | None = None
    price: Price | None = None
    status: Status | None = None
    error: Error | None = None
    platform: Platform | None = None
    content: Any = None
    campaign_reference_id: str | None = None


class Logs(Struct, kw_only=True, omit_defaults=True):
    """A page of logs; `cursor` only where it was asked for."""

    results: list[Log]
    cursor: Cursor | None = None
