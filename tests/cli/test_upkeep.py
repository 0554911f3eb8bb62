"""`migrate` and `doctor`: what they find, in words, and what they advise."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.cli.conftest import Cli, Outcome
from tyrian.store.crypto import KEY_FILE
from tyrian.store.migrate import revisions

Doctor = Callable[..., Outcome]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def doctor(bare: Cli, database_url: str, data: Path) -> Doctor:
    """A look at a database of the test's own."""

    def look(*arguments: object) -> Outcome:
        return bare("doctor", "--database-url", database_url, "--data-dir", data, *arguments)

    return look


def _execute(url: str, statement: str) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(work())


def _found(told: Outcome, subject: str) -> dict[str, Any]:
    """The worst finding on a subject."""
    findings = [f for f in told.json["findings"] if f["subject"] == subject]
    assert findings, f"nothing is said of {subject}: {told}"
    return min(findings, key=lambda f: ("wrong", "note", "ok").index(f["state"]))


# -- Migrations -------------------------------------------------------------------------------------------------------


def test_migrating_an_empty_database(bare: Cli, empty_database_url: str, data: Path) -> None:
    options = ("--database-url", empty_database_url, "--data-dir", data)
    missing = ", ".join(revisions())
    told = bare("migrate", "--check", *options)
    assert (told.code, told.out) == (1, f"Missing: {missing}.\n")
    assert bare("migrate", *options).out == f"Applied: {missing}.\n"
    told = bare("migrate", "--check", *options)
    assert (told.code, told.out) == (0, f"The schema is that of this release ({revisions()[-1]}).\n")
    assert bare("migrate", "--json", *options).json == {"revision": revisions()[-1], "applied": []}


def test_a_database_of_a_later_release(bare: Cli, database_url: str, data: Path) -> None:
    _execute(database_url, "UPDATE alembic_version SET version_num = '9999_later'")
    told = bare("migrate", "--database-url", database_url, "--data-dir", data)
    assert (told.code, "9999_later" in told.err) == (1, True)


def test_a_database_that_is_away(bare: Cli, free_port: Callable[[], int], data: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/x"
    assert bare("migrate", "--database-url", url, "--data-dir", data).code == 3


# -- The doctor -------------------------------------------------------------------------------------------------------


def test_the_demo_is_well(bare: Cli, demo: str, data_dir: Path) -> None:
    told = bare("doctor", "--demo", "--data-dir", data_dir, "--port", demo.rpartition(":")[2])
    assert (told.code, told.err) == (0, ""), told
    assert told.out.endswith("Nothing is wrong.\n")
    states = {line.split()[0] for line in told.out.splitlines()[:-1] if not line.startswith(" ")}
    assert states <= {"ok", "note"}
    for subject in ("settings", "database", "durability", "clock", "migrations", "partitions", "secret key"):
        assert f"ok      {subject} " in told.out
    for subject in ("channel demo-viber", "webhook demo-viber", "webhook demo-bot", "channel demo-sms"):
        assert f"ok      {subject} " in told.out
    assert "webhook demo-sms" not in told.out


def test_a_new_installation(bare: Cli, data: Path) -> None:
    told = bare("doctor", "--data-dir", data, "--json")
    assert told.code == 0
    assert _found(told, "database")["advice"] == "Start a gateway with `tyrian serve`: it makes one."
    assert not data.exists()


def test_a_database_that_forgets(doctor: Doctor) -> None:
    told = doctor("--json")
    assert told.code == 1
    finding = _found(told, "durability")
    assert finding["state"] == "wrong"
    assert finding["detail"].startswith("fsync and synchronous_commit and full_page_writes are off")
    assert told.json["ok"] is False


def test_an_installation_without_a_gateway_or_channels(doctor: Doctor) -> None:
    told = doctor("--json")
    assert [_found(told, s)["state"] for s in ("gateways", "channels", "secret key")] == ["note", "note", "note"]


def test_settings_that_are_wrong(bare: Cli, monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    monkeypatch.setenv("TYRIAN_PROT", "1")
    monkeypatch.setenv("TYRIAN_WORKERS", "none")
    told = bare("doctor", "--data-dir", data)
    assert told.code == 1
    assert "wrong   settings              TYRIAN_PROT is not a setting; perhaps TYRIAN_PORT was meant." in told.out
    assert told.out.endswith("2 things are wrong.\n")


def test_a_database_that_cannot_be_reached(bare: Cli, free_port: Callable[[], int], data: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/x"
    told = bare("doctor", "--database-url", url, "--data-dir", data, "--json")
    assert told.code == 1
    assert _found(told, "database")["detail"].startswith("The database cannot be reached: ")


def test_a_schema_that_is_behind(bare: Cli, empty_database_url: str, data: Path) -> None:
    told = bare("doctor", "--database-url", empty_database_url, "--data-dir", data, "--json")
    assert "tyrian migrate" in _found(told, "migrations")["advice"]


def test_more_connections_than_the_server_takes(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYRIAN_WORKERS", "200")
    assert "lower workers" in _found(doctor("--json"), "connections")["advice"]


# -- Secrets and channels ---------------------------------------------------------------------------------------------


@pytest.fixture
def channel(bare: Cli, database_url: str, data: Path) -> None:
    """A Viber channel of the real network, whose address leads nowhere."""
    options = ("--local", "--database-url", database_url, "--data-dir", data)
    assert bare("accounts", "create", "shop", *options).code == 0
    config = ("--set", "service_id=7", "--set", "base_url=http://127.0.0.1:1", "--set", "timeout=1")
    assert bare("channels", "add", "shop", "viber_business", *config, *options).code == 0


@pytest.mark.usefixtures("channel")
def test_a_channel_whose_network_is_away(doctor: Doctor) -> None:
    told = doctor("--json")
    finding = _found(told, "channel shop")
    assert (finding["state"], "tyrian channels show shop" in finding["advice"]) == ("wrong", True)
    assert "no gateway runs" in _found(told, "webhook shop")["detail"]


@pytest.mark.usefixtures("channel")
def test_a_channel_that_is_paused(bare: Cli, doctor: Doctor, database_url: str, data: Path) -> None:
    bare("channels", "pause", "shop", "--local", "--database-url", database_url, "--data-dir", data)
    details = [f["detail"] for f in doctor("--json").json["findings"] if f["subject"] == "channel shop"]
    assert "It is paused: what is due on it waits." in details


@pytest.mark.usefixtures("channel")
def test_the_secret_key_is_gone_or_another(doctor: Doctor, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _found(doctor("--json"), "secret key")["state"] == "ok"
    (data / KEY_FILE).chmod(0o644)
    assert _found(doctor("--json"), "secret key")["advice"].startswith("chmod 600 ")
    (data / KEY_FILE).unlink()
    assert "Bring the file back" in _found(doctor("--json"), "secret key")["advice"]
    monkeypatch.setenv("TYRIAN_SECRET_KEY", "x" * 32)
    finding = _found(doctor("--json"), "secret key")
    assert (finding["state"], "old_secret_keys" in finding["advice"]) == ("wrong", True)


# -- What waits -------------------------------------------------------------------------------------------------------

_SEND = """
INSERT INTO sends (message_id, attempt_id, account_id, channel_id, priority, step, due_at, valid_until, recipient)
SELECT gen_random_uuid(), gen_random_uuid(), 1, id, 2, 0, now() - interval '1 hour', now() + interval '1 hour', 'x'
FROM channels
"""
_CALLBACK = """
INSERT INTO callbacks (message_id, account_id, endpoint_id, tries, parked, due_at, created_at, report)
VALUES (gen_random_uuid(), 1, 1, 9, {parked}, now(), now(), '')
"""


@pytest.mark.usefixtures("channel")
def test_messages_that_nobody_sends(doctor: Doctor, database_url: str) -> None:
    _execute(database_url, _SEND)
    finding = _found(doctor("--json"), "backlog")
    assert finding["detail"] == "1 message is due on shop, the oldest for 1 h."
    assert "tyrian serve" in finding["advice"]


@pytest.mark.parametrize(("parked", "state"), [("true", "wrong"), ("false", "note")])
def test_callbacks_that_failed(doctor: Doctor, database_url: str, parked: str, state: str) -> None:
    _execute(database_url, _CALLBACK.format(parked=parked))
    finding = _found(doctor("--json"), "callbacks")
    assert (finding["state"], "tyrian callbacks" in finding["advice"]) == (state, True)
