"""Switches for what the real Viber, and the ways to it, do to those who build on it.

Each is off (or zero, or as the real service usually is) until turned on, in code or by `PATCH /world/switches`.
"Every" numbers count the sends of the whole world: 3 means each third send; 0 means never.
"""

from typing import Annotated

from msgspec import Meta, Struct

Every = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0, le=3600)]


class Quirks(Struct, kw_only=True, forbid_unknown_fields=True):
    """The switches. Nothing else in the simulated cloud departs from the documented behaviour."""

    # -- Answers to a caller ------------------------------------------------------------------------------------------
    #: Bot API answers carry no `status_message`, as some real failures do not.
    drop_status_message: bool = False
    #: Answers are sent as text/plain.
    plain_content_type: bool = False
    #: Seconds before a send is answered.
    answer_delay: Seconds = 0.0
    #: Each nth send is taken and answered with bytes that are not JSON.
    garbage_every: Every = 0
    #: Each nth send is refused as too many: status 12 from the Bot API, HTTP 429 from the business interface.
    throttle_every: Every = 0
    #: Each nth send is answered with HTTP 500 and not taken.
    error_every: Every = 0
    #: Each nth send is taken and never answered.
    silence_every: Every = 0
    #: Message tokens stay below 2^53, so that clients which read them as floating-point numbers lose nothing.
    small_tokens: bool = False

    # -- What is checked ----------------------------------------------------------------------------------------------
    #: A business send whose (service id, seq) was taken before is refused with 12.
    already_sent: bool = True
    #: The Bot API refuses messages without `sender.name`.
    require_sender_name: bool = False
    #: The Bot API takes its token from the header alone, which several stock clients never send.
    require_header_token: bool = False
    #: The Bot API refuses with 14 what needs a higher API level than `min_api_version` says.
    check_levels: bool = False
    #: `set_webhook` refuses plain HTTP and IP addresses, with status 1 and no text.
    strict_tls: bool = False
    #: The business interface refuses free-text transactional types with 4, as after 1 July 2026.
    refuse_legacy_text: bool = False
    #: The business interface answers 11: the caller's address is not on its list.
    unauthorized_ip: bool = False

    # -- Callbacks ----------------------------------------------------------------------------------------------------
    #: How many devices each person has; `delivered` comes once for each.
    devices: Annotated[int, Meta(ge=1, le=5)] = 1
    #: Every callback is posted twice.
    duplicate_callbacks: bool = False
    #: A callback without a 200 in time is posted again, for up to an hour.
    repeat_callbacks: bool = True
    #: Receipts of a message come in the reverse order, at the same times.
    reversed_receipts: bool = False
    #: Receipts are posted before the send is answered.
    early_receipts: bool = False
    #: `expired` comes before `delivered`.
    expired_then_delivered: bool = False
    #: `expired` comes a second after `delivered`.
    delivered_then_expired: bool = False
    #: A person's reading of several bot messages gives one `seen`, for the last of them, as on a real phone.
    one_seen_per_reading: bool = False
    #: A bot also gets `delivered` for the messages that people send to it.
    delivered_for_inbound: bool = False
    #: A person with messages in the chat opens it again without a `conversation_started`.
    no_start_with_history: bool = False
    #: A bot gets `sticker_id` as text.
    sticker_id_as_string: bool = False
    #: The signature is in the header `X-Viber-Content-Signature`.
    header_signature: bool = True
    #: The signature is in the query parameter `sig`.
    query_signature: bool = True
    #: Signatures are wrong.
    bad_signature: bool = False
    #: Callbacks are bytes that are not JSON (signed correctly).
    garbage_callbacks: bool = False
