"""Whatever is thrown at the networks' hooks: no 5xx, and nothing is stored that was not signed."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from tests.hooked import SECRETS, Hooked, hooked
from tyrian.domain import codes
from tyrian.engine.inbound import storable
from tyrian.protocols.viber.hooks import sign
from tyrian.store import codes as store
from tyrian.store.codes import NewCodes

AT_ONCE = 50
#: What forged callbacks name as person and as token. It may be nowhere in the database.
FORGED = "forged"
#: Where there is nothing to fetch.
MEDIA = "http://10.0.0.1/a.jpg"

STRANGE: list[Any] = [
    None, True, 0, -1, 2**63, 10**40, 1e308, "", " ", "\0", "\ud800", "a\0b", "x" * 5000, "'; DROP TABLE inbound; --",
    "{{name}}", "\u202e\u0000\uffff", [], {}, [[]], {"a": {"b": [None]}}, [1] * 300, "🏳️‍🌈", "T7", "T7" + "A" * 15,
]  # fmt: skip


@dataclass
class Thrower:
    """Makes requests from a seed: a sound callback, spoilt in some way or not, signed in some way or not."""

    dice: random.Random
    #: Codes of buttons that a person can press, and one that is somebody else's.
    codes: list[str]
    made: Counter[str] = field(default_factory=Counter)

    def body(self, name: str, forged: bool) -> bytes:
        """A callback's body."""
        event = self._sound(name, f"{FORGED}{self.dice.random()}" if forged else str(self.dice.getrandbits(63)))
        spoil = self.dice.choice([self._as_it_is, self._as_it_is, self._member, self._member, self._bytes, self._noise])
        self.made[spoil.__name__] += 1
        return spoil(event)

    def _sound(self, name: str, token: str) -> dict[str, Any]:
        person = token if token.startswith(FORGED) else self.dice.choice(["u1", "u2"])
        if name == "business":
            number = person if person.startswith(FORGED) else self.dice.choice(["385991234501", "385991234502"])
            said = self.dice.choice([{"text": self._words()}, {"media": MEDIA, "file_name": "a.jpg"}])
            return self.dice.choice(
                [
                    {"phone_number": number, "message_token": token, "time": 1767268800, "message": said},
                    {"message_token": token, "message_status": self.dice.randrange(-1, 7), "phone_number": number},
                ]
            )
        user = {"id": person, "name": "Ann", "country": "UA", "language": "uk", "api_version": 7}
        event = self.dice.choice(["message"] * 5 + ["delivered", "seen", "failed", "subscribed", "unsubscribed",
                                                    "conversation_started", "webhook", "client_status"])  # fmt: skip
        made: dict[str, Any] = {"event": event, "timestamp": 1767268800000, "message_token": token}
        if event == "message":
            return made | {"sender": user, "message": self._message(), "silent": self.dice.random() < 0.5}
        return made | {"user_id": person, "user": user, "desc": "why"}

    def _message(self) -> dict[str, Any]:
        return self.dice.choice(
            [
                {"type": "text", "text": self._words(), "tracking_data": "t"},
                {"type": "text", "text": self._words()},
                {"type": "picture", "media": MEDIA, "text": "", "thumbnail": MEDIA},
                {"type": "video", "media": MEDIA, "size": 7, "duration": 3},
                {"type": "file", "media": MEDIA, "file_name": "a.pdf", "size": 7},
                {"type": "contact", "contact": {"name": "Bob", "phone_number": "+385991234501"}, "text": self._words()},
                {"type": "location", "location": {"lat": 45.8, "lon": "15.9"}},
                {"type": "sticker", "sticker_id": 46105},
                {"type": "url", "media": "https://shop.example"},
            ]
        )

    def _words(self) -> str:
        """Plain words, a code, or what was one."""
        if self.dice.random() < 0.3:
            return "hello"
        code = list(self.dice.choice(self.codes))
        for _ in range(self.dice.choice([0, 0, 1, 1, 3])):
            place = self.dice.randrange(len(code))
            code[place] = self.dice.choice([*codes.ALPHABET, "o", "", " ", "\u0661", "AA"])
        return "".join(code)

    def _as_it_is(self, event: dict[str, Any]) -> bytes:
        return json.dumps(event).encode()

    def _member(self, event: dict[str, Any]) -> bytes:
        """One member, at any depth, is something strange, gone, or twice there."""
        place: Any = event
        while True:
            key = self.dice.choice(list(place))
            if not (isinstance(place[key], dict) and place[key] and self.dice.random() < 0.7):
                break
            place = place[key]
        if self.dice.random() < 0.2:
            del place[key]
        else:
            place[key] = self.dice.choice(STRANGE)
        text = json.dumps(event, ensure_ascii=self.dice.random() < 0.7)
        if self.dice.random() < 0.05:
            text = text[:-1] + f', "event": {json.dumps(self.dice.choice(STRANGE))}}}'
        return text.encode("utf-8", "surrogatepass")

    def _bytes(self, event: dict[str, Any]) -> bytes:
        """Cut, stretched or with bytes exchanged."""
        body = bytearray(json.dumps(event).encode())
        for _ in range(self.dice.randrange(1, 6)):
            at = self.dice.randrange(len(body) + 1)
            match self.dice.randrange(4):
                case 0:
                    del body[at:]
                case 1:
                    body[at:at] = self.dice.randbytes(self.dice.randrange(1, 9))
                case 2 if body:
                    body[at % len(body)] = self.dice.randrange(256)
                case _:
                    body += body[at:]
        return bytes(body)

    def _noise(self, event: dict[str, Any]) -> bytes:
        """No callback at all."""
        nested = b"[" * 5000 + b"]" * 5000
        return self.dice.choice([b"", b"null", b"[]", b'"x"', b"\xff\xfe", nested, self.dice.randbytes(200)])

    def bad_signature(self, name: str, body: bytes) -> dict[str, str | None]:
        """A signature that is none."""
        good, other = sign(body, SECRETS[name]), SECRETS["business" if name == "bot" else "bot"]
        wrong: list[Callable[[], str | None]] = [
            lambda: None,
            lambda: "",
            lambda: good[:-1],
            lambda: good + "0",
            good.upper if good.upper() != good else lambda: None,
            lambda: sign(body, other),
            lambda: sign(body + b" ", SECRETS[name]),
            lambda: sign(body[:-1] + b"?", SECRETS[name]),
            lambda: f"sha256={good}",
            lambda: "\u00e9" * 64,
            lambda: "0" * 64,
            lambda: "".join(self.dice.choice("0123456789abcdef") for _ in range(64)),
        ]
        return {"header": self.dice.choice(wrong)(), "sig": self.dice.choice(wrong)()}

    def good_signature(self, name: str, body: bytes) -> dict[str, str | None]:
        """A signature in one of its places, or both; beside it there may be a wrong one."""
        good, bad = sign(body, SECRETS[name]), self.bad_signature(name, body)
        return self.dice.choice([{"header": good, "sig": good}, bad | {"header": good}, bad | {"sig": good}])


@pytest.fixture
async def viber(database_url: str) -> AsyncIterator[Hooked]:
    async with hooked(database_url) as running:
        yield running


async def make_codes(viber: Hooked) -> list[str]:
    """Codes that are good for the persons of the callbacks, on the bot."""
    channel, now = viber.entries["bot"].channel, viber.gateway.clock.now()
    made = []
    for number, person in enumerate(["u1", "u2", "somebody else"]):
        name = codes.name_of(b"k" * 32, UUID(int=number), channel.id, b"")
        meanings = json.dumps({"0": {"action": "reply", "value": "v", "data": {"n": number}}}).encode()
        expires = now.replace(year=now.year + 1)
        new = NewCodes(name, channel.account_id, channel.id, person, UUID(int=number), expires, meanings)
        await store.make(viber.gateway.db, [new])
        made.append(codes.code_of(name, 0))
    return made


async def throw(viber: Hooked, count: int, seed: int) -> None:
    thrower = Thrower(random.Random(seed), await make_codes(viber))
    believed: set[str] = set()
    statuses: Counter[tuple[bool, int]] = Counter()

    async def one(name: str, body: bytes, forged: bool, signature: dict[str, str | None]) -> None:
        status = await viber.call(name, body, **signature)
        assert status < 500, (status, name, body, signature)
        assert status == 403 or not forged, (status, name, body, signature)
        statuses[forged, status] += 1

    for start in range(0, count, AT_ONCE):
        requests = []
        for _ in range(min(AT_ONCE, count - start)):
            name, forged = thrower.dice.choice(["bot", "business"]), thrower.dice.random() < 0.5
            body = thrower.body(name, forged)
            signature = (thrower.bad_signature if forged else thrower.good_signature)(name, body)
            if not forged:
                believed.add(storable(body.decode("utf-8", "replace")))
            requests.append(one(name, body, forged, signature))
        await asyncio.gather(*requests)
    assert set(thrower.made) == {"_as_it_is", "_member", "_bytes", "_noise"}
    assert {status for forged, status in statuses if not forged} == {200, 400}
    await only_what_was_signed(viber, believed)


async def only_what_was_signed(viber: Hooked, believed: set[str]) -> None:
    """Looks through the database for what nobody signed."""
    db = viber.gateway.db
    stored = await db.read("SELECT raw FROM inbound")
    assert len(stored) > 50
    assert [row["raw"] for row in stored if row["raw"] not in believed] == []
    tables = await db.read(
        "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind = 'r'"
    )
    assert {"inbound", "subscriptions", "parked_receipts", "callbacks"} <= {row["relname"] for row in tables}
    for row in tables:
        sql = f"SELECT count(*) FROM {row['relname']} t WHERE t::text LIKE '%{FORGED}%'"
        assert (await db.read(sql))[0][0] == 0, row["relname"]
    presses = viber.gateway.metrics.registry.get_sample_value
    found = {what: presses("tyrian_button_presses_total", {"code": what}) or 0
             for what in ("known", "unknown", "foreign", "malformed")}  # fmt: skip
    assert all(found.values()), found


async def test_two_thousand(viber: Hooked) -> None:
    await throw(viber, 2000, 1)


@pytest.mark.slow
async def test_ten_thousand(viber: Hooked) -> None:
    await throw(viber, 10_000, 2)
