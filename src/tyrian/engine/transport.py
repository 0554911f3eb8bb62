"""One HTTP client per channel of a network that takes JSON, and the honest reading of what can go wrong on the way.

A request that surely never left is a `Retry`; one that may have left without an answer is an `Unknown`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import perf_counter
from typing import Final, Protocol as Port

from tyrian.engine.egress import Guard
from tyrian.engine.outbound import Garbage, NotSent, Outbound
from tyrian.engine.ports import Clock, Exchange, Refused, Retry, SendResult, Tools, Unknown

#: Characters of an answer that are kept in an exchange.
MAX_KEPT: Final = 16_384
#: The longest `Retry-After` that is believed, in seconds.
MAX_RETRY_AFTER: Final = 86_400.0
#: HTTP statuses that mean that a repeat will not help. Any other 4xx or 3xx is `provider_error`.
REFUSALS: Final[dict[int, str]] = {
    401: "bad_credentials",  # Unauthorized
    403: "bad_credentials",  # Forbidden: the address or the credentials are not on the network's list
    413: "content_refused",  # Content Too Large
}


@dataclass(slots=True)
class Answered:
    """An HTTP answer, whole. `retry_after` in seconds, if the network named it."""

    status: int
    body: bytes
    exchange: Exchange
    retry_after: float | None = None


class Transport:
    """POSTs JSON to one base URL. Times are in seconds; redirects are not followed, since none is expected."""

    def __init__(
        self,
        base_url: str,
        clock: Clock,
        *,
        headers: dict[str, str],
        timeout: float,
        connect_timeout: float,
        guard: Guard | None = None,
    ) -> None:
        """With a `guard`, `post` and `reach` raise `Blocked` where it forbids the way."""
        self._guard = guard
        self._base = base_url.rstrip("/")
        self._clock = clock
        self._headers = {"Content-Type": "application/json", "User-Agent": "Tyrian", **headers}
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._client: Outbound | None = None

    def open(self) -> Outbound:
        """The client, made at its first use."""
        if self._client is None:
            self._client = Outbound(
                self._base,
                headers=self._headers,
                timeout=self._timeout,
                connect_timeout=self._connect_timeout,
                guard=self._guard,
            )
        return self._client

    async def close(self) -> None:
        """End the client and its connections."""
        if self._client is not None:
            client, self._client = self._client, None
            client.close()

    def url(self, path: str) -> str:
        """The whole address of a path under the base URL."""
        return self._base + path

    async def post(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Answered | Retry | Unknown:
        """POST a JSON body; trouble on the way is a result, never an exception. `headers` are of this request alone."""
        exchange = Exchange(request=body.decode(), url=self._base + path)
        started = perf_counter()
        try:
            answer = await self.open().request("POST", path, body, headers)
        except (NotSent, Garbage, OSError) as error:
            exchange.ms = _since(started)
            return _trouble(error, exchange)
        exchange.ms = _since(started)
        exchange.status = answer.status
        exchange.response = answer.body[:MAX_KEPT].decode("utf-8", "replace")
        if not answer.whole and 200 <= answer.status < 300:
            exchange.error = "the answer broke off"
            return Unknown("no_answer", exchange)
        return Answered(answer.status, answer.body, exchange, self._retry_after(answer.header("retry-after")))

    async def reach(self, path: str = "") -> str | None:
        """Whether anything answers HTTP at the base URL: None if so, else what is wrong in words."""
        try:
            await self.open().request("GET", path)
        except (NotSent, Garbage, OSError) as error:
            return str(error) or type(error).__name__
        return None

    def _retry_after(self, value: str | None) -> float | None:
        """The header's seconds or date (RFC 9110 section 10.2.3) as seconds from now."""
        if value is None:
            return None
        if value.isascii() and value.isdigit():
            return min(float(value[:9]), MAX_RETRY_AFTER)
        try:
            wait = (parsedate_to_datetime(value) - self._clock.now()).total_seconds()
        except (ValueError, TypeError):
            return None
        return min(max(wait, 0.0), MAX_RETRY_AFTER)


class HttpSettings(Port):
    """What the settings of a channel say of its network's HTTP service. Times in seconds."""

    @property
    def base_url(self) -> str: ...
    @property
    def timeout(self) -> float: ...
    @property
    def connect_timeout(self) -> float: ...


class HttpConnector:
    """What connectors have in common whose network is one HTTP service with the same headers for every request."""

    def __init__(self, settings: HttpSettings, tools: Tools, headers: dict[str, str]) -> None:
        self._http = Transport(
            settings.base_url,
            tools.clock,
            headers=headers,
            timeout=settings.timeout,
            connect_timeout=settings.connect_timeout,
        )

    async def start(self) -> None:
        """Make the HTTP client; connections come with the first send."""
        self._http.open()

    async def close(self) -> None:
        """Close the HTTP client."""
        await self._http.close()


def http_failure(answered: Answered) -> SendResult | None:
    """What an HTTP status other than 2xx means for a send; None for 2xx, where the body decides."""
    status, exchange = answered.status, answered.exchange
    if 200 <= status < 300:
        return None
    if status == 429:
        return Retry("throttled", answered.retry_after, exchange)
    if status == 504:  # A proxy passed the request on and got no answer: nobody knows whether it was taken.
        return Unknown("no_answer", exchange)
    if status >= 500 or status == 408:
        return Retry("provider_error", answered.retry_after, exchange)
    return Refused(REFUSALS.get(status, "provider_error"), exchange)


def _trouble(error: Exception, exchange: Exchange) -> Retry | Unknown:
    exchange.error = str(error) or type(error).__name__
    if isinstance(error, NotSent):
        return Retry("provider_unreachable", exchange=exchange)
    if isinstance(error, Garbage):
        return Unknown("provider_garbage", exchange)
    return Unknown("no_answer", exchange)


def _since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 2)
