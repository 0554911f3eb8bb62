"""People in a flow, in a process of their own: Viber's Bot API on one side, thumbs on buttons on the other.

First everybody writes to the bot, `at_once` of them at a time, until each has a message with buttons. Then buttons are
pressed at `rate` a second, each person in turn, with the very codes that the messages brought, in rounds without pauses
between them. A press is timed from the moment it was due until the next message to that person is posted here.
"""

import asyncio
import hmac
import re
import time
from typing import Any, Final

import msgspec
from msgspec import Struct

from bench import child, wire
from bench.histogram import Histogram

_PATH: Final = b"/pa/send_message"
_TOKEN: Final = 5_379_697_806_000_000_000
_WORDS: Final = re.compile(rb'"receiver":"bench(\d{7})==".*?"ActionBody":"([^"]+)"', re.DOTALL)
_OK: Final = b'{"status":0,"status_message":"ok","message_token":%d}'
_TICK: Final = 0.001
_PATIENCE: Final = 60.0


class Spec(Struct, kw_only=True):
    """Where the bot is heard (`port`, `path`, `token`), where this listens, and how many press how fast how long."""

    port: int
    path: str
    token: str
    listen: int
    people: int
    rate: float
    seconds: float
    rounds: int
    warm: float
    at_once: int = 64


class Result(Struct, kw_only=True):
    """Presses that were answered, those that were not, and the times of the others in microseconds, by rounds."""

    answered: int
    missing: int
    refused: int
    latency: list[dict[str, int]]


class People:
    """All of them."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._codes: list[bytes] = [b""] * spec.people
        self._due = [0] * spec.people
        self._times: list[Histogram] = []
        self._answered = self._with_buttons = self._messages = self._refused = 0
        self._key = spec.token.encode()
        self._pool = wire.Pool("127.0.0.1", spec.port, 64, self._acknowledged)

    async def run(self, orders: child.Orders) -> Result:
        """Come in, tell that all are there, press, and say how long it took."""
        server, _ = await wire.serve(self._handle, self._spec.listen)
        await self._enter()
        orders.ready()
        await self._press(self._spec.warm)
        for _ in range(self._spec.rounds):
            self._times.append(Histogram())
            await self._press(self._spec.seconds)
        ends = time.monotonic() + _PATIENCE
        while any(self._due) and time.monotonic() < ends:  # noqa: ASYNC110 - a look at the clock
            await asyncio.sleep(0.05)
        missing = sum(due > 0 for due in self._due)
        await self._pool.close()
        server.close()
        times = [one.dump() for one in self._times]
        return Result(answered=self._answered, missing=missing, refused=self._refused, latency=times)

    async def _enter(self) -> None:
        ends = time.monotonic() + 600
        for person in range(self._spec.people):
            while person - self._with_buttons >= self._spec.at_once and time.monotonic() < ends:  # noqa: ASYNC110
                await asyncio.sleep(_TICK)
            self._write(person, b"hello")
        while self._with_buttons < self._spec.people and time.monotonic() < ends:  # noqa: ASYNC110 - a look at the clock
            await asyncio.sleep(0.01)
        if self._with_buttons < self._spec.people:
            raise RuntimeError(f"only {self._with_buttons} of {self._spec.people} people were answered")

    async def _press(self, seconds: float) -> None:
        step, count = 1e9 / self._spec.rate, int(self._spec.rate * seconds)
        began, person = time.perf_counter_ns(), self._messages
        for n in range(count):
            due = began + int(n * step)
            while time.perf_counter_ns() < due:  # noqa: ASYNC110 - a look at the clock
                await asyncio.sleep(_TICK)
            who = (person + n) % self._spec.people
            if not self._due[who]:
                self._due[who] = due
                self._write(who, self._codes[who])

    def _write(self, person: int, text: bytes) -> None:
        self._messages += 1
        body = (
            b'{"event":"message","timestamp":%013d,"message_token":%019d,"sender":{"id":"bench%07d==","name":"Bench"},'
            b'"message":{"type":"text","text":"%b"},"silent":false}'
        ) % (time.time_ns() // 1_000_000, _TOKEN + self._messages, person, text)
        signature = hmac.digest(self._key, body, "sha256").hex()
        self._pool.submit(wire.request("POST", self._spec.path, body, {"X-Viber-Content-Signature": signature}))

    def _acknowledged(self, _tag: Any, status: int, _body: bytes) -> None:
        self._refused += status != 200

    def _handle(self, served: wire.Served, head: bytes, body: bytes) -> bytes | None:
        now = time.perf_counter_ns()
        found = _WORDS.search(body)
        if found is not None and _PATH in head:
            self._shown(int(found[1]), found[2], now)
        return wire.answer(_OK % (_TOKEN + now % 10**9))

    def _shown(self, person: int, code: bytes, now: int) -> None:
        self._with_buttons += not self._codes[person]
        self._codes[person] = code
        due, self._due[person] = self._due[person], 0
        if due and self._times:
            self._answered += 1
            self._times[-1].record((now - due) // 1000)


async def _run(spec: Spec, orders: child.Orders) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(await People(spec).run(orders))
    return made


if __name__ == "__main__":
    child.main(Spec, _run)
