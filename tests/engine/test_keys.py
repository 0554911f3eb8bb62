"""Credentials: made once, found fast, gone when revoked, and never kept in the clear."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.clock import ManualClock
from tyrian.engine.keys import ALL_SCOPES, SCOPES, TTL, Form, KeyRing, KeyTaken, new_secret
from tyrian.store import accounts
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database


class Timer:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def box() -> SecretBox:
    return SecretBox("a key for tests")


@pytest.fixture
def ring(db: Database, box: SecretBox, timer: Timer) -> KeyRing:
    return KeyRing(db, ManualClock(), box, timer=timer)


@pytest.fixture
def other_node(db: Database, box: SecretBox, timer: Timer) -> KeyRing:
    return KeyRing(db, ManualClock(), box, timer=timer)


async def test_a_made_key_is_found(ring: KeyRing, account_id: int) -> None:
    made = await ring.create(account_id, name="shop", scopes=["messages:send"], rate=5)
    assert ring.find("native", made.secret) is None
    assert await ring.authenticate("native", made.secret) == made.entry
    assert ring.find("native", made.secret) == made.entry
    assert (made.entry.account_id, made.entry.name, made.entry.rate) == (account_id, "shop", 5)
    assert made.entry.allows("messages:send")
    assert not made.entry.allows("messages:read")


async def test_native_keys_can_be_told_on_sight(ring: KeyRing, account_id: int) -> None:
    made = await ring.create(account_id, name="shop")
    assert made.secret.startswith("tyrian_")
    assert made.secret.startswith(made.entry.prefix)
    assert len(made.secret) == 50
    assert len(made.entry.prefix) == 12
    assert made.entry.scopes == ALL_SCOPES


async def test_a_given_secret_can_be_used(ring: KeyRing, account_id: int) -> None:
    made = await ring.create(account_id, name="demo", secret="tyrian-demo-key")
    assert made.entry.prefix == "tyrian-"
    assert await ring.authenticate("native", "tyrian-demo-key") == made.entry
    with pytest.raises(KeyTaken):
        await ring.create(account_id, name="again", secret="tyrian-demo-key")


async def test_nothing_shows_the_secret(ring: KeyRing, db: Database, account_id: int) -> None:
    token = await ring.create(account_id, name="t")
    signed = await ring.create(
        account_id, name="s", face="hmac", form=Form.SIGNED, identity="ID", secret="SHARED-SECRET"
    )
    stored = str([dict(row) for row in await db.read("SELECT * FROM keys")])
    for secret in (token.secret, "SHARED-SECRET"):
        assert secret not in stored
        assert secret not in repr([token, signed, *await ring.list(account_id)])
    assert [key.secret for key in await ring.list(account_id)] == [None, None]


async def test_pairs_and_signing_keys_have_their_own_forms(ring: KeyRing, account_id: int) -> None:
    pair = await ring.create(
        account_id, name="p", face="basic", form=Form.PAIR, identity="demo", secret="demo-password"
    )
    signed = await ring.create(account_id, name="s", face="hmac", form=Form.SIGNED, identity="FF-EE", secret="c2VjcmV0")
    assert await ring.authenticate("basic", "demo:demo-password", Form.PAIR) == pair.entry
    assert pair.entry.prefix == "demo"
    found = await ring.authenticate("hmac", "FF-EE", Form.SIGNED)
    assert found is not None
    assert (found.secret, found.prefix) == ("c2VjcmV0", "FF-EE")
    assert signed.identity == "FF-EE"


@pytest.mark.parametrize(
    ("face", "presented", "form"),
    [
        ("hmac", "FF-EE", Form.TOKEN),
        ("hmac", "FF-EE", Form.PAIR),
        ("native", "FF-EE", Form.SIGNED),
        ("hmac", "ff-ee", Form.SIGNED),
        ("hmac", "", Form.SIGNED),
        ("hmac", "FF-EE\0", Form.SIGNED),
        ("hmac", "FF-EE\ud800", Form.SIGNED),
    ],
)
async def test_a_name_of_one_form_is_no_password_of_another(
    ring: KeyRing, account_id: int, face: str, presented: str, form: Form
) -> None:
    await ring.create(account_id, name="s", face="hmac", form=Form.SIGNED, identity="FF-EE")
    assert await ring.authenticate(face, presented, form) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"scopes": ["messages:send", "moon:walk"]}, "unknown scopes: moon:walk"),
        ({"form": Form.PAIR}, "takes an identity"),
        ({"identity": "me"}, "takes no identity"),
    ],
)
async def test_what_makes_no_sense_is_refused(ring: KeyRing, account_id: int, arguments: dict, words: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=words):
        await ring.create(account_id, name="x", **arguments)
    assert await ring.list(account_id) == []


async def test_a_revoked_key_is_gone_here_at_once(ring: KeyRing, account_id: int) -> None:
    made = await ring.create(account_id, name="shop")
    await ring.authenticate("native", made.secret)
    assert await ring.revoke(account_id, made.entry.id)
    assert ring.find("native", made.secret) is None
    assert await ring.authenticate("native", made.secret) is None
    assert await ring.list(account_id) == []
    assert not await ring.revoke(account_id, made.entry.id)


async def test_a_revoked_key_is_gone_elsewhere_when_announced_or_after_a_while(
    ring: KeyRing, other_node: KeyRing, timer: Timer, account_id: int
) -> None:
    first, second = [await ring.create(account_id, name=name) for name in ("a", "b")]
    for made in (first, second):
        assert await other_node.authenticate("native", made.secret) == made.entry
        await ring.revoke(account_id, made.entry.id)
        assert other_node.find("native", made.secret) == made.entry
        if made is first:
            other_node.refresh_soon()
        else:
            timer.now += TTL
        assert other_node.find("native", made.secret) is None
        assert await other_node.authenticate("native", made.secret) is None


async def test_only_the_own_accounts_keys_can_be_revoked(ring: KeyRing, db: Database, account_id: int) -> None:
    other = await accounts.create(db, "other", datetime(2026, 1, 1, tzinfo=UTC))
    made = await ring.create(account_id, name="shop")
    assert not await ring.revoke(other.id, made.entry.id)
    assert not await ring.revoke(account_id, uuid4())
    assert await ring.authenticate("native", made.secret) == made.entry


async def test_changes_are_announced(ring: KeyRing, db: Database, account_id: int) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with db.work.acquire() as connection:
        await connection.add_listener("tyrian_config", lambda *args: heard.put_nowait(args[3]))
        made = await ring.create(account_id, name="shop")
        assert await heard.get() == "keys"
        await ring.revoke(account_id, made.entry.id)
        assert await heard.get() == "keys"
        await ring.signing.rotate(account_id)
        assert await heard.get() == "signing"
        await connection.reset()


async def test_an_unknown_key_asks_the_database_once(
    ring: KeyRing, db: Database, account_id: int, monkeypatch: pytest.MonkeyPatch, timer: Timer
) -> None:
    asked = 0
    fetchrow = db.fetchrow

    async def counted(sql: str, *args: object) -> object:
        nonlocal asked
        asked += 1
        return await fetchrow(sql, *args)

    monkeypatch.setattr(db, "fetchrow", counted)
    assert await asyncio.gather(*(ring.authenticate("native", "wrong") for _ in range(50))) == [None] * 50
    assert await ring.authenticate("native", "wrong") is None
    assert asked == 1
    timer.now += TTL
    assert await ring.authenticate("native", "wrong") is None
    assert asked == 2


async def test_memory_of_wrong_keys_is_bounded(ring: KeyRing, monkeypatch: pytest.MonkeyPatch, account_id: int) -> None:
    monkeypatch.setattr("tyrian.engine.keys._REMEMBERED", 5)
    for number in range(8):
        assert await ring.authenticate("native", f"wrong {number}") is None
    assert len(ring._bad) == 5


async def test_what_was_read_before_a_change_is_not_remembered(
    ring: KeyRing, db: Database, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await ring.create(account_id, name="shop")
    fetchrow, read, go = db.fetchrow, asyncio.Event(), asyncio.Event()

    async def slow(sql: str, *args: object) -> object:
        row = await fetchrow(sql, *args)
        read.set()
        await go.wait()
        return row

    monkeypatch.setattr(db, "fetchrow", slow)
    asking = asyncio.create_task(ring.authenticate("native", made.secret))
    await read.wait()
    ring.refresh_soon()
    go.set()
    assert await asking == made.entry
    assert ring.find("native", made.secret) is None


async def test_a_caller_who_leaves_does_not_take_the_answer_from_others(
    ring: KeyRing, db: Database, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await ring.create(account_id, name="shop")
    fetchrow, begun, go = db.fetchrow, asyncio.Event(), asyncio.Event()

    async def slow(sql: str, *args: object) -> object:
        begun.set()
        await go.wait()
        return await fetchrow(sql, *args)

    monkeypatch.setattr(db, "fetchrow", slow)
    leaver, stayer = (asyncio.create_task(ring.authenticate("native", made.secret)) for _ in range(2))
    await begun.wait()
    leaver.cancel()
    go.set()
    assert await stayer == made.entry


def test_secrets_are_long_and_plain() -> None:
    made = {new_secret("x_") for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) == 45 and secret[2:].isalnum() and secret.isascii() for secret in made)


def test_every_scope_has_its_sentence() -> None:
    assert all(sentence.endswith(".") for sentence in SCOPES.values())
