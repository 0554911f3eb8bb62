"""From a request to the submission that intake takes, with every check on the way.

One message is rendered here and stored as it will be sent. The messages of a bulk share one plan, and their variables
are stored beside it; each is rendered for the checks now and again when it is sent.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from tyrian.domain import limits
from tyrian.domain.address import e164
from tyrian.domain.content import Base, Content
from tyrian.domain.problem import Problem, Refused, problems_of
from tyrian.domain.render import names, problems as placeholder_problems, render, templated
from tyrian.domain.submission import MAX_VALIDITY, Plan, Recipient, Step, Submission
from tyrian.engine.channels import Channels
from tyrian.engine.checking import check_plan, check_recipient
from tyrian.protocols.native.wire import BulkEntry, BulkRequest, Entry, SendManyRequest, SendRequest

#: Recipients checked between two turns of the event loop, so that a large request delays nobody's small one.
_TURN: Final = 200
#: Problems after which a large request is not looked at any further.
_ENOUGH: Final = 1000

_encode = msgspec.json.Encoder().encode
_decode_content = msgspec.json.Decoder(Content).decode


class Desk:
    """Checks requests against an account's channels. One for each gateway."""

    def __init__(self, channels: Channels, allow_private: Any) -> None:
        self._channels = channels
        self._allow_private = allow_private

    # -- One message ----------------------------------------------------------------------------------------------

    def single(self, request: SendRequest, account_id: int, now: datetime, *, plain: bool) -> Submission:
        """One message's submission. Raises `Refused`. `plain` says that no `{{` occurs anywhere in the request."""
        plan = plan_of(request, request.cascade)
        found: list[Problem] = []
        if not plain:
            found = self._fill(plan, request.variables or {}, "")
        found += self.plan_problems(account_id, plan, now)
        found += check_recipient(self._channels, account_id, plan, request.to, "/to")
        if found:
            raise Refused(_unique(found))
        return Submission(
            account_id=account_id, plan=plan, recipients=[Recipient(to=self._spelt(account_id, plan, request.to))]
        )

    def plan_problems(self, account_id: int, plan: Plan, now: datetime, at: str = "") -> list[Problem]:
        """Every reason why a plan cannot be accepted."""
        return check_plan(self._channels, account_id, plan, at, now=now, allow_private=self._allow_private)

    def _fill(self, plan: Plan, variables: dict[str, str], at: str) -> list[Problem]:
        """Renders a plan's contents in place; returns what could not be."""
        found = []
        for number, step in enumerate(plan.cascade):
            here = f"{at}/cascade/{number}/content"
            wrong = placeholder_problems(step.content, variables, here)
            if not wrong:
                step.content, wrong = _rendered(step.content, variables, here)
            found += wrong
        return found

    def _spelt(self, account_id: int, plan: Plan, to: str) -> str:
        """The recipient as it is stored: phone numbers in one form, to be found however they were written."""
        number = e164(to)
        if number is None or number == to:
            return to
        entry = self._channels.get(account_id, plan.cascade[0].channel)
        address = entry.kind.address(to, "") if entry else to
        return number if isinstance(address, str) and address.lstrip("+") == number[1:] else to

    # -- Many -----------------------------------------------------------------------------------------------------

    async def many(self, request: SendManyRequest, account_id: int, now: datetime) -> Submission:
        """A bulk's submission. Raises `Refused` with the problems of all messages."""
        found: list[Problem] = []
        shared: SharedPlan | None = None
        if request.cascade is not None:
            plan = plan_of(request, request.cascade)
            shared = SharedPlan(self._channels, account_id, plan)
            found += shared.keep(self.plan_problems(account_id, plan, now))
        elif request.schedule is not None or request.callback is not None:
            probe = plan_of(request, request.messages[0].cascade or [])
            found += [p for p in self.plan_problems(account_id, probe, now) if not p.pointer.startswith("/cascade")]
        recipients: list[Recipient] = []
        for number, entry in enumerate(request.messages):
            if number % _TURN == _TURN - 1:
                await asyncio.sleep(0)
            if len(found) >= _ENOUGH:
                break
            recipients.append(self._entry(request, entry, shared, found, account_id, now, f"/messages/{number}"))
        if found:
            raise Refused(_unique(found))
        plan = shared.plan if shared else recipients[0].plan or Plan(cascade=[])
        return Submission(account_id=account_id, plan=plan, recipients=recipients, bulk=True)

    def _entry(
        self,
        request: SendManyRequest,
        entry: Entry,
        shared: "SharedPlan | None",
        found: list[Problem],
        account_id: int,
        now: datetime,
        at: str,
    ) -> Recipient:
        if shared is not None and not _differs(entry):
            recipient, wrong = shared.recipient(entry, at)
            found += wrong
            return recipient
        cascade = entry.cascade or request.cascade
        if cascade is None:
            found.append(Problem(f"{at}/cascade", "is required, here or in the request itself", "required"))
            return Recipient(to=entry.to)
        plan = _own_plan(request, entry, cascade)
        wrong = self._fill(plan, entry.variables or {}, at)
        wrong += self.plan_problems(account_id, plan, now, at)
        wrong += check_recipient(self._channels, account_id, plan, entry.to, f"{at}/to")
        found += [_inherited(p, entry, at) for p in wrong]
        return Recipient(to=self._spelt(account_id, plan, entry.to), plan=plan)

    # -- An open bulk ---------------------------------------------------------------------------------------------

    def bulk(self, request: BulkRequest, account_id: int, now: datetime) -> Plan:
        """The plan of a bulk whose recipients come later. Raises `Refused`."""
        plan = plan_of(request, request.cascade)
        shared = SharedPlan(self._channels, account_id, plan)
        found = shared.keep(self.plan_problems(account_id, plan, now)) + shared.malformed()
        if found:
            raise Refused(_unique(found))
        return plan

    async def recipients(self, entries: Sequence[BulkEntry], plan: Plan, account_id: int) -> list[Recipient]:
        """The recipients to add to a bulk of this plan. Raises `Refused`."""
        shared = SharedPlan(self._channels, account_id, plan)
        recipients: list[Recipient] = []
        found: list[Problem] = []
        for number, entry in enumerate(entries):
            if number % _TURN == _TURN - 1:
                await asyncio.sleep(0)
            if len(found) >= _ENOUGH:
                break
            recipient, wrong = shared.recipient(entry, f"/messages/{number}")
            recipients.append(recipient)
            found += wrong
        if found:
            raise Refused(found)
        return recipients


class SharedPlan:
    """One plan for many people: what of it has placeholders, and how each person is checked against it."""

    def __init__(self, channels: Channels, account_id: int, plan: Plan) -> None:
        self.plan = plan
        self._entries = [channels.get(account_id, step.channel) for step in plan.cascade]
        self._filled = [n for n, step in enumerate(plan.cascade) if templated(step.content)]
        self._names = set().union(*(names(step.content) for step in plan.cascade))
        self._fixed = {f"/cascade/{n}/content" for n in self._filled}
        self._literal: Plan | None = None

    def keep(self, found: list[Problem]) -> list[Problem]:
        """The problems that no recipient's variables can mend: those of contents with placeholders are judged later."""
        return [p for p in found if not any(p.pointer.startswith(at) for at in self._fixed)]

    def malformed(self) -> list[Problem]:
        """Each `{{` that opens no placeholder."""
        cascade = enumerate(self.plan.cascade)
        return [p for n, s in cascade for p in placeholder_problems(s.content, self._names, f"/cascade/{n}/content")]

    def recipient(self, entry: Entry | BulkEntry, at: str) -> tuple[Recipient, list[Problem]]:
        """One person, and what stands in the way of reaching that person by this plan."""
        to, found = self._address(entry.to, f"{at}/to")
        variables = entry.variables or {}
        if not self._filled:
            return Recipient(to=to), found
        missing = self._names - variables.keys()
        if missing:
            found += [_missing(name, at) for name in sorted(missing)]
            return Recipient(to=to), found
        contents: dict[int, Base] = {}
        for number in self._filled:
            contents[number], wrong = self._fill(number, variables)
            found += [_blamed(p, at) for p in wrong]
        if self._names:
            used = {name: variables[name] for name in self._names}
            return Recipient(to=to, variables=used), found
        return Recipient(to=to, plan=self._without_escapes(contents)), found

    def _address(self, to: str, at: str) -> tuple[str, list[Problem]]:
        number, spelt, found = e164(to), to, []
        for step, entry in zip(self.plan.cascade, self._entries, strict=True):
            if entry is None or step.to is not None:
                continue
            address = entry.kind.address(to, at)
            if isinstance(address, Problem):
                if address not in found:
                    found.append(address)
            elif number is not None and address.lstrip("+") == number[1:]:
                spelt = number
        return spelt, found

    def _fill(self, number: int, variables: dict[str, str]) -> tuple[Base, list[Problem]]:
        at = f"/cascade/{number}/content"
        content: Base = self.plan.cascade[number].content
        found = placeholder_problems(content, variables, at)
        if not found:
            content, found = _rendered(content, variables, at)
        entry = self._entries[number]
        if not found and entry is not None:
            found = limits.check(content, self.plan.purpose, entry.capabilities, at)
        return content, found

    def _without_escapes(self, contents: dict[int, Base]) -> Plan:
        """The plan as it is sent where its only braces are literal ones, so that it is the same for everybody.

        The bulk's own plan stays as it was written: what is rendered once must not be rendered again.
        """
        if self._literal is None:
            cascade = [
                msgspec.structs.replace(step, content=contents.get(n, step.content))
                for n, step in enumerate(self.plan.cascade)
            ]
            self._literal = msgspec.structs.replace(self.plan, cascade=cascade)
        return self._literal


def plan_of(request: SendRequest | SendManyRequest | BulkRequest, cascade: list[Step]) -> Plan:
    """The plan that a request describes."""
    return Plan(
        cascade=cascade,
        purpose=request.purpose,
        schedule=request.schedule,
        validity=request.validity or MAX_VALIDITY,
        callback=request.callback,
        platform=request.platform,
        track_links=request.track_links,
        media=request.media,
    )


def _own_plan(request: SendManyRequest, entry: Entry, cascade: list[Step]) -> Plan:
    return Plan(
        cascade=[msgspec.structs.replace(step) for step in cascade],
        purpose=entry.purpose or request.purpose,
        schedule=request.schedule,
        validity=entry.validity or request.validity or MAX_VALIDITY,
        callback=entry.callback or request.callback,
        platform=entry.platform or request.platform,
        track_links=request.track_links,
        media=request.media,
    )


def _differs(entry: Entry) -> bool:
    """Whether an entry says anything that the request says otherwise."""
    own = (entry.cascade, entry.purpose, entry.validity, entry.callback, entry.platform)
    return any(value is not None for value in own)


def _rendered(content: Any, variables: dict[str, str], at: str) -> tuple[Any, list[Problem]]:
    """The content filled in, held against the content model once more: a value may be empty, or too long."""
    filled = render(content, variables)
    if filled is content:
        return content, []
    plain = _encode(filled)
    try:
        return _decode_content(plain), []
    except msgspec.ValidationError:
        return content, problems_of(msgspec.json.decode(plain), type(content), at)


def _missing(name: str, at: str) -> Problem:
    message = f'has no "{name}", and the content has the placeholder "{{{{{name}}}}}"'
    return Problem(f"{at}/variables", message, "unknown_placeholder")


def _blamed(problem: Problem, at: str) -> Problem:
    """A problem of a shared content, laid at the door of the variables that made it."""
    message = f"make {problem.pointer} wrong: it {problem.message}"
    return Problem(f"{at}/variables", message, problem.code)


def _inherited(problem: Problem, entry: Entry, at: str) -> Problem:
    """Points to the request's own field where an entry took it from there."""
    field = problem.pointer.removeprefix(f"{at}/").split("/", 1)[0]
    if field == "schedule" or (field in entry.__struct_fields__ and getattr(entry, field) is None):
        return problem._replace(pointer=problem.pointer.removeprefix(at))
    return problem


def _unique(found: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(found))
