"""Channel groups: a channel that is several others.

A group stands in the table of channels like any other, under a name that steps of a cascade may use. It sends nothing
itself: the router (`engine.router`) picks one of its members for each send. What it carries is what every member can.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from tyrian.domain.limits import Capabilities, ContentRule
from tyrian.domain.media import MediaPolicy
from tyrian.domain.problem import Problem, Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.routing import MOST_MEMBERS, Member, Strategy
from tyrian.engine import ports
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.connectors import NOTHING, Broken

if TYPE_CHECKING:
    from tyrian.engine.channels import ChannelEntry

#: The kind of channel that is a group.
NAME: Final = "group"

Find = Callable[[str], "ChannelEntry | None"]


class GroupConfig(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings of a group."""

    members: Annotated[
        list[Member],
        Meta(min_length=1, max_length=MOST_MEMBERS, description="Its channels, each with its weight and price."),
    ]
    strategy: Annotated[
        Strategy,
        Meta(description="Which member comes first: the first listed, the cheapest, or one by weight for each person."),
    ] = Strategy.ORDER


class GroupSecrets(Struct, kw_only=True, forbid_unknown_fields=True):
    """A group has no secrets."""


def _make(channel: ports.Channel, tools: ports.Tools) -> ports.Connector:
    return Broken("A group sends through its members.")


def _nothing(config: dict[str, Any]) -> Capabilities:
    return NOTHING


def _nobody(address: str, pointer: str) -> str | Problem:
    return Problem(pointer, "cannot be reached: the group has no channel left")


#: What the kind is before its members are known.
GROUP: Final = ports.ChannelKind(
    name=NAME,
    title="A group of channels",
    config=GroupConfig,
    secrets=GroupSecrets,
    make=_make,
    capabilities=_nothing,
    address=_nobody,
)


def refuse_wrong(spec: ChannelSpec, find: Find) -> None:
    """Raises `Refused` with everything that is wrong with a group beyond the shape of its settings."""
    found = [*_own_problems(spec), *_member_problems(msgspec.convert(spec.config, GroupConfig), find)]
    if found:
        raise Refused(found)


def _own_problems(spec: ChannelSpec) -> list[Problem]:
    message = "does not go with a group; set it for its members"
    names = ("rate", "concurrency", "uncertain", "inbound_url", "track_links", "sessions")
    found = [Problem(f"/{name}", message) for name in names if getattr(spec, name)]
    if spec.media is not MediaPolicy.AS_IS:
        found.append(Problem("/media", message))
    if not spec.active:
        found.append(Problem("/active", "cannot be false for a group; pause its members"))
    return found


def _member_problems(config: GroupConfig, find: Find) -> list[Problem]:
    found, seen = [], set()
    for number, member in enumerate(config.members):
        at, entry = f"/config/members/{number}/channel", find(member.channel)
        if member.channel in seen:
            found.append(Problem(at, f'"{member.channel}" is a member already'))
        elif entry is None:
            found.append(Problem(at, f'no channel is named "{member.channel}"', "unknown_channel"))
        elif entry.channel.kind == NAME:
            found.append(Problem(at, f'"{member.channel}" is a group itself'))
        seen.add(member.channel)
    return found


def bring_up(group: "ChannelEntry", find: Find) -> None:
    """Makes the group's entry what its members, as they are now, make of it."""
    config = msgspec.convert(group.channel.config, GroupConfig)
    members = [entry for member in config.members if (entry := find(member.channel)) is not None]
    missing = [member.channel for member in config.members if find(member.channel) is None]
    group.group = config
    group.capabilities = shared([entry.capabilities for entry in members])
    group.trouble = f"It has no channel any more: {', '.join(missing)}." if missing and not members else None
    networks = {entry.network for entry in members}
    group.kind = replace(
        GROUP, address=_address_of(members), network=networks.pop() if len(networks) == 1 else "", make=_make
    )


def _address_of(members: Sequence["ChannelEntry"]) -> Callable[[str, str], str | Problem]:
    """An address that every member can use, as the first of them writes it."""

    def address(text: str, pointer: str) -> str | Problem:
        written = [entry.kind.address(text, pointer) for entry in members]
        wrong = next((w for w in written if isinstance(w, Problem)), None)
        return wrong or (written[0] if written else _nobody(text, pointer))

    return address


def health(members: Sequence["ChannelEntry"], found: Sequence[ports.Health]) -> ports.Health:
    """What a group's members say of their networks, in one: it can work as long as one of them can."""
    able = [entry.channel.active and told.ok for entry, told in zip(members, found, strict=True)]
    words = [
        f"{entry.channel.name}: {told.detail if entry.channel.active else 'paused.'}"
        for entry, told in zip(members, found, strict=True)
    ]
    return ports.Health(any(able), f"{sum(able)} of {len(able)} channels can work. {' '.join(words)}")


def shared(members: Sequence[Capabilities]) -> Capabilities:
    """What every one of these can carry."""
    return reduce(_both, members) if members else NOTHING


def _both(one: Capabilities, other: Capabilities) -> Capabilities:
    sizes = [size for size in (one.max_bytes, other.max_bytes) if size is not None]
    return Capabilities(
        contents={
            name: ContentRule(bounds=_joined(rule.bounds, other.contents[name].bounds))
            for name, rule in one.contents.items()
            if name in other.contents
        },
        shapes={purpose: _shapes(one, other, purpose) for purpose in (*one.shapes, *other.shapes)},
        common=_joined(one.common, other.common),
        max_bytes=min(sizes, default=None),
        receipts=one.receipts & other.receipts,
        inbound=one.inbound and other.inbound,
        extra=_joined(one.extra, other.extra),
        source=" ".join(_joined((one.source,) if one.source else (), (other.source,) if other.source else ())),
    )


def _shapes(one: Capabilities, other: Capabilities, purpose: Purpose) -> frozenset[str]:
    """The shapes that both allow for a purpose; who does not name it allows all."""
    allowed = [can.shapes[purpose] for can in (one, other) if purpose in can.shapes]
    return frozenset.intersection(*allowed)


def _joined(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*one, *(item for item in other if item not in one))
