"""`accounts`, `keys` and `channels`: on the database, before there is any key, and over the API afterwards."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.conftest import Cli, Outcome, started

Local = Callable[..., Outcome]

SMS = ("--set", "host=127.0.0.1", "--set", "port=1", "--set", "system_id=007", "--set", "sender=Shop")


@pytest.fixture
def local(bare: Cli, database_url: str, tmp_path: Path) -> Local:
    """The command line on a database of the test's own."""

    def run(*arguments: object, typed: str | None = None) -> Outcome:
        options = ("--local", "--database-url", database_url, "--data-dir", tmp_path / "data")
        return bare(*arguments, *options, typed=typed)

    return run


# -- The first key ----------------------------------------------------------------------------------------------------


def test_the_first_key_opens_a_new_gateway(local: Local, bare: Cli, database_url: str, tmp_path: Path) -> None:
    made = local("accounts", "create", "shop", "--json").json
    key = made["key"]["secret"]
    assert made["signing_secret"]["secret"].startswith("whsec_")
    options = ("serve", "--port", "0", "--data-dir", tmp_path / "data", "--log-level", "error")
    with started(*options, TYRIAN_DATABASE_URL=database_url) as gateway:
        url = gateway.read_until(re.compile(r"ready at (http://\S+)"))[1]
        assert bare("channels", "list", "--json", "--key", key, url=url).json == {"channels": []}
        assert bare("accounts", "create", "other", "--key", key, url=url).code == 4
        # What is done on the database while the gateway runs holds for it at once.
        second = local("keys", "create", "--scope", "messages:read", "--json").json
        assert bare("channels", "list", "--key", second["secret"], url=url).code == 4
        assert local("keys", "revoke", second["id"], "--yes").code == 0
        while "key" not in bare("bulks", "list", "--key", second["secret"], url=url).err:
            pass
        assert local("channels", "add", "sms", "smpp", *SMS, "--secret", "password=x").code == 0
        assert bare("channels", "show", "sms", "--key", key, url=url).code == 0
        gateway.signal()
        assert gateway.end().code == 0


def test_an_operators_key_makes_accounts(local: Local, bare: Cli, cli: Cli) -> None:
    scopes = local("accounts", "create", "ops", "--operator", "--json").json["key"]["scopes"]
    assert "accounts:manage" in scopes
    told = cli("accounts", "create", "x", "--operator")
    assert (told.code, "--operator goes with --local" in told.err) == (2, True)


def test_accounts_on_the_database(local: Local) -> None:
    empty = local("keys", "list")
    assert (empty.code, "tyrian accounts create NAME --local" in empty.err) == (2, True)
    told = local("accounts", "create", "shop")
    assert told.code == 0
    assert re.search(r"^API key +tyrian_\w{43}$", told.out, re.MULTILINE)
    assert local("accounts", "create", "shop").code == 4
    wrong = local("accounts", "create", "a b")
    assert (wrong.code, "can be no account's name" in wrong.err) == (2, True)
    assert local("accounts", "create", "second").code == 0
    assert [a["name"] for a in local("accounts", "list", "--json").json["accounts"]] == ["second", "shop"]


def test_the_account_must_be_named_where_there_are_several(local: Local) -> None:
    for name in ("one", "two"):
        local("accounts", "create", name)
    assert local("keys", "list").err == "Say with --account which account is meant; there are one, two.\n"
    assert local("keys", "list", "--account", "three").err == 'There is no account "three"; there are one, two.\n'
    assert local("keys", "create", "--account", "one", "--name", "k").code == 0
    assert [k["name"] for k in local("keys", "list", "--account", "one", "--json").json["keys"]] == ["first key", "k"]


def test_options_of_the_database_need_local(bare: Cli, tmp_path: Path) -> None:
    told = bare("keys", "list", "--data-dir", tmp_path)
    assert (told.code, "go with --local" in told.err) == (2, True)


# -- Keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["local", "cli"])
def test_keys_are_made_listed_and_revoked(where: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(where)
    if where == "local":
        run("accounts", "create", "shop")
    name = f"key {uuid4()}"
    made = run("keys", "create", "--name", name, "--scope", "messages:send", "--rate", "5", "--json").json
    assert made["secret"].startswith("tyrian_")
    assert (made["scopes"], made["rate"], made["face"]) == (["messages:send"], 5.0, "native")
    listed = {key["id"]: key for key in run("keys", "list", "--json").json["keys"]}
    assert listed[made["id"]]["name"] == name
    assert name in run("keys", "list").out
    assert made["secret"] not in run("keys", "list").out
    asked = run("keys", "revoke", made["id"])
    assert (asked.code, "--yes" in asked.err) == (2, True)
    assert run("keys", "revoke", made["id"], "--yes").code == 0
    assert run("keys", "revoke", made["id"], "--yes").code == 4
    assert run("keys", "create", "--scope", "everything").code in (2, 4)
    assert re.search(r"^Secret +tyrian_\w{43}$", run("keys", "create").out, re.MULTILINE)


def test_an_id_that_is_none(local: Local) -> None:
    local("accounts", "create", "shop")
    assert local("keys", "revoke", "1", "--yes").err == '"1" is no id of a key.\n'


# -- Channels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["local", "cli"])
def test_channels_live_their_lives(where: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(where)
    if where == "local":
        run("accounts", "create", "shop")
    name = f"sms-{uuid4().hex[:8]}"
    more = ("--rate", "5", "--concurrency", "2", "--uncertain", "otp=fail", "--inbound-url", "https://example.org/in")
    told = run("channels", "add", name, "smpp", *SMS, *more, "--secret", "password=pw")
    assert (told.code, told.err) == (0, "")
    assert f"Channel {name} was added" in told.out
    shown = run("channels", "show", name, "--json").json
    # A number where the kind wants one, text where it wants text.
    assert (shown["config"]["port"], shown["config"]["system_id"]) == (1, "007")
    assert (shown["rate"], shown["concurrency"], shown["uncertain"]) == (5.0, 2, {"otp": "fail"})
    assert shown["secrets"] == {"password": "***"}
    assert "pw" not in run("channels", "show", name).out.split()
    assert run("channels", "add", name, "smpp", *SMS, "--secret", "password=pw").code == 4
    assert run("channels", "pause", name).code == 0
    assert re.search(rf"{name} +smpp +paused +5/s, 2 at once", run("channels", "list").out)
    assert run("channels", "resume", name, "--json").json["active"] is True
    checked = run("channels", "check", name)
    assert (checked.code, "127.0.0.1:1" in checked.out) == (1, True)
    assert run("channels", "remove", name).code == 2
    assert run("channels", "remove", name, "--yes").code == 0
    gone = run("channels", "show", name)
    assert (gone.code, f'No channel is named "{name}"' in gone.err) == (4, True)


@pytest.mark.parametrize("where", ["local", "cli"])
def test_every_mistake_of_a_channel_is_told(where: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(where)
    if where == "local":
        run("accounts", "create", "shop")
    told = run("channels", "add", "x", "smpp", "--set", "hst=a", "--uncertain", "otp=maybe")
    assert (told.code, "  /uncertain/otp: " in told.err) == (4, True)
    told = run("channels", "add", "x", "smpp", "--set", "hst=a")
    assert all(
        field in told.err for field in ("  /config/hst: ", "  /config/host: is required", "  /secrets/password: ")
    )
    assert run("channels", "add", "x", "pigeon").code == 4
    assert run("channels", "add", "x", "smpp", "--set", "host").code == 2


def test_the_demos_channels_are_well(cli: Cli) -> None:
    told = cli("channels", "check")
    assert (told.code, told.err) == (0, "")
    assert all(re.search(rf"{name} +ok +\S", told.out) for name in ("demo-bot", "demo-sms", "demo-viber"))
    assert [c["ok"] for c in cli("channels", "check", "--json").json["channels"]] == [True, True, True]


@pytest.mark.parametrize("where", ["local", "cli"])
def test_the_kinds_say_what_they_take(where: str, request: pytest.FixtureRequest) -> None:
    told = request.getfixturevalue(where)("channels", "kinds")
    assert re.search(r"--set host +required +string", told.out)
    assert re.search(r"--set port +2775 +integer", told.out)
    assert re.search(r"--secret token +required +string", told.out)


def test_a_secret_comes_from_a_file_or_is_asked_for(local: Local, tmp_path: Path) -> None:
    local("accounts", "create", "shop")
    file = tmp_path / "password"
    file.write_text("a file\n")
    assert local("channels", "add", "a", "smpp", *SMS, "--secret", f"password=@{file}").code == 0
    told = local("channels", "add", "b", "smpp", *SMS, "--secret", "password", typed="typed\n")
    assert (told.code, "typed" in told.out + told.err) == (0, False)
    assert local("channels", "add", "c", "smpp", *SMS, "--secret", "password=@/nowhere").code == 2
    assert local("channels", "add", "c", "smpp", *SMS, "--secret", "=x").code == 2


def test_callbacks_that_failed_are_listed_and_brought_again(cli: Cli) -> None:
    options = ("-c", "demo-viber", "--callback-url", "http://127.0.0.1:1/x")
    sent = cli("send", "+385991234505", "Hi", *options, "--wait", "--json").json["id"]
    while not (page := cli("callbacks", "list", "--message", sent, "--json").json["callbacks"]):
        pass
    number = page[0]["id"]
    assert f"{sent}  message.failed" in cli("callbacks", "list", "--message", sent).out
    assert cli("callbacks", "redeliver", number).out == "1 callback is tried again now.\n"
    assert cli("callbacks", "redeliver", "--all", "--since", "2026-01-01T00:00:00Z", "--json").json == {"callbacks": 0}
    assert cli("callbacks", "redeliver").code == 2
    assert cli("callbacks", "redeliver", number, "--since", "2026-01-01T00:00:00Z").code == 2
    assert cli("callbacks", "redeliver", 999_999_999).code == 4


def test_a_group_of_channels_is_added_and_shown(local: Local) -> None:
    local("accounts", "create", "shop")
    for name in ("a", "b"):
        assert local("channels", "add", name, "smpp", *SMS, "--secret", "password=x").code == 0
    members = [{"channel": "a", "weight": 3.0}, {"channel": "b"}]
    options = ("--set", f"members={json.dumps(members)}", "--set", "strategy=weight")
    assert local("channels", "add", "any", "group", *options).code == 0
    shown = local("channels", "show", "any", "--json").json
    assert shown["config"] == {"members": members, "strategy": "weight"}
    assert re.search(r"any +group +active", local("channels", "list").out)
    told = local("channels", "add", "none", "group", "--set", 'members=[{"channel": "nobody"}]')
    assert (told.code, "/config/members/0/channel" in told.err) == (4, True)


def test_a_channel_that_tracks_links_says_so(local: Local) -> None:
    local("accounts", "create", "shop")
    assert local("channels", "add", "a", "smpp", *SMS, "--secret", "password=x", "--track-links").code == 0
    assert re.search(r"links +tracked", local("channels", "show", "a").out)


def test_a_channel_that_sees_to_files_says_so(local: Local) -> None:
    local("accounts", "create", "shop")
    assert local("channels", "add", "a", "smpp", *SMS, "--secret", "password=x", "--media", "fit").code == 0
    assert re.search(r"files +looked at .* made to fit", local("channels", "show", "a").out)
    told = local("channels", "add", "b", "smpp", *SMS, "--secret", "password=x", "--media", "shrink")
    assert (told.code, "/media" in told.err) == (4, True)
