"""The terminals of a reader: a shell for commands, and programs that keep running in terminals of their own."""

import os
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

_DONE: Final = "what was asked for is done, with code"


class Shell:
    """One bash for a whole page, so that variables and folders stay as the page leaves them."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, commands: str, seconds: float = 60) -> tuple[int, str]:
        """The exit code of the last command, and all that was printed. TimeoutError if it does not end."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{{\n{commands}\n}} </dev/null\nprintf '\\n{_DONE} %s\\n' $?\n".encode())
        self._process.stdin.flush()
        said = self._read_until(f"\n{_DONE} ", seconds)
        printed, _, code = said.rpartition(f"\n{_DONE} ")
        return int(code), printed

    def _read_until(self, mark: str, seconds: float) -> str:
        assert self._process.stdout is not None
        pipe, ends, said = self._process.stdout.fileno(), time.monotonic() + seconds, b""
        while not re.search(re.escape(mark) + r"\d+\n$", said.decode(errors="replace")):
            ready, _, _ = select.select([pipe], [], [], max(ends - time.monotonic(), 0))
            if not ready:
                raise TimeoutError(f"the shell does not come back; so far it said:\n{said.decode(errors='replace')}")
            said += os.read(pipe, 65536)
        return said.decode()

    def close(self) -> None:
        """Ends the shell."""
        self._process.kill()
        self._process.communicate()


class Program:
    """A program in a terminal of its own, with everything that it has printed."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            list(command), cwd=folder, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._news = threading.Condition()
        self._printed = b""
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while piece := os.read(self._process.stdout.fileno(), 65536):
            with self._news:
                self._printed += piece
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def printed(self) -> str:
        """All it has printed so far."""
        return self._printed.decode(errors="replace")

    def wait_for(self, fits: Callable[[str], bool], seconds: float = 60) -> bool:
        """Waits until what it has printed fits. False if it ended, or the time did, before that."""
        with self._news:
            self._news.wait_for(lambda: fits(self.printed) or self._ended, seconds)
            return fits(self.printed)

    def stop(self) -> int:
        """Ctrl-C, and the wait for its end. Returns the exit code."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return self._process.returncode
