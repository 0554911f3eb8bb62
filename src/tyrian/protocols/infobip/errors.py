"""The two ways in which Infobip says that a request failed (OpenAPI 3.210.0).

Newer endpoints answer with a flat object (`ApiError`), older ones with a nested one (`ApiException`). All texts are the
vendor's, letter for letter: clients compare them.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct


class Envelope(Enum):
    """Which of the two forms an endpoint answers errors in."""

    #: `{"errorCode", "description", "action", "violations", "resources"}`
    FLAT = "ApiError"
    #: `{"requestError": {"serviceException": {"messageId", "text", "validationErrors"}}}`
    NESTED = "ApiException"


class Violation(Struct, kw_only=True, frozen=True):
    """One thing wrong with a request: where (`messages[0].content.text`) and what."""

    property: str
    violation: str


class Resource(Struct, kw_only=True, frozen=True):
    """A page that helps."""

    name: str
    url: str


class ApiErrorBody(Struct, kw_only=True, rename="camel"):
    """The flat form; all five members are always there."""

    error_code: str
    description: str
    action: str
    violations: list[Violation]
    resources: list[Resource]


class ServiceException(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What went wrong, in the nested form."""

    message_id: str
    text: str
    validation_errors: dict[str, list[str]] | None = None


class RequestError(Struct, kw_only=True, rename="camel"):
    """The middle of the nested form."""

    service_exception: ServiceException


class ApiExceptionBody(Struct, kw_only=True, rename="camel"):
    """The nested form."""

    request_error: RequestError


class _Words(NamedTuple):
    description: str
    action: str
    resources: tuple[Resource, ...]
    message_id: str
    text: str


_AUTHENTICATION: Final = Resource(
    name="API Authentication", url="https://www.infobip.com/docs/essentials/api-authentication"
)
_SCOPES: Final = Resource(
    name="API Scopes", url="https://www.infobip.com/docs/essentials/api-essentials/api-authorization#api-scopes"
)
_THROTTLING: Final = Resource(
    name="Throttling handling errors",
    url="https://www.infobip.com/docs/essentials/integration-best-practices#throttling-handling-errors",
)

WORDS: Final[dict[int, _Words]] = {
    400: _Words(
        "Request cannot be processed.",
        "Check the syntax, violations and adjust the request.",
        (),
        "BAD_REQUEST",
        "Bad request",
    ),
    401: _Words(
        "The request lacks valid authentication credentials for the requested resource.",
        "Check the resources and adjust authentication credentials.",
        (_AUTHENTICATION,),
        "UNAUTHORIZED",
        "Unauthorized",
    ),
    403: _Words(
        "Insufficient permissions to access the requested resource.",
        "Repeat the request with new or different credentials.",
        (_SCOPES,),
        "FORBIDDEN",
        "Forbidden",
    ),
    404: _Words(
        "Not found - request URL doesn't exist on the API server or resource is not found.",
        "Check the resources and adjust your request.",
        (),
        "NOT_FOUND",
        "Not found",
    ),
    # 405, 413, 415 and 503 are not documented; they keep the form and say what they are.
    405: _Words("Method not allowed.", "Check the method and adjust your request.", (), "METHOD_NOT_ALLOWED",
                "Method not allowed"),
    409: _Words("Request conflicts with the state of the resource.", "Check the state of the resource.", (), "CONFLICT",
                "Conflict"),
    413: _Words("Request is too large.", "Send a smaller request.", (), "REQUEST_ENTITY_TOO_LARGE",
                "Request entity too large"),
    415: _Words("Media type is not supported.", "Send the request as application/json.", (), "UNSUPPORTED_MEDIA_TYPE",
                "Unsupported media type"),
    429: _Words(
        "Too many requests sent.",
        "Check request rate limit specified in the API endpoint documentation resource.",
        (_THROTTLING,),
        "TOO_MANY_REQUESTS",
        "Too many requests",
    ),
    500: _Words(
        "Something went wrong.",
        "Contact the support.",
        (),
        "GENERAL_ERROR",
        "Something went wrong. Please contact support.",
    ),
    503: _Words("Service is not available.", "Repeat the request later.", (), "SERVICE_UNAVAILABLE",
                "Service unavailable"),
}  # fmt: skip

_encode: Final = msgspec.json.Encoder().encode


class ApiError(Exception):
    """A request that gets an error for its answer; the endpoint's envelope says how it is spelt.

    `text` and `message_id` replace the usual words of the nested form (`Bulk not found`), `description` those of the
    flat one.
    """

    def __init__(
        self,
        status: int,
        violations: Sequence[Violation] = (),
        *,
        headers: dict[str, str] | None = None,
        text: str | None = None,
        message_id: str | None = None,
        description: str | None = None,
    ) -> None:
        super().__init__(f"{status} {text or WORDS[status].text}")
        self.status = status
        self.violations = list(violations)
        self.headers = headers or {}
        self.text = text
        self.message_id = message_id
        self.description = description

    def struct(self, envelope: Envelope) -> ApiErrorBody | ApiExceptionBody:
        """The body in one of the two forms."""
        words = WORDS[self.status]
        if envelope is Envelope.FLAT:
            return ApiErrorBody(
                error_code=f"E{self.status}",
                description=self.description or words.description,
                action=words.action,
                violations=self.violations,
                resources=list(words.resources),
            )
        failed: dict[str, list[str]] = {}
        for violation in self.violations:
            failed.setdefault(violation.property, []).append(violation.violation)
        exception = ServiceException(
            message_id=self.message_id or words.message_id,
            text=self.text or words.text,
            validation_errors=failed or None,
        )
        return ApiExceptionBody(request_error=RequestError(service_exception=exception))

    def body(self, envelope: Envelope) -> bytes:
        """The body as JSON."""
        return _encode(self.struct(envelope))


def invalid(*violations: tuple[str, str]) -> ApiError:
    """A 400 with these violations (property, text)."""
    return ApiError(400, [Violation(property=p, violation=v) for p, v in violations])


def not_found(text: str | None = None) -> ApiError:
    """A 404; `text` for the nested form."""
    return ApiError(404, text=text)


def example(status: int, envelope: Envelope) -> Any:
    """What an error looks like, for documentation."""
    violations = [Violation(property="messages[0].content.text", violation="must not be null")]
    return msgspec.to_builtins(ApiError(status, violations if status == 400 else ()).struct(envelope))
