"""Telesign's signatures: requests by its own HMAC scheme ("Digest"), callbacks over their raw body.

Pure functions over bytes. Facts from the SDKs `telesign` 4.1.1 and 1.2.3 and `telesignsdk` 3.0.4, whose signatures are
the test vectors.
"""

import base64
import binascii
import hmac
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

#: The value of `x-ts-auth-method` -> the hash of the HMAC.
METHODS: Final = {b"HMAC-SHA256": "sha256", b"HMAC-SHA1": "sha1"}
SCHEME: Final = "TSA"
#: The body that one SDK signs into requests that have none.
_EMPTY_OBJECT: Final = b"{}"


class Signed(NamedTuple):
    """The parts of a request that a signature covers, as they came. A header that did not come is None."""

    method: bytes
    path: bytes
    body: bytes
    content_type: bytes | None = None
    date: bytes | None = None
    auth_method: bytes | None = None
    ts_date: bytes | None = None
    nonce: bytes | None = None


@lru_cache(maxsize=4096)
def decoded_key(api_key: str) -> bytes:
    """The key of the HMAC: the API key's bytes. Raises `ValueError` for what is no base64."""
    try:
        return base64.b64decode(api_key, validate=True)
    except binascii.Error as error:
        raise ValueError("an API key is base64 text in the standard alphabet") from error


def string_to_sign(request: Signed, *, date: bytes | None = None, body: bytes | None = None) -> bytes:
    """What is signed. `date` is the third line, `body` the seventh item, where they are not the request's own."""
    third = date if date is not None else (b"" if request.ts_date is not None else request.date or b"")
    lines = [request.method, request.content_type or b"", third]
    if request.auth_method is not None:
        lines.append(b"x-ts-auth-method:" + request.auth_method)
    if request.ts_date is not None:
        lines.append(b"x-ts-date:" + request.ts_date)
    if request.nonce is not None:
        lines.append(b"x-ts-nonce:" + request.nonce)
    if body is not None:
        lines.append(body)
    elif request.content_type and request.body:
        lines.append(request.body)
    lines.append(request.path)
    return b"\n".join(lines)


def sign(text: bytes, api_key: str, method: str = "sha256") -> str:
    """The base64 signature of bytes."""
    return base64.b64encode(hmac.digest(decoded_key(api_key), text, method)).decode()


def is_signed(request: Signed, api_key: str, signature: bytes) -> bool:
    """Whether a signature is the request's, in any of the ways that Telesign's SDKs put one together."""
    method = METHODS.get(request.auth_method or b"")
    if method is None:
        return False
    return any(hmac.compare_digest(sign(text, api_key, method).encode(), signature) for text in _spellings(request))


def _spellings(request: Signed) -> Iterator[bytes]:
    yield string_to_sign(request)
    if request.ts_date is not None and request.date is not None:
        # Some signers give both dates, and leave the third line filled.
        yield string_to_sign(request, date=request.date)
    if request.method == b"GET" and not request.body:
        # Node's SDK, once its content type was set to JSON.
        yield string_to_sign(request, body=_EMPTY_OBJECT)


# -- Callbacks --------------------------------------------------------------------------------------------------------


def callback_headers(body: bytes, customer_id: str, api_key: str) -> dict[str, str]:
    """The headers that prove a callback's body."""
    signature = sign(body, api_key)
    return {
        "Content-Type": "application/json",
        "Authorization": f"{SCHEME} {customer_id}:{signature}",
        "X-TS-Authorization": signature,
    }


def is_callback(body: bytes, api_key: str, authorization: str | None, bare: str | None) -> bool:
    """Whether either header holds the body's signature. Takes the same time whatever they hold."""
    expected = sign(body, api_key).encode()
    _, _, credential = (authorization or "").partition(" ")
    given = ((bare or "").strip(), credential.rpartition(":")[2].strip())
    matches = [hmac.compare_digest(expected, g.encode("utf-8", "replace")) for g in given if g]
    return any(matches)


def basic(customer_id: str, api_key: str) -> str:
    """The value of an Authorization header of the Basic scheme; the API key goes in as its text."""
    return "Basic " + base64.b64encode(f"{customer_id}:{api_key}".encode()).decode()
