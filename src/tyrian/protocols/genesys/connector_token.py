"""The access token of an OAuth client: asked for once by however many need it, and anew before it runs out."""

import asyncio
import base64
import re
from datetime import timedelta
from typing import Final

import msgspec

from tyrian.engine.ports import Clock, Exchange, Refused, Retry
from tyrian.engine.transport import Answered, Transport, http_failure
from tyrian.protocols.genesys.connector_wire import TOKEN_PATH, Granted

_GRANT: Final = b"grant_type=client_credentials"
#: A token is not used in the last part of its life, so that none runs out on its way.
_SPARED: Final = 0.1
_SPARED_SECONDS: Final = 60.0

#: What may stand in a header.
_SENDABLE: Final = re.compile(r"[\x21-\x7e]{1,8192}")

_granted: Final = msgspec.json.Decoder(Granted).decode


class Tokens:
    """The token of one client at one login host. Times in seconds."""

    def __init__(
        self, login_url: str, client_id: str, secret: str, clock: Clock, *, timeout: float, connect_timeout: float
    ) -> None:
        pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        self._clock = clock
        self._http = Transport(
            login_url,
            clock,
            headers={
                "Authorization": f"Basic {pair}",
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            },
            timeout=timeout,
            connect_timeout=connect_timeout,
        )
        self._token: str | None = None
        self._until = clock.now()
        self._asking: asyncio.Task[str | Retry | Refused] | None = None

    async def get(self) -> str | Retry | Refused:
        """A token that is good for a while yet, or what the lack of one means for a send."""
        if self._token is not None and self._clock.now() < self._until:
            return self._token
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._asked)
        return await asyncio.shield(self._asking)

    def drop(self, token: str) -> None:
        """Genesys does not take this token any more."""
        if self._token == token:
            self._token = None

    async def close(self) -> None:
        """Close the HTTP client."""
        await self._http.close()

    def _asked(self, task: asyncio.Task[str | Retry | Refused]) -> None:
        self._asking = None

    async def _ask(self) -> str | Retry | Refused:
        now = self._clock.now()
        answered = await self._http.post(TOKEN_PATH, _GRANT)
        if not isinstance(answered, Answered):
            # Whatever became of the question, the message itself has surely not left.
            return Retry("provider_unreachable", exchange=_without_token(answered.exchange))
        if answered.status in (400, 401):
            return Refused("bad_credentials", answered.exchange)
        failure = http_failure(answered)
        if isinstance(failure, Retry | Refused):
            return failure
        try:
            granted = _granted(answered.body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            granted = None
        if failure is not None or granted is None or _SENDABLE.fullmatch(granted.access_token) is None:
            return Retry("provider_garbage", exchange=_without_token(answered.exchange))
        life = max(granted.expires_in, 0.0)
        spared = min(_SPARED_SECONDS, life * _SPARED)
        self._token, self._until = granted.access_token, now + timedelta(seconds=min(life - spared, 1e8))
        return self._token


def _without_token(exchange: Exchange | None) -> Exchange | None:
    """The exchange without an answer that may hold a token, or part of one."""
    if exchange is not None and exchange.response is not None:
        exchange.response = "***"
    return exchange
