"""Channels, keys, signing secrets and accounts, over real HTTP against a running gateway."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, get_args

import aiohttp
import pytest
import pytest_asyncio
import uvicorn

from tests.clock import ManualClock
from tests.engine.fake_kind import Network
from tyrian.app import App
from tyrian.engine.gateway import Gateway
from tyrian.engine.keys import ALL_SCOPES, SCOPES
from tyrian.engine.signing import OVERLAP
from tyrian.protocols.native import admin_operations, admin_wire
from tyrian.protocols.native.app import NativeFace
from tyrian.protocols.native.times import stamp
from tyrian.settings import Settings
from tyrian.store import accounts
from tyrian.store.accounts import Account
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "TOKEN-OF-THE-BOT"
SHOP = {"name": "shop", "kind": "fake", "config": {"port": 1}, "secrets": {"token": TOKEN}}


_numbers = count(1)


def north() -> str:
    """A name that no account has yet."""
    return f"north-{next(_numbers)}"


@dataclass
class Answered:
    """An answer, read."""

    status: int
    body: Any
    text: str

    @property
    def pointers(self) -> list[str]:
        return sorted(problem["pointer"] for problem in self.body["problems"])


@dataclass
class Api:
    """A caller of the gateway's API, with its own key unless told otherwise."""

    base: str
    gateway: Gateway
    network: Network
    session: aiohttp.ClientSession
    account: Account | None = None
    key: str = ""

    @property
    def account_id(self) -> int:
        """The caller's account."""
        assert self.account is not None
        return self.account.id

    @property
    def now(self) -> str:
        """The time, as the API writes it."""
        return stamp(self.gateway.clock.now())

    async def __call__(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Answered:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        async with self.session.request(method, f"{self.base}/api/v1{path}", json=body, headers=headers) as answer:
            text = await answer.text()
            return Answered(answer.status, await answer.json(content_type=None) if text else None, text)

    async def key_with(self, *scopes: str) -> str:
        """The secret of a further key."""
        return (await self.gateway.keys.create(self.account_id, name="limited", scopes=scopes)).secret


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """A gateway behind a real HTTP server, for all tests of this module."""
    db = await Database.open(module_database_url, work=6, reading=3)
    network = Network()
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), public_url="https://gateway.example")
    box, kinds = SecretBox("a key for tests"), {"fake": network.kind()}
    gateway = Gateway(db, settings, ManualClock(), [NativeFace()], box, roles=frozenset({"api"}), kinds=kinds)
    await gateway.start()
    config = uvicorn.Config(App(gateway), port=0, lifespan="off", log_config=None, access_log=False, ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        yield Api(f"http://127.0.0.1:{port}", gateway, network, session)
    server.should_exit = True
    await serving
    await gateway.stop(1)


@pytest_asyncio.fixture(loop_scope="module")
async def api(served: Api) -> Api:
    """A caller with an account of its own, whose key may do everything."""
    served.network.log.clear()
    served.network.fail_check = False
    account = await accounts.create(served.gateway.db, f"account-{next(_numbers)}", served.gateway.clock.now())
    key = (await served.gateway.keys.create(account.id, name="demo")).secret
    return replace(served, account=account, key=key)


# -- Channels ---------------------------------------------------------------------------------------------------------


async def test_a_channel_is_made_set_up_and_shown_without_its_secrets(api: Api) -> None:
    made = await api("POST", "/channels", {**SHOP, "rate": 5, "uncertain": {"otp": "fail"}})
    assert made.status == 201
    entry = api.gateway.channels.get(api.account_id, "shop")
    assert entry is not None
    assert made.body == {
        "name": "shop",
        "kind": "fake",
        "config": {"port": 1},
        "secrets": {"token": "***"},
        "rate": 5.0,
        "concurrency": None,
        "uncertain": {"otp": "fail"},
        "active": True,
        "inbound_url": None,
        "senders": [],
        "verification": {
            "state": "active",
            "reason": None,
            "detail": f"The webhook of {TOKEN} is set.",
            "fix": None,
            "at": api.now,
        },
        "track_links": False,
        "media": "as_is",
        "sessions": {
            "enforced": False,
            "duration": 86400,
            "sent_limit": 60,
            "unanswered_limit": 10,
            "opt_in": None,
        },
        "hook_url": f"https://gateway.example/hooks/{entry.channel.id}",
        "trouble": None,
        "circuit": "closed",
        "created_at": api.now,
        "updated_at": api.now,
        "setup": {"ok": True, "detail": f"The webhook of {TOKEN} is set.", "reason": None, "fix": None},
    }
    shown = {name: value for name, value in made.body.items() if name != "setup"}
    assert (await api("GET", "/channels/shop")).body == shown
    assert (await api("GET", "/channels")).body == {"channels": [shown]}
    for path in ("/channels", "/channels/shop"):
        text = (await api("GET", path)).text.replace(f"The webhook of {TOKEN} is set.", "what the network said")
        assert TOKEN not in text


async def test_every_problem_of_a_channel_is_named_and_nothing_stored(api: Api) -> None:
    wrong: dict[str, Any] = {
        "name": "a b",
        "kind": "fake",
        "config": {"port": 0, "prot": 1},
        "secrets": {"token": "x"},
        "rate": -1,
        "inbound_url": "http://127.0.0.1/in",
        "extra": 1,
    }
    shape = await api("POST", "/channels", wrong)
    assert (shape.status, shape.pointers) == (422, ["/extra", "/name", "/rate"])
    del wrong["extra"]
    meaning = await api("POST", "/channels", {**wrong, "name": "ab", "rate": 1})
    assert (meaning.status, meaning.pointers) == (
        422,
        ["/config/port", "/config/prot", "/inbound_url", "/secrets/token"],
    )
    assert (await api("GET", "/channels")).body == {"channels": []}


@pytest.mark.parametrize(
    "config",
    [
        {"port": 10**4000},
        {"options": {"a": "x\0y"}},
        {"base_url": "x" * 70_000},
        {"options": [1]},
        {"lucky": 13},
    ],
    ids=["a long number", "NUL", "too long", "another type", "the kind's own rule"],
)
async def test_strange_settings_are_refused_and_break_nothing(api: Api, config: Any) -> None:
    refused = await api("POST", "/channels", {**SHOP, "config": config})
    assert refused.status in (400, 422)
    assert (await api("GET", "/channels")).body == {"channels": []}


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x", "http://[::1]/", "ftp://example.org", "http://10.1.2.3", "https://", "nonsense"]
)
async def test_inbound_urls_cannot_lead_inside(api: Api, url: str) -> None:
    assert (await api("POST", "/channels", {**SHOP, "inbound_url": url})).pointers == ["/inbound_url"]
    await api("POST", "/channels", SHOP)
    assert (await api("PATCH", "/channels/shop", {"inbound_url": url})).pointers == ["/inbound_url"]


async def test_a_taken_name_is_a_conflict(api: Api) -> None:
    await api("POST", "/channels", SHOP)
    again = await api("POST", "/channels", SHOP)
    assert (again.status, again.body["detail"]) == (409, 'A channel named "shop" exists already.')


async def test_a_change_merges_and_keeps_masked_secrets(api: Api) -> None:
    await api("POST", "/channels", SHOP)
    changed = await api(
        "PATCH", "/channels/shop", {"config": {"options": {"a": 1}}, "secrets": {"token": "***"}, "rate": 2}
    )
    assert changed.status == 200
    assert changed.body["config"] == {"port": 1, "options": {"a": 1}}
    assert changed.body["setup"]["detail"] == f"The webhook of {TOKEN} is set."
    entry = api.gateway.channels.get(api.account_id, "shop")
    assert entry is not None
    assert (entry.channel.secrets, entry.channel.rate) == ({"token": TOKEN}, 2.0)


async def test_a_change_that_the_network_need_not_hear_of_sets_nothing_up(api: Api) -> None:
    await api("POST", "/channels", SHOP)
    assert (await api("PATCH", "/channels/shop", {"rate": 2})).body["setup"] is None
    assert api.network.log.count(f"provision {TOKEN}") == 1


async def test_a_wrong_change_is_refused(api: Api) -> None:
    await api("POST", "/channels", SHOP)
    assert (await api("PATCH", "/channels/shop", {"config": {"port": 0}})).pointers == ["/config/port"]
    assert (await api("PATCH", "/channels/shop", {"name": "other"})).pointers == ["/name"]
    assert (await api("GET", "/channels/shop")).body["config"] == {"port": 1}


async def test_pause_and_resume(api: Api) -> None:
    await api("POST", "/channels", SHOP)
    assert (await api("POST", "/channels/shop/pause")).body["active"] is False
    assert (await api("GET", "/channels/shop")).body["active"] is False
    assert (await api("POST", "/channels/shop/resume")).body["active"] is True


async def test_check_and_setup_say_what_the_network_says(api: Api) -> None:
    await api("POST", "/channels", SHOP)
    fine = {"ok": True, "detail": f"{TOKEN} works.", "reason": None, "fix": None}
    assert (await api("POST", "/channels/shop/check")).body == fine
    assert (await api("POST", "/channels/shop/setup")).body["ok"] is True
    api.network.fail_check = True
    assert (await api("POST", "/channels/shop/check")).body["ok"] is False


async def test_a_removed_channel_is_gone(api: Api) -> None:
    await api("POST", "/channels", SHOP)
    assert (await api("DELETE", "/channels/shop")).status == 204
    assert (await api("GET", "/channels/shop")).status == 404
    assert (await api("POST", "/channels", SHOP)).status == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/channels/nobody", None),
        ("GET", "/channels/a%00b", None),
        ("PATCH", "/channels/nobody", {"rate": 1}),
        ("DELETE", "/channels/%F0%9F%98%80", None),
        ("POST", "/channels/nobody/pause", None),
        ("POST", "/channels/nobody/resume", None),
        ("POST", "/channels/nobody/check", None),
        ("POST", "/channels/nobody/setup", None),
        ("DELETE", "/keys/00000000-0000-0000-0000-000000000000", None),
        ("DELETE", "/keys/nonsense", None),
    ],
)
async def test_what_is_not_there_is_not_found(api: Api, method: str, path: str, body: Any) -> None:
    assert (await api(method, path, body)).status == 404


async def test_kinds_say_what_they_take(api: Api) -> None:
    kind, group = (await api("GET", "/channel-kinds")).body["kinds"]
    assert group["kind"] == "group"
    assert (kind["kind"], kind["title"]) == ("fake", "Fake")
    (config,) = kind["config"]["$defs"].values()
    assert {"base_url", "port", "options", "lucky"} == set(config["properties"])


async def test_another_accounts_channels_and_keys_are_not_there(api: Api) -> None:
    await api("POST", "/channels", SHOP)
    made = (await api("POST", "/accounts", {"name": north()})).body
    other = made["key"]["secret"]
    assert (await api("GET", "/channels", key=other)).body == {"channels": []}
    for method, path in (("GET", "/channels/shop"), ("DELETE", "/channels/shop"), ("POST", "/channels/shop/pause")):
        assert (await api(method, path, key=other)).status == 404
    mine = (await api("GET", "/keys")).body["keys"][0]["id"]
    assert (await api("DELETE", f"/keys/{mine}", key=other)).status == 404


# -- Keys -------------------------------------------------------------------------------------------------------------


async def test_a_key_is_shown_once_works_and_is_revoked(api: Api) -> None:
    made = await api("POST", "/keys", {"name": "web", "scopes": ["keys:manage", "channels:read"], "rate": 50})
    assert made.status == 201
    secret = made.body["secret"]
    assert secret.startswith("tyrian_")
    listed = await api("GET", "/keys", key=secret)
    assert [key["name"] for key in listed.body["keys"]] == ["demo", "web"]
    assert listed.body["keys"][1] == {k: v for k, v in made.body.items() if k not in ("secret", "identity")}
    assert secret not in listed.text
    assert (await api("DELETE", f"/keys/{made.body['id']}")).status == 204
    assert (await api("GET", "/keys", key=secret)).status == 401


async def test_a_key_gives_only_what_it_has(api: Api) -> None:
    poor = await api.key_with("keys:manage", "messages:read")
    wanted = {"name": "rich", "scopes": ["messages:read", "accounts:manage", "messages:send"]}
    refused = await api("POST", "/keys", wanted, key=poor)
    assert (refused.status, refused.pointers) == (403, ["/scopes/1", "/scopes/2"])
    assert (await api("POST", "/keys", {**wanted, "scopes": ["messages:read"]}, key=poor)).status == 201


async def test_a_key_cannot_revoke_itself(api: Api) -> None:
    (own,) = (await api("GET", "/keys")).body["keys"]
    assert (await api("DELETE", f"/keys/{own['id']}")).status == 409


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name", "/scopes"]),
        ({"name": "", "scopes": []}, ["/name", "/scopes"]),
        ({"name": "x", "scopes": ["moon:walk"]}, ["/scopes/0"]),
        ({"name": "x", "scopes": ["messages:send"], "rate": 0}, ["/rate"]),
        ({"name": "x", "scopes": ["messages:send"], "face": "carrier-pigeon"}, ["/face"]),
        ({"name": "x", "scopes": ["messages:send"], "form": "pair"}, ["/form"]),
        ({"name": "x", "scopes": ["messages:send"], "identity": "me"}, ["/identity"]),
        ({"name": "x", "scopes": ["messages:send"], "form": "pair", "identity": "a:b"}, ["/identity"]),
        ({"name": "x\0", "scopes": ["messages:send"]}, ["/name"]),
        ({"name": "x", "scopes": ["messages:send"], "secret": "mine"}, ["/secret"]),
    ],
)
async def test_what_is_wrong_with_a_key_is_named(api: Api, body: dict[str, Any], pointers: list[str]) -> None:
    refused = await api("POST", "/keys", body)
    assert (refused.status, refused.pointers) == (422, pointers)


async def test_keys_of_faces_with_other_forms(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    class Signing(NativeFace):
        name = "signing"
        forms = ("signed", "pair")

    monkeypatch.setitem(api.gateway.faces, "signing", Signing())
    body = {"name": "x", "scopes": ["messages:send"], "face": "signing", "form": "signed", "identity": "AB-12"}
    made = await api("POST", "/keys", body)
    assert (made.status, made.body["identity"], made.body["prefix"]) == (201, "AB-12", "AB-12")
    assert not made.body["secret"].startswith("tyrian_")
    assert (await api("POST", "/keys", body)).status == 409
    drawn = await api("POST", "/keys", {**body, "identity": None, "form": "pair"})
    assert len(drawn.body["identity"]) == 36
    assert (await api("POST", "/keys", {**body, "form": "token", "identity": None})).pointers == ["/form"]


# -- Signing secrets --------------------------------------------------------------------------------------------------


async def test_signing_secrets_rotate_with_an_overlap(api: Api) -> None:
    assert (await api("GET", "/signing-secrets")).body == {"signing_secrets": []}
    first = await api("POST", "/signing-secrets", {})
    assert first.status == 201
    clock = api.gateway.clock
    assert isinstance(clock, ManualClock)
    began = api.now
    await clock.advance(60)
    second = await api("POST", "/signing-secrets", {"face": "native"})
    ends = stamp(clock.now() + OVERLAP)
    listed = await api("GET", "/signing-secrets")
    assert listed.body["signing_secrets"] == [
        {"face": "native", "created_at": api.now, "expires_at": None},
        {"face": "native", "created_at": began, "expires_at": ends},
    ]
    keys = await api.gateway.keys.signing.signing_keys(api.account_id)
    assert keys == [second.body["secret"], first.body["secret"]]
    assert not any(key in listed.text for key in keys)


async def test_an_unknown_face_has_no_signing_secrets(api: Api) -> None:
    assert (await api("POST", "/signing-secrets", {"face": "x"})).pointers == ["/face"]
    assert (await api("GET", "/signing-secrets?face=%00")).status == 422


# -- Accounts ---------------------------------------------------------------------------------------------------------


async def test_a_new_account_can_work_at_once(api: Api) -> None:
    name = north()
    made = await api("POST", "/accounts", {"name": name})
    assert made.status == 201
    key = made.body["key"]
    assert set(key["scopes"]) == ALL_SCOPES - {"accounts:manage"}
    assert (await api("POST", "/channels", SHOP, key=key["secret"])).status == 201
    account = await accounts.by_name(api.gateway.db, name)
    assert account is not None
    assert await api.gateway.keys.signing.signing_keys(account.id) == [made.body["signing_secret"]["secret"]]


async def test_everybody_sees_the_own_account_and_the_operator_all(api: Api) -> None:
    name = north()
    other = (await api("POST", "/accounts", {"name": name})).body["key"]["secret"]
    assert api.account is not None
    seen = [account["name"] for account in (await api("GET", "/accounts")).body["accounts"]]
    assert {name, api.account.name} <= set(seen)
    assert [account["name"] for account in (await api("GET", "/accounts", key=other)).body["accounts"]] == [name]
    assert (await api("POST", "/accounts", {"name": north()}, key=other)).status == 403


async def test_account_names_are_checked(api: Api) -> None:
    assert api.account is not None
    assert (await api("POST", "/accounts", {"name": api.account.name})).status == 409
    assert (await api("POST", "/accounts", {"name": "a b"})).pointers == ["/name"]


# -- All of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operation", [o for o in admin_operations.OPERATIONS if o.scope], ids=lambda operation: operation.name
)
async def test_every_operation_needs_its_scope(api: Api, operation: Any) -> None:
    without = await api.key_with(*(ALL_SCOPES - {operation.scope}))
    path = operation.path.removeprefix("/api/v1").replace("{id}", "shop")
    body = next(iter(operation.examples.values()), None)
    refused = await api(operation.method, path, body, key=without)
    assert (refused.status, operation.scope in refused.body["detail"]) == (403, True)


async def test_the_apis_scopes_are_the_engines() -> None:
    assert get_args(admin_wire.Scope) == tuple(SCOPES)
