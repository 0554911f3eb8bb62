"""The endpoints of `/subscriptions/1/profiles` and `/subscriptions/1/security`: how events are brought."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from tyrian.protocols.infobip import subscription_wire as wire
from tyrian.protocols.infobip.checks import is_web
from tyrian.protocols.infobip.errors import ApiError, Envelope, invalid, not_found
from tyrian.protocols.infobip.operation import Answer, Call, Operation, Reply
from tyrian.protocols.infobip.subscriptions import PROFILE, SECURITY, subscriptions_of
from tyrian.protocols.infobip.violations import INVALID, NO_URL, NULL, violations_of

Found = Iterator[tuple[str, str]]

_SCOPES: Final = ("subscriptions:manage",)
_CREDENTIALS: Final[Mapping[str, Any]] = {
    "BASIC": wire.BasicCredentials,
    "HMAC": wire.HmacCredentials,
    "OAUTH": wire.OAuthCredentials,
    "CUSTOM": dict[str, Any],
}
#: Headers that a profile may add: none that belong to the connection or to the body.
_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_VALUE: Final = re.compile(r"[\x20-\x7e]{0,1000}")
_NOT_THEIRS: Final = frozenset(
    {"host", "connection", "content-length", "content-type", "transfer-encoding", "expect", "upgrade", "te", "trailer"}
)


# -- Profiles ---------------------------------------------------------------------------------------------------------


async def list_profiles(call: Call) -> Reply:
    """A page of profiles."""
    found = await subscriptions_of(call.gateway).profiles(call.account_id)
    return Reply(wire.ProfileList(results=wire.page_of(found, call.query), paging=wire.paging(call.query, len(found))))


async def create_profile(call: Call) -> Reply:
    """Makes a profile."""
    profile: wire.Profile = call.body
    taken = exists("Profile")
    if await subscriptions_of(call.gateway).get(call.account_id, PROFILE, profile.profile_id) is not None:
        raise taken
    return Reply(await _put_profile(call, profile, taken), 201)


async def read_profile(call: Call) -> Reply:
    """One profile."""
    return Reply(await profile_of(call, call.path["profileId"]))


async def change_profile(call: Call) -> Reply:
    """Replaces a profile."""
    old = await profile_of(call, call.path["profileId"])
    profile: wire.Profile = msgspec.structs.replace(call.body, profile_id=old.profile_id)
    return Reply(await _put_profile(call, profile))


async def remove_profile(call: Call) -> Reply:
    """Removes a profile that no subscription uses."""
    old = await profile_of(call, call.path["profileId"])
    used = await subscriptions_of(call.gateway).all(call.account_id)
    if any(s.profile.profile_id == old.profile_id for s in used):
        raise ApiError(409, text="Profile is in use")
    await subscriptions_of(call.gateway).delete(call.account_id, PROFILE, old.profile_id)
    return Reply(profile_answer(old))


async def _put_profile(call: Call, profile: wire.Profile, taken: Exception | None = None) -> wire.ProfileAnswer:
    refuse(profile_faults(profile, ""))
    await subscriptions_of(call.gateway).put(call.account_id, profile, taken=taken)
    return profile_answer(profile)


async def profile_of(call: Call, name: str) -> wire.Profile:
    """The caller's profile of this id. Raises `ApiError` (404)."""
    body = await subscriptions_of(call.gateway).get(call.account_id, PROFILE, name)
    if body is None:
        raise not_found("Profile not found")
    return msgspec.convert(body, wire.Profile)


def profile_answer(profile: wire.Profile) -> wire.ProfileAnswer:
    """A profile by its id, with that of its credentials."""
    security = profile.security
    return wire.ProfileAnswer(
        profile_id=profile.profile_id, security=wire.SecurityRef(auth_id=security.auth_id) if security else None
    )


def is_reference(profile: wire.Profile) -> bool:
    """Whether a profile is named only, and not described."""
    return profile == wire.Profile(profile_id=profile.profile_id)


# -- Credentials ------------------------------------------------------------------------------------------------------


async def list_security(call: Call) -> Reply:
    """A page of credentials, without what is secret in them."""
    found = [_shown(s) for s in await subscriptions_of(call.gateway).credentials(call.account_id)]
    return Reply(wire.SecurityList(results=wire.page_of(found, call.query), paging=wire.paging(call.query, len(found))))


async def create_security(call: Call) -> Reply:
    """Makes credentials."""
    security: wire.Security = call.body
    taken = exists("Security")
    if await subscriptions_of(call.gateway).get(call.account_id, SECURITY, security.auth_id) is not None:
        raise taken
    return Reply(await _put_security(call, security, taken), 201)


async def read_security(call: Call) -> Reply:
    """Credentials without what is secret in them."""
    return Reply(await _security(call))


async def change_security(call: Call) -> Reply:
    """Replaces credentials."""
    old = await _security(call)
    return Reply(await _put_security(call, msgspec.structs.replace(call.body, auth_id=old.auth_id)))


async def remove_security(call: Call) -> Reply:
    """Removes credentials that no profile uses."""
    old = await _security(call)
    profiles = await subscriptions_of(call.gateway).profiles(call.account_id)
    if any(p.security is not None and p.security.auth_id == old.auth_id for p in profiles):
        raise ApiError(409, text="Security is in use")
    await subscriptions_of(call.gateway).delete(call.account_id, SECURITY, old.auth_id)
    return Reply(wire.SecurityRef(auth_id=old.auth_id))


async def _put_security(call: Call, security: wire.Security, taken: Exception | None = None) -> wire.SecurityRef:
    refuse(_security_faults(security, "", complete=True))
    await subscriptions_of(call.gateway).put(call.account_id, security, taken=taken)
    return wire.SecurityRef(auth_id=security.auth_id)


async def _security(call: Call) -> wire.SecurityAnswer:
    body = await subscriptions_of(call.gateway).get(call.account_id, SECURITY, call.path["authId"])
    if body is None:
        raise not_found("Security not found")
    return wire.SecurityAnswer(auth_id=body["authId"], type=body["type"])


def _shown(security: wire.Security) -> wire.SecurityAnswer:
    return wire.SecurityAnswer(auth_id=security.auth_id, type=security.type)


# -- Checks -----------------------------------------------------------------------------------------------------------


def refuse(faults: Found) -> None:
    """Raises `ApiError` (400) if there is any fault: pairs of a property and what is wrong with it."""
    found = list(faults)
    if found:
        raise invalid(*found)


def profile_faults(profile: wire.Profile, at: str) -> Found:
    """What is wrong with a profile that no type could say."""
    if profile.webhook is not None and not is_web(profile.webhook.notify_url):
        yield f"{at}webhook.notifyUrl", NO_URL
    for name, value in (profile.headers or {}).items():
        if not _HEADER.fullmatch(name) or name.lower() in _NOT_THEIRS or not _VALUE.fullmatch(value):
            yield f"{at}headers.{name[:64]}", INVALID
    if profile.security is not None:
        yield from _security_faults(profile.security, f"{at}security.", complete=False)


def _security_faults(security: wire.Security, at: str, *, complete: bool) -> Found:
    """What is wrong with credentials; within a profile the id alone names some that exist."""
    if security.credentials is None and security.type is None and not complete:
        return
    if security.type is None:
        yield f"{at}type", NULL
    elif security.credentials is None:
        yield f"{at}credentials", NULL
    else:
        for violation in violations_of(security.credentials, _CREDENTIALS[security.type], f"{at}credentials"):
            yield violation.property, violation.violation


def exists(what: str) -> ApiError:
    """A 400, as the vendor answers what is there already (assumed)."""
    return ApiError(400, text=f"{what} already exists")


# -- The table --------------------------------------------------------------------------------------------------------

_PROFILES: Final = "/subscriptions/1/profiles"
_SECURITY: Final = "/subscriptions/1/security"
_PROFILE_EXAMPLE: Final = {"profileId": "main", "webhook": {"notifyUrl": "https://shop.example/viber"}}
_SECURITY_EXAMPLE: Final = {
    "authId": "signed",
    "type": "HMAC",
    "credentials": {"secretKey": "secret", "algorithm": "HMAC_SHA_256"},
}


def operation(method: str, path: str, name: str, summary: str, handler: Any, answer: Any, **more: Any) -> Operation:
    """A row of the table as all endpoints of subscriptions have it; `answers_with` is an example of the answer."""
    status = 201 if method == "POST" else 200
    example = more.pop("answers_with", None)
    return Operation(
        method=method,
        path=path,
        name=name,
        tag="Subscriptions",
        summary=summary,
        handler=handler,
        answers=(Answer(status=status, description="Done.", type=answer, example=example),),
        envelope=Envelope.NESTED,
        scopes=_SCOPES,
        errors=() if method == "POST" or "{" not in path.rpartition("/")[2] else (404,),
        **more,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    operation(
        "GET", _PROFILES, "listProfiles", "Lists profiles", list_profiles, wire.ProfileList, query=wire.PageQuery
    ),
    operation(
        "POST",
        _PROFILES,
        "createProfile",
        "Makes a profile",
        create_profile,
        wire.ProfileAnswer,
        body=wire.Profile,
        examples={"profile": _PROFILE_EXAMPLE},
    ),
    operation("GET", _PROFILES + "/{profileId}", "readProfile", "Reads a profile", read_profile, wire.Profile),
    operation(
        "PUT",
        _PROFILES + "/{profileId}",
        "changeProfile",
        "Replaces a profile",
        change_profile,
        wire.ProfileAnswer,
        body=wire.Profile,
        examples={"profile": _PROFILE_EXAMPLE},
    ),
    operation(
        "DELETE", _PROFILES + "/{profileId}", "removeProfile", "Removes a profile", remove_profile, wire.ProfileAnswer
    ),
    operation(
        "GET", _SECURITY, "listSecurity", "Lists credentials", list_security, wire.SecurityList, query=wire.PageQuery
    ),
    operation(
        "POST",
        _SECURITY,
        "createSecurity",
        "Makes credentials",
        create_security,
        wire.SecurityRef,
        body=wire.Security,
        examples={"security": _SECURITY_EXAMPLE},
    ),
    operation("GET", _SECURITY + "/{authId}", "readSecurity", "Reads credentials", read_security, wire.SecurityAnswer),
    operation(
        "PUT",
        _SECURITY + "/{authId}",
        "changeSecurity",
        "Replaces credentials",
        change_security,
        wire.SecurityRef,
        body=wire.Security,
        examples={"security": _SECURITY_EXAMPLE},
    ),
    operation(
        "DELETE", _SECURITY + "/{authId}", "removeSecurity", "Removes credentials", remove_security, wire.SecurityRef
    ),
)
