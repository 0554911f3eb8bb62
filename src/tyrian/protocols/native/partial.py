"""What else is wrong with a request that cannot be read as a whole: its parts, each judged as far as it can be read.

A customer who misspelt one field hears in the same answer that a channel is unknown or a text too long.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from tyrian.domain.problem import Problem
from tyrian.domain.purpose import Purpose
from tyrian.domain.render import templated
from tyrian.domain.schedule import Schedule
from tyrian.domain.submission import Step
from tyrian.engine.checking import check_address, check_callback, check_schedule, check_step, unknown_channel
from tyrian.protocols.native.body import parse
from tyrian.protocols.native.errors import BadJson
from tyrian.protocols.native.wire import Callback

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

T = TypeVar("T")

#: Problems and messages after which a request is not looked at any further.
_ENOUGH: Final = 1000


def problems(raw: bytes, gateway: "Gateway", account_id: int) -> list[Problem]:
    """The engine's own objections to the readable parts of a request to send."""
    try:
        value = parse(raw)
    except BadJson:
        return []
    if not isinstance(value, dict):
        return []
    judge = _Judge(gateway, account_id, _as(value.get("purpose"), Purpose) or Purpose.TRANSACTIONAL)
    found = list(judge.whole(value))
    messages = value.get("messages")
    for number, entry in enumerate(messages[:_ENOUGH] if isinstance(messages, list) else ()):
        if isinstance(entry, dict) and len(found) < _ENOUGH:
            found += judge.message(entry, f"/messages/{number}", value)
    return list(dict.fromkeys(found))


class _Judge:
    """Judges parts against the account's channels."""

    def __init__(self, gateway: "Gateway", account_id: int, purpose: Purpose) -> None:
        self._channels = gateway.channels
        self._account_id = account_id
        self._purpose = purpose
        self._private = gateway.settings.allow_private_callbacks
        self._now: datetime = gateway.clock.now()

    def whole(self, value: dict[str, Any]) -> Iterator[Problem]:
        """The parts that stand in the request itself."""
        yield from self.message(value, "", value)
        schedule = _as(value.get("schedule"), Schedule)
        if schedule is not None:
            yield from check_schedule(schedule, self._now, "/schedule")

    def message(self, value: dict[str, Any], at: str, request: dict[str, Any]) -> Iterator[Problem]:
        """One message's own cascade and callback, and its recipient for the cascade that it would take."""
        own = value.get("cascade")
        for number, step in enumerate(own if isinstance(own, list) else ()):
            yield from self._step(step, f"{at}/cascade/{number}")
        callback = _as(value.get("callback"), Callback)
        if callback is not None:
            yield from check_callback(callback, f"{at}/callback", self._private)
        yield from self._recipient(value.get("to"), own if own is not None else request.get("cascade"), f"{at}/to")

    def _step(self, raw: Any, at: str) -> Iterator[Problem]:
        step = _as(raw, Step)
        if step is not None:
            found = check_step(self._channels, self._account_id, step, self._purpose, at)
            # What has placeholders is judged once they are filled in, which needs the whole request.
            filled = not templated(step.content)
            yield from (p for p in found if filled or not p.pointer.startswith(f"{at}/content"))
            return
        name = raw.get("channel") if isinstance(raw, dict) else None
        if isinstance(name, str) and name and self._channels.get(self._account_id, name) is None:
            yield unknown_channel(self._channels, self._account_id, name, at)

    def _recipient(self, to: Any, cascade: Any, at: str) -> Iterator[Problem]:
        if not isinstance(to, str) or not to or not isinstance(cascade, list):
            return
        for raw in cascade:
            name = raw.get("channel") if isinstance(raw, dict) and raw.get("to") is None else None
            entry = self._channels.get(self._account_id, name) if isinstance(name, str) else None
            if entry is not None:
                yield from check_address(entry, to, at)


def _as(value: Any, kind: type[T]) -> T | None:
    """A part as its type, if it can be read as that."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError):
        return None
