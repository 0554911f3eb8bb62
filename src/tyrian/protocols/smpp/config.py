"""The settings and secrets of an `smpp` channel."""

import re
import ssl
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from tyrian.protocols.smpp import gsm

Octet = Annotated[int, Meta(ge=0, le=255)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]

#: The longest alphanumeric sender: 11 septets (3GPP TS 23.040, 9.1.2.5).
MAX_NAME: Final = 11
#: Digits up to which a numeric sender without + counts as a short code.
MAX_SHORT_CODE: Final = 6
_NUMBER: Final = re.compile(r"\+?[0-9]{1,20}")

#: Type of number and numbering plan (SMPP 3.4, 5.2.5 and 5.2.6).
UNKNOWN_TON: Final = 0
INTERNATIONAL: Final = (1, 1)
NETWORK_SPECIFIC: Final = (3, 0)
ALPHANUMERIC: Final = (5, 0)


class Tls(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the connection is encrypted. Left empty, the certificate must be good for the host by the system's list."""

    #: Certificates to trust instead of the system's, in PEM.
    ca: str | None = None
    #: The name that the certificate must carry, where it is another than `host`.
    server_name: str | None = None
    #: False takes any certificate: encrypted, but not against somebody in between.
    verify: bool = True

    def context(self) -> ssl.SSLContext:
        """The TLS context of these settings. Raises ssl.SSLError for a `ca` that is no PEM."""
        context = ssl.create_default_context(cadata=self.ca)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class SmppConfig(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings of an `smpp` channel. Times in seconds."""

    host: Annotated[str, Meta(min_length=1, max_length=255)]
    port: Annotated[int, Meta(ge=1, le=65535)] = 2775
    system_id: Annotated[str, Meta(min_length=1, max_length=15, pattern=r"^[ -~]+$")]
    system_type: Annotated[str, Meta(max_length=12, pattern=r"^[ -~]*$")] = ""
    #: One connection both ways, or one for each way.
    bind: Literal["transceiver", "transmitter_receiver"] = "transceiver"
    tls: Tls | None = None
    #: What messages come from: a number with +, a short code, or a name of at most 11 characters.
    sender: Annotated[str, Meta(min_length=1, max_length=20)]
    #: Type of number and numbering plan of the sender; left out, they follow from what `sender` looks like.
    sender_ton: Octet | None = None
    sender_npi: Octet | None = None
    service_type: Annotated[str, Meta(max_length=5, pattern=r"^[ -~]*$")] = ""
    #: submit_sm without an answer yet, at most.
    window: Annotated[int, Meta(ge=1, le=10_000)] = 100
    #: A link that is quiet for so long is asked whether it lives.
    enquire_link: Seconds = 30.0
    #: How long connecting, and any answer, may take.
    timeout: Seconds = 10.0
    encoding: Literal["auto", "gsm", "ucs2"] = "auto"
    #: Long texts as several parts with a header in each, or whole in the parameter `message_payload`.
    long_message: Literal["udh", "payload"] = "udh"
    #: Bits of the reference that ties parts together. 16 costs a character a part, and some handsets.
    reference_bits: Literal[8, 16] = 8
    #: A text that needs more parts is refused.
    max_parts: Annotated[int, Meta(ge=1, le=255)] = 10
    #: How the message centre is told until when to try: as a duration, as a time, or not at all.
    validity: Literal["relative", "absolute", "none"] = "relative"
    #: How the id in a receipt differs from the one in the answer to the send.
    message_id_format: Literal["same", "hex_to_dec", "dec_to_hex"] = "same"
    #: The time zone of the dates in receipts. Left out they are not used: SMPP does not say, and the time of arrival
    #: is better than a guess.
    receipt_time_zone: str | None = None
    #: Further `command_status` numbers that mean "not now", as a message centre's manual may list them.
    retry_statuses: list[Annotated[int, Meta(ge=1, le=0xFFFFFFFF)]] = []

    def __post_init__(self) -> None:
        """Refuse settings that no message centre could take."""
        if not _NUMBER.fullmatch(self.sender):
            _check_name(self.sender)
        if self.receipt_time_zone is not None:
            _check_zone(self.receipt_time_zone)
        if self.tls is not None and self.tls.ca is not None:
            _check_ca(self.tls)

    @property
    def source(self) -> tuple[int, int, str]:
        """Type of number, numbering plan and address of the sender, as they go over the wire."""
        ton, npi = kind_of(self.sender)
        return (
            ton if self.sender_ton is None else self.sender_ton,
            npi if self.sender_npi is None else self.sender_npi,
            self.sender.removeprefix("+") if _NUMBER.fullmatch(self.sender) else self.sender,
        )


class SmppSecrets(Struct, kw_only=True, forbid_unknown_fields=True):
    """The secrets of an `smpp` channel."""

    #: At most 8 characters (SMPP 3.4, 5.2.2).
    password: Annotated[str, Meta(max_length=8, pattern=r"^[ -~]*$")]


def kind_of(sender: str) -> tuple[int, int]:
    """Type of number and numbering plan of a sender, by its looks."""
    if not _NUMBER.fullmatch(sender):
        return ALPHANUMERIC
    return NETWORK_SPECIFIC if len(sender) <= MAX_SHORT_CODE else INTERNATIONAL


def _check_name(sender: str) -> None:
    septets = gsm.encode(sender)
    if septets is None or len(septets) > MAX_NAME or not sender.isascii():
        raise ValueError(
            f"sender must be a number of at most 20 digits, or a name of at most {MAX_NAME} letters, digits and signs "
            "that both ASCII and the GSM alphabet have"
        )


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f'receipt_time_zone: "{name[:64]}" is no time zone; use a name such as Europe/Zagreb'
        ) from error


def _check_ca(tls: Tls) -> None:
    try:
        tls.context()
    except (ssl.SSLError, ValueError) as error:
        raise ValueError("tls.ca must be one or more certificates in PEM") from error
