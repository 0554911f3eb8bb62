"""Channel groups: which of several channels a step goes out on, and when it may try another.

A group has members with a place, a weight and a price; its strategy says which of these puts them in order. What is
left out of that order (a paused channel, one whose circuit is open) is the engine's to know.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, Final

from msgspec import Meta, Struct

from tyrian.domain.circuit import TROUBLE

#: The most members that a group may have.
MOST_MEMBERS: Final = 50

#: Reasons of a refusal or a postponed try after which another channel may well take the message. The network surely has
#: not taken it with any of these; `no_answer` is not among them, for then nobody knows.
ELSEWHERE: Final = (TROUBLE - {"no_answer"}) | frozenset(
    {"throttled", "not_permitted", "country_not_supported", "channel_removed"}
)


class Strategy(StrEnum):
    """What puts the members of a group in order."""

    ORDER = "order"
    WEIGHT = "weight"
    PRICE = "price"


class Member(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """A channel of a group. `weight` counts for the strategy `weight`, `price` (in any unit) for `price`."""

    channel: Annotated[str, Meta(min_length=1, max_length=64)]
    weight: Annotated[float, Meta(gt=0, le=1_000_000)] = 1.0
    price: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0


def ranked(members: Sequence[Member], strategy: Strategy, person: str) -> list[Member]:
    """The members, best first.

    By `weight`, each person has a first member of their own, and keeps it for as long as the members are the same: each
    is first for the share of all people that is its share of the weights. So one person's messages stay in order.
    """
    if strategy is Strategy.PRICE:
        return sorted(members, key=lambda member: member.price)
    if strategy is Strategy.WEIGHT:
        return sorted(members, key=lambda member: _distance(person, member))
    return list(members)


def _distance(person: str, member: Member) -> float:
    """Weighted rendezvous hashing: the smallest of -ln(u)/weight is this member's with a chance of its share."""
    digest = blake2b(f"{member.channel}\0{person}".encode(), digest_size=8).digest()
    uniform = (int.from_bytes(digest) + 1) / (2**64 + 1)
    return -math.log(uniform) / member.weight
