"""What commands say when the way to the gateway, or the gateway, is not as it should be."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.cli.conftest import Cli

PROBLEM = b'{"type":"/api/docs#x","title":"No","status":400,"detail":"Nothing doing.","problems":[]}'


class Stub(BaseHTTPRequestHandler):
    """Answers what the server's list says, one after another, the last one again and again."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answers: list[Any] = self.server.answers  # type: ignore[attr-defined]
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the base looks for this name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def stub() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Stub) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _answer(server: ThreadingHTTPServer, *answers: tuple[int, dict[str, str], bytes]) -> str:
    server.answers = list(answers)  # type: ignore[attr-defined]
    return f"http://127.0.0.1:{server.server_port}"


def test_nothing_listens(bare: Cli, free_port: Any) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    told = bare("bulks", "list", url=url)
    assert told.code == 3
    assert told.err.startswith(f"No gateway answers at {url}: Connection refused")
    assert "tyrian serve" in told.err
    assert told.out == ""


@pytest.mark.parametrize("url", ["ftp://x", "gateway", "http://", "http://127.0.0.1:99999"])
def test_a_url_that_is_none(bare: Cli, url: str) -> None:
    told = bare("bulks", "list", "--url", url)
    assert told.code == 2
    assert "--url must be" in told.err


def test_a_gateway_elsewhere_needs_a_key(bare: Cli) -> None:
    told = bare("bulks", "list", url="https://gateway.example.org")
    assert told.code == 2
    assert "TYRIAN_API_KEY" in told.err


@pytest.mark.parametrize(
    "answer", [(200, b"<html>hello</html>"), (404, b"not here"), (500, b'{"error": 1}'), (200, b"\xff\xfe")]
)
def test_something_else_answers(bare: Cli, stub: ThreadingHTTPServer, answer: tuple[int, bytes]) -> None:
    url = _answer(stub, (answer[0], {}, answer[1]))
    told = bare("bulks", "list", url=url)
    assert told.code == 3
    assert told.err.startswith(f"What answers at {url} is no Tyrian gateway: it said {answer[0]}")


def test_a_gateway_that_wants_no_more_for_now_is_asked_again(bare: Cli, stub: ThreadingHTTPServer) -> None:
    again = (429, {"retry-after": "0"}, PROBLEM), (503, {"retry-after": "0"}, PROBLEM)
    url = _answer(stub, *again, (200, {}, b'{"bulks":[]}'))
    assert bare("bulks", "list", "--json", url=url).json == {"bulks": []}


def test_a_gateway_that_fails_is_not_a_refusal(bare: Cli, stub: ThreadingHTTPServer) -> None:
    told = bare("bulks", "list", url=_answer(stub, (500, {}, PROBLEM)))
    assert (told.code, told.err) == (1, "Nothing doing.\n")


def test_a_key_that_is_wrong(cli: Cli) -> None:
    told = cli("bulks", "list", "--key", "nonsense")
    assert told.code == 4
    assert told.err.strip()
    assert "not the demo" not in told.err


def test_the_demo_key_on_a_gateway_that_is_not_the_demo(bare: Cli, stub: ThreadingHTTPServer) -> None:
    told = bare("bulks", "list", url=_answer(stub, (401, {}, PROBLEM)))
    assert told.code == 4
    assert "is not the demo: give your API key with --key or TYRIAN_API_KEY" in told.err
