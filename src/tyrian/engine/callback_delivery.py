"""One try of one callback: rendered by its face, posted, judged, and put into words for the history."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec

from tyrian.engine import callback_schedule as schedule
from tyrian.engine.callback_standing import Standing
from tyrian.engine.egress import Blocked
from tyrian.engine.egress_client import Answer, Client, Garbage, Unreachable
from tyrian.engine.face_ports import CallbackRequest, Face
from tyrian.engine.ports import Clock, Exchange
from tyrian.engine.report import AttemptLine, Report, decode
from tyrian.store.callbacks import DONE, PARK, RETRY, Outcome
from tyrian.store.database import LOST
from tyrian.store.endpoints import Endpoint

log = logging.getLogger(__name__)

Secrets = Callable[[int, str], Awaitable[Sequence[str]]]
#: The attempts of a message, for faces that tell of them.
Attempts = Callable[[UUID], Awaitable[list[AttemptLine]]]

#: Characters of a request's and an answer's body that the history keeps.
KEPT_REQUEST: Final = 16_384
KEPT_ANSWER: Final = 2048
#: Headers whose values are nobody's business but the two sides'.
_SECRET: Final = re.compile(r"authorization|cookie|signature|token|secret|password|api-?key", re.IGNORECASE)
_GONE: Final = 410
#: Statuses that say that the endpoint as a whole is in trouble, besides all of 5xx.
_TROUBLE: Final = frozenset({408, 429})

_encode: Final = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Try:
    """What a try came to. `failing`: the endpoint itself is in trouble, not only this callback."""

    reason: str | None
    exchange: Exchange
    failing: bool = False
    gone: bool = False
    retry_after: float | None = None


class Deliverer:
    """Makes single tries. Trouble of any kind is an outcome, never an exception."""

    def __init__(
        self,
        clock: Clock,
        faces: Mapping[str, Face],
        secrets: Secrets,
        client: Client,
        standing: Standing,
        waits: tuple[int, ...],
        attempts: Attempts,
    ) -> None:
        self._clock = clock
        self._faces = faces
        self._secrets = secrets
        self._client = client
        self._standing = standing
        self._waits = waits
        self._attempts = attempts

    async def deliver(self, row: Any, endpoint: Endpoint | None) -> Outcome:
        """Tries a claimed callback once. Raises only what the database raises."""
        try:
            report = decode(row["report"])
        except msgspec.MsgspecError as error:
            log.exception("callback %d cannot be read", row["id"])
            return self._outcome(row, None, _Try("not_rendered", Exchange("", error=str(error))))
        tried = await self._try(report, endpoint)
        now = self._clock.now()
        if endpoint is not None:
            if tried.failing:
                self._standing.failed(endpoint.id, now, tried.retry_after)
            elif tried.exchange.status is not None:
                self._standing.answered(endpoint.id)
        return self._outcome(row, report, tried)

    async def _try(self, report: Report, endpoint: Endpoint | None) -> _Try:
        if endpoint is None:
            return _Try("not_rendered", Exchange("", error="the endpoint's row is missing"))
        try:
            keys = await self._secrets(endpoint.account_id, endpoint.face)
            face = self._faces[endpoint.face]
            if getattr(face, "needs_attempts", False) and report.kind == "message":
                report.attempts = await self._attempts(report.message_id)
            report.endpoint_url = endpoint.url
            request = face.render(report, keys, self._clock.now())
        except LOST:
            raise
        except Exception as error:
            log.exception("face %s could not render a callback", endpoint.face)
            return _Try("not_rendered", Exchange("", url=endpoint.url, error=f"{type(error).__name__}: {error}"))
        return await self._post(endpoint.url, request)

    async def _post(self, url: str, request: CallbackRequest) -> _Try:
        loop = asyncio.get_running_loop()
        started = loop.time()
        exchange = Exchange(_request_text(request), url=url)
        try:
            answer = await self._client.request("POST", url, request.headers, request.body)
        except Blocked as error:
            tried = _failed("endpoint_blocked", exchange, error)
        except TimeoutError as error:
            tried = _failed("endpoint_timeout", exchange, error)
        except (Unreachable, Garbage) as error:
            tried = _failed("endpoint_unreachable", exchange, error)
        except ValueError as error:
            tried = _Try("not_rendered", exchange)
            exchange.error = str(error)
        else:
            tried = self._judge(answer, exchange)
        exchange.ms = round((loop.time() - started) * 1000, 1)
        return tried

    def _judge(self, answer: Answer, exchange: Exchange) -> _Try:
        exchange.status = answer.status
        exchange.response = _answer_text(answer)
        if 200 <= answer.status < 300:
            return _Try(None, exchange)
        failing = answer.status >= 500 or answer.status in _TROUBLE
        after = schedule.retry_after(answer.header("retry-after"), self._clock.now())
        return _Try("endpoint_refused", exchange, failing, answer.status == _GONE, after)

    # -- For the database -----------------------------------------------------------------------------------------

    def _outcome(self, row: Any, report: Report | None, tried: _Try) -> Outcome:
        now, number = self._clock.now(), row["tries"] + 1
        detail: dict[str, Any] = {"callback_id": row["id"], "try": number}
        if report is not None:
            detail["status"] = "clicked" if report.kind == "click" else report.status
        verdict, due, kind = DONE, now, "callback_delivered"
        if tried.reason is not None:
            verdict, due, kind = self._again(row["id"], number, tried, now)
            if verdict == RETRY:
                detail["next_try_at"] = due
        return Outcome(
            id=row["id"],
            verdict=verdict,
            at=now,
            due_at=due,
            type=kind,
            reason=tried.reason,
            attempt_id=report.attempt_id if report is not None else None,
            detail=_encode(detail),
            exchange=_encode(tried.exchange),
        )

    def _again(self, callback_id: int, tries: int, tried: _Try, now: datetime) -> tuple[int, datetime, str]:
        seconds = None if tried.gone else schedule.wait(self._waits, callback_id, tries, tried.retry_after)
        if seconds is None:
            return PARK, now, "callback_parked"
        return RETRY, now + timedelta(seconds=seconds), "callback_failed"


def _failed(reason: str, exchange: Exchange, error: Exception) -> _Try:
    exchange.error = str(error)
    return _Try(reason, exchange, failing=True)


def _request_text(request: CallbackRequest) -> str:
    return _text([*request.headers.items()], request.body[:KEPT_REQUEST])


def _answer_text(answer: Answer) -> str:
    return _text(answer.headers, answer.body[:KEPT_ANSWER])


def _text(headers: list[tuple[str, str]], body: bytes) -> str:
    """Headers and body as people read them, with `***` for what is secret."""
    lines = [f"{name}: {'***' if _is_secret(name) else value}" for name, value in headers]
    return "\n".join(lines) + "\n\n" + body.decode("utf-8", "replace")


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None
