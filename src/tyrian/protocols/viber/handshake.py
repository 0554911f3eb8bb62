"""Why a bot's webhook could not be set, and what to do about it.

Viber calls the webhook before it answers `set_webhook`, and says only roughly what was wrong with the answer (Bot API
documentation, "Setting a Webhook"; the texts were seen from the live service).
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from tyrian.protocols.viber import statuses

#: A reason, and what to do.
FIXES: Final[Mapping[str, str]] = {
    "wrong_token": (
        "Copy the token from the bot's page in the Viber admin panel (Edit Info, App key) and set it as the channel's "
        "secret `token`."
    ),
    "not_https": (
        "Viber calls https addresses only: put the gateway behind a name with a certificate, and set "
        "TYRIAN_PUBLIC_URL to it."
    ),
    "unreachable_url": (
        "Viber could not connect. The address must be reachable from the internet: look at its DNS name, the firewall "
        "and the port, and at TYRIAN_PUBLIC_URL."
    ),
    "bad_tls": (
        "Viber did not accept the certificate. It must be of a public authority, for this name, not expired, and sent "
        "with its whole chain; a self-signed one is refused."
    ),
    "wrong_signature": (
        "Viber's call came with a signature that this token does not make. The token belongs to another bot, or a "
        "proxy on the way changes the body."
    ),
    "address_not_allowed": (
        "Viber's call came from an address outside `callback_networks`. Add Viber's networks, or, behind a proxy, name "
        "the proxy in TYRIAN_TRUSTED_PROXIES."
    ),
    "refused_on_the_way": (
        "Something before the gateway answered Viber's call with an error. Look at the proxy's log for a POST to this "
        "address."
    ),
    "bot_disabled": "The bot is blocked, suspended or not allowed to do this. Only Viber's support can change that.",
    "no_answer": "Viber itself could not be reached from here. Look at `base_url`, DNS and the way out.",
    "refused": "Viber does not say more. Check the address in a browser from outside, then set the channel up again.",
}

_TLS: Final = re.compile("SSL|TLS|certificate|handshake", re.IGNORECASE)
_UNREACHABLE: Final = re.compile(
    r"ConnectException|UnknownHost|NoRouteToHost|timed? ?out|Timeout|HttpResponse\[null", re.IGNORECASE
)
_ANSWERED: Final = re.compile(r"HttpResponse\[HTTP/[\d.]+ (\d{3})")
_DISABLED: Final = frozenset({7, 9, 15})
#: Token unknown (2), and a token that belongs to no bot (8).
_TOKEN: Final = frozenset({2, 8})


def why(url: str, status: int | None, said: str | None, turned_away: str | None) -> str:
    """The reason for a webhook that could not be set.

    `status` and `said` are Viber's answer (None: there was none); `turned_away` is why this gateway itself refused a
    callback meanwhile.
    """
    if status is None:
        return "no_answer"
    if status in _TOKEN:
        return "wrong_token"
    if status in _DISABLED:
        return "bot_disabled"
    if turned_away is not None:
        return turned_away
    return _of_url(url, said or "") if status == statuses.INVALID_URL else "refused"


def _of_url(url: str, said: str) -> str:
    if not url.startswith("https://"):
        return "not_https"
    if _TLS.search(said):
        return "bad_tls"
    if _ANSWERED.search(said):
        return "refused_on_the_way"
    if _UNREACHABLE.search(said) or _is_address(url):
        return "unreachable_url"
    return "refused"


def _is_address(url: str) -> bool:
    """Whether the host is an IP address, which Viber refuses without a word."""
    try:
        ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return True
