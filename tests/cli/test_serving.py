"""Starting a gateway: what it says when it is ready, and when it cannot be."""

import re
import socket
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, started
from tyrian.cli import welcome
from tyrian.cli.serving import demo_settings
from tyrian.settings import Settings


def test_a_gateway_says_in_one_line_that_it_is_ready(database_url: str, tmp_path: Path, bare: Cli) -> None:
    options = ("serve", "--port", "0", "--data-dir", tmp_path, "--log-level", "warning")
    with started(*options, TYRIAN_DATABASE_URL=database_url) as gateway:
        line = gateway.stdout.readline()
        found = re.fullmatch(
            r"Tyrian is ready at (http://127\.0\.0\.1:[1-9]\d*) \(database: your own; role: all\)\n", line
        )
        assert found, line
        refused = bare("bulks", "list", url=found[1])
        assert (refused.code, "is not the demo" in refused.err) == (4, True)
        gateway.signal()
        ended = gateway.end()
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_the_port_is_taken(bare: Cli, database_url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        told = bare("serve", "--port", port, "--data-dir", tmp_path, "--database-url", database_url)
    assert told.code == 1
    said = f"Tyrian cannot listen on 127.0.0.1 port {port}: Address already in use."
    assert told.err == f"{said} Another program listens there; choose another --port.\n"


def test_every_wrong_setting_is_told(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYRIAN_PROT", "1")
    monkeypatch.setenv("TYRIAN_WORKERS", "none")
    told = bare("serve", "--role", "cook")
    assert told.code == 2
    assert told.err.splitlines() == [
        "TYRIAN_PROT is not a setting; perhaps TYRIAN_PORT was meant.",
        'TYRIAN_WORKERS must be a whole number from 1 to 256, not "none".',
        '--role must be one of all, api, dispatch, callbacks, not "cook".',
    ]


def test_the_variables_of_the_client_are_no_misspelt_settings(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYRIAN_API_KEY", "k")
    assert bare("serve", "--role", "cook", url="http://x").err.startswith("--role must be")


def test_the_database_is_away(bare: Cli, tmp_path: Path, free_port: "socket.socket") -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/tyrian"  # type: ignore[operator]
    told = bare("serve", "--port", "0", "--data-dir", tmp_path, "--database-url", url, "--log-level", "error")
    assert told.code == 3
    assert told.err.startswith("The database cannot be reached: ")
    assert "database_url" in told.err


def test_the_database_refuses(bare: Cli, tmp_path: Path, database_url: str) -> None:
    url = database_url.replace("/test_", "/nothing_")
    told = bare("serve", "--port", "0", "--data-dir", tmp_path, "--database-url", url, "--log-level", "error")
    assert told.code == 3
    assert told.err.startswith("The database refuses: database ")


def test_the_data_folder_cannot_be_made(bare: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = bare("serve", "--port", "0", "--data-dir", tmp_path / "file" / "data", "--log-level", "error")
    assert told.code == 1
    assert "cannot be made: Not a directory" in told.err


@pytest.mark.parametrize("words", [("serve", "--port", "x"), ("serve", "--colour"), ("dance",), ("bulk",)])
def test_a_command_line_that_is_wrong(bare: Cli, words: tuple[str, ...]) -> None:
    assert bare(*words).code == 2


# -- The demo ---------------------------------------------------------------------------------------------------------


def test_the_demo_stays_on_this_machine_and_leaves_the_gateways_data_alone(tmp_path: Path) -> None:
    outside = Settings(
        host="0.0.0.0", port=9000, data_dir=tmp_path, database_url="postgresql://db/tyrian", secret_key="k" * 32,
        public_url="https://gateway.example.org", workers=4, role="api",
    )  # fmt: skip
    settings = demo_settings(outside, own_folder=False)
    assert (settings.host, settings.public_url) == ("127.0.0.1", "http://127.0.0.1:9000")
    assert (settings.data_dir, settings.database_url, settings.secret_key) == (tmp_path / "demo", None, None)
    assert (settings.workers, settings.role) == (1, "all")
    assert [str(network) for network in settings.allow_private_callbacks] == ["127.0.0.0/8", "::1/128"]
    assert demo_settings(outside, own_folder=True).data_dir == tmp_path


def test_the_page_of_the_demo_says_what_to_try() -> None:
    page = welcome.demo(Settings(port=8123), 60)
    assert "ready at http://127.0.0.1:8123" in page
    assert "60 times" in page
    assert all(f"  {ending}  " in page for ending in (f"{n:02}" for n in range(1, 12)))
    assert all(name in page for name in ("tyrian-demo-key", "demo-viber", "demo-bot", "demo-sms"))
    assert max(map(len, page.split("Try it")[0].splitlines())) <= 100


def test_what_the_demo_tells_to_try_works(cli: Cli, demo: str) -> None:
    command = welcome.demo(Settings(port=int(demo.rpartition(":")[2])), 10).partition("\ntyrian send ")[2]
    to, _, rest = command.partition(" '")
    text, _, options = rest.partition("' ")
    told = cli("send", to, text, *options.replace("\\\n", "").split())
    assert (told.code, told.err) == (0, "")
    assert "Outcome: delivered on demo-sms" in told.out


def test_the_address_of_a_gateway_that_listens_everywhere() -> None:
    assert welcome.address(Settings(host="0.0.0.0", port=1)) == "http://127.0.0.1:1"
    assert welcome.address(Settings(host="::", port=1)) == "http://[::1]:1"
