"""What a customer says about a channel, and everything that can be wrong with it.

`ChannelSpec` makes a channel, `ChannelChange` changes one. The shape of `config` and `secrets` is the kind's own; it
is checked here against the structs that the kind names.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tyrian.domain import limits
from tyrian.domain.links import is_web_url
from tyrian.domain.media import MediaPolicy
from tyrian.domain.problem import Problem, Refused, problems_of
from tyrian.domain.purpose import Purpose, UncertainPolicy
from tyrian.domain.session import SessionSettings, purpose_of
from tyrian.engine.ports import ChannelKind

#: What is shown in the place of a secret; sent back in a change, it leaves the secret as it is.
HIDDEN: Final = "***"

#: A NUL as JSON escapes it, behind any number of escaped backslashes.
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

#: Bytes that `config`, and `secrets`, may have as JSON: far beyond any need, and within what the database can hold.
MAX_BYTES: Final = 65_536

Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="1 to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit.",
    ),
]
Rate = Annotated[float, Meta(gt=0, le=1_000_000, description="Messages per second, over all nodes.")]
Concurrency = Annotated[int, Meta(ge=1, le=100_000, description="Sends in flight at once, over all nodes.")]
WebUrl = Annotated[str, Meta(min_length=1, max_length=2000)]
Uncertain = dict[Purpose, UncertainPolicy]
SenderName = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]
Senders = Annotated[
    list[SenderName],
    Meta(max_length=50, description="Names by which programs written for another vendor's API know this sender."),
]


class ChannelSpec(Struct, kw_only=True, forbid_unknown_fields=True):
    """A channel to make."""

    name: Name
    kind: str
    config: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    rate: Rate | None = None
    concurrency: Concurrency | None = None
    #: What to do, by purpose, with a send of which nobody knows whether it went out.
    uncertain: Uncertain = {}
    active: bool = True
    #: Where messages from people are brought.
    inbound_url: WebUrl | None = None
    #: Names by which programs written for another vendor's API know this sender.
    senders: Senders = []
    #: Whether link buttons with an id go out as tracked links where the message does not say.
    track_links: bool = False
    #: What is done about the files of messages, before they are sent, where the message does not say.
    media: MediaPolicy = MediaPolicy.AS_IS
    #: How session content is treated; left out, as is usual on the network.
    sessions: SessionSettings | None = None


class ChannelChange(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A change to a channel: a JSON Merge Patch (RFC 7396). What is left out stays; null takes a value away."""

    config: dict[str, Any] | UnsetType = UNSET
    secrets: dict[str, str | None] | UnsetType = UNSET
    rate: Rate | UnsetType | None = UNSET
    concurrency: Concurrency | UnsetType | None = UNSET
    uncertain: Uncertain | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    inbound_url: WebUrl | UnsetType | None = UNSET
    senders: Senders | UnsetType = UNSET
    track_links: bool | UnsetType = UNSET
    media: MediaPolicy | UnsetType = UNSET
    #: Replaced as a whole.
    sessions: SessionSettings | UnsetType | None = UNSET


def changed(spec: ChannelSpec, change: ChannelChange) -> ChannelSpec:
    """The channel as it will be. `config` is merged at every depth, `secrets` one by one."""
    given = {f: value for f in change.__struct_fields__ if (value := getattr(change, f)) is not UNSET}
    if "config" in given:
        given["config"] = _merged(spec.config, given["config"])
    if "secrets" in given:
        given["secrets"] = _merged(spec.secrets, {k: v for k, v in given["secrets"].items() if v != HIDDEN})
    return msgspec.structs.replace(spec, **given)


def _merged(old: Any, patch: Any) -> Any:
    """JSON Merge Patch, section 2 of RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


def check(spec: ChannelSpec, kinds: Mapping[str, ChannelKind]) -> ChannelKind:
    """The channel's kind. Raises `Refused` with every problem of the channel."""
    found = problems_of(msgspec.to_builtins(spec), ChannelSpec)
    kind = kinds.get(spec.kind)
    if kind is None:
        listed = ", ".join(sorted(kinds)) or "none; no protocol is installed"
        found.append(Problem("/kind", f"is not a kind of channel; there are: {listed}", "unknown_kind"))
    else:
        found += [*_fitting(spec.config, kind.config, "/config"), *_fitting(spec.secrets, kind.secrets, "/secrets")]
    if spec.inbound_url is not None and not is_web_url(spec.inbound_url):
        found.append(Problem("/inbound_url", "must be an http:// or https:// URL with a host"))
    if kind is not None and not found:
        found += _session_problems(spec.sessions, kind, spec.config)
    if kind is None or found:
        raise Refused(found)
    return kind


def _session_problems(settings: SessionSettings | None, kind: ChannelKind, config: dict[str, Any]) -> list[Problem]:
    """What keeps the channel from sending its own opt-in message."""
    if settings is None or settings.opt_in is None:
        return []
    at = "/sessions/opt_in"
    found = _unstorable(msgspec.to_builtins(settings.opt_in), at)
    return found or limits.check(
        settings.opt_in.content, purpose_of(settings.opt_in), kind.capabilities(config), f"{at}/content"
    )


def _fitting(value: dict[str, Any], kind: type, at: str) -> list[Problem]:
    """All mismatches with the kind's struct, those that only the struct's own checks can see included."""
    found = [*_unstorable(value, at), *problems_of(value, kind, at)]
    if found:
        return found
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message = str(error).split(" - at ")[0]
        return [Problem(at, message[:1].lower() + message[1:])]
    return []


def _unstorable(value: dict[str, Any], at: str) -> list[Problem]:
    """What the database could not hold, whatever its meaning."""
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:
        return [Problem(at, "has half of a surrogate pair, which is no character")]
    except ValueError:
        return [Problem(at, "has a number of too many digits", "too_large")]
    if len(text) > MAX_BYTES:
        return [Problem(at, f"is larger than {MAX_BYTES} bytes as JSON", "too_large")]
    return [Problem(at, "has a NUL character, which cannot be stored", "nul")] if _NUL.search(text) else []
