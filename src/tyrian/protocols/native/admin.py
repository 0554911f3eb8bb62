"""What an account sets up by itself: channels, keys, signing secrets; and, for the operator, accounts.

`admin_operations` is the table of these operations.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import msgspec

from tyrian.domain.problem import Problem, Refused
from tyrian.engine.channel_spec import HIDDEN, ChannelChange, ChannelSpec, check
from tyrian.engine.channels import ChannelEntry
from tyrian.engine.egress import judge_url
from tyrian.engine.keys import ALL_SCOPES, Form, KeyEntry, KeyTaken, NewKey
from tyrian.engine.ports import Health
from tyrian.engine.signing import SigningSecret
from tyrian.engine.verification import Verification
from tyrian.protocols.native.admin_wire import (
    AccountAnswer,
    AccountList,
    ChannelAnswer,
    ChannelChangedAnswer,
    ChannelKindAnswer,
    ChannelKindList,
    ChannelList,
    HealthAnswer,
    KeyAnswer,
    KeyList,
    NewAccountAnswer,
    NewKeyAnswer,
    NewSigningSecretAnswer,
    SigningSecretAnswer,
    SigningSecretList,
    VerificationAnswer,
)
from tyrian.protocols.native.errors import ApiError, not_found
from tyrian.protocols.native.operation import Call, Reply
from tyrian.protocols.native.times import maybe, stamp
from tyrian.store import accounts
from tyrian.store.accounts import Account, NameTaken
from tyrian.store.crypto import CannotOpen

# -- Channels ---------------------------------------------------------------------------------------------------------


async def list_channels(call: Call) -> Reply:
    """The account's channels."""
    entries = await call.gateway.channels.list(call.account_id)
    known = await call.gateway.channels.verifications(call.account_id)
    return Reply(ChannelList(channels=[ChannelAnswer(**_channel(call, e, known)) for e in entries]))


async def get_channel(call: Call) -> Reply:
    """One channel."""
    return Reply(ChannelAnswer(**await _shown(call, await _entry(call))))


async def create_channel(call: Call) -> Reply:
    """Makes a channel and sets it up at its network."""
    spec: ChannelSpec = call.body
    _refuse(_problems(call, spec))
    try:
        entry = await call.gateway.channels.create(call.account_id, spec)
    except NameTaken as taken:
        raise _taken(f'A channel named "{taken.name}" exists already.') from taken
    setup = await call.gateway.channels.provision(entry)
    return Reply(await _changed(call, entry, setup), 201, {"location": f"/api/v1/channels/{spec.name}"})


async def change_channel(call: Call) -> Reply:
    """Changes a channel; sets it up anew where its network must hear of the change."""
    change: ChannelChange = call.body
    if change.inbound_url:
        _refuse(_inbound_problems(call, change.inbound_url))
    entry = await _change(call, change)
    told = change.config is not msgspec.UNSET or change.secrets is not msgspec.UNSET
    return Reply(await _changed(call, entry, await call.gateway.channels.provision(entry) if told else None))


async def remove_channel(call: Call) -> Reply:
    """Removes a channel."""
    entry = await _entry(call)
    await call.gateway.channels.remove(call.account_id, entry.channel.name)
    return Reply(status=204)


async def pause_channel(call: Call) -> Reply:
    """Holds what is due on a channel."""
    entry = await _change(call, ChannelChange(active=False))
    return Reply(ChannelAnswer(**await _shown(call, entry)))


async def resume_channel(call: Call) -> Reply:
    """Lets a paused channel send again."""
    entry = await _change(call, ChannelChange(active=True))
    return Reply(ChannelAnswer(**await _shown(call, entry)))


async def check_channel(call: Call) -> Reply:
    """Asks the network whether a channel can work."""
    return Reply(_health(await call.gateway.channels.check(await _entry(call))))


async def set_up_channel(call: Call) -> Reply:
    """Sets a channel up at its network once more."""
    return Reply(_health(await call.gateway.channels.provision(await _entry(call))))


async def list_kinds(call: Call) -> Reply:
    """The kinds of channels that can be made."""
    kinds = sorted(call.gateway.channels.kinds.values(), key=lambda kind: kind.name)
    return Reply(
        ChannelKindList(
            kinds=[
                ChannelKindAnswer(
                    kind=kind.name,
                    title=kind.title,
                    config=msgspec.json.schema(kind.config),
                    secrets=msgspec.json.schema(kind.secrets),
                )
                for kind in kinds
            ]
        )
    )


async def _entry(call: Call) -> ChannelEntry:
    """The channel in the path, as it is committed now."""
    await call.gateway.channels.refresh()
    entry = call.gateway.channels.get(call.account_id, call.path["id"])
    if entry is None:
        raise not_found(f'No channel is named "{call.path["id"][:64]}".')
    return entry


async def _change(call: Call, change: ChannelChange) -> ChannelEntry:
    name = (await _entry(call)).channel.name
    try:
        entry = await call.gateway.channels.update(call.account_id, name, change)
    except CannotOpen as error:
        raise ApiError("conflict", str(error)) from error
    if entry is None:
        raise not_found(f'No channel is named "{name}".')
    return entry


def _problems(call: Call, spec: ChannelSpec) -> list[Problem]:
    """Everything that is wrong with a new channel."""
    found = _inbound_problems(call, spec.inbound_url) if spec.inbound_url else []
    try:
        check(spec, call.gateway.channels.kinds)
    except Refused as refused:
        # Both may have something to say about the one URL; the first said it better.
        return [*found, *(p for p in refused.problems if not found or p.pointer != "/inbound_url")]
    return found


def _inbound_problems(call: Call, url: str) -> list[Problem]:
    reason = judge_url(url, call.gateway.settings.allow_private_callbacks)
    return [Problem("/inbound_url", reason)] if reason else []


async def _shown(call: Call, entry: ChannelEntry) -> dict[str, Any]:
    return _channel(call, entry, await call.gateway.channels.verifications(call.account_id))


def _verified(found: Verification | None) -> VerificationAnswer | None:
    if found is None:
        return None
    return VerificationAnswer(
        state=found.state.value, reason=found.reason, detail=found.detail, fix=found.fix, at=stamp(found.at)
    )


def _channel(call: Call, entry: ChannelEntry, known: Mapping[int, Verification]) -> dict[str, Any]:
    channel = entry.channel
    return {
        "name": channel.name,
        "kind": channel.kind,
        "config": channel.config,
        "secrets": dict.fromkeys(sorted(channel.secrets), HIDDEN),
        "rate": channel.rate,
        "concurrency": channel.concurrency,
        "uncertain": channel.uncertain,
        "active": channel.active,
        "inbound_url": entry.inbound_url,
        "senders": list(entry.senders),
        "verification": _verified(known.get(channel.id)),
        "track_links": channel.track_links,
        "media": channel.media,
        "sessions": channel.sessions.effective(entry.network),
        "hook_url": f"{call.gateway.settings.public_url}/hooks/{channel.id}",
        "trouble": entry.trouble,
        "circuit": call.gateway.circuits.state(channel.id) if entry.group is None else None,
        "created_at": stamp(entry.created_at),
        "updated_at": stamp(entry.updated_at),
    }


async def _changed(call: Call, entry: ChannelEntry, setup: Health | None) -> ChannelChangedAnswer:
    return ChannelChangedAnswer(**await _shown(call, entry), setup=_health(setup) if setup else None)


def _health(health: Health) -> HealthAnswer:
    return HealthAnswer(ok=health.ok, detail=health.detail, reason=health.reason, fix=health.fix)


# -- Keys -------------------------------------------------------------------------------------------------------------


async def list_keys(call: Call) -> Reply:
    """The account's keys."""
    return Reply(KeyList(keys=[KeyAnswer(**_key(key)) for key in await call.gateway.keys.list(call.account_id)]))


async def create_key(call: Call) -> Reply:
    """Makes a key. It gives away no more than the caller has."""
    request = call.body
    _refuse(_key_problems(call))
    missing = [
        Problem(f"/scopes/{i}", "is not yours to give")
        for i, scope in enumerate(request.scopes)
        if not call.key.allows(scope)
    ]
    if missing:
        raise ApiError("forbidden", f'The key "{call.key.name}" can give only the scopes that it has itself.', missing)
    identity = None if request.form is Form.TOKEN else request.identity or str(uuid4()).upper()
    try:
        made = await call.gateway.keys.create(
            call.account_id,
            name=request.name,
            scopes=request.scopes,
            face=request.face,
            form=request.form,
            identity=identity,
            rate=request.rate,
        )
    except KeyTaken as taken:
        raise _taken(f'A key with the identity "{identity}" exists already, or did before it was revoked.') from taken
    return Reply(_new_key(made), 201)


async def revoke_key(call: Call) -> Reply:
    """Ends a key."""
    key_id = call.id("key")
    if key_id == call.key.id:
        raise ApiError("conflict", "A key cannot revoke itself; use another key, so that nobody is locked out.")
    if not await call.gateway.keys.revoke(call.account_id, key_id):
        raise not_found(f"There is no key with the id {key_id} in this account.")
    return Reply(status=204)


def _key_problems(call: Call) -> list[Problem]:
    request = call.body
    found = _face_problems(call, request.face)
    # A face that says nothing of forms knows tokens alone.
    forms: Sequence[str] = getattr(call.gateway.faces.get(request.face), "forms", (Form.TOKEN,))
    if not found and request.form not in forms:
        found.append(Problem("/form", f'must be one of {", ".join(forms)} for the face "{request.face}"'))
    if request.form is Form.TOKEN and request.identity is not None:
        found.append(Problem("/identity", "does not go with a token"))
    return found


def _face_problems(call: Call, face: str, at: str = "/face") -> list[Problem]:
    if face in call.gateway.faces:
        return []
    return [Problem(at, f"is no face of this gateway; there are: {', '.join(sorted(call.gateway.faces))}")]


def _key(key: KeyEntry) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "face": key.face,
        "prefix": key.prefix,
        "scopes": sorted(key.scopes),
        "rate": key.rate,
        "created_at": stamp(key.created_at),
    }


def _new_key(made: NewKey) -> NewKeyAnswer:
    return NewKeyAnswer(**_key(made.entry), secret=made.secret, identity=made.identity)


# -- Signing secrets --------------------------------------------------------------------------------------------------


async def list_signing_secrets(call: Call) -> Reply:
    """The secrets that sign the account's callbacks."""
    face = call.query.face
    _refuse(_face_problems(call, face, "?face"))
    found = await call.gateway.keys.signing.listed(call.account_id, face)
    return Reply(SigningSecretList(signing_secrets=[SigningSecretAnswer(**_signing(face, s)) for s in found]))


async def create_signing_secret(call: Call) -> Reply:
    """Makes a new signing secret; the one before runs out."""
    face = call.body.face
    _refuse(_face_problems(call, face))
    made = await call.gateway.keys.signing.rotate(call.account_id, face)
    return Reply(_new_signing(face, made), 201)


def _signing(face: str, secret: SigningSecret) -> dict[str, Any]:
    return {"face": face, "created_at": stamp(secret.created_at), "expires_at": maybe(secret.expires_at)}


def _new_signing(face: str, secret: SigningSecret) -> NewSigningSecretAnswer:
    return NewSigningSecretAnswer(**_signing(face, secret), secret=secret.secret)


# -- Accounts ---------------------------------------------------------------------------------------------------------


async def list_accounts(call: Call) -> Reply:
    """All accounts for the operator, and for everybody else their own."""
    db = call.gateway.db
    if call.key.allows("accounts:manage"):
        found = await accounts.everyone(db)
    else:
        own = await accounts.by_id(db, call.account_id)
        found = [own] if own else []
    return Reply(AccountList(accounts=[AccountAnswer(**_account(account)) for account in found]))


async def create_account(call: Call) -> Reply:
    """Makes an account that can work at once: with a key that may do all but make further accounts."""
    gateway, name = call.gateway, call.body.name
    try:
        account = await accounts.create(gateway.db, name, gateway.clock.now())
    except NameTaken as taken:
        raise _taken(f'An account named "{name}" exists already.') from taken
    key = await gateway.keys.create(account.id, name="first key", scopes=ALL_SCOPES - {"accounts:manage"})
    secret = await gateway.keys.signing.rotate(account.id)
    answer = NewAccountAnswer(**_account(account), key=_new_key(key), signing_secret=_new_signing("native", secret))
    return Reply(answer, 201)


def _account(account: Account) -> dict[str, Any]:
    return {"name": account.name, "created_at": stamp(account.created_at)}


# -- Refusing ---------------------------------------------------------------------------------------------------------


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise Refused(problems)


def _taken(detail: str) -> ApiError:
    return ApiError("conflict", detail)
