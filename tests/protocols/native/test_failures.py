"""What is answered when something behind the API cannot do what was asked."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.protocols.native.conftest import Api
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.bulks import Conflict, NotFound
from tyrian.engine.intake import IdempotencyConflict
from tyrian.protocols.native.errors import ApiError, problem_document
from tyrian.protocols.native.serving import failure, translate
from tyrian.store.reading import TooSlow

ONE = {"to": "+385991234501", "cascade": [{"channel": "demo-viber", "content": {"type": "text", "text": "Hi"}}]}


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Refused([Problem("/to", "is wrong")]), 422, "/to is wrong."),
        (NotFound(), 404, "no such message or bulk"),
        (Conflict("the bulk is sealed"), 409, "The bulk is sealed."),
        (IdempotencyConflict(), 409, "Idempotency-Key"),
        (ConnectionRefusedError(), 503, "database"),
        (TimeoutError(), 503, "database"),
        (TooSlow(), 503, "narrow"),
        (ApiError("forbidden", "No."), 403, "No."),
    ],
)
def test_each_error_has_its_answer(error: Exception, status: int, words: str) -> None:
    response = failure(error, "a test")
    assert response.status_code == status
    assert words in json.loads(bytes(response.body))["detail"]
    assert response.headers["content-type"] == "application/problem+json"


def test_an_error_that_nobody_foresaw_is_logged_and_says_nothing_of_the_inside(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = KeyError("secret inside")
    assert translate(error) is None
    response = failure(error, "a test")
    assert response.status_code == 500
    assert b"secret inside" not in bytes(response.body)
    assert "a test failed" in caplog.text


def test_a_hundred_problems_are_listed_and_the_rest_counted() -> None:
    many = [Problem(f"/messages/{n}/to", "is wrong") for n in range(250)]
    response = failure(Refused(many), "a test")
    body = json.loads(bytes(response.body))
    assert len(body["problems"]) == 100
    assert "247 more" in body["detail"]
    assert json.loads(problem_document("conflict", "x"))["problems"] == []


class Away:
    """A part of the gateway while the database is away."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def refuse(*_args: Any, **_more: Any) -> Any:
            raise ConnectionRefusedError(name)

        return refuse


@pytest.mark.asyncio(loop_scope="module")
async def test_nothing_is_lost_or_broken_while_the_database_is_away(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.get("/api/v1/messages")  # from now on the key is remembered
    with monkeypatch.context() as patch:
        patch.setattr(api.gateway.intake, "submit", Away().submit)
        patch.setattr(api.gateway.db, "read", Away().read)
        for answer in (await api.send(ONE), await api.get("/api/v1/messages")):
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.body["type"] == "/api/docs#unavailable"
    assert (await api.send(ONE)).status == 202
