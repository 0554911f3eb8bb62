"""The endpoints of `/subscriptions/1/subscription/{channel}`: which events go where."""

from typing import Final

import msgspec

from tyrian.protocols.infobip import subscription_wire as wire
from tyrian.protocols.infobip.errors import invalid, not_found
from tyrian.protocols.infobip.operation import Call, Operation, Reply
from tyrian.protocols.infobip.profile_operations import (
    exists,
    is_reference,
    operation,
    profile_answer,
    profile_faults,
    profile_of,
    refuse,
)
from tyrian.protocols.infobip.subscriptions import PROFILE, SUBSCRIPTION, subscriptions_of
from tyrian.protocols.infobip.violations import INVALID

# -- Subscriptions ----------------------------------------------------------------------------------------------------


async def list_subscriptions(call: Call) -> Reply:
    """A page of subscriptions."""
    _check_channel(call)
    query: wire.SubscriptionQuery = call.query
    found = [s for s in await subscriptions_of(call.gateway).all(call.account_id) if _matches(s, query)]
    results = wire.page_of(found, query)
    return Reply(wire.SubscriptionList(results=results, paging=wire.paging(query, len(found))))


async def create_subscription(call: Call) -> Reply:
    """Makes a subscription, and with it the profile and credentials that it brings along."""
    _check_channel(call)
    new: wire.NewSubscription = call.body
    store, account = subscriptions_of(call.gateway), call.account_id
    taken = exists("Subscription")
    if await store.get(account, SUBSCRIPTION, new.subscription_id) is not None:
        raise taken
    if is_reference(new.profile):
        await profile_of(call, new.profile.profile_id)
    else:
        refuse(profile_faults(new.profile, "profile."))
        await store.put(account, new.profile)
    made = wire.Subscription(
        subscription_id=new.subscription_id,
        profile=wire.ProfileRef(profile_id=new.profile.profile_id),
        events=list(new.events),
        name=new.name,
        criteria=new.criteria,
        resources=new.resources,
        users=new.users,
    )
    await store.put(account, made, taken=taken)
    return Reply(await _answer(call, made), 201)


async def read_subscription(call: Call) -> Reply:
    """One subscription."""
    return Reply(await _subscription(call))


async def change_subscription(call: Call) -> Reply:
    """Replaces a subscription."""
    old, change = await _subscription(call), call.body
    await profile_of(call, change.profile.profile_id)
    made = wire.Subscription(
        subscription_id=old.subscription_id,
        profile=change.profile,
        events=list(change.events),
        name=change.name,
        criteria=change.criteria,
        resources=change.resources,
        users=change.users,
    )
    await subscriptions_of(call.gateway).put(call.account_id, made)
    return Reply(await _answer(call, made))


async def remove_subscription(call: Call) -> Reply:
    """Removes a subscription; its profile stays."""
    old = await _subscription(call)
    answer = await _answer(call, old)
    await subscriptions_of(call.gateway).delete(call.account_id, SUBSCRIPTION, old.subscription_id)
    return Reply(answer)


async def _subscription(call: Call) -> wire.Subscription:
    _check_channel(call)
    body = await subscriptions_of(call.gateway).get(call.account_id, SUBSCRIPTION, call.path["subscriptionId"])
    if body is None:
        raise not_found("Subscription not found")
    return msgspec.convert(body, wire.Subscription)


async def _answer(call: Call, subscription: wire.Subscription) -> wire.SubscriptionAnswer:
    body = await subscriptions_of(call.gateway).get(call.account_id, PROFILE, subscription.profile.profile_id)
    profile = msgspec.convert(body, wire.Profile) if body is not None else None
    named = profile_answer(profile) if profile else wire.ProfileAnswer(profile_id=subscription.profile.profile_id)
    return wire.SubscriptionAnswer(subscription_id=subscription.subscription_id, profile=named)


def _matches(subscription: wire.Subscription, query: wire.SubscriptionQuery) -> bool:
    for name in ("application_id", "entity_id", "calls_configuration_id"):
        wanted = getattr(query, name)
        if wanted is not None and all(getattr(c, name) != wanted for c in subscription.criteria or ()):
            return False
    if query.resource is not None and query.resource not in (subscription.resources or ()):
        return False
    return query.user is None or query.user in (subscription.users or ())


def _check_channel(call: Call) -> None:
    """Raises `ApiError` (400) for a channel that is not Viber's."""
    if call.path["channel"] != wire.CHANNEL:
        raise invalid(("channel", INVALID))


# -- The table --------------------------------------------------------------------------------------------------------

_SUBSCRIPTIONS: Final = "/subscriptions/1/subscription/{channel}"
_ONE: Final = _SUBSCRIPTIONS + "/{subscriptionId}"
_EXAMPLE: Final = {
    "subscriptionId": "viber-events",
    "events": ["DELIVERY", "SEEN", "INBOUND_MESSAGE"],
    "profile": {
        "profileId": "main",
        "webhook": {"notifyUrl": "https://shop.example/viber", "contentType": "application/json"},
        "security": {"authId": "basic", "type": "BASIC", "credentials": {"username": "shop", "password": "secret"}},
    },
}
_CHANGE: Final = {"events": ["DELIVERY"], "profile": {"profileId": "main"}}
_NAMED: Final = {"subscriptionId": "viber-events", "profile": {"profileId": "main", "security": {"authId": "basic"}}}
OPERATIONS: Final[tuple[Operation, ...]] = (
    operation(
        "GET",
        _SUBSCRIPTIONS,
        "listSubscriptions",
        "Lists subscriptions",
        list_subscriptions,
        wire.SubscriptionList,
        query=wire.SubscriptionQuery,
    ),
    operation(
        "POST",
        _SUBSCRIPTIONS,
        "createSubscription",
        "Makes a subscription",
        create_subscription,
        wire.SubscriptionAnswer,
        body=wire.NewSubscription,
        examples={"subscription": _EXAMPLE},
        answers_with=_NAMED,
    ),
    operation("GET", _ONE, "readSubscription", "Reads a subscription", read_subscription, wire.Subscription),
    operation(
        "PUT",
        _ONE,
        "changeSubscription",
        "Replaces a subscription",
        change_subscription,
        wire.SubscriptionAnswer,
        body=wire.Change,
        examples={"change": _CHANGE},
        answers_with=_NAMED,
    ),
    operation(
        "DELETE", _ONE, "removeSubscription", "Removes a subscription", remove_subscription, wire.SubscriptionAnswer
    ),
)
