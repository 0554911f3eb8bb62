"""The egress guard: a customer's URL cannot reach inside.

Three judgements, each the same wherever it is made: what a URL may look like (`judge_url`, also for faces at intake),
what an address may be (`judge_address`), and which of a host's addresses a connection may go to (`Guard`). A host is
resolved when a connection is opened, every address is judged, and the connection goes to a judged address itself, so a
name that changes its mind between check and use gains nothing.
"""

import asyncio
import re
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import quote, urlsplit

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

MAX_URL: Final = 2000
_PORTS: Final = {"http": 80, "https": 443}

#: What may not be called, with the words for it: the IANA special-purpose address registries (RFC 6890 and its
#: successors), multicast, deprecated ranges that embed IPv4 addresses, and clouds' own services at public addresses.
REFUSED: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(network), words)
    for network, words in (
        ("0.0.0.0/8", "an address of this host itself"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's shared address"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud's own service"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "an address for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "an address for benchmarks"),
        ("198.51.100.0/24", "an address for documentation"),
        ("203.0.113.0/24", "an address for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/128", "an address of this host itself"),
        ("::1/128", "a loopback address"),
        ("::ffff:0:0/96", "an IPv4 address in disguise"),
        ("::ffff:0:0:0/96", "an IPv4 address in disguise"),
        ("::/96", "an IPv4 address in disguise"),
        ("64:ff9b::/96", "an IPv4 address behind NAT64"),
        ("64:ff9b:1::/48", "an IPv4 address behind NAT64"),
        ("100::/64", "an address that discards"),
        ("100:0:0:1::/64", "a reserved address"),
        ("2001::/32", "an IPv4 address behind Teredo"),
        ("2001::/23", "a reserved address"),
        ("2001:db8::/32", "an address for documentation"),
        ("2002::/16", "an IPv4 address behind 6to4"),
        ("3fff::/20", "an address for documentation"),
        ("5f00::/16", "a reserved address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private address"),
        ("ff00::/8", "a multicast address"),
    )
)
#: The only part of IPv6 that is handed out for global unicast (RFC 4291, IANA).
_GLOBAL_V6: Final = IPv6Network("2000::/3")
_LOOPBACK: Final = IPv4Address("127.0.0.1")

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
#: A last label that a resolver might read as a number: `127.1`, `2130706433`, `0x7f.1`.
_NUMERIC: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f\\]")


class Blocked(Exception):
    """A URL leads, or would lead, to where the gateway may not call. The text is for the customer."""


@dataclass(slots=True, frozen=True)
class Target:
    """A URL, taken apart: where to connect and what to ask for there."""

    scheme: str
    host: str
    port: int
    #: Path and query, as they stand in the request line.
    path: str

    @property
    def authority(self) -> str:
        """The `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


# -- Addresses --------------------------------------------------------------------------------------------------------


def judge_address(address: Address | str, allow: Sequence[Network] = ()) -> str | None:
    """Why an address may not be called, in words, or None if it may. `allow` are networks that the operator opened."""
    try:
        judged = ip_address(address) if isinstance(address, str) else address
    except ValueError:
        return "no address at all"
    if isinstance(judged, IPv6Address) and judged.scope_id:
        return "a link-local address"
    if any(judged in network for network in allow):
        return None
    for network, words in REFUSED:
        if judged in network:
            return words
    if isinstance(judged, IPv6Address) and judged not in _GLOBAL_V6:
        return "a reserved address"
    return None


# -- URLs -------------------------------------------------------------------------------------------------------------


def judge_url(url: str, allow: Sequence[Network] = ()) -> str | None:
    """What is wrong with a customer's URL, as far as can be told without asking the DNS; None if nothing is."""
    try:
        target = parse_url(url)
    except Blocked as blocked:
        return str(blocked)
    literal = _literal(target.host)
    if target.host == "localhost" or target.host.endswith(".localhost"):
        literal = _LOOPBACK
    words = judge_address(literal, allow) if literal is not None else None
    return f"its host {target.host} is {words}, which the gateway may not call" if words else None


@lru_cache(maxsize=8192)
def parse_url(url: str) -> Target:
    """Takes an http or https URL apart. Raises `Blocked`, saying what is wrong with it.

    What is parsed here is also what is connected to and asked for: there is no second reading of the URL.
    """
    if len(url) > MAX_URL:
        raise Blocked(f"it is longer than {MAX_URL} characters")
    if _UNSAFE.search(url):
        raise Blocked("it contains a space, a backslash or a control character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Blocked("it is no valid URL") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise Blocked("it must begin with http:// or https://")
    if "@" in parts.netloc:
        raise Blocked("it must not contain a user name or password")
    if port == 0:
        raise Blocked("its port must be from 1 to 65535")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]") if parts.query else ""
    return Target(scheme, _host(parts.hostname or ""), port or _PORTS[scheme], path + query)


def _host(text: str) -> str:
    """A host in the one form that is judged, resolved and sent: lower case, IDNA, no final dot, plain addresses."""
    if not text:
        raise Blocked("it names no host")
    if ":" in text:
        literal = _literal(text)
        if literal is None:
            raise Blocked("its host is no valid IPv6 address")
        return str(literal)
    try:
        host = text.encode("idna").decode("ascii").lower() if not text.isascii() else text.lower()
    except UnicodeError:
        raise Blocked("its host is no valid name") from None
    host = host.removesuffix(".")
    if _NUMERIC.fullmatch(host) and _literal(host) is None:
        raise Blocked("its host looks like an IPv4 address but is none in dotted decimal")
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise Blocked("its host is no valid name")
    return host


@lru_cache(maxsize=8192)
def _literal(host: str) -> Address | None:
    try:
        literal = ip_address(host)
    except ValueError:
        return None
    # A zone would say which of this machine's own networks is meant; no customer can know one.
    return None if isinstance(literal, IPv6Address) and literal.scope_id else literal


# -- Connections ------------------------------------------------------------------------------------------------------

Resolve = Callable[[str, int], Sequence[str]]

#: Seconds for which the answer of the DNS serves further connections to the same host.
DNS_TTL: Final = 2.0
_DNS_THREADS: Final = 16
_REMEMBERED: Final = 4096


def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host by the system's resolver. Blocks. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard:
    """Says which addresses a connection to a host may go to.

    Look-ups run in threads of their own, one at a time for a host, so that a name whose servers are dead holds up
    nobody but itself.
    """

    def __init__(self, allow: Sequence[Network] = (), *, resolve: Resolve = system_resolve) -> None:
        self.allow = tuple(allow)
        self._resolve = resolve
        self._threads = ThreadPoolExecutor(_DNS_THREADS, thread_name_prefix="dns")
        self._asking: dict[str, asyncio.Task[Sequence[str]]] = {}
        self._answers: dict[str, tuple[float, Sequence[str]]] = {}

    async def addresses(self, host: str, port: int) -> list[str]:
        """The host's addresses that may be called, at least one. Raises `Blocked` or OSError."""
        literal = _literal(host)
        found = [str(literal)] if literal is not None else await self._look_up(host, port)
        refused: list[str] = []
        allowed: list[str] = []
        for address in found:
            words = judge_address(address, self.allow)
            if words is None:
                allowed.append(address)
            else:
                refused.append(f"{address}, {words}")
        if not allowed:
            raise Blocked(f"{host} leads to {'; '.join(refused) or 'no address'}: the gateway may not call it")
        return allowed

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        known = self._answers.get(host)
        if known is not None and known[0] > loop.time():
            return known[1]
        task = self._asking.get(host)
        if task is None:
            task = loop.create_task(self._ask(host, port))
            task.add_done_callback(_noticed)
            self._asking[host] = task
        return await asyncio.shield(task)

    async def _ask(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, self._resolve, host, port)
        except UnicodeError as error:
            raise OSError(f"{host} is no name that the DNS knows") from error
        finally:
            self._asking.pop(host, None)
        if len(self._answers) >= _REMEMBERED:
            self._answers.clear()
        self._answers[host] = (loop.time() + DNS_TTL, found)
        return found

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _noticed(task: "asyncio.Task[Sequence[str]]") -> None:
    """Whoever asked may have left before the answer; a failure is then nobody's."""
    if not task.cancelled():
        task.exception()
