"""Calling a flow's hooks: signed POSTs to customers' programs, through the guard, with a limit on their time.

A hook is called with the same `webhook-id` however often it is tried, so that a program can tell a repeat. Slow hooks
hold up nobody else: they are called beside the messages, at most so many at once, and so many at once for one host.
"""

import asyncio
import logging
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from tyrian.domain.flow import Flow, Hook
from tyrian.domain.flow_run import Happening, HookFailed, Replied
from tyrian.engine.channels import Channels
from tyrian.engine.egress import Blocked, Guard
from tyrian.engine.egress_client import Answer, Client, Garbage, Unreachable
from tyrian.engine.keys import KeyRing
from tyrian.engine.ports import Clock
from tyrian.engine.webhook_signature import signed_headers
from tyrian.inbox.flows.records import Record
from tyrian.settings import Settings

log = logging.getLogger(__name__)

#: Calls at once, and to one host.
_AT_ONCE: Final = 128
_TO_ONE: Final = 16
#: Seconds before the second try and those after it.
_WAITS: Final = (0.5, 1.0, 2.0, 4.0)
_LONGEST: Final = 30.0
#: Statuses besides 5xx after which a try is repeated.
_AGAIN: Final = frozenset({408, 425, 429})

_encode: Final = msgspec.json.Encoder().encode


class HookCall(Struct, kw_only=True):
    """What a hook is told."""

    type: str
    flow: str
    version: int
    step: str
    run_id: str
    channel: str | None
    person: str
    variables: dict[str, str]


class HookAnswer(Struct):
    """What a hook may answer: variables, and the step to go to. Anything else in it is passed over."""

    variables: dict[str, str | int | float | bool | None] = {}
    next: str | None = None


class _Gateway(Protocol):
    """What calling needs of the gateway."""

    @property
    def clock(self) -> Clock: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def keys(self) -> KeyRing: ...
    @property
    def settings(self) -> Settings: ...


class HookCaller:
    """Calls hooks; `call` never raises but for the database."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self._client = Client(Guard(tuple(gateway.settings.allow_private_callbacks)), total=_LONGEST)
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._rooms: dict[str, tuple[asyncio.Semaphore, list[int]]] = {}
        self.called = 0
        #: Calls under way or in line.
        self.open = 0
        self.failed = 0

    def close(self) -> None:
        """Closes connections."""
        self._client.close()

    async def call(self, record: Record, flow: Flow, step: Hook) -> Happening:
        """What the hook of the step at which a run stands says."""
        host = urlsplit(step.url).netloc
        room, users = self._rooms.setdefault(host, (asyncio.Semaphore(_TO_ONE), [0]))
        users[0] += 1
        self.open += 1
        try:
            async with room, self._room:
                happening = await self._tries(record, flow, step)
        finally:
            users[0] -= 1
            self.open -= 1
            if not users[0]:
                self._rooms.pop(host, None)
        self.called += 1
        self.failed += isinstance(happening, HookFailed)
        return happening

    async def _tries(self, record: Record, flow: Flow, step: Hook) -> Happening:
        body = _encode(self._told(record, flow, step))
        for number in range(step.tries):
            if number:
                await self._gateway.clock.sleep(_WAITS[number - 1])
            try:
                answer = await self._post(record, step, body)
            except (Blocked, Unreachable, Garbage, TimeoutError, ValueError) as error:
                log.info("the hook %s of flow %s gave no answer: %s", record.run.step, flow.name, error)
                continue
            if 200 <= answer.status < 300:
                return _read(answer)
            log.info("the hook %s of flow %s answered %d", record.run.step, flow.name, answer.status)
            if answer.status < 500 and answer.status not in _AGAIN:
                break
        return HookFailed()

    async def _post(self, record: Record, step: Hook, body: bytes) -> Answer:
        secrets = await self._gateway.keys.signing.signing_keys(record.row.account_id)
        identifier = f"{record.row.id}:{record.run.number}"
        at = int(self._gateway.clock.now().timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": "Tyrian",
            **signed_headers(identifier, at, body, secrets),
        }
        async with asyncio.timeout(step.timeout):
            return await self._client.request("POST", step.url, headers, body)

    def _told(self, record: Record, flow: Flow, step: Hook) -> HookCall:
        row, variables = record.row, record.run.variables
        entry = self._gateway.channels.by_id(row.channel_id)
        names = variables if step.send is None else step.send
        return HookCall(
            type="flow.hook",
            flow=flow.name,
            version=row.version,
            step=record.run.step,
            run_id=str(row.id),
            channel=entry.channel.name if entry is not None else None,
            person=row.person,
            variables={name: variables.get(name, "") for name in names},
        )


def _read(answer: Answer) -> Happening:
    """An answer as what happens to the run. One that cannot be read is a failure; an empty one goes on."""
    if not answer.body.strip():
        return Replied()
    try:
        said = msgspec.json.decode(answer.body, type=HookAnswer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return HookFailed()
    return Replied({name: worded(value) for name, value in said.variables.items()}, said.next)


def worded(value: Any) -> str:
    """A value of JSON as a variable holds it. PostgreSQL cannot hold NULs, nor can messages."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("\0", "")
