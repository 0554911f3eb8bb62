"""Contacts over the API."""

from typing import Any

import pytest

from tests.protocols.native.conftest import Api
from tyrian.domain.content import Text
from tyrian.engine.ports import Inbound

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTACTS = "/api/v1/contacts"
NUMBER = {"address": "+385991234501"}


async def made(api: Api, **body: Any) -> dict[str, Any]:
    answer = await api.post(CONTACTS, body)
    assert answer.status == 201, answer.text
    found: dict[str, Any] = answer.body
    return found


async def test_a_contact_is_made_read_and_changed(api: Api) -> None:
    user = {"address": "user-1", "channel": "demo-viber"}
    body = await made(
        api, name="Ana", language="pt-BR", country="PT", attributes={"vip": True}, addresses=[NUMBER, user]
    )
    assert [(a["address"], a["channel"], a["source"]) for a in body["addresses"]] == [
        ("+385991234501", None, "api"), ("user-1", "demo-viber", "api"),
    ]  # fmt: skip
    path = f"{CONTACTS}/{body['id']}"
    assert (await api.get(path)).body == body
    changed = await api.call("PATCH", path, {"name": None, "attributes": {"vip": None, "points": 7}})
    assert (changed.status, changed.body["name"], changed.body["language"]) == (200, None, "pt-BR")
    assert changed.body["attributes"] == {"points": 7}
    many = {f"a{n}": n for n in range(50)}
    answer = await api.call("PATCH", path, {"attributes": many})
    assert (answer.status, answer.pointers) == (422, ["/attributes"])


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"addresses": [{"address": "abc"}]}, ["/addresses/0/address"]),
        ({"addresses": [NUMBER, {"address": "x", "channel": "none"}]}, ["/addresses/1/channel"]),
        ({"addresses": [{"address": "x", "channel": "demo-viber"}]}, ["/addresses/0/address"]),
        ({"country": "hr", "language": "?", "name": ""}, ["/name", "/language", "/country"]),
        ({"attributes": {"a": {"deep": 1}}}, ["/attributes/a"]),
        ({"nme": "Ana"}, ["/nme"]),
    ],
)
async def test_what_is_refused(api: Api, body: dict[str, Any], pointers: list[str]) -> None:
    answer = await api.post(CONTACTS, body)
    assert (answer.status, sorted(answer.pointers)) == (422, sorted(pointers)), answer.text


async def test_an_address_of_another_contact_is_a_conflict(api: Api) -> None:
    ana, ivo = await made(api, addresses=[NUMBER]), await made(api)
    again = await api.post(CONTACTS, {"addresses": [NUMBER]})
    assert again.status == 409
    assert ana["id"] in again.body["detail"]
    assert (await api.post(f"{CONTACTS}/{ivo['id']}/addresses", NUMBER)).status == 409
    assert (await api.post(f"{CONTACTS}/{ana['id']}/addresses", NUMBER)).body["addresses"] == ana["addresses"]
    gone = await api.post(f"{CONTACTS}/{ana['id']}/addresses/remove", NUMBER)
    assert (gone.status, gone.body["addresses"]) == (200, [])
    assert (await api.post(f"{CONTACTS}/{ivo['id']}/addresses", NUMBER)).status == 200


async def test_two_become_one(api: Api) -> None:
    ana, other = await made(api, name="Ana", addresses=[NUMBER]), await made(api, country="HR")
    path = f"{CONTACTS}/{other['id']}/merge"
    for _ in range(2):
        merged = await api.post(path, {"contact_id": ana["id"]})
        assert (merged.status, merged.body["name"], merged.body["country"]) == (200, "Ana", "HR")
    assert (await api.get(f"{CONTACTS}/{ana['id']}")).body["id"] == other["id"]
    nobody = "01980f5e-6c00-7000-8000-000000000000"
    assert (await api.post(path, {"contact_id": nobody})).pointers == ["/contact_id"]
    assert (await api.post(f"{CONTACTS}/{nobody}/merge", {"contact_id": ana["id"]})).status == 404


async def test_contacts_are_listed_and_found(api: Api) -> None:
    names = ["Ana Horvat", "Ivo", "Anamarija"]
    places = ["HR", "SI", "HR"]
    ids = [(await made(api, name=n, country=c))["id"] for n, c in zip(names, places, strict=True)]
    await api.post(f"{CONTACTS}/{ids[1]}/addresses", NUMBER)
    first = (await api.get(f"{CONTACTS}?limit=2")).body
    rest = (await api.get(f"{CONTACTS}?limit=2&cursor={first['next']}")).body
    assert [c["id"] for c in first["contacts"] + rest["contacts"]] == ids[::-1]
    assert rest["next"] is None
    named = (await api.get(f"{CONTACTS}?name=ANA&country=HR&limit=1")).body
    more = (await api.get(f"{CONTACTS}?name=ANA&country=HR&limit=1&cursor={named['next']}")).body
    assert [c["id"] for c in named["contacts"] + more["contacts"]] == [ids[2], ids[0]]
    for spelt in ("%2B385991234501", "385 99 1234501", "+385991234501"):
        assert [c["id"] for c in (await api.get(f"{CONTACTS}?address={spelt}")).body["contacts"]] == [ids[1]]


async def test_who_writes_is_a_contact(api: Api) -> None:
    entry = api.gateway.channels.get(api.account_id, "demo-viber")
    assert entry is not None
    await api.gateway.inbound.submit(
        entry.channel, [Inbound("user-9", "me", Text(text="hi"), "p1", extra={"name": "Eva"})]
    )
    (found,) = (await api.get(CONTACTS)).body["contacts"]
    assert (found["name"], found["addresses"][0]["channel"]) == ("Eva", "demo-viber")


async def test_contacts_of_others_are_not_there(served: Api, api: Api) -> None:
    ana, stranger = await made(api, addresses=[NUMBER]), await served.account()
    path = f"{CONTACTS}/{ana['id']}"
    assert (await stranger.get(CONTACTS)).body["contacts"] == []
    assert (await stranger.get(f"{CONTACTS}?address=%2B385991234501")).body["contacts"] == []
    answers = [
        await stranger.get(path),
        await stranger.call("PATCH", path, {"name": "x"}),
        await stranger.post(f"{path}/addresses", NUMBER),
        await stranger.post(f"{path}/addresses/remove", NUMBER),
        await stranger.get(f"{CONTACTS}/nonsense"),
    ]
    assert [answer.status for answer in answers] == [404] * 5
    reader = await api.with_key(scopes=["people:read"])
    assert [(await reader.get(path)).status, (await reader.post(CONTACTS, {})).status] == [200, 403]


async def test_a_person_is_erased_once_and_a_repeat_answers_alike(api: Api) -> None:
    body = await made(api, name="Ana", addresses=[NUMBER])
    path = f"{CONTACTS}/{body['id']}"
    record = {"contact_id": body["id"], "granted": False}
    assert (await api.post("/api/v1/consent", {"records": [record]})).status == 201
    for _ in range(2):
        assert (await api.call("DELETE", path)).status == 204
    for method, at, more in (("GET", path, None), ("PATCH", path, {}), ("GET", f"{path}/consent", None)):
        assert (await api.call(method, at, more)).status == 404, at
    assert (await api.call("DELETE", f"{CONTACTS}/01980f5e-6c00-7000-8000-00000000abcd")).status == 404
    (kept,) = (await api.get("/api/v1/suppressions?address=385991234501")).body["suppressions"]
    assert (kept["lifted_by"], kept["name"]) == ("consent", None)
    assert kept["reason"] == "opted out before the contact was erased"
    asked = {"to": NUMBER["address"], "channel": "demo-sms"}
    assert (await api.post("/api/v1/consent/check", asked)).body["reason"] == "suppressed"
    again = await made(api, addresses=[NUMBER])
    assert again["id"] != body["id"]
