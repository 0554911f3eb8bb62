"""Who may call: Basic and Digest as SDKs send them, replays, clocks, scopes."""

import base64
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.protocols.telesign.conftest import CUSTOMER, KEY, SEND, Answer, Api
from tyrian.engine.keys import Form
from tyrian.protocols.telesign import signing
from tyrian.protocols.telesign.access import CLOCK_SKEW, Nonces
from tyrian.protocols.telesign.ids import wall
from tyrian.protocols.telesign.signing import Signed

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "35C8B5D509BC10689196FED2AD551B8A"


async def digest(api: Api, path: str = f"{SEND}/{UNKNOWN}", **change: Any) -> Answer:
    """A signed GET. `shift` moves its date by seconds; `sign` and `send` change what is signed and what is sent."""
    date = format_datetime(wall() + timedelta(seconds=change.get("shift", 0)), usegmt=True)
    headers: dict[str, str | None] = {
        "Content-Type": "",
        "Date": date,
        "x-ts-auth-method": "HMAC-SHA256",
        "x-ts-nonce": str(uuid4()),
        **change.get("sign", {}),
    }

    def raw(name: str) -> bytes | None:
        value = headers.get(name)
        return None if value is None else value.encode()

    request = Signed(
        b"GET", path.partition("?")[0].encode(), b"", raw("Content-Type"), raw("Date"),
        raw("x-ts-auth-method"), raw("x-ts-date"), raw("x-ts-nonce"),
    )  # fmt: skip
    method = signing.METHODS.get(raw("x-ts-auth-method") or b"", "sha256")
    signature = signing.sign(signing.string_to_sign(request), change.get("key", KEY), method)
    authorization = f"TSA {change.get('customer', CUSTOMER)}:{signature}"
    return await api.get(path, headers={**headers, "Authorization": authorization, **change.get("send", {})})


@pytest.mark.parametrize(
    ("title", "change", "status"),
    [
        ("as the SDKs do", {}, 400),
        ("with SHA-1", {"sign": {"x-ts-auth-method": "HMAC-SHA1"}}, 400),
        ("without a nonce", {"sign": {"x-ts-nonce": None}}, 400),
        ("with a query, which is not signed", {"path": f"{SEND}/{UNKNOWN}?verify_code=57244"}, 400),
        ("a little early", {"shift": -CLOCK_SKEW + 60}, 400),
        ("a little late", {"shift": CLOCK_SKEW - 60}, 400),
        ("too early", {"shift": -CLOCK_SKEW - 60}, 401),
        ("too late", {"shift": CLOCK_SKEW + 60}, 401),
        ("a date that is none", {"sign": {"Date": "yesterday"}}, 401),
        ("no date", {"sign": {"Date": None}}, 401),
        ("a short nonce", {"sign": {"x-ts-nonce": "1234567"}}, 401),
        ("a long nonce", {"sign": {"x-ts-nonce": "x" * 65}}, 401),
        ("another key", {"key": base64.b64encode(b"another").decode()}, 401),
        ("another customer", {"customer": str(uuid4()).upper()}, 401),
        ("a hash that there is not", {"send": {"x-ts-auth-method": "HMAC-MD5"}}, 401),
        ("Basic named as the method", {"send": {"x-ts-auth-method": "Basic"}}, 401),
        ("a header changed on the way", {"send": {"x-ts-nonce": str(uuid4())}}, 401),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_digest(api: Api, title: str, change: dict[str, Any], status: int) -> None:
    answer = await digest(api, **change)
    assert (answer.status, answer.code) == (status, 3400 if status == 401 else 3311)


async def test_a_date_in_a_header_of_its_own(api: Api) -> None:
    date = format_datetime(wall(), usegmt=True)
    assert (await digest(api, sign={"Date": None, "x-ts-date": date})).status == 400


async def test_a_request_is_taken_once(api: Api) -> None:
    nonce = {"x-ts-nonce": str(uuid4())}
    assert (await digest(api, sign=nonce)).status == 400
    assert (await digest(api, sign=nonce)).code == 3400


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, 3405),
        ("", 3412),
        ("Bearer x", 3412),
        ("Basic", 3412),
        ("Basic !", 3412),
        ("Basic " + base64.b64encode(b"no colon").decode(), 3412),
        ("TSA", 3412),
        ("TSA x", 3412),
        (f"TSA {CUSTOMER}:", 3400),
        (f"TSA {CUSTOMER}:\xff", 3400),
        (signing.basic(CUSTOMER, "wrong"), 3400),
        (signing.basic(str(uuid4()), KEY), 3400),
        (signing.basic("", ""), 3400),
    ],
)
async def test_who_is_not_known(api: Api, authorization: str | None, code: int) -> None:
    for answer in (
        await api.get(f"{SEND}/{UNKNOWN}", headers={"Authorization": authorization}),
        await api.send(api.message(), headers={"Authorization": authorization}),
    ):
        assert (answer.status, answer.code) == (401, code)
        assert "reference_id" not in answer.body
    assert answer.body["external_id"] is None


async def test_basic_as_the_pages_print_it(api: Api) -> None:
    answer = await api.get(f"{SEND}/{UNKNOWN}", headers={"Authorization": f"Basic {CUSTOMER}:{KEY}"})
    assert answer.status == 400


async def test_basic_with_the_sdks_further_headers(api: Api) -> None:
    more = {"x-ts-auth-method": "Basic", "x-ts-nonce": "1", "Date": "yesterday"}
    for _ in range(2):
        assert (await api.get(f"{SEND}/{UNKNOWN}", headers=more)).status == 400


async def test_a_key_does_what_its_scopes_say(api: Api) -> None:
    reader = await api.with_key(scopes=["messages:read"])
    assert (await reader.get(f"{SEND}/{UNKNOWN}")).code == 3311
    refused = await reader.send(api.message())
    assert (refused.status, refused.code) == (401, 3400)


async def test_a_key_of_the_gateway_s_own_making_signs(api: Api) -> None:
    made = await api.with_key()
    assert (await digest(api, customer=made.customer_id, key=made.key)).code == 3311


async def test_a_key_that_was_revoked(api: Api) -> None:
    made = await api.with_key()
    assert (await made.get(f"{SEND}/{UNKNOWN}")).code == 3311
    entry = await api.gateway.keys.authenticate("telesign", made.customer_id, Form.SIGNED)
    assert entry is not None
    await api.gateway.keys.revoke(api.account_id, entry.id)
    assert (await made.get(f"{SEND}/{UNKNOWN}")).code == 3400


async def test_a_key_that_is_no_base64_works_with_basic_alone(api: Api) -> None:
    made = await api.gateway.keys.create(
        api.account_id, name="odd", face="telesign", form=Form.SIGNED, identity="odd", secret="not base64!"
    )  # fmt: skip
    basic = signing.basic("odd", made.secret)
    assert (await api.get(f"{SEND}/{UNKNOWN}", headers={"Authorization": basic})).status == 400
    assert (await digest(api, customer="odd")).code == 3400


async def test_nonces_are_forgotten_in_time_and_never_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    nonces = Nonces(timer=lambda: now)
    assert nonces.take(b"a", b"1")
    assert not nonces.take(b"a", b"1")
    assert nonces.take(b"b", b"1")
    now = 2 * CLOCK_SKEW
    assert nonces.take(b"a", b"1")
    monkeypatch.setattr("tyrian.protocols.telesign.access._REMEMBERED", 3)
    assert all(nonces.take(b"a", b"%d" % number) for number in range(2, 10))
    assert nonces.take(b"a", b"2")
    assert not nonces.take(b"a", b"9")
