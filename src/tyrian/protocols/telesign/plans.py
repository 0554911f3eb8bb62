"""From a request that is right as a whole to the submission that intake takes, channel by channel.

A channel that cannot be tried becomes no step: its result is kept beside the plan, and told with the others.
"""

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tyrian.domain import limits
from tyrian.domain.content import Base, Text, Video, shape_of
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Callback, Plan, Recipient, Step, Submission
from tyrian.engine.channels import ChannelEntry
from tyrian.engine.keys import KeyEntry
from tyrian.engine.sizes import Sizes
from tyrian.protocols.telesign import codes, otp, settings, templates, wire
from tyrian.protocols.telesign.access import FACE
from tyrian.protocols.telesign.checks import Checked
from tyrian.protocols.telesign.codes import Code
from tyrian.protocols.telesign.errors import ApiError

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

PURPOSES: Final = {"ARN": Purpose.TRANSACTIONAL, "MKT": Purpose.PROMOTIONAL, "OTP": Purpose.OTP}
#: Where a message to nobody is said to go: its step is never sent, and must have an address of the right form.
NOBODY: Final = "+10000000000"
#: Seconds for which an account's channel of a network is taken to be the same, and how many are remembered.
_TTL: Final = 1.0
_REMEMBERED: Final = 10_000


class Said(NamedTuple):
    """What one channel says, and by which template."""

    content: Base
    session: bool = False
    auto: bool = False


class Result(Exception):
    """The result of a channel that is not tried."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = int(code)


class Desk:
    """Turns requests into submissions. One for each gateway."""

    def __init__(self, gateway: "Gateway", verifier: otp.Verifier) -> None:
        self._gateway = gateway
        self._verifier = verifier
        self._entries: dict[tuple[int, str, str | None], tuple[float, ChannelEntry]] = {}
        self._sizes = Sizes(gateway.settings.allow_private_callbacks)

    async def submission(self, request: Checked, caller: KeyEntry) -> Submission:
        """The submission. Raises `ApiError` for what cannot be accepted at all."""
        draft = _Draft(self, request, caller)
        for name, fallback_time in request.channels:
            await draft.add(name, fallback_time)
        plan = await draft.plan()
        recipient = Recipient(to=request.number or request.phone_number, name=request.external_id or None)
        return Submission(account_id=caller.account_id, plan=plan, recipients=[recipient])

    # -- For drafts -----------------------------------------------------------------------------------------------

    def entry(self, account_id: int, network: str, sender_id: str | None) -> ChannelEntry | None:
        """The account's channel of a network. A sender that is not known is silently not used.

        Found anew every second: to look through all channels for each message would cost as much as its checks.
        """
        key = (account_id, network, sender_id)
        known, now = self._entries.get(key), time.monotonic()
        if known is not None and known[0] > now and not known[1].removed and known[1].channel.active:
            return known[1]
        channels = self._gateway.channels
        named = channels.by_sender(account_id, network, sender_id) if sender_id is not None else None
        found = named or channels.by_sender(account_id, network)
        if found is not None:
            if len(self._entries) >= _REMEMBERED:
                self._entries.clear()
            self._entries[key] = (now + _TTL, found)
        return found

    def any_entry(self, account_id: int) -> ChannelEntry | None:
        """The channel that a message is accounted to that none can send."""
        for network in ("viber", "sms"):
            entry = self._gateway.channels.by_sender(account_id, network)
            if entry is not None:
                return entry
        return None

    async def sms_template(self, account_id: int, name: str) -> str | None:
        """The words of a template of the customer's own."""
        body = await self._gateway.documents.get(account_id, FACE, settings.TEMPLATE, f"sms/{name}")
        return body["content"] if body is not None else None

    async def measure(self, content: Base, entry: ChannelEntry) -> None:
        """Gives a video its size, where the channel wants it: the templates do not say."""
        await self._sizes.fill(content, entry.capabilities)

    async def code(self, account_id: int) -> tuple[str, str]:
        """A new code, and what is kept of it."""
        given = await settings.get(self._gateway, account_id)
        code = otp.new_code(given.otp_digits)
        return code, await self._verifier.keep(account_id, code)

    async def callback_url(self, account_id: int) -> str | None:
        """Where reports go if a request does not say."""
        return (await settings.get(self._gateway, account_id)).callback_url


class _Draft:
    """One request on its way to a plan."""

    def __init__(self, desk: Desk, request: Checked, caller: KeyEntry) -> None:
        self._desk = desk
        self._request = request
        self._caller = caller
        self._purpose = PURPOSES[request.message_type]
        self._steps: list[tuple[Step, int | None]] = []
        self._results: list[Any] = []
        self._last = 0
        self._code: tuple[str, str] | None = None
        self._reply_id: str | None = None
        self._check_auto()

    def _check_auto(self) -> None:
        """Where a code is to be made up, Viber and RCS may say nothing else (template pages). Raises `ApiError`."""
        said = self._request.message.values()
        if not any(isinstance(one, dict) and one.get("template") == templates.AUTO_OTP for one in said):
            return
        used = {name: _template_of(self._request.message, name) for name, _ in self._request.channels}
        if templates.AUTO_OTP in used.values() and any(
            used.get(name, templates.AUTO_OTP) not in (templates.AUTO_OTP, None) for name in ("viber", "rcs")
        ):
            raise ApiError(Code.INVALID_REQUEST)

    async def add(self, name: str, fallback_time: int | None) -> None:
        """Adds the request's next channel: a step, or the result that stands for it."""
        try:
            step = await self._step(name)
        except Result as result:
            self._results.append([name, result.code])
            self._last = result.code
            return
        self._results.append(name)
        self._steps.append((step, fallback_time))

    async def _step(self, name: str) -> Step:
        if name not in templates.CHANNELS:
            raise Result(Code.UNKNOWN_CHANNEL)
        known = templates.BY_CHANNEL.get(name)
        entry = self._desk.entry(self._caller.account_id, name, self._request.sender_id) if known else None
        if known is None or entry is None:
            raise Result(Code.CHANNEL_NOT_ENABLED)
        message = self._request.message.get(name)
        if message is None:
            message = self._request.message.get("default")
        if not isinstance(message, dict):
            raise Result(Code.NO_CHANNEL_MESSAGE)
        said = await self._said(name, message)
        if self._request.number is None:
            raise Result(Code.BAD_PHONE_NUMBER)
        return await self._fitting(said, entry)

    async def _said(self, channel: str, message: dict[str, Any]) -> Said:
        template, parameters = message.get("template"), _parameters(message.get("parameters"))
        if not isinstance(template, str):
            raise Result(Code.UNKNOWN_TEMPLATE)
        if template == templates.AUTO_OTP:
            return Said(Text(text=templates.OTP_TEXT.format(await self._made_up())), auto=True)
        form = templates.BY_CHANNEL[channel].get(template)
        if form is None:
            return Said(await self._own(channel, template, parameters))
        try:
            content = templates.fill(form, parameters)
        except templates.Unfit as unfit:
            raise Result(Code.NO_PARAMETERS if unfit.missing else Code.PARAMETERS_PROBLEM) from None
        if content.tracking_data is not None:
            self._reply_id = content.tracking_data
        return Said(content, form.session)

    async def _own(self, channel: str, template: str, parameters: dict[str, str]) -> Base:
        """What a template of the customer's own says."""
        text = None
        if channel == "sms" and settings.NAME.fullmatch(template):
            text = await self._desk.sms_template(self._caller.account_id, template)
        if text is None:
            raise Result(Code.UNKNOWN_TEMPLATE)
        if settings.placeholders(text) - parameters.keys():
            raise Result(Code.NO_PARAMETERS)
        return Text(text=settings.filled(text, parameters))

    async def _made_up(self) -> str:
        """The code, which is the same on every channel."""
        if self._code is None:
            self._code = await self._desk.code(self._caller.account_id)
        return self._code[0]

    async def _fitting(self, said: Said, entry: ChannelEntry) -> Step:
        content = said.content
        if isinstance(content, Video):
            await self._desk.measure(content, entry)
        purpose = self._purpose_of(said, entry)
        if limits.check(content, purpose, entry.capabilities):
            raise Result(Code.PARAMETERS_PROBLEM)
        if purpose is not self._purpose and (purpose is Purpose.SESSION or not self._steps):
            self._purpose = purpose
        return Step(channel=entry.channel.name, content=content)  # type: ignore[arg-type]

    def _purpose_of(self, said: Said, entry: ChannelEntry) -> Purpose:
        """What a channel takes the message for: pictures and buttons are carried as promotion, whatever they say."""
        if said.session:
            return Purpose.SESSION
        if said.auto:
            return Purpose.OTP
        shapes = entry.capabilities.shapes.get(self._purpose)
        if shapes is None or shape_of(said.content) in shapes:
            return self._purpose
        return Purpose.PROMOTIONAL

    # -- The whole ------------------------------------------------------------------------------------------------

    async def plan(self) -> Plan:
        """The plan of all channels added."""
        url = self._request.callback_url or await self._desk.callback_url(self._caller.account_id)
        plan = Plan(
            cascade=self._cascade(),
            purpose=self._purpose,
            callback=Callback(url=url) if url else None,
            face=FACE,
            extra=self._extra(),
        )
        if not self._steps:
            plan.cascade = [self._doomed()]
            plan.refused = codes.MEANING[self._last].reason
        return plan

    def _cascade(self) -> list[Step]:
        """The steps with their times. The last has no other to wait for: its time counts only if it was given."""
        last = len(self._steps) - 1
        for number, (step, fallback_time) in enumerate(self._steps):
            if number < last:
                step.fallback_time = fallback_time or wire.FALLBACK_TIME
            else:
                step.validity = fallback_time
        return [step for step, _ in self._steps]

    def _extra(self) -> dict[str, Any]:
        extra: dict[str, Any] = {"customer": self._caller.prefix, "channels": self._results}
        if self._code is not None:
            extra["otp"] = self._code[1]
        if self._reply_id is not None:
            extra["reply_id"] = self._reply_id
        return extra

    def _doomed(self) -> Step:
        """The step of a message that no channel can send. It fails before anything goes out."""
        entry = self._desk.any_entry(self._caller.account_id)
        if entry is None:
            raise ApiError(Code.NOT_ENABLED)
        return Step(channel=entry.channel.name, content=Text(text=codes.describe(self._last)), to=NOBODY)


def _template_of(message: dict[str, Any], channel: str) -> Any:
    said = message.get(channel)
    if said is None:
        said = message.get("default")
    return said.get("template") if isinstance(said, dict) else None


def _parameters(given: Any) -> dict[str, str]:
    """The parameters that have a text; numbers are taken for theirs."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Result(Code.NO_PARAMETERS)
    return {
        name: value if isinstance(value, str) else str(value)
        for name, value in given.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    }
