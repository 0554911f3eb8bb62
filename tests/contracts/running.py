"""`tyrian demo` as a process of its own, and a customer's web server that notes what is posted to it.

Both are plain blocking code, since the vendors' clients are.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

NATIVE_KEY: Final = "tyrian-demo-key"
#: Seconds after which a wait is hopeless.
LIMIT: Final = 60.0


@dataclass
class Posted:
    """One request that the customer's server got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """The customer's server. `answer` is the status that it answers with."""

    base: str = ""
    got: list[Posted] = field(default_factory=list)
    answer: int = 200
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    def url(self, path: str = "/hook") -> str:
        return self.base + path

    def note(self, posted: Posted) -> None:
        with self._arrived:
            self.got.append(posted)
            self._arrived.notify_all()

    def wait(self, wanted: Callable[[Posted], Any], count: int = 1, seconds: float = LIMIT) -> list[Posted]:
        """The first `count` requests that are wanted, once there are so many."""

        def found() -> list[Posted]:
            return [posted for posted in self.got if wanted(posted)]

        with self._arrived:
            enough = self._arrived.wait_for(lambda: len(found()) >= count, seconds)
            assert enough, f"{len(found())} of {count} came; all that came: {[p.body[:400] for p in self.got]}"
            return found()[:count]


class Server:
    """`with Server() as receiver`: listens on a free port of loopback."""

    def __enter__(self) -> Receiver:
        receiver = Receiver()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.note(Posted(self.command, self.path, headers, body))
                self.send_response(receiver.answer)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            do_GET = do_POST  # noqa: N815 - the name that the base class calls

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        receiver.base = f"http://127.0.0.1:{self._server.server_port}"
        # It looks this often, in seconds, whether it is to stop.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return receiver

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class Demo:
    """`with Demo(folder) as demo`: `demo.base` is where it listens, its clock running 60 times as fast."""

    def __init__(self, folder: Path, scale: int = 60) -> None:
        self._log_path = folder / "demo.log"
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self._command = [
            *(sys.executable, "-m", "tyrian", "demo", "--port", str(port)),
            *("--data-dir", str(folder), "--time-scale", str(scale)),
        ]

    def __enter__(self) -> "Demo":
        self._log = self._log_path.open("wb")
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log, env=environment)
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert self._process.poll() is None, self._log_path.read_text()[-2000:]
            if self._ready():
                return self
            time.sleep(0.1)
        raise AssertionError("the demo did not become ready")

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base}/readyz", timeout=5) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(40)
        finally:
            self._process.kill()
            self._log.close()

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request: status, headers (names in lower case), body. A `body` that is no bytes goes as JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {"content-type": "application/json", **(headers or {})} if data is not None else headers or {}
        request = urllib.request.Request(self.base + path, data, given, method=method)  # noqa: S310 - our own address
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, {n.lower(): v for n, v in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {n.lower(): v for n, v in error.headers.items()}, error.read()

    def native(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the native API; fails for an error."""
        status, _, answer = self.ask(method, path, body, {"authorization": f"Bearer {NATIVE_KEY}"})
        assert status < 400, answer
        return json.loads(answer) if answer else None

    def until(self, look: Callable[[], Any], seconds: float = LIMIT) -> Any:
        """Asks again until something true comes back."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := look():
                return found
            time.sleep(0.1)
        raise AssertionError(f"it did not come to be: {look()!r}")
