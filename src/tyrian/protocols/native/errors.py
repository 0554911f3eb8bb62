"""What the API says when it cannot do what was asked: RFC 9457 problem documents.

Each kind of problem is a row of `KINDS`; its `type` leads to its paragraph in the API's own documentation page. A
request with several mistakes gets all of them at once in `problems`, each with its JSON pointer (RFC 6901).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct

from tyrian.domain.problem import Problem

CONTENT_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its word, HTTP status, title and what to do about it."""

    name: str
    status: int
    title: str
    help: str


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            "malformed-json",
            400,
            "The body is not JSON",
            "Send one JSON object, in UTF-8. The detail says at which line and column reading stopped.",
        ),
        Kind(
            "unauthorized",
            401,
            "A valid key is needed",
            "Send the header Authorization: Bearer <key>, with a key that has not been revoked.",
        ),
        Kind(
            "forbidden",
            403,
            "The key may not do this",
            "Use a key that has the scope named in the detail, or give this key that scope.",
        ),
        Kind(
            "not-found",
            404,
            "There is nothing here",
            "Check the path and the id. What belongs to another account is not found either.",
        ),
        Kind(
            "method-not-allowed",
            405,
            "This path does not take this method",
            "Use one of the methods that the Allow header lists.",
        ),
        Kind(
            "conflict",
            409,
            "The request does not fit the present state",
            "Read the resource again; the detail says what is in the way.",
        ),
        Kind(
            "idempotency-conflict",
            409,
            "The idempotency key was used for another request",
            "Give each new request a key of its own; repeat a request only with the very same body.",
        ),
        Kind(
            "too-large",
            413,
            "The body is too large",
            "Send fewer messages at a time, or a smaller file. The detail names the limit in bytes.",
        ),
        Kind(
            "unsupported-media-type",
            415,
            "The body is of a type that is not understood",
            "Send the header Content-Type: application/json.",
        ),
        Kind(
            "invalid-request",
            422,
            "The request has mistakes",
            "Every mistake is listed in problems, with a JSON pointer to the field. Nothing was stored.",
        ),
        Kind(
            "rate-limited",
            429,
            "The key has used up its rate",
            "Wait as many seconds as the Retry-After header says.",
        ),
        Kind(
            "internal-error",
            500,
            "The gateway failed",
            (
                "This is a fault of the gateway, not of the request. Repeat it with the same Idempotency-Key, and "
                "report the fault."
            ),
        ),
        Kind(
            "unavailable",
            503,
            "The gateway cannot take requests now",
            "Nothing was stored. Repeat the request in a moment, with the same Idempotency-Key.",
        ),
    )
}


class ProblemItem(Struct):
    """One mistake of a request. `pointer` is a JSON pointer into the body, or names a header or query parameter."""

    pointer: str
    message: str
    code: str


class ErrorBody(Struct):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    problems: list[ProblemItem]


@dataclass
class ApiError(Exception):
    """A request that gets an error for an answer."""

    kind: str
    detail: str
    problems: Sequence[Problem] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.kind].status

    def body(self) -> bytes:
        """The problem document."""
        return problem_document(self.kind, self.detail, self.problems)


class BadJson(ApiError):
    """A body that is not JSON, with the line and column (from 1) at which reading stopped."""

    def __init__(self, what: str, line: int, column: int) -> None:
        super().__init__("malformed-json", f"The body {what} (line {line}, column {column}).")
        self.line, self.column = line, column


def invalid(problems: Sequence[Problem]) -> ApiError:
    """The error for a request with these mistakes."""
    return ApiError("invalid-request", sentence(problems), problems)


def not_found(what: str) -> ApiError:
    """The error for something that is not there, or not the caller's."""
    return ApiError("not-found", what)


def sentence(problems: Sequence[Problem]) -> str:
    """The problems in one line, for people who read only the detail."""
    said = [f"{p.pointer or 'The body'} {p.message}" for p in problems[:3]]
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return f"{'; '.join(said)}{more}."


def problem_document(kind: str, detail: str, problems: Sequence[Problem] = ()) -> bytes:
    """A problem document as bytes. At most a hundred mistakes are listed; the detail says if there are more."""
    about = KINDS[kind]
    items = [ProblemItem(p.pointer, p.message, p.code) for p in problems[:MAX_LISTED]]
    return msgspec.json.encode(ErrorBody(f"/api/docs#{about.name}", about.title, about.status, detail, items))


MAX_LISTED: Final = 100


def reason_phrase(status: int) -> str:
    """The standard words for an HTTP status."""
    return HTTPStatus(status).phrase


def kinds_of(*names: str) -> list[dict[str, Any]]:
    """Rows for the documentation."""
    return [{"name": k.name, "status": k.status, "title": k.title, "help": k.help} for k in map(KINDS.get, names) if k]
