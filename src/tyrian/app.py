"""The application: one ASGI callable over a running gateway, and what it takes to start and stop one.

Requests are told apart by their path's beginning: hooks from networks, hosted files, the faces, then what operators ask
(`/healthz`, `/readyz`, `/metrics`). Nothing stands between a hot path and its handler but this look-up.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from tyrian.domain.circuit import State
from tyrian.engine.gateway import Gateway
from tyrian.engine.hooks import Hooks
from tyrian.engine.ports import Clock
from tyrian.engine.registry import faces_of, kinds_of, load_registrations
from tyrian.inbox.setup import install as install_inbox
from tyrian.media.desk import Desk
from tyrian.media.host import Host
from tyrian.media.links import Links
from tyrian.settings import Settings
from tyrian.store.crypto import SecretBox, stored_key
from tyrian.store.database import LOST, Database
from tyrian.store.health import waiting

log = logging.getLogger(__name__)

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
ASGIApp = Callable[[Any, Receive, Send], Awaitable[None]]

ROLES = ("api", "dispatch", "callbacks")
#: Seconds that one reading of the backlog serves health and metrics.
_READING_AGE = 2.0
#: Seconds that the database may take to answer before the node calls itself not ready.
_PING_SECONDS = 3.0
_CIRCUIT = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}
_JSON = (b"content-type", b"application/json")


def roles_of(role: str) -> frozenset[str]:
    """The parts that a `--role` stands for."""
    return frozenset(ROLES) if role == "all" else frozenset({role})


async def open_gateway(url: str, settings: Settings, clock: Clock, *, role: str | None = None) -> Gateway:
    """Connects to a migrated database and wires a gateway; `start` it next, and `stop` it whether you did or not."""
    db = await Database.open(url, work=settings.database_connections, reading=settings.database_reading_connections)
    box = SecretBox(settings.secret_key or stored_key(settings.data_dir), settings.old_secret_keys)
    registrations = load_registrations()
    roles, kinds = roles_of(role or settings.role), kinds_of(registrations)
    gateway = Gateway(db, settings, clock, faces_of(registrations), box, roles=roles, kinds=kinds)
    install_inbox(gateway)
    return gateway


class App:
    """The ASGI application of one node. `mounts` adds further applications by path prefix (the demo's simulator)."""

    def __init__(self, gateway: Gateway, mounts: Mapping[str, ASGIApp] | None = None) -> None:
        self._gateway = gateway
        links = Links(gateway.box, gateway.settings.public_url)
        if gateway.media is None:
            gateway.media = Desk(gateway.db, gateway.settings, gateway.clock, gateway.ids, links)
        if gateway.inbox is None:
            install_inbox(gateway)
        self._prefixes: list[tuple[str, ASGIApp]] = [(p, app) for p, app in (mounts or {}).items()]
        if "api" in gateway.roles:
            host = Host(gateway.db, gateway.clock, links)
            self._prefixes += [("/hooks/", Hooks(gateway)), ("/l/", gateway.clicks), ("/media/", host)]
            for face in gateway.faces.values():
                app = face.make_app(gateway)
                self._prefixes += [(prefix, app) for prefix in face.prefixes]
        self._prefixes.sort(key=lambda pair: -len(pair[0]))
        self._own = {
            "/healthz": self._health,
            "/readyz": self._ready,
            "/metrics": self._metrics,
            "/": self._root,
        }
        self._reading: tuple[float, dict[str, Any]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await _refuse_other(scope, receive, send)
            return
        path = scope["path"]
        for prefix, app in self._prefixes:
            if path.startswith(prefix):
                await app(scope, receive, send)
                return
        own = self._own.get(path)
        if own is None:
            await _answer(send, 404, {"title": "Not found", "detail": f"there is nothing at {path}; see /api/docs"})
        elif scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, {"title": "Method not allowed", "detail": f"{path} takes GET"})
        else:
            await own(send)

    async def _root(self, send: Send) -> None:
        headers = [(b"location", b"/api/docs"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 307, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _health(self, send: Send) -> None:
        """Alive, and what waits: the truth for people, always 200 while the process answers."""
        body: dict[str, Any] = {"status": "ok", "node": self._gateway.node.number, "roles": sorted(self._gateway.roles)}
        try:
            body |= await self._waiting()
        except (*LOST, TimeoutError) as error:
            body |= {"status": "degraded", "detail": f"the database does not answer: {error!r}"}
        await _answer(send, 200, body)

    async def _ready(self, send: Send) -> None:
        """Whether this node should get requests."""
        detail = "" if self._gateway.ready else "the node is starting or stopping"
        if not detail:
            try:
                await asyncio.wait_for(self._gateway.db.fetchval("SELECT 1"), _PING_SECONDS)
            except (*LOST, TimeoutError) as error:
                detail = f"the database does not answer: {error!r}"
        await _answer(send, 503 if detail else 200, {"ready": not detail, "detail": detail or "ready"})

    async def _metrics(self, send: Send) -> None:
        gateway, metrics = self._gateway, self._gateway.metrics
        hooks = gateway.flows.hooks
        for kind, depth in (("messages", gateway.intake.depth), ("receipts", gateway.receipts.depth),
                            ("outcomes", gateway.dispatch.outcomes.depth)):  # fmt: skip
            metrics.gauge("tyrian_group_commit_depth", depth, kind=kind)
        metrics.count("tyrian_messages_accepted_total", gateway.intake.accepted)
        metrics.count("tyrian_receipts_total", gateway.receipts.received)
        metrics.count("tyrian_clicks_total", gateway.clicks.counted)
        metrics.count("tyrian_flow_steps_total", gateway.flows.steps)
        metrics.count("tyrian_flow_hooks_total", hooks[0])
        metrics.count("tyrian_flow_hooks_failed_total", hooks[1])
        metrics.gauge("tyrian_flow_hooks_in_flight", hooks[2])
        metrics.count("tyrian_stale_presses_answered_total", gateway.stale_presses.answered)
        metrics.count("tyrian_sessions_opened_total", gateway.inbound.sessions_opened)
        metrics.gauge("tyrian_inbox_watchers", gateway.inbox.watchers)
        metrics.count("tyrian_receipts_orphaned_total", gateway.receipts.orphaned)
        try:
            self._gauges(await self._waiting())
        except (*LOST, TimeoutError) as error:
            log.warning("metrics of the database are left out: %s", error)
        body = metrics.render()
        headers = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _gauges(self, found: dict[str, Any]) -> None:
        metrics = self._gateway.metrics
        for name in ("tyrian_sends_due", "tyrian_oldest_due_seconds", "tyrian_sends_in_flight", "tyrian_circuit_state"):
            metrics.clear(name)
        for channel in found["channels"]:
            labels = {"account": str(channel["account_id"]), "channel": channel["name"]}
            metrics.gauge("tyrian_sends_due", channel["due"], **labels)
            metrics.gauge("tyrian_oldest_due_seconds", channel["oldest_due_seconds"], **labels)
            metrics.gauge("tyrian_sends_in_flight", channel["in_flight"], **labels)
            metrics.gauge("tyrian_circuit_state", _CIRCUIT[channel["circuit"]], **labels)
        metrics.gauge("tyrian_receipts_missing", found["receipts_missing"])
        metrics.gauge("tyrian_receipts_parked", found["receipts_parked"])
        for kind in ("first", "retry", "parked"):
            metrics.gauge("tyrian_callbacks_waiting", found[f"callbacks_{kind}"], kind=kind)
        self._conversing(found)

    def _conversing(self, found: dict[str, Any]) -> None:
        metrics = self._gateway.metrics
        for name in (
            "tyrian_conversations_waiting", "tyrian_conversations_oldest_waiting_seconds", "tyrian_conversations_held",
            "tyrian_agents",
        ):  # fmt: skip
            metrics.clear(name)
        for queue in found["queues"]:
            labels = {"account": str(queue["account_id"]), "queue": queue["name"]}
            metrics.gauge("tyrian_conversations_waiting", queue["waiting"], **labels)
            oldest = queue["oldest_waiting_seconds"]
            metrics.gauge("tyrian_conversations_oldest_waiting_seconds", oldest, **labels)
            metrics.gauge("tyrian_conversations_held", queue["held"], **labels)
        for group in found["agents"]:
            metrics.gauge("tyrian_agents", group["agents"], account=str(group["account_id"]), state=group["state"])
        metrics.gauge("tyrian_flow_runs_open", found["flow_runs_open"])
        metrics.gauge("tyrian_flow_overdue_seconds", found["flow_overdue_seconds"])

    async def _waiting(self) -> dict[str, Any]:
        now = asyncio.get_running_loop().time()
        if self._reading is None or now - self._reading[0] > _READING_AGE:
            found = await asyncio.wait_for(waiting(self._gateway.db, self._gateway.clock.now()), _PING_SECONDS)
            for channel in found["channels"]:
                entry = self._gateway.channels.get(channel["account_id"], channel["name"])
                channel["circuit"] = self._gateway.circuits.state(entry.channel.id) if entry else State.CLOSED
            self._reading = (now, found)
        return self._reading[1]


async def _answer(send: Send, status: int, body: dict[str, Any]) -> None:
    data = msgspec.json.encode(body)
    headers = [_JSON, (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})


async def _refuse_other(scope: Scope, receive: Receive, send: Send) -> None:
    """Lifespan is kept by the server around us; web sockets are not spoken."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    else:
        await send({"type": "websocket.close", "code": 1000})
