"""The world outside a gateway under test: a provider that counts what it gets, and a customer who keeps every callback.

Both live in the test's process, so they survive whatever happens to the gateway, and remember all of it.
"""

import asyncio
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Served:
    """An HTTP server on a free loopback port."""

    def __init__(self) -> None:
        self.app = web.Application(client_max_size=2**20)
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        self._runner = web.AppRunner(self.app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()


class Provider(Served):
    """Speaks Viber's business interface: takes every send, and reports each delivered and then seen until told 200.

    `arrivals` holds, by the text of the message, the times it came in, each with its recipient.
    """

    def __init__(self, secret: str, *, answer_after: float = 0.0, receipts: bool = True) -> None:
        super().__init__()
        self.hook = ""
        self.arrivals: dict[str, list[tuple[float, str]]] = defaultdict(list)
        self.order: dict[str, list[str]] = defaultdict(list)
        self._secret = secret.encode()
        self._answer_after = answer_after
        self._receipts = receipts
        self._tokens = 0
        self._reporting: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.app.router.add_post("/vibersrvc/1/send_message", self._send)

    @property
    def taken(self) -> int:
        """Sends taken in all."""
        return sum(len(times) for times in self.arrivals.values())

    async def start(self) -> None:
        await super().start()
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=32))

    async def stop(self) -> None:
        for task in self._reporting:
            task.cancel()
        if self._session is not None:
            await self._session.close()
        await super().stop()

    async def _send(self, request: web.Request) -> web.Response:
        body = await request.json()
        text, to = body["message"]["#txt"], body["dest"]
        self.arrivals[text].append((asyncio.get_running_loop().time(), to))
        self.order[to].append(text)
        self._tokens += 1
        token = str(5_000_000_000_000_000_000 + self._tokens)
        if self._receipts:
            task = asyncio.create_task(self._report(token, to, body["service_id"]))
            self._reporting.add(task)
            task.add_done_callback(self._reporting.discard)
        if self._answer_after:
            await asyncio.sleep(self._answer_after)
        return web.json_response({"status": 0, "seq": body["seq"], "message_token": token})

    async def _report(self, token: str, to: str, service_id: int) -> None:
        for status in (0, 1):
            body = {
                "message_token": token,
                "message_status": status,
                "message_time": 1_760_000_000_000,
                "phone_number": to,
                "service_id": service_id,
            }
            await self._deliver(json.dumps(body).encode())

    async def _deliver(self, body: bytes) -> None:
        assert self._session is not None
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {"X-Viber-Content-Signature": signature, "Content-Type": "application/json"}
        while True:
            try:
                async with self._session.post(self.hook, data=body, headers=headers) as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            await asyncio.sleep(0.3)


class Customer(Served):
    """Takes callbacks; `heard` holds, by message, the statuses in the order they came."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: dict[str, list[str]] = defaultdict(list)
        self.app.router.add_post("/hook", self._hook)

    async def _hook(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        self.heard[body["message"]["id"]].append(body["message"]["status"])
        return web.Response()
