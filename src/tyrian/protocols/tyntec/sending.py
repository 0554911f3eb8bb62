"""From a request to send to the submission that intake takes: whose sender it is, what is wrong, where reports go."""

from typing import TYPE_CHECKING, Any, Final, NoReturn

from tyrian.domain.address import e164
from tyrian.domain.content import Base, shape_of
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Callback, Plan, Recipient, Step, Submission
from tyrian.engine.channels import ChannelEntry
from tyrian.engine.egress import judge_url
from tyrian.engine.groups import NAME as GROUP
from tyrian.engine.sizes import Sizes
from tyrian.protocols.tyntec import content as contents, errors, limits, wire
from tyrian.protocols.tyntec.accounts import FACE, NETWORKS, Accounts
from tyrian.protocols.tyntec.content import EMPTY, Faults, must_be_one_of, must_match, size_between

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

#: Seconds after which 2.x goes on to the next channel where the one before says nothing. Not documented; assumed.
FALLBACK_SECONDS: Final = 3600
_REMEMBERED: Final = 4096
_RATES: Final = tuple(limits.RATES)


class Desk:
    """Checks requests against an account's channels and configuration. One for each gateway."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._channels = gateway.channels
        self._allowed = gateway.settings.allow_private_callbacks
        self.accounts = Accounts(gateway)
        self._sizes = Sizes(self._allowed)
        self._known: dict[tuple[int, str, str], tuple[ChannelEntry, str]] = {}

    # -- v3 -----------------------------------------------------------------------------------------------------------

    async def single(self, request: wire.SendRequest, account_id: int) -> Submission:
        """One message's submission. Raises `ApiError`."""
        faults = Faults()
        network = self._network(request.channel, faults)
        number = self._to(request.to, faults)
        sender = faults.text(request.sender, "from", 128)
        rate = self._rate(request.rate_type, request.message_purpose, network, faults)
        content = contents.read(request.content, "content", faults)
        if request.context is not None and len(request.context) > limits.MAX_CONTEXT:
            faults.add("context", size_between(0, limits.MAX_CONTEXT))
        override = self.override(request.overrides, faults)
        if content is None or faults:
            refuse(faults)
        entry = self.entry(account_id, network, sender, content, faults)
        purpose = purpose_of(rate, content, entry)
        plan = await self.plan(entry, content, purpose, self._extra(request, sender, rate, number, purpose), override)
        return Submission(account_id=account_id, plan=plan, recipients=[Recipient(to=number)])

    async def bulk(self, request: wire.BulkRequest, account_id: int) -> Submission:
        """The submission of several messages to one person. Raises `ApiError`."""
        faults = Faults()
        network = self._network(request.channel, faults)
        number = self._to(request.to, faults)
        sender = faults.text(request.sender, "from", 128)
        rate = self._rate(request.rate_type, request.message_purpose, network, faults)
        messages = request.messages or []
        if not limits.BULK_MESSAGES[0] <= len(messages) <= limits.BULK_MESSAGES[1]:
            faults.add("messages", size_between(*limits.BULK_MESSAGES))
        read = [contents.read(message, f"messages[{n}]", faults) for n, message in enumerate(messages)]
        if faults:
            refuse(faults)
        plans = []
        for message, content in zip(messages, read, strict=True):
            assert content is not None
            entry = self.entry(account_id, network, sender, content, faults)
            purpose = purpose_of(rate, content, entry)
            like = wire.SendRequest(to=request.to, content=message)
            extra = self._extra(like, sender, rate, number, purpose)
            plans.append(await self.plan(entry, content, purpose, extra, None))
        return several(account_id, number, plans)

    # -- Parts --------------------------------------------------------------------------------------------------------

    def _network(self, channel: str | None, faults: Faults) -> str:
        if not channel:
            faults.add("channel", EMPTY)
        elif channel not in NETWORKS:
            faults.add("channel", must_be_one_of(tuple(NETWORKS)))
        return NETWORKS.get(channel or "", "")

    def _to(self, to: str | None, faults: Faults, at: str = "to") -> str:
        """The recipient with a plus, however the number was written."""
        if not to:
            faults.add(at, EMPTY)
            return ""
        number = limits.digits(to)
        if number is None or (found := e164(f"+{number}")) is None:
            faults.add(at, must_match(limits.NUMBER_PATTERN))
            return ""
        return found

    def to(self, to: str | None, faults: Faults) -> str:
        """The recipient of a request."""
        return self._to(to, faults)

    def _rate(self, rate: str | None, purpose: str | None, network: str, faults: Faults) -> str:
        """What the message is charged as. `rateType` goes before its alias `messagePurpose` (assumed)."""
        if network == "sms":
            return "transaction"
        if not rate and not purpose:
            faults.add("rateType", EMPTY)
        for name, word in (("rateType", rate), ("messagePurpose", purpose)):
            if word and word not in limits.RATES:
                faults.add(name, must_be_one_of(_RATES))
        return rate or purpose or ""

    def override(self, overrides: wire.Overrides | None, faults: Faults) -> str | None:
        """Where the message's own status callbacks go."""
        if overrides is None:
            return None
        for name, url in (
            ("notificationCallbackUrl", overrides.notification_callback_url),
            ("messageStatusUrl", overrides.message_status_url),
        ):
            if url:
                fits = limits.is_https(url) or (self._allowed and limits.is_url(url))
                wrong = must_match(limits.HTTPS_PATTERN) if not fits else self.blocked(url)
                if wrong:
                    faults.add(f"overrides.{name}", wrong)
        return overrides.notification_callback_url or overrides.message_status_url or None

    def blocked(self, url: str) -> str | None:
        """Why a URL may not be called, in words."""
        return judge_url(url, self._allowed)

    def web_url(self, url: str, path: str, faults: Faults) -> None:
        """Notes what is wrong with a callback URL: it must be https, unless the operator opened private networks."""
        fits = url.startswith("https://") or (self._allowed and url.startswith("http://"))
        if len(url) > limits.MAX_URL:
            faults.add(path, size_between(0, limits.MAX_URL))
        elif not fits:
            faults.add(path, must_match("^https://.*"))
        elif reason := self.blocked(url):
            faults.add(path, reason)

    # -- Senders ------------------------------------------------------------------------------------------------------

    def sender(self, account_id: int, network: str, sender: str) -> ChannelEntry | None:
        """The account's channel that a sender names. Looking through all channels each time would cost much."""
        key = (account_id, network, sender)
        known = self._known.get(key)
        if known is not None and known[0].revision == known[1] and not known[0].removed:
            return known[0]
        entry = self._channels.by_sender(account_id, network, sender)
        # A group's network is that of its members, which change without it.
        if entry is not None and entry.channel.kind != GROUP:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = (entry, entry.revision)
        return entry

    def default(self, account_id: int, network: str) -> ChannelEntry | None:
        """The account's first active channel of a network."""
        return self._channels.by_sender(account_id, network)

    def entry(self, account_id: int, network: str, sender: str, content: Base, faults: Faults) -> ChannelEntry:
        """The channel of a message. Raises `ApiError`: 403 for a sender that the account does not have."""
        entry = self.sender(account_id, network, sender)
        if entry is None:
            raise errors.forbidden()
        if network == "sms" and shape_of(content) != "text":
            faults.add("content.contentType", must_be_one_of(("text",)))
            refuse(faults)
        return entry

    # -- Plans --------------------------------------------------------------------------------------------------------

    async def plan(
        self, entry: ChannelEntry, content: Base, purpose: Purpose, extra: dict[str, Any], override: str | None
    ) -> Plan:
        """The plan of a message over one channel."""
        await self.measure(content, entry)
        step = Step(channel=entry.channel.name, content=content)  # type: ignore[arg-type]
        return Plan(
            cascade=[step],
            purpose=purpose,
            callback=await self.callback(entry, extra, override),
            face=FACE,
            extra=extra,
        )

    async def measure(self, content: Base, entry: ChannelEntry) -> None:
        """Finds out how large a file is, which tyntec's requests do not say and Viber must be told."""
        await self._sizes.fill(content, entry.capabilities)

    async def callback(self, entry: ChannelEntry, extra: dict[str, Any], override: str | None) -> Callback | None:
        """Where reports on a message go: as it says itself, its sender's configuration, or the account's."""
        effective = await self.accounts.effective(entry.channel.account_id, entry)
        url = override or effective.message_status_url
        if url is None or not effective.states:
            return None
        return Callback(url=url, data=extra.get("context"), events=effective.states)

    def _extra(
        self, request: wire.SendRequest, sender: str, rate: str, number: str, purpose: Purpose
    ) -> dict[str, Any]:
        """What callbacks and the stored message say as the request did, as far as it cannot be told from the plan."""
        extra: dict[str, Any] = {"from": sender}
        if request.to != number[1:]:
            extra["to"] = request.to
        if request.context:
            extra["context"] = request.context
        if rate != limits.RATE_OF[purpose]:
            extra["rate"] = rate
        if request.content is not None and request.content.components is not None:
            extra["contentType"] = "components"
        overrides = request.overrides
        if overrides is not None:
            extra["overrides"] = {
                name: url
                for name, url in (
                    ("notificationCallbackUrl", overrides.notification_callback_url),
                    ("messageStatusUrl", overrides.message_status_url),
                )
                if url
            }
        return extra


def purpose_of(rate: str, content: Base, entry: ChannelEntry) -> Purpose:
    """The purpose that a message is sent for: the declared one, or where the channel has no type for that, another.

    tyntec takes every content for promotion and session, and lists and carousels for transaction too; how Viber spells
    and charges them is decided behind its API.
    """
    declared, shape = limits.RATES.get(rate, Purpose.PROMOTIONAL), shape_of(content)
    shapes = entry.capabilities.shapes
    if declared not in shapes or shape in shapes[declared]:
        return declared
    return next((other for other in limits.ALSO if shape in shapes.get(other, ())), declared)


def several(account_id: int, number: str, plans: list[Plan]) -> Submission:
    """A bulk of messages to one person, in order."""
    recipients = [Recipient(to=number, plan=plan) for plan in plans]
    return Submission(account_id=account_id, plan=plans[0], recipients=recipients, bulk=True)


def refuse(faults: Faults) -> NoReturn:
    """Raises what is wrong as 400."""
    raise errors.violated(faults.found)
