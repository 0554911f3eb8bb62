"""Callbacks as Viber makes them: signed over the raw body, a few on their way at once, repeated for up to an hour.

Signature, its two places and the repeats: Viber Bot API documentation 7.3.0. Its intervals and its patience are not
documented; ours are `RETRIES` and `WorldSettings.callback_timeout`.
"""

import asyncio
import hmac
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import msgspec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError, RequestTimeoutError

from tyrian.protocols.viber.bot_wire import SIGNATURE_HEADER, SIGNATURE_QUERY
from tyrian.simulator.agenda import Agenda
from tyrian.simulator.quirks import Quirks
from tyrian.simulator.settings import BODY_LIMIT, WorldSettings

logger = logging.getLogger(__name__)

#: Seconds between one try and the next (assumed). They end inside the hour after which Viber gives up.
RETRIES: Final = (5.0, 30.0, 60.0, 300.0, 900.0, 1800.0)
#: Callbacks that the journal remembers.
JOURNAL: Final = 1000
_GARBAGE: Final = b'{"event": "\xff'


class Callback(msgspec.Struct, kw_only=True):
    """One HTTP delivery to a webhook: what is said, to whom, and how it went so far."""

    url: str
    body: bytes
    secret: str | None
    #: What it is about, for people: `delivered`, `message`, ...
    event: str
    tries: int = 0
    #: HTTP status of the last try, or what went wrong.
    status: int | None = None
    error: str | None = None
    at: datetime | None = None
    #: Told of the answer, once it is a 200.
    answered: Callable[["Reply"], None] | None = None


class Reply(msgspec.Struct):
    """What a webhook answered: a status and a body, or an error in the words of Viber's Java service."""

    status: int | None = None
    body: bytes = b""
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Viber takes nothing but 200."""
        return self.status == HTTPStatus.OK


def signature(secret: str, body: bytes) -> str:
    """Lower-case hex HMAC-SHA256 over the raw body, keyed with the token's text."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


class Callbacks:
    """Posts callbacks in the order they come, several at once; order at the receiver is not promised, as with Viber."""

    def __init__(self, agenda: Agenda, settings: WorldSettings, quirks: Quirks) -> None:
        self._agenda = agenda
        self._settings = settings
        self.quirks = quirks
        self.journal: deque[Callback] = deque(maxlen=JOURNAL)
        self._queue: asyncio.Queue[Callback] = asyncio.Queue()
        self._client: Client | None = None
        self._workers: list[asyncio.Task[None]] = []
        self._generation = 0
        #: The HTTP client may swallow a cancellation that meets an answer, so workers look here too.
        self._open = False

    async def start(self) -> None:
        """Open the client and the lanes."""
        builder = ClientBuilder().timeout(timedelta(seconds=self._settings.callback_timeout)).no_proxy()
        self._client = builder.follow_redirects(False).http1_only().user_agent("Viber").build()
        self._open = True
        lanes = self._settings.callback_concurrency
        self._workers = [asyncio.create_task(self._work(), name=f"callbacks {n}") for n in range(lanes)]

    async def stop(self) -> None:
        """Stop; what has not been posted is lost, as in a power cut."""
        self._open = False
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers = []
        if self._client is not None:
            await self._client.close()
            self._client = None

    def forget(self) -> None:
        """Drop what waits and what would be repeated."""
        self._generation += 1
        self.journal.clear()
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()

    def post(
        self,
        url: str,
        body: bytes,
        secret: str | None,
        event: str,
        answered: Callable[["Reply"], None] | None = None,
    ) -> None:
        """Post this once there is a free lane."""
        now = self._agenda.clock.now()
        callback = Callback(url=url, body=body, secret=secret, event=event, at=now, answered=answered)
        self.journal.append(callback)
        self._queue.put_nowait(callback)
        if self.quirks.duplicate_callbacks:
            self._queue.put_nowait(callback)

    async def settled(self) -> None:
        """Wait until everything posted so far has had its first try."""
        await self._queue.join()

    async def ask(self, url: str, body: bytes, secret: str | None) -> Reply:
        """Post once, now, and return the answer."""
        if self._client is None:
            return Reply(error="the simulated world has not been started")
        signed, headers = self._sign(url, body, secret)
        try:
            response = await self._client.post(signed).headers(headers).body_bytes(body).build().send()
            answer = bytes(await response.bytes())
        except PyreqwestError as error:
            return Reply(error=_in_java(error))
        return Reply(status=response.status, body=answer[:BODY_LIMIT])

    def _sign(self, url: str, body: bytes, secret: str | None) -> tuple[str, dict[str, str]]:
        headers = {"content-type": "application/json"}
        if secret is None:
            return url, headers
        sig = signature(secret, body if not self.quirks.bad_signature else body + b" ")
        if self.quirks.header_signature:
            headers[SIGNATURE_HEADER] = sig
        if self.quirks.query_signature:
            url = f"{url}{'&' if urlsplit(url).query else '?'}{SIGNATURE_QUERY}={sig}"
        return url, headers

    async def _work(self) -> None:
        while self._open:
            callback = await self._queue.get()
            try:
                await self._try(callback)
            except Exception:
                logger.exception("A callback to %s failed inside the simulator", callback.url)
            finally:
                self._queue.task_done()

    async def _try(self, callback: Callback) -> None:
        generation = self._generation
        body = _GARBAGE if self.quirks.garbage_callbacks else callback.body
        reply = await self.ask(callback.url, body, callback.secret)
        callback.tries += 1
        callback.status, callback.error = reply.status, reply.error
        if reply.ok and callback.answered is not None:
            callback.answered(reply)
        again = not reply.ok and self.quirks.repeat_callbacks and callback.tries <= len(RETRIES)
        if again and generation == self._generation:
            self._agenda.after(RETRIES[callback.tries - 1], self._queue.put_nowait, callback)


#: What a failure to connect is called in the answers of Viber's service.
_TLS_WORDS: Final = ("certificate", "tls", "handshake", "peer sent")
_TLS: Final = "javax.net.ssl.SSLHandshakeException: General SSLEngine problem"
_REFUSED: Final = "java.net.ConnectException: Connection refused"
_TIMEOUT: Final = "java.util.concurrent.TimeoutException: Request timed out"


def _in_java(error: PyreqwestError) -> str:
    if isinstance(error, RequestTimeoutError):
        return _TIMEOUT
    details = str(error.args).lower()
    return _TLS if any(word in details for word in _TLS_WORDS) else _REFUSED
