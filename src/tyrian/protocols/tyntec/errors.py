"""What is answered when a request is not served: tyntec's own problems, and those of the gateway in front of it.

A problem is an RFC 7807 document. A missing or wrong key, an unknown path and too many requests are answered by the
API gateway before the service, whose bodies are Kong's (assumed: recorded headers are those of a Kong 1.0.3).
"""

import logging
from typing import Final

import msgspec

from tyrian.engine.serving import BodyTooLarge
from tyrian.protocols.tyntec.wire import Problem, Violation
from tyrian.store.database import LOST
from tyrian.store.reading import TooSlow

log = logging.getLogger(__name__)

PROBLEM: Final = "application/problem+json"
JSON: Final = "application/json"
_STATUSES: Final = "https://httpstatuses.com/"
_PROBLEMS: Final = "https://docs.tyntec.com/problems"

_encode: Final = msgspec.json.Encoder().encode


class ApiError(Exception):
    """A request that is not served: the answer's status, body and headers."""

    def __init__(
        self, status: int, body: bytes, media: str = PROBLEM, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(f"{status} {body.decode()}")
        self.status = status
        self.body = body
        self.media = media
        self.headers = headers


def _problem(problem: Problem, headers: tuple[tuple[str, str], ...] = ()) -> ApiError:
    return ApiError(problem.status or 500, _encode(problem), headers=headers)


def _plain(status: int, title: str, headers: tuple[tuple[str, str], ...] = ()) -> ApiError:
    return _problem(Problem(type=f"{_STATUSES}{status}", title=title, status=status), headers)


class _Violated(msgspec.Struct):
    """A problem in the order in which the service writes it."""

    status: int
    violations: list[Violation]
    title: str


def violated(violations: list[Violation]) -> ApiError:
    """400 for what breaks the bounds of a request (OpenAPI, example of 400)."""
    unique = list({(v.field, v.message): v for v in violations}.values())
    return ApiError(400, _encode(_Violated(400, unique, "Constraint Violation")))


def unparseable(detail: str) -> ApiError:
    """400 for what is no JSON, or not of the types that the request has."""
    return _problem(
        Problem(
            type=f"{_PROBLEMS}/DataNotParseable", title="Data given was not parseable", status=400, detail=detail[:500]
        )
    )


def forbidden() -> ApiError:
    """403 for a sender that is not the account's, or a key that may not do this."""
    return _plain(403, "Forbidden")


def not_found() -> ApiError:
    """404 for a message, service id or resource that is not the account's."""
    return _plain(404, "Not Found")


def bare_not_found() -> ApiError:
    """404 as 2.x and the media of both versions answer it."""
    return _problem(Problem(status=404))


def not_allowed(allowed: list[str]) -> ApiError:
    """405 with the methods that there are."""
    return _plain(405, "Method Not Allowed", (("allow", ", ".join(sorted(allowed))),))


def too_large() -> ApiError:
    """413; the rest of the body is not read, so the connection ends."""
    return _plain(413, "Payload Too Large", (("connection", "close"),))


def unavailable() -> ApiError:
    """503 while the database is away."""
    return _plain(503, "Service Unavailable", (("retry-after", "1"),))


def internal() -> ApiError:
    """500; the log says why."""
    return _plain(500, "Internal Server Error")


def no_key() -> ApiError:
    """401 without a key (Kong, key-auth)."""
    body = b'{"message":"No API key found in request"}'
    return ApiError(401, body, JSON, (("www-authenticate", 'Key realm="tyrian"'),))


def bad_key() -> ApiError:
    """403 for a key that is none (Kong 1.0, key-auth)."""
    return ApiError(403, b'{"message":"Invalid authentication credentials"}', JSON)


def no_route() -> ApiError:
    """404 for an unknown path (Kong, router)."""
    return ApiError(404, b'{"message":"no Route matched with those values"}', JSON)


def too_many(seconds: int) -> ApiError:
    """429 for more requests than a key may make (Kong, rate-limiting)."""
    return ApiError(429, b'{"message":"API rate limit exceeded"}', JSON, (("retry-after", str(seconds)),))


def answer_to(error: Exception) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers for what went wrong. What nobody foresaw is logged, and says nothing of the inside."""
    known = _translated(error)
    return known.status, known.body, {"content-type": known.media, **dict(known.headers)}


def _translated(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, BodyTooLarge):
        return too_large()
    if isinstance(error, (*LOST, TimeoutError, TooSlow)):
        return unavailable()
    log.error("a request could not be served", exc_info=error)
    return internal()
