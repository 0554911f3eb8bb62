"""The session with a message centre: connections that bind, come back after a drop, and share one window.

A `Binding` keeps one bound connection alive; a `Session` has one (transceiver) or two (transmitter and receiver), the
window of submit_sm without an answer, and the pause that a message centre asks for with ESME_RTHROTTLED.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Sequence
from random import SystemRandom
from typing import Final

from tyrian.engine.ports import Clock
from tyrian.protocols.smpp import statuses
from tyrian.protocols.smpp.config import SmppConfig
from tyrian.protocols.smpp.link import Link, LinkDown, NoAnswer
from tyrian.protocols.smpp.pdu import Command, Pdu, Value

log = logging.getLogger(__name__)

#: Seconds before the first, second, ... try to connect again; the last stands for all further ones. Each is made up
#: to a fifth longer or shorter, so that many gateways do not come back at the same moment.
RECONNECT: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
_JITTER: Final = 0.2
_random: Final = SystemRandom().random
#: interface_version of SMPP 3.4 (5.2.4).
_VERSION: Final = 0x34

BINDS: Final[dict[str, tuple[Command, ...]]] = {
    "transceiver": (Command.BIND_TRANSCEIVER,),
    "transmitter_receiver": (Command.BIND_TRANSMITTER, Command.BIND_RECEIVER),
}
_ROLES: Final = {
    Command.BIND_TRANSCEIVER: "transceiver",
    Command.BIND_TRANSMITTER: "transmitter",
    Command.BIND_RECEIVER: "receiver",
}


class Unreachable(Exception):
    """No bound connection, and none at once: why as a word of `domain.reasons` and in words, and seconds to wait."""

    def __init__(self, reason: str, words: str, after: float | None) -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words
        self.after = after


class BindRefused(Exception):
    """The message centre did not let us in."""

    def __init__(self, status: int) -> None:
        self.meaning = statuses.meaning(status)
        super().__init__(f"the message centre refused the bind: {self.meaning.name}")


Requested = Callable[[Link, Pdu], None]


class Binding:
    """One connection to the message centre, connected and bound again whenever it is lost."""

    def __init__(self, config: SmppConfig, password: str, command: Command, clock: Clock, requested: Requested) -> None:
        self._config = config
        self._password = password
        self._command = command
        self._clock = clock
        self._requested = requested
        self._link: Link | None = None
        self._trouble: Unreachable | None = None
        self._changed = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self.role = _ROLES[command]

    # -- For the session ----------------------------------------------------------------------------------------------

    @property
    def link(self) -> Link | None:
        """The bound connection, if there is one."""
        return self._link

    @property
    def trouble(self) -> str | None:
        """Why there is no connection, in words; None while one is bound or being made for the first time."""
        return None if self._trouble is None else self._trouble.words

    def start(self) -> None:
        """Begin to connect."""
        if self._runner is None:
            self._runner = asyncio.create_task(self._run(), name=f"smpp {self.role} {self._config.host}")

    async def ready(self) -> Link:
        """The bound connection; waits while one is being made. Raises Unreachable between two tries."""
        while True:
            link = self._link
            if link is not None and not link.closing:
                return link
            if self._trouble is not None:
                trouble = self._trouble
                raise Unreachable(trouble.reason, trouble.words, trouble.after)
            if self._runner is None:
                raise Unreachable("provider_unreachable", "the channel is not started", None)
            await self._changed.wait()

    async def close(self) -> None:
        """Unbind and connect no more."""
        if self._runner is not None:
            self._runner.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._runner
        self._runner = None
        link, self._link = self._link, None
        self._trouble = Unreachable("provider_unreachable", "the channel is closed", None)
        self._tell()
        if link is not None:
            await link.unbind()

    # -- The owner of the link ----------------------------------------------------------------------------------------

    def requested(self, link: Link, pdu: Pdu) -> None:
        """The message centre asks something."""
        self._requested(link, pdu)

    def lost(self, link: Link, words: str) -> None:
        """The connection has ended; `_run` waits for that by itself."""
        if link is self._link:
            self._link = None
            log.warning("%s at %s: %s", self.role, link.peer, words)

    # -- Inside -------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        tries = 0
        while True:
            try:
                link = await self._connect()
                tries = 0
                self._bound(link)
                await link.closed.wait()
                trouble = Unreachable("provider_unreachable", link.words, None)
            except BindRefused as refusal:
                trouble = Unreachable(_bind_reason(refusal), str(refusal), refusal.meaning.after)
            except (OSError, LinkDown) as error:
                trouble = Unreachable("provider_unreachable", explain(error, self._config), None)
            wait = RECONNECT[min(tries, len(RECONNECT) - 1)] * (1 + _JITTER * (2 * _random() - 1))
            tries += 1
            log.warning("%s: %s; next try in %.1f s", self.role, trouble.words, wait)
            await self._wait(trouble, wait)

    def _bound(self, link: Link) -> None:
        self._link = link
        self._trouble = None
        link.watch(self._clock, self._config.enquire_link)
        log.info("bound as %s at %s", self.role, link.peer)
        self._tell()

    async def _wait(self, trouble: Unreachable, seconds: float) -> None:
        """Let sends know at once that there is no link, until the next try begins."""
        self._link = None
        self._trouble = Unreachable(trouble.reason, trouble.words, max(seconds, trouble.after or 0))
        self._tell()
        await self._clock.sleep(seconds)
        self._trouble = None

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _connect(self) -> Link:
        config = self._config
        tls = None if config.tls is None else config.tls.context()
        name = None if config.tls is None else config.tls.server_name or config.host
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(config.timeout):
            _, link = await loop.create_connection(
                lambda: Link(self, timeout=config.timeout), config.host, config.port, ssl=tls, server_hostname=name
            )
        link.peer = f"{config.host}:{config.port}"
        try:
            await self._bind(link)
        except BaseException:
            link.drop("the bind came to nothing")
            raise
        return link

    async def _bind(self, link: Link) -> None:
        answer = await link.request(
            self._command,
            {
                "system_id": self._config.system_id,
                "password": self._password,
                "system_type": self._config.system_type,
                "interface_version": _VERSION,
            },
        )
        if answer.status != statuses.OK:
            raise BindRefused(answer.status)


class Session:
    """All connections of one channel."""

    def __init__(self, config: SmppConfig, password: str, clock: Clock, requested: Requested) -> None:
        self._clock = clock
        self._timeout = config.timeout
        self._bindings = [Binding(config, password, command, clock, requested) for command in BINDS[config.bind]]
        self._window = asyncio.Semaphore(config.window)
        self._open = asyncio.Event()
        self._open.set()
        self._pause: asyncio.Task[None] | None = None

    @property
    def bindings(self) -> Sequence[Binding]:
        """The connections; the first is the one that sends."""
        return self._bindings

    def start(self) -> None:
        """Begin to connect; does not wait for it."""
        for binding in self._bindings:
            binding.start()

    async def submit(self, fields: dict[str, Value], tlvs: dict[str, Value]) -> Pdu:
        """Send one submit_sm when the window has a place for it, and wait for its response.

        Raises Unreachable when it surely was not sent, and LinkDown when it may have been.
        """
        link = await self._place()
        try:
            answer = await link.request(Command.SUBMIT_SM, fields, tlvs)
            if answer.status == statuses.RINVBNDSTS:
                link.drop("the message centre says that this connection is not bound")
            return answer
        except LinkDown as error:
            if error.written:
                raise
            raise Unreachable("provider_unreachable", error.words, None) from error
        finally:
            self._window.release()

    async def ask(self) -> None:
        """Ask the message centre on each connection whether it lives. Raises Unreachable or LinkDown."""
        for binding in self._bindings:
            link = await binding.ready()
            await link.request(Command.ENQUIRE_LINK)

    def hold(self, seconds: float) -> None:
        """Let no further submit_sm out for so many seconds of the clock."""
        if self._open.is_set():
            self._open.clear()
            self._pause = asyncio.create_task(self._hold(seconds))

    async def close(self) -> None:
        """Unbind all connections."""
        if self._pause is not None:
            self._pause.cancel()
        self._open.set()
        await asyncio.gather(*(binding.close() for binding in self._bindings))

    async def _hold(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._open.set()

    async def _place(self) -> Link:
        """A place in the window and a link to use it on, within the time that an answer may take."""
        link = self._bindings[0].link
        if link is not None and not link.closing and self._open.is_set() and not self._window.locked():
            await self._window.acquire()
            return link
        try:
            async with asyncio.timeout(self._timeout):
                await self._window.acquire()
                try:
                    await self._open.wait()
                    return await self._bindings[0].ready()
                except BaseException:
                    self._window.release()
                    raise
        except TimeoutError:
            if self._bindings[0].link is None:
                raise Unreachable("provider_unreachable", f"no bind within {self._timeout:g} s", None) from None
            raise Unreachable("throttled", f"no place in the window within {self._timeout:g} s", None) from None


def _bind_reason(refusal: BindRefused) -> str:
    return refusal.meaning.reason or "provider_error"


def explain(error: Exception, config: SmppConfig) -> str:
    """Why a connection could not be made, in words."""
    where = f"{config.host}:{config.port}"
    match error:
        case NoAnswer():
            return f"{where} took the connection but did not answer the bind: {error.words}"
        case LinkDown():
            return f"{where} ended the connection: {error.words}"
        case ssl.SSLError():
            return f"{where} and this gateway could not agree on TLS: {error.reason or error}"
        case TimeoutError():
            return f"{where} took no connection within {config.timeout:g} s"
        case _:
            return f"{where} cannot be reached: {error}"
