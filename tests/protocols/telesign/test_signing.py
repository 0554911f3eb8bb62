"""Signatures, against those that Telesign's own SDKs make."""

import base64
from dataclasses import dataclass

import pytest
from hypothesis import given, strategies as st

from tests.protocols.telesign.conftest import CALM
from tyrian.protocols.telesign import signing
from tyrian.protocols.telesign.signing import Signed

CUSTOMER = "FFFFFFFF-EEEE-DDDD-1234-AB1234567890"
KEY = "ABC12345yusumoN6BYsBVkh+yRJ5czgsnCehZaOYldPJdmFh6NeX8kunZ2zU1YWaUw/0wV6xfw=="
DATE = b"Wed, 14 Oct 2020 21:25:54 GMT"
NONCE = b"a1592c6f-e384-4cdb-bc42-c3ab970369e9"
BODY = (
    b'{"channels":[{"channel":"viber","fallback_time":600},{"channel":"sms"}],"phone_number":"15558675309","message":'
    b'{"viber":{"template":"url_action","parameters":{"url_text":"Track Order","text":"Order shipped","url_id":'
    b'"urlid1","url":"https://example.com/orders?id=1"}},"sms":{"template":"text","parameters":'
    b'{"text":"Order shipped"}}},"message_type":"MKT"}'
)
SEND = b"/v1/omnichannel"
READ = b"/v1/omnichannel/35C8B5D509BC10689196FED2AD551B8A"
SHA256, SHA1 = b"HMAC-SHA256", b"HMAC-SHA1"


@dataclass(frozen=True)
class Vector:
    title: str
    request: Signed
    signature: str
    key: str = KEY


VECTORS = [
    Vector(
        "V1: a POST",
        Signed(b"POST", SEND, BODY, b"application/json", DATE, SHA256, None, NONCE),
        "kwJkmDgz8KpFMCstx9OOg7G2vPkZLVxq0OkR2ytwEXc=",
    ),
    Vector(
        "V2: a GET with an empty content type",
        Signed(b"GET", READ, b"", b"", DATE, SHA256, None, NONCE),
        "+0BM2QpAIXYhnHIXK9/wsgI1I2pJ66o3fWGpMk99UKs=",
    ),
    Vector(
        "V2: a GET without a content type",
        Signed(b"GET", READ, b"", None, DATE, SHA256, None, NONCE),
        "+0BM2QpAIXYhnHIXK9/wsgI1I2pJ66o3fWGpMk99UKs=",
    ),
    Vector(
        "V3: a GET with x-ts-date",
        Signed(b"GET", READ, b"", b"", None, SHA256, DATE, NONCE),
        "TAGBiZMFSvNL6OniCIuKeYr7XmVvIFPjegvsi8un4l4=",
    ),
    Vector(
        "V3b: without a nonce",
        Signed(b"GET", READ, b"", b"", None, SHA256, DATE, None),
        "M9XkUE3k6muCJmf1Czgg2uSZUypBdAt5zLazRewE5Mc=",
    ),
    Vector(
        "V4: with SHA-1",
        Signed(b"GET", READ, b"", b"", None, SHA1, DATE, NONCE),
        "6LwVSA1tWBJSmg/IAUyOI11n/9Q=",
    ),
    Vector(
        "V4b: a POST with x-ts-date",
        Signed(b"POST", SEND, BODY, b"application/json", None, SHA256, DATE, NONCE),
        "4Y16g+h47SnJJxEbvxxP6/lx3leF6Idl0DGBJLLUwhs=",
    ),
    Vector(
        "V5: a GET signed with an empty object",
        Signed(b"GET", READ, b"", b"", DATE, SHA256, None, NONCE),
        "3HIkfQcP62wP+gt5R6E4EDam39uWN+Nm/Z6qnh7VNz0=",
    ),
]


def test_the_body_is_the_references() -> None:
    assert len(BODY) == 353


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.title)
def test_a_signature_of_the_sdks_holds(vector: Vector) -> None:
    assert signing.is_signed(vector.request, vector.key, vector.signature.encode())


def test_a_form_of_the_base_product_is_signed_alike() -> None:
    """V7. Its key has a hyphen, which Python's lenient decoder drops; ours refuses such keys."""
    key = "EXAMPLE----TE8sTgg45yusumoN6BYsBVkh+yRJ5czgsnCehZaOYldPJdmFh6NeX8kunZ2zU1YWaUw/0wV6xfw=="
    with pytest.raises(ValueError, match="standard alphabet"):
        signing.decoded_key(key)
    plain = base64.b64encode(base64.b64decode(key)).decode()
    request = Signed(
        b"POST",
        b"/v1/resource",
        b"test=param",
        b"application/x-www-form-urlencoded",
        b"Wed, 14 Dec 2016 18:20:12 GMT",
        SHA256,
        None,
        b"A1592C6F-E384-4CDB-BC42-C3AB970369E9",
    )
    assert signing.sign(signing.string_to_sign(request), plain) == "2xVlmbrxLjYrrPun3G3WMNG6Jon4yKcTeOoK9DjXJ/Q="
    assert signing.sign(b"{'test': 123}", plain) == "B97g3N9lPdVaptvifxRau7bzVAC5hhRBZ6HKXABN744="


@pytest.mark.parametrize(
    ("title", "change"),
    [
        ("another method", {"method": b"PUT"}),
        ("another path", {"path": b"/v1/omnichannel/"}),
        ("another body", {"body": BODY + b" "}),
        ("another content type", {"content_type": b"text/plain"}),
        ("another date", {"date": b"Wed, 14 Oct 2020 21:25:55 GMT"}),
        ("another nonce", {"nonce": b"b1592c6f-e384-4cdb-bc42-c3ab970369e9"}),
        ("no nonce", {"nonce": None}),
        ("another hash", {"auth_method": SHA1}),
        ("a hash that there is not", {"auth_method": b"HMAC-MD5"}),
        ("no hash", {"auth_method": None}),
    ],
)
def test_what_was_changed_is_not_signed(title: str, change: dict[str, bytes | None]) -> None:
    changed = VECTORS[0].request._replace(**change)  # type: ignore[arg-type]
    assert not signing.is_signed(changed, KEY, VECTORS[0].signature.encode())


def test_both_dates_may_come() -> None:
    both = Signed(b"POST", SEND, BODY, b"application/json", DATE, SHA256, DATE, NONCE)
    for third in (DATE, b""):
        signature = signing.sign(signing.string_to_sign(both, date=third), KEY)
        assert signing.is_signed(both, KEY, signature.encode())


def test_basic_takes_the_key_as_text() -> None:
    """V6."""
    assert signing.basic(CUSTOMER, KEY) == (
        "Basic RkZGRkZGRkYtRUVFRS1ERERELTEyMzQtQUIxMjM0NTY3ODkwOkFCQzEyMzQ1eXVzdW1vTjZCWXNCVmtoK3lSSjVjemdzbkNlaFphT1ls"
        "ZFBKZG1GaDZOZVg4a3VuWjJ6VTFZV2FVdy8wd1Y2eGZ3PT0="
    )


class TestCallbacks:
    BODY = b'{"reference_id":"35C8B5D509BC10689196FED2AD551B8A","status":{"code":3000}}'
    SIGNATURE = "YHHZ71h9x/rivb0zmN13cTFZdPv+E7t5CWMRNwIyaxg="

    def test_both_headers_hold_the_signature(self) -> None:
        headers = signing.callback_headers(self.BODY, CUSTOMER, KEY)
        assert headers["X-TS-Authorization"] == self.SIGNATURE
        assert headers["Authorization"] == f"TSA {CUSTOMER}:{self.SIGNATURE}"
        assert headers["Content-Type"] == "application/json"

    @pytest.mark.parametrize(
        ("authorization", "bare", "holds"),
        [
            (f"TSA {CUSTOMER}:{SIGNATURE}", SIGNATURE, True),
            (None, SIGNATURE, True),
            (f"TSA {CUSTOMER}:{SIGNATURE}", None, True),
            (None, None, False),
            ("", "", False),
            (f"TSA {CUSTOMER}:", "nonsense", False),
            (None, SIGNATURE[:-2] + "A=", False),
            (None, "\udcff", False),
        ],
    )
    def test_either_header_will_do(self, authorization: str | None, bare: str | None, holds: bool) -> None:
        assert signing.is_callback(self.BODY, KEY, authorization, bare) is holds

    @CALM
    @given(st.binary(), st.binary(min_size=1))
    def test_another_body_is_not_signed(self, body: bytes, more: bytes) -> None:
        headers = signing.callback_headers(body, CUSTOMER, KEY)
        given = (headers["Authorization"], headers["X-TS-Authorization"])
        assert signing.is_callback(body, KEY, *given)
        assert not signing.is_callback(body + more, KEY, *given)
