"""A message and its attempts as Telesign tells of them: the transaction, and each channel that was tried.

Used for reading a status and for callbacks alike. Messages that other APIs of this gateway took are told in the same
way, their channels named by the networks that they reach.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from tyrian.protocols.telesign import codes
from tyrian.protocols.telesign.codes import Code
from tyrian.protocols.telesign.ids import reference, stamp

#: Our networks -> Telesign's channels.
CHANNELS: Final[Mapping[str, str]] = {"viber": "viber", "viber_bot": "viber", "sms": "sms"}
_FAILED: Final = frozenset({"failed", "expired", "cancelled"})


class Tried(NamedTuple):
    """One attempt as it stands."""

    step: int
    status: str
    reason: str | None
    attempt_id: UUID
    at: datetime
    network: str
    channel: str


class Message(NamedTuple):
    """A message as it stands. `extra` is what the face kept of the request, if this face took it."""

    id: UUID
    name: str | None
    to: str
    status: str
    accepted_at: datetime
    at: datetime
    extra: Mapping[str, Any] | None


def transaction(message: Message, tried: Sequence[Tried]) -> dict[str, Any]:
    """The transaction, in the order in which its members are written."""
    channels = channel_status(message, tried)
    code = _code(message, channels)
    status: dict[str, Any] = {"code": code, "description": codes.describe(code)}
    if channels:
        status["last_channel"] = next(iter(channels[-1]))
    status["updated_on"] = stamp(message.at)
    return {
        "reference_id": reference(message.id),
        "external_id": message.name,
        "status": status,
        "channel_status": channels,
    }


def _code(message: Message, channels: Sequence[Mapping[str, Mapping[str, Any]]]) -> int:
    results = [state["code"] for entry in channels for state in entry.values()]
    if message.status in _FAILED and results and all(code in codes.NOT_ENABLED for code in results):
        return Code.NO_CHANNEL
    return codes.OF_MESSAGE.get(message.status, Code.IN_PROGRESS)


def channel_status(message: Message, tried: Sequence[Tried]) -> list[dict[str, dict[str, Any]]]:
    """Each channel that was tried, or passed over, in the order of the request."""
    results: Sequence[Any] | None = (message.extra or {}).get("channels")
    if results is None:
        return [{CHANNELS.get(line.network, line.channel): _tried(line)} for line in tried]
    return _told(message, results, {line.step: line for line in tried})


def _told(message: Message, results: Sequence[Any], by_step: Mapping[int, Tried]) -> list[dict[str, dict[str, Any]]]:
    """The request's channels up to where the message has come; those behind it only if it reached nobody."""
    told: list[dict[str, dict[str, Any]]] = []
    step, at, over = 0, message.accepted_at, message.status in _FAILED
    for result in results:
        if not isinstance(result, str):
            name, code = result
            told.append({name: _passed_over(code, name, message, at)})
            continue
        line = by_step.get(step)
        step += 1
        if line is None:
            if not over:
                break
            continue
        told.append({result: _tried(line)})
        at = line.at
        if not over and line.status not in _FAILED and line.status != "uncertain":
            break
    return told


def _tried(line: Tried) -> dict[str, Any]:
    code = codes.of_attempt(line.status, line.reason)
    state: dict[str, Any] = {"code": code, "description": codes.describe(code)}
    if code != Code.IN_PROGRESS:
        state["reference_id"] = reference(line.attempt_id)
    state["updated_on"] = stamp(line.at)
    return state


def _passed_over(code: int, name: str, message: Message, at: datetime) -> dict[str, Any]:
    value = message.to if code == Code.BAD_PHONE_NUMBER else name
    return {"code": code, "description": codes.describe(code, value), "updated_on": stamp(at)}
