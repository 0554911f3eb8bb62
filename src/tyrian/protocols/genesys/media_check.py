"""Whether a picture will be shown on phones of either kind: looked at before anything is sent."""

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from tyrian.domain.media import JPEG, PNG, WEBP, Probed
from tyrian.domain.problem import Problem
from tyrian.protocols.genesys import errors, rights
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply
from tyrian.protocols.genesys.organization import Organization

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

TAG: Final = "Media"
SIZE: Final = "InvalidMediaContentLength"
TYPE: Final = "MediaTypeNotAllowed"
OTHER: Final = "GeneralError"
_ANY: Final = "application/octet-stream"
_TOLERANCE: Final = 0.05
SHOWN: Final = "shown"
BLOCKED: Final = "blocked"


class CheckRequest(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What to look at: a picture, or the small picture of one."""

    url: Annotated[str, Meta(min_length=1, max_length=2000)]
    thumbnail: bool = False


class Finding(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """Something that keeps a picture from being shown, or may."""

    code: str
    message: str


class Verdict(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What was found. `ios` and `android` are `shown` or `blocked`."""

    url: str
    https: bool
    ok: bool
    content_type: str | None = None
    detected_type: str | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    decodable: bool
    ios: str
    android: str
    problems: list[Finding]
    warnings: list[Finding]


def judge(
    probed: Probed, organization: Organization, *, thumbnail: bool = False, trouble: str | None = None
) -> Verdict:
    """What a picture's address, header and bytes come to. Pure."""
    facts, https = probed.facts, probed.url.lower().startswith("https://")
    declared = (probed.declared_type or "").partition(";")[0].strip().lower() or None
    problems: list[Finding] = []
    warnings: list[Finding] = []
    if not https:
        problems.append(Finding(code=OTHER, message="the URL must begin with https://"))
    if facts is None:
        words = trouble or "the file cannot be read, or not be decoded"
        problems.append(Finding(code=OTHER, message=words))
    else:
        if facts.size > organization.max_image_bytes:
            words = f"the file has {facts.size} bytes, and {organization.max_image_bytes} are the most"
            problems.append(Finding(code=SIZE, message=words))
        _judge_type(facts.content_type, declared, organization, problems, warnings)
        if thumbnail and organization.thumbnail_ratio and facts.ratio:
            _judge_ratio(facts.ratio, organization.thumbnail_ratio, problems)
    generic = declared == _ANY
    ios = SHOWN if facts is not None and not problems else BLOCKED
    return Verdict(
        url=probed.url,
        https=https,
        ok=not problems,
        content_type=declared,
        detected_type=facts.content_type if facts is not None else None,
        bytes=facts.size if facts is not None else None,
        width=facts.width if facts is not None else None,
        height=facts.height if facts is not None else None,
        decodable=facts is not None and facts.width is not None,
        ios=ios,
        android=BLOCKED if generic or problems else SHOWN,
        problems=problems,
        warnings=warnings,
    )


def _judge_type(
    detected: str, declared: str | None, organization: Organization, problems: list[Finding], warnings: list[Finding]
) -> None:
    """The server's Content-Type is what phones go by; the bytes must be of it."""
    if declared == _ANY:
        words = f"the server calls it {_ANY}: Android does not show it"
        warnings.append(Finding(code=TYPE, message=words))
    elif declared != detected:
        words = f"the server calls it {declared or 'nothing'}, and it is {detected}"
        problems.append(Finding(code=TYPE, message=words))
    if detected == WEBP and organization.webp != "accept":
        words = f"{WEBP} is not shown by every phone; {JPEG} and {PNG} are"
        (problems if organization.webp == "refuse" else warnings).append(Finding(code=TYPE, message=words))
    elif detected not in (JPEG, PNG, WEBP):
        problems.append(Finding(code=TYPE, message=f"it is {detected}; {JPEG} and {PNG} are taken"))


def _judge_ratio(ratio: float, wanted: float, problems: list[Finding]) -> None:
    if abs(ratio / wanted - 1) > _TOLERANCE:
        words = f"it is {ratio:.2f} times as wide as high, and thumbnails must be {wanted:g} times"
        problems.append(Finding(code=OTHER, message=words))


async def look(
    gateway: "Gateway", account_id: int, url: str, organization: Organization, *, thumbnail: bool
) -> Verdict:
    """Looks at what is behind a URL, through the egress guard."""
    assert gateway.media is not None
    probed, problems = await gateway.media.probe(account_id, url)
    return judge(probed, organization, thumbnail=thumbnail, trouble=problems[0].message if problems else None)


def refuse(verdict: Verdict, at: str) -> None:
    """Refuses a picture that would not be shown. Raises `ApiError` (400)."""
    if not verdict.ok:
        first = verdict.problems[0]
        raise errors.wrong([Problem(at, finding.message) for finding in verdict.problems], first.code)


async def check(call: Call) -> Reply:
    """Looks at a picture before it is sent."""
    given: CheckRequest = call.body(CheckRequest)
    organization = await call.desk.organizations.get(call.account_id)
    verdict = await look(call.desk.gateway, call.account_id, given.url, organization, thumbnail=given.thumbnail)
    return Reply(verdict)


OPERATIONS: Final = (
    Operation(
        name="postMediaCheck",
        method="POST",
        path=f"{V2}/conversations/messaging/media/check",
        handler=check,
        tag=TAG,
        summary="Look at a picture before it is sent",
        scope=rights.MESSAGING_READ,
        some=("conversation:message:create", "conversation:message:view"),
        body=CheckRequest,
        answer=Verdict,
        example={"url": "https://cdn.example.com/product.jpg"},
        errors=(400,),
    ),
)
