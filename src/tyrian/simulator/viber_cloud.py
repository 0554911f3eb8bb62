"""The simulated Viber cloud: the Bot API under `/pa/`, the business interface under `/vibersrvc/`.

Raw ASGI, since sends are many: a business send costs some tens of microseconds here beyond the server's own.
"""

from typing import Any, Final

from tyrian.protocols.viber.bot_wire import AUTH_HEADER
from tyrian.protocols.viber.business_wire import SEND_PATH
from tyrian.simulator.answers import Receive, Scope, Send, read_body, respond
from tyrian.simulator.bot_api import BotApi
from tyrian.simulator.bot_events import BotEvents
from tyrian.simulator.bot_people import BotPeople
from tyrian.simulator.business_api import BusinessApi
from tyrian.simulator.ground import Ground
from tyrian.simulator.handsets import Via

BOT_PREFIX: Final = "/pa/"
#: Bytes above which a body is not read further; the Bot API's own limit is lower and answered in its own words.
READ_LIMIT: Final = 1_000_000
_AUTH: Final = AUTH_HEADER.lower().encode()


class ViberCloud:
    """Both of Viber's interfaces, as one ASGI application."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        events = BotEvents(ground)
        self.bots = BotApi(ground, events)
        self.people = BotPeople(ground, self.bots, events)
        self.business = BusinessApi(ground)
        ground.handsets.connect(Via.BOT, self.people)
        ground.handsets.connect(Via.BUSINESS, self.business)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the method is not looked at, as the real service takes GET for some questions."""
        path: str = scope["path"]
        if path == SEND_PATH:
            outcome = self.business.send(await read_body(receive, READ_LIMIT))
        elif path.startswith(BOT_PREFIX) and self.bots.knows(endpoint := path[len(BOT_PREFIX) :]):
            body = await read_body(receive, READ_LIMIT)
            outcome = await self.bots.call(endpoint, _token(scope), body)
        else:
            await respond(send, 404, b"Not found", b"text/plain")
            return
        if self._ground.quirks.early_receipts:
            await self._ground.callbacks.settled()
        await self._ground.answers.give(outcome, receive, send)


def _token(scope: Scope) -> str | None:
    headers: list[tuple[bytes, Any]] = scope["headers"]
    return next((bytes(value).decode("latin-1") for name, value in headers if name == _AUTH), None)
