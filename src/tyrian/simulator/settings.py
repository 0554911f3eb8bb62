"""How the simulated world is set up; fixed while it runs (what may change meanwhile is in `quirks`)."""

from typing import Final

from msgspec import Struct

#: The largest answer to a `conversation_started` that is read as a welcome message, as for requests.
BODY_LIMIT: Final = 30_000


class WorldSettings(Struct, frozen=True, kw_only=True):
    """Settings of a `World`. Seconds are of the world's clock unless said otherwise."""

    #: Where "late" begins for number 07: the 600 s fallback time of the examples, and 30 s more. A send with a
    #: shorter time to live counts as given up when that has passed: then it is delivered 30 s after.
    late_after: float = 630.0
    #: Seconds from the end of a message's time to live to the `expired` receipt.
    expiry_lag: float = 5.0
    #: Seconds that a person takes to answer (number 11).
    echo_after: float = 1.0
    #: Every person is subscribed to every bot until they leave it; otherwise they must write first.
    subscribed_from_start: bool = True
    #: The API level that people's phones support.
    api_version: int = 10
    #: Bot messages to one person in one clock hour without a reply (Bot API documentation 7.3.0); 0 for no limit.
    hourly_limit: int = 100
    #: Messages a month that a bot may start outside sessions; 0 for no limit. The real figure is 10,000.
    monthly_allowance: int = 0
    #: Business messages in a row that may stay unanswered in a session; some partners say 5.
    unanswered_limit: int = 10
    #: Wall-clock seconds that a webhook has to answer.
    callback_timeout: float = 5.0
    #: Callbacks on their way at once.
    callback_concurrency: int = 64
    #: Messages that each handset keeps, and handsets that are kept; the oldest go first.
    keep_messages: int = 200
    keep_handsets: int = 100_000
    #: (service id, seq) pairs remembered for `already_sent`.
    keep_sent: int = 200_000
    #: Credentials of the SMSC's one account.
    sms_system_id: str = "tyrian"
    sms_password: str = "tyrian"  # noqa: S105 - it guards a toy network on the loopback
    #: The address and port of the SMSC; 0 takes a free port.
    sms_host: str = "127.0.0.1"
    sms_port: int = 0
    #: A prefix of the world's paths, taken off before they are read.
    prefix: str = "/sim"
