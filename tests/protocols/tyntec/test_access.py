"""Who may call, what is not there, and that nothing that is sent makes the face fail."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.protocols.tyntec.conftest import TO, V2, V3, Api
from tyrian.domain.problem import Problem, Refused
from tyrian.protocols.tyntec import following
from tyrian.protocols.tyntec.operations import OPERATIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATHS = sorted({(o.method, path) for o in OPERATIONS for path in o.paths})


def real(path: str) -> str:
    """A path whose names stand for something that does not exist."""
    return path.replace("{messageId}", str(uuid4())).replace("{mediaId}", str(uuid4())).replace("{serviceId}", "9999")


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_without_a_key(api: Api, method: str, path: str) -> None:
    answer = await api.call(method, real(path), b"{}", headers={"apikey": ""})
    assert (answer.status, answer.raw) == (401, b'{"message":"No API key found in request"}')
    assert answer.headers["www-authenticate"].startswith("Key ")


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_with_a_wrong_key(api: Api, method: str, path: str) -> None:
    answer = await api.call(method, real(path), b"{}", headers={"apikey": "x"})
    assert (answer.status, answer.raw) == (403, b'{"message":"Invalid authentication credentials"}')


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_with_a_key_that_may_do_nothing_of_the_kind(api: Api, method: str, path: str) -> None:
    poor = await api.with_key(scopes=["accounts:manage"])
    answer = await poor.call(method, real(path), b"{}")
    assert (answer.status, answer.body["title"]) == (403, "Forbidden")


@pytest.mark.parametrize("name", ["apikey", "apiKey", "ApiKey", "APIKEY"])
async def test_the_headers_name_has_no_case(api: Api, name: str) -> None:
    assert (await api.get(f"{V3}/configurations", headers={"apikey": "", name: api.key})).status == 200


@pytest.mark.parametrize(
    "path", ["", "/", "/poems", "/messages/1/2/3", "x6f1c1d5e-52f0-4b5c-9f0a-6f6de1d5c001/events", "0/messages"]
)
async def test_an_unknown_path(api: Api, path: str) -> None:
    answer = await api.get(V3 + path)
    assert (answer.status, answer.raw) == (404, b'{"message":"no Route matched with those values"}')


async def test_a_method_that_a_path_has_not(api: Api) -> None:
    answer = await api.call("DELETE", f"{V3}/configurations/callbacks")
    assert (answer.status, answer.headers["allow"]) == (405, "PATCH, PUT")
    assert answer.body["title"] == "Method Not Allowed"


async def test_head_answers_as_get_does_without_the_body(api: Api) -> None:
    answer = await api.call("HEAD", f"{V3}/configurations")
    assert (answer.status, answer.raw) == (200, b"")


@pytest.mark.parametrize("name", ["6f1c1d5e-52f0-4b5c-9f0a-6f6de1d5c002", "7", "%00"])
@pytest.mark.parametrize("rest", ["", "/status", "/events"])
async def test_a_message_that_is_not_there(api: Api, name: str, rest: str) -> None:
    answer = await api.get(f"{V3}/messages/{name}{rest}")
    assert answer.status == 404
    assert answer.raw == b'{"type":"https://httpstatuses.com/404","title":"Not Found","status":404}'
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_message_that_is_not_there_over_2x(api: Api) -> None:
    for rest in ("", "/status", "/history"):
        answer = await api.get(f"{V2}/messages/{uuid4()}{rest}")
        assert (answer.status, answer.raw) == (404, b'{"status":404}')


async def test_another_accounts_message_is_not_there(api: Api) -> None:
    message = await api.taken()
    other = await api.account()
    for rest in ("", "/status", "/events"):
        assert (await other.get(f"{V3}/messages/{message}{rest}")).status == 404


async def test_a_message_is_kept_48_hours_and_its_history_90_days(api: Api) -> None:
    message = await api.taken(to="385991234504")
    await api.until(message, "failed")
    answers = []
    for past in (following.MESSAGE_KEPT - timedelta(hours=1), following.MESSAGE_KEPT + timedelta(hours=1),
                 following.HISTORY_KEPT + timedelta(hours=1)):  # fmt: skip
        await api.gateway.db.execute(
            "UPDATE messages SET accepted_at = $2, updated_at = $2 WHERE account_id = $1",
            api.account_id,
            api.gateway.clock.now() - past,
        )
        asked = [await api.get(f"{V3}/messages/{message}{rest}") for rest in ("", "/status", "/events")]
        answers.append([answer.status for answer in asked])
    assert answers == [[200, 200, 200], [404, 200, 200], [404, 404, 404]]


async def test_a_message_that_another_face_took(api: Api) -> None:
    made = await api.gateway.keys.create(api.account_id, name="native")
    body = {"to": f"+{TO}", "cascade": [{"channel": "shop", "content": {"type": "text", "text": "Hi"}}]}
    headers = {"Authorization": f"Bearer {made.secret}", "Content-Type": "application/json"}
    message = (await api.post("/api/v1/messages", body, headers=headers)).body["id"]
    await api.until(message, "sent")
    stored = (await api.get(f"{V3}/messages/{message}")).body
    assert (stored["to"], stored["viber"]["from"], stored["viber"]["messagePurpose"]) == (TO, "1001", "transaction")
    assert (await api.get(f"{V3}/messages/{message}/status")).body["status"] == "accepted"


async def test_a_key_above_its_rate(api: Api) -> None:
    slow = await api.with_key(rate=1)
    answers = [await slow.send() for _ in range(3)]
    assert answers[0].status == 202
    assert (answers[-1].status, answers[-1].raw) == (429, b'{"message":"API rate limit exceeded"}')
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_a_body_that_is_too_large(api: Api) -> None:
    answer = await api.post(f"{V3}/messages", b" " * (api.gateway.settings.max_body_bytes + 1))
    assert (answer.status, answer.body["title"]) == (413, "Payload Too Large")


# -- When something behind it fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"{V3}/messages", f"{V3}/power-automate/messages/viber/text"])
@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (ConnectionRefusedError(), 503, "Service Unavailable"),
        (TimeoutError(), 503, "Service Unavailable"),
        (ArithmeticError("the inside"), 500, "Internal Server Error"),
    ],
)
@pytest.mark.parametrize("place", ["intake", "documents"])
async def test_a_failure_has_an_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str, error: Exception, status: int, title: str, place: str
) -> None:
    async def fail(*_arguments: Any, **_more: Any) -> Any:
        raise error

    assert (await api.send()).status == 202
    part = getattr(api.gateway, place)
    monkeypatch.setattr(part, "submit" if place == "intake" else "get", fail)
    answer = await api.post(path, GOOD)
    assert (answer.status, answer.body["title"]) == (status, title)
    assert b"inside" not in answer.raw
    assert ("retry-after" in answer.headers) == (status == 503)


async def test_a_number_that_the_channel_cannot_reach(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_submission: Any) -> Any:
        raise Refused([Problem("/to", "cannot be reached")])

    monkeypatch.setattr(api.gateway.intake, "submit", refuse)
    for path in (f"{V3}/messages", f"{V3}/power-automate/messages/viber/text"):
        assert set((await api.post(path, GOOD)).fields) == {"to"}


# -- Whatever comes ---------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=12) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    ["", "viber", "sms", "1001", "text", "image", "file", "video", "list", "carousel", "components", "button", TO,
     "promotion", "transaction", "https://a.example.com/b.png", "basic", "oauth2", "HS256", "MoMessage"]
)  # fmt: skip
MEMBERS = st.sampled_from(
    ["to", "from", "channel", "channels", "rateType", "messagePurpose", "content", "contentType", "type", "text",
     "image", "file", "video", "list", "carousel", "components", "body", "url", "filename", "thumbnailUrl", "filesize",
     "duration", "options", "items", "title", "imageUrl", "primaryButton", "label", "actionUrl", "button", "caption",
     "callback", "context", "userContext", "overrides", "notificationCallbackUrl", "messages", "viber", "sms",
     "eventFilter", "signature", "header", "key", "value", "secret", "method", "webhooks", "events", "callbackUrl",
     "basic", "oauth2", "inboundMessageUrl", "messageStatusUrl"]
)  # fmt: skip
LIKELY = st.recursive(
    WORDS | JSON,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(MEMBERS, inner, max_size=6),
    max_leaves=16,
)
BODIES = sorted({(o.method, o.paths[0]) for o in OPERATIONS if o.body is not None and o.body is not bytes})
GOOD: dict[str, Any] = {
    "to": TO, "from": "1001", "channel": "viber", "rateType": "promotion", "channels": ["viber"],
    "content": {"contentType": "text", "text": "Hi"},
}  # fmt: skip
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def well_formed(answer: Any) -> None:
    """An answer in the service's own shape, and no failure."""
    assert answer.status in (200, 202, 204, 400, 403, 404), answer.raw
    if answer.status == 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.body["status"] == 400
        assert all(v["field"].startswith("validate.request.") for v in answer.body.get("violations", ()))


@FUZZ
@given(operation=st.sampled_from(BODIES), body=LIKELY)
async def test_any_json_is_answered(api: Api, operation: tuple[str, str], body: Any) -> None:
    method, path = operation
    well_formed(await api.call(method, path.replace("{serviceId}", "1001"), msgspec.json.encode(body)))


@FUZZ
@given(changes=st.dictionaries(MEMBERS, LIKELY, max_size=3), content=st.dictionaries(MEMBERS, LIKELY, max_size=4))
async def test_any_message_is_answered(api: Api, changes: Any, content: Any) -> None:
    body = {**GOOD, "content": {"contentType": "text", "text": "Hi", **content}, **changes}
    well_formed(await api.post(f"{V3}/messages", msgspec.json.encode(body)))


@FUZZ
@given(raw=st.binary(max_size=64))
async def test_any_bytes_are_answered(api: Api, raw: bytes) -> None:
    well_formed(await api.post(f"{V3}/messages", raw))
