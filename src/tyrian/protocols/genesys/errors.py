"""What is answered when a request is not served: the envelope of every error (reference: `ErrorBody` of the SDKs)."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from tyrian.domain.problem import Problem, Refused
from tyrian.engine.inbox_port import NotNow, NotThere
from tyrian.engine.serving import BodyTooLarge
from tyrian.store.database import LOST
from tyrian.store.reading import TooSlow

log = logging.getLogger(__name__)

#: Problems of one request that an answer lists.
_MOST: Final = 100

MALFORMED: Final = "The request could not be understood by the server due to malformed syntax."


class Detail(Struct, rename="camel", omit_defaults=True):
    """One thing wrong with a request. `field_name` is a JSON pointer."""

    error_code: str
    field_name: str | None = None
    entity_id: str | None = None
    entity_name: str | None = None


class ErrorBody(Struct, rename="camel", kw_only=True):
    """The body of every error. `context_id` is also in the correlation headers."""

    message: str
    code: str
    status: int
    context_id: str = ""
    message_params: dict[str, str] = {}
    details: list[Detail] = []
    errors: list["ErrorBody"] = []


class OAuthError(Struct):
    """What the token endpoint answers; it does not use the envelope."""

    error: str
    description: str
    error_description: str


class ApiError(Exception):
    """A request that is not served."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[Detail] = (),
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.params = dict(params or {})
        self.headers = dict(headers or {})
        #: A body in the envelope's place.
        self.body = body

    def answer(self, context_id: str) -> Any:
        """The body."""
        if self.body is not None:
            return self.body
        return ErrorBody(
            message=self.message,
            code=self.code,
            status=self.status,
            context_id=context_id,
            message_params=self.params,
            details=list(self.details),
        )


def bad(message: str = MALFORMED, code: str = "bad.request", field: str | None = None) -> ApiError:
    """400 for one thing that is wrong."""
    details = [Detail(code, field)] if field is not None else []
    return ApiError(400, code, message, details=details)


def wrong(problems: Sequence[Problem], code: str = "bad.request") -> ApiError:
    """400 with every problem at its place."""
    first = problems[0]
    message = f"{first.pointer or 'the body'} {first.message}"
    if len(problems) > 1:
        message += f" (and {len(problems) - 1} more)"
    shown = [Detail(f"{code}: {p.message}", p.pointer) for p in problems[:_MOST]]
    return ApiError(400, code, message, details=shown)


def not_found(what: str = "The requested resource", code: str = "not.found") -> ApiError:
    """404 for what is not there, or another account's."""
    return ApiError(404, code, f"{what} was not found.")


def conflict(message: str) -> ApiError:
    """409 for a change of what somebody else has changed meanwhile (the code is assumed)."""
    return ApiError(409, "general.conflict", message)


def missing(permissions: Sequence[str], *, every: bool) -> ApiError:
    """403 for permissions that the client has not."""
    code = "missing.permissions" if every else "missing.any.permissions"
    listed = ", ".join(permissions)
    words = f"Unable to perform the requested action. You are missing the following permission(s): {listed}"
    return ApiError(403, code, words, params={"permissions": listed})


def not_authorized(message: str) -> ApiError:
    """403 for a scope, a licence or a capability that is not there."""
    return ApiError(403, "not.authorized", message)


def too_many(seconds: int) -> ApiError:
    """429; what was refused has changed nothing."""
    words = f"Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds"
    return ApiError(429, "too.many.requests.retry.after", words, headers={"retry-after": str(seconds)})


def oauth(status: int, error: str, words: str) -> ApiError:
    """An error of the token endpoint."""
    return ApiError(status, error, words, body=OAuthError(error, words, words))


def known(error: Exception) -> ApiError:
    """What an exception means for the caller. What nobody foresaw is logged, and says nothing of the inside."""
    for kind, meaning in _MEANINGS:
        if isinstance(error, kind):
            return meaning(error)
    log.error("a request could not be served", exc_info=error)
    return ApiError(500, "internal.server.error", "The server encountered an unexpected condition.")


def _too_large(error: Any) -> ApiError:
    words = "The body of the request is too large."
    return ApiError(413, "request.entity.too.large", words, headers={"connection": "close"})


def _unavailable(error: Any) -> ApiError:
    words = "The service cannot be reached now."
    return ApiError(503, "service.unavailable", words, headers={"retry-after": "1"})


_MEANINGS: Final[tuple[tuple[Any, Callable[[Any], ApiError]], ...]] = (
    (ApiError, lambda error: error),
    (Refused, lambda error: wrong(error.problems)),
    (NotThere, lambda error: not_found(str(error) or "The requested resource")),
    (NotNow, lambda error: bad(str(error))),
    (BodyTooLarge, _too_large),
    ((*LOST, TimeoutError, TooSlow), _unavailable),
)
