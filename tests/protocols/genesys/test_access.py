"""Tokens, scopes, permissions, rates and errors, over HTTP."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from tests.protocols.genesys.conftest import SECRET, Api
from tyrian.protocols.genesys.access import Rates

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_token_for_client_credentials(api: Api) -> None:
    answer = await api.ask_token(api.client_id, SECRET)
    assert answer.status == 200
    assert answer.body["token_type"] == "bearer"
    assert answer.body["expires_in"] == 86_400
    assert len(answer.body["access_token"]) >= 40


async def test_client_and_secret_in_the_form(api: Api) -> None:
    form = f"grant_type=client_credentials&client_id={api.client_id}&client_secret={SECRET}"
    assert (await api.ask(form)).status == 200


@pytest.mark.parametrize(
    ("client", "secret", "status", "words"),
    [("nobody", SECRET, 400, "client not found"), ("", "", 400, "client not found")],
)
async def test_an_unknown_client(api: Api, client: str, secret: str, status: int, words: str) -> None:
    answer = await api.ask_token(client, secret)
    assert answer.status == status
    assert answer.body == {"error": "invalid_client", "description": words, "error_description": words}


async def test_a_wrong_secret(api: Api) -> None:
    answer = await api.ask_token(api.client_id, "wrong")
    assert answer.status == 401
    assert answer.body["error"] == "invalid_client"
    assert answer.body["description"] == answer.body["error_description"] == "authentication failed"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ("grant_type=password", "unsupported_grant_type"),
        ("", "invalid_request"),
        ("\xff=%ff", "invalid_request"),
    ],
)
async def test_other_grants(api: Api, form: str, error: str) -> None:
    answer = await api.ask(form)
    assert answer.status == 400
    assert answer.body["error"] == error


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic eHg6eXk=", "bearer "])
async def test_no_token(api: Api, authorization: str) -> None:
    answer = await api.get("tokens/me", headers={"Authorization": authorization})
    assert (answer.status, answer.code) == (401, "authentication.required")


async def test_a_token_that_is_none(api: Api) -> None:
    answer = await api.get("tokens/me", headers={"Authorization": "Bearer made-up"})
    assert (answer.status, answer.code) == (401, "bad.credentials")


async def test_an_expired_token(api: Api) -> None:
    other = await api.narrowed(accessTokenValiditySeconds=300)
    short = await other.signed_in()
    assert (await short.get("tokens/me")).status == 200
    api.clock.ahead = timedelta(seconds=301)
    answer = await short.get("tokens/me")
    assert (answer.status, answer.code) == (401, "credentials.expired")


@pytest.mark.parametrize("seconds", [299, 172_801])
async def test_the_bounds_of_a_tokens_life(api: Api, seconds: int) -> None:
    answer = await api.put(f"oauth/clients/{api.client_id}", {"accessTokenValiditySeconds": seconds})
    assert (answer.status, answer.code) == (400, "invalid.value")
    assert answer.places == {"/accessTokenValiditySeconds"}


async def test_a_token_ends_with_its_client(api: Api) -> None:
    other = await api.with_client()
    (key,) = [k for k in await api.gateway.keys.list(api.account_id) if k.prefix == other.client_id]
    assert (await other.get("tokens/me")).status == 200
    await api.gateway.keys.revoke(api.account_id, key.id)
    answer = await other.get("tokens/me")
    assert (answer.status, answer.code) == (401, "bad.credentials")


async def test_whose_a_token_is(api: Api) -> None:
    body = (await api.get("tokens/me")).body
    assert body["OAuthClient"]["id"] == api.client_id
    assert UUID(body["organization"]["id"]) == UUID(body["homeOrganization"]["id"])
    assert {"messaging", "messaging:write", "conversations:readonly"} <= set(body["authorizedScope"])


async def test_a_credential_has_no_more_rights_than_its_own_scopes(api: Api) -> None:
    other = await api.with_client(scopes=["messages:read"])
    answer = await other.put("organizations/me", {"messaging": False})
    assert (answer.status, answer.code) == (403, "not.authorized")
    assert (await api.put(f"oauth/clients/{other.client_id}", {"scope": ["organization"]})).status == 200
    assert (await other.put("organizations/me", {"messaging": False})).status == 403


async def test_the_networks_to_admit(api: Api) -> None:
    await api.organization(egressNetworks=["203.0.113.0/24"])
    (found,) = (await api.get("ipranges")).body["entities"]
    assert (found["cidr"], found["service"]) == ("203.0.113.0/24", "open-messaging")
    answer = await api.put("organizations/me", {"egressNetworks": ["everywhere"]})
    assert (answer.status, answer.places) == (400, {"/egressNetworks/0"})


async def test_of_two_who_replace_the_same_version_of_the_organization_one_is_refused(api: Api) -> None:
    known = (await api.get("organizations/me")).body
    changes = [{**known, "name": "Shop"}, {**known, "region": "US"}]
    answers = await asyncio.gather(*(api.put("organizations/me", change) for change in changes))
    assert sorted(answer.status for answer in answers) == [200, 409]
    lost = next(n for n, answer in enumerate(answers) if answer.status == 409)
    assert answers[lost].code == "general.conflict"
    now = (await api.get("organizations/me")).body
    assert now == {**changes[1 - lost], "version": known["version"] + 1}
    assert (await api.put("organizations/me", {**changes[lost], "version": now["version"]})).status == 200
    assert (await api.put("organizations/me", {"name": "Mine"})).body["version"] == now["version"] + 2


async def test_what_is_not_served(api: Api) -> None:
    assert ((a := await api.get("nothing")).status, a.code) == (404, "not.found")
    answer = await api.delete("tokens/me")
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method.not.allowed", "GET")


@pytest.mark.parametrize("raw", [b"{", b"[1]", b'"x"', b"\xff", b"[" * 100_000])
async def test_a_body_that_is_none(api: Api, raw: bytes) -> None:
    answer = await api.put("organizations/me", raw)
    assert (answer.status, answer.code) == (400, "bad.request")


async def test_a_body_of_null_is_no_body(api: Api) -> None:
    assert (await api.put("organizations/me", b"null")).status == 200


async def test_every_place_that_does_not_fit_is_named(api: Api) -> None:
    answer = await api.put("organizations/me", {"messaging": "yes", "maxPayload": 0, "webp": "no"})
    assert answer.places == {"/messaging", "/maxPayload", "/webp"}


async def test_the_rate_is_told_and_held(api: Api) -> None:
    await api.organization(requestsPerMinute=3)
    fresh = await api.signed_in()
    answers = [await fresh.get("tokens/me") for _ in range(5)]
    assert Counter(a.status for a in answers) == {200: 3, 429: 2}
    assert [a.headers["inin-ratelimit-count"] for a in answers] == ["1", "2", "3", "3", "3"]
    assert {a.headers["inin-ratelimit-allowed"] for a in answers} == {"3"}
    refused = answers[-1]
    assert refused.code == "too.many.requests.retry.after"
    assert refused.body["details"] == refused.body["errors"] == []
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert f"[{refused.headers['Retry-After']}]" in refused.body["message"]
    another = await api.signed_in()
    assert (await another.get("tokens/me")).status == 200


async def test_windows_are_fixed_and_refusals_do_not_count() -> None:
    times = iter([0.0, 10.0, 20.0, 59.0, 60.0])
    rates = Rates(timer=lambda: next(times))
    found = [rates.spend("token", 2) for _ in range(5)]
    assert [served for _, served in found] == [True, True, False, False, True]
    assert [standing.reset for standing, _ in found] == [60, 50, 40, 1, 60]
