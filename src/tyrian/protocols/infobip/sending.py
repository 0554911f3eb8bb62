"""Taking messages in: a request becomes plans, what is wrong with single destinations becomes their status.

A malformed request is refused as a whole (400). A destination that cannot be sent to is rejected within the answer, as
a status of group 5, and the others go out.
"""

import asyncio
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import msgspec

from tyrian.domain.submission import Plan, Recipient, Submission
from tyrian.engine.intake import Accepted, IdempotencyConflict
from tyrian.protocols.infobip import statuses, wire
from tyrian.protocols.infobip.checks import message_violations, request_violations
from tyrian.protocols.infobip.clicks import track
from tyrian.protocols.infobip.errors import invalid
from tyrian.protocols.infobip.facts import Product
from tyrian.protocols.infobip.operation import Call, Handler, Reply
from tyrian.protocols.infobip.plans import Outline, Planner, Rejected, for_destination
from tyrian.protocols.infobip.violations import MOST
from tyrian.protocols.infobip.wire_bot import BotText
from tyrian.protocols.infobip.wire_business import BusinessText
from tyrian.store import reading

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

#: Destinations looked at between two turns of the event loop, so that a large request delays nobody's small one.
_TURN: Final = 200
_DUPLICATE: Final = Rejected(statuses.DUPLICATE, "a message with this id was sent before")


@dataclass(slots=True)
class Draft:
    """One destination of a request: how it is sent to, or why not."""

    destination: wire.Destination
    rejected: Rejected | None = None
    to: str = ""
    plan: Plan | None = None


class Desk:
    """Takes requests in. One for each gateway."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self.planner = Planner(gateway)
        self._allow_private = gateway.settings.allow_private_callbacks
        self._most = gateway.settings.max_messages_per_request

    async def take(self, account_id: int, product: Product, request: Any) -> wire.SendAnswer:
        """The answer to a request for bots or businesses. Raises `ApiError` (400)."""
        now = self._gateway.clock.now()
        options = request.options
        if options is not None or not _is_plain(request):
            self.check(request, now)
        schedule = options.schedule if options is not None else None
        drafts: list[Draft] = []
        for message in request.messages:
            outline = await self.planner.outline(account_id, product, message, schedule, now)
            if options is not None and options.tracking is not None and isinstance(outline, Outline):
                await track(self._gateway, account_id, message.sender, outline.plan, options.tracking)
            for destination in message.destinations:
                drafts.append(_draft(outline, destination))
                if len(drafts) % _TURN == 0:
                    await asyncio.sleep(0)
        return await self.submit(account_id, drafts, schedule, now)

    def check(self, request: Any, now: datetime) -> None:
        """Raises `ApiError` with everything that types could not say."""
        found = list(request_violations(request.options, now))
        for number, message in enumerate(request.messages):
            found += message_violations(message, f"messages[{number}]", self._allow_private)
            if len(found) >= MOST:
                break
        if sum(len(message.destinations) for message in request.messages) > self._most:
            found.append(("messages", f"size must be between 1 and {self._most}"))
        if found:
            raise invalid(*found)

    # -- Handing in -----------------------------------------------------------------------------------------------

    async def submit(
        self, account_id: int, drafts: Sequence[Draft], schedule: wire.Schedule | None, now: datetime
    ) -> wire.SendAnswer:
        """Takes in what can be sent. What a scheduled request or several messages come to can be steered as a bulk."""
        if any(draft.destination.message_id for draft in drafts):
            await self._refuse_duplicates(account_id, drafts)
        name = (schedule.bulk_id or None) if schedule is not None else None
        bulk = len(drafts) > 1 or schedule is not None
        accepted = await self._submit(account_id, drafts, name, bulk)
        bulk_id = name or str(accepted.bulk_id if accepted is not None else self._gateway.ids.new(now))
        ids = iter(accepted.messages if accepted is not None else ())
        return wire.SendAnswer(
            bulk_id=bulk_id,
            messages=[_sent(d, None if d.rejected else str(next(ids).id), self._gateway, now) for d in drafts],
        )

    async def _submit(self, account_id: int, drafts: Sequence[Draft], name: str | None, bulk: bool) -> Accepted | None:
        submission = _submission(account_id, drafts, name, bulk)
        if submission is None:
            return None
        try:
            return await self._gateway.intake.submit(submission)
        except IdempotencyConflict:
            # Another request with the same ids came in at the same time, and was first.
            await self._refuse_duplicates(account_id, drafts)
            rest = _submission(account_id, drafts, name, bulk)
            if rest is None:
                return None
            rest.idempotency_key = rest.fingerprint = None
            return await self._gateway.intake.submit(rest)

    async def _refuse_duplicates(self, account_id: int, drafts: Sequence[Draft]) -> None:
        """Rejects destinations whose message id was used before, in this request or in an earlier one."""
        names = [d.destination.message_id for d in drafts if d.destination.message_id and d.rejected is None]
        taken = set(await reading.ids_by_name(self._gateway.db, account_id, [n for n in names if n]))
        for draft in drafts:
            name = draft.destination.message_id
            if not name or draft.rejected is not None:
                continue
            if name in taken:
                draft.rejected = _DUPLICATE
            taken.add(name)


_OF_GATEWAYS: "WeakKeyDictionary[Gateway, Desk]" = WeakKeyDictionary()


def desk_of(gateway: "Gateway") -> Desk:
    """The desk of a gateway; always the same for the same gateway."""
    found = _OF_GATEWAYS.get(gateway)
    if found is None:
        found = _OF_GATEWAYS[gateway] = Desk(gateway)
    return found


def send(product: Product) -> Handler:
    """The operation that takes a product's messages in."""

    async def handle(call: Call) -> Reply:
        return Reply(await desk_of(call.gateway).take(call.account_id, product, call.body))

    return handle


def _is_plain(request: Any) -> bool:
    """Whether a request is one text to one person and no more, which types have said all about."""
    if len(request.messages) != 1:
        return False
    message = request.messages[0]
    if message.options is not None or message.webhooks is not None or len(message.destinations) != 1:
        return False
    return type(message.content) in _TEXTS and not message.sender.isspace() and bool(message.sender)


_TEXTS: Final = (BotText, BusinessText)


def _draft(outline: Any, destination: wire.Destination) -> Draft:
    if isinstance(outline, Rejected):
        return Draft(destination, outline)
    made = for_destination(outline, destination.to)
    if isinstance(made, Rejected):
        return Draft(destination, made)
    return Draft(destination, None, *made)


def _submission(account_id: int, drafts: Sequence[Draft], name: str | None, bulk: bool) -> Submission | None:
    taken = [draft for draft in drafts if draft.rejected is None and draft.plan is not None]
    if not taken:
        return None
    plan = _shared(taken)
    if bulk:
        _leave_times_to_the_bulk(taken, plan)
    recipients = [
        Recipient(to=d.to, plan=d.plan if d.plan is not plan else None, name=d.destination.message_id or None)
        for d in taken
    ]
    submission = Submission(
        account_id=account_id, plan=plan, recipients=recipients, bulk=bulk, name=name if bulk else None
    )
    names = [recipient.name for recipient in recipients if recipient.name]
    if names:
        submission.idempotency_key = "infobip " + hashlib.blake2b("\n".join(names).encode(), digest_size=16).hexdigest()
        # Unlike any other: a repeat is no replay here, its messages are rejected as duplicates.
        submission.fingerprint = os.urandom(16)
    return submission


def _shared(taken: Sequence[Draft]) -> Plan:
    """The plan that the bulk goes by. Windows hold for single messages, so messages that differ keep their own."""
    first = taken[0].plan
    assert first is not None
    if all(d.plan is first for d in taken) or first.schedule is None or first.schedule.window is None:
        return first
    times = msgspec.structs.replace(first.schedule, window=None)
    return msgspec.structs.replace(first, schedule=times)


def _leave_times_to_the_bulk(taken: Sequence[Draft], shared: Plan) -> None:
    """Takes start and pace out of plans of their own, so that moving the bulk moves all of it; windows stay."""
    made: dict[int, Plan] = {id(shared): shared}
    for draft in taken:
        plan = draft.plan
        if plan is None or plan.schedule is None or plan.schedule.window is not None:
            continue
        if id(plan) not in made:
            made[id(plan)] = msgspec.structs.replace(plan, schedule=None)
        draft.plan = made[id(plan)]


def _sent(draft: Draft, identifier: str | None, gateway: "Gateway", now: datetime) -> wire.SentMessage:
    rejected = draft.rejected
    return wire.SentMessage(
        message_id=draft.destination.message_id or identifier or str(gateway.ids.new(now)),
        status=statuses.ACCEPTED if rejected is None else rejected.status,
        destination=draft.destination.to,
        details={"reason": rejected.why} if rejected is not None and rejected.why else None,
    )
