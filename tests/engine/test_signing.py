"""Signing secrets: one in force, two while a customer changes over."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.clock import ManualClock
from tyrian.engine.signing import OVERLAP, SigningSecrets
from tyrian.store import keys as store
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def signing(db: Database, clock: ManualClock) -> SigningSecrets:
    return SigningSecrets(db, clock, SecretBox("a key for tests"))


async def test_there_is_always_a_secret(signing: SigningSecrets, account_id: int) -> None:
    first = await signing.signing_keys(account_id)
    assert len(first) == 1
    assert await signing.signing_keys(account_id) == first


async def test_many_at_once_share_one_read_and_one_new_secret(
    signing: SigningSecrets, db: Database, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read = store.signing

    async def counted(*args: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(*args)

    monkeypatch.setattr(store, "signing", counted)
    found = await asyncio.gather(*(signing.signing_keys(account_id) for _ in range(50)))
    assert len({tuple(keys) for keys in found}) == 1
    assert len(await db.read("SELECT 1 FROM signing_secrets")) == 1
    reads = 0
    signing.refresh_soon()
    await asyncio.gather(*(signing.signing_keys(account_id) for _ in range(50)))
    assert reads == 1


async def test_a_secret_is_one_that_standard_webhooks_takes(
    signing: SigningSecrets, account_id: int, clock: ManualClock
) -> None:
    (secret,) = await signing.signing_keys(account_id)
    assert Webhook(secret).sign("msg_1", clock.now(), "{}").startswith("v1,")


async def test_the_old_secret_signs_for_a_while_beside_the_new(
    signing: SigningSecrets, account_id: int, clock: ManualClock
) -> None:
    old = await signing.rotate(account_id)
    await clock.advance(3600)
    new = await signing.rotate(account_id)
    assert await signing.signing_keys(account_id) == [new.secret, old.secret]
    assert [s.expires_at for s in await signing.in_force(account_id)] == [None, new.created_at + OVERLAP]
    await clock.advance(OVERLAP.total_seconds())
    assert await signing.signing_keys(account_id) == [new.secret]


async def test_secrets_that_ended_are_deleted(
    signing: SigningSecrets, db: Database, account_id: int, clock: ManualClock
) -> None:
    for _ in range(4):
        await signing.rotate(account_id)
        await clock.advance(OVERLAP.total_seconds() / 2 + 1)
    created = [row["created_at"] for row in await db.read("SELECT created_at FROM signing_secrets ORDER BY 1")]
    assert len(created) == 3
    assert clock.now() - created[0] > timedelta(hours=24)


async def test_rotations_in_the_same_instant_are_two_secrets(signing: SigningSecrets, account_id: int) -> None:
    first, second = await signing.rotate(account_id), await signing.rotate(account_id)
    assert await signing.signing_keys(account_id) == [second.secret, first.secret]


async def test_faces_have_secrets_of_their_own(signing: SigningSecrets, account_id: int) -> None:
    native = await signing.rotate(account_id)
    other = await signing.rotate(account_id, "other", secret="chosen")
    assert await signing.signing_keys(account_id) == [native.secret]
    assert await signing.signing_keys(account_id, "other") == ["chosen"]
    assert "chosen" not in repr(other)


async def test_secrets_are_sealed(signing: SigningSecrets, db: Database, account_id: int) -> None:
    made = await signing.rotate(account_id)
    stored = await db.fetchval("SELECT secret FROM signing_secrets")
    assert made.secret.encode() not in stored
