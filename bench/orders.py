"""The requests that the load generator sends, made from a pattern in about a microsecond each.

Every number in a body has a fixed width, so the pattern's length is every request's length. A single message's text
carries its number and the nanosecond it was due at, by which the upstream knows it again:
`bench 0000000017 0000123456789012345 ...`.
"""

import hmac
import time

import msgspec
from msgspec import Struct

from bench import wire

#: Croatian mobile numbers, as many as seven digits make.
_NUMBER = "+38599%07d"
_NUMBERS = 10**7
TEXT = "bench %010d %019d Your order has left our warehouse and arrives tomorrow between 9 and 12."
#: Where a message's number and due time stand in its text, after `MARK`.
MARK = b"bench "
NUMBER_WIDTH = 10
STAMP_WIDTH = 19
#: The upstream gives the message of this number the token `TOKEN + number`.
TOKEN = 5_379_697_806_000_000_000


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _pattern(path: str, headers: dict[str, str], body: str, sample: tuple[int, ...]) -> bytes:
    """A request in which only the numbers are still open."""
    length = len((body % sample).encode())
    head = wire.request("POST", path, bytes(length), headers)[:-length].replace(b"%", b"%%")
    return head + body.encode()


class Singles(Struct, tag="singles", dict=True):
    """One message a request, each to a person of its own; reports go to `callback`, if there is one."""

    path: str
    headers: dict[str, str]
    channel: str
    purpose: str = "transactional"
    callback: str | None = None

    def __post_init__(self) -> None:
        content = {"type": "text", "text": TEXT}
        body: dict[str, object] = {"to": _NUMBER, "purpose": self.purpose}
        body["cascade"] = [{"channel": self.channel, "content": content}]
        if self.callback is not None:
            body["callback"] = {"url": self.callback.replace("%", "%%"), "data": "bench %010d"}
        self._numbers = 4 if self.callback is not None else 3
        self._ready = _pattern(self.path, self.headers, _json(body), (0, 0, 0, 0)[: self._numbers])

    def make(self, n: int, stamp: int) -> bytes:
        """The request for message `n`, due at `stamp` nanoseconds."""
        if self._numbers == 4:
            return self._ready % (n % _NUMBERS, n, stamp, n)
        return self._ready % (n % _NUMBERS, n, stamp)


class Patterned(Struct, tag="patterned", dict=True):
    """Single messages in a dialect: `body` is JSON in which a number of 7 digits, the message's number and its stamp
    stand as `%07d`, `%010d` and `%019d`, in this order."""

    path: str
    headers: dict[str, str]
    body: str

    def __post_init__(self) -> None:
        self._ready = _pattern(self.path, self.headers, self.body, (0, 0, 0))

    def make(self, n: int, stamp: int) -> bytes:
        """The request for message `n`, due at `stamp` nanoseconds."""
        return self._ready % (n % _NUMBERS, n, stamp)


class Receipts(Struct, tag="receipts", dict=True):
    """Viber's receipts: for each of `messages` messages `delivered`, and after all of them `seen`."""

    path: str
    messages: int
    headers: dict[str, str] = {}

    def __post_init__(self) -> None:
        body = (
            '{"message_token":"%019d","message_status":%01d,"message_time":%013d,'
            '"phone_number":"38599%07d","service_id":1001}'
        )
        self._ready = _pattern(self.path, self.headers, body, (0, 0, 0, 0))

    def make(self, n: int, stamp: int) -> bytes:
        """The `n`-th receipt."""
        status, message = divmod(n, self.messages)
        return self._ready % (TOKEN + message, status & 1, time.time_ns() // 1_000_000, message % _NUMBERS)


class Inbounds(Struct, tag="inbounds", dict=True):
    """What people write to a bot, signed as Viber signs it: a text from a person of its own each."""

    path: str
    token: str

    def __post_init__(self) -> None:
        self._body = (
            b'{"event":"message","timestamp":%013d,"message_token":%019d,'
            b'"sender":{"id":"bench%07d==","name":"Bench","language":"hr","country":"HR","api_version":10},'
            b'"message":{"type":"text","text":"Where is my order?","tracking_data":"bench"},"silent":false}'
        )
        length = len(self._body % (0, 0, 0))
        headers = {"X-Viber-Content-Signature": "%b" * 32}
        head = wire.request("POST", self.path, bytes(length), headers)[:-length]
        self._head = head.replace(b"%b" * 32, b"%b")
        self._key = self.token.encode()

    def make(self, n: int, stamp: int) -> bytes:
        """The `n`-th message."""
        body = self._body % (time.time_ns() // 1_000_000, TOKEN + n, n % _NUMBERS)
        return self._head % hmac.digest(self._key, body, "sha256").hex().encode() + body


class Sends(Struct, tag="sends", dict=True):
    """What a gateway would say to the upstream: one send each, in Viber's own form."""

    path: str

    def __post_init__(self) -> None:
        body = {"service_id": 1001, "dest": _NUMBER[1:], "seq": 1, "type": 106, "label": "transaction", "ttl": 172800}
        self._ready = _pattern(self.path, {}, _json({**body, "message": {"#txt": TEXT}}), (0, 0, 0))

    def make(self, n: int, stamp: int) -> bytes:
        """The send of message `n`."""
        return self._ready % (n % _NUMBERS, n, stamp)


class Recipients(Struct, tag="recipients", dict=True):
    """Parts of a bulk: `size` recipients a request, each with variables of its own, as `{"messages": [...]}`."""

    path: str
    headers: dict[str, str]
    size: int

    def make(self, n: int, stamp: int) -> bytes:
        """The `n`-th part."""
        first = n * self.size
        one = b'{"to":"+38599%07d","variables":{"name":"Customer %d","code":"%06d"}}'
        people = [one % (i % _NUMBERS, i, i % 1_000_000) for i in range(first, first + self.size)]
        return wire.request("POST", self.path, b'{"messages":[' + b",".join(people) + b"]}", self.headers)


Maker = Singles | Patterned | Sends | Receipts | Inbounds | Recipients
