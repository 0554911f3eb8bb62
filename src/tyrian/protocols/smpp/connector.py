"""The connector of an `smpp` channel: one attempt becomes one submit_sm, or one for each part of a long text.

Only the last part asks for a receipt, and its id is the attempt's: the person has the message when the last part has
arrived. The parts leave one after the other, so what a failure half-way means is known: nothing was taken if it hit the
first part; otherwise nobody knows what the handset will show, and the attempt is uncertain.
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, Final

import msgspec

from tyrian.domain.address import e164
from tyrian.domain.limits import Capabilities
from tyrian.domain.problem import Problem
from tyrian.engine.ports import (
    Channel,
    Exchange,
    Health,
    HookAnswer,
    HookRequest,
    Outgoing,
    Refused,
    Retry,
    SendResult,
    Sent,
    Tools,
    Unknown,
)
from tyrian.protocols.smpp import coding, exchange, limits, receipts, statuses
from tyrian.protocols.smpp.config import INTERNATIONAL, SmppConfig, SmppSecrets
from tyrian.protocols.smpp.link import LinkDown
from tyrian.protocols.smpp.pdu import Pdu, Value
from tyrian.protocols.smpp.receiver import Receiver
from tyrian.protocols.smpp.session import Requested, Session, Unreachable
from tyrian.protocols.smpp.statuses import Meaning
from tyrian.protocols.smpp.texts import text_of

#: registered_delivery: a receipt for success and for failure, or none (5.2.17).
_RECEIPT: Final = 1
_NO_RECEIPT: Final = 0
#: How often a part after the first is sent again when the message centre says "not now": a message half sent is worse
#: than one that waits.
PART_TRIES: Final = 5


@dataclass(slots=True)
class _Trail:
    """What was said of one attempt so far, and the ids that came back."""

    started: float = field(default_factory=perf_counter)
    said: list[dict[str, Any]] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    status: int | None = None


@dataclass(slots=True)
class _Submission:
    """One submit_sm, not yet sent."""

    fields: dict[str, Value]
    tlvs: dict[str, Value]


class SmppConnector:
    """One channel's way to a message centre."""

    capabilities: Capabilities

    def __init__(self, channel: Channel, tools: Tools) -> None:
        self._channel = channel
        self._tools = tools
        self._config = config = msgspec.convert(channel.config, SmppConfig)
        self._password = msgspec.convert(channel.secrets, SmppSecrets).password
        self.capabilities = limits.capabilities(config)
        self._receiver = Receiver(channel, config, tools)
        self._session = self._new_session(self._receiver.requested)
        self._started = False
        self._reference = secrets.randbelow(1 << config.reference_bits)
        self._url = f"smpp{'s' if config.tls else ''}://{config.host}:{config.port}"
        self._retry = frozenset(config.retry_statuses)

    async def start(self) -> None:
        """Begin to connect; the first sends wait for the bind by themselves."""
        self._started = True
        self._session.start()

    async def close(self) -> None:
        """Answer what is being committed, unbind, disconnect."""
        await self._receiver.drain(self._config.timeout)
        await self._session.close()
        await self._receiver.drain(0)
        self._started = False

    def hook(self, request: HookRequest) -> HookAnswer:
        """A message centre makes no HTTP requests: 404."""
        return HookAnswer(404, b'{"error":"SMPP channels have no hooks"}')

    async def check(self) -> Health:
        """Bind, or ask on the connections that are bound, and say in words how it went."""
        session = self._session if self._started else self._new_session(self._receiver.decline)
        try:
            session.start()
            await session.ask()
        except Unreachable as error:
            return Health(False, f"{self._url}: {error.words}.")
        except LinkDown as error:
            return Health(False, f"{self._url} is bound but does not answer: {error.words}.")
        finally:
            if not self._started:
                await session.close()
        roles = " and ".join(binding.role for binding in session.bindings)
        return Health(True, f"{self._url} is bound as {roles} for {self._config.system_id} and answers.")

    def _new_session(self, requested: Requested) -> Session:
        return Session(self._config, self._password, self._tools.clock, requested)

    # -- Sending ------------------------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing) -> SendResult:
        """Send one attempt."""
        trail = _Trail()
        try:
            submissions = self._submissions(outgoing)
        except coding.Uncodable as error:
            return Refused("content_refused", Exchange("", url=self._url, error=str(error)))
        for number, submission in enumerate(submissions):
            over = await self._submit(submission, trail, tries=PART_TRIES if number else 1)
            if over is not None:
                return over
        ref = trail.ids[-1] or None
        return Sent(ref, self._exchange(trail), tuple(trail.ids[:-1]))

    async def _submit(self, submission: _Submission, trail: _Trail, tries: int) -> SendResult | None:
        """Send one part; None when it was taken, else what that means for the attempt."""
        trail.said.append(exchange.shown("submit_sm", submission.fields, submission.tlvs))
        while True:
            tries -= 1
            try:
                answer = await self._session.submit(submission.fields, submission.tlvs)
            except ValueError as error:
                return self._failed(trail, Refused("content_refused"), str(error))
            except Unreachable as error:
                return self._failed(trail, Retry(error.reason, error.after), error.words)
            except LinkDown as error:
                return self._failed(trail, Unknown("no_answer"), error.words)
            trail.heard.append(exchange.answered(answer))
            trail.status = answer.status
            if answer.status == statuses.OK:
                trail.ids.append(self._id(answer))
                return None
            meaning = self._meaning(answer.status)
            if meaning.outcome == "retry" and tries:
                await self._tools.clock.sleep(meaning.after or statuses.THROTTLED_PAUSE)
                continue
            refusal = Retry(meaning.reason, meaning.after) if meaning.outcome == "retry" else Refused(meaning.reason)
            return self._failed(trail, refusal, None)

    def _failed(self, trail: _Trail, result: Retry | Refused | Unknown, words: str | None) -> SendResult:
        """The result of a part as that of the attempt: once a part was taken, a refusal leaves it uncertain."""
        if trail.ids:
            result = Unknown(result.reason)
        result.exchange = self._exchange(trail, words)
        return result

    def _meaning(self, status: int) -> Meaning:
        meaning = statuses.meaning(status)
        if status in self._retry:
            meaning = Meaning(meaning.name, "retry", "throttled", statuses.THROTTLED_PAUSE)
        if status == statuses.RTHROTTLED or status in self._retry:
            self._session.hold(statuses.THROTTLED_PAUSE)
        return meaning

    def _id(self, answer: Pdu) -> str:
        return receipts.normal(answer.text("message_id"), self._config.message_id_format)

    def _exchange(self, trail: _Trail, words: str | None = None) -> Exchange:
        return Exchange(
            request=exchange.line(trail.said),
            response=exchange.line(trail.heard) if trail.heard else None,
            status=trail.status,
            url=self._url,
            ms=round((perf_counter() - trail.started) * 1000, 2),
            error=words,
        )

    # -- Writing ------------------------------------------------------------------------------------------------------

    def _submissions(self, outgoing: Outgoing) -> list[_Submission]:
        config = self._config
        text = text_of(outgoing.content)
        if text is None:
            raise coding.Uncodable("this content cannot be said in an SMS")
        encoded = coding.encode(text, config.encoding)
        problem = limits.too_long(encoded, config)
        if problem:
            raise coding.Uncodable(f"the text {problem}")
        fields = self._fields(outgoing, encoded)
        if config.long_message == "payload" and not encoded.single:
            return [_Submission(fields, {"message_payload": encoded.octets})]
        pieces = coding.parts(encoded, self._next_reference(), config.reference_bits)
        if len(pieces) == 1:
            return [_Submission({**fields, "short_message": pieces[0]}, {})]
        several = {**fields, "esm_class": coding.UDHI, "registered_delivery": _NO_RECEIPT}
        made = [_Submission({**several, "short_message": piece}, {}) for piece in pieces]
        made[-1].fields["registered_delivery"] = _RECEIPT
        return made

    def _fields(self, outgoing: Outgoing, encoded: coding.Encoded) -> dict[str, Value]:
        ton, npi, sender = self._config.source
        return {
            "service_type": self._config.service_type,
            "source_addr_ton": ton,
            "source_addr_npi": npi,
            "source_addr": sender,
            "dest_addr_ton": INTERNATIONAL[0],
            "dest_addr_npi": INTERNATIONAL[1],
            "destination_addr": outgoing.to.removeprefix("+"),
            "esm_class": 0,
            "validity_period": self._validity(outgoing.ttl),
            "registered_delivery": _RECEIPT,
            "data_coding": coding.DATA_CODING[encoded.alphabet],
        }

    def _validity(self, ttl: int) -> str:
        if self._config.validity == "none":
            return ""
        return relative(ttl) if self._config.validity == "relative" else absolute(self._tools.clock.now(), ttl)

    def _next_reference(self) -> int:
        self._reference = (self._reference + 1) % (1 << self._config.reference_bits)
        return self._reference


def relative(seconds: int) -> str:
    """A duration as SMPP writes it (7.1.1.2): years, months, days, hours, minutes, seconds, and `000R`."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"0000{min(days, 99):02}{hour:02}{minute:02}{second:02}000R"


def absolute(now: datetime, seconds: int) -> str:
    """A time as SMPP writes it (7.1.1.1), in UTC: `00+` is the distance from it in quarters of an hour."""
    at = now.astimezone(UTC) + timedelta(seconds=seconds)
    return f"{at:%y%m%d%H%M%S}{at.microsecond // 100_000}00+"


def address(text: str, pointer: str) -> str | Problem:
    """A phone number in E.164 form, with its plus; over the wire go its digits alone."""
    number = e164(text)
    if number is None:
        return Problem(pointer, "must be a phone number with its country code, such as +385991234567")
    return number
