"""Who may do what, how often, and what is said to all others."""

import pytest

from tests.protocols.native.conftest import Api, serving
from tyrian.engine.keys import SCOPES
from tyrian.protocols.native.errors import KINDS
from tyrian.protocols.native.operations import OPERATIONS
from tyrian.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "01980f5e-6c00-7000-8000-3f2a9b1c4d5e"
ONE = {"to": "+385991234501", "cascade": [{"channel": "demo-viber", "content": {"type": "text", "text": "Hi"}}]}


def path_of(path: str) -> str:
    return path.replace("{id}", UNKNOWN)


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer no-such-key", "Bearer ž", "tyrian-demo-key", "Bearer a b"],
)
async def test_a_caller_that_is_not_known_is_told_how_to_say_who_it_is(api: Api, authorization: str) -> None:
    for _ in range(2):
        answer = await api.send(ONE, headers={"Authorization": authorization})
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith('Bearer realm="Tyrian"')
        assert answer.body["type"] == "/api/docs#unauthorized"
    assert await api.stored() == 0


async def test_every_operation_asks_who_calls(api: Api) -> None:
    for operation in OPERATIONS:
        answer = await api.call(operation.method, path_of(operation.path), headers={"Authorization": ""})
        assert answer.status == 401, operation.name


async def test_every_operation_wants_its_scope_and_names_it(api: Api) -> None:
    for operation in OPERATIONS:
        if not operation.scope:
            continue
        assert operation.scope in SCOPES
        limited = await api.with_key(scopes=set(SCOPES) - {operation.scope})
        answer = await limited.call(operation.method, path_of(operation.path))
        assert answer.status == 403, operation.name
        assert operation.scope in answer.body["detail"]
        assert "insufficient_scope" in answer.headers["www-authenticate"]


async def test_one_scope_is_enough_for_what_it_is_for(api: Api) -> None:
    sender = await api.with_key(scopes=["messages:send"])
    for _ in range(2):
        assert (await sender.send(ONE)).status == 202
    assert (await sender.get("/api/v1/messages")).status == 403


async def test_a_key_that_was_revoked_is_not_known_any_more(api: Api) -> None:
    other = await api.with_key()
    assert (await other.send(ONE)).status == 202
    keys = await api.gateway.keys.list(api.account_id)
    await api.gateway.keys.revoke(api.account_id, next(k.id for k in keys if k.name == "other"))
    assert (await other.send(ONE)).status == 401


async def test_a_key_is_held_to_its_rate(api: Api) -> None:
    slow = await api.with_key(rate=2)
    answers = [await slow.send(ONE) for _ in range(2)]
    assert [a.status for a in answers] == [202, 202]
    for refused in (await slow.send(ONE), await slow.get("/api/v1/messages")):
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert "2 requests a second" in refused.body["detail"]
    assert (await api.send(ONE)).status == 202


async def test_the_setting_holds_keys_that_have_no_rate_of_their_own(module_database_url: str) -> None:
    async with serving(module_database_url, Settings(key_rate=1), roles=frozenset({"api"})) as served:
        api = await served.account("demo-viber")
        assert [(await api.send(ONE)).status for _ in range(2)] == [202, 429]
        fast = await api.with_key(rate=1000)
        assert [(await fast.send(ONE)).status for _ in range(3)] == [202] * 3


async def test_what_belongs_to_another_account_is_not_there(api: Api) -> None:
    other = await api.account("demo-viber", "demo-sms")
    sent = await api.send({"cascade": ONE["cascade"], "messages": [{"to": ONE["to"]}]})
    message, bulk = sent.body["messages"][0]["id"], sent.body["bulk_id"]
    for path in (f"messages/{message}", f"messages/{message}/events", f"messages/{message}/exchanges", f"bulks/{bulk}"):
        assert (await api.get(f"/api/v1/{path}")).status == 200
        assert (await other.get(f"/api/v1/{path}")).status == 404
    assert (await other.get(f"/api/v1/bulks/{bulk}/outcomes.csv")).status == 404
    for path in (f"messages/{message}/cancel", *(f"bulks/{bulk}/{w}" for w in ("pause", "cancel", "seal", "retry"))):
        assert (await other.post(f"/api/v1/{path}")).status == 404
    for path in ("messages", "bulks", "inbound", "callbacks"):
        listed = (await other.get(f"/api/v1/{path}")).body
        assert listed == {next(iter(listed)): [], "next": None}
    assert (await other.get(f"/api/v1/messages?bulk_id={bulk}")).body["messages"] == []


@pytest.mark.parametrize(
    "identifier", [UNKNOWN, "x", "%00", "..%2f", "1" * 400, "9" * 18, "9" * 40, "%F0%9F%98%80", "-1"]
)
async def test_what_does_not_exist_is_not_found_whatever_it_is_called(api: Api, identifier: str) -> None:
    for operation in OPERATIONS:
        if "{id}" not in operation.path:
            continue
        body = next(iter(operation.examples.values())) if operation.examples else None
        answer = await api.call(operation.method, operation.path.replace("{id}", identifier), body)
        assert answer.status == 404, (operation.name, answer.text)
        assert answer.body["type"] == "/api/docs#not-found"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("POST", "/api/v2/messages", 404),
        ("GET", "/api/v1/messages/", 404),
        ("DELETE", "/api/v1/messages", 405),
        ("PUT", f"/api/v1/messages/{UNKNOWN}", 405),
        ("GET", f"/api/v1/bulks/{UNKNOWN}/seal", 405),
        ("POST", "/api/docs", 405),
        ("OPTIONS", "/api/v1/messages", 405),
        ("PROPFIND", "/api/v1/messages", 405),
    ],
)
async def test_other_paths_and_methods_get_a_problem_document_too(
    api: Api, method: str, path: str, status: int
) -> None:
    answer = await api.call(method, path)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert answer.headers["allow"]


async def test_allow_names_the_methods_of_the_path(api: Api) -> None:
    assert (await api.call("DELETE", "/api/v1/messages")).headers["allow"] == "GET, HEAD, POST"


async def test_an_operation_without_a_body_takes_none(api: Api) -> None:
    bulk = (await api.post("/api/v1/bulks", {"cascade": ONE["cascade"]})).body["id"]
    refused = await api.post(f"/api/v1/bulks/{bulk}/pause", {"force": True})
    assert (refused.status, refused.pointers) == (422, [""])
    assert (await api.post(f"/api/v1/bulks/{bulk}/pause", {})).status == 200


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("limit=0", ["?limit"]),
        ("limit=1001", ["?limit"]),
        ("limit=ten", ["?limit"]),
        ("limit=1&limit=2", ["?limit"]),
        ("cursor=nonsense!", ["?cursor"]),
        ("cursor=AAAA", ["?cursor"]),
        ("status=eaten", ["?status"]),
        ("purpose=spam", ["?purpose"]),
        ("bulk_id=7", ["?bulk_id"]),
        ("since=yesterday&until=2026-01-01", ["?since", "?until"]),
        ("to=%00", ["?to"]),
        ("colour=red&size=9", ["?colour", "?size"]),
        ("channel=" + "x" * 65, ["?channel"]),
    ],
)
async def test_parameters_that_cannot_be_meant_are_refused(api: Api, query: str, pointers: list[str]) -> None:
    answer = await api.get(f"/api/v1/messages?{query}")
    assert (answer.status, answer.pointers) == (422, pointers)


async def test_parameters_at_the_ends_of_time_are_understood(api: Api) -> None:
    await api.send(ONE)
    for since, count in (
        ("0001-01-01T00:00:00%2B23:59", 1),
        ("1960-01-01T00:00:00Z", 1),
        ("9999-12-31T23:59:59-23:59", 0),
    ):
        answer = await api.get(f"/api/v1/messages?since={since}")
        assert (answer.status, len(answer.body["messages"])) == (200, count)


async def test_a_problem_s_type_leads_to_its_paragraph(api: Api) -> None:
    page = await api.get("/api/docs", headers={"Authorization": ""})
    assert page.status == 200
    for kind in KINDS:
        assert f'id="{kind}"' in page.text
