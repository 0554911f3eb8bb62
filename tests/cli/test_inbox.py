"""`inbox`, `agents`, `queues`: who waits, answered and handed on from a terminal, and followed live."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import msgspec
import pytest

from tests.cli.conftest import Cli, started
from tyrian.cli.inbox_stream import read
from tyrian.cli.inbox_work import having, said

_numbers = count(10)


@pytest.fixture
def person(cli: Cli) -> str:
    """Somebody who has written: their handset answers every message."""
    to = f"+3859912{next(_numbers):03}11"
    assert cli("agents", "set", "demo-agent", "offline").code == 0
    assert cli("send", to, "Hi", "-c", "demo-viber", "--wait").code == 0
    for _ in range(100):
        if cli("inbox", "list", "--waiting", "--person", to, "--json").json["conversations"]:
            break
    return to


def test_from_waiting_to_closed(cli: Cli, person: str) -> None:
    listed = cli("inbox", "list", "--waiting")
    assert re.search(rf"{re.escape(person)} .*waits in demo-queue", listed.out), listed
    assert re.search(r"demo-queue +[1-9]", cli("queues", "list").out)
    shown = cli("inbox", "show", person)
    assert "echo: Hi" in shown.out
    assigned = cli("inbox", "assign", person, "--agent", "demo-agent")
    assert assigned.out.strip().endswith("was assigned: open, demo-agent, alerted."), assigned
    replied = cli("inbox", "reply", person, "On its way", "--as", "demo-agent")
    assert (replied.code, "demo-agent: On its way" in replied.out) == (0, True), replied
    assert "demo-agent notes: a regular" in cli("inbox", "note", person, "a regular", "--as", "demo-agent").out
    moved = cli("inbox", "transfer", person, "--queue", "demo-queue", "--note", "yours").out
    assert "was handed on: transferred, waits in demo-queue" in moved
    closed = cli("inbox", "close", person, "--wrapup", "Done.")
    assert "was closed: closed." in closed.out
    gone = cli("inbox", "show", person)
    assert (gone.code, "No conversation with" in gone.err) == (4, True)
    identifier = gone.err.split()[-1].rstrip(".")
    assert "is open again: open" in cli("inbox", "reopen", identifier).out
    kinds = [item["event"] or item["kind"] for item in cli("inbox", "show", person, "--json").json["items"]]
    assert kinds[-2:] == ["closed", "reopened"]


def test_what_is_refused(cli: Cli, person: str) -> None:
    for arguments, code, words in (
        (("transfer", person), 4, "must have exactly one of queue, agent, channel, external"),
        (("assign", person, "--queue", "none"), 4, "/queue: names no queue of this account"),
        (("reply", person, "x", "--as", "nobody"), 4, "/by: names no agent"),
        (("reply", person), 2, "There is nothing to send"),
        (("show", "+385991239999"), 4, "No conversation with +385991239999 is open."),
        (("list", "--state", "lost"), 4, "state"),
    ):
        told = cli("inbox", *arguments)
        assert (told.code, told.out, words in told.err) == (code, "", True), told


def test_agents(cli: Cli) -> None:
    assert cli("agents", "set", "demo-agent", "available").out.startswith("demo-agent is available and has ")
    listed = cli("agents", "list")
    assert re.search(r"demo-agent +available .*demo-queue", listed.out), listed
    assert cli("agents", "set", "demo-agent", "asleep").code == 4


def test_the_inbox_is_followed(cli: Cli, demo: str, person: str) -> None:
    identifier = cli("inbox", "show", person, "--json").json["id"]
    with started("inbox", "watch", identifier, "--json", "--after", "0", TYRIAN_URL=demo) as watch:
        first = msgspec.json.decode(watch.stdout.readline())
        assert (first["type"], first["data"]["event"]) == ("item", "opened")
        cli("inbox", "note", person, "seen from afar")
        found = watch.read_until(re.compile("seen from afar"))
        number = msgspec.json.decode(found.string)["number"]
        watch.signal()
        assert (watch.end().code, number > first["number"]) == (130, True)
    with started("inbox", "watch", identifier, "--after", str(number - 1), TYRIAN_URL=demo) as watch:
        assert watch.stdout.readline().startswith(f"{identifier}  ")
        watch.signal()
        watch.end()


class _Cutting(BaseHTTPRequestHandler):
    """A gateway whose every connection ends after one event; before the first, after its greeting."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path.partition("?")[2])
        self.send_response(200)
        self.end_headers()
        number = len(self.asked)
        if number == 1:
            self.wfile.write(b"id: 7\nretry: 1000\n\n")
        else:
            data = b'{"name": "Mia", "state": "away"}'
            self.wfile.write(b": still here\n\nid: %d\nevent: agent\ndata: %b\n\nid: 99" % (number + 8, data))

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def cutting() -> Iterator[ThreadingHTTPServer]:
    _Cutting.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Cutting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_connection_that_is_lost_goes_on_where_it_was(cutting: ThreadingHTTPServer) -> None:
    with started("inbox", "watch", TYRIAN_URL=f"http://127.0.0.1:{cutting.server_port}") as watch:
        assert [watch.stdout.readline() for _ in range(2)] == ["Agent Mia is away.\n"] * 2
        watch.signal()
        watch.end()
    assert _Cutting.asked[:3] == ["", "after=7", "after=10"]


def test_nobody_there(cli: Cli) -> None:
    assert cli("inbox", "watch", url="http://127.0.0.1:9").code == 3


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (b": still here", (None, None)),
        (b"id: 7\nretry: 1000", (7, None)),
        (b'id: 8\nevent: gap\ndata: {}', (8, {"number": 8, "type": "gap", "data": {}})),
    ],
)  # fmt: skip
def test_blocks_of_a_stream(block: bytes, told: object) -> None:
    assert read(block) == told


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ""),
        ({"type": "text", "text": "hello"}, "hello"),
        ({"type": "image", "url": "https://x/y.png"}, "[image] https://x/y.png"),
        ({"type": "sticker", "id": 4}, "[sticker]"),
    ],
)
def test_a_content_in_a_line(content: dict[str, object] | None, words: str) -> None:
    assert said(content) == words


def test_who_has_it() -> None:
    legs = [
        {"role": "queue", "state": "connected", "name": "help"},
        {"role": "agent", "state": "ended", "name": "Mia"},
    ]
    assert having({"legs": legs}) == "waits in help"
    assert having({"legs": [*legs, {"role": "agent", "state": "alerting", "name": "Zoe"}]}) == "Zoe, alerted"
    assert having({"legs": [*legs, {"role": "external", "state": "connected", "name": "voice"}]}) == "voice"
