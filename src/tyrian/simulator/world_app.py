"""The simulated world's own JSON API: look at handsets, act as their people, turn the switches.

Errors are `{"error": "..."}` with a 4xx. Times are RFC 3339 in UTC. Documented in `docs/reference/simulator.md`.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tyrian.simulator.behaviour import TABLE, Behaviour, Network
from tyrian.simulator.handsets import Handset, Line, NoLine, Via
from tyrian.simulator.quirks import Quirks
from tyrian.simulator.taps import NoButton, buttons_of, text_of

if TYPE_CHECKING:
    from tyrian.simulator.world import World

LIST_LIMIT: Final = 100
T = TypeVar("T")
Text = Annotated[str, Meta(min_length=1, max_length=7000)]


class Asked(Struct, kw_only=True, forbid_unknown_fields=True):
    """What every act may name: the chat, by default that of the newest message."""

    via: Via | None = None
    sender: str | None = None

    def line(self) -> Line | None:
        """The chat that is named. ValueError for half a name."""
        if self.via is None and self.sender is None:
            return None
        if self.via is None or self.sender is None:
            raise Bad("give both `via` and `sender`, or neither")
        return Line(self.via, self.sender)


class Reply(Asked, kw_only=True, forbid_unknown_fields=True):
    """Write: a `text`, or with `message` anything that a person can send, as in the Bot API's `message` callback."""

    text: Text | None = None
    message: dict[str, Any] | None = None


class Press(Asked, kw_only=True, forbid_unknown_fields=True):
    """Tap a button: its place from 0, or its action body or text."""

    button: int | str


class Open(Asked, kw_only=True, forbid_unknown_fields=True):
    """Open a chat, with the context of a deep link."""

    context: str | None = None


class Script(Struct, kw_only=True, forbid_unknown_fields=True):
    """Give a number a behaviour of its own on one network; null gives it that of its digits again."""

    network: Network
    behaviour: Behaviour | None = None


class Bad(ValueError):
    """A request that cannot be done, in words for people."""


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _error(message: str, status: int) -> Response:
    return _json({"error": message}, status)


def summary(handset: Handset) -> dict[str, Any]:
    """A handset in a list."""
    last = handset.messages[-1] if handset.messages else None
    return {
        "address": handset.address,
        "messages": len(handset.messages),
        "written": len(handset.written),
        "last_at": last.accepted_at if last else None,
        "last_text": text_of(last.content) if last else None,
    }


def detail(handset: Handset) -> dict[str, Any]:
    """A handset with all it holds."""
    messages = [msgspec.structs.asdict(m) | _shown(m.content) for m in handset.messages]
    behaviours = {network.value: handset.behaviour(network) for network in Network}
    return {
        "address": handset.address,
        "behaviour": behaviours,
        "blocked": sorted(handset.blocked, key=lambda line: (line.via, line.sender)),
        "messages": messages,
        "written": list(handset.written),
    }


def _shown(content: dict[str, Any]) -> dict[str, Any]:
    return {"text": text_of(content), "buttons": buttons_of(content)}


class WorldApi:
    """The handlers; `/world` is their root."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """All paths."""
        number = "/world/handsets/{address}"
        acts: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "reply": self._reply,
            "press": self._press,
            "seen": self._seen,
            "open": self._open,
            "block": self._block,
            "unblock": self._unblock,
            "unsubscribe": self._block,
            "subscribe": self._unblock,
        }
        return [
            Route("/world", self._about, methods=["GET"]),
            Route("/world/behaviours", self._behaviours, methods=["GET"]),
            Route("/world/switches", self._switches, methods=["GET"]),
            Route("/world/switches", self._turn, methods=["PATCH"]),
            Route("/world/callbacks", self._callbacks, methods=["GET"]),
            Route("/world/reset", self._reset, methods=["POST"]),
            Route("/world/handsets", self._list, methods=["GET"]),
            Route(number, self._read, methods=["GET"]),
            Route(f"{number}/script", self._script, methods=["PUT"]),
            *(Route(f"{number}/{name}", act, methods=["POST"]) for name, act in acts.items()),
        ]

    # -- The world ----------------------------------------------------------------------------------------------------

    async def _about(self, request: Request) -> Response:
        return _json(self._world.about())

    async def _behaviours(self, request: Request) -> Response:
        return _json({"behaviours": TABLE})

    async def _switches(self, request: Request) -> Response:
        return _json(self._world.quirks)

    async def _turn(self, request: Request) -> Response:
        changes = await _read_body(request, dict[str, Any])
        merged = msgspec.structs.asdict(self._world.quirks) | changes
        wanted = msgspec.convert(merged, Quirks)
        self._world.turn(wanted)
        return _json(self._world.quirks)

    async def _callbacks(self, request: Request) -> Response:
        limit = _limit(request)
        newest = list(self._world.callbacks)[-limit:][::-1]
        return _json({"callbacks": [_callback(callback) for callback in newest]})

    async def _reset(self, request: Request) -> Response:
        self._world.reset()
        return _json({})

    # -- Handsets -----------------------------------------------------------------------------------------------------

    async def _list(self, request: Request) -> Response:
        wanted = request.query_params.get("q", "").removeprefix("+")
        found = [h for h in self._world.handsets if wanted in h.address]
        found.sort(key=_newest, reverse=True)
        return _json({"handsets": [summary(h) for h in found[: _limit(request)]], "total": len(found)})

    async def _read(self, request: Request) -> Response:
        handset = self._world.handsets.find(request.path_params["address"])
        if handset is None:
            return _error("this handset has not been used yet; it is made when a message is sent to it", 404)
        return _json(detail(handset))

    async def _script(self, request: Request) -> Response:
        asked = await _read_body(request, Script)
        self._world.script(request.path_params["address"], asked.network, asked.behaviour)
        return _json(detail(self._handset(request)))

    async def _reply(self, request: Request) -> Response:
        asked = await _read_body(request, Reply)
        if (asked.text is None) == (asked.message is None):
            raise Bad("give `text` or `message`, one of the two")
        said = asked.message if asked.message is not None else {"type": "text", "text": asked.text}
        handset = self._handset(request)
        handset.say(said, asked.line())
        return _json(detail(handset))

    async def _press(self, request: Request) -> Response:
        asked = await _read_body(request, Press)
        return _json({"sent": self._handset(request).press(asked.button, asked.line())})

    async def _seen(self, request: Request) -> Response:
        asked = await _read_body(request, Asked)
        return _json({"seen": len(self._handset(request).seen(asked.line()))})

    async def _open(self, request: Request) -> Response:
        asked = await _read_body(request, Open)
        line = asked.line()
        if line is None:
            raise Bad("say whose chat to open: `via` and `sender`")
        self._handset(request).open(line, asked.context)
        return _json({})

    async def _block(self, request: Request) -> Response:
        asked = await _read_body(request, Asked)
        self._handset(request).block(asked.line())
        return _json({})

    async def _unblock(self, request: Request) -> Response:
        asked = await _read_body(request, Asked)
        self._handset(request).unblock(asked.line())
        return _json({})

    def _handset(self, request: Request) -> Handset:
        return self._world.handsets.of(request.path_params["address"])


def _newest(handset: Handset) -> int:
    return handset.messages[-1].id if handset.messages else 0


def _callback(callback: Any) -> dict[str, Any]:
    return {
        "at": callback.at,
        "url": callback.url,
        "event": callback.event,
        "body": callback.body.decode("utf-8", "replace"),
        "tries": callback.tries,
        "status": callback.status,
        "error": callback.error,
    }


def _limit(request: Request) -> int:
    given = request.query_params.get("limit", str(LIST_LIMIT))
    if not given.isdecimal() or int(given) < 1:
        raise Bad("`limit` must be a whole number from 1")
    return int(given)


async def _read_body(request: Request, kind: type[T]) -> T:
    raw = await request.body()
    return msgspec.json.decode(raw or b"{}", type=kind)


async def _refused(request: Request, error: Exception) -> Response:
    return _error(str(error), 400)


async def _not_found(request: Request, error: Exception) -> Response:
    return _error(str(error), 404)


def world_app(world: "World") -> Starlette:
    """The API of a world, as an application of its own."""
    handlers: dict[Any, Any] = {Bad: _refused, msgspec.MsgspecError: _refused, NoLine: _not_found, NoButton: _not_found}
    return Starlette(routes=WorldApi(world).routes(), exception_handlers=handlers)
