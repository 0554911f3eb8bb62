"""The protocols that are installed: what the entry points of the group `tyrian.protocols` name.

A package of its own can add a protocol; nothing of Tyrian changes for it.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from tyrian.engine.face_ports import Face
from tyrian.engine.ports import ChannelKind, Registration

GROUP: Final = "tyrian.protocols"


class BrokenProtocol(Exception):
    """An entry point that gives no registration, or two that claim one name; the message says which and why."""


def load_registrations(entries: Iterable[EntryPoint] | None = None) -> dict[str, Registration]:
    """Every installed protocol's registration by name, in the order of their names. Raises `BrokenProtocol`."""
    found: dict[str, Registration] = {}
    for entry in sorted(entry_points(group=GROUP) if entries is None else entries, key=lambda e: e.name):
        registration = _load(entry)
        if registration.name in found:
            raise BrokenProtocol(f'{_title(entry)} calls itself "{registration.name}", as another one does.')
        found[registration.name] = registration
    return found


def kinds_of(registrations: Mapping[str, Registration]) -> dict[str, ChannelKind]:
    """Every channel kind by name. Raises `BrokenProtocol` where two protocols offer the same."""
    kinds: dict[str, ChannelKind] = {}
    for registration in registrations.values():
        for kind in registration.kinds:
            if kind.name in kinds:
                raise BrokenProtocol(f'Two protocols offer the channel kind "{kind.name}"; remove one of them.')
            kinds[kind.name] = kind
    return kinds


def faces_of(registrations: Mapping[str, Registration]) -> list[Face]:
    """The faces of all protocols that have one."""
    return [registration.face for registration in registrations.values() if registration.face is not None]


def load_faces() -> list[Face]:
    """The faces of all installed protocols. Raises `BrokenProtocol`."""
    return faces_of(load_registrations())


def _load(entry: EntryPoint) -> Registration:
    try:
        registration = entry.load()
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise BrokenProtocol(f"{_title(entry)} cannot be loaded: {what}. Reinstall or remove it.") from error
    if not isinstance(registration, Registration):
        kind = type(registration).__name__
        raise BrokenProtocol(f"{_title(entry)} names {entry.value}, which is a {kind} and not a Registration.")
    return registration


def _title(entry: EntryPoint) -> str:
    package = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
    return f'The protocol "{entry.name}"{package}'
