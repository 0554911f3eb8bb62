"""Buttons with data: on their way out each gets a short code, and a tap brings back what the code stands for.

The network and the phone see the code alone, so data of any size and kind is neither cut nor read nor forged there. A
code is durable before anybody can press it, and good for one person, on one channel, for a while.
"""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Protocol

import msgspec

from tyrian.domain import codes
from tyrian.domain.codes import Meaning
from tyrian.domain.content import Base as Content, Contact, Text
from tyrian.domain.keyboard import Button
from tyrian.domain.limits import takes_keyboards
from tyrian.domain.submission import Plan
from tyrian.engine.channels import Channels
from tyrian.engine.known import Facts, Known
from tyrian.engine.metrics import Metrics
from tyrian.engine.ports import Channel, Clock, Inbound
from tyrian.engine.reacting import News, Said, person_of
from tyrian.store import codes as store
from tyrian.store.batcher import Batcher
from tyrian.store.codes import NewCodes
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Connection, Database

log = logging.getLogger(__name__)

#: How long an expired code is still told from one that never was.
REMEMBERED: Final = timedelta(days=7)
#: Sends whose codes are known to be stored, at most; beyond that those of the oldest are written again.
_FORESEEN: Final = 4096
_NEVER: Final = object()
#: The member of `Inbound.extra` that tells of a button.
BUTTON: Final = "button"
#: The member of `Inbound.extra` with the words that came with a contact: the value of a share-phone button.
WORDS: Final = "text"

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[int, Meaning]).decode


class _Settings(Protocol):
    @property
    def button_code_days(self) -> int: ...


class _Gateway(Protocol):
    """What codes need of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def box(self) -> SecretBox: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def settings(self) -> _Settings: ...


def shows_keyboards(channels: Channels, channel: Channel) -> bool:
    """Whether messages on a channel can have keyboards."""
    entry = channels.by_id(channel.id)
    return entry is not None and takes_keyboards(entry.capabilities)


class CodeMaker:
    """A dresser that puts codes in the place of the values of buttons with data."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self._key = gateway.box.derive(codes.PURPOSE)[0]
        self._batcher: Batcher[NewCodes, None] = Batcher(
            self._write, size=256, writers=2, linger=0.001, busy=0.003, patience=float("inf")
        )
        #: The names of codes that are stored with their messages. A send is made only of a message that is stored.
        self._foreseen: OrderedDict[str, None] = OrderedDict()

    def wants(self, channel: Channel, plan: Plan, content: Content) -> bool:
        """Whether a button of the content has data."""
        return codes.has_data(content)

    async def dress(self, channel: Channel, facts: Facts, known: Known, content: Content) -> Content:
        """The content with codes that are in the database; a repeated try gets the same ones."""
        buttons, made = self._codes(channel, facts, content)
        if self._foreseen.pop(made.name, _NEVER) is _NEVER:
            await self._batcher.submit(made)
        return codes.with_codes(content, {place: codes.code_of(made.name, place) for place in buttons})

    def foresee(self, channel: Channel, facts: Facts, known: Known, content: Content) -> NewCodes:
        """The codes of a send, to be stored with its message: when it goes out they are there."""
        _, made = self._codes(channel, facts, content)
        self._foreseen[made.name] = None
        if len(self._foreseen) > _FORESEEN:
            self._foreseen.popitem(last=False)
        return made

    def _codes(self, channel: Channel, facts: Facts, content: Content) -> tuple[Mapping[int, Button], NewCodes]:
        """The buttons with data by their places, and the row that remembers them."""
        buttons = codes.coded(content)
        meanings = _encode({place: codes.meaning(button) for place, button in buttons.items()})
        made = NewCodes(
            codes.name_of(self._key, facts.attempt_id, channel.id, meanings),
            facts.account_id,
            channel.id,
            person_of(facts.recipient),
            facts.message_id,
            self._gateway.clock.now() + timedelta(days=self._gateway.settings.button_code_days),
            meanings,
        )
        return buttons, made

    async def _write(self, batch: Sequence[NewCodes]) -> list[None]:
        await store.make(self._gateway.db, batch)
        return [None] * len(batch)

    async def forget(self) -> None:
        """Removes what expired long ago."""
        await store.forget(self._gateway.db, self._gateway.clock.now() - REMEMBERED)


class CodeReader:
    """A stage that says in `extra["button"]` which button a person pressed, and with which data.

    A code that is of no use is told of there as well, with the reason; the person's words stay as they came.
    """

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway

    def wants(self, channel: Channel) -> bool:
        """Whether buttons can have been shown there."""
        return shows_keyboards(self._gateway.channels, channel)

    async def read(self, batch: Sequence[Said]) -> None:
        """Looks up the codes among what people said, all at once."""
        found = [(one, code) for one in batch if (code := _code_in(one.message)) is not None]
        if not found:
            return
        names = {parsed[0] for _, code in found if (parsed := codes.parse(code)) is not None}
        rows = await store.find(self._gateway.db, names) if names else {}
        for one, code in found:
            problem = self._resolve(one, code, rows)
            self._gateway.metrics.pressed(problem or "known")
            if problem is not None:
                log.info("channel %s: a button's code is %s", one.channel.name, problem)
                one.message.extra[BUTTON] = {"known": False, "problem": problem, "code": code}

    def _resolve(self, one: Said, code: str, rows: Mapping[str, Any]) -> str | None:
        """Puts the meaning of a code into its message, or says what is wrong with it."""
        parsed = codes.parse(code)
        if parsed is None:
            return "malformed"
        row = rows.get(parsed[0])
        if row is None:
            return "unknown"
        owner = (row["account_id"], row["channel_id"], row["person"])
        if owner != (one.channel.account_id, one.channel.id, person_of(one.row.sender)):
            return "foreign"
        if row["expires_at"] <= self._gateway.clock.now():
            return "expired"
        meaning = _decode(row["meanings"]).get(parsed[1])
        if meaning is None:
            return "unknown"
        _put(one.message, code, meaning, str(row["message_id"]))
        return None

    def keeps(self, said: Said) -> bool:
        """Nothing: what a code stands for is stored already."""
        return False

    async def store(self, connection: Connection, batch: Sequence[Said]) -> None:
        """Nothing follows in the database."""

    async def subscribed(self, connection: Connection, news: Sequence[News]) -> None:
        """Nothing follows from that."""


def _code_in(message: Inbound) -> str | None:
    """What is, or looks like, a code in a person's message."""
    words: Any = None
    if isinstance(message.content, Text):
        words = message.content.text
    elif isinstance(message.content, Contact):
        words = message.extra.get(WORDS)
    return codes.candidate(words) if isinstance(words, str) else None


def _put(message: Inbound, code: str, meaning: Meaning, message_id: str) -> None:
    """Says which button it was, in plain data: whoever reads it later has it from JSON. Where the code stood, the
    button's own value stands again."""
    message.extra[BUTTON] = {
        "known": True,
        "code": code,
        "action": meaning.action,
        "value": meaning.value,
        "data": meaning.data,
        "text": meaning.text,
        "message_id": message_id,
    }
    words = meaning.value or meaning.text or code
    if isinstance(message.content, Text):
        message.content = msgspec.structs.replace(message.content, text=words)
    else:
        message.extra[WORDS] = words
