"""The business interface's one endpoint, and what people do in their chats with businesses.

Viber publishes no page on it: statuses, types and callbacks follow public implementations of specification v11.3 and
older traces. HTTP is 200 whatever happened; the truth is in `status`.
"""

from functools import partial
from typing import Any, Final

import msgspec

from tyrian.protocols.viber.business_wire import MessageStatus
from tyrian.simulator.answers import Outcome
from tyrian.simulator.behaviour import TAKEN, Answer, Behaviour, Kind, Network
from tyrian.simulator.business_checks import (
    BAD_DATA,
    BAD_SERVICE_ID,
    BLOCKED_TYPE,
    LEGACY_TYPES,
    PARAMETER_LIMIT,
    SESSION_TYPES,
    SUCCESS,
    TEMPLATE_INVALID,
    TEMPLATE_NOT_FOUND,
    TEMPLATE_TYPES,
    TIMEOUT,
    check,
)
from tyrian.simulator.ground import Ground
from tyrian.simulator.handsets import Handset, Line, Message, NoLine, Via
from tyrian.simulator.services import OTP_TEMPLATES, SESSION_MESSAGES, Service, Session
from tyrian.simulator.taps import Said, text_of

USER_BLOCKED: Final = 8
NOT_VIBER_USER: Final = 9
UNAUTHORIZED_IP: Final = 11
ALREADY_SENT: Final = 12
NO_MORE_MESSAGES: Final = 17
WAIT_FOR_USER: Final = 21
#: Seconds that Viber tries when a send does not say: 14 days.
DEFAULT_TTL: Final = 1_209_600

_STATUS: Final = {
    Kind.DELIVERED: MessageStatus.DELIVERED,
    Kind.SEEN: MessageStatus.SEEN,
    Kind.EXPIRED: MessageStatus.EXPIRED,
}
_ANSWERS: Final = {Answer.NOT_A_USER: NOT_VIBER_USER, Answer.BLOCKED: USER_BLOCKED}
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


class BusinessApi:
    """All service ids; carries what people write to them (`sender` is the service id as text)."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.services: dict[int, Service] = {}
        self._sent: dict[tuple[int, int], str] = {}

    def send(self, raw: bytes | None) -> Outcome:
        """Answer one `send_message`; `raw` is None for a body beyond all bounds."""
        request = _object(raw)
        if request is None:
            return Outcome({"status": BAD_DATA})
        seq = request.get("seq")
        service = self._service(request.get("service_id"))
        if service is None:
            return _refuse(BAD_SERVICE_ID, seq)
        status = self._refusal(service, request)
        return _refuse(status, seq) if status else self._send(service, request)

    def reset(self) -> None:
        """Forget sessions and what was sent."""
        self._sent.clear()
        for service in self.services.values():
            service.sessions.clear()

    def _service(self, given: Any) -> Service | None:
        return self.services.get(given) if isinstance(given, int) and not isinstance(given, bool) else None

    def _refusal(self, service: Service, request: dict[str, Any]) -> int:
        quirks = self._ground.quirks
        if quirks.unauthorized_ip:
            return UNAUTHORIZED_IP
        status = service.refused or check(request)
        if status:
            return status
        if quirks.refuse_legacy_text and request["type"] in LEGACY_TYPES:
            return BLOCKED_TYPE
        return _template(service, request) if request["type"] in TEMPLATE_TYPES else SUCCESS

    # -- Sending ------------------------------------------------------------------------------------------------------

    def _send(self, service: Service, request: dict[str, Any]) -> Outcome:
        seq, number = request["seq"], "+" + request["dest"]
        handset = self._ground.handsets.of(number)
        behaviour = handset.behaviour(Network.VIBER)
        answer = self._ground.faults.next() or handset.next_answer(Network.VIBER, behaviour)
        if answer in (Answer.ERROR, Answer.THROTTLE):
            return Outcome({}, answer, behaviour.delay)
        status = self._cannot(service, request, handset, answer, behaviour)
        if status:
            return _refuse(status, seq, answer, behaviour.delay)
        token = self._take(service, request, handset, behaviour)
        body: dict[str, Any] = {"status": SUCCESS, "seq": seq, "message_token": token}
        if request["type"] in SESSION_TYPES:
            body["session_id"] = token
        return Outcome(body, answer, behaviour.delay)

    def _cannot(
        self, service: Service, request: dict[str, Any], handset: Handset, answer: Answer, behaviour: Behaviour
    ) -> int:
        if handset.has_blocked(Line(Via.BUSINESS, str(service.id)), answer):
            return USER_BLOCKED
        if answer is Answer.REFUSE:
            return behaviour.status or SUCCESS
        if answer is Answer.NOT_A_USER:
            return NOT_VIBER_USER
        if self._ground.quirks.already_sent and (service.id, request["seq"]) in self._sent:
            return ALREADY_SENT
        return self._session(service, request, handset.address)

    def _session(self, service: Service, request: dict[str, Any], number: str) -> int:
        """Session types need an open session that has room; the message is counted."""
        if request["type"] not in SESSION_TYPES:
            return SUCCESS
        session: Session | None = service.session(number, self._ground.seconds())
        if session is None or session.sent >= SESSION_MESSAGES:
            return NO_MORE_MESSAGES
        if session.unanswered >= self._ground.settings.unanswered_limit:
            return WAIT_FOR_USER
        session.sent += 1
        session.unanswered += 1
        return SUCCESS

    def _take(self, service: Service, request: dict[str, Any], handset: Handset, behaviour: Behaviour) -> str:
        token = str(self._ground.tokens.next())
        self._remember((service.id, request["seq"]), token)
        message = handset.accept(Line(Via.BUSINESS, str(service.id)), token, request, self._ground.now())
        ttl = request.get("ttl") or DEFAULT_TTL
        self._ground.delivery.carry(handset, message, behaviour, partial(self._report, service), ttl)
        return token

    def _remember(self, key: tuple[int, int], token: str) -> None:
        if len(self._sent) >= self._ground.settings.keep_sent:
            del self._sent[next(iter(self._sent))]
        self._sent[key] = token

    # -- Callbacks ----------------------------------------------------------------------------------------------------

    def _report(self, service: Service, handset: Handset, message: Message, kind: Kind) -> None:
        """A receipt. There is no number for a failure that is not an expiry, so none is reported."""
        status = _STATUS.get(kind)
        if status is None:
            return
        devices = self._ground.quirks.devices if kind is Kind.DELIVERED else 1
        for _ in range(devices):
            self._status(service, message.ref, handset.address, status)

    def _status(self, service: Service, token: str, number: str, status: MessageStatus) -> None:
        members = {
            "message_token": token,
            "message_status": int(status),
            "message_time": self._ground.milliseconds(),
            "phone_number": number[1:],
            "service_id": service.id,
        }
        self._post(service, members, status.name.lower())

    def _post(self, service: Service, members: dict[str, Any], event: str) -> None:
        if service.callback_url:
            self._ground.callbacks.post(service.callback_url, _encode(members), service.secret, event)

    # -- What people do -----------------------------------------------------------------------------------------------

    def wrote(self, handset: Handset, sender: str, said: Said) -> None:
        """A person wrote to the business: opens a session."""
        service = self._by_name(sender)
        service.wrote(handset.address, self._ground.seconds())
        message = _inbound(said)
        tracking = _tracking(handset, sender)
        if tracking:
            message["tracking_data"] = tracking
        members = {
            "message_token": str(self._ground.tokens.next()),
            "phone_number": handset.address.removeprefix("+"),
            "time": int(self._ground.seconds()),
            "service_id": service.id,
            "message": message,
        }
        self._post(service, members, "message")

    def read(self, handset: Handset, messages: list[Message]) -> None:
        """Each message that was read is reported."""
        service = self._by_name(messages[-1].line.sender)
        for message in messages:
            self._status(service, message.ref, handset.address, MessageStatus.SEEN)

    def allowed(self, handset: Handset, sender: str, allowed: bool) -> None:
        """The person blocked the business, or let it in again."""
        status = MessageStatus.SUBSCRIBED if allowed else MessageStatus.UNSUBSCRIBED
        token = str(self._ground.tokens.next())
        self._status(self._by_name(sender), token, handset.address, status)

    def opened(self, handset: Handset, sender: str, context: str | None) -> None:
        """Businesses do not hear of it."""
        self._by_name(sender)

    def _by_name(self, sender: str) -> Service:
        service = self.services.get(int(sender)) if sender.isdecimal() else None
        if service is None:
            raise NoLine(f"there is no business with the service id {sender!r}")
        return service


def _refuse(status: int, seq: Any, how: Answer = Answer.ACCEPT, delay: float = 0.0) -> Outcome:
    body = {"status": status} if seq is None else {"status": status, "seq": seq}
    return Outcome(body, how if how in TAKEN else Answer.ACCEPT, delay)


def _object(raw: bytes | None) -> dict[str, Any] | None:
    try:
        decoded = _decode(raw) if raw else None
    except msgspec.MsgspecError:
        return None
    return decoded if isinstance(decoded, dict) else None


def _template(service: Service, request: dict[str, Any]) -> int:
    name = request.get("templateId")
    if not isinstance(name, str) or not name:
        return TEMPLATE_NOT_FOUND
    template = service.templates.get(name) or OTP_TEMPLATES.get(name)
    if template is None and service.templates:
        return TEMPLATE_NOT_FOUND
    params = request.get("templateParams") or {}
    if not isinstance(params, dict) or not all(_is_parameter(value) for value in params.values()):
        return TEMPLATE_INVALID
    if template is None:
        return SUCCESS
    if template.otp and not params.get("pin"):
        return TIMEOUT
    known = not template.languages or request.get("templateLang") in template.languages
    return SUCCESS if known and template.parameters <= params.keys() else TEMPLATE_INVALID


def _is_parameter(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= PARAMETER_LIMIT and "://" not in value


def _tracking(handset: Handset, sender: str) -> str | None:
    """The tracking data of the last message to this handset; comes back with what its person writes."""
    line = Line(Via.BUSINESS, sender)
    last = next((message for message in reversed(handset.messages) if message.line == line), None)
    return (last.content.get("message") or {}).get("#tracking_data") if last is not None else None


def _inbound(said: Said) -> dict[str, Any]:
    """Text, or a file by its URL; there is nothing else that a person can send to a business."""
    if isinstance(said.get("media"), str):
        return {"media": said["media"], "file_name": said.get("file_name") or said["media"].rsplit("/", 1)[-1]}
    return {"text": text_of(said)}
